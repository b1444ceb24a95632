/* The vector program: vectors CONTAINER REPORT.
 *
 * One source for the host and for every core.  The container is a row of vectors: name length, image size, number of
 * paths, size of all paths (32 bits each, least significant byte first), then name, NUL, image, paths.  It ends with a
 * vector without a name. */
#include "port/port.h"
#include "report.h"
#include "vectors.h"

#define LARGEST_IMAGE (160u << 10)
#define LARGEST_PATHS (16u << 10)

/* The boot scenario's hostile images are larger than any real one on these machines. */
static uint8_t memory[2u << 20];

uint32_t get32(const uint8_t *p)
{
	return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* A nibble at a time: small, and another way than the station's. */
uint32_t crc32_of(const uint8_t *data, size_t size)
{
	static const uint32_t nibbles[16] = { 0x00000000, 0x1DB71064, 0x3B6E20C8, 0x26D930AC, 0x76DC4190, 0x6B6B51F4,
		0x4DB26158, 0x5005713C, 0xEDB88320, 0xF00F9344, 0xD6D6A3E8, 0xCB61B38C, 0x9B64C2B0, 0x86D3D2D4,
		0xA00AE278, 0xBDBDF21C };
	uint32_t crc = 0xFFFFFFFFu;
	for (size_t i = 0; i < size; i++) {
		crc = crc >> 4 ^ nibbles[(crc ^ data[i]) & 15];
		crc = crc >> 4 ^ nibbles[(crc ^ data[i] >> 4) & 15];
	}
	return ~crc;
}

/* 1 done, 0 no more, -1 the container is not as it should be. */
static int next_vector(int in)
{
	static char name[256];
	static uint8_t paths[LARGEST_PATHS];
	uint8_t head[16];
	if (port_read(in, head, sizeof head) != sizeof head)
		return -1;
	uint32_t name_size = get32(head), paths_size = get32(head + 12);
	struct vector v = { name, memory, get32(head + 4), paths, get32(head + 8) };
	if (!name_size)
		return 0;
	if (name_size >= sizeof name || v.size > LARGEST_IMAGE || paths_size > sizeof paths ||
	    port_read(in, name, name_size + 1) != name_size + 1 || port_read(in, memory, v.size) != v.size ||
	    port_read(in, paths, paths_size) != paths_size)
		return -1;
	vector_image(&v);
	return 1;
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	int in = port_open(argv[1], 0);
	if (in < 0 || report_open(argv[2]) < 0)
		return 2;
	int more;
	do
		more = next_vector(in);
	while (more > 0);
	scenario_files();
	scenario_mounts();
	scenario_partitions();
	scenario_boot(memory, sizeof memory);
	report_stacks();
	return report_close() || more < 0;
}
