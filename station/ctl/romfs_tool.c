/* Runs a compiler or a converter over one file in a private folder. */
#include "ctl/romfs_tool.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "os/child.h"
#include "os/file.h"
#include "os/scratch.h"
#include "os/text_out.h"
#include "os/tree.h"

#define MAX_OUTPUT  (256u << 10) /* of what a program prints */
#define MPY_VERSION 6            /* of the bytecode that these cameras run */

struct call {
	const struct romfs_tool *tool;
	char folder[PATH_MAX], in[PATH_MAX], out[PATH_MAX];
	const char *argv[WORDS_MAX + BOARD_MAX_MPY + 8];
	unsigned argc;
	char *made[WORDS_MAX]; /* owned: words with something replaced */
	unsigned made_count;
};

static const char *value_of(const struct call *c, const char *at, size_t *length)
{
	const struct {
		const char *place, *value;
	} places[] = { { "{in}", c->in }, { "{out}", c->out }, { "{board}", c->tool->board->id } };
	for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
		*length = strlen(places[i].place);
		if (!strncmp(at, places[i].place, *length))
			return places[i].value;
	}
	return NULL;
}

/* The word with every {...} replaced; the caller frees. */
static char *replace(const struct call *c, const char *word)
{
	struct text_out text;
	FILE *out = text_begin(&text);
	while (out && *word) {
		size_t length;
		const char *value = value_of(c, word, &length);
		if (value)
			fputs(value, out);
		else
			fputc(*word, out);
		word += value ? length : 1;
	}
	return text_end(&text, NULL);
}

static bool fill_template(struct call *c, struct err *e)
{
	for (unsigned i = 0; i < c->tool->command->count; i++) {
		char *word = replace(c, c->tool->command->word[i]);
		if (!word)
			return err_set(e, CODE_NO_MEMORY, "no memory for a command");
		c->made[c->made_count++] = word;
		c->argv[c->argc++] = word;
	}
	return true;
}

static bool fill_mpy(struct call *c)
{
	const struct board *b = c->tool->board;
	for (unsigned i = 0; i < c->tool->command->count; i++)
		c->argv[c->argc++] = c->tool->command->word[i];
	for (unsigned i = 0; i < b->mpy_count; i++)
		c->argv[c->argc++] = b->mpy[i];
	const char *const rest[] = { "-s", c->tool->path, "-o", c->out, c->in };
	for (size_t i = 0; i < sizeof rest / sizeof *rest; i++)
		c->argv[c->argc++] = rest[i];
	return true;
}

/* What the program said, line by line, harmless to a terminal, each line marked as not ours. */
static void show(const struct child_text *t)
{
	bool fresh = true;
	for (size_t i = 0; i < t->size; i++) {
		unsigned char ch = (unsigned char)t->text[i];
		if (fresh)
			fputs("| ", stderr);
		fresh = ch == '\n';
		fputc(ch == '\n' || ch == '\t' || (ch >= 0x20 && ch != 0x7f) ? ch : '?', stderr);
	}
	if (!fresh)
		fputc('\n', stderr);
	if (t->cut)
		fputs("| ... and more\n", stderr);
}

static bool run(struct call *c, struct err *e)
{
	struct child_spec spec = {
		.argv = c->argv, .output_limit = MAX_OUTPUT, .deadline_ms = c->tool->wait_ms, .stop_fd = -1
	};
	struct child_result result;
	bool done = child_run_ok(&spec, &result, e);
	if (!done)
		show(&result.err);
	child_result_clear(&result);
	return done;
}

/* Only what a build would take itself: a regular file, not empty, not too large. */
static bool fetch(struct call *c, uint8_t **data, size_t *size, struct err *e)
{
	struct stat st;
	const char *name = c->argv[0];
	if (lstat(c->out, &st) || !S_ISREG(st.st_mode))
		return err_set(e, CODE_CHILD_FAILED, "%.60s ended well but wrote no file", name);
	if (!st.st_size)
		return err_set(e, CODE_CHILD_FAILED, "%.60s ended well but wrote an empty file", name);
	if (!file_read(c->out, TREE_MAX_BYTES, data, size, e))
		return false;
	if (c->tool->kind != ROMFS_TOOL_MPY || (*size > 4 && (*data)[0] == 'M' && (*data)[1] == MPY_VERSION))
		return true;
	free(*data);
	return err_set(
	    e, CODE_CHILD_FAILED, "%.60s wrote something that is no .mpy file of version %d", name, MPY_VERSION);
}

static bool prepare(struct call *c, struct span file, struct err *e)
{
	char sub[2][PATH_MAX];
	const char *const names[] = { "in", "out" };
	char *const files[] = { c->in, c->out };
	for (int i = 0; i < 2; i++)
		if (!file_join(sub[i], PATH_MAX, c->folder, names[i], e) || !file_make_folder(sub[i], true, e) ||
		    !file_join(files[i], PATH_MAX, sub[i], c->tool->name, e))
			return false;
	return file_write_atomic(c->in, file, 0600, e);
}

bool romfs_tool_run(const struct romfs_tool *tool, struct span file, uint8_t **data, size_t *size, struct err *e)
{
	struct call *c = calloc(1, sizeof *c);
	if (!c)
		return err_set(e, CODE_NO_MEMORY, "no memory");
	c->tool = tool;
	bool done = scratch_make(c->folder, e);
	if (done) {
		done = prepare(c, file, e) && (tool->kind == ROMFS_TOOL_MPY ? fill_mpy(c) : fill_template(c, e)) &&
		       run(c, e) && fetch(c, data, size, e);
		scratch_remove(c->folder);
	}
	for (unsigned i = 0; i < c->made_count; i++)
		free(c->made[i]);
	free(c);
	return done;
}
