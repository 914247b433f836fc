-- Lists of what a user did, and of what was said of an item: keyset pages, each
-- a range of an index. They run with the caller's privileges on the base
-- tables.

CREATE FUNCTION @extschema@.interact_favorites(
    user_id bigint,
    list text DEFAULT 'favorites',
    max_items integer DEFAULT 20,
    before timestamptz DEFAULT NULL,
    before_id bigint DEFAULT NULL)
RETURNS TABLE (
    id bigint,
    item_id bigint,
    list_name text,
    created_at timestamptz)
LANGUAGE C STABLE PARALLEL SAFE ROWS 20 COST 1000
AS 'MODULE_PATHNAME', 'interact_favorites';
REVOKE ALL ON FUNCTION @extschema@.interact_favorites(bigint, text, integer, timestamptz, bigint) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_favorites(bigint, text, integer, timestamptz, bigint) IS
'What is on a list of a user, newest first.
user_id: required. list: its name, 1 to 255 bytes, default favorites; null = all lists. max_items: at most so many rows, 0 to 1000, default 20. before, before_id: the time and id of the last row of the page before, for the next one; before alone for rows before a time; null = the first page.
Returns id of the row, item_id, list_name, created_at. An item on several lists comes once for each.
Errors: user_id null, max_items null or out of range, before_id without before, list of wrong length.';

CREATE FUNCTION @extschema@.interact_favorite_lists(
    user_id bigint,
    max_items integer DEFAULT 100,
    after_list text DEFAULT NULL)
RETURNS TABLE (
    list_name text,
    items bigint,
    last_at timestamptz)
LANGUAGE C STABLE PARALLEL SAFE ROWS 20 COST 1000
AS 'MODULE_PATHNAME', 'interact_favorite_lists';
REVOKE ALL ON FUNCTION @extschema@.interact_favorite_lists(bigint, integer, text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_favorite_lists(bigint, integer, text) IS
'The lists of a user that have something on them, in the order of names.
user_id: required. max_items: at most so many lists, 0 to 1000, default 100. after_list: the last name of the page before, for the next one; null = the first page.
Returns list_name; items: how many are on it, which are counted, so the cost is that of reading as many index entries; last_at: when the latest was put there.
Errors: user_id null, max_items null or out of range, after_list of wrong length.';

CREATE FUNCTION @extschema@.interact_is_favorite(
    user_id bigint,
    item_ids bigint[],
    list text DEFAULT NULL)
RETURNS TABLE (
    item_id bigint,
    is_favorite boolean)
LANGUAGE C STABLE PARALLEL SAFE ROWS 20 COST 1000
AS 'MODULE_PATHNAME', 'interact_is_favorite';
REVOKE ALL ON FUNCTION @extschema@.interact_is_favorite(bigint, bigint[], text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_is_favorite(bigint, bigint[], text) IS
'Which of some items a user has on a list: the hearts of a whole grid of products with one call.
user_id: required. item_ids: required, at most 1000, without nulls. list: its name, 1 to 255 bytes; null (default) = any list.
Returns a row for each element of item_ids, in their order.
Errors: user_id or item_ids null, more than 1000 items, list of wrong length.';

CREATE FUNCTION @extschema@.interact_recently_viewed(
    user_id bigint,
    max_items integer DEFAULT 20,
    before timestamptz DEFAULT NULL,
    before_item_id bigint DEFAULT NULL)
RETURNS TABLE (
    item_id bigint,
    viewed_at timestamptz)
LANGUAGE C STABLE PARALLEL SAFE ROWS 20 COST 1000
AS 'MODULE_PATHNAME', 'interact_recently_viewed';
REVOKE ALL ON FUNCTION @extschema@.interact_recently_viewed(bigint, integer, timestamptz, bigint) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_recently_viewed(bigint, integer, timestamptz, bigint) IS
'The items a user viewed, each once, the latest first.
user_id: required. max_items: at most so many items, 0 to 1000, default 20. before, before_item_id: viewed_at and item_id of the last row of the page before, for the next one; before alone for items last viewed before a time; null = the first page.
Returns item_id; viewed_at: its latest view. An item that is viewed again moves to the first page.
Errors: user_id null, max_items null or out of range, before_item_id without before.
Method: threshold algorithm (Fagin, Lotem, Naor 2001) over the log of views and interact_affinity; many views of one item cost nothing.';

CREATE FUNCTION @extschema@.interact_cart(
    user_id bigint,
    max_items integer DEFAULT 1000,
    before timestamptz DEFAULT NULL,
    before_id bigint DEFAULT NULL)
RETURNS TABLE (
    id bigint,
    item_id bigint,
    quantity integer,
    added_at timestamptz)
LANGUAGE C STABLE PARALLEL SAFE ROWS 20 COST 1000
AS 'MODULE_PATHNAME', 'interact_cart';
REVOKE ALL ON FUNCTION @extschema@.interact_cart(bigint, integer, timestamptz, bigint) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_cart(bigint, integer, timestamptz, bigint) IS
'What is in the cart of a user, latest addition first.
user_id: required. max_items: at most so many rows, 0 to 1000, default 1000. before, before_id: the time and id of the last row of the page before, for the next one; before alone for rows before a time; null = the first page.
Returns id of the row, item_id, quantity, added_at: when it was first added.
Errors: user_id null, max_items null or out of range, before_id without before.';

CREATE FUNCTION @extschema@.interact_purchases(
    user_id bigint,
    max_items integer DEFAULT 20,
    before timestamptz DEFAULT NULL,
    before_id bigint DEFAULT NULL)
RETURNS TABLE (
    id bigint,
    item_id bigint,
    quantity integer,
    unit_price numeric,
    order_id text,
    purchased_at timestamptz)
LANGUAGE C STABLE PARALLEL SAFE ROWS 20 COST 1000
AS 'MODULE_PATHNAME', 'interact_purchases';
REVOKE ALL ON FUNCTION @extschema@.interact_purchases(bigint, integer, timestamptz, bigint) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_purchases(bigint, integer, timestamptz, bigint) IS
'What a user bought, latest first.
user_id: required. max_items: at most so many rows, 0 to 1000, default 20. before, before_id: the time and id of the last row of the page before, for the next one; before alone for rows before a time; null = the first page.
Returns id of the row, item_id, quantity, unit_price and order_id, which are null where unknown, and purchased_at.
Errors: user_id null, max_items null or out of range, before_id without before.';

CREATE FUNCTION @extschema@.interact_reviews(
    item_id bigint,
    sort text DEFAULT 'newest',
    rating integer DEFAULT NULL,
    max_items integer DEFAULT 20,
    before timestamptz DEFAULT NULL,
    before_id bigint DEFAULT NULL,
    before_rating integer DEFAULT NULL)
RETURNS TABLE (
    id bigint,
    user_id bigint,
    stars smallint,
    title text,
    comment text,
    created_at timestamptz,
    updated_at timestamptz)
LANGUAGE C STABLE PARALLEL SAFE ROWS 20 COST 1000
AS 'MODULE_PATHNAME', 'interact_reviews';
REVOKE ALL ON FUNCTION @extschema@.interact_reviews(bigint, text, integer, integer, timestamptz, bigint, integer) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_reviews(bigint, text, integer, integer, timestamptz, bigint, integer) IS
'The reviews of an item.
item_id: required. sort: newest (default), highest or lowest rating first; those of one rating come newest first. rating: only reviews with this rating, 1 to 5; null (default) = all. max_items: at most so many rows, 0 to 1000, default 20. before, before_id: created_at and id of the last row of the page before, for the next one; sorted by rating, before_rating is its stars; null = the first page.
Returns id of the row, user_id, stars: the rating, title and comment, null if there are none, created_at, updated_at.
Errors: item_id, sort or max_items null, unknown sort, rating or max_items out of range, before_id without before, sorted by rating before without before_rating.';

CREATE FUNCTION @extschema@.interact_user_reviews(
    user_id bigint,
    max_items integer DEFAULT 20,
    before timestamptz DEFAULT NULL,
    before_id bigint DEFAULT NULL)
RETURNS TABLE (
    id bigint,
    item_id bigint,
    rating smallint,
    title text,
    comment text,
    created_at timestamptz,
    updated_at timestamptz)
LANGUAGE C STABLE PARALLEL SAFE ROWS 20 COST 1000
AS 'MODULE_PATHNAME', 'interact_user_reviews';
REVOKE ALL ON FUNCTION @extschema@.interact_user_reviews(bigint, integer, timestamptz, bigint) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_user_reviews(bigint, integer, timestamptz, bigint) IS
'The reviews a user wrote, latest first by the time they were first written.
user_id: required. max_items: at most so many rows, 0 to 1000, default 20. before, before_id: the time and id of the last row of the page before, for the next one; before alone for rows before a time; null = the first page.
Returns id of the row, item_id, rating, title and comment, null if there are none, created_at, updated_at.
Errors: user_id null, max_items null or out of range, before_id without before.';

CREATE FUNCTION @extschema@.interact_reactions(
    user_id bigint,
    reaction text DEFAULT NULL,
    max_items integer DEFAULT 20,
    before timestamptz DEFAULT NULL,
    before_id bigint DEFAULT NULL)
RETURNS TABLE (
    id bigint,
    item_id bigint,
    reaction_name text,
    created_at timestamptz)
LANGUAGE C STABLE PARALLEL SAFE ROWS 20 COST 1000
AS 'MODULE_PATHNAME', 'interact_reactions';
REVOKE ALL ON FUNCTION @extschema@.interact_reactions(bigint, text, integer, timestamptz, bigint) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_reactions(bigint, text, integer, timestamptz, bigint) IS
'What a user reacted to, latest first.
user_id: required. reaction: only this one, like, dislike or an event type of kind reaction; null (default) = all. max_items: at most so many rows, 0 to 1000, default 20. before, before_id: the time and id of the last row of the page before, for the next one; before alone for rows before a time; null = the first page.
Returns id of the row, item_id, reaction_name, created_at.
Errors: user_id null, max_items null or out of range, before_id without before, unknown reaction.';

CREATE FUNCTION @extschema@.interact_history(
    user_id bigint,
    max_items integer DEFAULT 20,
    before timestamptz DEFAULT NULL,
    before_event text DEFAULT NULL,
    before_id bigint DEFAULT NULL)
RETURNS TABLE (
    event text,
    item_id bigint,
    at timestamptz,
    value numeric,
    id bigint)
LANGUAGE C STABLE PARALLEL SAFE ROWS 20 COST 1000
AS 'MODULE_PATHNAME', 'interact_history';
REVOKE ALL ON FUNCTION @extschema@.interact_history(bigint, integer, timestamptz, text, bigint) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_history(bigint, integer, timestamptz, text, bigint) IS
'Everything a user did, from all tables of interactions, latest first.
user_id: required. max_items: at most so many rows, 0 to 1000, default 20. before, before_event, before_id: at, event and id of the last row of the page before, for the next one; before alone for rows before a time; null = the first page.
Returns event: view, favorite, cart, purchase, rating, or the name of a reaction or custom event; item_id; at: when, of a review when it was first written; value: quantity of cart and purchase, the rating, the value of a custom event, else null; id of the row in the table of that event. What was deleted is not there; what was taken out of the cart is.
Errors: user_id null, max_items null or out of range, before_event and before_id not both with before, unknown before_event.';
