/* Per-unit data: places in a region's payload that are filled in for each unit, so that a number that is bound to it is
 * written into it and read back.  Pure.
 *
 * The signed manifest says where: each field has a place and a fixed size, so what is filled in moves nothing else, and
 * whoever signs sees every byte that can differ between two cameras.  As text a value stands at the left and blanks
 * behind it; as bytes its hexadecimal digits fill the field exactly. */
#ifndef STATION_FORMAT_UNIT_DATA_H
#define STATION_FORMAT_UNIT_DATA_H

#include "base/err.h"
#include "base/span.h"

#include <stdbool.h>
#include <stdint.h>

#define UNIT_FIELDS_MAX   16
#define UNIT_FIELD_MAX    128        /* bytes */
#define UNIT_TEMPLATE_MAX (1u << 20) /* bytes of a payload with fields: each slot holds a copy of its own */

enum unit_value { UNIT_SERIAL, UNIT_MAC, UNIT_UID, UNIT_VALUES };
const char *unit_value_name(enum unit_value value); /* "serial", "mac", "uid" */
/* false: there is no such value. */
bool unit_value_find(const char *name, enum unit_value *out);

struct unit_field {
	uint32_t at;   /* in the payload */
	uint16_t size; /* 1 to UNIT_FIELD_MAX */
	enum unit_value value;
	bool bytes; /* else text */
};

/* Within a payload of `length` bytes, in ascending order, none over another: manifest-invalid. */
bool unit_fields_fit(const struct unit_field *fields, unsigned count, uint32_t length, struct err *e);
/* Fills the image in place.  values[UNIT_...]: never NULL, "" where the unit has none.
 * serial-missing: a field wants what the unit has not; number-unfit: it does not fit its field. */
bool unit_data_fill(const struct unit_field *fields, unsigned count, const char *const values[UNIT_VALUES],
    uint8_t *image, uint32_t length, struct err *e);
/* The marks in a payload, {{serial____}}: a value's name, then as many underscores as make the field wide enough, in
 * double braces; the whole mark is the field.  At most UNIT_FIELDS_MAX go to out.  manifest-invalid: there is none, or
 * there are too many, or one is too wide. */
bool unit_data_marks(struct span payload, struct unit_field out[UNIT_FIELDS_MAX], unsigned *count, struct err *e);

#endif
