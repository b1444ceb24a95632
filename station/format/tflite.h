/* Is this a TensorFlow Lite model?  Its head only: identifier, root table and schema version of the flatbuffer. */
#ifndef STATION_FORMAT_TFLITE_H
#define STATION_FORMAT_TFLITE_H

#include <stdbool.h>

#include "base/span.h"

/* Does the path name one: does it end with .tflite, letters in either case? */
bool tflite_named(const char *path);
enum tflite_look {
	TFLITE_SOUND,
	TFLITE_DOUBTFUL, /* the identifier is there, what the root table says makes no sense */
	TFLITE_NONE      /* no identifier, or no room for a root table: nothing could load it */
};
/* *why: a sentence, unless it is sound. */
enum tflite_look tflite_look(struct span file, const char **why);
/* A network that ST's tools have made of a model for an N6; OpenMV's tools keep the model's name for it. */
bool tflite_is_st_network(struct span file);

#endif
