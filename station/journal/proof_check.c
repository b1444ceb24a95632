/* Checks the proof of an attempt, without any journal. */
#include "journal/proof.h"

#include "base/hex.h"
#include "format/json.h"
#include "journal/kinds.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const keys[] = { "format", "station", "attempt", "public_key", "prev", "rows", "checkpoint", NULL };
static const char *const point_keys[] = { "text", "signature", NULL };

/* The members of a proof; texts borrowed from the tree. */
struct proof {
	const char *station;
	uint8_t public[PUBLIC_KEY_SIZE], prev[CHAIN_HASH_SIZE], signature[SIGNATURE_SIZE];
	struct span text; /* of the checkpoint */
	struct checkpoint point;
	const struct cJSON *rows;
};

__attribute__((format(printf, 3, 4))) static bool found(
    struct proof_report *r, enum verify_result result, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(r->message, sizeof r->message, format, args);
	va_end(args);
	r->result = result;
	return false;
}

static struct span of_text(const char *text)
{
	return span_of(text, strlen(text));
}

/* A number as the API writes it: no sign, no leading zero. */
static bool number_of(const char *text, int64_t *out)
{
	char again[24];
	*out = strtoll(text, NULL, 10);
	snprintf(again, sizeof again, "%" PRId64, *out);
	return *out > 0 && !strcmp(again, text);
}

static bool read_point(const struct cJSON *json, struct proof *p, struct err *e)
{
	const struct cJSON *point;
	const char *text, *signature;
	if (!json_object(json, "checkpoint", &point, e) || !json_only_keys(point, point_keys, e) ||
	    !json_string(point, "text", &text, e) || !json_string(point, "signature", &signature, e))
		return false;
	p->text = of_text(text);
	return (checkpoint_parse(p->text, &p->point) &&
		   base64_read(of_text(signature), p->signature, SIGNATURE_SIZE)) ||
	       err_set(e, CODE_JSON_INVALID, "its checkpoint is none");
}

static bool read_proof(const struct cJSON *json, struct proof *p, struct proof_report *r, struct err *e)
{
	const char *format, *attempt, *key, *prev;
	if (!json_only_keys(json, keys, e) || !json_string(json, "format", &format, e) ||
	    !json_string(json, "station", &p->station, e) || !json_string(json, "attempt", &attempt, e) ||
	    !json_string(json, "public_key", &key, e) || !json_string(json, "prev", &prev, e) ||
	    !json_array(json, "rows", &p->rows, e) || !read_point(json, p, e))
		return false;
	if (strcmp(format, "romline.proof.1") != 0 || !station_name_valid(p->station) ||
	    !number_of(attempt, &r->attempt) || !base64_read(of_text(key), p->public, PUBLIC_KEY_SIZE) ||
	    !hex_decode(p->prev, CHAIN_HASH_SIZE, prev))
		return err_set(e, CODE_JSON_INVALID, "a member is not in its form");
	return true;
}

/* A key that came another way is the one that counts. */
static bool check_signature(const struct proof *p, const uint8_t *public, struct proof_report *r)
{
	r->own_key = !public;
	base64_print(public ? public : p->public, PUBLIC_KEY_SIZE, r->key);
	snprintf(r->station, sizeof r->station, "%s", p->point.station);
	snprintf(r->signed_at, sizeof r->signed_at, "%s", p->point.at);
	if (!signature_valid(public ? public : p->public, p->text, p->signature))
		return found(r, VERIFY_BADLY_SIGNED, "the checkpoint is not signed by that key");
	if (strcmp(p->station, p->point.station) != 0)
		return found(r, VERIFY_TAMPERED, "the checkpoint is of another station");
	return true;
}

/* --- what the rows say -------------------------------------------------------------------------------------------- */

static void keep(const struct cJSON *row, const char *key, char out[PROOF_TEXT])
{
	const char *text;
	if (json_member(row, key) && json_string_or_null(row, key, &text, NULL) && text)
		snprintf(out, PROOF_TEXT, "%s", text);
}

static void keep_start(const struct cJSON *row, struct proof_report *r)
{
	keep(row, "uid", r->uid);
	keep(row, "order", r->order);
	keep(row, "recipe", r->recipe);
	keep(row, "operator", r->operator);
	keep(row, "started_at", r->started_at);
}

static void keep_end(const struct cJSON *row, struct proof_report *r)
{
	keep(row, "verdict", r->verdict);
	keep(row, "code", r->code);
	keep(row, "at", r->ended_at);
}

/* One row of the segment; most are of other attempts. */
static bool read_row(const char *body, int64_t seq, struct proof_report *r)
{
	const char *kind, *attempt = "";
	AUTO_JSON struct cJSON *row = json_parse(of_text(body), NULL);
	if (!row || !json_string(row, "kind", &kind, NULL))
		return found(r, VERIFY_UNREADABLE, "row %" PRId64 " is no row of a journal", seq);
	if (seq == r->attempt) {
		bool refused = !strcmp(kind, KIND_ATTEMPT_REFUSED);
		if (!refused && strcmp(kind, KIND_ATTEMPT_STARTED) != 0)
			return found(r, VERIFY_TAMPERED, "row %" PRId64 " begins no attempt", seq);
		keep_start(row, r);
		if (refused) {
			keep_end(row, r);
			snprintf(r->verdict, sizeof r->verdict, "ERROR");
		}
		return true;
	}
	int64_t whose = 0;
	if (!json_member(row, "attempt") || !json_string_or_null(row, "attempt", &attempt, NULL) || !attempt ||
	    !number_of(attempt, &whose) || whose != r->attempt)
		return true;
	if (!strcmp(kind, KIND_ATTEMPT_STEP))
		keep_start(row, r); /* what became known on the way */
	if (!strcmp(kind, KIND_ATTEMPT_ENDED))
		keep_end(row, r);
	return true;
}

static bool check_chain(const struct proof *p, struct proof_report *r)
{
	uint8_t hash[CHAIN_HASH_SIZE];
	int64_t seq = r->attempt;
	memcpy(hash, p->prev, sizeof hash);
	for (const struct cJSON *i = json_first(p->rows); i; i = json_after(i), seq++) {
		const char *body = json_text(i);
		if (!body)
			return found(r, VERIFY_UNREADABLE, "row %" PRId64 " is no text", seq);
		chain_hash(p->station, seq, hash, of_text(body), hash);
	}
	r->rows = seq - r->attempt;
	if (seq - 1 != p->point.size)
		return found(r, VERIFY_TAMPERED, "it has rows up to %" PRId64 ", the checkpoint is of %" PRId64,
		    seq - 1, p->point.size);
	if (memcmp(hash, p->point.head, sizeof hash) != 0)
		return found(r, VERIFY_TAMPERED, "the rows are not those that were signed");
	return true;
}

static bool read_rows(const struct proof *p, struct proof_report *r)
{
	int64_t seq = r->attempt;
	for (const struct cJSON *i = json_first(p->rows); i; i = json_after(i), seq++)
		if (!read_row(json_text(i), seq, r))
			return false;
	return *r->verdict || found(r, VERIFY_TAMPERED, "attempt %" PRId64 " does not end in it", r->attempt);
}

/* What was read before something turned out wrong is nobody's word. */
static void forget(struct proof_report *r)
{
	char *const texts[] = { r->uid, r->order, r->recipe, r->operator, r->started_at, r->ended_at, r->verdict,
		r->code };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i] = '\0';
}

void proof_check(struct span text, const uint8_t *public, struct proof_report *out)
{
	struct proof p;
	struct err e = ERR_INIT;
	*out = (struct proof_report){ .result = VERIFY_INTACT };
	AUTO_JSON struct cJSON *json = text.size <= PROOF_BYTES ? json_parse(text, &e) : NULL;
	if (!json || !read_proof(json, &p, out, &e))
		found(out, VERIFY_UNREADABLE, "the file is no proof: %.150s", *e.msg ? e.msg : "it is too large");
	else if (!check_signature(&p, public, out) || !check_chain(&p, out) || !read_rows(&p, out))
		forget(out);
}
