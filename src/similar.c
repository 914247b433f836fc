/*-------------------------------------------------------------------------
 *
 * similar.c
 *	  What the users of an item have too.
 *
 *	  sim(j) = pop_j^-0.1 * SUM over the users v of the item's 200 newest
 *			   pairs of d_v^-0.5 [j among v's latest 100 rows]
 *
 * This is co-occurrence with degree discounting, the walk of walk.c with given
 * items as profile and without an order of rows.  Several items share the 200
 * users, and who has two of them counts for both.
 *
 * A caller may ask for one event: then users, and what they have, count by
 * that event alone.  purchase.c goes on from here.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include <math.h>

/* Constants of the formula. */
#define SIMILAR_USERS			200
#define SIMILAR_ROWS			100
#define SIMILAR_USER_EXPONENT	0.5

/* Pairs read for one of a certain event, at most. */
#define PAIRS_PER_MATCH			5

/*
 * Whether a pair with these signals and rating counts: by one of the wanted
 * events, and liked.
 */
static inline bool
counts(Walk *walk, int32 signals, int16 rating, int32 wanted)
{
	return (wanted == SIMILAR_ALL || (signals & wanted) != 0) &&
		walk_weight(walk, signals, rating) > 0;
}

/*
 * Reads the newest users of the profile's items, as postings: SIMILAR_USERS of
 * them who have one of the wanted events with it.
 */
void
similar_read_users(Hops *hops, int32 wanted)
{
	Walk	   *walk = hops->walk;
	int			left = SIMILAR_USERS;

	walk->countings = Max(walk->nprofile, 1);
	for (int32 i = 0; i < walk->nprofile && left > 0; i++)
	{
		int			quota = Max(left / (walk->nprofile - i), 1);
		int			most = quota;
		AffinityEntry entry;

		if (wanted != SIMILAR_ALL)
			most *= PAIRS_PER_MATCH;
		affinity_reader_newest(hops->by_item, walk->profile[i].item);
		while (quota > 0 && most-- > 0 &&
			   affinity_reader_next(hops->by_item, &entry))
		{
			hops_add(hops, i, &entry, false);
			if (wanted == SIMILAR_ALL || (entry.signals & wanted) != 0)
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
bool
similar_counts(Hops *hops, const Posting *posting, int32 wanted)
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
void
similar_credit(Walk *walk, double amount, int32 because, int32 wanted)
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
void
similar_credit_users(Hops *hops, int32 wanted)
{
	Walk	   *walk = hops->walk;
	AffinityReader *reader = walk_users(walk);

	for (int32 i = 0; i < hops->npostings; i++)
	{
		const Posting *posting = &hops->postings[i];
		AffinityEntry entry;
		double		strength = 1;
		int			nread = 0;

		if (!similar_counts(hops, posting, wanted))
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
		similar_credit(walk, strength, posting->profile, wanted);
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

	similar_read_users(hops, SIMILAR_ALL);
	similar_credit_users(hops, SIMILAR_ALL);
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
