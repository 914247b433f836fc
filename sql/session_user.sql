-- interact.user_id restricts a session to one user.
SET client_min_messages = warning;
DROP EXTENSION IF EXISTS interact CASCADE;
CREATE EXTENSION interact;
\set VERBOSITY default
\set SHOW_CONTEXT never

-- What the setting may be.
SHOW interact.user_id;
SET interact.user_id = 'somebody';
SET interact.user_id = '9223372036854775808';
SET interact.user_id = '42 ';
SET interact.user_id = '-9223372036854775808';
SET interact.user_id = '42';

-- The user's own id is as good as ever, others are refused.
SELECT interact_record_view(42, 1);
SELECT interact_record_view(43, 1);
SELECT interact_record_view(NULL, 1);
SELECT interact_record_views('{42,42}', '{1,2}');
SELECT interact_record_views('{42,43}', '{1,2}');
SELECT interact_record_purchases('{42}', '{2}');
SELECT interact_record_purchases('{43}', '{2}');
SELECT count(*) FROM recommend(42);
SELECT count(*) FROM recommend(43);
SELECT user_id, count(*) FROM interact_view GROUP BY user_id;

-- For one transaction, as a gateway sets it.
RESET interact.user_id;
BEGIN;
SELECT set_config('interact.user_id', '43', true);
SELECT interact_record_view(43, 1);
SAVEPOINT s;
SELECT interact_record_view(42, 1);
ROLLBACK TO s;
COMMIT;
SHOW interact.user_id;
SELECT interact_record_view(44, 1);
SET interact.user_id = '';
SELECT interact_record_view(45, 1);

-- The checks that functions in SQL use.
SELECT interact_arg_user(1), interact_arg_id(2, 'item_id'), interact_arg_max_items(3);
SELECT interact_arg_user(NULL);
SELECT interact_arg_user(1, NULL);
SELECT interact_arg_user(NULL, 'friend_id');
SELECT interact_arg_id(NULL, 'item_id');
SELECT interact_arg_max_items(NULL);
SELECT interact_arg_max_items(-1);
SELECT interact_arg_max_items(1001);
SET interact.user_id = '1';
SELECT interact_arg_user(2, 'from_user_id');
RESET interact.user_id;

SELECT * FROM interact_check();
DROP EXTENSION interact;
