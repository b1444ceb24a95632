/* stationctl journal verify: has anybody changed what the station wrote? */
#include "ctl/commands.h"

#include "format/json.h"
#include "journal/verify.h"

#include <stdio.h>
#include <string.h>

#define DEFAULT_DB "/var/lib/romline/journal.db"
#define USAGE      "stationctl journal verify [--db FILE] [--checkpoints FILE] [--pubkey FILE] [--json]"

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
static void print_finding(const struct verify_report *r)
{
	fprintf(stderr, "stationctl: %s: ", verify_result_name(r->result));
	for (const char *p = r->message; *p; p++)
		fputc((unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p, stderr);
	fputs(r->result == VERIFY_UNREADABLE ? "; check the path, or restore a backup\n"
					     : "; keep the files and call QA\n",
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
		print_finding(&report);
	if (json && !print_json(&report, &e))
		return ctl_refuse(&e);
	if (!json)
		print_text(&report);
	return (int)report.result;
}

static const struct ctl_command verbs[] = {
	{ "verify", "journal verify [--db FILE] [--checkpoints FILE] [--pubkey FILE] [--json]", verify },
	{ NULL, NULL, NULL },
};

int ctl_journal(int argc, char **argv)
{
	return ctl_dispatch(verbs, "stationctl journal", argc, argv);
}
