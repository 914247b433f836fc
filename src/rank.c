/*-------------------------------------------------------------------------
 *
 * rank.c
 *	  The candidates of a walk in order: damped by popularity, and where the
 *	  settings ask for it arranged anew at the top.
 *
 * The ranking of a walk is one list.  It does not depend on how much of it is
 * asked for, nor on what is excluded or filtered out: such items keep their
 * places, and whoever reads the list passes over them.  So the pages of an
 * answer fit together.
 *
 *	  1. By damped score: score * pop^-popularity_exponent, ties by item_id.
 *		 Popularity costs a look-up, so this holds among DAMPED_TOGETHER
 *		 candidates at a time: those whose damped scores may be the highest,
 *		 then the next, and so on.
 *	  2. With rerank_weight above 0 the first REARRANGED_ITEMS get new scores,
 *		 see rerank.c.
 *	  3. With diversity below 1 the first REARRANGED_ITEMS are taken one by one:
 *		 next comes the highest score * diversity^(number of items taken before
 *		 with the same because_item_id).
 *
 * Scores fall from one to the next: where a group starts with a higher score
 * than the group before ended with, the whole group is scaled below it.
 *
 * The list is computed as far as it is read.  An item has at least as many
 * users as contributed to its score, by one event or another, which bounds its
 * damped score if the exponent is positive.  Candidates are looked up in the
 * order of their bounds until the best of those known is above the bound of
 * all that are not (the threshold algorithm, with one list).
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include <math.h>

#include "miscadmin.h"
#include "port/pg_bitutils.h"

/* Candidates whose damped scores compete. */
#define DAMPED_TOGETHER			500

/* The bound of a score is computed once for each number of users below this. */
#define BOUNDS					256

/* A group that has to follow another starts at its last score times this. */
#define BELOW					(1 - 1e-9)

struct Ranking
{
	Walk	   *walk;
	double		exponent;		/* popularity_exponent */
	UsersReader *users;			/* NULL until first needed */
	Ranked	   *fresh;			/* heap: candidates by their bounds */
	int			nfresh;
	Ranked	   *known;			/* heap: damped candidates of the group */
	int			nknown;
	int			room;			/* candidates the group still takes */
	bool		starts;			/* the group gave none yet */
	double		scale;			/* of the group's scores */
	double		last;			/* score given last, infinity before */
	Ranked	   *top;			/* the first ones, arranged anew; or NULL */
	int			ntop;
	int			nexttop;		/* next one of top[] */
};


/* ---------- heaps ---------- */

/*
 * Whether a comes before b.
 */
static inline bool
ranked_before(const Ranked *a, const Ranked *b)
{
	if (a->score != b->score)
		return a->score > b->score;
	return a->id < b->id;
}

/*
 * Moves the element at position i down to where it belongs.
 */
void
ranked_sift(Ranked *heap, int n, int i)
{
	Ranked		moved = heap[i];

	for (;;)
	{
		int			child = 2 * i + 1;

		if (child >= n)
			break;
		if (child + 1 < n && ranked_before(&heap[child + 1], &heap[child]))
			child++;
		if (!ranked_before(&heap[child], &moved))
			break;
		heap[i] = heap[child];
		i = child;
	}
	heap[i] = moved;
}

/*
 * Turns an array into a heap.
 */
void
ranked_build(Ranked *heap, int n)
{
	for (int i = n / 2 - 1; i >= 0; i--)
		ranked_sift(heap, n, i);
}

/*
 * Adds an element to a heap of *n, which has room for it.
 */
void
ranked_push(Ranked *heap, int *n, const Ranked *element)
{
	int			i = (*n)++;

	while (i > 0 && ranked_before(element, &heap[(i - 1) / 2]))
	{
		heap[i] = heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	heap[i] = *element;
}

/*
 * Takes the best element off the heap of *n > 0 elements.
 */
Ranked
ranked_pop(Ranked *heap, int *n)
{
	Ranked		top = heap[0];

	heap[0] = heap[--*n];
	if (*n > 0)
		ranked_sift(heap, *n, 0);
	return top;
}

/*
 * qsort comparator: best first.
 */
int
ranked_compare(const void *a, const void *b)
{
	return ranked_before(a, b) ? -1 : ranked_before(b, a) ? 1 : 0;
}


/* ---------- the ranking ---------- */

/*
 * The factor by which the popularity of an item changes its score.  "without"
 * are the event bits of a user who is not to be counted, 0 for none.
 */
double
ranking_damping(UsersReader *users, int64 item, int32 without,
				double popularity_exponent)
{
	return pow(users_reader_get(users, item, without), -popularity_exponent);
}

/*
 * The highest score that damping may leave an item.  Its support is that of so
 * many users, each of whom may count "countings" times; a user has one of the
 * events seen at least, so one of these has its share of the users.  bound[]:
 * n^-exponent at [n], 0 = new.
 */
static inline double
score_bound(const WalkedItem *item, int32 countings, double exponent,
			double *bound)
{
	int			users = item->support / countings;

	if ((item->signals & (item->signals - 1)) != 0)
		users /= pg_popcount32((uint32) item->signals);
	users = Min(Max(users, 1), BOUNDS - 1);
	if (bound[users] == 0)
		bound[users] = pow(users, -exponent);
	return item->score * bound[users];
}

/*
 * Begins to rank the candidates of a walk, in its memory.  rearrange: whether
 * the settings rerank_weight and diversity apply.
 */
Ranking *
ranking_begin(Walk *walk, double popularity_exponent, bool rearrange)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(walk->context);
	Ranking    *ranking = palloc0(sizeof(Ranking));
	Ranked	   *heap = palloc_extended(sizeof(Ranked) * Max(walk->nitems, 1),
									   MCXT_ALLOC_HUGE);
	double		bound[BOUNDS] = {0};
	int			n = 0;

	for (int32 i = 0; i < walk->nitems; i++)
	{
		const WalkedItem *item = &walk->items[i];

		if (item->score <= 0 || item->barred || item->taken)
			continue;
		heap[n].score = popularity_exponent > 0 ?
			score_bound(item, walk->countings, popularity_exponent, bound) :
			item->score;
		heap[n].id = item->item;
		heap[n].index = i;
		n++;
	}
	ranked_build(heap, n);

	ranking->walk = walk;
	ranking->exponent = popularity_exponent;
	ranking->fresh = heap;
	ranking->nfresh = n;
	ranking->starts = true;
	ranking->scale = 1;
	ranking->last = HUGE_VAL;
	ranking->room = DAMPED_TOGETHER;
	if (popularity_exponent != 0)
		ranking->known = palloc(sizeof(Ranked) * DAMPED_TOGETHER);
	if (rearrange && (walk->settings.rerank_weight > 0 ||
					  walk->settings.diversity < 1))
	{
		ranking->top = palloc(sizeof(Ranked) * REARRANGED_ITEMS);
		ranking->ntop = -1;
	}
	MemoryContextSwitchTo(oldcontext);
	return ranking;
}

/*
 * Makes all scores of a ranking that was not read yet less than another.
 */
void
ranking_begin_below(Ranking *ranking, double score)
{
	ranking->last = score;
}

/*
 * Ends a ranking; its memory is the walk's.
 */
void
ranking_end(Ranking *ranking)
{
	if (ranking->users != NULL)
		users_reader_close(ranking->users);
}

/*
 * Whether the next candidate may have the highest damped score of its group.
 */
static inline bool
must_look_up(const Ranking *ranking)
{
	return ranking->nknown == 0 ||
		ranking->exponent < 0 ||
		ranking->fresh[0].score >= ranking->known[0].score;
}

/*
 * The next candidate of step 1; false if there is none.
 */
static bool
next_damped(Ranking *ranking, Ranked *next)
{
	Walk	   *walk = ranking->walk;

	if (ranking->exponent == 0)
	{
		while (ranking->nfresh > 0)
		{
			*next = ranked_pop(ranking->fresh, &ranking->nfresh);
			if (walk_allows(walk, next->index))
				return true;
		}
		return false;
	}

	if (ranking->nknown == 0 && ranking->room == 0)
	{
		ranking->room = DAMPED_TOGETHER;
		ranking->starts = true;
	}
	while (ranking->room > 0 && ranking->nfresh > 0 && must_look_up(ranking))
	{
		Ranked		candidate = ranked_pop(ranking->fresh, &ranking->nfresh);

		if (!walk_allows(walk, candidate.index))
			continue;
		if (ranking->users == NULL)
			ranking->users = users_reader_open();
		if (ranking->nfresh > 0)
			users_reader_ahead(ranking->users, ranking->fresh[0].id);
		candidate.score = walk->items[candidate.index].score *
			ranking_damping(ranking->users, candidate.id,
							walk->items[candidate.index].hidden,
							ranking->exponent);
		ranked_push(ranking->known, &ranking->nknown, &candidate);
		ranking->room--;
	}
	if (ranking->nknown == 0)
		return false;
	*next = ranked_pop(ranking->known, &ranking->nknown);
	return true;
}

/*
 * Sets the score to one below that of the group before, if this is the first
 * candidate of a group and above it, and else to what that makes of it.
 */
static void
scale_group(Ranking *ranking, Ranked *next)
{
	if (ranking->starts)
	{
		ranking->starts = false;
		ranking->scale = 1;
		if (next->score >= ranking->last)
			ranking->scale = ranking->last / next->score * BELOW;
	}
	next->score *= ranking->scale;
	ranking->last = next->score;
}

/*
 * Step 3 for the n candidates of top[], which are in the order of their scores.
 */
static void
diversify(Walk *walk, Ranked *top, int n)
{
	double		diversity = walk->settings.diversity;
	double	   *factor = palloc(sizeof(double) * (walk->nprofile + 1));

	for (int i = 0; i <= walk->nprofile; i++)
		factor[i] = 1;
	for (int taken = 0; taken < n; taken++)
	{
		int			best = taken;
		Ranked		moved = {0};

		for (int i = taken; i < n; i++)
		{
			Ranked		candidate = top[i];

			candidate.score *= factor[walk->items[candidate.index].because + 1];
			if (i == taken || ranked_before(&candidate, &moved))
			{
				moved = candidate;
				best = i;
			}
		}

		/* The others stay in their order */
		memmove(&top[taken + 1], &top[taken], sizeof(Ranked) * (best - taken));
		top[taken] = moved;
		factor[walk->items[moved.index].because + 1] *= diversity;
	}
	pfree(factor);
}

/*
 * Steps 2 and 3: takes the first candidates and arranges them.
 */
static void
arrange_top(Ranking *ranking)
{
	Walk	   *walk = ranking->walk;
	int			n = 0;

	while (n < REARRANGED_ITEMS && next_damped(ranking, &ranking->top[n]))
		n++;
	if (walk->settings.rerank_weight > 0)
		rerank(walk, ranking->top, n);
	if (walk->settings.diversity < 1)
		diversify(walk, ranking->top, n);
	ranking->ntop = n;
}

/*
 * The next item of the ranking, those that the request excludes included;
 * false at the end.
 */
bool
ranking_next(Ranking *ranking, WalkItem *item)
{
	Walk	   *walk = ranking->walk;
	MemoryContext oldcontext = MemoryContextSwitchTo(walk->context);
	Ranked		next;
	bool		found;

	CHECK_FOR_INTERRUPTS();
	if (ranking->top != NULL && ranking->ntop < 0)
		arrange_top(ranking);
	if (ranking->top != NULL && ranking->nexttop < ranking->ntop)
	{
		next = ranking->top[ranking->nexttop++];
		ranking->last = next.score;
		ranking->starts = true;
		found = true;
	}
	else
	{
		found = next_damped(ranking, &next);
		if (found)
			scale_group(ranking, &next);
	}
	MemoryContextSwitchTo(oldcontext);
	if (!found)
		return false;

	walk->items[next.index].taken = true;
	walk_describe(walk, next.index, item);
	item->score = next.score;
	return true;
}
