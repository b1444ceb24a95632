/* stationctl recipe build: files and folders into an unsigned recipe, which is held against its board before it is
 * written, so that nobody signs what a station would refuse. */
#include "ctl/ctl_recipe.h"

#include "base/timefmt.h"
#include "format/recipe_build.h"
#include "format/romfs_build.h"
#include "line/boards.h"
#include "os/file.h"
#include "os/tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MAX_LIMITS  3
#define MAX_ALLOWED 1024 /* --misaligned-ok */
#define USAGE       "recipe build -b BOARD -n NAME -v VERSION -o OUT PARTITION=FILE|DIR ..."

/* Everything the command line said and what was made of it. */
struct build {
	const char *board_id, *name, *version, *rollback, *after, *out, *boards_option;
	struct ctl_list limits, tails, allowed, marked, places;
	const char *limit_items[MAX_LIMITS], *tail_items[RECIPE_MAX_REGIONS], *allowed_items[MAX_ALLOWED];
	const char *marked_items[RECIPE_MAX_REGIONS], *place_items[RECIPE_MAX_REGIONS * UNIT_FIELDS_MAX];
	struct board_set boards; /* owned */
	const struct board *board;
	struct recipe_spec spec;
	struct recipe_part parts[RECIPE_MAX_REGIONS];
	char partition[RECIPE_MAX_REGIONS][24];
	struct unit_field fields[RECIPE_MAX_REGIONS][UNIT_FIELDS_MAX];
	uint8_t *images[RECIPE_MAX_REGIONS];                /* owned: the parts' bytes */
	const char *paths[RECIPE_MAX_REGIONS][MAX_ALLOWED]; /* the parts' misaligned_ok */
};

static bool number(const char *text, int64_t min, const char *what, int64_t *out, struct err *e)
{
	char *end;
	errno = 0;
	long long value = strtoll(text, &end, 10);
	if (errno || end == text || *end || strspn(text, "0123456789") != strlen(text) || value < min ||
	    value > INT64_C(9007199254740991))
		return err_set(e, CODE_USAGE, "%s is a whole number from %lld", what, (long long)min);
	*out = value;
	return true;
}

static bool date(const char *text, const char *what, int64_t *out, struct err *e)
{
	return time_parse(text, out) || err_set(e, CODE_USAGE, "%s is a time like 2026-11-20T21:54:07Z", what);
}

/* KEY=VALUE of --limit; each key once. */
static bool limit(const char *item, struct recipe_spec *spec, struct err *e)
{
	static const struct {
		const char *key;
		size_t offset;
		bool is_date;
	} keys[] = {
		{ "not_before=", offsetof(struct recipe_spec, not_before), true },
		{ "not_after=", offsetof(struct recipe_spec, not_after), true },
		{ "units=", offsetof(struct recipe_spec, units), false },
	};
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
		size_t size = strlen(keys[i].key);
		int64_t *field = (int64_t *)((char *)spec + keys[i].offset);
		if (strncmp(item, keys[i].key, size) != 0)
			continue;
		if (*field >= 0)
			return err_set(e, CODE_USAGE, "--limit %s is given twice", keys[i].key);
		return keys[i].is_date ? date(item + size, keys[i].key, field, e)
				       : number(item + size, 1, keys[i].key, field, e);
	}
	return err_set(e, CODE_USAGE, "--limit knows not_before=TIME, not_after=TIME and units=N");
}

/* Splits PARTITION<mark>REST; the partition's name goes to out. */
static const char *cut(const char *item, char mark, char out[24], const char *what, struct err *e)
{
	const char *at = strchr(item, mark);
	if (!at || at == item || (size_t)(at - item) >= 24 || !at[1]) {
		err_set(e, CODE_USAGE, "'%.60s' is not of the form %s", item, what);
		return NULL;
	}
	memcpy(out, item, (size_t)(at - item));
	out[at - item] = '\0';
	return at + 1;
}

static struct recipe_part *part_of(struct build *b, const char *partition)
{
	for (unsigned i = 0; i < b->spec.part_count; i++)
		if (!strcmp(b->parts[i].partition, partition))
			return &b->parts[i];
	return NULL;
}

static bool tail(struct build *b, const char *item, struct err *e)
{
	char name[24];
	const char *word = cut(item, '=', name, "PARTITION=blank", e);
	struct recipe_part *part = word ? part_of(b, name) : NULL;
	if (!word)
		return false;
	if (!part || (strcmp(word, "blank") != 0 && strcmp(word, "keep") != 0))
		return err_set(e, CODE_USAGE, "--tail takes PARTITION=blank for a partition of this recipe");
	part->tail_blank = !strcmp(word, "blank");
	return true;
}

static bool allow(struct build *b, const char *item, struct err *e)
{
	char name[24];
	const char *path = cut(item, ':', name, "PARTITION:PATH", e);
	struct recipe_part *part = path ? part_of(b, name) : NULL;
	if (!path)
		return false;
	if (!part)
		return err_set(e, CODE_USAGE, "--misaligned-ok names %s, which is not in this recipe", name);
	const char **list = b->paths[part - b->parts];
	list[part->misaligned_count++] = path;
	part->misaligned_ok = list;
	return true;
}

static struct unit_field *fields_of(struct build *b, const struct recipe_part *part)
{
	return b->fields[part - b->parts];
}

/* --unit-data PARTITION: the marks in its payload. */
static bool marked(struct build *b, const char *name, struct err *e)
{
	struct recipe_part *part = part_of(b, name);
	if (!part)
		return err_set(e, CODE_USAGE, "--unit-data names %.60s, which is not in this recipe", name);
	part->fields = fields_of(b, part);
	return unit_data_marks(part->image, fields_of(b, part), &part->field_count, e) || err_prefix(e, "%s", name);
}

/* --unit-field PARTITION=VALUE@AT+SIZE[:bytes] */
static bool place(struct build *b, const char *item, struct err *e)
{
	char name[24], value[8], end[8] = "";
	unsigned at, size;
	int used = 0;
	const char *rest = cut(item, '=', name, "PARTITION=VALUE@AT+SIZE[:bytes]", e);
	struct recipe_part *part = rest ? part_of(b, name) : NULL;
	if (!rest)
		return false;
	if (!part)
		return err_set(e, CODE_USAGE, "--unit-field names %s, which is not in this recipe", name);
	if (sscanf(rest, "%7[a-z]@%7u+%3u%n%7s", value, &at, &size, &used, end) < 3 || !used ||
	    (*end && strcmp(end, ":bytes") != 0))
		return err_set(e, CODE_USAGE, "'%.60s' is not of the form VALUE@AT+SIZE[:bytes]", rest);
	if (part->field_count == UNIT_FIELDS_MAX)
		return err_set(e, CODE_USAGE, "a region has at most %d fields", UNIT_FIELDS_MAX);
	struct unit_field *f = &fields_of(b, part)[part->field_count++];
	part->fields = fields_of(b, part);
	*f = (struct unit_field){ .at = at, .size = (uint16_t)size, .bytes = *end };
	return unit_value_find(value, &f->value) || err_set(e, CODE_USAGE, "a value is serial, mac or uid");
}

static int by_place(const void *a, const void *b)
{
	const struct unit_field *x = a, *y = b;
	return (x->at > y->at) - (x->at < y->at);
}

static bool fill_in(struct build *b, struct err *e)
{
	for (unsigned i = 0; i < b->marked.count; i++)
		if (!marked(b, b->marked.items[i], e))
			return false;
	for (unsigned i = 0; i < b->places.count; i++)
		if (!place(b, b->places.items[i], e))
			return false;
	for (unsigned i = 0; i < b->spec.part_count; i++)
		qsort(b->fields[i], b->parts[i].field_count, sizeof b->fields[i][0], by_place);
	return true;
}

/* A folder becomes a ROMFS image for its partition. */
static bool build_folder(
    struct build *b, const struct partition *p, const char *path, uint8_t **data, size_t *size, struct err *e)
{
	struct romfs_entry *root = NULL;
	if (p->role != ROLE_ROMFS)
		return err_set(e, CODE_USAGE, "%s takes a file, not a folder", p->name);
	if (!ctl_output_outside(path, b->out, e) || !tree_read(path, &root, e))
		return false;
	bool done = romfs_build(root, b->board, p, ROMFS_COMMIT_AUTO, data, size, e);
	romfs_entry_free(root);
	return done;
}

static bool add_part(struct build *b, const char *item, struct err *e)
{
	unsigned n = b->spec.part_count;
	struct stat st;
	size_t size = 0;
	if (n == RECIPE_MAX_REGIONS)
		return err_set(e, CODE_USAGE, "a recipe has at most %d regions", RECIPE_MAX_REGIONS);
	const char *path = cut(item, '=', b->partition[n], "PARTITION=FILE|DIR", e);
	if (!path)
		return false;
	const struct partition *p = board_partition(b->board, b->partition[n]);
	if (!p)
		return err_set(
		    e, CODE_PARTITION_UNKNOWN, "board %s has no partition %s", b->board->id, b->partition[n]);
	if (part_of(b, b->partition[n]))
		return err_set(e, CODE_REGION_OVERLAP, "partition %s is named twice", b->partition[n]);
	if (stat(path, &st))
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot look at %.150s", path);
	if (!(S_ISDIR(st.st_mode) ? build_folder(b, p, path, &b->images[n], &size, e)
				  : file_read(path, RECIPE_MAX_BYTES, &b->images[n], &size, e)))
		return false;
	b->parts[n] = (struct recipe_part){
		.partition = b->partition[n], .image = span_of(b->images[n], size), .romfs = p->role == ROLE_ROMFS
	};
	b->spec.part_count++;
	return true;
}

static bool options(struct build *b, int *argc, char **argv, struct err *e)
{
	b->limits = (struct ctl_list){ b->limit_items, 0, MAX_LIMITS };
	b->tails = (struct ctl_list){ b->tail_items, 0, RECIPE_MAX_REGIONS };
	b->allowed = (struct ctl_list){ b->allowed_items, 0, MAX_ALLOWED };
	b->marked = (struct ctl_list){ b->marked_items, 0, RECIPE_MAX_REGIONS };
	b->places = (struct ctl_list){ b->place_items, 0, RECIPE_MAX_REGIONS * UNIT_FIELDS_MAX };
	const struct ctl_option table[] = {
		{ 'b', "board", NULL, &b->board_id, NULL },
		{ 'n', "name", NULL, &b->name, NULL },
		{ 'v', "version", NULL, &b->version, NULL },
		{ 'o', "output", NULL, &b->out, NULL },
		{ 0, "rollback", NULL, &b->rollback, NULL },
		{ 0, "after", NULL, &b->after, NULL },
		{ 0, "boards", NULL, &b->boards_option, NULL },
		{ 0, "limit", NULL, NULL, &b->limits },
		{ 0, "tail", NULL, NULL, &b->tails },
		{ 0, "misaligned-ok", NULL, NULL, &b->allowed },
		{ 0, "unit-data", NULL, NULL, &b->marked },
		{ 0, "unit-field", NULL, NULL, &b->places },
		{ 0, NULL, NULL, NULL, NULL },
	};
	return ctl_options(argc, argv, table, e) && ctl_operands(*argc, 1, RECIPE_MAX_REGIONS, USAGE, e) &&
	       recipe_need(b->board_id, "-b BOARD", e) && recipe_need(b->name, "-n NAME", e) &&
	       recipe_need(b->version, "-v VERSION", e) && recipe_need(b->out, "-o OUT", e);
}

static bool fill_spec(struct build *b, struct err *e)
{
	b->spec = (struct recipe_spec){ .name = b->name,
		.version = b->version,
		.board = b->board_id,
		.not_before = -1,
		.not_after = -1,
		.units = -1,
		.after_run = true,
		.parts = b->parts };
	if (b->rollback && !number(b->rollback, 0, "--rollback", &b->spec.rollback, e))
		return false;
	if (b->after && strcmp(b->after, "run") != 0 && strcmp(b->after, "bootloader") != 0)
		return err_set(e, CODE_USAGE, "--after is run or bootloader");
	b->spec.after_run = !b->after || !strcmp(b->after, "run");
	for (unsigned i = 0; i < b->limits.count; i++)
		if (!limit(b->limits.items[i], &b->spec, e))
			return false;
	return true;
}

static bool gather(struct build *b, int argc, char **argv, struct err *e)
{
	if (!fill_spec(b, e) || !ctl_boards(b->boards_option, &b->boards, e))
		return false;
	b->board = ctl_board(&b->boards, b->board_id, e);
	if (!b->board)
		return false;
	for (int i = 1; i < argc; i++)
		if (!add_part(b, argv[i], e))
			return false;
	for (unsigned i = 0; i < b->tails.count; i++)
		if (!tail(b, b->tails.items[i], e))
			return false;
	for (unsigned i = 0; i < b->allowed.count; i++)
		if (!allow(b, b->allowed.items[i], e))
			return false;
	return fill_in(b, e);
}

/* Would a station take it, but for its signatures? */
static bool acceptable(const struct board *board, struct span bytes, struct err *e)
{
	struct recipe_image image;
	struct recipe recipe;
	if (!recipe_split(bytes, &image, e))
		return false;
	bool done = recipe_read(&image, &recipe, e) && recipe_bind(&recipe, board, e);
	if (done && recipe.warnings)
		fprintf(stderr, "stationctl: warning: %s (%u such files)\n", recipe.warning, recipe.warnings);
	recipe_clear(&recipe);
	return done;
}

static bool run(struct build *b, int argc, char **argv, struct err *e)
{
	uint8_t *bytes = NULL;
	size_t size = 0;
	if (!options(b, &argc, argv, e) || !gather(b, argc, argv, e) || !recipe_build(&b->spec, &bytes, &size, e))
		return false;
	if (acceptable(b->board, span_of(bytes, size), e))
		return recipe_write(b->out, bytes, size, e);
	free(bytes);
	return false;
}

int ctl_recipe_build(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct build *b = calloc(1, sizeof *b);
	if (!b) {
		err_set(&e, CODE_NO_MEMORY, "no memory");
		return ctl_refuse(&e);
	}
	bool done = run(b, argc, argv, &e);
	for (unsigned i = 0; i < RECIPE_MAX_REGIONS; i++)
		free(b->images[i]);
	boards_clear(&b->boards);
	free(b);
	return recipe_status(done, &e);
}
