/* Holds the head of a TensorFlow Lite flatbuffer: bytes 0 to 3 are the root table's offset, 4 to 7 the identifier; a
 * table starts with a signed distance back to its vtable, which has its own size, the table's size, and an offset for
 * each field.  The root's first field is the schema version, 3 in every model there is. */
#include "format/tflite.h"

#include <string.h>
#include <strings.h>

#define SCHEMA_VERSION 3u

static uint32_t u32(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t u16(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

bool tflite_named(const char *path)
{
	size_t n = strlen(path);
	return n >= 7 && !strcasecmp(path + n - 7, ".tflite");
}

bool tflite_is_st_network(struct span file)
{
	return file.size >= 4 && !memcmp(file.data, "NBIN", 4);
}

static bool version_fits(struct span file, uint64_t root, uint64_t vtable, uint32_t table_size)
{
	uint32_t field = u16(file.data + vtable + 4);
	return field >= 4 && field + 4 <= table_size && u32(file.data + root + field) == SCHEMA_VERSION;
}

enum tflite_look tflite_look(struct span file, const char **why)
{
	*why = "it has no identifier TFL3 at byte 4";
	if (file.size < 8 || memcmp(file.data + 4, "TFL3", 4) != 0)
		return TFLITE_NONE;
	*why = "its root table lies outside of it";
	uint64_t root = u32(file.data);
	if (root < 8 || root + 4 > file.size)
		return TFLITE_NONE;
	int64_t vtable = (int64_t)root - (int32_t)u32(file.data + root);
	*why = "its root table's layout lies outside of it";
	if (vtable < 8 || (uint64_t)vtable + 4 > file.size)
		return TFLITE_DOUBTFUL;
	uint32_t vtable_size = u16(file.data + vtable), table_size = u16(file.data + vtable + 2);
	if (vtable_size < 4 || vtable_size % 2 || (uint64_t)vtable + vtable_size > file.size || table_size < 4 ||
	    root + table_size > file.size)
		return TFLITE_DOUBTFUL;
	*why = "its schema version is not 3";
	bool fits = vtable_size >= 6 && version_fits(file, root, (uint64_t)vtable, table_size);
	return fits ? TFLITE_SOUND : TFLITE_DOUBTFUL;
}
