# Logical replication: the base tables and the derived ones, all together; or
# the base tables alone, whose subscriber derives for itself.  Appliers run no
# statement triggers, so nothing is counted twice.

use strict;
use warnings FATAL => 'all';

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use lib $FindBin::RealBin;
use Fixture;

my $publisher = PostgreSQL::Test::Cluster->new('publisher');
$publisher->init(allows_streaming => 'logical');
$publisher->start;
$publisher->safe_psql('postgres', 'CREATE EXTENSION interact');
$publisher->safe_psql('postgres', fill());
$publisher->safe_psql('postgres', "SELECT interact_rebuild('hot')");

# Updates and deletes can be published of every table.
is( $publisher->safe_psql('postgres', q{
		SELECT c.relname FROM pg_class AS c
		  JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
		  JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'interact'
		 WHERE c.relkind = 'r'
		   AND NOT (c.relreplident = 'd' AND EXISTS (SELECT 1 FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary))}),
	'', 'every table has an identity for replication');

my @base = split /\n/, $publisher->safe_psql('postgres', q{
	SELECT c.relname FROM pg_extension AS e, unnest(e.extconfig) AS o JOIN pg_class AS c ON c.oid = o
	 WHERE e.extname = 'interact' AND c.relkind = 'r' ORDER BY c.relname});
$publisher->safe_psql('postgres', 'CREATE PUBLICATION everything FOR ALL TABLES');
$publisher->safe_psql('postgres', 'CREATE PUBLICATION base FOR TABLE ' . join(', ', @base));

my %subscriber;
for my $name (qw(everything base))
{
	my $node = $subscriber{$name} = PostgreSQL::Test::Cluster->new("of_$name");
	$node->init;
	$node->start;

	# The subscriber has event types of its own, the built-in ones, which those
	# of the publisher replace.
	$node->safe_psql('postgres', q{
		CREATE EXTENSION interact;
		SET session_replication_role = replica;
		DELETE FROM interact_event_type});
	$node->safe_psql('postgres',
		"CREATE SUBSCRIPTION $name CONNECTION '" . $publisher->connstr . " dbname=postgres' PUBLICATION $name");
	$node->wait_for_subscription_sync($publisher, $name);
}

sub compare
{
	my ($when) = @_;

	for my $name (sort keys %subscriber)
	{
		my $node = $subscriber{$name};
		$publisher->wait_for_catchup($name);

		if ($name eq 'base')
		{
			$node->safe_psql('postgres', 'SELECT interact_rebuild()');
		}
		is($node->safe_psql('postgres', 'SELECT * FROM interact_check()'),
			'', "$when, $name: counters agree with the rows");
		for my $table (@base, $name eq 'base' ? () : qw(interact_affinity interact_counter))
		{
			my $query = "SELECT count(*), md5(string_agg(t::text, E'\\n' ORDER BY t::text)) FROM $table AS t";
			is($node->safe_psql('postgres', $query), $publisher->safe_psql('postgres', $query),
				"$when, $name: $table is the same");
		}
		for my $query (
			'SELECT * FROM interact_item_stats ORDER BY item_id',
			'SELECT * FROM interact_popular(50) WITH ORDINALITY ORDER BY ordinality',
			'SELECT item_id, count, users FROM interact_trending(50) WITH ORDINALITY ORDER BY ordinality',
			'SELECT name, value FROM interact_settings() ORDER BY name')
		{
			same($node->safe_psql('postgres', $query), $publisher->safe_psql('postgres', $query),
				"$when, $name: $query");
		}
		isnt($node->safe_psql('postgres', 'SELECT item_id FROM recommend(5)'), '', "$when, $name: recommends");
	}
	return;
}

compare('first copy');

# Everything an application does: rows come, change and go; a weight and a
# setting, which sessions of the subscriber notice.
my $session = $subscriber{everything}->background_psql('postgres');
my $answer = $session->query_safe('SELECT string_agg(item_id::text, $$,$$) FROM interact_popular(5)');
$publisher->safe_psql('postgres', q{
	SELECT interact_record_views(ARRAY[1, 1, 2], ARRAY[3, 3, 3]);
	SELECT interact_checkout(5, 'a-1'), interact_submit_review(5, 3, 1), interact_react(6, 3, 'love');
	UPDATE interact_purchase SET quantity = quantity + 1 WHERE item_id % 3 = 0;
	UPDATE interact_favorite SET item_id = item_id + 100 WHERE user_id = 7;
	DELETE FROM interact_view WHERE user_id % 7 = 0;
	TRUNCATE interact_reaction;
	SELECT interact_define_event('play', weight => 5), interact_set('window_rows', '30');
	SELECT interact_record(8, i, 'play', 2) FROM generate_series(30, 40) AS i;
	SELECT interact_compact()});
$publisher->safe_psql('postgres', "SELECT interact_rebuild('hot')");
compare('changes');
isnt($session->query_safe('SELECT string_agg(item_id::text, $$,$$) FROM interact_popular(5)'),
	$answer, 'an open session of the subscriber notices');
is($session->query_safe("SELECT weight FROM interact_event_type WHERE event = 'play'"), '5', 'the weight has arrived');
$session->quit;

# The subscriber takes over: it writes with triggers, and its identities have
# to be moved on, as always after logical replication.
my $node = $subscriber{everything};
$node->safe_psql('postgres', 'DROP SUBSCRIPTION everything');
$node->safe_psql('postgres', q{
	SELECT setval(pg_get_serial_sequence('interact_view', 'id'), max(id)) FROM interact_view;
	SELECT setval(pg_get_serial_sequence('interact_purchase', 'id'), max(id)) FROM interact_purchase;
	SELECT interact_record_view(1, 3), interact_record_purchase(1, 3)});
is($node->safe_psql('postgres', 'SELECT * FROM interact_check()'),
	'', 'the subscriber takes over: counters agree with the rows');

$_->stop for values %subscriber;
$publisher->stop;
done_testing();
