/* Slots: physical USB paths with a number and a name.  From a line file they are fixed; under `line = auto` a path gets
 * the next number when a camera first shows up there, and keeps it: the journal remembers. */
#include "line/line_state.h"

#include "format/json.h"
#include "journal/kinds.h"
#include "os/clock.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_FILE_MAX 65536

/* "1-2.3": a bus, then ports of 1 to 255, at most 7 deep (USB 2.0 section 4.1.1 allows five hubs in a row). */
static bool path_valid(const char *path)
{
	unsigned long bus, port;
	char *end;
	if (strlen(path) >= USB_PATH_SIZE || path[0] < '1' || path[0] > '9')
		return false;
	bus = strtoul(path, &end, 10);
	for (unsigned depth = 0; depth < 7 && (*end == '-' || *end == '.'); depth++) {
		if ((*end == '-') != (depth == 0) || end[1] < '1' || end[1] > '9')
			return false;
		port = strtoul(end + 1, &end, 10);
		if (port > 255)
			return false;
		if (!*end)
			return bus <= 999;
	}
	return false;
}

void slot_destroy(struct slot *s)
{
	if (!s)
		return;
	worker_destroy(s->worker);
	attempt_destroy(s->attempt);
	free(s);
}

static struct slot *slot_add(struct line *l, const char *path, const char *name, struct err *e)
{
	char thread[16];
	if (l->slot_count == LINE_MAX_SLOTS) {
		err_set(e, CODE_CONFIG_INVALID, "there are more than %d slots", LINE_MAX_SLOTS);
		return NULL;
	}
	struct slot *s = calloc(1, sizeof *s);
	if (!s) {
		err_set(e, CODE_NO_MEMORY, "no memory for a slot");
		return NULL;
	}
	s->line = l;
	s->number = l->slot_count + 1;
	s->enabled = true;
	s->since = clock_wall_ms();
	snprintf(s->path, sizeof s->path, "%s", path);
	if (name)
		snprintf(s->name, sizeof s->name, "%s", name);
	else
		snprintf(s->name, sizeof s->name, "slot %u", s->number);
	snprintf(thread, sizeof thread, "slot-%u", s->number);
	if (!worker_create(&s->worker, thread, e)) {
		free(s);
		return NULL;
	}
	l->slots[l->slot_count++] = s;
	pthread_mutex_lock(&l->public_lock);
	l->progress[s->number - 1] = &s->progress;
	l->view_count = l->slot_count;
	pthread_mutex_unlock(&l->public_lock);
	slot_publish(s);
	return s;
}

static void remember(struct line *l, const struct slot *s)
{
	struct cJSON *body = json_new_object();
	json_add_integer(body, "slot", s->number);
	json_add_string(body, "name", s->name);
	json_add_string(body, "path", s->path);
	journal_append(l->o.journal, KIND_SLOT_ADDED, body, NULL, NULL);
}

static struct slot *find(const struct line *l, const char *path)
{
	for (unsigned i = 0; i < l->slot_count; i++)
		if (!strcmp(l->slots[i]->path, path))
			return l->slots[i];
	return NULL;
}

struct slot *slot_of_path(struct line *l, const char *path)
{
	struct err why = ERR_INIT;
	struct slot *s = find(l, path);
	if (s || l->fixed_slots)
		return s;
	s = slot_add(l, path, NULL, &why);
	if (s)
		remember(l, s);
	else
		row_event(l, why.code, why.msg, 0, path);
	return s;
}

struct slot *slot_by_number(struct line *l, unsigned number)
{
	return number >= 1 && number <= l->slot_count ? l->slots[number - 1] : NULL;
}

static bool slot_from_file(struct line *l, const struct cJSON *item, struct err *e)
{
	static const char *const keys[] = { "slot", "name", "path", "x", "y", NULL };
	const char *name, *path;
	int64_t number;
	if (!json_only_keys(item, keys, e) || !json_integer(item, "slot", 1, LINE_MAX_SLOTS, &number, e) ||
	    !json_string(item, "name", &name, e) || !json_string(item, "path", &path, e))
		return false;
	if (number != l->slot_count + 1)
		return err_set(
		    e, CODE_CONFIG_INVALID, "slot %lld is out of order; numbers run from 1", (long long)number);
	if (!path_valid(path) || find(l, path))
		return err_set(e, CODE_CONFIG_INVALID, "slot %lld: '%.40s' is no USB path, or stands twice",
		    (long long)number, path);
	if (!*name || strlen(name) >= LINE_NAME_SIZE)
		return err_set(e, CODE_CONFIG_INVALID, "slot %lld: its name is empty or too long", (long long)number);
	return slot_add(l, path, name, e) != NULL;
}

static bool load_file(struct line *l, struct err *e)
{
	static const char *const keys[] = { "name", "slots", NULL };
	AUTO_FREE uint8_t *text = NULL;
	size_t size;
	const struct cJSON *list;
	if (!file_read(l->o.line_file, LINE_FILE_MAX, &text, &size, e))
		return false;
	AUTO_JSON struct cJSON *json = json_parse(span_of(text, size), e);
	if (!json || !json_only_keys(json, keys, e) || !json_array(json, "slots", &list, e))
		return err_prefix(e, "%s", l->o.line_file);
	for (const struct cJSON *item = json_first(list); item; item = json_after(item))
		if (!slot_from_file(l, item, e))
			return err_prefix(e, "%s", l->o.line_file);
	l->fixed_slots = true;
	return true;
}

struct restoring {
	struct line *line;
	struct err *e;
	bool failed;
	bool known[LINE_MAX_SLOTS + 1]; /* the journal says the same of this slot as the line file */
};

static void restore(void *context, const struct journal_slot *known)
{
	struct restoring *r = context;
	struct line *l = r->line;
	struct slot *s = NULL;
	if (l->fixed_slots) {
		s = known->slot <= LINE_MAX_SLOTS ? slot_by_number(l, (unsigned)known->slot) : NULL;
		if (s)
			r->known[s->number] = !strcmp(s->path, known->path) && !strcmp(s->name, known->name);
	} else if (known->slot == l->slot_count + 1) {
		s = slot_add(l, known->path, known->name, r->e);
	}
	if (s) {
		s->enabled = known->enabled;
		slot_publish(s);
	}
	r->failed = r->failed || (!s && !l->fixed_slots);
}

bool slots_load(struct line *l, struct err *e)
{
	struct restoring r = { .line = l, .e = e };
	if (l->o.line_file && !load_file(l, e))
		return false;
	if (!journal_slots(l->reader, restore, &r, e))
		return false;
	for (unsigned n = 1; l->fixed_slots && n <= l->slot_count; n++)
		if (!r.known[n])
			remember(l, l->slots[n - 1]);
	return !r.failed ||
	       err_set(e, CODE_JOURNAL_FAILED, "the journal's slots are not numbered from 1 without a gap");
}
