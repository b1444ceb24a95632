/* A page of a list: rows of (id, object) as {"items":[...],"next":...}. */
#ifndef STATION_JOURNAL_PAGE_H
#define STATION_JOURNAL_PAGE_H

#include "journal/reader.h"

/* Column 0 is the id, column 1 the object; one row more than `limit` is looked at: it tells that there is a next page.
 */
bool page_print(sqlite3_stmt *s, unsigned limit, char **json, struct err *e);

#endif
