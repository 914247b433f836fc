# Out of disk and out of memory in the middle of a bulk load: an error, nothing
# half done, and all is well when there is room again.
#
# Room is taken by limits of the operating system on the server's processes:
# a largest size of files, as a full disk would have it, and of memory.

use strict;
use warnings FATAL => 'all';

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use lib $FindBin::RealBin;
use Fixture;

my $node = PostgreSQL::Test::Cluster->new('main');
# The files of the log have to be smaller than any limit.
$node->init(extra => ['--wal-segsize=1']);
$node->append_conf('postgresql.conf', 'autovacuum = off');
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION interact');
$node->safe_psql('postgres', fill());

sub limit
{
	my ($pid, $what) = @_;

	system_or_bail('prlimit', "--pid=$pid", $what);
	return;
}

# Base tables, derived tables and what can be asked
my $state = q{
	SELECT count(*) FROM interact_view;
	SELECT count(*), md5(string_agg(t::text, '' ORDER BY user_id, item_id, id)) FROM interact_affinity AS t;
	SELECT count(*), md5(string_agg(t::text, '' ORDER BY item_id, event, id)) FROM interact_counter AS t;
	SELECT * FROM interact_check()};
my $before = $node->safe_psql('postgres', $state);

# Pairs of users and items that are all different
sub load
{
	my ($rows) = @_;

	return "INSERT INTO interact_view (user_id, item_id)
	        SELECT i, i % 1000 FROM generate_series(1, $rows) AS i";
}

# Run something while no file may be larger than so many bytes; it fails.
my $postmaster = slurp_file($node->data_dir . '/postmaster.pid') =~ s/\n.*//sr;
sub fails_clean
{
	my ($name, $bytes, $sql) = @_;
	my $why = qr/could not (extend|write)/;

	limit($postmaster, "--fsize=$bytes:");
	my ($failed, $stdout, $stderr) = $node->psql('postgres', $sql);
	limit($postmaster, '--fsize=unlimited:');

	isnt($failed, 0, "$name: fails");
	like($stderr, $why, "$name: says why");
	is($node->safe_psql('postgres', $state), $before, "$name: nothing has changed");
	return;
}

# ---------- disk ----------

fails_clean('no disk for a load', 1_500_000, load(100_000));

# Rows that are there already, and no room for what is derived from them
$node->safe_psql('postgres', load(20_000));
$before = $node->safe_psql('postgres', $state);
my $size = $node->safe_psql('postgres', "SELECT pg_relation_size('interact_affinity')");
fails_clean('no disk for derived rows', int($size / 2), q{
	BEGIN;
	SET LOCAL work_mem = '256MB';
	TRUNCATE interact_affinity, interact_counter;
	SELECT interact_rebuild();
	COMMIT});

# ---------- memory ----------

# A session that may have little more than it has
for my $mb (2, 6, 20)
{
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	my $backend = $session->query_safe('SELECT pg_backend_pid()');
	$session->query_safe("SET work_mem = '64kB'");
	$session->query_safe('SELECT interact_record_view(1, 1) FROM generate_series(1, 0)');
	my ($kb) = slurp_file("/proc/$backend/status") =~ /VmSize:\s+(\d+) kB/;
	limit($backend, '--as=' . ($kb + 1024 * $mb) * 1024 . ':');
	my $said = $session->query(load(200_000));
	my $stderr = $session->{stderr};
	note("$mb MB: $stderr");
	limit($backend, '--as=unlimited:');

	if ($mb < 20)
	{
		like($stderr, qr/out of memory/, "$mb MB of memory: says so");
	}
	$session->{stderr} = '';
	is($session->query_safe('SELECT 1'), '1', "$mb MB of memory: the session goes on");
	is($node->safe_psql('postgres', $state), $before, "$mb MB of memory: nothing has changed")
	  if $stderr =~ /out of memory/;
	is($node->safe_psql('postgres', 'SELECT * FROM interact_check()'),
		'', "$mb MB of memory: counters agree with the rows");
	$session->quit;
}

# There is room again.
$node->safe_psql('postgres', load(50_000));
is($node->safe_psql('postgres', 'SELECT * FROM interact_check()'),
	'', 'room again: counters agree with the rows');

$node->stop;
done_testing();
