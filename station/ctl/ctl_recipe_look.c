/* stationctl recipe verify, inspect, unpack: the judgement that a station would give, and a look inside. */
#include "ctl/ctl_recipe.h"

#include "base/hex.h"
#include "base/timefmt.h"
#include "ctl/below.h"
#include "format/json.h"
#include "line/intake.h"
#include "os/clock.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What verify judges with. */
struct judge {
	const char *trust_folder, *require_text, *at_text, *boards_option;
	bool json;
	struct board_set boards; /* owned */
	struct trust *trust;     /* owned */
	struct role_list require;
	int64_t now_ms;
};

static bool judge_open(struct judge *j, struct err *e)
{
	if (!recipe_need(j->trust_folder, "-K TRUSTDIR", e))
		return false;
	if (!roles_parse(j->require_text ? j->require_text : "", &j->require, e)) {
		e->code = CODE_USAGE;
		return false;
	}
	j->now_ms = clock_wall_ms();
	if (j->at_text && !time_parse(j->at_text, &j->now_ms))
		return err_set(e, CODE_USAGE, "--at is a time like 2026-11-20T21:54:07Z");
	return trust_open(j->trust_folder, &j->trust, e) && ctl_boards(j->boards_option, &j->boards, e);
}

static void judge_close(struct judge *j)
{
	boards_clear(&j->boards);
	trust_close(j->trust);
}

static bool judge_file(
    const struct judge *j, const char *path, uint8_t **data, struct stored_recipe *out, struct err *e)
{
	const struct intake_rules rules = { &j->boards, j->trust, &j->require, false };
	size_t size = 0;
	return file_read(path, RECIPE_MAX_BYTES, data, &size, e) &&
	       intake_examine(&rules, span_of(*data, size), out, e) && intake_in_force(&rules, out, j->now_ms, e);
}

static bool print_verdict_json(const struct stored_recipe *r, bool ok, const struct err *why, struct err *e)
{
	AUTO_JSON struct cJSON *root = json_new_object();
	json_add_bool(root, "ok", ok);
	json_add_string(root, "code", ok ? NULL : code_name(why->code));
	json_add_string(root, "sha256", *r->sha256_text ? r->sha256_text : NULL);
	struct cJSON *signers = json_add_array(root, "signers");
	for (unsigned i = 0; i < r->signers.count; i++) {
		struct cJSON *signer = json_add_object(signers, NULL);
		json_add_string(signer, "key", r->signers.keys[i]->name);
		struct cJSON *roles = json_add_array(signer, "roles");
		for (unsigned k = 0; k < r->signers.keys[i]->roles.count; k++)
			json_add_string(roles, NULL, r->signers.keys[i]->roles.role[k]);
	}
	return ctl_print_json(root, e);
}

static void print_verdict(const struct stored_recipe *r)
{
	printf("%s  %s %s for %s\n", r->sha256_text, r->recipe.name, r->recipe.version, r->recipe.board);
	for (unsigned i = 0; i < r->signers.count; i++) {
		const struct trust_key *key = r->signers.keys[i];
		printf("signed by %s", key->name);
		for (unsigned k = 0; k < key->roles.count; k++)
			printf("%s%s", k ? ", " : ": ", key->roles.role[k]);
		putchar('\n');
	}
	if (r->recipe.warnings)
		fprintf(stderr, "stationctl: warning: %s (%u such files)\n", r->recipe.warning, r->recipe.warnings);
}

static bool run_verify(struct judge *j, const char *path, struct err *e)
{
	struct stored_recipe r = { .stored_at = 0 };
	AUTO_FREE uint8_t *data = NULL;
	struct err why = ERR_INIT;
	bool ok = judge_file(j, path, &data, &r, &why), printed = true;
	if (j->json)
		printed = print_verdict_json(&r, ok, &why, e);
	else if (ok)
		print_verdict(&r);
	intake_clear(&r);
	return ok ? printed : err_set(e, why.code, "%s", why.msg);
}

int ctl_recipe_verify(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct judge j = { .json = false };
	const struct ctl_option table[] = {
		{ 'K', "trust", NULL, &j.trust_folder, NULL },
		{ 0, "require", NULL, &j.require_text, NULL },
		{ 0, "at", NULL, &j.at_text, NULL },
		{ 0, "boards", NULL, &j.boards_option, NULL },
		{ 0, "json", &j.json, NULL, NULL },
		{ 0, NULL, NULL, NULL, NULL },
	};
	bool done = ctl_options(&argc, argv, table, &e) &&
		    ctl_operands(argc, 1, 1, "recipe verify -K TRUSTDIR [--require ROLE,...] [--json] IMG", &e) &&
		    judge_open(&j, &e) && run_verify(&j, argv[1], &e);
	judge_close(&j);
	return recipe_status(done, &e);
}

/* A recipe without any judgement over who signed it. */
struct look {
	struct recipe_file file;
	struct recipe recipe;
	struct recipe_identity identity;
	char sha256[SHA256_TEXT_SIZE];
};

static bool look_open(struct look *l, const char *path, struct err *e)
{
	if (!recipe_file_load(path, &l->file, e) || !recipe_identify(&l->file.image, &l->identity, e))
		return false;
	hex_encode(l->sha256, l->identity.sha256, SHA256_SIZE);
	return recipe_read(&l->file.image, &l->recipe, e);
}

static void look_close(struct look *l)
{
	recipe_clear(&l->recipe);
	recipe_file_free(&l->file);
}

/* A trusted comment in JSON: bytes that are not printable ASCII become '?'. */
static void comment_text(struct span comment, char out[MINISIG_MAX_COMMENT + 1])
{
	for (size_t i = 0; i < comment.size; i++)
		out[i] = comment.data[i] >= ' ' && comment.data[i] <= '~' ? (char)comment.data[i]
			 : comment.data[i] == '\t'                        ? '\t'
									  : '?';
	out[comment.size] = '\0';
}

/* Takes the manifest out of the recipe. */
static bool print_look_json(struct look *l, struct err *e)
{
	AUTO_JSON struct cJSON *root = json_new_object();
	char id[MINISIG_ID_TEXT_SIZE], comment[MINISIG_MAX_COMMENT + 1];
	json_add_string(root, "sha256", l->sha256);
	json_add_integer(root, "size", (int64_t)(RECIPE_HEADER + l->file.image.records.size));
	struct cJSON *list = json_add_array(root, "signatures");
	for (unsigned i = 0; i < l->file.image.signature_count; i++) {
		struct cJSON *object = json_add_object(list, NULL);
		minisig_id_text(l->file.image.parsed[i].id, id);
		comment_text(l->file.image.parsed[i].comment, comment);
		json_add_string(object, "id", id);
		json_add_string(object, "comment", comment);
	}
	json_add_item(root, "manifest", l->recipe.manifest);
	l->recipe.manifest = NULL;
	return ctl_print_json(root, e);
}

static void print_date(const char *label, int64_t ms)
{
	char text[TIME_TEXT_SIZE];
	if (ms < 0)
		return;
	time_format(text, ms);
	printf("%-12s%s\n", label, text);
}

static void print_region(const struct recipe_region *r)
{
	char sha[SHA256_TEXT_SIZE];
	hex_encode(sha, r->bound.sha256, SHA256_SIZE);
	printf("region      %s  %s  %" PRIu32 " bytes  crc32 %08" PRIx32 "  tail %s\n", r->partition,
	    r->romfs ? "romfs" : "raw", r->length, r->bound.crc32, r->tail_blank ? "blank" : "keep");
	printf("            sha256 %s  %s\n", sha, r->payload);
	for (unsigned i = 0; i < r->field_count; i++)
		printf("            unit data: the %s at %u, %u bytes%s\n", unit_value_name(r->fields[i].value),
		    r->fields[i].at, r->fields[i].size, r->fields[i].bytes ? ", as bytes" : "");
	for (unsigned i = 0; i < r->misaligned_count; i++) {
		printf("            misaligned_ok ");
		ctl_print_text(span_of(r->misaligned_ok[i], strlen(r->misaligned_ok[i])));
		putchar('\n');
	}
}

static void print_look(const struct look *l)
{
	const struct recipe *r = &l->recipe;
	char id[MINISIG_ID_TEXT_SIZE];
	printf("sha256      %s\n", l->sha256);
	printf("name        %s\nversion     %s\nboard       %s\nrollback    %" PRId64 "\n", r->name, r->version,
	    r->board, r->rollback);
	print_date("not_before", r->not_before);
	print_date("not_after", r->not_after);
	if (r->units >= 0)
		printf("units       %" PRId64 "\n", r->units);
	printf("after       %s\n", r->after_run ? "run" : "bootloader");
	for (unsigned i = 0; i < r->region_count; i++)
		print_region(&r->regions[i]);
	for (unsigned i = 0; i < l->file.image.signature_count; i++) {
		minisig_id_text(l->file.image.parsed[i].id, id);
		printf("signature   %s (not verified)  ", id);
		ctl_print_text(l->file.image.parsed[i].comment);
		putchar('\n');
	}
	if (!l->file.image.signature_count)
		puts("signature   none");
}

int ctl_recipe_inspect(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct look l = { .sha256 = "" };
	bool json = false;
	const struct ctl_option table[] = { { 0, "json", &json, NULL, NULL }, { 0, NULL, NULL, NULL, NULL } };
	bool done = ctl_options(&argc, argv, table, &e) &&
		    ctl_operands(argc, 1, 1, "recipe inspect [--json] IMG", &e) && look_open(&l, argv[1], &e);
	if (done && json)
		done = print_look_json(&l, &e);
	else if (done)
		print_look(&l);
	look_close(&l);
	return recipe_status(done, &e);
}

static bool unpack(const struct look *l, int folder, struct err *e)
{
	struct romfs fs;
	struct romfs_node node;
	char path[sizeof "signatures/.minisig" + MINISIG_ID_TEXT_SIZE], id[MINISIG_ID_TEXT_SIZE];
	recipe_mount(&l->file.image, &fs);
	if (romfs_lookup(&fs, RECIPE_MANIFEST, &node) != ROMFS_OK)
		return err_set(e, CODE_INTERNAL, "the manifest is gone");
	if (!below_put(folder, RECIPE_MANIFEST, span_of(romfs_data(&fs, &node), node.data_size), e))
		return false;
	for (unsigned i = 0; i < l->recipe.region_count; i++) {
		const struct recipe_region *r = &l->recipe.regions[i];
		bool again = false; /* two regions may share a payload */
		for (unsigned k = 0; k < i; k++)
			again = again || !strcmp(l->recipe.regions[k].payload, r->payload);
		if (!again && (!recipe_payload_matches(r, e) || !below_put(folder, r->payload, r->bound.image, e)))
			return false;
	}
	for (unsigned i = 0; i < l->file.image.signature_count; i++) {
		minisig_id_text(l->file.image.parsed[i].id, id);
		snprintf(path, sizeof path, "signatures/%s.minisig", id);
		if (!below_put(folder, path, l->file.image.signatures[i], e))
			return false;
	}
	return true;
}

static bool run_unpack(struct look *l, const char *path, const char *out, struct err *e)
{
	if (!recipe_need(out, "-o DIR", e) || !look_open(l, path, e))
		return false;
	AUTO_CLOSE int folder = below_open(out, e);
	return folder >= 0 && unpack(l, folder, e);
}

int ctl_recipe_unpack(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct look l = { .sha256 = "" };
	const char *out = NULL;
	const struct ctl_option table[] = { { 'o', "output", NULL, &out, NULL }, { 0, NULL, NULL, NULL, NULL } };
	bool done = ctl_options(&argc, argv, table, &e) && ctl_operands(argc, 1, 1, "recipe unpack IMG -o DIR", &e) &&
		    run_unpack(&l, argv[1], out, &e);
	look_close(&l);
	return recipe_status(done, &e);
}
