/*-------------------------------------------------------------------------
 *
 * maintain.c
 *	  Repairing and compacting derived rows.
 *
 * interact_rebuild() does not lock anything out.  The views
 * interact_audit_pair and interact_audit_counter put what is stored beside
 * what the base rows say, in one statement and so under one snapshot.  A
 * transaction that commits later changes both sides alike; so the difference
 * found stays the difference to be made up, and is added like any other
 * change, without waiting.  Pairs that differ are derived anew from the base
 * tables.
 *
 * Two repairs must not make up for the same difference: one at a time, each
 * with a snapshot taken after the one before has committed (lock_repair()).
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include <math.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

/* Rows fetched from a cursor at a time. */
#define FETCH_ROWS			10000

/* Rows between two progress messages. */
#define PROGRESS_ROWS		100000

/* hot is equal if it differs by less: rounding of a million additions. */
#define HOT_TOLERANCE		1e-6

PG_FUNCTION_INFO_V1(interact_rebuild);
PG_FUNCTION_INFO_V1(interact_compact);
PG_FUNCTION_INFO_V1(interact_hot_accum);
PG_FUNCTION_INFO_V1(interact_hot_combine);

/* A counter whose hot is to be replaced. */
typedef struct HotChange
{
	int64		item;
	int			event;
	int64		last_id;		/* newest row of the key */
	double		from;			/* stored, under the audit's snapshot */
	double		to;				/* expected, under the same */
} HotChange;

/* Called for each row of a query. */
typedef void (*RowFunction) (HeapTuple row, TupleDesc desc, void *arg);

/*
 * Run a query under a new snapshot that also sees this transaction's changes,
 * at any isolation level: the transaction's own snapshot may not show what is
 * to be repaired, and shows replaced rows twice (see accumulate.c).  Calls fn
 * for each row.  Returns the number of rows; tells the progress if
 * what is not NULL.
 */
static int64
for_each_row(const char *sql, RowFunction fn, void *arg, const char *what)
{
	StringInfoData buf;
	Portal		portal;
	int64		rows = 0;

	CommandCounterIncrement();

	initStringInfo(&buf);
	for (const char *p = sql; *p; p++)
	{
		if (p[0] == '%' && p[1] == 's')
		{
			appendStringInfoString(&buf, interact_schema());
			p++;
		}
		else
			appendStringInfoChar(&buf, *p);
	}

	/* read only: with the snapshot given instead of the transaction's */
	PushActiveSnapshot(GetLatestSnapshot());
	portal = SPI_cursor_open_with_args(NULL, buf.data, 0, NULL, NULL, NULL,
									   true, 0);
	PopActiveSnapshot();
	for (;;)
	{
		SPI_cursor_fetch(portal, true, FETCH_ROWS);
		if (SPI_processed == 0)
			break;
		for (uint64 i = 0; i < SPI_processed; i++)
		{
			CHECK_FOR_INTERRUPTS();
			fn(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, arg);
			if (++rows % PROGRESS_ROWS == 0 && what != NULL)
				ereport(NOTICE,
						(errmsg("interact_rebuild: " INT64_FORMAT " %s repaired so far",
								rows, what)));
		}
		SPI_freetuptable(SPI_tuptable);
	}
	SPI_freetuptable(SPI_tuptable);
	SPI_cursor_close(portal);
	pfree(buf.data);
	return rows;
}

/* Column of a row of a query whose columns are never NULL. */
static Datum
row_value(HeapTuple row, TupleDesc desc, int col)
{
	bool		isnull;
	Datum		value = SPI_getbinval(row, desc, col, &isnull);

	if (isnull)
		elog(ERROR, "unexpected null in column %d", col);
	return value;
}

/* user_id, item_id, signals that may hold */
static void
repair_pair(HeapTuple row, TupleDesc desc, void *arg)
{
	batch_rederive((Batch *) arg,
				   DatumGetInt64(row_value(row, desc, 1)),
				   DatumGetInt64(row_value(row, desc, 2)),
				   DatumGetInt32(row_value(row, desc, 3)));
}

/* user_id, number of items */
static void
repair_user(HeapTuple row, TupleDesc desc, void *arg)
{
	Accumulator *acc = arg;
	TimestampTz newest;

	(void) affinity_user_items(acc, DatumGetInt64(row_value(row, desc, 1)), &newest);
	affinity_set_user_items(acc, (int) DatumGetInt64(row_value(row, desc, 2)));
}

/* What repair_counter() works on. */
typedef struct CounterRepair
{
	Batch	   *batch;
	HotChange  *hots;
	int			nhots;
	int			maxhots;
} CounterRepair;

/* item_id, event, count, users, units, total lacking; hot stored, expected; oldest row */
static void
repair_counter(HeapTuple row, TupleDesc desc, void *arg)
{
	CounterRepair *repair = arg;
	CounterDelta delta;
	double		stored = DatumGetFloat8(row_value(row, desc, 7));
	double		expected = DatumGetFloat8(row_value(row, desc, 8));

	delta.item = DatumGetInt64(row_value(row, desc, 1));
	delta.event = DatumGetInt16(row_value(row, desc, 2));
	delta.count = DatumGetInt64(row_value(row, desc, 3));
	delta.users = DatumGetInt64(row_value(row, desc, 4));
	delta.units = DatumGetInt64(row_value(row, desc, 5));
	delta.total = DatumGetNumeric(row_value(row, desc, 6));
	delta.hot = -get_float8_infinity();
	if (stored == -get_float8_infinity())
		delta.hot = expected;
	else if (expected > stored + HOT_TOLERANCE)
		delta.hot = expected + log2(1.0 - exp2(stored - expected));
	batch_counter(repair->batch, &delta);

	/* too much cannot be made up for by adding */
	if (stored != -get_float8_infinity() && !(stored <= expected + HOT_TOLERANCE))
	{
		HotChange  *change;

		if (repair->nhots == repair->maxhots)
		{
			repair->maxhots *= 2;
			repair->hots = repalloc_huge(repair->hots,
										 sizeof(HotChange) * (Size) repair->maxhots);
		}
		change = &repair->hots[repair->nhots++];
		change->item = delta.item;
		change->event = delta.event;
		change->last_id = DatumGetInt64(row_value(row, desc, 9));
		change->from = stored;
		change->to = expected;
	}
}

/* ratings, rows and total lacking */
static void
repair_catalogue(HeapTuple row, TupleDesc desc, void *arg)
{
	catalogue_add(DatumGetInt64(row_value(row, desc, 1)),
				  DatumGetInt64(row_value(row, desc, 2)),
				  DatumGetNumeric(row_value(row, desc, 3)));
}

/*
 * Wait for other repairs to end, and keep them out until this transaction
 * ends.
 *
 * The lock on an index, in a mode that conflicts with itself, stands in no
 * one else's way: recording and vacuum take a weaker one.  The locks a repair
 * needs anyway come before it, so that none of them is waited for with
 * this one held.
 */
static void
lock_repair(void)
{
	for (int i = 0; i < NUM_BASE_TABLES; i++)
		LockRelationOid(interact_relid((InteractRel) i), AccessShareLock);
	LockRelationOid(interact_relid(REL_AFFINITY), RowExclusiveLock);
	LockRelationOid(interact_relid(REL_COUNTER), RowExclusiveLock);
	LockRelationOid(interact_relid(REL_CATALOGUE), RowExclusiveLock);
	LockRelationOid(interact_relid(REL_COUNTER_PKEY), ShareUpdateExclusiveLock);
}

/*
 * Make derived rows say what base rows say.  Returns the number of pairs and
 * counters that differed.
 */
int64
interact_repair(bool affinity, bool counter, bool progress)
{
	int64		repaired = 0;
	int			nestlevel = NewGUCNestLevel();

	lock_repair();

	/* the audit views are wide: compiling them would take seconds */
	(void) set_config_option("jit", "off", PGC_USERSET, PGC_S_SESSION,
							 GUC_ACTION_SAVE, true, 0, false);
	SPI_connect();
	if (affinity)
	{
		Batch	   *batch = batch_begin();
		Accumulator *acc;
		int64		n;

		n = for_each_row("SELECT user_id, item_id, signals OPERATOR(pg_catalog.|) expected_signals"
						 " FROM %s.interact_audit_pair"
						 " WHERE differs OR unsettled"
						 " ORDER BY user_id, item_id",
						 repair_pair, batch, progress ? "pairs" : NULL);
		batch_end(batch);

		acc = affinity_open(true);
		(void) for_each_row("SELECT n.user_id, n.items"
							" FROM (SELECT user_id, pg_catalog.count(DISTINCT item_id) AS items"
							"  FROM %s.interact_affinity GROUP BY user_id) AS n"
							" JOIN (SELECT DISTINCT ON (user_id) user_id, user_items"
							"  FROM %s.interact_affinity"
							"  WHERE signals OPERATOR(pg_catalog.>=) 0"
							"  ORDER BY user_id, last_at DESC, item_id) AS a"
							" ON a.user_id OPERATOR(pg_catalog.=) n.user_id"
							" WHERE a.user_items::pg_catalog.int8 OPERATOR(pg_catalog.<>)"
							"  LEAST(n.items, 32767::pg_catalog.int8)",
							repair_user, acc, NULL);
		accumulator_close(acc);
		CommandCounterIncrement();
		if (progress)
			ereport(NOTICE,
					(errmsg("interact_rebuild: " INT64_FORMAT " pairs repaired", n)));
		repaired += n;
	}
	if (counter)
	{
		CounterRepair repair;
		int64		n;

		repair.batch = batch_begin();
		repair.nhots = 0;
		repair.maxhots = 64;
		repair.hots = palloc(sizeof(HotChange) * repair.maxhots);
		n = for_each_row("SELECT item_id, event,"
						 " expected_count OPERATOR(pg_catalog.-) count,"
						 " expected_users OPERATOR(pg_catalog.-) users,"
						 " expected_units OPERATOR(pg_catalog.-) units,"
						 " expected_total OPERATOR(pg_catalog.-) total,"
						 " hot, expected_hot, last_id"
						 " FROM %s.interact_audit_counter"
						 " WHERE differs OR low_level"
						 "  OR (expected_hot OPERATOR(pg_catalog.>) '-Infinity'::pg_catalog.float8"
						 "   AND pg_catalog.abs(hot OPERATOR(pg_catalog.-) expected_hot) OPERATOR(pg_catalog.>) 1e-6)"
						 " ORDER BY item_id, event",
						 repair_counter, &repair, progress ? "counters" : NULL);
		batch_end(repair.batch);

		if (repair.nhots > 0)
		{
			Accumulator *acc = counter_open();

			for (int i = 0; i < repair.nhots; i++)
			{
				CHECK_FOR_INTERRUPTS();
				counter_set_hot(acc, repair.hots[i].item, repair.hots[i].event,
								repair.hots[i].last_id,
								repair.hots[i].from, repair.hots[i].to);
			}
			counter_close(acc);
			CommandCounterIncrement();
		}
		pfree(repair.hots);
		(void) for_each_row("SELECT expected_count OPERATOR(pg_catalog.-) count,"
							" expected_rows OPERATOR(pg_catalog.-) rows,"
							" expected_total OPERATOR(pg_catalog.-) total"
							" FROM %s.interact_audit_catalogue",
							repair_catalogue, NULL, NULL);
		CommandCounterIncrement();
		if (progress)
			ereport(NOTICE,
					(errmsg("interact_rebuild: " INT64_FORMAT " counters repaired", n)));
		repaired += n;
	}
	SPI_finish();
	AtEOXact_GUC(true, nestlevel);
	return repaired;
}

/*
 * interact_rebuild(what) -> bigint: derive again what differs; 'all',
 * 'affinity', 'counters' or 'hot' (counters).  Returns how many pairs and
 * counters were repaired.
 */
Datum
interact_rebuild(PG_FUNCTION_ARGS)
{
	char	   *what;
	bool		all;
	bool		affinity;
	bool		counters;

	if (PG_ARGISNULL(0))
		interact_null_error("what");
	what = text_to_cstring(PG_GETARG_TEXT_PP(0));
	all = strcmp(what, "all") == 0;
	affinity = all || strcmp(what, "affinity") == 0;
	counters = all || strcmp(what, "counters") == 0 || strcmp(what, "hot") == 0;
	if (!affinity && !counters)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot rebuild \"%s\"", what),
				 errhint("Use all, affinity, counters or hot.")));

	PreventCommandIfReadOnly("interact_rebuild()");

	/* a pair that changes changes who counts as a user of the item */
	PG_RETURN_INT64(interact_repair(affinity, counters, true));
}

/* What fold_pair() and fold_counter() work on. */
typedef struct Folding
{
	Batch	   *batch;
	Accumulator *acc;
	int64		removed;
} Folding;

/* user_id, item_id */
static void
fold_pair(HeapTuple row, TupleDesc desc, void *arg)
{
	Folding    *folding = arg;

	folding->removed += batch_fold(folding->batch,
								   DatumGetInt64(row_value(row, desc, 1)),
								   DatumGetInt64(row_value(row, desc, 2)));
}

/* item_id, event */
static void
fold_counter(HeapTuple row, TupleDesc desc, void *arg)
{
	Folding    *folding = arg;

	folding->removed += counter_fold(folding->acc,
									 DatumGetInt64(row_value(row, desc, 1)),
									 DatumGetInt16(row_value(row, desc, 2)));
}

/*
 * interact_compact() -> bigint: merge rows of one key that contention left
 * apart, where nobody is at work on them.  Returns how many rows fewer there
 * are.  Never waits and never makes a recorder wait.
 */
Datum
interact_compact(PG_FUNCTION_ARGS)
{
	Folding		folding = {0};

	PreventCommandIfReadOnly("interact_compact()");

	SPI_connect();
	folding.batch = batch_begin();
	(void) for_each_row("SELECT user_id, item_id FROM %s.interact_affinity"
						" GROUP BY user_id, item_id"
						" HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 1"
						" OR pg_catalog.min(signals) OPERATOR(pg_catalog.<) 0",
						fold_pair, &folding, NULL);
	batch_end(folding.batch);

	folding.acc = counter_open();
	(void) for_each_row("SELECT item_id, event FROM %s.interact_counter"
						" GROUP BY item_id, event"
						" HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 1",
						fold_counter, &folding, NULL);
	counter_close(folding.acc);
	CommandCounterIncrement();
	folding.removed += catalogue_fold();
	CommandCounterIncrement();
	SPI_finish();
	PG_RETURN_INT64(folding.removed);
}

/* Transition function of interact_hot_sum(timestamptz). */
Datum
interact_hot_accum(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(interact_log2_add(PG_GETARG_FLOAT8(0),
									   interact_hot_of(PG_GETARG_TIMESTAMPTZ(1))));
}

/* log2(2^a + 2^b): transition of interact_log2_sum(double precision). */
Datum
interact_hot_combine(PG_FUNCTION_ARGS)
{
	PG_RETURN_FLOAT8(interact_log2_add(PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1)));
}
