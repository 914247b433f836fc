/*-------------------------------------------------------------------------
 *
 * derive.c
 *	  Batches of facts from base rows, applied to the derived tables.
 *
 * A statement's rows are collected, merged per pair and per counter, and
 * applied when BATCH_FACTS have come together or the statement ends, so that
 * memory is bounded and a bulk load costs per distinct pair and counter, not
 * per row.
 *
 * A pair that only gains signals is added to (affinity_add).  A pair that loses
 * a row is derived anew from the base tables (affinity_rederive); what the same
 * batch adds to it is in there already.  Neither waits.
 *
 * Affinities come before counters: only they know which users are new to an
 * event.  After each batch the command counter moves on, so that the next one
 * can write the same rows again.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include <math.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Facts collected before they are applied: about 12 MB. */
#define BATCH_FACTS		100000

/* From here on a batch does not remember which rows it wrote for each pair. */
#define BULK_PAIRS		1000

/* What a batch knows of one pair. */
typedef struct PairEntry
{
	AffinityDelta delta;		/* what it gains */
	bool		rederive;		/* it also loses something */
} PairEntry;

struct Batch
{
	MemoryContext context;		/* of all below; reset after each flush */
	Accumulator *affinity;		/* NULL until needed */
	Accumulator *counter;		/* NULL until needed */
	PairReader *reader;			/* with affinity */
	PairEntry  *pairs;
	int			npairs;
	int			maxpairs;
	CounterDelta *counters;
	int			ncounters;
	int			maxcounters;
};

/* Start a batch in the current memory context. */
Batch *
batch_begin(void)
{
	Batch	   *batch = palloc0(sizeof(Batch));

	batch->context = AllocSetContextCreate(CurrentMemoryContext,
										   "interact batch",
										   ALLOCSET_DEFAULT_SIZES);
	return batch;
}

/* Room for one more pair. */
static PairEntry *
add_pair(Batch *batch)
{
	if (batch->npairs == batch->maxpairs)
	{
		batch->maxpairs = batch->maxpairs ? batch->maxpairs * 2 : 8;
		if (batch->pairs == NULL)
			batch->pairs = MemoryContextAlloc(batch->context,
											  sizeof(PairEntry) * batch->maxpairs);
		else
			batch->pairs = repalloc(batch->pairs,
									sizeof(PairEntry) * batch->maxpairs);
	}
	return &batch->pairs[batch->npairs++];
}

/* Remember what is to be added to a counter; total is copied. */
void
batch_counter(Batch *batch, const CounterDelta *delta)
{
	CounterDelta *entry;

	if (batch->ncounters == batch->maxcounters)
	{
		batch->maxcounters = batch->maxcounters ? batch->maxcounters * 2 : 8;
		if (batch->counters == NULL)
			batch->counters = MemoryContextAlloc(batch->context,
												 sizeof(CounterDelta) * batch->maxcounters);
		else
			batch->counters = repalloc(batch->counters,
									   sizeof(CounterDelta) * batch->maxcounters);
	}
	entry = &batch->counters[batch->ncounters++];
	*entry = *delta;
	if (delta->total != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(batch->context);

		entry->total = DatumGetNumericCopy(NumericGetDatum(delta->total));
		MemoryContextSwitchTo(old);
	}
}

/* ---------- applying ---------- */

static int
compare_int64(int64 a, int64 b)
{
	return (a > b) - (a < b);
}

/* By user, item. */
static int
compare_pairs(const void *a, const void *b)
{
	const AffinityDelta *x = &((const PairEntry *) a)->delta;
	const AffinityDelta *y = &((const PairEntry *) b)->delta;
	int			c = compare_int64(x->user, y->user);

	return c != 0 ? c : compare_int64(x->item, y->item);
}

/* By time, item descending: against the order of interact_affinity_user. */
static int
compare_pair_times(const void *a, const void *b)
{
	const AffinityDelta *x = &((const PairEntry *) a)->delta;
	const AffinityDelta *y = &((const PairEntry *) b)->delta;
	int			c = compare_int64(x->at, y->at);

	return c != 0 ? c : compare_int64(y->item, x->item);
}

/* By item, event: the order of the primary key. */
static int
compare_counters(const void *a, const void *b)
{
	const CounterDelta *x = a;
	const CounterDelta *y = b;
	int			c = compare_int64(x->item, y->item);

	return c != 0 ? c : x->event - y->event;
}

/* Merge the entries of one pair; the pairs are sorted afterwards. */
static void
merge_pairs(Batch *batch)
{
	int			n = 0;

	if (batch->npairs < 2)
		return;
	qsort(batch->pairs, batch->npairs, sizeof(PairEntry), compare_pairs);
	for (int i = 1; i < batch->npairs; i++)
	{
		PairEntry  *last = &batch->pairs[n];
		PairEntry  *next = &batch->pairs[i];

		if (compare_pairs(last, next) != 0)
		{
			batch->pairs[++n] = *next;
			continue;
		}
		last->delta.at = Max(last->delta.at, next->delta.at);
		last->delta.signals |= next->delta.signals;
		if (next->delta.rating != 0)
			last->delta.rating = next->delta.rating;
		last->rederive |= next->rederive;
	}
	batch->npairs = n + 1;
}

/* Merge the entries of one counter; they are sorted afterwards. */
static void
merge_counters(Batch *batch)
{
	int			n = 0;

	if (batch->ncounters < 2)
		return;
	qsort(batch->counters, batch->ncounters, sizeof(CounterDelta), compare_counters);
	for (int i = 1; i < batch->ncounters; i++)
	{
		CounterDelta *last = &batch->counters[n];
		CounterDelta *next = &batch->counters[i];

		if (compare_counters(last, next) != 0)
		{
			batch->counters[++n] = *next;
			continue;
		}
		last->count += next->count;
		last->users += next->users;
		last->units += next->units;
		last->hot = interact_log2_add(last->hot, next->hot);
		last->total = interact_numeric_add(last->total, next->total);
	}
	batch->ncounters = n + 1;
}

/* Hand what a change of a pair means for the counters of its item on. */
static void
note_users(Batch *batch, int64 item, const AffinityChange *change)
{
	CounterDelta delta;

	memset(&delta, 0, sizeof(delta));
	delta.item = item;
	delta.hot = -get_float8_infinity();
	for (int id = 0; id < MAX_EVENT_TYPES && (change->signals >> id) != 0; id++)
	{
		if (change->users[id] == 0)
			continue;
		delta.event = id;
		delta.users = change->users[id];
		batch_counter(batch, &delta);
	}
}

/*
 * Apply the pairs of one user: those that lose something first, then the
 * others oldest first, so that the newest row, which tells how many items the
 * user has, is written last.
 */
static void
apply_user(Batch *batch, PairEntry *pairs, int npairs)
{
	Accumulator *acc = batch->affinity;
	int64		user = pairs[0].delta.user;
	TimestampTz newest;
	TimestampTz last = DT_NOBEGIN;
	int			items = affinity_user_items(acc, user, &newest);
	int			was = items;
	bool		rederived = false;
	AffinityChange change;

	for (int i = 0; i < npairs; i++)
	{
		if (!pairs[i].rederive)
			continue;
		affinity_rederive(acc, batch->reader, user, pairs[i].delta.item,
						  pairs[i].delta.signals, items, &change);
		items = Max(items + change.items, 0);
		rederived = true;
		note_users(batch, pairs[i].delta.item, &change);
	}

	if (npairs > 1)
		qsort(pairs, npairs, sizeof(PairEntry), compare_pair_times);
	for (int i = 0; i < npairs; i++)
	{
		if (pairs[i].rederive)
			continue;
		affinity_add(acc, batch->reader, &pairs[i].delta, items, &change);
		items += change.items;
		last = Max(last, pairs[i].delta.at);
		note_users(batch, pairs[i].delta.item, &change);
	}

	/* Unless the newest row was just written, it has to learn the number. */
	if ((items != was || rederived) && last <= newest &&
		affinity_user_items(acc, user, &newest) != items)
	{
		/* it may be of this command, derived anew before the last change */
		CommandCounterIncrement();
		affinity_set_user_items(acc, items);
	}
}

/* Open interact_affinity for writing, unless it is. */
static void
open_affinity(Batch *batch, bool bulk)
{
	if (batch->affinity != NULL)
		return;
	batch->affinity = affinity_open(bulk);
	batch->reader = pair_reader_open(SnapshotSelf);
}

/* Apply what was collected and start over. */
static void
flush(Batch *batch)
{
	MemoryContext old = MemoryContextSwitchTo(batch->context);

	if (batch->npairs > 0)
	{
		open_affinity(batch, batch->npairs > BULK_PAIRS);
		merge_pairs(batch);
		for (int i = 0, n; i < batch->npairs; i += n)
		{
			for (n = 1; i + n < batch->npairs; n++)
			{
				if (batch->pairs[i + n].delta.user != batch->pairs[i].delta.user)
					break;
			}
			apply_user(batch, &batch->pairs[i], n);
		}
	}

	if (batch->ncounters > 0)
	{
		batch->counter = counter_open();
		merge_counters(batch);
		for (int i = 0; i < batch->ncounters; i++)
		{
			const CounterDelta *delta = &batch->counters[i];

			CHECK_FOR_INTERRUPTS();
			if (delta->count != 0 || delta->users != 0 || delta->units != 0 ||
				delta->total != NULL || !isinf(delta->hot))
				counter_add(batch->counter, delta);
		}
		counter_close(batch->counter);
	}

	if (batch->affinity != NULL)
	{
		pair_reader_close(batch->reader);
		accumulator_close(batch->affinity);
	}

	MemoryContextSwitchTo(old);
	MemoryContextReset(batch->context);
	batch->pairs = NULL;
	batch->counters = NULL;
	batch->npairs = batch->maxpairs = 0;
	batch->ncounters = batch->maxcounters = 0;
	batch->affinity = NULL;
	batch->counter = NULL;
	batch->reader = NULL;

	CommandCounterIncrement();
}

/* Apply the rest and end the batch. */
void
batch_end(Batch *batch)
{
	if (batch->npairs > 0 || batch->ncounters > 0 || batch->affinity != NULL)
		flush(batch);
	MemoryContextDelete(batch->context);
	pfree(batch);
}

/* ---------- collecting ---------- */

/* Count a fact in its counter, sign = 1, or take it away, sign = -1. */
static void
count_fact(Batch *batch, const Fact *fact, int sign)
{
	CounterDelta delta;

	delta.item = fact->item;
	delta.event = fact->event;
	delta.count = sign * fact->count;
	delta.users = 0;
	delta.units = sign * fact->units;
	delta.total = fact->total;
	if (sign < 0 && fact->total != NULL)
		delta.total = DatumGetNumeric(DirectFunctionCall1(numeric_uminus,
														  NumericGetDatum(fact->total)));
	/* hot only grows: what is gone decays like what is not */
	delta.hot = sign > 0 && fact->has_user ? interact_hot_of(fact->at) :
		-get_float8_infinity();
	batch_counter(batch, &delta);
}

/* Let the fact contribute to its pair. */
static void
pair_fact(Batch *batch, const Fact *fact)
{
	PairEntry  *pair = add_pair(batch);

	pair->delta.user = fact->user;
	pair->delta.item = fact->item;
	pair->delta.at = fact->at;
	pair->delta.signals = EVENT_BIT(fact->event);
	pair->delta.rating = fact->rating;
	pair->rederive = false;
}

/* A base row came into being. */
void
batch_add(Batch *batch, const Fact *fact)
{
	if (fact->has_user)
		pair_fact(batch, fact);
	count_fact(batch, fact, 1);
	if (batch->ncounters >= BATCH_FACTS)
		flush(batch);
}

/* A pair has to be looked at anew; maybe are signals it may have. */
void
batch_rederive(Batch *batch, int64 user, int64 item, int32 maybe)
{
	PairEntry  *pair = add_pair(batch);

	pair->delta.user = user;
	pair->delta.item = item;
	pair->delta.at = DT_NOBEGIN;
	pair->delta.signals = maybe;
	pair->delta.rating = 0;
	pair->rederive = true;
	if (batch->npairs >= BATCH_FACTS)
		flush(batch);
}

/* A base row is gone. */
void
batch_remove(Batch *batch, const Fact *fact)
{
	count_fact(batch, fact, -1);
	if (fact->has_user)
		batch_rederive(batch, fact->user, fact->item, EVENT_BIT(fact->event));
}

/*
 * A base row came to be another user's, or to have another time or rating:
 * item and event stay.  The row has been counted as activity already; only what
 * a later time adds to that is new.
 */
void
batch_move(Batch *batch, const Fact *from, const Fact *to)
{
	double		was = interact_hot_of(from->at);
	double		is = interact_hot_of(to->at);

	batch_remove(batch, from);
	pair_fact(batch, to);
	count_fact(batch, to, 1);
	batch->counters[batch->ncounters - 1].hot =
		is > was ? is + log2(1.0 - exp2(was - is)) : -get_float8_infinity();
	if (batch->ncounters >= BATCH_FACTS)
		flush(batch);
}

/* A base row changed in numbers only: the pair stays what it is. */
void
batch_recount(Batch *batch, const Fact *from, const Fact *to)
{
	count_fact(batch, from, -1);
	count_fact(batch, to, 1);
	batch->counters[batch->ncounters - 1].hot = -get_float8_infinity();
	if (batch->ncounters >= BATCH_FACTS)
		flush(batch);
}

/*
 * Merge rows of one pair that contention left apart, and settle it, if nobody
 * is at work on them.  Returns how many rows fewer there are.
 */
int
batch_fold(Batch *batch, int64 user, int64 item)
{
	MemoryContext old = MemoryContextSwitchTo(batch->context);
	AffinityChange change;
	int			removed;

	open_affinity(batch, true);
	removed = affinity_fold(batch->affinity, batch->reader, user, item, &change);
	note_users(batch, item, &change);
	MemoryContextSwitchTo(old);
	if (batch->ncounters >= BATCH_FACTS)
		flush(batch);
	return removed;
}
