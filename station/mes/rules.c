/* From configuration to rules; signing. */
#include "mes/rules.h"

#include "base/hex.h"
#include "base/version.h"
#include "journal/kinds.h"
#include "os/file.h"

#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static bool url_fits(const char *key, const char *url, struct err *e)
{
	bool known = !strncmp(url, "http://", 7) || !strncmp(url, "https://", 8);
	return !*url || (known && !strchr(url, ' ')) ||
	       err_set(e, CODE_CONFIG_INVALID, "[mes] %s must begin with http:// or https://", key);
}

/* Who may read the secret may speak as the station. */
static bool read_secret(const char *path, struct mes_rules *r, struct err *e)
{
	AUTO_FREE uint8_t *text = NULL;
	size_t size;
	struct stat st;
	if (!file_read(path, SECRET_MAX, &text, &size, e))
		return err_prefix(e, "[mes] secret");
	if (stat(path, &st) || st.st_mode & (S_IROTH | S_IWOTH | S_IWGRP))
		return err_set(e, CODE_CONFIG_INVALID, "[mes] secret: %.150s may be read or changed by others", path);
	while (size && (text[size - 1] == '\n' || text[size - 1] == '\r'))
		size--;
	if (size < SECRET_MIN)
		return err_set(e, CODE_CONFIG_INVALID, "[mes] secret must have %d bytes or more", SECRET_MIN);
	memcpy(r->secret, text, size);
	r->secret_size = size;
	return true;
}

static bool read_kinds(const char *text, struct mes_rules *r, struct err *e)
{
	while (*(text += strspn(text, ", "))) {
		size_t n = strcspn(text, ", ");
		char kind[32];
		snprintf(kind, sizeof kind, "%.*s", (int)(n < 31 ? n : 31), text);
		if (n > 31 || !kind_known(kind) || !strncmp(kind, "mes-", 4) || kind_secret(kind))
			return err_set(e, CODE_CONFIG_INVALID, "[mes] events: there is no event '%.32s'", kind);
		if (r->kind_count == EVENT_KINDS)
			return err_set(e, CODE_CONFIG_INVALID, "[mes] events: more than %d", EVENT_KINDS);
		memcpy(r->kinds[r->kind_count++], kind, sizeof kind);
		text += n;
	}
	return true;
}

bool mes_rules_read(const struct conf *conf, struct mes_rules *out, struct err *e)
{
	*out = (struct mes_rules){ .station = conf->name,
		.webhook = conf->mes_webhook,
		.interlock_url = conf->mes_interlock_url,
		.ca = conf->mes_ca[0] ? conf->mes_ca : NULL,
		.interlock = conf->mes_interlock,
		.deadline_ms = conf->mes_deadline * 1000,
		.retry_max_ms = (int64_t)conf->mes_retry_max * 1000 };
	if (!url_fits("webhook", out->webhook, e) || !url_fits("interlock_url", out->interlock_url, e))
		return false;
	if (out->interlock != INTERLOCK_OFF && !*out->interlock_url)
		return err_set(e, CODE_CONFIG_INVALID, "[mes] interlock needs an interlock_url");
	return (!conf->mes_secret[0] || read_secret(conf->mes_secret, out, e)) && read_kinds(conf->mes_events, out, e);
}

bool mes_tells(const struct mes_rules *r, const char *kind)
{
	for (unsigned i = 0; i < r->kind_count; i++)
		if (!strcmp(r->kinds[i], kind))
			return true;
	return false;
}

static void add_signature(const struct mes_rules *r, const char *digits, struct span body, char out[96])
{
	crypto_auth_hmacsha256_state state;
	uint8_t mac[crypto_auth_hmacsha256_BYTES];
	char hex[2 * sizeof mac + 1];
	crypto_auth_hmacsha256_init(&state, r->secret, r->secret_size);
	crypto_auth_hmacsha256_update(&state, (const uint8_t *)digits, strlen(digits));
	crypto_auth_hmacsha256_update(&state, (const uint8_t *)".", 1);
	crypto_auth_hmacsha256_update(&state, body.data, body.size);
	crypto_auth_hmacsha256_final(&state, mac);
	hex_encode(hex, mac, sizeof mac);
	snprintf(out, 96, "Romline-Signature: v1=%s", hex);
}

void mes_sign(
    const struct mes_rules *r, const char *uuid, int64_t now_s, struct mes_headers *room, struct post_request *out)
{
	char digits[24];
	unsigned n = 0;
	snprintf(digits, sizeof digits, "%lld", (long long)now_s);
	snprintf(room->event, sizeof room->event, "Romline-Event: %s", uuid);
	snprintf(room->key, sizeof room->key, "Idempotency-Key: %s", uuid);
	snprintf(room->time, sizeof room->time, "Romline-Time: %s", digits);
	out->headers[n++] = "Content-Type: application/json";
	out->headers[n++] = "User-Agent: romline/" STATION_VERSION;
	out->headers[n++] = room->event;
	out->headers[n++] = room->key;
	out->headers[n++] = room->time;
	if (r->secret_size) {
		add_signature(r, digits, out->body, room->signature);
		out->headers[n++] = room->signature;
	}
	out->headers[n] = NULL;
	out->ca = r->ca;
	out->deadline_ms = r->deadline_ms;
}

void uuid_text(const uint8_t bytes[16], char out[UUID_SIZE])
{
	uint8_t b[16];
	char hex[33];
	memcpy(b, bytes, sizeof b);
	b[6] = (uint8_t)(0x80 | (b[6] & 0x0f));
	b[8] = (uint8_t)(0x80 | (b[8] & 0x3f));
	hex_encode(hex, b, sizeof b);
	snprintf(out, UUID_SIZE, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16, hex + 20);
}
