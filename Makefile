# Romline.  `make help` lists the targets; everything that is built lands under build/.
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules
SHELL   := /bin/bash
BUILD   ?= build
CC      := gcc
CLANG   := clang
PREFIX  ?= /usr/local
DESTDIR ?=

PKGS  := libusb-1.0 libudev sqlite3 libmicrohttpd libcjson libdeflate libcrypto libsodium libcurl liblz4
WARN  := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion -Wswitch-enum -Wundef \
         -Wformat=2 -Wvla -Wpointer-arith -Wwrite-strings -Werror
OPT   ?= -O2 -g
SAN   ?=
# Asked once, and only when something is compiled: `make deps` must run on a machine without pkg-config.
PKG_CFLAGS = $(eval PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS)))$(PKG_CFLAGS)
PKG_LIBS   = $(eval PKG_LIBS := $(shell pkg-config --libs $(PKGS)) -linih -lm)$(PKG_LIBS)
CPPFLAGS   = -D_GNU_SOURCE -Istation -Ifirmware/romfs -Ifirmware -I. -Ifixtures/virtual -I$(BUILD)/gen -I$(WEB) $(PKG_CFLAGS)
CFLAGS     = -std=gnu11 $(OPT) $(SAN) $(WARN) -pthread -fno-strict-aliasing $(CPPFLAGS) -MMD -MP
LDFLAGS    = $(SAN) -pthread

# The dashboard's bundle, the same one for every BUILD.
WEB := build/web

LIB_SRC  := $(wildcard station/base/*.c station/format/*.c station/os/*.c station/transport/*.c station/journal/*.c \
            station/mes/*.c station/line/*.c station/http/*.c firmware/romfs/*.c)
CTL_SRC  := $(wildcard station/ctl/*.c)
TEST_SRC := $(wildcard tests/unit/t_*.c)
FUZZ_SRC := $(wildcard tests/fuzz/f_*.c)
# The virtual line: the USB front end, and the cameras behind fixtures/virtual/camera.h.
# `make virtual-line CAMERA="a.o b.a"` links other cameras in their place; parts of ours stay there for them to use.
CAMERA_SRC := fixtures/virtual/camera.c fixtures/virtual/camera_openmv.c fixtures/virtual/camera_dfuse.c \
              fixtures/virtual/flash.c fixtures/virtual/cells.c fixtures/virtual/store.c fixtures/virtual/identity.c \
              firmware/dfu/device.c firmware/dfu/dfuse.c
CAMERA_LIB := $(BUILD)/libcamera.a
VIRTUAL_LINE ?= $(BUILD)/virtual-line
# What a model in another language may need of the compiler; linked only where it is used.
CAMERA_NEEDS = -Wl,--as-needed $(filter /%,$(shell $(CC) -print-file-name=libstdc++.so)) -lm
FRONT_SRC  := $(filter-out $(CAMERA_SRC),$(wildcard fixtures/virtual/*.c)) firmware/dfu/dfu.c
CAMERA     ?= $(call obj,fixtures/virtual/camera.c)

# The core of a camera behind a debug probe; only its front needs Unicorn, so that unit tests see the rest.
CORE_SRC   := $(wildcard fixtures/virtual/core/*.c)
CORE_MODEL := $(addprefix fixtures/virtual/core/,chip.c dap.c f4_flash.c h7_flash.c life.c matrix.c nor.c pins.c quadspi.c xspi.c flexspi.c ospi.c mram.c)

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIB := $(BUILD)/libstation.a
# The camera's side of ROMFS, for tests: the station itself needs the mount driver only.
VFS_LIB := $(BUILD)/libvfs.a
VFS_LIB_SRC := $(wildcard firmware/vfs/*.c tests/firmware/hostile.c) firmware/port/ram_flash.c
# The agent but for core and flash, over media in RAM, for tests.
AGENT_LIB := $(BUILD)/libagent.a
AGENT_LIB_SRC := $(filter-out %/start.c %/core.c,$(wildcard firmware/agent/*.c)) $(filter-out %/main.c,$(wildcard tests/firmware/agent/*.c))
# All of the virtual line but its main, for unit tests.
VIRTUAL_LIB := $(BUILD)/libvirtual.a

##@ Build
all: $(BUILD)/stationd $(BUILD)/stationctl $(VIRTUAL_LINE) ## the daemon, its command line, the virtual line
virtual-line: $(VIRTUAL_LINE)

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) -c -o $@ $<
$(BUILD)/obj/gen/%.o: $(BUILD)/gen/%.c
	@mkdir -p $(@D)
	@$(CC) $(CFLAGS) -c -o $@ $<

# The numbered migrations of db/ as C strings: one array member per file, one literal per line.
$(BUILD)/gen/migrations.inc: $(sort $(wildcard db/*.sql)) Makefile
	@mkdir -p $(@D)
	for f in $(filter %.sql,$^); do echo '('; sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' $$f; echo '),'; done > $@
$(BUILD)/obj/station/journal/schema.o: $(BUILD)/gen/migrations.inc

# The API's description as one C string, a literal per line.
$(BUILD)/gen/openapi.inc: station/http/openapi.json Makefile
	@mkdir -p $(@D)
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/.*/"&\\n"/' $< > $@
$(BUILD)/obj/station/http/openapi.o: $(BUILD)/gen/openapi.inc

# The RAM agents' images, one per core, as C.
$(BUILD)/gen/agent.inc: $(foreach n,4 7 33,build/firmware/agent-m$n.bin) Makefile
	@mkdir -p $(@D)
	for n in 4 7 33; do echo "static const uint8_t agent_m$$n[] = {"; \
		od -An -v -tx1 -w16 build/firmware/agent-m$$n.bin | sed -e 's/ \(..\)/0x\1,/g'; echo "};"; done > $@
$(BUILD)/obj/station/format/agent_code.o: $(BUILD)/gen/agent.inc

# The dashboard: packages by the lock file, then one bundle, then its bytes as C.
NPM_CI := npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
# With what the browser tests need, in a place of its own so that the product's build never has it.
build/browser/node_modules/.package-lock.json: web/package.json web/package-lock.json
	@mkdir -p $(@D)/..
	cp web/package.json web/package-lock.json build/browser
	cd build/browser && $(NPM_CI)
	@touch $@
# MicroPython's compiler as a command, for tests and the demo.
mpy-cross: build/mpy-cross/mpy-cross ## MicroPython's compiler from npm, as build/mpy-cross/mpy-cross
build/mpy-cross/mpy-cross: $(wildcard fixtures/mpy-cross/*)
	@mkdir -p $(@D)
	cp fixtures/mpy-cross/package.json fixtures/mpy-cross/package-lock.json $(@D)
	cd $(@D) && $(NPM_CI)
	cp fixtures/mpy-cross/mpy-cross $@
$(WEB)/assets.inc: $(wildcard web/*.mjs web/*.html web/*.css web/*.svg web/src/*.js) web/bundle web/package.json \
                   web/package-lock.json
	web/bundle $(WEB)
$(BUILD)/obj/station/http/assets.o: $(WEB)/assets.inc

$(LIB): $(call obj,$(LIB_SRC)) $(GEN_OBJ)
	@mkdir -p $(@D)
	rm -f $@ && ar rcs $@ $^

$(VIRTUAL_LIB): $(filter-out %/main.o,$(call obj,$(FRONT_SRC) $(CAMERA_SRC) $(CORE_MODEL)))
	@mkdir -p $(@D)
	rm -f $@ && ar rcs $@ $^

$(VFS_LIB): $(call obj,$(VFS_LIB_SRC))
	@mkdir -p $(@D)
	rm -f $@ && ar rcs $@ $^

$(AGENT_LIB): $(call obj,$(AGENT_LIB_SRC))
	@mkdir -p $(@D)
	rm -f $@ && ar rcs $@ $^

$(BUILD)/stationd: $(call obj,station/main.c) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)
$(BUILD)/stationctl: $(call obj,$(CTL_SRC)) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lncursesw -ltinfo
$(CAMERA_LIB): $(call obj,$(filter-out %/camera.c,$(CAMERA_SRC)))
	@mkdir -p $(@D)
	rm -f $@ && ar rcs $@ $^
# Whose cameras were linked last: others are linked anew, ours too.
$(VIRTUAL_LINE).camera: always
	@mkdir -p $(@D)
	@echo '$(CAMERA)' | cmp -s - $@ || echo '$(CAMERA)' > $@
$(VIRTUAL_LINE): $(call obj,$(FRONT_SRC)) $(CAMERA) $(CAMERA_LIB) $(LIB) $(VIRTUAL_LINE).camera
	$(CC) $(LDFLAGS) -o $@ $(filter-out %.camera,$^) $(PKG_LIBS) $(CAMERA_NEEDS)

virtual-core: $(BUILD)/virtual-core ## the core of a virtual camera behind a debug probe; needs libunicorn-dev
$(BUILD)/virtual-core: $(call obj,$(CORE_SRC) fixtures/virtual/board_file.c \
                       fixtures/virtual/faults.c fixtures/virtual/port_path.c firmware/dfu/dfu.c) $(CAMERA_LIB) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lunicorn

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)

deps: ## install what building and running need, from Debian's packages
	tests/deps build
test-deps: ## the same, and what testing needs
	tests/deps test

##@ Run
demo: deps ## program virtual cameras: BOARD=ID CAMERAS=N PORT=N ONCE=1 TRANSPORT=dfu|swd|mixed
	$(MAKE) all
	$(if $(filter swd mixed,$(TRANSPORT)),tests/deps swd && $(MAKE) virtual-core)
	@$(MAKE) -s mpy-cross || echo "*** npm has no mpy-cross to give: the demo's sources are not compiled ***" >&2
	BOARD="$(BOARD)" CAMERAS="$(CAMERAS)" PORT="$(PORT)" ONCE="$(ONCE)" TRANSPORT="$(TRANSPORT)" BUILD="$(BUILD)" fixtures/demo
run: deps ## the station for real cameras, with ./station.conf (copied from the example when missing)
	$(MAKE) all
	test -f station.conf || sed -e 's|^;* *state_dir = .*|state_dir = state|; s|^;* *boards = .*|boards = fixtures/boards|; s|^;* *openocd = .*|openocd = fixtures/openocd|; s|^;* *trust = .*|trust = trust|' \
		station.conf.example > station.conf
	mkdir -p trust
	$(BUILD)/stationd -c station.conf

##@ Prove
test: test-deps ## everything that must hold; ends with `N passed, N failed`
	tests/run
unit: $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(TEST_SRC)) $(BUILD)/tests/transport_dfu $(BUILD)/tests/swd_agent $(BUILD)/tests/clock_shift.so \
      $(BUILD)/tests/disk_trouble.so $(BUILD)/tests/nth.so $(BUILD)/tests/vectors
$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(VIRTUAL_LIB) $(VFS_LIB) $(AGENT_LIB) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcmocka
browser-tools: build/browser/node_modules/.package-lock.json
browser: all browser-tools ## the dashboard in Chromium, in front of a virtual line
	tests/browser/line.mjs
	tests/browser/images.mjs
	tests/browser/quality.mjs
	tests/browser/pages.mjs
	tests/browser/shift.mjs
	tests/browser/people.mjs
	tests/browser/floor.mjs
# What the whole-line tests run beside the product.
$(BUILD)/tests/transport_dfu $(BUILD)/tests/swd_agent: $(BUILD)/tests/%: $(BUILD)/obj/tests/line/%.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

$(BUILD)/tests/clock_shift.so $(BUILD)/tests/disk_trouble.so: $(BUILD)/tests/%.so: tests/line/%.c
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -fPIC -shared -o $@ $<

# The n-th call of a kind fails: tests/line/nth.py.
$(BUILD)/tests/nth.so: tests/nth/nth.c tests/nth/calls.inc
	@mkdir -p $(@D)
	$(CC) -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -Werror -fPIC -ftls-model=initial-exec -shared -o $@ $<

# What the cores answer, answered by the host.
$(BUILD)/tests/vectors: $(call obj,$(wildcard tests/firmware/*.c)) $(VFS_LIB) $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

# Fuzz targets see the library built by clang with its coverage and both sanitizers.
FUZZ_SAN := -fsanitize=address,undefined -fno-sanitize-recover=undefined
fuzzers: ## build the fuzz targets
	$(MAKE) BUILD=build/fuzz CC=$(CLANG) OPT="-O1 -g" SAN="$(FUZZ_SAN) -fsanitize=fuzzer-no-link" fuzz-programs
fuzz-programs: $(patsubst tests/fuzz/%.c,$(BUILD)/%,$(FUZZ_SRC)) $(BUILD)/walk32
# The mount driver for a 32-bit core, beside which f_romfs_widths runs the one that we ship.
$(BUILD)/walk32: tests/fuzz/walk32.c tests/fuzz/walk.h $(wildcard firmware/romfs/*.c firmware/romfs/*.h) Makefile
	@mkdir -p $(@D)
	$(CLANG) -m32 -std=gnu11 -D_GNU_SOURCE -O1 -g $(FUZZ_SAN) $(WARN) -Wno-shorten-64-to-32 -Ifirmware/romfs -o $@ $(filter %.c,$^)
$(BUILD)/f_%: $(BUILD)/obj/tests/fuzz/f_%.o $(VIRTUAL_LIB) $(VFS_LIB) $(AGENT_LIB) $(LIB)
	$(CC) $(FUZZ_SAN) -fsanitize=fuzzer -pthread -o $@ $^ $(PKG_LIBS)
MINUTES ?= 1
fuzz: fuzzers ## MINUTES=n for each target, from the kept corpora
	tests/fuzz/run $(MINUTES)m
FIRST ?= 1
SEEDS ?= 20
soak: all ## random faults by seed: SEEDS=n FIRST=n
	tests/faults/seeds.py $(FIRST) $(SEEDS)
KILLS ?= 300
SEED  ?= 1
soak-kill: all ## kill -9 of the running station at random instants: KILLS=n SEED=n
	tests/line/kills.py $(KILLS) $(SEED)
CYCLES ?= 10000
soak-plugs: all ## CYCLES=n cameras come and go; nothing may grow
	tests/line/slope.py $(CYCLES)
soak-nth: all $(BUILD)/tests/nth.so ## every allocation, file operation and SQLite call fails once, in each command for hours, in a whole station for days: STRIDE=n, each n-th there
	tests/line/nth.py --every
	tests/line/nth_api.py --every
	tests/line/nth_dfu.py --every
	tests/line/nth_journey.py --stride $(or $(STRIDE),1)
mutants: ## break the code on purpose; each break must turn a named test red
	tests/mutants/run
# What the bench runs beside the product.
BENCH_SRC := $(wildcard tests/bench/*.c)
BENCH     := $(patsubst tests/bench/%.c,$(BUILD)/bench/%,$(BENCH_SRC))
$(BUILD)/bench/%: $(BUILD)/obj/tests/bench/%.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)
bench: all $(BENCH) ## measure, beside a peer in the same run: ROWS="word ..." ROUNDS=n; writes build/bench.json
	tests/bench/run $(ROWS)
docs: all ## bring the generated parts of ARCHITECTURE.md up to date
	tests/line/docs.py --write
lint: ## format, floors, library prefixes, cppcheck
	tests/lint/run

##@ Firmware
# The mount driver and the camera's view of it for the cameras' cores: freestanding, sizes and worst stack printed,
# nothing needed but four functions on memory.
ARM        ?= arm-none-eabi-
ARM_CORES  := cortex-m4 cortex-m7 cortex-m33 cortex-m55
ARM_CFLAGS := -mthumb -std=gnu11 -ffreestanding -Os -ffunction-sections -Wall -Wextra -Wconversion -Werror \
              -Ifirmware/romfs -Ifirmware -I. -MMD -MP -fcallgraph-info=su
ARM_NEEDS  := memcmp memcpy memset strlen
FIRMWARE   := $(BUILD)/firmware
FIRMWARE_SRC := $(wildcard firmware/romfs/*.c firmware/vfs/*.c)
# The machines that stand for the cores: what `make test` runs the vectors on.
MACHINES   := mps2-an386:cortex-m4 mps2-an500:cortex-m7 mps2-an505:cortex-m33 mps3-an547:cortex-m55
VECTOR_SRC := $(FIRMWARE_SRC) $(wildcard firmware/port/*.c) $(filter-out %/host_port.c,$(wildcard tests/firmware/*.c))

# The agent: position independent, a core each; what runs on an M55 is the M33's, which knows no loop instructions.
AGENT_SRC  := $(wildcard firmware/agent/*.c firmware/agent/flash/*.c firmware/romfs/*.c) firmware/port/memory.c
AGENTS     := 4:cortex-m4: 7:cortex-m7:-DAGENT_CORE_M7 33:cortex-m33:
AGENT_CFLAGS = $(filter-out -Os,$(ARM_CFLAGS)) -O2 -fpie -fvisibility=hidden -fdata-sections
agents: $(foreach n,4 7 33,build/firmware/agent-m$n.bin)

firmware: $(ARM_CORES:%=$(FIRMWARE)/camera-%.o) agents $(foreach m,$(MACHINES),$(FIRMWARE)/vectors-$(firstword $(subst :, ,$m)).elf) ## the camera's side for its cores: sizes, worst stack, vector programs
	@$(ARM)size $(filter %.o,$^)
	@$(ARM)size $(foreach n,4 7 33,build/firmware/agent-m$n.elf)
	@firmware/agent-set $(foreach n,4 7 33,build/firmware/agent-m$n.elf)
	@firmware/worst-stack $(ARM_CORES:%=$(FIRMWARE)/%) $(foreach n,4 7 33,build/firmware/agent-m$n)

# Per core: objects, then one object of the driver whose needs are looked at, then a program per machine.
define core
$(FIRMWARE)/$1/%.o: %.c Makefile
	@mkdir -p $$(@D)
	@$(ARM)gcc -mcpu=$1 $(ARM_CFLAGS) -c -o $$@ $$<
$(FIRMWARE)/camera-$1.o: $(FIRMWARE_SRC:%.c=$(FIRMWARE)/$1/%.o)
	@$(ARM)ld -r -o $$@.new $$^
	@extra=$$$$($(ARM)nm -u $$@.new | awk '{print $$$$2}' | grep -vxF $(ARM_NEEDS:%=-e %)); \
	if [ -n "$$$$extra" ]; then echo "firmware needs" $$$$extra >&2; exit 1; fi
	@variables=$$$$($(ARM)nm $$@.new | awk '$$$$2 ~ /[bBdDcC]/ {print $$$$3}'); \
	if [ -n "$$$$variables" ]; then echo "firmware keeps" $$$$variables >&2; exit 1; fi
	@mv $$@.new $$@
endef
define machine
$(FIRMWARE)/vectors-$1.elf: $(VECTOR_SRC:%.c=$(FIRMWARE)/$2/%.o) firmware/port/$1.ld firmware/port/sections.ld
	@$(ARM)gcc -mcpu=$2 -mthumb -nostdlib -Wl,--gc-sections -Lfirmware/port -T firmware/port/$1.ld -o $$@ $$(filter %.o,$$^) -lgcc
endef
# Number, core, flags.
define agent
build/firmware/agent-m$1/%.o: %.c Makefile
	@mkdir -p $$(@D)
	@$(ARM)gcc -mcpu=$2 $3 $$(AGENT_CFLAGS) -c -o $$@ $$<
build/firmware/agent-m$1.elf: $(AGENT_SRC:%.c=build/firmware/agent-m$1/%.o) firmware/agent/agent.ld
	@$(ARM)gcc -mcpu=$2 -mthumb -nostdlib -pie -Wl,--no-dynamic-linker,--gc-sections,-z,max-page-size=128 \
		-T firmware/agent/agent.ld -o $$@ $$(filter %.o,$$^)
build/firmware/agent-m$1.bin: build/firmware/agent-m$1.elf
	@$(ARM)objcopy -O binary $$< $$@
-include $$(wildcard build/firmware/agent-m$1/firmware/*/*.d build/firmware/agent-m$1/firmware/*/*/*.d)
endef
$(foreach a,$(AGENTS),$(eval $(call agent,$(word 1,$(subst :, ,$a)),$(word 2,$(subst :, ,$a)),$(word 3,$(subst :, ,$a)))))
$(foreach c,$(ARM_CORES),$(eval $(call core,$c)))
$(foreach m,$(MACHINES),$(eval $(call machine,$(firstword $(subst :, ,$m)),$(lastword $(subst :, ,$m)))))
-include $(shell find $(FIRMWARE) -name '*.d' 2>/dev/null)

##@ Install
install: all ## programs, boards, lines, manual pages, systemd unit, udev rule
	install -D -t $(DESTDIR)$(PREFIX)/bin $(BUILD)/stationd $(BUILD)/stationctl $(BUILD)/virtual-line
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/romline/boards fixtures/boards/*.json
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/romline/openocd fixtures/openocd/*.cfg fixtures/openocd/*.tcl
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/romline/lines fixtures/lines/*.json
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 station/man/*.1
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man8 station/man/*.8
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/systemd/system station/system/romline.service station/system/romline.socket
	install -D -m 644 station/system/romline.sysusers $(DESTDIR)$(PREFIX)/lib/sysusers.d/romline.conf
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/lib/udev/rules.d station/system/60-romline.rules
	install -D -m 644 station.conf.example $(DESTDIR)/etc/romline/station.conf.example
clean: ## remove build/
	rm -rf build
help: ## this list
	@awk -F':.*## ' '/^##@/ {print "\n" substr($$0, 5)} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

.PHONY: all always deps test-deps demo run test mpy-cross browser browser-tools unit fuzzers fuzz-programs fuzz soak soak-kill soak-plugs soak-nth mutants bench lint docs firmware install clean help virtual-line virtual-core agents
.SECONDARY:
