/* One buffer of the ring: decompressed, held against its CRC, and only then flash is touched. */
#include "agent.h"
#include "crc32.h"
#include "lz4.h"
#include "view.h"

static void all_ones(void *context, const uint8_t *data, uint32_t size)
{
	int *blank = context;
	for (; size && (uintptr_t)data % 4; size--)
		*blank &= *data++ == 0xFF;
	for (; size >= 4 && *blank; size -= 4, data += 4)
		*blank &= *(const uint32_t *)(const void *)data == UINT32_MAX;
	for (; size && *blank; size--)
		*blank &= *data++ == 0xFF;
}

/* A unit that cannot be read is not blank. */
static uint32_t erase_unit(struct medium *m, const struct agent_slot *s, uint32_t offset, uint32_t *skipped)
{
	int blank = 1;
	if (s->op & AGENT_OP_SKIP_BLANK) {
		uint32_t status = view_each(m, offset, s->unit, all_ones, &blank);
		if (status != AGENT_OK && status != AGENT_UNREADABLE)
			return status;
		if (status == AGENT_OK && blank) {
			++*skipped;
			return AGENT_OK;
		}
	}
	return m->ops->erase(m, offset, s->unit);
}

static uint32_t erase(struct medium *m, const struct agent_slot *s, uint32_t *skipped)
{
	if (!m->ops->erase || !s->unit || s->offset % s->unit || s->erase % s->unit ||
	    !agent_within(s->offset, s->erase, m->set.size))
		return AGENT_BAD_ARGUMENT;
	uint32_t status = AGENT_OK;
	for (uint32_t done = 0; done < s->erase && status == AGENT_OK; done += s->unit)
		status = erase_unit(m, s, s->offset + done, skipped);
	return status;
}

/* The bytes to program, out of the buffer or decompressed. */
static uint32_t bytes_of(struct agent *a, const struct agent_slot *s, const uint8_t **out)
{
	const struct agent_setup *set = &a->setup;
	uint32_t buffer = set->slots + (s->turn / AGENT_ATTEMPTS - 1) % AGENT_SLOTS * set->slot_size;
	*out = a->base + buffer;
	if (s->length > set->slot_size || s->stored > set->slot_size)
		return AGENT_BAD_ARGUMENT;
	if (s->op & AGENT_OP_LZ4) {
		*out = a->base + set->work;
		if (agent_lz4(a->base + buffer, s->stored, a->base + set->work, s->length) != (int32_t)s->length)
			return AGENT_BAD_LZ4;
	} else if (s->stored != s->length)
		return AGENT_BAD_ARGUMENT;
	return agent_crc32(0, *out, s->length) == s->crc32 ? AGENT_OK : AGENT_BAD_CRC;
}

uint32_t agent_ring_step(struct agent *a, const struct agent_slot *s, struct medium *m, uint32_t *skipped)
{
	const uint8_t *bytes = 0;
	m->detail = 0;
	if (!agent_within(s->offset, s->length, m->set.size))
		return AGENT_BAD_ARGUMENT;
	if (s->op & AGENT_OP_PROGRAM) {
		uint32_t status = bytes_of(a, s, &bytes);
		if (status != AGENT_OK)
			return status;
	}
	core_progress(0);
	if (s->op & AGENT_OP_ERASE) {
		uint32_t status = erase(m, s, skipped);
		if (status != AGENT_OK)
			return status;
	}
	return bytes ? m->ops->program(m, s->offset, bytes, s->length) : AGENT_OK;
}
