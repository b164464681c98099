/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_TEMPLATE_TEMPLATE_H
#define UC_TEMPLATE_TEMPLATE_H
#include <ucluster/template.h>
#include "base/arena.h"

#define UC_TEMPLATE_MANIFEST "template.yaml"
#define UC_TEMPLATE_README   "README.md"
#define UC_TEMPLATE_KEYS_MAX 64

struct uc_template_entry {
	const char *path, *bytes; /* relative; with a NUL behind */
	size_t len;
	bool executable;
};

struct uc_template {
	struct uc_arena *arena;
	const char *folder, *name, *summary;
	struct uc_template_key *keys;
	size_t key_count;
	struct uc_template_entry *files;
	size_t file_count;
};

/* A place for a value in a file. */
struct uc_hole {
	size_t at, end; /* offsets of its first "@" and behind its last one */
	bool condition; /* @if:NAME@ */
	enum uc_template_context context;
	const struct uc_template_key *key;
};

/* Where a shell is between two characters; see uc_shell_step. */
struct uc_shell_place {
	char open[32]; /* what is open, innermost last: ' " ` ( { [ $ */
	size_t depth;
	bool comment, heredoc, lost;
	char delimiter[64]; /* of the here-document to come, or that it is in */
	bool tabs;          /* <<- */
	size_t line;        /* offset of the line's first character */
};

/* A name of a template or of a key of one. */
bool uc_template_is_name(const char *name, size_t len);
/* By name; NULL when there is none. */
struct uc_template_key *uc_template_key_find(const struct uc_template *t,
					     const char *name, size_t len);
/* Is it a value of this key? */
int uc_template_check(const struct uc_template_key *key, const char *value,
		      struct uc_error *err) UC_MUST_CHECK;

/* Read template.yaml. (manifest.c) */
int uc_manifest_read(struct uc_template *t, const char *path, const char *bytes,
		     size_t len, struct uc_errors *faults) UC_MUST_CHECK;

/* The next place from offset `from` on: 1, 0 when there is none, -1 with err, and err->at
 * set, for one that is wrong; hole->end is where to go on then, too. (holes.c) */
int uc_hole_next(const struct uc_template *t, const struct uc_template_entry *file,
		 size_t from, struct uc_hole *hole, struct uc_error *err);
/* All faults of a file's places. (holes.c) */
void uc_holes_check(const struct uc_template *t, const struct uc_template_entry *file,
		    struct uc_errors *faults);
/* The file with values. (holes.c) */
void uc_holes_fill(const struct uc_template *t, const struct uc_template_entry *file,
		   struct uc_buf *out);

/*
 * Read on from offset `from` to `to` of a shell script. (shell.c) True afterwards: a word
 * in single quotes that is put here is one word, or part of one.
 */
void uc_shell_step(struct uc_shell_place *place, const char *bytes, size_t from,
		   size_t to);
bool uc_shell_takes_word(const struct uc_shell_place *place);

#endif
