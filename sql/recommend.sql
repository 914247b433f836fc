-- recommend(), recommend_for_items() and interact_similar_items(), by planted
-- data where the right answer is known. Weights: view 1, favorite 1.2,
-- cart 1.3, purchase 1.5, rating 1, like 1.2, dislike -1.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
SET timezone = 'UTC';
\set VERBOSITY default
\set SHOW_CONTEXT never

-- What the planner is told, and that nobody may call them unless granted.
SELECT proname, provolatile, proparallel, proisstrict, proretset, prosecdef, prorows,
       EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner)))
               WHERE grantee = 0) AS public
FROM pg_proc
WHERE proname IN ('recommend', 'recommend_for_items', 'interact_similar_items')
ORDER BY proname COLLATE "C";

-- Nothing yet.
SELECT * FROM recommend(1);
SELECT * FROM recommend(1, 1000, false, '{1,2}');
SELECT * FROM recommend_for_items('{1,2}');
SELECT * FROM recommend_for_items('{}');
SELECT * FROM interact_similar_items(1);

-- Scores do not age, so that they can be computed by hand.
SELECT interact_set('recency_floor', '1');


-- The formula. User 1 saw item 1, then item 2; user 2 shares item 1 and went
-- on to 11 and 12; user 3 saw 11, then the shared item 2, then bought 13.
SELECT interact_record_view(1, 1, '2024-05-01 10:00'),
       interact_record_view(1, 2, '2024-05-01 11:00'),
       interact_record_view(2, 1, '2024-05-01 10:00'),
       interact_record_view(2, 11, '2024-05-01 10:01'),
       interact_record_view(2, 12, '2024-05-01 10:02'),
       interact_record_view(3, 11, '2024-05-01 09:59'),
       interact_record_view(3, 2, '2024-05-01 10:00'),
       interact_record_purchase(3, 13, at => '2024-05-01 10:05');
-- Every user has 3 items, but user 1, who has 2; items 1, 2 and 11 have 2
-- users, 12 and 13 have 1.
--	 w_2  = 1 * 1^-0.5 * 2^-0.4            = 0.757858
--	 w_1  = 1 * 2^-0.5 * 2^-0.4            = 0.535887
--	 S(2) = 3^-0.4 * w_1 = 0.644394 * w_1  = 0.345322
--	 S(3) = 3^-0.4 * w_2 = 0.644394 * w_2  = 0.488359
--	 13: user 3, weight 1.5, first after:  0.488359 * 1.5             = 0.732539
--	 11: user 2, first after: 0.345322; user 3, first before: 0.6 * 0.488359
--		 = 0.293016; two users: (0.345322 + 0.293016) * 2^-0.1        = 0.595590
--	 12: user 2, second after:             0.345322 * 2^-0.4          = 0.261705
-- 11 came more from item 1. Nothing is left to fill up with: 1 and 2 are known.
SELECT item_id, round(score::numeric, 6) AS score, reason, because_item_id, support
FROM recommend(1);
SELECT round((power(3, -0.4) * power(2, -0.4) * 1.5)::numeric, 6) AS "13",
       round(((power(3, -0.4) * power(2, -0.9) + 0.6 * power(3, -0.4) * power(2, -0.4))
              * power(2, -0.1))::numeric, 6) AS "11",
       round((power(3, -0.4) * power(2, -0.9) * power(2, -0.4))::numeric, 6) AS "12";
-- For items the last one counts most, users of both are neighbours too, and
-- the exponents are those of sessions: x 1, d_i 0.5, r 0.75.
--	 w_2  = 1 * 2^-0.5 = 0.707107, w_1 = 1/2 * 2^-0.5 = 0.353553
--	 S(3) = 3^-0.4 * w_2 = 0.455655, S(2) = 3^-0.4 * w_1 = 0.227828
--	 13: 0.455655 * 1.5                                 = 0.683483
--	 11: (0.227828 + 0.6 * 0.455655) * 2^-0.1           = 0.467656, now from 2
--	 12: 0.227828 * 2^-0.75                             = 0.135467
SELECT item_id, round(score::numeric, 6) AS score, reason, because_item_id, support
FROM recommend_for_items('{1,2}');
-- Repeated items count once, at their last place.
SELECT item_id, round(score::numeric, 6) AS score
FROM recommend_for_items('{2,1,1,1,2}')
EXCEPT ALL
SELECT item_id, round(score::numeric, 6) AS score
FROM recommend_for_items('{1,2}');
-- The other way round item 1 weighs more:
--	 11: (0.455655 + 0.6 * 0.227828) * 2^-0.1           = 0.552684
--	 13: 0.227828 * 1.5                                 = 0.341742
--	 12: 0.455655 * 2^-0.75                             = 0.270934
SELECT item_id, round(score::numeric, 6) AS score, because_item_id
FROM recommend_for_items('{2,1}');
-- Similar to 11: users 2 and 3, of 3 items each, have one more of each:
--	 12, 13: 3^-0.5 = 0.577350; 1, 2: 3^-0.5 * 2^-0.1 = 0.538687
-- Ties go by item_id, also where max_items cuts them.
SELECT item_id, round(score::numeric, 6) AS score, support
FROM interact_similar_items(11);
SELECT item_id FROM interact_similar_items(11, 1);
SELECT item_id FROM interact_similar_items(11, 3);
-- Similar to 1: user 1, of 2 items, has 2: 2^-0.5 * 2^-0.1 = 0.659754; user 2,
-- of 3 items, has 12: 3^-0.5, and 11: 3^-0.5 * 2^-0.1.
SELECT item_id, round(score::numeric, 6) AS score, support
FROM interact_similar_items(1);
-- An item nobody has is similar to nothing, and is not filled up.
SELECT * FROM interact_similar_items(999);
SELECT * FROM recommend(1, 0);
SELECT * FROM recommend_for_items('{1}', 0);
SELECT * FROM interact_similar_items(1, 0);

-- The clock: at recency_floor 0 an item of one half-life ago counts half.
BEGIN;
SELECT interact_set('recency_floor', '0'), interact_set('recency_half_life', '10 days');
UPDATE interact_view SET viewed_at = now() - interval '10 days'
WHERE user_id = 2 AND item_id = 11;
UPDATE interact_view SET viewed_at = now() - interval '20 days'
WHERE user_id = 2 AND item_id IN (1, 12);
DELETE FROM interact_view WHERE user_id = 3;
DELETE FROM interact_purchase WHERE user_id = 3;
-- 12 and the shared item 1 are of one moment, so 12 has r = 1 and 11 r = 2:
-- 1/4 to 2^-0.4 / 2.
SELECT item_id, round((score / sum(score) OVER ())::numeric, 5) AS share
FROM recommend(1);
SELECT round((0.25 / (0.25 + power(2, -0.4) / 2))::numeric, 5) AS "12";
ROLLBACK;

-- Rows of one moment, such as the lines of an order, share a rank: after item
-- 21 come 22, 23 and 24 at once, r = 2, then 25, r = 4; before it 26, r = 1.
INSERT INTO interact_purchase (user_id, item_id, purchased_at) VALUES
    (4, 26, '2024-05-01 09:00'),
    (4, 24, '2024-05-01 10:00'), (4, 22, '2024-05-01 10:00'),
    (4, 21, '2024-05-01 10:00'), (4, 23, '2024-05-01 10:00'),
    (4, 25, '2024-05-01 11:00');
INSERT INTO interact_purchase (user_id, item_id, purchased_at) VALUES
    (5, 21, '2024-05-01 10:00');
SELECT item_id, round((score / (SELECT score FROM recommend(5) WHERE item_id = 26)
                       * 0.6)::numeric, 6) AS g
FROM recommend(5) WHERE reason = 'similar_users';
SELECT round(power(2, -0.4)::numeric, 6) AS "2", round(power(4, -0.4)::numeric, 6) AS "4";
-- A window of two rows to each side takes the higher ids of one moment.
BEGIN;
SELECT interact_set('window_rows', '2');
SELECT item_id FROM recommend(5) WHERE reason = 'similar_users';
ROLLBACK;
-- Items of one moment share a position in the profile as well: 31, 32 and 33
-- are at x = 0, 34 is at x = 1. Scores against 42, by way of 32, which has 3
-- users: 41 (31 has 2 users) 1.5^0.4 = 1.176079; 44 2^-0.5 times that; 45 is
-- r = 2 of a user of 3 items who shares two: 2 * (2/3)^0.4 * 2^-0.4 = 1.288788,
-- and of these, of equal weight, the first is the reason.
INSERT INTO interact_purchase (user_id, item_id, purchased_at) VALUES
    (6, 31, '2024-05-01 10:00'), (6, 32, '2024-05-01 10:00'), (6, 33, '2024-05-01 10:00'),
    (6, 34, '2024-05-01 09:00');
INSERT INTO interact_purchase (user_id, item_id, purchased_at) VALUES
    (7, 31, '2024-05-01 10:00'), (7, 41, '2024-05-01 11:00'),
    (8, 32, '2024-05-01 10:00'), (8, 42, '2024-05-01 11:00'),
    (9, 33, '2024-05-01 10:00'), (9, 43, '2024-05-01 11:00'),
    (10, 34, '2024-05-01 10:00'), (10, 44, '2024-05-01 11:00'),
    (11, 33, '2024-05-01 10:00'), (11, 32, '2024-05-01 10:00'), (11, 45, '2024-05-01 11:00');
SELECT item_id, round((score / (SELECT score FROM recommend(6) WHERE item_id = 42)
                       )::numeric, 6) AS ratio, because_item_id, support
FROM recommend(6) WHERE reason = 'similar_users' ORDER BY item_id;


-- Communities: 60 users in three of 20, each with 8 of its 30 items. Who is
-- in one has nothing of the others, so until the answer is filled up nothing
-- of them comes back.
TRUNCATE interact_view, interact_purchase;
SELECT * FROM interact_check();
CREATE TABLE planted AS
SELECT u AS user_id, 1000 * (u % 3) + (u / 3 * 7 + start) % 30 AS item_id, k
FROM generate_series(1, 60) u,
     unnest('{0,1,3,7,12,20,24,29}'::integer[]) WITH ORDINALITY AS s (start, k);
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT user_id, item_id, '2024-05-01'::timestamptz + interval '1 hour' * k + interval '1 min' * user_id
FROM planted;
SELECT item_id / 1000 AS community, count(DISTINCT item_id) AS items,
       count(DISTINCT user_id) AS users, count(*) AS pairs
FROM planted GROUP BY 1 ORDER BY 1;
CREATE TABLE answer AS
SELECT u AS user_id, r.*
FROM generate_series(1, 60) u,
     recommend(u, 100) WITH ORDINALITY AS r (item_id, score, reason, because_item_id, support, rank);
-- Everything but the user's own items, once.
SELECT count(*) AS rows,
       count(DISTINCT (user_id, item_id)) AS different,
       (SELECT 60 * (SELECT count(DISTINCT item_id) FROM planted) - count(*) FROM planted) AS catalogue,
       count(*) FILTER (WHERE EXISTS (SELECT FROM planted p
                                      WHERE (p.user_id, p.item_id) = (a.user_id, a.item_id))) AS known
FROM answer a;
-- Those of the own community first, and only they are by similar users.
SELECT reason, count(*), count(*) FILTER (WHERE item_id / 1000 = user_id % 3) AS own,
       count(because_item_id) AS because, min(support) > 0 AS support
FROM answer GROUP BY reason ORDER BY reason;
SELECT count(*) AS out_of_order
FROM (SELECT score, reason, lag(score) OVER w AS last_score, lag(reason) OVER w AS last_reason,
             item_id, lag(item_id) OVER w AS last_item
      FROM answer WINDOW w AS (PARTITION BY user_id ORDER BY rank)) a
WHERE score > last_score OR (score = last_score AND item_id < last_item)
   OR (reason = 'similar_users' AND last_reason <> 'similar_users') OR score <= 0;
-- Windows hold whole histories here, so the support of an item is the number
-- of users who have it and anything of the asking user's.
WITH truth AS (
    SELECT a.user_id, c.item_id, count(DISTINCT c.user_id) AS support
    FROM planted a
    JOIN planted b ON b.item_id = a.item_id AND b.user_id <> a.user_id
    JOIN planted c ON c.user_id = b.user_id
    WHERE NOT EXISTS (SELECT FROM planted o WHERE (o.user_id, o.item_id) = (a.user_id, c.item_id))
    GROUP BY 1, 2)
SELECT count(*) AS known_by_hand,
       count(*) FILTER (WHERE t.support = w.support) AS equal
FROM truth t FULL JOIN (SELECT * FROM answer WHERE reason = 'similar_users') w USING (user_id, item_id);
-- The reason is an item of the user's own, shared with somebody who has both.
SELECT count(*) AS wrong FROM answer a
WHERE reason = 'similar_users' AND NOT EXISTS (
    SELECT FROM planted p
    JOIN planted v ON v.item_id = p.item_id AND v.user_id <> p.user_id
    JOIN planted j ON j.user_id = v.user_id AND j.item_id = a.item_id
    WHERE p.user_id = a.user_id AND p.item_id = a.because_item_id);
-- The same from items, and similar items: support is the users of both.
SELECT count(*) FILTER (WHERE r.item_id / 1000 <> p.item_id / 1000) AS foreign_items,
       count(*) FILTER (WHERE r.because_item_id <> p.item_id) AS wrong_reason,
       count(*) FILTER (WHERE r.item_id = p.item_id) AS itself
FROM (SELECT DISTINCT item_id FROM planted) p, recommend_for_items(ARRAY[p.item_id], 100) r
WHERE r.reason = 'similar_users';
WITH truth AS (
    SELECT a.item_id AS of, b.item_id, count(*)::integer AS support
    FROM planted a JOIN planted b USING (user_id)
    WHERE a.item_id <> b.item_id
    GROUP BY 1, 2)
SELECT count(*) > 0 AS known_by_hand, count(*) FILTER (WHERE t.support IS DISTINCT FROM s.support) AS wrong
FROM truth t
FULL JOIN (SELECT p.item_id AS of, r.item_id, r.support
           FROM (SELECT DISTINCT item_id FROM planted) p, interact_similar_items(p.item_id, 100) r) s
     USING (of, item_id);

-- Pages: leaving out page 1 gives page 2 of the same ranking, to the end.
WITH RECURSIVE page (n, ids) AS (
    SELECT 1, ARRAY(SELECT item_id FROM recommend(1, 10))
    UNION ALL
    SELECT n + 1, ids || ARRAY(SELECT item_id FROM recommend(1, 10, exclude => ids))
    FROM page WHERE n < 12)
SELECT n, cardinality(ids) AS so_far,
       ids = ARRAY(SELECT item_id FROM answer WHERE user_id = 1 ORDER BY rank LIMIT 10 * n) AS same
FROM page;
-- As few as one at a time.
WITH RECURSIVE page (n, ids) AS (
    SELECT 1, ARRAY(SELECT item_id FROM recommend(1, 1))
    UNION ALL
    SELECT n + 1, ids || ARRAY(SELECT item_id FROM recommend(1, 1, exclude => ids))
    FROM page WHERE n < 30)
SELECT ids = ARRAY(SELECT item_id FROM answer WHERE user_id = 1 ORDER BY rank LIMIT 30) AS same
FROM page WHERE n = 30;
-- A long list of items to leave out is no trouble, nor is one of strangers.
SELECT count(*), min(item_id), max(item_id) FROM recommend(1, 100,
    exclude => ARRAY(SELECT i FROM generate_series(3, 100002) i));
SELECT count(*) FROM recommend_for_items(ARRAY(SELECT i::bigint FROM generate_series(1, 100000) i), 100,
    exclude => '{-9223372036854775808,9223372036854775807}');

-- Filling up: trending first; scores are the lowest before them (or 1)
-- divided by 2, 3, ...
SELECT rank - first AS n, round((low / score)::numeric, 6) AS divided_by, reason, because_item_id, support
FROM (SELECT *, min(score) FILTER (WHERE reason = 'similar_users') OVER () AS low,
             min(rank) FILTER (WHERE reason = 'trending') OVER () AS first
      FROM answer WHERE user_id = 1) a
WHERE reason <> 'similar_users' ORDER BY rank LIMIT 3;
-- Of an item whose rows were all pruned only their number is known: it is
-- popular, but does not trend. What is but disliked, or has only events of
-- weight 0, is neither.
INSERT INTO interact_pruned (item_id, event, count) VALUES (5001, 'view', 10), (5002, 'view', 20);
SELECT interact_define_event('glance', 0) IS NOT NULL AS defined;
SELECT interact_record(100, 5003, 'glance', at => '2024-05-02') IS NOT NULL AS recorded,
       interact_react(100, 5004, 'dislike', '2024-05-02') AS reacted;
SELECT item_id, round(1 / score::numeric, 6) AS divided_by, reason, because_item_id, support
FROM recommend(100, 1000) WHERE item_id >= 5000;
SELECT reason, count(*), count(DISTINCT item_id) AS different FROM recommend(100, 1000) GROUP BY 1 ORDER BY 1;
-- An unknown user gets what trends, as interact_trending() has it, then what
-- is popular; so do a user without profile and an empty list of items.
SELECT array_agg(item_id) = ARRAY(SELECT item_id FROM interact_trending(20)) AS as_trending,
       array_agg(DISTINCT reason) AS reasons, count(because_item_id) AS because, sum(support) AS support,
       array_agg(round((1 / score)::numeric)) = ARRAY(SELECT i::numeric FROM generate_series(2, 21) i) AS scores
FROM recommend(-77, 20);
SELECT a = b AS negative_profile, a = c AS no_items, a = d AS unknown_item
FROM (SELECT string_agg(r::text, ' ') FROM recommend(-77, 1000) r) AS r1 (a),
     (SELECT string_agg(r::text, ' ') FROM recommend(100, 1000) r) AS r2 (b),
     (SELECT string_agg(r::text, ' ') FROM recommend_for_items('{}', 1000) r) AS r3 (c),
     (SELECT string_agg(r::text, ' ') FROM recommend_for_items('{123456789}', 1000) r) AS r4 (d);
SELECT count(*) FROM recommend(-77, 92);
SELECT count(*) FROM recommend(-77, 91);
DELETE FROM interact_pruned;
DELETE FROM interact_event;
DELETE FROM interact_reaction;


-- Users 200 to 204 and what they think of items 1 to 16. Disliked and badly
-- rated items are never returned, nor are they edges; other ratings are.
TRUNCATE interact_view, interact_cart_item;
SELECT interact_record_view(200, 1, '2024-05-01 10:00'),
       interact_react(200, 2, 'dislike', '2024-05-01 10:01'),
       interact_submit_review(200, 3, 1, at => '2024-05-01 10:02'),
       interact_submit_review(200, 4, 2, at => '2024-05-01 10:03'),
       interact_submit_review(200, 5, 3, at => '2024-05-01 10:04'),
       interact_record_purchase(200, 6, at => '2024-05-01 10:05'),
       interact_react(200, 6, 'dislike', '2024-05-01 10:06');
-- 201 has all of these, of which 1 and 5 are shared, and 11.
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 201, i, '2024-05-01 12:00'::timestamptz + i * interval '1 min' FROM unnest('{1,2,3,4,5,6,11}'::integer[]) i;
-- 202 and 203 share but dislikes and bad ratings with 200, and have 12 and 13.
SELECT interact_react(202, 2, 'dislike', '2024-05-01 12:00'),
       interact_submit_review(202, 3, 1, at => '2024-05-01 12:01'),
       interact_record_view(202, 12, '2024-05-01 12:02'),
       interact_react(203, 1, 'dislike', '2024-05-01 12:00'),
       interact_submit_review(203, 5, 2, at => '2024-05-01 12:01'),
       interact_record_view(203, 13, '2024-05-01 12:02');
-- 204 likes 1, dislikes 14 and rates 15 badly: these are not passed on.
SELECT interact_react(204, 1, 'like', '2024-05-01 12:00'),
       interact_react(204, 14, 'dislike', '2024-05-01 12:01'),
       interact_submit_review(204, 15, 1, at => '2024-05-01 12:02'),
       interact_submit_review(204, 16, 3, at => '2024-05-01 12:03');
-- 12 and 13 fill up. 15 does not: nothing is known of it but a bad rating.
SELECT item_id, reason, because_item_id, support FROM recommend(200, 100) ORDER BY 1;
-- With what the user has: 1 and 5 come back, the rest never does.
SELECT item_id, reason, because_item_id, support FROM recommend(200, 100, exclude_seen => false) ORDER BY 1;
SELECT item_id FROM recommend(200, 100, exclude_seen => false, exclude => '{1,11}') ORDER BY 1;
SELECT count(*) FROM recommend(200, 100, exclude_seen => false) WHERE item_id IN (2, 3, 4, 6);
-- The only neighbour by way of 2 is 201: the others dislike it. Nobody likes 14.
SELECT item_id, reason, support FROM recommend_for_items('{2}') WHERE reason = 'similar_users' ORDER BY 1;
SELECT item_id, support FROM interact_similar_items(2) ORDER BY 1;
SELECT item_id, support FROM interact_similar_items(14) ORDER BY 1;
SELECT item_id, support FROM interact_similar_items(1) ORDER BY 1;
-- Taking a dislike back leaves what else there is: a purchase of 6.
BEGIN;
SELECT interact_unreact(200, 6), interact_unreact(200, 2);
SELECT item_id, reason FROM recommend(200, 100, exclude_seen => false) WHERE item_id IN (2, 6) ORDER BY 1;
SELECT item_id, reason FROM recommend(200, 100) WHERE item_id IN (2, 6) ORDER BY 1;
ROLLBACK;

-- Nor does a dislike weaken what else is shared: 206 and 207 share the older
-- item 21 with 205; 206 dislikes the newer one, 207 has something else.
BEGIN;
SELECT interact_record_view(205, 21, '2024-05-01 10:00'), interact_record_view(205, 22, '2024-05-01 11:00'),
       interact_react(206, 22, 'dislike', '2024-05-01 09:00'), interact_record_view(206, 21, '2024-05-01 10:00'), interact_record_view(206, 23, '2024-05-01 11:00'),
       interact_record_view(207, 24, '2024-05-01 09:00'), interact_record_view(207, 21, '2024-05-01 10:00'), interact_record_view(207, 25, '2024-05-01 11:00');
SELECT item_id, round((score / max(score) OVER ())::numeric, 6) AS ratio, because_item_id
FROM recommend(205, 100) WHERE reason = 'similar_users' ORDER BY 1;
ROLLBACK;

-- Own writes count from the next statement on, what is rolled back never was.
SELECT item_id, reason FROM recommend(300, 1);
BEGIN;
SELECT interact_record_view(300, 12, '2024-05-02');
SELECT interact_record_view(301, 12, '2024-05-02 10:00'), interact_record_view(301, 17, '2024-05-02 10:01');
SELECT item_id, because_item_id FROM recommend(300, 1);
SAVEPOINT s;
SELECT interact_record_purchase(300, 17, at => '2024-05-02');
SELECT count(*) FROM recommend(300, 100) WHERE item_id = 17;
SELECT interact_record_view(301, 18, '2024-05-02 09:00');
SELECT item_id, because_item_id FROM recommend(300, 1);
ROLLBACK TO s;
SELECT item_id, because_item_id FROM recommend(300, 1);
SELECT count(*) FROM recommend(300, 100) WHERE item_id = 18;
ROLLBACK;
SELECT item_id, reason FROM recommend(300, 1);
-- A cursor keeps the picture of its start.
BEGIN;
SELECT interact_record_view(300, 12, '2024-05-02');
SELECT interact_record_view(301, 12, '2024-05-02 10:00'), interact_record_view(301, 17, '2024-05-02 10:01');
DECLARE before CURSOR FOR
    SELECT item_id, reason FROM recommend(300, 100) WHERE item_id IN (12, 17, 18)
    UNION ALL SELECT item_id, 'similar to 12' FROM interact_similar_items(12);
SELECT interact_record_view(300, 17, '2024-05-02 10:02');
SELECT interact_record_view(302, 12, '2024-05-02 10:00'), interact_record_view(302, 18, '2024-05-02 10:01');
DELETE FROM interact_view WHERE user_id = 301;
SELECT item_id, reason FROM recommend(300, 100) WHERE item_id IN (12, 17, 18)
UNION ALL SELECT item_id, 'similar to 12' FROM interact_similar_items(12);
FETCH ALL FROM before;
ROLLBACK;
-- Deleted rows are gone, a changed one counts as it is now.
BEGIN;
UPDATE interact_view SET item_id = 19 WHERE user_id = 201 AND item_id = 11;
SELECT item_id FROM recommend(200, 100) WHERE item_id IN (11, 19);
DELETE FROM interact_view WHERE user_id = 201;
SELECT item_id FROM recommend(200, 100) WHERE item_id IN (11, 19);
ROLLBACK;
-- Read-only and serializable transactions, prepared statements.
BEGIN READ ONLY;
SELECT item_id FROM recommend(200, 1);
SELECT item_id FROM recommend_for_items('{12}', 1);
SELECT item_id FROM interact_similar_items(12, 1);
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT item_id FROM recommend(200, 1);
SELECT interact_record_view(200, 11, '2024-05-02');
SELECT count(*) FROM recommend(200, 100) WHERE item_id = 11;
ROLLBACK;
PREPARE r (bigint, integer) AS SELECT item_id FROM recommend(user_id => $1, max_items => $2);
EXECUTE r(200, 1);
EXECUTE r(200, 2);
DEALLOCATE r;
-- In parallel workers it says the same.
BEGIN;
SET LOCAL parallel_setup_cost = 0;
SET LOCAL parallel_tuple_cost = 0;
SET LOCAL min_parallel_table_scan_size = 0;
CREATE FUNCTION gathers(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    line text;
    n bigint := 0;
BEGIN
    FOR line IN EXECUTE 'EXPLAIN ' || query LOOP
        n := n + (line ~ 'Gather')::integer;
    END LOOP;
    RETURN n;
END $$;
SELECT gathers('SELECT count(*) FROM planted p, recommend(200 + p.user_id % 5, 5) r');
SELECT count(*), sum(r.item_id), sum(r.support), sum(r.because_item_id)
FROM planted p, recommend(200 + p.user_id % 5, 5) r;
SET LOCAL max_parallel_workers_per_gather = 0;
SELECT count(*), sum(r.item_id), sum(r.support), sum(r.because_item_id)
FROM planted p, recommend(200 + p.user_id % 5, 5) r;
ROLLBACK;

-- Weights apply at once. 401 and 402 share 50 with 400; one saved 51, the
-- other saw 52; both once, at the same distance.
TRUNCATE interact_view, interact_purchase, interact_review, interact_reaction;
SELECT interact_record_view(400, 50, '2024-05-01'),
       interact_record_view(401, 50, '2024-05-01 10:00'), interact_record(401, 51, 'glance', at => '2024-05-01 11:00') IS NOT NULL AS glanced,
       interact_record_view(402, 50, '2024-05-01 10:00'), interact_record_view(402, 52, '2024-05-01 11:00');
-- A glance has weight 0: it is no edge, and leads nowhere.
SELECT item_id, reason FROM recommend(400);
SELECT item_id FROM interact_similar_items(50);
SELECT * FROM interact_similar_items(51);
SELECT count(*) FROM recommend_for_items('{51}') WHERE reason = 'similar_users';
BEGIN;
SELECT interact_define_event('glance', 2) IS NOT NULL AS changed;
SELECT item_id, round((score / sum(score) OVER () * 3)::numeric, 6) AS share, reason FROM recommend(400);
SELECT item_id FROM interact_similar_items(51);
SELECT interact_define_event('glance', 0.5) IS NOT NULL AS changed;
SELECT item_id, round((score / sum(score) OVER () * 3)::numeric, 6) AS share, reason FROM recommend(400);
-- Views of weight 0 leave nothing: no profile, nothing popular but glances.
SELECT interact_define_event('view', 0) IS NOT NULL AS changed;
SELECT item_id, reason FROM recommend(400);
-- A disliked event: 401 dislikes 51 and still shares 50.
SELECT interact_define_event('view', 1) IS NOT NULL AS changed, interact_define_event('glance', -1) IS NOT NULL AS too;
SELECT item_id, reason FROM recommend(400);
SELECT count(*) FROM recommend(401, exclude_seen => false) WHERE item_id = 51;
ROLLBACK;
SELECT item_id, reason FROM recommend(400);
-- Ratings: 5 counts a quarter more than 3, and that as much as a view.
BEGIN;
SELECT interact_submit_review(402, 52, 3, at => '2024-05-01 11:00'),
       interact_record_view(403, 50, '2024-05-01 10:00'), interact_submit_review(403, 53, 5, at => '2024-05-01 11:00'),
       interact_record_view(404, 50, '2024-05-01 10:00'), interact_submit_review(404, 54, 4, at => '2024-05-01 11:00'),
       interact_record_view(405, 50, '2024-05-01 10:00'), interact_submit_review(405, 55, 2, at => '2024-05-01 11:00');
SELECT item_id, round((score / (SELECT score FROM recommend(400) WHERE item_id = 52))::numeric, 6) AS ratio
FROM recommend(400) WHERE reason = 'similar_users' ORDER BY item_id;
ROLLBACK;

-- Settings have their effect in the same transaction, and bound what is read.
-- 30 users each saw item 0 first and then 20 of items 1 to 30; 500 saw 0.
TRUNCATE interact_view, interact_event;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT u, 0, '2024-05-01'::timestamptz + u * interval '1 min' FROM generate_series(501, 530) u
UNION ALL
SELECT 500, 0, '2024-05-01'
UNION ALL
SELECT u, 1 + (u + i) % 30, '2024-05-01'::timestamptz + u * interval '1 min' + i * interval '1 hour'
FROM generate_series(501, 530) u, generate_series(1, 20) i;
CREATE FUNCTION walked(name text, value text) RETURNS TABLE (items bigint, steps bigint, most integer)
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM interact_set(name, value);
    RETURN QUERY SELECT count(*), sum(support), max(support)
                 FROM recommend(500, 1000) WHERE reason = 'similar_users';
    PERFORM interact_set(name);
END $$;
SELECT * FROM walked('neighbours', '200');
-- One neighbour with 20 more items; three.
SELECT * FROM walked('neighbours', '1');
SELECT * FROM walked('neighbours', '3');
-- 7 rows to each side of the shared item, of each of 30.
SELECT * FROM walked('window_rows', '7');
-- Of the shared item's users 10 are read, each with 20 more; of the best
-- neighbour's rows 10 are read, one of them of the shared item.
SELECT * FROM walked('hop1_budget', '10');
SELECT * FROM walked('hop2_budget', '10');
-- With one profile item the newest is the one that is walked.
BEGIN;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (500, 99, '2024-05-02'), (531, 99, '2024-05-01'), (531, 98, '2024-05-02');
SELECT item_id, because_item_id, reason FROM recommend(500, 1);
SELECT interact_set('profile_items', '1');
SELECT count(*), min(item_id) FROM recommend(500, 1000) WHERE reason = 'similar_users';
ROLLBACK;
-- What hop 1 had no budget for counts where the window shows it: 601 and 602
-- share the newest item 60, of 3 users; 601 also shares 61, but among the
-- oldest of its users, of which 5 are read. 63 against 65: 1 + 2^-0.5 *
-- (3/5)^0.4 = 1.576429.
BEGIN;
SELECT interact_record_view(600, 61, '2024-05-01 10:00'), interact_record_view(600, 60, '2024-05-01 11:00'),
       interact_record_view(601, 61, '2024-05-01 09:00'), interact_record_view(601, 60, '2024-05-01 10:00'), interact_record_view(601, 63, '2024-05-01 11:00'),
       interact_record_view(602, 64, '2024-05-01 09:00'), interact_record_view(602, 60, '2024-05-01 10:00'), interact_record_view(602, 65, '2024-05-01 11:00');
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT u, 61, '2024-05-02' FROM generate_series(610, 621) u;
SELECT interact_set('hop1_budget', '10');
SELECT item_id, round((score / (SELECT score FROM recommend(600, 5) WHERE item_id = 65))::numeric, 6) AS ratio,
       because_item_id
FROM recommend(600, 5) WHERE item_id IN (63, 65);
ROLLBACK;
-- The best neighbour is found by the number of items a user has now: 701 had
-- 1 when the shared item was seen, but has 21; 702 had and has 3.
BEGIN;
SELECT interact_record_view(700, 70, '2024-05-01 10:00'), interact_record_view(701, 70, '2024-05-01 10:00');
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 701, i, '2024-05-02' FROM generate_series(71, 90) i;
SELECT interact_record_view(702, 91, '2024-05-01 10:00'), interact_record_view(702, 92, '2024-05-01 11:00'),
       interact_record_view(702, 70, '2024-05-01 12:00');
SELECT user_id, user_items FROM interact_affinity WHERE item_id = 70 ORDER BY 1;
SELECT interact_set('neighbours', '1');
SELECT item_id FROM recommend(700, 1000) WHERE reason = 'similar_users';
ROLLBACK;
SELECT interact_set('neighbours', '0');
SELECT interact_set('neighbours', '10001');
SELECT interact_set('hop1_budget', '9');
SELECT interact_set('hop2_budget', '1000001');
SELECT interact_set('profile_scan', '9');
SELECT * FROM walked('neighbours', '10000');
SELECT * FROM walked('hop1_budget', '1000000');
SELECT * FROM walked('hop2_budget', '1000000');
SELECT * FROM walked('window_rows', '10000');
SELECT * FROM walked('profile_items', '1000');
DROP FUNCTION walked(text, text);

-- A user with more rows than are read for the profile still gets nothing that
-- is known or disliked: 501 has 21 items, the oldest is 0.
BEGIN;
SELECT interact_react(501, 2, 'dislike', '2024-04-01'), interact_submit_review(501, 3, 1, at => '2024-04-01');
SELECT interact_set('profile_scan', '10'), interact_set('profile_items', '1000');
SELECT count(*) AS rows, count(*) FILTER (WHERE reason = 'similar_users') AS walked,
       count(DISTINCT item_id) AS different,
       count(*) FILTER (WHERE EXISTS (SELECT FROM interact_affinity a
                                      WHERE a.user_id = 501 AND a.item_id = r.item_id)) AS known
FROM recommend(501, 1000) r;
SELECT count(*) AS rows, count(DISTINCT item_id) AS different,
       count(*) FILTER (WHERE item_id IN (2, 3)) AS disliked,
       count(*) FILTER (WHERE item_id = 0) AS oldest
FROM recommend(501, 1000, exclude_seen => false);
ROLLBACK;

-- Bad input.
SELECT * FROM recommend(NULL);
SELECT * FROM recommend(1, NULL);
SELECT * FROM recommend(1, -1);
SELECT * FROM recommend(1, 1001);
SELECT * FROM recommend(1, 10000000);
SELECT * FROM recommend(1, 10, NULL);
SELECT * FROM recommend(1, exclude => '{1,NULL}');
SELECT * FROM recommend(1, exclude => '{{1,2},{3,4}}');
SELECT * FROM recommend(1, 0, exclude => '{NULL}');
SELECT count(*) FROM recommend(500, exclude => NULL);
SELECT count(*) FROM recommend(500, exclude => '{}');
SELECT count(*) FROM recommend(500, exclude => '[5:6]={1,2}');
SELECT * FROM recommend_for_items(NULL);
SELECT * FROM recommend_for_items('{1,NULL,2}');
SELECT * FROM recommend_for_items('{{1}}');
SELECT * FROM recommend_for_items('{1}', NULL);
SELECT * FROM recommend_for_items('{1}', -1);
SELECT * FROM recommend_for_items('{1}', 1001);
SELECT * FROM recommend_for_items('{1}', 10000000);
SELECT * FROM recommend_for_items('{1}', exclude => '{NULL}');
SELECT * FROM recommend_for_items('{1}', exclude => '{{1}}');
SELECT * FROM interact_similar_items(NULL);
SELECT * FROM interact_similar_items(1, NULL);
SELECT * FROM interact_similar_items(1, -1);
SELECT * FROM interact_similar_items(1, 1001);
SELECT * FROM interact_similar_items(1, 10000000);
-- The ends of bigint are ids like others.
SELECT interact_record_view(9223372036854775807, -9223372036854775808, '2024-05-01 10:00'),
       interact_record_view(-9223372036854775808, -9223372036854775808, '2024-05-01 10:00'),
       interact_record_view(-9223372036854775808, 9223372036854775807, '2024-05-01 10:01');
SELECT item_id, because_item_id FROM recommend(9223372036854775807, 1);
SELECT item_id FROM recommend(9223372036854775807, 1, exclude => '{9223372036854775807}');
SELECT item_id, support FROM interact_similar_items(-9223372036854775808);

DROP TABLE planted, answer;
-- The same as the rows of the base tables, after everything.
SELECT * FROM interact_check();
