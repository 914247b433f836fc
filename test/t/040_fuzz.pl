# Random calls of every public function with arguments that are in range, at
# its edges and absurd; random statements on the base tables; savepoints, roles,
# settings, and cancels at any moment: no crash, no internal error, no memory
# that only grows, and at the end counters agree with the rows.
#
# INTERACT_FUZZ_CALLS is the number of calls in all (3000 by default, a slice
# that takes some seconds), INTERACT_FUZZ_SESSIONS of sessions (2) that make
# them, INTERACT_FUZZ_SEED what is random.  make fuzz runs a million against a
# server with assertions.

use strict;
use warnings FATAL => 'all';

use FindBin;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use lib $FindBin::RealBin, "$FindBin::RealBin/../fuzz";
use Fixture;
use Fuzz;

my $calls = $ENV{INTERACT_FUZZ_CALLS} // 3000;
my $sessions = $ENV{INTERACT_FUZZ_SESSIONS} // 2;
my $seed = $ENV{INTERACT_FUZZ_SEED} // 20090;
note("$calls calls, $sessions sessions, seed $seed");

# Bytes that a session may have grown by, once it has done everything.
my $growth_limit = 4 * 1024 * 1024;

# An array of a size that has to be refused, or read in bounded time
my $huge = $calls > 100_000 ? 50_000_000 : 1_000_000;

# So few buffers that pages leave them all the time, also between two looks at
# one of them.
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
log_statement = none
log_min_messages = log
log_min_duration_statement = 60s
restart_after_crash = off
autovacuum_naptime = 1s
shared_buffers = 1MB
max_wal_size = 1GB
});
$node->start;

# Half of the sessions have a database in which text may be any bytes.
my %encoding = (fuzz_utf8 => 'UTF8', fuzz_bytes => 'SQL_ASCII');
my $schema = 'interactions';

$node->safe_psql('postgres', 'CREATE ROLE fuzz_app LOGIN');
for my $db (sort keys %encoding)
{
	$node->safe_psql('postgres',
		"CREATE DATABASE $db TEMPLATE template0 ENCODING '$encoding{$db}' LC_COLLATE 'C' LC_CTYPE 'C'");
	$node->safe_psql($db, qq{
		ALTER DATABASE $db SET search_path = public, $schema;
		CREATE SCHEMA $schema;
		CREATE EXTENSION interact SCHEMA $schema;
		SET search_path = $schema;} . fill() . qq{
		SELECT interact_grant('fuzz_app', c) FROM unnest('{read,write,admin}'::text[]) AS c;
		SELECT interact_define_event('play');
		GRANT ALL ON SCHEMA public TO fuzz_app;

		-- what arguments of type regclass and regprocedure may name
		CREATE TABLE public.fuzz_item (id bigint PRIMARY KEY, name text);
		CREATE TABLE public.fuzz_note (id text);
		CREATE VIEW public.fuzz_view AS SELECT 1 AS id;
		CREATE SEQUENCE public.fuzz_seq;
		CREATE FUNCTION public.fuzz_keep(bigint) RETURNS boolean LANGUAGE sql AS 'SELECT \$1 % 2 = 0';
		CREATE FUNCTION public.fuzz_fail(bigint) RETURNS boolean LANGUAGE sql AS 'SELECT 1 / (\$1 - \$1) = 1';
		CREATE FUNCTION public.fuzz_write(bigint) RETURNS boolean LANGUAGE sql
		    AS 'INSERT INTO $schema.interact_view (user_id, item_id) VALUES (1, \$1) RETURNING true';
	});
}

my @runs;
my %called;
for my $n (1 .. $sessions)
{
	my $db = (sort keys %encoding)[ $n % 2 ];
	my $fuzz = Fuzz->new(
		query => sub { return split /\n/, $node->safe_psql($db, $_[0]) },
		schema => $schema,
		seed => $seed + $n,
		huge => $huge);
	my $script = $node->basedir . "/fuzz$n.sql";

	$fuzz->write_script($script, int($calls / $sessions));
	$called{$_} += $fuzz->{called}{$_} for keys %{ $fuzz->{called} };
	$called{ $_->{name} } += 0 for @{ $fuzz->{functions} };
	push @runs, { db => $db, script => $script, name => "session $n", out => "$script.out", err => "$script.err" };
}
is(join(' ', grep { !$called{$_} } sort keys %called), '', 'every function is called');
note(join ', ', map { "$_ $called{$_}" } sort keys %called);

for my $run (@runs)
{
	local $ENV{PGAPPNAME} = 'fuzz';
	local $ENV{PGCLIENTENCODING} = $encoding{ $run->{db} };
	$run->{psql} = IPC::Run::start(
		[
			'psql', '--no-psqlrc', '--quiet', '--no-align', '--tuples-only',
			'--set=VERBOSITY=verbose', '--set=SHOW_CONTEXT=never',
			'--dbname', $node->connstr($run->{db}), '--file', $run->{script}
		],
		'<', \undef, '>', $run->{out}, '2>', $run->{err});
}

# Cancel what is at work, now and then, as long as the sessions go on.
my $canceller = IPC::Run::start(
	[ 'psql', '--no-psqlrc', '--quiet', '--no-align', '--tuples-only',
		'--dbname', $node->connstr('postgres') ],
	'<', \q{
SELECT count(pg_cancel_backend(pid)) FROM pg_stat_activity
 WHERE application_name = 'fuzz' AND state = 'active' AND random() < 0.3
\watch 0.05
}, '>', \my $cancelled, '2>', \my $cancel_errors);
$_->{psql}->finish for @runs;
$canceller->kill_kill;
note(eval($cancelled =~ s/\s+/+/gr =~ s/\+$//r) . ' statements cancelled') if $cancelled;

# What no statement may end with: internal errors, corruption, a failure of the
# system, a lost server, no memory.
my $never = qr/^(XX|58|57P|F0|P0004|53)/;
my %seen;
my %message;
for my $run (@runs)
{
	my @bad;

	open(my $err, '<', $run->{err}) or die "could not read $run->{err}: $!";
	while (my $line = <$err>)
	{
		if ($line =~ /^psql:[^:]*:(\d+): (ERROR|FATAL|PANIC|WARNING):  (\w{5}): (.*)/)
		{
			$seen{$3}++;
			$message{$3} //= $4;
			push @bad, [ $1, $line ] if $3 =~ $never || $2 =~ /FATAL|PANIC/ || $4 =~ /problem in alloc set|leaked?\b/;
		}
		elsif ($line =~ /^psql:[^:]*:(\d+): (?!NOTICE|INFO)(.*(?:connection|server closed).*)/)
		{
			push @bad, [ $1, $line ];
		}
	}
	close($err);
	is(scalar(@bad), 0, "$run->{name}: no crash and no internal error");
	if (@bad)
	{
		open(my $script, '<', $run->{script}) or die "could not read $run->{script}: $!";
		my @lines = <$script>;
		close($script);
		diag(substr($_->[1], 0, 500) . substr($lines[ $_->[0] - 1 ], 0, 2000))
		  for @bad[ 0 .. ($#bad < 19 ? $#bad : 19) ];
	}
	is($run->{psql}->full_result(0), 0, "$run->{name}: psql came to the end");

	my ($warm, $end) = split /\n/, slurp_file($run->{out});
	note("$run->{name}: memory " . ($warm // '?') . ' bytes, at the end ' . ($end // '?'));
	ok(defined $end && $end - $warm <= $growth_limit, "$run->{name}: memory does not grow");
}
note("SQLSTATE $_: $seen{$_}, for instance: " . substr($message{$_}, 0, 100)) for sort keys %seen;

my $log = slurp_file($node->logfile);
is(join("\n", grep { /TRAP:|PANIC:|terminated by signal/ } split /\n/, $log), '', 'the server is well');
is(join("\n", map { substr($_, 0, 1000) } grep { /duration:/ } split /\n/, $log), '', 'no statement took a minute');

for my $db (sort keys %encoding)
{
	my $path = "SET search_path = $schema;";

	# hot is in the unit of a setting that may have been changed meanwhile.
	is($node->safe_psql($db, "$path SELECT * FROM interact_check() WHERE what NOT IN ('hot', 'level')"),
		'', "$db: counters agree with the rows");
	$node->safe_psql($db, "$path SELECT interact_rebuild('hot')");
	is($node->safe_psql($db, "$path SELECT * FROM interact_check()"),
		'', "$db: so do the decayed ones");
}

$node->stop;
done_testing();
