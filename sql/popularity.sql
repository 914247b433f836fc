-- Popular and trending items and the numbers per item, by small hand-computed
-- data. Weights: view 1, favorite 1.2, cart 1.3, purchase 1.5, rating 1,
-- like 1.2, dislike -1.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
SELECT interact_set('trending_half_life', '7 days') IS NOT NULL AS set;

-- Nothing yet.
SELECT * FROM interact_popular();
SELECT * FROM interact_trending();
SELECT * FROM interact_item_stats;

-- Views: item 10 three by two users, 20 and 30 two each, -5 one.
SELECT interact_record_view(1, 10, at => '2024-05-01 10:00'),
       interact_record_view(1, 10, at => '2024-05-01 11:00'),
       interact_record_view(2, 10, at => '2024-05-01 12:00'),
       interact_record_view(1, 30, at => '2024-05-01 10:00'),
       interact_record_view(2, 30, at => '2024-05-01 11:00'),
       interact_record_view(1, 20, at => '2024-05-01 10:00'),
       interact_record_view(1, 20, at => '2024-05-01 11:00'),
       interact_record_view(3, -5, at => '2024-05-01 10:00');
-- Purchases: two lines of 20, one of 40, which has nothing else.
SELECT interact_record_purchase(1, 20, 2, 9.50, at => '2024-05-02 10:00'),
       interact_record_purchase(2, 20, 1, 9.50, at => '2024-05-02 11:00'),
       interact_record_purchase(3, 40, quantity => 5, at => '2024-05-02 12:00');

-- Ties go by item_id, also where max_items cuts them.
SELECT * FROM interact_popular(10, 'view');
SELECT * FROM interact_popular(2, 'view');
SELECT * FROM interact_popular(event => 'purchase');
-- 20: 2 + 2 * 1.5 = 5; 10: 3; 30: 2; 40: 1.5; -5: 1. Users of 20: one viewer,
-- two buyers, the larger number.
SELECT item_id, round(score::numeric, 3) AS score, count, users
FROM interact_popular();
SELECT item_id FROM interact_popular(1);
SELECT count(*) FROM interact_popular(0);
SELECT count(*) FROM interact_popular(1000);

-- Dislikes take no part unless named.
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at) VALUES
    (1, 10, 'dislike', '2024-05-03'), (2, 10, 'dislike', '2024-05-03'),
    (3, 10, 'like', '2024-05-03'), (1, 50, 'dislike', '2024-05-03');
SELECT item_id, round(score::numeric, 3) AS score, count, users
FROM interact_popular(2);
SELECT count(*) FROM interact_popular() WHERE item_id = 50;
SELECT * FROM interact_popular(10, 'dislike');

-- Nor do bad ratings raise an item: ratings whose mean is below 3 take no part
-- unless named, in all time, in a window, and for trends. 75 has one of 2, 76
-- one of 3, 77 a 1 and a 5, 78 a 1, a 5 and a 2, and a view.
BEGIN;
INSERT INTO interact_review (user_id, item_id, rating) VALUES
    (1, 75, 2), (1, 76, 3), (1, 77, 1), (2, 77, 5), (1, 78, 1), (2, 78, 5), (3, 78, 2);
INSERT INTO interact_view (user_id, item_id) VALUES (1, 78);
INSERT INTO interact_reaction (user_id, item_id, reaction) VALUES (1, 79, 'dislike');
SELECT item_id, score, count, users FROM interact_popular() WHERE item_id > 70 ORDER BY item_id;
SELECT item_id, score, count, users FROM interact_popular(since => '1 hour') ORDER BY item_id;
SELECT item_id, round(score::numeric, 3) AS score, count, users FROM interact_trending() WHERE item_id > 70 ORDER BY item_id;
SELECT item_id, score, count, users FROM interact_popular(10, 'rating') ORDER BY item_id;
SELECT item_id, score, count, users FROM interact_popular(10, 'rating', '1 hour') ORDER BY item_id;
SELECT item_id, count FROM interact_trending(10, 'rating') ORDER BY item_id;
SELECT item_id, count FROM interact_trending(10, 'dislike') ORDER BY item_id;
-- A better one turns the mean.
INSERT INTO interact_review (user_id, item_id, rating) VALUES (2, 75, 4);
SELECT item_id, score, count, users FROM interact_popular() WHERE item_id = 75;
ROLLBACK;

-- A custom event, and a change of weight that takes effect at once.
SELECT interact_define_event('share', 4) IS NOT NULL AS defined;
INSERT INTO interact_event (user_id, item_id, event, value, occurred_at)
VALUES (1, 30, 'share', 7, '2024-05-04');
SELECT item_id, round(score::numeric, 3) AS score, count, users
FROM interact_popular(2);
SELECT interact_define_event('share', -4) IS NOT NULL AS changed;
SELECT item_id, round(score::numeric, 3) AS score, count, users
FROM interact_popular(3);
SELECT * FROM interact_popular(10, 'share');

-- Own writes count, those rolled back never did, deleted ones are gone.
BEGIN;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT u, 60, '2024-05-05' FROM generate_series(1, 100) u;
SELECT * FROM interact_popular(1, 'view');
SAVEPOINT s;
DELETE FROM interact_view WHERE item_id = 60 AND user_id > 2;
SELECT * FROM interact_popular(3, 'view');
DELETE FROM interact_view WHERE item_id = 60;
SELECT * FROM interact_popular(1, 'view');
SELECT count(*) FROM interact_item_stats WHERE item_id = 60;
ROLLBACK TO s;
SELECT * FROM interact_popular(1, 'view');
ROLLBACK;
SELECT * FROM interact_popular(1, 'view');

-- The numbers per item. Removed cart rows count for nothing.
INSERT INTO interact_favorite (user_id, item_id, list, created_at) VALUES
    (1, 10, 'favorites', '2024-05-05'), (1, 10, 'wishlist', '2024-05-05');
INSERT INTO interact_review (user_id, item_id, rating, created_at, updated_at) VALUES
    (1, 10, 5, '2024-05-05', '2024-05-05'), (2, 10, 4, '2024-05-05', '2024-05-05'),
    (3, 10, 4, '2024-05-05', '2024-05-05'), (1, 70, 1, '2024-05-05', '2024-05-05');
INSERT INTO interact_cart_item (user_id, item_id, quantity, added_at, removed_at) VALUES
    (1, 20, 1, '2024-05-05', NULL), (2, 20, 3, '2024-05-05', NULL),
    (3, 20, 1, '2024-05-05', '2024-05-06'), (3, 80, 1, '2024-05-05', '2024-05-06');
SELECT item_id, views, viewers, favorites, likes, dislikes, ratings, rating_avg
FROM interact_item_stats ORDER BY item_id;
SELECT item_id, carts, purchases, buyers, units, revenue
FROM interact_item_stats ORDER BY item_id;

-- Trending: the half-life is 7 days, so that 40 events four weeks before one
-- event count 40 / 16 = 2.5, and 4 two weeks before it 4 / 4 = 1.
SELECT interact_define_event('play') IS NOT NULL AS defined;
INSERT INTO interact_event (user_id, item_id, event, occurred_at)
SELECT u, 101, 'play', '2024-05-01'::timestamptz FROM generate_series(1, 40) u
UNION ALL
SELECT u, 102, 'play', '2024-05-15'::timestamptz FROM generate_series(1, 4) u
UNION ALL
SELECT 1, 103, 'play', '2024-05-29'::timestamptz
UNION ALL
SELECT 1, 104, 'play', '2024-05-22'::timestamptz
UNION ALL
SELECT 2, 104, 'play', '2024-05-22'::timestamptz;
SELECT item_id, round((score / min(score) OVER ())::numeric, 6) AS ratio, count, users
FROM interact_trending(10, 'play') ORDER BY round((score / min(score) OVER ())::numeric, 6) DESC, item_id;
SELECT item_id, round((score / min(score) OVER ())::numeric, 6) AS ratio
FROM interact_trending(1, 'play');
SELECT item_id FROM interact_trending(1);
SELECT count(*) FROM interact_trending(0);
-- An event of this moment scores its weight, by name 1.
BEGIN;
INSERT INTO interact_purchase (user_id, item_id) VALUES (9, 90);
INSERT INTO interact_view (user_id, item_id) VALUES (9, 90);
SELECT item_id, round(score::numeric, 3) AS score, count, users FROM interact_trending(1);
SELECT item_id, round(score::numeric, 3) AS score, count, users
FROM interact_trending(1, 'purchase');
ROLLBACK;

-- A window of time counts rows of the base tables from then to now.
BEGIN;
DELETE FROM interact_event;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES
    (1, 10, now() - interval '1 hour'), (1, 10, now() - interval '2 hours'),
    (2, 10, now() - interval '3 days'), (1, 20, now() - interval '1 hour'),
    (2, 20, now() - interval '1 hour'), (1, 30, now() + interval '1 hour');
INSERT INTO interact_purchase (user_id, item_id, purchased_at) VALUES
    (1, 20, now() - interval '1 hour'), (1, 40, now() - interval '2 days');
INSERT INTO interact_favorite (user_id, item_id, created_at) VALUES
    (5, 40, now() - interval '1 hour');
INSERT INTO interact_cart_item (user_id, item_id, added_at, removed_at) VALUES
    (5, 40, now() - interval '1 hour', now()), (6, 40, now() - interval '1 hour', NULL);
INSERT INTO interact_review (user_id, item_id, rating, created_at, updated_at) VALUES
    (7, 40, 5, '2024-05-05', now() - interval '1 hour');
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at) VALUES
    (7, 40, 'like', now() - interval '1 hour'), (8, 40, 'dislike', now() - interval '1 hour');
INSERT INTO interact_event (user_id, item_id, event, occurred_at) VALUES
    (7, 40, 'share', now() - interval '1 hour'), (7, 20, 'play', now() - interval '1 hour');
SELECT * FROM interact_popular(10, 'view', '1 day');
SELECT * FROM interact_popular(10, 'view', '4 days');
SELECT * FROM interact_popular(10, 'purchase', '1 day');
SELECT * FROM interact_popular(10, 'cart', '1 day');
SELECT * FROM interact_popular(10, 'rating', '1 day');
SELECT * FROM interact_popular(10, 'dislike', '1 day');
SELECT * FROM interact_popular(10, 'share', '1 day');
-- 40: 1.2 + 1.3 + 1 + 1.2 = 4.7; 20: 2 + 1.5 + 1 = 4.5; 10: 2.
SELECT item_id, round(score::numeric, 3) AS score, count, users
FROM interact_popular(since => '1 day');
SELECT item_id, round(score::numeric, 3) AS score, count, users
FROM interact_popular(1, since => '1 day');
SELECT count(*) FROM interact_popular(0, since => '1 day');
-- Rows without a time of their own are of this transaction and count.
INSERT INTO interact_view (user_id, item_id) VALUES (9, 90);
SELECT count(*) FROM interact_popular(10, 'view', '1 hour') WHERE item_id = 90;
-- A hundred years are all time, but for the row that is still to come.
SELECT item_id, count FROM interact_popular(10, 'view')
EXCEPT ALL
SELECT item_id, count FROM interact_popular(10, 'view', '100 years');
ROLLBACK;

-- Bad input.
SELECT * FROM interact_popular(NULL);
SELECT * FROM interact_popular(-1);
SELECT * FROM interact_popular(1001);
SELECT * FROM interact_popular(10000000);
SELECT * FROM interact_popular(10, 'nonsense');
SELECT * FROM interact_popular(10, '');
SELECT * FROM interact_popular(10, NULL, '0');
SELECT * FROM interact_popular(10, NULL, '-1 day');
SELECT * FROM interact_popular(10, NULL, '1 month -30 days');
SELECT * FROM interact_popular(10, NULL, '100 years 1 second');
SELECT * FROM interact_popular(0, NULL, '-1 day');
SELECT * FROM interact_trending(NULL);
SELECT * FROM interact_trending(-1);
SELECT * FROM interact_trending(10000000);
SELECT * FROM interact_trending(10, 'nonsense');

-- Nobody but the owner may call them unless granted.
SELECT p.proname
FROM pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
WHERE p.proname IN ('interact_popular', 'interact_trending', 'interact_top_rated') AND a.grantee = 0;

-- Levels stay near what they bound when one transaction changes counters often,
-- as a bulk load does: its own old rows do not hide anything.
DO $$
BEGIN
    FOR i IN 1..100 LOOP
        INSERT INTO interact_view (user_id, item_id, viewed_at)
        SELECT i, item, now() - (100 - i) * interval '4 days' FROM generate_series(1001, 1200) AS item;
    END LOOP;
END
$$;
SELECT count(*), min(count) AS views,
       max(count_level - floor(4 * log(2, count))) BETWEEN 0 AND 8 AS count_levels_near,
       max(hot_level - floor(4 * hot)) BETWEEN 0 AND 8 AS hot_levels_near
  FROM interact_counter WHERE item_id BETWEEN 1001 AND 1200;

-- The same as the rows of the base tables, after everything.
SELECT * FROM interact_check();
