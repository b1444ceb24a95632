/* stationctl romfs build and new: a folder, or nothing, into an image for one partition of one board. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl_romfs.h"
#include "ctl/romfs_convert.h"
#include "ctl/romfs_target.h"
#include "ctl/romfs_usage.h"
#include "format/json.h"
#include "format/romfs_build.h"
#include "format/romfs_text.h"
#include "os/file.h"
#include "os/tree.h"

struct build {
	const char *folder, *out, *layout;
	bool no_commit_unit, json, replace;
	struct romfs_target target;
	struct romfs_convert_options convert;
	struct romfs_convert_counts counts;
	struct romfs_entry *root; /* owned */
	uint8_t *image;           /* owned */
	size_t size;
};

static void build_clear(struct build *b)
{
	romfs_entry_free(b->root);
	romfs_target_clear(&b->target);
	free(b->image);
}

static bool is_openmv(const struct build *b)
{
	return b->layout && !strcmp(b->layout, "openmv");
}

static bool parse(struct build *b, int argc, char **argv, struct err *e)
{
	romfs_convert_begin(&b->convert);
	const struct ctl_option options[] = {
		ROMFS_TARGET_OPTIONS(&b->target),
		ROMFS_CONVERT_OPTIONS(&b->convert),
		{ 'o', "output", NULL, &b->out, NULL },
		{ 0, "layout", NULL, &b->layout, NULL },
		{ 0, "json", &b->json, NULL, NULL },
		{ 0, "no-commit-unit", &b->no_commit_unit, NULL, NULL },
		{ 0, NULL, NULL, NULL, NULL },
	};
	if (!ctl_options(&argc, argv, options, e) || !ctl_operands(argc, 1, 1, ROMFS_BUILD_USAGE, e))
		return false;
	if (!b->target.board_id || !b->out)
		return err_set(e, CODE_USAGE, "stationctl " ROMFS_BUILD_USAGE);
	if (b->layout && !is_openmv(b) && strcmp(b->layout, "romline") != 0)
		return err_set(e, CODE_USAGE, "--layout is romline or openmv");
	b->folder = argv[1];
	return true;
}

/* What the camera will read with, reads it first. */
static bool prove(const struct build *b, struct err *e)
{
	struct romfs fs;
	struct romfs_fault fault;
	if (romfs_verify(&fs, b->image, b->size, NULL, NULL, &fault) == ROMFS_OK)
		return true;
	return romfs_fault_err(&fault, CODE_INTERNAL, e);
}

static bool lay_out(struct build *b, struct err *e)
{
	const struct romfs_target *t = &b->target;
	enum romfs_commit commit = b->no_commit_unit ? ROMFS_COMMIT_NO : ROMFS_COMMIT_AUTO;
	return is_openmv(b) ? romfs_build_openmv(b->root, t->board, t->partition, &b->image, &b->size, e)
			    : romfs_build(b->root, t->board, t->partition, commit, &b->image, &b->size, e);
}

static bool tell(const struct build *b, struct err *e)
{
	struct span image = span_of(b->image, b->size);
	const struct romfs_target *t = &b->target;
	if (!b->json) {
		if (!romfs_usage_print(b->out, image, t->board, t->partition, e))
			return false;
		if (b->counts.compiled || b->counts.converted)
			printf("%u sources compiled, %u files converted\n", b->counts.compiled, b->counts.converted);
		return true;
	}
	AUTO_JSON struct cJSON *root = json_new_object();
	if (!romfs_usage_json(b->out, image, t->board, t->partition, root, e))
		return false;
	json_add_integer(root, "compiled", b->counts.compiled);
	json_add_integer(root, "converted", b->counts.converted);
	return ctl_print_json(root, e);
}

static bool build(struct build *b, struct err *e)
{
	if (!romfs_target_find(&b->target, e) || !ctl_output_outside(b->folder, b->out, e) ||
	    !tree_read(b->folder, &b->root, e) || !romfs_convert(&b->convert, b->target.board, b->root, &b->counts, e))
		return false;
	return lay_out(b, e) && prove(b, e) && file_write_atomic(b->out, span_of(b->image, b->size), 0644, e) &&
	       tell(b, e);
}

int ctl_romfs_build(int argc, char **argv)
{
	struct build b = { 0 };
	struct err e = ERR_INIT;
	bool ok = parse(&b, argc, argv, &e) && build(&b, &e);
	build_clear(&b);
	return ok ? CTL_DONE : ctl_refuse(&e);
}

static bool parse_new(struct build *b, int argc, char **argv, struct err *e)
{
	const struct ctl_option options[] = {
		ROMFS_TARGET_OPTIONS(&b->target),
		{ 'f', "force", &b->replace, NULL, NULL },
		{ 0, "json", &b->json, NULL, NULL },
		{ 0, "no-commit-unit", &b->no_commit_unit, NULL, NULL },
		{ 0, NULL, NULL, NULL, NULL },
	};
	if (!ctl_options(&argc, argv, options, e) || !ctl_operands(argc, 1, 1, ROMFS_NEW_USAGE, e))
		return false;
	b->out = argv[1];
	return true;
}

static bool make_new(struct build *b, struct err *e)
{
	if (!romfs_target_find(&b->target, e))
		return false;
	if (!b->replace && access(b->out, F_OK) == 0)
		return err_set(e, CODE_CONFLICT, "%.150s is there already; -f replaces it", b->out);
	const struct partition *p = b->target.partition;
	struct romfs_writer_options options = { .limit = p ? p->size : 0,
		.commit_unit = p && !b->no_commit_unit ? romfs_commit_unit(p) : 0 };
	struct romfs_writer w;
	if (!romfs_writer_begin(&w, &options, e) || !romfs_writer_finish(&w, &b->image, &b->size, e)) {
		romfs_writer_abandon(&w);
		return false;
	}
	return file_write_atomic(b->out, span_of(b->image, b->size), 0644, e) && tell(b, e);
}

int ctl_romfs_new(int argc, char **argv)
{
	struct build b = { 0 };
	struct err e = ERR_INIT;
	bool ok = parse_new(&b, argc, argv, &e) && make_new(&b, &e);
	build_clear(&b);
	return ok ? CTL_DONE : ctl_refuse(&e);
}
