-- Calls recommend() for every :sessions-th test user, beginning with :session.

SET interact_bench.session = :session;
SET interact_bench.sessions = :sessions;
DO $$
DECLARE
    this    bigint := current_setting('interact_bench.session');
    every   bigint := current_setting('interact_bench.sessions');
    asking  bigint;
    began   timestamptz;
    items   bigint[];
BEGIN
    FOR asking IN SELECT user_id FROM test_user WHERE n % every = this ORDER BY n LOOP
        began := clock_timestamp();
        items := ARRAY(SELECT r.item_id FROM recommend(asking, 20) AS r);
        INSERT INTO call VALUES
            (asking, 1000 * extract(epoch FROM clock_timestamp() - began)::double precision);
        INSERT INTO answer
        SELECT 'recommend', asking, place, item_id
          FROM unnest(items) WITH ORDINALITY AS i (item_id, place);
    END LOOP;
END
$$;
