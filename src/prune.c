/*-------------------------------------------------------------------------
 *
 * prune.c
 *	  Taking old rows out of the log of views without losing their number.
 *
 * interact_prune_views() deletes views and adds how many they were, per item,
 * to interact_pruned, which counts for the items like the rows did; who viewed
 * is forgotten.  It does so in batches, each a transaction of its own, so that
 * it can be stopped at any time and called again, and never holds much back.
 *
 * The rows are found once: their ids are read through a cursor, which the first
 * commit turns into a copy of the result.  Looking for old rows again for each
 * batch would pass over all that were deleted before.
 *
 * Locking rules:
 *
 *	- Nobody who records waits for this, nor does this wait for them: deriving
 *	  never waits.  It waits for who is changing or deleting the very views
 *	  that it is to delete.
 *	- Pruners take turns, batch by batch: each takes a lock that conflicts with
 *	  itself only, on the index that all of them would meet in, before any row.
 *	- Rows of interact_pruned are written last in a batch, in the order of the
 *	  index.
 *
 * Called inside a transaction it cannot commit, and all of it is part of that
 * transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/portal.h"
#include "utils/timestamp.h"

/* Rows of one batch at most. */
#define PRUNE_MAX_BATCH			1000000

/* Ids read at once at most: what the copy of a cursor's result may hold. */
#define PRUNE_ROUND				10000000

PG_FUNCTION_INFO_V1(interact_prune_views);


/*
 * Starts reading the ids of the views that are to go.
 */
static Portal
open_ids(TimestampTz before)
{
	Oid			types[2] = {TIMESTAMPTZOID, INT8OID};
	Datum		values[2];
	Portal		portal;

	values[0] = TimestampTzGetDatum(before);
	values[1] = Int64GetDatum(PRUNE_ROUND);
	portal = SPI_cursor_open_with_args(NULL,
									   psprintf("SELECT id FROM %s.interact_view"
												" WHERE viewed_at OPERATOR(pg_catalog.<) $1"
												" LIMIT $2",
												interact_schema()),
									   2, types, values, NULL, false,
									   CURSOR_OPT_NO_SCROLL);
	/* a commit shall copy the result, not end the cursor */
	PinPortal(portal);
	return portal;
}

/*
 * The column of all rows of the last result as an array.
 */
static Datum
column_array(int col)
{
	Datum	   *values = palloc(sizeof(Datum) * Max(SPI_processed, 1));

	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		values[i] = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
								  col, &isnull);
	}
	return PointerGetDatum(construct_array(values, (int) SPI_processed, INT8OID,
										   sizeof(int64), FLOAT8PASSBYVAL,
										   TYPALIGN_DOUBLE));
}

/*
 * Prunes those of the views with these ids that are still there and before
 * the time.  Returns how many.
 */
static int64
prune_ids(Datum ids, TimestampTz before)
{
	static InteractPlan delete_plan;
	static InteractPlan carry_plan;
	Oid			delete_types[2] = {INT8ARRAYOID, TIMESTAMPTZOID};
	Oid			carry_types[2] = {INT8ARRAYOID, INT8ARRAYOID};
	Datum		values[2];
	int64		pruned = 0;
	SPIPlanPtr	plan;

	LockRelationOid(interact_relid(REL_PRUNED_PAIR), ShareUpdateExclusiveLock);

	plan = interact_plan(&delete_plan,
						 "WITH gone AS ("
						 " DELETE FROM %s.interact_view"
						 "  WHERE id OPERATOR(pg_catalog.=) ANY ($1)"
						 "    AND viewed_at OPERATOR(pg_catalog.<) $2"
						 " RETURNING item_id)"
						 " SELECT item_id, pg_catalog.count(*) FROM gone"
						 "  GROUP BY item_id",
						 2, delete_types);
	values[0] = ids;
	values[1] = TimestampTzGetDatum(before);
	if (SPI_execute_plan(plan, values, NULL, false, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not delete views");
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		bool		isnull;

		pruned += DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[i],
											  SPI_tuptable->tupdesc, 2,
											  &isnull));
	}
	if (pruned == 0)
		return 0;
	values[0] = column_array(1);
	values[1] = column_array(2);

	plan = interact_plan(&carry_plan,
						 "INSERT INTO %s.interact_pruned AS p (item_id, event, count)"
						 " SELECT item_id, 'view', n"
						 "   FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2)) AS gone (item_id, n)"
						 "  ORDER BY item_id"
						 "     ON CONFLICT (item_id, event) DO UPDATE"
						 "    SET count = p.count OPERATOR(pg_catalog.+) excluded.count,"
						 "        pruned_at = pg_catalog.clock_timestamp()",
						 2, carry_types);
	if (SPI_execute_plan(plan, values, NULL, false, 0) != SPI_OK_INSERT)
		elog(ERROR, "could not carry the number of views over");
	return pruned;
}

/*
 * interact_prune_views(before, batch, INOUT pruned): a procedure.
 */
Datum
interact_prune_views(PG_FUNCTION_ARGS)
{
	CallContext *call = (CallContext *) fcinfo->context;
	bool		atomic = call == NULL || !IsA(call, CallContext) || call->atomic;
	MemoryContext context;
	TimestampTz before;
	int			batch;
	int64		pruned = 0;
	uint64		found;
	TupleDesc	desc;
	Datum		value;
	bool		isnull = false;

	if (PG_ARGISNULL(0))
		interact_null_error("before");
	if (PG_ARGISNULL(1))
		interact_null_error("batch");
	before = PG_GETARG_TIMESTAMPTZ(0);
	batch = PG_GETARG_INT32(1);
	if (TIMESTAMP_NOT_FINITE(before) || before > GetCurrentTimestamp())
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("before must be a finite time that is not in the future"),
				 errhint("Views older than it are pruned, for instance now() - interval '2 years'.")));
	if (batch < 1 || batch > PRUNE_MAX_BATCH)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("batch must be between 1 and %d", PRUNE_MAX_BATCH)));
	PreventCommandIfReadOnly("interact_prune_views()");

	SPI_connect_ext(atomic ? 0 : SPI_OPT_NONATOMIC);
	context = AllocSetContextCreate(CurrentMemoryContext, "interact prune",
									ALLOCSET_DEFAULT_SIZES);
	do
	{
		Portal		portal = open_ids(before);

		found = 0;
		for (;;)
		{
			MemoryContext old;
			Datum		ids;

			CHECK_FOR_INTERRUPTS();
			SPI_cursor_fetch(portal, true, batch);
			if (SPI_processed == 0)
				break;
			found += SPI_processed;

			old = MemoryContextSwitchTo(context);
			ids = column_array(1);
			SPI_freetuptable(SPI_tuptable);
			pruned += prune_ids(ids, before);
			SPI_freetuptable(SPI_tuptable);
			MemoryContextSwitchTo(old);
			MemoryContextReset(context);

			if (!atomic)
				SPI_commit();
		}
		UnpinPortal(portal);
		SPI_cursor_close(portal);
	} while (found == PRUNE_ROUND);
	SPI_finish();

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "interact_prune_views() has to return a row");
	value = Int64GetDatum(pruned);
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  &value, &isnull)));
}
