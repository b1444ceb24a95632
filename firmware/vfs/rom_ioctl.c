/* The six operations, each held against the partition before flash is touched. */
#include "rom_ioctl.h"

#include <string.h>

#include "mperrno.h"

struct call {
	const struct rom_partition *p;
	size_t count;
	const int32_t *args;
	struct rom_buffer *buffer;
};

/* A table with a slip in it must not write where it should not. */
static int is_sound(const struct rom_partition *p)
{
	return p->write_size && p->erase_size && p->size <= INT32_MAX && p->erase_size % p->write_size == 0 &&
	       p->size % p->erase_size == 0;
}

/* Do offset and size lie inside the partition and on units of `unit` bytes? */
static int lies_on(const struct rom_partition *p, int32_t offset, uint32_t size, uint32_t unit)
{
	return offset >= 0 && (uint32_t)offset <= p->size && size <= p->size - (uint32_t)offset &&
	       (uint32_t)offset % unit == 0 && size % unit == 0;
}

static int32_t memory(const struct call *c)
{
	if (!c->buffer)
		return -VFS_EINVAL;
	*c->buffer = (struct rom_buffer){ c->p->memory, c->p->size };
	return 0;
}

static int32_t prepare(const struct call *c)
{
	const struct rom_partition *p = c->p;
	int32_t offset = c->count == 4 ? c->args[2] : 0, length = c->args[c->count - 1];
	if (length < 0 || (uint32_t)length > p->size)
		return -VFS_EINVAL;
	uint32_t size = (uint32_t)length;
	if (c->count == 3) /* no overflow: the partition ends on a unit, and size is at most that */
		size += (p->erase_size - size % p->erase_size) % p->erase_size;
	if (!lies_on(p, offset, size, p->erase_size))
		return -VFS_EINVAL;
	int error = size && p->flash->erase ? p->flash->erase(p->context, (uint32_t)offset, size) : 0;
	return error < 0 ? error : (int32_t)p->write_size;
}

static int32_t write(const struct call *c)
{
	const struct rom_partition *p = c->p;
	const struct rom_buffer *b = c->buffer;
	int32_t offset = c->args[2];
	if (!b || !lies_on(p, offset, b->size, p->write_size))
		return -VFS_EINVAL;
	if (!b->size)
		return 0;
	int error = p->flash->write(p->context, (uint32_t)offset, b->data, b->size);
	if (error < 0)
		return error;
	return memcmp(p->memory + offset, b->data, b->size) ? -VFS_EIO : 0;
}

static int32_t complete(const struct call *c)
{
	int error = c->p->flash->complete ? c->p->flash->complete(c->p->context) : 0;
	return error < 0 ? error : 0;
}

static int32_t min_prepare(const struct call *c)
{
	return (int32_t)c->p->erase_size;
}

int32_t rom_ioctl(const struct rom_table *table, size_t count, const int32_t *args, struct rom_buffer *buffer)
{
	static const struct {
		uint8_t least, most; /* arguments, the operation's number included */
		int32_t (*run)(const struct call *c);
	} operations[] = {
		[ROM_MEMORY] = { 2, 2, memory },
		[ROM_PREPARE] = { 3, 4, prepare },
		[ROM_WRITE] = { 4, 4, write },
		[ROM_COMPLETE] = { 2, 2, complete },
		[ROM_MIN_PREPARE] = { 2, 2, min_prepare },
	};
	if (count == 1 && args[0] == ROM_COUNT)
		return (int32_t)table->count;
	if (count < 2 || args[0] < ROM_MEMORY || args[0] > ROM_MIN_PREPARE || args[1] < 0 ||
	    (uint32_t)args[1] >= table->count)
		return -VFS_EINVAL;
	struct call c = { &table->partition[args[1]], count, args, buffer };
	if (count < operations[args[0]].least || count > operations[args[0]].most || !is_sound(c.p))
		return -VFS_EINVAL;
	return operations[args[0]].run(&c);
}
