#!/usr/bin/env bash
# make bench-evaluate: how well recommend() foretells what users did next,
# beside popularity, trending and item-item similarity in plain SQL, on a
# throwaway server of its own.
#
#   evaluate.sh               a generated split with planted tastes
#   evaluate.sh DIRECTORY     that, and a temporal split of real order lines:
#                             events.tsv.gz of the directory (user, item, event,
#                             quantity, unix time), the last 30 days held out,
#                             for users who have earlier rows
#   evaluate.sh TRAIN TEST    a split of your own: files of tab-separated values
#                             without header, user, item and, if known, seconds
#                             since 1970.  Without times all rows are of one time.
#
# Rows are loaded as views, moved in time so that the newest is of now.  Items
# that the user has in TRAIN are no candidates, and are not looked for in TEST;
# all other items are.  What the metrics are is said in evaluate/metrics.sql.
#
# "Entries read" are index entries of both indexes of interact_affinity, as
# pg_stat_user_indexes counts them (idx_tup_read), per call.  They contain the
# rows of the user, both hops and the look-ups of present numbers of items.
#
#   USERS     test users asked at most (all)
#   SESSIONS  sessions that ask at the same time (number of cores)
#   NEAREST   similar items kept of each item by item-item (20)
#   SET       settings to try, as in SET="window_rows=40 neighbours=100"
#   JSON      file for the figures (test/bench/results/evaluate.json)
#   QUICK=1   fewer users: a look in less than a minute
#
# The exit status says whether it ran, not whether the targets were met.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=test/setup.sh
source "$here/../setup.sh"
# shellcheck source=test/bench/report.sh
source "$here/report.sh"

PLANTED=4000
if [ -n "${QUICK:-}" ]; then
	: "${USERS:=500}"
	PLANTED=1500
fi
USERS=${USERS:-ALL}
SESSIONS=${SESSIONS:-$(nproc)}
NEAREST=${NEAREST:-20}
SET=${SET:-}
JSON=${JSON:-$here/results/evaluate.json}
[[ $JSON == /* ]] || JSON=$PWD/$JSON

HELD_DAYS=30

# ---------- splits ----------

# Order lines, split by time into $work/train and $work/test.
split_orders()
{
	local last

	last=$(gzip -dc "$1" | awk -F '\t' '$5 > last { last = $5 } END { print last }')
	gzip -dc "$1" |
		awk -F '\t' -v OFS='\t' -v cut=$((last - HELD_DAYS * 86400)) \
			-v train="$work/train" -v test="$work/test" '
			$5 < cut { known[$1]; print $1, $2, $5 >train; next }
			{ user[++n] = $1; item[n] = $2; at[n] = $5 }
			END {
				for (i = 1; i <= n; i++)
					if (user[i] in known)
						print user[i], item[i], at[i] >test
			}'
}

# The split with planted tastes, as files that the server writes.
split_planted()
{
	psql --dbname=postgres -v users=$PLANTED -v train="$work/data/train" \
		-v test="$work/data/test" -v tastes="$work/data/tastes" \
		-f "$here/evaluate/planted.sql"
	mv "$work/data/train" "$work/data/test" "$work/data/tastes" "$work"
}

# ---------- one split ----------

# Make a table of a file of user, item and perhaps time.  $1: table, $2: file.
load_file()
{
	psql -c "CREATE TABLE $1 (user_id bigint NOT NULL, item_id bigint NOT NULL,
	                          second double precision NOT NULL)"
	awk -F '\t' -v OFS='\t' '{ print $1, $2, (NF > 2 ? $3 : 0) }' "$2" |
		psql -c "COPY $1 FROM STDIN"
}

# A figure of the table metric.  $1: strategy, $2: column.
metric()
{
	value "SELECT $2 FROM metric WHERE strategy = '$1'"
}

# Evaluate $work/train and $work/test.  $1: name of the split.
evaluate()
{
	local name=$1 before after assignment calls session pids=()

	say "$name: loading"
	unset PGDATABASE
	psql -c "CREATE DATABASE $name"
	export PGDATABASE=$name
	psql -c "CREATE EXTENSION interact"
	for assignment in $SET; do
		psql -c "SELECT interact_set('${assignment%%=*}', '${assignment#*=}')" >/dev/null
	done
	load_file raw_train "$work/train"
	load_file raw_test "$work/test"
	psql -v users="$USERS" -f "$here/evaluate/load.sql"
	psql -c "\\pset footer off" -c "
		SELECT (SELECT count(*) FROM raw_train) AS rows,
		       count(*) AS pairs, count(DISTINCT user_id) AS users, count(DISTINCT item_id) AS items,
		       (SELECT count(*) FROM test_user) AS \"test users\",
		       (SELECT count(*) FROM held JOIN test_user USING (user_id)) AS \"held-out pairs\"
		  FROM train"
	calls=$(value "SELECT count(*) FROM test_user")
	[ "$calls" -gt 0 ] || die "no user of the test rows has an item that is not in the train rows"

	say "$name: $calls calls of recommend() in $SESSIONS sessions"
	before=$(entries)
	for session in $(seq 0 $((SESSIONS - 1))); do
		psql -v session="$session" -v sessions="$SESSIONS" -f "$here/evaluate/ask.sql" &
		pids+=($!)
	done
	for session in "${pids[@]}"; do
		wait "$session" || die "a session failed"
	done
	after=$(entries)

	say "$name: the others"
	psql -v nearest="$NEAREST" -f "$here/evaluate/baselines.sql"
	if [ -e "$work/tastes" ]; then
		psql -c "CREATE TABLE taste (user_id bigint NOT NULL, item_id bigint NOT NULL)"
		psql -c "COPY taste FROM STDIN" <"$work/tastes"
		psql -c "ALTER TABLE taste ADD PRIMARY KEY (user_id, item_id)" -c "ANALYZE taste" \
			-f "$here/evaluate/tastes.sql"
	fi
	psql -f "$here/evaluate/metrics.sql"
	psql -c "\\pset footer off" -c "
		SELECT strategy, round(recall, 4) AS \"Recall@20\", round(ndcg, 4) AS \"NDCG@20\",
		       round(hit_rate, 4) AS \"HR@10\", round(coverage, 3) AS coverage
		  FROM metric ORDER BY ndcg DESC"

	remark "$name: Recall@20" "$(metric recommend recall)" "$calls test users"
	remark "$name: NDCG@20" "$(metric recommend ndcg)" ""
	remark "$name: HR@10" "$(metric recommend hit_rate)" ""
	remark "$name: coverage" "$(metric recommend coverage)" "share of the items"
	remark "$name: index entries read per call" "$(calc "($after - $before) / $calls")" \
		"idx_tup_read of interact_affinity_user and _item"
	remark "$name: ms per call, median" \
		"$(value "SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY ms) FROM call")" \
		"$SESSIONS sessions; 95th percentile $(value \
			"SELECT round(percentile_cont(0.95) WITHIN GROUP (ORDER BY ms)::numeric, 2) FROM call") ms"
}

# Compare recommend() with another strategy in NDCG@20.  $1: split, $2: strategy,
# $3: target.
compare()
{
	local ours theirs

	ours=$(metric recommend ndcg)
	theirs=$(metric "$2" ndcg)
	result "$1: NDCG@20 to $2" "$(calc "$theirs > 0 ? $ours / $theirs : 1")" ">=" "$3" \
		"$(printf '%.4f, %.4f' "$ours" "$theirs")"
}

case $# in
	0) ;;
	1) [ -r "$1/events.tsv.gz" ] || die "cannot read $1/events.tsv.gz" ;;
	2)
		for file in "$1" "$2"; do
			[ -r "$file" ] || die "cannot read $file"
		done
		;;
	*) die "usage: $0 [DIRECTORY | TRAIN TEST]" ;;
esac
files=()
for file in "$@"; do
	files+=("$(realpath "$file")")
done

interact_begin
build_and_install
start_server "fsync = off" "shared_buffers = 512MB" "max_wal_size = 8GB"
psql -c "CREATE DATABASE bench"
psql --dbname=bench -c "CREATE EXTENSION interact"
PGDATABASE=bench facts sessions "$SESSIONS" settings "${SET:-default}"

if [ "${#files[@]}" -eq 2 ]; then
	cp "${files[@]:0:1}" "$work/train"
	cp "${files[@]:1:1}" "$work/test"
	evaluate own
	compare own popularity 1
	compare own trending 1
	compare own item-item 1
else
	if [ "${#files[@]}" -eq 1 ]; then
		split_orders "${files[0]}/events.tsv.gz"
		evaluate orders
		compare orders popularity 2
		compare orders trending 1
		compare orders item-item 1
	fi
	split_planted
	evaluate planted
	compare planted popularity 2
	compare planted "tastes known" 0.8
	result "planted: share of the answers within the user's tastes" "$(value "
		SELECT avg((t.user_id IS NOT NULL)::integer)
		  FROM answer AS a LEFT JOIN taste AS t ON t.user_id = a.user_id AND t.item_id = a.item_id
		 WHERE a.strategy = 'recommend'")" ">=" 0.9 "of any 20 items, 0.05 would be"
fi

print_results
write_json
