-- :rows views of 30 days in the order of time, by :users users of :items items;
-- carts and purchases that follow from them.

SET session_replication_role = replica;
SELECT setseed(0.5);
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 1 + floor(:users * power(random(), 2))::bigint,
       1 + floor(:items * power(random(), 3))::bigint,
       '2024-03-10 00:00+00'::timestamptz + n * (interval '30 days' / :rows)
  FROM generate_series(0, :rows - 1) AS n;

-- One open row per pair; of the others some were bought, some taken out.
INSERT INTO interact_cart_item (user_id, item_id, added_at, removed_at, purchased_at)
SELECT user_id, item_id, viewed_at + interval '5 minutes',
       CASE WHEN id % 80 = 0 THEN viewed_at + interval '1 hour' END,
       CASE WHEN id % 40 = 20 THEN viewed_at + interval '1 day' END
  FROM interact_view
 WHERE id % 20 = 0
 ORDER BY viewed_at
    ON CONFLICT DO NOTHING;
INSERT INTO interact_purchase (user_id, item_id, unit_price, purchased_at)
SELECT user_id, item_id, 1 + item_id % 100, viewed_at + interval '1 day'
  FROM interact_view
 WHERE id % 40 = 20
 ORDER BY viewed_at;
VACUUM (ANALYZE) interact_view, interact_cart_item, interact_purchase;
