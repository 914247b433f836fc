-- Recommendations. The C functions read the derived tables directly, without
-- regard to SELECT privileges: EXECUTE alone decides who may call them. Base
-- tables (friends, purchases) are read with the rights of the caller.

CREATE FUNCTION @extschema@.recommend(
    user_id         bigint,
    max_items       integer DEFAULT 10,
    exclude_seen    boolean DEFAULT true,
    exclude         bigint[] DEFAULT NULL,
    filter          regprocedure DEFAULT NULL,
    filter_arg      jsonb DEFAULT NULL,
    friends_weight  double precision DEFAULT NULL)
RETURNS TABLE (
    item_id          bigint,
    score            double precision,
    reason           text,
    because_item_id  bigint,
    support          integer)
LANGUAGE C STABLE PARALLEL SAFE ROWS 10 COST 1000
AS 'MODULE_PATHNAME', 'recommend';
REVOKE ALL ON FUNCTION @extschema@.recommend(bigint, integer, boolean, bigint[], regprocedure, jsonb, double precision) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.recommend(bigint, integer, boolean, bigint[], regprocedure, jsonb, double precision) IS
'Items for a user, best first, computed from the rows as they are now.
user_id: who asks; an unknown user gets trending items. max_items: 0 to 1000, default 10. exclude_seen: whether items the user already has are left out, default true; items the user dislikes are left out in any case. exclude: further items to leave out, default none; they keep their places, so leaving out what was shown gives the next page of the same ranking. filter: a function (item_id bigint, arg jsonb) returns boolean that has to say true of each item returned, called with filter_arg in the order of the ranking until enough items pass, at most filter_calls (setting) times; then a notice says so and fewer items come back. The caller needs EXECUTE on it and its errors are raised; in a parallel worker it has to be PARALLEL SAFE. friends_weight: of each friend (rows of interact_friend in both directions), in mean strengths of a similar user, 0 to 1000; null, the default, means the setting friends_weight, or 0 for callers without SELECT on interact_friend.
Returns item_id; score, comparable within one answer only; reason: similar_users, friends (more than half of the score comes from these), or where both give too few items trending, then popular; because_item_id: the item of the user''s own that led here most, null for other reasons than similar_users; support: how many similar users and friends contributed, 0 for trending and popular. The score of a trending or popular item is the lowest score before it (1 if none) divided by 2, 3, 4, ...
Errors: a null user_id, max_items or exclude_seen, a null in exclude, max_items or friends_weight out of range, friends_weight given without SELECT on interact_friend, a filter with other arguments or result, a strict filter without filter_arg.
Method: truncated two-hop random walk with degree discounting (Cooper et al. 2014, Paudel et al. 2017), within a window of rows around the shared item.';

CREATE FUNCTION @extschema@.recommend_for_items(
    item_ids    bigint[],
    max_items   integer DEFAULT 10,
    exclude     bigint[] DEFAULT NULL,
    filter      regprocedure DEFAULT NULL,
    filter_arg  jsonb DEFAULT NULL)
RETURNS TABLE (
    item_id          bigint,
    score            double precision,
    reason           text,
    because_item_id  bigint,
    support          integer)
LANGUAGE C STABLE PARALLEL SAFE ROWS 10 COST 1000
AS 'MODULE_PATHNAME', 'recommend_for_items';
REVOKE ALL ON FUNCTION @extschema@.recommend_for_items(bigint[], integer, bigint[], regprocedure, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.recommend_for_items(bigint[], integer, bigint[], regprocedure, jsonb) IS
'Items that go on from the given ones, best first: for a guest''s session or a basket.
item_ids: what was looked at, the most recent last; none of them is returned; an empty array, or items nobody has, gives trending items. max_items: 0 to 1000, default 10. exclude, filter, filter_arg: as for recommend(), default none.
Returns the columns of recommend(); because_item_id is one of item_ids.
Errors: item_ids or max_items null, a null in an array, max_items out of range, those of the filter.
Method: the walk of recommend() from these items, with weights that suit short sessions.';

CREATE FUNCTION @extschema@.interact_rank(
    user_id         bigint,
    item_ids        bigint[],
    friends_weight  double precision DEFAULT NULL)
RETURNS TABLE (
    item_id          bigint,
    score            double precision,
    reason           text,
    because_item_id  bigint,
    support          integer,
    rank             integer)
LANGUAGE C STABLE PARALLEL SAFE ROWS 50 COST 1000
AS 'MODULE_PATHNAME', 'interact_rank';
REVOKE ALL ON FUNCTION @extschema@.interact_rank(bigint, bigint[], double precision) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_rank(bigint, bigint[], double precision) IS
'Given items, such as those of a search, in the order in which they suit a user. All of them come back, as often as they were given.
user_id: who asks. item_ids: at most 1000. friends_weight: as for recommend().
Returns the columns of recommend() and rank: 1, 2, ... First come the items that recommend() would find, those the user has included, with their scores there but for the settings rerank_weight and diversity; then the others in the order given, with score 0; at last those the user dislikes, in the order given, with score -1. Both without reason.
Errors: user_id or item_ids null, a null in item_ids, more than 1000 items, friends_weight out of range or given without SELECT on interact_friend.
Method: the walk of recommend().';

CREATE FUNCTION @extschema@.interact_similar_items(
    item_id     bigint,
    max_items   integer DEFAULT 10,
    exclude     bigint[] DEFAULT NULL,
    filter      regprocedure DEFAULT NULL,
    filter_arg  jsonb DEFAULT NULL)
RETURNS TABLE (
    item_id  bigint,
    score    double precision,
    support  integer)
LANGUAGE C STABLE PARALLEL SAFE ROWS 10 COST 1000
AS 'MODULE_PATHNAME', 'interact_similar_items';
REVOKE ALL ON FUNCTION @extschema@.interact_similar_items(bigint, integer, bigint[], regprocedure, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_similar_items(bigint, integer, bigint[], regprocedure, jsonb) IS
'Items that the recent users of an item have too, most similar first.
item_id: the item; it is not returned. max_items: 0 to 1000, default 10. exclude, filter, filter_arg: as for recommend(), default none.
Returns item_id; score = users^-0.1 of the item returned, times the sum of d^-0.5 over the users who have both, d being how many items such a user has; support: how many such users there are. Read are the users of the item''s 200 newest pairs and the 100 latest rows of each. No rows for an item that nobody has or that is only disliked: unlike recommend() this does not fill up.
Errors: item_id or max_items null, a null in exclude, max_items out of range, those of the filter.
Method: co-occurrence with degree discounting, as in recommend().';

CREATE FUNCTION @extschema@.interact_bought_together(
    item_ids    bigint[],
    max_items   integer DEFAULT 10,
    exclude     bigint[] DEFAULT NULL,
    filter      regprocedure DEFAULT NULL,
    filter_arg  jsonb DEFAULT NULL)
RETURNS TABLE (
    item_id          bigint,
    score            double precision,
    reason           text,
    because_item_id  bigint,
    support          integer)
LANGUAGE C STABLE PARALLEL SAFE ROWS 10 COST 1000
AS 'MODULE_PATHNAME', 'interact_bought_together';
REVOKE ALL ON FUNCTION @extschema@.interact_bought_together(bigint[], integer, bigint[], regprocedure, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_bought_together(bigint[], integer, bigint[], regprocedure, jsonb) IS
'Items that were bought with the given ones: in the same order first, then by the same users. For a product page or a basket.
item_ids: what is in the basket; none of them is returned. max_items: 0 to 1000, default 10. exclude, filter, filter_arg: as for recommend(), default none.
Returns item_id; score, comparable within one answer only; reason: same_order or same_user; because_item_id: the one of item_ids that led here most; support: how many orders, or users, contributed, those with two of the given items counting for both. Read are the users of the 200 newest pairs with a purchase of the given items, shared among these, and of each the latest order with the item, or the 100 latest items. An order counts n^-0.5, n being its number of items, and a user d^-0.5, d being the number of items of the user; sums are damped by users^-0.1 of the item returned. An order is what has the same order_id and user or, without order_id, the same user and time. No rows for items that nobody bought: this does not fill up.
The caller needs SELECT on interact_purchase; row-level security applies to the orders, not to what the same users bought.
Errors: item_ids or max_items null, a null in an array, max_items out of range, those of the filter.
Method: co-occurrence with degree discounting, as in recommend().';

CREATE FUNCTION @extschema@.interact_buy_again(
    user_id     bigint,
    max_items   integer DEFAULT 10,
    exclude     bigint[] DEFAULT NULL,
    filter      regprocedure DEFAULT NULL,
    filter_arg  jsonb DEFAULT NULL,
    at          timestamptz DEFAULT NULL)
RETURNS TABLE (
    item_id    bigint,
    score      double precision,
    due        double precision,
    last_at    timestamptz,
    purchases  integer,
    every      interval)
LANGUAGE C STABLE PARALLEL SAFE ROWS 10 COST 1000
AS 'MODULE_PATHNAME', 'interact_buy_again';
REVOKE ALL ON FUNCTION @extschema@.interact_buy_again(bigint, integer, bigint[], regprocedure, jsonb, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_buy_again(bigint, integer, bigint[], regprocedure, jsonb, timestamptz) IS
'Items that a user bought and is expected to buy again, the most expected first, ties by item_id.
user_id: whose purchases. max_items: 0 to 1000, default 10; at most 100 items are considered: those bought again most often, then the latest. exclude, filter, filter_arg: as for recommend(), default none. at: the moment for which is asked; later purchases are ignored; null, the default, is now.
Returns item_id; score: purchases to be expected per day, (repeats + again) / max(elapsed, every) * min(1, due)^0.25, where repeats = purchases - 1, again = the share of the item''s buyers who bought it again, elapsed = time since last_at; due = elapsed / every: 1 means that the next purchase is due now; last_at: the last purchase; purchases: how many, those less than 12 hours apart being one; every: the mean time between two of them or, if there is but one, the median of other users. Items that nobody bought again are not returned, nor those the user dislikes. Read are the 1000 latest order lines of the user, and of each item the first 100 order lines by user_id.
The caller needs SELECT on interact_purchase, and row-level security applies.
Errors: user_id or max_items null, a null in exclude, max_items out of range, at not finite, those of the filter.
Method: a Poisson-Gamma rate, after Bhagat et al.: Buy it again: modeling repeat purchase recommendations, 2018.';

-- Tells who is like whom, which no function for applications does: the
-- capability admin, not read.
CREATE FUNCTION @extschema@.interact_similar_users(
    user_id    bigint,
    max_items  integer DEFAULT 10)
RETURNS TABLE (
    user_id  bigint,
    score    double precision,
    shared   integer)
LANGUAGE C STABLE PARALLEL SAFE ROWS 10 COST 1000
AS 'MODULE_PATHNAME', 'interact_similar_users';
REVOKE ALL ON FUNCTION @extschema@.interact_similar_users(bigint, integer) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_similar_users(bigint, integer) IS
'Users who have the same items as a user, most similar first, ties by user_id: the neighbours of recommend(). It reveals users, so it needs the capability admin.
user_id: the user, who is not returned. max_items: how many users at most, 0 to 1000, default 10; no more than 400 (twice the setting neighbours) are looked at.
Returns user_id; score: the strength of recommend(), which is more for each shared item and less for users with many items; shared: how many items of the profile the user was found to have.
Errors: a null argument, max_items out of range.
Method: the first hop of recommend().';
