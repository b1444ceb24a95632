/* An image file that is being edited: read whole, changed in memory, replaced in one step. */
#ifndef STATION_CTL_ROMFS_SESSION_H
#define STATION_CTL_ROMFS_SESSION_H

#include "ctl/romfs_target.h"
#include "format/romfs_edit.h"

struct romfs_session {
	const char *path;
	uint8_t *file; /* owned: the file as it was read, once data is another image */
	uint8_t *data; /* owned: the image that edit started from */
	size_t size;
	unsigned mode;    /* of the file */
	struct span tail; /* into data or, once there is another image, into file; what stands behind the image in the
			     file and is more than filling */
	struct romfs_edit *edit; /* owned */
};

/* romfs_session_close afterwards in either case. */
bool romfs_session_open(struct romfs_session *s, const char *path, struct err *e);
void romfs_session_close(struct romfs_session *s);
/* The image as it would be written, proved by the mount driver; the caller frees it. */
bool romfs_session_make(
    struct romfs_session *s, const struct romfs_target *t, uint8_t **image, size_t *size, struct err *e);
/* Makes it and replaces the file. */
bool romfs_session_save(
    struct romfs_session *s, const struct romfs_target *t, uint8_t **image, size_t *size, struct err *e);

/* The session goes on from this image, which it takes over; or, after a verb that failed half-way, from what it had. */
bool romfs_session_take(struct romfs_session *s, uint8_t *image, size_t size, struct err *e);
bool romfs_session_reset(struct romfs_session *s, struct err *e);

/* Puts a file or a folder from disk at the path in the image, or into it where that is a directory; path NULL: into the
 * root.  What is put is at most as large as a build takes. */
bool romfs_session_add(struct romfs_session *s, const char *source, const char *path, bool replace, struct err *e);

#endif
