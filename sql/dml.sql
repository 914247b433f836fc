-- Base tables by plain DML, every way there is. After each the derived rows
-- say what the base rows say.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
SET timezone = 'UTC';
\set VERBOSITY terse
SELECT interact_define_event('share') AS share, interact_define_event('wow', 1, 'reaction') AS wow;
CREATE VIEW pairs AS
SELECT user_id AS u, item_id AS i, last_at::date AS at, signals, rating AS r
FROM interact_affinity ORDER BY user_id, item_id;
CREATE VIEW counters AS
SELECT item_id AS i, event AS e, count, users, units, total
FROM interact_counter ORDER BY item_id, event, id;

-- Several rows, the same pair twice; a query; nothing at all.
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES
    (1, 10, '2024-05-01'), (1, 10, '2024-05-02'), (1, 11, '2024-05-03'), (2, 10, '2024-05-01');
INSERT INTO interact_favorite (user_id, item_id, created_at)
SELECT DISTINCT user_id, item_id, '2024-05-04'::timestamptz FROM interact_view;
INSERT INTO interact_favorite (user_id, item_id, created_at)
SELECT user_id, item_id, '2024-05-04' FROM interact_view WHERE false;
SELECT * FROM pairs;
SELECT * FROM counters;
SELECT * FROM interact_check();

-- ON CONFLICT, with and without a row that is in the way.
INSERT INTO interact_favorite (user_id, item_id, created_at) VALUES
    (1, 10, '2024-05-09'), (3, 10, '2024-05-05'), (3, 10, '2024-05-06')
ON CONFLICT DO NOTHING;
SELECT * FROM pairs WHERE u IN (1, 3);
SELECT * FROM counters WHERE e = 1;
INSERT INTO interact_review (user_id, item_id, rating, created_at, updated_at) VALUES
    (1, 10, 2, '2024-05-01', '2024-05-01'), (2, 10, 3, '2024-05-01', '2024-05-01');
INSERT INTO interact_review (user_id, item_id, rating, created_at, updated_at) VALUES
    (1, 10, 5, '2024-05-07', '2024-05-07'), (3, 10, 1, '2024-05-07', '2024-05-07'),
    (2, 10, 4, '2024-05-07', '2024-05-07')
ON CONFLICT (user_id, item_id) DO UPDATE
SET rating = EXCLUDED.rating, updated_at = EXCLUDED.updated_at
WHERE interact_review.user_id <> 2;
SELECT * FROM pairs;
SELECT * FROM counters WHERE e = 4;
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at) VALUES
    (1, 10, 'like', '2024-05-01'), (2, 10, 'dislike', '2024-05-01');
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at) VALUES
    (1, 10, 'wow', '2024-05-08'), (3, 10, 'wow', '2024-05-08')
ON CONFLICT (user_id, item_id) DO UPDATE SET reaction = EXCLUDED.reaction;
INSERT INTO interact_cart_item (user_id, item_id, quantity, added_at) VALUES
    (1, 10, 1, '2024-05-01'), (2, 10, 2, '2024-05-01');
INSERT INTO interact_cart_item (user_id, item_id, quantity, added_at) VALUES
    (1, 10, 10, '2024-05-08'), (3, 10, 20, '2024-05-08')
ON CONFLICT (user_id, item_id) WHERE removed_at IS NULL AND purchased_at IS NULL
DO UPDATE SET quantity = interact_cart_item.quantity + EXCLUDED.quantity;
INSERT INTO interact_pruned (item_id, event, count, pruned_at) VALUES (10, 'view', 5, '2024-05-01');
INSERT INTO interact_pruned (item_id, event, count, pruned_at) VALUES
    (10, 'view', 6, '2024-05-01'), (11, 'view', 7, '2024-05-01')
ON CONFLICT (item_id, event) DO UPDATE SET count = interact_pruned.count + EXCLUDED.count;
SELECT * FROM pairs;
SELECT * FROM counters;
SELECT * FROM interact_check();
-- A statement that fails half way changes nothing.
INSERT INTO interact_favorite (user_id, item_id, created_at) VALUES
    (4, 10, '2024-05-01'), (1, 10, '2024-05-01');
INSERT INTO interact_review (user_id, item_id, rating) VALUES (4, 10, 5), (5, 10, 6);
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES
    (4, 10, '2024-05-01'), (4, 11, now() + interval '2 days');
UPDATE interact_view SET viewed_at = now() + interval '2 days' WHERE user_id = 1;
SELECT count(*) FROM pairs WHERE u > 3;
SELECT * FROM interact_check();

-- COPY, into all of them.
COPY interact_view (user_id, item_id, viewed_at, context) FROM stdin;
5	20	2024-05-01 10:00	{"a": 1}
5	20	2024-05-01 11:00	\N
6	20	2024-05-01 12:00	\N
\.
COPY interact_favorite (user_id, item_id, list, created_at) FROM stdin;
5	20	a	2024-05-02
5	20	b	2024-05-03
\.
COPY interact_review (user_id, item_id, rating, updated_at) FROM stdin (FORMAT csv);
5,20,5,2024-05-04
6,20,2,2024-05-04
\.
COPY interact_reaction (user_id, item_id, reaction, created_at) FROM stdin;
5	20	wow	2024-05-05
6	20	dislike	2024-05-05
\.
COPY interact_cart_item (user_id, item_id, quantity, added_at, removed_at, purchased_at) FROM stdin;
5	20	3	2024-05-06	\N	\N
6	20	4	2024-05-06	2024-05-07	\N
6	20	5	2024-05-06	\N	2024-05-07
\.
COPY interact_purchase (user_id, item_id, quantity, unit_price, purchased_at) FROM stdin;
5	20	3	1.25	2024-05-07
6	20	1	\N	2024-05-07
\.
COPY interact_event (user_id, item_id, event, value, occurred_at) FROM stdin;
5	20	share	1.5	2024-05-08
5	20	share	\N	2024-05-09
\.
COPY interact_pruned (item_id, event, count, total, pruned_at) FROM stdin;
20	share	10	2.5	2024-05-01
\.
SELECT * FROM pairs WHERE i = 20;
SELECT * FROM counters WHERE i = 20;
SELECT * FROM interact_check();
COPY interact_view (user_id, item_id, viewed_at) FROM stdin;
7	20	2024-05-01
7	20	infinity
\.
SELECT count(*) FROM pairs WHERE u = 7;
-- COPY into a table emptied in the same transaction, frozen.
BEGIN;
TRUNCATE interact_event;
COPY interact_event (user_id, item_id, event, value, occurred_at) FROM stdin (FREEZE);
6	20	share	4	2024-05-09
\.
SELECT * FROM counters WHERE i = 20 AND e = 7;
SELECT * FROM interact_check();
ROLLBACK;
SELECT * FROM counters WHERE i = 20 AND e = 7;
SELECT * FROM interact_check();

-- UPDATE of keys, one column after the other and all at once.
UPDATE interact_view SET user_id = 8 WHERE user_id = 6;
UPDATE interact_favorite SET user_id = 8 WHERE list = 'a';
UPDATE interact_review SET user_id = user_id + 2 WHERE item_id = 20;
UPDATE interact_reaction SET user_id = 8 WHERE user_id = 6;
UPDATE interact_cart_item SET user_id = 8 WHERE item_id = 20 AND removed_at IS NULL;
UPDATE interact_purchase SET user_id = 8;
UPDATE interact_event SET user_id = 8 WHERE value IS NULL;
SELECT * FROM pairs WHERE i = 20;
SELECT * FROM counters WHERE i = 20;
SELECT * FROM interact_check();
UPDATE interact_view SET item_id = 21 WHERE item_id = 20 AND user_id = 8;
UPDATE interact_favorite SET item_id = 21 WHERE list = 'b';
UPDATE interact_review SET item_id = 21 WHERE user_id = 7;
UPDATE interact_reaction SET item_id = 21 WHERE user_id = 8;
UPDATE interact_cart_item SET item_id = 21 WHERE purchased_at IS NOT NULL;
UPDATE interact_purchase SET item_id = 21 WHERE unit_price IS NULL;
UPDATE interact_event SET item_id = 21 WHERE value = 1.5;
UPDATE interact_pruned SET item_id = 21 WHERE event = 'share';
SELECT * FROM pairs WHERE i > 19;
SELECT * FROM counters WHERE i > 19;
SELECT * FROM interact_check();
-- Times, later and earlier; what an event is; numbers.
UPDATE interact_view SET viewed_at = viewed_at + interval '20 days' WHERE item_id = 20;
UPDATE interact_review SET updated_at = '2024-01-01' WHERE user_id = 7;
UPDATE interact_reaction SET reaction = 'like', created_at = '2024-02-01';
UPDATE interact_purchase SET quantity = quantity + 1, unit_price = 2, purchased_at = '2024-05-30';
UPDATE interact_event SET value = COALESCE(value, 0) + 1;
UPDATE interact_cart_item SET quantity = quantity * 2, added_at = '2024-03-01';
UPDATE interact_pruned SET event = 'view', count = 1 WHERE item_id = 21;
SELECT * FROM pairs WHERE i > 19;
SELECT * FROM counters WHERE i > 19;
SELECT * FROM interact_check();
-- All rows change places; the same row in and out.
UPDATE interact_view SET user_id = item_id, item_id = user_id;
SELECT * FROM interact_check();
UPDATE interact_view SET user_id = item_id, item_id = user_id;
SELECT * FROM interact_check();

-- What does not matter leaves the derived rows alone: the same versions.
CREATE VIEW now_stored AS
SELECT 'pair' AS what, ctid::text AS tid, xmin::text AS tx, cmin::text AS cid FROM interact_affinity
UNION ALL SELECT 'counter', ctid::text, xmin::text, cmin::text FROM interact_counter;
CREATE TABLE versions AS SELECT * FROM now_stored;
UPDATE interact_view SET context = '{"new": true}';
UPDATE interact_view SET viewed_at = viewed_at, user_id = user_id;
UPDATE interact_favorite SET list = list || ' of mine';
UPDATE interact_review SET title = 'words', comment = 'more words', created_at = '2024-05-31';
UPDATE interact_reaction SET reaction = reaction;
UPDATE interact_cart_item SET purchased_at = '2024-05-31' WHERE removed_at IS NULL;
UPDATE interact_cart_item SET quantity = 100, added_at = '2024-01-01', user_id = 77 WHERE removed_at IS NOT NULL;
UPDATE interact_purchase SET order_id = 'A-1', unit_price = 2.00;
UPDATE interact_event SET context = '{}', value = value + 0.00;
UPDATE interact_event SET id = id + 1000;
UPDATE interact_pruned SET pruned_at = pruned_at;
UPDATE interact_view SET item_id = 0 WHERE false;
DELETE FROM interact_cart_item WHERE removed_at IS NOT NULL;
DELETE FROM interact_view WHERE false;
INSERT INTO interact_cart_item (user_id, item_id, added_at, removed_at) VALUES (9, 9, '2024-05-01', '2024-05-02');
INSERT INTO interact_friend (user_id, friend_id) VALUES (1, 2);
SELECT count(*) > 0 AS stored FROM versions;
SELECT what FROM versions
WHERE (what, tid, tx, cid) NOT IN (SELECT * FROM now_stored);
SELECT (SELECT count(*) FROM now_stored) - (SELECT count(*) FROM versions) AS more;
-- And a change that does matter is one row of each.
UPDATE interact_view SET viewed_at = '2024-06-30' WHERE user_id = 8;
SELECT what FROM versions
WHERE (what, tid, tx, cid) NOT IN (SELECT * FROM now_stored)
ORDER BY what;
SELECT * FROM interact_check();
DROP TABLE versions;
DROP VIEW now_stored;

-- Cart: removed, opened again, bought.
UPDATE interact_cart_item SET removed_at = '2024-06-01' WHERE purchased_at IS NULL;
UPDATE interact_cart_item SET purchased_at = NULL, removed_at = '2024-06-01' WHERE user_id = 1;
SELECT u, i, signals & 4 AS cart FROM pairs WHERE i IN (10, 20, 21);
SELECT * FROM counters WHERE e = 2;
UPDATE interact_cart_item SET removed_at = NULL;
SELECT * FROM counters WHERE e = 2;
SELECT * FROM interact_check();

-- DELETE: one of several rows, all of a pair, all.
DELETE FROM interact_view WHERE viewed_at = '2024-05-02';
DELETE FROM interact_view WHERE user_id = 5;
DELETE FROM interact_favorite WHERE item_id = 10;
DELETE FROM interact_reaction USING interact_review
WHERE interact_review.user_id = interact_reaction.user_id AND rating < 4;
SELECT * FROM pairs;
SELECT * FROM counters;
SELECT * FROM interact_check();
DELETE FROM interact_review;
DELETE FROM interact_event;
SELECT * FROM counters WHERE e IN (4, 7);
SELECT * FROM interact_check();

-- TRUNCATE: one table, taken back; several; all.
BEGIN;
TRUNCATE interact_purchase;
SELECT * FROM counters WHERE e = 3;
SELECT count(*) FROM pairs WHERE signals & 8 <> 0;
SELECT * FROM interact_check();
INSERT INTO interact_purchase (user_id, item_id, purchased_at) VALUES (1, 10, '2024-05-01');
SELECT * FROM counters WHERE e = 3;
SELECT * FROM interact_check();
ROLLBACK;
SELECT * FROM counters WHERE e = 3;
SELECT * FROM interact_check();
BEGIN;
SAVEPOINT a;
TRUNCATE interact_view RESTART IDENTITY;
ROLLBACK TO a;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 10, '2024-05-09');
COMMIT;
SELECT * FROM interact_check();
TRUNCATE interact_purchase;
SELECT * FROM interact_check();
TRUNCATE interact_pruned, interact_cart_item;
SELECT * FROM counters;
SELECT * FROM interact_check();
BEGIN ISOLATION LEVEL SERIALIZABLE;
INSERT INTO interact_event (user_id, item_id, event, occurred_at) VALUES (1, 10, 'share', '2024-05-09');
TRUNCATE interact_view;
SELECT * FROM counters;
SELECT * FROM interact_check();
ROLLBACK;
TRUNCATE interact_view, interact_favorite, interact_review, interact_reaction,
    interact_cart_item, interact_purchase, interact_event, interact_pruned;
SELECT (SELECT count(*) FROM interact_affinity) AS pairs, (SELECT count(*) FROM interact_counter) AS counters;
TRUNCATE interact_view;

-- MERGE: all three actions in one.
INSERT INTO interact_review (user_id, item_id, rating, updated_at) VALUES
    (1, 10, 1, '2024-05-01'), (2, 10, 2, '2024-05-01'), (3, 10, 3, '2024-05-01');
MERGE INTO interact_review r
USING (VALUES (1, 10, 5), (2, 10, NULL), (3, 10, 3), (4, 10, 4), (4, 11, 4)) AS s (user_id, item_id, rating)
ON r.user_id = s.user_id AND r.item_id = s.item_id
WHEN MATCHED AND s.rating IS NULL THEN DELETE
WHEN MATCHED AND s.rating <> r.rating THEN UPDATE SET rating = s.rating, updated_at = '2024-05-02'
WHEN MATCHED THEN DO NOTHING
WHEN NOT MATCHED THEN INSERT (user_id, item_id, rating, updated_at)
    VALUES (s.user_id, s.item_id, s.rating, '2024-05-03');
SELECT * FROM pairs;
SELECT * FROM counters;
SELECT * FROM interact_check();

-- CTEs that change two or three tables in one statement.
WITH a AS (
    INSERT INTO interact_view (user_id, item_id, viewed_at)
    VALUES (1, 10, '2024-05-04'), (9, 10, '2024-05-04') RETURNING user_id, item_id
), b AS (
    INSERT INTO interact_purchase (user_id, item_id, quantity, unit_price, purchased_at)
    SELECT user_id, item_id, 2, 3.5, '2024-05-05' FROM a RETURNING user_id, item_id
), c AS (
    DELETE FROM interact_review WHERE user_id = 4 RETURNING user_id, item_id
)
INSERT INTO interact_favorite (user_id, item_id, created_at)
SELECT user_id, item_id, '2024-05-06'::timestamptz FROM b
UNION ALL SELECT user_id, item_id, '2024-05-07' FROM c;
SELECT * FROM pairs;
SELECT * FROM counters;
SELECT * FROM interact_check();
-- Twice the same table; a row that moves from one table to the other.
WITH a AS (
    INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 10, '2024-05-07') RETURNING id
)
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 1, 10, '2024-05-08' FROM a;
SELECT * FROM counters WHERE e = 0;
WITH moved AS (DELETE FROM interact_favorite RETURNING *)
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at)
SELECT user_id, item_id, 'like', created_at FROM moved;
SELECT * FROM pairs;
SELECT * FROM interact_check();

-- Savepoints: what is rolled back never was.
BEGIN;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 10, '2024-05-09');
SAVEPOINT a;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 10, '2024-05-10'), (1, 12, '2024-05-10');
DELETE FROM interact_purchase;
SAVEPOINT b;
UPDATE interact_view SET item_id = 13;
SELECT * FROM interact_check();
ROLLBACK TO b;
SELECT * FROM interact_check();
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 10, '2024-05-11');
RELEASE b;
SELECT * FROM counters WHERE e = 0;
SELECT * FROM interact_check();
ROLLBACK TO a;
SELECT * FROM counters WHERE e IN (0, 3);
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 10, '2024-05-12');
SELECT * FROM interact_check();
COMMIT;
SELECT * FROM pairs WHERE u = 1;
SELECT * FROM counters WHERE e = 0;
SELECT * FROM interact_check();
-- In a loop with an exception block: each third fails after it wrote.
DO $$
BEGIN
    FOR i IN 1 .. 300 LOOP
        BEGIN
            INSERT INTO interact_view (user_id, item_id, viewed_at)
            VALUES (i % 7, 30 + i % 5, '2024-05-01'::timestamptz + i * interval '1 minute');
            INSERT INTO interact_favorite (user_id, item_id, created_at)
            VALUES (i % 7, 30 + i % 5, '2024-05-01');
            IF i % 3 = 0 THEN
                RAISE EXCEPTION 'no';
            END IF;
        EXCEPTION
            WHEN unique_violation THEN
                DELETE FROM interact_favorite WHERE user_id = i % 7 AND item_id = 30 + i % 5;
            WHEN raise_exception THEN
                NULL;
        END;
    END LOOP;
END $$;
SELECT count(*) AS rows, sum(count) AS count FROM counters WHERE e = 0 AND i >= 30;
SELECT count(*) FROM interact_view WHERE item_id >= 30;
SELECT count(*) - count(DISTINCT (u, i)) AS fragments FROM pairs;
SELECT count(*) - count(DISTINCT (e, i)) AS fragments FROM counters;
SELECT * FROM interact_check();
-- The same pair, in a table whose free space lies before it: the live version
-- has to be found among those of the transaction that are not.
DELETE FROM interact_view;
DELETE FROM interact_favorite;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT i, 40, '2024-05-01' FROM generate_series(100, 400) i;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 40, '2024-05-01');
DELETE FROM interact_view WHERE user_id > 1;
VACUUM interact_affinity, interact_counter;
DO $$
BEGIN
    FOR i IN 1 .. 200 LOOP
        INSERT INTO interact_view (user_id, item_id, viewed_at)
        VALUES (1, 40, '2024-05-01'::timestamptz + i * interval '1 minute');
        BEGIN
            INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 40, '2024-06-01');
            RAISE EXCEPTION 'no';
        EXCEPTION WHEN raise_exception THEN
            NULL;
        END;
    END LOOP;
END $$;
SELECT * FROM pairs WHERE i = 40;
SELECT * FROM counters WHERE i = 40;
SELECT * FROM interact_check();
TRUNCATE interact_view, interact_favorite, interact_review, interact_reaction, interact_purchase;

-- Other triggers of the same statement, before and after ours by name, see
-- all rows too.
CREATE TABLE seen (trigger text, op text, old bigint, new bigint);
CREATE FUNCTION see_insert() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO seen SELECT TG_NAME, TG_OP, NULL, sum(item_id) FROM n;
    RETURN NULL;
END $$;
CREATE FUNCTION see_update() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO seen SELECT TG_NAME, TG_OP, (SELECT sum(item_id) FROM o), sum(item_id) FROM n;
    INSERT INTO seen SELECT TG_NAME, 'again', (SELECT sum(item_id) FROM o), sum(item_id) FROM n;
    RETURN NULL;
END $$;
CREATE FUNCTION see_delete() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO seen SELECT TG_NAME, TG_OP, sum(item_id), NULL FROM o;
    RETURN NULL;
END $$;
CREATE TRIGGER a_insert AFTER INSERT ON interact_view REFERENCING NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION see_insert();
CREATE TRIGGER z_insert AFTER INSERT ON interact_view REFERENCING NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION see_insert();
CREATE TRIGGER a_update AFTER UPDATE ON interact_view REFERENCING OLD TABLE AS o NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION see_update();
CREATE TRIGGER z_update AFTER UPDATE ON interact_view REFERENCING OLD TABLE AS o NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION see_update();
CREATE TRIGGER a_delete AFTER DELETE ON interact_view REFERENCING OLD TABLE AS o
    FOR EACH STATEMENT EXECUTE FUNCTION see_delete();
CREATE TRIGGER z_delete AFTER DELETE ON interact_view REFERENCING OLD TABLE AS o
    FOR EACH STATEMENT EXECUTE FUNCTION see_delete();
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES
    (1, 1, '2024-05-01'), (1, 20, '2024-05-01'), (2, 300, '2024-05-01');
UPDATE interact_view SET item_id = item_id + 1000;
SELECT * FROM interact_check();
DELETE FROM interact_view WHERE user_id = 1;
SELECT * FROM seen ORDER BY op, trigger;
SELECT * FROM interact_check();
DROP TABLE seen;
DROP FUNCTION see_insert(), see_update(), see_delete() CASCADE;
DELETE FROM interact_view;

-- Row triggers that change rows, or refuse them, or write other base tables
-- and the same one again.
CREATE FUNCTION change_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.user_id = 13 THEN
        RETURN NULL;
    END IF;
    NEW.item_id := NEW.item_id + 1;
    RETURN NEW;
END $$;
CREATE FUNCTION follow_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (NEW.user_id, NEW.item_id, NEW.purchased_at);
    UPDATE interact_cart_item SET purchased_at = NEW.purchased_at
    WHERE user_id = NEW.user_id AND item_id = NEW.item_id;
    DELETE FROM interact_favorite WHERE user_id = NEW.user_id AND item_id = NEW.item_id;
    RETURN NULL;
END $$;
CREATE FUNCTION once_more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() = 1 THEN
        INSERT INTO interact_purchase (user_id, item_id, purchased_at)
        SELECT user_id, item_id, purchased_at + interval '1 day' FROM n;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER change_row BEFORE INSERT OR UPDATE ON interact_purchase
    FOR EACH ROW EXECUTE FUNCTION change_row();
CREATE TRIGGER follow_up AFTER INSERT ON interact_purchase
    FOR EACH ROW EXECUTE FUNCTION follow_up();
CREATE TRIGGER a_once_more AFTER INSERT ON interact_purchase REFERENCING NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION once_more();
INSERT INTO interact_favorite (user_id, item_id, created_at) VALUES (1, 11, '2024-04-01'), (2, 11, '2024-04-01');
INSERT INTO interact_cart_item (user_id, item_id, added_at) VALUES (1, 11, '2024-04-01');
INSERT INTO interact_purchase (user_id, item_id, quantity, purchased_at) VALUES
    (1, 10, 1, '2024-05-01'), (13, 10, 1, '2024-05-01'), (2, 10, 1, '2024-05-01');
SELECT * FROM pairs;
SELECT * FROM counters;
SELECT * FROM interact_check();
UPDATE interact_purchase SET quantity = 2 WHERE user_id = 1;
SELECT * FROM counters;
SELECT * FROM interact_check();
DROP FUNCTION change_row(), follow_up(), once_more() CASCADE;

-- Foreign keys of the application that cascade.
DELETE FROM interact_view;
DELETE FROM interact_favorite;
DELETE FROM interact_cart_item;
DELETE FROM interact_purchase;
CREATE TABLE app_user (id bigint PRIMARY KEY);
INSERT INTO app_user SELECT generate_series(1, 5);
ALTER TABLE interact_view ADD FOREIGN KEY (user_id) REFERENCES app_user ON DELETE CASCADE ON UPDATE CASCADE;
ALTER TABLE interact_review ADD FOREIGN KEY (user_id) REFERENCES app_user ON DELETE CASCADE ON UPDATE CASCADE;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT u, i, '2024-05-01' FROM generate_series(1, 5) u, generate_series(1, 3) i, generate_series(1, 2);
INSERT INTO interact_review (user_id, item_id, rating, updated_at)
SELECT u, 1, u, '2024-05-01' FROM generate_series(1, 5) u;
DELETE FROM app_user WHERE id IN (1, 3, 5);
SELECT * FROM counters;
SELECT * FROM interact_check();
UPDATE app_user SET id = id + 100;
SELECT * FROM pairs;
SELECT * FROM interact_check();
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (102, 1, '2024-05-01'), (104, 5, '2024-05-01');
SELECT * FROM interact_check();
TRUNCATE app_user CASCADE;
SELECT * FROM counters;
SELECT * FROM interact_check();
DROP TABLE app_user CASCADE;

-- Ids: generated, given, replaced.
INSERT INTO interact_view (id, user_id, item_id, viewed_at) VALUES (1000000, 1, 1, '2024-05-01');
INSERT INTO interact_view (id, user_id, item_id, viewed_at) VALUES (1000000, 1, 1, '2024-05-01');
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 1, '2024-05-02') RETURNING id < 1000000 AS generated;
INSERT INTO interact_view (id, user_id, item_id, viewed_at) OVERRIDING USER VALUE
VALUES (1000000, 1, 1, '2024-05-03') RETURNING id < 1000000 AS generated;
UPDATE interact_view SET id = DEFAULT WHERE id = 1000000 RETURNING id < 1000000 AS generated;
SELECT * FROM counters;
SELECT * FROM interact_check();
-- A column of the application's own; rules of visibility.
ALTER TABLE interact_view ADD COLUMN device text DEFAULT 'phone';
ALTER TABLE interact_view DROP COLUMN context;
INSERT INTO interact_view (user_id, item_id, viewed_at, device) VALUES (2, 1, '2024-05-01', 'desk');
UPDATE interact_view SET device = 'watch', item_id = 2 WHERE device = 'phone';
SELECT * FROM counters;
SELECT * FROM interact_check();
BEGIN;
DECLARE c CURSOR FOR SELECT user_id FROM interact_view ORDER BY id FOR UPDATE;
MOVE 1 IN c;
UPDATE interact_view SET user_id = 3 WHERE CURRENT OF c;
MOVE 1 IN c;
DELETE FROM interact_view WHERE CURRENT OF c;
COMMIT;
SELECT * FROM pairs;
SELECT * FROM interact_check();
DELETE FROM interact_view;

-- A replica derives nothing by itself; a rebuild does.
SET session_replication_role = replica;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 10, '2024-05-01'), (2, 10, '2024-05-02');
SET session_replication_role = origin;
SELECT * FROM pairs;
SELECT what, user_id, item_id, event, actual FROM interact_check() ORDER BY 1, 2, 3, 4;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (2, 10, '2024-05-03'), (3, 10, '2024-05-03');
SELECT * FROM counters;
SELECT interact_rebuild() AS repaired;
SELECT * FROM pairs;
SELECT * FROM counters;
SELECT * FROM interact_check();
SET session_replication_role = replica;
DELETE FROM interact_view WHERE user_id = 1;
UPDATE interact_view SET user_id = 4 WHERE user_id = 3;
SET session_replication_role = origin;
SELECT what, user_id, item_id, event FROM interact_check() ORDER BY 1, 2, 3, 4;
SELECT interact_rebuild() AS repaired;
SELECT * FROM pairs;
SELECT * FROM counters;
SELECT * FROM interact_check();
TRUNCATE interact_view;

-- The extension dropped and created where it was used already.
BEGIN;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 10, '2024-05-01');
DROP EXTENSION interact CASCADE;
CREATE EXTENSION interact;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 10, '2024-05-01');
SELECT count FROM interact_counter;
SELECT * FROM interact_check();
SAVEPOINT a;
CLUSTER interact_counter USING interact_counter_pkey;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 10, '2024-05-01');
ROLLBACK TO a;
INSERT INTO interact_view (user_id, item_id, viewed_at) VALUES (1, 10, '2024-05-01');
SELECT count FROM interact_counter;
SELECT * FROM interact_check();
ROLLBACK;
SELECT count(*) FROM interact_counter;

-- More rows than are applied at once, spilled to disk for other triggers to
-- read, with pairs that come again in the next batch: 120,000 rows, 300 users,
-- 80 items of which a user has 4, each of the 1,200 pairs a hundred times.
SET work_mem = '64kB';
CREATE TABLE seen (op text, old bigint, new bigint);
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO seen SELECT TG_OP, (SELECT count(*) FROM o), count(*) FROM n;
    RETURN NULL;
END $$;
CREATE TRIGGER z_update AFTER UPDATE ON interact_view REFERENCING OLD TABLE AS o NEW TABLE AS n
    FOR EACH STATEMENT EXECUTE FUNCTION see();
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 1 + k % 300, 1 + k % 40 + 40 * (k / 60000), '2024-05-01'::timestamptz + k * interval '1 second'
FROM generate_series(0, 119999) k;
SELECT count(*) AS rows, sum(count) AS count, min(count) AS least, max(count) AS most,
       min(users) AS least_users, max(users) AS most_users FROM counters;
SELECT count(*) AS pairs, count(DISTINCT (u, i)) AS different FROM pairs;
SELECT * FROM interact_check();
-- Every row moves to another user, and every item by one.
UPDATE interact_view SET user_id = 301 - user_id, item_id = item_id + 1;
SELECT * FROM seen;
SELECT count(*) AS rows, sum(count) AS count, min(i) AS first, max(i) AS last FROM counters;
SELECT count(*) AS pairs, count(DISTINCT (u, i)) AS different FROM pairs;
SELECT * FROM interact_check();
DELETE FROM interact_view WHERE user_id > 10;
SELECT sum(count) AS count, (SELECT count(*) FROM interact_view) AS rows FROM counters;
SELECT * FROM interact_check();
DELETE FROM interact_view;
SELECT (SELECT count(*) FROM interact_affinity) AS pairs, (SELECT count(*) FROM interact_counter) AS counters;
RESET work_mem;
DROP TABLE seen;
DROP FUNCTION see() CASCADE;
DROP VIEW pairs, counters;
