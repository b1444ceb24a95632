/* stationctl romfs query and read: what a plugged camera's ROMFS partitions hold. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hex.h"
#include "ctl/camera.h"
#include "ctl/ctl_romfs.h"
#include "format/json.h"
#include "format/romfs_list.h"
#include "format/romfs_text.h"
#include "os/file.h"

#define HEAD_BYTES 4096u /* one block: room for any header that somebody writes */
#define SHOWN      12u   /* as mpremote shows */

/* What one partition holds. */
struct held {
	char first[2 * SHOWN + 1];
	bool blank;    /* its first block is erased flash */
	uint64_t size; /* of the image; 0: there is none */
	bool sound;    /* the mount driver accepts all of it */
	uint32_t files;
	struct err why; /* not sound: why */
};

/* The header's own word for its size: magic, then one varuint with any number of leading 0x80.  0: no header. */
static uint64_t image_size(const uint8_t *head, size_t size)
{
	static const uint8_t magic[3] = { 0xD2, 0xCD, 0x31 };
	uint64_t value = 0;
	if (size < 4 || memcmp(head, magic, 3) != 0)
		return 0;
	for (size_t at = 3; at < size; at++) {
		value = value << 7 | (head[at] & 0x7Fu);
		if (value > UINT32_MAX)
			return 0;
		if (!(head[at] & 0x80))
			return value + at + 1;
	}
	return 0;
}

static bool all_ones(const uint8_t *data, size_t size)
{
	size_t i = 0;
	while (i < size && data[i] == 0xFF)
		i++;
	return i == size;
}

static bool read_start(const struct way *w, const struct camera *c, const char *partition, uint32_t length,
    uint8_t **data, size_t *size, struct err *e)
{
	FILE *file = tmpfile();
	if (!file)
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot make a temporary file");
	bool done = camera_read(w, c, partition, length, file, e) && lseek(fileno(file), 0, SEEK_SET) == 0 &&
		    file_read_fd(fileno(file), partition, ROMFS_MAX_FILE, data, size, e);
	fclose(file);
	return done;
}

static void judge_head(struct held *h, const uint8_t *head, size_t size, uint32_t room)
{
	hex_encode(h->first, head, size < SHOWN ? size : SHOWN);
	h->blank = all_ones(head, size);
	h->size = image_size(head, size);
	if (h->blank)
		err_set(&h->why, CODE_IMAGE_INVALID, "the flash is blank");
	else if (!h->size)
		err_set(&h->why, CODE_IMAGE_INVALID, "no ROMFS header is there");
	else if (h->size > room)
		err_set(&h->why, CODE_IMAGE_INVALID, "the image says %" PRIu64 " bytes, the partition has %u", h->size,
		    (unsigned)room);
}

static void count_file(void *context, const struct romfs *fs, const struct romfs_node *const *path, unsigned depth)
{
	uint32_t *files = context;
	(void)fs;
	*files += path[depth - 1]->type == ROMFS_FILE;
}

/* Reads the header, then as much as it announces. */
static bool look(
    const struct way *w, const struct camera *c, const char *partition, uint32_t room, struct held *h, struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	struct romfs fs;
	struct romfs_fault fault = { ROMFS_RULE_NONE, 0 };
	size_t size;
	*h = (struct held){ .blank = false };
	if (!read_start(w, c, partition, HEAD_BYTES, &data, &size, e))
		return false;
	judge_head(h, data, size, room);
	if (h->why.code != CODE_OK)
		return true;
	if (h->size > size) {
		auto_free_(&data);
		data = NULL;
		if (!read_start(w, c, partition, (uint32_t)h->size, &data, &size, e))
			return false;
	}
	h->sound = romfs_verify(&fs, data, h->size, count_file, &h->files, &fault) == ROMFS_OK;
	if (!h->sound)
		romfs_fault_err(&fault, CODE_IMAGE_INVALID, &h->why);
	return true;
}

/* --- query -------------------------------------------------------------------------------------------------------- */

static void print_units(const struct cJSON *partition)
{
	const struct cJSON *runs;
	int64_t size, count;
	const char *mark = "";
	if (!json_array(partition, "erase_units", &runs, NULL))
		return;
	for (const struct cJSON *r = json_first(runs); r; r = json_after(r), mark = " + ")
		if (json_integer(r, "size", 1, UINT32_MAX, &size, NULL) &&
		    json_integer(r, "count", 1, UINT32_MAX, &count, NULL))
			printf("%s%" PRId64 " x %" PRId64, mark, count, size);
	fputs(*mark ? "" : "none", stdout);
}

static void print_held(const char *name, int64_t room, const struct cJSON *partition, const struct held *h)
{
	printf("  %s: %" PRId64 " bytes, erase units ", name, room);
	print_units(partition);
	printf("\n    first bytes: %s\n", h->first);
	if (h->size)
		printf("    image: %" PRIu64 " bytes, ", h->size);
	else
		fputs("    image: none, ", stdout);
	if (h->sound)
		printf("valid, %u files\n", (unsigned)h->files);
	else
		printf("%s\n", h->why.msg);
}

static void add_held(struct cJSON *list, const struct cJSON *partition, const struct held *h)
{
	struct cJSON *json = json_add_object(list, NULL);
	const char *name = "";
	int64_t number = 0, size = 0, unit, count;
	const struct cJSON *runs;
	json_string(partition, "name", &name, NULL);
	json_integer(partition, "romfs", 0, 64, &number, NULL);
	json_integer(partition, "size", 1, UINT32_MAX, &size, NULL);
	json_add_string(json, "partition", name);
	json_add_integer(json, "romfs", number);
	json_add_integer(json, "size", size);
	struct cJSON *units = json_add_array(json, "erase_units");
	bool has = json_array(partition, "erase_units", &runs, NULL);
	for (const struct cJSON *r = has ? json_first(runs) : NULL; r; r = json_after(r)) {
		if (!json_integer(r, "size", 1, UINT32_MAX, &unit, NULL) ||
		    !json_integer(r, "count", 1, UINT32_MAX, &count, NULL))
			continue;
		struct cJSON *run = json_add_object(units, NULL);
		json_add_integer(run, "size", unit);
		json_add_integer(run, "count", count);
	}
	json_add_string(json, "first", h->first);
	if (h->size)
		json_add_integer(json, "image_bytes", (int64_t)h->size);
	else
		json_add_null(json, "image_bytes");
	json_add_bool(json, "valid", h->sound);
	json_add_string(json, "reason", h->sound ? NULL : h->why.msg);
	if (h->sound)
		json_add_integer(json, "files", h->files);
	else
		json_add_null(json, "files");
}

static bool is_romfs(const struct cJSON *partition, const char *wanted, const char **name, int64_t *size)
{
	const char *role;
	return json_string(partition, "role", &role, NULL) && !strcmp(role, "romfs") &&
	       json_string(partition, "name", name, NULL) && (!wanted || !strcmp(*name, wanted)) &&
	       json_integer(partition, "size", 1, UINT32_MAX, size, NULL);
}

/* cameras NULL: printed for people. */
static bool query_camera(
    const struct way *w, const struct camera *c, const char *wanted, struct cJSON *cameras, struct err *e)
{
	struct live_answer a;
	const struct cJSON *items;
	struct held held;
	const char *name;
	int64_t size;
	bool good = camera_partitions(w, c, &a, e) && json_array(a.json, "items", &items, e), any = false;
	struct cJSON *json = cameras ? json_add_object(cameras, NULL) : NULL;
	struct cJSON *list = json ? json_add_array(json, "partitions") : NULL;
	if (json) {
		json_add_integer(json, "slot", c->slot);
		json_add_string(json, "path", c->path);
		json_add_string(json, "board", c->board);
	} else if (good)
		printf("slot %u, %s, %s\n", c->slot, c->path, c->board);
	for (const struct cJSON *p = good ? json_first(items) : NULL; good && p; p = json_after(p)) {
		if (!is_romfs(p, wanted, &name, &size))
			continue;
		any = true;
		good = look(w, c, name, (uint32_t)size, &held, e);
		if (good && list)
			add_held(list, p, &held);
		else if (good)
			print_held(name, size, p, &held);
	}
	live_clear(&a);
	return good && (any || err_set(e, CODE_PARTITION_UNKNOWN, "%s has no ROMFS partition %.24s", c->board,
				   wanted ? wanted : ""));
}

static bool query(struct way *w, const struct camera_options *o, const char *wanted, struct err *e)
{
	AUTO_JSON struct cJSON *root = o->live.json ? json_new_object() : NULL;
	struct cJSON *cameras = root ? json_add_array(root, "cameras") : NULL;
	for (unsigned i = 0; i < w->count; i++)
		if (!query_camera(w, &w->cameras[i], wanted, cameras, e))
			return err_prefix(e, "slot %u", w->cameras[i].slot);
	return !root || ctl_print_json(root, e);
}

int ctl_romfs_query(int argc, char **argv)
{
	struct camera_options o = { .all = false };
	struct way *w = calloc(1, sizeof *w);
	const char *partition = NULL;
	struct err e = ERR_INIT;
	const struct ctl_option options[] = { { 'p', "partition", NULL, &partition, NULL }, CAMERA_OPTIONS(o),
		{ 0, NULL, NULL, NULL, NULL } };
	bool done = (w || err_set(&e, CODE_NO_MEMORY, "no memory")) && ctl_options(&argc, argv, options, &e) &&
		    ctl_operands(argc, 0, 0, ROMFS_QUERY_USAGE, &e) && way_open(w, &o, false, &e) &&
		    query(w, &o, partition, &e);
	if (w)
		way_close(w);
	free(w);
	return done ? CTL_DONE : ctl_refuse(&e);
}

/* --- read --------------------------------------------------------------------------------------------------------- */

struct reading {
	struct camera_options o;
	const char *partition, *out;
	bool image; /* only the image's own bytes */
};

static bool length_wanted(
    const struct way *w, const struct camera *c, const struct reading *r, uint32_t *length, struct err *e)
{
	AUTO_FREE uint8_t *head = NULL;
	size_t size;
	*length = 0;
	if (!r->image)
		return true;
	if (!read_start(w, c, r->partition, HEAD_BYTES, &head, &size, e))
		return false;
	uint64_t announced = image_size(head, size);
	if (!announced || announced > UINT32_MAX)
		return err_set(e, CODE_IMAGE_INVALID, "%s holds no ROMFS header", r->partition);
	*length = (uint32_t)announced;
	return true;
}

/* Beside its place first, so that a reading that breaks off leaves no file that looks whole. */
static bool read_into(
    const struct way *w, const struct camera *c, const struct reading *r, const char *path, struct err *e)
{
	char part[PATH_MAX];
	uint32_t length;
	struct stat st;
	int used = snprintf(part, sizeof part, "%s.part", path);
	if (used < 0 || (size_t)used >= sizeof part)
		return err_set(e, CODE_FILE_FAILED, "the path %.80s is too long", path);
	if (!length_wanted(w, c, r, &length, e))
		return false;
	int fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	FILE *file = fd >= 0 ? fdopen(fd, "wb") : NULL;
	if (!file)
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot create %.200s", part);
	bool done = camera_read(w, c, r->partition, length, file, e);
	done = done && (!fstat(fd, &st) || err_sys(e, CODE_FILE_FAILED, errno, "cannot look at %.200s", part));
	done = done && (!fsync(fd) || err_sys(e, CODE_FILE_FAILED, errno, "cannot write %.200s", part));
	if (fclose(file) && done)
		done = err_sys(e, CODE_FILE_FAILED, errno, "cannot write %.200s", part);
	if (done && rename(part, path))
		done = err_sys(e, CODE_FILE_FAILED, errno, "cannot rename %.200s", part);
	if (!done)
		unlink(part);
	else
		printf("%s: %lld bytes of %s, slot %u\n", path, (long long)st.st_size, r->partition, c->slot);
	return done;
}

static bool read_each(const struct way *w, const struct reading *r, struct err *e)
{
	char path[PATH_MAX];
	if (!r->o.all)
		return read_into(w, &w->cameras[0], r, r->out, e);
	if (!file_make_folder(r->out, false, e))
		return false;
	for (unsigned i = 0; i < w->count; i++) {
		const struct camera *c = &w->cameras[i];
		char name[64];
		snprintf(name, sizeof name, "slot-%u-%.24s.img", c->slot, r->partition);
		if (!file_join(path, sizeof path, r->out, name, e) || !read_into(w, c, r, path, e))
			return false;
	}
	return true;
}

int ctl_romfs_read(int argc, char **argv)
{
	struct reading r = { .image = false };
	struct way *w = calloc(1, sizeof *w);
	struct err e = ERR_INIT;
	const struct ctl_option options[] = { { 'p', "partition", NULL, &r.partition, NULL },
		{ 'o', "output", NULL, &r.out, NULL }, { 0, "image", &r.image, NULL, NULL }, CAMERA_OPTIONS(r.o),
		{ 0, NULL, NULL, NULL, NULL } };
	bool done = (w || err_set(&e, CODE_NO_MEMORY, "no memory")) && ctl_options(&argc, argv, options, &e) &&
		    ctl_operands(argc, 0, 0, ROMFS_READ_USAGE, &e) &&
		    (r.out || err_set(&e, CODE_USAGE, "stationctl " ROMFS_READ_USAGE));
	if (!r.partition)
		r.partition = "ROMFS0";
	if (done && strchr(r.partition, '/'))
		done = err_set(&e, CODE_USAGE, "'%.40s' is no partition's name", r.partition);
	done = done && way_open(w, &r.o, false, &e) && read_each(w, &r, &e);
	if (w)
		way_close(w);
	free(w);
	return done ? CTL_DONE : ctl_refuse(&e);
}
