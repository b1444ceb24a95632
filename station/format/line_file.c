/* Reading a line file. */
#include "format/line_file.h"

#include "format/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool usb_path_valid(const char *path)
{
	char *end;
	if (strlen(path) >= LINE_PATH_SIZE || path[0] < '1' || path[0] > '9')
		return false;
	unsigned long bus = strtoul(path, &end, 10);
	for (unsigned depth = 0; depth < 7 && (*end == '-' || *end == '.'); depth++) {
		if ((*end == '-') != (depth == 0) || end[1] < '1' || end[1] > '9')
			return false;
		unsigned long port = strtoul(end + 1, &end, 10);
		if (port > 255)
			return false;
		if (!*end)
			return bus <= 999;
	}
	return false;
}

static bool stands_already(const struct line_file *f, const char *path)
{
	for (unsigned i = 0; i < f->count; i++)
		if (!strcmp(f->places[i].path, path))
			return true;
	return false;
}

static bool parse_xy(const struct cJSON *item, struct line_file *f, struct line_place *place, struct err *e)
{
	int64_t x, y;
	place->x = place->y = -1;
	if (!json_member(item, "x") && !json_member(item, "y"))
		return true;
	if (!json_integer(item, "x", 0, LINE_MAX_PLACE, &x, e) || !json_integer(item, "y", 0, LINE_MAX_PLACE, &y, e))
		return err_prefix(e, "slot %u", f->count + 1);
	for (unsigned i = 0; i < f->count; i++)
		if (f->places[i].x == x && f->places[i].y == y)
			return err_set(e, CODE_CONFIG_INVALID, "slot %u stands where slot %u does on the picture",
			    f->count + 1, i + 1);
	place->x = (int)x;
	place->y = (int)y;
	return true;
}

static bool parse_place(const struct cJSON *item, struct line_file *f, struct err *e)
{
	static const char *const keys[] = { "slot", "name", "path", "x", "y", NULL };
	const char *name, *path;
	int64_t number;
	if (!json_only_keys(item, keys, e) || !json_integer(item, "slot", 1, LINE_MAX_SLOTS, &number, e) ||
	    !json_string(item, "name", &name, e) || !json_string(item, "path", &path, e))
		return false;
	if (number != f->count + 1)
		return err_set(
		    e, CODE_CONFIG_INVALID, "slot %lld is out of order; numbers run from 1", (long long)number);
	if (!usb_path_valid(path) || stands_already(f, path))
		return err_set(e, CODE_CONFIG_INVALID, "slot %lld: '%.40s' is no USB path, or stands twice",
		    (long long)number, path);
	if (!*name || strlen(name) >= LINE_NAME_SIZE)
		return err_set(e, CODE_CONFIG_INVALID, "slot %lld: its name is empty or too long", (long long)number);
	struct line_place *place = &f->places[f->count];
	if (!parse_xy(item, f, place, e))
		return false;
	f->count++;
	snprintf(place->name, sizeof place->name, "%s", name);
	snprintf(place->path, sizeof place->path, "%s", path);
	return true;
}

bool line_file_parse(struct span text, struct line_file *out, struct err *e)
{
	static const char *const keys[] = { "name", "slots", NULL };
	const struct cJSON *list;
	out->count = 0;
	AUTO_JSON struct cJSON *json = json_parse(text, e);
	if (!json || !json_only_keys(json, keys, e) || !json_array(json, "slots", &list, e))
		return false;
	for (const struct cJSON *item = json_first(list); item; item = json_after(item))
		if (!parse_place(item, out, e))
			return false;
	return out->count > 0 || err_set(e, CODE_CONFIG_INVALID, "it has no slots");
}
