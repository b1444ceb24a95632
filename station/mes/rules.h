/* How the MES is reached, from [mes] of the configuration; and the signature that each request carries.
 *
 * Headers: Romline-Event (a UUID), Romline-Time (seconds since 1970), Romline-Signature: v1= and 64 hex digits,
 * HMAC-SHA256 with the secret over the time's digits, a full stop and the body. */
#ifndef STATION_MES_RULES_H
#define STATION_MES_RULES_H

#include "mes/post.h"
#include "os/conf.h"

#define SECRET_MIN  16
#define SECRET_MAX  1024
#define UUID_SIZE   37
#define EVENT_KINDS 32

struct mes_rules {
	const char *station;                 /* borrowed, like all texts */
	const char *webhook, *interlock_url; /* "": none */
	const char *ca;                      /* NULL: the system's */
	enum conf_interlock interlock;
	uint32_t deadline_ms;
	int64_t retry_max_ms;
	size_t secret_size; /* 0: none, nothing is signed */
	uint8_t secret[SECRET_MAX];
	unsigned kind_count;
	char kinds[EVENT_KINDS][32]; /* of rows that are told */
};

/* config-invalid names the key; file-failed for the secret. */
bool mes_rules_read(const struct conf *conf, struct mes_rules *out, struct err *e);
bool mes_tells(const struct mes_rules *r, const char *kind);

/* Room for the headers of a request, which point into it. */
struct mes_headers {
	char event[64], time[48], signature[96], key[64];
};
/* Fills the request's URL-independent parts: headers, deadline, authority.  now_s: seconds since 1970. */
void mes_sign(
    const struct mes_rules *r, const char *uuid, int64_t now_s, struct mes_headers *room, struct post_request *out);
/* A UUID of version 8 (RFC 9562) from the first 16 of these bytes. */
void uuid_text(const uint8_t bytes[16], char out[UUID_SIZE]);

#endif
