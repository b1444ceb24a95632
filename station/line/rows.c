/* What the journal is told about attempts: the bodies of the rows, in the fields of journal/kinds.h. */
#include "line/numbers.h"

#include "base/hex.h"
#include "base/timefmt.h"
#include "format/json.h"
#include "journal/kinds.h"
#include "os/clock.h"
#include "os/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Carries a commit back to the loop. */
struct receipt {
	struct slot *slot; /* only its line's mailbox is touched */
	uint64_t action;
	enum row row;
	int64_t attempt;
};

static void committed(void *context, int64_t seq, const struct err *e)
{
	struct receipt *r = context;
	struct message m = { .kind = MSG_ROW, .slot = r->slot, .action = r->action, .row = r->row, .seq = seq };
	m.attempt = r->attempt;
	m.ok = seq > 0;
	m.err = e && !m.ok ? *e : (struct err)ERR_INIT;
	struct mailbox *box = r->slot->line->box;
	free(r);
	mailbox_post(box, &m);
}

static void append(struct slot *s, const char *kind, struct cJSON *body, enum row row)
{
	struct receipt *r = malloc(sizeof *r);
	int64_t attempt = strtoll(s->attempt->id, NULL, 10);
	if (r) {
		*r = (struct receipt){ s, s->action, row, attempt };
		journal_append(s->line->o.journal, kind, body, committed, r);
		return;
	}
	json_free(body);
	struct message m = { .kind = MSG_ROW, .slot = s, .action = s->action, .row = row, .attempt = attempt };
	err_set(&m.err, CODE_NO_MEMORY, "no memory for a journal row");
	mailbox_post(s->line->box, &m);
}

static void add_time(struct cJSON *body, const char *key, int64_t ms)
{
	char text[TIME_TEXT_SIZE];
	time_format(text, ms);
	json_add_string(body, key, text);
}

static const char *or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static void add_versions(struct cJSON *body, const struct attempt *a)
{
	char text[BOARD_VERSION_SIZE];
	struct cJSON *v = json_add_object(body, "versions");
	if (a->link.ops != &transport_swd) { /* there its bootloader was not asked */
		board_bootloader_version(a->board, a->who.bcd, a->who.alts, a->who.alt_count, text);
		json_add_string(v, "bootloader", text);
	}
	if (a->has_bootloader) {
		char hex[2 * SHA256_SIZE + 1];
		hex_encode(hex, a->bootloader, SHA256_SIZE);
		json_add_string(v, "bootloader_sha256", hex);
	}
}

static bool recipe_writes(const struct recipe *r, enum unit_value value)
{
	for (unsigned i = 0; i < r->region_count; i++)
		for (unsigned n = 0; n < r->regions[i].field_count; n++)
			if (r->regions[i].fields[n].value == value)
				return true;
	return false;
}

/* Which of the new numbers will stand in the camera, passed or not. */
static void add_unit_data(struct cJSON *body, const struct attempt *a)
{
	struct cJSON *list = json_add_array(body, "unit_data");
	if (a->new_serial && recipe_writes(&a->recipe->recipe, UNIT_SERIAL))
		json_add_string(list, NULL, number_kind_name(NUMBER_SERIAL));
	if (a->new_mac && recipe_writes(&a->recipe->recipe, UNIT_MAC))
		json_add_string(list, NULL, number_kind_name(NUMBER_MAC));
}

/* The fields that attempt-started and attempt-refused share. */
static struct cJSON *start_body(struct slot *s)
{
	char operator[WHO_NAME_SIZE];
	const struct attempt *a = s->attempt;
	struct cJSON *body = json_new_object();
	json_add_integer(body, "slot", s->number);
	json_add_string(body, "path", s->path);
	json_add_string(body, "board", a->board->id);
	json_add_string(body, "transport", a->link.ops->name);
	slot_operator(s, operator);
	json_add_string(body, "operator", or_null(operator));
	add_time(body, "started_at", a->started_at);
	json_add_string(body, "uid", or_null(a->uid));
	json_add_string(body, "usb_serial", or_null(a->who.usb_serial));
	json_add_string(body, "batch", or_null(a->batch));
	json_add_string(body, "order", or_null(a->order));
	json_add_string(body, "recipe", a->recipe ? a->recipe->sha256_text : NULL);
	if (a->deploy)
		json_add_string(body, "attempt_kind", "deploy");
	if (a->new_serial)
		json_add_string(body, "new_serial", a->serial);
	if (a->new_mac)
		json_add_string(body, "new_mac", a->mac);
	if (a->new_serial || a->new_mac)
		json_add_string(body, "number_source", a->source[a->new_serial ? NUMBER_SERIAL : NUMBER_MAC]);
	if (a->new_serial && a->new_mac)
		json_add_string(body, "mac_source", a->source[NUMBER_MAC]);
	if (a->recipe && a->recipe->recipe.per_unit && (a->new_serial || a->new_mac))
		add_unit_data(body, a);
	if (a->permit.how != PERMIT_NONE)
		json_add_string(body, "permit", permit_name(a->permit.how));
	if (a->permit.how != PERMIT_NONE && *a->permit.message)
		json_add_string(body, "permit_message", a->permit.message);
	if (a->who.alt_count)
		add_versions(body, a);
	return body;
}

static void add_step(struct cJSON *body, const struct attempt *a, enum step step)
{
	const struct step_record *r = &a->steps[step];
	json_add_string(body, "step", step_name(step));
	add_time(body, "started_at", r->started_at);
	json_add_integer(body, "ms", r->ms);
	json_add_integer(body, "bytes", (int64_t)r->bytes);
	json_add_integer(body, "units", r->units);
	json_add_integer(body, "skipped", r->skipped);
	json_add_string(body, "outcome", code_name(r->outcome));
}

static void add_result(struct cJSON *body, const struct attempt *a, const struct err *result)
{
	bool deployed = a->deploy && result->code == CODE_OK;
	json_add_string(body, "code", code_name(result->code));
	json_add_string(body, "message", or_null(result->msg));
	json_add_string(body, "action", deployed ? DEPLOYED_ACTION : code_action(result->code));
}

static void add_region(struct cJSON *list, const struct attempt *a, unsigned i)
{
	const struct region_result *got = &a->regions[i];
	char crc[9], sha[2 * SHA256_SIZE + 1];
	struct cJSON *r = json_add_object(list, NULL);
	json_add_string(r, "partition", a->bound[i].partition->name);
	json_add_integer(r, "length", (int64_t)a->bound[i].image.size);
	snprintf(crc, sizeof crc, "%08x", (unsigned)a->bound[i].crc32);
	json_add_string(r, "crc32", crc);
	snprintf(crc, sizeof crc, "%08x", (unsigned)got->digest.crc32);
	json_add_string(r, "crc32_read", got->read ? crc : NULL);
	hex_encode(sha, got->digest.sha256, SHA256_SIZE);
	json_add_string(r, "sha256_read", got->read ? sha : NULL);
	if (got->read && a->bound[i].romfs)
		json_add_integer(r, "files", got->files);
	else
		json_add_null(r, "files");
	if (!got->core.there)
		return;
	snprintf(crc, sizeof crc, "%08x", (unsigned)got->core.digest.crc32);
	json_add_string(r, "crc32_core", crc);
	if (got->core.mounted)
		json_add_integer(r, "files_core", got->core.files);
}

void row_started(struct slot *s)
{
	append(s, KIND_ATTEMPT_STARTED, start_body(s), ROW_STARTED);
}

void row_refused(struct slot *s)
{
	struct cJSON *body = start_body(s);
	add_result(body, s->attempt, &s->result);
	struct cJSON *steps = json_add_array(body, "steps");
	for (unsigned i = 0; i <= STEP_ADMITTED; i++)
		if (s->attempt->steps[i].ended)
			add_step(json_add_object(steps, NULL), s->attempt, (enum step)i);
	append(s, KIND_ATTEMPT_REFUSED, body, ROW_REFUSED);
}

void row_step(struct slot *s, enum step step)
{
	struct cJSON *body = json_new_object();
	json_add_string(body, "attempt", s->attempt->id);
	add_step(body, s->attempt, step);
	append(s, KIND_ATTEMPT_STEP, body, ROW_STEP);
}

void row_writing(struct slot *s)
{
	struct cJSON *body = json_new_object();
	json_add_string(body, "attempt", s->attempt->id);
	append(s, KIND_ATTEMPT_WRITING, body, ROW_WRITING);
}

void row_ended(struct slot *s)
{
	const struct attempt *a = s->attempt;
	struct cJSON *body = json_new_object();
	json_add_string(body, "attempt", a->id);
	json_add_string(body, "verdict", verdict_name(code_verdict(s->result.code)));
	json_add_bool(body, "refused", false);
	add_result(body, a, &s->result);
	json_add_integer(body, "retries", a->tries);
	json_add_string(body, "proof", a->proof);
	struct cJSON *list = json_add_array(body, "regions");
	for (unsigned i = 0; i < a->region_count; i++)
		add_region(list, a, i);
	append(s, KIND_ATTEMPT_ENDED, body, ROW_ENDED);
}

void row_event(struct line *l, enum code code, const char *message, unsigned slot, const char *path)
{
	struct cJSON *body = json_new_object();
	json_add_string(body, "code", code == CODE_OK ? NULL : code_name(code));
	json_add_string(body, "message", message);
	if (slot)
		json_add_integer(body, "slot", slot);
	else
		json_add_null(body, "slot");
	json_add_string(body, "path", path);
	journal_append(l->o.journal, KIND_STATION_EVENT, body, NULL, NULL);
}
