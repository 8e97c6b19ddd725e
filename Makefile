# SPDX-License-Identifier: Apache-2.0
# Everything a developer does here is a target; `make help` prints them.

VERSION  := 0.1.0
SONAME   := libcertstore.so.0
PREFIX   ?= /usr/local
LIBDIR   ?= $(PREFIX)/lib
DESTDIR  ?=
BUILD    ?= build
ifeq ($(origin CC),default)
CC       := gcc
endif
PKGS     := libcrypto libssl p11-kit-1
WARNINGS := -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wvla -Wstrict-prototypes -Wmissing-prototypes -Werror
OPTIMIZE ?= -O2 -g
CFLAGS_ALL  = -std=c11 -D_GNU_SOURCE $(WARNINGS) -fvisibility=hidden -fPIC -fstack-protector-strong $(OPTIMIZE) $(CFLAGS) \
              -Ilibcertstore/include -Ilibcertstore/src $(shell pkg-config --cflags libcrypto p11-kit-1)
LDFLAGS_ALL = -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)
LIBS        = $(shell pkg-config --libs libssl libcrypto) -lpthread -ldl

LIB_SRC  := $(sort $(wildcard libcertstore/src/*/*.c))
LIB_OBJ  := $(LIB_SRC:%.c=$(BUILD)/%.o)
TOOL_SRC := $(sort $(wildcard tools/certstore/*.c))
TOOL_OBJ := $(TOOL_SRC:%.c=$(BUILD)/%.o)
STATIC   := $(BUILD)/lib/libcertstore.a
SHARED   := $(BUILD)/lib/libcertstore.so.$(VERSION)
COMMAND  := $(BUILD)/bin/certstore
MAN_PAGES := $(sort $(wildcard docs/man/*.[1357]))
COMPLETION := $(wildcard tools/certstore/completion.bash)
EXAMPLE_SRC := $(sort $(wildcard examples/c/*.c))
EXAMPLE_BIN := $(EXAMPLE_SRC:%.c=$(BUILD)/%)
TEST_SRC := $(sort $(wildcard tests/unit/*/test_*.c tests/conformance/test_*.c tests/fault/test_*.c tests/corpus/test_*.c))
TEST_BIN := $(TEST_SRC:%.c=$(BUILD)/%)
TEST_SUPPORT := $(sort $(wildcard tests/support/*.c))
TEST_SUPPORT_OBJ := $(TEST_SUPPORT:%.c=$(BUILD)/%.o)
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_REPLAY := $(FUZZ_SRC:%.c=$(BUILD)/%_replay)

# One short line a step; `make V=1` shows the whole commands.
ifdef V
SAY = @:
Q   =
else
SAY = @printf '  %-5s %s\n'
Q   = @
endif

.DELETE_ON_ERROR:
.SUFFIXES:

all: $(STATIC) $(SHARED) $(if $(TOOL_SRC),$(COMMAND)) ## build the library and the command

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(SAY) CC $@
	$(Q)$(CC) $(CFLAGS_ALL) $(EXTRA_$(firstword $(subst /, ,$<))) -MMD -MP -c $< -o $@

EXTRA_tools = $(shell pkg-config --cflags jansson)
EXTRA_tests = -I. -Itests -Itools/certstore $(shell pkg-config --cflags cmocka jansson)

$(STATIC): $(LIB_OBJ)
	@mkdir -p $(@D)
	@rm -f $@
	$(SAY) AR $@
	$(Q)$(AR) rcs $@ $^

$(BUILD)/lib/certstore.map: libcertstore/api.symbols scripts/symbol-map
	@mkdir -p $(@D)
	$(Q)scripts/symbol-map $< > $@

$(SHARED): $(LIB_OBJ) $(BUILD)/lib/certstore.map
	@mkdir -p $(@D)
	$(SAY) LINK $@
	$(Q)$(CC) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=$(BUILD)/lib/certstore.map -Wl,-z,defs $(LDFLAGS_ALL) $(OPTIMIZE) $(CFLAGS) -o $@ $(LIB_OBJ) $(LIBS)
	$(Q)ln -sf $(notdir $@) $(BUILD)/lib/$(SONAME)
	$(Q)ln -sf $(SONAME) $(BUILD)/lib/libcertstore.so

# The command in the build tree carries the library inside, so that it runs in place. libcrypto stands first: the loader looks up the names of its
# thousands of relocations in each library before it. libc stands second: nearly all other names are its.
$(COMMAND): $(TOOL_OBJ) $(STATIC)
	@mkdir -p $(@D)
	$(SAY) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) $(OPTIMIZE) $(CFLAGS) -o $@ $^ $(shell pkg-config --libs libcrypto) -lc $(LIBS) $(shell pkg-config --libs jansson)

# Every allocation of ours goes through tests/support/faulty_alloc.c, where it can be made to fail.
WRAP := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=strdup,--wrap=strndup

# The command's rooms, for its unit tests.
TOOL_ROOMS := $(BUILD)/lib/certstore-rooms.a
$(TOOL_ROOMS): $(filter-out %/main.o,$(TOOL_OBJ))
	@mkdir -p $(@D)
	@rm -f $@
	$(SAY) AR $@
	$(Q)$(AR) rcs $@ $^

# A PKCS#11 module that the tests put in front of a real one; NSS's is looked for by the name that the linker knows it by.
SHIM := $(BUILD)/tests/shim/p11shim.so $(BUILD)/tests/shim/p11shim-nss.so
$(BUILD)/tests/shim/p11shim-nss.so: SHIM_NAME := -Wl,-soname,libsoftokn3.so
$(SHIM): tests/shim/p11shim.c tests/shim/p11shim.h
	@mkdir -p $(@D)
	$(SAY) LINK $@
	$(Q)$(CC) $(CFLAGS_ALL) -shared $(SHIM_NAME) -o $@ $< $(LDFLAGS)

$(TEST_BIN): $(BUILD)/%: $(BUILD)/%.o $(TEST_SUPPORT_OBJ) $(TOOL_ROOMS) $(STATIC)
	@mkdir -p $(@D)
	$(SAY) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) $(WRAP) $(OPTIMIZE) $(CFLAGS) -o $@ $^ $(shell pkg-config --libs cmocka jansson p11-kit-1) $(LIBS)

$(FUZZ_REPLAY): $(BUILD)/%_replay: $(BUILD)/%.o $(BUILD)/tests/fuzz/replay.o $(TOOL_ROOMS) $(STATIC)
	$(SAY) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) $(OPTIMIZE) $(CFLAGS) -o $@ $^ $(shell pkg-config --libs jansson) $(LIBS)

# Programs that the scripts of tests/interop run.
INTEROP_BIN := $(patsubst %.c,$(BUILD)/%,$(sort $(wildcard tests/interop/*.c)))
$(INTEROP_BIN): $(BUILD)/%: $(BUILD)/%.o $(STATIC)
	$(SAY) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) $(OPTIMIZE) $(CFLAGS) -o $@ $^ $(LIBS)

# Examples see what a user sees: the public headers and the library.
$(EXAMPLE_BIN): $(BUILD)/%: %.c $(STATIC)
	@mkdir -p $(@D)
	$(SAY) LINK $@
	$(Q)$(CC) -std=c11 $(WARNINGS) $(OPTIMIZE) $(CFLAGS) -Ilibcertstore/include $(LDFLAGS_ALL) -MMD -MP -o $@ $< $(STATIC) $(LIBS)

# So do the programs of the docs: those of docs/api are run, those of the guide compiled.
API_BIN  := $(patsubst %.md,$(BUILD)/%,$(wildcard docs/api/certstore*.md))
PAGE_OBJ := $(patsubst %.md,$(BUILD)/pages/%.o,$(shell grep -l '^int main' README.md docs/guide/*.md docs/internals/*.md))
PAGE_CC   = scripts/page-example $< | $(CC) -std=c11 $(WARNINGS) $(CFLAGS) -Ilibcertstore/include -x c -
$(API_BIN): $(BUILD)/%: %.md scripts/page-example libcertstore/include/certstore.h libcertstore/include/certstore_openssl.h | $(SHARED)
	@mkdir -p $(@D)
	$(SAY) PAGE $@
	$(Q)$(PAGE_CC) -o $@ $(LDFLAGS) -L$(BUILD)/lib -Wl,-rpath,$(abspath $(BUILD))/lib -lcertstore $(shell pkg-config --libs libssl libcrypto)
$(PAGE_OBJ): $(BUILD)/pages/%.o: %.md scripts/page-example libcertstore/include/certstore.h libcertstore/include/certstore_openssl.h
	@mkdir -p $(@D)
	$(SAY) PAGE $@
	$(Q)$(PAGE_CC) -c -o $@

tests-build: all $(SHIM) $(TEST_BIN) $(FUZZ_REPLAY) $(EXAMPLE_BIN) $(INTEROP_BIN) $(API_BIN) $(PAGE_OBJ)

# What the tests of the bindings run.
bindings-build: all
	$(SAY) BUILD bindings
	@BUILD=$(BUILD) CC='$(CC)' CFLAGS='$(CFLAGS)' LDFLAGS='$(LDFLAGS)' scripts/build-bindings

# Scripts that report in TAP. Those of tests/interop compare with other programs; those of tests/crash kill and cut the power, at length.
CHECK_SCRIPTS   := $(sort $(wildcard tests/*/check-*))
INTEROP_SCRIPTS := $(filter tests/interop/%,$(CHECK_SCRIPTS))
CRASH_SCRIPTS   := $(sort $(wildcard tests/crash/crash-*))

# With one worker more than processors, since tests wait now and then, unless the caller says how many.
JOBS     ?= $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 1)))
PARALLEL  = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(JOBS))
QUIETLY   = --no-print-directory $(PARALLEL)
RUN_TESTS = JOBS='$(JOBS)' BUILD=$(BUILD) CC='$(CC)' CFLAGS='$(CFLAGS)' LDFLAGS='$(LDFLAGS)' scripts/run-tests

python: all ## the Python package, built against build/lib; prints the folder for PYTHONPATH
	@BUILD=$(BUILD) CC='$(CC)' scripts/build-python

setup: ## install what building and testing need, where it is missing (Debian packages)
	@scripts/setup build test

demo: ## see it work: stores of three programs and a token, a TLS server, a replacement, a failure, a rollback
	@scripts/setup build demo
	@$(MAKE) $(QUIETLY) all
	@COMMAND=$(abspath $(COMMAND)) examples/demo/run

check: ## build and run the tests; ends with N passed, N failed, N skipped
	@scripts/setup build test
	@$(MAKE) $(QUIETLY) tests-build bindings-build
	@$(RUN_TESTS) $(CHECK_SCRIPTS) $(TEST_BIN) $(FUZZ_REPLAY)

check-interop: ## only the tests against other programs: keytool, openssl, certtool, pk12util, pyjks, a TPM in software
	@scripts/setup build test interop
	@$(MAKE) $(QUIETLY) tests-build
	@$(RUN_TESTS) $(INTEROP_SCRIPTS)

check-crash: ## kill the command and cut the power at every step; minutes (needs crashrun, see CONTRIBUTING.md)
	@scripts/setup build test
	@$(MAKE) $(QUIETLY) tests-build
	@TEST_TIMEOUT=14400 $(RUN_TESTS) $(CRASH_SCRIPTS)

# Undefined behaviour aborts, so that no test can pass over it. Leaks count as failures.
SANITIZE := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
sanitize: ## the tests under AddressSanitizer and UndefinedBehaviorSanitizer
	@scripts/setup build test
	@$(MAKE) $(QUIETLY) BUILD=$(BUILD)/sanitize OPTIMIZE='-O1 -g' CFLAGS='$(SANITIZE)' LDFLAGS='$(SANITIZE)' check

# The same for what threads do to each other, over the tests that start some.
THREADED     := -fsanitize=thread -fno-omit-frame-pointer
THREAD_TESTS := $(patsubst %.c,$(BUILD)/%,$(shell grep -l pthread_create $(TEST_SRC)))
threads: ## the tests that share tokens and keys between threads, under ThreadSanitizer
	@scripts/setup build test
	@$(MAKE) $(QUIETLY) BUILD=$(BUILD)/threads OPTIMIZE='-O1 -g' CFLAGS='$(THREADED)' LDFLAGS='$(THREADED)' run-threads
run-threads: $(SHIM) $(THREAD_TESTS)
	@$(RUN_TESTS) $(THREAD_TESTS)

FUZZ_SECONDS ?= 30
fuzz: ## each fuzz target for FUZZ_SECONDS (30), from the seeds and what earlier runs found
	@scripts/setup build dev
	@$(MAKE) $(QUIETLY) BUILD=$(BUILD)/fuzz CC=clang OPTIMIZE='-O1 -g' CFLAGS='$(SANITIZE) -fsanitize=fuzzer-no-link' fuzz-build
	@FUZZ_SECONDS=$(FUZZ_SECONDS) BUILD=$(BUILD)/fuzz scripts/fuzz $(FUZZ_SRC)

FUZZ_BIN := $(FUZZ_SRC:%.c=$(BUILD)/%)
fuzz-build: $(FUZZ_BIN)
$(FUZZ_BIN): $(BUILD)/%: $(BUILD)/%.o $(TOOL_ROOMS) $(STATIC)
	$(SAY) LINK $@
	$(Q)$(CC) $(SANITIZE) -fsanitize=fuzzer $(LDFLAGS_ALL) -o $@ $^ $(shell pkg-config --libs jansson) $(LIBS)

# The benchmark's programs; the yardsticks (bench/floor) know nothing of the library.
BENCH         := $(BUILD)/bench
BENCH_SUPPORT := bench/support/common.c bench/support/seal.c
BENCH_HEADERS := $(wildcard bench/*/*.h)
BENCH_FLOOR   := $(addprefix $(BENCH)/floor/,jks pem p12 start sign)
BENCH_BIN     := $(BENCH)/gen $(BENCH)/inproc $(BENCH)/inproc-shared $(BENCH)/x509 $(BENCH)/sign $(BENCH_FLOOR)
BENCH_CC       = $(CC) -std=c11 -D_GNU_SOURCE $(WARNINGS) $(OPTIMIZE) $(CFLAGS) -Ibench -Ilibcertstore/include $(LDFLAGS_ALL) -o $@
BENCH_PLAIN   := $(BENCH)/stopwatch $(BENCH)/count.so
$(BENCH_BIN): $(BENCH_SUPPORT) $(BENCH_HEADERS) Makefile
	@mkdir -p $(@D)
	$(BENCH_CC) $(filter-out Makefile %.h,$^) $(LIBS)
$(BENCH_PLAIN): Makefile
	@mkdir -p $(@D)
	$(BENCH_CC) $(filter %.c,$^)
$(BENCH)/gen: bench/gen.c
$(BENCH)/x509: bench/peers/x509.c
$(BENCH)/inproc: bench/inproc.c $(STATIC)
$(BENCH)/inproc-shared: bench/inproc.c $(SHARED)
$(BENCH_FLOOR): $(BENCH)/floor/%: bench/floor/%.c
$(filter-out %/start %/sign,$(BENCH_FLOOR)): bench/floor/skim.c
$(BENCH)/sign: bench/sign.c $(STATIC)
$(BENCH)/floor/sign: BENCH_CC += $(shell pkg-config --cflags p11-kit-1)
$(BENCH)/stopwatch: bench/stopwatch.c
$(BENCH)/count.so: bench/count.c
$(BENCH)/count.so: BENCH_CC += -shared -fPIC
bench-build: all $(BENCH_BIN) $(BENCH_PLAIN)

bench: ## speed, as ratios to keytool, openssl and the least that the work costs, measured in the same run; minutes
	@scripts/setup build test
	@$(MAKE) $(QUIETLY) bench-build
	@BUILD=$(BUILD) bench/run

bench-large: ## the same with stores of 100,000 certificates as well
	@scripts/setup build test
	@$(MAKE) $(QUIETLY) bench-build
	@BUILD=$(BUILD) bench/run --large

bench-check: ## counts that no other load disturbs: instructions, allocations, system calls, syncs, growth
	@scripts/setup build test dev
	@$(MAKE) $(QUIETLY) bench-build
	@BUILD=$(BUILD) bench/check

go: all ## build the Go binding against the library in build/
	@BUILD=$(BUILD) scripts/go-build

go-generate: ## make the Go binding's raw layer anew from certstore.h (needs swig 4.1)
	@scripts/go-generate

coverage: ## the tests' coverage; fails under 90 % of lines, and where a branch of the transaction floor is missed
	@scripts/setup build test dev
	@find $(BUILD)/coverage -name '*.gcda' -delete 2>/dev/null || true
	@$(MAKE) $(QUIETLY) BUILD=$(BUILD)/coverage CC=gcc OPTIMIZE='-O0 -g' CFLAGS='--coverage -fprofile-update=atomic' LDFLAGS='--coverage' check
	@scripts/coverage $(BUILD)/coverage

format: ## clang-format over all C
	@git ls-files '*.c' '*.h' ':!bindings/go/internal/raw/*' | xargs clang-format -i

lint: ## formatting, clang-tidy, floors, symbols, docs, words, sizes; and both compilers
	@scripts/setup build test dev
	@$(MAKE) $(QUIETLY) BUILD=$(BUILD)/gcc CC=gcc tests-build
	@$(MAKE) $(QUIETLY) BUILD=$(BUILD)/clang CC=clang tests-build
	@BUILD=$(BUILD)/gcc CFLAGS_ALL='$(CFLAGS_ALL) $(EXTRA_tests)' JOBS=$(JOBS) scripts/lint

docs: ## man pages as HTML in build/docs, after checking that the docs are whole
	@scripts/setup dev
	@scripts/check-docs
	@mkdir -p $(BUILD)/docs
	@for page in $(MAN_PAGES); do mandoc -T html -O style=mandoc.css $$page > $(BUILD)/docs/$$(basename $$page).html || exit 1; done
	@echo "man pages: $(BUILD)/docs; everything else is Markdown, from docs/README.md"

# The installed command uses the installed library.
$(BUILD)/install/certstore: $(TOOL_OBJ) $(SHARED)
	@mkdir -p $(@D)
	$(SAY) LINK $@
	$(Q)$(CC) $(LDFLAGS_ALL) $(OPTIMIZE) $(CFLAGS) -o $@ $(TOOL_OBJ) -L$(BUILD)/lib -lcertstore $(shell pkg-config --libs jansson) $(LIBS)

# Made anew each time: PREFIX may be another one than last time.
$(BUILD)/install/certstore.pc: libcertstore/certstore.pc.in Makefile FORCE
	@mkdir -p $(@D)
	$(Q)sed -e 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR)|; s|@VERSION@|$(VERSION)|' $< > $@

INCLUDEDIR = $(DESTDIR)$(PREFIX)/include
INSTALLDIR = $(DESTDIR)$(LIBDIR)
MANDIR     = $(DESTDIR)$(PREFIX)/share/man
COMPDIR    = $(DESTDIR)$(PREFIX)/share/bash-completion/completions

install: all $(BUILD)/install/certstore $(BUILD)/install/certstore.pc ## install below PREFIX (/usr/local), under DESTDIR
	install -d $(INCLUDEDIR) $(INSTALLDIR)/pkgconfig $(DESTDIR)$(PREFIX)/bin $(COMPDIR)
	install -m 644 libcertstore/include/certstore.h libcertstore/include/certstore_openssl.h $(INCLUDEDIR)
	install -m 644 $(STATIC) $(INSTALLDIR)
	install -m 755 $(SHARED) $(INSTALLDIR)
	ln -sf $(notdir $(SHARED)) $(INSTALLDIR)/$(SONAME)
	ln -sf $(SONAME) $(INSTALLDIR)/libcertstore.so
	install -m 644 $(BUILD)/install/certstore.pc $(INSTALLDIR)/pkgconfig
	install -m 755 $(BUILD)/install/certstore $(DESTDIR)$(PREFIX)/bin
	for page in $(MAN_PAGES); do install -D -m 644 $$page $(MANDIR)/man$${page##*.}/$${page##*/} || exit 1; done
	if [ -n "$(COMPLETION)" ]; then install -m 644 $(COMPLETION) $(COMPDIR)/certstore; fi
	if [ -z "$(DESTDIR)$(CERTSTORE_NO_LDCONFIG)" ] && [ "$$(id -u)" = 0 ]; then ldconfig; fi

uninstall: ## take away what install put there
	rm -f $(INCLUDEDIR)/certstore.h $(INCLUDEDIR)/certstore_openssl.h $(INSTALLDIR)/pkgconfig/certstore.pc
	rm -f $(INSTALLDIR)/libcertstore.a $(INSTALLDIR)/libcertstore.so $(INSTALLDIR)/$(SONAME) $(INSTALLDIR)/$(notdir $(SHARED))
	rm -f $(DESTDIR)$(PREFIX)/bin/certstore $(COMPDIR)/certstore
	for page in $(MAN_PAGES); do rm -f $(MANDIR)/man$${page##*.}/$${page##*/}; done

clean: ## remove what was built
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

FORCE:

.PHONY: FORCE all python go go-generate setup demo check check-interop check-crash sanitize threads run-threads fuzz fuzz-build bench bench-build bench-large bench-check coverage format lint docs install uninstall tests-build bindings-build clean help
