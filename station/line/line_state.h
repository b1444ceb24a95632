/* The line's own state, shared by the files of this folder and by nobody else.  Owned by the loop thread, except where
 * a field says otherwise. */
#ifndef STATION_LINE_STATE_H
#define STATION_LINE_STATE_H

#include "journal/lookup.h"
#include "line/attempt.h"
#include "line/look.h"
#include "os/log.h"
#include "os/mailbox.h"
#include "os/worker.h"

#include <pthread.h>

/* How long a camera that left in the middle of the work may take to come back for a retry, besides its boot. */
#define COMEBACK_MS 3000
/* How long after a failure a camera is given to be seen leaving, before it is tried again. */
#define SETTLE_MS 300
/* A camera that is back in its bootloader soon after each end but PASS was hardly plugged in by a person.  So many
 * times in a row it is taken up at once all the same; from then on it waits, each time twice as long as before. */
#define QUICK_STARTS    5
#define PAUSE_MS        1000
#define PAUSE_DOUBLINGS 2 /* up to 4 s: a person who replugs in haste waits no longer */
/* How long the journal may take for a row that somebody waits for. */
#define JOURNAL_MS 60000
/* No action of a worker takes longer; its own deadlines are far shorter. */
#define ACTION_MS (40 * 60 * 1000)
/* A probe whose slot rests is looked at so often; all of them together no more often than NEST_SPACING_MS. */
#define NEST_LOOK_MS    1000
#define NEST_SPACING_MS 100
/* A clock that is further behind the journal than this holds the station. */
#define CLOCK_LAG_MS 60000

struct slot {
	struct line *line; /* back pointer, borrowed */
	unsigned number;   /* from 1 */
	char name[LINE_NAME_SIZE], path[USB_PATH_SIZE];
	int x, y; /* its place on the picture; -1: none */
	bool enabled;
	enum unit_state state;
	int64_t since;                    /* ms since 1970 */
	struct usb_id device;             /* what is plugged in; path[0] == 0: nothing */
	const struct board *device_board; /* borrowed; NULL: nothing, or unknown */
	bool device_boots;                /* in its bootloader, else in run mode */
	bool device_new;                  /* arrived while the slot was busy; to be taken up at rest */
	char uid[UID_TEXT_SIZE];          /* of the camera that is here, or was told to come back; "": not known */
	char shown_uid[UID_TEXT_SIZE];    /* of the running or the last attempt, for screens */
	int64_t away_until;               /* monotonic ms: a camera that was let go is expected until then */
	bool back_at_once; /* it was sent to its firmware and came back in its bootloader: sending it again is no use */
	/* a slot with a debug probe, a nest: device is the target at the probe, what USB shows at path stands here */
	bool nested, has_usb, usb_boots;
	struct swd_place nest;
	const struct board *nest_board; /* the one that it is built for */
	struct usb_id usb;              /* path[0] == 0: nothing */
	const struct board *usb_board;  /* NULL: nothing, or unknown */
	bool usb_new;                   /* arrived since the attempt began */
	char nest_uid[UID_TEXT_SIZE];   /* of the target at the last look; "": none, or not read */
	enum code nest_trouble;         /* of the last look */
	bool looking;                   /* at the probe */
	atomic_bool look_cancel;
	int64_t next_look;           /* monotonic ms */
	struct attempt *attempt;     /* owned; of the running or the last attempt */
	struct worker *worker;       /* owned */
	struct look *look;           /* a reference: a partition is being read for somebody; NULL: none */
	struct stored_recipe *order; /* owned reference: what the next attempt deploys; NULL: nothing */
	bool order_challenge;        /* and only to a unit of the shift's challenge */
	uint64_t action;     /* number of the running action; results with another number are late and dropped */
	bool working;        /* the worker has not answered yet */
	bool overdue;        /* the worker was told to give up */
	bool waiting_return; /* AGAIN: waits for the camera to come back */
	bool abort_wanted;
	bool reserved;            /* admitted: holds a place in its batch and among its recipe's units */
	bool stopped_here;        /* an attempt of the last run ended here; the camera that is there now waits */
	int64_t deadline;         /* monotonic ms; 0: none */
	struct progress progress; /* of the running step; read by any thread */
	enum step failed_step;
	char scanned[NUMBER_SIZE]; /* the serial that its next unit gets */
	struct err result;         /* why the last attempt ended; CODE_OK after a PASS */
	enum verdict verdict;
	enum code last_code; /* of the last verdict here, for holds; kept from run to run by the journal */
	unsigned equal_codes;
	int64_t ended_at; /* monotonic ms: the last end that was no PASS; 0: none */
	unsigned quick;   /* starts in a row that followed soon on such an end */
};

struct batch {
	struct batch_view view;
	struct stored_recipe *recipe;  /* a reference of our own */
	bool used, listed;             /* listed: its units get the serials of its list */
	char opened_by[WHO_NAME_SIZE]; /* "": nobody said */
	enum code last_code;
	unsigned equal_codes, last_slot;
	bool across_slots; /* the equal codes in a row came from more than one slot */
};

#define LINE_MAX_BATCHES 16

struct line {
	struct line_options o;
	struct mailbox *box;
	struct journal_reader *reader; /* of the loop thread */
	struct slot *slots[LINE_MAX_SLOTS];
	unsigned slot_count;
	bool fixed_slots; /* from a line file: other paths are no slots */
	struct batch batches[LINE_MAX_BATCHES];
	enum code held;
	char scanned[NUMBER_SIZE]; /* the serial of the camera that is plugged in next */
	int64_t scanned_until;     /* monotonic ms */
	unsigned stops;
	uint64_t actions; /* numbers given so far */
	uint64_t nest_arrivals;
	int64_t nest_free_at;        /* monotonic ms: no look at a probe before */
	pthread_mutex_t public_lock; /* guards the copies below */
	struct slot_view views[LINE_MAX_SLOTS];
	const struct progress *progress[LINE_MAX_SLOTS]; /* of the slots, which live as long as the line */
	unsigned view_count;
	struct batch_view batch_views[LINE_MAX_BATCHES];
	unsigned batch_view_count;
	enum code held_view;
	struct stranger strangers[LINE_MAX_STRANGERS];
	unsigned stranger_count;      /* more may have come than are kept */
	char operator[WHO_NAME_SIZE]; /* at the line; "": nobody; under public_lock */
	int64_t operator_until;       /* ms since 1970; likewise */
	bool closed;                  /* calls are refused; under public_lock too */
};

enum message_kind {
	MSG_USB,     /* a device came or left */
	MSG_PRESENT, /* all devices that were there at start have been reported */
	MSG_ACTION,  /* a worker's action ended */
	MSG_ROW,     /* a journal row was committed, or not */
	MSG_STRAY,   /* the serial of a camera that came up elsewhere was read */
	MSG_LOOKED,  /* a partition was read for somebody, or not */
	MSG_NEST,    /* a probe was looked at */
	MSG_CALL,    /* somebody asks the loop to do something */
	MSG_STOP
};

/* Which row of an attempt a commit is about. */
enum row { ROW_STARTED, ROW_REFUSED, ROW_STEP, ROW_WRITING, ROW_ENDED };

struct call; /* a request that waits for its answer; see calls.c */

struct message {
	enum message_kind kind;
	struct slot *slot;
	uint64_t action;
	enum row row;
	int64_t attempt; /* MSG_ROW about a step: whose */
	int64_t seq;
	bool ok;
	struct err err;
	struct usb_watch_event usb;
	char serial[USB_STRING_SIZE]; /* MSG_STRAY; MSG_NEST: the target's uid */
	struct call *call;
};

/* A line of the log about a slot, and the attempt that it shows. */
#define slot_log(s, level, ...) log_about(level, (s)->number, (s)->attempt ? (s)->attempt->id : "", __VA_ARGS__)

/* slots.c */
bool slots_load(struct line *l, struct err *e);
/* The slot of a path; under `line = auto` a new one is made and kept.  NULL: no slot for that path. */
struct slot *slot_of_path(struct line *l, const char *path);
struct slot *slot_by_number(struct line *l, unsigned number);
void slot_destroy(struct slot *s);

/* strangers.c: a device without a slot came or left */
void stranger_event(struct line *l, const struct usb_watch_event *event, bool board);

/* journey.c: the state machine's actions */
void slot_event(struct slot *s, enum unit_event event);
void slot_action_ended(struct slot *s, const struct message *m);
void slot_row_done(struct slot *s, const struct message *m);
void slot_begin_action(struct slot *s, bool (*run)(struct attempt *, struct err *));
/* The running step failed: it is tried again, if that may help. */
void slot_trouble(struct slot *s, const struct err *why);
/* The attempt ends with this. */
void slot_give_up(struct slot *s, const struct err *why);
/* A person stops it. */
void slot_stop(struct slot *s);
/* What the slot holds cannot be written to disk. */
void slot_lost(struct slot *s, const struct err *why);
/* The step that its state works on, if there is one. */
bool slot_step(const struct slot *s, enum step *out);

/* visits.c: cameras come and go, deadlines pass */
void slot_device(struct slot *s, const struct usb_watch_event *event);
void slot_deadline(struct slot *s);
/* A slot at rest starts the camera that came, at once or after a pause. */
void slot_take_up(struct slot *s);
/* A camera in its bootloader is here. */
bool slot_boots(const struct slot *s);
/* ... and the slot may start an attempt at it. */
bool slot_may_start(const struct slot *s);
/* Is the camera with this number present in this slot? */
bool slot_holds(const struct slot *s, const char *uid);
/* In RESTARTED: a device is at the path. */
void slot_confirm_arrival(struct slot *s);
/* A camera is gone and is wanted back for a retry. */
void slot_await(struct slot *s);
/* ... and a device is at the path. */
void slot_came_back(struct slot *s);

/* In RESTARTED: is what came back in its bootloader? */
bool slot_returned_boots(const struct slot *s);
/* A target appeared at the slot's probe, or is gone. */
void slot_target(struct slot *s, bool there);

/* nests.c: slots with a debug probe */
/* The slot's place says a probe.  config-invalid. */
bool nest_load(struct slot *s, const struct line_place *place, struct err *e);
/* Begins the looks that are due. */
void nests_look(struct line *l);
/* When the next one is due; later when none is. */
int64_t nests_due(const struct line *l, int64_t later);
void nest_looked(struct slot *s, const struct message *m);

/* orders.c: what people say, and what they see */
bool slot_retry(struct slot *s, const struct who *who, struct err *e);
bool slot_abort(struct slot *s, const struct who *who, struct err *e);
bool slot_enable(struct slot *s, bool enable, const struct who *who, struct err *e);
/* Who answers for the attempt in this slot: who ordered it, else who works at the line, else who opened its batch. */
void slot_operator(struct slot *s, char out[WHO_NAME_SIZE]);
void slot_publish(struct slot *s);
/* Rests with a camera in its bootloader, and nobody reads it: conflict, replug-needed. */
bool slot_idle(const struct slot *s, struct err *e);
/* Begins an attempt that writes this recipe, outside of any batch; takes a reference of its own.  challenge: to a unit
 * of the shift's challenge and to no other. */
bool slot_deploy(struct slot *s, struct stored_recipe *recipe, bool challenge, const struct who *who, struct err *e);

/* look.c: partitions read for somebody */
bool slot_look(struct slot *s, const char *partition, uint32_t length, struct look **out, struct err *e);
void slot_looked(struct slot *s);
void slot_stop_look(struct slot *s);
/* Waits for the first block; any thread but the loop's. */
bool look_begin(struct look *k, struct err *e);

/* admit.c */
enum admission { ADMIT_YES, ADMIT_ASK, ADMIT_NO };
/* Decides on the identified camera in this slot; the reasons are in *e. */
enum admission admit(struct slot *s, struct err *e);
/* recipe-revoked, by a row of the journal. */
/* May this recipe be written to a camera at a person's word?  Asked before a camera is touched, and again in admit. */
bool deploy_allowed(struct line *l, const struct stored_recipe *recipe, struct err *e);
bool recipe_not_revoked(struct line *l, const char *sha256, struct err *e);

/* rows.c: what the journal is told; each returns at once */
void row_started(struct slot *s);
void row_refused(struct slot *s);
void row_step(struct slot *s, enum step step);
void row_writing(struct slot *s);
void row_ended(struct slot *s);
void row_event(struct line *l, enum code code, const char *message, unsigned slot, const char *path);

/* batches.c */
bool batches_restore(struct line *l, struct err *e);
struct batch *batch_for_board(struct line *l, const char *board);
/* Takes up the recipe as it is stored now: signatures may have been added. */
void batch_refresh(struct line *l, struct batch *b);
struct batch *batch_by_id(struct line *l, const char *id);
/* Attempts that hold a place in this batch. */
int64_t batch_running(const struct line *l, const struct batch *b);
void batches_publish(struct line *l);
/* Its row of the journal: held, with a code and a message or by a person, resumed, closed. */
bool batch_write_change(struct line *l, const struct batch *b, enum batch_order order, const struct err *why,
    const struct who *who, struct err *e);
bool batch_open(struct line *l, const struct batch_request *request, struct batch_view *out, struct err *e);
bool batch_change(struct line *l, const char *id, enum batch_order order, const struct batch_versions *meant,
    const struct who *who, struct batch_view *out, struct err *e);

/* holds.c: the same trouble too many times in a row */
void batch_count_verdict(struct line *l, struct slot *s);
/* The rows that the last run left; one that is long enough holds at once.  Slots and batches are loaded. */
bool holds_restore(struct line *l, struct err *e);

/* stray.c: a camera in run mode where nobody waits for it may be the one that another slot waits for */
void stray_look(struct slot *s);
void stray_found(struct slot *s, const struct message *m);

/* calls.c */
void call_serve(struct line *l, struct call *call);
/* The line is going away: answers as refused. */
void call_refuse(struct call *call);

/* leftovers.c: attempts that have no end on disk get one, at a start and when the disk takes rows again */
bool leftovers_end_last_run(struct line *l, struct err *e);
bool leftovers_end_lost(struct line *l, struct err *e);

/* line.c */
void line_hold(struct line *l, enum code code, const char *message);

#endif
