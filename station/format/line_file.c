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
		if (!strcmp(f->places[i].path, path) || !strcmp(f->places[i].probe.path, path))
			return true;
	return false;
}

static bool port_stands_already(const struct line_file *f, int64_t port)
{
	for (unsigned i = 0; i < f->count; i++)
		if (f->places[i].probe.port == port)
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

/* A path or a port: where the probe is. */
static bool parse_where(const struct cJSON *o, const struct line_file *f, struct line_probe *p, struct err *e)
{
	const char *path;
	int64_t port;
	if (json_member(o, "path") && json_member(o, "port"))
		return err_set(e, CODE_CONFIG_INVALID, "a probe has a path or a port, not both");
	if (!json_member(o, "port")) {
		if (!json_string(o, "path", &path, e))
			return false;
		if (!usb_path_valid(path) || stands_already(f, path))
			return err_set(
			    e, CODE_CONFIG_INVALID, "its probe's '%.40s' is no USB path, or stands twice", path);
		snprintf(p->path, sizeof p->path, "%s", path);
		return true;
	}
	if (!json_integer(o, "port", 1, UINT16_MAX, &port, e))
		return false;
	if (p->driver != PROBE_ST_LINK)
		return err_set(e, CODE_CONFIG_INVALID, "only an st-link is reached by a port");
	if (port_stands_already(f, port))
		return err_set(e, CODE_CONFIG_INVALID, "its probe's port %lld stands twice", (long long)port);
	p->port = (uint16_t)port;
	return true;
}

static bool parse_probe(const struct cJSON *item, const struct line_file *f, struct line_probe *p, struct err *e)
{
	static const char *const keys[] = { "driver", "path", "port", "board", "khz", NULL };
	const struct cJSON *o;
	const char *driver, *board;
	int64_t khz;
	*p = (struct line_probe){ .there = json_member(item, "probe") != NULL };
	if (!p->there)
		return true;
	if (!json_object(item, "probe", &o, e) || !json_only_keys(o, keys, e) ||
	    !json_string(o, "driver", &driver, e) || !json_string(o, "board", &board, e) ||
	    !json_integer(o, "khz", 5, LINE_MAX_KHZ, &khz, e))
		return false;
	if (strcmp(driver, "st-link") != 0 && strcmp(driver, "cmsis-dap") != 0)
		return err_set(e, CODE_CONFIG_INVALID, "its probe's driver is neither st-link nor cmsis-dap");
	if (!*board || strlen(board) >= sizeof p->board)
		return err_set(e, CODE_CONFIG_INVALID, "its probe's board is empty or too long");
	p->driver = *driver == 's' ? PROBE_ST_LINK : PROBE_CMSIS_DAP;
	p->khz = (uint32_t)khz;
	memcpy(p->board, board, strlen(board) + 1);
	return parse_where(o, f, p, e);
}

/* The camera's own path on USB, or a name of the slot that is none. */
static bool parse_path(const struct cJSON *item, const struct line_file *f, struct line_place *place, struct err *e)
{
	const struct line_probe *probe = &place->probe;
	const char *path;
	place->has_usb = !probe->there || json_member(item, "path");
	if (!place->has_usb && probe->port)
		snprintf(place->path, sizeof place->path, "swd-%u", (unsigned)probe->port);
	else if (!place->has_usb)
		snprintf(place->path, sizeof place->path, "swd-%.27s", probe->path);
	if (!place->has_usb)
		return true;
	if (!json_string(item, "path", &path, e))
		return false;
	if (!usb_path_valid(path) || stands_already(f, path) || !strcmp(path, probe->path))
		return err_set(e, CODE_CONFIG_INVALID, "'%.40s' is no USB path, or stands twice", path);
	snprintf(place->path, sizeof place->path, "%s", path);
	return true;
}

static bool parse_place(const struct cJSON *item, struct line_file *f, struct err *e)
{
	static const char *const keys[] = { "slot", "name", "path", "probe", "x", "y", NULL };
	const char *name;
	int64_t number;
	if (!json_only_keys(item, keys, e) || !json_integer(item, "slot", 1, LINE_MAX_SLOTS, &number, e) ||
	    !json_string(item, "name", &name, e))
		return false;
	struct line_place *place = &f->places[f->count];
	if (number != f->count + 1)
		return err_set(
		    e, CODE_CONFIG_INVALID, "slot %lld is out of order; numbers run from 1", (long long)number);
	if (!parse_probe(item, f, &place->probe, e) || !parse_path(item, f, place, e))
		return err_prefix(e, "slot %lld", (long long)number);
	if (!*name || strlen(name) >= LINE_NAME_SIZE)
		return err_set(e, CODE_CONFIG_INVALID, "slot %lld: its name is empty or too long", (long long)number);
	if (!parse_xy(item, f, place, e))
		return false;
	f->count++;
	snprintf(place->name, sizeof place->name, "%s", name);
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
