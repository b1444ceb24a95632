/* The station's configuration: station.conf, every key of it in one table (conf_table.c), read strictly.
 *
 * An unknown section or key, a key that stands twice, a value out of bounds or a line that is neither is refused with
 * its line number.  What is left out has the default of the table. */
#ifndef STATION_OS_CONF_H
#define STATION_OS_CONF_H

#include "base/err.h"
#include "base/span.h"
#include "os/log.h"

#define CONF_MAX_FILE  65536
#define CONF_PATH_SIZE 1024
#define CONF_NAME_SIZE 64

enum conf_delta { DELTA_AUTO, DELTA_YES, DELTA_NO };
enum conf_passed { PASSED_REFUSE, PASSED_ASK, PASSED_ALLOW };
enum conf_interlock { INTERLOCK_OFF, INTERLOCK_REFUSE, INTERLOCK_ALLOW };
enum conf_login { LOGIN_NONE, LOGIN_REQUIRED };
enum conf_swd_driver { SWD_DRIVER_AGENT, SWD_DRIVER_STOCK };
enum conf_numbers { NUMBERS_OFF, NUMBERS_POOL, NUMBERS_MES, NUMBERS_SCAN };
enum conf_readback { READBACK_FULL, READBACK_SAMPLED, READBACK_NONE };

struct conf {
	/* [station] */
	char name[CONF_NAME_SIZE];
	char state_dir[CONF_PATH_SIZE];
	char line[CONF_PATH_SIZE]; /* "auto" or a file */
	char boards[CONF_PATH_SIZE];
	char openocd[CONF_PATH_SIZE]; /* the folder of target configurations */
	/* [http] */
	char listen[64];
	char names[256]; /* under which the station is called; "": only as an address of loopback */
	char tls_cert[CONF_PATH_SIZE], tls_key[CONF_PATH_SIZE]; /* "": no TLS */
	/* [people] */
	enum conf_login login;
	unsigned idle_minutes, session_hours;
	/* [recipes] */
	char trust[CONF_PATH_SIZE];
	char require_roles[256]; /* "release,quality"; "": any trusted signature will do */
	/* [program] */
	enum conf_delta delta;
	unsigned retries;
	enum conf_passed already_passed;
	unsigned approvals;  /* that a recipe needs before it is used */
	unsigned hold_after; /* 0: never */
	enum conf_readback swd_readback;
	enum conf_swd_driver swd_driver;
	bool allow_unsigned;
	/* [journal] */
	char checkpoints[CONF_PATH_SIZE]; /* "": no file */
	/* [mes] */
	char mes_webhook[CONF_PATH_SIZE]; /* "": nothing is told */
	char mes_events[512];
	char mes_secret[CONF_PATH_SIZE];      /* "": nothing is signed */
	char mes_ca[CONF_PATH_SIZE];          /* "": the system's authorities */
	unsigned mes_deadline, mes_retry_max; /* s */
	enum conf_interlock mes_interlock;
	char mes_interlock_url[CONF_PATH_SIZE];
	/* [numbers] */
	enum conf_numbers serials, macs; /* macs: never NUMBERS_SCAN */
	/* [shift] */
	char challenge[CONF_PATH_SIZE]; /* "": no shifts are kept */
	unsigned shift_hours;
	/* [label] */
	char label_command[CONF_PATH_SIZE]; /* "": none */
	unsigned label_deadline;            /* s */
	/* [log] */
	enum log_level level;
	enum log_format format;
};

/* Reads a file; an empty station name becomes the host's. */
bool conf_load(const char *path, struct conf *out, struct err *e);
/* The same from text; source names it in messages, host is the name to fall back to. */
bool conf_parse(struct span text, const char *source, const char *host, struct conf *out, struct err *e);
/* The configuration as a file that reads back the same, each key with its explanation; the caller frees.  NULL when
 * memory runs out. */
char *conf_print(const struct conf *conf);
/* The same with every default: station.conf.example. */
char *conf_example(void);

#endif
