/*-------------------------------------------------------------------------
 *
 * recommend.c
 *	  SQL entry points of the walk: recommend(), recommend_for_items(),
 *	  interact_rank(), interact_similar_items() and interact_similar_users().
 *
 * All of them read the derived tables directly, under the caller's snapshot and
 * without looking at table privileges: who may call them is decided by
 * EXECUTE alone.  Friends are a base table, see friend.c.  They write nothing
 * and run on a standby.
 *
 * Where the walk finds fewer items than asked, trending items fill the answer
 * up, then popular ones; they pass the same exclusions and the same filter.
 * Their scores say their order only: the lowest score of the walk (1 if there
 * is none) divided by 2, 3, 4, ..., so that every filled-up item sorts below
 * every walked one.
 *
 * What is excluded or filtered out keeps its place in the order and its part
 * in these numbers, so that pages of an answer fit together.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

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

/* The last column of interact_rank(), the others are those of recommend(). */
enum
{
	Anum_rank_rank = Natts_recommend + 1,
	Natts_rank = Anum_rank_rank
};

/* Columns of interact_similar_users(). */
enum
{
	Anum_similar_user_user_id = 1,
	Anum_similar_user_score,
	Anum_similar_user_shared,
	Natts_similar_user = Anum_similar_user_shared
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
PG_FUNCTION_INFO_V1(interact_similar_users);
PG_FUNCTION_INFO_V1(interact_rank);


/*
 * Sets the columns of recommend().
 */
static void
recommend_row(const WalkItem *item, Datum reason, Datum *values, bool *nulls)
{
	values[Anum_recommend_item_id - 1] = Int64GetDatum(item->item);
	values[Anum_recommend_score - 1] = Float8GetDatum(item->score);
	values[Anum_recommend_reason - 1] = reason;
	values[Anum_recommend_because - 1] = Int64GetDatum(item->because);
	nulls[Anum_recommend_because - 1] = !item->has_because;
	values[Anum_recommend_support - 1] = Int32GetDatum(item->support);
}

/*
 * Begins an answer to a request: its result set, and the filter in argument
 * filter_arg of fcinfo and the one after it.
 */
void
answer_begin(Answer *answer, FunctionCallInfo fcinfo,
			 const WalkRequest *request, int filter_arg)
{
	InitMaterializedSRF(fcinfo, 0);
	answer->rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	answer->walk = NULL;
	answer->filter = item_filter_open(fcinfo, filter_arg,
									  request->settings->filter_calls);
	answer->missing = request->max_items;
	answer->last = 1.0;
	answer->filled = 0;
}

/*
 * Returns a row, the next item of the answer.
 */
void
answer_put(Answer *answer, Datum *values, bool *nulls)
{
	tuplestore_putvalues(answer->rsinfo->setResult, answer->rsinfo->setDesc,
						 values, nulls);
	answer->missing--;
}

/*
 * Returns an item as a row of recommend(), unless it is excluded or filtered
 * out.
 */
void
answer_offer(Answer *answer, const WalkItem *item, Datum reason)
{
	Datum		values[Natts_recommend];
	bool		nulls[Natts_recommend] = {false};

	if (item->excluded || !item_filter_passes(answer->filter, item->item))
		return;
	recommend_row(item, reason, values, nulls);
	answer_put(answer, values, nulls);
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
 * The reason of an item that a walk led to.
 */
static inline const char *
walk_reason(const WalkItem *item)
{
	return item->by_friends ? "friends" : "similar_users";
}

/*
 * Answers a request: the walk's items, then what fills them up.  The filter
 * is argument filter_arg of fcinfo.
 */
static void
answer_request(FunctionCallInfo fcinfo, const WalkRequest *request,
			   int filter_arg)
{
	Answer		answer;
	Ranking    *ranking;
	WalkItem	item;

	answer_begin(&answer, fcinfo, request, filter_arg);
	if (request->max_items == 0)
		return;

	answer.walk = walk_begin(request);
	walk_go(answer.walk);
	ranking = ranking_begin(answer.walk,
							request->settings->popularity_exponent, true);
	while (answer_wants_more(&answer) && ranking_next(ranking, &item))
	{
		answer.last = item.score;
		answer_offer(&answer, &item, CStringGetTextDatum(walk_reason(&item)));
	}
	ranking_end(ranking);
	fill_up(&answer, TOP_BY_HOT);
	fill_up(&answer, TOP_BY_COUNT);
	walk_end(answer.walk);
}

/*
 * Argument n, the weight of friends: if not null, it takes the place of the
 * setting, and friends have to be readable.
 */
static void
arg_friends_weight(FunctionCallInfo fcinfo, int n, InteractSettings *settings,
				   WalkRequest *request)
{
	double		weight;

	if (PG_ARGISNULL(n))
		return;
	weight = PG_GETARG_FLOAT8(n);
	if (isnan(weight) || weight < 0 || weight > MAX_FRIENDS_WEIGHT)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("friends_weight must be between 0 and %d, not %g",
						MAX_FRIENDS_WEIGHT, weight)));
	settings->friends_weight = weight;
	request->need_friends = true;
}

/*
 * recommend(user_id, max_items, exclude_seen, exclude, filter, filter_arg,
 * friends_weight): items for a user.
 */
Datum
recommend(PG_FUNCTION_ARGS)
{
	WalkRequest request = {0};
	InteractSettings settings = *interact_settings();

	request.settings = &settings;
	request.has_user = true;
	request.user = interact_arg_user(fcinfo, 0, "user_id");
	request.max_items = interact_arg_max_items(fcinfo, 1);
	request.exclude_seen = interact_arg_bool(fcinfo, 2, "exclude_seen");
	request.exclude = interact_arg_ids(fcinfo, 3, "exclude",
									   &request.nexclude);
	arg_friends_weight(fcinfo, 6, &settings, &request);
	request.before = DT_NOEND;
	request.now = GetCurrentStatementStartTimestamp();
	answer_request(fcinfo, &request, 4);
	return (Datum) 0;
}

/*
 * recommend_for_items(item_ids, max_items, exclude, filter, filter_arg): items
 * that go on from the given ones.
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
	answer_request(fcinfo, &request, 3);
	return (Datum) 0;
}

/*
 * interact_similar_items(item_id, max_items, exclude, filter, filter_arg):
 * items that the same users have.
 */
Datum
interact_similar_items(PG_FUNCTION_ARGS)
{
	int64		item_id = interact_arg_id(fcinfo, 0, "item_id");
	WalkRequest request = {0};
	Answer		answer;
	Ranking    *ranking;
	WalkItem	item;

	request.settings = interact_settings();
	request.items = &item_id;
	request.nitems = 1;
	request.max_items = interact_arg_max_items(fcinfo, 1);
	request.exclude = interact_arg_ids(fcinfo, 2, "exclude",
									   &request.nexclude);
	request.before = DT_NOEND;
	answer_begin(&answer, fcinfo, &request, 3);
	if (request.max_items == 0)
		return (Datum) 0;

	answer.walk = walk_begin(&request);
	similar_go(answer.walk);
	ranking = ranking_begin(answer.walk, SIMILAR_POPULARITY_EXPONENT, false);
	while (answer_wants_more(&answer) && ranking_next(ranking, &item))
	{
		Datum		values[Natts_similar];
		bool		nulls[Natts_similar] = {false};

		if (item.excluded || !item_filter_passes(answer.filter, item.item))
			continue;
		values[Anum_similar_item_id - 1] = Int64GetDatum(item.item);
		values[Anum_similar_score - 1] = Float8GetDatum(item.score);
		values[Anum_similar_support - 1] = Int32GetDatum(item.support);
		answer_put(&answer, values, nulls);
	}
	ranking_end(ranking);
	walk_end(answer.walk);
	return (Datum) 0;
}

/*
 * interact_similar_users(user_id, max_items): users who have the same items.
 */
Datum
interact_similar_users(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	WalkRequest request = {0};
	SimilarUser *result;
	Walk	   *walk;
	int			n;

	request.settings = interact_settings();
	request.has_user = true;
	request.user = interact_arg_user(fcinfo, 0, "user_id");
	request.max_items = interact_arg_max_items(fcinfo, 1);
	request.before = DT_NOEND;

	InitMaterializedSRF(fcinfo, 0);
	if (request.max_items == 0)
		return (Datum) 0;

	result = palloc(sizeof(SimilarUser) * request.max_items);
	walk = walk_begin(&request);
	n = walk_similar_users(walk, result);
	walk_end(walk);
	for (int i = 0; i < n; i++)
	{
		Datum		values[Natts_similar_user];
		bool		nulls[Natts_similar_user] = {false};

		values[Anum_similar_user_user_id - 1] = Int64GetDatum(result[i].user);
		values[Anum_similar_user_score - 1] = Float8GetDatum(result[i].score);
		values[Anum_similar_user_shared - 1] = Int32GetDatum(result[i].shared);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}

/*
 * Puts the item_ids of a request in order: those the walk led to by damped
 * score, then those it did not as given, then those the user dislikes as
 * given.  Fills order[nitems], whose index is that of the walk's items[] and
 * whose score is 0 for the second and the weight of the pair for the third.
 */
static void
rank_items(Walk *walk, Ranked *order)
{
	const WalkRequest *request = &walk->request;
	double		exponent = request->settings->popularity_exponent;
	UsersReader *users = users_reader_open();
	int			n = 0;

	for (int group = 0; group < 3; group++)
	{
		for (int i = 0; i < request->nitems; i++)
		{
			int32		index = walk_item(walk, request->items[i]);
			bool		allowed = walk_allows(walk, index);
			double		score = walk->items[index].score;
			Ranked	   *place = &order[n];

			CHECK_FOR_INTERRUPTS();
			if (group != (!allowed ? 2 : score <= 0 ? 1 : 0))
				continue;
			place->id = request->items[i];
			place->index = index;
			place->score = 0;
			if (group == 0)
				place->score = score *
					ranking_damping(users, place->id, 0, exponent);
			else if (group == 2)
				place->score = -1;
			n++;
		}
		if (group == 0)
			qsort(order, n, sizeof(Ranked), ranked_compare);
	}
	users_reader_close(users);
}

/*
 * interact_rank(user_id, item_ids, friends_weight): the same items in the
 * order in which they suit the user.
 */
Datum
interact_rank(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	WalkRequest request = {0};
	InteractSettings settings = *interact_settings();
	MemoryContext oldcontext;
	Ranked	   *order;
	Walk	   *walk;

	request.settings = &settings;
	request.has_user = true;
	request.user = interact_arg_user(fcinfo, 0, "user_id");
	if (PG_ARGISNULL(1))
		interact_null_error("item_ids");
	request.items = interact_arg_ids(fcinfo, 1, "item_ids", &request.nitems);
	if (request.nitems > INTERACT_MAX_ITEMS)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("item_ids must have at most %d elements, not %d",
						INTERACT_MAX_ITEMS, request.nitems)));
	arg_friends_weight(fcinfo, 2, &settings, &request);
	request.before = DT_NOEND;
	request.now = GetCurrentStatementStartTimestamp();

	InitMaterializedSRF(fcinfo, 0);
	if (request.nitems == 0)
		return (Datum) 0;

	walk = walk_begin(&request);
	walk_go(walk);
	oldcontext = MemoryContextSwitchTo(walk->context);
	order = palloc(sizeof(Ranked) * request.nitems);
	rank_items(walk, order);
	MemoryContextSwitchTo(oldcontext);

	for (int i = 0; i < request.nitems; i++)
	{
		Datum		values[Natts_rank];
		bool		nulls[Natts_rank] = {false};
		WalkItem	item;

		walk_describe(walk, order[i].index, &item);
		item.score = order[i].score;
		nulls[Anum_recommend_reason - 1] = item.score <= 0;
		if (item.score <= 0)
		{
			item.has_because = false;
			item.support = 0;
		}
		recommend_row(&item, CStringGetTextDatum(walk_reason(&item)),
					  values, nulls);
		values[Anum_rank_rank - 1] = Int32GetDatum(i + 1);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	walk_end(walk);
	return (Datum) 0;
}
