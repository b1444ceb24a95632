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

void slot_destroy(struct slot *s)
{
	if (!s)
		return;
	worker_destroy(s->worker);
	look_end(s->look);
	stored_recipe_drop(s->order);
	attempt_destroy(s->attempt);
	free(s);
}

/* place: borrowed; its name and path count, and where it stands on the picture. */
static struct slot *slot_add(struct line *l, const struct line_place *place, struct err *e)
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
	s->has_usb = true;
	s->number = l->slot_count + 1;
	s->enabled = true;
	s->since = clock_wall_ms();
	s->x = place->x;
	s->y = place->y;
	snprintf(s->path, sizeof s->path, "%s", place->path);
	if (place->name[0])
		snprintf(s->name, sizeof s->name, "%s", place->name);
	else
		snprintf(s->name, sizeof s->name, "slot %u", s->number);
	snprintf(thread, sizeof thread, "slot-%u", s->number);
	if (!nest_load(s, place, e) || !worker_create(&s->worker, thread, e)) {
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

/* Under `line = auto`: no place on the picture, and, when new, no name yet. */
static struct slot *slot_add_path(struct line *l, const char *path, const char *name, struct err *e)
{
	struct line_place place = { .x = -1, .y = -1 };
	snprintf(place.path, sizeof place.path, "%s", path);
	snprintf(place.name, sizeof place.name, "%s", name);
	return slot_add(l, &place, e);
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
	s = slot_add_path(l, path, "", &why);
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

bool line_file_read(const char *path, struct line_file *out, struct err *e)
{
	AUTO_FREE uint8_t *text = NULL;
	size_t size;
	if (!file_read(path, LINE_FILE_MAX, &text, &size, e))
		return false;
	return line_file_parse(span_of(text, size), out, e) || err_prefix(e, "%s", path);
}

static bool load_file(struct line *l, struct err *e)
{
	struct line_file f;
	if (!line_file_read(l->o.line_file, &f, e))
		return false;
	for (unsigned i = 0; i < f.count; i++)
		if (!slot_add(l, &f.places[i], e))
			return false;
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
		s = slot_add_path(l, known->path, known->name, r->e);
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
