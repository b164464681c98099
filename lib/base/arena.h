/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_BASE_ARENA_H
#define UC_BASE_ARENA_H
/*
 * Memory that is freed all at once: a snapshot and its strings. Failure is sticky: build
 * the whole thing, check uc_arena_failed() once.
 */
#include <ucluster/error.h>

struct uc_arena;

struct uc_arena *uc_arena_new(void);
void uc_arena_free(struct uc_arena *arena);
UC_DEFINE_AUTO(arena, struct uc_arena *)

/* Zeroed, aligned for any type; NULL when out of memory (then and ever after). */
void *uc_arena_alloc(struct uc_arena *arena, size_t size);
void *uc_arena_array(struct uc_arena *arena, size_t count, size_t size);
/* NULL for NULL. */
char *uc_arena_strdup(struct uc_arena *arena, const char *text);
char *uc_arena_strndup(struct uc_arena *arena, const char *text, size_t len);
char *uc_arena_printf(struct uc_arena *arena, const char *fmt, ...) UC_PRINTF(2, 3);

/* As if an allocation had failed: what was to go into it could not be made. */
void uc_arena_fail(struct uc_arena *arena);
bool uc_arena_failed(const struct uc_arena *arena);
size_t uc_arena_size(const struct uc_arena *arena); /* bytes taken from malloc */

#endif
