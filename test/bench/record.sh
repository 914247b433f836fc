#!/usr/bin/env bash
# make bench-record: what recording costs, as ratios to plain tables that are
# measured in turn with it on a throwaway server of its own.
#
# Each figure is the median of several rounds; in each round everything that is
# compared runs one after the other, and the ratio is taken within the round.
# The clients are pgbench, on the same machine.
#
#   ROUNDS    rounds of each measurement (5; of COPY at most 3)
#   DURATION  seconds of each pgbench run, after one of warming up (3)
#   SNAPSHOT  seconds of the runs with a snapshot held open (60)
#   ROWS      views loaded by COPY, into each table (1000000)
#   CALLS     calls in one transaction (100000)
#   COUNTED   calls of which valgrind counts the instructions (1000; 0: none)
#   JSON      file for the figures (test/bench/results/record.json)
#   QUICK=1   smaller defaults: a look in about two minutes
#
# The exit status says whether it ran, not whether the targets were met.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=test/setup.sh
source "$here/../setup.sh"
# shellcheck source=test/bench/report.sh
source "$here/report.sh"

if [ -n "${QUICK:-}" ]; then
	: "${ROUNDS:=2}" "${DURATION:=2}" "${SNAPSHOT:=12}" "${ROWS:=200000}" "${CALLS:=20000}" "${COUNTED:=200}"
fi
ROUNDS=${ROUNDS:-5}
DURATION=${DURATION:-3}
SNAPSHOT=${SNAPSHOT:-60}
ROWS=${ROWS:-1000000}
CALLS=${CALLS:-100000}
COUNTED=${COUNTED:-1000}
JSON=${JSON:-$here/results/record.json}
[[ $JSON == /* ]] || JSON=$PWD/$JSON

USERS=100000
ITEMS=10000

# Every server setting that is not the default.  A checkpoint in the middle
# would hit one of those compared and not the other.
SETTINGS=(
	"max_connections = 200"
	"shared_buffers = 1GB"
	"max_wal_size = 16GB"
	"checkpoint_timeout = 30min"
)

# ---------- measuring ----------

# Write a pgbench script.  $1: file, $2: statement with %s for the item,
# $3: uniform, hot or zipf.
write_script()
{
	local item

	{
		echo "\\set user random(1, $USERS)"
		case $3 in
			uniform)
				echo "\\set item random(1, $ITEMS)"
				# shellcheck disable=SC2059 # the format is the argument
				printf "$2;\n" :item
				;;
			hot)
				# shellcheck disable=SC2059
				printf "$2;\n" 1
				;;
			zipf)
				for item in a b c; do
					echo "\\set $item random_zipfian(1, $ITEMS, 1.1)"
				done
				echo "BEGIN;"
				for item in a b c; do
					# shellcheck disable=SC2059
					printf "$2;\n" ":$item"
				done
				echo "COMMIT;"
				;;
		esac
	} >"$1"
}

write_scripts()
{
	local items

	for items in uniform hot zipf; do
		write_script "$work/record-$items" "SELECT interact_record_view(:user, %s)" $items
		write_script "$work/insert-$items" "INSERT INTO interact_view (user_id, item_id) VALUES (:user, %s)" $items
		write_script "$work/bare-$items" "INSERT INTO bare_view (user_id, item_id) VALUES (:user, %s)" $items
		write_script "$work/usual-$items" "INSERT INTO usual_view (user_id, item_id) VALUES (:user, %s)" $items
	done
}

# Run pgbench; its report of each second goes to $work/progress, what it has to
# say at the end to $work/pgbench.  $1: script, $2: clients, others: how long.
run_pgbench()
{
	local script=$1 clients=$2
	shift 2

	"$bindir/pgbench" --no-vacuum --protocol=prepared --jobs=2 --progress=1 \
		--failures-detailed --file="$work/$script" --client="$clients" "$@" \
		>"$work/pgbench" 2>"$work/progress" || {
		cat "$work/progress" "$work/pgbench"
		die "pgbench failed"
	}
}

# Transactions per second between two moments of the last run, in seconds
throughput()
{
	awk -v from="$1" -v to="$2" '
		$1 == "progress:" && $2 > from + 0.5 && $2 < to + 0.5 { sum += $4; n++ }
		END { printf "%.6g", n ? sum / n : 0 }' "$work/progress"
}

# A number of the report at the end: "number of ... : N"
reported()
{
	sed -n "s/^number of $1: \([0-9]*\).*/\1/p" "$work/pgbench"
}

# One pgbench run into the series NAME (transactions per second) and
# NAME.failed.  $1: name, $2: script, $3: clients.
measure()
{
	# The first second goes into connecting, caches and plans.
	run_pgbench "$2" "$3" --time=$((DURATION + 1))
	note "$1" "$(throughput 1 $((DURATION + 1)))"
	note "$1.failed" "$(reported 'failed transactions')"
	note "$1.deadlocks" "$(reported 'deadlock failures')"
	printf '%s ' "$1 ${values[$1]##* }"
}

# COPY a file into a table; the series NAME gets the seconds, NAME.memory the
# most private memory the backend had, in MB.  $1: name, $2: table, $3: file.
#
# Private memory is RssAnon of /proc/PID/status, looked at 50 times a second.
# VmHWM less RssShmem would need no polling but be wrong: the two need not have
# been at their peaks at the same time.
copy()
{
	local pid peak=0 anon reader

	mkfifo "$work/pid.$1"
	{
		psql --no-align --tuples-only -c "SELECT pg_backend_pid()" -c '\timing on' \
			-c "COPY $2 (user_id, item_id, viewed_at) FROM '$3'" | {
			read -r pid
			echo "$pid" >"$work/pid.$1"
			cat
		} >"$work/timing.$1"
	} &
	reader=$!
	read -r pid <"$work/pid.$1"
	while kill -0 "$reader" 2>/dev/null; do
		anon=$(sed -n 's/^RssAnon:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$pid/status" 2>/dev/null) || true
		if [ "${anon:-0}" -gt "$peak" ]; then
			peak=$anon
		fi
		sleep 0.02
	done
	wait "$reader" || die "COPY failed"
	rm "$work/pid.$1"
	note "$1" "$(awk '$1 == "Time:" { printf "%.6g", $2 / 1000 }' "$work/timing.$1")"
	note "$1.memory" "$(calc "$peak / 1024")"
	printf '%s ' "$1 ${values[$1]##* }"
}

# Start a transaction that keeps its snapshot, in a session of its own.
hold_snapshot()
{
	coproc HOLDER { psql --no-align --tuples-only; }
	printf '%s\n' "BEGIN ISOLATION LEVEL REPEATABLE READ;" \
		"SELECT count(*) FROM interact_setting;" >&"${HOLDER[1]}"
	# The answer says that the snapshot is taken.
	read -r _ <&"${HOLDER[0]}"
}

release_snapshot()
{
	local pid=$HOLDER_PID

	printf '%s\n' "COMMIT;" '\q' >&"${HOLDER[1]}"
	wait "$pid" || true
}

# Rows of the counter of views of item 1
fragments()
{
	value "SELECT count(*) FROM interact_counter WHERE item_id = 1 AND event = 0"
}

# Size of a table with its indexes, in kB
size_of()
{
	value "SELECT pg_total_relation_size('$1') / 1024"
}

# The same without the room in the table that new rows will take
used_of()
{
	value "SELECT (pg_total_relation_size('$1') - (SELECT sum(avail) FROM pg_freespace('$1'))) / 1024"
}

# Throughput on one item with a snapshot held open, as series NAME.first and
# NAME.last.  $1: name, $2: script.
measure_snapshot()
{
	local part=$((SNAPSHOT / 6))

	hold_snapshot
	run_pgbench "$2" 16 --time=$((SNAPSHOT + 1))
	release_snapshot
	note "$1.first" "$(throughput 1 $((part + 1)))"
	note "$1.last" "$(throughput $((SNAPSHOT + 1 - part)) $((SNAPSHOT + 1)))"
	echo "$1 ${values[$1.first]} ... ${values[$1.last]}"
}

# ---------- the benchmark ----------

bench_copy()
{
	local round rounds=$((ROUNDS < 3 ? ROUNDS : 3))

	say "COPY of $ROWS views (seconds)"
	psql --dbname=bench -v users=$USERS -v items=$ITEMS -v rows="$ROWS" \
		-v uniform="$work/data/uniform.copy" -v part="$work/data/part.copy" \
		-v hot="$work/data/hot.copy" -f "$here/record/generate.sql" >/dev/null
	for round in $(seq "$rounds"); do
		# Into empty tables: a copy of the database in which nothing ever was.
		unset PGDATABASE
		if [ "$round" -gt 1 ]; then
			psql -c "DROP DATABASE round$((round - 1))"
		fi
		psql -c "CREATE DATABASE round$round TEMPLATE bench" -c "CHECKPOINT"
		export PGDATABASE=round$round
		in_turn "$round" \
			"copy copy_bare bare_view '$work/data/uniform.copy'" \
			"copy copy_record interact_view '$work/data/uniform.copy'"
		in_turn "$round" \
			"copy copy_part interact_view '$work/data/part.copy'" \
			"copy copy_hot interact_view '$work/data/hot.copy'"
	done

	# The tables go on with the same rows.
	psql -c "INSERT INTO bare_view (user_id, item_id, viewed_at, context)
	         SELECT user_id, item_id, viewed_at, context
	           FROM interact_view WHERE id > $ROWS ORDER BY id" \
		-c "ALTER TABLE usual_view DISABLE TRIGGER usual_count" \
		-c "INSERT INTO usual_view (user_id, item_id, viewed_at, context)
		    SELECT user_id, item_id, viewed_at, context FROM interact_view ORDER BY id" \
		-c "INSERT INTO usual_counter SELECT item_id, count(*) FROM usual_view GROUP BY item_id" \
		-c "ALTER TABLE usual_view ENABLE TRIGGER usual_count"
	# No checkpoint: what follows shall not pay for the first change of a page
	# after one, which writes all of it to the WAL.
	psql -c "VACUUM (ANALYZE)"

	result "COPY: time to that of a bare table" "$(ratio_of copy_record copy_bare)" "<=" 6 \
		"$(median_of copy_record) s, $(median_of copy_bare) s"
	result "COPY: private memory of the backend (MB)" "$(median_of copy_record.memory)" "<=" 256 \
		"bare table: $(median_of copy_bare.memory) MB"
	result "COPY: one item, time to that of random items" "$(ratio_of copy_hot copy_part)" "<=" 1 \
		"$(median_of copy_hot) s, $(median_of copy_part) s for $((ROWS / 5)) rows"
}

bench_single()
{
	local round

	say "One session, random items (transactions per second)"
	for round in $(seq "$ROUNDS"); do
		in_turn "$round" "measure single_record record-uniform 1" \
			"measure single_bare bare-uniform 1" \
			"measure single_insert insert-uniform 1"
	done
	result "1 session: to a bare table" "$(ratio_of single_record single_bare)" ">=" 0.5 \
		"$(shown single_record) tps, $(shown single_bare) tps"
	result "1 session: time of plain INSERT to the function" \
		"$(ratio_of single_record single_insert)" "<=" 1.3 "$(shown single_insert) tps by INSERT"
}

bench_uniform()
{
	local round

	say "16 sessions, random items (transactions per second)"
	for round in $(seq "$ROUNDS"); do
		in_turn "$round" "measure sixteen_record record-uniform 16" \
			"measure sixteen_bare bare-uniform 16"
	done
	result "16 sessions: to a bare table" "$(ratio_of sixteen_record sixteen_bare)" ">=" 0.6 \
		"$(shown sixteen_record) tps, $(shown sixteen_bare) tps"
}

bench_hot()
{
	local round

	say "64 sessions, one item (transactions per second)"
	for round in $(seq "$ROUNDS"); do
		in_turn "$round" "measure hot_record record-hot 64" \
			"measure hot_uniform record-uniform 64" \
			"measure hot_usual usual-hot 64"
	done
	result "64 sessions on one item: to random items" "$(ratio_of hot_record hot_uniform)" ">=" 0.9 \
		"$(shown hot_record) tps, $(shown hot_uniform) tps"
	result "64 sessions on one item: to the usual trigger" "$(ratio_of hot_record hot_usual)" ">=" 5 \
		"$(shown hot_record) tps, $(shown hot_usual) tps"
}

# Sum of a series
sum_of()
{
	calc "${values[$1]// / + }"
}

bench_zipf()
{
	local round

	say "32 sessions, three popular items per transaction (transactions per second)"
	for round in $(seq "$ROUNDS"); do
		in_turn "$round" "measure zipf_record record-zipf 32" \
			"measure zipf_bare bare-zipf 32" \
			"measure zipf_usual usual-zipf 32"
	done
	result "32 sessions, 3 items: failed transactions" "$(sum_of zipf_record.failed)" "<=" 0 \
		"usual trigger: $(sum_of zipf_usual.failed) failed, $(sum_of zipf_usual.deadlocks) of them deadlocks"
	result "32 sessions, 3 items: to a bare table" "$(ratio_of zipf_record zipf_bare)" ">=" 0.6 \
		"$(shown zipf_record) tps, $(shown zipf_bare) tps"
	remark "32 sessions, 3 items: usual trigger to a bare table" "$(ratio_of zipf_usual zipf_bare)" \
		"$(shown zipf_usual) tps"
}

bench_transaction()
{
	local round rounds=$((ROUNDS < 3 ? ROUNDS : 3)) users first last

	say "$CALLS calls in one transaction (seconds of the first and the last tenth)"
	for round in $(seq "$rounds"); do
		for users in $USERS 1; do
			read -r first last < <(psql --no-align --tuples-only -v calls="$CALLS" \
				-v users="$users" -f "$here/record/transaction.sql")
			echo "$users users: $first $last"
			note "transaction_$users.first" "$first"
			note "transaction_$users.last" "$last"
		done
		psql -c "VACUUM"
	done
	for users in $USERS 1; do
		result "$CALLS calls in a transaction, $users users: last tenth to first" \
			"$(ratio_of "transaction_$users.last" "transaction_$users.first")" "<=" 1.5 \
			"$(median_of "transaction_$users.last") s, $(median_of "transaction_$users.first") s, one item"
	done
}

bench_snapshot()
{
	local before during after used_before used_after left folded

	say "16 sessions, one item, a snapshot held open (transactions per second)"
	value "SELECT interact_compact()" >/dev/null
	psql -c "VACUUM"
	before=$(size_of interact_counter)
	used_before=$(used_of interact_counter)
	measure_snapshot snapshot_record record-hot
	during=$(size_of interact_counter)
	left=$(fragments)
	psql -c "VACUUM"
	# Whoever comes next folds, a few rows at a time; another VACUUM removes
	# what that left behind.
	run_pgbench record-hot 1 --transactions=100
	psql -c "VACUUM"
	folded=$(fragments)
	after=$(size_of interact_counter)
	used_after=$(used_of interact_counter)
	echo "rows of the item's counter: $left, later $folded; counters: $before, $during, $after kB," \
		"in use $used_before, later $used_after kB"
	measure_snapshot snapshot_usual usual-hot

	result "Snapshot held open: throughput last to first" \
		"$(ratio_of snapshot_record.last snapshot_record.first)" ">=" 0.8 \
		"$(shown snapshot_record.last) tps, $(shown snapshot_record.first) tps"
	remark "... of the usual trigger" "$(ratio_of snapshot_usual.last snapshot_usual.first)" \
		"$(shown snapshot_usual.last) tps, $(shown snapshot_usual.first) tps"
	result "... rows of the item's counter afterwards" "$folded" "<=" 1 "$left at the end of the run"
	# The file stays as large as it was, if the row it is all about is at its end.
	result "... size of counters, less the room for new rows, afterwards to before" \
		"$(calc "$used_after / $used_before")" "<=" 1.5 \
		"$used_before kB before, $used_after kB after; files: $before kB, at most $during kB, $after kB"
}

# ---------- instructions ----------

# Count the instructions of so many calls for random users and items in
# single-user mode, where nothing runs beside them.  $1: calls, $2: file.
count_calls()
{
	awk -v n="$1" -v users=$USERS -v items=$ITEMS 'BEGIN {
		srand(1)
		for (i = 0; i < n; i++)
			printf "SELECT interact_record_view(%d, %d);\n", 1 + int(users * rand()), 1 + int(items * rand())
	}' >"$work/calls"
	(cd "$work" && as_server valgrind --tool=callgrind --callgrind-out-file="$work/data/callgrind.out" \
		"$bindir/postgres" --single -D "$work/data" -c shared_buffers=512MB -c autovacuum=off bench) \
		<"$work/calls" >"$work/single.log" 2>"$work/callgrind.log" || {
		tail -n 20 "$work/callgrind.log" "$work/single.log"
		die "the server failed in single-user mode"
	}
	if grep -q ERROR "$work/single.log" "$work/callgrind.log"; then
		die "a statement failed in single-user mode"
	fi
	callgrind_annotate --inclusive=yes --threshold=100 "$work/data/callgrind.out" >"$2"
}

# Thousand instructions per call within a function and what it calls, by the
# difference of two runs, one with twice the calls.  $1: function.
thousand_in()
{
	local file numbers=()

	for file in "$work/counted.1" "$work/counted.2"; do
		numbers+=("$(sed -n -E "s/^ *([0-9,]+) .*:$1( \\[.*)?\$/\\1/p" "$file" | head -n 1 | tr -d ,)")
	done
	calc "(${numbers[1]:-0} - ${numbers[0]:-0}) / $COUNTED / 1000"
}

# What a call spends its time with.  To be run when the server is stopped.
bench_instructions()
{
	say "Instructions of $COUNTED calls"
	count_calls "$COUNTED" "$work/counted.1"
	count_calls $((2 * COUNTED)) "$work/counted.2"
	remark "Instructions of a call (thousand)" "$(thousand_in interact_record_view)" \
		"without parsing; derivation: $(thousand_in interact_derive)"
	remark "... of derivation: index entries" "$(thousand_in acc_insert_index_entries)" ""
	remark "... looking up pair and counter" "$(thousand_in acc_look_up)" ""
	remark "... the user's newest row" "$(thousand_in affinity_user_items)" ""
	remark "... opening tables and indexes" \
		"$(calc "$(thousand_in accumulator_open) + $(thousand_in accumulator_close) + $(thousand_in open_indexes)")" ""
}

[ "$(uname -s)" = Linux ] || die "this reads memory from /proc, which needs Linux"
interact_begin
[ -x "$bindir/pgbench" ] || die "there is no pgbench in $bindir"
build_and_install
start_server "${SETTINGS[@]}"
psql -c "CREATE DATABASE bench"
psql --dbname=bench -c "CREATE EXTENSION interact" -c "CREATE EXTENSION pg_freespacemap" -f "$here/record/baseline.sql"
PGDATABASE=bench facts rounds "$ROUNDS" "seconds per run" "$DURATION" \
	"views before" "$((ROWS + 2 * (ROWS / 5)))"
write_scripts
bench_copy
bench_single
bench_uniform
bench_hot
bench_zipf
bench_transaction
bench_snapshot

say "Every counter recomputed from the rows  interact_check()"
differences=$(value "SELECT count(*) FROM interact_check()")
result "Differences of derived tables from the rows" "$differences" "<=" 0 "interact_check()"
echo "$differences differences"

wal=$(value "SELECT pg_size_pretty(wal_bytes) FROM pg_stat_wal")
if [ "$COUNTED" -eq 0 ]; then
	skipped "Instructions of a call" "not asked for"
elif ! command -v callgrind_annotate >/dev/null; then
	skipped "Instructions of a call" "there is no valgrind"
else
	psql -c "CHECKPOINT"
	as_server "$bindir/pg_ctl" stop --wait --silent --pgdata="$work/data"
	bench_instructions
fi

print_results
echo
echo "WAL written: $wal, load average: $(cut -d ' ' -f 1-3 /proc/loadavg)"
write_json
