-- Event types and settings: what may be defined, what is guarded, and that a
-- change is in force at once and taken back with its transaction.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
SET timezone = 'UTC';
\set SHOW_CONTEXT never
\set VERBOSITY terse

-- Built in.
SELECT * FROM interact_event_type ORDER BY id;

-- New ones take the smallest free id and the defaults 1, event, false.
SELECT interact_define_event('share') AS share,
       interact_define_event('play', 0.25) AS play,
       interact_define_event('wow', 1.5, 'reaction', true) AS wow,
       interact_define_event(event => 'bored', kind => 'reaction', weight => -0.5) AS bored;
SELECT * FROM interact_event_type WHERE id > 6 ORDER BY id;

-- Changes: null keeps what was, the id stays.
SELECT interact_define_event('share', 2) AS weight,
       interact_define_event('share', shareable => true) AS shareable,
       interact_define_event('share', NULL, NULL, NULL) AS nothing,
       interact_define_event('share', kind => 'event') AS same_kind,
       interact_define_event('wow', 1.25, 'reaction', false) AS all_of_it;
SELECT * FROM interact_event_type WHERE event IN ('share', 'wow') ORDER BY id;

-- Of built-in ones weight and shareability may change; that is noted.
SELECT interact_define_event('view', 0.5) AS view,
       interact_define_event('like', shareable => false) AS "like",
       interact_define_event('dislike', -3, 'reaction') AS dislike;
SELECT * FROM interact_event_type WHERE modified ORDER BY id;

-- Limits of weight.
SELECT interact_define_event('most', 100) AS most, interact_define_event('least', -100) AS least;
SELECT event, weight FROM interact_event_type WHERE event IN ('most', 'least') ORDER BY id;

-- Bad input changes nothing.
SELECT interact_define_event('bad', 100.0001);
SELECT interact_define_event('bad', -100.0001);
SELECT interact_define_event('bad', 'NaN');
SELECT interact_define_event('bad', 'Infinity');
SELECT interact_define_event('bad', '-Infinity');
SELECT interact_define_event('share', 'NaN');
SELECT interact_define_event(NULL);
SELECT interact_define_event('');
SELECT interact_define_event(' ');
SELECT interact_define_event('two words');
SELECT interact_define_event(E'tab\t');
SELECT interact_define_event(E'line\n');
SELECT interact_define_event(repeat('x', 64));
SELECT interact_define_event('bad', 1, 'builtin');
SELECT interact_define_event('bad', 1, 'nonsense');
SELECT interact_define_event('bad', 1, '');
SELECT interact_define_event('share', kind => 'reaction');
SELECT interact_define_event('wow', kind => 'event');
SELECT interact_define_event('view', kind => 'event');
SELECT interact_define_event('like', kind => 'event');
SELECT id, event, kind, weight FROM interact_event_type WHERE id > 6 ORDER BY id;

-- The longest name works all the way.
SELECT interact_define_event(repeat('x', 63)) AS longest;
SELECT interact_record(1, 1, repeat('x', 63), at => '2024-05-01') AS recorded;
SELECT interact_record(1, 1, repeat('x', 62));
SELECT interact_record(1, 1, repeat('x', 64));
DELETE FROM interact_event;
DELETE FROM interact_event_type WHERE event LIKE 'xxx%' OR event IN ('most', 'least');

-- 31 at most; a deleted one makes room, and its id is used again.
SELECT count(interact_define_event('e' || i)) AS defined FROM generate_series(1, 20) i;
SELECT count(*), min(id), max(id), count(DISTINCT id) FROM interact_event_type;
SELECT interact_define_event('one_too_many');
SELECT interact_define_event('e20', 3) AS change_of_one;
SELECT interact_record(1, 1, 'e20', at => '2024-05-01') AS last_bit;
SELECT signals FROM interact_affinity;
SELECT * FROM interact_check();
SELECT id FROM interact_event_type WHERE event = 'e7';
DELETE FROM interact_event_type WHERE event = 'e7';
SELECT interact_record(1, 1, 'e7');
SELECT interact_define_event('again') AS same_id;
INSERT INTO interact_event_type (id, event) VALUES (31, 'bit31');
INSERT INTO interact_event_type (id, event) VALUES (-1, 'negative');
DELETE FROM interact_event;
DELETE FROM interact_event_type WHERE event ~ '^(e[0-9]+|again)$';

-- Unknown names, and names of the wrong table.
\set VERBOSITY default
SELECT interact_record(1, 1, 'nonsense');
INSERT INTO interact_event (user_id, item_id, event) VALUES (1, 1, 'nonsense');
INSERT INTO interact_event (user_id, item_id, event) VALUES (1, 1, 'view');
INSERT INTO interact_event (user_id, item_id, event) VALUES (1, 1, 'wow');
INSERT INTO interact_reaction (user_id, item_id, reaction) VALUES (1, 1, 'share');
INSERT INTO interact_reaction (user_id, item_id, reaction) VALUES (1, 1, 'view');
INSERT INTO interact_pruned (item_id, event, count) VALUES (1, 'nonsense', 1);
\set VERBOSITY terse
INSERT INTO interact_event (user_id, item_id, event) VALUES (1, 1, 'share'), (1, 1, 'nonsense');
SELECT (SELECT count(*) FROM interact_event) AS events,
       (SELECT count(*) FROM interact_reaction) AS reactions,
       (SELECT count(*) FROM interact_pruned) AS pruned,
       (SELECT count(*) FROM interact_counter) AS counters;

-- Built-in rows stay what they are.
DELETE FROM interact_event_type WHERE event = 'view';
DELETE FROM interact_event_type;
UPDATE interact_event_type SET event = 'seen' WHERE event = 'view';
UPDATE interact_event_type SET kind = 'event' WHERE event = 'view';
UPDATE interact_event_type SET kind = 'event' WHERE event = 'like';
UPDATE interact_event_type SET id = 20 WHERE event = 'view';
UPDATE interact_event_type SET kind = 'builtin' WHERE event = 'share';
UPDATE interact_event_type SET kind = 'reaction' WHERE event = 'share';
UPDATE interact_event_type SET event = 'shared' WHERE event = 'share';
UPDATE interact_event_type SET id = 20 WHERE event = 'share';
UPDATE interact_event_type SET weight = NULL WHERE event = 'share';
UPDATE interact_event_type SET event = NULL WHERE event = 'share';
INSERT INTO interact_event_type (id, event, kind) VALUES (20, 'new', 'builtin');
INSERT INTO interact_event_type (id, event, kind) VALUES (NULL, 'new', 'event');
INSERT INTO interact_event_type (id, event, kind) VALUES (20, NULL, 'event');
INSERT INTO interact_event_type (id, event, kind) VALUES (20, 'new', NULL);
INSERT INTO interact_event_type (id, event) VALUES (20, 'view');
INSERT INTO interact_event_type (id, event) VALUES (8, 'new');
TRUNCATE interact_event_type;
TRUNCATE interact_event_type CASCADE;
SELECT * FROM interact_event_type WHERE NOT modified ORDER BY id;

-- What a restore does: it inserts modified built-in rows, which are there.
INSERT INTO interact_event_type (id, event, kind, weight, shareable, modified)
VALUES (1, 'favorite', 'builtin', 0.75, false, true);
SELECT * FROM interact_event_type WHERE id = 1;
COPY interact_event_type (id, event, kind, weight, shareable, modified) FROM stdin;
2	cart	builtin	0.5	t	t
20	restored	event	4	f	f
\.
SELECT * FROM interact_event_type WHERE id IN (2, 20) ORDER BY id;
DELETE FROM interact_event_type WHERE id = 20;
-- It must be the same row, and whole.
INSERT INTO interact_event_type (id, event) VALUES (0, 'seen');
INSERT INTO interact_event_type (id, event) VALUES (6, 'view');
INSERT INTO interact_event_type (id, event) VALUES (0, NULL);
INSERT INTO interact_event_type (id, event, weight) VALUES (0, 'view', NULL);
INSERT INTO interact_event_type (id, event, weight) VALUES (0, 'view', 101);
INSERT INTO interact_event_type (id, event, shareable) VALUES (0, 'view', NULL);
SELECT * FROM interact_event_type WHERE id IN (0, 6) ORDER BY id;

-- A type that has rows cannot be deleted, in each of the tables.
SELECT interact_define_event('used') AS id;
INSERT INTO interact_event (user_id, item_id, event, occurred_at) VALUES (1, 1, 'used', '2024-05-01');
DELETE FROM interact_event_type WHERE event = 'used';
DELETE FROM interact_event;
INSERT INTO interact_pruned (item_id, event, count, pruned_at) VALUES (1, 'used', 2, '2024-05-01');
DELETE FROM interact_event_type WHERE event = 'used';
DELETE FROM interact_pruned;
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at) VALUES (1, 1, 'wow', '2024-05-01');
DELETE FROM interact_event_type WHERE event = 'wow';
DELETE FROM interact_reaction;
-- Without rows it can, and nothing of it is left for who takes the id.
DELETE FROM interact_event_type WHERE event IN ('used', 'wow');
SELECT interact_define_event('fresh', 1, 'reaction') AS wows_id;
SELECT count(*) FROM interact_affinity;
SELECT count(*) FROM interact_counter;
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at) VALUES (1, 1, 'fresh', '2024-05-01');
SELECT signals FROM interact_affinity;
SELECT * FROM interact_check();
DELETE FROM interact_reaction;

-- In force at once, in one statement, and taken back by a rollback. The score
-- of interact_popular() is the weight when there is one event.
INSERT INTO interact_event (user_id, item_id, event, occurred_at) VALUES (1, 1, 'share', '2024-05-01');
SELECT score FROM interact_popular(1);
BEGIN;
SELECT interact_define_event('share', 4) IS NOT NULL AS changed;
SELECT score FROM interact_popular(1);
SAVEPOINT a;
UPDATE interact_event_type SET weight = 5 WHERE event = 'share';
SELECT score FROM interact_popular(1);
SELECT interact_define_event('brief') IS NOT NULL AS defined,
       interact_record(1, 2, 'brief') AS recorded;
ROLLBACK TO a;
SELECT score FROM interact_popular(1);
SAVEPOINT b;
SELECT interact_record(1, 2, 'brief');
ROLLBACK TO b;
SELECT interact_define_event('brief', 9) IS NOT NULL AS defined;
RELEASE b;
SELECT interact_record(1, 2, 'brief') AS recorded;
ROLLBACK;
SELECT score FROM interact_popular(1);
SELECT interact_record(1, 2, 'brief');
-- Also when another table of the extension changed in the same transaction.
BEGIN;
SELECT interact_define_event('brief', 9) IS NOT NULL AS defined;
SELECT interact_record(1, 2, 'brief') AS recorded;
ANALYZE interact_view;
ROLLBACK;
SELECT interact_record(1, 2, 'brief');
BEGIN;
SELECT interact_define_event('share', 4) IS NOT NULL AS changed;
SELECT score FROM interact_popular(1);
ALTER TABLE interact_view ADD COLUMN extra text;
ROLLBACK;
SELECT score FROM interact_popular(1);
-- A type deleted is unknown at once, and known again.
DELETE FROM interact_event;
BEGIN;
DELETE FROM interact_event_type WHERE event = 'share';
SAVEPOINT a;
SELECT interact_record(1, 1, 'share');
ROLLBACK;
SELECT interact_record(1, 1, 'share', at => '2024-05-01') AS recorded;
SELECT * FROM interact_check();
DELETE FROM interact_event;

-- Settings: all of them.
SELECT name, value, default_value, min_value, max_value FROM interact_settings();
SELECT count(*) FROM interact_settings() WHERE description ~ '^[a-z].*[^.]$' AND value = default_value;
-- Each may be set to its limits; to the least and, for the greatest, in
-- direct DML, and is what it was after a null.
SELECT name FROM interact_settings() WHERE interact_set(name, min_value) <> min_value;
SELECT count(*) FROM interact_settings() WHERE value = min_value;
UPDATE interact_setting SET value = max_value
FROM interact_settings() s WHERE s.name = interact_setting.name;
SELECT count(*) FROM interact_settings() WHERE value = max_value;
SELECT name FROM interact_settings() WHERE interact_set(name) <> default_value;
SELECT count(*) FROM interact_setting;
-- Just outside of the limits.
SELECT interact_set('profile_scan', '9');
SELECT interact_set('profile_scan', '100001');
SELECT interact_set('profile_items', '0');
SELECT interact_set('profile_items', '1001');
SELECT interact_set('hop1_budget', '9');
SELECT interact_set('hop1_budget', '1000001');
SELECT interact_set('neighbours', '0');
SELECT interact_set('neighbours', '10001');
SELECT interact_set('hop2_budget', '9');
SELECT interact_set('hop2_budget', '1000001');
SELECT interact_set('window_rows', '0');
SELECT interact_set('window_rows', '10001');
SELECT interact_set('position_exponent', '-0.0001');
SELECT interact_set('position_exponent', '10.0001');
SELECT interact_set('item_exponent', '-0.0001');
SELECT interact_set('item_exponent', '10.0001');
SELECT interact_set('user_exponent', '-0.0001');
SELECT interact_set('user_exponent', '10.0001');
SELECT interact_set('popularity_exponent', '-1.0001');
SELECT interact_set('popularity_exponent', '10.0001');
SELECT interact_set('gap_exponent', '-0.0001');
SELECT interact_set('gap_exponent', '10.0001');
SELECT interact_set('before_factor', '-0.0001');
SELECT interact_set('before_factor', '10.0001');
SELECT interact_set('recency_floor', '-0.0001');
SELECT interact_set('recency_floor', '1.0001');
SELECT interact_set('recency_half_life', '59 minutes 59 seconds');
SELECT interact_set('recency_half_life', '36525 days 1 second');
SELECT interact_set('trending_half_life', '59 minutes 59 seconds');
SELECT interact_set('trending_half_life', '36525 days 1 second');
-- Other nonsense.
SELECT interact_set(NULL, '1');
SELECT interact_set('nonsense', '1');
SELECT interact_set('', '1');
SELECT interact_set('nonsense');
SELECT interact_set('neighbours', '');
SELECT interact_set('neighbours', 'many');
SELECT interact_set('neighbours', '1.5');
SELECT interact_set('neighbours', 'NaN');
SELECT interact_set('item_exponent', 'NaN');
SELECT interact_set('item_exponent', 'Infinity');
SELECT interact_set('trending_half_life', '-3 days');
SELECT interact_set('trending_half_life', '3');
SELECT interact_set('trending_half_life', 'soon');
-- Direct DML is guarded the same way.
INSERT INTO interact_setting VALUES ('nonsense', '1');
INSERT INTO interact_setting VALUES ('neighbours', '0');
INSERT INTO interact_setting VALUES ('neighbours', NULL);
INSERT INTO interact_setting VALUES (NULL, '1');
INSERT INTO interact_setting VALUES ('neighbours', '150');
UPDATE interact_setting SET value = '0';
UPDATE interact_setting SET name = 'nonsense';
UPDATE interact_setting SET name = 'recency_floor';
SELECT * FROM interact_setting;
SELECT name, value FROM interact_settings() WHERE value <> default_value;

-- In force at once, taken back by rollback.
BEGIN;
SELECT interact_set('neighbours', '160');
SELECT name, value FROM interact_settings() WHERE value <> default_value;
SAVEPOINT a;
UPDATE interact_setting SET value = '170';
SELECT name, value FROM interact_settings() WHERE value <> default_value;
ANALYZE interact_view;
ROLLBACK TO a;
SELECT name, value FROM interact_settings() WHERE value <> default_value;
DELETE FROM interact_setting;
SELECT name, value FROM interact_settings() WHERE value <> default_value;
ROLLBACK;
SELECT name, value FROM interact_settings() WHERE value <> default_value;
TRUNCATE interact_setting;
SELECT name, value FROM interact_settings() WHERE value <> default_value;

-- The half-life: a month is 30 days, a year 365.25; a change of it tells
-- what is to be done. An event at n half-lives after 2000-01-01 has hot = n.
INSERT INTO interact_view (user_id, item_id, viewed_at)
VALUES (1, 1, '2000-01-01'::timestamptz + interval '300 days');
SELECT hot FROM interact_counter;
\set VERBOSITY default
SET client_min_messages = notice;
SELECT interact_set('trending_half_life', '1 month');
SELECT interact_set('trending_half_life', '30 days') AS the_same;
SELECT interact_set('recency_half_life', '1 year') AS no_matter;
SELECT * FROM interact_check();
SELECT interact_rebuild('hot');
SELECT hot FROM interact_counter;
SELECT * FROM interact_check();
SELECT interact_set('trending_half_life', '1 day');
SELECT * FROM interact_check();
INSERT INTO interact_view (user_id, item_id, viewed_at)
VALUES (1, 2, '2000-01-01'::timestamptz + interval '300 days');
SELECT item_id, hot FROM interact_counter ORDER BY item_id;
SELECT interact_rebuild('hot');
SELECT item_id, hot FROM interact_counter ORDER BY item_id;
SELECT * FROM interact_check();
SELECT interact_rebuild('hot') AS nothing_left;
SELECT interact_set('trending_half_life');
SET client_min_messages = warning;
\set VERBOSITY terse

-- Triggers as triggers of something else.
CREATE TABLE other (id smallint, event text);
CREATE TRIGGER t BEFORE INSERT ON other FOR EACH ROW
EXECUTE FUNCTION interact_event_type_trigger();
INSERT INTO other VALUES (1, 'x');
DROP TRIGGER t ON other;
CREATE TRIGGER t BEFORE INSERT ON other FOR EACH ROW
EXECUTE FUNCTION interact_setting_trigger();
INSERT INTO other VALUES (1, 'x');
DROP TRIGGER t ON other;
CREATE TRIGGER t AFTER INSERT ON other FOR EACH ROW EXECUTE FUNCTION interact_derive();
INSERT INTO other VALUES (1, 'x');
DROP TRIGGER t ON other;
CREATE TRIGGER t AFTER INSERT ON other FOR EACH STATEMENT EXECUTE FUNCTION interact_derive();
INSERT INTO other VALUES (1, 'x');
DROP TRIGGER t ON other;
CREATE TRIGGER t BEFORE INSERT ON other FOR EACH STATEMENT EXECUTE FUNCTION interact_derive();
INSERT INTO other VALUES (1, 'x');
DROP TABLE other;
CREATE TRIGGER t AFTER INSERT ON interact_view FOR EACH STATEMENT EXECUTE FUNCTION interact_derive();
INSERT INTO interact_view (user_id, item_id) VALUES (1, 1);
DROP TRIGGER t ON interact_view;
CREATE TRIGGER t AFTER DELETE ON interact_view FOR EACH STATEMENT EXECUTE FUNCTION interact_derive();
DELETE FROM interact_view;
DROP TRIGGER t ON interact_view;
SELECT count(*) FROM interact_view;
SELECT * FROM interact_check();
