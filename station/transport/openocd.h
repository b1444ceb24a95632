/* One OpenOCD, unmodified, as a supervised child: a slot's way to its camera over SWD.
 *
 * It is spoken to over a socketpair (`tcl_port pipe`), listens nowhere, and is started without a shell in a process
 * group of its own that dies with the thread that started it.  Every call has a deadline; a call that misses it, or an
 * answer that makes no sense, ends the child by SIGKILL, and from then on every call fails at once.  After that, and
 * after any end of its own, ocd_stop and ocd_start begin anew.  Calls on one ocd never overlap.
 *
 * Codes: probe-missing, probe-wrong, probe-stalled (the deadline), target-missing, target-locked, flash-error,
 * swd-lost, swd-protocol, usb-denied, usb-busy, not-found (no openocd here), aborted (by cancel). */
#ifndef STATION_TRANSPORT_OPENOCD_H
#define STATION_TRANSPORT_OPENOCD_H

#include "format/openocd.h"

#include <stdatomic.h>

#define OCD_START_MS 10000
#define OCD_GRACE_MS 300 /* between TERM and KILL */

struct ocd_setup {
	const char *program; /* borrowed; NULL: "openocd" */
	const char *scripts; /* borrowed: the folder of target configurations */
	const char *config;  /* borrowed: a file name in it; NULL: none */
	const char *before;  /* borrowed: Tcl that stands before the configuration; NULL: none */
	struct ocd_probe probe;
	const atomic_bool *cancel; /* borrowed; true ends the running call and the child; NULL: never */
	uint32_t start_ms;         /* until the first answer; 0: OCD_START_MS */
};

struct ocd; /* owned by the caller */

/* Starts it, attaches (`init`) and waits for its first answer. */
bool ocd_start(const struct ocd_setup *s, struct ocd **out, struct err *e);
/* TERM, then KILL; waits for it.  Accepts NULL. */
void ocd_stop(struct ocd *o);
/* Does it still run, and may it be called? */
bool ocd_lives(const struct ocd *o);

/* Sends `list [catch {TCL} r] $r` and waits at most within_ms.  False: no answer in time, a lost child, or a return
 * code that is not 0; *e says why by what it complained about.  text: what the command answered, cut to size; may be
 * NULL. tcl: a format; braces in pairs, no backslash; nothing that came from outside goes into it but by
 * ocd_name_valid. */
bool ocd_call(struct ocd *o, int64_t within_ms, char *text, size_t size, struct err *e, const char *tcl, ...)
    __attribute__((format(printf, 6, 7)));

/* Words of the target's memory, while it runs or is halted. */
bool ocd_read_words(struct ocd *o, uint32_t address, uint32_t *out, unsigned count, struct err *e);
bool ocd_write_words(struct ocd *o, uint32_t address, const uint32_t *words, unsigned count, struct err *e);
/* The same in bulk, through a file in memory that only the two of us have.  Every byte, or false. */
bool ocd_load(struct ocd *o, uint32_t address, struct span bytes, struct err *e);
bool ocd_dump(struct ocd *o, uint32_t address, uint32_t size, void *out, struct err *e);
/* The bytes that a command finds under OCD_BULK (flash write_image), and what one left there (flash read_bank). */
#define OCD_BULK "/proc/self/fd/3"
bool ocd_bulk_put(struct ocd *o, struct span bytes, struct err *e);
bool ocd_bulk_get(struct ocd *o, void *out, uint32_t size, struct err *e);

#endif
