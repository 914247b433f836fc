# Data and questions that several TAP tests share.

package Fixture;

use strict;
use warnings FATAL => 'all';

use Exporter 'import';
use FindBin;
use POSIX qw(strftime);
use Test::More;

our @EXPORT = qw(fill answers calls digest extension_relations same slurp);

# One moment for all that a script fills, so that answers can be compared
my $now = strftime('%Y-%m-%d %H:%M:%S+00', gmtime);

# SQL that puts rows into every table an application or an administrator
# writes, in the schema that search_path leads to.  Users share items, so that
# there is something to recommend.
sub fill
{
	my $sql = <<'SQL';
SELECT interact_define_event('share', weight => 2, shareable => true);
SELECT interact_define_event('love', weight => 3, kind => 'reaction');
SELECT interact_define_event('view', weight => 0.5);
SELECT interact_set('trending_half_life', '7 days');
-- Scores that do not age: answers are compared a moment later.
SELECT interact_set('recency_floor', '1');
INSERT INTO interact_key (kind, key) VALUES ('user', 'guest:1'), ('item', 'sku-1');

CREATE TEMP TABLE pair AS
SELECT u AS user_id, 1 + (u % 4 * 10 + k * (1 + u % 3)) % 40 AS item_id,
       now() - interval '1 hour' * (u * 7 + k * 5) AS at, k
  FROM generate_series(1, 60) AS u, generate_series(1, 12) AS k;
INSERT INTO pair VALUES (-1, -2, now() - interval '1 day', 1);

INSERT INTO interact_view (user_id, item_id, viewed_at, context)
SELECT user_id, item_id, at, '{"page": "home"}' FROM pair;
INSERT INTO interact_favorite (user_id, item_id, list, created_at)
SELECT DISTINCT ON (user_id, item_id) user_id, item_id, 'wishlist', at FROM pair WHERE k % 3 = 0
 ORDER BY user_id, item_id, at;
INSERT INTO interact_cart_item (user_id, item_id, quantity, added_at, removed_at, purchased_at)
SELECT user_id, item_id, k, at, CASE WHEN k = 4 THEN at END, CASE WHEN k = 8 THEN at END
  FROM (SELECT DISTINCT ON (user_id, item_id) * FROM pair WHERE k % 4 = 0
         ORDER BY user_id, item_id, at) AS p;
INSERT INTO interact_purchase (user_id, item_id, quantity, unit_price, order_id, purchased_at)
SELECT user_id, item_id, k, item_id + 0.99, 'order ' || user_id, at FROM pair WHERE k % 5 = 0;
INSERT INTO interact_review (user_id, item_id, rating, title, comment, created_at, updated_at)
SELECT DISTINCT ON (user_id, item_id) user_id, item_id, 1 + (user_id + k) % 5, 'T', 'It''s "so"', at, at
  FROM pair WHERE k % 5 = 1 ORDER BY user_id, item_id, at;
INSERT INTO interact_reaction (user_id, item_id, reaction, created_at)
SELECT DISTINCT ON (user_id, item_id) user_id, item_id,
       (ARRAY['like', 'dislike', 'love'])[1 + user_id % 3], at
  FROM pair WHERE k = 7 ORDER BY user_id, item_id, at;
INSERT INTO interact_event (user_id, item_id, event, value, occurred_at)
SELECT user_id, item_id, 'share', k * 1.5, at FROM pair WHERE k = 9;
INSERT INTO interact_purchase (user_id, item_id, purchased_at)
SELECT user_id, item_id, at - interval '9 days' * (1 + user_id % 3) FROM pair WHERE k = 5 AND user_id % 4 > 0;
CREATE OR REPLACE FUNCTION odd(item_id bigint, arg jsonb) RETURNS boolean
    LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT item_id % 2 = (arg->>'n')::bigint $$;
INSERT INTO interact_friend (user_id, friend_id) SELECT u, u % 60 + 1 FROM generate_series(1, 60) AS u;
INSERT INTO interact_friend (user_id, friend_id) SELECT u % 60 + 1, u FROM generate_series(1, 60) AS u WHERE u % 2 = 0;
INSERT INTO interact_pruned (item_id, event, count, total)
VALUES (1, 'view', 100, 0), (41, 'share', 5, 7.5);
SQL

	$sql =~ s/\bnow\(\)/timestamptz '$now'/g;
	return $sql;
}

# Queries whose results must be the same on any copy of the database, by name.
# Scores that depend on the time of the call are left out.
sub answers
{
	return (
		'recommend()' =>
		  'SELECT u, ordinality, item_id, reason, because_item_id, support
		     FROM generate_series(1, 62) AS u, recommend(u) WITH ORDINALITY
		    ORDER BY u, ordinality',
		'interact_similar_items()' =>
		  'SELECT i, s.* FROM generate_series(1, 41) AS i,
		          interact_similar_items(i) WITH ORDINALITY AS s ORDER BY i, ordinality',
		'recommend_for_items()' =>
		  'SELECT i, ordinality, item_id, reason, because_item_id, support
		     FROM generate_series(1, 41) AS i,
		          recommend_for_items(ARRAY[i, i % 7, -2]) WITH ORDINALITY
		    ORDER BY i, ordinality',
		'recommend(filter)' =>
		  q{SELECT u, ordinality, item_id, reason, because_item_id, support
		      FROM generate_series(1, 62) AS u,
		           recommend(u, 5, exclude_seen => false, exclude => '{3,5}', friends_weight => 2,
		                     filter => 'odd(bigint,jsonb)', filter_arg => '{"n": 1}') WITH ORDINALITY
		     ORDER BY u, ordinality},
		'interact_rank()' =>
		  'SELECT u, item_id, reason, because_item_id, support, rank
		     FROM generate_series(1, 62) AS u,
		          interact_rank(u, ARRAY(SELECT generate_series(1, 41)))
		    ORDER BY u, rank',
		'interact_similar_users()' =>
		  'SELECT u, s.user_id, s.shared, ordinality
		     FROM generate_series(1, 62) AS u,
		          interact_similar_users(u) WITH ORDINALITY AS s ORDER BY u, ordinality',
		'interact_bought_together()' =>
		  'SELECT i, b.* FROM generate_series(1, 41) AS i,
		          interact_bought_together(ARRAY[i, i % 7]) WITH ORDINALITY AS b
		    ORDER BY i, ordinality',
		'interact_buy_again()' =>
		  'SELECT u, b.item_id, b.purchases, b.every, ordinality
		     FROM generate_series(1, 62) AS u,
		          interact_buy_again(u, at => now() - interval \'1 day\') WITH ORDINALITY AS b
		    ORDER BY u, ordinality',
		'interact_popular()' =>
		  'SELECT * FROM interact_popular(50) WITH ORDINALITY ORDER BY ordinality',
		'interact_trending()' =>
		  'SELECT item_id, count, users
		     FROM interact_trending(50) WITH ORDINALITY ORDER BY ordinality',
		'interact_top_rated()' =>
		  'SELECT * FROM interact_top_rated(50, 2) WITH ORDINALITY ORDER BY ordinality',
		'interact_item_stats' =>
		  'SELECT * FROM interact_item_stats ORDER BY item_id',
		'analytics' =>
		  "SELECT row
		     FROM (SELECT max(viewed_at) AS at, max(viewed_at) - interval '40 days' AS since
		             FROM interact_view) AS t
		    CROSS JOIN LATERAL (
		          SELECT a::text FROM interact_activity('1 day', since, at, time_zone => 'UTC') AS a
		           UNION ALL
		          SELECT a::text FROM interact_item_activity(1, '7 days', since, at, time_zone => 'UTC') AS a
		           UNION ALL
		          SELECT a::text FROM interact_active_users(since, at, time_zone => 'UTC') AS a
		           UNION ALL
		          SELECT a::text FROM interact_retention(since, at, '7 days', 3, 'UTC') AS a
		           UNION ALL
		          SELECT a::text FROM interact_funnel('{view,cart,purchase}', since, at) AS a
		           UNION ALL
		          SELECT a::text FROM interact_abandoned_carts() AS a) AS r (row)
		    ORDER BY row",
		'interact_history()' =>
		  'SELECT u, h.* FROM generate_series(1, 62) AS u,
		          interact_history(u, 1000) WITH ORDINALITY AS h ORDER BY u, ordinality',
		'interact_recently_viewed()' =>
		  'SELECT u, v.* FROM generate_series(1, 62) AS u,
		          interact_recently_viewed(u) WITH ORDINALITY AS v ORDER BY u, ordinality',
		'interact_reviews()' =>
		  q{SELECT i, r.* FROM generate_series(1, 41) AS i,
		           interact_reviews(i, 'highest') WITH ORDINALITY AS r ORDER BY i, ordinality},
		'interact_friends_liked()' =>
		  'SELECT u, l.item_id, l.friends FROM generate_series(1, 62) AS u,
		          interact_friends_liked(u, mutual => false) AS l ORDER BY u, l.item_id',
		'interact_friends_feed()' =>
		  'SELECT u, f.* FROM generate_series(1, 62) AS u,
		          interact_friends_feed(u, mutual => false) WITH ORDINALITY AS f ORDER BY u, ordinality',
		'interact_item_event_stats' =>
		  'SELECT * FROM interact_item_event_stats ORDER BY item_id, event',
		'interact_user_stats' =>
		  'SELECT * FROM interact_user_stats ORDER BY user_id',
		'interact_item_rating_histogram()' =>
		  'SELECT i, h.*, r.* FROM generate_series(1, 5) AS i, interact_item_rating_histogram(i) AS h,
		          interact_reaction_counts(i) AS r ORDER BY i, rating DESC, reaction',
		'interact_settings()' =>
		  'SELECT * FROM interact_settings() ORDER BY name',
		'interact_event_type' =>
		  'SELECT * FROM interact_event_type ORDER BY id');
}

# Values for arguments that have no default, by name or else by type; more than
# one where calls shall differ.
my %samples = (
	value => [ "'5'", "'3'" ],
	key => ["'guest:1'"],
	kind => ["'user'"],
	event => [ "'share'", "'view'" ],
	events => ["'{view,purchase}'"],
	reaction => ["'love'"],
	role => ['current_user::text'],
	capability => ["'read'"],
	list => ["'wishlist'"],
	rating => ["'4'"],
	name => ["'window_rows'"],
	bucket => ["'1 day'"],
	from_user_id => ["'6'"],
	into_user_id => ["'7'"],
	friend_id => ["'9'"],
	'bigint' => [ '1', '5', '-1' ],
	'bigint[]' => ["'{1,2,3}'"],
	'integer' => ['5'],
	'smallint' => ['1'],
	'boolean' => ['true'],
	'double precision' => ['0.5'],
	'numeric' => ['1.5'],
	'text' => [ "'view'", "'wishlist'", "'share'" ],
	'text[]' => ["'{view,purchase}'"],
	'interval' => ["'30 days'"],
	'jsonb' => ["'{}'"],
	'timestamp with time zone' => ["pg_catalog.now() OPERATOR(pg_catalog.-) interval '1 day'"],
	'timestamp with time zone[]' => ["ARRAY[pg_catalog.now()]"],
	'real' => ['0.5'],
	'date' => ["'2024-05-01'"],
	'uuid' => ["'00000000-0000-0000-0000-000000000001'"],
	'integer[]' => ["'{1,2,3}'"],
	'smallint[]' => ["'{1,2,3}'"],
	'numeric[]' => ["'{1,2,3}'"],
	'regprocedure' => ["'pg_catalog.int8up(bigint)'"],
	'regclass' => ["'pg_class'"]);

# One call or a few for every function of the extension in a database, as the
# catalogs describe it: hashes of name, volatile (whether it may write) and
# query.  Numbers of type double precision, scores, are left out of what the
# queries return, as most depend on the time of the call.
sub calls
{
	my ($node, $db) = @_;
	my @calls;

	for my $row (split /\n/, $node->safe_psql($db, q{
		SELECT n.nspname, p.proname, p.prokind, p.provolatile,
		       p.pronargs - p.pronargdefaults,
		       (SELECT string_agg(format_type(t, NULL), ',' ORDER BY i)
		          FROM unnest(p.proargtypes) WITH ORDINALITY AS u (t, i)),
		       (SELECT string_agg(p.proargnames[i], ',' ORDER BY i) FROM generate_series(1, p.pronargs) AS i),
		       (SELECT string_agg(quote_ident(p.proargnames[i]), ',' ORDER BY i)
		          FROM generate_series(1, cardinality(p.proargmodes)) AS i
		         WHERE p.proargmodes[i] IN ('o', 't')
		           AND p.proallargtypes[i] NOT IN ('float4'::regtype, 'float8'::regtype)),
		       p.prorettype IN ('float4'::regtype, 'float8'::regtype)
		  FROM pg_proc AS p
		  JOIN pg_namespace AS n ON n.oid = p.pronamespace
		  JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
		  JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
		 WHERE e.extname = 'interact' AND p.prokind IN ('f', 'p')
		   AND p.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype)
		   AND NOT 'internal'::regtype = ANY (p.proargtypes)
		 ORDER BY p.proname}))
	{
		my ($schema, $name, $kind, $volatile, $required, $types, $names, $columns, $float) =
		  split /\|/, $row, -1;
		my @types = split /,/, $types;
		my @names = split /,/, $names;
		my $variants = 1;
		my @values;

		for my $i (0 .. $required - 1)
		{
			my $sample = $samples{ $names[$i] // '' } // $samples{ $types[$i] }
			  or die "$name: no sample of a $types[$i] is known, please add one to Fixture.pm";
			push @values, $sample;
			$variants = @$sample if @$sample > $variants;
		}
		for my $n (0 .. $variants - 1)
		{
			# Arguments of one type differ.
			my $call = qq{"$schema".$name(}
			  . join(', ', map { $values[$_][ ($n + $_) % @{ $values[$_] } ] } 0 .. $#values) . ')';

			$columns = 'md5(t::text) IS NULL' if $float eq 't';
			push @calls, {
				name => $name,
				call => $call,
				volatile => $volatile eq 'v',
				query => $kind eq 'p' ? "CALL $call"
				: 'SELECT ' . ($columns || 't.*') . " FROM $call WITH ORDINALITY AS t ORDER BY t.ordinality" };
		}
	}
	return @calls;
}

# Query for the names of the extension's relations of a kind as in
# pg_class.relkind: r for tables, v for views, S for sequences
sub extension_relations
{
	my ($kind) = @_;

	return "SELECT c.relname
	  FROM pg_class AS c
	  JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
	  JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
	 WHERE e.extname = 'interact' AND c.relkind = '$kind' ORDER BY 1";
}

# The same query with one short row as its result
sub digest
{
	my ($query) = @_;

	return "SELECT count(*), md5(string_agg(t::text, E'\\n')) FROM ($query) AS t";
}

# Like is() for results of many rows: tells where they start to differ.
sub same
{
	my ($got, $expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	return pass($name) if $got eq $expected;

	my @got = split /\n/, $got;
	my @expected = split /\n/, $expected;
	my $row = 0;
	$row++ while $row < @got && $row < @expected && $got[$row] eq $expected[$row];
	fail($name);
	diag("rows: " . @got . ", expected: " . @expected . "; the first to differ is row $row");
	diag("     got: " . ($got[$row] // '(none)'));
	diag("expected: " . ($expected[$row] // '(none)'));
	return 0;
}

# Content of a file in the checkout
sub slurp
{
	my ($path) = @_;

	open(my $file, '<', "$FindBin::RealBin/../../$path")
	  or die "could not open $path: $!";
	local $/ = undef;
	return <$file>;
}

1;
