-- Buckets of time: calendar and clock of a time zone, ranges, defaults.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
SET timezone = 'UTC';
\set VERBOSITY default
\set SHOW_CONTEXT never

-- A view at each full quarter of an hour around the changes of the clock.
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 1, 1, t
FROM generate_series('2024-03-08 00:00+00'::timestamptz, '2024-04-02 00:00+00', '15 minutes') t
UNION ALL
SELECT 1, 1, t
FROM generate_series('2024-10-25 00:00+00'::timestamptz, '2024-11-05 00:00+00', '15 minutes') t;

-- The start of a bucket on the clock of the zone, its length to the next one,
-- and the events in it.
CREATE FUNCTION buckets(bucket interval, from_time timestamptz, to_time timestamptz, zone text)
RETURNS TABLE (clock timestamp, utc text, length interval, events bigint)
LANGUAGE sql AS $$
SELECT a.bucket_start AT TIME ZONE zone, to_char(a.bucket_start, 'MM-DD HH24:MI'),
       lead(a.bucket_start, 1, to_time) OVER (ORDER BY a.bucket_start) - a.bucket_start, a.events
FROM interact_activity(bucket, from_time, to_time, time_zone => zone) a
ORDER BY a.bucket_start
$$;

-- Berlin, spring: 2024-03-31 has 23 hours, 92 quarters.
SELECT * FROM buckets('1 day', '2024-03-30 00:00 Europe/Berlin', '2024-04-02 00:00 Europe/Berlin', 'Europe/Berlin');
SELECT * FROM buckets('1 hour', '2024-03-31 00:00 Europe/Berlin', '2024-03-31 05:00 Europe/Berlin', 'Europe/Berlin');
-- 00 to 06 on the clock is five hours.
SELECT * FROM buckets('6 hours', '2024-03-31 00:00 Europe/Berlin', '2024-04-01 00:00 Europe/Berlin', 'Europe/Berlin');
-- 02:00 does not exist; the bucket starts where the clock skips it.
SELECT * FROM buckets('2 hours', '2024-03-31 00:00 Europe/Berlin', '2024-03-31 06:00 Europe/Berlin', 'Europe/Berlin');
-- Berlin, autumn: 2024-10-27 has 25 hours, 100 quarters; two o'clock comes
-- twice, and is two buckets.
SELECT * FROM buckets('1 day', '2024-10-26 00:00 Europe/Berlin', '2024-10-29 00:00 Europe/Berlin', 'Europe/Berlin');
SELECT * FROM buckets('1 hour', '2024-10-27 00:00 Europe/Berlin', '2024-10-27 05:00 Europe/Berlin', 'Europe/Berlin');
SELECT * FROM buckets('30 minutes', '2024-10-27 02:00 CEST', '2024-10-27 03:00 CET', 'Europe/Berlin');
SELECT * FROM buckets('6 hours', '2024-10-27 00:00 Europe/Berlin', '2024-10-28 00:00 Europe/Berlin', 'Europe/Berlin');
-- A range that starts in the second half past two, and one in the first.
SELECT * FROM buckets('1 hour', '2024-10-27 02:30 CET', '2024-10-27 04:00 CET', 'Europe/Berlin');
SELECT * FROM buckets('1 hour', '2024-10-27 02:30 CEST', '2024-10-27 04:00 CET', 'Europe/Berlin');
SELECT * FROM buckets('1 day', '2024-10-27 02:30 CET', '2024-10-28 01:00 CET', 'Europe/Berlin');
-- A day starts once, also where midnight comes twice (Havana, autumn) or never
-- (Havana, spring); an hour starts each time.
SELECT * FROM buckets('1 day', '2024-11-02 00:00 America/Havana', '2024-11-05 00:00 America/Havana', 'America/Havana');
SELECT * FROM buckets('1 day', '2024-11-03 00:30-05', '2024-11-04 00:00 America/Havana', 'America/Havana');
SELECT * FROM buckets('1 hour', '2024-11-02 23:00 America/Havana', '2024-11-03 02:00 America/Havana', 'America/Havana');
SELECT * FROM buckets('1 day', '2024-03-09 00:00 America/Havana', '2024-03-12 00:00 America/Havana', 'America/Havana');
-- New York, both ways.
SELECT * FROM buckets('1 day', '2024-03-09 00:00 America/New_York', '2024-03-12 00:00 America/New_York', 'America/New_York');
SELECT * FROM buckets('1 hour', '2024-03-10 00:00 America/New_York', '2024-03-10 04:00 America/New_York', 'America/New_York');
SELECT * FROM buckets('1 day', '2024-11-02 00:00 America/New_York', '2024-11-05 00:00 America/New_York', 'America/New_York');
SELECT * FROM buckets('1 hour', '2024-11-03 00:00 America/New_York', '2024-11-03 03:00 America/New_York', 'America/New_York');
-- A clock that is moved by half an hour (Lord Howe: back at 02:00 to 01:30 on
-- 2024-04-07), and a day that was skipped (Samoa, 2011-12-30).
SELECT * FROM buckets('1 hour', '2024-04-07 00:00 Australia/Lord_Howe', '2024-04-07 04:00 Australia/Lord_Howe', 'Australia/Lord_Howe');
SELECT * FROM buckets('1 day', '2011-12-28 00:00 Pacific/Apia', '2012-01-02 00:00 Pacific/Apia', 'Pacific/Apia');
-- A POSIX specification: five hours behind, no summer time.
SELECT * FROM buckets('1 day', '2024-03-10 05:00+00', '2024-03-12 05:00+00', 'XYZ5');

-- Weeks start on Monday, multiples of days are counted from one; months on the
-- first; quarters, years and decades with January 2000.
SELECT clock, to_char(clock, 'Dy') AS day, length, events
FROM buckets('1 week', '2024-03-13 12:00 Europe/Berlin', '2024-04-02 00:00 Europe/Berlin', 'Europe/Berlin');
SELECT clock, length, events FROM buckets('3 days', '2024-03-28 00:00+00', '2024-04-02 00:00+00', 'UTC');
SELECT clock, length, events FROM buckets('1 month', '2024-03-01 00:00 Europe/Berlin', '2024-06-01 00:00 Europe/Berlin', 'Europe/Berlin');
SELECT clock, length, events FROM buckets('3 months', '2024-02-01', '2025-01-01', 'UTC');
SELECT clock, events FROM buckets('1 year', '2023-06-01', '2026-01-01', 'UTC');
SELECT clock, events FROM buckets('10 years', '1995-01-01', '2026-01-01', 'UTC');
SELECT clock, events FROM buckets('100 years', '0001-01-01 BC', '2101-01-01', 'UTC') WHERE events > 0 OR clock < '0001-01-01';
SELECT clock, length, events FROM buckets('7 hours', '2024-03-31 00:00+00', '2024-04-01 00:00+00', 'UTC');
SELECT clock, length, events FROM buckets('1 day 12 hours', '2024-03-28 00:00+00', '2024-04-01 00:00+00', 'UTC');

-- The first and the last bucket hold only what is in the range: from_time is
-- part of it, to_time is not.
SELECT * FROM buckets('1 day', '2024-03-10 12:00+00', '2024-03-12 00:15+00', 'UTC');
SELECT * FROM buckets('1 day', '2024-03-10 23:45+00', '2024-03-11 00:00+00', 'UTC');
SELECT * FROM buckets('1 microsecond', '2024-03-10 23:45+00', '2024-03-10 23:45:00.000003+00', 'UTC');
SELECT * FROM buckets('1 day', '2024-03-10 23:45+00', '2024-03-10 23:45+00', 'UTC');
-- One bucket around all.
SELECT * FROM buckets('1000 years', '2024-03-10 23:45+00', '2024-03-11 00:00+00', 'UTC');

-- The time zone is that of the session if none is given.
SET timezone = 'America/New_York';
SELECT bucket_start, events FROM interact_activity('1 day', '2024-11-02', '2024-11-05');
SET timezone = 'UTC';

-- Defaults: buckets of a day, up to now, from the one 30 days ago.
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES
    (1, 1, now()), (1, 1, date_trunc('day', now()) - interval '30 days'),
    (1, 1, date_trunc('day', now()) - interval '30 days 1 second');
SELECT count(*), min(bucket_start) = date_trunc('day', now()) - interval '30 days' AS first,
       max(bucket_start) = date_trunc('day', now()) AS last, sum(events)
FROM interact_activity();
SELECT count(*), sum(events) FROM interact_activity(to_time => '2024-03-31 12:00+00');
SELECT count(*), min(bucket_start), sum(events) FROM interact_activity('7 days', to_time => '2024-03-31 12:00+00');
-- Rows of this transaction count.
BEGIN;
INSERT INTO interact_view (user_id, item_id) VALUES (1, 1);
SELECT sum(events) FROM interact_activity();
ROLLBACK;

-- Bad input.
SELECT * FROM interact_activity(NULL);
SELECT * FROM interact_activity('0');
SELECT * FROM interact_activity('-1 day');
SELECT * FROM interact_activity('1 day -1 hour');
SELECT * FROM interact_activity('-1 day 48 hours');
SELECT * FROM interact_activity('1 month -1 day');
SELECT * FROM interact_activity('1 month 1 day');
SELECT * FROM interact_activity('1 year 1 microsecond');
SELECT * FROM interact_activity('1000 years 1 month');
SELECT * FROM interact_activity('2147483647 days');
SELECT * FROM interact_activity('1 day', '2024-03-02', '2024-03-01');
SELECT * FROM interact_activity('1 day', '2024-03-01 00:00:00.000001', '2024-03-01');
SELECT * FROM interact_activity('1 day', '9999-01-01');
SELECT * FROM interact_activity('1 day', 'infinity');
SELECT * FROM interact_activity('1 day', '-infinity');
SELECT * FROM interact_activity('1 day', '-infinity', '2024-03-01');
SELECT * FROM interact_activity('1 day', '2024-03-01', 'infinity');
SELECT * FROM interact_activity('1 day', '2024-03-01', '-infinity');
SELECT * FROM interact_activity(time_zone => 'Europe/Atlantis');
SELECT * FROM interact_activity(time_zone => '');
SELECT * FROM interact_activity(time_zone => repeat('x', 1000));
SELECT * FROM interact_activity(event => 'nonsense');
SELECT * FROM interact_activity(event => '');
-- 10000 buckets are the limit.
SELECT count(*) FROM interact_activity('1 day', '2000-01-01', '2000-01-01'::timestamptz + interval '10000 days');
SELECT count(*) FROM interact_activity('1 day', '2000-01-01', '2000-01-01'::timestamptz + interval '10000 days 1 microsecond');
SELECT count(*) FROM interact_activity('1 day', '2000-01-01 12:00', '2000-01-01'::timestamptz + interval '10000 days 1 microsecond');
SELECT count(*) FROM interact_activity('1 microsecond', '2000-01-01', '2024-01-01');
SELECT count(*) FROM interact_activity('1 month', '4713-01-01 BC', '294276-12-31');
-- The ends of time.
SELECT count(*), max(bucket_start) FROM interact_activity('1000 years', '4001-01-01 BC', '294276-12-31 23:59:59.999999');
SELECT count(*), max(bucket_start) FROM interact_activity('365000 days', '2990-01-01 BC', '294276-12-31 23:59:59.999999', time_zone => 'Europe/Berlin');
SELECT count(*), max(bucket_start) FROM interact_activity('1 day', '294276-12-31 01:00', '294276-12-31 23:59:59.999999', time_zone => 'America/New_York');
SELECT bucket_start FROM interact_activity('1 day', '4714-11-24 BC', '4714-11-25 BC');
SELECT bucket_start FROM interact_activity('1 year', '4713-06-01 BC', '4713-07-01 BC');
SELECT bucket_start FROM interact_activity('1 year', '4714-11-24 BC', '4714-11-25 BC');
SELECT bucket_start FROM interact_activity('1 year', NULL, '4714-11-25 BC');

DROP FUNCTION buckets(interval, timestamptz, timestamptz, text);
SELECT * FROM interact_check();
DROP EXTENSION interact;
