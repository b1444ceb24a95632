/* Recipes on their way in: what the journal is told of them, and the folder STATE/inbox that the loop looks into. */
#ifndef STATION_LINE_INBOX_H
#define STATION_LINE_INBOX_H

#include "format/who.h"
#include "journal/journal.h"
#include "line/store.h"

/* Writes the row recipe-added or recipe-signatures and waits for it; nothing for a recipe that was known.
 * who: brought it; NULL: the station itself.  journal-failed. */
bool inbox_record(
    struct journal *j, const struct stored_recipe *r, enum store_outcome outcome, const struct who *who, struct err *e);
/* Takes what lies in the inbox; tells the journal and the log. */
void inbox_scan(struct recipe_store *store, struct journal *j);

#endif
