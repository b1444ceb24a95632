/* A board: what fixtures/boards/ID.json says of one camera model.  Everything the station knows about a model is in
 * here; code never branches on a board's name.
 *
 * Pure: parses text, no files.  Schema and source of each field: fixtures/boards/README.md. */
#ifndef STATION_FORMAT_BOARD_H
#define STATION_FORMAT_BOARD_H

#include "base/err.h"
#include "base/span.h"

#define BOARD_ID_SIZE        40
#define BOARD_MAX_PARTITIONS 16
#define BOARD_MAX_ERASE_RUNS 8
#define BOARD_MAX_RANGES     4
#define BOARD_MAX_ALIGN      8
#define BOARD_MAX_TIMES      8
#define BOARD_MAX_MEDIA      4
#define BOARD_MAX_LEGACY     4
#define BOARD_MAX_MPY        8
#define BOARD_MAX_ALTERNATES 8
#define BOARD_ALT_SIZE       64 /* the string of an alternate setting */
#define DFU_BLOCK            4096u

enum board_role { ROLE_BOOTLOADER, ROLE_FIRMWARE, ROLE_COFIRMWARE, ROLE_ROMFS, ROLE_FILESYSTEM, ROLE_OTHER };
enum usb_speed { USB_FULL, USB_HIGH };
enum dfu_dialect { DIALECT_OPENMV, DIALECT_DFUSE };
/* What the DFU serial is made of, and how the run-mode serial follows from it. */
enum uid_rule {
	UID_WORDS,    /* 24 hex digits: W2,W1,W0 of an STM32's UID (OpenMV's bootloader) */
	UID_WORDS_UP, /* the same words as W0,W1,W2 (Arduino's bootloader) */
	UID_MFGDATA,  /* 24 hex digits of an AE3's MfgData */
	UID_OCOTP     /* 16 hex digits: the bytes of CFG0, then of CFG1, of an i.MX RT; no DFU serial */
};
enum run_serial_rule { RUN_SERIAL_STM32, RUN_SERIAL_ANY };

/* The medium that holds a partition: its erase and write behaviour and its times. */
struct medium {
	char name[16];
	bool erases;       /* false: MRAM, overwritten in place */
	bool write_once;   /* H7 internal flash: a word takes one write per erase */
	bool block0_first; /* AE3 MRAM: each visit to an alternate starts with block 0 */
	uint32_t program_bytes;
	uint32_t program_us; /* typical time to program program_bytes */
};

/* count erase units of size bytes each, in ascending address order from the partition's start. */
struct erase_run {
	uint32_t size, count;
};

struct partition {
	/* OpenMV: the alternate setting's string, matched exactly.  DfuSe: a name of our own, since an alternate is a
	 * medium there and holds several partitions */
	char name[24];
	unsigned alt;     /* OpenMV: where the current bootloader has it; informative.  DfuSe: index into alternates */
	unsigned medium;  /* index into board.media */
	uint64_t address; /* in the medium */
	uint64_t mapped;  /* where the camera's core sees it, and DfuSe too; 0: nowhere */
	uint32_t size;    /* bytes */
	bool readonly;    /* the bootloader refuses writes */
	bool forbidden;   /* a recipe never writes it, even where the bootloader would */
	bool readable;    /* UPLOAD gives its contents */
	enum board_role role;
	unsigned romfs_index; /* for ROLE_ROMFS: its number in vfs.rom_ioctl */
	uint32_t sector;      /* DfuSe: what one erase command erases; an erase unit is one or several */
	unsigned run_count;
	struct erase_run runs[BOARD_MAX_ERASE_RUNS]; /* cover exactly size; none when the medium does not erase */
};

struct range {
	uint32_t start, size;
};

struct align_rule {
	char suffix[16]; /* complete suffix, lower case, without the leading dot: "tflite" */
	uint32_t align;  /* power of two */
	bool model;      /* intake refuses a model below it; others warn */
};

/* How a board is reached over SWD. */
enum swd_core { SWD_CORE_M4, SWD_CORE_M7, SWD_CORE_M33 };
/* What writes a medium: a back-end of the flash agent. */
enum swd_backend {
	SWD_BACKEND_NONE, /* the medium cannot be reached over SWD */
	SWD_BACKEND_STM32F4,
	SWD_BACKEND_STM32F7,
	SWD_BACKEND_STM32H7,
	SWD_BACKEND_QUADSPI,
	SWD_BACKEND_XSPI,
	SWD_BACKEND_FLEXSPI,
	SWD_BACKEND_MRAM,
	SWD_BACKEND_OSPI,
	SWD_BACKEND_COUNT
};
struct swd_medium {
	enum swd_backend backend;
	bool stock;         /* the target configuration declares OpenOCD's own flash bank for it */
	uint32_t registers; /* of its controller */
	uint32_t bank_size; /* 0: one bank */
	uint32_t
	    mapped_tail_wedge; /* so many bytes before its end must not be read by the core where they are mapped */
};
struct board_swd {
	bool there;      /* false: nothing below counts */
	bool hybrid;     /* only the boot magic and a reset go over SWD, the rest over DFU */
	char config[64]; /* a file name in the folder of target configurations */
	char mark[12];   /* "measured", "datasheet", "assumed" or "modelled": the weakest of what is said here */
	bool has_dpidr, has_idcode, has_flash_kib, has_uid, has_agent;
	uint32_t dpidr;
	uint32_t idcode_address, idcode_mask, idcode_value;
	uint32_t flash_kib_address,
	    flash_kib; /* 16 bits at that address say how many KiB of internal flash there are */
	uint32_t uid_address;
	unsigned uid_words, uid_stride; /* bytes from one word to the next */
	enum swd_core core;
	struct range agent, buffers; /* RAM for the flash agent: its program with its stack; its mailbox and buffers */
	struct swd_medium media[BOARD_MAX_MEDIA]; /* as board.media */
};

/* DfuSe: an alternate setting, which is a medium and states its map. */
struct alternate {
	char name[32];             /* what its name begins with, runs of blanks taken as one */
	char text[BOARD_ALT_SIZE]; /* what the bootloader described here says in full */
};

struct board {
	char id[BOARD_ID_SIZE], name[64], mcu[32], core[16];
	enum dfu_dialect dialect;
	enum usb_speed speed;
	bool
	    has_dfu; /* false: dfu_vid, dfu_pid are 0 and the bootloader's figures do not count; SWD alone reaches it */
	uint16_t dfu_vid, dfu_pid, run_vid, run_pid;
	/* run-mode ids of older firmware, shared between models: they say "a camera runs", never which one */
	unsigned legacy_count;
	struct {
		uint16_t vid, pid;
	} legacy[BOARD_MAX_LEGACY];
	/* bootloader versions as bcdDevice, oldest accepted first; 0x0200 is older than 0x0101 */
	uint16_t bcd_current;
	uint16_t bcd_old;          /* the id that old bootloaders report; they leave only by a bus reset when forced */
	uint16_t bcd_first_detach; /* the first version that obeys DETACH in every mode */
	uint32_t enumerate_window_ms, latch_window_ms;
	uint32_t transfer_size;   /* wTransferSize, 4096 */
	unsigned alternate_count; /* DfuSe; OpenMV has none, its partitions are its alternates */
	struct alternate alternates[BOARD_MAX_ALTERNATES];
	uint32_t boot_magic_address, boot_magic_value;
	enum uid_rule uid_rule;
	enum run_serial_rule run_serial_rule;
	unsigned media_count, partition_count, align_count;
	struct medium media[BOARD_MAX_MEDIA];
	struct partition partitions[BOARD_MAX_PARTITIONS];
	uint32_t align_default;
	struct align_rule aligns[BOARD_MAX_ALIGN];
	unsigned mpy_count;
	char mpy[BOARD_MAX_MPY][32];      /* arguments for mpy-cross */
	unsigned stack_count, code_count; /* firmware_ranges */
	struct range stack[BOARD_MAX_RANGES], code[BOARD_MAX_RANGES];
	/* times */
	unsigned erase_time_count;
	struct {
		uint32_t size, ms;
	} erase_times[BOARD_MAX_TIMES];
	uint32_t boot_ms;    /* from leaving the bootloader to being enumerated in run mode */
	uint32_t return_ms;  /* the longest the station waits for that */
	char times_mark[12]; /* "measured", "datasheet" or "assumed" */
	struct board_swd swd;
};

/* Parses and checks one board file.  On success *out is complete: runs cover partitions, names are unique, every
 * erase unit has a time. */
bool board_parse(struct span text, struct board *out, struct err *e);

/* NULL when there is none. */
const struct partition *board_partition(const struct board *b, const char *name);
const struct medium *board_medium(const struct board *b, const struct partition *p);
/* What the partitions say of a medium: its first byte's address as they count, how many bytes it has at least, and
 * where the core sees its first byte (0: nowhere).  All zero when no partition is in it. */
struct medium_extent {
	uint64_t base, mapped;
	uint32_t size;
};
struct medium_extent board_medium_extent(const struct board *b, unsigned medium);

/* Are these all of this board's alternates: by name, OpenMV's in any order, DfuSe's in the board file's, where each map
 * must also hold the partitions that lie in it? */
bool board_alternates_fit(const struct board *b, const char (*texts)[BOARD_ALT_SIZE], unsigned count);
#define BOARD_VERSION_SIZE 16
/* The bootloader's version: OpenMV's from bcdDevice, where the old ones report a plain 0200; DfuSe's is what follows
 * the name of the alternate whose name in the board file ends with "v.". */
void board_bootloader_version(const struct board *b, uint16_t bcd, const char (*texts)[BOARD_ALT_SIZE], unsigned count,
    char out[BOARD_VERSION_SIZE]);
/* Alignment for a file by its complete, lower-cased suffix (what follows the first dot of the last path part);
 * *is_model may be NULL. */
uint32_t board_alignment(const struct board *b, const char *path, bool *is_model);
/* Typical ms to erase one unit of that size; 0 when the size is 0. */
uint32_t board_erase_ms(const struct board *b, uint32_t unit_size);

/* Do the first two words of a firmware image fit this partition: the initial stack pointer in a stack range (its end
 * counts, its start does not) and 4-aligned, the reset vector odd (Thumb) and in a code range that this partition
 * maps? */
bool board_firmware_fits(const struct board *b, const struct partition *p, uint32_t stack, uint32_t reset);

/* Programming units of a partition: max(erase unit, 4096), counted from its start.  Erase units below 4096 are
 * grouped. */
struct unit {
	uint32_t offset, size;
};
uint32_t partition_unit_count(const struct partition *p);
struct unit partition_unit(const struct partition *p, uint32_t index);
/* The unit that holds this offset; offset < size. */
uint32_t partition_unit_at(const struct partition *p, uint32_t offset);

/* uid text is UID_TEXT_SIZE - 1 lower-case hex digits of W2,W1,W0 (or MfgData); 16 where the rule is UID_OCOTP. */
#define UID_TEXT_SIZE 25
/* From the DFU serial (hex digits in either case); false: not in the board's form, or all bits equal (no UID was ever
 * programmed). */
bool board_uid_from_serial(const struct board *b, const char *dfu_serial, char uid[UID_TEXT_SIZE]);
/* From the words of the chip's unique number as they stand in memory, W0 first; count is the board's uid_words.  False
 * when all bits are equal. */
bool board_uid_from_words(const struct board *b, const uint32_t *words, char uid[UID_TEXT_SIZE]);
/* Does a run-mode serial belong to this uid (letters in either case)?  Under RUN_SERIAL_ANY every serial does. */
bool board_run_serial_fits(const struct board *b, const char *uid, const char *run_serial);
/* The STM32 rule itself: 12 upper-case hex digits b11,(b10+b2),b9,(b8+b0),b7,b6 of the UID bytes. */
void board_run_serial(const char *uid, char out[13]);

#endif
