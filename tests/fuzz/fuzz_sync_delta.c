/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Sums of blocks that a stranger sends, and sums of an old file that is part of the
 * input: the pieces told are inside the old file and make the new one's length; with true
 * sums they make the new file itself.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <ucluster/text.h>

#include "sync/delta.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

struct made {
	const struct uc_delta_sums *sums;
	const uint8_t *old; /* NULL: only lengths count */
	struct uc_buf out;
	uint64_t len;
};

static int take_copy(void *arg, uint64_t from, uint64_t len, struct uc_error *err)
{
	struct made *made = arg;

	(void)err;
	check(len > 0 && from <= made->sums->size && len <= made->sums->size - from);
	check(from % made->sums->block == 0 && len % made->sums->block == 0);
	if (made->old)
		uc_buf_addn(&made->out, made->old + from, len);
	made->len += len;
	return 0;
}

static int take_bytes(void *arg, const void *bytes, size_t len, struct uc_error *err)
{
	struct made *made = arg;

	(void)err;
	check(len > 0);
	if (made->old)
		uc_buf_addn(&made->out, bytes, len);
	made->len += len;
	return 0;
}

static void run(struct made *made, const uint8_t *new, size_t len, size_t piece)
{
	struct uc_delta_sink sink = { take_copy, take_bytes, made };
	uc_auto(delta) struct uc_delta *delta = uc_delta_new(made->sums, &sink);
	struct uc_error err;

	if (!delta)
		return;
	for (size_t at = 0; at < len; at += piece)
		check(uc_delta_feed(delta, new + at, len - at < piece ? len - at : piece,
				    &err) == 0);
	check(uc_delta_end(delta, &err) == 0);
	check(made->len == len && !made->out.failed);
	if (made->old)
		check(len == 0 || memcmp(made->out.data, new, len) == 0);
}

/* `count` sums, as they come over the wire. */
static void run_strange(const uint8_t *data, size_t size)
{
	uint32_t count = data[0], block = (1 + data[1] % 8u) * 1024;
	struct uc_delta_sums sums = { .size = (uint64_t)count * block + data[2],
				      .block = block,
				      .count = count };
	struct made made = { .sums = &sums };

	if (size < 3 + count * (size_t)UC_DELTA_SUM_BYTES)
		return;
	data += 3;
	size -= 3;
	sums.weak = calloc(count + 1, sizeof(*sums.weak));
	sums.strong = calloc(count + 1, sizeof(*sums.strong));
	check(sums.weak && sums.strong);
	for (uint32_t i = 0; i < count; i++) {
		memcpy(&sums.weak[i], data, 4);
		memcpy(&sums.strong[i], data + 4, 6);
		data += UC_DELTA_SUM_BYTES;
		size -= UC_DELTA_SUM_BYTES;
	}
	run(&made, data, size, 1000);
	uc_delta_sums_free(&sums);
}

/* Each byte stands for many, so that small inputs make blocks. */
static uint8_t *unroll(const uint8_t *data, size_t size, size_t *len)
{
	uint8_t *bytes = malloc(size * 512 + 1);

	check(bytes);
	*len = 0;
	for (size_t i = 0; i < size; i++) {
		size_t some = 1 + (data[i] & 7u) * 73;

		memset(bytes + *len, data[i] >> 3, some);
		*len += some;
	}
	return bytes;
}

static void run_true(const uint8_t *data, size_t size)
{
	uc_auto(delta_sums) struct uc_delta_sums sums = { 0 };
	size_t old_len, new_len, half = size / 2;
	uint8_t *old = unroll(data, half, &old_len);
	uint8_t *new = unroll(data + half, size - half, &new_len);
	struct made made = { .sums = &sums, .old = old };
	int fd = memfd_create("old", MFD_CLOEXEC);
	struct uc_error err;

	check(fd >= 0 && write(fd, old, old_len) == (ssize_t)old_len);
	check(uc_delta_sums_read(&sums, fd, old_len, UC_DELTA_BLOCK_MIN, &err) == 0);
	run(&made, new, new_len, 777);
	uc_buf_free(&made.out);
	close(fd);
	free(old);
	free(new);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 4 || size > 65536)
		return 0;
	if (data[0] & 1)
		run_strange(data + 1, size - 1);
	else
		run_true(data + 1, size - 1);
	return 0;
}
