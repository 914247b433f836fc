-- The best rated items, by small hand-computed data, and the sums over all
-- ratings that they are measured by.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
SET timezone = 'UTC';
\set SHOW_CONTEXT never

-- Nothing rated yet.
SELECT * FROM interact_top_rated();
SELECT count, users, total FROM interact_catalogue;
SELECT interact_record_view(1, 7);
SELECT * FROM interact_top_rated();

-- Ten ratings of four items, 41 points: mean 4.1, weight 10 / 4 = 2.5, and so
-- 10.25 points from the start. 1: (10.25 + 20) / 6.5; 2: (10.25 + 5) / 3.5,
-- though its mean is that of 1; 3: (10.25 + 13) / 5.5; 4: (10.25 + 3) / 4.5.
INSERT INTO interact_review (user_id, item_id, rating) VALUES
    (1, 1, 5), (2, 1, 5), (3, 1, 5), (4, 1, 5), (1, 2, 5),
    (1, 3, 4), (2, 3, 4), (3, 3, 5), (1, 4, 1), (2, 4, 2);
SELECT count, users, total FROM interact_catalogue;
SELECT item_id, round(score::numeric, 6) AS score, rating_avg, ratings FROM interact_top_rated();
SELECT item_id FROM interact_top_rated(1);
SELECT item_id FROM interact_top_rated(min_ratings => 2);
SELECT item_id FROM interact_top_rated(10, 4);
SELECT item_id FROM interact_top_rated(10, 5);
SELECT item_id FROM interact_top_rated(10, 2147483647);
SELECT count(*) FROM interact_top_rated(0);
SELECT count(*) FROM interact_top_rated(1000);

-- A fifth item as good as the second comes after it; the first, whose id is
-- less, before it. 46 points of 11 ratings of 5 items: weight 2.2, 9.2 points.
-- 1: 29.2 / 6.2; -2, 2, 5: 14.2 / 3.2.
INSERT INTO interact_review (user_id, item_id, rating) VALUES (1, 5, 5);
SELECT item_id, round(score::numeric, 6) AS score, rating_avg, ratings FROM interact_top_rated();
UPDATE interact_review SET item_id = -2 WHERE item_id = 5;
SELECT item_id, round(score::numeric, 6) AS score FROM interact_top_rated(3);
SELECT item_id FROM interact_top_rated(2);

-- Ratings that change, are taken back, or never were.
BEGIN;
UPDATE interact_review SET rating = 1 WHERE item_id = 1;
SELECT count, users, total FROM interact_catalogue;
SELECT item_id FROM interact_top_rated();
SAVEPOINT s;
DELETE FROM interact_review WHERE item_id IN (2, -2);
SELECT count, users, total FROM interact_catalogue;
SELECT item_id FROM interact_top_rated();
DELETE FROM interact_review;
SELECT count, users, total FROM interact_catalogue;
SELECT * FROM interact_top_rated();
ROLLBACK TO s;
SELECT item_id FROM interact_top_rated();
ROLLBACK;
SELECT item_id FROM interact_top_rated();
SELECT * FROM interact_check();

-- Many items with one and the same rating, as in a young catalogue: the first
-- of them are found without reading all. 3000 is more than any answer.
BEGIN;
INSERT INTO interact_review (user_id, item_id, rating)
SELECT 1, 1000 + i, 5 FROM generate_series(1, 3000) AS i;
CREATE FUNCTION items_read(query text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
    before bigint;
BEGIN
    -- entries read of the lists
    before := pg_stat_get_xact_tuples_returned('interact_counter_rating'::regclass);
    EXECUTE query;
    RETURN pg_stat_get_xact_tuples_returned('interact_counter_rating'::regclass) - before;
END $$;
SELECT item_id, round(score::numeric, 4) AS score, ratings FROM interact_top_rated(4);
SELECT items_read('SELECT FROM interact_top_rated(4)') < 20 AS few;
-- The same with one to seven ratings of each, good and bad ones.
DELETE FROM interact_review WHERE item_id > 1000;
INSERT INTO interact_review (user_id, item_id, rating)
SELECT u, 1000 + i, CASE WHEN u * 20 > (i % 20) * (1 + i / 20 % 7) THEN 5 ELSE 2 END
  FROM generate_series(1, 3000) AS i, LATERAL generate_series(1, 1 + i / 20 % 7) AS u;
SELECT items_read('SELECT FROM interact_top_rated(10)') < 1000 AS not_all;
SELECT count(*) AS differing
  FROM (SELECT ordinality, item_id FROM interact_top_rated(1000) WITH ORDINALITY
        EXCEPT
        SELECT row_number() OVER (ORDER BY round((p.weight * p.mean + sum(r.rating)) / (p.weight + count(*)), 10) DESC, r.item_id),
               r.item_id
          FROM interact_review AS r,
               (SELECT avg(rating) AS mean, count(*)::numeric / count(DISTINCT item_id) AS weight FROM interact_review) AS p
         GROUP BY r.item_id, p.weight, p.mean) AS d;
ROLLBACK;

-- Numbers carried over that cannot be ratings do no harm.
BEGIN;
INSERT INTO interact_pruned (item_id, event, count, total) VALUES (6, 'rating', 2, 100), (7, 'rating', 3, -2), (8, 'rating', 0, 7);
SELECT item_id, rating_avg, ratings FROM interact_top_rated(3);
SELECT * FROM interact_check();
ROLLBACK;

-- TRUNCATE, and a catalogue that was tampered with.
BEGIN;
TRUNCATE interact_review;
SELECT count(*) FROM interact_catalogue;
SELECT * FROM interact_check();
ROLLBACK;
UPDATE interact_catalogue SET count = 7, users = 1, total = 9;
SELECT what, event, expected, actual FROM interact_check() ORDER BY 1;
SELECT interact_rebuild('counters') AS repaired_counters;
SELECT count, users, total FROM interact_catalogue ORDER BY id;
SELECT * FROM interact_check();
-- A level that is too low is found as well, and raised.
UPDATE interact_counter SET rating_level = 49 WHERE event = 4 AND item_id = 1;
SELECT what, item_id, event FROM interact_check();
SELECT interact_rebuild('counters') AS repaired_counters;
SELECT rating_level FROM interact_counter WHERE event = 4 AND item_id = 1;

-- Bad input.
SELECT * FROM interact_top_rated(NULL);
SELECT * FROM interact_top_rated(-1);
SELECT * FROM interact_top_rated(1001);
SELECT * FROM interact_top_rated(10, NULL);
SELECT * FROM interact_top_rated(10, 0);
SELECT * FROM interact_top_rated(10, -5);

SELECT * FROM interact_check();
DROP EXTENSION interact;
