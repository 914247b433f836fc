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
 * where the settings differ from their defaults, S(v)^strength_exponent in
 * place of S(v), and with latest_rows above 0 the latest rows of v in place of
 * those near the anchor, g(r) being 1.
 *
 * Friends of u, those whom u follows and who follow back, add to score(j)
 *
 *	  friends_weight * M * ew'(f,j) * g(r) * (the same decay by age)
 *
 * each, M being the mean of S(v)^strength_exponent over the neighbours kept (1
 * if there are none) and ew' the weight of the pair's shareable events alone.
 * A friend with an anchor is read like a neighbour, of any other the latest
 * window_rows rows count, j being the r-th latest.  Friends never become the
 * because_item_id: that would tell u what a friend did with it.
 *
 * Rows of one time, such as the lines of an order, say nothing by their order:
 * profile items of one time share a position, rows of one time the mean of
 * their r (rounded down), rows of the time t* count as after the anchor.
 * On the later baskets of an online shop NDCG@20 so was .091, however items
 * were numbered; with the order of item_id instead it was .095 where ids
 * followed the first appearance of an item, .081 where they were random, and
 * .069 where they ran the other way, as those of interact_item_id() do.
 *
 * Hop 1, up to S(v), is in neighbour.c, damping and order in rank.c; what
 * becomes of the items that are met, and how several rows of one pair are
 * combined, in candidate.c.
 *
 * Rules:
 * - Cost is bounded by the settings, whatever the tables hold: profile_scan +
 *	 hop1_budget + hop2_budget entries, for each neighbour kept at most two
 *	 look-ups of up to 2 * window_rows or latest_rows entries, the friends that
 *	 friend.c reads, and the counter probes of rank.c.  Entries that the
 *	 snapshot does not see count as read, but the scan that meets them goes on
 *	 to the next visible one.
 * - Friends are a base table, so reading them takes the caller's right to:
 *	 without it there are none, unless the request needs them.
 * - Under one snapshot the answer is deterministic; ties are broken by id.  One
 *	 exception: dead entries that somebody marks meanwhile do not count any more,
 *	 so where a budget cuts off it may do so later.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include <math.h>

#include "access/stratnum.h"
#include "access/table.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

/* What a neighbour did after the anchor, or before it. */
typedef struct Side
{
	bool		has_anchor;		/* rows of one item are not noted */
	int64		anchor;			/* that item */
	double		factor;			/* of g(r) */
	TimestampTz at;				/* time of the row read last */
	int32		start;			/* first of rows[] on this side */
	int32		tied;			/* first of rows[] of that time */
} Side;


/*
 * Begins a side of a window of a neighbour, or of a user who is none; factor is
 * that of its g(r).
 */
static inline void
side_begin(Side *side, const Hops *hops, const Neighbour *neighbour,
		   double factor)
{
	side->has_anchor = neighbour != NULL;
	side->anchor = neighbour != NULL ?
		hops->walk->profile[neighbour->anchor].item : 0;
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
	if (entry->other == side->anchor && side->has_anchor)
		return;
	if (entry->at != side->at)
	{
		side_end_time(side, hops);
		side->at = entry->at;
	}
	window_add(hops->walk, entry);
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

		side_begin(&side, hops, neighbour, 1.0);
		for (int i = after - 1;
			 i >= 0 && taken < budget &&
			 side_items(&side, hops) < settings->window_rows;
			 i--, taken++)
			side_note(&side, hops, &entries[i]);
		side_end_time(&side, hops);

		side_begin(&side, hops, neighbour, settings->before_factor);
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
		side_begin(&side, hops, neighbour,
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
 * Notes the latest rows of a user, at most "budget" entries of them: with
 * latest_rows that many, else window_rows.  neighbour: the user as one who
 * shares the profile, whose anchor is left out; NULL if not one.  Returns the
 * number of entries this took.
 */
static int64
read_latest(Hops *hops, int64 user, const Neighbour *neighbour, int64 budget)
{
	Walk	   *walk = hops->walk;
	const InteractSettings *settings = walk->request.settings;
	bool		flat = settings->latest_rows > 0;
	int			most = flat ? settings->latest_rows : settings->window_rows;
	bool		noted = neighbour != NULL && neighbour->entry >= 0;
	AffinityReader *reader = walk_users(walk);
	int64		start = affinity_reader_entries(reader);
	int64		taken = 0;
	Side		side;

	window_begin(walk);
	side_begin(&side, hops, neighbour, 1.0);
	if (!noted)
		affinity_reader_newest(reader, user);
	while (walk->nrows < most && taken < budget)
	{
		AffinityEntry entry;

		if (noted)
		{
			if (taken >= neighbour->nentries)
				break;
			entry = hops->entries[neighbour->entry + taken++];
		}
		else
		{
			if (!affinity_reader_next(reader, &entry))
				break;
			taken = affinity_reader_entries(reader) - start;
		}
		if (!flat)
			side_note(&side, hops, &entry);
		else if (entry.other != side.anchor || !side.has_anchor)
			window_add(walk, &entry);
	}

	if (flat)
	{
		for (int32 i = 0; i < walk->nrows; i++)
			walk->rows[i].gap = 1;
	}
	else
		side_end_time(&side, hops);
	return taken;
}

/*
 * Notes the rows of a neighbour that count.
 */
static inline int64
read_neighbour(Hops *hops, const Neighbour *neighbour, int64 budget)
{
	if (hops->walk->request.settings->latest_rows > 0)
		return read_latest(hops, neighbour->user, neighbour, budget);
	return read_window(hops, neighbour, budget);
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
	return hops_user_factor(hops, neighbour->user_items) *
		Max(sum, neighbour->sum);
}

/*
 * What the age of a row leaves of its weight.
 */
static inline double
decay(const WalkRequest *request, TimestampTz at)
{
	const InteractSettings *settings = request->settings;
	double		age = Max((double) (request->now - at), 0.0);

	return settings->recency_floor + (1 - settings->recency_floor) *
		exp2(-age / settings->recency_half_life);
}

/*
 * Adds what a neighbour, whose rows were just read, says to the scores.
 */
static void
credit_neighbour(Hops *hops, const Neighbour *neighbour, double strength)
{
	Walk	   *walk = hops->walk;

	for (int32 i = 0; i < walk->nrows; i++)
	{
		const WindowRow *row = &walk->rows[i];
		WalkedItem *item = &walk->items[row->item];
		double		edge;
		double		amount;

		if (item->barred)
			continue;
		edge = walk_weight(walk, row->signals, row->rating);
		if (edge <= 0)
			continue;
		amount = strength * edge * row->gap * decay(&walk->request, row->at);
		item->score += amount;
		item->support++;
		item->signals |= row->signals;
		if (amount > item->best)
		{
			item->best = amount;
			item->because = neighbour->anchor;
		}
	}
}

/*
 * Notes a neighbour, whose rows were just read, and the items liked there, the
 * anchor included, for rerank.c.
 */
static void
note_kept(Hops *hops, const Neighbour *neighbour, double strength)
{
	Walk	   *walk = hops->walk;
	int32		anchor = walk_item(walk, walk->profile[neighbour->anchor].item);
	KeptUser   *kept;

	ENSURE_ROOM(walk->kept, walk->nkept, walk->maxkept);
	kept = &walk->kept[walk->nkept++];
	kept->strength = strength;
	kept->start = walk->nkept_items;
	ENSURE_ROOM(walk->kept_items, walk->nkept_items, walk->maxkept_items);
	walk->kept_items[walk->nkept_items++] = anchor;
	for (int32 i = 0; i < walk->nrows; i++)
	{
		const WindowRow *row = &walk->rows[i];

		if (walk_weight(walk, row->signals, row->rating) <= 0)
			continue;
		ENSURE_ROOM(walk->kept_items, walk->nkept_items, walk->maxkept_items);
		walk->kept_items[walk->nkept_items++] = row->item;
	}
	kept->nitems = walk->nkept_items - kept->start;
}

/*
 * Hop 2: what did the best neighbours do around the anchor?  Reads at most
 * *budget entries, and takes them off it; returns M.
 */
static double
hop2(Hops *hops, int64 *budget)
{
	Walk	   *walk = hops->walk;
	const InteractSettings *settings = walk->request.settings;
	Neighbour  *neighbour;
	double		sum = 0;
	double		unused;
	int			kept = 0;

	hops_best_begin(hops);
	while (kept < settings->neighbours && *budget > 0 &&
		   (neighbour = hops_best_next(hops, &unused)) != NULL)
	{
		double		strength;

		*budget -= read_neighbour(hops, neighbour, *budget);
		strength = neighbour_strength(hops, neighbour);
		if (settings->strength_exponent != 1)
			strength = pow(strength, settings->strength_exponent);
		credit_neighbour(hops, neighbour, strength);
		if (walk->kept != NULL)
			note_kept(hops, neighbour, strength);
		neighbour->kept = true;
		sum += strength;
		kept++;
	}
	return kept > 0 ? sum / kept : 1.0;
}

/*
 * Whether a user follows anybody, whatever policies say.  Every recommend()
 * asks, mostly to find nobody, so this is an index scan of its own.
 */
static bool
follows_anybody(int64 user)
{
	Relation	rel = table_open(interact_relid(REL_FRIEND), AccessShareLock);
	Relation	index = index_open(interact_relid(REL_FRIEND_PAIR),
								   AccessShareLock);
	TupleTableSlot *slot = table_slot_create(rel, NULL);
	IndexScanDesc scan = interact_index_beginscan(rel, index,
												  GetActiveSnapshot(), 1);
	ScanKeyData key;
	bool		found;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ,
				Int64GetDatum(user));
	index_rescan(scan, &key, 1, NULL, 0);
	found = index_getnext_slot(scan, ForwardScanDirection, slot);
	index_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	index_close(index, NoLock);
	table_close(rel, NoLock);
	return found;
}

/*
 * Fills *friends with those whom the asking user follows and who follow back,
 * newest first, as far as row-level security shows them to the caller; returns
 * how many.  A caller who may not read them gets none, or an error if the
 * request needs them.
 */
static int
load_friends(Walk *walk, int64 **friends)
{
	const WalkRequest *request = &walk->request;
	Oid			relid = interact_relid(REL_FRIEND);
	AclResult	acl = pg_class_aclcheck(relid, GetUserId(), ACL_SELECT);
	int64	   *loaded;
	int			n;

	if (acl != ACLCHECK_OK && request->need_friends)
		aclcheck_error(acl, OBJECT_TABLE, get_rel_name(relid));
	if (acl != ACLCHECK_OK || !follows_anybody(request->user))
		return 0;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	loaded = friends_load(request->user, true, &n);
	*friends = MemoryContextAlloc(walk->context, sizeof(int64) * Max(n, 1));
	memcpy(*friends, loaded, sizeof(int64) * n);
	SPI_finish();
	return n;
}

/*
 * Adds what friends did, shareable events alone, to the scores.  strength: of
 * each friend.  Friends who share profile items come first, others follow, as
 * far as "budget" entries go.
 */
static void
hop_friends(Hops *hops, const int64 *friends, int nfriends, double strength,
			int64 budget)
{
	Walk	   *walk = hops->walk;
	int32		shareable = 0;

	for (int id = 0; id < MAX_EVENT_TYPES; id++)
	{
		if (walk->types[id].shareable)
			shareable |= EVENT_BIT(id);
	}

	for (int share = 1; share >= 0; share--)
	{
		for (int f = 0; f < nfriends && budget > 0; f++)
		{
			const Neighbour *neighbour = hops_find(hops, friends[f]);

			if ((neighbour != NULL) != (share == 1))
				continue;
			if (neighbour != NULL)
				budget -= read_neighbour(hops, neighbour, budget);
			else
				budget -= read_latest(hops, friends[f], NULL, budget);

			for (int32 i = 0; i < walk->nrows; i++)
			{
				const WindowRow *row = &walk->rows[i];
				WalkedItem *item = &walk->items[row->item];
				int32		signals = row->signals & shareable;
				int16		rating = 0;
				double		edge;
				double		amount;

				if (item->barred || signals == 0 ||
					walk_weight(walk, row->signals, row->rating) <= 0)
					continue;
				if (signals & EVENT_BIT(EVENT_RATING))
					rating = row->rating;
				edge = walk_weight(walk, signals, rating);
				if (edge <= 0)
					continue;
				amount = strength * edge * row->gap *
					decay(&walk->request, row->at);
				item->score += amount;
				item->friends += amount;
				item->signals |= row->signals;

				/* As a neighbour the friend was counted already */
				if (neighbour == NULL || !neighbour->kept || item->support == 0)
					item->support++;
			}
		}
	}
}

/*
 * Walks, once per Walk.  Afterwards items[] have scores; none has without a
 * profile and friends.
 */
void
walk_go(Walk *walk)
{
	const WalkRequest *request = &walk->request;
	const InteractSettings *settings = request->settings;
	MemoryContext oldcontext = MemoryContextSwitchTo(walk->context);
	int64	   *friends = NULL;
	int			nfriends = 0;

	if (request->has_user && settings->friends_weight > 0)
		nfriends = load_friends(walk, &friends);
	if (walk->nprofile > 0 || nfriends > 0)
	{
		Hops	   *hops = hops_begin(walk);
		int64		budget = settings->hop2_budget;
		int64		reserved = 0;
		double		mean;

		/*
		 * For friends at most half of what hop 2 may read is put aside, enough
		 * for the rows that count.  What neighbours leave is for entries that
		 * the snapshot does not see.
		 */
		if (nfriends > 0)
			reserved = Min(settings->hop2_budget / 2,
						   2 * (int64) Max(settings->window_rows,
										   settings->latest_rows) * nfriends);

		hops->gaps = palloc(sizeof(double) * settings->window_rows);
		for (int r = 0; r < settings->window_rows; r++)
			hops->gaps[r] = pow(r + 1, -settings->gap_exponent);

		hops_first(hops);
		budget -= reserved;
		mean = hop2(hops, &budget);
		if (nfriends > 0)
			hop_friends(hops, friends, nfriends,
						settings->friends_weight * mean,
						Max(budget, 0) + reserved);
		hops_end(hops);
	}
	MemoryContextSwitchTo(oldcontext);
}

/*
 * Walks, once per Walk, and fills result[] with at most max_items of the
 * request, best first.  Returns how many; 0 if there is nothing to start from.
 */
int
walk_run(Walk *walk, WalkItem *result)
{
	const WalkRequest *request = &walk->request;
	Ranking    *ranking;
	int			n = 0;

	if (request->max_items == 0)
		return 0;

	walk_go(walk);
	ranking = ranking_begin(walk, request->settings->popularity_exponent, true);
	while (n < request->max_items && ranking_next(ranking, &result[n]))
	{
		if (!result[n].excluded)
			n++;
	}
	ranking_end(ranking);
	return n;
}

/*
 * Fills result[] with at most max_items of the users who share most of the
 * request's profile, best first; "shared" tells how many items of it hop 1 saw
 * them have.  Returns how many.  What they did is not read.
 */
int
walk_similar_users(Walk *walk, SimilarUser *result)
{
	MemoryContext oldcontext = MemoryContextSwitchTo(walk->context);
	Hops	   *hops;
	Neighbour  *neighbour;
	int			n = 0;

	if (walk->nprofile > 0)
	{
		hops = hops_begin(walk);
		hops_first(hops);
		hops_best_begin(hops);
		while (n < walk->request.max_items &&
			   (neighbour = hops_best_next(hops, &result[n].score)) != NULL)
		{
			result[n].user = neighbour->user;
			result[n].shared = 0;
			for (int32 p = neighbour->posting; p >= 0;
				 p = hops->postings[p].next)
			{
				const Posting *posting = &hops->postings[p];

				if (walk_weight(walk, posting->signals, posting->rating) > 0)
					result[n].shared++;
			}
			n++;
		}
		hops_end(hops);
	}
	MemoryContextSwitchTo(oldcontext);
	return n;
}
