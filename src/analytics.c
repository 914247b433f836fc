/*-------------------------------------------------------------------------
 *
 * analytics.c
 *	  Engagement over time: activity, active users, retention, funnels and
 *	  abandoned carts.
 *
 * Each function checks its arguments and runs one statement on the base
 * tables with the rights of the caller, row-level security included.  What
 * counts is what interact_fact shows: removed cart rows do not, views whose
 * rows were pruned do not, a review counts when it was last changed.
 *
 * The statements are planned anew for each call, with the values of the
 * arguments as constants: the planner then knows how much of a table the range
 * of time is, leaves out the tables of events that were not asked for, and may
 * use parallel workers.  A plan for any values would expect half a percent of
 * a table, whatever the range.
 *
 * All of them read a range once.  What is distinct is found by sorting or by
 * hashing within work_mem, on disk beyond that; nothing is kept per row here.
 *
 * The SQL functions pin search_path, so that names of PostgreSQL's own need no
 * schema in the statements; "%s" is the extension's schema.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "executor/tstoreReceiver.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/timestamp.h"

/* Most buckets of a call, and most cohorts of interact_retention(). */
#define ANALYTICS_MAX_BUCKETS	10000
#define ANALYTICS_MAX_COHORTS	1000

/* Most periods of interact_retention(). */
#define RETENTION_MAX_PERIODS	366

/* Window of interact_active_users(): days. */
#define ACTIVE_WEEK_DAYS		7
#define ACTIVE_MAX_DAYS			366

/* Longest way through a funnel, and most age of a cart, days. */
#define ANALYTICS_MAX_DAYS		36525

/* Digits of a rate behind the point. */
#define RATE_DIGITS				4

/* The first parameters of each statement; those of its own follow. */
typedef enum AnalyticsParam
{
	PARAM_FROM,					/* $1: from this time on */
	PARAM_TO,					/* $2: before this time */
	PARAM_EVENTS,				/* $3: names of events; NULL = all */
	PARAM_REACTIONS,			/* $4: is a reaction among them? */
	PARAM_CUSTOM,				/* $5: is a custom event among them? */
	PARAM_STARTS,				/* $6: starts of the buckets; NULL = none */
	NUM_COMMON_PARAMS
} AnalyticsParam;

#define MAX_PARAMS				(NUM_COMMON_PARAMS + 3)

/* A statement and the values it is to be run with. */
typedef struct Analysis
{
	int			nparams;
	Oid			types[MAX_PARAMS];
	Datum		values[MAX_PARAMS];
	bool		nulls[MAX_PARAMS];
} Analysis;

PG_FUNCTION_INFO_V1(interact_activity);
PG_FUNCTION_INFO_V1(interact_item_activity);
PG_FUNCTION_INFO_V1(interact_active_users);
PG_FUNCTION_INFO_V1(interact_retention);
PG_FUNCTION_INFO_V1(interact_funnel);
PG_FUNCTION_INFO_V1(interact_abandoned_carts);


/* ---------- statements ---------- */

/*
 * The live rows of the base tables in the range, as a subquery.  WHAT is a
 * macro that makes a column of the number and the name of an event, condition
 * is added to each table's.
 *
 * Conditions on parameters alone are constant, so that a table none of whose
 * rows count is not in the plan.
 */
#define FACTS(WHAT, condition) \
	"(SELECT user_id, item_id, viewed_at AS at, " WHAT("0", "'view'::text") \
	" AS what, NULL::numeric AS revenue" \
	"   FROM %s.interact_view" \
	"  WHERE viewed_at >= $1 AND viewed_at < $2" \
	"    AND " BUILTIN("view") condition \
	" UNION ALL SELECT user_id, item_id, created_at, " \
	WHAT("1", "'favorite'::text") ", NULL" \
	"   FROM %s.interact_favorite" \
	"  WHERE created_at >= $1 AND created_at < $2" \
	"    AND " BUILTIN("favorite") condition \
	" UNION ALL SELECT user_id, item_id, added_at, " \
	WHAT("2", "'cart'::text") ", NULL" \
	"   FROM %s.interact_cart_item" \
	"  WHERE added_at >= $1 AND added_at < $2 AND removed_at IS NULL" \
	"    AND " BUILTIN("cart") condition \
	" UNION ALL SELECT user_id, item_id, purchased_at, " \
	WHAT("3", "'purchase'::text") ", quantity * unit_price" \
	"   FROM %s.interact_purchase" \
	"  WHERE purchased_at >= $1 AND purchased_at < $2" \
	"    AND " BUILTIN("purchase") condition \
	" UNION ALL SELECT user_id, item_id, updated_at, " \
	WHAT("4", "'rating'::text") ", NULL" \
	"   FROM %s.interact_review" \
	"  WHERE updated_at >= $1 AND updated_at < $2" \
	"    AND " BUILTIN("rating") condition \
	" UNION ALL SELECT user_id, item_id, created_at, " \
	WHAT("5", "reaction") ", NULL" \
	"   FROM %s.interact_reaction" \
	"  WHERE created_at >= $1 AND created_at < $2" \
	"    AND " NAMED("$4", "reaction") condition \
	" UNION ALL SELECT user_id, item_id, occurred_at, " \
	WHAT("6", "event") ", NULL" \
	"   FROM %s.interact_event" \
	"  WHERE occurred_at >= $1 AND occurred_at < $2" \
	"    AND " NAMED("$5", "event") condition ")"

#define BUILTIN(name)			"($3 IS NULL OR '" name "' = ANY ($3))"
#define NAMED(wanted, column)	wanted " AND ($3 IS NULL OR " column " = ANY ($3))"

/* Values of WHAT: the number, or the place of the name among the events */
#define WHAT_NUMBER(number, name)	number
#define WHAT_STEP(number, name)		"array_position($3, " name ")"

static const char activity_sql[] =
"SELECT s.start, coalesce(a.events, 0), coalesce(a.users, 0),"
"       coalesce(a.items, 0), coalesce(a.revenue, 0)"
"  FROM unnest($6) WITH ORDINALITY AS s (start, n)"
"  LEFT JOIN (SELECT width_bucket(f.at, $6) AS n, count(*) AS events,"
"                    count(DISTINCT f.user_id) AS users,"
"                    count(DISTINCT f.item_id) AS items,"
"                    sum(f.revenue) AS revenue"
"               FROM " FACTS(WHAT_NUMBER, "") " AS f"
"              GROUP BY 1) AS a ON a.n = s.n"
" ORDER BY s.n";

static const char item_activity_sql[] =
"SELECT s.start, coalesce(a.events, 0), coalesce(a.users, 0),"
"       coalesce(a.views, 0), coalesce(a.favorites, 0), coalesce(a.carts, 0),"
"       coalesce(a.purchases, 0), coalesce(a.revenue, 0)"
"  FROM unnest($6) WITH ORDINALITY AS s (start, n)"
"  LEFT JOIN (SELECT width_bucket(f.at, $6) AS n, count(*) AS events,"
"                    count(DISTINCT f.user_id) AS users,"
"                    count(*) FILTER (WHERE f.what = 0) AS views,"
"                    count(*) FILTER (WHERE f.what = 1) AS favorites,"
"                    count(*) FILTER (WHERE f.what = 2) AS carts,"
"                    count(*) FILTER (WHERE f.what = 3) AS purchases,"
"                    sum(f.revenue) AS revenue"
"               FROM " FACTS(WHAT_NUMBER, " AND item_id = $7") " AS f"
"              GROUP BY 1) AS a ON a.n = s.n"
" ORDER BY s.n";

/*
 * Distinct pairs of bucket and user, as a common table expression.
 *
 * Grouped, not SELECT DISTINCT: parallel workers would hand over what they
 * found distinct in the order of the hash values that the leader hashes it by,
 * which fills its hash table from one end and takes forever.  Partial
 * aggregation does not share hash values.
 */
#define VISITS \
	"visit AS (" \
	"     SELECT width_bucket(f.at, $6) AS n, f.user_id" \
	"       FROM " FACTS(WHAT_NUMBER, "") " AS f" \
	"      GROUP BY 1, 2)"

/*
 * $7: days of the long window, $8: dates of the days in $6, $9: how many days
 * of $6 are in front of the first one to return.
 *
 * A day on which a user is active puts the user into the windows that end on
 * it and on the days after it: until the window is over, or until the user's
 * next day takes over.  So each (user, day) adds 1 to a window's number on one
 * day and takes it off on another, and running sums give the numbers.
 */
static const char active_users_sql[] =
"WITH " VISITS ","
" stay AS ("
"     SELECT v.n, lead(v.n) OVER (PARTITION BY v.user_id ORDER BY v.n) AS next"
"       FROM visit AS v),"
" stays AS ("
"     SELECT s.n, s.next, count(*) AS users FROM stay AS s GROUP BY s.n, s.next),"
" change AS ("
"     SELECT c.n, sum(c.daily) AS daily, sum(c.weekly) AS weekly,"
"            sum(c.monthly) AS monthly"
"       FROM stays AS s"
"      CROSS JOIN LATERAL (VALUES"
"            (s.n, s.users, s.users, s.users),"
"            (least(s.n + 7, s.next), 0, -s.users, 0),"
"            (least(s.n + $7, s.next), 0, 0, -s.users))"
"            AS c (n, daily, weekly, monthly)"
"      GROUP BY c.n),"
" total AS ("
"     SELECT d.n, d.day, coalesce(c.daily, 0) AS daily,"
"            coalesce(sum(c.weekly) OVER before, 0) AS weekly,"
"            coalesce(sum(c.monthly) OVER before, 0) AS monthly"
"       FROM unnest($8) WITH ORDINALITY AS d (day, n)"
"       LEFT JOIN change AS c ON c.n = d.n"
"     WINDOW before AS (ORDER BY d.n))"
" SELECT t.day, t.daily::bigint, t.weekly::bigint, t.monthly::bigint,"
"        round(t.daily / nullif(t.monthly, 0), " CppAsString2(RATE_DIGITS) ")"
"   FROM total AS t"
"  WHERE t.n > $9"
"  ORDER BY t.n";

/* An older row than the range, of an event that counts. */
#define NO_OLDER(table, column, condition) \
	"NOT EXISTS (SELECT FROM %s." table " AS o" \
	"             WHERE o.user_id = v.user_id AND o." column " < $1" \
	"               AND " condition ")"

/*
 * $7: number of the last period.
 */
static const char retention_sql[] =
"WITH " VISITS ","
" visitor AS ("
"     SELECT v.user_id, min(v.n) AS first, array_agg(v.n) AS visits"
"       FROM visit AS v GROUP BY v.user_id),"
" newcomer AS ("
"     SELECT v.first, v.visits FROM visitor AS v"
"      WHERE " NO_OLDER("interact_view", "viewed_at", BUILTIN("view"))
"        AND " NO_OLDER("interact_favorite", "created_at", BUILTIN("favorite"))
"        AND " NO_OLDER("interact_cart_item", "added_at",
						"o.removed_at IS NULL AND " BUILTIN("cart"))
"        AND " NO_OLDER("interact_purchase", "purchased_at", BUILTIN("purchase"))
"        AND " NO_OLDER("interact_review", "updated_at", BUILTIN("rating"))
"        AND " NO_OLDER("interact_reaction", "created_at", NAMED("$4", "o.reaction"))
"        AND " NO_OLDER("interact_event", "occurred_at", NAMED("$5", "o.event")) "),"
" came AS ("
"     SELECT c.first, u.n - c.first AS period, count(*) AS users"
"       FROM newcomer AS c CROSS JOIN LATERAL unnest(c.visits) AS u (n)"
"      WHERE u.n - c.first <= $7"
"      GROUP BY 1, 2)"
" SELECT s.start, p.n, coalesce(a.users, 0), coalesce(c.users, 0),"
"        round(coalesce(c.users, 0) / a.users::numeric, " CppAsString2(RATE_DIGITS) ")"
"   FROM unnest($6) WITH ORDINALITY AS s (start, n)"
"  CROSS JOIN LATERAL generate_series(0, least($7, cardinality($6) - s.n::integer)) AS p (n)"
"   LEFT JOIN came AS a ON a.first = s.n AND a.period = 0"
"   LEFT JOIN came AS c ON c.first = s.n AND c.period = p.n"
"  ORDER BY s.n, p.n";

/*
 * The steps are the events, $3, in their order.  $7: by item, or by user alone?
 */
static const char funnel_sql[] =
"SELECT f.user_id, CASE WHEN $7 THEN f.item_id ELSE 0 END, f.at, f.what"
"  FROM " FACTS(WHAT_STEP, "") " AS f"
" ORDER BY 1, 2, 3, 4";

/*
 * A cart is met at the open row that was added last, if that is before $1, so
 * carts come in the order of an index on the open rows.  $2 and $3: before
 * this time and row; $2 is NULL: from the start.  $4: of this user only; NULL: of all.
 */
static const char abandoned_carts_sql[] =
"SELECT c.user_id, c.added_at, c.id, o.items, o.units, o.item_ids"
"  FROM %s.interact_cart_item AS c"
" CROSS JOIN LATERAL ("
"       SELECT count(*) AS items, sum(o.quantity) AS units,"
"              array_agg(o.item_id ORDER BY o.added_at DESC, o.id DESC) AS item_ids"
"         FROM %s.interact_cart_item AS o"
"        WHERE o.user_id = c.user_id"
"          AND o.removed_at IS NULL AND o.purchased_at IS NULL) AS o"
" WHERE c.removed_at IS NULL AND c.purchased_at IS NULL"
"   AND c.added_at < $1"
"   AND ($2 IS NULL OR (c.added_at, c.id) < ($2, $3))"
"   AND ($4 IS NULL OR c.user_id = $4)"
"   AND NOT EXISTS ("
"       SELECT FROM %s.interact_cart_item AS n"
"        WHERE n.user_id = c.user_id"
"          AND n.removed_at IS NULL AND n.purchased_at IS NULL"
"          AND (n.added_at, n.id) > (c.added_at, c.id))"
" ORDER BY c.added_at DESC, c.id DESC"
" LIMIT $5";


/* ---------- running them ---------- */

/*
 * Adds a parameter; those of a statement are added in their order.
 */
static void
add_param(Analysis *analysis, Oid type, Datum value, bool isnull)
{
	int			n = analysis->nparams++;

	Assert(n < MAX_PARAMS);
	analysis->types[n] = type;
	analysis->values[n] = value;
	analysis->nulls[n] = isnull;
}

/*
 * The event types that count, as an array of their names.  With no names, all
 * count.  Raises an error for an unknown name; ids[] gets the others' ids.
 */
static void
add_events(Analysis *analysis, Datum *names, int nnames, int *ids)
{
	bool		reactions = (nnames == 0);
	bool		custom = (nnames == 0);

	for (int i = 0; i < nnames; i++)
	{
		text	   *name = DatumGetTextPP(names[i]);

		ids[i] = interact_event_id(VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name));
		switch (interact_event_types()[ids[i]].kind)
		{
			case EVENT_KIND_REACTION:
				reactions = true;
				break;
			case EVENT_KIND_EVENT:
				custom = true;
				break;
			default:
				break;
		}
	}

	if (nnames == 0)
		add_param(analysis, TEXTARRAYOID, (Datum) 0, true);
	else
		add_param(analysis, TEXTARRAYOID,
				  PointerGetDatum(construct_array(names, nnames, TEXTOID, -1,
												  false, TYPALIGN_INT)), false);
	add_param(analysis, BOOLOID, BoolGetDatum(reactions), false);
	add_param(analysis, BOOLOID, BoolGetDatum(custom), false);
}

/*
 * Starts a statement: the range, and the event argument n, NULL for all.
 */
static void
start_analysis(Analysis *analysis, FunctionCallInfo fcinfo, int n,
			   TimestampTz from, TimestampTz to)
{
	Datum		name = PG_GETARG_DATUM(n);
	int			id;

	analysis->nparams = 0;
	add_param(analysis, TIMESTAMPTZOID, TimestampTzGetDatum(from), false);
	add_param(analysis, TIMESTAMPTZOID, TimestampTzGetDatum(to), false);
	add_events(analysis, &name, PG_ARGISNULL(n) ? 0 : 1, &id);
}

/*
 * Adds the starts of buckets.
 */
static void
add_starts(Analysis *analysis, const TimestampTz *starts, int nstarts)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(nstarts, 1));

	for (int i = 0; i < nstarts; i++)
		elements[i] = TimestampTzGetDatum(starts[i]);
	add_param(analysis, TIMESTAMPTZARRAYOID,
			  PointerGetDatum(construct_array(elements, nstarts, TIMESTAMPTZOID,
											  sizeof(TimestampTz),
											  FLOAT8PASSBYVAL,
											  TYPALIGN_DOUBLE)), false);
}

/*
 * Runs the statement under the active snapshot; the rows go to dest.
 */
static void
run_analysis(Analysis *analysis, InteractPlan *plan, const char *sql,
			 DestReceiver *dest)
{
	SPIExecuteOptions options = {0};
	int			result;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");

	options.params = makeParamList(analysis->nparams);
	for (int i = 0; i < analysis->nparams; i++)
	{
		ParamExternData *param = &options.params->params[i];

		param->value = analysis->values[i];
		param->isnull = analysis->nulls[i];
		param->pflags = PARAM_FLAG_CONST;
		param->ptype = analysis->types[i];
	}
	options.read_only = true;
	options.dest = dest;

	result = SPI_execute_plan_extended(interact_custom_plan(plan, sql,
															analysis->nparams,
															analysis->types),
									   &options);
	if (result != SPI_OK_SELECT)
		elog(ERROR, "SPI_execute_plan_extended returned %s for: %s",
			 SPI_result_code_string(result), sql);
	SPI_finish();
}

/*
 * The same; the rows are the result of the calling function, which has
 * prepared it with InitMaterializedSRF().
 */
static void
return_analysis(FunctionCallInfo fcinfo, Analysis *analysis,
				InteractPlan *plan, const char *sql)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	DestReceiver *dest = CreateDestReceiver(DestTuplestore);

	SetTuplestoreDestReceiverParams(dest, rsinfo->setResult,
									rsinfo->econtext->ecxt_per_query_memory,
									false, rsinfo->setDesc,
									gettext_noop("unexpected result of an analysis"));
	run_analysis(analysis, plan, sql, dest);
	dest->rDestroy(dest);
}

/*
 * An interval argument that must not be NULL.
 */
static Interval *
arg_interval(FunctionCallInfo fcinfo, int n, const char *name)
{
	if (PG_ARGISNULL(n))
		interact_null_error(name);
	return PG_GETARG_INTERVAL_P(n);
}

pg_noreturn static void
span_error(const char *name)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("%s must be positive and at most %d days",
					name, ANALYTICS_MAX_DAYS)));
}

/*
 * Microseconds of a length of time that is positive and not absurd.  A day has
 * 24 hours and a month 30 days, as for dedup of interact_record_view().
 */
static int64
span_usecs(const Interval *span, const char *name)
{
	double		days = (double) span->month * DAYS_PER_MONTH + span->day;
	double		usecs = days * USECS_PER_DAY + (double) span->time;

	if (usecs < 1 || usecs > (double) ANALYTICS_MAX_DAYS * USECS_PER_DAY)
		span_error(name);
	return (int64) usecs;
}

/*
 * Reads the arguments bucket (or the like), from_time, to_time and time_zone.
 * If from_time is NULL, the range starts where its first bucket does.
 * Returns the number of buckets.
 */
static int
arg_buckets(FunctionCallInfo fcinfo, int bucket_arg, const char *name,
			int from_arg, int to_arg, int zone_arg, int max,
			TimestampTz *from, TimestampTz *to, TimestampTz **starts)
{
	Interval   *bucket = arg_interval(fcinfo, bucket_arg, name);
	pg_tz	   *zone = interact_arg_time_zone(fcinfo, zone_arg);
	int			nstarts;

	interact_arg_range(fcinfo, from_arg, to_arg, zone, from, to);
	nstarts = interact_buckets(bucket, name, *from, *to, zone, max, starts);
	if (PG_ARGISNULL(from_arg) && nstarts > 0)
		*from = (*starts)[0];
	return nstarts;
}


/* ---------- functions ---------- */

/*
 * interact_activity(bucket, from_time, to_time, event, time_zone): events,
 * distinct users and items, and revenue of each bucket.
 */
Datum
interact_activity(PG_FUNCTION_ARGS)
{
	static InteractPlan plan;
	Analysis	analysis;
	TimestampTz from;
	TimestampTz to;
	TimestampTz *starts;
	int			nstarts;

	nstarts = arg_buckets(fcinfo, 0, "bucket", 1, 2, 4, ANALYTICS_MAX_BUCKETS,
						  &from, &to, &starts);
	start_analysis(&analysis, fcinfo, 3, from, to);
	add_starts(&analysis, starts, nstarts);

	InitMaterializedSRF(fcinfo, 0);
	if (nstarts > 0)
		return_analysis(fcinfo, &analysis, &plan, activity_sql);
	return (Datum) 0;
}

/*
 * interact_item_activity(item_id, bucket, from_time, to_time, event,
 * time_zone): the same of one item, by kind of event.
 */
Datum
interact_item_activity(PG_FUNCTION_ARGS)
{
	static InteractPlan plan;
	int64		item = interact_arg_id(fcinfo, 0, "item_id");
	Analysis	analysis;
	TimestampTz from;
	TimestampTz to;
	TimestampTz *starts;
	int			nstarts;

	nstarts = arg_buckets(fcinfo, 1, "bucket", 2, 3, 5, ANALYTICS_MAX_BUCKETS,
						  &from, &to, &starts);
	start_analysis(&analysis, fcinfo, 4, from, to);
	add_starts(&analysis, starts, nstarts);
	add_param(&analysis, INT8OID, Int64GetDatum(item), false);

	InitMaterializedSRF(fcinfo, 0);
	if (nstarts > 0)
		return_analysis(fcinfo, &analysis, &plan, item_activity_sql);
	return (Datum) 0;
}

/*
 * Days of the period argument n: a whole number of them.
 */
static int
arg_days(FunctionCallInfo fcinfo, int n, const char *name)
{
	Interval   *period = arg_interval(fcinfo, n, name);

	if (period->month != 0 || period->time != 0 ||
		period->day < 1 || period->day > ACTIVE_MAX_DAYS)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be a whole number of days from 1 to %d",
						name, ACTIVE_MAX_DAYS),
				 errhint("For instance interval '30 days' or '4 weeks'.")));
	return period->day;
}

/*
 * interact_active_users(from_time, to_time, period, time_zone, event): users
 * active on each day, in the week and in the period that end with it.
 */
Datum
interact_active_users(PG_FUNCTION_ARGS)
{
	static InteractPlan plan;
	static const Interval one_day = {.day = 1};
	int			days = arg_days(fcinfo, 2, "period");
	pg_tz	   *zone = interact_arg_time_zone(fcinfo, 3);
	Analysis	analysis;
	TimestampTz from;
	TimestampTz to;
	TimestampTz first;			/* start of the first day to return */
	TimestampTz *starts;
	int			nstarts;
	int			nbefore = 0;
	Datum	   *dates;

	interact_arg_range(fcinfo, 0, 1, zone, &from, &to);
	first = interact_day_start(from, 0, zone);
	if (from < to)
		from = interact_day_start(from, Max(days, ACTIVE_WEEK_DAYS) - 1, zone);
	nstarts = interact_buckets(&one_day, "day", from, to, zone,
							   ANALYTICS_MAX_BUCKETS, &starts);

	dates = palloc(sizeof(Datum) * Max(nstarts, 1));
	for (int i = 0; i < nstarts; i++)
	{
		dates[i] = DateADTGetDatum(interact_date(starts[i], zone));
		if (starts[i] < first)
			nbefore++;
	}

	start_analysis(&analysis, fcinfo, 4, from, to);
	add_starts(&analysis, starts, nstarts);
	add_param(&analysis, INT4OID, Int32GetDatum(days), false);
	add_param(&analysis, DATEARRAYOID,
			  PointerGetDatum(construct_array(dates, nstarts, DATEOID,
											  sizeof(DateADT), true,
											  TYPALIGN_INT)), false);
	add_param(&analysis, INT4OID, Int32GetDatum(nbefore), false);

	InitMaterializedSRF(fcinfo, 0);
	if (nstarts > 0)
		return_analysis(fcinfo, &analysis, &plan, active_users_sql);
	return (Datum) 0;
}

/*
 * interact_retention(from_time, to_time, cohort, periods, time_zone, event):
 * how many of the users who came first in a period came again in later ones.
 */
Datum
interact_retention(PG_FUNCTION_ARGS)
{
	static InteractPlan plan;
	Analysis	analysis;
	TimestampTz from;
	TimestampTz to;
	TimestampTz *starts;
	int			nstarts;
	int			periods;

	if (PG_ARGISNULL(3))
		interact_null_error("periods");
	periods = PG_GETARG_INT32(3);
	if (periods < 0 || periods > RETENTION_MAX_PERIODS)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("periods must be between 0 and %d, not %d",
						RETENTION_MAX_PERIODS, periods)));

	nstarts = arg_buckets(fcinfo, 2, "cohort", 0, 1, 4, ANALYTICS_MAX_COHORTS,
						  &from, &to, &starts);
	start_analysis(&analysis, fcinfo, 5, from, to);
	add_starts(&analysis, starts, nstarts);
	add_param(&analysis, INT4OID, Int32GetDatum(periods), false);

	InitMaterializedSRF(fcinfo, 0);
	if (nstarts > 0)
		return_analysis(fcinfo, &analysis, &plan, retention_sql);
	return (Datum) 0;
}

/*
 * interact_abandoned_carts(older_than, max_items, before, before_id): carts
 * to which nothing was added for some time, a page at a time.
 */
Datum
interact_abandoned_carts(PG_FUNCTION_ARGS)
{
	static InteractPlan plan;
	Interval   *older_than = arg_interval(fcinfo, 0, "older_than");
	int			max_items = interact_arg_max_items(fcinfo, 1);
	TimestampTz now = GetCurrentTimestamp();
	TimestampTz before;
	int64		user;
	bool		restricted = interact_session_user(&user);
	Analysis	analysis;

	(void) span_usecs(older_than, "older_than");
	before = DatumGetTimestampTz(DirectFunctionCall2(timestamptz_mi_interval,
													 TimestampTzGetDatum(now),
													 IntervalPGetDatum(older_than)));
	/* '1 month -29 days' is positive and yet, in February, ends tomorrow. */
	if (before >= now)
		span_error("older_than");
	if (PG_ARGISNULL(2) && !PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("before_id needs before"),
				 errhint("Pass both as they are in the last row of the page before, or neither.")));

	analysis.nparams = 0;
	add_param(&analysis, TIMESTAMPTZOID, TimestampTzGetDatum(before), false);
	add_param(&analysis, TIMESTAMPTZOID, PG_GETARG_DATUM(2), PG_ARGISNULL(2));
	add_param(&analysis, INT8OID,
			  PG_ARGISNULL(3) ? Int64GetDatum(PG_INT64_MIN) : PG_GETARG_DATUM(3),
			  false);
	add_param(&analysis, INT8OID, Int64GetDatum(restricted ? user : 0), !restricted);
	add_param(&analysis, INT8OID, Int64GetDatum((int64) max_items), false);

	InitMaterializedSRF(fcinfo, 0);
	return_analysis(fcinfo, &analysis, &plan, abandoned_carts_sql);
	return (Datum) 0;
}


/* ---------- funnel ---------- */

/*
 * part / whole, *isnull if whole is 0.
 */
static Datum
rate(int64 part, int64 whole, bool *isnull)
{
	Datum		quotient;

	*isnull = (whole == 0);
	if (*isnull)
		return (Datum) 0;
	quotient = DirectFunctionCall2(numeric_div,
								   NumericGetDatum(int64_to_numeric(part)),
								   NumericGetDatum(int64_to_numeric(whole)));
	return DirectFunctionCall2(numeric_round, quotient,
							   Int32GetDatum(RATE_DIGITS));
}

/*
 * interact_funnel(steps, from_time, to_time, within, by_item): how many
 * came to each step, in the order of the steps.
 */
Datum
interact_funnel(PG_FUNCTION_ARGS)
{
	static InteractPlan plan;
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Funnel		funnel;
	Analysis	analysis = {0};
	Datum	   *steps;
	int			nsteps;
	int			ids[FUNNEL_MAX_STEPS];
	TimestampTz from;
	TimestampTz to;
	bool		by_item;

	steps = funnel_arg_steps(fcinfo, 0, &nsteps);
	interact_arg_range(fcinfo, 1, 2, session_timezone, &from, &to);
	funnel_begin(&funnel, nsteps, PG_ARGISNULL(3) ? PG_INT64_MAX :
				 span_usecs(PG_GETARG_INTERVAL_P(3), "within"));
	by_item = interact_arg_bool(fcinfo, 4, "by_item");

	add_param(&analysis, TIMESTAMPTZOID, TimestampTzGetDatum(from), false);
	add_param(&analysis, TIMESTAMPTZOID, TimestampTzGetDatum(to), false);
	add_events(&analysis, steps, nsteps, ids);
	for (int i = 1; i < nsteps; i++)
	{
		for (int j = 0; j < i; j++)
		{
			if (ids[i] == ids[j])
				ereport(ERROR,
						(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						 errmsg("steps must not contain \"%s\" twice",
								TextDatumGetCString(steps[i]))));
		}
	}
	add_param(&analysis, TIMESTAMPTZARRAYOID, (Datum) 0, true);
	add_param(&analysis, BOOLOID, BoolGetDatum(by_item), false);

	InitMaterializedSRF(fcinfo, 0);
	run_analysis(&analysis, &plan, funnel_sql, &funnel.pub);

	for (int i = 0; i < nsteps; i++)
	{
		Datum		values[6];
		bool		nulls[6] = {0};

		values[0] = Int32GetDatum(i + 1);
		values[1] = steps[i];
		values[2] = Int64GetDatum(funnel.pairs[i]);
		values[3] = Int64GetDatum(funnel.users[i]);
		values[4] = rate(funnel.pairs[i], funnel.pairs[Max(i - 1, 0)], &nulls[4]);
		values[5] = rate(funnel.pairs[i], funnel.pairs[0], &nulls[5]);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
