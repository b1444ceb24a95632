/* Asks the MES, and reads what it says. */
#include "mes/permit.h"

#include "base/timefmt.h"
#include "format/json.h"
#include "os/clock.h"
#include "os/log.h"

#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_LIMIT 16384
#define PAUSE_MS     250 /* before it is asked again; doubles */

const char *permit_name(enum permit_how how)
{
	static const char *const names[] = { NULL, "granted", "cached", "silent" };
	return names[how];
}

void permits_init(struct permits *p, const struct mes_rules *rules)
{
	memset(p, 0, sizeof *p);
	p->rules = rules;
	pthread_mutex_init(&p->lock, NULL);
}

void permits_finish(struct permits *p)
{
	pthread_mutex_destroy(&p->lock);
}

/* --- what it says ------------------------------------------------------------------------------------------------- */

/* A number of the answer, which goes into a record as it is. */
static bool number_of(const struct cJSON *json, const char *key, const char **out, struct err *e)
{
	*out = "";
	if (!json_member(json, key))
		return true;
	if (!json_string_or_null(json, key, out, e))
		return false;
	*out = *out ? *out : "";
	return !**out || number_valid(*out, NULL) ||
	       err_set(e, CODE_JSON_INVALID, "\"%s\" is too long or has a control character", key);
}

/* What it says to people; "" for nothing.  However long it is, it is no reason to take a yes or a no for silence. */
static bool message_of(const struct cJSON *json, const char *key, char out[SENTENCE_SIZE], struct err *e)
{
	const char *text = NULL;
	if (json_member(json, key) && !json_string_or_null(json, key, &text, e))
		return false;
	sentence_of(text ? text : "", out);
	return true;
}

static bool read_members(const struct cJSON *json, const char *uid, struct permit *out, int64_t *valid_s, struct err *e)
{
	const char *echoed, *serial, *mac;
	bool allow;
	*valid_s = 0;
	if (!json_is_object(json))
		return err_set(e, CODE_JSON_INVALID, "it is no object");
	if (!json_string(json, "uid", &echoed, e) || !json_bool(json, "allow", &allow, e) ||
	    !message_of(json, "message", out->message, e) || !number_of(json, "serial", &serial, e) ||
	    !number_of(json, "mac", &mac, e) ||
	    (json_member(json, "valid_s") && !json_integer(json, "valid_s", 0, PERMIT_MAX_S, valid_s, e)))
		return false;
	if (strcmp(echoed, uid) != 0)
		return err_set(e, CODE_JSON_INVALID, "it is about another unit");
	if (!allow)
		return err_set(e, CODE_MES_REFUSED, "%s", *out->message ? out->message : "the MES says no");
	snprintf(out->serial, sizeof out->serial, "%s", serial);
	snprintf(out->mac, sizeof out->mac, "%s", mac);
	return true;
}

bool permit_read(struct span body, const char *uid, struct permit *out, int64_t *valid_s, struct err *e)
{
	struct err why = ERR_INIT;
	*out = (struct permit){ .how = PERMIT_GRANTED };
	AUTO_JSON struct cJSON *json = json_parse(body, &why);
	if (json && read_members(json, uid, out, valid_s, &why))
		return true;
	*out = (struct permit){ .how = PERMIT_NONE };
	if (why.code == CODE_MES_REFUSED)
		return err_set(e, CODE_MES_REFUSED, "%s", why.msg);
	return err_set(e, CODE_MES_SILENT, "its answer makes no sense: %.150s", why.msg);
}

/* A no by status may say why, in a problem document's manner. */
static bool refused(const struct post_answer *a, struct err *e)
{
	static const char *const keys[] = { "message", "detail" };
	char text[SENTENCE_SIZE];
	AUTO_JSON struct cJSON *json = a->body ? json_parse(span_of(a->body, a->size), NULL) : NULL;
	for (unsigned i = 0; i < 2; i++)
		if (json && json_is_object(json) && message_of(json, keys[i], text, NULL) && *text)
			return err_set(e, CODE_MES_REFUSED, "%s", text);
	return err_set(e, CODE_MES_REFUSED, "the MES answered %u", a->status);
}

/* --- what was allowed before -------------------------------------------------------------------------------------- */

static bool find_kept(struct permits *p, const struct permit_question *q, struct permit *out)
{
	bool found = false;
	int64_t now = clock_mono_ms();
	pthread_mutex_lock(&p->lock);
	for (unsigned i = 0; i < PERMITS_KEPT && !found; i++) {
		found = p->kept[i].until > now && !strcmp(p->kept[i].uid, q->uid) &&
			!strcmp(p->kept[i].batch, q->batch) && !strcmp(p->kept[i].recipe, q->recipe);
		if (found)
			*out = p->kept[i].permit;
	}
	pthread_mutex_unlock(&p->lock);
	if (found)
		out->how = PERMIT_CACHED;
	return found;
}

static void keep(struct permits *p, const struct permit_question *q, const struct permit *permit, int64_t valid_s)
{
	pthread_mutex_lock(&p->lock);
	unsigned i = 0;
	while (i < PERMITS_KEPT && (strcmp(p->kept[i].uid, q->uid) != 0 || strcmp(p->kept[i].batch, q->batch) != 0))
		i++;
	if (i == PERMITS_KEPT)
		i = p->next++ % PERMITS_KEPT;
	snprintf(p->kept[i].uid, sizeof p->kept[i].uid, "%s", q->uid);
	snprintf(p->kept[i].batch, sizeof p->kept[i].batch, "%s", q->batch);
	snprintf(p->kept[i].recipe, sizeof p->kept[i].recipe, "%s", q->recipe);
	p->kept[i].until = clock_mono_ms() + valid_s * 1000;
	p->kept[i].permit = *permit;
	pthread_mutex_unlock(&p->lock);
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

static char *question_text(const struct mes_rules *rules, const struct permit_question *q, const char *id)
{
	char at[TIME_TEXT_SIZE];
	const struct {
		const char *key, *text;
	} texts[] = { { "uid", q->uid }, { "board", q->board }, { "usb_serial", q->usb_serial },
		{ "serial", q->serial }, { "batch", q->batch }, { "order", q->order }, { "recipe", q->recipe } };
	struct cJSON *json = json_new_object();
	time_format(at, clock_wall_ms());
	json_add_string(json, "id", id);
	json_add_string(json, "station", rules->station);
	json_add_string(json, "at", at);
	json_add_integer(json, "slot", q->slot);
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		json_add_string(json, texts[i].key, *texts[i].text ? texts[i].text : NULL);
	char *text = json ? json_print(json) : NULL;
	json_free(json);
	return text;
}

struct asking {
	struct permits *permits;
	const struct permit_question *question;
	const atomic_bool *cancel;
	struct poster *poster;
	const char *id;
	struct span body;
	int64_t deadline; /* monotonic ms */
};

static bool is_no(unsigned status)
{
	return status == 403 || status == 409 || status == 422;
}

/* One try; mes-silent: it may be asked again. */
static bool ask_once(const struct asking *a, struct permit *out, int64_t *valid_s, struct err *e)
{
	const struct mes_rules *rules = a->permits->rules;
	struct mes_headers room;
	struct post_answer answer;
	int64_t left = a->deadline - clock_mono_ms();
	struct post_request r = {
		.url = rules->interlock_url, .body = a->body, .answer_limit = ANSWER_LIMIT, .cancel = { a->cancel }
	};
	mes_sign(rules, a->id, clock_wall_ms() / 1000, &room, &r);
	r.deadline_ms = (uint32_t)(left > 1 ? left : 1);
	bool ok = post_send(a->poster, &r, &answer, e);
	if (ok && is_no(answer.status))
		ok = refused(&answer, e);
	else if (ok && (answer.status != 200 || answer.cut || !answer.body))
		ok = err_set(e, CODE_MES_SILENT, "the MES answered %u%s", answer.status,
		    answer.status == 200 ? " and too much or nothing" : "");
	else if (ok)
		ok = permit_read(span_of(answer.body, answer.size), a->question->uid, out, valid_s, e);
	post_clear(&answer);
	return ok;
}

static bool ask_until(const struct asking *a, struct permit *out, int64_t *valid_s, struct err *e)
{
	for (int64_t pause = PAUSE_MS;; pause = pause < 1000 ? 2 * pause : pause) {
		struct err why = ERR_INIT;
		if (ask_once(a, out, valid_s, &why))
			return true;
		if (atomic_load(a->cancel))
			return err_set(e, CODE_ABORTED, "stopped while the MES was asked");
		*e = why;
		if (why.code != CODE_MES_SILENT || clock_mono_ms() + pause >= a->deadline)
			return false;
		poll(NULL, 0, (int)pause);
	}
}

static bool ask_mes(
    struct permits *p, const struct permit_question *q, const atomic_bool *cancel, struct permit *out, struct err *e)
{
	char id[UUID_SIZE];
	uint8_t random[16];
	int64_t valid_s = 0;
	randombytes_buf(random, sizeof random);
	uuid_text(random, id);
	AUTO_FREE char *text = question_text(p->rules, q, id);
	struct asking a = { .permits = p,
		.question = q,
		.cancel = cancel,
		.poster = text ? poster_create() : NULL,
		.id = id,
		.deadline = clock_mono_ms() + p->rules->deadline_ms };
	if (!a.poster)
		return err_set(e, CODE_NO_MEMORY, "no memory to ask the MES");
	a.body = span_of(text, strlen(text));
	bool ok = ask_until(&a, out, &valid_s, e);
	poster_destroy(a.poster);
	if (ok && valid_s > 0)
		keep(p, q, out, valid_s);
	return ok;
}

bool permit_ask(
    struct permits *p, const struct permit_question *q, const atomic_bool *cancel, struct permit *out, struct err *e)
{
	struct err why = ERR_INIT;
	*out = (struct permit){ .how = PERMIT_NONE };
	if (find_kept(p, q, out) || ask_mes(p, q, cancel, out, &why))
		return true;
	if (why.code == CODE_MES_SILENT && p->rules->interlock == INTERLOCK_ALLOW) {
		log_about(LOG_WARN, q->slot, "", "%s; allowed by [mes] interlock", why.msg);
		*out = (struct permit){ .how = PERMIT_SILENT };
		return true;
	}
	*e = why;
	return false;
}
