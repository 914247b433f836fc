-- Filters, and pages of an answer.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
SET timezone = 'UTC';
\set VERBOSITY default
\set SHOW_CONTEXT never
SET client_min_messages = notice;
SELECT interact_set('recency_floor', '1');

-- 400 items, of which 300 have pairs with users of a community; the rest, each
-- of a user of its own, can only fill up. A third of the
-- pairs have two event types.
CREATE TABLE pair AS
SELECT u AS user_id, (u % 3) * 100 + (u * k * k + k) % 100 AS item_id, min(k) AS k
FROM generate_series(1, 90) u, generate_series(1, 25) k GROUP BY 1, 2;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT user_id, item_id, '2024-05-01'::timestamptz + k * interval '1 hour' + user_id * interval '1 s' FROM pair;
INSERT INTO interact_purchase (user_id, item_id, order_id, purchased_at)
SELECT user_id, item_id, 'o' || user_id || '-' || k / 4, '2024-05-02'::timestamptz + k / 4 * interval '1 hour' FROM pair WHERE k % 3 = 0;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 1000 + i, 300 + i, '2024-05-01'::timestamptz + i * interval '1 min' FROM generate_series(0, 99) i;

CREATE FUNCTION modulo(item_id bigint, arg jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT item_id % (arg->>'of')::bigint = 0 $$;
-- What a filter leaves is what it would leave of everything, in the same
-- order, and of the length asked for, fill-up included.
CREATE TABLE everything AS
SELECT u, r.* FROM generate_series(1, 5) u, recommend(u, 1000) WITH ORDINALITY AS r (item_id, score, reason, because_item_id, support, n);
SELECT reason, count(*) FROM everything WHERE u = 1 GROUP BY 1 ORDER BY 1;
SELECT f, max_items, count(*) AS rows,
       count(*) FILTER (WHERE ARRAY(SELECT item_id FROM recommend(u, max_items, filter => 'modulo(bigint,jsonb)', filter_arg => jsonb_build_object('of', f)))
           = ARRAY(SELECT e.item_id FROM everything e WHERE e.u = t.u AND e.item_id % f = 0 ORDER BY n LIMIT max_items)) AS right_ones
FROM generate_series(1, 5) t (u), unnest('{1,2,7,50,399}'::integer[]) f, unnest('{0,1,10,1000}'::integer[]) max_items
GROUP BY f, max_items ORDER BY f, max_items;
SELECT count(*) AS rows, count(*) FILTER (WHERE r.score = e.score AND r.reason = e.reason) AS same
FROM recommend(1, 1000, filter => 'modulo(bigint,jsonb)', filter_arg => '{"of": 50}') r
JOIN everything e ON e.u = 1 AND e.item_id = r.item_id;
SELECT item_id, reason FROM recommend(1, 3, filter => 'modulo(bigint,jsonb)', filter_arg => '{"of": 399}');
SELECT item_id, reason FROM recommend_for_items('{1}', 2, filter => 'modulo(bigint,jsonb)', filter_arg => '{"of": 399}');
SELECT ARRAY(SELECT item_id FROM interact_similar_items(1, 5, filter => 'modulo(bigint,jsonb)', filter_arg => '{"of": 7}'))
     = ARRAY(SELECT item_id FROM interact_similar_items(1, 1000) WITH ORDINALITY AS s (item_id, score, support, n) WHERE item_id % 7 = 0 ORDER BY n LIMIT 5) AS similar,
       ARRAY(SELECT item_id FROM interact_bought_together('{4,9}', 5, filter => 'modulo(bigint,jsonb)', filter_arg => '{"of": 7}'))
     = ARRAY(SELECT item_id FROM interact_bought_together('{4,9}', 1000) WITH ORDINALITY AS s (item_id, score, reason, because_item_id, support, n) WHERE item_id % 7 = 0 ORDER BY n LIMIT 5) AS bought;

-- Called in the order of the ranking, as often as needed and not once more;
-- exclusions are not offered. Own writes of a volatile filter are allowed.
CREATE TABLE call (n serial, item_id bigint, arg jsonb);
CREATE FUNCTION noted(item_id bigint, arg jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO call (item_id, arg) VALUES (noted.item_id, noted.arg);
    RETURN (SELECT count(*) % 2 = 0 FROM call);
END $$;
SELECT count(*) FROM recommend(1, 5, filter => 'noted(bigint,jsonb)', filter_arg => '[1]', exclude => (SELECT array_agg(item_id) FROM everything WHERE u = 1 AND n <= 3));
SELECT array_agg(c.item_id ORDER BY c.n) = ARRAY(SELECT item_id FROM everything WHERE u = 1 AND n > 3 ORDER BY n LIMIT 10) AS as_ranked,
       count(*) AS calls, count(DISTINCT arg) AS args FROM call c;
TRUNCATE call;
SELECT count(*) FROM recommend(1, 0, filter => 'noted(bigint,jsonb)');
SELECT count(*) AS calls FROM call;
-- Without filter_arg it is called with null.
SELECT count(*) FROM recommend(1, 1, filter => 'noted(bigint,jsonb)');
SELECT count(*) AS calls, count(arg) AS args FROM call;

-- Null is false.
CREATE FUNCTION unsure(item_id bigint, arg jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT CASE WHEN item_id = 7 THEN true END';
SELECT item_id FROM recommend(2, filter => 'unsure(bigint,jsonb)');
-- A filter that nothing passes: everything is offered once.
CREATE FUNCTION never(item_id bigint, arg jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT false';
SELECT * FROM recommend(1, filter => 'never(bigint,jsonb)');

-- The number of calls has a bound, which is no error.
SELECT interact_set('filter_calls', '20');
SELECT count(*) FROM recommend(1, 10, filter => 'modulo(bigint,jsonb)', filter_arg => '{"of": 399}');
SELECT count(*) FROM recommend_for_items('{1}', 10, filter => 'never(bigint,jsonb)');
SELECT count(*) FROM interact_similar_items(1, 1000, filter => 'never(bigint,jsonb)');
SELECT count(*) FROM interact_bought_together('{4}', 1000, filter => 'never(bigint,jsonb)');
-- As many calls as allowed are enough here.
SELECT count(*) FROM recommend(1, 20, filter => 'modulo(bigint,jsonb)', filter_arg => '{"of": 1}');
SELECT count(*) FROM recommend(1, 21, filter => 'modulo(bigint,jsonb)', filter_arg => '{"of": 1}');
SELECT interact_set('filter_calls', '1');
SELECT count(*) FROM recommend(1, 2, filter => 'modulo(bigint,jsonb)', filter_arg => '{"of": 1}');
SELECT interact_set('filter_calls', '0');
SELECT interact_set('filter_calls', '1000001');
SELECT interact_set('filter_calls', '1.5');
SELECT interact_set('filter_calls', '1000000');
SELECT count(*) FROM recommend(1, 3, filter => 'modulo(bigint,jsonb)', filter_arg => '{"of": 1}');
SELECT interact_set('filter_calls');

-- Functions that are no filters.
CREATE FUNCTION no_arg(item_id bigint) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION wrong_item(item_id integer, arg jsonb) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION wrong_arg(item_id bigint, arg json) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION wrong_result(item_id bigint, arg jsonb) RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION many(item_id bigint, arg jsonb) RETURNS SETOF boolean LANGUAGE sql AS 'SELECT true';
CREATE PROCEDURE proc(item_id bigint, arg jsonb) LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION strictly(item_id bigint, arg jsonb) RETURNS boolean LANGUAGE sql STRICT IMMUTABLE PARALLEL SAFE AS 'SELECT true';
SELECT * FROM recommend(1, filter => 'no_arg(bigint)');
SELECT * FROM recommend(1, filter => 'wrong_item(integer,jsonb)');
SELECT * FROM recommend(1, filter => 'wrong_arg(bigint,json)');
SELECT * FROM recommend(1, filter => 'wrong_result(bigint,jsonb)');
SELECT * FROM recommend(1, filter => 'many(bigint,jsonb)');
SELECT * FROM recommend(1, filter => 'proc(bigint,jsonb)');
SELECT * FROM recommend(1, filter => 'strictly(bigint,jsonb)');
SELECT count(*) FROM recommend(1, filter => 'strictly(bigint,jsonb)', filter_arg => 'null');
SELECT * FROM recommend(1, filter => 0);
SELECT * FROM recommend(1, filter => 'nosuch(bigint,jsonb)');
-- They are told so also when nothing is asked for.
SELECT * FROM recommend(1, 0, filter => 'no_arg(bigint)');
SELECT * FROM recommend_for_items('{1}', 0, filter => 'no_arg(bigint)');
SELECT * FROM interact_similar_items(1, 0, filter => 'no_arg(bigint)');
SELECT * FROM interact_bought_together('{1}', 0, filter => 'no_arg(bigint)');
SELECT * FROM interact_buy_again(1, 0, filter => 'no_arg(bigint)');

-- Its errors are those of the query, and leave the transaction usable.
CREATE FUNCTION broken(item_id bigint, arg jsonb) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT 1 / (item_id - item_id) = 1';
BEGIN;
SAVEPOINT s;
SELECT * FROM recommend(1, filter => 'broken(bigint,jsonb)');
ROLLBACK TO s;
SELECT count(*) FROM recommend(1);
COMMIT;
-- A filter may ask for recommendations itself; endless recursion is an error.
CREATE FUNCTION nested(item_id bigint, arg jsonb) RETURNS boolean LANGUAGE sql STABLE
AS $$ SELECT item_id IN (SELECT r.item_id FROM recommend(2, 300, filter => 'modulo(bigint,jsonb)', filter_arg => '{"of": 2}') r) $$;
SELECT count(*) AS rows, count(*) FILTER (WHERE item_id % 2 = 0) AS even FROM recommend(1, 3, filter => 'nested(bigint,jsonb)');
CREATE FUNCTION endless(item_id bigint, arg jsonb) RETURNS boolean LANGUAGE sql STABLE
AS $$ SELECT EXISTS (SELECT FROM recommend(1, 1, filter => 'endless(bigint,jsonb)')) $$;
DO $$
BEGIN
    PERFORM * FROM recommend(1, filter => 'endless(bigint,jsonb)');
EXCEPTION WHEN statement_too_complex THEN
    RAISE NOTICE 'stack depth limit exceeded';
END $$;
-- statement_timeout reaches it, and the call itself.
CREATE FUNCTION slow(item_id bigint, arg jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_sleep(1000);
    RETURN true;
END $$;
BEGIN;
SET LOCAL statement_timeout = '50ms';
SELECT * FROM recommend(1, filter => 'slow(bigint,jsonb)');
ROLLBACK;

-- The caller needs EXECUTE on the filter, which runs with the caller's rights.
CREATE ROLE filter_role;
GRANT EXECUTE ON FUNCTION recommend TO filter_role;
REVOKE EXECUTE ON FUNCTION modulo(bigint, jsonb) FROM PUBLIC;
CREATE TABLE secret AS SELECT 1 AS item_id;
CREATE FUNCTION looks(item_id bigint, arg jsonb) RETURNS boolean LANGUAGE sql STABLE AS 'SELECT EXISTS (SELECT FROM secret)';
CREATE FUNCTION looks_as_owner(item_id bigint, arg jsonb) RETURNS boolean LANGUAGE sql STABLE SECURITY DEFINER AS 'SELECT EXISTS (SELECT FROM secret)';
SET ROLE filter_role;
SELECT * FROM recommend(1, filter => 'modulo(bigint,jsonb)', filter_arg => '{"of": 1}');
SELECT * FROM recommend(1, filter => 'looks(bigint,jsonb)');
SELECT count(*) FROM recommend(1, filter => 'looks_as_owner(bigint,jsonb)');
RESET ROLE;
GRANT EXECUTE ON FUNCTION modulo(bigint, jsonb) TO filter_role;
SET ROLE filter_role;
SELECT count(*) FROM recommend(1, filter => 'modulo(bigint,jsonb)', filter_arg => '{"of": 1}');
RESET ROLE;

-- In a parallel worker only filters that are marked as parallel safe.
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SET parallel_leader_participation = off;
CREATE FUNCTION in_workers(name text) RETURNS TABLE (rows bigint, items numeric) LANGUAGE plpgsql AS $$
BEGIN
    RETURN QUERY EXECUTE format('SELECT count(*), sum(r.item_id) FROM pair p, recommend(p.user_id, 3, filter => %L, filter_arg => %L) r WHERE p.k = 1', name, '{"of": 7}');
END $$;
SELECT * FROM in_workers('modulo(bigint,jsonb)');
SELECT * FROM in_workers('unsure(bigint,jsonb)');
SET max_parallel_workers_per_gather = 0;
SELECT * FROM in_workers('modulo(bigint,jsonb)');
SELECT * FROM in_workers('unsure(bigint,jsonb)');
RESET max_parallel_workers_per_gather;
RESET parallel_leader_participation;
RESET min_parallel_table_scan_size;
RESET parallel_tuple_cost;
RESET parallel_setup_cost;


-- Pages: the ranking does not depend on how much of it is asked for. pages()
-- walks through an answer in pages of some size, leaving out what it had.
CREATE FUNCTION pages(query text, size integer) RETURNS TABLE (n bigint, item_id bigint, score double precision) LANGUAGE plpgsql AS $$
DECLARE
    had bigint[] := '{}';
    r record;
    more boolean := true;
BEGIN
    n := 0;
    WHILE more LOOP
        more := false;
        FOR r IN EXECUTE query USING size, had LOOP
            had := had || r.item_id;
            n := n + 1;
            item_id := r.item_id;
            score := r.score;
            more := true;
            RETURN NEXT;
        END LOOP;
    END LOOP;
END $$;
CREATE FUNCTION compare(name text, query text) RETURNS TABLE (answer text, items bigint, differing bigint, rising bigint) LANGUAGE sql AS $$
    WITH whole AS MATERIALIZED (SELECT * FROM pages(query, 1000))
    SELECT name, (SELECT count(*) FROM whole),
           (SELECT count(*) FROM unnest('{41,100}'::integer[]) size,
                   LATERAL (SELECT * FROM pages(query, size) p FULL JOIN whole w USING (n)
                            WHERE (p.item_id = w.item_id AND p.score = w.score) IS NOT TRUE) d),
           (SELECT count(*) FROM (SELECT w.score, lag(w.score) OVER (ORDER BY n) AS last FROM whole w) w WHERE w.score > last)
$$;
CREATE FUNCTION compare_all() RETURNS TABLE (answer text, items bigint, differing bigint, rising bigint) LANGUAGE sql AS $$
    SELECT c.* FROM (VALUES
        ('recommend', 'SELECT item_id, score FROM recommend(7, $1, exclude => $2)'),
        ('recommend, seen too', 'SELECT item_id, score FROM recommend(7, $1, false, exclude => $2)'),
        ('recommend, filtered', $q$SELECT item_id, score FROM recommend(7, $1, exclude => $2, filter => 'modulo(bigint,jsonb)', filter_arg => '{"of": 3}')$q$),
        ('recommend_for_items', 'SELECT item_id, score FROM recommend_for_items(''{5,105,205}'', $1, $2)'),
        ('interact_similar_items', 'SELECT item_id, score FROM interact_similar_items(5, $1, $2)'),
        ('interact_bought_together', 'SELECT item_id, score FROM interact_bought_together(''{4,9,12}'', $1, $2)'),
        ('unknown user', 'SELECT item_id, score FROM recommend(-1, $1, exclude => $2)')) AS q (name, query),
        LATERAL compare(q.name, q.query) c
$$;
SELECT * FROM compare_all();
-- As few as one at a time.
SELECT count(*) AS items, count(*) FILTER (WHERE p.item_id = e.item_id AND p.score = e.score) AS same
FROM pages('SELECT item_id, score FROM recommend(1, $1, exclude => $2) WHERE cardinality($2) < 100', 1) p
LEFT JOIN everything e ON e.u = 1 AND e.n = p.n;
-- Strong damping changes the order very much, a negative one too; so do the
-- settings that arrange the first hundred.
SELECT interact_set('popularity_exponent', '1');
SELECT * FROM compare_all();
SELECT interact_set('popularity_exponent', '-1');
SELECT * FROM compare_all();
SELECT interact_set('popularity_exponent', '0');
SELECT * FROM compare_all();
SELECT interact_set('popularity_exponent');
SELECT interact_set('diversity', '0.5'), interact_set('rerank_weight', '0.5');
SELECT * FROM compare_all();
SELECT interact_set('diversity'), interact_set('rerank_weight');
-- With a profile that is longer than what is read of it.
SELECT interact_set('profile_scan', '10');
SELECT * FROM compare_all();
SELECT interact_set('profile_scan');
-- More candidates than are damped together: 1300, of users who share an item
-- and have 100 more each; item 7000 + i has i % 40 further users.
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 2000 + u, CASE WHEN k = 50 THEN 6999 ELSE 7000 + 100 * u + k END, '2024-05-01'::timestamptz + k * interval '1 min'
FROM generate_series(0, 12) u, generate_series(0, 100) k
UNION ALL
SELECT 3000 + j, 7000 + i, '2024-04-01' FROM generate_series(0, 1300) i, generate_series(1, i % 40) j
UNION ALL
SELECT 1999, 6999, '2024-05-01';
SELECT interact_set('popularity_exponent', '0.7');
SELECT count(*), count(DISTINCT item_id) AS different FROM recommend(1999, 1000) WHERE reason = 'similar_users';
SELECT * FROM compare('recommend', 'SELECT item_id, score FROM recommend(1999, $1, exclude => $2)');
SELECT interact_set('popularity_exponent');
-- The order is that of the damped scores, computed here for all candidates.
-- They are given with exponent 0, and differ by a power of their users.
CREATE TABLE undamped (item_id bigint, score double precision);
BEGIN;
SELECT interact_set('popularity_exponent', '0');
INSERT INTO undamped SELECT item_id, score FROM recommend(7, 1000) WHERE reason = 'similar_users';
SELECT interact_set('popularity_exponent', '0.7');
SELECT count(*) AS items,
       count(*) FILTER (WHERE r.item_id <> d.item_id) AS misplaced,
       count(*) FILTER (WHERE abs(r.score - d.score) > 1e-12) AS wrong_scores
FROM recommend(7, 1000) WITH ORDINALITY AS r (item_id, score, reason, because_item_id, support, n)
FULL JOIN (SELECT u.item_id, u.score * power(s.users, -0.7) AS score,
                  row_number() OVER (ORDER BY u.score * power(s.users, -0.7) DESC, u.item_id) AS n
           FROM undamped u JOIN (SELECT item_id, max(users) AS users FROM interact_counter GROUP BY 1) s USING (item_id)) d USING (n)
WHERE r.reason = 'similar_users';
ROLLBACK;

DROP OWNED BY filter_role;
DROP ROLE filter_role;
SELECT * FROM interact_check();
DROP EXTENSION interact CASCADE;
DROP TABLE pair, everything, call, undamped, secret;
DROP FUNCTION modulo, noted, unsure, never, no_arg, wrong_item, wrong_arg, wrong_result, many, strictly, broken, nested, endless, slow, looks, looks_as_owner, in_workers, pages, compare, compare_all;
DROP PROCEDURE proc;
