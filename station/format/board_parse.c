/* Reads a board file: every key known and present, every value in its range, and the parts in tune with each other. */
#include "format/board_inner.h"
#include "format/dfuse_map.h"
#include "format/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) ((unsigned)(sizeof(a) / sizeof *(a)))
#define MAX_SIZE (1u << 28) /* of a partition or a unit: wBlockNum has 16 bits */
#define MAX_MS   3600000

/* "37c5:9204" */
static bool usb_pair(const char *t, uint16_t *vid, uint16_t *pid)
{
	if (!t || strlen(t) != 9 || t[4] != ':' || strspn(t, "0123456789abcdef") != 4 ||
	    strspn(t + 5, "0123456789abcdef") != 4)
		return false;
	*vid = (uint16_t)strtoul(t, NULL, 16);
	*pid = (uint16_t)strtoul(t + 5, NULL, 16);
	return true;
}

static bool member_pair(const struct cJSON *o, const char *key, uint16_t *vid, uint16_t *pid, struct err *e)
{
	const char *t;
	return json_string(o, key, &t, e) &&
	       (usb_pair(t, vid, pid) || field_bad(e, key, "must be vid:pid, eight lower-case hexadecimal digits"));
}

static bool parse_usb(const struct cJSON *root, struct board *b, struct err *e)
{
	static const char *const keys[] = { "dfu", "run", "run_legacy", "speed", NULL };
	static const char *const speeds[] = { "full", "high", NULL };
	const struct cJSON *o, *list;
	unsigned speed;
	if (!json_object(root, "usb", &o, e) || !json_only_keys(o, keys, e) ||
	    (!json_is_null(json_member(o, "dfu")) && !member_pair(o, "dfu", &b->dfu_vid, &b->dfu_pid, e)) ||
	    !member_pair(o, "run", &b->run_vid, &b->run_pid, e) || !json_array(o, "run_legacy", &list, e) ||
	    !field_choice(o, "speed", speeds, &speed, e))
		return false;
	b->speed = (enum usb_speed)speed;
	for (const struct cJSON *i = json_first(list); i; i = json_after(i), b->legacy_count++)
		if (b->legacy_count == BOARD_MAX_LEGACY ||
		    !usb_pair(json_text(i), &b->legacy[b->legacy_count].vid, &b->legacy[b->legacy_count].pid))
			return field_bad(e, "run_legacy", "must be a short list of vid:pid");
	return true;
}

/* {"name": "Internal Flash", "text": "@Internal Flash  2MB   /0x08000000/..."} */
static bool parse_alternate(const struct cJSON *o, struct alternate *a, struct err *e)
{
	static const char *const keys[] = { "name", "text", NULL };
	struct dfuse_map map;
	if (!json_is_object(o))
		return field_bad(e, "alternates", "must be objects");
	if (!json_only_keys(o, keys, e) || !field_text(o, "name", a->name, sizeof a->name, e) ||
	    !field_text(o, "text", a->text, sizeof a->text, e))
		return false;
	return (dfuse_map_parse(a->text, &map) && !strncmp(map.name, a->name, strlen(a->name))) ||
	       field_bad(e, "text", "must be a DfuSe string whose name begins with \"name\"");
}

/* DfuSe's alternates are media; OpenMV's are the partitions. */
static bool parse_alternates(const struct cJSON *o, struct board *b, struct err *e)
{
	const struct cJSON *list;
	if (b->dialect == DIALECT_OPENMV)
		return !json_member(o, "alternates") || field_bad(e, "alternates", "are DfuSe's only");
	if (!json_array(o, "alternates", &list, e))
		return false;
	for (const struct cJSON *i = json_first(list); i; i = json_after(i)) {
		if (b->alternate_count == BOARD_MAX_ALTERNATES)
			return field_bad(e, "alternates", "are too many");
		if (!parse_alternate(i, &b->alternates[b->alternate_count++], e))
			return false;
	}
	return b->alternate_count || field_bad(e, "alternates", "are none");
}

static bool parse_bootloader(const struct cJSON *root, struct board *b, struct err *e)
{
	static const char *const keys[] = { "dialect", "current", "old", "first_detach", "enumerate_window_ms",
		"latch_window_ms", "transfer_size", "magic_address", "magic_value", "alternates", NULL };
	static const char *const dialects[] = { "openmv", "dfuse", NULL };
	const struct cJSON *o;
	unsigned dialect;
	b->has_dfu = !json_is_null(json_member(root, "bootloader"));
	if (b->has_dfu != (b->dfu_vid || b->dfu_pid))
		return field_bad(e, "bootloader", "and \"dfu\" must both be there, or both be null");
	if (!b->has_dfu)
		return true;
	if (!json_object(root, "bootloader", &o, e) || !json_only_keys(o, keys, e) ||
	    !field_choice(o, "dialect", dialects, &dialect, e) || !field_hex16(o, "current", &b->bcd_current, e) ||
	    !field_hex16(o, "old", &b->bcd_old, e) || !field_hex16(o, "first_detach", &b->bcd_first_detach, e) ||
	    !field_whole(o, "enumerate_window_ms", 0, MAX_MS, &b->enumerate_window_ms, e) ||
	    !field_whole(o, "latch_window_ms", 0, MAX_MS, &b->latch_window_ms, e) ||
	    !field_whole(o, "transfer_size", DFU_BLOCK, DFU_BLOCK, &b->transfer_size, e) ||
	    !field_hex32(o, "magic_address", &b->boot_magic_address, e) ||
	    !field_hex32(o, "magic_value", &b->boot_magic_value, e))
		return false;
	b->dialect = (enum dfu_dialect)dialect;
	return parse_alternates(o, b, e);
}

static bool parse_serial(const struct cJSON *root, struct board *b, struct err *e)
{
	static const char *const keys[] = { "uid", "run", NULL };
	static const char *const uids[] = { "words", "words-up", "mfgdata", "ocotp", NULL }, *const runs[] = { "stm32",
		"any", NULL };
	const struct cJSON *o;
	unsigned uid, run;
	if (!json_object(root, "serial", &o, e) || !json_only_keys(o, keys, e) ||
	    !field_choice(o, "uid", uids, &uid, e) || !field_choice(o, "run", runs, &run, e))
		return false;
	b->uid_rule = (enum uid_rule)uid;
	b->run_serial_rule = (enum run_serial_rule)run;
	if ((b->uid_rule == UID_MFGDATA || b->uid_rule == UID_OCOTP) && b->run_serial_rule == RUN_SERIAL_STM32)
		return field_bad(e, "run", "cannot be stm32 where the uid is not of an STM32");
	return true;
}

static bool parse_erase_time(const struct cJSON *item, struct board *b, struct err *e)
{
	char *end;
	const char *key = json_key(item);
	unsigned long size = strtoul(key, &end, 10);
	int64_t ms;
	if (b->erase_time_count == BOARD_MAX_TIMES)
		return field_bad(e, "erase_ms", "has too many sizes");
	if (key[0] < '1' || key[0] > '9' || *end || size > MAX_SIZE)
		return field_bad(e, "erase_ms", "must have sizes in bytes, in decimal, as its keys");
	if (!json_whole(item, 1, MAX_MS, &ms))
		return field_bad(e, "erase_ms", "must have whole milliseconds, at least 1, as its values");
	b->erase_times[b->erase_time_count].size = (uint32_t)size;
	b->erase_times[b->erase_time_count++].ms = (uint32_t)ms;
	return true;
}

static bool parse_times(
    const struct cJSON *root, struct board *b, uint32_t *program_bytes, uint32_t *program_us, struct err *e)
{
	static const char *const keys[] = { "erase_ms", "program_us", "program_bytes", "boot_ms", "return_ms", "source",
		"mark", NULL };
	static const char *const marks[] = { "measured", "datasheet", "assumed", NULL };
	const struct cJSON *o, *erase;
	char source[512];
	unsigned mark;
	if (!json_object(root, "times", &o, e) || !json_only_keys(o, keys, e) ||
	    !json_object(o, "erase_ms", &erase, e) || !field_whole(o, "program_us", 1, 1000000, program_us, e) ||
	    !field_whole(o, "program_bytes", 1, DFU_BLOCK, program_bytes, e) ||
	    !field_whole(o, "boot_ms", 0, MAX_MS, &b->boot_ms, e) ||
	    !field_whole(o, "return_ms", 1, MAX_MS, &b->return_ms, e) ||
	    !field_text(o, "source", source, sizeof source, e) || !field_choice(o, "mark", marks, &mark, e))
		return false;
	snprintf(b->times_mark, sizeof b->times_mark, "%s", marks[mark]);
	for (const struct cJSON *i = json_first(erase); i; i = json_after(i))
		if (!parse_erase_time(i, b, e))
			return false;
	return b->return_ms > b->boot_ms || field_bad(e, "return_ms", "must be more than boot_ms");
}

/* null: what the times say for every medium without figures of its own. */
static bool own_or(const struct cJSON *o, const char *key, uint32_t max, uint32_t common, uint32_t *out, struct err *e)
{
	*out = common;
	return json_is_null(json_member(o, key)) || field_whole(o, key, 1, max, out, e);
}

static bool parse_medium(
    const struct cJSON *o, struct board *b, uint32_t program_bytes, uint32_t program_us, struct err *e)
{
	static const char *const keys[] = { "name", "erases", "write_once", "block0_first", "program_bytes",
		"program_us", NULL };
	if (b->media_count == BOARD_MAX_MEDIA)
		return field_bad(e, "media", "are too many");
	struct medium *m = &b->media[b->media_count++];
	if (!json_is_object(o) || !json_only_keys(o, keys, e) || !field_text(o, "name", m->name, sizeof m->name, e) ||
	    !json_bool(o, "erases", &m->erases, e) || !json_bool(o, "write_once", &m->write_once, e) ||
	    !json_bool(o, "block0_first", &m->block0_first, e) ||
	    !own_or(o, "program_bytes", DFU_BLOCK, program_bytes, &m->program_bytes, e) ||
	    !own_or(o, "program_us", 1000000, program_us, &m->program_us, e))
		return json_is_object(o) ? false : field_bad(e, "media", "must be objects");
	if (DFU_BLOCK % m->program_bytes)
		return field_bad(e, "program_bytes", "must divide 4096");
	if (m->write_once && !m->erases)
		return field_bad(e, "write_once", "makes no sense where nothing erases");
	for (unsigned i = 0; i + 1 < b->media_count; i++)
		if (!strcmp(b->media[i].name, m->name))
			return field_bad(e, "name", "of a medium stands twice");
	return true;
}

static bool parse_media(
    const struct cJSON *root, struct board *b, uint32_t program_bytes, uint32_t program_us, struct err *e)
{
	const struct cJSON *list;
	if (!json_array(root, "media", &list, e))
		return false;
	for (const struct cJSON *i = json_first(list); i; i = json_after(i))
		if (!parse_medium(i, b, program_bytes, program_us, e))
			return err_prefix(e, "medium %u", b->media_count);
	return b->media_count || field_bad(e, "media", "are none");
}

/* [size, count] */
static bool parse_run(const struct cJSON *pair, struct erase_run *run)
{
	const struct cJSON *size = json_first(pair), *count = size ? json_after(size) : NULL;
	int64_t s, c;
	if (!count || json_is_object(pair) || json_after(count) || !json_whole(size, 1, MAX_SIZE, &s) ||
	    !json_whole(count, 1, MAX_SIZE, &c))
		return false;
	*run = (struct erase_run){ (uint32_t)s, (uint32_t)c };
	return true;
}

/* Units are whole blocks, or whole units make a block; each starts on a multiple of its own size and has a time. */
static bool check_run(const struct board *b, const struct erase_run *run, uint64_t address, struct err *e)
{
	if (run->size % DFU_BLOCK && (DFU_BLOCK % run->size || (uint64_t)run->size * run->count % DFU_BLOCK))
		return field_bad(e, "erase", "has a unit that neither is made of 4096-byte blocks nor makes them up");
	if (address % run->size)
		return field_bad(e, "erase", "has a unit that does not start on a multiple of its size");
	return board_erase_ms(b, run->size) || field_bad(e, "erase", "has a unit size without a time in \"erase_ms\"");
}

static bool parse_erase(const struct cJSON *o, const struct board *b, struct partition *p, struct err *e)
{
	const struct cJSON *list;
	uint64_t at = 0;
	if (!json_array(o, "erase", &list, e))
		return false;
	for (const struct cJSON *i = json_first(list); i; i = json_after(i)) {
		if (p->run_count == BOARD_MAX_ERASE_RUNS)
			return field_bad(e, "erase", "has too many runs");
		struct erase_run *run = &p->runs[p->run_count++];
		if (!parse_run(i, run))
			return field_bad(e, "erase", "must be a list of [size, count]");
		if (!check_run(b, run, p->address + at, e))
			return false;
		at += (uint64_t)run->size * run->count;
	}
	if (!b->media[p->medium].erases)
		return !p->run_count || field_bad(e, "erase", "must be empty where the medium does not erase");
	return at == p->size || field_bad(e, "erase", "does not cover the size exactly");
}

static bool medium_of(const struct cJSON *o, const struct board *b, struct partition *p, struct err *e)
{
	const char *name;
	if (!json_string(o, "medium", &name, e))
		return false;
	for (p->medium = 0; p->medium < b->media_count; p->medium++)
		if (!strcmp(b->media[p->medium].name, name))
			return true;
	return field_bad(e, "medium", "names no medium of this board");
}

static bool parse_role(const struct cJSON *o, struct partition *p, struct err *e)
{
	static const char *const roles[] = { "bootloader", "firmware", "cofirmware", "romfs", "filesystem", "other",
		NULL };
	unsigned role;
	uint32_t index = 0;
	if (!field_choice(o, "role", roles, &role, e))
		return false;
	p->role = (enum board_role)role;
	if (p->role != ROLE_ROMFS)
		return (json_member(o, "romfs_index") && json_is_null(json_member(o, "romfs_index"))) ||
		       field_bad(e, "romfs_index", "must be null where the role is not romfs");
	if (!field_whole(o, "romfs_index", 0, 15, &index, e))
		return false;
	p->romfs_index = index;
	return true;
}

static bool parse_place(const struct cJSON *o, const struct board *b, struct partition *p, struct err *e)
{
	if (!medium_of(o, b, p, e) || !field_hex(o, "address", UINT32_MAX, &p->address, e) ||
	    !field_whole(o, "size", DFU_BLOCK, MAX_SIZE, &p->size, e))
		return false;
	if (!json_is_null(json_member(o, "mapped")) && !field_hex(o, "mapped", UINT32_MAX, &p->mapped, e))
		return false;
	if (p->address % DFU_BLOCK || p->mapped % DFU_BLOCK || p->size % DFU_BLOCK)
		return field_bad(e, "address", "and \"mapped\" and \"size\" must be multiples of 4096");
	if (p->address + p->size > (1ull << 32) || p->mapped + p->size > (1ull << 32))
		return field_bad(e, "size", "reaches beyond 32 bits");
	return true;
}

/* DfuSe: the partition lies in its alternate, whose sectors make up its units and have a time, and may be read and
 * written there. */
static bool check_dfuse(const struct board *b, struct partition *p, struct err *e)
{
	struct dfuse_map map;
	bool there = p->alt < b->alternate_count && dfuse_map_parse(b->alternates[p->alt].text, &map);
	p->sector = there ? dfuse_map_sector(&map, (uint32_t)p->mapped) : 0;
	bool made_up = p->sector && p->sector % DFU_BLOCK == 0 && board_erase_ms(b, p->sector);
	for (unsigned i = 0; made_up && i < p->run_count; i++)
		made_up = p->runs[i].size % p->sector == 0;
	return (made_up && dfuse_map_holds(&map, p)) ||
	       field_bad(e, "alt", "names no alternate whose map has sectors for these units at \"mapped\"");
}

static bool check_partition(const struct board *b, struct partition *p, struct err *e)
{
	if (b->dialect == DIALECT_DFUSE && !check_dfuse(b, p, e))
		return false;
	if (p->readonly && !p->forbidden)
		return field_bad(e, "forbidden", "must be true where the bootloader refuses writes");
	if (p->role == ROLE_BOOTLOADER && !p->forbidden)
		return field_bad(e, "forbidden", "must be true for a bootloader");
	if (!p->forbidden && !p->readable)
		return field_bad(e, "readable", "must be true where a recipe may write");
	if ((p->role == ROLE_FIRMWARE || p->role == ROLE_COFIRMWARE) && !p->mapped)
		return field_bad(e, "mapped", "must say where firmware runs");
	for (const struct partition *other = b->partitions; other != p; other++) {
		if (!strcmp(other->name, p->name))
			return field_bad(e, "name", "stands twice");
		if (other->alt == p->alt && b->dialect == DIALECT_OPENMV)
			return field_bad(e, "alt", "stands twice");
		if (p->role == ROLE_FIRMWARE && other->role == ROLE_FIRMWARE)
			return field_bad(e, "role", "firmware stands twice; further cores are cofirmware");
		if (p->role == ROLE_ROMFS && other->role == ROLE_ROMFS && other->romfs_index == p->romfs_index)
			return field_bad(e, "romfs_index", "stands twice");
	}
	return true;
}

static bool parse_partition(const struct cJSON *o, struct board *b, struct err *e)
{
	static const char *const keys[] = { "name", "alt", "medium", "address", "mapped", "size", "readonly",
		"forbidden", "readable", "role", "romfs_index", "erase", NULL };
	if (b->partition_count == BOARD_MAX_PARTITIONS)
		return field_bad(e, "partitions", "are too many");
	struct partition *p = &b->partitions[b->partition_count++];
	uint32_t alt;
	if (!json_is_object(o))
		return field_bad(e, "partitions", "must be objects");
	if (!json_only_keys(o, keys, e) || !field_text(o, "name", p->name, sizeof p->name, e) ||
	    !field_whole(o, "alt", 0, 255, &alt, e) || !parse_place(o, b, p, e) ||
	    !json_bool(o, "readonly", &p->readonly, e) || !json_bool(o, "forbidden", &p->forbidden, e) ||
	    !json_bool(o, "readable", &p->readable, e) || !parse_role(o, p, e) || !parse_erase(o, b, p, e))
		return false;
	p->alt = alt;
	return check_partition(b, p, e);
}

static bool parse_partitions(const struct cJSON *root, struct board *b, struct err *e)
{
	const struct cJSON *list;
	if (!json_array(root, "partitions", &list, e))
		return false;
	for (const struct cJSON *i = json_first(list); i; i = json_after(i))
		if (!parse_partition(i, b, e))
			return err_prefix(e, "partition %u", b->partition_count);
	return b->partition_count || field_bad(e, "partitions", "are none");
}

/* [["0x24000000", 524288], ...] */
static bool parse_ranges(const struct cJSON *o, const char *key, struct range *out, unsigned *count, struct err *e)
{
	const struct cJSON *list;
	if (!json_array(o, key, &list, e))
		return false;
	for (const struct cJSON *i = json_first(list); i; i = json_after(i), ++*count) {
		const struct cJSON *start = json_first(i), *size = start ? json_after(start) : NULL;
		uint64_t s;
		int64_t n;
		if (*count == BOARD_MAX_RANGES)
			return field_bad(e, key, "has too many ranges");
		if (!size || json_is_object(i) || json_after(size) || !json_text(start) ||
		    !field_hex_text(json_text(start), UINT32_MAX, &s) || !json_whole(size, 1, MAX_SIZE, &n) ||
		    s + (uint64_t)n > (1ull << 32))
			return field_bad(e, key, "must be a list of [\"0xSTART\", size]");
		out[*count] = (struct range){ (uint32_t)s, (uint32_t)n };
	}
	return *count || field_bad(e, key, "is empty");
}

static bool parse_firmware(const struct cJSON *root, struct board *b, struct err *e)
{
	static const char *const keys[] = { "stack", "code", NULL };
	const struct cJSON *o;
	return json_object(root, "firmware_ranges", &o, e) && json_only_keys(o, keys, e) &&
	       parse_ranges(o, "stack", b->stack, &b->stack_count, e) &&
	       parse_ranges(o, "code", b->code, &b->code_count, e);
}

static bool parse_align_rule(const struct cJSON *item, struct board *b, struct err *e)
{
	static const char *const keys[] = { "align", "model", NULL };
	const char *suffix = json_key(item);
	if (b->align_count == BOARD_MAX_ALIGN)
		return field_bad(e, "by_suffix", "has too many suffixes");
	struct align_rule *rule = &b->aligns[b->align_count++];
	size_t n = strspn(suffix, "abcdefghijklmnopqrstuvwxyz0123456789.");
	if (!n || suffix[n] || n >= sizeof rule->suffix)
		return field_bad(e, "by_suffix", "must have short lower-case suffixes as its keys");
	memcpy(rule->suffix, suffix, n + 1);
	if (!json_is_object(item))
		return field_bad(e, "by_suffix", "must have objects as its values");
	return json_only_keys(item, keys, e) && field_whole(item, "align", 1, DFU_BLOCK, &rule->align, e) &&
	       json_bool(item, "model", &rule->model, e) &&
	       (!(rule->align & (rule->align - 1)) || field_bad(e, "align", "must be a power of two"));
}

static bool parse_alignment(const struct cJSON *root, struct board *b, struct err *e)
{
	static const char *const keys[] = { "default", "by_suffix", NULL };
	const struct cJSON *o, *rules;
	if (!json_object(root, "alignment", &o, e) || !json_only_keys(o, keys, e) ||
	    !field_whole(o, "default", 1, DFU_BLOCK, &b->align_default, e) || !json_object(o, "by_suffix", &rules, e))
		return false;
	if (b->align_default & (b->align_default - 1))
		return field_bad(e, "default", "must be a power of two");
	for (const struct cJSON *i = json_first(rules); i; i = json_after(i))
		if (!parse_align_rule(i, b, e))
			return false;
	return true;
}

/* The one key that may be left out: a board whose native code nobody compiles for needs no arguments. */
static bool parse_mpy(const struct cJSON *root, struct board *b, struct err *e)
{
	const struct cJSON *list;
	if (!json_member(root, "mpy_cross"))
		return true;
	if (!json_array(root, "mpy_cross", &list, e))
		return false;
	for (const struct cJSON *i = json_first(list); i; i = json_after(i)) {
		const char *word = json_text(i);
		if (b->mpy_count == BOARD_MAX_MPY)
			return field_bad(e, "mpy_cross", "has too many arguments");
		size_t n = word ? strlen(word) : 0;
		bool plain = n && word[0] == '-' && n < sizeof b->mpy[0];
		for (size_t k = 0; k < n; k++)
			plain = plain && word[k] > ' ' && word[k] < 0x7f;
		if (!plain)
			return field_bad(e, "mpy_cross", "must be a list of short arguments that start with '-'");
		memcpy(b->mpy[b->mpy_count++], word, n + 1);
	}
	return true;
}

static bool parse_sources(const struct cJSON *root, struct err *e)
{
	const struct cJSON *list;
	if (!json_array(root, "sources", &list, e))
		return false;
	for (const struct cJSON *i = json_first(list); i; i = json_after(i))
		if (!json_text(i))
			return field_bad(e, "sources", "must be a list of strings");
	return json_first(list) || field_bad(e, "sources", "are none");
}

static bool parse_id(const struct cJSON *root, struct board *b, struct err *e)
{
	if (!field_text(root, "id", b->id, sizeof b->id, e))
		return false;
	return !b->id[strspn(b->id, "abcdefghijklmnopqrstuvwxyz0123456789-")] ||
	       field_bad(e, "id", "may hold lower-case letters, digits and '-' only");
}

static bool parse_root(const struct cJSON *root, struct board *b, struct err *e)
{
	static const char *const keys[] = { "id", "name", "mcu", "core", "usb", "bootloader", "serial", "times",
		"media", "partitions", "firmware_ranges", "alignment", "mpy_cross", "swd", "sources", NULL };
	uint32_t bytes, us;
	if (!json_is_object(root))
		return err_set(e, CODE_BOARD_INVALID, "a board file must be an object");
	return json_only_keys(root, keys, e) && parse_id(root, b, e) &&
	       field_text(root, "name", b->name, sizeof b->name, e) &&
	       field_text(root, "mcu", b->mcu, sizeof b->mcu, e) &&
	       field_text(root, "core", b->core, sizeof b->core, e) && parse_usb(root, b, e) &&
	       parse_bootloader(root, b, e) && parse_serial(root, b, e) && parse_times(root, b, &bytes, &us, e) &&
	       parse_media(root, b, bytes, us, e) && parse_partitions(root, b, e) && parse_firmware(root, b, e) &&
	       parse_alignment(root, b, e) && parse_mpy(root, b, e) && board_parse_swd(root, b, e) &&
	       parse_sources(root, e);
}

bool board_parse(struct span file, struct board *out, struct err *e)
{
	memset(out, 0, sizeof *out);
	AUTO_JSON struct cJSON *root = json_parse(file, e);
	if (root && parse_root(root, out, e))
		return true;
	if (e && e->code == CODE_JSON_INVALID)
		e->code = CODE_BOARD_INVALID;
	return false;
}
