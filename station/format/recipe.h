/* The recipe: a signed .img that is itself a ROMFS image.  Reading and checking it; pure.
 *
 *   unsigned image B   D2 CD 31, L in exactly 5 varuint bytes, L bytes of records
 *   signed image       D2 CD 31, L + S in exactly 5 varuint bytes, the same L bytes, S bytes of signature records
 *   signature record   0x53, payload length as a minimal varuint, the four lines of a .minisig (see minisig.h)
 *
 * Records of B: first the file recipe.json (the manifest), then files, directories and padding; no other file than
 * those that a region of the manifest names, no directory that leads to none of them, in a file one data record and
 * padding. Signature records ascend by the eight bytes of their key id as the signature carries them.  A reader that
 * knows nothing of signatures skips them, since their kind (83) is unknown to it.  Identity everywhere is the SHA-256
 * of B. */
#ifndef STATION_FORMAT_RECIPE_H
#define STATION_FORMAT_RECIPE_H

#include "base/digest.h"
#include "format/board.h"
#include "format/minisig.h"
#include "format/plan.h"
#include "format/unit_data.h"
#include "romfs.h"

#define RECIPE_MAX_BYTES      (64u << 20)
#define RECIPE_MAX_MANIFEST   (256u << 10)
#define RECIPE_MAX_SIGNATURES 8
#define RECIPE_MAX_REGIONS    8
#define RECIPE_NAME_SIZE      65
#define RECIPE_VERSION_SIZE   65
#define RECIPE_PATH_SIZE      128
#define RECIPE_HEADER         8  /* bytes of the image header: magic and length */
#define RECIPE_KIND           83 /* of a signature record */
#define RECIPE_FORMAT         "romline.recipe.1"
#define RECIPE_FORMAT_UNIT    "romline.recipe.2" /* the same, and in each region "template": null, or its fields */
#define RECIPE_MANIFEST       "recipe.json"

/* The outer form: where B and the signatures are.  All spans borrowed from the image. */
struct recipe_image {
	struct span file;              /* the whole image as stored */
	uint8_t header[RECIPE_HEADER]; /* of B (its length field differs in the signed file) */
	struct span records;           /* the L bytes that B's header announces */
	unsigned signature_count;
	struct span signatures[RECIPE_MAX_SIGNATURES]; /* four lines each */
	struct minisig parsed[RECIPE_MAX_SIGNATURES];  /* the same, read */
};

struct recipe_identity {
	uint8_t sha256[SHA256_SIZE];
	uint8_t blake2b[MINISIG_HASH_SIZE]; /* what a signature signs */
};

struct recipe_region {
	char partition[24], payload[RECIPE_PATH_SIZE];
	struct region bound; /* image, digests and flags by recipe_read; its partition by recipe_bind */
	uint32_t length;
	bool romfs, tail_blank;
	unsigned misaligned_count;
	const char **misaligned_ok; /* owned; the strings belong to the manifest */
	uint32_t files;             /* files in the ROMFS, counted by recipe_bind */
	unsigned field_count;       /* 0: the payload goes to every unit as it is */
	struct unit_field fields[UNIT_FIELDS_MAX];
};

/* A parsed manifest over an image.  Spans borrow from the image, so the image outlives the recipe. */
struct recipe {
	char name[RECIPE_NAME_SIZE], version[RECIPE_VERSION_SIZE], board[BOARD_ID_SIZE];
	int64_t rollback;
	int64_t not_before, not_after; /* ms since 1970; -1: no limit */
	int64_t units;                 /* -1: no limit */
	bool after_run;                /* after.mode: run, else bootloader */
	bool per_unit;                 /* some region has fields: format romline.recipe.2 */
	unsigned region_count;
	struct recipe_region regions[RECIPE_MAX_REGIONS];
	unsigned warnings;      /* files that are less aligned than their board likes, without being models */
	char warning[160];      /* names the first of them; "" when there is none */
	struct cJSON *manifest; /* owned */
};

/* Outer form only: recipe-malformed, recipe-not-canonical, signature-bad (unknown algorithm). */
bool recipe_split(struct span file, struct recipe_image *out, struct err *e);
/* The one form of an image's header. */
void recipe_put_header(uint8_t out[RECIPE_HEADER], uint32_t length);
/* SHA-256 and BLAKE2b-512 of B without building it. */
bool recipe_identify(const struct recipe_image *image, struct recipe_identity *out, struct err *e);
/* B as a file system: no offset in it reaches a signature. */
void recipe_mount(const struct recipe_image *image, struct romfs *fs);
/* Structure, manifest, and every payload there with its length; everything that needs no board: recipe-malformed,
 * recipe-not-canonical, manifest-invalid, region-overlap (one partition twice), payload-mismatch.  recipe_clear
 * afterwards, also on failure. */
bool recipe_read(const struct recipe_image *image, struct recipe *out, struct err *e);
/* Holds the recipe against its board: partitions, sizes, overlaps, digests of every payload, ROMFS structure and
 * alignment, firmware plausibility; fills the bound regions. */
bool recipe_bind(struct recipe *r, const struct board *b, struct err *e);
/* The fields of a region of the manifest: manifest-invalid. */
bool recipe_template_read(const struct cJSON *region, struct recipe_region *r, struct err *e);
/* Are the fields of a bound region where they can be filled in: no firmware, and in a ROMFS within the bytes of one
 * file each?  manifest-invalid. */
bool recipe_template_fits(const struct recipe_region *r, struct err *e);
/* One payload against the manifest's digests: payload-mismatch. */
bool recipe_payload_matches(const struct recipe_region *r, struct err *e);
void recipe_clear(struct recipe *r); /* accepts an all-zero recipe */

/* What the recipe's limits are held against, from the station's clock and journal. */
struct recipe_use {
	int64_t now_ms;        /* station time */
	int64_t rollback_seen; /* highest rollback with which an attempt of this product reached `written`; -1: none */
	int64_t units_used;    /* distinct units that reached `written` or hold a reservation */
	bool unit_counted;     /* this unit is one of them: a rework counts no second time */
};
/* too-early, expired. */
bool recipe_in_time(const struct recipe *r, int64_t now_ms, struct err *e);
/* The same, and rollback, units-exhausted. */
bool recipe_within_limits(const struct recipe *r, const struct recipe_use *use, struct err *e);

#endif
