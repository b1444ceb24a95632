/* The walk over a whole image: every directory, every file, every rule, with a stack of fixed size. */
#include "record.h"

/* The root, ROMFS_MAX_DEPTH directories inside one another, and the entry in the innermost. */
#define LEVELS (ROMFS_MAX_DEPTH + 2)

struct walk {
	const struct romfs *fs;
	struct romfs_node node[LEVELS];        /* node[0]: the root; node[i + 1] is an entry of node[i] */
	const struct romfs_node *path[LEVELS]; /* path[i] = &node[i]; visitors see it from path[1] on */
	uint32_t cursor[LEVELS];               /* where the next entry of node[i] starts */
	unsigned depth;                        /* the directory being walked */
	uint32_t budget;
	struct romfs_fault fault;
};

static enum romfs_status broken(struct walk *w, enum romfs_rule rule, uint32_t offset)
{
	w->fault = (struct romfs_fault){ rule, offset };
	return ROMFS_CORRUPT;
}

/* Takes up the next entry of the innermost directory, or leaves that directory. */
static enum romfs_status step(struct walk *w, romfs_visit *visit, void *context)
{
	struct romfs_node *dir = &w->node[w->depth], *entry = dir + 1;
	enum romfs_status status = romfs_next_fault(w->fs, dir, &w->cursor[w->depth], entry, &w->fault);
	if (status == ROMFS_END) {
		status = romfs_check_siblings(w->fs, dir, &w->budget, &w->fault);
		if (status == ROMFS_OK && w->depth-- == 0)
			return ROMFS_END;
		return status;
	}
	if (status != ROMFS_OK)
		return status;
	if (!romfs_name_ok(romfs_at(w->fs, entry->name, entry->name_size), entry->name_size))
		return broken(w, ROMFS_RULE_NAME, entry->record);
	if (entry->type == ROMFS_DIR && w->depth == ROMFS_MAX_DEPTH)
		return broken(w, ROMFS_RULE_DEPTH, entry->record);
	if (visit)
		visit(context, w->fs, w->path + 1, w->depth + 1);
	if (entry->type == ROMFS_DIR)
		w->cursor[++w->depth] = entry->data;
	return ROMFS_OK;
}

enum romfs_status romfs_check(const struct romfs *fs, romfs_visit *visit, void *context, struct romfs_fault *fault)
{
	struct walk w;
	w.fs = fs;
	w.depth = 0;
	w.budget = ROMFS_CHECK_BUDGET;
	w.fault = (struct romfs_fault){ ROMFS_RULE_NONE, 0 };
	for (unsigned i = 0; i < LEVELS; i++)
		w.path[i] = &w.node[i];
	romfs_root(fs, &w.node[0]);
	w.cursor[0] = w.node[0].data;

	enum romfs_status status;
	do
		status = step(&w, visit, context);
	while (status == ROMFS_OK);
	if (fault)
		*fault = w.fault;
	return status == ROMFS_END ? ROMFS_OK : status;
}
