/* From the image's first byte to the agent's loop, on a core that comes out of reset with everything off, or that was
 * stopped in the middle of a program: interrupts off, caches and MPU off, own stack, own vectors.
 *
 * The image runs wherever it is loaded (a multiple of 128): it is linked at 0 as a position-independent program, and
 * adds its own address to what needs it.  Every exception is a fault: it is written into the mailbox and the core
 * stays there; the watchdog is not refreshed any more. */
#include "agent.h"

#if defined(__ARM_ARCH_8M_MAIN__)
#define CORE "33"
#elif defined(AGENT_CORE_M7)
#define CORE "7"
#else
#define CORE "4"
#endif

#define SCB_CPUID 0xE000ED00u
#define SCB_VTOR  0xE000ED08u
#define SCB_CCR   0xE000ED14u
#define SCB_CFSR  0xE000ED28u
#define SCB_HFSR  0xE000ED2Cu
#define SCB_MMFAR 0xE000ED34u
#define SCB_BFAR  0xE000ED38u
#define MPU_CTRL  0xE000ED94u

#define CCR_DC      (1u << 16)
#define CCR_IC      (1u << 17)
#define SCB_CCSIDR  0xE000ED80u
#define SCB_CSSELR  0xE000ED84u
#define SCB_ICIALLU 0xE000EF50u
#define SCB_DCCISW  0xE000EF74u

struct relocation {
	uint32_t offset, info;
};
#define R_ARM_RELATIVE 23u

/* Found relative to the code: before the relocation there is no other way. */
#pragma GCC visibility push(hidden)
extern const struct relocation relocations[], relocations_end[];
extern const struct agent_image agent_head;
extern uint32_t bss_start[], bss_end[], stack_limit[];
#pragma GCC visibility pop

void agent_entry(const struct agent_image *head);
void agent_fault(uint32_t *frame);

/* The head: struct agent_image.  The linker script fills in size and memory behind the back-ends; `mailbox` is the
 * station's.  The entry finds its own address, takes its stack from the end of its memory, and goes on in C. */
__asm(".section .head, \"ax\"\n"
      ".syntax unified\n"
      ".thumb\n"
      ".thumb_func\n"
      ".global agent_head\n"
      "agent_head: b.w 1f\n"
      ".word 0x49414C52, 1, " CORE "\n"
      ".section .head_code, \"ax\"\n"
      ".thumb_func\n"
      "1: cpsid i\n"
      "adr r0, 2f\n"
      "2: subs r0, #(2b - 1b) + 32\n"
      "ldr r1, [r0, #24]\n"
      "add r1, r0\n"
      "mov sp, r1\n"
      "b agent_entry\n"
      ".text\n");

__attribute__((section(".head_backends"), used)) static const uint32_t backends = FLASH_BACKENDS;

static uint32_t get(uint32_t address)
{
	return *(volatile uint32_t *)(uintptr_t)address;
}

static void set(uint32_t address, uint32_t value)
{
	*(volatile uint32_t *)(uintptr_t)address = value;
}

static void relocate(uint32_t base)
{
	for (const struct relocation *r = relocations; r != relocations_end; r++)
		if ((r->info & 0xFF) == R_ARM_RELATIVE)
			*(uint32_t *)(uintptr_t)(base + r->offset) += base;
	for (volatile uint32_t *p = bss_start; p != bss_end; p++)
		*p = 0;
}

#if defined(AGENT_CORE_M7) || defined(__ARM_ARCH_8M_MAIN__)
/* What a program left in the data cache goes to memory first; then nothing is cached any more, so that the probe and
 * the core see the same (ARM DDI 0403E B2.2.7). */
static void caches_off(void)
{
	if (get(SCB_CCR) & CCR_DC) {
		set(SCB_CSSELR, 0);
		__asm volatile("dsb" ::: "memory");
		uint32_t size = get(SCB_CCSIDR), sets = (size >> 13 & 0x7FFF) + 1, ways = (size >> 3 & 0x3FF) + 1;
		uint32_t way_shift = (uint32_t)__builtin_clz(ways - 1 ? ways - 1 : 1), set_shift = (size & 7) + 4;
		set(SCB_CCR, get(SCB_CCR) & ~CCR_DC);
		__asm volatile("dsb" ::: "memory");
		for (uint32_t s = 0; s < sets; s++)
			for (uint32_t w = 0; w < ways; w++)
				set(SCB_DCCISW, w << way_shift | s << set_shift);
	}
	set(SCB_CCR, get(SCB_CCR) & ~CCR_IC);
	__asm volatile("dsb\n isb" ::: "memory");
	set(SCB_ICIALLU, 0);
}
#else
static void caches_off(void)
{
}
#endif

/* --- faults --- */

/* The mailbox of the agent that runs; faults have nothing else to go by. */
static volatile struct agent_mailbox *fault_box;

/* Written for whoever reads it over the probe; frame: r0 to r3, r12, lr, pc, xpsr. */
__attribute__((used)) void agent_fault(uint32_t *frame)
{
	uint32_t kind, cfsr = get(SCB_CFSR);
	if (core_forgives(frame))
		return;
	__asm volatile("mrs %0, ipsr" : "=r"(kind));
	fault_box->fault_kind = kind;
	fault_box->fault_pc = frame[6];
	fault_box->fault_status = cfsr ? cfsr : get(SCB_HFSR);
	fault_box->fault_address = cfsr & 0xFF ? get(SCB_MMFAR) : get(SCB_BFAR);
	__asm volatile("dsb" ::: "memory");
	fault_box->state = AGENT_FAULT;
	for (;;)
		__asm volatile("nop");
}

__attribute__((naked)) static void exception(void)
{
	__asm volatile("mov r0, sp\n b agent_fault\n");
}

#define FIFTEEN(x)                                                                                                     \
	{                                                                                                              \
		x, x, x, x, x, x, x, x, x, x, x, x, x, x, x                                                            \
	}
struct vectors {
	uint32_t *stack;
	void (*handler[15])(void);
};
__attribute__((aligned(128))) static const struct vectors vectors = { stack_limit, FIFTEEN(exception) };

/* --- entry --- */

static void run(volatile struct agent_mailbox *box)
{
	static struct agent agent;
	fault_box = box;
	agent_begin(&agent, box, get(SCB_CPUID));
	for (;;)
		if (!agent_step(&agent))
			core_idle();
}

__attribute__((used, noreturn)) void agent_entry(const struct agent_image *head)
{
	relocate((uint32_t)(uintptr_t)head);
	set(MPU_CTRL, 0);
	caches_off();
#ifdef __ARM_ARCH_8M_MAIN__
	__asm volatile("msr msplim, %0" ::"r"(stack_limit));
#endif
	set(SCB_VTOR, (uint32_t)(uintptr_t)&vectors);
	__asm volatile("dsb\n isb" ::: "memory");
	run((volatile struct agent_mailbox *)(uintptr_t)head->mailbox);
	__builtin_unreachable();
}
