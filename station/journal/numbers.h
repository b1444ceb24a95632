/* Serials and MAC numbers: what may be given to a unit, and what has been; and Idempotency-Keys. */
#ifndef STATION_JOURNAL_NUMBERS_H
#define STATION_JOURNAL_NUMBERS_H

#include "journal/query.h"

enum number_kind { NUMBER_SERIAL, NUMBER_MAC, NUMBER_KINDS };
const char *number_kind_name(enum number_kind kind); /* "serial", "mac" */

/* May this number be given to this unit?  It is neither void nor another unit's. */
bool journal_number_fits(
    struct journal_reader *r, enum number_kind kind, const char *value, const char *uid, bool *fits, struct err *e);
/* Free numbers of the pool in their order, until `each` returns false. */
typedef bool journal_number_fn(void *context, const char *value);
bool journal_free_numbers(
    struct journal_reader *r, enum number_kind kind, journal_number_fn *each, void *context, struct err *e);
/* The same for those on this batch's list, in the list's order. */
bool journal_listed_serials(
    struct journal_reader *r, int64_t batch, journal_number_fn *each, void *context, struct err *e);
/* The number that this unit may carry already, since an attempt that did not pass wrote it into it; "": none. */
bool journal_kept_number(
    struct journal_reader *r, enum number_kind kind, const char *uid, char value[129], struct err *e);
/* On which batch's list is it?  0: on none. */
bool journal_serial_list(struct journal_reader *r, const char *serial, int64_t *batch, struct err *e);
/* May all of them, an array of JSON, be a new batch's list?  number-taken names the first that may not, and why. */
bool journal_list_fits(struct journal_reader *r, const char *serials, struct err *e);
/* {"items":[{id,kind,value,state,source,batch,uid,attempt,kept,reason}],"next":...} in their order, which with batch is
 * the order of its list; kind, status, uid, batch. */
bool query_numbers(struct journal_reader *r, const struct query_filter *f, char **json, struct err *e);
/* {"kind","given","added"}: what a row numbers-added brought.  not-found. */
bool query_numbers_added(struct journal_reader *r, int64_t seq, char **json, struct err *e);
/* {"serial":{free,listed,reserved,bound,void},"mac":{...}}, where listed ones are free for one batch only: counts all
 * there are, some 100 ms for a million. */
bool query_number_counts(struct journal_reader *r, char **json, struct err *e);
/* How many of the pool are free. */
bool query_numbers_free(struct journal_reader *r, enum number_kind kind, int64_t *count, struct err *e);

/* What a request with this Idempotency-Key led to within the last day; seq 0: nothing.  now: as time_format writes. */
struct request_key {
	int64_t seq;
	char request[65];
	unsigned status;
};
bool query_request_key(
    struct journal_reader *r, const char *key, int64_t now_ms, struct request_key *out, struct err *e);
/* Has an attempt begun behind this row, in that slot (0: in any)?  Has that attempt's label been printed behind it? */
bool query_attempted_since(struct journal_reader *r, int64_t seq, unsigned slot, bool *out, struct err *e);
bool query_labelled_since(struct journal_reader *r, int64_t seq, int64_t attempt, bool *out, struct err *e);

#endif
