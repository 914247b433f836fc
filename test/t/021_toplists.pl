# Top lists while others write: at any moment they are what a sort of all items
# under the same snapshot says, with keys that contention left in several rows,
# ratings that change and go, and old views that are pruned.
#
# INTERACT_TOPLISTS_SECONDS is how long it runs, 6 by default.

use strict;
use warnings FATAL => 'all';

use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{INTERACT_TOPLISTS_SECONDS} // 6;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q{
max_connections = 60
jit = off
log_lock_waits = on
deadlock_timeout = 100ms
});
$node->start;

# 400 items, few of them popular; 20000 old views.
my $old = 20000;
$node->safe_psql('postgres', qq{
CREATE EXTENSION interact;
SELECT interact_define_event('share', weight => 2);
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT 1 + n % 100, 1 + (400 * (n::float8 / $old) ^ 4)::integer % 400,
       now() - interval '3 years' - n * interval '1 minute'
  FROM generate_series(0, $old - 1) AS n;
INSERT INTO interact_review (user_id, item_id, rating)
SELECT u, i, 1 + (u * 7 + i * 3) % 5 FROM generate_series(1, 9) AS u, generate_series(1, 400) AS i
 WHERE u <= 1 + i % 9;
});

# What differs, by name: one statement, one snapshot.  Of equal scores that are
# rounded differently either may come first.
my $differences = q{
WITH key AS MATERIALIZED (
    SELECT c.item_id, t.event, t.id, t.weight::float8 AS weight, sum(c.count)::bigint AS count,
           sum(c.users)::bigint AS users, sum(c.total) AS points, interact_log2_sum(c.hot) AS hot
      FROM interact_counter AS c JOIN interact_event_type AS t ON t.id = c.event
     GROUP BY c.item_id, t.event, t.id, t.weight HAVING sum(c.count) > 0),
named (event) AS (SELECT event FROM interact_event_type UNION ALL SELECT NULL),
popular AS (
    SELECT e.event AS named, k.item_id,
           sum(CASE WHEN e.event IS NULL THEN weight ELSE 1 END * count ORDER BY id) AS score,
           sum(count)::bigint AS count, max(users) AS users
      FROM named AS e JOIN key AS k
        ON CASE WHEN e.event IS NULL THEN weight > 0 AND (k.event <> 'rating' OR points >= 3 * count)
                ELSE k.event = e.event END
     GROUP BY e.event, k.item_id),
trending AS (
    SELECT e.event AS named, k.item_id,
           interact_log2_sum(hot + CASE WHEN e.event IS NULL THEN ln(weight) / ln(2::float8) ELSE 0 END) AS score
      FROM named AS e JOIN key AS k
        ON CASE WHEN e.event IS NULL THEN weight > 0 AND (k.event <> 'rating' OR points >= 3 * count)
                ELSE k.event = e.event END
     GROUP BY e.event, k.item_id HAVING max(hot) > '-Infinity'),
rated AS (
    SELECT k.item_id, round((p.weight * p.mean + k.points) / (p.weight + k.count), 9) AS score, k.count
      FROM key AS k,
           (SELECT sum(total) / sum(count) AS mean, sum(count) / count(*) AS weight
              FROM interact_counter WHERE event = 4) AS p
     WHERE k.event = 'rating'),
differing (what) AS (
    (SELECT 'popular ' || coalesce(a.named, 'all')
       FROM (SELECT named, place, item_id, score, count, users
               FROM (SELECT *, row_number() OVER (PARTITION BY named ORDER BY score DESC, item_id) AS place
                       FROM popular) AS p WHERE place <= 7
             EXCEPT
             SELECT e.event, t.* FROM named AS e,
                    LATERAL (SELECT ordinality, item_id, score, count, users
                               FROM interact_popular(7, e.event) WITH ORDINALITY) AS t) AS a)
    UNION ALL
    (SELECT 'trending ' || coalesce(p.named, 'all')
       FROM (SELECT named, place, score
               FROM (SELECT *, row_number() OVER (PARTITION BY named ORDER BY score DESC) AS place
                       FROM trending) AS p WHERE place <= 7) AS p
       LEFT JOIN (SELECT e.event AS named, ordinality AS place,
                         ln(t.score) / ln(2::float8)
                         + (extract(epoch FROM now() - '2000-01-01') / (3 * 86400))::float8 AS score
                    FROM named AS e, interact_trending(7, e.event) WITH ORDINALITY AS t) AS a
         ON a.named IS NOT DISTINCT FROM p.named AND a.place = p.place
      WHERE abs(a.score - p.score) < 1e-6 IS NOT TRUE)
    UNION ALL
    (SELECT 'top rated of at least ' || m.fewest
       FROM (VALUES (1), (3)) AS m (fewest),
            LATERAL (
            SELECT FROM (SELECT row_number() OVER (ORDER BY score DESC) AS place, score
                           FROM rated WHERE count >= m.fewest) AS p
              FULL JOIN (SELECT t.ordinality AS place, t.score::numeric, t.ratings, r.score AS own, r.count
                           FROM interact_top_rated(7, m.fewest) WITH ORDINALITY AS t
                           LEFT JOIN rated AS r USING (item_id)) AS a USING (place)
             WHERE place <= 7
               AND (abs(p.score - a.score) < 1e-8 AND abs(a.own - a.score) < 1e-8 AND a.ratings = a.count) IS NOT TRUE) AS d))
SELECT DISTINCT what FROM differing ORDER BY 1};
is($node->safe_psql('postgres', $differences), '', 'equal before');

# Clients; each its own users, for two transactions on one review would wait.
sub script
{
	my ($name, @statements) = @_;
	my $path = $node->basedir . "/$name.sql";

	append_to_file($path, "\\set u random(:base + 1000 * :client_id, :base + 19 + 1000 * :client_id)\n"
		  . "\\set i random_zipfian(1, 400, 1.2)\n\\set j random_zipfian(1, 400, 1.2)\n\\set n random(1, 5)\n"
		  . join("\n", @statements) . "\n");
	return "--file=$path";
}
my @scripts = (
	script('view', 'SELECT interact_record_view(:u, :i);'),
	script('rate', 'SELECT interact_submit_review(:u, :i, :n);'),
	script('unrate', 'SELECT interact_delete_review(:u, :i);'),
	script('favorite', 'SELECT interact_add_favorite(:u, :i);'),
	script('unfavorite', 'SELECT interact_remove_favorite(:u, :i);'),
	script('dislike', "SELECT interact_react(:u, :i, 'dislike');"),
	script('several', 'BEGIN;', 'SELECT interact_record_view(:u, :i);', 'SELECT interact_submit_review(:u, :j, 5);',
		"SELECT interact_record(:u, :j, 'share');", 'SELECT interact_record_purchase(:u, :i);', 'COMMIT;'),
	script('taken_back', 'BEGIN;', 'SELECT interact_submit_review(:u, :i, 5);',
		'SELECT interact_record_view(:u, :i);', 'ROLLBACK;'));

sub start_clients
{
	my ($isolation, $clients, $base, $log) = @_;
	local $ENV{PGOPTIONS} = "-c default_transaction_isolation=$isolation";

	return IPC::Run::start(
		[
			'pgbench', '--no-vacuum', '--jobs=2', "--client=$clients", "--time=$seconds",
			"--define=base=$base", '--max-tries=100', '--host=' . $node->host, '--port=' . $node->port, @scripts, 'postgres'
		],
		'<', \undef, '>', $log, '2>&1');
}
my ($log, $log_rr) = ('', '');
my @clients = (
	start_clients('read\ committed', 12, 1000, \$log),
	start_clients('repeatable\ read', 6, 100000, \$log_rr));
my $pruner = IPC::Run::start(
	[
		'psql', '--no-psqlrc', '--quiet', '--no-align', '--tuples-only',
		'--dbname=' . $node->connstr('postgres'),
		'--command', "CALL interact_prune_views(now() - interval '2 years', 100)"
	],
	'<', \undef, '>', \my $pruned, '2>', \my $prune_errors);

my ($looks, $wrong, $rows) = (0, '', 0);
while ($clients[0]->pumpable || $clients[1]->pumpable)
{
	$_->pump_nb for grep { $_->pumpable } @clients, $pruner;
	my $found = $node->safe_psql('postgres', $differences);
	$wrong ||= "look $looks: $found" if $found ne '';
	my $most = $node->safe_psql('postgres',
		'SELECT max(n) FROM (SELECT count(*) AS n FROM interact_counter GROUP BY item_id, event) AS k');
	$rows = $most if $most > $rows;
	$looks++;
}
ok($_->finish, 'clients ran') for @clients;
ok($pruner->finish, 'pruning ran') or diag($prune_errors);
unlike($log . $log_rr, qr/aborted|ERROR/, 'no client failed');
is($wrong, '', 'top lists were right at every look');
cmp_ok($looks, '>=', 2, "looked $looks times");
cmp_ok($rows, '>', 1, "there were keys of several rows, of $rows at most");

is($pruned + 0, $old, 'all old views are pruned');
is($node->safe_psql('postgres', q{
SELECT (SELECT sum(count) FROM interact_pruned) || ' '
       || ((SELECT sum(count) FROM interact_counter WHERE event = 0) - (SELECT count(*) FROM interact_view))}),
	"$old $old", 'and counted as before');
is($node->safe_psql('postgres', $differences), '', 'equal afterwards');
is($node->safe_psql('postgres', 'SELECT * FROM interact_check()'), '', 'counters are right');

# Waits that lasted are logged with the name of the table.
unlike(slurp_file($node->logfile), qr/still waiting for \w+Lock on (tuple|relation).*interact_(counter|affinity|catalogue|pruned)/s,
	'nobody waited for a derived row');
like($node->safe_psql('postgres', 'SELECT interact_compact()'), qr/^\d+$/, 'compacted');
is($node->safe_psql('postgres', $differences), '', 'equal when compacted');
is($node->safe_psql('postgres', 'SELECT * FROM interact_check()'), '', 'counters are still right');

$node->stop;
done_testing();
