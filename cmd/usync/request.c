/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* From options and configuration to what is asked of the library. */
#include <string.h>
#include "common/ask.h"
#include "usync/command.h"

#define RULES_MAX ((size_t)1 << 20) /* bytes of a file of patterns */

void uc_usync_free(struct usync *u)
{
	uc_strv_free(&u->args.exclude);
	uc_strv_free(&u->args.include);
	uc_strv_free(&u->args.exclude_from);
	uc_strv_free(&u->only);
	uc_strv_free(&u->select);
	uc_buf_free(&u->near);
	uc_buf_free(&u->far);
	uc_buf_free(&u->command_rules);
	uc_buf_free(&u->config_rules);
	uc_buf_free(&u->state);
	usync_show_free(&u->show);
}

/* One line of rules. What begins with the rules' own signs is a name all the same. */
static int add_rule(struct uc_buf *rules, bool keep, const char *pattern,
		    struct uc_error *err)
{
	if (strchr(pattern, '\n'))
		return uc_fail(err, UC_USAGE, "a pattern cannot have a line break: '%s'",
			       pattern);
	uc_buf_addf(rules, "%s%s%s\n", keep ? "!" : "",
		    pattern[0] == '#' || pattern[0] == '!' ? "\\" : "", pattern);
	return 0;
}

static int add_rules(struct uc_buf *rules, const char *const *exclude,
		     const char *const *include, struct uc_error *err)
{
	for (; exclude && *exclude; exclude++)
		if (add_rule(rules, false, *exclude, err) < 0)
			return -1;
	/* behind: the last one that matches decides */
	for (; include && *include; include++)
		if (add_rule(rules, true, *include, err) < 0)
			return -1;
	return rules->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

static int add_rule_files(struct usync *u, struct uc_error *err)
{
	const struct uc_strv *files = &u->args.exclude_from;

	for (size_t i = 0; i < files->count; i++) {
		uc_auto(buf) struct uc_buf text = { 0 };
		const int got = usync_file_read(files->item[i], RULES_MAX, &text, err);

		if (got > 0)
			uc_fail(err, UC_NOTFOUND, "'%s' is not there", files->item[i]);
		if (got)
			return uc_context(err, "option '--exclude-from'");
		if (text.len && memchr(text.data, '\0', text.len))
			return uc_fail(err, UC_USAGE,
				       "option '--exclude-from': '%s' is no text",
				       files->item[i]);
		uc_buf_addf(&u->command_rules, "%s\n", uc_buf_text(&text));
	}
	return 0;
}

static const char *rules_or_null(const struct uc_buf *rules)
{
	return rules->len ? rules->data : NULL;
}

static int fill_rules(struct usync *u, struct uc_error *err)
{
	const struct uc_config *config = u->run->config;

	if (add_rule_files(u, err) < 0 ||
	    add_rules(&u->command_rules, (const char *const *)u->args.exclude.item,
		      (const char *const *)u->args.include.item, err) < 0)
		return -1;
	if (add_rules(&u->config_rules, uc_config_list(config, "sync.exclude"),
		      uc_config_list(config, "sync.include"), err) < 0)
		return uc_context(err, "sync.exclude");
	u->request.command_rules = rules_or_null(&u->command_rules);
	u->request.config_rules = rules_or_null(&u->config_rules);
	return 0;
}

static enum uc_ssh_transport transport(const struct usync *u)
{
	static const char *const names[] = { "auto", "ssh", "libssh2" };
	const char *text = uc_config_string(u->run->config, "sync.transport");

	if (u->args.transport >= 0)
		return (enum uc_ssh_transport)u->args.transport;
	for (int i = 0; text && i < 3; i++)
		if (strcmp(names[i], text) == 0)
			return (enum uc_ssh_transport)i;
	return UC_SSH_AUTO;
}

static void fill_connection(struct usync *u)
{
	struct uc_sync_request *request = &u->request;
	const struct usync_args *args = &u->args;

	request->compress = args->no_compress ? -1 : (int)args->compress;
	request->streams = (unsigned)args->streams;
	request->rate = args->bwlimit;
	request->sftp = args->sftp;
	request->silence_ms = request->ssh.connect_ms = request->ssh.start_ms =
		(int)args->timeout * 1000;
	request->helper = args->helper;
	if (!request->helper && !request->sftp)
		request->helper = uc_config_string(u->run->config, "sync.helper");
	request->ssh.transport = transport(u);
	request->ssh.config_file = args->config;
	request->ssh.environment = u->run->environment;
	request->ssh.keep = true;
	usync_prompts(u);
}

/* Wherever files may be deleted, somebody must be there to agree. */
static int check_delete(const struct usync *u, struct uc_error *err)
{
	const struct usync_args *args = &u->args;

	if (!u->request.remove || args->yes || args->dry_run)
		return 0;
	if (args->json)
		return uc_fail(
			err, UC_USAGE,
			"options '--delete' and '--json' ask nobody: they need '--yes'");
	if (uc_ask_possible(u->run))
		return 0;
	uc_fail(err, UC_USAGE, "'--delete' asks first, and there is no terminal");
	return uc_hint(err, "'--yes' does it without asking, '--dry-run' only says what");
}

int usync_request(struct usync *u, enum uc_sync_direction direction, struct uc_error *err)
{
	struct uc_sync_request *request = &u->request;
	const struct usync_args *args = &u->args;
	const bool push = direction == UC_SYNC_PUSH;

	request->direction = direction;
	request->no_gitignore = args->no_gitignore;
	request->no_defaults = args->no_defaults;
	request->cross = args->cross;
	request->checksum = args->checksum;
	request->dry_run = args->dry_run;
	/* what is configured is for pushes: here is the work */
	request->remove = args->remove ||
			  (push && uc_config_bool(u->run->config, "sync.delete", false));
	request->remove_max = args->max_delete
				      ? (uint64_t)args->max_delete
				      : (uint64_t)uc_config_number(u->run->config,
								   "sync.max_delete", 0);
	request->overwrite = args->overwrite;
	request->allow_secrets = args->allow_secrets;
	request->whole = args->whole;
	request->newest = (unsigned)args->newest;
	request->create = true;
	uc_run_state_dir(u->run, &u->state);
	if (u->state.len)
		uc_buf_add(&u->state, "/sync");
	request->state_folder = u->state.len ? uc_buf_text(&u->state) : NULL;
	fill_connection(u);
	return fill_rules(u, err) < 0 ? -1 : check_delete(u, err);
}
