/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Snapshots and trash of real folders, through the verbs that a far end is asked by. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "sync/prune.h"
#include "sync/snapshot.h"
#include "sync/store_path.h"
#include "sync/trash.h"
#include "sync/verbs.h"
#include "tree.h"
#include "unit.h"

struct world {
	char path[64];
	int root;
	struct uc_store *store;
	struct uc_sync_verbs verbs;
	struct uc_error err;
};

static int make(void **state)
{
	struct uc_store_options options = { .run = "run-1", .no_sync = true };
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return -1;
	*state = w;
	(void)umask(022);
	(void)snprintf(w->path, sizeof(w->path), "/tmp/uc-sync-snapshot-XXXXXX");
	if (!mkdtemp(w->path))
		return -1;
	w->root = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->verbs = (struct uc_sync_verbs){ .root = w->root,
					   .path = w->path,
					   .no_sync = true };
	if (uc_store_open(&w->store, w->root, &options, &w->err) < 0)
		return -1;
	w->verbs.store = w->store;
	return 0;
}

static int unmake(void **state)
{
	struct world *w = *state;

	uc_store_free(w->store);
	close(w->root);
	tree_remove(w->path);
	free(w);
	return 0;
}

static void write_text(const struct world *w, const char *path, const char *text)
{
	int fd = openat(w->root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static void assert_text(const struct world *w, const char *path, const char *text)
{
	char is[256];
	int fd = openat(w->root, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t len;

	assert_true(fd >= 0);
	len = read(fd, is, sizeof(is) - 1);
	close(fd);
	assert_true(len >= 0);
	is[len] = '\0';
	assert_string_equal(is, text);
}

static bool look(const struct world *w, const char *path, struct stat *st)
{
	return fstatat(w->root, path, st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool is_there(const struct world *w, const char *path)
{
	struct stat st;

	return look(w, path, &st);
}

/* Ask; the answer is to be freed. */
static json_t *ask(struct world *w, const char *verb, json_t *args)
{
	json_t *answer = uc_sync_verb(&w->verbs, verb, args, &w->err);

	json_decref(args);
	return answer;
}

static json_int_t number(json_t *answer, const char *key)
{
	const json_t *value = json_object_get(answer, key);

	assert_true(json_is_integer(value));
	return json_integer_value(value);
}

/* Make a snapshot; its ID. */
static void snapshot(struct world *w, char id[32])
{
	json_t *answer = ask(w, "snapshot", json_pack("{s:s}", "message", "a message"));

	assert_non_null(answer);
	(void)snprintf(id, 32, "%s", json_string_value(json_object_get(answer, "id")));
	assert_true(uc_snapshot_is_id(id));
	json_decref(answer);
}

/* A path in a snapshot's tree. */
static const char *in(char *out, const char *id, const char *path)
{
	(void)snprintf(out, 256, ".ucluster-snapshots/%s/tree/%s", id, path);
	return out;
}

static void plant(const struct world *w)
{
	assert_int_equal(mkdirat(w->root, "src", 0755), 0);
	assert_int_equal(mkdirat(w->root, "src/deep", 0700), 0);
	assert_int_equal(mkdirat(w->root, "node_modules", 0755), 0);
	write_text(w, "src/a", "one");
	write_text(w, "src/deep/b", "two");
	write_text(w, "node_modules/x", "x");
	assert_int_equal(fchmodat(w->root, "src/a", 0755, 0), 0);
	assert_int_equal(symlinkat("src/a", w->root, "l"), 0);
}

static void test_snapshot_has_what_the_folder_has(void **state)
{
	struct world *w = *state;
	char id[32], path[256];
	struct stat st, own;
	json_t *meta;

	plant(w);
	snapshot(w, id);
	assert_text(w, in(path, id, "src/a"), "one");
	assert_true(look(w, path, &st));
	assert_int_equal(st.st_mode & 07777, 0555);
	assert_true(look(w, "src/a", &own));
	assert_int_not_equal(st.st_ino, own.st_ino);
	assert_int_equal(st.st_mtim.tv_nsec, own.st_mtim.tv_nsec);
	assert_text(w, in(path, id, "src/deep/b"), "two");
	assert_true(look(w, path, &st));
	assert_int_equal(st.st_mode & 07777, 0444);
	assert_true(look(w, in(path, id, "src/deep"), &st));
	assert_int_equal(st.st_mode & 07777, 0500);
	assert_true(look(w, in(path, id, "l"), &st));
	assert_true(S_ISLNK(st.st_mode));
	assert_false(is_there(w, in(path, id, "node_modules")));
	assert_int_equal(tree_count(w->root, ".ucluster-snapshots", ""), 1);
	meta = ask(w, "snapshot-show", json_pack("{s:s}", "id", id));
	assert_int_equal(number(meta, "files"), 2);
	assert_int_equal(number(meta, "folders"), 2);
	assert_int_equal(number(meta, "links"), 1);
	assert_int_equal(number(meta, "bytes"), 6);
	assert_int_equal(number(meta, "copied"), 6);
	assert_int_equal(number(meta, "unread"), 0);
	assert_string_equal(json_string_value(json_object_get(meta, "message")),
			    "a message");
	json_decref(meta);
	meta = ask(w, "snapshot-path", json_pack("{s:s}", "id", id));
	(void)snprintf(path, sizeof(path), "%s/.ucluster-snapshots/%s/tree", w->path, id);
	assert_string_equal(json_string_value(json_object_get(meta, "path")), path);
	assert_true(uc_snapshot_is_tree(path));
	path[strlen(path) - 1] = '\0';
	assert_false(uc_snapshot_is_tree(path));
	assert_false(uc_snapshot_is_tree(w->path));
	json_decref(meta);
}

/* IDs made in one second are in no order that is known. */
static void older(const struct world *w, char id[32])
{
	char from[160], to[160];

	(void)snprintf(from, sizeof(from), ".ucluster-snapshots/%s", id);
	memcpy(id, "2001", 4);
	(void)snprintf(to, sizeof(to), ".ucluster-snapshots/%s", id);
	assert_int_equal(renameat(w->root, from, w->root, to), 0);
}

static void test_snapshot_shares_what_did_not_change(void **state)
{
	struct world *w = *state;
	char first[32], second[32], path[256];
	struct stat a, b;
	json_t *meta;

	plant(w);
	snapshot(w, first);
	older(w, first);
	write_text(w, "src/deep/b", "three");
	snapshot(w, second);
	assert_true(look(w, in(path, first, "src/a"), &a));
	assert_true(look(w, in(path, second, "src/a"), &b));
	assert_int_equal(a.st_ino, b.st_ino);
	assert_text(w, in(path, first, "src/deep/b"), "two");
	assert_text(w, in(path, second, "src/deep/b"), "three");
	meta = ask(w, "snapshot-show", json_pack("{s:s}", "id", second));
	assert_int_equal(number(meta, "copied"), 5);
	json_decref(meta);
	/* what the folder's own files become is nothing to it */
	write_text(w, "src/a", "new");
	assert_text(w, in(path, second, "src/a"), "one");
}

static void test_snapshot_is_restored(void **state)
{
	struct world *w = *state;
	struct stat st;
	char id[32];
	json_t *answer;

	plant(w);
	snapshot(w, id);
	write_text(w, "src/a", "changed");
	write_text(w, "extra", "extra");
	assert_int_equal(unlinkat(w->root, "src/deep/b", 0), 0);
	assert_int_equal(unlinkat(w->root, "src/deep", AT_REMOVEDIR), 0);
	answer = ask(w, "snapshot-restore", json_pack("{s:s}", "id", id));
	assert_non_null(answer);
	assert_int_equal(number(answer, "restored"), 2);
	assert_int_equal(number(answer, "same"), 1);
	assert_int_equal(number(answer, "failed"), 0);
	json_decref(answer);
	assert_text(w, "src/a", "one");
	assert_true(look(w, "src/a", &st));
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_text(w, "src/deep/b", "two");
	assert_text(w, "extra", "extra");
	assert_text(w, ".ucluster-trash/run-1/src/a", "changed");
	answer = ask(w, "snapshot-restore",
		     json_pack("{s:s, s:b}", "id", id, "remove", 1));
	assert_int_equal(number(answer, "restored"), 0);
	assert_int_equal(number(answer, "removed"), 1);
	json_decref(answer);
	assert_false(is_there(w, "extra"));
	assert_text(w, "node_modules/x", "x");
	assert_text(w, ".ucluster-trash/run-1/extra", "extra");
}

/* One file is longer than any may be now. */
static void test_restore_that_fails_leaves_what_is_there(void **state)
{
	struct world *w = *state;
	struct rlimit before, less;
	char id[32], text[8193];
	json_t *answer;

	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	write_text(w, "a", text);
	write_text(w, "b", "before");
	snapshot(w, id);
	write_text(w, "a", "edited");
	write_text(w, "b", "edited too");
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	less = before;
	less.rlim_cur = 4096;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
	answer = ask(w, "snapshot-restore", json_pack("{s:s}", "id", id));
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	(void)signal(SIGXFSZ, SIG_DFL);
	assert_non_null(answer);
	assert_int_equal(number(answer, "restored"), 1);
	assert_int_equal(number(answer, "failed"), 1);
	assert_non_null(strstr(json_string_value(json_object_get(answer, "why")), "'a'"));
	json_decref(answer);
	assert_text(w, "a", "edited");
	assert_text(w, "b", "before");
	assert_false(is_there(w, ".ucluster-trash/run-1/a"));
	assert_text(w, ".ucluster-trash/run-1/b", "edited too");
}

/* A link and a file in each other's place. */
static void test_restore_replaces_other_kinds(void **state)
{
	struct world *w = *state;
	char target[8] = "", id[32];
	json_t *answer;

	write_text(w, "a", "a");
	assert_int_equal(symlinkat("a", w->root, "link"), 0);
	snapshot(w, id);
	assert_int_equal(unlinkat(w->root, "a", 0), 0);
	assert_int_equal(unlinkat(w->root, "link", 0), 0);
	assert_int_equal(symlinkat("b", w->root, "a"), 0);
	write_text(w, "link", "mine");
	answer = ask(w, "snapshot-restore", json_pack("{s:s}", "id", id));
	assert_non_null(answer);
	assert_int_equal(number(answer, "restored"), 2);
	json_decref(answer);
	assert_text(w, "a", "a");
	assert_int_equal(readlinkat(w->root, "link", target, sizeof(target) - 1), 1);
	assert_string_equal(target, "a");
	assert_text(w, ".ucluster-trash/run-1/link", "mine");
	assert_int_equal(
		readlinkat(w->root, ".ucluster-trash/run-1/a", target, sizeof(target)),
		1);
	assert_int_equal(target[0], 'b');
}

static void test_the_latest_is_the_last_within_a_second(void **state)
{
	struct world *w = *state;
	char before[32] = "", id[32];

	plant(w);
	for (int i = 0; i < 12; i++) {
		snapshot(w, id);
		assert_true(strcmp(before, id) < 0);
		memcpy(before, id, sizeof(before));
	}
}

static void test_snapshots_are_pruned(void **state)
{
	struct world *w = *state;
	char id[3][32], path[256];
	json_t *answer;

	plant(w);
	for (int i = 0; i < 3; i++) {
		char year[8], from[160], to[160];

		snapshot(w, id[i]);
		(void)snprintf(from, sizeof(from), ".ucluster-snapshots/%s", id[i]);
		(void)snprintf(year, sizeof(year), "200%d", i);
		memcpy(id[i], year, 4);
		(void)snprintf(to, sizeof(to), ".ucluster-snapshots/%s", id[i]);
		assert_int_equal(renameat(w->root, from, w->root, to), 0);
	}
	assert_null(ask(w, "prune", json_pack("{s:i}", "keep", 0)));
	answer = ask(w, "prune", json_pack("{s:i}", "keep", 3));
	assert_int_equal(json_array_size(json_object_get(answer, "removed")), 0);
	json_decref(answer);
	answer = ask(w, "prune", json_pack("{s:i}", "keep", 1));
	assert_non_null(answer);
	assert_int_equal(json_array_size(json_object_get(answer, "removed")), 2);
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(answer, "removed"), 0)),
		id[0]);
	json_decref(answer);
	assert_int_equal(tree_count(w->root, ".ucluster-snapshots", ""), 1);
	assert_text(w, in(path, id[2], "src/a"), "one");
	/* the latest stays whatever its age */
	answer = ask(w, "prune", json_pack("{s:i, s:i}", "keep", 5, "older", 1));
	assert_int_equal(json_array_size(json_object_get(answer, "removed")), 0);
	json_decref(answer);
}

static void test_snapshots_that_were_interrupted_go(void **state)
{
	struct world *w = *state;
	char id[32];
	json_t *answer;

	plant(w);
	assert_int_equal(mkdirat(w->root, ".ucluster-snapshots", 0755), 0);
	assert_int_equal(
		mkdirat(w->root, ".ucluster-snapshots/.uc-0123456789abcdef", 0555), 0);
	answer = ask(w, "snapshots", json_object());
	assert_int_equal(json_array_size(json_object_get(answer, "snapshots")), 0);
	json_decref(answer);
	snapshot(w, id);
	assert_int_equal(tree_count(w->root, ".ucluster-snapshots", ""), 1);
}

static bool is_over(void *arg)
{
	unsigned *left = arg;

	return *left == 0 || --*left == 0;
}

static void test_snapshot_that_is_stopped_leaves_nothing(void **state)
{
	struct world *w = *state;
	unsigned left;

	plant(w);
	for (unsigned i = 1; i < 5; i++) {
		left = i;
		w->verbs.stop = is_over;
		w->verbs.arg = &left;
		assert_null(ask(w, "snapshot", json_object()));
		assert_int_equal(tree_count(w->root, ".ucluster-snapshots", ""), 0);
	}
}

static void test_snapshot_answers_no_nonsense(void **state)
{
	static const char *const bad[] = { "",
					   ".",
					   "..",
					   "../..",
					   "20261121T135100Z-1f3",
					   "20261121T135100Z-1f3g",
					   "20261121T135100Z-1f3a/" };
	struct world *w = *state;

	plant(w);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_false(uc_snapshot_is_id(bad[i]));
		assert_null(ask(w, "snapshot-show", json_pack("{s:s}", "id", bad[i])));
		assert_int_equal(w->err.code, UC_NOTFOUND);
		assert_null(ask(w, "snapshot-restore", json_pack("{s:s}", "id", bad[i])));
		assert_null(ask(w, "trash-restore", json_pack("{s:s}", "run", bad[i])));
	}
	assert_null(ask(w, "snapshot-show", json_pack("{s:i}", "id", 5)));
	assert_int_equal(w->err.code, UC_USAGE);
	assert_null(ask(w, "snapshot", json_pack("{s:i}", "message", 5)));
	assert_null(ask(w, "prune", json_pack("{s:s}", "keep", "x")));
	assert_null(ask(w, "trash-empty", json_pack("{s:i}", "older", -1)));
	assert_null(ask(w, "format-the-disk", json_object()));
	assert_int_equal(w->err.code, UC_USAGE);
	w->verbs.store = NULL;
	assert_null(ask(w, "snapshot", json_object()));
	assert_int_equal(w->err.code, UC_DENIED);
	assert_false(is_there(w, ".ucluster-snapshots"));
}

/* Links where the folders should be lead nowhere. */
static void test_snapshot_and_trash_follow_no_link(void **state)
{
	struct world *w = *state;
	json_t *answer;

	plant(w);
	assert_int_equal(symlinkat("src", w->root, ".ucluster-snapshots"), 0);
	assert_int_equal(symlinkat("src", w->root, ".ucluster-trash"), 0);
	assert_null(ask(w, "snapshot", json_object()));
	assert_null(ask(w, "snapshots", json_object()));
	assert_null(ask(w, "prune", json_object()));
	assert_null(ask(w, "trash", json_object()));
	assert_null(ask(w, "trash-empty", json_object()));
	assert_int_equal(unlinkat(w->root, ".ucluster-trash", 0), 0);
	assert_int_equal(mkdirat(w->root, ".ucluster-trash", 0700), 0);
	assert_int_equal(symlinkat("../src", w->root, ".ucluster-trash/run"), 0);
	assert_int_equal(mkdirat(w->root, ".ucluster-trash/run-2", 0700), 0);
	assert_int_equal(symlinkat("../../src", w->root, ".ucluster-trash/run-2/l"), 0);
	answer = ask(w, "trash-empty", json_object());
	assert_int_equal(number(answer, "removed"), 1);
	json_decref(answer);
	assert_text(w, "src/a", "one");
	assert_text(w, "src/deep/b", "two");
}

static void to_trash(struct world *w, const char *path)
{
	struct uc_sync_entry entry;

	assert_int_equal(uc_store_look(w->store, path, &entry, &w->err), 0);
	assert_int_equal(uc_store_remove(w->store, &entry, &w->err), UC_STORE_OK);
}

static void test_trash_is_listed_restored_and_emptied(void **state)
{
	struct world *w = *state;
	json_t *answer, *runs;

	plant(w);
	answer = ask(w, "trash", json_object());
	assert_int_equal(json_array_size(json_object_get(answer, "runs")), 0);
	json_decref(answer);
	to_trash(w, "src/deep/b");
	to_trash(w, "src/deep");
	to_trash(w, "src/a");
	to_trash(w, "l");
	answer = ask(w, "trash", json_object());
	runs = json_object_get(answer, "runs");
	assert_int_equal(json_array_size(runs), 1);
	assert_int_equal(number(json_array_get(runs, 0), "files"), 3);
	assert_int_equal(number(json_array_get(runs, 0), "bytes"), 6);
	assert_true(number(json_array_get(runs, 0), "time") > 1500000000);
	json_decref(answer);
	/* one path; then all but what is in the way */
	answer = ask(w, "trash-restore",
		     json_pack("{s:s, s:[s]}", "run", "run-1", "paths", "src/deep"));
	assert_int_equal(number(answer, "restored"), 1);
	json_decref(answer);
	assert_text(w, "src/deep/b", "two");
	write_text(w, "src/a", "mine");
	answer = ask(w, "trash-restore", json_pack("{s:s}", "run", "run-1"));
	assert_int_equal(number(answer, "restored"), 1);
	assert_int_equal(number(answer, "kept"), 1);
	json_decref(answer);
	assert_text(w, "src/a", "mine");
	assert_true(is_there(w, "l"));
	assert_text(w, ".ucluster-trash/run-1/src/a", "one");
	assert_null(ask(w, "trash-restore",
			json_pack("{s:s, s:[s]}", "run", "run-1", "paths", "../x")));
	assert_null(ask(w, "trash-restore",
			json_pack("{s:s, s:[s]}", "run", "run-1", "paths", "none")));
	answer = ask(w, "trash-empty", json_pack("{s:i}", "older", 1000));
	assert_int_equal(number(answer, "removed"), 0);
	json_decref(answer);
	answer = ask(w, "trash-empty", json_object());
	assert_int_equal(number(answer, "removed"), 1);
	json_decref(answer);
	assert_int_equal(tree_count(w->root, ".ucluster-trash", ""), 0);
}

static void test_trash_restore_makes_folders_again(void **state)
{
	struct world *w = *state;
	json_t *answer;

	plant(w);
	to_trash(w, "src/deep/b");
	to_trash(w, "src/deep");
	answer = ask(w, "trash-restore",
		     json_pack("{s:s, s:[s]}", "run", "run-1", "paths", "src/deep/b"));
	assert_int_equal(number(answer, "restored"), 1);
	json_decref(answer);
	assert_text(w, "src/deep/b", "two");
}

static void test_prune_stops_at_what_is_too_deep(void **state)
{
	struct world *w = *state;
	struct uc_tree_sum sum = { 0 };
	int at = openat(w->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	for (int i = 0; i < 250; i++) {
		int next;

		assert_int_equal(mkdirat(at, "d", 0755), 0);
		next = openat(at, "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		close(at);
		at = next;
	}
	close(at);
	assert_int_equal(uc_tree_remove(w->root, "d", &sum, &w->err), -1);
	assert_true(is_there(w, "d"));
	uc_tree_count(w->root, "d", &sum);
	assert_in_range(sum.folders, 190, 210);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, make, unmake)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_snapshot_has_what_the_folder_has),
		TEST(test_snapshot_shares_what_did_not_change),
		TEST(test_snapshot_is_restored),
		TEST(test_restore_that_fails_leaves_what_is_there),
		TEST(test_restore_replaces_other_kinds),
		TEST(test_the_latest_is_the_last_within_a_second),
		TEST(test_snapshots_are_pruned),
		TEST(test_snapshots_that_were_interrupted_go),
		TEST(test_snapshot_that_is_stopped_leaves_nothing),
		TEST(test_snapshot_answers_no_nonsense),
		TEST(test_snapshot_and_trash_follow_no_link),
		TEST(test_trash_is_listed_restored_and_emptied),
		TEST(test_trash_restore_makes_folders_again),
		TEST(test_prune_stops_at_what_is_too_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
