/* The dashboard's files, part of the program: build/web/assets.inc is made from web/ by esbuild.
 *
 * A file's name carries a hash of what is in it, so a browser may keep it for ever; the page that names them is asked
 * for anew each time. */
#include "http/api.h"

#include <string.h>

struct asset {
	const char *name, *type, *etag;
	const unsigned char *data; /* static */
	size_t size;
};

/* Defines asset_list; its first row is the page, its last has no name. */
#include "assets.inc"

/* RFC 9110 section 13.1.2; a browser sends back the one tag that it was given. */
static bool known_there(const struct request *r, const struct asset *found)
{
	const char *tags = r->if_none_match;
	return tags && (!strcmp(tags, "*") || strstr(tags, found->etag));
}

static bool answer_asset(const struct request *r, const struct asset *found, const char *cache, struct answer *a)
{
	bool known = known_there(r, found);
	a->status = known ? 304 : 200;
	a->type = found->type;
	a->etag = found->etag;
	a->cache = cache;
	a->asset = span_of(found->data, known ? 0 : found->size);
	return true;
}

/* Pages take whatever parameters they are called with: those are the script's to read. */
bool asset_index(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	(void)h;
	(void)e;
	return answer_asset(r, &asset_list[0], "no-cache", a);
}

bool asset_file(struct http *h, struct request *r, struct answer *a, struct err *e)
{
	(void)h;
	if (!request_no_params(r, e))
		return false;
	for (const struct asset *found = &asset_list[1]; found->name; found++)
		if (!strcmp(found->name, r->args.text[0]))
			return answer_asset(r, found, "public, max-age=31536000, immutable", a);
	return err_set(e, CODE_NOT_FOUND, "there is no file of that name; load the page again");
}
