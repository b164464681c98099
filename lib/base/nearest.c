/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <ucluster/text.h>

#include <string.h>

#define LONGEST 48 /* longer words are no typing mistakes of an option or a key */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Edit distance with neighbours swapped counted once (optimal string alignment). */
static size_t distance(const char *a, size_t na, const char *b, size_t nb)
{
	size_t row[3][LONGEST + 1];
	size_t *before = row[0], *last = row[1], *now = row[2], *spare;

	for (size_t j = 0; j <= nb; j++)
		last[j] = before[j] = j;
	for (size_t i = 1; i <= na; i++) {
		now[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			now[j] = last[j - 1] + (a[i - 1] != b[j - 1]);
			now[j] = least(now[j], least(last[j], now[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] &&
			    a[i - 2] == b[j - 1])
				now[j] = least(now[j], before[j - 2] + 1);
		}
		spare = before;
		before = last;
		last = now;
		now = spare;
	}
	return last[nb];
}

const char *uc_text_nearest(const char *word, const char *const *candidates)
{
	size_t len = strlen(word), best = SIZE_MAX;
	const char *found = NULL;

	if (len == 0 || len > LONGEST)
		return NULL;
	for (; *candidates; candidates++) {
		size_t other = strlen(*candidates), d;

		if (other == 0 || other > LONGEST)
			continue;
		d = distance(word, len, *candidates, other);
		if (d < best && d * 3 <= (len > other ? len : other)) {
			best = d;
			found = *candidates;
		}
	}
	return found;
}
