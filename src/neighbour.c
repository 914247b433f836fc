/*-------------------------------------------------------------------------
 *
 * neighbour.c
 *	  Hop 1 of a walk: from the items of the profile to the users who share
 *	  them, best first.
 *
 * The formula stands in walk.c.  Neighbours are ranked by the d_v their index
 * entries carry, which is as old as the row.  One that comes to the top gets
 * its present d_v looked up and has to come to the top again: users only gain
 * items, mostly, so this finds the best by present d_v without looking up the
 * rest.
 *
 * Cost: hop1_budget entries, and for at most LOOKUPS_PER_NEIGHBOUR * neighbours
 * users a look-up of up to 2 * window_rows or of latest_rows entries.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include <math.h>

/* Users of a profile item beyond this number do not make it weigh less. */
#define ITEM_DEGREE_CAP			200

/* Neighbours whose present degree is looked up, per neighbour kept. */
#define LOOKUPS_PER_NEIGHBOUR	2

/* Hop 1 stops sharing its rest when less than this is left for each item. */
#define MIN_SHARE				8


/*
 * d^-user_exponent for a user with d items; numbers below 1 count as 1.
 */
double
hops_user_factor(Hops *hops, int32 d)
{
	double		factor;

	d = Max(d, 1);
	if (d < USER_FACTORS && hops->user_factor[d] != 0)
		return hops->user_factor[d];
	factor = pow(d, -hops->walk->request.settings->user_exponent);
	if (d < USER_FACTORS)
		hops->user_factor[d] = factor;
	return factor;
}

/*
 * Index of a user in hops->neighbours, which it enters when it is new.
 */
static inline int32
find_neighbour(Hops *hops, int64 user)
{
	bool		found;
	IdEntry    *entry = idmap_insert(hops->usermap, user, &found);

	if (!found)
	{
		Neighbour  *new;

		ENSURE_ROOM(hops->neighbours, hops->nneighbours, hops->maxneighbours);
		entry->index = hops->nneighbours++;
		new = &hops->neighbours[entry->index];
		memset(new, 0, sizeof(*new));
		new->user = user;
		new->posting = -1;
		new->entry = -1;
	}
	return entry->index;
}

/*
 * The user as one who shares the profile, by something of positive weight;
 * NULL if not one.
 */
const Neighbour *
hops_find(Hops *hops, int64 user)
{
	IdEntry    *entry = idmap_lookup(hops->usermap, user);

	if (entry == NULL || hops->neighbours[entry->index].sum <= 0)
		return NULL;
	return &hops->neighbours[entry->index];
}

/*
 * Begins the hops of a walk.  hops_end() closes what it opens, the memory is
 * the walk's.
 */
Hops *
hops_begin(Walk *walk)
{
	Hops	   *hops = palloc0(sizeof(Hops));

	hops->walk = walk;
	hops->by_item = affinity_reader_open(REL_AFFINITY_ITEM);
	hops->usermap = idmap_create(walk->context, 2048, NULL);
	hops->maxneighbours = 4096;
	hops->neighbours = palloc(sizeof(Neighbour) * hops->maxneighbours);
	hops->maxpostings = 4096;
	hops->postings = palloc(sizeof(Posting) * hops->maxpostings);
	return hops;
}

/*
 * Closes what hops_begin() opened.
 */
void
hops_end(Hops *hops)
{
	affinity_reader_close(hops->by_item);
}

/*
 * Notes that the user of an entry shares profile item number i.  resumed: the
 * item's list was read in part before.
 */
static inline void
add_posting(Hops *hops, int32 i, const AffinityEntry *entry, bool resumed)
{
	int32		index = find_neighbour(hops, entry->other);
	Neighbour  *neighbour = &hops->neighbours[index];
	Posting    *posting;

	neighbour->user_items = Max(neighbour->user_items, entry->user_items);

	/*
	 * Another row of a pair?  While an item's list is read in one go such a
	 * pair is the user's last one.  Rows come newest first, so the time and
	 * the rating of the first one stand.
	 */
	for (int32 p = neighbour->posting; p >= 0; p = hops->postings[p].next)
	{
		posting = &hops->postings[p];
		if (posting->profile == i)
		{
			posting->signals |= entry->signals;
			if (posting->rating == 0)
				posting->rating = entry->rating;
			return;
		}
		if (!resumed)
			break;
	}

	ENSURE_ROOM(hops->postings, hops->npostings, hops->maxpostings);
	posting = &hops->postings[hops->npostings];
	posting->at = entry->at;
	posting->neighbour = index;
	posting->profile = i;
	posting->next = neighbour->posting;
	posting->signals = entry->signals;
	posting->rating = entry->rating;
	neighbour->posting = hops->npostings++;
	hops->walk->profile[i].users++;
}

/*
 * The same, for readers in other files.
 */
void
hops_add(Hops *hops, int32 i, const AffinityEntry *entry, bool resumed)
{
	add_posting(hops, i, entry, resumed);
}

/*
 * Begins to read profile item number i, or goes on with it; or tells that this
 * will happen next but one.
 *
 * A list is resumed at the time of its last entry, past the entries of that time
 * that were read already: their order is that of the index.
 */
static inline void
seek_postings(Hops *hops, int32 i, bool ahead)
{
	const ProfileItem *p = &hops->walk->profile[i];
	AffinityReader *reader = hops->by_item;

	if (ahead && p->read)
		affinity_reader_ahead_before(reader, p->item, p->last_at + 1);
	else if (ahead)
		affinity_reader_ahead(reader, p->item);
	else if (p->read)
		affinity_reader_before(reader, p->item, p->last_at + 1);
	else
		affinity_reader_newest(reader, p->item);
}

/*
 * Reads up to "quota" more entries of profile item number i, newest first.
 */
static void
read_postings(Hops *hops, int32 i, int quota)
{
	ProfileItem *p = &hops->walk->profile[i];
	AffinityReader *reader = hops->by_item;
	AffinityEntry entry;
	bool		resumed = p->read;
	int32		skip = resumed ? p->ties : 0;

	seek_postings(hops, i, false);
	p->read = true;

	while (quota > 0)
	{
		if (!affinity_reader_next(reader, &entry))
		{
			p->done = true;
			break;
		}
		if (skip > 0)
		{
			skip--;
			continue;
		}
		p->ties = (p->ties > 0 && entry.at == p->last_at) ? p->ties + 1 : 1;
		p->last_at = entry.at;
		quota--;
		add_posting(hops, i, &entry, resumed);
	}
}

/*
 * Number of the first profile item from i on that has entries left.
 */
static inline int32
next_item(const Walk *walk, int32 i)
{
	while (i < walk->nprofile && walk->profile[i].done)
		i++;
	return i;
}

/*
 * Hop 1: who shares the profile?  Shares hop1_budget among the profile items
 * by water-filling: short lists are read whole, what they leave is shared
 * among the others.  Then adds up each neighbour's sum and finds the anchor.
 */
void
hops_first(Hops *hops)
{
	Walk	   *walk = hops->walk;
	const WalkRequest *request = &walk->request;
	AffinityReader *reader = hops->by_item;
	int64		budget = request->settings->hop1_budget;
	int64		start = affinity_reader_entries(reader);
	int			unread = walk->nprofile;
	bool		first = true;

	while (unread > 0)
	{
		int64		left = budget - (affinity_reader_entries(reader) - start);
		int64		share = left / unread;

		if (first)
			share = Max(share, 1);
		else if (share < MIN_SHARE)
			break;
		for (int32 i = next_item(walk, 0); i < walk->nprofile;
			 i = next_item(walk, i + 1))
		{
			int32		next = next_item(walk, i + 1);

			left = budget - (affinity_reader_entries(reader) - start);
			if (left <= 0)
				break;
			if (next < walk->nprofile)
				seek_postings(hops, next, true);
			read_postings(hops, i, (int) Min(share, left));
			if (walk->profile[i].done)
				unread--;
		}
		first = false;
	}

	for (int32 i = 0; i < walk->nprofile; i++)
	{
		int32		users = Min(walk->profile[i].users, ITEM_DEGREE_CAP);

		walk->profile[i].weight *= pow(Max(users, 1),
									   -request->settings->item_exponent);
	}

	for (int32 i = 0; i < hops->npostings; i++)
	{
		const Posting *posting = &hops->postings[i];
		Neighbour  *neighbour = &hops->neighbours[posting->neighbour];
		double		weight = walk->profile[posting->profile].weight;
		double		edge = walk_weight(walk, posting->signals, posting->rating);

		if (edge <= 0)
			continue;
		neighbour->sum += weight * edge;
		if (weight > neighbour->anchor_weight ||
			(weight == neighbour->anchor_weight &&
			 posting->profile < neighbour->anchor))
		{
			neighbour->anchor_weight = weight;
			neighbour->anchor_edge = edge;
			neighbour->anchor_at = posting->at;
			neighbour->anchor = posting->profile;
		}
	}
}

/*
 * Looks up how many items a neighbour has now, according to the newest row.
 * If both sides of a window hold about all rows, which is the rule where users
 * have few items, they are kept for read_window(): one descent instead of
 * three.
 */
static void
look_up(Hops *hops, Neighbour *neighbour)
{
	Walk	   *walk = hops->walk;
	const InteractSettings *settings = walk->request.settings;
	int			most = settings->latest_rows > 0 ?
		settings->latest_rows : 2 * settings->window_rows;
	AffinityReader *reader = walk_users(walk);
	int32		start = hops->nentries;
	AffinityEntry entry;

	affinity_reader_newest(reader, neighbour->user);
	if (!affinity_reader_next(reader, &entry))
		return;
	neighbour->user_items = entry.user_items;
	if (entry.user_items > most)
		return;

	do
	{
		/* user_items is approximate, and a pair may have several rows */
		if (hops->nentries - start >= most)
		{
			hops->nentries = start;
			return;
		}
		ENSURE_ROOM(hops->entries, hops->nentries, hops->maxentries);
		hops->entries[hops->nentries++] = entry;
	} while (affinity_reader_next(reader, &entry));

	neighbour->entry = start;
	neighbour->nentries = hops->nentries - start;
}

/*
 * Begins to take the neighbours, best first.
 */
void
hops_best_begin(Hops *hops)
{
	const WalkRequest *request = &hops->walk->request;
	int			n = 0;

	hops->lookups = LOOKUPS_PER_NEIGHBOUR * request->settings->neighbours;
	hops->maxentries = 8192;
	hops->entries = palloc(sizeof(AffinityEntry) * hops->maxentries);
	hops->heap = palloc(sizeof(Ranked) * Max(hops->nneighbours, 1));
	for (int32 i = 0; i < hops->nneighbours; i++)
	{
		const Neighbour *neighbour = &hops->neighbours[i];

		if (neighbour->sum <= 0 ||
			(request->skip_user && neighbour->user == request->user))
			continue;
		hops->heap[n].score = neighbour->sum *
			hops_user_factor(hops, neighbour->user_items);
		hops->heap[n].id = neighbour->user;
		hops->heap[n].index = i;
		hops->heap[n].corrected = false;
		hops->heap[n].told = false;
		n++;
	}
	hops->nheap = n;
	ranked_build(hops->heap, n);
}

/*
 * Tells of those next in line who were not looked up yet: after the best one it
 * is one of the two below it in the heap.
 */
static inline void
look_ahead(Hops *hops)
{
	for (int i = 1; i <= 2 && i < hops->nheap; i++)
	{
		Ranked	   *next = &hops->heap[i];

		if (!next->corrected && !next->told)
			affinity_reader_ahead(walk_users(hops->walk), next->id);
		next->told = true;
	}
}

/*
 * The next best neighbour; *score is S(v) as hop 1 knows it.  NULL if there is
 * none left, or not within the number of look-ups.
 */
Neighbour *
hops_best_next(Hops *hops, double *score)
{
	Ranked	   *heap = hops->heap;

	while (hops->nheap > 0)
	{
		Neighbour  *neighbour = &hops->neighbours[heap[0].index];

		if (heap[0].corrected)
		{
			*score = ranked_pop(heap, &hops->nheap).score;
			return neighbour;
		}
		if (hops->lookups-- <= 0)
		{
			ranked_pop(heap, &hops->nheap);
			continue;
		}
		look_ahead(hops);
		look_up(hops, neighbour);
		heap[0].score = neighbour->sum *
			hops_user_factor(hops, neighbour->user_items);
		heap[0].corrected = true;
		ranked_sift(heap, hops->nheap, 0);
	}
	return NULL;
}
