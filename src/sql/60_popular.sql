-- Popularity: what is most frequent, what is trending, what is best rated.

CREATE FUNCTION @extschema@.interact_popular(
    max_items   integer DEFAULT 10,
    event       text DEFAULT NULL,
    since       interval DEFAULT NULL,
    OUT item_id bigint,
    OUT score   double precision,
    OUT count   bigint,
    OUT users   bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'interact_popular'
LANGUAGE C STABLE PARALLEL SAFE ROWS 10 COST 1000;
REVOKE ALL ON FUNCTION @extschema@.interact_popular(integer, text, interval) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_popular(integer, text, interval) IS
'The most popular items, best first, ties by item_id; exact and transactional.
max_items: at most so many rows, 0 to 1000, default 10.
event: rank by this event type alone; null (default): by all event types of positive weight together. Negative ones, like dislike, take no part unless named. Together, the ratings of an item take part if their mean is at least 3: an item that is known for bad ratings only is not listed.
since: null (default) counts all time and reads only the counters, whatever the number of items; an interval, positive and at most 100 years, counts the rows of the last so much time in the base tables, on which the caller needs SELECT, and costs as much as there are.
Result: item_id; score: sum over event types of weight * count, or the count of the named event; count: events counted; users: distinct users, with several event types the largest of their numbers. Items without events are not listed.
Errors: max_items null or out of range, unknown event, since not positive or too long.
Method: threshold algorithm (Fagin, Lotem, Naor: Optimal aggregation algorithms for middleware, 2001).';

CREATE FUNCTION @extschema@.interact_trending(
    max_items   integer DEFAULT 10,
    event       text DEFAULT NULL,
    OUT item_id bigint,
    OUT score   double precision,
    OUT count   bigint,
    OUT users   bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'interact_trending'
LANGUAGE C STABLE PARALLEL SAFE ROWS 10 COST 1000;
REVOKE ALL ON FUNCTION @extschema@.interact_trending(integer, text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_trending(integer, text) IS
'The items with most recent activity, best first, ties by item_id; exact and transactional.
max_items: at most so many rows, 0 to 1000, default 10.
event: rank by this event type alone; null (default): by all event types of positive weight together. Negative ones, like dislike, take no part unless named. Together, the ratings of an item take part if their mean is at least 3: an item that is known for bad ratings only is not listed.
Result: item_id; score: decayed number of events at the start of the transaction, an event that is one half-life old (setting trending_half_life) counts 1/2, two half-lives 1/4, and so on; with several event types the sum of weight * decayed number; count, users: of all time, as interact_popular() returns them. Items without events are not listed.
A deleted event lowers count at once, but score only decays; interact_rebuild(''hot'') recomputes it and is needed after a change of the half-life.
Errors: max_items null or out of range, unknown event.
Method: forward decay (Cormode, Shkapenyuk, Srivastava, Xu: Forward decay: a practical time decay model for streaming systems, 2009) and the threshold algorithm (Fagin, Lotem, Naor, 2001).';

CREATE FUNCTION @extschema@.interact_top_rated(
    max_items   integer DEFAULT 10,
    min_ratings integer DEFAULT 1,
    OUT item_id bigint,
    OUT score   double precision,
    OUT rating_avg numeric,
    OUT ratings bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'interact_top_rated'
LANGUAGE C STABLE PARALLEL SAFE ROWS 10 COST 1000;
REVOKE ALL ON FUNCTION @extschema@.interact_top_rated(integer, integer) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_top_rated(integer, integer) IS
'The best rated items, best first, ties by item_id; exact and transactional, read from an index whatever the number of items.
max_items: at most so many rows, 0 to 1000, default 10.
min_ratings: only items with at least so many ratings, at least 1, which is the default.
Result: item_id; score: Bayesian average, 1 to 5: (weight * mean + sum of the item''s ratings) / (weight + number of the item''s ratings), where mean is the mean of all ratings and weight the number of ratings of a rated item on average, so that few ratings count for little; rating_avg: mean of the item''s ratings, two digits; ratings: their number.
Errors: max_items null or out of range, min_ratings null or less than 1.
Method: credibility formula (Buhlmann: Experience rating and credibility, ASTIN Bulletin 4, 1967).';
