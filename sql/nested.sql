-- Triggers of the application that change what their own statement wrote: we
-- hear of the change first, and of the statement only when it ends.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
\set VERBOSITY default
SET timezone = 'UTC';

CREATE VIEW pairs AS
SELECT user_id AS u, item_id AS i, last_at, signals, rating AS r FROM interact_affinity;
CREATE VIEW counters AS
SELECT item_id AS i, event, count, users, units, total FROM interact_counter;

-- A review is moderated as it comes in.
CREATE FUNCTION moderate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE interact_review SET rating = 1 WHERE id = new.id AND comment LIKE '%spam%';
    RETURN NULL;
END $$;
CREATE TRIGGER moderate AFTER INSERT OR UPDATE ON interact_review
    FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION moderate();
INSERT INTO interact_review (user_id, item_id, rating, comment, updated_at)
VALUES (1, 1, 5, 'spam', '2024-05-01'), (1, 2, 4, 'good', '2024-05-02'), (2, 1, 3, 'more spam', '2024-05-03');
SELECT * FROM pairs ORDER BY u, i;
SELECT * FROM counters ORDER BY i;
SELECT * FROM interact_check();
UPDATE interact_review SET rating = 5, comment = 'spam' WHERE item_id = 2;
SELECT * FROM pairs ORDER BY u, i;
SELECT * FROM interact_check();

-- A list holds two items at most: the newest ones, the first of them even if
-- the same statement put it there.
CREATE FUNCTION shorten() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM interact_favorite WHERE id IN
        (SELECT id FROM interact_favorite WHERE user_id = new.user_id ORDER BY id DESC OFFSET 2);
    RETURN NULL;
END $$;
CREATE TRIGGER shorten AFTER INSERT ON interact_favorite
    FOR EACH ROW EXECUTE FUNCTION shorten();
INSERT INTO interact_favorite (user_id, item_id, created_at)
SELECT 3, i, '2024-05-01'::timestamptz + i * interval '1 day' FROM generate_series(1, 4) AS i;
SELECT * FROM pairs WHERE u = 3 ORDER BY i;
SELECT i, count, users FROM counters WHERE event = 1 ORDER BY i;
SELECT * FROM interact_check();

-- In a transaction that goes on, in a savepoint, and by a function.
BEGIN;
SELECT interact_add_favorite(3, 5, at => '2024-05-05');
SAVEPOINT a;
SELECT interact_add_favorite(3, 3, at => '2024-05-06'), interact_add_favorite(3, 6, at => '2024-05-06');
ROLLBACK TO a;
SELECT interact_add_favorite(3, 6, list => 'other', at => '2024-05-07');
COMMIT;
SELECT u, i, last_at, signals FROM pairs WHERE u = 3 ORDER BY i;
SELECT * FROM interact_check();

-- A statement-level trigger that comes before ours deletes everything again.
CREATE FUNCTION undo() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM interact_view;
    RETURN NULL;
END $$;
CREATE TRIGGER a_undo AFTER INSERT ON interact_view FOR EACH STATEMENT EXECUTE FUNCTION undo();
INSERT INTO interact_view (user_id, item_id) VALUES (4, 1), (4, 2), (4, 1);
SELECT * FROM pairs WHERE u = 4;
SELECT * FROM counters WHERE event = 0;
SELECT * FROM interact_check();

DROP FUNCTION moderate() CASCADE;
DROP FUNCTION shorten() CASCADE;
DROP FUNCTION undo() CASCADE;
DROP VIEW pairs, counters;
DROP EXTENSION interact;
