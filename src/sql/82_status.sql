-- For who runs the database: pruning the log of views, and a look at everything.

CREATE PROCEDURE @extschema@.interact_prune_views(
    before      timestamptz,
    batch       integer DEFAULT 5000,
    INOUT pruned bigint DEFAULT NULL)
    LANGUAGE C AS 'MODULE_PATHNAME', 'interact_prune_views';
REVOKE ALL ON PROCEDURE @extschema@.interact_prune_views(timestamptz, integer, bigint) FROM PUBLIC;
COMMENT ON PROCEDURE @extschema@.interact_prune_views(timestamptz, integer, bigint) IS
'Deletes views older than a time and keeps their number per item in interact_pruned, which goes on counting; who viewed is forgotten. It commits after each batch, so that it may be stopped and called again at any time; inside a transaction block it is part of the transaction. Nobody who records waits for it. before: views with an earlier viewed_at go; finite, not in the future. batch: rows per transaction, 1 to 1000000, default 5000. pruned: not read; returns how many views were pruned. Views that come in with an older time meanwhile stay for the next call.';

CREATE FUNCTION @extschema@.interact_status()
RETURNS TABLE (area text, name text, "rows" bigint, bytes bigint, value text, advice text)
    LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 30
    SET search_path = pg_catalog, pg_temp
    SET jit = off
AS $function$
    WITH tab AS MATERIALIZED (
        -- as the planner estimates: density when last vacuumed or analyzed,
        -- times the pages of now
        SELECT n.nspname AS schema, c.relname::text AS name, c.relpages AS seen, c.relallvisible AS visible,
               p.pages,
               CASE WHEN p.pages = 0 THEN 0
                    WHEN c.relpages > 0 AND c.reltuples >= 0
                    THEN round(c.reltuples / c.relpages * p.pages) END::bigint AS estimate,
               pg_total_relation_size(c.oid) AS bytes,
               pg_stat_get_dead_tuples(c.oid) AS dead
          FROM pg_class AS c
          JOIN pg_namespace AS n ON n.oid = c.relnamespace
          JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
          JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
         CROSS JOIN LATERAL (
               SELECT pg_relation_size(c.oid) / current_setting('block_size')::bigint AS pages) AS p
         WHERE e.extname = 'interact' AND c.relkind = 'r'),
    -- beside the pages that the rows of now would take in a new index
    index AS MATERIALIZED (
        SELECT t.schema, c.relname::text AS name, s.bytes,
               s.bytes > 100 * current_setting('block_size')::bigint AS large,
               round(s.bytes / greatest(t.estimate * e.bytes * 100
                     / ((current_setting('block_size')::integer - 40) * coalesce(f.fillfactor, 90))
                     * current_setting('block_size')::numeric, 1), 2) AS ratio
          FROM tab AS t
          JOIN pg_index AS x
            ON x.indrelid = format('%I.%I', t.schema, t.name)::regclass AND x.indpred IS NULL AND x.indisvalid
          JOIN pg_class AS c ON c.oid = x.indexrelid
         CROSS JOIN LATERAL (SELECT pg_relation_size(c.oid) AS bytes) AS s
         -- an entry's columns, header and item identifier
         CROSS JOIN LATERAL (
               SELECT 8 * ceil(sum(a.attlen) / 8.0) + 12 AS bytes
                 FROM pg_attribute AS a WHERE a.attrelid = c.oid) AS e
          LEFT JOIN LATERAL (
               SELECT o.option_value::integer AS fillfactor
                 FROM pg_options_to_table(c.reloptions) AS o WHERE o.option_name = 'fillfactor') AS f ON true
         WHERE t.name = 'interact_affinity'
         ORDER BY c.relname),
    -- of some 50 pages, rows and those that are not the oldest of their key
    affinity AS MATERIALIZED (
        SELECT count(*) AS n,
               count(*) FILTER (WHERE EXISTS (
                   SELECT FROM @extschema@.interact_affinity AS o
                    WHERE o.user_id = a.user_id AND o.item_id = a.item_id AND o.id < a.id)) AS more
          FROM @extschema@.interact_affinity AS a TABLESAMPLE SYSTEM (
               (SELECT least(100, 100.0 * 50 / greatest(t.pages, 1))::real FROM tab AS t
                 WHERE t.name = 'interact_affinity')) REPEATABLE (1)),
    counter AS MATERIALIZED (
        SELECT count(*) AS n,
               count(*) FILTER (WHERE EXISTS (
                   SELECT FROM @extschema@.interact_counter AS o
                    WHERE o.item_id = c.item_id AND o.event = c.event AND o.id < c.id)) AS more
          FROM @extschema@.interact_counter AS c TABLESAMPLE SYSTEM (
               (SELECT least(100, 100.0 * 50 / greatest(t.pages, 1))::real FROM tab AS t
                 WHERE t.name = 'interact_counter')) REPEATABLE (1)),
    -- times of the rows with the least and the greatest id, and the ends of
    -- what ANALYZE saw
    span AS MATERIALIZED (
        SELECT min(s.at) AS oldest, max(s.at) AS newest
          FROM (SELECT unnest(ARRAY[
                    (SELECT viewed_at FROM @extschema@.interact_view ORDER BY id LIMIT 1),
                    (SELECT viewed_at FROM @extschema@.interact_view ORDER BY id DESC LIMIT 1),
                    (SELECT created_at FROM @extschema@.interact_favorite ORDER BY id LIMIT 1),
                    (SELECT created_at FROM @extschema@.interact_favorite ORDER BY id DESC LIMIT 1),
                    (SELECT updated_at FROM @extschema@.interact_review ORDER BY id LIMIT 1),
                    (SELECT updated_at FROM @extschema@.interact_review ORDER BY id DESC LIMIT 1),
                    (SELECT created_at FROM @extschema@.interact_reaction ORDER BY id LIMIT 1),
                    (SELECT created_at FROM @extschema@.interact_reaction ORDER BY id DESC LIMIT 1),
                    (SELECT added_at FROM @extschema@.interact_cart_item ORDER BY id LIMIT 1),
                    (SELECT added_at FROM @extschema@.interact_cart_item ORDER BY id DESC LIMIT 1),
                    (SELECT purchased_at FROM @extschema@.interact_purchase ORDER BY id LIMIT 1),
                    (SELECT purchased_at FROM @extschema@.interact_purchase ORDER BY id DESC LIMIT 1),
                    (SELECT occurred_at FROM @extschema@.interact_event ORDER BY id LIMIT 1),
                    (SELECT occurred_at FROM @extschema@.interact_event ORDER BY id DESC LIMIT 1)]) AS at
                UNION ALL
                SELECT unnest(ARRAY[b.bounds[1], b.bounds[array_upper(b.bounds, 1)]])
                  FROM (SELECT s.histogram_bounds::text::timestamptz[] AS bounds
                          FROM pg_stats AS s
                          JOIN tab AS t ON t.schema = s.schemaname AND t.name = s.tablename
                         WHERE (t.name, s.attname) IN (
                               ('interact_view', 'viewed_at'), ('interact_favorite', 'created_at'),
                               ('interact_review', 'updated_at'), ('interact_reaction', 'created_at'),
                               ('interact_cart_item', 'added_at'), ('interact_purchase', 'purchased_at'),
                               ('interact_event', 'occurred_at'))) AS b) AS s),
    -- part of the views that is older than two years, as ANALYZE saw it
    old AS MATERIALIZED (
        SELECT t.estimate, t.bytes,
               (SELECT count(*) FROM unnest(b.bounds[2:]) AS bound
                 WHERE bound < now() - interval '2 years')::numeric
               / (array_length(b.bounds, 1) - 1) AS part
          FROM tab AS t
          LEFT JOIN LATERAL (
               SELECT s.histogram_bounds::text::timestamptz[] AS bounds
                 FROM pg_stats AS s
                WHERE s.schemaname = t.schema AND s.tablename = t.name
                  AND s.attname = 'viewed_at') AS b ON true
         WHERE t.name = 'interact_view')
    SELECT 'table', t.name, t.estimate, t.bytes,
           CASE WHEN t.name IN ('interact_affinity', 'interact_counter')
                THEN round(100.0 * t.visible / greatest(t.seen, 1)) || ' % all-visible' END,
           CASE WHEN t.estimate IS NULL THEN 'ANALYZE'
                WHEN t.dead > 1000 AND t.dead > t.estimate / 5 THEN 'VACUUM: dead row versions'
                WHEN t.name = 'interact_affinity' AND t.pages > 100 AND 2 * t.visible < t.pages
                THEN 'VACUUM: recommend() reads pages that are not all-visible' END
      FROM tab AS t
    UNION ALL
    SELECT 'index', i.name, NULL, i.bytes,
           CASE WHEN i.large THEN round(100 * i.ratio) || ' % of a new one' END,
           CASE WHEN i.large AND i.ratio > 1.5
                THEN format('REINDEX INDEX CONCURRENTLY %I.%I', i.schema, i.name) END
      FROM index AS i
    UNION ALL
    SELECT 'rows per key', k.name, k.n, NULL,
           round(k.n / nullif(k.n - k.more, 0)::numeric, 3)::text,
           CASE WHEN k.more > 20 AND 20 * k.more > k.n THEN 'SELECT interact_compact()' END
      FROM (SELECT 'interact_affinity', n, more FROM affinity
            UNION ALL
            SELECT 'interact_counter', n, more FROM counter) AS k (name, n, more)
    UNION ALL
    SELECT 'time', v.name, NULL, NULL, v.at::text, NULL
      FROM span
     CROSS JOIN LATERAL (VALUES ('oldest event', span.oldest), ('newest event', span.newest)) AS v (name, at)
    UNION ALL
    SELECT 'pruning', 'views older than 2 years', round(o.estimate * o.part)::bigint,
           round(o.bytes * o.part)::bigint, round(100 * o.part) || ' %',
           CASE WHEN o.part >= 0.1 AND o.estimate >= 10000
                THEN 'CALL interact_prune_views(now() - interval ''2 years'')' END
      FROM old AS o
    UNION ALL
    SELECT 'setting', s.name, NULL, NULL, format('%s (default %s)', s.value, s.default_value), NULL
      FROM @extschema@.interact_settings() AS s
     WHERE s.value <> s.default_value
    UNION ALL
    SELECT 'event type', t.event, NULL, NULL, format('weight %s', t.weight), NULL
      FROM @extschema@.interact_event_type AS t
     WHERE t.id > 6 OR t.modified
$function$;
REVOKE ALL ON FUNCTION @extschema@.interact_status() FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_status() IS
'What a database administrator wants to know at a glance; cheap whatever the size of the tables. One row per
table: rows (estimate of the planner, null before the first ANALYZE or VACUUM), bytes (exact, indexes and TOAST included), value: part of the pages that is all-visible;
index: of interact_affinity, value, above 100 pages: its size to that of a new one for the estimated rows; pairs that are recorded again move within two of them, and leave room behind;
rows per key: of a derived table, estimated from about 50 pages; rows: those looked at; value: 1 when no key has several rows;
time: oldest and newest event, estimated from the rows written first and last and from what ANALYZE saw;
pruning: views older than two years, from what ANALYZE saw: rows, bytes, and value: their part of all;
setting: one that differs from its default; event type: one that is not as shipped.
advice: what to run, where something is worth running, else null.';
