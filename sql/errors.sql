-- Bad input of the recording functions: a clear error, and nothing written.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT interact_define_event('share') IS NOT NULL AS defined;

-- interact_record_view()
SELECT interact_record_view(NULL, 1);
SELECT interact_record_view(1, NULL);
SELECT interact_record_view(1, 1, 'infinity');
SELECT interact_record_view(1, 1, '-infinity');
SELECT interact_record_view(1, 1, '3000-01-01');
SELECT interact_record_view(1, 1, dedup => '0');
SELECT interact_record_view(1, 1, dedup => '-1 second');
SELECT interact_record_view(1, 1, dedup => '1 month -31 days');
SELECT interact_record_view(1, 1, dedup => '36525 days 00:00:00.000001');
SELECT interact_record_view(1, 1, dedup => '178000000 years');
SELECT interact_record_view(1, 1, '4714-11-24 00:00:00+00 BC', dedup => '36525 days') AS earliest_is_fine;
DELETE FROM interact_view;

-- interact_add_favorite(), interact_remove_favorite()
SELECT interact_add_favorite(NULL, 1);
SELECT interact_add_favorite(1, NULL);
SELECT interact_add_favorite(1, 1, NULL);
SELECT interact_add_favorite(1, 1, '');
SELECT interact_add_favorite(1, 1, repeat('x', 256));
SELECT interact_add_favorite(1, 1, at => 'infinity');
SELECT interact_add_favorite(1, 1, at => '3000-01-01');
SELECT interact_remove_favorite(NULL, 1);
SELECT interact_remove_favorite(1, NULL);
SELECT interact_remove_favorite(1, 1, '');
SELECT interact_remove_favorite(1, 1, repeat('x', 256));

-- interact_submit_review(), interact_delete_review()
SELECT interact_submit_review(NULL, 1, 3);
SELECT interact_submit_review(1, NULL, 3);
SELECT interact_submit_review(1, 1, NULL);
SELECT interact_submit_review(1, 1, 0);
SELECT interact_submit_review(1, 1, 6);
SELECT interact_submit_review(1, 1, -2147483648);
SELECT interact_submit_review(1, 1, 65539);
SELECT interact_submit_review(1, 1, 3, at => '-infinity');
SELECT interact_submit_review(1, 1, 3, at => '3000-01-01');
SELECT interact_delete_review(NULL, 1);
SELECT interact_delete_review(1, NULL);

-- interact_react(), interact_unreact()
SELECT interact_react(NULL, 1, 'like');
SELECT interact_react(1, NULL, 'like');
SELECT interact_react(1, 1, NULL);
SELECT interact_react(1, 1, '');
SELECT interact_react(1, 1, 'nosuch');
SELECT interact_react(1, 1, 'lik');
SELECT interact_react(1, 1, 'liked');
SELECT interact_react(1, 1, 'view');
SELECT interact_react(1, 1, 'share');
SELECT interact_react(1, 1, repeat('x', 1000));
SELECT interact_react(1, 1, 'like', 'infinity');
SELECT interact_react(1, 1, 'like', '3000-01-01');
SELECT interact_unreact(NULL, 1);
SELECT interact_unreact(1, NULL);

-- interact_add_to_cart(), interact_remove_from_cart(), interact_checkout()
SELECT interact_add_to_cart(NULL, 1);
SELECT interact_add_to_cart(1, NULL);
SELECT interact_add_to_cart(1, 1, 0);
SELECT interact_add_to_cart(1, 1, -1);
SELECT interact_add_to_cart(1, 1, at => 'infinity');
SELECT interact_add_to_cart(1, 1, at => '3000-01-01');
SELECT interact_remove_from_cart(NULL, 1);
SELECT interact_remove_from_cart(1, NULL);
SELECT interact_remove_from_cart(1, 1, 'infinity');
SELECT interact_remove_from_cart(1, 1, '3000-01-01');
SELECT interact_checkout(NULL);
SELECT interact_checkout(1, '');
SELECT interact_checkout(1, repeat('x', 256));
SELECT interact_checkout(1, at => 'infinity');
SELECT interact_checkout(1, at => '3000-01-01');
BEGIN;
SELECT interact_add_to_cart(1, 1, 2147483647);
SELECT interact_add_to_cart(1, 1, 1);
ROLLBACK;

-- interact_record_purchase()
SELECT interact_record_purchase(NULL, 1);
SELECT interact_record_purchase(1, NULL);
SELECT interact_record_purchase(1, 1, 0);
SELECT interact_record_purchase(1, 1, -1);
SELECT interact_record_purchase(1, 1, unit_price => -0.01);
SELECT interact_record_purchase(1, 1, unit_price => 'NaN');
SELECT interact_record_purchase(1, 1, unit_price => 'Infinity');
SELECT interact_record_purchase(1, 1, unit_price => '-Infinity');
SELECT interact_record_purchase(1, 1, order_id => '');
SELECT interact_record_purchase(1, 1, order_id => repeat('x', 256));
SELECT interact_record_purchase(1, 1, at => 'infinity');
SELECT interact_record_purchase(1, 1, at => '3000-01-01');

-- interact_record()
SELECT interact_record(NULL, 1, 'view');
SELECT interact_record(1, NULL, 'view');
SELECT interact_record(1, 1, NULL);
SELECT interact_record(1, 1, '');
SELECT interact_record(1, 1, 'nosuch');
SELECT interact_record(1, 1, 'view', 1);
SELECT interact_record(1, 1, 'favorite', 1);
SELECT interact_record(1, 1, 'like', 1);
SELECT interact_record(1, 1, 'cart', 0);
SELECT interact_record(1, 1, 'cart', 1.5);
SELECT interact_record(1, 1, 'cart', 2147483648);
SELECT interact_record(1, 1, 'cart', 'NaN');
SELECT interact_record(1, 1, 'cart', 'Infinity');
SELECT interact_record(1, 1, 'purchase', -1);
SELECT interact_record(1, 1, 'purchase', 'NaN');
SELECT interact_record(1, 1, 'purchase', 'Infinity');
SELECT interact_record(1, 1, 'rating');
SELECT interact_record(1, 1, 'rating', 0);
SELECT interact_record(1, 1, 'rating', 6);
SELECT interact_record(1, 1, 'rating', 3.5);
SELECT interact_record(1, 1, 'rating', 5.4);
SELECT interact_record(1, 1, 'rating', 'NaN');
SELECT interact_record(1, 1, 'share', 'NaN');
SELECT interact_record(1, 1, 'share', 'Infinity');
SELECT interact_record(1, 1, 'share', '-Infinity');
SELECT interact_record(1, 1, 'view', at => 'infinity');
SELECT interact_record(1, 1, 'share', at => '3000-01-01');
SELECT interact_record(1, 1, 'favorite', context => '{}');
SELECT interact_record(1, 1, 'cart', context => '{}');
SELECT interact_record(1, 1, 'purchase', context => '{}');
SELECT interact_record(1, 1, 'rating', 3, context => '{}');
SELECT interact_record(1, 1, 'like', context => '{}');

-- Arrays; the context says which element.
\set SHOW_CONTEXT errors
SELECT interact_record_views(NULL, '{1}');
SELECT interact_record_views('{1}', NULL);
SELECT interact_record_views('{1,NULL}', '{1,2}');
SELECT interact_record_views('{1,2}', '{1,NULL}');
SELECT interact_record_views('{{1,2}}', '{1,2}');
SELECT interact_record_views('{1,2}', '{{1,2}}');
SELECT interact_record_views('{1,2}', '{1}');
SELECT interact_record_views('{}', '{1}');
SELECT interact_record_views('{1,2}', '{1,2}', '{2024-05-01}');
SELECT interact_record_views('{1,2}', '{1,2}', '{}');
SELECT interact_record_views('{1,2}', '{1,2}', '{2024-05-01,infinity}');
SELECT interact_record_views('{1,2,3}', '{1,2,3}', '{NULL,NULL,3000-01-01}');
SELECT interact_record_purchases(NULL, '{1}');
SELECT interact_record_purchases('{1}', NULL);
SELECT interact_record_purchases('{NULL}', '{1}');
SELECT interact_record_purchases('{1}', '{NULL}');
SELECT interact_record_purchases('{1,2}', '{1}');
SELECT interact_record_purchases('{1,2}', '{1,2}', '{1}');
SELECT interact_record_purchases('{1,2}', '{1,2}', '{1,0}');
SELECT interact_record_purchases('{1,2}', '{1,2}', '{{1,2}}');
SELECT interact_record_purchases('{1,2}', '{1,2}', unit_prices => '{1}');
SELECT interact_record_purchases('{1,2}', '{1,2}', unit_prices => '{1,-1}');
SELECT interact_record_purchases('{1,2}', '{1,2}', unit_prices => '{NaN,1}');
SELECT interact_record_purchases('{1,2}', '{1,2}', unit_prices => '{1,Infinity}');
SELECT interact_record_purchases('{1,2}', '{1,2}', order_ids => '{a}');
SELECT interact_record_purchases('{1,2}', '{1,2}', order_ids => '{a,""}');
SELECT interact_record_purchases('{1,2}', '{1,2}', order_ids => ARRAY['a', repeat('x', 256)]);
SELECT interact_record_purchases('{1,2}', '{1,2}', at => '{2024-05-01}');
SELECT interact_record_purchases('{1,2}', '{1,2}', at => '{2024-05-01,-infinity}');
\set SHOW_CONTEXT never

-- Recording in a transaction that may not write.
BEGIN READ ONLY;
SELECT interact_record_view(1, 1);
ROLLBACK;

-- Nothing of all this was written.
SELECT 'view' AS "table", count(*) FROM interact_view
UNION ALL SELECT 'favorite', count(*) FROM interact_favorite
UNION ALL SELECT 'review', count(*) FROM interact_review
UNION ALL SELECT 'reaction', count(*) FROM interact_reaction
UNION ALL SELECT 'cart_item', count(*) FROM interact_cart_item
UNION ALL SELECT 'purchase', count(*) FROM interact_purchase
UNION ALL SELECT 'event', count(*) FROM interact_event
ORDER BY 1;
SELECT * FROM interact_check();

DROP EXTENSION interact CASCADE;
