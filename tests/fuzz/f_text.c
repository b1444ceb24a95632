/* The small texts that come from everywhere, chosen by the first byte: times, hexadecimal, USB paths, roles, keys of
 * idempotency, DfuSe's maps, the MES's answers, a label's command, a shift's challenge.  What is accepted has a normal
 * form that is accepted again and says the same. */
#include "base/hex.h"
#include "base/timefmt.h"
#include "format/dfuse_map.h"
#include "format/json.h"
#include "format/line_file.h"
#include "http/keys.h"
#include "line/label.h"
#include "line/shift.h"
#include "line/trust.h"
#include "mes/permit.h"

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
	if (!key_valid(text, &e)) {
		must(e.code == CODE_BAD_REQUEST && *e.msg);
		return;
	}
	must(*text && strlen(text) <= KEY_MAX);
	static struct keys keys;
	static struct key_hold one, two;
	keys_init(&keys);
	must(keys_hold(&keys, &one, text, &e) && !keys_hold(&keys, &two, text, &e) && e.code == CODE_KEY_IN_USE);
	keys_release(&keys, &one);
	must(!keys.held);
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

/* What the MES answers: a permit of the unit that was asked about, a no, or no answer. */
static void look_at_permit(const char *text)
{
	struct permit p;
	int64_t valid_s = 0;
	struct err e = ERR_INIT;
	if (!permit_read(span_of(text, strlen(text)), "0123", &p, &valid_s, &e)) {
		must((e.code == CODE_MES_SILENT || e.code == CODE_MES_REFUSED) && *e.msg);
		return;
	}
	must(p.how == PERMIT_GRANTED && valid_s >= 0 && valid_s <= PERMIT_MAX_S);
	must(strlen(p.serial) < NUMBER_SIZE && strlen(p.mac) < NUMBER_SIZE);
	char again[SENTENCE_SIZE];
	sentence_of(p.message, again);
	must(json_utf8_text(p.message) && !strcmp(again, p.message));
}

/* Each part of a command that is taken is filled in to the end, or refused. */
static void look_at_label(const char *text)
{
	static struct label_command c;
	static const struct label_value values[] = { { "serial", "S-1" }, { "uid", "-x" } };
	char out[64];
	struct err e = ERR_INIT;
	if (!label_parse(text, &c, &e)) {
		must(e.code == CODE_CONFIG_INVALID && *e.msg);
		return;
	}
	must(c.count < LABEL_ARGS);
	for (unsigned i = 0; i < c.count; i++) {
		struct err why = ERR_INIT;
		if (label_fill(c.args[i], values, 2, out, sizeof out, &why))
			must(strlen(out) < sizeof out && !strpbrk(out, "{}"));
		else
			must(why.code == CODE_LABEL_FAILED);
	}
}

static void look_at_challenge(const char *text)
{
	static struct challenge_list list;
	struct err e = ERR_INIT;
	if (!challenge_parse(span_of(text, strlen(text)), &list, &e))
		must(e.code == CODE_JSON_INVALID && *e.msg);
	else
		must(list.count && list.count <= CHALLENGE_MOST);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const looks[])(const char *) = { look_at_time, look_at_hex, look_at_path, look_at_roles,
		look_at_key, look_at_ms, look_at_map, look_at_permit, look_at_label, look_at_challenge };
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
