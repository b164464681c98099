/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_ENTRY_H
#define UC_SYNC_ENTRY_H
/*
 * What a tree holds: a flat list in the order of a walk. Each folder's names are sorted
 * by bytes, a folder comes before what is in it, and all of that before its next
 * neighbour; two such lists are compared in one pass.
 */
#include <stdint.h>
#include <sys/stat.h>
#include <ucluster/error.h>

enum uc_sync_kind {
	UC_SYNC_FILE,
	UC_SYNC_FOLDER,
	UC_SYNC_LINK,
};

struct uc_sync_entry {
	const char *path;   /* below the root, any bytes but NUL; no slash at its ends */
	const char *target; /* of a link, else NULL */
	uint64_t size;      /* of a file, holes included */
	int64_t mtime;      /* nanoseconds since 1970 */
	uint32_t twin;      /* 1 + the index of an earlier entry that is the same file */
	uint16_t mode;      /* permission bits, 07777 */
	uint8_t kind;       /* enum uc_sync_kind */
	bool holes : 1;     /* takes less room than its size says */
	bool keep : 1;      /* of what is expected: the trash gets what is replaced */
};

#define UC_SYNC_PATH_MAX  4095 /* bytes of a path */
#define UC_SYNC_NAME_MAX  255
#define UC_SYNC_DEPTH_MAX 64         /* folders above an entry */
#define UC_SYNC_LIST_MAX  UINT32_MAX /* entries */

/*
 * Where `a` stands in the order of a walk, seen from `b`: below, at or above 0. A slash
 * is less than any other byte, so that what is in "a" comes before "a-b".
 */
int uc_sync_path_compare(const char *a, const char *b);

/* Entries and their strings. Zero-initialise; free with uc_sync_list_free. */
struct uc_sync_list {
	struct uc_sync_entry **block; /* of a fixed number each: they never move */
	struct uc_arena *strings;
	size_t count, blocks;
};

/* Copy an entry to the end, with its strings. -1 when out of memory, or when it is full.
 */
int uc_sync_list_add(struct uc_sync_list *list, const struct uc_sync_entry *entry,
		     struct uc_error *err) UC_MUST_CHECK;
/* Borrowed; `index` is below count. */
struct uc_sync_entry *uc_sync_list_at(const struct uc_sync_list *list, size_t index);
/* Bytes of memory it takes. */
size_t uc_sync_list_size(const struct uc_sync_list *list);
void uc_sync_list_free(struct uc_sync_list *list);
UC_DEFINE_AUTO_VALUE(sync_list, struct uc_sync_list)

/* Files with several names, by device and inode. Zero-initialise. */
struct uc_sync_twins {
	struct uc_sync_twin *slot;
	size_t used, slots; /* slots: 0 or a power of two */
};
/*
 * Set `*twin` to what `struct uc_sync_entry` has there: 0 the first time a file is seen,
 * which is remembered as `index`.
 */
int uc_sync_twins_see(struct uc_sync_twins *twins, const struct stat *st, uint32_t index,
		      uint32_t *twin, struct uc_error *err) UC_MUST_CHECK;
void uc_sync_twins_free(struct uc_sync_twins *twins);
UC_DEFINE_AUTO_VALUE(sync_twins, struct uc_sync_twins)

#endif
