-- Derivation: one C trigger function, one trigger per base table and
-- operation (PostgreSQL allows transition tables for one event each).

CREATE FUNCTION @extschema@.interact_derive() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'interact_derive';
REVOKE ALL ON FUNCTION @extschema@.interact_derive() FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_derive() IS
'Trigger of the base tables: keeps interact_affinity and interact_counter in step with their rows.';

CREATE TRIGGER interact_derive_insert AFTER INSERT ON @extschema@.interact_view
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_update AFTER UPDATE ON @extschema@.interact_view
    REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_delete AFTER DELETE ON @extschema@.interact_view
    REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_truncate AFTER TRUNCATE ON @extschema@.interact_view
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();

CREATE TRIGGER interact_derive_insert AFTER INSERT ON @extschema@.interact_favorite
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_update AFTER UPDATE ON @extschema@.interact_favorite
    REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_delete AFTER DELETE ON @extschema@.interact_favorite
    REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_truncate AFTER TRUNCATE ON @extschema@.interact_favorite
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();

CREATE TRIGGER interact_derive_insert AFTER INSERT ON @extschema@.interact_review
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_update AFTER UPDATE ON @extschema@.interact_review
    REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_delete AFTER DELETE ON @extschema@.interact_review
    REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_truncate AFTER TRUNCATE ON @extschema@.interact_review
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();

CREATE TRIGGER interact_derive_insert AFTER INSERT ON @extschema@.interact_reaction
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_update AFTER UPDATE ON @extschema@.interact_reaction
    REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_delete AFTER DELETE ON @extschema@.interact_reaction
    REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_truncate AFTER TRUNCATE ON @extschema@.interact_reaction
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();

CREATE TRIGGER interact_derive_insert AFTER INSERT ON @extschema@.interact_cart_item
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_update AFTER UPDATE ON @extschema@.interact_cart_item
    REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_delete AFTER DELETE ON @extschema@.interact_cart_item
    REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_truncate AFTER TRUNCATE ON @extschema@.interact_cart_item
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();

CREATE TRIGGER interact_derive_insert AFTER INSERT ON @extschema@.interact_purchase
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_update AFTER UPDATE ON @extschema@.interact_purchase
    REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_delete AFTER DELETE ON @extschema@.interact_purchase
    REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_truncate AFTER TRUNCATE ON @extschema@.interact_purchase
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();

CREATE TRIGGER interact_derive_insert AFTER INSERT ON @extschema@.interact_event
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_update AFTER UPDATE ON @extschema@.interact_event
    REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_delete AFTER DELETE ON @extschema@.interact_event
    REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_truncate AFTER TRUNCATE ON @extschema@.interact_event
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();

CREATE TRIGGER interact_derive_insert AFTER INSERT ON @extschema@.interact_pruned
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_update AFTER UPDATE ON @extschema@.interact_pruned
    REFERENCING OLD TABLE AS removed NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_delete AFTER DELETE ON @extschema@.interact_pruned
    REFERENCING OLD TABLE AS removed
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();
CREATE TRIGGER interact_derive_truncate AFTER TRUNCATE ON @extschema@.interact_pruned
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_derive();

