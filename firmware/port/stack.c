/* The stack gauge: a pattern below the caller, and how far down it was written over.
 *
 * Both functions are leaves that keep everything in registers, so that the stack pointer in them is their caller's. */
#include "port.h"

extern uint32_t stack_limit[];

/* Deep enough for every call that is measured; more would only take time. */
#define MARKED 6144u

#define PATTERN 0xA5C35A3Cu

static inline volatile uint32_t *stack_pointer(void)
{
	volatile uint32_t *sp;
	__asm volatile("mov %0, sp" : "=r"(sp));
	return sp;
}

static inline volatile uint32_t *bottom(volatile uint32_t *sp)
{
	return (uintptr_t)sp - (uintptr_t)stack_limit > MARKED ? sp - MARKED / 4 : stack_limit;
}

__attribute__((noinline)) void port_stack_mark(void)
{
	volatile uint32_t *sp = stack_pointer();
	for (volatile uint32_t *p = bottom(sp); p < sp; p++)
		*p = PATTERN;
}

__attribute__((noinline)) uint32_t port_stack_used(void)
{
	volatile uint32_t *sp = stack_pointer(), *p = bottom(sp);
	while (p < sp && *p == PATTERN)
		p++;
	return (uint32_t)((uintptr_t)sp - (uintptr_t)p);
}
