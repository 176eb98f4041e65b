# Winnow: the one way in. `make help` lists the targets.

BUILD   ?= release
CC      := $(if $(filter default,$(origin CC)),gcc,$(CC))
O       := build/$(BUILD)
BIN     := $(O)/bin
PREFIX  ?= /usr/local

CFLAGS_release := -O2 -g
CFLAGS_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=undefined \
                  -fno-omit-frame-pointer
CFLAGS_clang   := $(CFLAGS_release)
CFLAGS_fuzz    := -O1 -g -fsanitize=address,undefined,float-cast-overflow,fuzzer-no-link \
                  -fno-sanitize-recover=all -fno-omit-frame-pointer
ifeq ($(filter $(BUILD),release asan clang fuzz),)
$(error BUILD=$(BUILD) is unknown; expected release, asan, clang or fuzz)
endif
ifneq ($(filter $(BUILD),clang fuzz),)
CC := clang
endif

# What every compilation needs is in a file where editors and clang-tidy find it too.
CFLAGS  := @compile_flags.txt -MMD -MP $(CFLAGS_$(BUILD))
LDFLAGS := $(filter -fsanitize%,$(CFLAGS_$(BUILD)))
LIBS    := -pthread -lrabbitmq -lssl -lcrypto -ljansson -lcsv -lunistring -lm

# A program is a file winnow-*.c and, here, the folders with its parts. A folder's other files are one archive,
# from which the linker takes what the program needs. Beneath all programs is src/ with its folders.
parts_winnow-filter     := workers filter
parts_winnow-run        := workers
parts_winnow-censor     := filter
parts_winnow-autoscaler := autoscaler autoscaler/leader autoscaler/node autoscaler/policy
parts_winnow-ctl        := ctl autoscaler/policy
parts_winnow-page       := page ctl autoscaler/policy
parts_winnow-simulate   := autoscaler/simulate autoscaler/node autoscaler/policy
parts_winnow-words      := words workers filter
parts_winnow-loadgen    := loadgen
parts_winnow-plot       := plots

# Libraries that one program alone is linked with.
libs_winnow-words := -lsqlite3 -lhiredis
libs_winnow-page  := -lmicrohttpd

PROGRAMS := $(patsubst parts_%,%,$(filter parts_winnow-%,$(.VARIABLES)))
LIBRARY  := src $(patsubst %/,%,$(wildcard src/*/))
FOLDERS  := $(LIBRARY) $(sort $(foreach p,$(PROGRAMS),$(parts_$p)))
SOURCES  := $(wildcard $(FOLDERS:=/*.c))
MAINS    := $(filter $(PROGRAMS:%=\%/%.c),$(SOURCES))

# Unit tests and programs of the system tests' own may link anything; so may a fuzz target, in BUILD=fuzz alone.
UNITS    := $(patsubst %.c,$(O)/%,$(wildcard tests/unit/*_test.c))
HELPERS  := $(patsubst %.c,$(O)/%,$(shell grep -l '^int main' tests/system/*.c tests/chaos/*.c tests/bench/*.c))
FUZZERS  := $(if $(filter fuzz,$(BUILD)),$(patsubst %.c,$(O)/%,$(wildcard tests/fuzz/*.c)))

# Code whose steps a test counts is compiled for that test once more: each basic block calls what the test defines.
COUNTED := $(patsubst %.c,$(O)/counted/%.o,$(filter-out $(MAINS),$(wildcard filter/*.c)))

objects   = $(patsubst %.c,$(O)/%.o,$(1))
archives  = $(1:%=$(O)/%.a)
main_object = $(call objects,$(filter %/$(1).c,$(MAINS)))
OBJECTS  := $(call objects,$(SOURCES)) $(UNITS:=.o) $(HELPERS:=.o) $(FUZZERS:=.o) $(COUNTED)
FORMATTED := $(wildcard $(addsuffix /*.[ch],$(FOLDERS) tests tests/*))

# What `make install` puts under PREFIX, and `make uninstall` removes.
MANUALS     := $(PROGRAMS:%=$(O)/man/%.1)
COMPLETIONS := share/bash-completion/completions
SERVICES    := autoscaler/winnow-autoscaler@.service autoscaler/winnow-pools.service words/winnow-words@.service \
               page/winnow-page.service
SYSTEMD     := lib/systemd/system
EXAMPLE     := share/winnow/pools.conf
PAPERS      := $(wildcard *.md) LICENSE $(wildcard docs/* examples/*/*.*)
INSTALLED   := $(PROGRAMS:%=bin/%) $(PROGRAMS:%=share/man/man1/%.1) \
               $(addprefix $(SYSTEMD)/,$(notdir $(SERVICES))) $(EXAMPLE) \
               $(addprefix $(COMPLETIONS)/,winnow $(PROGRAMS)) $(PAPERS:%=share/doc/winnow/%)
to           = $(DESTDIR)$(PREFIX)

# V=1 shows every command.
Q := $(if $(V),,@)
say = $(if $(V),,@echo "  $(1)	$@")
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := all
.PHONY: help deps deps-check all units fuzzers demo demo-words demo-hosts check check-unit check-system check-more asan valgrind \
    chaos chaos-hosts chaos-python metrics-chaos words-chaos fuzz bench bench-react bench-pools bench-filter bench-words \
    experiments policies fidelity format format-check tidy \
    install uninstall deb clean
.SECONDEXPANSION:
.DELETE_ON_ERROR:

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

deps: ## install with apt what building and the demo need and is missing (as root)
	@tools/install-deps demo

deps-check: ## the same for the tests
	@tools/install-deps demo check

all: $(PROGRAMS:%=$(BIN)/%) ## build every program into build/release/bin

demo: deps ## set everything up, run bursts against the autoscaler for a minute, draw the picture
	@$(MAKE) all
	@tools/demo $(BIN)

demo-words: deps ## set everything up, add words while a load runs, draw how soon they are filtered
	@$(MAKE) all
	@tools/demo-words $(BIN)

demo-hosts: deps ## set everything up, run a farm on three hosts through faults, draw what each ran
	@$(MAKE) all
	@tools/demo-hosts $(BIN)

check: deps-check ## set everything up, then run every test
	@$(MAKE) all units fuzzers
	@tests/run $(O)

check-unit: all units ## only the unit tests
	@tests/run $(O) unit

check-system: all units fuzzers ## only the system tests, on a private broker
	@tests/run $(O) system

check-more: ## set more up, then check manual pages, service and scripts with other programs
	@tools/install-deps demo check more
	@$(MAKE) all units $(MANUALS)
	@tests/run $(O) more

asan: ## every test under the address and undefined-behaviour sanitizers
	@$(MAKE) check BUILD=asan

valgrind: deps-check ## the system tests with every program under valgrind; logs go to out/valgrind
	@tools/install-deps valgrind
	@$(MAKE) all units
	@tests/valgrind/run $(O) out/valgrind

chaos: all units ## the farm under faults for CHAOS_SECONDS (900), SEED (1), QUEUE_TYPE (classic), WORKER (filter, run, keep)
	@tests/chaos/chaos --bin $(BIN) --duration $(or $(CHAOS_SECONDS),900) --seed $(or $(SEED),1) \
	    --queue-type $(or $(QUEUE_TYPE),classic) --worker $(or $(WORKER),filter) --out out/chaos

chaos-hosts: all units ## a farm over three hosts under faults for CHAOS_SECONDS (900), SEED (1), QUEUE_TYPE (classic)
	@tests/chaos/hosts --bin $(BIN) --duration $(or $(CHAOS_SECONDS),900) --seed $(or $(SEED),1) \
	    --queue-type $(or $(QUEUE_TYPE),classic) --out out/chaos-hosts

metrics-chaos: all units ## chaos for CHAOS_SECONDS (600), SEED (1), with winnow-page scraped every second: no counter falls
	@tests/chaos/chaos --bin $(BIN) --duration $(or $(CHAOS_SECONDS),600) --seed $(or $(SEED),1) --scrape --out out/metrics-chaos

chaos-python: all ## drains, kills and resets of the example's workers in Python, for CHAOS_SECONDS (900), SEED (1)
	@tests/chaos/python_storm --bin $(BIN) --seconds $(or $(CHAOS_SECONDS),900) --seed $(or $(SEED),1) --faults

words-chaos: all ## the word service under kills and restarts for CHAOS_SECONDS (600) on each store, SEED (1)
	@mkdir -p out/words-chaos
	@cd out/words-chaos && rm -rf ./* && WINNOW_TOP=$(CURDIR) WINNOW_BIN=$(CURDIR)/$(BIN) WINNOW_TEST_URL= \
	    WORDS_CHAOS_SECONDS=$(or $(CHAOS_SECONDS),600) WORDS_CHAOS_SEED=$(or $(SEED),1) $(CURDIR)/tests/more/words_chaos.t

fuzz: deps-check ## fuzz every parser, FUZZ_SECONDS (600) each; findings go to out/fuzz
	@$(MAKE) fuzzers
	@nice tests/fuzz/run build/fuzz/tests/fuzz $(or $(FUZZ_SECONDS),600) out/fuzz

bench-react: all ## how soon a burst brings workers, with --react, on one host and on three nodes
	@tests/bench/react $(BIN)

bench-pools: all $(O)/tests/bench/bare ## how late pools of one process decide while others are in trouble
	@tests/bench/pools $(BIN)

bench-words: all $(O)/tests/bench/bare $(O)/tests/bench/ask_words ## how fast the word service is, on SQLite and Redis
	@tests/bench/words $(BIN)

bench: all $(O)/tests/bench/bare $(O)/tests/bench/echo_lines ## ratios measured in pairs on a private broker
	@tests/bench/run $(BIN)
	@tests/bench/run_cost $(BIN)
	@tests/bench/filter_cost $(BIN)

experiments: all $(O)/tests/bench/bare ## what the farm can do, as pictures, in out/experiments (EXPERIMENTS_SCALE=0.02: a try)
	@tests/experiments/run $(BIN) out/experiments

policies: $(BIN)/winnow-simulate ## every scaling policy on made-up traces, and on the recorded ones in TRACES=DIR
	@tests/bench/policies $(BIN) $(TRACES)

bench-filter: deps-check ## how fast the filter is, beside grep, PCRE2 and Python; and how many innocent words it hits
	@$(MAKE) --no-print-directory $(O)/tests/bench/time_filter $(O)/tests/system/find_spans
	@tests/bench/filter_speed $(O)/tests/bench/time_filter
	@tests/bench/false_positives $(O)/tests/system/find_spans filter/words/*.txt

fidelity: all $(O)/tests/bench/bare ## a minute of bursts live and simulated, compared, on a private broker
	@tests/bench/fidelity $(BIN)
	@tests/bench/fidelity $(BIN) erlang 3

format: ## clang-format over every source
	@clang-format -i $(FORMATTED)

format-check: ## fail if clang-format would change a source
	@clang-format --dry-run -Werror $(FORMATTED)

# What it says beside its findings is their number in system headers.
tidy: ## clang-tidy over every program's sources, as many at a time as there are processors
	@mkdir -p $(O)
	@printf '%s\n' $(SOURCES) | xargs -n 1 -P "$$(nproc)" clang-tidy --quiet 2>$(O)/tidy.err || \
	    { grep -v ' generated\.$$' $(O)/tidy.err; exit 1; }

install: all $(MANUALS) ## install programs, manual pages, completion, service and documents under PREFIX (/usr/local)
	install -D -t $(to)/bin $(PROGRAMS:%=$(BIN)/%)
	install -D -m 644 -t $(to)/share/man/man1 $(MANUALS)
	install -D -m 644 tools/completion.bash $(to)/$(COMPLETIONS)/winnow
	for program in $(PROGRAMS); do ln -sf winnow $(to)/$(COMPLETIONS)/$$program || exit; done
	for unit in $(SERVICES); do sed 's|@PREFIX@|$(PREFIX)|g' $$unit | \
	    install -D -m 644 /dev/stdin $(to)/$(SYSTEMD)/$$(basename $$unit) || exit; done
	install -D -m 644 autoscaler/$(notdir $(EXAMPLE)) $(to)/$(EXAMPLE)
	for paper in $(PAPERS); do install -D -m 644 $$paper $(to)/share/doc/winnow/$$paper || exit; done

uninstall: ## remove what install put there, but for folders that are not Winnow's alone
	rm -f $(addprefix $(to)/,$(INSTALLED))
	cd $(to)/share/doc/winnow 2>/dev/null && rmdir examples/* examples docs ../winnow ../../winnow 2>/dev/null || :

deb: ## build the Debian packages into build/deb
	@tools/install-deps demo deb
	@tools/build-deb build/deb

clean: ## remove what the build and the demo made
	rm -rf build out

units: $(UNITS) $(HELPERS)

# The fuzz targets bring sanitizers of their own, so an asan build has none.
fuzzers: $(FUZZERS)
	$(if $(filter fuzz asan,$(BUILD)),@:,@$(MAKE) BUILD=fuzz fuzzers)

# A program needs at run time those libraries alone that it calls.
link = $(Q)$(CC) $(LDFLAGS) -Wl,--as-needed -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(1) $(LIBS)

$(PROGRAMS:%=$(BIN)/%): $(BIN)/%: $$(call main_object,$$*) $$(call archives,$(LIBRARY) $$(parts_$$*))
	@mkdir -p $(@D)
	$(call say,LINK)
	$(call link,$(libs_$*))

$(O)/tests/unit/filter_steps_test: $(COUNTED)
$(UNITS) $(HELPERS): %: %.o $(call archives,$(FOLDERS))
	$(call say,LINK)
	$(call link,-lcmocka $(libs_winnow-words) $(libs_winnow-page))

$(FUZZERS): %: %.o $(call archives,$(FOLDERS))
	$(call say,LINK)
	$(call link,-fsanitize=fuzzer $(libs_winnow-page))

$(call archives,$(FOLDERS)): $(O)/%.a: $$(call objects,$$(filter-out $(MAINS),$$(wildcard $$*/*.c)))
	@rm -f $@
	$(call say,AR)
	$(Q)ar rcs $@ $^

$(O)/%.o: %.c Makefile compile_flags.txt
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) -c -o $@ $<

$(O)/counted/%.o: %.c Makefile compile_flags.txt
	@mkdir -p $(@D)
	$(call say,CC)
	$(Q)$(CC) $(CFLAGS) -fsanitize-coverage=trace-pc -c -o $@ $<

$(MANUALS): $(O)/man/%.1: $(BIN)/% tools/manual
	@mkdir -p $(@D)
	$(call say,MAN)
	$(Q)tools/manual $< >$@

# The default word list is part of the program, so that it works wherever it is copied.
$(O)/filter/default_words.o: $(sort $(wildcard filter/words/*.txt))
# So are the gnuplot scripts, what Redis runs, and what browsers load.
$(O)/words/redis_script.o: words/redis_script.lua
$(O)/plots/scripts.o: $(wildcard plots/*.gp)
$(O)/page/site_file.o: $(wildcard page/site/*)

-include $(OBJECTS:.o=.d)
