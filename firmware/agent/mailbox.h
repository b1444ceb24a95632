/* The mailbox, version 1: how the station and the RAM agent talk through memory, over any debug probe.
 *
 * Both sides include this file.  The station loads the agent's image, writes the mailbox (zeros, then the set-up), puts
 * the mailbox's address into the image's head, and starts the core at the image's first byte, out of reset.  The agent
 * fills in who it is and writes `magic` last.  From then on the core runs and the station reads and writes memory:
 *
 *   commands   The station writes command, arguments and check, then `ask` with a new number.  The agent answers that
 *              number once: answer words, status, check, then `answered` = ask.  One command at a time.
 *   ring       Up to AGENT_SLOTS buffers on their way, in strict order.  Buffer n (from 1) goes into slot (n - 1) %
 *              AGENT_SLOTS: the station loads the bytes, writes the slot's words, then `turn` = n * 16 + attempt.  The
 *              agent raises `ring_done` to n when buffer n is in flash; until then nothing behind it is touched.  What
 *              fails stops the ring: `ring_status` and `ring_detail`, then `ring_failed` = that turn.  The station may
 *              send the same n again with another attempt, or give up.
 *   signs      `beat` counts on as long as the agent lives, also while flash is busy; `progress` counts the bytes of
 * the command or buffer that runs.
 *
 * Everything is 32 bits wide, least significant byte first, at fixed offsets.  Addresses of buffers are offsets from
 * the mailbox.  A check is the CRC-32 (ISO-HDLC) of the words that stand in front of it in its block: a bit that flips
 * on the wire never becomes an address.  What is wrong there answers AGENT_BAD_CHECK and has touched nothing. */
#ifndef FIRMWARE_AGENT_MAILBOX_H
#define FIRMWARE_AGENT_MAILBOX_H

#include <stddef.h>
#include <stdint.h>

#define AGENT_ABI         1u
#define AGENT_IMAGE_MAGIC 0x49414C52u /* "RLAI" */
#define AGENT_MAGIC       0x424D4C52u /* "RLMB" */

#define AGENT_SLOTS        4u
#define AGENT_MEDIA        2u
#define AGENT_ANSWER_WORDS 12u
#define AGENT_ATTEMPTS     16u
/* The part of `turn` that names the buffer. */
#define AGENT_TURN(n, attempt) ((uint32_t)(n)*AGENT_ATTEMPTS + (attempt))

/* The first words of the agent's image.  `mailbox` is the station's to fill before it loads. */
struct agent_image {
	uint32_t code; /* the entry: jumps behind these words */
	uint32_t magic;
	uint32_t abi;
	uint32_t core;     /* 4, 7 or 33 */
	uint32_t backends; /* bit n: back-end n is in it */
	uint32_t size;     /* bytes of the image */
	uint32_t memory;   /* bytes that it takes where it is loaded, variables and stack included */
	uint32_t mailbox;  /* address, a multiple of 32 */
};

enum agent_state { AGENT_STARTING, AGENT_READY, AGENT_WORKING, AGENT_FAULT };

enum agent_backend {
	AGENT_NO_BACKEND,
	AGENT_STM32H7, /* internal flash of STM32H74x/75x */
	AGENT_STM32F4, /* internal flash of STM32F42x */
	AGENT_STM32F7, /* internal flash of STM32F76x, one bank */
	AGENT_QUADSPI, /* serial NOR behind STM32H7's QUADSPI */
	AGENT_XSPI,    /* serial NOR behind STM32N6's XSPI */
	AGENT_FLEXSPI, /* serial NOR behind i.MX RT1062's FlexSPI */
	AGENT_MRAM,    /* Alif Ensemble's MRAM */
	AGENT_OSPI,    /* serial NOR behind Alif Ensemble's OSPI */
	AGENT_BACKENDS
};

enum agent_status {
	AGENT_OK,
	/* the words or bytes are not what was sent: send them again */
	AGENT_BAD_CHECK,
	AGENT_BAD_CRC,
	AGENT_BAD_LZ4,
	/* sending again changes nothing */
	AGENT_BAD_COMMAND,
	AGENT_BAD_ARGUMENT,
	AGENT_NO_FLASH,  /* no such medium, or its back-end is not in this image */
	AGENT_UNCLOCKED, /* the controller does not keep what is written to it */
	AGENT_FOREIGN,   /* another flash chip, or another layout, than the board has */
	/* flash says no; detail is the controller's status, or the address */
	AGENT_LOCKED,
	AGENT_PROTECTED,
	AGENT_SEQUENCE,
	AGENT_FAILED,
	AGENT_TIMEOUT,
	AGENT_UNREADABLE, /* a bus error while reading mapped flash; detail is the address */
	AGENT_STATUSES
};

enum agent_command {
	AGENT_NOTHING,
	/* medium: opens the flash again.  answer: identity of the chip (JEDEC id; 0 for internal flash), size in bytes
	 * as the chip says it (0: it does not) */
	AGENT_OPEN,
	/* medium, offset, unit, count: results get a struct agent_unit for each unit.  answer: count, CRC-32 of results
	 */
	AGENT_TABLE,
	/* medium, offset, length.  answer: CRC-32, eight words of SHA-256 (H0 first), bytes */
	AGENT_DIGEST,
	/* medium, offset, length, first, align: mounts what stands there, walks all of it, and puts entries from number
	 * `first` on into results (struct agent_entry, as many as fit).  answer: enum agent_mount words */
	AGENT_MOUNT,
	/* medium, offset, length: by commands, never by the mapping, into results.  answer: length, CRC-32 of results
	 */
	AGENT_READ,
	/* makes every medium readable at its mapped address and locks it.  answer: nothing */
	AGENT_CLOSE,
	AGENT_COMMANDS
};

/* What AGENT_MOUNT answers. */
enum agent_mount {
	AGENT_MOUNT_STATUS,  /* enum romfs_status */
	AGENT_MOUNT_RULE,    /* enum romfs_rule */
	AGENT_MOUNT_FAULT,   /* offset of the record that breaks it */
	AGENT_MOUNT_BEGIN,   /* of the payload */
	AGENT_MOUNT_END,     /* the image's size */
	AGENT_MOUNT_ENTRIES, /* files and directories, all of them */
	AGENT_MOUNT_FILES,
	AGENT_MOUNT_FIRST,      /* number of the first entry in results */
	AGENT_MOUNT_COUNT,      /* entries in results */
	AGENT_MOUNT_CHECK,      /* CRC-32 of them */
	AGENT_MOUNT_UNREADABLE, /* bus errors while it was read: 0 or 1 */
	AGENT_MOUNT_WORDS
};

/* An erase unit. */
struct agent_unit {
	uint32_t crc32;
	uint32_t flags;
};
#define AGENT_UNIT_BLANK      1u /* every byte is 0xFF */
#define AGENT_UNIT_UNREADABLE 2u /* a bus error; the CRC is nothing */

/* An entry of the mounted image, in the order of the walk: stored order, directories before what is in them. */
struct agent_entry {
	uint32_t type_depth;        /* enum romfs_type, and the depth times 256: 1 at the top */
	uint32_t record;            /* offset of the record from the image's first byte */
	uint32_t name_crc32;        /* of the name's bytes */
	uint32_t data, size, crc32; /* of a file's contents; a directory has data and size of its records and CRC 0 */
	uint32_t align;             /* log2 of the alignment of the contents' mapped address, 31 at most */
	uint32_t reserved;
};

/* What the station tells of a medium before the start.  Unused words are 0. */
struct agent_medium {
	uint32_t backend;
	uint32_t registers;
	uint32_t mapped;  /* address where the medium's first byte is read */
	uint32_t size;    /* bytes */
	uint32_t bank;    /* bytes of a bank of internal flash */
	uint32_t tail;    /* bytes before the end that must never be read by the mapping */
	uint32_t divider; /* of the kernel clock to the serial clock; 0: the back-end's own */
	uint32_t reserved;
};

/* Set-up: the station's, written before the start. */
struct agent_setup {
	uint32_t room;      /* bytes from the mailbox on that are the agent's and the station's to use */
	uint32_t slot_size; /* largest buffer, a multiple of 256 */
	uint32_t slots;     /* offset of the first of AGENT_SLOTS buffers */
	uint32_t work;      /* offset of slot_size bytes for decompression and copies */
	uint32_t results, results_size;
	uint32_t watchdog; /* address of the word that takes 0xAAAA; 0: none to refresh */
	uint32_t reserved;
	struct agent_medium medium[AGENT_MEDIA];
	uint32_t check;
	uint32_t reserved_too[7];
};

struct agent_request {
	uint32_t ask;
	uint32_t command;
	uint32_t argument[5];
	uint32_t check;
};

/* Operations of a buffer, in this order. */
#define AGENT_OP_LZ4        1u /* stored bytes are an LZ4 block of `length` bytes */
#define AGENT_OP_ERASE      2u /* `erase` bytes from `offset` on, in units of `unit` */
#define AGENT_OP_SKIP_BLANK 4u /* units that are blank already are not erased */
#define AGENT_OP_PROGRAM    8u

struct agent_slot {
	uint32_t turn;
	uint32_t op;
	uint32_t medium;
	uint32_t offset; /* in the medium */
	uint32_t length; /* bytes to program */
	uint32_t stored; /* bytes in the buffer */
	uint32_t crc32;  /* of the `length` bytes */
	uint32_t erase;
	uint32_t unit;
	uint32_t check;
	uint32_t reserved[6];
};

struct agent_mailbox {
	/* who: written once by the agent, magic last */
	uint32_t magic, abi, cpuid, backends;
	/* signs */
	uint32_t state, beat, idle, progress;
	/* the ring, as far as it got */
	uint32_t ring_done, ring_failed, ring_status, ring_detail;
	/* the newest answer */
	uint32_t answered, status, detail, skipped; /* skipped: blank units that the ring did not erase */
	uint32_t answer[AGENT_ANSWER_WORDS];
	uint32_t answer_check; /* over answered, status, detail and answer, as if they stood in a row */
	/* the fault that ended the agent, when state is AGENT_FAULT */
	uint32_t fault_kind, fault_pc, fault_status, fault_address;
	uint32_t reserved[15];
	struct agent_request request;
	struct agent_setup setup;
	struct agent_slot slot[AGENT_SLOTS];
};

#define AGENT_AT(member, offset) _Static_assert(offsetof(struct agent_mailbox, member) == (offset), "mailbox ABI")
AGENT_AT(magic, 0x00);
AGENT_AT(state, 0x10);
AGENT_AT(ring_done, 0x20);
AGENT_AT(answered, 0x30);
AGENT_AT(answer, 0x40);
AGENT_AT(answer_check, 0x70);
AGENT_AT(fault_kind, 0x74);
AGENT_AT(request, 0xC0);
AGENT_AT(setup, 0xE0);
AGENT_AT(slot, 0x160);
_Static_assert(sizeof(struct agent_image) == 32, "image head ABI");
_Static_assert(sizeof(struct agent_medium) == 32 && sizeof(struct agent_setup) == 128, "set-up ABI");
_Static_assert(sizeof(struct agent_request) == 32 && sizeof(struct agent_slot) == 64, "requests ABI");
_Static_assert(sizeof(struct agent_unit) == 8 && sizeof(struct agent_entry) == 32, "results ABI");
_Static_assert(sizeof(struct agent_mailbox) == 0x260, "mailbox ABI");

#endif
