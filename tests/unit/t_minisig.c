/* minisign texts: stock minisign's own output is accepted, everything that is not canonical is refused. */
#include "signing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

/* Written by minisign 0.11 over the three bytes "hi\n". */
static const char stock_key[] = "untrusted comment: minisign public key 1E72FA3D205FE84C\n"
				"RWRM6F8gPfpyHjUht670hobzeRepLGFIIk3bEpd/Xbd9i88VSmolPS6P\n";
static const char stock_signature[] =
    "untrusted comment: signature from minisign secret key\n"
    "RURM6F8gPfpyHrRThP3QxlNDnqqWXo6DwrZd+59ZpAIGzLZ4zFmG6xTFK2tgftSpXxtKU3ua7Fu+SciTL/UQG5h5yx0irqLiQwY=\n"
    "trusted comment: timestamp:1795212823\tfile:m.img\thashed\n"
    "71bG7aHlZDL09I08dD5CdPTh5zoSMi452w2KRqfbfbUYDpIHPsYKD+SKujH613a/NuNEdWDLl4xlNmdM754RBA==\n";
static const char stock_legacy[] =
    "untrusted comment: signature from minisign secret key\n"
    "RWRM6F8gPfpyHtZv6qXa17JecxGsPwmA4FkEV5++VLHEZskhsWmGGfQk5lr7UF4Q2Ckxf6fqzR46EN/UX2YhG7i2McZHb6Vo2Qw=\n"
    "trusted comment: timestamp:1795212823\tfile:m.img\n"
    "inTvl8ZitCjLOCB3cRmimQaDtqPiGg0fSaeusSl0PyEACgZxKAGcG241ncLxhYK8codlqCaUVAj3fnG7juXBCA==\n";

static struct span text(const char *s)
{
	return span_of(s, strlen(s));
}

static void stock_verifies(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct minisig_key key;
	struct minisig sig;
	uint8_t hash[64];
	char id[MINISIG_ID_TEXT_SIZE];
	crypto_generichash(hash, sizeof hash, (const uint8_t *)"hi\n", 3, NULL, 0);
	assert_true(minisig_parse_key(text(stock_key), &key, &e));
	minisig_id_text(key.id, id);
	assert_string_equal(id, "1E72FA3D205FE84C");
	assert_true(minisig_parse(text(stock_signature), &sig, &e));
	assert_false(sig.legacy);
	assert_true(minisig_verify(&sig, &key, hash, &e));
	hash[0] ^= 1;
	assert_false(minisig_verify(&sig, &key, hash, &e));
	assert_int_equal(e.code, CODE_SIGNATURE_BAD);
}

static void legacy_is_refused(void **state)
{
	(void)state;
	struct err e = ERR_INIT;
	struct minisig_key key;
	struct minisig sig;
	uint8_t hash[64] = { 0 }, out[MINISIG_MAX_FILE];
	assert_true(minisig_parse_key(text(stock_key), &key, &e));
	assert_true(minisig_parse(text(stock_legacy), &sig, &e));
	assert_true(sig.legacy);
	assert_false(minisig_verify(&sig, &key, hash, &e));
	assert_int_equal(e.code, CODE_SIGNATURE_LEGACY);
	assert_int_equal(minisig_normalise(text(stock_legacy), out, &e), 0);
	assert_int_equal(e.code, CODE_SIGNATURE_LEGACY);
}

static void key_forms(void **state)
{
	(void)state;
	static const char *const good[] = { "RWRM6F8gPfpyHjUht670hobzeRepLGFIIk3bEpd/Xbd9i88VSmolPS6P",
		"RWRM6F8gPfpyHjUht670hobzeRepLGFIIk3bEpd/Xbd9i88VSmolPS6P\n",
		"RWRM6F8gPfpyHjUht670hobzeRepLGFIIk3bEpd/Xbd9i88VSmolPS6P\r\n",
		"untrusted comment: x\nRWRM6F8gPfpyHjUht670hobzeRepLGFIIk3bEpd/Xbd9i88VSmolPS6P" };
	static const char *const bad[] = { "", "\n", "untrusted comment: x\n",
		"RWRM6F8gPfpyHjUht670hobzeRepLGFIIk3bEpd/Xbd9i88VSmolPS6P\n\n",
		"RWRM6F8gPfpyHjUht670hobzeRepLGFIIk3bEpd/Xbd9i88VSmolPS6P ",
		" RWRM6F8gPfpyHjUht670hobzeRepLGFIIk3bEpd/Xbd9i88VSmolPS6P",
		"x\nRWRM6F8gPfpyHjUht670hobzeRepLGFIIk3bEpd/Xbd9i88VSmolPS6P\n",
		"RWRM6F8gPfpyHjUht670hobzeRepLGFIIk3bEpd/Xbd9i88VSmolPS6",
		/* the algorithm of a signature */ "RURM6F8gPfpyHjUht670hobzeRepLGFIIk3bEpd/Xbd9i88VSmolPS6P" };
	struct err e = ERR_INIT;
	struct minisig_key key;
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		assert_true(minisig_parse_key(text(good[i]), &key, &e));
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		e.code = CODE_OK;
		assert_false(minisig_parse_key(text(bad[i]), &key, &e));
		assert_int_equal(e.code, CODE_TRUST_INVALID);
	}
}

/* Replaces the first `from` by `to`. */
static struct span edited(char out[MINISIG_MAX_FILE], const char *in, const char *from, const char *to)
{
	const char *at = strstr(in, from);
	assert_non_null(at);
	snprintf(out, MINISIG_MAX_FILE, "%.*s%s%s", (int)(at - in), in, to, at + strlen(from));
	return text(out);
}

static void strict_form(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to;
		enum code code;
	} rows[] = {
		{ "minisign secret key", "minisign secret key ", CODE_RECIPE_NOT_CANONICAL },
		{ "untrusted comment: s", "untrusted comment: S", CODE_RECIPE_NOT_CANONICAL },
		{ "\ntrusted", "\n\ntrusted", CODE_RECIPE_NOT_CANONICAL },
		{ "\ntrusted", "\r\ntrusted", CODE_RECIPE_NOT_CANONICAL },
		{ "\ntrusted comment: ", "\ntrusted comment:", CODE_RECIPE_NOT_CANONICAL },
		{ "timestamp", "time\x01stamp", CODE_RECIPE_NOT_CANONICAL },
		{ "timestamp", "time\x7fstamp", CODE_RECIPE_NOT_CANONICAL },
		{ "timestamp", "time\rstamp", CODE_RECIPE_NOT_CANONICAL }, { "RUR", " RUR", CODE_RECIPE_NOT_CANONICAL },
		{ "RUR", "RU*", CODE_RECIPE_NOT_CANONICAL }, { "==\n", "\n", CODE_RECIPE_NOT_CANONICAL },
		{ "==\n", "==", CODE_RECIPE_NOT_CANONICAL }, { "==\n", "==\n\n", CODE_RECIPE_NOT_CANONICAL },
		{ "A==\n", "B==\n", CODE_RECIPE_NOT_CANONICAL }, /* bits that base64 throws away */
		{ "RUR", "RVR", CODE_SIGNATURE_BAD },            /* "EU": no algorithm of minisign */
	};
	char changed[MINISIG_MAX_FILE];
	struct err e = ERR_INIT;
	struct minisig sig;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		e.code = CODE_OK;
		assert_false(minisig_parse(edited(changed, stock_signature, rows[i].from, rows[i].to), &sig, &e));
		assert_int_equal(e.code, rows[i].code);
	}
	for (size_t size = 0; size < strlen(stock_signature); size++)
		assert_false(minisig_parse(span_of(stock_signature, size), &sig, &e));
}

static void comment_length(void **state)
{
	(void)state;
	struct test_key k = test_key(1);
	char comment[MINISIG_MAX_COMMENT + 1], out[MINISIG_MAX_FILE], longer[MINISIG_MAX_FILE];
	struct err e = ERR_INIT;
	struct minisig sig;
	memset(comment, 'c', sizeof comment - 1);
	comment[0] = '\t';
	comment[sizeof comment - 1] = '\0';
	size_t size = test_sign(&k, text("data"), comment, out);
	assert_true(minisig_parse(span_of(out, size), &sig, &e));
	assert_int_equal(sig.comment.size, MINISIG_MAX_COMMENT);
	assert_false(minisig_parse(edited(longer, out, "comment: \t", "comment: \tc"), &sig, &e));
	assert_int_equal(e.code, CODE_RECIPE_NOT_CANONICAL);
	size = test_sign(&k, text("data"), "", out);
	assert_true(minisig_parse(span_of(out, size), &sig, &e));
	assert_int_equal(sig.comment.size, 0);
}

static void normalising(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to;
	} rows[] = {
		{ "signature from minisign secret key", "somebody wrote something else" },
		{ "secret key\n", "secret key\r\n" },
		{ "==\n", "==" },
		{ "==\n", "==\r\n" },
		{ "secret key", "secret key" },
	};
	char changed[MINISIG_MAX_FILE];
	uint8_t out[MINISIG_MAX_FILE];
	struct err e = ERR_INIT;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		size_t size = minisig_normalise(edited(changed, stock_signature, rows[i].from, rows[i].to), out, &e);
		assert_int_equal(size, strlen(stock_signature));
		assert_memory_equal(out, stock_signature, size);
	}
	assert_int_equal(minisig_normalise(text(stock_key), out, &e), 0);
	assert_int_equal(e.code, CODE_SIGNATURE_BAD);
	assert_int_equal(minisig_normalise(edited(changed, stock_signature, "==\n", "==\nmore"), out, &e), 0);
}

/* Neither signature can be changed in any bit, nor the comment, nor the key id. */
static void every_bit_counts(void **state)
{
	(void)state;
	struct test_key k = test_key(7);
	struct minisig_key key;
	struct minisig sig;
	struct err e = ERR_INIT;
	char line[256], out[MINISIG_MAX_FILE];
	uint8_t hash[64];
	test_key_text(&k, line);
	assert_true(minisig_parse_key(text(line), &key, &e));
	crypto_generichash(hash, sizeof hash, (const uint8_t *)"data", 4, NULL, 0);
	size_t size = test_sign(&k, text("data"), "a comment", out);
	for (size_t bit = 0; bit < size * 8; bit++) {
		out[bit / 8] = (char)(out[bit / 8] ^ 1 << bit % 8);
		assert_false(minisig_parse(span_of(out, size), &sig, &e) && minisig_verify(&sig, &key, hash, &e));
		out[bit / 8] = (char)(out[bit / 8] ^ 1 << bit % 8);
	}
	assert_true(minisig_parse(span_of(out, size), &sig, &e) && minisig_verify(&sig, &key, hash, &e));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stock_verifies),
		cmocka_unit_test(legacy_is_refused),
		cmocka_unit_test(key_forms),
		cmocka_unit_test(strict_form),
		cmocka_unit_test(comment_length),
		cmocka_unit_test(normalising),
		cmocka_unit_test(every_bit_counts),
	};
	return cmocka_run_group_tests_name("minisig", tests, NULL, NULL);
}
