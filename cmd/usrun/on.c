/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * --on HOST: usync brings the project there and keeps a snapshot, usrun there submits,
 * uattach there shows the output, usync brings the results here. A connection that is
 * lost is made again. No Slurm is needed here.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "common/files.h"
#include "common/json.h"
#include "usrun/on.h"

#define ID_MAX     128
#define SSH_FAILED 255
#define NOT_FOUND  127

/* --- what can be had --- */

static int refuse(struct uc_error *err, const char *option, const char *hint)
{
	uc_fail(err, UC_USAGE, "'--%s' does not go with '--on'", option);
	return hint ? uc_hint(err, "%s", hint) : -1;
}

static int check_variables(const struct usrun *u, struct uc_error *err)
{
	for (size_t i = 0; i < u->args.env.count; i++)
		if (!strchr(u->args.env.item[i], '='))
			return refuse(err, "env NAME",
				      "the variable is one of this machine: "
				      "--env NAME=VALUE");
	for (size_t i = 0; i < u->args.secret.count; i++)
		if (!strchr(u->args.secret.item[i], '='))
			return refuse(err, "secret NAME",
				      "'--secret NAME=FILE' takes a file of that host");
	return 0;
}

static int check_options(const struct usrun *u, bool terminal, struct uc_error *err)
{
	if (u->args.snapshot)
		return refuse(err, "snapshot", "it always runs from a snapshot");
	if (u->args.again)
		return refuse(err, "again", "on that host itself: usrun --again=JOBID");
	if (u->args.explain || u->args.json)
		return refuse(err, "explain", "on that host itself: usrun --explain");
	if (u->args.forward.count)
		return refuse(err, "forward",
			      "on that host: uattach JOBID --forward PORT");
	if (terminal && (u->args.batch || u->args.follow || u->args.parsable))
		return uc_fail(err, UC_USAGE,
			       "'--pty' and '--detachable' are no batch jobs");
	return check_variables(u, err);
}

/* --- the project --- */

static int fail_place(const struct usrun_on *on, const char *configured,
		      struct uc_error *err)
{
	if (configured && on->dir)
		uc_fail(err, UC_USAGE, "this project goes to '%s', not to '%s'",
			configured, on->host);
	else
		uc_fail(err, UC_USAGE, "where on '%s' this project goes is not known",
			on->host);
	return uc_hint(err, "'usync init %s:DIR' writes it into .ucluster.yaml",
		       on->host);
}

static int find_project(struct usrun_on *on, struct uc_error *err)
{
	const struct uc_config *config = on->u->run->config;
	const char *configured = uc_config_string(config, "sync.host");
	const char *file = uc_config_project_path(config), *cwd = on->u->run->cwd;
	char *root = NULL;
	size_t len;

	on->dir = uc_config_string(config, "sync.dir");
	if (!file || !on->dir || !configured || strcmp(configured, on->host) != 0)
		return fail_place(on, file ? configured : NULL, err);
	if (!cwd)
		return uc_fail(err, UC_FAILED, "the working directory is gone");
	uc_buf_addn(&on->root, file, (size_t)(strrchr(file, '/') - file));
	root = realpath(on->root.len ? on->root.data : "/", NULL);
	if (!root)
		return uc_fail_errno(err, UC_FAILED, errno, "'%s'",
				     uc_buf_text(&on->root));
	uc_buf_reset(&on->root);
	uc_buf_add(&on->root, root);
	free(root);
	len = strcmp(uc_buf_text(&on->root), "/") == 0 ? 0 : on->root.len;
	if (strncmp(cwd, uc_buf_text(&on->root), len) == 0 && cwd[len] == '/')
		uc_buf_add(&on->folder, cwd + len + 1);
	return on->root.failed || on->folder.failed
		       ? uc_fail(err, UC_FAILED, "out of memory")
		       : 0;
}

/* --- steps --- */

/* What a child has said; then there is nothing more to say. */
int usrun_on_end(const struct usrun_on *on, int status)
{
	on->u->run->status = status ? status : UC_FAILED;
	return -1;
}

static int interrupted(const struct usrun_on *on, const struct usrun_on_child *child)
{
	return usrun_on_end(on, 128 + child->signal);
}

static bool is_id(const char *id, size_t len)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789._-";

	return len > 0 && len <= ID_MAX && id[0] != '.' && id[0] != '-' &&
	       strspn(id, plain) >= len;
}

static int push(struct usrun_on *on, struct uc_error *err)
{
	struct usrun_on_child child = { .capture = true };
	uc_auto(strv) struct uc_strv words = { 0 };
	const char *text, *last;
	int rc;

	usrun_on_push_words(on, &words);
	rc = usrun_on_run(on, &words, &child, err);
	if (rc == 0 && child.signal)
		rc = interrupted(on, &child);
	else if (rc == 0 && child.status)
		rc = usrun_on_end(on, child.status);
	if (rc == 0) {
		while (child.out.len && child.out.data[child.out.len - 1] == '\n')
			child.out.data[--child.out.len] = '\0';
		text = uc_buf_text(&child.out);
		last = strrchr(text, '\n') ? strrchr(text, '\n') + 1 : text;
		if (is_id(last, strlen(last)))
			uc_buf_add(&on->snapshot, last);
		else
			rc = uc_fail(err, UC_FAILED, "usync names no snapshot");
	}
	uc_buf_free(&child.out);
	return rc;
}

static int fail_submit(const struct usrun_on *on, int status, struct uc_error *err)
{
	if (status == NOT_FOUND) {
		uc_fail(err, UC_NOTFOUND, "no usrun on '%s', in PATH or ~/.local/bin",
			on->host);
		return uc_hint(err, "the project is there, nothing was submitted");
	}
	if (status != SSH_FAILED)
		return usrun_on_end(on, status);
	uc_fail(err, UC_UNREACHABLE,
		"'%s' cannot be reached, or the connection ended: whether the job was "
		"submitted is not known",
		on->host);
	return uc_hint(err, "ssh %s uqueue --me", on->host);
}

/* What was submitted, so that it can be found again; that it is kept is no must. */
static void keep_receipt(const struct usrun_on *on)
{
	uc_auto(buf) struct uc_buf path = { 0 }, text = { 0 }, line = { 0 };
	struct uc_json json = { .out = &text };
	struct uc_error err = { 0 };

	if (!uc_config_bool(on->u->run->config, "receipts", true))
		return;
	uc_buf_quote_argv(&line, uc_spec_command(on->u->spec), UC_QUOTE_EXACT);
	uc_json_open(&json, NULL, '{');
	uc_json_number(&json, "version", 1);
	uc_json_text(&json, "host", uc_raw(on->host));
	uc_json_number(&json, "job", on->job);
	uc_json_number(&json, "time", time(NULL));
	uc_json_text(&json, "project", uc_raw(uc_buf_text(&on->root)));
	uc_json_text(&json, "dir", uc_raw(on->dir));
	uc_json_text(&json, "snapshot", uc_raw(uc_buf_text(&on->snapshot)));
	uc_json_text(&json, "command", uc_raw(uc_buf_text(&line)));
	uc_json_close(&json, '}');
	uc_buf_addc(&text, '\n');
	uc_run_state_dir(on->u->run, &path);
	if (!path.len || text.failed || line.failed)
		return;
	uc_buf_addf(&path, "/on/%s/%" PRIu32 ".json", on->host, on->job);
	if (!path.failed && uc_keep_file(path.data, text.data, text.len, 0600, &err) < 0)
		uc_run_say(on->u->run, 1, "no receipt: %s", err.text);
}

static int submit(struct usrun_on *on, struct uc_error *err)
{
	struct usrun_on_child child = { .capture = true, .relay = true };
	uc_auto(strv) struct uc_strv words = { 0 };
	const char *text;
	char *rest = NULL;
	unsigned long id;
	int rc;

	if (usrun_on_submit_words(on, &words, err) < 0)
		return -1;
	rc = usrun_on_run(on, &words, &child, err);
	text = uc_buf_text(&child.out);
	/* the number may come behind what a start-up file there prints */
	while (rc == 0 && strchr(text, '\n') && strchr(text, '\n')[1])
		text = strchr(text, '\n') + 1;
	errno = 0;
	id = rc == 0 ? strtoul(text, &rest, 10) : 0;
	if (rc == 0 &&
	    (!id || errno || id >= UC_NONE32 || !rest || (*rest && *rest != '\n'))) {
		if (child.signal)
			rc = interrupted(on, &child);
		else if (child.status)
			rc = fail_submit(on, child.status, err);
		else
			rc = uc_fail(err, UC_FAILED, "usrun on '%s' names no job",
				     on->host);
	}
	on->job = rc == 0 ? (uint32_t)id : 0;
	uc_buf_free(&child.out);
	if (rc < 0)
		return -1;
	keep_receipt(on);
	if (!child.signal)
		return 0;
	usrun_on_say_back(on);
	return interrupted(on, &child);
}

/* --- all of it --- */

static void print_words(const struct usrun_on *on, const struct uc_strv *words)
{
	uc_auto(buf) struct uc_buf line = { 0 };

	uc_buf_quote_argv(&line, (const char *const *)words->item,
			  on->u->run->stdout_tty ? UC_QUOTE_VISIBLE : UC_QUOTE_EXACT);
	puts(uc_buf_text(&line));
}

static int show_all(struct usrun_on *on, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv push_words = { 0 }, submit_words = { 0 };
	uc_auto(strv) struct uc_strv follow_words = { 0 }, pull_words = { 0 };

	uc_buf_add(&on->snapshot, "SNAPSHOT");
	usrun_on_push_words(on, &push_words);
	if (usrun_on_submit_words(on, &submit_words, err) < 0)
		return -1;
	print_words(on, &push_words);
	print_words(on, &submit_words);
	if (on->u->args.batch && !on->u->args.follow)
		return 0;
	usrun_on_follow_words(on, "END", &follow_words);
	usrun_on_pull_words(on, &pull_words);
	if (!on->terminal)
		print_words(on, &follow_words);
	if (uc_config_list(on->u->run->config, "sync.outputs")[0])
		print_words(on, &pull_words);
	return 0;
}

/* The terminal is ssh's. */
static int be_terminal(struct usrun_on *on, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv words = { 0 };
	struct usrun_on_child child = { 0 };
	int status;

	if (usrun_on_submit_words(on, &words, err) < 0 ||
	    usrun_on_run(on, &words, &child, err) < 0)
		return -1;
	status = child.status == SSH_FAILED ? UC_UNREACHABLE : child.status;
	if (usrun_on_pull(on, &status, err) < 0)
		return -1;
	return status ? usrun_on_end(on, status) : 0;
}

static int be_batch(struct usrun_on *on, struct uc_error *err)
{
	int status = 0;

	if (submit(on, err) < 0)
		return -1;
	if (on->u->args.batch && !on->u->args.follow) {
		if (on->u->args.parsable)
			printf("%" PRIu32 "\n", on->job);
		else
			printf("Submitted batch job %" PRIu32 " on %s\n", on->job,
			       on->host);
		return 0;
	}
	uc_run_say(on->u->run, 0, "submitted job %" PRIu32 " on %s", on->job, on->host);
	if (usrun_on_follow(on, &status, err) < 0 || usrun_on_pull(on, &status, err) < 0)
		return -1;
	return status ? usrun_on_end(on, status) : 0;
}

static int work(struct usrun_on *on, struct uc_error *err)
{
	const struct usrun *u = on->u;

	on->terminal = u->args.detachable || uc_spec_get(u->spec, "pty");
	on->cannot_resume = uc_spec_get(u->spec, "array") != NULL;
	if (check_options(u, on->terminal, err) < 0)
		return -1;
	if (!uc_spec_command(u->spec)[0])
		return uc_fail(err, UC_USAGE, "no command");
	if (find_project(on, err) < 0)
		return -1;
	if (u->args.dry_run)
		return show_all(on, err);
	on->signals = usrun_on_signals();
	if (push(on, err) < 0)
		return -1;
	return on->terminal ? be_terminal(on, err) : be_batch(on, err);
}

int usrun_on(struct usrun *u, struct uc_error *err)
{
	struct usrun_on on = { .u = u, .host = u->args.on, .signals = -1 };
	const int rc = work(&on, err);

	if (on.signals >= 0)
		close(on.signals);
	uc_buf_free(&on.root);
	uc_buf_free(&on.folder);
	uc_buf_free(&on.snapshot);
	return rc;
}
