-- Pruning the log of views, and interact_status().
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
SET timezone = 'UTC';
\set SHOW_CONTEXT never

-- Nothing to prune.
CALL interact_prune_views('2024-01-01');

-- Item 10: five old views by two users, one of them with a purchase as well,
-- and a new one; item 20: old ones only; item 30: new ones only.
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 1 + i % 2, 10, '2024-03-01'::timestamptz + i * interval '1 hour' FROM generate_series(1, 5) AS i
UNION ALL
SELECT 1, 10, '2024-06-01'
UNION ALL
SELECT 3, 20, '2024-03-01'::timestamptz + i * interval '1 hour' FROM generate_series(1, 3) AS i
UNION ALL
SELECT 4, 30, '2024-06-02'::timestamptz + i * interval '1 hour' FROM generate_series(1, 3) AS i;
INSERT INTO interact_purchase (user_id, item_id, purchased_at) VALUES (2, 10, '2024-03-02');
SELECT item_id, views, viewers, buyers, last_activity FROM interact_item_stats ORDER BY item_id;

-- The bound itself stays. Batches of two; the argument pruned is not read.
CALL interact_prune_views('2024-03-01 01:00');
CALL interact_prune_views('2024-03-01 02:00', 2);
SELECT item_id, event, count, total FROM interact_pruned ORDER BY item_id, event;
CALL interact_prune_views(before => '2024-05-01', batch => 2, pruned => 77);
SELECT item_id, event, count, total FROM interact_pruned ORDER BY item_id, event;
CALL interact_prune_views('2024-05-01');
SELECT item_id, views, viewers, buyers, last_activity FROM interact_item_stats ORDER BY item_id;
SELECT user_id, item_id FROM interact_affinity ORDER BY 1, 2;
SELECT item_id, count FROM interact_popular(event => 'view');
SELECT * FROM interact_check();

-- Inside a transaction it is part of it.
BEGIN;
CALL interact_prune_views('2024-06-02', 1);
SELECT count(*) FROM interact_view;
SELECT item_id, views, viewers FROM interact_item_stats ORDER BY item_id;
SELECT * FROM interact_check();
ROLLBACK;
SELECT count(*) FROM interact_view;
DO $$
DECLARE
    n bigint;
BEGIN
    CALL interact_prune_views('2024-06-02', 1, n);
    RAISE WARNING '% pruned', n;
END $$;
CREATE FUNCTION prune() RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    n bigint;
BEGIN
    CALL interact_prune_views('2024-06-02 02:00', 1, n);
    RETURN n;
END $$;
SELECT prune();
DROP FUNCTION prune();
SELECT item_id, count FROM interact_pruned ORDER BY item_id;

-- Batches are committed one by one: what comes before an error stays, and
-- calling it again goes on.
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 5, 40 + i, '2024-03-01' FROM generate_series(0, 9) AS i;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.item_id = 47 THEN
        RAISE EXCEPTION 'not 47';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON interact_pruned FOR EACH ROW EXECUTE FUNCTION refuse();
CALL interact_prune_views('2024-05-01', 3);
SELECT count(*) AS left FROM interact_view WHERE item_id BETWEEN 40 AND 49;
SELECT sum(views) AS views FROM interact_item_stats WHERE item_id BETWEEN 40 AND 49;
SELECT * FROM interact_check();
DROP TRIGGER refuse ON interact_pruned;
DROP FUNCTION refuse();
CALL interact_prune_views('2024-05-01', 3);
SELECT sum(views) AS views FROM interact_item_stats WHERE item_id BETWEEN 40 AND 49;
SELECT count(*) FROM interact_pruned WHERE item_id BETWEEN 40 AND 49;
SELECT * FROM interact_check();

-- Bad input.
CALL interact_prune_views(NULL);
CALL interact_prune_views('infinity');
CALL interact_prune_views('-infinity');
CALL interact_prune_views(now() + interval '1 minute');
CALL interact_prune_views('2024-05-01', NULL);
CALL interact_prune_views('2024-05-01', 0);
CALL interact_prune_views('2024-05-01', 1000001);
BEGIN READ ONLY;
CALL interact_prune_views('2024-05-01');
ROLLBACK;

-- Rights: the capability admin, no other.
CREATE ROLE regress_prune;
SELECT interact_grant('regress_prune', 'read'), interact_grant('regress_prune', 'write');
SET ROLE regress_prune;
CALL interact_prune_views('2024-05-01');
SELECT count(*) FROM interact_status();
RESET ROLE;
SELECT interact_revoke('regress_prune', 'read'), interact_revoke('regress_prune', 'write'), interact_grant('regress_prune', 'admin');
SET ROLE regress_prune;
CALL interact_prune_views('2024-06-02 02:00');
CALL interact_prune_views('2024-07-01');
SELECT count(*) > 15 AS rows FROM interact_status();
RESET ROLE;
SELECT interact_revoke('regress_prune', 'admin');
SET ROLE regress_prune;
CALL interact_prune_views('2024-05-01');
RESET ROLE;
DROP OWNED BY regress_prune;
DROP ROLE regress_prune;

-- What interact_status() says of an empty database.
DROP EXTENSION interact;
CREATE EXTENSION interact;
SELECT area, name, "rows", value, advice FROM interact_status() WHERE area <> 'table';
SELECT name, "rows", bytes > 0 AS bytes FROM interact_status() WHERE area = 'table' AND name LIKE 'interact_view';

-- Of tables that were analyzed; a third of the views is older than two years.
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 1 + i % 1000, 1 + i % 100, now() - i * interval '3 years' / 12000 FROM generate_series(1, 12000) AS i;
INSERT INTO interact_purchase (user_id, item_id, purchased_at) VALUES (1, 1, '2010-01-01'), (1, 1, now() - interval '1 day');
SELECT advice FROM interact_status() WHERE name = 'interact_view';
VACUUM (ANALYZE) interact_view;
VACUUM (ANALYZE) interact_purchase;
VACUUM (ANALYZE) interact_affinity;
VACUUM (ANALYZE) interact_counter;
SELECT interact_set('neighbours', '300'), interact_define_event('share'), interact_define_event('view', 0.5);
SELECT name, "rows", bytes > 50000 AS bytes, value ~ '^\d+ % all-visible$' AS visible, advice FROM interact_status()
 WHERE area = 'table' AND name IN ('interact_view', 'interact_affinity', 'interact_counter', 'interact_purchase')
 ORDER BY name;
SELECT area, name, "rows", value, advice FROM interact_status() WHERE area IN ('rows per key', 'setting', 'event type');
SELECT name, value::timestamptz BETWEEN now() - interval '1 day' AND now() AS newest, value::timestamptz = '2010-01-01' AS oldest
  FROM interact_status() WHERE area = 'time' ORDER BY name;
SELECT "rows" BETWEEN 3800 AND 4200 AS rows, bytes > 0 AS bytes, value, advice FROM interact_status() WHERE area = 'pruning';
-- Keys in several rows.
INSERT INTO interact_counter (item_id, id, count, users, units, hot, hot_level, count_level, event, total)
SELECT item_id, n, 0, 0, 0, '-infinity', -2147483648, -1, event, 0 FROM interact_counter, generate_series(1, 2) AS n;
SELECT name, "rows", value, advice FROM interact_status() WHERE area = 'rows per key';
SELECT interact_compact();
SELECT name, "rows", value, advice FROM interact_status() WHERE area = 'rows per key';
-- Indexes that take much more room than their entries need.
INSERT INTO interact_view (user_id, item_id)
SELECT u, i FROM generate_series(10001, 12800) AS u, generate_series(1001, 1020) AS i;
VACUUM (ANALYZE) interact_affinity;
SELECT name, split_part(value, ' ', 1)::integer BETWEEN 70 AND 150 AS like_new, advice
  FROM interact_status() WHERE area = 'index' ORDER BY name;
DELETE FROM interact_view WHERE item_id BETWEEN 1001 AND 1020 AND item_id % 4 <> 0;
VACUUM (ANALYZE) interact_affinity;
SELECT name, split_part(value, ' ', 1)::integer BETWEEN 200 AND 600 AS too_large, advice
  FROM interact_status() WHERE area = 'index' ORDER BY name;
REINDEX INDEX CONCURRENTLY interact_affinity_item;
REINDEX INDEX CONCURRENTLY interact_affinity_user;
SELECT name, split_part(value, ' ', 1)::integer BETWEEN 90 AND 110 AS new, advice
  FROM interact_status() WHERE area = 'index' AND name <> 'interact_affinity_pkey' ORDER BY name;
DELETE FROM interact_view WHERE item_id BETWEEN 1001 AND 1020;
-- It writes nothing.
BEGIN READ ONLY;
SELECT count(*) > 15 AS rows FROM interact_status();
ROLLBACK;
CALL interact_prune_views(now() - interval '2 years') \gset
SELECT :pruned BETWEEN 3900 AND 4100 AS pruned;
SELECT sum(count) = :pruned AS carried_over FROM interact_pruned;
SELECT sum(views) FROM interact_item_stats;
SELECT * FROM interact_check();
DROP EXTENSION interact;
