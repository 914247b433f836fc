#!/usr/bin/env bash
# make bench-recommend: what recommending costs, as ratios to other ways to
# recommend that are measured in turn with it on the same generated data, on a
# throwaway server of its own.
#
# recommend() is compared with the same walk in one SQL statement and with the
# naive join (recommend/functions.sql), with the npm package ger on the same
# events in the same database (recommend/ger.js), and with the same walk over
# arrays in memory, a program in C that shows what is left to gain
# (recommend/memory.c).  The data, about 50 pairs per user and 200 per item
# whatever the size, are described in recommend/generate.sql.  Users ask as
# often as they have rows.
#
# Each figure is the median of several rounds; in each round everything that is
# compared runs one after the other, for the same users in the same order.
# Times are of one session on the server, without client, if not said otherwise.
#
#   warm    everything was read before
#   cold    the server was restarted, and the operating system was told to
#           forget the files of the database (posix_fadvise, not its own caches
#           of directories nor those of a disk below a virtual machine); each
#           user asks once, the first after the restart pays for most
#
#   PAIRS     pairs of users and items, in databases of their own ("1m 10m");
#             50m takes an hour and a half and 40 GB of disk
#   ROUNDS    rounds of each measurement (3)
#   CALLS     users who ask in a round (1000)
#   SLOW      users who ask the naive join (5); twice as many ask ger
#   PATIENCE  seconds until a call of these is stopped, and counts as such (120)
#   DURATION  seconds of each pgbench run (5)
#   GER=no    leaves ger out, which is installed from the npm registry
#   COUNTED   calls of which valgrind counts the instructions (20; 0: none)
#   JSON      file for the figures (test/bench/results/recommend.json)
#   QUICK=1   100,000 pairs, fewer calls, no ger: a look in less than a minute
#
# The exit status says whether it ran, not whether the targets were met.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=test/setup.sh
source "$here/../setup.sh"
# shellcheck source=test/bench/report.sh
source "$here/report.sh"

if [ -n "${QUICK:-}" ]; then
	: "${PAIRS:=100k}" "${ROUNDS:=1}" "${CALLS:=100}" "${SLOW:=2}" "${DURATION:=1}"
	: "${GER:=no}" "${COUNTED:=5}"
fi
PAIRS=${PAIRS:-1m 10m}
ROUNDS=${ROUNDS:-3}
CALLS=${CALLS:-1000}
SLOW=${SLOW:-5}
PATIENCE=${PATIENCE:-120}
DURATION=${DURATION:-5}
GER=${GER:-yes}
COUNTED=${COUNTED:-20}
JSON=${JSON:-$here/results/recommend.json}
[[ $JSON == /* ]] || JSON=$PWD/$JSON

# Calls in a round of what takes tens of milliseconds
SOME=$((CALLS < 100 ? CALLS : 100))
# Users who ask ger
GER_CALLS=$((2 * SLOW))
# Other functions that are timed, in the order they are shown
OTHERS="recommend_for_items interact_similar_items interact_bought_together
	interact_rank interact_trending interact_popular"

read -ra sizes <<<"$PAIRS"

# ---------- preparing ----------

# A number from one such as 10m
number()
{
	case $1 in
		*k) echo $((${1%k} * 1000)) ;;
		*m) echo $((${1%m} * 1000000)) ;;
		*) echo "$1" ;;
	esac
}

# Use the database of a size.
use()
{
	export PGDATABASE=pairs_$1
}

# Generate the data of a size.
prepare()
{
	local size=$1

	say "$size pairs: generating"
	psql --dbname=postgres -c "CREATE DATABASE pairs_$size"
	use "$size"
	psql -c "CREATE EXTENSION interact"
	psql -v pairs="$(number "$size")" -f "$here/recommend/generate.sql"
	# So that the indexes alone can be read; autovacuum would do it in a minute.
	psql -c "VACUUM (ANALYZE)" -c "CHECKPOINT"
	psql -v calls="$CALLS" -f "$here/recommend/functions.sql"
	psql -c "\\pset footer off" -c "
		SELECT count(*) AS pairs, count(DISTINCT user_id) AS users, count(DISTINCT item_id) AS items,
		       pg_size_pretty(pg_relation_size('interact_affinity_user')
		                      + pg_relation_size('interact_affinity_item')) AS \"indexes walked\"
		  FROM interact_affinity"

	# What the walk in memory reads
	psql -c "COPY (SELECT user_id, item_id, (extract(epoch FROM last_at) * 1000000)::bigint,
	                      CASE WHEN signals & 8 <> 0 THEN 1.5 ELSE 1 END
	                 FROM interact_affinity) TO '$work/data/pairs.$size'" \
		-c "COPY (SELECT user_id FROM asking ORDER BY n) TO '$work/data/calls.$size'"
}

# ---------- measuring ----------

# Statements before calls are timed.  Plans of the statements compared are made
# once and kept, as a driver would; compiling them would cost more than it gains.
BEFORE="SET jit = off; SET plan_cache_mode = force_generic_plan"

# Time calls for users 1 to $3; the series $2.$1 gets the median, in
# milliseconds, those of .p95 and .p99 these percentiles.  $1: size, $2: what,
# see time_calls() of recommend/functions.sql.
time_calls()
{
	local size=$1 what=$2 calls=$3 p50 p95 p99

	use "$size"
	# The first time a session reads catalogs, makes plans, and maps shared
	# memory that it has not touched yet.
	psql -c "$BEFORE" \
		-c "SELECT time_calls('$what', 1, $calls)" \
		-c "DELETE FROM timing WHERE what = '$what'" \
		-c "SELECT time_calls('$what', 1, $calls)" >/dev/null
	read -r p50 p95 p99 < <(percentiles "$what")
	note "$what.$size" "$p50"
	note "$what.$size.p95" "$p95"
	note "$what.$size.p99" "$p99"
	printf '%s ' "$what.$size $p50"
}

# Median, 95th and 99th percentile of the calls timed last, in milliseconds.
# $1: what.
percentiles()
{
	psql --no-align --tuples-only --field-separator=' ' -c "
		SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms)::numeric, 4),
		       round(percentile_cont(0.95) WITHIN GROUP (ORDER BY ms)::numeric, 4),
		       round(percentile_cont(0.99) WITHIN GROUP (ORDER BY ms)::numeric, 4)
		  FROM timing WHERE what = '$1'"
}

# The same for recommend() with half the budgets.  $1: size, $2: calls.
time_half()
{
	use "$1"
	psql -c "SELECT interact_set('hop1_budget', '2000'), interact_set('hop2_budget', '5000')" >/dev/null
	time_calls "$1" "recommend half" "$2"
	psql -c "SELECT interact_set('hop1_budget'), interact_set('hop2_budget')" >/dev/null
}

# The same for the walk in memory; its answers go to the table timing.  $1: size.
time_memory()
{
	local size=$1 now p50

	use "$size"
	now=$(value "SELECT (extract(epoch FROM now()) * 1000000)::bigint")
	"$work/memory" "$work/data/pairs.$size" "$work/data/calls.$size" "$now" >"$work/memory.$size"
	psql -c "DELETE FROM timing WHERE what = 'memory'" \
		-c "CREATE TEMP TABLE walked (n bigint GENERATED ALWAYS AS IDENTITY, user_id bigint,
		                              us double precision, items bigint[])" \
		-c "COPY walked (user_id, us, items) FROM STDIN" \
		-c "INSERT INTO timing SELECT 'memory', n, us / 1000, items FROM walked" \
		<"$work/memory.$size"
	read -r p50 _ < <(percentiles memory)
	note "memory.$size" "$p50"
	printf '%s ' "memory.$size $p50"
}

# Median of the numbers of items that two answers to a user have in common, as a
# share.  $1: what, $2: compared with what.
common()
{
	value "
		SELECT avg((SELECT count(*) FROM unnest(a.items) AS i WHERE i = ANY (b.items))::numeric
		           / greatest(cardinality(b.items), 1))
		  FROM timing AS a JOIN timing AS b ON b.n = a.n
		 WHERE a.what = '$1' AND b.what = '$2'"
}

# recommend() with all budgets and with half of them, sizes in turn.
bench_warm()
{
	local round size turns=() before after first=

	say "$CALLS calls of recommend() (milliseconds)"
	for size in "${sizes[@]}"; do
		turns+=("time_calls $size recommend $CALLS" "time_half $size $CALLS")
		# Once for nothing: everything is read.
		use "$size"
		psql -c "SELECT time_calls('recommend', 1, $CALLS)" >/dev/null
		before=$(entries)
		psql -c "SELECT time_calls('recommend', 1, $CALLS)" >/dev/null
		after=$(entries)
		note "entries.$size" "$(calc "($after - $before) / $CALLS")"
	done
	for round in $(seq "$ROUNDS"); do
		in_turn "$round" "${turns[@]}"
	done

	for size in "${sizes[@]}"; do
		judge_ms "$size" "$size: recommend(), median (ms)" "$(median_of "recommend.$size")" 3 \
			"p95 $(median_of "recommend.$size.p95"), p99 $(median_of "recommend.$size.p99")"
		judge_ms "$size" "$size: recommend() at half the budgets, median (ms)" \
			"$(median_of "recommend half.$size")" 1.5 \
			"p95 $(median_of "recommend half.$size.p95"), p99 $(median_of "recommend half.$size.p99")"
		remark "$size: index entries read per call" "$(median_of "entries.$size")" \
			"idx_tup_read of interact_affinity_user and _item"
		if [ -z "$first" ]; then
			first=$size
		else
			result "$size: recommend(), median to that of $first" \
				"$(ratio_of "recommend.$size" "recommend.$first")" "<=" 1.5 ""
		fi
	done
}

# Add a row of milliseconds, whose target is for 10 million pairs.  $1: size,
# others as of result() without "<=".
judge_ms()
{
	if [ "$(number "$1")" -eq 10000000 ]; then
		result "$2" "$3" "<=" "$4" "$5"
	else
		remark "$2" "$3" "$5"
	fi
}

# The walk in one SQL statement, and in memory.
bench_walks()
{
	local round size=$1

	say "$size pairs: the same walk elsewhere (milliseconds)"
	for round in $(seq "$ROUNDS"); do
		in_turn "$round" "time_calls $size recommend $CALLS" "time_memory $size"
	done
	result "$size: recommend() to the walk in memory" \
		"$(ratio_of_last "recommend.$size" "memory.$size")" "<=" 8 \
		"$(median_of "memory.$size") ms in memory, $(calc "100 * $(common recommend memory)") % of the items in common"

	# Fewer calls, and recommend() for the same users
	for round in $(seq "$ROUNDS"); do
		in_turn "$round" "time_calls $size 'recommend some' $SOME" \
			"time_calls $size 'walk in sql' $SOME"
	done
	result "$size: the walk in one SQL statement to recommend()" \
		"$(ratio_of "walk in sql.$size" "recommend some.$size")" ">=" 3 \
		"$(median_of "walk in sql.$size") ms, $(calc "100 * $(common 'recommend some' 'walk in sql')") % of the items in common"
}

# The median of the quotients of the last values of two series
ratio_of_last()
{
	local -a above below
	local n

	read -ra above <<<"${values[$1]}"
	read -ra below <<<"${values[$2]}"
	n=$((${#above[@]} < ${#below[@]} ? ${#above[@]} : ${#below[@]}))
	values[last.above]="${above[*]: -n}"
	values[last.below]="${below[*]: -n}"
	ratio_of last.above last.below
	unset 'values[last.above]' 'values[last.below]'
}

# The naive join: a few users, once.  Each call is a statement of one session,
# which goes on when statement_timeout ends it.
bench_join()
{
	local size=$1 n stopped ratio detail

	say "$size pairs: the naive join for $SLOW users"
	time_calls "$size" recommend "$CALLS"
	{
		echo "$BEFORE; SET statement_timeout = '${PATIENCE}s';"
		echo "DELETE FROM timing WHERE what = 'join in sql';"
		echo "SELECT time_calls('join in sql', 1, 1);"
		echo "DELETE FROM timing WHERE what = 'join in sql';"
		for n in $(seq "$SLOW"); do
			echo "SELECT time_calls('join in sql', $n, $n);"
		done
	} | psql --set=ON_ERROR_STOP=0 >/dev/null 2>"$work/slow.log"
	if grep ERROR "$work/slow.log" | grep -v 'statement timeout'; then
		die "a call failed"
	fi
	stopped=$(value "
		WITH stopped AS (
			INSERT INTO timing
			SELECT 'join in sql', n, 1000 * $PATIENCE FROM generate_series(1, $SLOW) AS n
			 WHERE n NOT IN (SELECT n FROM timing WHERE what = 'join in sql')
			RETURNING n)
		SELECT count(*) FROM stopped")
	read -r ratio detail < <(value "
		SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY j.ms / r.ms) || ' '
		       || round(percentile_cont(0.5) WITHIN GROUP (ORDER BY j.ms)::numeric) || ' ms'
		  FROM timing AS j JOIN timing AS r ON r.n = j.n AND r.what = 'recommend'
		 WHERE j.what = 'join in sql'")
	detail+=", $SLOW users"
	if [ "$stopped" -gt 0 ]; then
		detail+=", $stopped of them stopped after $PATIENCE s"
	fi
	echo "$ratio, $detail"
	if [ "$(number "$size")" -ge 10000000 ]; then
		result "$size: the naive join to recommend()" "$ratio" ">=" 300 "$detail"
	else
		remark "$size: the naive join to recommend()" "$ratio" "$detail"
	fi
}

# Install ger below $work, with the version of the client that can still connect.
install_ger()
{
	if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
		echo "there is no npm" >"$work/ger.why"
		return 1
	fi
	mkdir -p "$work/ger"
	cp "$here/recommend/ger.js" "$work/ger"
	# The client that ger names, pg 4, does not connect from node 14 on.
	cat >"$work/ger/package.json" <<-'JSON'
		{
		  "private": true,
		  "dependencies": { "ger": "0.0.99" },
		  "overrides": { "pg": "8.11.3" }
		}
	JSON
	if ! (cd "$work/ger" && HOME=$work npm install --ignore-scripts --no-audit --no-fund \
		--cache "$work/npm" >"$work/ger.log" 2>&1); then
		tail -n 20 "$work/ger.log"
		echo "npm could not install it" >"$work/ger.why"
		return 1
	fi
}

# The npm package ger.
bench_ger()
{
	local size=$1 users ratio detail

	say "$size pairs: the npm package ger for $GER_CALLS users"
	use "$size"
	(cd "$work/ger" && node ger.js init) || die "ger failed"
	psql -f "$here/recommend/ger.sql"
	mapfile -t users < <(value "SELECT user_id FROM asking ORDER BY n LIMIT $GER_CALLS")
	(cd "$work/ger" && PGOPTIONS="-c statement_timeout=${PATIENCE}s -c jit=off" \
		node ger.js time "${users[@]}") >"$work/ger.$size" || die "ger failed"
	read -r ratio detail < <(psql --no-align --tuples-only \
		-c "CREATE TEMP TABLE g (ours float, theirs float, items int)" \
		-c "COPY g FROM STDIN (NULL '-')" \
		-c "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY theirs / ours) || ' '
		           || round(percentile_cont(0.5) WITHIN GROUP (ORDER BY theirs)::numeric, 1) || ' ms, recommend() '
		           || round(percentile_cont(0.5) WITHIN GROUP (ORDER BY ours)::numeric, 1)
		           || ' ms by the same client, ' || count(*) || ' users'
		           || coalesce(', ' || nullif(count(*) FILTER (WHERE items IS NULL), 0)
		                       || ' of them stopped after $PATIENCE s', '')
		      FROM g" <"$work/ger.$size")
	echo "$ratio, $detail"
	result "$size: ger to recommend()" "$ratio" ">=" 10 "$detail"
	psql -c "DROP SCHEMA ger CASCADE" 2>/dev/null
}

# Several sessions at once.
bench_sessions()
{
	local size=$1 round clients turns=()

	say "$size pairs: sessions at once (calls per second)"
	use "$size"
	printf '%s\n' "\\set n random(1, $CALLS)" \
		"SELECT * FROM recommend((SELECT user_id FROM asking WHERE n = :n), 10);" >"$work/recommend.pgbench"
	for clients in 1 2 4 8; do
		turns+=("run_clients $size $clients")
	done
	for round in $(seq "$ROUNDS"); do
		in_turn "$round" "${turns[@]}"
	done
	for clients in 2 4 8; do
		remark "$size: $clients sessions, calls per second to those of 1" \
			"$(ratio_of "sessions_$clients.$size" "sessions_1.$size")" \
			"$(shown "sessions_$clients.$size") calls per second, 1 session: $(shown "sessions_1.$size")"
	done
}

run_clients()
{
	local tps

	use "$1"
	"$bindir/pgbench" --no-vacuum --protocol=prepared --jobs=2 --file="$work/recommend.pgbench" \
		--client="$2" --time="$DURATION" >"$work/pgbench" 2>&1 || {
		cat "$work/pgbench"
		die "pgbench failed"
	}
	tps=$(sed -n 's/^tps = \([0-9.]*\).*/\1/p' "$work/pgbench")
	note "sessions_$2.$1" "$tps"
	printf '%s ' "$2 $tps"
}

# The other functions.
bench_others()
{
	local size=$1 round what turns=()

	say "$size pairs: other functions (milliseconds)"
	use "$size"
	for what in $OTHERS; do
		if [ "$(value "SELECT to_regproc('$what') IS NOT NULL")" = t ]; then
			turns+=("time_calls $size $what $SOME")
		else
			skipped "$size: $what() to recommend()" "this version has no such function"
		fi
	done
	for round in $(seq "$ROUNDS"); do
		in_turn "$round" "time_calls $size 'recommend some' $SOME" "${turns[@]}"
	done
	for what in $OTHERS; do
		[ -n "${values[$what.$size]:-}" ] || continue
		remark "$size: $what() to recommend()" \
			"$(ratio_of_last "$what.$size" "recommend some.$size")" \
			"$(median_of "$what.$size") ms, p95 $(median_of "$what.$size.p95")"
	done
}

# A restarted server, files forgotten.
bench_cold()
{
	local size=$1 round first

	say "$size pairs: cold (milliseconds)"
	use "$size"
	for round in $(seq "$ROUNDS"); do
		psql -c "DELETE FROM timing WHERE what = 'recommend cold'"
		as_server "$bindir/pg_ctl" stop --wait --silent --pgdata="$work/data"
		# What is not yet on the disk would not be forgotten.
		sync -f "$work/data"
		find "$work/data/base" -type f -size +0 -exec dd if={} iflag=nocache count=0 status=none \;
		as_server "$bindir/pg_ctl" start --wait --silent --pgdata="$work/data" --log="$work/server.log" </dev/null
		psql -c "$BEFORE" -c "SELECT time_calls('recommend cold', 1, $SOME)" >/dev/null
		read -r p50 p95 p99 < <(percentiles "recommend cold")
		first=$(value "SELECT ms FROM timing WHERE what = 'recommend cold' AND n = 1")
		note "recommend cold.$size" "$p50"
		note "recommend cold.$size.p95" "$p95"
		note "recommend cold.$size.p99" "$p99"
		note "recommend cold.$size.first" "$first"
		printf '%s ' "$first ... $p50"
	done
	echo
	remark "$size: recommend() cold, median of $SOME calls (ms)" "$(median_of "recommend cold.$size")" \
		"p95 $(median_of "recommend cold.$size.p95"), p99 $(median_of "recommend cold.$size.p99"), the first call $(median_of "recommend cold.$size.first")"
}

# ---------- instructions ----------

# Instructions of a run of statements in single-user mode, where nothing runs
# beside them.  $1: database, $2: file of statements.
count_run()
{
	(cd "$work" && as_server valgrind --tool=callgrind --callgrind-out-file="$work/data/callgrind.out" \
		"$bindir/postgres" --single -D "$work/data" -c shared_buffers=512MB -c autovacuum=off "$1") \
		<"$2" >"$work/single.log" 2>"$work/callgrind.log" || {
		tail -n 20 "$work/callgrind.log" "$work/single.log"
		die "the server failed in single-user mode"
	}
	if grep -q ERROR "$work/single.log" "$work/callgrind.log"; then
		tail -n 20 "$work/callgrind.log" "$work/single.log"
		die "a statement failed in single-user mode"
	fi
	sed -n 's/^totals: *\([0-9]*\).*/\1/p' "$work/data/callgrind.out"
}

# Instructions per call, from the difference of two runs that make the same calls
# twice and three times: starting, reading from disk and filling caches are in
# both and cancel out.  To be run when the server is stopped.
bench_instructions()
{
	local size=$1 what call twice thrice per_call

	say "$size pairs: instructions of $COUNTED calls"
	for what in recommend ${QUICK:+quick} $OTHERS; do
		[ "$what" != quick ] || break
		[ "$what" = recommend ] || [ -n "${values[$what.$size]:-}" ] || continue
		case $what in
			recommend) call="recommend(user_id, 10)" ;;
			recommend_for_items | interact_bought_together) call="$what(ARRAY[item_id], 10)" ;;
			interact_similar_items) call="$what(item_id, 10)" ;;
			interact_rank) call="$what(user_id, given)" ;;
			*) call="$what(10)" ;;
		esac
		echo "SELECT sum(n) FROM (SELECT * FROM counted ORDER BY k OFFSET 0) AS c, LATERAL (SELECT count(*) AS n FROM $call) AS r" >"$work/once"
		cat "$work/once" "$work/once" >"$work/twice"
		cat "$work/twice" "$work/once" >"$work/thrice"
		twice=$(count_run "pairs_$size" "$work/twice")
		thrice=$(count_run "pairs_$size" "$work/thrice")
		per_call=$(calc "($thrice - $twice) / $COUNTED")
		note "instructions $what.$size" "$(calc "$thrice - $twice")"
		remark "$size: $what(), thousand instructions per call" "$(calc "$per_call / 1000")" \
			"$((thrice - twice)) in $COUNTED calls"
		echo "$what $per_call"
	done
}

# ---------- the benchmark ----------

memory=$(awk '$1 == "MemTotal:" { printf "%d", $2 / 1024 }' /proc/meminfo)
interact_begin
[ -x "$bindir/pgbench" ] || die "there is no pgbench in $bindir"
build_and_install
"${CC:-gcc}" -std=c99 -D_POSIX_C_SOURCE=200112L -O2 -Wall -o "$work/memory" \
	"$here/recommend/memory.c" -lm
start_server "fsync = off" "shared_buffers = $((memory / 4))MB" "max_wal_size = 16GB" \
	"checkpoint_timeout = 1h" "autovacuum = off"
PGDATABASE=postgres
export PGDATABASE
psql -c "CREATE EXTENSION interact"
facts pairs "$PAIRS" rounds "$ROUNDS" "calls in a round" "$CALLS"
psql -c "DROP EXTENSION interact"

for size in "${sizes[@]}"; do
	prepare "$size"
done
bench_warm
for size in "${sizes[@]}"; do
	bench_walks "$size"
	bench_join "$size"
	bench_sessions "$size"
	bench_others "$size"
done
if [ "$GER" = no ]; then
	skipped "ger to recommend()" "not asked for"
elif ! install_ger; then
	skipped "ger to recommend()" "$(cat "$work/ger.why")"
else
	for size in "${sizes[@]}"; do
		bench_ger "$size"
	done
fi
for size in "${sizes[@]}"; do
	bench_cold "$size"
done

say "Every counter recomputed from the rows  interact_check()"
for size in "${sizes[@]}"; do
	use "$size"
	differences=$(value "SELECT count(*) FROM interact_check()")
	result "$size: differences of derived tables from the rows" "$differences" "<=" 0 "interact_check()"
	echo "$differences differences"
done

size=${sizes[0]}
if [ "$COUNTED" -eq 0 ]; then
	skipped "$size: instructions per call" "not asked for"
elif ! command -v valgrind >/dev/null; then
	skipped "$size: instructions per call" "there is no valgrind"
else
	use "$size"
	psql -c "CREATE TABLE counted AS
	         SELECT a.n AS k, a.user_id, i.item_id,
	                ARRAY(SELECT p.item_id FROM interact_popular(100) AS p) AS given
	           FROM asking AS a
	          CROSS JOIN LATERAL (SELECT item_id FROM interact_affinity AS f
	                               WHERE f.user_id = a.user_id ORDER BY last_at DESC, item_id LIMIT 1) AS i
	          WHERE a.n <= $COUNTED" \
		-c "VACUUM (ANALYZE) counted" -c "CHECKPOINT"
	as_server "$bindir/pg_ctl" stop --wait --silent --pgdata="$work/data"
	bench_instructions "$size"
fi

print_results
write_json
