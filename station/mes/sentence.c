/* Makes a text from outside into a line that can be shown, printed and kept. */
#include "mes/sentence.h"

#include "format/json_scan.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

static const char ellipsis[] = "\xe2\x80\xa6";

/* Characters that no person sees but that change what is seen around them, and line ends. */
static const struct {
	uint32_t first, last;
} steering[] = {
	{ 0x00, 0x20 },                         /* C0, space */
	{ 0x7f, 0xa0 },                         /* DEL, C1, no-break space */
	{ 0xad, 0xad },                         /* soft hyphen */
	{ 0x61c, 0x61c },                       /* directions from here on */
	{ 0x200b, 0x200b },                     /* no width */
	{ 0x200e, 0x200f }, { 0x2028, 0x202e }, /* line ends, embeddings, overrides */
	{ 0x2060, 0x206f },                     /* isolates */
	{ 0xfe00, 0xfe0f }, { 0xfeff, 0xfeff }, { 0xfff0, 0xffff }, { 0xe0000, 0x10ffff }, /* tags, private planes */
};

static bool steers(uint32_t point)
{
	for (size_t i = 0; i < sizeof steering / sizeof *steering; i++)
		if (point >= steering[i].first && point <= steering[i].last)
			return true;
	return false;
}

static uint32_t point_of(const char *p, unsigned size)
{
	uint32_t point = size == 1 ? (uint8_t)*p : (uint8_t)*p & (0x7fu >> size);
	for (unsigned i = 1; i < size; i++)
		point = point << 6 | ((uint8_t)p[i] & 0x3f);
	return point;
}

void sentence_of(const char *text, char out[SENTENCE_SIZE])
{
	const char *end = text + strlen(text);
	size_t length = 0, whole = 0; /* whole: what an ellipsis fits behind */
	bool gap = false;
	for (unsigned size; text < end; text += size) {
		size = json_utf8((const uint8_t *)text, (const uint8_t *)end);
		if (!size || steers(point_of(text, size))) {
			size = size ? size : 1;
			gap = length > 0;
			continue;
		}
		if (length + gap + size >= SENTENCE_SIZE) {
			memcpy(out + whole, ellipsis, sizeof ellipsis);
			return;
		}
		if (gap)
			out[length++] = ' ';
		gap = false;
		memcpy(out + length, text, size);
		length += size;
		if (length + sizeof ellipsis <= SENTENCE_SIZE)
			whole = length;
	}
	out[length] = '\0';
}
