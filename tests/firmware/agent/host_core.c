/* The core under the agent when that is a host. */
#include "agent/core.h"

static volatile struct agent_mailbox *mailbox;

void core_begin(volatile struct agent_mailbox *box)
{
	mailbox = box;
}

void core_watchdog(uint32_t address)
{
	(void)address;
}

void core_tick(void)
{
	mailbox->beat++;
}

void core_idle(void)
{
	mailbox->idle++;
}

void core_progress(uint32_t bytes)
{
	mailbox->progress = bytes;
}

void core_barrier(void)
{
	__sync_synchronize();
}

int core_guard(void (*go)(void *context), void *context, uint32_t *address)
{
	*address = UINT32_MAX;
	go(context);
	return 0;
}
