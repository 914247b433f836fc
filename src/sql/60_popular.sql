-- Popularity: what is most frequent, what is trending, and the numbers per item.

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
event: rank by this event type alone; null (default): by all event types of positive weight together. Negative ones, like dislike, take no part unless named.
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
event: rank by this event type alone; null (default): by all event types of positive weight together. Negative ones, like dislike, take no part unless named.
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

-- A condition on item_id reaches the primary key of interact_counter: item_id
-- is what the rows are grouped by.
CREATE VIEW @extschema@.interact_item_stats AS
SELECT s.item_id,
       s.views,
       s.viewers,
       s.favorites,
       s.likes,
       s.dislikes,
       s.ratings,
       CASE WHEN s.ratings OPERATOR(pg_catalog.>) 0
            THEN pg_catalog.round(s.points OPERATOR(pg_catalog./) s.ratings::numeric, 2)
       END AS rating_avg,
       s.carts,
       s.purchases,
       s.buyers,
       s.units,
       s.revenue
  FROM (SELECT c.item_id,
               COALESCE(pg_catalog.sum(c.count) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 0), 0)::bigint AS views,
               COALESCE(pg_catalog.sum(c.users) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 0), 0)::bigint AS viewers,
               COALESCE(pg_catalog.sum(c.count) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 1), 0)::bigint AS favorites,
               COALESCE(pg_catalog.sum(c.count) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 5), 0)::bigint AS likes,
               COALESCE(pg_catalog.sum(c.count) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 6), 0)::bigint AS dislikes,
               COALESCE(pg_catalog.sum(c.count) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 4), 0)::bigint AS ratings,
               COALESCE(pg_catalog.sum(c.total) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 4), 0) AS points,
               COALESCE(pg_catalog.sum(c.count) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 2), 0)::bigint AS carts,
               COALESCE(pg_catalog.sum(c.count) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 3), 0)::bigint AS purchases,
               COALESCE(pg_catalog.sum(c.users) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 3), 0)::bigint AS buyers,
               COALESCE(pg_catalog.sum(c.units) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 3), 0)::bigint AS units,
               COALESCE(pg_catalog.sum(c.total) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 3), 0) AS revenue
          FROM @extschema@.interact_counter c
         WHERE c.event OPERATOR(pg_catalog.<=) 6
         GROUP BY c.item_id) s
 WHERE s.views OPERATOR(pg_catalog.<>) 0
    OR s.favorites OPERATOR(pg_catalog.<>) 0
    OR s.likes OPERATOR(pg_catalog.<>) 0
    OR s.dislikes OPERATOR(pg_catalog.<>) 0
    OR s.ratings OPERATOR(pg_catalog.<>) 0
    OR s.carts OPERATOR(pg_catalog.<>) 0
    OR s.purchases OPERATOR(pg_catalog.<>) 0;
COMMENT ON VIEW @extschema@.interact_item_stats IS
'One row per item that has views, favorites, likes, dislikes, ratings, cart additions or purchases; exact and transactional. Ask for items by item_id, which is an index read; without a condition all counters are read.';
COMMENT ON COLUMN @extschema@.interact_item_stats.item_id IS 'The item.';
COMMENT ON COLUMN @extschema@.interact_item_stats.views IS 'Views, those whose rows were pruned included.';
COMMENT ON COLUMN @extschema@.interact_item_stats.viewers IS 'Distinct users who viewed it.';
COMMENT ON COLUMN @extschema@.interact_item_stats.favorites IS 'Places on users'' lists.';
COMMENT ON COLUMN @extschema@.interact_item_stats.likes IS 'Reactions like.';
COMMENT ON COLUMN @extschema@.interact_item_stats.dislikes IS 'Reactions dislike.';
COMMENT ON COLUMN @extschema@.interact_item_stats.ratings IS 'Ratings, with or without words.';
COMMENT ON COLUMN @extschema@.interact_item_stats.rating_avg IS 'Mean rating, 1 to 5, two digits; null if there are no ratings.';
COMMENT ON COLUMN @extschema@.interact_item_stats.carts IS 'Additions to carts, bought ones included, removed ones not.';
COMMENT ON COLUMN @extschema@.interact_item_stats.purchases IS 'Order lines.';
COMMENT ON COLUMN @extschema@.interact_item_stats.buyers IS 'Distinct users who bought it.';
COMMENT ON COLUMN @extschema@.interact_item_stats.units IS 'Sum of the quantities bought.';
COMMENT ON COLUMN @extschema@.interact_item_stats.revenue IS 'Sum of quantity * unit_price, in the shop''s currency; lines without a price count 0.';
