/* What the agent is asked: the chip, tables, digests, the mount, bytes. */
#include "transport/swd_agent_inner.h"

#include <stdlib.h>
#include <string.h>

#define DUMP 65536u

bool swd_agent_open(struct swd_agent *a, unsigned medium, uint32_t *jedec, struct err *e)
{
	const uint32_t argument[5] = { medium };
	if (!agent_call(a, AGENT_OPEN, argument, e))
		return false;
	*jedec = agent_answer_word(a, 0);
	uint32_t size = agent_answer_word(a, 1);
	if (size && size < a->s.medium[medium].size)
		return err_set(e, CODE_WRONG_BOARD, "the flash chip 0x%06x has %u bytes, the board needs %u",
		    (unsigned)*jedec, (unsigned)size, (unsigned)a->s.medium[medium].size);
	return true;
}

bool swd_agent_table(struct swd_agent *a, unsigned medium, uint32_t offset, uint32_t unit, uint32_t count,
    struct agent_unit *out, struct err *e)
{
	uint32_t most = a->layout.results_size / (uint32_t)sizeof *out;
	for (uint32_t part; count; offset += part * unit, out += part, count -= part) {
		part = count < most ? count : most;
		const uint32_t argument[5] = { medium, offset, unit, part };
		if (!agent_call(a, AGENT_TABLE, argument, e))
			return false;
		if (agent_answer_word(a, 0) != part)
			return err_set(e, CODE_SWD_PROTOCOL, "the agent answers another number of units");
		if (!agent_results(a, part * (uint32_t)sizeof *out, agent_answer_word(a, 1), e))
			return false;
		memcpy(out, a->results, part * sizeof *out);
	}
	return true;
}

bool swd_agent_digest(
    struct swd_agent *a, unsigned medium, uint32_t offset, uint32_t length, struct digest *out, struct err *e)
{
	const uint32_t argument[5] = { medium, offset, length };
	if (!agent_call(a, AGENT_DIGEST, argument, e))
		return false;
	if (agent_answer_word(a, 9) != length)
		return err_set(e, CODE_SWD_PROTOCOL, "the agent answers for another number of bytes");
	out->crc32 = agent_answer_word(a, 0);
	for (unsigned i = 0; i < SHA256_SIZE; i++)
		out->sha256[i] = (uint8_t)(agent_answer_word(a, 1 + i / 4) >> (24 - i % 4 * 8));
	return true;
}

/* --- the mount --- */

/* The answer's head; the first one makes room for all entries. */
static bool take_head(struct swd_agent *a, struct agent_mounted *out, uint32_t first, uint32_t length, struct err *e)
{
	struct agent_mounted m = { .status = agent_answer_word(a, AGENT_MOUNT_STATUS),
		.rule = agent_answer_word(a, AGENT_MOUNT_RULE),
		.fault = agent_answer_word(a, AGENT_MOUNT_FAULT),
		.begin = agent_answer_word(a, AGENT_MOUNT_BEGIN),
		.end = agent_answer_word(a, AGENT_MOUNT_END),
		.files = agent_answer_word(a, AGENT_MOUNT_FILES),
		.entries = agent_answer_word(a, AGENT_MOUNT_ENTRIES),
		.entry = out->entry };
	/* no entry takes less than two bytes */
	if (m.entries > length / 2)
		return err_set(e, CODE_SWD_PROTOCOL, "the agent says that there are %u entries", (unsigned)m.entries);
	if (first && memcmp(&m, out, sizeof m) != 0)
		return err_set(e, CODE_SWD_PROTOCOL, "the agent answers differently when it is asked again");
	if (!first && m.entries) {
		m.entry = calloc(m.entries, sizeof *m.entry);
		if (!m.entry)
			return err_set(e, CODE_NO_MEMORY, "no memory for %u entries", (unsigned)m.entries);
	}
	*out = m;
	return true;
}

static bool mount_page(
    struct swd_agent *a, const uint32_t argument[5], struct agent_mounted *out, uint32_t *got, struct err *e)
{
	uint32_t first = argument[3];
	if (!agent_call(a, AGENT_MOUNT, argument, e) || !take_head(a, out, first, argument[2], e))
		return false;
	if (agent_answer_word(a, AGENT_MOUNT_UNREADABLE))
		return agent_box_refuse(e, AGENT_UNREADABLE, a->words[AGENT_WORD(detail)]);
	*got = agent_answer_word(a, AGENT_MOUNT_COUNT);
	if (*got > out->entries - first || (!*got && first < out->entries))
		return err_set(e, CODE_SWD_PROTOCOL, "the agent answers another number of entries");
	if (!agent_results(a, *got * (uint32_t)sizeof *out->entry, agent_answer_word(a, AGENT_MOUNT_CHECK), e))
		return false;
	if (*got)
		memcpy(out->entry + first, a->results, *got * sizeof *out->entry);
	return true;
}

bool swd_agent_mount(
    struct swd_agent *a, unsigned medium, uint32_t offset, uint32_t length, struct agent_mounted *out, struct err *e)
{
	uint32_t got = 0, first = 0;
	*out = (struct agent_mounted){ 0 };
	do {
		const uint32_t argument[5] = { medium, offset, length, first };
		if (!mount_page(a, argument, out, &got, e)) {
			agent_mounted_clear(out);
			return false;
		}
		first += got;
	} while (first < out->entries);
	return true;
}

/* --- bytes --- */

bool swd_agent_close(struct swd_agent *a, struct err *e)
{
	const uint32_t argument[5] = { 0 };
	a->closed = a->closed || agent_call(a, AGENT_CLOSE, argument, e);
	return a->closed;
}

/* The probe was refused a read.  Where the core is refused it too the flash is bad, and not the way to it. */
static bool judge_refused(struct swd_agent *a, const uint32_t argument[5], struct err *e)
{
	struct err why = ERR_INIT;
	if (e->code == CODE_SWD_LOST && ocd_lives(a->s.ocd) && !agent_call(a, AGENT_DIGEST, argument, &why) &&
	    why.code == CODE_FLASH_ERROR)
		err_set(e, why.code, "%s", why.msg);
	return false;
}

static bool read_part(struct swd_agent *a, unsigned medium, uint32_t offset, uint32_t size, bool mapped, struct err *e)
{
	const uint32_t argument[5] = { medium, offset, size };
	if (mapped)
		return ocd_dump(a->s.ocd, a->s.medium[medium].mapped + offset, size, a->results, e) ||
		       judge_refused(a, argument, e);
	a->closed = false;
	return agent_call(a, AGENT_READ, argument, e) && agent_results(a, size, agent_answer_word(a, 1), e);
}

bool swd_agent_read(
    struct swd_agent *a, unsigned medium, uint32_t offset, uint32_t size, link_sink *sink, void *context, struct err *e)
{
	uint32_t safe = a->s.medium[medium].size - a->s.medium[medium].tail;
	uint32_t most = a->layout.results_size < DUMP ? a->layout.results_size : DUMP;
	if (offset < safe && !swd_agent_close(a, e))
		return false;
	for (uint32_t part; size; offset += part, size -= part) {
		bool mapped = offset < safe;
		part = size < most ? size : most;
		if (mapped && part > safe - offset)
			part = safe - offset;
		if (a->s.cancel && atomic_load(a->s.cancel))
			return err_set(e, CODE_ABORTED, "stopped by a person");
		if (!read_part(a, medium, offset, part, mapped, e) ||
		    !sink(context, offset, span_of(a->results, part), e))
			return false;
	}
	return true;
}
