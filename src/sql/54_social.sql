-- Friends. The functions that read run with the caller's privileges on the base
-- tables; interact_friends_liked() reads the derived table of pairs directly.

CREATE FUNCTION @extschema@.interact_add_friend(
    user_id bigint,
    friend_id bigint,
    mutual boolean DEFAULT true,
    at timestamptz DEFAULT NULL
) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_add_friend';
REVOKE ALL ON FUNCTION @extschema@.interact_add_friend(bigint, bigint, boolean, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_add_friend(bigint, bigint, boolean, timestamptz) IS
'Makes two users friends, or lets one follow the other.
user_id, friend_id: required, not the same. mutual: true (default) writes both directions, false only that user_id follows friend_id; a session of one user (setting interact.user_id) may only do the latter. at: since when; null = now; finite, at most one day ahead of the clock.
Returns true, or false if they were that already. Both sides may call it at the same moment.';

CREATE FUNCTION @extschema@.interact_remove_friend(
    user_id bigint,
    friend_id bigint,
    mutual boolean DEFAULT true
) RETURNS boolean
LANGUAGE C VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'interact_remove_friend';
REVOKE ALL ON FUNCTION @extschema@.interact_remove_friend(bigint, bigint, boolean) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_remove_friend(bigint, bigint, boolean) IS
'Ends a friendship, or following.
user_id, friend_id: required, not the same. mutual: true (default) removes both directions, false only that user_id follows friend_id; a session of one user (setting interact.user_id) may only do the latter, which is enough to share nothing any more.
Returns whether anything was removed.';

CREATE FUNCTION @extschema@.interact_friends(
    user_id bigint,
    max_items integer DEFAULT 20,
    before timestamptz DEFAULT NULL,
    before_id bigint DEFAULT NULL)
RETURNS TABLE (
    id bigint,
    friend_id bigint,
    mutual boolean,
    created_at timestamptz)
LANGUAGE C STABLE PARALLEL SAFE ROWS 20 COST 1000
AS 'MODULE_PATHNAME', 'interact_friends';
REVOKE ALL ON FUNCTION @extschema@.interact_friends(bigint, integer, timestamptz, bigint) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_friends(bigint, integer, timestamptz, bigint) IS
'Whom a user follows, latest first.
user_id: required. max_items: at most so many rows, 0 to 1000, default 20. before, before_id: the time and id of the last row of the page before, for the next one; before alone for rows before a time; null = the first page.
Returns id of the row, friend_id, mutual: whether that user follows back, created_at.
Errors: user_id null, max_items null or out of range, before_id without before.';

CREATE FUNCTION @extschema@.interact_followers(
    user_id bigint,
    max_items integer DEFAULT 20,
    before timestamptz DEFAULT NULL,
    before_id bigint DEFAULT NULL)
RETURNS TABLE (
    id bigint,
    follower_id bigint,
    mutual boolean,
    created_at timestamptz)
LANGUAGE C STABLE PARALLEL SAFE ROWS 20 COST 1000
AS 'MODULE_PATHNAME', 'interact_followers';
REVOKE ALL ON FUNCTION @extschema@.interact_followers(bigint, integer, timestamptz, bigint) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_followers(bigint, integer, timestamptz, bigint) IS
'Who follows a user, latest first; those not mutual are requests the user has not answered.
user_id: required. max_items: at most so many rows, 0 to 1000, default 20. before, before_id: the time and id of the last row of the page before, for the next one; before alone for rows before a time; null = the first page.
Returns id of the row, follower_id, mutual: whether the user follows back, created_at.
Errors: user_id null, max_items null or out of range, before_id without before.';

CREATE FUNCTION @extschema@.interact_friends_liked(
    user_id bigint,
    max_items integer DEFAULT 10,
    mutual boolean DEFAULT true)
RETURNS TABLE (
    item_id bigint,
    score double precision,
    friends integer)
LANGUAGE C STABLE PARALLEL SAFE ROWS 10 COST 1000
AS 'MODULE_PATHNAME', 'interact_friends_liked';
REVOKE ALL ON FUNCTION @extschema@.interact_friends_liked(bigint, integer, boolean) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_friends_liked(bigint, integer, boolean) IS
'Items that friends of a user think well of and that the user does not have, best first, ties by item_id.
user_id: required. max_items: at most so many rows, 0 to 1000, default 10. mutual: whether only friends count who follow back, default true; false for all whom the user follows, which a session of one user (setting interact.user_id) may not ask for.
Returns item_id; score = sum over friends of w * (recency_floor + (1 - recency_floor) * 2^(-age / recency_half_life)), w being the weight of what the friend did and age that of the friend''s latest event with the item; friends: how many they are. A friend counts who favored the item, bought it, rated it 4 or 5, or reacted with a positive weight, or has a custom event of positive weight that is shareable, unless the friend dislikes it. Items the user has any event with are left out. Who and what it was is never told.
Read are the 5000 newest friends and of each the newest 200 items, fewer with more than 250 friends (50000 together, at least 10 of each).
Errors: a null argument, max_items out of range, mutual false in a session of one user.';

CREATE FUNCTION @extschema@.interact_friends_feed(
    user_id bigint,
    max_items integer DEFAULT 20,
    before timestamptz DEFAULT NULL,
    before_event text DEFAULT NULL,
    before_id bigint DEFAULT NULL,
    mutual boolean DEFAULT true)
RETURNS TABLE (
    friend_id bigint,
    event text,
    item_id bigint,
    at timestamptz,
    value numeric,
    id bigint)
LANGUAGE C STABLE PARALLEL SAFE ROWS 20 COST 1000
AS 'MODULE_PATHNAME', 'interact_friends_feed';
REVOKE ALL ON FUNCTION @extschema@.interact_friends_feed(bigint, integer, timestamptz, text, bigint, boolean) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_friends_feed(bigint, integer, timestamptz, text, bigint, boolean) IS
'What friends of a user did, latest first; only events whose type is shareable, see interact_define_event().
user_id: required. max_items: at most so many rows, 0 to 1000, default 20. before, before_event, before_id: at, event and id of the last row of the page before, for the next one; before alone for rows before a time; null = the first page. mutual: whether only friends count who follow back, default true; false for all whom the user follows, which a session of one user (setting interact.user_id) may not ask for.
Returns friend_id and the columns of interact_history(). Rows are read with the rights of the caller. What was taken out of the cart is not there.
The 5000 newest friends are looked at.
Errors: user_id, max_items or mutual null, max_items out of range, before_event and before_id not both with before, unknown before_event, mutual false in a session of one user.';

CREATE FUNCTION @extschema@.interact_people_you_may_know(
    user_id bigint,
    max_items integer DEFAULT 10,
    mutual boolean DEFAULT true)
RETURNS TABLE (
    friend_id bigint,
    common_friends bigint)
LANGUAGE C STABLE PARALLEL SAFE ROWS 10 COST 1000
AS 'MODULE_PATHNAME', 'interact_people_you_may_know';
REVOKE ALL ON FUNCTION @extschema@.interact_people_you_may_know(bigint, integer, boolean) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_people_you_may_know(bigint, integer, boolean) IS
'Friends of the friends of a user whom the user does not follow, by the number of common friends, ties by friend_id.
user_id: required. max_items: at most so many rows, 0 to 1000, default 10. mutual: whether only friendships count in which both follow each other, default true; false for all, which a session of one user (setting interact.user_id) may not ask for.
Returns friend_id: the user found; common_friends: how many friends lead there. Who they are is not told.
Read are the 200 newest friends and of each the 100 newest friends.
Errors: a null argument, max_items out of range, mutual false in a session of one user.';
