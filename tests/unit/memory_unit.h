/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_TESTS_MEMORY_UNIT_H
#define UC_TESTS_MEMORY_UNIT_H
/*
 * Memory that runs out. The linker hands malloc, calloc and realloc of the program to
 * __wrap_*; one file of it includes this.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>

static struct {
	size_t calls, fail_at; /* 0: never */
	bool stay;             /* fail all further ones too */
} memory;

static bool refused(void)
{
	memory.calls++;
	if (!memory.fail_at || (memory.stay ? memory.calls < memory.fail_at
					    : memory.calls != memory.fail_at))
		return false;
	errno = ENOMEM;
	return true;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *old, size_t size);

void *__wrap_malloc(size_t size)
{
	return refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *old, size_t size)
{
	return refused() ? NULL : __real_realloc(old, size);
}

#endif
