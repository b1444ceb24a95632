/* The mount driver over what was written, where it is mapped: every record walked, every file's bytes summed up.
 *
 * Where the medium's last bytes must not be read by the mapping, the range's last `slot_size` bytes are copied first,
 * those by commands, and the driver sees the copy from there on (struct romfs_tail): an image that ends at the chip's
 * end is walked like any other. */
#include "agent.h"
#include "crc32.h"
#include "romfs.h"
#include "view.h"

struct report {
	const struct medium *m;
	uint32_t offset; /* of the image in the medium */
	struct agent_entry *entry;
	uint32_t first, room; /* numbers of the first entry to report, and how many fit */
	uint32_t entries, files, count, bytes;
};

#define PIECE 4096u

/* A run may lie in place in front and in the copy behind. */
static uint32_t crc_of(struct report *r, const struct romfs *fs, uint32_t at, uint32_t size)
{
	uint32_t crc = 0;
	for (uint32_t part; size; at += part, size -= part) {
		part = size < PIECE ? size : PIECE;
		if (fs->tail && at < fs->tail->safe && part > fs->tail->safe - at)
			part = fs->tail->safe - at;
		crc = agent_crc32(crc, romfs_at(fs, at, part), part);
		core_progress(r->bytes += part);
		core_tick();
	}
	return crc;
}

static uint32_t align_of(uint32_t address)
{
	uint32_t log = 0;
	while (log < 31 && !(address >> log & 1))
		log++;
	return log;
}

static void visit(void *context, const struct romfs *fs, const struct romfs_node *const *path, unsigned depth)
{
	struct report *r = context;
	const struct romfs_node *node = path[depth - 1];
	uint32_t number = r->entries++;
	r->files += node->type == ROMFS_FILE;
	core_tick();
	if (number < r->first || number - r->first >= r->room)
		return;
	struct agent_entry *e = &r->entry[r->count++];
	e->type_depth = (uint32_t)node->type | depth << 8;
	e->record = node->record;
	e->name_crc32 = agent_crc32(0, romfs_at(fs, node->name, node->name_size), node->name_size);
	e->data = node->data;
	e->size = node->data_size;
	e->crc32 = node->type == ROMFS_FILE ? crc_of(r, fs, node->data, node->data_size) : 0;
	e->align = align_of(r->m->set.mapped + r->offset + node->data);
	e->reserved = 0;
}

/* Copies the range's end when it reaches into the medium's unreadable tail. */
static uint32_t make_tail(struct agent *a, struct medium *m, uint32_t offset, uint32_t length, struct romfs_tail *tail)
{
	uint32_t size = length < a->setup.slot_size ? length : a->setup.slot_size, safe = view_safe(m);
	tail->bytes = a->base + a->setup.work;
	tail->from = length - size;
	tail->safe = safe > offset ? safe - offset : 0;
	return view_copy(m, offset + tail->from, a->base + a->setup.work, size);
}

/* The driver's call, for core_guard. */
struct walk {
	const uint8_t *image;
	uint32_t length;
	const struct romfs_tail *tail;
	struct report report;
	struct romfs fs;
	struct romfs_fault fault;
	enum romfs_status status;
};

static void walk(void *context)
{
	struct walk *w = context;
	w->status = romfs_verify_split(&w->fs, w->image, w->length, w->tail, visit, &w->report, &w->fault);
}

static void say(const struct walk *w, uint32_t answer[AGENT_ANSWER_WORDS])
{
	const struct report *r = &w->report;
	answer[AGENT_MOUNT_STATUS] = w->status;
	answer[AGENT_MOUNT_RULE] = w->fault.rule;
	answer[AGENT_MOUNT_FAULT] = w->fault.offset;
	answer[AGENT_MOUNT_BEGIN] = w->fs.begin;
	answer[AGENT_MOUNT_END] = w->fs.end;
	answer[AGENT_MOUNT_ENTRIES] = r->entries;
	answer[AGENT_MOUNT_FILES] = r->files;
	answer[AGENT_MOUNT_FIRST] = r->first;
	answer[AGENT_MOUNT_COUNT] = r->count;
	answer[AGENT_MOUNT_CHECK] = agent_crc32(0, (void *)r->entry, r->count * (uint32_t)sizeof *r->entry);
}

uint32_t agent_mount(struct agent *a, struct medium *m, const uint32_t argument[5], uint32_t answer[AGENT_ANSWER_WORDS],
    uint32_t *detail)
{
	uint32_t offset = argument[1], length = argument[2];
	struct romfs_tail tail;
	if (!agent_within(offset, length, m->set.size) || (m->set.tail && m->set.tail > a->setup.slot_size))
		return AGENT_BAD_ARGUMENT;
	int split = m->ops->read && offset + length > view_safe(m);
	uint32_t status = split ? make_tail(a, m, offset, length, &tail) : AGENT_OK;
	if (status == AGENT_OK)
		status = m->ops->map(m);
	if (status != AGENT_OK)
		return status;
	struct walk w = {
		.image = m->mapped + offset, .length = length, .tail = split ? &tail : 0, .status = ROMFS_CORRUPT
	};
	w.report = (struct report){ m, offset, (void *)(a->base + a->setup.results), argument[3],
		a->setup.results_size / (uint32_t)sizeof(struct agent_entry), 0, 0, 0, 0 };
	answer[AGENT_MOUNT_UNREADABLE] = core_guard(walk, &w, detail) != 0;
	m->detail = *detail;
	say(&w, answer);
	return AGENT_OK;
}
