/* Writing recipes. */
#include "format/recipe_build.h"

#include "base/hex.h"
#include "base/timefmt.h"
#include "format/json.h"
#include "format/romfs_writer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FOLDER "payload"

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
	for (; i < 24 && part->partition[i]; i++) {
		char c = part->partition[i];
		c = c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
		out[i] = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ? c : '_';
	}
	snprintf(out + i, 40 - i, "%s", part->romfs ? ".img" : ".bin");
}

static void add_template(struct cJSON *region, const struct recipe_part *part)
{
	if (!part->field_count) {
		json_add_null(region, "template");
		return;
	}
	struct cJSON *list = json_add_array(region, "template");
	for (unsigned i = 0; i < part->field_count; i++) {
		const struct unit_field *f = &part->fields[i];
		struct cJSON *field = json_add_object(list, NULL);
		json_add_integer(field, "at", f->at);
		json_add_integer(field, "size", f->size);
		json_add_string(field, "value", unit_value_name(f->value));
		json_add_string(field, "as", f->bytes ? "bytes" : "text");
	}
}

static bool per_unit(const struct recipe_spec *spec)
{
	unsigned fields = 0;
	for (unsigned i = 0; i < spec->part_count; i++)
		fields += spec->parts[i].field_count;
	return fields;
}

static bool add_region(
    struct cJSON *list, const struct recipe_spec *spec, const struct recipe_part *part, struct err *e)
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
	if (per_unit(spec))
		add_template(object, part);
	return true;
}

static char *manifest(const struct recipe_spec *spec, struct err *e)
{
	AUTO_JSON struct cJSON *root = json_new_object();
	json_add_string(root, "format", per_unit(spec) ? RECIPE_FORMAT_UNIT : RECIPE_FORMAT);
	json_add_string(root, "name", spec->name);
	json_add_string(root, "version", spec->version);
	json_add_integer(root, "rollback", spec->rollback);
	json_add_string(root, "board", spec->board);
	struct cJSON *regions = json_add_array(root, "regions");
	for (unsigned i = 0; i < spec->part_count; i++)
		if (!add_region(regions, spec, &spec->parts[i], e))
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

static bool put_payloads(struct romfs_writer *w, const struct recipe_spec *spec, struct err *e)
{
	char name[40];
	if (!romfs_writer_dir_open(w, FOLDER, strlen(FOLDER), e))
		return false;
	for (unsigned i = 0; i < spec->part_count; i++) {
		payload_name(&spec->parts[i], name);
		if (!romfs_writer_file(w, name, strlen(name), spec->parts[i].image, RECIPE_ALIGN, e))
			return false;
	}
	return romfs_writer_dir_close(w, e);
}

bool recipe_build(const struct recipe_spec *spec, uint8_t **out, size_t *size, struct err *e)
{
	const struct romfs_writer_options options = { .limit = RECIPE_MAX_BYTES };
	struct romfs_writer w = { 0 };
	AUTO_FREE char *json = manifest(spec, e);
	if (!json)
		return false;
	bool done = romfs_writer_begin(&w, &options, e) &&
		    romfs_writer_file(
			&w, RECIPE_MANIFEST, strlen(RECIPE_MANIFEST), span_of(json, strlen(json)), RECIPE_ALIGN, e) &&
		    put_payloads(&w, spec, e) && romfs_writer_finish(&w, out, size, e);
	if (!done)
		romfs_writer_abandon(&w);
	return done;
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

static uint8_t *put(uint8_t *at, struct span bytes)
{
	if (bytes.size)
		memcpy(at, bytes.data, bytes.size);
	return at + bytes.size;
}

/* A minimal varuint; MINISIG_MAX_FILE is far below the 2^14 that two bytes hold. */
static uint8_t *put_signature(uint8_t *at, struct span text)
{
	*at++ = RECIPE_KIND;
	if (text.size > 0x7f)
		*at++ = (uint8_t)(0x80 | text.size >> 7);
	*at++ = text.size & 0x7f;
	return put(at, text);
}

static bool assemble(const struct recipe_image *image, const struct entry *list, unsigned count, uint8_t **out,
    size_t *size, struct err *e)
{
	size_t capacity = RECIPE_HEADER + image->records.size;
	for (unsigned i = 0; i < count; i++)
		capacity += 3 + list[i].text.size;
	if (capacity > RECIPE_MAX_BYTES)
		return err_set(e, CODE_PAYLOAD_TOO_BIG, "the recipe would be larger than %u bytes", RECIPE_MAX_BYTES);
	uint8_t *bytes = malloc(capacity);
	if (!bytes)
		return err_set(e, CODE_NO_MEMORY, "no memory for %zu bytes", capacity);
	uint8_t *at = put(bytes + RECIPE_HEADER, image->records);
	for (unsigned i = 0; i < count; i++)
		at = put_signature(at, list[i].text);
	*out = bytes;
	*size = (size_t)(at - bytes);
	recipe_put_header(bytes, (uint32_t)(*size - RECIPE_HEADER));
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
