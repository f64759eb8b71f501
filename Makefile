# filterd: gcc (or clang), GNU make and pkg-config; tools/deps lists the packages.
#
# Targets
#   all               the programs (the default)
#   install           the programs, manual pages, snippets, settings; what was edited of these stays
#   deb               Debian packages, in build-deb
#   uninstall         takes away what install put there; settings that were edited stay
#   check             all tests; as root, on loopback ports
#   check-unit        the unit tests alone; as anybody
#   lint              the rules of CONTRIBUTING.md that a machine can check
#   units             builds the unit tests
#   fuzz              fuzzes the parsers with clang, T seconds each
#   seeds             gives the parsers the seeds of the fuzzer; best with SAN=1
#   bench             sealing beside gpg alone
#   bench-classifier  the classifier beside others; CORPUS=FOLDER/index
#   bench-evidence    what DNS costs; as root
#   bench-end-to-end  a site with filterd beside one without; as root
#   bench-tables      users in SQL tables, each new, beside one user; as root
#   clean             removes what was built
#   help              this
#
# Variables
#   CC, CPPFLAGS, CFLAGS, LDFLAGS  reach every object; what they say goes before our own flags.
#                     When they change, what they were used for is built anew
#   PKG_CONFIG        pkg-config
#   BUILD             the folder to build in: build, or build-san with SAN=1
#   PREFIX            where it is installed and looks for its files: /usr/local
#   SYSCONFDIR        /etc; the settings are in filterd/filterd.conf below it
#   DESTDIR           goes before both on this machine, for packages
#   SAN=1             with AddressSanitizer and UndefinedBehaviorSanitizer
#   WERROR=1          a warning is an error
#   V=1               shows each command
#   JOBS              how many tests run at once: twice as many as there are processors
#   T, CORPUS, ARGS   for fuzz and the benches; t/bench/* say more

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
PKG_CONFIG ?= pkg-config
CFLAGS ?= -O2 -g
BUILD := build$(if $(SAN),-san)
VERSION := $(strip $(file <VERSION))
PKGS := glib-2.0 gio-2.0 gmime-3.0 gpgme sqlite3 libgcrypt libcares libpsl libidn2 libpcre2-8 libseccomp libsystemd opendkim libpq libmariadb

# Tests at once: each waits for others most of its time.
JOBS ?= $(shell expr 2 \* $$(nproc))

# V=0 is as good as none.
on = $(filter-out 0,$(1))
Q := $(if $(call on,$(V)),,@)
silent := $(findstring s,$(filter-out --%,$(firstword -$(MAKEFLAGS))))
# The one line that is shown of a command.
say = $(if $(call on,$(V))$(silent),,printf '  %-4s %s\n' $(1) $(2) &&)

# The compiler cannot fortify what it does not optimize, and says so; and who names a level gets theirs.
optimized := $(filter-out -O0,$(lastword $(filter -O%,$(CFLAGS))))
fortify := $(if $(SAN)$(findstring _FORTIFY_SOURCE,$(CPPFLAGS) $(CFLAGS)),,$(if $(optimized),-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2))
comma := ,
sanitize := $(if $(SAN),-fsanitize=address$(comma)undefined -fno-omit-frame-pointer -fno-sanitize-recover=undefined)
# What another compiler would make of a structure (psabi) is nothing to us: none is in a library's interface.
ours := -std=c11 -Wall -Wextra -Wno-psabi $(if $(call on,$(WERROR)),-Werror) -D_GNU_SOURCE -D_FILE_OFFSET_BITS=64 -I. -MMD -MP \
	-fstack-protector-strong $(fortify)
packages := $(shell $(PKG_CONFIG) --cflags $(PKGS))
compile := $(CC) $(ours) $(sanitize) $(packages) $(CPPFLAGS) $(CFLAGS)
link := $(CC) -Wl,-z,relro,-z,now $(sanitize) $(CFLAGS) $(LDFLAGS)
LIBS := $(shell $(PKG_CONFIG) --libs $(PKGS)) -lspf2 -lmilter -lm

# What is preloaded goes into programs that nobody sanitized, and is no program itself.
foreign := -fsanitize% -fno-sanitize% -fPIE -fpie -pie
compile_preload := $(CC) $(ours) $(packages) $(filter-out $(foreign),$(CPPFLAGS) $(CFLAGS)) -fPIC -fvisibility=hidden
link_preload := $(CC) -Wl,-z,relro,-z,now $(filter-out $(foreign),$(CFLAGS) $(LDFLAGS)) -shared

# A room's folders are found by themselves. A program's main file is named here; all else is shared.
sources = $(sort $(shell find $(1) -name '[!.]*.c'))
obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
preload_obj = $(patsubst %.c,$(BUILD)/preload/%.o,$(1))

PROGRAMS := filterd filterd-pipe filterd-retrain filterctl
MAIN := filterd/main.c
PIPE_MAIN := filterd/pipe_main.c
PRELOAD_SRC := $(call sources,gpg/preload)
SHIM_SRC := $(call sources,t/faults)
INSIDE_SRC := $(call sources,t/inside)
LOOKUP := $(BUILD)/t/lookup
LIB_SRC := $(filter-out $(PRELOAD_SRC) $(MAIN) $(PIPE_MAIN),$(call sources,base rules classifier gpg filterd))
CTL_SRC := $(call sources,tools/filterctl)
RETRAIN_SRC := $(call sources,tools/retrain)
UNIT := $(patsubst t/unit/%.c,$(BUILD)/t/%,$(wildcard t/unit/*_test.c))
FUZZ := $(patsubst t/fuzz/%.c,$(BUILD)/t/%,$(wildcard t/fuzz/*_fuzz.c))

.PHONY: all install uninstall deb check check-unit lint units fuzz seeds bench bench-classifier bench-evidence \
	bench-end-to-end bench-tables clean help FORCE
all: $(addprefix $(BUILD)/,$(PROGRAMS)) $(BUILD)/gpg_malloc.so
units: $(UNIT) $(LOOKUP) $(BUILD)/t/shim.so $(BUILD)/t/inside.so

# $(BUILD)/is/NAME holds the text of variable NAME as it was at the last build. It is written anew only
# if that has changed, and so is what depends on it: objects for other flags, an archive for a source
# that went away. Nothing is written while make only reads this file, so make -n and -q tell the truth.
quoted = '$(subst ','\'',$(1))'
define kept
ifneq ($$(strip $$(file <$(BUILD)/is/$(1))),$$(strip $$($(1))))
$(BUILD)/is/$(1): FORCE
endif
$(BUILD)/is/$(1):
	@mkdir -p $$(@D) && printf '%s\n' $$(call quoted,$$($(1))) >$$@
endef
$(foreach name,compile compile_preload link link_preload LIB_SRC CTL_SRC RETRAIN_SRC SHIM_SRC,\
	$(eval $(call kept,$(name))))

# Appended: who replaces may take files of one name in two folders for the same.
$(BUILD)/libfilterd.a: $(call obj,$(LIB_SRC)) $(BUILD)/is/LIB_SRC
$(BUILD)/%.a:
	@$(call say,AR,$@) rm -f $@
	$(Q)ar qcs $@ $(filter %.o,$^)

programs := $(addprefix $(BUILD)/,$(PROGRAMS)) $(UNIT) $(FUZZ) $(LOOKUP)
$(BUILD)/filterd: $(call obj,$(MAIN))
$(BUILD)/filterd-pipe: $(call obj,$(PIPE_MAIN))
$(BUILD)/filterd-retrain: $(call obj,$(RETRAIN_SRC)) $(BUILD)/is/RETRAIN_SRC
$(BUILD)/filterctl: $(call obj,$(CTL_SRC)) $(BUILD)/is/CTL_SRC
$(UNIT): $(BUILD)/t/%: $(BUILD)/obj/t/unit/%.o
$(UNIT): private LIBS += -lcmocka
# Asks tables as filterd does, for t/tables.t.
$(LOOKUP): $(BUILD)/obj/t/lookup/lookup.o
# The targets of the fuzzer without it, for its seeds: see t/seeds_run.
$(FUZZ): $(BUILD)/t/%: $(BUILD)/obj/t/fuzz/%.o $(BUILD)/obj/t/fuzz/replay.o
$(programs): $(BUILD)/libfilterd.a $(BUILD)/is/link
	@mkdir -p $(@D)
	@$(call say,LINK,$@) :
	$(Q)$(link) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS)

# Preloaded into gpg.
$(BUILD)/gpg_malloc.so: $(call preload_obj,$(PRELOAD_SRC))
# Preloaded into filterd by the tests of faults; the sanitizers keep malloc for themselves.
$(BUILD)/t/shim.so: $(call preload_obj,$(SHIM_SRC)) $(BUILD)/is/SHIM_SRC
$(call preload_obj,$(SHIM_SRC)): private only_here := $(if $(SAN),-DSHIM_WITHOUT_MALLOC)
# Preloaded into filterd by the test of what a captured worker can do.
$(BUILD)/t/inside.so: $(call preload_obj,$(INSIDE_SRC))
$(BUILD)/gpg_malloc.so $(BUILD)/t/shim.so $(BUILD)/t/inside.so: $(BUILD)/is/link_preload
	@mkdir -p $(@D)
	@$(call say,LINK,$@) :
	$(Q)$(link_preload) -o $@ $(filter %.o,$^)

# The version is in one object only.
$(filter %/version.o,$(call obj,$(LIB_SRC))): private only_here := -DFILTERD_VERSION='"$(VERSION)"'
$(filter %/version.o,$(call obj,$(LIB_SRC))): VERSION

# In one line, which tools/quickstart counts.
$(BUILD)/obj/%.o: %.c $(BUILD)/is/compile
	@mkdir -p $(@D)
	$(Q)$(call say,CC,$<) $(compile) $(only_here) -c -o $@ $<
$(BUILD)/preload/%.o: %.c $(BUILD)/is/compile_preload
	@mkdir -p $(@D)
	$(Q)$(call say,CC,$<) $(compile_preload) $(only_here) -c -o $@ $<

-include $(shell find $(BUILD)/obj $(BUILD)/preload -type f -name '*.d' 2>/dev/null)

check: all units
	$(Q)BUILD=$(BUILD) prove -v t/units.t && BUILD=$(BUILD) prove -j$(JOBS) $(filter-out t/units.t,$(wildcard t/*.t))

check-unit: units
	$(Q)BUILD=$(BUILD) prove -v t/units.t

lint:
	$(Q)t/lint

bench: all
	$(Q)t/bench/run $(CORPUS)

# With the peers that are here, if they cannot be installed.
bench-classifier: all
	-$(Q)bash -c '. tools/deps && deps_install $$DEPS_BENCH'
	$(Q)BUILD=$(BUILD) t/bench/classifier $(if $(CORPUS),--set '$(CORPUS)') $(ARGS)

bench-evidence: all
	$(Q)bash -c '. tools/deps && deps_install $$DEPS_TEST'
	$(Q)BUILD=$(BUILD) t/bench/evidence $(ARGS)

# ARGS='--zeyple FILE --gpgit FILE' for those beside it.
bench-end-to-end: all
	$(Q)bash -c '. tools/deps && deps_install $$DEPS_TEST $$DEPS_BENCH_END'
	$(Q)BUILD=$(BUILD) t/bench/end_to_end $(ARGS)

bench-tables: all
	$(Q)bash -c '. tools/deps && deps_install $$DEPS_TEST'
	$(Q)BUILD=$(BUILD) t/bench/tables $(ARGS)

fuzz:
	$(Q)t/fuzz/run $(T)

seeds: $(FUZZ)
	$(Q)BUILD=$(BUILD) prove t/seeds_run

# MODE:SOURCE:TARGET of each file that install puts, and uninstall takes away.
into = $(foreach f,$(3),$(1):$(f):$(2)/$(notdir $(f)))
share := $(PREFIX)/share/filterd
INSTALLED := $(call into,755,$(PREFIX)/sbin,$(BUILD)/filterd $(BUILD)/filterd-pipe) \
	$(call into,755,$(PREFIX)/bin,$(BUILD)/filterd-retrain $(BUILD)/filterctl) \
	$(call into,755,$(PREFIX)/lib/filterd,$(BUILD)/gpg_malloc.so) \
	$(foreach s,1 5 8,$(call into,644,$(PREFIX)/share/man/man$(s),$(wildcard man/*.$(s)))) \
	$(foreach d,postfix dovecot,$(call into,644,$(share)/$(d),$(wildcard tools/$(d)/*))) \
	$(call into,644,$(PREFIX)/lib/systemd/system,tools/systemd/filterd.service) \
	644:tools/systemd/filterd.sysusers:$(PREFIX)/lib/sysusers.d/filterd.conf \
	644:tools/systemd/filterd.tmpfiles:$(PREFIX)/lib/tmpfiles.d/filterd.conf
# SOURCE:TARGET of what people edit, below SYSCONFDIR/filterd. As it was shipped last it stands in SHIPPED, too: who
# edited theirs keeps it.
settings := $(SYSCONFDIR)/filterd
KEPT := tools/filterd.conf:filterd.conf $(foreach f,$(wildcard rules/*.pcre) rules/dnsbl.conf,$(f):$(notdir $(f))) \
	$(foreach f,$(wildcard tools/sieve/*),$(f):sieve/$(notdir $(f)))
SHIPPED := $(share)/shipped
# What it names of itself is below PREFIX and SYSCONFDIR.
prefixed = sed -e 's|/usr/local/|$(PREFIX)/|g' -e 's|/etc/filterd/|$(settings)/|g'
# The folders that nobody else has.
OWN_FOLDERS := $(addprefix $(DESTDIR),$(addprefix $(share)/,postfix dovecot shipped/sieve shipped) $(share) \
	$(PREFIX)/lib/filterd $(settings)/sieve $(settings))
each_installed = for f in $(INSTALLED); do mode=$${f%%:*}; f=$${f\#*:}; from=$${f%%:*}; to=$(DESTDIR)$${f\#*:}
each_kept = for f in $(KEPT); do from=$${f%%:*}; to=$(DESTDIR)$(settings)/$${f\#*:}; shipped=$(DESTDIR)$(SHIPPED)/$${f\#*:}

install: all
	$(Q)$(each_installed); $(if $(silent),,echo "  INST $$to";) \
	  case $$mode in \
	  755) install -D -m 755 "$$from" "$$to" ;; \
	  *) install -d "$${to%/*}" && $(prefixed) "$$from" >"$$to" && chmod 644 "$$to" ;; \
	  esac || exit 1; done
	$(Q)$(each_kept); install -d "$${to%/*}" "$${shipped%/*}" || exit 1; \
	  if [ ! -f "$$to" ] || cmp -s "$$to" "$$shipped"; then $(if $(silent),,echo "  INST $$to";) \
	    $(prefixed) "$$from" >"$$to" && chmod 644 "$$to" || exit 1; \
	  elif ! $(prefixed) "$$from" | cmp -s - "$$to"; then \
	    echo "  KEPT $$to, which was edited; as shipped: $$shipped"; fi; \
	  $(if $(silent),,echo "  INST $$shipped";) $(prefixed) "$$from" >"$$shipped" && chmod 644 "$$shipped" || exit 1; done

# Whoever edited their settings finds them again; those as shipped are ours.
uninstall:
	$(Q)$(each_installed); $(if $(silent),,echo "  RM   $$to";) rm -f "$$to" || exit 1; done
	$(Q)$(each_kept); if [ -f "$$to" ] && cmp -s "$$to" "$$shipped"; then \
	  $(if $(silent),,echo "  RM   $$to";) rm -f "$$to"; fi; $(if $(silent),,echo "  RM   $$shipped";) rm -f "$$shipped" || exit 1; done
	$(Q)for d in $(OWN_FOLDERS); do [ ! -d "$$d" ] || rmdir "$$d" 2>/dev/null || \
	  find "$$d" -mindepth 1 ! -type d | sed 's/^/Stays, as install did not put it there as it is: /'; done
	@echo "Stays: what filterd keeps (state_dir, site_key; /var/lib/filterd by default) and its user."

# Of what git knows, as it is now: built in a copy, where nothing of ours lies about.
deb:
	$(Q)rm -rf build-deb && mkdir -p build-deb/filterd
	$(Q)git ls-files -z --cached --others --exclude-standard | tar -c --null -T - | tar -x -C build-deb/filterd
	$(Q)cd build-deb/filterd && DEB_BUILD_OPTIONS="parallel=$$(nproc) $$DEB_BUILD_OPTIONS" dpkg-buildpackage -b -us -uc
	$(Q)rm -r build-deb/filterd

help:
	@sed -n '3,/^$$/s/^# \{0,1\}//p' Makefile

clean:
	$(Q)rm -rf build build-san build-fuzz
