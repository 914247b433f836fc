#!/usr/bin/env bash
# make fuzz: a long run of test/t/040_fuzz.pl on a server with assertions,
# which is built when it is not there (see test/server.sh).
#
#   make fuzz [CALLS=1000000] [SEED=n] [SESSIONS=n]

set -euo pipefail

# shellcheck source=test/setup.sh
source "$(dirname "$0")/../setup.sh"
# shellcheck source=test/server.sh
source "$(dirname "$0")/../server.sh"

export INTERACT_FUZZ_CALLS=${CALLS:-1000000}
export INTERACT_FUZZ_SEED=${SEED:-$(date +%s)}
export INTERACT_FUZZ_SESSIONS=${SESSIONS:-$(nproc)}

assert_server
interact_begin
# shellcheck disable=SC2119
build_and_install

say "Calling at random"
as_server make -s installcheck REGRESS= ISOLATION= PROVE_FLAGS=--verbose \
	PROVE_TESTS=test/t/040_fuzz.pl
