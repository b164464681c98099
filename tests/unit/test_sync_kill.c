/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * kill -9 before and after each thing that a run does to the receiver's files, on either
 * side: nothing is half under its name, nothing that was there is lost, and the next run
 * makes both sides equal. Of the points in a large file each third is tried, with
 * UC_SYNC_STEP=1 all.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <ucluster/sync.h>

#include "sync/run.h"
#include "tree.h"
#include "unit.h"

static long left; /* calls until the end of this process; 0: it lives on */

static void tick(void)
{
	if (left > 0 && --left == 0)
		(void)raise(SIGKILL);
}

#define TICK(name, type, parameters, arguments)                                          \
	type __real_##name parameters;                                                   \
	type __wrap_##name parameters;                                                   \
	type __wrap_##name parameters                                                    \
	{                                                                                \
		tick();                                                                  \
		return __real_##name arguments;                                          \
	}

TICK(renameat, int, (int a, const char *b, int c, const char *d), (a, b, c, d))
TICK(renameat2, int, (int a, const char *b, int c, const char *d, unsigned e),
     (a, b, c, d, e))
TICK(linkat, int, (int a, const char *b, int c, const char *d, int e), (a, b, c, d, e))
TICK(symlinkat, int, (const char *a, int b, const char *c), (a, b, c))
TICK(unlinkat, int, (int a, const char *b, int c), (a, b, c))
TICK(mkdirat, int, (int a, const char *b, mode_t c), (a, b, c))
TICK(pwrite, ssize_t, (int a, const void *b, size_t c, off_t d), (a, b, c, d))
TICK(fchmod, int, (int a, mode_t b), (a, b))
TICK(fsync, int, (int a), (a))
TICK(ftruncate, int, (int a, off_t b), (a, b))
TICK(futimens, int, (int a, const struct timespec *b), (a, b))
TICK(utimensat, int, (int a, const char *b, const struct timespec *c, int d),
     (a, b, c, d))

struct world {
	char path[64], near[96], far[96], state[96];
	long kill_far; /* in the helper; 0: it lives on */
	pid_t helper;
	int stream; /* to it */
};

/* ---- Both sides ---- */

#define BIG ((9u << 20) + 17)

static void write_file(const char *root, const char *name, char fill, size_t size,
		       time_t time)
{
	const struct timespec times[2] = { { .tv_sec = time }, { .tv_sec = time } };
	char path[256], block[4096];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	memset(block, fill, sizeof(block));
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	for (size_t at = 0; at < size; at += sizeof(block))
		assert_true(write(fd, block,
				  size - at < sizeof(block) ? size - at : sizeof(block)) >
			    0);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
	close(fd);
}

static void make_folder(const char *root, const char *name)
{
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	assert_int_equal(mkdir(path, 0755), 0);
}

static void make_link(const char *root, const char *name, const char *target, time_t time)
{
	const struct timespec times[2] = { { .tv_sec = time }, { .tv_sec = time } };
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

/* The source: what is new there is N; what is older at the destination is O. */
static void make_sides(const struct world *w, const char *source, const char *target,
		       bool big)
{
	static const char *const both[] = { "same", "d/one", "d/two", "d/gone" };

	assert_int_equal(mkdir(w->near, 0755), 0);
	assert_int_equal(mkdir(w->far, 0755), 0);
	make_folder(source, "d");
	make_folder(target, "d");
	make_folder(source, "new");
	for (size_t i = 0; i < ARRAY_SIZE(both); i++) {
		if (i < 3)
			write_file(source, both[i], 'N', 5000 + i * 4096, 2000);
		write_file(target, both[i], 'O', 5000 + i * 100, 1000);
	}
	write_file(source, "new/a", 'N', 10, 2000);
	write_file(source, "new/b", 'N', 0, 2000);
	make_link(source, "link", "N", 2000);
	make_link(target, "link", "O", 1000);
	make_link(source, "was-file", "N", 2000);
	write_file(target, "was-file", 'O', 77, 1000);
	write_file(source, "was-link", 'N', 77, 2000);
	make_link(target, "was-link", "O", 1000);
	if (big) {
		write_file(source, "big", 'N', BIG, 2000);
		write_file(target, "big", 'O', BIG - 5000, 1000);
	}
}

/* 'N' or 'O': whole, and of that version; '-': not there. */
static char version_of(const char *root, const char *name)
{
	char path[256], block[65536];
	struct stat st;
	char is = 0;
	ssize_t got;
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", root, name);
	if (lstat(path, &st) < 0)
		return '-';
	if (S_ISLNK(st.st_mode))
		return readlink(path, block, 1) == 1 ? block[0] : '?';
	fd = open(path, O_RDONLY | O_CLOEXEC);
	while ((got = read(fd, block, sizeof(block))) > 0) {
		if ((is && block[0] != is) ||
		    memcmp(block, block + 1, (size_t)got - 1) != 0)
			fail_msg("'%s' is of two versions", path);
		is = block[0];
	}
	close(fd);
	if (strcmp(name, "big") == 0 && st.st_size != (is == 'N' ? BIG : BIG - 5000))
		fail_msg("'%s' is half there", path);
	return is;
}

static bool in_trash(const char *target, const char *name)
{
	char path[256];
	DIR *dir;
	const struct dirent *entry;
	bool found = false;

	(void)snprintf(path, sizeof(path), "%s/.ucluster-trash", target);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		char run[600];

		if (entry->d_name[0] == '.')
			continue;
		(void)snprintf(run, sizeof(run), "%s/%s", path, entry->d_name);
		found = version_of(run, name) == 'O';
	}
	if (dir)
		closedir(dir);
	return found;
}

/* At any moment: each is the old or the new one, and the old one is somewhere. */
static void check_moment(const char *target, bool remove, bool big)
{
	static const char *const names[] = { "same",     "d/one",    "d/two", "link",
					     "was-file", "was-link", "big" };
	const size_t count = ARRAY_SIZE(names) - !big;

	for (size_t i = 0; i < count; i++) {
		char is = version_of(target, names[i]);

		if (is != 'N' && is != 'O')
			fail_msg("'%s' is '%c'", names[i], is);
		if (is == 'N' && !in_trash(target, names[i]))
			fail_msg("'%s' was replaced and is not in the trash", names[i]);
	}
	if (version_of(target, "d/gone") != 'O' &&
	    !(remove && in_trash(target, "d/gone")))
		fail_msg("'d/gone' is gone");
}

static void check_end(const char *target, bool remove, bool big)
{
	static const char *const names[] = { "same", "d/one",    "d/two",    "new/a",
					     "link", "was-file", "was-link", "big" };

	for (size_t i = 0; i < ARRAY_SIZE(names) - !big; i++)
		assert_int_equal(version_of(target, names[i]), 'N');
	assert_int_equal(version_of(target, "d/gone"), remove ? '-' : 'O');
	check_moment(target, remove, big);
}

/* ---- Runs ---- */

/*
 * Before the run has threads: one that holds a lock of the allocator's while another
 * forks has no copy in the child, which would wait for it for ever (AddressSanitizer's,
 * of GCC 12).
 */
static void start_far(struct world *w)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	w->helper = fork();
	assert_true(w->helper >= 0);
	if (w->helper == 0) {
		alarm(60); /* whatever happens */
		/* nothing of the client's: its end of the stream */
		if (dup2(pair[1], 3) < 0 || close_range(4, ~0U, 0) < 0)
			_exit(1);
		left = w->kill_far;
		_exit(uc_sync_serve(3, 3, "/", NULL) < 0);
	}
	close(pair[1]);
	w->stream = pair[0];
}

static int open_far(void *arg, unsigned index, bool sftp,
		    const struct uc_far_options *options, struct uc_far **far,
		    struct uc_error *err)
{
	struct uc_stream stream = { .in = -1, .out = -1 };
	struct world *w = arg;

	if (index || sftp)
		return uc_fail(err, UC_NOTFOUND, "only one");
	stream.in = stream.out = w->stream;
	return uc_far_helper_open(far, &stream, options, err);
}

static void close_far(void *arg, unsigned index)
{
	struct world *w = arg;

	(void)index;
	if (w->helper <= 0)
		return;
	close(w->stream);
	(void)waitpid(w->helper, NULL, 0);
	w->helper = 0;
}

static int run(struct world *w, bool pull, bool remove, struct uc_error *err)
{
	const struct uc_sync_request request = {
		.direction = pull ? UC_SYNC_PULL : UC_SYNC_PUSH,
		.near = w->near,
		.far = w->far,
		.state_folder = w->state,
		.remove = remove,
		.remove_max = 100,
		.streams = 1,
	};
	const struct uc_sync_opener opener = {
		.open = open_far, .close = close_far, .streams = 1, .arg = w
	};
	struct uc_sync_result result;
	int status;

	start_far(w);
	status = uc_sync_run_with(&request, NULL, &opener, &result, err);
	close_far(w, 0); /* of a run that did not come to it */
	return status;
}

struct way {
	bool pull, far, remove, big; /* far: the helper is killed */
};

static void begin_world(struct world *w, const struct way *way)
{
	*w = (struct world){ 0 };
	(void)snprintf(w->path, sizeof(w->path), "/dev/shm/uc-sync-kill-XXXXXX");
	if (!mkdtemp(w->path)) {
		(void)snprintf(w->path, sizeof(w->path), "/tmp/uc-sync-kill-XXXXXX");
		assert_non_null(mkdtemp(w->path));
	}
	(void)snprintf(w->near, sizeof(w->near), "%s/near", w->path);
	(void)snprintf(w->far, sizeof(w->far), "%s/far", w->path);
	(void)snprintf(w->state, sizeof(w->state), "%s/state", w->path);
	make_sides(w, way->pull ? w->far : w->near, way->pull ? w->near : w->far,
		   way->big);
}

/* One run that ends at that point, and one after it. False: there is no such point. */
static bool one_point(const struct way *way, long point)
{
	struct uc_error err = { 0 };
	struct world w;
	const char *target;
	int status;
	pid_t pid;

	begin_world(&w, way);
	target = way->pull ? w.near : w.far;
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		alarm(60);
		w.kill_far = way->far ? point : 0;
		left = way->far ? 0 : point;
		_exit(run(&w, way->pull, way->remove, NULL) == 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	check_moment(target, way->remove, way->big);
	if (run(&w, way->pull, way->remove, &err) < 0)
		fail_msg("point %ld: %s", point, err.text);
	check_end(target, way->remove, way->big);
	tree_remove(w.path);
	return !WIFEXITED(status) || WEXITSTATUS(status) != 0;
}

static unsigned long setting(const char *name, unsigned long usual)
{
	const char *value = getenv(name);

	return value ? strtoul(value, NULL, 10) : usual;
}

static void all_points(const struct way *way)
{
	const long step = (long)setting("UC_SYNC_STEP", way->big ? 3 : 1);
	long point = 1, points = 0;

	for (; one_point(way, point); point += step)
		points++;
	print_message("# %ld points\n", points);
	assert_true(point > 40);
}

static void test_killed_while_it_pulls(void **state)
{
	(void)state;
	all_points(&(struct way){ .pull = true });
}

static void test_killed_while_it_pulls_and_removes(void **state)
{
	(void)state;
	all_points(&(struct way){ .pull = true, .remove = true, .big = true });
}

static void test_helper_killed_in_a_push(void **state)
{
	(void)state;
	all_points(&(struct way){ .far = true });
}

static void test_helper_killed_in_a_push_that_removes(void **state)
{
	(void)state;
	all_points(&(struct way){ .far = true, .remove = true, .big = true });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_killed_while_it_pulls),
		cmocka_unit_test(test_killed_while_it_pulls_and_removes),
		cmocka_unit_test(test_helper_killed_in_a_push),
		cmocka_unit_test(test_helper_killed_in_a_push_that_removes),
	};

	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
