/* The Cortex-M under the agent. */
#include "core.h"

#define SYST_CVR 0xE000E018u
#define SCB_CFSR 0xE000ED28u
#define SCB_HFSR 0xE000ED2Cu
#define SCB_BFAR 0xE000ED38u

/* The bus fault part of CFSR: data faults, and whether BFAR holds the address. */
#define BFSR_DATA   (1u << 9 | 1u << 10)
#define BFSR_VALID  (1u << 15)
#define HFSR_FORCED (1u << 30)
#define XPSR_THUMB  (1u << 24)

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
	uint32_t on, stack, address;
} guard;

int guard_call(void (*go)(void *context), void *context, volatile uint32_t *stack);
void guard_land(void);

/* Keeps what a function may keep in registers on the stack, and where that is; comes back with 0 by itself, or with 1
 * where guard_land puts the stack pointer back. */
__asm(".syntax unified\n"
      ".thumb\n"
      ".text\n"
      ".thumb_func\n"
      ".type guard_call, %function\n"
      "guard_call: push {r3-r11, lr}\n"
      "str sp, [r2]\n"
      "mov r3, r0\n"
      "mov r0, r1\n"
      "blx r3\n"
      "movs r0, #0\n"
      "pop {r3-r11, pc}\n"
      ".thumb_func\n"
      ".type guard_land, %function\n"
      "guard_land: mov sp, r0\n"
      "movs r0, #1\n"
      "pop {r3-r11, pc}\n");

int core_guard(void (*go)(void *context), void *context, uint32_t *address)
{
	guard.address = UINT32_MAX;
	guard.on = 1;
	int hit = guard_call(go, context, &guard.stack);
	core_barrier();
	guard.on = 0;
	*address = guard.address;
	return hit;
}

/* The exception returns to guard_land, with the kept stack pointer in r0 and no half-done instruction in xpsr. */
int core_forgives(uint32_t *frame)
{
	uint32_t status = *at(SCB_CFSR);
	if (!guard.on || !(status & BFSR_DATA) || status & ~(BFSR_DATA | BFSR_VALID))
		return 0;
	if (status & BFSR_VALID)
		guard.address = *at(SCB_BFAR);
	guard.on = 0;
	frame[0] = guard.stack;
	frame[6] = (uint32_t)(uintptr_t)guard_land & ~1u;
	frame[7] = XPSR_THUMB;
	*at(SCB_CFSR) = status;
	*at(SCB_HFSR) = HFSR_FORCED;
	return 1;
}
