/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Deltas: what is put together from them is the new file, and little of it travels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/text.h>

#include "sync/delta.h"
#include "unit.h"

struct made {
	const unsigned char *old;
	size_t old_len;
	struct uc_buf out;
	uint64_t literal;
	unsigned steps, fail_at;
};

static int take_copy(void *arg, uint64_t from, uint64_t len, struct uc_error *err)
{
	struct made *made = arg;

	if (++made->steps == made->fail_at)
		return uc_fail(err, UC_FAILED, "planted");
	assert_true(len > 0 && from <= made->old_len && len <= made->old_len - from);
	uc_buf_addn(&made->out, made->old + from, len);
	return 0;
}

static int take_bytes(void *arg, const void *bytes, size_t len, struct uc_error *err)
{
	struct made *made = arg;

	if (++made->steps == made->fail_at)
		return uc_fail(err, UC_FAILED, "planted");
	assert_true(len > 0);
	uc_buf_addn(&made->out, bytes, len);
	made->literal += len;
	return 0;
}

static uint64_t next(uint64_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static unsigned char *noise(size_t len, uint64_t seed)
{
	unsigned char *bytes = malloc(len + 8);

	assert_non_null(bytes);
	for (size_t i = 0; i < len; i += 8) {
		uint64_t x = next(&seed);

		memcpy(bytes + i, &x, 8);
	}
	return bytes;
}

static void sums_of(const unsigned char *old, size_t len, uint32_t block,
		    struct uc_delta_sums *sums)
{
	int fd = memfd_create("old", MFD_CLOEXEC);
	struct uc_error err;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	assert_int_equal(pwrite(fd, old, len, 0), len);
	assert_int_equal(uc_delta_sums_read(sums, fd, len, block, &err), 0);
	close(fd);
}

/* In pieces of `piece` bytes. The bytes that had to travel. */
static uint64_t rebuild(const struct uc_delta_sums *sums, struct made *made,
			const unsigned char *new, size_t len, size_t piece)
{
	struct uc_delta_sink sink = { take_copy, take_bytes, made };
	uc_auto(delta) struct uc_delta *delta = uc_delta_new(sums, &sink);
	struct uc_error err;

	assert_non_null(delta);
	uc_buf_reset(&made->out);
	made->literal = made->steps = 0;
	for (size_t at = 0; at < len; at += piece)
		assert_int_equal(uc_delta_feed(delta, new + at,
					       len - at < piece ? len - at : piece, &err),
				 0);
	assert_int_equal(uc_delta_end(delta, &err), 0);
	assert_int_equal(made->out.len, len);
	if (len)
		assert_memory_equal(made->out.data, new, len);
	return made->literal;
}

static void test_delta_block_is_about_the_root(void **state)
{
	(void)state;
	assert_int_equal(uc_delta_block(0), 2048);
	assert_int_equal(uc_delta_block(1), 2048);
	assert_int_equal(uc_delta_block(5000000), 3072);
	assert_int_equal(uc_delta_block(512ull << 20), 24576);
	assert_int_equal(uc_delta_block(1ull << 40), 1u << 20);
	assert_int_equal(uc_delta_block(UINT64_MAX), 1u << 20);
	for (uint64_t size = 1; size < 1ull << 50; size = size * 3 + 1) {
		uint32_t block = uc_delta_block(size);

		assert_int_equal(block % 1024, 0);
		assert_in_range(block, UC_DELTA_BLOCK_MIN, UC_DELTA_BLOCK_MAX);
	}
}

static void test_delta_of_the_same_is_one_copy(void **state)
{
	const size_t len = 3000000;
	unsigned char *old = noise(len, 1);
	uc_auto(delta_sums) struct uc_delta_sums sums = { 0 };
	struct made made = { .old = old, .old_len = len };

	(void)state;
	sums_of(old, len, uc_delta_block(len), &sums);
	assert_true(rebuild(&sums, &made, old, len, 100000) < sums.block);
	assert_int_equal(made.steps, 2); /* the last block is not whole */
	assert_true(rebuild(&sums, &made, old, len, 7) < sums.block);
	assert_true(rebuild(&sums, &made, old, 0, 1) == 0);
	uc_buf_free(&made.out);
	free(old);
}

static void test_delta_sends_little_of_a_small_change(void **state)
{
	const size_t len = 8u << 20, insert = 4000000;
	unsigned char *old = noise(len, 2), *new = malloc(len + 1000);
	uc_auto(delta_sums) struct uc_delta_sums sums = { 0 };
	struct made made = { .old = old, .old_len = len };

	(void)state;
	sums_of(old, len, uc_delta_block(len), &sums);
	assert_non_null(new);
	memcpy(new, old, insert);
	memset(new + insert, 7, 1000);
	memcpy(new + insert + 1000, old + insert, len - insert);
	assert_in_range(rebuild(&sums, &made, new, len + 1000, 65536), 1000,
			1000 + 3 * sums.block);
	/* moved blocks are found where they are */
	memcpy(new, old + len / 2, len / 2);
	memcpy(new + len / 2, old, len / 2);
	assert_true(rebuild(&sums, &made, new, len, 65536) < 4 * sums.block);
	uc_buf_free(&made.out);
	free(old);
	free(new);
}

/* What anybody would write: at each byte, all blocks are compared. */
static uint64_t oracle(const unsigned char *old, size_t old_len, const unsigned char *new,
		       size_t len, uint32_t block)
{
	uint64_t literal = 0;
	size_t at = 0;

	while (at < len) {
		bool found = false;

		for (size_t k = 0; at + block <= len && k + block <= old_len && !found;
		     k += block)
			found = memcmp(old + k, new + at, block) == 0;
		at += found ? block : 1;
		literal += !found;
	}
	return literal;
}

static size_t edit(unsigned char *new, size_t len, size_t room, uint64_t *seed)
{
	for (uint64_t edits = next(seed) % 5; edits > 0; edits--) {
		size_t at = len ? next(seed) % len : 0;
		size_t some = next(seed) % 5000, kind = next(seed) % 4;

		if (some > len - at)
			some = len - at;
		switch (kind) {
		case 0: /* change */
			for (size_t i = 0; i < some; i++)
				new[at + i] = (unsigned char)next(seed);
			break;
		case 1: /* remove */
			memmove(new + at, new + at + some, len - at - some);
			len -= some;
			break;
		case 2: /* insert */
			some = some < room - len ? some : room - len;
			memmove(new + at + some, new + at, len - at);
			memset(new + at, (int)(next(seed) % 3), some);
			len += some;
			break;
		default: /* repeat */
			some = some < room - len ? some : room - len;
			memmove(new + at + some, new + at, len - at);
			len += some;
		}
	}
	return len;
}

static void test_delta_finds_what_an_oracle_finds(void **state)
{
	const uint32_t block = UC_DELTA_BLOCK_MIN;
	const size_t room = 120000;
	unsigned char *new = malloc(room);
	uint64_t seed = 88172645463325252u;

	(void)state;
	assert_non_null(new);
	for (int i = 0; i < 300; i++) {
		size_t old_len = next(&seed) % 60000, len = old_len;
		unsigned char *old = noise(old_len, next(&seed) | 1);
		uc_auto(delta_sums) struct uc_delta_sums sums = { 0 };
		struct made made = { .old = old, .old_len = old_len };

		if (i % 3 == 0) /* full of blocks that are the same */
			memset(old, 0, old_len / 2);
		memcpy(new, old, old_len);
		len = edit(new, len, room, &seed);
		sums_of(old, old_len, block, &sums);
		assert_int_equal(rebuild(&sums, &made, new, len, 1 + next(&seed) % 9000),
				 oracle(old, old_len, new, len, block));
		uc_buf_free(&made.out);
		free(old);
	}
	free(new);
}

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* A block's weak sum over and over, and a strong sum that never is right. */
static void test_delta_is_bounded_for_hostile_sums(void **state)
{
	const size_t len = 4u << 20;
	const uint32_t block = UC_DELTA_BLOCK_MAX, count = 100000;
	unsigned char *new = calloc(1, len);
	struct made made = { .old = new, .old_len = len };
	struct uc_delta_sums sums = { .size = (uint64_t)count * block,
				      .block = block,
				      .count = count,
				      .weak = calloc(count, sizeof(*sums.weak)),
				      .strong = calloc(count, sizeof(*sums.strong)) };
	double before = seconds();

	(void)state;
	for (uint32_t i = 0; i < count; i++)
		sums.strong[i] = i + 1;
	assert_int_equal(rebuild(&sums, &made, new, len, len), len);
	assert_true(seconds() - before < 5); /* unbounded: 3 TB to be summed */
	uc_buf_free(&made.out);
	uc_delta_sums_free(&sums);
	free(new);
}

static void test_delta_of_equal_blocks_is_fast(void **state)
{
	const size_t len = 64u << 20;
	unsigned char *old = calloc(1, len), *new = calloc(1, len);
	uc_auto(delta_sums) struct uc_delta_sums sums = { 0 };
	struct made made = { .old = old, .old_len = len };
	double before = seconds();

	(void)state;
	sums_of(old, len, UC_DELTA_BLOCK_MIN, &sums);
	new[10] = 1; /* from here on nothing is at its place */
	assert_true(rebuild(&sums, &made, new, len - 1, 1u << 20) < 3 * sums.block);
	assert_true(seconds() - before < 20);
	uc_buf_free(&made.out);
	free(old);
	free(new);
}

/* As the protocol has it: the sum of the bytes, and of each times its distance. */
static void test_delta_weak_sums(void **state)
{
	static const uint32_t block[] = { 2048, 2049, 2063, 2064, 4099, 65536, 1 << 20 };
	const size_t len = 1 << 20;
	unsigned char *old = noise(len, 5);

	(void)state;
	memset(old + 3000, 0xff, len / 2); /* as large as sums become */
	for (size_t i = 0; i < ARRAY_SIZE(block); i++) {
		uc_auto(delta_sums) struct uc_delta_sums sums = { 0 };

		sums_of(old, len, block[i], &sums);
		assert_int_equal(sums.count, len / block[i]);
		for (uint32_t k = 0; k < sums.count; k++) {
			const unsigned char *at = old + (size_t)k * block[i];
			uint32_t a = 0, b = 0;

			for (uint32_t n = 0; n < block[i]; n++) {
				a += at[n];
				b += (block[i] - n) * at[n];
			}
			assert_int_equal(sums.weak[k], (a & 0xffff) | b << 16);
		}
	}
	free(old);
}

static void test_delta_refuses_sums_that_cannot_be(void **state)
{
	uint32_t weak = 0;
	uint64_t strong = 0;
	struct uc_delta_sink sink = { take_copy, take_bytes, NULL };
	struct uc_delta_sums sums = {
		.size = 4095, .block = 4096, .count = 1, .weak = &weak, .strong = &strong
	};
	struct uc_error err;

	(void)state;
	assert_null(uc_delta_new(&sums, &sink));
	sums.size = UINT64_MAX;
	sums.count = UC_DELTA_BLOCKS_MAX + 1;
	assert_null(uc_delta_new(&sums, &sink));
	sums.count = 1;
	sums.block = 0;
	assert_null(uc_delta_new(&sums, &sink));
	sums.block = UC_DELTA_BLOCK_MAX + 1;
	assert_null(uc_delta_new(&sums, &sink));
	assert_int_equal(uc_delta_sums_read(&sums, -1, 5, 7, &err), -1);
	assert_int_equal(uc_delta_sums_read(&sums, -1, 5000, 4096, &err), -1);
}

static void test_delta_ends_with_its_sink(void **state)
{
	const size_t len = 100000;
	unsigned char *old = noise(len, 3), *new = noise(len, 3);
	uc_auto(delta_sums) struct uc_delta_sums sums = { 0 };
	struct made made = { .old = old, .old_len = len };
	struct uc_delta_sink sink = { take_copy, take_bytes, &made };
	struct uc_error err;

	(void)state;
	new[50000] ^= 1;
	sums_of(old, len, 2048, &sums);
	(void)rebuild(&sums, &made, new, len, len);
	assert_int_equal(made.steps, 4);
	for (unsigned i = 1; i <= 4; i++) {
		struct uc_delta *delta = uc_delta_new(&sums, &sink);
		int status;

		made.steps = 0;
		made.fail_at = i;
		status = uc_delta_feed(delta, new, len, &err);
		if (status == 0)
			status = uc_delta_end(delta, &err);
		assert_int_equal(status, -1);
		assert_string_equal(err.text, "planted");
		uc_delta_free(delta);
	}
	uc_buf_free(&made.out);
	free(old);
	free(new);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delta_block_is_about_the_root),
		cmocka_unit_test(test_delta_of_the_same_is_one_copy),
		cmocka_unit_test(test_delta_sends_little_of_a_small_change),
		cmocka_unit_test(test_delta_finds_what_an_oracle_finds),
		cmocka_unit_test(test_delta_is_bounded_for_hostile_sums),
		cmocka_unit_test(test_delta_of_equal_blocks_is_fast),
		cmocka_unit_test(test_delta_weak_sums),
		cmocka_unit_test(test_delta_refuses_sums_that_cannot_be),
		cmocka_unit_test(test_delta_ends_with_its_sink),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
