/* Writes a ROMFS image front to back: records in the order of the calls, each file's bytes where they are aligned.
 *
 * What it writes, MicroPython mounts, and firmware/romfs accepts as long as the caller gives each directory no name
 * twice.  The same calls give the same bytes.  Lengths that are not known in advance (header, directories) and those
 * in front of file data have 5 bytes; alignment is 0x80 padding in front of a data record's length, as OpenMV's own
 * builder does it.  Bytes count from the image's first one, so data is aligned in flash where the partition is.
 *
 *     struct romfs_writer w;
 *     bool ok = romfs_writer_begin(&w, &options, e) && romfs_writer_file(&w, "recipe.json", 11, text, 4, e) && ...
 *               && romfs_writer_finish(&w, &image, &size, e);
 *     if (!ok)
 *             romfs_writer_abandon(&w);
 */
#ifndef STATION_FORMAT_ROMFS_WRITER_H
#define STATION_FORMAT_ROMFS_WRITER_H

#include "base/err.h"
#include "format/romfs_bytes.h"
#include "romfs.h"

#define ROMFS_HEADER_SIZE 8 /* D2 CD 31 and the length in exactly 5 varuint bytes */

struct romfs_writer_options {
	/* The image may not be larger: CODE_PAYLOAD_TOO_BIG.  At most UINT32_MAX; 0 means that. */
	uint32_t limit;
	/* Not 0: the first record is padding of 0xFF up to this offset, so that one program operation on the unit's
	 * first bytes makes or unmakes the image. */
	uint32_t commit_unit;
	size_t expected; /* about how large it will be; 0: not known */
};

struct romfs_writer {
	struct romfs_bytes out; /* its bytes: owned until finish */
	size_t data_at;         /* where the contents of the last file start */
	unsigned depth;
	size_t open[ROMFS_MAX_DEPTH]; /* offset of each open directory's length */
};

bool romfs_writer_begin(struct romfs_writer *w, const struct romfs_writer_options *options, struct err *e);
/* Names are bytes of that length: CODE_NAME_INVALID unless romfs_name_ok. */
bool romfs_writer_dir_open(struct romfs_writer *w, const char *name, size_t name_size, struct err *e);
bool romfs_writer_dir_close(struct romfs_writer *w, struct err *e);
/* The data starts at a multiple of align, a power of two up to 4096. */
bool romfs_writer_file(
    struct romfs_writer *w, const char *name, size_t name_size, struct span data, uint32_t align, struct err *e);
/* The same with contents that stand in the image already, from that offset on. */
bool romfs_writer_file_at(
    struct romfs_writer *w, const char *name, size_t name_size, size_t size, size_t at, struct err *e);
/* A padding record that ends at a multiple of `align` bytes (any number above 0); nothing when already there. */
bool romfs_writer_pad(struct romfs_writer *w, uint32_t align, struct err *e);
/* Closes the image on an even size; every directory must be closed.  The caller frees *image. */
bool romfs_writer_finish(struct romfs_writer *w, uint8_t **image, size_t *size, struct err *e);
void romfs_writer_abandon(struct romfs_writer *w); /* accepts a writer that is all zero, failed or finished */

#endif
