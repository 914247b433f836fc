-- Activity, active users, retention, funnels and abandoned carts, by small
-- hand-computed data.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
SET timezone = 'UTC';
SET datestyle = 'ISO';
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT interact_define_event('share') IS NOT NULL AS share,
       interact_define_event('play') IS NOT NULL AS play,
       interact_define_event('love', kind => 'reaction') IS NOT NULL AS love;

-- Nothing yet: buckets, days and steps are there, with zeros.
SELECT * FROM interact_activity('1 day', '2024-05-01', '2024-05-03');
SELECT * FROM interact_item_activity(1, '1 day', '2024-05-01', '2024-05-03');
SELECT * FROM interact_active_users('2024-05-01', '2024-05-03');
SELECT * FROM interact_retention('2024-05-01', '2024-05-03', '1 day');
SELECT * FROM interact_funnel('{view,cart,purchase}', '2024-05-01', '2024-05-03');
SELECT * FROM interact_abandoned_carts();
SELECT count(*) FROM interact_activity();
SELECT count(*) FROM interact_item_activity(1);
SELECT count(*) FROM interact_active_users();
SELECT count(*) > 0 AS rows FROM interact_retention();
SELECT count(*) FROM interact_funnel();

-- May 1: users 1, 2; items 10, 20. May 2: nothing. May 3: everything.
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES
    (1, 10, '2024-05-01 00:00'), (1, 10, '2024-05-01 08:00'), (1, 20, '2024-05-01 09:00'),
    (2, 10, '2024-05-01 23:59:59.999999'),
    (1, 10, '2024-05-03 00:00'), (3, 30, '2024-05-03 10:00'),
    (9, 90, '2024-04-30 23:59:59.999999'), (9, 90, '2024-05-04 00:00');
INSERT INTO interact_favorite (user_id, item_id, list, created_at) VALUES
    (2, 20, 'favorites', '2024-05-03 11:00'), (2, 20, 'wishlist', '2024-05-03 11:00');
-- A review counts when it was changed last; a removed cart row never does.
INSERT INTO interact_review (user_id, item_id, rating, created_at, updated_at) VALUES
    (4, 10, 5, '2024-05-01 10:00', '2024-05-03 12:00');
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at) VALUES
    (1, 10, 'like', '2024-05-03 12:00'), (2, 10, 'dislike', '2024-05-03 12:00'),
    (3, 10, 'love', '2024-05-03 12:00');
INSERT INTO interact_cart_item (user_id, item_id, quantity, added_at, removed_at, purchased_at) VALUES
    (1, 10, 2, '2024-05-03 13:00', NULL, NULL),
    (1, 20, 1, '2024-05-03 13:00', NULL, '2024-05-03 14:00'),
    (5, 50, 1, '2024-05-03 13:00', '2024-05-03 14:00', NULL);
-- 2 * 9.50 + 0.25; a line without a price adds nothing.
INSERT INTO interact_purchase (user_id, item_id, quantity, unit_price, purchased_at) VALUES
    (1, 20, 2, 9.50, '2024-05-03 14:00'), (1, 10, 1, 0.25, '2024-05-03 14:00'),
    (6, 10, 7, NULL, '2024-05-03 15:00');
INSERT INTO interact_event (user_id, item_id, event, value, occurred_at) VALUES
    (1, 10, 'share', 3, '2024-05-03 16:00'), (1, 10, 'share', NULL, '2024-05-03 16:00'),
    (7, 70, 'play', 99, '2024-05-03 17:00');
-- Pruned views have no time.
INSERT INTO interact_pruned (item_id, event, count) VALUES (10, 'view', 1000);

-- May 3: 2 views, 2 favorites, 1 rating, 3 reactions, 2 cart rows, 3
-- purchases, 3 events = 16, by users 1, 2, 3, 4, 6, 7; items 10, 20, 30, 70.
SELECT * FROM interact_activity('1 day', '2024-05-01', '2024-05-04');
SELECT * FROM interact_activity('1 month', '2024-05-01', '2024-05-04');
SELECT e.event, a.bucket_start::date, a.events, a.users, a.items, a.revenue
FROM interact_event_type e,
     interact_activity('1 day', '2024-05-01', '2024-05-04', event => e.event) a
WHERE a.events > 0
ORDER BY e.id, a.bucket_start;
-- The range's edges: its first instant counts, its last does not.
SELECT * FROM interact_activity('1 day', '2024-05-01 00:00', '2024-05-01 23:59:59.999999');
SELECT * FROM interact_activity('1 day', '2024-05-01 00:00:00.000001', '2024-05-02 00:00');
SELECT * FROM interact_activity('1 day', '2024-05-01', '2024-05-01');
-- Positional and by name are the same.
SELECT * FROM interact_activity('12 hours', '2024-05-03', '2024-05-04', 'view', 'UTC')
EXCEPT
SELECT * FROM interact_activity(time_zone => 'UTC', event => 'view', to_time => '2024-05-04',
                                from_time => '2024-05-03', bucket => '12 hours');

-- Of one item. 10 on May 3: view, rating, 3 reactions, cart, 2 purchases, 2
-- shares = 10 by users 1, 2, 3, 4, 6.
SELECT * FROM interact_item_activity(10, '1 day', '2024-05-01', '2024-05-04');
SELECT * FROM interact_item_activity(20, '1 day', '2024-05-01', '2024-05-04');
SELECT * FROM interact_item_activity(50, '1 month', '2024-05-01', '2024-05-04');
SELECT * FROM interact_item_activity(12345, '1 month', '2024-05-01', '2024-05-04');
SELECT * FROM interact_item_activity(10, '1 day', '2024-05-01', '2024-05-04', 'view');
SELECT * FROM interact_item_activity(10, '1 day', '2024-05-01', '2024-05-04', 'share');
SELECT * FROM interact_item_activity(10, '1 day', '2024-05-01', '2024-05-04', 'love');
SELECT * FROM interact_item_activity(10, '1 day', '2024-05-01', '2024-05-01');
SELECT bucket_start, events FROM interact_item_activity(10, '1 day', '2024-05-01', '2024-05-02', time_zone => 'America/New_York');
SELECT * FROM interact_item_activity(NULL);
SELECT * FROM interact_item_activity(10, NULL);
SELECT * FROM interact_item_activity(10, '0');
SELECT * FROM interact_item_activity(10, '1 day', '2024-05-02', '2024-05-01');
SELECT * FROM interact_item_activity(10, event => 'nonsense');
SELECT * FROM interact_item_activity(10, time_zone => 'nonsense');
SELECT * FROM interact_item_activity(10, '1 second', '2024-05-01', '2024-05-02');

-- Active users. April 30: 9; May 1: 1, 2; May 2: none; May 3: 1, 2, 3, 4, 6, 7;
-- May 4: 9, who is in the windows all the time.
SELECT * FROM interact_active_users('2024-04-29', '2024-05-05');
-- A window of two days, and one of one, in which everybody sticks.
SELECT * FROM interact_active_users('2024-04-29', '2024-05-06', '2 days');
SELECT * FROM interact_active_users('2024-05-01', '2024-05-04', '1 day');
-- Any part of a day is the day; rows of to_time and later do not count.
SELECT * FROM interact_active_users('2024-05-01 12:00', '2024-05-03 00:00:00.000001');
SELECT * FROM interact_active_users('2024-05-03 23:00', '2024-05-03 23:30');
-- Seven days end on the seventh day, thirty on the thirtieth.
SELECT * FROM interact_active_users('2024-05-09', '2024-05-12');
SELECT * FROM interact_active_users('2024-06-01', '2024-06-04');
SELECT * FROM interact_active_users('2025-05-02', '2025-05-05', '366 days');
-- By event, and by the day of another time zone: 00:00 UTC is May 2, 20:00.
SELECT * FROM interact_active_users('2024-05-01', '2024-05-04', event => 'purchase');
SELECT * FROM interact_active_users('2024-05-02 12:00', '2024-05-03 12:00', time_zone => 'America/New_York', event => 'view');
SELECT * FROM interact_active_users('2024-05-01', '2024-05-01');
SELECT * FROM interact_active_users(period => NULL);
SELECT * FROM interact_active_users(period => '0');
SELECT * FROM interact_active_users(period => '-1 day');
SELECT * FROM interact_active_users(period => '367 days');
SELECT * FROM interact_active_users(period => '1 month');
SELECT * FROM interact_active_users(period => '36 hours');
SELECT * FROM interact_active_users('2024-05-02', '2024-05-01');
SELECT * FROM interact_active_users('infinity');
SELECT * FROM interact_active_users(event => 'nonsense');
SELECT * FROM interact_active_users(time_zone => 'nonsense');
SELECT * FROM interact_active_users('1900-01-01', '2024-05-01');
SELECT count(*) FROM interact_active_users('2000-01-01', '2000-01-01'::timestamptz + interval '9971 days');
SELECT count(*) FROM interact_active_users('2000-01-01', '2000-01-01'::timestamptz + interval '9972 days');

-- Retention with gaps, weeks from Monday, May 6. Items do not matter.
TRUNCATE interact_view, interact_favorite, interact_review, interact_reaction,
         interact_cart_item, interact_purchase, interact_event;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES
    -- 1 comes every week, 2 in the first and the third, 3 once
    (1, 1, '2024-05-06'), (1, 2, '2024-05-13'), (1, 3, '2024-05-20'), (1, 1, '2024-05-27'),
    (2, 1, '2024-05-12 23:59:59.999999'), (2, 1, '2024-05-26 12:00'), (2, 1, '2024-05-26 13:00'),
    (3, 1, '2024-05-08'),
    -- 4 starts in the second week; 5 came before; 6 starts in the fourth
    (4, 1, '2024-05-13'), (4, 1, '2024-05-27'),
    (5, 1, '2024-05-05 23:59:59.999999'), (5, 1, '2024-05-13'),
    (6, 1, '2024-05-27'),
    (7, 1, '2024-06-03');
-- 3 comes again to buy; 8 is new, but only as a buyer.
INSERT INTO interact_purchase (user_id, item_id, purchased_at) VALUES
    (3, 1, '2024-05-14'), (8, 1, '2024-05-14'), (8, 1, '2024-05-21');
INSERT INTO interact_event (user_id, item_id, event, occurred_at) VALUES
    (8, 1, 'play', '2024-04-01');
SELECT * FROM interact_retention('2024-05-06', '2024-06-03', '7 days');
SELECT * FROM interact_retention('2024-05-06', '2024-06-03', '7 days', 1);
SELECT * FROM interact_retention('2024-05-06', '2024-06-03', '7 days', 0);
SELECT * FROM interact_retention('2024-05-06', '2024-06-03', '7 days', event => 'purchase');
-- A period that to_time cuts short counts up to there.
SELECT * FROM interact_retention('2024-05-06', '2024-05-26 12:00', '7 days', 2);
SELECT * FROM interact_retention('2024-05-06', '2024-05-26 12:00:00.000001', '7 days', 2);
-- Who came first in a part of a cohort that the range leaves out is not new.
SELECT * FROM interact_retention('2024-05-08', '2024-05-20', '7 days', 2);
SELECT * FROM interact_retention('2024-05-01', '2024-06-04', '1 month', time_zone => 'Europe/Berlin');
SELECT * FROM interact_retention('2024-05-06', '2024-05-06', '7 days');
-- Each table can make a user old.
BEGIN;
INSERT INTO interact_favorite (user_id, item_id, created_at) VALUES (11, 1, '2024-04-01');
INSERT INTO interact_review (user_id, item_id, rating, created_at, updated_at) VALUES (12, 1, 5, '2024-04-01', '2024-04-01');
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at) VALUES (13, 1, 'like', '2024-04-01'), (14, 1, 'love', '2024-04-01');
INSERT INTO interact_cart_item (user_id, item_id, added_at) VALUES (15, 1, '2024-04-01');
INSERT INTO interact_cart_item (user_id, item_id, added_at, removed_at) VALUES (16, 1, '2024-04-01', '2024-04-01');
INSERT INTO interact_purchase (user_id, item_id, purchased_at) VALUES (17, 1, '2024-04-01');
INSERT INTO interact_event (user_id, item_id, event, occurred_at) VALUES (18, 1, 'share', '2024-04-01');
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (19, 1, '2024-04-01');
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT u, 2, '2024-05-07' FROM generate_series(11, 20) u;
-- 16 and 20 are new beside 1, 2 and 3; as viewers all but 19 are.
SELECT * FROM interact_retention('2024-05-06', '2024-05-13', '7 days', 0);
SELECT * FROM interact_retention('2024-05-06', '2024-05-13', '7 days', 0, event => 'view');
ROLLBACK;
SELECT * FROM interact_retention(cohort => NULL);
SELECT * FROM interact_retention(cohort => '-1 day');
SELECT * FROM interact_retention(cohort => '1 month 1 day');
SELECT * FROM interact_retention(periods => NULL);
SELECT * FROM interact_retention(periods => -1);
SELECT * FROM interact_retention(periods => 367);
SELECT count(*) FROM interact_retention('2024-05-06', '2024-05-07', periods => 366);
SELECT * FROM interact_retention('2024-05-02', '2024-05-01');
SELECT * FROM interact_retention(event => 'nonsense');
SELECT * FROM interact_retention(time_zone => 'nonsense');
SELECT * FROM interact_retention('-infinity');
SELECT count(*) FROM interact_retention('2020-01-01', '2020-01-01'::timestamptz + interval '1000 days', '1 day', 0);
SELECT count(*) FROM interact_retention('2020-01-01', '2020-01-01'::timestamptz + interval '1001 days', '1 day', 0);

-- Funnels: view, cart, purchase, within a week.
TRUNCATE interact_view, interact_purchase, interact_event;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES
    (1, 1, '2024-05-01 10:00'),     -- goes all the way
    (1, 2, '2024-05-01 10:00'),     -- views only
    (2, 1, '2024-05-01 10:00'),     -- puts another item into the cart
    (3, 1, '2024-05-01 10:00'),     -- everything at the same moment
    (4, 1, '2024-05-01 10:00'),     -- cart before view
    (5, 1, '2024-05-01 10:00'),     -- buys exactly a week after
    (6, 1, '2024-05-01 10:00'),     -- buys a microsecond later
    (7, 1, '2024-05-01 10:00'),     -- too late from the first view,
    (7, 1, '2024-05-10 10:00'),     -- in time from the second
    (8, 1, '2024-05-01 10:00'),     -- buys without a cart
    (10, 1, '2024-05-01 10:00'),    -- buys before the cart, and then again
    (11, 1, '2024-05-01 10:00');    -- takes it out of the cart
INSERT INTO interact_cart_item (user_id, item_id, added_at, removed_at, purchased_at) VALUES
    (1, 1, '2024-05-02 10:00', NULL, '2024-05-03 10:00'),
    (2, 2, '2024-05-02 10:00', NULL, NULL),
    (3, 1, '2024-05-01 10:00', NULL, NULL),
    (4, 1, '2024-05-01 09:59:59.999999', NULL, NULL),
    (5, 1, '2024-05-02 10:00', NULL, NULL),
    (6, 1, '2024-05-02 10:00', NULL, NULL),
    (7, 1, '2024-05-11 10:00', NULL, NULL),
    (9, 1, '2024-05-02 10:00', NULL, NULL),
    (10, 1, '2024-05-03 10:00', NULL, NULL),
    (11, 1, '2024-05-02 10:00', '2024-05-02 11:00', NULL);
INSERT INTO interact_purchase (user_id, item_id, purchased_at) VALUES
    (1, 1, '2024-05-03 10:00'), (1, 1, '2024-05-04 10:00'), (3, 1, '2024-05-01 10:00'),
    (4, 1, '2024-05-02 10:00'), (5, 1, '2024-05-08 10:00'), (6, 1, '2024-05-08 10:00:00.000001'),
    (7, 1, '2024-05-17 10:00'), (8, 1, '2024-05-02 10:00'), (9, 1, '2024-05-03 10:00'),
    (10, 1, '2024-05-02 10:00'), (10, 1, '2024-05-04 10:00');
-- Viewed: 11 pairs of 10 users. Cart: 1, 3, 5, 6, 7, 10. Bought: 1, 3, 5, 7, 10.
SELECT * FROM interact_funnel('{view,cart,purchase}', '2024-05-01', '2024-06-01');
SELECT * FROM interact_funnel('{view,cart,purchase}', '2024-05-01', '2024-06-01', '1 day');
SELECT * FROM interact_funnel('{view,cart,purchase}', '2024-05-01', '2024-06-01', '1 microsecond');
-- Within any time: 6 as well.
SELECT * FROM interact_funnel('{view,cart,purchase}', '2024-05-01', '2024-06-01', NULL);
-- Any item: user 2 puts one into the cart, too.
SELECT * FROM interact_funnel('{view,cart,purchase}', '2024-05-01', '2024-06-01', by_item => false);
-- Other steps: view and purchase without a cart; one step; another order; 4, 9
-- and 10 in the end.
SELECT * FROM interact_funnel('{view,purchase}', '2024-05-01', '2024-06-01');
SELECT * FROM interact_funnel('{purchase}', '2024-05-01', '2024-06-01');
SELECT * FROM interact_funnel('{cart,view}', '2024-05-01', '2024-06-01');
SELECT * FROM interact_funnel('{cart,view,purchase}', '2024-05-01', '2024-06-01');
SELECT * FROM interact_funnel('{like,view}', '2024-05-01', '2024-06-01');
-- All steps are in the range: from_time is part of it, to_time is not.
SELECT * FROM interact_funnel('{view,cart,purchase}', '2024-05-01 10:00', '2024-05-03 10:00');
SELECT * FROM interact_funnel('{view,cart,purchase}', '2024-05-01 10:00', '2024-05-03 10:00:00.000001');
SELECT * FROM interact_funnel('{view,cart,purchase}', '2024-05-01 10:00:00.000001', '2024-06-01');
SELECT * FROM interact_funnel('{view,cart}', '2024-05-01', '2024-05-01');
-- Reactions and custom events are steps like any other.
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at) VALUES
    (1, 1, 'love', '2024-05-01 12:00'), (2, 1, 'like', '2024-05-01 12:00'), (5, 1, 'love', '2024-05-01 09:00');
INSERT INTO interact_review (user_id, item_id, rating, created_at, updated_at) VALUES
    (1, 1, 5, '2024-05-01 09:00', '2024-05-05'), (2, 1, 5, '2024-05-01 11:00', '2024-05-01 11:00');
INSERT INTO interact_favorite (user_id, item_id, created_at) VALUES
    (1, 1, '2024-05-05 10:00'), (1, 2, '2024-05-05 10:00');
INSERT INTO interact_event (user_id, item_id, event, occurred_at) VALUES
    (1, 1, 'share', '2024-05-05 12:00'), (1, 1, 'play', '2024-05-01 13:00'), (1, 1, 'play', '2024-05-06'),
    (2, 1, 'share', '2024-05-01 13:00');
SELECT * FROM interact_funnel('{view,love,rating,favorite,share,play}', '2024-05-01', '2024-06-01');
SELECT * FROM interact_funnel('{view,rating,like,share}', '2024-05-01', '2024-06-01');
SELECT interact_define_event('e' || i) IS NOT NULL AS defined FROM generate_series(1, 3) i;
SELECT count(*), sum(reached) FROM interact_funnel('{view,favorite,cart,purchase,rating,like,dislike,e1,e2,e3}', '2024-05-01', '2024-06-01');
SELECT * FROM interact_funnel(NULL);
SELECT * FROM interact_funnel('{}');
SELECT * FROM interact_funnel('{view,NULL}');
SELECT * FROM interact_funnel('{{view,cart},{like,share}}');
SELECT * FROM interact_funnel('{view,nonsense}');
SELECT * FROM interact_funnel('{view,cart,view}');
SELECT * FROM interact_funnel('{view,favorite,cart,purchase,rating,like,dislike,e1,e2,e3,share}');
SELECT * FROM interact_funnel(array_fill('view'::text, ARRAY[100000]));
SELECT * FROM interact_funnel('{view}', '2024-05-02', '2024-05-01');
SELECT * FROM interact_funnel('{view}', '-infinity');
SELECT * FROM interact_funnel('{view}', '2024-05-02', 'infinity');
SELECT * FROM interact_funnel(within => '0');
SELECT * FROM interact_funnel(within => '-1 day');
SELECT * FROM interact_funnel(within => '36525 days 1 microsecond');
SELECT count(*) FROM interact_funnel(within => '36525 days');
SELECT * FROM interact_funnel(by_item => NULL);

-- Abandoned carts: the latest first.
TRUNCATE interact_cart_item;
INSERT INTO interact_cart_item (id, user_id, item_id, quantity, added_at, removed_at, purchased_at) VALUES
    (101, 1, 11, 1, '2024-05-01 10:00', NULL, NULL),
    (102, 1, 12, 3, '2024-05-02 10:00', NULL, NULL),
    (103, 1, 13, 1, '2024-05-05 10:00', '2024-05-05 11:00', NULL),  -- taken out
    (104, 2, 11, 1, '2024-05-03 10:00', NULL, NULL),
    (105, 3, 11, 1, '2024-05-03 10:00', NULL, '2024-05-04 10:00'),  -- bought
    (106, 4, 11, 2, '2024-05-02 10:00', NULL, NULL),
    (107, 4, 12, 1, '2024-05-02 10:00', NULL, NULL),
    (108, 5, 11, 1, '2024-05-04 10:00', NULL, NULL);
-- User 5 added something a moment ago.
INSERT INTO interact_cart_item (id, user_id, item_id) VALUES (109, 5, 12);
SELECT * FROM interact_abandoned_carts();
SELECT * FROM interact_abandoned_carts(max_items => 2);
SELECT * FROM interact_abandoned_carts('1 day', 2, '2024-05-02 10:00', 107);
SELECT * FROM interact_abandoned_carts('1 day', 2, '2024-05-02 10:00', 102);
SELECT * FROM interact_abandoned_carts('1 day', 2, '2024-05-02 10:00', 103);
SELECT * FROM interact_abandoned_carts(max_items => 0);
SELECT user_id FROM interact_abandoned_carts(before => '2024-05-03 10:00');
SELECT user_id FROM interact_abandoned_carts(before => 'infinity');
SELECT user_id FROM interact_abandoned_carts(before => '-infinity', before_id => 1);
SELECT user_id FROM interact_abandoned_carts(now() - '2024-05-02 12:00'::timestamptz);
-- Older than a microsecond is everything; item_ids of user 5, the latest first.
SELECT user_id, last_id, items, units, item_ids FROM interact_abandoned_carts('1 microsecond', 1);
-- A session of one user gets the user's own.
SET interact.user_id = '4';
SELECT * FROM interact_abandoned_carts();
SET interact.user_id = '3';
SELECT * FROM interact_abandoned_carts();
SET interact.user_id = '';
SELECT count(*) FROM interact_abandoned_carts();
RESET interact.user_id;
SELECT * FROM interact_abandoned_carts(NULL);
SELECT * FROM interact_abandoned_carts('0');
SELECT * FROM interact_abandoned_carts('-1 day');
SELECT * FROM interact_abandoned_carts('36525 days 1 microsecond');
SELECT count(*) FROM interact_abandoned_carts('36525 days');
SELECT * FROM interact_abandoned_carts('1 month -30 days');
SELECT * FROM interact_abandoned_carts(max_items => NULL);
SELECT * FROM interact_abandoned_carts(max_items => -1);
SELECT * FROM interact_abandoned_carts(max_items => 1001);
SELECT * FROM interact_abandoned_carts(before_id => 5);

SELECT * FROM interact_check();
DROP EXTENSION interact;
