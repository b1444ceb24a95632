/* Every key of station.conf: where it stands, what it may be, what it is when left out, and what it means. */
#include "os/address.h"
#include "os/conf_private.h"

#include <errno.h>
#include <stdio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum type {
	TYPE_TEXT,   /* characters of `words`, at least `min` of them */
	TYPE_PATH,   /* any printable characters, at least `min` of them */
	TYPE_LISTEN, /* address and port */
	TYPE_NUMBER, /* unsigned, min to max */
	TYPE_WORD,   /* an enum: one of `words`, by index */
	TYPE_SWITCH  /* bool: yes or no */
};

#define NAME_CHARS   "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"
#define LISTEN_CHARS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-:[]"
#define ROLE_CHARS   "abcdefghijklmnopqrstuvwxyz0123456789-, "
#define KIND_CHARS   "abcdefghijklmnopqrstuvwxyz-, "
#define FIELD(f)     offsetof(struct conf, f), sizeof(((struct conf *)0)->f)

static const struct key {
	const char *section, *key;
	enum type type;
	size_t offset, size;
	const char *fallback;
	unsigned min, max;
	const char *words; /* "a|b|c", or the characters of a text */
	const char *help;
} keys[] = {
	{ "station", "name", TYPE_TEXT, FIELD(name), "", 0, 0, NAME_CHARS,
	    "The station's name in the journal and in every record. Empty: the host's name." },
	{ "station", "state_dir", TYPE_PATH, FIELD(state_dir), "/var/lib/romline", 1, 0, NULL,
	    "The journal, the recipes and the station's key live here; made with mode 0700." },
	{ "station", "line", TYPE_PATH, FIELD(line), "auto", 1, 0, NULL,
	    "The file that gives each USB path its slot (stationctl line teach writes one; examples are in\n"
	    "/usr/local/share/romline/lines), or auto: slots in the order in which paths first appear." },
	{ "station", "boards", TYPE_PATH, FIELD(boards), "/usr/local/share/romline/boards", 1, 0, NULL,
	    "The folder of board files." },
	{ "station", "openocd", TYPE_PATH, FIELD(openocd), "/usr/local/share/romline/openocd", 1, 0, NULL,
	    "The folder of OpenOCD's target configurations, for slots that have a debug probe." },
	{ "http", "listen", TYPE_LISTEN, FIELD(listen), "127.0.0.1:8080", 1, 0, LISTEN_CHARS,
	    "Where the dashboard and the REST interface listen: 127.0.0.1, [::1] or localhost, and a port. Port 0:\n"
	    "any; the real one goes to state_dir/http.address. A socket passed by LISTEN_FDS wins. Any other address\n"
	    "([::] and 0.0.0.0 are all of them) needs tls_cert, tls_key and [people] login = required." },
	{ "http", "names", TYPE_TEXT, FIELD(names), "", 0, 0, LISTEN_CHARS ", ",
	    "The names and addresses by which browsers and programs call the station, beside those of loopback:\n"
	    "station1.example,192.0.2.7. A request for any other host is refused." },
	{ "http", "tls_cert", TYPE_PATH, FIELD(tls_cert), "", 0, 0, NULL,
	    "The certificate, with what leads to its authority, as PEM. Empty: no TLS. A new one counts after a "
	    "restart." },
	{ "http", "tls_key", TYPE_PATH, FIELD(tls_key), "", 0, 0, NULL,
	    "Its key, as PEM without a passphrase, in a file that not everybody may read." },
	{ "people", "login", TYPE_WORD, FIELD(login), "none", 0, 0, "none|required",
	    "Must one log in? none, on loopback only: who has not logged in may do everything. required: by badge, "
	    "PIN\n"
	    "or token (stationctl people, stationctl token), and then what one's role allows." },
	{ "people", "idle_minutes", TYPE_NUMBER, FIELD(idle_minutes), "30", 0, 1440, NULL,
	    "After so long without anything that a person did, one is logged out; not operators, whose hands are at "
	    "the\n"
	    "fixture. 0: never." },
	{ "people", "session_hours", TYPE_NUMBER, FIELD(session_hours), "12", 1, 168, NULL,
	    "After so long one is logged out in any case." },
	{ "recipes", "trust", TYPE_PATH, FIELD(trust), "/etc/romline/trust", 1, 0, NULL,
	    "The folder of public keys whose signatures count." },
	{ "recipes", "require_roles", TYPE_TEXT, FIELD(require_roles), "", 0, 0, ROLE_CHARS,
	    "Roles that must have signed, each with a key of its own: release,quality. Empty: any trusted key." },
	{ "recipes", "approvals", TYPE_NUMBER, FIELD(approvals), "0", 0, 2, NULL,
	    "How many different people must approve a recipe before it can be activated. 0: a recipe that comes in "
	    "with\n"
	    "good signatures is in use at once. What was in use before stays so." },
	{ "program", "delta", TYPE_WORD, FIELD(delta), "auto", 0, 0, "auto|yes|no",
	    "Compare before writing and skip what is equal. auto: stop comparing after 4 differing units in a row." },
	{ "program", "retries", TYPE_NUMBER, FIELD(retries), "1", 0, 5, NULL,
	    "How often an attempt tries again by itself after trouble that a retry may cure: 0 to 5." },
	{ "program", "already_passed", TYPE_WORD, FIELD(already_passed), "refuse", 0, 0, "refuse|ask|allow",
	    "What to do with a camera that has passed this recipe before." },
	{ "program", "hold_after", TYPE_NUMBER, FIELD(hold_after), "3", 0, 1000, NULL,
	    "So many equal troubles in a row disable the slot, or hold the batch when they came from several slots.\n"
	    "0: never." },
	{ "program", "swd_readback", TYPE_WORD, FIELD(swd_readback), "full", 0, 0, "full|sampled|none",
	    "Over SWD, how much is read back over the wire beside what the camera's own core reports." },
	{ "program", "swd_driver", TYPE_WORD, FIELD(swd_driver), "agent", 0, 0, "agent|stock",
	    "Over SWD, what works on flash: the agent in the camera's RAM, or only OpenOCD's own drivers." },
	{ "program", "allow_unsigned", TYPE_SWITCH, FIELD(allow_unsigned), "no", 0, 0, NULL,
	    "Accept recipes that carry no signature at all. For development only." },
	{ "journal", "checkpoints", TYPE_PATH, FIELD(checkpoints), "", 0, 0, NULL,
	    "A file to which every signed checkpoint is appended; best on another machine. Empty: none." },
	{ "mes", "webhook", TYPE_PATH, FIELD(mes_webhook), "", 0, 0, NULL,
	    "Where the MES is told what happens: an http:// or https:// address. Empty: it is not told." },
	{ "mes", "events", TYPE_TEXT, FIELD(mes_events),
	    "attempt-started, attempt-ended, attempt-refused, batch-opened, batch-held, batch-resumed, batch-closed", 0,
	    0, KIND_CHARS, "Which of the journal's rows it is told." },
	{ "mes", "secret", TYPE_PATH, FIELD(mes_secret), "", 0, 0, NULL,
	    "A file with 16 bytes or more that only the station and the MES know: requests are signed with it.\n"
	    "Empty: they are not." },
	{ "mes", "ca", TYPE_PATH, FIELD(mes_ca), "", 0, 0, NULL,
	    "A file of certificate authorities to know the MES by. Empty: the system's." },
	{ "mes", "deadline", TYPE_NUMBER, FIELD(mes_deadline), "10", 1, 60, NULL,
	    "How many seconds one question to the MES or one event may take." },
	{ "mes", "retry_max", TYPE_NUMBER, FIELD(mes_retry_max), "300", 1, 3600, NULL,
	    "The longest pause in seconds between two tries at an event; they begin at one second and double." },
	{ "mes", "interlock", TYPE_WORD, FIELD(mes_interlock), "off", 0, 0, "off|refuse|allow",
	    "Ask the MES whether a unit may be built here now, before anything is erased; and what to do when it\n"
	    "gives no answer: refuse the unit, or allow it and mark the attempt." },
	{ "mes", "interlock_url", TYPE_PATH, FIELD(mes_interlock_url), "", 0, 0, NULL,
	    "Where it is asked: an http:// or https:// address." },
	{ "numbers", "serial", TYPE_WORD, FIELD(serials), "off", 0, 0, "off|pool|mes|scan",
	    "Which serial a unit gets that has none: the next free one of the pool (or the one that was scanned\n"
	    "for it), the one that the MES answers to the interlock, or one that must be scanned. Units of a batch\n"
	    "with a list of serials get one of that list: with off and pool the next free one." },
	{ "numbers", "mac", TYPE_WORD, FIELD(macs), "off", 0, 0, "off|pool|mes", "The same for a MAC number." },
	{ "shift", "challenge", TYPE_PATH, FIELD(challenge), "", 0, 0, NULL,
	    "A JSON file of units and the verdicts that they must show before anything is built in a shift:\n"
	    "see stationd(8). Empty: no shifts are kept." },
	{ "shift", "hours", TYPE_NUMBER, FIELD(shift_hours), "12", 1, 24, NULL,
	    "After so many hours a shift is over by itself." },
	{ "label", "command", TYPE_PATH, FIELD(label_command), "", 0, 0, NULL,
	    "Prints the label of a unit that passed: a program's path and its arguments, split at blanks, no shell.\n"
	    "{serial} {mac} {uid} {order} {batch} {recipe} {board} {slot} {station} {attempt} {at} are filled in." },
	{ "label", "deadline", TYPE_NUMBER, FIELD(label_deadline), "10", 1, 60, NULL, "How many seconds it may take." },
	{ "log", "level", TYPE_WORD, FIELD(level), "info", 0, 0, "error|warning|info|debug",
	    "The least important lines that are still written." },
	{ "log", "format", TYPE_WORD, FIELD(format), "text", 0, 0, "text|json", "How a line looks." },
};
#define KEY_COUNT (int)(sizeof keys / sizeof *keys)
_Static_assert(sizeof keys / sizeof *keys <= CONF_KEY_LIMIT, "conf.c keeps a bit per key");
_Static_assert(sizeof(enum conf_delta) == sizeof(unsigned) && sizeof(enum conf_passed) == sizeof(unsigned) &&
		   sizeof(enum conf_readback) == sizeof(unsigned) && sizeof(enum conf_interlock) == sizeof(unsigned) &&
		   sizeof(enum conf_swd_driver) == sizeof(unsigned) && sizeof(enum conf_login) == sizeof(unsigned) &&
		   sizeof(enum conf_numbers) == sizeof(unsigned) && sizeof(enum log_level) == sizeof(unsigned) &&
		   sizeof(enum log_format) == sizeof(unsigned),
    "words are stored as unsigned");

static bool bad(struct err *e, const struct key *k, const char *what)
{
	return err_set(e, CODE_CONFIG_INVALID, "%s must be %s", k->key, what);
}

static bool set_string(const struct key *k, char *field, const char *value, struct err *e)
{
	size_t size = strlen(value);
	if (size < k->min)
		return bad(e, k, "given");
	if (size >= k->size)
		return err_set(e, CODE_CONFIG_INVALID, "%s must have fewer than %zu characters", k->key, k->size);
	if (k->type == TYPE_TEXT && value[strspn(value, k->words)])
		return err_set(e, CODE_CONFIG_INVALID, "%s has a character that is not allowed there", k->key);
	memcpy(field, value, size + 1);
	return true;
}

/* Decimal digits only. */
static bool parse_number(const char *text, unsigned max, unsigned *out)
{
	unsigned v = 0;
	if (!*text || strlen(text) > 6 || text[strspn(text, "0123456789")])
		return false;
	for (; *text; text++)
		v = v * 10 + (unsigned)(*text - '0');
	*out = v;
	return v <= max;
}

static bool set_number(const struct key *k, void *field, const char *value, struct err *e)
{
	unsigned v;
	if (!parse_number(value, k->max, &v) || v < k->min)
		return err_set(e, CODE_CONFIG_INVALID, "%s must be a number from %u to %u", k->key, k->min, k->max);
	memcpy(field, &v, sizeof v);
	return true;
}

/* Index of a word in "a|b|c", -1 when it is none of them. */
static int word_index(const char *words, const char *value)
{
	size_t size = strlen(value);
	for (int i = 0;; i++) {
		size_t n = strcspn(words, "|");
		if (n == size && !memcmp(words, value, n))
			return i;
		if (!words[n])
			return -1;
		words += n + 1;
	}
}

static bool set_word(const struct key *k, void *field, const char *value, struct err *e)
{
	int i = word_index(k->words, value);
	if (i < 0)
		return bad(e, k, k->words);
	unsigned v = (unsigned)i;
	memcpy(field, &v, sizeof v);
	return true;
}

static bool set_switch(const struct key *k, void *field, const char *value, struct err *e)
{
	int i = word_index("no|yes", value);
	if (i < 0)
		return bad(e, k, "yes or no");
	bool v = i == 1;
	memcpy(field, &v, sizeof v);
	return true;
}

static bool set_listen(const struct key *k, char *field, const char *value, struct err *e)
{
	struct sockaddr_storage address;
	socklen_t size;
	return address_parse(value, &address, &size, NULL)
		   ? set_string(k, field, value, e)
		   : bad(e, k, "127.0.0.1:PORT, [::1]:PORT, localhost:PORT or another numeric address and port");
}

bool conf_key_set(struct conf *conf, int index, const char *value, struct err *e)
{
	const struct key *k = &keys[index];
	void *field = (char *)conf + k->offset;
	switch (k->type) {
	case TYPE_TEXT:
	case TYPE_PATH:
		return set_string(k, field, value, e);
	case TYPE_LISTEN:
		return set_listen(k, field, value, e);
	case TYPE_NUMBER:
		return set_number(k, field, value, e);
	case TYPE_WORD:
		return set_word(k, field, value, e);
	case TYPE_SWITCH:
		return set_switch(k, field, value, e);
	}
	return err_set(e, CODE_INTERNAL, "%s has no type", k->key);
}

void conf_defaults(struct conf *conf)
{
	memset(conf, 0, sizeof *conf);
	for (int i = 0; i < KEY_COUNT; i++)
		/* a test holds that every default is a legal value */
		conf_key_set(conf, i, keys[i].fallback, NULL);
}

bool conf_section_known(const char *section)
{
	for (int i = 0; i < KEY_COUNT; i++)
		if (!strcmp(keys[i].section, section))
			return true;
	return false;
}

int conf_key_find(const char *section, const char *key)
{
	for (int i = 0; i < KEY_COUNT; i++)
		if (!strcmp(keys[i].section, section) && !strcmp(keys[i].key, key))
			return i;
	return -1;
}

/* Printing. */

static void print_help(const struct key *k, FILE *out)
{
	fputs("# ", out);
	for (const char *c = k->help; *c; c++) {
		fputc(*c, out);
		if (*c == '\n')
			fputs("# ", out);
	}
	if (k->type == TYPE_WORD || k->type == TYPE_SWITCH)
		fprintf(out, " (%s)", k->type == TYPE_WORD ? k->words : "yes|no");
	fputc('\n', out);
}

static void print_word(const char *words, unsigned index, FILE *out)
{
	while (index--)
		words += strcspn(words, "|") + 1;
	fprintf(out, " = %.*s\n", (int)strcspn(words, "|"), words);
}

static void print_value(const struct key *k, const struct conf *conf, FILE *out)
{
	const char *field = (const char *)conf + k->offset;
	unsigned v;
	bool on;
	switch (k->type) {
	case TYPE_TEXT:
	case TYPE_PATH:
	case TYPE_LISTEN:
		fprintf(out, *field ? " = %s\n" : " =%s\n", field);
		return;
	case TYPE_NUMBER:
		memcpy(&v, field, sizeof v);
		fprintf(out, " = %u\n", v);
		return;
	case TYPE_WORD:
		memcpy(&v, field, sizeof v);
		print_word(k->words, v, out);
		return;
	case TYPE_SWITCH:
		memcpy(&on, field, sizeof on);
		fprintf(out, " = %s\n", on ? "yes" : "no");
		return;
	}
}

void conf_keys_print(const struct conf *conf, FILE *out)
{
	const char *section = "";
	for (int i = 0; i < KEY_COUNT; i++) {
		if (strcmp(section, keys[i].section) != 0)
			fprintf(out, "%s[%s]\n", i ? "\n" : "", keys[i].section);
		section = keys[i].section;
		print_help(&keys[i], out);
		fputs(keys[i].key, out);
		print_value(&keys[i], conf, out);
	}
}
