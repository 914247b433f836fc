/*-------------------------------------------------------------------------
 *
 * privacy.c
 *	  Forgetting users and items: on demand, and when the application deletes
 *	  them from a table of its own.
 *
 * To forget is to delete the rows that tell of a user or an item, in every
 * table that has some, with ordinary statements: the triggers derive the
 * rest.  Nobody who records on the same items meanwhile waits for that, because
 * a removal changes counters as an addition does (see accumulate.c).
 *
 * interact_forget_user() and interact_forget_item() delete with the caller's
 * privileges.
 *
 * interact_follow_deletes() puts triggers on a table of the application.  A
 * role that deletes a product or an account need not have any privilege on our
 * tables, so the trigger function, interact_forget_deleted(), is SECURITY
 * DEFINER.  It forgets nothing but the keys of rows deleted from the table it
 * is a trigger of.  Who could make it a trigger of a table of his own could
 * forget anything by deleting rows there; therefore
 *
 *	- EXECUTE on it, which CREATE TRIGGER demands, is not PUBLIC's but goes with
 *	  the capability admin, whose holders may forget anything as it is;
 *	- interact_follow_deletes() in addition wants the caller to own the table;
 *	- the key column has to be unique, so that a key is gone when a row is.
 *
 * Its search_path is pinned, and the key column is of a built-in type, so that
 * no code of the table's owner runs with the rights of ours.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "access/relation.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "executor/executor.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "parser/parse_coerce.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/relcache.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* Ids forgotten with one statement per table at most. */
#define FORGET_IDS			1000

/* Rows fetched from a cursor at a time. */
#define FETCH_ROWS			1000

/* The statements that forget users, and items; $1 are the ids. */
#define FORGET(table, column) \
	"DELETE FROM %s." table \
	" WHERE " column " OPERATOR(pg_catalog.=) ANY ($1)"

static const char *const forget_user[] = {
	FORGET("interact_view", "user_id"),
	FORGET("interact_favorite", "user_id"),
	FORGET("interact_review", "user_id"),
	FORGET("interact_reaction", "user_id"),
	FORGET("interact_cart_item", "user_id"),
	FORGET("interact_purchase", "user_id"),
	FORGET("interact_event", "user_id"),
	FORGET("interact_friend", "user_id"),
	FORGET("interact_friend", "friend_id"),
	FORGET("interact_key", "id") " AND kind OPERATOR(pg_catalog.=) 'user'",
};

static const char *const forget_item[] = {
	FORGET("interact_view", "item_id"),
	FORGET("interact_favorite", "item_id"),
	FORGET("interact_review", "item_id"),
	FORGET("interact_reaction", "item_id"),
	FORGET("interact_cart_item", "item_id") " AND removed_at IS NULL",
	FORGET("interact_cart_item", "item_id") " AND removed_at IS NOT NULL",
	FORGET("interact_purchase", "item_id"),
	FORGET("interact_event", "item_id"),
	FORGET("interact_pruned", "item_id"),
	FORGET("interact_key", "id") " AND kind OPERATOR(pg_catalog.=) 'item'",
};

/* Pairs that are left; $1 are the ids. */
#define LEFT(column) \
	"SELECT DISTINCT user_id, item_id FROM %s.interact_affinity" \
	" WHERE " column " OPERATOR(pg_catalog.=) ANY ($1)"

static InteractPlan forget_user_plans[lengthof(forget_user)];
static InteractPlan forget_item_plans[lengthof(forget_item)];

/* Keys of deleted rows on their way to be forgotten. */
typedef struct Forgetting
{
	KeyKind		kind;
	KeyReader  *reader;			/* NULL if the keys are ids */
	Oid			type;			/* of the keys: int2, int4, int8, uuid or text */
	MemoryContext context;		/* reset whenever ids[] is emptied */
	int64		ids[FORGET_IDS];
	int			nids;
} Forgetting;

PG_FUNCTION_INFO_V1(interact_forget_user);
PG_FUNCTION_INFO_V1(interact_forget_item);
PG_FUNCTION_INFO_V1(interact_follow_deletes);
PG_FUNCTION_INFO_V1(interact_unfollow_deletes);
PG_FUNCTION_INFO_V1(interact_forget_deleted);


/* ---------- forgetting ---------- */

/* Read the pairs that are left into SPI_tuptable; SPI is connected. */
static uint64
find_left(KeyKind kind, int nargs, Oid *argtypes, Datum *values)
{
	static InteractPlan user_plan;
	static InteractPlan item_plan;
	SPIPlanPtr	plan;

	plan = kind == KEY_USER ?
		interact_plan(&user_plan, LEFT("user_id"), nargs, argtypes) :
		interact_plan(&item_plan, LEFT("item_id"), nargs, argtypes);
	if (SPI_execute_plan(plan, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_plan failed");
	return SPI_processed;
}

/*
 * Derive pairs that are left anew: their base rows may be gone, because another
 * transaction was at work on the pair when they went, and has rolled back since
 * (see pair.c).  Warns if there are some then still.
 */
static void
settle_left(KeyKind kind, int nargs, Oid *argtypes, Datum *values)
{
	uint64		nrows;

	SPI_connect();
	nrows = find_left(kind, nargs, argtypes, values);
	if (nrows > 0)
	{
		Batch	   *batch = batch_begin();

		for (uint64 i = 0; i < nrows; i++)
		{
			HeapTuple	row = SPI_tuptable->vals[i];
			TupleDesc	desc = SPI_tuptable->tupdesc;
			bool		isnull;

			CHECK_FOR_INTERRUPTS();
			batch_rederive(batch,
						   DatumGetInt64(SPI_getbinval(row, desc, 1, &isnull)),
						   DatumGetInt64(SPI_getbinval(row, desc, 2, &isnull)),
						   0);
		}
		batch_end(batch);
		if (find_left(kind, nargs, argtypes, values) > 0)
			ereport(WARNING,
					(errmsg("not every row of the %s is forgotten",
							key_kind_names[kind]),
					 errdetail("Other transactions have just written rows, or policies hide rows from the current user."),
					 errhint("Call the function again when they have ended, and as a role that sees all rows.")));
	}
	SPI_finish();
}

/* Forget users or items; returns how many rows told of them. */
static uint64
forget(KeyKind kind, int64 *ids, int nids)
{
	Oid			argtypes[] = {INT8ARRAYOID};
	Datum	   *elements = palloc(sizeof(Datum) * nids);
	Datum		values[1];
	uint64		rows = 0;

	for (int i = 0; i < nids; i++)
		elements[i] = Int64GetDatum(ids[i]);
	values[0] = PointerGetDatum(construct_array(elements, nids, INT8OID,
												sizeof(int64), FLOAT8PASSBYVAL,
												TYPALIGN_DOUBLE));
	if (kind == KEY_USER)
	{
		for (int i = 0; i < (int) lengthof(forget_user); i++)
			rows += record_run(&forget_user_plans[i], forget_user[i], SPI_OK_DELETE,
							   lengthof(argtypes), argtypes, values, NULL);
	}
	else
	{
		for (int i = 0; i < (int) lengthof(forget_item); i++)
			rows += record_run(&forget_item_plans[i], forget_item[i], SPI_OK_DELETE,
							   lengthof(argtypes), argtypes, values, NULL);
	}
	settle_left(kind, lengthof(argtypes), argtypes, values);
	pfree(elements);
	return rows;
}

/* interact_forget_user(user_id) -> bigint: rows that told of the user. */
Datum
interact_forget_user(PG_FUNCTION_ARGS)
{
	int64		user = interact_arg_user(fcinfo, 0, "user_id");

	PG_RETURN_INT64((int64) forget(KEY_USER, &user, 1));
}

/* interact_forget_item(item_id) -> bigint: rows that told of the item. */
Datum
interact_forget_item(PG_FUNCTION_ARGS)
{
	int64		item = interact_arg_id(fcinfo, 0, "item_id");

	PG_RETURN_INT64((int64) forget(KEY_ITEM, &item, 1));
}


/* ---------- forgetting what the application deletes ---------- */

/*
 * The kind called name; -1 if there is none.
 */
static int
find_kind(const char *name)
{
	for (int kind = KEY_USER; kind <= KEY_ITEM; kind++)
	{
		if (strcmp(key_kind_names[kind], name) == 0)
			return kind;
	}
	return -1;
}

/*
 * What a key column of this type holds: INT2OID, INT4OID or INT8OID, ids;
 * UUIDOID or TEXTOID, keys; InvalidOid, nothing we can follow.
 */
static Oid
key_type(Oid type)
{
	type = getBaseType(type);
	if (type == INT2OID || type == INT4OID || type == INT8OID || type == UUIDOID)
		return type;
	return IsBinaryCoercible(type, TEXTOID) ? TEXTOID : InvalidOid;
}

/* The table's qualified name, for SQL text. */
static const char *
table_name(Relation rel)
{
	return quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
									  RelationGetRelationName(rel));
}

/* Forget what has come together. */
static void
forget_collected(Forgetting *forgetting)
{
	MemoryContext old = MemoryContextSwitchTo(forgetting->context);

	if (forgetting->nids > 0)
		(void) forget(forgetting->kind, forgetting->ids, forgetting->nids);
	forgetting->nids = 0;
	MemoryContextSwitchTo(old);
	MemoryContextReset(forgetting->context);
}

/* A row with this key is gone. */
static void
forget_key(Forgetting *forgetting, Datum key, bool isnull)
{
	MemoryContext old;
	int64		id = 0;
	bool		known = true;

	CHECK_FOR_INTERRUPTS();
	if (isnull)
		return;
	old = MemoryContextSwitchTo(forgetting->context);
	switch (forgetting->type)
	{
		case INT2OID:
			id = DatumGetInt16(key);
			break;
		case INT4OID:
			id = DatumGetInt32(key);
			break;
		case INT8OID:
			id = DatumGetInt64(key);
			break;
		default:
			if (forgetting->type == UUIDOID)
				key = CStringGetTextDatum(DatumGetCString(DirectFunctionCall1(uuid_out, key)));
			id = key_reader_id(forgetting->reader, key_normal(key));
			known = id != 0;
	}
	MemoryContextSwitchTo(old);
	if (known)
		forgetting->ids[forgetting->nids++] = id;
	if (forgetting->nids == FORGET_IDS)
		forget_collected(forgetting);
}

/*
 * Forget all keys of a table that is going to be truncated.  What is in it is
 * read with the newest snapshot, whatever the transaction's shows: the
 * table is locked, and all of it will go.
 */
static void
forget_table(Forgetting *forgetting, Relation rel, const char *column)
{
	StringInfoData sql;
	Portal		portal;

	initStringInfo(&sql);
	appendStringInfo(&sql, "SELECT %s FROM %s%s",
					 quote_identifier(column),
					 rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ? "" : "ONLY ",
					 table_name(rel));

	SPI_connect();
	PushActiveSnapshot(GetLatestSnapshot());
	portal = SPI_cursor_open_with_args(NULL, sql.data, 0, NULL, NULL, NULL,
									   true, 0);
	PopActiveSnapshot();
	for (;;)
	{
		SPITupleTable *rows;
		uint64		nrows;

		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		rows = SPI_tuptable;
		nrows = SPI_processed;
		if (nrows == 0)
			break;
		for (uint64 i = 0; i < nrows; i++)
		{
			bool		isnull;
			Datum		key = SPI_getbinval(rows->vals[i], rows->tupdesc, 1, &isnull);

			forget_key(forgetting, key, isnull);
		}
		SPI_freetuptable(rows);
	}
	SPI_cursor_close(portal);
	SPI_finish();
}

/*
 * interact_forget_deleted(kind, column) -> trigger: AFTER DELETE FOR EACH
 * STATEMENT with a transition table, or BEFORE TRUNCATE, of a table of the
 * application.
 */
Datum
interact_forget_deleted(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Relation	rel;
	Forgetting *forgetting;
	const char *column;
	int			kind;
	AttrNumber	attnum;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("interact_forget_deleted() must be called as a trigger")));
	if (!TRIGGER_FIRED_FOR_STATEMENT(trigdata->tg_event) ||
		!(TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event) ?
		  TRIGGER_FIRED_BEFORE(trigdata->tg_event) :
		  TRIGGER_FIRED_BY_DELETE(trigdata->tg_event) &&
		  TRIGGER_FIRED_AFTER(trigdata->tg_event) &&
		  trigdata->tg_oldtable != NULL))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("interact_forget_deleted() must be fired BEFORE TRUNCATE, or AFTER DELETE ... REFERENCING OLD TABLE ... FOR EACH STATEMENT"),
				 errhint("Use interact_follow_deletes().")));
	if (trigdata->tg_trigger->tgnargs != 2 ||
		(kind = find_kind(trigdata->tg_trigger->tgargs[0])) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("interact_forget_deleted() needs two arguments, the kind and the key column"),
				 errhint("Use interact_follow_deletes().")));

	rel = trigdata->tg_relation;
	column = trigdata->tg_trigger->tgargs[1];
	forgetting = palloc(sizeof(Forgetting));
	forgetting->kind = (KeyKind) kind;
	forgetting->reader = NULL;
	forgetting->nids = 0;
	forgetting->context = AllocSetContextCreate(CurrentMemoryContext,
												"interact forgetting",
												ALLOCSET_DEFAULT_SIZES);
	attnum = get_attnum(RelationGetRelid(rel), column);
	forgetting->type = attnum <= 0 ? InvalidOid :
		key_type(TupleDescAttr(RelationGetDescr(rel), attnum - 1)->atttypid);
	if (!OidIsValid(forgetting->type))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("table \"%s\" has no column \"%s\" of integer, text or uuid type",
						RelationGetRelationName(rel), column),
				 errhint("Call interact_follow_deletes() again after a change of the table, or interact_unfollow_deletes().")));
	if (forgetting->type == TEXTOID || forgetting->type == UUIDOID)
		forgetting->reader = key_reader_open(forgetting->kind, REL_KEY_PAIR);

	if (TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event))
		forget_table(forgetting, rel, column);
	else
	{
		TransitionReader reader;

		transition_begin(&reader, trigdata->tg_oldtable, RelationGetDescr(rel));
		while (transition_next(&reader))
		{
			bool		isnull;
			Datum		key = slot_getattr(reader.slot, attnum, &isnull);

			forget_key(forgetting, key, isnull);
		}
		ExecDropSingleTupleTableSlot(reader.slot);
	}
	forget_collected(forgetting);
	if (forgetting->reader != NULL)
		key_reader_close(forgetting->reader);
	MemoryContextDelete(forgetting->context);
	pfree(forgetting);
	return PointerGetDatum(NULL);
}


/* ---------- putting triggers on tables of the application ---------- */

/*
 * Open the table in argument 0, which the caller has to own.
 */
static Relation
open_followed(FunctionCallInfo fcinfo)
{
	Oid			relid;
	HeapTuple	tuple;
	Form_pg_class form;

	if (PG_ARGISNULL(0))
		interact_null_error("table_name");
	relid = PG_GETARG_OID(0);

	/* before the lock: nobody may lock what is not his */
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	if (!HeapTupleIsValid(tuple))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	form = (Form_pg_class) GETSTRUCT(tuple);
	if (form->relkind != RELKIND_RELATION &&
		form->relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is not a table", NameStr(form->relname))));
	if (!has_privs_of_role(GetUserId(), form->relowner))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, NameStr(form->relname));
	ReleaseSysCache(tuple);

	/* what CREATE TRIGGER takes */
	return relation_open(relid, ShareRowExclusiveLock);
}

/*
 * Whether no two rows have the same value in this column, checked at once.
 */
static bool
is_unique(Relation rel, AttrNumber attnum)
{
	List	   *indexes = RelationGetIndexList(rel);
	ListCell   *lc;
	bool		unique = false;

	foreach(lc, indexes)
	{
		HeapTuple	tuple = SearchSysCache1(INDEXRELID,
											ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_index index;

		if (!HeapTupleIsValid(tuple))
			elog(ERROR, "cache lookup failed for index %u", lfirst_oid(lc));
		index = (Form_pg_index) GETSTRUCT(tuple);
		unique |= index->indisunique && index->indimmediate &&
			index->indisvalid && index->indnkeyatts == 1 &&
			index->indkey.values[0] == attnum &&
			heap_attisnull(tuple, Anum_pg_index_indpred, NULL);
		ReleaseSysCache(tuple);
	}
	list_free(indexes);
	return unique;
}

/*
 * Names of the triggers of rel that call interact_forget_deleted() for this
 * kind, or for any if kind is NULL.
 */
static List *
find_triggers(Relation rel, const char *kind)
{
	TriggerDesc *triggers = rel->trigdesc;
	List	   *names = NIL;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		Trigger    *trigger = &triggers->triggers[i];
		char	   *function = get_func_name(trigger->tgfoid);

		if (function == NULL ||
			strcmp(function, "interact_forget_deleted") != 0 ||
			getExtensionOfObject(ProcedureRelationId, trigger->tgfoid) !=
			get_extension_oid("interact", false))
			continue;
		if (kind == NULL || (trigger->tgnargs > 0 &&
							 strcmp(trigger->tgargs[0], kind) == 0))
			names = lappend(names, pstrdup(trigger->tgname));
	}
	return names;
}

/* Drop the triggers called names; SPI is connected. */
static void
drop_triggers(List *names, const char *table)
{
	ListCell   *lc;

	foreach(lc, names)
		interact_execute(psprintf("DROP TRIGGER %s ON %s",
								  quote_identifier(lfirst(lc)), table));
}

/*
 * interact_follow_deletes(table_name, key_column, kind) -> void
 *
 * The triggers depend on the extension, so that DROP EXTENSION drops them.
 */
Datum
interact_follow_deletes(PG_FUNCTION_ARGS)
{
	Relation	rel = open_followed(fcinfo);
	const char *table;
	const char *column;
	char	   *kind;
	List	   *old;
	AttrNumber	attnum;

	if (PG_ARGISNULL(1))
		interact_null_error("key_column");
	column = NameStr(*PG_GETARG_NAME(1));
	if (PG_ARGISNULL(2))
		interact_null_error("kind");
	kind = text_to_cstring(PG_GETARG_TEXT_PP(2));
	if (find_kind(kind) < 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown kind \"%s\"", kind),
				 errhint("Kinds are user and item.")));

	if (getExtensionOfObject(RelationRelationId, RelationGetRelid(rel)) ==
		get_extension_oid("interact", false))
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" is a table of interact itself",
						RelationGetRelationName(rel)),
				 errhint("Follow a table of the application that lists its users or items.")));
	attnum = get_attnum(RelationGetRelid(rel), column);
	if (attnum == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table \"%s\" does not exist",
						column, RelationGetRelationName(rel))));
	if (attnum < 0 || !OidIsValid(key_type(get_atttype(RelationGetRelid(rel), attnum))))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table \"%s\" is not of integer, text or uuid type",
						column, RelationGetRelationName(rel)),
				 errhint("Integers are ids; text and uuid are keys, as for interact_%s_id().",
						 kind)));
	if (!is_unique(rel, attnum))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_TABLE_DEFINITION),
				 errmsg("column \"%s\" of table \"%s\" has no unique index of its own",
						column, RelationGetRelationName(rel)),
				 errhint("If two rows could have the same key, deleting one of them would forget what the other stands for.")));

	/* the commands want nobody to have the table open; the lock stays */
	table = table_name(rel);
	old = find_triggers(rel, kind);
	relation_close(rel, NoLock);

	SPI_connect();
	drop_triggers(old, table);
	interact_execute(psprintf("CREATE TRIGGER interact_forget_%s AFTER DELETE ON %s"
							  " REFERENCING OLD TABLE AS removed FOR EACH STATEMENT"
							  " EXECUTE FUNCTION %s.interact_forget_deleted('%s', %s)",
							  kind, table, interact_schema(), kind,
							  quote_literal_cstr(column)));
	interact_execute(psprintf("CREATE TRIGGER interact_forget_%s_truncate BEFORE TRUNCATE ON %s"
							  " FOR EACH STATEMENT"
							  " EXECUTE FUNCTION %s.interact_forget_deleted('%s', %s)",
							  kind, table, interact_schema(), kind,
							  quote_literal_cstr(column)));
	interact_execute(psprintf("ALTER TRIGGER interact_forget_%s ON %s DEPENDS ON EXTENSION interact",
							  kind, table));
	interact_execute(psprintf("ALTER TRIGGER interact_forget_%s_truncate ON %s DEPENDS ON EXTENSION interact",
							  kind, table));
	SPI_finish();
	PG_RETURN_VOID();
}

/*
 * interact_unfollow_deletes(table_name) -> boolean: whether the table was
 * followed.
 */
Datum
interact_unfollow_deletes(PG_FUNCTION_ARGS)
{
	Relation	rel = open_followed(fcinfo);
	const char *table = table_name(rel);
	List	   *old = find_triggers(rel, NULL);

	relation_close(rel, NoLock);
	SPI_connect();
	drop_triggers(old, table);
	SPI_finish();
	PG_RETURN_BOOL(old != NIL);
}
