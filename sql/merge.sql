-- A guest becomes a user: interact_merge_users().
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
\set VERBOSITY default
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SELECT interact_define_event('play');

-- Guest 900, user 42, and others around them. Item 1 is the guest's alone,
-- item 2 both have, item 3 is the user's alone.
INSERT INTO interact_view (user_id, item_id, viewed_at, context) VALUES
    (900, 1, '2024-01-01', '{"page": 1}'), (900, 2, '2024-01-02', NULL), (900, 2, '2024-01-03', NULL),
    (42, 2, '2024-01-02', NULL), (42, 3, '2024-01-01', NULL), (7, 2, '2024-01-01', NULL);
INSERT INTO interact_purchase (user_id, item_id, quantity, unit_price, order_id, purchased_at) VALUES
    (900, 1, 2, 10, 'A', '2024-01-01'), (900, 2, 1, 5, 'A', '2024-01-01'), (42, 2, 1, 5, 'B', '2024-01-02');
INSERT INTO interact_event (user_id, item_id, event, value, occurred_at) VALUES
    (900, 2, 'play', 3, '2024-01-01'), (42, 2, 'play', 4, '2024-01-01');
-- earlier, later, another list, another item
INSERT INTO interact_favorite (id, user_id, item_id, list, created_at) VALUES
    (1, 900, 1, 'favorites', '2024-01-01'), (2, 900, 2, 'favorites', '2024-01-01'),
    (3, 900, 2, 'wishlist', '2024-01-05'), (4, 900, 4, 'favorites', '2024-01-09'),
    (5, 42, 2, 'favorites', '2024-01-03'), (6, 42, 3, 'favorites', '2024-01-03'), (7, 42, 4, 'favorites', '2024-01-04');
-- newer without words, older, equally old, alone
INSERT INTO interact_review (id, user_id, item_id, rating, title, comment, created_at, updated_at) VALUES
    (1, 900, 1, 5, 'only', 'guest', '2024-01-01', '2024-01-02'),
    (2, 900, 2, 4, NULL, NULL, '2024-01-05', '2024-01-06'),
    (3, 900, 3, 1, 'older', 'guest', '2024-01-01', '2024-01-02'),
    (4, 900, 4, 2, 'same', 'guest', '2024-01-03', '2024-01-03'),
    (5, 42, 2, 2, 'older', 'user', '2024-01-03', '2024-01-04'),
    (6, 42, 3, 3, 'newer', 'user', '2024-01-02', '2024-01-03'),
    (7, 42, 4, 4, 'same', 'user', '2024-01-03', '2024-01-03');
INSERT INTO interact_reaction (id, user_id, item_id, reaction, created_at) VALUES
    (1, 900, 1, 'like', '2024-01-01'), (2, 900, 2, 'dislike', '2024-01-05'), (3, 900, 3, 'dislike', '2024-01-01'),
    (4, 900, 4, 'like', '2024-01-01'),
    (5, 42, 2, 'like', '2024-01-04'), (6, 42, 3, 'like', '2024-01-02'), (7, 42, 4, 'dislike', '2024-01-01');
-- open in both, open in one, closed in one, more than an integer holds
INSERT INTO interact_cart_item (id, user_id, item_id, quantity, added_at, removed_at, purchased_at) VALUES
    (1, 900, 1, 1, '2024-01-01', NULL, NULL), (2, 900, 2, 2, '2024-01-01', NULL, NULL),
    (3, 900, 3, 3, '2024-01-01', '2024-01-02', NULL), (4, 900, 4, 4, '2024-01-01', NULL, '2024-01-02'),
    (5, 900, 5, 2147483647, '2024-01-05', NULL, NULL),
    (6, 42, 2, 5, '2024-01-03', NULL, NULL), (7, 42, 3, 6, '2024-01-03', NULL, NULL),
    (8, 42, 4, 7, '2024-01-03', NULL, '2024-01-03'), (9, 42, 5, 1, '2024-01-03', NULL, NULL);
-- both follow 7, one follows 8 or 9; they follow each other; 7 follows both,
-- 10 the guest
INSERT INTO interact_friend (id, user_id, friend_id, created_at) VALUES
    (1, 900, 7, '2024-01-01'), (2, 900, 8, '2024-01-02'), (3, 900, 42, '2024-01-03'),
    (4, 42, 7, '2024-01-04'), (5, 42, 9, '2024-01-05'), (6, 42, 900, '2024-01-06'),
    (7, 7, 900, '2024-01-07'), (8, 7, 42, '2024-01-01'), (9, 10, 900, '2024-01-08');
SELECT setval('interact_favorite_id_seq', 100), setval('interact_review_id_seq', 100),
       setval('interact_cart_item_id_seq', 100);
SELECT item_id, event, count, users, units, total, round(hot::numeric, 3) AS hot
  FROM interact_counter AS c WHERE item_id = 2 ORDER BY event;

SELECT interact_merge_users(into_user_id => 42, from_user_id => 900);

-- Views, purchases and events are all there, the user's now.
SELECT user_id, item_id, viewed_at, context FROM interact_view ORDER BY id;
SELECT user_id, item_id, quantity, unit_price, order_id, purchased_at FROM interact_purchase ORDER BY id;
SELECT user_id, item_id, event, value FROM interact_event ORDER BY id;
-- Favorites united, with the earlier time.
SELECT id, user_id, item_id, list, created_at FROM interact_favorite ORDER BY id;
-- The newer review, whole; the user's if they are of one time.
SELECT id, user_id, item_id, rating, title, comment, created_at, updated_at FROM interact_review ORDER BY id;
-- The newer reaction; the user's if they are of one time.
SELECT id, user_id, item_id, reaction, created_at FROM interact_reaction ORDER BY id;
-- Quantities of open rows added, to the largest integer; closed rows are history.
SELECT id, user_id, item_id, quantity, added_at, removed_at, purchased_at FROM interact_cart_item ORDER BY id;
-- Friends united, nobody a friend of himself.
SELECT id, user_id, friend_id, created_at FROM interact_friend ORDER BY id;

-- The guest is gone and users count once. What changed hands is as hot as it
-- was; a review or reaction (events 4 and 6) that replaces the user's counts
-- as the user's activity at that time, and what it replaced is not taken back.
SELECT count(*) FROM interact_affinity WHERE user_id = 900;
SELECT item_id, event, count, users, units, total, round(hot::numeric, 3) AS hot
  FROM interact_counter AS c WHERE item_id = 2 ORDER BY event;
SELECT * FROM interact_check();

-- Again: nothing is left. Unknown users: nothing either.
SELECT interact_merge_users(42, 900) AS again, interact_merge_users(42, 12345) AS unknown,
       interact_merge_users(54321, 12345) AS both_unknown;
-- What the guest does later is merged by the next call.
SELECT interact_record_view(900, 6), interact_add_favorite(900, 2), interact_add_to_cart(900, 2);
SELECT interact_merge_users(42, 900) AS rows;
SELECT quantity FROM interact_cart_item WHERE user_id = 42 AND item_id = 2;

-- Into an account that has nothing yet.
SELECT count(*) AS facts, count(DISTINCT item_id) AS items FROM interact_fact WHERE user_id = 42;
SELECT interact_merge_users(43, 42) AS rows;
SELECT user_id, count(*) AS facts, count(DISTINCT item_id) AS items FROM interact_fact GROUP BY user_id ORDER BY user_id;
SELECT * FROM interact_check();

-- A guest known by a session key keeps the key.
SELECT interact_record_view(interact_user_id('session:4f1c'), 1);
SELECT interact_merge_users(43, interact_find_user_id('session:4f1c')) AS rows;
SELECT interact_user_key(interact_user_id('session:4f1c')) AS key;

-- Errors.
SELECT interact_merge_users(42, 42);
SELECT interact_merge_users(NULL, 42);
SELECT interact_merge_users(42, NULL);
SELECT interact_merge_users(NULL, NULL);
-- A session restricted to a user could take what is anybody's: refused.
SET interact.user_id = '43';
SELECT interact_merge_users(43, 42);
SELECT interact_merge_users(42, 43);
SELECT interact_merge_users(43, 43);
SET interact.user_id = '';
BEGIN READ ONLY;
SELECT interact_merge_users(42, 43);
ROLLBACK;

-- All or nothing.
BEGIN;
SELECT interact_merge_users(42, 43) AS rows;
SELECT count(*) > 0 AS moved FROM interact_view WHERE user_id = 42;
ROLLBACK;
SELECT count(*) AS moved FROM interact_view WHERE user_id = 42;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no friends today''; END';
CREATE TRIGGER refuse BEFORE UPDATE ON interact_friend FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT interact_merge_users(42, 43);
DROP TRIGGER refuse ON interact_friend;
DROP FUNCTION refuse;
SELECT count(*) AS moved FROM interact_view WHERE user_id = 42;

-- With one snapshot for the transaction.
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT interact_merge_users(42, 43) AS rows;
SELECT count(*) FROM interact_affinity WHERE user_id = 43;
COMMIT;
SELECT * FROM interact_check();

-- Other changes of a row count as activity only as far as they make it later.
CREATE VIEW hot AS
SELECT round(hot::numeric, 3) AS hot FROM interact_counter AS c WHERE c.item_id = 70 AND c.event = 4;
INSERT INTO interact_review (user_id, item_id, rating, updated_at) VALUES (1, 70, 3, '2024-03-01');
TABLE hot;
UPDATE interact_review SET rating = 4 WHERE item_id = 70;
TABLE hot;
UPDATE interact_review SET updated_at = '2024-02-01' WHERE item_id = 70;
TABLE hot;
UPDATE interact_review SET updated_at = '2024-03-16' WHERE item_id = 70;
TABLE hot;
SELECT * FROM interact_check();
DROP VIEW hot;

DROP EXTENSION interact;
