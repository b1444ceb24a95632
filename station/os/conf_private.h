/* The table of keys, between conf.c (lines) and conf_table.c (keys and values). */
#ifndef STATION_OS_CONF_PRIVATE_H
#define STATION_OS_CONF_PRIVATE_H

#include "os/conf.h"

#include <stdio.h>

#define CONF_KEY_LIMIT 64

/* Every key at its default; the station's name is empty. */
void conf_defaults(struct conf *conf);
bool conf_section_known(const char *section);
/* Index of a key; -1: there is none. */
int conf_key_find(const char *section, const char *key);
/* Checks and stores a value; the message does not name the line. */
bool conf_key_set(struct conf *conf, int index, const char *value, struct err *e);
void conf_keys_print(const struct conf *conf, FILE *out);

#endif
