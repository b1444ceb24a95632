/* Serials and MAC numbers on the line: which one the unit in a slot is to get. */
#ifndef STATION_LINE_NUMBERS_H
#define STATION_LINE_NUMBERS_H

#include "journal/numbers.h"
#include "line/line_state.h"

/* Part of admission, behind the MES's word: fills the attempt's numbers.  ADMIT_ASK: serial-missing, or what was
 * scanned is serial-not-listed: somebody has to scan one; ADMIT_NO: numbers-exhausted, number-taken, serial-not-listed.
 */
enum admission numbers_choose(struct slot *s, struct err *e);
/* Has a slot that has a place on the line been given it?  but: not this one; NULL: any. */
bool numbers_promised(const struct line *l, const struct slot *but, enum number_kind kind, const char *value);
/* The slot's next unit gets this serial; NULL: none is scanned any more.  A slot that asks for it starts. */
bool slot_scan(struct slot *s, const char *serial, const struct who *who, struct err *e);
/* The camera that is plugged in next, in whichever slot; NULL: none. */
bool line_scanned(struct line *l, const char *serial, struct err *e);
/* A camera was plugged in here: what was scanned before is its. */
void slot_take_scan(struct slot *s);

#endif
