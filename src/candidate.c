/*-------------------------------------------------------------------------
 *
 * candidate.c
 *	  What a walk starts from, what it meets, and what of that it may return.
 *
 * A Walk holds the profile, every item met with its score and whether it is
 * barred, and the rows of the one user that is being read (the window).  The
 * hops of walk.c fill it; the formula stands there.
 *
 * Rules:
 * - Pairs of weight 0 or less are no edges.  Pairs of weight below 0 of the
 *	 asking user are never returned.
 * - Several rows of one pair are combined before they are weighed: signals
 *	 OR-ed, the latest time, the latest rating that is not 0.
 * - What the profile_scan newest rows of the user do not tell is looked up for
 *	 each item before it is ranked.
 * - Items that the request excludes are candidates like others, so that they
 *	 keep their places in the ranking.
 * - Settings and weights are copied when the walk begins: a change of either
 *	 table that is noticed on the way cannot mix two sets of them.
 * - All memory hangs off one context, deleted in walk_end().  Nothing is
 *	 written, and nothing outlives the call.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include <math.h>

#include "utils/memutils.h"

/* Bytes that a backend keeps from one walk to the next. */
#define KEPT_MEMORY				(8 * 1024 * 1024)

/*
 * Spreads ids, which often are consecutive, over 32 bits (the finalizer of
 * MurmurHash3).
 */
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
#define SH_SCOPE				extern
#define SH_DEFINE
#include "lib/simplehash.h"


/*
 * Weight of a pair, see interact_pair_weight().
 */
double
walk_weight(Walk *walk, int32 signals, int16 rating)
{
	WalkWeight *slot;

	slot = &walk->weights[((uint32) signals * 7 + (uint32) rating) %
						  WALK_WEIGHTS];
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
 * Index of an item in walk->items, which it enters when it is new.
 */
int32
walk_item(Walk *walk, int64 item)
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
		new->because = -1;
	}
	return entry->index;
}

/*
 * The reader of one user's rows.
 */
AffinityReader *
walk_users(Walk *walk)
{
	if (walk->users == NULL)
		walk->users = affinity_reader_open(REL_AFFINITY_USER);
	return walk->users;
}

/*
 * Forgets the rows of the user read before.
 */
void
window_begin(Walk *walk)
{
	walk->nrows = 0;
	walk->window++;
}

/*
 * Notes a row of the current user: as one more of rows[], or added to that of
 * the same pair.
 */
void
window_add(Walk *walk, const AffinityEntry *entry)
{
	int32		index = walk_item(walk, entry->other);
	WalkedItem *item = &walk->items[index];
	WindowRow  *row;

	if (item->window == walk->window)
	{
		row = &walk->rows[item->row];
		if (entry->rating != 0 && (row->rating == 0 || entry->at > row->at))
			row->rating = entry->rating;
		row->signals |= entry->signals;
		row->at = Max(row->at, entry->at);
		return;
	}

	ENSURE_ROOM(walk->rows, walk->nrows, walk->maxrows);
	item->window = walk->window;
	item->row = walk->nrows;
	row = &walk->rows[walk->nrows++];
	row->at = entry->at;
	row->gap = 0;
	row->item = index;
	row->signals = entry->signals;
	row->rating = entry->rating;
}

/*
 * Has the C library keep the memory of a walk, some 2 MB, for the next one.
 * Otherwise it goes back to the operating system after each, and to get it
 * again, page by page, takes a quarter of the time of a walk.
 *
 * glibc keeps up to twice the size of the largest block that was freed so far,
 * see M_MMAP_THRESHOLD in mallopt(3).  The block is never touched.
 */
static void
keep_memory(void)
{
	static bool done = false;

	if (!done)
		pfree(palloc_extended(KEPT_MEMORY / 2, MCXT_ALLOC_HUGE));
	done = true;
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

	keep_memory();
	context = AllocSetContextCreate(CurrentMemoryContext, "interact walk",
									ALLOCSET_DEFAULT_SIZES);
	oldcontext = MemoryContextSwitchTo(context);
	walk = palloc0(sizeof(Walk));
	walk->context = context;
	memcpy(walk->types, interact_event_types(), sizeof(walk->types));
	walk->itemmap = idmap_create(context, 4096, NULL);
	walk->maxitems = 8192;
	walk->items = palloc(sizeof(WalkedItem) * walk->maxitems);
	walk->maxrows = 256;
	walk->countings = 1;
	walk->rows = palloc(sizeof(WindowRow) * walk->maxrows);
	MemoryContextSwitchTo(oldcontext);
	return walk;
}

/*
 * Makes an item the next one of the profile, at the given x.
 */
static void
add_to_profile(Walk *walk, int32 index, double edge, int32 position)
{
	ProfileItem *p = &walk->profile[walk->nprofile];
	WalkedItem *item = &walk->items[index];

	item->profile = walk->nprofile;
	p->item = item->item;
	p->weight = edge * pow(1.0 + position,
						   -walk->request.settings->position_exponent);
	walk->nprofile++;
}

/*
 * qsort comparator: newest first, then by item, the order of the index.
 */
static int
compare_window(const void *a, const void *b, void *arg)
{
	const WindowRow *x = a;
	const WindowRow *y = b;
	const WalkedItem *items = arg;

	if (x->at != y->at)
		return x->at > y->at ? -1 : 1;
	return items[x->item].item < items[y->item].item ? -1 : 1;
}

/*
 * Reads the user's newest pairs: bars those that are not to be returned and
 * takes the first positive ones as profile.  Pairs that the request hides are
 * read too, so that no older row of such a pair is mistaken for the pair.
 */
static void
profile_of_user(Walk *walk)
{
	const WalkRequest *request = &walk->request;
	const InteractSettings *settings = request->settings;
	AffinityReader *reader = walk_users(walk);
	AffinityEntry entry;
	TimestampTz last_at = DT_NOBEGIN;
	int32		position = 0;
	int			nread = 0;
	bool		sort = false;

	affinity_reader_newest(reader, request->user);
	window_begin(walk);
	while (affinity_reader_next(reader, &entry))
	{
		if (nread++ >= settings->profile_scan)
		{
			walk->profile_cut = true;
			break;
		}
		window_add(walk, &entry);
	}
	while (affinity_reader_settle(reader, &entry))
	{
		window_add(walk, &entry);
		sort = true;
	}
	if (sort)
		qsort_arg(walk->rows, walk->nrows, sizeof(WindowRow), compare_window,
				  walk->items);

	for (int i = 0; i < walk->nrows; i++)
	{
		const WindowRow *row = &walk->rows[i];
		double		edge;

		if (row->at >= request->before)
			continue;
		edge = walk_weight(walk, row->signals, row->rating);
		if (edge < 0 ||
			(request->exclude_seen && (row->signals != 0 || row->rating != 0)))
			walk->items[row->item].barred = true;
		if (edge > 0 && walk->nprofile < settings->profile_items)
		{
			if (walk->nprofile > 0 && row->at != last_at)
				position++;
			last_at = row->at;
			add_to_profile(walk, row->item, edge, position);
		}
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
		int32		index = walk_item(walk, request->items[i]);

		if (walk->items[index].barred)
			continue;
		walk->items[index].barred = true;
		if (walk->nprofile < request->settings->profile_items)
			add_to_profile(walk, index, 1.0, walk->nprofile);
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
	walk->request.skip_user |= request->has_user;
	walk->profile = palloc0(sizeof(ProfileItem) *
							request->settings->profile_items);
	if (request->has_user)
		profile_of_user(walk);
	else
		profile_of_items(walk);
	for (int i = 0; i < request->nexclude; i++)
	{
		int32		index = walk_item(walk, request->exclude[i]);

		walk->items[index].excluded = true;
	}
	if (walk->settings.rerank_weight > 0)
	{
		walk->maxkept = 64;
		walk->kept = palloc(sizeof(KeptUser) * walk->maxkept);
		walk->maxkept_items = 1024;
		walk->kept_items = palloc(sizeof(int32) * walk->maxkept_items);
	}
	for (int i = 0; i < request->nhidden; i++)
	{
		int32		index = walk_item(walk, request->hidden[i].other);

		walk->items[index].hidden = request->hidden[i].signals;
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
	if (walk->probe != NULL)
		affinity_probe_close(walk->probe);
	MemoryContextDelete(walk->context);
}

/*
 * Whether the pair of the asking user and an item forbids to return the item.
 */
static bool
pair_forbids(Walk *walk, int64 item)
{
	AffinityEntry pair;

	if (walk->probe == NULL)
		walk->probe = affinity_probe_open();
	affinity_probe_get(walk->probe, walk->request.user, item, &pair);
	if (pair.at >= walk->request.before)
		return false;
	if (walk->request.exclude_seen && (pair.signals != 0 || pair.rating != 0))
		return true;
	return walk_weight(walk, pair.signals, pair.rating) < 0;
}

/*
 * Whether the user's own pair allows to return an item of items[].  What is
 * not known yet is looked up.
 */
bool
walk_allows(Walk *walk, int32 index)
{
	WalkedItem *item = &walk->items[index];

	if (!item->barred && walk->profile_cut)
		item->barred = pair_forbids(walk, item->item);
	return !item->barred;
}

/*
 * Tells of an item of items[] what an answer says of it; the score is that
 * before damping.
 */
void
walk_describe(const Walk *walk, int32 index, WalkItem *item)
{
	const WalkedItem *walked = &walk->items[index];

	item->item = walked->item;
	item->score = walked->score;
	item->by_friends = 2 * walked->friends > walked->score;
	item->has_because = walked->because >= 0 && !item->by_friends;
	item->because = item->has_because ?
		walk->profile[walked->because].item : 0;
	item->excluded = walked->excluded;
	item->support = walked->support;
}
