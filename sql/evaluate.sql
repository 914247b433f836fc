-- interact_evaluate() on planted data where every number is known by hand.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
SET timezone = 'UTC';
\set VERBOSITY default
\set SHOW_CONTEXT never

-- What the planner is told, and that nobody may call it unless granted.
SELECT proname, provolatile, proparallel, proisstrict, proretset, prosecdef, prorows,
       EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner)))
               WHERE grantee = 0) AS public
FROM pg_proc WHERE proname = 'interact_evaluate';

-- The numbers, without the time, which is only asked to be one.
CREATE FUNCTION pg_temp.evaluate(
    users integer DEFAULT 1000, max_items integer DEFAULT 20, events text[] DEFAULT NULL,
    since interval DEFAULT NULL, seed bigint DEFAULT 1, settings jsonb DEFAULT NULL)
RETURNS TABLE (strategy text, evaluated integer, hit_rate numeric, mrr numeric, ndcg numeric,
               coverage bigint, median double precision, timed boolean)
LANGUAGE sql AS $$
    SELECT e.strategy, e.evaluated, round(e.hit_rate::numeric, 6), round(e.mrr::numeric, 6),
           round(e.ndcg::numeric, 6), e.coverage, e.median_popularity, e.ms_per_call > 0
      FROM interact_evaluate($1, $2, $3, $4, $5, $6) AS e
$$;

-- No data, no users; nothing is divided by zero.
SELECT * FROM interact_evaluate();
-- One item is not enough: nothing would be left. Nor are two of one moment.
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES
    (1, 1, '2024-05-01'), (2, 1, '2024-05-01'), (2, 2, '2024-05-01');
SELECT * FROM interact_evaluate();
-- Nor is a disliked one beside it, on either side.
SELECT interact_react(1, 2, 'dislike', at => '2024-04-30'), interact_react(2, 3, 'dislike');
SELECT * FROM interact_evaluate();
TRUNCATE interact_view, interact_reaction;


-- Two communities of four users. In one they see 1, 2 and 3, a month later in
-- the other 11, 12 and 13. Hidden is 3 or 13.
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT c * 10 + u, c * 10 + i, timestamptz '2024-05-01' + c * interval '30 days'
                               + u * interval '1 hour' + i * interval '1 minute'
  FROM generate_series(0, 1) AS c, generate_series(1, 4) AS u, generate_series(1, 3) AS i;
-- recommend and similar: what the other three did brings it back, first of all.
-- similar shows nothing else; recommend is filled up with two of the trending,
-- 13 and 12, or 3 and 2.
-- popular: of the user's own community only 3 is left, with 3 views when the
-- user's own one is not counted; the other one has three items of 4. So 3 is
-- the fourth. Three places are not enough:
SELECT * FROM pg_temp.evaluate(max_items => 3);
-- trending: the later community is ahead in any case: 13 is first, 3 is fourth.
-- mrr 1/4 and (1 + 1/4) / 2, ndcg 1 / log2(5) = 0.430677 and 0.715338. All items
-- have 4 users.
SELECT * FROM pg_temp.evaluate(max_items => 4);
-- Shown is never more than there is, which is 6 items, less 2 that are known.
SELECT * FROM pg_temp.evaluate(max_items => 1000);
SELECT * FROM pg_temp.evaluate(max_items => 1);

-- However often the user saw the hidden item, and whatever else he did with it.
BEGIN;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 1, 3, timestamptz '2024-05-01 01:03' + n * interval '1 second'
  FROM generate_series(1, 5) AS n;
SELECT interact_add_favorite(1, 3, at => '2024-05-01 01:04'),
       interact_record_purchase(1, 3, at => '2024-05-01 01:05'),
       interact_submit_review(1, 3, 4, at => '2024-05-01 01:06'),
       interact_react(1, 3, 'like', at => '2024-05-01 01:07'),
       interact_add_to_cart(1, 3, at => '2024-05-01 01:08'),
       interact_define_event('share') > 0,
       interact_record(1, 3, 'share', at => '2024-05-01 01:09');
-- User 1 alone, whose views are made the only recent ones: fourth of popular,
-- as before.
UPDATE interact_view SET viewed_at = now() - (timestamptz '2024-05-02' - viewed_at) WHERE user_id = 1;
SELECT * FROM pg_temp.evaluate(max_items => 4, since => '2 days') WHERE strategy = 'popular';
-- For the other three of the community it is the first now, 3 having 5 + 1.2
-- + 1.5 + 1 + 1.2 + 1.3 + 1 more than the rest. The other community has 3 first
-- and 13 on rank 4, behind 1 and 2. mrr (3 + 5 * 1/4) / 8 = 0.531250, ndcg
-- (3 + 5 * 0.430677) / 8 = 0.644173.
SELECT * FROM pg_temp.evaluate(max_items => 4) WHERE strategy = 'popular';
ROLLBACK;

-- What is hidden does not damp itself: 108 and 109 follow 101 alike and have two
-- users each, but one of 109 is the user it is hidden from. Else 108, of equal
-- score, would be first.
BEGIN;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES
    (101, 101, '2024-05-01'), (101, 109, now()),
    (102, 101, '2024-05-01'), (102, 109, '2024-05-02'),
    (103, 101, '2024-05-01'), (103, 108, '2024-05-02'),
    (104, 108, '2024-05-01');
SELECT * FROM pg_temp.evaluate(max_items => 1, since => '1 day')
 WHERE strategy IN ('recommend', 'similar');
ROLLBACK;


-- Several targets: user 41 has 51, then bought 52, 53 and 54 in one order, and
-- looked at 55 later, which is hidden as well but no purchase. User 42 shows the
-- way: 52, 53 and 59 after 51.
BEGIN;
INSERT INTO interact_purchase (user_id, item_id, purchased_at) VALUES
    (41, 51, now() - interval '3 days'),
    (41, 52, now() - interval '1 hour'), (41, 53, now() - interval '1 hour'),
    (41, 54, now() - interval '1 hour'),
    (42, 51, '2024-05-01'), (42, 52, '2024-05-02'), (42, 53, '2024-05-03'), (42, 59, '2024-05-04');
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (41, 55, now());
-- Two places, two targets: as good as it can be.
SELECT * FROM pg_temp.evaluate(max_items => 2, events => '{purchase}', since => '1 day')
 WHERE strategy = 'recommend';
-- Three places and 59 on the third: (1 + 1 / log2(3)) / (1 + 1 / log2(3) + 1/2)
-- = 1.630930 / 2.130930 = 0.765361.
SELECT * FROM pg_temp.evaluate(max_items => 3, events => '{purchase}', since => '1 day')
 WHERE strategy = 'recommend';
-- Any event: only the view of 55 is hidden, and nothing leads there. Shown are
-- 59, of one user, and trending 13, of four.
SELECT * FROM pg_temp.evaluate(max_items => 2, since => '1 day') WHERE strategy = 'recommend';
SELECT * FROM pg_temp.evaluate(max_items => 2, events => '{view}', since => '1 day')
 WHERE strategy = 'recommend';
SELECT * FROM pg_temp.evaluate(max_items => 2, events => '{purchase,view,favorite}', since => '1 day')
 WHERE strategy = 'recommend';
-- The purchases are too old for the last half hour, the view is not.
SELECT * FROM pg_temp.evaluate(events => '{purchase}', since => '30 minutes') WHERE strategy = 'recommend';
SELECT * FROM pg_temp.evaluate(since => '30 minutes') WHERE strategy = 'recommend';
-- An event nobody has.
SELECT * FROM pg_temp.evaluate(events => '{favorite}');
-- A dislike is nothing to bring back, and is unknown when it came later.
SELECT interact_react(41, 56, 'dislike'), interact_react(41, 55, 'dislike');
SELECT * FROM pg_temp.evaluate(max_items => 2, since => '1 day') WHERE strategy = 'recommend';
-- What the user had before is never shown, also beyond the newest 10 rows that
-- are read here. Left are the six of the communities, 52, 53 and 59; nobody else
-- has 54 and 55. Trending misses 52 and 53 too: hardly anything is left of their
-- sum, which is of this hour, when the user's own part is taken off.
SELECT interact_set('profile_scan', '10');
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 41, 200 + n, now() - interval '2 days' + n * interval '1 minute' FROM generate_series(1, 20) AS n;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 42, 200 + n, timestamptz '2024-05-04' + n * interval '1 minute' FROM generate_series(1, 20) AS n;
SELECT strategy, coverage FROM pg_temp.evaluate(max_items => 1000, events => '{purchase}', since => '1 day');
ROLLBACK;


-- The sample: users by hashint8extended(user_id, seed). Only who is of the
-- later community has the hidden item on top of trending.
SELECT count(*) AS seeds,
       count(*) FILTER (WHERE (e.hit_rate = 1) <> (first.user_id > 10)) AS wrong,
       count(*) FILTER (WHERE e.hit_rate = 1) AS later,
       sum(e.evaluated) AS evaluated
  FROM generate_series(1, 30) AS seed,
       LATERAL interact_evaluate(users => 1, max_items => 1, seed => seed) AS e,
       LATERAL (SELECT user_id FROM interact_affinity
                 ORDER BY hashint8extended(user_id, seed) LIMIT 1) AS first
 WHERE e.strategy = 'trending';
-- More users are the same and some more.
SELECT users, s.evaluated, s.hit_rate = first.share AS as_expected
  FROM generate_series(1, 9) AS users,
       LATERAL interact_evaluate(users => users, max_items => 1, seed => -7) AS s,
       LATERAL (SELECT avg((f.user_id > 10)::integer) AS share
                  FROM (SELECT DISTINCT user_id, hashint8extended(user_id, -7) FROM interact_affinity
                         ORDER BY 2 LIMIT users) AS f) AS first
 WHERE s.strategy = 'trending';
-- The same seed says the same.
SELECT count(*) AS differences
  FROM pg_temp.evaluate(5, seed => 3) AS a FULL JOIN pg_temp.evaluate(5, seed => 3) AS b
       ON (a) = (b)
 WHERE a.strategy IS NULL OR b.strategy IS NULL;

-- Of many users 100 are looked at for each one wanted, in runs from random
-- places. 1000 users with gaps between their ids, and at the ends of bigint;
-- the even ones can be evaluated.
BEGIN;
DELETE FROM interact_view;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT CASE u WHEN 2 THEN -9223372036854775808 WHEN 1000 THEN 9223372036854775807
              ELSE u * 1000 END, i, timestamptz '2024-05-01' + i * interval '1 hour'
  FROM generate_series(1, 1000) AS u, generate_series(1, 2) AS i
 WHERE u % 2 = 0 OR i = 1;
SELECT evaluated, hit_rate FROM pg_temp.evaluate(1) WHERE strategy = 'recommend';
SELECT evaluated, hit_rate FROM pg_temp.evaluate(4) WHERE strategy = 'recommend';
SELECT evaluated, hit_rate FROM pg_temp.evaluate(10000) WHERE strategy = 'recommend';
SELECT sum(evaluated) AS evaluated
  FROM generate_series(1, 20) AS seed, pg_temp.evaluate(1, seed => seed)
 WHERE strategy = 'recommend';
-- It can be cancelled.
SET LOCAL statement_timeout = '100ms';
SELECT count(*) FROM generate_series(1, 1000) AS seed, LATERAL interact_evaluate(10000, 1000, seed => seed);
ROLLBACK;


-- Settings can be tried.
SELECT * FROM pg_temp.evaluate(max_items => 2, settings => '{}') WHERE strategy = 'recommend';
-- Damping that much turns the order round: 4, which only user 2 has, comes before
-- what is to be found, but for user 2.
BEGIN;
SELECT interact_record_view(2, 4, '2024-05-01');
DELETE FROM interact_view WHERE user_id > 10;
SELECT * FROM pg_temp.evaluate(max_items => 1, settings => '{"popularity_exponent": 10}')
 WHERE strategy = 'recommend';
SELECT * FROM pg_temp.evaluate(max_items => 1, settings => '{"popularity_exponent": -1}')
 WHERE strategy = 'recommend';
SELECT interact_set('popularity_exponent', '10');
SELECT * FROM pg_temp.evaluate(max_items => 1) WHERE strategy = 'recommend';
SELECT * FROM pg_temp.evaluate(max_items => 1, settings => '{"popularity_exponent": null}')
 WHERE strategy = 'recommend';
ROLLBACK;
SELECT * FROM interact_setting;

-- Nothing is written: it runs where nothing can be, and uses no transaction id.
BEGIN TRANSACTION ISOLATION LEVEL SERIALIZABLE READ ONLY;
SELECT count(*) FROM interact_evaluate();
SELECT pg_current_xact_id_if_assigned() IS NULL AS nothing_written;
COMMIT;
-- Own changes count, also those of a savepoint, and only as long as they exist.
BEGIN;
DELETE FROM interact_view WHERE user_id > 10;
SAVEPOINT s;
DELETE FROM interact_view WHERE user_id > 1;
SELECT evaluated, hit_rate FROM pg_temp.evaluate() WHERE strategy = 'recommend';
ROLLBACK TO s;
SELECT evaluated, hit_rate FROM pg_temp.evaluate() WHERE strategy = 'recommend';
ROLLBACK;


-- Errors.
SELECT * FROM interact_evaluate(NULL);
SELECT * FROM interact_evaluate(0);
SELECT * FROM interact_evaluate(10001);
SELECT count(*) FROM interact_evaluate(10000);
SELECT * FROM interact_evaluate(max_items => NULL);
SELECT * FROM interact_evaluate(max_items => 0);
SELECT * FROM interact_evaluate(max_items => 1001);
SELECT * FROM interact_evaluate(events => '{}');
SELECT * FROM interact_evaluate(events => '{view,NULL}');
SELECT * FROM interact_evaluate(events => '{{view},{like}}');
SELECT * FROM interact_evaluate(events => '{views}');
SELECT * FROM interact_evaluate(since => '0');
SELECT * FROM interact_evaluate(since => '-1 day');
SELECT * FROM interact_evaluate(since => '101 years');
SELECT * FROM interact_evaluate(seed => NULL);
SELECT count(*) FROM interact_evaluate(seed => -9223372036854775808);
SELECT count(*) FROM interact_evaluate(seed => 9223372036854775807);
SELECT * FROM interact_evaluate(settings => '[]');
SELECT * FROM interact_evaluate(settings => '1');
\set VERBOSITY terse
SELECT * FROM interact_evaluate(settings => '{"no_such": 1}');
\set VERBOSITY default
SELECT * FROM interact_evaluate(settings => '{"neighbours": 0}');
SELECT * FROM interact_evaluate(settings => '{"neighbours": 1.5}');
SELECT * FROM interact_evaluate(settings => '{"neighbours": true}');
SELECT * FROM interact_evaluate(settings => '{"neighbours": [1]}');
SELECT * FROM interact_evaluate(settings => '{"neighbours": {"neighbours": 1}}');
SELECT * FROM interact_evaluate(settings => '{"recency_half_life": 30}');
SELECT * FROM interact_evaluate(settings => '{"recency_half_life": "30 dais"}');
SELECT count(*) FROM interact_evaluate(settings => '{"recency_half_life": "30 days"}');
SELECT * FROM interact_setting;

SELECT * FROM interact_check();
DROP EXTENSION interact;
