# Hostile users: text that tries to be SQL, objects in the way of the search
# path, and roles that try to get at what they have not been given.

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

my $members = q{
  JOIN pg_depend AS d ON d.objid = o.oid AND d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
  JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'interact'};

# ---------- objects in the way ----------

# Before the extension comes, somebody who may create objects in its schema and
# in others leaves operators there that fit better than PostgreSQL's own, and
# functions and casts with names and types that are likely to be asked for.
# Each says who called it, with whose rights.
$node->safe_psql('postgres', 'CREATE DATABASE trojan');
$node->safe_psql('trojan', q{
	CREATE ROLE mallory;
	CREATE SCHEMA interactions;
	CREATE SCHEMA hostile;
	GRANT ALL ON SCHEMA interactions, hostile, public TO mallory;
	CREATE TABLE public.caught (who text, what text, query text DEFAULT current_query());
	GRANT ALL ON public.caught TO mallory;
	SET ROLE mallory;
	DO $do$
	DECLARE
		s text; l text; r text; op text; f text; n integer := 0;
		types text[] := '{smallint,integer,bigint,real,double precision,numeric,text,boolean,timestamptz,interval}';
	BEGIN
		FOREACH s IN ARRAY '{interactions,hostile}'::text[] LOOP
			FOREACH l IN ARRAY types LOOP
				FOREACH r IN ARRAY types LOOP
					n := n + 1;
					EXECUTE format('CREATE FUNCTION %1$I.trap%2$s(%3$s, %4$s) RETURNS boolean LANGUAGE plpgsql AS %5$L',
						s, n, l, r, format('BEGIN INSERT INTO public.caught (who, what) VALUES (current_user, %L); RETURN true; END',
							format('operator of %s and %s', l, r)));
					FOREACH op IN ARRAY '{=,<>,<,>,<=,>=,+,-,*,/,%,&,|,<<,>>,||,~}'::text[] LOOP
						EXECUTE format('CREATE OPERATOR %I.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = %I.trap%s)',
							s, op, l, r, s, n);
					END LOOP;
				END LOOP;
				FOREACH f IN ARRAY '{sum,count,max,min,abs,floor,ln,log,round,power,coalesce,greatest,isfinite,octet_length,unnest,format,now,clock_timestamp,date_trunc,extract,exp,sqrt,length,lower,interact_arg_id,interact_arg_user,interact_check,recommend}'::text[] LOOP
					EXECUTE format('CREATE FUNCTION %I.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L', s,
						CASE WHEN s = 'interactions' AND f ~ '^(interact|recommend)' THEN f || '_' ELSE f END, l, l,
						format('BEGIN INSERT INTO public.caught (who, what) VALUES (current_user, %L); RETURN $1; END', format('function %s(%s)', f, l)));
				END LOOP;
			END LOOP;
		END LOOP;
	END $do$;
	RESET ROLE;
	CREATE EXTENSION interact SCHEMA interactions;
	CREATE ROLE victim LOGIN;
	SELECT interactions.interact_grant('victim', c) FROM unnest('{read,write,admin}'::text[]) AS c;
	GRANT USAGE ON SCHEMA hostile TO victim;
	ALTER TABLE public.caught OWNER TO mallory;
	GRANT INSERT ON public.caught TO PUBLIC;
});

# Everything is called with the hostile schema in front: of the extension's own
# statements none may see it.  (Those of this test name what they use.)
my @calls = calls($node, 'trojan');
cmp_ok(scalar(@calls), '>', 40, 'there are calls');
my $as_victim = q{SET search_path = hostile, interactions, public, pg_catalog;};
$node->safe_psql('trojan', $as_victim . q{
	INSERT INTO interactions.interact_view (user_id, item_id) VALUES (1, 2), (1, 3), (2, 2), (5, 3), (5, 1);
	INSERT INTO interactions.interact_review (user_id, item_id, rating) VALUES (1, 2, 5), (2, 2, 1);
	INSERT INTO interactions.interact_purchase (user_id, item_id, quantity, unit_price) VALUES (1, 2, 5, 2), (2, 3, 1, 9);
	INSERT INTO interactions.interact_cart_item (user_id, item_id) VALUES (1, 2);
	UPDATE interactions.interact_view SET item_id = 4;
	DELETE FROM interactions.interact_review;
	TRUNCATE interactions.interact_cart_item;
});
for my $user ('postgres', 'victim')
{
	$node->psql('trojan', "SET ROLE $user; $as_victim SELECT $_->{call}") for grep { $_->{query} !~ /^CALL/ } @calls;
	$node->psql('trojan', "SET ROLE $user; $as_victim $_->{query}") for grep { $_->{query} =~ /^CALL/ } @calls;
	for my $view (split /\n/, $node->safe_psql('trojan', extension_relations('v')))
	{
		$node->psql('trojan', "SET ROLE $user; $as_victim TABLE interactions.$view");
	}
}
is($node->safe_psql('trojan', 'SELECT DISTINCT who, what, query FROM caught'), '', 'nothing hostile was called');
is($node->safe_psql('trojan', 'SELECT * FROM interactions.interact_check()'), '', 'trojan: counters agree with the rows');

# That the traps work: this one is asked for.
$node->safe_psql('trojan', 'SET ROLE victim; SET search_path = hostile; SELECT 1::smallint = 1::numeric');
is($node->safe_psql('trojan', "SELECT DISTINCT who, what FROM caught WHERE what ~ 'smallint and numeric'"),
	'victim|operator of smallint and numeric', 'a trap springs');

# ---------- text that tries to be SQL ----------

$node->safe_psql('postgres', 'CREATE EXTENSION interact');
$node->safe_psql('postgres', fill());
$node->safe_psql('postgres', q{
	CREATE FUNCTION public.evil(bigint) RETURNS boolean LANGUAGE sql AS 'SELECT true'});
my $catalogs = q{
	SELECT (SELECT count(*) FROM pg_class WHERE relname !~ '^pg_toast'), (SELECT count(*) FROM pg_proc),
	       (SELECT string_agg(rolname || rolsuper, ',' ORDER BY oid) FROM pg_roles WHERE rolname !~ '^pg_'),
	       (SELECT md5(string_agg(relacl::text, ',' ORDER BY oid)) FROM pg_class)};
my $before = $node->safe_psql('postgres', $catalogs);
my $pairs = $node->safe_psql('postgres', 'SELECT count(*) FROM interact_affinity');

my @payloads = map { s/'/''/gr } (
	q{'; CREATE TABLE pwned (); --}, q{"; CREATE TABLE pwned (); --}, q{x'); CREATE TABLE pwned (); --},
	q{postgres; ALTER ROLE postgres NOLOGIN}, q{$$; CREATE TABLE pwned (); $$}, q{\'; CREATE TABLE pwned (); --},
	q{' || (SELECT 1/0) || '}, q{view' OR 'a' = 'a}, q{1; DROP TABLE interact_view}, q{pg_sleep(1)}, q{%s %I %L %n},
	q{interact_view; DROP EXTENSION interact}, q{evil(bigint); CREATE TABLE pwned ()}, q{"evil"(bigint) OR true});
my $tried = 0;
for my $row (split /\n/, $node->safe_psql('postgres', qq{
	SELECT o.oid::regproc, n, o.proargnames[n], o.pronargs - o.pronargdefaults, format_type(o.proargtypes[n - 1], NULL), o.prokind
	  FROM pg_proc AS o $members, generate_series(1, o.pronargs) AS n
	 WHERE o.prokind IN ('f', 'p')
	   AND o.proargtypes[n - 1] IN ('text'::regtype, 'text[]'::regtype, 'regprocedure'::regtype, 'regclass'::regtype,
	                                'name'::regtype, 'regproc'::regtype, 'jsonb'::regtype)
	 ORDER BY 1, 2}))
{
	my ($function, $n, $name, $required, $type, $kind) = split /\|/, $row;
	my ($sample) = grep { $_->{name} eq $function =~ s/.*\.//r } calls_of_postgres();
	next unless $sample;
	my ($given) = $sample->{call} =~ /\((.*)\)$/;
	my @given = split /, /, $given;
	my $verb = $kind eq 'p' ? 'CALL' : 'SELECT';
	my $script = '';

	for my $payload (@payloads)
	{
		my $value = $type eq 'text[]' ? "ARRAY['$payload']" : "'$payload'";
		my @arguments = @given;
		if ($n <= $required)
		{
			$arguments[ $n - 1 ] = $value;
		}
		else
		{
			push @arguments, "$name => $value";
		}
		$script .= "$verb $function(" . join(', ', @arguments) . ");\n";
		$tried++;
	}
	# Privileges and deletions that a call asks for in earnest are not meant.
	my ($failed, $stdout, $stderr) = $node->psql('postgres', "BEGIN;\n" . join('',
			map { "SAVEPOINT s;\n$_\nROLLBACK TO s;\n" } split /\n/, $script) . 'COMMIT', on_error_stop => 0);
	# (PostgreSQL itself parses what shall be the name of a function.)
	$stderr =~ s/syntax error//g if $type eq 'regprocedure';
	unlike($stderr, qr/syntax error|division by zero|XX000|pwned" already/, "$function($name) takes text as text")
	  or diag($stderr);
}
cmp_ok($tried, '>', 100, "tried $tried calls");
is($node->safe_psql('postgres', $catalogs), $before, 'nothing was created, dropped or granted');
is($node->safe_psql('postgres', 'SELECT count(*) FROM interact_affinity'), $pairs, 'no row has come or gone');
is($node->safe_psql('postgres', 'SELECT * FROM interact_check()'), '', 'counters agree with the rows');

# Text is kept as it is, too.
is( $node->safe_psql('postgres', q{
		BEGIN;
		SELECT interact_add_favorite(900, 1, $$'; DROP TABLE interact_view; --$$);
		SELECT list FROM interact_favorite WHERE user_id = 900;
		ROLLBACK}),
	"t\n'; DROP TABLE interact_view; --", 'text is kept as it is');

# Roles whose names try to be SQL
is( $node->safe_psql('postgres', q{
		CREATE ROLE "x; ALTER ROLE ""y"" SUPERUSER; --";
		SELECT interact_grant('x; ALTER ROLE "y" SUPERUSER; --', 'read');
		SELECT bool_and(has_function_privilege('x; ALTER ROLE "y" SUPERUSER; --', oid, 'EXECUTE'))
		  FROM pg_proc WHERE proname = 'recommend'}),
	"\nt", 'a role with a hostile name is a role');

# ---------- more than was given ----------

$node->safe_psql('postgres', q{
	CREATE ROLE app LOGIN;
	CREATE ROLE nobody_much LOGIN;
	GRANT CREATE, USAGE ON SCHEMA public TO app, nobody_much;
	SELECT interact_grant('app', 'read'), interact_grant('app', 'write')});

# Nothing runs with other rights than the caller's, but for views and for a
# trigger function, which nobody can put on a table of their own.
is($node->safe_psql('postgres', "SELECT o.oid::regprocedure FROM pg_proc AS o $members WHERE o.prosecdef"),
	'interact_forget_deleted()', 'no other function is SECURITY DEFINER');
is( $node->safe_psql('postgres', qq{
		SELECT o.oid::regprocedure, r.rolname FROM pg_proc AS o $members, unnest('{app,nobody_much}'::text[]) AS r (rolname)
		 WHERE o.prosecdef AND has_function_privilege(r.rolname, o.oid, 'EXECUTE')}),
	'', 'and no application may execute it');
is($node->safe_psql('postgres', qq{
		SELECT o.oid::regclass, r.rolname, p FROM pg_class AS o $members,
		       unnest('{app,nobody_much}'::text[]) AS r (rolname), unnest('{TRIGGER,TRUNCATE,REFERENCES}'::text[]) AS p
		 WHERE o.relkind IN ('r', 'v') AND has_table_privilege(r.rolname, o.oid, p)}),
	'', 'no capability lets a role put triggers on tables, empty them or refer to them');
is($node->safe_psql('postgres', qq{
		SELECT o.oid::regclass, r.rolname FROM pg_class AS o $members, unnest('{app,nobody_much}'::text[]) AS r (rolname)
		 WHERE o.relkind = 'r' AND NOT o.oid = ANY (e.extconfig)
		   AND has_any_column_privilege(r.rolname, o.oid, 'SELECT, INSERT, UPDATE')}),
	'', 'nor lets an application read or write derived tables');

# Each of these is refused.
for my $try (
	'CREATE OR REPLACE FUNCTION public.interact_record_view(bigint, bigint, timestamptz, jsonb, interval) RETURNS boolean LANGUAGE sql AS $$SELECT true$$',
	'CREATE OR REPLACE VIEW public.interact_item_stats AS SELECT 1::bigint AS item_id',
	'CREATE TRIGGER mine BEFORE INSERT ON interact_view FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()',
	'CREATE RULE mine AS ON INSERT TO interact_view DO INSTEAD NOTHING',
	'CREATE POLICY mine ON interact_view USING (true)',
	'ALTER TABLE interact_view DISABLE TRIGGER ALL',
	'ALTER TABLE interact_view ADD COLUMN mine integer DEFAULT 1',
	'CREATE INDEX ON interact_view ((1 / id))',
	'SET session_replication_role = replica',
	'TRUNCATE interact_view',
	'INSERT INTO interact_counter (item_id, id, event, count) VALUES (1, 1, 0, 1000000)',
	'UPDATE interact_affinity SET rating = 5',
	"INSERT INTO interact_pruned (item_id, event, count) VALUES (1, 'view', 1000000)",
	"INSERT INTO interact_event_type (id, event) VALUES (20, 'mine')",
	"SELECT interact_define_event('mine')", "SELECT interact_set('window_rows', '1')", 'SELECT interact_rebuild()',
	"SELECT interact_grant('app', 'admin')", "SELECT interact_grant('nobody_much', 'read')",
	"SELECT interact_revoke('app', 'write')",
	'DROP EXTENSION interact', 'ALTER EXTENSION interact ADD TABLE pg_class', 'ALTER EXTENSION interact SET SCHEMA pg_temp',
	'DROP TABLE interact_view', "SELECT pg_extension_config_dump('interact_view', '')",
	'ALTER FUNCTION interact_check() SECURITY DEFINER',
	"COPY interact_view TO '/tmp/interact_view'",
	'SELECT interact_derive()')
{
	my ($failed, $stdout, $stderr) = $node->psql('postgres', "SET ROLE app; $try");
	isnt($failed, 0, "app: $try is refused");
	like($stderr, qr/permission denied|must be owner|must be superuser|can only be called|must be called as a trigger|Only the owner/i, "app: and says why")
	  or diag($stderr);
}

# A trigger function of ours on a table of the application's own does nothing
# to the extension's.
my ($failed, $stdout, $stderr) = $node->psql('postgres', q{
	SET ROLE app;
	CREATE TABLE public.mine (user_id bigint, item_id bigint, viewed_at timestamptz);
	CREATE TRIGGER t AFTER INSERT ON public.mine REFERENCING NEW TABLE AS added
	    FOR EACH STATEMENT EXECUTE FUNCTION interact_derive();
	INSERT INTO public.mine VALUES (1, 1, now())});
isnt($failed, 0, 'a trigger of ours on another table fails');
like($stderr, qr/permission denied for function interact_derive/, 'and says why');
is($node->safe_psql('postgres', 'SELECT * FROM interact_check()'), '', 'after all that counters agree with the rows');

# Views that read with the rights of their owner do not run a reader's function
# on rows that the reader may not see: all that they read is theirs to see.
is($node->safe_psql('postgres', qq{
		SELECT o.oid::regclass FROM pg_class AS o $members
		 WHERE o.relkind = 'v' AND has_table_privilege('app', o.oid, 'SELECT')
		   AND right(o.relname, 6) <> '_stats' AND o.relname <> 'interact_fact'}),
	'', 'an application reads no view but these');

$node->stop;
done_testing();

# The calls of the database postgres, found once
my @found;
sub calls_of_postgres
{
	@found = calls($node, 'postgres') unless @found;
	return @found;
}
