# Updating the extension, and a library and a script that do not belong
# together, in a private copy of PostgreSQL whose files may be changed.
#
# Scripts interact--A--B.sql of released versions, when there are any, are run
# from every version that can be installed.

use strict;
use warnings FATAL => 'all';

use File::Basename;
use File::Path qw(make_path);
use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use lib $FindBin::RealBin;
use Fixture;

my $root = PostgreSQL::Test::Utils::tempdir_short();

sub config
{
	my ($what) = @_;
	my $pg_config = $ENV{PG_CONFIG} // 'pg_config';
	my $value = `$pg_config --$what`;

	chomp $value;
	return $value;
}

# A server finds its files from where it lies itself: in the copy everything
# lies as in the original.  Programs are copied, as links would lead back.
my ($bindir, $sharedir, $pkglibdir, $libdir) = map { config($_) } qw(bindir sharedir pkglibdir libdir);
make_path($root . $bindir, $root . dirname($sharedir), $root . $pkglibdir, $root . $libdir);
system_or_bail('cp', "$bindir/$_", $root . $bindir) for qw(postgres initdb pg_ctl pg_config psql);
system_or_bail('cp', '-RL', $sharedir, $root . $sharedir);
for my $file (glob("$pkglibdir/*"))
{
	symlink($file, $root . $pkglibdir . '/' . basename($file));
}
my $node = PostgreSQL::Test::Cluster->new('main', install_path => $root . dirname($bindir));
$node->init;
$node->start;

my $extension_dir = "$root$sharedir/extension";
my ($version) = slurp_file("$extension_dir/interact.control") =~ /^default_version\s*=\s*'(.+)'/m;
my $script = slurp_file("$extension_dir/interact--$version.sql");

sub write_file
{
	my ($name, $content) = @_;

	unlink($name);
	append_to_file($name, $content);
	return;
}

# Everything that is part of the extension, as the catalogs say it, without OIDs
sub description
{
	my ($db) = @_;

	return $node->safe_psql($db, q{
		WITH member AS (
			SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS object
			  FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
			 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'interact')
		SELECT object, description FROM (
			SELECT object, 'comment: ' || obj_description(objid, classid::regclass::name) AS description FROM member
			UNION ALL SELECT object, CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(objid)
			                          ELSE (SELECT concat_ws(' ', aggtransfn, aggcombinefn, aggfinalfn, aggtranstype::regtype, agginitval)
			                                   FROM pg_aggregate WHERE aggfnoid = objid) END
			  FROM member JOIN pg_proc AS p ON p.oid = objid WHERE classid = 'pg_proc'::regclass
			UNION ALL SELECT object, 'acl: ' || acl::text FROM member
			  JOIN (SELECT 'pg_proc'::regclass::oid AS classid, oid AS objid, proacl AS acl FROM pg_proc
			         UNION ALL SELECT 'pg_class'::regclass, oid, relacl FROM pg_class) AS a USING (classid, objid)
			UNION ALL SELECT object, 'options: ' || concat_ws(' ', c.reloptions, c.relreplident, c.relpersistence)
			  FROM member JOIN pg_class AS c ON c.oid = objid WHERE classid = 'pg_class'::regclass
			UNION ALL SELECT object, concat_ws(' ', 'column', a.attnum, a.attname, format_type(a.atttypid, a.atttypmod),
			              a.attnotnull, a.attidentity, pg_get_expr(f.adbin, f.adrelid), col_description(objid, a.attnum))
			  FROM member JOIN pg_attribute AS a ON a.attrelid = objid AND a.attnum > 0
			  LEFT JOIN pg_attrdef AS f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
			 WHERE classid = 'pg_class'::regclass AND NOT a.attisdropped
			UNION ALL SELECT object, 'constraint ' || c.conname || ' ' || pg_get_constraintdef(c.oid)
			  FROM member JOIN pg_constraint AS c ON c.conrelid = objid WHERE classid = 'pg_class'::regclass
			UNION ALL SELECT object, pg_get_indexdef(i.indexrelid) || ' ' || (SELECT concat(reloptions) FROM pg_class WHERE oid = i.indexrelid)
			  FROM member JOIN pg_index AS i ON i.indrelid = objid WHERE classid = 'pg_class'::regclass
			UNION ALL SELECT object, concat(pg_get_triggerdef(t.oid), ' ', t.tgenabled)
			  FROM member JOIN pg_trigger AS t ON t.tgrelid = objid AND NOT t.tgisinternal WHERE classid = 'pg_class'::regclass
			UNION ALL SELECT object, pg_get_viewdef(objid) FROM member JOIN pg_class AS c ON c.oid = objid AND c.relkind = 'v'
			 WHERE classid = 'pg_class'::regclass
			UNION ALL SELECT object, concat_ws(' ', 'sequence', seqstart, seqincrement, seqmax, seqmin, seqcycle)
			  FROM member JOIN pg_sequence ON seqrelid = objid WHERE classid = 'pg_class'::regclass
			UNION ALL SELECT object, 'dumped ' || (SELECT condition FROM pg_extension AS e, unnest(e.extconfig, e.extcondition) AS u (rel, condition)
			                                         WHERE e.extname = 'interact' AND u.rel = objid)
			  FROM member WHERE classid = 'pg_class'::regclass) AS t
		 WHERE description IS NOT NULL
		 ORDER BY 1, 2});
}

$node->safe_psql('postgres', 'CREATE DATABASE fresh');
$node->safe_psql('fresh', 'CREATE EXTENSION interact');
my $fresh = description('fresh');
like($fresh, qr/interact_view.*interact_view_pair/s, 'the description has tables and indexes');

# ---------- versions that were released ----------

my @older = grep { length } split /\n/, $node->safe_psql('postgres', qq{
	SELECT v.version FROM pg_available_extension_versions AS v
	  JOIN pg_extension_update_paths('interact') AS p ON p.source = v.version AND p.target = '$version'
	 WHERE v.name = 'interact' AND v.version <> '$version' AND p.path IS NOT NULL ORDER BY 1});
note('updates to ' . $version . ' from: ' . (join(', ', @older) || 'none yet'));

# ---------- the way it is done ----------

# A version that lacked one function and one comment, and an update to ours;
# and an update that forgets the comment.
my ($function) = $script =~ /(CREATE FUNCTION \@extschema\@\.interact_compact\(\).*?;\n)(?=\n|$)/s;
ok(defined $function, 'there is a function to take away');
my ($comment) = $function =~ /(COMMENT ON FUNCTION .*?';\n)/s;
my $older = $script =~ s/\Q$function\E//r;
write_file("$extension_dir/interact--0.0.1.sql", $older);
write_file("$extension_dir/interact--0.0.1--$version.sql", $function);
write_file("$extension_dir/interact--0.0.2.sql", $older);
write_file("$extension_dir/interact--0.0.2--$version.sql", $function =~ s/\Q$comment\E//r);
push @older, '0.0.1';

for my $from (@older, '0.0.2')
{
	my $db = 'from_' . ($from =~ s/\W/_/gr);

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, "CREATE EXTENSION interact VERSION '$from'");
	$node->safe_psql($db, fill());

	# A session that goes on while it is updated
	my $session = $node->background_psql($db);
	$session->query_safe('SELECT count(*) FROM recommend(5)');
	my $before = $session->query_safe('SELECT md5(string_agg(s::text, $$ $$ ORDER BY item_id)) FROM interact_item_stats AS s');
	$node->safe_psql($db, 'ALTER EXTENSION interact UPDATE');
	is($session->query_safe('SELECT md5(string_agg(s::text, $$ $$ ORDER BY item_id)) FROM interact_item_stats AS s'),
		$before, "$from: rows and counters are kept");
	is($session->query_safe('SELECT interact_record_view(1, 2)'), 't', "$from: an open session goes on");
	$session->quit;

	is($node->safe_psql($db, "SELECT extversion FROM pg_extension WHERE extname = 'interact'"),
		$version, "$from: updated");
	is($node->safe_psql($db, 'SELECT * FROM interact_check()'), '', "$from: counters agree with the rows");
	if ($from eq '0.0.2')
	{
		isnt(description($db), $fresh, "$from: what an update forgets is noticed");
		next;
	}
	same(description($db), $fresh, "$from: the same as installed at once");
	is($node->safe_psql($db, 'SELECT interact_compact() >= 0'), 't', "$from: what is new works");
}

# ---------- what does not belong together ----------

# The script is newer than the library.
write_file("$extension_dir/interact--99.sql", $script . q{
CREATE FUNCTION @extschema@.interact_from_the_future() RETURNS void LANGUAGE C AS 'MODULE_PATHNAME';
});
write_file("$extension_dir/interact--$version--99.sql", q{
CREATE FUNCTION @extschema@.interact_from_the_future() RETURNS void LANGUAGE C AS 'MODULE_PATHNAME';
});
$node->safe_psql('postgres', 'CREATE DATABASE mixed');
my ($failed, $stdout, $stderr) = $node->psql('mixed', "CREATE EXTENSION interact VERSION '99'");
isnt($failed, 0, 'a newer script: not created');
like($stderr, qr/could not find function "interact_from_the_future" in file ".*interact.so"/, 'a newer script: what is missing, and where');
is($node->safe_psql('mixed', "SELECT count(*) FROM pg_class WHERE relname LIKE 'interact%'"), '0', 'a newer script: nothing is left');
($failed, $stdout, $stderr) = $node->psql('fresh', "ALTER EXTENSION interact UPDATE TO '99'");
like($stderr, qr/could not find function "interact_from_the_future"/, 'a newer script: not updated');
is($node->safe_psql('fresh', 'SELECT interact_record_view(1, 2); SELECT * FROM interact_check()'),
	't', 'a newer script: what was there works');

# The library is newer than the script: a relation it needs is not there yet.
$node->safe_psql('mixed', 'CREATE EXTENSION interact; ALTER TABLE interact_setting RENAME TO interact_no_setting');
for my $call ('interact_record_view(1, 2)', 'recommend(1)', 'interact_popular()')
{
	($failed, $stdout, $stderr) = $node->psql('mixed', "SELECT $call");
	like($stderr, qr/relation "interact_setting" of extension "interact" does not exist.*run ALTER EXTENSION interact UPDATE/s,
		"a newer library: $call says what to do");
}

# The library is not there at all: the script says so.
unlink("$root$pkglibdir/interact.so");
($failed, $stdout, $stderr) = $node->psql('postgres', 'CREATE EXTENSION interact');
like($stderr, qr{could not access file "(\$libdir/)?interact"}, 'no library: says so');

$node->stop;
done_testing();
