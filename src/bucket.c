/*-------------------------------------------------------------------------
 *
 * bucket.c
 *	  Ranges of time and the buckets they are divided into, by the calendar
 *	  and the clock of a time zone.
 *
 * A bucket starts whenever the clock of the time zone shows a multiple of the
 * bucket's length: counted in months from January 2000, else from Monday,
 * 2000-01-03 00:00, so that weeks start on Mondays, quarters in January,
 * April, July and October, and hours at the full hour.  The starts are
 * computed once per call, as instants in ascending order; rows are then
 * sorted into them by their instant alone.
 *
 * Where the clock is changed.  A bucket starts at the first instant at which
 * the clock shows its time or a later one: midnight, where the clock goes from
 * midnight to one o'clock, is one o'clock.  When the clock is set back and
 * shows a time again, a bucket shorter than a day starts again, a longer one
 * does not.  So a day has 23 or 25 hours, an hour always has 60 minutes, and
 * the hour that comes twice is two buckets.
 *
 *-------------------------------------------------------------------------
 */
#include "interact.h"

#include "common/int.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

/* Where lengths of less than a month are counted from: Monday, 2000-01-03. */
#define BUCKET_ORIGIN			(2 * USECS_PER_DAY)

/* Longest bucket, years. */
#define BUCKET_MAX_YEARS		1000

/* Default length of a range, days. */
#define RANGE_DEFAULT_DAYS		30

/* First year that timestamps do not have. */
#define TIMESTAMP_MAXYEAR		294277

/* From the Unix epoch to PostgreSQL's, seconds. */
#define UNIX_TO_POSTGRES \
	((int64) (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY)

/* A length of time on the calendar; one of the two is 0. */
typedef struct BucketLength
{
	int64		months;
	int64		usecs;			/* a day is 24 hours of the clock */
} BucketLength;


/* ---------- the clock of a time zone ---------- */

/*
 * a / b, rounded down; b > 0.
 */
static int64
floor_div(int64 a, int64 b)
{
	int64		quotient = a / b;

	return (a % b < 0) ? quotient - 1 : quotient;
}

/*
 * Second of the Unix epoch that an instant is in.
 */
static pg_time_t
unix_second(int64 usecs)
{
	return (pg_time_t) (floor_div(usecs, USECS_PER_SEC) + UNIX_TO_POSTGRES);
}

/*
 * The instant at which a second of the Unix epoch starts.
 */
static TimestampTz
second_start(pg_time_t second)
{
	return ((int64) second - UNIX_TO_POSTGRES) * USECS_PER_SEC;
}

pg_noreturn static void
range_error(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
			 errmsg("timestamp out of range")));
}

/*
 * What the clock of the time zone shows at an instant, in microseconds from
 * 2000-01-01 00:00.
 */
static int64
clock_of(TimestampTz at, pg_tz *zone)
{
	pg_time_t	second = unix_second(at);
	struct pg_tm *tm = pg_localtime(&second, zone);

	if (tm == NULL)
		range_error();
	return at + (int64) tm->tm_gmtoff * USECS_PER_SEC;
}

/*
 * The first instant at which the clock shows this or a later time, and in
 * *again the instant at which it shows it a second time, PG_INT64_MIN if it
 * does not.
 */
static TimestampTz
clock_shows(int64 clock, pg_tz *zone, TimestampTz *again)
{
	/* Early enough whatever the offset, also before a whole skipped day. */
	pg_time_t	second = unix_second(clock) - 2 * SECS_PER_DAY;

	*again = PG_INT64_MIN;
	for (;;)
	{
		long		before;		/* seconds ahead of UTC */
		long		after;
		int			before_isdst;
		int			after_isdst;
		pg_time_t	change;
		TimestampTz change_at;
		TimestampTz at;
		int			found;

		found = pg_next_dst_boundary(&second, &before, &before_isdst, &change,
									 &after, &after_isdst, zone);
		if (found < 0)
			range_error();
		at = clock - before * USECS_PER_SEC;
		if (found == 0)
			return at;

		change_at = second_start(change);
		if (at < change_at)
		{
			if (after < before &&
				change_at + after * USECS_PER_SEC <= clock)
				*again = clock - after * USECS_PER_SEC;
			return at;
		}
		if (change_at + after * USECS_PER_SEC >= clock)
			return change_at;	/* the clock skips it */
		second = change;
	}
}


/* ---------- arguments ---------- */

/*
 * The time zone argument n: a name or a POSIX specification; NULL is that of
 * the session.
 */
pg_tz *
interact_arg_time_zone(FunctionCallInfo fcinfo, int n)
{
	char	   *name;
	pg_tz	   *zone = NULL;

	if (PG_ARGISNULL(n))
		return session_timezone;

	name = text_to_cstring(PG_GETARG_TEXT_PP(n));
	if (strlen(name) <= TZ_STRLEN_MAX)
		zone = pg_tzset(name);
	if (zone == NULL || !pg_tz_acceptable(zone))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("unknown time zone \"%s\"", name),
				 errhint("Names are listed in the view pg_timezone_names, for instance Europe/Berlin.")));
	return zone;
}

/*
 * The arguments from_time and to_time: a finite range that may be empty.
 * NULL is now for to_time, and for from_time the same time of the clock 30
 * days before to_time.
 *
 * Now is the clock, not the start of the transaction, because that is when
 * rows recorded in this transaction are from.
 */
void
interact_arg_range(FunctionCallInfo fcinfo, int from_arg, int to_arg,
				   pg_tz *zone, TimestampTz *from, TimestampTz *to)
{
	TimestampTz again;

	if (PG_ARGISNULL(to_arg))
		*to = GetCurrentTimestamp();
	else
		*to = PG_GETARG_TIMESTAMPTZ(to_arg);
	if (TIMESTAMP_NOT_FINITE(*to))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("to_time must be finite"),
				 errhint("Leave it out or pass null for now.")));

	if (PG_ARGISNULL(from_arg))
		*from = clock_shows(clock_of(*to, zone) -
							RANGE_DEFAULT_DAYS * USECS_PER_DAY, zone, &again);
	else
		*from = PG_GETARG_TIMESTAMPTZ(from_arg);
	if (TIMESTAMP_NOT_FINITE(*from))
		ereport(ERROR,
				(errcode(ERRCODE_DATETIME_VALUE_OUT_OF_RANGE),
				 errmsg("from_time must be finite"),
				 errhint("Pass the time from which rows shall count.")));
	if (!IS_VALID_TIMESTAMP(*from))
		range_error();

	if (*from > *to)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("from_time must not be after to_time")));
}

/*
 * Checks a length of time that divides the calendar; name is for messages.
 */
static BucketLength
bucket_length(const Interval *bucket, const char *name)
{
	BucketLength length;

	if (bucket->month < 0 || bucket->day < 0 || bucket->time < 0 ||
		(bucket->month == 0 && bucket->day == 0 && bucket->time == 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be positive, in each of its fields", name),
				 errhint("Give a length, for instance interval '1 day'.")));
	if (bucket->month > 0 && (bucket->day > 0 || bucket->time > 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must not mix months with days or hours", name),
				 errhint("Months have different lengths: use months and years, or weeks, days and shorter ones.")));

	length.months = bucket->month;
	if (pg_mul_s64_overflow(bucket->day, USECS_PER_DAY, &length.usecs) ||
		pg_add_s64_overflow(length.usecs, bucket->time, &length.usecs) ||
		length.usecs > BUCKET_MAX_YEARS * INT64CONST(366) * USECS_PER_DAY ||
		length.months > BUCKET_MAX_YEARS * MONTHS_PER_YEAR)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("%s must be at most %d years", name, BUCKET_MAX_YEARS)));
	return length;
}


/* ---------- buckets ---------- */

/*
 * The number of the bucket that the clock is in.
 */
static int64
bucket_number(const BucketLength *length, int64 clock)
{
	if (length->months > 0)
	{
		struct pg_tm tm;
		fsec_t		fsec;

		if (timestamp2tm(clock, NULL, &tm, &fsec, NULL, NULL) != 0)
			range_error();
		return floor_div(((int64) tm.tm_year - 2000) * MONTHS_PER_YEAR + tm.tm_mon - 1,
						 length->months);
	}
	return floor_div(clock - BUCKET_ORIGIN, length->usecs);
}

/*
 * What the clock shows at the start of a bucket; something out of the range of
 * timestamps, but not of what can be calculated with, if it starts out of it.
 */
static int64
bucket_clock(const BucketLength *length, int64 number)
{
	const int64 too_early = MIN_TIMESTAMP - 2 * USECS_PER_DAY;
	const int64 too_late = END_TIMESTAMP + 2 * USECS_PER_DAY;
	int64		clock;

	if (length->months > 0)
	{
		int64		month = number * length->months;
		int64		year = floor_div(month, MONTHS_PER_YEAR);
		int64		days;

		month -= year * MONTHS_PER_YEAR;
		year += 2000;
		if (year <= JULIAN_MINYEAR)
			return too_early;
		if (year >= TIMESTAMP_MAXYEAR)
			return too_late;
		days = date2j((int) year, (int) month + 1, 1) - POSTGRES_EPOCH_JDATE;
		return days * USECS_PER_DAY;
	}

	if (pg_mul_s64_overflow(number, length->usecs, &clock) ||
		pg_add_s64_overflow(clock, BUCKET_ORIGIN, &clock))
		return number < 0 ? too_early : too_late;
	return Max(too_early, Min(clock, too_late));
}

static int
timestamp_cmp_qsort(const void *a, const void *b)
{
	TimestampTz x = *(const TimestampTz *) a;
	TimestampTz y = *(const TimestampTz *) b;

	return (x > y) - (x < y);
}

/*
 * The starts of the buckets that hold any part of the range, in ascending
 * order; the first may be before from.  Returns how many there are, 0 for an
 * empty range; *starts is palloc'd.  More than max are an error, and so is a
 * bucket that is not positive or mixes months with shorter units; messages
 * call it name, and several of them the same with an s.
 */
int
interact_buckets(const Interval *bucket, const char *name, TimestampTz from,
				 TimestampTz to, pg_tz *zone, int max, TimestampTz **starts)
{
	BucketLength length = bucket_length(bucket, name);
	bool		repeats = (length.months == 0 && length.usecs < USECS_PER_DAY);
	int64		number;
	int			found = 0;
	int			first = 0;
	int			n = 0;
	TimestampTz *result;

	/* Room for max of them, what is in front of the first, and the repeats. */
	result = palloc(sizeof(TimestampTz) * 2 * (max + 4));
	*starts = result;
	if (from >= to)
		return 0;

	/*
	 * From one before: where the clock was set back, the bucket that the
	 * clock shows is not always the one that started last.
	 */
	number = bucket_number(&length, clock_of(from, zone)) - 1;
	while (found < 2 * (max + 3))
	{
		TimestampTz again;
		TimestampTz start = clock_shows(bucket_clock(&length, number), zone,
										&again);

		CHECK_FOR_INTERRUPTS();

		if (start >= to)
			break;
		result[found++] = start;
		if (repeats && again != PG_INT64_MIN && again < to)
			result[found++] = again;
		number++;
	}

	/* A skipped time starts together with the one after it. */
	qsort(result, found, sizeof(TimestampTz), timestamp_cmp_qsort);
	while (first + 1 < found && result[first + 1] <= from)
		first++;
	for (int i = first; i < found; i++)
	{
		if (n == 0 || result[i] != result[n - 1])
			result[n++] = result[i];
	}

	if (n > max)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("from_time to to_time holds more than %d %ss", max, name),
				 errhint("Shorten the range, or divide it into fewer parts.")));
	if (!IS_VALID_TIMESTAMP(result[0]))
		range_error();
	return n;
}

/*
 * The date on the calendar of the time zone.
 */
DateADT
interact_date(TimestampTz at, pg_tz *zone)
{
	return (DateADT) floor_div(clock_of(at, zone), USECS_PER_DAY);
}

/*
 * The start of the day that an instant is in, less a number of days, on the
 * clock of the time zone.
 */
TimestampTz
interact_day_start(TimestampTz at, int days_before, pg_tz *zone)
{
	TimestampTz again;
	TimestampTz start;
	int64		day = floor_div(clock_of(at, zone), USECS_PER_DAY);

	start = clock_shows((day - days_before) * USECS_PER_DAY, zone, &again);
	if (!IS_VALID_TIMESTAMP(start))
		range_error();
	return start;
}
