/*-------------------------------------------------------------------------
 *
 * similar.c
 *	  What the users of an item have too, and what was bought with it.
 *
 *	  sim(j) = pop_j^-0.1 * SUM over the users v of the item's 200 newest
 *			   pairs of d_v^-0.5 [j among v's latest 100 rows]
 *
 * This is co-occurrence with degree discounting, the walk of walk.c with given
 * items as profile and without an order of rows.  Several items share the 200
 * users, and who has two of them counts for both.
 *
 * What was bought together is first what is in the same orders: for each of
 * those users, who have to be buyers then, the latest order with the item, an
 * order of n items counting n^-0.5; then the above with purchases alone.  An
 * order is what has one order_id and user or, without order_id, one user and
 * time.
 *
 * Orders are in a base table.  They are read with the rights of the caller,
 * row-level security included, through index scans, whatever the statistics
 * say: at most ORDER_LINES of each of 200 orders.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "utils/guc.h"

/* Constants of the formula. */
#define SIMILAR_USERS			200
#define SIMILAR_ROWS			100
#define SIMILAR_USER_EXPONENT	0.5
#define SIMILAR_ORDER_EXPONENT	0.5

/* Pairs read for one of a certain event, at most. */
#define PAIRS_PER_MATCH			5

/* Lines of an order that are read. */
#define ORDER_LINES				100
#define STRING(x)				#x
#define NUMBER(x)				STRING(x)

/* Any event */
#define ALL_SIGNALS				(-1)

/*
 * Whether a pair with these signals and rating counts: by one of the wanted
 * events, and liked.
 */
static inline bool
counts(Walk *walk, int32 signals, int16 rating, int32 wanted)
{
	return (wanted == ALL_SIGNALS || (signals & wanted) != 0) &&
		walk_weight(walk, signals, rating) > 0;
}

/*
 * Reads the newest users of the profile's items, as postings: SIMILAR_USERS of
 * them who have one of the wanted events with it.
 */
static void
read_users(Hops *hops, int32 wanted)
{
	Walk	   *walk = hops->walk;
	int			left = SIMILAR_USERS;

	for (int32 i = 0; i < walk->nprofile && left > 0; i++)
	{
		int			quota = Max(left / (walk->nprofile - i), 1);
		int			most = quota;
		AffinityEntry entry;

		if (wanted != ALL_SIGNALS)
			most *= PAIRS_PER_MATCH;
		affinity_reader_newest(hops->by_item, walk->profile[i].item);
		while (quota > 0 && most-- > 0 &&
			   affinity_reader_next(hops->by_item, &entry))
		{
			hops_add(hops, i, &entry, false);
			if (wanted == ALL_SIGNALS || (entry.signals & wanted) != 0)
			{
				quota--;
				left--;
			}
		}
	}
}

/*
 * Whether a posting counts.
 */
static inline bool
posting_counts(Hops *hops, const Posting *posting, int32 wanted)
{
	const WalkRequest *request = &hops->walk->request;

	if (request->skip_user &&
		hops->neighbours[posting->neighbour].user == request->user)
		return false;
	return counts(hops->walk, posting->signals, posting->rating, wanted);
}

/*
 * Adds "amount" to the scores of the items in the window.
 */
static void
credit_window(Walk *walk, double amount, int32 because, int32 wanted)
{
	for (int32 i = 0; i < walk->nrows; i++)
	{
		const WindowRow *row = &walk->rows[i];
		WalkedItem *item = &walk->items[row->item];

		if (item->barred || !counts(walk, row->signals, row->rating, wanted))
			continue;
		item->score += amount;
		item->support++;
		item->signals |= row->signals;
		if (amount > item->best)
		{
			item->best = amount;
			item->because = because;
		}
	}
}

/*
 * Adds what the users of the postings have to the scores.
 */
static void
credit_users(Hops *hops, int32 wanted)
{
	Walk	   *walk = hops->walk;
	AffinityReader *reader = walk_users(walk);

	for (int32 i = 0; i < hops->npostings; i++)
	{
		const Posting *posting = &hops->postings[i];
		AffinityEntry entry;
		double		strength = 1;
		int			nread = 0;

		if (!posting_counts(hops, posting, wanted))
			continue;
		window_begin(walk);
		affinity_reader_newest(reader,
							   hops->neighbours[posting->neighbour].user);
		while (nread < SIMILAR_ROWS && affinity_reader_next(reader, &entry))
		{
			/* The newest row knows d_v best */
			if (nread++ == 0)
				strength = pow(Max(entry.user_items, 1),
							   -SIMILAR_USER_EXPONENT);
			window_add(walk, &entry);
		}
		credit_window(walk, strength, posting->profile, wanted);
	}
}

/*
 * Gives items[] the scores of items that are similar to the profile.
 */
void
similar_go(Walk *walk)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(walk->context);
	Hops	   *hops = hops_begin(walk);

	read_users(hops, ALL_SIGNALS);
	credit_users(hops, ALL_SIGNALS);
	hops_end(hops);
	MemoryContextSwitchTo(oldcontext);
}

/*
 * Similar items, for callers in C; see interact.h.  "because" is the item
 * itself.  No user, no result.
 */
int
walk_similar(const WalkRequest *request, WalkItem *result)
{
	Walk	   *walk;
	Ranking    *ranking;
	int			n = 0;

	Assert(!request->has_user);

	walk = walk_begin(request);
	similar_go(walk);
	ranking = ranking_begin(walk, SIMILAR_POPULARITY_EXPONENT, false);
	while (n < request->max_items && ranking_next(ranking, &result[n]))
	{
		if (!result[n].excluded)
			n++;
	}
	ranking_end(ranking);
	walk_end(walk);
	return n;
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
 * Runs order_sql; the caller is connected to SPI and finds its rows there.
 */
static void
read_orders(ArrayType *items, ArrayType *users)
{
	static InteractPlan saved;
	Oid			argtypes[2] = {INT8ARRAYOID, INT8ARRAYOID};
	Datum		args[2];
	SPIPlanPtr	plan;
	int			level = NewGUCNestLevel();

	/* Other plans might read whole orders, or the whole table. */
	(void) set_config_option("enable_seqscan", "off", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	(void) set_config_option("enable_bitmapscan", "off", PGC_USERSET,
							 PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);

	args[0] = PointerGetDatum(items);
	args[1] = PointerGetDatum(users);
	plan = interact_generic_plan(&saved, order_sql, lengthof(argtypes),
								 argtypes);
	if (SPI_execute_plan(plan, args, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read orders");

	AtEOXact_GUC(true, level);
}

/*
 * Adds what is in the orders of the postings' users to the scores.
 */
static void
credit_orders(Hops *hops)
{
	Walk	   *walk = hops->walk;
	Datum	   *items = palloc(sizeof(Datum) * Max(hops->npostings, 1));
	Datum	   *users = palloc(sizeof(Datum) * Max(hops->npostings, 1));
	int32	   *profile = palloc(sizeof(int32) * Max(hops->npostings, 1));
	uint64		row = 0;
	int			n = 0;

	for (int32 i = 0; i < hops->npostings; i++)
	{
		const Posting *posting = &hops->postings[i];

		if (!posting_counts(hops, posting, EVENT_BIT(EVENT_PURCHASE)))
			continue;
		items[n] = Int64GetDatum(walk->profile[posting->profile].item);
		users[n] = Int64GetDatum(hops->neighbours[posting->neighbour].user);
		profile[n++] = posting->profile;
	}

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	read_orders(construct_array(items, n, INT8OID, sizeof(int64),
								FLOAT8PASSBYVAL, TYPALIGN_DOUBLE),
				construct_array(users, n, INT8OID, sizeof(int64),
								FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
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
		credit_window(walk, pow(walk->nrows, -SIMILAR_ORDER_EXPONENT),
					  profile[pair - 1], EVENT_BIT(EVENT_PURCHASE));
	}
	SPI_finish();
	MemoryContextSwitchTo(walk->context);
}

/*
 * Reads the buyers of the profile's items, and gives items[] the scores of
 * what is in the same orders.  bought_by_users() ends what this returns.
 */
Hops *
bought_in_orders(Walk *walk)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(walk->context);
	Hops	   *hops = hops_begin(walk);

	read_users(hops, EVENT_BIT(EVENT_PURCHASE));
	credit_orders(hops);
	MemoryContextSwitchTo(oldcontext);
	return hops;
}

/*
 * Gives items[] the scores of what the same users bought; what was ranked
 * already stays where it is.
 */
void
bought_by_users(Hops *hops)
{
	Walk	   *walk = hops->walk;
	MemoryContext oldcontext = MemoryContextSwitchTo(walk->context);

	for (int32 i = 0; i < walk->nitems; i++)
	{
		walk->items[i].score = walk->items[i].best = 0;
		walk->items[i].support = 0;
	}
	credit_users(hops, EVENT_BIT(EVENT_PURCHASE));
	MemoryContextSwitchTo(oldcontext);
}
