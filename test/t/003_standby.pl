# A hot standby: every function that only reads answers as on the primary, also
# after a change of weights or settings and while the primary records and
# vacuums; writing is refused, until the standby takes over.
#
# INTERACT_STANDBY_SECONDS is how long both are under load, 4 by default.

use strict;
use warnings FATAL => 'all';

use FindBin;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use lib $FindBin::RealBin;
use Fixture;

my $seconds = $ENV{INTERACT_STANDBY_SECONDS} // 4;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "autovacuum_naptime = 1s\nmax_connections = 50");
$primary->start;
$primary->backup('base');

my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "hot_standby_feedback = on\nwal_receiver_status_interval = 1s");
$standby->start;

sub catch_up
{
	$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
}

my %answers = answers();

sub compare
{
	my ($when) = @_;

	catch_up();
	for my $name (sort keys %answers)
	{
		my $answer = $primary->safe_psql('postgres', $answers{$name});
		isnt($answer, '', "$when: $name has an answer");
		same($standby->safe_psql('postgres', $answers{$name}),
			$answer, "$when: $name is the same on the standby");
	}
	for my $call (grep { !$_->{volatile} } calls($primary, 'postgres'))
	{
		my ($failed, $answer, $why) = $primary->psql('postgres', $call->{query});
		is($failed, 0, "$when: $call->{call} answers") or diag($why);
		same($standby->safe_psql('postgres', $call->{query}),
			$answer, "$when: $call->{call} is the same on the standby");
	}
	is($standby->safe_psql('postgres', 'SELECT * FROM interact_check()'),
		'', "$when: counters agree with the rows on the standby");
}

$primary->safe_psql('postgres', 'CREATE EXTENSION interact');
$primary->safe_psql('postgres', fill());
compare('filled');

# Index-only reads depend on what vacuum has seen.
$primary->safe_psql('postgres', 'VACUUM');
compare('vacuumed');

# What evaluates answers gives the same answers, but for the time it takes.
my $evaluate = q{SELECT strategy, evaluated, hit_rate, mrr, ndcg, coverage, median_popularity
	FROM interact_evaluate()};
my $tune = q{SELECT candidate, settings, evaluated, hit_rate, mrr, ndcg, confirmed_ndcg, result
	FROM interact_tune(seconds => 3600, max_steps => 2)};
for my $query ($evaluate, $tune)
{
	my $answer = $primary->safe_psql('postgres', $query);
	like($answer, qr/^(recommend|in force\|\{\})\|[1-9]/, 'users are evaluated');
	same($standby->safe_psql('postgres', $query), $answer,
		'evaluated on the standby: the same');
}

# A session that has everything cached notices changes on the primary.
my $session = $standby->background_psql('postgres');
my %old;
$old{$_} = $session->query_safe(digest($answers{$_})) for keys %answers;
$primary->safe_psql('postgres', q{
	SELECT interact_define_event('purchase', weight => 0);
	SELECT interact_define_event('share', weight => 50);
	SELECT interact_set('window_rows', '1');
	SELECT interact_set('popularity_exponent', '0.9');
});
catch_up();
for my $name (sort keys %answers)
{
	my $new = $session->query_safe(digest($answers{$name}));
	# Numbers of rows, lists and intervals do not depend on weights, similarity
	# hardly.
	isnt($new, $old{$name}, "open session: $name has changed")
	  unless $name =~ /^analytics|^interact_(\w+_stats|top_rated|item_rating|similar_items|buy_again|history|recently_viewed|reviews|friends_feed)/;
	is($new, $primary->safe_psql('postgres', digest($answers{$name})),
		"open session: $name is as on the primary");
}

$session->quit;

# ---------- under load ----------

my $files = 0;

# Run a script with pgbench for a while, on a server; finish() tells how it went.
sub load
{
	my ($node, $clients, $script) = @_;
	my $file = $node->basedir . '/load' . ++$files . '.sql';
	my $load = { stdout => '', stderr => '', node => $node };

	append_to_file($file, $script);
	$load->{run} = IPC::Run::start(
		[
			'pgbench', '--no-vacuum', '--client', $clients, '--time', $seconds,
			'--file', $file, $node->connstr('postgres')
		],
		'<', \undef, '>', \$load->{stdout}, '2>', \$load->{stderr});
	return $load;
}

sub finish
{
	my ($load, $name) = @_;
	my $ok = $load->{run}->finish;
	my ($done) = $load->{stdout} =~ /transactions actually processed: (\d+)/;
	my ($failed) = $load->{stdout} =~ /failed transactions: (\d+)/;

	ok($ok && $done && defined $failed && $failed == 0, "$name: " . ($done // 'no') . ' transactions, none failed')
	  or diag(substr($load->{stderr}, 0, 4000));
	return;
}

# What the standby's sessions read is what the primary's vacuum removes, if
# nobody tells it not to.  A reader holds a snapshot for a while.
$primary->poll_query_until('postgres',
	'SELECT count(*) = 1 FROM pg_stat_replication WHERE backend_xmin IS NOT NULL')
  or die 'the standby gives no feedback';
my $reader = '\set u random(1, 60)' . "\n" . q{
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT count(*) FROM recommend(:u);
SELECT count(*) FROM interact_trending();
SELECT count(*) FROM interact_similar_items(:u);
\sleep 20 ms
SELECT count(*) FROM recommend(:u);
SELECT count(*) FROM interact_item_stats;
COMMIT;
};
my %loads = (
	'the primary records' => load($primary, 4, q{
\set u random(1, 60)
\set i random(1, 40)
SELECT interact_record_view(:u, :i);
SELECT interact_add_favorite(:u, :i), interact_record_purchase(:u, :i, 1, 2.5);
SELECT interact_remove_favorite(:u, :i);
DELETE FROM interact_view WHERE user_id = :u AND item_id = :i;
}),
	'the primary vacuums' => load($primary, 1, 'VACUUM interact_affinity, interact_counter, interact_view;'),
	'the standby reads' => load($standby, 4, $reader),
	'the standby checks' => load($standby, 1,
		'SELECT 1 / (count(*) = 0)::integer FROM interact_check();'));
finish($loads{$_}, $_) for sort keys %loads;
is( $standby->safe_psql('postgres',
		'SELECT sum(confl_snapshot + confl_bufferpin + confl_deadlock + confl_lock)
		   FROM pg_stat_database_conflicts'),
	'0', 'nothing was cancelled on the standby');
compare('after the load');

# An open session notices that the extension is dropped and created.
$session = $standby->background_psql('postgres');
$session->query_safe('SELECT count(*) FROM interact_popular()');
$primary->safe_psql('postgres', 'DROP EXTENSION interact');
$primary->safe_psql('postgres', 'CREATE EXTENSION interact');
$primary->safe_psql('postgres', 'SELECT interact_record_view(1, 2)');
catch_up();
is($session->query_safe('SELECT item_id, count FROM interact_popular()'),
	'2|1', 'open session: sees the new extension');
$session->quit;

# interact_status() reads a sample and estimates, which are the same here.
my $status = q{SELECT area, name, "rows", value FROM interact_status() WHERE area <> 'table' ORDER BY 1, 2};
is($standby->safe_psql('postgres', $status), $primary->safe_psql('postgres', $status),
	'interact_status() is the same on the standby');

# Tuning stores nothing there.
my ($refused, $stdout, $stderr) =
  $standby->psql('postgres', 'SELECT * FROM interact_tune(apply => true)');
isnt($refused, 0, 'standby: interact_tune(apply => true) fails');
like($stderr, qr/read-only transaction/, 'standby: interact_tune(apply => true) says why');

# Nor can anything be pruned.
my ($ret, $out, $err) =
  $standby->psql('postgres', "CALL interact_prune_views(now() - interval '1 day')");
isnt($ret, 0, 'standby: interact_prune_views() fails');
like($err, qr/read-only transaction|during recovery/, 'standby: interact_prune_views() says why');

# Nothing can be written, and this is what functions that write say.
$primary->safe_psql('postgres', fill());
catch_up();
for my $call (grep { $_->{volatile} } calls($primary, 'postgres'))
{
	my ($failed, $stdout, $stderr) = $standby->psql('postgres', $call->{query});

	# The id of a key that has one is found without writing; settings are
	# stored only if asked.
	next if !$failed && $call->{name} =~ /^interact_((user|item)_ids?|tune)$/;
	isnt($failed, 0, "standby: $call->{call} fails");
	like($stderr, qr/read-only transaction|during recovery/, "standby: $call->{call} says why");
}

# The standby takes over.
$primary->stop;
$standby->promote;
$standby->safe_psql('postgres', q{
	CREATE TABLE before AS SELECT (SELECT max(id) FROM interact_view) AS id,
	       (SELECT views FROM interact_item_stats WHERE item_id = 2) AS views});
is( $standby->safe_psql('postgres', q{
	SELECT interact_record_view(1, 2), interact_record_view(3, 2);
	SELECT s.views - b.views FROM interact_item_stats AS s, before AS b WHERE s.item_id = 2;
	SELECT count(*), count(DISTINCT v.id) FROM interact_view AS v, before AS b WHERE v.id > b.id}),
	"t|t\n2\n2|2", 'promoted: records, with ids that are new');
compare_after_promotion();
is($standby->safe_psql('postgres', 'SELECT * FROM interact_check()'),
	'', 'promoted: counters agree with the rows');

$standby->stop;
done_testing();

# What wrote nothing before writes now.
sub compare_after_promotion
{
	is( $standby->safe_psql('postgres', q{
		INSERT INTO interact_purchase (user_id, item_id, unit_price) SELECT u, 7, 1 FROM generate_series(1, 50) AS u;
		SELECT interact_compact() >= 0, interact_rebuild('affinity')}),
		't|0', 'promoted: maintenance works, and there is no pair to rebuild');
	return;
}
