/* An image that is edited: opened whole, changed in memory, written anew.  Pure: no files.
 *
 * What the verbs do not name stays as it is: the order of records, records of kinds that nobody knows, padding and
 * comments, records inside files besides their contents.  Files that share contents go on sharing them; contents that
 * lie outside of any file keep a record of their own until their last user is gone.  Where contents move, their new
 * place has exactly the alignment of the old one, so that editing again and again changes nothing; with a board, a file
 * below the board's table is lifted to it, and without one contents that a file holds itself to 4.
 *
 * Paths: names with '/' between them; one more '/' may stand in front and, for a directory, behind. */
#ifndef STATION_FORMAT_ROMFS_EDIT_H
#define STATION_FORMAT_ROMFS_EDIT_H

#include "format/board.h"
#include "romfs.h"

struct romfs_edit;

/* Takes up a sound image; its bytes are borrowed until romfs_edit_free.  CODE_IMAGE_INVALID with the rule. */
struct romfs_edit *romfs_edit_open(struct span image, struct err *e);
void romfs_edit_free(struct romfs_edit *edit); /* accepts NULL */

/* Is there something at the path?  *type may be NULL. */
bool romfs_edit_has(const struct romfs_edit *edit, const char *path, enum romfs_type *type);
/* CODE_CONFLICT when something has the name; with `parents` missing directories on the way are made and one that is
 * there is fine. */
bool romfs_edit_mkdir(struct romfs_edit *edit, const char *path, bool parents, struct err *e);
/* A file with a copy of the data; missing directories on the way are made.  CODE_CONFLICT when the name is taken,
 * unless `replace` and it is a file's. */
bool romfs_edit_put(struct romfs_edit *edit, const char *path, struct span data, bool replace, struct err *e);
/* Renames; into `to` where that is a directory.  Replaces a file by a file, and that only with `replace`. */
bool romfs_edit_move(struct romfs_edit *edit, const char *from, const char *to, bool replace, struct err *e);
/* A directory only with `recursive`. */
bool romfs_edit_remove(struct romfs_edit *edit, const char *path, bool recursive, struct err *e);
/* The image as it is now; the caller frees *image.  board may be NULL.  At most `limit` bytes, 0: 2^32 - 1;
 * CODE_PAYLOAD_TOO_BIG. */
bool romfs_edit_write(
    struct romfs_edit *edit, const struct board *board, uint32_t limit, uint8_t **image, size_t *size, struct err *e);

#endif
