/* A unit's history as plain text. */
#include "http/unit_log.h"

#include "format/json.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#define GROUP      4 /* of characters of what is read out letter by letter */
#define NUMBER_MAX ((int64_t)1 << 53)

/* "" for null and missing. */
static const char *text_of(const struct cJSON *object, const char *key)
{
	const struct cJSON *item = json_member(object, key);
	const char *text = item ? json_text(item) : NULL;
	return text ? text : "";
}

static int64_t number_of(const struct cJSON *object, const char *key)
{
	int64_t value = 0;
	const struct cJSON *item = json_member(object, key);
	return item && json_whole(item, 0, NUMBER_MAX, &value) ? value : 0;
}

/* What came from outside stays on its line. */
static void put_text(const char *text, FILE *out)
{
	for (; *text; text++)
		putc((unsigned char)*text < 0x20 || *text == 0x7f ? '?' : *text, out);
}

static void put_groups(const char *text, FILE *out)
{
	for (size_t i = 0; text[i]; i++) {
		if (i && i % GROUP == 0)
			putc(' ', out);
		putc(isalnum((unsigned char)text[i]) ? toupper((unsigned char)text[i]) : '?', out);
	}
}

/* 2026-11-20T21:54:07.123Z as 2026-11-20 21:54:07 UTC. */
static void put_time(const char *text, FILE *out)
{
	if (strlen(text) < 19)
		fputs("-", out);
	else
		fprintf(out, "%.10s %.8s UTC", text, text + 11);
}

static void put_line(const char *name, const char *text, FILE *out)
{
	if (!*text)
		return;
	fprintf(out, "  %-14s", name);
	put_text(text, out);
	putc('\n', out);
}

void unit_log_head(const struct cJSON *unit, FILE *out)
{
	const char *serial = text_of(unit, "serial");
	fputs(*serial ? "Unit with the serial " : "Unit without a serial", out);
	put_text(serial, out);
	putc('\n', out);
	put_line("UID", text_of(unit, "uid"), out);
	fputs("  to read out   ", out);
	put_groups(text_of(unit, "uid"), out);
	putc('\n', out);
	put_line("board", text_of(unit, "board"), out);
	put_line("status", text_of(unit, "status"), out);
	fputs("  first seen    ", out);
	put_time(text_of(unit, "first_seen"), out);
	fputs("\n  last seen     ", out);
	put_time(text_of(unit, "last_seen"), out);
	putc('\n', out);
}

/* --- an attempt --------------------------------------------------------------------------------------------------- */

static void put_verdict(const struct cJSON *a, FILE *out)
{
	const char *verdict = text_of(a, "verdict");
	bool refused = false;
	json_bool(a, "refused", &refused, NULL);
	bool deploy = !strcmp(text_of(a, "kind"), "deploy");
	fprintf(out, "\nAttempt %s: %s%s", text_of(a, "id"),
	    !*verdict ? "UNDER WAY"
	    : refused ? "REFUSED"
		      : verdict,
	    deploy ? " (a deploy, outside of any batch)" : "");
	putc('\n', out);
	if (*verdict && strcmp(verdict, "PASS") != 0) {
		put_line("code", text_of(a, "code"), out);
		put_line("what happened", text_of(a, "message"), out);
		put_line("what to do", text_of(a, "action"), out);
	}
}

static void put_place(const struct cJSON *a, FILE *out)
{
	fputs("  started       ", out);
	put_time(text_of(a, "started_at"), out);
	fputs("\n  ended         ", out);
	put_time(text_of(a, "ended_at"), out);
	fprintf(out, "\n  slot          %" PRId64 "\n", number_of(a, "slot"));
	put_line("station", text_of(a, "station"), out);
	put_line("operator", text_of(a, "operator"), out);
	put_line("MES's word", text_of(a, "permit"), out);
	put_line("MES said", text_of(a, "permit_message"), out);
	put_line("order", text_of(a, "order"), out);
	put_line("batch", text_of(a, "batch"), out);
	put_line("USB serial", text_of(a, "usb_serial"), out);
	put_line("transport", text_of(a, "transport"), out);
	if (number_of(a, "retries"))
		fprintf(out, "  retries       %" PRId64 "\n", number_of(a, "retries"));
	put_line("confirmed by", text_of(a, "proof"), out);
}

static void put_recipe(const struct cJSON *a, const struct cJSON *recipe, FILE *out)
{
	const char *sha256 = text_of(a, "recipe");
	const struct cJSON *signers;
	char first[13];
	if (!*sha256)
		return;
	snprintf(first, sizeof first, "%s", sha256);
	fputs("  recipe        ", out);
	put_text(text_of(recipe, "name"), out);
	putc(' ', out);
	put_text(text_of(recipe, "version"), out);
	fputs(", whose SHA-256 begins ", out);
	put_groups(first, out);
	putc('\n', out);
	if (!json_array(recipe, "signers", &signers, NULL))
		return;
	for (const struct cJSON *s = json_first(signers); s; s = json_after(s)) {
		const struct cJSON *roles;
		fputs("  signed by     key ", out);
		put_groups(text_of(s, "key"), out);
		if (json_array(s, "roles", &roles, NULL))
			for (const struct cJSON *r = json_first(roles); r; r = json_after(r))
				fprintf(out, ", %s", json_text(r) ? json_text(r) : "");
		putc('\n', out);
	}
}

static void put_steps(const struct cJSON *a, FILE *out)
{
	const struct cJSON *steps;
	if (!json_array(a, "steps", &steps, NULL))
		return;
	for (const struct cJSON *s = json_first(steps); s; s = json_after(s))
		fprintf(out, "  step          %-10s %s, %" PRId64 " ms, %" PRId64 " bytes\n", text_of(s, "step"),
		    text_of(s, "outcome"), number_of(s, "ms"), number_of(s, "bytes"));
}

static void put_region(const struct cJSON *g, FILE *out)
{
	const char *want = text_of(g, "crc32"), *got = text_of(g, "crc32_read");
	fprintf(out, "  partition     %s, %" PRId64 " bytes, %" PRId64 " files mounted\n", text_of(g, "partition"),
	    number_of(g, "length"), number_of(g, "files"));
	fputs("                CRC expected ", out);
	put_groups(want, out);
	fputs(", read ", out);
	if (*got)
		put_groups(got, out);
	else
		fputs("nothing", out);
	fputs(!*got ? ": NOT READ\n" : !strcmp(want, got) ? ": equal\n" : ": DIFFERENT\n", out);
}

static void put_versions(const struct cJSON *a, FILE *out)
{
	const struct cJSON *versions;
	if (!json_object(a, "versions", &versions, NULL))
		return;
	for (const struct cJSON *v = json_first(versions); v; v = json_after(v)) {
		if (!json_text(v))
			continue;
		fputs("  version       ", out);
		put_text(json_key(v), out);
		putc(' ', out);
		put_text(json_text(v), out);
		putc('\n', out);
	}
}

void unit_log_attempt(const struct cJSON *attempt, const struct cJSON *recipe, FILE *out)
{
	const struct cJSON *regions;
	put_verdict(attempt, out);
	put_place(attempt, out);
	put_recipe(attempt, recipe, out);
	put_steps(attempt, out);
	if (json_array(attempt, "regions", &regions, NULL))
		for (const struct cJSON *g = json_first(regions); g; g = json_after(g))
			put_region(g, out);
	put_versions(attempt, out);
}
