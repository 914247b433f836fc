/*-------------------------------------------------------------------------
 *
 * pair.c
 *	  Rows of interact_affinity: what a user thinks of an item.
 *
 * The rows of a pair are merged by uniting signals, keeping the latest time
 * and the one rating there is.  See accumulate.c for how rows are written.
 *
 * Every change reports what it means for the counters: an event's users are
 * the rows of interact_affinity that hold its signal, so a row that gains the
 * signal adds one and a row that loses it, or is merged into another that has
 * it too, takes one away.
 *
 * A signal that is added needs no look at the base tables.  A signal that may
 * have to go does: affinity_rederive() first locks all rows of the pair and
 * looks at the base tables only then.  Who adds a signal later finds the rows
 * locked and inserts another; who added one before has committed, so that the
 * base row is seen.
 *
 * If another transaction is at work on a row of the pair, which can only be one
 * of the same user, what will hold for it cannot be known before that
 * transaction ends.  It is not waited for: two that did so would deadlock.
 * Instead the pair is marked as unsettled, by a row with SIGNAL_UNSETTLED.  What
 * holds for such a pair is what the base tables say, and nothing else:
 *
 *	- Who next writes to the pair and finds nobody at work on any of its rows
 *	  derives it anew and so settles it; interact_compact() does so too.
 *	- Readers look it up in the base tables, see affinity.c.  last_at of the
 *	  row is infinity, so that who reads newest first meets it before any other
 *	  row of the pair.
 *	- The users of an event are the rows that hold it, here as well.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "access/relscan.h"
#include "access/table.h"
#include "miscadmin.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* Looks at a pair that changes while its rows are being locked, but the first. */
#define REDERIVE_TRIES		3

/* A pass over interact_affinity; bulk if very many pairs are to be written. */
Accumulator *
affinity_open(bool bulk)
{
	Accumulator *acc = accumulator_open(DERIVED_AFFINITY);

	acc->bulk = bulk;
	return acc;
}

/*
 * Add the signals of a row (sign = 1) to the distinct users of their events,
 * or take them away (sign = -1).
 */
static void
count_users(AffinityChange *change, int32 signals, int sign)
{
	change->signals |= signals;
	for (int id = 0; id < MAX_EVENT_TYPES && (signals >> id) != 0; id++)
	{
		if (signals & EVENT_BIT(id))
			change->users[id] += sign;
	}
}

/* Merge the affinity row in slot into state. */
static void
sum_affinity(AffinityDelta *state, TupleTableSlot *slot)
{
	TimestampTz at = DatumGetTimestampTz(acc_column(slot, Anum_affinity_last_at));
	int16		rating = DatumGetInt16(acc_column(slot, Anum_affinity_rating));

	state->at = Max(state->at, at);
	state->signals |= DatumGetInt32(acc_column(slot, Anum_affinity_signals));
	if (state->rating == 0)
		state->rating = rating;
}

/*
 * Lock the rows of the pair found by acc_look_up(): one of them, or all if
 * nobody is at work on any.  The first is left in acc->row, the others are
 * deleted; all are merged into *state and their signals taken from the users in
 * *change.  Returns the number of rows locked; *all says whether the pair has
 * no other rows.
 */
static int
lock_affinities(Accumulator *acc, AffinityDelta *state, AffinityChange *change,
				bool *all)
{
	AccKey		key = {state->user, state->item};
	int			nlocked = 0;

	*all = acc->nbusy == 0;
	for (int i = 0; i < acc->nfound && (*all || nlocked == 0); i++)
	{
		TupleTableSlot *slot = nlocked == 0 ? acc->row : acc->look;

		if (acc->found[i].busy)
			continue;
		if (acc_lock_row(acc, &key, &acc->found[i].tid, slot) != TM_Ok)
		{
			*all = false;
			continue;
		}
		count_users(change, DatumGetInt32(acc_column(slot, Anum_affinity_signals)), -1);
		sum_affinity(state, slot);
		if (nlocked++ > 0)
			acc_delete_row(acc, slot);
	}
	if (acc->cut_off)
		*all = false;
	ExecClearTuple(acc->look);
	return nlocked;
}

/*
 * Write state to the affinity row in acc->row, or to a new row; user_items is
 * how many items the user has.  False, with nothing written, if somebody else
 * has the row.
 */
static bool
write_affinity(Accumulator *acc, const AffinityDelta *state, int user_items,
			   RowState row, AffinityChange *change)
{
	AccKey		key = {state->user, state->item};

	count_users(change, state->signals, 1);

	acc_start_version(acc, row != ROW_NEW);
	if (row == ROW_NEW)
	{
		ACC_WRITE(acc, Anum_affinity_user_id) = Int64GetDatum(state->user);
		ACC_WRITE(acc, Anum_affinity_item_id) = Int64GetDatum(state->item);
		ACC_WRITE(acc, Anum_affinity_id) = Int64GetDatum(acc_fresh_id());
	}
	else if (DatumGetTimestampTz(ACC_WRITE(acc, Anum_affinity_last_at)) == state->at &&
			 DatumGetInt32(ACC_WRITE(acc, Anum_affinity_signals)) == state->signals &&
			 DatumGetInt16(ACC_WRITE(acc, Anum_affinity_rating)) == state->rating)
	{
		/* nothing new; the lock tells who takes something away */
		return row == ROW_LOCKED ||
			acc_lock_row(acc, &key, &acc->row->tts_tid, acc->row) == TM_Ok;
	}

	ACC_WRITE(acc, Anum_affinity_last_at) = TimestampTzGetDatum(state->at);
	ACC_WRITE(acc, Anum_affinity_signals) = Int32GetDatum(state->signals);
	ACC_WRITE(acc, Anum_affinity_rating) = Int16GetDatum(state->rating);
	ACC_WRITE(acc, Anum_affinity_user_items) =
		Int16GetDatum((int16) Min(user_items, PG_INT16_MAX));
	if (row != ROW_NEW)
		return acc_update_version(acc, row == ROW_LOCKED);
	acc_insert_version(acc);
	return true;
}

/* Remember the version in acc->write, if one was written. */
static void
remember_pair(Accumulator *acc, const AccKey *key)
{
	AccLimits	limits = {0};

	if (!TTS_EMPTY(acc->write) && !acc->bulk)
		acc_remember(acc, key, true, false, &limits);
}

/*
 * Write what holds for the pair, all of whose rows, nlocked of them, are ours:
 * what the base tables say, or that they say nothing.  maybe are signals that
 * may hold.  False if nothing does.
 */
static bool
write_settled(Accumulator *acc, PairReader *reader, const AccKey *key,
			  int32 maybe, int user_items, int nlocked, AffinityChange *change)
{
	AffinityDelta state;

	if (pair_reader_get(reader, key->first, key->second,
						maybe & ~SIGNAL_UNSETTLED, &state))
	{
		(void) write_affinity(acc, &state, user_items,
							  nlocked > 0 ? ROW_LOCKED : ROW_NEW, change);
		return true;
	}
	if (nlocked > 0)
		acc_delete_row(acc, acc->row);
	return false;
}

/*
 * Add what delta knows to the row in acc->row, unless somebody else has it.
 */
static bool
add_to_seen(Accumulator *acc, const AffinityDelta *delta, int user_items,
			AffinityChange *change)
{
	AffinityDelta state = *delta;

	memset(change, 0, sizeof(*change));
	count_users(change, DatumGetInt32(acc_column(acc->row, Anum_affinity_signals)), -1);
	sum_affinity(&state, acc->row);
	return write_affinity(acc, &state, user_items, ROW_SEEN, change);
}

/*
 * Add what delta knows to a row that the last look-up found and that can be
 * had, into which the others are merged if nobody is at work on any; or to a
 * new row.
 */
static void
add_to_any(Accumulator *acc, PairReader *reader, const AffinityDelta *delta,
		   int user_items, AffinityChange *change)
{
	AccKey		key = {delta->user, delta->item};
	AffinityDelta state = *delta;
	bool		all;
	int			nlocked;

	memset(change, 0, sizeof(*change));
	change->items = acc->nfound == 0 ? 1 : 0;
	nlocked = lock_affinities(acc, &state, change, &all);
	if (!all || !(state.signals & SIGNAL_UNSETTLED))
		(void) write_affinity(acc, &state, user_items + change->items,
							  nlocked > 0 ? ROW_LOCKED : ROW_NEW, change);
	else if (!write_settled(acc, reader, &key, state.signals, user_items, nlocked,
							change))
		change->items = -1;
}

/*
 * Add what delta knows of its pair.  user_items is how many items the user has
 * without this one if it is new.  *change receives what it means for the
 * counters.
 */
void
affinity_add(Accumulator *acc, PairReader *reader, const AffinityDelta *delta,
			 int user_items, AffinityChange *change)
{
	AccKey		key = {delta->user, delta->item};
	AccLimits	limits = {0};
	bool		done;

	done = acc_fetch_remembered(acc, &key, false, &limits) &&
		add_to_seen(acc, delta, user_items, change);
	if (!done)
	{
		acc_look_up(acc, &key, false);
		if (!acc->unsettled && acc_take_single(acc))
		{
			done = add_to_seen(acc, delta, user_items, change);
			if (!done)
				acc_look_up(acc, &key, false);
		}
		if (!done)
			add_to_any(acc, reader, delta, user_items, change);
	}
	remember_pair(acc, &key);
	ExecClearTuple(acc->row);
	ExecClearTuple(acc->write);
}

/*
 * Are all rows of the pair, found by acc_look_up(), ours now?  *again is set if
 * not and some have changed meanwhile, so that another look may help.
 */
static bool
lock_all(Accumulator *acc, const AccKey *key, bool *again)
{
	bool		all = acc->nbusy == 0;

	*again = false;
	for (int i = 0; i < acc->nfound; i++)
	{
		TM_Result	result;

		if (acc->found[i].busy)
			continue;
		result = acc_lock_row(acc, key, &acc->found[i].tid, acc->look);
		if (result != TM_Ok)
			all = false;
		if (result == TM_Updated || result == TM_Deleted)
			*again = true;
	}
	ExecClearTuple(acc->look);
	return all;
}

/*
 * Make the rows of a pair say what the base tables say now, or that the pair is
 * unsettled.  maybe are signals that may hold besides those stored.  *change
 * receives what it means for the counters.
 */
void
affinity_rederive(Accumulator *acc, PairReader *reader, int64 user, int64 item,
				  int32 maybe, int user_items, AffinityChange *change)
{
	AccKey		key = {user, item};
	AffinityDelta state = {user, item, DT_NOBEGIN, 0, 0};
	bool		all;
	bool		again;
	int			nlocked;

	memset(change, 0, sizeof(*change));
	for (int tries = 0;; tries++)
	{
		CHECK_FOR_INTERRUPTS();
		acc_look_up(acc, &key, true);

		/* Rows others have inserted and not committed are theirs. */
		for (int i = 0; i < acc->nfound; i++)
		{
			if (!acc->found[i].foreign)
				continue;
			acc->found[i--] = acc->found[--acc->nfound];
			acc->nbusy--;
		}

		all = lock_all(acc, &key, &again);
		if (all || !again || tries >= REDERIVE_TRIES)
			break;
	}

	nlocked = lock_affinities(acc, &state, change, &all);
	if (all)
	{
		/* All rows of the pair are ours: look at the base tables only now. */
		change->items = nlocked == 0 ? 1 : 0;
		if (!write_settled(acc, reader, &key, maybe | state.signals,
						   user_items + change->items, nlocked, change))
			change->items = nlocked == 0 ? 0 : -1;
	}
	else
	{
		state.signals |= SIGNAL_UNSETTLED;
		state.at = DT_NOEND;
		(void) write_affinity(acc, &state, user_items,
							  nlocked > 0 ? ROW_LOCKED : ROW_NEW, change);
	}
	remember_pair(acc, &key);
	ExecClearTuple(acc->row);
	ExecClearTuple(acc->write);
}

/*
 * Merge the rows of a pair, and settle it, if nobody is at work on any of them;
 * returns how many rows fewer there are.
 */
int
affinity_fold(Accumulator *acc, PairReader *reader, int64 user, int64 item,
			  AffinityChange *change)
{
	AccKey		key = {user, item};
	AffinityDelta state = {user, item, DT_NOBEGIN, 0, 0};
	bool		all;
	int			nlocked;
	int			left;
	int			user_items;

	memset(change, 0, sizeof(*change));
	acc_look_up(acc, &key, true);
	if ((acc->nfound < 2 && !acc->unsettled) || acc->nbusy > 0)
		return 0;
	nlocked = lock_affinities(acc, &state, change, &all);
	if (nlocked == 0)
		return 0;

	left = 1;
	user_items = DatumGetInt16(acc_column(acc->row, Anum_affinity_user_items));
	if (all && (state.signals & SIGNAL_UNSETTLED))
	{
		if (!write_settled(acc, reader, &key, state.signals, user_items, nlocked,
						   change))
			left = 0;
	}
	else
		(void) write_affinity(acc, &state, user_items, ROW_LOCKED, change);
	ExecClearTuple(acc->row);
	ExecClearTuple(acc->write);
	return nlocked - left;
}

/*
 * How many items the user has, according to the user's newest row, and when
 * that was written for (DT_NOBEGIN if the user has none).
 */
int
affinity_user_items(Accumulator *acc, int64 user, TimestampTz *newest)
{
	const LeafEntry *entry;

	if (acc->users == NULL)
	{
		acc->useridx = index_open(interact_relid(REL_AFFINITY_USER),
								  RowExclusiveLock);
		acc->users = leaf_open(HINTS_AFFINITY_USER, acc->rel, acc->useridx, SnapshotSelf);
		acc->usersfetch = interact_index_fetch_begin(acc->rel);
		acc->newest = table_slot_create(acc->rel, NULL);
	}

	*newest = DT_NOBEGIN;
	leaf_seek(acc->users, user);
	while ((entry = leaf_next(acc->users, ForwardScanDirection)) != NULL)
	{
		ItemPointerData tid = entry->tid;
		bool		again = false;
		bool		all_dead = false;

		CHECK_FOR_INTERRUPTS();
		acc_pin_page(acc, acc->usersfetch, &tid);
		if (!table_index_fetch_tuple(acc->usersfetch, &tid, SnapshotSelf,
									 acc->newest, &again, &all_dead))
		{
			if (all_dead)
				leaf_dead(acc->users, entry);
			continue;
		}
		/* rows of unsettled pairs are not written with every change */
		if ((DatumGetInt32(acc_column(acc->newest, Anum_affinity_signals)) & SIGNAL_UNSETTLED) == 0)
		{
			*newest = DatumGetTimestampTz(acc_column(acc->newest, Anum_affinity_last_at));
			return DatumGetInt16(acc_column(acc->newest, Anum_affinity_user_items));
		}
	}
	ExecClearTuple(acc->newest);
	return 0;
}

/*
 * Write user_items into the newest row of the user last asked for, so that it
 * goes on to tell how many items the user has although rows older than it were
 * added or rows removed.  Does nothing if someone else is there.
 */
void
affinity_set_user_items(Accumulator *acc, int user_items)
{
	AccKey		key;

	if (TTS_EMPTY(acc->newest) || acc_is_newer(acc, acc->newest))
		return;
	key.first = DatumGetInt64(acc_column(acc->newest, Anum_affinity_user_id));
	key.second = DatumGetInt64(acc_column(acc->newest, Anum_affinity_item_id));
	if (acc_lock_row(acc, &key, &acc->newest->tts_tid, acc->row) != TM_Ok)
		return;
	acc_start_version(acc, true);
	ACC_WRITE(acc, Anum_affinity_user_items) =
		Int16GetDatum((int16) Max(1, Min(user_items, PG_INT16_MAX)));
	(void) acc_update_version(acc, true);
	remember_pair(acc, &key);
	ExecClearTuple(acc->row);
	ExecClearTuple(acc->write);
	ExecClearTuple(acc->newest);
}
