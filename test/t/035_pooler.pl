# A pooler in transaction mode: many clients share few sessions, which is no
# session of anybody's, so nothing of ours may need one.

use strict;
use warnings FATAL => 'all';

use FindBin;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use lib $FindBin::RealBin;
use Fixture;

# Distributions put it where only root looks.
$ENV{PATH} .= ':/usr/sbin';
my ($found) = grep { -x "$_/pgbouncer" } split /:/, $ENV{PATH};
BAIL_OUT('pgbouncer is not installed') unless $found;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION interact');
$node->safe_psql('postgres', fill());
$node->safe_psql('postgres', q{
	CREATE ROLE pooled LOGIN;
	SELECT interact_grant('pooled', 'read'), interact_grant('pooled', 'write')});

# Two sessions for everybody
my $dir = PostgreSQL::Test::Utils::tempdir_short();
my $port = PostgreSQL::Test::Cluster::get_free_port();
append_to_file("$dir/users", "\"pooled\" \"\"\n");
append_to_file("$dir/ini", qq{
[databases]
* = host='@{[ $node->host ]}' port=@{[ $node->port ]}
[pgbouncer]
listen_addr =
unix_socket_dir = $dir
listen_port = $port
auth_type = trust
auth_file = $dir/users
pool_mode = transaction
default_pool_size = 2
max_client_conn = 100
ignore_startup_parameters = extra_float_digits
logfile = $dir/log
});
my $pooler = IPC::Run::start([ 'pgbouncer', "$dir/ini" ], '<', \undef, '>', \my $out, '2>', \my $err);

# Run a script through the pooler.
sub pooled
{
	my ($sql) = @_;
	my ($stdout, $stderr) = ('', '');

	IPC::Run::run(
		[ 'psql', '--no-psqlrc', '--quiet', '--no-align', '--tuples-only',
			'--dbname', "host=$dir port=$port user=pooled dbname=postgres" ],
		'<', \$sql, '>', \$stdout, '2>', \$stderr);
	chomp $stdout;
	return wantarray ? ($stdout, $stderr) : $stdout;
}

for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
{
	last if -S "$dir/.s.PGSQL.$port";
	select(undef, undef, undef, 0.1);
}
is(pooled('SELECT 1'), '1', 'the pooler answers') or diag(slurp_file("$dir/log"));

# Many clients on two sessions, each statement a transaction or several in one,
# with the protocol that drivers use
my $file = $node->basedir . '/load.sql';
append_to_file($file, q{
\set u random(1, 60)
\set i random(1, 40)
SELECT interact_record_view(:u, :i);
BEGIN;
SELECT set_config('interact.user_id', :u::text, true);
SELECT interact_add_favorite(:u, :i);
SELECT count(*) FROM recommend(:u);
COMMIT;
SELECT count(*) FROM interact_trending();
SELECT interact_remove_favorite(:u, :i);
});
for my $protocol (qw(simple extended))
{
	my $views = $node->safe_psql('postgres', 'SELECT count(*) FROM interact_view');
	my ($stdout, $stderr) = ('', '');
	my $ok = IPC::Run::run(
		[ 'pgbench', '--no-vacuum', '--client', 16, '--transactions', 20, '--protocol', $protocol,
			'--file', $file, "host=$dir port=$port user=pooled dbname=postgres" ],
		'<', \undef, '>', \$stdout, '2>', \$stderr);

	ok($ok && $stdout =~ /failed transactions: 0 /, "$protocol protocol: no transaction failed")
	  or diag($stdout . $stderr);
	is($node->safe_psql('postgres', 'SELECT count(*) FROM interact_view') - $views,
		320, "$protocol protocol: every view is there");
}
cmp_ok($node->safe_psql('postgres', q{
		SELECT count(*) FROM pg_stat_activity WHERE usename = 'pooled'}), '<=', 2, 'on two sessions');

# What is set for a transaction ends with it, whoever comes next.
my ($stdout, $stderr) = pooled(q{
BEGIN;
SET LOCAL interact.user_id = '5';
SELECT interact_record_view(6, 1);
ROLLBACK;
SELECT interact_record_view(6, 1);
});
like($stderr, qr/user_id must be 5/, 'a transaction for one user refuses others');
is($stdout, 't', 'the next transaction does not');

# Prepared in a transaction, executed with other settings in the next
is(pooled(q{
BEGIN;
PREPARE mine (bigint) AS SELECT count(*) > 0 FROM recommend($1);
EXECUTE mine(5);
EXECUTE mine(6);
DEALLOCATE mine;
COMMIT;
}), "t\nt", 'prepared within a transaction');

# An administrator's change reaches the sessions of the pool.
$node->safe_psql('postgres', "SELECT interact_define_event('play', weight => 3)");
is(pooled("SELECT interact_record(6, 1, 'play')"), 't', 'a new event type is known');
$node->safe_psql('postgres', 'DROP EXTENSION interact; CREATE EXTENSION interact');
$node->safe_psql('postgres', "SELECT interact_grant('pooled', 'write')");
is(pooled('SELECT interact_record_view(6, 1)'), 't', 'a new extension as well');
is($node->safe_psql('postgres', 'SELECT * FROM interact_check()'), '', 'counters agree with the rows');

$pooler->kill_kill;
$node->stop;
done_testing();
