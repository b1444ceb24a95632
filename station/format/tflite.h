/* Is this a TensorFlow Lite model?  Its head only: identifier, root table and schema version of the flatbuffer. */
#ifndef STATION_FORMAT_TFLITE_H
#define STATION_FORMAT_TFLITE_H

#include <stdbool.h>

#include "base/span.h"

/* Does the path name one: does it end with .tflite, letters in either case? */
bool tflite_named(const char *path);
/* False with a sentence in *why. */
bool tflite_sane(struct span file, const char **why);
/* A network that ST's tools have made of a model for an N6; OpenMV's tools keep the model's name for it. */
bool tflite_is_st_network(struct span file);

#endif
