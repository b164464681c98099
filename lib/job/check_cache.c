/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "job/check_cache.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
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

static bool copy(int from, int to, size_t size)
{
	while (size > 0) {
		ssize_t n = sendfile(to, from, NULL, size);

		if (n <= 0)
			return false;
		size -= (size_t)n;
	}
	return true;
}

bool uc_check_cache_get(const struct uc_check_cache *cache, enum uc_rows_kind kind,
			int64_t *age, struct uc_rows **out)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	const int seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;
	bool found = false;
	int file, memory;
	size_t size;

	if (!cache->dir || cache->fresh)
		return false;
	file_name(cache, kind, &path);
	file = open(uc_buf_text(&path), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (file < 0)
		return false;
	/* copied: a file could be cut while it is mapped */
	memory = memfd_create("ucluster-cache", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (memory >= 0 && is_usable(file, age, &size) && copy(file, memory, size) &&
	    fcntl(memory, F_ADD_SEALS, seals) == 0)
		found = uc_wire_map(memory, kind, out, NULL) == 0;
	if (memory >= 0)
		close(memory);
	close(file);
	return found;
}

/* Not synced: after a crash it is asked again. */
static void write_file(const char *path, int memory, size_t size)
{
	uc_auto(buf) struct uc_buf temp = { 0 };
	int file;

	uc_buf_addf(&temp, "%s.XXXXXX", path);
	if (temp.failed)
		return;
	file = mkostemp(temp.data, O_CLOEXEC);
	if (file < 0)
		return;
	if (!copy(memory, file, size) || rename(temp.data, path) < 0)
		unlink(temp.data);
	close(file);
}

void uc_check_cache_put(const struct uc_check_cache *cache, enum uc_rows_kind kind,
			const struct uc_rows *rows)
{
	const struct uc_rows_type *type = uc_rows_type(kind);
	uc_auto(buf) struct uc_buf path = { 0 };
	struct uc_wire *wire;
	struct stat st;
	int memory;

	if (!cache->dir || uc_file_mkdirs(cache->dir, 0700, NULL) < 0)
		return;
	wire = uc_wire_new(kind);
	for (size_t i = 0; wire && i < rows->count; i++)
		uc_wire_add(wire, uc_rows_at(rows, type->row_size, i));
	memory = wire ? uc_wire_finish(wire, rows->now, rows->updated, NULL) : -1;
	uc_wire_free(wire);
	file_name(cache, kind, &path);
	if (memory >= 0 && fstat(memory, &st) == 0 && lseek(memory, 0, SEEK_SET) == 0 &&
	    !path.failed)
		write_file(uc_buf_text(&path), memory, (size_t)st.st_size);
	if (memory >= 0)
		close(memory);
}
