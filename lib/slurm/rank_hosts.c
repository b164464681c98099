/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Host lists and lists of words: membership without expanding them, and their names. */
#include "slurm/rank_hosts.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/node.h>

/* More digits are no number of a host. */
#define MAX_DIGITS 18
/* Slurm's HIGHEST_DIMENSIONS. */
#define MAX_BRACKETS 5

static size_t digits(const char *at, const char *end)
{
	size_t len = 0;

	while (at + len < end && at[len] >= '0' && at[len] <= '9')
		len++;
	return len;
}

static uint64_t number(const char *at, size_t len)
{
	uint64_t value = 0;

	for (size_t i = 0; i < len; i++)
		value = value * 10 + (uint64_t)(at[i] - '0');
	return value;
}

/* Is the number at `name`, `len` digits with their zeros, in "1-3,07"? */
static bool in_ranges(const char *at, const char *end, const char *name, size_t len)
{
	uint64_t wanted = number(name, len);

	while (at < end) {
		size_t width = digits(at, end), last_width = width;
		const char *last = at;

		if (!width || width > MAX_DIGITS)
			return false;
		if (at + width < end && at[width] == '-') {
			last = at + width + 1;
			last_width = digits(last, end);
			if (!last_width || last_width > MAX_DIGITS)
				return false;
		}
		/* zeros fill up to the width of the first: "[0-10]", "[08-112]" */
		if (wanted >= number(at, width) && wanted <= number(last, last_width) &&
		    (len == width || (len > width && name[0] != '0')))
			return true;
		at = last + last_width;
		if (at < end && *at++ != ',')
			return false;
	}
	return false;
}

/*
 * One element, "r[1-2]n[01-16]", against the rest of a name; brackets beside each other
 * ("x[0-9][0-9]") make it try, so that their number is bounded.
 */
static bool element_is(const char *at, const char *end, const char *name, int brackets)
{
	const char *close;
	size_t most;

	while (at < end && *at != '[') {
		if (*at++ != *name++)
			return false;
	}
	if (at == end)
		return *name == '\0';
	close = memchr(at, ']', (size_t)(end - at));
	if (!close || brackets == MAX_BRACKETS)
		return false;
	most = digits(name, name + strlen(name));
	if (most > MAX_DIGITS)
		most = MAX_DIGITS;
	for (size_t len = most; len > 0; len--)
		if (in_ranges(at + 1, close, name, len) &&
		    element_is(close + 1, end, name + len, brackets + 1))
			return true;
	return false;
}

/* The comma after the element that begins at `at`, or the end of the list. */
static const char *element_end(const char *at)
{
	bool inside = false;

	while (*at && (inside || *at != ',')) {
		inside = *at == '[' || (inside && *at != ']');
		at++;
	}
	return at;
}

bool uc_hosts_has(const char *list, const char *name)
{
	const char *at = list;

	while (at && *at) {
		const char *end = element_end(at);

		if (element_is(at, end, name, 0))
			return true;
		at = *end ? end + 1 : end;
	}
	return false;
}

struct expansion {
	char name[256];  /* what precedes the part at hand */
	const char *end; /* of the element */
	struct uc_strv *out;
	size_t max;
};

static bool expand(struct expansion *e, size_t len, const char *at, int brackets);

/* "3" or "07-12" of a bracket that closes at `close`; the part's end, NULL: malformed. */
static const char *expand_range(struct expansion *e, size_t len, const char *at,
				const char *close, int brackets)
{
	size_t width = digits(at, close), last_width = width;
	const char *last = at;

	if (width && width <= MAX_DIGITS && at + width < close && at[width] == '-') {
		last = at + width + 1;
		last_width = digits(last, close);
	}
	if (!width || width > MAX_DIGITS || !last_width || last_width > MAX_DIGITS)
		return NULL;
	/* none at all, or something else follows: no name would ever come of it */
	if (number(at, width) > number(last, last_width) ||
	    (last[last_width] != ',' && last + last_width != close))
		return NULL;
	for (uint64_t n = number(at, width), most = number(last, last_width);
	     n <= most && e->out->count < e->max && !e->out->failed; n++) {
		size_t room = sizeof(e->name) - len;
		int written = snprintf(e->name + len, room, "%0*llu", (int)width,
				       (unsigned long long)n);

		if ((size_t)written >= room ||
		    !expand(e, len + (size_t)written, close + 1, brackets))
			return NULL;
	}
	return last + last_width;
}

static bool expand(struct expansion *e, size_t len, const char *at, int brackets)
{
	const char *end = e->end;
	const char *close;

	for (; at < end && *at != '['; at++) {
		if (len == sizeof(e->name))
			return false;
		e->name[len++] = *at;
	}
	if (at == end) {
		if (e->out->count < e->max)
			uc_strv_addn(e->out, e->name, len);
		return true;
	}
	close = memchr(at, ']', (size_t)(end - at));
	if (!close || brackets == MAX_BRACKETS)
		return false;
	for (at++; at; at++) {
		at = expand_range(e, len, at, close, brackets + 1);
		if (at == close)
			return true;
		if (!at || *at != ',')
			return false;
	}
	return false;
}

void uc_hosts_expand(const char *list, size_t max, struct uc_strv *out)
{
	struct expansion e = { .out = out, .max = max };

	for (const char *at = list; at && *at;) {
		const char *end = element_end(at);
		size_t count = out->count;

		e.end = end;
		if (!expand(&e, 0, at, 0)) {
			while (out->count > count)
				free(out->item[--out->count]);
			if (out->item)
				out->item[out->count] = NULL;
			if (out->count < max)
				uc_strv_addn(out, at, (size_t)(end - at));
		}
		at = *end ? end + 1 : end;
	}
}

static bool has_word(const char *list, const char *word, size_t len)
{
	while (*list) {
		size_t n = strcspn(list, ",");

		if (n == len && memcmp(list, word, n) == 0)
			return true;
		list += n + (list[n] == ',');
	}
	return false;
}

bool uc_words_share(const char *a, const char *b)
{
	if (!a || !b || !*a)
		return false;
	if (strcmp(a, b) == 0)
		return true;
	while (*a) {
		size_t n = strcspn(a, ",");

		if (n && has_word(b, a, n))
			return true;
		a += n + (a[n] == ',');
	}
	return false;
}
