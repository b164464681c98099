/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What is in a file that is being written: bytes that come, pieces of the old file, sums.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/linux.h"
#include "sync/digest.h"
#include "sync/store_inside.h"

#define PIECE (256u << 10) /* bytes read at once */
#define HOLE  4096u        /* bytes; aligned zeroes that become a hole */
#define PUSH  (8u << 20)   /* bytes that the disk is given at once */

/* Sums */

/* With the first file: many a run has none. */
bool uc_store_can_sum(struct uc_store *store)
{
	if (!store->sha)
		store->sha = uc_sha256_fetch();
	if (!store->small)
		store->small = EVP_MD_CTX_new();
	return store->sha && store->small;
}

int uc_store_start_sum(struct uc_store_file *file, struct uc_error *err)
{
	if (!file->sha)
		file->sha = EVP_MD_CTX_new();
	if (!file->sha || !uc_store_can_sum(file->store) ||
	    !EVP_DigestInit_ex2(file->sha, file->store->sha, NULL))
		return uc_store_memory(err, file->path);
	file->hashed = 0;
	return UC_STORE_OK;
}

/* Bytes */

static int broken(struct uc_store_file *file, struct uc_error *err)
{
	int errno_value = errno;

	file->failed = true;
	/* what is there fills the disk for everybody */
	if (errno_value == ENOSPC || errno_value == EDQUOT)
		file->partial = false;
	return uc_store_failed(err, errno_value, "write", file->path);
}

/* Read what it has and no sum knows yet; into `also` as well. */
static int read_own(struct uc_store_file *file, uint64_t from, XXH3_state_t *also,
		    struct uc_error *err)
{
	char *piece = malloc(PIECE);
	int outcome = piece ? UC_STORE_OK : uc_store_memory(err, file->path);

	while (outcome == UC_STORE_OK && from < file->offset) {
		uint64_t left = file->offset - from;
		ssize_t got = pread(file->fd, piece, left < PIECE ? (size_t)left : PIECE,
				    (off_t)from);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			errno = got < 0 ? errno : EIO; /* somebody cut it */
			outcome = broken(file, err);
			break;
		}
		if (from == file->hashed) {
			(void)EVP_DigestUpdate(file->sha, piece, (size_t)got);
			file->hashed += (uint64_t)got;
		}
		if (also)
			(void)XXH3_64bits_update(also, piece, (size_t)got);
		from += (uint64_t)got;
	}
	free(piece);
	return outcome;
}

int uc_store_have_sum(struct uc_store_file *file, uint64_t *sum, struct uc_error *err)
{
	XXH3_state_t *state = XXH3_createState();
	int outcome;

	if (!state || XXH3_64bits_reset(state) != XXH_OK) {
		XXH3_freeState(state);
		return uc_store_memory(err, file->path);
	}
	outcome = read_own(file, 0, state, err);
	*sum = XXH3_64bits_digest(state);
	XXH3_freeState(state);
	return outcome;
}

int uc_store_restart(struct uc_store_file *file, struct uc_error *err)
{
	if (ftruncate(file->fd, 0) < 0)
		return broken(file, err);
	file->offset = file->pushed = 0;
	file->prepared = file->failed = false;
	return uc_store_start_sum(file, err);
}

/* Before anything is added: its sum is up to date, its room is there. */
int uc_store_prepare(struct uc_store_file *file, uint64_t len, struct uc_error *err)
{
	if (file->failed) {
		(void)uc_fail(err, UC_FAILED, "'%s' could not be written", file->path);
		errno = 0;
		return UC_STORE_FAILED;
	}
	if (len > file->entry.size - file->offset) {
		file->failed = true;
		(void)uc_fail(err, UC_INVALID, "'%s' is larger than was said",
			      file->path);
		errno = 0;
		return UC_STORE_REFUSED;
	}
	if (file->prepared)
		return UC_STORE_OK;
	file->prepared = true;
	/* a copy may share its blocks with what is there: it needs less room */
	if (file->entry.size >= UC_STORE_PARTIAL && !file->entry.holes &&
	    file->basis < 0 && uc_linux_reserve(file->fd, file->entry.size) < 0 &&
	    (errno == ENOSPC || errno == EDQUOT || errno == EFBIG))
		return broken(file, err);
	return read_own(file, file->hashed, NULL, err);
}

static int write_at(int fd, const char *bytes, size_t len, uint64_t offset)
{
	while (len > 0) {
		ssize_t put = pwrite(fd, bytes, len, (off_t)offset);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0) {
			errno = put < 0 ? errno : EIO;
			return -1;
		}
		bytes += put;
		offset += (uint64_t)put;
		len -= (size_t)put;
	}
	return 0;
}

static bool is_zero(const char *bytes, size_t len)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, len - 1) == 0;
}

/* What is not written reads as zeroes: the file is new, or was cut there. */
static int write_sparse(int fd, const char *bytes, size_t len, uint64_t offset)
{
	size_t from = 0, at = 0;

	while (at < len) {
		size_t block = HOLE - (size_t)((offset + at) % HOLE);

		if (block > len - at)
			block = len - at;
		if (is_zero(bytes + at, block)) {
			if (write_at(fd, bytes + from, at - from, offset + from) < 0)
				return -1;
			from = at + block;
		}
		at += block;
	}
	return write_at(fd, bytes + from, len - from, offset + from);
}

int uc_store_write_bytes(const struct uc_store_file *file, const char *bytes, size_t len)
{
	if (file->entry.holes)
		return write_sparse(file->fd, bytes, len, file->offset);
	return write_at(file->fd, bytes, len, file->offset);
}

/* The disk writes while more arrives: less is left to wait for at the end. */
static void push(struct uc_store_file *file)
{
	uint64_t some = file->offset - file->pushed;

	if (file->store->no_sync || some < PUSH)
		return;
	(void)uc_linux_write_out(file->fd, file->pushed, some);
	file->pushed = file->offset;
}

int uc_store_write(struct uc_store_file *file, const void *bytes, size_t len,
		   struct uc_error *err)
{
	int outcome = uc_store_prepare(file, len, err);

	if (outcome != UC_STORE_OK)
		return outcome;
	if (uc_store_write_bytes(file, bytes, len) < 0)
		return broken(file, err);
	(void)EVP_DigestUpdate(file->sha, bytes, len);
	file->offset += len;
	file->hashed += len;
	push(file);
	return UC_STORE_OK;
}

/* Bytes that now share their blocks with the old file. */
static uint64_t share_blocks(struct uc_store_file *file, uint64_t from, uint64_t len)
{
	struct stat st;
	uint64_t block;

	if (file->store->no_clone || fstat(file->fd, &st) < 0 || st.st_blksize <= 0)
		return 0;
	block = (uint64_t)st.st_blksize;
	len -= len % block;
	if (len == 0 || from % block || file->offset % block)
		return 0;
	if (uc_linux_clone_range(file->fd, file->offset, file->basis, from, len) == 0)
		return len;
	file->store->no_clone = errno == EOPNOTSUPP || errno == ENOTTY ||
				errno == ENOSYS || errno == EXDEV;
	return 0;
}

static int copy_bytes(struct uc_store_file *file, uint64_t from, uint64_t len,
		      struct uc_error *err)
{
	char *piece = malloc(PIECE);
	int outcome = piece ? UC_STORE_OK : uc_store_memory(err, file->path);

	while (outcome == UC_STORE_OK && len > 0) {
		ssize_t got = pread(file->basis, piece, len < PIECE ? (size_t)len : PIECE,
				    (off_t)from);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			outcome = broken(file, err);
		} else if (got == 0) { /* it was cut meanwhile */
			file->failed = true;
			outcome = uc_store_changed(err, file->path);
		} else {
			outcome = uc_store_write(file, piece, (size_t)got, err);
			from += (uint64_t)got;
			len -= (uint64_t)got;
		}
	}
	free(piece);
	return outcome;
}

int uc_store_copy(struct uc_store_file *file, uint64_t from, uint64_t len,
		  struct uc_error *err)
{
	int outcome = uc_store_prepare(file, len, err);
	uint64_t shared;

	if (outcome != UC_STORE_OK)
		return outcome;
	if (file->basis < 0 || from > INT64_MAX || len > INT64_MAX - from) {
		file->failed = true;
		(void)uc_fail(err, UC_INVALID, "'%s' cannot take a piece of the old file",
			      file->path);
		errno = 0;
		return UC_STORE_REFUSED;
	}
	shared = share_blocks(file, from, len);
	if (shared > 0) {
		file->offset += shared;
		/* the sum is of what was cloned, not of what the old file is by then */
		outcome = read_own(file, file->hashed, NULL, err);
		if (outcome != UC_STORE_OK)
			return outcome;
	}
	return copy_bytes(file, from + shared, len - shared, err);
}
