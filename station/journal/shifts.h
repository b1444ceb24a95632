/* Shifts: is one open, and what have its challenge units shown? */
#ifndef STATION_JOURNAL_SHIFTS_H
#define STATION_JOURNAL_SHIFTS_H

#include "journal/query.h"

struct journal_shift {
	int64_t id;   /* of the newest; 0: there was none */
	int64_t ends; /* ms since 1970 */
	bool ended;   /* by a person */
	int64_t unmet;
};
bool journal_shift(struct journal_reader *r, struct journal_shift *out, struct err *e);
/* {id,started_at,started_by,ends_at,ended_at,units:[{uid,serial,verdict,code,met,attempt,shown_verdict,shown_code}]} of
 * the newest; not-found. */
bool query_shift(struct journal_reader *r, char **json, struct err *e);

#endif
