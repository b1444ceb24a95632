/* How a recipe gets into the store: streamed in pieces, out of a descriptor, or left in the inbox. */
#include "line/store_private.h"

#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIECE      65536u
#define SUFFIX     ".img"
#define MAX_REASON 512

struct store_intake {
	struct recipe_store *store; /* borrowed */
	int fd;                     /* for writing; -1 once it is read-only */
	size_t size;
	char path[PATH_MAX]; /* temporary; "" once renamed */
};

bool recipe_store_begin(struct recipe_store *s, struct store_intake **out, struct err *e)
{
	struct store_intake *in = calloc(1, sizeof *in);
	if (!in)
		return err_set(e, CODE_NO_MEMORY, "no memory for an intake");
	in->store = s;
	in->fd = -1;
	if (!file_join(in->path, sizeof in->path, s->folder, STORE_TEMPORARY "XXXXXX", e)) {
		free(in);
		return false;
	}
	in->fd = mkostemp(in->path, O_CLOEXEC);
	if (in->fd < 0) {
		err_sys(e, CODE_FILE_FAILED, errno, "cannot create a file in %s", s->folder);
		free(in);
		return false;
	}
	*out = in;
	return true;
}

bool recipe_store_write(struct store_intake *in, struct span piece, struct err *e)
{
	if (piece.size > RECIPE_MAX_BYTES - in->size)
		return err_set(e, CODE_TOO_LARGE, "a recipe has at most %u bytes", RECIPE_MAX_BYTES);
	if (!file_write_all(in->fd, piece, "the incoming recipe", e))
		return false;
	in->size += piece.size;
	return true;
}

void recipe_store_abandon(struct store_intake *in)
{
	if (!in)
		return;
	if (in->fd >= 0)
		close(in->fd);
	if (*in->path)
		unlink(in->path);
	free(in);
}

/* Ends writing for good; returns a new descriptor, for reading only, of the very same file.  -1 on failure. */
static int seal(struct store_intake *in, struct err *e)
{
	struct stat written, opened;
	if (fchmod(in->fd, 0400) || fsync(in->fd) || fstat(in->fd, &written)) {
		err_sys(e, CODE_FILE_FAILED, errno, "cannot sync the incoming recipe");
		return -1;
	}
	int fd = open(in->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &opened) || opened.st_ino != written.st_ino || opened.st_dev != written.st_dev) {
		err_set(e, CODE_FILE_FAILED, "the incoming recipe was replaced while it was taken in");
		auto_close_(&fd);
		return -1;
	}
	close(in->fd);
	in->fd = -1;
	return fd;
}

static bool same_signatures(const struct recipe_image *a, const struct recipe_image *b)
{
	if (a->signature_count != b->signature_count)
		return false;
	for (unsigned i = 0; i < a->signature_count; i++)
		if (a->signatures[i].size != b->signatures[i].size ||
		    memcmp(a->signatures[i].data, b->signatures[i].data, a->signatures[i].size) != 0)
			return false;
	return true;
}

/* A known recipe stays as it is when the new file adds nothing: equal signatures, or none at all. */
static bool adds_nothing(const struct holder *old, const struct holder *new)
{
	if (old->shown.trouble.code != CODE_OK)
		return false;
	return !new->shown.image.signature_count || same_signatures(&old->shown.image, &new->shown.image);
}

static bool put_in_place(struct store_intake *in, const struct holder *h, struct err *e)
{
	char path[PATH_MAX], name[SHA256_TEXT_SIZE + sizeof SUFFIX];
	snprintf(name, sizeof name, "%s" SUFFIX, h->shown.sha256_text);
	if (!file_join(path, sizeof path, in->store->folder, name, e))
		return false;
	if (rename(in->path, path))
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot put a recipe into %s", in->store->folder);
	in->path[0] = '\0';
	return file_sync_folder(in->store->folder, e);
}

/* Under the lock: the file gets its name and the list its entry, or neither. */
static bool admit(
    struct store_intake *in, struct holder *h, enum store_outcome *outcome, struct stored_recipe **out, struct err *e)
{
	struct recipe_store *s = in->store;
	struct holder *old = store_list_find(s, h->shown.sha256);
	if (old && adds_nothing(old, h)) {
		*outcome = STORE_KNOWN;
		*out = stored_recipe_hold(&old->shown);
		return true;
	}
	if ((!old && !store_list_reserve(s, e)) || !put_in_place(in, h, e))
		return false;
	stored_recipe_hold(&h->shown); /* the list's reference */
	*outcome = old ? STORE_UPDATED : STORE_NEW;
	store_list_put(s, h);
	*out = stored_recipe_hold(&h->shown);
	return true;
}

static bool commit(
    struct store_intake *in, int64_t now_ms, enum store_outcome *outcome, struct stored_recipe **out, struct err *e)
{
	AUTO_CLOSE int fd = seal(in, e);
	struct holder *h = fd >= 0 ? holder_load(in->store, fd, e) : NULL;
	if (!h)
		return false;
	bool done = intake_in_force(&in->store->rules, &h->shown, now_ms, e);
	if (done) {
		pthread_mutex_lock(&in->store->lock);
		done = admit(in, h, outcome, out, e);
		pthread_mutex_unlock(&in->store->lock);
	}
	holder_drop(h);
	return done;
}

bool recipe_store_commit(
    struct store_intake *in, int64_t now_ms, enum store_outcome *outcome, struct stored_recipe **out, struct err *e)
{
	bool done = commit(in, now_ms, outcome, out, e);
	recipe_store_abandon(in);
	return done;
}

static bool copy_all(struct store_intake *in, int fd, struct err *e)
{
	AUTO_FREE uint8_t *piece = malloc(PIECE);
	if (!piece)
		return err_set(e, CODE_NO_MEMORY, "no memory for an intake");
	for (;;) {
		ssize_t n = read(fd, piece, PIECE);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(e, CODE_FILE_FAILED, errno, "cannot read the incoming recipe");
		if (!n)
			return true;
		if (!recipe_store_write(in, span_of(piece, (size_t)n), e))
			return false;
	}
}

bool recipe_store_add_fd(struct recipe_store *s, int fd, int64_t now_ms, enum store_outcome *outcome,
    struct stored_recipe **out, struct err *e)
{
	struct store_intake *in;
	if (!recipe_store_begin(s, &in, e))
		return false;
	if (copy_all(in, fd, e))
		return recipe_store_commit(in, now_ms, outcome, out, e);
	recipe_store_abandon(in);
	return false;
}

/* Does anybody hold the file open for writing?  A read lease is given only when nobody does.  Where the file system
 * knows no leases the answer is no: handing over by rename is the rule anyway. */
static bool being_written(int fd)
{
	/* a writer that comes in between would send SIGIO, which kills; SIGURG is ignored by default */
	if (fcntl(fd, F_SETSIG, SIGURG) < 0 || fcntl(fd, F_SETLEASE, F_RDLCK) == 0) {
		fcntl(fd, F_SETLEASE, F_UNLCK);
		return false;
	}
	return errno == EAGAIN;
}

/* Is the name still the file that was read?  A newer one must not be thrown away unread. */
static bool still_there(int folder, const char *name, int fd)
{
	struct stat named, seen;
	return !fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) && !fstat(fd, &seen) &&
	       named.st_ino == seen.st_ino && named.st_dev == seen.st_dev;
}

/* Moves it out of the way, with the reason beside it. */
static void refuse(const struct recipe_store *s, int folder, const char *name, const struct err *why)
{
	char path[PATH_MAX], reason[MAX_REASON], file[NAME_MAX + sizeof ".reason"];
	int size =
	    snprintf(reason, sizeof reason, "%s: %s\n%s\n", code_name(why->code), why->msg, code_action(why->code));
	snprintf(file, sizeof file, "%s.reason", name);
	if (size > 0 && file_join(path, sizeof path, s->refused, file, NULL))
		file_write_atomic(path, span_of(reason, strlen(reason)), 0644, NULL);
	if (file_join(path, sizeof path, s->refused, name, NULL))
		renameat(folder, name, AT_FDCWD, path);
}

static bool stations_own(enum code code)
{
	return code == CODE_FILE_FAILED || code == CODE_NO_MEMORY || code == CODE_INTERNAL;
}

static void take_one(
    struct recipe_store *s, int folder, const char *name, int64_t now_ms, store_taken *taken, void *context)
{
	struct err why = ERR_INIT;
	struct stat st;
	struct stored_recipe *r = NULL;
	enum store_outcome outcome = STORE_NEW;
	AUTO_CLOSE int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) || being_written(fd))
		return;
	bool done = recipe_store_add_fd(s, fd, now_ms, &outcome, &r, &why);
	if (still_there(folder, name, fd)) {
		if (done)
			unlinkat(folder, name, 0);
		else if (!stations_own(why.code))
			refuse(s, folder, name, &why);
	}
	if (taken)
		taken(context, name, outcome, r, &why);
	stored_recipe_drop(r);
}

static int is_image(const struct dirent *entry)
{
	size_t size = strlen(entry->d_name);
	return entry->d_name[0] != '.' && size > strlen(SUFFIX) &&
	       !strcmp(entry->d_name + size - strlen(SUFFIX), SUFFIX);
}

static int by_bytes(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

bool recipe_store_scan_inbox(struct recipe_store *s, int64_t now_ms, store_taken *taken, void *context, struct err *e)
{
	struct dirent **list = NULL;
	AUTO_CLOSE int folder = open(s->inbox, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int count = folder < 0 ? -1 : scandirat(folder, ".", &list, is_image, by_bytes);
	if (count < 0)
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot list %s", s->inbox);
	for (int i = 0; i < count; i++) {
		take_one(s, folder, list[i]->d_name, now_ms, taken, context);
		free(list[i]);
	}
	free(list);
	return true;
}
