/* Times as the product writes them: RFC 3339, UTC, milliseconds, 'Z' (2026-11-20T21:54:07.123Z).  Pure. */
#ifndef STATION_BASE_TIMEFMT_H
#define STATION_BASE_TIMEFMT_H

#include <stdbool.h>
#include <stdint.h>

#define TIME_TEXT_SIZE 25 /* with the final NUL */

/* ms since 1970 UTC, 0 to 253402300799999 (the end of year 9999); clamped to that range. */
void time_format(char out[TIME_TEXT_SIZE], int64_t ms);
/* Accepts exactly RFC 3339 with 'T' and 'Z', with 0 to 9 digits of fraction (cut to milliseconds); a real calendar
 * date; no leap second. */
bool time_parse(const char *text, int64_t *ms);

#endif
