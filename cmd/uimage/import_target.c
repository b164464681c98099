/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Where an image goes, and what it is called there. */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "uimage/import.h"
#include "uimage/uimage.h"

static bool ends(const char *text, const char *suffix)
{
	const size_t len = strlen(text), slen = strlen(suffix);

	return len > slen && strcmp(text + len - slen, suffix) == 0;
}

/* Absolute, from `base` or the home directory; ".." stays as it is. */
static int add_path(const struct uc_run *run, const char *base, const char *text,
		    struct uc_buf *out, struct uc_error *err)
{
	const bool home = text[0] == '~' && (!text[1] || text[1] == '/');

	if (home && !run->home)
		return uc_fail(err, UC_USAGE, "'%s': there is no home directory", text);
	if (home)
		uc_buf_addf(out, "%s%s", run->home, text + 1);
	else if (text[0] == '/')
		uc_buf_add(out, text);
	else if (base)
		uc_buf_addf(out, "%s/%s", base, text);
	else
		return uc_fail(err, UC_FAILED, "the working directory is gone");
	while (out->len > 1 && out->data[out->len - 1] == '/')
		out->data[--out->len] = '\0';
	return out->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

int import_setting(const struct uc_run *run, const char *key, struct uc_buf *out,
		   struct uc_error *err)
{
	const struct uc_setting *setting = uc_config_get(run->config, key);
	const char *user = uc_run_env(run, "USER"), *text, *at;
	uc_auto(buf) struct uc_buf named = { 0 };

	if (!setting || !setting->text[0])
		return 0;
	for (text = setting->text; (at = strstr(text, "$USER"));
	     text = at + strlen("$USER")) {
		if (!user || strchr(user, '/'))
			return uc_fail(err, UC_USAGE, "%s: '$USER' is not set", key);
		uc_buf_addn(&named, text, (size_t)(at - text));
		uc_buf_add(&named, user);
	}
	uc_buf_add(&named, text);
	if (named.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (add_path(run, setting->base ? setting->base[0] : run->cwd,
		     uc_buf_text(&named), out, err) < 0)
		return uc_context(err, "%s", key);
	return 0;
}

/* The configured folder, or the first of image_dirs that takes files of this user. */
static int find_folder(struct import *im, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv dirs = { 0 };

	if (import_setting(im->run, "import.dir", &im->folder, err) < 0)
		return -1;
	if (im->folder.len > 0)
		return 0;
	if (uimage_dirs(im->run, &dirs, err) < 0)
		return uc_hint(err, "import.dir tells where images go, or a path does: "
				    "uimage import SOURCE ./NAME");
	for (size_t i = 0; i < dirs.count; i++)
		if (access(dirs.item[i], W_OK | X_OK) == 0) {
			uc_buf_add(&im->folder, dirs.item[i]);
			return 0;
		}
	uc_fail(err, UC_DENIED, "none of the image_dirs can be written to");
	return uc_hint(err, "import.dir tells where images go, or a path does: "
			    "uimage import SOURCE ./NAME");
}

static int check_name(const char *name, struct uc_error *err)
{
	const size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRS"
					 "TUVWXYZ0123456789._+-");

	if (!name[0])
		return uc_fail(err, UC_USAGE, "the image's name is missing");
	if (name[good] || !isalnum((unsigned char)name[0]))
		return uc_fail(err, UC_USAGE,
			       "image name '%s': letters, digits and '._+-', beginning "
			       "with a letter or digit",
			       name);
	if (strlen(name) > UC_IMPORT_NAME_MAX)
		return uc_fail(err, UC_USAGE, "image name '%s': at most %d characters",
			       name, UC_IMPORT_NAME_MAX);
	return 0;
}

static int split(struct import *im, const char *path, struct uc_error *err)
{
	const char *slash = strrchr(path, '/');
	uc_auto(buf) struct uc_buf folder = { 0 };

	uc_buf_addn(&folder, path, slash == path ? 1 : (size_t)(slash - path));
	uc_buf_add(&im->name, slash + 1);
	if (folder.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return add_path(im->run, im->run->cwd, uc_buf_text(&folder), &im->folder, err);
}

int import_target(struct import *im, const char *name, struct uc_error *err)
{
	struct stat st;

	name = name ? name : im->from.name;
	if (strchr(name, '/') ? split(im, name, err) < 0 : find_folder(im, err) < 0)
		return -1;
	if (!strchr(name, '/'))
		uc_buf_add(&im->name, name);
	if (check_name(uc_buf_text(&im->name), err) < 0)
		return -1;
	if (!ends(uc_buf_text(&im->name), ".sqsh") &&
	    !ends(uc_buf_text(&im->name), ".squashfs"))
		uc_buf_add(&im->name, ".sqsh");
	uc_buf_addf(&im->target, "%s/%s",
		    im->folder.len > 1 ? uc_buf_text(&im->folder) : "",
		    uc_buf_text(&im->name));
	if (im->folder.failed || im->name.failed || im->target.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (stat(uc_buf_text(&im->folder), &st) < 0)
		return uc_fail_errno(err, errno == EACCES ? UC_DENIED : UC_NOTFOUND,
				     errno, "folder '%s'", uc_buf_text(&im->folder));
	if (!S_ISDIR(st.st_mode))
		return uc_fail(err, UC_USAGE, "'%s' is no folder",
			       uc_buf_text(&im->folder));
	return 0;
}

int import_may_write(const struct import *im, struct uc_error *err)
{
	const char *target = uc_buf_text(&im->target);
	struct stat st;

	if (lstat(target, &st) < 0)
		return errno == ENOENT
			       ? 0
			       : uc_fail_errno(err, UC_FAILED, errno, "'%s'", target);
	if (!S_ISREG(st.st_mode) && !S_ISLNK(st.st_mode))
		return uc_fail(err, UC_USAGE, "'%s' is there, and is no file", target);
	if (im->args.force)
		return 0;
	uc_fail(err, UC_USAGE, "'%s' is there already", target);
	return uc_hint(err, "--force replaces it, when the new one is complete");
}
