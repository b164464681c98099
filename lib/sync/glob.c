/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A pattern as a row of steps. */
#include "sync/glob.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* The pattern while it is read. */
struct reader {
	const char *at, *end;
	const char *start;
	struct uc_glob *glob;
};

static void add(struct uc_glob *glob, enum uc_glob_kind kind, unsigned char byte,
		size_t set)
{
	glob->step[glob->count++] = (struct uc_glob_step){ .kind = (uint8_t)kind,
							   .byte = byte,
							   .set = (uint32_t)set };
}

static void set_add(uint64_t *set, unsigned char byte)
{
	set[byte / 64] |= UINT64_C(1) << byte % 64;
}

/* The classes of bytes are those of the C locale, as git's are. */
static bool set_add_class(uint64_t *set, const char *name, size_t len)
{
	static const struct {
		const char *name;
		int (*is)(int);
	} classes[] = {
		{ "alnum", isalnum }, { "alpha", isalpha }, { "blank", isblank },
		{ "cntrl", iscntrl }, { "digit", isdigit }, { "graph", isgraph },
		{ "lower", islower }, { "print", isprint }, { "punct", ispunct },
		{ "space", isspace }, { "upper", isupper }, { "xdigit", isxdigit },
	};

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		if (strlen(classes[i].name) != len || memcmp(classes[i].name, name, len))
			continue;
		for (int byte = 0; byte < 128; byte++)
			if (classes[i].is(byte))
				set_add(set, (unsigned char)byte);
		return true;
	}
	return false;
}

/* At "[:": add the class. 1 done, 0 it is no class but two bytes, -1 malformed. */
static int read_class(struct reader *in, uint64_t *set)
{
	const char *name = in->at + 2;
	const char *close = memchr(name, ']', (size_t)(in->end - name));

	if (!close)
		return -1;
	if (close == name || close[-1] != ':')
		return 0;
	if (!set_add_class(set, name, (size_t)(close - 1 - name)))
		return -1;
	in->at = close + 1;
	return 1;
}

/* One byte of a set, after a backslash or plain; -1 at the end of the pattern. */
static int read_member(struct reader *in)
{
	if (in->at < in->end && *in->at == '\\')
		in->at++;
	return in->at < in->end ? (unsigned char)*in->at++ : -1;
}

static bool is_range(const struct reader *in)
{
	return in->end - in->at >= 2 && in->at[0] == '-' && in->at[1] != ']';
}

/* One member, range or class. `*low` is the byte that a range may begin with, or -1. */
static bool read_item(struct reader *in, uint64_t *set, int *low)
{
	int first, last, class = 0;

	if (*low >= 0 && is_range(in)) {
		in->at++;
		first = *low;
		last = read_member(in);
		*low = -1;
		if (last < 0)
			return false;
		for (int byte = first; byte <= last; byte++)
			set_add(set, (unsigned char)byte);
		return true;
	}
	if (in->end - in->at >= 2 && in->at[0] == '[' && in->at[1] == ':')
		class = read_class(in, set);
	if (class) {
		*low = -1;
		return class > 0;
	}
	*low = read_member(in);
	if (*low < 0)
		return false;
	set_add(set, (unsigned char)*low);
	return true;
}

/* After "[". False: malformed. A "]" that comes first is a member. */
static bool read_set(struct reader *in)
{
	struct uc_glob *glob = in->glob;
	uint64_t *set = glob->set[glob->sets];
	bool negated = in->at < in->end && (*in->at == '!' || *in->at == '^');
	int low = -1;

	if (negated)
		in->at++;
	do {
		if (in->at >= in->end || !read_item(in, set, &low))
			return false;
	} while (in->at >= in->end || *in->at != ']');
	in->at++;
	if (negated)
		for (int i = 0; i < 4; i++)
			set[i] = ~set[i];
	set['/' / 64] &= ~(UINT64_C(1) << '/' % 64);
	add(glob, UC_GLOB_SET, 0, glob->sets++);
	return true;
}

/* After "*". Two or more span folders only where they are all between two slashes. */
static void read_stars(struct reader *in)
{
	const char *first = in->at - 1;
	bool several = in->at < in->end && *in->at == '*';
	bool begins = first == in->start || first[-1] == '/';

	while (in->at < in->end && *in->at == '*')
		in->at++;
	if (!several || !begins)
		add(in->glob, UC_GLOB_STAR, 0, 0);
	else if (in->at == in->end ||
		 (in->end - in->at >= 2 && in->at[0] == '\\' && in->at[1] == '/'))
		add(in->glob, UC_GLOB_STARS, 0, 0);
	else
		add(in->glob, *in->at == '/' ? UC_GLOB_FOLDERS : UC_GLOB_STAR, 0, 0);
}

static bool read_step(struct reader *in)
{
	unsigned char byte = (unsigned char)*in->at++;

	switch (byte) {
	case '?':
		add(in->glob, UC_GLOB_ANY, 0, 0);
		return true;
	case '*':
		read_stars(in);
		return true;
	case '[':
		return read_set(in);
	case '\\':
		if (in->at == in->end)
			return false;
		byte = (unsigned char)*in->at++;
		break;
	default:
		break;
	}
	add(in->glob, UC_GLOB_BYTE, byte, 0);
	return true;
}

int uc_glob_compile(struct uc_glob *glob, const char *pattern, size_t len)
{
	struct reader in = { pattern, pattern + len, pattern, glob };
	size_t sets = 0;

	if (len > UC_GLOB_MAX)
		return -1;
	for (size_t i = 0; i < len; i++)
		sets += pattern[i] == '[';
	glob->step = calloc(len + 1, sizeof(*glob->step));
	glob->set = sets ? calloc(sets, sizeof(*glob->set)) : NULL;
	if (!glob->step || (sets && !glob->set)) {
		uc_glob_free(glob);
		return -1;
	}
	while (in.at < in.end && !glob->never)
		glob->never = !read_step(&in);
	return 0;
}

void uc_glob_free(struct uc_glob *glob)
{
	free(glob->step);
	free(glob->set);
	*glob = (struct uc_glob){ 0 };
}
