# For people who type `make && make install && make installcheck PG_CONFIG=/path/to/pg_config`: builds the extension with CMake,
# in one folder a server major. CLIENT=ON adds the dbperf program. Developers use ./dev.
PG_CONFIG ?= pg_config
CLIENT ?= OFF
DESTDIR ?=

MAJOR := $(shell $(PG_CONFIG) --version | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
ifeq ($(MAJOR),)
  $(error cannot run $(PG_CONFIG); set PG_CONFIG to the pg_config of your server)
endif
BUILD := build/make-pg$(MAJOR)
# As many as a package build allows, else as many as there are processors.
JOBS := $(or $(patsubst parallel=%,%,$(filter parallel=%,$(DEB_BUILD_OPTIONS))),$(shell nproc))
PG_CONFIG_PATH := $(shell command -v $(PG_CONFIG))
PGXS_TEST := $(shell $(PG_CONFIG) --pkglibdir)/pgxs/src/test
SQL_TESTS := $(sort $(basename $(notdir $(wildcard regress/sql/*.sql))))
SPECS := $(sort $(basename $(notdir $(wildcard regress/specs/*.spec))))
CHECK := --inputdir=. --bindir=$(shell $(PG_CONFIG) --bindir) --load-extension=dbperf

all:
	cmake -S . -B $(BUILD) -DCMAKE_BUILD_TYPE=RelWithDebInfo -DDBPERF_PG_CONFIG=$(PG_CONFIG_PATH) -DDBPERF_CLIENT=$(CLIENT) -DDBPERF_TESTS=OFF
	cmake --build $(BUILD) --parallel $(JOBS)

install: all
	DESTDIR=$(DESTDIR) cmake --install $(BUILD) --component extension
ifeq ($(CLIENT),ON)
	DESTDIR=$(DESTDIR) cmake --install $(BUILD) --component client
endif

# Against the running server that PGHOST, PGPORT and PGUSER name; it must have dbperf in shared_preload_libraries.
# Both in one database: the one that keeps the results.
installcheck:
	cd regress && $(PGXS_TEST)/regress/pg_regress $(CHECK) --outputdir=. --dbname=dbperf_regress $(SQL_TESTS)
ifneq ($(SPECS),)
	cd regress && $(PGXS_TEST)/isolation/pg_isolation_regress $(CHECK) --outputdir=output_isolation --use-existing --dbname=dbperf_regress $(SPECS)
endif

clean:
	rm -rf $(BUILD) regress/results regress/output_isolation regress/regression.diffs regress/regression.out

.PHONY: all install installcheck clean
