/* The one strict reader of JSON text, in front of cJSON; and typed look-ups that never guess.
 *
 * Accepted is RFC 8259 text without a byte-order mark, valid UTF-8, no U+0000, no duplicate key (compared after
 * decoding escapes), depth <= 16, at most 65536 values, numbers up to 2^53 either way; nothing behind the
 * value. */
#ifndef STATION_FORMAT_JSON_H
#define STATION_FORMAT_JSON_H

#include "base/err.h"
#include "base/span.h"

struct cJSON;

/* The caller frees with json_free.  NULL on error (CODE_JSON_INVALID, with line and column in the message). */
struct cJSON *json_parse(struct span text, struct err *e);
void json_free(struct cJSON *json); /* accepts NULL */
void json_auto_free_(struct cJSON **json);
#define AUTO_JSON __attribute__((cleanup(json_auto_free_)))

/* Members of an object, by exact key.  False with CODE_JSON_INVALID naming the key when it is missing or of another
 * type.  Strings are borrowed from the tree. */
bool json_string(const struct cJSON *object, const char *key, const char **out, struct err *e);
bool json_string_or_null(const struct cJSON *object, const char *key, const char **out, struct err *e);
/* A whole number within [min, max], |max| <= 2^53. */
bool json_integer(const struct cJSON *object, const char *key, int64_t min, int64_t max, int64_t *out, struct err *e);
/* Any number; false when it is none. */
bool json_real(const struct cJSON *object, const char *key, double *out);
bool json_bool(const struct cJSON *object, const char *key, bool *out, struct err *e);
bool json_array(const struct cJSON *object, const char *key, const struct cJSON **out, struct err *e);
bool json_object(const struct cJSON *object, const char *key, const struct cJSON **out, struct err *e);
/* NULL when absent. */
const struct cJSON *json_member(const struct cJSON *object, const char *key);
/* False, naming the key, when the object has a key that is not in the NULL-terminated list. */
bool json_only_keys(const struct cJSON *object, const char *const *keys, struct err *e);

/* Walking arrays and objects; NULL at the end. */
const struct cJSON *json_first(const struct cJSON *container);
const struct cJSON *json_after(const struct cJSON *item);
const char *json_key(const struct cJSON *item);  /* of an object's member; borrowed */
const char *json_text(const struct cJSON *item); /* NULL when it is no string; borrowed */
bool json_is_object(const struct cJSON *item);
bool json_is_null(const struct cJSON *item);
bool json_whole(const struct cJSON *item, int64_t min, int64_t max, int64_t *out);
bool json_truth(const struct cJSON *item, bool *out);

/* Building.  Every function accepts a NULL parent and then does nothing, so that one check of json_print's answer
 * covers a whole tree; a failed allocation frees nothing twice. */
struct cJSON *json_new_object(void);
struct cJSON *json_new_array(void);
struct cJSON *json_add_object(struct cJSON *parent, const char *key); /* key NULL: append to an array */
struct cJSON *json_add_array(struct cJSON *parent, const char *key);
/* NULL text: null.  Bytes that are not UTF-8 become '?', so that whatever is printed is JSON. */
void json_add_string(struct cJSON *parent, const char *key, const char *text);
void json_add_integer(struct cJSON *parent, const char *key, int64_t value);
void json_add_u64_text(struct cJSON *parent, const char *key, uint64_t value); /* 64-bit numbers travel as strings */
void json_add_number(struct cJSON *parent, const char *key, double value);
void json_add_bool(struct cJSON *parent, const char *key, bool value);
void json_add_null(struct cJSON *parent, const char *key);
void json_add_item(struct cJSON *parent, const char *key, struct cJSON *item); /* takes item over; NULL: as no memory */
struct cJSON *json_copy(const struct cJSON *item); /* the caller's; NULL for NULL, and when memory ran out */
/* Unformatted text; the caller frees.  NULL when memory ran out here or while building. */
char *json_print(const struct cJSON *json);

/* Is it UTF-8 as JSON wants it: no surrogates, no overlong forms? */
bool json_utf8_text(const char *text);

#endif
