/* Builds a station from its configuration, and takes it down. */
#include "http/station.h"

#include "base/version.h"
#include "http/tls.h"
#include "format/json.h"
#include "journal/kinds.h"
#include "os/address.h"
#include "os/file.h"
#include "os/log.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

/* NULL: slots by first appearance. */
static const char *line_file(const struct station *s)
{
	return strcmp(s->conf.line, "auto") != 0 ? s->conf.line : NULL;
}

/* The rule of http_start, said before anything else is touched; what a passed socket listens on is seen there. */
static bool may_listen(const struct conf *c, struct err *e)
{
	struct tls_files tls = { NULL, NULL };
	struct sockaddr_storage address;
	socklen_t size;
	if (!address_parse(c->listen, &address, &size, e))
		return false;
	if (!address_is_local(c->listen) && (c->login != LOGIN_REQUIRED || !*c->tls_cert))
		return err_set(
		    e, CODE_LISTEN_UNSAFE, "listen = %.60s without login = required and tls_cert", c->listen);
	bool good = (!*c->tls_cert && !*c->tls_key) || tls_load(c->tls_cert, c->tls_key, &tls, e);
	tls_clear(&tls);
	return good;
}

bool station_read_rules(struct station *s, struct err *e)
{
	struct line_file places;
	struct mes_rules mes;
	struct label_command label;
	return may_listen(&s->conf, e) && mes_rules_read(&s->conf, &mes, e) &&
	       label_parse(s->conf.label_command, &label, e) &&
	       challenge_load(s->conf.challenge, s->conf.shift_hours, &s->challenge, e) &&
	       boards_load(s->conf.boards, &s->boards, e) && trust_open(s->conf.trust, &s->trust, e) &&
	       roles_parse(s->conf.require_roles, &s->require, e) &&
	       (!line_file(s) || line_file_read(line_file(s), &places, e));
}

static void stored_refused(void *context, const char *file, const struct err *why)
{
	(void)context;
	log_warn("stored recipe %s is not used: %s: %s", file, code_name(why->code), why->msg);
}

static bool open_state(struct station *s, struct err *e)
{
	char spool[PATH_MAX];
	const char *dir = s->conf.state_dir;
	struct journal_options o = { .path = s->journal_path,
		.station = s->conf.name,
		.key_path = s->key_path,
		.checkpoints = s->conf.checkpoints[0] ? s->conf.checkpoints : NULL };
	if (!file_make_folder(dir, true, e) || !file_join(spool, sizeof spool, dir, "spool", e) ||
	    !file_make_folder(spool, true, e) ||
	    !file_join(s->journal_path, sizeof s->journal_path, dir, "journal.db", e) ||
	    !file_join(s->key_path, sizeof s->key_path, dir, "station.key", e) || !journal_open(&o, &s->journal, e))
		return false;
	struct store_options so = { .state_dir = dir,
		.boards = &s->boards,
		.trust = s->trust,
		.require = &s->require,
		.allow_unsigned = s->conf.allow_unsigned };
	return recipe_store_open(&so, journal_station_time(s->journal), stored_refused, NULL, &s->store, e);
}

static bool write_started(struct station *s, struct err *e)
{
	struct cJSON *body = json_new_object();
	json_add_string(body, "station", s->conf.name);
	json_add_string(body, "version", STATION_VERSION);
	if (s->bench)
		json_add_string(body, "note", "stationctl, for one order");
	s->started = journal_write(s->journal, KIND_STATION_STARTED, body, e);
	return s->started != 0;
}

static bool start_labels(struct station *s, struct err *e)
{
	struct label_options o = { .command = s->conf.label_command,
		.deadline_s = s->conf.label_deadline,
		.station = s->conf.name,
		.journal_path = s->journal_path,
		.journal = s->journal };
	return s->bench || labels_start(&o, &s->labels, e);
}

/* Where stationctl is the station, for one order, the MES is told by the next stationd. */
static bool start_mes(struct station *s, struct err *e)
{
	return s->bench || mes_start(&s->mes, &s->conf, s->journal, s->journal_path, e);
}

static bool start_line(struct station *s, struct err *e)
{
	struct line_options lo = { .station = s->conf.name,
		.state_dir = s->conf.state_dir,
		.line_file = line_file(s),
		.journal_path = s->journal_path,
		.openocd = s->conf.openocd,
		.swd_stock = s->conf.swd_driver == SWD_DRIVER_STOCK,
		.swd_readback = s->conf.swd_readback,
		.boards = &s->boards,
		.store = s->store,
		.journal = s->journal,
		.delta = s->conf.delta,
		.already_passed = s->conf.already_passed,
		.retries = s->conf.retries,
		.approvals = s->conf.approvals,
		.hold_after = s->conf.hold_after,
		.serials = s->conf.serials,
		.macs = s->conf.macs,
		.challenge = &s->challenge,
		.labels = s->labels,
		.permits = mes_permits(&s->mes),
		.bench = s->bench };
	if (!line_create(&lo, &s->line, e))
		return false;
	struct http_options ho = { .listen = s->conf.listen,
		.names = s->conf.names,
		.tls_cert = s->conf.tls_cert,
		.tls_key = s->conf.tls_key,
		.login_required = s->conf.login == LOGIN_REQUIRED,
		.idle_minutes = s->conf.idle_minutes,
		.session_hours = s->conf.session_hours,
		.state_dir = s->conf.state_dir,
		.station = s->conf.name,
		.journal_path = s->journal_path,
		.approvals = s->conf.approvals,
		.line = s->line,
		.store = s->store,
		.journal = s->journal,
		.mes = &s->mes,
		.challenge = &s->challenge,
		.labels = s->labels,
		.serials = s->conf.serials,
		.macs = s->conf.macs,
		.started = s->started };
	/* cameras first: who asks about a slot learns of the camera that is in it */
	s->watching = usb_watch_start(line_usb_event, s->line, e);
	if (!s->watching)
		return false;
	line_usb_started(s->line);
	return http_start(&ho, &s->http, e);
}

bool station_start(struct station *s, struct err *e)
{
	return open_state(s, e) && write_started(s, e) && start_mes(s, e) && start_labels(s, e) && start_line(s, e);
}

static void write_stopped(struct station *s)
{
	struct err e = ERR_INIT;
	struct cJSON *body = json_new_object();
	json_add_string(body, "reason", s->bench ? "the order was done" : "a signal asked for it");
	if (!journal_write(s->journal, KIND_STATION_STOPPED, body, &e))
		log_error("the stop is not in the journal: %s", e.msg);
}

struct signals {
	pthread_t thread;
	struct line *line;  /* borrowed */
	atomic_bool ending; /* the next signal is our own word to the thread */
};

/* SIGTERM and SIGINT reach only this thread; each one is a word to the line. */
static void *wait_for_signals(void *context)
{
	struct signals *s = context;
	sigset_t set;
	int number;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	while (sigwait(&set, &number) == 0 && !atomic_load(&s->ending))
		line_stop(s->line);
	return NULL;
}

/* Not pthread_cancel: it loads libgcc_s, and ends the process by SIGABRT when descriptors or memory are used up. */
static void end_signals(struct signals *s)
{
	atomic_store(&s->ending, true);
	pthread_kill(s->thread, SIGTERM);
	pthread_join(s->thread, NULL);
}

/* Before any thread starts, so that all of them inherit it. */
void station_block_signals(void)
{
	sigset_t set;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file that may not grow is an error of that write, not the end of the station */
}

bool station_run(struct station *s, struct err *e)
{
	struct signals signals = { .line = s->line };
	if (pthread_create(&signals.thread, NULL, wait_for_signals, &signals))
		return err_set(e, CODE_INTERNAL, "cannot start the signal thread");
	line_run(s->line);
	end_signals(&signals);
	write_stopped(s);
	return true;
}

void station_take_down(struct station *s)
{
	http_stop(s->http);
	if (s->watching)
		usb_watch_stop();
	line_destroy(s->line);
	labels_stop(s->labels);
	mes_stop(&s->mes);
	recipe_store_close(s->store);
	journal_close(s->journal);
	trust_close(s->trust);
	boards_clear(&s->boards);
}
