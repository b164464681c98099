/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * uimage login and logout: enroot's credentials file. The password comes from the
 * terminal, unseen, or from standard input; it is in no argument, no message and no log.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <ucluster/import.h>
#include <unistd.h>
#include "common/ask.h"
#include "common/files.h"
#include "uimage/uimage.h"

#define FILE_MAX     (1 << 20)
#define PASSWORD_MAX 65536
#define TRIES        250 /* of 20 ms, for the lock */

struct login_args {
	const char *user;
	struct uc_strv hosts;
};

static void wipe(struct uc_buf *buf)
{
	if (buf->data)
		explicit_bzero(buf->data, buf->cap);
	uc_buf_free(buf);
}

/* --- the file --- */

/* Where enroot looks; a link is followed, and what it points to replaced. */
static int find_path(const struct uc_run *run, struct uc_buf *out, struct uc_error *err)
{
	const char *config = uc_run_env(run, "ENROOT_CONFIG_PATH");
	const char *base = uc_run_env(run, "XDG_CONFIG_HOME");
	char real[PATH_MAX];

	if (config && config[0] == '/')
		uc_buf_add(out, config);
	else if (base && base[0] == '/')
		uc_buf_addf(out, "%s/enroot", base);
	else if (run->home)
		uc_buf_addf(out, "%s/.config/enroot", run->home);
	else
		return uc_fail(err, UC_FAILED, "there is no home directory");
	uc_buf_add(out, "/.credentials");
	if (!out->failed && realpath(out->data, real)) {
		uc_buf_reset(out);
		uc_buf_add(out, real);
	}
	return out->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

static int fail_path(const char *path, struct uc_error *err)
{
	return uc_fail_errno(err, errno == EACCES ? UC_DENIED : UC_FAILED, errno, "'%s'",
			     path);
}

/* Nothing where there is none yet. */
static int read_file(struct uc_run *run, const char *path, struct uc_buf *out,
		     struct uc_error *err)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char chunk[4096];
	struct stat st;
	ssize_t got;

	if (fd < 0)
		return errno == ENOENT ? 0 : fail_path(path, err);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid()) {
		close(fd);
		return uc_fail(err, UC_DENIED, "'%s' is not a file of your own", path);
	}
	if (st.st_mode & 0077)
		uc_run_say(run, 0, "others could read '%s' until now", path);
	while ((got = read(fd, chunk, sizeof(chunk))) > 0 && out->len <= FILE_MAX)
		uc_buf_addn(out, chunk, (size_t)got);
	explicit_bzero(chunk, sizeof(chunk));
	close(fd);
	if (got < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "'%s'", path);
	if (out->len > FILE_MAX)
		return uc_fail(err, UC_FAILED, "'%s' is larger than 1 MiB", path);
	return out->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

/* Two of these at once must not lose each other's entries: the folder is locked. */
static int lock_folder(struct uc_buf *path, struct uc_error *err)
{
	const struct timespec pause = { .tv_nsec = 20000000 };
	char *slash;
	int fd;

	uc_keep_folders(path->data);
	slash = strrchr(path->data, '/');
	*slash = '\0';
	fd = open(path->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fail_path(path->data, err);
	*slash = '/';
	for (int i = 0; fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK)
			break; /* a file system without locks */
		if (i == TRIES) {
			close(fd);
			return uc_fail(err, UC_FAILED, "'%s' stays locked", path->data);
		}
		nanosleep(&pause, NULL);
	}
	return fd;
}

/* For each host; *found: entries that were there. */
static int edit_hosts(struct uc_buf *text, const struct uc_strv *hosts, const char *login,
		      const char *password, size_t *found, struct uc_error *err)
{
	*found = 0;
	for (size_t i = 0; i < hosts->count; i++) {
		const struct uc_credential entry = { hosts->item[i], login, password };
		struct uc_buf out = { 0 };
		size_t count;

		if (uc_credentials_edit(uc_buf_text(text), text->len, &entry, &out,
					&count, err) < 0) {
			wipe(&out);
			return -1;
		}
		*found += count;
		wipe(text);
		*text = out;
	}
	return 0;
}

static int change(struct uc_run *run, const struct uc_strv *hosts, const char *login,
		  const char *password, size_t *found, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct uc_buf text = { 0 };
	int lock, rc;

	if (find_path(run, &path, err) < 0)
		return -1;
	lock = lock_folder(&path, err);
	if (lock < 0)
		return -1;
	rc = read_file(run, uc_buf_text(&path), &text, err);
	if (rc == 0)
		rc = edit_hosts(&text, hosts, login, password, found, err);
	if (rc < 0)
		uc_context(err, "%s", uc_buf_text(&path));
	else if (password || *found > 0)
		rc = uc_keep_file(uc_buf_text(&path), uc_buf_text(&text), text.len, 0600,
				  err);
	wipe(&text);
	close(lock);
	if (rc == 0 && password)
		uc_run_say(run, 1, "written to '%s'", uc_buf_text(&path));
	return rc;
}

/* --- the words --- */

static int find_hosts(const struct uc_run *run, const struct login_args *args,
		      struct uc_strv *hosts, struct uc_error *err)
{
	if (uc_registry_hosts(run->parsed.operands.item[0], hosts, err) < 0)
		return -1;
	for (size_t i = 0; i < args->hosts.count; i++) {
		uc_auto(strv) struct uc_strv more = { 0 };

		if (uc_registry_hosts(args->hosts.item[i], &more, err) < 0)
			return -1;
		for (size_t k = 0; k < more.count; k++)
			if (uc_strv_find(hosts, more.item[k]) < 0)
				uc_strv_add(hosts, more.item[k]);
	}
	return hosts->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

static int read_password(struct uc_run *run, const char *registry, struct uc_buf *out,
			 struct uc_error *err)
{
	uc_auto(buf) struct uc_buf prompt = { 0 };
	char byte;
	ssize_t got;

	if (run->stdin_tty) {
		uc_buf_addf(&prompt, "Password for %s: ", registry);
		if (uc_ask_line(uc_buf_text(&prompt), false, out) < 0)
			return uc_fail(err, UC_USAGE, "no password was given");
	} else {
		while ((got = read(STDIN_FILENO, &byte, 1)) == 1 && byte != '\n' &&
		       out->len < PASSWORD_MAX)
			uc_buf_addc(out, byte);
		if (out->len > 0 && out->data[out->len - 1] == '\r')
			out->data[--out->len] = '\0';
	}
	if (out->failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (out->len > 0 && memchr(out->data, '\0', out->len))
		return uc_fail(err, UC_USAGE, "the password has a NUL byte in it");
	return 0;
}

static int read_user(struct uc_run *run, const struct login_args *args,
		     struct uc_buf *user, struct uc_error *err)
{
	const char *registry = run->parsed.operands.item[0];
	const char *known = uc_registry_login(registry);

	if (args->user)
		uc_buf_add(user, args->user);
	else if (known)
		uc_buf_add(user, known);
	else if (!uc_ask_possible(run))
		return uc_fail(err, UC_USAGE, "--user is missing: the login at %s",
			       registry);
	else if (uc_ask_line("User: ", true, user) < 0 || user->len == 0)
		return uc_fail(err, UC_USAGE, "no user was given");
	return user->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

static int login(struct uc_run *run, const struct login_args *args, struct uc_error *err)
{
	const char *registry = run->parsed.operands.item[0];
	uc_auto(strv) struct uc_strv hosts = { 0 };
	uc_auto(buf) struct uc_buf user = { 0 };
	struct uc_buf password = { 0 };
	size_t found;
	int rc;

	if (find_hosts(run, args, &hosts, err) < 0 ||
	    read_user(run, args, &user, err) < 0)
		return -1;
	rc = read_password(run, registry, &password, err);
	if (rc == 0)
		rc = change(run, &hosts, uc_buf_text(&user), uc_buf_text(&password),
			    &found, err);
	wipe(&password);
	if (rc == 0)
		uc_run_say(run, 0, "%s for %s is kept%s", uc_buf_text(&user), registry,
			   found > 0 ? ", in place of the one before" : "");
	return rc;
}

static int logout(struct uc_run *run, const struct login_args *args, struct uc_error *err)
{
	const char *registry = run->parsed.operands.item[0];
	uc_auto(strv) struct uc_strv hosts = { 0 };
	size_t found;

	if (find_hosts(run, args, &hosts, err) < 0 ||
	    change(run, &hosts, args->user, NULL, &found, err) < 0)
		return -1;
	if (found == 0)
		return uc_fail(err, UC_NOTFOUND, "there is no login for %s", registry);
	uc_run_say(run, 0, "the login for %s is gone", registry);
	return 0;
}

static int run_with(struct uc_run *run, const struct uc_cmd *cmd, char **argv,
		    int (*work)(struct uc_run *run, const struct login_args *args,
				struct uc_error *err))
{
	struct login_args args = { 0 };
	struct uc_error err = { 0 };
	int status = 0;

	if (!uc_run_parse(run, cmd, argv, &args))
		status = run->status;
	else if (work(run, &args, &err) < 0)
		status = uc_run_error(run, &err);
	uc_strv_free(&args.hosts);
	return status;
}

static int run_login(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	(void)argc;
	return run_with(run, cmd, argv, login);
}

static int run_logout(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	(void)argc;
	return run_with(run, cmd, argv, logout);
}

/* clang-format off */
static const struct uc_opt login_options[] = {
	{ "user", .type = UC_OPT_STRING, .metavar = "USER",
	  .offset = offsetof(struct login_args, user), .group = "Login",
	  .help = "the login; $oauthtoken for nvcr.io" },
	{ "host", .type = UC_OPT_WORDS, .metavar = "HOST",
	  .offset = offsetof(struct login_args, hosts),
	  .help = "another host that this is for: where the registry's tokens come from",
	  .doc = "Another host that this login is for, where a registry takes its tokens from.\n"
		 "Those of\n.Pa nvcr.io , docker.io\nand\n.Pa registry.gitlab.com\nare known.\n"
		 "May be given several times." },
	{ 0 }
};
static const struct uc_opt logout_options[] = {
	{ "user", .type = UC_OPT_STRING, .metavar = "USER",
	  .offset = offsetof(struct login_args, user), .group = "Login",
	  .help = "only this login" },
	{ "host", .type = UC_OPT_WORDS, .metavar = "HOST",
	  .offset = offsetof(struct login_args, hosts), .help = "another host, as for login" },
	{ 0 }
};
/* clang-format on */

const struct uc_cmd uimage_cmd_login = {
	.name = "uimage login",
	.summary = "keep a registry's password for enroot",
	.usage = (const char *const[]){ "[--user=USER] REGISTRY", NULL },
	.options = login_options,
	.operands = "REGISTRY",
	.min_operands = 1,
	.max_operands = 1,
	.shared = UC_SHARED_VERBOSE,
	.epilog = "The password is asked for, or read from standard input.",
	.fn = run_login,
};

const struct uc_cmd uimage_cmd_logout = {
	.name = "uimage logout",
	.summary = "forget a registry's password",
	.usage = (const char *const[]){ "[--user=USER] REGISTRY", NULL },
	.options = logout_options,
	.operands = "REGISTRY",
	.min_operands = 1,
	.max_operands = 1,
	.shared = UC_SHARED_VERBOSE,
	.fn = run_logout,
};
