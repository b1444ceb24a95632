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

/* Calls go(context), which reads mapped flash.  A load that ends in a bus error (an ECC error that cannot be corrected,
 * a chip that does not answer) ends it there: 1 then, and *address says where, ~0 when nobody knows.  Not nested. */
int core_guard(void (*go)(void *context), void *context, uint32_t *address);
/* For the exception: was it such a load?  Then the frame (r0 to r3, r12, lr, pc, xpsr) leads out of core_guard. */
int core_forgives(uint32_t *frame);

#endif
