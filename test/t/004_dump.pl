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
# Trends follow the half-life that was set, and forget what was deleted.
$node->safe_psql('source', $path . "SELECT interact_rebuild('hot')");

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
for my $db (qw(custom plain inserts parallel))
{
	for my $table (@tables)
	{
		my $query = "$path SELECT * FROM $table ORDER BY 1";
		my $rows = $node->safe_psql('source', $query);
		isnt($rows, '', "$table has rows");
		same($node->safe_psql($db, $query), $rows, "$db: $table is restored");
	}
	is($node->safe_psql($db, "$path SELECT * FROM interact_check()"),
		'', "$db: counters agree with the rows");
	for my $name (sort keys %answers)
	{
		# user_items, a stale number, depends on the order of arrival.
		next if $name =~ /^(recommend|interact_rank|interact_similar|interact_bought)/;
		same(
			$node->safe_psql($db, "$path $answers{$name}"),
			$node->safe_psql('source', "$path $answers{$name}"),
			"$db: $name answers as in the source");
	}
	isnt($node->safe_psql($db, "$path $answers{'recommend()'}"),
		'', "$db: recommend() answers");

	# Identities go on where those of the source are.
	my $last = join ' UNION ALL ',
	  map { "SELECT '$_', last_value, is_called FROM ${_}_id_seq" }
	  grep { !/_event_type|_setting/ } @tables;
	is( $node->safe_psql($db, "$path $last"),
		$node->safe_psql('source', "$path $last"),
		"$db: identities go on");
	is( $node->safe_psql($db, "$path
			SELECT interact_record_view(1, 2), interact_record(1, 2, 'share', 3);
			INSERT INTO interact_key (kind, key) VALUES ('user', 'new') RETURNING id;
			SELECT interact_define_event('play')"),
		"t|t\n-3\n9", "$db: new rows can be added");
	is($node->safe_psql($db, "$path SELECT * FROM interact_check()"),
		'', "$db: counters agree with old and new rows");
}

$node->stop;
done_testing();
