/* The editor's state in the terminal: which rows there are, where the cursor stands, what each key does. */
#include "ctl/romfs_ui.h"

#include <curses.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os/file.h"

const struct romfs_item *romfs_ui_item(const struct ui *ui)
{
	return ui->row_count ? &ui->list.items[ui->rows[ui->cursor]] : NULL;
}

bool romfs_ui_is_open(const struct ui *ui, const struct romfs_item *item)
{
	return ui->open[item - ui->list.items];
}

unsigned romfs_ui_depth(const struct romfs_item *item)
{
	unsigned depth = 0;
	for (const char *p = item->path + 1; *p; p++)
		depth += *p == '/';
	return depth;
}

/* Items stand parents before children: below a closed directory all deeper ones that follow are hidden. */
static void find_rows(struct ui *ui)
{
	unsigned hidden_below = ROMFS_MAX_DEPTH + 1;
	ui->row_count = 0;
	for (size_t i = 0; i < ui->list.count; i++) {
		unsigned depth = romfs_ui_depth(&ui->list.items[i]);
		if (depth > hidden_below)
			continue;
		hidden_below = ui->list.items[i].type == ROMFS_DIR && !ui->open[i] ? depth : ROMFS_MAX_DEPTH + 1;
		ui->rows[ui->row_count++] = i;
	}
	if (ui->cursor >= ui->row_count)
		ui->cursor = ui->row_count ? ui->row_count - 1 : 0;
}

static void close_all(struct ui *ui)
{
	romfs_list_clear(&ui->list);
	free(ui->open);
	free(ui->rows);
	ui->open = NULL;
	ui->rows = NULL;
	ui->row_count = 0;
}

static bool was_open(const struct ui *old, const char *path)
{
	for (size_t i = 0; i < old->list.count; i++)
		if (old->open[i] && !strcmp(old->list.items[i].path, path))
			return true;
	return false;
}

/* Lists the session's bytes anew; directories that were open stay so, the cursor stays where it was. */
static bool list_again(struct ui *ui, struct err *e)
{
	struct ui old = *ui;
	ui->list = (struct romfs_list){ .items = NULL };
	ui->open = NULL;
	ui->rows = NULL;
	bool done = romfs_list(span_of(ui->session->data, ui->session->size), &ui->list, e);
	if (done) {
		ui->open = calloc(ui->list.count + 1, sizeof *ui->open);
		ui->rows = calloc(ui->list.count + 1, sizeof *ui->rows);
		done = (ui->open && ui->rows) || err_set(e, CODE_NO_MEMORY, "no memory for the list");
	}
	for (size_t i = 0; done && i < ui->list.count; i++)
		ui->open[i] = ui->list.items[i].type == ROMFS_DIR && was_open(&old, ui->list.items[i].path);
	close_all(&old);
	if (done)
		find_rows(ui);
	else
		close_all(ui);
	return done;
}

bool romfs_ui_begin(struct ui *ui, struct romfs_session *s, const struct romfs_target *t, struct err *e)
{
	*ui = (struct ui){ .session = s, .target = t };
	return list_again(ui, e);
}

void romfs_ui_end(struct ui *ui)
{
	close_all(ui);
}

/* After a verb: what it made is taken over, or, where it failed half-way, what was there before. */
static void settle(struct ui *ui, bool done, struct err *e)
{
	struct romfs_target unbound = *ui->target; /* too large is told by the bar, and refused when it is saved */
	struct err again = ERR_INIT;
	uint8_t *image = NULL;
	size_t size = 0;
	unbound.partition = NULL;
	done = done && romfs_session_make(ui->session, &unbound, &image, &size, e);
	bool sound = done ? romfs_session_take(ui->session, image, size, &again) && list_again(ui, &again)
			  : romfs_session_reset(ui->session, &again);
	if (!sound) {
		/* no memory: nothing can be shown any more, and nothing was written */
		snprintf(ui->message, sizeof ui->message, "%s", again.msg);
		ui->done = true;
		return;
	}
	if (done)
		ui->dirty = true;
	else
		snprintf(ui->message, sizeof ui->message, "%s: %s", code_name(e->code), e->msg);
}

/* The directory that new things go to: the open one under the cursor, else the one that holds it. */
static void place_for(const struct ui *ui, char out[UI_MAX_INPUT])
{
	const struct romfs_item *item = romfs_ui_item(ui);
	snprintf(out, UI_MAX_INPUT, "%s", item ? item->path : "/");
	if (item && item->type == ROMFS_DIR && romfs_ui_is_open(ui, item)) {
		size_t n = strlen(out);
		snprintf(out + n, UI_MAX_INPUT - n, "/");
		return;
	}
	char *slash = strrchr(out, '/');
	if (slash)
		slash[1] = '\0';
}

/* `name` below the directory, unless it is a path itself. */
static bool join(const char *folder, const char *name, char out[2 * UI_MAX_INPUT])
{
	int n = snprintf(out, 2 * UI_MAX_INPUT, "%s%s", *name == '/' ? "" : folder, name);
	return n > 0 && n < 2 * UI_MAX_INPUT;
}

static void key_add(struct ui *ui)
{
	struct err e = ERR_INIT;
	char source[UI_MAX_INPUT] = "", folder[UI_MAX_INPUT];
	if (!romfs_screen_ask(ui, "add the file or folder: ", source) || !*source)
		return;
	place_for(ui, folder);
	settle(ui, romfs_session_add(ui->session, source, folder, false, &e), &e);
}

static void key_mkdir(struct ui *ui)
{
	struct err e = ERR_INIT;
	char name[UI_MAX_INPUT] = "", folder[UI_MAX_INPUT], path[2 * UI_MAX_INPUT];
	if (!romfs_screen_ask(ui, "make the directory: ", name) || !*name)
		return;
	place_for(ui, folder);
	settle(ui, join(folder, name, path) && romfs_edit_mkdir(ui->session->edit, path, true, &e), &e);
}

static void key_rename(struct ui *ui)
{
	struct err e = ERR_INIT;
	const struct romfs_item *item = romfs_ui_item(ui);
	char name[UI_MAX_INPUT], folder[UI_MAX_INPUT], path[2 * UI_MAX_INPUT];
	if (!item)
		return;
	const char *base = strrchr(item->path, '/') + 1;
	snprintf(name, sizeof name, "%s", base);
	if (!romfs_screen_ask(ui, "new name, or /path: ", name) || !*name)
		return;
	snprintf(folder, sizeof folder, "%.*s", (int)(base - item->path), item->path);
	settle(ui, join(folder, name, path) && romfs_edit_move(ui->session->edit, item->path, path, false, &e), &e);
}

static void key_remove(struct ui *ui)
{
	struct err e = ERR_INIT;
	const struct romfs_item *item = romfs_ui_item(ui);
	char question[UI_MAX_INPUT];
	if (!item)
		return;
	snprintf(question, sizeof question, "remove %s%s? y/n ", item->path,
	    item->type == ROMFS_DIR ? " with all below" : "");
	if (romfs_screen_confirm(ui, question))
		settle(ui, romfs_edit_remove(ui->session->edit, item->path, true, &e), &e);
}

static void key_replace(struct ui *ui)
{
	struct err e = ERR_INIT;
	const struct romfs_item *item = romfs_ui_item(ui);
	char source[UI_MAX_INPUT] = "";
	if (!item || item->type == ROMFS_DIR) {
		snprintf(ui->message, sizeof ui->message, "only a file's contents can be replaced");
		return;
	}
	if (romfs_screen_ask(ui, "replace by the file: ", source) && *source)
		settle(ui, romfs_session_add(ui->session, source, item->path, true, &e), &e);
}

static void key_save(struct ui *ui)
{
	struct err e = ERR_INIT;
	uint8_t *image = NULL;
	size_t size = 0;
	if (!romfs_session_save(ui->session, ui->target, &image, &size, &e)) {
		snprintf(ui->message, sizeof ui->message, "%s: %s", code_name(e.code), e.msg);
		return;
	}
	free(image);
	ui->dirty = false;
	snprintf(ui->message, sizeof ui->message, "saved: %zu bytes", size);
}

static void key_quit(struct ui *ui)
{
	ui->done = !ui->dirty || romfs_screen_confirm(ui, "not saved; quit all the same? y/n ");
}

static void key_toggle(struct ui *ui)
{
	const struct romfs_item *item = romfs_ui_item(ui);
	if (!item || item->type != ROMFS_DIR)
		return;
	ui->open[item - ui->list.items] = !romfs_ui_is_open(ui, item);
	find_rows(ui);
}

/* Closes a directory; from anything else goes up to the one that holds it. */
static void key_left(struct ui *ui)
{
	const struct romfs_item *item = romfs_ui_item(ui);
	if (item && romfs_ui_is_open(ui, item)) {
		key_toggle(ui);
		return;
	}
	for (size_t i = ui->cursor; item && i-- > 0;)
		if (romfs_ui_depth(&ui->list.items[ui->rows[i]]) < romfs_ui_depth(item)) {
			ui->cursor = i;
			return;
		}
}

static void key_right(struct ui *ui)
{
	const struct romfs_item *item = romfs_ui_item(ui);
	if (item && !romfs_ui_is_open(ui, item))
		key_toggle(ui);
}

static bool move_cursor(struct ui *ui, int key, unsigned page)
{
	size_t last = ui->row_count ? ui->row_count - 1 : 0, at = ui->cursor;
	switch (key) {
	case KEY_UP:
		at = at ? at - 1 : 0;
		break;
	case KEY_DOWN:
		at++;
		break;
	case KEY_PPAGE:
		at = at > page ? at - page : 0;
		break;
	case KEY_NPAGE:
		at += page;
		break;
	case KEY_HOME:
		at = 0;
		break;
	case KEY_END:
		at = last;
		break;
	default:
		return false;
	}
	ui->cursor = at < last ? at : last;
	return true;
}

void romfs_ui_key(struct ui *ui, int key, unsigned page)
{
	static const struct {
		int key;
		void (*run)(struct ui *);
	} keys[] = {
		{ 'a', key_add },
		{ 'm', key_mkdir },
		{ 'n', key_rename },
		{ 'd', key_remove },
		{ 'r', key_replace },
		{ 's', key_save },
		{ 'q', key_quit },
		{ 'C' & 0x1f, key_quit },
		{ '\n', key_toggle },
		{ '\r', key_toggle },
		{ KEY_ENTER, key_toggle },
		{ KEY_LEFT, key_left },
		{ KEY_RIGHT, key_right },
	};
	ui->message[0] = '\0';
	if (move_cursor(ui, key, page))
		return;
	for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
		if (keys[i].key == key)
			keys[i].run(ui);
}
