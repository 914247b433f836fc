-- The recording functions. They run with the caller's privileges on the base
-- tables: the capability 'write' of interact_grant().

CREATE FUNCTION @extschema@.interact_record_view(
    user_id bigint,
    item_id bigint,
    at timestamptz DEFAULT NULL,
    context jsonb DEFAULT NULL,
    dedup interval DEFAULT NULL
) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_record_view';
REVOKE ALL ON FUNCTION @extschema@.interact_record_view(bigint, bigint, timestamptz, jsonb, interval) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_record_view(bigint, bigint, timestamptz, jsonb, interval) IS
'Records that a user viewed an item.
user_id, item_id: required. at: when; null = now; finite, at most one day ahead of the clock. context: anything to keep with the row. dedup: if given, nothing is recorded when the pair has a view at most this far before or after at; positive, at most 36525 days (a day is 24 hours here, a month 30 days).
Returns whether a row was written. Sessions that record the same pair at the same moment never wait for each other; with dedup both may then write.';

CREATE FUNCTION @extschema@.interact_record_views(
    user_ids bigint[],
    item_ids bigint[],
    at timestamptz[] DEFAULT NULL
) RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_record_views';
REVOKE ALL ON FUNCTION @extschema@.interact_record_views(bigint[], bigint[], timestamptz[]) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_record_views(bigint[], bigint[], timestamptz[]) IS
'Records many views with one statement; element n of each array makes row n.
user_ids, item_ids: required, without nulls. at: as in interact_record_view(); null, or a null element, = now. All arrays are one-dimensional and of one length.
Returns the number of rows written, 0 for empty arrays. An error in one element writes none.';

CREATE FUNCTION @extschema@.interact_add_favorite(
    user_id bigint,
    item_id bigint,
    list text DEFAULT 'favorites',
    at timestamptz DEFAULT NULL
) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_add_favorite';
REVOKE ALL ON FUNCTION @extschema@.interact_add_favorite(bigint, bigint, text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_add_favorite(bigint, bigint, text, timestamptz) IS
'Puts an item on a list of a user: favorites, a wishlist or any other.
user_id, item_id: required. list: its name, 1 to 255 bytes, default favorites. at: when; null = now; finite, at most one day ahead of the clock.
Returns true, or false if the item is on the list already, which then stays as it is.';

CREATE FUNCTION @extschema@.interact_remove_favorite(
    user_id bigint,
    item_id bigint,
    list text DEFAULT 'favorites'
) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_remove_favorite';
REVOKE ALL ON FUNCTION @extschema@.interact_remove_favorite(bigint, bigint, text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_remove_favorite(bigint, bigint, text) IS
'Takes an item off a list of a user.
user_id, item_id: required. list: its name, 1 to 255 bytes, default favorites; null = all lists of the user.
Returns whether the item was on it.';

CREATE FUNCTION @extschema@.interact_submit_review(
    user_id bigint,
    item_id bigint,
    rating integer,
    comment text DEFAULT NULL,
    title text DEFAULT NULL,
    at timestamptz DEFAULT NULL
) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_submit_review';
REVOKE ALL ON FUNCTION @extschema@.interact_submit_review(bigint, bigint, integer, text, text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_submit_review(bigint, bigint, integer, text, text, timestamptz) IS
'Rates an item, with or without words. A user has one review of an item: a second one replaces rating, comment and title of the first.
user_id, item_id: required. rating: required, 1 (worst) to 5 (best). comment, title: words, null = none. at: when; null = now; finite, at most one day ahead of the clock; sets updated_at, and created_at of a new review.
Returns true, or false if the same review is there already.';

CREATE FUNCTION @extschema@.interact_delete_review(
    user_id bigint,
    item_id bigint
) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_delete_review';
REVOKE ALL ON FUNCTION @extschema@.interact_delete_review(bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_delete_review(bigint, bigint) IS
'Deletes the review of an item by a user.
user_id, item_id: required.
Returns whether there was one.';

CREATE FUNCTION @extschema@.interact_react(
    user_id bigint,
    item_id bigint,
    reaction text,
    at timestamptz DEFAULT NULL
) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_react';
REVOKE ALL ON FUNCTION @extschema@.interact_react(bigint, bigint, text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_react(bigint, bigint, text, timestamptz) IS
'Sets the reaction of a user to an item. There is one at a time: another one replaces it.
user_id, item_id: required. reaction: required; like, dislike or an event type of kind reaction. at: when; null = now; finite, at most one day ahead of the clock.
Returns true, or false if the same reaction stands already.';

CREATE FUNCTION @extschema@.interact_unreact(
    user_id bigint,
    item_id bigint
) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_unreact';
REVOKE ALL ON FUNCTION @extschema@.interact_unreact(bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_unreact(bigint, bigint) IS
'Takes the reaction of a user to an item back.
user_id, item_id: required.
Returns whether there was one.';

CREATE FUNCTION @extschema@.interact_add_to_cart(
    user_id bigint,
    item_id bigint,
    quantity integer DEFAULT 1,
    at timestamptz DEFAULT NULL
) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_add_to_cart';
REVOKE ALL ON FUNCTION @extschema@.interact_add_to_cart(bigint, bigint, integer, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_add_to_cart(bigint, bigint, integer, timestamptz) IS
'Adds an item to the cart of a user; if it is there, its quantity grows.
user_id, item_id: required. quantity: how many more, at least 1, default 1. at: when; null = now; finite, at most one day ahead of the clock; added_at of a new cart row, without effect on one that is there.
Returns true.';

CREATE FUNCTION @extschema@.interact_remove_from_cart(
    user_id bigint,
    item_id bigint,
    at timestamptz DEFAULT NULL
) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_remove_from_cart';
REVOKE ALL ON FUNCTION @extschema@.interact_remove_from_cart(bigint, bigint, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_remove_from_cart(bigint, bigint, timestamptz) IS
'Takes an item, whatever its quantity, out of the cart of a user. The row stays, with removed_at.
user_id, item_id: required. at: when; null = now; finite, at most one day ahead of the clock.
Returns whether it was in the cart.';

CREATE FUNCTION @extschema@.interact_checkout(
    user_id bigint,
    order_id text DEFAULT NULL,
    at timestamptz DEFAULT NULL
) RETURNS integer
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_checkout';
REVOKE ALL ON FUNCTION @extschema@.interact_checkout(bigint, text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_checkout(bigint, text, timestamptz) IS
'Buys what is in the cart of a user: closes its rows with purchased_at and adds a row to interact_purchase for each, without a price.
user_id: required. order_id: of the purchases, 1 to 255 bytes; null = unknown. at: when; null = now; finite, at most one day ahead of the clock.
Returns the number of purchases, 0 for an empty cart.';

CREATE FUNCTION @extschema@.interact_record_purchase(
    user_id bigint,
    item_id bigint,
    quantity integer DEFAULT 1,
    unit_price numeric DEFAULT NULL,
    order_id text DEFAULT NULL,
    at timestamptz DEFAULT NULL
) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_record_purchase';
REVOKE ALL ON FUNCTION @extschema@.interact_record_purchase(bigint, bigint, integer, numeric, text, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_record_purchase(bigint, bigint, integer, numeric, text, timestamptz) IS
'Records that a user bought an item; the cart stays as it is.
user_id, item_id: required. quantity: at least 1, default 1. unit_price: price of one, finite, not negative; null = unknown. order_id: 1 to 255 bytes; null = unknown. at: when; null = now; finite, at most one day ahead of the clock.
Returns true.';

CREATE FUNCTION @extschema@.interact_record_purchases(
    user_ids bigint[],
    item_ids bigint[],
    quantities integer[] DEFAULT NULL,
    unit_prices numeric[] DEFAULT NULL,
    order_ids text[] DEFAULT NULL,
    at timestamptz[] DEFAULT NULL
) RETURNS bigint
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_record_purchases';
REVOKE ALL ON FUNCTION @extschema@.interact_record_purchases(bigint[], bigint[], integer[], numeric[], text[], timestamptz[]) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_record_purchases(bigint[], bigint[], integer[], numeric[], text[], timestamptz[]) IS
'Records many purchases with one statement; element n of each array makes row n.
user_ids, item_ids: required, without nulls. quantities, unit_prices, order_ids, at: as in interact_record_purchase(); null, or a null element, = its default. All arrays are one-dimensional and of one length.
Returns the number of rows written, 0 for empty arrays. An error in one element writes none.';

CREATE FUNCTION @extschema@.interact_record(
    user_id bigint,
    item_id bigint,
    event text,
    value numeric DEFAULT NULL,
    at timestamptz DEFAULT NULL,
    context jsonb DEFAULT NULL
) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_record';
REVOKE ALL ON FUNCTION @extschema@.interact_record(bigint, bigint, text, numeric, timestamptz, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_record(bigint, bigint, text, numeric, timestamptz, jsonb) IS
'Records an event of any type: one function for applications that keep the type in a variable.
user_id, item_id: required. event: required, name of an event type. value: of a custom event any finite number or null; of cart the quantity, default 1; of purchase the unit price or null; of rating the rating, required, which leaves the words of a review as they are; others take none. at: when; null = now; finite, at most one day ahead of the clock. context: anything to keep with a view or a custom event; others take none.
Returns whether anything changed, as the function for that type does.';

