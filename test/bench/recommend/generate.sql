-- About :pairs pairs of users and items, in views and orders of the last year.
--
-- Per user there are 50 pairs on average, per item 200, whatever :pairs is, so
-- that sizes can be compared.  Users' numbers of rows follow a power law (24 to
-- 2000, alpha 1.67), and so does the popularity of items.  Users come back for
-- visits of five rows, a minute apart; of one visit in twenty all rows are an
-- order.  Seven of ten rows are of one of the user's three communities of items,
-- three of any.  All choices are hashes of row numbers: the same everywhere.

SET client_min_messages = warning;
SET jit = off;
SET work_mem = '256MB';

SELECT greatest(:pairs / 50, 100) AS users, greatest(:pairs / 200, 500) AS items,
       greatest(:pairs / 200 / 500, 1) AS communities \gset

-- A number in [0, 1) that depends on nothing but the arguments.
CREATE FUNCTION pg_temp.draw(stream integer, n bigint) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS 'SELECT (hashint8extended(n, stream) & 2147483647) / 2147483648.0::double precision';

-- Rows in the order of time, as they would have come.  The popular items of a
-- community are those with small numbers, and so of all: item modulo communities
-- is the community.
CREATE TEMP TABLE deed AS
SELECT user_id, visit, n, ordered,
       1 + CASE WHEN pg_temp.draw(5, n) < 0.7
                THEN floor(:communities * pg_temp.draw(6, user_id * 3 + floor(3 * pg_temp.draw(7, n))::bigint))::bigint
                     + :communities * floor(500 * pg_temp.draw(8, n) ^ 2.5)::bigint
                ELSE floor(:items * pg_temp.draw(9, n) ^ 2.5)::bigint END AS item_id,
       date_trunc('day', now()) - interval '1 year' * pg_temp.draw(3, visit)
           + interval '1 minute' * (n % 5) AS at
  FROM (SELECT user_id, n, user_id * 1000 + (n - user_id * 4096) / 5 AS visit,
               pg_temp.draw(4, user_id * 1000 + (n - user_id * 4096) / 5) < 0.05 AS ordered
          FROM generate_series(1, :users::bigint) AS u (user_id),
               generate_series(user_id * 4096,
                               user_id * 4096 - 1 +
                               least(2000, floor(24 * (1 - pg_temp.draw(2, user_id)) ^ -0.6)::bigint)) AS n) AS d;

INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT user_id, item_id, at FROM deed WHERE NOT ordered ORDER BY at, n;

INSERT INTO interact_purchase (user_id, item_id, quantity, unit_price, order_id, purchased_at)
SELECT user_id, item_id, 1, 10, 'V' || visit, at FROM deed WHERE ordered ORDER BY at, n;

DROP TABLE deed;
