/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Receipts and git's state. As root the read-only cases are those of an ordinary user
 * (seteuid), since root may write anywhere.
 */
#include "judge_unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "job/receipt.h"

#define NOBODY 65534

struct place {
	char dir[32];
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	memcpy(p->dir, "/tmp/uc-receipt.XXXXXX", sizeof("/tmp/uc-receipt.XXXXXX"));
	*state = p;
	return mkdtemp(p->dir) ? 0 : -1;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	RUN("/", "rm", "-rf", p->dir);
	free(p);
	return 0;
}

static const struct uc_receipt_option options[] = {
	{ "gpus", "1", "option", NULL },
	{ "exclusive", NULL, "project", "/home/ann/p/.ucluster.yaml:3:1" },
	{ "comment", "\xff", NULL, NULL },
};
static const char *const command[] = { "python3", "train \xff\x01.py", "",
				       "a\nb",    "\xc3\xa4",          NULL };
static const char *const mounts[] = { "/data:/data:ro", NULL };
static const char *const env[] = { "SEED", NULL };
static const char *const secrets[] = { "HF_TOKEN", NULL };

static struct uc_receipt whole(uint32_t id, int64_t when)
{
	return (struct uc_receipt){
		.job_id = id,
		.submit_time = when,
		.cluster = "c1",
		.cwd = "/home/ann/\xe9",
		.batch = true,
		.options = options,
		.option_count = ARRAY_SIZE(options),
		.command = command,
		.runtime = "pyxis",
		.container = { .image = "/data/a.sqsh",
			       .image_is_path = true,
			       .size = 1ull << 40,
			       .mtime = 1700000000,
			       .mounts = mounts,
			       .workdir = "/w" },
		.env = env,
		.secrets = secrets,
		.git = { .toplevel = "/home/ann/p", .commit = "abc", .dirty = true },
		.snapshot = "/home/ann/p/.ucluster/snapshots/x",
	};
}

static void check_list(const char *const *got, const char *const *expected)
{
	for (; *expected; got++, expected++)
		assert_string_equal(*got, *expected);
	assert_null(*got);
}

static void write_one(const struct place *p, uint32_t id, int64_t when)
{
	struct uc_receipt r = whole(id, when);
	struct uc_error err = { 0 };

	if (uc_receipt_write(p->dir, &r, &err) < 0)
		fail_msg("%s", err.text);
}

static void test_receipt_comes_back_byte_for_byte(void **state)
{
	uc_auto(receipt) struct uc_receipt *r = NULL;
	const struct place *p = *state;
	struct uc_error err = { 0 };

	write_one(p, 4711, 1790000000);
	if (uc_receipt_read(p->dir, 4711, NULL, &r, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(r->job_id, 4711);
	assert_int_equal(r->submit_time, 1790000000);
	assert_string_equal(r->cluster, "c1");
	assert_string_equal(r->cwd, "/home/ann/\xe9");
	assert_true(r->batch);
	assert_non_null(r->version);
	assert_int_equal(r->option_count, 3);
	assert_string_equal(r->options[0].value, "1");
	assert_null(r->options[1].value);
	assert_string_equal(r->options[1].from, options[1].from);
	assert_string_equal(r->options[2].value, "\xff");
	check_list(r->command, command);
	check_list(r->container.mounts, mounts);
	check_list(r->env, env);
	check_list(r->secrets, secrets);
	assert_int_equal(r->container.size, 1ull << 40);
	assert_null(r->container.name);
	assert_string_equal(r->git.commit, "abc");
	assert_null(r->git.branch);
	assert_true(r->git.dirty);
	assert_false(r->git.untracked);
	assert_string_equal(r->snapshot, "/home/ann/p/.ucluster/snapshots/x");
}

static void test_receipt_keeps_the_first_end(void **state)
{
	const struct uc_receipt_key key = { .job_id = 4711 };
	const struct place *p = *state;
	struct uc_error err = { 0 };

	assert_int_equal(uc_receipt_end(p->dir, &key, 3, 1790000009, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
	write_one(p, 4711, 1690000000);
	write_one(p, 4711, 1790000000);
	/* before it began, or no exit code at all */
	assert_int_equal(uc_receipt_end(p->dir, &key, 3, 1789999999, &err), -1);
	assert_int_equal(uc_receipt_end(p->dir, &key, 256, 1790000009, &err), -1);
	for (uint32_t code = 3; code < 5; code++) {
		uc_auto(receipt) struct uc_receipt *r = NULL;

		assert_int_equal(uc_receipt_end(p->dir, &key, code, 1790000009, &err), 0);
		assert_int_equal(uc_receipt_read(p->dir, 4711, NULL, &r, &err), 0);
		assert_int_equal(r->exit_code, 3);
		assert_int_equal(r->ended, 1790000009);
		/* and what was there */
		check_list(r->command, command);
		check_list(r->secrets, secrets);
		assert_string_equal(r->options[2].value, "\xff");
		assert_string_equal(r->cwd, "/home/ann/\xe9");
	}
}

static void test_receipt_of_this_submission_and_no_other(void **state)
{
	static const struct {
		struct uc_job job;
		uint32_t id;
		int64_t submitted; /* 0: none */
	} cases[] = {
		{ { .job_id = 7, .submit_time = 1790000000 }, 7, 1790000000 },
		/* clocks are apart */
		{ { .job_id = 7, .submit_time = 1790000110 }, 7, 1790000000 },
		/* the number was another cluster's, or of long ago */
		{ { .job_id = 7, .submit_time = 1790009000 }, 7, 0 },
		{ { .job_id = 7, .submit_time = 1600000000 }, 7, 0 },
		/* not the newest of that number */
		{ { .job_id = 7, .submit_time = 1690000000 }, 7, 1690000000 },
		/* requeued: the newest before */
		{ { .job_id = 7, .submit_time = 1790009000, .restarts = 1 },
		  7,
		  1790000000 },
		{ { .job_id = 7, .submit_time = 1600000000, .restarts = 1 }, 7, 0 },
		/* a task, a part */
		{ { .job_id = 9, .array_job_id = 7, .submit_time = 1790000000 },
		  7,
		  1790000000 },
		{ { .job_id = 9, .het_job_id = 7, .submit_time = 1790000000 },
		  7,
		  1790000000 },
		{ { .job_id = 8, .submit_time = 1790000000 }, 8, 0 },
	};
	const struct place *p = *state;

	write_one(p, 7, 1690000000);
	write_one(p, 7, 1790000000);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uc_auto(receipt) struct uc_receipt *r = NULL;
		struct uc_error err = { 0 };
		struct uc_receipt_key key;

		uc_receipt_key_of(&key, &cases[i].job);
		assert_int_equal(key.job_id, cases[i].id);
		if (uc_receipt_find(p->dir, &key, &r, &err) < 0)
			assert_int_equal(err.code, UC_NOTFOUND);
		assert_int_equal(r ? r->submit_time : 0, cases[i].submitted);
	}
}

static void test_receipt_of_an_end_that_cannot_be(void **state)
{
	static const char *const bad[] = { "256", "-1", "\"3\"", "1.5" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uc_auto(receipt) struct uc_receipt *r = NULL;
		uc_auto(buf) struct uc_buf text = { 0 };
		struct uc_error err = { 0 };

		uc_buf_addf(&text,
			    "{\"schema\":\"ucluster-receipt\",\"version\":1,"
			    "\"job_id\":1,\"ended\":5,\"exit_code\":%s}",
			    bad[i]);
		assert_int_equal(uc_receipt_parse("r", text.data, text.len, &r, &err),
				 -1);
		assert_non_null(strstr(err.text, "'exit_code'"));
	}
}

static void test_receipt_is_private(void **state)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	const struct place *p = *state;
	struct stat st;

	uc_buf_addf(&path, "%s/new/state", p->dir);
	RUN(p->dir, "mkdir", "-m", "700", "new");
	{
		struct uc_receipt r = whole(7, 5);
		struct uc_error err;

		assert_int_equal(uc_receipt_write(path.data, &r, &err), 0);
	}
	assert_int_equal(stat(path.data, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	uc_buf_add(&path, "/receipts");
	assert_int_equal(stat(path.data, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	uc_buf_add(&path, "/7-5.json");
	assert_int_equal(stat(path.data, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void test_receipt_newest_of_a_job_id_used_again(void **state)
{
	uc_auto(receipt) struct uc_receipt *r = NULL;
	const struct place *p = *state;
	struct uc_error err = { 0 };

	assert_int_equal(uc_receipt_newest(p->dir, NULL, &r, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
	write_one(p, 10, 999);
	write_one(p, 10, 1000);
	write_one(p, 10, 500);
	write_one(p, 9, 2000);
	assert_int_equal(uc_receipt_read(p->dir, 10, "c1", &r, &err), 0);
	assert_int_equal(r->submit_time, 1000);
	uc_receipt_free(uc_take(&r));
	assert_int_equal(uc_receipt_newest(p->dir, NULL, &r, &err), 0);
	assert_int_equal(r->job_id, 9);
	uc_receipt_free(uc_take(&r));
	assert_int_equal(uc_receipt_read(p->dir, 10, "other", &r, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
	assert_int_equal(uc_receipt_read(p->dir, 11, NULL, &r, &err), -1);
	assert_non_null(strstr(err.text, "job 11"));
	assert_int_equal(uc_receipt_read(p->dir, 0, NULL, &r, &err), -1);
	assert_null(r);
}

static void test_receipts_are_listed_and_pruned(void **state)
{
	const struct uc_receipt_keep two = { .now = 1000000, .count = 2 };
	const struct uc_receipt_keep young = { .now = 1000000, .days = 3 };
	uc_auto(receipts) struct uc_receipts list = { 0 };
	const struct place *p = *state;
	struct uc_error err;
	size_t removed;

	assert_int_equal(uc_receipt_list(p->dir, &list, &err), 0);
	assert_int_equal(list.count, 0);
	assert_int_equal(uc_receipt_prune(p->dir, &two, &removed, &err), 0);
	for (uint32_t i = 1; i <= 5; i++)
		write_one(p, i, 1000000 - 86400 * (int64_t)i);
	RUN(p->dir, "touch", "receipts/1-2.json.bak", "receipts/01-2.json",
	    "receipts/-1-2.json", "receipts/4294967296-1.json", "receipts/a-1.json",
	    "receipts/.6-6.json.AbCdEf");
	RUN(p->dir, "touch", "-d", "1970-01-02", "receipts/.6-7.json.AbCdEf");
	assert_int_equal(uc_receipt_list(p->dir, &list, &err), 0);
	assert_int_equal(list.count, 5);
	assert_int_equal(list.item[0].job_id, 1);
	assert_int_equal(list.item[4].job_id, 5);
	uc_receipts_free(&list);
	assert_int_equal(uc_receipt_prune(p->dir, &young, &removed, &err), 0);
	assert_int_equal(removed, 2);
	assert_int_equal(uc_receipt_prune(p->dir, &two, &removed, &err), 0);
	assert_int_equal(removed, 1);
	assert_int_equal(uc_receipt_list(p->dir, &list, &err), 0);
	assert_int_equal(list.count, 2);
	RUN(p->dir, "test", "-e", "receipts/1-2.json.bak");
	RUN(p->dir, "test", "!", "-e", "receipts/.6-7.json.AbCdEf");
	RUN(p->dir, "test", "-e", "receipts/.6-6.json.AbCdEf");
}

static void
test_receipt_that_cannot_be_written_is_an_error_and_leaves_nothing(void **state)
{
	const struct place *p = *state;
	struct uc_receipt r = whole(1, 1);
	struct uc_error err = { 0 };
	int rc;

	assert_int_equal(chmod(p->dir, 0555), 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(NOBODY), 0);
	rc = uc_receipt_write(p->dir, &r, &err);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(rc, -1);
	assert_int_equal(err.code, UC_DENIED);
	assert_int_equal(chmod(p->dir, 0700), 0);
	assert_int_equal(uc_receipt_write("/dev/null/x", &r, &err), -1);
	assert_int_equal(uc_receipt_write("/proc/self/uc", &r, &err), -1);
	RUN(p->dir, "test", "!", "-e", "receipts");
	r.job_id = 0;
	assert_int_equal(uc_receipt_write(p->dir, &r, &err), -1);
}

static void test_receipt_in_a_folder_of_others_is_not_read(void **state)
{
	uc_auto(receipt) struct uc_receipt *r = NULL;
	const struct place *p = *state;
	struct uc_error err = { 0 };

	write_one(p, 5, 5);
	RUN(p->dir, "chmod", "770", "receipts");
	assert_int_equal(uc_receipt_read(p->dir, 5, NULL, &r, &err), -1);
	assert_int_equal(err.code, UC_DENIED);
	RUN(p->dir, "chmod", "700", "receipts");
	assert_int_equal(uc_receipt_read(p->dir, 5, NULL, &r, &err), 0);
	if (getuid() != 0)
		return;
	RUN(p->dir, "chown", "nobody", "receipts");
	uc_receipt_free(uc_take(&r));
	assert_int_equal(uc_receipt_read(p->dir, 5, NULL, &r, &err), -1);
	assert_int_equal(err.code, UC_DENIED);
}

#define HEAD "{\"schema\":\"ucluster-receipt\",\"version\":1,\"job_id\":5,"

static void test_receipt_that_is_damaged_is_one_error(void **state)
{
	static const char *const bad[] = {
		"",
		"{",
		"[]",
		"null",
		"{}",
		"{\"schema\":\"ucluster-receipt\",\"version\":2,\"job_id\":5}",
		"{\"schema\":\"other\",\"version\":1,\"job_id\":5}",
		"{\"schema\":\"ucluster-receipt\",\"version\":1}",
		"{\"schema\":\"ucluster-receipt\",\"version\":1,\"job_id\":-5}",
		"{\"schema\":\"ucluster-receipt\",\"version\":1,\"job_id\":4294967296}",
		"{\"schema\":\"ucluster-receipt\",\"version\":1,\"job_id\":\"5\"}",
		HEAD "\"job_id\":5}",
		HEAD "\"submit_time\":-1}",
		HEAD "\"cwd\":1}",
		HEAD "\"cwd\":\"\\u0000\"}",
		HEAD "\"cwd\":{\"base64\":\"A\"}}",
		HEAD "\"cwd\":{\"base64\":\"AA==\"}}", /* a NUL */
		HEAD "\"cwd\":{\"base64\":\"Q===\"}}",
		HEAD "\"cwd\":{\"base64\":\"QQ==QQ==\"}}",
		HEAD "\"cwd\":{\"text\":\"a\"}}",
		HEAD "\"command\":\"a\"}",
		HEAD "\"command\":[1]}",
		HEAD "\"command\":[null]}",
		HEAD "\"env\":[\"A=1\"]}",
		HEAD "\"secrets\":[\"\"]}",
		HEAD "\"batch\":1}",
		HEAD "\"container\":[]}",
		HEAD "\"container\":{\"size\":-1}}",
		HEAD "\"options\":{}}",
		HEAD "\"options\":[1]}",
		HEAD "\"options\":[{\"name\":\"\"}]}",
		HEAD "\"options\":[{\"name\":\"a=b\"}]}",
		HEAD "\"cwd\":\"a\"} x",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uc_auto(receipt) struct uc_receipt *r = NULL;
		struct uc_error err = { 0 };

		if (uc_receipt_parse("f", bad[i], strlen(bad[i]), &r, &err) == 0)
			fail_msg("read: %s", bad[i]);
		if (err.code != UC_INVALID)
			fail_msg("%s: %s", bad[i], err.text);
		assert_null(r);
	}
}

static void test_receipt_under_another_name_is_refused(void **state)
{
	uc_auto(receipt) struct uc_receipt *r = NULL;
	const struct place *p = *state;
	struct uc_error err = { 0 };

	write_one(p, 5, 5);
	RUN(p->dir, "mv", "receipts/5-5.json", "receipts/6-5.json");
	assert_int_equal(uc_receipt_read(p->dir, 6, NULL, &r, &err), -1);
	assert_int_equal(err.code, UC_INVALID);
}

static void look(const char *dir, struct uc_git *git)
{
	struct uc_error err = { 0 };

	if (uc_git_look(dir, (const char *const *)environ, git, &err) < 0)
		fail_msg("%s", err.text);
}

#define GIT(dir, ...)                                                                    \
	RUN(dir, "git", "-c", "user.name=a", "-c", "user.email=a@b", "-c",               \
	    "commit.gpgsign=false", __VA_ARGS__)

static void test_git_state(void **state)
{
	const struct place *p = *state;
	uc_auto(buf) struct uc_buf sub = { 0 };
	uc_auto(git) struct uc_git git = { 0 };

	uc_buf_addf(&sub, "%s/a/b", p->dir);
	RUN(p->dir, "mkdir", "-p", "a/b");
	look(p->dir, &git);
	assert_null(git.toplevel);
	GIT(p->dir, "init", "-q", "-b", "top/ic");
	look(sub.data, &git);
	assert_string_equal(git.toplevel, p->dir);
	assert_null(git.commit);
	assert_string_equal(git.branch, "top/ic");
	assert_false(git.dirty || git.untracked);
	uc_git_free(&git);
	RUN(p->dir, "touch", "f");
	look(p->dir, &git);
	assert_true(git.untracked && !git.dirty);
	uc_git_free(&git);
	GIT(p->dir, "add", "f");
	GIT(p->dir, "commit", "-q", "-m", "x");
	look(p->dir, &git);
	assert_false(git.dirty || git.untracked);
	assert_int_equal(strlen(git.commit), 40);
	uc_git_free(&git);
	RUN(p->dir, "cp", "/etc/passwd", "f");
	GIT(p->dir, "checkout", "-q", "--detach");
	look(p->dir, &git);
	assert_true(git.dirty && !git.untracked);
	assert_null(git.branch);
}

/* Everything a repository may have run by "git status", and one that must be harmless. */
static void test_git_runs_nothing_of_the_repository(void **state)
{
	static const char script[] = "#!/bin/sh\ntouch RAN\ncat\n";
	const struct place *p = *state;
	uc_auto(buf) struct uc_buf path = { 0 };
	uc_auto(git) struct uc_git git = { 0 };
	int fd;

	GIT(p->dir, "init", "-q");
	uc_buf_addf(&path, "%s/evil", p->dir);
	fd = open(path.data, O_WRONLY | O_CREAT, 0700);
	assert_int_equal(write(fd, script, sizeof(script) - 1), sizeof(script) - 1);
	close(fd);
	RUN(p->dir, "cp", "/etc/passwd", "f");
	GIT(p->dir, "add", "f");
	GIT(p->dir, "commit", "-q", "-m", "x");
	GIT(p->dir, "config", "filter.a b.clean", path.data);
	GIT(p->dir, "config", "filter.a b.required", "true");
	GIT(p->dir, "config", "filter.c.process", path.data);
	GIT(p->dir, "config", "core.fsmonitor", path.data);
	GIT(p->dir, "config", "core.hooksPath", p->dir);
	RUN(p->dir, "cp", "evil", "post-index-change");
	RUN(p->dir, "cp", "evil", "git"); /* "." in PATH is not looked at */
	fd = open((uc_buf_reset(&path), uc_buf_addf(&path, "%s/.gitattributes", p->dir),
		   path.data),
		  O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "f filter=c\n", 11), 11);
	close(fd);
	RUN(p->dir, "touch", "f"); /* its content has to be compared */
	assert_int_equal(chdir(p->dir), 0);
	assert_int_equal(
		uc_git_look(p->dir,
			    (const char *const[]){ "PATH=:.:/usr/bin:/bin", NULL }, &git,
			    NULL),
		0);
	assert_int_equal(chdir("/"), 0);
	assert_non_null(git.commit);
	RUN(p->dir, "test", "!", "-e", "RAN");
	/* the same repository would have run it */
	RUN(p->dir, "sh", "-c", "git status --short >/dev/null 2>&1");
	RUN(p->dir, "test", "-e", "RAN");
}

static void test_git_of_another_user_is_left_alone(void **state)
{
	const struct place *p = *state;
	uc_auto(git) struct uc_git git = { 0 };
	struct uc_error err = { 0 };
	int rc;

	if (getuid() != 0)
		skip();
	GIT(p->dir, "init", "-q");
	RUN(p->dir, "chmod", "-R", "a+rX", p->dir);
	RUN(p->dir, "chown", "-R", "daemon", p->dir);
	/* no safe.directory of who runs this test counts */
	rc = uc_git_look(p->dir, (const char *const[]){ "HOME=/nonexistent", NULL }, &git,
			 &err);
	assert_int_equal(rc, -1);
	assert_non_null(strstr(err.text, "refuses"));
	assert_null(git.toplevel);
}

/* git on a file server that hangs: given up after 2 s, with all that it started. */
static void test_git_that_hangs_is_given_up(void **state)
{
	static const char script[] = "#!/bin/sh\necho $$ >../pid\nsleep 600 & wait\n";
	const struct place *p = *state;
	uc_auto(buf) struct uc_buf path = { 0 };
	uc_auto(git) struct uc_git git = { 0 };
	struct uc_error err = { 0 };
	struct timespec from, to;
	FILE *f;
	int pid;

	RUN(p->dir, "mkdir", "-p", "bin", "repo/.git");
	uc_buf_addf(&path, "%s/bin/git", p->dir);
	f = fopen(path.data, "w");
	assert_non_null(f);
	fputs(script, f);
	fchmod(fileno(f), 0700);
	fclose(f);
	uc_buf_reset(&path);
	uc_buf_addf(&path, "PATH=%s/bin:/usr/bin:/bin", p->dir);
	{
		uc_auto(buf) struct uc_buf repo = { 0 };

		uc_buf_addf(&repo, "%s/repo", p->dir);
		assert_int_equal(chdir(repo.data), 0);
		clock_gettime(CLOCK_MONOTONIC, &from);
		assert_int_equal(uc_git_look(repo.data,
					     (const char *const[]){ path.data, NULL },
					     &git, &err),
				 -1);
		clock_gettime(CLOCK_MONOTONIC, &to);
		assert_int_equal(chdir("/"), 0);
	}
	assert_int_equal(err.code, UC_UNREACHABLE);
	assert_in_range(to.tv_sec - from.tv_sec, 1, 10);
	uc_buf_reset(&path);
	uc_buf_addf(&path, "%s/pid", p->dir);
	f = fopen(path.data, "r");
	assert_non_null(f);
	assert_int_equal(fscanf(f, "%d", &pid), 1);
	fclose(f);
	/* its group is gone; a zombie of init's may be for a moment */
	for (int i = 0; i < 1000 && kill(-pid, 0) == 0; i++)
		poll(NULL, 0, 5);
	assert_int_equal(kill(-pid, 0), -1);
}

static void test_no_git_is_no_error(void **state)
{
	const struct place *p = *state;
	uc_auto(git) struct uc_git git = { 0 };

	GIT(p->dir, "init", "-q");
	assert_int_equal(uc_git_look(p->dir,
				     (const char *const[]){ "PATH=/nowhere", NULL }, &git,
				     NULL),
			 0);
	assert_null(git.toplevel);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_receipt_comes_back_byte_for_byte),
		TEST(test_receipt_keeps_the_first_end),
		TEST(test_receipt_of_this_submission_and_no_other),
		TEST(test_receipt_of_an_end_that_cannot_be),
		TEST(test_receipt_is_private),
		TEST(test_receipt_newest_of_a_job_id_used_again),
		TEST(test_receipts_are_listed_and_pruned),
		TEST(test_receipt_that_cannot_be_written_is_an_error_and_leaves_nothing),
		TEST(test_receipt_in_a_folder_of_others_is_not_read),
		TEST(test_receipt_that_is_damaged_is_one_error),
		TEST(test_receipt_under_another_name_is_refused),
		TEST(test_git_state),
		TEST(test_git_runs_nothing_of_the_repository),
		TEST(test_git_of_another_user_is_left_alone),
		TEST(test_git_that_hangs_is_given_up),
		TEST(test_no_git_is_no_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
