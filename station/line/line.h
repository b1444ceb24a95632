/* The line: slots, batches and the cameras in them.  One thread owns all of its state; everybody else posts messages
 * to it and reads copies.
 *
 * Calls marked [any] may come from any thread; they wait for the loop's answer, at most LINE_ANSWER_MS. */
#ifndef STATION_LINE_H
#define STATION_LINE_H

#include "format/line_file.h"
#include "format/who.h"
#include "journal/journal.h"
#include "line/boards.h"
#include "line/label.h"
#include "line/shift.h"
#include "line/store.h"
#include "line/unit.h"
#include "mes/permit.h"
#include "os/conf.h"
#include "transport/transport.h"

#define LINE_ID_SIZE    21 /* of attempts and batches: decimal, the number of the journal row that began them */
#define LINE_ORDER_SIZE 65
#define LINE_ANSWER_MS  10000
#define LINE_SCAN_MS    60000 /* so long a serial that was scanned without a slot is the next camera's */

/* Everything is borrowed and must outlive the line. */
struct line_options {
	const char *station;
	const char *state_dir;
	const char *line_file; /* NULL: slots by first appearance, which the journal keeps */
	const char *journal_path;
	const char *openocd; /* the folder of target configurations, for slots with a debug probe */
	bool swd_stock;      /* OpenOCD's own flash drivers there, not the agent */
	enum conf_readback swd_readback;
	const struct board_set *boards;
	struct recipe_store *store;
	struct journal *journal;
	enum conf_delta delta;
	enum conf_passed already_passed;
	unsigned retries;    /* of retryable codes, within one attempt */
	unsigned approvals;  /* that a recipe needs before it is used */
	unsigned hold_after; /* equal codes in a row; 0: never */
	enum conf_numbers serials, macs;
	const struct challenge_list *challenge; /* without units: no shifts are kept */
	struct labels *labels;                  /* NULL: none are printed */
	struct permits *permits;                /* NULL: the MES is not asked */
	bool bench;                             /* nothing starts by itself: only what is ordered is done */
};

/* What to do after the PASS of a deploy: it says what the flash holds, and counts for no batch. */
#define DEPLOYED_ACTION "Program it in a batch before it ships."

/* What a screen shows of a slot; a copy. */
struct slot_view {
	unsigned slot; /* from 1 */
	char name[LINE_NAME_SIZE], path[USB_PATH_SIZE];
	int x, y; /* its place on the picture; -1: none */
	bool enabled;
	enum unit_state state;
	char uid[UID_TEXT_SIZE], board[BOARD_ID_SIZE];
	char attempt[LINE_ID_SIZE], batch[LINE_ID_SIZE];
	const char *step;   /* static; "" when nothing runs; "reading" while a partition is read at rest */
	bool deploy;        /* the attempt is one at a person's word */
	const char *permit; /* static: how the MES let the attempt begin; NULL: it was not asked, or it did not */
	const char *camera; /* static: "bootloader", "run", "unknown"; "" when nothing is plugged in */
	char camera_board[BOARD_ID_SIZE]; /* of what is plugged in; "" when not known */
	uint64_t done_bytes, total_bytes;
	enum verdict verdict;
	enum code code;
	char message[232];
	char scanned[NUMBER_SIZE]; /* the serial that its next unit gets; "": none was scanned */
	int64_t since;             /* ms since 1970 */
};

enum batch_state { BATCH_OPEN, BATCH_HELD, BATCH_CLOSED };
const char *batch_state_name(enum batch_state state);

struct batch_view {
	char id[LINE_ID_SIZE], order[LINE_ORDER_SIZE], board[BOARD_ID_SIZE];
	char recipe[2 * SHA256_SIZE + 1];
	int64_t quantity;
	enum batch_state state;
	int64_t passed;  /* distinct UIDs */
	int64_t running; /* reserved by attempts under way */
	char reason[96]; /* why it is held */
};

/* file-failed, config-invalid, json-invalid; the message names the file. */
bool line_file_read(const char *path, struct line_file *out, struct err *e);

struct line;

/* Loads slots, ends what the last run left unfinished, restores open batches. */
bool line_create(const struct line_options *o, struct line **out, struct err *e);
/* Runs the loop on the calling thread until line_stop has been called and every slot rests.  Then no camera is open any
 * more and [any] calls are refused. */
void line_run(struct line *l);
/* [any, also from a signal's thread] First call: starts nothing new, running attempts finish.  Second: aborts them. */
void line_stop(struct line *l);
void line_destroy(struct line *l); /* accepts NULL */

/* The handler to give to usb_watch_start, with the line as its context. */
void line_usb_event(void *line, const struct usb_watch_event *event);
/* Call once, when usb_watch_start has returned: what arrives from now on was plugged in by a person. */
void line_usb_started(struct line *l);

/* [any] Copies up to max slots, ordered by number; returns how many there are. */
unsigned line_slots(struct line *l, struct slot_view *out, unsigned max);
/* [any] Copies up to max batches that are open or held. */
unsigned line_batches(struct line *l, struct batch_view *out, unsigned max);
/* What is plugged in and is no camera of a slot: matches no board, or is at a path that the line file does not have. */
#define LINE_MAX_STRANGERS 32
struct stranger {
	char path[USB_PATH_SIZE];
	uint16_t vid, pid;
	bool board; /* it is a known camera, but there is no slot */
};
/* [any] Copies up to max; returns how many there are. */
unsigned line_strangers(struct line *l, struct stranger *out, unsigned max);
/* [any] Is the station held, and why?  CODE_OK when not. */
enum code line_held(struct line *l);

enum slot_order { SLOT_RETRY, SLOT_ABORT, SLOT_ENABLE, SLOT_DISABLE };
/* [any] not-found, conflict, replug-needed.  In this and the calls below `who` is copied into the journal's row; NULL:
 * the station by itself. */
bool line_order(struct line *l, unsigned slot, enum slot_order order, const struct who *who, struct err *e);
/* [any] batch-open, not-found (recipe), too-early, expired, number-taken, ...; fills *out. */
struct batch_request {
	const char *order;           /* 1 to 64 printable bytes */
	const char *recipe;          /* 64 lower-case hex digits */
	int64_t quantity;            /* 1 to 10 million */
	const struct cJSON *serials; /* an array of texts, distinct, at least quantity of them; NULL: it has no list */
	const char *key, *request;   /* Idempotency-Key and the SHA-256 of the request's body; NULL: none */
	const struct who *who;
};
bool line_open_batch(struct line *l, const struct batch_request *request, struct batch_view *out, struct err *e);
/* [any] NULL: no such board file. */
const struct board *line_board(const struct line *l, const char *id);
const struct board_set *line_boards(const struct line *l); /* [any] */
/* [any] Writes a stored recipe to the camera in that slot, as an attempt outside of any batch; returns when it has
 * begun.  challenge: while the shift's challenge is under way, and the attempt is refused for every other unit than its
 * own.  not-found, conflict, replug-needed, station-held, every code of a recipe. */
bool line_deploy(
    struct line *l, unsigned slot, const char *recipe, bool challenge, const struct who *who, struct err *e);
enum batch_order { BATCH_ORDER_HOLD, BATCH_ORDER_RESUME, BATCH_ORDER_CLOSE };
/* The versions of a batch (query_batch_version) that an order is meant for. */
#define LINE_VERSIONS 8
struct batch_versions {
	bool any;
	unsigned count;
	int64_t seq[LINE_VERSIONS];
};
bool batch_version_meant(const struct batch_versions *v, int64_t seq, struct err *e); /* precondition-failed */
/* [any] not-found, conflict, precondition-failed. */
bool line_change_batch(struct line *l, const char *id, enum batch_order order, const struct batch_versions *meant,
    const struct who *who, struct batch_view *out, struct err *e);
/* [any] The serial was scanned for the next unit of this slot, or with slot 0 for the next camera that is plugged in
 * anywhere; NULL takes it back.  not-found, conflict, bad-request. */
bool line_scan(struct line *l, unsigned slot, const char *serial, const struct who *who, struct err *e);
/* [any] Writes a row about a number from the loop, which gives numbers out: none of its decisions lies between this row
 * and those before.  Takes the body over.  number-taken: the journal knows it as void or another unit's. */
bool line_write_number(struct line *l, const char *kind, struct cJSON *body, int64_t *seq, struct err *e);
/* [any] Ends a hold of the station (after its cause is mended). */
bool line_resume(struct line *l, const struct who *who, struct err *e);

/* [any] Who works at the line from now on, until that time (ms since 1970): the operator of attempts that nobody
 * ordered by name.  NULL: nobody; then whoever opened the batch stands for it. */
void line_set_operator(struct line *l, const char *name, int64_t until);

#endif
