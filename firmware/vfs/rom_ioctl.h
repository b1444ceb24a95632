/* ROM partitions in flash, and vfs.rom_ioctl over them: MicroPython's six operations and its negative answers.
 *
 *     rom_ioctl(1)                    number of partitions
 *     rom_ioctl(2, id)                the partition's memory
 *     rom_ioctl(3, id, [offset,] len) makes it writable (erases); answers the smallest write
 *     rom_ioctl(4, id, offset, buf)   writes
 *     rom_ioctl(5, id)                completes: what is still on its way gets into flash
 *     rom_ioctl(6, id)                the smallest erase
 *
 * Everything that is not exactly this is EINVAL and touches nothing.  MicroPython's ports let through, and this
 * refuses: an offset below the partition (they erase and write what lies in front of it), an offset inside an erase
 * unit or a length that ends inside one (they erase the whole unit), a write that does not begin and end on the
 * smallest write (dropped, read past its end, or never ended, by port).  The form of 3 without an offset takes any
 * length, as mpremote sends the image's, and erases up to the end of the unit.  A write is compared with flash before
 * it is called done: EIO.  5 is done here; the ports answer EINVAL.
 *
 * Whoever writes unmounts first; an image in use is not protected, as in MicroPython. */
#ifndef FIRMWARE_ROM_IOCTL_H
#define FIRMWARE_ROM_IOCTL_H

#include <stddef.h>
#include <stdint.h>

enum { ROM_COUNT = 1, ROM_MEMORY = 2, ROM_PREPARE = 3, ROM_WRITE = 4, ROM_COMPLETE = 5, ROM_MIN_PREPARE = 6 };

/* A flash driver.  Offsets count from the partition's start; 0 or a negative error number.  They are only called with
 * what lies inside the partition and on its units. */
struct flash_ops {
	int (*erase)(void *context, uint32_t offset, uint32_t size); /* NULL: overwritten in place (MRAM) */
	/* Must not return before the memory that reads it back shows the new bytes, caches included; only bytes less
	 * than a driver's own buffer may wait for complete. */
	int (*write)(void *context, uint32_t offset, const uint8_t *data, uint32_t size);
	int (*complete)(void *context); /* NULL: nothing ever waits */
};

struct rom_partition {
	const uint8_t *memory; /* where flash is mapped */
	uint32_t size;         /* a multiple of erase_size, below 2^31 */
	uint32_t erase_size;   /* a multiple of write_size */
	uint32_t write_size;
	const struct flash_ops *flash;
	void *context; /* the driver's */
};

struct rom_table {
	const struct rom_partition *partition;
	uint32_t count;
};

struct rom_buffer {
	const uint8_t *data; /* borrowed */
	uint32_t size;
};

/* args are the call's arguments, count of them; the fourth of ROM_WRITE is *buffer.  ROM_MEMORY answers 0 and fills
 * *buffer.  buffer may be NULL for the other operations. */
int32_t rom_ioctl(const struct rom_table *table, size_t count, const int32_t *args, struct rom_buffer *buffer);

#endif
