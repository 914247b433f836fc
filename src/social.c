/*-------------------------------------------------------------------------
 *
 * social.c
 *	  interact_friends_liked(): items that a user's friends think well of.
 *
 * Of each friend the newest entries of interact_affinity are read, the more
 * the fewer friends there are, so that their number is bounded.  An entry
 * counts if the friend favored the item, bought it, rated it well or reacted
 * to it in a positive way; views and carts do not count, nor does anything the
 * friend dislikes.  An item's score is
 *
 *		sum over friends f of  w(f) * (floor + (1 - floor) * 2^(-age / half-life))
 *
 * with w the weight of the pair as interact_pair_weight() has it, of what
 * counts only, and age since the latest event of the pair; floor and half-life
 * are the settings recency_floor and recency_half_life.  So more friends,
 * stronger signs and later ones count more.
 *
 * Purchases count although they are not shareable by default: what comes out
 * is an item with a number of friends, which says neither who it was nor what
 * they did.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include <math.h>

#include "access/xact.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

/* Entries read of all friends together, and of one of them at least, at most */
#define LIKED_BUDGET		50000
#define LIKED_MIN_ENTRIES	10
#define LIKED_MAX_ENTRIES	200

/* The worst rating that counts as good. */
#define GOOD_RATING			4

/* An item that friends think well of. */
typedef struct LikedItem
{
	int64		item;
	double		score;			/* sum over friends */
	int32		friends;		/* how many */

	/* rows of one pair come one by one and are united here */
	int32		last_friend;	/* whose pair was last added, index */
	double		last_score;		/* what it contributed; 0 = does not count */
	int32		signals;		/* of that pair */
	int16		rating;			/* of that pair, 0 = none */
	TimestampTz at;				/* of that pair, latest */
} LikedItem;

/* What has been read so far. */
typedef struct Liked
{
	EventType	types[MAX_EVENT_TYPES]; /* as of the start */
	int32		positive;		/* events that count */
	int32		negative;		/* events that say the opposite */
	double		floor;			/* share of a weight that does not age */
	double		half_life;		/* of the rest, microseconds */
	TimestampTz now;			/* age 0 */

	idmap_hash *itemmap;		/* item -> items[] */
	LikedItem  *items;
	int32		nitems;
	int32		maxitems;
} Liked;

/* Columns of interact_friends_liked(). */
enum
{
	Anum_liked_item_id = 1,
	Anum_liked_score,
	Anum_liked_friends,
	Natts_liked = Anum_liked_friends
};

PG_FUNCTION_INFO_V1(interact_friends_liked);


/*
 * Which events count, and which speak against an item.
 */
static void
classify_events(Liked *liked)
{
	for (int id = 0; id < MAX_EVENT_TYPES; id++)
	{
		const EventType *type = &liked->types[id];
		bool		counts;

		if (type->kind == EVENT_KIND_NONE)
			continue;
		counts = id == EVENT_FAVORITE || id == EVENT_PURCHASE ||
			id == EVENT_RATING || type->kind == EVENT_KIND_REACTION ||
			(type->kind == EVENT_KIND_EVENT && type->shareable);
		if (type->weight < 0)
			liked->negative |= EVENT_BIT(id);
		else if (counts && type->weight > 0)
			liked->positive |= EVENT_BIT(id);
	}
}

/*
 * What a pair contributes to the score of its item.
 */
static double
contribution(const Liked *liked, const LikedItem *pair)
{
	int32		signals = pair->signals & (liked->positive | liked->negative);
	int16		rating = pair->rating;
	float4		weight;
	double		age;

	/* neither good nor bad: as if it were not there */
	if (rating >= (RATING_MIN + RATING_MAX) / 2 && rating < GOOD_RATING)
	{
		signals &= ~EVENT_BIT(EVENT_RATING);
		rating = 0;
	}
	weight = interact_pair_weight(liked->types, signals, rating);
	if (weight <= 0)
		return 0;
	age = Max(0, (double) liked->now - (double) pair->at);
	return weight * (liked->floor +
					 (1 - liked->floor) * exp2(-age / liked->half_life));
}

/*
 * Adds an entry of a friend, the one with this index.
 */
static void
add_entry(Liked *liked, int32 friend, const AffinityEntry *entry)
{
	IdEntry    *known;
	LikedItem  *item;
	bool		found;

	known = idmap_insert(liked->itemmap, entry->other, &found);
	if (!found)
	{
		ENSURE_ROOM(liked->items, liked->nitems, liked->maxitems);
		known->index = liked->nitems++;
		memset(&liked->items[known->index], 0, sizeof(LikedItem));
		liked->items[known->index].item = entry->other;
		liked->items[known->index].last_friend = -1;
	}
	item = &liked->items[known->index];

	if (item->last_friend == friend)
	{
		/* another row of the pair: take back what the others said */
		item->score -= item->last_score;
		item->friends -= item->last_score > 0;
		item->signals |= entry->signals;
		/* rows come newest first */
		if (item->rating == 0)
			item->rating = entry->rating;
		item->at = Max(item->at, entry->at);
	}
	else
	{
		item->last_friend = friend;
		item->signals = entry->signals;
		item->rating = entry->rating;
		item->at = entry->at;
	}
	item->last_score = contribution(liked, item);
	item->score += item->last_score;
	item->friends += item->last_score > 0;
}

/*
 * Reads the newest entries of the friends.
 */
static void
read_friends(Liked *liked, const int64 *friends, int nfriends)
{
	AffinityReader *reader = affinity_reader_open(REL_AFFINITY_USER);
	int			limit = LIKED_BUDGET / Max(nfriends, 1);

	limit = Min(Max(limit, LIKED_MIN_ENTRIES), LIKED_MAX_ENTRIES);
	for (int i = 0; i < nfriends; i++)
	{
		AffinityEntry entry;

		CHECK_FOR_INTERRUPTS();
		affinity_reader_newest(reader, friends[i]);
		for (int n = 0; n < limit && affinity_reader_next(reader, &entry); n++)
			add_entry(liked, i, &entry);
		while (affinity_reader_settle(reader, &entry))
			add_entry(liked, i, &entry);
	}
	affinity_reader_close(reader);
}

/*
 * Returns the best items, but none that the user has or dislikes.
 */
static void
put_best(FunctionCallInfo fcinfo, const Liked *liked, int64 user, int max_items)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	AffinityProbe *probe = affinity_probe_open();
	Ranked	   *heap = palloc_extended(sizeof(Ranked) * Max(liked->nitems, 1),
									   MCXT_ALLOC_HUGE);
	int			nheap = 0;
	int			nrows = 0;

	for (int i = 0; i < liked->nitems; i++)
	{
		const LikedItem *item = &liked->items[i];
		Ranked		ranked = {.score = item->score,.id = item->item,.index = i};

		if (item->friends > 0)
			heap[nheap++] = ranked;
	}
	ranked_build(heap, nheap);

	while (nrows < max_items && nheap > 0)
	{
		Ranked		best = ranked_pop(heap, &nheap);
		Datum		values[Natts_liked];
		bool		nulls[Natts_liked] = {false};
		AffinityEntry pair;

		CHECK_FOR_INTERRUPTS();
		affinity_probe_get(probe, user, best.id, &pair);
		if (pair.signals != 0)
			continue;
		values[Anum_liked_item_id - 1] = Int64GetDatum(best.id);
		values[Anum_liked_score - 1] = Float8GetDatum(best.score);
		values[Anum_liked_friends - 1] =
			Int32GetDatum(liked->items[best.index].friends);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		nrows++;
	}
	affinity_probe_close(probe);
}

/*
 * interact_friends_liked(user_id, max_items, mutual)
 *
 * Items that the user's friends think well of, best first.
 */
Datum
interact_friends_liked(PG_FUNCTION_ARGS)
{
	int64		user = interact_arg_user(fcinfo, 0, "user_id");
	int			max_items = interact_arg_max_items(fcinfo, 1);
	bool		mutual = friend_arg_mutual(fcinfo, 2);
	const InteractSettings *settings = interact_settings();
	Liked		liked = {0};
	int64	   *friends;
	int			nfriends;

	memcpy(liked.types, interact_event_types(), sizeof(liked.types));
	liked.floor = settings->recency_floor;
	liked.half_life = settings->recency_half_life;
	liked.now = GetCurrentStatementStartTimestamp();
	classify_events(&liked);

	InitMaterializedSRF(fcinfo, 0);
	if (max_items == 0)
		return (Datum) 0;

	liked.itemmap = idmap_create(CurrentMemoryContext, 2048, NULL);
	liked.maxitems = 1024;
	liked.items = palloc(sizeof(LikedItem) * liked.maxitems);

	SPI_connect();
	friends = friends_load(user, mutual, &nfriends);
	read_friends(&liked, friends, nfriends);
	SPI_finish();

	put_best(fcinfo, &liked, user, max_items);
	return (Datum) 0;
}
