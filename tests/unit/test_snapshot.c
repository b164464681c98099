/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Snapshots of real trees and real repositories. As root the case of an unreadable file
 * is that of an ordinary user (seteuid).
 */
#include "judge_unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "job/snapshot.h"

#define NOBODY 65534
#define LATER  1000 /* seconds after now: time stamps of now have settled */

#define GIT(dir, ...)                                                                    \
	RUN(dir, "git", "-c", "user.name=a", "-c", "user.email=a@b", "-c",               \
	    "commit.gpgsign=false", "-c", "protocol.file.allow=always", __VA_ARGS__)

static int set_up(void **state)
{
	*state = strdup("/tmp/uc-snapshot.XXXXXX");
	return mkdtemp(*state) ? 0 : -1;
}

static int tear_down(void **state)
{
	RUN("/", "chmod", "-R", "u+rwX", *state);
	RUN("/", "rm", "-rf", *state);
	free(*state);
	return 0;
}

static const char *at(const char *dir, const char *name)
{
	static char path[4][1024];
	static unsigned next;
	char *p = path[next++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static void put(const char *dir, const char *name, const char *text)
{
	int fd = open(at(dir, name), O_WRONLY | O_CREAT, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void check_file(const char *dir, const char *name, const char *expected)
{
	char text[256] = "";
	int fd = open(at(dir, name), O_RDONLY);

	if (fd < 0)
		fail_msg("%s/%s is not there", dir, name);
	assert_true(read(fd, text, sizeof(text) - 1) >= 0);
	close(fd);
	assert_string_equal(text, expected);
}

static void check_missing(const char *dir, const char *name)
{
	struct stat st;

	if (lstat(at(dir, name), &st) == 0)
		fail_msg("%s/%s is there", dir, name);
}

static struct uc_snapshot_rules rules_of(const char *dir)
{
	return (struct uc_snapshot_rules){ .start = dir,
					   .now = time(NULL),
					   .environment = (const char *const *)environ };
}

static void make_at(const char *dir, int64_t now, struct uc_snapshot *snap)
{
	struct uc_snapshot_rules rules = rules_of(dir);
	struct uc_error err = { 0 };

	rules.now = now;
	if (uc_snapshot_make(&rules, snap, &err) < 0)
		fail_msg("%s", err.text);
}

static void make(const char *dir, struct uc_snapshot *snap)
{
	make_at(dir, time(NULL), snap);
}

static bool has_note(const struct uc_snapshot *snap, const char *text)
{
	for (size_t i = 0; i < snap->notes.count; i++)
		if (strstr(snap->notes.item[i], text))
			return true;
	return false;
}

/* Entries of a folder, "." and ".." left out. */
static size_t count_entries(const char *dir)
{
	DIR *d = opendir(dir);
	size_t count = 0;

	if (!d)
		return 0;
	while (readdir(d))
		count++;
	closedir(d);
	return count - 2;
}

static ino_t inode(const char *dir, const char *name)
{
	struct stat st;

	assert_int_equal(lstat(at(dir, name), &st), 0);
	return st.st_ino;
}

static void test_snapshot_of_a_git_work_tree(void **state)
{
	uc_auto(snapshot) struct uc_snapshot snap = { 0 };
	const char *dir = *state;
	struct stat st;

	GIT(dir, "init", "-q");
	RUN(dir, "mkdir", "-p", "src/deep", "data");
	put(dir, "src/deep/a.py", "tracked");
	put(dir, "run.sh", "script");
	RUN(dir, "chmod", "755", "run.sh");
	put(dir, "gone", "tracked, then removed");
	put(dir, ".gitignore", "data/\n*.log\n");
	GIT(dir, "add", ".");
	GIT(dir, "commit", "-q", "-m", "x");
	RUN(dir, "rm", "gone");
	put(dir, "new.py", "untracked");
	put(dir, "data/big", "ignored");
	put(dir, "x.log", "ignored");
	make(at(dir, "src/deep"), &snap);
	assert_true(snap.git);
	assert_string_equal(snap.root, dir);
	assert_int_equal(snap.files, 4);
	check_file(snap.path, "src/deep/a.py", "tracked");
	check_file(snap.workdir, "a.py", "tracked");
	check_file(snap.path, "new.py", "untracked");
	check_missing(snap.path, ".git");
	check_missing(snap.path, "data");
	check_missing(snap.path, "x.log");
	check_missing(snap.path, "gone");
	assert_int_equal(stat(at(snap.path, "run.sh"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0555);
	assert_int_equal(stat(at(snap.path, "new.py"), &st), 0);
	assert_int_equal(st.st_mode & 07777, 0444);
	/* neither git nor the next snapshot sees it */
	RUN(dir, "sh", "-c", "! git status --short | grep ucluster");
	uc_snapshot_free(&snap);
	make(dir, &snap);
	assert_int_equal(snap.files, 4);
	assert_string_equal(snap.workdir, snap.path);
}

static void test_snapshot_of_a_plain_folder_skips_what_is_no_code(void **state)
{
	static const char *const out[] = { ".git/x",        ".venv/x",
					   "__pycache__/x", "wandb/x",
					   "a.pt",          "b.sqsh",
					   "slurm-1.out",   ".env",
					   "id_rsa",        "sub/node_modules/x",
					   "sub/c.pyc" };
	uc_auto(snapshot) struct uc_snapshot snap = { 0 };
	const char *dir = *state;

	RUN(dir, "mkdir", "-p", ".git", ".venv", "__pycache__", "wandb",
	    "sub/node_modules", "sub/deep");
	for (size_t i = 0; i < ARRAY_SIZE(out); i++)
		put(dir, out[i], "out");
	put(dir, "sub/deep/in.py", "in");
	put(dir, "checkpoints", "a file of that name is code");
	RUN(dir, "rm", "-r", ".git"); /* an empty one is none of git's */
	make(dir, &snap);
	assert_false(snap.git);
	assert_int_equal(snap.files, 2);
	check_file(snap.path, "sub/deep/in.py", "in");
	check_file(snap.path, "checkpoints", "a file of that name is code");
	for (size_t i = 0; i < ARRAY_SIZE(out); i++)
		check_missing(snap.path, out[i]);
	assert_true(has_note(&snap, "left out: .venv"));
}

static void test_snapshot_does_not_change_when_the_tree_is_edited_in_place(void **state)
{
	uc_auto(snapshot) struct uc_snapshot one = { 0 };
	uc_auto(snapshot) struct uc_snapshot two = { 0 };
	uc_auto(snapshot) struct uc_snapshot three = { 0 };
	const char *dir = *state;
	int64_t now = time(NULL);

	put(dir, "a", "first");
	put(dir, "b", "same");
	make_at(dir, now + LATER, &one);
	assert_int_not_equal(inode(one.path, "a"), inode(dir, "a"));
	put(dir, "a", "later"); /* same size, in place */
	check_file(one.path, "a", "first");
	make_at(dir, now + 2 * LATER, &two);
	assert_int_equal(two.linked, 1);
	assert_int_equal(inode(two.path, "b"), inode(one.path, "b"));
	check_file(two.path, "a", "later");
	/* not even with its old times: ctime tells */
	RUN(dir, "touch", "-r", at(one.path, "a"), "a");
	put(dir, "a", "third");
	RUN(dir, "touch", "-r", at(two.path, "a"), "a");
	make_at(dir, now + 3 * LATER, &three);
	check_file(three.path, "a", "third");
	check_file(two.path, "a", "later");
	check_file(one.path, "a", "first");
	assert_int_equal(three.linked, 1);
}

/* A file that changed within the clock's tick of the snapshot before is copied again. */
static void test_snapshot_links_only_what_has_rested(void **state)
{
	uc_auto(snapshot) struct uc_snapshot one = { 0 };
	uc_auto(snapshot) struct uc_snapshot two = { 0 };
	const char *dir = *state;

	put(dir, "a", "x");
	make_at(dir, time(NULL), &one);
	make_at(dir, time(NULL) + LATER, &two);
	assert_int_equal(two.linked, 0);
	assert_int_equal(two.copied + two.reflinked, 1);
}

/* A job that wrote into its snapshot does not change the next one. */
static void test_snapshot_does_not_link_what_a_job_changed(void **state)
{
	uc_auto(snapshot) struct uc_snapshot one = { 0 };
	uc_auto(snapshot) struct uc_snapshot two = { 0 };
	const char *dir = *state;
	int64_t now = time(NULL);

	put(dir, "a", "good");
	put(dir, "b", "good");
	make_at(dir, now + LATER, &one);
	RUN(one.path, "chmod", "u+w", "a", "b");
	put(one.path, "a", "evil");
	RUN(one.path, "touch", "-r", at(dir, "a"), "a");
	put(one.path, "b", "evil");
	RUN(one.path, "chmod", "u-w", "b");
	make_at(dir, now + 2 * LATER, &two);
	check_file(two.path, "a", "good");
	check_file(two.path, "b", "good");
}

static void test_snapshot_survives_any_manifest(void **state)
{
	static const char *const bad[] = { "", "x", "99999999999", "99999999999\n1 2 3" };
	const char *dir = *state;
	int64_t now = time(NULL);

	put(dir, "a", "x");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uc_auto(snapshot) struct uc_snapshot snap = { 0 };

		make_at(dir, now + LATER * (int64_t)(i + 1), &snap);
		check_file(snap.path, "a", "x");
		RUN(snap.path, "rm", "-f", UC_SNAPSHOT_MANIFEST);
		put(snap.path, UC_SNAPSHOT_MANIFEST, bad[i]);
	}
}

static void test_snapshot_keeps_hostile_names(void **state)
{
	static const char *const names[] = { "a\nb",        "\xff\xfe", " ",       "-rf",
					     "a b'\"$(id)", "\x1b[31m", "\xc3\xa4" };
	const char *dir = *state;

	for (int git = 0; git < 2; git++) {
		uc_auto(snapshot) struct uc_snapshot snap = { 0 };
		uc_auto(snapshot) struct uc_snapshot again = { 0 };
		int64_t now = time(NULL) + git * 5 * LATER;

		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			put(dir, names[i], names[i]);
		if (git)
			GIT(dir, "init", "-q");
		make_at(dir, now + LATER, &snap);
		assert_int_equal(snap.git, git);
		assert_int_equal(snap.files, ARRAY_SIZE(names));
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			check_file(snap.path, names[i], names[i]);
		make_at(dir, now + 2 * LATER, &again);
		assert_int_equal(again.linked, ARRAY_SIZE(names));
	}
}

static void test_snapshot_keeps_links_and_names_those_that_lead_out(void **state)
{
	uc_auto(snapshot) struct uc_snapshot snap = { 0 };
	const char *dir = *state;
	char target[64] = "";

	RUN(dir, "mkdir", "sub");
	put(dir, "file", "x");
	RUN(dir, "ln", "-s", "../file", "sub/in");
	RUN(dir, "ln", "-s", "../../file", "sub/out");
	RUN(dir, "ln", "-s", "/etc/passwd", "absolute");
	RUN(dir, "ln", "-s", "nowhere", "dangling");
	RUN(dir, "ln", "-s", "/etc", "folder");
	make(dir, &snap);
	assert_true(readlink(at(snap.path, "absolute"), target, sizeof(target) - 1) > 0);
	assert_string_equal(target, "/etc/passwd");
	check_file(snap.path, "sub/in", "x");
	assert_true(has_note(&snap, "sub/out -> ../../file"));
	assert_true(has_note(&snap, "absolute -> /etc/passwd"));
	assert_true(has_note(&snap, "folder -> /etc"));
	assert_false(has_note(&snap, "sub/in"));
	assert_false(has_note(&snap, "dangling"));
	assert_int_equal(snap.files, 6);
}

static void test_snapshot_leaves_out_what_is_no_file(void **state)
{
	uc_auto(snapshot) struct uc_snapshot snap = { 0 };
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	const char *dir = *state;
	int sock = socket(AF_UNIX, SOCK_STREAM, 0);

	assert_int_equal(mkfifo(at(dir, "fifo"), 0600), 0);
	snprintf(name.sun_path, sizeof(name.sun_path), "%s/sock", dir);
	assert_int_equal(bind(sock, (struct sockaddr *)&name, sizeof(name)), 0);
	close(sock);
	put(dir, "a", "x");
	make(dir, &snap);
	assert_int_equal(snap.files, 1);
	assert_true(has_note(&snap, "not a file: fifo"));
	assert_true(has_note(&snap, "not a file: sock"));
}

/* A tracked folder that became a link to elsewhere does not lead there. */
static void test_snapshot_does_not_follow_a_folder_that_became_a_link(void **state)
{
	uc_auto(snapshot) struct uc_snapshot snap = { 0 };
	const char *dir = *state;

	GIT(dir, "init", "-q");
	RUN(dir, "mkdir", "sub");
	put(dir, "sub/passwd", "mine");
	GIT(dir, "add", ".");
	RUN(dir, "rm", "-r", "sub");
	RUN(dir, "ln", "-s", "/etc", "sub");
	make(dir, &snap);
	assert_int_equal(snap.files, 1); /* the link */
}

static void test_snapshot_folder_that_is_a_link_is_refused(void **state)
{
	struct uc_snapshot_rules rules = rules_of(*state);
	uc_auto(snapshot) struct uc_snapshot snap = { 0 };
	const char *dir = *state;
	struct uc_error err = { 0 };

	RUN(dir, "mkdir", "tree", "elsewhere");
	put(dir, "tree/a", "x");
	RUN(dir, "ln", "-s", "../elsewhere", "tree/.ucluster");
	rules.start = at(dir, "tree");
	assert_int_equal(uc_snapshot_make(&rules, &snap, &err), -1);
	assert_int_equal(count_entries(at(dir, "elsewhere")), 0);
}

static void test_snapshot_copies_nested_repositories(void **state)
{
	uc_auto(snapshot) struct uc_snapshot snap = { 0 };
	const char *dir = *state;

	RUN(dir, "mkdir", "lib", "top");
	GIT(at(dir, "lib"), "init", "-q");
	put(dir, "lib/l.py", "lib");
	GIT(at(dir, "lib"), "add", ".");
	GIT(at(dir, "lib"), "commit", "-q", "-m", "x");
	GIT(at(dir, "top"), "init", "-q");
	GIT(at(dir, "top"), "submodule", "--quiet", "add", at(dir, "lib"), "module");
	RUN(dir, "cp", "-r", "lib", "top/nested");
	make(at(dir, "top"), &snap);
	check_file(snap.path, "module/l.py", "lib");
	check_file(snap.path, "nested/l.py", "lib");
	check_missing(snap.path, "module/.git");
	check_missing(snap.path, "nested/.git");
	assert_true(has_note(&snap, "module"));
	assert_true(has_note(&snap, "nested"));
}

static void test_snapshot_names_the_biggest_folders_beyond_the_limit(void **state)
{
	struct uc_snapshot_rules rules = rules_of(*state);
	uc_auto(snapshot) struct uc_snapshot snap = { 0 };
	const char *dir = *state;
	struct uc_error err = { 0 };

	RUN(dir, "mkdir", "data", "src");
	RUN(dir, "truncate", "-s", "3M", "data/x", "data/y");
	RUN(dir, "truncate", "-s", "1M", "src/z");
	put(dir, "a", "x");
	rules.max_bytes = 5 << 20;
	assert_int_equal(uc_snapshot_make(&rules, &snap, &err), -1);
	assert_int_equal(err.code, UC_USAGE);
	assert_non_null(strstr(err.text, "7M in 4 files"));
	assert_non_null(strstr(err.text, "biggest: 'data' 6M in 2 files, 'src' 1M, 'a'"));
	assert_non_null(strstr(err.hint, ".gitignore"));
	rules.max_bytes = 0;
	rules.max_files = 3;
	assert_int_equal(uc_snapshot_make(&rules, &snap, &err), -1);
	assert_non_null(strstr(err.text, "at most 1G and 3 files"));
	rules.max_files = 4;
	assert_int_equal(uc_snapshot_make(&rules, &snap, &err), 0);
	assert_int_equal(count_entries(snap.folder), 1);
}

/* Somebody keeps writing. */
struct writer {
	const char *path;
	atomic_bool stop;
};

static void *keep_writing(void *arg)
{
	struct writer *w = arg;
	static char block[65536];

	for (char c = 'a'; !w->stop; c = c == 'z' ? 'a' : (char)(c + 1)) {
		int fd = open(w->path, O_WRONLY | O_CREAT, 0600);

		memset(block, c, sizeof(block));
		for (int i = 0; i < 16 && fd >= 0; i++)
			if (write(fd, block, sizeof(block)) < 0)
				break;
		if (fd >= 0)
			close(fd);
	}
	return NULL;
}

static void test_snapshot_of_a_file_being_written(void **state)
{
	uc_auto(snapshot) struct uc_snapshot two = { 0 };
	const char *dir = *state;
	char path[128];
	struct writer w = { .path = path };
	int64_t now = time(NULL);
	pthread_t thread;

	put(dir, "still", "x");
	put(dir, "racing", "x");
	snprintf(path, sizeof(path), "%s/racing", dir);
	assert_int_equal(pthread_create(&thread, NULL, keep_writing, &w), 0);
	for (int i = 0; i < 5; i++) {
		uc_auto(snapshot) struct uc_snapshot one = { 0 };

		make_at(dir, now + LATER * (i + 1), &one);
		assert_int_equal(one.files, 2);
		check_file(one.path, "still", "x");
		assert_int_not_equal(inode(one.path, "racing"), inode(dir, "racing"));
	}
	w.stop = true;
	pthread_join(thread, NULL);
	make_at(dir, now + LATER * 6, &two);
	RUN(dir, "cmp", "racing", at(two.path, "racing"));
}

static void test_snapshot_that_fails_leaves_nothing(void **state)
{
	struct uc_snapshot_rules rules = rules_of(*state);
	uc_auto(snapshot) struct uc_snapshot snap = { 0 };
	const char *dir = *state;
	struct uc_error err = { 0 };
	int rc;

	put(dir, "a", "x");
	put(dir, "z", "secret");
	RUN(dir, "chmod", "000", "z");
	if (getuid() == 0) {
		RUN(dir, "chown", "-R", "65534", dir);
		assert_int_equal(seteuid(NOBODY), 0);
	}
	rc = uc_snapshot_make(&rules, &snap, &err);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(rc, -1);
	assert_int_equal(err.code, UC_DENIED);
	assert_non_null(strstr(err.text, "'z'"));
	assert_null(snap.path);
	assert_int_equal(count_entries(at(dir, ".ucluster/snapshots")), 0);
}

/* Killed at any time: what has a final name is whole. */
static void test_snapshot_that_is_killed_has_no_final_name(void **state)
{
	const char *dir = *state;

	RUN(dir, "sh", "-c", "for i in $(seq 300); do echo $i >f$i; done");
	for (int i = 0; i < 20; i++) {
		struct timespec pause = { 0, 1000000 * i };
		pid_t pid = fork();

		if (pid == 0) {
			uc_auto(snapshot) struct uc_snapshot snap = { 0 };

			make_at(dir, time(NULL) + LATER * (i + 1), &snap);
			_exit(0);
		}
		nanosleep(&pause, NULL);
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	RUN(dir, "sh", "-c",
	    "for d in .ucluster/snapshots/2*; do [ -e $d ] || continue; "
	    "[ $(ls $d | wc -l) = 300 ] || exit 1; done");
}

static void test_snapshots_are_pruned(void **state)
{
	struct uc_snapshot snap[6] = { 0 };
	const char *dir = *state, *folder = at(dir, ".ucluster/snapshots");
	char keep_folder[128], used[160];
	struct uc_error err = { 0 };
	int64_t now = time(NULL);
	size_t removed;

	snprintf(keep_folder, sizeof(keep_folder), "%s", folder);
	assert_int_equal(uc_snapshot_prune(keep_folder, 1, NULL, &removed, &err), 0);
	RUN(dir, "mkdir", "sub");
	put(dir, "sub/a", "x");
	put(dir, "outside", "stays");
	for (int i = 0; i < 6; i++)
		make_at(dir, now + LATER * (i + 1), &snap[i]);
	/* what a job may have left: links out, folders nobody may write */
	RUN(snap[0].path, "ln", "-s", dir, "link");
	RUN(snap[0].path, "mkdir", "-p", "locked/x");
	RUN(snap[0].path, "chmod", "500", "locked", ".");
	RUN(keep_folder, "mkdir", "mine", ".removing-20200101T000000Z-abcdef",
	    ".building-20200101T000000Z-abcdef", "20200101T000000Z-ABCDEF");
	snprintf(used, sizeof(used), "%s/sub", snap[1].path);
	assert_int_equal(uc_snapshot_prune(keep_folder, 2,
					   (const char *const[]){ used, NULL }, &removed,
					   &err),
			 0);
	assert_int_equal(removed, 3);
	check_file(snap[1].path, "sub/a", "x");
	check_file(snap[5].path, "sub/a", "x");
	check_file(snap[4].path, "sub/a", "x");
	check_missing("/", snap[0].path + 1);
	check_file(dir, "outside", "stays");
	check_missing(keep_folder, ".removing-20200101T000000Z-abcdef");
	/* somebody may be building it right now */
	assert_int_equal(count_entries(keep_folder), 6);
	assert_int_equal(uc_snapshot_prune(keep_folder, 0, NULL, &removed, &err), 0);
	assert_int_equal(removed, 3);
	for (int i = 0; i < 6; i++)
		uc_snapshot_free(&snap[i]);
}

static void test_snapshot_in_a_folder_of_its_own(void **state)
{
	struct uc_snapshot_rules rules = rules_of(*state);
	uc_auto(snapshot) struct uc_snapshot snap = { 0 };
	uc_auto(snapshot) struct uc_snapshot again = { 0 };
	const char *dir = *state;
	char folder[128], start[128];
	struct uc_error err = { 0 };

	put(dir, "a", "x");
	RUN(dir, "mkdir", "empty");
	snprintf(folder, sizeof(folder), "%s/kept/here", dir);
	snprintf(start, sizeof(start), "%s/empty", dir);
	rules.folder = folder;
	rules.start = start;
	rules.root = dir;
	assert_int_equal(uc_snapshot_make(&rules, &snap, &err), 0);
	assert_string_equal(snap.folder, folder);
	assert_int_equal(snap.files, 1);
	RUN(snap.workdir, "true"); /* the working directory is there */
	check_missing(dir, ".ucluster");
	assert_int_equal(uc_snapshot_make(&rules, &again, &err), 0);
	assert_int_equal(again.files, 1);
	uc_snapshot_free(&again);
	rules.root = folder;
	assert_int_equal(uc_snapshot_make(&rules, &again, &err), -1);
	assert_int_equal(err.code, UC_USAGE);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_snapshot_of_a_git_work_tree),
		TEST(test_snapshot_of_a_plain_folder_skips_what_is_no_code),
		TEST(test_snapshot_does_not_change_when_the_tree_is_edited_in_place),
		TEST(test_snapshot_links_only_what_has_rested),
		TEST(test_snapshot_does_not_link_what_a_job_changed),
		TEST(test_snapshot_survives_any_manifest),
		TEST(test_snapshot_keeps_hostile_names),
		TEST(test_snapshot_keeps_links_and_names_those_that_lead_out),
		TEST(test_snapshot_leaves_out_what_is_no_file),
		TEST(test_snapshot_does_not_follow_a_folder_that_became_a_link),
		TEST(test_snapshot_folder_that_is_a_link_is_refused),
		TEST(test_snapshot_copies_nested_repositories),
		TEST(test_snapshot_names_the_biggest_folders_beyond_the_limit),
		TEST(test_snapshot_of_a_file_being_written),
		TEST(test_snapshot_that_fails_leaves_nothing),
		TEST(test_snapshot_that_is_killed_has_no_final_name),
		TEST(test_snapshots_are_pruned),
		TEST(test_snapshot_in_a_folder_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
