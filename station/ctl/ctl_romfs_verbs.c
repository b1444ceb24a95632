/* stationctl romfs add, mkdir, mv, rm: one change to an image file, which is then replaced in one step. */
#include <stdio.h>
#include <stdlib.h>

#include "ctl/ctl_romfs.h"
#include "ctl/romfs_session.h"
#include "ctl/romfs_usage.h"
#include "format/json.h"

#define MAX_PATHS 100000 /* more than a shell passes on */

struct verb {
	struct romfs_target target;
	struct romfs_session session;
	bool option, json; /* option: the verb's own one */
	int argc;          /* operands from argv[1], the image, on */
	char **argv;
};

typedef bool change(struct verb *v, struct err *e);

/* What a verb is, besides what it does. */
struct kind {
	const char *usage;
	int min, max;             /* operands */
	struct ctl_option option; /* its own one */
	change *apply;
};

static bool parse(struct verb *v, const struct kind *k, struct err *e)
{
	const struct ctl_option options[] = {
		ROMFS_TARGET_OPTIONS(&v->target),
		{ 0, "json", &v->json, NULL, NULL },
		{ k->option.letter, k->option.name, &v->option, NULL, NULL },
		{ 0, NULL, NULL, NULL, NULL },
	};
	return ctl_options(&v->argc, v->argv, options, e) && ctl_operands(v->argc, k->min, k->max, k->usage, e);
}

static bool tell(const struct verb *v, struct span image, struct err *e)
{
	const struct romfs_target *t = &v->target;
	if (!v->json)
		return romfs_usage_print(v->argv[1], image, t->board, t->partition, e);
	AUTO_JSON struct cJSON *root = json_new_object();
	return romfs_usage_json(v->argv[1], image, t->board, t->partition, root, e) && ctl_print_json(root, e);
}

static bool apply(struct verb *v, change *do_it, struct err *e)
{
	uint8_t *image = NULL;
	size_t size = 0;
	if (!romfs_target_find(&v->target, e) || !romfs_session_open(&v->session, v->argv[1], e) || !do_it(v, e) ||
	    !romfs_session_save(&v->session, &v->target, &image, &size, e))
		return false;
	bool done = tell(v, span_of(image, size), e);
	free(image);
	return done;
}

static int run(const struct kind *k, int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct verb v = { .argc = argc, .argv = argv };
	bool done = parse(&v, k, &e) && apply(&v, k->apply, &e);
	romfs_session_close(&v.session);
	romfs_target_clear(&v.target);
	return done ? CTL_DONE : ctl_refuse(&e);
}

static bool add(struct verb *v, struct err *e)
{
	return romfs_session_add(&v->session, v->argv[2], v->argc > 3 ? v->argv[3] : NULL, v->option, e);
}

static bool make_dirs(struct verb *v, struct err *e)
{
	for (int i = 2; i < v->argc; i++)
		if (!romfs_edit_mkdir(v->session.edit, v->argv[i], v->option, e))
			return false;
	return true;
}

static bool move(struct verb *v, struct err *e)
{
	return romfs_edit_move(v->session.edit, v->argv[2], v->argv[3], v->option, e);
}

static bool drop(struct verb *v, struct err *e)
{
	for (int i = 2; i < v->argc; i++)
		if (!romfs_edit_remove(v->session.edit, v->argv[i], v->option, e))
			return false;
	return true;
}

#define FORCE .option = { .letter = 'f', .name = "force" }

int ctl_romfs_add(int argc, char **argv)
{
	static const struct kind kind = { ROMFS_ADD_USAGE, 2, 3, FORCE, .apply = add };
	return run(&kind, argc, argv);
}

int ctl_romfs_mkdir(int argc, char **argv)
{
	static const struct kind kind = { ROMFS_MKDIR_USAGE, 2, MAX_PATHS, .option = { .name = "parents" },
		.apply = make_dirs };
	return run(&kind, argc, argv);
}

int ctl_romfs_mv(int argc, char **argv)
{
	static const struct kind kind = { ROMFS_MV_USAGE, 3, 3, FORCE, .apply = move };
	return run(&kind, argc, argv);
}

int ctl_romfs_rm(int argc, char **argv)
{
	static const struct kind kind = { ROMFS_RM_USAGE, 2, MAX_PATHS,
		.option = { .letter = 'r', .name = "recursive" }, .apply = drop };
	return run(&kind, argc, argv);
}
