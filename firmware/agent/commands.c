/* Commands: a table of functions, and what each answers. */
#include "agent.h"
#include "crc32.h"
#include "sha256.h"
#include "view.h"

struct call {
	struct agent *a;
	struct medium *m;
	const uint32_t *argument; /* medium, offset, ... */
	uint32_t *answer, *detail;
};

static uint32_t open_medium(const struct call *c)
{
	uint32_t status = c->m->ops->open(c->m);
	c->m->opened = status == AGENT_OK;
	c->answer[0] = c->m->chip;
	c->answer[1] = c->m->bytes;
	return status;
}

/* --- table --- */

struct unit_run {
	uint32_t crc32;
	uint32_t ones; /* and of all bytes */
};

static void take_unit(void *context, const uint8_t *data, uint32_t size)
{
	struct unit_run *u = context;
	u->crc32 = agent_crc32(u->crc32, data, size);
	for (; size && u->ones == 0xFF; size--)
		u->ones &= *data++;
}

static uint32_t one_unit(struct medium *m, uint32_t offset, uint32_t unit, struct agent_unit *out)
{
	struct unit_run u = { 0, 0xFF };
	uint32_t status = view_each(m, offset, unit, take_unit, &u);
	out->crc32 = u.crc32;
	out->flags = u.ones == 0xFF ? AGENT_UNIT_BLANK : 0;
	if (status != AGENT_UNREADABLE)
		return status;
	*out = (struct agent_unit){ 0, AGENT_UNIT_UNREADABLE };
	return AGENT_OK;
}

static uint32_t table(const struct call *c)
{
	uint32_t offset = c->argument[1], unit = c->argument[2], count = c->argument[3], status = AGENT_OK;
	const struct agent_setup *set = &c->a->setup;
	struct agent_unit *units = (void *)(c->a->base + set->results);
	if (!unit || unit % 4 || offset % 4 || count > set->results_size / sizeof *units ||
	    count > c->m->set.size / unit || !agent_within(offset, unit * count, c->m->set.size))
		return AGENT_BAD_ARGUMENT;
	for (uint32_t i = 0; i < count && status == AGENT_OK; i++) {
		status = one_unit(c->m, offset + i * unit, unit, &units[i]);
		core_progress((i + 1) * unit);
	}
	c->answer[0] = count;
	c->answer[1] = agent_crc32(0, (void *)units, count * (uint32_t)sizeof *units);
	return status;
}

/* --- digest --- */

struct digest_run {
	uint32_t crc32, bytes;
	struct agent_sha256 sha;
};

static void take_digest(void *context, const uint8_t *data, uint32_t size)
{
	struct digest_run *d = context;
	d->crc32 = agent_crc32(d->crc32, data, size);
	agent_sha256_add(&d->sha, data, size);
	d->bytes += size;
	core_progress(d->bytes);
}

static uint32_t digest(const struct call *c)
{
	uint32_t offset = c->argument[1], length = c->argument[2];
	struct digest_run d = { .crc32 = 0, .bytes = 0 };
	if (offset % 4 || !agent_within(offset, length, c->m->set.size))
		return AGENT_BAD_ARGUMENT;
	agent_sha256_begin(&d.sha);
	uint32_t status = view_each(c->m, offset, length, take_digest, &d);
	agent_sha256_end(&d.sha);
	c->answer[0] = d.crc32;
	for (unsigned i = 0; i < 8; i++)
		c->answer[1 + i] = d.sha.hash[i];
	c->answer[9] = d.bytes;
	return status;
}

/* --- the rest --- */

static uint32_t mount(const struct call *c)
{
	return agent_mount(c->a, c->m, c->argument, c->answer, c->detail);
}

static uint32_t read(const struct call *c)
{
	uint32_t offset = c->argument[1], length = c->argument[2], done = 0;
	const struct agent_setup *set = &c->a->setup;
	uint8_t *out = c->a->base + set->results;
	if (!c->m->ops->read || length > set->results_size || !agent_within(offset, length, c->m->set.size))
		return AGENT_BAD_ARGUMENT;
	while (done < length) {
		uint32_t part = length - done < 4096 ? length - done : 4096;
		uint32_t status = c->m->ops->read(c->m, offset + done, out + done, part);
		if (status != AGENT_OK)
			return status;
		core_progress(done += part);
	}
	c->answer[0] = length;
	c->answer[1] = agent_crc32(0, out, length);
	return AGENT_OK;
}

static uint32_t close(const struct call *c)
{
	uint32_t status = AGENT_OK;
	for (unsigned i = 0; i < AGENT_MEDIA && status == AGENT_OK; i++) {
		struct medium *m;
		if (!c->a->medium[i].ops)
			continue;
		status = agent_medium_of(c->a, i, &m);
		if (status == AGENT_OK)
			status = m->ops->map(m);
		*c->detail = m->detail;
	}
	return status;
}

static const struct {
	uint32_t (*go)(const struct call *c);
	uint32_t needs_medium;
} rows[AGENT_COMMANDS] = {
	[AGENT_OPEN] = { open_medium, 1 },
	[AGENT_TABLE] = { table, 1 },
	[AGENT_DIGEST] = { digest, 1 },
	[AGENT_MOUNT] = { mount, 1 },
	[AGENT_READ] = { read, 1 },
	[AGENT_CLOSE] = { close, 0 },
};

uint32_t agent_command(
    struct agent *a, const struct agent_request *r, uint32_t answer[AGENT_ANSWER_WORDS], uint32_t *detail)
{
	struct medium *m = 0;
	uint32_t status = AGENT_OK;
	if (r->command >= AGENT_COMMANDS || !rows[r->command].go)
		return AGENT_BAD_COMMAND;
	core_progress(0);
	if (rows[r->command].needs_medium)
		status = agent_medium_of(a, r->argument[0], &m);
	const struct call c = { a, m, r->argument, answer, detail };
	if (status == AGENT_OK)
		status = rows[r->command].go(&c);
	if (m)
		*detail = m->detail;
	return status;
}
