/* Reading the journal's tables: what screens and REST show, as JSON text in the shapes of the API; and the small
 * questions of the line.
 *
 * A reader is thread-safe: it keeps a few read-only connections and lends one to each call.  A call sees what is
 * committed when it begins.  It takes well under a millisecond for one object, a few for a page.  All calls fail with
 * journal-failed; those that name one thing also with not-found.  JSON texts are freed by the caller. */
#ifndef STATION_JOURNAL_QUERY_H
#define STATION_JOURNAL_QUERY_H

#include "base/err.h"

#include <stddef.h>

struct journal_reader;

/* The database must exist (journal_open makes it). */
bool journal_reader_open(const char *path, struct journal_reader **out, struct err *e);
void journal_reader_close(struct journal_reader *r); /* accepts NULL; no call may be running */

#define QUERY_LIMIT     100 /* when limit is 0 */
#define QUERY_MAX_LIMIT 1000

/* All texts borrowed for the call; NULL or 0: no such condition.  Conditions hold together. */
struct query_filter {
	const char *serial, *uid, *order, *recipe, *operator, * verdict, *code, *board, *state, *who, *what;
	const char *kind, *status; /* of numbers */
	const char *from, *to;     /* RFC 3339 as time_format writes it: started (opened, added) at or after, before */
	int64_t batch;
	int64_t slot;
	int64_t cursor; /* `next` of the page before; 0: the first page */
	unsigned limit; /* 1 to QUERY_MAX_LIMIT; 0: QUERY_LIMIT */
};

/* Lists, newest first: {"items":[...],"next":"ID" or null}. */
bool query_attempts(struct journal_reader *r, const struct query_filter *f, char **json, struct err *e);
/* batch, order, recipe, board, state, from, to */
bool query_batches(struct journal_reader *r, const struct query_filter *f, char **json, struct err *e);
/* uid, serial, batch, order, recipe (worked on for it), board, from, to (first seen); no attempts inside */
bool query_units(struct journal_reader *r, const struct query_filter *f, char **json, struct err *e);
/* board, recipe, from, to */
bool query_recipes(struct journal_reader *r, const struct query_filter *f, char **json, struct err *e);
/* What was done, by whom and from where; who, what (the kind of row), from, to. */
bool query_actions(struct journal_reader *r, const struct query_filter *f, char **json, struct err *e);
/* Those who may come in, and the tokens, revoked and expired ones too; no secrets. */
bool query_people(struct journal_reader *r, const struct query_filter *f, char **json, struct err *e);
bool query_tokens(struct journal_reader *r, const struct query_filter *f, char **json, struct err *e);
/* What the attempts that the filter leaves come to, see tally.h; every condition but cursor.  Takes a second or two
 * for a million of them. */
bool query_stats(struct journal_reader *r, const struct query_filter *f, char **json, struct err *e);

/* Ended attempts by code, "ok" among them; a count of indexes, not of rows. */
typedef void query_total(void *context, const char *code, int64_t count);
bool query_totals(struct journal_reader *r, query_total *each, void *context, struct err *e);

/* One object each. */
bool query_attempt(struct journal_reader *r, int64_t id, char **json, struct err *e);
bool query_batch(struct journal_reader *r, int64_t id, char **json, struct err *e);
/* {batch,recipe,station,passed:[...],not_passed:[...],serials_left:[...],checkpoint}: at most 5000 of each; checkpoint
 * null: none covers it yet. */
bool query_batch_report(struct journal_reader *r, int64_t id, char **json, struct err *e);
/* The newest row that touched it, which changes whenever it does. */
bool query_batch_version(struct journal_reader *r, int64_t id, int64_t *seq, struct err *e);
bool query_recipe(struct journal_reader *r, const char *sha256, char **json, struct err *e);
/* {uid,serial,board,first_seen,last_seen,passed,unfinished,attempts:[newest first, at most 100]}.  name: a uid, else
 * a serial; *found is how many units have it.  With several, *json is an array of the units without attempts. */
bool query_unit(struct journal_reader *r, const char *name, char **json, unsigned *found, struct err *e);
/* The same without attempts, by its uid. */
bool query_unit_alone(struct journal_reader *r, const char *uid, char **json, struct err *e);
/* {units,batches,more}: units whose UID or serial, batches whose order begins with the text, or whose number it is; at
 * most 20 of each, exact ones first. */
bool query_search(struct journal_reader *r, const char *text, char **json, struct err *e);
/* The batch that an Idempotency-Key opened: its id and the request's digest (65 bytes); false + not-found. */
bool query_batch_by_key(struct journal_reader *r, const char *key, int64_t *id, char request[65], struct err *e);

/* The newest checkpoint: its size and time; 0 and "" when there is none. */
struct query_mark {
	int64_t size;
	char at[25];
};
bool query_checkpoint(struct journal_reader *r, struct query_mark *out, struct err *e);
const char *journal_library(void); /* SQLite's version */

/* Rows behind `after`, oldest first, at most limit; stops early when each returns false.  All borrowed.  A batch's row
 * comes without its list of serials, which may have a megabyte. */
typedef bool query_row(void *context, int64_t seq, const char *at, const char *kind, const char *body);
bool query_events(
    struct journal_reader *r, int64_t after, unsigned limit, query_row *each, void *context, struct err *e);
bool query_newest(struct journal_reader *r, int64_t *seq, struct err *e);

/* Exports: all attempts (AUDIT: actions) that a filter leaves, oldest first, a page at a time, so that no read
 * transaction lasts.  CSV, AUDIT: RFC 4180, the names first; JSON: an array of the API's attempts, one a line.  Start
 * with *next = 0, go on until it is 0 again.  f->cursor is not looked at. */
enum export_kind { EXPORT_CSV, EXPORT_JSON, EXPORT_AUDIT };
bool query_export(struct journal_reader *r, const struct query_filter *f, enum export_kind kind, int64_t *next,
    char **text, struct err *e);

#endif
