-- A catalogue of :items items: views, favorites and ratings of every one of
-- them, and as many again of few, as a power law has it. The popular items are
-- scattered among the ids.
--
-- A rating is the quality of the item, which is between 2.5 and 5, give or
-- take a star.

SELECT setseed(0.25);
CREATE TABLE visit AS
SELECT 1 + floor(random() * 100000)::bigint AS user_id, n AS item_id,
       now() - random() * interval '60 days' AS at, random() AS luck
  FROM generate_series(1, :items) AS n
UNION ALL
SELECT 1 + floor(random() * 100000)::bigint,
       1 + floor(:items * random() ^ 4)::bigint * 7919 % :items,
       now() - random() * interval '60 days', random()
  FROM generate_series(1, :items);

INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT user_id, item_id, at FROM visit;
INSERT INTO interact_favorite (user_id, item_id, created_at)
SELECT user_id, item_id, at FROM visit
    ON CONFLICT DO NOTHING;
INSERT INTO interact_review (user_id, item_id, rating, created_at, updated_at)
SELECT user_id, item_id,
       least(5, greatest(1, round(2.5 + hashint8(item_id) % 1000 / 800.0 + 1.25 + 2 * (luck - 0.5)))), at, at
  FROM visit
    ON CONFLICT DO NOTHING;
DROP TABLE visit;
VACUUM (ANALYZE);
