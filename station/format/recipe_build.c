/* Writing recipes. */
#include "format/recipe_build.h"

#include "base/hex.h"
#include "base/timefmt.h"
#include "format/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WIDE        5u   /* bytes of every length that is not a signature's */
#define ENTRY_EXTRA 256u /* more than a file needs beside its data: two headers, a name, alignment */
#define KIND_DATA   2
#define KIND_DIR    4
#define KIND_FILE   5
#define FOLDER      "payload"

/* Bytes being written; capacity was reckoned beforehand. */
struct out {
	uint8_t *data; /* owned */
	size_t size, capacity;
};

static void put(struct out *o, const void *data, size_t size)
{
	if (size && size <= o->capacity - o->size) {
		memcpy(o->data + o->size, data, size);
		o->size += size;
	}
}

static void put_byte(struct out *o, uint8_t byte)
{
	put(o, &byte, 1);
}

/* A varuint of exactly width bytes at a place already written. */
static void set_wide(struct out *o, size_t at, size_t width, size_t value)
{
	for (size_t i = 0; i < width; i++, value >>= 7)
		o->data[at + width - 1 - i] = (uint8_t)((value & 0x7f) | (i ? 0x80 : 0));
}

static size_t put_wide(struct out *o, size_t width)
{
	size_t at = o->size;
	for (size_t i = 0; i < width; i++)
		put_byte(o, 0x80);
	return at;
}

/* Opens a record with a name; returns where its length stands, for close_record. */
static size_t open_record(struct out *o, uint8_t kind, const char *name)
{
	put_byte(o, kind);
	size_t at = put_wide(o, WIDE);
	put_byte(o, (uint8_t)strlen(name)); /* names are shorter than 128: one varuint byte */
	put(o, name, strlen(name));
	return at;
}

static void close_record(struct out *o, size_t at)
{
	set_wide(o, at, WIDE, o->size - at - WIDE);
}

static void put_file(struct out *o, const char *name, struct span data)
{
	size_t file = open_record(o, KIND_FILE, name);
	put_byte(o, KIND_DATA);
	size_t width = WIDE + (RECIPE_ALIGN - (o->size + WIDE) % RECIPE_ALIGN) % RECIPE_ALIGN;
	size_t at = put_wide(o, width);
	set_wide(o, at, width, data.size);
	put(o, data.data, data.size);
	close_record(o, file);
}

static void add_date(struct cJSON *object, const char *key, int64_t ms)
{
	char text[TIME_TEXT_SIZE];
	time_format(text, ms);
	json_add_string(object, key, ms < 0 ? NULL : text);
}

/* payload/<partition in lower case>.img, or .bin for raw ones; other characters become '_'. */
static void payload_name(const struct recipe_part *part, char out[40])
{
	size_t i = 0;
	for (; part->partition[i] && i < 24; i++) {
		char c = part->partition[i];
		c = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
		out[i] = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '_';
	}
	snprintf(out + i, 40 - i, "%s", part->romfs ? ".img" : ".bin");
}

static bool add_region(struct cJSON *list, const struct recipe_part *part, struct err *e)
{
	struct cJSON *object = json_add_object(list, NULL);
	struct digest d;
	char name[40], path[sizeof FOLDER + sizeof name], text[2 * SHA256_SIZE + 1];
	if (!digest_of(part->image, &d, e))
		return false;
	payload_name(part, name);
	snprintf(path, sizeof path, FOLDER "/%s", name);
	json_add_string(object, "partition", part->partition);
	json_add_string(object, "payload", path);
	json_add_string(object, "kind", part->romfs ? "romfs" : "raw");
	json_add_integer(object, "length", (int64_t)part->image.size);
	snprintf(text, sizeof text, "%08" PRIx32, d.crc32);
	json_add_string(object, "crc32", text);
	hex_encode(text, d.sha256, SHA256_SIZE);
	json_add_string(object, "sha256", text);
	json_add_string(object, "tail", part->tail_blank ? "blank" : "keep");
	struct cJSON *misaligned = json_add_array(object, "misaligned_ok");
	for (unsigned i = 0; i < part->misaligned_count; i++)
		json_add_string(misaligned, NULL, part->misaligned_ok[i]);
	return true;
}

static char *manifest(const struct recipe_spec *spec, struct err *e)
{
	AUTO_JSON struct cJSON *root = json_new_object();
	json_add_string(root, "format", RECIPE_FORMAT);
	json_add_string(root, "name", spec->name);
	json_add_string(root, "version", spec->version);
	json_add_integer(root, "rollback", spec->rollback);
	json_add_string(root, "board", spec->board);
	struct cJSON *regions = json_add_array(root, "regions");
	for (unsigned i = 0; i < spec->part_count; i++)
		if (!add_region(regions, &spec->parts[i], e))
			return NULL;
	struct cJSON *limits = json_add_object(root, "limits");
	add_date(limits, "not_before", spec->not_before);
	add_date(limits, "not_after", spec->not_after);
	if (spec->units < 0)
		json_add_null(limits, "units");
	else
		json_add_integer(limits, "units", spec->units);
	json_add_string(json_add_object(root, "after"), "mode", spec->after_run ? "run" : "bootloader");
	char *text = json_print(root);
	if (!text)
		err_set(e, CODE_NO_MEMORY, "no memory for a manifest");
	return text;
}

static bool allocate(struct out *o, size_t capacity, struct err *e)
{
	*o = (struct out){ malloc(capacity), 0, capacity };
	return o->data || err_set(e, CODE_NO_MEMORY, "no memory for %zu bytes", capacity);
}

static void put_image(struct out *o, const struct recipe_spec *spec, const char *json)
{
	static const uint8_t magic[] = { 0xd2, 0xcd, 0x31 };
	char name[40];
	put(o, magic, sizeof magic);
	size_t length = put_wide(o, WIDE);
	put_file(o, RECIPE_MANIFEST, span_of(json, strlen(json)));
	size_t folder = open_record(o, KIND_DIR, FOLDER);
	for (unsigned i = 0; i < spec->part_count; i++) {
		payload_name(&spec->parts[i], name);
		put_file(o, name, spec->parts[i].image);
	}
	close_record(o, folder);
	close_record(o, length);
}

bool recipe_build(const struct recipe_spec *spec, uint8_t **out, size_t *size, struct err *e)
{
	struct out o;
	AUTO_FREE char *json = manifest(spec, e);
	if (!json)
		return false;
	size_t capacity = strlen(json) + 2 * ENTRY_EXTRA;
	for (unsigned i = 0; i < spec->part_count; i++) {
		size_t bytes = spec->parts[i].image.size;
		if (bytes > RECIPE_MAX_BYTES || capacity + bytes + ENTRY_EXTRA > RECIPE_MAX_BYTES)
			return err_set(
			    e, CODE_PAYLOAD_TOO_BIG, "the recipe would be larger than %u bytes", RECIPE_MAX_BYTES);
		capacity += bytes + ENTRY_EXTRA;
	}
	if (!allocate(&o, capacity, e))
		return false;
	put_image(&o, spec, json);
	*out = o.data;
	*size = o.size;
	return true;
}

/* A signature on its way into an image; the text is borrowed. */
struct entry {
	uint8_t id[MINISIG_KEY_ID_SIZE];
	struct span text;
};

/* Keeps the entries sorted by key id, each once; the newest wins. */
static bool insert(struct entry *list, unsigned *count, const struct entry *entry, struct err *e)
{
	unsigned at = 0;
	while (at < *count && memcmp(list[at].id, entry->id, MINISIG_KEY_ID_SIZE) < 0)
		at++;
	if (at < *count && !memcmp(list[at].id, entry->id, MINISIG_KEY_ID_SIZE)) {
		list[at] = *entry;
		return true;
	}
	if (*count == RECIPE_MAX_SIGNATURES)
		return err_set(
		    e, CODE_RECIPE_NOT_CANONICAL, "a recipe carries at most %d signatures", RECIPE_MAX_SIGNATURES);
	memmove(list + at + 1, list + at, (*count - at) * sizeof *list);
	list[at] = *entry;
	++*count;
	return true;
}

static void put_signature(struct out *o, struct span text)
{
	put_byte(o, RECIPE_KIND);
	if (text.size > 0x7f)
		put_byte(o, (uint8_t)(0x80 | text.size >> 7)); /* MINISIG_MAX_FILE is far below 2^14 */
	put_byte(o, text.size & 0x7f);
	put(o, text.data, text.size);
}

static bool assemble(const struct recipe_image *image, const struct entry *list, unsigned count, uint8_t **out,
    size_t *size, struct err *e)
{
	struct out o;
	size_t capacity = RECIPE_HEADER + image->records.size;
	for (unsigned i = 0; i < count; i++)
		capacity += 3 + list[i].text.size;
	if (capacity > RECIPE_MAX_BYTES)
		return err_set(e, CODE_PAYLOAD_TOO_BIG, "the recipe would be larger than %u bytes", RECIPE_MAX_BYTES);
	if (!allocate(&o, capacity, e))
		return false;
	put(&o, image->header, RECIPE_HEADER);
	put(&o, image->records.data, image->records.size);
	for (unsigned i = 0; i < count; i++)
		put_signature(&o, list[i].text);
	close_record(&o, RECIPE_HEADER - WIDE);
	*out = o.data;
	*size = o.size;
	return true;
}

bool recipe_attach(const struct recipe_image *image, const struct span *minisigs, unsigned count, uint8_t **out,
    size_t *size, struct err *e)
{
	struct entry list[RECIPE_MAX_SIGNATURES];
	unsigned used = 0;
	for (unsigned i = 0; i < image->signature_count; i++) {
		struct entry entry = { .text = image->signatures[i] };
		memcpy(entry.id, image->parsed[i].id, sizeof entry.id);
		if (!insert(list, &used, &entry, e))
			return false;
	}
	if (count > RECIPE_MAX_SIGNATURES)
		return err_set(
		    e, CODE_RECIPE_NOT_CANONICAL, "a recipe carries at most %d signatures", RECIPE_MAX_SIGNATURES);
	AUTO_FREE uint8_t *texts = malloc((size_t)RECIPE_MAX_SIGNATURES * MINISIG_MAX_FILE);
	if (!texts)
		return err_set(e, CODE_NO_MEMORY, "no memory for signatures");
	for (unsigned i = 0; i < count; i++) {
		uint8_t *text = texts + (size_t)i * MINISIG_MAX_FILE;
		struct minisig sig;
		struct entry entry;
		entry.text = span_of(text, minisig_normalise(minisigs[i], text, e));
		if (!entry.text.size || !minisig_parse(entry.text, &sig, e))
			return false;
		memcpy(entry.id, sig.id, sizeof entry.id);
		if (!insert(list, &used, &entry, e))
			return false;
	}
	return assemble(image, list, used, out, size, e);
}

bool recipe_detach(const struct recipe_image *image, uint8_t **out, size_t *size, struct err *e)
{
	return assemble(image, NULL, 0, out, size, e);
}
