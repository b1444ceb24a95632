/* The template of a region: its fields in the manifest, and whether they stand where they can be filled in. */
#include "format/json.h"
#include "format/recipe.h"

#include <string.h>

static bool read_field(const struct cJSON *object, struct unit_field *out, struct err *e)
{
	static const char *const keys[] = { "at", "size", "value", "as", NULL };
	int64_t at, size;
	const char *value, *as;
	if (!json_only_keys(object, keys, e) || !json_integer(object, "at", 0, UNIT_TEMPLATE_MAX, &at, e) ||
	    !json_integer(object, "size", 1, UNIT_FIELD_MAX, &size, e) || !json_string(object, "value", &value, e) ||
	    !json_string(object, "as", &as, e))
		return false;
	*out = (struct unit_field){ .at = (uint32_t)at, .size = (uint16_t)size, .bytes = !strcmp(as, "bytes") };
	if (!unit_value_find(value, &out->value))
		return err_set(e, CODE_MANIFEST_INVALID, "\"value\" is none of serial, mac and uid");
	return out->bytes || !strcmp(as, "text") ||
	       err_set(e, CODE_MANIFEST_INVALID, "\"as\" is neither \"text\" nor \"bytes\"");
}

bool recipe_template_read(const struct cJSON *region, struct recipe_region *r, struct err *e)
{
	const struct cJSON *list = json_member(region, "template");
	if (list && json_is_null(list))
		return true;
	if (!json_array(region, "template", &list, e))
		return false;
	for (const struct cJSON *item = json_first(list); item; item = json_after(item)) {
		if (r->field_count == UNIT_FIELDS_MAX)
			return err_set(e, CODE_MANIFEST_INVALID, "a template has at most %d fields", UNIT_FIELDS_MAX);
		if (!read_field(item, &r->fields[r->field_count++], e))
			return err_prefix(e, "field %u", r->field_count);
	}
	if (!r->field_count)
		return err_set(e, CODE_MANIFEST_INVALID, "a template has no field; without one it is null");
	return true;
}

/* Which fields lie within the bytes of a file; bit i: field i. */
struct covered {
	const struct recipe_region *region;
	uint32_t fields;
};

static void cover(void *context, const struct romfs *fs, const struct romfs_node *const *path, unsigned depth)
{
	struct covered *c = context;
	const struct romfs_node *file = path[depth - 1];
	(void)fs;
	if (file->type != ROMFS_FILE)
		return;
	for (unsigned i = 0; i < c->region->field_count; i++) {
		const struct unit_field *f = &c->region->fields[i];
		if (f->at >= file->data && f->at - file->data <= file->data_size &&
		    f->size <= file->data_size - (f->at - file->data))
			c->fields |= 1u << i;
	}
}

bool recipe_template_fits(const struct recipe_region *r, struct err *e)
{
	struct covered c = { r, 0 };
	struct romfs fs;
	enum board_role role = r->bound.partition->role;
	if (!r->field_count)
		return true;
	if (role == ROLE_FIRMWARE || role == ROLE_COFIRMWARE)
		return err_set(e, CODE_MANIFEST_INVALID, "firmware has no template");
	if (!unit_fields_fit(r->fields, r->field_count, r->length, e))
		return err_prefix(e, "the template of %s", r->partition);
	if (!r->romfs)
		return true;
	if (romfs_mount(&fs, r->bound.image.data, r->bound.image.size) != ROMFS_OK ||
	    romfs_check(&fs, cover, &c, NULL) != ROMFS_OK)
		return err_set(e, CODE_ROMFS_MALFORMED, "%s does not mount", r->payload);
	for (unsigned i = 0; i < r->field_count; i++)
		if (!(c.fields & 1u << i))
			return err_set(e, CODE_MANIFEST_INVALID,
			    "field %u of the template of %s is not within one file", i + 1, r->partition);
	return true;
}
