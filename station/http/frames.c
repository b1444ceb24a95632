/* Makes frames: looks up what a row is about and prints it behind the row's number and kind. */
#include "http/frames.h"

#include "format/json.h"
#include "http/api.h"
#include "journal/kinds.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* key: the member of the row's body that names the subject; NULL: the row's own number does. */
static const struct {
	const char *kind;
	enum subject about;
	const char *key;
} subjects[] = {
	{ KIND_STATION_STARTED, ABOUT_STATION, NULL }, { KIND_STATION_STOPPED, ABOUT_STATION, NULL },
	{ KIND_STATION_HELD, ABOUT_STATION, NULL }, { KIND_STATION_RESUMED, ABOUT_STATION, NULL },
	{ KIND_RECIPE_ADDED, ABOUT_RECIPE, "sha256" }, { KIND_RECIPE_SIGNATURES, ABOUT_RECIPE, "sha256" },
	{ KIND_RECIPE_APPROVED, ABOUT_RECIPE, "sha256" }, { KIND_RECIPE_ACTIVATED, ABOUT_RECIPE, "sha256" },
	{ KIND_RECIPE_RETIRED, ABOUT_RECIPE, "sha256" }, { KIND_RECIPE_REVOKED, ABOUT_RECIPE, "sha256" },
	{ KIND_BATCH_OPENED, ABOUT_BATCH, NULL }, { KIND_BATCH_HELD, ABOUT_BATCH, "batch" },
	{ KIND_BATCH_RESUMED, ABOUT_BATCH, "batch" }, { KIND_BATCH_CLOSED, ABOUT_BATCH, "batch" },
	{ KIND_ATTEMPT_STARTED, ABOUT_ATTEMPT, NULL }, { KIND_ATTEMPT_REFUSED, ABOUT_ATTEMPT, NULL },
	{ KIND_ATTEMPT_STEP, ABOUT_ATTEMPT, "attempt" }, { KIND_ATTEMPT_WRITING, ABOUT_ATTEMPT, "attempt" },
	{ KIND_ATTEMPT_ENDED, ABOUT_ATTEMPT, "attempt" }, { KIND_SLOT_ADDED, ABOUT_SLOT, "slot" },
	{ KIND_SLOT_ENABLED, ABOUT_SLOT, "slot" }, { KIND_SLOT_DISABLED, ABOUT_SLOT, "slot" },
	{ KIND_SLOT_HELD, ABOUT_SLOT, "slot" }, { KIND_UNIT_SERIAL, ABOUT_UNIT, "uid" },
	{ KIND_SLOT_ORDERED, ABOUT_SLOT, "slot" }, { KIND_PERSON_ADDED, ABOUT_SECRET, NULL },
	{ KIND_PERSON_REMOVED, ABOUT_SECRET, NULL }, { KIND_PERSON_ROLE, ABOUT_SECRET, NULL },
	{ KIND_PERSON_PIN, ABOUT_SECRET, NULL }, { KIND_PERSON_BADGE, ABOUT_SECRET, NULL },
	{ KIND_TOKEN_CREATED, ABOUT_SECRET, NULL }, { KIND_TOKEN_REVOKED, ABOUT_SECRET, NULL },
	{ KIND_LOGIN, ABOUT_SECRET, NULL }, { KIND_LOGIN_FAILED, ABOUT_SECRET, NULL },
	{ KIND_LOGOUT, ABOUT_SECRET, NULL },
	{ KIND_STATION_EVENT, ABOUT_ITSELF, NULL }, /* it happened and is nowhere else */
};

#define SUBJECTS (sizeof subjects / sizeof *subjects)

static size_t subject_row(const char *kind)
{
	size_t i = 0;
	while (i < SUBJECTS - 1 && strcmp(subjects[i].kind, kind) != 0)
		i++;
	return i;
}

enum subject subject_of(const char *kind)
{
	return subjects[subject_row(kind)].about;
}

/* A row as it was read; its subject is looked up once the reading has ended, so that nobody holds two readings. */
struct row {
	int64_t seq;
	char kind[32];
	char *body; /* owned */
};

struct page {
	unsigned count;
	struct row rows[FRAMES_PAGE];
};

static bool keep_row(void *context, int64_t seq, const char *at, const char *kind, const char *body)
{
	struct page *p = context;
	(void)at;
	struct row *r = &p->rows[p->count++];
	r->seq = seq;
	snprintf(r->kind, sizeof r->kind, "%s", kind);
	r->body = strdup(body);
	return r->body && p->count < FRAMES_PAGE;
}

static char *printed(struct cJSON *json)
{
	char *text = json ? json_print(json) : NULL;
	json_free(json);
	return text;
}

/* The name or number that the subject goes by, as text. */
static const char *subject_name(const struct cJSON *body, const char *key, int64_t own, char number[24])
{
	const char *text = NULL;
	int64_t n = own;
	if (key && json_string(body, key, &text, NULL))
		return text;
	if (key && !json_integer(body, key, 0, INT64_C(1) << 53, &n, NULL))
		return "";
	snprintf(number, 24, "%" PRId64, n);
	return number;
}

/* NULL when it is not there (any more). */
static char *look_up(struct http *h, const struct row *r)
{
	char number[24], *json = NULL;
	size_t row = subject_row(r->kind);
	struct err why = ERR_INIT;
	AUTO_JSON struct cJSON *body = json_parse(span_of(r->body, strlen(r->body)), &why);
	const char *name = body ? subject_name(body, subjects[row].key, r->seq, number) : "";
	switch (subjects[row].about) {
	case ABOUT_STATION:
		return printed(station_object(h, &why));
	case ABOUT_RECIPE:
		query_recipe(h->reader, name, &json, &why);
		break;
	case ABOUT_BATCH:
		query_batch(h->reader, strtoll(name, NULL, 10), &json, &why);
		break;
	case ABOUT_ATTEMPT:
		query_attempt(h->reader, strtoll(name, NULL, 10), &json, &why);
		break;
	case ABOUT_SLOT:
		return printed(slot_object(h, (unsigned)strtoul(name, NULL, 10), &why));
	case ABOUT_UNIT:
		query_unit_alone(h->reader, name, &json, &why);
		break;
	case ABOUT_SECRET:
	case ABOUT_ITSELF:
		break;
	}
	return json;
}

bool frames_read(struct http *h, int64_t after, frame_taken *each, void *context, struct err *e)
{
	struct page p = { .count = 0 };
	bool ok = query_events(h->reader, after, FRAMES_PAGE, keep_row, &p, e);
	for (unsigned i = 0; i < p.count; i++) {
		struct row *r = &p.rows[i];
		AUTO_FREE char *body = r->body;
		AUTO_FREE char *data = ok && body ? look_up(h, r) : NULL;
		const char *fallback = subject_of(r->kind) == ABOUT_SECRET ? "{}" : body;
		char *text = NULL;
		int size = !ok || !body ? -1
					: asprintf(&text, "id: %" PRId64 "\nevent: %s\ndata: %s\n\n", r->seq, r->kind,
					      data ? data : fallback);
		if (size < 0)
			ok = ok && err_set(e, CODE_NO_MEMORY, "no memory for an event");
		else
			each(context, r->seq, r->kind, text, (size_t)size);
	}
	return ok;
}

char *frame_of_slot(const struct slot_view *v, const char *serial)
{
	struct cJSON *json = json_new_object();
	char *text = NULL;
	slot_fill(json, v, serial);
	AUTO_FREE char *data = printed(json);
	if (!data || asprintf(&text, "event: slot\ndata: %s\n\n", data) < 0)
		return NULL;
	return text;
}

int64_t events_resume(const char *last, int64_t newest, bool *reset)
{
	*reset = false;
	if (!last)
		return newest;
	size_t digits = strspn(last, "0123456789");
	int64_t seen = digits && digits <= 18 && !last[digits] ? strtoll(last, NULL, 10) : -1;
	*reset = seen < 0 || seen > newest || newest - seen > EVENTS_BEHIND;
	return *reset ? newest : seen;
}
