/* What is wrong with an image, in words: a stable word for programs, a sentence for people. */
#ifndef STATION_FORMAT_ROMFS_TEXT_H
#define STATION_FORMAT_ROMFS_TEXT_H

#include "base/err.h"
#include "romfs.h"

/* "ok" for ROMFS_RULE_NONE, else the rule's word: "magic", "varuint", "length", ... */
const char *romfs_rule_word(enum romfs_rule rule);
const char *romfs_rule_sentence(enum romfs_rule rule);
/* Fills *e with the code, the sentence and the place; returns false. */
bool romfs_fault_err(const struct romfs_fault *fault, enum code code, struct err *e);

#endif
