/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_BASE_PROGRAM_H
#define UC_BASE_PROGRAM_H
/* Programs that are run for what they print: bounded in time and in bytes, no shell. */
#include <stdint.h>
#include <ucluster/text.h>

struct uc_program {
	const char *path;   /* of the file; PATH is not looked at */
	char *const *words; /* its arguments, from its own name on; NULL-terminated */
	const char *const *environment; /* NULL-terminated; NULL = empty */
	int64_t deadline;               /* of uc_monotonic_ms() */
	size_t bytes;                   /* of output, at most */
};

/*
 * Run it with nothing on its input and its errors left away, in a process group of its
 * own that ends with it, and append what it prints. UC_OK, and *status as waitpid() has
 * it; or UC_UNREACHABLE: not done by the deadline, UC_INVALID: more output than wanted,
 * UC_FAILED: not started (*failure is an errno) or not read (*failure is 0).
 */
enum uc_code uc_program_run(const struct uc_program *program, struct uc_buf *out,
			    int *status, int *failure) UC_MUST_CHECK;

/*
 * Set `out` to the file that `name` is by `path`, the value of PATH (NULL: the usual
 * one). Folders that are not absolute are left out: the working directory may be
 * somebody else's.
 */
bool uc_program_find(struct uc_buf *out, const char *name, const char *path);

/* The value of a variable, or NULL. The environment is NULL-terminated, or NULL. */
const char *uc_env_value(const char *const *environment, const char *name);

#endif
