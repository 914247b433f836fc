-- Numbers per item and per user, by small hand-computed data.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
SET timezone = 'UTC';
SET datestyle = 'ISO, YMD';
\set SHOW_CONTEXT never

-- Nothing yet.
SELECT * FROM interact_item_stats;
SELECT * FROM interact_item_event_stats;
SELECT * FROM interact_user_stats;
SELECT * FROM interact_item_rating_histogram(1);
SELECT * FROM interact_reaction_counts(1);
SELECT interact_item_last_at(1);

SELECT interact_define_event('share', 2) IS NOT NULL AS share,
       interact_define_event('wow', 1.1, 'reaction') IS NOT NULL AS wow;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES
    (1, 10, '2024-05-01 10:00'), (1, 10, '2024-05-01 11:00'), (2, 10, '2024-05-02 10:00'), (1, 20, '2024-05-03 10:00');
INSERT INTO interact_favorite (user_id, item_id, list, created_at) VALUES
    (1, 10, 'favorites', '2024-05-02'), (1, 10, 'wishlist', '2024-05-02');
INSERT INTO interact_cart_item (user_id, item_id, quantity, added_at, removed_at) VALUES
    (2, 10, 2, '2024-05-02', NULL), (2, 20, 1, '2024-05-03', '2024-05-04 08:00'), (3, 30, 1, '2024-05-09', '2024-05-09');
INSERT INTO interact_purchase (user_id, item_id, quantity, unit_price, purchased_at) VALUES
    (2, 10, 2, 9.50, '2024-05-03'), (2, 40, 1, NULL, '2024-05-03 09:00');
INSERT INTO interact_review (user_id, item_id, rating, created_at, updated_at) VALUES
    (1, 10, 5, '2024-05-04', '2024-05-06'), (2, 10, 4, '2024-05-05', '2024-05-05'), (3, 10, 4, '2024-05-05', '2024-05-05');
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at) VALUES
    (1, 10, 'like', '2024-05-05'), (2, 10, 'wow', '2024-05-05'), (3, 10, 'wow', '2024-05-05'), (3, 20, 'dislike', '2024-05-07');
INSERT INTO interact_event (user_id, item_id, event, value, occurred_at) VALUES
    (3, 50, 'share', 2.5, '2024-05-08'), (3, 50, 'share', 2, '2024-05-07');

-- Per item. 30 was only ever removed from a cart; 50 has events of an own type
-- only. Purchases per view of 10: 1 / 3.
SELECT item_id, views, viewers, favorites, carts, purchases, buyers, units, revenue
  FROM interact_item_stats ORDER BY item_id;
SELECT item_id, likes, dislikes, ratings, rating_avg, conversion, last_activity
  FROM interact_item_stats ORDER BY item_id;
SELECT * FROM interact_item_event_stats ORDER BY item_id, event;

-- Ratings and reactions.
SELECT * FROM interact_item_rating_histogram(10);
SELECT * FROM interact_item_rating_histogram(item_id => 20);
SELECT * FROM interact_reaction_counts(10);
SELECT * FROM interact_reaction_counts(item_id => 20);

-- Per user. The cart was last changed when 20 was removed, a review when it
-- was rated again.
SELECT user_id, first_seen, last_seen, views, favorites, carts, purchases, units, spent, last_purchase
  FROM interact_user_stats ORDER BY user_id;
SELECT user_id, likes, dislikes, reviews, rating_avg, events FROM interact_user_stats ORDER BY user_id;

-- What is taken back, and what an open transaction adds.
BEGIN;
DELETE FROM interact_review WHERE item_id = 10;
DELETE FROM interact_view WHERE item_id = 10;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (4, 60, '2024-06-01');
SELECT item_id, views, viewers, ratings, rating_avg, conversion, last_activity
  FROM interact_item_stats WHERE item_id IN (10, 60) ORDER BY item_id;
SELECT * FROM interact_item_rating_histogram(10);
DELETE FROM interact_event;
SELECT count(*) FROM interact_item_stats WHERE item_id = 50;
ROLLBACK;
-- Views that were pruned count, but are no activity, and convert.
BEGIN;
INSERT INTO interact_pruned (item_id, event, count) VALUES (10, 'view', 7), (70, 'view', 1);
SELECT item_id, views, viewers, conversion, last_activity FROM interact_item_stats WHERE item_id IN (10, 70) ORDER BY item_id;
ROLLBACK;

-- A pair whose rows two transactions changed at once is unsettled until it is
-- written again; its base rows are asked meanwhile.
BEGIN;
UPDATE interact_affinity SET last_at = 'infinity', signals = -2147483648 WHERE user_id = 1 AND item_id = 10;
SELECT last_activity, interact_item_last_at(10) FROM interact_item_stats WHERE item_id = 10;
UPDATE interact_affinity SET last_at = 'infinity', signals = -2147483648;
SELECT last_activity, interact_item_last_at(10) FROM interact_item_stats WHERE item_id = 10;
ROLLBACK;

-- Counters in several rows.
BEGIN;
INSERT INTO interact_counter (item_id, id, count, users, units, hot, hot_level, count_level, event, total) VALUES
    (10, 1, 4, 1, 0, -100, 20000, 40, 0, 0), (10, 2, 1, 1, 3, -100, 20000, 40, 3, 2.5), (80, 1, 2, 1, 0, 1, 4, 4, 0, 0),
    (80, 2, -2, -1, 0, 1, 4, 4, 0, 0);
SELECT item_id, views, viewers, purchases, buyers, units, revenue FROM interact_item_stats WHERE item_id IN (10, 80);
SELECT event, count, users, units, total FROM interact_item_event_stats WHERE item_id IN (10, 80) AND event IN ('view', 'purchase') ORDER BY 1;
ROLLBACK;

-- Conditions and joins reach the indexes, whatever the size of the tables.
CREATE TABLE product (id bigint PRIMARY KEY, name text);
INSERT INTO product SELECT i, 'item ' || i FROM generate_series(1, 1000) AS i;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT i % 50, i, '2024-05-01' FROM generate_series(1, 3000) AS i;
VACUUM (ANALYZE) product;
VACUUM (ANALYZE) interact_view;
VACUUM (ANALYZE) interact_counter;
VACUUM (ANALYZE) interact_affinity;
-- Which relations of ours a query scans, in which way.
CREATE FUNCTION scans(query text) RETURNS TABLE (scan text)
LANGUAGE plpgsql AS $$
DECLARE
    line text;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        scan := coalesce('all of ' || substring(line FROM 'Seq Scan on (interact_\w+)'),
                         substring(line FROM 'Index.* using (interact_\w+)'),
                         substring(line FROM 'Bitmap Index Scan on (interact_\w+)'));
        IF scan IS NOT NULL THEN
            RETURN NEXT;
        END IF;
    END LOOP;
END $$;
SELECT DISTINCT scan FROM scans('SELECT * FROM interact_item_stats WHERE item_id = 10') ORDER BY 1;
SELECT DISTINCT scan FROM scans('SELECT * FROM interact_item_stats WHERE item_id IN (10, 20)') ORDER BY 1;
SELECT DISTINCT scan FROM scans('SELECT * FROM product AS p JOIN interact_item_stats AS s ON s.item_id = p.id WHERE p.id IN (10, 20)') ORDER BY 1;
SELECT DISTINCT scan FROM scans('SELECT * FROM product AS p LEFT JOIN interact_item_stats AS s ON s.item_id = p.id WHERE p.name = ''item 7''') ORDER BY 1;
SELECT DISTINCT scan FROM scans('SELECT * FROM interact_item_event_stats WHERE item_id = 10') WHERE scan !~ 'event_type' ORDER BY 1;
SELECT count(*) > 0 AS all_of_it FROM scans('SELECT * FROM interact_item_stats') WHERE scan = 'all of interact_counter' OR scan = 'interact_counter_pkey';
SET enable_seqscan = off;
-- Of the seven tables, those read by an index condition on the user.
CREATE FUNCTION by_user(query text) RETURNS integer
LANGUAGE plpgsql AS $$
DECLARE
    line text;
    n integer := 0;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
        n := n + (line ~ '^ *Index Cond: \(user_id = ')::integer;
    END LOOP;
    RETURN n;
END $$;
SELECT by_user('SELECT * FROM interact_user_stats WHERE user_id = 1');
SELECT by_user('SELECT * FROM interact_user_stats WHERE user_id = ANY (''{1,2}'')');
SELECT by_user('SELECT * FROM product AS p, LATERAL (SELECT * FROM interact_user_stats AS s WHERE s.user_id = p.id OFFSET 0) AS s WHERE p.id < 3');
DROP FUNCTION by_user(text);
-- The same numbers by way of a join, one by one, and without a condition.
SELECT count(*) FROM
    ((SELECT * FROM interact_item_stats)
     EXCEPT
     (SELECT s.* FROM generate_series(1, 3000) AS p (id) JOIN interact_item_stats AS s ON s.item_id = p.id)) AS d;
RESET enable_seqscan;
SELECT p.id, s.views, s.buyers FROM product AS p LEFT JOIN interact_item_stats AS s ON s.item_id = p.id
 WHERE p.id IN (10, 11) ORDER BY 1;

-- Rights. Numbers of items are anybody's who may read; those of users follow
-- row-level security.
CREATE ROLE regress_stats;
SELECT interact_grant('regress_stats', 'read');
ALTER TABLE interact_review ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON interact_review FOR SELECT TO regress_stats USING (user_id = 1);
ALTER TABLE interact_purchase ENABLE ROW LEVEL SECURITY;
SET ROLE regress_stats;
SELECT item_id, purchases, ratings, rating_avg FROM interact_item_stats WHERE item_id = 10;
SELECT event, count FROM interact_item_event_stats WHERE item_id = 10 AND event = 'wow';
SELECT user_id, purchases, spent, reviews FROM interact_user_stats WHERE user_id IN (1, 2) ORDER BY 1;
SELECT * FROM interact_item_rating_histogram(10);
SELECT * FROM interact_reaction_counts(10);
SELECT interact_item_last_at(10);
RESET ROLE;
SELECT interact_revoke('regress_stats', 'read');
SET ROLE regress_stats;
SELECT * FROM interact_item_stats;
SELECT * FROM interact_user_stats;
SELECT * FROM interact_item_rating_histogram(10);
SELECT * FROM interact_reaction_counts(10);
SELECT interact_item_last_at(10);
RESET ROLE;
ALTER TABLE interact_review DISABLE ROW LEVEL SECURITY;
DROP POLICY own ON interact_review;
ALTER TABLE interact_purchase DISABLE ROW LEVEL SECURITY;

-- Bad input, also on empty tables.
SELECT * FROM interact_item_rating_histogram(NULL);
SELECT * FROM interact_reaction_counts(NULL);
SELECT interact_item_last_at(NULL);
TRUNCATE interact_view, interact_favorite, interact_review, interact_reaction, interact_cart_item, interact_purchase, interact_event;
VACUUM interact_review, interact_counter;
SELECT * FROM interact_item_rating_histogram(NULL);
SELECT * FROM interact_reaction_counts(NULL);

SELECT * FROM interact_check();
DROP FUNCTION scans(text);
DROP TABLE product;
DROP OWNED BY regress_stats;
DROP EXTENSION interact;
DROP ROLE regress_stats;
