-- A split whose answer is known: users with planted tastes, as files of
-- tab-separated values.
--   :users    users
--   :train    file of user, item, seconds since 1970: the rows to learn from
--   :test     the last fifth of each user's rows
--   :tastes   file of user, item: all items of the user's tastes
--
-- There are 40 tastes of 50 items; users have two of them. Of their rows, 20 to
-- 59, four in five are of these, the others of any; in each taste few items
-- are popular. All choices are hashes of row numbers: the same everywhere. An
-- item's number says nothing about its taste or its popularity.

SET client_min_messages = warning;
SET jit = off;

-- A number in [0, 1) that depends on nothing but the arguments.
CREATE FUNCTION pg_temp.draw(stream integer, n bigint) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS 'SELECT (hashint8extended(n, stream) & 2147483647) / 2147483648.0::double precision';

-- Item number "place" of a taste: the numbers from 1 to 2000 in a fixed disorder.
CREATE FUNCTION pg_temp.item(taste integer, place integer) RETURNS bigint
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS 'SELECT 1 + ((taste * 50 + place) * 1217 + 631) % 2000';

CREATE TEMP TABLE person AS
SELECT u AS user_id,
       floor(40 * pg_temp.draw(1, u))::integer AS one,
       floor(40 * pg_temp.draw(2, u))::integer AS two,
       20 + floor(40 * pg_temp.draw(3, u))::integer AS deeds
  FROM generate_series(1::bigint, :users) AS u;

CREATE TEMP TABLE deed AS
SELECT user_id, pg_temp.item(taste, floor(50 * pg_temp.draw(4, n) ^ 2)::integer) AS item_id,
       1700000000 + floor(20000000 * pg_temp.draw(5, user_id))::bigint + 10000 * k AS at,
       k > 0.8 * deeds AS held
  FROM (SELECT user_id, deeds, k, n,
               CASE WHEN pg_temp.draw(6, n) >= 0.8 THEN floor(40 * pg_temp.draw(7, n))::integer
                    WHEN pg_temp.draw(8, n) < 0.5 THEN one
                    ELSE two END AS taste
          FROM (SELECT user_id, one, two, deeds, k, user_id * 100 + k AS n
                  FROM person, generate_series(1, deeds) AS k) AS d) AS d;

COPY (SELECT user_id, item_id, at FROM deed WHERE NOT held ORDER BY at, user_id) TO :'train';
COPY (SELECT user_id, item_id, at FROM deed WHERE held ORDER BY at, user_id) TO :'test';
COPY (SELECT DISTINCT user_id, pg_temp.item(taste, place)
        FROM (SELECT user_id, one FROM person UNION SELECT user_id, two FROM person) AS p (user_id, taste),
             generate_series(0, 49) AS place) TO :'tastes';
