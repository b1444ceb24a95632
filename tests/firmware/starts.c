/* Starting over hostile flash: what it costs, in clocks where a machine counts them. */
#include <string.h>

#include "hostile.h"
#include "port/port.h"
#include "report.h"
#include "vectors.h"
#include "vfs/boot.h"

/* A start from this memory; clocks are those of the start alone. */
static void start(const char *name, const uint8_t *memory, uint32_t size)
{
	const struct rom_partition p = { memory, size, 1, 1, NULL, NULL };
	const struct rom_table table = { &p, 1 };
	struct vfs_sys_path path = { { NULL }, 0 };
	struct vfs vfs;
	struct romfs rom;
	vfs_init(&vfs);
	uint32_t before = port_clocks();
	int error = vfs_boot(&vfs, &table, &rom, &path);
	uint32_t clocks = (port_clocks() - before) & 0xFFFFFF;
	put("start ");
	put(name);
	put_value("=", error);
	put("\n");
	note("clocks ", name, clocks);
}

void scenario_boot(uint8_t *memory, uint32_t size)
{
	for (unsigned i = 0; i < hostile_count; i++) {
		hostile_make(&hostiles[i], memory, size);
		start(hostiles[i].name, memory, size);
		/* and one that is just affordable */
		hostile_make(&hostiles[i], memory, 48u << 10);
		start(hostiles[i].name, memory, 48u << 10);
	}
	memset(memory, 0x80, size);
	memcpy(memory, (const uint8_t[]){ 0xD2, 0xCD, 0x31 }, 3);
	start("endless-header", memory, size);
	memset(memory, 0xFF, size);
	start("erased", memory, size);
	memset(memory, 0, size);
	start("zeros", memory, size);
}
