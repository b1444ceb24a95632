/* Flash back-ends: one table of operations per controller.
 *
 * Offsets count from the medium's first byte; callers keep within the medium and on erase units.  Every operation
 * answers an enum agent_status, puts the controller's status (or an address) into m->detail where flash said no, and
 * ends in bounded time: it gives up after a number of looks at the controller that a working part never needs. */
#ifndef FIRMWARE_AGENT_FLASH_H
#define FIRMWARE_AGENT_FLASH_H

#include "agent/core.h"

struct nor_bus;

struct medium {
	struct agent_medium set;
	const struct flash_ops *ops; /* NULL: no medium */
	const uint8_t *mapped;       /* set.mapped; tests have it elsewhere */
	void *context;               /* tests */
	uint32_t detail;
	int opened;     /* by agent_medium_of */
	int visible;    /* mapped reads work */
	uint32_t chip;  /* JEDEC id, 0: internal flash */
	uint32_t bytes; /* as the chip says it, 0: it does not */
	int quad;       /* serial NOR: programs and reads on four lines */
};

struct flash_ops {
	/* Finds the chip, makes it fit for the rest. */
	uint32_t (*open)(struct medium *m);
	/* One unit of `unit` bytes at offset, a multiple of it.  AGENT_BAD_ARGUMENT where flash has no such unit. NULL:
	 * the medium is overwritten in place. */
	uint32_t (*erase)(struct medium *m, uint32_t offset, uint32_t unit);
	/* offset is a multiple of 256, or where the last buffer ended. */
	uint32_t (*program)(struct medium *m, uint32_t offset, const uint8_t *data, uint32_t size);
	/* Makes mapped reads work, and locks. */
	uint32_t (*map)(struct medium *m);
	/* By commands; NULL: the mapping is always there. */
	uint32_t (*read)(struct medium *m, uint32_t offset, uint8_t *out, uint32_t size);
};

/* Fills ops and what belongs to it; AGENT_NO_FLASH when the image has no such back-end. */
uint32_t flash_find(struct medium *m, const struct agent_medium *set);
/* Bit n: back-end n is in this image: those of the chips that have the core.  MRAM is plain memory, which every core
 * has. */
#if defined(__ARM_ARCH_8M_MAIN__)
#define FLASH_BACKENDS (1u << AGENT_XSPI | 1u << AGENT_OSPI | 1u << AGENT_MRAM)
#elif defined(AGENT_CORE_M7)
#define FLASH_BACKENDS                                                                                                 \
	(1u << AGENT_STM32H7 | 1u << AGENT_STM32F7 | 1u << AGENT_QUADSPI | 1u << AGENT_FLEXSPI | 1u << AGENT_MRAM)
#else
#define FLASH_BACKENDS (1u << AGENT_STM32F4 | 1u << AGENT_MRAM)
#endif

extern const struct flash_ops stm32h7_ops, stm32f4_ops, stm32f7_ops, mram_ops;

/* --- registers --- */

static inline uint32_t reg_get(uint32_t address)
{
	return *(volatile uint32_t *)(uintptr_t)address;
}

static inline void reg_set(uint32_t address, uint32_t value)
{
	*(volatile uint32_t *)(uintptr_t)address = value;
}

/* Looks at a controller until it is given up: a register read on these cores takes 5 cycles or more, so that the
 * longest erase (4 s for a 256K sector at its worst) is over long before on the fastest core. */
#define LOOKS_ERASE   (UINT32_C(1) << 29)
#define LOOKS_PROGRAM (UINT32_C(1) << 24)

/* Waits until (register & mask) == value; 0 when it gave up. */
static inline int reg_wait(uint32_t address, uint32_t mask, uint32_t value, uint32_t looks)
{
	while (looks--) {
		if ((reg_get(address) & mask) == value)
			return 1;
		core_tick();
	}
	return 0;
}

static inline uint32_t flash_no(struct medium *m, uint32_t status, uint32_t detail)
{
	m->detail = detail;
	return status;
}

#endif
