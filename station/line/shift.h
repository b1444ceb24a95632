/* Shifts: nothing is built in one before its challenge units have shown the verdicts that they must.  They are shown by
 * deploys, which are always allowed. */
#ifndef STATION_LINE_SHIFT_H
#define STATION_LINE_SHIFT_H

#include "base/span.h"
#include "journal/shifts.h"

#define CHALLENGE_MOST 32

struct challenge {
	char uid[64], serial[65]; /* one of them is "" */
	enum verdict verdict;
	enum code code;
};
/* Read once, at the start. */
struct challenge_list {
	unsigned count; /* 0: no shifts are kept */
	unsigned hours;
	struct challenge units[CHALLENGE_MOST];
};
/* {"units":[{"uid" or "serial","verdict","code"}]}: json-invalid.  Pure. */
bool challenge_parse(struct span text, struct challenge_list *out, struct err *e);
/* path "": none.  file-failed too. */
bool challenge_load(const char *path, unsigned hours, struct challenge_list *out, struct err *e);

/* Is a unit of this UID and serial ("": none) among them? */
bool challenge_has(const struct challenge_list *list, const char *uid, const char *serial);

enum shift_state { SHIFT_OFF, SHIFT_NONE, SHIFT_CHALLENGE, SHIFT_OPEN };
const char *shift_state_name(enum shift_state state);
/* now: station time, ms since 1970; *shift may be NULL. */
bool shift_look(struct journal_reader *r, const struct challenge_list *list, int64_t now, enum shift_state *state,
    struct journal_shift *shift, struct err *e);
/* shift-closed. */
bool shift_allows(struct journal_reader *r, const struct challenge_list *list, int64_t now, struct err *e);

#endif
