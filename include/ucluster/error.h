/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_ERROR_H
#define UCLUSTER_ERROR_H
/*
 * Errors are values on the caller's stack: no allocation, no thread-local "last error".
 *
 *	struct uc_error err = { 0 };
 *	if (uc_source_open("slurm:", NULL, &src, &err) < 0)
 *		fprintf(stderr, "%s\n", err.text);
 *
 * A function that can fail returns 0 or -1 (or a pointer or NULL) and fills *err when it
 * fails; err may be NULL. Callers test the return value, never the error.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UC_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#define UC_MUST_CHECK        __attribute__((warn_unused_result))

/* What kind of failure; also the exit status of every command. */
enum uc_code {
	UC_OK = 0,
	UC_FAILED = 1,
	UC_USAGE = 2,       /* wrong option or configuration */
	UC_NOTFOUND = 3,    /* no such job, image, profile, ... */
	UC_UNREACHABLE = 4, /* Slurm or SSH did not answer in time */
	UC_DENIED = 5,      /* permission or policy */
	UC_INVALID = 6,     /* a peer (worker, recording, server) sent invalid data */
};

/* A place in a file; line 0: none. Long paths keep their end; columns are characters. */
struct uc_mark {
	char path[192];
	int line, column;
};

struct uc_error {
	enum uc_code code;
	struct uc_mark at;   /* in the user's file (configuration, script) */
	struct uc_mark from; /* in ucluster's source; shown with -vv */
	char text[320];      /* one line, no full stop; passed the sanitiser */
	char hint[200];      /* what to do next, may be empty */
};

/*
 * Fill *err and return -1: `return uc_fail(err, UC_USAGE, "...")`. The formatted text is
 * sanitised (see text.h), so foreign strings may be put into it with %s. Without memory
 * for it the text is "out of memory", and UC_OK, a remark, becomes UC_FAILED.
 */
#define uc_fail(err, code, ...)                                                          \
	uc_fail_from((err), (code), __FILE__, __LINE__, __VA_ARGS__)
int uc_fail_from(struct uc_error *err, enum uc_code code, const char *file, int line,
		 const char *fmt, ...) UC_PRINTF(5, 6);

/* As uc_fail, with ": " and the text of errno_value (strerror) added. */
#define uc_fail_errno(err, code, errno_value, ...)                                       \
	uc_fail_errno_from((err), (code), (errno_value), __FILE__, __LINE__, __VA_ARGS__)
int uc_fail_errno_from(struct uc_error *err, enum uc_code code, int errno_value,
		       const char *file, int line, const char *fmt, ...) UC_PRINTF(6, 7);

/* Set the hint of an error that was just filled. Returns -1. */
int uc_hint(struct uc_error *err, const char *fmt, ...) UC_PRINTF(2, 3);

/* Set the place in the user's file. Returns -1. */
int uc_at(struct uc_error *err, const char *path, int line, int column);

/* Put "what: " before the text, once per layer that knows something new. Returns -1. */
int uc_context(struct uc_error *err, const char *fmt, ...) UC_PRINTF(2, 3);

/* A list of errors, for files that are checked as a whole. Zero-initialise. */
struct uc_errors {
	struct uc_error *item;
	size_t count;
	size_t dropped; /* beyond UC_ERRORS_MAX, or out of memory */
};
#define UC_ERRORS_MAX 100

/* Copy *err to the end of the list. */
void uc_errors_add(struct uc_errors *list, const struct uc_error *err);
void uc_errors_free(struct uc_errors *list);

/*
 * Ownership: what an out-parameter returned is the caller's and freed with
 * uc_NAME_free(), which takes NULL. `uc_auto(jobs) struct uc_jobs *jobs = NULL;` frees at
 * the end of the scope; `return uc_take(&jobs)` hands it over instead.
 */
#define UC_DEFINE_AUTO(name, type)                                                       \
	static inline void uc_auto_##name(type *p)                                       \
	{                                                                                \
		uc_##name##_free(*p);                                                    \
	}
#define UC_DEFINE_AUTO_VALUE(name, type)                                                 \
	static inline void uc_auto_##name(type *p)                                       \
	{                                                                                \
		uc_##name##_free(p);                                                     \
	}
#define uc_auto(name) __attribute__((cleanup(uc_auto_##name)))
#define uc_take(p)                                                                       \
	__extension__({                                                                  \
		__typeof__(*(p)) taken_ = *(p);                                          \
		*(p) = NULL;                                                             \
		taken_;                                                                  \
	})

UC_DEFINE_AUTO_VALUE(errors, struct uc_errors)

#ifdef __cplusplus
}
#endif
#endif
