/* stationctl recipe: the table of its commands, and what they share. */
#include "ctl/ctl_recipe.h"

#include "base/hex.h"
#include "ctl/commands.h"
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct ctl_command commands[] = {
	{ "add", "recipe add IMG [--url U] [--json]", ctl_recipe_add },
	{ "attach", "recipe attach IMG MINISIG... -o OUT", ctl_recipe_attach },
	{ "build",
	    "recipe build -b BOARD -n NAME -v VERSION [--rollback N] [--limit KEY=VALUE] [--tail PARTITION=blank] "
	    "[--after run|bootloader] [--misaligned-ok PARTITION:PATH] -o OUT PARTITION=FILE|DIR ...",
	    ctl_recipe_build },
	{ "detach", "recipe detach IMG -o OUT [--signatures DIR]", ctl_recipe_detach },
	{ "inspect", "recipe inspect [--json] IMG", ctl_recipe_inspect },
	{ "sign", "recipe sign -k KEY IMG -o OUT", ctl_recipe_sign },
	{ "unpack", "recipe unpack IMG -o DIR", ctl_recipe_unpack },
	{ "verify", "recipe verify -K TRUSTDIR [--require ROLE,...] [--at TIME] [--json] IMG", ctl_recipe_verify },
	{ NULL, NULL, NULL },
};

int ctl_recipe(int argc, char **argv)
{
	return ctl_dispatch(commands, "stationctl recipe", argc, argv);
}

bool recipe_file_load(const char *path, struct recipe_file *out, struct err *e)
{
	size_t size = 0;
	memset(out, 0, sizeof *out);
	if (!file_read(path, RECIPE_MAX_BYTES, &out->data, &size, e))
		return false;
	return recipe_split(span_of(out->data, size), &out->image, e) || err_prefix(e, "%.100s", path);
}

void recipe_file_free(struct recipe_file *f)
{
	free(f->data);
	memset(f, 0, sizeof *f);
}

int recipe_status(bool done, const struct err *e)
{
	return done ? CTL_DONE : ctl_refuse(e);
}

bool recipe_need(const char *value, const char *option, struct err *e)
{
	return (value && *value) || err_set(e, CODE_USAGE, "%s is needed", option);
}

bool recipe_say(const char *path, const struct recipe_image *image, struct err *e)
{
	struct recipe_identity identity;
	char text[2 * SHA256_SIZE + 1];
	if (!recipe_identify(image, &identity, e))
		return false;
	hex_encode(text, identity.sha256, SHA256_SIZE);
	printf("%s  ", text);
	ctl_print_text(span_of(path, strlen(path)));
	putchar('\n');
	return true;
}

bool recipe_write(const char *path, uint8_t *data, size_t size, struct err *e)
{
	AUTO_FREE uint8_t *owned = data;
	struct recipe_image image;
	return recipe_split(span_of(owned, size), &image, e) &&
	       file_write_atomic(path, span_of(owned, size), 0644, e) && recipe_say(path, &image, e);
}

/* Opens, and makes where it is missing, a folder directly below another one. */
static int enter_folder(int parent, const char *name, struct err *e)
{
	if (mkdirat(parent, name, 0755) && errno != EEXIST) {
		err_sys(e, CODE_FILE_FAILED, errno, "cannot make the folder %s", name);
		return -1;
	}
	int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		err_sys(e, CODE_FILE_FAILED, errno, "cannot enter the folder %s", name);
	return fd;
}

static bool put_file(int folder, const char *name, struct span data, struct err *e)
{
	AUTO_CLOSE int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot create %s", name);
	if (!file_write_all(fd, data, name, e))
		return false;
	return !fsync(fd) || err_sys(e, CODE_FILE_FAILED, errno, "cannot sync %s", name);
}

bool recipe_put_below(int folder, const char *path, struct span data, struct err *e)
{
	char part[RECIPE_PATH_SIZE];
	const char *slash = strchr(path, '/');
	if (!slash)
		return put_file(folder, path, data, e);
	if ((size_t)(slash - path) >= sizeof part)
		return err_set(e, CODE_FILE_FAILED, "the path %.100s is too long", path);
	memcpy(part, path, (size_t)(slash - path));
	part[slash - path] = '\0';
	/* a path of the manifest has at most RECIPE_PATH_SIZE / 2 parts, none of them "." or ".." */
	AUTO_CLOSE int next = enter_folder(folder, part, e);
	return next >= 0 && recipe_put_below(next, slash + 1, data, e);
}
