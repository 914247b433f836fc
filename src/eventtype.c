/*-------------------------------------------------------------------------
 *
 * eventtype.c
 *	  The registry of event types: names, small ids, weights.
 *
 * Every backend keeps the table parsed.  Its row trigger sends a relation
 * cache invalidation, which takes effect in every backend, also of standbys,
 * when the change commits, and in the own one at the next command; a rollback
 * takes it back the same way.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/inval.h"
#include "utils/snapmgr.h"

/* Columns of interact_event_type. */
enum
{
	Anum_event_type_id = 1,
	Anum_event_type_event,
	Anum_event_type_kind,
	Anum_event_type_weight,
	Anum_event_type_shareable,
	Anum_event_type_modified
};

/* Largest weight of an event, in views; the table checks the same. */
#define MAX_EVENT_WEIGHT	100

/* How much a rating at an end of the scale changes a pair's weight. */
#define RATING_SPAN		0.25

static EventType event_types[MAX_EVENT_TYPES];
static bool event_types_valid = false;
static uint64 event_types_generation = 0;

PG_FUNCTION_INFO_V1(interact_define_event);
PG_FUNCTION_INFO_V1(interact_event_type_trigger);
PG_FUNCTION_INFO_V1(interact_restored);

/* Forget the parsed registry; called by the relation cache's callback. */
void
interact_event_types_reset(void)
{
	event_types_valid = false;
}

/* Kind of the given name; EVENT_KIND_NONE if there is no such kind. */
static EventKind
kind_by_name(const char *kind)
{
	if (strcmp(kind, "builtin") == 0)
		return EVENT_KIND_BUILTIN;
	if (strcmp(kind, "event") == 0)
		return EVENT_KIND_EVENT;
	if (strcmp(kind, "reaction") == 0)
		return EVENT_KIND_REACTION;
	return EVENT_KIND_NONE;
}

/*
 * All event types by id; valid until the next command.
 *
 * Read with the newest snapshot, not the transaction's, because the result is
 * kept for later transactions; in the way of a catalog, because parallel
 * workers must be able to.
 */
const EventType *
interact_event_types(void)
{
	Relation	rel;
	TableScanDesc scan;
	TupleTableSlot *slot;
	Snapshot	snapshot;
	EventType	fresh[MAX_EVENT_TYPES];

	if (event_types_valid && event_types_generation == interact_generation())
		return event_types;

	memset(fresh, 0, sizeof(fresh));

	/* Set before reading, so that a message that arrives meanwhile counts. */
	event_types_generation = interact_generation();
	rel = table_open(interact_relid(REL_EVENT_TYPE), AccessShareLock);
	event_types_valid = true;

	snapshot = RegisterSnapshot(GetCatalogSnapshot(RelationGetRelid(rel)));
	scan = interact_table_beginscan(rel, snapshot);
	slot = table_slot_create(rel, NULL);
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		int			id;

		id = DatumGetInt16(slot_getattr(slot, Anum_event_type_id, &isnull));
		if (id < 0 || id >= MAX_EVENT_TYPES)
			elog(ERROR, "event type id %d is out of range", id);
		fresh[id].kind = kind_by_name(TextDatumGetCString(slot_getattr(slot,
																	   Anum_event_type_kind,
																	   &isnull)));
		fresh[id].weight = DatumGetFloat4(slot_getattr(slot, Anum_event_type_weight,
													   &isnull));
		fresh[id].shareable = DatumGetBool(slot_getattr(slot, Anum_event_type_shareable,
														&isnull));
		strlcpy(fresh[id].name,
				TextDatumGetCString(slot_getattr(slot, Anum_event_type_event,
												 &isnull)),
				sizeof(fresh[id].name));
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(rel, AccessShareLock);

	memcpy(event_types, fresh, sizeof(event_types));
	return event_types;
}

/* Id of the event type with this name (len bytes, not terminated), or -1. */
int
interact_event_find(const char *name, int len)
{
	const EventType *types = interact_event_types();

	for (int id = 0; id < MAX_EVENT_TYPES; id++)
	{
		if (types[id].kind != EVENT_KIND_NONE &&
			strncmp(types[id].name, name, len) == 0 &&
			types[id].name[len] == '\0')
			return id;
	}
	return -1;
}

/* The same; an unknown name is an error that lists the known ones. */
int
interact_event_id(const char *name, int len)
{
	const EventType *types = interact_event_types();
	StringInfoData known;
	int			id = interact_event_find(name, len);

	if (id >= 0)
		return id;

	initStringInfo(&known);
	for (id = 0; id < MAX_EVENT_TYPES; id++)
	{
		if (types[id].kind != EVENT_KIND_NONE)
			appendStringInfo(&known, "%s%s", known.len ? ", " : "", types[id].name);
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown event \"%.*s\"", pg_mbcliplen(name, len, INTERACT_NAME_LEN), name),
			 errdetail("Known events are: %s.", known.data),
			 errhint("Define your own with interact_define_event().")));
}

/*
 * Weight of a pair: the largest weight among its events, times a factor that
 * is linear in the rating, 1 in the middle of the scale.  A dislike, any other
 * event of negative weight and a rating below the middle make it negative,
 * whatever else holds.
 */
float4
interact_pair_weight(const EventType *types, int32 signals, int16 rating)
{
	const float4 middle = RATING_MIDDLE;
	float4		best = 0;
	float4		worst = 0;

	for (int id = 0; id < MAX_EVENT_TYPES && (signals >> id) != 0; id++)
	{
		if (signals & EVENT_BIT(id))
		{
			best = Max(best, types[id].weight);
			worst = Min(worst, types[id].weight);
		}
	}
	if (rating != 0)
	{
		float4		off = (rating - middle) / (RATING_MAX - middle);

		if (off < 0)
			worst = Min(worst, off);
		else
			best *= 1.0f + (float4) RATING_SPAN * off;
	}
	return worst < 0 ? worst : best;
}

/* Raise an error unless name may be the name of an event. */
static void
check_event_name(text *name)
{
	const char *p = VARDATA_ANY(name);
	int			len = VARSIZE_ANY_EXHDR(name);
	bool		valid = len >= 1 && len <= INTERACT_NAME_LEN;

	for (int i = 0; valid && i < len; i++)
		valid = (unsigned char) p[i] > ' ' && p[i] != 0x7F;
	if (!valid)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_NAME),
				 errmsg("invalid event name \"%.*s\"",
						pg_mbcliplen(p, len, INTERACT_NAME_LEN), p),
				 errdetail("A name is 1 to %d bytes long and has no spaces or control characters.",
						   INTERACT_NAME_LEN)));
}

/* Raise an error unless weight may be the weight of an event. */
static void
check_event_weight(float4 weight)
{
	if (isnan(weight) || fabsf(weight) > MAX_EVENT_WEIGHT)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("weight must be between %d and %d",
						-MAX_EVENT_WEIGHT, MAX_EVENT_WEIGHT),
				 errhint("A view weighs 1; negative weights mean dislike.")));
}

/*
 * interact_define_event(event, weight, kind, shareable) -> smallint: add an
 * event type or change one; a NULL leaves what was, or takes the default for
 * a new one (1, 'event', false).  Returns the id.
 */
Datum
interact_define_event(PG_FUNCTION_ARGS)
{
	static InteractPlan lock_plan;
	static InteractPlan update_plan;
	static InteractPlan insert_plan;
	Oid			types[4] = {TEXTOID, FLOAT4OID, TEXTOID, BOOLOID};
	Datum		values[4];
	char		nulls[4];
	EventKind	kind = EVENT_KIND_EVENT;
	bool		isnull;
	int16		id;
	int			rc;

	if (PG_ARGISNULL(0))
		interact_null_error("event");
	check_event_name(PG_GETARG_TEXT_PP(0));
	if (!PG_ARGISNULL(1))
		check_event_weight(PG_GETARG_FLOAT4(1));
	if (!PG_ARGISNULL(2))
	{
		char	   *name = text_to_cstring(PG_GETARG_TEXT_PP(2));

		kind = kind_by_name(name);
		if (kind != EVENT_KIND_EVENT && kind != EVENT_KIND_REACTION)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("invalid kind of event \"%s\"", name),
					 errhint("Kinds are: event, reaction.")));
	}
	for (int i = 0; i < 4; i++)
	{
		values[i] = PG_ARGISNULL(i) ? (Datum) 0 : PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}

	SPI_connect();

	/* Two sessions must not give one id to two events. */
	rc = SPI_execute_plan(interact_plan(&lock_plan,
										"LOCK TABLE %s.interact_event_type"
										" IN SHARE ROW EXCLUSIVE MODE",
										0, NULL),
						  NULL, NULL, false, 0);
	if (rc < 0)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(rc));

	rc = SPI_execute_plan(interact_plan(&update_plan,
										"UPDATE %s.interact_event_type SET"
										" weight = COALESCE($2, weight),"
										" kind = COALESCE($3, kind),"
										" shareable = COALESCE($4, shareable)"
										" WHERE event OPERATOR(pg_catalog.=) $1"
										" RETURNING id",
										4, types),
						  values, nulls, false, 0);
	if (rc < 0)
		elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(rc));

	if (SPI_processed == 0)
	{
		rc = SPI_execute_plan(interact_plan(&insert_plan,
											"INSERT INTO %s.interact_event_type"
											" (id, event, weight, kind, shareable)"
											" SELECT pg_catalog.min(g.id), $1, COALESCE($2, 1),"
											" COALESCE($3, 'event'), COALESCE($4, false)"
											" FROM pg_catalog.generate_series(0, 30) AS g (id)"
											" WHERE NOT EXISTS (SELECT FROM %s.interact_event_type AS t"
											"  WHERE t.id OPERATOR(pg_catalog.=) g.id)"
											" HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 0"
											" RETURNING id",
											4, types),
							  values, nulls, false, 0);
		if (rc < 0)
			elog(ERROR, "SPI_execute_plan failed: %s", SPI_result_code_string(rc));
		if (SPI_processed == 0)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("cannot define more than %d events", MAX_EVENT_TYPES),
					 errhint("Delete an event type that has no rows from interact_event_type, or keep the difference in the context of an event.")));
	}

	id = DatumGetInt16(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc,
									 1, &isnull));
	SPI_finish();
	PG_RETURN_INT16(id);
}

/*
 * What a BEFORE row trigger of interact_event_type does with a built-in row
 * that is inserted: only a restore does that, and means the one that is there.
 */
static void
restore_builtin(Relation rel, HeapTuple tuple)
{
	static InteractPlan plan;
	Oid			types[4] = {INT2OID, TEXTOID, FLOAT4OID, BOOLOID};
	const int	columns[4] = {Anum_event_type_id, Anum_event_type_event,
	Anum_event_type_weight, Anum_event_type_shareable};
	Datum		values[4];
	char		nulls[4];
	TupleDesc	desc = RelationGetDescr(rel);

	/* NOT NULL is not checked yet; the UPDATE below does */
	for (int i = 0; i < 4; i++)
	{
		bool		isnull;

		values[i] = heap_getattr(tuple, columns[i], desc, &isnull);
		nulls[i] = isnull ? 'n' : ' ';
	}

	SPI_connect();
	if (SPI_execute_plan(interact_plan(&plan,
									   "UPDATE %s.interact_event_type"
									   " SET weight = $3, shareable = $4"
									   " WHERE id OPERATOR(pg_catalog.=) $1"
									   " AND event OPERATOR(pg_catalog.=) $2",
									   4, types),
						 values, nulls, false, 0) != SPI_OK_UPDATE ||
		SPI_processed != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("ids 0 to %d are those of the built-in event types",
						NUM_BUILTIN_EVENTS - 1),
				 errhint("Use interact_define_event().")));
	SPI_finish();
}

/*
 * Trigger of interact_event_type.  BEFORE row: keeps the built-in rows what
 * they are, except for their weight and shareability, and kinds as defined.
 * BEFORE TRUNCATE: refuses it.  AFTER row: tells every backend.
 */
Datum
interact_event_type_trigger(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;
	Relation	rel;
	TupleDesc	desc;
	HeapTuple	newtup;
	char	   *kind;
	int			id;
	bool		isnull;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		(!TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) &&
		 !TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event)) ||
		RelationGetRelid(trigdata->tg_relation) != interact_relid(REL_EVENT_TYPE))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("interact_event_type_trigger() must be a row trigger of interact_event_type")));

	if (TRIGGER_FIRED_BY_TRUNCATE(trigdata->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("cannot truncate the event types"),
				 errhint("Delete those that have no rows and are not built in.")));

	rel = trigdata->tg_relation;
	desc = RelationGetDescr(rel);

	if (TRIGGER_FIRED_AFTER(trigdata->tg_event))
	{
		CacheInvalidateRelcache(rel);
		if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event) && interact_restoring())
			basetable_restored();
		return PointerGetDatum(NULL);
	}

	id = DatumGetInt16(heap_getattr(trigdata->tg_trigtuple, Anum_event_type_id,
									desc, &isnull));

	if (TRIGGER_FIRED_BY_DELETE(trigdata->tg_event))
	{
		if (id < NUM_BUILTIN_EVENTS)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_IN_USE),
					 errmsg("cannot delete a built-in event type"),
					 errhint("Give it weight 0 to ignore it.")));
		return PointerGetDatum(trigdata->tg_trigtuple);
	}

	newtup = TRIGGER_FIRED_BY_UPDATE(trigdata->tg_event) ?
		trigdata->tg_newtuple : trigdata->tg_trigtuple;
	kind = SPI_getvalue(newtup, desc, Anum_event_type_kind);

	if (TRIGGER_FIRED_BY_INSERT(trigdata->tg_event))
	{
		if (!isnull && id < NUM_BUILTIN_EVENTS && id >= 0)
		{
			restore_builtin(rel, newtup);
			return PointerGetDatum(NULL);
		}
		if (kind != NULL && kind_by_name(kind) == EVENT_KIND_BUILTIN)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("invalid kind of event \"%s\"", kind),
					 errhint("Kinds are: event, reaction.")));
		return PointerGetDatum(newtup);
	}

	/* UPDATE */
	{
		char	   *oldkind = SPI_getvalue(trigdata->tg_trigtuple, desc,
										   Anum_event_type_kind);
		char	   *oldname = SPI_getvalue(trigdata->tg_trigtuple, desc,
										   Anum_event_type_event);
		char	   *name = SPI_getvalue(newtup, desc, Anum_event_type_event);
		int			newid = DatumGetInt16(heap_getattr(newtup, Anum_event_type_id,
													   desc, &isnull));

		if (kind == NULL || name == NULL || isnull)
			return PointerGetDatum(newtup); /* NOT NULL will refuse it */
		if (newid != id || strcmp(name, oldname) != 0 || strcmp(kind, oldkind) != 0)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("cannot change id, name or kind of event type \"%s\"",
							oldname),
					 errhint("Define another event type with interact_define_event().")));
		if (id < NUM_BUILTIN_EVENTS)
		{
			int			col = Anum_event_type_modified;
			Datum		value = BoolGetDatum(true);
			bool		null = false;

			newtup = heap_modify_tuple_by_cols(newtup, desc, 1, &col, &value, &null);
		}
	}
	return PointerGetDatum(newtup);
}

/*
 * interact_restored() -> trigger: AFTER INSERT of interact_event_type, FOR EACH
 * STATEMENT: a dump is restored, and rows with these events may be there.
 */
Datum
interact_restored(PG_FUNCTION_ARGS)
{
	TriggerData *trigdata = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		TRIGGER_FIRED_FOR_ROW(trigdata->tg_event) ||
		RelationGetRelid(trigdata->tg_relation) != interact_relid(REL_EVENT_TYPE))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("interact_restored() must be a statement trigger of interact_event_type")));

	if (interact_restoring())
		basetable_restored();
	return PointerGetDatum(NULL);
}
