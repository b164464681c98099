/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_GLOB_H
#define UC_SYNC_GLOB_H
/*
 * Patterns as gitignore(5) has them: `*` and `?` stop at a slash, `**` between slashes
 * spans folders, brackets with ranges and [:classes:], a backslash takes the next byte as
 * it is. Bytes are compared, not characters, as git does. Names are compared with many of
 * them at once (matcher.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum uc_glob_kind {
	UC_GLOB_BYTE,    /* this one */
	UC_GLOB_ANY,     /* one, no slash */
	UC_GLOB_SET,     /* one of a set, no slash */
	UC_GLOB_STAR,    /* any number, no slash */
	UC_GLOB_STARS,   /* any number, slashes too */
	UC_GLOB_FOLDERS, /* as STARS; together with the slash that follows it may be
			    nothing where a folder begins */
	UC_GLOB_END      /* of a pattern among others */
};
struct uc_glob_step {
	uint8_t kind;
	uint8_t byte;
	uint32_t set; /* number of it */
};

/* A compiled pattern. Zero-initialise; free with uc_glob_free. */
struct uc_glob {
	struct uc_glob_step *step;
	size_t count;
	uint64_t (*set)[4]; /* the brackets' bytes, a bit each */
	size_t sets;
	bool never; /* the pattern is malformed: matches nothing, as in git */
};
#define UC_GLOB_MAX 4096 /* bytes of a pattern */

/*
 * Compile `len` bytes. -1 when out of memory or longer than UC_GLOB_MAX; a malformed
 * pattern is not an error.
 */
int uc_glob_compile(struct uc_glob *glob, const char *pattern, size_t len);
void uc_glob_free(struct uc_glob *glob);

#endif
