/*-------------------------------------------------------------------------
 *
 * basetable.c
 *	  The base tables: what their rows say, and the trigger that hears of every
 *	  change of them.
 *
 * One static description per table tells which column is user, item, time,
 * event, number.  Everything else here works from it: the trigger that turns
 * transition tables into facts, and the reader that asks the base tables what
 * they say of a pair.  The view interact_fact says the same in SQL, and
 * interact_check() compares the two.
 *
 * The trigger fires after each statement, whoever wrote it.  The tuplestores
 * of transition tables are shared with other triggers of the statement, so
 * they are read through read pointers of our own.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "access/htup_details.h"
#include "access/relscan.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Columns of the base tables, in table order. */
enum
{
	Anum_view_user_id = 2,
	Anum_view_item_id,
	Anum_view_viewed_at
};
enum
{
	Anum_favorite_user_id = 2,
	Anum_favorite_item_id,
	Anum_favorite_list,
	Anum_favorite_created_at
};
enum
{
	Anum_review_user_id = 2,
	Anum_review_item_id,
	Anum_review_rating,
	Anum_review_title,
	Anum_review_comment,
	Anum_review_created_at,
	Anum_review_updated_at
};
enum
{
	Anum_reaction_user_id = 2,
	Anum_reaction_item_id,
	Anum_reaction_reaction,
	Anum_reaction_created_at
};
enum
{
	Anum_cart_item_user_id = 2,
	Anum_cart_item_item_id,
	Anum_cart_item_quantity,
	Anum_cart_item_added_at,
	Anum_cart_item_removed_at
};
enum
{
	Anum_purchase_user_id = 2,
	Anum_purchase_item_id,
	Anum_purchase_quantity,
	Anum_purchase_unit_price,
	Anum_purchase_order_id,
	Anum_purchase_purchased_at
};
enum
{
	Anum_event_user_id = 2,
	Anum_event_item_id,
	Anum_event_event,
	Anum_event_value,
	Anum_event_occurred_at
};
enum
{
	Anum_pruned_item_id = 2,
	Anum_pruned_event,
	Anum_pruned_count,
	Anum_pruned_total,
	Anum_pruned_pruned_at
};

/* Where a base table's rows keep what; 0 where they do not. */
typedef struct BaseTable
{
	int			event_id;		/* event of all rows, or -1: see event */
	EventKind	kind;			/* kind of the names in event */
	AttrNumber	user;			/* bigint; 0: the rows are nobody's */
	AttrNumber	item;			/* bigint */
	AttrNumber	at;				/* timestamptz */
	const char *at_name;		/* its name, for messages */
	AttrNumber	event;			/* text */
	AttrNumber	gone;			/* timestamptz; not null: counts for nothing */
	AttrNumber	quantity;		/* integer */
	AttrNumber	value;			/* numeric, times quantity if there is one */
	AttrNumber	rating;			/* smallint, also the value */
	AttrNumber	count;			/* bigint: rows the row stands for */
	InteractRel pair;			/* index that finds the rows of a pair */
	bool		pair_item_first;	/* its columns: item, user; else user, item */
	bool		pair_by_time;	/* its last column is at, the next after event */
} BaseTable;

static const BaseTable base_tables[NUM_BASE_TABLES] = {
	[REL_VIEW] = {
		.event_id = EVENT_VIEW,
		.user = Anum_view_user_id,
		.item = Anum_view_item_id,
		.at = Anum_view_viewed_at, .at_name = "viewed_at",
		.pair = REL_VIEW_PAIR, .pair_item_first = true, .pair_by_time = true
	},
	[REL_FAVORITE] = {
		.event_id = EVENT_FAVORITE,
		.user = Anum_favorite_user_id,
		.item = Anum_favorite_item_id,
		.at = Anum_favorite_created_at, .at_name = "created_at",
		.pair = REL_FAVORITE_PAIR
	},
	[REL_REVIEW] = {
		.event_id = EVENT_RATING,
		.user = Anum_review_user_id,
		.item = Anum_review_item_id,
		.at = Anum_review_updated_at, .at_name = "updated_at",
		.rating = Anum_review_rating,
		.pair = REL_REVIEW_PAIR
	},
	[REL_REACTION] = {
		.event_id = -1, .kind = EVENT_KIND_REACTION,
		.user = Anum_reaction_user_id,
		.item = Anum_reaction_item_id,
		.at = Anum_reaction_created_at, .at_name = "created_at",
		.event = Anum_reaction_reaction,
		.pair = REL_REACTION_PAIR
	},
	[REL_CART_ITEM] = {
		.event_id = EVENT_CART,
		.user = Anum_cart_item_user_id,
		.item = Anum_cart_item_item_id,
		.at = Anum_cart_item_added_at, .at_name = "added_at",
		.gone = Anum_cart_item_removed_at,
		.quantity = Anum_cart_item_quantity,
		.pair = REL_CART_ITEM_PAIR, .pair_item_first = true, .pair_by_time = true
	},
	[REL_PURCHASE] = {
		.event_id = EVENT_PURCHASE,
		.user = Anum_purchase_user_id,
		.item = Anum_purchase_item_id,
		.at = Anum_purchase_purchased_at, .at_name = "purchased_at",
		.quantity = Anum_purchase_quantity,
		.value = Anum_purchase_unit_price,
		.pair = REL_PURCHASE_PAIR, .pair_item_first = true, .pair_by_time = true
	},
	[REL_EVENT] = {
		.event_id = -1, .kind = EVENT_KIND_EVENT,
		.user = Anum_event_user_id,
		.item = Anum_event_item_id,
		.at = Anum_event_occurred_at, .at_name = "occurred_at",
		.event = Anum_event_event,
		.value = Anum_event_value,
		.pair = REL_EVENT_PAIR, .pair_item_first = true, .pair_by_time = true
	},
	[REL_PRUNED] = {
		.event_id = -1, .kind = EVENT_KIND_NONE,
		.item = Anum_pruned_item_id,
		.at = Anum_pruned_pruned_at, .at_name = "pruned_at",
		.event = Anum_pruned_event,
		.value = Anum_pruned_total,
		.count = Anum_pruned_count
	},
};

PG_FUNCTION_INFO_V1(interact_derive);

/* ---------- facts ---------- */

/* Raises an error unless at is finite and at most a day ahead of the clock. */
void
interact_check_time(TimestampTz at, const char *column)
{
	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("%s must be a finite time", column)));
	if (at > GetCurrentTimestamp() + USECS_PER_DAY)
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("%s must not be in the future", column),
				 errdetail("The time is %s.", timestamptz_to_str(at)),
				 errhint("Times up to one day ahead of the server's clock are accepted.")));
}

/*
 * Id of the event in the row's event column.  Names that do not exist, or not
 * for this table, are errors; while a dump is restored an unknown name gives
 * -1, see basetable_restored().
 */
static int
row_event(const BaseTable *table, Datum name)
{
	text	   *t = DatumGetTextPP(name);
	int			id = interact_event_find(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
	const EventType *type;

	if (id < 0 && interact_restoring())
		return -1;
	if (id < 0)
		id = interact_event_id(VARDATA_ANY(t), VARSIZE_ANY_EXHDR(t));
	type = &interact_event_types()[id];

	if (table->kind == EVENT_KIND_EVENT && type->kind != EVENT_KIND_EVENT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("event \"%s\" is not recorded in interact_event", type->name),
				 errhint("Use interact_record(), which knows the right table.")));
	if (table->kind == EVENT_KIND_REACTION && type->kind != EVENT_KIND_REACTION)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("event \"%s\" is not a reaction", type->name),
				 errhint("Define reactions with interact_define_event(..., kind => 'reaction').")));
	return id;
}

/*
 * What the row in slot says.  False if it counts for nothing.  total is valid
 * as long as the slot's tuple or the current memory context.
 */
static bool
row_fact(const BaseTable *table, TupleTableSlot *slot, Fact *fact)
{
	bool		isnull;
	Datum		value;

	if (table->gone != 0)
	{
		(void) slot_getattr(slot, table->gone, &isnull);
		if (!isnull)
			return false;
	}

	fact->has_user = table->user != 0;
	fact->user = fact->has_user ?
		DatumGetInt64(slot_getattr(slot, table->user, &isnull)) : 0;
	fact->item = DatumGetInt64(slot_getattr(slot, table->item, &isnull));
	fact->at = DatumGetTimestampTz(slot_getattr(slot, table->at, &isnull));
	fact->event = table->event_id >= 0 ? table->event_id :
		row_event(table, slot_getattr(slot, table->event, &isnull));
	if (fact->event < 0)
		return false;
	fact->count = table->count == 0 ? 1 :
		DatumGetInt64(slot_getattr(slot, table->count, &isnull));
	fact->units = table->quantity == 0 ? 0 :
		DatumGetInt32(slot_getattr(slot, table->quantity, &isnull));
	fact->rating = 0;
	fact->total = NULL;

	if (table->rating != 0)
	{
		fact->rating = DatumGetInt16(slot_getattr(slot, table->rating, &isnull));
		fact->total = int64_to_numeric(fact->rating);
	}
	else if (table->value != 0)
	{
		value = slot_getattr(slot, table->value, &isnull);
		if (!isnull)
		{
			fact->total = DatumGetNumeric(value);
			if (table->quantity != 0 && fact->units != 1)
				fact->total = DatumGetNumeric(DirectFunctionCall2(numeric_mul,
																  NumericGetDatum(fact->total),
																  NumericGetDatum(int64_to_numeric(fact->units))));
		}
	}
	return true;
}

static bool
same_total(Numeric a, Numeric b)
{
	if (a == NULL || b == NULL)
		return a == b;
	return DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(a),
											NumericGetDatum(b)));
}

/* ---------- statements run by triggers ---------- */

/*
 * A trigger of the application may change or delete the very row whose
 * insertion fired it.  We hear of that first, and of the insertion only when
 * its statement ends; what it says of the pair is out of date by then.  So the
 * pairs are noted that statements run by triggers took something away from, and
 * derived anew when something is added to them in the same transaction.
 */

/* Pairs noted at most; from there on it could be any. */
#define NESTED_MAX			100000

static HTAB *nested_pairs = NULL;	/* of AccKey, in TopTransactionContext */
static LocalTransactionId nested_lxid = InvalidLocalTransactionId;	/* of nested_pairs */

/* Note that a statement run by a trigger took something away from the pair. */
static void
note_nested(const Fact *fact)
{
	AccKey		pair = {fact->user, fact->item};

	if (nested_lxid != interact_lxid())
	{
		HASHCTL		ctl;

		ctl.keysize = sizeof(AccKey);
		ctl.entrysize = sizeof(AccKey);
		ctl.hcxt = TopTransactionContext;
		nested_pairs = hash_create("interact pairs changed by triggers", 64, &ctl,
								   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
		nested_lxid = interact_lxid();
	}
	if (hash_get_num_entries(nested_pairs) < NESTED_MAX)
		(void) hash_search(nested_pairs, &pair, HASH_ENTER, NULL);
}

/* Did a statement run by a trigger take something away from the pair? */
static bool
was_nested(const Fact *fact)
{
	AccKey		pair = {fact->user, fact->item};

	return nested_lxid == interact_lxid() &&
		(hash_get_num_entries(nested_pairs) >= NESTED_MAX ||
		 hash_search(nested_pairs, &pair, HASH_FIND, NULL) != NULL);
}

/* ---------- changes of rows ---------- */

/* Hand on that a row came into being. */
static void
add_fact(Batch *batch, const Fact *fact)
{
	batch_add(batch, fact);
	if (fact->has_user && was_nested(fact))
		batch_rederive(batch, fact->user, fact->item, EVENT_BIT(fact->event));
}

/* Hand on that a row is gone; nested if a trigger ran the statement. */
static void
remove_fact(Batch *batch, const Fact *fact, bool nested)
{
	batch_remove(batch, fact);
	if (fact->has_user && nested)
		note_nested(fact);
}

/* Hand the change of one row, from what it said to what it says, on. */
static void
change_fact(Batch *batch, const Fact *from, const Fact *to, bool nested)
{
	bool		same_pair = from->user == to->user && from->item == to->item &&
		from->event == to->event && from->at == to->at &&
		from->rating == to->rating;

	if (!same_pair && to->has_user && from->item == to->item &&
		from->event == to->event)
	{
		batch_move(batch, from, to);
		if (nested)
			note_nested(from);
		if (was_nested(to))
			batch_rederive(batch, to->user, to->item, EVENT_BIT(to->event));
	}
	else if (!same_pair)
	{
		remove_fact(batch, from, nested);
		add_fact(batch, to);
	}
	else if (from->count != to->count || from->units != to->units ||
			 !same_total(from->total, to->total))
		batch_recount(batch, from, to);
}

/* ---------- restoring a dump ---------- */

/*
 * Whether this session restores a dump.  pg_dump's scripts and pg_restore turn
 * check_function_bodies off, which is of no use to anyone else.
 */
bool
interact_restoring(void)
{
	return !check_function_bodies;
}

/*
 * While a dump was restored an event type or a setting came in that base rows
 * depend on.  pg_restore with several jobs keeps no order among the data of
 * tables, so such rows may have come before: event names were accepted
 * unchecked and counted for nothing, times were counted with another half-life.
 * Keep others from adding more until this commits, and derive what is there.
 */
void
basetable_restored(void)
{
	for (int i = 0; i < NUM_BASE_TABLES; i++)
		LockRelationOid(interact_relid((InteractRel) i), ShareLock);
	(void) interact_repair(true, true, false);
}

/* ---------- the trigger ---------- */

/* Start reading a transition table from its first row. */
void
transition_begin(TransitionReader *reader, Tuplestorestate *store, TupleDesc desc)
{
	reader->store = store;
	reader->pointer = tuplestore_alloc_read_pointer(store, EXEC_FLAG_REWIND);
	tuplestore_select_read_pointer(store, reader->pointer);
	tuplestore_rescan(store);
	reader->slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
}

/* The next row into reader->slot; false at the end. */
bool
transition_next(TransitionReader *reader)
{
	tuplestore_select_read_pointer(reader->store, reader->pointer);
	return tuplestore_gettupleslot(reader->store, true, false, reader->slot);
}

/* Which of the base tables this is; an error if none. */
static int
which_table(Relation rel)
{
	for (int i = 0; i < NUM_BASE_TABLES; i++)
	{
		if (interact_relid((InteractRel) i) == RelationGetRelid(rel))
			return i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
			 errmsg("interact_derive() must be a trigger of a base table of interact, not of \"%s\"",
					RelationGetRelationName(rel))));
}

/*
 * A table was truncated, which tells no rows: compare everything derived with
 * the base tables.  As the owner, because who may truncate one table need not
 * be allowed to read the others.
 */
static void
derive_truncate(Relation rel)
{
	Oid			save_user;
	int			save_sec;

	GetUserIdAndSecContext(&save_user, &save_sec);
	SetUserIdAndSecContext(rel->rd_rel->relowner,
						   save_sec | SECURITY_LOCAL_USERID_CHANGE);
	(void) interact_repair(true, true, false);
	SetUserIdAndSecContext(save_user, save_sec);
}

/*
 * interact_derive() -> trigger: AFTER INSERT, UPDATE, DELETE or TRUNCATE of a
 * base table, FOR EACH STATEMENT, with transition tables.
 */
Datum
interact_derive(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	const BaseTable *table;
	Batch	   *batch;
	MemoryContext row_context;
	MemoryContext old_context;
	TupleDesc	desc;
	TransitionReader olds = {0};
	TransitionReader news = {0};
	TimestampTz latest;
	bool		nested;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("interact_derive() must be called as a trigger")));
	if (!TRIGGER_FIRED_AFTER(trigdata->tg_event) ||
		!TRIGGER_FIRED_FOR_STATEMENT(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("interact_derive() must be fired AFTER ... FOR EACH STATEMENT")));
	table = &base_tables[which_table(trigdata->tg_relation)];

	if (TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event))
	{
		derive_truncate(trigdata->tg_relation);
		return PointerGetDatum(NULL);
	}

	desc = RelationGetDescr(trigdata->tg_relation);
	if (!TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
	{
		if (trigdata->tg_oldtable == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
					 errmsg("interact_derive() needs REFERENCING OLD TABLE")));
		transition_begin(&olds, trigdata->tg_oldtable, desc);
	}
	if (!TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
	{
		if (trigdata->tg_newtable == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
					 errmsg("interact_derive() needs REFERENCING NEW TABLE")));
		transition_begin(&news, trigdata->tg_newtable, desc);
	}

	/* the depth counts this trigger */
	nested = DatumGetInt32(pg_trigger_depth(NULL)) > 1;
	batch = batch_begin();
	latest = GetCurrentTimestamp() + USECS_PER_DAY;
	row_context = AllocSetContextCreate(CurrentMemoryContext, "interact row",
										ALLOCSET_SMALL_SIZES);
	for (;;)
	{
		Fact		from;
		Fact		to;
		bool		had;
		bool		has;

		CHECK_FOR_INTERRUPTS();
		if ((olds.store != NULL && !transition_next(&olds)) ||
			(news.store != NULL && !transition_next(&news)))
			break;

		old_context = MemoryContextSwitchTo(row_context);
		had = olds.store != NULL && row_fact(table, olds.slot, &from);
		has = news.store != NULL && row_fact(table, news.slot, &to);
		if (has && to.at > latest)
			interact_check_time(to.at, table->at_name);

		if (had && has)
			change_fact(batch, &from, &to, nested);
		else if (had)
			remove_fact(batch, &from, nested);
		else if (has)
			add_fact(batch, &to);

		MemoryContextSwitchTo(old_context);
		MemoryContextReset(row_context);
	}
	MemoryContextDelete(row_context);
	batch_end(batch);

	if (olds.slot != NULL)
		ExecDropSingleTupleTableSlot(olds.slot);
	if (news.slot != NULL)
		ExecDropSingleTupleTableSlot(news.slot);
	return PointerGetDatum(NULL);
}

/* ---------- pairs ---------- */

struct PairReader
{
	Snapshot	snapshot;		/* what the rows are seen by */
	Relation	rels[NUM_BASE_TABLES];	/* opened when first needed */
	Relation	indexes[NUM_BASE_TABLES];
	IndexScanDesc scans[NUM_BASE_TABLES];
	TupleTableSlot *slots[NUM_BASE_TABLES];
};

/*
 * Begin reading pairs under the snapshot, in the current memory context, which
 * has to be the current one whenever the reader is used: scans allocate.
 *
 * Derivation uses SnapshotSelf: what is committed by now and what this
 * transaction did, its current command included.  It takes no SIREAD locks.
 */
PairReader *
pair_reader_open(Snapshot snapshot)
{
	PairReader *reader = palloc0(sizeof(PairReader));

	reader->snapshot = snapshot;
	return reader;
}

void
pair_reader_close(PairReader *reader)
{
	for (int i = 0; i < NUM_BASE_TABLES; i++)
	{
		if (reader->rels[i] == NULL)
			continue;
		index_endscan(reader->scans[i]);
		index_close(reader->indexes[i], NoLock);
		ExecDropSingleTupleTableSlot(reader->slots[i]);
		table_close(reader->rels[i], NoLock);
	}
	pfree(reader);
}

/*
 * Let the table's rows of a pair, with the given event if the table keeps
 * several in its pair index (else -1), contribute to *state and, if it is not
 * NULL, to parts[event].  True if any row counts.
 */
static bool
read_pair(PairReader *reader, int t, int event, AffinityDelta *state,
		  PairPart *parts)
{
	const BaseTable *table = &base_tables[t];
	ScanKeyData keys[3];
	int			nkeys = 2;
	bool		found = false;
	Relation	index;

	if (reader->rels[t] == NULL)
	{
		reader->rels[t] = table_open(interact_relid((InteractRel) t),
									 AccessShareLock);
		reader->indexes[t] = index_open(interact_relid(table->pair),
										AccessShareLock);
		reader->scans[t] = interact_index_beginscan(reader->rels[t],
													reader->indexes[t],
													reader->snapshot,
													event >= 0 ? 3 : 2);
		reader->slots[t] = table_slot_create(reader->rels[t], NULL);
	}
	index = reader->indexes[t];

	ScanKeyInit(&keys[table->pair_item_first ? 1 : 0],
				table->pair_item_first ? 2 : 1,
				BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(state->user));
	ScanKeyInit(&keys[table->pair_item_first ? 0 : 1],
				table->pair_item_first ? 1 : 2,
				BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(state->item));
	if (event >= 0)
	{
		ScanKeyEntryInitialize(&keys[2], 0, 3, BTEqualStrategyNumber,
							   InvalidOid, index->rd_indcollation[2], F_TEXTEQ,
							   CStringGetTextDatum(interact_event_types()[event].name));
		nkeys = 3;
	}

	index_rescan(reader->scans[t], keys, nkeys, NULL, 0);
	while (index_getnext_slot(reader->scans[t], BackwardScanDirection,
							  reader->slots[t]))
	{
		Fact		fact;

		CHECK_FOR_INTERRUPTS();
		if (!row_fact(table, reader->slots[t], &fact))
			continue;
		state->at = Max(state->at, fact.at);
		state->signals |= EVENT_BIT(fact.event);
		if (fact.rating != 0)
			state->rating = fact.rating;
		found = true;
		if (parts != NULL)
		{
			PairPart   *part = &parts[fact.event];

			part->count += fact.count;
			part->hot = interact_log2_add(part->hot, interact_hot_of(fact.at));
			part->points += fact.rating;
		}
		else if (table->pair_by_time)
			break;				/* the first one met is the latest */
	}
	ExecClearTuple(reader->slots[t]);
	return found;
}

/*
 * Read all tables that may have rows of a pair: see pair_reader_get() and
 * pair_reader_parts().
 */
static bool
read_tables(PairReader *reader, int64 user, int64 item, int32 maybe,
			AffinityDelta *state, PairPart *parts)
{
	const EventType *types = interact_event_types();
	bool		found = false;

	state->user = user;
	state->item = item;
	state->at = DT_NOBEGIN;
	state->signals = 0;
	state->rating = 0;

	for (int t = 0; t < NUM_BASE_TABLES; t++)
	{
		const BaseTable *table = &base_tables[t];
		bool		wanted = false;

		if (table->user == 0)
			continue;
		if (table->event_id >= 0)
		{
			if (maybe & EVENT_BIT(table->event_id))
				found |= read_pair(reader, t, -1, state, parts);
			continue;
		}
		for (int id = 0; id < MAX_EVENT_TYPES && (maybe >> id) != 0; id++)
		{
			if ((maybe & EVENT_BIT(id)) && types[id].kind == table->kind)
			{
				wanted = true;
				if (table->pair_by_time)
					found |= read_pair(reader, t, id, state, parts);
			}
		}
		if (wanted && !table->pair_by_time)
			found |= read_pair(reader, t, -1, state, parts);
	}
	return found;
}

/*
 * What the base tables say of a pair now, into *state; false if nothing.  Only
 * events in the mask maybe are looked for.
 */
bool
pair_reader_get(PairReader *reader, int64 user, int64 item, int32 maybe,
				AffinityDelta *state)
{
	return read_tables(reader, user, item, maybe, state, NULL);
}

/*
 * What a pair contributes to the counters of its item, by event type, into
 * parts[MAX_EVENT_TYPES].  Reads all rows of the pair whose event is in the
 * mask maybe.
 */
void
pair_reader_parts(PairReader *reader, int64 user, int64 item, int32 maybe,
				  PairPart *parts)
{
	AffinityDelta state;

	for (int id = 0; id < MAX_EVENT_TYPES; id++)
	{
		parts[id].count = 0;
		parts[id].hot = -get_float8_infinity();
		parts[id].points = 0;
	}
	(void) read_tables(reader, user, item, maybe, &state, parts);
}
