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

# Not in public, with a row of its own in the application's tables
my $path = 'SET search_path = shop;';
$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql('source', 'CREATE SCHEMA shop; CREATE EXTENSION interact SCHEMA shop');
$node->safe_psql('source', $path . fill());
$node->safe_psql('source', $path . 'SELECT interact_enable_rls()');
# Gaps in the identities
$node->safe_psql('source', $path . 'DELETE FROM interact_view WHERE id % 5 = 0');
# Trends follow the half-life that was set, and forget what was deleted.
$node->safe_psql('source', $path . "SELECT interact_rebuild('hot')");

# The tables that are dumped, from the catalog; and their identities
my @tables = split /\n/, $node->safe_psql('source', q{
	SELECT c.relname FROM pg_extension AS e, unnest(e.extconfig) AS o JOIN pg_class AS c ON c.oid = o
	 WHERE e.extname = 'interact' AND c.relkind = 'r' ORDER BY c.relname});
cmp_ok(scalar(@tables), '>=', 12, 'tables are dumped');
my @identities = split /\n/, $node->safe_psql('source', extension_relations('S'));
cmp_ok(scalar(@identities), '>=', 10, 'so are identities');

my $dir = $node->basedir;
$node->command_ok([ 'pg_dump', '--format=custom', "--file=$dir/custom", 'source' ],
	'pg_dump, custom format');
$node->command_ok([ 'pg_dump', '--format=plain', "--file=$dir/plain", 'source' ],
	'pg_dump, plain');
$node->command_ok([ 'pg_dump', '--format=plain', '--inserts', "--file=$dir/inserts", 'source' ],
	'pg_dump, plain with INSERTs');

$node->command_ok([ 'pg_dump', '--format=directory', '--jobs=4', "--file=$dir/directory", 'source' ],
	'pg_dump, directory, four jobs');
$node->command_ok([ 'pg_dump', '--create', "--file=$dir/create", 'source' ], 'pg_dump --create');
$node->command_ok([ 'pg_dump', '--data-only', "--file=$dir/data", 'source' ], 'pg_dump --data-only');
$node->command_ok(
	[ 'pg_dump', '--data-only', '--table=shop.interact_view', "--file=$dir/table", 'source' ],
	'pg_dump of one table');

$node->safe_psql('postgres', "CREATE DATABASE $_")
  for qw(custom parallel directory plain inserts data single);
for my $db (qw(data single))
{
	$node->safe_psql($db, 'CREATE SCHEMA shop; CREATE EXTENSION interact SCHEMA shop');
}
$node->command_ok([ 'pg_restore', '--exit-on-error', '--dbname=custom', "$dir/custom" ],
	'pg_restore');
for my $db ([ parallel => 'custom' ], [ directory => 'directory' ])
{
	$node->command_ok(
		[ 'pg_restore', '--exit-on-error', '--jobs=4', "--dbname=$db->[0]", "$dir/$db->[1]" ],
		"pg_restore of $db->[1] with four jobs");
}

# Read a dump with psql.
sub read_dump
{
	my ($db, $file) = @_;

	$node->command_ok(
		[
			'psql', '--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1',
			"--dbname=$db", "--file=$dir/$file"
		],
		"psql reads $file");
	return;
}
read_dump($_, $_) for qw(plain inserts data);
read_dump('single', 'table');
$node->safe_psql('postgres', 'ALTER DATABASE source RENAME TO kept');
read_dump('postgres', 'create');
$node->safe_psql('postgres', 'ALTER DATABASE source RENAME TO created; ALTER DATABASE kept RENAME TO source');

# One table brings what is derived from it.
same(
	$node->safe_psql('single', "$path SELECT item_id, views FROM interact_item_stats ORDER BY item_id"),
	$node->safe_psql('source', "$path SELECT item_id, count(*) FROM interact_view GROUP BY item_id ORDER BY item_id"),
	'single: views are counted');
is($node->safe_psql('single', "$path SELECT * FROM interact_check()"),
	'', 'single: counters agree with the rows');

my %answers = answers();
# What every function that reads answers, of rows that were derived in one order;
# but for sizes and statistics.
sub rederived
{
	my ($db) = @_;

	$node->safe_psql($db, "$path TRUNCATE interact_affinity, interact_counter; SELECT interact_rebuild()");
	return join "\n", map { "-- $_->{call}\n" . $node->safe_psql($db, $_->{query}) }
	  grep { !$_->{volatile} && $_->{name} ne 'interact_status' } calls($node, $db);
}

$node->safe_psql('postgres', 'CREATE DATABASE again TEMPLATE source');
my $rederived = rederived('again');
for my $db (qw(custom plain inserts parallel directory created data))
{
	for my $table (@tables)
	{
		my $query = "$path SELECT * FROM $table ORDER BY 1";
		my $rows = $node->safe_psql('source', $query);
		isnt($rows, q{}, "$table has rows") unless $table eq "interact_rls";
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
	  map { "SELECT '$_', last_value, is_called FROM $_" } @identities;
	is( $node->safe_psql($db, "$path $last"),
		$node->safe_psql('source', "$path $last"),
		"$db: identities go on");
	same(rederived($db), $rederived, "$db: every function answers as in the source");

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
