/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* --again: a job as its receipt has it, with what is given now on top. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include "usrun/usrun.h"

static int load(struct usrun *u, const char *word, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf dir = { 0 };
	char *end;
	unsigned long id;

	uc_run_state_dir(u->run, &dir);
	if (strcmp(word, "last") == 0)
		return uc_receipt_newest(uc_buf_text(&dir), NULL, &u->again, err);
	errno = 0;
	id = strtoul(word, &end, 10);
	if (errno || *end || !id || id > UINT32_MAX || word[0] < '0' || word[0] > '9')
		return uc_fail(err, UC_USAGE,
			       "--again '%s': a job's number or 'last' is expected",
			       word);
	return uc_receipt_read(uc_buf_text(&dir), (uint32_t)id, NULL, &u->again, err);
}

/* It runs where it ran; what is given now is seen from here. */
static int go_there(struct usrun *u, struct uc_error *err)
{
	const char *cwd = u->again->cwd;

	if (!cwd || chdir(cwd) < 0)
		return uc_fail_errno(err, UC_NOTFOUND, cwd ? errno : ENOENT,
				     "the directory of job %u, '%s'", u->again->job_id,
				     cwd ? cwd : "");
	u->cwd_before = u->run->cwd;
	u->run->cwd = strdup(cwd);
	return u->run->cwd ? 0 : uc_fail(err, UC_FAILED, "out of memory");
}

int usrun_again_open(struct usrun *u, struct uc_error *err)
{
	if (load(u, u->args.again, err) < 0 || go_there(u, err) < 0)
		return -1;
	u->args.batch |= u->again->batch;
	if (u->again->runtime && strcmp(u->again->runtime, "enroot") == 0 &&
	    u->args.runtime == RUNTIME_CONFIGURED)
		u->args.runtime = RUNTIME_ENROOT;
	return 0;
}

static void say_end(const struct usrun *u)
{
	if (u->again->ended)
		uc_run_say(u->run, 0, "job %u ended with exit code %u", u->again->job_id,
			   u->again->exit_code);
}

static void say_image(const struct usrun *u)
{
	const struct uc_container *box = uc_spec_container(u->spec);
	struct stat st;

	if (!box->image || !box->image_is_path || !u->again->container.image ||
	    !u->again->container.mtime ||
	    strcmp(box->image, u->again->container.image) != 0 ||
	    stat(box->image, &st) < 0)
		return;
	if (st.st_mtime != u->again->container.mtime ||
	    (uint64_t)st.st_size != u->again->container.size)
		uc_run_say(u->run, 0, "the image '%s' is not what it was for job %u",
			   box->image, u->again->job_id);
}

static void say_code(const struct usrun *u)
{
	const char *before = u->again->git.commit;
	uc_auto(git) struct uc_git git = { 0 };

	if (!before || u->again->snapshot ||
	    uc_git_look(u->run->cwd, u->run->environment, &git, NULL) < 0 || !git.commit)
		return;
	if (strcmp(before, git.commit) != 0)
		uc_run_say(u->run, 0,
			   "the code is at commit %.12s, for job %u it was %.12s",
			   git.commit, u->again->job_id, before);
	if (git.dirty || u->again->git.dirty)
		uc_run_say(u->run, 0, "the code %s changes that are not committed",
			   !git.dirty            ? "had"
			   : u->again->git.dirty ? "has, and had,"
						 : "has");
}

static int add_secrets(struct usrun *u, struct uc_error *err)
{
	for (const char *const *n = u->again->secrets; n && *n; n++) {
		if (uc_secrets_find(u->secrets, *n) || uc_spec_has_env(u->spec, *n))
			continue;
		if (usrun_take_secret(u, *n, err) < 0)
			return uc_hint(err, "job %u had it: --secret %s=FILE",
				       u->again->job_id, *n);
	}
	return 0;
}

int usrun_again_apply(struct usrun *u, struct uc_error *err)
{
	const struct uc_parse_rules rules = { .where = u->where, .batch = u->args.batch };
	const bool contained = !u->args.no_container && u->args.runtime != RUNTIME_NONE &&
			       (u->again->container.image || u->again->container.name);

	if (uc_spec_command(u->spec)[0]) {
		uc_fail(err, UC_USAGE,
			"--again runs the command of job %u, '%s' is too much",
			u->again->job_id, uc_spec_command(u->spec)[0]);
		return uc_hint(err, "only options can be changed");
	}
	if (add_secrets(u, err) < 0 ||
	    uc_spec_set_secrets(u->spec, u->secrets, err) < 0 ||
	    uc_spec_again(u->spec, u->again, &rules, u->run->environment, contained,
			  err) < 0)
		return -1;
	u->where.cwd = u->run->cwd;
	if (u->cwd_before && strcmp(u->cwd_before, u->run->cwd) != 0)
		uc_run_say(u->run, 0, "job %u ran in '%s', and so does this",
			   u->again->job_id, u->run->cwd);
	say_end(u);
	say_image(u);
	say_code(u);
	return 0;
}

/* Of a flag, the empty text; NULL: the former job did not have it. */
static const char *former_value(const struct uc_receipt *again, const char *name)
{
	for (size_t i = 0; i < again->option_count; i++)
		if (strcmp(again->options[i].name, name) == 0)
			return again->options[i].value ? again->options[i].value : "";
	return strcmp(name, "container-image") == 0 ? again->container.image : NULL;
}

static void add_change(const struct usrun *u, const struct uc_spec_item *item,
		       struct uc_buf *changes)
{
	const char *before = former_value(u->again, item->name);
	const char *value = item->value ? item->value : "";
	uc_auto(buf) struct uc_buf masked = { 0 };

	uc_secrets_mask(u->secrets, value, &masked);
	if (before && strcmp(before, uc_buf_text(&masked)) == 0)
		return;
	uc_buf_addf(changes, "%s--%s%s%s", changes->len ? ", " : "", item->name,
		    value[0] ? "=" : "", uc_buf_text(&masked));
	if (before && before[0])
		uc_buf_addf(changes, " instead of %s", before);
}

void usrun_again_say(const struct usrun *u)
{
	uc_auto(spec_items) struct uc_spec_items list = { 0 };
	uc_auto(buf) struct uc_buf changes = { 0 };

	if (uc_spec_list(u->spec, NULL, &list, NULL) < 0)
		return;
	for (size_t i = 0; i < list.count; i++)
		if (strcmp(list.item[i].layer, "option") == 0 &&
		    (list.item[i].kind == UC_ITEM_OPTION ||
		     strcmp(list.item[i].name, "container-image") == 0))
			add_change(u, &list.item[i], &changes);
	if (changes.len && !changes.failed)
		uc_run_say(u->run, 0, "job %u again, with %s", u->again->job_id,
			   uc_buf_text(&changes));
}

bool usrun_again_has_container(const struct usrun *u)
{
	const struct uc_container *box = uc_spec_container(u->spec);
	const bool had = u->again->container.image || u->again->container.name;

	/* one that is asked for only now needs the usual mounts */
	return had || (!box->image && !box->name);
}
