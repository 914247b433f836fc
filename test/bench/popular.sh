#!/usr/bin/env bash
# make bench-popular: top lists and numbers of items against sorting all of
# them, what keeping them costs, and pruning, on a throwaway server of its own.
#
# Each time is the average of a run of pgbench, and each figure the median of
# several rounds. What is compared runs in turn.
#
#   ITEMS     items of the catalogue, each with three event types (1000000)
#   ROUNDS    rounds of each measurement (5)
#   DURATION  seconds of recording (20)
#   JSON      file for the figures (test/bench/results/popular.json)
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
	: "${ITEMS:=100000}" "${ROUNDS:=3}" "${DURATION:=6}"
fi
ITEMS=${ITEMS:-1000000}
ROUNDS=${ROUNDS:-5}
DURATION=${DURATION:-20}
JSON=${JSON:-$here/results/popular.json}
[[ $JSON == /* ]] || JSON=$PWD/$JSON

# Items that are recorded: those whose counters are updated again and again.
POPULAR_ITEMS=1000

# Every server setting that is not the default.  Compiling would make the
# sorts, which are compared with, slower.
SETTINGS=(
	"max_connections = 100"
	"shared_buffers = 2GB"
	"work_mem = 64MB"
	"max_wal_size = 16GB"
	"checkpoint_timeout = 30min"
	"jit = off"
)

# ---------- measuring ----------

# Average time of a statement, in milliseconds, into a series.
# $1: name, $2: times, $3: statement
time_of()
{
	echo "$3;" >"$work/statement"
	"$bindir/pgbench" --no-vacuum --protocol=prepared --transactions="$2" \
		--file="$work/statement" >"$work/pgbench" 2>&1 || {
		cat "$work/pgbench"
		die "pgbench failed"
	}
	note "$1" "$(sed -n 's/^latency average = \([0-9.]*\) ms/\1/p' "$work/pgbench")"
	printf '%s ' "$1 ${values[$1]##* }"
}

# Record for some seconds with 8 clients: of ten events of the most popular items
# seven are views, two are favorites, one is a rating.  $1: seconds
record()
{
	"$bindir/pgbench" --no-vacuum --protocol=prepared --jobs=2 --client=8 --time="$1" \
		--file="$work/view@7" --file="$work/favorite@2" --file="$work/review@1" \
		>"$work/recorded" 2>&1 || {
		cat "$work/recorded"
		die "pgbench failed"
	}
}

# Transactions of the last record()
recorded()
{
	sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' "$work/recorded"
}

write_scripts()
{
	local at="\\set user random(1, 100000)
\\set rank random_zipfian(1, $POPULAR_ITEMS, 1.1)
\\set item 1 + :rank * 7919 % $ITEMS"

	printf '%s\nSELECT interact_record_view(:user, :item);\n' "$at" >"$work/view"
	printf '%s\nSELECT interact_add_favorite(:user, :item);\n' "$at" >"$work/favorite"
	printf '%s\n\\set rating random(3, 5)\nSELECT interact_submit_review(:user, :item, :rating);\n' "$at" \
		>"$work/review"
}

# Updates of a table and those that were HOT, of all finished sessions
updates()
{
	value "SELECT n_tup_upd || ' ' || n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = '$1'"
}

# ---------- the benchmark ----------

POPULAR="SELECT item_id, score, count, users FROM interact_popular(10)"
POPULAR_SORT="SELECT item_id, sum(weight::double precision * count::double precision ORDER BY event), sum(count)::bigint, max(users)
  FROM (SELECT c.item_id, c.event, t.weight, sum(c.count) AS count, sum(c.users)::bigint AS users
          FROM interact_counter AS c JOIN interact_event_type AS t ON t.id = c.event
         WHERE t.weight > 0
         GROUP BY c.item_id, c.event, t.weight
        HAVING sum(c.count) > 0 AND (c.event <> 4 OR sum(c.total) >= 3 * sum(c.count))) AS k
 GROUP BY item_id ORDER BY 2 DESC, 1 LIMIT 10"
VIEWS="SELECT item_id, count FROM interact_popular(10, 'view')"
VIEWS_SORT="SELECT item_id, sum(count)::bigint FROM interact_counter WHERE event = 0 GROUP BY item_id ORDER BY 2 DESC, 1 LIMIT 10"
TRENDING="SELECT item_id, count FROM interact_trending(10)"
TRENDING_SORT="SELECT item_id, sum(count)::bigint
  FROM (SELECT c.item_id, c.event, t.weight, sum(c.count) AS count, interact_log2_sum(c.hot) AS hot
          FROM interact_counter AS c JOIN interact_event_type AS t ON t.id = c.event
         WHERE t.weight > 0
         GROUP BY c.item_id, c.event, t.weight
        HAVING sum(c.count) > 0 AND (c.event <> 4 OR sum(c.total) >= 3 * sum(c.count))) AS k
 GROUP BY item_id ORDER BY interact_log2_sum(hot + ln(weight) / ln(2.0::double precision)) DESC, 1 LIMIT 10"
RATED="SELECT item_id, round(score::numeric, 9), ratings FROM interact_top_rated(10)"
RATED_SORT="SELECT item_id, round((p.weight * p.mean + sum(c.total)) / (p.weight + sum(c.count)), 9), sum(c.count)::bigint
  FROM interact_counter AS c,
       (SELECT sum(total) / sum(count) AS mean, sum(count) / count(*) AS weight FROM interact_counter WHERE event = 4) AS p
 WHERE c.event = 4
 GROUP BY item_id, p.weight, p.mean ORDER BY 2 DESC, 1 LIMIT 10"

# One list: both ways say the same, and how long they take.
# $1: name, $2: statement, $3: the sort
bench_list()
{
	local round

	[ "$(value "$2")" = "$(value "$3")" ] || die "$1 differs from the sort of all items"
	for round in $(seq "$ROUNDS"); do
		in_turn "$round" "time_of $1 200 \"\$$4\"" "time_of $1_sort 2 \"\$$4_SORT\""
	done
	result "top 10 $1: time of sorting all items to it" "$(ratio_of "$1_sort" "$1")" ">=" 100 \
		"$(median_of "$1_sort") ms, $(median_of "$1") ms"
}

bench_lists()
{
	local round

	say "Top 10 of $ITEMS items (milliseconds)"
	bench_list popular "$POPULAR" "$POPULAR_SORT" POPULAR
	bench_list views "$VIEWS" "$VIEWS_SORT" VIEWS
	bench_list trending "$TRENDING" "$TRENDING_SORT" TRENDING
	bench_list rated "$RATED" "$RATED_SORT" RATED
	for round in $(seq "$ROUNDS"); do
		time_of popular_1000 20 "SELECT * FROM interact_popular(1000)"
		time_of window 1 "SELECT * FROM interact_popular(10, 'view', '7 days')"
		time_of item_stats 500 "SELECT * FROM interact_item_stats WHERE item_id = $((ITEMS / 2))"
		time_of status 5 "SELECT * FROM interact_status()"
		echo
	done
	remark "top 1000 popular (ms)" "$(median_of popular_1000)" ""
	remark "top 10 of the views of 7 days, counted (ms)" "$(median_of window)" ""
	result "interact_item_stats of one item (ms)" "$(median_of item_stats)" "<=" 1 ""
	remark "interact_status() (ms)" "$(median_of status)" ""
}

bench_hot()
{
	local before after

	say "Recording popular items, $DURATION seconds"
	# The first event after a long time lifts the trend of an item, and with it
	# its level: that is not what goes on.
	record "$DURATION"
	before=$(updates interact_counter)
	record "$DURATION"
	after=$(updates interact_counter)
	result "updates of counters of $POPULAR_ITEMS popular items that are HOT" \
		"$(awk -v b="$before" -v a="$after" 'BEGIN { split(b, x); split(a, y); print (y[2] - x[2]) / (y[1] - x[1]) }')" \
		">=" 0.9 "$(recorded) events"
	before=$(updates interact_counter)
	"$bindir/pgbench" --no-vacuum --protocol=prepared --jobs=2 --client=8 --time="$DURATION" \
		--file="$work/review" >"$work/recorded" 2>&1 || die "pgbench failed"
	after=$(updates interact_counter)
	remark "... of ratings alone, which have one more level" \
		"$(awk -v b="$before" -v a="$after" 'BEGIN { split(b, x); split(a, y); print (y[2] - x[2]) / (y[1] - x[1]) }')" \
		"$(recorded) ratings"
}

bench_rebuild()
{
	local from

	say "interact_rebuild('hot')"
	psql -c "SELECT interact_set('trending_half_life', '7 days')" >/dev/null 2>&1
	from=$(date +%s.%N)
	psql -c "SELECT interact_rebuild('hot')" >/dev/null 2>&1
	remark "interact_rebuild('hot') of $ITEMS items (s)" "$(calc "$(date +%s.%N) - $from")" \
		"$(value "SELECT count(*) FROM interact_counter") counters"
	psql -c "VACUUM"
	[ "$(value "$TRENDING")" = "$(value "$TRENDING_SORT")" ] || die "trending differs after the rebuild"
}

# Old views go while others are recorded; somebody looks at who waits.
bench_prune()
{
	local rows=$ITEMS total from recorder pruned waits=0 seen=0

	say "Pruning $rows views while recording"
	psql -c "INSERT INTO interact_view (user_id, item_id, viewed_at)
	         SELECT 1 + n % 100000, 1 + n * 7919 % $ITEMS, now() - interval '3 years' - n * interval '1 second'
	           FROM generate_series(1::bigint, $rows) AS n" -c "VACUUM (ANALYZE) interact_view"
	total=$(value "SELECT sum(count) FROM interact_counter WHERE event = 0")
	"$bindir/pgbench" --no-vacuum --protocol=prepared --jobs=2 --client=8 --time=100000 \
		--file="$work/view@7" --file="$work/favorite@2" --file="$work/review@1" >"$work/recorded" 2>&1 &
	recorder=$!
	from=$(date +%s.%N)
	value "CALL interact_prune_views(now() - interval '2 years')" >"$work/pruned" &
	pruned=$!
	while kill -0 "$pruned" 2>/dev/null; do
		waits=$((waits + $(value "SELECT count(*) FROM pg_stat_activity
			WHERE application_name = 'pgbench' AND wait_event_type = 'Lock' AND wait_event <> 'extend'")))
		seen=$((seen + 1))
		sleep 0.1
	done
	wait "$pruned" || die "interact_prune_views() failed"
	note prune "$(calc "$(date +%s.%N) - $from")"
	# it would say what it did at the end of its time only: count the rows
	kill "$recorder" || die "recording failed: $(cat "$work/recorded")"
	wait "$recorder" || true
	result "views pruned, of $rows" "$(calc "$(cat "$work/pruned") / $rows")" ">=" 1 \
		"$(median_of prune) s"
	result "sessions seen waiting for a lock while recording" "$waits" "<=" 0 "looked $seen times"
	result "views lost" \
		"$(value "SELECT $total + (SELECT count(*) FROM interact_view WHERE viewed_at > to_timestamp($from))
		               - (SELECT sum(count) FROM interact_counter WHERE event = 0)")" "<=" 0 ""
}

# Where levels say nothing: all items have the same counts.
bench_equal()
{
	say "Equally popular items"
	psql -c "CREATE DATABASE equal"
	export PGDATABASE=equal
	psql -c "CREATE EXTENSION interact" \
		-c "INSERT INTO interact_pruned (item_id, event, count)
		    SELECT n, event, 1 FROM generate_series(1, $ITEMS) AS n, unnest('{view,favorite}'::text[]) AS event" \
		-c "UPDATE interact_pruned SET count = 2 WHERE event = 'view'" -c "VACUUM (ANALYZE)"
	time_of equal 3 "SELECT * FROM interact_popular(10)"
	time_of equal_views 3 "SELECT * FROM interact_popular(10, 'view')"
	time_of equal_favorites 3 "SELECT * FROM interact_popular(10, 'favorite')"
	echo
	export PGDATABASE=bench
	remark "top 10 where all items are equally popular (ms)" "$(median_of equal)" \
		"two views: $(median_of equal_views) ms, one favorite: $(median_of equal_favorites) ms"
}

interact_begin
[ -x "$bindir/pgbench" ] || die "there is no pgbench in $bindir"
build_and_install
start_server "${SETTINGS[@]}"
psql -c "CREATE DATABASE bench"
export PGDATABASE=bench
psql -c "CREATE EXTENSION interact"
facts items "$ITEMS" rounds "$ROUNDS" "seconds of recording" "$DURATION"
write_scripts

say "Generating"
from=$(date +%s)
psql -v items="$ITEMS" -f "$here/popular/generate.sql" >/dev/null
value "SELECT 'views ' || (SELECT count(*) FROM interact_view) || ', favorites ' || (SELECT count(*) FROM interact_favorite)
              || ', ratings ' || (SELECT count(*) FROM interact_review) || ', counters ' || (SELECT count(*) FROM interact_counter)"
echo "$(($(date +%s) - from)) s"

bench_lists
bench_hot
bench_rebuild
bench_prune
bench_equal

say "Every counter recomputed from the rows  interact_check()"
differences=$(value "SELECT count(*) FROM interact_check()")
result "Differences of derived tables from the rows" "$differences" "<=" 0 "interact_check()"

print_results
write_json
