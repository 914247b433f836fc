-- Forgetting users and items, exporting a user, following the application's
-- deletes.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
\set VERBOSITY default
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SELECT interact_define_event('play');

-- One row of each kind for the pair, at a time that depends on the item.
CREATE FUNCTION fill(u bigint, i bigint) RETURNS void LANGUAGE sql AS $$
    WITH t AS (SELECT timestamptz '2024-01-01' + make_interval(days => abs(i)::integer % 100) AS at),
    a AS (INSERT INTO interact_view (user_id, item_id, viewed_at, context) SELECT u, i, at, '{"page": "home"}' FROM t),
    b AS (INSERT INTO interact_favorite (user_id, item_id, created_at) SELECT u, i, at FROM t),
    c AS (INSERT INTO interact_review (user_id, item_id, rating, comment, created_at, updated_at) SELECT u, i, 4, 'fine', at, at FROM t),
    d AS (INSERT INTO interact_reaction (user_id, item_id, reaction, created_at) SELECT u, i, 'like', at FROM t),
    e AS (INSERT INTO interact_cart_item (user_id, item_id, added_at) SELECT u, i, at FROM t),
    f AS (INSERT INTO interact_cart_item (user_id, item_id, added_at, removed_at) SELECT u, i, at, at FROM t),
    g AS (INSERT INTO interact_purchase (user_id, item_id, unit_price, order_id, purchased_at) SELECT u, i, 10, 'order', at FROM t)
    INSERT INTO interact_event (user_id, item_id, event, value, occurred_at) SELECT u, i, 'play', 3, at FROM t $$;
-- What is left of an id anywhere in the extension's tables, in any column that
-- is called like it.
CREATE FUNCTION traces(column_like text, id bigint) RETURNS TABLE (place text, n bigint) LANGUAGE plpgsql AS $$
DECLARE c record;
BEGIN
    FOR c IN SELECT a.attrelid::regclass AS rel, a.attname
               FROM pg_depend AS d JOIN pg_class AS r ON d.classid = 'pg_class'::regclass AND d.objid = r.oid
               JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attnum > 0 AND a.atttypid = 'bigint'::regtype
              WHERE d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'interact')
                AND d.deptype = 'e' AND r.relkind = 'r'
                AND (a.attname LIKE column_like OR (r.relname = 'interact_key' AND a.attname = 'id'))
              ORDER BY 1, 2
    LOOP
        EXECUTE format('SELECT %L, count(*) FROM %s WHERE %I = $1 HAVING count(*) > 0', c.rel || '.' || c.attname, c.rel, c.attname)
           INTO place, n USING id;
        IF place IS NOT NULL THEN RETURN NEXT; END IF;
    END LOOP;
END $$;

-- Users 1 and 2, items 10 and 11, and a user and an item with keys, ids -1, -2.
SELECT interact_user_id('ann'), interact_item_id('sku-1');
SELECT count(fill(u, i)) FROM (VALUES (1, 10), (1, 11), (2, 10), (2, 11), (-1, 10), (-1, -2), (1, -2)) AS p (u, i);
INSERT INTO interact_friend (user_id, friend_id, created_at) VALUES (1, 2, '2024-01-01'), (2, 1, '2024-01-01'), (-1, 1, '2024-01-01'), (2, -1, '2024-01-01');
INSERT INTO interact_pruned (item_id, event, count) VALUES (10, 'view', 100), (-2, 'view', 100);
-- The test's eyes are open.
SELECT * FROM traces('%\_id', -1);
SELECT * FROM traces('item_id', -2);

-- Export: everything of the user.
SELECT jsonb_pretty(interact_export_user(-1));
SELECT jsonb_pretty(interact_export_user(999));
SELECT interact_export_user(NULL);
-- Every base table with a user is in it.
SELECT c.relname
  FROM pg_class AS c JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'user_id'
  JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
 WHERE c.relkind = 'r' AND c.relname <> 'interact_affinity'
   AND NOT interact_export_user(1) ? replace(c.relname, 'interact_', '')
   AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'interact');

-- Forget a user: nothing is left, the others are untouched.
SELECT interact_forget_user(-1) AS rows;
SELECT * FROM traces('%\_id', -1);
SELECT item_id, sum(count) AS count, max(users) AS users FROM interact_counter GROUP BY item_id ORDER BY item_id;
SELECT user_id, friend_id FROM interact_friend ORDER BY 1, 2;
SELECT * FROM interact_check();
SELECT interact_forget_user(-1) AS again, interact_forget_user(999) AS unknown;
-- A key that was forgotten gets another id.
SELECT interact_find_user_id('ann') AS forgotten, interact_user_id('ann') AS new;

-- Forget an item, counters and carry-over included.
SELECT interact_forget_item(-2) AS rows;
SELECT * FROM traces('item_id', -2);
SELECT interact_forget_item(10) AS rows;
SELECT * FROM traces('item_id', 10);
SELECT item_id, event, count, users FROM interact_counter ORDER BY item_id, event;
SELECT count(*) FROM interact_item_stats WHERE item_id = 10;
SELECT * FROM interact_check();
SELECT interact_forget_item(10) AS again, interact_forget_item(999) AS unknown;

SELECT interact_forget_user(NULL);
SELECT interact_forget_item(NULL);
-- Ids of users and items are apart: item 1 was none of user 1's.
SELECT interact_forget_item(1) AS rows;
BEGIN;
SELECT interact_forget_user(1) AS rows;
ROLLBACK;
SELECT count(*) FROM interact_view WHERE user_id = 1;
-- All of one transaction's own rows, and with one snapshot.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT fill(3, 12);
SELECT interact_forget_user(3) AS rows;
SELECT * FROM traces('%\_id', 3);
SELECT * FROM traces('item_id', 12);
COMMIT;
-- A restricted session forgets and exports its own user only.
SET interact.user_id = '2';
SELECT interact_forget_user(1);
SELECT interact_export_user(1);
SELECT interact_export_user(2) ->> 'user_id' AS own;
RESET interact.user_id;
-- Statements use indexes, also for items.
SET enable_seqscan = off;
CREATE FUNCTION seq_scans(column_name text, tables text[]) RETURNS TABLE (scan text) LANGUAGE plpgsql AS $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY tables LOOP
        FOR scan IN EXECUTE format('EXPLAIN (COSTS OFF) DELETE FROM interact_%s WHERE %I = ANY (''{1,2}''::bigint[])', t, column_name) LOOP
            IF scan LIKE '%Seq Scan%' THEN RETURN NEXT; END IF;
        END LOOP;
    END LOOP;
END $$;
SELECT * FROM seq_scans('item_id', '{view,favorite,review,reaction,purchase,event,pruned}');
SELECT * FROM seq_scans('user_id', '{view,favorite,review,reaction,cart_item,purchase,event,friend}');
SELECT * FROM seq_scans('friend_id', '{friend}');
EXPLAIN (COSTS OFF) DELETE FROM interact_cart_item WHERE item_id = ANY ('{1,2}'::bigint[]) AND removed_at IS NULL;
EXPLAIN (COSTS OFF) DELETE FROM interact_cart_item WHERE item_id = ANY ('{1,2}'::bigint[]) AND removed_at IS NOT NULL;
RESET enable_seqscan;
DROP FUNCTION seq_scans;

-- Following the application's tables: a product with an integer key.
CREATE TABLE product (id integer PRIMARY KEY, name text);
CREATE TABLE variant (sku text PRIMARY KEY, product integer REFERENCES product ON DELETE CASCADE);
CREATE TABLE account (id uuid PRIMARY KEY, login varchar(20) UNIQUE);
INSERT INTO product SELECT n, 'product ' || n FROM generate_series(20, 29) AS n;
INSERT INTO variant SELECT 'sku-' || n, n FROM generate_series(20, 29) AS n;
INSERT INTO account VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', 'bob'), ('b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', NULL);
SELECT interact_follow_deletes('product', 'id', 'item');
SELECT interact_follow_deletes(table_name => 'variant', key_column => 'sku', kind => 'item');
SELECT interact_follow_deletes('account', 'id', 'user');
SELECT tgrelid::regclass AS "table", pg_get_triggerdef(oid) FROM pg_trigger
 WHERE tgname LIKE 'interact\_forget%' ORDER BY tgrelid::regclass::text, tgname;
SELECT count(fill(u, i)) FROM (VALUES (1, 20), (1, 21), (1, 22), (1, 23), (1, 24), (1, 25)) AS p (u, i);
SELECT count(fill(interact_user_id('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'), interact_item_id('sku-20')));
SELECT count(fill(interact_user_id('b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), interact_item_id('sku-21')));
CREATE VIEW known AS
SELECT (SELECT string_agg(DISTINCT item_id::text, ' ') FROM interact_fact WHERE item_id BETWEEN 20 AND 29) AS products,
       (SELECT string_agg(left(key, 8), ' ' ORDER BY key) FROM interact_key WHERE key <> 'ann') AS keys,
       (SELECT count(*) FROM interact_fact WHERE user_id < 0 OR item_id < 0) AS rows_of_keys;
TABLE known;
DELETE FROM product WHERE id IN (20, 22);
TABLE known;
-- rolled back with the statement
BEGIN;
DELETE FROM account;
TABLE known;
ROLLBACK;
TABLE known;
DELETE FROM account WHERE id = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11';
DELETE FROM account WHERE id = 'c0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11';
TABLE known;
SELECT * FROM interact_check();
-- MERGE deletes, TRUNCATE with what cascades
MERGE INTO product AS p USING (VALUES (21)) AS gone (id) ON p.id = gone.id WHEN MATCHED THEN DELETE;
TABLE known;
SELECT count(fill(1, interact_item_id('sku-29')));
TRUNCATE product CASCADE;
TABLE known;
SELECT * FROM interact_check();
-- An update deletes nothing.
UPDATE account SET login = 'carl';
TABLE known;
-- More than are forgotten with one statement.
INSERT INTO variant SELECT 'many-' || n FROM generate_series(1, 2500) AS n;
SELECT count(interact_record_view(1, id)) FROM unnest(interact_item_ids((SELECT array_agg(sku) FROM variant))) AS id;
DELETE FROM variant WHERE sku LIKE '%1';
SELECT count(*) AS views, (SELECT count(*) FROM interact_key WHERE key LIKE 'many%') AS keys FROM interact_view WHERE item_id < 0;
TRUNCATE variant;
SELECT count(*) AS views, (SELECT count(*) FROM interact_key WHERE key LIKE 'many%') AS keys FROM interact_view WHERE item_id < 0;
SELECT * FROM interact_check();

-- A second call replaces the first; after a rename it is needed.
ALTER TABLE account RENAME COLUMN id TO account_id;
DELETE FROM account;
SELECT interact_follow_deletes('account', 'account_id', 'user');
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'account'::regclass AND NOT tgisinternal;
DELETE FROM account;
TABLE known;
-- Both kinds on one table, a partitioned table, names that need quotes.
CREATE TABLE "Odd ""t'able" ("k'ey" bigint UNIQUE, part integer);
SELECT interact_follow_deletes('"Odd ""t''able"', 'k''ey', 'item'), interact_follow_deletes('"Odd ""t''able"', 'k''ey', 'user');
INSERT INTO "Odd ""t'able" VALUES (5, 1), (NULL, 1);
SELECT count(fill(5, 5)), count(fill(5, 6)), count(fill(6, 5)), count(fill(6, 6));
DELETE FROM "Odd ""t'able";
SELECT DISTINCT user_id, item_id FROM interact_fact WHERE item_id IN (5, 6);
SELECT interact_unfollow_deletes('"Odd ""t''able"') AS had, interact_unfollow_deletes('"Odd ""t''able"') AS has;
DROP TABLE "Odd ""t'able";
CREATE TABLE parted (id bigint PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (8);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (8) TO (100);
SELECT interact_follow_deletes('parted', 'id', 'item');
INSERT INTO parted VALUES (6), (7), (8);
SELECT count(fill(6, 7)), count(fill(6, 8));
DELETE FROM parted WHERE id = 7;
SELECT DISTINCT item_id FROM interact_fact WHERE user_id = 6 ORDER BY 1;
TRUNCATE parted;
SELECT DISTINCT item_id FROM interact_fact WHERE user_id = 6 ORDER BY 1;
DROP TABLE parted;
-- TRUNCATE of a table whose rows came after the snapshot is in the isolation
-- test. Here: a transaction that truncates what it has just inserted.
CREATE TABLE short (id smallint PRIMARY KEY);
SELECT interact_follow_deletes('short', 'id', 'user');
BEGIN ISOLATION LEVEL REPEATABLE READ;
INSERT INTO short VALUES (8);
SELECT fill(8, 50);
TRUNCATE short;
SELECT * FROM traces('%\_id', 8);
COMMIT;
DROP TABLE short;

-- What cannot be followed.
CREATE VIEW seen AS SELECT 1 AS id;
CREATE TABLE plain (id bigint, part bigint, num numeric UNIQUE, day date PRIMARY KEY, late bigint UNIQUE DEFERRABLE);
CREATE UNIQUE INDEX ON plain (id, part);
CREATE UNIQUE INDEX ON plain (part) WHERE part > 0;
SELECT interact_follow_deletes(NULL, 'id', 'item');
SELECT interact_follow_deletes('product', NULL, 'item');
SELECT interact_follow_deletes('product', 'id', NULL);
SELECT interact_follow_deletes('product', 'id', 'thing');
SELECT interact_follow_deletes('nosuch', 'id', 'item');
SELECT interact_follow_deletes(0, 'id', 'item');
SELECT interact_follow_deletes('seen', 'id', 'item');
SELECT interact_follow_deletes('product', 'nosuch', 'item');
SELECT interact_follow_deletes('product', 'ctid', 'item');
SELECT interact_follow_deletes('plain', 'num', 'item');
SELECT interact_follow_deletes('plain', 'day', 'item');
SELECT interact_follow_deletes('plain', 'id', 'item');
SELECT interact_follow_deletes('plain', 'part', 'item');
SELECT interact_follow_deletes('plain', 'late', 'item');
SELECT interact_follow_deletes('interact_view', 'id', 'item');
SELECT interact_unfollow_deletes(NULL);
SELECT interact_unfollow_deletes('seen');
SELECT interact_unfollow_deletes('plain') AS was_followed;
-- The trigger function by hand.
SELECT interact_forget_deleted();
CREATE TRIGGER t AFTER DELETE ON plain FOR EACH ROW EXECUTE FUNCTION interact_forget_deleted('item', 'id');
INSERT INTO plain (id, day) VALUES (1, '2024-01-01');
DELETE FROM plain;
DROP TRIGGER t ON plain;
CREATE TRIGGER t AFTER DELETE ON plain FOR EACH STATEMENT EXECUTE FUNCTION interact_forget_deleted('item', 'id');
DELETE FROM plain;
DROP TRIGGER t ON plain;
CREATE TRIGGER t AFTER DELETE ON plain REFERENCING OLD TABLE AS o FOR EACH STATEMENT EXECUTE FUNCTION interact_forget_deleted('thing', 'id');
DELETE FROM plain;
DROP TRIGGER t ON plain;
CREATE TRIGGER t BEFORE TRUNCATE ON plain FOR EACH STATEMENT EXECUTE FUNCTION interact_forget_deleted('item');
TRUNCATE plain;
DROP TABLE plain;
DROP VIEW seen;

-- Whose rights. The shop's role may delete products and nothing of ours; the
-- forgetting happens all the same. It cannot use the trigger for anything else.
CREATE ROLE regress_interact_shop;
CREATE ROLE regress_interact_privacy;
SELECT interact_grant('regress_interact_privacy', 'admin');
CREATE SCHEMA AUTHORIZATION regress_interact_shop;
INSERT INTO product VALUES (30), (31), (32);
SELECT count(fill(1, 30)), count(fill(1, 31)), count(fill(1, 32));
GRANT SELECT, DELETE ON product TO regress_interact_shop;
SET ROLE regress_interact_shop;
SET search_path = regress_interact_shop, public;
DELETE FROM product WHERE id = 30;
-- objects of its own in the search_path do not come in
CREATE TABLE interact_view (user_id bigint, item_id bigint);
INSERT INTO interact_view VALUES (1, 31);
CREATE FUNCTION regress_interact_shop.eq(bigint, bigint) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''as %'', current_user; END';
CREATE OPERATOR regress_interact_shop.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = regress_interact_shop.eq);
DELETE FROM product WHERE id OPERATOR(pg_catalog.=) 31;
SELECT count(*) FROM interact_view;
DELETE FROM public.interact_view;
SELECT interact_forget_item(32);
SELECT interact_follow_deletes('interact_view', 'item_id', 'item');
CREATE TRIGGER t AFTER DELETE ON interact_view REFERENCING OLD TABLE AS o
    FOR EACH STATEMENT EXECUTE FUNCTION interact_forget_deleted('item', 'item_id');
RESET ROLE;
-- admin follows only tables it owns
SET ROLE regress_interact_privacy;
SET search_path = public;
SELECT interact_follow_deletes('product', 'id', 'item');
SELECT interact_unfollow_deletes('product');
SELECT interact_forget_item(32) AS rows;
CREATE TEMP TABLE own (id bigint PRIMARY KEY);
SELECT interact_follow_deletes('own', 'id', 'item');
INSERT INTO own VALUES (11);
DELETE FROM own;
DROP TABLE own;
RESET ROLE;
RESET search_path;
SELECT DISTINCT item_id FROM interact_fact WHERE item_id BETWEEN 0 AND 99 ORDER BY 1;
SELECT * FROM interact_check();
DROP OWNED BY regress_interact_shop, regress_interact_privacy;
DROP ROLE regress_interact_shop, regress_interact_privacy;

-- DROP EXTENSION takes the triggers along, without CASCADE, and the tables
-- work on.
DROP VIEW known;
DROP EXTENSION interact;
SELECT tgname FROM pg_trigger WHERE tgrelid IN ('product'::regclass, 'variant'::regclass, 'account'::regclass) AND NOT tgisinternal;
DELETE FROM account;
TRUNCATE product CASCADE;
DROP TABLE product, variant, account;
DROP FUNCTION fill, traces;
