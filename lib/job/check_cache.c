/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "job/check_cache.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "base/file.h"
#include "slurm/wire.h"

static uint64_t mix(uint64_t hash, const void *bytes, size_t len)
{
	const unsigned char *p = bytes;

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ p[i]) * 0x100000001b3; /* FNV-1a */
	return hash;
}

/* DIR/KIND-HASH: of slurm.conf's path and state, and of the user. */
static void file_name(const struct uc_check_cache *cache, enum uc_rows_kind kind,
		      struct uc_buf *path)
{
	const char *conf = cache->conf ? cache->conf : "configless";
	uint64_t hash = mix(0xcbf29ce484222325, conf, strlen(conf));
	const uid_t user = geteuid();
	struct stat st;

	if (stat(conf, &st) == 0) {
		hash = mix(hash, &st.st_mtim, sizeof(st.st_mtim));
		hash = mix(hash, &st.st_size, sizeof(st.st_size));
	}
	hash = mix(hash, &user, sizeof(user));
	uc_buf_addf(path, "%s/%s-%016" PRIx64, cache->dir, uc_rows_type(kind)->name,
		    hash);
}

/* Ours, nobody else may write it, and young. */
static bool is_usable(int fd, int64_t *age, size_t *size)
{
	struct stat st;
	const time_t now = time(NULL);

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    st.st_mode & 022 || st.st_size <= 0 ||
	    (uint64_t)st.st_size > UC_CHECK_CACHE_MAX || st.st_mtime > now ||
	    now - st.st_mtime > *age)
		return false;
	*age = now - st.st_mtime;
	*size = (size_t)st.st_size;
	return true;
}

bool uc_check_cache_get(const struct uc_check_cache *cache, enum uc_rows_kind kind,
			int64_t *age, struct uc_rows **out)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	bool found;
	size_t size;
	int file;

	if (!cache->dir || cache->fresh)
		return false;
	file_name(cache, kind, &path);
	file = open(uc_buf_text(&path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (file < 0)
		return false;
	found = is_usable(file, age, &size) && uc_wire_load(file, size, kind, out) == 0;
	close(file);
	return found;
}

/* Not synced: after a crash it is asked again. */
static void write_file(const char *path, const struct uc_rows *rows,
		       enum uc_rows_kind kind)
{
	uc_auto(buf) struct uc_buf temp = { 0 };
	int file;

	uc_buf_addf(&temp, "%s.XXXXXX", path);
	if (temp.failed)
		return;
	file = mkostemp(temp.data, O_CLOEXEC);
	if (file < 0)
		return;
	if (!uc_wire_save(rows, kind, file) || rename(temp.data, path) < 0)
		unlink(temp.data);
	close(file);
}

void uc_check_cache_put(const struct uc_check_cache *cache, enum uc_rows_kind kind,
			const struct uc_rows *rows)
{
	uc_auto(buf) struct uc_buf path = { 0 };

	if (!cache->dir || uc_file_mkdirs(cache->dir, 0700, NULL) < 0)
		return;
	file_name(cache, kind, &path);
	if (!path.failed)
		write_file(uc_buf_text(&path), rows, kind);
}
