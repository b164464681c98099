/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Walks through real trees; which files are left behind, with git as the judge. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/units.h>

#include "sync/skip.h"
#include "walk_random_unit.h"

static void test_empty(void **state)
{
	struct tree *tree = *state;

	walk_well(tree);
	assert_int_equal(tree->list.count, 0);
	assert_true(tree->sum.complete);
}

static void test_kinds(void **state)
{
	const struct timespec times[] = { { 0, UTIME_OMIT }, { -7, 123456789 } };
	struct tree *tree = *state;
	int fd;

	put_folder(tree, "d");
	put(tree, "d/f", "12345");
	put(tree, "d-x", "");
	assert_int_equal(fchmodat(tree->root, "d/f", 04751, 0), 0);
	assert_int_equal(utimensat(tree->root, "d/f", times, 0), 0);
	assert_int_equal(fchmodat(tree->root, "d", 02750, 0), 0);
	assert_int_equal(symlinkat("../\n\xff", tree->root, "d/l"), 0);
	assert_int_equal(symlinkat("/", tree->root, "up"), 0);
	assert_int_equal(symlinkat("loop", tree->root, "loop"), 0);
	assert_int_equal(mkfifoat(tree->root, "d/p", 0600), 0);
	assert_int_equal(linkat(tree->root, "d/f", tree->root, "z", 0), 0);
	assert_int_equal(linkat(tree->root, "d/f", tree->root, "y", 0), 0);
	fd = openat(tree->root, "holes", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, 1 << 30), 0);
	close(fd);

	walk_well(tree);
	assert_told(tree, "d d/f d/l d-x holes loop up y z");
	assert_string_equal(uc_buf_text(&tree->notes), "special d/p\n");
	assert_int_equal(told(tree, "d")->kind, UC_SYNC_FOLDER);
	assert_int_equal(told(tree, "d")->mode, 02750);
	assert_int_equal(told(tree, "d/f")->kind, UC_SYNC_FILE);
	assert_int_equal(told(tree, "d/f")->mode, 04751);
	assert_int_equal(told(tree, "d/f")->size, 5);
	assert_int_equal(told(tree, "d/f")->mtime, -7 * INT64_C(1000000000) + 123456789);
	assert_int_equal(told(tree, "d/f")->twin, 0);
	assert_null(told(tree, "d/f")->target);
	assert_int_equal(told(tree, "y")->twin, 2);
	assert_int_equal(told(tree, "z")->twin, 2);
	assert_string_equal(told(tree, "d/l")->target, "../\n\xff");
	assert_int_equal(told(tree, "up")->kind, UC_SYNC_LINK);
	assert_true(told(tree, "holes")->holes);
	assert_int_equal(told(tree, "holes")->size, 1 << 30);
	assert_int_equal(tree->sum.files, 5);
	assert_int_equal(tree->sum.links, 3);
	assert_int_equal(tree->sum.folders, 1);
	assert_int_equal(tree->sum.bytes, (1 << 30) + 5);
	assert_true(tree->sum.complete);
}

static void test_names(void **state)
{
	static const char *const name[] = { "\x01\x1b[31m", "\n",      " ",   "-rf",
					    "...",          "a\\",     "a|b", "\x80",
					    "\xc3\xa9",     "\xff\xfe" };
	struct tree *tree = *state;
	char longest[256];

	memset(longest, 'n', 255);
	longest[255] = '\0';
	put(tree, longest, "");
	for (size_t i = 0; i < ARRAY_SIZE(name); i++) {
		put_folder(tree, name[i]);
		assert_int_equal(symlinkat(longest, tree->root, "l"), 0);
		assert_int_equal(renameat(tree->root, "l", tree->root, "m"), 0);
	}
	walk_well(tree);
	assert_int_equal(tree->list.count, ARRAY_SIZE(name) + 2);
	for (size_t i = 0; i < ARRAY_SIZE(name); i++)
		assert_int_equal(told(tree, name[i])->kind, UC_SYNC_FOLDER);
	assert_string_equal(told(tree, "m")->target, longest);
	(void)told(tree, longest);
}

/* No rule brings back what we put there ourselves. */
static void test_ours(void **state)
{
	struct tree *tree = *state;

	put(tree, ".usyncignore", "!.uc-*\n!.ucluster-*\n");
	put_folder(tree, ".ucluster-trash");
	put(tree, ".ucluster-trash/x", "");
	put(tree, ".uc-1", "");
	put(tree, ".ucluster.yaml", "");
	put_folder(tree, "d");
	put(tree, "d/.uc-1", "");
	put(tree, "d/.ucluster-x", "");
	walk_well(tree);
	assert_told(tree, ".ucluster.yaml .usyncignore d d/.ucluster-x");
	assert_true(tree->sum.complete);
}

/* A chain of folders, all of one name, each open only while the next is made. */
static void put_chain(const struct tree *tree, const char *name, int depth)
{
	int at = dup(tree->root);

	for (int i = 0; i < depth; i++) {
		int next;

		assert_int_equal(mkdirat(at, name, 0755), 0);
		next = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		close(at);
		at = next;
	}
	close(at);
}

static void test_deep(void **state)
{
	struct tree *tree = *state;

	put_chain(tree, "d", UC_SYNC_DEPTH_MAX + 3);
	put(tree, "e", "");
	walk_well(tree);
	assert_int_equal(tree->sum.notes[UC_SYNC_TOO_DEEP], 1);
	assert_int_equal(tree->sum.folders, UC_SYNC_DEPTH_MAX + 1);
	assert_int_equal(tree->sum.files, 1);
	assert_false(tree->sum.complete);
}

static void test_long(void **state)
{
	struct tree *tree = *state;
	char name[256];

	memset(name, 'n', 255);
	name[255] = '\0';
	put_chain(tree, name, 20);
	put(tree, "z", "");
	walk_well(tree);
	/* 16 of them with the slashes between are 4095 bytes */
	assert_int_equal(tree->sum.folders, 16);
	assert_int_equal(tree->sum.files, 1);
	assert_int_equal(tree->sum.notes[UC_SYNC_TOO_LONG], 1);
	assert_false(tree->sum.complete);
}

static void test_unreadable(void **state)
{
	struct tree *tree = *state;
	bool is_root = geteuid() == 0;

	put_folder(tree, "a");
	put_folder(tree, "b");
	put(tree, "b/f", "");
	put(tree, "c", "");
	put(tree, ".gitignore", "c\n");
	assert_int_equal(fchmodat(tree->root, "a", 0, 0), 0);
	assert_int_equal(fchmodat(tree->root, "b", 0444, 0), 0);
	assert_int_equal(fchmodat(tree->root, ".gitignore", 0, 0), 0);
	assert_int_equal(fchmod(tree->root, 0755), 0);
	if (is_root)
		assert_int_equal(seteuid(65534), 0);
	walk_well(tree);
	if (is_root)
		assert_int_equal(seteuid(0), 0);
	assert_told(tree, ".gitignore a b c");
	assert_string_equal(uc_buf_text(&tree->notes),
			    "rules .gitignore\nunreadable a\nrules b/.gitignore\n"
			    "rules b/.usyncignore\nunreadable b/f\n");
	assert_int_equal(tree->sum.notes[UC_SYNC_UNREADABLE], 2);
	assert_false(tree->sum.complete);
	assert_int_equal(fchmodat(tree->root, "a", 0755, 0), 0);
	assert_int_equal(fchmodat(tree->root, "b", 0755, 0), 0);
}

static void take_away(int root)
{
	assert_int_equal(unlinkat(root, "b", 0), 0);
	assert_int_equal(unlinkat(root, "c", AT_REMOVEDIR), 0);
	assert_int_equal(unlinkat(root, "d", AT_REMOVEDIR), 0);
	assert_int_equal(symlinkat("/", root, "d"), 0);
}

static void test_changes_meanwhile(void **state)
{
	struct tree *tree = *state;

	put(tree, "a", "");
	put(tree, "b", "");
	put_folder(tree, "c");
	put_folder(tree, "d");
	put(tree, "e", "");
	tree->trigger = "a";
	tree->act = take_away;
	walk_well(tree);
	assert_told(tree, "a d e");
	assert_int_equal(told(tree, "d")->kind, UC_SYNC_LINK);
	assert_string_equal(uc_buf_text(&tree->notes), "vanished b\nvanished c\n");
	assert_true(tree->sum.complete);
}

/* What is there may have changed before it is told. */
static int take_path(void *arg, int folder, const struct uc_sync_entry *entry,
		     struct uc_error *err)
{
	struct tree *tree = arg;

	(void)folder;
	return uc_sync_list_add(&tree->list, entry, err);
}

/* A folder and a link that leads outside take turns under one name, for `ms`. */
static pid_t swap_for(int root, int64_t ms)
{
	const pid_t pid = fork();
	const int64_t end = uc_monotonic_ms() + ms;

	if (pid)
		return pid;
	while (uc_monotonic_ms() < end)
		for (int i = 0; i < 100; i++)
			if (renameat2(root, "a/d", root, "a/l", RENAME_EXCHANGE) < 0)
				_exit(1);
	_exit(0);
}

/* What is told below the folder is the folder's, never what the link leads to. */
static void test_swapped_meanwhile(void **state)
{
	struct tree *tree = *state;
	struct uc_error err = { 0 };
	int walks = 0, folders = 0, links = 0, status = -1;
	uint64_t gone = 0;
	pid_t pid;

	put_folder(tree, "outside");
	put_folder(tree, "outside/secret");
	put(tree, "outside/.gitignore", "inside\n");
	put_folder(tree, "a");
	put_folder(tree, "a/d");
	put(tree, "a/d/inside", "");
	assert_int_equal(symlinkat("../outside", tree->root, "a/l"), 0);
	tree->options.entry = take_path;
	pid = swap_for(tree->root, 2000);
	while (waitpid(pid, &status, WNOHANG) == 0) {
		assert_int_equal(walk(tree, &err), 0);
		walks++;
		gone += tree->sum.notes[UC_SYNC_VANISHED];
		for (size_t i = 0; i < tree->list.count; i++) {
			const struct uc_sync_entry *entry =
				uc_sync_list_at(&tree->list, i);

			if (strncmp(entry->path, "a/", 2) != 0)
				continue;
			assert_null(strstr(entry->path, "secret"));
			assert_null(strstr(entry->path, ".gitignore"));
			folders += entry->kind == UC_SYNC_FOLDER;
			links += entry->kind == UC_SYNC_LINK;
		}
		/* its rules are not read through the link either */
		for (size_t i = 0; i < tree->sum.skips; i++)
			assert_string_equal(tree->sum.skip[i].origin,
					    "outside/.gitignore");
	}
	print_message("# %d walks: %d folders, %d links, %ju gone when looked at\n",
		      walks, folders, links, (uintmax_t)gone);
	assert_int_equal(status, 0);
	assert_true(walks > 50 && folders > 20 && links > 20);
}

static int refuse(void *arg, int folder, const struct uc_sync_entry *entry,
		  struct uc_error *err)
{
	(void)arg, (void)folder;
	return uc_fail(err, UC_DENIED, "not '%s'", entry->path);
}

static void test_ends_early(void **state)
{
	struct uc_error err = { 0 };
	struct tree *tree = *state;

	put_folder(tree, "a");
	put(tree, "a/b", "");
	put(tree, "a/c", "");
	put(tree, "d", "");
	tree->left = 3;
	assert_int_equal(walk(tree, &err), -1);
	assert_string_equal(err.text, "interrupted");
	assert_told(tree, "a a/b");
	assert_false(tree->sum.complete);
	tree->options.entry = refuse;
	assert_int_equal(walk(tree, &err), -1);
	assert_string_equal(err.text, "not 'a'");
	assert_int_equal(err.code, UC_DENIED);
	assert_int_equal(tree->sum.folders, 0);
}

static void test_root_is_no_folder(void **state)
{
	struct uc_error err = { 0 };
	struct tree *tree = *state;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	assert_int_equal(uc_sync_walk(fd, &tree->options, &tree->sum, &err), -1);
	assert_string_equal(err.text, "cannot read the folder: Not a directory");
	close(fd);
}

static void read_list(struct uc_ignore_list *list, const char *text)
{
	struct uc_error err = { 0 };

	assert_int_equal(uc_ignore_list_read(list, "list", "", text, strlen(text), &err),
			 0);
}

/* /proc is a file system of its own. */
static void test_other_file_system(void **state)
{
	uc_auto(ignore_list) struct uc_ignore_list only = { 0 };
	struct uc_error err = { 0 };
	struct tree *tree = *state;
	int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	read_list(&only, "/*\n!/proc\n/proc/*\n!/proc/sys\n/proc/sys/*\n");
	tree->options.command = &only;
	assert_int_equal(uc_sync_walk(fd, &tree->options, &tree->sum, &err), 0);
	assert_told(tree, "proc");
	assert_string_equal(uc_buf_text(&tree->notes), "other proc\n");
	forget(tree);
	tree->options.cross = true;
	assert_int_equal(uc_sync_walk(fd, &tree->options, &tree->sum, &err), 0);
	assert_told(tree, "proc proc/sys");
	assert_true(tree->sum.complete);
	close(fd);
}

/* Rules */

static void test_order_of_rules(void **state)
{
	uc_auto(ignore_list) struct uc_ignore_list command = { 0 }, config = { 0 },
						   defaults = { 0 };
	struct tree *tree = *state;

	read_list(&defaults, "*\n!.*ignore\n!s\n");
	put_folder(tree, "s");
	for (const char *name = "abcdef"; *name; name++) {
		char path[] = { 's', '/', *name, '\0' };

		put(tree, path, "1");
	}
	tree->options.defaults = &defaults;
	walk_well(tree);
	assert_told(tree, "s");

	put(tree, "s/.gitignore", "!*\nb\nc\nd\ne\nf\n");
	walk_well(tree);
	assert_told(tree, "s s/.gitignore s/a");

	read_list(&config, "!/s/b\n!/s/c\n!/s/d\n/s/a\n");
	tree->options.config = &config;
	walk_well(tree);
	assert_told(tree, "s s/.gitignore s/b s/c s/d");

	/* in the folder above, and yet before .gitignore */
	put(tree, ".usyncignore", "c\n!f\n");
	put(tree, "s/.usyncignore", "d\n");
	walk_well(tree);
	assert_told(tree, ".usyncignore s s/.gitignore s/.usyncignore s/b s/f");

	read_list(&command, "!d\nb\n");
	tree->options.command = &command;
	walk_well(tree);
	assert_told(tree, ".usyncignore s s/.gitignore s/.usyncignore s/d s/f");

	tree->options.no_gitignore = true;
	walk_well(tree);
	assert_told(tree, ".usyncignore s s/.gitignore s/.usyncignore s/d s/f");
	tree->options.no_gitignore = false;
}

static void test_sums_of_rules(void **state)
{
	uc_auto(ignore_list) struct uc_ignore_list defaults = { 0 };
	struct uc_error err = { 0 };
	struct tree *tree = *state;

	assert_int_equal(uc_sync_skip_read(&defaults, &err), 0);
	tree->options.defaults = &defaults;
	put_folder(tree, "src");
	put_folder(tree, "src/__pycache__");
	put_folder(tree, "src/runs");
	put_folder(tree, "src/env");
	put(tree, "src/env/maze.py", "");
	put(tree, "src/runs/x", "12345");
	put(tree, "src/a.pt", "123");
	put(tree, "b.pt", "1234");
	put(tree, "src/secret.log", "12");
	put(tree, "src/.gitignore", "*.log\n!runs/\n");
	assert_int_equal(symlinkat("b.pt", tree->root, "l.pt"), 0);
	walk_well(tree);
	assert_told(tree, "src src/.gitignore src/env src/env/maze.py src/runs "
			  "src/runs/x");
	assert_int_equal(tree->sum.skips, 3);
	assert_string_equal(tree->sum.skip[0].origin, UC_SYNC_SKIP_ORIGIN);
	assert_string_equal(tree->sum.skip[0].rule, "*.pt");
	assert_int_equal(tree->sum.skip[0].files, 3);
	assert_int_equal(tree->sum.skip[0].bytes, 7);
	assert_string_equal(tree->sum.skip[1].rule, "__pycache__/");
	assert_int_equal(tree->sum.skip[1].folders, 1);
	assert_int_equal(tree->sum.skip[1].files, 0);
	assert_int_equal(tree->sum.skip[1].bytes, 0);
	assert_string_equal(tree->sum.skip[2].origin, "src/.gitignore");
	assert_string_equal(tree->sum.skip[2].rule, "*.log");
	assert_int_equal(tree->sum.skip[2].line, 1);
	assert_true(tree->sum.complete);
}

/* More rules than anyone reads: those after the 999th are summed up. */
static void test_many_rules(void **state)
{
	uc_auto(buf) struct uc_buf rules = { 0 };
	struct tree *tree = *state;
	char name[16];

	for (int i = 0; i < 1100; i++) {
		(void)snprintf(name, sizeof(name), "f%04d", i);
		put(tree, name, "1");
		uc_buf_addf(&rules, "%s\n", name);
	}
	put(tree, ".gitignore", rules.data);
	walk_well(tree);
	assert_told(tree, ".gitignore");
	assert_int_equal(tree->sum.skips, UC_SYNC_SKIPS_MAX);
	assert_string_equal(tree->sum.skip[UC_SYNC_SKIPS_MAX - 2].rule, "f0998");
	assert_string_equal(tree->sum.skip[UC_SYNC_SKIPS_MAX - 1].rule, "");
	assert_int_equal(tree->sum.skip[UC_SYNC_SKIPS_MAX - 1].files, 101);
}

/* Folders below each other with as many rules as a file may have. */
static void test_long_chain_of_rules(void **state)
{
	char *text = malloc(UC_IGNORE_FILE_MAX);
	struct tree *tree = *state;

	memset(text, '\n', UC_IGNORE_FILE_MAX);
	text[UC_IGNORE_FILE_MAX - 1] = '\0';
	memcpy(text, "x", 1);
	put(tree, ".gitignore", text);
	put_folder(tree, "a");
	put(tree, "a/.gitignore", text);
	put_folder(tree, "a/b");
	memcpy(text, "y", 1);
	put(tree, "a/b/.gitignore", text);
	put(tree, "a/b/x", "");
	put(tree, "a/b/y", "");
	free(text);
	walk_well(tree);
	assert_told(tree, ".gitignore a a/.gitignore a/b a/b/.gitignore a/b/y");
	assert_string_equal(uc_buf_text(&tree->notes), "rules a/b/.gitignore\n");
	assert_false(tree->sum.complete);
}

static void test_odd_rule_files(void **state)
{
	struct tree *tree = *state;
	int fd;

	put(tree, "rules", "*\n");
	put(tree, "x", "");
	assert_int_equal(symlinkat("rules", tree->root, ".gitignore"), 0);
	assert_int_equal(mkfifoat(tree->root, ".usyncignore", 0600), 0);
	walk_well(tree);
	assert_told(tree, ".gitignore rules x");
	assert_int_equal(tree->sum.notes[UC_SYNC_BAD_RULES], 0);

	assert_int_equal(unlinkat(tree->root, ".gitignore", 0), 0);
	put_folder(tree, ".gitignore");
	walk_well(tree);
	assert_told(tree, ".gitignore rules x");
	assert_int_equal(tree->sum.notes[UC_SYNC_BAD_RULES], 0);

	assert_int_equal(unlinkat(tree->root, ".usyncignore", 0), 0);
	fd = openat(tree->root, ".usyncignore", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(ftruncate(fd, UC_IGNORE_FILE_MAX + 1), 0);
	close(fd);
	walk_well(tree);
	assert_told(tree, ".gitignore .usyncignore rules x");
	assert_string_equal(uc_buf_text(&tree->notes), "rules .usyncignore\n");
}

static void test_info_exclude(void **state)
{
	uc_auto(ignore_list) struct uc_ignore_list defaults = { 0 };
	struct uc_error err = { 0 };
	struct tree *tree = *state;

	assert_int_equal(uc_sync_skip_read(&defaults, &err), 0);
	tree->options.defaults = &defaults;
	put_folder(tree, ".git");
	put_folder(tree, ".git/info");
	put(tree, ".git/info/exclude", "a\nb\n");
	/* the last of these brings no .git back, as in git */
	put(tree, ".gitignore", "!b\n!*/\n");
	put(tree, "a", "");
	put(tree, "b", "");
	walk_well(tree);
	assert_told(tree, ".gitignore b");
	assert_string_equal(tree->sum.skip[1].origin, ".git/info/exclude");
}

/* git as the judge */

#define TREES 200

/* One repository for all of them, beside the tree. */
static void test_git_agrees(void **state)
{
	struct tree *top = *state;
	uc_auto(buf) struct uc_buf git_dir = { 0 };
	const char *init[] = { "git", "init", "-q", top->path, NULL };
	uint64_t told_files = 0, skipped = 0;
	unsigned seed = 11;

	run(init, NULL);
	uc_buf_addf(&git_dir, "--git-dir=%s/.git", top->path);
	for (int i = 0; i < TREES; i++) {
		struct tree *tree = calloc(1, sizeof(*tree));
		const char *list[] = { "git",
				       "-C",
				       tree->path,
				       git_dir.data,
				       "--work-tree=.",
				       "ls-files",
				       "-co",
				       "--exclude-standard",
				       "-z",
				       NULL };
		uc_auto(buf) struct uc_buf out = { 0 };

		(void)snprintf(tree->path, sizeof(tree->path), "%.40s/%d", top->path, i);
		assert_int_equal(mkdir(tree->path, 0755), 0);
		tree->root = open(tree->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		tree->options =
			(struct uc_sync_walk_options){ .entry = take_entry, .arg = tree };
		put_random(tree->root, &seed, 0);
		run(list, &out);
		walk_well(tree);
		compare(tree, &out);
		told_files += tree->sum.files;
		for (size_t k = 0; k < tree->sum.skips; k++)
			skipped += tree->sum.skip[k].files + tree->sum.skip[k].folders;
		close(tree->root);
		forget(tree);
		free(tree);
	}
	print_message("# %ju files told, %ju names skipped\n", (uintmax_t)told_files,
		      (uintmax_t)skipped);
	assert_true(told_files > 1000 && skipped > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_empty, make, unmake),
		cmocka_unit_test_setup_teardown(test_kinds, make, unmake),
		cmocka_unit_test_setup_teardown(test_names, make, unmake),
		cmocka_unit_test_setup_teardown(test_ours, make, unmake),
		cmocka_unit_test_setup_teardown(test_deep, make, unmake),
		cmocka_unit_test_setup_teardown(test_long, make, unmake),
		cmocka_unit_test_setup_teardown(test_unreadable, make, unmake),
		cmocka_unit_test_setup_teardown(test_changes_meanwhile, make, unmake),
		cmocka_unit_test_setup_teardown(test_swapped_meanwhile, make, unmake),
		cmocka_unit_test_setup_teardown(test_ends_early, make, unmake),
		cmocka_unit_test_setup_teardown(test_root_is_no_folder, make, unmake),
		cmocka_unit_test_setup_teardown(test_other_file_system, make, unmake),
		cmocka_unit_test_setup_teardown(test_order_of_rules, make, unmake),
		cmocka_unit_test_setup_teardown(test_sums_of_rules, make, unmake),
		cmocka_unit_test_setup_teardown(test_many_rules, make, unmake),
		cmocka_unit_test_setup_teardown(test_long_chain_of_rules, make, unmake),
		cmocka_unit_test_setup_teardown(test_odd_rule_files, make, unmake),
		cmocka_unit_test_setup_teardown(test_info_exclude, make, unmake),
		cmocka_unit_test_setup_teardown(test_git_agrees, make, unmake),
	};

	return cmocka_run_group_tests_name("sync_walk", tests, NULL, NULL);
}
