/* DfuSe's memory map strings: read, and held against a partition. */
#include "format/dfuse_map.h"

#include <ctype.h>
#include <string.h>

/* What is left of the text. */
struct reader {
	const char *at;
};

static bool take(struct reader *r, char c)
{
	if (*r->at != c)
		return false;
	r->at++;
	return true;
}

static int digit_of(char c, unsigned base)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c ? strchr(digits, tolower((unsigned char)c)) : NULL;
	return found && found - digits < (int)base ? (int)(found - digits) : -1;
}

static bool number(struct reader *r, unsigned base, uint64_t *out)
{
	int d;
	const char *start = r->at;
	*out = 0;
	while ((d = digit_of(*r->at, base)) >= 0 && r->at - start < 10) {
		*out = *out * base + (unsigned)d;
		r->at++;
	}
	return r->at > start && digit_of(*r->at, base) < 0;
}

/* "@Internal Flash  2MB   /": the name, and the slash behind it. */
static bool name(struct reader *r, char *out)
{
	size_t n = 0;
	if (!take(r, '@'))
		return false;
	for (; *r->at && *r->at != '/'; r->at++) {
		if (*r->at == ' ' && (!n || out[n - 1] == ' '))
			continue;
		if (n + 1 == BOARD_ALT_SIZE)
			return false;
		out[n++] = *r->at;
	}
	if (n && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
	return n && take(r, '/');
}

static uint64_t unit_bytes(char c)
{
	return c == 'M' ? 1 << 20 : c == 'K' ? 1 << 10 : c == 'B' || c == ' ' ? 1 : 0;
}

/* "15*128Kg" */
static bool sectors(struct reader *r, struct dfuse_map *map, uint64_t *at)
{
	uint64_t count, size;
	if (!number(r, 10, &count) || !take(r, '*') || !number(r, 10, &size))
		return false;
	uint64_t unit = unit_bytes(*r->at);
	if (!unit || r->at[1] < 'a' || r->at[1] > 'g')
		return false;
	uint8_t access = (uint8_t)(r->at[1] - '`');
	r->at += 2;
	size *= unit;
	if (!count)
		return true;
	if (!size || size > UINT32_MAX || count > UINT32_MAX / size || *at + size * count > (1ull << 32) ||
	    map->run_count == DFUSE_MAX_RUNS)
		return false;
	map->runs[map->run_count++] = (struct dfuse_run){ (uint32_t)*at, (uint32_t)size, (uint32_t)count, access };
	*at += size * count;
	return true;
}

bool dfuse_map_parse(const char *text, struct dfuse_map *out)
{
	struct reader r = { text };
	uint64_t at;
	*out = (struct dfuse_map){ .run_count = 0 };
	if (!name(&r, out->name))
		return false;
	do {
		if (!take(&r, '0') || !take(&r, 'x') || !number(&r, 16, &at) || at > UINT32_MAX || !take(&r, '/'))
			return false;
		do
			if (!sectors(&r, out, &at))
				return false;
		while (take(&r, ','));
	} while (take(&r, '/'));
	return !*r.at;
}

static const struct dfuse_run *run_at(const struct dfuse_map *map, uint64_t address)
{
	for (unsigned i = 0; i < map->run_count; i++) {
		const struct dfuse_run *run = &map->runs[i];
		if (address >= run->start && address - run->start < (uint64_t)run->size * run->count)
			return run;
	}
	return NULL;
}

uint32_t dfuse_map_sector(const struct dfuse_map *map, uint32_t address)
{
	const struct dfuse_run *run = run_at(map, address);
	return run ? run->size : 0;
}

bool dfuse_map_holds(const struct dfuse_map *map, const struct partition *p)
{
	unsigned wanted = (p->readable ? DFUSE_READ : 0) | (p->forbidden ? 0 : DFUSE_ERASES | DFUSE_WRITE);
	if (!p->mapped || !p->sector || p->size % p->sector)
		return false;
	for (uint64_t at = p->mapped; at < p->mapped + p->size; at += p->sector) {
		const struct dfuse_run *run = run_at(map, at);
		if (!run || run->size != p->sector || (at - run->start) % p->sector || (run->access & wanted) != wanted)
			return false;
	}
	return true;
}
