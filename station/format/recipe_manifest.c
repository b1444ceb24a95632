/* The recipe's inside: recipe.json read strictly, and the files of B held against what it names.
 *
 * Every text of the manifest has its alphabet and its length; an unknown or missing key refuses the recipe. */
#include "format/recipe.h"

#include "base/hex.h"
#include "base/timefmt.h"
#include "format/json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WHOLE 9007199254740991 /* 2^53 - 1: what JSON readers agree on */
#define LOWER     "abcdefghijklmnopqrstuvwxyz0123456789"
#define UPPER     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"

static bool invalid(struct err *e, const char *what)
{
	return err_set(e, CODE_MANIFEST_INVALID, "%s", what);
}

/* A text of 1 to size - 1 bytes out of an alphabet; NULL: any printable ASCII. */
static bool copy_text(char *out, size_t size, const char *text, const char *alphabet)
{
	size_t length = strlen(text);
	if (!length || length >= size)
		return false;
	for (size_t i = 0; i < length; i++)
		if (alphabet ? !strchr(alphabet, text[i]) : text[i] < ' ' || text[i] > '~')
			return false;
	memcpy(out, text, length + 1);
	return true;
}

static bool text_field(
    const struct cJSON *object, const char *key, char *out, size_t size, const char *alphabet, struct err *e)
{
	const char *text;
	if (!json_string(object, key, &text, e))
		return false;
	return copy_text(out, size, text, alphabet) ||
	       err_set(e, CODE_MANIFEST_INVALID, "\"%s\" is empty, too long or has forbidden characters", key);
}

/* One of two words. */
static bool choice(
    const struct cJSON *object, const char *key, const char *no, const char *yes, bool *out, struct err *e)
{
	const char *text;
	if (!json_string(object, key, &text, e))
		return false;
	*out = !strcmp(text, yes);
	return *out || !strcmp(text, no) ||
	       err_set(e, CODE_MANIFEST_INVALID, "\"%s\" is neither \"%s\" nor \"%s\"", key, no, yes);
}

/* Relative, below payload/, plain names only. */
static bool payload_path_ok(const char *path)
{
	static const char prefix[] = "payload/";
	if (strncmp(path, prefix, strlen(prefix)) != 0)
		return false;
	for (const char *part = path; part; part = strchr(part, '/') ? strchr(part, '/') + 1 : NULL) {
		size_t length = strcspn(part, "/");
		if (!length || (length == 1 && part[0] == '.') || (length == 2 && part[0] == '.' && part[1] == '.'))
			return false;
	}
	return true;
}

static bool digests(const struct cJSON *object, struct region *out, struct err *e)
{
	const char *crc, *sha;
	uint8_t bytes[4];
	if (!json_string(object, "crc32", &crc, e) || !json_string(object, "sha256", &sha, e))
		return false;
	if (!hex_decode(bytes, sizeof bytes, crc))
		return invalid(e, "\"crc32\" is not 8 lower-case hex digits");
	out->crc32 = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
	if (!hex_decode(out->sha256, SHA256_SIZE, sha))
		return invalid(e, "\"sha256\" is not 64 lower-case hex digits");
	return true;
}

static bool misaligned(const struct cJSON *object, struct recipe_region *r, struct err *e)
{
	const struct cJSON *list;
	unsigned count = 0;
	if (!json_array(object, "misaligned_ok", &list, e))
		return false;
	for (const struct cJSON *item = json_first(list); item; item = json_after(item))
		count++;
	if (!count)
		return true;
	r->misaligned_ok = calloc(count, sizeof *r->misaligned_ok);
	if (!r->misaligned_ok)
		return err_set(e, CODE_NO_MEMORY, "no memory for a manifest");
	for (const struct cJSON *item = json_first(list); item; item = json_after(item)) {
		const char *text = json_text(item);
		if (!text || !*text)
			return invalid(e, "\"misaligned_ok\" holds something that is not a file's path");
		r->misaligned_ok[r->misaligned_count++] = text;
	}
	return true;
}

static bool region(const struct cJSON *object, bool per_unit, struct recipe_region *r, struct err *e)
{
	static const char *const keys[] = { "template", "partition", "payload", "kind", "length", "crc32", "sha256",
		"tail", "misaligned_ok", NULL };
	int64_t length;
	if (!json_is_object(object))
		return invalid(e, "a region is not an object");
	if (!json_only_keys(object, per_unit ? keys : keys + 1, e) ||
	    !text_field(object, "partition", r->partition, sizeof r->partition, NULL, e) ||
	    !text_field(object, "payload", r->payload, sizeof r->payload, LOWER UPPER "._-/", e) ||
	    !choice(object, "kind", "raw", "romfs", &r->romfs, e) ||
	    !json_integer(object, "length", 1, RECIPE_MAX_BYTES, &length, e) || !digests(object, &r->bound, e) ||
	    !choice(object, "tail", "keep", "blank", &r->tail_blank, e) || !misaligned(object, r, e) ||
	    (per_unit && !recipe_template_read(object, r, e)))
		return false;
	if (!payload_path_ok(r->payload))
		return invalid(e, "\"payload\" is not a plain path below payload/");
	r->length = (uint32_t)length;
	r->bound.romfs = r->romfs;
	r->bound.tail_blank = r->tail_blank;
	return true;
}

static bool regions(const struct cJSON *root, struct recipe *out, struct err *e)
{
	const struct cJSON *list;
	if (!json_array(root, "regions", &list, e))
		return false;
	for (const struct cJSON *item = json_first(list); item; item = json_after(item)) {
		if (out->region_count == RECIPE_MAX_REGIONS)
			return invalid(e, "there are more than 8 regions");
		struct recipe_region *r = &out->regions[out->region_count++];
		if (!region(item, out->per_unit, r, e))
			return err_prefix(e, "region %u", out->region_count);
		for (unsigned i = 0; i + 1 < out->region_count; i++)
			if (!strcmp(out->regions[i].partition, r->partition))
				return err_set(e, CODE_REGION_OVERLAP, "partition %s is named twice", r->partition);
	}
	unsigned fields = 0;
	for (unsigned i = 0; i < out->region_count; i++)
		fields += out->regions[i].field_count;
	if (out->per_unit && !fields)
		return invalid(e, "no region has a template, as its format promises");
	return out->region_count || invalid(e, "there is no region");
}

static bool date(const struct cJSON *object, const char *key, int64_t *out, struct err *e)
{
	const char *text;
	*out = -1;
	if (!json_string_or_null(object, key, &text, e))
		return false;
	return !text || time_parse(text, out) ||
	       err_set(e, CODE_MANIFEST_INVALID, "\"%s\" is not a time like 2026-11-20T21:54:07.123Z", key);
}

static bool limits(const struct cJSON *root, struct recipe *out, struct err *e)
{
	static const char *const keys[] = { "not_before", "not_after", "units", NULL };
	const struct cJSON *object;
	out->units = -1;
	if (!json_object(root, "limits", &object, e) || !json_only_keys(object, keys, e) ||
	    !date(object, "not_before", &out->not_before, e) || !date(object, "not_after", &out->not_after, e))
		return false;
	const struct cJSON *units = json_member(object, "units");
	if (!units || (!json_is_null(units) && !json_whole(units, 1, MAX_WHOLE, &out->units)))
		return invalid(e, "\"units\" is neither null nor a number from 1");
	if (out->not_before >= 0 && out->not_after >= 0 && out->not_after < out->not_before)
		return invalid(e, "\"not_after\" lies before \"not_before\"");
	return true;
}

static bool after(const struct cJSON *root, struct recipe *out, struct err *e)
{
	static const char *const keys[] = { "mode", NULL };
	const struct cJSON *object;
	return json_object(root, "after", &object, e) && json_only_keys(object, keys, e) &&
	       choice(object, "mode", "bootloader", "run", &out->after_run, e);
}

static bool manifest(const struct cJSON *root, struct recipe *out, struct err *e)
{
	static const char *const keys[] = { "format", "name", "version", "rollback", "board", "regions", "limits",
		"after", NULL };
	char format[sizeof RECIPE_FORMAT];
	if (!json_is_object(root))
		return invalid(e, "the manifest is not an object");
	if (!json_only_keys(root, keys, e) || !text_field(root, "format", format, sizeof format, NULL, e))
		return false;
	out->per_unit = !strcmp(format, RECIPE_FORMAT_UNIT);
	if (!out->per_unit && strcmp(format, RECIPE_FORMAT) != 0)
		return invalid(e, "\"format\" is neither \"" RECIPE_FORMAT "\" nor \"" RECIPE_FORMAT_UNIT "\"");
	return text_field(root, "name", out->name, sizeof out->name, LOWER "._-", e) &&
	       text_field(root, "version", out->version, sizeof out->version, LOWER UPPER "._+-", e) &&
	       json_integer(root, "rollback", 0, MAX_WHOLE, &out->rollback, e) &&
	       text_field(root, "board", out->board, sizeof out->board, LOWER "._-", e) && regions(root, out, e) &&
	       limits(root, out, e) && after(root, out, e);
}

static bool read_manifest(const struct romfs *fs, struct recipe *out, struct err *e)
{
	struct romfs_node root, node;
	static const char name[] = RECIPE_MANIFEST;
	romfs_root(fs, &root);
	uint32_t cursor = root.data;
	if (romfs_lookup(fs, name, &node) != ROMFS_OK || node.type != ROMFS_FILE)
		return err_set(e, CODE_RECIPE_MALFORMED, "the image holds no " RECIPE_MANIFEST);
	if (romfs_next(fs, &root, &cursor, &node) != ROMFS_OK || node.record != fs->begin ||
	    node.name_size != strlen(name) || memcmp(fs->image + node.name, name, strlen(name)) != 0)
		return err_set(e, CODE_RECIPE_NOT_CANONICAL, RECIPE_MANIFEST " is not the first record");
	if (node.data_size > RECIPE_MAX_MANIFEST)
		return err_set(
		    e, CODE_MANIFEST_INVALID, RECIPE_MANIFEST " is larger than %u bytes", RECIPE_MAX_MANIFEST);
	out->manifest = json_parse(span_of(romfs_data(fs, &node), node.data_size), e);
	return out->manifest && manifest(out->manifest, out, e);
}

/* What the walk over B's files finds out; complaint: the first entry that no region names, "" when all are named. */
struct files {
	const struct recipe *recipe;
	char complaint[RECIPE_PATH_SIZE];
};

static bool join(
    char out[RECIPE_PATH_SIZE], const struct romfs *fs, const struct romfs_node *const *path, unsigned depth)
{
	size_t used = 0;
	for (unsigned i = 0; i < depth; i++) {
		if (path[i]->name_size + 1 > RECIPE_PATH_SIZE - used)
			return false;
		if (i)
			out[used - 1] = '/';
		memcpy(out + used, fs->image + path[i]->name, path[i]->name_size);
		used += path[i]->name_size;
		out[used++] = '\0';
	}
	return true;
}

static bool named(const struct recipe *r, const char *path, bool directory)
{
	size_t length = strlen(path);
	if (!directory && !strcmp(path, RECIPE_MANIFEST))
		return true;
	for (unsigned i = 0; i < r->region_count; i++) {
		const char *payload = r->regions[i].payload;
		if (directory ? !strncmp(payload, path, length) && payload[length] == '/' : !strcmp(payload, path))
			return true;
	}
	return false;
}

static void visit(void *context, const struct romfs *fs, const struct romfs_node *const *path, unsigned depth)
{
	struct files *files = context;
	char text[RECIPE_PATH_SIZE] = "(a long path)";
	if (*files->complaint)
		return;
	if (!join(text, fs, path, depth) || !named(files->recipe, text, path[depth - 1]->type == ROMFS_DIR))
		memcpy(files->complaint, text, sizeof files->complaint);
}

static bool check_files(const struct romfs *fs, const struct recipe *r, struct err *e)
{
	struct files files = { r, "" };
	if (romfs_check(fs, visit, &files, NULL) != ROMFS_OK)
		return err_set(e, CODE_RECIPE_MALFORMED, "the recipe's own file system is broken");
	return !*files.complaint ||
	       err_set(e, CODE_RECIPE_NOT_CANONICAL, "no region of the manifest names %.100s", files.complaint);
}

static bool find_payloads(const struct romfs *fs, struct recipe *r, struct err *e)
{
	for (unsigned i = 0; i < r->region_count; i++) {
		struct recipe_region *region_ = &r->regions[i];
		struct romfs_node node;
		if (romfs_lookup(fs, region_->payload, &node) != ROMFS_OK || node.type != ROMFS_FILE)
			return err_set(e, CODE_PAYLOAD_MISMATCH, "there is no file %s", region_->payload);
		if (node.data_size != region_->length)
			return err_set(e, CODE_PAYLOAD_MISMATCH, "%s has %u bytes, the manifest says %u",
			    region_->payload, node.data_size, region_->length);
		region_->bound.image = span_of(romfs_data(fs, &node), node.data_size);
	}
	return true;
}

bool recipe_read(const struct recipe_image *image, struct recipe *out, struct err *e)
{
	struct romfs fs;
	struct err why = ERR_INIT;
	memset(out, 0, sizeof *out);
	recipe_mount(image, &fs);
	if (romfs_check(&fs, NULL, NULL, NULL) != ROMFS_OK)
		return err_set(e, CODE_RECIPE_MALFORMED, "the recipe's own file system is broken");
	if (!read_manifest(&fs, out, &why))
		return err_set(e, why.code == CODE_JSON_INVALID ? CODE_MANIFEST_INVALID : why.code, "%s", why.msg);
	return check_files(&fs, out, e) && find_payloads(&fs, out, e);
}

void recipe_clear(struct recipe *r)
{
	for (unsigned i = 0; i < r->region_count; i++)
		free(r->regions[i].misaligned_ok);
	json_free(r->manifest);
	memset(r, 0, sizeof *r);
}
