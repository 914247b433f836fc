# Keys, following deletes, row-level security: what dumps, a standby and a user
# with very many rows make of them.

use strict;
use warnings FATAL => 'all';

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use lib $FindBin::RealBin;
use Fixture;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->start;
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;

# ---------- keys on a standby ----------

$node->safe_psql('postgres', 'CREATE EXTENSION interact');
$node->safe_psql('postgres',
	"SELECT interact_record_view(interact_user_id('ann'), interact_item_id('sku-1'))");
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is( $standby->safe_psql('postgres', q{
	SELECT interact_find_user_id('ann'), interact_find_user_id('bob') IS NULL,
	       interact_user_id('ann'), interact_item_key(interact_find_item_id('sku-1'))}),
	'-1|t|-1|sku-1', 'standby: known keys are found, unknown ones are null');
is($standby->safe_psql('postgres', "SELECT interact_find_item_ids('{sku-1,sku-2}')"),
	'{-2,NULL}', 'standby: arrays of keys');
for my $call ("interact_user_id('bob')", "interact_item_ids('{sku-1,sku-2}')",
	'interact_forget_user(-1)', 'interact_forget_item(1)', 'interact_merge_users(1, -1)')
{
	my ($status, $stdout, $stderr) = $standby->psql('postgres', "SELECT $call");
	isnt($status, 0, "standby: $call fails");
	like($stderr, qr/read-only transaction|during recovery/, "standby: $call says why");
}
is( $standby->safe_psql('postgres',
		"SELECT jsonb_array_length(interact_export_user(-1) -> 'view'), interact_export_user(-1) ->> 'key'"),
	'1|ann', 'standby: exports');
$standby->stop;

# ---------- dump and restore ----------

$node->safe_psql('postgres', 'CREATE ROLE shop_owner; CREATE ROLE shop_app; CREATE ROLE shop_client');
$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql('source', q{
	CREATE SCHEMA shop;
	CREATE EXTENSION interact SCHEMA shop;
	SELECT shop.interact_grant('shop_client', 'read');
	SELECT shop.interact_enable_rls('{shop_app}');
	CREATE TABLE product (id bigint PRIMARY KEY);
	CREATE TABLE account (id uuid PRIMARY KEY);
	ALTER TABLE product OWNER TO shop_owner;
	ALTER TABLE account OWNER TO shop_owner;
	INSERT INTO product VALUES (1), (2);
	INSERT INTO account VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), ('b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
	SELECT shop.interact_follow_deletes('product', 'id', 'item');
	SELECT shop.interact_follow_deletes('account', 'id', 'user');
	SELECT shop.interact_record_views(shop.interact_user_ids(array_agg(a.id::text)), array_agg(p.id))
	  FROM product AS p, account AS a;
});
my $dir = $node->basedir;
$node->command_ok([ 'pg_dump', '--format=custom', "--file=$dir/privacy", 'source' ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored; CREATE DATABASE parallel');
$node->command_ok([ 'pg_restore', '--exit-on-error', '--dbname=restored', "$dir/privacy" ],
	'pg_restore');
$node->command_ok([ 'pg_restore', '--exit-on-error', '--jobs=4', '--dbname=parallel', "$dir/privacy" ],
	'pg_restore with four jobs');
# Once more over what is there: dropping tables is not deleting from them.
$node->command_ok([ 'pg_restore', '--exit-on-error', '--clean', '--if-exists', '--dbname=restored', "$dir/privacy" ],
	'pg_restore --clean');

for my $db (qw(source restored parallel))
{
	is( $node->safe_psql($db, q{
		SELECT count(*) FROM shop.interact_view;
		SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'interact_forget%';
		SELECT count(*) FROM pg_depend WHERE classid = 'pg_trigger'::regclass AND deptype = 'x';
		SELECT count(*) FROM pg_policies WHERE schemaname = 'shop';
		SELECT count(*) FROM pg_class WHERE relrowsecurity;
		SELECT count(*) FROM shop.interact_view AS v JOIN shop.interact_key AS k ON k.id = v.user_id}),
		"4\n4\n4\n18\n9\n4", "$db: rows, triggers and policies are there");
	is( $node->safe_psql($db, q{
		SET ROLE shop_client;
		SELECT count(*) FROM shop.interact_view;
		SET interact.user_id = -1;
		SELECT count(*) FROM shop.interact_view}),
		"0\n2", "$db: policies hold");
	is( $node->safe_psql($db, q{
		SET ROLE shop_owner;
		DELETE FROM product WHERE id = 1;
		DELETE FROM account WHERE id = 'b0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11';
		RESET ROLE;
		SELECT item_id, shop.interact_user_key(user_id) FROM shop.interact_view;
		SELECT count(*) FROM shop.interact_key;
		SELECT * FROM shop.interact_check()}),
		"2|a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11\n1", "$db: deletes are followed");
	is( $node->safe_psql($db, q{
		DROP EXTENSION interact;
		SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal;
		DELETE FROM product RETURNING id}),
		"0\n2", "$db: the tables work on without the extension");
}

# ---------- a user with 100,000 rows ----------

# Others record on the user's items while the transaction that merges or
# forgets is open, with a limit on every wait.
$node->safe_psql('postgres', 'SELECT interact_forget_user(-1), interact_forget_item(-2)');
$node->safe_psql('postgres', q{
	INSERT INTO interact_view (user_id, item_id) SELECT 900, 1 + n % 20000 FROM generate_series(1, 90000) AS n;
	INSERT INTO interact_favorite (user_id, item_id) SELECT 900, n FROM generate_series(1, 10000) AS n;
	INSERT INTO interact_favorite (user_id, item_id) SELECT 42, n FROM generate_series(5001, 6000) AS n});
my $merge = $node->background_psql('postgres');
my $record = q{
	SET lock_timeout = '1ms';
	SELECT count(interact_record_view(u, i)), count(interact_add_favorite(u, i)), count(interact_record_purchase(u, i))
	  FROM generate_series(1, 5) AS u, generate_series(1, 20000, 100) AS i};
$merge->query_safe('BEGIN');
is($merge->query_safe('SELECT interact_merge_users(42, 900)'), '100000', 'a large guest is merged');
is($node->safe_psql('postgres', $record), '1000|1000|1000', 'others record meanwhile');
$merge->query_safe('COMMIT');
is( $node->safe_psql('postgres', q{
	SELECT user_id, count(*), count(DISTINCT item_id) FROM interact_fact WHERE user_id > 5 GROUP BY user_id;
	SELECT * FROM interact_check()}),
	'42|100000|20000', 'all of it is the user\'s');

$merge->query_safe('BEGIN');
is($merge->query_safe('SELECT interact_forget_user(42)'), '100000', 'a large user is forgotten');
is($node->safe_psql('postgres', $record =~ s/1, 5/11, 15/r), '1000|1000|1000', 'others record meanwhile');
$merge->query_safe('COMMIT');
$merge->quit;
is( $node->safe_psql('postgres', q{
	SELECT count(*) FROM interact_affinity WHERE user_id = 42;
	SELECT count(*), count(DISTINCT user_id) FROM interact_fact;
	SELECT * FROM interact_check()}),
	"0\n6000|10", 'nothing of the user is left, everything of the others is there');

$node->stop;
done_testing();
