/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Files that grow, shrink, move and vanish while they are followed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <ucluster/follow.h>
#include <ucluster/text.h>

struct world {
	char dir[64], path[96];
	struct uc_follow *f;
	struct uc_buf got; /* bytes; "<cut>", "<replaced>", "<failed>" for the rest */
	struct uc_error error;
	int closed;
};

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	snprintf(w->dir, sizeof(w->dir), "/tmp/uc-follow-XXXXXX");
	assert_non_null(mkdtemp(w->dir));
	snprintf(w->path, sizeof(w->path), "%s/out", w->dir);
	w->f = uc_follow_new();
	*state = w;
	return w->f ? 0 : -1;
}

static int teardown(void **state)
{
	struct world *w = *state;
	char moved[128];

	snprintf(moved, sizeof(moved), "%s.1", w->path);
	uc_follow_free(w->f);
	uc_buf_free(&w->got);
	unlink(w->path);
	unlink(moved);
	assert_int_equal(rmdir(w->dir), 0);
	free(w);
	return 0;
}

static void put(const char *path, const char *text, int flags)
{
	int fd = open(path, O_WRONLY | O_CREAT | flags, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* What can be had now. */
static const char *drain(struct world *w)
{
	static const char *const marks[] = { [UC_FOLLOW_CUT] = "<cut>",
					     [UC_FOLLOW_REPLACED] = "<replaced>",
					     [UC_FOLLOW_FAILED] = "<failed>" };
	struct uc_follow_news news;

	uc_buf_reset(&w->got);
	while (uc_follow_next(w->f, &news)) {
		if (news.kind == UC_FOLLOW_BYTES)
			uc_buf_addn(&w->got, news.bytes, news.len);
		else if (news.kind != UC_FOLLOW_CLOSED)
			uc_buf_add(&w->got, marks[news.kind]);
		else
			w->closed++;
		w->error = news.error;
	}
	return uc_buf_text(&w->got);
}

/* Wait as a command does, until there is something or 5 s are over. */
static const char *await(struct world *w)
{
	for (int i = 0; i < 500 && !*drain(w); i++) {
		struct pollfd fd = { .fd = uc_follow_fd(w->f), .events = POLLIN };
		int pause = uc_follow_pause(w->f);

		assert_true(pause >= 0 && pause <= 1000);
		poll(&fd, 1, pause > 10 ? 10 : pause);
	}
	return uc_buf_text(&w->got);
}

static int add(struct world *w, int64_t lines)
{
	return uc_follow_add(
		w->f, &(struct uc_follow_rules){ .path = w->path, .lines = lines });
}

static void test_what_is_added_comes(void **state)
{
	struct world *w = *state;

	put(w->path, "one\n", 0);
	add(w, UC_FOLLOW_ALL);
	assert_string_equal(drain(w), "one\n");
	put(w->path, "two\nthr", O_APPEND);
	assert_string_equal(await(w), "two\nthr");
	put(w->path, "ee\n", O_APPEND);
	assert_string_equal(await(w), "ee\n");
	assert_string_equal(drain(w), "");
}

static void test_a_file_that_comes_later(void **state)
{
	struct world *w = *state;
	int which = add(w, 10);

	assert_string_equal(drain(w), "");
	assert_false(uc_follow_seen(w->f, which));
	put(w->path, "here\n", 0);
	assert_string_equal(await(w), "here\n");
	assert_true(uc_follow_seen(w->f, which));
}

static void test_truncated(void **state)
{
	struct world *w = *state;

	put(w->path, "a long line of before\n", 0);
	add(w, UC_FOLLOW_ALL);
	drain(w);
	put(w->path, "new\n", O_TRUNC);
	assert_string_equal(await(w), "<cut>new\n");
}

/* Longer than before when it is looked at: the size says nothing, the text does. */
static void test_rewritten_and_longer(void **state)
{
	struct world *w = *state;

	put(w->path, "before\n", 0);
	add(w, UC_FOLLOW_ALL);
	drain(w);
	put(w->path, "after and more\n", O_TRUNC);
	assert_string_equal(await(w), "<cut>after and more\n");
}

static void test_rotated(void **state)
{
	struct world *w = *state;
	char moved[128];

	snprintf(moved, sizeof(moved), "%s.1", w->path);
	put(w->path, "1\n", 0);
	add(w, UC_FOLLOW_ALL);
	drain(w);
	assert_int_equal(rename(w->path, moved), 0);
	put(moved, "2, to the old one\n", O_APPEND);
	put(w->path, "3\n", 0);
	assert_string_equal(await(w), "2, to the old one\n<replaced>3\n");
	put(w->path, "4\n", O_APPEND);
	assert_string_equal(await(w), "4\n");
}

static void test_removed_and_made_again(void **state)
{
	struct world *w = *state;

	put(w->path, "1\n", 0);
	add(w, UC_FOLLOW_ALL);
	drain(w);
	unlink(w->path);
	assert_string_equal(drain(w), "");
	put(w->path, "2\n", 0);
	assert_string_equal(await(w), "<replaced>2\n");
}

static void test_another_jobs_file(void **state)
{
	struct world *w = *state;
	struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	struct uc_follow_rules rules = { .path = w->path,
					 .lines = UC_FOLLOW_ALL,
					 .not_before = 5000 };
	int which = uc_follow_add(w->f, &rules);

	put(w->path, "old\n", 0);
	utimensat(AT_FDCWD, w->path, old, 0);
	assert_string_equal(drain(w), "");
	/* a server whose clock is behind: it grows, so it is ours */
	put(w->path, "new\n", O_APPEND);
	utimensat(AT_FDCWD, w->path, old, 0);
	assert_string_equal(await(w), "old\nnew\n");
	assert_true(uc_follow_seen(w->f, which));
}

static void test_claimed(void **state)
{
	struct world *w = *state;
	struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	struct uc_follow_rules rules = { .path = w->path,
					 .lines = 1,
					 .not_before = 5000 };
	int which = uc_follow_add(w->f, &rules);

	put(w->path, "old\n", 0);
	utimensat(AT_FDCWD, w->path, old, 0);
	assert_string_equal(drain(w), "");
	uc_follow_claim(w->f, which);
	assert_string_equal(drain(w), "old\n");
}

static void test_skips_what_was_there(void **state)
{
	struct world *w = *state;
	struct uc_follow_rules rules = { .path = w->path,
					 .lines = UC_FOLLOW_ALL,
					 .skip = 4 };

	put(w->path, "old\nnew\n", 0);
	uc_follow_add(w->f, &rules);
	assert_string_equal(drain(w), "new\n");
}

static void test_no_file_to_follow(void **state)
{
	struct world *w = *state;

	assert_int_equal(mkfifo(w->path, 0600), 0);
	add(w, 10);
	assert_string_equal(drain(w), "<failed>");
	assert_non_null(strstr(w->error.text, "is a pipe"));
	assert_int_equal(uc_follow_pause(w->f), -1);
	uc_follow_add(w->f, &(struct uc_follow_rules){ .path = "/dev/null" });
	assert_string_equal(drain(w), "<failed>");
	assert_non_null(strstr(w->error.text, "is a device"));
	uc_follow_add(w->f, &(struct uc_follow_rules){ .path = w->dir });
	assert_string_equal(drain(w), "<failed>");
	assert_non_null(strstr(w->error.text, "is a directory"));
}

static void test_who_closes_is_noticed(void **state)
{
	struct world *w = *state;

	put(w->path, "1\n", 0);
	add(w, UC_FOLLOW_ALL);
	drain(w);
	assert_int_equal(w->closed, 0);
	put(w->path, "2\n", O_APPEND);
	await(w);
	drain(w);
	assert_int_equal(w->closed, 1);
}

/* Two big files come in turns, not one after the other. */
static void test_files_take_turns(void **state)
{
	struct world *w = *state;
	char other[128], text[65536 * 3 + 1];
	struct uc_follow_news news;
	int last = -1, changes = 0;

	snprintf(other, sizeof(other), "%s.1", w->path);
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	put(w->path, text, 0);
	put(other, text, 0);
	add(w, UC_FOLLOW_ALL);
	uc_follow_add(w->f,
		      &(struct uc_follow_rules){ .path = other, .lines = UC_FOLLOW_ALL });
	while (uc_follow_next(w->f, &news)) {
		changes += news.which != last;
		last = news.which;
	}
	assert_true(changes >= 4);
}

static void test_without_inotify(void **state)
{
	struct world *w = *state;
	struct rlimit before, none = { 0 };
	struct uc_follow *f;

	/* no descriptor, no inotify; files are opened later on */
	getrlimit(RLIMIT_NOFILE, &before);
	none.rlim_max = before.rlim_max;
	setrlimit(RLIMIT_NOFILE, &none);
	f = uc_follow_new();
	setrlimit(RLIMIT_NOFILE, &before);
	assert_non_null(f);
	assert_int_equal(uc_follow_fd(f), -1);
	uc_follow_free(w->f);
	w->f = f;
	put(w->path, "1\n", 0);
	add(w, UC_FOLLOW_ALL);
	assert_string_equal(drain(w), "1\n");
	put(w->path, "2\n", O_APPEND);
	assert_true(uc_follow_pause(w->f) <= 200);
	assert_string_equal(await(w), "2\n");
}

static void test_last_lines(void **state)
{
	struct world *w = *state;
	static const struct {
		const char *text;
		int64_t lines;
		off_t at;
	} cases[] = {
		{ "", 3, 0 },
		{ "a", 1, 0 },
		{ "a\n", 1, 0 },
		{ "a\nb\nc\n", 1, 4 },
		{ "a\nb\nc", 1, 4 },
		{ "a\nb\nc\n", 2, 2 },
		{ "a\nb\nc\n", 3, 0 },
		{ "a\nb\nc\n", 9, 0 },
		{ "a\nb\nc\n", 0, 6 },
		{ "\n\n\n", 1, 2 },
		{ "\n\n\n", 2, 1 },
		{ "a\n\n", 1, 2 },
		{ "a\nb\nc\n", UC_FOLLOW_ALL, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int fd;

		put(w->path, cases[i].text, O_TRUNC);
		fd = open(w->path, O_RDONLY);
		assert_int_equal(uc_follow_last_lines(fd, cases[i].lines), cases[i].at);
		close(fd);
	}
}

/* Lines across the chunks that are read: against counting them all. */
static void test_last_lines_of_long_files(void **state)
{
	struct world *w = *state;
	size_t size = 300000, starts = 0;
	char *text = malloc(size + 1);
	off_t *start = calloc(size, sizeof(*start));
	int fd;

	srand(7);
	for (size_t i = 0; i < size; i++)
		text[i] = rand() % 5000 ? 'x' : '\n';
	text[size - 1] = '\n';
	text[size] = '\0';
	put(w->path, text, 0);
	for (size_t i = 0; i < size; i++)
		if (i == 0 || text[i - 1] == '\n')
			start[starts++] = (off_t)i;
	fd = open(w->path, O_RDONLY);
	for (size_t n = 1; n <= starts; n++)
		assert_int_equal(uc_follow_last_lines(fd, (int64_t)n), start[starts - n]);
	close(fd);
	free(start);
	free(text);
}

/* A sparse gigabyte without a line break: what is read is bounded. */
static void test_no_line_breaks(void **state)
{
	struct world *w = *state;
	int fd = open(w->path, O_RDWR | O_CREAT, 0600);

	assert_int_equal(ftruncate(fd, (off_t)1 << 30), 0);
	assert_int_equal(uc_follow_last_lines(fd, 10), ((off_t)1 << 30) - (16 << 20));
	close(fd);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_what_is_added_comes),
		T(test_a_file_that_comes_later),
		T(test_truncated),
		T(test_rewritten_and_longer),
		T(test_rotated),
		T(test_removed_and_made_again),
		T(test_another_jobs_file),
		T(test_claimed),
		T(test_skips_what_was_there),
		T(test_no_file_to_follow),
		T(test_who_closes_is_noticed),
		T(test_files_take_turns),
		T(test_without_inotify),
		T(test_last_lines),
		T(test_last_lines_of_long_files),
		T(test_no_line_breaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
