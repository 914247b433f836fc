/*-------------------------------------------------------------------------
 *
 * toplist.c
 *	  The first items by number of events or by trend, without scanning the
 *	  counters.
 *
 * interact_top() is the threshold algorithm of Fagin, Lotem and Naor
 * ("Optimal aggregation algorithms for middleware", PODS 2001) over the
 * indexes of interact_counter.  Each event type that takes part is one list,
 * sorted by the quantised logarithm (level) of the item's count or hot:
 *
 *	  sorted access	  the next row of the list with the highest bound, from
 *					  interact_counter_count or interact_counter_hot
 *	  random access	  once per item, all its rows through the primary key:
 *					  fragments of a key add up, keys combine by weight
 *	  threshold		  the score of an item that would have the highest value
 *					  still possible in every list at once
 *
 * It stops when no item that was not seen yet can enter the first n.  The
 * levels only decide how far it reads; scores and the order come from the
 * rows themselves, so the answer is exact, ties by item_id included.
 *
 * What takes part.  Event types whose weight is positive: with a negative
 * one the combination would not be monotone and no prefix of the lists could
 * prove anything.  Dislikes therefore do not lower popularity; ask for them
 * by name.  Bad ratings do not raise it either: where event types are combined,
 * the ratings of an item count if their mean is at least the middle of the
 * scale, below which a rating is a dislike.  A part that may be left out is
 * still bounded by its level.  A key whose rows add up to a count of zero or
 * less says nothing, in either order, and an item without any other key is not
 * listed.
 *
 * What a level promises.  Writers set the level of the row they write to the
 * level of the key's sum as they see it, so the highest level among the
 * visible rows of a key bounds the key's sum, and an item none of whose rows
 * was read is not above the level read last.  TOP_LEVEL_SLACK is added
 * for writers that did not see each other.
 *
 * Cost.  About the number of items whose score is within
 * 2^((1 + TOP_LEVEL_SLACK) / LEVELS_PER_OCTAVE) of the n-th, whatever the
 * number of items; counts fall off like a power law, so that is a small
 * multiple of n.  One list that ends in many items of the same small count
 * (1, 2, 3) stops at once, because ties within a level are read by item_id.
 * The worst case is a catalogue whose items are nearly all equally popular:
 * an exact answer then needs all of them, about 1 us each.
 *
 * Reads only, under the caller's snapshot; works on a hot standby.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include <math.h>

#include "access/table.h"
#include "common/hashfn.h"
#include "lib/binaryheap.h"
#include "miscadmin.h"
#include "utils/float.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* Levels by which the bound of a list is raised; see the banner. */
#define TOP_LEVEL_SLACK			1

/* Item ids whose score is known. */
typedef struct SeenItem
{
	int64		item;			/* item_id, the hash key */
	char		status;			/* of simplehash */
} SeenItem;

#define SH_PREFIX seen
#define SH_ELEMENT_TYPE SeenItem
#define SH_KEY_TYPE int64
#define SH_KEY item
#define SH_HASH_KEY(tb, key) \
	murmurhash32((uint32) ((uint64) (key) ^ ((uint64) (key) >> 32)))
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* Sorted access: one event type's rows, highest level first. */
typedef struct SortedList
{
	IndexScanDesc scan;			/* of a level index */
	TupleTableSlot *slot;		/* current row of scan */
	int64		item;			/* item_id of the row read last */
	double		bound;			/* most an item not read yet gets from here */
	double		weight;			/* of the event type; > 0 */
	int32		level;			/* of the row read last */
	int			event;			/* id of the event type */
	bool		ended;			/* nothing of use is left */
} SortedList;

/* One run of the threshold algorithm. */
typedef struct TopState
{
	TopOrder	order;
	int			n;				/* items wanted */
	int			nfound;			/* items in top[] */
	TopItem    *top;			/* the best so far, unordered */
	binaryheap *worst;			/* of pointers into top[], worst first */
	seen_hash  *seen;			/* items whose score was computed */
	SortedList *lists;			/* by event id */
	int			nlists;
	double		weights[MAX_EVENT_TYPES];	/* by event id, 0 = no list */
	int			event;			/* the only one that counts; -1 = all */
	Relation	counter;		/* interact_counter */
	ItemReader *reader;			/* random access */
	double		threshold;		/* no unseen item scores more than this */
	uint64		nsorted;		/* sorted accesses */
} TopState;


/* ---------- scores and bounds ---------- */

/*
 * Adds what two event types say: counts are plain numbers, hot ones log2.
 */
static inline double
score_add(TopOrder order, double a, double b)
{
	return order == TOP_BY_COUNT ? a + b : interact_log2_add(a, b);
}

/*
 * What one event type contributes to a score.
 */
static inline double
score_part(TopOrder order, double weight, double value)
{
	return order == TOP_BY_COUNT ? weight * value : log2(weight) + value;
}

/*
 * The neutral element of score_add().
 */
static inline double
score_none(TopOrder order)
{
	return order == TOP_BY_COUNT ? 0 : -get_float8_infinity();
}

/*
 * Highest count of a key whose rows are all at this count level or below.
 */
double
interact_level_max_count(int level)
{
	if (level < 0)
		return 0;
	return ceil(exp2((double) (level + 1 + TOP_LEVEL_SLACK) /
					 LEVELS_PER_OCTAVE)) - 1;
}

/*
 * Least upper bound of hot of a key whose rows are all at this hot level or
 * below.  The two ends of int32 stand for everything beyond.
 */
static inline double
level_max_hot(int32 level)
{
	if (level == PG_INT32_MIN)
		return -get_float8_infinity();
	if (level == PG_INT32_MAX)
		return get_float8_infinity();
	return ((double) level + 1 + TOP_LEVEL_SLACK) / LEVELS_PER_OCTAVE;
}

/*
 * Scores an item by the sums of its rows and the weights of event types, by
 * id, 0 for those that take no part; "all" if several are combined.  Returns false if it has nothing that
 * takes part.
 *
 * The parts are added by event id, like the bounds in set_threshold(), so
 * that rounding cannot lift an item above the threshold.
 */
static bool
score_sums(TopOrder order, const double *weights, bool all, int64 item,
		   const KeySum *sums, int nsums, TopItem *result)
{
	bool		found = false;

	result->item = item;
	result->score = score_none(order);
	result->count = 0;
	result->users = 0;

	for (int i = 0; i < nsums; i++)
	{
		const KeySum *sum = &sums[i];
		double		weight = weights[sum->event];

		if (weight <= 0 || sum->count <= 0)
			continue;
		if (sum->event == EVENT_RATING && all &&
			sum->points < RATING_MIDDLE * sum->count)
			continue;

		result->score = score_add(order, result->score,
								  score_part(order, weight,
											 order == TOP_BY_COUNT ?
											 (double) sum->count : sum->hot));
		result->count += sum->count;
		result->users = Max(result->users, sum->users);
		found = true;
	}

	/* Decayed to nothing: the list ends before such rows, see list_next(). */
	if (found && order == TOP_BY_HOT &&
		interact_hot_level(result->score) == PG_INT32_MIN)
		return false;

	return found;
}

/*
 * Scores an item by all its rows.  Returns false if it has nothing that takes
 * part.
 */
static bool
score_item(TopState *state, int64 item, TopItem *result)
{
	KeySum		sums[MAX_EVENT_TYPES];
	int			nsums = item_reader_sums(state->reader, item, sums);

	return score_sums(state->order, state->weights, state->event < 0, item,
					  sums, nsums, result);
}

/*
 * log2 of 2^a - 2^b; minus infinity if that is less than rounding tells, as it
 * is of what is 50 half-lives older than the rest.
 */
static double
log2_subtract(double a, double b)
{
	if (isinf(b))
		return a;
	if (b >= a)
		return -get_float8_infinity();
	return a + log2(1.0 - exp2(b - a));
}

/*
 * What interact_top() for all event types would say of an item without some
 * of its rows, given by event id in parts[MAX_EVENT_TYPES], all of one user.
 * Returns false if it would not list the item.  The reader is one of
 * users_reader_open().
 */
bool
interact_top_without(UsersReader *reader, TopOrder order, int64 item,
					 const PairPart *parts, TopItem *result)
{
	const EventType *types = interact_event_types();
	double		weights[MAX_EVENT_TYPES];
	KeySum		sums[MAX_EVENT_TYPES];
	int			nsums = item_reader_sums(reader, item, sums);

	for (int i = 0; i < nsums; i++)
	{
		KeySum	   *sum = &sums[i];
		const PairPart *part = &parts[sum->event];

		if (part->count == 0)
			continue;
		sum->count -= part->count;
		sum->users--;
		sum->hot = log2_subtract(sum->hot, part->hot);
		sum->points -= part->points;
	}
	for (int id = 0; id < MAX_EVENT_TYPES; id++)
		weights[id] = types[id].kind != EVENT_KIND_NONE ? types[id].weight : 0;
	return score_sums(order, weights, true, item, sums, nsums, result);
}

/*
 * Compares two items of a result: negative if a comes first.
 */
static int
top_item_cmp(const void *a, const void *b)
{
	const TopItem *x = (const TopItem *) a;
	const TopItem *y = (const TopItem *) b;

	if (x->score != y->score)
		return x->score > y->score ? -1 : 1;
	if (x->item != y->item)
		return x->item < y->item ? -1 : 1;
	return 0;
}

/*
 * Comparator of the heap, whose first is the item that comes last.
 */
static int
top_worst_cmp(Datum a, Datum b, void *arg)
{
	return top_item_cmp(DatumGetPointer(a), DatumGetPointer(b));
}

/*
 * Puts an item among the first n if it belongs there.
 */
static void
top_offer(TopState *state, const TopItem *item)
{
	TopItem    *place;

	if (state->nfound < state->n)
	{
		place = &state->top[state->nfound++];
		*place = *item;
		binaryheap_add(state->worst, PointerGetDatum(place));
		return;
	}

	place = (TopItem *) DatumGetPointer(binaryheap_first(state->worst));
	if (top_item_cmp(item, place) < 0)
	{
		*place = *item;
		binaryheap_replace_first(state->worst, PointerGetDatum(place));
	}
}


/* ---------- sorted access ---------- */

/*
 * Starts the list of an event type, before its first row.
 */
static void
list_open(TopState *state, Relation index, int event, double weight)
{
	SortedList *list = &state->lists[state->nlists++];
	ScanKeyData key;

	state->weights[event] = weight;
	list->event = event;
	list->weight = weight;
	list->item = 0;
	list->level = PG_INT32_MAX;
	list->bound = get_float8_infinity();
	list->ended = false;
	list->slot = table_slot_create(state->counter, NULL);
	list->scan = interact_index_beginscan(state->counter, index,
										  GetActiveSnapshot(), 1);
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT2EQ,
				Int16GetDatum((int16) event));
	index_rescan(list->scan, &key, 1, NULL, 0);
}

/*
 * Reads the next row of the list and lowers the list's bound if the level
 * falls.  Returns false at the end: no row, or only levels that say that
 * nothing is left of the item's sum.
 */
static bool
list_next(TopState *state, SortedList *list)
{
	bool		isnull;
	int32		level = 0;

	CHECK_FOR_INTERRUPTS();

	if (!index_getnext_slot(list->scan, ForwardScanDirection, list->slot))
		list->ended = true;
	else if (state->order == TOP_BY_COUNT)
	{
		level = DatumGetInt16(slot_getattr(list->slot,
										   Anum_counter_count_level, &isnull));
		list->ended = (level < 0);
	}
	else
	{
		level = DatumGetInt32(slot_getattr(list->slot,
										   Anum_counter_hot_level, &isnull));
		list->ended = (level == PG_INT32_MIN);
	}

	if (list->ended)
	{
		ExecClearTuple(list->slot);
		list->bound = score_none(state->order);
		return false;
	}

	state->nsorted++;
	list->item = DatumGetInt64(slot_getattr(list->slot, Anum_counter_item_id,
											&isnull));

	/* A value the formula below does not give: the first row was not read. */
	if (level != list->level || isinf(list->bound))
	{
		list->level = level;
		list->bound = score_part(state->order, list->weight,
								 state->order == TOP_BY_COUNT ?
								 interact_level_max_count(level) :
								 level_max_hot(level));
	}
	return true;
}

/*
 * The list to read next, or NULL if all have ended: the one whose bound is
 * highest, because its fall lowers the threshold most.  Keeps the threshold.
 */
static SortedList *
next_list(TopState *state)
{
	SortedList *best = NULL;

	state->threshold = score_none(state->order);
	for (int i = 0; i < state->nlists; i++)
	{
		SortedList *list = &state->lists[i];

		if (list->ended)
			continue;
		state->threshold = score_add(state->order, state->threshold,
									 list->bound);
		if (best == NULL || list->bound > best->bound)
			best = list;
	}
	return best;
}

/*
 * Whether the first n are known: no item that was not seen can come before
 * the last of them.
 *
 * Where that last one scores exactly the threshold, item_id decides.  If a
 * single list is left and its bound belongs to its level alone, an item that
 * reaches the threshold is at this level and behind the row read last, which
 * the index orders by item_id.
 */
static bool
top_is_final(const TopState *state, const SortedList *list)
{
	const TopItem *last;

	if (state->nfound < state->n)
		return false;

	last = (const TopItem *) DatumGetPointer(binaryheap_first(state->worst));
	if (last->score != state->threshold)
		return last->score > state->threshold;

	if (state->order != TOP_BY_COUNT ||
		interact_level_max_count(list->level) == interact_level_max_count(list->level - 1) ||
		list->item < last->item)
		return false;

	for (int i = 0; i < state->nlists; i++)
	{
		if (!state->lists[i].ended && &state->lists[i] != list)
			return false;
	}
	return true;
}

/*
 * The n first items under the active snapshot, best first, ties by item_id.
 *
 * event >= 0 ranks by that event type alone, whatever its weight; -1 by all
 * event types of positive weight: by the sum of weight * count, or by log2
 * of the sum of weight * 2^hot.  count is the number of events that took
 * part, users the largest number of distinct users among their types.
 * Fills top[] and returns how many there are.
 */
int
interact_top(TopOrder order, int event, int n, TopItem *top)
{
	TopState	state;
	MemoryContext context;
	MemoryContext caller;
	Relation	index;
	SortedList *list;

	if (n <= 0)
		return 0;

	context = AllocSetContextCreate(CurrentMemoryContext, "interact top",
									ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);

	state.order = order;
	state.n = n;
	state.nfound = 0;
	state.top = top;
	state.worst = binaryheap_allocate(n, top_worst_cmp, NULL);
	state.seen = seen_create(context, 256, NULL);
	state.lists = palloc(MAX_EVENT_TYPES * sizeof(SortedList));
	state.nlists = 0;
	memset(state.weights, 0, sizeof(state.weights));
	state.nsorted = 0;
	state.event = event;
	state.counter = table_open(interact_relid(REL_COUNTER), AccessShareLock);
	state.reader = item_reader_open(event);

	index = index_open(interact_relid(order == TOP_BY_COUNT ?
									  REL_COUNTER_COUNT : REL_COUNTER_HOT),
					   AccessShareLock);
	if (event >= 0)
		list_open(&state, index, event, 1.0);
	else
	{
		/* Not earlier: opening a relation may reset the event types. */
		const EventType *types = interact_event_types();

		for (int id = 0; id < MAX_EVENT_TYPES; id++)
		{
			if (types[id].kind != EVENT_KIND_NONE && types[id].weight > 0)
				list_open(&state, index, id, types[id].weight);
		}
	}

	while ((list = next_list(&state)) != NULL && !top_is_final(&state, list))
	{
		TopItem		item;
		bool		seen;

		if (!list_next(&state, list))
			continue;

		(void) seen_insert(state.seen, list->item, &seen);
		if (!seen && score_item(&state, list->item, &item))
			top_offer(&state, &item);
	}

	elog(DEBUG2, "interact_top: " UINT64_FORMAT " sorted accesses, %u items for %d of %d",
		 state.nsorted, state.seen->members, state.nfound, n);

	for (int i = 0; i < state.nlists; i++)
	{
		index_endscan(state.lists[i].scan);
		ExecDropSingleTupleTableSlot(state.lists[i].slot);
	}
	index_close(index, NoLock);
	item_reader_close(state.reader);
	table_close(state.counter, NoLock);

	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);

	qsort(top, state.nfound, sizeof(TopItem), top_item_cmp);
	return state.nfound;
}
