/* The SWD side of a board file. */
#include "format/board_inner.h"
#include "format/openocd.h"

#include <stdio.h>
#include <string.h>

static bool aligned(const struct cJSON *o, const char *key, uint32_t *out, struct err *e)
{
	return field_hex32(o, key, out, e) && (*out % 4 == 0 || field_bad(e, key, "must be a multiple of 4"));
}

/* An object, or null: *there says which. */
static bool maybe(const struct cJSON *o, const char *key, const struct cJSON **out, bool *there, struct err *e)
{
	const struct cJSON *member = json_member(o, key);
	*there = member && !json_is_null(member);
	if (!member)
		return field_bad(e, key, "is missing; it may be null");
	return !*there || json_object(o, key, out, e);
}

static bool parse_dpidr(const struct cJSON *o, struct board_swd *s, struct err *e)
{
	const struct cJSON *member = json_member(o, "dpidr");
	s->has_dpidr = member && !json_is_null(member);
	return (member && !s->has_dpidr) || field_hex32(o, "dpidr", &s->dpidr, e);
}

static bool parse_idcode(const struct cJSON *o, struct board_swd *s, struct err *e)
{
	static const char *const keys[] = { "address", "mask", "value", NULL };
	const struct cJSON *i = NULL;
	if (!maybe(o, "idcode", &i, &s->has_idcode, e))
		return false;
	if (!s->has_idcode)
		return true;
	if (!json_only_keys(i, keys, e) || !aligned(i, "address", &s->idcode_address, e) ||
	    !field_hex32(i, "mask", &s->idcode_mask, e) || !field_hex32(i, "value", &s->idcode_value, e))
		return false;
	return !(s->idcode_value & ~s->idcode_mask) || field_bad(e, "value", "has bits that the mask leaves out");
}

static bool parse_flash_kib(const struct cJSON *o, struct board_swd *s, struct err *e)
{
	static const char *const keys[] = { "address", "value", NULL };
	const struct cJSON *i = NULL;
	if (!maybe(o, "flash_kib", &i, &s->has_flash_kib, e))
		return false;
	if (!s->has_flash_kib)
		return true;
	return json_only_keys(i, keys, e) && field_hex32(i, "address", &s->flash_kib_address, e) &&
	       field_whole(i, "value", 1, 65535, &s->flash_kib, e) &&
	       (s->flash_kib_address % 2 == 0 || field_bad(e, "address", "must be even"));
}

static bool parse_uid(const struct cJSON *o, const struct board *b, struct board_swd *s, struct err *e)
{
	static const char *const keys[] = { "address", "words", "stride", NULL };
	const struct cJSON *i = NULL;
	uint32_t words = b->uid_rule == UID_OCOTP ? 2 : 3, stride = 0;
	if (!maybe(o, "uid", &i, &s->has_uid, e))
		return false;
	if (!s->has_uid)
		return s->hybrid || field_bad(e, "uid", "may be null only where the rest goes over DFU");
	if (!json_only_keys(i, keys, e) || !aligned(i, "address", &s->uid_address, e) ||
	    !field_whole(i, "words", words, words, &words, e) || !field_whole(i, "stride", 4, 64, &stride, e))
		return false;
	s->uid_words = words;
	s->uid_stride = stride;
	return stride % 4 == 0 || field_bad(e, "stride", "must be a multiple of 4");
}

static bool parse_ram(const struct cJSON *o, const char *key, const char *size_key, struct range *out, struct err *e)
{
	return aligned(o, key, &out->start, e) && field_whole(o, size_key, 4096, 1u << 24, &out->size, e) &&
	       ((uint64_t)out->start + out->size <= (1ull << 32) || field_bad(e, size_key, "reaches beyond 32 bits"));
}

static bool parse_agent(const struct cJSON *o, struct board_swd *s, struct err *e)
{
	static const char *const keys[] = { "core", "load", "load_size", "buffers", "buffers_size", NULL };
	static const char *const cores[] = { "m4", "m7", "m33", NULL };
	const struct cJSON *i = NULL;
	unsigned core;
	if (!maybe(o, "agent", &i, &s->has_agent, e))
		return false;
	if (!s->has_agent)
		return true;
	if (!json_only_keys(i, keys, e) || !field_choice(i, "core", cores, &core, e) ||
	    !parse_ram(i, "load", "load_size", &s->agent, e) ||
	    !parse_ram(i, "buffers", "buffers_size", &s->buffers, e))
		return false;
	s->core = (enum swd_core)core;
	bool apart = (uint64_t)s->agent.start + s->agent.size <= s->buffers.start ||
		     (uint64_t)s->buffers.start + s->buffers.size <= s->agent.start;
	return apart || field_bad(e, "buffers", "overlap the agent's own memory");
}

static bool parse_medium(const struct cJSON *o, struct swd_medium *m, struct err *e)
{
	static const char *const keys[] = { "backend", "registers", "bank_size", "mapped_tail_wedge", "stock", NULL };
	static const char *const backends[] = { "", "stm32f4", "stm32f7", "stm32h7", "quadspi", "xspi", "flexspi",
		"mram", "ospi", NULL };
	unsigned backend;
	_Static_assert(sizeof backends / sizeof *backends == SWD_BACKEND_COUNT + 1, "a name for each back-end");
	if (!json_is_object(o))
		return field_bad(e, "media", "of SWD must be objects");
	if (!json_only_keys(o, keys, e) || !field_choice(o, "backend", backends, &backend, e) ||
	    !aligned(o, "registers", &m->registers, e) || !json_bool(o, "stock", &m->stock, e))
		return false;
	if (backend == SWD_BACKEND_NONE)
		return field_bad(e, "backend", "is none of the words that may stand there");
	m->backend = (enum swd_backend)backend;
	return (!json_member(o, "bank_size") || field_whole(o, "bank_size", 4096, 1u << 30, &m->bank_size, e)) &&
	       (!json_member(o, "mapped_tail_wedge") ||
		   field_whole(o, "mapped_tail_wedge", 1, 65536, &m->mapped_tail_wedge, e));
}

static bool parse_media(const struct cJSON *o, const struct board *b, struct board_swd *s, struct err *e)
{
	const struct cJSON *media;
	if (!json_object(o, "media", &media, e))
		return false;
	for (const struct cJSON *i = json_first(media); i; i = json_after(i)) {
		unsigned m = 0;
		while (m < b->media_count && strcmp(b->media[m].name, json_key(i)) != 0)
			m++;
		if (m == b->media_count || s->media[m].backend != SWD_BACKEND_NONE)
			return field_bad(e, "media", "of SWD must each name a medium of this board, once");
		if (!parse_medium(i, &s->media[m], e))
			return false;
	}
	return json_first(media) || s->hybrid || field_bad(e, "media", "of SWD are none");
}

static bool parse_config(const struct cJSON *o, struct board_swd *s, struct err *e)
{
	return field_text(o, "config", s->config, sizeof s->config, e) &&
	       (ocd_name_valid(s->config) ||
		   field_bad(e, "config", "must be a file name of letters, digits, '.', '_' and '-'"));
}

static bool parse(const struct cJSON *o, const struct board *b, struct board_swd *s, struct err *e)
{
	static const char *const keys[] = { "config", "dpidr", "idcode", "flash_kib", "uid", "agent", "media", "hybrid",
		"mark", NULL };
	static const char *const marks[] = { "measured", "datasheet", "assumed", "modelled", NULL };
	unsigned mark;
	s->there = true;
	if (!json_only_keys(o, keys, e) || !parse_config(o, s, e) || !json_bool(o, "hybrid", &s->hybrid, e) ||
	    !field_choice(o, "mark", marks, &mark, e) || !parse_dpidr(o, s, e) || !parse_idcode(o, s, e) ||
	    !parse_flash_kib(o, s, e) || !parse_uid(o, b, s, e) || !parse_agent(o, s, e) || !parse_media(o, b, s, e))
		return false;
	snprintf(s->mark, sizeof s->mark, "%s", marks[mark]);
	return !s->hybrid || b->has_dfu || field_bad(e, "hybrid", "makes no sense without a DFU bootloader");
}

bool board_parse_swd(const struct cJSON *root, struct board *b, struct err *e)
{
	const struct cJSON *o = NULL;
	bool there;
	if (!maybe(root, "swd", &o, &there, e))
		return false;
	if (!there)
		return b->has_dfu || field_bad(e, "swd", "must be there where there is no DFU bootloader");
	return parse(o, b, &b->swd, e) || err_prefix(e, "swd");
}
