/* The mount driver: reads MicroPython ROMFS images, strictly, from one pointer and one length.
 *
 * One source for the station and for the camera: freestanding C, no allocation, no globals, no recursion, no I/O.
 * Every answer points into the image (data in place); the image must outlive it and must not change meanwhile. */
#ifndef FIRMWARE_ROMFS_H
#define FIRMWARE_ROMFS_H

#include <stddef.h>
#include <stdint.h>

/* Directories inside directories that the driver follows; deeper images are refused by romfs_check. */
#define ROMFS_MAX_DEPTH 64

/* What romfs_check spends on comparing siblings, in bytes looked at and 32 for each record: about two seconds of a
 * station's core.  Directories sorted by bytes, as MicroPython's own tool writes them, cost next to nothing and are
 * never refused for this; unsorted, 20000 siblings use 4 % of it. */
#define ROMFS_CHECK_BUDGET (UINT32_C(1) << 30)

enum romfs_status {
	ROMFS_OK,
	ROMFS_END,       /* iteration: no more entries */
	ROMFS_NOT_FOUND, /* look-up: no such path */
	ROMFS_NOT_ROMFS, /* the magic bytes are missing: blank or foreign flash */
	ROMFS_CORRUPT    /* an image, but a record breaks a rule; struct romfs_fault says which and where */
};

enum romfs_type { ROMFS_FILE, ROMFS_DIR };

enum romfs_rule {
	ROMFS_RULE_NONE,
	ROMFS_RULE_MAGIC,     /* the first three bytes are not D2 CD 31 */
	ROMFS_RULE_VARUINT,   /* unterminated, or a value above 2^32 - 1 */
	ROMFS_RULE_LENGTH,    /* a record, name or payload reaches beyond its container */
	ROMFS_RULE_UNUSED,    /* kind 0 inside the image */
	ROMFS_RULE_NAME,      /* empty, '.', '..', with '/' or NUL, or not UTF-8 */
	ROMFS_RULE_DUPLICATE, /* two siblings with one name */
	ROMFS_RULE_NO_DATA,   /* a file without a data record */
	ROMFS_RULE_POINTER,   /* an indirect record outside the file system's payload */
	ROMFS_RULE_DEPTH,     /* deeper than ROMFS_MAX_DEPTH */
	ROMFS_RULE_TOO_MANY   /* too many unsorted siblings to compare them all: ROMFS_CHECK_BUDGET is used up */
};

struct romfs_fault {
	enum romfs_rule rule;
	uint32_t offset; /* of the offending record from the image's first byte */
};

/* Bytes of an image that must not be read where they are: a copy of everything from `from` on.  Runs that end at `safe`
 * or before are read in place, others in the copy; from <= safe.  A name that begins before `from` and ends behind
 * `safe` breaks ROMFS_RULE_NAME. */
struct romfs_tail {
	const uint8_t *bytes; /* borrowed */
	uint32_t from, safe;
};

/* A mounted image.  Filled by romfs_mount, read-only afterwards. */
struct romfs {
	const uint8_t *image;          /* borrowed */
	uint32_t begin;                /* offset of the payload (P0) */
	uint32_t end;                  /* offset behind the payload: the image's own size */
	const struct romfs_tail *tail; /* borrowed; NULL: all of it is read in place */
};

/* Where `size` bytes at an offset are to be read; NULL when neither place has them all. */
static inline const uint8_t *romfs_at(const struct romfs *fs, uint32_t offset, uint32_t size)
{
	const struct romfs_tail *tail = fs->tail;
	if (!tail || (offset <= tail->safe && size <= tail->safe - offset))
		return fs->image + offset;
	return offset >= tail->from ? tail->bytes + (offset - tail->from) : NULL;
}

/* A file or directory.  name and data are offsets into the image; the name is not terminated. */
struct romfs_node {
	enum romfs_type type;
	uint32_t record; /* offset of its record; the root: 0 */
	uint32_t name, name_size;
	uint32_t data, data_size; /* a file's contents, or a directory's records */
};

/* Looks at the header only, as the camera's mount does: OK, NOT_ROMFS or CORRUPT.  size is what may be read; bytes
 * behind the image's own end are nobody's. */
enum romfs_status romfs_mount(struct romfs *fs, const void *image, size_t size);
void romfs_root(const struct romfs *fs, struct romfs_node *root);
/* The entry at *cursor of a directory, in stored order; start with *cursor = dir->data.  OK, END or CORRUPT. */
enum romfs_status romfs_next(
    const struct romfs *fs, const struct romfs_node *dir, uint32_t *cursor, struct romfs_node *node);
/* MicroPython's own rules: one leading '/', one '/' behind a directory, first match wins.  OK, NOT_FOUND, CORRUPT. */
enum romfs_status romfs_lookup(const struct romfs *fs, const char *path, struct romfs_node *node);
/* Contents in place; NULL for a directory. */
const uint8_t *romfs_data(const struct romfs *fs, const struct romfs_node *file);

/* Called by romfs_check for every entry, parents before children; path is the chain of nodes from the top entry to
 * this one, depth of them. */
typedef void romfs_visit(void *context, const struct romfs *fs, const struct romfs_node *const *path, unsigned depth);
/* Walks the whole image and holds every rule.  visit may be NULL, fault may be NULL.  OK or CORRUPT. */
enum romfs_status romfs_check(const struct romfs *fs, romfs_visit *visit, void *context, struct romfs_fault *fault);
/* romfs_mount and romfs_check in one; fault is also filled for a bad header.  OK, NOT_ROMFS or CORRUPT. */
enum romfs_status romfs_verify(
    struct romfs *fs, const void *image, size_t size, romfs_visit *visit, void *context, struct romfs_fault *fault);
/* romfs_verify of an image whose end is read elsewhere; tail may be NULL, and must outlive fs. */
enum romfs_status romfs_verify_split(struct romfs *fs, const void *image, size_t size, const struct romfs_tail *tail,
    romfs_visit *visit, void *context, struct romfs_fault *fault);
/* romfs_mount for a camera that starts, where flash may hold anything and nobody waits: also every record that a
 * listing or a look-up can meet must be sound, and finding that out may cost no more than *budget, counted in bytes of
 * structure read (names and contents are not) and 32 for each record.  What is accepted never answers CORRUPT
 * afterwards, and a look-up reads no more than was paid for here.  Names and duplicates are not judged.  *budget
 * becomes what is left. OK, NOT_ROMFS or CORRUPT, also when the budget does not cover it. */
enum romfs_status romfs_mount_within(struct romfs *fs, const void *image, size_t size, uint32_t *budget);
/* The rule for names that romfs_check holds: not empty, '.' or '..', no '/' or NUL, UTF-8. */
int romfs_name_ok(const uint8_t *name, size_t size);

#endif
