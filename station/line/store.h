/* The daemon's recipes: intake, verification, and the stored ones mapped into memory.
 *
 * A recipe streams into STATE/recipes/ under a temporary name; it is then synced, made read-only (0400), opened anew
 * for reading, and verified as a whole through that descriptor's mapping, which is also what cameras are programmed
 * from. Only an accepted recipe gets its name, <SHA-256 of B>.img.  A stored_recipe never changes; a new set of
 * signatures makes a new one in its place.  All functions may be called from any thread. */
#ifndef STATION_LINE_STORE_H
#define STATION_LINE_STORE_H

#include "line/intake.h"

#define STORE_MAX_RECIPES 4096u

struct recipe_store;

struct store_options {
	const char *state_dir;           /* copied; recipes/, inbox/ and inbox/refused/ are made below it */
	const struct board_set *boards;  /* borrowed for the store's life */
	const struct trust *trust;       /* borrowed for the store's life */
	const struct role_list *require; /* copied */
	bool allow_unsigned;             /* a recipe without any signature needs none */
};

/* A stored_recipe (intake.h) is read-only for everybody and held by reference.  NULL in, NULL out. */
struct stored_recipe *stored_recipe_hold(struct stored_recipe *r);
void stored_recipe_drop(struct stored_recipe *r); /* accepts NULL */

/* Told once for each stored recipe that was refused at start; the text names the file. */
typedef void store_report(void *context, const char *file, const struct err *why);
/* Verifies every stored recipe again.  A refused one is kept with its trouble; only a broken folder is a failure. */
bool recipe_store_open(const struct store_options *o, int64_t now_ms, store_report *report, void *context,
    struct recipe_store **out, struct err *e);
/* References that others hold stay good as long as the boards and the trust live.  Accepts NULL. */
void recipe_store_close(struct recipe_store *s);

enum store_outcome { STORE_NEW, STORE_UPDATED, STORE_KNOWN };

/* Intake in pieces: begin, any number of writes, then commit or abandon (both end it).  too-large, file-failed. */
struct store_intake;
bool recipe_store_begin(struct recipe_store *s, struct store_intake **out, struct err *e);
bool recipe_store_write(struct store_intake *in, struct span piece, struct err *e);
/* Every recipe code; on success *out is a reference for the caller. */
bool recipe_store_commit(
    struct store_intake *in, int64_t now_ms, enum store_outcome *outcome, struct stored_recipe **out, struct err *e);
void recipe_store_abandon(struct store_intake *in); /* accepts NULL */
/* The same from a descriptor, read to its end. */
bool recipe_store_add_fd(struct recipe_store *s, int fd, int64_t now_ms, enum store_outcome *outcome,
    struct stored_recipe **out, struct err *e);

/* A reference for the caller; NULL when there is none. */
struct stored_recipe *recipe_store_find(struct recipe_store *s, const uint8_t sha256[SHA256_SIZE]);
/* Up to max references, ordered by SHA-256, behind the one given (NULL: from the first); returns how many. */
unsigned recipe_store_list(struct recipe_store *s, const uint8_t *behind, struct stored_recipe **out, unsigned max);
/* intake_in_force with the store's rules.  Rollback and units are the journal's: recipe_within_limits. */
bool recipe_store_in_force(const struct recipe_store *s, const struct stored_recipe *r, int64_t now_ms, struct err *e);

/* Told for each file taken out of the inbox: r is the stored recipe, or NULL with *why. */
typedef void store_taken(
    void *context, const char *file, enum store_outcome outcome, const struct stored_recipe *r, const struct err *why);
/* Takes every STATE/inbox/NAME.img that nobody holds open for writing; removes it when it was accepted, else moves it
 * to inbox/refused/ with NAME.img.reason beside it.  Write under another name and rename to hand over a file. */
bool recipe_store_scan_inbox(struct recipe_store *s, int64_t now_ms, store_taken *taken, void *context, struct err *e);

#endif
