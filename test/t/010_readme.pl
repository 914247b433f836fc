# README.md: every SQL snippet runs, in order and in one database, and prints
# what the README shows; the reference says what the catalogs say.
#
# A block of SQL is checked against the block without a language, or of
# language text, that follows it with nothing but blank lines between.

use strict;
use warnings FATAL => 'all';

use FindBin;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# The README may lie elsewhere, where the tests are run from a copy.
my $readme = $ENV{README} // "$FindBin::RealBin/../../README.md";

open(my $file, '<', $readme) or die "could not open $readme: $!";
my @lines = <$file>;
close($file);

# The blocks of SQL: line number, text, and expected output if there is one;
# and what is not in any block.
my @snippets;
my $prose = '';
my $block;       # the one that is open
my $before;      # the snippet that an output may follow
for my $i (0 .. $#lines)
{
	my $line = $lines[$i];

	if ($block)
	{
		if ($line =~ /^```\s*$/)
		{
			if ($block->{language} eq 'sql')
			{
				push @snippets, $block;
				$before = $block;
			}
			elsif ($block->{language} =~ /^(text)?$/ && $before)
			{
				$before->{output} = $block->{text};
				undef $before;
			}
			undef $block;
		}
		else
		{
			$block->{text} .= $line;
		}
	}
	elsif ($line =~ /^```(\w*)/)
	{
		$block = { line => $i + 1, language => $1, text => '' };
		undef $before if $1 !~ /^(text)?$/;
	}
	else
	{
		$prose .= $line;
		undef $before if $line =~ /\S/;
	}
}
is($block, undef, 'the last block is closed');
cmp_ok(scalar @snippets, '>', 20, 'there are snippets');

# Editors take blanks off the ends of lines; psql puts an empty line after
# each result.
sub tidy
{
	my ($text) = @_;

	$text =~ s/[ \t\r]+$//mg;
	$text =~ s/\n+\z/\n/;
	return $text;
}

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE readme');

# Each in a session of its own: nothing depends on what a session knows.
for my $snippet (@snippets)
{
	my $name = "README.md line $snippet->{line}";
	my ($stdout, $stderr) = ('', '');

	my $ok = IPC::Run::run(
		[
			'psql', '--no-psqlrc', '--quiet', '--set=ON_ERROR_STOP=1',
			'--dbname', $node->connstr('readme'), '--file=-'
		],
		'<', \$snippet->{text}, '>', \$stdout, '2>', \$stderr);

	ok($ok, "$name: runs") or diag($snippet->{text} . $stderr);
	is(tidy($stdout), tidy($snippet->{output}), "$name: prints what is shown")
	  if defined $snippet->{output};
}

is($node->safe_psql('readme', 'SELECT * FROM interact_check()'),
	'', 'after all this the counters are right');

# Words of a text, with one blank between
sub squeeze
{
	my ($text) = @_;

	$text =~ s/\s+/ /g;
	$text =~ s/^ | $//g;
	return $text;
}

# Public functions and procedures, with names, types, defaults and result.  Those
# of triggers and aggregates, and those that check arguments, are not called by
# anybody.
my %shown = map { squeeze($_) => 1 } $prose =~ /`((?:interact_|recommend)\w*\([^`]*\)[^`]*)`/g;
my $functions = $node->safe_psql('readme', q{
SELECT p.proname || '(' ||
       COALESCE(string_agg(CASE a.mode WHEN 'b' THEN 'INOUT ' ELSE '' END || a.name || ' ' || a.type ||
           COALESCE(' DEFAULT ' || regexp_replace(
               pg_get_function_arg_default(p.oid, a.n::integer), '::.*', ''), ''), ', ' ORDER BY a.n)
           FILTER (WHERE a.mode IN ('i', 'b')), '') || ')' ||
       CASE p.prokind WHEN 'p' THEN '' ELSE ' returns ' ||
       COALESCE('TABLE (' || string_agg(a.name || ' ' || a.type, ', ' ORDER BY a.n)
           FILTER (WHERE a.mode IN ('o', 't')) || ')',
           replace(p.prorettype::regtype::text, 'timestamp with time zone', 'timestamptz')) END
  FROM pg_proc AS p
  JOIN pg_depend AS d ON d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e'
  JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
  LEFT JOIN LATERAL (
       SELECT n, p.proargnames[n] AS name, COALESCE(p.proargmodes[n], 'i') AS mode,
              replace(format_type(t, NULL), 'timestamp with time zone', 'timestamptz') AS type
         FROM unnest(COALESCE(p.proallargtypes, p.proargtypes::oid[])) WITH ORDINALITY AS u (t, n)) AS a ON true
 WHERE e.extname = 'interact' AND p.prokind IN ('f', 'p') AND p.prorettype <> 'trigger'::regtype
   AND p.proname NOT LIKE ALL ('{interact_hot_%,interact_arg_%}')
 GROUP BY p.oid ORDER BY 1});
for my $function (split /\n/, $functions)
{
	ok($shown{$function}, "the reference has $function");
}
my %exists = map { /^(\w+)/; $1 => 1 } split /\n/, $functions;
is(join(' ', grep { !$exists{$_} && !/^interact_(hot|log2|arg)_/ }
		  map { /^(\w+)/ ? $1 : () } sort keys %shown),
	'', 'no function is described that does not exist');

# Tables and views: a heading, and below it the columns in a table.
my %columns;
my $heading = '';
for my $line (@lines)
{
	$heading = $line =~ /^#+ `(interact_\w+)`/ ? $1 : '' if $line =~ /^#/;
	push @{ $columns{$heading} }, "$1 $2"
	  if $heading && $line =~ /^\| `(\w+)` \| ([^|]+?) \|/;
}
my $relations = $node->safe_psql('readme', q{
SELECT c.relname, string_agg(a.attname || ' ' ||
       replace(format_type(a.atttypid, a.atttypmod), 'timestamp with time zone', 'timestamptz'),
       ', ' ORDER BY a.attnum)
  FROM pg_class AS c
  JOIN pg_depend AS d ON d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'
  JOIN pg_extension AS e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
 WHERE e.extname = 'interact' AND c.relkind IN ('r', 'v') AND c.relname NOT LIKE 'interact_audit_%'
 GROUP BY c.oid ORDER BY 1});
for my $relation (split /\n/, $relations)
{
	my ($name, $expected) = split /\|/, $relation;

	is(join(', ', @{ $columns{$name} // [] }), $expected, "the reference has the columns of $name");
}

# Settings and event types: rows of tables.
for my $row (split /\n/, $node->safe_psql('readme', q{
	SELECT format('| `%s` | %s | %s | %s | %s |', name, default_value, min_value, max_value, description)
	  FROM interact_settings()}))
{
	ok((grep { squeeze($_) eq $row } @lines), "the reference has $row");
}
# Weights as shipped: other databases are not the README's.
$node->safe_psql('postgres', 'CREATE EXTENSION interact');
for my $row (split /\n/, $node->safe_psql('postgres', q{
	SELECT format('| %s | `%s` | %s | %s |', id, event, kind, weight) FROM interact_event_type}))
{
	ok((grep { index(squeeze($_), $row) == 0 } @lines), "the reference has event type $row");
}

$node->stop;
done_testing();
