/* The editor in the terminal: what it shows, and what a key does to it.  Drawing stands in romfs_screen.c. */
#ifndef STATION_CTL_ROMFS_UI_H
#define STATION_CTL_ROMFS_UI_H

#include "ctl/romfs_session.h"
#include "format/romfs_list.h"

#define UI_MIN_COLUMNS 60
#define UI_MIN_LINES   8
#define UI_MAX_INPUT   1024

struct ui {
	struct romfs_session *session;
	const struct romfs_target *target;
	struct romfs_list list; /* of session->data, which is the image as it is now */
	bool *open;             /* owned; for each item: is this directory open? */
	size_t *rows;           /* owned; indices of the items that are to be seen */
	size_t row_count, cursor, top;
	bool dirty, done;
	char message[256];
};

/* romfs_ui_end afterwards in either case. */
bool romfs_ui_begin(struct ui *ui, struct romfs_session *s, const struct romfs_target *t, struct err *e);
void romfs_ui_end(struct ui *ui);
/* The item under the cursor; NULL in an empty image. */
const struct romfs_item *romfs_ui_item(const struct ui *ui);
bool romfs_ui_is_open(const struct ui *ui, const struct romfs_item *item);
unsigned romfs_ui_depth(const struct romfs_item *item);
/* One key of curses; lines within `page` scroll. */
void romfs_ui_key(struct ui *ui, int key, unsigned page);

/* romfs_screen.c.  False with a refusal where there is no usable terminal. */
bool romfs_screen_run(struct ui *ui, struct err *e);
/* Asks for a line, `text` being what stands there at first.  False when it was given up. */
bool romfs_screen_ask(struct ui *ui, const char *question, char text[UI_MAX_INPUT]);
bool romfs_screen_confirm(struct ui *ui, const char *question);

#endif
