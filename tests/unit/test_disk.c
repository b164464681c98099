/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Scans of real trees, compared with a plain walk. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <ucluster/disk.h>
#include <unistd.h>

#include "unit.h"

#define DAY (24 * 3600)

static char top[512];

static const char *in(const char *name)
{
	static char path[8][1024];
	static int next;

	next = (next + 1) % 8;
	snprintf(path[next], sizeof(path[next]), "%s/%s", top, name);
	return path[next];
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

static int make_top(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	snprintf(top, sizeof(top), "%s/disk.XXXXXX", tmp ? tmp : "/tmp");
	return mkdtemp(top) ? 0 : -1;
}

static int remove_top(void **state)
{
	(void)state;
	return nftw(top, remove_one, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static void make_folder(const char *name)
{
	assert_int_equal(mkdir(in(name), 0755), 0);
}

static void make_file(const char *name, size_t bytes)
{
	static const char block[4096];
	int fd = open(in(name), O_WRONLY | O_CREAT | O_EXCL, 0644);

	assert_true(fd >= 0);
	for (; bytes > 0; bytes -= bytes < sizeof(block) ? bytes : sizeof(block))
		assert_true(write(fd, block,
				  bytes < sizeof(block) ? bytes : sizeof(block)) > 0);
	/* some file systems allocate late */
	assert_int_equal(fsync(fd), 0);
	assert_int_equal(close(fd), 0);
}

/* The plain walk. */
static struct uc_disk_sum walked;
static ino_t walked_links[64];
static size_t walked_link_count;

static int walk_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)path;
	(void)type;
	(void)at;
	if (!S_ISDIR(st->st_mode) && st->st_nlink > 1) {
		for (size_t i = 0; i < walked_link_count; i++)
			if (walked_links[i] == st->st_ino)
				return 0;
		walked_links[walked_link_count++] = st->st_ino;
	}
	walked.bytes += 512 * (uint64_t)st->st_blocks;
	walked.apparent += (uint64_t)st->st_size;
	walked.files += !S_ISDIR(st->st_mode);
	walked.folders += S_ISDIR(st->st_mode);
	return 0;
}

static void assert_sum(struct uc_disk_sum a, struct uc_disk_sum b)
{
	assert_int_equal(a.bytes, b.bytes);
	assert_int_equal(a.apparent, b.apparent);
	assert_int_equal(a.files, b.files);
	assert_int_equal(a.folders, b.folders);
}

static struct uc_disk_scan *scan_with(const struct uc_disk_how *how)
{
	struct uc_disk_scan *scan = NULL;
	struct uc_error err = { 0 };

	if (uc_disk_scan_run(top, how, &scan, &err) < 0)
		fail_msg("%s", err.text);
	return scan;
}

/* Each way to cut a scan up has all of it; sums are as the plain walk's. */
static void assert_whole(const struct uc_disk_scan *scan)
{
	walked = (struct uc_disk_sum){ 0 };
	walked_link_count = 0;
	assert_int_equal(nftw(top, walk_one, 32, FTW_PHYS | FTW_MOUNT), 0);
	assert_sum(scan->total, walked);
	for (int by = 0; by < UC_DISK_BY_COUNT; by++) {
		struct uc_disk_sum sum = { 0 };

		for (size_t i = 0; i < scan->by[by].count; i++) {
			const struct uc_disk_row *row = &scan->by[by].row[i];

			if (by == UC_DISK_BY_FOLDER && strchr(row->name.bytes, '/'))
				continue; /* is in its parent's row */
			sum.bytes += row->sum.bytes;
			sum.apparent += row->sum.apparent;
			sum.files += row->sum.files;
			sum.folders += row->sum.folders;
		}
		assert_sum(sum, walked);
	}
	assert_false(scan->partial);
	assert_false(scan->approximate);
	assert_int_equal(scan->denied + scan->failed, 0);
}

static const struct uc_disk_row *row_of(const struct uc_disk_scan *scan,
					enum uc_disk_by by, const char *name)
{
	for (size_t i = 0; i < scan->by[by].count; i++)
		if (scan->by[by].row[i].name.bytes &&
		    strcmp(scan->by[by].row[i].name.bytes, name) == 0)
			return &scan->by[by].row[i];
	return NULL;
}

static void test_an_empty_folder_is_itself(void **state)
{
	uc_auto(disk_scan) struct uc_disk_scan *scan = scan_with(NULL);

	(void)state;
	assert_whole(scan);
	assert_int_equal(scan->total.folders, 1);
	assert_int_equal(scan->total.files, 0);
	assert_int_equal(scan->largest_count, 0);
	assert_string_equal(scan->root.bytes, top);
}

static void test_links_holes_fifos_and_odd_names(void **state)
{
	char longest[300] = "odd/";
	uc_auto(disk_scan) struct uc_disk_scan *scan = NULL;

	(void)state;
	make_folder("odd");
	make_folder("odd/deeper");
	make_file("a", 100000);
	make_file("odd/b", 5000);
	assert_int_equal(link(in("a"), in("odd/a2")), 0);
	assert_int_equal(link(in("a"), in("odd/deeper/a3")), 0);
	assert_int_equal(symlink("..", in("odd/up")), 0);
	assert_int_equal(symlink("loop", in("loop")), 0);
	assert_int_equal(symlink("/usr", in("away")), 0);
	assert_int_equal(mkfifo(in("fifo"), 0600), 0);
	make_file("sparse", 0);
	assert_int_equal(truncate(in("sparse"), 1LL << 30), 0);
	memset(longest + 4, 'x', 255);
	make_file(longest, 1);
	make_file("odd/\xff\xfe\x1b[31m\n", 9000);
	make_folder("\xc3(");
	make_file("\xc3(/in", 7);
	for (int threads = 1; threads <= 8; threads *= 2) {
		scan = scan_with(&(struct uc_disk_how){ .threads = threads });
		assert_whole(scan);
		assert_int_equal(scan->threads, threads);
		assert_int_equal(scan->links, 2);
		assert_true(scan->total.apparent > 1LL << 30);
		assert_true(scan->total.bytes < 1 << 20);
		assert_non_null(row_of(scan, UC_DISK_BY_FOLDER, "\xc3("));
		uc_disk_scan_free(uc_take(&scan));
	}
}

static void test_folders_by_depth(void **state)
{
	uc_auto(disk_scan) struct uc_disk_scan *one = NULL;
	uc_auto(disk_scan) struct uc_disk_scan *two = NULL;
	const struct uc_disk_row *a;

	(void)state;
	make_folder("a");
	make_folder("a/b");
	make_folder("a/b/c");
	make_folder("z");
	make_file("f", 8192);
	make_file("a/f", 8192);
	make_file("a/b/f", 16384);
	make_file("a/b/c/f", 32768);
	one = scan_with(NULL);
	assert_whole(one);
	assert_int_equal(one->by[UC_DISK_BY_FOLDER].count, 3);
	assert_string_equal(one->by[UC_DISK_BY_FOLDER].row[0].name.bytes, "a");
	assert_string_equal(one->by[UC_DISK_BY_FOLDER].row[1].name.bytes, ".");
	a = row_of(one, UC_DISK_BY_FOLDER, "a");
	assert_int_equal(a->sum.files, 3);
	assert_int_equal(a->sum.folders, 3);
	two = scan_with(&(struct uc_disk_how){ .depth = 2 });
	assert_whole(two);
	assert_int_equal(two->by[UC_DISK_BY_FOLDER].count, 4);
	assert_sum(row_of(two, UC_DISK_BY_FOLDER, "a")->sum, a->sum);
	assert_int_equal(row_of(two, UC_DISK_BY_FOLDER, "a/b")->sum.files, 2);
}

static void test_kinds_go_by_names_and_folders(void **state)
{
	static const struct {
		const char *folder, *file, *kind;
	} rows[] = {
		{ NULL, "torch.sqsh", "images" },
		{ NULL, "net.pt", "checkpoints" },
		{ NULL, "slurm-4711.out", "logs" },
		{ NULL, "slurm-4711.txt", "other" },
		{ NULL, ".pt", "other" },
		{ ".cache", ".cache/model.safetensors", "caches" },
		{ ".git", ".git/pack", "git" },
		{ "venv", "venv/pyvenv.cfg", "environments" },
		{ "venv/lib", "venv/lib/x.pt", "environments" },
		{ "venv/lib/__pycache__", "venv/lib/__pycache__/y", "environments" },
		{ "conda", NULL, NULL },
		{ "conda/conda-meta", "conda/conda-meta/history", "environments" },
	};
	uc_auto(disk_scan) struct uc_disk_scan *scan = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].folder)
			make_folder(rows[i].folder);
		if (rows[i].file)
			make_file(rows[i].file, 1);
	}
	scan = scan_with(NULL);
	assert_whole(scan);
	for (size_t k = 0; k < scan->by[UC_DISK_BY_KIND].count; k++) {
		const struct uc_disk_row *row = &scan->by[UC_DISK_BY_KIND].row[k];
		uint64_t expected = 0;

		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			expected += rows[i].kind &&
				    strcmp(rows[i].kind, row->name.bytes) == 0;
		assert_int_equal(row->sum.files, expected);
	}
}

static void test_ages_owners_and_the_largest(void **state)
{
	static const int days[] = { 0, 3, 20, 60, 200, 500, 5000 };
	const int64_t now = 1800000000;
	struct uc_disk_how how = { .now = now, .top = 3 };
	uc_auto(disk_scan) struct uc_disk_scan *scan = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(days); i++) {
		struct timespec times[2] = { { .tv_sec = now - days[i] * DAY },
					     { .tv_sec = now - days[i] * DAY } };
		char name[8];

		snprintf(name, sizeof(name), "f%d", days[i]);
		make_file(name, 4096 * (i + 1));
		assert_int_equal(utimensat(AT_FDCWD, in(name), times, 0), 0);
	}
	scan = scan_with(&how);
	assert_whole(scan);
	assert_int_equal(scan->by[UC_DISK_BY_AGE].count, ARRAY_SIZE(days));
	for (size_t i = 0; i < ARRAY_SIZE(days); i++)
		assert_int_equal(scan->by[UC_DISK_BY_AGE].row[i].sum.files, 1);
	assert_int_equal(scan->by[UC_DISK_BY_OWNER].count, 1);
	assert_int_equal(scan->by[UC_DISK_BY_OWNER].row[0].id, getuid());
	assert_int_equal(scan->largest_count, 3);
	assert_string_equal(scan->largest[0].path.bytes, "f5000");
	assert_string_equal(scan->largest[1].path.bytes, "f500");
	assert_string_equal(scan->largest[2].path.bytes, "f200");
	assert_int_equal(scan->largest[0].apparent, 7 * 4096);
	assert_int_equal(scan->largest[0].mtime, now - 5000 * DAY);
}

static void test_a_path_of_3000_levels(void **state)
{
	enum {
		LEVELS = 3000
	};
	uc_auto(disk_scan) struct uc_disk_scan *scan = NULL;
	int at = open(top, O_PATH | O_DIRECTORY);

	(void)state;
	for (int i = 0; i < LEVELS; i++) {
		int next;

		assert_int_equal(mkdirat(at, "level-of-many", 0755), 0);
		next = openat(at, "level-of-many", O_PATH | O_DIRECTORY);
		assert_true(next >= 0);
		close(at);
		at = next;
	}
	close(openat(at, "bottom", O_WRONLY | O_CREAT, 0644));
	close(at);
	scan = scan_with(NULL);
	assert_int_equal(scan->total.folders, LEVELS + 1);
	assert_int_equal(scan->total.files, 1);
	assert_int_equal(scan->denied + scan->failed + scan->vanished, 0);
	/* nftw() would need the whole path: take it apart from its top */
	for (int i = 0; i <= LEVELS; i++) {
		if (rename(in("level-of-many"), in("moving")) < 0)
			break;
		if (rename(in("moving/level-of-many"), in("level-of-many")) < 0)
			assert_int_equal(unlink(in("moving/bottom")), 0);
		assert_int_equal(rmdir(in("moving")), 0);
	}
}

static void make_wide(int folders, int files)
{
	char name[64];

	for (int i = 0; i < folders; i++) {
		snprintf(name, sizeof(name), "w%d", i);
		make_folder(name);
	}
	for (int i = 0; i < files; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		assert_int_equal(mknod(in(name), S_IFREG | 0644, 0), 0);
	}
}

/* More folders than may wait at once, and a listing that threads share. */
static void test_a_very_wide_folder(void **state)
{
	(void)state;
	make_wide(20000, 3000);
	for (int threads = 1; threads <= 16; threads *= 4) {
		uc_auto(disk_scan) struct uc_disk_scan *scan =
			scan_with(&(struct uc_disk_how){ .threads = threads });

		assert_whole(scan);
		/* not all of them can have a row */
		assert_true(scan->by[UC_DISK_BY_FOLDER].count > 10000);
		assert_true(scan->by[UC_DISK_BY_FOLDER].count < 20000);
	}
}

static bool stop_at_once(void *arg, const struct uc_disk_progress *now)
{
	assert_true(now->threads > 0 && now->elapsed_ms >= 0);
	++*(int *)arg;
	return false;
}

static void test_a_stopped_scan_keeps_what_it_has(void **state)
{
	int calls = 0;
	struct uc_disk_how how = {
		.threads = 1, .progress = stop_at_once, .arg = &calls, .progress_ms = 1
	};
	uc_auto(disk_scan) struct uc_disk_scan *scan = NULL;

	(void)state;
	make_wide(20000, 0);
	scan = scan_with(&how);
	assert_int_equal(calls, 1);
	assert_true(scan->partial);
	assert_true(scan->total.folders >= 1 && scan->total.folders <= 20001);
}

static bool count_calls(void *arg, const struct uc_disk_progress *now)
{
	(void)now;
	++*(int *)arg;
	return true;
}

static atomic_bool churning;

/* Make and remove folders, and put a link to the outside in the place of one. */
static void *churn(void *arg)
{
	(void)arg;
	while (atomic_load(&churning)) {
		mkdir(in("come"), 0755);
		mkdir(in("come/and"), 0755);
		mkdir(in("come/and/go"), 0755);
		rename(in("come/and"), in("moved"));
		if (symlink("/usr", in("come/and")) < 0 && errno != EEXIST)
			break;
		unlink(in("come/and"));
		rmdir(in("moved/go"));
		rmdir(in("moved"));
		rmdir(in("come"));
	}
	return NULL;
}

static void test_folders_that_vanish_are_no_fault(void **state)
{
	pthread_t thread;
	int calls = 0;
	struct uc_disk_how how = {
		.threads = 4, .progress = count_calls, .arg = &calls, .progress_ms = 1
	};

	(void)state;
	make_wide(100, 100);
	atomic_store(&churning, true);
	assert_int_equal(pthread_create(&thread, NULL, churn, NULL), 0);
	for (int i = 0; i < 50; i++) {
		uc_auto(disk_scan) struct uc_disk_scan *scan = scan_with(&how);

		assert_false(scan->partial);
		assert_int_equal(scan->denied + scan->failed, 0);
		/* never into /usr; a folder that moves may be met twice */
		assert_in_range(scan->total.folders, 101, 200);
		assert_in_range(scan->total.files, 100, 200);
	}
	atomic_store(&churning, false);
	pthread_join(thread, NULL);
	nftw(in("come"), remove_one, 8, FTW_DEPTH | FTW_PHYS);
	nftw(in("moved"), remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* Run fn in a child process; 0, or what it returned. */
static int in_child(int (*fn)(void))
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0)
		_exit(fn());
	assert_true(pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int scan_as_nobody(void)
{
	struct uc_disk_scan *scan = NULL;
	int rc = 0;

	if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
		return 1;
	if (uc_disk_scan_run(top, NULL, &scan, NULL) < 0)
		return 2;
	if (scan->denied != 2 || scan->failed || scan->fault_count != 2)
		rc = 3;
	else if (strcmp(scan->fault[0].text.bytes, "Permission denied") != 0)
		rc = 4;
	else if (strncmp(scan->fault[0].path.bytes, "closed", 6) != 0)
		rc = 5;
	else if (scan->total.folders != 4 || scan->total.files != 1)
		rc = 6; /* closed folders count, what is in them is not known */
	uc_disk_scan_free(scan);
	return rc;
}

static int scan_denied(void)
{
	struct uc_disk_scan *scan = NULL;
	struct uc_error err = { 0 };

	if (geteuid() == 0 && setresuid(65534, 65534, 65534) < 0)
		return 1;
	if (uc_disk_scan_run(in("closed1"), NULL, &scan, &err) == 0)
		return 2;
	return err.code == UC_DENIED && !scan ? 0 : 3;
}

static void test_folders_that_cannot_be_read_are_named(void **state)
{
	(void)state;
	assert_int_equal(chmod(top, 0755), 0);
	make_folder("closed1");
	make_folder("closed2");
	make_folder("open");
	make_file("closed1/hidden", 10);
	make_file("open/seen", 10);
	assert_int_equal(chmod(in("closed1"), 0), 0);
	assert_int_equal(chmod(in("closed2"), 0), 0);
	assert_int_equal(in_child(scan_as_nobody), 0);
	assert_int_equal(in_child(scan_denied), 0);
	assert_int_equal(chmod(in("closed1"), 0755), 0);
	assert_int_equal(chmod(in("closed2"), 0755), 0);
}

enum {
	SKIPPED = 77
};

static int scan_mounts(void)
{
	struct uc_disk_scan *scan = NULL;
	int rc = 0;

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("test", in("other"), "tmpfs", 0, NULL) < 0 ||
	    mount(in("own"), in("again"), NULL, MS_BIND, NULL) < 0)
		return SKIPPED;
	close(open(in("other/unseen"), O_WRONLY | O_CREAT, 0644));
	if (uc_disk_scan_run(top, NULL, &scan, NULL) < 0)
		return 1;
	/* neither another file system nor a second sight of the same one */
	if (scan->mounts != 2 || scan->total.files != 1 || scan->total.folders != 2)
		rc = 2;
	uc_disk_scan_free(scan);
	return rc;
}

static void test_other_file_systems_are_not_entered(void **state)
{
	int rc;

	(void)state;
	make_folder("other");
	make_folder("own");
	make_folder("again");
	make_file("own/f", 10);
	rc = in_child(scan_mounts);
	if (rc == SKIPPED)
		skip();
	assert_int_equal(rc, 0);
}

static void test_a_root_that_is_none(void **state)
{
	struct uc_disk_scan *scan = NULL;
	struct uc_error err = { 0 };

	(void)state;
	make_file("file", 1);
	assert_int_equal(uc_disk_scan_run(in("nowhere"), NULL, &scan, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
	assert_int_equal(uc_disk_scan_run(in("file"), NULL, &scan, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
	assert_null(scan);
}

static void test_a_scan_is_kept_and_read_alike(void **state)
{
	uc_auto(disk_scan) struct uc_disk_scan *scan = NULL;
	uc_auto(disk_scan) struct uc_disk_scan *again = NULL;
	uc_auto(buf) struct uc_buf one = { 0 }, two = { 0 };
	struct uc_error err = { 0 };
	char state_dir[600];
	struct stat st;

	(void)state;
	make_folder("\xff odd");
	make_file("\xff odd/\xfe\x1b", 100000);
	scan = scan_with(NULL);
	snprintf(state_dir, sizeof(state_dir), "%s/state", top);
	assert_int_equal(uc_disk_scan_load(top, state_dir, &again, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
	assert_int_equal(uc_disk_scan_save(scan, state_dir, &err), 0);
	assert_int_equal(uc_disk_scan_load(top, state_dir, &again, &err), 0);
	assert_string_equal(again->largest[0].path.bytes, "\xff odd/\xfe\x1b");
	assert_int_equal(uc_disk_scan_encode(scan, &one, &err), 0);
	assert_int_equal(uc_disk_scan_encode(again, &two, &err), 0);
	assert_string_equal(uc_buf_text(&one), uc_buf_text(&two));
	/* whoever else can read the folder must not learn names of files */
	assert_int_equal(stat(in("state/disk"), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(uc_disk_scan_load(in("state"), state_dir, &again, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
}

static void test_wrong_json_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{}",
		"null",
		"{\"schema\":\"ucluster-disk-scan\",\"version\":2}",
#define GOOD "{\"schema\":\"ucluster-disk-scan\",\"version\":1,"
		GOOD "\"root\":\"relative\"}",
		GOOD "\"root\":{\"base64\":\"!\"}}",
		GOOD "\"root\":{\"base64\":\"L2EAYg==\"}}",
		GOOD "\"root\":\"/\",\"links\":-1}",
		GOOD "\"root\":\"/\",\"links\":1.5}",
		GOOD "\"root\":\"/\",\"partial\":1}",
		GOOD "\"root\":\"/\",\"threads\":4294967296}",
		GOOD "\"root\":\"/\",\"folders\":{}}",
		GOOD "\"root\":\"/\",\"folders\":[1]}",
		GOOD "\"root\":\"/\",\"folders\":[{}]}",
		GOOD "\"root\":\"/\",\"owners\":[{\"uid\":-1}]}",
		GOOD "\"root\":\"/\",\"largest\":[{\"bytes\":1}]}",
		GOOD "\"root\":\"/\",\"faults\":[{\"path\":\"x\"}]}",
		GOOD "\"root\":\"/\",\"root\":\"/\"}",
	};
	struct uc_disk_scan *scan = NULL;
	struct uc_error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		err = (struct uc_error){ 0 };
		if (uc_disk_scan_parse(bad[i], strlen(bad[i]), &scan, &err) == 0)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(err.code, UC_INVALID);
		assert_null(scan);
	}
	assert_int_equal(uc_disk_scan_parse(GOOD "\"root\":\"/\"}",
					    strlen(GOOD "\"root\":\"/\"}"), &scan, &err),
			 0);
	uc_disk_scan_free(scan);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make_top, remove_top)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_an_empty_folder_is_itself),
		TEST(test_links_holes_fifos_and_odd_names),
		TEST(test_folders_by_depth),
		TEST(test_kinds_go_by_names_and_folders),
		TEST(test_ages_owners_and_the_largest),
		TEST(test_a_path_of_3000_levels),
		TEST(test_a_very_wide_folder),
		TEST(test_a_stopped_scan_keeps_what_it_has),
		TEST(test_folders_that_vanish_are_no_fault),
		TEST(test_folders_that_cannot_be_read_are_named),
		TEST(test_other_file_systems_are_not_entered),
		TEST(test_a_root_that_is_none),
		TEST(test_a_scan_is_kept_and_read_alike),
		TEST(test_wrong_json_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
