/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * ucluster config --edit: the user's file in an editor. A copy is edited, and takes the
 * file's place when it has no fault.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <ucluster/spawn.h>
#include <unistd.h>
#include "common/files.h"
#include "ucluster/config_edit.h"

#define FILE_MAX (1U << 20)

static const char first[] = "# Configuration of ucluster, see ucluster.config(5).\n";

struct edit {
	struct uc_run *run;
	struct uc_buf path, copy; /* the file, and what is edited beside it */
	struct uc_buf before, after;
};

/* Words as a shell has them, without a shell: blanks, both quotes, backslashes. */
static bool split(struct uc_strv *words, const char *line)
{
	uc_auto(buf) struct uc_buf word = { 0 };
	bool open = false;
	char quote = '\0';

	for (; *line; line++) {
		if (!quote && (*line == ' ' || *line == '\t')) {
			if (open)
				uc_strv_add(words, uc_buf_text(&word));
			uc_buf_reset(&word);
			open = false;
			continue;
		}
		open = true;
		if (*line == quote)
			quote = '\0';
		else if (!quote && (*line == '\'' || *line == '"'))
			quote = *line;
		else if (*line == '\\' && quote != '\'' && line[1])
			uc_buf_addc(&word, *++line);
		else
			uc_buf_addc(&word, *line);
	}
	if (open)
		uc_strv_add(words, uc_buf_text(&word));
	return !quote && !words->failed && words->count;
}

static int read_all(const char *path, struct uc_buf *out)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char bytes[4096];
	ssize_t got;
	int number;

	uc_buf_reset(out);
	if (fd < 0)
		return errno == ENOENT ? 0 : -1;
	while ((got = read(fd, bytes, sizeof(bytes))) > 0 && out->len < FILE_MAX)
		uc_buf_addn(out, bytes, (size_t)got);
	number = got < 0 ? errno : out->failed ? ENOMEM : EFBIG;
	close(fd);
	errno = number;
	return got < 0 || out->len >= FILE_MAX || out->failed ? -1 : 0;
}

static bool is_same(const struct uc_buf *a, const struct uc_buf *b)
{
	return a->len == b->len && memcmp(uc_buf_text(a), uc_buf_text(b), a->len) == 0;
}

static int make_copy(struct edit *e, struct uc_error *err)
{
	static const char suffix[] = ".yaml";
	const struct uc_buf *text = &e->before;
	struct stat st;
	bool good;
	int fd;

	uc_buf_addf(&e->copy, "%s.XXXXXX%s", uc_buf_text(&e->path), suffix);
	if (e->copy.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	uc_keep_folders(e->copy.data);
	fd = mkostemps(e->copy.data, sizeof(suffix) - 1, O_CLOEXEC);
	if (fd < 0) {
		e->copy.len = 0;
		return uc_fail_errno(err, UC_FAILED, errno,
				     "cannot make a file beside '%s'",
				     uc_buf_text(&e->path));
	}
	good = text->len ? write(fd, text->data, text->len) == (ssize_t)text->len
			 : write(fd, first, strlen(first)) == (ssize_t)strlen(first);
	if (stat(uc_buf_text(&e->path), &st) == 0)
		good = fchmod(fd, st.st_mode & 0755) == 0 && good;
	if (close(fd) < 0 || !good)
		return uc_fail_errno(err, UC_FAILED, errno, "cannot write '%s'",
				     e->copy.data);
	return 0;
}

static int run_editor(const struct edit *e, struct uc_error *err)
{
	const char *line = uc_run_env(e->run, "VISUAL");
	struct sigaction ignore = { .sa_handler = SIG_IGN }, before[2];
	uc_auto(strv) struct uc_strv words = { 0 };
	struct uc_spawn spawn = { .environment = (char *const *)e->run->environment,
				  .fd = { 0, 1, 2 } };
	int status = 0, rc;
	pid_t pid;

	line = line ? line : uc_run_env(e->run, "EDITOR");
	line = line ? line : "vi";
	if (!split(&words, line))
		return uc_fail(err, UC_USAGE, "VISUAL or EDITOR is no command: '%s'",
			       line);
	uc_strv_add(&words, uc_buf_text(&e->copy));
	spawn.words = words.item;
	rc = words.failed ? ENOMEM : uc_spawn(&spawn, &pid);
	if (rc != 0)
		return uc_fail_errno(err, UC_NOTFOUND, rc, "cannot start the editor '%s'",
				     words.count ? words.item[0] : "");
	/* Ctrl-C is the editor's */
	sigaction(SIGINT, &ignore, &before[0]);
	sigaction(SIGQUIT, &ignore, &before[1]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	sigaction(SIGINT, &before[0], NULL);
	sigaction(SIGQUIT, &before[1], NULL);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	return uc_fail(err, UC_FAILED, "the editor '%s' failed: nothing is changed",
		       words.item[0]);
}

/* Faults of the copy, printed. */
static bool has_faults(const struct edit *e)
{
	const struct uc_config_from from = { .user_path = uc_buf_text(&e->copy),
					     .home = e->run->home };
	uc_auto(errors) struct uc_errors faults = { 0 };
	uc_auto(config) struct uc_config *config = NULL;

	if (uc_config_load(&from, &config, &faults) == 0)
		return false;
	uc_run_errors(e->run, &faults);
	return true;
}

static int replace(const struct edit *e, struct uc_error *err)
{
	struct stat st = { .st_mode = 0600 };
	const char *path = uc_buf_text(&e->path);

	(void)stat(path, &st);
	return uc_keep_file(path, uc_buf_text(&e->after), e->after.len, st.st_mode & 0755,
			    err);
}

/* The copy stays, and what was written is not lost. */
static int leave_copy(struct edit *e, const char *why, struct uc_error *err)
{
	uc_fail(err, UC_USAGE, "'%s' is as it was: %s", uc_buf_text(&e->path), why);
	uc_hint(err, "it is in '%s'", uc_buf_text(&e->copy));
	uc_buf_reset(&e->copy);
	return -1;
}

static int work(struct edit *e, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf now = { 0 };
	const char *path = uc_buf_text(&e->path), *copy;

	if (read_all(path, &e->before) < 0)
		return uc_fail_errno(err, UC_DENIED, errno, "cannot read '%s'", path);
	if (make_copy(e, err) < 0 || run_editor(e, err) < 0)
		return -1;
	copy = uc_buf_text(&e->copy);
	if (read_all(copy, &e->after) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "cannot read '%s'", copy);
	if (is_same(&e->after, &e->before)) {
		uc_run_say(e->run, 0, "'%s' is as it was", path);
		return 0;
	}
	if (has_faults(e))
		return leave_copy(e, "the new text has a fault", err);
	if (read_all(path, &now) < 0 || !is_same(&now, &e->before))
		return leave_copy(e,
				  "somebody else changed it meanwhile, the new text "
				  "does not replace that",
				  err);
	if (replace(e, err) < 0)
		return -1;
	uc_run_say(e->run, 0, "'%s' is written", path);
	return 0;
}

int uc_config_edit(struct uc_run *run)
{
	struct edit e = { .run = run };
	struct uc_error err = { 0 };
	int status = UC_OK;
	char *real;

	if (!run->user_path) {
		uc_fail(&err, UC_NOTFOUND, "there is no home directory");
		return uc_run_error(run, &err);
	}
	/* a link stays one: what it leads to is edited */
	real = realpath(run->user_path, NULL);
	uc_buf_add(&e.path, real ? real : run->user_path);
	free(real);
	if (work(&e, &err) < 0)
		status = uc_run_error(run, &err);
	if (e.copy.len)
		(void)unlink(e.copy.data);
	uc_buf_free(&e.path);
	uc_buf_free(&e.copy);
	uc_buf_free(&e.before);
	uc_buf_free(&e.after);
	return status;
}
