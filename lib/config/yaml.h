/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_CONFIG_YAML_H
#define UC_CONFIG_YAML_H
/*
 * The part of YAML that configuration needs, read into a small tree with positions.
 * Anchors, aliases, tags, merge keys, several documents, control bytes and everything
 * above the limits are faults, each with its place. Scalars stay text: what they mean is
 * said by the schema, not by how they look ("no" is a fine partition name).
 */
#include "base/arena.h"

#define UC_YAML_BYTES  ((size_t)256 * 1024)
#define UC_YAML_DEPTH  16
#define UC_YAML_NODES  4096
#define UC_YAML_SCALAR ((size_t)64 * 1024)

enum uc_node_kind {
	UC_NODE_TEXT,
	UC_NODE_LIST,
	UC_NODE_MAP
};

/* Where something stands in a file; both from 1, columns count characters. */
struct uc_place {
	int line, column;
};

struct uc_node {
	enum uc_node_kind kind;
	struct uc_place at;     /* of the value */
	struct uc_place key_at; /* of the key, in a map */
	const char *key;        /* in a map; else NULL */
	const char *text;       /* UC_NODE_TEXT */
	bool quoted;            /* text in quotes or a block: may be empty on purpose */
	bool skip;              /* faulty and reported: look no further */
	struct uc_node *first, *next;
};

/* One file's bytes, and what it is called in messages. */
struct uc_yaml_file {
	const char *path, *bytes;
	size_t len;
};

/*
 * Read it. *root is a map (an empty one for an empty file), or NULL when the text is no
 * YAML at all. Faults are added; returns how many there were.
 */
size_t uc_yaml_read(struct uc_arena *arena, const struct uc_yaml_file *file,
		    struct uc_node **root, struct uc_errors *faults);

/* Refuse what is not plain UTF-8 text; *at is the first such place. (bytes.c) */
int uc_bytes_check(const char *bytes, size_t len, struct uc_place *at,
		   struct uc_error *err) UC_MUST_CHECK;
/* The place of the byte at `offset`. (bytes.c) */
struct uc_place uc_bytes_place(const char *bytes, size_t len, size_t offset);

#endif
