-- Checks of arguments for functions that are written in SQL. Functions in C
-- check theirs themselves.

CREATE FUNCTION @extschema@.interact_arg_user(value bigint, name text DEFAULT 'user_id')
RETURNS bigint
    LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'interact_arg_user_sql';
REVOKE ALL ON FUNCTION @extschema@.interact_arg_user(bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_arg_user(bigint, text) IS
'Returns value, the id of a user that a function is called for. Errors: value is null, or another user than the one in the setting interact.user_id, unless that is empty. name: what messages call it.';

CREATE FUNCTION @extschema@.interact_arg_id(value bigint, name text)
RETURNS bigint
    LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'interact_arg_id_sql';
REVOKE ALL ON FUNCTION @extschema@.interact_arg_id(bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_arg_id(bigint, text) IS
'Returns value, an id that a function is called with. Error: value is null. name: what messages call it.';

CREATE FUNCTION @extschema@.interact_arg_max_items(value integer)
RETURNS integer
    LANGUAGE C IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'interact_arg_max_items_sql';
REVOKE ALL ON FUNCTION @extschema@.interact_arg_max_items(integer) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_arg_max_items(integer) IS
'Returns value, how many items a function may return at most. Error: value is null or not from 0 to 1000.';
