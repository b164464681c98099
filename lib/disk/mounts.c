/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "disk/mounts.h"

#include <stdlib.h>
#include <string.h>

#define FIELDS 64

static bool octal(const char *s)
{
	return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' &&
	       s[2] <= '7';
}

/* The kernel writes blanks and backslashes as "\040". */
static const char *unescape(char *text)
{
	char *to = text;

	for (const char *p = text; *p;) {
		if (*p == '\\' && octal(p + 1)) {
			*to++ = (char)((p[1] - '0') << 6 | (p[2] - '0') << 3 |
				       (p[3] - '0'));
			p += 4;
		} else {
			*to++ = *p++;
		}
	}
	*to = '\0';
	return text;
}

static size_t split(char *line, char **field)
{
	size_t count = 0;

	for (char *p = line; *p && count < FIELDS; count++) {
		field[count] = p;
		p += strcspn(p, " ");
		if (*p)
			*p++ = '\0';
	}
	return count;
}

/* "36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw", see proc(5). */
static bool parse_line(char *line, struct uc_mount *out)
{
	char *field[FIELDS], *end;
	size_t count = split(line, field), dash = 6;

	while (dash < count && strcmp(field[dash], "-") != 0)
		dash++;
	if (dash + 2 >= count)
		return false;
	out->id = strtoull(field[0], NULL, 10);
	out->dev_major = (uint32_t)strtoul(field[2], &end, 10);
	if (*end != ':')
		return false;
	out->dev_minor = (uint32_t)strtoul(end + 1, NULL, 10);
	out->path = unescape(field[4]);
	out->type = unescape(field[dash + 1]);
	out->device = unescape(field[dash + 2]);
	return true;
}

struct uc_mounts uc_mounts_parse(struct uc_arena *arena, const char *text)
{
	struct uc_mounts mounts = { 0 };
	char *line = uc_arena_strdup(arena, text);
	size_t lines = 1;

	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	mounts.item = uc_arena_array(arena, lines, sizeof(*mounts.item));
	while (line && mounts.item && *line) {
		size_t len = strcspn(line, "\n");
		bool more = line[len];

		line[len] = '\0';
		if (parse_line(line, &mounts.item[mounts.count]))
			mounts.count++;
		line += len + more;
	}
	return mounts;
}

static bool is_below(const char *path, const char *mount)
{
	size_t len = strlen(mount);

	if (strcmp(mount, "/") == 0)
		return path[0] == '/';
	return strncmp(path, mount, len) == 0 && (!path[len] || path[len] == '/');
}

const struct uc_mount *uc_mounts_find(const struct uc_mounts *mounts, uint64_t id,
				      const char *path)
{
	const struct uc_mount *best = NULL;

	for (size_t i = 0; id && i < mounts->count; i++)
		if (mounts->item[i].id == id)
			return &mounts->item[i];
	/* of several at one place the last one is seen */
	for (size_t i = 0; i < mounts->count; i++)
		if (is_below(path, mounts->item[i].path) &&
		    (!best || strlen(mounts->item[i].path) >= strlen(best->path)))
			best = &mounts->item[i];
	return best;
}
