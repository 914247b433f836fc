#!/usr/bin/env bash
# make test-sanitize: the tests on a server with assertions, with the extension
# built so that it notices its own mistakes:
#
#   assert      all tests; assertions, and memory checked when it is freed
#   sanitizers  regression and isolation tests with AddressSanitizer and
#               UndefinedBehaviorSanitizer in the extension
#   valgrind    regression tests with the whole server under valgrind, with
#               PostgreSQL's own suppressions
#
# Steps to run may be given as arguments, all by default; REGRESS names the
# regression tests to run, as all of them take an hour or more under valgrind.
# A report counts when one of its frames is ours.  The server is built when it
# is not there (see test/server.sh); the extension goes into that server and
# nowhere else.
#
# The last line of the output is "N passed, N failed".

set -euo pipefail

# shellcheck source=test/setup.sh
source "$(dirname "$0")/setup.sh"
# shellcheck source=test/server.sh
source "$(dirname "$0")/server.sh"

passed=0
failed=0

# Count a step.  $1: what it is, $2: its exit status, $3: directory of reports.
verdict()
{
	local what=$1 status=$2 reports=$3 file

	if [ "$status" -ne 0 ]; then
		failed=$((failed + 1))
		echo "$what: tests FAILED"
		for file in regression.diffs output_iso/regression.diffs; do
			[ ! -s "$file" ] || head -n 200 "$file"
		done
	else
		passed=$((passed + 1))
		echo "$what: tests passed"
	fi

	our_reports "$reports" >"$work/reports"
	if [ -s "$work/reports" ]; then
		failed=$((failed + 1))
		echo "$what: REPORTS with frames of the extension"
		head -n 300 "$work/reports"
	else
		passed=$((passed + 1))
		echo "$what: no report with a frame of the extension" \
			"(files read: $(find "$reports" -type f | wc -l))"
	fi
}

# Print those reports of valgrind and of the sanitizers, in files below $1,
# that name a source file of ours, which lies in $build.
our_reports()
{
	# A report of valgrind ends with an empty line; one of a sanitizer may be
	# any part of the file, so there all of the file counts.
	find "$1" -type f -name 'valgrind.*' -exec \
		sed -E 's/^==[0-9]+== ?//' {} + |
		awk -v RS= -v ours="$build/src/" 'index($0, ours) { print; print "" }'
	find "$1" -type f -name 'sanitizer.*' -exec cat {} +
}

# Run the installed tests; arguments turn steps of installcheck off.
check()
{
	rm -rf regression.diffs output_iso
	as_server make -s installcheck ${REGRESS:+"REGRESS=$REGRESS"} "$@" </dev/null
}

# Build again with these flags and install.
rebuild()
{
	as_server make -s clean >/dev/null
	as_server make -s -j "$(nproc)" all "$@"
	make -s install "$@"
}

new_reports()
{
	reports=$work/reports.$1
	as_server mkdir "$reports"
}

# Stop the server that start_server started.
stop_server()
{
	as_server "$bindir/pg_ctl" stop --silent --mode=fast --pgdata="$work/data"
	rm -rf "$work/data" "$work/socket"
}

step_assert()
{
	local status=0

	say "Assertions"
	rebuild COPT='-O1 -Wall -Wextra -Wno-unused-parameter'
	new_reports assert
	start_server
	check PROVE_FLAGS=--verbose >"$work/assert.log" 2>&1 || status=$?
	[ "$status" -eq 0 ] || grep -E '^ *not ok|FAILED|^#|Dubious' "$work/assert.log" || true
	stop_server
	verdict "assertions" "$status" "$reports"
}

step_sanitizers()
{
	local status=0 flags

	say "AddressSanitizer and UndefinedBehaviorSanitizer"
	flags='-O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fsanitize-recover=address,undefined'
	rebuild COPT="$flags" SHLIB_LINK='-fsanitize=address,undefined'
	new_reports sanitizers

	# The server is not built with them, so that the library has to be loaded
	# first.  What the server leaks at its end is not ours; its stack checks
	# need the real stack.
	server_environment=(
		"LD_PRELOAD=$(gcc -print-file-name=libasan.so):$(gcc -print-file-name=libubsan.so)"
		"ASAN_OPTIONS=detect_leaks=0:detect_stack_use_after_return=0:halt_on_error=0:log_path=$reports/sanitizer.a"
		"UBSAN_OPTIONS=print_stacktrace=1:log_path=$reports/sanitizer.u")
	start_server
	server_environment=()
	grep -q libasan "/proc/$(head -n 1 "$work/data/postmaster.pid")/maps" ||
		die "the server does not run with AddressSanitizer"
	check TAP_TESTS= >"$work/sanitizers.log" 2>&1 || status=$?
	stop_server
	verdict "sanitizers" "$status" "$reports"
}

step_valgrind()
{
	local status=0

	say "valgrind"
	rebuild COPT='-O1 -fno-omit-frame-pointer'
	new_reports valgrind
	server_wrapper=(valgrind --quiet --trace-children=yes --child-silent-after-fork=no
		--leak-check=no --time-stamp=no --error-limit=no --fullpath-after=
		--suppressions="$("$PG_CONFIG" --bindir)/../valgrind.supp"
		--log-file="$reports/valgrind.%p")
	# Slowly: a session may take a while to start.
	start_server "fsync = off" "authentication_timeout = 600s" "autovacuum = on"
	server_wrapper=()
	PGCONNECT_TIMEOUT=600 check TAP_TESTS= ISOLATION= >"$work/valgrind.log" 2>&1 || status=$?
	stop_server
	verdict "valgrind" "$status" "$reports"
}

# Whatever happened, the last line says how it went.
finish()
{
	local status=$?

	cleanup
	if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then
		failed=1
	fi
	printf '\n%d passed, %d failed\n' "$passed" "$failed"
	[ "$failed" -eq 0 ] || exit 1
}

trap 'printf "\n0 passed, 1 failed\n"' EXIT
assert_server
trap - EXIT
interact_begin

[ $# -gt 0 ] || set -- assert sanitizers valgrind
for step in "$@"; do
	case $step in
		assert | sanitizers | valgrind) "step_$step" ;;
		*) die "unknown step: $step" ;;
	esac
done
