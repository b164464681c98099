/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* ucluster adopt: what a script with srun or sbatch is in ucluster's words. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <ucluster/adopt.h>
#include <unistd.h>
#include "common/run.h"
#include "ucluster/commands.h"

struct args {
	bool script;
};

static const struct uc_opt options[] = {
	{ "script", .type = UC_OPT_FLAG, .group = "Output",
	  .offset = offsetof(struct args, script),
	  .help = "print a script that calls usrun",
	  .doc = "Print, instead of the profile, a script that does with\n.Xr usrun 1\n"
		 "what the old one did, with that profile." },
	{ 0 }
};

static int read_script(const char *path, struct uc_buf *out, struct uc_error *err)
{
	/* O_NONBLOCK: opening a FIFO must not wait for a writer */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char chunk[16384];
	ssize_t n = 0;

	if (fd < 0)
		return uc_fail_errno(err, errno == EACCES ? UC_DENIED : UC_NOTFOUND,
				     errno, "cannot open '%s'", path);
	/* but a writer that is there is waited for */
	(void)fcntl(fd, F_SETFL, O_RDONLY);
	while (out->len <= UC_ADOPT_BYTES_MAX && !out->failed &&
	       ((n = read(fd, chunk, sizeof(chunk))) > 0 || (n < 0 && errno == EINTR)))
		if (n > 0)
			uc_buf_addn(out, chunk, (size_t)n);
	if (n < 0)
		uc_fail_errno(err, UC_FAILED, errno, "cannot read '%s'", path);
	close(fd);
	if (out->failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return n < 0 ? -1 : 0;
}

/* Without control characters; what a substitution has of lines stays lines. */
static void add_line(const struct uc_run *run, struct uc_buf *out, const char *before,
		     const char *line)
{
	uc_auto(buf) struct uc_buf safe = { 0 };

	uc_buf_safe(&safe, uc_raw(line), run->safe | UC_SAFE_NEWLINE);
	out->failed = out->failed || safe.failed;
	uc_buf_add(out, before);
	for (const char *p = uc_buf_text(&safe); *p; p++) {
		uc_buf_addc(out, *p);
		if (*p == '\n' && before[0] == '#')
			uc_buf_add(out, before);
	}
	uc_buf_addc(out, '\n');
}

static void add_profile(const struct uc_run *run, struct uc_buf *out,
			const struct uc_adopted *got)
{
	for (size_t i = 0; i < got->lines.count; i++)
		add_line(run, out, "# ", got->lines.item[i]);
	uc_buf_add(out, uc_buf_text(&got->yaml));
}

static void add_script(const struct uc_run *run, struct uc_buf *out,
		       const struct uc_adopted *got)
{
	uc_buf_add(out, "#!/bin/bash\nset -e\ncd \"$(dirname \"$0\")\"\n");
	for (size_t i = 0; i < got->lines.count; i++)
		add_line(run, out, i + 1 == got->lines.count ? "exec " : "",
			 got->lines.item[i]);
}

/* Printed whole or not at all: it may become a file. */
static int print(const struct uc_run *run, const struct uc_adopted *got, bool script,
		 struct uc_error *err)
{
	uc_auto(buf) struct uc_buf out = { 0 };

	if (script)
		add_script(run, &out, got);
	else
		add_profile(run, &out, got);
	if (out.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	fputs(uc_buf_text(&out), stdout);
	return 0;
}

static int run_adopt(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	uc_auto(adopted) struct uc_adopted got = { 0 };
	uc_auto(buf) struct uc_buf bytes = { 0 };
	struct uc_error err = { 0 };
	struct args args = { 0 };
	const char *path;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args))
		return run->status;
	path = run->parsed.operands.item[0];
	if (read_script(path, &bytes, &err) < 0 ||
	    uc_adopt(path, uc_buf_text(&bytes), bytes.len, &got, &err) < 0 ||
	    print(run, &got, args.script, &err) < 0)
		return uc_run_error(run, &err);
	uc_run_errors(run, &got.notes);
	return 0;
}

const struct uc_cmd uc_cmd_adopt = {
	.name = "ucluster adopt",
	.summary = "turn a script with srun or sbatch into a profile and a usrun line",
	.usage = (const char *const[]){ "[--script] FILE", NULL },
	.doc = "Read a script that calls\n.Xr srun 1\nor\n.Xr sbatch 1 ,\nor has #SBATCH "
	       "lines,\nwithout running anything of it,\nand print what is the same here: a "
	       "profile for\n.Pa .ucluster.yaml ,\nand above it, as a comment, the\n"
	       ".Xr usrun 1\nline that goes with it.\nOptions that have no setting are in "
	       "that line.\nWhat is in variables, and what the script mounts of its working "
	       "directory,\nis understood; what is not, and what is left to you, is named "
	       "with line and column.\n.Nm usrun\nmounts the working directory where the "
	       "script did not.",
	.options = options,
	.operands = "FILE",
	.min_operands = 1,
	.max_operands = 1,
	.shared = UC_SHARED_VERBOSE,
	.fn = run_adopt,
};
