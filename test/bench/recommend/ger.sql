-- The same events for the npm package ger, into the table it has made; its
-- indexes are made again when the table is full, which is quicker.

SET client_min_messages = warning;
SET maintenance_work_mem = '512MB';

CREATE TEMP TABLE made AS
SELECT pg_get_indexdef(indexrelid) AS command, indexrelid::regclass AS name
  FROM pg_index
 WHERE indrelid = 'ger.events'::regclass AND NOT indisprimary;
SELECT format('DROP INDEX %s', name) FROM made \gexec

INSERT INTO ger.events (person, action, thing, created_at, expires_at)
SELECT user_id, action, item_id, at, now() + interval '1 year'
  FROM (SELECT user_id, 'view' AS action, item_id, viewed_at AS at FROM interact_view
         UNION ALL
        SELECT user_id, 'purchase', item_id, purchased_at FROM interact_purchase) AS e;

SELECT command FROM made \gexec
VACUUM (ANALYZE) ger.events;
