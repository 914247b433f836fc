/*-------------------------------------------------------------------------
 *
 * recommend.c
 *	  SQL entry points of the walk: recommend(), recommend_for_items() and
 *	  interact_similar_items().
 *
 * All three read the derived tables directly, under the caller's snapshot and
 * without looking at table privileges: who may call them is decided by
 * EXECUTE alone.  They write nothing and run on a standby.
 *
 * Where the walk finds fewer items than asked, trending items fill the answer
 * up, then popular ones; they pass the same exclusions.  Their scores say
 * their order only: the lowest score of the walk (1 if there is none) divided
 * by 2, 3, 4, ..., so that every filled-up item sorts below every walked one.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "funcapi.h"
#include "utils/builtins.h"

#include "interact.h"

/*
 * The walk of a guest session or a basket, where the order of the last few
 * items says more than in a long history.
 */
#define SESSION_ITEM_EXPONENT		0.5
#define SESSION_POSITION_EXPONENT	1.0
#define SESSION_GAP_EXPONENT		0.75

/* Columns of recommend() and recommend_for_items(). */
enum
{
	Anum_recommend_item_id = 1,
	Anum_recommend_score,
	Anum_recommend_reason,
	Anum_recommend_because,
	Anum_recommend_support,
	Natts_recommend = Anum_recommend_support
};

/* Columns of interact_similar_items(). */
enum
{
	Anum_similar_item_id = 1,
	Anum_similar_score,
	Anum_similar_support,
	Natts_similar = Anum_similar_support
};

PG_FUNCTION_INFO_V1(recommend);
PG_FUNCTION_INFO_V1(recommend_for_items);
PG_FUNCTION_INFO_V1(interact_similar_items);


/*
 * Returns one row of recommend(); because is shown if there is support.
 */
static void
put_row(ReturnSetInfo *rsinfo, const WalkItem *row, Datum reason)
{
	Datum		values[Natts_recommend];
	bool		nulls[Natts_recommend] = {false};

	values[Anum_recommend_item_id - 1] = Int64GetDatum(row->item);
	values[Anum_recommend_score - 1] = Float8GetDatum(row->score);
	values[Anum_recommend_reason - 1] = reason;
	values[Anum_recommend_because - 1] = Int64GetDatum(row->because);
	nulls[Anum_recommend_because - 1] = row->support == 0;
	values[Anum_recommend_support - 1] = Int32GetDatum(row->support);
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * Returns the first items of an order that the walk may still take: at most
 * "missing" of them, after "filled" others.  The n-th of all these gets the
 * score base / (1 + n).  Returns how many there were.
 *
 * How many items at the top are excluded is not known, so ever longer lists
 * are read until enough are left or the list holds the whole catalogue.
 */
static int
fill_up(ReturnSetInfo *rsinfo, Walk *walk, TopOrder order, int missing,
		double base, int filled)
{
	Datum		reason;
	int			size = 2 * missing + 32;
	int			seen = 0;
	int			found = 0;

	reason = CStringGetTextDatum(order == TOP_BY_HOT ? "trending" : "popular");
	while (found < missing)
	{
		TopItem    *top = palloc_extended(sizeof(TopItem) * (Size) size,
										  MCXT_ALLOC_HUGE);
		int			n = interact_top(order, -1, size, top);

		/* The items before "seen" were offered in the round before */
		for (; seen < n && found < missing; seen++)
		{
			WalkItem	row = {0};

			if (!walk_take(walk, top[seen].item))
				continue;
			found++;
			row.item = top[seen].item;
			row.score = base / (1 + filled + found);
			put_row(rsinfo, &row, reason);
		}
		pfree(top);
		if (n < size || size > PG_INT32_MAX / 4)
			break;
		size *= 4;
	}
	return found;
}

/*
 * Answers a request: the walk's items, then what fills them up.
 */
static void
answer(FunctionCallInfo fcinfo, const WalkRequest *request)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	WalkItem   *result;
	Datum		reason;
	Walk	   *walk;
	double		base;
	int			missing;
	int			filled;
	int			n;

	InitMaterializedSRF(fcinfo, 0);
	if (request->max_items == 0)
		return;

	result = palloc(sizeof(WalkItem) * request->max_items);
	walk = walk_begin(request);
	n = walk_run(walk, result);
	reason = CStringGetTextDatum("similar_users");
	for (int i = 0; i < n; i++)
		put_row(rsinfo, &result[i], reason);

	base = n > 0 ? result[n - 1].score : 1.0;
	missing = request->max_items - n;
	filled = fill_up(rsinfo, walk, TOP_BY_HOT, missing, base, 0);
	fill_up(rsinfo, walk, TOP_BY_COUNT, missing - filled, base, filled);
	walk_end(walk);
}

/*
 * recommend(user_id, max_items, exclude_seen, exclude): items for a user.
 */
Datum
recommend(PG_FUNCTION_ARGS)
{
	WalkRequest request = {0};

	request.settings = interact_settings();
	request.has_user = true;
	request.user = interact_arg_user(fcinfo, 0, "user_id");
	request.max_items = interact_arg_max_items(fcinfo, 1);
	request.exclude_seen = interact_arg_bool(fcinfo, 2, "exclude_seen");
	request.exclude = interact_arg_ids(fcinfo, 3, "exclude",
									   &request.nexclude);
	request.before = DT_NOEND;
	request.now = GetCurrentStatementStartTimestamp();
	answer(fcinfo, &request);
	return (Datum) 0;
}

/*
 * recommend_for_items(item_ids, max_items, exclude): items that go on from
 * the given ones.
 */
Datum
recommend_for_items(PG_FUNCTION_ARGS)
{
	WalkRequest request = {0};
	InteractSettings settings = *interact_settings();

	settings.item_exponent = SESSION_ITEM_EXPONENT;
	settings.position_exponent = SESSION_POSITION_EXPONENT;
	settings.gap_exponent = SESSION_GAP_EXPONENT;
	request.settings = &settings;

	if (PG_ARGISNULL(0))
		interact_null_error("item_ids");
	request.items = interact_arg_ids(fcinfo, 0, "item_ids", &request.nitems);
	request.max_items = interact_arg_max_items(fcinfo, 1);
	request.exclude = interact_arg_ids(fcinfo, 2, "exclude",
									   &request.nexclude);
	request.before = DT_NOEND;
	request.now = GetCurrentStatementStartTimestamp();
	answer(fcinfo, &request);
	return (Datum) 0;
}

/*
 * interact_similar_items(item_id, max_items): items that the same users have.
 */
Datum
interact_similar_items(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	int64		item = interact_arg_id(fcinfo, 0, "item_id");
	WalkRequest request = {0};
	WalkItem   *result;
	int			n;

	request.settings = interact_settings();
	request.items = &item;
	request.nitems = 1;
	request.max_items = interact_arg_max_items(fcinfo, 1);
	request.before = DT_NOEND;
	request.now = GetCurrentStatementStartTimestamp();

	InitMaterializedSRF(fcinfo, 0);
	if (request.max_items == 0)
		return (Datum) 0;

	result = palloc(sizeof(WalkItem) * request.max_items);
	n = walk_similar(&request, result);
	for (int i = 0; i < n; i++)
	{
		Datum		values[Natts_similar];
		bool		nulls[Natts_similar] = {false};

		values[Anum_similar_item_id - 1] = Int64GetDatum(result[i].item);
		values[Anum_similar_score - 1] = Float8GetDatum(result[i].score);
		values[Anum_similar_support - 1] = Int32GetDatum(result[i].support);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc,
							 values, nulls);
	}
	return (Datum) 0;
}
