/* What the agent needs of the core that it runs on: signs of life, and reads that may fail. */
#ifndef FIRMWARE_AGENT_CORE_H
#define FIRMWARE_AGENT_CORE_H

#include "mailbox.h"

/* Where signs go; both before the first core_tick. */
void core_begin(volatile struct agent_mailbox *box);
void core_watchdog(uint32_t address);
/* To be called in every loop that can take long: one more beat, and the watchdog is content. */
void core_tick(void);
/* Nothing to do: leaves the bus to others for a moment. */
void core_idle(void);
/* Bytes done of what runs. */
void core_progress(uint32_t bytes);
/* What was written before is seen by everyone before what is written after. */
void core_barrier(void);

/* Between the two, loads from mapped flash that end in a bus error (an ECC error that cannot be corrected, a chip that
 * does not answer) give any value.  guard_end: was there one?  Then *address says where, ~0 when nobody knows. */
void core_guard_begin(void);
int core_guard_end(uint32_t *address);
/* For the exception: was it such a load?  Then the frame (r0 to r3, r12, lr, pc, xpsr) goes on behind it. */
int core_forgives(uint32_t *frame);

#endif
