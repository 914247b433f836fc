#!/usr/bin/env bash
# make bench-lists: what a page of each list costs, and the functions for
# friends, on a throwaway server of its own.
#
# One user has ROWS rows in every table, one item has ROWS reviews, and one user
# has FRIENDS friends.  Each figure is the median of several rounds; a round runs
# every call CALLS times with pgbench, one session, prepared statements, and
# takes the mean.  "SELECT 1" tells what it costs to ask at all.  Beside the time
# a client waits stands the processor time of the server process, measured in a
# loop there, which does not depend on what else the machine is doing.
#
#   ROUNDS   rounds (5)
#   CALLS    calls of each list in a round (1000)
#   ROWS     rows of the user in each table, and of the item (100000)
#   FRIENDS  friends of the other user (5000)
#   QUICK=1  smaller defaults: a look in about a minute
#
# The exit status says whether it ran, not whether the targets were met.

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=test/setup.sh
source "$here/../setup.sh"

if [ -n "${QUICK:-}" ]; then
	: "${ROUNDS:=3}" "${CALLS:=300}" "${ROWS:=20000}" "${FRIENDS:=1000}"
fi
ROUNDS=${ROUNDS:-5}
CALLS=${CALLS:-1000}
ROWS=${ROWS:-100000}
FRIENDS=${FRIENDS:-5000}

# Most milliseconds of a page, and of a function that looks at all friends
PAGE_TARGET=1
FRIENDS_TARGET=100

# What is measured: target, name, statement.  :day is a quarter down the rows of
# user 1, :past nearly at the end of what friends did.
calls=(
	"$PAGE_TARGET|favorites, a list|SELECT * FROM interact_favorites(1)"
	"$PAGE_TARGET|favorites, a list, deep|SELECT * FROM interact_favorites(1, before => :day, before_id => 0)"
	"$PAGE_TARGET|favorites, all lists|SELECT * FROM interact_favorites(1, NULL)"
	"$PAGE_TARGET|which of 20 are favorites|SELECT * FROM interact_is_favorite(1, :grid)"
	"$PAGE_TARGET|recently viewed|SELECT * FROM interact_recently_viewed(1)"
	"$PAGE_TARGET|recently viewed, deep|SELECT * FROM interact_recently_viewed(1, before => :day)"
	"$PAGE_TARGET|recently viewed, after $((ROWS / 10)) views of one item|SELECT * FROM interact_recently_viewed(2)"
	"$PAGE_TARGET|recently viewed, all favored since|SELECT * FROM interact_recently_viewed(3)"
	"$PAGE_TARGET|cart|SELECT * FROM interact_cart(1, 20)"
	"$PAGE_TARGET|purchases|SELECT * FROM interact_purchases(1)"
	"$PAGE_TARGET|purchases, deep|SELECT * FROM interact_purchases(1, before => :day, before_id => 0)"
	"$PAGE_TARGET|reviews of an item|SELECT * FROM interact_reviews(1)"
	"$PAGE_TARGET|reviews of an item, by rating|SELECT * FROM interact_reviews(1, 'lowest')"
	"$PAGE_TARGET|reviews of an item, by rating, deep|SELECT * FROM interact_reviews(1, 'highest', before => :day, before_id => 0, before_rating => 3)"
	"$PAGE_TARGET|reviews of a user|SELECT * FROM interact_user_reviews(1)"
	"$PAGE_TARGET|reactions|SELECT * FROM interact_reactions(1)"
	"$PAGE_TARGET|reactions, one of them|SELECT * FROM interact_reactions(1, 'like')"
	"$PAGE_TARGET|history|SELECT * FROM interact_history(1)"
	"$PAGE_TARGET|history, deep|SELECT * FROM interact_history(1, before => :day)"
	"$PAGE_TARGET|friends|SELECT * FROM interact_friends(4)"
	"$PAGE_TARGET|followers|SELECT * FROM interact_followers(4)"
	"$FRIENDS_TARGET|what $FRIENDS friends like|SELECT * FROM interact_friends_liked(4)"
	"$FRIENDS_TARGET|feed of $FRIENDS friends|SELECT * FROM interact_friends_feed(4)"
	"$FRIENDS_TARGET|feed of $FRIENDS friends, deep|SELECT * FROM interact_friends_feed(4, before => :past)"
	"$FRIENDS_TARGET|people you may know|SELECT * FROM interact_people_you_may_know(4)"
)

# The median of the arguments
median()
{
	printf '%s\n' "$@" | sort -g |
		awk '{ v[NR] = $1 } END { printf "%.6g", (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

# The statement with values for its placeholders
filled()
{
	local statement=$1

	statement=${statement//:day/\'$day\'}
	statement=${statement//:past/\'$past\'}
	printf '%s\n' "${statement//:grid/\'\{$(seq -s , 1 20)\}\'}"
}

# Mean milliseconds of a statement.  $1: statement, $2: calls
latency()
{
	printf '%s;\n' "$1" >"$work/call.sql"
	"$bindir/pgbench" --no-vacuum --protocol=prepared --transactions="$2" \
		--file="$work/call.sql" >"$work/pgbench" 2>&1 || {
		cat "$work/pgbench"
		die "pgbench failed"
	}
	sed -n 's/^latency average = \([0-9.]*\) ms/\1/p' "$work/pgbench"
}

# Mean milliseconds of processor time.  $1: statement, $2: calls
processor()
{
	psql --no-align --tuples-only -c "SELECT round(processor(\$call\$$1\$call\$, $2), 3)"
}

[ "$(uname -s)" = Linux ] || die "this reads processor time from /proc, which needs Linux"
interact_begin
[ -x "$bindir/pgbench" ] || die "there is no pgbench in $bindir"
build_and_install
start_server "shared_buffers = 1GB" "max_wal_size = 16GB" "fsync = off" "jit = off"
psql -c "CREATE DATABASE bench"
export PGDATABASE=bench
psql -c "CREATE EXTENSION interact"

say "Filling: $ROWS rows of one user in every table, $FRIENDS friends of another"
psql -v rows="$ROWS" -v friends="$FRIENDS" -f "$here/lists/fill.sql" >/dev/null
psql -c "VACUUM (ANALYZE)"
day=$(psql --no-align --tuples-only -c "SELECT viewed_at FROM interact_view WHERE user_id = 1 ORDER BY id OFFSET $ROWS * 3 / 4 LIMIT 1")
past=$(psql --no-align --tuples-only -c "SELECT created_at FROM interact_favorite WHERE user_id > 1000000 ORDER BY created_at OFFSET $FRIENDS LIMIT 1")

declare -A values processors base
for round in $(seq "$ROUNDS"); do
	say "Round $round of $ROUNDS (milliseconds)"
	base[$round]=$(latency "SELECT 1" "$CALLS")
	for call in "${calls[@]}"; do
		IFS='|' read -r target name statement <<<"$call"
		n=$CALLS
		[ "$target" = "$PAGE_TARGET" ] || n=$((CALLS / 50 + 1))
		statement=$(filled "$statement")
		ms=$(latency "$statement" "$n")
		values[$name]="${values[$name]:-}${values[$name]:+ }$ms"
		processors[$name]="${processors[$name]:-}${processors[$name]:+ }$(processor "$statement" "$n")"
		printf '%s %s, ' "$name" "$ms"
	done
	echo
done

say "Result (milliseconds, medians of $ROUNDS rounds)"
printf '%-50s %9s %9s %9s\n' "" time target processor
for call in "${calls[@]}"; do
	IFS='|' read -r target name statement <<<"$call"
	# shellcheck disable=SC2086 # one word per value
	ms=$(median ${values[$name]})
	verdict=SHORT
	if awk "BEGIN { exit !($ms <= $target) }"; then
		verdict=ok
	fi
	# shellcheck disable=SC2086
	printf '%-50s %9.3f %9s %9.3f  %s\n' "$name" "$ms" "<= $target" "$(median ${processors[$name]})" "$verdict"
done
# shellcheck disable=SC2068 # one word per value
printf '%-50s %9.3f\n' "SELECT 1" "$(median ${base[@]})"
echo
echo "$("$PG_CONFIG" --version), $(nproc) cores, load average: $(cut -d ' ' -f 1-3 /proc/loadavg 2>/dev/null)"

say "Every counter recomputed from the rows  interact_check()"
psql --no-align --tuples-only -c "SELECT count(*) || ' differences' FROM interact_check()"
