/* How fast verdicts get on the disk, beside bare fsyncs in the same folder:
 *
 *   commits FOLDER WRITERS EACH ROUNDS    prints {"many":[verdicts/s, ...],"lone":[ms, ...],"fsync":[ms, ...]}
 *
 * Each writer waits for its verdict's commit before it gives the next one, as a slot does.  In turns: a number of
 * fsyncs of 4096 appended bytes, one writer alone, all of them. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "os/log.h"
#include "tests/unit/journal_bodies.h"

#define MAX_WRITERS 256
#define MAX_ROUNDS  100
#define LONE        32

struct writer {
	pthread_t thread;
	struct journal *journal;
	const int64_t *attempts;
	int count;
};

static double now_s(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "commits: %s\n", what);
	exit(1);
}

static void *write_all(void *argument)
{
	struct writer *w = argument;
	for (int i = 0; i < w->count; i++)
		if (!put_end(w->journal, w->attempts[i], "PASS", "ok"))
			die("a verdict was refused");
	return NULL;
}

/* Attempts that wait for their verdict, queued without waiting for each. */
struct started {
	atomic_int left;
	_Atomic int64_t *ids;
};

static void on_started(void *context, int64_t seq, const struct err *e)
{
	struct started *s = context;
	(void)e;
	int n = atomic_fetch_sub(&s->left, 1);
	atomic_store(&s->ids[n - 1], seq);
}

static void start_attempts(struct journal *j, int64_t batch, int count, int64_t *ids)
{
	static int unit;
	struct started s = { count, calloc((size_t)count, sizeof *s.ids) };
	if (!s.ids)
		die("no memory");
	for (int i = 0; i < count; i++) {
		char text[1024];
		snprintf(text, sizeof text,
		    "{\"slot\":%d,\"path\":\"1-1.1\",\"board\":\"openmv-n6\",\"transport\":\"dfu\",\"operator\":null,"
		    "\"started_at\":\"" WHEN "\",\"uid\":\"%024x\",\"usb_serial\":\"2\",\"batch\":\"%lld\",\"order\":"
		    "\"WO-1\",\"recipe\":\"" SHA_A "\",\"versions\":{}}",
		    i % 64 + 1, ++unit, (long long)batch);
		journal_append(j, KIND_ATTEMPT_STARTED, tree_of(text), on_started, &s);
	}
	while (atomic_load(&s.left) > 0)
		usleep(1000);
	usleep(20000); /* the callback that counted last has stored its number */
	for (int i = 0; i < count; i++) {
		ids[i] = atomic_load(&s.ids[i]);
		if (!ids[i])
			die("an attempt was refused");
	}
	free(s.ids);
}

static double verdicts(struct journal *j, const int64_t *ids, int writers, int each)
{
	static struct writer w[MAX_WRITERS];
	double start = now_s();
	for (int i = 0; i < writers; i++) {
		w[i] = (struct writer){ .journal = j, .attempts = ids + i * each, .count = each };
		if (pthread_create(&w[i].thread, NULL, write_all, &w[i]))
			die("no thread");
	}
	for (int i = 0; i < writers; i++)
		pthread_join(w[i].thread, NULL);
	return now_s() - start;
}

static double one_fsync(const char *folder, int count)
{
	char path[256];
	uint8_t page[4096];
	memset(page, 0x55, sizeof page);
	snprintf(path, sizeof path, "%s/fsync", folder);
	int fd = open(path, O_CREAT | O_WRONLY | O_APPEND | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		die(strerror(errno));
	double start = now_s();
	for (int i = 0; i < count; i++)
		if (write(fd, page, sizeof page) != sizeof page || fsync(fd))
			die(strerror(errno));
	double each = (now_s() - start) / count;
	close(fd);
	unlink(path);
	return each;
}

static void print_list(const char *name, const double *values, int count, const char *end)
{
	printf("\"%s\":[", name);
	for (int i = 0; i < count; i++)
		printf("%s%.4f", i ? "," : "", values[i]);
	printf("]%s", end);
}

int main(int argc, char **argv)
{
	static double many[MAX_ROUNDS], lone[MAX_ROUNDS], sync[MAX_ROUNDS];
	int writers = argc == 5 ? (int)strtol(argv[2], NULL, 10) : 0,
	    each = argc == 5 ? (int)strtol(argv[3], NULL, 10) : 0;
	int rounds = argc == 5 ? (int)strtol(argv[4], NULL, 10) : 0;
	struct err e = ERR_INIT;
	struct place p;
	struct journal *j;
	if (writers < 1 || writers > MAX_WRITERS || each < 1 || each > 1000 || rounds < 1 || rounds > MAX_ROUNDS)
		die("usage: commits FOLDER WRITERS EACH ROUNDS");
	snprintf(p.db, sizeof p.db, "%.80s/journal.db", argv[1]);
	snprintf(p.key, sizeof p.key, "%.80s/station.key", argv[1]);
	snprintf(p.witness, sizeof p.witness, "%.80s/checkpoints", argv[1]);
	log_setup(LOG_ERR, LOG_TEXT);
	if (!place_open(&p, &j, &e))
		die(e.msg);
	put_recipe(j, SHA_A, "cam", 1);
	int64_t batch = put_batch(j, SHA_A, "WO-1", 1000000);
	int64_t *ids = calloc((size_t)(writers * each + LONE), sizeof *ids);
	for (int i = 0; ids && i < rounds; i++) {
		start_attempts(j, batch, writers * each + LONE, ids);
		sync[i] = 1e3 * one_fsync(argv[1], LONE);
		lone[i] = 1e3 * verdicts(j, ids, 1, LONE) / LONE;
		many[i] = writers * each / verdicts(j, ids + LONE, writers, each);
	}
	putchar('{');
	print_list("many", many, rounds, ",");
	print_list("lone", lone, rounds, ",");
	print_list("fsync", sync, rounds, "}\n");
	free(ids);
	journal_close(j);
	return 0;
}
