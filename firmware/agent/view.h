/* Reading flash where it is mapped, and by commands where the mapping must not be read. */
#ifndef FIRMWARE_AGENT_VIEW_H
#define FIRMWARE_AGENT_VIEW_H

#include "agent/flash/flash.h"

/* Takes a run of bytes, in order. */
typedef void view_piece(void *context, const uint8_t *data, uint32_t size);

/* Every byte of a range within the medium, a piece at a time. */
uint32_t view_each(struct medium *m, uint32_t offset, uint32_t size, view_piece *piece, void *context);
/* Bytes of a range into memory. */
uint32_t view_copy(struct medium *m, uint32_t offset, uint8_t *out, uint32_t size);
/* Offset from which on the mapping must not be read. */
static inline uint32_t view_safe(const struct medium *m)
{
	return m->set.size - m->set.tail;
}

#endif
