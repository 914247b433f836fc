-- What interact_affinity says of pairs: signals, last_at, rating, user_items.
-- Bits: 1 view, 2 favorite, 4 cart, 8 purchase, 16 rating, 32 like,
-- 64 dislike, 128 and up custom.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
SET timezone = 'UTC';
SELECT interact_define_event('share') AS share, interact_define_event('play') AS play,
       interact_define_event('wow', 1, 'reaction') AS wow;
CREATE VIEW pairs AS
SELECT user_id AS u, item_id AS i, last_at, signals, rating AS r, user_items AS n
FROM interact_affinity ORDER BY user_id, last_at DESC, item_id;

-- One bit per kind of event, one row per pair, the latest time of all.
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 10, '2024-05-03');
INSERT INTO interact_favorite (user_id, item_id, list, created_at) VALUES (1, 10, 'a', '2024-05-01');
SELECT * FROM pairs;
INSERT INTO interact_cart_item (user_id, item_id, added_at) VALUES (1, 10, '2024-05-05');
INSERT INTO interact_purchase (user_id, item_id, purchased_at) VALUES (1, 10, '2024-05-04');
SELECT * FROM pairs;
INSERT INTO interact_review (user_id, item_id, rating, created_at, updated_at)
VALUES (1, 10, 4, '2024-05-06', '2024-05-07');
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at) VALUES (1, 10, 'like', '2024-05-06');
SELECT * FROM pairs;
INSERT INTO interact_event (user_id, item_id, event, occurred_at) VALUES
    (1, 10, 'share', '2024-05-01'), (1, 10, 'play', '2024-05-08');
SELECT * FROM pairs;
-- Pruned views are nobody's.
INSERT INTO interact_pruned (item_id, event, count, pruned_at) VALUES (10, 'view', 5, '2024-05-20');
SELECT * FROM pairs;
-- Removals, one kind after the other; each was the latest once.
DELETE FROM interact_event WHERE event = 'play';
SELECT * FROM pairs;
DELETE FROM interact_review;
SELECT * FROM pairs;
DELETE FROM interact_reaction;
SELECT * FROM pairs;
DELETE FROM interact_cart_item;
SELECT * FROM pairs;
DELETE FROM interact_purchase;
SELECT * FROM pairs;
DELETE FROM interact_view;
SELECT * FROM pairs;
DELETE FROM interact_event;
SELECT * FROM pairs;
DELETE FROM interact_favorite;
SELECT * FROM pairs;
DELETE FROM interact_pruned;
SELECT * FROM interact_check();

-- Logs: the last of several rows clears the bit; the time goes back.
INSERT INTO interact_view (id, user_id, item_id, viewed_at) VALUES
    (101, 1, 10, '2024-05-01'), (102, 1, 10, '2024-05-03'), (103, 1, 10, '2024-05-02');
INSERT INTO interact_favorite (user_id, item_id, created_at) VALUES (1, 10, '2024-04-30');
DELETE FROM interact_view WHERE id = 103;
SELECT * FROM pairs;
DELETE FROM interact_view WHERE id = 102;
SELECT * FROM pairs;
DELETE FROM interact_view WHERE id = 101;
SELECT * FROM pairs;
DELETE FROM interact_favorite;
SELECT * FROM pairs;
INSERT INTO interact_event (id, user_id, item_id, event, occurred_at) VALUES
    (101, 1, 10, 'share', '2024-05-01'), (102, 1, 10, 'share', '2024-05-02'),
    (103, 1, 10, 'play', '2024-05-03'), (104, 1, 10, 'play', '2024-05-04');
DELETE FROM interact_event WHERE id IN (101, 104);
SELECT * FROM pairs;
DELETE FROM interact_event WHERE id = 103;
SELECT * FROM pairs;
DELETE FROM interact_event WHERE id = 102;
SELECT * FROM pairs;
INSERT INTO interact_purchase (id, user_id, item_id, purchased_at) VALUES
    (101, 1, 10, '2024-05-01'), (102, 1, 10, '2024-05-02');
DELETE FROM interact_purchase WHERE id = 102;
SELECT * FROM pairs;
DELETE FROM interact_purchase WHERE id = 101;
SELECT * FROM pairs;
SELECT * FROM interact_check();

-- Favorites: on two lists.
INSERT INTO interact_favorite (user_id, item_id, list, created_at) VALUES
    (1, 10, 'a', '2024-05-01'), (1, 10, 'b', '2024-05-02');
DELETE FROM interact_favorite WHERE list = 'b';
SELECT * FROM pairs;
UPDATE interact_favorite SET list = 'c';
SELECT * FROM pairs;
DELETE FROM interact_favorite WHERE list = 'c';
SELECT * FROM pairs;

-- The cart: removed rows count for nothing, bought ones go on counting.
INSERT INTO interact_cart_item (id, user_id, item_id, added_at) VALUES (101, 1, 10, '2024-05-01');
INSERT INTO interact_cart_item (id, user_id, item_id, added_at, removed_at)
VALUES (102, 1, 10, '2024-05-02', '2024-05-03');
SELECT * FROM pairs;
UPDATE interact_cart_item SET purchased_at = '2024-05-04' WHERE id = 101;
SELECT * FROM pairs;
UPDATE interact_cart_item SET removed_at = NULL WHERE id = 102;
SELECT * FROM pairs;
UPDATE interact_cart_item SET removed_at = '2024-05-05', purchased_at = NULL;
SELECT * FROM pairs;
UPDATE interact_cart_item SET quantity = 5, added_at = '2024-05-09';
SELECT * FROM pairs;
UPDATE interact_cart_item SET removed_at = NULL WHERE id = 101;
SELECT * FROM pairs;
DELETE FROM interact_cart_item WHERE id = 102;
SELECT * FROM pairs;
DELETE FROM interact_cart_item;
SELECT * FROM pairs;
SELECT * FROM interact_check();

-- Reactions: another one takes the place of the first, also one of your own.
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at) VALUES (1, 10, 'like', '2024-05-01');
UPDATE interact_reaction SET reaction = 'dislike';
SELECT * FROM pairs;
UPDATE interact_reaction SET reaction = 'wow', created_at = '2024-04-01';
SELECT * FROM pairs;
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at) VALUES (1, 10, 'like', '2024-05-02')
ON CONFLICT (user_id, item_id) DO UPDATE SET reaction = EXCLUDED.reaction, created_at = EXCLUDED.created_at;
SELECT * FROM pairs;
DELETE FROM interact_reaction;
SELECT * FROM pairs;

-- Ratings: the bit does not say the value; created_at is not the time.
INSERT INTO interact_review (user_id, item_id, rating, created_at, updated_at)
VALUES (1, 10, 1, '2024-05-03', '2024-05-01');
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 10, '2024-04-01');
SELECT * FROM pairs;
UPDATE interact_review SET rating = 5;
SELECT * FROM pairs;
UPDATE interact_review SET updated_at = '2024-03-01';
SELECT * FROM pairs;
UPDATE interact_review SET created_at = '2024-05-09';
SELECT * FROM pairs;
DELETE FROM interact_review;
SELECT * FROM pairs;
DELETE FROM interact_view;
SELECT * FROM interact_check();

-- Moving rows to other users and items.
INSERT INTO interact_view (id, user_id, item_id, viewed_at) VALUES
    (201, 1, 10, '2024-05-01'), (202, 1, 10, '2024-05-02');
INSERT INTO interact_review (user_id, item_id, rating, updated_at) VALUES (1, 10, 3, '2024-05-01');
UPDATE interact_view SET user_id = 2 WHERE id = 202;
SELECT * FROM pairs;
UPDATE interact_view SET item_id = 11 WHERE id = 201;
SELECT * FROM pairs;
UPDATE interact_review SET user_id = 2, item_id = 11;
SELECT * FROM pairs;
-- Two rows that change places.
UPDATE interact_view SET user_id = 3 - user_id, item_id = 21 - item_id;
SELECT * FROM pairs;
SELECT * FROM interact_check();
DELETE FROM interact_view;
DELETE FROM interact_review;

-- user_items (n): in order, each row is written with the number so far.
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 1, '2024-05-01');
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 2, '2024-05-02');
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 3, '2024-05-03');
SELECT * FROM pairs;
-- Of an older time: the row itself, and the newest learns it too.
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 4, '2024-04-01');
SELECT * FROM pairs;
-- An old item again, now the newest: as many as before.
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 1, '2024-05-04');
SELECT * FROM pairs;
-- A further view of an old item that is older than its latest: no change.
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 2, '2024-04-15');
SELECT * FROM pairs;
-- The same time as the newest, smaller and larger item.
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 0, '2024-05-04');
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 9, '2024-05-04');
SELECT * FROM pairs;
-- Removals: an old one, the newest one, the newest and another at once.
DELETE FROM interact_view WHERE item_id = 4;
SELECT * FROM pairs;
DELETE FROM interact_view WHERE item_id = 0;
SELECT * FROM pairs;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 1, '2024-05-05'), (1, 1, '2024-05-06');
DELETE FROM interact_view WHERE viewed_at = '2024-05-06' OR item_id IN (3, 9);
SELECT * FROM pairs;
DELETE FROM interact_view WHERE item_id = 2;
SELECT * FROM pairs;
DELETE FROM interact_view;
-- Many at once: the newest knows all, whether times differ, tie or are mixed.
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 1, i, '2024-05-01'::timestamptz + i * interval '1 day' FROM generate_series(4, 1, -1) i;
INSERT INTO interact_purchase (user_id, item_id, purchased_at)
SELECT 2, i, '2024-05-01' FROM generate_series(1, 4) i;
SELECT * FROM pairs;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES
    (1, 5, '2024-05-09'), (1, 6, '2024-05-01'), (1, 4, '2024-05-05'), (2, 4, '2024-05-01'),
    (2, 5, '2024-04-01'), (2, 6, '2024-04-02');
SELECT * FROM pairs;
UPDATE interact_view SET item_id = item_id + 10 WHERE item_id > 2;
SELECT * FROM pairs;
SELECT * FROM interact_check();
DELETE FROM interact_view;
DELETE FROM interact_purchase;

-- The number is kept up to 32767.
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 1, i, '2024-01-01'::timestamptz + i * interval '1 minute' FROM generate_series(1, 32766) i;
SELECT * FROM pairs LIMIT 1;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES
    (1, 32767, '2024-05-01'), (1, 32768, '2024-05-02'), (1, 32769, '2024-05-03'), (1, 32770, '2023-01-01');
SELECT * FROM pairs LIMIT 4;
SELECT n FROM pairs WHERE i = 32770;
SELECT * FROM interact_check();
TRUNCATE interact_view;
SELECT count(*) FROM pairs;

-- Extreme ids and times.
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES
    (9223372036854775807, -9223372036854775808, '4713-01-01 00:00:00+00 BC'),
    (-9223372036854775808, 9223372036854775807, '2000-01-01'), (0, 0, '1999-12-31');
SELECT * FROM pairs;
SELECT item_id, hot, hot_level FROM interact_counter ORDER BY item_id;
SELECT * FROM interact_check();
\set VERBOSITY terse
UPDATE interact_view SET viewed_at = 'infinity';
UPDATE interact_view SET viewed_at = now() + interval '25 hours';
UPDATE interact_view SET viewed_at = '294276-12-31' WHERE user_id = 0;
SELECT * FROM interact_check();
DELETE FROM interact_view;
SELECT (SELECT count(*) FROM interact_affinity) AS pairs, (SELECT count(*) FROM interact_counter) AS counters;

-- Indexes that somebody adds to derived tables: with expressions, of some rows
-- only, unique ones.
CREATE INDEX added_expression ON interact_affinity ((user_id + item_id));
CREATE INDEX added_partial ON interact_affinity (item_id) WHERE user_id % 2 = 0;
CREATE UNIQUE INDEX added_unique ON interact_counter (item_id, event, id);
CREATE INDEX added_partial_counter ON interact_counter (item_id) WHERE count > 2;
INSERT INTO interact_view (user_id, item_id)
SELECT 7000 + i % 4, 7000 FROM generate_series(1, 8) AS i;
SELECT interact_record_view(7000, 7000);
INSERT INTO interact_view (user_id, item_id) VALUES (7000, 7001);
BEGIN;
SET LOCAL enable_seqscan = off;
SELECT user_id, item_id FROM interact_affinity WHERE user_id + item_id = 14001 ORDER BY 1;
SELECT user_id FROM interact_affinity WHERE item_id = 7000 AND user_id % 2 = 0 ORDER BY 1;
SELECT item_id, count FROM interact_counter WHERE item_id IN (7000, 7001) AND count > 2;
COMMIT;
DROP INDEX added_expression, added_partial, added_unique, added_partial_counter;
DELETE FROM interact_view WHERE item_id IN (7000, 7001);

SELECT * FROM interact_check();
DROP VIEW pairs;
