/* Alif Ensemble's MRAM: written from public code, executed on a virtual core, not yet seen on silicon.
 *
 * It is memory: overwritten in place, in aligned units of 16 bytes that are stored as two double words in a row
 * (openmv/openmv boot/src/ports/alif/alif_flash.c; Alif's CMSIS driver Driver_Flash_MRAM.c does the same).  There is no
 * status: what was stored is read again. */
#include "flash.h"

#define UNIT 16u

static uint32_t open(struct medium *m)
{
	m->visible = 1;
	m->chip = m->bytes = 0;
	return AGENT_OK;
}

/* The unit as it shall be: new bytes over those that stay. */
static void merge(uint64_t unit[2], const volatile uint64_t *old, const uint8_t *data, uint32_t from, uint32_t size)
{
	unit[0] = old[0];
	unit[1] = old[1];
	for (uint32_t i = 0; i < size; i++) {
		uint32_t at = from + i;
		uint64_t *half = &unit[at / 8];
		*half = (*half & ~((uint64_t)0xFF << at % 8 * 8)) | (uint64_t)data[i] << at % 8 * 8;
	}
}

static uint32_t program(struct medium *m, uint32_t offset, const uint8_t *data, uint32_t size)
{
	for (uint32_t done = 0, part; done < size; done += part) {
		uint32_t from = (offset + done) % UNIT;
		volatile uint64_t *to = (volatile uint64_t *)((uintptr_t)m->mapped + offset + done - from);
		uint64_t unit[2];
		part = UNIT - from < size - done ? UNIT - from : size - done;
		merge(unit, to, data + done, from, part);
		to[0] = unit[0];
		to[1] = unit[1];
		core_barrier();
		if (to[0] != unit[0] || to[1] != unit[1])
			return flash_no(m, AGENT_FAILED, m->set.mapped + offset + done);
		if (done % 4096 == 0)
			core_progress(done);
		core_tick();
	}
	return AGENT_OK;
}

static uint32_t map(struct medium *m)
{
	m->visible = 1;
	return AGENT_OK;
}

const struct flash_ops mram_ops = { open, 0, program, map, 0 };
