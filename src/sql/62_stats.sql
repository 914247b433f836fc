-- Numbers per item and per user.

CREATE FUNCTION @extschema@.interact_item_last_at(item_id bigint)
RETURNS timestamptz
    LANGUAGE C STABLE PARALLEL SAFE
    AS 'MODULE_PATHNAME', 'interact_item_last_at';
REVOKE ALL ON FUNCTION @extschema@.interact_item_last_at(bigint) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_item_last_at(bigint) IS
'Time of the newest row about an item in the tables of interactions, whatever its type; null if there is none. item_id: the item. Error: item_id is null.';

-- Numbers of items read with the rights of the view's owner: they are sums,
-- which never say who.
--
-- The rows of an item are added up for each item that is asked for, not for all
-- of them at once, so that a join reaches the primary key of interact_counter
-- as a condition does: GROUP BY would keep the join's condition outside. The
-- first row of an item stands for it.
CREATE VIEW @extschema@.interact_item_stats AS
SELECT i.item_id,
       s.views,
       s.viewers,
       s.favorites,
       s.carts,
       s.purchases,
       s.buyers,
       s.units,
       s.revenue,
       s.likes,
       s.dislikes,
       s.ratings,
       CASE WHEN s.ratings OPERATOR(pg_catalog.>) 0
            THEN pg_catalog.round(s.points OPERATOR(pg_catalog./) s.ratings::numeric, 2)
       END AS rating_avg,
       CASE WHEN s.views OPERATOR(pg_catalog.>) 0
            THEN pg_catalog.round(s.purchases::numeric OPERATOR(pg_catalog./) s.views::numeric, 4)
       END AS conversion,
       -- infinity says that a pair is unsettled: its base rows have to be asked
       (SELECT CASE WHEN a.last_at OPERATOR(pg_catalog.<) 'infinity' THEN a.last_at
                    ELSE @extschema@.interact_item_last_at(i.item_id) END
          FROM @extschema@.interact_affinity AS a
         WHERE a.item_id OPERATOR(pg_catalog.=) i.item_id
         ORDER BY a.last_at DESC
         LIMIT 1) AS last_activity
  FROM @extschema@.interact_counter AS i
 CROSS JOIN LATERAL (
       SELECT COALESCE(pg_catalog.sum(c.count) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 0), 0)::bigint AS views,
              COALESCE(pg_catalog.sum(c.users) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 0), 0)::bigint AS viewers,
              COALESCE(pg_catalog.sum(c.count) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 1), 0)::bigint AS favorites,
              COALESCE(pg_catalog.sum(c.count) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 2), 0)::bigint AS carts,
              COALESCE(pg_catalog.sum(c.count) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 3), 0)::bigint AS purchases,
              COALESCE(pg_catalog.sum(c.users) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 3), 0)::bigint AS buyers,
              COALESCE(pg_catalog.sum(c.units) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 3), 0)::bigint AS units,
              COALESCE(pg_catalog.sum(c.total) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 3), 0) AS revenue,
              COALESCE(pg_catalog.sum(c.count) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 5), 0)::bigint AS likes,
              COALESCE(pg_catalog.sum(c.count) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 6), 0)::bigint AS dislikes,
              COALESCE(pg_catalog.sum(c.count) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 4), 0)::bigint AS ratings,
              COALESCE(pg_catalog.sum(c.total) FILTER (WHERE c.event OPERATOR(pg_catalog.=) 4), 0) AS points,
              COALESCE(pg_catalog.sum(c.count), 0) AS events
         FROM @extschema@.interact_counter AS c
        WHERE c.item_id OPERATOR(pg_catalog.=) i.item_id) AS s
 WHERE NOT EXISTS (
       SELECT FROM @extschema@.interact_counter AS o
        WHERE o.item_id OPERATOR(pg_catalog.=) i.item_id
          AND (o.event, o.id) OPERATOR(pg_catalog.<) (i.event, i.id))
   -- rows of counters may be left over that add up to nothing
   AND s.events OPERATOR(pg_catalog.>) 0::numeric;
COMMENT ON VIEW @extschema@.interact_item_stats IS
'One row per item that has events of any type; exact and transactional. A condition on item_id or a join with it reads the rows of the items asked for by index; without either all counters are read.';
COMMENT ON COLUMN @extschema@.interact_item_stats.item_id IS 'The item.';
COMMENT ON COLUMN @extschema@.interact_item_stats.views IS 'Views, those whose rows were pruned included.';
COMMENT ON COLUMN @extschema@.interact_item_stats.viewers IS 'Distinct users who viewed it; those whose views were all pruned are not known any more.';
COMMENT ON COLUMN @extschema@.interact_item_stats.favorites IS 'Places on users'' lists.';
COMMENT ON COLUMN @extschema@.interact_item_stats.carts IS 'Additions to carts, bought ones included, removed ones not.';
COMMENT ON COLUMN @extschema@.interact_item_stats.purchases IS 'Order lines.';
COMMENT ON COLUMN @extschema@.interact_item_stats.buyers IS 'Distinct users who bought it.';
COMMENT ON COLUMN @extschema@.interact_item_stats.units IS 'Sum of the quantities bought.';
COMMENT ON COLUMN @extschema@.interact_item_stats.revenue IS 'Sum of quantity * unit_price, in the shop''s currency; lines without a price count 0.';
COMMENT ON COLUMN @extschema@.interact_item_stats.likes IS 'Reactions like.';
COMMENT ON COLUMN @extschema@.interact_item_stats.dislikes IS 'Reactions dislike.';
COMMENT ON COLUMN @extschema@.interact_item_stats.ratings IS 'Ratings, with or without words.';
COMMENT ON COLUMN @extschema@.interact_item_stats.rating_avg IS 'Mean rating, 1 to 5, two digits; null if there are no ratings.';
COMMENT ON COLUMN @extschema@.interact_item_stats.conversion IS 'Purchases per view, four digits; null if there are no views.';
COMMENT ON COLUMN @extschema@.interact_item_stats.last_activity IS 'Time of the newest row about the item in the tables of interactions, whatever its type; null if all were pruned. Removed cart rows do not count.';

CREATE VIEW @extschema@.interact_item_event_stats AS
SELECT i.item_id,
       t.event,
       s.count,
       s.users,
       s.units,
       s.total
  FROM @extschema@.interact_counter AS i
  JOIN @extschema@.interact_event_type AS t ON t.id OPERATOR(pg_catalog.=) i.event
 CROSS JOIN LATERAL (
       SELECT COALESCE(pg_catalog.sum(c.count), 0)::bigint AS count,
              COALESCE(pg_catalog.sum(c.users), 0)::bigint AS users,
              COALESCE(pg_catalog.sum(c.units), 0)::bigint AS units,
              COALESCE(pg_catalog.sum(c.total), 0) AS total
         FROM @extschema@.interact_counter AS c
        WHERE c.item_id OPERATOR(pg_catalog.=) i.item_id
          AND c.event OPERATOR(pg_catalog.=) i.event) AS s
 WHERE NOT EXISTS (
       SELECT FROM @extschema@.interact_counter AS o
        WHERE o.item_id OPERATOR(pg_catalog.=) i.item_id
          AND o.event OPERATOR(pg_catalog.=) i.event
          AND o.id OPERATOR(pg_catalog.<) i.id)
   AND s.count OPERATOR(pg_catalog.>) 0;
COMMENT ON VIEW @extschema@.interact_item_event_stats IS
'One row per item and event type that happened to it, your own event types included; exact and transactional. Read by index like interact_item_stats.';
COMMENT ON COLUMN @extschema@.interact_item_event_stats.item_id IS 'The item.';
COMMENT ON COLUMN @extschema@.interact_item_event_stats.event IS 'Name of the event type.';
COMMENT ON COLUMN @extschema@.interact_item_event_stats.count IS 'How often.';
COMMENT ON COLUMN @extschema@.interact_item_event_stats.users IS 'By how many distinct users.';
COMMENT ON COLUMN @extschema@.interact_item_event_stats.units IS 'Sum of the quantities (cart, purchase), else 0.';
COMMENT ON COLUMN @extschema@.interact_item_event_stats.total IS 'Sum of the values: revenue (purchase), rating points (rating), value (your own events), else 0.';

CREATE FUNCTION @extschema@.interact_item_rating_histogram(item_id bigint)
RETURNS TABLE (rating integer, count bigint, share numeric)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 5
    SET search_path = pg_catalog, pg_temp
AS $function$
    WITH arg AS MATERIALIZED (
        SELECT @extschema@.interact_arg_id(interact_item_rating_histogram.item_id, 'item_id') AS id)
    SELECT 6 - n.place::integer, n.count, round(n.count / nullif(sum(n.count) OVER (), 0), 4)
      FROM arg
     CROSS JOIN LATERAL (
           SELECT ARRAY[count(*) FILTER (WHERE r.rating = 5), count(*) FILTER (WHERE r.rating = 4),
                        count(*) FILTER (WHERE r.rating = 3), count(*) FILTER (WHERE r.rating = 2),
                        count(*) FILTER (WHERE r.rating = 1)] AS counts
             FROM @extschema@.interact_review AS r
            WHERE r.item_id = arg.id) AS h
     CROSS JOIN LATERAL unnest(h.counts) WITH ORDINALITY AS n (count, place)
     ORDER BY n.place
$function$;
REVOKE ALL ON FUNCTION @extschema@.interact_item_rating_histogram(bigint) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_item_rating_histogram(bigint) IS
'How often an item got each rating, from the rows of interact_review, with the rights of the caller. item_id: the item. Returns five rows, 5 first: rating; count, 0 included; share: part of all its ratings, 0 to 1, four digits, null if there are none. Error: item_id is null.';

CREATE FUNCTION @extschema@.interact_reaction_counts(item_id bigint)
RETURNS TABLE (reaction text, count bigint)
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 5
    SET search_path = pg_catalog, pg_temp
AS $function$
    WITH arg AS MATERIALIZED (
        SELECT @extschema@.interact_arg_id(interact_reaction_counts.item_id, 'item_id') AS id)
    SELECT t.event, COALESCE(s.count, 0)
      FROM arg
     CROSS JOIN @extschema@.interact_event_type AS t
      LEFT JOIN @extschema@.interact_item_event_stats AS s
        ON s.event = t.event AND s.item_id = arg.id
     WHERE t.kind = 'reaction'
     ORDER BY 2 DESC, t.id
$function$;
REVOKE ALL ON FUNCTION @extschema@.interact_reaction_counts(bigint) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_reaction_counts(bigint) IS
'How many users have each reaction to an item, from the counters. item_id: the item. Returns one row for each event type of kind reaction, most frequent first, then by id: reaction; count, 0 included. Error: item_id is null.';

-- Numbers of users are read with the rights of who asks, row-level security
-- included: they are about single users. For one user all arms of the UNION
-- are index reads.
CREATE VIEW @extschema@.interact_user_stats WITH (security_invoker = true) AS
SELECT f.user_id,
       pg_catalog.min(f.first_at) AS first_seen,
       pg_catalog.max(f.last_at) AS last_seen,
       pg_catalog.count(*) FILTER (WHERE f.what OPERATOR(pg_catalog.=) 0) AS views,
       pg_catalog.count(*) FILTER (WHERE f.what OPERATOR(pg_catalog.=) 1) AS favorites,
       pg_catalog.count(*) FILTER (WHERE f.what OPERATOR(pg_catalog.=) 2) AS carts,
       pg_catalog.count(*) FILTER (WHERE f.what OPERATOR(pg_catalog.=) 3) AS purchases,
       COALESCE(pg_catalog.sum(f.units), 0)::bigint AS units,
       COALESCE(pg_catalog.sum(f.spent), 0) AS spent,
       pg_catalog.max(f.last_at) FILTER (WHERE f.what OPERATOR(pg_catalog.=) 3) AS last_purchase,
       pg_catalog.count(*) FILTER (WHERE f.what OPERATOR(pg_catalog.=) 5) AS likes,
       pg_catalog.count(*) FILTER (WHERE f.what OPERATOR(pg_catalog.=) 6) AS dislikes,
       pg_catalog.count(*) FILTER (WHERE f.what OPERATOR(pg_catalog.=) 4) AS reviews,
       pg_catalog.round(pg_catalog.avg(f.rating), 2) AS rating_avg,
       pg_catalog.count(*) FILTER (WHERE f.what OPERATOR(pg_catalog.=) 7) AS events
  FROM (SELECT user_id, viewed_at AS first_at, viewed_at AS last_at, 0 AS what,
               NULL::integer AS units, NULL::numeric AS spent, NULL::smallint AS rating
          FROM @extschema@.interact_view
        UNION ALL
        SELECT user_id, created_at, created_at, 1, NULL, NULL, NULL
          FROM @extschema@.interact_favorite
        UNION ALL
        SELECT user_id, added_at, GREATEST(added_at, removed_at, purchased_at),
               CASE WHEN removed_at IS NULL THEN 2 END, NULL, NULL, NULL
          FROM @extschema@.interact_cart_item
        UNION ALL
        SELECT user_id, purchased_at, purchased_at, 3, quantity,
               quantity::numeric OPERATOR(pg_catalog.*) unit_price, NULL
          FROM @extschema@.interact_purchase
        UNION ALL
        SELECT user_id, LEAST(created_at, updated_at), GREATEST(created_at, updated_at), 4, NULL, NULL, rating
          FROM @extschema@.interact_review
        UNION ALL
        SELECT user_id, created_at, created_at,
               CASE WHEN reaction OPERATOR(pg_catalog.=) 'like' THEN 5
                    WHEN reaction OPERATOR(pg_catalog.=) 'dislike' THEN 6 END, NULL, NULL, NULL
          FROM @extschema@.interact_reaction
        UNION ALL
        SELECT user_id, occurred_at, occurred_at, 7, NULL, NULL, NULL
          FROM @extschema@.interact_event) AS f
 GROUP BY f.user_id;
COMMENT ON VIEW @extschema@.interact_user_stats IS
'One row per user who has rows in the tables of interactions; exact and transactional. Ask for users by user_id, which reads the rows of these users by index; without such a condition all tables are read. Read with the rights of who asks, row-level security included.';
COMMENT ON COLUMN @extschema@.interact_user_stats.user_id IS 'The user.';
COMMENT ON COLUMN @extschema@.interact_user_stats.first_seen IS 'Time of the user''s oldest row; rows that were pruned are forgotten.';
COMMENT ON COLUMN @extschema@.interact_user_stats.last_seen IS 'Latest time in the user''s rows, changes of reviews and carts included.';
COMMENT ON COLUMN @extschema@.interact_user_stats.views IS 'Views, but those that were pruned.';
COMMENT ON COLUMN @extschema@.interact_user_stats.favorites IS 'Places of items on lists.';
COMMENT ON COLUMN @extschema@.interact_user_stats.carts IS 'Additions to the cart, bought ones included, removed ones not.';
COMMENT ON COLUMN @extschema@.interact_user_stats.purchases IS 'Order lines.';
COMMENT ON COLUMN @extschema@.interact_user_stats.units IS 'Sum of the quantities bought.';
COMMENT ON COLUMN @extschema@.interact_user_stats.spent IS 'Sum of quantity * unit_price, in the shop''s currency; lines without a price count 0.';
COMMENT ON COLUMN @extschema@.interact_user_stats.last_purchase IS 'Time of the latest purchase, null if there is none.';
COMMENT ON COLUMN @extschema@.interact_user_stats.likes IS 'Reactions like.';
COMMENT ON COLUMN @extschema@.interact_user_stats.dislikes IS 'Reactions dislike.';
COMMENT ON COLUMN @extschema@.interact_user_stats.reviews IS 'Ratings, with or without words.';
COMMENT ON COLUMN @extschema@.interact_user_stats.rating_avg IS 'Mean of the ratings the user gave, 1 to 5, two digits; null if there are none.';
COMMENT ON COLUMN @extschema@.interact_user_stats.events IS 'Events of your own types in interact_event.';
