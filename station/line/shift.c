/* Reads the challenge, and says whether a shift is open. */
#include "line/shift.h"

#include "format/json.h"
#include "os/file.h"

#include <stdio.h>
#include <string.h>

#define MAX_FILE 65536

static enum verdict verdict_of(const char *name)
{
	for (int v = VERDICT_PASS; v <= VERDICT_ABORTED; v++)
		if (!strcmp(name, verdict_name((enum verdict)v)))
			return (enum verdict)v;
	return VERDICT_NONE;
}

static bool read_name(const struct cJSON *unit, const char *key, char *out, size_t size, struct err *e)
{
	const char *text = "";
	if (json_member(unit, key) && !json_string(unit, key, &text, e))
		return false;
	return snprintf(out, size, "%s", text) < (int)size || err_set(e, CODE_JSON_INVALID, "\"%s\" is too long", key);
}

static bool read_unit(const struct cJSON *unit, struct challenge *c, struct err *e)
{
	static const char *const keys[] = { "uid", "serial", "verdict", "code", NULL };
	const char *verdict, *code;
	if (!json_is_object(unit) || !json_only_keys(unit, keys, e) ||
	    !read_name(unit, "uid", c->uid, sizeof c->uid, e) ||
	    !read_name(unit, "serial", c->serial, sizeof c->serial, e) || !json_string(unit, "verdict", &verdict, e) ||
	    !json_string(unit, "code", &code, e))
		return false;
	c->verdict = verdict_of(verdict);
	c->code = code_from_name(code);
	if (!c->uid[0] == !c->serial[0])
		return err_set(e, CODE_JSON_INVALID, "a unit has either a uid or a serial");
	return (c->code < CODE_COUNT && code_verdict(c->code) == c->verdict) ||
	       err_set(e, CODE_JSON_INVALID, "no attempt ends %.20s with %.40s", verdict, code);
}

bool challenge_parse(struct span text, struct challenge_list *out, struct err *e)
{
	static const char *const keys[] = { "units", NULL };
	const struct cJSON *units;
	AUTO_JSON struct cJSON *json = json_parse(text, e);
	out->count = 0;
	if (!json || !json_is_object(json) || !json_only_keys(json, keys, e) || !json_array(json, "units", &units, e))
		return e->code != CODE_OK ? false : err_set(e, CODE_JSON_INVALID, "it is no object");
	for (const struct cJSON *u = json_first(units); u; u = json_after(u)) {
		if (out->count == CHALLENGE_MOST)
			return err_set(e, CODE_JSON_INVALID, "more than %d units", CHALLENGE_MOST);
		out->units[out->count] = (struct challenge){ .verdict = VERDICT_NONE };
		if (!read_unit(u, &out->units[out->count], e))
			return e->code != CODE_OK
				   ? err_prefix(e, "unit %u", out->count + 1)
				   : err_set(e, CODE_JSON_INVALID, "unit %u is no object", out->count + 1);
		out->count++;
	}
	return out->count || err_set(e, CODE_JSON_INVALID, "it names no unit");
}

bool challenge_load(const char *path, unsigned hours, struct challenge_list *out, struct err *e)
{
	AUTO_FREE uint8_t *text = NULL;
	size_t size;
	*out = (struct challenge_list){ .hours = hours };
	if (!*path)
		return true;
	return (file_read(path, MAX_FILE, &text, &size, e) && challenge_parse(span_of(text, size), out, e)) ||
	       err_prefix(e, "[shift] challenge, %.100s", path);
}

bool challenge_has(const struct challenge_list *list, const char *uid, const char *serial)
{
	for (unsigned i = 0; i < list->count; i++) {
		const struct challenge *c = &list->units[i];
		if (c->uid[0] ? !strcmp(c->uid, uid) : !strcmp(c->serial, serial))
			return true;
	}
	return false;
}

const char *shift_state_name(enum shift_state state)
{
	static const char *const names[] = { "off", "none", "challenge", "open" };
	return names[state];
}

bool shift_look(struct journal_reader *r, const struct challenge_list *list, int64_t now, enum shift_state *state,
    struct journal_shift *shift, struct err *e)
{
	struct journal_shift own = { .id = 0 };
	struct journal_shift *s = shift ? shift : &own;
	*state = SHIFT_OFF;
	if (!list->count)
		return true;
	if (!journal_shift(r, s, e))
		return false;
	*state = !s->id || s->ended || now >= s->ends ? SHIFT_NONE : s->unmet ? SHIFT_CHALLENGE : SHIFT_OPEN;
	return true;
}

bool shift_allows(struct journal_reader *r, const struct challenge_list *list, int64_t now, struct err *e)
{
	enum shift_state state;
	struct journal_shift shift;
	if (!shift_look(r, list, now, &state, &shift, e))
		return false;
	if (state == SHIFT_CHALLENGE)
		return err_set(
		    e, CODE_SHIFT_CLOSED, "%lld challenge units have not shown what they must", (long long)shift.unmet);
	return state != SHIFT_NONE || err_set(e, CODE_SHIFT_CLOSED, "no shift was started, or it is over");
}
