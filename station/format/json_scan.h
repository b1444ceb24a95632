/* The strict look at JSON text before cJSON sees it.  Private to station/format. */
#ifndef STATION_FORMAT_JSON_SCAN_H
#define STATION_FORMAT_JSON_SCAN_H

#include "base/err.h"
#include "base/span.h"

#define JSON_MAX_DEPTH  16
#define JSON_MAX_VALUES 65536
#define JSON_MAX_NUMBER 63                 /* characters; cJSON reads no more */
#define JSON_MAX_WHOLE  9007199254740992.0 /* 2^53: the end of the whole numbers that a double tells apart */

/* Holds every rule of json.h; false with CODE_JSON_INVALID and "line L, column C" in the message. */
bool json_scan(struct span text, struct err *e);
/* Bytes of the UTF-8 sequence that starts here (no surrogates, no overlong forms, at most U+10FFFF); 0: not one. */
unsigned json_utf8(const uint8_t *p, const uint8_t *end);

#endif
