/* stationctl romfs edit: an image in the terminal. */
#include <stdio.h>

#include "ctl/ctl_romfs.h"
#include "ctl/romfs_ui.h"

static bool edit(struct romfs_target *t, const char *path, struct err *e)
{
	struct romfs_session s = { .path = NULL };
	struct ui ui = { .session = NULL };
	bool done = romfs_target_find(t, e) && romfs_session_open(&s, path, e) && romfs_ui_begin(&ui, &s, t, e) &&
		    romfs_screen_run(&ui, e);
	if (done && ui.dirty)
		fprintf(stderr, "stationctl: warning: what was changed in %s is not saved\n", path);
	romfs_ui_end(&ui);
	romfs_session_close(&s);
	return done;
}

int ctl_romfs_edit(int argc, char **argv)
{
	struct err e = ERR_INIT;
	struct romfs_target target = { .board_id = NULL };
	const struct ctl_option options[] = { ROMFS_TARGET_OPTIONS(&target), { 0, NULL, NULL, NULL, NULL } };
	bool done = ctl_options(&argc, argv, options, &e) && ctl_operands(argc, 1, 1, ROMFS_EDIT_USAGE, &e) &&
		    edit(&target, argv[1], &e);
	romfs_target_clear(&target);
	return done ? CTL_DONE : ctl_refuse(&e);
}
