/* Lines of station.conf: libinih splits them, this file makes it strict and knows the line numbers. */
#include "os/conf.h"
#include "os/conf_private.h"
#include "os/file.h"
#include "os/text_out.h"

#include <errno.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_SIZE 4096

struct reader {
	const char *at, *end; /* what is left of the text; borrowed */
	const char *source;   /* borrowed */
	unsigned line;        /* of the line that libinih handles now */
	uint64_t seen;        /* a bit per key */
	bool failed;          /* *e is filled */
	struct conf *conf;
	struct err *e;
};

static bool refuse(struct reader *r, const char *why, const char *what)
{
	if (!r->failed)
		err_set(r->e, CODE_CONFIG_INVALID, "%s, line %u: %s%s", r->source, r->line, why, what);
	r->failed = true;
	return false;
}

/* "[section]" and nothing else, of a section that exists. */
static bool check_section(struct reader *r, const char *text, size_t size)
{
	char name[32];
	if (size < 2 || text[size - 1] != ']' || size - 2 >= sizeof name)
		return refuse(r, "a section must be [NAME] and nothing else", "");
	memcpy(name, text + 1, size - 2);
	name[size - 2] = '\0';
	return conf_section_known(name) || refuse(r, "there is no section ", name);
}

/* libinih also takes "key: value", text behind a section, a byte-order mark and more; this is what we take. */
static bool check_line(struct reader *r, const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (((unsigned char)text[i] < ' ' && text[i] != '\t') || text[i] == 0x7f)
			return refuse(r, "a control character", "");
	for (; size && (*text == ' ' || *text == '\t'); text++)
		size--;
	while (size && (text[size - 1] == ' ' || text[size - 1] == '\t'))
		size--;
	if (!size || *text == '#' || *text == ';')
		return true;
	if (*text == '[')
		return check_section(r, text, size);
	const char *equals = memchr(text, '=', size), *colon = memchr(text, ':', size);
	if (!equals || equals == text || (colon && colon < equals))
		return refuse(r, "neither [SECTION] nor KEY = VALUE nor a comment", "");
	return true;
}

/* Hands the next line to libinih, NULL at the end or after a refusal.  A final CR goes with the line's end. */
static char *next_line(char *out, int room, void *context)
{
	struct reader *r = context;
	if (r->failed || r->at == r->end)
		return NULL;
	r->line++;
	const char *stop = memchr(r->at, '\n', (size_t)(r->end - r->at));
	size_t whole = (size_t)((stop ? stop + 1 : r->end) - r->at), size = stop ? whole - 1 : whole;
	if (size && r->at[size - 1] == '\r')
		size--;
	if (room < 3 || size > LINE_SIZE || size > (size_t)room - 2) {
		refuse(r, "too long", "");
		return NULL;
	}
	if (!check_line(r, r->at, size))
		return NULL;
	memcpy(out, r->at, size);
	memcpy(out + size, "\n", 2);
	r->at += whole;
	return out;
}

static int take_pair(void *context, const char *section, const char *key, const char *value)
{
	struct reader *r = context;
	if (r->failed)
		return 0;
	if (!*section)
		return refuse(r, "no section above this key: ", key);
	int index = conf_key_find(section, key);
	if (index < 0)
		return refuse(r, "there is no such key in this section: ", key);
	if (r->seen >> index & 1)
		return refuse(r, "this key stands twice: ", key);
	r->seen |= UINT64_C(1) << index;
	if (strstr(value, " ;") || strstr(value, " #") || strstr(value, "\t;") || strstr(value, "\t#"))
		return refuse(r, "a comment must stand on a line of its own", "");
	struct err e = ERR_INIT;
	return conf_key_set(r->conf, index, value, &e) || refuse(r, e.msg, "");
}

/* libinih keeps its options in globals; the same ones every time. */
static void set_options(void)
{
	ini_allow_multiline = false;
	ini_allow_bom = false;
	ini_allow_inline_comments = false;
	ini_allow_no_value = false;
	ini_stop_on_first_error = true;
	ini_use_stack = false;
	ini_allow_realloc = false;
	ini_initial_alloc = ini_max_line = LINE_SIZE + 8;
}

static bool take_host_name(const char *source, const char *host, struct conf *conf, struct err *e)
{
	if (*conf->name)
		return true;
	struct err why = ERR_INIT;
	if (*host && conf_key_set(conf, conf_key_find("station", "name"), host, &why))
		return true;
	return err_set(
	    e, CODE_CONFIG_INVALID, "%s: the host's name is no station name; give one in [station] name", source);
}

bool conf_parse(struct span text, const char *source, const char *host, struct conf *out, struct err *e)
{
	const char *at = (const char *)text.data;
	struct reader r = { .at = at, .end = text.size ? at + text.size : at, .source = source, .conf = out, .e = e };
	conf_defaults(out);
	set_options();
	int line = ini_parse_stream(next_line, &r, take_pair, &r);
	if (r.failed)
		return false;
	if (line == -2)
		return err_set(e, CODE_NO_MEMORY, "no memory for a line of %s", source);
	if (line)
		return err_set(e, CODE_CONFIG_INVALID, "%s, line %d: not understood", source, line);
	return take_host_name(source, host, out, e);
}

bool conf_load(const char *path, struct conf *out, struct err *e)
{
	AUTO_FREE uint8_t *data = NULL;
	size_t size;
	char host[256] = "";
	if (!file_read(path, CONF_MAX_FILE, &data, &size, e))
		return false;
	if (gethostname(host, sizeof host - 1))
		return err_sys(e, CODE_CONFIG_INVALID, errno, "cannot ask for the host's name");
	return conf_parse(span_of(data, size), path, host, out, e);
}

char *conf_print(const struct conf *conf)
{
	struct text_out text;
	FILE *out = text_begin(&text);
	if (out) {
		fputs(
		    "# Romline station configuration; see stationd(8). Every key, each with its explanation.\n\n", out);
		conf_keys_print(conf, out);
	}
	return text_end(&text, NULL);
}

char *conf_example(void)
{
	struct conf conf;
	conf_defaults(&conf);
	return conf_print(&conf);
}
