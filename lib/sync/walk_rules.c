/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/walk_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct uc_ignore_rule *uc_sync_rules_decide(const struct uc_sync_rules *rules,
						  const char *path, bool is_folder,
						  const struct uc_ignore_list **where)
{
	const struct uc_sync_walk_options *options = rules->options;
	const struct uc_ignore_list *const order[] = { options->command, rules->own,
						       options->config, rules->git,
						       options->defaults };

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		const struct uc_ignore_rule *rule =
			uc_ignore_find(order[i], path, is_folder, where);

		if (rule)
			return rule->keep ? NULL : rule;
	}
	return NULL;
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
				     const struct uc_ignore_list *list,
				     const struct uc_ignore_rule *rule)
{
	struct uc_sync_skip *skip = find_skip(rules, list->origin, rule->line);

	if (skip)
		return skip;
	if (rules->sum->skips == UC_SYNC_SKIPS_MAX)
		return &rules->sum->skip[UC_SYNC_SKIPS_MAX - 1];
	if (rules->sum->skips == UC_SYNC_SKIPS_MAX - 1)
		return add_skip(rules, "", "", 0);
	return add_skip(rules, list->origin, rule->text, rule->line);
}

int uc_sync_rules_count(struct uc_sync_rules *rules, const struct uc_ignore_list *list,
			const struct uc_ignore_rule *rule, const struct stat *st)
{
	struct uc_sync_skip *skip = get_skip(rules, list, rule);

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

int uc_sync_rules_read(int folder, const char *name, struct uc_buf *text)
{
	int fd = openat(folder, name,
			O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
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
