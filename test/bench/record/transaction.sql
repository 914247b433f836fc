-- :calls record calls on item 1 in one transaction, by users from 1 to :users;
-- prints how long the first and the last tenth of them took, in seconds.

\set QUIET on
SET interact_bench.calls = :calls;
SET interact_bench.users = :users;
BEGIN;
DO $$
DECLARE
    calls   int := current_setting('interact_bench.calls');
    users   int := current_setting('interact_bench.users');
    began   timestamptz := clock_timestamp();
    tenth   timestamptz;
    ninth   timestamptz;
BEGIN
    FOR i IN 1 .. calls LOOP
        PERFORM interact_record_view(1 + floor(random() * users)::bigint, 1);
        IF i = calls / 10 THEN
            tenth := clock_timestamp();
        ELSIF i = calls - calls / 10 THEN
            ninth := clock_timestamp();
        END IF;
    END LOOP;
    PERFORM set_config('interact_bench.times',
        extract(epoch FROM tenth - began) || ' ' ||
        extract(epoch FROM clock_timestamp() - ninth), false);
END
$$;
COMMIT;
SELECT current_setting('interact_bench.times');
