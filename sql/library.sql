-- The library beside the extension: functions taken out of their place, an
-- extension that is not there or not whole; and the hints that go with errors.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
\set SHOW_CONTEXT never

-- Not installed.
CREATE FUNCTION stray_compact() RETURNS bigint LANGUAGE C AS '$libdir/interact', 'interact_compact';
SELECT stray_compact();
CREATE EXTENSION interact;
SELECT stray_compact();

-- Not whole, and whole again.
BEGIN;
ALTER TABLE interact_setting RENAME TO interact_setting_away;
SELECT stray_compact();
ROLLBACK;
SELECT stray_compact();
DROP FUNCTION stray_compact();

-- Trigger functions called otherwise, or as triggers of other tables.
CREATE FUNCTION stray_derive() RETURNS void LANGUAGE C AS '$libdir/interact', 'interact_derive';
SELECT stray_derive();
DROP FUNCTION stray_derive();
CREATE TABLE stray (id smallint, event text);
CREATE TRIGGER stray AFTER INSERT ON stray
    FOR EACH STATEMENT EXECUTE FUNCTION interact_restored();
INSERT INTO stray VALUES (1, 'x');
DROP TABLE stray;

-- Hints of the registries.
SELECT interact_define_event('x', 1, 'nosuch');
INSERT INTO interact_event_type (id, event, kind) VALUES (20, 'x', 'builtin');
INSERT INTO interact_event_type (id, event) VALUES (3, 'x');
UPDATE interact_event_type SET kind = 'event' WHERE event = 'like';
DELETE FROM interact_event_type WHERE event = 'view';
TRUNCATE interact_event_type CASCADE;
SELECT interact_set('nosuch', '1');
DO $$
BEGIN
    FOR i IN 1..24 LOOP
        PERFORM interact_define_event('event' || i);
    END LOOP;
END $$;
SELECT interact_define_event('one too many');
SELECT interact_define_event('one-too-many');

DROP EXTENSION interact;
