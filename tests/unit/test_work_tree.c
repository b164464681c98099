/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Folders in git work trees: what is tracked, rules from outside; git is the judge. */
#include <ucluster/units.h>

#include "sync/behind.h"
#include "walk_random_unit.h"

#define NO_GIT "PATH=/nonexistent"

/* A work tree: top/, its user's home beside it. */
struct world {
	struct tree *top;
	char home[96];
	const char *environment[3];
	struct uc_work_tree known;
	struct uc_ignore_list defaults;
};

static int set_up(void **state)
{
	struct world *world = calloc(1, sizeof(*world));
	struct uc_error err = { 0 };
	void *top = NULL;

	if (!world || make(&top) < 0)
		return -1;
	*state = world;
	world->top = top;
	put_folder(world->top, "top");
	put_folder(world->top, "home");
	(void)snprintf(world->home, sizeof(world->home), "HOME=%s/home",
		       world->top->path);
	world->environment[0] = "PATH=/usr/bin:/bin";
	world->environment[1] = world->home;
	return uc_ignore_list_read(&world->defaults, "list", "", ".git\n", 5, &err);
}

static int tear_down(void **state)
{
	struct world *world = *state;
	void *top = world->top;

	uc_ignore_list_free(&world->defaults);
	uc_work_tree_free(&world->known);
	free(world);
	return unmake(&top);
}

/* git in a folder below the world's; its exit status. */
static int git(const struct world *world, const char *folder, const char *const *args,
	       const char *in, struct uc_buf *out)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	const char *words[16] = { "git", "-C" };
	const struct judge judge = { .words = words,
				     .environment = world->environment,
				     .in = in };

	uc_buf_addf(&path, "%s/%s", world->top->path, folder);
	words[2] = path.data;
	for (size_t i = 0; args[i]; i++)
		words[3 + i] = args[i];
	return judge_run(&judge, out);
}

static void init(const struct world *world)
{
	const char *const args[] = { "init", "-q", ".", NULL };

	assert_int_equal(git(world, "top", args, NULL, NULL), 0);
}

static void track(const struct world *world, const char *path)
{
	const char *const args[] = {
		"--literal-pathspecs", "add", "-f", "--", path, NULL
	};

	assert_int_equal(git(world, "top", args, NULL, NULL), 0);
}

/* A walk from a folder of the world's; what it told is in `tree`. */
static void walk_from(struct world *world, const char *folder, struct tree *tree)
{
	struct uc_error err = { 0 };

	uc_work_tree_free(&world->known);
	(void)snprintf(tree->path, sizeof(tree->path), "%.60s", folder);
	tree->root = openat(world->top->root, folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(tree->root >= 0);
	assert_int_equal(uc_work_tree_load(&world->known, tree->root, world->environment,
					   uc_monotonic_ms() + 20000, &err),
			 0);
	tree->options = (struct uc_sync_walk_options){ .entry = take_entry,
						       .arg = tree,
						       .defaults = &world->defaults,
						       .work_tree = &world->known };
	walk_well(tree);
}

static void leave(struct tree *tree)
{
	close(tree->root);
	forget(tree);
	*tree = (struct tree){ 0 };
}

static void test_tracked_and_ignored(void **state)
{
	uc_auto(sync_behind) struct uc_sync_behind *behind = NULL;
	struct world *world = *state;
	struct tree tree = { 0 };

	init(world);
	put(world->top, "top/.gitignore", "*.log\nout/\n");
	put(world->top, "top/kept.log", "");
	put(world->top, "top/other.log", "12");
	put_folder(world->top, "top/out");
	put_folder(world->top, "top/out/deep");
	put_folder(world->top, "top/out/empty");
	put(world->top, "top/out/deep/kept", "");
	put(world->top, "top/out/deep/kept.not", "1");
	put(world->top, "top/out/x", "123");
	walk_from(world, "top", &tree);
	assert_told(&tree, ".gitignore");
	leave(&tree);

	track(world, "kept.log");
	track(world, "out/deep/kept");
	walk_from(world, "top", &tree);
	assert_told(&tree, ".gitignore kept.log out out/deep out/deep/kept");
	assert_int_equal(tree.sum.skips, 3);
	assert_string_equal(tree.sum.skip[0].rule, ".git");
	assert_string_equal(tree.sum.skip[1].rule, "*.log");
	assert_int_equal(tree.sum.skip[1].bytes, 2);
	assert_string_equal(tree.sum.skip[2].rule, "out/");
	assert_int_equal(tree.sum.skip[2].files, 2);
	assert_int_equal(tree.sum.skip[2].folders, 1);
	assert_int_equal(tree.sum.skip[2].bytes, 4);

	/* what is at the other side only, and would be left behind here */
	behind = uc_sync_behind_new(tree.root, &tree.options);
	assert_non_null(behind);
	assert_int_equal(uc_sync_behind_look(behind, "out/deep/gone", false), 1);
	assert_int_equal(uc_sync_behind_look(behind, "out/deep/kept", false), 0);
	assert_int_equal(uc_sync_behind_look(behind, "out/gone", false), 1);
	assert_int_equal(uc_sync_behind_look(behind, "gone", false), 0);
	assert_int_equal(uc_sync_behind_look(behind, "gone.log", false), 1);
	assert_int_equal(uc_sync_behind_look(behind, "kept.log", false), 0);
	leave(&tree);

	/* what somebody asked for himself stands before what git tracks */
	put(world->top, "top/.usyncignore", "deep/\n!empty/\n!x\nkept.log\n");
	walk_from(world, "top", &tree);
	assert_told(&tree, ".gitignore .usyncignore out");
	leave(&tree);
}

static void test_tracked_and_by_default(void **state)
{
	uc_auto(ignore_list) struct uc_ignore_list defaults = { 0 };
	struct world *world = *state;
	struct uc_error err = { 0 };
	struct tree tree = { 0 };

	init(world);
	put(world->top, "top/a.pt", "");
	put(world->top, "top/b.pt", "");
	track(world, "a.pt");
	assert_int_equal(
		uc_ignore_list_read(&defaults, "list", "", ".git\n*.pt\n", 10, &err), 0);
	walk_from(world, "top", &tree);
	forget(&tree);
	tree.options.defaults = &defaults;
	walk_well(&tree);
	assert_told(&tree, "a.pt");
	forget(&tree);
	tree.options.no_gitignore = true;
	walk_well(&tree);
	assert_told(&tree, "");
	leave(&tree);
}

static void test_rules_from_above(void **state)
{
	struct world *world = *state;
	struct tree tree = { 0 };

	init(world);
	put_folder(world->top, "top/a");
	put_folder(world->top, "top/a/b");
	put(world->top, "top/.gitignore", "/a/b/one\n*.log\nb/two\n");
	put(world->top, "top/a/.gitignore", "/b/three\n!x.log\n");
	put(world->top, "top/.git/info/exclude", "/a/b/five\n");
	put_folder(world->top, "home/.config");
	put_folder(world->top, "home/.config/git");
	put(world->top, "home/.config/git/ignore", "six\n");
	put(world->top, "top/a/b/.gitignore", "!five\n");
	put(world->top, "top/a/b/one", "");
	put(world->top, "top/a/b/two", "");
	put(world->top, "top/a/b/three", "");
	put(world->top, "top/a/b/x.log", "");
	put(world->top, "top/a/b/y.log", "");
	put(world->top, "top/a/b/five", "");
	put(world->top, "top/a/b/six", "");
	walk_from(world, "top/a/b", &tree);
	assert_told(&tree, ".gitignore five two x.log");
	assert_string_equal(tree.sum.skip[0].origin, "../../.gitignore");
	assert_string_equal(tree.sum.skip[2].origin, "../.gitignore");
	leave(&tree);

	/* rules of the user's choice; the root is walked whatever is said of it */
	put(world->top, "home/.gitconfig", "[core]\n\texcludesFile = ~/mine\n");
	put(world->top, "home/mine", "five\nb/\nx.log\n");
	put(world->top, "top/a/b/.gitignore", "");
	walk_from(world, "top/a/b", &tree);
	assert_told(&tree, ".gitignore six two x.log");
	leave(&tree);

	/* without git what lies in the work tree is read all the same */
	world->environment[0] = NO_GIT;
	walk_from(world, "top/a/b", &tree);
	assert_told(&tree, ".gitignore six two x.log");
	leave(&tree);
}

/* Of a repository of somebody else nothing is taken. */
static void test_of_somebody_else(void **state)
{
	struct world *world = *state;
	struct tree tree = { 0 };

	if (geteuid() != 0)
		skip();
	init(world);
	put_folder(world->top, "top/a");
	put(world->top, "top/.gitignore", "x\n");
	put(world->top, "top/a/x", "");
	assert_int_equal(fchownat(world->top->root, "top", 65534, 65534, 0), 0);
	assert_int_equal(fchownat(world->top->root, "top/.git", 65534, 65534, 0), 0);
	walk_from(world, "top/a", &tree);
	assert_told(&tree, "x");
	assert_int_equal(world->known.why.code, UC_FAILED);
	leave(&tree);
	world->environment[0] = NO_GIT;
	walk_from(world, "top/a", &tree);
	assert_told(&tree, "x");
	leave(&tree);
}

static void test_git_hangs(void **state)
{
	struct world *world = *state;
	struct uc_work_tree known = { 0 };
	struct uc_error err = { 0 };
	const int64_t begin = uc_monotonic_ms();
	char path[96];
	int root;

	init(world);
	put(world->top, "home/git", "#!/bin/sh\nexec /bin/sleep 100\n");
	assert_int_equal(fchmodat(world->top->root, "home/git", 0755, 0), 0);
	(void)snprintf(path, sizeof(path), "PATH=%s/home", world->top->path);
	world->environment[0] = path;
	root = openat(world->top->root, "top", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(
		uc_work_tree_load(&known, root, world->environment, begin + 300, &err),
		0);
	close(root);
	assert_int_equal(known.why.code, UC_UNREACHABLE);
	assert_int_equal(known.count, 0);
	assert_true(uc_monotonic_ms() - begin < 20000);
	uc_work_tree_free(&known);
	/* a folder in no work tree: nobody is asked */
	assert_int_equal(uc_work_tree_load(&known, world->top->root, world->environment,
					   uc_monotonic_ms() + 20000, &err),
			 0);
	assert_null(uc_work_tree_rules(&known));
	assert_int_equal(known.why.code, UC_OK);
	uc_work_tree_free(&known);
}

/* git as the judge */

#define TREES 60

/* A folder of the tree to begin in: the top, or some folders down. */
static void choose_root(const struct world *world, struct uc_buf *root, unsigned *seed)
{
	for (unsigned tries = random_below(seed, 60); tries > 0; tries--) {
		const char *name =
			random_name[random_below(seed, ARRAY_SIZE(random_name))];
		uc_auto(buf) struct uc_buf path = { 0 };
		struct stat st;

		uc_buf_addf(&path, "%s/%s", root->data, name);
		if (fstatat(world->top->root, path.data, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISDIR(st.st_mode))
			uc_buf_addf(root, "/%s", name);
	}
}

static bool is_ignored(const struct world *world, const char *folder)
{
	const char *const args[] = { "check-ignore", "-q", "--no-index", ".", NULL };

	return git(world, folder, args, NULL, NULL) == 0;
}

/* Every fourth file, ignored ones too. */
static void track_some(const struct world *world, unsigned *seed)
{
	const char *const list[] = { "ls-files", "-o", "-z", NULL };
	uc_auto(buf) struct uc_buf all = { 0 }, some = { 0 }, file = { 0 };
	const char *const add[] = {
		"--literal-pathspecs", "add", "-f", "--pathspec-from-file=-",
		"--pathspec-file-nul", NULL
	};
	int fd;

	assert_int_equal(git(world, "top", list, NULL, &all), 0);
	for (size_t at = 0; at < all.len; at += strlen(all.data + at) + 1)
		if (random_below(seed, 4) == 0)
			uc_buf_addn(&some, all.data + at, strlen(all.data + at) + 1);
	uc_buf_addf(&file, "%s/some", world->top->path);
	fd = open(file.data, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, uc_buf_text(&some), some.len), some.len);
	close(fd);
	if (some.len)
		assert_int_equal(git(world, "top", add, file.data, NULL), 0);
}

static void put_outside_rules(const struct world *world, unsigned *seed, bool user)
{
	int fd = openat(world->top->root, "top/.git/info", O_RDONLY | O_CLOEXEC);

	(void)unlinkat(fd, "exclude", 0);
	put_random_rules(fd, seed);
	assert_int_equal(renameat(fd, ".gitignore", fd, "exclude"), 0);
	close(fd);
	fd = openat(world->top->root, "home", O_RDONLY | O_CLOEXEC);
	(void)unlinkat(fd, "mine", 0);
	if (user) {
		put(world->top, "home/.gitconfig", "[core]\n\texcludesFile = ~/mine\n");
		put_random_rules(fd, seed);
		assert_int_equal(renameat(fd, ".gitignore", fd, "mine"), 0);
	}
	close(fd);
}

static void test_git_agrees(void **state)
{
	const char *const list[] = { "ls-files", "-co", "--exclude-standard", "-z",
				     NULL };
	struct world *world = *state;
	uint64_t told_files = 0, tracked = 0, below = 0;
	unsigned seed = 23;

	for (int i = 0; i < TREES; i++) {
		const bool has_git = i % 4 != 0;
		uc_auto(buf) struct uc_buf root = { 0 }, out = { 0 };
		const char *words[] = { "rm", "-rf", NULL, NULL };
		char path[96];
		struct tree tree = { 0 };
		int top;

		world->environment[0] = "PATH=/usr/bin:/bin";
		init(world);
		top = openat(world->top->root, "top", O_RDONLY | O_CLOEXEC);
		put_random(top, &seed, 0);
		close(top);
		put_outside_rules(world, &seed, has_git);
		if (has_git)
			track_some(world, &seed);
		uc_buf_add(&root, "top");
		choose_root(world, &root, &seed);
		if (root.len == 3 || !is_ignored(world, root.data)) {
			assert_int_equal(git(world, root.data, list, NULL, &out), 0);
			if (!has_git)
				world->environment[0] = NO_GIT;
			walk_from(world, root.data, &tree);
			compare(&tree, &out);
			told_files += tree.sum.files;
			tracked += world->known.count;
			below += root.len > 3;
			leave(&tree);
		}
		(void)snprintf(path, sizeof(path), "%s/top", world->top->path);
		words[2] = path;
		run(words, NULL);
		put_folder(world->top, "top");
	}
	print_message("# %ju files told, %ju tracked, %ju times below the top\n",
		      (uintmax_t)told_files, (uintmax_t)tracked, (uintmax_t)below);
	assert_true(told_files > 300 && tracked > 100 && below > TREES / 6);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_tracked_and_ignored, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_tracked_and_by_default, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_rules_from_above, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_of_somebody_else, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_git_hangs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_git_agrees, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("work_tree", tests, NULL, NULL);
}
