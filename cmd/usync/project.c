/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * A project: the folder of a .ucluster.yaml, and the one on a host that belongs to it.
 * The file may have come with somebody's repository: where it alone says to go, the user
 * is asked once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "common/ask.h"
#include "common/json.h"
#include "usync/command.h"

/* --- what was agreed to --- */

/* The whole content of the file that says so. */
static void agreement(const struct usync *u, struct uc_buf *out)
{
	struct uc_json json = { .out = out };

	uc_json_open(&json, NULL, '{');
	uc_json_number(&json, "version", 1);
	uc_json_text(&json, "project", uc_raw(uc_buf_text(&u->near)));
	uc_json_text(&json, "host", uc_raw(u->host));
	uc_json_text(&json, "dir", uc_raw(uc_buf_text(&u->far)));
	uc_json_close(&json, '}');
	uc_buf_addc(out, '\n');
}

/* A file for each project; "" when there is no place for it. */
static void agreement_path(const struct usync *u, struct uc_buf *out)
{
	uint64_t hash = 0xcbf29ce484222325;

	for (const char *p = uc_buf_text(&u->near); *p; p++)
		hash = (hash ^ (unsigned char)*p) * 0x100000001b3; /* FNV-1a */
	uc_run_state_dir(u->run, out);
	if (out->len)
		uc_buf_addf(out, "/sync-places/%016llx.json", (unsigned long long)hash);
}

static bool is_agreed(const struct usync *u)
{
	uc_auto(buf) struct uc_buf path = { 0 }, text = { 0 }, wanted = { 0 };

	agreement_path(u, &path);
	agreement(u, &wanted);
	return path.len && usync_file_read(path.data, 65536, &text, NULL) == 0 &&
	       !wanted.failed && strcmp(uc_buf_text(&text), wanted.data) == 0;
}

void usync_agree(const struct usync *u)
{
	uc_auto(buf) struct uc_buf path = { 0 }, text = { 0 };
	struct uc_error err = { 0 };

	agreement_path(u, &path);
	agreement(u, &text);
	if (!path.len || path.failed || text.failed)
		return;
	if (uc_keep_file(path.data, text.data, text.len, 0600, &err) < 0)
		uc_run_say(u->run, 0, "it will be asked again: %s", err.text);
}

static bool is_from_project(const struct usync *u, const char *key)
{
	const struct uc_setting *set = uc_config_get(u->run->config, key);

	return set && set->layer == UC_LAYER_PROJECT;
}

static int agree(struct usync *u, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf question = { 0 };

	if ((!is_from_project(u, "sync.host") && !is_from_project(u, "sync.dir")) ||
	    is_agreed(u))
		return 0;
	if (!u->args.yes && (u->args.json || !uc_ask_possible(u->run))) {
		uc_fail(err, UC_DENIED,
			"'%s' says to go to %s:%s, which was never agreed to",
			uc_config_project_path(u->run->config), u->host,
			uc_buf_text(&u->far));
		return uc_hint(err, "'--yes' agrees, for this and later runs");
	}
	uc_buf_addf(&question, "this project goes to %s:", u->host);
	uc_buf_safe(&question, uc_raw(uc_buf_text(&u->far)), u->run->safe);
	uc_buf_add(&question, ", says its .ucluster.yaml; is that right");
	if (!u->args.yes && !uc_ask_yes(u->run, uc_buf_text(&question)))
		return uc_fail(err, UC_DENIED, "not agreed to: nothing was done");
	usync_agree(u);
	return 0;
}

/* --- folders --- */

static int find_near(struct usync *u, struct uc_error *err)
{
	const char *file = uc_config_project_path(u->run->config);
	uc_auto(buf) struct uc_buf folder = { 0 };
	char *real;

	if (!file) {
		uc_fail(err, UC_USAGE,
			"no .ucluster.yaml here or above: where to is not known");
		return uc_hint(err, "'usync init HOST:DIR' writes one; 'usync SRC "
				    "HOST:DST' needs none");
	}
	uc_buf_addn(&folder, file, (size_t)(strrchr(file, '/') - file));
	real = realpath(folder.len ? folder.data : "/", NULL);
	if (!real)
		return uc_fail_errno(err, UC_FAILED, errno, "'%s'", uc_buf_text(&folder));
	uc_buf_add(&u->near, real);
	free(real);
	return 0;
}

int usync_project(struct usync *u, struct uc_error *err)
{
	const char *dir = uc_config_string(u->run->config, "sync.dir");

	u->host = uc_config_string(u->run->config, "sync.host");
	if (find_near(u, err) < 0)
		return -1;
	if (!u->host || !dir) {
		uc_fail(err, UC_USAGE, "'sync.%s' is not set: where to is not known",
			u->host ? "dir" : "host");
		return uc_hint(err,
			       "'usync init HOST:DIR' writes it into .ucluster.yaml");
	}
	uc_buf_add(&u->far, dir);
	if (u->near.failed || u->far.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	u->request.near = u->near.data;
	u->request.far = u->far.data;
	u->request.host = u->host;
	u->request.ssh.destination = u->host;
	return agree(u, err);
}

/* --- words --- */

static bool is_pattern(const char *word)
{
	return strpbrk(word, "*?[") && access(word, F_OK) < 0;
}

/* Below the project's folder, or NULL. "": the folder itself. */
static const char *below(const struct usync *u, const char *path)
{
	const size_t len = u->near.len;

	if (strcmp(u->near.data, "/") == 0)
		return path + 1;
	if (strncmp(path, u->near.data, len) != 0)
		return NULL;
	return path[len] == '/' ? path + len + 1 : path[len] ? NULL : path + len;
}

static int fail_outside(const struct usync *u, const char *word, struct uc_error *err)
{
	return uc_fail(err, UC_USAGE, "'%s' is outside the project's folder, '%s'", word,
		       u->near.data);
}

/* A pattern is of the working directory, too: one without a slash of all below it. */
static void add_pattern(struct usync *u, const char *folder, const char *word)
{
	const bool anchored = strchr(word, '/') != NULL;

	if (!folder[0])
		uc_strv_add(&u->select, word);
	else
		uc_strv_addf(&u->select, "%s%s%s", folder, anchored ? "/" : "/**/", word);
}

/* Paths as patterns, for they are taken together: the thing itself, and what is in it. */
static int add_outputs(struct usync *u, struct uc_error *err)
{
	const char *const *outputs = uc_config_list(u->run->config, "sync.outputs");

	if (u->run->parsed.operands.count)
		return uc_fail(err, UC_USAGE, "'--outputs' and paths exclude each other");
	if (!*outputs) {
		uc_fail(err, UC_USAGE, "'sync.outputs' is not set");
		return uc_hint(err, "in .ucluster.yaml, below 'sync:': outputs: [logs/]");
	}
	for (; *outputs; outputs++) {
		int len = (int)strlen(*outputs);

		if (strpbrk(*outputs, "*?[")) {
			uc_strv_add(&u->select, *outputs);
			continue;
		}
		while (len > 1 && (*outputs)[len - 1] == '/')
			len--;
		uc_strv_addf(&u->select, "/%.*s", len, *outputs);
		uc_strv_addf(&u->select, "/%.*s/**", len, *outputs);
	}
	return 0;
}

/*
 * What is asked for by name is results, as a rule, which both lists leave behind. But
 * what the host has as hooks and configuration of git is not taken along: git runs it
 * here.
 */
static void take_named(struct usync *u)
{
	if (!u->request.no_defaults)
		uc_buf_add(&u->command_rules, ".git\n");
	u->request.no_gitignore = u->request.no_defaults = true;
	u->request.command_rules =
		u->command_rules.len ? uc_buf_text(&u->command_rules) : NULL;
}

int usync_words(struct usync *u, struct uc_error *err)
{
	const struct uc_strv *words = &u->run->parsed.operands;
	char *cwd = words->count ? realpath(".", NULL) : NULL;
	const char *folder = cwd ? below(u, cwd) : NULL;
	int result = 0;

	u->request.select_may_miss = u->args.outputs; /* they may not be there yet */
	if (u->args.outputs)
		result = add_outputs(u, err);
	else if (words->count && !folder)
		result = uc_fail(err, UC_FAILED, "the working directory is gone");
	for (size_t i = 0; i < words->count && result == 0; i++) {
		uc_auto(buf) struct uc_buf path = { 0 };
		const char *inside;

		if (is_pattern(words->item[i])) {
			add_pattern(u, folder, words->item[i]);
			continue;
		}
		usync_path_clean(&path, cwd, words->item[i]);
		inside = path.failed ? NULL : below(u, uc_buf_text(&path));
		if (!inside)
			result = fail_outside(u, words->item[i], err);
		else
			uc_strv_add(&u->only, inside);
	}
	free(cwd);
	/* the folder itself is everything */
	if (uc_strv_find(&u->only, "") >= 0)
		uc_strv_free(&u->only);
	if (u->request.direction == UC_SYNC_PULL && (u->only.count || u->select.count))
		take_named(u);
	u->request.only = (const char *const *)u->only.item;
	u->request.select = (const char *const *)u->select.item;
	if (result == 0 &&
	    (u->only.failed || u->select.failed || u->command_rules.failed))
		return uc_fail(err, UC_FAILED, "out of memory");
	return result;
}
