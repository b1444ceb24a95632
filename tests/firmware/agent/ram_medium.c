/* Flash in RAM behind the agent's operations. */
#include "ram_medium.h"

struct ram_medium ram_media[AGENT_MEDIA];

static struct ram_medium *ram_of(struct medium *m)
{
	return m->context;
}

static uint32_t open(struct medium *m)
{
	m->visible = ram_of(m)->used != 0;
	m->chip = ram_of(m)->used ? 0 : 0xEF4019;
	m->bytes = ram_of(m)->used ? 0 : m->set.size;
	return AGENT_OK;
}

static int strikes(uint32_t *n)
{
	return *n && --*n == 0;
}

static uint8_t *cell(struct medium *m, uint32_t offset)
{
	struct ram_medium *r = ram_of(m);
	uint32_t safe = m->set.size - m->set.tail;
	return r->tail && offset >= safe ? r->tail + (offset - safe) : r->bytes + offset;
}

static uint32_t erase(struct medium *m, uint32_t offset, uint32_t unit)
{
	struct ram_medium *r = ram_of(m);
	if (unit != (r->used ? RAM_SECTOR : RAM_BLOCK))
		return AGENT_BAD_ARGUMENT;
	r->erases++;
	if (strikes(&r->fail_erase))
		return flash_no(m, AGENT_PROTECTED, 0x20000);
	m->visible = r->used != 0;
	for (uint32_t i = 0; i < unit && !r->never_erases; i++) {
		*cell(m, offset + i) = 0xFF;
		if (r->used)
			r->used[(offset + i) / 32] = 0;
	}
	return AGENT_OK;
}

static void program_byte(struct medium *m, uint32_t offset, uint8_t byte)
{
	uint8_t *c = cell(m, offset);
	ram_of(m)->misuse += (*c & byte) != byte;
	*c &= byte;
}

static int ones(const uint8_t *data, uint32_t size)
{
	while (size && *data == 0xFF)
		data++, size--;
	return !size;
}

/* Words of 32, each once; a whole word is used up by a single byte. */
static uint32_t program(struct medium *m, uint32_t offset, const uint8_t *data, uint32_t size)
{
	struct ram_medium *r = ram_of(m);
	uint32_t step = r->used ? 32 : 256;
	m->visible = r->used != 0;
	r->misuse += offset % step != 0;
	for (uint32_t at = 0, part; at < size; at += part) {
		part = size - at < step ? size - at : step;
		if (ones(data + at, part))
			continue;
		r->programs++;
		if (strikes(&r->fail_program))
			return flash_no(m, AGENT_FAILED, 0x400000);
		if (r->used && r->used[(offset + at) / 32]++)
			return flash_no(m, AGENT_SEQUENCE, 0x40000);
		for (uint32_t i = 0; i < part; i++)
			program_byte(m, offset + at + i, data[at + i]);
	}
	return AGENT_OK;
}

static uint32_t map(struct medium *m)
{
	ram_of(m)->maps++;
	m->visible = 1;
	return AGENT_OK;
}

static uint32_t read(struct medium *m, uint32_t offset, uint8_t *out, uint32_t size)
{
	m->visible = 0;
	for (uint32_t i = 0; i < size; i++)
		out[i] = *cell(m, offset + i);
	return AGENT_OK;
}

static const struct flash_ops internal = { open, erase, program, map, 0 }, nor = { open, erase, program, map, read };

uint32_t flash_find(struct medium *m, const struct agent_medium *set)
{
	struct ram_medium *r = &ram_media[set->backend == AGENT_STM32H7 ? 0 : 1];
	*m = (struct medium){ *set, 0, 0, 0, 0, 0, 0, 0, 0, 0 };
	if ((set->backend != AGENT_STM32H7 && set->backend != AGENT_QUADSPI) || !set->size || set->tail > set->size)
		return AGENT_NO_FLASH;
	m->ops = set->backend == AGENT_STM32H7 ? &internal : &nor;
	m->mapped = r->bytes;
	m->context = r;
	return AGENT_OK;
}
