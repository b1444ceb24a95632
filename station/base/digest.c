/* CRC-32 and SHA-256 in one pass. */
#include "base/digest.h"

#include <libdeflate.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <pthread.h>

uint32_t crc32_of(struct span data)
{
	return libdeflate_crc32(0, data.data, data.size);
}

/* SHA-256 from a library context of our own.  OpenSSL 3.0's default one crashes in its first use when memory ran out
 * while it was set up; this one is there or it is not.  Kept until the process ends. */
static const EVP_MD *sha256(void)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static OSSL_LIB_CTX *context;
	static EVP_MD *algorithm;
	pthread_mutex_lock(&lock);
	if (!context)
		context = OSSL_LIB_CTX_new();
	if (context && !algorithm)
		algorithm = EVP_MD_fetch(context, "SHA256", NULL);
	const EVP_MD *out = algorithm;
	pthread_mutex_unlock(&lock);
	return out;
}

bool digest_begin(struct digest_run *run, struct err *e)
{
	const EVP_MD *algorithm = sha256();
	run->crc32 = 0;
	run->sha = algorithm ? EVP_MD_CTX_new() : NULL;
	if (run->sha && EVP_DigestInit_ex(run->sha, algorithm, NULL) == 1)
		return true;
	digest_abandon(run);
	return err_set(e, CODE_NO_MEMORY, "cannot start a SHA-256");
}

bool digest_add(struct digest_run *run, struct span data, struct err *e)
{
	if (!data.size)
		return true;
	run->crc32 = libdeflate_crc32(run->crc32, data.data, data.size);
	if (EVP_DigestUpdate(run->sha, data.data, data.size) == 1)
		return true;
	return err_set(e, CODE_INTERNAL, "SHA-256 does not take more data");
}

bool digest_finish(struct digest_run *run, struct digest *out, struct err *e)
{
	unsigned size = 0;
	out->crc32 = run->crc32;
	bool done = EVP_DigestFinal_ex(run->sha, out->sha256, &size) == 1 && size == SHA256_SIZE;
	digest_abandon(run);
	return done || err_set(e, CODE_INTERNAL, "SHA-256 gave no result");
}

void digest_abandon(struct digest_run *run)
{
	EVP_MD_CTX_free(run->sha);
	run->sha = NULL;
}

bool digest_of(struct span data, struct digest *out, struct err *e)
{
	struct digest_run run = { 0, NULL };
	if (!digest_begin(&run, e))
		return false;
	if (!digest_add(&run, data, e)) {
		digest_abandon(&run);
		return false;
	}
	return digest_finish(&run, out, e);
}
