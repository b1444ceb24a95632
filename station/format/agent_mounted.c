/* What the camera's own mount driver found, held against what the same driver finds here. */
#include "format/agent_box.h"

#include "base/digest.h"
#include "romfs.h"

#include <stdlib.h>
#include <string.h>

void agent_mounted_clear(struct agent_mounted *m)
{
	free(m->entry);
	*m = (struct agent_mounted){ 0 };
}

struct comparison {
	const struct agent_mounted *theirs;
	uint32_t mapped, number, files;
	bool differs;
	char name[64]; /* of the first that differs */
};

static uint32_t align_of(uint32_t address)
{
	return address ? (uint32_t)__builtin_ctz(address) : 31;
}

static struct agent_entry entry_of(
    const struct romfs *fs, const struct romfs_node *node, unsigned depth, uint32_t mapped)
{
	return (struct agent_entry){ .type_depth = (uint32_t)node->type | depth << 8,
		.record = node->record,
		.name_crc32 = crc32_of(span_of(fs->image + node->name, node->name_size)),
		.data = node->data,
		.size = node->data_size,
		.crc32 = node->type == ROMFS_FILE ? crc32_of(span_of(fs->image + node->data, node->data_size)) : 0,
		.align = align_of(mapped + node->data) };
}

static void compare(void *context, const struct romfs *fs, const struct romfs_node *const *path, unsigned depth)
{
	struct comparison *c = context;
	const struct romfs_node *node = path[depth - 1];
	struct agent_entry ours = entry_of(fs, node, depth, c->mapped);
	uint32_t number = c->number++;
	c->files += node->type == ROMFS_FILE;
	if (c->differs || (number < c->theirs->entries && !memcmp(&ours, &c->theirs->entry[number], sizeof ours)))
		return;
	uint32_t shown = node->name_size < sizeof c->name ? node->name_size : (uint32_t)sizeof c->name - 1;
	c->differs = true;
	memcpy(c->name, fs->image + node->name, shown);
	c->name[shown] = '\0';
}

bool agent_mounted_equals(const struct agent_mounted *m, struct span image, uint32_t mapped, struct err *e)
{
	struct comparison c = { .theirs = m, .mapped = mapped };
	struct romfs fs;
	enum romfs_status status = romfs_verify(&fs, image.data, image.size, compare, &c, NULL);
	if (m->status != (uint32_t)status)
		return err_set(e, CODE_ROMFS_BAD,
		    "the camera's core says %u of the image that it mounts, this station %u", (unsigned)m->status,
		    (unsigned)status);
	if (status != ROMFS_OK)
		return err_set(e, CODE_ROMFS_BAD, "the image is not sound");
	if (c.differs)
		return err_set(e, CODE_ROMFS_BAD, "the camera's core finds another %s than the image has", c.name);
	if (m->begin != fs.begin || m->end != fs.end || m->entries != c.number || m->files != c.files)
		return err_set(e, CODE_ROMFS_BAD, "the camera's core finds %u entries in %u bytes, not %u in %u",
		    (unsigned)m->entries, (unsigned)m->end, (unsigned)c.number, (unsigned)fs.end);
	return true;
}
