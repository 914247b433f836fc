-- recommend(), recommend_for_items() and interact_similar_items() beside a slow
-- computation of the same formulas in plain SQL, on random data: no budget is
-- reached, so scores have to agree but for rounding. The formulas are those at
-- the top of src/walk.c and src/similar.c.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
SET timezone = 'UTC';
SET intervalstyle = 'postgres';
SET jit = off;
\set VERBOSITY default
\set SHOW_CONTEXT never

-- A number in [0, 1) that depends on nothing but the arguments.
CREATE FUNCTION pg_temp.draw(stream integer, n bigint) RETURNS double precision
    LANGUAGE sql IMMUTABLE
AS 'SELECT (hashint8extended(n, stream) & 2147483647) / 2147483648.0::double precision';

-- 60 users, up to 25 of 60 items each, the first ones more often. Times are
-- whole quarters of a day, so that many are equal; some lie a day ahead.
CREATE TEMP TABLE fact AS
SELECT u AS user_id, 1 + floor(60 * pg_temp.draw(1, u * 100 + k) ^ 1.7)::bigint AS item_id, u * 100 + k AS n,
       now() - interval '150 days' * pg_temp.draw(2, u) + interval '6 hours' * floor(20 * pg_temp.draw(3, u * 100 + k)) AS at,
       floor(10 * pg_temp.draw(4, u * 100 + k))::integer AS kind
  FROM generate_series(1, 60) AS u, generate_series(1, 30) AS k
 WHERE k <= 5 + 25 * pg_temp.draw(5, u);
DELETE FROM fact WHERE at > now() + interval '20 hours';
SELECT interact_define_event('play', weight => 0.7), interact_define_event('bore', weight => -0.5, kind => 'reaction'),
       interact_define_event('nothing', weight => 0);
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT user_id, item_id, at FROM fact WHERE kind IN (0, 1, 2) ORDER BY at, n;
INSERT INTO interact_favorite (user_id, item_id, created_at)
SELECT DISTINCT ON (user_id, item_id) user_id, item_id, at FROM fact WHERE kind = 3 ORDER BY user_id, item_id, at;
INSERT INTO interact_cart_item (user_id, item_id, added_at)
SELECT DISTINCT ON (user_id, item_id) user_id, item_id, at FROM fact WHERE kind = 4 ORDER BY user_id, item_id, at;
INSERT INTO interact_purchase (user_id, item_id, purchased_at)
SELECT user_id, item_id, at FROM fact WHERE kind = 5;
INSERT INTO interact_review (user_id, item_id, rating, created_at, updated_at)
SELECT DISTINCT ON (user_id, item_id) user_id, item_id, 1 + floor(5 * pg_temp.draw(6, n) ^ 0.5)::integer, at, at
  FROM fact WHERE kind IN (6, 7) ORDER BY user_id, item_id, at;
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at)
SELECT DISTINCT ON (user_id, item_id) user_id, item_id,
       (ARRAY['like', 'like', 'dislike', 'bore'])[1 + floor(4 * pg_temp.draw(7, n))::integer], at
  FROM fact WHERE kind = 8 ORDER BY user_id, item_id, at;
INSERT INTO interact_event (user_id, item_id, event, occurred_at)
SELECT user_id, item_id, (ARRAY['play', 'nothing'])[1 + floor(2 * pg_temp.draw(8, n))::integer], at
  FROM fact WHERE kind = 9;

-- What the base tables say: the pairs with their weights, and the number of
-- users of an item. Only how many items a user has is taken from where the walk
-- has it, because that is approximate by design.
CREATE TEMP TABLE pair AS
SELECT user_id, item_id, at,
       CASE WHEN worst < 0 OR rating IN (1, 2) THEN -1::real
            ELSE greatest(best, 0::real) * (1 + 0.25::real * ((greatest(rating, 3) - 3) / 2.0)::real)::real
       END::double precision AS weight
  FROM (SELECT f.user_id, f.item_id, max(f.at) AS at, max(t.weight) AS best, min(t.weight) AS worst, max(f.rating) AS rating
          FROM interact_fact AS f JOIN interact_event_type AS t ON t.id = f.event
         GROUP BY 1, 2) AS p;
CREATE TEMP TABLE popularity AS
SELECT item_id, max(users) AS users
  FROM (SELECT item_id, event, count(DISTINCT user_id) AS users FROM interact_fact GROUP BY 1, 2) AS e
 GROUP BY 1;
CREATE TEMP TABLE degree AS
SELECT DISTINCT ON (user_id) user_id, greatest(user_items, 1) AS items
  FROM interact_affinity ORDER BY user_id, last_at DESC, item_id;
CREATE INDEX ON pair (user_id, item_id);
CREATE INDEX ON pair (item_id);
ANALYZE pair, popularity, degree;
-- There is some of everything.
SELECT count(*) > 700 AS pairs, count(*) FILTER (WHERE weight < 0) > 70 AS negative,
       count(*) FILTER (WHERE weight = 0) > 15 AS nothing, count(DISTINCT weight) AS weights,
       count(*) > 1.3 * count(DISTINCT (user_id, at)) AS ties, max(at) > now() AS future
  FROM pair;

-- The settings in force, as numbers.
CREATE TEMP VIEW setting AS
SELECT max(value) FILTER (WHERE name = 'profile_items')::double precision AS profile_items,
       max(value) FILTER (WHERE name = 'position_exponent')::double precision AS position_exponent,
       max(value) FILTER (WHERE name = 'item_exponent')::double precision AS item_exponent,
       max(value) FILTER (WHERE name = 'user_exponent')::double precision AS user_exponent,
       max(value) FILTER (WHERE name = 'strength_exponent')::double precision AS strength_exponent,
       max(value) FILTER (WHERE name = 'gap_exponent')::double precision AS gap_exponent,
       max(value) FILTER (WHERE name = 'before_factor')::double precision AS before_factor,
       max(value) FILTER (WHERE name = 'window_rows')::double precision AS window_rows,
       max(value) FILTER (WHERE name = 'latest_rows')::double precision AS latest_rows,
       max(value) FILTER (WHERE name = 'popularity_exponent')::double precision AS popularity_exponent,
       max(value) FILTER (WHERE name = 'recency_floor')::double precision AS recency_floor,
       extract(epoch FROM max(value) FILTER (WHERE name = 'recency_half_life')::interval)::double precision AS half_life
  FROM interact_settings();

-- Scores of the candidates for a user or, with the exponents of sessions, for a
-- list of items.
CREATE FUNCTION pg_temp.oracle(asking bigint, items bigint[])
RETURNS TABLE (item_id bigint, score double precision, support bigint, amounts double precision[], anchors bigint[])
LANGUAGE sql AS $$
WITH s AS MATERIALIZED (
    SELECT setting.*,
           CASE WHEN items IS NULL THEN position_exponent ELSE 1 END AS p,
           CASE WHEN items IS NULL THEN item_exponent ELSE 0.5 END AS a,
           CASE WHEN items IS NULL THEN gap_exponent ELSE 0.75 END AS g
      FROM setting
),
profile AS (
    SELECT p.item_id, p.weight, row_number() OVER (ORDER BY p.at DESC, p.item_id) AS place,
           dense_rank() OVER (ORDER BY p.at DESC) - 1 AS x
      FROM pair AS p WHERE p.user_id = asking AND p.weight > 0
    UNION ALL
    SELECT l.item_id, 1, cardinality(items) - n + 1, cardinality(items) - n
      FROM unnest(items) WITH ORDINALITY AS l (item_id, n)
),
walked AS MATERIALIZED (
    SELECT p.item_id, p.place,
           p.weight * power(1 + p.x, -s.p)
           * power(greatest(least((SELECT count(*) FROM pair AS o WHERE o.item_id = p.item_id), 200), 1), -s.a) AS w
      FROM profile AS p, s WHERE p.place <= s.profile_items
),
edge AS (
    SELECT v.user_id, v.item_id, v.at, v.weight, p.w, p.place
      FROM walked AS p JOIN pair AS v ON v.item_id = p.item_id
     WHERE v.weight > 0 AND v.user_id IS DISTINCT FROM asking
),
neighbour AS (
    SELECT e.user_id, power(power(d.items, -s.user_exponent) * sum(e.w * e.weight), s.strength_exponent) AS strength
      FROM s, edge AS e JOIN degree AS d ON d.user_id = e.user_id
     GROUP BY e.user_id, d.items, s.user_exponent, s.strength_exponent
),
anchor AS (
    SELECT DISTINCT ON (e.user_id) e.user_id, e.item_id, e.at FROM edge AS e ORDER BY e.user_id, e.w DESC, e.place
),
near AS (
    SELECT a.user_id, a.item_id AS anchor, v.item_id, v.at, v.weight, v.at >= a.at AS after,
           row_number() OVER (PARTITION BY a.user_id, v.at >= a.at
                              ORDER BY CASE WHEN v.at >= a.at THEN v.at END,
                                       CASE WHEN v.at >= a.at THEN v.item_id END DESC,
                                       v.at DESC, v.item_id) AS place,
           row_number() OVER (PARTITION BY a.user_id ORDER BY v.at DESC, v.item_id) AS latest
      FROM anchor AS a JOIN pair AS v ON v.user_id = a.user_id AND v.item_id <> a.item_id
),
-- Rows of one time share the mean of their places, rounded down.
ranked AS (
    SELECT n.*, floor((min(place) OVER same + max(place) OVER same) / 2.0)::double precision AS r
      FROM near AS n, s
     WHERE CASE WHEN s.latest_rows > 0 THEN latest <= s.latest_rows ELSE place <= s.window_rows END
    WINDOW same AS (PARTITION BY user_id, after, at)
),
said AS (
    SELECT r.item_id, r.anchor,
           n.strength * r.weight
           * CASE WHEN s.latest_rows > 0 THEN 1
                  ELSE power(r.r, -s.g) * CASE WHEN r.after THEN 1 ELSE s.before_factor END END
           * (s.recency_floor + (1 - s.recency_floor)
              * power(2::double precision,
                      -greatest(extract(epoch FROM statement_timestamp() - r.at), 0)::double precision / s.half_life)) AS amount
      FROM s, ranked AS r JOIN neighbour AS n ON n.user_id = r.user_id
     WHERE r.weight > 0
)
SELECT c.item_id, power(p.users::double precision, -s.popularity_exponent) * sum(c.amount), count(*),
       array_agg(c.amount ORDER BY c.amount DESC), array_agg(c.anchor ORDER BY c.amount DESC)
  FROM s, said AS c JOIN popularity AS p ON p.item_id = c.item_id
 WHERE NOT EXISTS (SELECT FROM pair AS o WHERE o.user_id = asking AND o.item_id = c.item_id)
   AND c.item_id <> ALL (coalesce(items, '{}'))
 GROUP BY c.item_id, p.users, s.popularity_exponent
HAVING sum(c.amount) > 0
$$;

-- Rows compared, and those that differ: in the item, in the score by more than
-- 1e-9 of it, in the support, in the reason (any of those that contributed
-- most), or in the order.
CREATE FUNCTION pg_temp.compare_users(every integer) RETURNS TABLE (compared bigint, different bigint)
LANGUAGE sql AS $$
    SELECT count(*), count(*) FILTER (WHERE c.differs)
      FROM generate_series(1, 61, every) AS u,
           LATERAL (SELECT r.item_id IS NULL OR o.item_id IS NULL
                           OR abs(r.score - o.score) > 1e-9 * o.score OR r.support <> o.support
                           OR r.ordinality <> r.expected
                           OR NOT EXISTS (SELECT FROM unnest(o.amounts, o.anchors) AS m (amount, anchor)
                                           WHERE m.anchor = r.because_item_id AND m.amount >= o.amounts[1] * (1 - 1e-9)) AS differs
                      FROM (SELECT *, row_number() OVER (ORDER BY x.score DESC, x.item_id) AS expected
                              FROM recommend(u, 1000) WITH ORDINALITY AS x WHERE x.reason = 'similar_users') AS r
                      FULL JOIN pg_temp.oracle(u, NULL) AS o ON o.item_id = r.item_id) AS c
$$;
CREATE FUNCTION pg_temp.compare_items(every integer) RETURNS TABLE (compared bigint, different bigint)
LANGUAGE sql AS $$
    SELECT count(*), count(*) FILTER (WHERE c.differs)
      FROM generate_series(1, 30, every) AS n,
           LATERAL (SELECT array_agg(DISTINCT 1 + floor(64 * pg_temp.draw(9, n * 10 + k))::bigint) AS items
                      FROM generate_series(1, 1 + n % 6) AS k) AS l,
           LATERAL (SELECT r.item_id IS NULL OR o.item_id IS NULL
                           OR abs(r.score - o.score) > 1e-9 * o.score OR r.support <> o.support
                           OR r.ordinality <> r.expected
                           OR NOT EXISTS (SELECT FROM unnest(o.amounts, o.anchors) AS m (amount, anchor)
                                           WHERE m.anchor = r.because_item_id AND m.amount >= o.amounts[1] * (1 - 1e-9)) AS differs
                      FROM (SELECT *, row_number() OVER (ORDER BY x.score DESC, x.item_id) AS expected
                              FROM recommend_for_items(l.items, 1000) WITH ORDINALITY AS x WHERE x.reason = 'similar_users') AS r
                      FULL JOIN pg_temp.oracle(NULL, l.items) AS o ON o.item_id = r.item_id) AS c
$$;

-- With the defaults.
SELECT compared > 1000 AS compared, different FROM pg_temp.compare_users(2);
SELECT compared > 500 AS compared, different FROM pg_temp.compare_items(2);

-- With each setting of the formulas changed, for some of them. What differs, or
-- if there is nothing to compare, is shown.
CREATE TEMP TABLE change (n integer, changes jsonb);
INSERT INTO change VALUES
    (1, '{"item_exponent": 0, "user_exponent": 1.3, "position_exponent": 2}'),
    (2, '{"item_exponent": 1, "user_exponent": 0, "position_exponent": 0}'),
    (3, '{"gap_exponent": 1.1, "before_factor": 1.4}'),
    (4, '{"gap_exponent": 0, "before_factor": 0}'),
    (5, '{"window_rows": 4}'),
    (6, '{"window_rows": 1}'),
    (7, '{"profile_items": 3, "strength_exponent": 1.7}'),
    (8, '{"recency_floor": 0, "recency_half_life": "12 days"}'),
    (9, '{"recency_floor": 1, "popularity_exponent": 0}'),
    (10, '{"popularity_exponent": 0.8}'),
    (11, '{"popularity_exponent": -0.3}'),
    (12, '{"latest_rows": 6, "recency_half_life": "30 days"}'),
    (13, '{"latest_rows": 100, "strength_exponent": 0.5}');
DO $$
DECLARE
    step record;
    users record;
    items record;
BEGIN
    FOR step IN SELECT * FROM change ORDER BY n LOOP
        DELETE FROM interact_setting;
        PERFORM interact_set(key, value) FROM jsonb_each_text(step.changes);
        SELECT * INTO users FROM pg_temp.compare_users(8);
        SELECT * INTO items FROM pg_temp.compare_items(8);
        IF users.different > 0 OR items.different > 0 OR users.compared < 200 OR items.compared < 50 THEN
            RAISE INFO '%: % of % users'' rows differ, % of % items'' rows', step.changes,
                users.different, users.compared, items.different, items.compared;
        END IF;
    END LOOP;
    DELETE FROM interact_setting;
END
$$;

-- Similar items: the users of an item, each with the latest 100 rows.
SELECT count(*) > 1500 AS compared, count(*) FILTER (WHERE c.differs) AS different
  FROM generate_series(1, 61) AS i,
       LATERAL (SELECT r.item_id IS NULL OR o.item_id IS NULL
                       OR abs(r.score - o.score) > 1e-9 * o.score OR r.support <> o.support
                       OR r.ordinality <> r.expected AS differs
                  FROM (SELECT *, row_number() OVER (ORDER BY x.score DESC, x.item_id) AS expected
                          FROM interact_similar_items(i, 1000) WITH ORDINALITY AS x) AS r
                  FULL JOIN (SELECT p.item_id, power(p.users::double precision, -0.1) * sum(power(d.items, -0.5::double precision)) AS score,
                                    count(*) AS support
                               FROM pair AS a
                               JOIN degree AS d ON d.user_id = a.user_id
                               JOIN pair AS b ON b.user_id = a.user_id AND b.item_id <> a.item_id AND b.weight > 0
                               JOIN popularity AS p ON p.item_id = b.item_id
                              WHERE a.item_id = i AND a.weight > 0
                              GROUP BY p.item_id, p.users) AS o ON o.item_id = r.item_id) AS c;

SELECT * FROM interact_check();
DROP EXTENSION interact CASCADE;
