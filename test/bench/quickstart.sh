#!/usr/bin/env bash
# make quickstart: install what is missing, build, and show on a throwaway
# server what the extension does.  Leaves nothing running.
#
# Without an argument it loads a generated shop (shop.sql).  With one, real
# order lines from a directory that contains, tab separated, without header:
#   events.tsv.gz    user, item, "purchase", quantity, unix time
#   item_titles.tsv  item, description
# and then also checks that customers get what they have not bought yet.
#
# TUNE=60 also looks, for so many seconds, for settings that suit the data.

set -euo pipefail

here=$(dirname "$0")
# shellcheck source=test/setup.sh
source "$here/../setup.sh"

# Of 100 random customers, how many must get ten products they never bought
MIN_SERVED=95

data=${1:-}
if [ -n "$data" ]; then
	for file in events.tsv.gz item_titles.tsv; do
		[ -r "$data/$file" ] || die "cannot read $data/$file"
	done
	data=$(cd "$data" && pwd)
fi

# Products, in the form of the application's own table.  The separator of
# quotes is a byte that no description contains.
load_titles()
{
	psql -c "CREATE TABLE product (id bigint PRIMARY KEY, name text NOT NULL)"
	psql -c "COPY product (id, name) FROM STDIN
	         WITH (FORMAT csv, DELIMITER E'\t', QUOTE E'\b', FORCE_NOT_NULL (name))" \
		<"$data/item_titles.tsv"
	psql -c "UPDATE product SET name = 'item ' || id WHERE name = ''"
}

# Order lines straight into the base table.  awk turns unix time into a form
# that PostgreSQL reads: Julian day and time of day.
# shellcheck disable=SC2317 # called by timed
load_purchases()
{
	gzip -dc "$data/events.tsv.gz" |
		awk -F '\t' -v OFS='\t' '
			$3 != "purchase" {
				print "line " NR ": not a purchase" >"/dev/stderr"
				exit 1
			}
			{
				second = $5 % 86400
				print $1, $2, $4, sprintf("J%d %02d:%02d:%02d+00",
					($5 - second) / 86400 + 2440588,
					second / 3600, second % 3600 / 60, second % 60)
			}' |
		psql -c "COPY interact_purchase (user_id, item_id, quantity, purchased_at) FROM STDIN"
}

# Run a loading step and say how long it took.
timed()
{
	local start=$EPOCHREALTIME end

	"$@"
	end=$EPOCHREALTIME
	awk -v s="$start" -v e="$end" 'BEGIN { printf "loaded in %.1f s\n", e - s }'
}

# A value of the database
value()
{
	psql --no-align --tuples-only -c "$1"
}

interact_begin
build_and_install
start_server
psql -c "CREATE DATABASE shop"
export PGDATABASE=shop

psql -c "CREATE EXTENSION interact"

if [ -n "$data" ]; then
	say "Loading order lines"
	load_titles
	timed load_purchases
else
	say "Loading a generated shop"
	timed psql -f test/bench/shop.sql
fi
# So that the indexes alone can be read; autovacuum would do it in a minute.
psql -c "VACUUM (ANALYZE)"
psql -c "\\pset footer off" -c "
	SELECT (SELECT count(*) FROM product) AS products,
	       count(DISTINCT user_id) AS users,
	       count(*) AS interactions,
	       min(at)::date AS first, max(at)::date AS last
	  FROM interact_fact"

if [ -n "$data" ]; then
	# A customer of average diligence, and the product sold to most
	customer=$(value "
		SELECT user_id FROM interact_purchase GROUP BY user_id
		 HAVING count(DISTINCT item_id) BETWEEN 30 AND 40
		 ORDER BY hashint8extended(user_id, 7) LIMIT 1")
	seen=$(value "SELECT item_id FROM interact_popular(1)")
else
	# Somebody who likes trail running, and what they saw last
	customer=$(value "
		SELECT v.user_id FROM interact_view AS v JOIN product AS p ON p.id = v.item_id
		 GROUP BY v.user_id
		 HAVING count(*) BETWEEN 30 AND 50
		    AND count(*) FILTER (WHERE category = 'Trail Running Shoes') >= 12
		    AND count(DISTINCT category) >= 3
		 ORDER BY max(v.viewed_at) DESC, v.user_id LIMIT 1")
	seen=$(value "
		SELECT v.item_id FROM interact_view AS v JOIN product AS p ON p.id = v.item_id
		 WHERE v.user_id = $customer AND category = 'Trail Running Shoes'
		 ORDER BY v.viewed_at DESC LIMIT 1")
fi

psql --set=customer="$customer" --set=seen="$seen" -f test/bench/tour.sql

if [ -n "${TUNE:-}" ]; then
	say "Which settings suit these data: $TUNE seconds of interact_tune()"
	psql -c "
		SELECT candidate, settings, evaluated AS users, round(ndcg::numeric, 4) AS ndcg,
		       round(100 * gain::numeric, 1) AS \"gain %\", round(ms_per_call::numeric, 2) AS ms,
		       round(confirmed_ndcg::numeric, 4) AS confirmed,
		       round(100 * confirmed_gain::numeric, 1) AS \"gain % \", result
		  FROM interact_tune($TUNE)"
fi

status=0
if [ -n "$data" ]; then
	say "Of 100 random customers"
	served=$(value "
		SELECT count(*) FROM (
			SELECT c.user_id
			  FROM (SELECT user_id FROM interact_purchase GROUP BY user_id
			         ORDER BY hashint8extended(user_id, 42) LIMIT 100) AS c
			 CROSS JOIN LATERAL recommend(c.user_id, 10) AS r
			  LEFT JOIN LATERAL (SELECT 1 AS bought FROM interact_purchase AS p
			                      WHERE p.user_id = c.user_id AND p.item_id = r.item_id
			                      LIMIT 1) AS p ON true
			 GROUP BY c.user_id
			HAVING count(DISTINCT r.item_id) = 10 AND count(p.bought) = 0) AS s")
	echo "$served get 10 recommendations they never bought (at least $MIN_SERVED must)"
	[ "$served" -ge "$MIN_SERVED" ] || status=1
fi

say "Every counter recomputed from the rows  interact_check()"
differences=$(value "SELECT count(*) FROM interact_check()")
echo "$differences differences"
[ "$differences" -eq 0 ] || status=1

exit "$status"
