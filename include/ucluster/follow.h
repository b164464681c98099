/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_FOLLOW_H
#define UCLUSTER_FOLLOW_H
/*
 * Files that others are writing to, such as the output of jobs: their last lines, then
 * what is added, whoever truncates, renames or replaces them, on shared file systems too.
 *
 *	uc_auto(follow) struct uc_follow *f = uc_follow_new();
 *	struct uc_follow_news news;
 *	int which = uc_follow_add(f, &(struct uc_follow_rules){ .path = path,
 *								.lines = 10 });
 *	for (;;) {
 *		while (uc_follow_next(f, &news) > 0)
 *			if (news.kind == UC_FOLLOW_BYTES)
 *				write(1, news.bytes, news.len);
 *		poll(&(struct pollfd){ .fd = uc_follow_fd(f), .events = POLLIN }, 1,
 *		     uc_follow_pause(f));
 *	}
 *
 * Nothing blocks but the file system itself. Memory does not grow with the files.
 */
#include <stdint.h>
#include <sys/types.h>
#include <ucluster/error.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UC_FOLLOW_ALL INT64_MAX /* lines: from the start */

struct uc_follow_rules {
	const char *path; /* absolute; copied; need not be there yet */
	int64_t lines;    /* show so many of those that are there first */
	/*
	 * Epoch; 0: none. While it was last written before that and does not change, the
	 * file is another job's.
	 */
	int64_t not_before;
	uint64_t skip; /* so many bytes at its start are another job's; lines: ALL */
};

/* What happened to a file. */
enum uc_follow_kind {
	UC_FOLLOW_BYTES,
	UC_FOLLOW_CUT,      /* it was emptied or rewritten: its start comes next */
	UC_FOLLOW_CLOSED,   /* somebody on this host who wrote to it closed it */
	UC_FOLLOW_REPLACED, /* another file has its name: that one's start comes next */
	UC_FOLLOW_FAILED,   /* it cannot be read, and is no longer looked at: `error` */
};
struct uc_follow_news {
	enum uc_follow_kind kind;
	int which;         /* as uc_follow_add() returned */
	const char *bytes; /* until the next call */
	size_t len;
	struct uc_error error;
};

struct uc_follow;

/* NULL: out of memory. Without inotify it looks more often. */
struct uc_follow *uc_follow_new(void);
void uc_follow_free(struct uc_follow *f);
UC_DEFINE_AUTO(follow, struct uc_follow *)

/* Its number, 0, 1, ...; -1: out of memory. */
int uc_follow_add(struct uc_follow *f, const struct uc_follow_rules *rules);
/* It is not looked at any more; its number is not used again. */
void uc_follow_drop(struct uc_follow *f, int which);
/* Its path, borrowed. */
const char *uc_follow_path(const struct uc_follow *f, int which);
/* It was there, and no other job's. */
bool uc_follow_seen(const struct uc_follow *f, int which);
/* On a file system where other hosts' writes are seen late. */
bool uc_follow_is_shared(const struct uc_follow *f, int which);
/* Forget not_before: nobody else writes to it. */
void uc_follow_claim(struct uc_follow *f, int which);

/* The next news of any file, the files in turn: 1, or 0 when there is none for now. */
int uc_follow_next(struct uc_follow *f, struct uc_follow_news *news);

/* To wait for: readable when something happened; -1 when there is no inotify. */
int uc_follow_fd(const struct uc_follow *f);
/* Milliseconds after which to ask again all the same; -1: nothing is followed. */
int uc_follow_pause(const struct uc_follow *f);

/*
 * Where the last `lines` lines of a file begin; a line without an end counts. At most the
 * last 16 MiB are looked at: long lines are cut at the front. -1 with errno.
 */
off_t uc_follow_last_lines(int fd, int64_t lines);

#ifdef __cplusplus
}
#endif
#endif
