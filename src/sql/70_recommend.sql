-- Recommendations. The C functions read the derived tables directly, without
-- regard to SELECT privileges: EXECUTE alone decides who may call them.

CREATE FUNCTION @extschema@.recommend(
    user_id      bigint,
    max_items    integer DEFAULT 10,
    exclude_seen boolean DEFAULT true,
    exclude      bigint[] DEFAULT NULL)
RETURNS TABLE (
    item_id          bigint,
    score            double precision,
    reason           text,
    because_item_id  bigint,
    support          integer)
LANGUAGE C STABLE PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'recommend';
REVOKE ALL ON FUNCTION @extschema@.recommend(bigint, integer, boolean, bigint[]) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.recommend(bigint, integer, boolean, bigint[]) IS
'Items for a user, best first, computed from the rows as they are now.
user_id: who asks; an unknown user gets trending items. max_items: 0 to 1000, default 10. exclude_seen: whether items the user already has are left out, default true; items the user dislikes are left out in any case. exclude: further items to leave out, default none.
Returns item_id; score, comparable within one answer only; reason: similar_users, or where these give too few items trending, then popular; because_item_id: the item of the user''s own that led here most, null for trending and popular; support: how many similar users contributed, 0 for trending and popular. The score of a trending or popular item is the lowest score before it (1 if none) divided by 2, 3, 4, ...
Errors: a null argument other than exclude, a null in exclude, max_items out of range.
Method: truncated two-hop random walk with degree discounting (Cooper et al. 2014, Paudel et al. 2017), within a window of rows around the shared item.';

CREATE FUNCTION @extschema@.recommend_for_items(
    item_ids   bigint[],
    max_items  integer DEFAULT 10,
    exclude    bigint[] DEFAULT NULL)
RETURNS TABLE (
    item_id          bigint,
    score            double precision,
    reason           text,
    because_item_id  bigint,
    support          integer)
LANGUAGE C STABLE PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'recommend_for_items';
REVOKE ALL ON FUNCTION @extschema@.recommend_for_items(bigint[], integer, bigint[]) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.recommend_for_items(bigint[], integer, bigint[]) IS
'Items that go on from the given ones, best first: for a guest''s session or a basket.
item_ids: what was looked at, the most recent last; none of them is returned; an empty array, or items nobody has, gives trending items. max_items: 0 to 1000, default 10. exclude: further items to leave out, default none.
Returns the columns of recommend(); because_item_id is one of item_ids.
Errors: item_ids or max_items null, a null in an array, max_items out of range.
Method: the walk of recommend() from these items, with weights that suit short sessions.';

CREATE FUNCTION @extschema@.interact_similar_items(
    item_id    bigint,
    max_items  integer DEFAULT 10)
RETURNS TABLE (
    item_id  bigint,
    score    double precision,
    support  integer)
LANGUAGE C STABLE PARALLEL SAFE ROWS 10
AS 'MODULE_PATHNAME', 'interact_similar_items';
REVOKE ALL ON FUNCTION @extschema@.interact_similar_items(bigint, integer) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_similar_items(bigint, integer) IS
'Items that the recent users of an item have too, most similar first.
item_id: the item; it is not returned. max_items: 0 to 1000, default 10.
Returns item_id; score = users^-0.1 of the item returned, times the sum of d^-0.5 over the users who have both, d being how many items such a user has; support: how many such users there are. Read are the users of the item''s 200 newest pairs and the 100 latest rows of each. No rows for an item that nobody has or that is only disliked: unlike recommend() this does not fill up.
Errors: a null argument, max_items out of range.
Method: co-occurrence with degree discounting, as in recommend().';
