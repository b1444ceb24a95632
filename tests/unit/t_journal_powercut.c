/* The power goes at a random instant: of what no sync has covered each write is kept, dropped or torn between sectors,
 * and each new, cut or removed file is so or is not.  On what is left the journal opens, verifies, and has every row
 * that was acknowledged before that instant, once, word for word.
 *
 * Writes are seen through a file system layer over SQLite's own; syncs, also those of the folder and of the file of
 * checkpoints, by standing in for fsync and fdatasync, so that nothing counts as on disk for which nobody asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "journal/query.h"
#include "journal/verify.h"
#include "os/log.h"
#include "pace.h"
#include "t_journal_powercut.h"

#include <semaphore.h>
#include <unistd.h>

#define SEEDS    160
#define LIARS    24
#define NOTES    900
#define LONG_DAY 170 /* steps: enough for the write-ahead log to be moved and begun again */

/* ------------------------------------------------------------------ the days */

struct note {
	struct life *life;
	int64_t seq; /* 0: nobody was told that it is on disk */
	unsigned pad;
	int found;
};

struct life {
	struct note notes[NOTES];
	int count;
	sem_t answered;
};

static void message_of(const struct note *n, char out[3200])
{
	int size = snprintf(out, 3200, "note %d.", (int)(n - n->life->notes));
	memset(out + size, 'a' + (int)(n->pad % 26), n->pad);
	out[size + (int)n->pad] = '\0';
}

static void acknowledged(void *context, int64_t seq, const struct err *e)
{
	struct note *n = context;
	(void)e;
	if (!atomic_load(&disk.dark))
		n->seq = seq;
	sem_post(&n->life->answered);
}

static void append_notes(struct journal *j, struct life *l, unsigned count)
{
	char message[3200], body[3400];
	for (unsigned i = 0; i < count; i++) {
		struct note *n = &l->notes[l->count++];
		*n =
		    (struct note){ l, 0, roll_of(&day_dice, 2) ? roll_of(&day_dice, 3000) : roll_of(&day_dice, 40), 0 };
		message_of(n, message);
		snprintf(body, sizeof body, "{\"code\":null,\"message\":\"%s\",\"slot\":null,\"path\":null}", message);
		journal_append(j, KIND_STATION_EVENT, tree_of(body), acknowledged, n);
	}
	for (unsigned i = 0; i < count; i++)
		sem_wait(&l->answered);
}

static struct journal *open_in_the_day(const struct place *p)
{
	struct journal *j;
	struct err e = ERR_INIT;
	if (!place_open(p, &j, &e))
		fail_msg("%s", e.msg);
	return j;
}

static void spend_day(const struct place *p, struct life *l, int steps)
{
	struct journal *j = open_in_the_day(p);
	for (int i = 0; i < steps && l->count < NOTES - 20 && !atomic_load(&disk.dark); i++) {
		unsigned what = roll_of(&day_dice, 40);
		if (what < 28)
			append_notes(j, l, 1);
		else if (what < 34)
			append_notes(j, l, 2 + roll_of(&day_dice, 8));
		else if (what < 37)
			put_refusal(j, "\"" UID_1 "\"", "no-batch");
		else if (what < 39)
			journal_checkpoint(j);
		else {
			journal_close(j);
			j = open_in_the_day(p);
		}
	}
	journal_close(j);
}

/* ------------------------------------------------------------- what was left */

static bool look(void *context, int64_t seq, const char *at, const char *kind, const char *body)
{
	struct life *l = context;
	char message[3200];
	(void)at;
	(void)kind;
	const char *text = strstr(body, "\"note ");
	int i = text ? atoi(text + 6) : -1;
	if (i < 0 || i >= l->count)
		return true;
	struct note *n = &l->notes[i];
	message_of(n, message);
	size_t size = strlen(message);
	bool whole = !strncmp(text + 1, message, size) && text[1 + size] == '"';
	n->found += whole && (!n->seq || n->seq == seq) ? 1 : 1000;
	return true;
}

/* "" when nothing was lost. */
static void examine(const struct place *p, struct life *l, char why[300])
{
	struct verify_options o = { p->db, access(p->witness, F_OK) == 0 ? p->witness : NULL, NULL };
	struct verify_report report;
	struct journal_reader *r;
	struct journal *j;
	struct err e = ERR_INIT;
	why[0] = '\0';
	if (!place_open(p, &j, &e)) {
		snprintf(why, 300, "it does not open: %s", e.msg);
		return;
	}
	if (!put_refusal(j, "\"" UID_1 "\"", "no-batch"))
		snprintf(why, 300, "it takes no row");
	journal_close(j);
	verify_journal(&o, &report);
	if (report.result != VERIFY_INTACT)
		snprintf(why, 300, "%s", report.message);
	assert_true(journal_reader_open(p->db, &r, &e));
	for (int i = 0; i < l->count; i++)
		l->notes[i].found = 0;
	assert_true(query_events(r, 0, 2000, look, l, &e));
	journal_reader_close(r);
	for (int i = 0; i < l->count && !why[0]; i++)
		if (l->notes[i].found > 1 || (l->notes[i].seq && l->notes[i].found != 1))
			snprintf(why, 300, "note %d, acknowledged as row %lld, is there %d times", i,
			    (long long)l->notes[i].seq, l->notes[i].found);
}

static struct {
	unsigned acked, dropped, torn, undone, moving, in_day;
} seen;

/* One day, or two with the second beginning on what the first cut left. */
static void live(unsigned seed, bool lies, char why[300])
{
	struct place places[3];
	static struct life l;
	int days = 1 + (int)(seed & 1);
	memset(&l, 0, sizeof l);
	sem_init(&l.answered, 0, 0);
	day_dice = seed * 0x9e3779b97f4a7c15ull + 1;
	roll_of(&day_dice, 2);
	cut_dice = day_dice ^ 0x5555;
	place_make(&places[0]);
	for (int day = 0; day < days; day++) {
		bool whole_day = seed % 8 == 0;
		unsigned instants = whole_day || seed % 4 >= 2
					? 1000 + roll_of(&day_dice, 3500)
					: 1 + roll_of(&day_dice, 1u << (3 + roll_of(&day_dice, 7)));
		place_make(&places[day + 1]);
		disk_begin(&places[day], &places[day + 1], instants, lies);
		disk.aimed = seed % 4 == 2 || (day && seed % 4 == 3);
		spend_day(&places[day], &l, whole_day ? LONG_DAY : 60);
		seen.in_day += atomic_load(&disk.dark);
		disk_end();
		seen.dropped += disk.dropped;
		seen.torn += disk.torn;
		seen.undone += disk.undone;
		seen.moving += disk.moving;
	}
	for (int i = 0; i < l.count; i++)
		seen.acked += l.notes[i].seq != 0;
	examine(&places[days], &l, why);
	for (int i = 0; i <= days; i++)
		place_remove(&places[i]);
	sem_destroy(&l.answered);
}

static void nothing_acknowledged_is_lost(void **state)
{
	char why[300];
	(void)state;
	memset(&seen, 0, sizeof seen);
	unsigned days = 0;
	for (unsigned seed = 1; seed <= SEEDS; seed += pace()) {
		days++;
		live(seed, false, why);
		if (why[0])
			fail_msg("seed %u: %s", seed, why);
	}
	print_message("# %u rows acknowledged, %u cuts in the day; %u writes dropped, %u torn, %u names undone, %u "
		      "while the log moved\n",
	    seen.acked, seen.in_day, seen.dropped, seen.torn, seen.undone, seen.moving);
	/* The cuts have to hurt. */
	assert_true(seen.acked > 10 * days && seen.in_day > days / 2);
	assert_true(seen.dropped > days && seen.torn > days / 2 && seen.undone > days / 10 && seen.moving > days / 10);
}

/* The same on a disk that does nothing when it is asked to sync: that has to be found. */
static void a_lying_disk_is_found(void **state)
{
	char why[300];
	unsigned lost = 0;
	(void)state;
	for (unsigned seed = 1; seed <= LIARS; seed++) {
		live(2 * seed, true, why);
		lost += why[0] != '\0';
	}
	assert_true(lost > LIARS / 4);
}

int main(void)
{
	log_setup(LOG_ERR, LOG_TEXT);
	const struct CMUnitTest tests[] = { cmocka_unit_test(nothing_acknowledged_is_lost),
		cmocka_unit_test(a_lying_disk_is_found) };
	return cmocka_run_group_tests(tests, install, NULL);
}
