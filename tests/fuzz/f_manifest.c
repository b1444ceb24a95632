/* Any text as the manifest of a recipe that is right in all else: it is read or refused with the manifest's own code,
 * and what is read is within its bounds, so that nothing behind it has to ask again. */
#include "format/json.h"
#include "format/recipe.h"
#include "format/romfs_writer.h"
#include "line/boards.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* recipe.json, and the payload that every seed names. */
static void wrap(struct span manifest, uint8_t **image, size_t *size)
{
	static const uint8_t payload[] = { 0xD2, 0xCD, 0x31, 0x80, 0x80, 0x80, 0x80, 0x00 };
	struct romfs_writer_options options = { .limit = 0 };
	struct romfs_writer w;
	struct err e = ERR_INIT;
	must(romfs_writer_begin(&w, &options, &e) && romfs_writer_file(&w, "recipe.json", 11, manifest, 1, &e) &&
	     romfs_writer_dir_open(&w, "payload", 7, &e) &&
	     romfs_writer_file(&w, "romfs0.img", 10, span_of(payload, sizeof payload), 1, &e) &&
	     romfs_writer_dir_close(&w, &e) && romfs_writer_finish(&w, image, size, &e));
}

static void prove(struct recipe *r, const struct recipe_image *image)
{
	static struct board_set set;
	struct recipe again;
	struct err e = ERR_INIT;
	if (!set.count)
		must(boards_load("fixtures/boards", &set, &e));
	must(strlen(r->name) >= 1 && strlen(r->name) <= 64);
	must(strspn(r->name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == strlen(r->name));
	must(recipe_read(image, &again, &e) && !strcmp(again.name, r->name) && !strcmp(again.version, r->version));
	recipe_clear(&again);
	const struct board *b = boards_find(&set, r->board);
	if (b && !recipe_bind(r, b, &e))
		must(e.code != CODE_OK && e.code != CODE_INTERNAL && *e.msg);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *file = NULL;
	size_t file_size = 0;
	struct recipe_image image;
	struct recipe recipe;
	struct err e = ERR_INIT;
	if (size > 65536)
		return 0;
	wrap(span_of(data, size), &file, &file_size);
	if (recipe_split(span_of(file, file_size), &image, &e)) {
		if (recipe_read(&image, &recipe, &e))
			prove(&recipe, &image);
		else
			must(e.code == CODE_MANIFEST_INVALID || e.code == CODE_RECIPE_NOT_CANONICAL ||
			     e.code == CODE_RECIPE_MALFORMED || e.code == CODE_REGION_OVERLAP ||
			     e.code == CODE_PAYLOAD_MISMATCH || e.code == CODE_ROMFS_MALFORMED);
		recipe_clear(&recipe);
	}
	free(file);
	return 0;
}
