/* Finds the station of a configuration, and the token in its state directory. */
#include "ctl/local.h"

#include "ctl/own.h"
#include "os/address.h"
#include "os/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 128

/* A file of one short line; "" when it is missing. */
static bool read_line(const struct conf *conf, const char *name, char out[TEXT_MAX], struct err *e)
{
	char path[CONF_PATH_SIZE + 32];
	AUTO_FREE uint8_t *text = NULL;
	size_t size;
	struct err why = ERR_INIT;
	out[0] = '\0';
	if (!file_join(path, sizeof path, conf->state_dir, name, e))
		return false;
	if (!file_read(path, TEXT_MAX - 1, &text, &size, &why))
		return true;
	snprintf(out, TEXT_MAX, "%.*s", (int)strcspn((char *)text, "\n"), (char *)text);
	return true;
}

/* Of an address that stands for all of them, the one of this machine. */
static void set_url(struct local *c, const char *address)
{
	bool tls = *c->station.tls_cert != '\0';
	const char *port = strrchr(address, ':');
	bool all = !strncmp(address, "0.0.0.0:", 8), six = !strncmp(address, "[::]:", 5);
	snprintf(c->url, sizeof c->url, "http%s://%s%s", tls ? "s" : "",
	    all   ? "127.0.0.1"
	    : six ? "[::1]"
		  : "",
	    all || six ? port : address);
}

static bool read_token(struct local *c, struct live *l, struct err *e)
{
	char text[TEXT_MAX];
	if (!read_line(&c->station, "local.token", text, e))
		return false;
	if (!*text)
		return err_set(e, CODE_FILE_FAILED, "cannot read %.150s/local.token", c->station.state_dir);
	snprintf(c->token, sizeof c->token, "%.79s", text);
	l->token = c->token;
	l->url = c->url;
	return true;
}

/* The file may be of a daemon that was killed: then nobody answers there. */
static bool is_answered(struct live *l)
{
	const struct live_request r = { .method = "GET", .path = "/session" };
	struct live_answer a;
	struct err why = ERR_INIT;
	bool answered = live_call(l, &r, &a, &why);
	live_clear(&a);
	return answered;
}

bool local_begin(struct local *c, struct live *l, struct err *e)
{
	char address[TEXT_MAX], own_url[80];
	if (!c->conf)
		return true;
	if (!conf_load(c->conf, &c->station, e) || !read_line(&c->station, "http.address", address, e))
		return false;
	if (*address) {
		set_url(c, address);
		l->pinned = *c->station.tls_cert ? c->station.tls_cert : NULL;
		if (read_token(c, l, e) && is_answered(l))
			return true;
		*e = (struct err)ERR_INIT;
	}
	l->pinned = NULL;
	if (!own_start(c->conf, NULL, own_url, &c->own, e))
		return false;
	snprintf(c->url, sizeof c->url, "%s", own_url);
	return read_token(c, l, e);
}

void local_end(struct local *c)
{
	own_stop(c->own);
	c->own = NULL;
}
