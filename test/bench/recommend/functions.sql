-- What is compared with recommend(), and how calls are timed.

SET client_min_messages = warning;

-- Users who ask: as often as they have rows, for who comes often asks often.
CREATE TABLE asking AS
SELECT row_number() OVER () AS n, user_id
  FROM (SELECT user_id FROM interact_affinity
         ORDER BY hashint8extended(user_id, 1) # hashint8extended(item_id, 2)
         LIMIT :calls) AS a;
ALTER TABLE asking ADD PRIMARY KEY (n);

-- How long calls took, and what they returned.
CREATE TABLE timing (
    what    text NOT NULL,
    n       bigint NOT NULL,
    ms      double precision NOT NULL,
    items   bigint[]
);

-- The walk of recommend() in one SQL statement, with its defaults.  It leaves
-- out what costs: several rows of one pair, ratings, dislikes, weights that can
-- be changed, the mean place of rows of one time (there are none here), sharing
-- among items what short lists leave of the first budget, filling up, reasons.
CREATE FUNCTION walk_in_sql(asking bigint, max_items integer)
RETURNS TABLE (item_id bigint, score double precision)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH seen AS MATERIALIZED (
        SELECT a.item_id, a.last_at, CASE WHEN a.signals & 8 <> 0 THEN 1.5 ELSE 1.0 END::double precision AS edge
          FROM interact_affinity AS a
         WHERE a.user_id = asking
         ORDER BY a.last_at DESC, a.item_id
         LIMIT 1000
    ),
    profile AS MATERIALIZED (
        SELECT s.item_id, row_number() OVER w AS place,
               s.edge * (dense_rank() OVER (ORDER BY s.last_at DESC)) ^ -0.5::double precision AS weight
          FROM seen AS s
        WINDOW w AS (ORDER BY s.last_at DESC, s.item_id)
         ORDER BY s.last_at DESC, s.item_id
         LIMIT 100
    ),
    posting AS MATERIALIZED (
        SELECT p.item_id, p.place, u.user_id, u.last_at, u.edge, u.user_items,
               p.weight * least(count(*) OVER (PARTITION BY p.place), 200) ^ -0.4::double precision AS weight
          FROM profile AS p
         CROSS JOIN LATERAL (
               SELECT a.user_id, a.last_at, a.user_items,
                      CASE WHEN a.signals & 8 <> 0 THEN 1.5 ELSE 1.0 END::double precision AS edge
                 FROM interact_affinity AS a
                WHERE a.item_id = p.item_id
                ORDER BY a.last_at DESC, a.user_id
                LIMIT (SELECT 4000 / count(*) FROM profile)) AS u
    ),
    met AS (
        SELECT DISTINCT ON (p.user_id)
               p.user_id, p.item_id AS anchor, p.last_at, p.weight * p.edge AS anchor_part,
               sum(p.weight * p.edge) OVER w AS sum, max(p.user_items) OVER w AS user_items
          FROM posting AS p
         WHERE p.user_id <> asking
        WINDOW w AS (PARTITION BY p.user_id)
         ORDER BY p.user_id, p.weight DESC, p.place
    ),
    neighbour AS MATERIALIZED (
        SELECT m.user_id, m.anchor, m.last_at, m.anchor_part, m.sum,
               now.user_items ^ -0.4::double precision AS factor
          FROM (SELECT * FROM met AS m
                 ORDER BY m.sum * m.user_items ^ -0.4::double precision DESC, m.user_id
                 LIMIT 400) AS m
         CROSS JOIN LATERAL (
               SELECT a.user_items
                 FROM interact_affinity AS a
                WHERE a.user_id = m.user_id
                ORDER BY a.last_at DESC, a.item_id
                LIMIT 1) AS now
         ORDER BY m.sum * now.user_items ^ -0.4::double precision DESC, m.user_id
         LIMIT 200
    ),
    around AS MATERIALIZED (
        SELECT n.user_id, n.anchor_part, n.sum, n.factor, r.item_id, r.last_at, r.edge, r.gap
          FROM neighbour AS n
         CROSS JOIN LATERAL (
               SELECT a.item_id, a.last_at, a.edge, row_number() OVER () ^ -0.4::double precision AS gap
                 FROM (SELECT a.item_id, a.last_at,
                              CASE WHEN a.signals & 8 <> 0 THEN 1.5 ELSE 1.0 END::double precision AS edge
                         FROM interact_affinity AS a
                        WHERE a.user_id = n.user_id AND a.last_at >= n.last_at AND a.item_id <> n.anchor
                        ORDER BY a.last_at, a.item_id DESC
                        LIMIT 60) AS a
               UNION ALL
               SELECT b.item_id, b.last_at, b.edge, 0.6 * row_number() OVER () ^ -0.4::double precision
                 FROM (SELECT a.item_id, a.last_at,
                              CASE WHEN a.signals & 8 <> 0 THEN 1.5 ELSE 1.0 END::double precision AS edge
                         FROM interact_affinity AS a
                        WHERE a.user_id = n.user_id AND a.last_at < n.last_at AND a.item_id <> n.anchor
                        ORDER BY a.last_at DESC, a.item_id
                        LIMIT 60) AS b) AS r
         LIMIT 10000
    ),
    strength AS (
        SELECT a.user_id,
               max(a.factor) * greatest(max(a.sum), max(a.anchor_part) + coalesce(sum(i.weight * a.edge), 0)) AS strength
          FROM around AS a
          LEFT JOIN (SELECT DISTINCT p.item_id, p.weight FROM posting AS p) AS i ON i.item_id = a.item_id
         GROUP BY a.user_id
    ),
    candidate AS (
        SELECT a.item_id,
               sum(s.strength * a.edge * a.gap *
                   (0.3 + 0.7 * 2.0::double precision ^
                        (date_part('epoch', a.last_at - statement_timestamp()) / 7776000))) AS score
          FROM around AS a
          JOIN strength AS s ON s.user_id = a.user_id
         WHERE NOT EXISTS (SELECT FROM seen AS o WHERE o.item_id = a.item_id)
         GROUP BY a.item_id
         ORDER BY score DESC, a.item_id
         LIMIT 4 * max_items + 20
    )
    SELECT c.item_id,
           c.score * (SELECT max(e.users)
                        FROM (SELECT sum(k.users) AS users FROM interact_counter AS k
                               WHERE k.item_id = c.item_id GROUP BY k.event) AS e) ^ -0.1::double precision AS score
      FROM candidate AS c
     ORDER BY score DESC, c.item_id
     LIMIT max_items;
END
$$;

-- What comes to mind first: the items most often had by those who have an item
-- of the user's.
CREATE FUNCTION join_in_sql(asking bigint, max_items integer)
RETURNS TABLE (item_id bigint, score double precision)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    SELECT theirs.item_id, count(*)::double precision AS score
      FROM interact_affinity AS mine
      JOIN interact_affinity AS shared ON shared.item_id = mine.item_id AND shared.user_id <> mine.user_id
      JOIN interact_affinity AS theirs ON theirs.user_id = shared.user_id
     WHERE mine.user_id = asking
       AND NOT EXISTS (SELECT FROM interact_affinity AS had
                        WHERE had.user_id = asking AND had.item_id = theirs.item_id)
     GROUP BY theirs.item_id
     ORDER BY score DESC, theirs.item_id
     LIMIT max_items;
END
$$;

-- Time calls for the asking users from number "first" to "last".
CREATE FUNCTION time_calls(what text, first bigint, last bigint)
RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    call    record;
    began   timestamptz;
    ended   timestamptz;
    items   bigint[];
    item    bigint;
    given   bigint[] := ARRAY(SELECT item_id FROM interact_popular(100));
BEGIN
    FOR call IN SELECT n, user_id FROM asking WHERE n BETWEEN first AND last ORDER BY n LOOP
        -- an item of the user's, for what starts from items
        item := (SELECT item_id FROM interact_affinity WHERE user_id = call.user_id
                  ORDER BY last_at DESC LIMIT 1);
        began := clock_timestamp();
        IF what IN ('recommend', 'recommend some', 'recommend half', 'recommend cold') THEN
            items := ARRAY(SELECT r.item_id FROM recommend(call.user_id, 10) AS r);
        ELSIF what = 'walk in sql' THEN
            items := ARRAY(SELECT r.item_id FROM walk_in_sql(call.user_id, 10) AS r);
        ELSIF what = 'join in sql' THEN
            items := ARRAY(SELECT r.item_id FROM join_in_sql(call.user_id, 10) AS r);
        ELSIF what = 'recommend_for_items' THEN
            items := ARRAY(SELECT r.item_id FROM recommend_for_items(ARRAY[item], 10) AS r);
        ELSIF what = 'interact_similar_items' THEN
            items := ARRAY(SELECT r.item_id FROM interact_similar_items(item, 10) AS r);
        ELSIF what = 'interact_bought_together' THEN
            items := ARRAY(SELECT r.item_id FROM interact_bought_together(ARRAY[item], 10) AS r);
        ELSIF what = 'interact_rank' THEN
            items := ARRAY(SELECT r.item_id FROM interact_rank(call.user_id, given) AS r);
        ELSIF what = 'interact_trending' THEN
            items := ARRAY(SELECT r.item_id FROM interact_trending(10) AS r);
        ELSIF what = 'interact_popular' THEN
            items := ARRAY(SELECT r.item_id FROM interact_popular(10) AS r);
        ELSE
            RAISE 'unknown: %', what;
        END IF;
        ended := clock_timestamp();
        INSERT INTO timing
        VALUES (what, call.n, 1000 * extract(epoch FROM ended - began)::double precision, items);
    END LOOP;
END
$$;
