# interact: PGXS build.  make && make install && make installcheck
#
#   make test             on a fresh Debian or Ubuntu machine: everything
#   make test-clients     drivers and ORMs of other languages
#   make test-versions    everything on all versions of PostgreSQL
#   make test-sanitize    assertions, sanitizers, valgrind
#   make fuzz             random calls
#   make coverage         lines that the tests reach
#   make quickstart       a demonstration on a throwaway server
#   make bench-record     what recording costs, compared with plain tables
#   make bench-recommend  what recommending costs, compared with other ways
#   make bench-evaluate   how well recommend() foretells what users do next
#   make bench-analytics  what the analytic functions cost
#   make bench-lists      what a page of each list costs
#   make bench-popular    what top lists cost, compared with sorting all items

EXTENSION = interact
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" interact.control)

MODULE_big = interact
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c)))
PRIVATE_HEADERS = $(wildcard src/*.h)

# The install script is built from its parts, in the order of their numbers.
SQL_PARTS = $(sort $(wildcard src/sql/[0-9][0-9]_*.sql))
DATA = $(wildcard interact--*--*.sql)
DATA_built = interact--$(EXTVERSION).sql

# Expanded at once: PGXS asks whether they are empty.
REGRESS := $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
ISOLATION := $(patsubst test/specs/%.spec,%,$(sort $(wildcard test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test
PROVE_TESTS := $(sort $(wildcard test/t/*.pl))

# tmp_check also when this make could not have run the TAP tests
EXTRA_CLEAN = tmp_check

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs 2>/dev/null)

ifneq ($(wildcard $(PGXS)),)

# TAP tests need PostgreSQL's Perl modules, which packages of the server's
# headers contain, and IPC::Run.
ifneq ($(PROVE_TESTS),)
ifneq ($(wildcard $(dir $(PGXS))../test/perl/PostgreSQL/Test/Cluster.pm),)
ifeq ($(shell perl -MIPC::Run -e 'print 1' 2>/dev/null),1)
TAP_TESTS = 1
endif
endif
endif

# PostgreSQL was built with LLVM: PGXS would want to run the same clang, but
# bitcode is an extra.
ifeq ($(shell command -v $$(sed -n 's/^CLANG *= *//p' $(dir $(PGXS))../Makefile.global) 2>/dev/null),)
override with_llvm = no
endif

include $(PGXS)

$(OBJS) $(OBJS:.o=.bc): $(PRIVATE_HEADERS)

interact--$(EXTVERSION).sql: $(SQL_PARTS) interact.control
	cat $(SQL_PARTS) > $@

else

all install uninstall installcheck clean:
	@echo "PostgreSQL's files for building extensions were not found." >&2
	@echo "Install them (Debian, Ubuntu: postgresql-server-dev-NN) or set PG_CONFIG." >&2
	@exit 1

endif

# These install what they need and work in a directory of their own.
export PG_CONFIG

test:
	@test/run.sh

test-clients:
	@test/clients/run.sh $(CLIENTS)

test-versions:
	@test/versions.sh $(VERSIONS)

test-sanitize:
	@test/sanitize.sh

fuzz:
	@CALLS='$(CALLS)' SEED='$(SEED)' SESSIONS='$(SESSIONS)' test/fuzz/run.sh

coverage:
	@test/coverage.sh

# DATA is a list of files to install, to PGXS; on the command line it is the
# directory to load.
quickstart:
	@test/bench/quickstart.sh $(if $(filter command,$(origin DATA)),'$(DATA)')

bench-record:
	@test/bench/record.sh

bench-recommend:
	@test/bench/recommend.sh

bench-evaluate:
	@test/bench/evaluate.sh $(if $(filter command,$(origin DATA)),'$(DATA)') \
		$(if $(TRAIN),'$(TRAIN)' '$(TEST)')

bench-lists:
	@test/bench/lists.sh

bench-analytics:
	@test/bench/analytics.sh

bench-popular:
	@test/bench/popular.sh

.PHONY: all install uninstall installcheck clean test test-clients \
	test-versions test-sanitize fuzz coverage quickstart bench-record \
	bench-recommend bench-evaluate bench-lists bench-analytics bench-popular
