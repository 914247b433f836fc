-- Row-level security: a client sees and writes its own rows only, by every
-- table, view and function, and derived state is right all the same.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
\set VERBOSITY default
\set SHOW_CONTEXT never
SET timezone = 'UTC';
SELECT interact_define_event('play', shareable => true);

-- The application, an administrator, and clients that run requests of users.
CREATE ROLE regress_interact_app;
CREATE ROLE regress_interact_ops;
CREATE ROLE regress_interact_client;
SELECT interact_grant('regress_interact_app', 'read'), interact_grant('regress_interact_app', 'write'),
       interact_grant('regress_interact_ops', 'admin'), interact_grant('regress_interact_ops', 'read'),
       interact_grant('regress_interact_client', 'read'), interact_grant('regress_interact_client', 'write');
SELECT interact_enable_rls(ARRAY['regress_interact_app', 'regress_interact_ops']);
SELECT tablename, policyname, permissive, roles::text, cmd, qual, with_check IS NULL AS checks_the_same
  FROM pg_policies WHERE tablename IN ('interact_view', 'interact_key') ORDER BY 1, 2;
-- Tables with a user, or with keys, that have no policies: the derived one,
-- which nobody but the administrator may read.
SELECT c.oid::regclass AS "table"
  FROM pg_class AS c JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
  JOIN pg_extension AS e ON d.refobjid = e.oid AND e.extname = 'interact'
 WHERE c.relkind = 'r'
   AND EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname IN ('user_id', 'key'))
   AND NOT (c.relrowsecurity AND (SELECT count(*) FROM pg_policy WHERE polrelid = c.oid) = 2);

-- The application records for everybody. What user 2 wrote has a mark.
SET ROLE regress_interact_app;
SELECT interact_user_id('SECRET key of 2') AS user_2, interact_user_id('key of 1') AS user_1;
\set two -1
\set one -2
SELECT count(*) FROM (
    SELECT interact_record_view(:two, i, context => '{"page": "SECRET page"}'), interact_add_favorite(:two, i, list => 'SECRET list'),
           interact_submit_review(:two, i, 5, comment => 'SECRET comment', title => 'SECRET title'), interact_react(:two, i, 'like'),
           interact_add_to_cart(:two, i, 4242), interact_record_purchase(:two, i, 4242, 4242, 'SECRET order'),
           interact_record(:two, i, 'play', 4242, context => '{"by": "SECRET"}')
      FROM generate_series(1, 5) AS i) AS r;
SELECT interact_record_view(:one, 1), interact_add_favorite(:one, 1), interact_react(:one, 2, 'like'), interact_submit_review(:one, 2, 4),
       interact_add_to_cart(:one, 2), interact_record_purchase(:one, 2, 1, 10, 'mine'), interact_record(:one, 2, 'play', 1);
INSERT INTO interact_friend (user_id, friend_id) VALUES (:one, 3), (:two, :one), (:two, 3);
SELECT user_id, count(*) FROM interact_fact GROUP BY 1 ORDER BY 1;
-- It restricts itself by the setting, too.
BEGIN;
SET LOCAL interact.user_id = :one;
SELECT user_id, count(*) FROM interact_fact GROUP BY 1 ORDER BY 1;
ROLLBACK;
RESET ROLE;
SELECT * FROM interact_check();

-- A client that says nobody sees nothing.
SET ROLE regress_interact_client;
SELECT count(*) FROM interact_fact WHERE user_id IS NOT NULL;
SELECT interact_record_view(:one, 1);
SET interact.user_id = :one;
-- Its own rows, and not a row of anybody else's: whatever there is to select.
CREATE TEMP TABLE seen (place text, leak text);
DO $$
DECLARE r record; n bigint;
BEGIN
    FOR r IN SELECT c.oid::regclass AS rel,
                    EXISTS (SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'user_id') AS has_user
               FROM pg_class AS c JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
               JOIN pg_extension AS e ON d.refobjid = e.oid AND e.extname = 'interact'
              WHERE c.relkind IN ('r', 'v', 'm') AND has_table_privilege(c.oid, 'SELECT')
    LOOP
        EXECUTE format('SELECT count(*) FROM %s AS t WHERE t::text LIKE ''%%SECRET%%''%s', r.rel,
                       CASE WHEN r.has_user THEN ' OR t.user_id <> -2' ELSE '' END) INTO n;
        INSERT INTO seen VALUES (r.rel::text, CASE WHEN n > 0 THEN n || ' rows' END);
    END LOOP;
END $$;
SELECT count(*) > 10 AS looked FROM seen;
SELECT * FROM seen WHERE leak IS NOT NULL;
SELECT (SELECT count(*) FROM interact_view) AS views, (SELECT count(*) FROM interact_favorite) AS favorites,
       (SELECT count(*) FROM interact_review) AS reviews, (SELECT count(*) FROM interact_reaction) AS reactions,
       (SELECT count(*) FROM interact_cart_item) AS carts, (SELECT count(*) FROM interact_purchase) AS purchases,
       (SELECT count(*) FROM interact_event) AS events, (SELECT count(*) FROM interact_friend) AS friends,
       (SELECT count(*) FROM interact_key) AS keys, (SELECT count(*) FROM interact_fact) AS facts;
RESET ROLE;
RESET interact.user_id;

-- Every function, called by the client for itself in all ways that the types
-- of its arguments suggest: nothing that is user 2's comes back, neither what
-- it wrote nor its id.
CREATE FUNCTION pg_temp.calls(session_user_id text, other text) RETURNS TABLE (name text, call text) LANGUAGE sql AS $$
    SELECT p.proname::text,
           format('SELECT t::text FROM %s(%s) AS t', p.oid::regproc,
                  (SELECT string_agg(format('%I => %s', a.name,
                          CASE WHEN a.name LIKE '%user\_id%' AND a.type = 'bigint[]'::regtype THEN format('ARRAY[%s]::bigint[]', other)
                               WHEN a.name LIKE '%user\_id%' THEN other
                               WHEN a.name IN ('key', 'user_key') THEN quote_literal('SECRET key of 2')
                               WHEN a.name = 'keys' THEN 'ARRAY[''SECRET key of 2'']'
                               WHEN a.name = 'event' THEN quote_literal('view')
                               WHEN a.name = 'reaction' THEN quote_literal('like')
                               WHEN a.name = 'friend_id' THEN session_user_id || ' + 1'
                               WHEN a.type = 'bigint[]'::regtype THEN '''{1}'''
                               WHEN a.type = 'text[]'::regtype THEN '''{1}'''
                               WHEN a.type = 'regclass'::regtype THEN '''pg_class'''
                               WHEN a.type = 'text'::regtype THEN quote_literal('x')
                               WHEN a.type = 'timestamptz'::regtype THEN 'now()'
                               WHEN a.type = 'interval'::regtype THEN '''1 day'''
                               WHEN a.type = 'jsonb'::regtype THEN '''{}'''
                               WHEN a.type = 'boolean'::regtype THEN 'true'
                               WHEN a.type = 'name'::regtype THEN '''x'''
                               ELSE '1' END), ', ' ORDER BY a.n)
                     FROM (SELECT n, p.proargnames[n] AS name, t AS type
                             FROM unnest(p.proargtypes::oid[]) WITH ORDINALITY AS u (t, n)) AS a
                    WHERE a.n <= p.pronargs - p.pronargdefaults OR a.name LIKE '%user\_id%'))
      FROM pg_proc AS p JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
      JOIN pg_extension AS e ON d.refobjid = e.oid AND e.extname = 'interact'
     WHERE p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype AND p.proargnames IS NOT NULL
     ORDER BY 1 $$;
CREATE TEMP TABLE answer (name text, sqlstate text, result text);
GRANT ALL ON answer TO PUBLIC;
CREATE FUNCTION pg_temp.try_all(session_user_id text, other text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE c record; line text; lines text;
BEGIN
    FOR c IN SELECT * FROM pg_temp.calls(session_user_id, other) LOOP
        BEGIN
            lines := '';
            FOR line IN EXECUTE c.call LOOP
                lines := lines || line || E'\n';
            END LOOP;
            INSERT INTO answer VALUES (c.name, '00000', lines);
            RAISE EXCEPTION 'undo' USING ERRCODE = 'IR000';
        EXCEPTION
            WHEN SQLSTATE 'IR000' THEN INSERT INTO answer VALUES (c.name, '00000', lines);
            WHEN OTHERS THEN INSERT INTO answer VALUES (c.name, SQLSTATE, SQLERRM);
        END;
    END LOOP;
END $$;
-- for itself
SET ROLE regress_interact_client;
SET interact.user_id = :one;
SELECT pg_temp.try_all(:'one', :'one');
RESET ROLE;
RESET interact.user_id;
SELECT count(*) > 30 AS called, count(*) FILTER (WHERE sqlstate = '00000') > 20 AS answered FROM answer;
SELECT name, sqlstate, result FROM answer WHERE result LIKE '%SECRET%' OR result ~ '(^|[(, {])-1($|[), }\n])' OR result LIKE '%4242%';
-- Errors that are not about a made-up argument or the privilege: none.
SELECT name, sqlstate, result FROM answer WHERE sqlstate NOT IN ('00000', '22023', '42501', '42704') ORDER BY 1;

-- Every function with a user's id among its arguments, called for another
-- user, by a role that may call them all: refused because of the setting.
SELECT interact_grant('regress_interact_client', 'admin');
TRUNCATE answer;
SET ROLE regress_interact_client;
SET interact.user_id = :one;
SELECT pg_temp.try_all(:'one', :'two');
RESET ROLE;
RESET interact.user_id;
SELECT count(*) > 20 AS called FROM answer AS a JOIN pg_temp.calls('0', '0') AS c USING (name) WHERE c.call LIKE '%user\_id%';
SELECT name, sqlstate, result
  FROM answer AS a JOIN pg_temp.calls('0', '0') AS c USING (name)
 WHERE c.call LIKE '%user\_id%' AND (sqlstate <> '42501' OR result NOT LIKE '%user of this session%') ORDER BY 1;
-- Keys of users are refused as well, known or not, in the same words; keys of
-- items are not.
SELECT DISTINCT name, sqlstate, result FROM answer WHERE name LIKE 'interact%user\_id%' ORDER BY 1;
SELECT interact_revoke('regress_interact_client', 'admin');
SET ROLE regress_interact_client;
SET interact.user_id = :one;
SELECT interact_find_user_id('SECRET key of 2');
SELECT interact_find_user_id('unknown');
SELECT interact_user_id('unknown');
SELECT interact_find_user_ids('{"key of 1","SECRET key of 2"}');
SELECT interact_user_id('key of 1'), interact_find_user_ids('{"key of 1"}'), interact_user_key(:one),
       interact_item_key(interact_item_id('sku-1')), interact_find_item_id('sku-2');

-- Reasons and answers name items, not people.
SELECT item_id, reason, because_item_id, support FROM recommend(:one, exclude_seen => false) ORDER BY score DESC, item_id;

-- Own rows: recorded, changed and deleted, by function and by statement; what
-- the triggers derive is right.
SELECT interact_record_view(:one, 3), interact_record_view(:one, 3, dedup => '1 hour') AS again, interact_add_favorite(:one, 3),
       interact_add_favorite(:one, 3) AS again, interact_submit_review(:one, 3, 2), interact_submit_review(:one, 3, 3),
       interact_react(:one, 3, 'like'), interact_react(:one, 3, 'dislike'), interact_add_to_cart(:one, 3),
       interact_add_to_cart(:one, 3), interact_remove_from_cart(:one, 2), interact_checkout(:one, 'order');
INSERT INTO interact_view (user_id, item_id) VALUES (:one, 4), (:one, 5);
INSERT INTO interact_favorite (user_id, item_id) VALUES (:one, 3) ON CONFLICT DO NOTHING;
INSERT INTO interact_review (user_id, item_id, rating) VALUES (:one, 3, 5)
    ON CONFLICT (user_id, item_id) DO UPDATE SET rating = excluded.rating;
UPDATE interact_view SET item_id = 1;
DELETE FROM interact_favorite;
DELETE FROM interact_reaction WHERE item_id = 2;
-- Others' rows: out of reach.
INSERT INTO interact_view (user_id, item_id) VALUES (:two, 4);
INSERT INTO interact_view (user_id, item_id) VALUES (:one, 4), (:two, 4);
UPDATE interact_review SET user_id = :two;
UPDATE interact_review SET rating = 1 WHERE user_id = :two;
DELETE FROM interact_view WHERE user_id <> :one;
INSERT INTO interact_favorite (user_id, item_id, list) VALUES (:two, 1, 'SECRET list') ON CONFLICT DO NOTHING;
INSERT INTO interact_key (kind, key) VALUES ('user', 'me');
\copy interact_view (user_id, item_id) FROM '/dev/null'
TRUNCATE interact_view;
SET interact.user_id = 'nobody';
RESET ROLE;
RESET interact.user_id;
SELECT user_id, item_id, count(*) FROM interact_view GROUP BY 1, 2 ORDER BY 1, 2;
SELECT user_id, item_id, rating FROM interact_review WHERE user_id = :one OR item_id = 1 ORDER BY 1, 2;
SELECT * FROM interact_check();

-- The administrator's work is right, too: nothing differs where policies
-- hide rows, even if it is not among the unrestricted roles.
SELECT interact_enable_rls('{regress_interact_app}');
SELECT interact_rebuild('hot') > 0 AS cooled;
SET ROLE regress_interact_ops;
SELECT count(*) FROM interact_view;
SELECT * FROM interact_check();
SELECT interact_rebuild('all');
RESET ROLE;
SELECT * FROM interact_check();
-- ... but it cannot forget what it does not see.
SET ROLE regress_interact_ops;
SELECT interact_forget_user(:two);
RESET ROLE;
SELECT interact_enable_rls('{regress_interact_app,regress_interact_ops}');
SET ROLE regress_interact_ops;
SELECT interact_forget_user(:two) > 30 AS forgotten;
RESET ROLE;
SELECT * FROM interact_check();

-- Deleting in the application's table forgets, whoever does it.
CREATE TABLE account (id bigint PRIMARY KEY);
INSERT INTO account VALUES (:one), (77);
SELECT interact_follow_deletes('account', 'id', 'user');
GRANT SELECT, DELETE ON account TO regress_interact_client;
SET ROLE regress_interact_client;
SET interact.user_id = 77;
DELETE FROM account;
RESET ROLE;
RESET interact.user_id;
SELECT count(*) FROM interact_fact WHERE user_id = :one;
SELECT * FROM interact_check();
DROP TABLE account;

-- A client's own rows are an index condition.
SET enable_seqscan = off;
SET ROLE regress_interact_client;
EXPLAIN (COSTS OFF) SELECT FROM interact_purchase;
RESET ROLE;
RESET enable_seqscan;

-- A value that is no number, set before the library is loaded, means nobody.
\c -
SET client_min_messages = warning;
\set SHOW_CONTEXT never
SET interact.user_id = '4f1c-uuid';
SELECT interact_record_view(1, 1);
SHOW interact.user_id;
SELECT interact_export_user(0);
SET ROLE regress_interact_client;
SELECT count(*) FROM interact_view;
SET interact.user_id = 1;
SELECT interact_record_view(1, 1);
RESET interact.user_id;
RESET ROLE;

-- Bad arguments, wrong callers.
SELECT interact_enable_rls(NULL);
SELECT interact_enable_rls('{regress_interact_app,NULL}');
SELECT interact_enable_rls('{{a,b},{c,d}}');
SELECT interact_enable_rls('{regress_interact_nosuch}');
SELECT interact_enable_rls('{public}');
SET ROLE regress_interact_ops;
SELECT interact_enable_rls();
SELECT interact_disable_rls();
RESET ROLE;
SELECT count(*) FROM pg_policies WHERE policyname LIKE 'interact\_%';
SELECT interact_enable_rls();
SELECT count(*) FROM pg_policies WHERE policyname LIKE 'interact\_%';
-- Policies of the application's own go on.
CREATE POLICY reviews_are_public ON interact_review FOR SELECT USING (true);
SET ROLE regress_interact_client;
SET interact.user_id = 5;
SELECT interact_submit_review(5, 1, 3);
SET interact.user_id = 6;
SELECT user_id, rating FROM interact_review WHERE item_id = 1;
DELETE FROM interact_review;
RESET interact.user_id;
RESET ROLE;
-- What is wanted is kept in a table; a role that does not exist where a dump is
-- restored is left out.
SELECT * FROM interact_rls;
UPDATE interact_rls SET unrestricted_roles = '{regress_interact_app,regress_interact_nosuch}';
SELECT DISTINCT policyname, roles FROM pg_policies WHERE policyname LIKE 'interact\_%' ORDER BY 1;
INSERT INTO interact_rls (unrestricted_roles) VALUES ('{}');
INSERT INTO interact_rls VALUES (false, '{}');
UPDATE interact_rls SET unrestricted_roles = '{NULL}';
SELECT interact_rls_trigger();
SELECT interact_disable_rls(), interact_disable_rls();
SELECT count(*) FROM pg_policies WHERE policyname LIKE 'interact\_%';
SELECT count(*) FROM pg_policies WHERE policyname = 'reviews_are_public';
SELECT relname FROM pg_class WHERE relname LIKE 'interact\_%' AND relrowsecurity;

SELECT * FROM interact_check();
DROP OWNED BY regress_interact_app, regress_interact_ops, regress_interact_client;
DROP ROLE regress_interact_app, regress_interact_ops, regress_interact_client;
DROP EXTENSION interact;
