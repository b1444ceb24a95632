/* Filling in per-unit data. */
#include "format/unit_data.h"

#include "base/hex.h"

#include <string.h>

#define BLANK ' '

static const char *const names[UNIT_VALUES] = { "serial", "mac", "uid" };

const char *unit_value_name(enum unit_value value)
{
	return names[value];
}

bool unit_value_find(const char *name, enum unit_value *out)
{
	for (unsigned i = 0; i < UNIT_VALUES; i++)
		if (!strcmp(names[i], name)) {
			*out = (enum unit_value)i;
			return true;
		}
	return false;
}

bool unit_fields_fit(const struct unit_field *fields, unsigned count, uint32_t length, struct err *e)
{
	uint32_t end = 0;
	if (length > UNIT_TEMPLATE_MAX)
		return err_set(e, CODE_MANIFEST_INVALID, "a payload with fields has at most %u bytes, not %u",
		    UNIT_TEMPLATE_MAX, length);
	for (unsigned i = 0; i < count; i++) {
		const struct unit_field *f = &fields[i];
		if (!f->size || f->size > UNIT_FIELD_MAX || f->at < end || f->at > length || f->size > length - f->at)
			return err_set(e, CODE_MANIFEST_INVALID,
			    "field %u lies beyond the payload, over another one, or before it", i + 1);
		end = f->at + f->size;
	}
	return true;
}

/* --- filling ------------------------------------------------------------------------------------------------------ */

/* The file around it may be JSON or Python: what would end a string there, or begin an escape, does not pass. */
static bool plain(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c < ' ' || *c > '~' || *c == '"' || *c == '\'' || *c == '\\')
			return false;
	return true;
}

/* Hexadecimal digits, with the marks that people put between the bytes of a MAC number; none may be left over. */
static bool fill_bytes(const char *text, uint8_t *out, size_t size)
{
	char digits[2 * UNIT_FIELD_MAX + 1];
	size_t used = 0;
	for (const char *c = text; *c; c++) {
		if (*c == ':' || *c == '-')
			continue;
		if (used == 2 * size)
			return false;
		digits[used++] = *c >= 'A' && *c <= 'F' ? (char)(*c - 'A' + 'a') : *c;
	}
	digits[used] = '\0';
	return hex_decode(out, size, digits);
}

static bool fill_text(const char *text, uint8_t *out, size_t size)
{
	size_t length = strlen(text);
	if (length > size || !plain(text))
		return false;
	memcpy(out, text, length);
	memset(out + length, BLANK, size - length);
	return true;
}

bool unit_data_fill(const struct unit_field *fields, unsigned count, const char *const values[UNIT_VALUES],
    uint8_t *image, uint32_t length, struct err *e)
{
	if (!unit_fields_fit(fields, count, length, e))
		return false;
	for (unsigned i = 0; i < count; i++) {
		const struct unit_field *f = &fields[i];
		const char *text = values[f->value];
		if (!*text)
			return err_set(e, CODE_SERIAL_MISSING, "the recipe writes a %s into the camera and it has none",
			    names[f->value]);
		if (!(f->bytes ? fill_bytes : fill_text)(text, image + f->at, f->size))
			return err_set(e, CODE_NUMBER_UNFIT, "the %s %.64s does not fit its field of %u %s",
			    names[f->value], text, f->size, f->bytes ? "bytes" : "plain characters");
	}
	return true;
}

/* --- marks -------------------------------------------------------------------------------------------------------- */

/* The size of the mark that begins there; 0: none does. */
static size_t mark_at(struct span payload, size_t at, enum unit_value *value)
{
	const char *text = (const char *)payload.data + at;
	size_t room = payload.size - at;
	for (unsigned i = 0; i < UNIT_VALUES; i++) {
		size_t used = 2 + strlen(names[i]);
		if (room < used + 2 || memcmp(text, "{{", 2) != 0 || memcmp(text + 2, names[i], used - 2) != 0)
			continue;
		while (used < room && text[used] == '_')
			used++;
		if (room - used < 2 || memcmp(text + used, "}}", 2) != 0)
			continue;
		*value = (enum unit_value)i;
		return used + 2;
	}
	return 0;
}

bool unit_data_marks(struct span payload, struct unit_field out[UNIT_FIELDS_MAX], unsigned *count, struct err *e)
{
	*count = 0;
	for (size_t at = 0; at < payload.size;) {
		enum unit_value value;
		const uint8_t *brace = memchr(payload.data + at, '{', payload.size - at);
		if (!brace)
			break;
		at = (size_t)(brace - payload.data);
		size_t size = mark_at(payload, at, &value);
		if (!size) {
			at++;
			continue;
		}
		if (*count == UNIT_FIELDS_MAX)
			return err_set(e, CODE_MANIFEST_INVALID, "there are more than %d marks", UNIT_FIELDS_MAX);
		if (size > UNIT_FIELD_MAX)
			return err_set(e, CODE_MANIFEST_INVALID, "a mark is wider than %d characters", UNIT_FIELD_MAX);
		out[(*count)++] = (struct unit_field){ (uint32_t)at, (uint16_t)size, value, false };
		at += size;
	}
	return *count || err_set(e, CODE_MANIFEST_INVALID, "there is no mark like {{serial____}}");
}
