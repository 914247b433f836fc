/*-------------------------------------------------------------------------
 *
 * counter.c
 *	  Rows of interact_counter: how often an event happened to an item.
 *
 * All values of the rows of a key add up: count, users, units and total as
 * numbers, hot as log2 of numbers.  See accumulate.c for how rows are written.
 *
 * Levels: count_level and hot_level order the two popularity indexes, which
 * popular.c reads from the top.  The level in a row is at least that of the
 * whole key as its last writer saw it, uncommitted rows of others included;
 * hence the largest level among the rows of a key is an upper bound of what the
 * key holds, which is what stopping early needs.  It may be larger: a level that
 * has to rise is given an octave of headroom, so that few updates change an
 * indexed column and nearly all are HOT.  Large counts rise slowly enough, and
 * the many items that have one event only stay where they belong.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include <math.h>

#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/timestamp.h"

/* A level is left alone while it is too high by no more than this. */
#define LEVEL_TOLERANCE		(2 * LEVELS_PER_OCTAVE)

/* Count from which on a rising level needs no headroom. */
#define LARGE_COUNT			256

/* ---------- numbers ---------- */

/* Quantised logarithm of a count: floor(4 * log2(count)), -1 below 1. */
int
interact_count_level(int64 count)
{
	if (count <= 0)
		return -1;
	return (int) floor(LEVELS_PER_OCTAVE * log2((double) count));
}

/* Quantised hot: floor(4 * hot), which is log2 of a sum already. */
int
interact_hot_level(double hot)
{
	double		level = floor(LEVELS_PER_OCTAVE * hot);

	/* -infinity, a row without any decayed event, gets the least level */
	if (!(level > PG_INT32_MIN))
		return PG_INT32_MIN;
	if (level > PG_INT32_MAX)
		return PG_INT32_MAX;
	return (int) level;
}

/* log2(2^a + 2^b) without overflow; -infinity is the neutral element. */
double
interact_log2_add(double a, double b)
{
	if (a < b)
	{
		double		t = a;

		a = b;
		b = t;
	}
	if (isinf(b))
		return a;
	return a + log2(1.0 + exp2(b - a));
}

/* a + b, where NULL stands for zero; palloc'd or one of the two. */
Numeric
interact_numeric_add(Numeric a, Numeric b)
{
	if (a == NULL)
		return b;
	if (b == NULL)
		return a;
	return DatumGetNumeric(DirectFunctionCall2(numeric_add, NumericGetDatum(a),
											   NumericGetDatum(b)));
}

/* n = 0 */
static bool
numeric_is_zero(Numeric n)
{
	return DatumGetBool(DirectFunctionCall2(numeric_eq, NumericGetDatum(n),
											NumericGetDatum(int64_to_numeric(0))));
}

/* (at - 2000-01-01) in half-lives: log2 of one row's part of hot. */
double
interact_hot_of(TimestampTz at)
{
	return (double) at / interact_settings()->trending_half_life;
}

/* ---------- rows ---------- */

/* A pass over interact_counter. */
Accumulator *
counter_open(void)
{
	return accumulator_open(REL_COUNTER, REL_COUNTER_PKEY);
}

/* Add the counter row in slot to sum. */
static void
sum_counter(CounterDelta *sum, TupleTableSlot *slot)
{
	Numeric		total;

	total = DatumGetNumericCopy(acc_column(slot, Anum_counter_total));
	sum->count += DatumGetInt64(acc_column(slot, Anum_counter_count));
	sum->users += DatumGetInt64(acc_column(slot, Anum_counter_users));
	sum->units += DatumGetInt64(acc_column(slot, Anum_counter_units));
	sum->hot = interact_log2_add(sum->hot,
								 DatumGetFloat8(acc_column(slot, Anum_counter_hot)));
	sum->total = interact_numeric_add(sum->total, total);
}

/*
 * The level to be stored for a key of the given size: what is stored already,
 * unless that is too low or much too high.  stored is PG_INT32_MIN if nothing
 * is.
 */
static int
choose_level(int needed, int stored, int64 count)
{
	if (stored >= needed && stored - LEVEL_TOLERANCE <= needed)
		return stored;
	if (stored > PG_INT32_MIN && count < LARGE_COUNT)
		return needed + LEVELS_PER_OCTAVE;
	return needed;
}

/*
 * Write sum to the counter row locked in acc->row, or to a new row.  A row
 * that counts nothing any more is deleted.  other_count and other_hot are
 * what the other rows of the key hold.
 */
static void
write_counter(Accumulator *acc, const CounterDelta *sum, bool locked,
			  int64 other_count, double other_hot)
{
	Numeric		total = sum->total ? sum->total : int64_to_numeric(0);
	int64		count = sum->count + other_count;
	int			count_level = interact_count_level(count);
	int			hot_level = interact_hot_level(interact_log2_add(sum->hot, other_hot));

	if (sum->count == 0 && sum->users == 0 && sum->units == 0 &&
		numeric_is_zero(total))
	{
		if (locked)
			acc_delete_row(acc, acc->row);
		return;
	}

	/* Rows not seen: those who saw them left word in the level of the others. */
	if (acc->cut_off)
	{
		count_level = Max(count_level, acc->count_level);
		hot_level = Max(hot_level, acc->hot_level);
	}

	acc_start_version(acc, locked);
	if (!locked)
	{
		ACC_WRITE(acc, Anum_counter_item_id) = Int64GetDatum(sum->item);
		ACC_WRITE(acc, Anum_counter_id) = Int64GetDatum(acc_fresh_id());
		ACC_WRITE(acc, Anum_counter_event) = Int16GetDatum((int16) sum->event);
	}
	count_level = choose_level(count_level, locked ?
							   DatumGetInt16(ACC_WRITE(acc, Anum_counter_count_level)) :
							   PG_INT32_MIN, count);
	if (hot_level > PG_INT32_MIN)
		hot_level = choose_level(hot_level, locked ?
								 DatumGetInt32(ACC_WRITE(acc, Anum_counter_hot_level)) :
								 PG_INT32_MIN, count);
	ACC_WRITE(acc, Anum_counter_count) = Int64GetDatum(sum->count);
	ACC_WRITE(acc, Anum_counter_users) = Int64GetDatum(sum->users);
	ACC_WRITE(acc, Anum_counter_units) = Int64GetDatum(sum->units);
	ACC_WRITE(acc, Anum_counter_hot) = Float8GetDatum(sum->hot);
	ACC_WRITE(acc, Anum_counter_total) = NumericGetDatum(total);
	ACC_WRITE(acc, Anum_counter_count_level) = Int16GetDatum((int16) count_level);
	ACC_WRITE(acc, Anum_counter_hot_level) = Int32GetDatum(hot_level);
	if (locked)
		acc_update_version(acc);
	else
		acc_insert_version(acc);
}

/*
 * Lock the rows of the key found by look_up() that can be had, sum them up in
 * *sum and leave the one to be written in acc->row; the others are deleted.
 * One row only, unless nobody is at work on any of several: then all.  Returns
 * the number of rows locked.
 */
static int
lock_counters(Accumulator *acc, CounterDelta *sum)
{
	bool		fold = acc->nbusy == 0;
	int			nlocked = 0;

	for (int i = 0; i < acc->nfound && (fold || nlocked == 0); i++)
	{
		TupleTableSlot *slot = nlocked == 0 ? acc->row : acc->look;

		if (acc->found[i].busy)
			continue;
		if (acc_lock_row(acc, &acc->found[i].tid, false, slot) != TM_Ok)
		{
			fold = false;
			continue;
		}
		sum_counter(sum, slot);
		acc->found[i].locked = true;
		if (nlocked++ > 0)
			acc_delete_row(acc, slot);
	}
	ExecClearTuple(acc->look);
	return nlocked;
}

/*
 * Count and hot of the rows found that are not ours, into *count and *hot.
 * Ours are those locked and the one with the id own_id.
 */
static void
sum_others(Accumulator *acc, int64 own_id, int64 *count, double *hot)
{
	*count = 0;
	*hot = -get_float8_infinity();
	for (int i = 0; i < acc->nfound; i++)
	{
		if (acc->found[i].locked || acc->found[i].id == own_id)
			continue;
		*count += acc->found[i].count;
		*hot = interact_log2_add(*hot, acc->found[i].hot);
	}
}

/* Add delta to the counter of its item and event; never waits. */
void
counter_add(Accumulator *acc, const CounterDelta *delta)
{
	AccKey		key = {delta->item, delta->event};
	CounterDelta sum = *delta;
	int64		count;
	double		hot;
	bool		locked;
	bool		looked = false;
	bool		contended = false;

	locked = acc_lock_remembered(acc, &key, &count, &hot);
	if (locked)
	{
		acc->cut_off = false;
		sum_counter(&sum, acc->row);

		/* A level that rises has to be that of the whole key as it is now. */
		if (interact_count_level(sum.count + count) >
			DatumGetInt16(acc_column(acc->row, Anum_counter_count_level)) ||
			interact_hot_level(interact_log2_add(sum.hot, hot)) >
			DatumGetInt32(acc_column(acc->row, Anum_counter_hot_level)))
		{
			acc_look_up(acc, &key, false);
			sum_others(acc, DatumGetInt64(acc_column(acc->row, Anum_counter_id)),
					   &count, &hot);
		}
	}
	else
	{
		acc_look_up(acc, &key, false);
		locked = lock_counters(acc, &sum) > 0;
		sum_others(acc, 0, &count, &hot);
		looked = true;
		contended = acc->nbusy > 0 || (!locked && acc->nfound > 0);
	}

	write_counter(acc, &sum, locked, count, hot);
	if (!TTS_EMPTY(acc->write))
		acc_remember(acc, &key, looked, contended, count, hot);
	ExecClearTuple(acc->row);
	ExecClearTuple(acc->write);
}

/*
 * Replace the part "from" of the key's hot by "to": what a recomputation under
 * some snapshot found stored and expected.  What was added since stays.
 */
void
counter_set_hot(Accumulator *acc, int64 item, int event, double from, double to)
{
	AccKey		key = {item, event};
	CounterDelta sum;
	double		hot;
	int64		count;
	double		since;

	acc_look_up(acc, &key, true);
	memset(&sum, 0, sizeof(sum));
	sum.item = item;
	sum.event = event;
	sum.hot = -get_float8_infinity();
	if (lock_counters(acc, &sum) == 0)
		return;					/* someone else is there; try again later */

	sum_others(acc, 0, &count, &hot);
	since = exp2(sum.hot - to) - exp2(from - to);
	if (since < 1e-9 || isnan(since))
		sum.hot = to;
	else
		sum.hot = to + log2(1.0 + since);
	write_counter(acc, &sum, true, count, hot);
	ExecClearTuple(acc->row);
	ExecClearTuple(acc->write);
}

/*
 * Merge the rows of a key nobody is at work on; returns how many rows fewer
 * there are.
 */
int
counter_fold(Accumulator *acc, int64 item, int event)
{
	AccKey		key = {item, event};
	CounterDelta sum;
	int64		count;
	double		hot;
	int			nlocked;
	int			removed = 0;

	acc_look_up(acc, &key, true);
	if (acc->nfound < 2 || acc->nbusy > 0)
		return 0;
	memset(&sum, 0, sizeof(sum));
	sum.item = item;
	sum.event = event;
	sum.hot = -get_float8_infinity();
	nlocked = lock_counters(acc, &sum);
	if (nlocked > 1)
	{
		sum_others(acc, 0, &count, &hot);
		write_counter(acc, &sum, true, count, hot);
		removed = TTS_EMPTY(acc->write) ? nlocked : nlocked - 1;
	}
	ExecClearTuple(acc->row);
	ExecClearTuple(acc->write);
	return removed;
}
