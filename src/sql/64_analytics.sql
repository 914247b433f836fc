-- Analytics: engagement over time, from the base tables, with the rights of
-- the caller. The statements are wide; compiling them (jit) takes longer than
-- it saves.

CREATE FUNCTION @extschema@.interact_activity(
    bucket      interval DEFAULT '1 day',
    from_time   timestamptz DEFAULT NULL,
    to_time     timestamptz DEFAULT NULL,
    event       text DEFAULT NULL,
    time_zone   text DEFAULT NULL,
    OUT bucket_start timestamptz,
    OUT events  bigint,
    OUT users   bigint,
    OUT items   bigint,
    OUT revenue numeric)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'interact_activity'
LANGUAGE C STABLE PARALLEL SAFE ROWS 30 COST 1000000
SET search_path = pg_catalog, pg_temp
SET jit = off;
REVOKE ALL ON FUNCTION @extschema@.interact_activity(interval, timestamptz, timestamptz, text, text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_activity(interval, timestamptz, timestamptz, text, text) IS
'Activity over time: one row per bucket of the range, in order, those without events included.
bucket: length, default 1 day; positive, at most 1000 years, months or years without shorter units. Buckets follow calendar and clock of the time zone: days start at midnight, weeks on Monday, months on the first; multiples are counted from January 2000 or from Monday, 2000-01-03 00:00. A day has 23 or 25 hours where the clock is changed, an hour always has 60 minutes.
from_time, to_time: rows of from_time and later, before to_time. Default of to_time: now; of from_time: the start of the bucket 30 days before to_time. The first and the last bucket hold only what is in the range.
event: only events of this type; null (default): all.
time_zone: name of a time zone; null (default): that of the session.
Result: bucket_start; events: rows; users, items: distinct ones; revenue: sum of quantity * unit_price of purchases.
A review counts when it was last changed. Removed cart rows do not count, nor do views whose rows were pruned.
Errors: bucket null, not positive or mixed, from_time after to_time, a time infinite, unknown event or time zone, more than 10000 buckets.';

CREATE FUNCTION @extschema@.interact_item_activity(
    item_id     bigint,
    bucket      interval DEFAULT '1 day',
    from_time   timestamptz DEFAULT NULL,
    to_time     timestamptz DEFAULT NULL,
    event       text DEFAULT NULL,
    time_zone   text DEFAULT NULL,
    OUT bucket_start timestamptz,
    OUT events  bigint,
    OUT users   bigint,
    OUT views   bigint,
    OUT favorites bigint,
    OUT carts   bigint,
    OUT purchases bigint,
    OUT revenue numeric)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'interact_item_activity'
LANGUAGE C STABLE PARALLEL SAFE ROWS 30 COST 10000
SET search_path = pg_catalog, pg_temp
SET jit = off;
REVOKE ALL ON FUNCTION @extschema@.interact_item_activity(bigint, interval, timestamptz, timestamptz, text, text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_item_activity(bigint, interval, timestamptz, timestamptz, text, text) IS
'Activity of one item over time: one row per bucket of the range, in order, those without events included.
item_id: required. bucket, from_time, to_time, event, time_zone: as for interact_activity().
Result: bucket_start; events: rows of all event types, or of the one asked for; users: distinct ones; views, favorites, carts, purchases: how many of the events are such; revenue: sum of quantity * unit_price of the purchases.
Errors: item_id null, and those of interact_activity().';

CREATE FUNCTION @extschema@.interact_active_users(
    from_time   timestamptz DEFAULT NULL,
    to_time     timestamptz DEFAULT NULL,
    period      interval DEFAULT '30 days',
    time_zone   text DEFAULT NULL,
    event       text DEFAULT NULL,
    OUT day     date,
    OUT daily   bigint,
    OUT weekly  bigint,
    OUT monthly bigint,
    OUT stickiness numeric)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'interact_active_users'
LANGUAGE C STABLE PARALLEL SAFE ROWS 30 COST 1000000
SET search_path = pg_catalog, pg_temp
SET jit = off;
REVOKE ALL ON FUNCTION @extschema@.interact_active_users(timestamptz, timestamptz, interval, text, text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_active_users(timestamptz, timestamptz, interval, text, text) IS
'Active users (DAU, WAU, MAU) and stickiness: one row per day, in order.
from_time, to_time: the days of which any part is in the range; rows of to_time and later do not count. Default of to_time: now; of from_time: 30 days before to_time. Rows before from_time are read as far back as the windows reach.
period: length of the window of monthly; a whole number of days from 1 to 366, default 30.
time_zone: whose days; null (default): that of the session. event: who has an event of this type is active; null (default): of any.
Result: day; daily: distinct users active on the day; weekly: in the 7 days that end with it; monthly: in the period that ends with it; stickiness: daily / monthly, 4 digits, null if nobody was active in the period.
Errors: from_time after to_time, a time infinite, period null or not such a number, unknown event or time zone, more than 10000 days.';

CREATE FUNCTION @extschema@.interact_retention(
    from_time   timestamptz DEFAULT NULL,
    to_time     timestamptz DEFAULT NULL,
    cohort      interval DEFAULT '7 days',
    periods     integer DEFAULT 8,
    time_zone   text DEFAULT NULL,
    event       text DEFAULT NULL,
    OUT cohort_start timestamptz,
    OUT period  integer,
    OUT users   bigint,
    OUT retained bigint,
    OUT retention numeric)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'interact_retention'
LANGUAGE C STABLE PARALLEL SAFE ROWS 30 COST 1000000
SET search_path = pg_catalog, pg_temp
SET jit = off;
REVOKE ALL ON FUNCTION @extschema@.interact_retention(timestamptz, timestamptz, interval, integer, text, text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_retention(timestamptz, timestamptz, interval, integer, text, text) IS
'Retention by cohort: how many of the users who came for the first time in a bucket of the range came again in the buckets after it. One row per cohort and period, in order.
from_time, to_time: rows before to_time count; the cohorts are those of users whose first row is of from_time or later. Default of to_time: now; of from_time: the start of the cohort 30 days before to_time.
cohort: length of a cohort and of a period, a bucket as for interact_activity(), default 7 days.
periods: number of the last period, 0 to 366, default 8. Period 0 is the cohort''s own, 1 the one after it. Periods that begin at to_time or later are left out; one that to_time cuts short counts up to there.
time_zone: whose days; null (default): that of the session. event: only events of this type count, for the first time and for coming again; null (default): all.
Result: cohort_start; period; users: of the cohort; retained: those of them who have a row in the period; retention: retained / users, 4 digits, null if the cohort is empty.
A user whose earlier views were pruned is new.
Errors: those of interact_activity(), periods null or out of range, more than 1000 cohorts.';

CREATE FUNCTION @extschema@.interact_funnel(
    steps       text[] DEFAULT '{view,cart,purchase}',
    from_time   timestamptz DEFAULT NULL,
    to_time     timestamptz DEFAULT NULL,
    within      interval DEFAULT '7 days',
    by_item     boolean DEFAULT true,
    OUT step    integer,
    OUT event   text,
    OUT reached bigint,
    OUT users   bigint,
    OUT step_rate numeric,
    OUT total_rate numeric)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'interact_funnel'
LANGUAGE C STABLE PARALLEL SAFE ROWS 3 COST 1000000
SET search_path = pg_catalog, pg_temp
SET jit = off;
REVOKE ALL ON FUNCTION @extschema@.interact_funnel(text[], timestamptz, timestamptz, interval, boolean) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_funnel(text[], timestamptz, timestamptz, interval, boolean) IS
'Conversion through a sequence of events: one row per step, in order.
steps: 1 to 10 different event types, default view, cart, purchase. A pair of user and item reaches a step with an event of that type at the time of an event by which it reached the step before, or later.
from_time, to_time: all steps are of from_time or later and before to_time. Default of to_time: now; of from_time: 30 days before to_time.
within: most time from the first step to any other; positive, at most 36525 days (a day is 24 hours here, a month 30 days), default 7 days; null: any time. Every event of the first type may be the start.
by_item: true (default): all steps concern the same item; false: any item, so that what reaches a step is a user.
Result: step, from 1; event; reached: pairs (users, if not by_item) that came to the step; users: distinct users among them; step_rate: reached, divided by that of the step before; total_rate: divided by that of the first step; both with 4 digits, null where nothing came to the divisor''s step.
Errors: steps null, empty, too many, unknown or repeated, from_time after to_time, a time infinite, within out of range, by_item null.';

CREATE FUNCTION @extschema@.interact_abandoned_carts(
    older_than  interval DEFAULT '1 day',
    max_items   integer DEFAULT 100,
    before      timestamptz DEFAULT NULL,
    before_id   bigint DEFAULT NULL,
    OUT user_id bigint,
    OUT last_added_at timestamptz,
    OUT last_id bigint,
    OUT items   bigint,
    OUT units   bigint,
    OUT item_ids bigint[])
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'interact_abandoned_carts'
LANGUAGE C STABLE PARALLEL SAFE ROWS 100 COST 1000
SET search_path = pg_catalog, pg_temp
SET jit = off;
REVOKE ALL ON FUNCTION @extschema@.interact_abandoned_carts(interval, integer, timestamptz, bigint) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_abandoned_carts(interval, integer, timestamptz, bigint) IS
'Users with an open cart to which nothing was added for some time, the latest first: a page of them.
older_than: the row added last is older than this; positive, at most 36525 days, default 1 day.
max_items: at most so many users, 0 to 1000, default 100.
before, before_id: last_added_at and last_id of the last row of the page before, for the next one; before alone for rows before a time; null (default): the first page.
Result: user_id; last_added_at, last_id: time and row of interact_cart_item of the latest open addition; items: open rows; units: sum of their quantities; item_ids: their items, the latest first.
A session that the setting interact.user_id restricts to one user gets that user''s cart only.
Errors: older_than null or out of range, max_items null or out of range, before_id without before.';
