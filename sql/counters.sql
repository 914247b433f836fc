-- The counters, with numbers computed by hand; what interact_check() finds,
-- what interact_rebuild() repairs and interact_compact() merges.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT interact_define_event('share') AS share, interact_define_event('wow', 1, 'reaction') AS wow;
CREATE VIEW counters AS
SELECT item_id AS item, event, count, users, units, total,
       -- may be too high, but not too low
       count < 1 OR count_level >= floor(4 * log(2, greatest(count, 1)::numeric)) AS level
FROM interact_counter ORDER BY item_id, event, id;

-- View: 3 rows, 2 users.
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES
    (1, 10, '2024-05-01'), (1, 10, '2024-05-02'), (2, 10, '2024-05-01');
-- Favorite: 3 rows, 2 users.
INSERT INTO interact_favorite (user_id, item_id, list, created_at) VALUES
    (1, 10, 'a', '2024-05-01'), (1, 10, 'b', '2024-05-01'), (2, 10, 'a', '2024-05-01');
-- Cart: 3 rows that count, 2 users, 1 + 2 + 4 pieces.
INSERT INTO interact_cart_item (user_id, item_id, quantity, added_at, removed_at, purchased_at) VALUES
    (1, 10, 1, '2024-05-01', NULL, NULL), (1, 10, 2, '2024-05-01', NULL, '2024-05-02'),
    (2, 10, 4, '2024-05-01', NULL, NULL), (3, 10, 8, '2024-05-01', '2024-05-02', NULL);
-- Purchase: 4 rows, 3 users, 1 + 2 + 3 + 4 pieces, 0.10 + 2 * 19.99 + 0 + unknown.
INSERT INTO interact_purchase (user_id, item_id, quantity, unit_price, purchased_at) VALUES
    (1, 10, 1, 0.10, '2024-05-01'), (2, 10, 2, 19.99, '2024-05-01'),
    (3, 10, 3, 0, '2024-05-01'), (1, 10, 4, NULL, '2024-05-01');
-- Rating: 3 rows, 5 + 4 + 1 points.
INSERT INTO interact_review (user_id, item_id, rating, updated_at) VALUES
    (1, 10, 5, '2024-05-01'), (2, 10, 4, '2024-05-01'), (3, 10, 1, '2024-05-01');
-- Reactions: one each.
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at) VALUES
    (1, 10, 'like', '2024-05-01'), (2, 10, 'dislike', '2024-05-01'), (3, 10, 'wow', '2024-05-01');
-- A custom event: 4 rows, 2 users, 1.5 - 4 + 0 + unknown.
INSERT INTO interact_event (user_id, item_id, event, value, occurred_at) VALUES
    (1, 10, 'share', 1.5, '2024-05-01'), (1, 10, 'share', -4, '2024-05-01'),
    (2, 10, 'share', 0, '2024-05-01'), (1, 10, 'share', NULL, '2024-05-01');
SELECT * FROM counters;
SELECT * FROM interact_check();

-- Changes, each by hand: one user's first view and one of another's go.
DELETE FROM interact_view WHERE user_id = 1 AND viewed_at = '2024-05-01';
SELECT * FROM counters WHERE event = 0;
DELETE FROM interact_view WHERE user_id = 1;
SELECT * FROM counters WHERE event = 0;
DELETE FROM interact_favorite WHERE list = 'a';
SELECT * FROM counters WHERE event = 1;
UPDATE interact_cart_item SET quantity = quantity * 10;
SELECT * FROM counters WHERE event = 2;
UPDATE interact_cart_item SET removed_at = '2024-05-03', purchased_at = NULL WHERE user_id = 2;
SELECT * FROM counters WHERE event = 2;
UPDATE interact_purchase SET quantity = 10, unit_price = 0.01 WHERE unit_price IS NULL;
SELECT * FROM counters WHERE event = 3;
UPDATE interact_purchase SET unit_price = NULL WHERE user_id = 2;
SELECT * FROM counters WHERE event = 3;
UPDATE interact_review SET rating = rating - 1 WHERE rating > 1;
SELECT * FROM counters WHERE event = 4;
UPDATE interact_reaction SET reaction = 'like' WHERE reaction = 'dislike';
SELECT * FROM counters WHERE event IN (5, 6);
UPDATE interact_event SET value = -value;
SELECT * FROM counters WHERE event = 7;
UPDATE interact_event SET item_id = 20 WHERE user_id = 1 AND value IS NOT NULL;
SELECT * FROM counters WHERE event = 7;
SELECT * FROM interact_check();

-- Carry-over of pruned rows: counts, but has no users, no pieces, no trend.
INSERT INTO interact_pruned (item_id, event, count, total, pruned_at) VALUES
    (10, 'view', 100, 0, '2024-05-01'), (10, 'share', 3, 0.25, '2024-05-01'),
    (30, 'purchase', 7, 70, '2024-05-01'), (30, 'view', 0, 0, '2024-05-01');
SELECT c.*, hot > '-infinity' AS hot FROM counters c
JOIN interact_counter k ON (k.item_id, k.event) = (c.item, c.event)
WHERE (c.item, c.event) IN ((10, 0), (10, 7), (30, 3), (30, 0)) ORDER BY c.item, c.event;
SELECT * FROM interact_check();
UPDATE interact_pruned SET count = count + 1, total = total + 1, pruned_at = '2024-05-02'
WHERE item_id = 30;
UPDATE interact_pruned SET count = 5, total = -0.25 WHERE (item_id, event) = (10, 'share');
UPDATE interact_pruned SET item_id = 31 WHERE (item_id, event) = (30, 'purchase');
UPDATE interact_pruned SET event = 'favorite' WHERE (item_id, event) = (10, 'view');
SELECT * FROM counters WHERE event IN (0, 1, 7) OR item > 20;
SELECT * FROM interact_check();
-- Views that become carry-over leave the count as it is.
WITH gone AS (DELETE FROM interact_view WHERE item_id = 10 RETURNING item_id)
INSERT INTO interact_pruned (item_id, event, count)
SELECT item_id, 'view', count(*) FROM gone GROUP BY item_id;
SELECT * FROM counters WHERE event = 0;
SELECT * FROM interact_check();
DELETE FROM interact_pruned WHERE event = 'view';
SELECT * FROM counters WHERE event = 0;
TRUNCATE interact_pruned;
SELECT * FROM counters WHERE event IN (0, 1, 7) OR item > 20;
SELECT * FROM interact_check();

-- A row that counts nothing goes away, also its trend; one that counts
-- nothing but a value stays as long as that.
DELETE FROM interact_event;
DELETE FROM interact_purchase;
SELECT * FROM counters;
INSERT INTO interact_pruned (item_id, event, count, total, pruned_at) VALUES (40, 'share', 0, 2, '2024-05-01');
SELECT * FROM counters WHERE item = 40;
UPDATE interact_pruned SET total = 0;
SELECT * FROM counters WHERE item = 40;
SELECT * FROM interact_check();
TRUNCATE interact_view, interact_favorite, interact_review, interact_reaction,
    interact_cart_item, interact_purchase, interact_event, interact_pruned;
SELECT * FROM counters;

-- Large numbers.
INSERT INTO interact_purchase (user_id, item_id, quantity, unit_price, purchased_at) VALUES
    (1, 10, 2147483647, 99999999999999999999.99, '2024-05-01'),
    (2, 10, 2147483647, 0.000000000000000001, '2024-05-01');
INSERT INTO interact_pruned (item_id, event, count, pruned_at) VALUES (10, 'purchase', 9000000000000000000, '2024-05-01');
SELECT * FROM counters;
SELECT * FROM interact_check();
DELETE FROM interact_purchase;
DELETE FROM interact_pruned;
SELECT * FROM counters;

-- count_level of a new row is the whole part of 4 * log2(count).
INSERT INTO interact_pruned (item_id, event, count, pruned_at)
SELECT c, 'view', c, '2024-05-01' FROM unnest('{1,2,3,4,5,6,7,8,1023,1024,1000000}'::bigint[]) c;
SELECT item_id AS item, count_level AS level FROM interact_counter WHERE item_id <> 10 ORDER BY 1;
SELECT * FROM interact_check();
TRUNCATE interact_pruned;

-- hot: an event n half-lives (3 days) after 2000-01-01 says n, two of them
-- n + 1, four n + 2; before 2000 it is negative. Removals do not take from it.
SELECT value FROM interact_settings() WHERE name = 'trending_half_life';
CREATE VIEW hots AS
SELECT item_id AS item, hot, hot_level AS level FROM interact_counter ORDER BY item_id, event, id;
ALTER TABLE interact_view ALTER COLUMN id RESTART WITH 1001;
INSERT INTO interact_view (id, user_id, item_id, viewed_at) VALUES
    (1, 1, 1, '2000-01-01'), (2, 1, 2, '2000-01-04'), (3, 1, 3, '2000-01-02 12:00'), (4, 1, 4, '1999-12-29'),
    (5, 1, 5, '2000-01-31'), (6, 2, 5, '2000-01-31'),
    (7, 1, 6, '2000-01-31'), (8, 1, 6, '2000-01-31'), (9, 1, 6, '2000-02-03');
SELECT * FROM hots;
INSERT INTO interact_view (id, user_id, item_id, viewed_at) VALUES
    (10, 3, 5, '2000-01-31'), (11, 3, 5, '2000-01-31'), (12, 1, 1, '1999-12-29'), (13, 2, 1, '1999-12-29');
SELECT * FROM hots WHERE item IN (1, 5);
DELETE FROM interact_view WHERE id = 11;
SELECT * FROM hots WHERE item = 5;
SELECT * FROM interact_check();
SELECT interact_rebuild('hot') AS repaired;
SELECT item, round(hot::numeric, 9) AS hot FROM hots WHERE item = 5;
SELECT interact_rebuild('hot') AS repaired;
-- Of a thousand rows at once the same as of a thousand, one by one.
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT i, 7, '2000-01-31' FROM generate_series(1, 1024) i;
DO $$ BEGIN
    FOR i IN 1 .. 1024 LOOP
        INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (i, 8, '2000-01-31');
    END LOOP;
END $$;
SELECT item, round(hot::numeric, 9) AS hot, level >= 80 AS level FROM hots WHERE item IN (7, 8);
SELECT * FROM interact_check();
DROP VIEW hots;

-- Damage to pairs: each column, rows that lack and rows too many; what differs
-- is told, by name, and made good.
TRUNCATE interact_view;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 10, '2024-05-01'), (2, 10, '2024-05-02');
INSERT INTO interact_review (user_id, item_id, rating, updated_at) VALUES (1, 10, 4, '2024-04-01');
CREATE FUNCTION repaired(what text) RETURNS bigint LANGUAGE sql AS 'SELECT interact_rebuild(what)';
SELECT * FROM interact_check();
UPDATE interact_affinity SET last_at = '2024-06-01' WHERE user_id = 1;
SELECT * FROM interact_check() ORDER BY 1, 2, 3, 4;
SELECT repaired('counters'), repaired('hot'), repaired('affinity'), repaired('all');
SELECT * FROM interact_check();
UPDATE interact_affinity SET rating = 5 WHERE user_id = 1;
SELECT * FROM interact_check() ORDER BY 1, 2, 3, 4;
SELECT repaired('all'), repaired('all');
-- A bit too few, one too many, one of no event at all; the number of users is
-- that of the rows with the bit, so it differs too.
UPDATE interact_affinity SET signals = 16 WHERE user_id = 1;
SELECT * FROM interact_check() ORDER BY 1, 2, 3, 4;
SELECT repaired('all'), repaired('all');
SELECT * FROM interact_check();
UPDATE interact_affinity SET signals = 3 WHERE user_id = 2;
SELECT * FROM interact_check() ORDER BY 1, 2, 3, 4;
SELECT repaired('all'), repaired('all');
SELECT * FROM interact_check();
UPDATE interact_affinity SET signals = 5 WHERE user_id = 2;
SELECT * FROM interact_check() WHERE what = 'signals';
SELECT repaired('all') > 0 AS repaired;
SELECT * FROM interact_check();
-- A row that lacks.
DELETE FROM interact_affinity WHERE user_id = 1;
SELECT * FROM interact_check() ORDER BY 1, 2, 3, 4;
SELECT repaired('all'), repaired('all');
SELECT * FROM interact_check();
-- A row too many, and one of a pair that has another.
INSERT INTO interact_affinity VALUES (3, 10, 1, '2024-05-01', 1, 0, 1);
SELECT * FROM interact_check() ORDER BY 1, 2, 3, 4;
SELECT repaired('all'), repaired('all');
SELECT * FROM interact_check();
INSERT INTO interact_affinity VALUES (2, 10, 1, '2024-05-03', 2, 3, 1);
SELECT * FROM interact_check() ORDER BY 1, 2, 3, 4;
SELECT repaired('all'), repaired('all');
SELECT * FROM interact_check();
SELECT user_id, item_id, last_at, signals, rating, user_items FROM interact_affinity ORDER BY 1, 2;
-- All of them.
DELETE FROM interact_affinity;
SELECT count(*) FROM interact_check();
SELECT repaired('affinity') AS pairs, repaired('counters') AS counters, repaired('all') AS rest;
SELECT * FROM interact_check();
-- user_items is approximate and no difference, but what the newest row says
-- is put right.
UPDATE interact_affinity SET user_items = 99;
SELECT * FROM interact_check();
SELECT repaired('affinity');
SELECT user_id, item_id, user_items FROM interact_affinity ORDER BY 1, 2;

-- Damage to counters.
UPDATE interact_counter SET count = 1 WHERE event = 0;
SELECT * FROM interact_check() ORDER BY 1, 2, 3, 4;
SELECT repaired('affinity'), repaired('counters'), repaired('all');
UPDATE interact_counter SET users = 5 WHERE event = 0;
SELECT * FROM interact_check() ORDER BY 1, 2, 3, 4;
SELECT repaired('counters'), repaired('all');
UPDATE interact_counter SET units = 1 WHERE event = 4;
SELECT * FROM interact_check() ORDER BY 1, 2, 3, 4;
SELECT repaired('hot'), repaired('all');
UPDATE interact_counter SET total = total - 0.5 WHERE event = 4;
SELECT * FROM interact_check() ORDER BY 1, 2, 3, 4;
SELECT repaired('all'), repaired('all');
UPDATE interact_counter SET hot = 1, hot_level = 4 WHERE event = 4;
SELECT what, user_id, item_id, event, round(expected::numeric, 6) AS expected, actual FROM interact_check();
SELECT repaired('all'), repaired('all');
UPDATE interact_counter SET hot = '-infinity' WHERE event = 4;
SELECT what, user_id, item_id, event, round(expected::numeric, 6) AS expected, actual FROM interact_check();
SELECT repaired('all'), repaired('all');
-- Levels may be too high, but not too low.
UPDATE interact_counter SET count_level = count_level + 8, hot_level = hot_level + 8;
SELECT * FROM interact_check();
UPDATE interact_counter SET count = 1024 WHERE event = 0;
SELECT repaired('all');
INSERT INTO interact_pruned (item_id, event, count, pruned_at) VALUES (10, 'view', 1022, '2024-05-01');
SELECT count, count_level FROM interact_counter WHERE event = 0;
UPDATE interact_counter SET count_level = 38 WHERE event = 0;
SELECT * FROM interact_check() ORDER BY 1, 2, 3, 4;
SELECT repaired('all'), repaired('all');
UPDATE interact_counter SET hot_level = hot_level - 10 WHERE event = 0;
SELECT * FROM interact_check() ORDER BY 1, 2, 3, 4;
SELECT repaired('all'), repaired('all');
SELECT count, count_level, hot_level - floor(4 * hot) AS hot_level FROM interact_counter WHERE event = 0;
DELETE FROM interact_pruned;
-- Too hot is what removals leave; a rebuild takes it off, also the absurd.
UPDATE interact_counter SET hot = hot + 7, hot_level = hot_level + 28 WHERE event = 0;
SELECT * FROM interact_check();
SELECT repaired('hot'), repaired('hot');
UPDATE interact_counter SET hot = 'infinity' WHERE event = 0;
SELECT repaired('hot'), repaired('hot');
UPDATE interact_counter SET hot = 'NaN' WHERE event = 0;
SELECT repaired('hot'), repaired('hot');
SELECT event, round(hot::numeric, 6) AS hot FROM interact_counter ORDER BY event;
SELECT * FROM interact_check();
-- A row that lacks, one too many, one of an event that does not exist.
DELETE FROM interact_counter WHERE event = 4;
SELECT what, user_id, item_id, event, round(expected::numeric, 6) AS expected, actual
FROM interact_check() ORDER BY 1;
SELECT repaired('all'), repaired('all');
SELECT * FROM interact_check();
INSERT INTO interact_counter VALUES (99, 1, 1, 1, 1, 100, 400, 0, 3, 9.5), (99, 1, 0, 0, 0, 1, 4, -1, 30, 3);
SELECT * FROM interact_check() ORDER BY 1, 2, 3, 4;
SELECT repaired('all'), repaired('all');
SELECT * FROM counters;
SELECT * FROM interact_check();
-- All of them, and everything.
DELETE FROM interact_counter;
SELECT repaired('counters'), repaired('all');
TRUNCATE interact_counter, interact_affinity;
SELECT repaired('all'), repaired('all');
SELECT * FROM counters;
SELECT * FROM interact_check();
-- Everything at once, in the transaction that recorded.
BEGIN;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 10, '2024-05-03');
TRUNCATE interact_counter, interact_affinity;
SELECT repaired('all');
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 10, '2024-05-03');
SELECT * FROM counters;
SELECT * FROM interact_check();
ROLLBACK;
SELECT * FROM interact_check();

-- What it says and what it does not take.
\set VERBOSITY default
SET client_min_messages = notice;
UPDATE interact_counter SET count = 7;
UPDATE interact_affinity SET rating = 2;
SELECT interact_rebuild();
SELECT interact_rebuild('affinity');
SELECT interact_rebuild('counters');
SELECT interact_rebuild(NULL);
SELECT interact_rebuild('');
SELECT interact_rebuild('ALL');
SELECT interact_rebuild('nonsense');
SET client_min_messages = warning;
\set VERBOSITY terse

-- Parallel workers audit as well.
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT i, 1000 + i % 97, '2024-05-01' FROM generate_series(11, 3000) i;
ANALYZE interact_view;
\c -
SET client_min_messages = warning;
SET timezone = 'UTC';
\set VERBOSITY terse
SET min_parallel_table_scan_size = 0;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SELECT * FROM interact_check();
SELECT count(*) FROM (SELECT interact_hot_sum(viewed_at) FROM interact_view GROUP BY item_id) s;
RESET min_parallel_table_scan_size;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
DELETE FROM interact_view WHERE item_id >= 1000;

-- Compact. A counter in two, the sums as they were.
SELECT interact_compact();
SELECT * FROM counters;
INSERT INTO interact_counter
SELECT item_id, 1, 1, 1, 0, hot - 1, hot_level, count_level, event, 0 FROM interact_counter WHERE event = 0;
UPDATE interact_counter SET count = count - 1, users = users - 1, hot = hot - 1 WHERE event = 0 AND id <> 1;
SELECT * FROM counters;
SELECT * FROM interact_check();
SELECT interact_compact(), interact_compact();
SELECT * FROM counters;
SELECT * FROM interact_check();
-- In many; and one whose parts cancel each other.
INSERT INTO interact_counter
SELECT 10, 100 + i, 0, 0, 0, '-infinity', -2147483648, -1, 4, i - 10 FROM generate_series(1, 19) i;
INSERT INTO interact_counter VALUES (50, 1, 5, 1, 2, 9, 40, 9, 3, 1.5), (50, 2, -5, -1, -2, 8, 40, -1, 3, -1.5);
UPDATE interact_catalogue SET users = users + 19;
SELECT * FROM interact_check();
SELECT count(*) FROM interact_counter;
SELECT interact_compact(), interact_compact();
SELECT * FROM counters;
SELECT * FROM interact_check();
-- The next recorder merges what lies about, as well.
INSERT INTO interact_counter VALUES (10, 999, 0, 0, 0, '-infinity', -2147483648, -1, 0, 0);
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 10, '2024-05-01');
SELECT * FROM counters;

-- A pair in two that share no bit.
SELECT user_id, item_id, last_at, signals, rating, user_items FROM interact_affinity ORDER BY 1, 2;
INSERT INTO interact_affinity VALUES (1, 10, 1, '2024-04-01', 16, 4, 1);
UPDATE interact_affinity SET signals = 1, rating = 0 WHERE user_id = 1 AND id <> 1;
SELECT * FROM interact_check();
SELECT interact_compact(), interact_compact();
SELECT user_id, item_id, last_at, signals, rating, user_items FROM interact_affinity ORDER BY 1, 2;
SELECT * FROM interact_check();
-- A pair in three that share bits: the users count rows, so they are more
-- until the rows are merged.
INSERT INTO interact_affinity VALUES
    (1, 10, 1, '2024-04-01', 1, 0, 1), (1, 10, 2, '2024-04-02', 17, 4, 1);
SELECT * FROM interact_check() ORDER BY 1, 2, 3, 4;
UPDATE interact_counter SET users = users + CASE event WHEN 0 THEN 2 ELSE 1 END;
SELECT * FROM interact_check();
SELECT interact_compact(), interact_compact();
SELECT user_id, item_id, last_at, signals, rating, user_items FROM interact_affinity ORDER BY 1, 2;
SELECT * FROM counters;
SELECT * FROM interact_check();
-- The same merged by a recorder, and by a removal.
INSERT INTO interact_affinity VALUES (1, 10, 1, '2024-04-01', 1, 0, 1);
UPDATE interact_counter SET users = users + 1 WHERE event = 0;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 10, '2024-05-04');
SELECT * FROM counters;
SELECT * FROM interact_check();
INSERT INTO interact_affinity VALUES (1, 10, 1, '2024-04-01', 1, 0, 1);
UPDATE interact_counter SET users = users + 1 WHERE event = 0;
DELETE FROM interact_view WHERE user_id = 1;
SELECT * FROM counters;
SELECT user_id, item_id, last_at, signals, rating, user_items FROM interact_affinity ORDER BY 1, 2;
SELECT * FROM interact_check();
-- A removal may be taken from a row that did not count what is removed: the
-- row written last in the transaction. What is hot there stays.
BEGIN;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 90, '2024-05-09');
SET LOCAL session_replication_role = replica;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (2, 90, '2024-05-01');
SET LOCAL session_replication_role = origin;
INSERT INTO interact_affinity VALUES (2, 90, 1, '2024-05-01', 1, 0, 1);
INSERT INTO interact_counter
SELECT 90, 1, 1, 1, 0, hot - 8.0 / 3, hot_level + 4, 4, 0, 0 FROM interact_counter WHERE item_id = 90;
SELECT * FROM interact_check();
DELETE FROM interact_view WHERE user_id = 2 AND item_id = 90;
SELECT * FROM counters WHERE item = 90 ORDER BY count;
SELECT * FROM interact_check();
COMMIT;
SELECT interact_compact();
SELECT * FROM counters WHERE item = 90;
SELECT * FROM interact_check();
DROP FUNCTION repaired(text);
DROP VIEW counters;
