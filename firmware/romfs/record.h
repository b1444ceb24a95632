/* Inside the mount driver, and for the editor, which keeps what the driver skips: varuints and records, each held
 * against its container before it is believed.
 *
 * Format (micropython extmod/vfs_rom.c): a varuint is groups of 7 bits, the most significant first, bit 7 set on all
 * but the last byte; any number of leading 0x80 bytes changes nothing.  A record is a varuint kind, a varuint length
 * and that many bytes.  Kinds that nobody knows are skipped. */
#ifndef FIRMWARE_ROMFS_RECORD_H
#define FIRMWARE_ROMFS_RECORD_H

#include "romfs.h"

#define ROMFS_KIND_UNUSED   0u
#define ROMFS_KIND_VERBATIM 2u
#define ROMFS_KIND_INDIRECT 3u
#define ROMFS_KIND_DIR      4u
#define ROMFS_KIND_FILE     5u

/* Offsets from the image's first byte; start < body <= end <= the container's end. */
struct romfs_record {
	uint32_t kind;
	uint32_t start, body, end;
};

/* The value at *pos, read below `end`; *pos moves behind it.  Any value above 2^32 - 1 is refused, whatever its
 * number of bytes: a 32-bit and a 64-bit reader would not agree on it. */
enum romfs_rule romfs_read_varuint(const struct romfs *fs, uint32_t *pos, uint32_t end, uint32_t *value);
/* The record at pos < end, all of it below `end`; kind 0 is refused. */
enum romfs_rule romfs_read_record(const struct romfs *fs, uint32_t pos, uint32_t end, struct romfs_record *record);
/* The name of a file or directory record: fills type, record, name, name_size; data and data_size are the rest of the
 * record. */
enum romfs_rule romfs_read_name(const struct romfs *fs, const struct romfs_record *record, struct romfs_node *node);

/* romfs_next, and which rule was broken where. */
enum romfs_status romfs_next_fault(const struct romfs *fs, const struct romfs_node *dir, uint32_t *cursor,
    struct romfs_node *node, struct romfs_fault *fault);
/* Are all names in the directory different?  Its records have been walked once without fault.  *budget falls by the
 * work done. */
enum romfs_status romfs_check_siblings(
    const struct romfs *fs, const struct romfs_node *dir, uint32_t *budget, struct romfs_fault *fault);

#endif
