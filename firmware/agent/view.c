/* A range of flash as runs of bytes. */
#include "view.h"

#define PIECE   4096u
#define COMMAND 256u

struct run {
	view_piece *piece;
	void *context;
	const uint8_t *data;
	uint32_t size;
};

static void take(void *context)
{
	const struct run *r = context;
	r->piece(r->context, r->data, r->size);
}

/* One run out of the mapping; a bus error on the way is an answer, not the end. */
static uint32_t mapped_run(struct medium *m, uint32_t offset, uint32_t size, view_piece *piece, void *context)
{
	struct run r = { piece, context, m->mapped + offset, size };
	uint32_t address;
	return core_guard(take, &r, &address) ? flash_no(m, AGENT_UNREADABLE, address) : AGENT_OK;
}

static uint32_t command_run(struct medium *m, uint32_t offset, uint32_t size, view_piece *piece, void *context)
{
	uint8_t bytes[COMMAND];
	uint32_t status = m->ops->read(m, offset, bytes, size);
	if (status == AGENT_OK)
		piece(context, bytes, size);
	return status;
}

uint32_t view_each(struct medium *m, uint32_t offset, uint32_t size, view_piece *piece, void *context)
{
	uint32_t status = AGENT_OK, safe = m->ops->read ? view_safe(m) : m->set.size;
	for (uint32_t part; size && status == AGENT_OK; offset += part, size -= part) {
		int by_command = offset >= safe;
		part = by_command ? COMMAND : PIECE;
		if (!by_command && part > safe - offset)
			part = safe - offset;
		if (part > size)
			part = size;
		if (!by_command)
			status = m->ops->map(m);
		if (status == AGENT_OK)
			status = (by_command ? command_run : mapped_run)(m, offset, part, piece, context);
		core_tick();
	}
	return status;
}

static void put(void *context, const uint8_t *data, uint32_t size)
{
	uint8_t **to = context;
	while (size--)
		*(*to)++ = *data++;
}

uint32_t view_copy(struct medium *m, uint32_t offset, uint8_t *out, uint32_t size)
{
	return view_each(m, offset, size, put, &out);
}
