-- interact_rank(), interact_similar_users(), interact_bought_together() and
-- interact_buy_again(), by planted data where the right answer is known.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
SET timezone = 'UTC';
SET intervalstyle = postgres;
\set VERBOSITY default
\set SHOW_CONTEXT never

-- What the planner is told, and that nobody may call them unless granted.
SELECT proname, provolatile, proparallel, proisstrict, proretset, prosecdef, prorows,
       EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner)))
               WHERE grantee = 0) AS public
FROM pg_proc
WHERE proname IN ('interact_rank', 'interact_similar_users', 'interact_bought_together', 'interact_buy_again')
ORDER BY proname COLLATE "C";

-- Nothing yet.
SELECT * FROM interact_rank(1, '{}');
SELECT * FROM interact_rank(1, '{3,1,2}');
SELECT * FROM interact_similar_users(1);
SELECT * FROM interact_bought_together('{1,2}');
SELECT * FROM interact_bought_together('{}');
SELECT * FROM interact_buy_again(1);

SELECT interact_set('recency_floor', '1');

-- interact_rank(). The data of the test of recommend(): 13 0.732539, 11
-- 0.595590, 12 0.261705 for user 1, who has 1 and 2 and dislikes 14 and 15.
SELECT interact_record_view(1, 1, '2024-05-01 10:00'),
       interact_record_view(1, 2, '2024-05-01 11:00'),
       interact_record_view(2, 1, '2024-05-01 10:00'),
       interact_record_view(2, 11, '2024-05-01 10:01'),
       interact_record_view(2, 12, '2024-05-01 10:02'),
       interact_record_view(3, 11, '2024-05-01 09:59'),
       interact_record_view(3, 2, '2024-05-01 10:00'),
       interact_record_purchase(3, 13, at => '2024-05-01 10:05'),
       interact_react(1, 14, 'dislike', '2024-05-01'),
       interact_submit_review(1, 15, 2, at => '2024-05-01');
SELECT item_id, round(score::numeric, 6) AS score FROM recommend(1, 3);
-- All come back: what the walk leads to, what it does not as given, and what
-- is disliked as given.
SELECT item_id, round(score::numeric, 6) AS score, reason, because_item_id, support, rank
FROM interact_rank(1, '{15,99,12,14,98,11,13,97}');
-- As often as they were given.
SELECT item_id, round(score::numeric, 6) AS score, rank FROM interact_rank(1, '{12,99,13,12,99,14,14}');
-- What the user has is ranked too; but neighbours who share a single item lead
-- to others only.
SELECT item_id, round(score::numeric, 6) AS score, rank FROM interact_rank(1, '{1,2}');
-- Another neighbour, who saw 1 and then 2: w_1 and w_2 count, the anchor is the
-- newer 2, and 1 is the first row before it:
--	 w_2 = 3^-0.4 (2 has 3 users), w_1 = 2^-0.5 * 3^-0.4, S(4) = 2^-0.4 *
--	 (w_1 + w_2), score = 0.6 * S(4) * 3^-0.1
BEGIN;
SELECT interact_record_view(4, 1, '2024-05-01 10:00'), interact_record_view(4, 2, '2024-05-01 10:01');
SELECT item_id, round(score::numeric, 6) AS score, reason, because_item_id, support FROM interact_rank(1, '{1,2}');
SELECT round((0.6 * power(2, -0.4) * power(3, -0.4) * (1 + power(2, -0.5)) * power(3, -0.1))::numeric, 6) AS "1";
ROLLBACK;
-- A user without profile gets the order given.
SELECT array_agg(item_id ORDER BY rank) FROM interact_rank(-5, '{15,99,12,14}');
-- The same as recommend(), for a list of all it finds, in any order.
SELECT bool_and(r.score = k.score AND r.n = k.rank AND r.reason = k.reason AND r.support = k.support) AS same
FROM recommend(1, 3) WITH ORDINALITY AS r (item_id, score, reason, because_item_id, support, n)
JOIN interact_rank(1, '{12,11,13}') k USING (item_id);
-- A friend's items.
BEGIN;
INSERT INTO interact_friend (user_id, friend_id) VALUES (-5, 6), (6, -5);
INSERT INTO interact_favorite (user_id, item_id, created_at) VALUES (6, 60, '2024-05-01');
SELECT item_id, round(score::numeric, 6) AS score, reason, because_item_id, support, rank FROM interact_rank(-5, '{59,60}');
SELECT item_id, score, reason FROM interact_rank(-5, '{59,60}', friends_weight => 0);
ROLLBACK;
-- More of the user's own than is read: 14 and 15 are looked up.
BEGIN;
INSERT INTO interact_view (user_id, item_id, viewed_at) SELECT 1, 1000 + i, '2024-05-02' FROM generate_series(1, 20) i;
SELECT interact_set('profile_scan', '10');
SELECT item_id, score, rank FROM interact_rank(1, '{15,99,14}');
ROLLBACK;
SELECT * FROM interact_rank(NULL, '{1}');
SELECT * FROM interact_rank(1, NULL);
SELECT * FROM interact_rank(1, '{1,NULL}');
SELECT * FROM interact_rank(1, '{{1,2}}');
SELECT count(*), max(rank) FROM interact_rank(1, ARRAY(SELECT generate_series(1, 1000)));
SELECT count(*) FROM interact_rank(1, ARRAY(SELECT generate_series(1, 1001)));
SELECT * FROM interact_rank(1, '{1}', -1);
SELECT * FROM interact_rank(1, '{1}', 1001);

-- interact_similar_users(): S(3) = 3^-0.4 * 2^-0.4, S(2) = 2^-0.5 of that; see
-- the test of recommend(). User 1 is no neighbour of himself.
SELECT user_id, round(score::numeric, 6) AS score, shared FROM interact_similar_users(1);
SELECT user_id FROM interact_similar_users(1, 1);
SELECT * FROM interact_similar_users(1, 0);
-- 5 shares both, 4 items in all: 4^-0.4 * 3^-0.4 * (1 + 2^-0.5); 6 dislikes 1.
-- Ties go by user_id: 8 and 7 have the same.
BEGIN;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES
    (5, 1, '2024-05-01'), (5, 2, '2024-05-01'), (5, 30, '2024-05-01'), (5, 31, '2024-05-01');
SELECT interact_react(6, 1, 'dislike', '2024-05-01');
SELECT user_id, round(score::numeric, 6) AS score, shared FROM interact_similar_users(1);
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (8, 2, '2024-05-01'), (7, 2, '2024-05-01');
SELECT user_id, shared FROM interact_similar_users(1);
ROLLBACK;
SELECT * FROM interact_similar_users(2) WHERE user_id = 2;
SELECT * FROM interact_similar_users(-5);
SELECT * FROM interact_similar_users(NULL);
SELECT * FROM interact_similar_users(1, NULL);
SELECT * FROM interact_similar_users(1, -1);
SELECT * FROM interact_similar_users(1, 1001);

-- interact_bought_together(). 101 bought 1, 2 and 3 in one order, later 4; 102
-- bought 1 and 2 at one time without an order id, and 5 in another order; 103
-- bought 1 and, at another time, 3; 104 bought 6 alone, with an order_id that
-- 101 has as well; 105 saw 1 and 7.
TRUNCATE interact_view, interact_purchase, interact_reaction, interact_review;
INSERT INTO interact_purchase (user_id, item_id, order_id, purchased_at) VALUES
    (101, 1, 'a', '2024-05-01 10:00'), (101, 2, 'a', '2024-05-01 10:00'), (101, 3, 'a', '2024-05-01 10:00:01'),
    (101, 4, 'b', '2024-05-02 10:00'),
    (102, 1, NULL, '2024-05-01 11:00'), (102, 2, NULL, '2024-05-01 11:00'), (102, 5, 'c', '2024-05-01 11:00'),
    (103, 1, NULL, '2024-05-01 12:00'), (103, 3, NULL, '2024-05-01 12:01'),
    (104, 6, 'a', '2024-05-01 10:00');
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (105, 1, '2024-05-03'), (105, 7, '2024-05-03');
-- Orders: 2: (3^-0.5 + 2^-0.5) * 2^-0.1 = 1.198449; 3: 3^-0.5 * 2^-0.1
-- = 0.538687. Users: 3 is there already; 5: 102 has 3 items, 4: 101 has 4;
-- both below 3, in their ratio. 6 is the order of another user.
--	 5: 3^-0.5 = 0.577350, 4: 4^-0.5 = 0.5, scaled by 0.538687 / 0.577350
SELECT item_id, round(score::numeric, 6) AS score, reason, because_item_id, support FROM interact_bought_together('{1}');
SELECT round(((power(3, -0.5) + power(2, -0.5)) * power(2, -0.1))::numeric, 6) AS "2", round((power(3, -0.5) * power(2, -0.1))::numeric, 6) AS "3",
       round((0.5 / power(3, -0.5) * power(3, -0.5) * power(2, -0.1))::numeric, 6) AS "4";
-- Of two items, who bought both counts for both: 3: twice 3^-0.5 * 2^-0.1.
SELECT item_id, round(score::numeric, 6) AS score, reason, because_item_id, support FROM interact_bought_together('{1,2}');
SELECT item_id, reason, support FROM interact_bought_together('{4}');
SELECT * FROM interact_bought_together('{6}');
SELECT * FROM interact_bought_together('{7}');
SELECT item_id FROM interact_bought_together('{1}', 2);
SELECT * FROM interact_bought_together('{1}', 0);
SELECT item_id, reason FROM interact_bought_together('{1}', 2, exclude => '{2,3}');
-- Only the latest order with the item: 102 bought 1 again, alone.
BEGIN;
INSERT INTO interact_purchase (user_id, item_id, order_id, purchased_at) VALUES (102, 1, 'd', '2024-06-01');
SELECT item_id, round(score::numeric, 6) AS score, reason, support FROM interact_bought_together('{1}');
ROLLBACK;
-- What the buyer dislikes is no purchase that counts; an item that is but
-- viewed mostly has its buyers found among the viewers.
BEGIN;
SELECT interact_react(103, 3, 'dislike', '2024-05-02'), interact_react(102, 1, 'dislike', '2024-05-02');
SELECT item_id, reason, support FROM interact_bought_together('{1}');
ROLLBACK;
BEGIN;
INSERT INTO interact_view (user_id, item_id, viewed_at) SELECT 200 + u, 1, '2024-05-04' FROM generate_series(1, 900) u;
SELECT item_id, reason, support FROM interact_bought_together('{1}');
INSERT INTO interact_view (user_id, item_id, viewed_at) SELECT 1200 + u, 1, '2024-05-04' FROM generate_series(1, 100) u;
SELECT count(*) AS rows FROM interact_bought_together('{1}');
ROLLBACK;
-- Large orders and orders of many users under one id are read in part.
BEGIN;
INSERT INTO interact_purchase (user_id, item_id, order_id, purchased_at)
SELECT 300, i, 'large', '2024-05-05' FROM generate_series(1000, 1199) i;
SELECT count(*) FROM interact_bought_together('{1000}', 1000) WHERE reason = 'same_order';
ROLLBACK;
SELECT * FROM interact_bought_together(NULL);
SELECT * FROM interact_bought_together('{1,NULL}');
SELECT * FROM interact_bought_together('{{1}}');
SELECT * FROM interact_bought_together('{1}', NULL);
SELECT * FROM interact_bought_together('{1}', -1);
SELECT * FROM interact_bought_together('{1}', 1001);
SELECT * FROM interact_bought_together('{1}', exclude => '{NULL}');

-- interact_buy_again(). User 401 bought 1 every 10 days, three times, 2 once
-- 20 days ago, 3 once, 4 twice in a day. Others bought 2 again after 20, 40 and
-- 60 days (median 40), so with 401 three of four buyers did: again = 3/4. Nobody
-- bought 3 again.
TRUNCATE interact_view, interact_purchase;
INSERT INTO interact_purchase (user_id, item_id, purchased_at) VALUES
    (401, 1, '2024-05-01'), (401, 1, '2024-05-11'), (401, 1, '2024-05-21'),
    (401, 2, '2024-05-16'), (401, 3, '2024-05-16'),
    (401, 4, '2024-05-16 10:00'), (401, 4, '2024-05-16 21:59:59'),
    (402, 2, '2024-01-01'), (402, 2, '2024-01-21'),
    (403, 2, '2024-01-01'), (403, 2, '2024-02-10'),
    (404, 2, '2024-01-01'), (404, 2, '2024-03-01'),
    (405, 3, '2024-01-01');
-- On June 5:
--	 1: (2 + 1) / 15 days, 1.5 times due                         = 0.2
--	 2: 3/4 / 40 * (20/40)^0.25, half way                        = 0.015767
SELECT item_id, round(score::numeric, 6) AS score, round(due::numeric, 4) AS due, last_at, purchases, every
FROM interact_buy_again(401, at => '2024-06-05');
SELECT round((0.75 / 40 * power(0.5, 0.25))::numeric, 6) AS "2";
-- Later purchases are ignored: on May 20 item 1 was bought twice, 9 days ago.
SELECT item_id, round(score::numeric, 6) AS score, round(due::numeric, 4) AS due, purchases, every
FROM interact_buy_again(401, at => '2024-05-20');
SELECT count(*) FROM interact_buy_again(401, at => '2024-04-30');
-- Just bought: due 0, score 0.
SELECT item_id, score, due FROM interact_buy_again(401, 1, at => '2024-05-21', exclude => '{2}');
-- Without "at" it is now, and a purchase of today counts.
SELECT item_id, due > 1 AS overdue FROM interact_buy_again(401);
BEGIN;
SELECT interact_record_purchase(401, 1), interact_record_purchase(401, 2);
SELECT item_id, due < 0.01 AS just_bought, purchases FROM interact_buy_again(401) ORDER BY item_id;
ROLLBACK;
-- 12 hours later it is a repeat: 4 with an interval of 12 hours, due long ago.
BEGIN;
UPDATE interact_purchase SET purchased_at = '2024-05-16 22:00' WHERE user_id = 401 AND item_id = 4 AND purchased_at > '2024-05-16 12:00';
SELECT item_id, purchases, every FROM interact_buy_again(401, at => '2024-06-05');
ROLLBACK;
-- Disliked and excluded items and what does not pass stay out.
BEGIN;
SELECT interact_submit_review(401, 1, 2, at => '2024-05-22');
SELECT item_id FROM interact_buy_again(401, at => '2024-06-05');
ROLLBACK;
SELECT item_id FROM interact_buy_again(401, exclude => '{1}', at => '2024-06-05');
CREATE FUNCTION even(item_id bigint, arg jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT item_id % 2 = 0';
SELECT item_id FROM interact_buy_again(401, filter => 'even(bigint,jsonb)', at => '2024-06-05');
DROP FUNCTION even(bigint, jsonb);
-- Ties go by item_id; at most 100 items, those bought again most often first.
BEGIN;
INSERT INTO interact_purchase (user_id, item_id, purchased_at)
SELECT 410, i, '2024-05-01'::timestamptz + t * interval '10 days' FROM generate_series(1000, 1149) i, generate_series(0, 1 + (i % 2)) t;
SELECT count(*), count(*) FILTER (WHERE purchases = 3) AS thrice, min(item_id) AS first FROM interact_buy_again(410, 1000, at => '2024-06-05');
SELECT array_agg(item_id) FROM interact_buy_again(410, 3, at => '2024-06-05');
SELECT array_agg(item_id) FROM interact_buy_again(410, 3, at => '2024-06-05', exclude => '{1001,1003,1005}');
ROLLBACK;
SELECT * FROM interact_buy_again(-1);
SELECT * FROM interact_buy_again(401, 0);
SELECT * FROM interact_buy_again(NULL);
SELECT * FROM interact_buy_again(401, NULL);
SELECT * FROM interact_buy_again(401, -1);
SELECT * FROM interact_buy_again(401, 1001);
SELECT * FROM interact_buy_again(401, exclude => '{NULL}');
SELECT * FROM interact_buy_again(401, at => 'infinity');
SELECT * FROM interact_buy_again(401, at => '-infinity');

-- The caller's rights: orders and purchases are base tables.
CREATE ROLE related_role;
SELECT interact_grant('related_role', 'read');
SET ROLE related_role;
SELECT item_id FROM interact_buy_again(401, at => '2024-06-05');
SELECT count(*) FROM interact_bought_together('{2}');
SELECT count(*) FROM interact_rank(401, '{1,2}');
SELECT * FROM interact_similar_users(401);
RESET ROLE;
REVOKE SELECT ON interact_purchase FROM related_role;
SET ROLE related_role;
SELECT item_id FROM interact_buy_again(401, at => '2024-06-05');
SELECT count(*) FROM interact_bought_together('{2}');
RESET ROLE;
SELECT interact_grant('related_role', 'read');
ALTER TABLE interact_purchase ENABLE ROW LEVEL SECURITY;
CREATE POLICY p ON interact_purchase TO related_role USING (user_id = 401);
SET ROLE related_role;
SELECT item_id, every FROM interact_buy_again(401, at => '2024-06-05');
RESET ROLE;
DROP POLICY p ON interact_purchase;
ALTER TABLE interact_purchase DISABLE ROW LEVEL SECURITY;
SELECT interact_revoke('related_role', 'read');
SELECT interact_grant('related_role', 'admin');
SET ROLE related_role;
SELECT count(*) FROM interact_similar_users(401);
RESET ROLE;
SELECT interact_revoke('related_role', 'admin');
DROP OWNED BY related_role;
DROP ROLE related_role;
-- A session for one user.
SET interact.user_id = '401';
SELECT count(*) FROM interact_rank(402, '{1}');
SELECT count(*) FROM interact_similar_users(402);
SELECT count(*) FROM interact_buy_again(402);
SELECT count(*) FROM interact_rank(401, '{1}');
RESET interact.user_id;

-- Settings of the session that were changed for a query are as before.
SET enable_seqscan = on;
SHOW enable_seqscan;
SHOW enable_bitmapscan;
-- Own writes count, what is rolled back does not; read-only transactions,
-- snapshots and savepoints.
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT item_id FROM interact_buy_again(401, at => '2024-06-05');
SELECT count(*) FROM interact_bought_together('{2}');
SELECT count(*) FROM interact_rank(401, '{2}');
SELECT count(*) FROM interact_similar_users(401);
COMMIT;
BEGIN;
SAVEPOINT s;
INSERT INTO interact_purchase (user_id, item_id, order_id, purchased_at) VALUES
    (420, 21, 'x', '2024-05-01'), (420, 22, 'x', '2024-05-01'), (421, 22, 'y', '2024-05-01');
SELECT item_id, reason FROM interact_bought_together('{21}');
SELECT user_id, shared FROM interact_similar_users(421);
SELECT item_id, reason FROM interact_rank(421, '{21}');
ROLLBACK TO s;
SELECT count(*) FROM interact_bought_together('{21}');
SELECT count(*) FROM interact_similar_users(421);
SELECT item_id, reason FROM interact_rank(421, '{21}');
COMMIT;
BEGIN;
DECLARE before CURSOR FOR SELECT item_id FROM interact_buy_again(401, at => '2024-06-05');
DELETE FROM interact_purchase WHERE user_id = 401;
SELECT count(*) FROM interact_buy_again(401, at => '2024-06-05');
FETCH ALL FROM before;
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT item_id FROM interact_buy_again(401, at => '2024-06-05');
SELECT count(*) FROM interact_bought_together('{2}');
ROLLBACK;
-- In parallel workers they say the same.
CREATE TABLE asked AS SELECT u AS user_id FROM generate_series(401, 405) u;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
SELECT count(*), sum(b.item_id), sum(b.purchases) FROM asked a, interact_buy_again(a.user_id, at => '2024-06-05') b;
SELECT count(*), sum(b.item_id), sum(b.support) FROM asked a, interact_bought_together(ARRAY[a.user_id - 400]) b;
SELECT count(*), sum(r.rank), sum(r.support) FROM asked a, interact_rank(a.user_id, '{1,2,3,4}') r;
SELECT count(*), sum(r.user_id), sum(r.shared) FROM asked a, interact_similar_users(a.user_id) r;
SET max_parallel_workers_per_gather = 0;
SELECT count(*), sum(b.item_id), sum(b.purchases) FROM asked a, interact_buy_again(a.user_id, at => '2024-06-05') b;
SELECT count(*), sum(b.item_id), sum(b.support) FROM asked a, interact_bought_together(ARRAY[a.user_id - 400]) b;
SELECT count(*), sum(r.rank), sum(r.support) FROM asked a, interact_rank(a.user_id, '{1,2,3,4}') r;
SELECT count(*), sum(r.user_id), sum(r.shared) FROM asked a, interact_similar_users(a.user_id) r;
RESET max_parallel_workers_per_gather;
RESET parallel_leader_participation;
RESET min_parallel_table_scan_size;
RESET parallel_tuple_cost;
RESET parallel_setup_cost;
DROP TABLE asked;

-- statement_timeout ends each of them: 60 users with 3000 pairs each, and
-- settings that read all.
INSERT INTO interact_purchase (user_id, item_id, purchased_at)
SELECT 500 + i % 60, i % 3001, '2024-05-01'::timestamptz + i * interval '1 s' FROM generate_series(1, 60000) i;
SELECT interact_set('hop1_budget', '1000000'), interact_set('hop2_budget', '1000000'), interact_set('window_rows', '10000'), interact_set('profile_items', '1000'), interact_set('neighbours', '10000');
SET statement_timeout = '1ms';
SELECT count(*) FROM generate_series(501, 559) u, recommend(u);
SELECT count(*) FROM generate_series(501, 559) u, interact_rank(u, '{1}');
SELECT count(*) FROM generate_series(501, 559) u, interact_similar_users(u);
SELECT count(*) FROM generate_series(1, 100) i, interact_bought_together(ARRAY[i]);
SELECT count(*) FROM generate_series(501, 559) u, interact_buy_again(u, at => '2024-06-05');
SELECT count(*) FROM generate_series(1, 100) i, interact_similar_items(i);
RESET statement_timeout;

SELECT * FROM interact_check();
DROP EXTENSION interact;
