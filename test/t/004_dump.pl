# pg_dump and restore: everything comes back once, counters are derived again,
# identities go on where they were.

use strict;
use warnings FATAL => 'all';

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use lib $FindBin::RealBin;
use Fixture;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

my @tables = qw(interact_view interact_favorite interact_review
  interact_reaction interact_cart_item interact_purchase interact_event
  interact_friend interact_event_type interact_key interact_setting
  interact_pruned);

# Not in public, with a row of its own in the application's tables
my $path = 'SET search_path = shop;';
$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql('source', 'CREATE SCHEMA shop; CREATE EXTENSION interact SCHEMA shop');
$node->safe_psql('source', $path . fill());
# Gaps in the identities
$node->safe_psql('source', $path . 'DELETE FROM interact_view WHERE id % 5 = 0');

my $dir = $node->basedir;
$node->command_ok([ 'pg_dump', '--format=custom', "--file=$dir/custom", 'source' ],
	'pg_dump, custom format');
$node->command_ok([ 'pg_dump', '--format=plain', "--file=$dir/plain", 'source' ],
	'pg_dump, plain');
$node->command_ok([ 'pg_dump', '--format=plain', '--inserts', "--file=$dir/inserts", 'source' ],
	'pg_dump, plain with INSERTs');

$node->safe_psql('postgres', "CREATE DATABASE $_")
  for qw(custom parallel plain inserts);
$node->command_ok([ 'pg_restore', '--exit-on-error', '--dbname=custom', "$dir/custom" ],
	'pg_restore');
$node->command_ok(
	[ 'pg_restore', '--exit-on-error', '--jobs=4', '--dbname=parallel', "$dir/custom" ],
	'pg_restore with four jobs');
for my $db (qw(plain inserts))
{
	$node->command_ok(
		[
			'psql', '--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1',
			"--dbname=$db", "--file=$dir/$db"
		],
		"psql reads $db");
}

my %answers = answers();
for my $db (qw(custom parallel plain inserts))
{
	for my $table (@tables)
	{
		my $query = "$path SELECT * FROM $table ORDER BY 1";
		my $rows = $node->safe_psql('source', $query);
		isnt($rows, '', "$table has rows");
		is($node->safe_psql($db, $query), $rows, "$db: $table is restored");
	}
	is($node->safe_psql($db, "$path SELECT * FROM interact_check()"),
		'', "$db: counters agree with the rows");
	for my $name (sort keys %answers)
	{
		# user_items, a stale number, depends on the order of arrival.
		next if $name eq 'recommend()' || $name eq 'interact_similar_items()';
		is( $node->safe_psql($db, "$path $answers{$name}"),
			$node->safe_psql('source', "$path $answers{$name}"),
			"$db: $name answers as in the source");
	}
	isnt($node->safe_psql($db, "$path $answers{'recommend()'}"),
		'', "$db: recommend() answers");

	# New rows get new identities, and new keys new (negative) ids.
	my $ids = "$path
		INSERT INTO interact_view (user_id, item_id) VALUES (1, 2) RETURNING id;
		INSERT INTO interact_friend (user_id, friend_id) VALUES (1, 77) RETURNING id;
		INSERT INTO interact_key (kind, key) VALUES ('user', 'new') RETURNING id;
		SELECT interact_define_event('play')";
	is( $node->safe_psql($db, "BEGIN; $ids; ROLLBACK"),
		$node->safe_psql('source', "BEGIN; $ids; ROLLBACK"),
		"$db: identities go on")
	  if $db eq 'custom';
	my $next = $node->safe_psql($db, $ids);
	unlike($next, qr/^$/, "$db: new rows can be added");
	is($node->safe_psql($db, "$path SELECT * FROM interact_check()"),
		'', "$db: counters agree with old and new rows");
}

$node->stop;
done_testing();
