/* From reset to main on any Cortex-M: vectors, memory, the stack's limit.
 *
 * The linker script says where the stack and the sections are.  Every exception ends the program with status 3: nothing
 * here uses interrupts, so each of them is a fault. */
#include <string.h>

#include "port.h"
#include "semihost.h"

extern uint32_t stack_limit[], stack_top[];
extern uint32_t data_load[], data_start[], data_end[], bss_start[], bss_end[];

#define SYSTICK_CONTROL (*(volatile uint32_t *)0xE000E010u)
#define SYSTICK_RELOAD  (*(volatile uint32_t *)0xE000E014u)
#define SYSTICK_VALUE   (*(volatile uint32_t *)0xE000E018u)
#define CFSR            (*(volatile uint32_t *)0xE000ED28u)

#define ARGUMENTS 8

void reset(void);
void fault(void);

static void start_clock(void)
{
	SYSTICK_RELOAD = 0xFFFFFF;
	SYSTICK_VALUE = 0;
	SYSTICK_CONTROL = 5; /* on, from the processor's clock, without interrupts */
}

uint32_t port_clocks(void)
{
	return 0xFFFFFF - SYSTICK_VALUE;
}

/* The command line's words. */
static int split(char *line, char **argv)
{
	int argc = 0;
	for (char *p = line; *p && argc < ARGUMENTS; argc++) {
		argv[argc] = p;
		while (*p && *p != ' ')
			p++;
		while (*p == ' ')
			*p++ = '\0';
	}
	return argc;
}

void reset(void)
{
	static char line[256];
	char *argv[ARGUMENTS];
#if defined(__ARM_ARCH_8M_MAIN__) || defined(__ARM_ARCH_8_1M_MAIN__)
	/* the core itself ends the program when the stack is used up */
	__asm volatile("msr msplim, %0" ::"r"(stack_limit));
#endif
	memcpy(data_start, data_load, (uintptr_t)data_end - (uintptr_t)data_start);
	memset(bss_start, 0, (uintptr_t)bss_end - (uintptr_t)bss_start);
	start_clock();
	semihost_command_line(line, sizeof line);
	semihost_exit(main(split(line, argv), argv));
}

void fault(void)
{
	port_note(CFSR ? "fault\n" : "unexpected exception\n");
	semihost_exit(3);
}

/* The initial stack pointer, reset, and the other fourteen exceptions of the architecture. */
struct vectors {
	uint32_t *stack;
	void (*handler[15])(void);
};
__attribute__((section(".vectors"), used)) static const struct vectors vectors = {
	stack_top,
	{ reset, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault, fault },
};
