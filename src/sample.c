/*-------------------------------------------------------------------------
 *
 * sample.c
 *	  A random sample of users, and what an evaluation hides of each.
 *
 * Hidden is the latest moment of a user that has something to find: the time
 * of the most recent pair of positive weight, or of the most recent one that
 * holds one of the event types asked for.  All pairs of that time are targets
 * (the lines of an order have one time, and no order among them), and every
 * pair of that time or later is unknown to whoever is asked.  A user of whom
 * nothing positive would be left is not evaluated.
 *
 * Users are found by skipping through the index of interact_affinity: one
 * descent for each user, however many rows there are.  A user's place in the
 * draw is a hash of id and seed, so a sample neither depends on how the rows
 * are stored nor changes when other users come.  At most LOOKS_PER_USER users
 * are looked at for each one wanted: all users, in most databases; where there
 * are more, runs of neighbouring ids from random places, of equal length.
 *
 * Reads only, under the active snapshot.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "miscadmin.h"
#include "utils/fmgrprotos.h"

/* Users looked at, per user wanted. */
#define LOOKS_PER_USER		100

/* Runs of users that are looked at. */
#define MAX_RUNS			64

/* A user who may be taken. */
typedef struct DrawnUser
{
	int64		order;			/* hash of user and seed; smallest first */
	int64		user;			/* breaks ties */
} DrawnUser;

/* The users that were looked at. */
typedef struct Draw
{
	DrawnUser  *users;
	int32		nusers;
	int32		maxusers;
} Draw;

/* Users whose ids are in a row. */
typedef struct Run
{
	int64		next;			/* least id not looked at */
	int64		last;			/* where the next run starts, minus one */
	bool		done;			/* no user is left in it */
} Run;


/*
 * What SQL's hashint8extended(value, seed) says.
 */
static int64
hash_of(int64 value, int64 seed)
{
	return DatumGetInt64(DirectFunctionCall2(hashint8extended,
											 Int64GetDatum(value),
											 Int64GetDatum(seed)));
}

/*
 * qsort comparator of ids.
 */
static int
compare_ids(const void *a, const void *b)
{
	int64		x = *(const int64 *) a;
	int64		y = *(const int64 *) b;

	return x < y ? -1 : x > y ? 1 : 0;
}

/*
 * qsort comparator of DrawnUser.
 */
static int
compare_drawn(const void *a, const void *b)
{
	const DrawnUser *x = a;
	const DrawnUser *y = b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	return compare_ids(&x->user, &y->user);
}

/*
 * qsort and bsearch comparator of AffinityEntry, by item.
 */
static int
compare_entries(const void *a, const void *b)
{
	return compare_ids(&((const AffinityEntry *) a)->other,
					   &((const AffinityEntry *) b)->other);
}

/*
 * Cuts the ids from least to greatest into runs that start at random ids, the
 * first one at the least.  Fills runs[MAX_RUNS].
 */
static void
cut_runs(Run *runs, int64 least, int64 greatest, int64 seed)
{
	uint64		width = (uint64) greatest - (uint64) least;
	int64		starts[MAX_RUNS];

	starts[0] = least;
	for (int i = 1; i < MAX_RUNS; i++)
	{
		uint64		offset = (uint64) hash_of(i, seed);

		if (width < PG_UINT64_MAX)
			offset %= width + 1;
		starts[i] = (int64) ((uint64) least + offset);
	}
	qsort(starts, MAX_RUNS, sizeof(int64), compare_ids);

	for (int i = 0; i < MAX_RUNS; i++)
	{
		bool		is_last = i == MAX_RUNS - 1;

		runs[i].next = starts[i];
		runs[i].last = is_last ? greatest : starts[i + 1] - 1;
		runs[i].done = !is_last && starts[i] == starts[i + 1];
	}
}

/*
 * Looks at the next user of a run, and notes the user unless the newest row is
 * older than "since".  False if the run had no user left.
 */
static bool
look_at_next(Draw *draw, AffinityReader *reader, Run *run,
			 const SampleRequest *request)
{
	DrawnUser  *drawn;
	int64		user;
	TimestampTz at;

	if (run->done ||
		!affinity_reader_key(reader, run->next, false, &user, &at) ||
		user > run->last)
	{
		run->done = true;
		return false;
	}
	if (user == run->last)
		run->done = true;
	else
		run->next = user + 1;
	if (at < request->since)
		return true;

	ENSURE_ROOM(draw->users, draw->nusers, draw->maxusers);
	drawn = &draw->users[draw->nusers++];
	drawn->order = hash_of(user, request->seed);
	drawn->user = user;
	return true;
}

/*
 * Looks at users, in runs whose turns get shorter as the budget is used up,
 * and puts those it notes into the order of the draw.
 */
static void
look_at_users(Draw *draw, AffinityReader *reader, const SampleRequest *request)
{
	int			budget = LOOKS_PER_USER * request->users;
	int			active = MAX_RUNS;
	Run			runs[MAX_RUNS];
	int64		least;
	int64		greatest;
	TimestampTz at;

	if (!affinity_reader_key(reader, PG_INT64_MIN, false, &least, &at) ||
		!affinity_reader_key(reader, PG_INT64_MIN, true, &greatest, &at))
		return;
	cut_runs(runs, least, greatest, request->seed);

	while (active > 0 && budget > 0)
	{
		int			turn = Max(budget / active, 1);

		active = 0;
		for (int i = 0; i < MAX_RUNS; i++)
		{
			for (int n = 0; n < turn && budget > 0; n++)
			{
				if (!look_at_next(draw, reader, &runs[i], request))
					break;
				budget--;
			}
			if (!runs[i].done)
				active++;
		}
	}
	qsort(draw->users, draw->nusers, sizeof(DrawnUser), compare_drawn);
}

/*
 * Whether a user has at least two rows; a cheap look before the closer one.
 */
static bool
has_two_rows(AffinityReader *reader, int64 user)
{
	AffinityEntry entry;

	affinity_reader_newest(reader, user);
	return affinity_reader_next(reader, &entry) &&
		affinity_reader_next(reader, &entry);
}

/*
 * Finds what is to be hidden of a user, by the profile_scan newest rows, into
 * *sampled.  False if there is nothing to hide, or nothing would be left.
 */
static bool
hide(int64 user, const SampleRequest *request, SampleUser *sampled)
{
	WalkRequest walk_request = {0};
	Walk	   *walk;
	int			target = -1;	/* first target in walk->rows */
	int			rest;			/* first row there that is not hidden */

	walk_request.settings = request->settings;
	walk_request.has_user = true;
	walk_request.user = user;
	walk_request.before = DT_NOEND;
	walk = walk_begin(&walk_request);

	/* Rows are newest first, pairs combined */
	for (int i = 0; i < walk->nrows; i++)
	{
		const WindowRow *row = &walk->rows[i];

		if ((request->events == 0 || (row->signals & request->events) != 0) &&
			walk_weight(walk, row->signals, row->rating) > 0)
		{
			target = i;
			break;
		}
	}
	if (target < 0 || walk->rows[target].at < request->since)
	{
		walk_end(walk);
		return false;
	}

	sampled->user = user;
	sampled->before = walk->rows[target].at;
	sampled->ntargets = 0;
	sampled->nhidden = 0;
	for (rest = target; rest < walk->nrows; rest++)
	{
		if (walk->rows[rest].at < sampled->before)
			break;
	}
	sampled->hidden = palloc(sizeof(AffinityEntry) * rest);
	sampled->targets = palloc(sizeof(int64) * rest);

	for (int i = 0; i < rest; i++)
	{
		const WindowRow *row = &walk->rows[i];
		AffinityEntry *entry = &sampled->hidden[sampled->nhidden++];

		memset(entry, 0, sizeof(*entry));
		entry->other = walk->items[row->item].item;
		entry->at = row->at;
		entry->signals = row->signals;
		entry->rating = row->rating;
		if (row->at == sampled->before &&
			(request->events == 0 || (row->signals & request->events) != 0) &&
			walk_weight(walk, row->signals, row->rating) > 0)
			sampled->targets[sampled->ntargets++] = entry->other;
	}
	qsort(sampled->hidden, sampled->nhidden, sizeof(AffinityEntry),
		  compare_entries);
	qsort(sampled->targets, sampled->ntargets, sizeof(int64), compare_ids);

	for (; rest < walk->nrows; rest++)
	{
		const WindowRow *row = &walk->rows[rest];

		if (walk_weight(walk, row->signals, row->rating) > 0)
		{
			sampled->last_item = walk->items[row->item].item;
			walk_end(walk);
			return true;
		}
	}
	pfree(sampled->hidden);
	pfree(sampled->targets);
	walk_end(walk);
	return false;
}

/*
 * Draws users, in the order of the draw, into a new array in the current
 * memory context; *nusers of them, at most request->users.
 */
SampleUser *
sample_users(const SampleRequest *request, int *nusers)
{
	SampleUser *sample = palloc(sizeof(SampleUser) * Max(request->users, 1));
	AffinityReader *reader = affinity_reader_open(REL_AFFINITY_USER);
	Draw		draw;

	draw.nusers = 0;
	draw.maxusers = 1024;
	draw.users = palloc(sizeof(DrawnUser) * draw.maxusers);
	look_at_users(&draw, reader, request);

	*nusers = 0;
	for (int32 i = 0; i < draw.nusers && *nusers < request->users; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (has_two_rows(reader, draw.users[i].user) &&
			hide(draw.users[i].user, request, &sample[*nusers]))
			(*nusers)++;
	}
	affinity_reader_close(reader);
	pfree(draw.users);
	return sample;
}

/*
 * The hidden pair of a user and an item, or NULL.
 */
const AffinityEntry *
sample_hidden(const SampleUser *user, int64 item)
{
	AffinityEntry key;

	key.other = item;
	return bsearch(&key, user->hidden, user->nhidden, sizeof(AffinityEntry),
				   compare_entries);
}

/*
 * Whether an item is one that should come back.
 */
bool
sample_target(const SampleUser *user, int64 item)
{
	return bsearch(&item, user->targets, user->ntargets, sizeof(int64),
				   compare_ids) != NULL;
}
