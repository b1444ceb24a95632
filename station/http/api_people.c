/* People: who may come in, as what, and by what.  Every change ends that person's sessions. */
#include "http/api.h"

#include "format/json.h"
#include "journal/kinds.h"
#include "journal/people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 64
#define PIN_MIN        6
#define PIN_MAX        64
#define BADGE_MIN      8

bool api_people(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	return answer_list(h, r, query_people, a, e);
}

/* A repeat is answered also when that person has gone meanwhile. */
static bool answer_person(
    struct http *h, const struct request *r, const char *name, unsigned status, struct answer *a, struct err *e)
{
	char *json = NULL;
	return query_person(h->reader, name, key_done(r), &json, e) && answer_text(a, status, TYPE_JSON, json, e);
}

/* A ':' marks a token, and "local" is who may read the state directory. */
static bool name_valid(const char *name, struct err *e)
{
	size_t size = strlen(name);
	if (!label_valid("name", name, e))
		return false;
	if (size > NAME_MAX_BYTES || strchr(name, ':') || name[0] == ' ' || name[size - 1] == ' ' ||
	    !strcmp(name, "local"))
		return err_set(e, CODE_BAD_REQUEST,
		    "name must have 1 to %d bytes, no ':', no space at an end, and may not be local", NAME_MAX_BYTES);
	return true;
}

/* Of UTF-8. */
static size_t characters(const char *text)
{
	size_t n = 0;
	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static bool length_fits(const char *key, const char *text, size_t least, size_t most, struct err *e)
{
	size_t size = strlen(text);
	return (label_valid(key, text, e) && characters(text) >= least && size <= most) ||
	       err_set(e, CODE_BAD_REQUEST,
		   "%s must have at least %zu characters, at most %zu bytes, and no control characters", key, least,
		   most);
}

/* What is typed or scanned; NULL where the body has null or nothing. */
static bool read_secret(const struct cJSON *body, const char *key, const char **out, struct err *e)
{
	bool pin = !strcmp(key, "pin");
	*out = NULL;
	if (!json_member(body, key))
		return true;
	if (!json_string_or_null(body, key, out, e))
		return false;
	if (*out && !pin)
		*out = secret_badge_text(*out);
	return !*out || length_fits(key, *out, pin ? PIN_MIN : BADGE_MIN, pin ? PIN_MAX : LABEL_MAX, e);
}

bool pin_valid(const char *key, const char *pin, struct err *e)
{
	return length_fits(key, pin, PIN_MIN, PIN_MAX, e);
}

/* As it is kept; "" for NULL.  One hash at a time. */
static bool hash_secret(struct http *h, const char *key, const char *text, char out[CREDENTIAL_SIZE], struct err *e)
{
	out[0] = '\0';
	if (!text)
		return true;
	pthread_mutex_lock(&h->hashing);
	bool done =
	    !strcmp(key, "pin") ? secret_pin(&h->secrets, text, out, e) : secret_badge(&h->secrets, text, out, e);
	pthread_mutex_unlock(&h->hashing);
	return done;
}

static bool badge_is_free(struct http *h, const char *badge, const char *person, struct err *e)
{
	struct journal_person other = { .known = false };
	if (*badge && !journal_person_by_badge(h->reader, badge, &other, e))
		return false;
	return !other.known || !strcmp(other.name, person) ||
	       err_set(e, CODE_CONFLICT, "this badge is %s's", other.name);
}

bool api_person_add(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { "name", "role", "pin", "badge", NULL };
	const char *name, *role_text, *pin_text, *badge_text;
	char pin[CREDENTIAL_SIZE], badge[CREDENTIAL_SIZE];
	enum role role;
	struct journal_person known;
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!body || !request_no_params(r, e) || !json_string(body, "name", &name, e) || !name_valid(name, e) ||
	    !json_string(body, "role", &role_text, e) || !role_from_name(role_text, &role, e) ||
	    !read_secret(body, "pin", &pin_text, e) || !read_secret(body, "badge", &badge_text, e) ||
	    !journal_person(h->reader, name, &known, e))
		return false;
	if (key_done(r))
		return answer_person(h, r, name, r->before.status, a, e);
	if (known.known)
		return err_set(e, CODE_CONFLICT, "%s is here already", name);
	if (!hash_secret(h, "pin", pin_text, pin, e) || !hash_secret(h, "badge", badge_text, badge, e) ||
	    !badge_is_free(h, badge, name, e))
		return false;
	struct cJSON *row = json_new_object();
	json_add_string(row, "person", name);
	json_add_string(row, "role", role_word(role));
	json_add_string(row, "pin", *pin ? pin : NULL);
	json_add_string(row, "badge", *badge ? badge : NULL);
	r->caller.who.status = 201;
	who_add(row, &r->caller.who);
	return journal_write(h->o.journal, KIND_PERSON_ADDED, row, e) && answer_person(h, r, name, 201, a, e);
}

/* --- changes ------------------------------------------------------------------------------------------------------ */

static bool look_up(struct http *h, const char *name, struct journal_person *out, struct err *e)
{
	return journal_person(h->reader, name, out, e) &&
	       (out->known || err_set(e, CODE_NOT_FOUND, "there is no person %.64s", name));
}

static bool administers(const struct journal_person *p)
{
	return !strcmp(p->role, role_word(ROLE_ADMIN)) && (*p->pin || p->badge);
}

/* What that person is once the row is written; key NULL: gone. */
static struct journal_person changed(struct journal_person p, const char *key, const char *value)
{
	if (!key)
		*p.role = '\0';
	else if (!strcmp(key, "role"))
		snprintf(p.role, sizeof p.role, "%s", value);
	else if (!strcmp(key, "pin"))
		snprintf(p.pin, sizeof p.pin, "%s", value ? value : "");
	else
		p.badge = value != NULL;
	return p;
}

/* Where a login is wanted somebody must be left who can let others in. */
static bool somebody_is_left(struct http *h, const char *name, const char *key, const char *value, struct err *e)
{
	struct journal_person person;
	int64_t others = 0;
	if (!look_up(h, name, &person, e))
		return false;
	struct journal_person next = changed(person, key, value);
	if (!h->login_required || !administers(&person) || administers(&next))
		return true;
	return journal_people_with(h->reader, role_word(ROLE_ADMIN), name, &others, e) &&
	       (others || err_set(e, CODE_LAST_ADMIN, "%s is the last administrator who can log in", name));
}

/* One more member of the row, or none. */
static bool write_row(
    struct http *h, const struct request *r, const char *kind, const char *key, const char *value, struct err *e)
{
	if (!somebody_is_left(h, r->args.text[0], key, value, e))
		return false;
	struct cJSON *row = json_new_object();
	json_add_string(row, "person", r->args.text[0]);
	if (key)
		json_add_string(row, key, value);
	who_add(row, &r->caller.who);
	return journal_write(h->o.journal, kind, row, e) != 0;
}

/* One at a time, so that two administrators do not remove each other. */
static bool write_change(
    struct http *h, const struct request *r, const char *kind, const char *key, const char *value, struct err *e)
{
	pthread_mutex_lock(&h->people);
	bool written = write_row(h, r, kind, key, value, e);
	pthread_mutex_unlock(&h->people);
	if (written)
		session_end_all(h, r->args.text[0]);
	return written;
}

bool api_person_remove(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { NULL };
	char *json = NULL;
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!body || !request_no_params(r, e))
		return false;
	if (key_done(r))
		return answer_person(h, r, r->args.text[0], 200, a, e);
	struct journal_person person;
	if (!look_up(h, r->args.text[0], &person, e) || !query_person(h->reader, r->args.text[0], false, &json, e))
		return false;
	if (write_change(h, r, KIND_PERSON_REMOVED, NULL, NULL, e))
		return answer_text(a, 200, TYPE_JSON, json, e);
	free(json);
	return false;
}

bool api_person_role(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { "role", NULL };
	const char *text;
	enum role role;
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	return body && request_no_params(r, e) && json_string(body, "role", &text, e) &&
	       role_from_name(text, &role, e) &&
	       (key_done(r) || write_change(h, r, KIND_PERSON_ROLE, "role", role_word(role), e)) &&
	       answer_person(h, r, r->args.text[0], 200, a, e);
}

static bool change_pin(struct http *h, const struct request *r, const char *given, struct err *e)
{
	char pin[CREDENTIAL_SIZE];
	struct journal_person person;
	return look_up(h, r->args.text[0], &person, e) && hash_secret(h, "pin", given, pin, e) &&
	       write_change(h, r, KIND_PERSON_PIN, "pin", *pin ? pin : NULL, e);
}

bool api_person_pin(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { "pin", NULL };
	const char *given;
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	return body && request_no_params(r, e) && json_string_or_null(body, "pin", &given, e) &&
	       read_secret(body, "pin", &given, e) && (key_done(r) || change_pin(h, r, given, e)) &&
	       answer_person(h, r, r->args.text[0], 200, a, e);
}

static bool change_badge(struct http *h, const struct request *r, const char *given, struct err *e)
{
	char badge[CREDENTIAL_SIZE];
	struct journal_person person;
	return look_up(h, r->args.text[0], &person, e) && hash_secret(h, "badge", given, badge, e) &&
	       badge_is_free(h, badge, r->args.text[0], e) &&
	       write_change(h, r, KIND_PERSON_BADGE, "badge", *badge ? badge : NULL, e);
}

bool api_person_badge(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { "badge", NULL };
	const char *given;
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	return body && request_no_params(r, e) && json_string_or_null(body, "badge", &given, e) &&
	       read_secret(body, "badge", &given, e) && (key_done(r) || change_badge(h, r, given, e)) &&
	       answer_person(h, r, r->args.text[0], 200, a, e);
}
