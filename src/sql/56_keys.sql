-- Text and uuid keys: functions on interact_key.

CREATE FUNCTION @extschema@.interact_user_id(key text)
RETURNS bigint
    LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'interact_user_id';
REVOKE ALL ON FUNCTION @extschema@.interact_user_id(text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_user_id(text) IS
'The id of a user that the application knows by a text or uuid key; a key that is seen for the first time is given one, always negative. key: 1 to 1024 bytes; a uuid in its usual form, in any case, in braces or not, is the key it is in lower case. Two sessions that see a key for the first time get one id: the second waits for the transaction of the first. Error in a session restricted by interact.user_id unless it is the key of that user.';

CREATE FUNCTION @extschema@.interact_user_ids(keys text[])
RETURNS bigint[]
    LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'interact_user_ids';
REVOKE ALL ON FUNCTION @extschema@.interact_user_ids(text[]) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_user_ids(text[]) IS
'The ids of many keys, in their order; those seen for the first time are given one, with one statement. keys: as in interact_user_id(), without nulls.';

CREATE FUNCTION @extschema@.interact_find_user_id(key text)
RETURNS bigint
    LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'interact_find_user_id';
REVOKE ALL ON FUNCTION @extschema@.interact_find_user_id(text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_find_user_id(text) IS
'The id of a user''s key, null if it has none; writes nothing. key: as in interact_user_id(). Error in a session restricted by interact.user_id unless it is the key of that user.';

CREATE FUNCTION @extschema@.interact_find_user_ids(keys text[])
RETURNS bigint[]
    LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'interact_find_user_ids';
REVOKE ALL ON FUNCTION @extschema@.interact_find_user_ids(text[]) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_find_user_ids(text[]) IS
'The ids of many keys, in their order, null for those that have none; writes nothing. keys: as in interact_user_id(), without nulls.';

CREATE FUNCTION @extschema@.interact_user_key(user_id bigint)
RETURNS text
    LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'interact_user_key';
REVOKE ALL ON FUNCTION @extschema@.interact_user_key(bigint) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_user_key(bigint) IS
'The key a user''s id stands for, null if none.';

CREATE FUNCTION @extschema@.interact_user_keys(user_ids bigint[])
RETURNS text[]
    LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'interact_user_keys';
REVOKE ALL ON FUNCTION @extschema@.interact_user_keys(bigint[]) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_user_keys(bigint[]) IS
'The keys that many ids stand for, in their order, null where none. user_ids: without nulls.';

CREATE FUNCTION @extschema@.interact_item_id(key text)
RETURNS bigint
    LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'interact_item_id';
REVOKE ALL ON FUNCTION @extschema@.interact_item_id(text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_item_id(text) IS
'The id of an item that the application knows by a text or uuid key; a key that is seen for the first time is given one, always negative. key: 1 to 1024 bytes; a uuid in its usual form, in any case, in braces or not, is the key it is in lower case. Two sessions that see a key for the first time get one id: the second waits for the transaction of the first.';

CREATE FUNCTION @extschema@.interact_item_ids(keys text[])
RETURNS bigint[]
    LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'interact_item_ids';
REVOKE ALL ON FUNCTION @extschema@.interact_item_ids(text[]) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_item_ids(text[]) IS
'The ids of many keys, in their order; those seen for the first time are given one, with one statement. keys: as in interact_item_id(), without nulls.';

CREATE FUNCTION @extschema@.interact_find_item_id(key text)
RETURNS bigint
    LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'interact_find_item_id';
REVOKE ALL ON FUNCTION @extschema@.interact_find_item_id(text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_find_item_id(text) IS
'The id of an item''s key, null if it has none; writes nothing. key: as in interact_item_id().';

CREATE FUNCTION @extschema@.interact_find_item_ids(keys text[])
RETURNS bigint[]
    LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'interact_find_item_ids';
REVOKE ALL ON FUNCTION @extschema@.interact_find_item_ids(text[]) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_find_item_ids(text[]) IS
'The ids of many keys, in their order, null for those that have none; writes nothing. keys: as in interact_item_id(), without nulls.';

CREATE FUNCTION @extschema@.interact_item_key(item_id bigint)
RETURNS text
    LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'interact_item_key';
REVOKE ALL ON FUNCTION @extschema@.interact_item_key(bigint) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_item_key(bigint) IS
'The key an item''s id stands for, null if none.';

CREATE FUNCTION @extschema@.interact_item_keys(item_ids bigint[])
RETURNS text[]
    LANGUAGE C STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'interact_item_keys';
REVOKE ALL ON FUNCTION @extschema@.interact_item_keys(bigint[]) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_item_keys(bigint[]) IS
'The keys that many ids stand for, in their order, null where none. item_ids: without nulls.';
