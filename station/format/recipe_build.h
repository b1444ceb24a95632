/* Writing recipes: the deterministic builder, and signatures moved in and out.  Pure; the caller frees what it gets.
 *
 * The same spec gives the same bytes everywhere: recipe.json first, compact, in one order of keys; then the directory
 * payload/ with one file for each region in the order given.  File, directory and data lengths take 5 bytes, and a data
 * record's length as many more as put its bytes on a multiple of 16 from the image's start, so that a payload can be
 * looked at in place by code that reads words. */
#ifndef STATION_FORMAT_RECIPE_BUILD_H
#define STATION_FORMAT_RECIPE_BUILD_H

#include "format/recipe.h"

#define RECIPE_ALIGN 16u

/* All pointers borrowed for the call. */
struct recipe_part {
	const char *partition;
	struct span image;
	bool romfs, tail_blank;
	const char *const *misaligned_ok;
	unsigned misaligned_count;
	const struct unit_field *fields;
	unsigned field_count; /* of any part: the recipe is of the format romline.recipe.2 */
};

struct recipe_spec {
	const char *name, *version, *board;
	int64_t rollback;
	int64_t not_before, not_after, units; /* -1: no limit */
	bool after_run;
	unsigned part_count;
	const struct recipe_part *parts;
};

/* The unsigned image.  Says nothing about whether it would be accepted: hold the result against its board. */
bool recipe_build(const struct recipe_spec *spec, uint8_t **out, size_t *size, struct err *e);
/* The image with these .minisig texts added; one with the key id of an attached signature replaces it. */
bool recipe_attach(const struct recipe_image *image, const struct span *minisigs, unsigned count, uint8_t **out,
    size_t *size, struct err *e);
/* B: the image without its signatures. */
bool recipe_detach(const struct recipe_image *image, uint8_t **out, size_t *size, struct err *e);

#endif
