/* The Cortex-M under the agent. */
#include "core.h"

#define SYST_CVR 0xE000E018u
#define SCB_CFSR 0xE000ED28u
#define SCB_HFSR 0xE000ED2Cu
#define SCB_BFAR 0xE000ED38u

/* The bus fault part of CFSR: data faults, and whether BFAR holds the address. */
#define BFSR_PRECISE (1u << 9)
#define BFSR_DATA    (BFSR_PRECISE | 1u << 10)
#define BFSR_VALID   (1u << 15)
#define HFSR_FORCED  (1u << 30)

#define WATCHDOG_KEY 0xAAAAu

static volatile struct agent_mailbox *mailbox;
static volatile uint32_t *watchdog;

static volatile uint32_t *at(uint32_t address)
{
	return (volatile uint32_t *)(uintptr_t)address;
}

void core_begin(volatile struct agent_mailbox *box)
{
	mailbox = box;
	watchdog = 0;
}

void core_watchdog(uint32_t address)
{
	watchdog = address ? at(address) : 0;
}

void core_tick(void)
{
	mailbox->beat++;
	if (watchdog)
		*watchdog = WATCHDOG_KEY;
}

/* A read of the private bus: the memory that the probe wants is left alone meanwhile. */
void core_idle(void)
{
	mailbox->idle++;
	(void)*at(SYST_CVR);
}

void core_progress(uint32_t bytes)
{
	mailbox->progress = bytes;
}

void core_barrier(void)
{
	__asm volatile("dsb" ::: "memory");
}

/* Written by the exception, read by what it interrupts. */
static volatile struct {
	uint32_t on, hit, address;
} guard;

void core_guard_begin(void)
{
	guard.hit = 0;
	guard.address = UINT32_MAX;
	guard.on = 1;
	__asm volatile("dsb" ::: "memory");
}

int core_guard_end(uint32_t *address)
{
	__asm volatile("dsb" ::: "memory");
	guard.on = 0;
	*address = guard.address;
	return guard.hit != 0;
}

/* A load that failed is stepped over, whatever its register holds then; its instruction is two halfwords long where the
 * first begins with 11101, 11110 or 11111.  An imprecise fault has its instruction behind it already. */
int core_forgives(uint32_t *frame)
{
	uint32_t status = *at(SCB_CFSR);
	if (!guard.on || !(status & BFSR_DATA) || status & ~(BFSR_DATA | BFSR_VALID))
		return 0;
	guard.hit = 1;
	if (status & BFSR_VALID)
		guard.address = *at(SCB_BFAR);
	if (status & BFSR_PRECISE) {
		uint16_t first = *(const uint16_t *)(uintptr_t)frame[6];
		frame[6] += first >> 11 >= 0x1D ? 4 : 2;
	}
	*at(SCB_CFSR) = status;
	*at(SCB_HFSR) = HFSR_FORCED;
	return 1;
}
