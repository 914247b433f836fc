# pg_upgrade: rows, counters and pairs move to the new server as files; nothing
# is derived again, everything answers as before, and recording goes on.
#
# oldinstall names the directory of the PostgreSQL to upgrade from, in which
# bin/ lies, with the extension installed; make test-versions sets it.  Without
# it, the upgrade is from this version to itself.

use strict;
use warnings FATAL => 'all';

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use lib $FindBin::RealBin;
use Fixture;

# Checksums: their default changed in PostgreSQL 18, and must be the same.
my $old = PostgreSQL::Test::Cluster->new('old', install_path => $ENV{oldinstall});
$old->init(extra => ['--data-checksums']);
$old->start;

# Tables and what is asked, in two databases: in public, and elsewhere after a
# restart, when ids and counters have been used up to a point.
my %schema = (shop => 'public', other => 'interactions');
for my $db (sort keys %schema)
{
	my $schema = $schema{$db};
	$old->safe_psql('postgres', "CREATE DATABASE $db");
	$old->safe_psql($db, "CREATE SCHEMA IF NOT EXISTS $schema;
		CREATE EXTENSION interact SCHEMA $schema;
		SET search_path = $schema;" . fill());
	$old->safe_psql($db, "SET search_path = $schema;
		DELETE FROM interact_view WHERE id % 5 = 0;
		SELECT interact_rebuild('hot');
		CREATE ROLE ${db}_app LOGIN;
		SELECT interact_grant('${db}_app', 'read'), interact_grant('${db}_app', 'write')");
}

# Everything that can be asked: the answers, the rows of each table, derived
# ones too, where the sequences are, and who may do what.
sub state_of
{
	my ($node, $db) = @_;
	my %questions = answers();
	my %state;

	for my $relation (split /\n/, $node->safe_psql($db, extension_relations('r')))
	{
		$questions{$relation} = "SELECT md5(string_agg(t::text, E'\\n' ORDER BY t::text)), count(*)
			FROM $schema{$db}.$relation AS t";
	}
	for my $sequence (split /\n/, $node->safe_psql($db, extension_relations('S')))
	{
		$questions{$sequence} = "SELECT last_value, is_called FROM $schema{$db}.$sequence";
	}
	$questions{privileges} = q{
		SELECT pg_describe_object(d.classid, d.objid, 0) AS object, a.acl::text
		  FROM pg_depend AS d
		  JOIN (SELECT 'pg_class'::regclass::oid AS classid, oid AS objid, unnest(relacl) AS acl FROM pg_class
		         UNION ALL
		        SELECT 'pg_proc'::regclass, oid, unnest(proacl) FROM pg_proc) AS a USING (classid, objid)
		  JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
		 WHERE e.extname = 'interact' AND d.deptype = 'e' AND a.acl::text ~ '_app='
		 ORDER BY object, 2};
	$state{$_} = $node->safe_psql($db, "SET search_path = $schema{$db}; $questions{$_}")
	  for keys %questions;
	return \%state;
}

my %before;
$before{$_} = state_of($old, $_) for keys %schema;

my $new = PostgreSQL::Test::Cluster->new('new');
$new->init(extra => ['--data-checksums']);
note('from ' . $old->pg_version . ' to ' . $new->pg_version);

# A minor release of the old version may be younger than that of the new one,
# and note options of columns that the latter does not know: then pg_upgrade
# fails for whatever table, ours or not.  We are after what comes behind that.
$new->start;
for my $db (sort keys %schema)
{
	for my $option (split /\n/, $old->safe_psql($db, q{
		SELECT DISTINCT split_part(o, '=', 1) FROM pg_attribute, unnest(attoptions) AS o}))
	{
		my ($status) = $new->psql('postgres', qq{
			BEGIN;
			CREATE TABLE probe (a integer);
			ALTER TABLE probe ALTER a SET ($option = 1);
			ROLLBACK}, on_error_stop => 1);
		next if $status == 0;
		note("$db: the new server does not know the option $option of columns");
		$old->safe_psql($db, "UPDATE pg_attribute
			SET attoptions = NULLIF(ARRAY(SELECT o FROM unnest(attoptions) AS o
			                               WHERE split_part(o, '=', 1) <> '$option'), '{}')
			WHERE attoptions IS NOT NULL");
	}
}
$new->stop;
$old->stop;

# In a directory of its own, where it leaves its log on failure.
chdir $new->basedir or die "could not go to the directory of the test: $!";
command_ok(
	[
		'pg_upgrade', '--no-sync',
		'--old-datadir', $old->data_dir,
		'--new-datadir', $new->data_dir,
		'--old-bindir', $old->config_data('--bindir'),
		'--new-bindir', $new->config_data('--bindir'),
		'--socketdir', $new->host,
		'--old-port', $old->port,
		'--new-port', $new->port
	],
	'pg_upgrade');
if (!Test::More->builder->is_passing)
{
	# What failed is in files.
	my $data = $new->data_dir;
	diag(`find '$data/pg_upgrade_output.d' -name '*.log' -exec grep -A 3 -E 'error:|ERROR:|FATAL:|fatal' {} +`);
	die 'pg_upgrade failed';
}

$new->start;
for my $db (sort keys %schema)
{
	my $path = "SET search_path = $schema{$db};";
	my $after = state_of($new, $db);

	for my $what (sort keys %{ $before{$db} })
	{
		isnt($before{$db}{$what}, '', "$db: there is something in $what");
		same($after->{$what} // '', $before{$db}{$what}, "$db: $what is as it was");
	}
	is($new->safe_psql($db, "$path SELECT * FROM interact_check()"),
		'', "$db: counters agree with the rows");
	is($new->safe_psql($db, "$path SELECT interact_rebuild()"),
		'0', "$db: there is nothing to rebuild");
	is( $new->safe_psql($db, qq{
			SET ROLE ${db}_app;
			$path
			SELECT interact_record_view(1, 2), interact_record(1, 2, 'share', 3),
			       interact_submit_review(500, 2, 4)}),
		't|t|t', "$db: an application goes on recording");
	is($new->safe_psql($db, "$path SELECT * FROM interact_check()"),
		'', "$db: counters agree with old and new rows");
}

$new->stop;
done_testing();
