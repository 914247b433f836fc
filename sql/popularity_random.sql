-- The top lists against a sort of all items, all along a random sequence of
-- statements. The same sequence at every run.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
SET timezone = 'UTC';
SELECT interact_define_event('share', 2) IS NOT NULL AS share,
       interact_define_event('play', 0.5) IS NOT NULL AS play,
       interact_define_event('report', -3) IS NOT NULL AS report,
       interact_define_event('nothing', 0) IS NOT NULL AS nothing,
       interact_define_event('wow', 1.1, 'reaction') IS NOT NULL AS wow;

-- Numbers from 0 to n - 1, and items of which few are frequent.
CREATE TEMP SEQUENCE draw;
CREATE FUNCTION rnd(n integer) RETURNS integer LANGUAGE sql VOLATILE AS
$$ SELECT ((hashint8extended(nextval('draw'), 20240502) & 2147483647) % n)::integer $$;
CREATE FUNCTION rnd_item() RETURNS integer LANGUAGE sql VOLATILE AS
$$ SELECT floor(60 * (rnd(1000) / 1000.0) ^ 4)::integer - 5 $$;
CREATE FUNCTION rnd_time() RETURNS timestamptz LANGUAGE sql VOLATILE AS
$$ SELECT now() - rnd(400) * interval '3 hours' $$;

-- What the functions should return, from all rows. hot is taken from the
-- counters, which keep what is deleted; see interact_rebuild() below.
CREATE VIEW key_sum AS
SELECT f.item_id, t.event, t.weight, f.event AS id, sum(f.count) AS count, sum(f.total) AS points,
       max(k.users) AS users, max(k.hot) AS hot
  FROM interact_fact AS f
  JOIN interact_event_type AS t ON t.id = f.event
  JOIN (SELECT c.item_id, c.event, sum(c.users) AS users, interact_log2_sum(c.hot) AS hot
          FROM interact_counter AS c GROUP BY c.item_id, c.event) AS k
    ON (k.item_id, k.event) = (f.item_id, f.event)
 GROUP BY f.item_id, t.event, t.weight, f.event
HAVING sum(f.count) > 0;

CREATE FUNCTION expect_popular(n integer, named text)
RETURNS TABLE (place bigint, item_id bigint, score double precision, count bigint, users bigint)
LANGUAGE sql STABLE AS $$
    SELECT row_number() OVER (ORDER BY s.score DESC, s.item_id), s.*
      FROM (SELECT k.item_id,
                   sum(CASE WHEN named IS NULL THEN k.weight::double precision ELSE 1 END
                       * k.count::double precision ORDER BY k.id) AS score,
                   sum(k.count)::bigint, max(k.users)::bigint
              FROM key_sum AS k
             WHERE CASE WHEN named IS NULL THEN k.weight > 0 AND (k.event <> 'rating' OR k.points >= 3 * k.count)
                        ELSE k.event = named END
             GROUP BY k.item_id) AS s
     ORDER BY 1 LIMIT n $$;

-- With log2 of the score.
CREATE FUNCTION expect_trending(n integer, named text)
RETURNS TABLE (place bigint, item_id bigint, score double precision, count bigint, users bigint)
LANGUAGE sql STABLE AS $$
    SELECT row_number() OVER (ORDER BY s.score DESC, s.item_id), s.*
      FROM (SELECT k.item_id,
                   interact_log2_sum(k.hot + CASE WHEN named IS NULL THEN ln(k.weight::double precision) / ln(2::double precision)
                                             ELSE 0 END) AS score,
                   sum(k.count)::bigint, max(k.users)::bigint
              FROM key_sum AS k
             WHERE CASE WHEN named IS NULL THEN k.weight > 0 AND (k.event <> 'rating' OR k.points >= 3 * k.count)
                        ELSE k.event = named END
             GROUP BY k.item_id
            HAVING max(k.hot) > '-Infinity') AS s
     ORDER BY 1 LIMIT n $$;

CREATE FUNCTION expect_top_rated(n integer, fewest integer)
RETURNS TABLE (place bigint, item_id bigint, score numeric, rating_avg numeric, ratings bigint)
LANGUAGE sql STABLE AS $$
    SELECT row_number() OVER (ORDER BY s.score DESC, s.item_id), s.*
      FROM (SELECT k.item_id,
                   round((p.weight * p.mean + k.points) / (p.weight + k.count), 9) AS score,
                   round(k.points / k.count, 2), k.count::bigint
              FROM key_sum AS k,
                   (SELECT sum(c.total) / sum(c.count) AS mean, sum(c.count) / count(*) AS weight
                      FROM interact_counter AS c WHERE c.event = 4) AS p
             WHERE k.event = 'rating' AND k.count >= fewest) AS s
     ORDER BY 1 LIMIT n $$;

-- What differs. Of items whose trends are as good as equal either may come
-- first; equal averages may be rounded differently.
CREATE FUNCTION wrong(note text) RETURNS SETOF text
LANGUAGE plpgsql STABLE AS $$
DECLARE
    n integer;
    named text;
    popular text[];
    rated text[];
BEGIN
    FOR named IN SELECT event FROM interact_event_type UNION ALL SELECT NULL LOOP
        popular := ARRAY(SELECT e::text FROM expect_popular(1000, named) AS e);
        FOREACH n IN ARRAY '{1,2,7,1000}'::integer[] LOOP
            IF popular[:n] <> ARRAY(
                SELECT (ordinality, item_id, score, count, users)::text
                  FROM interact_popular(n, named) WITH ORDINALITY) THEN
                RETURN NEXT format('%s: interact_popular(%s, %L)', note, n, named);
            END IF;
        END LOOP;
        RETURN QUERY
        WITH expected AS MATERIALIZED (SELECT * FROM expect_trending(1000, named)),
             actual AS (SELECT m.n, ordinality AS place, item_id, count, users,
                               ln(score) / ln(2::double precision)
                               + (extract(epoch FROM now() - '2000-01-01') / (3 * 86400))::double precision AS score
                          FROM unnest('{1,2,7,1000}'::integer[]) AS m (n), interact_trending(m.n, named) WITH ORDINALITY),
             differing AS (
                 SELECT m.n
                   FROM unnest('{1,2,7,1000}'::integer[]) AS m (n)
                  CROSS JOIN expected AS e
                   LEFT JOIN actual AS a ON a.n = m.n AND a.place = e.place
                  WHERE e.place <= m.n AND abs(a.score - e.score) < 1e-6 IS NOT TRUE
                 UNION
                 SELECT a.n
                   FROM actual AS a
                   LEFT JOIN expected AS e USING (item_id)
                  WHERE (abs(a.score - e.score) < 1e-6 AND (a.count, a.users) = (e.count, e.users)) IS NOT TRUE)
        SELECT format('%s: interact_trending(%s, %L)', note, d.n, named) FROM differing AS d;
    END LOOP;
    FOR fewest IN 1 .. 6 LOOP
        rated := ARRAY(SELECT e::text FROM expect_top_rated(1000, fewest) AS e);
        FOREACH n IN ARRAY '{1,2,7,1000}'::integer[] LOOP
            IF rated[:n] <> ARRAY(
                SELECT (row_number() OVER (ORDER BY round(score::numeric, 9) DESC, item_id),
                        item_id, round(score::numeric, 9), rating_avg, ratings)::text
                  FROM interact_top_rated(n, fewest)
                 ORDER BY round(score::numeric, 9) DESC, item_id) THEN
                RETURN NEXT format('%s: interact_top_rated(%s, %s)', note, n, fewest);
            END IF;
        END LOOP;
    END LOOP;
END $$;
SELECT * FROM wrong('empty');

-- Make two rows of some keys, as transactions that meet there leave them: the
-- parts add up, and levels bound the whole.
CREATE FUNCTION split_rows() RETURNS void LANGUAGE sql VOLATILE AS $$
    WITH part AS (
        UPDATE interact_counter AS c
           SET count = c.count - c.count / 3, users = c.users - c.users / 2, hot = c.hot - 1,
               units = c.units - 1, total = c.total - c.count / 3
          FROM (SELECT ctid, count, users FROM interact_counter
                 WHERE (item_id, event) IN (SELECT item_id, event FROM interact_counter
                                             GROUP BY item_id, event HAVING count(*) = 1)
                   AND hashint8(item_id * 31 + event) % 5 = 0) AS o
         WHERE c.ctid = o.ctid
        RETURNING c.item_id, c.id, o.count / 3 AS count, o.users / 2 AS users, c.hot,
                  c.hot_level, c.count_level, c.event)
    INSERT INTO interact_counter (item_id, id, count, users, units, hot, hot_level, count_level, event, total, rating_level)
    SELECT item_id, id + 1, count, users, 1, hot, hot_level, count_level, event, count,
           CASE WHEN event = 4 THEN 51 ELSE 0 END
      FROM part;
    UPDATE interact_catalogue SET users = (SELECT count(*) FROM interact_counter WHERE event = 4) $$;

CREATE TABLE found (note text);
CREATE FUNCTION step() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    n integer := 1 + rnd(6);
    tab text;
BEGIN
    CASE rnd(16)
        WHEN 0, 1, 2 THEN
            INSERT INTO interact_view (user_id, item_id, viewed_at)
            SELECT 1 + rnd(40), rnd_item(), rnd_time() FROM generate_series(1, 3 * n);
        WHEN 3 THEN
            INSERT INTO interact_favorite (user_id, item_id, created_at)
            SELECT 1 + rnd(40), rnd_item(), rnd_time() FROM generate_series(1, n) ON CONFLICT DO NOTHING;
        WHEN 4, 5, 6 THEN
            INSERT INTO interact_review (user_id, item_id, rating, updated_at)
            SELECT DISTINCT ON (u, i) u, i, r, at
              FROM (SELECT 1 + rnd(40) AS u, rnd_item() AS i, 1 + greatest(rnd(5), rnd(5)) AS r, rnd_time() AS at
                      FROM generate_series(1, 2 * n)) AS s
             ORDER BY u, i, at, r
                ON CONFLICT (user_id, item_id) DO UPDATE SET rating = excluded.rating;
        WHEN 7 THEN
            INSERT INTO interact_reaction (user_id, item_id, reaction, created_at)
            SELECT 1 + rnd(40), rnd_item(), ('{like,dislike,wow}'::text[])[1 + rnd(3)], rnd_time()
              FROM generate_series(1, n) ON CONFLICT DO NOTHING;
        WHEN 8 THEN
            INSERT INTO interact_cart_item (user_id, item_id, quantity, added_at, removed_at)
            SELECT 1 + rnd(40), rnd_item(), 1 + rnd(3), rnd_time(), CASE rnd(3) WHEN 0 THEN now() END
              FROM generate_series(1, n) ON CONFLICT DO NOTHING;
        WHEN 9 THEN
            INSERT INTO interact_purchase (user_id, item_id, quantity, unit_price, purchased_at)
            SELECT 1 + rnd(40), rnd_item(), 1 + rnd(3), rnd(100), rnd_time() FROM generate_series(1, n);
        WHEN 10 THEN
            INSERT INTO interact_event (user_id, item_id, event, value, occurred_at)
            SELECT 1 + rnd(40), rnd_item(), ('{share,play,report,nothing}'::text[])[1 + rnd(4)], rnd(9), rnd_time()
              FROM generate_series(1, n);
        WHEN 11 THEN
            INSERT INTO interact_pruned (item_id, event, count, total, pruned_at)
            SELECT rnd_item(), 'view', rnd(200), 0, now() ON CONFLICT DO NOTHING;
        WHEN 12 THEN
            -- a carry-over of ratings that may be none
            INSERT INTO interact_pruned (item_id, event, count, total, pruned_at)
            SELECT rnd_item(), 'rating', rnd(4), rnd(30), now() ON CONFLICT DO NOTHING;
        WHEN 13 THEN
            PERFORM split_rows();
        ELSE
            tab := ('{view,view,favorite,review,review,reaction,cart_item,purchase,event,pruned}'::text[])[1 + rnd(10)];
            EXECUTE format('DELETE FROM interact_%s WHERE id %% 7 = %s', tab, rnd(7));
            EXECUTE format('DELETE FROM interact_%s WHERE item_id = %s', tab, rnd_item());
    END CASE;
END $$;

CREATE PROCEDURE play(steps integer) LANGUAGE plpgsql AS $$
BEGIN
    FOR i IN 1 .. steps LOOP
        BEGIN
            PERFORM step();
            -- some are taken back after having been looked at
            IF rnd(8) = 0 THEN
                INSERT INTO found SELECT wrong(i || ' before it is taken back');
                RAISE EXCEPTION SQLSTATE 'IA001';
            END IF;
        EXCEPTION WHEN SQLSTATE 'IA001' THEN NULL;
        END;
        IF i % 10 = 0 THEN
            INSERT INTO found SELECT wrong(i::text);
        END IF;
        IF i % 100 = 0 THEN
            INSERT INTO found SELECT i || ': ' || c FROM interact_check() AS c;
            COMMIT;
        END IF;
    END LOOP;
END $$;
SET jit = off;
CALL play(400);
SELECT * FROM found;
SELECT * FROM interact_check();
-- It was worth something: there are many items, some frequent, keys of several
-- rows, and averages other than the means.
SELECT count(*) > 40 AS items, max(ratings) > 10 AS ratings FROM interact_item_stats;
SELECT count(*) > 5 AS keys FROM (SELECT FROM interact_counter GROUP BY item_id, event HAVING count(*) > 1) AS k;

-- Compacted, and with hot computed again, which takes out what was deleted.
SELECT interact_compact() > 0 AS compacted;
SELECT * FROM wrong('compacted');
SELECT interact_rebuild('hot') > 0 AS rebuilt;
SELECT * FROM wrong('rebuilt');
SELECT count(*) AS hot_differs
  FROM (SELECT item_id, event, interact_hot_sum(at) AS hot FROM interact_fact WHERE at IS NOT NULL GROUP BY item_id, event) AS f
  JOIN (SELECT item_id, event, interact_log2_sum(hot) AS hot FROM interact_counter GROUP BY item_id, event) AS c
    USING (item_id, event)
 WHERE abs(f.hot - c.hot) > 1e-6;

-- A window of time: the rows of the base tables from then to now.
SELECT count(*) AS wrong
  FROM (VALUES ('1 day'::interval), ('10 days'), ('37 days')) AS w (since),
       (SELECT event FROM interact_event_type UNION ALL SELECT NULL) AS e (event),
       LATERAL (
       SELECT ordinality AS place, item_id, score, count, users
         FROM interact_popular(7, e.event, w.since) WITH ORDINALITY
       EXCEPT ALL
       (SELECT row_number() OVER (ORDER BY s.score DESC, s.item_id), s.*
          FROM (SELECT k.item_id, sum(CASE WHEN e.event IS NULL THEN k.weight ELSE 1 END * k.count::double precision ORDER BY k.id) AS score,
                       sum(k.count)::bigint, max(k.users)
                  FROM (SELECT f.item_id, t.event, t.id, t.weight::double precision, count(*) AS count,
                               count(DISTINCT f.user_id) AS users, sum(f.rating) AS points
                          FROM interact_fact AS f
                          JOIN interact_event_type AS t ON t.id = f.event
                         WHERE f.at BETWEEN clock_timestamp() - w.since AND clock_timestamp()
                         GROUP BY f.item_id, t.event, t.id, t.weight) AS k
                 WHERE CASE WHEN e.event IS NULL THEN k.weight > 0 AND (k.event <> 'rating' OR k.points >= 3 * k.count)
                            ELSE k.event = e.event END
                 GROUP BY k.item_id) AS s
         ORDER BY 1 LIMIT 7)) AS differing;

DROP TABLE found;
DROP PROCEDURE play(integer);
DROP FUNCTION step(), split_rows(), wrong(text), expect_popular(integer, text), expect_trending(integer, text),
    expect_top_rated(integer, integer), rnd_time(), rnd_item(), rnd(integer);
DROP VIEW key_sum;
DROP SEQUENCE draw;
DROP EXTENSION interact;
