/* RFC 3339 by arithmetic on civil days, so that neither locale nor zone can get in. */
#include "base/timefmt.h"

#include <stdio.h>
#include <string.h>

#define DAY_MS  86400000
#define LAST_MS 253402300799999

/* Days since 1970-01-01 of a civil date; the year starts in March here, so that the leap day comes last. */
static int64_t days_of(int year, int month, int day)
{
	int64_t y = month <= 2 ? year - 1 : year;
	int64_t era = y / 400, of_era = y - era * 400;
	int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int *year, int *month, int *day)
{
	int64_t z = days + 719468, era = z / 146097, of_era = z - era * 146097;
	int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int64_t of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;
	*day = (int)(of_year - (153 * m + 2) / 5 + 1);
	*month = (int)(m < 10 ? m + 3 : m - 9);
	*year = (int)(y + era * 400 + (*month <= 2));
}

void time_format(char out[TIME_TEXT_SIZE], int64_t ms)
{
	int year, month, day;
	ms = ms < 0 ? 0 : ms > LAST_MS ? LAST_MS : ms;
	date_of(ms / DAY_MS, &year, &month, &day);
	unsigned rest = (unsigned)(ms % DAY_MS), s = rest / 1000;
	char text[80];
	snprintf(text, sizeof text, "%04d-%02d-%02dT%02u:%02u:%02u.%03uZ", year, month, day, s / 3600, s / 60 % 60,
	    s % 60, rest % 1000);
	memcpy(out, text, TIME_TEXT_SIZE - 1);
	out[TIME_TEXT_SIZE - 1] = '\0';
}

/* Reads the digits that stand where the pattern has '0', and wants every other character of the pattern as it is. */
static bool fields(const char **text, const char *pattern, int *out)
{
	for (*out = 0; *pattern; pattern++, (*text)++) {
		char c = **text;
		if (*pattern != '0') {
			if (c != *pattern)
				return false;
		} else if (c >= '0' && c <= '9') {
			*out = *out * 10 + (c - '0');
		} else {
			return false;
		}
	}
	return true;
}

static bool fraction(const char **text, int *ms)
{
	*ms = 0;
	if (**text != '.')
		return true;
	int digits = 0;
	for ((*text)++; **text >= '0' && **text <= '9'; (*text)++, digits++)
		if (digits < 3)
			*ms = *ms * 10 + (**text - '0');
	for (int i = digits; i < 3; i++)
		*ms *= 10;
	return digits >= 1 && digits <= 9;
}

bool time_parse(const char *text, int64_t *ms)
{
	int year, month, day, hour, minute, second, milli, y, m, d;
	if (!fields(&text, "0000", &year) || !fields(&text, "-00", &month) || !fields(&text, "-00", &day) ||
	    !fields(&text, "T00", &hour) || !fields(&text, ":00", &minute) || !fields(&text, ":00", &second) ||
	    !fraction(&text, &milli) || strcmp(text, "Z") != 0)
		return false;
	if (year < 1970 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 59)
		return false;
	int64_t days = days_of(year, month, day);
	date_of(days, &y, &m, &d);
	if (y != year || m != month || d != day)
		return false;
	*ms = days * DAY_MS + ((hour * 60 + minute) * 60 + second) * INT64_C(1000) + milli;
	return true;
}
