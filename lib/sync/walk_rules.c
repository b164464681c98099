/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/walk_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Of several chains the first that has a rule. */
static bool find_rule(const struct uc_ignore_list *const *order, size_t count,
		      const char *path, bool is_folder, struct uc_sync_verdict *verdict)
{
	for (size_t i = 0; i < count && !verdict->rule; i++)
		verdict->rule = uc_ignore_find(order[i], path, is_folder, &verdict->list);
	return verdict->rule != NULL;
}

static bool is_git(const char *path)
{
	const char *slash = strrchr(path, '/');

	return strcmp(slash ? slash + 1 : path, ".git") == 0;
}

struct uc_sync_verdict uc_sync_rules_judge(const struct uc_sync_rules *rules,
					   const char *path, bool is_folder)
{
	const struct uc_sync_walk_options *options = rules->options;
	const struct uc_ignore_list *const said[] = { options->command, rules->own,
						      options->config };
	/* git's own rules, "!*" and the like, never speak of .git */
	const struct uc_ignore_list *const usual[] = { is_git(path) ? NULL : rules->git,
						       options->defaults };
	const struct uc_sync_verdict told = { 0 };
	struct uc_sync_verdict verdict = { 0 };

	if (find_rule(said, sizeof(said) / sizeof(said[0]), path, is_folder, &verdict)) {
		if (!verdict.rule->keep)
			return verdict;
		if (!rules->left.rule)
			return told;
	}
	/* below a folder that is left behind no rule brings anything back */
	if (rules->left.rule)
		verdict = rules->left;
	else if (!find_rule(usual, sizeof(usual) / sizeof(usual[0]), path, is_folder,
			    &verdict) ||
		 verdict.rule->keep)
		return told;
	verdict.in_part = false;
	if (!options->work_tree || options->no_gitignore)
		return verdict;
	if (uc_work_tree_tracks(options->work_tree, path))
		return told;
	verdict.in_part = is_folder && uc_work_tree_tracks_in(options->work_tree, path);
	return verdict;
}

/* The rule that was used last comes first: neighbours fall to the same one. */
static struct uc_sync_skip *find_skip(struct uc_sync_rules *rules, const char *origin,
				      int line)
{
	struct uc_sync_skip *skip = rules->sum->skip;

	for (size_t i = 0; i < rules->sum->skips; i++) {
		size_t at = (rules->last + i) % rules->sum->skips;

		if (skip[at].line != line || strcmp(skip[at].origin, origin) != 0)
			continue;
		rules->last = at;
		return &skip[at];
	}
	return NULL;
}

static struct uc_sync_skip *add_skip(struct uc_sync_rules *rules, const char *origin,
				     const char *text, int line)
{
	struct uc_sync_walked *sum = rules->sum;
	struct uc_sync_skip *skip =
		reallocarray(sum->skip, sum->skips + 1, sizeof(*skip));

	if (!skip)
		return NULL;
	sum->skip = skip;
	skip += sum->skips;
	*skip = (struct uc_sync_skip){ .origin = strdup(origin),
				       .rule = strdup(text),
				       .line = line };
	if (skip->origin && skip->rule) {
		rules->last = sum->skips++;
		return skip;
	}
	free(skip->origin);
	free(skip->rule);
	return NULL;
}

/* The sums of a rule; NULL when out of memory. */
static struct uc_sync_skip *get_skip(struct uc_sync_rules *rules,
				     const struct uc_sync_verdict *verdict)
{
	const char *origin = verdict->list->origin;
	struct uc_sync_skip *skip = find_skip(rules, origin, verdict->rule->line);

	if (skip)
		return skip;
	if (rules->sum->skips == UC_SYNC_SKIPS_MAX)
		return &rules->sum->skip[UC_SYNC_SKIPS_MAX - 1];
	if (rules->sum->skips == UC_SYNC_SKIPS_MAX - 1)
		return add_skip(rules, "", "", 0);
	return add_skip(rules, origin, verdict->rule->text, verdict->rule->line);
}

int uc_sync_rules_count(struct uc_sync_rules *rules,
			const struct uc_sync_verdict *verdict, const struct stat *st)
{
	struct uc_sync_skip *skip = get_skip(rules, verdict);

	if (!skip)
		return -1;
	if (S_ISDIR(st->st_mode))
		skip->folders++;
	else
		skip->files++;
	if (S_ISREG(st->st_mode))
		skip->bytes += (uint64_t)st->st_size;
	return 0;
}

/* Returns 0 or the errno. */
static int read_all(int fd, struct uc_buf *text)
{
	char block[16384];
	struct stat st;
	ssize_t got;

	if (fstat(fd, &st) < 0)
		return errno;
	if (!S_ISREG(st.st_mode))
		return ENOENT;
	while ((got = read(fd, block, sizeof(block))) > 0) {
		uc_buf_addn(text, block, (size_t)got);
		if (text->failed)
			return ENOMEM;
		if (text->len > UC_IGNORE_FILE_MAX)
			return EFBIG;
	}
	return got < 0 ? errno : 0;
}

static int read_at(int folder, const char *name, int flags, struct uc_buf *text)
{
	int fd = openat(folder, name,
			O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | flags);
	int errno_value;

	if (fd < 0) {
		if (errno == ELOOP || errno == ENOTDIR || errno == ENXIO)
			errno = ENOENT;
		return -1;
	}
	errno_value = read_all(fd, text);
	close(fd);
	errno = errno_value;
	return errno_value ? -1 : 0;
}

int uc_sync_rules_read(int folder, const char *name, struct uc_buf *text)
{
	return read_at(folder, name, O_NOFOLLOW, text);
}

int uc_sync_rules_read_file(const char *path, struct uc_buf *text)
{
	return read_at(AT_FDCWD, path, 0, text);
}
