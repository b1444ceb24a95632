/* Images looked into: the tree of one that is sent, as the mount driver reads it, and the payloads of stored recipes.
 * Nothing that is sent here is kept. */
#include "http/api.h"

#include "base/hex.h"
#include "format/json.h"
#include "format/romfs_list.h"
#include "format/romfs_text.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

/* What one answer says; images of these cameras are far below. */
#define ENTRIES_MAX 20000u
#define TEXT_MAX    (4u << 20) /* bytes of all paths */

bool api_boards(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	const struct board_set *set = line_boards(h->o.line);
	if (!request_no_params(r, e))
		return false;
	struct cJSON *json = json_new_object();
	struct cJSON *items = json_add_array(json, "items");
	for (unsigned i = 0; i < set->count; i++) {
		struct cJSON *board = json_add_object(items, NULL);
		json_add_string(board, "id", set->boards[i].id);
		json_add_string(board, "name", set->boards[i].name);
		partitions_fill(json_add_array(board, "partitions"), &set->boards[i]);
	}
	return answer_json(a, 200, json, e);
}

/* --- the tree ----------------------------------------------------------------------------------------------------- */

/* What the image is held against; NULL: nothing. */
struct context {
	const struct board *board;
	const struct partition *partition;
};

static bool read_context(struct http *h, const struct request *r, struct context *c, struct err *e)
{
	*c = (struct context){ NULL, NULL };
	const char *board = uri_param(&r->uri, "board"), *partition = uri_param(&r->uri, "partition");
	for (unsigned i = 0; i < r->uri.param_count; i++)
		if (strcmp(r->uri.params[i].name, "board") != 0 && strcmp(r->uri.params[i].name, "partition") != 0)
			return err_set(
			    e, CODE_BAD_REQUEST, "there is no parameter '%.32s' here", r->uri.params[i].name);
	if (!board && !partition)
		return true;
	c->board = board ? line_board(h->o.line, board) : NULL;
	if (!c->board)
		return err_set(e, CODE_BAD_REQUEST, "'board' must be one of this station's boards");
	c->partition = partition ? board_partition(c->board, partition) : NULL;
	return !partition || c->partition ||
	       err_set(e, CODE_BAD_REQUEST, "'partition' must be one of %s", c->board->id);
}

/* wants: the board's alignment for it; null without a board, for directories, and where it is kept. */
static void fill_entry(struct cJSON *json, const struct romfs_item *item, const struct context *c)
{
	char crc[9];
	bool dir = item->type == ROMFS_DIR, model = false;
	uint32_t wants = c->board && !dir ? board_alignment(c->board, item->path, &model) : 1;
	snprintf(crc, sizeof crc, "%08" PRIx32, item->crc32);
	json_add_string(json, "path", item->path);
	json_add_string(json, "type", dir ? "dir" : "file");
	json_add_integer(json, "size", item->size);
	json_add_integer(json, "offset", item->offset);
	json_add_string(json, "crc32", dir ? NULL : crc);
	json_add_integer(json, "align", item->align);
	if (item->offset % wants)
		json_add_integer(json, "wants", wants);
	else
		json_add_null(json, "wants");
	json_add_bool(json, "model", model);
}

static bool small_enough(const struct romfs_list *list, struct err *e)
{
	size_t text = 0;
	for (size_t i = 0; i < list->count; i++)
		text += strlen(list->items[i].path);
	return (list->count <= ENTRIES_MAX && text <= TEXT_MAX) ||
	       err_set(e, CODE_TOO_LARGE, "the image has %zu entries; stationctl romfs ls shows them", list->count);
}

static void fill_fault(struct cJSON *json, const struct romfs_list *list, const struct err *why)
{
	bool sound = list->failure.code == CODE_OK && list->fault.rule == ROMFS_RULE_NONE;
	json_add_bool(json, "valid", sound);
	json_add_string(json, "rule", list->fault.rule != ROMFS_RULE_NONE ? romfs_rule_word(list->fault.rule) : NULL);
	json_add_string(json, "message", sound ? NULL : why->msg);
	if (list->fault.rule != ROMFS_RULE_NONE)
		json_add_integer(json, "at", list->fault.offset);
	else
		json_add_null(json, "at");
}

static bool answer_tree(struct span image, const struct context *c, struct answer *a, struct err *e)
{
	struct romfs_list list;
	struct err why = ERR_INIT;
	bool good = romfs_list(image, &list, &why);
	if (!good && why.code != CODE_IMAGE_INVALID) {
		romfs_list_clear(&list);
		return err_set(e, why.code, "%s", why.msg);
	}
	if (!small_enough(&list, e)) {
		romfs_list_clear(&list);
		return false;
	}
	struct cJSON *json = json_new_object();
	fill_fault(json, &list, &why);
	json_add_integer(json, "bytes", (int64_t)image.size);
	if (good)
		json_add_integer(json, "image_bytes", list.fs.end);
	else
		json_add_null(json, "image_bytes");
	if (c->partition)
		json_add_integer(json, "room", c->partition->size);
	else
		json_add_null(json, "room");
	struct cJSON *entries = json_add_array(json, "entries");
	for (size_t i = 0; i < list.count; i++)
		fill_entry(json_add_object(entries, NULL), &list.items[i], c);
	romfs_list_clear(&list);
	return answer_json(a, 200, json, e);
}

bool api_image(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	struct context c;
	struct stat st;
	if (!read_context(h, r, &c, e))
		return false;
	if (fstat(r->image, &st))
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot look at the image");
	if (!st.st_size)
		return err_set(e, CODE_BAD_REQUEST, "the image is empty");
	void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, r->image, 0);
	if (map == MAP_FAILED)
		return err_sys(e, CODE_NO_MEMORY, errno, "cannot map the image");
	bool done = answer_tree(span_of(map, (size_t)st.st_size), &c, a, e);
	munmap(map, (size_t)st.st_size);
	return done;
}

/* --- payloads of stored recipes ----------------------------------------------------------------------------------- */

struct payload {
	struct stored_recipe *recipe; /* a reference */
	struct span rest;
};

static long read_payload(void *context, struct flow *flow, char *out, size_t size)
{
	struct payload *p = context;
	(void)flow;
	size_t n = p->rest.size < size ? p->rest.size : size;
	if (!n)
		return SOURCE_END;
	memcpy(out, p->rest.data, n);
	p->rest = span_of(p->rest.data + n, p->rest.size - n);
	return (long)n;
}

static void end_payload(void *context)
{
	struct payload *p = context;
	stored_recipe_drop(p->recipe);
	free(p);
}

static bool find_payload(struct http *h, const struct request *r, struct payload *p, struct err *e)
{
	uint8_t sha[SHA256_SIZE];
	p->recipe = hex_decode(sha, sizeof sha, r->args.text[0]) ? recipe_store_find(h->o.store, sha) : NULL;
	if (!p->recipe)
		return err_set(e, CODE_NOT_FOUND, "there is no recipe %s", r->args.text[0]);
	if (p->recipe->trouble.code != CODE_OK)
		return err_set(e, p->recipe->trouble.code, "%s", p->recipe->trouble.msg);
	for (unsigned i = 0; i < p->recipe->recipe.region_count; i++) {
		const struct recipe_region *region = &p->recipe->recipe.regions[i];
		p->rest = region->bound.image;
		if (!strcmp(region->partition, r->args.text[1]))
			return true;
	}
	return err_set(e, CODE_NOT_FOUND, "the recipe writes no partition %.24s", r->args.text[1]);
}

bool api_recipe_payload(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	struct payload *p = request_no_params(r, e) ? calloc(1, sizeof *p) : NULL;
	if (!p)
		return e->code != CODE_OK ? false : err_set(e, CODE_NO_MEMORY, "no memory for a payload");
	if (!find_payload(h, r, p, e)) {
		end_payload(p);
		return false;
	}
	a->status = 200;
	a->type = TYPE_OCTETS;
	a->source = (struct source){ .read = read_payload, .end = end_payload, .context = p, .size = p->rest.size };
	return true;
}
