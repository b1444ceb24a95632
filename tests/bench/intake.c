/* The station's judgement over a recipe in memory, beside the same hash passes made bare over the same bytes, in turns:
 *
 *   intake RECIPE TRUST BOARDS ROUNDS     prints {"ours":[ms, ...],"cpu":[ms, ...],"bare":[ms,
 * ...],"bytes":N,"files":N}
 *
 * The bare passes: SHA-256 and BLAKE2b-512 of the unsigned image, SHA-256 and CRC-32 of each payload, and the two
 * Ed25519 verifications of each signature, by the libraries themselves.  "cpu" is the processor's time of ours: what it
 * takes on a core that has nothing else to do. */
#include <libdeflate.h>
#include <openssl/evp.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "line/intake.h"
#include "os/clock.h"
#include "os/file.h"

#define MAX_ROUNDS 1000

static double now_ms(clockid_t clock)
{
	struct timespec t;
	clock_gettime(clock, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "intake: %s\n", what);
	exit(1);
}

static void sha256(struct span a, struct span b)
{
	uint8_t out[32];
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	if (!c || !EVP_DigestInit_ex(c, EVP_sha256(), NULL) || !EVP_DigestUpdate(c, a.data, a.size) ||
	    !EVP_DigestUpdate(c, b.data, b.size) || !EVP_DigestFinal_ex(c, out, NULL))
		die("SHA-256");
	EVP_MD_CTX_free(c);
}

static void blake2b(struct span a, struct span b, uint8_t out[64])
{
	crypto_generichash_state s;
	crypto_generichash_init(&s, NULL, 0, 64);
	crypto_generichash_update(&s, a.data, a.size);
	crypto_generichash_update(&s, b.data, b.size);
	crypto_generichash_final(&s, out, 64);
}

static void bare(const struct stored_recipe *r)
{
	const struct span head = span_of(r->image.header, RECIPE_HEADER);
	uint8_t hash[64];
	sha256(head, r->image.records);
	blake2b(head, r->image.records, hash);
	for (unsigned i = 0; i < r->image.signature_count; i++) {
		const struct minisig *m = &r->image.parsed[i];
		uint8_t global[64 + 1024];
		size_t size = m->comment.size < 1024 ? m->comment.size : 1024;
		memcpy(global, m->signature, 64);
		memcpy(global + 64, m->comment.data, size);
		const uint8_t *key = r->signers.keys[i]->key.key;
		if (crypto_sign_verify_detached(m->signature, hash, 64, key) ||
		    crypto_sign_verify_detached(m->global, global, 64 + size, key))
			die("the bare passes disagree");
	}
	for (unsigned i = 0; i < r->recipe.region_count; i++) {
		struct span image = r->recipe.regions[i].bound.image;
		sha256(image, span_of(NULL, 0));
		if (libdeflate_crc32(0, image.data, image.size) != r->recipe.regions[i].bound.crc32)
			die("the bare passes disagree");
	}
}

static void print_list(const char *name, const double *values, int count)
{
	printf("\"%s\":[", name);
	for (int i = 0; i < count; i++)
		printf("%s%.4f", i ? "," : "", values[i]);
	printf("],");
}

int main(int argc, char **argv)
{
	static double ours[MAX_ROUNDS], used[MAX_ROUNDS], other[MAX_ROUNDS];
	struct err e = ERR_INIT;
	struct board_set boards = { .count = 0 };
	struct trust *trust = NULL;
	struct role_list require = { .count = 0 };
	struct stored_recipe r;
	uint8_t *data = NULL;
	size_t size = 0;
	int rounds = argc == 5 ? (int)strtol(argv[4], NULL, 10) : 0;
	if (rounds < 1 || rounds > MAX_ROUNDS || sodium_init() < 0)
		die("usage: intake RECIPE TRUST BOARDS ROUNDS");
	if (!file_read(argv[1], RECIPE_MAX_BYTES, &data, &size, &e) || !trust_open(argv[2], &trust, &e) ||
	    !boards_load(argv[3], &boards, &e))
		die(e.msg);
	const struct intake_rules rules = { &boards, trust, &require, false };
	uint32_t files = 0;
	for (int i = 0; i < rounds; i++) {
		double start = now_ms(CLOCK_MONOTONIC), busy = now_ms(CLOCK_THREAD_CPUTIME_ID);
		if (!intake_examine(&rules, span_of(data, size), &r, &e) ||
		    !intake_in_force(&rules, &r, clock_wall_ms(), &e))
			die(e.msg);
		used[i] = now_ms(CLOCK_THREAD_CPUTIME_ID) - busy;
		double middle = now_ms(CLOCK_MONOTONIC);
		bare(&r);
		ours[i] = middle - start;
		other[i] = now_ms(CLOCK_MONOTONIC) - middle;
		files = r.recipe.regions[0].files;
		intake_clear(&r);
	}
	putchar('{');
	print_list("ours", ours, rounds);
	print_list("cpu", used, rounds);
	print_list("bare", other, rounds);
	printf("\"bytes\":%zu,\"files\":%u}\n", size, files);
	trust_close(trust);
	boards_clear(&boards);
	free(data);
	return 0;
}
