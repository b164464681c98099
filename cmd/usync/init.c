/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* usync init: write the project's place on a host into .ucluster.yaml. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "common/ask.h"
#include "usync/options.h"

#define FILE_NAME ".ucluster.yaml"
#define FILE_MAX  ((size_t)256 << 10) /* as the configuration takes it */

static const struct uc_opt options[] = { { 0 } };

/* What a project file may name (ucluster.config(5)). */
static int check_host(const char *host, struct uc_error *err)
{
	if (host[0] && host[0] != '-' && host[0] != '.' &&
	    strspn(host, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
			 "0123456789._-") == strlen(host))
		return 0;
	uc_fail(err, UC_USAGE,
		"a project file may only name a Host of ssh_config(5), "
		"not '%s'",
		host);
	return uc_hint(err, "put user and port into ~/.ssh/config, and name its Host");
}

static int check_dir(const char *dir, struct uc_error *err)
{
	for (const char *p = dir; *p; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return uc_fail(err, UC_USAGE,
				       "a folder's name with control characters");
	if (dir[0] == '~' && dir[1] && dir[1] != '/')
		return uc_fail(
			err, UC_USAGE,
			"the folder must be absolute, or below the home directory, "
			"not '%s'",
			dir);
	return 0;
}

static int ask_place(struct uc_run *run, struct uc_buf *word, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf prompt = { 0 };

	if (!uc_ask_possible(run)) {
		uc_fail(err, UC_USAGE, "where to is missing: HOST:DIR");
		return uc_hint(err, "usync init cluster:/data/me/proj");
	}
	uc_buf_addf(&prompt, "%s: host and folder there (HOST:DIR): ", run->prog);
	if (uc_ask_line(uc_buf_text(&prompt), true, word) < 0 || !word->len)
		return uc_fail(err, UC_USAGE, "where to is missing: HOST:DIR");
	return 0;
}

/* In double quotes; the configuration takes only UTF-8. */
static void add_yaml(struct uc_buf *out, const char *text)
{
	uc_buf_addc(out, '"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			uc_buf_addc(out, '\\');
		uc_buf_addc(out, *text);
	}
	uc_buf_addc(out, '"');
}

static void add_section(struct uc_buf *out, const char *host, const char *dir)
{
	const size_t len = out->len;

	if (len && out->data[len - 1] != '\n')
		uc_buf_addc(out, '\n');
	uc_buf_add(out, "sync:\n  host: ");
	add_yaml(out, host);
	uc_buf_add(out, "\n  dir: ");
	add_yaml(out, dir);
	uc_buf_addc(out, '\n');
}

/* Is there one already? Then it says where to; nobody's lines are changed. */
static int read_old(const char *path, struct uc_buf *text, struct uc_error *err)
{
	struct stat st;
	const int got = usync_file_read(path, FILE_MAX, text, err);

	if (got < 0)
		return -1;
	if (!got && (lstat(path, &st) < 0 || !S_ISREG(st.st_mode)))
		return uc_fail(err, UC_USAGE, "'%s' is a link", path);
	if (!got && (strncmp(uc_buf_text(text), "sync:", 5) == 0 ||
		     strstr(uc_buf_text(text), "\nsync:"))) {
		uc_fail(err, UC_USAGE, "'%s' has a place already", path);
		return uc_hint(err, "change it there, below 'sync:'");
	}
	return 0;
}

static int write_it(struct uc_run *run, const struct usync_place *place,
		    struct uc_error *err)
{
	uc_auto(buf) struct uc_buf path = { 0 }, text = { 0 }, shown = { 0 };
	const char *dir = uc_buf_text(&place->path), *host = uc_buf_text(&place->host);
	const char *name = run->cwd ? strrchr(run->cwd, '/') + 1 : "";

	if (!run->cwd)
		return uc_fail(err, UC_FAILED, "the working directory is gone");
	if (run->home && strcmp(run->home, run->cwd) == 0) {
		uc_fail(err, UC_USAGE, "the home directory is no project");
		return uc_hint(err, "go to the folder that is to be synced");
	}
	uc_buf_addf(&path, "%s/" FILE_NAME, run->cwd);
	if (!dir[0])
		dir = name;
	if (check_host(host, err) < 0 || check_dir(dir, err) < 0 ||
	    read_old(uc_buf_text(&path), &text, err) < 0)
		return -1;
	add_section(&text, host, dir);
	if (path.failed || text.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (uc_keep_file(path.data, text.data, text.len, 0644, err) < 0)
		return -1;
	uc_buf_safe(&shown, uc_raw(dir), run->safe);
	uc_run_say(run, 0,
		   FILE_NAME " says %s:%s; 'usync push --dry-run' shows what would "
			     "go there",
		   host, uc_buf_text(&shown));
	return 0;
}

/* Who typed the place has agreed to it. */
static void remember(struct uc_run *run)
{
	uc_auto(usync) struct usync u = { .run = run, .args = USYNC_ARGS };
	struct uc_error err = { 0 };

	u.args.yes = true;
	if (uc_run_config(run, NULL) == 0 && usync_project(&u, &err) < 0)
		uc_run_error(run, &err);
}

static int run_init(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	uc_auto(usync_place) struct usync_place place = { 0 };
	uc_auto(buf) struct uc_buf word = { 0 };
	struct uc_error err = { 0 };

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, NULL))
		return run->status;
	if (run->parsed.operands.count)
		uc_buf_add(&word, run->parsed.operands.item[0]);
	else if (ask_place(run, &word, &err) < 0)
		return uc_run_error(run, &err);
	if (usync_place_parse(&place, uc_buf_text(&word), &err) < 0)
		return uc_run_error(run, &err);
	if (!place.host.len) {
		uc_fail(&err, UC_USAGE, "'%s' names no host: HOST:DIR",
			uc_buf_text(&word));
		return uc_run_error(run, &err);
	}
	if (write_it(run, &place, &err) < 0)
		return uc_run_error(run, &err);
	run->status = 0;
	remember(run);
	return run->status;
}

const struct uc_cmd usync_cmd_init = {
	.name = "usync init",
	.summary = "say where this folder goes",
	.usage = (const char *const[]){ "[HOST:DIR]", NULL },
	.options = options,
	.operands = "REMOTE",
	.max_operands = 1,
	.shared = UC_SHARED_VERBOSE,
	.doc = "Write\n.Ar HOST\nand\n.Ar DIR\ninto\n.Pa .ucluster.yaml\nof the working "
	       "directory, which is the project's folder then.\n"
	       "Without an argument it asks.\nWithout\n.Ar DIR\nthe folder has the same name "
	       "in the home directory there.",
	.fn = run_init,
};
