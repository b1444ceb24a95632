/* Recipes on their way in: journal rows, and the inbox folder. */
#include "line/inbox.h"

#include "base/hex.h"
#include "base/timefmt.h"
#include "format/json.h"
#include "journal/kinds.h"
#include "os/log.h"

#include <stdio.h>

static void add_time(struct cJSON *body, const char *key, int64_t ms)
{
	char text[TIME_TEXT_SIZE];
	if (ms >= 0)
		time_format(text, ms);
	json_add_string(body, key, ms >= 0 ? text : NULL);
}

static void add_signers(struct cJSON *body, const struct stored_recipe *r)
{
	struct cJSON *list = json_add_array(body, "signers");
	for (unsigned i = 0; i < r->signers.count; i++) {
		const struct trust_key *key = r->signers.keys[i];
		char id[17];
		struct cJSON *signer = json_add_object(list, NULL);
		minisig_id_text(key->key.id, id);
		json_add_string(signer, "key", id);
		struct cJSON *roles = json_add_array(signer, "roles");
		for (unsigned k = 0; k < key->roles.count; k++)
			json_add_string(roles, NULL, key->roles.role[k]);
	}
}

static void add_region(struct cJSON *list, const struct recipe_region *r)
{
	char text[2 * SHA256_SIZE + 1];
	struct cJSON *region = json_add_object(list, NULL);
	json_add_string(region, "partition", r->partition);
	json_add_string(region, "payload", r->payload);
	json_add_string(region, "kind", r->romfs ? "romfs" : "raw");
	json_add_integer(region, "length", r->length);
	snprintf(text, sizeof text, "%08x", (unsigned)r->bound.crc32);
	json_add_string(region, "crc32", text);
	hex_encode(text, r->bound.sha256, SHA256_SIZE);
	json_add_string(region, "sha256", text);
	json_add_string(region, "tail", r->tail_blank ? "blank" : "keep");
	if (r->field_count)
		json_add_integer(region, "fields", r->field_count);
}

static struct cJSON *added_body(const struct stored_recipe *r)
{
	const struct recipe *recipe = &r->recipe;
	struct cJSON *body = json_new_object();
	json_add_string(body, "sha256", r->sha256_text);
	json_add_string(body, "name", recipe->name);
	json_add_string(body, "version", recipe->version);
	json_add_integer(body, "rollback", recipe->rollback);
	json_add_string(body, "board", recipe->board);
	json_add_integer(body, "bytes", (int64_t)(RECIPE_HEADER + r->image.records.size));
	add_time(body, "not_before", recipe->not_before);
	add_time(body, "not_after", recipe->not_after);
	if (recipe->units >= 0)
		json_add_integer(body, "units", recipe->units);
	else
		json_add_null(body, "units");
	json_add_string(body, "after", recipe->after_run ? "run" : "bootloader");
	struct cJSON *regions = json_add_array(body, "regions");
	for (unsigned i = 0; i < recipe->region_count; i++)
		add_region(regions, &recipe->regions[i]);
	return body;
}

static void add_key(struct cJSON *body, const struct inbox_key *key)
{
	if (!key->key)
		return;
	json_add_string(body, "key", key->key);
	json_add_string(body, "request", key->request);
	json_add_integer(body, "status", key->status);
}

static bool write_key(struct journal *j, const struct inbox_key *key, struct err *e)
{
	struct cJSON *body = json_new_object();
	add_key(body, key);
	return journal_write(j, KIND_REQUEST_ANSWERED, body, e) != 0;
}

bool inbox_record(struct journal *j, const struct stored_recipe *r, enum store_outcome outcome,
    const struct inbox_key *key, const struct who *who, unsigned approvals, struct err *e)
{
	if (outcome == STORE_KNOWN)
		return !key->key || write_key(j, key, e);
	struct cJSON *body = outcome == STORE_NEW ? added_body(r) : json_new_object();
	if (outcome == STORE_UPDATED)
		json_add_string(body, "sha256", r->sha256_text);
	if (outcome == STORE_NEW && approvals)
		json_add_string(body, "state", "draft");
	add_signers(body, r);
	add_key(body, key);
	who_add(body, who);
	return journal_write(j, outcome == STORE_NEW ? KIND_RECIPE_ADDED : KIND_RECIPE_SIGNATURES, body, e) != 0;
}

struct scan {
	struct journal *journal;
	unsigned approvals;
};

static void taken(
    void *context, const char *file, enum store_outcome outcome, const struct stored_recipe *r, const struct err *why)
{
	struct err e = ERR_INIT;
	const struct scan *scan = context;
	if (!r)
		log_warn("inbox: %s is refused: %s: %s", file, code_name(why->code), why->msg);
	else if (!inbox_record(
		     scan->journal, r, outcome, &(struct inbox_key){ NULL, NULL, 0 }, NULL, scan->approvals, &e))
		log_error("inbox: %s was taken, but the journal does not say so: %s", file, e.msg);
	else
		log_info("inbox: %s is recipe %s", file, r->sha256_text);
}

void inbox_scan(struct recipe_store *store, struct journal *j, unsigned approvals)
{
	struct err e = ERR_INIT;
	struct scan scan = { j, approvals };
	if (!recipe_store_scan_inbox(store, journal_station_time(j), taken, &scan, &e))
		log_warn("inbox: %s", e.msg);
}
