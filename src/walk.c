/*-------------------------------------------------------------------------
 *
 * walk.c
 *	  A truncated two-hop random walk with degree discounting over live rows:
 *	  from items to the users who share them, to what those users did around
 *	  the moment they shared them.
 *
 * u asks.  The profile is u's profile_items most recent positive pairs, newest
 * first at position x = 0, 1, ...; or a given list of items, each of weight 1.
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
 * ew is interact_pair_weight(), d_i the distinct users of i as far as hop 1
 * read them, d_v the number of items of v, pop_j the number of users of j.
 * The rows of v's window show more of the profile than hop 1 met; where the
 * sum in S(v) over these items is larger, it counts instead.
 *
 * Rules:
 * - Pairs of weight 0 or less are no edges.  Pairs of weight below 0 of the
 *	 asking user are never returned.
 * - Several rows of one pair are combined before they are weighed: signals
 *	 OR-ed, the latest time, the latest rating that is not 0.
 * - Cost is bounded by the settings, whatever the tables hold: profile_scan +
 *	 hop1_budget + hop2_budget entries, for each neighbour kept at most two
 *	 look-ups of up to 2 * window_rows entries, and a few counter probes per
 *	 item returned.  Entries that the snapshot does not see count as read, but
 *	 the scan that meets them goes on to the next visible one.
 * - Under one snapshot the answer is deterministic; ties are broken by id.
 * - Settings and weights are copied when the walk begins: a change of either
 *	 table that is noticed on the way cannot mix two sets of them.
 * - All memory hangs off one context, deleted in walk_end().  Nothing is
 *	 written, and nothing outlives the call.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/relscan.h"
#include "access/stratnum.h"
#include "access/table.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#include "interact.h"

/* Users of a profile item beyond this number do not make it weigh less. */
#define ITEM_DEGREE_CAP			200

/* Neighbours whose present degree is looked up, per neighbour kept. */
#define LOOKUPS_PER_NEIGHBOUR	2

/* Hop 1 stops sharing its rest when less than this is left for each item. */
#define MIN_SHARE				8

/* Items that compete for max_items places once popularity is known. */
#define DAMPED_ITEMS(max_items)	(4 * (max_items) + 20)

/* d_v^-user_exponent is computed once for each d_v below this. */
#define USER_FACTORS			512

/* Similar items: constants of the formula in walk_similar(). */
#define SIMILAR_USERS			200
#define SIMILAR_ROWS			100
#define SIMILAR_USER_EXPONENT	0.5
#define SIMILAR_POPULARITY_EXPONENT 0.1

/* From an id to its index in an array. */
typedef struct IdEntry
{
	int64		id;				/* user or item */
	int32		index;			/* of neighbours[] or items[] */
	char		status;			/* of simplehash.h */
} IdEntry;

static inline uint32
hash_id(int64 id)
{
	uint64		h = (uint64) id;

	h ^= h >> 33;
	h *= UINT64CONST(0xff51afd7ed558ccd);
	h ^= h >> 33;
	h *= UINT64CONST(0xc4ceb9fe1a85ec53);
	return (uint32) (h >> 32);
}

#define SH_PREFIX				idmap
#define SH_ELEMENT_TYPE			IdEntry
#define SH_KEY_TYPE				int64
#define SH_KEY					id
#define SH_HASH_KEY(tb, key)	hash_id(key)
#define SH_EQUAL(tb, a, b)		((a) == (b))
#define SH_SCOPE				static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* An item that was met: of the profile, excluded, or a candidate. */
typedef struct WalkedItem
{
	int64		item;
	double		score;			/* sum of contributions */
	double		best;			/* largest contribution */
	int64		because;		/* profile item of the largest contribution */
	int32		support;		/* neighbours that contributed */
	int32		window;			/* number of the window it was last met in */
	int32		row;			/* its row there */
	int32		profile;		/* its position in profile[], -1 = none */
	bool		barred;			/* is not returned, or is so already */
} WalkedItem;

/* A profile item that is walked. */
typedef struct ProfileItem
{
	int64		item;
	double		weight;			/* w_i; without the part of d_i in hop 1 */
	TimestampTz last_at;		/* of the last entry read */
	int32		ties;			/* entries of that time read */
	int32		users;			/* d_i, users read so far */
	bool		read;			/* at least once */
	bool		done;			/* no more entries */
} ProfileItem;

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

/* A pair of the user whose rows are being read. */
typedef struct Row
{
	TimestampTz at;				/* latest */
	double		gap;			/* g(r) */
	int32		item;			/* index of items[] */
	int32		signals;		/* event bits */
	int16		rating;			/* 0 = none */
} Row;

/* An entry of a heap, best on top. */
typedef struct Ranked
{
	double		score;
	int64		id;				/* breaks ties: the smaller one first */
	int32		index;			/* of what is ranked */
	bool		corrected;		/* neighbours: score has the present d_v */
} Ranked;

/* Remembers the weight of recently met combinations. */
typedef struct WeightCache
{
	int32		signals;		/* event bits */
	int16		rating;			/* 0 = none */
	bool		valid;
	float4		weight;			/* interact_pair_weight() of the two */
} WeightCache;

#define WEIGHT_CACHE			64

struct Walk
{
	MemoryContext context;		/* holds everything, this struct as well */
	WalkRequest request;		/* as given; arrays are the caller's */
	InteractSettings settings;	/* request.settings points here */
	EventType	types[MAX_EVENT_TYPES]; /* as of walk_create() */
	AffinityReader *users;		/* by user; NULL until first used */
	AffinityReader *by_item;	/* by item; NULL until first used */

	/* point look-ups of pairs, open only if profile_cut */
	Relation	heap;			/* interact_affinity, or NULL */
	Relation	pkey;
	IndexScanDesc probe;
	TupleTableSlot *slot;

	idmap_hash *itemmap;		/* item -> items[] */
	WalkedItem *items;
	int32		nitems;
	int32		maxitems;

	idmap_hash *usermap;		/* user -> neighbours[] */
	Neighbour  *neighbours;
	int32		nneighbours;
	int32		maxneighbours;

	Posting    *postings;
	int32		npostings;
	int32		maxpostings;

	ProfileItem *profile;		/* the walked part, newest first */
	int32		nprofile;
	bool		profile_cut;	/* user has more rows than were read */

	Row		   *rows;			/* of the current window */
	int32		nrows;
	int32		maxrows;
	int32		window;			/* number of the current window */

	AffinityEntry *entries;		/* of neighbours with few rows, newest first */
	int32		nentries;
	int32		maxentries;

	double	   *gaps;			/* g(r) after the anchor, r = 1 at [0] */
	double		user_factor[USER_FACTORS];	/* d_v^-user_exponent, 0 = new */
	WeightCache weights[WEIGHT_CACHE];
};


/*
 * Makes room for one more element in an array that starts with *max
 * elements and grows by doubling.
 */
#define ENSURE_ROOM(array, n, max) \
	do { \
		if ((n) >= (max)) \
		{ \
			(max) *= 2; \
			(array) = repalloc_huge(array, sizeof(*(array)) * (Size) (max)); \
		} \
	} while (0)

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
static void
heap_sift(Ranked *heap, int n, int i)
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
static void
heap_build(Ranked *heap, int n)
{
	for (int i = n / 2 - 1; i >= 0; i--)
		heap_sift(heap, n, i);
}

/*
 * Takes the best element off the heap of *n > 0 elements.
 */
static Ranked
heap_pop(Ranked *heap, int *n)
{
	Ranked		top = heap[0];

	heap[0] = heap[--*n];
	if (*n > 0)
		heap_sift(heap, *n, 0);
	return top;
}

/*
 * Weight of a pair, see interact_pair_weight().
 */
static inline double
pair_weight(Walk *walk, int32 signals, int16 rating)
{
	WeightCache *slot;

	slot = &walk->weights[((uint32) signals * 7 + (uint32) rating) %
						  WEIGHT_CACHE];
	if (!slot->valid || slot->signals != signals || slot->rating != rating)
	{
		slot->signals = signals;
		slot->rating = rating;
		slot->weight = interact_pair_weight(walk->types, signals, rating);
		slot->valid = true;
	}
	return slot->weight;
}

/*
 * d^-user_exponent for a user with d items; numbers below 1 count as 1.
 */
static inline double
user_factor(Walk *walk, int32 d)
{
	double		factor;

	d = Max(d, 1);
	if (d < USER_FACTORS && walk->user_factor[d] != 0)
		return walk->user_factor[d];
	factor = pow(d, -walk->request.settings->user_exponent);
	if (d < USER_FACTORS)
		walk->user_factor[d] = factor;
	return factor;
}

/*
 * Index of an item in walk->items, which it enters when it is new.
 */
static inline int32
find_item(Walk *walk, int64 item)
{
	bool		found;
	IdEntry    *entry = idmap_insert(walk->itemmap, item, &found);

	if (!found)
	{
		WalkedItem *new;

		ENSURE_ROOM(walk->items, walk->nitems, walk->maxitems);
		entry->index = walk->nitems++;
		new = &walk->items[entry->index];
		memset(new, 0, sizeof(*new));
		new->item = item;
		new->profile = -1;
	}
	return entry->index;
}

/*
 * Index of a user in walk->neighbours, which it enters when it is new.
 */
static inline int32
find_neighbour(Walk *walk, int64 user)
{
	bool		found;
	IdEntry    *entry = idmap_insert(walk->usermap, user, &found);

	if (!found)
	{
		Neighbour  *new;

		ENSURE_ROOM(walk->neighbours, walk->nneighbours, walk->maxneighbours);
		entry->index = walk->nneighbours++;
		new = &walk->neighbours[entry->index];
		memset(new, 0, sizeof(*new));
		new->user = user;
		new->posting = -1;
		new->entry = -1;
	}
	return entry->index;
}

/*
 * The reader of one user's rows.
 */
static AffinityReader *
user_reader(Walk *walk)
{
	if (walk->users == NULL)
		walk->users = affinity_reader_open(REL_AFFINITY_USER);
	return walk->users;
}

/*
 * The reader of one item's rows.
 */
static AffinityReader *
item_reader(Walk *walk)
{
	if (walk->by_item == NULL)
		walk->by_item = affinity_reader_open(REL_AFFINITY_ITEM);
	return walk->by_item;
}

/*
 * Forgets the rows of the user read before.
 */
static void
window_begin(Walk *walk)
{
	walk->nrows = 0;
	walk->window++;
}

/*
 * Notes a row of the current user, the g(r) of which is gap.  Returns false
 * if it only adds to a pair met before.
 */
static inline bool
window_add(Walk *walk, const AffinityEntry *entry, double gap)
{
	int32		index = find_item(walk, entry->other);
	WalkedItem *item = &walk->items[index];
	Row		   *row;

	if (item->window == walk->window)
	{
		row = &walk->rows[item->row];
		if (entry->rating != 0 && (row->rating == 0 || entry->at > row->at))
			row->rating = entry->rating;
		row->signals |= entry->signals;
		row->at = Max(row->at, entry->at);
		return false;
	}

	ENSURE_ROOM(walk->rows, walk->nrows, walk->maxrows);
	item->window = walk->window;
	item->row = walk->nrows;
	row = &walk->rows[walk->nrows++];
	row->at = entry->at;
	row->gap = gap;
	row->item = index;
	row->signals = entry->signals;
	row->rating = entry->rating;
	return true;
}

/*
 * Notes a row around the anchor, unless it is one of the anchor itself.
 * Returns 1 if this was one more item, otherwise 0.
 */
static inline int
window_note(Walk *walk, const AffinityEntry *entry, int64 anchor, double gap)
{
	return entry->other != anchor && window_add(walk, entry, gap);
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
 * Allocates a walk that knows nothing yet; the current memory context becomes
 * the parent of its own.
 */
static Walk *
walk_create(void)
{
	MemoryContext context;
	MemoryContext oldcontext;
	Walk	   *walk;

	context = AllocSetContextCreate(CurrentMemoryContext, "interact walk",
									ALLOCSET_DEFAULT_SIZES);
	oldcontext = MemoryContextSwitchTo(context);
	walk = palloc0(sizeof(Walk));
	walk->context = context;
	memcpy(walk->types, interact_event_types(), sizeof(walk->types));
	walk->itemmap = idmap_create(context, 2048, NULL);
	walk->maxitems = 2048;
	walk->items = palloc(sizeof(WalkedItem) * walk->maxitems);
	walk->maxrows = 256;
	walk->rows = palloc(sizeof(Row) * walk->maxrows);
	MemoryContextSwitchTo(oldcontext);
	return walk;
}

/*
 * Makes an item the next one of the profile.
 */
static void
add_to_profile(Walk *walk, int32 index, double edge)
{
	ProfileItem *p = &walk->profile[walk->nprofile];
	WalkedItem *item = &walk->items[index];

	item->profile = walk->nprofile;
	p->item = item->item;
	p->weight = edge * pow(1.0 + walk->nprofile,
						   -walk->request.settings->position_exponent);
	walk->nprofile++;
}

/*
 * Reads the user's newest pairs: bars those that are not to be returned and
 * takes the first positive ones as profile.
 */
static void
profile_of_user(Walk *walk)
{
	const WalkRequest *request = &walk->request;
	const InteractSettings *settings = request->settings;
	AffinityReader *reader = user_reader(walk);
	AffinityEntry entry;
	int			nread = 0;

	affinity_reader_newest(reader, request->user);
	window_begin(walk);
	while (affinity_reader_next(reader, &entry))
	{
		if (nread++ >= settings->profile_scan)
		{
			walk->profile_cut = true;
			break;
		}
		window_add(walk, &entry, 0);
	}

	for (int i = 0; i < walk->nrows; i++)
	{
		const Row  *row = &walk->rows[i];
		double		edge = pair_weight(walk, row->signals, row->rating);

		if (edge < 0 ||
			(request->exclude_seen && (row->signals != 0 || row->rating != 0)))
			walk->items[row->item].barred = true;
		if (edge > 0 && walk->nprofile < settings->profile_items)
			add_to_profile(walk, row->item, edge);
	}
}

/*
 * Takes the given items as profile, the last one first, and bars them all.
 */
static void
profile_of_items(Walk *walk)
{
	const WalkRequest *request = &walk->request;

	for (int i = request->nitems - 1; i >= 0; i--)
	{
		int32		index = find_item(walk, request->items[i]);

		if (walk->items[index].barred)
			continue;
		walk->items[index].barred = true;
		if (walk->nprofile < request->settings->profile_items)
			add_to_profile(walk, index, 1.0);
	}
}

/*
 * Begins a walk: reads the profile.  The request's arrays have to live until
 * walk_end(), and the active snapshot has to stay active.
 */
Walk *
walk_begin(const WalkRequest *request)
{
	Walk	   *walk = walk_create();
	MemoryContext oldcontext = MemoryContextSwitchTo(walk->context);

	walk->request = *request;
	walk->settings = *request->settings;
	walk->request.settings = &walk->settings;
	walk->profile = palloc0(sizeof(ProfileItem) *
							request->settings->profile_items);
	if (request->has_user)
		profile_of_user(walk);
	else
		profile_of_items(walk);
	for (int i = 0; i < request->nexclude; i++)
	{
		int32		index = find_item(walk, request->exclude[i]);

		walk->items[index].barred = true;
	}
	MemoryContextSwitchTo(oldcontext);
	return walk;
}

/*
 * Ends a walk and frees all of it.
 */
void
walk_end(Walk *walk)
{
	if (walk->users != NULL)
		affinity_reader_close(walk->users);
	if (walk->by_item != NULL)
		affinity_reader_close(walk->by_item);
	if (walk->heap != NULL)
	{
		index_endscan(walk->probe);
		ExecDropSingleTupleTableSlot(walk->slot);
		index_close(walk->pkey, NoLock);
		table_close(walk->heap, NoLock);
	}
	MemoryContextDelete(walk->context);
}

/*
 * Looks the pair of the asking user and an item up; whether it forbids to
 * return the item.
 */
static bool
pair_forbids(Walk *walk, int64 item)
{
	ScanKeyData keys[2];
	int32		signals = 0;
	int16		rating = 0;
	TimestampTz rated_at = DT_NOBEGIN;

	if (walk->heap == NULL)
	{
		walk->heap = table_open(interact_relid(REL_AFFINITY), AccessShareLock);
		walk->pkey = index_open(interact_relid(REL_AFFINITY_PKEY),
								AccessShareLock);
		walk->slot = table_slot_create(walk->heap, NULL);
		walk->probe = interact_index_beginscan(walk->heap, walk->pkey,
											   GetActiveSnapshot(), 2);
	}

	ScanKeyInit(&keys[0], Anum_affinity_user_id, BTEqualStrategyNumber,
				F_INT8EQ, Int64GetDatum(walk->request.user));
	ScanKeyInit(&keys[1], Anum_affinity_item_id, BTEqualStrategyNumber,
				F_INT8EQ, Int64GetDatum(item));
	index_rescan(walk->probe, keys, 2, NULL, 0);
	while (index_getnext_slot(walk->probe, ForwardScanDirection, walk->slot))
	{
		Datum	   *values;
		TimestampTz at;

		CHECK_FOR_INTERRUPTS();
		slot_getsomeattrs(walk->slot, Anum_affinity_rating);
		values = walk->slot->tts_values;
		at = DatumGetTimestampTz(values[Anum_affinity_last_at - 1]);
		signals |= DatumGetInt32(values[Anum_affinity_signals - 1]);
		if (DatumGetInt16(values[Anum_affinity_rating - 1]) != 0 &&
			at >= rated_at)
		{
			rating = DatumGetInt16(values[Anum_affinity_rating - 1]);
			rated_at = at;
		}
	}
	if (walk->request.exclude_seen && (signals != 0 || rating != 0))
		return true;
	return pair_weight(walk, signals, rating) < 0;
}

/*
 * Whether the item may still be returned; the caller does so, and the next
 * call for the same item says false.
 */
bool
walk_take(Walk *walk, int64 item)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(walk->context);
	int32		index = find_item(walk, item);
	bool		barred = walk->items[index].barred;

	walk->items[index].barred = true;
	if (!barred && walk->profile_cut)
		barred = pair_forbids(walk, item);
	MemoryContextSwitchTo(oldcontext);
	return !barred;
}

/*
 * Makes room for neighbours and their postings.
 */
static void
begin_postings(Walk *walk)
{
	walk->maxneighbours = 1024;
	walk->neighbours = palloc(sizeof(Neighbour) * walk->maxneighbours);
	walk->maxpostings = 1024;
	walk->postings = palloc(sizeof(Posting) * walk->maxpostings);
	walk->usermap = idmap_create(walk->context, 2048, NULL);
}

/*
 * Notes that the user of an entry shares profile item number i.
 */
static inline void
add_posting(Walk *walk, int32 i, const AffinityEntry *entry, bool resumed)
{
	int32		index = find_neighbour(walk, entry->other);
	Neighbour  *neighbour = &walk->neighbours[index];
	Posting    *posting;

	neighbour->user_items = Max(neighbour->user_items, entry->user_items);

	/*
	 * Another row of a pair?  While an item's list is read in one go such a
	 * pair is the user's last one.  Rows come newest first, so the time and
	 * the rating of the first one stand.
	 */
	for (int32 p = neighbour->posting; p >= 0; p = walk->postings[p].next)
	{
		posting = &walk->postings[p];
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

	ENSURE_ROOM(walk->postings, walk->npostings, walk->maxpostings);
	posting = &walk->postings[walk->npostings];
	posting->at = entry->at;
	posting->neighbour = index;
	posting->profile = i;
	posting->next = neighbour->posting;
	posting->signals = entry->signals;
	posting->rating = entry->rating;
	neighbour->posting = walk->npostings++;
	walk->profile[i].users++;
}

/*
 * Reads up to "quota" more entries of profile item number i, newest first.
 */
static void
read_postings(Walk *walk, int32 i, int quota)
{
	ProfileItem *p = &walk->profile[i];
	AffinityReader *reader = item_reader(walk);
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
		add_posting(walk, i, &entry, resumed);
	}
}

/*
 * Hop 1: who shares the profile?  Shares hop1_budget among the profile items
 * by water-filling: short lists are read whole, what they leave is shared
 * among the others.  Then adds up each neighbour's sum and finds the anchor.
 */
static void
hop1(Walk *walk)
{
	const WalkRequest *request = &walk->request;
	AffinityReader *reader = item_reader(walk);
	int64		budget = request->settings->hop1_budget;
	int64		start = affinity_reader_entries(reader);
	int			unread = walk->nprofile;
	bool		first = true;

	begin_postings(walk);
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
			read_postings(walk, i, (int) Min(share, left));
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

	for (int32 i = 0; i < walk->npostings; i++)
	{
		const Posting *posting = &walk->postings[i];
		Neighbour  *neighbour = &walk->neighbours[posting->neighbour];
		double		weight = walk->profile[posting->profile].weight;
		double		edge = pair_weight(walk, posting->signals, posting->rating);

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
look_up(Walk *walk, Neighbour *neighbour)
{
	int			most = 2 * walk->request.settings->window_rows;
	AffinityReader *reader = user_reader(walk);
	int32		start = walk->nentries;
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
		if (walk->nentries - start >= most)
		{
			walk->nentries = start;
			return;
		}
		ENSURE_ROOM(walk->entries, walk->nentries, walk->maxentries);
		walk->entries[walk->nentries++] = entry;
	} while (affinity_reader_next(reader, &entry));

	neighbour->entry = start;
	neighbour->nentries = walk->nentries - start;
}

/*
 * Notes the rows of a neighbour around the anchor, at most "budget" entries
 * of them.  Returns the number of entries this took.
 */
static int64
read_window(Walk *walk, const Neighbour *neighbour, int64 budget)
{
	const InteractSettings *settings = walk->request.settings;
	AffinityReader *reader = user_reader(walk);
	int64		anchor = walk->profile[neighbour->anchor].item;
	int64		start = affinity_reader_entries(reader);
	AffinityEntry entry;

	window_begin(walk);
	if (neighbour->entry >= 0)
	{
		const AffinityEntry *entries = &walk->entries[neighbour->entry];
		int			after = 0;	/* rows not before the anchor */
		int			taken = 0;
		int			r = 0;

		while (after < neighbour->nentries &&
			   entries[after].at >= neighbour->anchor_at)
			after++;
		for (int i = after - 1;
			 i >= 0 && r < settings->window_rows && taken < budget;
			 i--, taken++)
			r += window_note(walk, &entries[i], anchor, walk->gaps[r]);
		r = 0;
		for (int i = after;
			 i < neighbour->nentries && r < settings->window_rows &&
			 taken < budget;
			 i++, taken++)
			r += window_note(walk, &entries[i], anchor,
							 settings->before_factor * walk->gaps[r]);
		return taken;
	}

	for (int side = 0; side < 2; side++)
	{
		double		factor = side == 0 ? 1.0 : settings->before_factor;
		int			r = 0;

		if (side == 0)
			affinity_reader_from(reader, neighbour->user, neighbour->anchor_at);
		else
			affinity_reader_before(reader, neighbour->user,
								   neighbour->anchor_at);
		while (r < settings->window_rows &&
			   affinity_reader_entries(reader) - start < budget &&
			   affinity_reader_next(reader, &entry))
			r += window_note(walk, &entry, anchor, factor * walk->gaps[r]);
	}
	return affinity_reader_entries(reader) - start;
}

/*
 * S(v) of a neighbour whose window was just read: from the profile items that
 * hop 1 met, or from those in the window, whichever is more.
 */
static double
neighbour_strength(Walk *walk, const Neighbour *neighbour)
{
	double		sum = neighbour->anchor_weight * neighbour->anchor_edge;

	for (int32 i = 0; i < walk->nrows; i++)
	{
		const Row  *row = &walk->rows[i];
		int32		p = walk->items[row->item].profile;
		double		edge;

		if (p < 0)
			continue;
		edge = pair_weight(walk, row->signals, row->rating);
		if (edge > 0)
			sum += walk->profile[p].weight * edge;
	}
	return user_factor(walk, neighbour->user_items) *
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
hop2(Walk *walk)
{
	const WalkRequest *request = &walk->request;
	const InteractSettings *settings = request->settings;
	int64		budget = settings->hop2_budget;
	int			lookups = LOOKUPS_PER_NEIGHBOUR * settings->neighbours;
	int			kept = 0;
	int			n = 0;
	Ranked	   *heap;

	walk->gaps = palloc(sizeof(double) * settings->window_rows);
	for (int r = 0; r < settings->window_rows; r++)
		walk->gaps[r] = pow(r + 1, -settings->gap_exponent);

	walk->maxentries = 1024;
	walk->entries = palloc(sizeof(AffinityEntry) * walk->maxentries);
	heap = palloc(sizeof(Ranked) * Max(walk->nneighbours, 1));
	for (int32 i = 0; i < walk->nneighbours; i++)
	{
		const Neighbour *neighbour = &walk->neighbours[i];

		if (neighbour->sum <= 0 ||
			(request->has_user && neighbour->user == request->user))
			continue;
		heap[n].score = neighbour->sum *
			user_factor(walk, neighbour->user_items);
		heap[n].id = neighbour->user;
		heap[n].index = i;
		heap[n].corrected = false;
		n++;
	}
	heap_build(heap, n);

	while (n > 0 && kept < settings->neighbours && budget > 0)
	{
		Neighbour  *neighbour = &walk->neighbours[heap[0].index];
		double		strength;
		int64		because;

		if (!heap[0].corrected)
		{
			if (lookups-- <= 0)
			{
				heap_pop(heap, &n);
				continue;
			}
			look_up(walk, neighbour);
			heap[0].score = neighbour->sum *
				user_factor(walk, neighbour->user_items);
			heap[0].corrected = true;
			heap_sift(heap, n, 0);
			continue;
		}

		heap_pop(heap, &n);
		kept++;
		budget -= read_window(walk, neighbour, budget);
		strength = neighbour_strength(walk, neighbour);
		because = walk->profile[neighbour->anchor].item;
		for (int32 i = 0; i < walk->nrows; i++)
		{
			const Row  *row = &walk->rows[i];
			WalkedItem *item = &walk->items[row->item];
			double		edge;
			double		age;

			if (item->barred)
				continue;
			edge = pair_weight(walk, row->signals, row->rating);
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
 * qsort comparator: best first.
 */
static int
compare_ranked(const void *a, const void *b)
{
	return ranked_before(a, b) ? -1 : ranked_before(b, a) ? 1 : 0;
}

/*
 * Ranks the candidates: damps the popular ones among the best, and fills
 * result[] with at most max_items.  Returns how many.
 */
static int
rank_items(Walk *walk, double popularity_exponent, int max_items,
		   WalkItem *result)
{
	int			most = DAMPED_ITEMS(max_items);
	int			nheap = 0;
	int			nbest = 0;
	Ranked	   *heap = palloc_extended(sizeof(Ranked) * Max(walk->nitems, 1),
									   MCXT_ALLOC_HUGE);
	Ranked	   *best = palloc(sizeof(Ranked) * most);

	for (int32 i = 0; i < walk->nitems; i++)
	{
		const WalkedItem *item = &walk->items[i];

		if (item->score <= 0 || item->barred)
			continue;
		heap[nheap].score = item->score;
		heap[nheap].id = item->item;
		heap[nheap].index = i;
		nheap++;
	}
	heap_build(heap, nheap);

	if (popularity_exponent == 0)
		most = max_items;
	while (nheap > 0 && nbest < most)
	{
		Ranked		top = heap_pop(heap, &nheap);

		if (walk_take(walk, top.id))
			best[nbest++] = top;
	}

	if (popularity_exponent != 0 && nbest > 0)
	{
		UsersReader *reader = users_reader_open();

		for (int i = 0; i < nbest; i++)
		{
			double		users = users_reader_get(reader, best[i].id);

			best[i].score *= pow(Max(users, 1.0), -popularity_exponent);
		}
		users_reader_close(reader);
		qsort(best, nbest, sizeof(Ranked), compare_ranked);
	}

	nbest = Min(nbest, max_items);
	for (int i = 0; i < nbest; i++)
	{
		const WalkedItem *item = &walk->items[best[i].index];

		result[i].item = item->item;
		result[i].score = best[i].score;
		result[i].because = item->because;
		result[i].support = item->support;
	}
	return nbest;
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
	int			n;

	if (walk->nprofile == 0 || request->max_items == 0)
		return 0;

	oldcontext = MemoryContextSwitchTo(walk->context);
	hop1(walk);
	hop2(walk);
	n = rank_items(walk, request->settings->popularity_exponent,
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
 * Fills result[] with at most max_items and returns how many; "because" is
 * the item itself.
 */
int
walk_similar(int64 item, int max_items, WalkItem *result)
{
	Walk	   *walk = walk_create();
	MemoryContext oldcontext = MemoryContextSwitchTo(walk->context);
	AffinityReader *reader = user_reader(walk);
	int			n;

	walk->items[find_item(walk, item)].barred = true;
	walk->profile = palloc0(sizeof(ProfileItem));
	walk->profile[0].item = item;
	walk->nprofile = 1;
	begin_postings(walk);
	read_postings(walk, 0, SIMILAR_USERS);

	for (int32 i = 0; i < walk->npostings; i++)
	{
		const Posting *posting = &walk->postings[i];
		AffinityEntry entry;
		double		strength = 1;
		int			nread = 0;

		if (pair_weight(walk, posting->signals, posting->rating) <= 0)
			continue;
		window_begin(walk);
		affinity_reader_newest(reader,
							   walk->neighbours[posting->neighbour].user);
		while (nread < SIMILAR_ROWS && affinity_reader_next(reader, &entry))
		{
			/* The newest row knows d_v best */
			if (nread++ == 0)
				strength = pow(Max(entry.user_items, 1),
							   -SIMILAR_USER_EXPONENT);
			window_add(walk, &entry, 0);
		}
		for (int32 j = 0; j < walk->nrows; j++)
		{
			const Row  *row = &walk->rows[j];
			WalkedItem *other = &walk->items[row->item];

			if (!other->barred &&
				pair_weight(walk, row->signals, row->rating) > 0)
				credit(other, strength, item);
		}
	}

	n = rank_items(walk, SIMILAR_POPULARITY_EXPONENT, max_items, result);
	MemoryContextSwitchTo(oldcontext);
	walk_end(walk);
	return n;
}
