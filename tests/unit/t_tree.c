/* Reading folders for images: what is taken, what is refused, in words that name the file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/file.h"
#include "os/tree.h"

struct box {
	char path[64];
};

static int open_box(void **state)
{
	static struct box b;
	strcpy(b.path, "/tmp/t_tree.XXXXXX");
	*state = &b;
	return mkdtemp(b.path) ? 0 : -1;
}

static int close_box(void **state)
{
	const struct box *b = *state;
	pid_t child = fork();
	if (child == 0) {
		execlp("rm", "rm", "-rf", "--", b->path, (char *)NULL);
		_exit(127);
	}
	int status;
	return waitpid(child, &status, 0) == child && status == 0 ? 0 : -1;
}

static void in_box(const struct box *b, const char *name, char out[PATH_MAX])
{
	struct err e = ERR_INIT;
	assert_true(file_join(out, PATH_MAX, b->path, name, &e));
}

static void put_file(const struct box *b, const char *name, const char *text)
{
	char path[PATH_MAX];
	struct err e = ERR_INIT;
	in_box(b, name, path);
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_true(file_write_all(fd, span_of(text, strlen(text)), path, &e));
	close(fd);
}

static void put_folder(const struct box *b, const char *name)
{
	char path[PATH_MAX];
	in_box(b, name, path);
	assert_int_equal(mkdir(path, 0700), 0);
}

static const struct romfs_entry *child(const struct romfs_entry *dir, const char *name)
{
	for (size_t i = 0; i < dir->count; i++)
		if (!strcmp(dir->children[i]->name, name))
			return dir->children[i];
	fail_msg("no %s", name);
	return NULL;
}

static void everything_is_taken(void **state)
{
	const struct box *b = *state;
	put_file(b, "a.py", "print");
	put_file(b, ".hidden", "");
	put_folder(b, "lib");
	put_folder(b, "lib/empty");
	put_file(b, "lib/b.py", "bb");
	struct romfs_entry *root = NULL;
	struct err e = ERR_INIT;
	if (!tree_read(b->path, &root, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(root->count, 3);
	assert_int_equal(child(root, "a.py")->size, 5);
	assert_memory_equal(child(root, "a.py")->data, "print", 5);
	assert_int_equal(child(root, ".hidden")->size, 0);
	const struct romfs_entry *lib = child(root, "lib");
	assert_int_equal(lib->type, ROMFS_DIR);
	assert_int_equal(child(lib, "empty")->type, ROMFS_DIR);
	assert_int_equal(child(lib, "empty")->count, 0);
	assert_memory_equal(child(lib, "b.py")->data, "bb", 2);
	romfs_entry_free(root);
}

static void must_refuse(const struct box *b, enum code code, const char *word)
{
	struct romfs_entry *root = NULL;
	struct err e = ERR_INIT;
	assert_false(tree_read(b->path, &root, &e));
	assert_null(root);
	assert_string_equal(code_name(e.code), code_name(code));
	if (!strstr(e.msg, word))
		fail_msg("no '%s' in: %s", word, e.msg);
}

static void links_are_refused(void **state)
{
	const struct box *b = *state;
	char path[PATH_MAX];
	put_folder(b, "lib");
	in_box(b, "lib/loop", path);
	assert_int_equal(symlink("..", path), 0);
	must_refuse(b, CODE_FILE_FAILED, "lib/loop is a symbolic link");
}

static void dangling_links_are_refused(void **state)
{
	const struct box *b = *state;
	char path[PATH_MAX];
	in_box(b, "nowhere", path);
	assert_int_equal(symlink("/does/not/exist", path), 0);
	must_refuse(b, CODE_FILE_FAILED, "nowhere is a symbolic link");
}

static void pipes_are_refused_and_not_opened(void **state)
{
	const struct box *b = *state;
	char path[PATH_MAX];
	in_box(b, "pipe", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	must_refuse(b, CODE_FILE_FAILED, "pipe is a device, pipe or socket");
}

static void names_that_are_no_utf8_are_refused(void **state)
{
	put_file(*state, "caf\xE9.py", "x");
	must_refuse(*state, CODE_NAME_INVALID, "UTF-8");
}

static void depth_is_bounded(void **state)
{
	const struct box *b = *state;
	char name[2 * (ROMFS_MAX_DEPTH + 1) + 2] = "";
	for (int i = 0; i < ROMFS_MAX_DEPTH; i++) {
		strcat(name, i ? "/d" : "d");
		put_folder(b, name);
	}
	struct romfs_entry *root = NULL;
	struct err e = ERR_INIT;
	if (!tree_read(b->path, &root, &e))
		fail_msg("%s", e.msg);
	romfs_entry_free(root);
	strcat(name, "/d");
	put_folder(b, name);
	must_refuse(b, CODE_TOO_LARGE, "folders deep");
}

static void size_is_bounded_before_it_is_read(void **state)
{
	const struct box *b = *state;
	char path[PATH_MAX];
	put_file(b, "small", "x");
	put_file(b, "large", "");
	in_box(b, "large", path);
	assert_int_equal(truncate(path, TREE_MAX_BYTES + 1), 0);
	must_refuse(b, CODE_TOO_LARGE, "large");
}

static void a_missing_folder_is_told(void **state)
{
	const struct box *b = *state;
	struct box missing;
	snprintf(missing.path, sizeof missing.path, "%.40s/none", b->path);
	must_refuse(&missing, CODE_FILE_FAILED, "none");
	put_file(b, "file", "x");
	snprintf(missing.path, sizeof missing.path, "%.40s/file", b->path);
	must_refuse(&missing, CODE_FILE_FAILED, "file");
}

int main(void)
{
#define IN_BOX(test) cmocka_unit_test_setup_teardown(test, open_box, close_box)
	const struct CMUnitTest tests[] = {
		IN_BOX(everything_is_taken),
		IN_BOX(links_are_refused),
		IN_BOX(dangling_links_are_refused),
		IN_BOX(pipes_are_refused_and_not_opened),
		IN_BOX(names_that_are_no_utf8_are_refused),
		IN_BOX(depth_is_bounded),
		IN_BOX(size_is_bounded_before_it_is_read),
		IN_BOX(a_missing_folder_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
