/* stationctl journal: has anybody changed what the station wrote?  verify asks a whole journal, prove the proof of one
 * attempt. */
#include "ctl/commands.h"

#include "format/json.h"
#include "journal/proof.h"
#include "journal/verify.h"
#include "os/file.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_DB  "/var/lib/romline/journal.db"
#define PROVE_USAGE "prove FILE [--pubkey FILE] [--json]"
#define USAGE       "stationctl journal verify [--db FILE] [--checkpoints FILE] [--pubkey FILE] [--json]"

static bool print_json(const struct verify_report *r, struct err *e)
{
	AUTO_JSON struct cJSON *root = json_new_object();
	json_add_integer(root, "rows", r->rows);
	json_add_string(root, "head", *r->head ? r->head : NULL);
	json_add_string(root, "result", verify_result_name(r->result));
	if (r->first_bad)
		json_add_integer(root, "first_bad", r->first_bad);
	else
		json_add_null(root, "first_bad");
	return ctl_print_json(root, e);
}

static void print_text(const struct verify_report *r)
{
	if (r->result == VERIFY_INTACT)
		printf("intact: %lld rows, %lld checkpoints, head %s\n", (long long)r->rows, (long long)r->checkpoints,
		    *r->head ? r->head : "none");
}

/* The message may quote what a foreign file holds. */
static void print_finding(enum verify_result result, const char *message)
{
	fprintf(stderr, "stationctl: %s: ", verify_result_name(result));
	for (const char *p = message; *p; p++)
		fputc((unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p, stderr);
	fputs(
	    result == VERIFY_UNREADABLE ? "; check the path, or restore a backup\n" : "; keep the files and call QA\n",
	    stderr);
}

static int verify(int argc, char **argv)
{
	struct verify_options o = { NULL, NULL, NULL };
	struct verify_report report;
	struct err e = ERR_INIT;
	bool json = false;
	const struct ctl_option options[] = { { 0, "db", NULL, &o.db, NULL },
		{ 0, "checkpoints", NULL, &o.checkpoints, NULL }, { 0, "pubkey", NULL, &o.public_key, NULL },
		{ 0, "json", &json, NULL, NULL }, { 0, NULL, NULL, NULL, NULL } };
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, 0, 0, USAGE, &e))
		return ctl_refuse(&e);
	if (!o.db)
		o.db = DEFAULT_DB;
	verify_journal(&o, &report);
	if (report.result != VERIFY_INTACT)
		print_finding(report.result, report.message);
	if (json && !print_json(&report, &e))
		return ctl_refuse(&e);
	if (!json)
		print_text(&report);
	return (int)report.result;
}

/* --- prove -------------------------------------------------------------------------------------------------------- */

static bool print_proof_json(const struct proof_report *r, struct err *e)
{
	const struct {
		const char *key, *text;
	} texts[] = { { "station", r->station }, { "key", r->key }, { "signed_at", r->signed_at }, { "uid", r->uid },
		{ "order", r->order }, { "recipe", r->recipe },
		{ "operator", r->operator}, { "started_at", r->started_at }, { "ended_at", r->ended_at },
		    { "verdict", r->verdict }, { "code", r->code } };
	AUTO_JSON struct cJSON *root = json_new_object();
	json_add_string(root, "result", verify_result_name(r->result));
	json_add_u64_text(root, "attempt", (uint64_t)r->attempt);
	json_add_integer(root, "rows", r->rows);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		json_add_string(root, texts[i].key, *texts[i].text ? texts[i].text : NULL);
	json_add_bool(root, "key_named", !r->own_key);
	return ctl_print_json(root, e);
}

static void print_member(const char *name, const char *text)
{
	if (!*text)
		return;
	printf("  %-11s", name);
	ctl_print_text(span_of(text, strlen(text)));
	putchar('\n');
}

static void print_proof(const struct proof_report *r)
{
	printf("proved: attempt %lld ended ", (long long)r->attempt);
	ctl_print_text(span_of(r->verdict, strlen(r->verdict)));
	fputs(" (", stdout);
	ctl_print_text(span_of(r->code, strlen(r->code)));
	puts(")");
	print_member("unit", r->uid);
	print_member("order", r->order);
	print_member("recipe", r->recipe);
	print_member("operator", r->operator);
	print_member("started", r->started_at);
	print_member("ended", r->ended_at);
	print_member("station", r->station);
	print_member("signed", r->signed_at);
	print_member("key", r->key);
	if (r->own_key)
		puts("The key is the one in the file: hold it against the station's own, or name that one with "
		     "--pubkey.");
}

static int prove(int argc, char **argv)
{
	struct proof_report report;
	struct err e = ERR_INIT;
	const char *key = NULL;
	bool json = false;
	uint8_t public[PUBLIC_KEY_SIZE];
	AUTO_FREE uint8_t *data = NULL;
	size_t size = 0;
	const struct ctl_option options[] = { { 0, "pubkey", NULL, &key, NULL }, { 0, "json", &json, NULL, NULL },
		{ 0, NULL, NULL, NULL, NULL } };
	if (!ctl_options(&argc, argv, options, &e) || !ctl_operands(argc, 1, 1, PROVE_USAGE, &e) ||
	    !file_read(argv[1], PROOF_BYTES, &data, &size, &e) || (key && !public_key_read(key, public, &e)))
		return ctl_refuse(&e);
	proof_check(span_of(data, size), key ? public : NULL, &report);
	if (report.result != VERIFY_INTACT)
		print_finding(report.result, report.message);
	if (json && !print_proof_json(&report, &e))
		return ctl_refuse(&e);
	if (!json && report.result == VERIFY_INTACT)
		print_proof(&report);
	return (int)report.result;
}

static const struct ctl_command verbs[] = {
	{ "prove", "journal " PROVE_USAGE, prove },
	{ "verify", "journal verify [--db FILE] [--checkpoints FILE] [--pubkey FILE] [--json]", verify },
	{ NULL, NULL, NULL },
};

int ctl_journal(int argc, char **argv)
{
	return ctl_dispatch(verbs, "stationctl journal", argc, argv);
}
