-- A small outdoor, coffee and reading shop: 400 products, 2,000 users with
-- tastes, a year of interactions that ends today.
--
-- The same on every machine but for the day it ends: all choices are hashes
-- of row numbers.  Users prefer one to three categories, mostly of one theme,
-- and in each category one variant, so there is something to find out.

SET client_min_messages = warning;
SET jit = off;

-- A number in [0, 1) that depends on nothing but the arguments.
CREATE FUNCTION pg_temp.draw(stream integer, n bigint) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS 'SELECT (hashint8extended(n, stream) & 2147483647) / 2147483648.0::double precision';

-- One of the numbers 1 to n; a larger skew makes small ones more frequent.
CREATE FUNCTION pg_temp.pick(n integer, skew double precision, stream integer, i bigint)
    RETURNS integer
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS 'SELECT 1 + floor(n * pg_temp.draw(stream, i) ^ skew)::integer';


-- Products: 20 categories, four to a theme; 4 variants and 5 brands in each.

CREATE TEMP TABLE category (id integer, category text, noun text, price numeric, variants text[]);
INSERT INTO category VALUES
    ( 1, 'Trail Running Shoes', 'Trail Shoe',     119, '{Light,Waterproof,Cushioned,Wide}'),
    ( 2, 'Road Running Shoes',  'Road Shoe',      129, '{Racing,Everyday,Stable,Wide}'),
    ( 3, 'Running Vests',       'Running Vest',    79, '{Race,Long-Haul,Winter,Minimal}'),
    ( 4, 'Running Watches',     'Watch',          249, '{GPS,Solar,Slim,Rugged}'),
    ( 5, 'Tents',               'Tent',           289, '{One-Person,Two-Person,Family,Winter}'),
    ( 6, 'Sleeping Bags',       'Sleeping Bag',   159, '{Down,Summer,Winter,Wide}'),
    ( 7, 'Camp Stoves',         'Stove',           69, '{Gas,Wood,Spirit,Winter}'),
    ( 8, 'Head Torches',        'Head Torch',      49, '{Rechargeable,Red-Light,Long-Throw,Tiny}'),
    ( 9, 'Espresso Beans',      'Espresso',        16, '{Dark,Medium,Organic,Decaf}'),
    (10, 'Filter Coffee',       'Filter Coffee',   15, '{Light,Fruity,Organic,Decaf}'),
    (11, 'Coffee Grinders',     'Grinder',        139, '{Hand,Travel,Flat-Burr,Quiet}'),
    (12, 'Kettles',             'Kettle',          79, '{Gooseneck,Travel,Steel,Glass}'),
    (13, 'Gravel Bikes',        'Gravel Bike',   1899, '{Steel,Carbon,Touring,Racing}'),
    (14, 'Bike Bags',           'Bike Bag',        59, '{Frame,Saddle,Handlebar,Pannier}'),
    (15, 'Cycling Jackets',     'Jacket',         149, '{Rain,Wind,Winter,Reflective}'),
    (16, 'Bike Lights',         'Bike Light',      45, '{Dynamo,USB,Daylight,Compact}'),
    (17, 'Crime Novels',        'Mystery',         14, '{Nordic,Village,Noir,Court}'),
    (18, 'Travel Books',        'Journey',         18, '{Alpine,Desert,Island,Railway}'),
    (19, 'Cookbooks',           'Kitchen',         24, '{Vegetable,Campfire,Baking,Seaside}'),
    (20, 'Field Guides',        'Field Guide',     21, '{Bird,Tree,Mushroom,Star}');

CREATE TABLE product (
    id       bigint PRIMARY KEY,
    name     text NOT NULL,
    category text NOT NULL,
    price    numeric(10,2) NOT NULL
);
COMMENT ON TABLE product IS 'The application''s own table; interact only knows the ids.';

INSERT INTO product (id, name, category, price)
SELECT (c.id - 1) * 20 + (v - 1) * 5 + b,
       brands[b] || ' ' || c.variants[v] || ' ' || c.noun,
       c.category,
       round(c.price * (0.8 + 0.1 * v + 0.06 * b), 0) - 0.05
  FROM category AS c
  JOIN (VALUES (0, '{Kestrel,Fellhound,Swift,Moorland,Larkspur}'::text[]),
               (1, '{Northlight,Basecamp,Heather,Tarn,Moraine}'),
               (2, '{Corner,Harbour,Copper,Morning,Two Cups}'),
               (3, '{Pedal,Cobble,Tailwind,Hairpin,Derailleur}'),
               (4, '{Lantern,Quayside,Old Mill,Foxglove,Inkwell}')) AS t (theme, brands)
    ON t.theme = (c.id - 1) / 4
 CROSS JOIN generate_series(1, 4) AS v
 CROSS JOIN generate_series(1, 5) AS b
 ORDER BY 1;


-- Users and their visits.

CREATE TEMP TABLE taste AS
WITH one AS (
    SELECT u::bigint AS user_id,
           pg_temp.pick(20, 1.3, 1, u) AS first,
           pg_temp.pick(3, 1.2, 2, u) AS categories,
           3 + floor(25 * pg_temp.draw(3, u) ^ 2)::integer AS visits,
           interval '365 days' * (0.05 + 0.95 * pg_temp.draw(4, u)) AS age
      FROM generate_series(1, 2000) AS u
)
SELECT one.*,
       CASE WHEN pg_temp.draw(5, user_id) < 0.75
            THEN (first - 1) / 4 * 4 + pg_temp.pick(4, 1, 6, user_id)
            ELSE pg_temp.pick(20, 1, 7, user_id) END AS second,
       CASE WHEN pg_temp.draw(8, user_id) < 0.5
            THEN (first - 1) / 4 * 4 + pg_temp.pick(4, 1, 9, user_id)
            ELSE pg_temp.pick(20, 1, 10, user_id) END AS third
  FROM one;

-- One row is one look at one product; n numbers the rows.
CREATE TEMP TABLE look AS
WITH visit AS (
    SELECT user_id, user_id * 100 + s AS visit,
           date_trunc('day', now()) - age * pg_temp.draw(11, user_id * 100 + s) - interval '15 minutes' AS at,
           CASE WHEN pg_temp.draw(12, user_id * 100 + s) < 0.08
                THEN pg_temp.pick(20, 1, 13, user_id * 100 + s)
                ELSE (ARRAY[first, second, third])[pg_temp.pick(categories, 1.7, 14, user_id * 100 + s)]
           END AS category
      FROM taste, generate_series(1, visits) AS s
),
step AS (
    SELECT visit.*, visit * 10 + k AS n,
           at + (k + pg_temp.draw(15, visit * 10 + k)) * interval '90 seconds' AS looked_at,
           -- the variant this user likes best in this category
           pg_temp.pick(4, 1, 16, user_id * 20 + category) AS favourite
      FROM visit, generate_series(1, 1 + pg_temp.pick(5, 1, 17, visit)) AS k
),
choice AS (
    SELECT *,
           CASE WHEN pg_temp.draw(18, n) < 0.7 THEN favourite
                ELSE pg_temp.pick(4, 1, 19, n) END AS variant
      FROM step
)
SELECT n, user_id, visit, looked_at AS at, variant = favourite AS liked,
       ((category - 1) * 20 + (variant - 1) * 5 + pg_temp.pick(5, 1.6, 20, n))::bigint AS item_id
  FROM choice;
ANALYZE look;


-- What they did, into the base tables: plain INSERT is all it takes.

INSERT INTO interact_view (user_id, item_id, viewed_at, context)
SELECT user_id, item_id, at,
       jsonb_build_object('device', (ARRAY['phone', 'laptop', 'tablet'])[pg_temp.pick(3, 1.5, 21, visit)])
  FROM look ORDER BY at, n;

INSERT INTO interact_favorite (user_id, item_id, list, created_at)
SELECT DISTINCT ON (user_id, item_id)
       user_id, item_id,
       CASE WHEN pg_temp.draw(22, n) < 0.25 THEN 'wishlist' ELSE 'favorites' END,
       at + interval '20 seconds'
  FROM look
 WHERE pg_temp.draw(23, n) < CASE WHEN liked THEN 0.12 ELSE 0.03 END
 ORDER BY user_id, item_id, at;

INSERT INTO interact_cart_item (user_id, item_id, quantity, added_at, removed_at, purchased_at)
SELECT user_id, item_id, pg_temp.pick(2, 4, 24, n), at + interval '40 seconds',
       CASE WHEN fate >= 0.6 AND fate < 0.8 THEN at + interval '5 minutes' END,
       CASE WHEN fate < 0.6 THEN at + interval '10 minutes' END
  FROM (SELECT DISTINCT ON (user_id, item_id) *, pg_temp.draw(25, n) AS fate
          FROM look
         WHERE pg_temp.draw(26, n) < CASE WHEN liked THEN 0.16 ELSE 0.04 END
         ORDER BY user_id, item_id, at) AS l
 ORDER BY at, n;

INSERT INTO interact_purchase (user_id, item_id, quantity, unit_price, order_id, purchased_at)
SELECT c.user_id, c.item_id, c.quantity, p.price,
       'U' || c.user_id || '-' || to_char(c.purchased_at, 'YYMMDD'), c.purchased_at
  FROM interact_cart_item AS c
  JOIN product AS p ON p.id = c.item_id
 WHERE c.purchased_at IS NOT NULL
 ORDER BY c.purchased_at, c.user_id, c.item_id;

INSERT INTO interact_review (user_id, item_id, rating, title, comment, created_at, updated_at)
SELECT p.user_id, p.item_id, r.rating,
       (ARRAY['Sent it back', 'Not for me', 'Does the job', 'Good', 'Would buy again'])[r.rating],
       CASE WHEN pg_temp.draw(27, l.n) < 0.5 THEN 'Ordered for myself, used for a week.' END,
       p.purchased_at + interval '6 days', p.purchased_at + interval '6 days'
  FROM (SELECT DISTINCT ON (user_id, item_id) user_id, item_id, n, liked
          FROM look ORDER BY user_id, item_id, at) AS l
  JOIN interact_purchase AS p USING (user_id, item_id)
 CROSS JOIN LATERAL (SELECT 6 - pg_temp.pick(5, CASE WHEN l.liked THEN 3 ELSE 1.2 END, 28, l.n) AS rating) AS r
 WHERE pg_temp.draw(29, l.n) < 0.4
   AND p.purchased_at < now() - interval '7 days'
 ORDER BY p.purchased_at, p.user_id, p.item_id;

INSERT INTO interact_reaction (user_id, item_id, reaction, created_at)
SELECT DISTINCT ON (user_id, item_id)
       user_id, item_id,
       CASE WHEN pg_temp.draw(30, n) < CASE WHEN liked THEN 0.05 ELSE 0.5 END
            THEN 'dislike' ELSE 'like' END,
       at + interval '30 seconds'
  FROM look
 WHERE pg_temp.draw(31, n) < 0.05
 ORDER BY user_id, item_id, at;

SELECT interact_define_event('share', weight => 1.4, shareable => true) AS share_event \gset
INSERT INTO interact_event (user_id, item_id, event, occurred_at, context)
SELECT user_id, item_id, 'share', at + interval '50 seconds', '{"by": "mail"}'
  FROM look
 WHERE liked AND pg_temp.draw(32, n) < 0.02
 ORDER BY at, n;

-- Friends share a taste; each friendship is two rows.
INSERT INTO interact_friend (user_id, friend_id, created_at)
WITH ranked AS (
    SELECT user_id, first, age,
           row_number() OVER (PARTITION BY first ORDER BY user_id) AS place,
           count(*) OVER (PARTITION BY first)::integer AS places
      FROM taste
),
pair AS (
    SELECT a.user_id AS one, b.user_id AS other, least(a.age, b.age) AS age
      FROM ranked AS a
     CROSS JOIN generate_series(1, 2) AS k
      JOIN ranked AS b
        ON b.first = a.first AND b.place = pg_temp.pick(a.places, 1, 33, a.user_id * 10 + k)
     WHERE a.user_id <> b.user_id
)
SELECT one, other, min(date_trunc('day', now()) - age * 0.9)
  FROM (SELECT one, other, age FROM pair UNION ALL SELECT other, one, age FROM pair) AS f
 GROUP BY one, other
 ORDER BY one, other;
