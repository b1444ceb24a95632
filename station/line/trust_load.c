/* Reading the folder of trusted keys.  Everything in it that looks like ours must be right: a revocation with a typing
 * error must stop the station, not be skipped. */
#include "line/trust_private.h"

#include "base/hex.h"
#include "base/timefmt.h"
#include "format/json.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_KEY_FILE     4096u
#define MAX_JSON_FILE    16384u
#define MAX_REVOKED_FILE (4u << 20)
#define MAX_ENTRIES      1024u /* files looked at in the folder */
#define REVOKED_FILE     "revoked-recipes"
#define NAME_ALPHABET    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-"
#define ROLE_ALPHABET    "abcdefghijklmnopqrstuvwxyz0123456789_-"

static bool add_role(struct role_list *list, const char *text, size_t size, struct err *e, enum code code)
{
	if (!size || size >= TRUST_ROLE_SIZE || strspn(text, ROLE_ALPHABET) < size)
		return err_set(e, code, "a role is empty, too long or has other characters than a-z 0-9 _ -");
	if (list->count == TRUST_MAX_ROLES)
		return err_set(e, code, "there are more than %d roles", TRUST_MAX_ROLES);
	for (unsigned i = 0; i < list->count; i++)
		if (strlen(list->role[i]) == size && !memcmp(list->role[i], text, size))
			return err_set(e, code, "the role %s is named twice", list->role[i]);
	memcpy(list->role[list->count], text, size);
	list->role[list->count++][size] = '\0';
	return true;
}

bool roles_parse(const char *text, struct role_list *out, struct err *e)
{
	memset(out, 0, sizeof *out);
	if (!text[strspn(text, " ")])
		return true;
	for (;;) {
		text += strspn(text, " ");
		size_t size = strcspn(text, ", ");
		if (!add_role(out, text, size, e, CODE_CONFIG_INVALID))
			return false;
		text += size;
		text += strspn(text, " ");
		if (!*text)
			return true;
		if (*text++ != ',')
			return err_set(e, CODE_CONFIG_INVALID, "roles are separated by commas");
	}
}

static bool read_roles(const struct cJSON *root, struct trust_key *k, struct err *e)
{
	const struct cJSON *list;
	if (!json_member(root, "roles"))
		return true;
	if (!json_array(root, "roles", &list, e))
		return false;
	k->roles.count = 0;
	for (const struct cJSON *item = json_first(list); item; item = json_after(item)) {
		const char *text = json_text(item);
		if (!text)
			return err_set(e, CODE_TRUST_INVALID, "a role is not a string");
		if (!add_role(&k->roles, text, strlen(text), e, CODE_TRUST_INVALID))
			return false;
	}
	return true;
}

static bool read_date(const struct cJSON *root, const char *key, int64_t *out, struct err *e)
{
	const char *text;
	if (!json_member(root, key))
		return true;
	if (!json_string_or_null(root, key, &text, e))
		return false;
	return !text || time_parse(text, out) ||
	       err_set(e, CODE_TRUST_INVALID, "\"%s\" is not a time like 2026-11-20T21:54:07.123Z", key);
}

static bool read_revoked(const struct cJSON *root, struct trust_key *k, struct err *e)
{
	bool always = false;
	struct err ignored;
	if (json_bool(root, "revoked", &always, &ignored)) {
		k->revoked = always ? 0 : -1;
		return true;
	}
	return read_date(root, "revoked", &k->revoked, e);
}

static bool read_terms(struct span text, struct trust_key *k, struct err *e)
{
	static const char *const keys[] = { "roles", "not_before", "not_after", "revoked", NULL };
	AUTO_JSON struct cJSON *root = json_parse(text, e);
	if (!root)
		return false;
	if (!json_is_object(root))
		return err_set(e, CODE_TRUST_INVALID, "it is not an object");
	return json_only_keys(root, keys, e) && read_roles(root, k, e) &&
	       read_date(root, "not_before", &k->not_before, e) && read_date(root, "not_after", &k->not_after, e) &&
	       read_revoked(root, k, e);
}

/* A whole file of the folder; false with trust-invalid and the file's name. */
static bool slurp(const char *folder, const char *name, size_t limit, uint8_t **data, size_t *size, struct err *e)
{
	char path[PATH_MAX];
	return file_join(path, sizeof path, folder, name, e) && file_read(path, limit, data, size, e);
}

static bool load_key(const char *folder, const char *name, struct trust_key *k, struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	size_t size = 0;
	size_t stem = strlen(name) - strlen(".pub");
	if (stem >= TRUST_NAME_SIZE || strspn(name, NAME_ALPHABET) < stem)
		return err_set(
		    e, CODE_TRUST_INVALID, "the name is too long or has other characters than a-z 0-9 . _ -");
	*k = (struct trust_key){ .not_before = -1, .not_after = -1, .revoked = -1 };
	memcpy(k->name, name, stem);
	k->roles.count = 1;
	memcpy(k->roles.role[0], "release", sizeof "release");
	return slurp(folder, name, MAX_KEY_FILE, &data, &size, e) && minisig_parse_key(span_of(data, size), &k->key, e);
}

static bool unique(const struct trust *t, const struct trust_key *k, struct err *e)
{
	for (unsigned i = 0; i < t->count; i++)
		if (!memcmp(t->keys[i].key.id, k->key.id, sizeof k->key.id) ||
		    !memcmp(t->keys[i].key.key, k->key.key, sizeof k->key.key))
			return err_set(e, CODE_TRUST_INVALID, "%s.pub and %s.pub hold one key or key id",
			    t->keys[i].name, k->name);
	return true;
}

static bool add_key(struct trust *t, const char *folder, const char *name, struct err *e)
{
	if (t->count == TRUST_MAX_KEYS)
		return err_set(e, CODE_TRUST_INVALID, "there are more than %d keys", TRUST_MAX_KEYS);
	if (!load_key(folder, name, &t->keys[t->count], e) || !unique(t, &t->keys[t->count], e))
		return false;
	t->count++;
	return true;
}

static bool add_terms(struct trust *t, const char *folder, const char *name, struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	size_t size = 0, stem = strlen(name) - strlen(".json");
	for (unsigned i = 0; i < t->count; i++)
		if (strlen(t->keys[i].name) == stem && !memcmp(t->keys[i].name, name, stem))
			return slurp(folder, name, MAX_JSON_FILE, &data, &size, e) &&
			       read_terms(span_of(data, size), &t->keys[i], e);
	return err_set(e, CODE_TRUST_INVALID, "there is no key file %.*s.pub", (int)stem, name);
}

static bool add_revoked_line(struct trust *t, char *line, struct err *e)
{
	line[strcspn(line, "#\r")] = '\0';
	line += strspn(line, " \t");
	line[strcspn(line, " \t")] = '\0';
	if (!*line)
		return true;
	if (!hex_decode(t->revoked[t->revoked_count], SHA256_SIZE, line))
		return err_set(e, CODE_TRUST_INVALID, "\"%.70s\" is not the SHA-256 of a recipe", line);
	t->revoked_count++;
	return true;
}

static bool add_revoked(struct trust *t, const char *folder, const char *name, struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	size_t size = 0;
	if (!slurp(folder, name, MAX_REVOKED_FILE, &data, &size, e))
		return false;
	if (memchr(data, '\0', size))
		return err_set(e, CODE_TRUST_INVALID, "it is not a text file");
	t->revoked = calloc(size / (2 * SHA256_SIZE) + 1, SHA256_SIZE);
	if (!t->revoked)
		return err_set(e, CODE_NO_MEMORY, "no memory for the list");
	char *rest = (char *)data, *line;
	while ((line = strsep(&rest, "\n")))
		if (!add_revoked_line(t, line, e))
			return false;
	return true;
}

static bool ends_with(const char *name, const char *suffix)
{
	size_t n = strlen(name), s = strlen(suffix);
	return n > s && !strcmp(name + n - s, suffix);
}

/* Keys come before their terms; `pass` says which are wanted. */
static bool load_entry(struct trust *t, const char *folder, const char *name, unsigned pass, struct err *e)
{
	struct err why = ERR_INIT;
	bool done = true;
	if (name[0] == '.')
		return true;
	if (pass == 0 && ends_with(name, ".pub"))
		done = add_key(t, folder, name, &why);
	else if (pass == 1 && ends_with(name, ".json"))
		done = add_terms(t, folder, name, &why);
	else if (pass == 1 && !strcmp(name, REVOKED_FILE))
		done = add_revoked(t, folder, name, &why);
	if (done)
		return true;
	/* a file that cannot be read says nothing about what is in it */
	bool machine = why.code == CODE_NO_MEMORY || why.code == CODE_FILE_FAILED || why.code == CODE_INTERNAL;
	return err_set(e, machine ? why.code : CODE_TRUST_INVALID, "%.60s: %s", name, why.msg);
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* No such folder is a rule broken; all else is the machine's. */
static bool unlisted(const char *folder, int cause, struct err *e)
{
	enum code code = CODE_FILE_FAILED;
	if (cause == ENOENT || cause == ENOTDIR)
		code = CODE_TRUST_INVALID;
	else if (cause == ENOMEM)
		code = CODE_NO_MEMORY;
	return err_sys(e, code, cause, "cannot list the folder %s", folder);
}

static bool load(struct trust *t, const char *folder, struct err *e)
{
	struct dirent **list = NULL;
	int count = scandir(folder, &list, NULL, by_bytes);
	bool done = count >= 0 || unlisted(folder, errno, e);
	if (count > (int)MAX_ENTRIES)
		done = err_set(e, CODE_TRUST_INVALID, "the folder %s holds more than %u files", folder, MAX_ENTRIES);
	for (unsigned pass = 0; pass < 2; pass++)
		for (int i = 0; done && i < count; i++)
			done = load_entry(t, folder, list[i]->d_name, pass, e);
	for (int i = 0; i < count; i++)
		free(list[i]);
	free(list);
	return done;
}

bool trust_open(const char *folder, struct trust **out, struct err *e)
{
	struct trust *t = calloc(1, sizeof *t);
	if (!t)
		return err_set(e, CODE_NO_MEMORY, "no memory for the trusted keys");
	if (!load(t, folder, e)) {
		trust_close(t);
		return false;
	}
	*out = t;
	return true;
}

void trust_close(struct trust *t)
{
	if (t)
		free(t->revoked);
	free(t);
}
