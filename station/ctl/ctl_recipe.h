/* Shared by the files of `stationctl recipe`. */
#ifndef STATION_CTL_RECIPE_H
#define STATION_CTL_RECIPE_H

#include "ctl/ctl.h"
#include "format/recipe.h"

/* A recipe file in memory with its outer form. */
struct recipe_file {
	uint8_t *data; /* owned */
	struct recipe_image image;
};

bool recipe_file_load(const char *path, struct recipe_file *out, struct err *e);
void recipe_file_free(struct recipe_file *f); /* accepts an all-zero one */
#define AUTO_RECIPE __attribute__((cleanup(recipe_file_free)))

#define RECIPE_REVOKE_USAGE   "recipe revoke SHA [--reason TEXT] [--by WHO] [--url U] [--json]"
#define RECIPE_APPROVE_USAGE  "recipe approve SHA [--by WHO] [--url U] [--json]"
#define RECIPE_ACTIVATE_USAGE "recipe activate SHA [--by WHO] [--url U] [--json]"
#define RECIPE_RETIRE_USAGE   "recipe retire SHA [--reason TEXT] [--by WHO] [--url U] [--json]"

/* Ends a command: prints the refusal when it did not succeed. */
int recipe_status(bool done, const struct err *e);
/* -o is needed by most: usage when it is missing. */
bool recipe_need(const char *value, const char *option, struct err *e);
/* "text" on stdout as one line: a name, then the image's SHA-256. */
bool recipe_say(const char *path, const struct recipe_image *image, struct err *e);
/* Writes an image and says its name; takes data over. */
bool recipe_write(const char *path, uint8_t *data, size_t size, struct err *e);

int ctl_recipe_add(int argc, char **argv);    /* upload.c */
int ctl_recipe_revoke(int argc, char **argv); /* upload.c, and the next three */
int ctl_recipe_approve(int argc, char **argv);
int ctl_recipe_activate(int argc, char **argv);
int ctl_recipe_retire(int argc, char **argv);
int ctl_recipe_build(int argc, char **argv);
int ctl_recipe_sign(int argc, char **argv);
int ctl_recipe_attach(int argc, char **argv);
int ctl_recipe_detach(int argc, char **argv);
int ctl_recipe_verify(int argc, char **argv);
int ctl_recipe_inspect(int argc, char **argv);
int ctl_recipe_unpack(int argc, char **argv);

#endif
