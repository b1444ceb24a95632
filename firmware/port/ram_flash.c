/* NOR and MRAM in RAM. */
#include "ram_flash.h"

#include <string.h>

#include "vfs/mperrno.h"

static int inside(const struct ram_flash *f, uint32_t offset, uint32_t size, uint32_t unit)
{
	return offset <= f->size && size <= f->size - offset && offset % unit == 0 && size % unit == 0;
}

static int may_program(struct ram_flash *f)
{
	if (f->fail_after && f->programs >= f->fail_after)
		return 0;
	f->programs++;
	return 1;
}

static int nor_erase(void *context, uint32_t offset, uint32_t size)
{
	struct ram_flash *f = context;
	if (!inside(f, offset, size, f->erase_size))
		return -VFS_EIO;
	memset(f->bytes + offset, 0xFF, size);
	f->erases += size / f->erase_size;
	return 0;
}

static int nor_write(void *context, uint32_t offset, const uint8_t *data, uint32_t size)
{
	struct ram_flash *f = context;
	if (!inside(f, offset, size, 4))
		return -VFS_EIO;
	for (uint32_t i = 0; i < size; i++) {
		if ((i == 0 || (offset + i) % RAM_NOR_PAGE == 0) && !may_program(f))
			return -VFS_EIO;
		f->bytes[offset + i] = (uint8_t)(f->bytes[offset + i] & data[i]);
	}
	return 0;
}

static int mram_write(void *context, uint32_t offset, const uint8_t *data, uint32_t size)
{
	struct ram_flash *f = context;
	if (!inside(f, offset, size, RAM_MRAM_WORD))
		return -VFS_EIO;
	for (uint32_t i = 0; i < size; i += RAM_MRAM_WORD) {
		if (!may_program(f))
			return -VFS_EIO;
		memcpy(f->bytes + offset + i, data + i, RAM_MRAM_WORD);
	}
	return 0;
}

static int count_completion(void *context)
{
	struct ram_flash *f = context;
	f->completions++;
	return f->fail_after && f->programs >= f->fail_after ? -VFS_EIO : 0;
}

const struct flash_ops ram_nor_ops = { nor_erase, nor_write, count_completion };
const struct flash_ops ram_mram_ops = { NULL, mram_write, count_completion };
