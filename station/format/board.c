/* What a board file says, asked: partitions, programming units, alignment, firmware ranges, serials. */
#include "format/board.h"
#include "base/hex.h"
#include "format/dfuse_map.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const struct partition *board_partition(const struct board *b, const char *name)
{
	for (unsigned i = 0; i < b->partition_count; i++)
		if (!strcmp(b->partitions[i].name, name))
			return &b->partitions[i];
	return NULL;
}

const struct medium *board_medium(const struct board *b, const struct partition *p)
{
	return &b->media[p->medium];
}

struct medium_extent board_medium_extent(const struct board *b, unsigned medium)
{
	struct medium_extent x = { UINT64_MAX, 0, 0 };
	uint64_t end = 0;
	for (unsigned i = 0; i < b->partition_count; i++) {
		const struct partition *p = &b->partitions[i];
		if (p->medium != medium)
			continue;
		if (p->address < x.base) {
			x.base = p->address;
			x.mapped = p->mapped;
		}
		end = p->address + p->size > end ? p->address + p->size : end;
	}
	if (!end)
		return (struct medium_extent){ 0, 0, 0 };
	x.size = (uint32_t)(end - x.base);
	return x;
}

static bool maps_fit(const struct board *b, const char (*texts)[BOARD_ALT_SIZE])
{
	struct dfuse_map map;
	for (unsigned alt = 0; alt < b->alternate_count; alt++) {
		if (!dfuse_map_parse(texts[alt], &map) ||
		    strncmp(map.name, b->alternates[alt].name, strlen(b->alternates[alt].name)) != 0)
			return false;
		for (unsigned i = 0; i < b->partition_count; i++)
			if (b->partitions[i].alt == alt && !dfuse_map_holds(&map, &b->partitions[i]))
				return false;
	}
	return true;
}

bool board_alternates_fit(const struct board *b, const char (*texts)[BOARD_ALT_SIZE], unsigned count)
{
	if (b->dialect == DIALECT_DFUSE)
		return count == b->alternate_count && maps_fit(b, texts);
	if (count != b->partition_count)
		return false;
	for (unsigned i = 0; i < count; i++) {
		if (!board_partition(b, texts[i]))
			return false;
		for (unsigned k = 0; k < i; k++)
			if (!strcmp(texts[i], texts[k]))
				return false;
	}
	return true;
}

/* What the camera says behind the board file's "... v."; false: nothing of that kind. */
static bool stated_version(const struct board *b, const char (*texts)[BOARD_ALT_SIZE], unsigned count, char *out)
{
	struct dfuse_map map;
	for (unsigned alt = 0; alt < b->alternate_count && alt < count; alt++) {
		size_t n = strlen(b->alternates[alt].name);
		if (n < 2 || strcmp(b->alternates[alt].name + n - 2, "v.") != 0 || !dfuse_map_parse(texts[alt], &map) ||
		    strncmp(map.name, b->alternates[alt].name, n) != 0)
			continue;
		snprintf(out, BOARD_VERSION_SIZE, "%.*s", BOARD_VERSION_SIZE - 1, map.name + n);
		return true;
	}
	return false;
}

void board_bootloader_version(const struct board *b, uint16_t bcd, const char (*texts)[BOARD_ALT_SIZE], unsigned count,
    char out[BOARD_VERSION_SIZE])
{
	if (b->dialect == DIALECT_DFUSE && stated_version(b, texts, count, out))
		return;
	if (bcd == b->bcd_old)
		snprintf(out, BOARD_VERSION_SIZE, "%04x", (unsigned)bcd);
	else /* major, minor, patch as nibbles */
		snprintf(out, BOARD_VERSION_SIZE, "%u.%u.%u", (unsigned)bcd >> 8, bcd >> 4 & 15u, bcd & 15u);
}

uint32_t board_alignment(const struct board *b, const char *path, bool *is_model)
{
	const char *slash = strrchr(path, '/'), *dot = strchr(slash ? slash + 1 : path, '.');
	for (unsigned i = 0; dot && i < b->align_count; i++) {
		if (strcasecmp(b->aligns[i].suffix, dot + 1))
			continue;
		if (is_model)
			*is_model = b->aligns[i].model;
		return b->aligns[i].align;
	}
	if (is_model)
		*is_model = false;
	return b->align_default;
}

uint32_t board_erase_ms(const struct board *b, uint32_t unit_size)
{
	for (unsigned i = 0; i < b->erase_time_count; i++)
		if (b->erase_times[i].size == unit_size)
			return b->erase_times[i].ms;
	return 0;
}

static bool in_range(const struct range *r, uint32_t at)
{
	return at >= r->start && at - r->start < r->size;
}

static bool in_ranges(const struct range *ranges, unsigned count, uint32_t at)
{
	for (unsigned i = 0; i < count; i++)
		if (in_range(&ranges[i], at))
			return true;
	return false;
}

bool board_firmware_fits(const struct board *b, const struct partition *p, uint32_t stack, uint32_t reset)
{
	struct range mapped = { (uint32_t)p->mapped, p->size };
	/* A full-descending stack starts behind its memory. */
	bool stack_fits = stack && stack % 4 == 0 && in_ranges(b->stack, b->stack_count, stack - 1);
	return stack_fits && reset % 2 && p->mapped && in_range(&mapped, reset) &&
	       in_ranges(b->code, b->code_count, reset);
}

/* Run i in programming units; erase units below a block are grouped into blocks. */
static struct erase_run run_of(const struct partition *p, unsigned i)
{
	if (!p->run_count)
		return (struct erase_run){ DFU_BLOCK, p->size / DFU_BLOCK };
	struct erase_run run = p->runs[i];
	if (run.size < DFU_BLOCK)
		run = (struct erase_run){ DFU_BLOCK, run.size * run.count / DFU_BLOCK };
	return run;
}

static unsigned run_count(const struct partition *p)
{
	return p->run_count ? p->run_count : 1;
}

uint32_t partition_unit_count(const struct partition *p)
{
	uint32_t count = 0;
	for (unsigned i = 0; i < run_count(p); i++)
		count += run_of(p, i).count;
	return count;
}

struct unit partition_unit(const struct partition *p, uint32_t index)
{
	uint32_t offset = 0;
	for (unsigned i = 0; i < run_count(p); i++) {
		struct erase_run run = run_of(p, i);
		if (index < run.count)
			return (struct unit){ offset + index * run.size, run.size };
		index -= run.count;
		offset += run.count * run.size;
	}
	return (struct unit){ p->size, 0 };
}

uint32_t partition_unit_at(const struct partition *p, uint32_t offset)
{
	uint32_t index = 0;
	for (unsigned i = 0; i < run_count(p); i++) {
		struct erase_run run = run_of(p, i);
		if (offset / run.size < run.count)
			return index + offset / run.size;
		offset -= run.count * run.size;
		index += run.count;
	}
	return index;
}

bool board_uid_from_words(const struct board *b, const uint32_t *words, char uid[UID_TEXT_SIZE])
{
	unsigned count = b->swd.uid_words;
	bool same = true;
	if (!b->swd.has_uid)
		return false;
	for (unsigned i = 0; i < count; i++)
		same = same && words[i] == words[0] && (words[i] == 0 || words[i] == UINT32_MAX);
	if (same)
		return false;
	for (unsigned i = 0; i < count; i++) {
		uint32_t w = b->uid_rule == UID_OCOTP ? __builtin_bswap32(words[i]) : words[count - 1 - i];
		snprintf(uid + (size_t)8 * i, 9, "%08x", (unsigned)w);
	}
	return true;
}

bool board_uid_from_serial(const struct board *b, const char *dfu_serial, char uid[UID_TEXT_SIZE])
{
	uint8_t bytes[(UID_TEXT_SIZE - 1) / 2];
	char text[UID_TEXT_SIZE];
	if (strlen(dfu_serial) != UID_TEXT_SIZE - 1)
		return false;
	for (unsigned i = 0; i < UID_TEXT_SIZE; i++)
		text[i] = (char)tolower((unsigned char)dfu_serial[i]);
	if (!hex_decode(bytes, sizeof bytes, text))
		return false;
	bool same = bytes[0] == 0 || bytes[0] == 0xff;
	for (unsigned i = 1; i < sizeof bytes; i++)
		same = same && bytes[i] == bytes[0];
	if (same)
		return false;
	for (unsigned word = 0; word < 3; word++)
		memcpy(uid + 8 * word, text + 8 * (b->uid_rule == UID_WORDS_UP ? 2 - word : word), 8);
	uid[UID_TEXT_SIZE - 1] = '\0';
	return true;
}

void board_run_serial(const char *uid, char out[13])
{
	/* The text is W2,W1,W0, each from its high byte down: so it is b11 to b0. */
	uint8_t down[12] = { 0 }, b[12];
	hex_decode(down, sizeof down, uid);
	for (unsigned i = 0; i < 12; i++)
		b[i] = down[11 - i];
	snprintf(out, 13, "%02X%02X%02X%02X%02X%02X", b[11], (uint8_t)(b[10] + b[2]), b[9], (uint8_t)(b[8] + b[0]),
	    b[7], b[6]);
}

bool board_run_serial_fits(const struct board *b, const char *uid, const char *run_serial)
{
	char expected[13];
	if (b->run_serial_rule == RUN_SERIAL_ANY)
		return true;
	board_run_serial(uid, expected);
	return !strcasecmp(expected, run_serial);
}
