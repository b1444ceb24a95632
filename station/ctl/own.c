/* Builds a station in this process, runs its line on a thread, takes it down. */
#include "ctl/own.h"

#include <errno.h>
#include <ftw.h>
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/ctl.h"
#include "http/station.h"
#include "os/file.h"
#include "os/log.h"

#define ADDRESS_MAX 64

struct own {
	struct station station;
	char folder[64]; /* removed at the end; "": none */
	pthread_t line;
	bool running;
};

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void remove_folder(struct own *o)
{
	if (o->folder[0])
		nftw(o->folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A configuration of nobody's: what is written leaves no record, and any recipe will do. */
static bool make_folder(struct own *o, const char *boards_folder, struct err *e)
{
	char path[80], text[2 * CONF_PATH_SIZE];
	const char *base = getenv("TMPDIR");
	int used = snprintf(o->folder, sizeof o->folder, "%s/romline-XXXXXX", base && *base == '/' ? base : "/tmp");
	if (used < 0 || (size_t)used >= sizeof o->folder || !mkdtemp(o->folder)) {
		o->folder[0] = '\0';
		return err_sys(e, CODE_FILE_FAILED, errno, "cannot make a folder for temporary files");
	}
	snprintf(path, sizeof path, "%s/trust", o->folder);
	if (!file_make_folder(path, true, e))
		return false;
	used = snprintf(text, sizeof text,
	    "[station]\nname = unrecorded\nstate_dir = %s/state\nboards = %s\n[recipes]\ntrust = %s\n"
	    "[program]\nallow_unsigned = yes\n",
	    o->folder, boards_folder, path);
	return conf_parse(span_of(text, (size_t)used), "stationctl", "unrecorded", &o->station.conf, e);
}

static void *run_line(void *station)
{
	struct err e = ERR_INIT;
	if (!station_run(station, &e))
		log_error("%s", e.msg);
	return NULL;
}

static bool start_thread(struct own *o, struct err *e)
{
	struct line *line = o->station.line;
	if (pthread_create(&o->line, NULL, run_line, &o->station))
		return err_set(e, CODE_NO_MEMORY, "cannot start a thread");
	o->running = true;
	/* answered behind the arrivals of all that is plugged in */
	line_order(line, LINE_MAX_SLOTS + 1, SLOT_ENABLE, NULL, NULL);
	return true;
}

static bool read_address(const struct own *o, char url[80], struct err *e)
{
	char path[CONF_PATH_SIZE + 32];
	AUTO_FREE uint8_t *text = NULL;
	size_t size;
	if (!file_join(path, sizeof path, o->station.conf.state_dir, "http.address", e) ||
	    !file_read(path, ADDRESS_MAX, &text, &size, e))
		return false;
	snprintf(url, 80, "http://%.*s", (int)strcspn((char *)text, "\n"), (char *)text);
	return true;
}

bool own_start(const char *conf, const char *boards_folder, char url[80], struct own **out, struct err *e)
{
	struct own *o = calloc(1, sizeof *o);
	*out = o;
	if (!o)
		return err_set(e, CODE_NO_MEMORY, "no memory for a station");
	struct station *s = &o->station;
	s->bench = true;
	log_setup(LOG_ERR, LOG_TEXT);
	station_block_signals();
	bool good = sodium_init() >= 0 && (conf ? conf_load(conf, &s->conf, e) : make_folder(o, boards_folder, e));
	if (good) {
		snprintf(s->conf.listen, sizeof s->conf.listen, "127.0.0.1:0");
		s->conf.tls_cert[0] = s->conf.tls_key[0] = '\0'; /* nobody else is asked in */
		good = station_read_rules(s, e) && station_start(s, e) && start_thread(o, e) && read_address(o, url, e);
	}
	if (good)
		return true;
	own_stop(o);
	*out = NULL;
	return false;
}

void own_stop(struct own *o)
{
	if (!o)
		return;
	if (o->running) {
		line_stop(o->station.line);
		pthread_join(o->line, NULL);
	}
	station_take_down(&o->station);
	remove_folder(o);
	free(o);
}
