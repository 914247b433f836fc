-- A few thousand random statements over all base tables; what is derived is
-- compared with the base rows all along. The same sequence at every run.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
SET timezone = 'UTC';
SELECT interact_define_event('share', 2) IS NOT NULL AS share,
       interact_define_event('play', 0.5) IS NOT NULL AS play,
       interact_define_event('wow', 1.1, 'reaction') IS NOT NULL AS wow;

-- Numbers from 0 to n - 1. A sequence is not rolled back, so what follows a
-- rolled back statement is not the same again.
CREATE TEMP SEQUENCE draw;
CREATE FUNCTION rnd(n integer) RETURNS integer
LANGUAGE sql VOLATILE AS
$$ SELECT ((hashint8extended(nextval('draw'), 20240501) & 2147483647) % n)::integer $$;

-- Few users and items, so that pairs meet again; few times, so that they tie.
CREATE FUNCTION rnd_user() RETURNS integer LANGUAGE sql VOLATILE AS $$ SELECT 1 + rnd(5) $$;
CREATE FUNCTION rnd_item() RETURNS integer LANGUAGE sql VOLATILE AS $$ SELECT 1 + rnd(7) $$;
CREATE FUNCTION rnd_time() RETURNS timestamptz LANGUAGE sql VOLATILE AS
$$ SELECT '2024-05-01'::timestamptz + rnd(60) * interval '6 hours' $$;
CREATE FUNCTION rnd_of(VARIADIC choices text[]) RETURNS text LANGUAGE sql VOLATILE AS
$$ SELECT choices[1 + rnd(cardinality(choices))] $$;

-- Values of a row of a table, in the order of the column list below.
CREATE FUNCTION rnd_values(tab text) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    pair text := format('%s, %s', rnd_user(), rnd_item());
    at text := quote_literal(rnd_time());
BEGIN
    RETURN CASE tab
        WHEN 'view' THEN format('(%s, %s)', pair, at)
        WHEN 'favorite' THEN format('(%s, %L, %s)', pair, rnd_of('a', 'b', 'c'), at)
        WHEN 'review' THEN format('(%s, %s, %s)', pair, 1 + rnd(5), at)
        WHEN 'reaction' THEN format('(%s, %L, %s)', pair, rnd_of('like', 'dislike', 'wow'), at)
        WHEN 'cart_item' THEN format('(%s, %s, %s, %s)', pair, 1 + rnd(3), at,
                                     rnd_of(at, 'NULL', 'NULL'))
        WHEN 'purchase' THEN format('(%s, %s, %s, %s)', pair, 1 + rnd(3),
                                    rnd_of('NULL', '0', '0.10', '19.99'), at)
        WHEN 'event' THEN format('(%s, %L, %s, %s)', pair, rnd_of('share', 'play'),
                                 rnd_of('NULL', '-2.5', '7'), at)
        WHEN 'pruned' THEN format('(%s, %L, %s, %s, %s)', rnd_item(),
                                  rnd_of('view', 'purchase', 'share'), rnd(4),
                                  rnd_of('0', '1.5'), at)
    END;
END $$;

-- One random statement.
CREATE FUNCTION rnd_statement() RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    tab text := rnd_of('view', 'view', 'favorite', 'review', 'reaction', 'cart_item',
                       'purchase', 'event', 'pruned');
    cols text := CASE tab
        WHEN 'view' THEN 'user_id, item_id, viewed_at'
        WHEN 'favorite' THEN 'user_id, item_id, list, created_at'
        WHEN 'review' THEN 'user_id, item_id, rating, updated_at'
        WHEN 'reaction' THEN 'user_id, item_id, reaction, created_at'
        WHEN 'cart_item' THEN 'user_id, item_id, quantity, added_at, removed_at'
        WHEN 'purchase' THEN 'user_id, item_id, quantity, unit_price, purchased_at'
        WHEN 'event' THEN 'user_id, item_id, event, value, occurred_at'
        WHEN 'pruned' THEN 'item_id, event, count, total, pruned_at'
    END;
    cond text := CASE rnd(4)
        WHEN 0 THEN format('item_id = %s', rnd_item())
        WHEN 1 THEN format('id %% 7 = %s', rnd(7))
        WHEN 2 THEN format('item_id = %s AND id %% 3 = %s', rnd_item(), rnd(3))
        ELSE CASE WHEN tab = 'pruned' THEN format('count = %s', rnd(4))
                  ELSE format('user_id = %s AND item_id = %s', rnd_user(), rnd_item()) END
    END;
    vals text := rnd_values(tab);
    what integer := rnd(100);
BEGIN
    tab := 'interact_' || tab;
    IF what < 55 THEN
        FOR i IN 1 .. rnd(5) * rnd(2) LOOP
            vals := vals || ', ' || rnd_values(substr(tab, 10));
        END LOOP;
        vals := format('INSERT INTO %s (%s) VALUES %s', tab, cols, vals);
        RETURN vals || CASE
            WHEN rnd(3) = 0 THEN ''
            WHEN tab = 'interact_favorite' AND rnd(2) = 0 THEN
                ' ON CONFLICT (user_id, item_id, list) DO UPDATE SET created_at = EXCLUDED.created_at'
            WHEN tab = 'interact_review' AND rnd(2) = 0 THEN
                ' ON CONFLICT (user_id, item_id) DO UPDATE SET rating = EXCLUDED.rating'
            WHEN tab = 'interact_reaction' AND rnd(2) = 0 THEN
                ' ON CONFLICT (user_id, item_id) DO UPDATE SET reaction = EXCLUDED.reaction, item_id = EXCLUDED.item_id % 7 + 1'
            WHEN tab = 'interact_cart_item' AND rnd(2) = 0 THEN
                ' ON CONFLICT (user_id, item_id) WHERE removed_at IS NULL AND purchased_at IS NULL'
                ' DO UPDATE SET quantity = interact_cart_item.quantity + EXCLUDED.quantity'
            WHEN tab = 'interact_pruned' AND rnd(2) = 0 THEN
                ' ON CONFLICT (item_id, event) DO UPDATE SET count = interact_pruned.count + 1, total = EXCLUDED.total'
            ELSE ' ON CONFLICT DO NOTHING' END;
    ELSIF what < 78 THEN
        -- keys, times and numbers, several at once
        RETURN format('UPDATE %s SET (%s) = ROW %s WHERE %s', tab, cols, vals, cond);
    ELSIF what < 85 THEN
        RETURN format('UPDATE %s SET item_id = item_id %% 7 + 1 WHERE %s', tab, cond);
    ELSIF what < 98 THEN
        RETURN format('DELETE FROM %s WHERE %s', tab, cond);
    ELSIF what < 99 THEN
        RETURN format('DELETE FROM %s', tab);
    ELSE
        RETURN format('TRUNCATE %s', tab);
    END IF;
END $$;

CREATE TABLE run (statements int, taken_back int, failed int, differences int,
                  removed_signals int);

-- Some statements run alone, some in groups that are taken back as a whole or
-- in part; a transaction is a hundred statements or so.
CREATE PROCEDURE play(n integer)
LANGUAGE plpgsql AS $$
DECLARE
    stmt text;
    done integer := 0;
    r run;
    before integer;
    after integer;
BEGIN
    r := ROW (0, 0, 0, 0, 0);
    WHILE done < n LOOP
        SELECT sum(length(replace(signals::bit(31)::text, '0', ''))) INTO before
        FROM interact_affinity;
        BEGIN
            FOR i IN 1 .. 1 + rnd(3) LOOP
                BEGIN
                    stmt := rnd_statement();
                    done := done + 1;
                    EXECUTE stmt;
                    r.statements := r.statements + 1;
                    IF rnd(10) = 0 THEN
                        RAISE EXCEPTION SQLSTATE 'IA001';
                    END IF;
                EXCEPTION
                    WHEN SQLSTATE 'IA001' THEN
                        r.taken_back := r.taken_back + 1;
                    WHEN unique_violation OR cardinality_violation THEN
                        r.failed := r.failed + 1;
                END;
            END LOOP;
            IF rnd(10) = 0 THEN
                RAISE EXCEPTION SQLSTATE 'IA001';
            END IF;
        EXCEPTION WHEN SQLSTATE 'IA001' THEN
            r.taken_back := r.taken_back + 1;
        END;
        SELECT sum(length(replace(signals::bit(31)::text, '0', ''))) INTO after
        FROM interact_affinity;
        IF after < before THEN
            r.removed_signals := r.removed_signals + 1;
        END IF;
        IF done / 100 > (done - 3) / 100 THEN
            r.differences := r.differences
                + (SELECT count(*) FROM interact_check() WHERE what <> 'level');
            IF rnd(2) = 0 THEN
                COMMIT;
            END IF;
        END IF;
    END LOOP;
    INSERT INTO run SELECT r.*;
END $$;

CALL play(3000);

-- Nothing may differ; and the run was worth something.
-- Levels are left out: while someone else holds a snapshot, an analyze for
-- instance, a key may come to have several rows.
SELECT differences FROM run;
SELECT * FROM interact_check() WHERE what <> 'level';
SELECT statements > 2500 AS statements, taken_back > 200 AS taken_back,
       failed BETWEEN 100 AND 900 AS failed, removed_signals > 100 AS removed_signals
FROM run;
-- What the verdict rests on does find things.
UPDATE interact_affinity SET signals = signals | 1, rating = 5 - rating;
UPDATE interact_counter SET count = count + 1 WHERE event = 0;
SELECT count(*) > 0 AS found FROM interact_check();

SELECT interact_rebuild() > 0 AS repaired;
SELECT * FROM interact_check() WHERE what <> 'level';

DROP TABLE run;
DROP PROCEDURE play(integer);
DROP FUNCTION rnd_statement(), rnd_values(text), rnd_of(text[]), rnd_time(),
    rnd_item(), rnd_user(), rnd(integer);
DROP SEQUENCE draw;
