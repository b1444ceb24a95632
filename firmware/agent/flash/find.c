/* Which back-end is which. */
#include "nor.h"

/* Those that are not in this image are left out of it by the linker. */
#define ROW(backend, its_ops, its_bus)                                                                                 \
	[backend] = { FLASH_BACKENDS >> (backend)&1 ? (its_ops) : 0, FLASH_BACKENDS >> (backend)&1 ? (its_bus) : 0 }

static const struct {
	const struct flash_ops *ops;
	const struct nor_bus *bus;
} rows[AGENT_BACKENDS] = {
	ROW(AGENT_STM32H7, &stm32h7_ops, 0),
	ROW(AGENT_STM32F4, &stm32f4_ops, 0),
	ROW(AGENT_STM32F7, &stm32f7_ops, 0),
	ROW(AGENT_QUADSPI, &nor_ops, &quadspi_bus),
	ROW(AGENT_XSPI, &nor_ops, &xspi_bus),
	ROW(AGENT_FLEXSPI, &nor_ops, &flexspi_bus),
	ROW(AGENT_MRAM, &mram_ops, 0),
	ROW(AGENT_OSPI, &nor_ops, &ospi_bus),
};

const struct nor_bus *nor_bus_of(uint32_t backend)
{
	return rows[backend].bus;
}

uint32_t flash_find(struct medium *m, const struct agent_medium *set)
{
	*m = (struct medium){ *set, 0, (const uint8_t *)(uintptr_t)set->mapped, 0, 0, 0, 0, 0, 0, 0 };
	if (set->backend >= AGENT_BACKENDS || !rows[set->backend].ops || !set->size || set->tail > set->size)
		return AGENT_NO_FLASH;
	m->ops = rows[set->backend].ops;
	return AGENT_OK;
}
