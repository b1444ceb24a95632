/* The table of a unit's journey.  tests/unit/t_unit.c walks every pair of it. */
#include "line/unit.h"

#define GO(s) (US_##s + 1) /* so that 0, the default, means: this event changes nothing here */

/* A person may stop a camera at any step; what was erased stays erased, and the verdict says so. */
#define STEP(next) [UE_DONE] = GO(next), [UE_TROUBLE] = GO(ENDING), [UE_ABORT] = GO(ENDING)

/* Leaving the bus is no event of its own while an action runs on an open camera: the action fails, and says how. */
static const unsigned char rules[US_COUNT][UE_COUNT] = {
	/* ERR: at start, for the camera of an attempt that the last run left unfinished */
	[US_EMPTY] = { [UE_BOOT] = GO(PLUGGED), [UE_RUN] = GO(RUNNING), [UE_ERR] = GO(ERROR) },
	[US_PLUGGED] = { STEP(IDENTIFIED), [UE_AGAIN] = GO(PLUGGED) },
	[US_IDENTIFIED] = { STEP(ADMITTED), [UE_AGAIN] = GO(PLUGGED), [UE_ASK] = GO(ASKING),
	    [UE_LOST] = GO(UNRECORDED) },
	[US_ADMITTED] = { STEP(COMPARED), [UE_AGAIN] = GO(PLUGGED) },
	[US_COMPARED] = { STEP(WRITTEN), [UE_AGAIN] = GO(PLUGGED) },
	[US_WRITTEN] = { STEP(READ_BACK), [UE_AGAIN] = GO(PLUGGED) },
	[US_READ_BACK] = { STEP(PROVED), [UE_AGAIN] = GO(PLUGGED) },
	[US_PROVED] = { STEP(RESTARTED), [UE_AGAIN] = GO(PLUGGED) },
	[US_RESTARTED] = { STEP(CONFIRMED) },
	/* the unit is good and nobody can stop that; only the disk decides whether it may be shown */
	[US_CONFIRMED] = { [UE_PASS] = GO(PASSED), [UE_LOST] = GO(UNRECORDED) },
	[US_ENDING] = { [UE_FAIL] = GO(FAILED),
	    [UE_ERR] = GO(ERROR),
	    [UE_ABORTED] = GO(ABORTED),
	    [UE_REFUSED] = GO(REFUSED),
	    [UE_LOST] = GO(UNRECORDED) },
	/* a green lamp goes out when the camera is taken away; a red one stays until the next camera */
	[US_PASSED] = { [UE_BOOT] = GO(PLUGGED), [UE_LEFT] = GO(EMPTY) },
	[US_FAILED] = { [UE_BOOT] = GO(PLUGGED), [UE_RETRY] = GO(PLUGGED) },
	[US_ERROR] = { [UE_BOOT] = GO(PLUGGED), [UE_RETRY] = GO(PLUGGED) },
	[US_ABORTED] = { [UE_BOOT] = GO(PLUGGED), [UE_RETRY] = GO(PLUGGED) },
	[US_REFUSED] = { [UE_BOOT] = GO(PLUGGED), [UE_RETRY] = GO(PLUGGED) },
	[US_ASKING] = { [UE_BOOT] = GO(PLUGGED), [UE_RETRY] = GO(PLUGGED), [UE_LEFT] = GO(EMPTY) },
	[US_RUNNING] = { [UE_BOOT] = GO(PLUGGED), [UE_RUN] = GO(RUNNING), [UE_LEFT] = GO(EMPTY) },
	[US_UNRECORDED] = { [UE_BOOT] = GO(PLUGGED) },
};

static const char *const state_names[US_COUNT] = {
#define X(name, text, busy, what) [US_##name] = text,
	UNIT_STATE_MAP(X)
#undef X
};

static const char *const guarantees[US_COUNT] = {
#define X(name, text, busy, what) [US_##name] = what,
	UNIT_STATE_MAP(X)
#undef X
};

static const bool busy_states[US_COUNT] = {
#define X(name, text, busy, what) [US_##name] = busy,
	UNIT_STATE_MAP(X)
#undef X
};

static const char *const event_names[UE_COUNT] = {
#define X(name, text, what) [UE_##name] = text,
	UNIT_EVENT_MAP(X)
#undef X
};

bool unit_handles(enum unit_state state, enum unit_event event)
{
	return rules[state][event] != 0;
}

enum unit_state unit_next(enum unit_state state, enum unit_event event)
{
	unsigned char to = rules[state][event];
	return to ? (enum unit_state)(to - 1) : state;
}

bool unit_busy(enum unit_state state)
{
	return busy_states[state];
}

const char *unit_state_name(enum unit_state state)
{
	return state_names[state];
}

const char *unit_event_name(enum unit_event event)
{
	return event_names[event];
}

const char *unit_state_guarantee(enum unit_state state)
{
	return guarantees[state];
}

void unit_dump(FILE *out)
{
	for (unsigned s = 0; s < US_COUNT; s++)
		fprintf(out, "# %s (%s): %s\n", state_names[s], busy_states[s] ? "busy" : "resting", guarantees[s]);
	for (unsigned s = 0; s < US_COUNT; s++)
		for (unsigned e = 0; e < UE_COUNT; e++)
			if (rules[s][e])
				fprintf(
				    out, "%s %s %s\n", state_names[s], event_names[e], state_names[rules[s][e] - 1]);
}
