/* The recipe's outer form: one walk over all records, which allows exactly one encoding, and B's two hashes.
 *
 * The walk is iterative; `end` holds where each open container ends.  Every step advances by at least two bytes, every
 * length is held against its container before it is used. */
#include "format/recipe.h"

#include <sodium.h>
#include <string.h>

#define KIND_PADDING  1
#define KIND_VERBATIM 2
#define KIND_INDIRECT 3
#define KIND_DIR      4
#define KIND_FILE     5
#define HASH_STEP     65536u /* both hashes take a piece while it is in the cache */

static const uint8_t magic[] = { 0xd2, 0xcd, 0x31 };

struct walk {
	const uint8_t *data;
	size_t at;
	unsigned depth; /* open containers; 1: the image itself */
	size_t end[ROMFS_MAX_DEPTH + 2];
	bool in_file, has_data; /* the innermost container is a file; its data record was seen */
};

static bool malformed(size_t at, const char *what, struct err *e)
{
	return err_set(e, CODE_RECIPE_MALFORMED, "%s at byte %zu", what, at);
}

static bool not_canonical(size_t at, const char *what, struct err *e)
{
	return err_set(e, CODE_RECIPE_NOT_CANONICAL, "%s at byte %zu", what, at);
}

/* Any number of leading 0x80, value at most 2^32 - 1; *minimal may be NULL. */
static bool varuint(struct walk *w, uint32_t *value, bool *minimal)
{
	size_t end = w->end[w->depth - 1];
	uint32_t v = 0;
	if (minimal && w->at < end)
		*minimal = w->data[w->at] != 0x80;
	while (w->at < end) {
		uint8_t byte = w->data[w->at++];
		if (v >> 25)
			return false;
		v = v << 7 | (byte & 0x7f);
		if (!(byte & 0x80)) {
			*value = v;
			return true;
		}
	}
	return false;
}

static bool record_header(struct walk *w, uint32_t *kind, uint32_t *length, bool *minimal, struct err *e)
{
	size_t start = w->at;
	if (!varuint(w, kind, NULL) || !varuint(w, length, minimal))
		return malformed(start, "a cut record header", e);
	if (*length > w->end[w->depth - 1] - w->at)
		return malformed(start, "a record longer than its container", e);
	return true;
}

/* Enters a file or directory behind its name. */
static bool enter(struct walk *w, uint32_t kind, uint32_t length, struct err *e)
{
	uint32_t name;
	if (w->depth == ROMFS_MAX_DEPTH + 2)
		return malformed(w->at, "directories nested too deep", e);
	w->end[w->depth] = w->at + length;
	w->depth++;
	if (!varuint(w, &name, NULL) || name > w->end[w->depth - 1] - w->at)
		return malformed(w->at, "a name longer than its record", e);
	w->at += name;
	w->in_file = kind == KIND_FILE;
	w->has_data = false;
	return true;
}

static bool in_file(struct walk *w, size_t start, uint32_t kind, uint32_t length, struct err *e)
{
	bool data = kind == KIND_VERBATIM || kind == KIND_INDIRECT;
	if (kind != KIND_PADDING && (!data || w->has_data))
		return not_canonical(start, "a record that no reader of the file looks at", e);
	w->has_data = w->has_data || data;
	w->at += length;
	return true;
}

/* One record of B; the caller has seen that it is none of the signatures at the end. */
static bool step(struct walk *w, struct err *e)
{
	size_t start = w->at;
	uint32_t kind, length;
	if (!record_header(w, &kind, &length, NULL, e))
		return false;
	if (w->in_file)
		return in_file(w, start, kind, length, e);
	if (kind == KIND_FILE || kind == KIND_DIR)
		return enter(w, kind, length, e);
	if (kind != KIND_PADDING)
		return not_canonical(start, "a record that is not file, directory or padding", e);
	w->at += length;
	return true;
}

static void leave_ended(struct walk *w)
{
	while (w->depth > 1 && w->at == w->end[w->depth - 1]) {
		w->depth--;
		w->in_file = false;
	}
}

/* The records of B: up to the first top-level record that starts with the signature's kind, or the image's end. */
static bool walk_records(struct walk *w, struct err *e)
{
	for (;;) {
		leave_ended(w);
		if (w->depth == 1 && (w->at == w->end[0] || w->data[w->at] == RECIPE_KIND))
			return true;
		if (!step(w, e))
			return false;
	}
}

static bool one_signature(struct walk *w, struct recipe_image *out, struct err *e)
{
	size_t start = w->at;
	uint32_t kind, length;
	bool minimal = false;
	unsigned n = out->signature_count;
	if (w->data[start] != RECIPE_KIND)
		return not_canonical(start, "a record behind a signature", e);
	if (n == RECIPE_MAX_SIGNATURES)
		return not_canonical(start, "a ninth signature", e);
	if (!record_header(w, &kind, &length, &minimal, e))
		return false;
	if (!minimal)
		return not_canonical(start, "a signature's length that is not minimal", e);
	out->signatures[n] = span_of(w->data + w->at, length);
	if (!minisig_parse(out->signatures[n], &out->parsed[n], e))
		return false;
	if (n && memcmp(out->parsed[n - 1].id, out->parsed[n].id, MINISIG_KEY_ID_SIZE) >= 0)
		return not_canonical(start, "a signature out of order or twice", e);
	out->signature_count = n + 1;
	w->at += length;
	return true;
}

void recipe_put_header(uint8_t out[RECIPE_HEADER], uint32_t length)
{
	memcpy(out, magic, sizeof magic);
	for (unsigned i = 0; i < 5; i++)
		out[sizeof magic + i] = (uint8_t)((length >> (28 - 7 * i) & 0x7f) | (i < 4 ? 0x80 : 0));
}

/* The header has its one width and announces exactly this file. */
static bool check_header(struct span file, struct err *e)
{
	struct walk w = { file.data, sizeof magic, 1, { file.size }, false, false };
	uint32_t length = 0;
	if (file.size < sizeof magic + 1 || memcmp(file.data, magic, sizeof magic) != 0)
		return err_set(e, CODE_RECIPE_MALFORMED, "the file does not start like an image");
	if (file.size > RECIPE_MAX_BYTES)
		return err_set(e, CODE_RECIPE_MALFORMED, "the file is larger than %u bytes", RECIPE_MAX_BYTES);
	if (!varuint(&w, &length, NULL))
		return err_set(e, CODE_RECIPE_MALFORMED, "the image's length is cut or too large");
	if (length > file.size - w.at)
		return err_set(
		    e, CODE_RECIPE_MALFORMED, "the file is cut: %zu bytes, announced %zu", file.size, w.at + length);
	if (w.at != RECIPE_HEADER)
		return err_set(
		    e, CODE_RECIPE_NOT_CANONICAL, "the image's length takes %zu bytes, not 5", w.at - sizeof magic);
	if (length != file.size - w.at)
		return err_set(e, CODE_RECIPE_NOT_CANONICAL, "%zu bytes follow the image", file.size - w.at - length);
	return true;
}

bool recipe_split(struct span file, struct recipe_image *out, struct err *e)
{
	struct walk w = { file.data, RECIPE_HEADER, 1, { file.size }, false, false };
	memset(out, 0, sizeof *out);
	out->file = file;
	if (!check_header(file, e) || !walk_records(&w, e))
		return false;
	out->records = span_of(file.data + RECIPE_HEADER, w.at - RECIPE_HEADER);
	recipe_put_header(out->header, (uint32_t)out->records.size);
	while (w.at < file.size)
		if (!one_signature(&w, out, e))
			return false;
	return true;
}

void recipe_mount(const struct recipe_image *image, struct romfs *fs)
{
	fs->image = image->file.data;
	fs->begin = RECIPE_HEADER;
	fs->end = (uint32_t)(RECIPE_HEADER + image->records.size);
	fs->tail = NULL;
}

static bool hash_piece(
    struct digest_run *run, crypto_generichash_state *blake, const uint8_t *data, size_t size, struct err *e)
{
	if (!digest_add(run, span_of(data, size), e))
		return false;
	return !crypto_generichash_update(blake, data, size) ||
	       err_set(e, CODE_INTERNAL, "BLAKE2b does not take more data");
}

static bool hash_image(
    struct digest_run *run, crypto_generichash_state *blake, const struct recipe_image *image, struct err *e)
{
	if (!hash_piece(run, blake, image->header, RECIPE_HEADER, e))
		return false;
	for (size_t at = 0; at < image->records.size; at += HASH_STEP) {
		size_t left = image->records.size - at;
		if (!hash_piece(run, blake, image->records.data + at, left < HASH_STEP ? left : HASH_STEP, e))
			return false;
	}
	return true;
}

bool recipe_identify(const struct recipe_image *image, struct recipe_identity *out, struct err *e)
{
	crypto_generichash_state blake;
	struct digest_run run = { 0, NULL };
	struct digest digest;
	if (sodium_init() < 0 || crypto_generichash_init(&blake, NULL, 0, MINISIG_HASH_SIZE))
		return err_set(e, CODE_INTERNAL, "libsodium does not start");
	if (!digest_begin(&run, e))
		return false;
	if (!hash_image(&run, &blake, image, e)) {
		digest_abandon(&run);
		return false;
	}
	if (!digest_finish(&run, &digest, e))
		return false;
	memcpy(out->sha256, digest.sha256, sizeof out->sha256);
	return !crypto_generichash_final(&blake, out->blake2b, MINISIG_HASH_SIZE) ||
	       err_set(e, CODE_INTERNAL, "BLAKE2b gave no result");
}
