-- What changes a user's lists and cart, beside interact_add_favorite() and its
-- like in 50_record.sql.

CREATE FUNCTION @extschema@.interact_toggle_favorite(
    user_id bigint,
    item_id bigint,
    list text DEFAULT 'favorites',
    at timestamptz DEFAULT NULL
) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_toggle_favorite';
REVOKE ALL ON FUNCTION @extschema@.interact_toggle_favorite(bigint, bigint, text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_toggle_favorite(bigint, bigint, text, timestamptz) IS
'Takes an item off a list of a user if it is there, else puts it there: what the heart beside a product does.
user_id, item_id: required. list: its name, 1 to 255 bytes, default favorites. at: when, if it is added; null = now; finite, at most one day ahead of the clock.
Returns whether the item is on the list now. Toggling twice at the same moment is the same as one after the other.';

CREATE FUNCTION @extschema@.interact_move_favorite(
    user_id bigint,
    item_id bigint,
    from_list text,
    to_list text
) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_move_favorite';
REVOKE ALL ON FUNCTION @extschema@.interact_move_favorite(bigint, bigint, text, text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_move_favorite(bigint, bigint, text, text) IS
'Moves an item from one list of a user to another; the time it was put on a list stays. If the other list has it already, it is only taken off the first one.
user_id, item_id: required. from_list, to_list: required, 1 to 255 bytes, not the same.
Returns whether the item was on from_list. Error 23505 if another session puts it on to_list at the same moment.';

CREATE FUNCTION @extschema@.interact_clear_favorites(
    user_id bigint,
    list text DEFAULT 'favorites'
) RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_clear_favorites';
REVOKE ALL ON FUNCTION @extschema@.interact_clear_favorites(bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_clear_favorites(bigint, text) IS
'Takes everything off a list of a user.
user_id: required. list: its name, 1 to 255 bytes, default favorites; null = all lists of the user.
Returns how many rows were removed.';

CREATE FUNCTION @extschema@.interact_set_cart_quantity(
    user_id bigint,
    item_id bigint,
    quantity integer,
    at timestamptz DEFAULT NULL
) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_set_cart_quantity';
REVOKE ALL ON FUNCTION @extschema@.interact_set_cart_quantity(bigint, bigint, integer, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_set_cart_quantity(bigint, bigint, integer, timestamptz) IS
'Sets how many of an item are in the cart of a user; adds it if it is not there.
user_id, item_id: required. quantity: required; 0 takes the item out, as interact_remove_from_cart() does. at: when, if it is added or taken out; null = now; finite, at most one day ahead of the clock.
Returns whether anything changed.';

CREATE FUNCTION @extschema@.interact_clear_cart(
    user_id bigint,
    at timestamptz DEFAULT NULL
) RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_clear_cart';
REVOKE ALL ON FUNCTION @extschema@.interact_clear_cart(bigint, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_clear_cart(bigint, timestamptz) IS
'Takes everything out of the cart of a user. The rows stay, with removed_at.
user_id: required. at: when; null = now; finite, at most one day ahead of the clock.
Returns how many items were in it.';
