-- Friends: who they are, what they liked, what they did.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
\set VERBOSITY default
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SET datestyle = 'ISO, MDY';
SELECT interact_define_event('share', shareable => true) AS share, interact_define_event('play') AS play,
       interact_define_event('love', weight => 1.4, kind => 'reaction') AS love,
       interact_define_event('wow', weight => 1, kind => 'reaction', shareable => true) AS wow;

-- Nothing there.
SELECT * FROM interact_friends(1);
SELECT * FROM interact_followers(1);
SELECT * FROM interact_friends_liked(1);
SELECT * FROM interact_friends_feed(1);
SELECT * FROM interact_people_you_may_know(1);

-- Bad arguments.
SELECT interact_add_friend(NULL, 2);
SELECT interact_add_friend(1, NULL);
SELECT interact_add_friend(1, 2, NULL);
SELECT interact_add_friend(1, 1);
SELECT interact_add_friend(1, 2, at => 'infinity');
SELECT interact_add_friend(1, 2, at => '3000-01-01');
SELECT interact_remove_friend(NULL, 2);
SELECT interact_remove_friend(1, NULL);
SELECT interact_remove_friend(1, 2, NULL);
SELECT interact_remove_friend(1, 1);
\set VERBOSITY terse
INSERT INTO interact_friend (user_id, friend_id) VALUES (1, 1);
\set VERBOSITY default
SELECT * FROM interact_friends(NULL);
SELECT * FROM interact_friends(1, NULL);
SELECT * FROM interact_friends(1, 1001);
SELECT * FROM interact_friends(1, before_id => 5);
SELECT * FROM interact_followers(NULL);
SELECT * FROM interact_followers(1, -1);
SELECT * FROM interact_followers(1, before_id => 5);
SELECT * FROM interact_friends_liked(NULL);
SELECT * FROM interact_friends_liked(1, NULL);
SELECT * FROM interact_friends_liked(1, -1);
SELECT * FROM interact_friends_liked(1, 1001);
SELECT * FROM interact_friends_liked(1, mutual => NULL);
SELECT * FROM interact_friends_feed(NULL);
SELECT * FROM interact_friends_feed(1, NULL);
SELECT * FROM interact_friends_feed(1, 1001);
SELECT * FROM interact_friends_feed(1, mutual => NULL);
SELECT * FROM interact_friends_feed(1, before_id => 5);
SELECT * FROM interact_friends_feed(1, before => '2024-01-01', before_event => 'nosuch', before_id => 5);
SELECT * FROM interact_people_you_may_know(NULL);
SELECT * FROM interact_people_you_may_know(1, NULL);
SELECT * FROM interact_people_you_may_know(1, 1001);
SELECT * FROM interact_people_you_may_know(1, mutual => NULL);

-- 1 has the friends 2, 3 and 4, follows 5, and is followed by 6.
SELECT interact_add_friend(1, 2, at => '2024-01-01') AS added;
SELECT interact_add_friend(2, 1) AS added;
SELECT interact_add_friend(3, 1, at => '2024-01-02') AS added;
SELECT interact_add_friend(1, 4, mutual => false, at => '2024-01-02') AS added;
SELECT interact_add_friend(1, 4, mutual => false) AS added;
SELECT interact_add_friend(4, 1, at => '2024-01-03') AS other_half_added;
SELECT interact_add_friend(1, 5, mutual => false, at => '2024-01-04') AS added;
SELECT interact_add_friend(6, 1, mutual => false, at => '2024-01-05') AS added;
SELECT user_id, friend_id, created_at FROM interact_friend ORDER BY user_id, friend_id;
SELECT friend_id, mutual, created_at FROM interact_friends(1);
SELECT friend_id FROM interact_friends(1, 2);
SELECT friend_id FROM interact_friends(1, 0);
SELECT friend_id FROM interact_friends(1, before => '2024-01-02');
SELECT follower_id, mutual, created_at FROM interact_followers(1);
SELECT follower_id, mutual FROM interact_followers(5);
SELECT interact_add_friend(1, 7), interact_remove_friend(7, 1) AS removed, interact_remove_friend(7, 1) AS again;
SELECT interact_add_friend(1, 7), interact_remove_friend(7, 1, mutual => false) AS removed;
SELECT friend_id, mutual FROM interact_friends(1) WHERE friend_id = 7;
SELECT interact_remove_friend(1, 7) AS rest_removed;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT interact_add_friend(1, 8), interact_remove_friend(8, 1) AS removed, interact_remove_friend(8, 1) AS again;
SELECT interact_add_friend(1, 8), interact_remove_friend(8, 1, mutual => false) AS removed;
SELECT relation::regclass FROM pg_locks WHERE mode = 'SIReadLock' AND locktype <> 'tuple';
ROLLBACK;

-- What they think well of: 2 favored 10, bought 11, likes 12, rated 14 with 5,
-- shared 18, loves 20.  The view of 13, the rating of 15, the cart, the play of
-- 19 say nothing, and 16 was bought but found bad.
INSERT INTO interact_favorite (user_id, item_id, created_at) VALUES (2, 10, '2024-02-01');
INSERT INTO interact_purchase (user_id, item_id, purchased_at) VALUES (2, 11, '2024-02-02'), (2, 16, '2024-02-02');
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at) VALUES (2, 12, 'like', '2024-02-03'), (2, 20, 'love', '2024-02-04'), (2, 21, 'dislike', '2024-02-05');
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (2, 13, '2024-02-06');
INSERT INTO interact_review (user_id, item_id, rating, created_at, updated_at)
VALUES (2, 14, 5, '2024-02-07', '2024-02-07'), (2, 15, 3, '2024-02-07', '2024-02-07'), (2, 16, 2, '2024-02-07', '2024-02-07');
INSERT INTO interact_cart_item (user_id, item_id, added_at) VALUES (2, 17, '2024-02-08');
INSERT INTO interact_event (user_id, item_id, event, occurred_at) VALUES (2, 18, 'share', '2024-02-09'), (2, 19, 'play', '2024-02-10');
SELECT interact_set('recency_floor', '1') AS no_ageing;
SELECT item_id, round(score::numeric, 3) AS score, friends FROM interact_friends_liked(1, 20);
-- 3 and 4 favored 10 as well; 3 bought 12 and rated it with 4, dislikes 11.
-- 5 and 6 favored 30, but are no friends.
INSERT INTO interact_favorite (user_id, item_id, created_at) VALUES (3, 10, '2024-02-01'), (4, 10, '2024-02-01'), (5, 30, '2024-02-11'), (6, 30, '2024-02-12');
INSERT INTO interact_purchase (user_id, item_id, purchased_at) VALUES (3, 12, '2024-02-03');
INSERT INTO interact_review (user_id, item_id, rating, created_at, updated_at) VALUES (3, 12, 4, '2024-02-03', '2024-02-03');
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at) VALUES (3, 11, 'dislike', '2024-02-03');
SELECT item_id, round(score::numeric, 3) AS score, friends FROM interact_friends_liked(1, 20);
SELECT item_id, friends FROM interact_friends_liked(1, 2);
SELECT item_id, friends FROM interact_friends_liked(1, 0);
SELECT item_id, friends FROM interact_friends_liked(1, mutual => false) WHERE item_id = 30;
-- What 1 has or dislikes is left out.
SELECT interact_record_view(1, 12), interact_react(1, 14, 'dislike'), interact_add_favorite(1, 10);
SELECT item_id, friends FROM interact_friends_liked(1);
SELECT item_id, friends FROM interact_friends_liked(2);
-- A weight of 0 or less says nothing or the opposite; changed back, all is as before.
SELECT interact_define_event('purchase', weight => 0), interact_define_event('love', weight => -1);
SELECT item_id, friends FROM interact_friends_liked(1);
SELECT interact_define_event('purchase', weight => 1.5), interact_define_event('love', weight => 1.4);
-- Older ones count less: half of what ages after recency_half_life.
SELECT interact_set('recency_floor', '0.5'), interact_set('recency_half_life', '1 day');
BEGIN;
DELETE FROM interact_favorite WHERE user_id <> 1;
INSERT INTO interact_favorite (user_id, item_id, created_at)
VALUES (2, 40, now()), (2, 41, now() - interval '1 day'), (2, 42, now() - interval '1000 days'), (3, 43, now() + interval '1 hour');
SELECT item_id, round(score::numeric, 2) AS score FROM interact_friends_liked(1, 20) WHERE item_id >= 40;
ROLLBACK;
SELECT interact_set('recency_floor'), interact_set('recency_half_life');

-- What they did, as far as it is shareable.
SELECT friend_id, event, item_id, at, value FROM interact_friends_feed(1);
SELECT friend_id, event, item_id, at FROM interact_friends_feed(1, 2);
SELECT friend_id, event, item_id, at FROM interact_friends_feed(1, 0);
SELECT friend_id, event, item_id, at FROM interact_friends_feed(1, before => '2024-02-03');
SELECT friend_id, event, item_id, at FROM interact_friends_feed(1, 1, mutual => false);
SELECT friend_id, event, item_id, at FROM interact_friends_feed(6);
SELECT interact_define_event('view', shareable => true), interact_define_event('purchase', shareable => true),
       interact_define_event('cart', shareable => true), interact_define_event('favorite', shareable => false),
       interact_define_event('share', shareable => false), interact_define_event('love', shareable => true);
SELECT friend_id, event, item_id, at, value FROM interact_friends_feed(1);
SELECT interact_remove_from_cart(2, 17) AS cart_no_more;
SELECT count(*) FROM interact_friends_feed(1) WHERE event = 'cart';
SELECT interact_define_event('view', shareable => false), interact_define_event('purchase', shareable => false),
       interact_define_event('cart', shareable => false), interact_define_event('favorite', shareable => true),
       interact_define_event('share', shareable => true), interact_define_event('love', shareable => false);
-- Unfriended, by either side: nothing is seen any more.
BEGIN;
SELECT interact_remove_friend(2, 1, mutual => false);
SELECT DISTINCT friend_id FROM interact_friends_feed(1);
SELECT item_id FROM interact_friends_liked(1);
ROLLBACK;

-- Friends of friends: 2 knows 3, 11, 12 and 13, 3 knows 11 and 12, 4 knows 11;
-- 13 does not know 2, nor 14 3; 1 knows 5, who knows 15.
SELECT interact_add_friend(2, 3), interact_add_friend(2, 11), interact_add_friend(2, 12), interact_add_friend(2, 13, false),
       interact_add_friend(3, 11), interact_add_friend(12, 3), interact_add_friend(3, 14, false), interact_add_friend(4, 11),
       interact_add_friend(5, 15);
SELECT * FROM interact_people_you_may_know(1);
SELECT * FROM interact_people_you_may_know(1, 1);
SELECT * FROM interact_people_you_may_know(1, 0);
SELECT * FROM interact_people_you_may_know(1, mutual => false);
SELECT interact_add_friend(1, 11, mutual => false);
SELECT * FROM interact_people_you_may_know(1);
SELECT interact_remove_friend(1, 11);
SELECT * FROM interact_check();

-- Page by page it is what one query says: 150 friends, some of them not mutual,
-- many events of few times.
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
CREATE FUNCTION same(query text, expected text, sizes integer[]) RETURNS TABLE (rows bigint, pages text) LANGUAGE plpgsql AS $$
DECLARE
    want jsonb[];
    size integer;
BEGIN
    EXECUTE 'SELECT array_agg(to_jsonb(x)) FROM (' || expected || ') AS x' INTO want;
    rows := cardinality(want);
    FOREACH size IN ARRAY sizes LOOP
        pages := concat_ws(' ', pages, size || CASE WHEN (SELECT array_agg(p) FROM pages(query, size) AS p) = want
                                               THEN ' same' ELSE ' DIFFERENT' END);
    END LOOP;
    RETURN NEXT;
END $$;
INSERT INTO interact_friend (user_id, friend_id, created_at)
SELECT 100, 1000 + n, '2024-03-01'::timestamptz + n % 7 * interval '1 day' FROM generate_series(1, 150) AS n;
INSERT INTO interact_friend (user_id, friend_id, created_at)
SELECT 1000 + n, 100, '2024-03-01'::timestamptz + n % 7 * interval '1 day' FROM generate_series(1, 150) AS n WHERE n % 10 <> 0;
INSERT INTO interact_friend (user_id, friend_id) SELECT 2000 + n, 100 FROM generate_series(1, 20) AS n;
CREATE TEMP TABLE moment AS
SELECT n, 1000 + n * 7 % 151 AS friend, n * 11 % 97 AS item,
       '2024-04-01'::timestamptz + (n * 7 % 151 / 10 * 5 + n * 13 % 17) * interval '1 hour' AS at
  FROM generate_series(1, 3000) AS n;
INSERT INTO interact_view (user_id, item_id, viewed_at) SELECT friend, item, at FROM moment WHERE n % 6 = 0 ORDER BY n;
INSERT INTO interact_favorite (user_id, item_id, created_at) SELECT friend, item, at FROM moment WHERE n % 6 = 1 ORDER BY n ON CONFLICT DO NOTHING;
INSERT INTO interact_review (user_id, item_id, rating, created_at, updated_at)
SELECT friend, item, 1 + n % 5, at, at FROM moment WHERE n % 6 = 2 ORDER BY n ON CONFLICT DO NOTHING;
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at)
SELECT friend, item, ('{like,dislike,love,wow}'::text[])[1 + n % 4], at FROM moment WHERE n % 6 = 3 ORDER BY n ON CONFLICT DO NOTHING;
INSERT INTO interact_purchase (user_id, item_id, purchased_at) SELECT friend, item, at FROM moment WHERE n % 6 = 4 ORDER BY n;
INSERT INTO interact_event (user_id, item_id, event, value, occurred_at)
SELECT friend, item, ('{share,play}'::text[])[1 + n % 2], n, at FROM moment WHERE n % 6 = 5 ORDER BY n;
CREATE VIEW happened AS
SELECT user_id AS friend_id, 'view' AS event, item_id, viewed_at AS at, NULL::numeric AS value, id, 0 AS source FROM interact_view
UNION ALL SELECT user_id, 'favorite', item_id, created_at, NULL, id, 1 FROM interact_favorite
UNION ALL SELECT user_id, 'purchase', item_id, purchased_at, quantity, id, 3 FROM interact_purchase
UNION ALL SELECT user_id, 'rating', item_id, created_at, rating, id, 4 FROM interact_review
UNION ALL SELECT user_id, reaction, item_id, created_at, NULL, id, 5 FROM interact_reaction
UNION ALL SELECT user_id, event, item_id, occurred_at, value, id, 6 FROM interact_event;
SELECT * FROM same('interact_friends_feed(100, $1, ($2->>''at'')::timestamptz, $2->>''event'', ($2->>''id'')::bigint)',
  'SELECT friend_id, event, item_id, at, value, happened.id FROM happened JOIN interact_event_type AS t USING (event)
    WHERE t.shareable AND friend_id BETWEEN 1001 AND 1150 AND friend_id % 10 <> 0
    ORDER BY at DESC, source, happened.id DESC', '{7,100,1000}');
SELECT * FROM same('interact_friends_feed(100, $1, ($2->>''at'')::timestamptz, $2->>''event'', ($2->>''id'')::bigint, mutual => false)',
  'SELECT friend_id, event, item_id, at, value, happened.id FROM happened JOIN interact_event_type AS t USING (event)
    WHERE t.shareable AND friend_id BETWEEN 1001 AND 1150
    ORDER BY at DESC, source, happened.id DESC', '{100}');
SELECT * FROM same('interact_friends(100, $1, ($2->>''created_at'')::timestamptz, ($2->>''id'')::bigint)',
  'SELECT id, friend_id, friend_id % 10 <> 0 AS mutual, created_at FROM interact_friend WHERE user_id = 100
    ORDER BY created_at DESC, id DESC', '{1,7,1000}');
SELECT * FROM same('interact_followers(100, $1, ($2->>''created_at'')::timestamptz, ($2->>''id'')::bigint)',
  'SELECT id, user_id AS follower_id, user_id < 2000 AS mutual, created_at FROM interact_friend WHERE friend_id = 100
    ORDER BY created_at DESC, id DESC', '{1,7,1000}');
-- The same for what they liked: no ageing, so that a query can say it.
SELECT interact_set('recency_floor', '1') AS no_ageing;
WITH pair AS (
    SELECT friend_id, item_id,
           greatest(bool_or(event = 'favorite')::int * 1.2, bool_or(event = 'like')::int * 1.2, bool_or(event = 'love')::int * 1.4,
                    bool_or(event = 'wow')::int * 1.0, bool_or(event = 'purchase')::int * 1.5, bool_or(event = 'share')::int * 1.0,
                    coalesce(bool_or(event = 'rating' AND value >= 4)::int, 0) * 1.0)
           * (1 + 0.125 * greatest(max(value) FILTER (WHERE event = 'rating') - 3, 0.0)) AS weight
      FROM happened
     WHERE friend_id BETWEEN 1001 AND 1150 AND friend_id % 10 <> 0
     GROUP BY friend_id, item_id
    HAVING NOT bool_or(event = 'dislike') AND coalesce(max(value) FILTER (WHERE event = 'rating'), 5) > 2
), expected AS (
    SELECT item_id, round(sum(coalesce(weight, 0)), 3) AS score, count(*) FILTER (WHERE weight > 0) AS friends FROM pair GROUP BY item_id
), actual AS (
    SELECT item_id, round(score::numeric, 3) AS score, friends FROM interact_friends_liked(100, 1000)
)
SELECT count(a), count(e), count(*) FILTER (WHERE a.score IS DISTINCT FROM e.score OR a.friends IS DISTINCT FROM e.friends) AS different
  FROM actual AS a FULL JOIN (SELECT * FROM expected WHERE friends > 0) AS e USING (item_id);
SELECT interact_set('recency_floor') AS default_again;
SELECT * FROM interact_check();

-- What is read: with more friends, less of each.
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
-- one friend with 1,000 items: 200 are read
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 3001, n, '2024-05-01'::timestamptz + n * interval '1 minute' FROM generate_series(1, 1000) AS n;
SELECT interact_add_friend(3000, 3001);
-- 1,000 friends with 60 items: 50 are read
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 4000 + f, n, '2024-05-01'::timestamptz + n * interval '1 minute' FROM generate_series(1, 1000) AS f, generate_series(1, 60) AS n;
INSERT INTO interact_friend (user_id, friend_id) SELECT 4000, 4000 + f FROM generate_series(1, 1000) AS f;
INSERT INTO interact_friend (user_id, friend_id) SELECT 4000 + f, 4000 FROM generate_series(1, 1000) AS f;
VACUUM interact_affinity;
SELECT q, reads(q) FROM unnest(ARRAY['interact_friends(4000)', 'interact_followers(4000)',
  'interact_friends_liked(3000)', 'interact_friends_liked(4000)', 'interact_friends_feed(4000)']) AS q;
-- 5,100 friends: the newest 5,000 are looked at, with 10 entries of each
INSERT INTO interact_friend (user_id, friend_id) SELECT 10000, 10000 + f FROM generate_series(1, 5100) AS f;
INSERT INTO interact_friend (user_id, friend_id) SELECT 10000 + f, 10000 FROM generate_series(1, 5100) AS f;
INSERT INTO interact_favorite (user_id, item_id) SELECT 10000 + f, n FROM generate_series(1, 5100) AS f, generate_series(1, 12) AS n;
VACUUM interact_affinity;
SELECT sum(friends) AS pairs FROM interact_friends_liked(10000, 1000);
SELECT reads('interact_friends_liked(10000)');

-- The caller's rights, and a session of one user.
CREATE ROLE regress_interact_social;
SELECT interact_grant('regress_interact_social', 'read'), interact_grant('regress_interact_social', 'write');
CREATE POLICY own ON interact_friend TO regress_interact_social
    USING (current_setting('interact.user_id') IN (user_id::text, friend_id::text))
    WITH CHECK (current_setting('interact.user_id') = user_id::text);
CREATE POLICY own ON interact_favorite TO regress_interact_social USING (current_setting('interact.user_id') = user_id::text);
ALTER TABLE interact_friend ENABLE ROW LEVEL SECURITY;
ALTER TABLE interact_favorite ENABLE ROW LEVEL SECURITY;
SET ROLE regress_interact_social;
SET interact.user_id = '1';
SELECT interact_add_friend(1, 9);
SELECT interact_add_friend(1, 9, mutual => false);
SELECT interact_add_friend(9, 1, mutual => false);
SELECT interact_remove_friend(1, 9);
SELECT interact_remove_friend(1, 9, mutual => false);
SELECT interact_remove_friend(9, 1, mutual => false);
SELECT * FROM interact_friends(2);
SELECT * FROM interact_followers(2);
SELECT * FROM interact_friends_liked(2);
SELECT * FROM interact_friends_feed(2);
SELECT * FROM interact_people_you_may_know(2);
SELECT * FROM interact_friends_liked(1, mutual => false);
SELECT * FROM interact_friends_feed(1, mutual => false);
SELECT * FROM interact_people_you_may_know(1, mutual => false);
SELECT friend_id, mutual FROM interact_friends(1);
SELECT follower_id, mutual FROM interact_followers(1);
-- items and numbers, as without policies; of others' rows those that a policy lets through
SELECT item_id, friends FROM interact_friends_liked(1);
SELECT friend_id, event FROM interact_friends_feed(1);
SELECT * FROM interact_people_you_may_know(1);
RESET interact.user_id;
RESET ROLE;
DROP POLICY own ON interact_friend;
DROP POLICY own ON interact_favorite;
ALTER TABLE interact_friend DISABLE ROW LEVEL SECURITY;
ALTER TABLE interact_favorite DISABLE ROW LEVEL SECURITY;
SELECT interact_revoke('regress_interact_social', 'read'), interact_revoke('regress_interact_social', 'write');
REVOKE USAGE ON SCHEMA public FROM regress_interact_social;
DROP ROLE regress_interact_social;

SELECT * FROM interact_check();
DROP VIEW reading, happened;
DROP FUNCTION pages, same, reads;
DROP EXTENSION interact;
