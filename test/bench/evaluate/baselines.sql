-- What others answer to the same users, in plain SQL on the pairs of train:
--   popularity  the items with most users
--   trending    the items with most events, each of them halved every 3 days
--   item-item   cosine between the sets of users of two items; an item's score
--               is the sum over the user's items, each with its :nearest most
--               similar ones
-- Items that the user has are left out, ties are broken by item_id.

SET client_min_messages = warning;
SET jit = off;
SET work_mem = '256MB';

CREATE TABLE ranked AS
SELECT 'popularity' AS strategy, item_id,
       row_number() OVER (ORDER BY count(*) DESC, item_id) AS place
  FROM train GROUP BY item_id
UNION ALL
SELECT 'trending', item_id,
       row_number() OVER (ORDER BY sum(exp(-extract(epoch FROM age) / extract(epoch FROM interval '3 days') * ln(2)))
                          DESC, item_id)
  FROM (SELECT item_id, (SELECT max(viewed_at) FROM interact_view) - viewed_at AS age
          FROM interact_view) AS v
 GROUP BY item_id;
CREATE INDEX ON ranked (strategy, place);
ANALYZE ranked;

INSERT INTO answer
SELECT s.strategy, u.user_id, row_number() OVER (PARTITION BY s.strategy, u.user_id ORDER BY a.place), a.item_id
  FROM (VALUES ('popularity'), ('trending')) AS s (strategy)
 CROSS JOIN test_user AS u
 CROSS JOIN LATERAL (
       SELECT r.item_id, r.place
         FROM ranked AS r
        WHERE r.strategy = s.strategy
          AND NOT EXISTS (SELECT FROM train AS t WHERE t.user_id = u.user_id AND t.item_id = r.item_id)
        ORDER BY r.place
        LIMIT 20) AS a;

CREATE TABLE similar_item AS
WITH users AS (
    SELECT item_id, count(*)::double precision AS n FROM train GROUP BY item_id
),
both_users AS (
    SELECT a.item_id, b.item_id AS other_id, count(*) AS n
      FROM train AS a
      JOIN train AS b ON b.user_id = a.user_id AND b.item_id <> a.item_id
     GROUP BY a.item_id, b.item_id
)
SELECT item_id, other_id, cosine
  FROM (SELECT p.item_id, p.other_id, p.n / sqrt(a.n * b.n) AS cosine,
               row_number() OVER (PARTITION BY p.item_id
                                  ORDER BY p.n / sqrt(a.n * b.n) DESC, p.other_id) AS place
          FROM both_users AS p
          JOIN users AS a ON a.item_id = p.item_id
          JOIN users AS b ON b.item_id = p.other_id) AS s
 WHERE place <= :nearest;
CREATE INDEX ON similar_item (item_id);
ANALYZE similar_item;

INSERT INTO answer
SELECT 'item-item', user_id, place, other_id
  FROM (SELECT u.user_id, s.other_id,
               row_number() OVER (PARTITION BY u.user_id ORDER BY sum(s.cosine) DESC, s.other_id) AS place
          FROM test_user AS u
          JOIN train AS t ON t.user_id = u.user_id
          JOIN similar_item AS s ON s.item_id = t.item_id
         WHERE NOT EXISTS (SELECT FROM train AS h WHERE h.user_id = u.user_id AND h.item_id = s.other_id)
         GROUP BY u.user_id, s.other_id) AS r
 WHERE place <= 20;
