/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Answers shared by processes: one asks, the others read; nobody else plants anything. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <ucluster/source.h>
#include "slurm/cache.h"
#include "slurm/rows.h"

/* What the source is told and answers; shared with children. */
struct world {
	int asked;
	int64_t since;
	uint32_t job_id;
	bool fails, unchanged, dies;
};

static struct world *world;
static char dir[] = "/tmp/ucluster-cache-XXXXXX";
static char folder[64];

static int ask(struct uc_source *src, const struct uc_job_query *query,
	       struct uc_jobs **out, struct uc_error *err)
{
	struct uc_rows *rows;
	struct uc_job *job;

	(void)src;
	world->asked++;
	world->since = query->since;
	if (world->dies)
		_exit(9);
	if (world->fails) {
		uc_fail(err, UC_UNREACHABLE, "slurmctld cannot be reached");
		return uc_hint(err, "try again later");
	}
	*out = NULL;
	if (world->unchanged && query->since)
		return 0;
	rows = uc_rows_new(UC_ROWS_JOBS, 1, 1000, err);
	assert_non_null(rows);
	job = uc_rows_at(rows, sizeof(*job), 0);
	job->job_id = world->job_id;
	rows->updated = 500 + world->job_id;
	*out = (struct uc_jobs *)rows;
	return 0;
}

static struct uc_cache *open_cache(void)
{
	struct uc_error err = { 0 };
	struct uc_cache *cache = NULL;

	assert_int_equal(uc_cache_new(folder, "slurm:", &cache, &err), 0);
	return cache;
}

/* The id of the one job of the answer, 0 for "unchanged", -1 for a failure. */
static int look(struct uc_cache *cache, int64_t max_age_ms, int64_t since)
{
	const struct uc_job_query query = { .max_age_ms = max_age_ms, .since = since };
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	struct uc_error err = { 0 };

	if (uc_cache_jobs(cache, &query, ask, NULL, &jobs, &err) < 0) {
		assert_int_equal(err.code, UC_UNREACHABLE);
		assert_string_equal(err.text, "slurmctld cannot be reached");
		assert_string_equal(err.hint, "try again later");
		return -1;
	}
	return jobs ? (int)jobs->row[0].job_id : 0;
}

static int count_files(const char *end)
{
	DIR *open = opendir(folder);
	const struct dirent *entry;
	int count = 0;

	while (open && (entry = readdir(open)))
		count += strlen(entry->d_name) > strlen(end) &&
			 strcmp(entry->d_name + strlen(entry->d_name) - strlen(end),
				end) == 0;
	if (open)
		closedir(open);
	return count;
}

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/ucluster-cache-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(folder, sizeof(folder), "%s/made/here", dir);
	world = mmap(NULL, sizeof(*world), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	world->job_id = 7;
	return world == MAP_FAILED;
}

static int teardown(void **state)
{
	DIR *open = opendir(folder);
	const struct dirent *entry;
	char made[64];

	(void)state;
	while (open && (entry = readdir(open)))
		unlinkat(dirfd(open), entry->d_name, 0);
	if (open)
		closedir(open);
	snprintf(made, sizeof(made), "%s/made", dir);
	rmdir(folder);
	unlink(folder);
	rmdir(made);
	munmap(world, sizeof(*world));
	return rmdir(dir);
}

static void test_the_second_reads_what_the_first_was_told(void **state)
{
	struct uc_cache *a = open_cache(), *b = open_cache();
	const struct uc_asked *asked;

	(void)state;
	assert_int_equal(look(a, 60000, 0), 7);
	assert_false(uc_cache_asked(a)->shared);
	world->job_id = 8;
	assert_int_equal(look(b, 60000, 0), 7);
	asked = uc_cache_asked(b);
	assert_true(asked->shared);
	assert_int_equal(asked->at_ms, uc_cache_asked(a)->at_ms);
	assert_int_equal(world->asked, 1);
	/* nothing is younger than that */
	assert_int_equal(look(b, -1, 0), 8);
	assert_int_equal(world->asked, 2);
	assert_int_equal(look(a, 60000, 0), 8);
	assert_int_equal(world->asked, 2);
	assert_int_equal(count_files(".jobs"), 1);
	assert_int_equal(count_files(".new"), 0);
	uc_cache_free(a);
	uc_cache_free(b);
}

static void test_another_question_is_another_answer(void **state)
{
	const uint32_t id = 3;
	const struct uc_job_query one = { .max_age_ms = 60000,
					  .user_ids = &id,
					  .user_count = 1 };
	struct uc_job_query other = one;
	struct uc_cache *cache = open_cache();
	uc_auto(jobs) struct uc_jobs *jobs = NULL, *more = NULL, *some = NULL;

	(void)state;
	assert_int_equal(look(cache, 60000, 0), 7);
	assert_int_equal(uc_cache_jobs(cache, &one, ask, NULL, &jobs, NULL), 0);
	assert_int_equal(world->asked, 2);
	other.detail = true;
	assert_int_equal(uc_cache_jobs(cache, &other, ask, NULL, &more, NULL), 0);
	assert_int_equal(world->asked, 3);
	other.fields = "job_id";
	assert_int_equal(uc_cache_jobs(cache, &other, ask, NULL, &some, NULL), 0);
	assert_int_equal(world->asked, 4);
	uc_cache_free(cache);
}

static void test_what_is_known_is_not_sent_again(void **state)
{
	struct uc_cache *a = open_cache(), *b = open_cache();

	(void)state;
	assert_int_equal(look(a, 60000, 0), 7);
	/* a has it, b does not; both without asking */
	assert_int_equal(look(a, 60000, 507), 0);
	assert_int_equal(look(b, 60000, 0), 7);
	assert_int_equal(world->asked, 1);
	/* slurmctld says that nothing changed: of the shared answer, for whoever lacks it
	 */
	world->unchanged = true;
	assert_int_equal(look(b, -1, 0), 7);
	assert_int_equal(world->since, 507);
	assert_int_equal(look(a, -1, 507), 0);
	assert_int_equal(world->asked, 3);
	assert_int_equal(look(a, 60000, 0), 7);
	assert_int_equal(world->asked, 3);
	uc_cache_free(a);
	uc_cache_free(b);
}

static void test_a_failure_is_shared_too(void **state)
{
	struct uc_cache *a = open_cache(), *b = open_cache();

	(void)state;
	world->fails = true;
	assert_int_equal(look(a, 60000, 0), -1);
	assert_int_equal(look(b, 60000, 0), -1);
	assert_int_equal(world->asked, 1);
	world->fails = false;
	assert_int_equal(look(b, -1, 0), 7);
	assert_int_equal(look(a, 60000, 0), 7);
	assert_int_equal(world->asked, 2);
	/* and the last answer is still there after another one */
	world->fails = true;
	assert_int_equal(look(a, -1, 0), -1);
	world->fails = false;
	assert_int_equal(look(a, -1, 0), 7);
	uc_cache_free(a);
	uc_cache_free(b);
}

static void test_who_dies_while_asking_is_replaced(void **state)
{
	struct uc_cache *cache = open_cache();
	int status;
	pid_t child;

	(void)state;
	world->dies = true;
	child = fork();
	if (child == 0) {
		look(cache, 60000, 0);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 9);
	world->dies = false;
	assert_int_equal(look(cache, 60000, 0), 7);
	assert_int_equal(world->asked, 2);
	uc_cache_free(cache);
}

static void test_many_at_once_ask_once(void **state)
{
	enum {
		MANY = 8
	};
	pid_t child[MANY];

	(void)state;
	for (int i = 0; i < MANY; i++) {
		child[i] = fork();
		if (child[i] == 0) {
			struct uc_cache *cache = open_cache();
			int id = look(cache, 600000, 0);

			uc_cache_free(cache);
			_exit(id == 7 ? 0 : 1);
		}
	}
	for (int i = 0; i < MANY; i++) {
		int status = -1;

		waitpid(child[i], &status, 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(world->asked, 1);
}

/* Each file in turn: cut, overwritten, readable by others. */
static void spoil(const char *end, int how)
{
	DIR *open = opendir(folder);
	const struct dirent *entry;

	assert_non_null(open);
	while ((entry = readdir(open))) {
		const size_t len = strlen(entry->d_name), tail = strlen(end);
		int fd;

		if (len <= tail || strcmp(entry->d_name + len - tail, end) != 0)
			continue;
		fd = openat(dirfd(open), entry->d_name, O_RDWR);
		assert_true(fd >= 0);
		if (how == 0)
			assert_int_equal(ftruncate(fd, 100), 0);
		else if (how == 1)
			assert_int_equal(pwrite(fd, "\xff\xff\xff\xff", 4, 0), 4);
		else
			assert_int_equal(fchmod(fd, 0644), 0);
		close(fd);
	}
	closedir(open);
}

static void test_broken_and_foreign_files_are_not_read(void **state)
{
	struct uc_cache *cache = open_cache();
	int asked = 1;

	(void)state;
	assert_int_equal(look(cache, 60000, 0), 7);
	for (int how = 0; how < 3; how++) {
		spoil(".state", how);
		assert_int_equal(look(cache, 60000, 0), 7);
		assert_int_equal(world->asked, ++asked);
		spoil(".jobs", how);
		assert_int_equal(look(cache, 60000, 0), 7);
		assert_int_equal(world->asked, ++asked);
	}
	assert_int_equal(look(cache, 60000, 0), 7);
	assert_int_equal(world->asked, asked);
	uc_cache_free(cache);
}

static void test_a_folder_that_others_reach_is_not_used(void **state)
{
	struct uc_cache *cache = open_cache();

	(void)state;
	uc_cache_free(cache);
	assert_int_equal(chmod(folder, 0755), 0);
	cache = open_cache();
	assert_int_equal(look(cache, 60000, 0), 7);
	assert_int_equal(look(cache, 60000, 0), 7);
	assert_int_equal(world->asked, 2);
	assert_int_equal(count_files(".state"), 0);
	uc_cache_free(cache);
	/* nor is what a link leads to */
	assert_int_equal(rmdir(folder), 0);
	assert_int_equal(symlink("/tmp", folder), 0);
	cache = open_cache();
	assert_int_equal(look(cache, 60000, 0), 7);
	assert_int_equal(world->asked, 3);
	uc_cache_free(cache);
}

/* No lock can be had: everybody asks for himself. */
static void test_without_a_lock_nothing_is_shared(void **state)
{
	struct uc_cache *cache = open_cache();
	DIR *open = opendir(folder);
	const struct dirent *entry;

	(void)state;
	assert_int_equal(look(cache, 60000, 0), 7);
	assert_non_null(open);
	while ((entry = readdir(open)))
		if (strstr(entry->d_name, ".lock")) {
			assert_int_equal(unlinkat(dirfd(open), entry->d_name, 0), 0);
			assert_int_equal(
				symlinkat("/nowhere/else", dirfd(open), entry->d_name),
				0);
			break;
		}
	closedir(open);
	world->job_id = 8;
	assert_int_equal(look(cache, -1, 0), 8);
	assert_false(uc_cache_asked(cache)->shared);
	assert_int_equal(look(cache, -1, 0), 8);
	assert_int_equal(world->asked, 3);
	uc_cache_free(cache);
}

static void test_old_files_go(void **state)
{
	const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	struct uc_cache *cache = open_cache();
	char path[128];
	int fd;

	(void)state;
	assert_int_equal(look(cache, 60000, 0), 7);
	snprintf(path, sizeof(path), "%s/left.jobs", folder);
	fd = open(path, O_CREAT | O_WRONLY, 0600);
	assert_true(fd >= 0);
	futimens(fd, old);
	close(fd);
	uc_cache_free(cache);
	cache = open_cache();
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(count_files(".jobs"), 1);
	uc_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_the_second_reads_what_the_first_was_told),
		TEST(test_another_question_is_another_answer),
		TEST(test_what_is_known_is_not_sent_again),
		TEST(test_a_failure_is_shared_too),
		TEST(test_who_dies_while_asking_is_replaced),
		TEST(test_many_at_once_ask_once),
		TEST(test_broken_and_foreign_files_are_not_read),
		TEST(test_a_folder_that_others_reach_is_not_used),
		TEST(test_without_a_lock_nothing_is_shared),
		TEST(test_old_files_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
