/*-------------------------------------------------------------------------
 *
 * purchase.c
 *	  What purchases say: interact_bought_together() and interact_buy_again().
 *
 * Bought together with given items is first what is in the same orders: for the
 * buyers among the users that similar.c reads, the latest order with the item,
 *
 *	  sim(j) = pop_j^-0.1 * SUM over the orders o with j of n_o^-0.5
 *
 * n_o being the number of different items in the order.  An order is what has
 * one order_id and user or, without order_id, one user and time.  Then follows
 * what the same buyers bought otherwise, by the formula of similar.c.
 *
 * To be bought again is what the user bought, by the rate at which a next
 * purchase is to be expected now, per day:
 *
 *	  score = (repeats + again) / max(elapsed, every) * min(1, due)^0.25
 *	  due	= elapsed / every
 *
 * repeats: how often the user bought the item again; elapsed: since the last
 * time; every: the mean time from one purchase to the next by this user, or for
 * who never bought it again the median of others; again: the share of the
 * item's buyers who bought it again.  Purchases less than REPEAT_SECONDS apart
 * are one.  What nobody bought again is not returned.
 *
 * The first factor is that of a Poisson-Gamma model (Bhagat et al.: Buy it
 * again: modeling repeat purchase recommendations, 2018) where the time that
 * counts is the time since the last purchase, as a customer who stopped buying
 * is not waiting; the second holds back what was just bought.  On the later
 * purchases of an online shop this order is somewhat better than that by the
 * number of purchases, and more than twice as good as that by due alone, which
 * puts what was given up long ago first.
 *
 * Purchases are in a base table.  It is read with the rights of the caller,
 * row-level security included, and through index scans, whatever the
 * statistics say, so that the limits in the queries bound what is read:
 * ORDER_LINES lines of each of 200 orders; USER_LINES of a user, and
 * ITEM_LINES of each of AGAIN_ITEMS items.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "interact.h"

/* How much a large order says less. */
#define ORDER_EXPONENT			0.5

/* Limits of the queries, see above. */
#define ORDER_LINES				100
#define USER_LINES				1000
#define ITEM_LINES				100
#define AGAIN_ITEMS				100
#define REPEAT_SECONDS			43200

/* A constant as text of a query */
#define STRING(x)				#x
#define NUMBER(x)				STRING(x)

/* Columns of interact_buy_again(). */
enum
{
	Anum_again_item_id = 1,
	Anum_again_score,
	Anum_again_due,
	Anum_again_last_at,
	Anum_again_purchases,
	Anum_again_every,
	Natts_again = Anum_again_every
};

PG_FUNCTION_INFO_V1(interact_bought_together);
PG_FUNCTION_INFO_V1(interact_buy_again);


/*
 * Runs a query whose limits count on index scans; the caller is connected to
 * SPI and finds the rows there.
 */
static void
run_bounded(InteractPlan *saved, const char *sql, int nargs, Oid *argtypes,
			Datum *args)
{
	int			level = NewGUCNestLevel();
	SPIPlanPtr	plan;

	(void) set_config_option("enable_seqscan", "off", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("enable_bitmapscan", "off", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	plan = interact_generic_plan(saved, sql, nargs, argtypes);
	if (SPI_execute_plan(plan, args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read purchases");
	AtEOXact_GUC(true, level);
}


/* ---------- bought together ---------- */

/*
 * $1 items, $2 users who bought them: the items of the latest order of each,
 * with the number of the pair.  The limits stand where they bound what is
 * read, before conditions that no index helps with.
 */
static const char order_sql[] =
"SELECT l.n, o.item_id"
"  FROM (SELECT t.n, t.user_id, p.order_id, p.purchased_at"
"          FROM ROWS FROM (pg_catalog.unnest($1), pg_catalog.unnest($2))"
"               WITH ORDINALITY AS t (item_id, user_id, n)"
"         CROSS JOIN LATERAL"
"               (SELECT b.order_id, b.purchased_at"
"                  FROM %s.interact_purchase b"
"                 WHERE b.item_id OPERATOR(pg_catalog.=) t.item_id"
"                   AND b.user_id OPERATOR(pg_catalog.=) t.user_id"
"                 ORDER BY b.purchased_at DESC LIMIT 1) p) l"
" CROSS JOIN LATERAL"
"       (SELECT a.item_id, a.user_id"
"          FROM (SELECT b.item_id, b.user_id"
"                  FROM %s.interact_purchase b"
"                 WHERE b.order_id OPERATOR(pg_catalog.=) l.order_id"
"                 LIMIT " NUMBER(ORDER_LINES) ") a"
"         UNION ALL"
"        SELECT a.item_id, a.user_id"
"          FROM (SELECT b.item_id, b.user_id, b.order_id"
"                  FROM %s.interact_purchase b"
"                 WHERE l.order_id IS NULL"
"                   AND b.user_id OPERATOR(pg_catalog.=) l.user_id"
"                   AND b.purchased_at OPERATOR(pg_catalog.=) l.purchased_at"
"                 LIMIT " NUMBER(ORDER_LINES) ") a"
"         WHERE a.order_id IS NULL) o"
" WHERE o.user_id OPERATOR(pg_catalog.=) l.user_id"
" ORDER BY l.n";

/*
 * Adds what is in the orders of the postings' users to the scores.
 */
static void
credit_orders(Hops *hops)
{
	static InteractPlan saved;
	Oid			argtypes[2] = {INT8ARRAYOID, INT8ARRAYOID};
	Datum		args[2];
	Walk	   *walk = hops->walk;
	Datum	   *items = palloc(sizeof(Datum) * Max(hops->npostings, 1));
	Datum	   *users = palloc(sizeof(Datum) * Max(hops->npostings, 1));
	int32	   *profile = palloc(sizeof(int32) * Max(hops->npostings, 1));
	uint64		row = 0;
	int			n = 0;

	for (int32 i = 0; i < hops->npostings; i++)
	{
		const Posting *posting = &hops->postings[i];

		if (!similar_counts(hops, posting, EVENT_BIT(EVENT_PURCHASE)))
			continue;
		items[n] = Int64GetDatum(walk->profile[posting->profile].item);
		users[n] = Int64GetDatum(hops->neighbours[posting->neighbour].user);
		profile[n++] = posting->profile;
	}

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	args[0] = PointerGetDatum(construct_array(items, n, INT8OID, sizeof(int64),
											  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	args[1] = PointerGetDatum(construct_array(users, n, INT8OID, sizeof(int64),
											  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	run_bounded(&saved, order_sql, lengthof(argtypes), argtypes, args);
	MemoryContextSwitchTo(walk->context);

	while (row < SPI_processed)
	{
		AffinityEntry line = {.signals = EVENT_BIT(EVENT_PURCHASE)};
		int64		pair = 0;

		CHECK_FOR_INTERRUPTS();
		window_begin(walk);
		for (uint64 first = row; row < SPI_processed; row++)
		{
			Datum		values[2];
			bool		nulls[2];

			heap_deform_tuple(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
							  values, nulls);
			if (row > first && DatumGetInt64(values[0]) != pair)
				break;
			pair = DatumGetInt64(values[0]);
			line.other = DatumGetInt64(values[1]);
			window_add(walk, &line);
		}
		similar_credit(walk, pow(walk->nrows, -ORDER_EXPONENT),
					   profile[pair - 1], EVENT_BIT(EVENT_PURCHASE));
	}
	SPI_finish();
	MemoryContextSwitchTo(walk->context);
}

/*
 * Offers the items of a walk by their scores, which stay below answer->last if
 * "below" says so.
 */
static void
offer_ranked(Answer *answer, const char *reason, bool below)
{
	Datum		text = CStringGetTextDatum(reason);
	Ranking    *ranking = ranking_begin(answer->walk,
										SIMILAR_POPULARITY_EXPONENT, false);
	WalkItem	item;

	if (below)
		ranking_begin_below(ranking, answer->last);
	while (answer_wants_more(answer) && ranking_next(ranking, &item))
	{
		answer->last = item.score;
		answer_offer(answer, &item, text);
	}
	ranking_end(ranking);
}

/*
 * interact_bought_together(item_ids, max_items, exclude, filter, filter_arg):
 * items that were bought with the given ones, in the same order, then by the
 * same user.
 */
Datum
interact_bought_together(PG_FUNCTION_ARGS)
{
	const int32 purchase = EVENT_BIT(EVENT_PURCHASE);
	WalkRequest request = {0};
	Answer		answer;
	MemoryContext oldcontext;
	Walk	   *walk;
	Hops	   *hops;
	bool		found = false;

	if (PG_ARGISNULL(0))
		interact_null_error("item_ids");
	request.settings = interact_settings();
	request.items = interact_arg_ids(fcinfo, 0, "item_ids", &request.nitems);
	request.max_items = interact_arg_max_items(fcinfo, 1);
	request.exclude = interact_arg_ids(fcinfo, 2, "exclude",
									   &request.nexclude);
	request.before = DT_NOEND;
	answer_begin(&answer, fcinfo, &request, 3);
	if (request.max_items == 0)
		return (Datum) 0;

	walk = walk_begin(&request);
	answer.walk = walk;
	oldcontext = MemoryContextSwitchTo(walk->context);
	hops = hops_begin(walk);
	similar_read_users(hops, purchase);
	credit_orders(hops);
	MemoryContextSwitchTo(oldcontext);
	offer_ranked(&answer, "same_order", false);

	/* What was ranked stays; the other items get scores of another kind */
	for (int32 i = 0; i < walk->nitems; i++)
	{
		WalkedItem *item = &walk->items[i];

		found |= item->taken;
		item->score = item->best = 0;
		item->support = item->signals = 0;
	}
	if (answer_wants_more(&answer))
	{
		MemoryContextSwitchTo(walk->context);
		similar_credit_users(hops, purchase);
		MemoryContextSwitchTo(oldcontext);
		offer_ranked(&answer, "same_user", found);
	}
	hops_end(hops);
	walk_end(walk);
	return (Datum) 0;
}


/* ---------- buy again ---------- */

/*
 * $1 user, $2 purchases after it are ignored, $3 the moment for which is asked.
 * The first limit takes the items bought again most often, then the latest.
 */
static const char again_sql[] =
"WITH own AS ("
"SELECT s.item_id, pg_catalog.max(s.purchased_at) AS last_at,"
"       pg_catalog.count(*) FILTER (WHERE s.gap OPERATOR(pg_catalog.>=) " NUMBER(REPEAT_SECONDS) ") AS repeats,"
"       pg_catalog.avg(s.gap) FILTER (WHERE s.gap OPERATOR(pg_catalog.>=) " NUMBER(REPEAT_SECONDS) ") AS every"
"  FROM (SELECT p.item_id, p.purchased_at,"
"               pg_catalog.date_part('epoch', p.purchased_at OPERATOR(pg_catalog.-)"
"                   pg_catalog.lag(p.purchased_at) OVER (PARTITION BY p.item_id ORDER BY p.purchased_at)) AS gap"
"          FROM (SELECT b.item_id, b.purchased_at"
"                  FROM %s.interact_purchase b"
"                 WHERE b.user_id OPERATOR(pg_catalog.=) $1"
"                   AND b.purchased_at OPERATOR(pg_catalog.<=) $2"
"                 ORDER BY b.purchased_at DESC, b.id DESC LIMIT " NUMBER(USER_LINES) ") p) s"
" GROUP BY s.item_id"
" ORDER BY repeats DESC, last_at DESC, s.item_id LIMIT " NUMBER(AGAIN_ITEMS)
"), typical AS ("
"SELECT o.item_id, o.last_at, o.repeats, t.again,"
"       COALESCE(o.every, t.every) AS every,"
"       GREATEST(pg_catalog.date_part('epoch', $3 OPERATOR(pg_catalog.-) o.last_at), 0) AS elapsed"
"  FROM own o"
" CROSS JOIN LATERAL"
"       (SELECT pg_catalog.percentile_cont(0.5) WITHIN GROUP (ORDER BY s.gap)"
"                   FILTER (WHERE s.gap OPERATOR(pg_catalog.>=) " NUMBER(REPEAT_SECONDS) ") AS every,"
"               COALESCE(pg_catalog.count(DISTINCT s.user_id)"
"                            FILTER (WHERE s.gap OPERATOR(pg_catalog.>=) " NUMBER(REPEAT_SECONDS) ")::double precision"
"                        OPERATOR(pg_catalog./) GREATEST(pg_catalog.count(DISTINCT s.user_id), 1)::double precision, 0) AS again"
"          FROM (SELECT l.user_id,"
"                       pg_catalog.date_part('epoch', l.purchased_at OPERATOR(pg_catalog.-)"
"                           pg_catalog.lag(l.purchased_at) OVER (PARTITION BY l.user_id ORDER BY l.purchased_at)) AS gap"
"                  FROM (SELECT b.user_id, b.purchased_at"
"                          FROM %s.interact_purchase b"
"                         WHERE b.item_id OPERATOR(pg_catalog.=) o.item_id"
"                         ORDER BY b.user_id, b.purchased_at LIMIT " NUMBER(ITEM_LINES) ") l"
"                 WHERE l.purchased_at OPERATOR(pg_catalog.<=) $2) s) t"
") SELECT y.item_id,"
"         (y.repeats::double precision OPERATOR(pg_catalog.+) y.again)"
"         OPERATOR(pg_catalog./) GREATEST(y.elapsed, y.every) OPERATOR(pg_catalog.*) 86400::double precision"
"         OPERATOR(pg_catalog.*) pg_catalog.power(LEAST(y.elapsed OPERATOR(pg_catalog./) y.every, 1), 0.25) AS score,"
"         y.elapsed OPERATOR(pg_catalog./) y.every AS due,"
"         y.last_at, (y.repeats OPERATOR(pg_catalog.+) 1)::integer AS purchases,"
"         pg_catalog.justify_hours(pg_catalog.make_interval(secs => y.every)) AS every"
"    FROM typical y"
"   WHERE y.every IS NOT NULL"
"   ORDER BY score DESC, y.item_id";

/*
 * interact_buy_again(user_id, max_items, exclude, filter, filter_arg, at):
 * items that the user bought and is expected to buy again.
 */
Datum
interact_buy_again(PG_FUNCTION_ARGS)
{
	static InteractPlan saved;
	Oid			argtypes[3] = {INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID};
	Datum		args[3];
	WalkRequest request = {0};
	MemoryContext oldcontext = CurrentMemoryContext;
	Answer		answer;
	Walk	   *walk;
	TimestampTz now = GetCurrentStatementStartTimestamp();
	TimestampTz last = DT_NOEND;

	request.settings = interact_settings();
	request.has_user = true;
	request.user = interact_arg_user(fcinfo, 0, "user_id");
	request.max_items = interact_arg_max_items(fcinfo, 1);
	request.exclude = interact_arg_ids(fcinfo, 2, "exclude",
									   &request.nexclude);
	request.before = DT_NOEND;
	if (!PG_ARGISNULL(5))
	{
		now = last = PG_GETARG_TIMESTAMPTZ(5);
		if (TIMESTAMP_NOT_FINITE(now))
			ereport(ERROR,
					(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
					 errmsg("at must be finite")));
	}
	answer_begin(&answer, fcinfo, &request, 3);
	if (request.max_items == 0)
		return (Datum) 0;

	/* Knows what the user dislikes, and what is excluded */
	walk = walk_begin(&request);
	answer.walk = walk;

	args[0] = Int64GetDatum(request.user);
	args[1] = TimestampTzGetDatum(last);
	args[2] = TimestampTzGetDatum(now);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	run_bounded(&saved, again_sql, lengthof(argtypes), argtypes, args);
	for (uint64 row = 0; row < SPI_processed && answer_wants_more(&answer); row++)
	{
		Datum		values[Natts_again];
		bool		nulls[Natts_again];
		int32		index;

		CHECK_FOR_INTERRUPTS();
		heap_deform_tuple(SPI_tuptable->vals[row], SPI_tuptable->tupdesc,
						  values, nulls);
		MemoryContextSwitchTo(walk->context);
		index = walk_item(walk, DatumGetInt64(values[Anum_again_item_id - 1]));
		if (walk_allows(walk, index) && !walk->items[index].excluded &&
			item_filter_passes(answer.filter, walk->items[index].item))
			answer_put(&answer, values, nulls);
		MemoryContextSwitchTo(oldcontext);
	}
	SPI_finish();
	walk_end(walk);
	return (Datum) 0;
}
