/* The arithmetic of quality. */
#include "base/figures.h"

#include <math.h>
#include <stdlib.h>

#define Z 1.959963984540054 /* of a normal distribution 95 % lie within it on both sides */

static double within(double value)
{
	return value < 0 ? 0 : value > 1 ? 1 : value;
}

struct rate rate_of(int64_t good, int64_t of)
{
	struct rate r = { .good = good, .of = of };
	if (of <= 0)
		return r;
	double n = (double)of, p = (double)good / n, part = 1 + Z * Z / n;
	double middle = (p + Z * Z / (2 * n)) / part;
	double reach = Z * sqrt(p * (1 - p) / n + Z * Z / (4 * n * n)) / part;
	r.share = p;
	/* at the ends the formula gives 0 and 1 but for the last digits */
	r.low = good == 0 ? 0 : within(middle - reach);
	r.high = good == of ? 1 : within(middle + reach);
	return r;
}

void control_limits(double p, int64_t n, double *low, double *high)
{
	double reach = n > 0 ? 3 * sqrt(p * (1 - p) / (double)n) : 0;
	*low = within(p - reach);
	*high = within(p + reach);
}

uint32_t percentile(const uint32_t *sorted, size_t count, unsigned percent)
{
	if (!count)
		return 0;
	size_t rank = (count * percent + 99) / 100;
	return sorted[rank ? rank - 1 : 0];
}

static int by_size(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

void sort_numbers(uint32_t *values, size_t count)
{
	if (count)
		qsort(values, count, sizeof *values, by_size);
}

uint32_t bin_width(uint32_t span, unsigned most)
{
	static const uint32_t steps[] = { 1, 2, 5 };
	uint64_t power = 1;
	for (unsigned digits = 0; digits < 10; digits++, power *= 10)
		for (size_t i = 0; i < sizeof steps / sizeof *steps; i++)
			if (power * steps[i] * most >= span)
				return (uint32_t)(power * steps[i]);
	return UINT32_MAX;
}
