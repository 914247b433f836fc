-- The table metric: how good each strategy's answers are.
--
-- A hit is an answered item that was held out.  Recall@20 = hits among the first
-- 20 / held-out items of the user.  DCG = sum of 1 / log2(rank + 1) over hits;
-- NDCG@20 = DCG / that of min(20, held-out items) hits at the top.  HR@10 =
-- share of users with a hit among the first 10.  All are means over the test
-- users, each of whom has at least one held-out item.  Coverage = share of the
-- items of train that are in anybody's first 20.

CREATE TABLE metric AS
WITH per_user AS (
    SELECT s.strategy, u.user_id,
           count(h.item_id) AS hits,
           coalesce(sum(ln(2) / ln(h.rank + 1)), 0) AS dcg,
           coalesce(bool_or(h.rank <= 10), false) AS early
      FROM (SELECT DISTINCT strategy FROM answer) AS s
     CROSS JOIN test_user AS u
      LEFT JOIN (SELECT a.strategy, a.user_id, a.item_id, a.rank
                   FROM answer AS a
                   JOIN held AS x ON x.user_id = a.user_id AND x.item_id = a.item_id
                  WHERE a.rank <= 20) AS h
        ON h.strategy = s.strategy AND h.user_id = u.user_id
     GROUP BY s.strategy, u.user_id
),
ideal AS (
    SELECT user_id, held,
           (SELECT sum(ln(2) / ln(r + 1)) FROM generate_series(1, least(20, held)) AS r) AS dcg
      FROM (SELECT user_id, count(*) AS held FROM held GROUP BY user_id) AS h
),
cover AS (
    SELECT strategy, count(DISTINCT item_id) AS items FROM answer WHERE rank <= 20 GROUP BY strategy
)
SELECT p.strategy,
       avg(p.hits::numeric / i.held) AS recall,
       avg(p.dcg / i.dcg)::numeric AS ndcg,
       avg(p.early::integer) AS hit_rate,
       max(c.items)::numeric / (SELECT count(DISTINCT item_id) FROM train) AS coverage
  FROM per_user AS p
  JOIN ideal AS i ON i.user_id = p.user_id
  JOIN cover AS c ON c.strategy = p.strategy
 GROUP BY p.strategy;
