/* Tells the MES what happens: the rows of the journal are the queue, one thread takes them one after the other to the
 * webhook.
 *
 * At least once and in order: the next event is sent when the one before was answered.  2xx: taken.  No answer, 408,
 * 429, 5xx: sent again after what Retry-After says, else after a pause that doubles.  Anything else: parked, with a row
 * of the journal; a person has it sent again or dropped.  An event's UUID is made of its row's hash, so that it is the
 * same however often and after whatever crash it is sent.  Memory: one row and one answer. */
#ifndef STATION_MES_OUTBOX_H
#define STATION_MES_OUTBOX_H

#include "journal/journal.h"
#include "journal/query.h"
#include "mes/rules.h"

struct outbox;

/* Starts the thread; all is borrowed.  A first start writes the row mes-started. */
bool outbox_start(const struct mes_rules *rules, const char *state_dir, struct journal *journal,
    const char *journal_path, struct outbox **out, struct err *e);
void outbox_stop(struct outbox *o); /* accepts NULL */

enum outbox_state { OUTBOX_IDLE, OUTBOX_SENDING, OUTBOX_WAITING };
struct outbox_view {
	enum outbox_state state;
	int64_t told;                  /* the last row that is done with */
	int64_t behind_rows;           /* rows behind it */
	int64_t behind_ms;             /* how old the event is that is being sent; 0: none is */
	int64_t parked, taken, failed; /* events: parked now; taken and tries that failed since the start */
	int64_t next_try;              /* ms since 1970; 0: none is planned */
	unsigned last_status;          /* of the last try that failed; 0: no answer */
	char last_error[160];          /* likewise; "": the last try was taken */
};
/* Any thread. */
void outbox_look(struct outbox *o, struct outbox_view *out);
/* Sends what is parked once more, in its order, beside what comes. */
void outbox_resend(struct outbox *o);
/* Tries at once. */
void outbox_hurry(struct outbox *o);

#endif
