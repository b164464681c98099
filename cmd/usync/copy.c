/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * usync SRC... DST, as rsync has it: "dir/" is what is in it, "dir" the folder itself.
 * Sources that lie in the same folder go in one run.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "usync/options.h"

// clang-format off
const struct uc_opt usync_copy_options[] = {
	USYNC_HOW_OPTIONS,
	USYNC_WHAT_OPTIONS,
	USYNC_SECRET_OPTION,
	USYNC_SELECT_OPTION,
	USYNC_LINK_OPTIONS,
	USYNC_SPEED_OPTIONS,
	USYNC_SHOW_OPTIONS,
	{ "serve", .type = UC_OPT_FLAG, .flags = UC_OPT_HIDDEN, USYNC_AT(snapshot),
	  .help = "be the other end; has to be the only word" },
	{ 0 }
};
// clang-format on

/* One run of several: sources below one folder. */
struct group {
	const char *host;
	struct uc_buf folder;
	struct uc_strv only; /* none: all that is in it */
};

struct copy {
	struct uc_run *run;
	const struct usync_args *args;
	struct usync_place *place; /* sources, then the destination */
	size_t sources;
	bool remote_source, remote_target;
};

/* The last name of a path that means the thing itself; NULL: what is in it. */
static const char *thing_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	return !name[0] || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 ||
			       strcmp(path, "~") == 0
		       ? NULL
		       : name;
}

/* "" is the folder there that a login begins in. */
static void add_folder(const struct copy *copy, const struct usync_place *place,
		       size_t len, struct uc_buf *out)
{
	uc_auto(buf) struct uc_buf part = { 0 };

	uc_buf_addn(&part, uc_buf_text(&place->path), len);
	if (part.failed) {
		out->failed = true; /* not another place */
		return;
	}
	if (!place->host.len)
		usync_path_clean(out, copy->run->cwd, len ? uc_buf_text(&part) : ".");
	else
		uc_buf_add(out, len ? uc_buf_text(&part) : ".");
}

static void take_source(const struct copy *copy, const struct usync_place *place,
			struct group *group)
{
	const char *path = uc_buf_text(&place->path), *name = thing_name(path);
	size_t len = name ? (size_t)(name - path) : strlen(path);

	uc_buf_reset(&group->folder);
	while (len > 1 && path[len - 1] == '/')
		len--;
	add_folder(copy, place, len, &group->folder);
	if (name)
		uc_strv_add(&group->only, name);
}

/* What is named must be there; over a link it is what the link leads to with a slash. */
static int check_source(const struct usync_place *place, struct uc_error *err)
{
	const char *path = uc_buf_text(&place->path);
	struct stat st;

	if (place->host.len)
		return 0;
	if (lstat(path, &st) < 0 || (!thing_name(path) && stat(path, &st) < 0))
		return uc_fail_errno(err,
				     errno == ENOENT || errno == ENOTDIR ? UC_NOTFOUND
				     : errno == EACCES                   ? UC_DENIED
									 : UC_FAILED,
				     errno, "'%s'", path);
	if (!thing_name(path) && !S_ISDIR(st.st_mode))
		return uc_fail(err, UC_USAGE, "'%s' is no folder", path);
	return 0;
}

/* A path that was cut short is another one. */
static int set_folders(const struct copy *copy, const struct usync_place *target,
		       const struct group *group, struct usync *u, struct uc_error *err)
{
	struct uc_buf *source = copy->remote_source ? &u->far : &u->near;
	struct uc_buf *there = copy->remote_source ? &u->near : &u->far;

	uc_buf_add(source, uc_buf_text(&group->folder));
	add_folder(copy, target, target->path.len, there);
	if (source->failed || there->failed || group->folder.failed || group->only.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return 0;
}

static int run_group(struct copy *copy, const struct group *group)
{
	const struct usync_place *target = &copy->place[copy->sources];
	const bool pull = copy->remote_source;
	uc_auto(usync) struct usync u = { .run = copy->run };
	struct uc_error err = { 0 };

	/* the lists are the caller's */
	u.args = *copy->args;
	u.show.verb = "copy";
	if (usync_request(&u, pull ? UC_SYNC_PULL : UC_SYNC_PUSH, &err) < 0 ||
	    set_folders(copy, target, group, &u, &err) < 0) {
		uc_run_error(copy->run, &err);
	} else {
		u.host = pull                  ? group->host
			 : copy->remote_target ? uc_buf_text(&target->host)
					       : NULL;
		u.request.near = uc_buf_text(&u.near);
		u.request.far = uc_buf_text(&u.far);
		u.request.host = u.request.ssh.destination = u.host;
		u.request.only = (const char *const *)group->only.item;
		u.request.only_at_source = true;
		/* what is named is meant, as with rsync */
		u.request.no_gitignore = u.request.no_defaults = true;
		usync_do(&u);
	}
	memset(&u.args, 0, sizeof(u.args));
	return copy->run->status;
}

static bool same_group(const struct copy *copy, size_t a, size_t b)
{
	struct group one = { 0 }, other = { 0 };
	bool same;

	take_source(copy, &copy->place[a], &one);
	take_source(copy, &copy->place[b], &other);
	same = !one.folder.failed && !other.folder.failed && one.only.count &&
	       other.only.count &&
	       strcmp(uc_buf_text(&one.folder), uc_buf_text(&other.folder)) == 0 &&
	       strcmp(uc_buf_text(&copy->place[a].host),
		      uc_buf_text(&copy->place[b].host)) == 0;
	uc_buf_free(&one.folder);
	uc_buf_free(&other.folder);
	uc_strv_free(&one.only);
	uc_strv_free(&other.only);
	return same;
}

static int run_groups(struct copy *copy)
{
	int status = 0;

	for (size_t i = 0; i < copy->sources;) {
		struct group group = { .host = uc_buf_text(&copy->place[i].host) };
		size_t next = i;

		do
			take_source(copy, &copy->place[next++], &group);
		while (next < copy->sources && same_group(copy, i, next));
		if (run_group(copy, &group) && !status)
			status = copy->run->status;
		uc_buf_free(&group.folder);
		uc_strv_free(&group.only);
		if (status == 128 + 2) /* interrupted */
			break;
		i = next;
	}
	return status;
}

static int check_places(struct copy *copy, struct uc_error *err)
{
	size_t remote = 0;

	copy->remote_target = copy->place[copy->sources].host.len > 0;
	for (size_t i = 0; i < copy->sources; i++)
		remote += copy->place[i].host.len > 0;
	copy->remote_source = remote > 0;
	if (remote && copy->remote_target) {
		uc_fail(err, UC_USAGE, "source and destination are both on a host");
		return uc_hint(err,
			       "one of them must be here; or start usync over there");
	}
	if (remote && remote < copy->sources)
		return uc_fail(err, UC_USAGE,
			       "some sources are on a host, and some are here");
	for (size_t i = 0; i < copy->sources; i++)
		if (check_source(&copy->place[i], err) < 0)
			return -1;
	if (!copy->run->cwd)
		return uc_fail(err, UC_FAILED, "the working directory is gone");
	return 0;
}

/* It was taken for a source, and is none. */
static void hint_command(const struct uc_cmd *cmd, const char *word, struct uc_error *err)
{
	struct uc_error unknown = { 0 };

	if (err->code == UC_NOTFOUND && !err->hint[0] && uc_cmd_find(cmd, word, &unknown))
		uc_hint(err, "the command comes before all options: usync %s ...", word);
}

static int copy_all(struct copy *copy, const struct uc_cmd *cmd)
{
	const struct uc_strv *words = &copy->run->parsed.operands;
	struct uc_error err = { 0 };
	int status = 0;

	if (words->count < 2) {
		if (!words->count)
			uc_fail(&err, UC_USAGE, "missing command: see '%s --help'",
				cmd->name);
		else if (uc_cmd_find(cmd, words->item[0], &err))
			uc_fail(&err, UC_USAGE, "the command comes before all options");
		else if (strpbrk(words->item[0], ":/"))
			uc_fail(&err, UC_USAGE, "'%s': where to is missing",
				words->item[0]);
		return uc_run_error(copy->run, &err);
	}
	copy->sources = words->count - 1;
	copy->place = calloc(words->count, sizeof(*copy->place));
	if (!copy->place)
		uc_fail(&err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < words->count && !err.text[0]; i++)
		if (usync_place_parse(&copy->place[i], words->item[i], &err) < 0)
			break;
	if (err.text[0] || check_places(copy, &err) < 0) {
		hint_command(cmd, words->item[0], &err);
		status = uc_run_error(copy->run, &err);
	} else if (uc_run_config(copy->run, NULL) < 0) {
		status = copy->run->status;
	} else {
		status = run_groups(copy);
	}
	for (size_t i = 0; copy->place && i < words->count; i++)
		uc_usync_place_free(&copy->place[i]);
	free(copy->place);
	return status;
}

int usync_copy(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	uc_auto(usync) struct usync u = { .run = run, .args = USYNC_ARGS };
	struct copy copy = { .run = run, .args = &u.args };

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &u.args))
		return run->status;
	return copy_all(&copy, cmd);
}
