/* The interlock: may this unit be built here, now?  Asked before anything is erased.
 *
 * The question is a POST of {"station","slot","uid","board","usb_serial","serial","batch","order","recipe"}; the answer
 * 200 with {"uid": the same, "allow": true or false} and perhaps "message" (to people, also with a yes), "serial",
 * "mac" and "valid_s", for how long an allowance may be used again without asking.  403, 409 and 422 are a no too.  All
 * else is no answer: it is asked again until the deadline, and then the MES is silent. */
#ifndef STATION_MES_PERMIT_H
#define STATION_MES_PERMIT_H

#include "base/number.h"
#include "mes/rules.h"
#include "mes/sentence.h"

#include <pthread.h>

#define PERMITS_KEPT 256
#define PERMIT_MAX_S 86400

struct permit_question {
	unsigned slot;
	const char *uid, *board, *usb_serial, *serial, *batch, *order, *recipe; /* "": null */
};

enum permit_how { PERMIT_NONE, PERMIT_GRANTED, PERMIT_CACHED, PERMIT_SILENT };
/* "granted", "cached", "silent"; NULL for none. */
const char *permit_name(enum permit_how how);

struct permit {
	enum permit_how how;
	char serial[NUMBER_SIZE], mac[NUMBER_SIZE]; /* "": the MES gave none */
	char message[SENTENCE_SIZE];                /* to people; "": none */
};

/* The newest allowances that may be used again; any thread. */
struct permits {
	const struct mes_rules *rules; /* borrowed */
	pthread_mutex_t lock;
	unsigned next;
	struct {
		char uid[64], batch[24], recipe[65]; /* uid "": free */
		int64_t until;                       /* monotonic ms */
		struct permit permit;
	} kept[PERMITS_KEPT];
};

void permits_init(struct permits *p, const struct mes_rules *rules);
void permits_finish(struct permits *p);
/* Waits for the MES, at most [mes] deadline; ends early when cancel becomes true.  False: mes-refused, mes-silent
 * (where the policy is to refuse), aborted. */
bool permit_ask(
    struct permits *p, const struct permit_question *q, const atomic_bool *cancel, struct permit *out, struct err *e);

/* Reads an answer of status 200: mes-silent for what is no answer to this question, mes-refused for a no.  Pure. */
bool permit_read(struct span body, const char *uid, struct permit *out, int64_t *valid_s, struct err *e);

#endif
