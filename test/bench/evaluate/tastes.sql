-- What one would answer who knows the planted tastes: the items with most users
-- among those of the user's tastes.

INSERT INTO answer
SELECT 'tastes known', u.user_id, a.place, a.item_id
  FROM test_user AS u
 CROSS JOIN LATERAL (
       SELECT r.item_id, row_number() OVER (ORDER BY r.place) AS place
         FROM taste AS l
         JOIN ranked AS r ON r.strategy = 'popularity' AND r.item_id = l.item_id
        WHERE l.user_id = u.user_id
          AND NOT EXISTS (SELECT FROM train AS t WHERE t.user_id = u.user_id AND t.item_id = l.item_id)
        ORDER BY r.place
        LIMIT 20) AS a;
