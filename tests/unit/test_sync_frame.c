/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Frames and messages of the protocol. */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <ucluster/units.h>
#include <unistd.h>

#include "sync/far.h"
#include "sync/message.h"

struct pair {
	struct uc_talk a, b;
	int fds[2];
};

static int setup(void **state)
{
	struct pair *pair = calloc(1, sizeof(*pair));

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair->fds), 0);
	assert_int_equal(uc_talk_open(&pair->a, pair->fds[0], pair->fds[0], NULL), 0);
	assert_int_equal(uc_talk_open(&pair->b, pair->fds[1], pair->fds[1], NULL), 0);
	*state = pair;
	return 0;
}

static int teardown(void **state)
{
	struct pair *pair = *state;

	uc_talk_free(&pair->a);
	uc_talk_free(&pair->b);
	close(pair->fds[0]);
	close(pair->fds[1]);
	free(pair);
	return 0;
}

/* The next frame of `to`, with both sides passing on. */
static void expect_frame(struct uc_talk *from, struct uc_talk *to, struct uc_frame *frame)
{
	struct uc_error err = { 0 };
	int status;

	while ((status = uc_talk_next(to, frame, &err)) == 0) {
		assert_true(uc_talk_pump(from, 0, &err) >= 0);
		assert_true(uc_talk_pump(to, 0, &err) >= 0);
	}
	if (status < 0)
		fail_msg("%s", err.text);
}

static void test_frame_arrives_as_it_was_sent(void **state)
{
	struct pair *pair = *state;
	static char bytes[UC_FRAME_MAX + 1];
	const size_t sizes[] = { 0, 1, 127, 128, 65536, UC_FRAME_MAX };
	struct uc_frame frame;

	for (int random = 0; random < 2; random++) {
		for (size_t i = 0; random && i < sizeof(bytes); i++)
			bytes[i] = (char)((i * 2654435761u) >> 13);
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			assert_int_equal(uc_talk_send(&pair->a, UC_FRAME_CALL, bytes,
						      sizes[i], true, NULL),
					 0);
			expect_frame(&pair->a, &pair->b, &frame);
			assert_int_equal(frame.type, UC_FRAME_CALL);
			assert_int_equal(frame.len, sizes[i]);
			assert_memory_equal(frame.data, bytes, sizes[i]);
		}
	}
	assert_int_equal(uc_talk_send(&pair->a, UC_FRAME_CALL, bytes, UC_FRAME_MAX + 1,
				      true, NULL),
			 -1);
}

static void test_frame_is_whole_wherever_it_is_cut(void **state)
{
	struct pair *pair = *state;
	static const char text[] = "0123456789 and so on";
	struct uc_frame frame;
	const size_t all = UC_PREAMBLE + 2 * (UC_FRAME_HEADER + sizeof(text));
	unsigned char wire[256];

	assert_int_equal(uc_talk_greet(&pair->a, NULL), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(uc_talk_send(&pair->a, UC_FRAME_LIST, text, sizeof(text),
					      false, NULL),
				 0);
	assert_int_equal(uc_talk_queued(&pair->a), all);
	memcpy(wire, pair->a.output.data, all);
	for (size_t cut = 1; cut < all; cut++) {
		uc_auto(talk) struct uc_talk b = { 0 };
		size_t frames = 0;
		bool greeted = false;

		assert_int_equal(uc_talk_open(&b, pair->fds[1], pair->fds[1], NULL), 0);
		for (int part = 0; part < 2; part++) {
			assert_int_equal(send(pair->fds[0], part ? wire + cut : wire,
					      part ? all - cut : cut, 0),
					 part ? (ssize_t)(all - cut) : (ssize_t)cut);
			assert_int_equal(uc_talk_pump(&b, 1000, NULL), 1);
			if (!greeted)
				greeted = uc_talk_greeted(&b, 0, NULL) > 0;
			while (greeted && uc_talk_next(&b, &frame, NULL) > 0) {
				assert_int_equal(frame.len, sizeof(text));
				assert_memory_equal(frame.data, text, sizeof(text));
				frames++;
			}
		}
		assert_int_equal(frames, 2);
	}
}

/* Two ends that both say much before they listen. */
static void test_frame_queues_do_not_block(void **state)
{
	struct pair *pair = *state;
	static char bytes[500000];
	struct uc_frame frame;
	int got[2] = { 0, 0 };

	for (int i = 0; i < 20; i++) {
		assert_int_equal(uc_talk_send(&pair->a, UC_FRAME_LIST, bytes,
					      sizeof(bytes), false, NULL),
				 0);
		assert_int_equal(uc_talk_send(&pair->b, UC_FRAME_LIST, bytes,
					      sizeof(bytes), false, NULL),
				 0);
	}
	while (got[0] < 20 || got[1] < 20) {
		assert_true(uc_talk_pump(&pair->a, 0, NULL) >= 0);
		assert_true(uc_talk_pump(&pair->b, 0, NULL) >= 0);
		while (uc_talk_next(&pair->a, &frame, NULL) > 0)
			got[0]++;
		while (uc_talk_next(&pair->b, &frame, NULL) > 0)
			got[1]++;
	}
	assert_int_equal(uc_talk_queued(&pair->a), 0);
}

static void test_frame_that_drips_is_given_up(void **state)
{
	struct pair *pair = *state;
	struct uc_error err = { 0 };
	struct uc_frame frame;
	int64_t deadline = uc_monotonic_ms() + 5000;
	int status = 0;

	pair->b.frame_ms = 60;
	while (status == 0 && uc_monotonic_ms() < deadline) {
		assert_int_equal(send(pair->fds[0], "\1", 1, 0), 1);
		status = uc_talk_pump(&pair->b, 10, &err) < 0;
		if (status == 0 && uc_talk_next(&pair->b, &frame, &err) < 0)
			break;
		if (pair->b.input.len - pair->b.input.at >= UC_FRAME_HEADER - 1)
			pair->b.input.len = pair->b.input.at + 1;
	}
	assert_int_equal(status, 1);
	assert_int_equal(err.code, UC_UNREACHABLE);
}

static void test_frame_rate_is_kept(void **state)
{
	struct pair *pair = *state;
	static char bytes[300000];
	int64_t from = uc_monotonic_ms();
	struct uc_frame frame;

	pair->b.rate_in.rate = 1000000;
	assert_int_equal(
		uc_talk_send(&pair->a, UC_FRAME_LIST, bytes, sizeof(bytes), false, NULL),
		0);
	while (uc_talk_next(&pair->b, &frame, NULL) == 0) {
		assert_true(uc_talk_pump(&pair->a, 0, NULL) >= 0);
		assert_true(uc_talk_pump(&pair->b, 5, NULL) >= 0);
	}
	assert_true(uc_monotonic_ms() - from >= 200);
}

/* Numbers and text */

static struct uc_reader reader_of(const struct uc_buf *buf)
{
	const struct uc_frame frame = { .data = (const unsigned char *)buf->data,
					.len = buf->len };

	return uc_reader(&frame);
}

static void test_message_numbers(void **state)
{
	static const uint64_t numbers[] = {
		0,          1,         127,
		128,        16383,     16384,
		UINT32_MAX, INT64_MAX, (uint64_t)INT64_MAX + 1,
		UINT64_MAX
	};
	uc_auto(buf) struct uc_buf buf = { 0 };
	struct uc_reader r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		uc_write_number(&buf, numbers[i]);
		uc_write_signed(&buf, (int64_t)numbers[i]);
		uc_write_u64(&buf, numbers[i]);
	}
	r = reader_of(&buf);
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		assert_true(uc_read_number(&r) == numbers[i]);
		assert_true(uc_read_signed(&r) == (int64_t)numbers[i]);
		assert_true(uc_read_u64(&r) == numbers[i]);
	}
	assert_true(uc_read_done(&r));
	(void)uc_read_number(&r);
	assert_true(r.bad);
}

static void expect_bad_number(const char *bytes, size_t len)
{
	const struct uc_frame frame = { .data = (const unsigned char *)bytes,
					.len = len };
	struct uc_reader r = uc_reader(&frame);

	assert_int_equal(uc_read_number(&r), 0);
	assert_true(r.bad);
}

static void test_message_numbers_have_one_form(void **state)
{
	(void)state;
	expect_bad_number("", 0);
	expect_bad_number("\x80", 1);
	expect_bad_number("\x80\0", 2);
	expect_bad_number("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10);
	expect_bad_number("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\1", 11);
}

/* Entries and jobs */

static const struct uc_sync_entry entries[] = {
	{ .path = "a",
	  .kind = UC_SYNC_FOLDER,
	  .mode = 02755,
	  .mtime = 1700000000123456789 },
	{ .path = "a/b", .size = 12345, .mode = 0644, .mtime = -1 },
	{ .path = "a/bc", .size = INT64_MAX, .mtime = INT64_MAX, .holes = true },
	{ .path = "a/bd", .size = 5, .mtime = INT64_MIN, .twin = 2 },
	{ .path = "a/l", .kind = UC_SYNC_LINK, .mode = 0777, .target = "../\x1b\xff" },
};

static void same_entry(const struct uc_sync_entry *a, const struct uc_sync_entry *b)
{
	assert_string_equal(a->path, b->path);
	assert_int_equal(a->kind, b->kind);
	assert_true(a->size == b->size && a->mtime == b->mtime);
	assert_int_equal(a->mode, b->mode);
	assert_int_equal(a->twin, b->twin);
	assert_int_equal(a->holes, b->holes);
	if (a->target)
		assert_string_equal(a->target, b->target);
}

static void test_message_entries(void **state)
{
	uc_auto(buf) struct uc_buf buf = { 0 };
	struct uc_entry_codec *codec = calloc(1, sizeof(*codec));
	struct uc_reader r;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		uint64_t sum = i * 77;

		uc_write_entry(&buf, codec, &entries[i],
			       entries[i].kind == UC_SYNC_FILE ? &sum : NULL);
	}
	memset(codec, 0, sizeof(*codec));
	r = reader_of(&buf);
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		struct uc_sync_entry entry;
		uint64_t sum;

		uc_read_entry(&r, codec, &entry, &sum);
		assert_false(r.bad);
		same_entry(&entry, &entries[i]);
		assert_int_equal(sum, entries[i].kind == UC_SYNC_FILE ? i * 77 : 0);
	}
	assert_true(uc_read_done(&r));
	/* cut anywhere it is bad, and nothing beyond its end is read */
	for (size_t len = 0; len < buf.len; len++) {
		unsigned char *part = malloc(len + 1);
		struct uc_sync_entry entry;

		memcpy(part, buf.data, len);
		part = realloc(part, len ? len : 1);
		r = (struct uc_reader){ part, part + len, false };
		memset(codec, 0, sizeof(*codec));
		while (!r.bad && r.at < r.end)
			uc_read_entry(&r, codec, &entry, NULL);
		free(part);
	}
	free(codec);
}

static void round_trip(const struct uc_message_job *job)
{
	uc_auto(buf) struct uc_buf buf = { 0 };
	struct uc_job_codec *codec = calloc(1, sizeof(*codec));
	struct uc_message_job read;
	struct uc_reader r;

	uc_write_job(&buf, codec, job, job->content != NULL);
	if (job->content) {
		uc_buf_addn(&buf, (const char *)job->content, job->entry.size);
		uc_buf_addn(&buf, (const char *)job->sha256, 32);
	}
	memset(codec, 0, sizeof(*codec));
	r = reader_of(&buf);
	uc_read_job(&r, codec, &read);
	assert_true(uc_read_done(&r));
	assert_int_equal(read.what, job->what);
	assert_int_equal(read.id, job->id);
	assert_int_equal(read.whole, job->whole);
	assert_int_equal(read.now, job->now);
	assert_int_equal(read.expects, job->expects);
	same_entry(&job->entry, &read.entry);
	if (job->expects) {
		assert_int_equal(read.expect.size, job->expect.size);
		assert_int_equal(read.expect.kind, job->expect.kind);
		assert_string_equal(read.expect.path, job->entry.path);
	}
	if (job->twin)
		assert_string_equal(read.twin, job->twin);
	if (job->content)
		assert_memory_equal(read.content, job->content, job->entry.size);
	free(codec);
}

static void test_message_jobs(void **state)
{
	static const unsigned char sha[32] = "a sum";
	struct uc_message_job job = { .id = UINT32_MAX, .entry = entries[1] };

	(void)state;
	for (job.what = 0; job.what <= UC_FAR_REMOVE; job.what++) {
		job.twin = job.what == UC_FAR_TWIN ? "other/name" : NULL;
		for (int bits = 0; bits < 8; bits++) {
			job.whole = bits & 1;
			job.now = bits & 2;
			job.expects = bits & 4;
			job.expect = entries[bits % 2 ? 4 : 1];
			round_trip(&job);
		}
	}
	job = (struct uc_message_job){ .what = UC_FAR_PUT,
				       .entry = { .path = "x", .size = 5 },
				       .content = (const unsigned char *)"hello",
				       .sha256 = sha };
	round_trip(&job);
}

static void test_message_outcomes(void **state)
{
	const struct uc_message_outcome outcome = { .id = 300,
						    .outcome = UC_FAR_FAILED,
						    .errno_value = 28,
						    .kept = 1u << 30,
						    .text = "no room" };
	struct uc_message_outcome read;
	uc_auto(buf) struct uc_buf buf = { 0 };
	struct uc_reader r;

	(void)state;
	uc_write_outcome(&buf, &outcome);
	r = reader_of(&buf);
	uc_read_outcome(&r, &read);
	assert_true(uc_read_done(&r));
	assert_int_equal(read.id, 300);
	assert_int_equal(read.errno_value, 28);
	assert_int_equal(read.kept, 1u << 30);
	assert_string_equal(read.text, "no room");
}

static void test_message_open_and_opened(void **state)
{
	const struct uc_message_open open = { .root = "~/x",
					      .run = "2026-run",
					      .create = true,
					      .no_sync = true,
					      .compress = -1 };
	const struct uc_message_opened opened = { .root = "/x",
						  .flags = UC_OPENED_ALL,
						  .bytes_free = 5,
						  .files_free = 6,
						  .quota_free = UINT64_MAX };
	struct uc_message_open *read = malloc(sizeof(*read));
	struct uc_message_opened *answer = malloc(sizeof(*answer));
	uc_auto(buf) struct uc_buf buf = { 0 };
	struct uc_reader r;

	(void)state;
	uc_write_open(&buf, &open);
	r = reader_of(&buf);
	uc_read_open(&r, read);
	assert_true(uc_read_done(&r));
	assert_string_equal(read->root, "~/x");
	assert_string_equal(read->run, "2026-run");
	assert_true(read->create && read->no_sync && !read->read_only);
	assert_int_equal(read->compress, -1);
	uc_buf_reset(&buf);
	uc_write_opened(&buf, &opened);
	r = reader_of(&buf);
	uc_read_opened(&r, answer);
	assert_true(uc_read_done(&r));
	assert_string_equal(answer->root, "/x");
	assert_true(answer->quota_free == UINT64_MAX);
	free(read);
	free(answer);
}

static void test_message_fault(void **state)
{
	struct pair *pair = *state;
	struct uc_error fault = { 0 }, err = { 0 };
	struct uc_frame frame;

	uc_fail(&fault, UC_DENIED, "not for you");
	uc_hint(&fault, "ask somebody");
	assert_int_equal(uc_talk_fault(&pair->a, &fault, NULL), 0);
	expect_frame(&pair->a, &pair->b, &frame);
	uc_read_fault(&frame, &err);
	assert_int_equal(err.code, UC_DENIED);
	assert_string_equal(err.text, "not for you");
	assert_string_equal(err.hint, "ask somebody");
}

static void test_message_paths(void **state)
{
	char path[UC_SYNC_PATH_MAX + 1] = "";

	(void)state;
	assert_true(uc_message_path_ok("a/b"));
	assert_false(uc_message_path_ok("a/../b"));
	for (int i = 0; i < UC_SYNC_DEPTH_MAX; i++)
		memcpy(path + 2 * i, "d/", 3);
	memcpy(path + 2 * UC_SYNC_DEPTH_MAX, "f", 2);
	assert_true(uc_message_path_ok(path));
	memcpy(path + 2 * UC_SYNC_DEPTH_MAX, "f/g", 4);
	assert_false(uc_message_path_ok(path));
	memset(path, 'x', 256);
	path[255] = '\0';
	assert_true(uc_message_path_ok(path));
	path[255] = 'x';
	path[256] = '\0';
	assert_false(uc_message_path_ok(path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_frame_arrives_as_it_was_sent),
		TEST(test_frame_is_whole_wherever_it_is_cut),
		TEST(test_frame_queues_do_not_block),
		TEST(test_frame_that_drips_is_given_up),
		TEST(test_frame_rate_is_kept),
		cmocka_unit_test(test_message_numbers),
		cmocka_unit_test(test_message_numbers_have_one_form),
		cmocka_unit_test(test_message_entries),
		cmocka_unit_test(test_message_jobs),
		cmocka_unit_test(test_message_outcomes),
		cmocka_unit_test(test_message_open_and_opened),
		TEST(test_message_fault),
		cmocka_unit_test(test_message_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
