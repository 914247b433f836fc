# Installing the extension: versions, schemas, several databases, privileges,
# and what is left when it is dropped.

use strict;
use warnings FATAL => 'all';

use FindBin;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use lib $FindBin::RealBin;
use Fixture;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;

# One version in three places: the control file has it, META.json repeats it
# in the form its specification asks for, and the installed files are these.
my ($version) = slurp('interact.control') =~ /^default_version\s*=\s*'(.+)'/m;
my $meta = decode_json(slurp('META.json'));
my $semantic = join '.', ((split /\./, $version), 0, 0)[ 0 .. 2 ];

is($meta->{version}, $semantic, 'META.json has the version of the control file');
is($meta->{provides}{interact}{version},
	$semantic, 'META.json provides the version of the control file');
is( $node->safe_psql(
		'postgres',
		"SELECT default_version FROM pg_available_extensions WHERE name = 'interact'"),
	$version,
	'the installed control file is of this version');

# Everything that is not part of PostgreSQL, by catalog
my $objects = q{
SELECT 'class', count(*) FROM pg_class WHERE oid >= 16384
UNION ALL SELECT 'proc', count(*) FROM pg_proc WHERE oid >= 16384
UNION ALL SELECT 'type', count(*) FROM pg_type WHERE oid >= 16384
UNION ALL SELECT 'operator', count(*) FROM pg_operator WHERE oid >= 16384
UNION ALL SELECT 'trigger', count(*) FROM pg_trigger WHERE oid >= 16384
UNION ALL SELECT 'constraint', count(*) FROM pg_constraint WHERE oid >= 16384
UNION ALL SELECT 'namespace', count(*) FROM pg_namespace
	WHERE oid >= 16384 AND nspname !~ '^pg_(toast_)?temp'
UNION ALL SELECT 'extension', count(*) FROM pg_extension WHERE oid >= 16384
UNION ALL SELECT 'depend', count(*) FROM pg_depend WHERE objid >= 16384
UNION ALL SELECT 'init_privs', count(*) FROM pg_init_privs WHERE objoid >= 16384
ORDER BY 1};

# In public
$node->safe_psql('postgres', 'CREATE DATABASE one');
my $before = $node->safe_psql('one', $objects);
$node->safe_psql('one', 'CREATE EXTENSION interact');
$node->safe_psql('one', fill());
is($node->safe_psql('one', 'SELECT * FROM interact_check()'),
	'', 'in public: counters are right');
my %answers = answers();
my %in_public;
$in_public{$_} = $node->safe_psql('one', $answers{$_}) for keys %answers;
isnt($in_public{$_}, '', "in public: $_ has an answer") for sort keys %answers;

# In a schema of its own in another database, and with a search_path that
# leads to the schema but first to operators and tables that must not be used.
$node->safe_psql('postgres', 'CREATE DATABASE two');
$node->safe_psql(
	'two', q{
CREATE SCHEMA "Shop";
CREATE EXTENSION interact SCHEMA "Shop";
CREATE SCHEMA trap;
CREATE FUNCTION trap.spring(bigint, bigint) RETURNS boolean LANGUAGE plpgsql
    AS $$ BEGIN RAISE 'a foreign operator was used'; END $$;
CREATE OPERATOR trap.= (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = trap.spring);
CREATE OPERATOR trap.<> (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = trap.spring);
CREATE OPERATOR trap.> (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = trap.spring);
CREATE OPERATOR trap.+ (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = trap.spring);
CREATE TABLE trap.interact_view (user_id text);
CREATE TABLE trap.interact_counter (item_id text);
CREATE TABLE trap.interact_event_type (id text);
CREATE TABLE trap.interact_setting (name text);
});
is( $node->safe_psql(
		'two', q{
SET search_path = trap, pg_catalog;
SELECT "Shop".interact_record_view(1, 7),
       "Shop".interact_add_favorite(1, 7),
       "Shop".interact_submit_review(1, 7, 5),
       "Shop".interact_react(1, 7, 'like'),
       "Shop".interact_add_to_cart(1, 7),
       "Shop".interact_checkout(1),
       "Shop".interact_record_purchase(2, 7);
INSERT INTO "Shop".interact_view (user_id, item_id) VALUES (2, 8);
SELECT count(*) FROM "Shop".interact_check();
SELECT item_id FROM "Shop".recommend(1);
SELECT item_id FROM "Shop".interact_popular(1);
SELECT item_id FROM "Shop".interact_trending(1);
SELECT item_id FROM "Shop".interact_similar_items(7);
SELECT purchases FROM "Shop".interact_item_stats WHERE item_id OPERATOR(pg_catalog.=) 7;
}),
	"t|t|t|t|t|1|t\n0\n8\n7\n7\n8\n2",
	'in another schema: works whatever the search_path');
$node->safe_psql('two', 'TRUNCATE "Shop".interact_view, "Shop".interact_favorite,
	"Shop".interact_review, "Shop".interact_reaction, "Shop".interact_cart_item,
	"Shop".interact_purchase RESTART IDENTITY');
$node->safe_psql('two', 'SET search_path = "Shop";' . fill());
for my $name (sort keys %answers)
{
	# Times differ, and with them what depends on them.
	next if $name =~ /^(recommend|interact_rank)/;
	if ($name =~ /^analytics|^interact_(history|recently_viewed|reviews|friends_feed)/)
	{
		isnt($node->safe_psql('two', qq{SET search_path = "Shop"; $answers{$name}}),
			'', "in another schema: $name has an answer");
		next;
	}
	same($node->safe_psql('two', qq{SET search_path = "Shop"; $answers{$name}}),
		$in_public{$name}, "in another schema: $name answers as in public");
}
is( $node->safe_psql('two', 'SELECT * FROM "Shop".interact_check()'),
	'', 'in another schema: counters are right');

# Nothing is for everybody.
is( $node->safe_psql(
		'one', q{
CREATE ROLE stranger;
SELECT d.classid::regclass, pg_describe_object(d.classid, d.objid, 0)
  FROM pg_depend AS d
  JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
 WHERE e.extname = 'interact' AND d.deptype = 'e'
   AND CASE d.classid
       WHEN 'pg_proc'::regclass THEN has_function_privilege('stranger', d.objid, 'EXECUTE')
       WHEN 'pg_class'::regclass THEN
            CASE (SELECT relkind FROM pg_class WHERE oid = d.objid)
            WHEN 'S' THEN has_sequence_privilege('stranger', d.objid, 'USAGE, SELECT, UPDATE')
            WHEN 'r' THEN has_any_column_privilege('stranger', d.objid, 'SELECT, INSERT, UPDATE, REFERENCES')
                          OR has_table_privilege('stranger', d.objid, 'DELETE, TRUNCATE, TRIGGER')
            WHEN 'v' THEN has_any_column_privilege('stranger', d.objid, 'SELECT, INSERT, UPDATE, REFERENCES')
            END
       END
 ORDER BY 2}),
	'',
	'PUBLIC has no privileges');

# Dropped and created again while a session goes on
is( $node->safe_psql(
		'one', q{
DROP EXTENSION interact CASCADE;
CREATE SCHEMA later;
CREATE EXTENSION interact SCHEMA later;
SELECT later.interact_record_view(1, 2);
SELECT views FROM later.interact_item_stats;
SELECT * FROM later.interact_check();
DROP EXTENSION interact CASCADE;
DROP SCHEMA later}),
	"t\n1",
	'a session survives that the extension is dropped and created');
is( $node->safe_psql(
		'two', q{
SET search_path = "Shop";
SELECT count(*) > 0 FROM recommend(1);
DROP EXTENSION interact;
CREATE EXTENSION interact;
SELECT count(*) FROM recommend(1);
SELECT interact_record_view(1, 2);
SELECT count(*) FROM interact_check()}),
	"t\n0\nt\n0",
	'in the same session that used it before');

# pg_depend loses the row of the role's privileges with the role.
$node->safe_psql('one', 'DROP ROLE stranger');
$node->safe_psql('one', 'DROP FUNCTION odd(bigint, jsonb)');
is($node->safe_psql('one', $objects), $before, 'DROP EXTENSION leaves nothing');

$node->stop;
done_testing();
