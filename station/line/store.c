/* The list of stored recipes: references, look-ups, and the verification of everything at start. */
#include "line/store_private.h"

#include "base/hex.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SUFFIX ".img"

static struct holder *holder_new(struct err *e)
{
	struct holder *h = calloc(1, sizeof *h);
	if (h)
		atomic_init(&h->references, 1);
	else
		err_set(e, CODE_NO_MEMORY, "no memory for a recipe");
	return h;
}

static bool map_file(struct holder *h, int fd, struct err *e)
{
	struct stat st;
	if (fstat(fd, &st))
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot look at a recipe");
	h->shown.stored_at = (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000;
	if (!S_ISREG(st.st_mode) || st.st_size < 1 || st.st_size > RECIPE_MAX_BYTES)
		return err_set(e, CODE_RECIPE_MALFORMED, "the file is empty, too large or not a file");
	void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	if (map == MAP_FAILED)
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot map a recipe");
	h->map = map;
	h->size = (size_t)st.st_size;
	return true;
}

struct holder *holder_load(const struct recipe_store *s, int fd, struct err *e)
{
	struct err why = ERR_INIT;
	struct holder *h = holder_new(e);
	if (!h)
		return NULL;
	if (!map_file(h, fd, &why)) {
		if (why.code == CODE_RECIPE_MALFORMED) {
			h->shown.trouble = why;
			return h;
		}
		err_set(e, why.code, "%s", why.msg);
		holder_drop(h);
		return NULL;
	}
	int64_t stored_at = h->shown.stored_at;
	if (!intake_examine(&s->rules, span_of(h->map, h->size), &h->shown, &why))
		h->shown.trouble = why;
	h->shown.stored_at = stored_at;
	/* the pages come back from the file when a camera needs them; until then they are nobody's memory */
	madvise(h->map, h->size, MADV_DONTNEED);
	return h;
}

struct holder *holder_broken(const uint8_t sha256[SHA256_SIZE], const struct err *trouble)
{
	struct holder *h = holder_new(NULL);
	if (!h)
		return NULL;
	memcpy(h->shown.sha256, sha256, SHA256_SIZE);
	hex_encode(h->shown.sha256_text, sha256, SHA256_SIZE);
	h->shown.trouble = *trouble;
	return h;
}

void holder_drop(struct holder *h)
{
	if (!h || atomic_fetch_sub(&h->references, 1) != 1)
		return;
	intake_clear(&h->shown);
	if (h->map)
		munmap(h->map, h->size);
	free(h);
}

struct stored_recipe *stored_recipe_hold(struct stored_recipe *r)
{
	if (r)
		atomic_fetch_add(&((struct holder *)r)->references, 1);
	return r;
}

void stored_recipe_drop(struct stored_recipe *r)
{
	holder_drop((struct holder *)r);
}

/* The first place whose recipe is not below; sha256 NULL: the first of all. */
static unsigned place_of(const struct recipe_store *s, const uint8_t *sha256)
{
	unsigned low = 0, high = sha256 ? s->count : 0;
	while (low < high) {
		unsigned middle = low + (high - low) / 2;
		if (memcmp(s->list[middle]->shown.sha256, sha256, SHA256_SIZE) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct recipe_store *s, unsigned place, const uint8_t *sha256)
{
	return place < s->count && !memcmp(s->list[place]->shown.sha256, sha256, SHA256_SIZE);
}

struct holder *store_list_find(struct recipe_store *s, const uint8_t sha256[SHA256_SIZE])
{
	unsigned place = place_of(s, sha256);
	return is_at(s, place, sha256) ? s->list[place] : NULL;
}

bool store_list_reserve(struct recipe_store *s, struct err *e)
{
	if (s->count < s->capacity)
		return true;
	if (s->count >= STORE_MAX_RECIPES)
		return err_set(e, CODE_TOO_LARGE, "the store holds %u recipes already", s->count);
	unsigned capacity = s->capacity ? 2 * s->capacity : 16;
	struct holder **list = reallocarray(s->list, capacity, sizeof *list);
	if (!list)
		return err_set(e, CODE_NO_MEMORY, "no memory for the list of recipes");
	s->list = list;
	s->capacity = capacity;
	return true;
}

void store_list_put(struct recipe_store *s, struct holder *h)
{
	unsigned place = place_of(s, h->shown.sha256);
	if (is_at(s, place, h->shown.sha256)) {
		holder_drop(s->list[place]);
	} else {
		memmove(s->list + place + 1, s->list + place, (s->count - place) * sizeof *s->list);
		s->count++;
	}
	s->list[place] = h;
}

struct stored_recipe *recipe_store_find(struct recipe_store *s, const uint8_t sha256[SHA256_SIZE])
{
	pthread_mutex_lock(&s->lock);
	struct holder *h = store_list_find(s, sha256);
	struct stored_recipe *r = stored_recipe_hold(h ? &h->shown : NULL);
	pthread_mutex_unlock(&s->lock);
	return r;
}

unsigned recipe_store_list(struct recipe_store *s, const uint8_t *behind, struct stored_recipe **out, unsigned max)
{
	unsigned count = 0;
	pthread_mutex_lock(&s->lock);
	unsigned place = place_of(s, behind);
	if (behind && is_at(s, place, behind))
		place++;
	for (; place < s->count && count < max; place++)
		out[count++] = stored_recipe_hold(&s->list[place]->shown);
	pthread_mutex_unlock(&s->lock);
	return count;
}

bool recipe_store_in_force(const struct recipe_store *s, const struct stored_recipe *r, int64_t now_ms, struct err *e)
{
	return intake_in_force(&s->rules, r, now_ms, e);
}

/* <64 hex digits>.img */
static bool name_of(const char *file, uint8_t sha256[SHA256_SIZE])
{
	char text[SHA256_TEXT_SIZE];
	if (strlen(file) != sizeof text - 1 + strlen(SUFFIX) || strcmp(file + sizeof text - 1, SUFFIX) != 0)
		return false;
	memcpy(text, file, sizeof text - 1);
	text[sizeof text - 1] = '\0';
	return hex_decode(sha256, SHA256_SIZE, text);
}

/* Loads one stored file; a recipe that is no longer what its name says is kept under that name, with its trouble. */
static struct holder *load_stored(
    const struct recipe_store *s, int folder, const char *file, const uint8_t sha256[SHA256_SIZE], struct err *e)
{
	struct err why = ERR_INIT;
	AUTO_CLOSE int fd = openat(folder, file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct holder *h = fd >= 0 ? holder_load(s, fd, e) : NULL;
	if (fd >= 0 && !h)
		return NULL;
	if (fd < 0)
		err_sys(&why, CODE_FILE_FAILED, errno, "cannot open the stored recipe");
	else if (!memcmp(h->shown.sha256, sha256, SHA256_SIZE))
		return h;
	else if (h->shown.trouble.code != CODE_OK)
		why = h->shown.trouble;
	else
		err_set(&why, CODE_RECIPE_MALFORMED, "the stored file holds another recipe than its name says");
	holder_drop(h);
	h = holder_broken(sha256, &why);
	if (!h)
		err_set(e, CODE_NO_MEMORY, "no memory for a recipe");
	return h;
}

static bool open_one(struct recipe_store *s, int folder, const char *file, int64_t now_ms, store_report *report,
    void *context, struct err *e)
{
	uint8_t sha256[SHA256_SIZE];
	struct err why = ERR_INIT;
	if (!strncmp(file, STORE_TEMPORARY, strlen(STORE_TEMPORARY))) {
		unlinkat(folder, file, 0); /* an intake that a crash cut short */
		return true;
	}
	if (!name_of(file, sha256))
		return true;
	struct holder *h = store_list_reserve(s, e) ? load_stored(s, folder, file, sha256, e) : NULL;
	if (!h)
		return false;
	if (report && !intake_in_force(&s->rules, &h->shown, now_ms, &why))
		report(context, file, &why);
	store_list_put(s, h);
	return true;
}

static bool open_all(struct recipe_store *s, int64_t now_ms, store_report *report, void *context, struct err *e)
{
	DIR *dir = opendir(s->folder);
	if (!dir)
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot list %s", s->folder);
	bool done = true;
	struct dirent *entry;
	while (done && (errno = 0, entry = readdir(dir)))
		done = open_one(s, dirfd(dir), entry->d_name, now_ms, report, context, e);
	if (done && errno)
		done = err_sys(e, CODE_FILE_FAILED, errno, "cannot list %s", s->folder);
	closedir(dir);
	return done;
}

static bool make_folders(struct recipe_store *s, const char *state_dir, struct err *e)
{
	return file_join(s->folder, sizeof s->folder, state_dir, "recipes", e) &&
	       file_join(s->inbox, sizeof s->inbox, state_dir, "inbox", e) &&
	       file_join(s->refused, sizeof s->refused, s->inbox, "refused", e) &&
	       file_make_folder(s->folder, true, e) && file_make_folder(s->refused, false, e);
}

bool recipe_store_open(const struct store_options *o, int64_t now_ms, store_report *report, void *context,
    struct recipe_store **out, struct err *e)
{
	struct recipe_store *s = calloc(1, sizeof *s);
	if (!s)
		return err_set(e, CODE_NO_MEMORY, "no memory for the store of recipes");
	pthread_mutex_init(&s->lock, NULL);
	s->require = *o->require;
	s->rules = (struct intake_rules){ o->boards, o->trust, &s->require, o->allow_unsigned };
	if (!make_folders(s, o->state_dir, e) || !open_all(s, now_ms, report, context, e)) {
		recipe_store_close(s);
		return false;
	}
	*out = s;
	return true;
}

void recipe_store_close(struct recipe_store *s)
{
	if (!s)
		return;
	for (unsigned i = 0; i < s->count; i++)
		holder_drop(s->list[i]);
	free(s->list);
	pthread_mutex_destroy(&s->lock);
	free(s);
}
