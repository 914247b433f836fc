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
#include "miscadmin.h"
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


/* An answer that is being put together. */
typedef struct Answer
{
	ReturnSetInfo *rsinfo;		/* where its rows go */
	Walk	   *walk;			/* knows what may be returned */
	ItemFilter *filter;			/* NULL = none */
	int			missing;		/* items still wanted */
	double		last;			/* lowest score of the walk; 1 without */
	int			filled;			/* items offered to fill it up */
} Answer;

/*
 * Raises nothing and returns false if the answer is complete.
 */
static inline bool
answer_wants_more(const Answer *answer)
{
	return answer->missing > 0 && !item_filter_spent(answer->filter);
}

/*
 * Returns an item as a row of recommend(), unless it is excluded or filtered
 * out.
 */
static void
answer_offer(Answer *answer, const WalkItem *item, Datum reason)
{
	Datum		values[Natts_recommend];
	bool		nulls[Natts_recommend] = {false};

	if (item->excluded || !item_filter_passes(answer->filter, item->item))
		return;

	values[Anum_recommend_item_id - 1] = Int64GetDatum(item->item);
	values[Anum_recommend_score - 1] = Float8GetDatum(item->score);
	values[Anum_recommend_reason - 1] = reason;
	values[Anum_recommend_because - 1] = Int64GetDatum(item->because);
	nulls[Anum_recommend_because - 1] = !item->has_because;
	values[Anum_recommend_support - 1] = Int32GetDatum(item->support);
	tuplestore_putvalues(answer->rsinfo->setResult, answer->rsinfo->setDesc,
						 values, nulls);
	answer->missing--;
}

/*
 * Offers the first items of an order that were not offered yet.  The n-th of
 * all that fill up, those included that are excluded or filtered out, has the
 * score last / (1 + n).
 *
 * How many of them will be accepted is not known, so ever longer lists are
 * read until it is enough or the list holds the whole catalogue.
 */
static void
fill_up(Answer *answer, TopOrder order)
{
	Walk	   *walk = answer->walk;
	Datum		reason;
	int			size = 2 * answer->missing + 32;
	int			seen = 0;

	reason = CStringGetTextDatum(order == TOP_BY_HOT ? "trending" : "popular");
	while (answer_wants_more(answer))
	{
		TopItem    *top = palloc_extended(sizeof(TopItem) * (Size) size,
										  MCXT_ALLOC_HUGE);
		int			n = interact_top(order, -1, size, top);

		/* The items before "seen" were offered in the round before */
		for (; seen < n && answer_wants_more(answer); seen++)
		{
			int32		index = walk_item(walk, top[seen].item);
			WalkItem	item = {0};

			CHECK_FOR_INTERRUPTS();
			if (walk->items[index].taken || !walk_allows(walk, index))
				continue;
			walk->items[index].taken = true;
			item.item = top[seen].item;
			item.score = answer->last / (1 + ++answer->filled);
			item.excluded = walk->items[index].excluded;
			answer_offer(answer, &item, reason);
		}
		pfree(top);
		if (n < size || size > PG_INT32_MAX / 4)
			break;
		size *= 4;
	}
}

/*
 * Answers a request: the walk's items, then what fills them up.  The filter
 * is argument filter_arg of fcinfo.
 */
static void
answer_request(FunctionCallInfo fcinfo, const WalkRequest *request)
{
	Answer		answer = {0};
	Ranking    *ranking;
	WalkItem	item;
	Datum		by_users = CStringGetTextDatum("similar_users");
	Datum		by_friends = CStringGetTextDatum("friends");

	InitMaterializedSRF(fcinfo, 0);
	if (request->max_items == 0)
		return;

	answer.rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	answer.missing = request->max_items;
	answer.last = 1.0;
	answer.walk = walk_begin(request);
	walk_go(answer.walk);
	ranking = ranking_begin(answer.walk,
							request->settings->popularity_exponent, true);
	while (answer_wants_more(&answer) && ranking_next(ranking, &item))
	{
		answer.last = item.score;
		answer_offer(&answer, &item, item.by_friends ? by_friends : by_users);
	}
	ranking_end(ranking);
	fill_up(&answer, TOP_BY_HOT);
	fill_up(&answer, TOP_BY_COUNT);
	walk_end(answer.walk);
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
	answer_request(fcinfo, &request);
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
	answer_request(fcinfo, &request);
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
