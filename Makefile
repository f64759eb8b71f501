# filterd: make, make check, make lint, make fuzz, make SAN=1, make install; make bench,
# make bench-classifier, make bench-evidence, make bench-end-to-end
CC ?= gcc
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
BUILD := build$(if $(SAN),-san)
PKGS := glib-2.0 gio-2.0 gmime-3.0 gpgme sqlite3 libgcrypt libcares libpsl libpcre2-8 libseccomp opendkim
CFLAGS ?= -O2 -g
comma := ,
ALL_CFLAGS := -std=c11 -Wall -Wextra -Werror -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I. -MMD -MP \
	-fstack-protector-strong $(if $(SAN),-fsanitize=address$(comma)undefined -fno-omit-frame-pointer \
	-fno-sanitize-recover=undefined,-D_FORTIFY_SOURCE=2) $(shell pkg-config --cflags $(PKGS)) $(CFLAGS)
ALL_LDFLAGS := -Wl,-z,relro,-z,now $(if $(SAN),-fsanitize=address$(comma)undefined) $(LDFLAGS)
LIBS := $(shell pkg-config --libs $(PKGS)) -lspf2 -lmilter -lm

# Tests at once: each waits for others most of its time.
JOBS ?= $(shell nproc)

PROGRAMS := filterd filterd-pipe filterd-retrain filterctl
obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))

# A program's main file carries its name; everything else in its folder is shared.
LIB_SRC := $(wildcard base/*.c rules/*.c classifier/*.c gpg/*.c)
FILTERD_SRC := $(filter-out filterd/main.c filterd/pipe_main.c,$(wildcard filterd/*.c))
CTL_SRC := $(wildcard tools/filterctl*.c)
UNIT := $(patsubst t/unit/%.c,$(BUILD)/t/%,$(wildcard t/unit/*_test.c))
FUZZ := $(patsubst t/fuzz/%.c,$(BUILD)/t/%,$(wildcard t/fuzz/*_fuzz.c))

.PHONY: all check lint bench bench-classifier bench-evidence bench-end-to-end fuzz seeds install clean units help
all: $(addprefix $(BUILD)/,$(PROGRAMS)) $(BUILD)/gpg_malloc.so
units: $(UNIT) $(BUILD)/t/shim.so

$(BUILD)/libfilterd.a: $(call obj,$(LIB_SRC))
	@rm -f $@ && ar rcs $@ $^
$(BUILD)/libdaemon.a: $(call obj,$(FILTERD_SRC))
	@rm -f $@ && ar rcs $@ $^
$(BUILD)/filterd: $(call obj,filterd/main.c) $(BUILD)/libdaemon.a $(BUILD)/libfilterd.a
$(BUILD)/filterd-pipe: $(call obj,filterd/pipe_main.c) $(BUILD)/libdaemon.a $(BUILD)/libfilterd.a
$(BUILD)/filterd-retrain: $(call obj,$(wildcard tools/retrain*.c)) $(BUILD)/libfilterd.a
$(BUILD)/filterctl: $(call obj,$(CTL_SRC)) $(BUILD)/libfilterd.a
$(addprefix $(BUILD)/,$(PROGRAMS)):
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)
$(UNIT): $(BUILD)/t/%: $(BUILD)/obj/t/unit/%.o $(BUILD)/libdaemon.a $(BUILD)/libfilterd.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS) -lcmocka

# The targets of the fuzzer without it, for its seeds: see t/seeds_run.
$(FUZZ): $(BUILD)/t/%: $(BUILD)/obj/t/fuzz/%.o $(BUILD)/obj/t/fuzz/replay.o $(BUILD)/libdaemon.a $(BUILD)/libfilterd.a
	@mkdir -p $(@D)
	$(CC) $(ALL_LDFLAGS) -o $@ $^ $(LIBS)

# Preloaded into gpg, which is nobody's sanitized build.
$(BUILD)/gpg_malloc.so: gpg/preload/malloc.c
	@mkdir -p $(@D)
	$(CC) -std=c11 -Wall -Wextra -Werror -O2 -g -fPIC -shared -fvisibility=hidden -Wl,-z,relro,-z,now -o $@ $<

# Preloaded into filterd by the tests of faults; the sanitizers keep malloc for themselves.
$(BUILD)/t/shim.so: $(wildcard t/faults/*.c) $(wildcard t/faults/*.h)
	@mkdir -p $(@D)
	$(CC) -std=c11 -Wall -Wextra -Werror -D_GNU_SOURCE -I. -O2 -g -fPIC -shared -fvisibility=hidden \
	  $(if $(SAN),-DSHIM_WITHOUT_MALLOC) $(shell pkg-config --cflags gpgme sqlite3) -o $@ $(filter %.c,$^)

$(BUILD)/obj/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -c -o $@ $<

-include $(shell find $(BUILD)/obj -type f -name '*.d' 2>/dev/null)

check: all units
	BUILD=$(BUILD) prove -v t/units.t && BUILD=$(BUILD) prove -j$(JOBS) $(filter-out t/units.t,$(wildcard t/*.t))

lint:
	t/lint

bench: all
	t/bench/run $(CORPUS)

# With the peers that are here, if they cannot be installed.
bench-classifier: all
	-bash -c '. tools/deps && deps_install $$DEPS_BENCH'
	BUILD=$(BUILD) t/bench/classifier $(if $(CORPUS),--set '$(CORPUS)') $(ARGS)

# As root.
bench-evidence: all
	bash -c '. tools/deps && deps_install $$DEPS_TEST'
	BUILD=$(BUILD) t/bench/evidence $(ARGS)

# As root; ARGS='--zeyple FILE --gpgit FILE' for those beside it.
bench-end-to-end: all
	bash -c '. tools/deps && deps_install $$DEPS_TEST $$DEPS_BENCH_END'
	BUILD=$(BUILD) t/bench/end_to_end $(ARGS)

fuzz:
	t/fuzz/run $(T)

seeds: $(FUZZ)
	BUILD=$(BUILD) prove t/seeds_run

install: all
	install -d $(DESTDIR)$(PREFIX)/sbin $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/filterd
	install -m 755 $(BUILD)/filterd $(BUILD)/filterd-pipe $(DESTDIR)$(PREFIX)/sbin/
	install -m 755 $(BUILD)/filterd-retrain $(BUILD)/filterctl $(DESTDIR)$(PREFIX)/bin/
	install -d $(DESTDIR)$(PREFIX)/lib/filterd
	install -m 755 $(BUILD)/gpg_malloc.so $(DESTDIR)$(PREFIX)/lib/filterd/
	for s in 1 5 8; do install -d $(DESTDIR)$(PREFIX)/share/man/man$$s; \
	  for m in man/*.$$s; do [ ! -f "$$m" ] || install -m 644 $$m $(DESTDIR)$(PREFIX)/share/man/man$$s/; done; done
	install -m 644 rules/*.pcre rules/dnsbl.conf $(DESTDIR)$(PREFIX)/share/filterd/
	cp -R tools/sieve tools/postfix tools/dovecot $(DESTDIR)$(PREFIX)/share/filterd/
	sed -i 's|/usr/local/|$(PREFIX)/|g' $(addprefix $(DESTDIR)$(PREFIX)/share/filterd/,*/*.c*f dnsbl.conf)
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/lib/sysusers.d
	sed 's|/usr/local/|$(PREFIX)/|g' tools/systemd/filterd.service >$(DESTDIR)$(PREFIX)/lib/systemd/system/filterd.service
	chmod 644 $(DESTDIR)$(PREFIX)/lib/systemd/system/filterd.service
	install -m 644 tools/systemd/filterd.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/filterd.conf
	install -d $(DESTDIR)$(SYSCONFDIR)/filterd
	[ -f $(DESTDIR)$(SYSCONFDIR)/filterd/filterd.conf ] || \
	  { sed 's|/usr/local/|$(PREFIX)/|' tools/filterd.conf >$(DESTDIR)$(SYSCONFDIR)/filterd/filterd.conf && \
	    chmod 644 $(DESTDIR)$(SYSCONFDIR)/filterd/filterd.conf; }

help:
	@sed -n '1,2s/^# //p' Makefile

clean:
	rm -rf build build-san build-fuzz
