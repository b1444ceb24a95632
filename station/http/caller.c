/* Finds out who asks. */
#include "http/caller.h"

#include "format/json.h"
#include "http/api.h"
#include "journal/journal.h"
#include "os/clock.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* RFC 6265: pairs "name=value", separated by "; ". */
bool cookie_number(const char *cookies, const char *name, char out[], size_t size)
{
	size_t length = strlen(name);
	for (const char *at = cookies; at && *at; at += strcspn(at, ";"), at += strspn(at, "; ")) {
		if (strncmp(at, name, length) != 0 || at[length] != '=')
			continue;
		const char *value = at + length + 1;
		size_t n = strcspn(value, ";");
		if (n >= size)
			return false;
		memcpy(out, value, n);
		out[n] = '\0';
		return n > 0;
	}
	return false;
}

/* "Bearer TOKEN", RFC 6750; NULL: another scheme. */
static const char *bearer(const char *authorization)
{
	static const char scheme[] = "Bearer ";
	return strncasecmp(authorization, scheme, sizeof scheme - 1) ? NULL : authorization + sizeof scheme - 1;
}

static bool scopes_of(const char *json, rights *out, struct err *e)
{
	rights set = 0;
	AUTO_JSON struct cJSON *list = json_parse(span_of(json, strlen(json)), e);
	if (!list) /* what the journal holds is sound, so it is the machine */
		return err_set(e, CODE_NO_MEMORY, "no memory for a token's scopes");
	for (const struct cJSON *i = json_first(list); i; i = json_after(i)) {
		enum right right = json_text(i) ? right_from_name(json_text(i)) : RIGHT_NOBODY;
		if (right != RIGHT_NOBODY)
			set |= 1u << right;
	}
	*out = set;
	return true;
}

static bool by_token(struct http *h, const char *token, struct caller *out, struct err *e)
{
	char hash[SECRET_HASH];
	struct journal_token found;
	int64_t expires = 0, now = journal_station_time(h->o.journal);
	out->known = true;
	if (secret_equal(token, h->local_token)) {
		snprintf(out->who.by, sizeof out->who.by, "local");
		out->rights = RIGHTS_ALL;
		return true;
	}
	secret_hash(token, hash);
	if (!journal_token(h->reader, hash, &found, e))
		return false;
	if (!found.known)
		return err_set(e, CODE_TOKEN_INVALID, "there is no such token");
	if (found.revoked)
		return err_set(e, CODE_TOKEN_INVALID, "the token %s was revoked", found.name);
	if (!time_parse(found.expires_at, &expires) || expires <= now)
		return err_set(e, CODE_TOKEN_INVALID, "the token %s was good until %s", found.name, found.expires_at);
	snprintf(out->who.by, sizeof out->who.by, "token:%s", found.name);
	if (!scopes_of(found.scopes, &out->rights, e))
		return false;
	out->tag = TAG_TOKEN(found.id);
	out->until = clock_mono_ms() + (expires - now);
	return true;
}

static void by_session(struct http *h, const struct head *head, struct caller *out)
{
	char number[SECRET_TEXT];
	struct session found;
	bool active = !head->background;
	if (!cookie_number(head->cookie, h->cookie, number, sizeof number) ||
	    !sessions_find(&h->sessions, number, clock_mono_ms(), active, &found))
		return;
	snprintf(out->who.by, sizeof out->who.by, "%s", found.name);
	out->known = out->is_person = true;
	out->role = found.role;
	out->rights = role_rights(found.role);
	out->session = found.id;
	out->tag = TAG_SESSION(found.id);
	out->until = found.began + h->sessions.whole_ms;
	if (active && found.role == ROLE_SUPERVISOR) /* still at the line */
		session_line_changed(h);
}

bool caller_find(struct http *h, const struct head *head, struct caller *out, struct err *e)
{
	out->rights = h->login_required ? 0 : RIGHTS_ALL;
	if (head->authorization) {
		const char *token = bearer(head->authorization);
		return token ? by_token(h, token, out, e)
			     : err_set(e, CODE_TOKEN_INVALID, "the only Authorization here is Bearer");
	}
	if (head->cookie)
		by_session(h, head, out);
	return true;
}

bool caller_may(const struct caller *c, enum right right, struct err *e)
{
	if (rights_have(c->rights, right))
		return true;
	if (!c->known)
		return err_set(e, CODE_LOGIN_NEEDED, "nobody is logged in");
	return err_set(e, CODE_FORBIDDEN, "%s may not do this; it needs the right '%s'", c->who.by,
	    right >= RIGHT_READ ? right_name(right) : "none");
}
