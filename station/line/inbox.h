/* Recipes on their way in: what the journal is told of them, and the folder STATE/inbox that the loop looks into. */
#ifndef STATION_LINE_INBOX_H
#define STATION_LINE_INBOX_H

#include "format/who.h"
#include "journal/journal.h"
#include "line/store.h"

/* An Idempotency-Key's members of a row: the key, the SHA-256 of the request's body, the status of its answer. */
struct inbox_key {
	const char *key, *request; /* key NULL: none */
	unsigned status;
};
/* Writes the row recipe-added or recipe-signatures and waits for it; for a recipe that was known nothing, or the key.
 * who: brought it; NULL: the station itself.  approvals: how many it needs before it is used.  journal-failed. */
bool inbox_record(struct journal *j, const struct stored_recipe *r, enum store_outcome outcome,
    const struct inbox_key *key, const struct who *who, unsigned approvals, struct err *e);
/* Takes what lies in the inbox; tells the journal and the log. */
void inbox_scan(struct recipe_store *store, struct journal *j, unsigned approvals);

#endif
