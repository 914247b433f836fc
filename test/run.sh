#!/usr/bin/env bash
# make test: install what is missing, build, install, and run the regression,
# isolation and TAP tests, each against the installed extension.
#
# The last line of the output is "N passed, N failed", counting single tests;
# the exit status is 0 only when none failed.
#
# PG_CONFIG chooses the PostgreSQL, PROVE_TESTS the TAP scripts; steps to run
# may be given as arguments (regress, isolation, tap; all by default).

set -euo pipefail

# shellcheck source=test/setup.sh
source "$(dirname "$0")/setup.sh"

passed=0
failed=0

# Count the results in one step's output.  $1: file, $2: the step's exit
# status.  PostgreSQL 15's pg_regress prints "test name ... ok", later ones
# and TAP print "ok 1 - name"; a failure that is marked "# TODO" is expected.
count()
{
	local log=$1 status=$2 ok not_ok

	ok=$(grep -cE '^ok [0-9]+|^not ok [0-9]+.*# TODO|^(test)? .* \.\.\. +(ok|failed \(ignored\))' "$log" || true)
	not_ok=$(grep -E '^not ok [0-9]+|^(test)? .* \.\.\. +FAILED' "$log" |
		grep -cv '# TODO' || true)

	# A step that dies before or after its tests has failed too.
	if [ "$status" -ne 0 ] && [ "$not_ok" -eq 0 ]; then
		not_ok=1
	fi
	passed=$((passed + ok))
	failed=$((failed + not_ok))
}

# Print a file under a heading, if there is one and not more than it takes to
# see what is wrong.
show()
{
	[ -s "$1" ] || return 0
	printf '\n---- %s\n' "${1#"$build"/}"
	head -n 1000 "$1"
}

# Print the end of the logs of the TAP scripts that failed.
show_tap_logs()
{
	local script name log

	sed -n 's,^\(test/t/[^ ]*\)\.pl .*(Wstat: .*,\1,p' "$1" |
		while read -r script; do
			name=$(basename "$script")
			for log in tmp_check/log/regress_log_"$name" tmp_check/log/"$name"_*.log; do
				[ -s "$log" ] || continue
				printf '\n---- %s (end)\n' "$log"
				tail -n 100 "$log"
			done
		done
}

# Run one step: $1 its name, further arguments turn the other steps off.
run_step()
{
	local name=$1 log=$work/$1.log status=0
	shift

	say "Running the $name tests"
	as_server make -s installcheck "$@" 2>&1 </dev/null | tee "$log" || status=$?
	count "$log" "$status"

	[ "$status" -ne 0 ] || return 0
	show regression.diffs
	show output_iso/regression.diffs
	if [ "$name" = tap ]; then
		show_tap_logs "$log"
	fi
}

# Whatever happened, the last line says how it went: what ends early, a build
# for instance, has failed.
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

interact_begin
# shellcheck disable=SC2119
build_and_install
start_server

if [ $# -eq 0 ]; then
	set -- regress isolation tap
fi
for step in "$@"; do
	case $step in
		regress) run_step regress ISOLATION= TAP_TESTS= ;;
		isolation) run_step isolation REGRESS= TAP_TESTS= ;;
		tap) run_step tap REGRESS= ISOLATION= PROVE_FLAGS=--verbose \
			${PROVE_TESTS:+"PROVE_TESTS=$PROVE_TESTS"} ;;
		*) die "unknown step: $step" ;;
	esac
	# Diffs of one step are not to be shown again for the next.
	rm -rf regression.diffs output_iso
done

# No tests are no success.
[ "$passed" -gt 0 ]
