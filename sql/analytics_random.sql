-- Analytics beside a second formulation of each, on random data over a change
-- of the clock; the indexes they use; whose rows they see.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
SET timezone = 'UTC';
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT interact_define_event('share') IS NOT NULL AS share,
       interact_define_event('love', kind => 'reaction') IS NOT NULL AS love;

-- Row i of a table: the same numbers at every run. Times are full quarters of
-- an hour, so that they tie.
CREATE FUNCTION draw(i bigint, what integer, n integer) RETURNS integer
LANGUAGE sql AS $$ SELECT ((hashint8extended(i, what) & 2147483647) % n)::integer $$;
CREATE FUNCTION draw_time(i bigint, what integer) RETURNS timestamptz
LANGUAGE sql AS $$ SELECT '2024-03-01 00:00+00'::timestamptz + draw(i, what, 96 * 60) * interval '15 minutes' $$;

INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT draw(i, 1, 30), draw(i, 2, 10), draw_time(i, 3) FROM generate_series(1, 600) i;
INSERT INTO interact_favorite (user_id, item_id, created_at)
SELECT draw(i, 11, 30), draw(i, 12, 10), draw_time(i, 13) FROM generate_series(1, 60) i ON CONFLICT DO NOTHING;
INSERT INTO interact_review (user_id, item_id, rating, updated_at)
SELECT draw(i, 21, 30), draw(i, 22, 10), 1 + draw(i, 24, 5), draw_time(i, 23)
FROM generate_series(1, 60) i ON CONFLICT DO NOTHING;
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at)
SELECT draw(i, 31, 30), draw(i, 32, 10), (ARRAY['like', 'dislike', 'love'])[1 + draw(i, 34, 3)], draw_time(i, 33)
FROM generate_series(1, 60) i ON CONFLICT DO NOTHING;
INSERT INTO interact_cart_item (user_id, item_id, quantity, added_at, removed_at, purchased_at)
SELECT draw(i, 41, 30), draw(i, 42, 10), 1 + draw(i, 44, 3), draw_time(i, 43),
       CASE WHEN draw(i, 45, 4) = 0 THEN now() END, CASE WHEN draw(i, 45, 4) = 1 THEN now() END
FROM generate_series(1, 250) i ON CONFLICT DO NOTHING;
INSERT INTO interact_purchase (user_id, item_id, quantity, unit_price, purchased_at)
SELECT draw(i, 51, 30), draw(i, 52, 10), 1 + draw(i, 54, 3), nullif(draw(i, 55, 5), 0) * 1.25, draw_time(i, 53)
FROM generate_series(1, 250) i;
INSERT INTO interact_event (user_id, item_id, event, occurred_at)
SELECT draw(i, 61, 30), draw(i, 62, 10), 'share', draw_time(i, 63) FROM generate_series(1, 60) i;

CREATE TEMP VIEW zone AS
SELECT * FROM unnest('{UTC,Europe/Berlin,America/New_York,Asia/Kolkata}'::text[]) AS z (zone);
-- All rows with the name of their event.
CREATE TEMP VIEW fact AS
SELECT f.*, t.event AS name FROM interact_fact f JOIN interact_event_type t ON t.id = f.event;
SELECT count(*) > 1200 AS facts, min(at)::date AS first, max(at)::date AS last FROM fact;

-- Activity by day, week and month: the calendar of the zone, by date_trunc.
WITH unit (bucket, field) AS (
    VALUES ('1 day'::interval, 'day'), ('1 week', 'week'), ('1 month', 'month'), ('1 year', 'year')),
event (event) AS (SELECT event FROM interact_event_type UNION ALL SELECT NULL),
actual AS (
    SELECT z.zone, u.field, e.event, a.bucket_start, a.events, a.users, a.items, a.revenue
    FROM zone z, unit u, event e,
         interact_activity(u.bucket, '2024-03-05 10:00+00', '2024-04-25 10:00+00', e.event, z.zone) a
    WHERE a.events > 0),
expected AS (
    SELECT z.zone, u.field, e.event, date_trunc(u.field, f.at, z.zone), count(*),
           count(DISTINCT f.user_id), count(DISTINCT f.item_id),
           coalesce(sum(f.total) FILTER (WHERE f.event = 3), 0)
    FROM zone z, unit u, event e, fact f
    WHERE f.at >= '2024-03-05 10:00+00' AND f.at < '2024-04-25 10:00+00'
      AND (e.event IS NULL OR e.event = f.name)
    GROUP BY 1, 2, 3, 4),
difference AS (
    (TABLE actual EXCEPT ALL TABLE expected) UNION ALL (TABLE expected EXCEPT ALL TABLE actual))
SELECT (SELECT count(*) > 1000 FROM actual) AS rows, count(*) AS differences FROM difference;
-- By parts of a day, where the clock does not change: date_bin.
WITH unit (bucket) AS (
    VALUES ('1 hour'::interval), ('15 minutes'), ('6 hours'), ('7 hours'), ('36 hours'), ('3 days')),
actual AS (
    SELECT u.bucket, a.bucket_start, a.events, a.users, a.items
    FROM unit u, interact_activity(u.bucket, '2024-03-05 10:00+00', '2024-04-25 10:00+00', time_zone => 'UTC') a
    WHERE a.events > 0),
expected AS (
    SELECT u.bucket, date_bin(u.bucket, f.at, '2000-01-03 00:00+00'), count(*),
           count(DISTINCT f.user_id), count(DISTINCT f.item_id)
    FROM unit u, fact f
    WHERE f.at >= '2024-03-05 10:00+00' AND f.at < '2024-04-25 10:00+00'
    GROUP BY 1, 2),
difference AS (
    (TABLE actual EXCEPT ALL TABLE expected) UNION ALL (TABLE expected EXCEPT ALL TABLE actual))
SELECT (SELECT count(*) > 1000 FROM actual) AS rows, count(*) AS differences FROM difference;
-- Buckets are in order, of the length that they should have, and nothing falls
-- between them.
SELECT z.zone, u.bucket, count(*) AS buckets, sum(a.events) AS events
FROM zone z, unnest('{1 hour,1 day,1 month}'::interval[]) u (bucket),
     interact_activity(u.bucket, '2024-03-01 00:00+00', '2024-05-01 00:00+00', time_zone => z.zone) a
GROUP BY 1, 2 ORDER BY 2, 1;

-- Of one item.
WITH actual AS (
    SELECT z.zone, i.item, a.*
    FROM zone z, generate_series(0, 9) i (item),
         interact_item_activity(i.item, '1 week', '2024-03-05 10:00+00', '2024-04-25 10:00+00', time_zone => z.zone) a
    WHERE a.events > 0),
expected AS (
    SELECT z.zone, f.item_id::integer, date_trunc('week', f.at, z.zone), count(*), count(DISTINCT f.user_id),
           count(*) FILTER (WHERE name = 'view'), count(*) FILTER (WHERE name = 'favorite'),
           count(*) FILTER (WHERE name = 'cart'), count(*) FILTER (WHERE name = 'purchase'),
           coalesce(sum(f.total) FILTER (WHERE f.event = 3), 0)
    FROM zone z, fact f
    WHERE f.at >= '2024-03-05 10:00+00' AND f.at < '2024-04-25 10:00+00'
    GROUP BY 1, 2, 3),
difference AS (
    (TABLE actual EXCEPT ALL TABLE expected) UNION ALL (TABLE expected EXCEPT ALL TABLE actual))
SELECT (SELECT count(*) > 200 FROM actual) AS rows, count(*) AS differences FROM difference;

-- Active users, day by day.
WITH parameter (period, event) AS (
    VALUES ('30 days'::interval, NULL), ('10 days', 'purchase'), ('3 days', 'share')),
actual AS (
    SELECT z.zone, p.period, a.day, a.daily, a.weekly, a.monthly
    FROM zone z, parameter p,
         interact_active_users('2024-03-20 10:00+00', '2024-04-25 10:00+00', p.period, z.zone, p.event) a),
active AS (
    SELECT DISTINCT z.zone, p.period, f.user_id, (f.at AT TIME ZONE z.zone)::date AS day
    FROM zone z, parameter p, fact f
    WHERE f.at < '2024-04-25 10:00+00' AND (p.event IS NULL OR p.event = f.name)),
expected AS (
    SELECT z.zone, p.period, d.day,
           count(DISTINCT a.user_id) FILTER (WHERE a.day = d.day),
           count(DISTINCT a.user_id) FILTER (WHERE a.day BETWEEN d.day - 6 AND d.day),
           count(DISTINCT a.user_id) FILTER (WHERE a.day > d.day - p.period AND a.day <= d.day)
    FROM zone z CROSS JOIN parameter p
    CROSS JOIN LATERAL (
         SELECT g::date AS day FROM generate_series(
             ('2024-03-20 10:00+00'::timestamptz AT TIME ZONE z.zone)::date,
             ('2024-04-25 10:00+00'::timestamptz AT TIME ZONE z.zone)::date, interval '1 day') g) d
    LEFT JOIN active a ON a.zone = z.zone AND a.period = p.period
    GROUP BY 1, 2, 3),
difference AS (
    (TABLE actual EXCEPT ALL TABLE expected) UNION ALL (TABLE expected EXCEPT ALL TABLE actual))
SELECT (SELECT count(*) > 400 FROM actual) AS rows, count(*) AS differences FROM difference;

-- Retention by week, of users of all kinds and of buyers.
WITH parameter (event) AS (VALUES (NULL), ('purchase'), ('share'), ('like')),
actual AS (
    SELECT z.zone, p.event, r.cohort_start, r.period, r.users, r.retained
    FROM zone z, parameter p,
         interact_retention('2024-03-05 10:00+00', '2024-04-25 10:00+00', '7 days', 4, z.zone, p.event) r
    WHERE r.retained > 0),
visit AS (
    SELECT DISTINCT z.zone, p.event, f.user_id, date_trunc('week', f.at AT TIME ZONE z.zone) AS week,
           date_trunc('week', min(f.at) OVER (PARTITION BY z.zone, p.event, f.user_id) AT TIME ZONE z.zone) AS first,
           min(f.at) OVER (PARTITION BY z.zone, p.event, f.user_id) AS first_at
    FROM zone z, parameter p, fact f
    WHERE f.at < '2024-04-25 10:00+00' AND (p.event IS NULL OR p.event = f.name)),
expected AS (
    SELECT v.zone, v.event, v.first AT TIME ZONE v.zone,
           (extract(day FROM v.week - v.first) / 7)::integer,
           (SELECT count(DISTINCT w.user_id) FROM visit w
             WHERE w.zone = v.zone AND w.event IS NOT DISTINCT FROM v.event AND w.first = v.first
               AND w.first_at >= '2024-03-05 10:00+00'),
           count(DISTINCT v.user_id)
    FROM visit v
    WHERE v.first_at >= '2024-03-05 10:00+00' AND v.week <= v.first + interval '28 days'
    GROUP BY v.zone, v.event, v.first, v.week),
difference AS (
    (TABLE actual EXCEPT ALL TABLE expected) UNION ALL (TABLE expected EXCEPT ALL TABLE actual))
SELECT (SELECT count(*) > 50 FROM actual) AS rows, count(*) AS differences FROM difference;

-- Funnels: is there any way through the steps?
WITH parameter (within) AS (VALUES ('6 hours'::interval), ('5 days'), ('20 days'), (NULL)),
actual AS (
    SELECT b.by_item, p.within, f.step, f.reached, f.users
    FROM unnest('{true,false}'::boolean[]) b (by_item), parameter p,
         interact_funnel('{view,cart,purchase}', '2024-03-05 10:00+00', '2024-04-25 10:00+00', p.within, b.by_item) f),
e AS (
    SELECT b.by_item, user_id, CASE WHEN b.by_item THEN item_id ELSE 0 END AS item_id, at, name
    FROM unnest('{true,false}'::boolean[]) b (by_item), fact
    WHERE at >= '2024-03-05 10:00+00' AND at < '2024-04-25 10:00+00'),
way AS (
    SELECT by_item, user_id, item_id, at AS at1, NULL::timestamptz AS at2, NULL::timestamptz AS at3
    FROM e WHERE name = 'view'
    UNION ALL
    SELECT by_item, user_id, item_id, e1.at, e2.at, NULL
    FROM e e1 JOIN e e2 USING (by_item, user_id, item_id)
    WHERE e1.name = 'view' AND e2.name = 'cart' AND e1.at <= e2.at
    UNION ALL
    SELECT by_item, user_id, item_id, e1.at, e2.at, e3.at
    FROM e e1 JOIN e e2 USING (by_item, user_id, item_id) JOIN e e3 USING (by_item, user_id, item_id)
    WHERE e1.name = 'view' AND e2.name = 'cart' AND e3.name = 'purchase' AND e1.at <= e2.at AND e2.at <= e3.at),
expected AS (
    SELECT w.by_item, p.within, 1 + (at2 IS NOT NULL)::integer + (at3 IS NOT NULL)::integer AS step,
           count(DISTINCT (user_id, item_id)), count(DISTINCT user_id)
    FROM way w, parameter p
    WHERE p.within IS NULL OR coalesce(at3, at2, at1) - at1 <= p.within
    GROUP BY 1, 2, 3),
difference AS (
    (SELECT * FROM actual WHERE reached > 0 EXCEPT ALL TABLE expected) UNION ALL (TABLE expected EXCEPT ALL TABLE actual))
SELECT (SELECT string_agg(format('%s/%s', reached, users), ' ' ORDER BY by_item, within, step) FROM actual) AS rows,
       (SELECT count(*) FROM difference) AS differences;

-- Abandoned carts, a page of three at a time.
CREATE FUNCTION all_pages() RETURNS TABLE (
    page integer, user_id bigint, last_added_at timestamptz, last_id bigint, items bigint, units bigint)
LANGUAGE plpgsql AS $$
DECLARE
    r record;
    n integer;
BEGIN
    page := 0;
    LOOP
        page := page + 1;
        n := 0;
        FOR r IN SELECT * FROM interact_abandoned_carts('1 hour', 3, last_added_at, last_id) LOOP
            n := n + 1;
            user_id := r.user_id;
            last_added_at := r.last_added_at;
            last_id := r.last_id;
            items := r.items;
            units := r.units;
            RETURN NEXT;
        END LOOP;
        EXIT WHEN n < 3;
    END LOOP;
END $$;
WITH actual AS (SELECT user_id, last_added_at, items, units FROM all_pages()),
expected AS (
    SELECT user_id, max(added_at), count(*), sum(quantity) FROM interact_cart_item
    WHERE removed_at IS NULL AND purchased_at IS NULL GROUP BY user_id),
difference AS (
    (TABLE actual EXCEPT ALL TABLE expected) UNION ALL (TABLE expected EXCEPT ALL TABLE actual))
SELECT (SELECT count(*) > 20 FROM actual) AS rows, count(*) AS differences FROM difference;
SELECT count(*) AS out_of_order
FROM (SELECT (last_added_at, last_id) > lag((last_added_at, last_id)) OVER (ORDER BY n) AS wrong
      FROM all_pages() WITH ORDINALITY AS p (page, user_id, last_added_at, last_id, items, units, n)) p
WHERE wrong;

-- The same with parallel workers, with the least memory, and in a worker.
CREATE FUNCTION everything() RETURNS text LANGUAGE sql AS $$
SELECT md5(string_agg(t::text, '|' ORDER BY t::text))
FROM (SELECT a::text FROM interact_activity('6 hours', '2024-03-01', '2024-05-01') a
      UNION ALL SELECT a::text FROM interact_active_users('2024-03-01', '2024-05-01') a
      UNION ALL SELECT a::text FROM interact_retention('2024-03-01', '2024-05-01') a
      UNION ALL SELECT a::text FROM interact_funnel('{view,favorite,cart,purchase}', '2024-03-01', '2024-05-01') a) t
$$;
CREATE TABLE serial AS SELECT everything();
BEGIN;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
SET LOCAL min_parallel_index_scan_size = 0;
SET LOCAL work_mem = '64kB';
SELECT everything() = (SELECT everything FROM serial) AS same;
COMMIT;
BEGIN;
SELECT count(*) FROM (SELECT set_config(name, 'on', true) FROM pg_settings
                      WHERE name IN ('force_parallel_mode', 'debug_parallel_query')) s;
ALTER FUNCTION everything() PARALLEL SAFE;
SELECT everything() = (SELECT everything FROM serial) AS same;
COMMIT;

-- Which indexes a call reads: a range of time those on time, an item and the
-- carts of all users their own. Tables of other events are not read.
TRUNCATE interact_view, interact_favorite, interact_review, interact_reaction,
         interact_cart_item, interact_purchase, interact_event;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT i % 100, i % 50, '2024-01-01'::timestamptz + i * interval '10 minutes' FROM generate_series(1, 12000) i;
INSERT INTO interact_favorite (user_id, item_id, created_at)
SELECT i, i % 50, '2024-01-01'::timestamptz + i * interval '10 minutes' FROM generate_series(1, 12000) i;
INSERT INTO interact_review (user_id, item_id, rating, updated_at)
SELECT i, i % 50, 3, '2024-01-01'::timestamptz + i * interval '10 minutes' FROM generate_series(1, 12000) i;
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at)
SELECT i, i % 50, 'like', '2024-01-01'::timestamptz + i * interval '10 minutes' FROM generate_series(1, 12000) i;
INSERT INTO interact_cart_item (user_id, item_id, added_at)
SELECT i / 2, i % 50, '2024-01-01'::timestamptz + i * interval '10 minutes' FROM generate_series(1, 12000) i;
INSERT INTO interact_purchase (user_id, item_id, purchased_at)
SELECT i % 100, i % 50, '2024-01-01'::timestamptz + i * interval '10 minutes' FROM generate_series(1, 12000) i;
INSERT INTO interact_event (user_id, item_id, event, occurred_at)
SELECT i % 100, i % 50, 'share', '2024-01-01'::timestamptz + i * interval '10 minutes' FROM generate_series(1, 12000) i;
VACUUM ANALYZE interact_view, interact_favorite, interact_review, interact_reaction,
               interact_cart_item, interact_purchase, interact_event;
-- What was scanned since the end of the last transaction that asked.
CREATE FUNCTION scans() RETURNS TABLE (scanned name) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_stat_force_next_flush();
    RETURN QUERY
    SELECT c.relname FROM pg_class c
    WHERE c.relname LIKE 'interact\_%' AND c.relkind IN ('r', 'i')
      AND pg_stat_get_xact_numscans(c.oid) > 0
      -- read to look up names, which a session does once
      AND c.relname NOT LIKE 'interact\_event\_type%'
    ORDER BY c.relname COLLATE "C";
END $$;
SET max_parallel_workers_per_gather = 0;
SELECT count(*) >= 0 AS start FROM scans();
-- One day of 83.
BEGIN;
SELECT events, users, items FROM interact_activity('1 day', '2024-03-01', '2024-03-02');
SELECT * FROM scans();
COMMIT;
BEGIN;
SELECT events, users, items FROM interact_activity('1 day', '2024-03-01', '2024-03-02', 'view');
SELECT * FROM scans();
COMMIT;
BEGIN;
SELECT events, users, items FROM interact_activity('1 day', '2024-03-01', '2024-03-02', 'share');
SELECT * FROM scans();
COMMIT;
BEGIN;
SELECT * FROM interact_active_users('2024-03-01', '2024-03-02', '3 days', event => 'cart');
SELECT * FROM scans();
COMMIT;
BEGIN;
SELECT * FROM interact_funnel('{view,rating}', '2024-03-01', '2024-03-02');
SELECT * FROM scans();
COMMIT;
BEGIN;
SELECT * FROM interact_item_activity(7, '1 day', '2024-03-01', '2024-03-02', 'view');
SELECT * FROM scans();
COMMIT;
BEGIN;
SELECT events FROM interact_item_activity(7, '1 year', '2024-01-01', '2024-06-01', 'purchase');
SELECT * FROM scans();
COMMIT;
BEGIN;
SELECT * FROM interact_abandoned_carts(max_items => 2);
SELECT scanned FROM scans() WHERE scanned IN ('interact_cart_item', 'interact_cart_item_added');
COMMIT;
RESET max_parallel_workers_per_gather;

-- They run with the rights of the caller, who sees what row security lets
-- through; no capability but read includes them.
CREATE ROLE regress_interact_analyst;
CREATE ROLE regress_interact_writer;
SELECT interact_grant('regress_interact_analyst', 'read');
SELECT interact_grant('regress_interact_writer', 'write');
ALTER TABLE interact_view ENABLE ROW LEVEL SECURITY;
CREATE POLICY few ON interact_view TO regress_interact_analyst USING (user_id < 10);
SET ROLE regress_interact_analyst;
SELECT events, users, items FROM interact_activity('1 day', '2024-03-01', '2024-03-02', 'view');
SELECT reached, users FROM interact_funnel('{view,purchase}', '2024-03-01', '2024-03-02');
RESET ROLE;
SELECT events, users, items FROM interact_activity('1 day', '2024-03-01', '2024-03-02', 'view');
REVOKE SELECT ON interact_purchase FROM regress_interact_analyst;
SET ROLE regress_interact_analyst;
SELECT count(*) FROM interact_activity('1 day', '2024-03-01', '2024-03-02');
RESET ROLE;
SET ROLE regress_interact_writer;
SELECT * FROM interact_activity();
SELECT * FROM interact_item_activity(1);
SELECT * FROM interact_active_users();
SELECT * FROM interact_retention();
SELECT * FROM interact_funnel();
SELECT * FROM interact_abandoned_carts();
RESET ROLE;
-- Objects of the caller's that have the names of ours or of PostgreSQL's do
-- not matter, wherever the extension is.
CREATE SCHEMA interact_other;
ALTER TABLE interact_view DISABLE ROW LEVEL SECURITY;
CREATE TEMP TABLE interact_view (LIKE public.interact_view);
CREATE FUNCTION interact_other.width_bucket(timestamptz, timestamptz[]) RETURNS integer
LANGUAGE sql AS 'SELECT 1 / 0';
SET search_path = pg_temp, interact_other, pg_catalog, public;
SELECT events, users, items FROM interact_activity('1 day', '2024-03-01', '2024-03-02', 'view');
RESET search_path;
DROP TABLE pg_temp.interact_view;
DROP SCHEMA interact_other CASCADE;

SELECT * FROM interact_check();
DROP FUNCTION draw(bigint, integer, integer) CASCADE;
DROP FUNCTION draw_time(bigint, integer), all_pages(), everything(), scans();
DROP TABLE serial;
DROP VIEW fact, zone;
DROP EXTENSION interact CASCADE;
DROP OWNED BY regress_interact_analyst, regress_interact_writer;
DROP ROLE regress_interact_analyst, regress_interact_writer;
