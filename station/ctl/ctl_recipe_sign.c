/* stationctl recipe sign, attach, detach: signatures into a recipe and out of it.  Signing itself is stock minisign's
 * work, so that no secret key ever passes through this program. */
#include "ctl/ctl_recipe.h"

#include "ctl/below.h"
#include "format/recipe_build.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Reads up to eight .minisig files and writes the image with them. */
static bool attach(
    const char *path, const struct recipe_file *file, char *const *signatures, unsigned count, struct err *e)
{
	uint8_t *texts[RECIPE_MAX_SIGNATURES] = { NULL }, *bytes = NULL;
	struct span spans[RECIPE_MAX_SIGNATURES] = { { NULL, 0 } };
	size_t size = 0;
	unsigned got = 0;
	bool done = true;
	for (; done && got < count; got++) {
		size_t text_size = 0;
		done = file_read(signatures[got], MINISIG_MAX_FILE - 256, &texts[got], &text_size, e);
		spans[got] = span_of(texts[got], text_size);
	}
	done =
	    done && recipe_attach(&file->image, spans, count, &bytes, &size, e) && recipe_write(path, bytes, size, e);
	for (unsigned i = 0; i < got; i++)
		free(texts[i]);
	return done;
}

static bool run_attach(int argc, char **argv, struct err *e)
{
	const char *out = NULL;
	AUTO_RECIPE struct recipe_file file = { 0 };
	const struct ctl_option table[] = { { 'o', "output", NULL, &out, NULL }, { 0, NULL, NULL, NULL, NULL } };
	return ctl_options(&argc, argv, table, e) &&
	       ctl_operands(argc, 2, 1 + RECIPE_MAX_SIGNATURES, "recipe attach IMG MINISIG... -o OUT", e) &&
	       recipe_need(out, "-o OUT", e) && recipe_file_load(argv[1], &file, e) &&
	       attach(out, &file, argv + 2, (unsigned)argc - 2, e);
}

int ctl_recipe_attach(int argc, char **argv)
{
	struct err e = ERR_INIT;
	return recipe_status(run_attach(argc, argv, &e), &e);
}

/* Each signature as KEYID.minisig into the folder; nothing there is replaced. */
static bool save_signatures(const char *folder, const struct recipe_image *image, struct err *e)
{
	char name[MINISIG_ID_TEXT_SIZE + sizeof ".minisig"], id[MINISIG_ID_TEXT_SIZE];
	AUTO_CLOSE int fd = below_open(folder, e);
	if (fd < 0)
		return false;
	for (unsigned i = 0; i < image->signature_count; i++) {
		minisig_id_text(image->parsed[i].id, id);
		snprintf(name, sizeof name, "%s.minisig", id);
		if (!below_put(fd, name, image->signatures[i], e))
			return false;
	}
	return true;
}

static bool run_detach(int argc, char **argv, struct err *e)
{
	const char *out = NULL, *folder = NULL;
	uint8_t *bytes = NULL;
	size_t size = 0;
	AUTO_RECIPE struct recipe_file file = { 0 };
	const struct ctl_option table[] = { { 'o', "output", NULL, &out, NULL },
		{ 0, "signatures", NULL, &folder, NULL }, { 0, NULL, NULL, NULL, NULL } };
	if (!ctl_options(&argc, argv, table, e) ||
	    !ctl_operands(argc, 1, 1, "recipe detach IMG -o OUT [--signatures DIR]", e) ||
	    !recipe_need(out, "-o OUT", e) || !recipe_file_load(argv[1], &file, e))
		return false;
	return (!folder || save_signatures(folder, &file.image, e)) && recipe_detach(&file.image, &bytes, &size, e) &&
	       recipe_write(out, bytes, size, e);
}

int ctl_recipe_detach(int argc, char **argv)
{
	struct err e = ERR_INIT;
	return recipe_status(run_detach(argc, argv, &e), &e);
}

/* Where minisign works: a private folder with B under the recipe's own name, which ends up in the trusted comment. */
struct bench {
	char folder[PATH_MAX], image[PATH_MAX], signature[PATH_MAX];
};

static void clean(struct bench *b)
{
	if (*b->image)
		unlink(b->image);
	if (*b->signature)
		unlink(b->signature);
	if (*b->folder)
		rmdir(b->folder);
}

/* The last part of the path, if it is plain enough for a comment line. */
static const char *plain_name(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	size_t size = strlen(name);
	for (size_t i = 0; i < size; i++)
		if (name[i] < '!' || name[i] > '~')
			return "recipe.img";
	return size && size < 100 && name[0] != '-' && name[0] != '.' ? name : "recipe.img";
}

static bool prepare(struct bench *b, const char *path, const struct recipe_file *file, struct err *e)
{
	const char *temporary = getenv("TMPDIR"), *name = plain_name(path);
	uint8_t *bytes = NULL;
	size_t size = 0;
	if (!file_join(
		b->folder, sizeof b->folder, temporary && *temporary ? temporary : "/tmp", "stationctl-XXXXXX", e))
		return false;
	if (!mkdtemp(b->folder)) {
		b->folder[0] = '\0';
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot make a temporary folder");
	}
	if (!file_join(b->image, sizeof b->image, b->folder, name, e))
		return false;
	if (snprintf(b->signature, sizeof b->signature, "%s.minisig", b->image) >= (int)sizeof b->signature)
		return err_set(e, CODE_FILE_FAILED, "the temporary folder's name is too long");
	if (!recipe_detach(&file->image, &bytes, &size, e))
		return false;
	bool done = file_write_atomic(b->image, span_of(bytes, size), 0600, e);
	free(bytes);
	return done;
}

static bool wait_for(pid_t child, struct err *e)
{
	int status;
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return err_sys(e, CODE_FILE_FAILED, errno, "cannot wait for minisign");
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return err_set(e, CODE_FILE_FAILED, "minisign is not installed");
	return (WIFEXITED(status) && !WEXITSTATUS(status)) ||
	       err_set(e, CODE_FILE_FAILED, "minisign did not sign; its reason stands above");
}

/* A person may be typing the key's password: this waits as long as minisign does, and passes the terminal through. */
static bool run_minisign(struct bench *b, const char *key, struct err *e)
{
	const char *argv[] = { "minisign", "-S", "-s", key, "-m", b->image, "-x", b->signature, NULL };
	posix_spawn_file_actions_t actions;
	pid_t child;
	if (posix_spawn_file_actions_init(&actions))
		return err_set(e, CODE_NO_MEMORY, "no memory to start minisign");
	/* our answer alone goes to stdout */
	int failed = posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
	if (!failed)
		failed = posix_spawnp(&child, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (failed)
		return err_sys(e, CODE_FILE_FAILED, failed, "cannot start minisign");
	return wait_for(child, e);
}

static bool sign(struct bench *b, const char *key, const char *out, const struct recipe_file *file, struct err *e)
{
	char *const signature[] = { b->signature };
	return run_minisign(b, key, e) && attach(out, file, signature, 1, e);
}

static bool run_sign(int argc, char **argv, struct err *e)
{
	const char *out = NULL, *key = NULL;
	AUTO_RECIPE struct recipe_file file = { 0 };
	struct bench b = { "", "", "" };
	const struct ctl_option table[] = { { 'o', "output", NULL, &out, NULL }, { 'k', "key", NULL, &key, NULL },
		{ 0, NULL, NULL, NULL, NULL } };
	if (!ctl_options(&argc, argv, table, e) || !ctl_operands(argc, 1, 1, "recipe sign -k KEY IMG -o OUT", e) ||
	    !recipe_need(key, "-k KEY", e) || !recipe_need(out, "-o OUT", e) || !recipe_file_load(argv[1], &file, e))
		return false;
	bool done = prepare(&b, argv[1], &file, e) && sign(&b, key, out, &file, e);
	clean(&b);
	return done;
}

int ctl_recipe_sign(int argc, char **argv)
{
	struct err e = ERR_INIT;
	return recipe_status(run_sign(argc, argv, &e), &e);
}
