#!/usr/bin/env bash
# make test-clients: drivers and ORMs of other languages use the tables and the
# functions, on a throwaway server, as a role that has read and write.
#
# What they need comes from the package registries into a directory that is
# removed at the end: with npm from the registry of npm, with apt-get (and
# without installing anything) from that of Debian or Ubuntu.  A client whose
# packages or interpreter cannot be had is skipped, and told so.
#
#   run.sh            all clients
#   run.sh NAME...    these: pg, knex, sequelize, psycopg, sqlalchemy, django
#
# A client is a script that prints "ok - ..." or "not ok - ..." for what it
# tries.  After each of them interact_check() has to return no rows.  The last
# line is "N passed, N failed".

set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
# shellcheck source=test/setup.sh
source "$here/../setup.sh"

CLIENTS=(pg knex sequelize psycopg sqlalchemy django)
[ $# -eq 0 ] || CLIENTS=("$@")

passed=0 failed=0 skipped=()

# ---------- packages ----------

# Packages of npm into $work/node, once.
node_packages()
{
	[ ! -d "$work/node/node_modules" ] || return 0
	command -v node >/dev/null && command -v npm >/dev/null || return 1
	mkdir -p "$work/node"
	cp "$here/package.json" "$here"/*.js "$work/node/"
	(cd "$work/node" && npm install --no-audit --no-fund --no-update-notifier >npm.log 2>&1)
}

# Packages of Debian, unpacked into $work/python, once.  Those of Python modules
# are for the distribution's own interpreter.
python_packages()
{
	local packages=(python3-psycopg python3-psycopg2 python3-sqlalchemy
		python3-django python3-asgiref python3-sqlparse python3-tz
		python3-typing-extensions)

	[ ! -d "$work/python" ] || return 0
	[ -x /usr/bin/python3 ] && command -v apt-get dpkg >/dev/null || return 1
	mkdir -p "$work/deb"
	(
		cd "$work/deb"
		apt-get -qq download "${packages[@]}" >apt.log 2>&1 || {
			as_root apt-get -qq update
			apt-get -qq download "${packages[@]}" >apt.log 2>&1
		}
	) || return 1
	for package in "$work"/deb/*.deb; do
		dpkg -x "$package" "$work/python" || return 1
	done
}

# ---------- running ----------

# Run one client, count what it tells.  $1: name
run_client()
{
	local name=$1 status=0 command differences

	say "$name"
	case $name in
		pg | knex | sequelize)
			if ! node_packages; then
				skipped+=("$name")
				echo "skipped: no node, no npm, or its packages cannot be had"
				return
			fi
			command=(node "$work/node/$name.js")
			;;
		psycopg | sqlalchemy | django)
			if ! python_packages; then
				skipped+=("$name")
				echo "skipped: no python3, or its packages cannot be had"
				return
			fi
			command=(env PYTHONPATH="$work/python/usr/lib/python3/dist-packages"
				PYTHONDONTWRITEBYTECODE=1 /usr/bin/python3 "$here/${name}_client.py")
			;;
		*)
			die "unknown client: $name"
			;;
	esac

	PGUSER=shop_app PGDATABASE=clients "${command[@]}" >"$work/$name.log" 2>&1 || status=$?
	cat "$work/$name.log"
	passed=$((passed + $(grep -c '^ok - ' "$work/$name.log" || true)))
	failed=$((failed + $(grep -c '^not ok - ' "$work/$name.log" || true)))
	if [ "$status" -ne 0 ] && ! grep -q '^not ok - ' "$work/$name.log"; then
		echo "not ok - $name ended with status $status"
		failed=$((failed + 1))
	fi

	differences=$(psql --dbname=clients --no-align --tuples-only \
		-c "SELECT * FROM interact_check()")
	if [ -z "$differences" ]; then
		echo "ok - interact_check() returns no rows"
		passed=$((passed + 1))
	else
		echo "$differences"
		echo "not ok - interact_check() returns no rows"
		failed=$((failed + 1))
	fi
}

interact_begin
build_and_install
start_server
psql -c "CREATE DATABASE clients" -c "CREATE ROLE shop_app LOGIN"
psql --dbname=clients -c "CREATE EXTENSION interact" \
	-c "SELECT interact_grant('shop_app', 'read'), interact_grant('shop_app', 'write')" >/dev/null
for client in "${CLIENTS[@]}"; do
	run_client "$client"
done

echo
[ "${#skipped[@]}" -eq 0 ] || echo "skipped: ${skipped[*]}"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
