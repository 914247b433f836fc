-- Ranges of the indexes of interact_affinity that go over several pages, in both
-- directions, compared with plain SQL: while the pages fill, with dead entries,
-- without them, and with rows that only some transactions see.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
SET timezone = 'UTC';

-- Users of 300 items each, twice as many as fit on a page; of each item more
-- users than fit on one. Few times, so that they tie.
CREATE FUNCTION draw(stream integer, n bigint, below integer) RETURNS integer
LANGUAGE sql IMMUTABLE AS
$$ SELECT ((hashint8extended(n, stream) & 2147483647) % below)::integer $$;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT u, i, '2024-05-01'::timestamptz + draw(1, u * 1000 + i, 200) * interval '1 hour'
  FROM generate_series(1, 240) AS u, generate_series(1, 400) AS i
 WHERE draw(2, u * 1000 + i, 4) > 0;
SELECT min(n) > 250 AS pages_of_users, (SELECT min(n) > 120
  FROM (SELECT count(*) AS n FROM interact_affinity GROUP BY item_id) AS i) AS pages_of_items
  FROM (SELECT count(*) AS n FROM interact_affinity GROUP BY user_id) AS u;

-- No bound but the window: support is how many users of the item have another
-- one within it.
SELECT interact_set('hop1_budget', '1000000'), interact_set('hop2_budget', '1000000'),
       interact_set('neighbours', '10000'), interact_set('window_rows', '100');

-- The same in plain SQL: rows not before the user's time with the item, oldest
-- first, and those before it, newest first.
CREATE FUNCTION expected(anchor bigint) RETURNS TABLE (item_id bigint, support bigint)
LANGUAGE sql STABLE AS $$
    SELECT r.item_id, count(*)
      FROM interact_affinity AS a
     CROSS JOIN LATERAL (
           (SELECT b.item_id FROM interact_affinity AS b
             WHERE b.user_id = a.user_id AND b.last_at >= a.last_at AND b.item_id <> a.item_id
             ORDER BY b.last_at, b.item_id DESC LIMIT 100)
           UNION ALL
           (SELECT b.item_id FROM interact_affinity AS b
             WHERE b.user_id = a.user_id AND b.last_at < a.last_at AND b.item_id <> a.item_id
             ORDER BY b.last_at DESC, b.item_id LIMIT 100)) AS r
     WHERE a.item_id = anchor
     GROUP BY r.item_id
$$;
-- Number of differences for some items, and what was compared
CREATE FUNCTION differences() RETURNS TABLE (differ bigint, compared bigint)
LANGUAGE sql STABLE AS $$
    WITH e AS (SELECT anchor, f.* FROM unnest('{1,133,400}'::bigint[]) AS anchor, expected(anchor) AS f),
         r AS (SELECT anchor, f.item_id, f.support
                 FROM unnest('{1,133,400}'::bigint[]) AS anchor,
                      recommend_for_items(ARRAY[anchor], 1000) AS f
                WHERE f.reason = 'similar_users')
    SELECT count(*) FILTER (WHERE e.support IS DISTINCT FROM r.support), count(*)
      FROM e FULL JOIN r ON r.anchor = e.anchor AND r.item_id = e.item_id
$$;
SELECT * FROM differences();

-- Dead entries: a third of the pairs move in time.
BEGIN;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT user_id, item_id, last_at + draw(3, user_id * 1000 + item_id, 50) * interval '1 hour'
  FROM interact_affinity
 WHERE draw(4, user_id * 1000 + item_id, 3) = 0;
SELECT * FROM differences();
COMMIT;
SELECT * FROM differences();
-- Now those that are dead to all may have been marked.
SELECT * FROM differences();

-- Rows that go again
BEGIN;
DELETE FROM interact_view WHERE draw(5, user_id * 1000 + item_id, 5) = 0;
SELECT * FROM differences();
SAVEPOINT s;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT u, i, '2024-05-03'::timestamptz + draw(6, u * 1000 + i, 24) * interval '1 minute'
  FROM generate_series(1, 50) AS u, generate_series(401, 500) AS i;
SELECT * FROM differences();
ROLLBACK TO s;
SELECT * FROM differences();
ROLLBACK;
SELECT * FROM differences();

-- Whole users vanish, and their pages with them.
DELETE FROM interact_view WHERE user_id BETWEEN 40 AND 120;
SELECT * FROM differences();
VACUUM interact_affinity;
SELECT * FROM differences();
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT u, i, '2024-05-01'::timestamptz + draw(7, u * 1000 + i, 300) * interval '1 hour'
  FROM generate_series(60, 100) AS u, generate_series(1, 400) AS i
 WHERE draw(8, u * 1000 + i, 4) > 0;
SELECT * FROM differences();

-- Serializable transactions lock the pages they read.
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM differences();
SELECT count(*) > 0 AS locked
  FROM pg_locks
 WHERE pid = pg_backend_pid() AND mode = 'SIReadLock'
   AND relation IN ('interact_affinity_user'::regclass, 'interact_affinity_item'::regclass);
COMMIT;

-- Versions of one row of the counter that do not fit on its page: its primary
-- key holds them in posting lists.
BEGIN;
SELECT count(interact_record_view(u, i)) AS views
  FROM generate_series(1001, 6000) AS u, generate_series(1001, 1003) AS i;
SELECT item_id, count, users FROM interact_popular(1000)
 WHERE item_id BETWEEN 1001 AND 1003 ORDER BY item_id;
SELECT item_id, count FROM interact_popular(1000, event => 'view')
 WHERE item_id BETWEEN 1001 AND 1003 ORDER BY item_id;
ROLLBACK;
SELECT count(*) FROM interact_popular(1000) WHERE item_id > 1000;

-- Nothing at all
TRUNCATE interact_view;
SELECT * FROM differences();
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM recommend(1);
COMMIT;
SELECT * FROM interact_check();

DROP FUNCTION differences();
DROP FUNCTION expected(bigint);
DROP FUNCTION draw(integer, bigint, integer);
DROP EXTENSION interact;
