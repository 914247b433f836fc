-- From the tables raw_train and raw_test (user_id, item_id, second), as they
-- came from the files, to what is compared:
--   train       distinct pairs to learn from, with their latest time
--   held        pairs to be found: those of the test rows that are not in train
--   test_user   the users of held, numbered; at most :users of them
--   answer      what each strategy answers
--   call        how long each call took

SET client_min_messages = warning;

-- recommend() and trends look back from now, so now is when train ends.
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT user_id, item_id, now() - (max(second) OVER () - second) * interval '1 second'
  FROM raw_train
 ORDER BY second, user_id, item_id;

CREATE TABLE train AS
SELECT user_id, item_id, max(viewed_at) AS at, count(*) AS events
  FROM interact_view
 GROUP BY user_id, item_id;
ALTER TABLE train ADD PRIMARY KEY (user_id, item_id);

CREATE TABLE held AS
SELECT user_id, item_id FROM raw_test
EXCEPT
SELECT user_id, item_id FROM train;
ALTER TABLE held ADD PRIMARY KEY (user_id, item_id);

CREATE TABLE test_user AS
SELECT user_id, row_number() OVER (ORDER BY hashint8extended(user_id, 1)) AS n
  FROM (SELECT DISTINCT user_id FROM held) AS u
 ORDER BY n
 LIMIT :users;
ALTER TABLE test_user ADD PRIMARY KEY (user_id);

CREATE TABLE answer (
    strategy    text NOT NULL,
    user_id     bigint NOT NULL,
    rank        bigint NOT NULL,
    item_id     bigint NOT NULL
);
CREATE TABLE call (user_id bigint NOT NULL, ms double precision NOT NULL);

-- Index-only reads need the visibility map; autovacuum would do it in a minute.
VACUUM (ANALYZE);
