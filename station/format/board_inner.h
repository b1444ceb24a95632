/* What the files that read a board file share: single fields, and the parts that have a file of their own. */
#ifndef STATION_FORMAT_BOARD_INNER_H
#define STATION_FORMAT_BOARD_INNER_H

#include "format/board.h"
#include "format/json.h"

/* Refuses: `"key" why`. */
bool field_bad(struct err *e, const char *key, const char *why);
bool field_whole(const struct cJSON *o, const char *key, uint32_t min, uint32_t max, uint32_t *out, struct err *e);
/* "0x" and 1 to 16 hexadecimal digits, at most max. */
bool field_hex_text(const char *text, uint64_t max, uint64_t *out);
bool field_hex(const struct cJSON *o, const char *key, uint64_t max, uint64_t *out, struct err *e);
bool field_hex16(const struct cJSON *o, const char *key, uint16_t *out, struct err *e);
bool field_hex32(const struct cJSON *o, const char *key, uint32_t *out, struct err *e);
/* Printable ASCII, not empty, that fits with its NUL. */
bool field_text(const struct cJSON *o, const char *key, char *out, size_t size, struct err *e);
/* One of the names; *out is its index. */
bool field_choice(const struct cJSON *o, const char *key, const char *const *names, unsigned *out, struct err *e);

/* "swd": after the media and the partitions. */
bool board_parse_swd(const struct cJSON *root, struct board *b, struct err *e);

#endif
