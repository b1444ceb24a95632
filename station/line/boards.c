/* Loads a folder of board files. */
#include "line/boards.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static int is_board_file(const struct dirent *entry)
{
	size_t n = strlen(entry->d_name);
	return n > 5 && entry->d_name[0] != '.' && !strcmp(entry->d_name + n - 5, ".json");
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static bool load_one(const char *folder, const char *name, struct board *out, struct err *e)
{
	char path[PATH_MAX];
	AUTO_FREE uint8_t *data = NULL;
	size_t size;
	if (!file_join(path, sizeof path, folder, name, e) || !file_read(path, BOARDS_MAX_FILE, &data, &size, e))
		return false;
	if (!board_parse(span_of(data, size), out, e))
		return err_prefix(e, "%s", name);
	if (strncmp(name, out->id, strlen(out->id)) != 0 || strcmp(name + strlen(out->id), ".json") != 0)
		return err_set(e, CODE_BOARD_INVALID, "%s: the file must be called by its id, %s.json", name, out->id);
	return true;
}

static bool add(const char *folder, const char *name, struct board_set *set, struct err *e)
{
	struct board *b = &set->boards[set->count];
	if (!load_one(folder, name, b, e))
		return false;
	const struct board *other = b->has_dfu ? boards_by_dfu(set, b->dfu_vid, b->dfu_pid) : NULL;
	if (other)
		return err_set(e, CODE_BOARD_INVALID, "%s has the bootloader id of %s", name, other->id);
	set->count++;
	return true;
}

/* Sorted by file name is sorted by id, but for ids where one begins with the other. */
static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct board *)a)->id, ((const struct board *)b)->id);
}

static bool load_all(const char *folder, struct dirent **names, int count, struct board_set *out, struct err *e)
{
	if (!count)
		return err_set(e, CODE_BOARD_INVALID, "%s holds no board file", folder);
	if (count > BOARDS_MAX)
		return err_set(e, CODE_BOARD_INVALID, "%s holds more than %d board files", folder, BOARDS_MAX);
	out->boards = calloc((size_t)count, sizeof *out->boards);
	if (!out->boards)
		return err_set(e, CODE_NO_MEMORY, "no memory for the boards");
	for (int i = 0; i < count; i++)
		if (!add(folder, names[i]->d_name, out, e))
			return false;
	qsort(out->boards, out->count, sizeof *out->boards, by_id);
	return true;
}

bool boards_load(const char *folder, struct board_set *out, struct err *e)
{
	struct dirent **names;
	*out = (struct board_set){ 0, NULL };
	int count = scandir(folder, &names, is_board_file, by_bytes);
	if (count < 0)
		return err_sys(e, CODE_FILE_FAILED, errno, "%s", folder);
	bool good = load_all(folder, names, count, out, e);
	for (int i = 0; i < count; i++)
		free(names[i]);
	free(names);
	if (!good)
		boards_clear(out);
	return good;
}

void boards_clear(struct board_set *set)
{
	free(set->boards);
	*set = (struct board_set){ 0, NULL };
}

const struct board *boards_find(const struct board_set *set, const char *id)
{
	for (unsigned i = 0; i < set->count; i++)
		if (!strcmp(set->boards[i].id, id))
			return &set->boards[i];
	return NULL;
}

const struct board *boards_by_dfu(const struct board_set *set, uint16_t vid, uint16_t pid)
{
	for (unsigned i = 0; i < set->count; i++)
		if (set->boards[i].has_dfu && set->boards[i].dfu_vid == vid && set->boards[i].dfu_pid == pid)
			return &set->boards[i];
	return NULL;
}

static bool is_legacy(const struct board *b, uint16_t vid, uint16_t pid)
{
	for (unsigned i = 0; i < b->legacy_count; i++)
		if (b->legacy[i].vid == vid && b->legacy[i].pid == pid)
			return true;
	return false;
}

const struct board *boards_by_run(const struct board_set *set, uint16_t vid, uint16_t pid)
{
	for (unsigned i = 0; i < set->count; i++)
		if (set->boards[i].run_vid == vid && set->boards[i].run_pid == pid)
			return &set->boards[i];
	for (unsigned i = 0; i < set->count; i++)
		if (is_legacy(&set->boards[i], vid, pid))
			return &set->boards[i];
	return NULL;
}
