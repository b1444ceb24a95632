/* A unit's history as text that one can read out on the phone: whole words, numbers in groups, nothing that must be
 * seen.  Made of the API's own objects.  Pure. */
#ifndef STATION_HTTP_UNIT_LOG_H
#define STATION_HTTP_UNIT_LOG_H

#include <stdio.h>

struct cJSON;

/* unit: as GET units/{name} answers it. */
void unit_log_head(const struct cJSON *unit, FILE *out);
/* recipe NULL: not known. */
void unit_log_attempt(const struct cJSON *attempt, const struct cJSON *recipe, FILE *out);

#endif
