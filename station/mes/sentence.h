/* What the MES says to people: a text from outside, made into one line of a bounded length.  Pure. */
#ifndef STATION_MES_SENTENCE_H
#define STATION_MES_SENTENCE_H

#include <stddef.h>

#define SENTENCE_SIZE 160

/* UTF-8 in, UTF-8 out.  What steers a terminal or turns the order of the letters around becomes a space, and so do line
 * ends; no space at an end, none twice; what is too long ends in an ellipsis.  "" of nothing but such. */
void sentence_of(const char *text, char out[SENTENCE_SIZE]);

#endif
