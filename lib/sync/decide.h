/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_DECIDE_H
#define UC_SYNC_DECIDE_H
/* What becomes of one path. */
#include <ucluster/sync.h>

#include "sync/entry.h"

/* What one side had after the last run. */
struct uc_sync_past {
	bool known;
	uint8_t kind;
	uint64_t size; /* of a link: the hash of its target */
	int64_t mtime;
};

enum uc_sync_contents {
	UC_SYNC_CONTENTS_UNKNOWN, /* size and time tell */
	UC_SYNC_CONTENTS_EQUAL,
	UC_SYNC_CONTENTS_DIFFER,
};

struct uc_sync_case {
	const struct uc_sync_entry *here, *there; /* at the source, at the destination */
	struct uc_sync_past here_then, there_then;
	enum uc_sync_contents contents; /* of two files of one size */
	bool coarse;                    /* the far end's times are not of nanoseconds */
	bool pull;                      /* the source is the far end */
	bool remove, overwrite;
};

struct uc_sync_choice {
	enum uc_sync_action action;
	const char *why;
	bool keep;   /* what is there has not been here: it goes to the trash */
	bool linger; /* a folder is there: after what is in it was removed */
};

void uc_sync_decide(const struct uc_sync_case *one, struct uc_sync_choice *choice);

/*
 * Do both say the same time, as far as the side that knows it worse can tell? A time
 * without fractions may have lost them; `coarse`: less than two seconds are no
 * difference, nor is what 32 bits of seconds cannot say.
 */
bool uc_sync_same_time(int64_t a, int64_t b, bool coarse);

#endif
