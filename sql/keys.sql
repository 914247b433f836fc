-- Text and uuid keys: ids that are given on first sight and found again.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
\set VERBOSITY default
\set SHOW_CONTEXT never

-- Nothing is known yet.
SELECT interact_find_user_id('ann'), interact_find_item_id('sku-1'),
       interact_find_user_ids('{ann,bob}'), interact_find_item_ids('{}'),
       interact_user_key(-1), interact_item_key(-1), interact_user_keys('{-1}');

-- First sight gives an id, further sights the same; users and items apart.
SELECT interact_user_id('ann') AS ann, interact_user_id('bob') AS bob,
       interact_item_id('ann') AS item, interact_user_id('ann') AS again;
SELECT interact_find_user_id('ann') AS ann, interact_find_item_id('ann') AS item,
       interact_find_item_id('bob') AS none;
SELECT interact_user_key(-1), interact_user_key(-2), interact_item_key(-3);

-- An id of the other kind, one of the application, and any other have no key.
SELECT interact_user_key(-3), interact_item_key(-1), interact_user_key(1),
       interact_item_key(0), interact_user_key(-9223372036854775808);

-- Arrays keep their order; a key may occur several times.
SELECT interact_user_ids('{zoe,ann,carl,zoe}') AS ids;
SELECT interact_user_keys('{-4,-1,-5,-3,7,-4}') AS keys;
SELECT interact_item_ids('{sku-2,sku-1}') AS ids, interact_find_item_ids('{sku-1,sku-3,sku-2}') AS found,
       interact_item_keys('{-6,-7,-1}') AS keys;
SELECT interact_user_ids('{}'), interact_item_keys('{}'), interact_find_user_ids('{}');

-- Upper case, blanks and signs make another key.
SELECT interact_user_ids(ARRAY['Ann', ' ann', 'ann ', E'an\nn', '''; DROP TABLE x', 'å', '{ann}']) AS ids;
SELECT id, to_json(key) FROM interact_key WHERE kind = 'user' ORDER BY id DESC;

-- A uuid is the same key as its text, in any case, in braces or not.
SELECT interact_user_id('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11') AS id,
       interact_user_id('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11') = interact_user_id('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11') AS upper,
       interact_user_id('{a0eebc99-9C0b-4ef8-bb6d-6bb9bd380a11}') = interact_user_id('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11') AS braces,
       interact_find_user_id(uuid 'a0ee-bc99-9c0b-4ef8-bb6d-6bb9-bd38-0a11'::text) = interact_user_id('A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11') AS uuid;
SELECT interact_user_key(interact_user_id('{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}'));
SELECT interact_item_ids('{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11,a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}') AS ids;
-- What is not quite one is left alone: it may be anything.
SELECT interact_item_keys(interact_item_ids(ARRAY[
       'A0EEBC999C0B4EF8BB6D6BB9BD380A11', '{A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11',
       'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11}', 'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A1G',
       'A0EEBC99-9C0B-4EF8-BB6D6BB9BD380A11-', '(A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11)'])) AS keys;
-- Rows written by hand have to be spelled so that the functions find them.
\set VERBOSITY terse
INSERT INTO interact_key (kind, key) VALUES ('item', 'B0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11');
INSERT INTO interact_key (kind, key) VALUES ('item', '{b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11}');
\set VERBOSITY default
INSERT INTO interact_key (id, kind, key) VALUES (-900000, 'item', 'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
SELECT interact_item_id('B0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11');

-- 1 to 1024 bytes.
SELECT interact_user_id('');
SELECT interact_user_id(repeat('x', 1025));
SELECT interact_user_id(repeat('å', 513));
SELECT interact_user_key(interact_user_id(repeat('x', 1024))) = repeat('x', 1024) AS longest,
       interact_user_key(interact_user_id('y')) AS shortest;
SELECT interact_find_item_id('');
SELECT interact_find_item_id(repeat('x', 1025));
SELECT interact_item_ids(ARRAY['new', '', 'x']);
SELECT interact_find_user_ids(ARRAY['x', repeat('x', 1025)]);
SELECT interact_find_item_id('new') AS not_written;

-- NULL, and arrays of another shape.
SELECT interact_user_id(NULL);
SELECT interact_item_id(NULL);
SELECT interact_user_ids(NULL);
SELECT interact_item_ids('{a,NULL}');
SELECT interact_find_user_id(NULL);
SELECT interact_find_item_id(NULL);
SELECT interact_find_user_ids(NULL);
SELECT interact_find_item_ids('{NULL}');
SELECT interact_user_key(NULL);
SELECT interact_item_key(NULL);
SELECT interact_user_keys(NULL);
SELECT interact_item_keys('{-1,NULL}');
SELECT interact_item_keys(NULL);
SELECT interact_user_ids('{{a,b},{c,d}}');
SELECT interact_user_keys('{{-1,-2},{-3,-4}}');

-- A known key writes nothing and takes nothing from the sequence: it is found
-- in a read-only transaction, too. A new one is refused there.
SELECT last_value AS before FROM interact_key_id_seq \gset
BEGIN READ ONLY;
SELECT interact_user_id('ann'), interact_item_ids('{sku-1,sku-2}'), interact_find_user_id('new');
SAVEPOINT s;
SELECT interact_user_id('new');
ROLLBACK TO s;
SELECT interact_item_ids('{sku-1,new}');
ROLLBACK;
BEGIN;
SELECT count(interact_user_id('ann')) FROM generate_series(1, 100);
SELECT pg_current_xact_id_if_assigned() IS NULL AS wrote_nothing;
COMMIT;
SELECT last_value = :before AS sequence_untouched FROM interact_key_id_seq;

-- With one snapshot for the transaction, too.
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT interact_user_id('rr') < 0 AS new, interact_user_id('rr') = interact_user_id('rr') AS same,
       interact_user_key(interact_user_id('rr')) AS key;
COMMIT;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT cardinality(interact_user_ids('{ser,rr,ser}')), interact_find_user_id('ser') < 0 AS found;
ROLLBACK;
SELECT interact_find_user_id('ser') AS rolled_back;

-- The lookups are index conditions: the id is computed once, not per row.
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT 1 FROM interact_purchase WHERE user_id = interact_find_user_id('ann');
RESET enable_seqscan;

-- Where the ids go: recording and asking by key.
SELECT interact_record_view(interact_user_id('ann'), interact_item_id('sku-1')),
       interact_record_view(interact_user_id('bob'), interact_item_id('sku-1')),
       interact_record_view(interact_user_id('bob'), interact_item_id('sku-2')),
       interact_record_views(interact_user_ids('{carl,carl}'), interact_item_ids('{sku-1,sku-2}'));
SELECT interact_item_key(item_id) AS item, reason, interact_item_key(because_item_id) AS because
  FROM recommend(interact_find_user_id('ann'), max_items => 1);

-- Many at once.
SELECT cardinality(interact_item_ids(array_agg('bulk ' || n % 5000))) FROM generate_series(1, 20000) AS n;
SELECT count(*), count(DISTINCT id) FROM interact_key WHERE key LIKE 'bulk %';

-- Something in the way of new keys is told.
CREATE FUNCTION drop_row() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER drop_row BEFORE INSERT ON interact_key FOR EACH ROW EXECUTE FUNCTION drop_row();
SELECT interact_item_id('swallowed');
DROP TRIGGER drop_row ON interact_key;
-- So is an id that was taken by hand.
SELECT setval('interact_key_id_seq', -899999);
SELECT interact_item_id('collides');
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT setval('interact_key_id_seq', -899999);
SELECT interact_item_id('collides') < 0 AS one_later;
ROLLBACK;
DROP FUNCTION drop_row;

SELECT * FROM interact_check();
DROP EXTENSION interact;
