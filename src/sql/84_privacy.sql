-- Privacy: merging a guest into a user, forgetting, exporting, following what
-- the application deletes, row-level security.

CREATE FUNCTION @extschema@.interact_merge_users(into_user_id bigint, from_user_id bigint)
RETURNS bigint
    LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'interact_merge_users';
REVOKE ALL ON FUNCTION @extschema@.interact_merge_users(bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_merge_users(bigint, bigint) IS
'Makes everything of one user, a guest who logs in, another''s. into_user_id: who gets it. from_user_id: who has nothing afterwards. Where both have a row of which a user can have only one: favorites and friends keep the earlier time, of two reviews or reactions the newer one stays, quantities of open carts are added (2147483647 at most). A key of the guest stays a key of from_user_id. Returns how many rows the guest had, 0 for an unknown one; may be called again. Errors: the ids are the same; the session is restricted by interact.user_id.';

CREATE FUNCTION @extschema@.interact_forget_user(user_id bigint)
RETURNS bigint
    LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'interact_forget_user';
REVOKE ALL ON FUNCTION @extschema@.interact_forget_user(bigint) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_forget_user(bigint) IS
'Deletes every row that tells of a user, the key included, and with them what was derived. Returns how many rows they were, 0 for an unknown user. Others go on recording meanwhile.';

CREATE FUNCTION @extschema@.interact_forget_item(item_id bigint)
RETURNS bigint
    LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'interact_forget_item';
REVOKE ALL ON FUNCTION @extschema@.interact_forget_item(bigint) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_forget_item(bigint) IS
'Deletes every row that tells of an item, its key and what was carried over by pruning included, and with them what was derived. Returns how many rows they were, 0 for an unknown item.';

CREATE FUNCTION @extschema@.interact_export_user(user_id bigint)
RETURNS jsonb
    LANGUAGE sql STABLE PARALLEL SAFE
    SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT jsonb_build_object(
           'user_id', u.id,
           'key', @extschema@.interact_user_key(u.id),
           'view', COALESCE((
               SELECT jsonb_agg(to_jsonb(t) - 'user_id' ORDER BY t.viewed_at, t.id)
                 FROM @extschema@.interact_view AS t WHERE t.user_id = u.id), '[]'),
           'favorite', COALESCE((
               SELECT jsonb_agg(to_jsonb(t) - 'user_id' ORDER BY t.created_at, t.id)
                 FROM @extschema@.interact_favorite AS t WHERE t.user_id = u.id), '[]'),
           'review', COALESCE((
               SELECT jsonb_agg(to_jsonb(t) - 'user_id' ORDER BY t.created_at, t.id)
                 FROM @extschema@.interact_review AS t WHERE t.user_id = u.id), '[]'),
           'reaction', COALESCE((
               SELECT jsonb_agg(to_jsonb(t) - 'user_id' ORDER BY t.created_at, t.id)
                 FROM @extschema@.interact_reaction AS t WHERE t.user_id = u.id), '[]'),
           'cart_item', COALESCE((
               SELECT jsonb_agg(to_jsonb(t) - 'user_id' ORDER BY t.added_at, t.id)
                 FROM @extschema@.interact_cart_item AS t WHERE t.user_id = u.id), '[]'),
           'purchase', COALESCE((
               SELECT jsonb_agg(to_jsonb(t) - 'user_id' ORDER BY t.purchased_at, t.id)
                 FROM @extschema@.interact_purchase AS t WHERE t.user_id = u.id), '[]'),
           'event', COALESCE((
               SELECT jsonb_agg(to_jsonb(t) - 'user_id' ORDER BY t.occurred_at, t.id)
                 FROM @extschema@.interact_event AS t WHERE t.user_id = u.id), '[]'),
           'friend', COALESCE((
               SELECT jsonb_agg(to_jsonb(t) - 'user_id' ORDER BY t.created_at, t.id)
                 FROM @extschema@.interact_friend AS t WHERE t.user_id = u.id), '[]'),
           'item_keys', COALESCE((
               SELECT jsonb_object_agg(k.id::text, k.key)
                 FROM @extschema@.interact_key AS k
                WHERE k.kind = 'item'
                  AND k.id IN (SELECT item_id FROM @extschema@.interact_view WHERE user_id = u.id
                               UNION SELECT item_id FROM @extschema@.interact_favorite WHERE user_id = u.id
                               UNION SELECT item_id FROM @extschema@.interact_review WHERE user_id = u.id
                               UNION SELECT item_id FROM @extschema@.interact_reaction WHERE user_id = u.id
                               UNION SELECT item_id FROM @extschema@.interact_cart_item WHERE user_id = u.id
                               UNION SELECT item_id FROM @extschema@.interact_purchase WHERE user_id = u.id
                               UNION SELECT item_id FROM @extschema@.interact_event WHERE user_id = u.id)), '{}'))
      FROM (SELECT @extschema@.interact_arg_user($1) AS id) AS u
$function$;
REVOKE ALL ON FUNCTION @extschema@.interact_export_user(bigint) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_export_user(bigint) IS
'Everything the base tables tell of a user, as one document: user_id, key (null if none), for each base table an array of the user''s rows, oldest first, and item_keys, which tells the keys of the negative item ids among them. Who follows the user is not in it.';

-- The trigger function runs with the rights of its owner, see privacy.c.
CREATE FUNCTION @extschema@.interact_forget_deleted() RETURNS trigger
    LANGUAGE C SECURITY DEFINER
    SET search_path = pg_catalog, pg_temp
    AS 'MODULE_PATHNAME', 'interact_forget_deleted';
REVOKE ALL ON FUNCTION @extschema@.interact_forget_deleted() FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_forget_deleted() IS
'Trigger of tables of the application: forgets users or items whose rows are deleted there. Created by interact_follow_deletes().';

CREATE FUNCTION @extschema@.interact_follow_deletes(table_name regclass, key_column name, kind text)
RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'interact_follow_deletes';
REVOKE ALL ON FUNCTION @extschema@.interact_follow_deletes(regclass, name, text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_follow_deletes(regclass, name, text) IS
'Puts triggers on a table of the application, so that a user or item deleted there is forgotten here in the same transaction, whoever deletes it. table_name: a table the caller owns. key_column: its column with the ids (smallint, integer, bigint) or keys (text, varchar, uuid); it needs a unique index of its own. kind: user or item. A second call replaces the first. DROP EXTENSION drops the triggers.';

CREATE FUNCTION @extschema@.interact_unfollow_deletes(table_name regclass)
RETURNS boolean
    LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'interact_unfollow_deletes';
REVOKE ALL ON FUNCTION @extschema@.interact_unfollow_deletes(regclass) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_unfollow_deletes(regclass) IS
'Drops the triggers of interact_follow_deletes(). table_name: a table the caller owns. Returns whether it had any.';

-- What row-level security is wanted. Policies on tables of an extension are not
-- dumped; this table is, and its trigger creates them again.
CREATE TABLE @extschema@.interact_rls (
    enabled            boolean NOT NULL DEFAULT true PRIMARY KEY CHECK (enabled),
    unrestricted_roles text[] NOT NULL
                       CHECK (pg_catalog.array_position(unrestricted_roles, NULL) IS NULL)
);
COMMENT ON TABLE @extschema@.interact_rls IS
'One row if row-level security is on, none otherwise. Change it with interact_enable_rls() and interact_disable_rls().';
COMMENT ON COLUMN @extschema@.interact_rls.enabled IS 'Always true: there is at most one row.';
COMMENT ON COLUMN @extschema@.interact_rls.unrestricted_roles IS
'Names of the roles that see and write all rows while interact.user_id is empty.';
SELECT pg_catalog.pg_extension_config_dump('@extschema@.interact_rls', '');

CREATE FUNCTION @extschema@.interact_rls_trigger() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'interact_rls_trigger';
REVOKE ALL ON FUNCTION @extschema@.interact_rls_trigger() FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_rls_trigger() IS
'Trigger of interact_rls: creates and drops the policies of the base tables.';
CREATE TRIGGER interact_rls_apply
    AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON @extschema@.interact_rls
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_rls_trigger();

CREATE FUNCTION @extschema@.interact_enable_rls(unrestricted_roles text[] DEFAULT '{}')
RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'interact_enable_rls';
REVOKE ALL ON FUNCTION @extschema@.interact_enable_rls(text[]) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_enable_rls(text[]) IS
'Switches row-level security on for the base tables and interact_key: a role sees and writes the rows of the user in the setting interact.user_id, and none if that is empty. unrestricted_roles: names of roles that see and write all rows while it is empty: the application''s own and those with the capability admin. A second call replaces the first. Only the owner of the extension or a superuser can.';

CREATE FUNCTION @extschema@.interact_disable_rls()
RETURNS void
    LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'interact_disable_rls';
REVOKE ALL ON FUNCTION @extschema@.interact_disable_rls() FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_disable_rls() IS
'Takes back what interact_enable_rls() did; other policies stay. Only the owner of the extension or a superuser can.';
