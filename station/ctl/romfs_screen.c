/* The editor on the screen: one line for the image, one for how full its partition is, the tree, one line for messages
 * and questions, one for the keys.  Nothing of the image reaches the terminal but printable characters. */
#include <curses.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "ctl/romfs_ui.h"

#define HEAD_LINES 2
#define FOOT_LINES 2
#define FACTS      36 /* columns: size, offset, alignment, CRC-32 */
#define BAR        30

static const char help[] = "Enter open  a add  m mkdir  n rename  d delete  r replace  s save  q quit";

static int page_lines(void)
{
	return LINES - HEAD_LINES - FOOT_LINES;
}

static bool fits(void)
{
	return LINES >= UI_MIN_LINES && COLS >= UI_MIN_COLUMNS;
}

/* Draws UTF-8 text in at most `columns` columns; what is no printable character becomes '?'. */
static void draw_text(const char *text, int columns)
{
	mbstate_t state;
	size_t left = strlen(text);
	memset(&state, 0, sizeof state);
	while (left && columns > 0) {
		wchar_t wide[2] = { 0 };
		size_t n = mbrtowc(wide, text, left, &state);
		if (n == 0 || n > left) {
			memset(&state, 0, sizeof state);
			n = 1;
			wide[0] = L'?';
		}
		int width = iswprint((wint_t)wide[0]) ? wcwidth(wide[0]) : -1;
		if (width < 1) { /* combining marks too: they would change what stands beside them */
			wide[0] = L'?';
			width = 1;
		}
		if (width > columns)
			return;
		addwstr(wide);
		columns -= width;
		text += n;
		left -= n;
	}
}

static void draw_head(const struct ui *ui)
{
	move(0, 0);
	attron(A_BOLD);
	draw_text(ui->session->path, COLS - 12);
	addstr(ui->dirty ? " [modified]" : "");
	attroff(A_BOLD);
	move(1, 0);
	const struct romfs_target *t = ui->target;
	if (!t->partition) {
		printw("%u bytes; -b BOARD shows how full its partition is", ui->list.fs.end);
		return;
	}
	double share = (double)ui->list.fs.end / t->partition->size;
	int full = share >= 1 ? BAR : (int)(share * BAR);
	addch('[');
	for (int i = 0; i < BAR; i++)
		addch(i < full ? '#' : '-');
	printw("] %.1f %% of %s", 100 * share, t->partition->name);
	if (share > 1)
		addstr(": TOO LARGE");
}

static void draw_row(const struct ui *ui, const struct romfs_item *item, int line, bool here)
{
	int indent = 2 * (int)romfs_ui_depth(item), most = COLS - FACTS - 6;
	bool folder = item->type == ROMFS_DIR;
	move(line, 0);
	if (here)
		attron(A_REVERSE);
	printw("%*s%c ", indent < most / 2 ? indent : most / 2, "", folder ? "+-"[romfs_ui_is_open(ui, item)] : ' ');
	int x = getcurx(stdscr);
	draw_text(strrchr(item->path, '/') + 1, COLS - FACTS - x - 2);
	addstr(folder ? "/" : "");
	if (!folder)
		mvprintw(line, COLS - FACTS, "%9u %9u %5u  %08x", item->size, item->offset, item->align, item->crc32);
	if (here)
		attroff(A_REVERSE);
}

static void draw_tree(struct ui *ui)
{
	size_t lines = (size_t)page_lines();
	if (ui->cursor < ui->top)
		ui->top = ui->cursor;
	if (ui->cursor >= ui->top + lines)
		ui->top = ui->cursor - lines + 1;
	for (size_t i = 0; i < lines && ui->top + i < ui->row_count; i++)
		draw_row(ui, &ui->list.items[ui->rows[ui->top + i]], HEAD_LINES + (int)i, ui->top + i == ui->cursor);
	if (!ui->row_count)
		mvaddstr(HEAD_LINES, 0, "(nothing in the image)");
}

static void draw(struct ui *ui)
{
	erase();
	if (!fits()) {
		mvprintw(0, 0, "at least %dx%d", UI_MIN_COLUMNS, UI_MIN_LINES);
		refresh();
		return;
	}
	draw_head(ui);
	draw_tree(ui);
	move(LINES - 2, 0);
	draw_text(ui->message, COLS - 1);
	move(LINES - 1, 0);
	draw_text(help, COLS - 1);
	move(HEAD_LINES + (int)(ui->cursor - ui->top), 0);
	refresh();
}

/* The question and the end of what was typed, on the line of messages. */
static void draw_question(struct ui *ui, const char *question, const char *text)
{
	draw(ui);
	if (!fits())
		return;
	move(LINES - 2, 0);
	clrtoeol();
	draw_text(question, COLS / 2);
	size_t room = (size_t)(COLS - getcurx(stdscr) - 1), n = strlen(text);
	draw_text(text + (n > room ? n - room : 0), (int)room);
	refresh();
}

/* One character of UTF-8. */
static void take_back(char *text)
{
	size_t n = strlen(text);
	while (n && ((unsigned char)text[n - 1] & 0xC0) == 0x80)
		n--;
	text[n ? n - 1 : 0] = '\0';
}

bool romfs_screen_ask(struct ui *ui, const char *question, char text[UI_MAX_INPUT])
{
	for (;;) {
		draw_question(ui, question, text);
		int key = getch();
		size_t n = strlen(text);
		if (key == ERR) /* the terminal is gone */
			ui->done = true;
		if (key == ERR || key == 27 || key == ('C' & 0x1f))
			return false;
		if (key == '\n' || key == '\r' || key == KEY_ENTER)
			return true;
		if (key == KEY_BACKSPACE || key == 127 || key == 8)
			take_back(text);
		else if (key == ('U' & 0x1f))
			text[0] = '\0';
		else if (key >= 0x20 && key <= 0xFF && n + 1 < UI_MAX_INPUT) {
			text[n] = (char)key;
			text[n + 1] = '\0';
		}
	}
}

bool romfs_screen_confirm(struct ui *ui, const char *question)
{
	for (;;) {
		draw_question(ui, question, "");
		int key = getch();
		if (key == ERR)
			ui->done = true;
		if (key == 'y' || key == 'n' || key == 27 || key == ERR)
			return key == 'y';
	}
}

bool romfs_screen_run(struct ui *ui, struct err *e)
{
	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return err_set(e, CODE_USAGE, "romfs edit needs a terminal; add, mkdir, mv and rm do without");
	setlocale(LC_CTYPE, "");
	if (MB_CUR_MAX == 1)
		setlocale(LC_CTYPE, "C.UTF-8");
	set_escdelay(25);
	SCREEN *screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return err_set(e, CODE_USAGE, "this kind of terminal is not known; TERM says what it is");
	int lines = LINES, columns = COLS;
	bool large = fits();
	raw();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	while (large && !ui->done) {
		draw(ui);
		int key = getch();
		if (key == ERR)
			break; /* the terminal is gone; what was not saved is not */
		if (fits() || key == 'q')
			romfs_ui_key(ui, key, (unsigned)page_lines());
	}
	endwin();
	delscreen(screen);
	return large || err_set(e, CODE_USAGE, "the terminal has %d columns and %d lines; %d and %d are needed",
			    columns, lines, UI_MIN_COLUMNS, UI_MIN_LINES);
}
