/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/state.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include <xxhash.h>
#include <zstd.h>

#include "base/file.h"

#define MAGIC     "ucstate\1"
#define HEADER    32u
#define BYTES_MAX ((size_t)1 << 30) /* of a file: some 50 million entries */
#define CHUNK     ((size_t)64 << 10)
#define OTHER     4u /* in the byte of the kind: the far side's time follows */
#define LEVEL     1

struct uc_sync_state {
	char *path; /* NULL: never written */
	int lock;
	struct uc_buf bytes; /* of the file */
	uint64_t count, told;
	ZSTD_DStream *zstd;
	ZSTD_inBuffer in;
	unsigned char *chunk; /* unpacked, CHUNK bytes */
	size_t at, len;
	bool ahead; /* `known` was read and not told */
	struct uc_sync_known known;
	char entry_path[UC_SYNC_PATH_MAX + 1];
};

struct uc_sync_state_writer {
	ZSTD_CCtx *zstd;
	struct uc_buf raw, packed;
	uint64_t count;
	int64_t near;
	bool failed;
	char path[UC_SYNC_PATH_MAX + 1];
};

uint64_t uc_sync_state_target(const char *target)
{
	return XXH3_64bits(target, strlen(target));
}

static uint64_t read_u64(const void *from)
{
	uint64_t value;

	memcpy(&value, from, sizeof(value));
	return le64toh(value);
}

/* ---- Reading ---- */

static bool check_header(const struct uc_buf *bytes, uint64_t *count)
{
	const char *data = bytes->data;

	if (bytes->failed || bytes->len < HEADER || memcmp(data, MAGIC, 8) != 0)
		return false;
	*count = read_u64(data + 8);
	return *count < UC_SYNC_LIST_MAX && read_u64(data + 24) == bytes->len - HEADER &&
	       read_u64(data + 16) ==
		       XXH3_64bits_withSeed(data + HEADER, bytes->len - HEADER, *count);
}

/* Have some bytes at hand. */
static bool fill(struct uc_sync_state *state)
{
	ZSTD_outBuffer out = { state->chunk, CHUNK, 0 };

	while (out.pos == 0) {
		size_t before = state->in.pos;
		size_t status = ZSTD_decompressStream(state->zstd, &out, &state->in);

		if (ZSTD_isError(status))
			return false;
		if (out.pos == 0 && state->in.pos == before)
			return false; /* it ends */
	}
	state->at = 0;
	state->len = out.pos;
	return true;
}

static bool get(struct uc_sync_state *state, void *to, size_t len)
{
	unsigned char *bytes = to;

	while (len > 0) {
		size_t piece;

		if (state->at == state->len && !fill(state))
			return false;
		piece = state->len - state->at < len ? state->len - state->at : len;
		memcpy(bytes, state->chunk + state->at, piece);
		state->at += piece;
		bytes += piece;
		len -= piece;
	}
	return true;
}

static bool get_varint(struct uc_sync_state *state, uint64_t *value)
{
	*value = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		unsigned char byte;

		if (!get(state, &byte, 1))
			return false;
		*value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

/* Add what is stored to `*time`. */
static bool get_time(struct uc_sync_state *state, int64_t *time)
{
	uint64_t value;

	if (!get_varint(state, &value))
		return false;
	*time = (int64_t)((uint64_t)*time + ((value >> 1) ^ (0 - (value & 1))));
	return true;
}

static bool get_path(struct uc_sync_state *state)
{
	uint64_t shared, rest;
	char *path = state->entry_path;

	if (!get_varint(state, &shared) || !get_varint(state, &rest) ||
	    shared > strlen(path) || rest > UC_SYNC_PATH_MAX - shared || rest == 0 ||
	    !get(state, path + shared, rest))
		return false;
	path[shared + rest] = '\0';
	return strlen(path) == shared + rest;
}

static bool get_entry(struct uc_sync_state *state)
{
	struct uc_sync_known *known = &state->known;
	unsigned char kind;

	if (!get_path(state) || !get(state, &kind, 1) || (kind & ~OTHER) > UC_SYNC_LINK ||
	    !get_time(state, &known->near))
		return false;
	known->path = state->entry_path;
	known->kind = kind & (uint8_t)~OTHER;
	known->far = known->near;
	known->size = 0;
	if ((kind & OTHER) && !get_time(state, &known->far))
		return false;
	if (known->kind == UC_SYNC_FILE)
		return get_varint(state, &known->size);
	if (known->kind == UC_SYNC_LINK) {
		if (!get(state, &known->size, sizeof(known->size)))
			return false;
		known->size = le64toh(known->size);
	}
	return true;
}

const struct uc_sync_known *uc_sync_state_next(struct uc_sync_state *state)
{
	if (state->ahead) {
		state->ahead = false;
		return &state->known;
	}
	if (state->told == state->count)
		return NULL;
	if (!get_entry(state)) {
		state->told = state->count;
		return NULL;
	}
	state->told++;
	return &state->known;
}

const struct uc_sync_known *uc_sync_state_seek(struct uc_sync_state *state,
					       const char *path)
{
	const struct uc_sync_known *known;

	while ((known = uc_sync_state_next(state))) {
		int where = uc_sync_path_compare(known->path, path);

		if (where == 0)
			return known;
		if (where > 0) {
			state->ahead = true;
			return NULL;
		}
	}
	return NULL;
}

int uc_sync_state_rewind(struct uc_sync_state *state, struct uc_error *err)
{
	state->told = 0;
	state->at = state->len = 0;
	state->ahead = false;
	state->known = (struct uc_sync_known){ 0 };
	state->entry_path[0] = '\0';
	if (state->count == 0)
		return 0;
	state->in = (ZSTD_inBuffer){ state->bytes.data + HEADER,
				     state->bytes.len - HEADER, 0 };
	if (!state->chunk)
		state->chunk = malloc(CHUNK);
	if (!state->zstd)
		state->zstd = ZSTD_createDStream();
	if (!state->zstd || !state->chunk || ZSTD_isError(ZSTD_initDStream(state->zstd)))
		return uc_fail(err, UC_FAILED, "out of memory for the last run's state");
	return 0;
}

/* ---- Its file ---- */

static char *file_name(const struct uc_sync_state_name *name)
{
	uc_auto(buf) struct uc_buf key = { 0 };
	XXH128_hash_t hash;
	char *path = NULL;

	uc_buf_add(&key, name->host ? name->host : "");
	uc_buf_addc(&key, '\0');
	uc_buf_add(&key, name->near);
	uc_buf_addc(&key, '\0');
	uc_buf_add(&key, name->far);
	if (key.failed)
		return NULL;
	hash = XXH3_128bits(key.data, key.len);
	if (asprintf(&path, "%s/%016" PRIx64 "%016" PRIx64 ".state", name->folder,
		     (uint64_t)hash.high64, (uint64_t)hash.low64) < 0)
		return NULL;
	return path;
}

static int take_lock(struct uc_sync_state *state, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf path = { 0 };

	uc_buf_addf(&path, "%s.lock", state->path);
	if (path.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	state->lock = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (state->lock < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "cannot write '%s'",
				     path.data);
	if (flock(state->lock, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno != EWOULDBLOCK)
		return 0; /* a file system without locks */
	uc_fail(err, UC_UNREACHABLE, "another usync is at work between these folders");
	return uc_hint(err, "wait until it is done");
}

static int set_aside(struct uc_sync_state *state, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf path = { 0 };

	uc_buf_addf(&path, "%s.damaged", state->path);
	if (path.failed || rename(state->path, path.data) < 0)
		return uc_fail_errno(err, UC_FAILED, path.failed ? ENOMEM : errno,
				     "cannot set the damaged '%s' aside", state->path);
	uc_buf_reset(&state->bytes);
	state->count = 0;
	return 0;
}

static int load(struct uc_sync_state *state, bool lock, bool *damaged,
		struct uc_error *err)
{
	struct uc_error reading = { 0 };

	if (lock && take_lock(state, err) < 0)
		return -1;
	if (uc_file_read(state->path, BYTES_MAX, &state->bytes, &reading) < 0) {
		if (reading.code == UC_NOTFOUND)
			return 0;
		if (err)
			*err = reading;
		return -1;
	}
	if (check_header(&state->bytes, &state->count))
		return uc_sync_state_rewind(state, err);
	*damaged = true;
	return set_aside(state, err);
}

int uc_sync_state_open(struct uc_sync_state **state,
		       const struct uc_sync_state_name *name, bool lock, bool *damaged,
		       struct uc_error *err)
{
	uc_auto(sync_state) struct uc_sync_state *made = calloc(1, sizeof(*made));

	*damaged = false;
	if (!made)
		return uc_fail(err, UC_FAILED, "out of memory");
	made->lock = -1;
	if (name->folder) {
		made->path = file_name(name);
		if (!made->path)
			return uc_fail(err, UC_FAILED, "out of memory");
		if (uc_file_mkdirs(name->folder, 0700, err) < 0 ||
		    load(made, lock, damaged, err) < 0)
			return -1;
	}
	*state = uc_take(&made);
	return 0;
}

struct uc_sync_state *uc_sync_state_parse(const void *bytes, size_t len)
{
	uc_auto(sync_state) struct uc_sync_state *state = calloc(1, sizeof(*state));

	if (!state)
		return NULL;
	state->lock = -1;
	uc_buf_addn(&state->bytes, bytes, len);
	if (!check_header(&state->bytes, &state->count) ||
	    uc_sync_state_rewind(state, NULL) < 0)
		return NULL;
	return uc_take(&state);
}

void uc_sync_state_free(struct uc_sync_state *state)
{
	if (!state)
		return;
	if (state->lock >= 0)
		close(state->lock);
	uc_buf_free(&state->bytes);
	ZSTD_freeDStream(state->zstd);
	free(state->chunk);
	free(state->path);
	free(state);
}

/* ---- Writing ---- */

struct uc_sync_state_writer *uc_sync_state_writer_new(void)
{
	uc_auto(sync_state_writer) struct uc_sync_state_writer *writer =
		calloc(1, sizeof(*writer));
	char header[HEADER] = { 0 };

	if (!writer)
		return NULL;
	writer->zstd = ZSTD_createCCtx();
	if (!writer->zstd || ZSTD_isError(ZSTD_CCtx_setParameter(
				     writer->zstd, ZSTD_c_compressionLevel, LEVEL)))
		return NULL;
	uc_buf_addn(&writer->packed, header, sizeof(header));
	return uc_take(&writer);
}

static void put_varint(struct uc_buf *buf, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		uc_buf_addc(buf, (char)(value | 0x80));
	uc_buf_addc(buf, (char)value);
}

static void put_time(struct uc_buf *buf, int64_t now, int64_t before)
{
	uint64_t delta = (uint64_t)now - (uint64_t)before;

	put_varint(buf, (delta << 1) ^ (0 - (delta >> 63)));
}

static void pack(struct uc_sync_state_writer *writer, ZSTD_EndDirective how)
{
	ZSTD_inBuffer in = { writer->raw.data, writer->raw.len, 0 };
	size_t left;

	if (writer->raw.failed)
		writer->failed = true;
	do {
		char block[16384];
		ZSTD_outBuffer out = { block, sizeof(block), 0 };

		left = ZSTD_compressStream2(writer->zstd, &out, &in, how);
		if (ZSTD_isError(left))
			writer->failed = true;
		uc_buf_addn(&writer->packed, block, out.pos);
	} while (!writer->failed && (in.pos < in.size || (how == ZSTD_e_end && left)));
	uc_buf_reset(&writer->raw);
}

void uc_sync_state_add(struct uc_sync_state_writer *writer,
		       const struct uc_sync_known *known)
{
	size_t shared = 0, len = strlen(known->path);
	bool other = known->far != known->near;

	if (len > UC_SYNC_PATH_MAX)
		return;
	while (known->path[shared] && known->path[shared] == writer->path[shared])
		shared++;
	if (shared == len)
		shared--;
	put_varint(&writer->raw, shared);
	put_varint(&writer->raw, len - shared);
	uc_buf_addn(&writer->raw, known->path + shared, len - shared);
	memcpy(writer->path + shared, known->path + shared, len - shared + 1);
	uc_buf_addc(&writer->raw, (char)(known->kind | (other ? OTHER : 0)));
	put_time(&writer->raw, known->near, writer->near);
	if (other)
		put_time(&writer->raw, known->far, known->near);
	writer->near = known->near;
	if (known->kind == UC_SYNC_FILE)
		put_varint(&writer->raw, known->size);
	if (known->kind == UC_SYNC_LINK) {
		uint64_t size = htole64(known->size);

		uc_buf_addn(&writer->raw, &size, sizeof(size));
	}
	writer->count++;
	if (writer->raw.len > CHUNK)
		pack(writer, ZSTD_e_continue);
}

static void write_header(struct uc_sync_state_writer *writer)
{
	char *data = writer->packed.data;
	size_t len = writer->packed.len - HEADER;
	uint64_t words[3] = { htole64(writer->count),
			      htole64(XXH3_64bits_withSeed(data + HEADER, len,
							   writer->count)),
			      htole64(len) };

	memcpy(data, MAGIC, 8);
	memcpy(data + 8, words, sizeof(words));
}

int uc_sync_state_save(struct uc_sync_state *state, struct uc_sync_state_writer *writer,
		       struct uc_error *err)
{
	pack(writer, ZSTD_e_end);
	if (writer->failed || writer->packed.failed)
		return uc_fail(err, UC_FAILED, "out of memory for the run's state");
	if (!state->path)
		return 0;
	write_header(writer);
	if (writer->packed.len == state->bytes.len &&
	    memcmp(writer->packed.data, state->bytes.data, writer->packed.len) == 0)
		return 0;
	return uc_file_write(state->path, writer->packed.data, writer->packed.len, 0600,
			     err);
}

void uc_sync_state_writer_free(struct uc_sync_state_writer *writer)
{
	if (!writer)
		return;
	ZSTD_freeCCtx(writer->zstd);
	uc_buf_free(&writer->raw);
	uc_buf_free(&writer->packed);
	free(writer);
}
