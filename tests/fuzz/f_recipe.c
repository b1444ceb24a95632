/* Any bytes as a recipe: no crash, and what is accepted has exactly one encoding, so that taking it apart and putting
 * it together gives the same bytes. */
#include "format/recipe_build.h"
#include "line/boards.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Loaded once; the fuzzer runs from the repository's root. */
static const struct board_set *boards(void)
{
	static struct board_set set;
	if (!set.count && !boards_load("fixtures/boards", &set, NULL))
		abort();
	return &set;
}

static void one_encoding(const struct recipe_image *image)
{
	struct recipe_image plain;
	struct recipe_identity before, after;
	uint8_t *b, *again;
	size_t b_size, again_size;
	for (unsigned i = 0; i < image->signature_count; i++)
		if (image->parsed[i].legacy) /* may be carried, is never attached */
			return;
	if (!recipe_detach(image, &b, &b_size, NULL) || !recipe_split((struct span){ b, b_size }, &plain, NULL) ||
	    !recipe_attach(&plain, image->signatures, image->signature_count, &again, &again_size, NULL))
		abort();
	if (again_size != image->file.size || memcmp(again, image->file.data, again_size) != 0)
		abort();
	if (!recipe_identify(image, &before, NULL) || !recipe_identify(&plain, &after, NULL) ||
	    memcmp(&before, &after, sizeof before) != 0)
		abort();
	free(b);
	free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct recipe_image image;
	struct recipe recipe;
	if (!recipe_split(span_of(data, size), &image, NULL))
		return 0;
	one_encoding(&image);
	if (recipe_read(&image, &recipe, NULL)) {
		const struct board *board = boards_find(boards(), recipe.board);
		if (board)
			recipe_bind(&recipe, board, NULL);
		struct recipe_use use = { 0, 0, 0, false };
		recipe_within_limits(&recipe, &use, NULL);
	}
	recipe_clear(&recipe);
	return 0;
}
