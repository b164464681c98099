/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Files of rules at an SFTP server, as a walk reads them here: regular ones only. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sync/sftp_list.h"

static const char *const names[] = { ".git/info/exclude", ".gitignore", ".usyncignore" };

static int take_bytes(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		      struct uc_error *err);

static void ask_bytes(struct uc_sftp_rules *rules)
{
	struct uc_sftp_far *far = rules->dir->list->far;
	struct uc_sftp_call call = uc_sftp_dir_await(rules->dir, take_bytes, 0);

	call.arg = rules;
	uc_sftp_ask(&far->sftp, UC_SFTP_READ, call);
	uc_sftp_add_bytes(&far->sftp, rules->handle.bytes, rules->handle.len);
	uc_sftp_add_u64(&far->sftp, rules->text.len);
	uc_sftp_add_u32(&far->sftp, far->read_max);
	uc_sftp_send(&far->sftp);
}

static void end(struct uc_sftp_rules *rules, int errno_value)
{
	rules->errno_value = errno_value;
	rules->read = errno_value == 0;
	uc_sftp_ask_handle(&rules->dir->list->far->sftp, UC_SFTP_CLOSE, &rules->handle,
			   (struct uc_sftp_call){ 0 });
}

static int errno_of(const struct uc_sftp_answer *answer)
{
	int errno_value = uc_sftp_status_errno(answer->status);

	return errno_value ? errno_value : EIO;
}

static int take_bytes(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		      struct uc_error *err)
{
	struct uc_sftp_rules *rules = arg;

	(void)note;
	if (answer->type == UC_SFTP_DATA) {
		if (answer->len == 0 || answer->len > rules->dir->list->far->read_max)
			return uc_fail(err, UC_INVALID,
				       "the SFTP server sent %zu bytes of '%s'",
				       answer->len, rules->name);
		uc_buf_addn(&rules->text, answer->bytes, answer->len);
		if (rules->text.len > UC_IGNORE_FILE_MAX)
			end(rules, EFBIG);
		else
			ask_bytes(rules);
	} else {
		end(rules, answer->status == UC_SFTP_EOF ? 0 : errno_of(answer));
	}
	return uc_sftp_dir_answered(rules->dir, err);
}

static int take_handle(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		       struct uc_error *err)
{
	struct uc_sftp_rules *rules = arg;

	(void)note;
	if (answer->type == UC_SFTP_HANDLE) {
		uc_sftp_take_handle(&rules->handle, answer);
		ask_bytes(rules);
	} else if (answer->status != UC_SFTP_NO_SUCH_FILE) {
		rules->errno_value = errno_of(answer);
	}
	return uc_sftp_dir_answered(rules->dir, err);
}

static void open_rules(struct uc_sftp_rules *rules)
{
	struct uc_sftp_far *far = rules->dir->list->far;
	const char *full =
		uc_sftp_full(far, 0, uc_sftp_dir_path(rules->dir, rules->name));
	const struct uc_sftp_attrs none = { 0 };
	struct uc_sftp_call call = uc_sftp_dir_await(rules->dir, take_handle, 0);

	call.arg = rules;
	uc_sftp_ask(&far->sftp, UC_SFTP_OPEN, call);
	uc_sftp_add_bytes(&far->sftp, full, strlen(full));
	uc_sftp_add_u32(&far->sftp, UC_SFTP_READING);
	uc_sftp_add_attrs(&far->sftp, &none);
	uc_sftp_send(&far->sftp);
}

static int take_attrs(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		      struct uc_error *err)
{
	struct uc_sftp_rules *rules = arg;

	(void)note;
	if (answer->type == UC_SFTP_ATTRS && S_ISREG(answer->attrs.mode))
		open_rules(rules);
	return uc_sftp_dir_answered(rules->dir, err);
}

static const struct uc_sftp_child *find(const struct uc_sftp_dir *dir, const char *name)
{
	size_t low = 0, high = dir->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct uc_sftp_child *child = &dir->child[middle];
		int where = strcmp(name, uc_sftp_child_name(dir, child));

		if (where == 0)
			return child;
		if (where < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static struct uc_sftp_rules *add(struct uc_sftp_dir *dir, size_t which)
{
	struct uc_sftp_rules *rules = calloc(1, sizeof(*rules));

	if (rules)
		*rules = (struct uc_sftp_rules){ .dir = dir, .name = names[which] };
	return dir->rules[which] = rules;
}

int uc_sftp_rules_begin(struct uc_sftp_dir *dir, struct uc_error *err)
{
	const bool git = !dir->list->options.no_gitignore;
	const struct uc_sftp_child *child = git && !dir->above ? find(dir, ".git") : NULL;

	if (child && child->kind == UC_SYNC_FOLDER && !child->special) {
		struct uc_sftp_rules *rules = add(dir, 0);
		struct uc_sftp_far *far = dir->list->far;
		struct uc_sftp_call call;

		if (!rules)
			return uc_fail(err, UC_FAILED, "out of memory");
		call = uc_sftp_dir_await(dir, take_attrs, 0);
		call.arg = rules;
		uc_sftp_ask_path(&far->sftp, UC_SFTP_LSTAT,
				 uc_sftp_full(far, 0, rules->name), call);
	}
	for (size_t i = git ? 1 : 2; i < 3; i++) {
		child = find(dir, names[i]);
		if (!child || child->kind != UC_SYNC_FILE || child->special)
			continue;
		if (!add(dir, i))
			return uc_fail(err, UC_FAILED, "out of memory");
		open_rules(dir->rules[i]);
	}
	return 0;
}

static int put_above(struct uc_sftp_rules *rules, const struct uc_ignore_list **top,
		     struct uc_error *err)
{
	struct uc_sftp_dir *dir = rules->dir;
	const char *origin = uc_sftp_dir_path(dir, rules->name);

	if (rules->errno_value)
		uc_sftp_note(dir->list, UC_SYNC_BAD_RULES, origin, rules->errno_value);
	if (!rules->read)
		return 0;
	if (rules->text.failed)
		return uc_fail(err, UC_FAILED, "out of memory reading '%s'", origin);
	if (uc_ignore_list_read(&rules->list, origin, dir->path,
				uc_buf_text(&rules->text), rules->text.len, err) < 0)
		return -1;
	uc_buf_free(&rules->text);
	rules->list.above = *top;
	*top = &rules->list;
	return 0;
}

int uc_sftp_rules_apply(struct uc_sftp_dir *dir, struct uc_error *err)
{
	struct uc_sync_rules rules = { .options = &dir->list->walk };

	dir->git = dir->above ? dir->above->git : NULL;
	dir->own = dir->above ? dir->above->own : NULL;
	for (size_t i = 0; i < 3; i++)
		if (dir->rules[i] &&
		    put_above(dir->rules[i], i == 2 ? &dir->own : &dir->git, err) < 0)
			return -1;
	rules.git = dir->git;
	rules.own = dir->own;
	for (size_t i = 0; i < dir->count; i++) {
		struct uc_sftp_child *child = &dir->child[i];
		const char *path = uc_sftp_dir_path(dir, uc_sftp_child_name(dir, child));

		if (!child->skipped &&
		    uc_sync_rules_judge(&rules, path, child->kind == UC_SYNC_FOLDER).rule)
			child->skipped = true;
		else if (!child->skipped && child->special)
			uc_sftp_note(dir->list, UC_SYNC_SPECIAL, path, 0);
		child->skipped = child->skipped || child->special;
	}
	return 0;
}

void uc_sftp_rules_free(struct uc_sftp_rules *rules)
{
	if (!rules)
		return;
	uc_buf_free(&rules->text);
	uc_ignore_list_free(&rules->list);
	free(rules);
}
