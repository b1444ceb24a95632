/* Flash behind a probe: through the agent in the camera's RAM, or through OpenOCD's own drivers. */
#include "transport/swd_inner.h"

#include "os/log.h"

#include <stdlib.h>
#include <string.h>

/* An agent starts within milliseconds, and one that lives counts on many times in each; a station that is short of
 * processors looks late. */
#define AGENT_START_MS  5000
#define AGENT_SILENT_MS 5000

static struct swd_link *priv(const struct link *l)
{
	return l->priv;
}

uint32_t swd_offset(const struct link *l, const struct partition *p)
{
	return (uint32_t)(p->address - board_medium_extent(l->board, p->medium).base);
}

/* --- the agent's start -------------------------------------------------------------------------------------------- */

static struct agent_medium medium_of(const struct board *b, unsigned i)
{
	static const enum agent_backend backends[SWD_BACKEND_COUNT] = {
		[SWD_BACKEND_STM32F4] = AGENT_STM32F4,
		[SWD_BACKEND_STM32F7] = AGENT_STM32F7,
		[SWD_BACKEND_STM32H7] = AGENT_STM32H7,
		[SWD_BACKEND_QUADSPI] = AGENT_QUADSPI,
		[SWD_BACKEND_XSPI] = AGENT_XSPI,
		[SWD_BACKEND_FLEXSPI] = AGENT_FLEXSPI,
		[SWD_BACKEND_MRAM] = AGENT_MRAM,
		[SWD_BACKEND_OSPI] = AGENT_OSPI,
	};
	const struct swd_medium *m = &b->swd.media[i];
	struct medium_extent x = board_medium_extent(b, i);
	if (m->backend == SWD_BACKEND_NONE)
		return (struct agent_medium){ .backend = AGENT_NO_BACKEND };
	return (struct agent_medium){ .backend = backends[m->backend],
		.registers = m->registers,
		.mapped = (uint32_t)x.mapped,
		.size = x.size,
		.bank = m->bank_size,
		.tail = m->mapped_tail_wedge };
}

static bool start_agent(struct link *l, struct err *e)
{
	static const unsigned cores[] = { [SWD_CORE_M4] = 4, [SWD_CORE_M7] = 7, [SWD_CORE_M33] = 33 };
	const struct board_swd *swd = &l->board->swd;
	struct swd_agent_setup s = { .ocd = priv(l)->ocd,
		.core = cores[swd->core],
		.load = swd->agent.start,
		.load_size = swd->agent.size,
		.buffers = swd->buffers.start,
		.buffers_size = swd->buffers.size,
		.start_ms = AGENT_START_MS,
		.silent_ms = AGENT_SILENT_MS,
		.cancel = l->cancel };
	for (unsigned i = 0; i < AGENT_MEDIA && i < l->board->media_count; i++)
		s.medium[i] = medium_of(l->board, i);
	return swd_agent_start(&s, &priv(l)->agent, e);
}

static bool stock_reaches_all(const struct board *b)
{
	for (unsigned i = 0; i < b->media_count; i++)
		if (!b->swd.media[i].stock)
			return false;
	return true;
}

bool swd_flash_begin(struct link *l, struct err *e)
{
	struct err why = ERR_INIT;
	struct swd_link *w = priv(l);
	if (w->stock || start_agent(l, &why))
		return true;
	bool stands_in = (why.code == CODE_AGENT_SILENT || why.code == CODE_AGENT_FOREIGN) && ocd_lives(w->ocd) &&
			 stock_reaches_all(l->board);
	if (!stands_in)
		return err_set(e, why.code, "%s", why.msg);
	log_warn("%s: the agent does not start (%s); OpenOCD's own flash drivers stand in", l->id.path, why.msg);
	w->stock = true;
	return swd_reset(l, e);
}

/* --- what is blank --- */

static bool whole_grains(const struct link *l, unsigned medium, uint32_t offset, uint32_t size)
{
	return size && offset % SWD_GRAIN == 0 && size % SWD_GRAIN == 0 &&
	       offset + size <= board_medium_extent(l->board, medium).size;
}

void swd_flash_is_blank(struct link *l, unsigned medium, uint32_t offset, uint32_t size)
{
	uint8_t **bits = &priv(l)->blank[medium];
	if (!whole_grains(l, medium, offset, size))
		return;
	if (!*bits)
		*bits = calloc(board_medium_extent(l->board, medium).size / SWD_GRAIN / 8 + 1, 1);
	for (uint32_t at = offset / SWD_GRAIN; *bits && at < (offset + size) / SWD_GRAIN; at++)
		(*bits)[at / 8] |= (uint8_t)(1u << at % 8);
}

static bool is_blank(const struct link *l, const struct swd_change *c)
{
	const uint8_t *bits = priv(l)->blank[c->medium];
	if (!bits || !whole_grains(l, c->medium, c->offset, c->erase))
		return false;
	for (uint32_t at = c->offset / SWD_GRAIN; at < (c->offset + c->erase) / SWD_GRAIN; at++)
		if (!(bits[at / 8] >> at % 8 & 1))
			return false;
	return true;
}

/* Whatever comes of it, nothing more is known of what a change touches. */
static void forget(struct link *l, const struct swd_change *c)
{
	uint8_t *bits = priv(l)->blank[c->medium];
	uint32_t size = c->bytes.size > c->erase ? (uint32_t)c->bytes.size : c->erase;
	for (uint32_t at = c->offset / SWD_GRAIN; bits && size && at <= (c->offset + size - 1) / SWD_GRAIN; at++)
		bits[at / 8] &= (uint8_t) ~(1u << at % 8);
}

/* --- changes ------------------------------------------------------------------------------------------------------ */

bool swd_flash_change(struct link *l, const struct swd_change *c, struct err *e)
{
	struct swd_link *w = priv(l);
	if (w->agent) {
		uint32_t erase = is_blank(l, c) ? 0 : c->erase;
		struct swd_op op = { .medium = c->medium,
			.offset = c->offset,
			.bytes = c->bytes,
			.erase = erase,
			.unit = erase,
			.skip_blank = true };
		forget(l, c);
		return swd_agent_put(w->agent, &op, e);
	}
	if (!swd_stock_change(l, c, e))
		return false;
	w->stock_changes++;
	return true;
}

bool swd_flash_finish(struct link *l, struct err *e)
{
	return !priv(l)->agent || swd_agent_drain(priv(l)->agent, e);
}

uint32_t swd_flash_done(const struct link *l)
{
	const struct swd_link *w = priv(l);
	return w->agent ? swd_agent_done(w->agent) : w->stock_changes;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

static bool read_chunks(
    struct link *l, unsigned medium, uint32_t offset, uint32_t size, link_sink *sink, void *context, struct err *e)
{
	uint8_t *bytes = malloc(SWD_CHUNK);
	bool good = bytes || err_set(e, CODE_NO_MEMORY, "no memory to read flash");
	for (uint32_t at = 0; good && at < size; at += SWD_CHUNK) {
		uint32_t part = size - at < SWD_CHUNK ? size - at : SWD_CHUNK;
		if (l->cancel && atomic_load(l->cancel))
			good = err_set(e, CODE_ABORTED, "stopped by a person");
		good = good && swd_stock_read(l, medium, offset + at, part, bytes, e) &&
		       sink(context, offset + at, span_of(bytes, part), e);
	}
	free(bytes);
	return good;
}

bool swd_flash_read(
    struct link *l, unsigned medium, uint32_t offset, uint32_t size, link_sink *sink, void *context, struct err *e)
{
	struct medium_extent x = board_medium_extent(l->board, medium);
	/* what the chip maps by itself is read while the camera runs */
	if (x.base != x.mapped && !swd_prepare(l, e))
		return false;
	if (priv(l)->agent)
		return swd_agent_read(priv(l)->agent, medium, offset, size, sink, context, e);
	return read_chunks(l, medium, offset, size, sink, context, e);
}
