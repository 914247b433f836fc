/*-------------------------------------------------------------------------
 *
 * toprated.c
 *	  The best rated items, without scanning the counters.
 *
 * The score is the Bayesian average of an item's ratings,
 *
 *	  (weight * mean + points) / (weight + ratings)
 *
 * the item's own mean drawn towards that of the whole catalogue the more, the
 * fewer ratings it has (the credibility formula of Buhlmann, "Experience rating
 * and credibility", ASTIN Bulletin 4, 1967).  mean is the mean of all ratings,
 * weight the number of ratings that a rated item has on average: both come from
 * interact_catalogue, which is kept beside the counters.
 *
 * Every rated item is in one cell: its rating_level bounds its mean, its
 * count_level the number of its ratings, and the two its score.  The index
 * interact_counter_rating is a list per rating_level, in the order of
 * count_level.  The list that has the highest bound is read on, until no item
 * not seen yet can enter the first n.  The bound of a list is not added to that
 * of others, as in toplist.c: an item is in one of them.
 *
 * The exception are keys of several rows.  At least one of these says
 * RATING_LEVEL_ANY (see counter.c), and that list is read first and whole, so
 * that of the items it is about none is left that was not seen.
 *
 * Levels only decide how far this reads; the score is that of the row, which is
 * the only one of its key, or of all rows, so the answer is exact, ties by
 * item_id included.
 *
 * Where the level does not exceed the mean of the catalogue, more ratings lower
 * the bound, and count_level bounds them from above: the bound is that of an
 * item with as few ratings as are asked for, the same for the whole list.  To
 * be read that far, the first n must reach down to average items.
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
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* A bound is raised by this factor: it is rounded, and so is the score. */
#define BOUND_ROUNDING			(1.0 + 1e-12)

/* Item ids whose score is known. */
typedef struct RatedSeen
{
	int64		item;			/* item_id, the hash key */
	char		status;			/* of simplehash */
} RatedSeen;

#define SH_PREFIX rated
#define SH_ELEMENT_TYPE RatedSeen
#define SH_KEY_TYPE int64
#define SH_KEY item
#define SH_HASH_KEY(tb, key) \
	murmurhash32((uint32) ((uint64) (key) ^ ((uint64) (key) >> 32)))
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* The rows of one rating_level, highest count_level first. */
typedef struct RatedList
{
	IndexScanDesc scan;			/* NULL until first read */
	double		bound;			/* no item not read yet scores more */
	double		most;			/* ratings such an item has at most */
	int64		item;			/* item_id of the row read last */
	bool		ended;			/* nothing of use is left */
} RatedList;

/* One search. */
typedef struct RatedState
{
	double		mean;			/* of all ratings */
	double		weight;			/* ratings the mean counts as */
	int64		min_ratings;	/* items with fewer are not listed */
	int			n;				/* items wanted */
	int			nfound;			/* items in top[] */
	RatedItem  *top;			/* the best so far, unordered */
	binaryheap *worst;			/* of pointers into top[], worst first */
	rated_hash *seen;			/* items whose score was computed */
	RatedList	lists[RATING_LEVEL_ANY + 1];	/* by rating_level */
	Relation	counter;		/* interact_counter */
	Relation	index;			/* interact_counter_rating */
	TupleTableSlot *slot;		/* row of a list */
	ItemReader *reader;			/* all rows of an item's ratings */
} RatedState;


/*
 * Reads the prior from interact_catalogue, whose few rows add up.  Returns
 * false if nothing is rated.
 */
static bool
read_prior(RatedState *state)
{
	Relation	rel = table_open(interact_relid(REL_CATALOGUE), AccessShareLock);
	Relation	pkey = index_open(interact_relid(REL_CATALOGUE_PKEY),
								  AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	IndexScanDesc scan;
	ScanKeyData key;
	int64		ratings = 0;
	int64		items = 0;
	double		points = 0;

	scan = interact_index_beginscan(rel, pkey, GetActiveSnapshot(), 1);
	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(0));
	index_rescan(scan, &key, 1, NULL, 0);
	while (index_getnext_slot(scan, ForwardScanDirection, slot))
	{
		CHECK_FOR_INTERRUPTS();
		ratings += DatumGetInt64(acc_column(slot, Anum_counter_count));
		items += DatumGetInt64(acc_column(slot, Anum_counter_users));
		points += DatumGetFloat8(DirectFunctionCall1(numeric_float8,
													 acc_column(slot, Anum_counter_total)));
	}
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	index_close(pkey, NoLock);
	table_close(rel, NoLock);

	if (ratings <= 0 || items <= 0)
		return false;
	state->mean = points / (double) ratings;
	state->weight = (double) ratings / (double) items;
	return true;
}

/*
 * The score of an item with so many ratings of this sum.
 */
static inline double
rated_score(const RatedState *state, double points, double ratings)
{
	return (state->weight * state->mean + points) / (state->weight + ratings);
}

/*
 * Compares two items of a result: negative if a comes first.
 */
static int
rated_cmp(const void *a, const void *b)
{
	const RatedItem *x = (const RatedItem *) a;
	const RatedItem *y = (const RatedItem *) b;

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
rated_worst_cmp(Datum a, Datum b, void *arg)
{
	return rated_cmp(DatumGetPointer(a), DatumGetPointer(b));
}

/*
 * Looks at the item whose row of the list was met: puts it among the first n if
 * it belongs there.  A row that has a level is the only one of its key, unless
 * the key was met before in the list of those that have none; of these all rows
 * are read.
 */
static void
meet_item(RatedState *state, int level)
{
	TupleTableSlot *slot = state->slot;
	RatedItem	item;
	RatedItem  *place;
	bool		seen;

	item.item = DatumGetInt64(acc_column(slot, Anum_counter_item_id));
	(void) rated_insert(state->seen, item.item, &seen);
	if (seen)
		return;
	if (level == RATING_LEVEL_ANY)
	{
		KeySum		sums[MAX_EVENT_TYPES];

		if (item_reader_sums(state->reader, item.item, sums) == 0)
			return;
		item.points = sums[0].points;
		item.ratings = sums[0].count;
	}
	else
	{
		item.points = DatumGetFloat8(DirectFunctionCall1(numeric_float8,
														 acc_column(slot, Anum_counter_total)));
		item.ratings = DatumGetInt64(acc_column(slot, Anum_counter_count));
	}
	if (item.ratings <= 0 || item.ratings < state->min_ratings)
		return;

	item.score = rated_score(state, item.points, (double) item.ratings);
	if (state->nfound < state->n)
	{
		place = &state->top[state->nfound++];
		*place = item;
		binaryheap_add(state->worst, PointerGetDatum(place));
		return;
	}
	place = (RatedItem *) DatumGetPointer(binaryheap_first(state->worst));
	if (rated_cmp(&item, place) < 0)
	{
		*place = item;
		binaryheap_replace_first(state->worst, PointerGetDatum(place));
	}
}

/*
 * The bound of a list whose unread items have at most so many ratings.
 */
static double
list_bound(const RatedState *state, int level, double most)
{
	double		mean = (double) level / RATING_LEVELS_PER_STAR;

	if (level == RATING_LEVEL_ANY)
		return get_float8_infinity();
	if (mean <= state->mean)
		return rated_score(state, mean * state->min_ratings, state->min_ratings);
	if (isinf(most))
		return mean;
	return rated_score(state, mean * most, most);
}

/*
 * Reads the next row of a list, or starts it: an item is met, and the bound
 * falls if the level does.
 */
static void
read_list(RatedState *state, int level)
{
	RatedList  *list = &state->lists[level];
	int			count_level;
	bool		isnull;
	double		most;

	CHECK_FOR_INTERRUPTS();

	if (list->scan == NULL)
	{
		ScanKeyData key;

		list->scan = interact_index_beginscan(state->counter, state->index,
											  GetActiveSnapshot(), 1);
		ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT2EQ,
					Int16GetDatum((int16) level));
		index_rescan(list->scan, &key, 1, NULL, 0);
	}
	if (!index_getnext_slot(list->scan, ForwardScanDirection, state->slot))
	{
		list->ended = true;
		return;
	}

	count_level = DatumGetInt16(slot_getattr(state->slot,
											 Anum_counter_count_level, &isnull));
	list->item = DatumGetInt64(slot_getattr(state->slot, Anum_counter_item_id,
											&isnull));
	most = interact_level_max_count(count_level);

	/* what follows has no more; of a key of several rows that says nothing */
	if (level != RATING_LEVEL_ANY && most < state->min_ratings)
	{
		list->ended = true;
		ExecClearTuple(state->slot);
		return;
	}
	if (most != list->most)
	{
		list->most = most;
		list->bound = list_bound(state, level, most);
	}
	meet_item(state, level);
	/* keep no page pinned */
	ExecClearTuple(state->slot);
}

/*
 * The level of the list to read next, that with the highest bound; -1 if all
 * have ended.  *next receives the highest bound of the others.
 */
static int
best_list(const RatedState *state, double *next)
{
	int			best = -1;

	*next = -get_float8_infinity();
	for (int level = RATING_LEVEL_ANY; level >= 0; level--)
	{
		const RatedList *list = &state->lists[level];

		if (list->ended)
			continue;
		if (best < 0 || list->bound > state->lists[best].bound)
		{
			if (best >= 0)
				*next = state->lists[best].bound;
			best = level;
		}
		else
			*next = Max(*next, list->bound);
	}
	return best;
}

/*
 * Whether the first n are known, the list to read next being this one.
 *
 * Many items may have a single rating, the same.  In the list whose items have
 * at most one, in the order of item_id, those that follow score no more than
 * the bound, and if they score as much come later.
 */
static bool
rated_is_final(const RatedState *state, int level, double next)
{
	const RatedList *list = &state->lists[level];
	const RatedItem *last;

	if (state->nfound < state->n)
		return false;

	last = (const RatedItem *) DatumGetPointer(binaryheap_first(state->worst));
	if (last->score > list->bound * BOUND_ROUNDING)
		return true;
	return last->score == list->bound && list->scan != NULL &&
		list->most == 1 && list->item >= last->item &&
		last->score > next * BOUND_ROUNDING;
}

/*
 * The n best rated items under the active snapshot that have at least
 * min_ratings, which is at least 1; best first, ties by item_id.  Fills top[]
 * and returns how many there are.
 */
int
interact_top_by_rating(int64 min_ratings, int n, RatedItem *top)
{
	RatedState	state = {0};
	MemoryContext context;
	MemoryContext caller;
	double		next;
	int			level;

	if (n <= 0 || !read_prior(&state))
		return 0;

	context = AllocSetContextCreate(CurrentMemoryContext, "interact top rated",
									ALLOCSET_DEFAULT_SIZES);
	caller = MemoryContextSwitchTo(context);

	state.min_ratings = min_ratings;
	state.n = n;
	state.top = top;
	state.worst = binaryheap_allocate(n, rated_worst_cmp, NULL);
	state.seen = rated_create(context, 256, NULL);
	state.counter = table_open(interact_relid(REL_COUNTER), AccessShareLock);
	state.index = index_open(interact_relid(REL_COUNTER_RATING),
							 AccessShareLock);
	state.slot = table_slot_create(state.counter, NULL);
	state.reader = item_reader_open(EVENT_RATING);
	for (level = 0; level <= RATING_LEVEL_ANY; level++)
	{
		state.lists[level].most = get_float8_infinity();
		state.lists[level].bound = list_bound(&state, level,
											  state.lists[level].most);
	}

	while ((level = best_list(&state, &next)) >= 0 &&
		   !rated_is_final(&state, level, next))
		read_list(&state, level);

	elog(DEBUG2, "interact_top_by_rating: mean %g, weight %g, %u items for %d of %d",
		 state.mean, state.weight, state.seen->members, state.nfound, n);

	for (level = 0; level <= RATING_LEVEL_ANY; level++)
	{
		if (state.lists[level].scan != NULL)
			index_endscan(state.lists[level].scan);
	}
	ExecDropSingleTupleTableSlot(state.slot);
	item_reader_close(state.reader);
	index_close(state.index, NoLock);
	table_close(state.counter, NoLock);

	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);

	qsort(top, state.nfound, sizeof(RatedItem), rated_cmp);
	return state.nfound;
}
