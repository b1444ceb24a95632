/* How far the MES has been told, kept beside the database: STATE/mes.json, the number of the last row and the UUID of
 * its event, written beside and renamed over.  A file that is missing, damaged or of another journal is none, and
 * telling begins again where it first began: what comes twice has the same UUID. */
#ifndef STATION_MES_PLACE_H
#define STATION_MES_PLACE_H

#include "journal/told.h"

/* *seq 0: no (good) file. */
bool place_load(const char *path, struct journal_reader *r, int64_t *seq, struct err *e);
bool place_save(const char *path, struct journal_reader *r, int64_t seq, struct err *e);

#endif
