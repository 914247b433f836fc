/*-------------------------------------------------------------------------
 *
 * popular.c
 *	  SQL entry points of popularity: interact_popular(), interact_trending()
 *	  and interact_top_rated().
 *
 * All time is read from the counters, in order (toplist.c, toprated.c); a
 * window of time is counted from the rows of the base tables, with the
 * caller's rights.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include <math.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

/* Longest window of interact_popular(since), months. */
#define POPULAR_MAX_MONTHS		(100 * 12)

PG_FUNCTION_INFO_V1(interact_popular);
PG_FUNCTION_INFO_V1(interact_trending);
PG_FUNCTION_INFO_V1(interact_top_rated);


/* ---------- a window of time ---------- */

/*
 * Reads the optional event name, argument n: its id, or -1 for NULL.
 * Unknown names raise an error.
 */
static int
arg_event(FunctionCallInfo fcinfo, int n)
{
	text	   *name;

	if (PG_ARGISNULL(n))
		return -1;
	name = PG_GETARG_TEXT_PP(n);
	return interact_event_id(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
}

/*
 * Start of the window that ends at now.  Raises an error unless the interval
 * is positive and at most 100 years.
 */
TimestampTz
interact_window_start(TimestampTz now, Interval *since)
{
	Interval	zero = {0};
	Interval	most = {0};
	TimestampTz start = now;

	most.month = POPULAR_MAX_MONTHS;

	if (DatumGetInt32(DirectFunctionCall2(interval_cmp,
										  IntervalPGetDatum(since),
										  IntervalPGetDatum(&zero))) > 0 &&
		DatumGetInt32(DirectFunctionCall2(interval_cmp,
										  IntervalPGetDatum(since),
										  IntervalPGetDatum(&most))) <= 0)
		start = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_mi_interval,
														TimestampTzGetDatum(now),
														IntervalPGetDatum(since)));

	/* '1 month -29 days' is positive and yet, in February, ends tomorrow. */
	if (start >= now)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("since must be positive and at most %d years",
						POPULAR_MAX_MONTHS / 12),
				 errhint("Give the length of the window, for instance interval '7 days'; null means all time.")));
	return start;
}

/*
 * The live rows of the base tables between $1 and $2, counted.  $3 holds the
 * weight of each event type by id, 0 for those that take no part, and a table
 * that takes no part is not read.  $4 and $5 are ids and names of custom
 * events and reactions, $6 is the number of items.  $7 is true if event types
 * are combined: then ratings of an item count only if their mean is not below
 * the middle of the scale, as in toplist.c.
 */
#define WINDOW_BRANCH(id, table, at) \
	"SELECT item_id, " id " AS event, user_id, 0::smallint AS rating" \
	"  FROM %s." table \
	" WHERE " at " OPERATOR(pg_catalog.>=) $1" \
	"   AND " at " OPERATOR(pg_catalog.<=) $2" \
	"   AND $3[" id " OPERATOR(pg_catalog.+) 1] OPERATOR(pg_catalog.>) 0"

#define WINDOW_NAMED_BRANCH(table, name, at) \
	"SELECT r.item_id, t.id, r.user_id, 0::smallint" \
	"  FROM ROWS FROM (pg_catalog.unnest($4), pg_catalog.unnest($5)) AS t (id, name)" \
	"  JOIN %s." table " r ON r." name " OPERATOR(pg_catalog.=) t.name" \
	" WHERE r." at " OPERATOR(pg_catalog.>=) $1" \
	"   AND r." at " OPERATOR(pg_catalog.<=) $2"

#define WINDOW_RATING_BRANCH \
	"SELECT item_id, 4 AS event, user_id, rating" \
	"  FROM %s.interact_review" \
	" WHERE updated_at OPERATOR(pg_catalog.>=) $1" \
	"   AND updated_at OPERATOR(pg_catalog.<=) $2" \
	"   AND $3[4 OPERATOR(pg_catalog.+) 1] OPERATOR(pg_catalog.>) 0"

static const char window_sql[] =
"SELECT item_id,"
"       pg_catalog.sum($3[event OPERATOR(pg_catalog.+) 1]"
"                      OPERATOR(pg_catalog.*) n::double precision"
"                      ORDER BY event) AS score,"
"       pg_catalog.sum(n)::bigint AS count,"
"       pg_catalog.max(users) AS users"
"  FROM (SELECT item_id, event, pg_catalog.sum(n)::bigint AS n,"
"               pg_catalog.count(*) AS users"
"          FROM (SELECT item_id, event, user_id, pg_catalog.count(*) AS n,"
"                       pg_catalog.sum(rating) AS points"
"                  FROM ("
WINDOW_BRANCH("0", "interact_view", "viewed_at")
" UNION ALL "
WINDOW_BRANCH("1", "interact_favorite", "created_at")
" UNION ALL "
WINDOW_BRANCH("2", "interact_cart_item", "added_at")
"   AND removed_at IS NULL"
" UNION ALL "
WINDOW_BRANCH("3", "interact_purchase", "purchased_at")
" UNION ALL "
WINDOW_RATING_BRANCH
" UNION ALL "
WINDOW_NAMED_BRANCH("interact_reaction", "reaction", "created_at")
" UNION ALL "
WINDOW_NAMED_BRANCH("interact_event", "event", "occurred_at")
"                       ) AS fact"
"                 GROUP BY item_id, event, user_id) AS by_user"
"         GROUP BY item_id, event"
"        HAVING event OPERATOR(pg_catalog.<>) 4 OR NOT $7"
"            OR pg_catalog.sum(points) OPERATOR(pg_catalog.>=)"
"               (pg_catalog.sum(n) OPERATOR(pg_catalog.*) 3::numeric)) AS by_event"
" GROUP BY item_id"
" ORDER BY score DESC, item_id"
" LIMIT $6";

/*
 * Writes the n most popular items of the last "since" into the result of the
 * calling function.
 *
 * The window ends at the clock, not at the start of the transaction, because
 * that is when rows recorded in this transaction are from.
 */
static void
popular_in_window(ReturnSetInfo *rsinfo, int event, int n, Interval *since)
{
	static InteractPlan saved;
	Oid			argtypes[7] = {TIMESTAMPTZOID, TIMESTAMPTZOID, FLOAT8ARRAYOID,
	INT4ARRAYOID, TEXTARRAYOID, INT8OID, BOOLOID};
	const EventType *types = interact_event_types();
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz start = interact_window_start(now, since);
	Datum		weights[MAX_EVENT_TYPES];
	Datum		ids[MAX_EVENT_TYPES];
	Datum		names[MAX_EVENT_TYPES];
	int			nnames = 0;
	Datum		args[7];
	SPIPlanPtr	plan;

	if (n == 0)
		return;

	for (int id = 0; id < MAX_EVENT_TYPES; id++)
	{
		double		weight = 0;

		if (event >= 0)
			weight = (id == event) ? 1.0 : 0;
		else if (types[id].kind != EVENT_KIND_NONE && types[id].weight > 0)
			weight = types[id].weight;

		weights[id] = Float8GetDatum(weight);
		if (weight > 0 && types[id].kind != EVENT_KIND_BUILTIN)
		{
			ids[nnames] = Int32GetDatum(id);
			names[nnames++] = CStringGetTextDatum(types[id].name);
		}
	}

	args[0] = TimestampTzGetDatum(start);
	args[1] = TimestampTzGetDatum(now);
	args[2] = PointerGetDatum(construct_array(weights, MAX_EVENT_TYPES,
											  FLOAT8OID, sizeof(float8),
											  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	args[3] = PointerGetDatum(construct_array(ids, nnames, INT4OID,
											  sizeof(int32), true,
											  TYPALIGN_INT));
	args[4] = PointerGetDatum(construct_array(names, nnames, TEXTOID, -1,
											  false, TYPALIGN_INT));
	args[5] = Int64GetDatum((int64) n);
	args[6] = BoolGetDatum(event < 0);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	plan = interact_plan(&saved, window_sql, lengthof(argtypes), argtypes);
	if (SPI_execute_plan(plan, args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read the base tables");

	for (uint64 i = 0; i < SPI_processed; i++)
	{
		Datum		values[4];
		bool		nulls[4];

		heap_deform_tuple(SPI_tuptable->vals[i], SPI_tuptable->tupdesc,
						  values, nulls);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values,
							 nulls);
	}
	SPI_finish();
}


/* ---------- SQL functions ---------- */

/*
 * Writes items into the result of the calling function.
 */
static void
put_items(ReturnSetInfo *rsinfo, const TopItem *items, int nitems)
{
	for (int i = 0; i < nitems; i++)
	{
		Datum		values[4];
		bool		nulls[4] = {0};

		values[0] = Int64GetDatum(items[i].item);
		values[1] = Float8GetDatum(items[i].score);
		values[2] = Int64GetDatum(items[i].count);
		values[3] = Int64GetDatum(items[i].users);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values,
							 nulls);
	}
}

/*
 * interact_popular(max_items, event, since): the most frequent items of all
 * time from the counters, or of a window from the base tables.
 */
Datum
interact_popular(PG_FUNCTION_ARGS)
{
	int			n = interact_arg_max_items(fcinfo, 0);
	int			event = arg_event(fcinfo, 1);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);

	if (!PG_ARGISNULL(2))
		popular_in_window(rsinfo, event, n, PG_GETARG_INTERVAL_P(2));
	else
	{
		TopItem    *items = palloc(Max(n, 1) * sizeof(TopItem));

		put_items(rsinfo, items, interact_top(TOP_BY_COUNT, event, n, items));
		pfree(items);
	}
	return (Datum) 0;
}

/*
 * interact_trending(max_items, event): the items with the highest
 * exponentially decayed number of events, as of the start of the transaction.
 */
Datum
interact_trending(PG_FUNCTION_ARGS)
{
	int			n = interact_arg_max_items(fcinfo, 0);
	int			event = arg_event(fcinfo, 1);
	double		now = interact_hot_of(GetCurrentTransactionStartTimestamp());
	TopItem    *items = palloc(Max(n, 1) * sizeof(TopItem));
	int			nitems;

	InitMaterializedSRF(fcinfo, 0);

	nitems = interact_top(TOP_BY_HOT, event, n, items);
	for (int i = 0; i < nitems; i++)
		items[i].score = exp2(items[i].score - now);
	put_items((ReturnSetInfo *) fcinfo->resultinfo, items, nitems);
	pfree(items);
	return (Datum) 0;
}

/*
 * interact_top_rated(max_items, min_ratings): the items with the highest
 * Bayesian average of their ratings.
 */
Datum
interact_top_rated(PG_FUNCTION_ARGS)
{
	int			n = interact_arg_max_items(fcinfo, 0);
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	RatedItem  *items = palloc(Max(n, 1) * sizeof(RatedItem));
	int64		min_ratings;
	int			nitems;

	if (PG_ARGISNULL(1))
		interact_null_error("min_ratings");
	min_ratings = PG_GETARG_INT32(1);
	if (min_ratings < 1)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("min_ratings must be at least 1")));

	InitMaterializedSRF(fcinfo, 0);

	nitems = interact_top_by_rating(min_ratings, n, items);
	for (int i = 0; i < nitems; i++)
	{
		Datum		values[4];
		bool		nulls[4] = {0};
		Datum		mean;

		mean = Float8GetDatum(items[i].points / (double) items[i].ratings);
		mean = DirectFunctionCall1(float8_numeric, mean);
		values[0] = Int64GetDatum(items[i].item);
		values[1] = Float8GetDatum(items[i].score);
		values[2] = DirectFunctionCall2(numeric_round, mean, Int32GetDatum(2));
		values[3] = Int64GetDatum(items[i].ratings);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values,
							 nulls);
	}
	pfree(items);
	return (Datum) 0;
}
