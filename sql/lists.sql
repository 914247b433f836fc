-- Lists of what a user did, and what changes them.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
\set VERBOSITY default
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';
SELECT interact_define_event('play') AS play, interact_define_event('love', kind => 'reaction') AS love;

-- Nothing there.
SELECT * FROM interact_favorites(1);
SELECT * FROM interact_favorites(1, NULL);
SELECT * FROM interact_favorite_lists(1);
SELECT * FROM interact_is_favorite(1, '{3,1,3}');
SELECT * FROM interact_is_favorite(1, '{}');
SELECT * FROM interact_recently_viewed(1);
SELECT * FROM interact_cart(1);
SELECT * FROM interact_purchases(1);
SELECT * FROM interact_reviews(1);
SELECT * FROM interact_reviews(1, 'highest');
SELECT * FROM interact_user_reviews(1);
SELECT * FROM interact_reactions(1);
SELECT * FROM interact_history(1);

-- Null and other bad arguments are errors, whether there are rows or not.
SELECT * FROM interact_favorites(NULL);
SELECT * FROM interact_favorites(1, '');
SELECT * FROM interact_favorites(1, repeat('x', 256));
SELECT * FROM interact_favorites(1, max_items => NULL);
SELECT * FROM interact_favorites(1, max_items => -1);
SELECT * FROM interact_favorites(1, max_items => 1001);
SELECT * FROM interact_favorites(1, before_id => 5);
SELECT * FROM interact_favorite_lists(NULL);
SELECT * FROM interact_favorite_lists(1, NULL);
SELECT * FROM interact_favorite_lists(1, 1001);
SELECT * FROM interact_favorite_lists(1, after_list => '');
SELECT * FROM interact_is_favorite(NULL, '{1}');
SELECT * FROM interact_is_favorite(1, NULL);
SELECT * FROM interact_is_favorite(1, '{1,NULL}');
SELECT * FROM interact_is_favorite(1, '{{1},{2}}');
SELECT * FROM interact_is_favorite(1, '{1}', '');
SELECT count(*) FROM interact_is_favorite(1, array(SELECT generate_series(1, 1000)::bigint));
SELECT count(*) FROM interact_is_favorite(1, array(SELECT generate_series(1, 1001)::bigint));
SELECT * FROM interact_recently_viewed(NULL);
SELECT * FROM interact_recently_viewed(1, NULL);
SELECT * FROM interact_recently_viewed(1, -1);
SELECT * FROM interact_recently_viewed(1, 1001);
SELECT * FROM interact_recently_viewed(1, before_item_id => 5);
SELECT * FROM interact_cart(NULL);
SELECT * FROM interact_cart(1, NULL);
SELECT * FROM interact_cart(1, 1001);
SELECT * FROM interact_cart(1, before_id => 5);
SELECT * FROM interact_purchases(NULL);
SELECT * FROM interact_purchases(1, NULL);
SELECT * FROM interact_purchases(1, -1);
SELECT * FROM interact_purchases(1, before_id => 5);
SELECT * FROM interact_reviews(NULL);
SELECT * FROM interact_reviews(1, NULL);
SELECT * FROM interact_reviews(1, 'oldest');
SELECT * FROM interact_reviews(1, rating => 0);
SELECT * FROM interact_reviews(1, rating => 6);
SELECT * FROM interact_reviews(1, max_items => NULL);
SELECT * FROM interact_reviews(1, max_items => 1001);
SELECT * FROM interact_reviews(1, before_id => 5);
SELECT * FROM interact_reviews(1, 'lowest', before => '2024-01-01');
SELECT * FROM interact_reviews(1, 'highest', before_rating => 5);
SELECT * FROM interact_reviews(1, 'highest', before => '2024-01-01', before_rating => 6);
SELECT * FROM interact_user_reviews(NULL);
SELECT * FROM interact_user_reviews(1, NULL);
SELECT * FROM interact_user_reviews(1, before_id => 5);
SELECT * FROM interact_reactions(NULL);
SELECT * FROM interact_reactions(1, 'view');
SELECT * FROM interact_reactions(1, max_items => NULL);
SELECT * FROM interact_reactions(1, before_id => 5);
SELECT * FROM interact_history(NULL);
SELECT * FROM interact_history(1, NULL);
SELECT * FROM interact_history(1, 1001);
SELECT * FROM interact_history(1, before_id => 5);
SELECT * FROM interact_history(1, before => '2024-01-01', before_id => 5);
SELECT * FROM interact_history(1, before => '2024-01-01', before_event => 'view');
SELECT * FROM interact_history(1, before => '2024-01-01', before_event => 'nosuch', before_id => 5);

-- Changing lists.
SELECT interact_toggle_favorite(1, 10, at => '2024-01-01') AS added;
SELECT interact_toggle_favorite(1, 10) AS added;
SELECT interact_toggle_favorite(1, 10, at => '2024-01-02') AS added;
SELECT interact_toggle_favorite(1, 10, 'gifts', '2024-01-03') AS added;
SELECT interact_add_favorite(1, 11, at => '2024-01-04'), interact_add_favorite(1, 12, at => '2024-01-04'),
       interact_add_favorite(1, 13, 'gifts', '2024-01-05');
SELECT item_id, list_name, created_at FROM interact_favorites(1);
SELECT item_id, list_name, created_at FROM interact_favorites(1, 'gifts');
SELECT item_id, list_name, created_at FROM interact_favorites(1, NULL);
SELECT item_id FROM interact_favorites(1, NULL, 2);
SELECT item_id FROM interact_favorites(1, NULL, 0);
SELECT item_id FROM interact_favorites(1, before => '2024-01-04');
SELECT item_id FROM interact_favorites(1, before => 'infinity');
SELECT item_id FROM interact_favorites(1, before => '-infinity');
SELECT * FROM interact_favorite_lists(1);
SELECT * FROM interact_favorite_lists(1, 1);
SELECT * FROM interact_favorite_lists(1, after_list => 'favorites');
SELECT * FROM interact_is_favorite(1, '{13,10,99,13}');
SELECT * FROM interact_is_favorite(1, '{13,10,99,13}', 'favorites');
SELECT * FROM interact_is_favorite(2, '{13,10}');

-- Moved, it keeps its time and its counter; moved onto itself, it is one row.
SELECT count, users, hot FROM interact_counter WHERE item_id = 13 \gset before_
SELECT interact_move_favorite(1, 13, 'gifts', 'favorites') AS moved;
SELECT count = :before_count AS same_count, users = :before_users AS same_users, hot = :before_hot AS same_hot
  FROM interact_counter WHERE item_id = 13;
SELECT interact_move_favorite(1, 13, 'gifts', 'favorites') AS moved;
SELECT interact_move_favorite(1, 10, 'gifts', 'favorites') AS moved;
SELECT item_id, list_name, created_at FROM interact_favorites(1, NULL);
SELECT interact_move_favorite(1, 12, 'favorites', 'gifts') AS moved;
SELECT * FROM interact_check();
SELECT interact_clear_favorites(1, 'nosuch');
SELECT interact_clear_favorites(1, 'gifts');
SELECT interact_clear_favorites(1);
SELECT interact_add_favorite(1, 11), interact_add_favorite(1, 11, 'gifts'), interact_add_favorite(2, 11);
SELECT interact_clear_favorites(1, NULL);
SELECT * FROM interact_favorite_lists(1);
SELECT count, users FROM interact_counter WHERE item_id = 11;
SELECT interact_toggle_favorite(NULL, 1);
SELECT interact_toggle_favorite(1, NULL);
SELECT interact_toggle_favorite(1, 1, NULL);
SELECT interact_toggle_favorite(1, 1, '');
SELECT interact_toggle_favorite(1, 1, at => 'infinity');
SELECT interact_move_favorite(NULL, 1, 'a', 'b');
SELECT interact_move_favorite(1, NULL, 'a', 'b');
SELECT interact_move_favorite(1, 1, NULL, 'b');
SELECT interact_move_favorite(1, 1, 'a', NULL);
SELECT interact_move_favorite(1, 1, '', 'b');
SELECT interact_move_favorite(1, 1, 'a', repeat('x', 256));
SELECT interact_move_favorite(1, 1, 'a', 'a');
SELECT interact_clear_favorites(NULL);
SELECT interact_clear_favorites(1, '');

-- The cart.
SELECT interact_set_cart_quantity(1, 20, 3, '2024-02-01') AS changed;
SELECT interact_set_cart_quantity(1, 20, 3) AS changed;
SELECT interact_set_cart_quantity(1, 20, 5) AS changed;
SELECT interact_add_to_cart(1, 20), interact_add_to_cart(1, 21, 2, '2024-02-02');
SELECT item_id, quantity, added_at FROM interact_cart(1);
SELECT interact_set_cart_quantity(1, 21, 0, '2024-02-03') AS changed;
SELECT interact_set_cart_quantity(1, 21, 0) AS changed;
SELECT interact_set_cart_quantity(1, 21, 1, '2024-02-04') AS changed;
SELECT item_id, quantity, added_at, removed_at FROM interact_cart_item WHERE user_id = 1 ORDER BY id;
SELECT item_id, quantity, added_at FROM interact_cart(1);
SELECT item_id, quantity FROM interact_cart(1, 1);
SELECT item_id, quantity FROM interact_cart(1, before => '2024-02-04');
SELECT interact_clear_cart(1, '2024-02-05');
SELECT interact_clear_cart(1);
SELECT item_id FROM interact_cart(1);
SELECT interact_add_to_cart(1, 22, 2), interact_checkout(1, at => '2024-02-06');
SELECT item_id FROM interact_cart(1);
SELECT item_id, quantity, unit_price, order_id, purchased_at FROM interact_purchases(1);
SELECT interact_set_cart_quantity(NULL, 1, 1);
SELECT interact_set_cart_quantity(1, NULL, 1);
SELECT interact_set_cart_quantity(1, 1, NULL);
SELECT interact_set_cart_quantity(1, 1, -1);
SELECT interact_set_cart_quantity(1, 1, 1, 'infinity');
SELECT interact_set_cart_quantity(1, 1, 0, '3000-01-01');
SELECT interact_clear_cart(NULL);
SELECT interact_clear_cart(1, '-infinity');
SELECT * FROM interact_check();

-- The same in a serializable transaction, where rows are found another way.
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT interact_toggle_favorite(3, 1) AS added, interact_toggle_favorite(3, 2, 'gifts') AS added;
SELECT interact_toggle_favorite(3, 1) AS added;
SELECT interact_toggle_favorite(3, 1, 'gifts') AS added, interact_toggle_favorite(3, 3) AS added;
SELECT interact_move_favorite(3, 1, 'gifts', 'later') AS moved, interact_move_favorite(3, 1, 'gifts', 'later') AS moved;
SELECT interact_toggle_favorite(3, 2, 'later') AS added;
SELECT interact_move_favorite(3, 2, 'gifts', 'later') AS moved;
SELECT item_id, list_name FROM interact_favorites(3, NULL) ORDER BY item_id;
SELECT interact_clear_favorites(3, 'later') AS later, interact_clear_favorites(3, NULL) AS rest;
SELECT interact_set_cart_quantity(3, 1, 2) AS set, interact_set_cart_quantity(3, 1, 0) AS taken_out,
       interact_set_cart_quantity(3, 1, 0) AS again;
SELECT interact_add_to_cart(3, 1), interact_add_to_cart(3, 2), interact_clear_cart(3);
-- only predicate locks on rows and of the lists read, none on a whole table
SELECT DISTINCT relation::regclass FROM pg_locks WHERE mode = 'SIReadLock' AND locktype = 'relation';
COMMIT;
SELECT * FROM interact_check();

-- Recently viewed: each item once, by its latest view.
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 4, i, '2024-03-01'::timestamptz + n * interval '1 hour'
  FROM unnest('{30,31,32,31,33,31,31,30}'::bigint[]) WITH ORDINALITY AS v (i, n);
SELECT * FROM interact_recently_viewed(4);
SELECT * FROM interact_recently_viewed(4, 2);
SELECT * FROM interact_recently_viewed(4, 2, '2024-03-01 07:00', 31);
SELECT * FROM interact_recently_viewed(4, 2, '2024-03-01 07:00');
SELECT * FROM interact_recently_viewed(4, 0);
-- Another event does not move an item, another view does.
SELECT interact_add_favorite(4, 32), interact_add_favorite(4, 34);
SELECT * FROM interact_recently_viewed(4, 3);
SELECT interact_record_view(4, 32, '2024-03-02');
SELECT * FROM interact_recently_viewed(4, 3);
-- Without its latest view an item is where the one before was; without any it is not there.
DELETE FROM interact_view WHERE user_id = 4 AND item_id IN (30, 32) AND viewed_at > '2024-03-01 07:30';
SELECT * FROM interact_recently_viewed(4);
DELETE FROM interact_view WHERE user_id = 4 AND item_id = 31;
SELECT * FROM interact_recently_viewed(4);

-- Everything together; at one time in the order of tables.
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (5, 1, '2024-04-01'), (5, 2, '2024-04-01');
INSERT INTO interact_favorite (user_id, item_id, created_at) VALUES (5, 3, '2024-04-01'), (5, 1, '2024-04-02');
INSERT INTO interact_cart_item (user_id, item_id, quantity, added_at) VALUES (5, 4, 2, '2024-04-01');
INSERT INTO interact_cart_item (user_id, item_id, quantity, added_at, removed_at) VALUES (5, 5, 7, '2024-04-01', '2024-04-02');
INSERT INTO interact_purchase (user_id, item_id, quantity, unit_price, purchased_at) VALUES (5, 6, 3, 9.99, '2024-04-01');
INSERT INTO interact_review (user_id, item_id, rating, created_at, updated_at) VALUES (5, 7, 4, '2024-04-01', '2024-04-03');
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at) VALUES (5, 8, 'love', '2024-04-01'), (5, 9, 'dislike', '2024-04-01');
INSERT INTO interact_event (user_id, item_id, event, value, occurred_at) VALUES (5, 10, 'play', 1.5, '2024-04-01'), (5, 11, 'play', NULL, '2024-03-31');
SELECT event, item_id, at, value FROM interact_history(5);
SELECT event, item_id FROM interact_history(5, 3);
SELECT event, item_id FROM interact_history(5, before => '2024-04-01 00:00:00.000001');
SELECT event, item_id FROM interact_history(5, before => '2024-04-01');
SELECT event, item_id FROM interact_history(5, before => '-infinity');
SELECT event, item_id FROM interact_history(5, before => 'infinity', before_event => 'play', before_id => 0) LIMIT 1;
SELECT event, item_id FROM interact_history(5, 0);

-- Reviews of an item.
INSERT INTO interact_review (user_id, item_id, rating, comment, created_at)
SELECT 100 + n, 50, r, 'review ' || n, '2024-05-01'::timestamptz + (n / 2) * interval '1 day'
  FROM unnest('{5,3,5,1,3,4,5,1}'::int[]) WITH ORDINALITY AS v (r, n);
SELECT user_id, stars, comment, created_at FROM interact_reviews(50);
SELECT user_id, stars, created_at FROM interact_reviews(50, 'highest');
SELECT user_id, stars, created_at FROM interact_reviews(50, 'lowest');
SELECT user_id, stars, created_at FROM interact_reviews(50, rating => 3);
SELECT user_id, stars FROM interact_reviews(50, 'lowest', rating => 5);
SELECT user_id, stars FROM interact_reviews(50, rating => 2);
SELECT user_id, stars FROM interact_reviews(50, 'highest', max_items => 2);
SELECT item_id, rating, comment, created_at FROM interact_user_reviews(101);
SELECT item_id, reaction_name, created_at FROM interact_reactions(5);
SELECT item_id, reaction_name FROM interact_reactions(5, 'love');
SELECT item_id, reaction_name FROM interact_reactions(5, 'like');

-- Page by page, over many rows of few different times, every list is what one
-- query of its table says.  $1 is the size of a page, $2 the last row of the
-- page before.
CREATE FUNCTION pages(query text, size integer) RETURNS SETOF jsonb LANGUAGE plpgsql AS $$
DECLARE
    page jsonb[];
    last jsonb;
BEGIN
    LOOP
        EXECUTE 'SELECT array_agg(to_jsonb(x)) FROM ' || query || ' AS x' INTO page USING size, last;
        EXIT WHEN page IS NULL;
        ASSERT cardinality(page) <= size;
        RETURN QUERY SELECT unnest(page);
        last := page[cardinality(page)];
    END LOOP;
END $$;
CREATE FUNCTION same(query text, expected text) RETURNS TABLE (rows bigint, pages text) LANGUAGE plpgsql AS $$
DECLARE
    want jsonb[];
    size integer;
BEGIN
    EXECUTE 'SELECT array_agg(to_jsonb(x)) FROM (' || expected || ') AS x' INTO want;
    rows := cardinality(want);
    FOREACH size IN ARRAY '{1,3,7,100,1000}'::integer[] LOOP
        pages := concat_ws(' ', pages, size || CASE WHEN (SELECT array_agg(p) FROM pages(query, size) AS p) = want
                                               THEN ' same' ELSE ' DIFFERENT' END);
    END LOOP;
    RETURN NEXT;
END $$;
CREATE TEMP TABLE moment AS
SELECT n, (n * 7 + n / 3) % 41 AS item, '2024-06-01'::timestamptz + n * n * n % 31 * interval '1 minute' AS at
  FROM generate_series(1, 300) AS n;
INSERT INTO interact_view (user_id, item_id, viewed_at) SELECT 6, item, at FROM moment ORDER BY n;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 6, 7, '2024-06-01 00:20'::timestamptz FROM generate_series(1, 200);
INSERT INTO interact_favorite (user_id, item_id, list, created_at)
SELECT DISTINCT ON (item, n % 3) 6, item, 'list ' || n % 3, at FROM moment ORDER BY item, n % 3, n;
INSERT INTO interact_cart_item (user_id, item_id, added_at, removed_at, purchased_at)
SELECT 6, item, at, CASE n % 3 WHEN 0 THEN at END, CASE n % 3 WHEN 1 THEN at END
  FROM (SELECT DISTINCT ON (item, n % 3) * FROM moment ORDER BY item, n % 3, n) AS m ORDER BY n;
INSERT INTO interact_purchase (user_id, item_id, quantity, purchased_at) SELECT 6, item, n, at FROM moment ORDER BY n;
INSERT INTO interact_review (user_id, item_id, rating, created_at)
SELECT 6, item, 1 + n % 5, at FROM (SELECT DISTINCT ON (item) * FROM moment ORDER BY item, n) AS m ORDER BY n;
INSERT INTO interact_review (user_id, item_id, rating, created_at) SELECT 1000 + n, 60, 1 + item % 5, at FROM moment ORDER BY n;
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at)
SELECT 6, item, ('{like,dislike,love}'::text[])[1 + n % 3], at
  FROM (SELECT DISTINCT ON (item) * FROM moment ORDER BY item, n) AS m ORDER BY n;
INSERT INTO interact_event (user_id, item_id, event, value, occurred_at) SELECT 6, item, 'play', n, at FROM moment ORDER BY n;
SELECT * FROM same('interact_favorites(6, ''list 1'', $1, ($2->>''created_at'')::timestamptz, ($2->>''id'')::bigint)',
  'SELECT id, item_id, list AS list_name, created_at FROM interact_favorite WHERE user_id = 6 AND list = ''list 1'' ORDER BY created_at DESC, id DESC');
SELECT * FROM same('interact_favorites(6, NULL, $1, ($2->>''created_at'')::timestamptz, ($2->>''id'')::bigint)',
  'SELECT id, item_id, list AS list_name, created_at FROM interact_favorite WHERE user_id = 6 ORDER BY created_at DESC, id DESC');
SELECT * FROM same('interact_favorite_lists(6, $1, $2->>''list_name'')',
  'SELECT list AS list_name, count(*) AS items, max(created_at) AS last_at FROM interact_favorite WHERE user_id = 6 GROUP BY list ORDER BY list');
SELECT * FROM same('interact_cart(6, $1, ($2->>''added_at'')::timestamptz, ($2->>''id'')::bigint)',
  'SELECT id, item_id, quantity, added_at FROM interact_cart_item WHERE user_id = 6 AND removed_at IS NULL AND purchased_at IS NULL ORDER BY added_at DESC, id DESC');
SELECT * FROM same('interact_purchases(6, $1, ($2->>''purchased_at'')::timestamptz, ($2->>''id'')::bigint)',
  'SELECT id, item_id, quantity, unit_price, order_id, purchased_at FROM interact_purchase WHERE user_id = 6 ORDER BY purchased_at DESC, id DESC');
SELECT * FROM same('interact_user_reviews(6, $1, ($2->>''created_at'')::timestamptz, ($2->>''id'')::bigint)',
  'SELECT id, item_id, rating, title, comment, created_at, updated_at FROM interact_review WHERE user_id = 6 ORDER BY created_at DESC, id DESC');
SELECT sort, s.* FROM unnest('{newest,highest,lowest}'::text[], '{"","rating DESC,","rating,"}'::text[]) AS o (sort, by),
  same(format('interact_reviews(60, %L, NULL, $1, ($2->>''created_at'')::timestamptz, ($2->>''id'')::bigint, ($2->>''stars'')::integer)', sort),
  format('SELECT id, user_id, rating AS stars, title, comment, created_at, updated_at FROM interact_review WHERE item_id = 60 ORDER BY %s created_at DESC, id DESC', by)) AS s;
SELECT * FROM same('interact_reviews(60, ''newest'', 2, $1, ($2->>''created_at'')::timestamptz, ($2->>''id'')::bigint)',
  'SELECT id, user_id, rating AS stars, title, comment, created_at, updated_at FROM interact_review WHERE item_id = 60 AND rating = 2 ORDER BY created_at DESC, id DESC');
SELECT * FROM same('interact_reactions(6, NULL, $1, ($2->>''created_at'')::timestamptz, ($2->>''id'')::bigint)',
  'SELECT id, item_id, reaction AS reaction_name, created_at FROM interact_reaction WHERE user_id = 6 ORDER BY created_at DESC, id DESC');
SELECT * FROM same('interact_reactions(6, ''love'', $1, ($2->>''created_at'')::timestamptz, ($2->>''id'')::bigint)',
  'SELECT id, item_id, reaction AS reaction_name, created_at FROM interact_reaction WHERE user_id = 6 AND reaction = ''love'' ORDER BY created_at DESC, id DESC');
CREATE VIEW happened AS
SELECT user_id, 'view' AS event, item_id, viewed_at AS at, NULL::numeric AS value, id, 0 AS source FROM interact_view
UNION ALL SELECT user_id, 'favorite', item_id, created_at, NULL, id, 1 FROM interact_favorite
UNION ALL SELECT user_id, 'cart', item_id, added_at, quantity, id, 2 FROM interact_cart_item
UNION ALL SELECT user_id, 'purchase', item_id, purchased_at, quantity, id, 3 FROM interact_purchase
UNION ALL SELECT user_id, 'rating', item_id, created_at, rating, id, 4 FROM interact_review
UNION ALL SELECT user_id, reaction, item_id, created_at, NULL, id, 5 FROM interact_reaction
UNION ALL SELECT user_id, event, item_id, occurred_at, value, id, 6 FROM interact_event;
SELECT * FROM same('interact_history(6, $1, ($2->>''at'')::timestamptz, $2->>''event'', ($2->>''id'')::bigint)',
  'SELECT event, item_id, at, value, id FROM happened WHERE user_id = 6 ORDER BY at DESC, source, id DESC');
SELECT * FROM same('interact_recently_viewed(6, $1, ($2->>''viewed_at'')::timestamptz, ($2->>''item_id'')::bigint)',
  'SELECT item_id, max(viewed_at) AS viewed_at FROM interact_view WHERE user_id = 6 GROUP BY item_id ORDER BY 2 DESC, 1 DESC');

-- Where both orders that interact_recently_viewed() reads are far from its own:
-- one item viewed often, others favored later than they were viewed.
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 7, n, '2024-06-01'::timestamptz + n * interval '1 second' FROM generate_series(1, 500) AS n;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 7, 250, '2024-06-02'::timestamptz + n * interval '1 second' FROM generate_series(1, 2000) AS n;
INSERT INTO interact_favorite (user_id, item_id, created_at)
SELECT 7, n, '2024-06-03'::timestamptz - n * interval '1 second' FROM generate_series(1, 500, 2) AS n;
SELECT * FROM same('interact_recently_viewed(7, $1, ($2->>''viewed_at'')::timestamptz, ($2->>''item_id'')::bigint)',
  'SELECT item_id, max(viewed_at) AS viewed_at FROM interact_view WHERE user_id = 7 GROUP BY item_id ORDER BY 2 DESC, 1 DESC');

-- Rows that come and go between two pages move no others.
CREATE TEMP TABLE page1 AS SELECT * FROM interact_favorites(6, 'list 0', 10);
SELECT created_at AS at, id FROM page1 ORDER BY created_at, id LIMIT 1 \gset last_
CREATE TEMP TABLE page2 AS SELECT * FROM interact_favorites(6, 'list 0', 10, :'last_at', :last_id);
-- newer ones, one of the same time with a larger number, the last row itself
INSERT INTO interact_favorite (user_id, item_id, list, created_at)
SELECT 6, 1000 + n, 'list 0', :'last_at'::timestamptz + n * interval '1 second' FROM generate_series(0, 20) AS n;
DELETE FROM interact_favorite WHERE id = :last_id;
SELECT count(*) FROM (TABLE page2 EXCEPT SELECT * FROM interact_favorites(6, 'list 0', 10, :'last_at', :last_id)) AS missing;
SELECT count(*) FROM page1 JOIN interact_favorites(6, 'list 0', 10, :'last_at', :last_id) AS f USING (id);
SELECT * FROM interact_check();

-- What is read.  One user has 3,000 rows in every table, one item 3,000 reviews;
-- but the statistics are from before, when every user had one row, so that
-- to the planner any index of users is as good as another.  Of each index, entries
-- read; of each table, rows read without an index.
TRUNCATE interact_view, interact_favorite, interact_cart_item, interact_purchase, interact_review, interact_reaction, interact_event;
INSERT INTO interact_view (user_id, item_id, viewed_at) SELECT 20000 + n, n, '2024-06-01' FROM generate_series(1, 3000) AS n;
INSERT INTO interact_favorite (user_id, item_id, list) SELECT 20000 + n, n, 'list ' || n FROM generate_series(1, 3000) AS n;
INSERT INTO interact_cart_item (user_id, item_id) SELECT 20000 + n, n FROM generate_series(1, 3000) AS n;
INSERT INTO interact_purchase (user_id, item_id) SELECT 20000 + n, n FROM generate_series(1, 3000) AS n;
INSERT INTO interact_review (user_id, item_id, rating) SELECT 20000 + n, 20000 + n, 1 + n % 5 FROM generate_series(1, 3000) AS n;
INSERT INTO interact_reaction (user_id, item_id, reaction) SELECT 20000 + n, n, 'like' FROM generate_series(1, 3000) AS n;
INSERT INTO interact_event (user_id, item_id, event) SELECT 20000 + n, n, 'play' FROM generate_series(1, 3000) AS n;
ANALYZE interact_view, interact_favorite, interact_cart_item, interact_purchase, interact_review, interact_reaction, interact_event;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 8, n % 1000, '2024-07-01'::timestamptz + n * interval '1 minute' FROM generate_series(1, 3000) AS n;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 8, 5, '2024-08-01'::timestamptz + n * interval '1 second' FROM generate_series(1, 10000) AS n;
INSERT INTO interact_favorite (user_id, item_id, list, created_at)
SELECT 8, n, 'list ' || n % 2, '2024-07-01'::timestamptz + n * interval '1 minute' FROM generate_series(1, 3000) AS n;
INSERT INTO interact_cart_item (user_id, item_id, added_at, removed_at)
SELECT 8, n, '2024-07-01'::timestamptz + n * interval '1 minute', CASE WHEN n > 1500 THEN '2024-08-01'::timestamptz END FROM generate_series(1, 3000) AS n;
INSERT INTO interact_purchase (user_id, item_id, purchased_at)
SELECT 8, n, '2024-07-01'::timestamptz + n * interval '1 minute' FROM generate_series(1, 3000) AS n;
INSERT INTO interact_review (user_id, item_id, rating, created_at, updated_at)
SELECT 8, n, 1 + n % 5, at, at FROM generate_series(1, 3000) AS n, LATERAL (SELECT '2024-07-01'::timestamptz + n * interval '1 minute') AS t (at);
INSERT INTO interact_review (user_id, item_id, rating, created_at)
SELECT 10000 + n, 9, 1 + n % 5, '2024-07-01'::timestamptz + n * interval '1 minute' FROM generate_series(1, 3000) AS n;
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at)
SELECT 8, n, CASE WHEN n < 100 THEN 'like' ELSE 'love' END, '2024-07-01'::timestamptz + n * interval '1 minute' FROM generate_series(1, 3000) AS n;
INSERT INTO interact_event (user_id, item_id, event, occurred_at)
SELECT 8, n, 'play', '2024-07-01'::timestamptz + n * interval '1 minute' FROM generate_series(1, 3000) AS n;
CREATE TEMP VIEW reading AS
SELECT relname, pg_stat_get_xact_tuples_returned(oid) AS n FROM pg_class WHERE relname LIKE 'interact\_%' AND relkind IN ('r', 'i');
CREATE FUNCTION reads(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    read text;
    was jsonb;
BEGIN
    SELECT jsonb_object_agg(relname, n) INTO was FROM reading;
    EXECUTE 'SELECT count(*) FROM ' || query;
    SELECT string_agg(relname || ' ' || n - (was->>relname)::bigint, ', ' ORDER BY relname) INTO read
      FROM reading WHERE n > (was->>relname)::bigint;
    RETURN read;
END $$;
SELECT q, reads(q) FROM unnest(ARRAY[
    'interact_favorites(8, ''list 1'')',
    'interact_favorites(8, ''list 1'', 20, ''2024-07-02'', 5)',
    'interact_favorites(8, NULL)',
    'interact_favorites(8, NULL, 20, ''2024-07-02'', 5)',
    'interact_favorite_lists(8, 1)',
    'interact_is_favorite(8, ''{1,2,3,9999}'')',
    'interact_is_favorite(8, ''{1,2,3,9999}'', ''list 1'')',
    'interact_cart(8, 20)',
    'interact_cart(8, 20, ''2024-07-01 12:00'', 5)',
    'interact_purchases(8)',
    'interact_purchases(8, 20, ''2024-07-02'', 5)',
    'interact_user_reviews(8)',
    'interact_user_reviews(8, 20, ''2024-07-02'', 5)',
    'interact_reviews(9)',
    'interact_reviews(9, ''newest'', NULL, 20, ''2024-07-02'', 5)',
    'interact_reviews(9, rating => 3)',
    'interact_reviews(9, ''highest'')',
    'interact_reviews(9, ''lowest'', NULL, 20, ''2024-07-02'', 5, 3)',
    'interact_reactions(8)',
    'interact_reactions(8, ''like'')',
    'interact_reactions(8, ''love'', 20, ''2024-07-02'', 5)',
    'interact_history(8)',
    'interact_history(8, 20, ''2024-07-02'', ''love'', 5)']) AS q;
-- Rows of the log and entries of interact_affinity are read in steps of 36, 72,
-- and so on, until the better of the two has led far enough; that one item was
-- viewed 10,000 times in a row makes no difference.
VACUUM interact_affinity;
SELECT q, reads(q) FROM unnest(ARRAY[
    'interact_recently_viewed(8)',
    'interact_recently_viewed(8, 20, ''2024-08-01'')']) AS q;
-- The same to EXPLAIN: pages of a page of rows, not of all rows.
CREATE FUNCTION buffers(query text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    plan json;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT * FROM ' || query INTO plan;
    RETURN (plan->0->'Plan'->>'Shared Hit Blocks')::bigint + (plan->0->'Plan'->>'Shared Read Blocks')::bigint;
END $$;
SELECT q, buffers(q) < 120 AS few FROM unnest(ARRAY['interact_favorites(8, ''list 1'')', 'interact_favorites(8, NULL)',
    'interact_is_favorite(8, ''{1,2,3,9999}'')', 'interact_cart(8, 20)', 'interact_purchases(8)', 'interact_user_reviews(8)',
    'interact_reviews(9)', 'interact_reviews(9, ''lowest'')', 'interact_reactions(8)', 'interact_history(8)']) AS q;
-- And statements inside, as they are planned.
PREPARE one_list AS
SELECT r.id, r.item_id, r.list, r.created_at FROM interact_favorite AS r
 WHERE (r.user_id, r.list, r.created_at, r.id) < ($1, $5, $2, $3) AND (r.user_id, r.list) >= ($1, $5)
 ORDER BY r.user_id DESC, r.list DESC, r.created_at DESC, r.id DESC LIMIT $4;
PREPARE all_lists AS
SELECT r.id, r.item_id, r.list, r.created_at FROM interact_favorite AS r
 WHERE (r.user_id, r.created_at, r.id) < ($1, $2, $3) AND r.user_id >= $1
 ORDER BY r.user_id DESC, r.created_at DESC, r.id DESC LIMIT $4;
PREPARE cart AS
SELECT r.id, r.item_id, r.quantity, r.added_at FROM interact_cart_item AS r
 WHERE (r.user_id, r.added_at, r.id) < ($1, $2, $3) AND r.user_id >= $1 AND r.removed_at IS NULL AND r.purchased_at IS NULL
 ORDER BY r.user_id DESC, r.added_at DESC, r.id DESC, r.item_id DESC LIMIT $4;
PREPARE reviews AS
SELECT r.id, r.user_id, r.rating, r.title FROM interact_review AS r
 WHERE (r.item_id, r.rating, r.created_at, r.id) < ($1, $5, $2, $3) AND (r.item_id, r.rating) >= ($1, $5)
 ORDER BY r.item_id DESC, r.rating DESC, r.created_at DESC, r.id DESC LIMIT $4;
SET plan_cache_mode = force_generic_plan;
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SET enable_sort = off;
SET enable_incremental_sort = off;
EXPLAIN (COSTS OFF) EXECUTE one_list (8, 'infinity', 0, 20, 'list 1');
EXPLAIN (COSTS OFF) EXECUTE all_lists (8, 'infinity', 0, 20);
EXPLAIN (COSTS OFF) EXECUTE cart (8, 'infinity', 0, 20);
EXPLAIN (COSTS OFF) EXECUTE reviews (9, 'infinity', 0, 20, 3);
RESET enable_seqscan;
RESET enable_bitmapscan;
RESET enable_sort;
RESET enable_incremental_sort;
RESET plan_cache_mode;
DEALLOCATE ALL;

-- A snapshot shows lists as they were.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM interact_recently_viewed(8, 1000);
SELECT interact_record_view(8, 5000, '2024-09-01');
SELECT * FROM interact_recently_viewed(8, 2);
ROLLBACK;
SELECT * FROM interact_recently_viewed(8, 2);

-- The caller's rights, row security included.
CREATE ROLE regress_interact_lists;
SELECT interact_grant('regress_interact_lists', 'read');
CREATE POLICY own ON interact_view TO regress_interact_lists USING (item_id < 7);
CREATE POLICY own ON interact_favorite TO regress_interact_lists USING (item_id < 7);
ALTER TABLE interact_view ENABLE ROW LEVEL SECURITY;
ALTER TABLE interact_favorite ENABLE ROW LEVEL SECURITY;
REVOKE SELECT ON interact_purchase FROM regress_interact_lists;
SET ROLE regress_interact_lists;
SELECT item_id FROM interact_favorites(8, NULL);
SELECT * FROM interact_is_favorite(8, '{6,7}');
SELECT * FROM interact_recently_viewed(8);
SELECT * FROM interact_purchases(8);
SELECT * FROM interact_history(8);
SELECT interact_toggle_favorite(8, 1);
RESET ROLE;
DROP POLICY own ON interact_view;
DROP POLICY own ON interact_favorite;
ALTER TABLE interact_view DISABLE ROW LEVEL SECURITY;
ALTER TABLE interact_favorite DISABLE ROW LEVEL SECURITY;

-- A session of one user.
SET interact.user_id = '1';
SELECT * FROM interact_favorites(8);
SELECT * FROM interact_favorite_lists(8);
SELECT * FROM interact_is_favorite(8, '{1}');
SELECT * FROM interact_recently_viewed(8);
SELECT * FROM interact_cart(8);
SELECT * FROM interact_purchases(8);
SELECT * FROM interact_user_reviews(8);
SELECT * FROM interact_reactions(8);
SELECT * FROM interact_history(8);
SELECT interact_toggle_favorite(8, 1);
SELECT interact_move_favorite(8, 1, 'a', 'b');
SELECT interact_clear_favorites(8);
SELECT interact_set_cart_quantity(8, 1, 1);
SELECT interact_clear_cart(8);
SELECT count(*) FROM interact_history(1);
RESET interact.user_id;

SELECT interact_revoke('regress_interact_lists', 'read');
REVOKE USAGE ON SCHEMA public FROM regress_interact_lists;
DROP ROLE regress_interact_lists;
SELECT * FROM interact_check();
DROP VIEW reading, happened;
DROP FUNCTION pages, same, reads, buffers;
DROP EXTENSION interact;
