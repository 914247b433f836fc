-- Private by default: PUBLIC has no right on anything here, whatever the
-- default privileges of the database say. Functions revoke theirs where they
-- are created.

REVOKE ALL ON TABLE
    @extschema@.interact_view,
    @extschema@.interact_favorite,
    @extschema@.interact_review,
    @extschema@.interact_reaction,
    @extschema@.interact_cart_item,
    @extschema@.interact_purchase,
    @extschema@.interact_event,
    @extschema@.interact_friend,
    @extschema@.interact_event_type,
    @extschema@.interact_key,
    @extschema@.interact_setting,
    @extschema@.interact_pruned,
    @extschema@.interact_rls,
    @extschema@.interact_affinity,
    @extschema@.interact_counter,
    @extschema@.interact_catalogue,
    @extschema@.interact_fact,
    @extschema@.interact_audit_fact,
    @extschema@.interact_audit_pair,
    @extschema@.interact_audit_counter,
    @extschema@.interact_audit_catalogue,
    @extschema@.interact_item_stats,
    @extschema@.interact_item_event_stats,
    @extschema@.interact_user_stats
FROM PUBLIC;
REVOKE ALL ON SEQUENCE
    @extschema@.interact_view_id_seq,
    @extschema@.interact_favorite_id_seq,
    @extschema@.interact_review_id_seq,
    @extschema@.interact_reaction_id_seq,
    @extschema@.interact_cart_item_id_seq,
    @extschema@.interact_purchase_id_seq,
    @extschema@.interact_event_id_seq,
    @extschema@.interact_friend_id_seq,
    @extschema@.interact_key_id_seq,
    @extschema@.interact_pruned_id_seq
FROM PUBLIC;

CREATE FUNCTION @extschema@.interact_grant(role text, capability text)
RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_grant';
REVOKE ALL ON FUNCTION @extschema@.interact_grant(text, text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_grant(text, text) IS
'Gives a role all privileges it needs for a capability.
role: name of an existing role. capability: read (recommendations, popularity, lists, analytics; SELECT on the base tables), write (the recording functions; SELECT, INSERT, UPDATE, DELETE on the base tables) or admin (event types, settings, check, rebuild; SELECT on the derived tables).
Call it once per role and capability, and again after an update of the extension that adds functions. Only the owner of the extension or a superuser can.';

CREATE FUNCTION @extschema@.interact_revoke(role text, capability text)
RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_revoke';
REVOKE ALL ON FUNCTION @extschema@.interact_revoke(text, text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_revoke(text, text) IS
'Takes from a role what interact_grant() gave it for a capability.
role: name of an existing role. capability: read, write or admin.
What another capability of the role includes stays with it, and USAGE on the schema stays. Only the owner of the extension or a superuser can.';

