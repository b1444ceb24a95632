/* The recipe: a signed .img that is itself a ROMFS image.  Reading, checking and writing it; pure.
 *
 * Unsigned image B = D2 CD 31, L in exactly 5 varuint bytes, L bytes.  A signed image is the same with L+S, then S
 * bytes: 1 to 8 signature records (kind 83).  Identity everywhere is the SHA-256 of B. */
#ifndef STATION_FORMAT_RECIPE_H
#define STATION_FORMAT_RECIPE_H

#include "format/board.h"
#include "format/minisig.h"
#include "format/plan.h"
#include "romfs.h"

#define RECIPE_MAX_BYTES      (64u << 20)
#define RECIPE_MAX_SIGNATURES 8
#define RECIPE_MAX_REGIONS    8
#define RECIPE_NAME_SIZE      65
#define RECIPE_VERSION_SIZE   65

/* The outer form: where B and the signatures are.  All spans borrowed from the image. */
struct recipe_image {
	struct span file;      /* the whole image as stored */
	uint8_t header[8];     /* the 8 header bytes of B (its length field differs in the signed file) */
	struct span records;   /* the L bytes that B's header announces */
	unsigned signature_count;
	struct span signatures[RECIPE_MAX_SIGNATURES]; /* four lines each */
};

struct recipe_region {
	char partition[24], payload[128];
	struct region bound;    /* filled by recipe_bind */
	struct digest digest;   /* what the manifest says */
	uint32_t length;
	bool romfs, tail_blank;
	unsigned misaligned_count;
	const char *const *misaligned_ok; /* owned by the recipe */
	uint32_t files;         /* files in the ROMFS, counted by recipe_bind */
};

/* A parsed manifest over an image.  Spans borrow from the image, so the image outlives the recipe. */
struct recipe {
	char name[RECIPE_NAME_SIZE], version[RECIPE_VERSION_SIZE], board[BOARD_ID_SIZE];
	int64_t rollback;
	int64_t not_before, not_after; /* ms since 1970; -1: no limit */
	int64_t units;                 /* -1: no limit */
	bool after_run;                /* after.mode: run, else bootloader */
	uint8_t sha256[SHA256_SIZE];   /* of B */
	unsigned region_count;
	struct recipe_region regions[RECIPE_MAX_REGIONS];
	struct cJSON *manifest;        /* owned */
};

/* Outer form only: recipe-malformed, recipe-not-canonical. */
bool recipe_split(struct span file, struct recipe_image *out, struct err *e);
/* BLAKE2b-512 and SHA-256 of B without building it. */
bool recipe_identity(const struct recipe_image *image, uint8_t sha256[SHA256_SIZE], struct err *e);
/* Structure and manifest; without a board: everything that needs none.  recipe_clear afterwards, also on failure. */
bool recipe_read(const struct recipe_image *image, struct recipe *out, struct err *e);
/* Holds the recipe against its board: partitions, sizes, overlaps, digests of every payload, ROMFS structure and
 * alignment, firmware plausibility; fills the bound regions. */
bool recipe_bind(struct recipe *r, const struct recipe_image *image, const struct board *b, struct err *e);
void recipe_clear(struct recipe *r); /* accepts an all-zero recipe */

#endif
