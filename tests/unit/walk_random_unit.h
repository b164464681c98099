/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_TESTS_WALK_RANDOM_UNIT_H
#define UC_TESTS_WALK_RANDOM_UNIT_H
/* Trees and rules by chance, and comparing what was told with what git says. */
#include "walk_unit.h"

static const char *const random_name[] = { "a",    "b",   "ab",      "a b",   "-",
					   "#x",   "!y",  "a.log",   "\xff",  "[z]",
					   "\n",   "out", "a\\",     "c.tmp", "*",
					   "keep", ".h",  "\xc3\xa9" };

static inline void put_random_rules(int folder, unsigned *seed)
{
	static const char *const rule[] = {
		"a",      "*.log",  "!keep",  "out/",  "/b",    "a/**", "**/ab",
		"!a.log", "[!a]*x", "*",      "!*/",   "!.h",   "\\#x", "\\!y",
		"\xff",   "a b ",   "/*/a",   "-",     "?",     "b/a",  "a/b/",
		"!b/",    "c.*",    "[[]z]",  "a\\\\", "!/out", ".*",   "!\xc3*",
		"**/a/b", "x\\",    "!c.tmp", "/a/"
	};
	int fd = openat(folder, ".gitignore", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	uc_auto(buf) struct uc_buf text = { 0 };

	assert_true(fd >= 0);
	for (unsigned left = 1 + random_below(seed, 5); left > 0; left--)
		uc_buf_addf(&text, "%s\n", rule[random_below(seed, ARRAY_SIZE(rule))]);
	assert_int_equal(write(fd, text.data, text.len), text.len);
	close(fd);
}

static inline void put_random(int folder, unsigned *seed, int depth)
{
	if (random_below(seed, 3) == 0)
		put_random_rules(folder, seed);
	for (unsigned left = 2 + random_below(seed, 7); left > 0; left--) {
		const char *name =
			random_name[random_below(seed, ARRAY_SIZE(random_name))];
		unsigned kind = random_below(seed, 8);
		int fd = -1;

		if (kind == 0) {
			assert_true(symlinkat("a", folder, name) == 0 || errno == EEXIST);
		} else if (kind < 5 && depth < 4 && mkdirat(folder, name, 0755) == 0) {
			fd = openat(folder, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
			put_random(fd, seed, depth + 1);
		} else if (kind >= 5) {
			fd = openat(folder, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
		}
		if (fd >= 0)
			close(fd);
	}
}

static inline int by_bytes(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Files and links are what git knows; it tells them in another order. */
static inline void compare(struct tree *tree, const struct uc_buf *git)
{
	const char **ours = calloc(tree->list.count + 1, sizeof(*ours));
	const char **theirs = calloc(git->len + 1, sizeof(*theirs));
	size_t our = 0, their = 0;

	for (size_t i = 0; i < tree->list.count; i++) {
		const struct uc_sync_entry *entry = uc_sync_list_at(&tree->list, i);

		if (entry->kind != UC_SYNC_FOLDER)
			ours[our++] = entry->path;
	}
	for (size_t at = 0; at < git->len; at += strlen(git->data + at) + 1)
		theirs[their++] = git->data + at;
	qsort(ours, our, sizeof(*ours), by_bytes);
	qsort(theirs, their, sizeof(*theirs), by_bytes);
	for (size_t i = 0; i < our || i < their; i++)
		if (i >= our || i >= their || strcmp(ours[i], theirs[i]) != 0)
			fail_msg("%s: we say '%s', git '%s'", tree->path,
				 i < our ? ours[i] : "(end)",
				 i < their ? theirs[i] : "(end)");
	free(ours);
	free(theirs);
}

#endif
