/* The words for each rule of the mount driver. */
#include "format/romfs_text.h"

static const struct {
	const char *word, *sentence;
} rows[] = {
	[ROMFS_RULE_NONE] = { "ok", "the image is sound" },
	[ROMFS_RULE_MAGIC] = { "magic", "this is no ROMFS image: it does not start with D2 CD 31" },
	[ROMFS_RULE_VARUINT] = { "varuint", "a number is cut off or larger than 32 bits" },
	[ROMFS_RULE_LENGTH] = { "length", "a record reaches beyond what holds it" },
	[ROMFS_RULE_UNUSED] = { "unused", "a record of the unused kind 0 stands in the image" },
	[ROMFS_RULE_NAME] = { "name", "a name is empty, '.' or '..', holds '/' or NUL, or is not UTF-8" },
	[ROMFS_RULE_DUPLICATE] = { "duplicate", "a name occurs twice in one directory" },
	[ROMFS_RULE_NO_DATA] = { "no-data", "a file has no data record" },
	[ROMFS_RULE_POINTER] = { "pointer", "a file's data lies outside the image" },
	[ROMFS_RULE_DEPTH] = { "depth", "directories stand too deep inside one another" },
	[ROMFS_RULE_TOO_MANY] = { "too-many", "an unsorted directory has too many entries to compare" },
};

const char *romfs_rule_word(enum romfs_rule rule)
{
	return (unsigned)rule < sizeof rows / sizeof *rows ? rows[rule].word : "unknown";
}

const char *romfs_rule_sentence(enum romfs_rule rule)
{
	return (unsigned)rule < sizeof rows / sizeof *rows ? rows[rule].sentence : "a rule is broken";
}

bool romfs_fault_err(const struct romfs_fault *fault, enum code code, struct err *e)
{
	if (fault->rule == ROMFS_RULE_MAGIC)
		return err_set(e, code, "%s", romfs_rule_sentence(fault->rule));
	return err_set(e, code, "%s, at byte %u", romfs_rule_sentence(fault->rule), fault->offset);
}
