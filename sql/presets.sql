-- The settings that are off by default: latest_rows, strength_exponent,
-- diversity, rerank_weight, and friends, by planted data whose scores are known.
-- Weights: view 1, favorite 1.2, rating 1, like 1.2, dislike -1.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
SET timezone = 'UTC';
\set VERBOSITY default
\set SHOW_CONTEXT never

-- Scores do not age, so that they can be computed by hand.
SELECT interact_set('recency_floor', '1');

-- The same as in the test of recommend(): user 1 saw item 1, then 2; user 2
-- shares item 1 and went on to 11 and 12; user 3 saw 11, then the shared item
-- 2, then bought 13. S(2) = 0.345322, S(3) = 0.488359.
SELECT interact_record_view(1, 1, '2024-05-01 10:00'),
       interact_record_view(1, 2, '2024-05-01 11:00'),
       interact_record_view(2, 1, '2024-05-01 10:00'),
       interact_record_view(2, 11, '2024-05-01 10:01'),
       interact_record_view(2, 12, '2024-05-01 10:02'),
       interact_record_view(3, 11, '2024-05-01 09:59'),
       interact_record_view(3, 2, '2024-05-01 10:00'),
       interact_record_purchase(3, 13, at => '2024-05-01 10:05');
SELECT user_id, round(score::numeric, 6) AS score, shared FROM interact_similar_users(1);

-- latest_rows: one row of each neighbour, 12 and 13; the distance to the
-- shared item says nothing.
--	 13: 0.488359 * 1.5 = 0.732539; 12: 0.345322
SELECT interact_set('latest_rows', '1');
SELECT item_id, round(score::numeric, 6) AS score, reason, because_item_id, support FROM recommend(1);
-- Two rows, of which the shared item is none:
--	 11: (0.345322 + 0.488359) * 2^-0.1 = 0.777852
SELECT interact_set('latest_rows', '2');
SELECT item_id, round(score::numeric, 6) AS score, reason, because_item_id, support FROM recommend(1);
SELECT round(((power(3, -0.4) * power(2, -0.9) + power(3, -0.4) * power(2, -0.4)) * power(2, -0.1))::numeric, 6) AS "11";
-- As many as there are, and more rows than fit twice into a window.
SELECT interact_set('latest_rows', '10000');
SELECT item_id, round(score::numeric, 6) AS score FROM recommend(1);
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 4, 100 + i, '2024-05-01 10:00'::timestamptz + i * interval '1 min' FROM generate_series(0, 300) i;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (5, 100, '2024-05-01');
SELECT count(*), min(item_id), max(item_id), count(DISTINCT round(score::numeric, 6)) AS scores
FROM recommend(5, 1000) WHERE reason = 'similar_users';
SELECT interact_set('latest_rows', '250');
SELECT count(*), min(item_id), max(item_id), count(DISTINCT round(score::numeric, 6)) AS scores
FROM recommend(5, 1000) WHERE reason = 'similar_users';
SELECT interact_set('latest_rows');
-- The window again: 60 rows after the shared item, none before.
SELECT count(*), min(item_id), max(item_id) FROM recommend(5, 1000) WHERE reason = 'similar_users';
DELETE FROM interact_view WHERE user_id IN (4, 5);

-- strength_exponent 2: 13: 0.488359^2 * 1.5; 11: (0.345322^2 + 0.6 *
-- 0.488359^2) * 2^-0.1; 12: 0.345322^2 * 2^-0.4
SELECT interact_set('strength_exponent', '2');
SELECT item_id, round(score::numeric, 6) AS score FROM recommend(1);
SELECT round((s3 * 1.5)::numeric, 6) AS "13", round(((s2 + 0.6 * s3) * power(2, -0.1))::numeric, 6) AS "11",
       round((s2 * power(2, -0.4))::numeric, 6) AS "12"
FROM (SELECT power(power(3, -0.4) * power(2, -0.9), 2) AS s2, power(power(3, -0.4) * power(2, -0.4), 2) AS s3) s;
-- 0: all neighbours say the same. 13: 1.5; 11: 1.6 * 2^-0.1; 12: 2^-0.4
SELECT interact_set('strength_exponent', '0');
SELECT item_id, round(score::numeric, 6) AS score FROM recommend(1);
SELECT interact_set('strength_exponent');

-- diversity: 11 shares the newer item 51 and went on to 61 and 62, 12 shares
-- the older 50 and went on to 63 and 64.
--	 61: 3^-0.4 * 2^-0.4 = 0.488359; 62: 2^-0.4 of it = 0.370107
--	 63: 3^-0.4 * 2^-0.9 = 0.345322; 64: 2^-0.4 of it = 0.261705
SELECT interact_record_view(10, 50, '2024-05-01 10:00'), interact_record_view(10, 51, '2024-05-01 11:00'),
       interact_record_view(11, 51, '2024-05-01 10:00'), interact_record_view(11, 61, '2024-05-01 11:00'), interact_record_view(11, 62, '2024-05-01 12:00'),
       interact_record_view(12, 50, '2024-05-01 10:00'), interact_record_view(12, 63, '2024-05-01 11:00'), interact_record_view(12, 64, '2024-05-01 12:00');
SELECT item_id, round(score::numeric, 6) AS score, because_item_id FROM recommend(10, 4);
-- By half for each before it with the same reason: 61, then 63, then 62 with
-- 0.370107 / 2, then 64 with 0.261705 / 2.
SELECT interact_set('diversity', '0.5');
SELECT item_id, round(score::numeric, 6) AS score, because_item_id FROM recommend(10, 4);
-- What was shown counts, so that the next page goes on.
SELECT item_id, round(score::numeric, 6) AS score FROM recommend(10, 1);
SELECT item_id, round(score::numeric, 6) AS score FROM recommend(10, 3, exclude => '{61}');
SELECT item_id, round(score::numeric, 6) AS score FROM recommend(10, 2, exclude => '{61,63}');
-- The fill-up goes on below the lowest.
SELECT item_id, round((0.261705 / 2 / score)::numeric, 4) AS divided_by, reason FROM recommend(10, 6) WHERE reason <> 'similar_users';
SELECT interact_set('diversity', '0.1');
SELECT item_id, round(score::numeric, 6) AS score FROM recommend(10, 4);
SELECT interact_set('diversity', '0.09');
SELECT interact_set('diversity', '1.01');
SELECT interact_set('diversity');
-- Candidates beyond the first 100 follow these, with lower scores.
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT u, (u - 600) * 1000 + i, '2024-05-01 10:00'::timestamptz + i * interval '1 min'
FROM generate_series(601, 603) u, generate_series(0, 60) i;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 600, u * 1000, '2024-05-01 10:00' FROM generate_series(1, 3) u;
BEGIN;
SELECT count(*) AS walked FROM recommend(600, 180) WHERE reason = 'similar_users';
SELECT interact_set('diversity', '0.9');
SELECT count(*), count(DISTINCT item_id) AS different, count(*) FILTER (WHERE score > last) AS rising,
       count(*) FILTER (WHERE n <= 100 AND because_item_id = 1000) AS of_1000,
       count(*) FILTER (WHERE n <= 100 AND because_item_id = 2000) AS of_2000,
       count(*) FILTER (WHERE n <= 100 AND because_item_id = 3000) AS of_3000
FROM (SELECT *, lag(score) OVER (ORDER BY n) AS last FROM recommend(600, 180) WITH ORDINALITY AS r (item_id, score, reason, because_item_id, support, n)) r;
ROLLBACK;

-- rerank_weight: all neighbours alike, no distance, no popularity. 701 has the
-- shared item 70 and 71, 702 has 70, 71 and 72:
--	 G = (2 2 1; 2 2 1; 1 1 1) for 70, 71, 72; mean of the diagonal 5/3
--	 G + 5/3 = (11/3 2 1; 2 11/3 1; 1 1 8/3)
--	 e_71 = -P(70,71) / P(71,71) = (2 * 8/3 - 1) / (11/3 * 8/3 - 1) = 39/79
--	 e_72 = (11/3 - 2) / (11/3 * 11/3 - 4)                          = 15/85
-- With mu = 0.3: 71: 1; 72: 0.7 * 1/2 + 0.3 * (15/85) / (39/79) = 0.457240
TRUNCATE interact_view, interact_purchase;
SELECT interact_set('user_exponent', '0'), interact_set('gap_exponent', '0'),
       interact_set('before_factor', '1'), interact_set('popularity_exponent', '0');
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES
    (700, 70, '2024-05-01'), (701, 70, '2024-05-01'), (701, 71, '2024-05-02'),
    (702, 70, '2024-05-01'), (702, 71, '2024-05-02'), (702, 72, '2024-05-03');
SELECT item_id, round((score / max(score) OVER ())::numeric, 6) AS ratio FROM recommend(700);
SELECT interact_set('rerank_weight', '0.3');
SELECT item_id, round(score::numeric, 6) AS score, reason, because_item_id, support FROM recommend(700);
SELECT round((0.7 / 2 + 0.3 * (15 / 85.0) / (39 / 79.0))::numeric, 6) AS "72";
SELECT interact_set('rerank_weight', '1');
SELECT item_id, round(score::numeric, 6) AS score FROM recommend(700);
SELECT round((15 / 85.0) / (39 / 79.0), 6) AS "72";
-- The same by a second implementation, on communities: 40 users with 8 of 30
-- items each, of which hop 2 reads all rows; G from who has what.
TRUNCATE interact_view;
SELECT interact_set('user_exponent'), interact_set('gap_exponent'), interact_set('before_factor'), interact_set('popularity_exponent');
CREATE TABLE planted AS
SELECT u AS user_id, (u * 7 + start + u / 13 * s.k) % 30 AS item_id, min(s.k) AS k
FROM generate_series(1, 40) u,
     unnest('{0,1,3,7,12,20,24,29}'::integer[]) WITH ORDINALITY AS s (start, k)
GROUP BY 1, 2;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT user_id, item_id, '2024-05-01'::timestamptz + interval '1 hour' * k + interval '1 min' * user_id FROM planted;
CREATE FUNCTION inverse(m double precision[]) RETURNS double precision[] LANGUAGE plpgsql AS $$
DECLARE
    n integer := array_length(m, 1);
    r double precision[] := array_fill(0::double precision, ARRAY[n, n]);
    f double precision;
BEGIN
    FOR i IN 1..n LOOP r[i][i] := 1; END LOOP;
    FOR c IN 1..n LOOP
        f := m[c][c];
        FOR j IN 1..n LOOP m[c][j] := m[c][j] / f; r[c][j] := r[c][j] / f; END LOOP;
        FOR i IN 1..n LOOP
            CONTINUE WHEN i = c;
            f := m[i][c];
            FOR j IN 1..n LOOP m[i][j] := m[i][j] - f * m[c][j]; r[i][j] := r[i][j] - f * r[c][j]; END LOOP;
        END LOOP;
    END LOOP;
    RETURN r;
END $$;
-- What recommend(u) has to return with rerank_weight mu
CREATE FUNCTION by_regression(u bigint, mu double precision)
RETURNS TABLE (item_id bigint, score double precision) LANGUAGE plpgsql AS $$
DECLARE
    h bigint[];
    c bigint[];
    items bigint[];
    g double precision[];
    d double precision;
BEGIN
    PERFORM interact_set('rerank_weight', '0');
    CREATE TEMP TABLE walked ON COMMIT DROP AS
        SELECT r.* FROM recommend(u, 100) r WHERE r.reason = 'similar_users';
    h := ARRAY(SELECT p.item_id FROM planted p WHERE p.user_id = u ORDER BY 1);
    c := ARRAY(SELECT w.item_id FROM walked w ORDER BY 1);
    items := h || c;
    g := array_fill(0::double precision, ARRAY[cardinality(items), cardinality(items)]);
    d := 0;
    FOR i IN 1..cardinality(items) LOOP
        FOR j IN 1..cardinality(items) LOOP
            g[i][j] := (SELECT coalesce(sum(s.score), 0)
                        FROM (SELECT v.user_id, v.score / avg(v.score) OVER () AS score
                              FROM interact_similar_users(u, 1000) v) s
                        JOIN planted a ON a.user_id = s.user_id AND a.item_id = items[i]
                        JOIN planted b ON b.user_id = s.user_id AND b.item_id = items[j]);
        END LOOP;
        d := d + g[i][i] / cardinality(items);
    END LOOP;
    FOR i IN 1..cardinality(items) LOOP g[i][i] := g[i][i] + d; END LOOP;
    g := inverse(g);
    RETURN QUERY
    WITH e AS (
        SELECT items[j] AS item_id, (SELECT -sum(g[i][j]) FROM generate_series(1, cardinality(h)) i) / g[j][j] AS e
        FROM generate_series(cardinality(h) + 1, cardinality(items)) j)
    SELECT w.item_id, (1 - mu) * w.score / max(w.score) OVER () + mu * e.e / max(e.e) OVER ()
    FROM walked w JOIN e USING (item_id);
END $$;
CREATE FUNCTION compare(u bigint, mu double precision)
RETURNS TABLE (items bigint, wrong bigint, moved bigint) LANGUAGE plpgsql AS $$
BEGIN
    CREATE TEMP TABLE expected ON COMMIT DROP AS SELECT * FROM by_regression(u, mu);
    PERFORM interact_set('rerank_weight', mu::text);
    RETURN QUERY
    WITH r AS MATERIALIZED (
        SELECT * FROM recommend(u, 100) WITH ORDINALITY AS r (item_id, score, reason, because_item_id, support, n)
        WHERE r.reason = 'similar_users')
    SELECT count(*), count(*) FILTER (WHERE abs(r.score - e.score) > 1e-9 OR e.score IS NULL),
           count(*) FILTER (WHERE r.n <> w.n)
    FROM r LEFT JOIN expected e USING (item_id)
    LEFT JOIN (SELECT item_id, row_number() OVER (ORDER BY walked.score DESC, walked.item_id) AS n FROM walked) w USING (item_id);
END $$;
BEGIN; SELECT * FROM compare(1, 0.3); ROLLBACK;
BEGIN; SELECT * FROM compare(17, 0.5); ROLLBACK;
BEGIN; SELECT * FROM compare(30, 0.9); ROLLBACK;
-- Scores never rise and stay above 0, whatever the weight; pages fit together.
SELECT interact_set('rerank_weight', '1');
SELECT count(*) AS rows, count(*) FILTER (WHERE score <= 0 OR score > last) AS wrong
FROM (SELECT u, score, lag(score) OVER (PARTITION BY u ORDER BY n) AS last
      FROM generate_series(1, 40) u, recommend(u, 100) WITH ORDINALITY AS r (item_id, score, reason, because_item_id, support, n)) r;
SELECT u, ARRAY(SELECT item_id FROM recommend(u, 7)) || ARRAY(SELECT item_id FROM recommend(u, 7, exclude => ARRAY(SELECT item_id FROM recommend(u, 7))))
       = ARRAY(SELECT item_id FROM recommend(u, 14)) AS same
FROM generate_series(1, 3) u;
-- With items the user has among the candidates.
SELECT count(*) AS rows, count(DISTINCT r.item_id) AS different, count(p.item_id) AS own
FROM recommend(1, 100, exclude_seen => false) r LEFT JOIN planted p ON p.user_id = 1 AND p.item_id = r.item_id
WHERE reason = 'similar_users';
SELECT count(*) FROM recommend_for_items('{1,2,3}', 100) WHERE reason = 'similar_users';
SELECT interact_set('rerank_weight', '-0.1');
SELECT interact_set('rerank_weight', '1.1');
SELECT interact_set('rerank_weight');
DROP FUNCTION compare(bigint, double precision), by_regression(bigint, double precision), inverse(double precision[]);
DROP TABLE planted;


-- Friends. 20 and 21 follow each other. 21 saved 71, then 72, then saw 73, then rated 74
-- and 75: 5 and 1. Nobody is similar, so M = 1: 10 * ew * r^-0.4, the latest
-- row being r = 1. A view is no friend's business, a bad rating no
-- recommendation.
--	 74 (r = 2): 10 * 1.25 * 2^-0.4          = 9.473229
--	 72 (r = 4): 10 * 1.2 * 4^-0.4           = 6.892190
--	 71 (r = 5): 10 * 1.2 * 5^-0.4           = 6.303667
TRUNCATE interact_view, interact_review;
INSERT INTO interact_favorite (user_id, item_id, created_at) VALUES
    (21, 71, '2024-05-01 10:00'), (21, 72, '2024-05-01 11:00');
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (21, 73, '2024-05-01 12:00');
INSERT INTO interact_review (user_id, item_id, rating, updated_at) VALUES
    (21, 74, 5, '2024-05-01 13:00'), (21, 75, 1, '2024-05-01 14:00');
INSERT INTO interact_friend (user_id, friend_id) VALUES (20, 21);
-- Not before 21 follows 20 as well.
SELECT count(*) FROM recommend(20) WHERE reason = 'friends';
INSERT INTO interact_friend (user_id, friend_id) VALUES (21, 20);
SELECT item_id, round(score::numeric, 6) AS score, reason, because_item_id, support FROM recommend(20, 3);
SELECT round((12.5 * power(2, -0.4))::numeric, 6) AS "74", round((12 * power(4, -0.4))::numeric, 6) AS "72", round((12 * power(5, -0.4))::numeric, 6) AS "71";
-- The view is there for all, but not as a friend's.
SELECT item_id, reason FROM recommend(20) WHERE item_id IN (73, 75) ORDER BY item_id;
-- Twice the weight, none, and the other way round: 20 has nothing to tell.
SELECT item_id, round(score::numeric, 6) AS score, reason FROM recommend(20, 1, friends_weight => 20);
SELECT item_id, reason FROM recommend(20, 1, friends_weight => 0);
SELECT interact_set('friends_weight', '0');
SELECT item_id, reason FROM recommend(20, 1);
SELECT item_id, round(score::numeric, 6) AS score, reason FROM recommend(20, 1, friends_weight => 20);
SELECT interact_set('friends_weight');
SELECT count(*) FROM recommend(21) WHERE reason = 'friends';
-- A view that may be shared counts: 73 is the third latest, 10 * 3^-0.4.
BEGIN;
SELECT interact_define_event('view', weight => 1, shareable => true);
SELECT item_id, round(score::numeric, 6) AS score, reason FROM recommend(20) WHERE item_id = 73;
ROLLBACK;
-- A friend who shares something is a neighbour as well: 22 saw 71.
--	 w_71 = 2^-0.4, S(21) = 5^-0.4 * w_71 * 1.2 = 0.477729 = M
--	 72 (r = 1 after 71): S * 1.2 + 10 * M * 1.2        = 6.306018
--	 74 (r = 3): (S * 1.25 + 10 * M * 1.25) * 3^-0.4    = 4.232875
--	 73 (r = 2): S * 2^-0.4, as of any similar user     = 0.362051
-- The friend is counted once.
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (22, 71, '2024-05-02');
INSERT INTO interact_friend (user_id, friend_id) VALUES (22, 21), (21, 22);
SELECT item_id, round(score::numeric, 6) AS score, reason, because_item_id, support FROM recommend(22, 3);
SELECT round((s * 1.2 * 11)::numeric, 6) AS "72", round((s * 1.25 * 11 * power(3, -0.4))::numeric, 6) AS "74", round((s * power(2, -0.4))::numeric, 6) AS "73"
FROM (SELECT power(5, -0.4) * power(2, -0.4) * 1.2 AS s) s;
SELECT item_id, round(score::numeric, 6) AS score, reason, because_item_id, support FROM recommend(22, 3, friends_weight => 0);
-- With latest_rows rows of friends have no distance either.
SELECT interact_set('latest_rows', '10');
SELECT item_id, round(score::numeric, 6) AS score, reason FROM recommend(20, 3);
SELECT interact_set('latest_rows');
-- More than half of a score makes the reason; excluded and seen items stay out.
SELECT item_id, round(score::numeric, 6) AS score, reason, because_item_id FROM recommend(22, 1, friends_weight => 0.9) WHERE item_id = 72;
SELECT item_id, round(score::numeric, 6) AS score, reason, because_item_id FROM recommend(22, 1, friends_weight => 1.1) WHERE item_id = 72;
SELECT item_id FROM recommend(22, 1, exclude => '{72}');
SELECT count(*) FROM recommend(22, 100) WHERE item_id = 71;
-- Friends leave half of the second hop to neighbours.
BEGIN;
INSERT INTO interact_favorite (user_id, item_id, created_at)
SELECT f, 1000 * f + i, '2024-05-01'::timestamptz + i * interval '1 min' FROM generate_series(101, 140) f, generate_series(1, 5) i;
INSERT INTO interact_friend (user_id, friend_id)
SELECT 22, f FROM generate_series(101, 140) f UNION ALL SELECT f, 22 FROM generate_series(101, 140) f;
SELECT interact_set('hop2_budget', '20');
SELECT count(*) FILTER (WHERE reason = 'friends') AS friends, count(*) FILTER (WHERE reason = 'similar_users') AS similar FROM recommend(22, 1000);
SELECT interact_set('hop2_budget');
SELECT count(*) FILTER (WHERE reason = 'friends') AS friends, count(*) FILTER (WHERE reason = 'similar_users') AS similar FROM recommend(22, 1000);
ROLLBACK;
-- Rows that are gone take nothing away from the friend's others.
BEGIN;
SELECT interact_set('window_rows', '2');
INSERT INTO interact_favorite (user_id, item_id, created_at)
SELECT 21, i, '2024-05-03'::timestamptz + i * interval '1 min' FROM generate_series(91, 110) i;
DELETE FROM interact_favorite WHERE user_id = 21 AND item_id >= 91;
SELECT item_id, round(score::numeric, 6) AS score, reason FROM recommend(20, 1);
ROLLBACK;
SELECT * FROM recommend(20, friends_weight => -0.1);
SELECT * FROM recommend(20, friends_weight => 1001);
SELECT * FROM recommend(20, friends_weight => 'NaN');
SELECT count(*) FROM recommend(20, friends_weight => 1000);

-- Friends are read with the rights of the caller.
CREATE ROLE presets_role;

GRANT EXECUTE ON FUNCTION recommend TO presets_role;
SET ROLE presets_role;
SELECT item_id, reason FROM recommend(20, 1);
SELECT item_id, reason FROM recommend(20, 1, friends_weight => 10);
RESET ROLE;
GRANT SELECT ON interact_friend TO presets_role;
SET ROLE presets_role;
SELECT item_id, reason FROM recommend(20, 1);
RESET ROLE;
-- Row-level security says which friends there are.
ALTER TABLE interact_friend ENABLE ROW LEVEL SECURITY;
SET ROLE presets_role;
SELECT item_id, reason FROM recommend(20, 1);
RESET ROLE;
CREATE POLICY p ON interact_friend TO presets_role USING (true);
SET ROLE presets_role;
SELECT item_id, round(score::numeric, 6) AS score, reason FROM recommend(20, 1);
RESET ROLE;
DROP POLICY p ON interact_friend;
ALTER TABLE interact_friend DISABLE ROW LEVEL SECURITY;
REVOKE ALL ON interact_friend FROM presets_role;
REVOKE ALL ON FUNCTION recommend FROM presets_role;
DROP ROLE presets_role;

SELECT * FROM interact_check();
DROP EXTENSION interact;
