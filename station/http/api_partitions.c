/* The partitions of the camera in a slot: which there are, their bytes, and a recipe written to them at a person's
 * word. */
#include "http/api.h"

#include "format/json.h"
#include "http/flow.h"
#include "line/look.h"

#include <stdlib.h>
#include <string.h>

static unsigned slot_number(const struct request *r)
{
	return (unsigned)strtoul(r->args.text[0], NULL, 10);
}

/* What is plugged into that slot, as a board; not-found, replug-needed. */
static const struct board *board_there(struct http *h, unsigned number, struct err *e)
{
	struct slot_list *list = slots_now(h->o.line, e);
	const struct board *board = NULL;
	if (!list)
		return NULL;
	if (!number || number > list->count)
		err_set(e, CODE_NOT_FOUND, "there is no slot %u", number);
	else
		board = line_board(h->o.line, list->slots[number - 1].camera_board);
	if (!board && e->code == CODE_OK)
		err_set(e, CODE_REPLUG_NEEDED, "no known camera is in slot %u", number);
	free(list);
	return board;
}

static const char *role_name(enum board_role role)
{
	static const char *const names[] = { "bootloader", "firmware", "cofirmware", "romfs", "filesystem", "other" };
	return names[role];
}

static void fill_partition(struct cJSON *json, const struct partition *p)
{
	json_add_string(json, "name", p->name);
	json_add_string(json, "role", role_name(p->role));
	if (p->role == ROLE_ROMFS)
		json_add_integer(json, "romfs", p->romfs_index);
	else
		json_add_null(json, "romfs");
	json_add_integer(json, "size", p->size);
	json_add_bool(json, "readable", p->readable);
	json_add_bool(json, "writable", !p->readonly && !p->forbidden);
	struct cJSON *runs = json_add_array(json, "erase_units");
	for (unsigned i = 0; i < p->run_count; i++) {
		struct cJSON *run = json_add_object(runs, NULL);
		json_add_integer(run, "size", p->runs[i].size);
		json_add_integer(run, "count", p->runs[i].count);
	}
}

void partitions_fill(struct cJSON *items, const struct board *b)
{
	for (unsigned i = 0; i < b->partition_count; i++)
		fill_partition(json_add_object(items, NULL), &b->partitions[i]);
}

bool api_partitions(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	const struct board *b = request_no_params(r, e) ? board_there(h, slot_number(r), e) : NULL;
	if (!b)
		return false;
	struct cJSON *json = json_new_object();
	json_add_string(json, "board", b->id);
	partitions_fill(json_add_array(json, "items"), b);
	return answer_json(a, 200, json, e);
}

/* --- bytes -------------------------------------------------------------------------------------------------------- */

struct reading {
	struct look *look; /* owned */
	uint64_t at;
};

static void sleep_flow(void *flow)
{
	flow_sleep(flow);
}

static void wake_flow(void *flow)
{
	flow_wake(flow);
}

static long read_look(void *context, struct flow *flow, char *out, size_t size)
{
	struct reading *g = context;
	long n = look_take(g->look, g->at, out, size, sleep_flow, wake_flow, flow);
	if (n > 0)
		g->at += (uint64_t)n;
	return n > 0 ? n : n == LOOK_LATER ? SOURCE_LATER : n == LOOK_END ? SOURCE_END : SOURCE_FAILED;
}

static void end_look(void *context)
{
	struct reading *g = context;
	look_end(g->look);
	free(g);
}

/* Of the start of the partition only so many bytes; 0: all of it. */
static bool length_asked(const struct request *r, uint32_t *out, struct err *e)
{
	*out = 0;
	if (!r->uri.param_count)
		return true;
	if (r->uri.param_count > 1 || strcmp(r->uri.params[0].name, r->params) != 0)
		return err_set(e, CODE_BAD_REQUEST, "the one parameter here is '%s'", r->params);
	const char *text = r->uri.params[0].value;
	size_t digits = strspn(text, "0123456789");
	if (!digits || digits > 9 || text[digits] || text[0] == '0')
		return err_set(e, CODE_BAD_REQUEST, "length must be a number from 1 to 999999999");
	*out = (uint32_t)strtoul(text, NULL, 10);
	return true;
}

/* A camera that fails on the way ends the connection before the announced length. */
bool api_partition(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	uint32_t length;
	if (!length_asked(r, &length, e))
		return false;
	struct reading *g = calloc(1, sizeof *g);
	if (!g)
		return err_set(e, CODE_NO_MEMORY, "no memory to read a partition");
	if (!line_look(h->o.line, slot_number(r), r->args.text[1], length, &g->look, e)) {
		free(g);
		return false;
	}
	a->status = 200;
	a->type = TYPE_OCTETS;
	a->source = (struct source){ .read = read_look, .end = end_look, .context = g, .size = look_size(g->look) };
	return true;
}

/* --- deploy ------------------------------------------------------------------------------------------------------- */

bool api_slot_deploy(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	static const char *const keys[] = { "recipe", "challenge", NULL };
	const char *recipe;
	bool challenge = false;
	AUTO_JSON struct cJSON *body = request_json(r, keys, e);
	if (!body || !request_no_params(r, e) || !json_string(body, "recipe", &recipe, e) ||
	    (json_member(body, "challenge") && !json_bool(body, "challenge", &challenge, e)))
		return false;
	if (strlen(recipe) != 64 || strspn(recipe, "0123456789abcdef") != 64)
		return err_set(e, CODE_BAD_REQUEST, "recipe must be 64 lower-case hex digits");
	bool done;
	return key_ordered(h, r, slot_number(r), &done, e) &&
	       (done || line_deploy(h->o.line, slot_number(r), recipe, challenge, &r->caller.who, e)) &&
	       answer_slot(h, slot_number(r), a, e);
}
