# A base backup and the archive of the log: the database as it was at a moment
# between two events, in the state it had then; and a copy of the end.

use strict;
use warnings FATAL => 'all';

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use lib $FindBin::RealBin;
use Fixture;

my $source = PostgreSQL::Test::Cluster->new('source');
$source->init(has_archiving => 1, allows_streaming => 1);
$source->append_conf('postgresql.conf', 'autovacuum = off');
$source->start;
$source->safe_psql('postgres', 'CREATE EXTENSION interact');
$source->safe_psql('postgres', fill());

# While it is taken the source records: the copy becomes consistent only later.
my $during = $source->background_psql('postgres');
$during->query_safe('BEGIN');
$during->query_safe('SELECT interact_record_view(u, 50) FROM generate_series(1, 20) AS u');
$source->backup('base');
$during->query_safe('COMMIT');
$during->quit;

# What is asked of every copy
sub state_of
{
	my ($node) = @_;

	return join "\n", map { $node->safe_psql('postgres', $_) }
	  'SELECT md5(string_agg(t::text, \'\' ORDER BY user_id, item_id, id)), count(*) FROM interact_affinity AS t',
	  'SELECT md5(string_agg(t::text, \'\' ORDER BY item_id, event, id)), count(*) FROM interact_counter AS t',
	  'SELECT * FROM interact_item_stats ORDER BY item_id',
	  'SELECT item_id, reason FROM recommend(5) WITH ORDINALITY ORDER BY ordinality',
	  'SELECT * FROM interact_check()';
}

# Two events, and the moments between and after them
$source->safe_psql('postgres', "SELECT interact_record_purchase(77, 7, 2, 5),
	interact_define_event('like', weight => 9)");
my $between = state_of($source);
my $time = $source->safe_psql('postgres', 'SELECT pg_sleep(0.01); SELECT clock_timestamp()');
$time =~ s/^\s+//;
$source->safe_psql('postgres', q{
	SELECT pg_sleep(0.01);
	DELETE FROM interact_view WHERE user_id % 2 = 0;
	SELECT interact_record_purchase(78, 7, 1, 5);
	SELECT interact_rebuild('hot') >= 0, interact_compact() >= 0});
my $end = state_of($source);
isnt($end, $between, 'the second event changes something');
$source->safe_psql('postgres', 'SELECT pg_switch_wal()');
$source->stop;

for my $copy ([ 'between', "recovery_target_time = '$time'", $between ], [ 'end', '', $end ])
{
	my ($name, $target, $expected) = @$copy;
	my $node = PostgreSQL::Test::Cluster->new($name);

	$node->init_from_backup($source, 'base', has_restoring => 1, standby => 0);
	$node->append_conf('postgresql.conf', "archive_mode = off\n$target");
	$node->append_conf('postgresql.conf', 'recovery_target_action = promote') if $target;
	$node->start;
	$node->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()')
	  or die "$name: recovery does not end";

	same(state_of($node), $expected, "$name: is as it was then");
	is( $node->safe_psql('postgres', q{
			SELECT count(*) FILTER (WHERE user_id = 77), count(*) FILTER (WHERE user_id = 78)
			  FROM interact_purchase}),
		$name eq 'end' ? '1|1' : '1|0', "$name: has the events up to then");
	is($node->safe_psql('postgres', "SELECT interact_record_view(1, 2), interact_record_purchase(79, 7, 1, 1)"),
		't|t', "$name: recording goes on");
	is($node->safe_psql('postgres', 'SELECT * FROM interact_check()'),
		'', "$name: counters agree with the rows");
	$node->stop;
}

done_testing();
