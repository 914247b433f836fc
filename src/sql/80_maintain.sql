-- Check, rebuild, compact.

CREATE FUNCTION @extschema@.interact_hot_accum(double precision, timestamptz)
RETURNS double precision
    LANGUAGE C STABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'interact_hot_accum';
REVOKE ALL ON FUNCTION @extschema@.interact_hot_accum(double precision, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_hot_accum(double precision, timestamptz) IS
'Transition function of interact_hot_sum(timestamptz).';

CREATE FUNCTION @extschema@.interact_hot_combine(double precision, double precision)
RETURNS double precision
    LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE AS 'MODULE_PATHNAME', 'interact_hot_combine';
REVOKE ALL ON FUNCTION @extschema@.interact_hot_combine(double precision, double precision) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_hot_combine(double precision, double precision) IS
'log2(2^a + 2^b), exact at any size.';

CREATE AGGREGATE @extschema@.interact_hot_sum(timestamptz) (
    SFUNC = @extschema@.interact_hot_accum, STYPE = double precision,
    INITCOND = '-Infinity',
    COMBINEFUNC = @extschema@.interact_hot_combine, PARALLEL = SAFE);
REVOKE ALL ON FUNCTION @extschema@.interact_hot_sum(timestamptz) FROM PUBLIC;
COMMENT ON AGGREGATE @extschema@.interact_hot_sum(timestamptz) IS
'log2 of the exponentially decayed number of events at these times, in the form of interact_counter.hot (forward decay: Cormode, Shkapenyuk, Srivastava, Xu 2009).';

CREATE AGGREGATE @extschema@.interact_log2_sum(double precision) (
    SFUNC = @extschema@.interact_hot_combine, STYPE = double precision,
    INITCOND = '-Infinity',
    COMBINEFUNC = @extschema@.interact_hot_combine, PARALLEL = SAFE);
REVOKE ALL ON FUNCTION @extschema@.interact_log2_sum(double precision) FROM PUBLIC;
COMMENT ON AGGREGATE @extschema@.interact_log2_sum(double precision) IS
'log2 of the sum of 2^x: merges interact_counter.hot of several rows.';

-- With the caller's rights, so that policies on the base tables hold here too.
CREATE VIEW @extschema@.interact_fact WITH (security_invoker = true) AS
SELECT user_id, item_id, 0::smallint AS event, viewed_at AS at,
       1::bigint AS count, 0::bigint AS units, 0::numeric AS total, 0::smallint AS rating
  FROM @extschema@.interact_view
UNION ALL
SELECT user_id, item_id, 1, created_at, 1, 0, 0, 0
  FROM @extschema@.interact_favorite
UNION ALL
SELECT user_id, item_id, 2, added_at, 1, quantity, 0, 0
  FROM @extschema@.interact_cart_item WHERE removed_at IS NULL
UNION ALL
SELECT user_id, item_id, 3, purchased_at, 1, quantity,
       COALESCE(quantity::numeric OPERATOR(pg_catalog.*) unit_price, 0), 0
  FROM @extschema@.interact_purchase
UNION ALL
SELECT user_id, item_id, 4, updated_at, 1, 0, rating, rating
  FROM @extschema@.interact_review
UNION ALL
SELECT r.user_id, r.item_id, t.id, r.created_at, 1, 0, 0, 0
  FROM @extschema@.interact_reaction AS r
  JOIN @extschema@.interact_event_type AS t ON t.event OPERATOR(pg_catalog.=) r.reaction
UNION ALL
SELECT e.user_id, e.item_id, t.id, e.occurred_at, 1, 0, COALESCE(e.value, 0), 0
  FROM @extschema@.interact_event AS e
  JOIN @extschema@.interact_event_type AS t ON t.event OPERATOR(pg_catalog.=) e.event
UNION ALL
SELECT NULL, p.item_id, t.id, NULL, p.count, 0, p.total, 0
  FROM @extschema@.interact_pruned AS p
  JOIN @extschema@.interact_event_type AS t ON t.event OPERATOR(pg_catalog.=) p.event;
COMMENT ON VIEW @extschema@.interact_fact IS
'All interactions in one shape: what each live base row says. Rows carried over by pruning have no user and no time.';
COMMENT ON COLUMN @extschema@.interact_fact.user_id IS 'The user, null for pruned rows.';
COMMENT ON COLUMN @extschema@.interact_fact.item_id IS 'The item.';
COMMENT ON COLUMN @extschema@.interact_fact.event IS 'Id of the event type.';
COMMENT ON COLUMN @extschema@.interact_fact.at IS 'When, null for pruned rows.';
COMMENT ON COLUMN @extschema@.interact_fact.count IS 'Base rows it stands for: 1, or the number of pruned rows.';
COMMENT ON COLUMN @extschema@.interact_fact.units IS 'Quantity (cart, purchase), else 0.';
COMMENT ON COLUMN @extschema@.interact_fact.total IS 'Value: quantity times unit price, rating, value of a custom event, else 0.';
COMMENT ON COLUMN @extschema@.interact_fact.rating IS 'The rating, 0 if none.';

-- The same with the rights of the owner: an audit that policies hide rows from
-- would find differences where there are none, and interact_rebuild() would
-- make them true.
DO $block$
BEGIN
    EXECUTE pg_catalog.concat('CREATE VIEW @extschema@.interact_audit_fact AS ',
                              pg_catalog.pg_get_viewdef('@extschema@.interact_fact'::pg_catalog.regclass));
END
$block$;
COMMENT ON VIEW @extschema@.interact_audit_fact IS
'All interactions as in interact_fact, whatever policies the base tables have: for the audit views.';

CREATE VIEW @extschema@.interact_audit_pair AS
SELECT user_id, item_id,
       COALESCE(a.signals, 0) AS signals, COALESCE(f.signals, 0) AS expected_signals,
       a.last_at, f.last_at AS expected_last_at,
       COALESCE(a.rating, 0::smallint) AS rating, COALESCE(f.rating, 0::smallint) AS expected_rating,
       -- what holds for an unsettled pair is what the base rows say
       COALESCE(a.signals OPERATOR(pg_catalog.<) 0, false) AS unsettled,
       (COALESCE(a.signals OPERATOR(pg_catalog.>=) 0, true)
        AND (a.signals IS DISTINCT FROM f.signals OR a.last_at IS DISTINCT FROM f.last_at
             OR a.rating IS DISTINCT FROM f.rating)) AS differs
  FROM (SELECT user_id, item_id, pg_catalog.bit_or(signals) AS signals,
               pg_catalog.max(last_at) AS last_at, pg_catalog.max(rating) AS rating
          FROM @extschema@.interact_affinity GROUP BY user_id, item_id) AS a
  FULL JOIN (SELECT user_id, item_id,
                    pg_catalog.bit_or(1 OPERATOR(pg_catalog.<<) event::integer) AS signals,
                    pg_catalog.max(at) AS last_at, pg_catalog.max(rating) AS rating
               FROM @extschema@.interact_audit_fact
              WHERE user_id IS NOT NULL
              GROUP BY user_id, item_id) AS f USING (user_id, item_id);
COMMENT ON VIEW @extschema@.interact_audit_pair IS
'What interact_affinity says of each pair beside what the base rows say. unsettled: two transactions of the user changed the pair at once; the base rows are asked until it is written to again.';

CREATE VIEW @extschema@.interact_audit_counter AS
SELECT item_id, event,
       count, expected_count, users, expected_users, units, expected_units,
       total, expected_total, hot, expected_hot, last_id,
       (count OPERATOR(pg_catalog.<>) expected_count
        OR users OPERATOR(pg_catalog.<>) expected_users
        OR units OPERATOR(pg_catalog.<>) expected_units
        OR total OPERATOR(pg_catalog.<>) expected_total
        -- hot is not reduced by a removal, so only too little is wrong
        OR hot OPERATOR(pg_catalog.<) (expected_hot OPERATOR(pg_catalog.-) 1e-6::double precision)) AS differs,
       -- one level of slack for the rounding of logarithms; the mean rating of
       -- a key is that of its row, or one of its rows says that it says nothing
       ((count OPERATOR(pg_catalog.>) 0 AND (count_level OPERATOR(pg_catalog.+) 1)::double precision
         OPERATOR(pg_catalog.<) pg_catalog.floor(4::double precision OPERATOR(pg_catalog.*)
            pg_catalog.ln(GREATEST(count, 1::bigint)::double precision)
            OPERATOR(pg_catalog./) pg_catalog.ln(2::double precision)))
        OR (hot_level::double precision OPERATOR(pg_catalog.+) 1::double precision)
           OPERATOR(pg_catalog.<) pg_catalog.floor(4::double precision OPERATOR(pg_catalog.*) hot)
        OR (event OPERATOR(pg_catalog.=) 4 AND rating_level OPERATOR(pg_catalog.<) 51
            AND (rows OPERATOR(pg_catalog.>) 1
                 OR (10 OPERATOR(pg_catalog.*) total) OPERATOR(pg_catalog.>) (rating_level::bigint OPERATOR(pg_catalog.*) count)::numeric))) AS low_level
  FROM (SELECT item_id, event,
               COALESCE(c.count, 0::numeric)::bigint AS count,
               COALESCE(f.count, 0::numeric)::bigint AS expected_count,
               COALESCE(c.users, 0::numeric)::bigint AS users,
               COALESCE(u.users, 0::bigint) AS expected_users,
               COALESCE(c.units, 0::numeric)::bigint AS units,
               COALESCE(f.units, 0::numeric)::bigint AS expected_units,
               COALESCE(c.total, 0::numeric) AS total,
               COALESCE(f.total, 0::numeric) AS expected_total,
               COALESCE(c.hot, '-Infinity'::double precision) AS hot,
               COALESCE(f.hot, '-Infinity'::double precision) AS expected_hot,
               COALESCE(c.last_id, 0::bigint) AS last_id,
               COALESCE(c.count_level, (-1)::smallint)::integer AS count_level,
               COALESCE(c.hot_level, 0) AS hot_level,
               COALESCE(c.rating_level, 0::smallint)::integer AS rating_level,
               COALESCE(c.rows, 0::bigint) AS rows
          FROM (SELECT item_id, event, pg_catalog.sum(count) AS count,
                       pg_catalog.sum(users) AS users, pg_catalog.sum(units) AS units,
                       pg_catalog.sum(total) AS total,
                       @extschema@.interact_log2_sum(hot) AS hot,
                       pg_catalog.max(id) AS last_id,
                       pg_catalog.max(count_level) AS count_level,
                       pg_catalog.max(hot_level) AS hot_level,
                       pg_catalog.max(rating_level) AS rating_level,
                       pg_catalog.count(*) AS rows
                  FROM @extschema@.interact_counter GROUP BY item_id, event) AS c
          FULL JOIN (SELECT item_id, event, pg_catalog.sum(count) AS count,
                            pg_catalog.sum(units) AS units, pg_catalog.sum(total) AS total,
                            @extschema@.interact_hot_sum(at) AS hot
                       FROM @extschema@.interact_audit_fact GROUP BY item_id, event) AS f
               USING (item_id, event)
          FULL JOIN (SELECT a.item_id, t.id AS event, pg_catalog.count(*) AS users
                       FROM @extschema@.interact_affinity AS a
                       JOIN @extschema@.interact_event_type AS t
                         ON (a.signals OPERATOR(pg_catalog.&) (1 OPERATOR(pg_catalog.<<) t.id::integer))
                            OPERATOR(pg_catalog.<>) 0
                      GROUP BY a.item_id, t.id) AS u
               USING (item_id, event)) AS k;
COMMENT ON VIEW @extschema@.interact_audit_counter IS
'What interact_counter says of each item and event beside what base rows and interact_affinity say; last_id is the newest of its rows.';

CREATE VIEW @extschema@.interact_audit_catalogue AS
SELECT c.count, r.count AS expected_count, c.rows, r.rows AS expected_rows,
       c.total, r.total AS expected_total
  FROM (SELECT COALESCE(pg_catalog.sum(count), 0)::bigint AS count,
               COALESCE(pg_catalog.sum(users), 0)::bigint AS rows,
               COALESCE(pg_catalog.sum(total), 0) AS total
          FROM @extschema@.interact_catalogue) AS c
 CROSS JOIN (SELECT COALESCE(pg_catalog.sum(count), 0)::bigint AS count,
                    pg_catalog.count(*) AS rows,
                    COALESCE(pg_catalog.sum(total), 0) AS total
               FROM @extschema@.interact_counter
              WHERE event OPERATOR(pg_catalog.=) 4) AS r;
COMMENT ON VIEW @extschema@.interact_audit_catalogue IS
'What interact_catalogue says of all ratings beside what the rows of interact_counter say.';

CREATE FUNCTION @extschema@.interact_check(
    OUT what text, OUT user_id bigint, OUT item_id bigint, OUT event text,
    OUT expected text, OUT actual text)
RETURNS SETOF record
    LANGUAGE sql STABLE PARALLEL SAFE ROWS 1 COST 1000000
    SET search_path = pg_catalog, pg_temp
    -- the audit views are wide, so compiling them takes seconds
    SET jit = off
AS $function$
    SELECT v.what, p.user_id, p.item_id, NULL::text, v.expected, v.actual
      FROM @extschema@.interact_audit_pair AS p
     CROSS JOIN LATERAL (VALUES
           ('signals', p.expected_signals::text, p.signals::text),
           ('last_at', p.expected_last_at::text, p.last_at::text),
           ('rating', p.expected_rating::text, p.rating::text)) AS v (what, expected, actual)
     WHERE p.differs AND v.expected IS DISTINCT FROM v.actual
    UNION ALL
    SELECT v.what, NULL, c.item_id, t.event, v.expected, v.actual
      FROM @extschema@.interact_audit_counter AS c
      LEFT JOIN @extschema@.interact_event_type AS t ON t.id = c.event
     CROSS JOIN LATERAL (VALUES
           ('count', c.expected_count::text, c.count::text, c.expected_count <> c.count),
           ('users', c.expected_users::text, c.users::text, c.expected_users <> c.users),
           ('units', c.expected_units::text, c.units::text, c.expected_units <> c.units),
           ('total', c.expected_total::text, c.total::text, c.expected_total <> c.total),
           ('hot', c.expected_hot::text, c.hot::text, c.hot < c.expected_hot - 1e-6::double precision),
           ('level', NULL, NULL, c.low_level)) AS v (what, expected, actual, differs)
     WHERE (c.differs OR c.low_level) AND v.differs
    UNION ALL
    SELECT v.what, NULL, NULL, 'rating', v.expected, v.actual
      FROM @extschema@.interact_audit_catalogue AS c
     CROSS JOIN LATERAL (VALUES
           ('catalogue count', c.expected_count::text, c.count::text, c.expected_count <> c.count),
           ('catalogue rows', c.expected_rows::text, c.rows::text, c.expected_rows <> c.rows),
           ('catalogue total', c.expected_total::text, c.total::text, c.expected_total <> c.total))
           AS v (what, expected, actual, differs)
     WHERE v.differs
$function$;
REVOKE ALL ON FUNCTION @extschema@.interact_check() FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_check() IS
'Compares every derived value with a recomputation from the base rows, pruned carry-over included; one row per difference, none when all is well. Reads all tables; changes nothing. what: signals, last_at or rating of a pair; count, users, units, total, hot or level of a counter; catalogue count, rows or total, of the sums over all ratings. users is compared with the rows of interact_affinity: a first contact that one user made twice in overlapping transactions counts twice until those rows are folded. hot may be larger than expected, because removals do not reduce it.';

CREATE FUNCTION @extschema@.interact_rebuild(what text DEFAULT 'all')
RETURNS bigint
    LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'interact_rebuild';
REVOKE ALL ON FUNCTION @extschema@.interact_rebuild(text) FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_rebuild(text) IS
'Derives again what differs from the base rows, while recording goes on. what: all, affinity, counters, or hot (needed after a change of trending_half_life). Returns how many pairs and counters were repaired; tells its progress in notices.';

CREATE FUNCTION @extschema@.interact_compact()
RETURNS bigint
    LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'interact_compact';
REVOKE ALL ON FUNCTION @extschema@.interact_compact() FROM PUBLIC;
COMMENT ON FUNCTION @extschema@.interact_compact() IS
'Merges rows of one key that contention left apart in the derived tables, and settles pairs that two transactions of a user changed at once. Safe at any time: it waits for nobody and nobody waits for it. Returns how many rows fewer there are.';

