# Crashes: the postmaster is killed while sessions record and others load,
# rebuild, compact, prune or move rows between users.  Whatever was committed is
# there, and the counters agree with it.
#
# INTERACT_CRASH_ROUNDS is the number of crashes, 6 by default: one in the
# middle of each kind of work.

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
$node->append_conf('postgresql.conf',
	"checkpoint_timeout = 30s\nmax_wal_size = 64MB\nfull_page_writes = on");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION interact');
$node->safe_psql('postgres', fill());

my $files = 0;

# Start sessions that run a script again and again, until the server is gone.
sub sessions
{
	my ($sessions, $sql) = @_;
	my $file = $node->basedir . '/script' . ++$files . '.sql';
	my $bench = { stdout => '', stderr => '' };

	append_to_file($file, $sql);
	$bench->{run} = IPC::Run::start(
		[
			'pgbench', '--no-vacuum', '--client', $sessions, '--time',
			$PostgreSQL::Test::Utils::timeout_default,
			'--file', $file, $node->connstr('postgres')
		],
		'<', \undef, '>', \$bench->{stdout}, '2>', \$bench->{stderr});
	return $bench;
}

# Few items and several sessions: rows are split, folded and updated in place
# when the crash comes.
my $record = <<'SQL';
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

# What also goes on when the crash comes, in turn
my $load = $node->basedir . '/load';
append_to_file($load, join('', map { $_ % 300 + 1000 . "\t" . $_ % 97 . "\n" } 1 .. 20000));
my @work = (
	[ 'recording', 'SELECT interact_record_views(ARRAY[1, 2, 3], ARRAY[1, 1, 2]);' ],
	[ 'COPY', "COPY interact_view (user_id, item_id) FROM '$load';" ],
	[ 'interact_rebuild()', q{
		BEGIN;
		SET LOCAL session_replication_role = replica;
		INSERT INTO interact_view (user_id, item_id) SELECT u, u % 7 FROM generate_series(2000, 2500) AS u;
		COMMIT;
		SELECT interact_rebuild();} ],
	[ 'interact_compact()', 'SELECT interact_compact();' ],
	[ 'pruning', q{
		WITH gone AS (DELETE FROM interact_view WHERE id % 10 = 0 RETURNING item_id)
		INSERT INTO interact_pruned AS p (item_id, event, count)
		SELECT item_id, 'view', count(*) FROM gone GROUP BY item_id
		    ON CONFLICT (item_id, event) DO UPDATE SET count = p.count + excluded.count;} ],
	[ 'merging users', q{
		\set u random(1, 100)
		UPDATE interact_view SET user_id = :u + 100 WHERE user_id = :u;
		UPDATE interact_purchase SET user_id = :u + 100 WHERE user_id = :u;} ]);

my $rounds = $ENV{INTERACT_CRASH_ROUNDS} // @work;

# Counts of views ever made, of which some are pruned
sub views
{
	return $node->safe_psql('postgres', q{
		SELECT (SELECT count(*) FROM interact_view) +
		       (SELECT COALESCE(sum(count), 0) FROM interact_pruned WHERE event = 'view')});
}

# State and parent of a process; nothing if there is none
sub process
{
	my ($pid) = @_;

	open(my $stat, '<', "/proc/$pid/stat") or return;
	my $line = <$stat> // '';
	return $line =~ /\) (\w) (\d+) /;
}

sub running
{
	my ($state) = process($_[0]);
	return defined $state && $state ne 'Z';
}

sub children
{
	my ($pid) = @_;

	return grep { ((process($_))[1] // 0) == $pid } map { m{(\d+)} } glob('/proc/[1-9]*');
}

my $last = views();
for my $round (1 .. $rounds)
{
	my ($name, $sql) = @{ $work[ ($round - 1) % @work ] };
	my @benches = (sessions(4, $record), sessions(1, $sql));

	# Wait for some of it; a deadlock of two who move a user's rows about is
	# theirs, so of the work only that it started is of interest.
	$node->poll_query_until('postgres', qq{
		SELECT (SELECT count(*) FROM interact_view) +
		       (SELECT COALESCE(sum(count), 0) FROM interact_pruned WHERE event = 'view') > $last + 300})
	  or die "nothing is recorded: $benches[0]{stderr}";
	$node->safe_psql('postgres', 'CHECKPOINT') if $round % 3 == 2;
	my $seen = views();

	my $postmaster = slurp_file($node->data_dir . '/postmaster.pid') =~ s/\n.*//sr;
	my @children = children($postmaster);
	$node->kill9;
	$_->{run}->finish for @benches;

	# Its children have to notice before another can start, and init that it is
	# gone.
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		last unless -e "/proc/$postmaster" || grep { running($_) } @children;
		select(undef, undef, undef, 0.1);
	}
	$node->start;

	$last = views();
	cmp_ok($last, '>=', $seen, "round $round, $name: what was committed is there");
	# Rows that a rebuild had still to find are found by the next.
	$node->safe_psql('postgres', 'SELECT interact_rebuild()') if $name =~ /rebuild/;
	is($node->safe_psql('postgres', 'SELECT * FROM interact_check()'),
		'', "round $round, $name: counters agree with the rows");
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
