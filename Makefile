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
              -Ilibcertstore/include -Ilibcertstore/src $(shell pkg-config --cflags libcrypto)
LDFLAGS_ALL = -Wl,-z,relro,-z,now -Wl,--as-needed $(LDFLAGS)
LIBS        = $(shell pkg-config --libs libssl libcrypto) -lpthread

LIB_SRC  := $(sort $(wildcard libcertstore/src/*/*.c))
LIB_OBJ  := $(LIB_SRC:%.c=$(BUILD)/%.o)
TOOL_SRC := $(sort $(wildcard tools/certstore/*.c))
TOOL_OBJ := $(TOOL_SRC:%.c=$(BUILD)/%.o)
STATIC   := $(BUILD)/lib/libcertstore.a
SHARED   := $(BUILD)/lib/libcertstore.so.$(VERSION)
COMMAND  := $(BUILD)/bin/certstore
TEST_SRC := $(sort $(wildcard tests/unit/*/test_*.c tests/conformance/test_*.c tests/fault/test_*.c tests/corpus/test_*.c))
TEST_BIN := $(TEST_SRC:%.c=$(BUILD)/%)
TEST_SUPPORT := $(sort $(wildcard tests/support/*.c))
TEST_SUPPORT_OBJ := $(TEST_SUPPORT:%.c=$(BUILD)/%.o)
FUZZ_SRC := $(sort $(wildcard tests/fuzz/fuzz_*.c))
FUZZ_REPLAY := $(FUZZ_SRC:%.c=$(BUILD)/%_replay)

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

all: $(STATIC) $(SHARED) $(if $(TOOL_SRC),$(COMMAND)) ## build the library and the command

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS_ALL) $(EXTRA_$(firstword $(subst /, ,$<))) -MMD -MP -c $< -o $@

EXTRA_tools = $(shell pkg-config --cflags jansson)
EXTRA_tests = -Itests -Itools/certstore $(shell pkg-config --cflags cmocka jansson)

$(STATIC): $(LIB_OBJ)
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/lib/certstore.map: libcertstore/api.symbols scripts/symbol-map
	@mkdir -p $(@D)
	scripts/symbol-map $< > $@

$(SHARED): $(LIB_OBJ) $(BUILD)/lib/certstore.map
	@mkdir -p $(@D)
	$(CC) -shared -Wl,-soname,$(SONAME) -Wl,--version-script=$(BUILD)/lib/certstore.map -Wl,-z,defs $(LDFLAGS_ALL) $(OPTIMIZE) $(CFLAGS) -o $@ $(LIB_OBJ) $(LIBS)
	ln -sf $(notdir $@) $(BUILD)/lib/$(SONAME)
	ln -sf $(SONAME) $(BUILD)/lib/libcertstore.so

# The command in the build tree carries the library inside, so that it runs in place.
$(COMMAND): $(TOOL_OBJ) $(STATIC)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) $(OPTIMIZE) $(CFLAGS) -o $@ $^ $(shell pkg-config --libs jansson) $(LIBS)

$(TEST_BIN): $(BUILD)/%: $(BUILD)/%.o $(TEST_SUPPORT_OBJ) $(STATIC)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS_ALL) $(OPTIMIZE) $(CFLAGS) -o $@ $^ $(shell pkg-config --libs cmocka jansson) $(LIBS)

$(FUZZ_REPLAY): $(BUILD)/%_replay: $(BUILD)/%.o $(BUILD)/tests/fuzz/replay.o $(STATIC)
	$(CC) $(LDFLAGS_ALL) $(OPTIMIZE) $(CFLAGS) -o $@ $^ $(LIBS)

tests-build: all $(TEST_BIN) $(FUZZ_REPLAY)

CHECK_SCRIPTS := $(sort $(wildcard tests/*/check-*))

check: tests-build ## build and run the tests; ends with N passed, N failed, N skipped
	@BUILD=$(BUILD) scripts/run-tests $(TEST_BIN) $(FUZZ_REPLAY) $(CHECK_SCRIPTS)

clean: ## remove what was built
	rm -rf build

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

-include $(shell find $(BUILD) -name '*.d' 2>/dev/null)

.PHONY: all check tests-build clean help
