/* stationctl romfs: looks into ROMFS images and builds them. */
#include "ctl/commands.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl_romfs.h"
#include "format/json.h"
#include "format/romfs_list.h"
#include "format/romfs_text.h"
#include "format/tflite.h"
#include "line/boards.h"
#include "os/file.h"

/* What ls and check work on, and what they found. */
struct look {
	const char *usage;
	bool json, models; /* models: their heads are judged */
	const char *board_id, *boards_folder;
	struct board_set boards;
	const struct board *board; /* NULL: alignment is not judged */
	uint8_t *data;             /* owned */
	struct romfs_list list;
	struct cJSON *problems; /* owned */
	struct err e;           /* the first refusal */
};

static void look_clear(struct look *l)
{
	romfs_list_clear(&l->list);
	boards_clear(&l->boards);
	json_free(l->problems);
	auto_free_(&l->data);
}

static void add_problem(struct look *l, const char *rule, const char *path, uint32_t offset, const char *message)
{
	struct cJSON *p = json_add_object(l->problems, NULL);
	json_add_string(p, "rule", rule);
	if (path)
		json_add_string(p, "path", path);
	json_add_integer(p, "offset", offset);
	json_add_string(p, "message", message);
}

/* Holds each file against the board's alignment table: a model below it is refused, anything else is told. */
static void judge_alignment(struct look *l)
{
	for (size_t i = 0; l->board && i < l->list.count; i++) {
		const struct romfs_item *item = &l->list.items[i];
		bool model;
		uint32_t want = board_alignment(l->board, item->path, &model);
		if (item->type == ROMFS_DIR || item->offset % want == 0)
			continue;
		char text[128];
		snprintf(text, sizeof text, "it starts at byte %u and should at a multiple of %u", item->offset, want);
		add_problem(l, "align", item->path, item->offset, text);
		if (model && l->e.code == CODE_OK)
			err_set(&l->e, CODE_MODEL_MISALIGNED, "%.120s: %s", item->path, text);
	}
}

/* Is what calls itself a TensorFlow Lite model one, at least at its head?  What could never load is refused, what only
 * looks odd is told. */
static void judge_models(struct look *l)
{
	for (size_t i = 0; l->models && i < l->list.count; i++) {
		const struct romfs_item *item = &l->list.items[i];
		struct span data = romfs_list_data(&l->list, item);
		const char *why;
		if (item->type == ROMFS_DIR || !tflite_named(item->path) || tflite_is_st_network(data))
			continue;
		enum tflite_look head = tflite_look(data, &why);
		if (head == TFLITE_SOUND)
			continue;
		add_problem(l, "model", item->path, item->offset, why);
		if (head == TFLITE_NONE && l->e.code == CODE_OK)
			err_set(&l->e, CODE_MODEL_INVALID, "%.120s: %s", item->path, why);
	}
}

static bool look_options(struct look *l, int *argc, char **argv)
{
	const struct ctl_option options[] = {
		{ 0, "json", &l->json, NULL, NULL },
		{ 'b', "board", NULL, &l->board_id, NULL },
		{ 0, "boards", NULL, &l->boards_folder, NULL },
		{ 0, NULL, NULL, NULL, NULL },
	};
	if (!ctl_options(argc, argv, options, &l->e) || !ctl_operands(*argc, 1, 1, l->usage, &l->e))
		return false;
	if (!l->board_id)
		return true;
	if (!ctl_boards(l->boards_folder, &l->boards, &l->e))
		return false;
	l->board = ctl_board(&l->boards, l->board_id, &l->e);
	return l->board != NULL;
}

static void judge_contents(struct look *l)
{
	judge_alignment(l);
	judge_models(l);
}

/* Reads and judges.  False when there is nothing to print about: wrong usage, no such file. */
static bool look_at(struct look *l, int argc, char **argv)
{
	size_t size = 0;
	if (!look_options(l, &argc, argv) || !file_read(argv[1], ROMFS_MAX_FILE, &l->data, &size, &l->e))
		return false;
	l->problems = json_new_array();
	if (romfs_list(span_of(l->data, size), &l->list, &l->e))
		judge_contents(l);
	else if (l->list.fault.rule != ROMFS_RULE_NONE)
		add_problem(l, romfs_rule_word(l->list.fault.rule), NULL, l->list.fault.offset, l->e.msg);
	else
		add_problem(l, code_name(l->e.code), NULL, 0, l->e.msg);
	return true;
}

/* "ok" says that the image is sound, whatever its alignment. */
static const char *mount_word(const struct look *l)
{
	if (l->list.fault.rule != ROMFS_RULE_NONE)
		return romfs_rule_word(l->list.fault.rule);
	return l->list.failure.code == CODE_OK ? "ok" : code_name(l->list.failure.code);
}

static bool print_json(struct look *l)
{
	AUTO_JSON struct cJSON *root = json_new_object();
	json_add_string(root, "mount", mount_word(l));
	struct cJSON *entries = json_add_array(root, "entries");
	for (size_t i = 0; i < l->list.count; i++) {
		const struct romfs_item *item = &l->list.items[i];
		struct cJSON *entry = json_add_object(entries, NULL);
		json_add_string(entry, "path", item->path);
		json_add_string(entry, "type", item->type == ROMFS_DIR ? "dir" : "file");
		json_add_integer(entry, "size", item->size);
		json_add_integer(entry, "offset", item->offset);
		char crc[9];
		snprintf(crc, sizeof crc, "%08" PRIx32, item->crc32);
		json_add_string(entry, "crc32", item->type == ROMFS_DIR ? NULL : crc);
		json_add_integer(entry, "align", item->align);
	}
	json_add_item(root, "problems", l->problems);
	l->problems = NULL;
	return ctl_print_json(root, &l->e);
}

static void print_lines(const struct look *l)
{
	for (size_t i = 0; i < l->list.count; i++) {
		const struct romfs_item *item = &l->list.items[i];
		if (item->type == ROMFS_DIR)
			printf("%10s %10s %5s %8s  ", "-", "-", "-", "-");
		else
			printf("%10u %10u %5u %08" PRIx32 "  ", item->size, item->offset, item->align, item->crc32);
		ctl_print_text(span_of(item->path, strlen(item->path)));
		puts(item->type == ROMFS_DIR ? "/" : "");
	}
}

static void print_summary(const struct look *l)
{
	size_t files = 0;
	for (size_t i = 0; i < l->list.count; i++)
		files += l->list.items[i].type == ROMFS_FILE;
	printf("sound: %u bytes, %zu files, %zu directories\n", l->list.fs.end, files, l->list.count - files);
}

static void tell_warnings(const struct look *l)
{
	for (const struct cJSON *p = json_first(l->problems); p; p = json_after(p)) {
		const char *path, *message;
		if (!json_string(p, "path", &path, NULL) || !json_string(p, "message", &message, NULL))
			continue;
		ctl_print_text(span_of(path, strlen(path)));
		printf(": %s\n", message);
	}
}

static int look(const char *usage, void (*print)(const struct look *), bool models, int argc, char **argv)
{
	struct look l = { .usage = usage, .models = models };
	if (look_at(&l, argc, argv)) {
		if (l.json)
			print_json(&l);
		else if (l.list.failure.code == CODE_OK) {
			print(&l);
			tell_warnings(&l);
		}
	}
	int status = l.e.code == CODE_OK ? CTL_DONE : ctl_refuse(&l.e);
	look_clear(&l);
	return status;
}

static int run_ls(int argc, char **argv)
{
	return look("romfs ls [--json] [-b BOARD] IMG", print_lines, false, argc, argv);
}

static int run_check(int argc, char **argv)
{
	return look("romfs check [--json] [-b BOARD] IMG", print_summary, true, argc, argv);
}

/* The image is held whole before anything of it is given out. */
static bool cat(const char *image, const char *path, struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	size_t size;
	struct romfs fs;
	struct romfs_node node;
	struct romfs_fault fault;
	if (!file_read(image, ROMFS_MAX_FILE, &data, &size, e))
		return false;
	if (romfs_verify(&fs, data, size, NULL, NULL, &fault) != ROMFS_OK)
		return romfs_fault_err(&fault, CODE_IMAGE_INVALID, e);
	if (romfs_lookup(&fs, path, &node) != ROMFS_OK)
		return err_set(e, CODE_NOT_FOUND, "there is no '%.120s' in the image", path);
	if (node.type == ROMFS_DIR)
		return err_set(e, CODE_NOT_FOUND, "'%.120s' is a directory", path);
	if (fwrite(romfs_data(&fs, &node), 1, node.data_size, stdout) != node.data_size)
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot write the contents");
	return true;
}

static int run_cat(int argc, char **argv)
{
	static const struct ctl_option none[] = { { 0, NULL, NULL, NULL, NULL } };
	struct err e = ERR_INIT;
	if (ctl_options(&argc, argv, none, &e) && ctl_operands(argc, 2, 2, "romfs cat IMG PATH", &e) &&
	    cat(argv[1], argv[2], &e))
		return CTL_DONE;
	return ctl_refuse(&e);
}

int ctl_romfs(int argc, char **argv)
{
	static const struct ctl_command table[] = {
		{ "add", ROMFS_ADD_USAGE, ctl_romfs_add },
		{ "build", ROMFS_BUILD_USAGE, ctl_romfs_build },
		{ "cat", "romfs cat IMG PATH", run_cat },
		{ "check", "romfs check [--json] [-b BOARD] IMG", run_check },
		{ "deploy", ROMFS_DEPLOY_USAGE, ctl_romfs_deploy },
		{ "diff", ROMFS_DIFF_USAGE, ctl_romfs_diff },
		{ "edit", ROMFS_EDIT_USAGE, ctl_romfs_edit },
		{ "extract", ROMFS_EXTRACT_USAGE, ctl_romfs_extract },
		{ "ls", "romfs ls [--json] [-b BOARD] IMG", run_ls },
		{ "mkdir", ROMFS_MKDIR_USAGE, ctl_romfs_mkdir },
		{ "mv", ROMFS_MV_USAGE, ctl_romfs_mv },
		{ "new", ROMFS_NEW_USAGE, ctl_romfs_new },
		{ "query", ROMFS_QUERY_USAGE, ctl_romfs_query },
		{ "read", ROMFS_READ_USAGE, ctl_romfs_read },
		{ "reset", ROMFS_RESET_USAGE, ctl_romfs_reset },
		{ "rm", ROMFS_RM_USAGE, ctl_romfs_rm },
		{ NULL, NULL, NULL },
	};
	return ctl_dispatch(table, "stationctl romfs", argc, argv);
}
