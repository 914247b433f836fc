-- What make quickstart shows, on whatever was loaded.  Needs the table
-- product (id, name) and the variables customer and seen.

\pset footer off
\pset null '-'
\set QUIET on

-- "you bought Kestrel Light Trail Shoe"
CREATE FUNCTION pg_temp.because(customer bigint, item bigint) RETURNS text
    LANGUAGE sql STABLE
AS $$
    SELECT 'you ' ||
           CASE WHEN EXISTS (SELECT FROM interact_purchase WHERE user_id = customer AND item_id = item)
                THEN 'bought '
                WHEN EXISTS (SELECT FROM interact_favorite WHERE user_id = customer AND item_id = item)
                THEN 'saved '
                ELSE 'viewed ' END || left(name, 32)
      FROM product WHERE id = item
$$;

-- The first calls of a session load the code and its plans.
SELECT count(*) AS warm
  FROM recommend(:customer), interact_similar_items(:customer), interact_trending(), interact_popular() \gset

\echo
\echo '==== What user' :customer 'did last'
SELECT to_char(at, 'YYYY-MM-DD HH24:MI') AS "when", what, left(name, 36) AS product
  FROM (SELECT viewed_at AS at, 'viewed' AS what, item_id FROM interact_view WHERE user_id = :customer
        UNION ALL
        SELECT created_at, 'saved', item_id FROM interact_favorite WHERE user_id = :customer
        UNION ALL
        SELECT added_at, 'put into cart', item_id FROM interact_cart_item WHERE user_id = :customer
        UNION ALL
        SELECT purchased_at, 'bought', item_id FROM interact_purchase WHERE user_id = :customer
        UNION ALL
        SELECT updated_at, 'rated ' || rating, item_id FROM interact_review WHERE user_id = :customer
        UNION ALL
        SELECT created_at, reaction || 'd', item_id FROM interact_reaction WHERE user_id = :customer
        UNION ALL
        SELECT occurred_at, event || 'd', item_id FROM interact_event WHERE user_id = :customer) AS h
  JOIN product ON product.id = h.item_id
 ORDER BY at DESC, what LIMIT 8;

\echo '==== What to show user' :customer ' SELECT * FROM recommend(':customer')'
\timing on
SELECT left(p.name, 36) AS product, round(r.score::numeric, 3) AS score,
       r.reason, pg_temp.because(:customer, r.because_item_id) AS because
  FROM recommend(:customer) WITH ORDINALITY
       AS r (item_id, score, reason, because_item_id, support, place)
  JOIN product AS p ON p.id = r.item_id
 ORDER BY r.place;
\timing off

SELECT name AS seen_name FROM product WHERE id = :seen \gset
\echo
\echo '==== Similar to' :seen_name ' interact_similar_items(':seen')'
\timing on
SELECT left(p.name, 36) AS product, round(s.score::numeric, 3) AS score, s.support AS users
  FROM interact_similar_items(:seen, 5) WITH ORDINALITY AS s (item_id, score, support, place)
  JOIN product AS p ON p.id = s.item_id
 ORDER BY s.place;
\timing off

\echo
\echo '==== Trending now  interact_trending(5)'
\timing on
SELECT left(p.name, 36) AS product, t.count AS events, t.users
  FROM interact_trending(5) WITH ORDINALITY AS t (item_id, score, count, users, place)
  JOIN product AS p ON p.id = t.item_id
 ORDER BY t.place;
\timing off

\echo
\echo '==== Counters of' :seen_name ' interact_item_stats'
\timing on
SELECT views, favorites, likes, dislikes, ratings, rating_avg AS rating,
       carts, purchases, buyers, units, revenue
  FROM interact_item_stats WHERE item_id = :seen;
\timing off

\echo
\echo '==== It is live: user' :customer 'looks at three products they never saw'
SELECT p.id AS fresh
  FROM interact_popular(100) WITH ORDINALITY AS t (item_id, score, count, users, place)
  JOIN product AS p ON p.id = t.item_id
 WHERE NOT EXISTS (SELECT FROM interact_affinity AS a WHERE a.user_id = :customer AND a.item_id = p.id)
   AND p.id NOT IN (SELECT item_id FROM recommend(:customer, 50))
 ORDER BY t.place LIMIT 1 \gset
CREATE TEMP TABLE before AS SELECT item_id FROM recommend(:customer);
BEGIN;
SELECT left(p.name, 36) AS product, interact_record_view(:customer, p.id) AS recorded
  FROM (SELECT :fresh UNION ALL SELECT item_id FROM interact_similar_items(:fresh, 2)) AS f (item_id)
  JOIN product AS p ON p.id = f.item_id;
\echo '... and these are new among the ten of recommend(':customer'), in the same transaction'
\timing on
SELECT left(p.name, 36) AS product, pg_temp.because(:customer, r.because_item_id) AS because
  FROM recommend(:customer) WITH ORDINALITY
       AS r (item_id, score, reason, because_item_id, support, place)
  JOIN product AS p ON p.id = r.item_id
 WHERE r.item_id NOT IN (SELECT item_id FROM before)
 ORDER BY r.place;
\timing off
ROLLBACK;

\echo
\echo '==== How fast: 200 calls of recommend() for random users'
CREATE TEMP TABLE call (ms double precision);
DO $$
DECLARE
    customer bigint;
    started timestamptz;
    took double precision[];
BEGIN
    -- Twice, and only the second time counts.
    FOR round IN 1..2 LOOP
        took := '{}';
        FOR customer IN
            SELECT user_id FROM (SELECT DISTINCT user_id FROM interact_affinity) AS u
             ORDER BY hashint8extended(user_id, 2026) LIMIT 200
        LOOP
            started := clock_timestamp();
            PERFORM count(*) FROM recommend(customer);
            took := took || 1000 * extract(epoch FROM clock_timestamp() - started)::double precision;
        END LOOP;
    END LOOP;
    INSERT INTO call SELECT unnest(took);
END
$$;
SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric, 2) AS "median ms",
       round(percentile_cont(0.95) WITHIN GROUP (ORDER BY ms)::numeric, 2) AS "p95 ms"
  FROM call;

\echo
\echo '==== How good: what 1000 random users did last is hidden; does it come back?'
SELECT strategy, evaluated AS users, round(hit_rate::numeric, 3) AS hit_rate, round(mrr::numeric, 3) AS mrr,
       round(ndcg::numeric, 3) AS ndcg, coverage, median_popularity AS popularity, round(ms_per_call::numeric, 2) AS ms
  FROM interact_evaluate();
