# A review of the install script: whatever stands in the way of a search path,
# or is left open to everybody, in the catalogs and in the text.
#
# What runs later, the bodies of functions, has a search path of its own, in
# which only PostgreSQL's objects are; the extension's are written with their
# schema.  What is looked up while the script runs (views, constraints,
# defaults) finds the schema it is installed in first where something there
# fits better: so operators and functions are written with their schema.

use strict;
use warnings FATAL => 'all';

use FindBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

use lib $FindBin::RealBin;
use Fixture;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE SCHEMA zz; CREATE EXTENSION interact SCHEMA zz');

my $members = q{
  JOIN pg_depend AS d ON d.objid = o.oid AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
  JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'interact'};

# ---------- the catalogs ----------

is( $node->safe_psql('postgres', qq{
		SELECT o.oid::regprocedure FROM pg_proc AS o $members JOIN pg_language AS l ON l.oid = o.prolang
		 WHERE o.prokind IN ('f', 'p') AND l.lanname <> 'c'
		   AND NOT COALESCE('search_path=pg_catalog, pg_temp' = ANY (o.proconfig), false)}),
	'', 'every function is in C or has its search path pinned');
is( $node->safe_psql('postgres', qq{
		SELECT o.oid::regprocedure FROM pg_proc AS o $members
		 WHERE o.proacl IS NULL OR EXISTS (SELECT 1 FROM aclexplode(o.proacl) WHERE grantee = 0)
		    OR (o.prosecdef AND o.prorettype <> 'trigger'::regtype)}),
	'', 'no function is for everybody; none but triggers runs with its owner\'s rights');
is( $node->safe_psql('postgres', qq{
		SELECT o.oid::regclass FROM pg_class AS o $members WHERE o.relacl IS NULL OR EXISTS (SELECT 1 FROM aclexplode(o.relacl) WHERE grantee = 0)}),
	'', 'no table, view or sequence is for everybody');
is( $node->safe_psql('postgres', qq{
		SELECT o.oid::regprocedure FROM pg_proc AS o $members WHERE obj_description(o.oid, 'pg_proc') IS NULL
		UNION ALL SELECT o.oid::regclass::text FROM pg_class AS o $members
		 WHERE o.relkind IN ('r', 'v') AND obj_description(o.oid, 'pg_class') IS NULL} =~ s/SELECT o.oid::regprocedure/SELECT o.oid::regprocedure::text/r),
	'', 'every function, table and view has a comment');

# Members, and what is part of a member: the rule of a view, a constraint.  None
# may need anything that is neither PostgreSQL's own nor a member.
is( $node->safe_psql('postgres', q{
		WITH RECURSIVE member (classid, objid) AS (
			SELECT d.classid, d.objid FROM pg_depend AS d JOIN pg_extension AS e ON e.oid = d.refobjid
			 WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'interact'
			UNION
			SELECT d.classid, d.objid FROM pg_depend AS d JOIN member AS m ON d.refclassid = m.classid AND d.refobjid = m.objid
			 WHERE d.deptype IN ('i', 'a'))
		SELECT pg_describe_object(m.classid, m.objid, 0), pg_describe_object(d.refclassid, d.refobjid, 0)
		  FROM member AS m JOIN pg_depend AS d USING (classid, objid)
		 WHERE d.refobjid >= 16384 AND d.refclassid NOT IN ('pg_extension'::regclass)
		   AND NOT (d.refclassid = 'pg_namespace'::regclass AND d.refobjid = 'zz'::regnamespace)
		   AND NOT EXISTS (SELECT 1 FROM member AS n WHERE n.classid = d.refclassid AND n.objid = d.refobjid)}),
	'', 'nothing depends on what is not PostgreSQL\'s or the extension\'s');

# ---------- the bodies of functions ----------

# SQL without what is said about it, and without strings
sub bare
{
	my ($sql) = @_;

	$sql =~ s{/\*.*?\*/}{ }gs;
	$sql =~ s{--[^\n]*}{}g;
	$sql =~ s{'(?:[^']|'')*'}{''}g;
	return $sql;
}

my %ours = map { $_ => 1 } split /\n/, $node->safe_psql('postgres', qq{
	SELECT o.proname FROM pg_proc AS o $members
	UNION SELECT o.relname FROM pg_class AS o $members});
cmp_ok(scalar(keys %ours), '>', 50, 'there is something to look for');

# Names of ours in a text that are not written with the schema.  With a point
# behind it a name is that of a table whose column, or of a function whose
# argument, is meant.
sub unqualified
{
	my ($sql) = @_;
	my @found;

	while ($sql =~ /(?<![\w.@])(\w+)(?![\w.])/g)
	{
		my ($name, $before) = ($1, substr($sql, 0, $-[1]));
		push @found, $name if $ours{$name} && $before !~ /\bAS\s+$/i;
	}
	return join ' ', @found;
}
is(unqualified(bare('SELECT zz.recommend(1), interact_view.id FROM interact_view -- recommend')),
	'interact_view', 'an unqualified name is found');
for my $oid (split /\n/, $node->safe_psql('postgres', qq{
	SELECT o.oid FROM pg_proc AS o $members JOIN pg_language AS l ON l.oid = o.prolang
	 WHERE l.lanname NOT IN ('c', 'internal') AND o.prosqlbody IS NULL ORDER BY o.proname}))
{
	my $body = $node->safe_psql('postgres', "SELECT prosrc FROM pg_proc WHERE oid = $oid");
	my $name = $node->safe_psql('postgres', "SELECT $oid\::regprocedure");

	is(unqualified(bare($body)), '', "$name: names of the extension are written with the schema");
	# What is put together from strings is not seen above.
	unlike($body, qr/\bEXECUTE\b(?!\s+FUNCTION).*\|\|/is, "$name: no statement is put together with ||");
}

# ---------- the text ----------

# Operators and functions outside of bodies that are not written with their
# schema, in a part of the script
sub bare_lookups
{
	my ($sql) = @_;
	my @found;

	# Bodies and default arguments (whose functions are given a schema below)
	$sql =~ s/\$(\w*)\$.*?\$\1\$/''/gs;
	$sql = bare($sql);
	$sql =~ s/OPERATOR\(pg_catalog\.[^)]+\)/,/g;
	# Not operators: options, settings, parts of CREATE AGGREGATE, all columns
	$sql =~ s/\bWITH\s*\([^)]*\)//gi;
	$sql =~ s/\bSET\s+\w+\s*=\s*[^;\n]*//gi;
	$sql =~ s/\b(SFUNC|STYPE|INITCOND|COMBINEFUNC|FINALFUNC|PARALLEL|SSPACE)\s*=//g;
	$sql =~ s/\(\s*\*\s*\)|\bSELECT\s+\*|\.\*//g;
	$sql =~ s/::|:=|=>//g;
	push @found, "operator $1" while $sql =~ m{(?<![\w'"])([-+*/<>=~!#%^&|]+)(?!\d)}g;

	my $keyword = qr/^(VALUES|CHECK|UNIQUE|KEY|IN|COALESCE|GREATEST|LEAST|NULLIF|USING|ON|AND|OR|NOT|AS|FILTER|OVER|
		INCLUDE|TABLE|INTO|WHERE|EXISTS|ANY|ARRAY|SELECT|CASE|WHEN|THEN|ELSE|FROM|JOIN|LATERAL|BETWEEN|IDENTITY|BY|DEFAULT|
		CAST|ROW|numeric|varchar|OF|REFERENCES|EXTRACT|ALL|SOME|INDEX|WITHIN|ROWS|GROUP|UNION|INTERVAL)$/xi;
	while ($sql =~ /(?<![\w.])(\w+)\s*\(/g)
	{
		my ($name, $before) = ($1, substr($sql, 0, $-[1]));
		next if $name =~ $keyword;
		# The name of an alias with its columns, of a kind of index
		next if $before =~ /\b(AS|CONSTRAINT|USING)\s+$/i || $before =~ /\@\.$/;
		push @found, "function $name";
	}
	return join ', ', @found;
}
is(bare_lookups('CREATE VIEW v AS SELECT lower(a), pg_catalog.max(b) FROM t WHERE a = 1 AND b OPERATOR(pg_catalog.<) 2;'),
	'operator =, function lower', 'an operator and a function that are looked up are found');
for my $part (sort glob("$FindBin::RealBin/../../src/sql/*.sql"))
{
	is(bare_lookups(slurp_file($part)), '', $part =~ s{.*/}{}r . ': operators and functions are written with their schema');
}

$node->stop;
done_testing();
