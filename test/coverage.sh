#!/usr/bin/env bash
# make coverage: which lines of src/*.c the tests reach.
#
#   test/coverage.sh [STEP...]   steps of test/run.sh, all by default
#
# Prints a line for each file, then the lines that were not reached, and fails
# when fewer than COVERAGE_MIN percent (90 by default) were reached.
# COVERAGE_DIR is a directory to write a report in HTML to.

set -euo pipefail

# shellcheck source=test/setup.sh
source "$(dirname "$0")/setup.sh"

minimum=${COVERAGE_MIN:-90}

interact_begin
command -v lcov >/dev/null || {
	say "Installing lcov"
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update </dev/null
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends \
		-o Dpkg::Use-Pty=0 install lcov </dev/null >"$work/apt.log" 2>&1 ||
		{ cat "$work/apt.log"; die "could not install lcov"; }
}

# Every server process writes its counts beside the object files when it ends.
build_and_install COPT='-O0 --coverage' SHLIB_LINK=--coverage
start_server

[ $# -gt 0 ] || set -- regress isolation tap
status=0
for step in "$@"; do
	say "Running the $step tests"
	case $step in
		regress) args=(ISOLATION= TAP_TESTS=) ;;
		isolation) args=(REGRESS= TAP_TESTS=) ;;
		tap) args=(REGRESS= ISOLATION= ${PROVE_TESTS:+"PROVE_TESTS=$PROVE_TESTS"}) ;;
		*) die "unknown step: $step" ;;
	esac
	as_server make -s installcheck "${args[@]}" </dev/null >"$work/$step.log" 2>&1 || {
		status=1
		tail -n 50 "$work/$step.log"
		echo "the $step tests failed" >&2
	}
done
as_server "$bindir/pg_ctl" stop --silent --mode=fast --pgdata="$work/data"

say "Coverage"
as_server lcov --quiet --capture --directory "$build/src" --base-directory "$build" \
	--no-external --output-file "$work/all.info" 2>"$work/lcov.log" ||
	{ cat "$work/lcov.log"; die "lcov failed"; }
as_server lcov --quiet --extract "$work/all.info" "$build/src/*.c" --output-file "$work/src.info"
if [ -n "${COVERAGE_DIR:-}" ]; then
	mkdir -p "$COVERAGE_DIR"
	genhtml --quiet --output-directory "$COVERAGE_DIR" --prefix "$build" "$work/src.info"
fi

# A record is SF:file, then DA:line,count for each line.
perl -e '
	my ($build, $minimum) = splice @ARGV, 0, 2;
	my ($file, %lines, %missed, $all, $reached);

	while (<>) {
		$file = s/\Q$build\E\/|\s+$//gr if s/^SF://;
		next unless /^DA:(\d+),(\d+)/;
		$lines{$file}++;
		$all++;
		if ($2) { $reached++ } else { push @{ $missed{$file} }, $1 }
	}
	for (sort keys %lines) {
		printf "%-24s %5.1f %% of %d lines\n", $_,
		  100 - 100 * @{ $missed{$_} // [] } / $lines{$_}, $lines{$_};
	}
	print "\nLines that were not reached:\n";
	for (sort keys %missed) {
		# 3 4 5 9 as 3-5 9
		my $text = "";
		my @l = @{ $missed{$_} };
		while (@l) {
			my $first = my $last = shift @l;
			$last = shift @l while @l && $l[0] == $last + 1;
			$text .= $last > $first ? " $first-$last" : " $first";
		}
		print "$_:$text\n";
	}
	printf "\n%.1f %% of %d lines were reached, at least %s %% shall be\n",
	  100 * $reached / $all, $all, $minimum;
	exit(100 * $reached / $all < $minimum ? 1 : 0);
' "$build" "$minimum" "$work/src.info" || status=1
exit "$status"
