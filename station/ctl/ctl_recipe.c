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
#include <unistd.h>

static const struct ctl_command commands[] = {
	{ "activate", RECIPE_ACTIVATE_USAGE, ctl_recipe_activate },
	{ "add", "recipe add IMG [--url U] [--json]", ctl_recipe_add },
	{ "approve", RECIPE_APPROVE_USAGE, ctl_recipe_approve },
	{ "attach", "recipe attach IMG MINISIG... -o OUT", ctl_recipe_attach },
	{ "build",
	    "recipe build -b BOARD -n NAME -v VERSION [--rollback N] [--limit KEY=VALUE] [--tail PARTITION=blank] "
	    "[--after run|bootloader] [--misaligned-ok PARTITION:PATH] -o OUT PARTITION=FILE|DIR ...",
	    ctl_recipe_build },
	{ "detach", "recipe detach IMG -o OUT [--signatures DIR]", ctl_recipe_detach },
	{ "inspect", "recipe inspect [--json] IMG", ctl_recipe_inspect },
	{ "retire", RECIPE_RETIRE_USAGE, ctl_recipe_retire },
	{ "revoke", RECIPE_REVOKE_USAGE, ctl_recipe_revoke },
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
