/* The proof of one attempt, for whoever has no access to the station: the rows of the journal from its first one to the
 * first signed checkpoint behind its last, and that checkpoint.  Checked offline, it shows that the station's key stood
 * for exactly these rows; what it cannot show is that the key is the station's (hold it against one that came another
 * way), and that the station told the truth.
 *
 *   {"format":"romline.proof.1","station":NAME,"attempt":"ID","public_key":BASE64,"prev":HEX,"rows":[BODY,...],
 *    "checkpoint":{"text":TEXT,"signature":BASE64}}
 *
 * rows are the exact texts that were hashed; the first one's number is the attempt's id, each next one's is one more,
 * and prev is the hash of the row before the first (chain.h). */
#ifndef STATION_JOURNAL_PROOF_H
#define STATION_JOURNAL_PROOF_H

#include "journal/key.h"
#include "journal/query.h"
#include "journal/verify.h"

#define PROOF_ROWS  50000
#define PROOF_BYTES (64u << 20)
#define PROOF_TEXT  129

/* not-found; too-large; conflict when the attempt has not ended, or, with *unsigned_yet, when no checkpoint covers it.
 */
bool query_proof(struct journal_reader *r, int64_t attempt, char **json, bool *unsigned_yet, struct err *e);

struct proof_report {
	enum verify_result result; /* INTACT, UNREADABLE, TAMPERED or BADLY_SIGNED */
	int64_t attempt, rows;
	bool own_key; /* nobody named a key: the one in the proof was taken */
	char key[BASE64_KEY_SIZE];
	char station[STATION_NAME_SIZE], signed_at[TIME_TEXT_SIZE];
	/* what the rows say of the attempt; "" is null */
	char uid[PROOF_TEXT], order[PROOF_TEXT], recipe[PROOF_TEXT], operator[PROOF_TEXT];
	char started_at[PROOF_TEXT], ended_at[PROOF_TEXT], verdict[PROOF_TEXT], code[PROOF_TEXT];
	char message[200]; /* what is wrong; "" when intact */
};

/* public NULL: the proof's own.  Pure. */
void proof_check(struct span text, const uint8_t *public, struct proof_report *out);

#endif
