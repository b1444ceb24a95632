/* A unit's journey as a pure state machine: one table, one look-up, no I/O.
 *
 *   empty -> plugged -> identified -> admitted -> compared -> written -> read-back -> proved -> restarted
 *         -> confirmed -> passed
 *
 * A state is named after what is guaranteed in it; the action that leads to the next one is running meanwhile.
 * What goes wrong on the way leads through `ending` (the verdict is being written) to a resting state. */
#ifndef STATION_LINE_UNIT_H
#define STATION_LINE_UNIT_H

#include <stdbool.h>
#include <stdio.h>

/* X(NAME, "name", busy, "what is guaranteed; what runs") */
#define UNIT_STATE_MAP(X)                                                                                              \
	X(EMPTY, "empty", false, "no camera is being worked on")                                                       \
	X(PLUGGED, "plugged", true, "a known board is in its bootloader at this path; identifying it")                 \
	X(IDENTIFIED, "identified", true, "board and UID are known, the camera is latched; admitting it")              \
	X(ADMITTED, "admitted", true, "the start row is on disk, nothing is erased; comparing")                        \
	X(COMPARED, "compared", true, "the units that differ are known; writing")                                      \
	X(WRITTEN, "written", true, "every planned block was acknowledged; reading back")                              \
	X(READ_BACK, "read-back", true, "every byte was read over the wire after the last write; proving")             \
	X(PROVED, "proved", true, "digests equal the recipe and the mount driver accepts it; restarting")              \
	X(RESTARTED, "restarted", true, "the camera was told to leave its bootloader; waiting for its return")         \
	X(CONFIRMED, "confirmed", true, "the right board is back on the same path; writing PASS")                      \
	X(ENDING, "ending", true, "the verdict is known and is not PASS; writing it")                                  \
	X(PASSED, "passed", false, "PASS is on disk")                                                                  \
	X(FAILED, "failed", false, "FAIL is on disk")                                                                  \
	X(ERROR, "error", false, "ERROR is on disk")                                                                   \
	X(ABORTED, "aborted", false, "ABORTED is on disk")                                                             \
	X(REFUSED, "refused", false, "the refusal is on disk; the camera's flash is as it was")                        \
	X(ASKING, "asking", false, "a person must say something first: that it passes again, its serial")              \
	X(RUNNING, "running", false, "a camera in run mode; nothing to do here")                                       \
	X(UNRECORDED, "unrecorded", false, "the verdict is NOT on disk: do not ship")

/* X(NAME, "name", "what happened") */
#define UNIT_EVENT_MAP(X)                                                                                              \
	X(BOOT, "boot", "a camera's bootloader arrived at this path")                                                  \
	X(RUN, "run", "a camera in run mode arrived at this path")                                                     \
	X(LEFT, "left", "the device at this path left the bus")                                                        \
	X(DONE, "done", "the running action succeeded")                                                                \
	X(TROUBLE, "trouble", "the running action failed for good")                                                    \
	X(AGAIN, "again", "the running action failed with a retryable code and tries are left")                        \
	X(ASK, "ask", "admission wants a person's word")                                                               \
	X(ABORT, "abort", "a person or the API stops it")                                                              \
	X(RETRY, "retry", "a person or the API wants it again")                                                        \
	X(PASS, "pass", "the journal has committed PASS")                                                              \
	X(FAIL, "fail", "the journal has committed FAIL")                                                              \
	X(ERR, "err", "the journal has committed ERROR")                                                               \
	X(ABORTED, "aborted", "the journal has committed ABORTED")                                                     \
	X(REFUSED, "refused", "the journal has committed the refusal")                                                 \
	X(LOST, "lost", "the journal could not commit the verdict")

enum unit_state {
#define X(name, text, busy, what) US_##name,
	UNIT_STATE_MAP(X)
#undef X
	    US_COUNT
};

enum unit_event {
#define X(name, text, what) UE_##name,
	UNIT_EVENT_MAP(X)
#undef X
	    UE_COUNT
};

/* The state after this event; the same state when the event means nothing here. */
enum unit_state unit_next(enum unit_state state, enum unit_event event);
/* Does the table have a row for this pair? */
bool unit_handles(enum unit_state state, enum unit_event event);
/* An action runs, and a deadline with it. */
bool unit_busy(enum unit_state state);
const char *unit_state_name(enum unit_state state);
const char *unit_event_name(enum unit_event event);
const char *unit_state_guarantee(enum unit_state state);
/* The table itself: a line `state event next` per pair that does something, states with their guarantees first. */
void unit_dump(FILE *out);

#endif
