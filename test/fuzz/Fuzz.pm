# Random SQL for every public function and every base table of the extension,
# as the catalogs know them: a function that is added is called, a table that
# is added is written, without a word here.
#
# write_script() writes a script for psql with one statement per line (but for
# the lines of COPY), so that a message's line number finds its statement.  The
# same seed gives the same script.

package Fuzz;

use strict;
use warnings FATAL => 'all';

# Arguments:
#   query  sub that runs a query and returns its rows, columns joined by |
#   schema where the extension is
#   seed   number
sub new
{
	my ($class, %args) = @_;
	my $self = bless {%args}, $class;

	$self->read_catalogs;
	return $self;
}

# Fields of a row, with those that are empty at its end
sub fields
{
	return split /\|/, $_[0], -1;
}

# Learn what there is: functions and procedures with their arguments, tables
# with their columns, and the words that text arguments may mean something by.
sub read_catalogs
{
	my ($self) = @_;
	my $member = q{JOIN pg_depend AS d ON d.objid = o.oid AND d.deptype = 'e'
	  AND d.refclassid = 'pg_extension'::regclass
	  AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'interact')};
	my %words = map { $_ => 1 } qw(favorites wishlist admin fuzz_app postgres
	  user item 1 0 -1 0.5 1e30 nan inf);

	# Trigger functions are called by the statements on the tables; of
	# aggregates the transition functions are among the functions.
	for my $row ($self->{query}->(qq{
		SELECT o.oid, o.proname, o.prokind, o.proretset::integer, o.pronargdefaults,
		       (SELECT string_agg(format_type(t, NULL), ',' ORDER BY n)
		          FROM unnest(o.proargtypes) WITH ORDINALITY AS u (t, n)),
		       (SELECT string_agg(o.proargnames[n], ',' ORDER BY n)
		          FROM generate_series(1, o.pronargs) AS n)
		  FROM pg_proc AS o $member AND d.classid = 'pg_proc'::regclass
		 WHERE o.prokind IN ('f', 'p')
		   AND o.prorettype NOT IN ('trigger'::regtype, 'event_trigger'::regtype, 'internal'::regtype)
		   AND NOT 'internal'::regtype = ANY (o.proargtypes)
		 ORDER BY o.proname, o.oid::regprocedure::text}))
	{
		my ($oid, $name, $kind, $set, $defaults, $types, $names) = fields($row);
		push @{ $self->{functions} }, {
			name => $name, kind => $kind, set => $set, defaults => $defaults,
			types => [ split /,/, $types ], names => [ split /,/, $names ] };
		$words{$name} = 1;

		# Words of its description: options are among them.
		my ($comment) = $self->{query}->(
			"SELECT regexp_replace(obj_description($oid, 'pg_proc'), '[^a-z_0-9]+', ' ', 'g')");
		$words{$_} = 1 for split / /, $comment // '';
	}

	for my $row ($self->{query}->(qq{
		SELECT o.relnamespace::regnamespace || '.' || o.relname, o.oid = ANY (e.extconfig),
		       (SELECT string_agg(a.attname || ' ' || format_type(a.atttypid, NULL), ',' ORDER BY a.attnum)
		          FROM pg_attribute AS a
		         WHERE a.attrelid = o.oid AND a.attnum > 0 AND NOT a.attisdropped)
		  FROM pg_class AS o $member AND d.classid = 'pg_class'::regclass
		  JOIN pg_extension AS e ON e.oid = d.refobjid
		 WHERE o.relkind = 'r' ORDER BY o.relname}))
	{
		my ($table, $base, $columns) = fields($row);
		my $name = $table =~ s/.*\.//r;
		$words{$name} = 1;
		# The derived ones are not written by anybody.
		next if $base ne 't';
		push @{ $self->{tables} }, {
			name => $table,
			columns => [ map { [ split / /, $_, 2 ] } split /,/, $columns ] };
	}

	# Settings and event types matter most of all words.
	my @names;
	push @names, $self->{query}->("SELECT event FROM $self->{schema}.interact_event_type");
	push @names, $self->{query}->("SELECT name FROM $self->{schema}.interact_settings()");
	$words{$_} = 1 for @names;
	$self->{names} = [ sort @names ];
	$self->{words} = [ sort grep { length } keys %words ];
	$self->{custom} = [ $self->{query}->(
		"SELECT name FROM pg_settings WHERE name LIKE 'interact.%' ORDER BY 1") ];
	return;
}

# ---------- chance ----------

# True in one of n cases
sub one_in
{
	return rand($_[0]) < 1;
}

sub one_of
{
	return $_[ int(rand(@_)) ];
}

# A string as a literal on one line
sub literal
{
	my ($string) = @_;

	$string =~ s/(['\\])/$1$1/g;
	$string =~ s/\n/\\n/g;
	$string =~ s/\r/\\r/g;
	return "E'$string'";
}

# ---------- values ----------

# Text that tries to be taken for something else
my @hostile = (
	"'; DROP TABLE interact_view; --", '" OR 1=1 --', '$$; SELECT 1; $$',
	"a'b", 'a"b', 'a\\b', '%s%n%x', '%', '_', ' ', '', "tab\tnew\nline\r",
	'{}', '{"a"', '()', 'NULL', 'pg_catalog.pg_class', 'public', "\x01",
	'../../etc/passwd', "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "e\xcc\x81", "\xc2\xa0");

my @bigints = qw(0 1 2 3 7 -1 -2 32767 32768 2147483647 2147483648 -2147483648
  9223372036854775807 9223372036854775806 -9223372036854775808 -9223372036854775807
  9007199254740993);

my %values = (
	'bigint' => sub {
		return one_in(2) ? 1 + int(rand(200)) : one_in(2) ? -1 - int(rand(20)) : one_of(@bigints);
	},
	'integer' => sub {
		return one_of(0, 1, 2, 5, 10, 100, 999, 1000, 1001, -1, 32767, 32768,
			2147483647, -2147483648, int(rand(50)), int(rand(1500)));
	},
	'smallint' => sub { return one_of(0, 1, 2, 3, 4, 5, 6, 7, 30, 31, 32, -1, 32767, -32768); },
	'boolean' => sub { return one_of('true', 'false'); },
	'real' => sub {
		return literal(one_of(qw(0 1 -1 0.5 1.5 100 -100 100.001 1e-45 3.4e38 -3.4e38 NaN Infinity -Infinity -0)));
	},
	'double precision' => sub {
		return literal(one_of(qw(0 1 -1 0.5 1e-323 1.7e308 -1.7e308 NaN Infinity -Infinity -0 0.9999999999), rand()));
	},
	'numeric' => sub {
		return one_of(
			literal(one_of(qw(0 1 9.99 -0.01 1e-200 1e200 NaN Infinity -Infinity 0.000000000001 99999999999999999999))),
			sprintf('%.2f', rand(1000)), one_in(20) ? "repeat('9', 10000)::numeric" : '12.34');
	},
	'timestamp with time zone' => sub {
		return one_of(
			'now()', 'clock_timestamp()', "now() - interval '1 hour'", "now() + interval '23 hours'",
			"now() + interval '25 hours'", "now() - interval '" . int(rand(5000)) . " minutes'",
			"now() - interval '" . int(rand(3000)) . " days'",
			"'infinity'", "'-infinity'", "'epoch'", "'4713-01-01 BC'", "'294276-12-31'", "'1999-12-31 23:59:59.999999'");
	},
	'interval' => sub {
		return literal(one_of('1 day', '7 days', '1 hour', '30 minutes', '0', '-1 day', '1 microsecond',
				'36525 days', '36526 days', '100 years', '178000000 years', '-178000000 years',
				'1 month', '1 mon -30 days', '2147483647 days', '1 mon -1 day 00:00:01'));
	},
	'jsonb' => sub {
		return one_of(
			q('{}'), q('null'), q('[]'), q('"x"'), q('1e400'), q('{"a": {"b": [1, null, "\u00e4"]}}'),
			"(repeat('[', 900) || repeat(']', 900))",
			"jsonb_build_object('k', repeat('x', 10000))",
			'(SELECT jsonb_object_agg(i, i) FROM generate_series(1, 100) AS i)');
	},
	'uuid' => sub { return one_of('gen_random_uuid()', q('00000000-0000-0000-0000-000000000000')); },
	'date' => sub { return one_of('current_date', q('infinity'), q('epoch'), q('5874897-12-31')); },
	'oid' => sub { return one_of(0, 1, 1259, 4294967295); },
	'regclass' => sub {
		return literal(one_of('pg_class', 'fuzz_item', 'fuzz_note', 'fuzz_view', 'fuzz_seq', '0'));
	},
	'regprocedure' => sub {
		return literal(one_of('fuzz_keep(bigint)', 'fuzz_fail(bigint)', 'fuzz_write(bigint)',
				'now()', 'abs(bigint)', 'pg_sleep(double precision)', '0'));
	},
	'regtype' => sub { return literal(one_of('bigint', 'text', 'fuzz_item', '0')); },
	'name' => sub { return literal(one_of('x', 'id', 'fuzz_item', 'y' x 63)); },
	'regrole' => sub { return literal(one_of('fuzz_app', 'postgres', '0')); });

sub value_text
{
	my ($self) = @_;
	my $kind = int(rand(10));

	return literal(one_of(@{ $self->{names} })) if $kind < 5;
	return literal(one_of(@{ $self->{words} })) if $kind < 7;
	return literal(one_of(@hostile)) if $kind < 9;
	# Bytes that are no text in most encodings, and text of all lengths
	return one_of("E'\\xff\\xfe'", "E'a\\xc3'") if one_in(10);
	return one_of(
		"repeat('x', 63)", "repeat('x', 64)", "repeat('x', 255)", "repeat('x', 256)",
		"repeat('\xc3\xa4', 128)", "repeat('x', 1024)", "repeat('x', 1025)", "repeat('n', 10000)",
		one_in(50) ? "repeat('y', 100000000)" : "repeat('z', 100000)");
}

# A value of a type; dies of a type it has never heard of.
sub value
{
	my ($self, $type) = @_;

	return 'NULL' if one_in(25);

	if ($type =~ /^(.*)\[\]$/)
	{
		my $element = $1;
		return "'{}'" if one_in(15);
		return "'{{1,2},{3,4}}'::$element\[]" if one_in(40) && $element =~ /int|numeric/;
		return "('[5:6]={1,2}'::$element\[])" if one_in(40) && $element =~ /int|numeric/;
		return "array_fill(1::$element, ARRAY[$self->{huge}])" if one_in(500) && $element =~ /int/;
		return 'ARRAY[' . join(', ', map { $self->value($element) } 1 .. 1 + int(rand(one_in(20) ? 300 : 5)))
		  . "]::$element\[]";
	}
	return $self->value_text if $type eq 'text' || $type eq 'character varying';

	my $make = $values{$type} or die "no values of type $type are known, please add some";
	return $make->();
}

# ---------- statements ----------

# A call of a function, by position or by name, now and then without those of
# its arguments that have defaults
sub call
{
	my ($self, $f) = @_;
	my $n = @{ $f->{types} };
	my $given = one_in(2) ? $n : $n - int(rand($f->{defaults} + 1));
	my @arguments;
	my $named = @{ $f->{names} } == $n && one_in(3);

	for my $i (0 .. $given - 1)
	{
		my $type = $f->{types}[$i];
		push @arguments, ($named ? "$f->{names}[$i] => " : '') . '(' . $self->value($type) . ")::$type";
	}
	@arguments = reverse @arguments if $named && one_in(2);
	return "$self->{schema}.$f->{name}(" . join(', ', @arguments) . ')';
}

sub statement_call
{
	my ($self) = @_;
	my $f = one_of(@{ $self->{functions} });

	# Once in a while is enough for what takes as long as hundreds of others.
	$f = one_of(@{ $self->{functions} }) if $f->{name} eq 'interact_tune' && !one_in(5);

	my $call = $self->call($f);

	$self->{called}{ $f->{name} }++;
	return "CALL $call;" if $f->{kind} eq 'p';
	return "SELECT count(t::text) FROM $call AS t;" if one_in(2);
	return "DECLARE c CURSOR FOR SELECT * FROM $call\\; FETCH 2 FROM c\\; CLOSE c;" if one_in(10);
	return "SELECT $call FROM generate_series(1, 3);" if one_in(10);
	return "PREPARE p AS SELECT $call; EXECUTE p; EXECUTE p; DEALLOCATE p;" if one_in(10);
	return "SELECT $call;";
}

# A row for a table: names of some columns and values for them
sub row
{
	my ($self, $table) = @_;
	my (@names, @values);

	for my $column (@{ $table->{columns} })
	{
		my ($name, $type) = @$column;
		# Mostly valid rows: users and items are required, the rest has defaults.
		next if $name eq 'id' && !one_in(30);
		next if $name !~ /_id$|^(rating|reaction|event|kind|key|name|value|count)$/ && !one_in(3);
		push @names, $name;
		push @values, $self->column_value($name, $type);
	}
	return (\@names, \@values);
}

sub column_value
{
	my ($self, $name, $type) = @_;

	if (!one_in(10))
	{
		return 1 + int(rand(200)) if $type eq 'bigint' && $name =~ /_id$/;
		return 1 + int(rand(5)) if $name eq 'rating';
		return one_of(q('like'), q('dislike'), q('love')) if $name eq 'reaction';
		return one_of(q('share'), q('play')) if $name eq 'event';
		return int(rand(1000)) if $name eq 'count';
	}
	return '(' . $self->value($type) . ")::$type";
}

sub condition
{
	my ($self, $table) = @_;
	my $column = one_of(@{ $table->{columns} });
	my ($name, $type) = @$column;

	return "$name = " . $self->column_value($name, $type) if !one_in(4);
	return 'ctid = (SELECT ctid FROM ' . $table->{name} . ' LIMIT 1)';
}

sub statement_dml
{
	my ($self) = @_;
	my $table = one_of(@{ $self->{tables} });
	my ($names, $values) = $self->row($table);
	my $columns = join(', ', @$names);
	my $kind = int(rand(20));

	return "INSERT INTO $table->{name} DEFAULT VALUES;" if !@$names;
	if ($kind < 8)
	{
		my $rows = join(', ', map { '(' . join(', ', @{ $self->row_of($table, $names) }) . ')' }
			  1 .. 1 + int(rand(5)));
		return "INSERT INTO $table->{name} ($columns) VALUES $rows"
		  . one_of('', ' ON CONFLICT DO NOTHING', ' RETURNING *') . ';';
	}
	if ($kind < 12)
	{
		my $i = int(rand(@$names));
		return "UPDATE $table->{name} SET $names->[$i] = $values->[$i] WHERE " . $self->condition($table) . ';';
	}
	return "DELETE FROM $table->{name} WHERE " . $self->condition($table) . ';' if $kind < 16;
	return "MERGE INTO $table->{name} AS t USING (SELECT " . join(', ', map { "$values->[$_] AS $names->[$_]" } 0 .. $#$names)
	  . ") AS s ON t.$names->[0] = s.$names->[0] "
	  . one_of('WHEN MATCHED THEN DELETE ', "WHEN MATCHED THEN UPDATE SET $names->[-1] = s.$names->[-1] ", '')
	  . "WHEN NOT MATCHED THEN INSERT ($columns) VALUES (" . join(', ', map { "s.$_" } @$names) . ');'
	  if $kind < 18;
	return "TRUNCATE $table->{name};" if one_in(100);
	return "COPY $table->{name} (user_id, item_id) FROM STDIN;\n"
	  . join('', map { one_of(1 .. 50, '\\N', 'x') . "\t" . one_of(1 .. 50, -1) . "\n" } 1 .. 1 + int(rand(3))) . '\\.'
	  if $table->{name} =~ /view|favorite|purchase|cart/;
	return "WITH gone AS (DELETE FROM $table->{name} WHERE " . $self->condition($table)
	  . " RETURNING *) INSERT INTO $table->{name} SELECT * FROM gone;";
}

# Values for these columns
sub row_of
{
	my ($self, $table, $names) = @_;
	my %type = map { @$_ } @{ $table->{columns} };

	return [ map { $self->column_value($_, $type{$_}) } @$names ];
}

# What changes how the rest runs.  A transaction is open or not: the psql
# script says BEGIN, ends it and goes on whatever failed.
sub statement_around
{
	my ($self) = @_;
	my $kind = int(rand(12));

	return one_of('BEGIN', 'BEGIN ISOLATION LEVEL REPEATABLE READ',
		'BEGIN ISOLATION LEVEL SERIALIZABLE', 'BEGIN READ ONLY') . ';' if $kind < 3;
	return one_of('COMMIT', 'ROLLBACK', 'COMMIT') . ';' if $kind < 6;
	return 'SAVEPOINT s;' if $kind < 8;
	return one_of('ROLLBACK TO s', 'RELEASE s') . ';' if $kind < 10;
	return "SET statement_timeout = " . one_of(1, 2, 5, 0, 0) . ';' if $kind < 11;
	return one_of(
		('\\set ON_ERROR_ROLLBACK on') x 5, '\\set ON_ERROR_ROLLBACK off',
		'SET ROLE fuzz_app;', 'RESET ROLE;', 'RESET ROLE;', "SET work_mem = '64kB';", 'RESET work_mem;',
		'SET search_path = pg_temp;', 'RESET search_path;', 'SET jit_above_cost = 0;', 'RESET jit_above_cost;',
		'SET enable_indexscan = off;', 'RESET enable_indexscan;', 'SET plan_cache_mode = force_generic_plan;',
		'RESET ALL;', 'DISCARD PLANS;',
		map { ("SET $_ = " . one_of(q(''), q('42'), q('x'), q('9223372036854775808'), q('-1')) . ';', "RESET $_;") }
		  @{ $self->{custom} });
}

# Write a script of n calls, and of other statements between them, to a file.
# What it prints on standard output are two numbers of bytes: the memory of the
# session when it has done everything a few times, and at the end.
sub write_script
{
	my ($self, $file, $n) = @_;
	my $memory = "ROLLBACK;\nRESET ALL;\nRESET ROLE;\n\\o\n"
	  . "SELECT sum(total_bytes) FROM pg_backend_memory_contexts;\n\\o /dev/null\n";
	my $calls = 0;
	my $warm = 0;

	srand($self->{seed});
	open(my $script, '>', $file) or die "could not write $file: $!";
	print $script "\\o /dev/null\n\\set ON_ERROR_ROLLBACK on\n";
	while ($calls < $n)
	{
		my $kind = int(rand(10));
		if ($kind < 6)
		{
			print $script $self->statement_call . "\n";
			$calls++;
		}
		else
		{
			print $script ($kind < 8 ? $self->statement_dml : $self->statement_around) . "\n";
		}
		print $script $memory if $calls > 0.4 * $n && !$warm++;
	}
	print $script $memory;
	close($script) or die "could not write $file: $!";
	return;
}

1;
