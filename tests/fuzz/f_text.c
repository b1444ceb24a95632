/* The small texts that come from everywhere, chosen by the first byte: times, hexadecimal, USB paths, roles, keys of
 * idempotency, DfuSe's maps.  What is accepted has a normal form that is accepted again and says the same. */
#include "base/hex.h"
#include "base/timefmt.h"
#include "format/dfuse_map.h"
#include "format/line_file.h"
#include "http/keys.h"
#include "line/trust.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* A time that is read, written and read again is the same time, and written in its order. */
static void look_at_time(const char *text)
{
	char once[TIME_TEXT_SIZE], later[TIME_TEXT_SIZE];
	int64_t ms, again;
	if (!time_parse(text, &ms))
		return;
	must(ms >= 0 && ms <= INT64_C(253402300799999));
	time_format(once, ms);
	must(strlen(once) + 1 == sizeof once && time_parse(once, &again) && again == ms);
	must(!strncmp(text, once, strlen("2026-11-20T21:54:07")));
	time_format(later, ms + 1);
	must(strcmp(once, later) < 0 || ms == INT64_C(253402300799999));
}

/* Any number of milliseconds, sensible or not, has a text that reads back. */
static void look_at_ms(const char *text)
{
	char out[TIME_TEXT_SIZE];
	int64_t ms, again;
	memcpy(&ms, text, sizeof ms);
	time_format(out, ms);
	must(time_parse(out, &again) && (again == ms || ms < 0 || ms > INT64_C(253402300799999)));
}

static void look_at_hex(const char *text)
{
	uint8_t bytes[64];
	char back[129];
	size_t size = strlen(text) / 2;
	if (size > sizeof bytes || !hex_decode(bytes, size, text))
		return;
	hex_encode(back, bytes, size);
	must(!strcmp(back, text));
}

static void look_at_path(const char *text)
{
	if (usb_path_valid(text))
		must(strlen(text) < LINE_PATH_SIZE && strspn(text, "0123456789-.") == strlen(text));
}

static void look_at_roles(const char *text)
{
	struct role_list list;
	struct err e = ERR_INIT;
	if (!roles_parse(text, &list, &e)) {
		must(e.code == CODE_CONFIG_INVALID && *e.msg);
		return;
	}
	char back[TRUST_MAX_ROLES * TRUST_ROLE_SIZE + 8] = "";
	for (unsigned i = 0; i < list.count; i++) {
		must(list.role[i][0] && strlen(list.role[i]) < TRUST_ROLE_SIZE);
		snprintf(back + strlen(back), sizeof back - strlen(back), "%s%s", i ? "," : "", list.role[i]);
	}
	struct role_list again;
	must(roles_parse(back, &again, &e) && !memcmp(&again, &list, sizeof list));
}

static void look_at_key(const char *text)
{
	struct err e = ERR_INIT;
	uint8_t sha256[SHA256_SIZE] = { 1 };
	unsigned status = 0;
	if (!key_valid(text, &e)) {
		must(e.code == CODE_BAD_REQUEST && *e.msg);
		return;
	}
	must(*text && strlen(text) <= KEY_MAX);
	static struct keys keys;
	keys_init(&keys);
	keys_add(&keys, text, sha256, 201);
	must(keys_find(&keys, text, sha256, &status, &e) && status == 201);
	sha256[0] = 2;
	must(!keys_find(&keys, text, sha256, &status, &e));
	keys_finish(&keys);
}

/* Sectors never reach beyond 32 bits, and what may be done with them is something. */
static void look_at_map(const char *text)
{
	struct dfuse_map map;
	if (!dfuse_map_parse(text, &map))
		return;
	must(*map.name && map.name[0] != ' ' && !strstr(map.name, "  ") && map.run_count <= DFUSE_MAX_RUNS);
	for (unsigned i = 0; i < map.run_count; i++) {
		const struct dfuse_run *run = &map.runs[i];
		must(run->size && run->count && run->access >= 1 && run->access <= 7);
		must(run->start + (uint64_t)run->size * run->count <= 1ull << 32);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const looks[])(const char *) = { look_at_time, look_at_hex, look_at_path, look_at_roles,
		look_at_key, look_at_ms, look_at_map };
	if (size < 1 || size > 4096)
		return 0;
	char *text = calloc(1, size + sizeof(int64_t));
	if (!text)
		return 0;
	memcpy(text, data + 1, size - 1);
	looks[data[0] % (sizeof looks / sizeof *looks)](text);
	free(text);
	return 0;
}
