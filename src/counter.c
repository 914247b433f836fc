/*-------------------------------------------------------------------------
 *
 * counter.c
 *	  Rows of interact_counter: how often an event happened to an item.
 *
 * All values of the rows of a key add up: count, users, units and total as
 * numbers, hot as log2 of numbers.  See accumulate.c for how rows are written.
 *
 * Levels: count_level and hot_level order the two popularity indexes, which
 * popular.c reads from the top.  They are quantised logarithms of the whole
 * key's values, not of the row's, as the last writer of the row saw them,
 * uncommitted rows of others included.  The largest level among the rows of a
 * key is an upper bound of what the key holds; that is what stopping early
 * needs.  It is kept so as follows:
 *
 *	- A level may be too high.  One that has to rise is given an octave of
 *	  headroom, so that few updates change an indexed column and nearly all are
 *	  HOT.  Large counts rise slowly enough without, and the many items that
 *	  have one event only stay where they belong.
 *	- A backend that keeps to a row without looking at the others (see
 *	  accumulate.c) may use up its share of the headroom: what is left below the
 *	  level, divided by the number of rows.  Then it looks again.
 *	- Who inserted a row looks once more: of two who inserted at the same
 *	  moment at least one sees the other.
 *	- A look-up that was cut off saw some of the rows only.  There are no more
 *	  than transactions that can be open, so the level is set as if each of so
 *	  many held as much as those seen (CUT_OFF_SLACK more, for what the rows
 *	  that have been seen by somebody gained meanwhile).  Nothing is added to
 *	  what others set so: levels would climb for ever.
 *
 * Ratings have a third level: rating_level bounds the mean rating from above
 * and orders interact_counter_rating, a partial index of the rows of event
 * rating, which toprated.c reads.  A mean may rise and fall with what others
 * commit or take back, so a level is given only to a row that is, as far as its
 * writer sees, alone with its key, where the mean is that of the row itself.
 * Any other row gets RATING_LEVEL_ANY.  Who inserted a row looks once more, see
 * above; so of the visible rows of a key that has several at least one says
 * ANY.  A level is left alone while it is too high by a little only.
 *
 * The catalogue: interact_catalogue holds the sums over all items of the event
 * rating, from which toprated.c has its prior: count and total of the ratings,
 * and as users the number of rows of interact_counter that hold them.  It has
 * the columns of a counter and one key, which every rating adds to; a pass over
 * interact_counter collects what it changes and adds it once, at its end.
 * Rows, not items: that a row was inserted or deleted is known for certain, that
 * an item was rated for the first time is not.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include <math.h>

#include "access/twophase.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/timestamp.h"

/* A level is left alone while it is too high by no more than this. */
#define LEVEL_TOLERANCE		(2 * LEVELS_PER_OCTAVE)

/* The same of rating_level. */
#define RATING_TOLERANCE	2

/* Rows that an addition folds into the one it writes at most. */
#define FOLD_ROWS			2

/* Levels added after a look-up that was cut off, see above. */
#define CUT_OFF_SLACK		(3 * LEVELS_PER_OCTAVE)

/* Count from which on a rising level needs no headroom. */
#define LARGE_COUNT			256

/* Relative error of 2^hot: hot is some thousands, rounded a million times. */
#define HOT_ROUNDING		1e-9

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

/*
 * Quantised mean rating: the least level whose bound it does not exceed.
 * Numbers that are no ratings, which a carry-over may hold, say nothing.
 */
int
interact_rating_level(int64 count, double total)
{
	double		level;

	if (count <= 0)
		return RATING_LEVEL_ANY;
	level = ceil(RATING_LEVELS_PER_STAR * (total / (double) count));
	if (!(level <= RATING_LEVEL_MAX))
		return RATING_LEVEL_ANY;
	return (int) Max(level, 0);
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
	return accumulator_open(DERIVED_COUNTER);
}

/* End the pass: what it changed of all ratings goes into the catalogue. */
void
counter_close(Accumulator *acc)
{
	int64		ratings = acc->ratings;
	int64		rows = acc->rating_rows;
	Numeric		total = acc->rating_total;

	accumulator_close(acc);
	catalogue_add(ratings, rows, total);
}

/* Add to the sums over all ratings; total may be NULL.  Never waits. */
void
catalogue_add(int64 ratings, int64 rows, Numeric total)
{
	CounterDelta delta = {0};
	Accumulator *acc;

	if (ratings == 0 && rows == 0 && (total == NULL || numeric_is_zero(total)))
		return;
	delta.event = EVENT_RATING;
	delta.count = ratings;
	delta.users = rows;
	delta.total = total;
	delta.hot = -get_float8_infinity();
	acc = accumulator_open(DERIVED_CATALOGUE);
	counter_add(acc, &delta);
	accumulator_close(acc);
}

/* Merge what contention left apart of the catalogue; see counter_fold(). */
int
catalogue_fold(void)
{
	Accumulator *acc = accumulator_open(DERIVED_CATALOGUE);
	int			removed = counter_fold(acc, 0, EVENT_RATING);

	accumulator_close(acc);
	return removed;
}

/* Whether these are the rows that the catalogue sums up. */
static bool
in_catalogue(Accumulator *acc, int event)
{
	return acc->table == DERIVED_COUNTER && event == EVENT_RATING;
}

/* Delete the row of this event locked in slot. */
static void
delete_counter(Accumulator *acc, TupleTableSlot *slot, int event)
{
	acc_delete_row(acc, slot);
	if (in_catalogue(acc, event))
		acc->rating_rows--;
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

/* How many rows a key may have: one per transaction that can be open. */
static int
max_rows(void)
{
	return MaxBackends + max_prepared_xacts;
}

/* How much higher the level may have to be than what a cut off look-up saw. */
static int
cut_off_margin(void)
{
	return (int) ceil(LEVELS_PER_OCTAVE * log2(max_rows())) + CUT_OFF_SLACK;
}

/*
 * The level to be stored for a key: what is stored already, unless that is too
 * low or too high by more than tolerance.  stored is PG_INT32_MIN if nothing
 * is.
 */
static int
choose_level(int needed, int stored, int tolerance, bool headroom)
{
	if (stored >= needed && stored - tolerance <= needed)
		return stored;
	return headroom && needed < PG_INT32_MAX - LEVELS_PER_OCTAVE ?
		needed + LEVELS_PER_OCTAVE : needed;
}

/*
 * The same after a look-up that was cut off: needed is the level of what was
 * seen, seen the highest of the levels seen.
 */
static int
choose_level_cut_off(int needed, int stored, int seen)
{
	int			least = needed + cut_off_margin();

	if (Max(stored, seen) >= least)
		return Max(stored, seen);
	return least + LEVELS_PER_OCTAVE;
}

/*
 * How far a row that holds own may grow, if its key holds own and others in
 * nrows rows and has these levels.
 */
static void
set_limits(AccLimits *limits, const CounterDelta *own, const CounterDelta *others,
		   int nrows, int count_level, int hot_level)
{
	double		top = exp2((count_level + 1.0) / LEVELS_PER_OCTAVE) - 1;
	double		hot = interact_log2_add(own->hot, others->hot);
	double		hot_top = (hot_level + 1.0) / LEVELS_PER_OCTAVE;

	limits->count = own->count +
		(int64) (Max(top - (double) (own->count + others->count), 0) / nrows);
	limits->hot = own->hot;
	if (hot_level > PG_INT32_MIN && hot < hot_top)
		limits->hot = interact_log2_add(own->hot,
										hot_top + log2(1.0 - exp2(hot - hot_top)) -
										log2(nrows));
}

/*
 * The rating_level to be stored: what is stored already, unless that is too
 * low or too high by more than the tolerance.  alone: no other row of the key
 * was seen, nor may be.
 */
static int
choose_rating_level(const CounterDelta *sum, int stored, bool alone)
{
	int			needed;

	if (!alone)
		return RATING_LEVEL_ANY;
	needed = interact_rating_level(sum->count, sum->total == NULL ? 0 :
								   DatumGetFloat8(DirectFunctionCall1(numeric_float8,
																	  NumericGetDatum(sum->total))));
	if (stored < RATING_LEVEL_ANY && stored >= needed &&
		stored - needed <= RATING_TOLERANCE)
		return stored;
	return needed;
}

/* Whether a row with these values counts nothing. */
static bool
counts_nothing(const CounterDelta *sum)
{
	return sum->count == 0 && sum->users == 0 && sum->units == 0 &&
		(sum->total == NULL || numeric_is_zero(sum->total));
}

/*
 * Write sum to the counter row in acc->row, or to a new row.  others is what
 * the other rows of the key hold according to the last look-up; NULL keeps the
 * levels.  False, with nothing written, if somebody else has the row.
 *
 * A row that counts nothing is deleted, or not written.  Unless the key has
 * other rows: then its hot may be that of what the others count, and what it
 * would have counted may have been taken away in another row.
 */
static bool
write_counter(Accumulator *acc, const CounterDelta *sum, RowState row,
			  const CounterDelta *others, AccLimits *limits)
{
	AccKey		key = {sum->item, sum->event};
	Numeric		total = sum->total ? sum->total : int64_to_numeric(0);

	if (others != NULL && counts_nothing(sum) &&
		(acc->nothers == 0 || sum->hot == -get_float8_infinity()))
	{
		if (row == ROW_SEEN &&
			acc_lock_row(acc, &key, &acc->row->tts_tid, acc->row) != TM_Ok)
			return false;
		if (row != ROW_NEW)
			delete_counter(acc, acc->row, sum->event);
		return true;
	}

	acc_start_version(acc, row != ROW_NEW);
	if (row == ROW_NEW)
	{
		ACC_WRITE(acc, Anum_counter_item_id) = Int64GetDatum(sum->item);
		ACC_WRITE(acc, Anum_counter_id) = Int64GetDatum(acc_fresh_id());
		ACC_WRITE(acc, Anum_counter_event) = Int16GetDatum((int16) sum->event);
		ACC_WRITE(acc, Anum_counter_count_level) = Int16GetDatum(PG_INT16_MIN);
		ACC_WRITE(acc, Anum_counter_hot_level) = Int32GetDatum(PG_INT32_MIN);
		ACC_WRITE(acc, Anum_counter_rating_level) = Int16GetDatum(0);
	}
	ACC_WRITE(acc, Anum_counter_count) = Int64GetDatum(sum->count);
	ACC_WRITE(acc, Anum_counter_users) = Int64GetDatum(sum->users);
	ACC_WRITE(acc, Anum_counter_units) = Int64GetDatum(sum->units);
	ACC_WRITE(acc, Anum_counter_hot) = Float8GetDatum(sum->hot);
	ACC_WRITE(acc, Anum_counter_total) = NumericGetDatum(total);

	if (in_catalogue(acc, sum->event))
	{
		int			level = DatumGetInt16(ACC_WRITE(acc, Anum_counter_rating_level));

		/* others that came since have seen this row, and say ANY themselves */
		level = choose_rating_level(sum, row != ROW_NEW ? level : RATING_LEVEL_ANY,
									others != NULL ? acc->nothers == 0 :
									level != RATING_LEVEL_ANY);
		ACC_WRITE(acc, Anum_counter_rating_level) = Int16GetDatum((int16) level);
	}

	if (others != NULL)
	{
		int64		count = sum->count + others->count;
		int			count_level = interact_count_level(count);
		int			hot_level = interact_hot_level(interact_log2_add(sum->hot, others->hot));
		int			old_count_level = DatumGetInt16(ACC_WRITE(acc, Anum_counter_count_level));
		int			old_hot_level = DatumGetInt32(ACC_WRITE(acc, Anum_counter_hot_level));
		int			nrows = acc->cut_off ? max_rows() : Max(acc->nfound, 1);

		if (acc->cut_off)
		{
			count_level = choose_level_cut_off(count_level, old_count_level,
											   acc->count_level);
			if (hot_level > PG_INT32_MIN)
				hot_level = choose_level_cut_off(hot_level, old_hot_level,
												 acc->hot_level);
		}
		else
		{
			bool		headroom = nrows > 1 || (row != ROW_NEW && count < LARGE_COUNT);
			int			tolerance = LEVEL_TOLERANCE + (nrows > 1 ? cut_off_margin() : 0);
			int			new_count_level = choose_level(count_level, old_count_level,
													   tolerance, headroom);
			int			new_hot_level = hot_level == PG_INT32_MIN ? old_hot_level :
				choose_level(hot_level, old_hot_level, tolerance, headroom);

			/* One that rises takes the other along: both grow with the count. */
			if (headroom &&
				(new_count_level > old_count_level || new_hot_level > old_hot_level))
			{
				new_count_level = Max(new_count_level, count_level + LEVELS_PER_OCTAVE);
				if (hot_level > PG_INT32_MIN)
					new_hot_level = Max(new_hot_level, hot_level + LEVELS_PER_OCTAVE);
			}
			count_level = new_count_level;
			hot_level = new_hot_level;
		}
		ACC_WRITE(acc, Anum_counter_count_level) = Int16GetDatum((int16) count_level);
		ACC_WRITE(acc, Anum_counter_hot_level) = Int32GetDatum(hot_level);
		set_limits(limits, sum, others, nrows, count_level, hot_level);
	}

	if (row != ROW_NEW)
		return acc_update_version(acc, row == ROW_LOCKED);
	acc_insert_version(acc);
	if (in_catalogue(acc, sum->event))
		acc->rating_rows++;
	return true;
}

/*
 * Lock a row of the key found by acc_look_up() into acc->row and add it to
 * *sum, unless that was done with the row own_id already (0: none); if nobody
 * is at work on any of them, also up to max_fold others, which are deleted.
 * Returns the number of rows locked.
 *
 * Backends start at different rows, so that under contention they do not all
 * try the same ones.  When folding they start at the last one found, which is
 * the oldest: it stays, see counter_set_hot().  And no more than a few rows are
 * folded at a time, or the next moment would find all rows taken and insert as
 * many.
 */
static int
lock_counters(Accumulator *acc, CounterDelta *sum, int64 own_id, int max_fold)
{
	AccKey		key = {sum->item, sum->event};
	int			max = acc->nbusy == 0 ? 1 + max_fold : 1;
	int			start = 0;
	int			nlocked = own_id != 0 ? 1 : 0;

	if (acc->nfound > 0)
		start = max > 1 ? acc->nfound - 1 :
			(int) (interact_proc_number() % (uint32) acc->nfound);

	for (int n = 0; n < acc->nfound && nlocked < max; n++)
	{
		FoundRow   *found = &acc->found[(start + n) % acc->nfound];
		TupleTableSlot *slot = nlocked == 0 ? acc->row : acc->look;

		if (found->busy || found->id == own_id)
			continue;
		if (acc_lock_row(acc, &key, &found->tid, slot) != TM_Ok)
		{
			max = 1;
			continue;
		}
		sum_counter(sum, slot);
		found->locked = true;
		if (nlocked++ > 0)
			delete_counter(acc, slot, sum->event);
	}
	ExecClearTuple(acc->look);
	return nlocked;
}

/*
 * Count and hot of the rows found that are not ours, into *others, and how
 * many they are, into acc->nothers.  Ours are those locked and the one with
 * the id own_id.
 *
 * A row that takes away, a removal beside another transaction, is left out: it
 * may be rolled back or merged, and the level has to be an upper bound then
 * too.
 */
static void
sum_others(Accumulator *acc, int64 own_id, CounterDelta *others)
{
	others->count = 0;
	others->hot = -get_float8_infinity();
	acc->nothers = acc->cut_off ? 1 : 0;
	for (int i = 0; i < acc->nfound; i++)
	{
		if (acc->found[i].locked || acc->found[i].id == own_id)
			continue;
		acc->nothers++;
		others->count += Max(acc->found[i].count, 0);
		others->hot = interact_log2_add(others->hot, acc->found[i].hot);
	}
}

/*
 * The row in acc->write was just inserted: look whether others came at the
 * same time, and if so raise its levels.
 */
static void
look_again(Accumulator *acc, const AccKey *key, const CounterDelta *sum,
		   AccLimits *limits)
{
	int64		own_id = DatumGetInt64(acc_column(acc->write, Anum_counter_id));
	ItemPointerData tid = acc->write->tts_tid;
	int			nfound = acc->nfound;
	CounterDelta others;

	acc_look_up(acc, key, false);
	if (acc->nfound <= nfound + 1)
		return;

	CommandCounterIncrement();
	if (acc_lock_row(acc, key, &tid, acc->row) != TM_Ok)
		elog(ERROR, "could not lock a row this transaction has inserted");
	sum_others(acc, own_id, &others);
	(void) write_counter(acc, sum, ROW_LOCKED, &others, limits);
}

/*
 * Add delta to the row this backend is to keep to, if there is one and nobody
 * else has it.
 */
static bool
add_to_remembered(Accumulator *acc, const AccKey *key, const CounterDelta *delta)
{
	CounterDelta sum = *delta;
	CounterDelta others;
	AccLimits	limits = {0};
	bool		within;

	if (!acc_fetch_remembered(acc, key, false, &limits))
		return false;
	sum_counter(&sum, acc->row);
	within = sum.count <= limits.count && sum.hot <= limits.hot &&
		!counts_nothing(&sum);
	if (!within)
	{
		acc_look_up(acc, key, false);
		sum_others(acc, DatumGetInt64(acc_column(acc->row, Anum_counter_id)),
				   &others);
	}
	if (!write_counter(acc, &sum, ROW_SEEN, within ? NULL : &others, &limits))
		return false;
	if (!TTS_EMPTY(acc->write))
		acc_remember(acc, key, false, false, &limits);
	return true;
}

/*
 * Add delta to the only row the last look-up found, if that is so.  If somebody
 * else has it by now, look again.
 */
static bool
add_to_single(Accumulator *acc, const AccKey *key, const CounterDelta *delta)
{
	CounterDelta sum = *delta;
	CounterDelta others;
	AccLimits	limits = {0};

	if (!acc_take_single(acc))
		return false;
	sum_counter(&sum, acc->row);
	acc->found[0].locked = true;
	sum_others(acc, 0, &others);
	if (!write_counter(acc, &sum, ROW_SEEN, &others, &limits))
	{
		acc_look_up(acc, key, false);
		return false;
	}
	if (!TTS_EMPTY(acc->write))
		acc_remember(acc, key, true, false, &limits);
	return true;
}

/*
 * Add delta to a row that the last look-up found and that can be had, and merge
 * a few others into it if nobody is at work on any; or to a new row.
 */
static void
add_to_any(Accumulator *acc, const AccKey *key, const CounterDelta *delta)
{
	CounterDelta sum = *delta;
	CounterDelta others;
	AccLimits	limits = {0};
	int64		own_id = 0;
	bool		locked;
	bool		contended;

	if ((acc->nbusy > 0 || acc->cut_off) &&
		acc_fetch_remembered(acc, key, true, &limits) &&
		acc_lock_row(acc, key, &acc->row->tts_tid, acc->row) == TM_Ok)
	{
		own_id = DatumGetInt64(acc_column(acc->row, Anum_counter_id));
		sum_counter(&sum, acc->row);
	}
	locked = lock_counters(acc, &sum, own_id, FOLD_ROWS) > 0;
	sum_others(acc, own_id, &others);
	contended = acc->nbusy > 0 || (!locked && acc->nfound > 0);
	(void) write_counter(acc, &sum, locked ? ROW_LOCKED : ROW_NEW, &others, &limits);
	if (TTS_EMPTY(acc->write))
		return;
	if (!locked)
		look_again(acc, key, &sum, &limits);
	acc_remember(acc, key, true, contended, &limits);
}

/* Add delta to the counter of its item and event; never waits. */
void
counter_add(Accumulator *acc, const CounterDelta *delta)
{
	AccKey		key = {delta->item, delta->event};

	if (in_catalogue(acc, delta->event))
	{
		acc->ratings += delta->count;
		acc->rating_total = interact_numeric_add(acc->rating_total,
												 delta->total);
	}

	if (!add_to_remembered(acc, &key, delta))
	{
		acc_look_up(acc, &key, false);
		if (!add_to_single(acc, &key, delta))
			add_to_any(acc, &key, delta);
	}
	ExecClearTuple(acc->row);
	ExecClearTuple(acc->write);
}

/*
 * Make up for the key's hot being "from" where it should be "to", which is
 * less, according to a recomputation under some snapshot; last_id was the
 * newest of its rows then.  What was added since stays.
 *
 * Leaves hot as it is if others are at work on rows that hold too much of it,
 * or if all rows that can be had are newer: the key may have come to count
 * nothing, its last row went, and the difference with it.
 */
void
counter_set_hot(Accumulator *acc, int64 item, int event, int64 last_id,
				double from, double to)
{
	AccKey		key = {item, event};
	CounterDelta sum;
	CounterDelta others;
	AccLimits	limits;
	bool		holds = false;

	acc_look_up(acc, &key, true);
	memset(&sum, 0, sizeof(sum));
	sum.item = item;
	sum.event = event;
	sum.hot = -get_float8_infinity();
	if (lock_counters(acc, &sum, 0, acc->nfound) == 0)
		return;					/* someone else is there; try again later */
	for (int i = 0; i < acc->nfound; i++)
		holds |= acc->found[i].locked && acc->found[i].id <= last_id;

	if (holds && (sum.hot == from || isnan(sum.hot) || isnan(from)))
		sum.hot = to;
	else if (holds && !isinf(to))
	{
		/*
		 * In units of 2^to: what the rows locked hold besides "from", negative
		 * if other rows hold a part of that.  Rounded up, because hot may be
		 * too high, but not too low.
		 */
		double		since = exp2(sum.hot - to) - exp2(from - to) +
			HOT_ROUNDING * exp2(Max(sum.hot, from) - to);

		if (isnan(since))
			sum.hot = to;		/* beyond all measure */
		else if (since > -1.0)
			sum.hot = to + log2(1.0 + since);
	}

	/* also if hot stays: rows were merged */
	sum_others(acc, 0, &others);
	(void) write_counter(acc, &sum, ROW_LOCKED, &others, &limits);
	if (!TTS_EMPTY(acc->write))
		acc_remember(acc, &key, true, false, &limits);
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
	CounterDelta others;
	AccLimits	limits;
	int			nlocked;
	int			removed = 0;

	acc_look_up(acc, &key, true);
	if (acc->nfound < 2 || acc->nbusy > 0)
		return 0;
	memset(&sum, 0, sizeof(sum));
	sum.item = item;
	sum.event = event;
	sum.hot = -get_float8_infinity();
	nlocked = lock_counters(acc, &sum, 0, acc->nfound);
	if (nlocked > 1)
	{
		sum_others(acc, 0, &others);
		(void) write_counter(acc, &sum, ROW_LOCKED, &others, &limits);
		removed = TTS_EMPTY(acc->write) ? nlocked : nlocked - 1;
		if (!TTS_EMPTY(acc->write))
			acc_remember(acc, &key, true, false, &limits);
	}
	ExecClearTuple(acc->row);
	ExecClearTuple(acc->write);
	return removed;
}
