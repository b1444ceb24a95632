/* A disk that loses its power: what was written and what was synced is kept apart, until the cut leaves in another
 * folder what such a disk may have kept. */
#ifndef TESTS_JOURNAL_POWERCUT_H
#define TESTS_JOURNAL_POWERCUT_H

#include "journal_bodies.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECTOR  512
#define NAMES   3
#define PENDING 64 /* each migration of a new journal makes a name and removes it, and a lying disk forgets none */

/* Two dice, since the day is thrown by the test and the cut by the journal's writer. */
static unsigned long long day_dice, cut_dice;

static unsigned roll_of(unsigned long long *dice, unsigned sides)
{
	*dice ^= *dice << 13;
	*dice ^= *dice >> 7;
	*dice ^= *dice << 17;
	return (unsigned)(*dice >> 33) % sides;
}

static unsigned roll(unsigned sides)
{
	return roll_of(&cut_dice, sides);
}

/* --------------------------------------------------------- the disk's memory */

struct image {
	uint8_t *data;
	size_t size;
};

/* A write, or with size < 0 a truncation to offset, that no sync has covered. */
struct op {
	struct op *next;
	size_t offset;
	int size;
	uint8_t data[];
};

struct inode {
	struct inode *older; /* of all of the day */
	struct image synced;
	struct op *first, **last;
};

/* What a name stands for: on disk, and after each change of the folder that no sync has covered. */
struct name {
	const char *ending;
	struct inode *synced, *later[PENDING];
	int pending;
};

static struct {
	struct name names[NAMES];
	struct inode *inodes;
	struct place from, to;
	size_t witness; /* bytes of the file of checkpoints that are on disk */
	unsigned left;  /* instants until the cut */
	bool aimed;     /* cut soon after the log begins to move into the database */
	bool lies;      /* syncs do nothing */
	atomic_bool on, dark;
	unsigned dropped, torn, undone; /* by this cut */
	bool moving;                    /* it came while rows went from the log into the database */
} disk;

static void image_apply(struct image *m, const struct op *op, size_t from, size_t to)
{
	size_t end = op->size < 0 ? op->offset : op->offset + to;
	if (op->size < 0 || end > m->size) {
		if (end > m->size) {
			m->data = realloc(m->data, end);
			assert_non_null(m->data);
			memset(m->data + m->size, 0, end - m->size);
		}
		m->size = end;
	}
	if (op->size >= 0)
		memcpy(m->data + op->offset + from, op->data + from, to - from);
}

static void apply_whole(struct image *m, const struct op *op)
{
	image_apply(m, op, 0, op->size < 0 ? 0 : (size_t)op->size);
}

/* Sector by sector, or up to one of them. */
static void apply_torn(struct image *m, const struct op *op)
{
	size_t size = (size_t)op->size, sectors = (size + SECTOR - 1) / SECTOR, upto = roll((unsigned)sectors);
	bool prefix = roll(2);
	for (size_t i = 0; i < sectors; i++)
		if (prefix ? i < upto : roll(2))
			image_apply(m, op, i * SECTOR, (i + 1) * SECTOR < size ? (i + 1) * SECTOR : size);
	disk.torn++;
}

static struct image image_after_cut(const struct inode *f)
{
	struct image m = { malloc(f->synced.size + 1), f->synced.size };
	assert_non_null(m.data);
	if (f->synced.size)
		memcpy(m.data, f->synced.data, f->synced.size);
	/* Some cuts come when the disk has been idle, some when it had begun with nothing. */
	unsigned keep = roll(4) * 33;
	for (const struct op *op = f->first; op; op = op->next) {
		bool kept = roll(100) < keep;
		if (!kept && op->size > SECTOR && roll(2))
			apply_torn(&m, op);
		else if (kept)
			apply_whole(&m, op);
		else
			disk.dropped++;
	}
	return m;
}

static struct inode *now(const struct name *n)
{
	return n->pending ? n->later[n->pending - 1] : n->synced;
}

static void rename_to(struct name *n, struct inode *f)
{
	assert_true(n->pending < PENDING);
	n->later[n->pending++] = f;
}

static struct inode *new_inode(void)
{
	struct inode *f = calloc(1, sizeof *f);
	assert_non_null(f);
	f->last = &f->first;
	f->older = disk.inodes;
	disk.inodes = f;
	return f;
}

static void sync_inode(struct inode *f)
{
	while (f->first) {
		struct op *op = f->first;
		apply_whole(&f->synced, op);
		f->first = op->next;
		free(op);
	}
	f->last = &f->first;
}

static void sync_folder(void)
{
	for (struct name *n = disk.names; n < disk.names + NAMES; n++) {
		n->synced = now(n);
		n->pending = 0;
	}
}

static void forget_disk(void)
{
	while (disk.inodes) {
		struct inode *f = disk.inodes;
		disk.inodes = f->older;
		sync_inode(f);
		free(f->synced.data);
		free(f);
	}
}

/* ------------------------------------------------------------------- the cut */

static struct image read_whole(const char *path)
{
	struct image m = { NULL, 0 };
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return m;
	assert_int_equal(fstat(fd, &st), 0);
	m.size = (size_t)st.st_size;
	m.data = malloc(m.size + 1);
	assert_non_null(m.data);
	assert_int_equal(read(fd, m.data, m.size), m.size);
	close(fd);
	return m;
}

/* Takes over m. */
static void write_whole(const char *path, struct image m, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, m.data, m.size), m.size);
	close(fd);
	free(m.data);
}

static void path_of(const struct place *p, const struct name *n, char out[128])
{
	snprintf(out, 128, "%s%s", p->db, n->ending);
}

static void carry_key(const char *ending, mode_t mode)
{
	char from[128], to[128];
	snprintf(from, sizeof from, "%s%s", disk.from.key, ending);
	snprintf(to, sizeof to, "%s%s", disk.to.key, ending);
	if (access(from, F_OK) == 0)
		write_whole(to, read_whole(from), mode);
}

static void cut_power(void)
{
	char path[128];
	atomic_store(&disk.dark, true);
	for (struct name *n = disk.names; n < disk.names + NAMES; n++) {
		unsigned which = roll((unsigned)n->pending + 1);
		struct inode *f = which ? n->later[which - 1] : n->synced;
		disk.undone += which != (unsigned)n->pending;
		path_of(&disk.to, n, path);
		disk.moving |= n == disk.names && f && f->first && disk.names[1].synced;
		if (f)
			write_whole(path, image_after_cut(f), 0600);
	}
	struct image witness = read_whole(disk.from.witness);
	if (witness.data) {
		assert_true(witness.size >= disk.witness);
		witness.size = disk.witness + roll((unsigned)(witness.size - disk.witness) + 1);
		write_whole(disk.to.witness, witness, 0600);
	}
	carry_key("", 0600);
	carry_key(".pub", 0644);
}

/* Something is about to happen on the disk; false when it is of no interest any more. */
static bool instant(void)
{
	if (!atomic_load(&disk.on) || atomic_load(&disk.dark))
		return false;
	if (--disk.left == 0)
		cut_power();
	return !atomic_load(&disk.dark);
}

static bool same_file(const struct stat *st, const char *path)
{
	struct stat other;
	return stat(path, &other) == 0 && other.st_ino == st->st_ino && other.st_dev == st->st_dev;
}

/* The machine's own disk is not waited for. */
static int sync_fd(int fd)
{
	struct stat st;
	char path[128];
	if (!atomic_load(&disk.on) || fstat(fd, &st) || !instant() || disk.lies)
		return 0;
	if (same_file(&st, disk.from.folder))
		sync_folder();
	else if (same_file(&st, disk.from.witness))
		disk.witness = (size_t)st.st_size;
	for (struct name *n = disk.names; n < disk.names + NAMES; n++) {
		path_of(&disk.from, n, path);
		if (now(n) && same_file(&st, path))
			sync_inode(now(n));
	}
	return 0;
}

int fsync(int fd)
{
	return sync_fd(fd);
}

int fdatasync(int fd)
{
	return sync_fd(fd);
}

/* ------------------------------------------------------------ SQLite's layer */

/* An open file: where its functions are, and its place in the memory. */
static struct handle {
	sqlite3_file *file;
	const sqlite3_io_methods *real;
	sqlite3_io_methods mine;
	struct inode *inode;
} handles[8];

static sqlite3_vfs *original, shim;

static struct handle *handle_of(const sqlite3_file *f)
{
	for (struct handle *h = handles; h < handles + 8; h++)
		if (h->file == f)
			return h;
	return NULL;
}

static struct name *name_of(const char *path)
{
	size_t size = strlen(disk.from.db);
	if (!path || strncmp(path, disk.from.db, size) != 0)
		return NULL;
	for (struct name *n = disk.names; n < disk.names + NAMES; n++)
		if (!strcmp(path + size, n->ending))
			return n;
	return NULL;
}

static void note_op(struct inode *f, const void *data, int size, size_t offset)
{
	if (disk.aimed && f == now(&disk.names[0]) && now(&disk.names[1])) {
		disk.aimed = false;
		disk.left = 1 + roll(8);
	}
	if (!instant())
		return;
	struct op *op = malloc(sizeof *op + (size > 0 ? (size_t)size : 0));
	assert_non_null(op);
	op->next = NULL;
	op->offset = offset;
	op->size = size;
	if (size > 0)
		memcpy(op->data, data, (size_t)size);
	*f->last = op;
	f->last = &op->next;
}

static int cut_write(sqlite3_file *f, const void *data, int size, sqlite3_int64 offset)
{
	struct handle *h = handle_of(f);
	note_op(h->inode, data, size, (size_t)offset);
	return h->real->xWrite(f, data, size, offset);
}

static int cut_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct handle *h = handle_of(f);
	note_op(h->inode, NULL, -1, (size_t)size);
	return h->real->xTruncate(f, size);
}

static int cut_close(sqlite3_file *f)
{
	struct handle *h = handle_of(f);
	h->file = NULL;
	f->pMethods = h->real;
	return h->real->xClose(f);
}

static int cut_open(sqlite3_vfs *vfs, const char *path, sqlite3_file *f, int flags, int *out)
{
	(void)vfs;
	struct name *n = name_of(path);
	bool fresh = n && !now(n);
	if (fresh)
		instant();
	int rc = original->xOpen(original, path, f, flags, out);
	if (rc != SQLITE_OK || !n || !f->pMethods)
		return rc;
	if (fresh && access(path, F_OK) == 0)
		rename_to(n, new_inode());
	struct handle *h = handle_of(NULL);
	assert_non_null(h);
	*h = (struct handle){ f, f->pMethods, *f->pMethods, now(n) };
	h->mine.xWrite = cut_write;
	h->mine.xTruncate = cut_truncate;
	h->mine.xClose = cut_close;
	f->pMethods = &h->mine;
	return rc;
}

static int cut_delete(sqlite3_vfs *vfs, const char *path, int sync)
{
	(void)vfs;
	struct name *n = name_of(path);
	if (n && now(n) && instant())
		rename_to(n, NULL);
	return original->xDelete(original, path, sync);
}

static int install(void **state)
{
	(void)state;
	original = sqlite3_vfs_find(NULL);
	shim = *original;
	shim.zName = "powercut";
	shim.pNext = NULL;
	shim.xOpen = cut_open;
	shim.xDelete = cut_delete;
	return sqlite3_vfs_register(&shim, 0);
}

/* What is in the folder is on disk; from now on everything is noted. */
static void disk_begin(const struct place *from, const struct place *to, unsigned instants, bool lies)
{
	static const char *const endings[NAMES] = { "", "-wal", "-journal" };
	char path[128];
	struct stat st;
	memset(&disk, 0, sizeof disk);
	disk.from = *from;
	disk.to = *to;
	disk.left = instants;
	disk.lies = lies;
	disk.witness = stat(from->witness, &st) == 0 ? (size_t)st.st_size : 0;
	for (int i = 0; i < NAMES; i++) {
		struct name *n = &disk.names[i];
		n->ending = endings[i];
		path_of(from, n, path);
		if (access(path, F_OK) == 0) {
			n->synced = new_inode();
			n->synced->synced = read_whole(path);
		}
	}
	sqlite3_vfs_register(&shim, 1);
	atomic_store(&disk.on, true);
}

static void disk_end(void)
{
	if (!atomic_load(&disk.dark))
		cut_power();
	atomic_store(&disk.on, false);
	sqlite3_vfs_register(original, 1);
	forget_disk();
}

#endif
