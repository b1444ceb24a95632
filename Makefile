# Romline: everything is built under build/; `make help` lists what there is.
.DEFAULT_GOAL := all
MAKEFLAGS += --no-builtin-rules
BUILD   ?= build
CC      := gcc
CLANG   ?= clang
PKGS    := libusb-1.0 libudev sqlite3 libmicrohttpd libcjson libdeflate libcrypto libsodium libcurl
WARN    := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wconversion -Wswitch-enum -Wundef \
           -Wformat=2 -Wvla -Wpointer-arith -Wwrite-strings -Werror
# Lazy, so that `make deps` runs on a machine that has no pkg-config yet.
PKG_CFLAGS = $(shell pkg-config --cflags $(PKGS))
PKG_LIBS   = $(shell pkg-config --libs $(PKGS)) -linih
OPT     ?= -O2 -g
SAN     ?=
CFLAGS   = -std=gnu11 -D_GNU_SOURCE $(OPT) $(SAN) $(WARN) -pthread -fno-strict-aliasing \
           -Istation -Ifirmware/romfs -Ifirmware -I. -I$(BUILD)/gen $(PKG_CFLAGS) -MMD -MP
LDFLAGS  = $(SAN) -pthread

LIB_SRC  := $(wildcard station/base/*.c station/format/*.c station/os/*.c station/transport/*.c station/journal/*.c \
            station/line/*.c station/http/*.c firmware/romfs/*.c)
CTL_SRC  := $(wildcard station/ctl/*.c)
CAM_SRC  := $(wildcard fixtures/virtual/*.c firmware/dfu/*.c)
TEST_SRC := $(wildcard tests/unit/t_*.c)
FUZZ_SRC := $(wildcard tests/fuzz/f_*.c)

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$(1))
LIB := $(BUILD)/libstation.a

all: $(BUILD)/stationd $(BUILD)/stationctl $(BUILD)/virtual-line

$(BUILD)/obj/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<

$(LIB): $(call obj,$(LIB_SRC))
	@mkdir -p $(@D)
	rm -f $@ && ar rcs $@ $^

$(BUILD)/stationd: $(call obj,station/main.c) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)
$(BUILD)/stationctl: $(call obj,$(CTL_SRC)) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)
$(BUILD)/virtual-line: $(call obj,$(CAM_SRC)) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS)

# Unit tests: one program per tests/unit/t_*.c.
unit: $(patsubst tests/unit/%.c,$(BUILD)/tests/%,$(TEST_SRC))
$(BUILD)/tests/%: $(BUILD)/obj/tests/unit/%.o $(LIB)
	@mkdir -p $(@D)
	$(CC) $(LDFLAGS) -o $@ $^ $(PKG_LIBS) -lcmocka

# Fuzz targets: clang's libFuzzer over the whole library, built beside the rest.
fuzzers: $(patsubst tests/fuzz/%.c,$(BUILD)/fuzz/%,$(FUZZ_SRC))

# The mount driver for the cameras' cores: freestanding, sizes printed, nothing needed but four functions on memory.
ARM        ?= arm-none-eabi-
ARM_CORES  := cortex-m4 cortex-m7 cortex-m33 cortex-m55
ARM_CFLAGS := -mthumb -std=gnu11 -ffreestanding -Os -ffunction-sections -Wall -Wextra -Wconversion -Werror
ROMFS_NEEDS := memcmp memcpy memset strlen

firmware: $(ARM_CORES:%=$(BUILD)/firmware/romfs-%.o)
	$(ARM)size $^
$(BUILD)/firmware/romfs-%.o: $(wildcard firmware/romfs/*.c firmware/romfs/*.h) Makefile
	@mkdir -p $(BUILD)/firmware/$*
	cd $(BUILD)/firmware/$* && $(ARM)gcc -mcpu=$* $(ARM_CFLAGS) -c $(abspath $(filter %.c,$^))
	$(ARM)ld -r -o $@.new $(patsubst %.c,$(BUILD)/firmware/$*/%.o,$(notdir $(filter %.c,$^)))
	@extra=$$($(ARM)nm -u $@.new | awk '{print $$2}' | grep -vxF $(ROMFS_NEEDS:%=-e %)); \
	if [ -n "$$extra" ]; then echo "firmware/romfs needs" $$extra >&2; exit 1; fi
	@mv $@.new $@

-include $(shell find $(BUILD)/obj -name '*.d' 2>/dev/null)
.PHONY: all unit fuzzers firmware
.SECONDARY:
