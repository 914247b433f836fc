/*-------------------------------------------------------------------------
 *
 * recent.c
 *	  interact_recently_viewed(): the items a user viewed, each once, in the
 *	  order of their latest views.
 *
 * No index has that order.  Two have one that is close, and each is good where
 * the other is bad:
 *
 * - The log of views by time.  The first row of an item that is met is its
 *	 latest view.  But a user may have viewed one item ten thousand times in a
 *	 row.
 * - interact_affinity by last_at.  It has each item once, and last_at is never
 *	 before the latest view.  But other events move it: the items may have been
 *	 viewed long ago, and favored or bought since.
 *
 * Both are read side by side, in steps that grow.  For every item they offer
 * the time of its latest view is looked up, which one probe of the index of
 * pairs tells.  All items whose latest view is after the last row read from
 * the log have been offered by the log, and all whose latest view is after the
 * last entry read from interact_affinity by that.  So as soon as there are
 * enough items after the earlier of the two times, no better one is missing,
 * whichever of the two made it.  The cost is about twice that of the better one.
 *
 * This is Fagin's threshold algorithm, with one list that repeats itself and
 * one whose order is only a bound.
 *
 * Views are read with the privileges of the caller.  interact_affinity only
 * says where to look.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/timestamp.h"

/* Rows and entries read in the first step, beyond the number of items. */
#define FIRST_STEP			16

/* An item and its latest view. */
typedef struct RecentItem
{
	int64		item;
	TimestampTz viewed_at;		/* meaningless before it was looked up */
} RecentItem;

/* The search for a page. */
typedef struct Recent
{
	int64		user;			/* whose views */
	TimestampTz before;			/* items sort after (before, before_item) */
	int64		before_item;
	int			max_items;		/* most items to return */

	idmap_hash *met;			/* items that were offered */
	RecentItem *found;			/* those that sort after the position */
	int			nfound;
	int			maxfound;
	int64	   *fresh;			/* offered, and not looked up yet */
	int			nfresh;
	int			maxfresh;
} Recent;

PG_FUNCTION_INFO_V1(interact_recently_viewed);


/*
 * Offers an item.
 */
static void
offer(Recent *recent, int64 item)
{
	bool		met;

	idmap_insert(recent->met, item, &met);
	if (met)
		return;
	ENSURE_ROOM(recent->fresh, recent->nfresh, recent->maxfresh);
	recent->fresh[recent->nfresh++] = item;
}

/*
 * Looks up the latest views of the items offered since the last call, and
 * notes those that sort after the position.
 */
static void
look_up(Recent *recent)
{
	static InteractPlan plan;
	static const Oid types[] = {INT8OID, INT8ARRAYOID};
	Datum		values[2];
	Datum	   *items;
	SPITupleTable *rows;

	if (recent->nfresh == 0)
		return;

	items = palloc(sizeof(Datum) * recent->nfresh);
	for (int i = 0; i < recent->nfresh; i++)
		items[i] = Int64GetDatum(recent->fresh[i]);
	values[0] = Int64GetDatum(recent->user);
	values[1] = PointerGetDatum(construct_array(items, recent->nfresh, INT8OID,
												sizeof(int64), FLOAT8PASSBYVAL,
												TYPALIGN_DOUBLE));
	recent->nfresh = 0;

	page_run(&plan,
			 "SELECT i.item_id, (SELECT v.viewed_at FROM %s.interact_view AS v "
			 "WHERE (v.item_id, v.user_id) "
			 "OPERATOR(pg_catalog.>=) (i.item_id, $1) "
			 "AND (v.item_id, v.user_id) "
			 "OPERATOR(pg_catalog.<=) (i.item_id, $1) "
			 "ORDER BY v.item_id DESC, v.user_id DESC, v.viewed_at DESC LIMIT 1) "
			 "FROM pg_catalog.unnest($2) AS i (item_id)",
			 lengthof(types), types, values);
	rows = SPI_tuptable;
	for (uint64 i = 0; i < rows->numvals; i++)
	{
		RecentItem	row;
		bool		isnull;

		row.item = DatumGetInt64(SPI_getbinval(rows->vals[i], rows->tupdesc, 1,
											   &isnull));
		row.viewed_at = DatumGetTimestampTz(SPI_getbinval(rows->vals[i],
														  rows->tupdesc, 2,
														  &isnull));
		/* no view, or none that the caller may see */
		if (isnull)
			continue;
		if (row.viewed_at > recent->before ||
			(row.viewed_at == recent->before && row.item >= recent->before_item))
			continue;
		ENSURE_ROOM(recent->found, recent->nfound, recent->maxfound);
		recent->found[recent->nfound++] = row;
	}
	SPI_freetuptable(rows);
}

/*
 * How many items found have their latest view after this time?
 */
static int
count_after(const Recent *recent, TimestampTz bound)
{
	int			n = 0;

	for (int i = 0; i < recent->nfound; i++)
	{
		if (recent->found[i].viewed_at > bound)
			n++;
	}
	return n;
}

/*
 * Opens a cursor on the user's views from the position on, newest first.
 */
static Portal
open_log(const Recent *recent)
{
	static InteractPlan plan;
	static const Oid types[] = {INT8OID, TIMESTAMPTZOID};
	Datum		values[] = {Int64GetDatum(recent->user),
	TimestampTzGetDatum(recent->before)};

	return SPI_cursor_open(NULL,
						   page_plan(&plan,
									 "SELECT v.viewed_at, v.item_id "
									 "FROM %s.interact_view AS v "
									 "WHERE (v.user_id, v.viewed_at) "
									 "OPERATOR(pg_catalog.<=) ($1, $2) "
									 "AND v.user_id OPERATOR(pg_catalog.>=) $1 "
									 "ORDER BY v.user_id DESC, v.viewed_at DESC",
									 lengthof(types), types),
						   values, NULL, true);
}

/*
 * Offers the items of the next n views of the log.  Returns the time of the
 * last one, or -infinity if the log has no more.
 */
static TimestampTz
read_log(Recent *recent, Portal log, int n)
{
	TimestampTz last = DT_NOBEGIN;
	SPITupleTable *rows;
	uint64		nrows;

	SPI_cursor_fetch(log, true, n);
	rows = SPI_tuptable;
	nrows = SPI_processed;
	for (uint64 i = 0; i < nrows; i++)
	{
		bool		isnull;

		last = DatumGetTimestampTz(SPI_getbinval(rows->vals[i], rows->tupdesc,
												 1, &isnull));
		offer(recent, DatumGetInt64(SPI_getbinval(rows->vals[i], rows->tupdesc,
												  2, &isnull)));
	}
	SPI_freetuptable(rows);
	return nrows < (uint64) n ? DT_NOBEGIN : last;
}

/*
 * Offers the items of the next n entries of the user that are views among
 * other things.  Returns the time of the last one, or -infinity if there are
 * no more.
 */
static TimestampTz
read_pairs(Recent *recent, AffinityReader *reader, int n)
{
	AffinityEntry entry;
	TimestampTz last = DT_NOEND;

	for (int i = 0; i < n; i++)
	{
		if (!affinity_reader_next(reader, &entry))
		{
			last = DT_NOBEGIN;
			break;
		}
		last = entry.at;
		if (entry.signals & EVENT_BIT(EVENT_VIEW))
			offer(recent, entry.other);
	}

	/* Unsettled pairs come first, so now all of them have been met. */
	while (affinity_reader_settle(reader, &entry))
	{
		if (entry.signals & EVENT_BIT(EVENT_VIEW))
			offer(recent, entry.other);
	}
	return last;
}

/*
 * qsort comparator: latest views first, items in descending order.
 */
static int
compare_recent(const void *a, const void *b)
{
	const RecentItem *x = a;
	const RecentItem *y = b;

	if (x->viewed_at != y->viewed_at)
		return x->viewed_at > y->viewed_at ? -1 : 1;
	if (x->item != y->item)
		return x->item > y->item ? -1 : 1;
	return 0;
}

/*
 * Finds the page; the first max_items of found[], as far as there are so many,
 * are the result.
 */
static void
search(Recent *recent)
{
	AffinityReader *reader;
	Portal		log;
	TimestampTz log_bound;
	TimestampTz pair_bound = DT_NOEND;
	int			step = recent->max_items + FIRST_STEP;

	reader = affinity_reader_open(REL_AFFINITY_USER);
	affinity_reader_newest(reader, recent->user);
	log = open_log(recent);

	for (;;)
	{
		TimestampTz bound;

		CHECK_FOR_INTERRUPTS();
		log_bound = read_log(recent, log, step);
		pair_bound = read_pairs(recent, reader, step);
		look_up(recent);

		bound = Min(log_bound, pair_bound);
		if (bound == DT_NOBEGIN ||
			count_after(recent, bound) >= recent->max_items)
			break;
		step = Min(step * 2, PG_INT32_MAX / 4);
	}

	SPI_cursor_close(log);
	affinity_reader_close(reader);
	qsort(recent->found, recent->nfound, sizeof(RecentItem), compare_recent);
}

/*
 * interact_recently_viewed(user_id, max_items, before, before_item_id)
 *
 * The items the user viewed and the time of the latest view of each, latest
 * first.
 */
Datum
interact_recently_viewed(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	Recent		recent = {0};

	recent.user = interact_arg_user(fcinfo, 0, "user_id");
	recent.max_items = interact_arg_max_items(fcinfo, 1);
	recent.before = PG_ARGISNULL(2) ? DT_NOEND : PG_GETARG_TIMESTAMPTZ(2);
	recent.before_item = PG_ARGISNULL(3) ? PG_INT64_MIN : PG_GETARG_INT64(3);
	if (PG_ARGISNULL(2) && !PG_ARGISNULL(3))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("before_item_id needs before"),
				 errhint("Pass both as they are in the last row of the page before, or neither.")));

	InitMaterializedSRF(fcinfo, 0);
	if (recent.max_items == 0)
		return (Datum) 0;

	recent.met = idmap_create(CurrentMemoryContext, 256, NULL);
	recent.maxfound = recent.maxfresh = 64;
	recent.found = palloc(sizeof(RecentItem) * recent.maxfound);
	recent.fresh = palloc(sizeof(int64) * recent.maxfresh);

	SPI_connect();
	search(&recent);
	SPI_finish();

	for (int i = 0; i < Min(recent.nfound, recent.max_items); i++)
	{
		Datum		values[2] = {Int64GetDatum(recent.found[i].item),
		TimestampTzGetDatum(recent.found[i].viewed_at)};
		bool		nulls[2] = {false};

		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}
