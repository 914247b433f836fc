-- Rows for make bench-lists.  Variables: rows, friends.

\set start '\'2024-01-01\'::timestamptz'
SELECT interact_define_event('share', shareable => true), interact_define_event('play');

-- user 1: as many rows in every table
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 1, n % (:rows / 2), :start + n * interval '1 minute' FROM generate_series(1, :rows) AS n;
INSERT INTO interact_favorite (user_id, item_id, list, created_at)
SELECT 1, n, CASE WHEN n % 3 = 0 THEN 'list ' || n % 20 ELSE 'favorites' END, :start + n * interval '1 minute'
  FROM generate_series(1, :rows) AS n;
INSERT INTO interact_cart_item (user_id, item_id, added_at, removed_at)
SELECT 1, n, :start + n * interval '1 minute', CASE WHEN n % 100 <> 0 THEN :start + n * interval '1 minute' END
  FROM generate_series(1, :rows) AS n;
INSERT INTO interact_purchase (user_id, item_id, unit_price, purchased_at)
SELECT 1, n, 10, :start + n * interval '1 minute' FROM generate_series(1, :rows) AS n;
INSERT INTO interact_review (user_id, item_id, rating, comment, created_at, updated_at)
SELECT 1, n + 1, 1 + n % 5, 'comment', at, at
  FROM generate_series(1, :rows) AS n, LATERAL (SELECT :start + n * interval '1 minute') AS t (at);
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at)
SELECT 1, n, CASE WHEN n % 10 = 0 THEN 'like' ELSE 'dislike' END, :start + n * interval '1 minute'
  FROM generate_series(1, :rows) AS n;
INSERT INTO interact_event (user_id, item_id, event, occurred_at)
SELECT 1, n, 'play', :start + n * interval '1 minute' FROM generate_series(1, :rows) AS n;

-- item 1: as many reviews
INSERT INTO interact_review (user_id, item_id, rating, comment, created_at, updated_at)
SELECT 1000 + n, 1, 1 + n % 5, 'comment', at, at
  FROM generate_series(1, :rows) AS n, LATERAL (SELECT :start + n * interval '1 minute') AS t (at);

-- user 2: many items, then one item again and again
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 2, n, :start + n * interval '1 second' FROM generate_series(1, 1000) AS n;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 2, 7, :start + interval '1 day' + n * interval '1 second' FROM generate_series(1, :rows / 10) AS n;

-- user 3: many items, all of them put on a list later, in the opposite order
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 3, n, :start + n * interval '1 second' FROM generate_series(1, :rows) AS n;
INSERT INTO interact_favorite (user_id, item_id, created_at)
SELECT 3, n, :start + interval '100 days' - n * interval '1 second' FROM generate_series(1, :rows) AS n;

-- user 4: friends, who have views, purchases and favorites, and 40 friends each
INSERT INTO interact_friend (user_id, friend_id) SELECT 4, 1000000 + f FROM generate_series(1, :friends) AS f;
INSERT INTO interact_friend (user_id, friend_id) SELECT 1000000 + f, 4 FROM generate_series(1, :friends) AS f;
INSERT INTO interact_friend (user_id, friend_id)
SELECT 1000001 + f, 1000001 + (f + d + :friends) % :friends
  FROM generate_series(0, :friends - 1) AS f, generate_series(-20, 20) AS d WHERE d <> 0;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 1000000 + f, (f * 11 + n) % 20000, :start + (f * 7919 % 100000 + n) * interval '1 minute'
  FROM generate_series(1, :friends) AS f, generate_series(1, 50) AS n;
INSERT INTO interact_favorite (user_id, item_id, created_at)
SELECT 1000000 + f, (f * 31 + n * n * n) % 20000, :start + (f * 7919 % 100000 + n) * interval '1 minute'
  FROM generate_series(1, :friends) AS f, generate_series(1, 30) AS n
    ON CONFLICT DO NOTHING;
INSERT INTO interact_purchase (user_id, item_id, purchased_at)
SELECT 1000000 + f, (f * 37 + n * n) % 20000, :start + (f * 7919 % 100000 + n) * interval '1 minute'
  FROM generate_series(1, :friends) AS f, generate_series(1, 10) AS n;

-- Mean processor time of a statement in this process, in milliseconds; the first
-- calls, which make plans, do not count.
CREATE FUNCTION processor(statement text, calls integer) RETURNS numeric LANGUAGE plpgsql AS $$
DECLARE
    started numeric;
BEGIN
    FOR i IN 1 .. 3 LOOP
        EXECUTE statement;
    END LOOP;
    started := split_part(pg_read_file('/proc/self/schedstat', 0, 100), ' ', 1)::numeric;
    FOR i IN 1 .. calls LOOP
        EXECUTE statement;
    END LOOP;
    RETURN (split_part(pg_read_file('/proc/self/schedstat', 0, 100), ' ', 1)::numeric - started) / 1e6 / calls;
END $$;
