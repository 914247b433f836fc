# Crashes: whatever was committed is there, and the counters agree with it.

use strict;
use warnings FATAL => 'all';

use FindBin;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use lib $FindBin::RealBin;
use Fixture;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# A checkpoint now and then, so that recovery starts in the middle of things
$node->append_conf('postgresql.conf', "checkpoint_timeout = 30s\nmax_wal_size = 64MB");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION interact');
$node->safe_psql('postgres', fill());

# Few items and several sessions: rows are split, folded and updated in place
# when the crash comes.
my $script = $node->basedir . '/record.sql';
append_to_file($script, <<'SQL');
\set u random(1, 200)
\set i random(1, 5)
\set j random(1, 5)
BEGIN;
SELECT interact_record_view(:u, :i);
SELECT interact_record_view(:u, :j);
SELECT interact_add_favorite(:u, :i);
SELECT interact_record_purchase(:u, :j, 2, 9.99);
SELECT interact_remove_favorite(:u, :j);
COMMIT;
SQL

sub views
{
	return $node->safe_psql('postgres', 'SELECT count(*) FROM interact_view');
}

my $last = views();
for my $round (1 .. 3)
{
	my $stderr = '';
	my $bench = IPC::Run::start(
		[
			'pgbench', '--no-vacuum', '--client', '4', '--time',
			$PostgreSQL::Test::Utils::timeout_default,
			'--file', $script, $node->connstr('postgres')
		],
		'<', \undef, '>', \my $stdout, '2>', \$stderr);

	$node->poll_query_until('postgres',
		"SELECT count(*) > $last + 400 FROM interact_view")
	  or die "nothing is recorded: $stderr";
	$node->safe_psql('postgres', 'CHECKPOINT') if $round == 2;
	my $seen = views();

	$node->stop('immediate');
	$bench->finish;
	$node->start;

	$last = views();
	cmp_ok($last, '>=', $seen, "round $round: what was committed is there");
	is($node->safe_psql('postgres', 'SELECT * FROM interact_check()'),
		'', "round $round: counters agree with the rows");
}

# Recording goes on, in all the rows that were left behind.
is( $node->safe_psql('postgres', 'SELECT bool_and(interact_record_view(u, i))
	FROM generate_series(1, 50) AS u, generate_series(1, 5) AS i'),
	't', 'recording goes on');
$node->safe_psql('postgres', 'SELECT interact_compact()');
is($node->safe_psql('postgres', 'SELECT * FROM interact_check()'),
	'', 'counters agree after interact_compact()');
is($node->safe_psql('postgres', "SELECT interact_rebuild('affinity')"),
	'0', 'there is no pair to rebuild');
$node->safe_psql('postgres', 'SELECT interact_rebuild()');
is($node->safe_psql('postgres', 'SELECT interact_rebuild()'),
	'0', 'there is nothing to rebuild twice');

$node->stop;
done_testing();
