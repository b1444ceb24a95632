/* Logging in by badge or PIN, out, and the question who one is. */
#include "http/api.h"

#include "format/json.h"
#include "journal/kinds.h"
#include "journal/people.h"
#include "os/clock.h"
#include "os/log.h"

#include <stdio.h>
#include <string.h>

static void add_rights(struct cJSON *json, rights set)
{
	struct cJSON *list = json_add_array(json, "rights");
	for (unsigned i = RIGHT_READ; i < RIGHT_COUNT; i++)
		if (rights_have(set, (enum right)i))
			json_add_string(list, NULL, right_name((enum right)i));
}

static bool answer_caller(struct http *h, const struct caller *c, unsigned status, struct answer *a, struct err *e)
{
	struct cJSON *json = json_new_object();
	json_add_string(json, "login", h->login_required ? "required" : "none");
	json_add_string(json, "name", *c->who.by ? c->who.by : NULL);
	json_add_string(json, "role", c->is_person ? role_word(c->role) : NULL);
	add_rights(json, c->rights);
	return answer_json(a, status, json, e);
}

bool api_session(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return request_no_params(r, e) && answer_caller(h, &r->caller, 200, a, e);
}

/* --- who works at the line ---------------------------------------------------------------------------------------- */

void session_line_changed(struct http *h)
{
	struct session at;
	int64_t now = clock_mono_ms();
	if (!sessions_at_line(&h->sessions, now, &at)) {
		line_set_operator(h->o.line, NULL, 0);
		return;
	}
	int64_t left = session_ends(&h->sessions, &at) - now;
	line_set_operator(h->o.line, at.name, journal_station_time(h->o.journal) + left);
}

void session_end_all(struct http *h, const char *name)
{
	for (uint64_t id = 1; id && (id = sessions_end_person(&h->sessions, name));)
		conns_end_tagged(&h->conns, TAG_SESSION(id));
	session_line_changed(h);
}

/* --- in ----------------------------------------------------------------------------------------------------------- */

struct attempt_in {
	const char *name, *pin, *badge; /* name and pin, or badge */
};

/* person: whose PIN it is when the body does not say; NULL: nobody's. */
static bool read_body(const struct cJSON *body, const char *person, struct attempt_in *in, struct err *e)
{
	const char **const texts[] = { &in->name, &in->pin, &in->badge };
	static const char *const keys[] = { "name", "pin", "badge" };
	for (unsigned i = 0; i < 3; i++)
		if (json_member(body, keys[i]) &&
		    (!json_string(body, keys[i], texts[i], e) || !label_valid(keys[i], *texts[i], e)))
			return false;
	if (!in->badge && !in->name)
		in->name = person;
	return (in->badge ? !in->name && !in->pin : in->name && in->pin) ||
	       err_set(e, CODE_BAD_REQUEST, "give a badge, or a name and a PIN");
}

static bool write_row(struct http *h, const char *kind, const char *person, const char *way, const char *by,
    const char *from, struct err *e)
{
	struct who who = { .by = "" };
	struct cJSON *row = json_new_object();
	snprintf(who.by, sizeof who.by, "%s", by);
	snprintf(who.from, sizeof who.from, "%s", from);
	json_add_string(row, "person", person);
	if (way)
		json_add_string(row, "way", way);
	who_add(row, &who);
	return journal_write(h->o.journal, kind, row, e) != 0;
}

/* Who waits is told for how long, and nothing of what was typed is looked at. */
static bool must_wait(struct http *h, const struct attempt_in *in, const char *from, struct answer *a, struct err *e)
{
	int64_t now = clock_mono_ms(), wait = backoff_wait(&h->backoff, BACKOFF_ADDRESS, from, now);
	int64_t person = in->name ? backoff_wait(&h->backoff, BACKOFF_PERSON, in->name, now) : 0;
	wait = person > wait ? person : wait;
	if (!wait)
		return false;
	a->retry_after = (unsigned)((wait + 999) / 1000);
	err_set(e, CODE_LOGIN_WAIT, "too many logins failed; the next one is looked at in %u s", a->retry_after);
	return true;
}

/* Under the lock of the hashes: one at a time, so that nobody can have many guesses looked at at once, nor all memory.
 */
static bool check(struct http *h, const struct attempt_in *in, struct journal_person *out, struct err *e)
{
	char badge[CREDENTIAL_SIZE];
	if (in->badge)
		return secret_badge(&h->secrets, in->badge, badge, e) &&
		       journal_person_by_badge(h->reader, badge, out, e) &&
		       (out->known || err_set(e, CODE_LOGIN_FAILED, "nobody has this badge"));
	if (!journal_person(h->reader, in->name, out, e))
		return false;
	bool has = out->known && *out->pin;
	if (!secret_pin_fits(&h->secrets, in->pin, has ? out->pin : SECRET_NO_PIN, e))
		return false;
	return has || err_set(e, CODE_LOGIN_FAILED, "the name or the PIN is wrong");
}

/* A name that nobody has may be a PIN in the wrong field: it is not kept. */
static void failed(struct http *h, const struct attempt_in *in, bool known, const char *from)
{
	struct err why = ERR_INIT;
	int64_t now = clock_mono_ms();
	backoff_failed(&h->backoff, BACKOFF_ADDRESS, from, now);
	if (in->name)
		backoff_failed(&h->backoff, BACKOFF_PERSON, in->name, now);
	log_warn("http: a login failed from=%s", from);
	if (!write_row(h, KIND_LOGIN_FAILED, known ? in->name : NULL, in->badge ? "badge" : "pin", "", from, &why))
		log_error("http: a failed login is not in the journal: %s", why.msg);
}

static bool look_at(struct http *h, const struct attempt_in *in, const char *from, struct journal_person *out,
    struct answer *a, struct err *e)
{
	if (pthread_mutex_trylock(&h->hashing)) {
		a->retry_after = 1;
		return err_set(e, CODE_LOGIN_WAIT, "another login is being looked at");
	}
	out->known = false;
	bool good = !must_wait(h, in, from, a, e) && check(h, in, out, e);
	if (!good && e->code == CODE_LOGIN_FAILED)
		failed(h, in, out->known, from);
	pthread_mutex_unlock(&h->hashing);
	return good;
}

static void give_cookie(const struct http *h, const char *number, struct answer *a)
{
	snprintf(a->cookie, sizeof a->cookie, "%s=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%lld%s", h->cookie,
	    number, *number ? (long long)(h->sessions.whole_ms / 1000) : 0LL, h->tls ? "; Secure" : "");
}

static void end_session(struct http *h, uint64_t id)
{
	sessions_end(&h->sessions, id);
	conns_end_tagged(&h->conns, TAG_SESSION(id));
}

static bool begin(struct http *h, const char *name, enum role role, unsigned status, struct answer *a, struct err *e)
{
	struct session session;
	char number[SECRET_TEXT];
	sessions_begin(&h->sessions, name, role, clock_mono_ms(), number, &session);
	session_line_changed(h);
	give_cookie(h, number, a);
	struct caller c = { .known = true, .is_person = true, .role = role, .rights = role_rights(role) };
	snprintf(c.who.by, sizeof c.who.by, "%s", name);
	return answer_caller(h, &c, status, a, e);
}

bool api_session_begin(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { "name", "pin", "badge", NULL };
	struct attempt_in in = { NULL, NULL, NULL };
	struct journal_person person;
	enum role role;
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!body || !request_no_params(r, e) || !read_body(body, NULL, &in, e) ||
	    !look_at(h, &in, r->caller.who.from, &person, a, e) || !role_from_name(person.role, &role, e) ||
	    !write_row(h, KIND_LOGIN, person.name, in.badge ? "badge" : "pin", person.name, r->caller.who.from, e))
		return false;
	backoff_good(&h->backoff, BACKOFF_PERSON, person.name);
	backoff_good(&h->backoff, BACKOFF_ADDRESS, r->caller.who.from);
	if (r->caller.session) /* the next badge at the same screen */
		end_session(h, r->caller.session);
	return begin(h, person.name, role, 201, a, e);
}

/* --- one's own PIN ------------------------------------------------------------------------------------------------ */

static bool write_pin(struct http *h, const char *name, const char *pin, const char *from, struct err *e)
{
	char hash[CREDENTIAL_SIZE];
	struct who who = { .by = "" };
	pthread_mutex_lock(&h->hashing);
	bool hashed = secret_pin(&h->secrets, pin, hash, e);
	pthread_mutex_unlock(&h->hashing);
	if (!hashed)
		return false;
	snprintf(who.by, sizeof who.by, "%s", name);
	snprintf(who.from, sizeof who.from, "%s", from);
	struct cJSON *row = json_new_object();
	json_add_string(row, "person", name);
	json_add_string(row, "pin", hash);
	who_add(row, &who);
	return journal_write(h->o.journal, KIND_PERSON_PIN, row, e) != 0;
}

/* Who knows the PIN, or has the badge, may change the PIN; nobody else's than that of who is logged in.  As after every
 * change of a PIN that person's sessions end; whoever asked for it by one has a new one. */
bool api_session_pin(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { "name", "pin", "badge", "new_pin", NULL };
	struct attempt_in in = { NULL, NULL, NULL };
	const struct caller *c = &r->caller;
	const char *own = c->is_person ? c->who.by : NULL, *next;
	struct journal_person person;
	enum role role;
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!body || !request_no_params(r, e) || !json_string(body, "new_pin", &next, e) ||
	    !pin_valid("new_pin", next, e) || !read_body(body, own, &in, e) ||
	    !look_at(h, &in, c->who.from, &person, a, e) || !role_from_name(person.role, &role, e))
		return false;
	if (own && strcmp(own, person.name) != 0)
		return err_set(e, CODE_FORBIDDEN, "%s is logged in here, not %s", own, person.name);
	if (!write_pin(h, person.name, next, c->who.from, e))
		return false;
	backoff_good(&h->backoff, BACKOFF_PERSON, person.name);
	backoff_good(&h->backoff, BACKOFF_ADDRESS, c->who.from);
	session_end_all(h, person.name);
	return own ? begin(h, person.name, role, 200, a, e) : answer_caller(h, c, 200, a, e);
}

/* --- out ---------------------------------------------------------------------------------------------------------- */

bool api_session_end(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { NULL };
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!body || !request_no_params(r, e))
		return false;
	if (r->caller.session) {
		end_session(h, r->caller.session);
		session_line_changed(h);
		/* out is out, whatever becomes of the row */
		struct err why = ERR_INIT;
		const struct who *who = &r->caller.who;
		if (!write_row(h, KIND_LOGOUT, who->by, NULL, who->by, who->from, &why))
			log_error("http: a logout is not in the journal: %s", why.msg);
	}
	give_cookie(h, "", a);
	struct caller nobody = { .rights = h->login_required ? 0 : RIGHTS_ALL };
	return answer_caller(h, &nobody, 200, a, e);
}
