/* JSON trees: cJSON behind the strict scanner, typed look-ups by exact key, and building.  The one file that says
 * cJSON_. */
#include "format/json.h"
#include "format/json_scan.h"

#include <cjson/cJSON.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Keys in messages: they may come from outside, so only printable ASCII gets through, and not much of it. */
struct shown {
	char text[44];
};

static struct shown show(const char *key)
{
	struct shown s;
	size_t n = 0;
	for (; n < sizeof s.text - 4 && key[n]; n++)
		s.text[n] = key[n] >= ' ' && key[n] <= '~' ? key[n] : '?';
	snprintf(s.text + n, sizeof s.text - n, "%s", key[n] ? "..." : "");
	return s;
}

struct cJSON *json_parse(struct span text, struct err *e)
{
	if (!json_scan(text, e))
		return NULL;
	cJSON *json = cJSON_ParseWithLengthOpts((const char *)text.data, text.size, NULL, false);
	if (!json)
		err_set(e, CODE_NO_MEMORY, "no memory for a JSON text");
	return json;
}

void json_free(struct cJSON *json)
{
	cJSON_Delete(json);
}

void json_auto_free_(struct cJSON **json)
{
	cJSON_Delete(*json);
}

/* Look-ups. */

const struct cJSON *json_member(const struct cJSON *object, const char *key)
{
	return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

/* The member if it is there and `is` says yes; else NULL and the refusal that names the key. */
static const cJSON *wanted(
    const cJSON *object, const char *key, cJSON_bool (*is)(const cJSON *), const char *what, struct err *e)
{
	const cJSON *item = json_member(object, key);
	if (!item)
		err_set(e, CODE_JSON_INVALID, "\"%s\" is missing", show(key).text);
	else if (!is(item))
		err_set(e, CODE_JSON_INVALID, "\"%s\" must be %s", show(key).text, what);
	return item && is(item) ? item : NULL;
}

static cJSON_bool is_string_or_null(const cJSON *item)
{
	return cJSON_IsString(item) || cJSON_IsNull(item);
}

bool json_string(const struct cJSON *object, const char *key, const char **out, struct err *e)
{
	const cJSON *item = wanted(object, key, cJSON_IsString, "a string", e);
	if (item)
		*out = item->valuestring;
	return item;
}

bool json_string_or_null(const struct cJSON *object, const char *key, const char **out, struct err *e)
{
	const cJSON *item = wanted(object, key, is_string_or_null, "a string or null", e);
	if (item)
		*out = item->valuestring;
	return item;
}

bool json_integer(const struct cJSON *object, const char *key, int64_t min, int64_t max, int64_t *out, struct err *e)
{
	const cJSON *item = wanted(object, key, cJSON_IsNumber, "a whole number", e);
	if (!item)
		return false;
	return json_whole(item, min, max, out) ||
	       err_set(e, CODE_JSON_INVALID, "\"%s\" must be a whole number from %" PRId64 " to %" PRId64,
		   show(key).text, min, max);
}

bool json_real(const struct cJSON *object, const char *key, double *out)
{
	const cJSON *item = json_member(object, key);
	if (!cJSON_IsNumber(item))
		return false;
	*out = item->valuedouble;
	return true;
}

bool json_bool(const struct cJSON *object, const char *key, bool *out, struct err *e)
{
	const cJSON *item = wanted(object, key, cJSON_IsBool, "true or false", e);
	if (item)
		*out = cJSON_IsTrue(item);
	return item;
}

bool json_array(const struct cJSON *object, const char *key, const struct cJSON **out, struct err *e)
{
	const cJSON *item = wanted(object, key, cJSON_IsArray, "an array", e);
	if (item)
		*out = item;
	return item;
}

bool json_object(const struct cJSON *object, const char *key, const struct cJSON **out, struct err *e)
{
	const cJSON *item = wanted(object, key, cJSON_IsObject, "an object", e);
	if (item)
		*out = item;
	return item;
}

bool json_only_keys(const struct cJSON *object, const char *const *keys, struct err *e)
{
	if (!json_is_object(object))
		return err_set(e, CODE_JSON_INVALID, "it is no object");
	for (const cJSON *item = json_first(object); item; item = item->next) {
		const char *const *k = keys;
		while (*k && strcmp(*k, item->string))
			k++;
		if (!*k)
			return err_set(e, CODE_JSON_INVALID, "there is no key \"%s\" here", show(item->string).text);
	}
	return true;
}

const struct cJSON *json_first(const struct cJSON *container)
{
	return container ? container->child : NULL;
}

const struct cJSON *json_after(const struct cJSON *item)
{
	return item->next;
}

const char *json_key(const struct cJSON *item)
{
	return item->string;
}

const char *json_text(const struct cJSON *item)
{
	return cJSON_IsString(item) ? item->valuestring : NULL;
}

bool json_is_object(const struct cJSON *item)
{
	return cJSON_IsObject(item);
}

bool json_is_null(const struct cJSON *item)
{
	return cJSON_IsNull(item);
}

bool json_whole(const struct cJSON *item, int64_t min, int64_t max, int64_t *out)
{
	if (!cJSON_IsNumber(item))
		return false;
	double v = item->valuedouble;
	if (!(v >= -JSON_MAX_WHOLE && v <= JSON_MAX_WHOLE) || (double)(int64_t)v != v)
		return false;
	int64_t whole = (int64_t)v;
	if (whole < min || whole > max)
		return false;
	*out = whole;
	return true;
}

bool json_truth(const struct cJSON *item, bool *out)
{
	*out = cJSON_IsTrue(item);
	return cJSON_IsBool(item);
}

/* Building.  A container that could not take an item is marked broken, and json_print refuses the whole tree: cJSON
 * leaves valueint of a container alone. */

static void mark_broken(cJSON *container)
{
	container->valueint = 1;
}

static bool is_broken(const cJSON *json)
{
	if (!cJSON_IsObject(json) && !cJSON_IsArray(json))
		return false;
	if (json->valueint)
		return true;
	for (const cJSON *item = json->child; item; item = item->next)
		if (is_broken(item))
			return true;
	return false;
}

static cJSON *put(cJSON *parent, const char *key, cJSON *item)
{
	if (parent && item) {
		if (key ? cJSON_AddItemToObject(parent, key, item) : cJSON_AddItemToArray(parent, item))
			return item;
	}
	if (parent)
		mark_broken(parent);
	cJSON_Delete(item);
	return NULL;
}

struct cJSON *json_new_object(void)
{
	return cJSON_CreateObject();
}

struct cJSON *json_new_array(void)
{
	return cJSON_CreateArray();
}

struct cJSON *json_add_object(struct cJSON *parent, const char *key)
{
	return parent ? put(parent, key, cJSON_CreateObject()) : NULL;
}

struct cJSON *json_add_array(struct cJSON *parent, const char *key)
{
	return parent ? put(parent, key, cJSON_CreateArray()) : NULL;
}

/* A string item of text with '?' for each byte that is no UTF-8: a cut message must not spoil a whole answer. */
static cJSON *string_item(const char *text)
{
	AUTO_FREE char *copy = strdup(text);
	if (!copy)
		return NULL;
	const uint8_t *end = (const uint8_t *)copy + strlen(copy);
	for (char *p = copy; *p;) {
		unsigned size = json_utf8((const uint8_t *)p, end);
		if (!size)
			*p = '?';
		p += size ? size : 1;
	}
	return cJSON_CreateString(copy);
}

void json_add_string(struct cJSON *parent, const char *key, const char *text)
{
	if (parent)
		put(parent, key, text ? string_item(text) : cJSON_CreateNull());
}

void json_add_integer(struct cJSON *parent, const char *key, int64_t value)
{
	char text[24];
	if (!parent)
		return;
	/* cJSON would print 1e+15 for this one and upwards. */
	if (value < INT64_C(1000000000000000) && value > -INT64_C(1000000000000000)) {
		put(parent, key, cJSON_CreateNumber((double)value));
		return;
	}
	snprintf(text, sizeof text, "%" PRId64, value);
	put(parent, key, cJSON_CreateRaw(text));
}

void json_add_u64_text(struct cJSON *parent, const char *key, uint64_t value)
{
	char text[24];
	snprintf(text, sizeof text, "%" PRIu64, value);
	json_add_string(parent, key, text);
}

void json_add_number(struct cJSON *parent, const char *key, double value)
{
	if (parent)
		put(parent, key, cJSON_CreateNumber(value));
}

void json_add_bool(struct cJSON *parent, const char *key, bool value)
{
	if (parent)
		put(parent, key, cJSON_CreateBool(value));
}

void json_add_null(struct cJSON *parent, const char *key)
{
	if (parent)
		put(parent, key, cJSON_CreateNull());
}

void json_add_item(struct cJSON *parent, const char *key, struct cJSON *item)
{
	put(parent, key, item);
}

struct cJSON *json_copy(const struct cJSON *item)
{
	return item ? cJSON_Duplicate(item, true) : NULL;
}

char *json_print(const struct cJSON *json)
{
	return json && !is_broken(json) ? cJSON_PrintUnformatted(json) : NULL;
}
