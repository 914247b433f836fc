-- Who may do what: nothing is PUBLIC, capabilities are exact.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE SCHEMA interact_priv;
-- The most generous defaults do not open anything.
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SEQUENCES TO PUBLIC;
CREATE EXTENSION interact SCHEMA interact_priv;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON TABLES FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE ALL ON SEQUENCES FROM PUBLIC;
SET search_path = interact_priv;
\set VERBOSITY default
\set SHOW_CONTEXT never

CREATE ROLE regress_interact_read;
CREATE ROLE regress_interact_write;
CREATE ROLE regress_interact_admin;
CREATE ROLE regress_interact_none;
CREATE ROLE "regress interact ""odd"" 'role'";
GRANT USAGE ON SCHEMA interact_priv TO regress_interact_none;

CREATE TEMP VIEW member_functions AS
SELECT p.oid, p.oid::regprocedure::text AS name, p.prorettype,
       coalesce(p.proacl, acldefault('f', p.proowner)) AS acl
FROM pg_depend d
JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid
WHERE e.extname = 'interact' AND d.deptype = 'e';

-- Indexes have no privileges of their own.
CREATE TEMP VIEW member_relations AS
SELECT c.oid, c.oid::regclass::text AS name,
       coalesce(c.relacl, acldefault(CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char",
                                     c.relowner)) AS acl
FROM pg_class c
WHERE c.relnamespace = 'interact_priv'::regnamespace AND c.relkind IN ('r', 'v', 'm', 'S', 'p', 'f');

SELECT count(*) > 20 AS functions FROM member_functions;
SELECT count(*) > 20 AS relations FROM member_relations;

-- Functions that PUBLIC may execute, relations it has any right on: none.
SELECT f.name FROM member_functions f, aclexplode(f.acl) a WHERE a.grantee = 0 ORDER BY 1;
SELECT r.name, a.privilege_type FROM member_relations r, aclexplode(r.acl) a
WHERE a.grantee = 0 ORDER BY 1, 2;
SELECT r.name, a.attname FROM member_relations r JOIN pg_attribute a ON a.attrelid = r.oid
WHERE a.attacl IS NOT NULL ORDER BY 1, 2;

-- Bad arguments.
SELECT interact_grant(NULL, 'read');
SELECT interact_grant('regress_interact_read', NULL);
SELECT interact_grant('regress_interact_read', 'all');
SELECT interact_grant('regress_interact_read', 'READ');
SELECT interact_grant('regress_interact_nosuch', 'read');
SELECT interact_grant('public', 'read');
SELECT interact_revoke(NULL, 'read');
SELECT interact_revoke('regress_interact_read', NULL);
SELECT interact_revoke('regress_interact_read', '');
SELECT interact_revoke('regress_interact_nosuch', 'read');

-- A function of the application that has the name of one of ours.
CREATE FUNCTION recommend(text) RETURNS text LANGUAGE sql AS 'SELECT $1';
REVOKE ALL ON FUNCTION recommend(text) FROM PUBLIC;

SELECT interact_grant('regress_interact_read', 'read');
SELECT interact_grant('regress_interact_write', 'write');
SELECT interact_grant('regress_interact_admin', 'admin');
SELECT has_function_privilege('regress_interact_read', 'recommend(text)', 'EXECUTE') AS granted;
DROP FUNCTION recommend(text);

-- Functions that are not in exactly one capability: those that check the
-- arguments of others, which are in all, and trigger functions. Of these, the
-- one that interact_follow_deletes() puts on tables of the application.
SELECT f.name, count(a.grantee) AS capabilities
FROM member_functions f
LEFT JOIN aclexplode(f.acl) a ON a.grantee::regrole::text LIKE 'regress_interact_%'
WHERE f.prorettype <> 'trigger'::regtype
GROUP BY f.name HAVING count(a.grantee) <> 1 ORDER BY 1;
SELECT f.name FROM member_functions f, aclexplode(f.acl) a
WHERE f.prorettype = 'trigger'::regtype AND a.grantee::regrole::text LIKE 'regress_interact_%';

-- The rights on tables and views.
SELECT r.name,
       string_agg(left(privilege_type, 1), '' ORDER BY privilege_type)
           FILTER (WHERE a.grantee = 'regress_interact_read'::regrole) AS read,
       string_agg(left(privilege_type, 1), '' ORDER BY privilege_type)
           FILTER (WHERE a.grantee = 'regress_interact_write'::regrole) AS write,
       string_agg(left(privilege_type, 1), '' ORDER BY privilege_type)
           FILTER (WHERE a.grantee = 'regress_interact_admin'::regrole) AS admin
FROM member_relations r, aclexplode(r.acl) a
GROUP BY r.name ORDER BY r.name COLLATE "C";
SELECT role, has_schema_privilege(role, 'interact_priv', 'USAGE') AS usage,
       has_schema_privilege(role, 'interact_priv', 'CREATE') AS "create"
FROM unnest('{regress_interact_read,regress_interact_write,regress_interact_admin}'::text[]) role;

-- No capability: nothing works.
SET ROLE regress_interact_none;
SELECT interact_record_view(1, 1);
SELECT interact_record_views('{1}', '{1}');
SELECT interact_add_favorite(1, 1);
SELECT interact_remove_favorite(1, 1);
SELECT interact_submit_review(1, 1, 1);
SELECT interact_delete_review(1, 1);
SELECT interact_react(1, 1, 'like');
SELECT interact_unreact(1, 1);
SELECT interact_add_to_cart(1, 1);
SELECT interact_remove_from_cart(1, 1);
SELECT interact_checkout(1);
SELECT interact_record_purchase(1, 1);
SELECT interact_record_purchases('{1}', '{1}');
SELECT interact_record(1, 1, 'view');
SELECT interact_toggle_favorite(1, 1);
SELECT interact_move_favorite(1, 1, 'a', 'b');
SELECT interact_clear_favorites(1);
SELECT interact_set_cart_quantity(1, 1, 1);
SELECT interact_clear_cart(1);
SELECT interact_add_friend(1, 2);
SELECT interact_remove_friend(1, 2);
SELECT interact_favorites(1);
SELECT interact_favorite_lists(1);
SELECT interact_is_favorite(1, '{1}');
SELECT interact_recently_viewed(1);
SELECT interact_cart(1);
SELECT interact_purchases(1);
SELECT interact_reviews(1);
SELECT interact_user_reviews(1);
SELECT interact_reactions(1);
SELECT interact_history(1);
SELECT interact_friends(1);
SELECT interact_followers(1);
SELECT interact_friends_liked(1);
SELECT interact_friends_feed(1);
SELECT interact_people_you_may_know(1);
SELECT interact_user_id('a');
SELECT interact_item_id('a');
SELECT interact_user_ids('{a}');
SELECT interact_item_ids('{a}');
SELECT interact_find_user_id('a');
SELECT interact_find_item_id('a');
SELECT interact_find_user_ids('{a}');
SELECT interact_find_item_ids('{a}');
SELECT interact_user_key(-1);
SELECT interact_item_key(-1);
SELECT interact_user_keys('{-1}');
SELECT interact_item_keys('{-1}');
SELECT interact_merge_users(1, 2);
SELECT interact_forget_user(1);
SELECT interact_forget_item(1);
SELECT interact_export_user(1);
SELECT interact_follow_deletes('pg_class', 'oid', 'item');
SELECT interact_unfollow_deletes('pg_class');
SELECT interact_enable_rls();
SELECT interact_disable_rls();
SELECT FROM interact_key;
SELECT FROM interact_fact;
SELECT recommend(1);
SELECT recommend_for_items('{1}');
SELECT interact_similar_items(1);
SELECT interact_popular(max_items => 1);
SELECT interact_trending(max_items => 1);
SELECT interact_activity();
SELECT interact_item_activity(1);
SELECT interact_active_users();
SELECT interact_retention();
SELECT interact_funnel();
SELECT interact_abandoned_carts();
SELECT interact_check();
SELECT interact_rebuild();
SELECT interact_compact();
SELECT interact_define_event('x');
SELECT interact_set('x', 'x');
SELECT interact_settings();
SELECT interact_grant('regress_interact_none', 'read');
SELECT interact_revoke('regress_interact_read', 'read');
SELECT FROM interact_view;
SELECT FROM interact_affinity;
SELECT FROM interact_item_stats;
INSERT INTO interact_view (user_id, item_id) VALUES (1, 1);
RESET ROLE;

-- write records, by function and by statement, but touches nothing derived.
SET ROLE regress_interact_write;
SELECT interact_record_view(1, 10) AS view,
       interact_record_view(1, 10, dedup => '1 hour') AS dedup,
       interact_add_favorite(1, 10) AS favorite,
       interact_remove_favorite(1, 10) AS unfavorite,
       interact_submit_review(1, 10, 3) AS review,
       interact_submit_review(1, 10, 4) AS changed,
       interact_delete_review(1, 10) AS deleted,
       interact_react(1, 10, 'like') AS "like",
       interact_react(1, 10, 'dislike') AS dislike,
       interact_unreact(1, 10) AS unreact,
       interact_add_to_cart(1, 10) AS cart,
       interact_add_to_cart(1, 10) AS grown,
       interact_remove_from_cart(1, 10) AS removed,
       interact_add_to_cart(1, 11) AS again,
       interact_checkout(1) AS lines;
SELECT interact_record_purchase(1, 12) AS purchase,
       interact_record_purchases('{1,2}', '{13,13}') AS purchases,
       interact_record_views('{1,2}', '{13,13}') AS views,
       interact_record(1, 14, 'view') AS event;
SELECT interact_toggle_favorite(1, 10) AS toggled,
       interact_move_favorite(1, 10, 'favorites', 'gifts') AS moved,
       interact_clear_favorites(1, NULL) AS cleared,
       interact_set_cart_quantity(1, 10, 2) AS quantity,
       interact_clear_cart(1) AS emptied,
       interact_add_friend(1, 3) AS befriended,
       interact_remove_friend(1, 3) AS unfriended;
INSERT INTO interact_view (user_id, item_id) VALUES (3, 10), (4, 10);
UPDATE interact_view SET item_id = 11 WHERE user_id = 3;
DELETE FROM interact_view WHERE user_id = 4;
INSERT INTO interact_friend (user_id, friend_id) VALUES (1, 2);
SELECT interact_user_id('guest') AS guest, interact_item_ids('{sku-1,sku-2}') AS items,
       interact_merge_users(1, interact_user_id('guest')) AS rows;
UPDATE interact_key SET key = 'other';
DELETE FROM interact_key;
SELECT interact_find_user_id('guest');
SELECT interact_forget_user(1);
TRUNCATE interact_view;
INSERT INTO interact_affinity SELECT 1, 1, 1, now(), 1, 0, 1;
UPDATE interact_counter SET count = 1000000;
DELETE FROM interact_counter;
SELECT FROM interact_affinity;
INSERT INTO interact_event_type (id, event) VALUES (20, 'x');
INSERT INTO interact_setting VALUES ('x', 'x');
INSERT INTO interact_pruned (item_id, event, count) VALUES (1, 'view', 1);
CREATE TEMP TABLE own (user_id bigint, item_id bigint);
CREATE TRIGGER own AFTER INSERT ON own
    FOR EACH STATEMENT EXECUTE FUNCTION interact_derive();
DROP TABLE own;
SELECT recommend(1);
SELECT interact_check();
SELECT interact_grant('regress_interact_write', 'read');
RESET ROLE;
SELECT * FROM interact_check();

-- read reads.
SET ROLE regress_interact_read;
SELECT count(*) >= 0 AS recommend FROM recommend(1);
SELECT count(*) >= 0 AS recommend_for_items FROM recommend_for_items('{10}');
SELECT count(*) >= 0 AS similar_items FROM interact_similar_items(10);
SELECT count(*) >= 0 AS popular FROM interact_popular(max_items => 5);
SELECT count(*) >= 0 AS trending FROM interact_trending(max_items => 5);
SELECT sum(events) > 0 AS activity FROM interact_activity();
SELECT sum(events) > 0 AS item_activity FROM interact_item_activity(10);
SELECT max(daily) > 0 AS active_users FROM interact_active_users();
SELECT sum(users) > 0 AS retention FROM interact_retention();
SELECT sum(reached) > 0 AS funnel FROM interact_funnel();
SELECT count(*) AS abandoned_carts FROM interact_abandoned_carts();
SELECT count(*) > 0 AS item_stats FROM interact_item_stats;
SELECT (SELECT count(*) FROM interact_favorites(1)) >= 0 AS favorites,
       (SELECT count(*) FROM interact_favorite_lists(1)) >= 0 AS favorite_lists,
       (SELECT count(*) FROM interact_is_favorite(1, '{1}')) AS is_favorite,
       (SELECT count(*) FROM interact_recently_viewed(1)) >= 0 AS recently_viewed,
       (SELECT count(*) FROM interact_cart(1)) >= 0 AS cart,
       (SELECT count(*) FROM interact_purchases(1)) > 0 AS purchases,
       (SELECT count(*) FROM interact_reviews(1)) >= 0 AS reviews,
       (SELECT count(*) FROM interact_user_reviews(1)) >= 0 AS user_reviews,
       (SELECT count(*) FROM interact_reactions(1)) >= 0 AS reactions,
       (SELECT count(*) FROM interact_history(1)) > 0 AS history;
SELECT (SELECT count(*) FROM interact_friends(1)) AS friends,
       (SELECT count(*) FROM interact_followers(1)) AS followers,
       (SELECT count(*) FROM interact_friends_liked(1)) AS liked,
       (SELECT count(*) FROM interact_friends_feed(1)) AS feed,
       (SELECT count(*) FROM interact_people_you_may_know(1)) AS may_know;
SELECT count(*) AS purchases FROM interact_purchase;
SELECT count(*) > 0 AS facts FROM interact_fact;
SELECT interact_find_user_id('guest') AS guest, interact_user_key(-1) AS key, count(*) AS keys FROM interact_key;
SELECT interact_export_user(1) -> 'user_id' AS export;
INSERT INTO interact_key (kind, key) VALUES ('user', 'x');
SELECT interact_user_id('guest');
INSERT INTO interact_view (user_id, item_id) VALUES (1, 1);
UPDATE interact_review SET rating = 5;
DELETE FROM interact_purchase;
SELECT interact_record_view(1, 1);
SELECT interact_rebuild();
SELECT FROM interact_affinity;
RESET ROLE;

-- admin defines, checks and rebuilds; it neither records nor grants.
SET ROLE regress_interact_admin;
SELECT interact_forget_user(-1) AS rows, interact_forget_item(-2) AS rows;
SELECT interact_enable_rls();
INSERT INTO interact_rls (unrestricted_roles) VALUES ('{}');
INSERT INTO interact_key (kind, key) VALUES ('user', 'x');
SELECT interact_define_event('share') IS NOT NULL AS defined;
SELECT * FROM interact_check();
SELECT count(*) >= 0 AS rebuild FROM interact_rebuild();
SELECT count(*) >= 0 AS compact FROM interact_compact();
SELECT count(*) >= 0 AS settings FROM interact_settings();
SELECT count(*) >= 0 AS affinity FROM interact_affinity;
SELECT interact_record_view(1, 1);
INSERT INTO interact_view (user_id, item_id) VALUES (1, 1);
DELETE FROM interact_affinity;
UPDATE interact_counter SET count = 1000000;
SELECT interact_grant('regress_interact_admin', 'write');
SELECT interact_revoke('regress_interact_read', 'read');
RESET ROLE;

-- The dedup look-up reads the table by itself, and asks before.
REVOKE SELECT ON interact_view FROM regress_interact_write;
SET ROLE regress_interact_write;
SELECT interact_record_view(1, 10, dedup => '1 hour');
RESET ROLE;
SELECT interact_grant('regress_interact_write', 'write');
-- Row security holds for it too.
SELECT interact_record_view(51, 10) AS one, interact_record_view(52, 10) AS two;
ALTER TABLE interact_view ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON interact_view USING (user_id = 51) WITH CHECK (true);
SET ROLE regress_interact_write;
SELECT interact_record_view(51, 10, dedup => '1 hour') AS visible,
       interact_record_view(52, 10, dedup => '1 hour') AS invisible;
RESET ROLE;
DROP POLICY own ON interact_view;
ALTER TABLE interact_view DISABLE ROW LEVEL SECURITY;

-- Revoking one of two capabilities keeps what the other one needs.
SELECT interact_grant('regress interact "odd" ''role''', 'read'),
       interact_grant('regress interact "odd" ''role''', 'write'),
       interact_grant('regress interact "odd" ''role''', 'write');
CREATE TEMP VIEW odd_rights AS
SELECT (SELECT count(*) > 0 FROM member_functions f, aclexplode(f.acl) a
        WHERE a.grantee = r AND f.name LIKE 'interact_popular(%') AS popular,
       has_function_privilege(r, 'interact_unreact(bigint, bigint)', 'EXECUTE') AS unreact,
       has_table_privilege(r, 'interact_view', 'SELECT') AS "select",
       has_table_privilege(r, 'interact_view', 'INSERT') AS "insert",
       has_sequence_privilege(r, 'interact_view_id_seq', 'USAGE') AS nextval,
       has_table_privilege(r, 'interact_event_type', 'SELECT') AS event_type
FROM (SELECT oid FROM pg_roles WHERE rolname = 'regress interact "odd" ''role''') AS t (r);
SELECT * FROM odd_rights;
SELECT interact_revoke('regress interact "odd" ''role''', 'read');
SELECT * FROM odd_rights;
SELECT interact_grant('regress interact "odd" ''role''', 'read');
SELECT interact_revoke('regress interact "odd" ''role''', 'write');
SELECT * FROM odd_rights;
SELECT interact_revoke('regress interact "odd" ''role''', 'read');
SELECT * FROM odd_rights;
SELECT interact_revoke('regress interact "odd" ''role''', 'admin');
-- What is left of three capabilities revoked: nothing.
SELECT interact_revoke('regress_interact_read', 'read'),
       interact_revoke('regress_interact_write', 'write'),
       interact_revoke('regress_interact_admin', 'admin');
SELECT f.name FROM member_functions f, aclexplode(f.acl) a
WHERE a.grantee::regrole::text LIKE '%regress%' ORDER BY 1;
SELECT r.name, a.privilege_type FROM member_relations r, aclexplode(r.acl) a
WHERE a.grantee::regrole::text LIKE '%regress%' ORDER BY 1, 2;

RESET search_path;
DROP EXTENSION interact CASCADE;
DROP VIEW odd_rights, member_functions, member_relations;
DROP SCHEMA interact_priv;
DROP ROLE regress_interact_read, regress_interact_write, regress_interact_admin,
    regress_interact_none, "regress interact ""odd"" 'role'";
