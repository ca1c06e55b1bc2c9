# Builds, starts, tests and measures Tollgate; `make help` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

BUILD ?= build
DESTDIR ?=
PREFIX ?= /usr
NGX_SRC ?= /usr/share/nginx/src
NGX_TREE ?=
NGX_TREE_FLAGS ?= --with-compat --with-threads --with-http_ssl_module \
	--with-http_v2_module --with-http_realip_module \
	--with-http_auth_request_module --with-http_addition_module \
	--with-http_sub_module --with-http_slice_module \
	--with-http_stub_status_module

BUILD_PACKAGES = build-essential pkg-config nginx nginx-dev libhiredis-dev \
	libpq-dev libjansson-dev libcurl4-openssl-dev libssl-dev zlib1g-dev \
	libmicrohttpd-dev libinih-dev
RUN_PACKAGES = perl redis-server redis-tools postgresql postgresql-contrib curl
NODE_PACKAGES = $(if $(shell command -v node && command -v npm),,nodejs npm)
TEST_PACKAGES = git prometheus openssl clang libclang-rt-14-dev valgrind wrk \
	$(RUN_PACKAGES) $(NODE_PACKAGES)
MODULE_PACKAGES = libbrotli1 libgd3 libgeoip1 libluajit2-5.1-2 libmaxminddb0 \
	libmodsecurity3 libpam0g libpcre3 libperl5.36 libxml2 libxslt1.1
BENCH_PACKAGES = libluajit2-5.1-2 valgrind wrk $(RUN_PACKAGES) $(NODE_PACKAGES)

WARN = -Wall -Wextra -Wshadow -Werror
OPT ?= -O2 -g
CFLAGS_ALL = -std=c11 -D_GNU_SOURCE $(OPT) $(WARN) -fstack-protector-strong \
	-D_FORTIFY_SOURCE=2 -Iredis -Iworker -I$(BUILD) $(CFLAGS)
PKG = $(shell pkg-config --$(1) $(2) 2>/dev/null)
WORKER_LIBS = hiredis libpq jansson libssl libcrypto libmicrohttpd
CLI_LIBS = jansson libcurl

WORKER_SRC = $(filter-out worker/http.c,$(wildcard worker/*.c worker/jobs/*.c))
CLI_SRC = $(wildcard worker/cli/*.c) worker/http.c
WORKER_OBJ = $(WORKER_SRC:%.c=$(BUILD)/%.o)
CLI_OBJ = $(CLI_SRC:%.c=$(BUILD)/%.o)
SCRIPTS = $(wildcard redis/*.lua)

.PHONY: all module module-asan module-tree nginx-tree worker cli fuzzers \
	fuzz sdk up down test test-faults test-mutations bench bench-instructions \
	bench-settle bench-soak install clean deps test-deps bench-deps help
.DELETE_ON_ERROR:

all: module worker cli          ## build everything

help:
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | \
	    sed -E 's/:.*## /\t/' | expand -t 20

# --- what Debian's packages bring ---------------------------------------------

deps:                           ## install what a build needs
	@tools/packages.sh $(BUILD_PACKAGES)

up-deps:
	@tools/packages.sh $(BUILD_PACKAGES) $(RUN_PACKAGES)

test-deps:
	@tools/packages.sh $(BUILD_PACKAGES) $(TEST_PACKAGES) $(MODULE_PACKAGES)
	@tools/debian_modules.sh $(abspath $(BUILD))/debian-modules

bench-deps:
	@tools/packages.sh $(BUILD_PACKAGES) $(BENCH_PACKAGES)
	@tools/debian_modules.sh $(abspath $(BUILD))/debian-modules

# --- programs -----------------------------------------------------------------

module: deps                    ## build/ngx_http_tollgate_module.so
	@$(MAKE) --no-print-directory $(BUILD)/ngx_http_tollgate_module.so

module-asan: deps               ## build/asan/: the same under sanitizers
	@$(MAKE) --no-print-directory BUILD=$(BUILD)/asan \
	    NGX_CC_OPT="-fsanitize=address,undefined -fno-sanitize-recover=undefined" \
	    NGX_LD_OPT="-fsanitize=address,undefined" \
	    $(BUILD)/asan/ngx_http_tollgate_module.so

worker: deps                    ## build/tollgate-worker
	@$(MAKE) --no-print-directory $(BUILD)/tollgate-worker

cli: deps                       ## build/tollgate
	@$(MAKE) --no-print-directory $(BUILD)/tollgate

MODULE_DEPS = config config.make $(wildcard ngx_module/*) $(SCRIPTS) \
	$(wildcard redis/*/*.lua) $(wildcard redis/*.h) tools/embed_lua.sh

$(BUILD)/ngx/Makefile: config config.make $(NGX_SRC)/conf_flags
	@mkdir -p $(@D)
	@echo "configure nginx module"
	@cd $(NGX_SRC) && . ./conf_flags && \
	    ./configure --with-cc-opt="-O2 -g -Wextra -Wno-unused-parameter \
	        -Wno-missing-field-initializers -fPIC $(NGX_CC_OPT)" \
	        --with-ld-opt="-fPIC $(NGX_LD_OPT)" "$${NGX_CONF_FLAGS[@]}" \
	        --add-dynamic-module=$(CURDIR) --builddir=$(abspath $(@D)) \
	        > $(abspath $(@D))/configure.log || \
	    { tail -20 $(abspath $(@D))/configure.log; exit 1; }

$(BUILD)/ngx_http_tollgate_module.so: $(BUILD)/ngx/Makefile $(MODULE_DEPS)
	@echo "build $@"
	@$(MAKE) --no-print-directory -f $(abspath $(BUILD))/ngx/Makefile \
	    -C $(NGX_SRC) modules > $(BUILD)/ngx/make.log || \
	    { tail -40 $(BUILD)/ngx/make.log; exit 1; }
	@cp $(BUILD)/ngx/ngx_http_tollgate_module.so $@.tmp && mv $@.tmp $@

# nginx from source: a released tree, or a clone of its repository.

module-tree: deps               ## build/tree/: the module for the nginx source in NGX_TREE=
	@$(MAKE) --no-print-directory $(BUILD)/tree/Makefile
	@echo "build $(BUILD)/tree/ngx_http_tollgate_module.so"
	@$(MAKE) --no-print-directory -f $(abspath $(BUILD))/tree/Makefile \
	    -C $(NGX_TREE) modules > $(BUILD)/tree/make.log || \
	    { tail -40 $(BUILD)/tree/make.log; exit 1; }

nginx-tree: module-tree         ## build/tree/nginx: that nginx itself, for the tests
	@echo "build $(BUILD)/tree/nginx"
	@$(MAKE) --no-print-directory -f $(abspath $(BUILD))/tree/Makefile \
	    -C $(NGX_TREE) binary > $(BUILD)/tree/make.log || \
	    { tail -40 $(BUILD)/tree/make.log; exit 1; }

$(BUILD)/tree/Makefile: config config.make
	@test -n "$(NGX_TREE)" || { echo "NGX_TREE= is not given" >&2; exit 1; }
	@mkdir -p $(@D)
	@echo "configure $(NGX_TREE)"
	@cd $(NGX_TREE) && \
	    $$(test -e auto/configure && echo auto/configure || echo ./configure) \
	        --builddir=$(abspath $(@D)) --add-dynamic-module=$(CURDIR) \
	        $(NGX_TREE_FLAGS) > $(abspath $(@D))/configure.log || \
	    { tail -20 $(abspath $(@D))/configure.log; exit 1; }

$(BUILD)/tollgate_scripts.h: $(SCRIPTS) $(wildcard redis/*/*.lua) tools/embed_lua.sh
	@mkdir -p $(@D)
	@tools/embed_lua.sh $@ $(SCRIPTS)

$(BUILD)/tollgate-worker: $(WORKER_OBJ)
	@echo "link $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(call PKG,libs,$(WORKER_LIBS)) -linih -lpthread

$(BUILD)/tollgate: $(CLI_OBJ)
	@echo "link $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(call PKG,libs,$(CLI_LIBS))

$(BUILD)/%.o: %.c $(BUILD)/tollgate_scripts.h
	@mkdir -p $(@D)
	@echo "cc $<"
	@$(CC) $(CFLAGS_ALL) $(call PKG,cflags,$(WORKER_LIBS)) -MMD -MP -c -o $@ $<

-include $(WORKER_OBJ:.o=.d) $(CLI_OBJ:.o=.d)

# --- fuzz targets: one a reader of bytes from outside ---------------------------

FUZZ_NGX = accept catalog cluster key link meter pass price reply scan verdict
FUZZ_WORKER = conf event route usage
FUZZ = $(FUZZ_NGX) $(FUZZ_WORKER)
RUNS ?= 1000000

# What a target is linked with, besides what it includes.
NGX_UNIT = ngx_module/ngx_http_tollgate_$(1).c
fuzz_accept = $(call NGX_UNIT,accept)
fuzz_catalog = $(call NGX_UNIT,catalog)
fuzz_cluster = $(call NGX_UNIT,cluster)
fuzz_link = $(call NGX_UNIT,origin)
fuzz_meter = $(call NGX_UNIT,meter_json) $(call NGX_UNIT,meter_scan) -ljansson
fuzz_pass = $(call NGX_UNIT,key) $(call NGX_UNIT,pass)
fuzz_price = $(call NGX_UNIT,catalog) $(call NGX_UNIT,complain) \
	$(call NGX_UNIT,number)
fuzz_reply = $(call NGX_UNIT,complain) $(call NGX_UNIT,reply)
fuzz_scan = $(call NGX_UNIT,scan) $(call NGX_UNIT,scan_path) \
	$(call NGX_UNIT,scan_string) -ljansson
fuzz_verdict = $(call NGX_UNIT,complain) $(call NGX_UNIT,named) $(call NGX_UNIT,reply) \
	$(call NGX_UNIT,verdict)
fuzz_conf = worker/conf_check.c
fuzz_event = worker/rows.c worker/token.c
fuzz_route = worker/api_problem.c worker/conf.c worker/conf_check.c
fuzz_usage = worker/rows.c worker/token.c

FUZZ_CFLAGS = -g -O1 -D_GNU_SOURCE -Wall -Wextra -Werror -Wno-unused-parameter \
	-Wno-missing-field-initializers -fno-sanitize-recover=undefined \
	-fsanitize=fuzzer,address,undefined -Iredis
FUZZ_DEPS = $(wildcard t/fuzz/*.[ch] ngx_module/* worker/*.[ch] redis/*.h) \
	Makefile
NGX_INCS = $(addprefix -I$(NGX_SRC)/src/,core event event/modules os/unix http \
	http/modules http/v2) -I$(BUILD)/ngx -Ingx_module

fuzzers: $(FUZZ:%=$(BUILD)/fuzz/%)

$(FUZZ_NGX:%=$(BUILD)/fuzz/%): SHIM = t/fuzz/ngx_shim.c $(NGX_INCS) -lhiredis
$(FUZZ_WORKER:%=$(BUILD)/fuzz/%): SHIM = t/fuzz/worker_shim.c -Iworker -linih \
	-ljansson

$(BUILD)/fuzz/%: t/fuzz/%.c $(FUZZ_DEPS) $(BUILD)/ngx/Makefile
	@mkdir -p $(@D)
	@echo "fuzz target $@"
	@clang $(FUZZ_CFLAGS) -o $@ $< $(fuzz_$*) $(SHIM) -lcrypto

fuzz: test-deps                 ## run every fuzz target (RUNS=1000000, FUZZ="key reply")
	@$(MAKE) --no-print-directory fuzzers
	@t/fuzz/run.sh $(BUILD)/fuzz $(RUNS) $(FUZZ)

# --- use ----------------------------------------------------------------------

up: up-deps                     ## start everything, show a request priced (PORT=, UPSTREAM=)
	@$(MAKE) --no-print-directory all
	@demo/up.sh

down:                           ## stop what `make up` started (the data stays in run/)
	@demo/down.sh

test: test-deps                 ## run all tests
	@$(MAKE) --no-print-directory all module-asan fuzzers sdk
	@t/run.sh

# Traffic while processes die, and an oracle; docs/faults.md.
test-faults: test-deps          ## traffic under faults (SEED=, ROUNDS=10, SECONDS=600)
	@$(MAKE) --no-print-directory all
	@t/faults/run.pl $(foreach name,SEED ROUNDS SECONDS TRACE,$(if \
	    $($(name)),$(name)=$($(name))))

test-mutations: test-deps       ## break guards in a copy, see each found (MUTATIONS="a b")
	@t/faults/mutate.pl $(MUTATIONS)

# The clients that customers use, which t/50-story-sdk.t puts before the gate.
SDK = $(BUILD)/sdk/node_modules/.package-lock.json
PEERS = $(BUILD)/peers/node_modules/.package-lock.json

sdk: $(SDK)

$(SDK): t/sdk/package.json t/sdk/package-lock.json
$(PEERS): bench/peers/auth/package.json bench/peers/auth/package-lock.json

$(SDK) $(PEERS):
	@echo "install what $< names"
	@mkdir -p $(@D)/.. && cp $^ $(@D)/../
	@cd $(@D)/.. && npm ci --ignore-scripts --no-audit --no-fund \
	    > npm.log 2>&1 || { tail -20 npm.log; exit 1; }
	@touch $@

bench bench-settle bench-instructions bench-soak: bench-deps
	@$(MAKE) --no-print-directory all $(PEERS)
	@bench/run.sh $(patsubst bench-%,%,$(@:bench=))

bench:                          ## measure the gate beside others, and settling (FULL=1)
bench-instructions:             ## count nginx's instructions a request, by callgrind
bench-settle:                   ## measure settling alone, beside plain COPY
bench-soak:                     ## 10 000 connections for a minute

install: all                    ## install where Debian does (DESTDIR=, PREFIX=)
	install -Dm755 $(BUILD)/tollgate $(DESTDIR)$(PREFIX)/bin/tollgate
	install -Dm755 $(BUILD)/tollgate-worker \
	    $(DESTDIR)$(PREFIX)/sbin/tollgate-worker
	install -Dm644 $(BUILD)/ngx_http_tollgate_module.so \
	    $(DESTDIR)$(PREFIX)/lib/nginx/modules/ngx_http_tollgate_module.so
	cd sql && find migrations functions -name '*.sql' -exec \
	    install -Dm644 {} $(DESTDIR)$(PREFIX)/share/tollgate/sql/{} \;
	install -Dm640 conf/worker.ini $(DESTDIR)/etc/tollgate/worker.ini
	install -Dm644 conf/tollgate-worker.service \
	    $(DESTDIR)/lib/systemd/system/tollgate-worker.service
	install -Dm644 -t $(DESTDIR)$(PREFIX)/share/doc/tollgate/examples \
	    conf/nginx.conf conf/nginx-full.conf conf/prometheus-rules.yml conf/redis*

clean:                          ## remove build/
	rm -rf $(BUILD)
