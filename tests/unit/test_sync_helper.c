/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The client of the helper, and usync --serve, with real folders. */
#include "sync_peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void make_tree(struct peer *peer)
{
	char path[64];
	int fd;

	for (int folder = 0; folder < 12; folder++) {
		snprintf(path, sizeof(path), "d%02d", folder);
		assert_int_equal(mkdirat(peer->near, path, 0750), 0);
		for (int file = 0; file < 60; file++) {
			snprintf(path, sizeof(path), "d%02d/f%02d", folder, file);
			peer_fill(peer->near, path, (size_t)(folder * 700 + file * 97),
				  (unsigned)(folder * 100 + file));
		}
	}
	peer_fill(peer->near, "large", 700001, 7);
	peer_fill(peer->near, "larger", 9 << 20, 8);
	peer_write(peer->near, "d03/\x1b[31m\n-", "x", 1);
	fd = openat(peer->near, "holes", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, 3 << 20), 0);
	assert_int_equal(pwrite(fd, "end", 3, (3 << 20) - 3), 3);
	close(fd);
	assert_int_equal(symlinkat("../nowhere", peer->near, "link"), 0);
	assert_int_equal(linkat(peer->near, "d01/f01", peer->near, "d02/twin", 0), 0);
	assert_int_equal(mkdirat(peer->near, "empty", 0700), 0);
}

static void test_helper_pushes_and_pulls(void **state)
{
	struct peer *peer = *state;

	make_tree(peer);
	peer_serve(peer);
	peer_push(peer);
	peer_same(peer->near, peer->far);
	peer_pull(peer);
	peer_same(peer->near, peer->back);
	assert_string_equal(strrchr(peer->end->info.root, '/'), "/far");
	assert_true(strncmp(peer->end->info.how, "helper ", 7) == 0);
	assert_true(peer->end->info.bytes_free > 0);
	assert_int_equal(peer_end(peer), 0);
}

static void test_helper_sends_only_blocks_that_differ(void **state)
{
	struct peer *peer = *state;
	struct uc_sync_entry old, new;
	struct uc_far_job job = { .what = UC_FAR_PUT, .entry = &new, .expect = &old };
	int fd;

	peer_fill(peer->far, "big", 8 << 20, 3);
	peer_fill(peer->near, "big", 8 << 20, 3);
	fd = openat(peer->near, "big", O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "changed in the middle", 21, 4 << 20), 21);
	close(fd);
	old = peer_look(peer->far, "big");
	new = peer_look(peer->near, "big");
	new.mtime = peer_look(peer->near, "big").mtime;
	peer_serve(peer);
	assert_int_equal(peer_job(peer, &job), UC_FAR_DONE);
	assert_int_equal(peer->end->ops->finish(peer->end, NULL), 0);
	peer_same(peer->near, peer->far);
	assert_true(job.wire < 100000);
	assert_true(job.kept > 8000000);
	assert_true(peer->end->bytes_out < 200000);
}

static void test_helper_gets_only_blocks_that_differ(void **state)
{
	struct peer *peer = *state;
	struct uc_sync_entry old, new;
	struct uc_far_job job = { .what = UC_FAR_GET, .entry = &new, .expect = &old };
	int fd;

	peer_fill(peer->far, "big", 8 << 20, 3);
	peer_fill(peer->back, "big", 8 << 20, 3);
	fd = openat(peer->far, "big", O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, "changed in the middle", 21, 4 << 20), 21);
	close(fd);
	old = peer_look(peer->back, "big");
	new = peer_look(peer->far, "big");
	peer_serve(peer);
	assert_int_equal(peer_job(peer, &job), UC_FAR_DONE);
	peer_same(peer->far, peer->back);
	assert_true(job.wire < 100000);
	assert_true(job.kept > 8000000);
}

static void test_helper_goes_on_where_it_was_cut(void **state)
{
	struct peer *peer = *state;
	struct uc_sync_entry entry;
	struct uc_far_job job = { .what = UC_FAR_PUT, .entry = &entry };
	struct uc_far_options options;

	peer_fill(peer->near, "big", 40 << 20, 5);
	entry = peer_look(peer->near, "big");
	peer_serve(peer);
	peer_submit(peer, &job);
	while (peer->end->bytes_out < 20u << 20)
		assert_int_equal(peer->end->ops->step(peer->end, 20, NULL), 0);
	peer_end(peer);
	options = peer_options(peer);
	peer_start(peer);
	peer_open(peer, &options);
	job = (struct uc_far_job){ .what = UC_FAR_PUT, .entry = &entry };
	peer->done = 0;
	assert_int_equal(peer_job(peer, &job), UC_FAR_DONE);
	assert_true(job.kept > 8u << 20);
	assert_true(peer->end->bytes_out < 35u << 20);
	assert_int_equal(peer->end->ops->finish(peer->end, NULL), 0);
	peer_same(peer->near, peer->far);
}

static void test_helper_replaces_nothing_that_changed(void **state)
{
	struct peer *peer = *state;
	struct uc_sync_entry new, old;
	struct uc_far_job job = { .what = UC_FAR_PUT, .entry = &new };

	peer_write(peer->near, "a", "new", 3);
	peer_write(peer->far, "a", "other", 5);
	new = peer_look(peer->near, "a");
	peer_serve(peer);
	assert_int_equal(peer_job(peer, &job), UC_FAR_CHANGED);
	old = peer_look(peer->far, "a");
	old.mtime++;
	job.expect = &old;
	assert_int_equal(peer_job(peer, &job), UC_FAR_CHANGED);
	job.what = UC_FAR_REMOVE;
	job.entry = &old;
	assert_int_equal(peer_job(peer, &job), UC_FAR_CHANGED);
	assert_int_equal(peer_look(peer->far, "a").size, 5);
}

static void test_helper_names_what_vanished(void **state)
{
	struct peer *peer = *state;
	struct uc_sync_entry small = { .path = "gone", .size = 3 };
	struct uc_sync_entry large = { .path = "gone-too", .size = 20 << 20 };
	struct uc_far_job job = { .what = UC_FAR_PUT, .entry = &small };

	peer_serve(peer);
	assert_int_equal(peer_job(peer, &job), UC_FAR_VANISHED);
	job.what = UC_FAR_GET;
	assert_int_equal(peer_job(peer, &job), UC_FAR_VANISHED);
	job.entry = &large;
	assert_int_equal(peer_job(peer, &job), UC_FAR_VANISHED);
	job.what = UC_FAR_PUT;
	assert_int_equal(peer_job(peer, &job), UC_FAR_VANISHED);
	assert_true(strstr(job.text, "No such file") != NULL);
	/* and the next one works */
	peer_write(peer->near, "a", "new", 3);
	small = peer_look(peer->near, "a");
	job.entry = &small;
	assert_int_equal(peer_job(peer, &job), UC_FAR_DONE);
}

static void test_helper_only_reads(void **state)
{
	struct peer *peer = *state;
	struct uc_far_options options = peer_options(peer);
	struct uc_sync_entry entry;
	struct uc_far_job job = { .what = UC_FAR_PUT, .entry = &entry };

	peer_write(peer->near, "a", "new", 3);
	entry = peer_look(peer->near, "a");
	options.read_only = true;
	peer_start(peer);
	peer_open(peer, &options);
	assert_int_equal(peer_job(peer, &job), UC_FAR_REFUSED);
	assert_int_equal(faccessat(peer->far, "a", F_OK, 0), -1);
}

static void expect_no_folder(struct peer *peer, const char *root, enum uc_code code)
{
	struct uc_far_options options = peer_options(peer);
	struct uc_error err = { 0 };
	json_t *answer = NULL, *none = json_object();

	options.root = root;
	peer_start(peer);
	peer_open(peer, &options);
	assert_int_equal(peer->end->ops->call(peer->end, "space", none, &answer, &err),
			 -1);
	assert_int_equal(err.code, code);
	assert_false(peer->end->silent);
	json_decref(none);
	(void)peer_end(peer);
}

static void test_helper_says_what_is_wrong_with_a_folder(void **state)
{
	struct peer *peer = *state;
	struct uc_far_options options = peer_options(peer);
	json_t *answer = NULL, *none = json_object();
	struct stat st;

	expect_no_folder(peer, "not/there", UC_NOTFOUND);
	expect_no_folder(peer, "~other/there", UC_USAGE);
	options.root = "~/new/folder";
	options.create = true;
	peer_start(peer);
	peer_open(peer, &options);
	assert_int_equal(peer->end->ops->call(peer->end, "space", none, &answer, NULL),
			 0);
	assert_true(json_integer_value(json_object_get(answer, "bytes_free")) > 0);
	json_decref(answer);
	json_decref(none);
	assert_int_equal(fstatat(peer->far, "../new/folder", &st, 0), 0);
}

static void test_helper_completes_names(void **state)
{
	struct peer *peer = *state;
	json_t *answer = NULL,
	       *ask = json_pack("{s:s, s:s}", "folder", "", "prefix", "al");
	struct uc_error err = { 0 };

	peer_write(peer->far, "alpha", "", 0);
	peer_write(peer->far, "beta", "", 0);
	peer_serve(peer);
	assert_int_equal(peer->end->ops->call(peer->end, "names", ask, &answer, &err), 0);
	assert_int_equal(json_array_size(json_object_get(answer, "names")), 1);
	json_decref(answer);
	json_object_set_new(ask, "folder", json_string("../near"));
	assert_int_equal(peer->end->ops->call(peer->end, "names", ask, &answer, &err),
			 -1);
	assert_int_equal(err.code, UC_USAGE);
	/* the connection goes on after a refusal */
	assert_int_equal(peer->end->ops->call(peer->end, "nothing", ask, &answer, &err),
			 -1);
	json_object_set_new(ask, "folder", json_string(""));
	assert_int_equal(peer->end->ops->call(peer->end, "names", ask, &answer, &err), 0);
	json_decref(answer);
	json_decref(ask);
}

static void test_helper_loses_jobs_with_the_connection(void **state)
{
	struct peer *peer = *state;
	struct uc_sync_entry entry;
	struct uc_far_job job = { .what = UC_FAR_PUT, .entry = &entry };
	struct uc_error err = { 0 };

	peer_fill(peer->near, "big", 40 << 20, 5);
	entry = peer_look(peer->near, "big");
	peer_serve(peer);
	peer_submit(peer, &job);
	assert_int_equal(peer->end->ops->step(peer->end, 10, &err), 0);
	kill(peer->pid, SIGKILL);
	while (peer->end->ops->step(peer->end, 100, &err) == 0)
		;
	assert_int_equal(peer->done, 1);
	assert_int_equal(job.outcome, UC_FAR_LOST);
	assert_int_equal(err.code, UC_UNREACHABLE);
	assert_int_equal(peer->end->ops->finish(peer->end, &err), -1);
}

static void test_helper_keeps_to_a_rate(void **state)
{
	struct peer *peer = *state;
	struct uc_far_options options = peer_options(peer);
	struct uc_sync_entry entry;
	struct uc_far_job job = { .what = UC_FAR_PUT, .entry = &entry };
	struct timespec from, to;
	double seconds;

	peer_fill(peer->near, "a", 600000, 9);
	entry = peer_look(peer->near, "a");
	options.rate = 1000000;
	peer_start(peer);
	peer_open(peer, &options);
	clock_gettime(CLOCK_MONOTONIC, &from);
	assert_int_equal(peer_job(peer, &job), UC_FAR_DONE);
	clock_gettime(CLOCK_MONOTONIC, &to);
	seconds = (double)(to.tv_sec - from.tv_sec) +
		  (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	assert_true(seconds > 0.45);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, peer_setup, peer_teardown)
		TEST(test_helper_pushes_and_pulls),
		TEST(test_helper_sends_only_blocks_that_differ),
		TEST(test_helper_gets_only_blocks_that_differ),
		TEST(test_helper_goes_on_where_it_was_cut),
		TEST(test_helper_replaces_nothing_that_changed),
		TEST(test_helper_names_what_vanished),
		TEST(test_helper_only_reads),
		TEST(test_helper_says_what_is_wrong_with_a_folder),
		TEST(test_helper_completes_names),
		TEST(test_helper_loses_jobs_with_the_connection),
		TEST(test_helper_keeps_to_a_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
