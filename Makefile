# interact: PGXS build.  make && make install && make installcheck

EXTENSION = interact
EXTVERSION = $(shell sed -n "s/^default_version *= *'\(.*\)'/\1/p" interact.control)

MODULE_big = interact
OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/*.c)))
SQL_PARTS = $(sort $(wildcard src/sql/*.sql))
DATA_built = interact--$(EXTVERSION).sql
PRIVATE_HEADERS = src/interact.h src/compat.h

REGRESS = $(patsubst sql/%.sql,%,$(sort $(wildcard sql/*.sql)))
ISOLATION = $(patsubst test/specs/%.spec,%,$(sort $(wildcard test/specs/*.spec)))
ISOLATION_OPTS = --inputdir=test --outputdir=test
EXTRA_CLEAN = interact--$(EXTVERSION).sql

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

$(OBJS): $(PRIVATE_HEADERS)

interact--$(EXTVERSION).sql: $(SQL_PARTS)
	cat $(SQL_PARTS) > $@
