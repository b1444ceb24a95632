/* The proof: digests of the bytes read back equal the manifest's, and the camera's own mount driver mounts those bytes
 * and finds every file whole. */
#include "line/readback.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

struct comparison {
	const struct attempt *attempt;
	unsigned region;
	const struct romfs *wanted; /* the recipe's image */
	uint32_t files;
	enum code code;
	char why[128];
};

/* The path of an entry as text, for the board's suffix rules and for messages; long paths are cut at the front. */
static void path_text(const struct romfs *fs, const struct romfs_node *const *path, unsigned depth, char out[256])
{
	size_t used = 0;
	out[0] = '\0';
	for (unsigned i = 0; i < depth; i++) {
		size_t size = path[i]->name_size, room = 255 - used;
		if (i && room) {
			out[used++] = '/';
			room--;
		}
		size = size < room ? size : room;
		memcpy(out + used, fs->image + path[i]->name, size);
		used += size;
		out[used] = '\0';
	}
}

/* Aligned as the board needs it where the core maps the partition, or excepted by the signed manifest. */
static bool aligned(const struct comparison *c, const struct romfs_node *node, const char *name)
{
	const struct recipe_region *r = &c->attempt->recipe->recipe.regions[c->region];
	bool model;
	uint32_t align = board_alignment(c->attempt->board, name, &model);
	if (!model || (r->bound.partition->mapped + node->data) % align == 0)
		return true;
	for (unsigned i = 0; i < r->misaligned_count; i++)
		if (!strcmp(r->misaligned_ok[i], name))
			return true;
	return false;
}

static void compare_file(void *context, const struct romfs *fs, const struct romfs_node *const *path, unsigned depth)
{
	struct comparison *c = context;
	const struct romfs_node *node = path[depth - 1];
	char name[256];
	if (node->type != ROMFS_FILE || c->code != CODE_OK)
		return;
	c->files++;
	path_text(fs, path, depth, name);
	struct span got = span_of(romfs_data(fs, node), node->data_size);
	struct span want = span_of(c->wanted->image + node->data, node->data_size);
	if (crc32_of(got) != crc32_of(want)) {
		c->code = CODE_ROMFS_BAD;
		snprintf(c->why, sizeof c->why, "the file %.60s has another CRC", name);
	} else if (!aligned(c, node, name)) {
		c->code = CODE_ROMFS_BAD;
		snprintf(c->why, sizeof c->why, "the model %.60s is not aligned", name);
	}
}

static bool prove_romfs(const struct attempt *a, unsigned i, struct span read, struct err *e, uint32_t *files)
{
	struct romfs fs, wanted;
	struct romfs_fault fault = { ROMFS_RULE_NONE, 0 };
	struct comparison c = { .attempt = a, .region = i, .wanted = &wanted };
	if (romfs_mount(&wanted, a->bound[i].image.data, a->bound[i].image.size) != ROMFS_OK)
		return err_set(e, CODE_INTERNAL, "the recipe's own image does not mount");
	if (romfs_mount(&fs, read.data, read.size) != ROMFS_OK)
		return err_set(
		    e, CODE_ROMFS_BAD, "what was read back from %s does not mount", a->bound[i].partition->name);
	if (romfs_check(&fs, compare_file, &c, &fault) != ROMFS_OK)
		return err_set(e, CODE_ROMFS_BAD, "what was read back from %s breaks rule %d at %u",
		    a->bound[i].partition->name, (int)fault.rule, (unsigned)fault.offset);
	if (c.code != CODE_OK)
		return err_set(e, c.code, "%s", c.why);
	*files = c.files;
	return true;
}

static bool prove_region(struct attempt *a, unsigned i, struct err *e)
{
	const struct region *want = &a->bound[i];
	struct region_result *got = &a->regions[i];
	const struct digest *found = got->read ? &got->digest : &got->core.digest;
	if ((!got->read && !got->core.there) || found->crc32 != want->crc32 ||
	    memcmp(found->sha256, want->sha256, SHA256_SIZE) != 0)
		return err_set(e, CODE_FLASH_MISMATCH, "%s does not hold the recipe's bytes", want->partition->name);
	if (!want->romfs)
		return true;
	if (!got->read) /* the camera's own driver has mounted it and walked every file */
		return got->core.mounted ||
		       err_set(e, CODE_ROMFS_BAD, "the camera did not mount %s", want->partition->name);
	void *map = mmap(NULL, want->image.size, PROT_READ, MAP_PRIVATE, a->spool, (off_t)spool_offset(a, i));
	if (map == MAP_FAILED)
		return err_sys(e, CODE_JOURNAL_FAILED, errno, "cannot map what was read back");
	bool good = prove_romfs(a, i, span_of(map, want->image.size), e, &got->files);
	munmap(map, want->image.size);
	return good;
}

/* Over SWD the camera's own core is asked too: evidence beside the bytes that were read, never in their place. */
static bool ask_core(struct attempt *a, unsigned i, struct err *e)
{
	return !a->link.ops->report || a->link.ops->report(&a->link, &a->bound[i], &a->regions[i].core, e);
}

bool act_prove(struct attempt *a, struct err *e)
{
	step_begin(a, STEP_PROVED);
	for (unsigned i = 0; i < a->region_count; i++)
		if (!ask_core(a, i, e) || !prove_region(a, i, e))
			return false;
	step_end(a, STEP_PROVED, CODE_OK);
	return true;
}
