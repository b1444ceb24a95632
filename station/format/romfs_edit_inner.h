/* Inside the editor only: the tree of records, and where contents are kept.
 *
 * A blob is a run of contents that is stored once.  Its holder says where: in the file that it belongs to, in a record
 * of its own beside files, or, without a holder, in a new record at the image's end.  Any number of files use it,
 * each from `delta` on. */
#ifndef STATION_FORMAT_ROMFS_EDIT_INNER_H
#define STATION_FORMAT_ROMFS_EDIT_INNER_H

#include "format/romfs_edit.h"

enum edit_kind {
	EDIT_DIR,
	EDIT_FILE,
	EDIT_POOL, /* contents beside files: a verbatim record in a directory */
	EDIT_RAW   /* a record that is kept as it is */
};

struct edit_blob;

struct edit_node {
	enum edit_kind kind;
	struct edit_node *parent, *first, *last, *prev, *next;
	char *name; /* owned, name_size bytes */
	size_t name_size;
	unsigned width;              /* bytes of its length's varuint */
	struct span raw;             /* EDIT_RAW: the whole record */
	struct span before, after;   /* EDIT_FILE: its records around the contents */
	struct edit_blob *blob;      /* EDIT_FILE, EDIT_POOL */
	uint32_t delta, size;        /* what of it */
	uint32_t had;                /* the alignment of its contents in the image that was opened; 0: new */
	struct edit_node *next_user; /* of the same blob; while writing */
};

struct edit_blob {
	struct span bytes;
	uint8_t *owned; /* NULL: borrowed */
	bool has_old;   /* old: its offset in the image that was opened */
	bool served;    /* it had users there */
	uint32_t old;
	struct edit_node *holder;
	/* while writing */
	struct edit_node *users, *last_user;
	uint32_t modulus, residue; /* its start is `residue` modulo `modulus`, a power of two */
	uint32_t at;               /* where it was put */
};

struct romfs_edit {
	struct span image; /* borrowed */
	struct edit_node root;
	unsigned header_width;
	struct edit_blob **blobs; /* owned */
	size_t blob_count, blob_capacity;
};

/* romfs_edit.c */
struct edit_node *edit_node_new(enum edit_kind kind, const char *name, size_t name_size, struct err *e);
void edit_node_free(struct edit_node *node);
/* Behind `after`; NULL: first. */
void edit_link(struct edit_node *parent, struct edit_node *after, struct edit_node *node);
void edit_unlink(struct edit_node *node);
struct edit_blob *edit_blob_new(struct romfs_edit *edit, struct span bytes, struct err *e);
/* The next node of the tree, parents before children; NULL at the end. */
struct edit_node *edit_after(const struct romfs_edit *edit, const struct edit_node *node);

/* romfs_edit_read.c */
bool edit_read(struct romfs_edit *edit, const struct romfs *fs, struct err *e);
/* romfs_edit_place.c: users, holders and alignment of every blob. */
bool edit_place(struct romfs_edit *edit, const struct board *board, struct err *e);

#endif
