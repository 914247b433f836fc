# Functions shared by test/run.sh and test/bench/*.sh: install what is
# missing, build in a private copy, run a throwaway server, remove it all.
# To be sourced by a bash script that has set -euo pipefail.
# shellcheck shell=bash
#
# After interact_begin:
#   top       the checkout
#   work      a new directory; everything written goes below it
#   build     the copy of the checkout in it, where make runs
#   PG_CONFIG the pg_config of the PostgreSQL in use
#   bindir    where its programs are

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# Oldest and newest PostgreSQL the extension is tested with; the newest may not
# be released yet
PG_MIN=15
PG_MAX=19

say()
{
	printf '\n==== %s\n' "$*"
}

die()
{
	printf '%s: %s\n' "$(basename "$0")" "$*" >&2
	exit 1
}

# Run a command as root, whoever we are.
as_root()
{
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "this needs root, and there is no sudo: $*"
	fi
}

# Run a command as the user who owns the server: ourselves, but for root,
# as whom PostgreSQL refuses to run.
as_server()
{
	if [ "$(id -u)" -ne 0 ]; then
		"$@"
	else
		runuser -u "$server_user" -- "$@"
	fi
}

# The major version of the PostgreSQL to use: the one PG_CONFIG belongs to
# or, when that is not installed, is named after; else the distribution's.
wanted_version()
{
	local version

	if command -v "$PG_CONFIG" >/dev/null; then
		version=$("$PG_CONFIG" --version | sed -n 's/^PostgreSQL \([0-9]*\).*/\1/p')
	elif [[ $PG_CONFIG == */* ]]; then
		version=$(sed -n 's,.*/postgresql/\([0-9][0-9]*\)/bin/pg_config$,\1,p' <<<"$PG_CONFIG")
		[ -n "$version" ] || die "there is no $PG_CONFIG"
	else
		version=$(apt-cache depends postgresql 2>/dev/null |
			sed -n 's/.*Depends: postgresql-\([0-9][0-9]*\)$/\1/p' | head -n 1) || true
	fi
	printf '%s\n' "$version"
}

# Where this machine's packages of the distribution come from, one repository
# per line: site, release, component and keyring.
distribution_sources()
{
	local sources

	# shellcheck disable=SC2016
	sources=$(apt-get indextargets \
		--format '$(SITE) $(RELEASE) $(COMPONENT) $(ORIGIN)' 'Created-By: Packages' |
		while read -r site release component origin; do
			case $origin in
				Debian | Ubuntu) ;;
				*) continue ;;
			esac
			echo "$site $release $component" \
				"/usr/share/keyrings/${origin,,}-archive-keyring.gpg"
		done | sort -u) || true
	[ -n "$sources" ] ||
		die "apt does not say where packages come from (try apt-get update)"
	printf '%s\n' "$sources"
}

# The packages that are missing, one per line.  Looks for what the packages
# provide, not for the packages: a PostgreSQL built from source will do.
missing_packages()
{
	local version=$1 bin pgxs include

	command -v make >/dev/null || echo make
	command -v gcc >/dev/null || echo gcc
	[ -e /usr/include/stdlib.h ] || echo libc6-dev
	command -v prove >/dev/null || echo perl
	if ! perl -MIPC::Run -e 1 2>/dev/null; then
		echo libipc-run-perl
	fi
	command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ] || echo pgbouncer

	bin='' pgxs='' include=''
	if command -v "$PG_CONFIG" >/dev/null; then
		bin=$("$PG_CONFIG" --bindir)
		pgxs=$("$PG_CONFIG" --pgxs)
		include=$("$PG_CONFIG" --includedir-server)
	fi
	[ -x "$bin/initdb" ] || echo "postgresql-$version"
	# the makefiles of PGXS come with the server in some versions of the package
	if ! [ -e "$pgxs" ] || ! [ -e "$include/postgres.h" ]; then
		echo "postgresql-server-dev-$version"
	fi
}

# Install what is missing, if anything.
install_packages()
{
	local version packages
	local -a conf

	version=$(wanted_version)
	mapfile -t packages < <(missing_packages "$version")
	if [ "${#packages[@]}" -gt 0 ]; then
		command -v apt-get >/dev/null ||
			die "please install first: ${packages[*]}"

		say "Installing what is missing"
		as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update </dev/null
		# On a fresh machine only now is it known which version there is.
		version=$(wanted_version)
		[ -n "$version" ] || die "no PostgreSQL among the packages, please set PG_CONFIG"
		mapfile -t packages < <(missing_packages "$version")
		echo "${packages[*]}"

		# The server's package would create a cluster and leave it running, that
		# of the pooler a pooler.  Files of our own say no; the user's
		# configuration is not touched.
		conf=()
		if [[ " ${packages[*]}" == *" postgresql-"[1-9]* ]]; then
			conf+=(/etc/postgresql-common/createcluster.d/interact-test.conf)
			as_root mkdir -p "$(dirname "${conf[0]}")"
			echo "create_main_cluster = false" | as_root tee "${conf[0]}" >/dev/null
		fi
		if [[ " ${packages[*]} " == *" pgbouncer "* ]] && ! [ -e /usr/sbin/policy-rc.d ]; then
			conf+=(/usr/sbin/policy-rc.d)
			printf '#!/bin/sh\nexit 101\n' | as_root tee /usr/sbin/policy-rc.d >/dev/null
			as_root chmod 755 /usr/sbin/policy-rc.d
		fi
		# Not a word unless it fails.
		if ! as_root env DEBIAN_FRONTEND=noninteractive \
			apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 \
			install "${packages[@]}" </dev/null >"$work/apt.log" 2>&1; then
			cat "$work/apt.log"
			[ "${#conf[@]}" -eq 0 ] || as_root rm -f "${conf[@]}"
			die "could not install the packages above"
		fi
		[ "${#conf[@]}" -eq 0 ] || as_root rm -f "${conf[@]}"
	fi

	if [ "$version" -lt "$PG_MIN" ] || [ "$version" -gt "$PG_MAX" ]; then
		die "PostgreSQL $version is not supported ($PG_MIN to $PG_MAX are);" \
			"please install one that is and set PG_CONFIG"
	fi
}

# Stop every server below $work and remove the directory.
cleanup()
{
	local pidfile pid

	[ -n "${work:-}" ] && [ -d "$work" ] || return 0
	cd /
	find "$work" -name postmaster.pid 2>/dev/null |
		while read -r pidfile; do
			pid=$(head -n 1 "$pidfile" 2>/dev/null) || continue
			kill -QUIT "$pid" 2>/dev/null || continue
			# The directory can go only when the last process has gone.
			for _ in $(seq 100); do
				kill -0 "$pid" 2>/dev/null || break
				sleep 0.1
			done
		done
	rm -rf "$work"
}

# What to do when the script ends; a script may have something to add.
finish()
{
	cleanup
}

# Start: make $work, install packages, copy the checkout.
interact_begin()
{
	PG_CONFIG=${PG_CONFIG:-pg_config}

	# What the caller's environment says about make or about another server
	# is not meant for ours.
	unset MAKEFLAGS MFLAGS MAKELEVEL TMPDIR DATA
	unset PGHOST PGHOSTADDR PGPORT PGUSER PGDATABASE PGPASSWORD PGPASSFILE
	unset PGSERVICE PGSERVICEFILE PGOPTIONS PGDATA PGSSLMODE PGCLIENTENCODING
	unset PSQLRC PSQL_PAGER
	export LC_ALL=C PAGER=cat

	# In /tmp because the path of a socket may have no more than 107 bytes,
	# and the server's user must be able to go there.
	work=$(mktemp -d /tmp/interact.XXXXXX)
	trap finish EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP

	install_packages

	PG_CONFIG=$(command -v "$PG_CONFIG")
	export PG_CONFIG
	bindir=$("$PG_CONFIG" --bindir)
	server_user=$(id -un)
	if [ "$(id -u)" -eq 0 ]; then
		server_user=postgres
		id postgres >/dev/null 2>&1 || server_user=nobody
	fi

	# A copy: the server's user may not be able to read the checkout, and
	# object files of another PostgreSQL version may lie in it.
	build=$work/interact
	mkdir "$build"
	tar -C "$top" -cf - --exclude=.git --exclude='*.o' --exclude='*.so' \
		--exclude='*.bc' --exclude=./results --exclude=./output_iso \
		--exclude=./tmp_check . | tar -C "$build" -xof -
	if [ "$(id -u)" -eq 0 ]; then
		chown -R "$server_user" "$work"
	fi
	cd "$build" || exit
}

# Build the copy and install the extension.  Arguments are more for make.
# shellcheck disable=SC2120
build_and_install()
{
	local dir writable=yes

	say "Building for $("$PG_CONFIG" --version)"
	as_server make -s -j "$(nproc)" all "$@"

	say "Installing"
	for dir in "$("$PG_CONFIG" --pkglibdir)" "$("$PG_CONFIG" --sharedir)/extension"; do
		[ -w "$dir" ] || writable=no
	done
	if [ "$writable" = yes ]; then
		make -s install "$@"
	else
		as_root make -s install PG_CONFIG="$PG_CONFIG" "$@"
	fi
}

# What the server of start_server is run by (a debugger, say), and what its
# environment says more.
server_wrapper=()
server_environment=()

# Start a server on a socket in $work; psql finds it by the environment.
# Arguments are lines of its configuration; without any it does without fsync.
start_server()
{
	local log=$work/server.log

	[ $# -gt 0 ] || set -- "fsync = off"

	say "Starting a throwaway server"
	as_server mkdir "$work/socket"
	as_server "$bindir/initdb" --pgdata="$work/data" --username=postgres \
		--auth=trust --no-sync --encoding=UTF8 --no-locale >"$work/initdb.log" 2>&1 || {
		cat "$work/initdb.log"
		die "initdb failed"
	}
	{
		echo "listen_addresses = ''"
		echo "unix_socket_directories = '$work/socket'"
		printf '%s\n' "$@"
	} >>"$work/data/postgresql.conf"
	if [ "${#server_wrapper[@]}" -gt 0 ]; then
		as_server "${server_wrapper[@]}" "$bindir/postgres" -D "$work/data" \
			</dev/null >"$log" 2>&1 &
		for _ in $(seq 300); do
			! "$bindir/pg_isready" --quiet --host="$work/socket" || break
			sleep 1
		done
	else
		as_server env "${server_environment[@]}" "$bindir/pg_ctl" start --wait \
			--silent --pgdata="$work/data" --log="$log" </dev/null || true
	fi
	"$bindir/pg_isready" --quiet --host="$work/socket" || {
		cat "$log"
		die "the server did not start"
	}
	export PGHOST=$work/socket PGPORT=5432 PGUSER=postgres
}

# psql of the PostgreSQL in use, stopping at the first error.
psql()
{
	"$bindir/psql" --no-psqlrc --quiet --set=ON_ERROR_STOP=1 "$@"
}
