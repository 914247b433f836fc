-- The recording functions: what they write and what they return.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
SET timezone = 'UTC';

-- Views: a log, with context, at a given time or now.
SELECT interact_record_view(1, 10) AS now,
       interact_record_view(1, 10, '2024-05-01 10:00') AS given,
       interact_record_view(user_id => 2, item_id => 10, at => '2024-05-01 11:00',
                            context => '{"page": "home"}') AS with_context,
       interact_record_view(-1, -10, at => '2024-05-01 12:00') AS negative_ids;
SELECT user_id, item_id, context,
       CASE WHEN viewed_at > now() - interval '1 hour' THEN 'now'
            ELSE viewed_at::text END AS viewed_at
FROM interact_view ORDER BY id;
SELECT * FROM interact_check();

-- dedup looks both ways from at, limits included, at this pair only.
SELECT interact_record_view(3, 10, '2024-05-01 12:00', dedup => '30 min') AS first,
       interact_record_view(3, 10, '2024-05-01 12:00', dedup => '30 min') AS same,
       interact_record_view(3, 10, '2024-05-01 12:30', dedup => '30 min') AS limit_after,
       interact_record_view(3, 10, '2024-05-01 11:30', dedup => '30 min') AS limit_before,
       interact_record_view(3, 11, '2024-05-01 12:00', dedup => '30 min') AS other_item,
       interact_record_view(4, 10, '2024-05-01 12:00', dedup => '30 min') AS other_user,
       interact_record_view(3, 10, '2024-05-01 12:30:00.000001', dedup => '30 min') AS after,
       interact_record_view(3, 10, '2024-05-01 11:29:59.999999', dedup => '30 min') AS before,
       interact_record_view(3, 10, '2024-05-01 12:00', dedup => NULL) AS no_dedup;
SELECT user_id, item_id, viewed_at FROM interact_view
WHERE user_id IN (3, 4) ORDER BY id;
-- A day has 24 hours and a month 30 days, whatever the time zone.
SELECT interact_record_view(5, 10, '2024-03-31 12:00');
SET timezone = 'Europe/Berlin';
SELECT interact_record_view(5, 10, '2024-03-30 12:00+00', dedup => '1 day') AS day_before,
       interact_record_view(5, 10, '2024-03-30 11:59+00', dedup => '1 day') AS more_than_a_day,
       interact_record_view(5, 10, '2024-04-30 12:00+00', dedup => '1 month') AS month_after,
       interact_record_view(5, 10, '2024-04-30 12:01+00', dedup => '1 month') AS more_than_a_month,
       interact_record_view(5, 10, '1930-01-01', dedup => '36525 days') AS longest;
SET timezone = 'UTC';
-- It sees the transaction's own rows, and not what was rolled back.
BEGIN;
SELECT interact_record_view(6, 10, dedup => '1 hour') AS first;
SELECT interact_record_view(6, 10, dedup => '1 hour') AS again;
ROLLBACK;
SELECT interact_record_view(6, 10, dedup => '1 hour') AS after_rollback;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT interact_record_view(6, 10, dedup => '1 hour') AS again;
SELECT count(*) AS predicate_locks FROM pg_locks
WHERE mode = 'SIReadLock' AND pid = pg_backend_pid()
  AND relation IN ('interact_view'::regclass, 'interact_view_pair'::regclass);
COMMIT;
DELETE FROM interact_view WHERE user_id = 6;
SELECT interact_record_view(6, 10, dedup => '1 hour') AS after_delete;
-- The index moves to another OID.
REINDEX INDEX CONCURRENTLY interact_view_pair;
SELECT interact_record_view(6, 10, dedup => '1 hour') AS after_reindex;
SELECT * FROM interact_check();

-- Favorites: once per list.
SELECT interact_add_favorite(1, 10) AS added,
       interact_add_favorite(1, 10) AS again,
       interact_add_favorite(1, 10, 'wishlist', '2024-05-01') AS other_list,
       interact_add_favorite(1, 10, 'gifts') AS third_list,
       interact_add_favorite(1, 11, list => repeat('x', 255)) AS longest_name,
       interact_add_favorite(2, 10) AS other_user;
SELECT user_id, item_id, left(list, 20) AS list FROM interact_favorite ORDER BY 1, 2, 3;
SELECT interact_remove_favorite(1, 10) AS removed,
       interact_remove_favorite(1, 10) AS again,
       interact_remove_favorite(1, 10, 'nosuch') AS no_such_list;
SELECT user_id, item_id, left(list, 20) AS list FROM interact_favorite ORDER BY 1, 2, 3;
SELECT interact_remove_favorite(1, 10, NULL) AS from_all_lists,
       interact_remove_favorite(1, 10, NULL) AS again;
SELECT user_id, item_id, left(list, 20) AS list FROM interact_favorite ORDER BY 1, 2, 3;
SELECT * FROM interact_check();

-- Reviews: one per user and item; a later one replaces it.
SELECT interact_submit_review(1, 10, 4, at => '2024-05-01') AS rated,
       interact_submit_review(1, 10, 4, at => '2024-05-02') AS same,
       interact_submit_review(1, 10, 4, 'good', at => '2024-05-03') AS with_comment,
       interact_submit_review(1, 10, 4, 'good', at => '2024-05-04') AS same_comment,
       interact_submit_review(1, 10, 4, 'good', '', at => '2024-05-05') AS empty_title,
       interact_submit_review(2, 10, 1, title => 'Bad', comment => 'very', at => '2024-05-05') AS other_user;
SELECT user_id, item_id, rating, title, comment, created_at, updated_at
FROM interact_review ORDER BY user_id;
SELECT interact_submit_review(1, 10, 5, at => '2024-05-06') AS without_words,
       interact_submit_review(1, 10, 5, at => '2024-05-07') AS same;
SELECT user_id, item_id, rating, title, comment, created_at, updated_at
FROM interact_review ORDER BY user_id;
SELECT * FROM interact_check();
SELECT interact_delete_review(1, 10) AS deleted, interact_delete_review(1, 10) AS again;
SELECT user_id, rating FROM interact_review ORDER BY user_id;
SELECT * FROM interact_check();

-- Reactions: one per user and item; another one replaces it.
SELECT interact_react(1, 10, 'like', '2024-05-01') AS liked,
       interact_react(1, 10, 'like', '2024-05-02') AS again,
       interact_react(2, 10, 'dislike', '2024-05-01') AS other_user;
SELECT user_id, item_id, reaction, created_at FROM interact_reaction ORDER BY user_id;
SELECT interact_react(1, 10, 'dislike', '2024-05-03') AS changed;
SELECT user_id, item_id, reaction, created_at FROM interact_reaction ORDER BY user_id;
SELECT * FROM interact_check();
SELECT interact_unreact(1, 10) AS taken_back, interact_unreact(1, 10) AS again;
SELECT user_id, item_id, reaction FROM interact_reaction ORDER BY user_id;
SELECT * FROM interact_check();

-- The cart: open, grow, remove, open again, check out.
SELECT interact_add_to_cart(1, 10, at => '2024-05-01') AS added,
       interact_add_to_cart(1, 10, 2, '2024-05-02') AS grown,
       interact_add_to_cart(1, 11, NULL, '2024-05-03') AS null_is_one,
       interact_add_to_cart(2, 10, 5, '2024-05-04') AS other_user;
SELECT user_id, item_id, quantity, added_at, removed_at, purchased_at
FROM interact_cart_item ORDER BY user_id, item_id, added_at;
SELECT * FROM interact_check();
SELECT interact_remove_from_cart(1, 10, '2024-05-05') AS removed,
       interact_remove_from_cart(1, 10, '2024-05-06') AS again,
       interact_add_to_cart(1, 10, 7, '2024-05-07') AS opened_again;
SELECT user_id, item_id, quantity, added_at, removed_at, purchased_at
FROM interact_cart_item ORDER BY user_id, item_id, added_at;
SELECT * FROM interact_check();
SELECT interact_checkout(1, 'A-1', '2024-05-08') AS lines;
SELECT interact_checkout(1, 'A-2', '2024-05-09') AS empty_cart;
SELECT interact_checkout(2, at => '2024-05-09') AS other_user;
SELECT interact_checkout(99) AS unknown_user;
SELECT user_id, item_id, quantity, added_at, removed_at, purchased_at
FROM interact_cart_item ORDER BY user_id, item_id, added_at;
SELECT user_id, item_id, quantity, unit_price, order_id, purchased_at
FROM interact_purchase ORDER BY id;
SELECT interact_remove_from_cart(1, 10) AS bought_already,
       interact_add_to_cart(1, 10) AS into_a_new_cart;
SELECT * FROM interact_check();
-- A checkout that is rolled back leaves the cart.
BEGIN;
SELECT interact_checkout(1) AS lines;
ROLLBACK;
SELECT item_id, quantity FROM interact_cart_item
WHERE user_id = 1 AND removed_at IS NULL AND purchased_at IS NULL;
SELECT * FROM interact_check();

-- Purchases.
SELECT interact_record_purchase(3, 10, at => '2024-05-01') AS bare,
       interact_record_purchase(3, 10, 2, 9.99, 'B-1', '2024-05-02') AS complete,
       interact_record_purchase(3, 11, NULL, 0, repeat('x', 255), '2024-05-03') AS limits;
SELECT item_id, quantity, unit_price, left(order_id, 5) AS order_id, purchased_at
FROM interact_purchase WHERE user_id = 3 ORDER BY id;
SELECT * FROM interact_check();

-- Arrays: one statement, one row per element.
SELECT interact_record_views('{7,7,8}', '{10,11,10}',
           '{2024-05-01,NULL,2024-05-03}') AS views,
       interact_record_views('{7}', '{12}') AS without_times,
       interact_record_views('{}', '{}') AS none,
       interact_record_views('{}', '{}', '{}') AS none_at_all;
SELECT user_id, item_id,
       CASE WHEN viewed_at > now() - interval '1 hour' THEN 'now'
            ELSE viewed_at::text END AS viewed_at
FROM interact_view WHERE user_id IN (7, 8) ORDER BY id;
SELECT interact_record_purchases('{7,8}', '{10,10}', '{2,NULL}', '{1.5,NULL}',
           '{C-1,NULL}', '{2024-05-01,2024-05-02}') AS complete,
       interact_record_purchases('{7}', '{11}') AS bare,
       interact_record_purchases('[5:6]={7,8}', '{12,12}', at => '{2024-05-01,2024-05-02}',
           unit_prices => '{3,4}') AS other_bounds,
       interact_record_purchases('{}', '{}') AS none;
SELECT user_id, item_id, quantity, unit_price, order_id,
       CASE WHEN purchased_at > now() - interval '1 hour' THEN 'now'
            ELSE purchased_at::text END AS purchased_at
FROM interact_purchase WHERE user_id IN (7, 8) ORDER BY id;
SELECT interact_record_views(array_agg(u), array_agg(i)) AS many
FROM generate_series(101, 150) u, generate_series(1, 40) i;
SELECT count(*), count(DISTINCT viewed_at) AS times FROM interact_view WHERE user_id > 100;
SELECT * FROM interact_check();

-- interact_record(): any event by its name.
SELECT interact_define_event('share') IS NOT NULL AS defined;
SELECT interact_record(20, 10, 'view', at => '2024-05-01', context => '{"a": 1}') AS view,
       interact_record(20, 10, 'favorite', at => '2024-05-01') AS favorite,
       interact_record(20, 10, 'favorite') AS favorite_again,
       interact_record(20, 10, 'cart', at => '2024-05-01') AS cart,
       interact_record(20, 10, 'cart', 3.00) AS cart_grown,
       interact_record(20, 10, 'purchase', at => '2024-05-01') AS purchase,
       interact_record(20, 10, 'purchase', 19.90, '2024-05-02') AS purchase_with_price,
       interact_record(20, 10, 'rating', 4.0, '2024-05-01') AS rating,
       interact_record(20, 10, 'rating', 4) AS rating_again,
       interact_record(20, 10, 'like', at => '2024-05-01') AS "like",
       interact_record(20, 10, 'like') AS like_again,
       interact_record(20, 10, 'dislike', at => '2024-05-02') AS dislike,
       interact_record(20, 10, 'share', at => '2024-05-01') AS share,
       interact_record(20, 10, 'share', -2.5, '2024-05-02', '{"to": "x"}') AS share_with_value;
SELECT viewed_at, context FROM interact_view WHERE user_id = 20;
SELECT list, created_at FROM interact_favorite WHERE user_id = 20;
SELECT quantity, added_at FROM interact_cart_item WHERE user_id = 20;
SELECT quantity, unit_price, purchased_at FROM interact_purchase WHERE user_id = 20 ORDER BY id;
SELECT rating, comment, created_at, updated_at FROM interact_review WHERE user_id = 20;
SELECT reaction, created_at FROM interact_reaction WHERE user_id = 20;
SELECT event, value, occurred_at, context FROM interact_event WHERE user_id = 20 ORDER BY id;
-- A rating by event keeps the words of a review.
SELECT interact_submit_review(21, 10, 2, 'words', 'title', '2024-05-01') AS review,
       interact_record(21, 10, 'rating', 5, '2024-05-02') AS rating;
SELECT rating, title, comment, created_at, updated_at FROM interact_review WHERE user_id = 21;
SELECT * FROM interact_check();

-- In another schema, with nothing of it in the search path; and again after
-- the extension was dropped and created in the same session.
CREATE SCHEMA "Odd %s schema";
DROP EXTENSION interact CASCADE;
CREATE EXTENSION interact SCHEMA "Odd %s schema";
SELECT "Odd %s schema".interact_record_view(1, 10, dedup => '1 hour') AS view,
       "Odd %s schema".interact_record_view(1, 10, dedup => '1 hour') AS dedup,
       "Odd %s schema".interact_add_to_cart(1, 10) AS cart,
       "Odd %s schema".interact_checkout(1) AS lines,
       "Odd %s schema".interact_submit_review(1, 10, 3) AS review,
       "Odd %s schema".interact_record_views('{1}', '{11}') AS views;
SELECT count(*) FROM "Odd %s schema".interact_view;
SELECT * FROM "Odd %s schema".interact_check();
DROP EXTENSION interact CASCADE;
DROP SCHEMA "Odd %s schema";
