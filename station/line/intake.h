/* The judgement over one recipe file, from its first byte to its last: the one sequence that the daemon's intake and
 * `stationctl recipe verify` share.
 *
 *   outer form -> identity -> not revoked -> signatures -> manifest and structure -> board -> payloads
 *
 * Nothing behind the signatures is looked at unless they are good.  What depends on the time is a question of its own.
 */
#ifndef STATION_LINE_INTAKE_H
#define STATION_LINE_INTAKE_H

#include "line/boards.h"
#include "line/trust.h"

#define SHA256_TEXT_SIZE (2 * SHA256_SIZE + 1)

/* Everything is borrowed. */
struct intake_rules {
	const struct board_set *boards;
	const struct trust *trust;
	const struct role_list *require;
	bool allow_unsigned; /* a recipe without any signature needs none */
};

/* A recipe and all that was found out about it.  Read-only once filled. */
struct stored_recipe {
	uint8_t sha256[SHA256_SIZE];
	char sha256_text[SHA256_TEXT_SIZE];
	int64_t stored_at;         /* ms since 1970: the file's time; 0 outside the store */
	struct err trouble;        /* not CODE_OK: kept, but must not be used, and only what stands above is filled */
	const struct board *board; /* borrowed from the boards */
	struct recipe_image image; /* borrows the file's bytes */
	struct recipe recipe;      /* owned: read and bound */
	struct signers signers;    /* keys borrowed from the trust */
};

/* Every recipe code but those of time and counters.  The identity is filled as soon as the outer form is right.
 * intake_clear afterwards, also on failure. */
bool intake_examine(const struct intake_rules *rules, struct span file, struct stored_recipe *out, struct err *e);
/* May it be used at this station time?  Its trouble; key-revoked, key-not-in-force, role-missing; too-early, expired.
 */
bool intake_in_force(const struct intake_rules *rules, const struct stored_recipe *r, int64_t now_ms, struct err *e);
void intake_clear(struct stored_recipe *r); /* accepts an all-zero one */

#endif
