/* The n-th call of a kind fails, once or from then on: loaded before the C library, in front of an unmodified program.
 *
 *   NTH_FAIL=KIND:N[:forever]   KIND: alloc, file, sql, usb, thread (one row of `kinds` each); N from 1, 0 only counts
 *   NTH_REPORT=FILE             gets a line `fired FUNCTION` at the fault and `count N` at the end
 *   NTH_PROGRAM=NAME            only in the process of this name: its children run undisturbed
 *   NTH_BOARD=FILE              in place of NTH_FAIL: the same words, written while the program runs (`struct board`),
 *                               so that a daemon starts in good health and N counts from the request under test
 *
 * `alloc` counts what the program and its libraries ask for after main began, `sql` what the program itself calls, the
 * others whatever is called by name: by the program, and by libraries that do so (SQLite does for files).  A failed
 * close has closed, as on Linux. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <pthread.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum kind { ALLOC, FILES, SQL, USB, THREAD, KINDS };
static const char *const kinds[KINDS] = { "alloc", "file", "sql", "usb", "thread" };

/* What fails, and what came of it; shared with the test when there is a FILE.  The test sets `armed` last and takes it
 * back first.  Offsets are the test's too: tests/line/nth_api.py. */
struct board {
	atomic_uint armed;
	uint32_t kind, forever, pad;
	int64_t wanted;
	_Atomic int64_t calls, fired;
	char function[40]; /* the first one that failed */
};

static struct board own, *board = &own;
static const char *report;
static _Thread_local bool inside;

static void say(const char *word, const char *what)
{
	char line[128];
	int fd =
	    report ? (int)syscall(SYS_openat, AT_FDCWD, report, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : -1;
	if (fd < 0)
		return;
	int n = snprintf(line, sizeof line, "%s %s\n", word, what);
	syscall(SYS_write, fd, line, (size_t)n);
	syscall(SYS_close, fd);
}

/* The program's own code: SQLite calls itself by the same names, and is then in the middle of something. */
static uintptr_t program_begin, program_end;

static int find_program(struct dl_phdr_info *info, size_t size, void *context)
{
	(void)size, (void)context;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &info->dlpi_phdr[i];
		if (p->p_type != PT_LOAD || !(p->p_flags & PF_X))
			continue;
		program_begin = info->dlpi_addr + p->p_vaddr;
		program_end = program_begin + p->p_memsz;
	}
	return 1; /* the program itself is the first one */
}

static bool of_program(const void *caller)
{
	return (uintptr_t)caller >= program_begin && (uintptr_t)caller < program_end;
}

static bool fails(enum kind mine, const char *function, const void *caller)
{
	if (!atomic_load(&board->armed) || mine != board->kind || inside || (mine == SQL && !of_program(caller)))
		return false;
	inside = true;
	int keep = errno;
	int64_t n = atomic_fetch_add(&board->calls, 1) + 1;
	bool yes = board->wanted && (n == board->wanted || (board->forever && n > board->wanted));
	if (yes && atomic_fetch_add(&board->fired, 1) == 0) {
		snprintf(board->function, sizeof board->function, "%s", function);
		say("fired", function);
	}
	errno = keep;
	inside = false;
	return yes;
}

static void finish(void)
{
	char text[32];
	atomic_store(&board->armed, false);
	snprintf(text, sizeof text, "%lld", (long long)atomic_load(&board->calls));
	say("count", text);
}

static void use_file(const char *path)
{
	int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
	void *p = (void *)syscall(SYS_mmap, NULL, sizeof *board, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fd < 0 || p == MAP_FAILED) {
		fprintf(stderr, "NTH_BOARD=%s cannot be used\n", path);
		_exit(98);
	}
	syscall(SYS_close, fd);
	board = p;
}

static void use_words(const char *what)
{
	size_t length = strcspn(what, ":");
	uint32_t kind = 0;
	while (kind < KINDS && (strlen(kinds[kind]) != length || strncmp(what, kinds[kind], length) != 0))
		kind++;
	char *end = NULL;
	if (kind == KINDS || !what[length] || (board->wanted = strtol(what + length + 1, &end, 10)) < 0 ||
	    (*end && strcmp(end, ":forever") != 0)) {
		fprintf(stderr, "NTH_FAIL=%s is not KIND:N[:forever]\n", what);
		_exit(98);
	}
	board->kind = kind;
	board->forever = *end != '\0';
}

static void begin(void)
{
	const char *what = getenv("NTH_FAIL"), *file = getenv("NTH_BOARD"), *program = getenv("NTH_PROGRAM");
	if ((!what && !file) || (program && strcmp(program, program_invocation_short_name) != 0))
		return;
	report = getenv("NTH_REPORT");
	dl_iterate_phdr(find_program, NULL);
	atexit(finish);
	if (file) {
		use_file(file);
		return;
	}
	use_words(what);
	atomic_store(&board->armed, true);
}

typedef int main_function(int, char **, char **);
static main_function *real_main;

static int main_counted(int argc, char **argv, char **envp)
{
	begin();
	return real_main(argc, argv, envp);
}

int __libc_start_main(main_function *function, int argc, char **argv, void (*init)(void), void (*fini)(void),
    void (*rtld_fini)(void), void *stack_end);
int __libc_start_main(main_function *function, int argc, char **argv, void (*init)(void), void (*fini)(void),
    void (*rtld_fini)(void), void *stack_end)
{
	int (*next)(main_function *, int, char **, void (*)(void), void (*)(void), void (*)(void), void *) =
	    dlsym(RTLD_NEXT, "__libc_start_main");
	real_main = function;
	return next(main_counted, argc, argv, init, fini, rtld_fini, stack_end);
}

/* The function behind ours, looked up once. */
#define NEXT(name)                                                                                                     \
	static __typeof__(name) *_Atomic next_;                                                                        \
	__typeof__(name) *next = atomic_load(&next_);                                                                  \
	if (!next)                                                                                                     \
	atomic_store(&next_, next = (__typeof__(name) *)dlsym(RTLD_NEXT, #name))

/* FALLIBLE(kind, type, name, parameters, arguments, what happens instead) */
#define FALLIBLE(kind_, type, name, parameters, arguments, instead)                                                    \
	type name parameters;                                                                                          \
	type name parameters                                                                                           \
	{                                                                                                              \
		NEXT(name);                                                                                            \
		if (fails(kind_, #name, __builtin_return_address(0))) {                                                \
			instead;                                                                                       \
		}                                                                                                      \
		return next arguments;                                                                                 \
	}
#define NO(code, value)                                                                                                \
	errno = code;                                                                                                  \
	return value

/* ---- memory; the look-up of the real functions may itself allocate, from a small room of its own */
static char room[16384];
static atomic_size_t used;
static _Thread_local bool looking;

static void *from_room(size_t size)
{
	size_t at = atomic_fetch_add(&used, (size + 31) / 16 * 16);
	if (at + size > sizeof room)
		abort();
	return room + at;
}

static bool of_room(const void *p)
{
	return (const char *)p >= room && (const char *)p < room + sizeof room;
}

static void *(*next_malloc)(size_t), *(*next_calloc)(size_t, size_t), *(*next_realloc)(void *, size_t);
static void (*next_free)(void *);

static bool look(void)
{
	if (next_free)
		return true;
	if (looking)
		return false;
	looking = true;
	next_malloc = dlsym(RTLD_NEXT, "malloc");
	next_calloc = dlsym(RTLD_NEXT, "calloc");
	next_realloc = dlsym(RTLD_NEXT, "realloc");
	next_free = dlsym(RTLD_NEXT, "free");
	looking = false;
	return true;
}

void *malloc(size_t size)
{
	if (!look())
		return from_room(size);
	if (fails(ALLOC, "malloc", NULL)) {
		NO(ENOMEM, NULL);
	}
	return next_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	if (!look())
		return from_room(count * size);
	if (fails(ALLOC, "calloc", NULL)) {
		NO(ENOMEM, NULL);
	}
	return next_calloc(count, size);
}

void *realloc(void *p, size_t size)
{
	if (of_room(p) || !look())
		abort(); /* nothing that looks up a symbol does */
	if (fails(ALLOC, "realloc", NULL)) {
		NO(ENOMEM, NULL);
	}
	return next_realloc(p, size);
}

void free(void *p)
{
	if (p && !of_room(p) && look())
		next_free(p);
}

FALLIBLE(ALLOC, void *, reallocarray, (void *p, size_t n, size_t size), (p, n, size), NO(ENOMEM, NULL))
FALLIBLE(ALLOC, int, posix_memalign, (void **p, size_t align, size_t size), (p, align, size), return ENOMEM)
FALLIBLE(ALLOC, void *, aligned_alloc, (size_t align, size_t size), (align, size), NO(ENOMEM, NULL))

char *strdup(const char *text)
{
	size_t size = strlen(text) + 1;
	char *copy = malloc(size);
	return copy ? memcpy(copy, text, size) : NULL;
}

/* An eventfd or a socket never says that the disk is full. */
static bool on_disk(int fd)
{
	struct stat st;
	return atomic_load(&board->armed) && board->kind == FILES &&
	       syscall(SYS_newfstatat, fd, "", &st, AT_EMPTY_PATH) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode));
}

/* Like FALLIBLE, for what is done with an open file. */
#define FALLIBLE_FD(type, name, parameters, arguments, instead)                                                        \
	type name parameters;                                                                                          \
	type name parameters                                                                                           \
	{                                                                                                              \
		NEXT(name);                                                                                            \
		if (on_disk(fd) && fails(FILES, #name, NULL)) {                                                        \
			instead;                                                                                       \
		}                                                                                                      \
		return next arguments;                                                                                 \
	}

/* ---- files: as the program and SQLite name them; on this machine the plain and the 64-bit calls are the same */
static mode_t mode_of(int flags, va_list more)
{
	return flags & (O_CREAT | O_TMPFILE) ? va_arg(more, mode_t) : 0;
}
#define OPENER(name, before_parameters, before_arguments)                                                              \
	int name(before_parameters const char *path, int flags, ...)                                                   \
	{                                                                                                              \
		NEXT(name);                                                                                            \
		va_list more;                                                                                          \
		va_start(more, flags);                                                                                 \
		mode_t mode = mode_of(flags, more);                                                                    \
		va_end(more);                                                                                          \
		if (fails(FILES, #name, NULL)) {                                                                       \
			NO(ENFILE, -1);                                                                                \
		}                                                                                                      \
		return next(before_arguments path, flags, mode);                                                       \
	}
#define COMMA ,
OPENER(open, , )
OPENER(open64, , )
OPENER(openat, int folder COMMA, folder COMMA)
OPENER(openat64, int folder COMMA, folder COMMA)
FALLIBLE(FILES, FILE *, fopen, (const char *p, const char *how), (p, how), NO(ENFILE, NULL))
FALLIBLE(FILES, FILE *, fopen64, (const char *p, const char *how), (p, how), NO(ENFILE, NULL))
FALLIBLE(FILES, DIR *, opendir, (const char *p), (p), NO(ENFILE, NULL))
FALLIBLE(FILES, DIR *, fdopendir, (int fd), (fd), NO(ENOMEM, NULL))
FALLIBLE(FILES, struct dirent *, readdir, (DIR * d), (d), NO(EIO, NULL))
FALLIBLE(FILES, struct dirent64 *, readdir64, (DIR * d), (d), NO(EIO, NULL))
FALLIBLE_FD(ssize_t, read, (int fd, void *p, size_t n), (fd, p, n), NO(EIO, -1))
FALLIBLE_FD(ssize_t, pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at), NO(EIO, -1))
FALLIBLE_FD(ssize_t, pread64, (int fd, void *p, size_t n, off64_t at), (fd, p, n, at), NO(EIO, -1))
FALLIBLE_FD(ssize_t, write, (int fd, const void *p, size_t n), (fd, p, n), NO(ENOSPC, -1))
FALLIBLE_FD(ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at), NO(ENOSPC, -1))
FALLIBLE_FD(ssize_t, pwrite64, (int fd, const void *p, size_t n, off64_t at), (fd, p, n, at), NO(ENOSPC, -1))
FALLIBLE(FILES, int, fsync, (int fd), (fd), NO(EIO, -1))
FALLIBLE(FILES, int, fdatasync, (int fd), (fd), NO(EIO, -1))
FALLIBLE(FILES, int, ftruncate, (int fd, off_t size), (fd, size), NO(EIO, -1))
FALLIBLE(FILES, int, ftruncate64, (int fd, off64_t size), (fd, size), NO(EIO, -1))
FALLIBLE_FD(int, close, (int fd), (fd), next(fd); NO(EIO, -1))
FALLIBLE(FILES, int, fclose, (FILE * f), (f), next(f); NO(ENOSPC, EOF))
FALLIBLE(FILES, int, fflush, (FILE * f), (f), NO(ENOSPC, EOF))
FALLIBLE(FILES, int, rename, (const char *a, const char *b), (a, b), NO(EIO, -1))
FALLIBLE(FILES, int, renameat, (int f, const char *a, int g, const char *b), (f, a, g, b), NO(EIO, -1))
FALLIBLE(FILES, int, unlink, (const char *p), (p), NO(EIO, -1))
FALLIBLE(FILES, int, unlinkat, (int fd, const char *p, int how), (fd, p, how), NO(EIO, -1))
FALLIBLE(FILES, int, rmdir, (const char *p), (p), NO(EIO, -1))
FALLIBLE(FILES, int, mkdir, (const char *p, mode_t mode), (p, mode), NO(ENOSPC, -1))
FALLIBLE(FILES, int, mkdirat, (int fd, const char *p, mode_t mode), (fd, p, mode), NO(ENOSPC, -1))
FALLIBLE(FILES, char *, mkdtemp, (char *p), (p), NO(ENOSPC, NULL))
FALLIBLE(FILES, int, mkostemp, (char *p, int flags), (p, flags), NO(ENOSPC, -1))
FALLIBLE(FILES, int, chmod, (const char *p, mode_t mode), (p, mode), NO(EPERM, -1))
FALLIBLE(FILES, int, fchmod, (int fd, mode_t mode), (fd, mode), NO(EPERM, -1))
FALLIBLE(FILES, int, access, (const char *p, int how), (p, how), NO(EIO, -1))
FALLIBLE(FILES, int, stat, (const char *p, struct stat *s), (p, s), NO(EIO, -1))
FALLIBLE(FILES, int, stat64, (const char *p, struct stat64 *s), (p, s), NO(EIO, -1))
FALLIBLE(FILES, int, lstat, (const char *p, struct stat *s), (p, s), NO(EIO, -1))
FALLIBLE(FILES, int, lstat64, (const char *p, struct stat64 *s), (p, s), NO(EIO, -1))
FALLIBLE(FILES, int, fstat, (int fd, struct stat *s), (fd, s), NO(EIO, -1))
FALLIBLE(FILES, int, fstat64, (int fd, struct stat64 *s), (fd, s), NO(EIO, -1))
FALLIBLE(FILES, int, fstatat, (int fd, const char *p, struct stat *s, int how), (fd, p, s, how), NO(EIO, -1))
FALLIBLE(FILES, ssize_t, readlink, (const char *p, char *out, size_t n), (p, out, n), NO(EIO, -1))
FALLIBLE(FILES, char *, realpath, (const char *p, char *out), (p, out), NO(EIO, NULL))
FALLIBLE(FILES, int, flock, (int fd, int how), (fd, how), NO(ENOLCK, -1))
FALLIBLE(FILES, void *, mmap, (void *p, size_t n, int prot, int flags, int fd, off_t at), (p, n, prot, flags, fd, at),
    NO(ENOMEM, MAP_FAILED))
FALLIBLE(FILES, void *, mmap64, (void *p, size_t n, int prot, int flags, int fd, off64_t at),
    (p, n, prot, flags, fd, at), NO(ENOMEM, MAP_FAILED))
FALLIBLE(FILES, int, scandir,
    (const char *p, struct dirent ***out, int (*pick)(const struct dirent *),
	int (*order)(const struct dirent **, const struct dirent **)),
    (p, out, pick, order), NO(EIO, -1))
FALLIBLE(FILES, int, scandirat,
    (int fd, const char *p, struct dirent ***out, int (*pick)(const struct dirent *),
	int (*order)(const struct dirent **, const struct dirent **)),
    (fd, p, out, pick, order), NO(EIO, -1))

#include "calls.inc"
