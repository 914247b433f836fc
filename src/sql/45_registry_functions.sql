-- Event types and settings: functions that change them, triggers that guard
-- them and tell every session.

CREATE FUNCTION @extschema@.interact_event_type_trigger() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'interact_event_type_trigger';
REVOKE ALL ON FUNCTION @extschema@.interact_event_type_trigger() FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_event_type_trigger() IS
'Trigger of interact_event_type: protects built-in rows, tells every session of a change.';

CREATE TRIGGER interact_event_type_guard
    BEFORE INSERT OR UPDATE OR DELETE ON @extschema@.interact_event_type
    FOR EACH ROW EXECUTE FUNCTION @extschema@.interact_event_type_trigger();
CREATE TRIGGER interact_event_type_truncate
    BEFORE TRUNCATE ON @extschema@.interact_event_type
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_event_type_trigger();
CREATE TRIGGER interact_event_type_notify
    AFTER INSERT OR UPDATE OR DELETE ON @extschema@.interact_event_type
    FOR EACH ROW EXECUTE FUNCTION @extschema@.interact_event_type_trigger();
CREATE FUNCTION @extschema@.interact_restored() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'interact_restored';
REVOKE ALL ON FUNCTION @extschema@.interact_restored() FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_restored() IS
'Trigger of interact_event_type: while a dump is restored, derives rows whose event type came after them.';

CREATE TRIGGER interact_event_type_restored
    AFTER INSERT ON @extschema@.interact_event_type
    FOR EACH STATEMENT EXECUTE FUNCTION @extschema@.interact_restored();
-- also where a subscription applies the change
ALTER TABLE @extschema@.interact_event_type
    ENABLE ALWAYS TRIGGER interact_event_type_notify;

CREATE FUNCTION @extschema@.interact_setting_trigger() RETURNS trigger
    LANGUAGE C AS 'MODULE_PATHNAME', 'interact_setting_trigger';
REVOKE ALL ON FUNCTION @extschema@.interact_setting_trigger() FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_setting_trigger() IS
'Trigger of interact_setting: checks names and ranges, tells every session of a change.';

CREATE TRIGGER interact_setting_guard
    BEFORE INSERT OR UPDATE ON @extschema@.interact_setting
    FOR EACH ROW EXECUTE FUNCTION @extschema@.interact_setting_trigger();
CREATE TRIGGER interact_setting_notify
    AFTER INSERT OR UPDATE OR DELETE ON @extschema@.interact_setting
    FOR EACH ROW EXECUTE FUNCTION @extschema@.interact_setting_trigger();
ALTER TABLE @extschema@.interact_setting
    ENABLE ALWAYS TRIGGER interact_setting_notify;

CREATE FUNCTION @extschema@.interact_define_event(
    event text,
    weight real DEFAULT NULL,
    kind text DEFAULT NULL,
    shareable boolean DEFAULT NULL)
RETURNS smallint
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'interact_define_event';
REVOKE ALL ON FUNCTION @extschema@.interact_define_event(text, real, text, boolean) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_define_event(text, real, text, boolean) IS
'Adds an event type or changes one, in effect for every session at commit. event: its name, 1 to 63 bytes without spaces. weight: how much it says about interest, -100 to 100, a view says 1, negative means dislike (new: 1). kind: ''event'' for rows of interact_event, ''reaction'' for interact_reaction (new: event; cannot be changed later). shareable: whether friends may see it (new: false). NULL keeps what was. Returns the id. Error when 31 event types exist.';

CREATE FUNCTION @extschema@.interact_set(name text, value text DEFAULT NULL)
RETURNS text
    LANGUAGE C VOLATILE PARALLEL UNSAFE
    AS 'MODULE_PATHNAME', 'interact_set';
REVOKE ALL ON FUNCTION @extschema@.interact_set(text, text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_set(text, text) IS
'Stores a setting for the whole database, in effect for every session at commit. name: see interact_settings(). value: as text; NULL goes back to the default. Returns the value in force. A change of trending_half_life raises a notice: stored trends follow it after interact_rebuild(''hot''). Error for unknown names and values out of range.';

CREATE FUNCTION @extschema@.interact_settings(
    OUT name text, OUT value text, OUT default_value text,
    OUT min_value text, OUT max_value text, OUT description text)
RETURNS SETOF record
    LANGUAGE C STABLE PARALLEL SAFE ROWS 20
    AS 'MODULE_PATHNAME', 'interact_settings_list';
REVOKE ALL ON FUNCTION @extschema@.interact_settings() FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_settings() IS
'All settings with the value in force, default, range and meaning.';

