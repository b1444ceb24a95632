/* What the HTTP server asks of the journal to know who somebody is.  Each is an index look-up. */
#ifndef STATION_JOURNAL_PEOPLE_H
#define STATION_JOURNAL_PEOPLE_H

#include "base/timefmt.h"
#include "journal/query.h"

#define CREDENTIAL_SIZE 129

struct journal_person {
	bool known, badge; /* badge: has one */
	char name[65], role[16];
	char pin[CREDENTIAL_SIZE]; /* "": none */
};
/* By name, or by badge as it is stored.  Not known: false in *out. */
bool journal_person(struct journal_reader *r, const char *name, struct journal_person *out, struct err *e);
bool journal_person_by_badge(struct journal_reader *r, const char *badge, struct journal_person *out, struct err *e);
/* How many people but that one ("": all) have this role and a way to log in. */
bool journal_people_with(struct journal_reader *r, const char *role, const char *but, int64_t *count, struct err *e);

struct journal_token {
	bool known, revoked;
	int64_t id;
	char name[65], expires_at[TIME_TEXT_SIZE];
	char scopes[512]; /* JSON */
};
bool journal_token(struct journal_reader *r, const char *hash, struct journal_token *out, struct err *e);
/* One token of GET /tokens; not-found. */
bool query_token(struct journal_reader *r, int64_t id, char **json, struct err *e);
/* removed_too: also one who was there once. */
bool query_person(struct journal_reader *r, const char *name, bool removed_too, char **json, struct err *e);

#endif
