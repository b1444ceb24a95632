/* stationctl romfs build: a folder into an image for one partition of one board. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "ctl/ctl.h"
#include "ctl/ctl_romfs.h"
#include "format/romfs_build.h"
#include "format/romfs_text.h"
#include "line/boards.h"
#include "os/file.h"
#include "os/tree.h"

struct build {
	const char *folder, *out, *board_id, *partition_name, *boards_folder;
	bool no_commit_unit;
	struct board_set boards;
	struct romfs_entry *root; /* owned */
	uint8_t *image;           /* owned */
	size_t size;
};

static void build_clear(struct build *b)
{
	romfs_entry_free(b->root);
	boards_clear(&b->boards);
	free(b->image);
}

static bool parse(struct build *b, int argc, char **argv, struct err *e)
{
	static const char usage[] = "romfs build DIR -b BOARD -o OUT [-p PARTITION] [--no-commit-unit]";
	const struct ctl_option options[] = {
		{ 'b', "board", NULL, &b->board_id, NULL },
		{ 'o', "output", NULL, &b->out, NULL },
		{ 'p', "partition", NULL, &b->partition_name, NULL },
		{ 0, "boards", NULL, &b->boards_folder, NULL },
		{ 0, "no-commit-unit", &b->no_commit_unit, NULL, NULL },
		{ 0, NULL, NULL, NULL, NULL },
	};
	if (!ctl_options(&argc, argv, options, e) || !ctl_operands(argc, 1, 1, usage, e))
		return false;
	if (!b->board_id || !b->out)
		return err_set(e, CODE_USAGE, "stationctl %s", usage);
	b->folder = argv[1];
	return true;
}

/* The named partition, or the one that the camera mounts by itself: ROMFS number 0. */
static const struct partition *choose_partition(const struct board *board, const char *name, struct err *e)
{
	for (unsigned i = 0; i < board->partition_count; i++) {
		const struct partition *p = &board->partitions[i];
		if (p->role == ROLE_ROMFS && (name ? !strcmp(p->name, name) : p->romfs_index == 0))
			return p;
	}
	if (name)
		err_set(e, CODE_PARTITION_UNKNOWN, "%s has no ROMFS partition '%.60s'", board->id, name);
	else
		err_set(e, CODE_PARTITION_UNKNOWN, "%s has no ROMFS partition", board->id);
	return NULL;
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

static bool build(struct build *b, struct err *e)
{
	if (!ctl_boards(b->boards_folder, &b->boards, e))
		return false;
	const struct board *board = ctl_board(&b->boards, b->board_id, e);
	const struct partition *p = board ? choose_partition(board, b->partition_name, e) : NULL;
	if (!p || !ctl_output_outside(b->folder, b->out, e) || !tree_read(b->folder, &b->root, e))
		return false;
	enum romfs_commit commit = b->no_commit_unit ? ROMFS_COMMIT_NO : ROMFS_COMMIT_AUTO;
	if (!romfs_build(b->root, board, p, commit, &b->image, &b->size, e) || !prove(b, e))
		return false;
	struct span image = span_of(b->image, b->size);
	if (!file_write_atomic(b->out, image, 0644, e))
		return false;
	printf(
	    "%s: %zu bytes for %s of %s, crc32 %08" PRIx32 "\n", b->out, b->size, p->name, board->id, crc32_of(image));
	return true;
}

int ctl_romfs_build(int argc, char **argv)
{
	struct build b = { 0 };
	struct err e = ERR_INIT;
	bool ok = parse(&b, argc, argv, &e) && build(&b, &e);
	build_clear(&b);
	return ok ? CTL_DONE : ctl_refuse(&e);
}
