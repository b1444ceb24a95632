/* The recipe held against its board and its limits: what no signature can vouch for.
 *
 * Cheap checks over all regions come first, then the payloads one by one: digests, then what is inside. */
#include "format/recipe.h"

#include "base/hex.h"
#include "base/timefmt.h"

#include <stdio.h>
#include <string.h>

#define DEEP_PATH 512 /* longer paths are cut in messages and cannot be named by misaligned_ok */

static bool bind_partition(struct recipe_region *r, const struct board *b, struct err *e)
{
	const struct partition *p = board_partition(b, r->partition);
	if (!p)
		return err_set(e, CODE_PARTITION_UNKNOWN, "board %s has no partition %s", b->id, r->partition);
	if (p->forbidden || p->readonly || p->role == ROLE_BOOTLOADER)
		return err_set(
		    e, CODE_PARTITION_FORBIDDEN, "partition %s of board %s is never written", p->name, b->id);
	if (r->romfs != (p->role == ROLE_ROMFS))
		return err_set(e, CODE_MANIFEST_INVALID, "partition %s takes the kind \"%s\"", p->name,
		    r->romfs ? "raw" : "romfs");
	if (r->length > p->size)
		return err_set(
		    e, CODE_PAYLOAD_TOO_BIG, "%u bytes do not fit the %u bytes of %s", r->length, p->size, p->name);
	r->bound.partition = p;
	return true;
}

/* Whole partitions count, since erase units and blanked tails reach beyond a payload. */
static bool overlap(const struct partition *a, const struct partition *b)
{
	return a->medium == b->medium && a->address < b->address + b->size && b->address < a->address + a->size;
}

static bool check_overlaps(const struct recipe *r, struct err *e)
{
	for (unsigned i = 0; i < r->region_count; i++)
		for (unsigned k = 0; k < i; k++)
			if (overlap(r->regions[i].bound.partition, r->regions[k].bound.partition))
				return err_set(e, CODE_REGION_OVERLAP, "%s and %s share flash", r->regions[k].partition,
				    r->regions[i].partition);
	return true;
}

bool recipe_payload_matches(const struct recipe_region *r, struct err *e)
{
	struct digest d;
	if (!digest_of(r->bound.image, &d, e))
		return false;
	if (d.crc32 != r->bound.crc32)
		return err_set(e, CODE_PAYLOAD_MISMATCH, "%s has CRC-32 %08x, the manifest says %08x", r->payload,
		    d.crc32, r->bound.crc32);
	return !memcmp(d.sha256, r->bound.sha256, SHA256_SIZE) ||
	       err_set(e, CODE_PAYLOAD_MISMATCH, "%s has another SHA-256 than the manifest says", r->payload);
}

/* Context of the walk over a ROMFS payload. */
struct alignment {
	struct recipe *recipe;
	struct recipe_region *region;
	const struct board *board;
	bool refused;
	char path[DEEP_PATH]; /* of the refused model */
	uint32_t offset, align;
};

/* Path of an entry; false: cut, because it is longer than out. */
static bool path_text(char out[DEEP_PATH], const struct romfs *fs, const struct romfs_node *const *path, unsigned depth)
{
	size_t used = 0;
	out[0] = '\0';
	for (unsigned i = 0; i < depth; i++) {
		if (path[i]->name_size + 2 > DEEP_PATH - used)
			return false;
		if (i)
			out[used++] = '/';
		memcpy(out + used, fs->image + path[i]->name, path[i]->name_size);
		used += path[i]->name_size;
		out[used] = '\0';
	}
	return true;
}

/* By the file's own name, of which only an end that holds every known suffix counts. */
static uint32_t alignment_of(const struct board *b, const struct romfs *fs, const struct romfs_node *file, bool *model)
{
	char name[DEEP_PATH];
	uint32_t size = file->name_size < sizeof name ? file->name_size : (uint32_t)sizeof name - 1;
	memcpy(name, fs->image + file->name + (file->name_size - size), size);
	name[size] = '\0';
	return board_alignment(b, name, model);
}

static bool permitted(const struct recipe_region *r, const char *path)
{
	for (unsigned i = 0; i < r->misaligned_count; i++)
		if (!strcmp(r->misaligned_ok[i], path))
			return true;
	return false;
}

static void warn(struct recipe *r, const char *path, uint32_t align)
{
	if (!r->warnings++)
		snprintf(r->warning, sizeof r->warning, "%.100s is not aligned to %u", path, align);
}

static void visit(void *context, const struct romfs *fs, const struct romfs_node *const *path, unsigned depth)
{
	struct alignment *a = context;
	const struct romfs_node *file = path[depth - 1];
	char text[DEEP_PATH];
	bool model = false;
	if (file->type != ROMFS_FILE || a->refused)
		return;
	a->region->files++;
	bool whole = path_text(text, fs, path, depth);
	uint32_t align = alignment_of(a->board, fs, file, &model);
	if (!align || file->data % align == 0 || !file->data_size)
		return;
	if (!model) {
		/* the default alignment is a habit of builders; only a rule of its own is worth a word */
		if (align != a->board->align_default)
			warn(a->recipe, text, align);
	} else if (!whole || !permitted(a->region, text)) {
		a->refused = true;
		memcpy(a->path, text, sizeof text);
		a->offset = file->data;
		a->align = align;
	}
}

static bool check_romfs(struct recipe *recipe, struct recipe_region *r, const struct board *b, struct err *e)
{
	struct alignment a = { .recipe = recipe, .region = r, .board = b };
	struct romfs_fault fault = { ROMFS_RULE_NONE, 0 };
	struct romfs fs;
	r->files = 0;
	if (romfs_mount(&fs, r->bound.image.data, r->bound.image.size) != ROMFS_OK)
		return err_set(e, CODE_ROMFS_MALFORMED, "%s does not mount", r->payload);
	if (romfs_check(&fs, visit, &a, &fault) != ROMFS_OK)
		return err_set(e, CODE_ROMFS_MALFORMED, "%s breaks a rule at byte %u", r->payload, fault.offset);
	return !a.refused ||
	       err_set(e, CODE_MODEL_MISALIGNED, "%.100s lies at byte %u, board %s needs a multiple of %u", a.path,
		   a.offset, b->id, a.align);
}

static bool check_firmware(const struct recipe_region *r, const struct board *b, struct err *e)
{
	enum board_role role = r->bound.partition->role;
	if (role != ROLE_FIRMWARE && role != ROLE_COFIRMWARE)
		return true;
	if (r->length < 8)
		return err_set(e, CODE_FIRMWARE_IMPLAUSIBLE, "%s is too short for firmware", r->payload);
	uint32_t stack = get_le32(r->bound.image.data), reset = get_le32(r->bound.image.data + 4);
	return board_firmware_fits(b, r->bound.partition, stack, reset) ||
	       err_set(e, CODE_FIRMWARE_IMPLAUSIBLE,
		   "%s starts with stack 0x%08x and reset 0x%08x, not firmware for %s of %s", r->payload, stack, reset,
		   r->partition, b->id);
}

static bool check_region(struct recipe *recipe, struct recipe_region *r, const struct board *b, struct err *e)
{
	if (!recipe_payload_matches(r, e))
		return false;
	return (r->romfs ? check_romfs(recipe, r, b, e) : check_firmware(r, b, e)) && recipe_template_fits(r, e);
}

bool recipe_bind(struct recipe *r, const struct board *b, struct err *e)
{
	if (strcmp(r->board, b->id) != 0)
		return err_set(e, CODE_BOARD_MISMATCH, "the recipe is for %s, not %s", r->board, b->id);
	r->warnings = 0;
	r->warning[0] = '\0';
	for (unsigned i = 0; i < r->region_count; i++)
		if (!bind_partition(&r->regions[i], b, e))
			return false;
	if (!check_overlaps(r, e))
		return false;
	for (unsigned i = 0; i < r->region_count; i++)
		if (!check_region(r, &r->regions[i], b, e))
			return false;
	return true;
}

bool recipe_in_time(const struct recipe *r, int64_t now_ms, struct err *e)
{
	char text[TIME_TEXT_SIZE];
	if (r->not_before >= 0 && now_ms < r->not_before) {
		time_format(text, r->not_before);
		return err_set(e, CODE_TOO_EARLY, "%s %s is in force from %s", r->name, r->version, text);
	}
	if (r->not_after >= 0 && now_ms > r->not_after) {
		time_format(text, r->not_after);
		return err_set(e, CODE_EXPIRED, "%s %s was in force until %s", r->name, r->version, text);
	}
	return true;
}

bool recipe_within_limits(const struct recipe *r, const struct recipe_use *use, struct err *e)
{
	if (!recipe_in_time(r, use->now_ms, e))
		return false;
	if (r->rollback < use->rollback_seen)
		return err_set(e, CODE_ROLLBACK, "%s %s has rollback number %lld, %lld was programmed here", r->name,
		    r->version, (long long)r->rollback, (long long)use->rollback_seen);
	if (r->units >= 0 && !use->unit_counted && use->units_used >= r->units)
		return err_set(e, CODE_UNITS_EXHAUSTED, "all %lld units of %s %s are used", (long long)r->units,
		    r->name, r->version);
	return true;
}
