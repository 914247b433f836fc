/*-------------------------------------------------------------------------
 *
 * evaluate.c
 *	  interact_evaluate(): how often do answers bring back what users did
 *	  last?  Leave-last-out on the live data.
 *
 * Of each sampled user the latest moment is hidden (sample.c), every strategy
 * is asked as that user would have been answered without it, and its answer is
 * compared with what was hidden:
 *
 *	  hit rate	share of users with at least one target in the answer
 *	  MRR		mean of 1 / rank of the first target, 0 without one
 *	  NDCG		mean of DCG / ideal DCG; DCG = sum of 1 / log2(rank + 1) over
 *				the targets in the answer, ideal with all targets at the top
 *				(Jarvelin, Kekalainen 2002; binary relevance)
 *
 * What keeps it honest:
 * - All strategies leave out what the user has without the hidden pairs, and
 *	 nothing else; recommend() is filled up as always.
 * - The user is nobody's neighbour, also not among the users of a similar item.
 * - Popularity, where it ranks and where it damps, does not count the hidden
 *	 pairs: their base rows are read and taken off the counters.
 * - The age of what neighbours did is as of the hidden moment.
 *
 * What it cannot know: counters and neighbours are those of now, so what other
 * users did after the hidden moment is known to all strategies alike.
 *
 * Nothing is written, and all of it reads the snapshot that is active.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "portability/instr_time.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "interact.h"

/* Calls of interact_top() that are timed; the others reuse what they read. */
#define TIMED_TOPS			10

/* Columns of interact_evaluate(). */
enum
{
	Anum_evaluate_strategy = 1,
	Anum_evaluate_evaluated,
	Anum_evaluate_hit_rate,
	Anum_evaluate_mrr,
	Anum_evaluate_ndcg,
	Anum_evaluate_coverage,
	Anum_evaluate_median_popularity,
	Anum_evaluate_ms_per_call,
	Natts_evaluate = Anum_evaluate_ms_per_call
};

/* The first items of an order, as far as they were needed. */
typedef struct TopList
{
	TopItem    *items;
	int			nitems;
	int			size;			/* how many were asked for, 0 = none yet */
} TopList;

/* Goes through a TopList as it would be without the hidden pairs of a user. */
typedef struct TopCursor
{
	Evaluation *eval;
	const SampleUser *user;
	TopOrder	order;
	TopItem    *hidden;			/* hidden items at their places, best first */
	int			nhidden;		/* those that the list still has */
	int			next_hidden;	/* index of hidden[] */
	int			next;			/* index of the list */
} TopCursor;

struct Evaluation
{
	MemoryContext context;		/* holds everything */
	MemoryContext user_context; /* reset for each call */
	int			max_items;		/* length of answers */
	TopList		tops[TOP_BY_HOT + 1];	/* by TopOrder */
	int64	   *answer;			/* to the call made last */
	int			nanswer;
};

/* How often an item was shown. */
typedef struct ShownItem
{
	int64		item;
	int64		times;
	double		popularity;		/* distinct users of the item */
} ShownItem;

/* What one strategy showed to all users. */
typedef struct Shown
{
	idmap_hash *map;			/* item -> items[] */
	ShownItem  *items;
	int32		nitems;
	int32		maxitems;
	int64		total;			/* sum of times */
} Shown;

static const char *const strategy_names[NUM_STRATEGIES] = {
	[STRATEGY_RECOMMEND] = "recommend",
	[STRATEGY_SIMILAR] = "similar",
	[STRATEGY_TRENDING] = "trending",
	[STRATEGY_POPULAR] = "popular",
};

PG_FUNCTION_INFO_V1(interact_evaluate);


/* ---------- popularity without the hidden pairs ---------- */

/*
 * Item number i of an order, or NULL past its end.  Reads ever longer lists.
 */
static const TopItem *
top_at(Evaluation *eval, TopOrder order, int i)
{
	TopList    *list = &eval->tops[order];

	while (i >= list->nitems)
	{
		if (list->size > 0 &&
			(list->nitems < list->size || list->size > PG_INT32_MAX / 4))
			return NULL;
		list->size = list->size > 0 ? 4 * list->size : 2 * eval->max_items + 32;
		if (list->items != NULL)
			pfree(list->items);
		list->items = MemoryContextAllocHuge(eval->context,
											 sizeof(TopItem) * (Size) list->size);
		list->nitems = interact_top(order, -1, list->size, list->items);
	}
	return &list->items[i];
}

/*
 * qsort comparator of TopItem: best first, ties by item.
 */
static int
compare_tops(const void *a, const void *b)
{
	const TopItem *x = a;
	const TopItem *y = b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	return x->item < y->item ? -1 : x->item > y->item ? 1 : 0;
}

/*
 * Begins to go through an order as the user would see it.
 */
static void
top_begin(TopCursor *cursor, Evaluation *eval, const SampleUser *user,
		  TopOrder order)
{
	PairReader *pairs = pair_reader_open(GetActiveSnapshot());
	UsersReader *counters = users_reader_open();

	cursor->eval = eval;
	cursor->user = user;
	cursor->order = order;
	cursor->hidden = palloc(sizeof(TopItem) * user->nhidden);
	cursor->nhidden = 0;
	cursor->next_hidden = 0;
	cursor->next = 0;

	for (int i = 0; i < user->nhidden; i++)
	{
		const AffinityEntry *pair = &user->hidden[i];
		PairPart	parts[MAX_EVENT_TYPES];

		pair_reader_parts(pairs, user->user, pair->other, pair->signals,
						  parts);
		if (interact_top_without(counters, order, pair->other, parts,
								 &cursor->hidden[cursor->nhidden]))
			cursor->nhidden++;
	}
	users_reader_close(counters);
	pair_reader_close(pairs);
	qsort(cursor->hidden, cursor->nhidden, sizeof(TopItem), compare_tops);
}

/*
 * The next item, best first; false when there is none left.
 */
static bool
top_next(TopCursor *cursor, int64 *item)
{
	const TopItem *top;
	const TopItem *hidden = NULL;

	while ((top = top_at(cursor->eval, cursor->order, cursor->next)) != NULL &&
		   sample_hidden(cursor->user, top->item) != NULL)
		cursor->next++;
	if (cursor->next_hidden < cursor->nhidden)
		hidden = &cursor->hidden[cursor->next_hidden];

	if (hidden != NULL && (top == NULL || compare_tops(hidden, top) < 0))
	{
		*item = hidden->item;
		cursor->next_hidden++;
		return true;
	}
	if (top == NULL)
		return false;
	*item = top->item;
	cursor->next++;
	return true;
}

/*
 * Whether an item may still be shown; it is then.
 */
static bool
take_item(Walk *walk, int64 item)
{
	int32		index = walk_item(walk, item);

	if (walk->items[index].taken || !walk_allows(walk, index))
		return false;
	walk->items[index].taken = true;
	return true;
}

/*
 * Adds items of an order to the answer until it is full, as far as the walk
 * has not barred them.
 */
static void
fill_answer(Evaluation *eval, const SampleUser *user, Walk *walk,
			TopOrder order)
{
	TopCursor	cursor;
	int64		item;

	if (eval->nanswer >= eval->max_items)
		return;
	top_begin(&cursor, eval, user, order);
	while (eval->nanswer < eval->max_items && top_next(&cursor, &item))
	{
		CHECK_FOR_INTERRUPTS();
		if (take_item(walk, item))
			eval->answer[eval->nanswer++] = item;
	}
}


/* ---------- asking ---------- */

/*
 * The request of a user who does not have the hidden pairs yet.
 */
static void
request_of(WalkRequest *request, Evaluation *eval,
		   const InteractSettings *settings, const SampleUser *user)
{
	memset(request, 0, sizeof(*request));
	request->settings = settings;
	request->has_user = true;
	request->user = user->user;
	request->before = user->before;
	request->hidden = user->hidden;
	request->nhidden = user->nhidden;
	request->exclude_seen = true;
	request->max_items = eval->max_items;
	request->now = user->before;
}

/*
 * Milliseconds since start.
 */
static double
elapsed_ms(const instr_time *start)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	INSTR_TIME_SUBTRACT(now, *start);
	return INSTR_TIME_GET_MILLISEC(now);
}

/*
 * What recommend() would have answered.  The time of the walk is that of the
 * call: what fills an answer up is read once for all users.
 */
static void
ask_recommend(Evaluation *eval, const InteractSettings *settings,
			  const SampleUser *user, EvalScore *score)
{
	WalkRequest request;
	WalkItem   *result = palloc(sizeof(WalkItem) * eval->max_items);
	instr_time	start;
	Walk	   *walk;

	INSTR_TIME_SET_CURRENT(start);
	request_of(&request, eval, settings, user);
	walk = walk_begin(&request);
	eval->nanswer = walk_run(walk, result);
	score->ms += elapsed_ms(&start);
	score->calls++;

	for (int i = 0; i < eval->nanswer; i++)
		eval->answer[i] = result[i].item;
	fill_answer(eval, user, walk, TOP_BY_HOT);
	fill_answer(eval, user, walk, TOP_BY_COUNT);
	walk_end(walk);
}

/*
 * What interact_similar_items() would have said of the last item that is left,
 * without what the user has.
 */
static void
ask_similar(Evaluation *eval, const InteractSettings *settings,
			const SampleUser *user, EvalScore *score)
{
	WalkRequest request;
	WalkItem   *result = palloc(sizeof(WalkItem) * eval->max_items);
	Walk	   *walk;
	int64	   *seen;
	instr_time	start;
	int			n;

	request_of(&request, eval, settings, user);
	walk = walk_begin(&request);
	seen = palloc(sizeof(int64) * Max(walk->nrows, 1));
	request.nexclude = 0;
	for (int i = 0; i < walk->nrows; i++)
	{
		if (walk->rows[i].at < user->before)
			seen[request.nexclude++] = walk->items[walk->rows[i].item].item;
	}
	request.exclude = seen;
	request.has_user = false;
	request.skip_user = true;
	request.items = &user->last_item;
	request.nitems = 1;

	INSTR_TIME_SET_CURRENT(start);
	n = walk_similar(&request, result);
	score->ms += elapsed_ms(&start);
	score->calls++;

	/* What the user has beyond the rows read is looked up */
	for (int i = 0; i < n; i++)
	{
		if (take_item(walk, result[i].item))
			eval->answer[eval->nanswer++] = result[i].item;
	}
	walk_end(walk);
}

/*
 * What interact_trending() or interact_popular() would have said, without what
 * the user has.
 */
static void
ask_top(Evaluation *eval, TopOrder order, const InteractSettings *settings,
		const SampleUser *user, EvalScore *score)
{
	WalkRequest request;
	Walk	   *walk;

	if (score->calls < TIMED_TOPS)
	{
		TopItem    *items = palloc(sizeof(TopItem) * eval->max_items);
		instr_time	start;

		INSTR_TIME_SET_CURRENT(start);
		(void) interact_top(order, -1, eval->max_items, items);
		score->ms += elapsed_ms(&start);
		score->calls++;
	}

	request_of(&request, eval, settings, user);
	walk = walk_begin(&request);
	fill_answer(eval, user, walk, order);
	walk_end(walk);
}

/*
 * Compares the answer with what was hidden.
 */
static void
judge(const Evaluation *eval, const SampleUser *user, EvalScore *score)
{
	double		dcg = 0;
	double		ideal = 0;
	int			first = 0;		/* rank of the first target, 0 = none */

	for (int rank = 1; rank <= eval->nanswer; rank++)
	{
		if (!sample_target(user, eval->answer[rank - 1]))
			continue;
		dcg += 1 / log2(rank + 1);
		if (first == 0)
			first = rank;
	}
	for (int rank = 1; rank <= Min(eval->max_items, user->ntargets); rank++)
		ideal += 1 / log2(rank + 1);

	score->users++;
	if (first > 0)
	{
		score->hits++;
		score->mrr += 1.0 / first;
		score->ndcg += dcg / ideal;
	}
}

/*
 * Begins an evaluation of answers of max_items > 0 items, in a memory context
 * below the current one.  The active snapshot has to stay active until
 * evaluation_end().
 */
Evaluation *
evaluation_begin(int max_items)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "interact evaluation",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext oldcontext = MemoryContextSwitchTo(context);
	Evaluation *eval = palloc0(sizeof(Evaluation));

	eval->context = context;
	eval->user_context = AllocSetContextCreate(context,
											   "interact evaluation of a user",
											   ALLOCSET_DEFAULT_SIZES);
	eval->max_items = max_items;
	eval->answer = palloc(sizeof(int64) * max_items);
	MemoryContextSwitchTo(oldcontext);
	return eval;
}

/*
 * Asks a strategy for a user, and adds how good the answer is to *score.
 * Returns the number of items in the answer.
 */
int
evaluation_ask(Evaluation *eval, Strategy strategy,
			   const InteractSettings *settings, const SampleUser *user,
			   EvalScore *score)
{
	MemoryContext oldcontext;

	CHECK_FOR_INTERRUPTS();
	MemoryContextReset(eval->user_context);
	oldcontext = MemoryContextSwitchTo(eval->user_context);
	eval->nanswer = 0;
	switch (strategy)
	{
		case STRATEGY_RECOMMEND:
			ask_recommend(eval, settings, user, score);
			break;
		case STRATEGY_SIMILAR:
			ask_similar(eval, settings, user, score);
			break;
		case STRATEGY_TRENDING:
			ask_top(eval, TOP_BY_HOT, settings, user, score);
			break;
		case STRATEGY_POPULAR:
			ask_top(eval, TOP_BY_COUNT, settings, user, score);
			break;
		case NUM_STRATEGIES:
			break;
	}
	MemoryContextSwitchTo(oldcontext);
	judge(eval, user, score);
	return eval->nanswer;
}

/*
 * Ends an evaluation and frees it.
 */
void
evaluation_end(Evaluation *eval)
{
	MemoryContextDelete(eval->context);
}


/* ---------- what was shown ---------- */

/*
 * Counts the items of the answer.
 */
static void
note_shown(Shown *shown, const Evaluation *eval)
{
	for (int i = 0; i < eval->nanswer; i++)
	{
		bool		found;
		IdEntry    *entry = idmap_insert(shown->map, eval->answer[i], &found);

		if (!found)
		{
			ENSURE_ROOM(shown->items, shown->nitems, shown->maxitems);
			entry->index = shown->nitems++;
			shown->items[entry->index].item = eval->answer[i];
			shown->items[entry->index].times = 0;
		}
		shown->items[entry->index].times++;
		shown->total++;
	}
}

/*
 * qsort comparator of ShownItem, by popularity.
 */
static int
compare_popularity(const void *a, const void *b)
{
	double		x = ((const ShownItem *) a)->popularity;
	double		y = ((const ShownItem *) b)->popularity;

	return x < y ? -1 : x > y ? 1 : 0;
}

/*
 * Popularity of the n-th least popular of all places shown, n from 0.
 */
static double
popularity_at(const Shown *shown, int64 n)
{
	int32		i = 0;

	while (n >= shown->items[i].times)
		n -= shown->items[i++].times;
	return shown->items[i].popularity;
}

/*
 * Median of the popularity of what was shown, which is not nothing: an item
 * counts as often as it was shown.
 */
static double
median_popularity(Shown *shown)
{
	UsersReader *counters = users_reader_open();

	for (int32 i = 0; i < shown->nitems; i++)
		shown->items[i].popularity =
			users_reader_get(counters, shown->items[i].item, 0);
	users_reader_close(counters);
	qsort(shown->items, shown->nitems, sizeof(ShownItem), compare_popularity);
	return (popularity_at(shown, (shown->total - 1) / 2) +
			popularity_at(shown, shown->total / 2)) / 2;
}


/* ---------- SQL function ---------- */

/*
 * Argument n: a number from min to max.
 */
int
interact_arg_between(FunctionCallInfo fcinfo, int n, const char *name,
					 int min, int max)
{
	int32		value;

	if (PG_ARGISNULL(n))
		interact_null_error(name);
	value = PG_GETARG_INT32(n);
	if (value < min || value > max)
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("%s must be between %d and %d, not %d",
						name, min, max, value)));
	return value;
}

/*
 * Argument n: an array of names of event types, as a mask of bits; NULL gives
 * 0.
 */
static int32
arg_events(FunctionCallInfo fcinfo, int n)
{
	ArrayType  *array;
	Datum	   *names;
	bool	   *nulls;
	int			nnames;
	int32		events = 0;

	if (PG_ARGISNULL(n))
		return 0;

	array = PG_GETARG_ARRAYTYPE_P(n);
	if (ARR_NDIM(array) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("events must be a one-dimensional array")));
	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT,
					  &names, &nulls, &nnames);
	if (nnames == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("events must not be empty"),
				 errhint("Name event types, or give null for all of them.")));
	for (int i = 0; i < nnames; i++)
	{
		text	   *name;

		if (nulls[i])
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("events must not contain null")));
		name = DatumGetTextPP(names[i]);
		events |= EVENT_BIT(interact_event_id(VARDATA_ANY(name),
											  VARSIZE_ANY_EXHDR(name)));
	}
	return events;
}

/*
 * The arguments that say who is evaluated by what, in this order: users,
 * max_items, events, since, seed; the first is number "first".  Fills *request
 * but for its settings, and returns max_items.
 */
int
evaluate_args(FunctionCallInfo fcinfo, int first, SampleRequest *request)
{
	int			max_items;

	request->users = interact_arg_between(fcinfo, first, "users",
										  1, EVAL_MAX_USERS);
	max_items = interact_arg_between(fcinfo, first + 1, "max_items",
									 1, INTERACT_MAX_ITEMS);
	request->events = arg_events(fcinfo, first + 2);
	request->since = DT_NOBEGIN;
	if (!PG_ARGISNULL(first + 3))
		request->since = interact_window_start(GetCurrentStatementStartTimestamp(),
											   PG_GETARG_INTERVAL_P(first + 3));
	if (PG_ARGISNULL(first + 4))
		interact_null_error("seed");
	request->seed = PG_GETARG_INT64(first + 4);
	return max_items;
}

/*
 * Returns the row of one strategy.
 */
static void
put_strategy(ReturnSetInfo *rsinfo, Strategy strategy, const EvalScore *score,
			 Shown *shown)
{
	Datum		values[Natts_evaluate];
	bool		nulls[Natts_evaluate];

	memset(nulls, true, sizeof(nulls));
	row_set(values, nulls, Anum_evaluate_strategy,
			CStringGetTextDatum(strategy_names[strategy]));
	row_set(values, nulls, Anum_evaluate_evaluated,
			Int32GetDatum(score->users));
	row_set(values, nulls, Anum_evaluate_coverage,
			Int64GetDatum(shown->nitems));
	if (score->users > 0)
	{
		row_set(values, nulls, Anum_evaluate_hit_rate,
				Float8GetDatum(score->hits / score->users));
		row_set(values, nulls, Anum_evaluate_mrr,
				Float8GetDatum(score->mrr / score->users));
		row_set(values, nulls, Anum_evaluate_ndcg,
				Float8GetDatum(score->ndcg / score->users));
		row_set(values, nulls, Anum_evaluate_ms_per_call,
				Float8GetDatum(score->ms / score->calls));
	}
	if (shown->total > 0)
		row_set(values, nulls, Anum_evaluate_median_popularity,
				Float8GetDatum(median_popularity(shown)));
	tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
}

/*
 * interact_evaluate(users, max_items, events, since, seed, settings): one row
 * per strategy.
 */
Datum
interact_evaluate(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	InteractSettings settings = *interact_settings();
	SampleRequest request = {0};
	EvalScore	scores[NUM_STRATEGIES] = {{0}};
	Shown		shown[NUM_STRATEGIES] = {{0}};
	int			max_items = evaluate_args(fcinfo, 0, &request);
	Evaluation *eval;
	SampleUser *sample;
	int			nusers;

	if (!PG_ARGISNULL(5))
		interact_settings_from_json(&settings, PG_GETARG_JSONB_P(5));
	request.settings = &settings;

	InitMaterializedSRF(fcinfo, 0);
	sample = sample_users(&request, &nusers);
	eval = evaluation_begin(max_items);
	for (int s = 0; s < NUM_STRATEGIES; s++)
	{
		shown[s].map = idmap_create(CurrentMemoryContext, 256, NULL);
		shown[s].maxitems = 256;
		shown[s].items = palloc(sizeof(ShownItem) * shown[s].maxitems);
	}

	for (int i = 0; i < nusers; i++)
	{
		for (int s = 0; s < NUM_STRATEGIES; s++)
		{
			(void) evaluation_ask(eval, s, &settings, &sample[i], &scores[s]);
			note_shown(&shown[s], eval);
		}
	}

	for (int s = 0; s < NUM_STRATEGIES; s++)
		put_strategy(rsinfo, s, &scores[s], &shown[s]);
	evaluation_end(eval);
	return (Datum) 0;
}
