/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_MIN ((size_t)4096)
#define BLOCK_MAX ((size_t)1 << 20)

struct block {
	struct block *next;
	size_t used, size;
	alignas(max_align_t) unsigned char data[];
};

struct uc_arena {
	struct block *blocks; /* the one in use first */
	size_t total;
	bool failed;
};

struct uc_arena *uc_arena_new(void)
{
	return calloc(1, sizeof(struct uc_arena));
}

void uc_arena_free(struct uc_arena *arena)
{
	struct block *next;

	if (!arena)
		return;
	for (struct block *b = arena->blocks; b; b = next) {
		next = b->next;
		free(b);
	}
	free(arena);
}

/* Blocks double up to BLOCK_MAX, so that a small snapshot stays small. */
static struct block *add_block(struct uc_arena *arena, size_t need)
{
	size_t size = arena->blocks ? arena->blocks->size * 2 : BLOCK_MIN;
	struct block *b;

	if (size > BLOCK_MAX)
		size = BLOCK_MAX;
	if (size < need)
		size = need;
	b = size > SIZE_MAX - sizeof(*b) ? NULL : calloc(1, sizeof(*b) + size);
	if (!b) {
		arena->failed = true;
		return NULL;
	}
	b->size = size;
	b->next = arena->blocks;
	arena->blocks = b;
	arena->total += sizeof(*b) + size;
	return b;
}

void *uc_arena_alloc(struct uc_arena *arena, size_t size)
{
	struct block *b = arena->blocks;
	void *p;

	if (arena->failed || size > SIZE_MAX / 2) {
		arena->failed = true;
		return NULL;
	}
	size = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (!b || b->size - b->used < size) {
		b = add_block(arena, size);
		if (!b)
			return NULL;
	}
	p = b->data + b->used;
	b->used += size;
	return p;
}

void *uc_arena_array(struct uc_arena *arena, size_t count, size_t size)
{
	size_t bytes;

	if (__builtin_mul_overflow(count, size, &bytes)) {
		arena->failed = true;
		return NULL;
	}
	return uc_arena_alloc(arena, bytes);
}

char *uc_arena_strndup(struct uc_arena *arena, const char *text, size_t len)
{
	char *copy = text ? uc_arena_alloc(arena, len + 1) : NULL;

	if (copy)
		memcpy(copy, text, len);
	return copy;
}

char *uc_arena_strdup(struct uc_arena *arena, const char *text)
{
	return text ? uc_arena_strndup(arena, text, strlen(text)) : NULL;
}

char *uc_arena_printf(struct uc_arena *arena, const char *fmt, ...)
{
	va_list ap;
	char *text;
	int len;

	va_start(ap, fmt);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	text = len < 0 ? NULL : uc_arena_alloc(arena, (size_t)len + 1);
	if (!text) {
		arena->failed = true;
		return NULL;
	}
	va_start(ap, fmt);
	vsnprintf(text, (size_t)len + 1, fmt, ap);
	va_end(ap);
	return text;
}

void uc_arena_fail(struct uc_arena *arena)
{
	arena->failed = true;
}

bool uc_arena_failed(const struct uc_arena *arena)
{
	return arena->failed;
}

size_t uc_arena_size(const struct uc_arena *arena)
{
	return arena->total;
}
