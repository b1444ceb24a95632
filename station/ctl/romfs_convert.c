/* Applies the rules of the command line to the files of a tree: alignment, conversion, compilation. */
#include "ctl/romfs_convert.h"

#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/romfs_tool.h"
#include "os/tree.h"

#define MAX_PATH       4096
#define MAX_GLOB       256
#define DEFAULT_WAIT_S 300
#define MAX_WAIT_S     86400

struct rule {
	char glob[MAX_GLOB];
	uint32_t align; /* of an --align rule */
	struct words command;
};

struct convert {
	const struct romfs_convert_options *options;
	const struct board *board;
	struct rule *aligns, *converts; /* owned */
	unsigned align_count, convert_count;
	bool compile;
	struct words compiler;
	uint32_t wait_ms;
	struct romfs_convert_counts *counts;
	char path[MAX_PATH]; /* of the file at hand, below the folder */
	struct err *e;
};

void romfs_convert_begin(struct romfs_convert_options *o)
{
	*o = (struct romfs_convert_options){ .mpy = false };
	o->aligns = (struct ctl_list){ o->align_items, 0, ROMFS_MAX_RULES };
	o->keeps = (struct ctl_list){ o->keep_items, 0, ROMFS_MAX_RULES };
	o->converts = (struct ctl_list){ o->convert_items, 0, ROMFS_MAX_RULES };
}

/* GLOB=REST into the rule's glob; NULL when it is not of that form. */
static const char *cut_glob(const char *item, const char *equals, struct rule *r)
{
	if (!equals || equals == item || (size_t)(equals - item) >= sizeof r->glob || !equals[1])
		return NULL;
	memcpy(r->glob, item, (size_t)(equals - item));
	r->glob[equals - item] = '\0';
	return equals + 1;
}

static bool parse_align(const char *item, struct rule *r, struct err *e)
{
	char *end = NULL;
	const char *text = cut_glob(item, strrchr(item, '='), r);
	unsigned long align = text && *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;
	if (!align || *end || align > ROMFS_MAX_ALIGN || (align & (align - 1)))
		return err_set(e, CODE_USAGE, "--align takes GLOB=N, N a power of two up to %u, not '%.60s'",
		    ROMFS_MAX_ALIGN, item);
	r->align = (uint32_t)align;
	return true;
}

static bool has_place(const struct words *w, const char *place)
{
	for (unsigned i = 0; i < w->count; i++)
		if (strstr(w->word[i], place))
			return true;
	return false;
}

static bool parse_convert(const char *item, struct rule *r, struct err *e)
{
	const char *text = cut_glob(item, strchr(item, '='), r);
	if (!text)
		return err_set(e, CODE_USAGE, "--convert takes [BOARD:]GLOB=COMMAND, not '%.60s'", item);
	return words_split(text, &r->command, e) &&
	       ((has_place(&r->command, "{in}") && has_place(&r->command, "{out}")) ||
		   err_set(e, CODE_USAGE, "the command for '%.60s' must say where {in} and {out} go", r->glob));
}

static bool parse_rules(const struct ctl_list *list, bool (*parse)(const char *, struct rule *, struct err *),
    struct rule **rules, unsigned *count, struct err *e)
{
	if (!list->count)
		return true;
	*rules = calloc(list->count, sizeof **rules);
	if (!*rules)
		return err_set(e, CODE_NO_MEMORY, "no memory for %u rules", list->count);
	for (*count = 0; *count < list->count; ++*count)
		if (!parse(list->items[*count], &(*rules)[*count], e))
			return false;
	return true;
}

static bool parse_wait(const char *text, uint32_t *ms, struct err *e)
{
	char *end = NULL;
	unsigned long seconds = !text ? DEFAULT_WAIT_S : *text >= '0' && *text <= '9' ? strtoul(text, &end, 10) : 0;
	if (!seconds || (end && *end) || seconds > MAX_WAIT_S)
		return err_set(e, CODE_USAGE, "--timeout is a number of seconds from 1 to %d", MAX_WAIT_S);
	*ms = (uint32_t)seconds * 1000;
	return true;
}

/* Asked for: by --mpy, by naming a compiler, or by one that the environment names; --no-mpy has the last word. */
static bool choose_compiler(struct convert *c)
{
	const struct romfs_convert_options *o = c->options;
	const char *command = o->mpy_cross ? o->mpy_cross : getenv("ROMLINE_MPY_CROSS");
	bool named = command && *command;
	c->compile = !o->no_mpy && (named || o->mpy || o->mpy_cross);
	if (!c->compile)
		return true;
	return words_split(named ? command : "mpy-cross", &c->compiler, c->e) &&
	       (c->compiler.count || err_set(c->e, CODE_USAGE, "--mpy-cross names no program"));
}

/* A pattern with '/' is held against the path below the folder, any other one against the name. */
static bool matches(const struct convert *c, const char *glob)
{
	const char *colon = strchr(glob, ':'), *id = c->board->id;
	if (colon && strlen(id) == (size_t)(colon - glob) && !strncmp(glob, id, strlen(id)))
		glob = colon + 1;
	const char *slash = strrchr(c->path, '/');
	if (strchr(glob, '/'))
		return fnmatch(glob + (*glob == '/'), c->path, FNM_PATHNAME) == 0;
	return fnmatch(glob, slash ? slash + 1 : c->path, 0) == 0;
}

/* The last rule that fits counts. */
static const struct rule *find(const struct convert *c, const struct rule *rules, unsigned count)
{
	while (count-- > 0)
		if (matches(c, rules[count].glob))
			return &rules[count];
	return NULL;
}

static bool take_over(struct convert *c, struct romfs_entry *file, const struct romfs_tool *tool)
{
	uint8_t *data = NULL;
	size_t size = 0;
	if (!romfs_tool_run(tool, span_of(file->data, file->size), &data, &size, c->e))
		return err_prefix(c->e, "%.100s", c->path);
	free(file->data);
	file->data = data;
	file->size = size;
	return true;
}

/* Has the directory a file of the source's name with .mpy behind it? */
static bool has_compiled(const struct romfs_entry *dir, const struct romfs_entry *source)
{
	size_t stem = source->name_size - 2;
	for (size_t i = 0; i < dir->count; i++) {
		const struct romfs_entry *other = dir->children[i];
		if (other->name_size == stem + 3 && !memcmp(other->name, source->name, stem) &&
		    !strcmp(other->name + stem, "mpy"))
			return true;
	}
	return false;
}

/* x.py becomes x.mpy. */
static bool compile(struct convert *c, const struct romfs_entry *dir, struct romfs_entry *file)
{
	struct romfs_tool tool = { .command = &c->compiler,
		.kind = ROMFS_TOOL_MPY,
		.board = c->board,
		.path = c->path,
		.name = file->name,
		.wait_ms = c->wait_ms };
	if (has_compiled(dir, file))
		return err_set(
		    c->e, CODE_NAME_INVALID, "%.100s would become a .mpy file that is there already", c->path);
	if (!take_over(c, file, &tool))
		return false;
	char *name = realloc(file->name, file->name_size + 2);
	if (!name)
		return err_set(c->e, CODE_NO_MEMORY, "no memory for a name");
	file->name = name;
	memcpy(name + file->name_size - 2, "mpy", 4);
	file->name_size++;
	c->counts->compiled++;
	return true;
}

static bool is_source(const struct romfs_entry *file)
{
	return file->name_size > 3 && !strcmp(file->name + file->name_size - 3, ".py");
}

static bool is_kept(const struct convert *c)
{
	for (unsigned i = 0; i < c->options->keeps.count; i++)
		if (matches(c, c->options->keeps.items[i]))
			return true;
	return false;
}

/* A camera runs these two at its start, and looks for them by these names. */
static void warn_of_start(const struct convert *c)
{
	if (!strcmp(c->path, "main.py") || !strcmp(c->path, "boot.py"))
		fprintf(stderr,
		    "stationctl: warning: %s is compiled, but cameras start %s only as a source; "
		    "--keep-py /%s keeps it\n",
		    c->path, c->path, c->path);
}

static bool one_file(struct convert *c, const struct romfs_entry *dir, struct romfs_entry *file)
{
	const struct rule *align = find(c, c->aligns, c->align_count);
	const struct rule *rule = find(c, c->converts, c->convert_count);
	if (align)
		file->align = align->align;
	if (rule) {
		struct romfs_tool tool = { .command = &rule->command,
			.kind = ROMFS_TOOL_TEMPLATE,
			.board = c->board,
			.path = c->path,
			.name = file->name,
			.wait_ms = c->wait_ms };
		c->counts->converted++;
		return take_over(c, file, &tool);
	}
	if (!c->compile || !is_source(file) || is_kept(c))
		return true;
	warn_of_start(c);
	return compile(c, dir, file);
}

/* Recursion ends at ROMFS_MAX_DEPTH, where reading the folder has refused. */
static bool all_files(struct convert *c, struct romfs_entry *dir)
{
	size_t length = strlen(c->path);
	for (size_t i = 0; i < dir->count; i++) {
		struct romfs_entry *entry = dir->children[i];
		int n = snprintf(c->path + length, sizeof c->path - length, "%s%s", length ? "/" : "", entry->name);
		if (n < 0 || (size_t)n >= sizeof c->path - length)
			return err_set(c->e, CODE_TOO_LARGE, "a path is longer than %d bytes", MAX_PATH);
		if (!(entry->type == ROMFS_DIR ? all_files(c, entry) : one_file(c, dir, entry)))
			return false;
		c->path[length] = '\0';
	}
	return true;
}

bool romfs_convert(const struct romfs_convert_options *o, const struct board *board, struct romfs_entry *root,
    struct romfs_convert_counts *counts, struct err *e)
{
	*counts = (struct romfs_convert_counts){ .compiled = 0 };
	struct convert *c = calloc(1, sizeof *c);
	if (!c)
		return err_set(e, CODE_NO_MEMORY, "no memory");
	c->options = o;
	c->board = board;
	c->counts = counts;
	c->e = e;
	bool done = parse_wait(o->timeout, &c->wait_ms, e) &&
		    parse_rules(&o->aligns, parse_align, &c->aligns, &c->align_count, e) &&
		    parse_rules(&o->converts, parse_convert, &c->converts, &c->convert_count, e) &&
		    choose_compiler(c) && romfs_entry_sort(root, e) && all_files(c, root);
	free(c->aligns);
	free(c->converts);
	free(c);
	return done;
}
