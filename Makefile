# Winnow: the one way in. `make help` lists the targets.

BUILD   ?= release
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
O       := build/$(BUILD)
BIN     := $(O)/bin
PREFIX  ?= /usr/local

WARNINGS := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wformat=2 -Werror
CFLAGS_release := -O2 -g
CFLAGS_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
CFLAGS_clang   := $(CFLAGS_release)
CFLAGS_fuzz    := -O1 -g -fsanitize=address,undefined,float-cast-overflow,fuzzer-no-link \
                  -fno-sanitize-recover=all -fno-omit-frame-pointer
ifeq ($(filter $(BUILD),release asan clang fuzz),)
$(error BUILD=$(BUILD) is unknown; expected release, asan, clang or fuzz)
endif
ifneq ($(filter $(BUILD),clang fuzz),)
CC := clang
endif

# A header is named from src/ or from here, in its own folder by its name alone.
CPPFLAGS := -D_GNU_SOURCE -Isrc -I. -MMD -MP
CFLAGS   := -std=gnu17 $(WARNINGS) $(CFLAGS_$(BUILD))
LDFLAGS  := $(filter -fsanitize%,$(CFLAGS_$(BUILD)))
LIBS     := -pthread -lrabbitmq -lssl -lcrypto -ljansson -lcsv -lunistring -lm

# A program is a file winnow-*.c and, here, the folders that its parts are in. A folder's files but those are
# one archive, from which the linker takes what the program needs; beneath all is src/, the library.
parts_winnow-filter     := workers filter
parts_winnow-censor     := filter
parts_winnow-autoscaler := autoscaler autoscaler/leader autoscaler/node autoscaler/policy
parts_winnow-simulate   := autoscaler/simulate autoscaler/leader autoscaler/node autoscaler/policy
parts_winnow-loadgen    := loadgen
parts_winnow-plot       := plots

PROGRAMS    := $(patsubst parts_%,%,$(filter parts_winnow-%,$(.VARIABLES)))
PARTS       := src $(sort $(foreach p,$(PROGRAMS),$(parts_$p)))
MAINS       := $(wildcard $(foreach p,$(PARTS),$p/winnow-*.c))
part_sources = $(filter-out $(MAINS),$(if $(filter src,$(1)),$(wildcard src/*.c src/*/*.c),$(wildcard $(1)/*.c)))
SOURCES     := $(MAINS) $(foreach p,$(PARTS),$(call part_sources,$p))
archive      = $(if $(filter src,$(1)),$(O)/libwinnow.a,$(O)/lib$(subst /,-,$(1)).a)
archives     = $(foreach p,$(1),$(call archive,$p))
main_of      = $(filter %/$(1).c,$(MAINS))
MANUALS     := $(PROGRAMS:%=$(O)/man/%.1)
COMPLETIONS := share/bash-completion/completions

# Unit tests and programs of the system tests' own may link anything; so may a fuzz target, in BUILD=fuzz alone.
UNITS        := $(patsubst %.c,$(O)/%,$(wildcard tests/unit/*_test.c))
HELPERS      := $(patsubst %.c,$(O)/%,$(wildcard tests/system/*.c) tests/chaos/watch.c tests/bench/bare.c tests/bench/time_filter.c)
FUZZERS      := $(if $(filter fuzz,$(BUILD)),$(patsubst %.c,$(O)/%,$(wildcard tests/fuzz/*.c)))
FUZZ_SECONDS ?= 600

# Code whose steps a test counts is compiled for that test once more: each basic block calls what the test defines.
COUNTED := $(patsubst %.c,$(O)/counted/%.o,$(call part_sources,filter))
$(O)/tests/unit/filter_steps_test: $(COUNTED)

objects         = $(patsubst %.c,$(O)/%.o,$(1))
PROGRAM_OBJECTS := $(call objects,$(SOURCES))
ALL_OBJECTS     := $(PROGRAM_OBJECTS) $(UNITS:=.o) $(HELPERS:=.o) $(FUZZERS:=.o)

# V=1 shows every command.
Q := $(if $(V),,@)
say = $(if $(V),,@echo "  $(1)	$@")

.DEFAULT_GOAL := all
.PHONY: help deps deps-check all demo check check-unit check-system asan valgrind chaos fuzz bench bench-react bench-filter experiments policies fidelity tidy format install clean
.SECONDEXPANSION:
.DELETE_ON_ERROR:

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

deps: ## install with apt what building and the demo need and is missing (as root)
	@tools/install-deps demo

deps-check: ## the same for the tests
	@tools/install-deps demo check

all: $(PROGRAMS:%=$(BIN)/%) compile_commands.json ## build every program into build/release/bin

demo: deps ## set everything up, run bursts against the autoscaler for a minute, draw the picture
	@$(MAKE) --no-print-directory all
	@tools/demo $(BIN)

check: deps-check ## set everything up, then run every test
	@$(MAKE) --no-print-directory all units fuzzers
	@tests/run $(O)

check-unit: all units ## only the unit tests
	@tests/run $(O) unit

check-system: all units fuzzers ## only the system tests, on a private broker
	@tests/run $(O) system

asan: ## every test under the address and undefined-behaviour sanitizers
	@$(MAKE) --no-print-directory check BUILD=asan

valgrind: deps-check ## the system tests with every program under valgrind; logs go to out/valgrind
	@tools/install-deps valgrind
	@$(MAKE) --no-print-directory all units
	@tests/valgrind/run $(O) out/valgrind

chaos: all units ## the farm under faults for CHAOS_SECONDS (900), SEED (1), QUEUE_TYPE (classic); logs in out/chaos
	@tests/chaos/chaos --bin $(BIN) --duration $(or $(CHAOS_SECONDS),900) --seed $(or $(SEED),1) \
	    --queue-type $(or $(QUEUE_TYPE),classic) --out out/chaos

fuzz: deps-check ## fuzz every parser, FUZZ_SECONDS (default 600) each; findings go to out/fuzz
	@$(MAKE) --no-print-directory fuzzers
	@nice tests/fuzz/run build/fuzz/tests/fuzz $(FUZZ_SECONDS) out/fuzz

bench-react: all ## how soon a burst brings workers, with --react
	@tests/bench/react $(BIN)

bench: all $(O)/tests/bench/bare ## ratios measured in pairs on a private broker
	@tests/bench/run $(BIN)
	@tests/bench/filter_cost $(BIN)

experiments: all $(O)/tests/bench/bare ## pictures of what the farm can do, in out/experiments (EXPERIMENTS_SCALE=0.02: a try)
	@tests/experiments/run $(BIN) out/experiments

policies: $(BIN)/winnow-simulate ## every scaling policy on made-up traces, and on the recorded ones in TRACES=DIR
	@tests/bench/policies $(BIN) $(TRACES)

bench-filter: deps-check ## how fast the filter is, beside grep, PCRE2 and Python; and how many innocent words it hits
	@$(MAKE) --no-print-directory $(O)/tests/bench/time_filter $(O)/tests/system/find_spans
	@tests/bench/filter_speed $(O)/tests/bench/time_filter
	@tests/bench/false_positives $(O)/tests/system/find_spans filter/words/*.txt

fidelity: all $(O)/tests/bench/bare ## a minute of bursts live and simulated, compared, on a private broker
	@tests/bench/fidelity $(BIN)

tidy: compile_commands.json ## clang-tidy over every source
	@clang-tidy --quiet -p . $(SOURCES)

format: ## clang-format over every source
	@clang-format -i $(shell git ls-files '*.c' '*.h')

install: all $(MANUALS) ## install programs, manual pages, completion and the systemd unit under PREFIX (/usr/local)
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin lib/systemd/system share/man/man1 $(COMPLETIONS))
	install $(PROGRAMS:%=$(BIN)/%) $(DESTDIR)$(PREFIX)/bin
	install -m 644 $(MANUALS) $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 644 tools/completion.bash $(DESTDIR)$(PREFIX)/$(COMPLETIONS)/winnow
	for program in $(PROGRAMS); do ln -sf winnow $(DESTDIR)$(PREFIX)/$(COMPLETIONS)/$$program; done
	sed 's|@PREFIX@|$(PREFIX)|g' autoscaler/winnow-autoscaler@.service \
	    >$(DESTDIR)$(PREFIX)/lib/systemd/system/winnow-autoscaler@.service

clean: ## remove what the build and the demo made
	rm -rf build out compile_commands.json

.PHONY: units
units: $(UNITS) $(HELPERS)

# The fuzz targets bring sanitizers of their own, so an asan build has none.
.PHONY: fuzzers
fuzzers: $(FUZZERS)
	$(if $(filter fuzz asan,$(BUILD)),@:,@$(MAKE) --no-print-directory BUILD=fuzz fuzzers)

define archive_rule
$(call archive,$(1)): $(call objects,$(call part_sources,$(1)))
	@rm -f $$@
	$$(call say,AR)
	$$(Q)ar rcs $$@ $$^
endef
$(foreach p,$(PARTS),$(eval $(call archive_rule,$p)))

link = $(Q)$(CC) $(LDFLAGS) $(1) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(2) $(LIBS)

$(PROGRAMS:%=$(BIN)/%): $(BIN)/%: $$(call objects,$$(call main_of,$$*)) $$(call archives,src $$(parts_$$*))
	@mkdir -p $(@D)
	$(call say,LINK)
	$(call link)

$(MANUALS): $(O)/man/%.1: $(BIN)/% tools/manual
	@mkdir -p $(@D)
	$(call say,MAN)
	$(Q)tools/manual $< >$@

$(UNITS) $(HELPERS): %: %.o $(call archives,$(PARTS))
	$(call say,LINK)
	$(call link,,-lcmocka)

$(FUZZERS): %: %.o $(call archives,$(PARTS))
	$(call say,LINK)
	$(call link,-fsanitize=fuzzer)

# Each object leaves its line for compile_commands.json beside it.
$(O)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<
	@printf '{"directory": "%s", "file": "%s", "output": "%s", "command": "%s"},\n' '$(CURDIR)' '$<' '$@' \
	    '$(CC) $(CPPFLAGS) $(CFLAGS) -c -o $@ $<' >$@.json

$(O)/counted/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -fsanitize-coverage=trace-pc -c -o $@ $<

# Of everything built so far: a machine without the tests' libraries builds no test.
compile_commands.json: $(PROGRAM_OBJECTS)
	@{ echo '['; cat $(wildcard $(ALL_OBJECTS:=.json)) | sed '$$ s/,$$//'; echo ']'; } >$@

# The default word list is part of the program, so that it works wherever it is copied.
$(O)/filter/default_words.o: $(sort $(wildcard filter/words/*.txt))
# So are the gnuplot scripts.
$(O)/plots/scripts.o: $(wildcard plots/*.gp)

-include $(ALL_OBJECTS:.o=.d) $(COUNTED:.o=.d)
