/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "slurm/tres_ids.h"

#include <stdint.h>

/* Not known: INFINITE64 and NO_VAL64 of slurm.h. */
#define VALUE_MAX (UINT64_MAX - 2)

/* Digits at *p; false when there are none or they are too many. */
static bool read_number(const char **p, uint64_t max, uint64_t *out)
{
	const char *start = *p;
	uint64_t n = 0;
	bool fits = true;

	for (; **p >= '0' && **p <= '9'; ++*p) {
		fits = fits && !__builtin_mul_overflow(n, 10u, &n) &&
		       !__builtin_add_overflow(n, (uint64_t)(**p - '0'), &n);
	}
	*out = n;
	return fits && *p > start && n <= max;
}

bool uc_tres_ids_next(const char **rest, uint32_t *id, uint64_t *value)
{
	while (*rest && **rest) {
		uint64_t number;
		bool good = read_number(rest, UINT32_MAX - 1, &number) && **rest == '=';

		*rest += good;
		good = good && read_number(rest, VALUE_MAX - 1, value) &&
		       (!**rest || **rest == ',');
		while (**rest && **rest != ',')
			++*rest;
		*rest += **rest == ',';
		*id = (uint32_t)number;
		if (good)
			return true;
	}
	return false;
}

uint64_t uc_tres_ids_get(const char *list, uint32_t id, uint64_t fallback)
{
	const char *rest = list;
	uint64_t value;
	uint32_t found;

	while (uc_tres_ids_next(&rest, &found, &value))
		if (found == id)
			return value;
	return fallback;
}
