/*-------------------------------------------------------------------------
 *
 * walk.c
 *	  A truncated two-hop random walk with degree discounting over live rows:
 *	  from items to the users who share them, to what those users did around
 *	  the moment they shared them.
 *
 * u asks.  The profile is u's profile_items most recent positive pairs, each at
 * position x = number of different later times in the profile; or a given list
 * of items, each of weight 1, the last one at x = 0, the one before at 1, ...
 *
 *	  w_i      = ew(u,i) * (1+x)^-position_exponent
 *				 * min(d_i,200)^-item_exponent
 *	  S(v)     = d_v^-user_exponent * SUM over profile items i of v of
 *				 w_i * ew(v,i); the best "neighbours" of them are kept
 *	  anchor   = profile item of v with the largest w_i (the more recent of
 *				 equal ones); t* = when v touched it
 *	  score(j) = pop_j^-popularity_exponent * SUM over kept v with j within
 *				 window_rows of the anchor of S(v) * ew(v,j) * g(r)
 *				 * (recency_floor + (1-recency_floor)
 *					* 2^(-age(v,j)/recency_half_life))
 *	  g(r)     = r^-gap_exponent if j is the r-th row after the anchor in v's
 *				 history, before_factor * r^-gap_exponent if before it
 *
 * Rows of one time, such as the lines of an order, say nothing by their order:
 * profile items of one time share a position, rows of one time the mean of
 * their r (rounded down), rows of the time t* count as after the anchor.
 * On the later baskets of an online shop NDCG@20 so was .091, however items
 * were numbered; with the order of item_id instead it was .095 where ids
 * followed the first appearance of an item, .081 where they were random, and
 * .069 where they ran the other way, as those of interact_item_id() do.
 *
 * What becomes of the items that are met, and how several rows of one pair are
 * combined, is in candidate.c.
 *
 * Rules:
 * - Cost is bounded by the settings, whatever the tables hold: profile_scan +
 *	 hop1_budget + hop2_budget entries, for each neighbour kept at most two
 *	 look-ups of up to 2 * window_rows entries, and a few counter probes per
 *	 item returned.  Entries that the snapshot does not see count as read, but
 *	 the scan that meets them goes on to the next visible one.
 * - Under one snapshot the answer is deterministic; ties are broken by id.
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

/* d_v^-user_exponent is computed once for each d_v below this. */
#define USER_FACTORS			512

/* Similar items: constants of the formula in walk_similar(). */
#define SIMILAR_USERS			200
#define SIMILAR_ROWS			100
#define SIMILAR_USER_EXPONENT	0.5
#define SIMILAR_POPULARITY_EXPONENT 0.1

/* A user who shares profile items. */
typedef struct Neighbour
{
	int64		user;
	double		sum;			/* of w_i * ew(v,i) */
	double		anchor_weight;	/* w_i of the anchor */
	double		anchor_edge;	/* ew(v, anchor) */
	TimestampTz anchor_at;		/* t* */
	int32		anchor;			/* index of profile[] */
	int32		posting;		/* last one of this user, -1 = none */
	int32		user_items;		/* d_v, as far as known */
	int32		entry;			/* all rows are entries[] from here, -1 = not */
	int32		nentries;		/* number of them */
} Neighbour;

/* A neighbour's pair with a profile item. */
typedef struct Posting
{
	TimestampTz at;				/* latest */
	int32		neighbour;		/* index of neighbours[] */
	int32		profile;		/* index of profile[] */
	int32		next;			/* older posting of the user, -1 = none */
	int32		signals;		/* event bits */
	int16		rating;			/* 0 = none */
} Posting;

/* What a neighbour did after the anchor, or before it. */
typedef struct Side
{
	int64		anchor;			/* its item; not noted */
	double		factor;			/* of g(r) */
	TimestampTz at;				/* time of the row read last */
	int32		start;			/* first of rows[] on this side */
	int32		tied;			/* first of rows[] of that time */
} Side;

/* The walker's view of a walk: who shares the profile. */
typedef struct Hops
{
	Walk	   *walk;			/* profile, candidates, window */
	AffinityReader *by_item;	/* users of an item */

	idmap_hash *usermap;		/* user -> neighbours[] */
	Neighbour  *neighbours;
	int32		nneighbours;
	int32		maxneighbours;

	Posting    *postings;
	int32		npostings;
	int32		maxpostings;

	AffinityEntry *entries;		/* of neighbours with few rows, newest first */
	int32		nentries;
	int32		maxentries;

	double	   *gaps;			/* g(r), r = 1 at [0] */
	double		user_factor[USER_FACTORS];	/* d_v^-user_exponent, 0 = new */
} Hops;


/*
 * d^-user_exponent for a user with d items; numbers below 1 count as 1.
 */
static inline double
user_factor(Hops *hops, int32 d)
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
 * Begins a side of a window; factor is that of its g(r).
 */
static inline void
side_begin(Side *side, const Hops *hops, int64 anchor, double factor)
{
	side->anchor = anchor;
	side->factor = factor;
	side->at = DT_NOBEGIN;
	side->start = side->tied = hops->walk->nrows;
}

/*
 * Number of items on a side so far.
 */
static inline int
side_items(const Side *side, const Hops *hops)
{
	return hops->walk->nrows - side->start;
}

/*
 * Gives the rows of the time read last their g(r).
 */
static inline void
side_end_time(Side *side, const Hops *hops)
{
	Walk	   *walk = hops->walk;
	int32		middle = (side->tied + walk->nrows - 1) / 2;

	for (; side->tied < walk->nrows; side->tied++)
		walk->rows[side->tied].gap =
			side->factor * hops->gaps[middle - side->start];
}

/*
 * Notes the next row of a side, unless it is one of the anchor.
 */
static inline void
side_note(Side *side, const Hops *hops, const AffinityEntry *entry)
{
	if (entry->other == side->anchor)
		return;
	if (entry->at != side->at)
	{
		side_end_time(side, hops);
		side->at = entry->at;
	}
	window_add(hops->walk, entry);
}

/*
 * Adds what one neighbour says to an item's score.
 */
static inline void
credit(WalkedItem *item, double amount, int64 because)
{
	item->score += amount;
	item->support++;
	if (amount > item->best)
	{
		item->best = amount;
		item->because = because;
	}
}

/*
 * Begins the hops of a walk.  hops_end() closes what it opens, the memory is
 * the walk's.
 */
static Hops *
hops_begin(Walk *walk)
{
	Hops	   *hops = palloc0(sizeof(Hops));

	hops->walk = walk;
	hops->by_item = affinity_reader_open(REL_AFFINITY_ITEM);
	hops->usermap = idmap_create(walk->context, 2048, NULL);
	hops->maxneighbours = 1024;
	hops->neighbours = palloc(sizeof(Neighbour) * hops->maxneighbours);
	hops->maxpostings = 1024;
	hops->postings = palloc(sizeof(Posting) * hops->maxpostings);
	return hops;
}

/*
 * Closes what hops_begin() opened.
 */
static void
hops_end(Hops *hops)
{
	affinity_reader_close(hops->by_item);
}

/*
 * Notes that the user of an entry shares profile item number i.
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
 * Reads up to "quota" more entries of profile item number i, newest first.
 */
static void
read_postings(Hops *hops, int32 i, int quota)
{
	ProfileItem *p = &hops->walk->profile[i];
	AffinityReader *reader = hops->by_item;
	AffinityEntry entry;
	bool		resumed = p->read;
	int32		skip = 0;

	/*
	 * A list is resumed at the time of its last entry, past the entries of
	 * that time that were read already: their order is that of the index.
	 */
	if (resumed)
	{
		affinity_reader_before(reader, p->item, p->last_at + 1);
		skip = p->ties;
	}
	else
		affinity_reader_newest(reader, p->item);
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
 * Hop 1: who shares the profile?  Shares hop1_budget among the profile items
 * by water-filling: short lists are read whole, what they leave is shared
 * among the others.  Then adds up each neighbour's sum and finds the anchor.
 */
static void
hop1(Hops *hops)
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
		for (int32 i = 0; i < walk->nprofile; i++)
		{
			if (walk->profile[i].done)
				continue;
			left = budget - (affinity_reader_entries(reader) - start);
			if (left <= 0)
				break;
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
	int			most = 2 * walk->request.settings->window_rows;
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
 * Notes the rows of a neighbour around the anchor, at most "budget" entries
 * of them.  Returns the number of entries this took.
 */
static int64
read_window(Hops *hops, const Neighbour *neighbour, int64 budget)
{
	Walk	   *walk = hops->walk;
	const InteractSettings *settings = walk->request.settings;
	AffinityReader *reader = walk_users(walk);
	int64		anchor = walk->profile[neighbour->anchor].item;
	int64		start = affinity_reader_entries(reader);
	AffinityEntry entry;
	Side		side;

	window_begin(walk);
	if (neighbour->entry >= 0)
	{
		const AffinityEntry *entries = &hops->entries[neighbour->entry];
		int			after = 0;	/* rows not before the anchor */
		int			taken = 0;

		while (after < neighbour->nentries &&
			   entries[after].at >= neighbour->anchor_at)
			after++;

		side_begin(&side, hops, anchor, 1.0);
		for (int i = after - 1;
			 i >= 0 && taken < budget &&
			 side_items(&side, hops) < settings->window_rows;
			 i--, taken++)
			side_note(&side, hops, &entries[i]);
		side_end_time(&side, hops);

		side_begin(&side, hops, anchor, settings->before_factor);
		for (int i = after;
			 i < neighbour->nentries && taken < budget &&
			 side_items(&side, hops) < settings->window_rows;
			 i++, taken++)
			side_note(&side, hops, &entries[i]);
		side_end_time(&side, hops);
		return taken;
	}

	for (int before = 0; before < 2; before++)
	{
		side_begin(&side, hops, anchor,
				   before ? settings->before_factor : 1.0);
		if (before)
			affinity_reader_before(reader, neighbour->user,
								   neighbour->anchor_at);
		else
			affinity_reader_from(reader, neighbour->user, neighbour->anchor_at);
		while (side_items(&side, hops) < settings->window_rows &&
			   affinity_reader_entries(reader) - start < budget &&
			   affinity_reader_next(reader, &entry))
			side_note(&side, hops, &entry);
		side_end_time(&side, hops);
	}
	return affinity_reader_entries(reader) - start;
}

/*
 * S(v) of a neighbour whose window was just read: from the profile items that
 * hop 1 met, or from those in the window, whichever is more.
 */
static double
neighbour_strength(Hops *hops, const Neighbour *neighbour)
{
	Walk	   *walk = hops->walk;
	double		sum = neighbour->anchor_weight * neighbour->anchor_edge;

	for (int32 i = 0; i < walk->nrows; i++)
	{
		const WindowRow *row = &walk->rows[i];
		int32		p = walk->items[row->item].profile;
		double		edge;

		if (p < 0)
			continue;
		edge = walk_weight(walk, row->signals, row->rating);
		if (edge > 0)
			sum += walk->profile[p].weight * edge;
	}
	return user_factor(hops, neighbour->user_items) *
		Max(sum, neighbour->sum);
}

/*
 * Hop 2: what did the best neighbours do around the anchor?  Neighbours are
 * ranked by the d_v their entries carry, which is as old as the row.  One that
 * comes to the top gets its present d_v looked up and has to come to the top
 * again: users only gain items, mostly, so this finds the best by present d_v
 * without looking up the rest.
 */
static void
hop2(Hops *hops)
{
	Walk	   *walk = hops->walk;
	const WalkRequest *request = &walk->request;
	const InteractSettings *settings = request->settings;
	int64		budget = settings->hop2_budget;
	int			lookups = LOOKUPS_PER_NEIGHBOUR * settings->neighbours;
	int			kept = 0;
	int			n = 0;
	Ranked	   *heap;

	hops->gaps = palloc(sizeof(double) * settings->window_rows);
	for (int r = 0; r < settings->window_rows; r++)
		hops->gaps[r] = pow(r + 1, -settings->gap_exponent);

	hops->maxentries = 1024;
	hops->entries = palloc(sizeof(AffinityEntry) * hops->maxentries);
	heap = palloc(sizeof(Ranked) * Max(hops->nneighbours, 1));
	for (int32 i = 0; i < hops->nneighbours; i++)
	{
		const Neighbour *neighbour = &hops->neighbours[i];

		if (neighbour->sum <= 0 ||
			(request->skip_user && neighbour->user == request->user))
			continue;
		heap[n].score = neighbour->sum *
			user_factor(hops, neighbour->user_items);
		heap[n].id = neighbour->user;
		heap[n].index = i;
		heap[n].corrected = false;
		n++;
	}
	ranked_build(heap, n);

	while (n > 0 && kept < settings->neighbours && budget > 0)
	{
		Neighbour  *neighbour = &hops->neighbours[heap[0].index];
		double		strength;
		int64		because;

		if (!heap[0].corrected)
		{
			if (lookups-- <= 0)
			{
				ranked_pop(heap, &n);
				continue;
			}
			look_up(hops, neighbour);
			heap[0].score = neighbour->sum *
				user_factor(hops, neighbour->user_items);
			heap[0].corrected = true;
			ranked_sift(heap, n, 0);
			continue;
		}

		ranked_pop(heap, &n);
		kept++;
		budget -= read_window(hops, neighbour, budget);
		strength = neighbour_strength(hops, neighbour);
		because = walk->profile[neighbour->anchor].item;
		for (int32 i = 0; i < walk->nrows; i++)
		{
			const WindowRow *row = &walk->rows[i];
			WalkedItem *item = &walk->items[row->item];
			double		edge;
			double		age;

			if (item->barred)
				continue;
			edge = walk_weight(walk, row->signals, row->rating);
			if (edge <= 0)
				continue;
			age = Max((double) (request->now - row->at), 0.0);
			credit(item,
				   strength * edge * row->gap *
				   (settings->recency_floor + (1 - settings->recency_floor) *
					exp2(-age / settings->recency_half_life)),
				   because);
		}
	}
	pfree(heap);
}

/*
 * Walks, once per Walk, and fills result[] with at most max_items of the
 * request, best first.  Returns how many; 0 if the profile is empty.
 */
int
walk_run(Walk *walk, WalkItem *result)
{
	const WalkRequest *request = &walk->request;
	MemoryContext oldcontext;
	Hops	   *hops;
	int			n;

	if (walk->nprofile == 0 || request->max_items == 0)
		return 0;

	oldcontext = MemoryContextSwitchTo(walk->context);
	hops = hops_begin(walk);
	hop1(hops);
	hop2(hops);
	hops_end(hops);
	n = walk_rank(walk, request->settings->popularity_exponent,
				  request->max_items, result);
	MemoryContextSwitchTo(oldcontext);
	return n;
}

/*
 * Items j that the users of an item have too, best first:
 *
 *	  sim(j) = pop_j^-0.1 * SUM over the users v of the item's 200 newest
 *			   pairs of d_v^-0.5 [j among v's latest 100 rows]
 *
 * The item is the request's only one, without a profile of a user.  Fills
 * result[] with at most max_items and returns how many; "because" is the item
 * itself.  No user, no result.
 */
int
walk_similar(const WalkRequest *request, WalkItem *result)
{
	int64		item = request->items[0];
	MemoryContext oldcontext;
	AffinityReader *reader;
	Walk	   *walk;
	Hops	   *hops;
	int			n;

	Assert(!request->has_user && request->nitems == 1);

	walk = walk_begin(request);

	oldcontext = MemoryContextSwitchTo(walk->context);
	reader = walk_users(walk);
	hops = hops_begin(walk);
	read_postings(hops, 0, SIMILAR_USERS);

	for (int32 i = 0; i < hops->npostings; i++)
	{
		const Posting *posting = &hops->postings[i];
		int64		user = hops->neighbours[posting->neighbour].user;
		AffinityEntry entry;
		double		strength = 1;
		int			nread = 0;

		if (request->skip_user && user == request->user)
			continue;
		if (walk_weight(walk, posting->signals, posting->rating) <= 0)
			continue;
		window_begin(walk);
		affinity_reader_newest(reader, user);
		while (nread < SIMILAR_ROWS && affinity_reader_next(reader, &entry))
		{
			/* The newest row knows d_v best */
			if (nread++ == 0)
				strength = pow(Max(entry.user_items, 1),
							   -SIMILAR_USER_EXPONENT);
			window_add(walk, &entry);
		}
		for (int32 j = 0; j < walk->nrows; j++)
		{
			const WindowRow *row = &walk->rows[j];
			WalkedItem *other = &walk->items[row->item];

			if (!other->barred &&
				walk_weight(walk, row->signals, row->rating) > 0)
				credit(other, strength, item);
		}
	}

	hops_end(hops);
	n = walk_rank(walk, SIMILAR_POPULARITY_EXPONENT, request->max_items,
				  result);
	MemoryContextSwitchTo(oldcontext);
	walk_end(walk);
	return n;
}
