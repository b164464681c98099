/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_STATE_H
#define UC_SYNC_STATE_H
/*
 * What both folders were known to have in common after the last run: it tells which side
 * changed since. A hint and nothing else: everything works, more carefully, without one.
 *
 * A file FOLDER/HASH.state, HASH being the XXH3 of host and both paths; little-endian:
 *
 *	0   8  "ucstate\1"
 *	8   8  entries
 *	16  8  XXH3 of all bytes behind the header, seeded with the entries' number
 *	24  8  their number
 *	32  …  a zstd frame of entries in the order of a walk, each
 *	       varint  bytes of the path that are the one's before
 *	       varint  bytes of the path that follow, and these
 *	       u8      kind; 4: the other side's time follows
 *	       zigzag  time on the near side, less that of the entry before
 *	       zigzag  time on the far side, less the near one (only with 4)
 *	       varint  size of a file; u64: XXH3 of a link's target
 */
#include <ucluster/text.h>

#include "sync/entry.h"

struct uc_sync_known {
	const char *path;  /* borrowed until the next one is asked for */
	uint8_t kind;      /* enum uc_sync_kind */
	uint64_t size;     /* of a link: the hash of its target */
	int64_t near, far; /* times, nanoseconds since 1970 */
};

struct uc_sync_state;

/* Which file it is. `host` is NULL for a far folder of this machine. */
struct uc_sync_state_name {
	const char *folder, *host, *near, *far;
};

/*
 * Read it. *damaged: it was there and is none; it was renamed to NAME.damaged, and the
 * state is empty. `lock`: nobody else may have it locked, until it is freed
 * (UC_UNREACHABLE). A NULL folder: an empty one that is never written.
 */
int uc_sync_state_open(struct uc_sync_state **state,
		       const struct uc_sync_state_name *name, bool lock, bool *damaged,
		       struct uc_error *err) UC_MUST_CHECK;
void uc_sync_state_free(struct uc_sync_state *state);
UC_DEFINE_AUTO(sync_state, struct uc_sync_state *)

/*
 * Go through what was read, from its start: the entry at `path`, NULL when there is none.
 * Paths are asked for in the order of a walk.
 */
const struct uc_sync_known *uc_sync_state_seek(struct uc_sync_state *state,
					       const char *path);
/* The next entry; NULL at the end. Entries that seek passed are not told again. */
const struct uc_sync_known *uc_sync_state_next(struct uc_sync_state *state);
/* Back to the start. -1 when out of memory. */
int uc_sync_state_rewind(struct uc_sync_state *state, struct uc_error *err) UC_MUST_CHECK;

/* Write another in its place: add in the order of a walk, then save. */
struct uc_sync_state_writer;
struct uc_sync_state_writer *uc_sync_state_writer_new(void);
void uc_sync_state_add(struct uc_sync_state_writer *writer,
		       const struct uc_sync_known *known);
/* Not written when it says what is there already. */
int uc_sync_state_save(struct uc_sync_state *state, struct uc_sync_state_writer *writer,
		       struct uc_error *err) UC_MUST_CHECK;
void uc_sync_state_writer_free(struct uc_sync_state_writer *writer);
UC_DEFINE_AUTO(sync_state_writer, struct uc_sync_state_writer *)

/* What stands for a link's target in `size`. */
uint64_t uc_sync_state_target(const char *target);

/* For fuzzing: a state of these bytes; NULL when they are none. */
struct uc_sync_state *uc_sync_state_parse(const void *bytes, size_t len);

#endif
