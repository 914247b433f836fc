
# Chaos: everything that writes, at once, with many clients on few popular
# items.  Recording never deadlocks and never fails because of a counter, and
# counters are exact whenever they are looked at.
#
# INTERACT_CHAOS_SECONDS is how long each number of clients (32, then 64)
# runs, 10 by default: enough for a rare accident now and then.  After a change
# of how derived rows are written run it with 600.
#
# INTERACT_CHAOS_SEED repeats the transactions of an earlier run, whose seed is
# among its messages; what meets what remains chance.
#
# Two writers of the same fact wait for one another, or fail to serialize, by
# PostgreSQL's own rules for the rows and unique keys of the base tables.  So
# each client has users of its own, or lists and log rows of its own if it shares
# users; any deadlock and any serialization failure that is left is ours.

use strict;
use warnings FATAL => 'all';

use FindBin;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

use lib $FindBin::RealBin;
use Fixture;

my $seconds = $ENV{INTERACT_CHAOS_SECONDS} // 10;
my $seed = $ENV{INTERACT_CHAOS_SEED} // time;
srand($seed);
note("$seconds s for each number of clients, seed $seed");

# Users: 80 for each client; from 9000 on those of the disturbers.  Items: the
# clients use the first 1000 of 5000, 1 most of all, and move favorites to the
# next 1000; those from 2001 to 2020 are now and then forgotten.
my $users_per_client = 80;
my $items = 1000;

# How much larger than fresh ones tables and indexes may be.  In a few seconds
# vacuum comes round a few times only, and what it has not yet been at counts.
my $size_limit = $seconds >= 60 ? 1.5 : 2;

# What a run leaves behind is judged strictly when it was long enough to have
# settled.
my $settled = $seconds >= 60;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
# A wait for a row that goes on for a moment is logged together with the name
# of the table.
$node->append_conf('postgresql.conf', q{
max_connections = 120
max_prepared_transactions = 20
max_pred_locks_per_transaction = 1000
shared_buffers = 128MB
log_statement = none
log_lock_waits = on
deadlock_timeout = 200ms
restart_after_crash = on
autovacuum_naptime = 1s
max_wal_size = 256MB
});
$node->start;

# A shop with a past.  (With counters that start from nothing hardly anything
# but the first steps, when levels rise with every other event, would be seen
# in a few seconds; and with few of them a page more or less would count.)
# chaos_check() is interact_check() as an error, for scripts.
$node->safe_psql('postgres', q{
CREATE EXTENSION interact;
SELECT interact_define_event('share', weight => 2);
SELECT interact_define_event('love', weight => 2, kind => 'reaction');

CREATE TEMP TABLE past AS
SELECT i AS item_id, (i * 7 + k * 101) % 5120 AS user_id, k,
       now() - interval '1 minute' - interval '1 s' * ((i * k) % 1000) AS at
  FROM generate_series(1, 5000) AS i,
       generate_series(1, CASE WHEN i <= 1000 THEN 40 ELSE 4 END) AS k
 WHERE i NOT BETWEEN 1001 AND 2020;
INSERT INTO interact_view (user_id, item_id, viewed_at)
SELECT user_id, item_id, at FROM past;
INSERT INTO interact_favorite (user_id, item_id, created_at)
SELECT user_id, item_id, at FROM past;
INSERT INTO interact_review (user_id, item_id, rating, created_at, updated_at)
SELECT user_id, item_id, 1 + k % 5, at, at FROM past;
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at)
SELECT user_id, item_id, (ARRAY['like', 'love', 'dislike'])[1 + k % 3], at FROM past;
INSERT INTO interact_cart_item (user_id, item_id, added_at)
SELECT user_id, item_id, at FROM past;
INSERT INTO interact_purchase (user_id, item_id, quantity, unit_price, purchased_at)
SELECT user_id, item_id, k, 9.99, at FROM past;
INSERT INTO interact_event (user_id, item_id, event, value, occurred_at)
SELECT user_id, item_id, 'share', 1, at FROM past;
VACUUM FULL ANALYZE interact_counter;
VACUUM FULL ANALYZE interact_affinity;
VACUUM ANALYZE;
SELECT pg_stat_reset();

CREATE FUNCTION chaos_check() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	differences text;
BEGIN
	SELECT string_agg(c::text, ' ') INTO differences
	  FROM (SELECT * FROM interact_check() LIMIT 5) AS c;
	IF differences IS NOT NULL THEN
		RAISE EXCEPTION 'counters differ: %', differences;
	END IF;
END$$;

CREATE FUNCTION chaos_stats() RETURNS bigint LANGUAGE sql AS $$
	SELECT hashtextextended(string_agg(s::text, ',' ORDER BY item_id), 0)
	  FROM interact_item_stats AS s
$$;
});

# ---------- transactions of recording clients ----------

# What only adds.  :u and :i are the user and the item.
my @adding = (
	'SELECT interact_record_view(:u, :i);',
	'SELECT interact_record_view(:u, :i);',
	"SELECT interact_record_view(:u, :i, dedup => '1 second');",
	'SELECT interact_record_views(ARRAY[:u, :u]::bigint[], ARRAY[:i, :j]::bigint[]);',
	'SELECT interact_add_favorite(:u, :i);',
	"SELECT interact_add_favorite(:u, :i, 'wishlist');",
	"SELECT interact_submit_review(:u, :i, 1 + :n % 5, 'words');",
	"SELECT interact_react(:u, :i, 'like');",
	"SELECT interact_react(:u, :i, 'love');",
	"SELECT interact_react(:u, :i, 'dislike');",
	'SELECT interact_add_to_cart(:u, :i, :n);',
	"SELECT interact_record_purchase(:u, :i, :n, 9.99, 'o' || :n::text);",
	"SELECT interact_record(:u, :i, 'share', 0.5);",
	"SELECT interact_record(:u, :i, 'rating', 1 + :n % 5);",
	'INSERT INTO interact_view (user_id, item_id) VALUES (:u, :i), (:u, :j), (:u, :i);',
	"INSERT INTO interact_event (user_id, item_id, event, value)
	 SELECT :u, i, 'share', 2 FROM unnest(ARRAY[:j, :i]::bigint[]) AS i;",
	'INSERT INTO interact_favorite (user_id, item_id) VALUES (:u, :i)
	 ON CONFLICT DO NOTHING;',
	'INSERT INTO interact_review (user_id, item_id, rating) VALUES (:u, :i, 1 + :n % 5)
	 ON CONFLICT (user_id, item_id) DO UPDATE SET rating = excluded.rating;');

# What also changes or takes away.
my @removing = (
	'SELECT interact_remove_favorite(:u, :i);',
	'SELECT interact_remove_favorite(:u, :i, NULL);',
	'SELECT interact_delete_review(:u, :i);',
	'SELECT interact_unreact(:u, :i);',
	'SELECT interact_remove_from_cart(:u, :i);',
	"SELECT interact_checkout(:u, 'o' || :n::text);",
	'UPDATE interact_cart_item SET quantity = quantity % 5 + 1 WHERE user_id = :u;',
	'UPDATE interact_purchase SET quantity = quantity % 3 + 1 WHERE user_id = :u AND item_id = :i;',
	'UPDATE interact_event SET value = value + 1 WHERE user_id = :u;',
	"UPDATE interact_reaction SET reaction = 'like' WHERE user_id = :u;",
	"UPDATE interact_favorite SET item_id = item_id + 1000, list = 'moved ' || id\n\t WHERE user_id = :u AND item_id BETWEEN :i AND 1000;",
	'DELETE FROM interact_event WHERE user_id = :u;',
	'DELETE FROM interact_purchase WHERE user_id = :u AND item_id = :i;',
	'DELETE FROM interact_favorite WHERE user_id = :u;',
	'MERGE INTO interact_favorite AS f
	 USING (VALUES (:u::bigint, :i::bigint)) AS v (u, i)
	 ON f.user_id = v.u AND f.item_id = v.i
	 WHEN MATCHED THEN DELETE
	 WHEN NOT MATCHED THEN INSERT (user_id, item_id) VALUES (v.u, v.i);');

sub one_of
{
	return $_[ rand @_ ];
}

# Choose the user and two items.
sub choose
{
	return <<"SQL";
\\set u :client_id * $users_per_client + random(0, $users_per_client - 1)
\\set i random_zipfian(1, $items, 1.1)
\\set j random_zipfian(1, $items, 1.1)
\\set n random(1, 9)
SQL
}

# A transaction of 3 to 10 steps, a few of them in a savepoint that is rolled
# back or not; one in ten is rolled back as a whole.
sub transaction
{
	my ($isolation, @kinds) = @_;
	my $steps = 3 + int(rand(8));
	my $sql = choose() . "BEGIN ISOLATION LEVEL $isolation;\n";
	my $savepoint = 0;

	for my $step (1 .. $steps)
	{
		if (!$savepoint && rand() < 0.2)
		{
			$savepoint = 1;
			$sql .= "SAVEPOINT s;\n";
		}
		$sql .= choose() if rand() < 0.7;
		$sql .= one_of(@kinds) . "\n";
		if ($savepoint && rand() < 0.4)
		{
			$savepoint = 0;
			$sql .= one_of('ROLLBACK TO s', 'RELEASE s') . ";\n";
		}
	}
	return $sql . <<'SQL';
\set end random(1, 10)
\if :end = 1
ROLLBACK;
\else
COMMIT;
\endif
SQL
}

my $files = 0;

# Write a script; returns its name.
sub script
{
	my ($sql) = @_;
	my $file = $node->basedir . '/script' . ++$files . '.sql';

	append_to_file($file, $sql);
	return $file;
}

# Serializable clients only add: the predicate locks of a DELETE or an UPDATE
# cover whole pages of the base tables' indexes, with keys of other users, so
# that serializable transactions fail that have no row in common.  The functions
# that take back lock only the rows themselves; but while a serializable
# transaction stays open, PostgreSQL comes to remember those that committed since
# only in summary, and then refuses to read rows of some of them.
my @scripts;
push @scripts, '--file', script(transaction('READ COMMITTED', @adding, @removing)) . '@2'
  for 1 .. 12;
push @scripts, '--file', script(transaction('REPEATABLE READ', @adding, @removing))
  for 1 .. 8;
push @scripts, '--file', script(transaction('SERIALIZABLE', @adding))
  for 1 .. 8;

# ---------- what disturbs them ----------

# name => [sessions, script]
my %disturbers = (
	vacuum => [ 1, 'VACUUM;' ],
	rebuild => [ 2, 'SELECT interact_rebuild();' ],
	compact => [ 2, 'SELECT interact_compact();' ],
	check => [ 1, 'SELECT chaos_check();' ],

	# No transaction leaves a predicate lock on a derived table: none can fail
	# to serialize because of one.
	predicates => [ 1, q{
SELECT 1 / (count(*) = 0)::integer FROM pg_locks
 WHERE mode = 'SIReadLock' AND relation::regclass::text ~ '^interact_(counter|affinity)';
} ],

	# Carry old views of one in ten of the clients' users over, like pruning
	# does.
	prune => [ 1, q{
\set u 10 * random(0, 511)
BEGIN;
WITH old AS (
	DELETE FROM interact_view
	 WHERE user_id IN (:u, :u + 10, :u + 20) AND viewed_at < now() - interval '2 s'
	RETURNING item_id)
INSERT INTO interact_pruned AS p (item_id, event, count)
SELECT item_id, 'view', count(*) FROM old GROUP BY item_id
ON CONFLICT (item_id, event) DO UPDATE SET count = p.count + excluded.count;
COMMIT;
} ],

	# A user comes, does this and that to popular items, and is forgotten.
	forget_user => [ 2, q{
\set u 9000 + :client_id
\set i random_zipfian(1, 1000, 1.1)
\set j random_zipfian(1, 1000, 1.1)
SELECT interact_record_views(ARRAY[:u, :u, :u], ARRAY[:i, :j, 1]);
SELECT interact_add_favorite(:u, :i);
SELECT interact_react(:u, :j, 'love');
SELECT interact_record_purchase(:u, 1);
BEGIN;
DELETE FROM interact_view WHERE user_id = :u;
DELETE FROM interact_favorite WHERE user_id = :u;
DELETE FROM interact_reaction WHERE user_id = :u;
DELETE FROM interact_purchase WHERE user_id = :u;
COMMIT;
} ],

	# So do a few users to an item.
	forget_item => [ 1, q{
\set i random(2001, 2020)
SELECT interact_record_views(ARRAY[9100, 9101, 9102], ARRAY[:i, :i, :i]);
SELECT interact_record(9100, :i, 'share', 3), interact_add_favorite(9101, :i);
BEGIN;
DELETE FROM interact_view WHERE item_id = :i;
DELETE FROM interact_event WHERE item_id = :i;
DELETE FROM interact_favorite WHERE item_id = :i;
COMMIT;
} ],

	# Sessions of the same few users add and take back on the same few items,
	# each in base rows that no other one touches.  Serializable ones only add,
	# like the clients.
	same_users => [ 6, q{
\set u random(9300, 9301)
\set i random_zipfian(1, 20, 1.1)
\set j random_zipfian(1, 20, 1.1)
\set level random(1, 3)
\if :level = 1
BEGIN;
\elif :level = 2
BEGIN ISOLATION LEVEL REPEATABLE READ;
\else
BEGIN ISOLATION LEVEL SERIALIZABLE;
\endif
SELECT interact_add_favorite(:u, :i, 'list of ' || :client_id::text);
INSERT INTO interact_view (user_id, item_id) VALUES (:u, :j) RETURNING id AS view \gset
SELECT interact_record(:u, :i, 'share', 1);
\if :level < 3
SELECT interact_remove_favorite(:u, :j, 'list of ' || :client_id::text);
DELETE FROM interact_view WHERE id = :view;
\endif
\set end random(1, 10)
\if :end = 1
ROLLBACK;
\else
COMMIT;
\endif
} ],

	# What a snapshot shows stands still.
	reader => [ 1, q{
\set u random(0, 5119)
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT chaos_stats() AS stats \gset
SELECT count(*) FROM generate_series(:u, :u + 20) AS u, recommend(u);
SELECT chaos_check();
SELECT count(*) FROM interact_trending(100);
SELECT 1 / (chaos_stats() = :stats)::integer;
COMMIT;
} ],

	recommend => [ 2, q{
\set u random(0, 5119)
SELECT count(*) FROM recommend(:u);
} ]);

# Transactions that are prepared and left open while everybody else goes on,
# holding rows of popular items.
sub prepare_transactions
{
	for my $n (1 .. 6)
	{
		my $isolation =
		  ('READ COMMITTED', 'REPEATABLE READ', 'SERIALIZABLE')[ $n % 3 ];
		my $user = 9200 + $n;
		$node->safe_psql('postgres', qq{
BEGIN ISOLATION LEVEL $isolation;
SELECT interact_record_view($user, i), interact_add_favorite($user, i)
  FROM generate_series($n, 30, 6) AS i;
SAVEPOINT s;
SELECT interact_record_purchase($user, i) FROM generate_series($n, 30, 6) AS i;
RELEASE s;
SELECT interact_record_view($user, 1);
PREPARE TRANSACTION 'chaos$n';
});
	}
}

sub resolve_transactions
{
	for my $n (1 .. 6)
	{
		my $verb = $n % 2 ? 'COMMIT' : 'ROLLBACK';
		$node->safe_psql('postgres', "$verb PREPARED 'chaos$n'");
	}
}

# ---------- running ----------

# Start pgbench; returns what finish_bench() takes.
sub start_bench
{
	my ($name, @options) = @_;
	my $bench = { name => $name, stdout => '', stderr => '' };

	$bench->{run} = IPC::Run::start(
		[
			'pgbench', '--no-vacuum', '--random-seed', $seed,
			@options, $node->connstr('postgres')
		],
		'<', \undef, '>', \$bench->{stdout}, '2>', \$bench->{stderr});
	return $bench;
}

# Wait for pgbench; returns the number of its transactions.
sub finish_bench
{
	my ($bench) = @_;
	my $ok = $bench->{run}->finish;
	my ($done) = $bench->{stdout} =~ /transactions actually processed: (\d+)/;
	my ($failed) = $bench->{stdout} =~ /failed transactions: (\d+)/;
	my $stderr = join "\n",
	  grep { !/^NOTICE/ } split /\n/, $bench->{stderr};

	ok($ok && $done && defined $failed && $failed == 0,
		"$bench->{name}: " . ($done // 'no') . ' transactions, none failed')
	  or diag('failed: ' . ($failed // 'unknown') . "\n" . substr($stderr, 0, 4000));
	return $done // 0;
}

sub checked
{
	my ($when) = @_;

	is($node->safe_psql('postgres', 'SELECT * FROM interact_check()'),
		'', "$when: counters agree with the rows");
}

# Run so many clients and these disturbers, with transactions left open or not.
sub chaos
{
	my ($clients, $protocol, $open, @disturbers) = @_;
	my $log = -s $node->logfile;
	my $what = "$clients clients" . ($open ? '' : ', short transactions');
	my @benches;

	$node->safe_psql('postgres', "SELECT pg_stat_reset()");
	prepare_transactions() if $open;
	push @benches, start_bench($what, '--client', $clients, '--jobs', 2,
		'--time', $seconds, '--protocol', $protocol, @scripts);
	for my $name (@disturbers)
	{
		my ($sessions, $sql) = @{ $disturbers{$name} };
		push @benches, start_bench("$what, $name", '--client', $sessions,
			'--time', $seconds, '--file', script($sql));
	}
	finish_bench($_) for @benches;
	if ($open)
	{
		checked("$what, prepared transactions open");
		resolve_transactions();
	}
	checked($what);

	# A level too high is no error, but hides others: it must not run away.
	# (Removing leaves levels as they are, so some are too high by a bit.)
	is( $node->safe_psql('postgres', q{
		SELECT * FROM (
			SELECT item_id, event, sum(count) AS count, max(count_level) AS count_level
			  FROM interact_counter GROUP BY item_id, event) AS c
		 WHERE count_level > 4 * log(2, greatest(count, 1)) + 100}),
		'', "$what: levels are near counts");

	# What the server says about it
	my $said = slurp_file($node->logfile, $log);
	for my $never (
		'deadlock detected', 'could not serialize',
		'in relation "interact_counter"', 'in relation "interact_affinity"', 'ERROR:', 'FATAL:', 'PANIC:', 'TRAP:')
	{
		# VACUUM makes autovacuum give way.
		my @lines = grep { /\Q$never\E/ && !/canceling autovacuum task/ } split /\n/, $said;
		is(scalar(@lines), 0, "$what: the log has no $never")
		  or diag(join "\n", map { substr($_, 0, 500) } @lines[ 0 .. ($#lines < 4 ? $#lines : 4) ]);
	}
}

# Rows per key of the two derived tables
sub rows_per_key
{
	return split /\|/, $node->safe_psql('postgres', q{
SELECT (SELECT round(1.0 * count(*) / count(DISTINCT (item_id, event)), 3) FROM interact_counter),
       (SELECT round(1.0 * count(*) / count(DISTINCT (user_id, item_id)), 3) FROM interact_affinity)});
}

# Percentage of updates of interact_counter that were HOT, since the last
# reset.  Nothing has to be waited for: the sessions that counted have ended.
sub hot_share
{
	my ($when) = @_;
	my ($text, $share) = split /\|/, $node->safe_psql('postgres', q{
SELECT n_tup_ins || ' rows of counters inserted, ' || n_tup_upd || ' updated, '
       || n_tup_hot_upd || ' of them HOT, ' || n_tup_del || ' deleted',
       round(100.0 * n_tup_hot_upd / n_tup_upd, 1)
  FROM pg_stat_user_tables WHERE relname = 'interact_counter'});

	note("$when: $text: $share %");
	note("$when: rows per key: " . join(', ', rows_per_key()));
	return $share;
}

# Sizes of the derived tables and their indexes, in bytes, by name
sub sizes
{
	$node->safe_psql('postgres', 'VACUUM interact_counter, interact_affinity');
	return map { split /\|/ } split /\n/, $node->safe_psql('postgres', q{
SELECT c.relname, pg_relation_size(c.oid)
  FROM pg_class AS c LEFT JOIN pg_index AS x ON x.indexrelid = c.oid
 WHERE COALESCE(x.indrelid, c.oid) IN ('interact_counter'::regclass, 'interact_affinity'::regclass)});
}

# The same after deriving everything from nothing
sub fresh_sizes
{
	$node->safe_psql('postgres', q{
TRUNCATE interact_counter, interact_affinity;
SELECT interact_rebuild();
});
	return sizes();
}

# How the sizes compare; within the limit, if that is a promise.
sub compare_sizes
{
	my ($when, $promised, $used, $fresh) = @_;

	for my $rel (sort keys %$fresh)
	{
		my $ratio = sprintf '%.2f', $used->{$rel} / $fresh->{$rel};
		my $text = "$when: $rel: $used->{$rel} bytes, $fresh->{$rel} fresh: $ratio";

		if ($promised)
		{
			cmp_ok($ratio, '<=', $size_limit, $text);
		}
		else
		{
			note($text);
		}
	}
}

# Everything at once.
chaos(32, 'simple', 1, sort keys %disturbers);
hot_share('32 clients');
chaos(64, 'extended', 1, sort keys %disturbers);
hot_share('64 clients');
{
	my %used = sizes();
	my %fresh = fresh_sizes();
	compare_sizes('old snapshots', 0, \%used, \%fresh);
	checked('after interact_rebuild()');
}

# While a transaction is left open or a snapshot is held, versions that are no
# longer needed stay, of all tables alike: space and pages without room for HOT
# updates come from that.  What remains without is contention.
chaos(64, 'extended', 0, grep { !/check|reader|rebuild/ } sort keys %disturbers);
my $hot = hot_share('64 clients, short transactions');
cmp_ok($hot, '>=', $settled ? 90 : 50, 'updates of counters that are HOT, percent');

# Pairs that are recorded again move to the newest end of two indexes, and leave
# pages behind that are nearly empty: the longer it goes on the more, as in any
# index by the time of a change.  interact_status() says when it is time to build
# them anew, which PostgreSQL does while everybody records.
{
	my %grown = sizes();
	note("grown: $_: $grown{$_} bytes") for sort keys %grown;
	note('advice: ' . ($node->safe_psql('postgres', q{
		SELECT string_agg(name || ': ' || value || coalesce(', ' || advice, ''), '; ' ORDER BY name)
		  FROM interact_status() WHERE area = 'index' AND value IS NOT NULL}) || 'none'));
	my $log = -s $node->logfile;
	my $bench = start_bench('indexes built anew', '--client', 32, '--jobs', 2,
		'--time', $seconds < 10 ? $seconds : 10, '--protocol', 'extended', @scripts);
	$node->safe_psql('postgres', "REINDEX TABLE CONCURRENTLY $_")
	  for ('interact_affinity', 'interact_counter');
	finish_bench($bench);
	my @errors = grep { /ERROR:|deadlock/ && !/canceling autovacuum task/ }
	  split /\n/, slurp_file($node->logfile, $log);
	is(scalar(@errors), 0, 'nobody who recorded noticed that indexes were built anew')
	  or diag(join "\n", @errors);
	checked('indexes built anew');

	my %used = sizes();
	my %fresh = fresh_sizes();
	compare_sizes('short transactions', $settled, \%used, \%fresh);
	checked('after interact_rebuild()');
}

# ---------- a backend killed ----------

# Wait until the server accepts connections.  (psql dies of what it cannot read
# to the end when the server refuses it.)
sub is_up
{
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return 1
		  if system('pg_isready', '--quiet', '--dbname', $node->connstr('postgres')) == 0;
		usleep(100_000);
	}
	return 0;
}

{
	my $bench = start_bench('killed', '--client', 32, '--jobs', 2,
		'--time', $PostgreSQL::Test::Utils::timeout_default, @scripts);
	my $views = $node->safe_psql('postgres', 'SELECT count(*) FROM interact_view');

	$node->poll_query_until('postgres',
		"SELECT count(*) > $views + 500 FROM interact_view")
	  or die "nothing is recorded: $bench->{stderr}";
	prepare_transactions();
	my $pid = $node->safe_psql('postgres', q{
		SELECT pid FROM pg_stat_activity
		 WHERE datname = 'postgres' AND backend_type = 'client backend'
		   AND pid <> pg_backend_pid() LIMIT 1});
	is(kill('KILL', $pid), 1, 'a backend is killed');
	$bench->{run}->finish;
	is_up() or die 'the server did not recover';
	checked('after recovery, prepared transactions open');
	resolve_transactions();
	checked('after recovery');
}

# ---------- afterwards ----------

note('rows per key after the crash: ' . join(', ', rows_per_key()));
finish_bench(start_bench('ordinary traffic', '--client', 4, '--transactions', 250, @scripts));
note('rows per key after ordinary traffic: ' . join(', ', rows_per_key()));
note('folded by interact_compact(): ' . $node->safe_psql('postgres', 'SELECT interact_compact()'));
my ($counter_rows, $affinity_rows) = rows_per_key();
cmp_ok($counter_rows, '<=', 1.05, 'rows per counter after interact_compact()');
cmp_ok($affinity_rows, '<=', 1.05, 'rows per pair after interact_compact()');
checked('after interact_compact()');

$node->stop;
done_testing();
