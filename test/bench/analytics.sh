#!/usr/bin/env bash
# make bench-analytics: how long the analytic functions take, in seconds and
# beside plain aggregates that are measured in turn with them, on a throwaway
# server of its own.
#
# The data are generated: views of 30 days in the order of time, as a log has
# them, some users and items far more than others; every twentieth view is
# followed by an addition to the cart, every fortieth by a purchase.  The base
# tables are loaded without the triggers: nothing here reads derived tables.
#
# Each figure is the median of several rounds; in each round everything that is
# compared runs one after the other, and the ratio is taken within the round.
#
#   ROUNDS    rounds (3)
#   ROWS      views (5000000)
#   WORK_MEM  work_mem of the server (4MB, the default of PostgreSQL)
#   JSON      file for the figures (test/bench/results/analytics.json)
#   QUICK=1   a tenth of the rows and one round: a look in about a minute
#
# The exit status says whether it ran, not whether the targets were met.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=test/setup.sh
source "$here/../setup.sh"
# shellcheck source=test/bench/report.sh
source "$here/report.sh"

if [ -n "${QUICK:-}" ]; then
	: "${ROUNDS:=1}" "${ROWS:=500000}"
fi
ROUNDS=${ROUNDS:-3}
ROWS=${ROWS:-5000000}
WORK_MEM=${WORK_MEM:-4MB}
JSON=${JSON:-$here/results/analytics.json}
[[ $JSON == /* ]] || JSON=$PWD/$JSON

USERS=100000
ITEMS=10000

# Every server setting that is not the default
SETTINGS=(
	"shared_buffers = 1GB"
	"max_wal_size = 16GB"
	"checkpoint_timeout = 30min"
	"fsync = off"
	"work_mem = $WORK_MEM"
)

# The 30 days of the data, in strings that in_turn evaluates
# shellcheck disable=SC2034
FROM="'2024-03-10 00:00+00'"
# shellcheck disable=SC2034
TO="'2024-04-09 00:00+00'"

# ---------- measuring ----------

# Run a query; the series NAME gets the seconds.  $1: name, $2: query.
measure()
{
	psql --no-align --tuples-only -c '\timing on' -c "$2" >"$work/timing"
	note "$1" "$(awk '$1 == "Time:" { printf "%.6g", $2 / 1000 }' "$work/timing")"
	printf '%s ' "$1 ${values[$1]##* }"
}

# Milliseconds of one call, from many in one session.  $1: name, $2: query,
# $3: how many.
measure_calls()
{
	measure "$1" "DO \$\$ BEGIN FOR i IN 1 .. $3 LOOP PERFORM * FROM ($2) AS q; END LOOP; END \$\$"
	note "$1.each" "$(calc "${values[$1]##* } * 1000 / $3")"
}

# Add what a call took to the result: name, series, most seconds.
seconds()
{
	result "$1" "$(median_of "$2")" "<=" "$3" "seconds"
}

# ---------- the benchmark ----------

load()
{
	say "Loading $ROWS views"
	psql -v rows="$ROWS" -v users=$USERS -v items=$ITEMS -f "$here/analytics/generate.sql"
	value "SELECT relname, n_live_tup, pg_size_pretty(pg_total_relation_size(relid))
	         FROM pg_stat_user_tables WHERE n_live_tup > 0 ORDER BY relname"
}

bench_range()
{
	local round

	say "30 days (seconds)"
	for round in $(seq "$ROUNDS"); do
		in_turn "$round" \
			"measure scan \"SELECT count(*), count(user_id), count(item_id) FROM interact_view
				WHERE viewed_at >= \$FROM AND viewed_at < \$TO\"" \
			"measure by_hand \"SELECT date_trunc('day', viewed_at, 'UTC'), count(*), count(DISTINCT user_id),
				count(DISTINCT item_id) FROM interact_view
				WHERE viewed_at >= \$FROM AND viewed_at < \$TO GROUP BY 1 ORDER BY 1\"" \
			"measure views \"SELECT * FROM interact_activity('1 day', \$FROM, \$TO, 'view', 'UTC')\"" \
			"measure activity \"SELECT * FROM interact_activity('1 day', \$FROM, \$TO, time_zone => 'UTC')\"" \
			"measure hours \"SELECT * FROM interact_activity('1 hour', \$FROM, \$TO, time_zone => 'Europe/Berlin')\"" \
			"measure active \"SELECT * FROM interact_active_users(\$FROM, \$TO, time_zone => 'UTC')\"" \
			"measure retention \"SELECT * FROM interact_retention(\$FROM, \$TO, '1 day', 29, 'UTC')\"" \
			"measure returning \"SELECT * FROM interact_retention('2024-04-02 00:00+00', \$TO, '1 day', 6, 'UTC')\"" \
			"measure funnel \"SELECT * FROM interact_funnel('{view,cart,purchase}', \$FROM, \$TO)\""
	done

	result "Activity of views by day: time to the same by hand" "$(ratio_of views by_hand)" "<=" 1.5 \
		"$(median_of views) s, $(median_of by_hand) s"
	seconds "Activity by day, all events" activity 30
	seconds "Activity by hour, all events" hours 30
	seconds "Active users" active 60
	seconds "Retention of daily cohorts" retention 60
	seconds "Retention of the last seven, of users known before" returning 60
	seconds "Funnel of three steps" funnel 60
	remark "Plain aggregate over the views, seconds" "$(median_of scan)" "count(*) of all columns"
	remark "Activity by day: time to that" "$(ratio_of activity scan)" ""
	remark "Active users: time to that" "$(ratio_of active scan)" ""
	remark "Retention: time to that" "$(ratio_of retention scan)" ""
	remark "Funnel: time to that" "$(ratio_of funnel scan)" ""
}

bench_day()
{
	local round

	say "One day of them (seconds), one item, a page of carts"
	for round in $(seq "$ROUNDS"); do
		in_turn "$round" \
			"measure day \"SELECT * FROM interact_activity('1 hour', '2024-03-25', '2024-03-26', time_zone => 'UTC')\"" \
			"measure month \"SELECT * FROM interact_activity('1 hour', \$FROM, \$TO, time_zone => 'UTC')\"" \
			"measure_calls item \"SELECT * FROM interact_item_activity(5000, '1 day', \$FROM, \$TO)\" 50" \
			"measure_calls carts \"SELECT * FROM interact_abandoned_carts(max_items => 100)\" 50"
	done
	result "One day: time to that of 30" "$(ratio_of day month)" "<=" 0.1 \
		"$(median_of day) s, $(median_of month) s"
	result "Activity of one item, 30 days (ms)" "$(median_of item.each)" "<=" 100 ""
	result "100 abandoned carts (ms)" "$(median_of carts.each)" "<=" 50 ""
}

# What the indexes on time cost who records: tables like interact_cart_item and
# interact_favorite, without triggers, with and without them.
bench_indexes()
{
	local round rows=$((ROWS / 25)) name

	say "What the indexes on time cost: INSERT of $rows rows (seconds)"
	for round in $(seq $((ROUNDS * 2))); do
		for name in cart_item favorite; do
			psql -c "SET client_min_messages = warning" \
				-c "DROP TABLE IF EXISTS with_time, without_time" \
				-c "CREATE TABLE with_time (LIKE interact_$name INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING INDEXES)" \
				-c "CREATE TABLE without_time (LIKE interact_$name INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING INDEXES)" \
				-c "DO \$\$ DECLARE i regclass; BEGIN
				      FOR i IN SELECT indexrelid FROM pg_index JOIN pg_class c ON c.oid = indexrelid
				               JOIN pg_am a ON a.oid = c.relam
				               WHERE indrelid = 'without_time'::regclass
				                 AND (a.amname = 'brin' OR (indkey::text LIKE '5 %' AND indpred IS NOT NULL)) LOOP
				        EXECUTE format('DROP INDEX %s', i); END LOOP; END \$\$"
			in_turn "$round" \
				"measure $name.without \"INSERT INTO without_time (user_id, item_id)
					SELECT i * 7919 % $USERS, i FROM generate_series(1, $rows) i\"" \
				"measure $name.with \"INSERT INTO with_time (user_id, item_id)
					SELECT i * 7919 % $USERS, i FROM generate_series(1, $rows) i\""
		done
	done
	psql -c "DROP TABLE with_time, without_time"
	result "BRIN on a table like interact_favorite: time of INSERT" \
		"$(ratio_of favorite.with favorite.without)" "<=" 1.1 \
		"$(median_of favorite.with) s, $(median_of favorite.without) s for $rows rows"
	result "BRIN and open rows by time on one like interact_cart_item" \
		"$(ratio_of cart_item.with cart_item.without)" "<=" 1.25 \
		"$(median_of cart_item.with) s, $(median_of cart_item.without) s"
}

interact_begin
build_and_install
start_server "${SETTINGS[@]}"
psql -c "CREATE DATABASE bench"
export PGDATABASE=bench
psql -c "CREATE EXTENSION interact"
facts rounds "$ROUNDS" views "$ROWS" users $USERS items $ITEMS
load
bench_range
bench_day
bench_indexes
print_results
echo
echo "load average: $(cut -d ' ' -f 1-3 /proc/loadavg 2>/dev/null)"
write_json
