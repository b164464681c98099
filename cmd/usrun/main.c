/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* usrun: srun with defaults and containers; becomes srun, or submits. */
#include "usrun/usrun.h"

#include <stdlib.h>
#include <string.h>

static const char *const runtimes[] = {
	[RUNTIME_AUTO] = "auto",
	[RUNTIME_PYXIS] = "pyxis",
	[RUNTIME_ENROOT] = "enroot",
	[RUNTIME_NONE] = "none",
	NULL,
};

/* clang-format off */
static const struct uc_opt options[] = {
	{ "image", .type = UC_OPT_STRING, .metavar = "IMAGE",
	  .offset = offsetof(struct args, image), .group = "Container",
	  .help = "path, short name or registry reference",
	  .doc = "The container's image: a path\n"
		 "(beginning with\n.Pa / , ./ , ../\nor\n.Pa ~/ ,\nor ending in\n.Pa .sqsh ) ,\n"
		 "a short name that is looked up in the configured\n.Ic image_dirs\n"
		 "(the file's name, or a part of it between separators), or a registry\n"
		 "reference like\n.Ql nvcr.io/nvidia/pytorch:24.05-py3 .\n"
		 "Files must be there and whole before anything is queued." },
	{ "mounts", .type = UC_OPT_STRING, .metavar = "SRC:DST[:FLAGS]",
	  .offset = offsetof(struct args, mounts),
	  .help = "directories to mount, separated by commas",
	  .doc = "Mount\n.Ar SRC\nof the node at\n.Ar DST\nin the container; without\n.Ar DST\n"
		 "at the same place.\nFlags are those of\n.Xr mount 8 ,\njoined with\n.Ql + :\n"
		 ".Ql /data:/data:ro+nosuid .\nSeveral are separated by commas, and the option\n"
		 "may be given several times.\n"
		 "They win over configured mounts on the same\n.Ar DST ." },
	{ "workdir", .type = UC_OPT_STRING, .metavar = "DIR",
	  .offset = offsetof(struct args, workdir),
	  .help = "directory to start in; else the working directory" },
	{ "save", .type = UC_OPT_STRING, .metavar = "FILE",
	  .offset = offsetof(struct args, save), .help = "save the container when it ends",
	  .doc = "Save the container as\n.Ar FILE\nwhen the job ends.\n"
		 "A directory is refused, and so is a file that exists, unless\n.Fl -force\n"
		 "is given." },
	{ "force", .type = UC_OPT_FLAG, .offset = offsetof(struct args, force),
	  .help = "replace what --save names; do not check paths",
	  .doc = "Replace the file that\n.Fl -save\nnames, and do not look whether images and\n"
		 "mounts exist: they may be on the nodes only." },
	{ "no-container", .type = UC_OPT_FLAG, .offset = offsetof(struct args, no_container),
	  .help = "run on the node itself" },
	{ "no-default-mounts", .type = UC_OPT_FLAG,
	  .offset = offsetof(struct args, no_default_mounts),
	  .help = "mount only what is given here",
	  .doc = "Mount neither the working directory nor what is configured." },
	{ "runtime", .type = UC_OPT_CHOICE, .metavar = "WHAT", .choices = runtimes,
	  .offset = offsetof(struct args, runtime),
	  .help = "what starts containers: auto, pyxis, enroot, none" },
	{ "env", .type = UC_OPT_WORDS, .metavar = "NAME[=VALUE]",
	  .offset = offsetof(struct args, env), .group = "Job",
	  .help = "a variable of the job, over the image's own",
	  .doc = "Set a variable of the job, or hand on the caller's.\n"
		 "It wins over the image's own value and over configuration.\n"
		 "May be given several times." },
	{ "env-file", .type = UC_OPT_WORDS, .metavar = "FILE",
	  .offset = offsetof(struct args, env_file),
	  .help = "variables of the job, one NAME=VALUE a line",
	  .doc = "Set all variables of\n.Ar FILE :\nlines\n.Ql NAME=VALUE ,\n"
		 "with quotes as in a shell, but nothing is expanded.\n"
		 "Values are in the job's environment only,\n"
		 "never in a command line, script or receipt.\nIn order with\n.Fl -env ,\n"
		 "the later one counts." },
	{ "secret", .type = UC_OPT_WORDS, .metavar = "NAME[=FILE]",
	  .offset = offsetof(struct args, secret),
	  .help = "a variable that nobody else may see",
	  .doc = "Hand on the caller's variable\n.Ar NAME ,\nor set it to what is in\n"
		 ".Ar FILE ,\nwhich must be the caller's own and closed to others\n"
		 ".Pq mode 0600 .\nSee\n.Sx SECURITY ." },
	{ "preset", .type = UC_OPT_STRING, .metavar = "PROFILE",
	  .offset = offsetof(struct args, preset), .help = "a profile of the configuration" },
	{ "batch", .type = UC_OPT_FLAG, .offset = offsetof(struct args, batch),
	  .help = "submit instead of waiting; takes sbatch's options",
	  .doc = "Submit a batch job that runs the command, and return.\n"
		 "The word after the options may be a script: its\n.Ql #SBATCH\n"
		 "lines count as they do for\n.Xr sbatch 1 ." },
	{ "parsable", .type = UC_OPT_FLAG, .offset = offsetof(struct args, parsable),
	  .help = "with --batch: print the job's number only" },
	{ "no-check", .type = UC_OPT_FLAG, .offset = offsetof(struct args, no_check),
	  .help = "leave it to slurmctld to refuse what cannot run",
	  .doc = "Do not compare the request with the limits of partitions, nodes and\n"
		 "accounts before it is queued; see\n.Sx Checks ." },
	{ "snapshot", .type = UC_OPT_FLAG, .offset = offsetof(struct args, snapshot),
	  .help = "run from a copy of the code as it is now",
	  .doc = "Copy the code tree\n.Po what git does not ignore; without git, the working\n"
		 "directory\n.Pc\nand run there,\nso that it can be edited while the job waits.\n"
		 "See\n.Sx RECEIPTS AND SNAPSHOTS ." },
	{ "again", .type = UC_OPT_STRING, .metavar = "JOBID",
	  .offset = offsetof(struct args, again),
	  .help = "run a former job again, with other options given here",
	  .doc = "Run a former job again: the same options, container and command,\n"
		 "in the same directory.\n.Ar JOBID\nis its number, or\n.Ql last .\n"
		 "Options given now win.\nSee\n.Sx RECEIPTS AND SNAPSHOTS ." },
	{ "resume", .type = UC_OPT_FLAG, .offset = offsetof(struct args, resume),
	  .help = "with --batch: go on in the queue when the time is over",
	  .doc = "Queue the job again, under its own number, when its time limit comes\n"
		 "before the command is done.\nImplies\n.Fl -batch .\nSee\n"
		 ".Sx LONG RUNS ." },
	{ "max-resumes", .type = UC_OPT_NUMBER, .metavar = "N", .max = 10000,
	  .offset = offsetof(struct args, max_resumes),
	  .help = "with --resume: at most so often; else 10 times" },
	{ "follow", .type = UC_OPT_FLAG, .offset = offsetof(struct args, follow),
	  .help = "with --batch: print the output until the job ends",
	  .doc = "With\n.Fl -batch :\nprint the job's output until it ends,\n"
		 "and exit as the job did.\nErrors go to standard error where\n.Fl -error\n"
		 "gives them a file of their own.\nCtrl-C leaves the job alone.\n"
		 "Of an array, lines begin with their task's number." },
	{ "forward", .type = UC_OPT_WORDS, .metavar = "[LOCAL:]PORT",
	  .offset = offsetof(struct args, forward),
	  .help = "reach a server in the job: Jupyter, TensorBoard, ...",
	  .doc = "With\n.Fl -batch\nor\n.Fl -detachable :\nonce the job runs, let connections to a"
		 " port of this host arrive\nat\n.Ar PORT\nof the job's node, as\n"
		 ".Ql uattach Fl -forward\ndoes; see\n.Xr uattach 1 .\n"
		 "It ends with what is shown: the session, or output that is followed.\n"
		 "Of\n.Fl -batch\nalone it stays until Ctrl-C or the end of the job.\n"
		 "May be given several times." },
	{ "detachable", .type = UC_OPT_FLAG, .offset = offsetof(struct args, detachable),
	  .group = "Sessions", .help = "a --pty that can be left and come back to",
	  .doc = "Run the command with a terminal that a server on the compute node keeps:\n"
		 "it goes on when the connection is lost, and\n.Xr uattach 1\n"
		 "shows it again from any login node.\nSee\n.Sx SESSIONS ." },
	{ "session", .type = UC_OPT_STRING, .metavar = "NAME",
	  .offset = offsetof(struct args, session),
	  .help = "with --detachable: its name, for uattach NAME" },
	{ "attached", .type = UC_OPT_FLAG, .offset = offsetof(struct args, attached),
	  .help = "no session, whatever is configured" },
	{ "idle", .type = UC_OPT_DURATION, .metavar = "TIME", .max = INT64_C(365) * 24 * 3600,
	  .offset = offsetof(struct args, idle),
	  .help = "of a terminal: warn after it, then end the job; 0: never",
	  .doc = "With\n.Fl -pty\nor\n.Fl -detachable :\nwarn when the job was idle for\n"
		 ".Ar TIME ,\nand end it when it goes on so; 0 is never.\n"
		 "It wins over\n.Ic session.idle .\nSee\n.Sx IDLE TERMINALS ." },
	{ "on", .type = UC_OPT_STRING, .metavar = "HOST", .offset = offsetof(struct args, on),
	  .group = "Another host", .help = "push the project there and run it from a snapshot",
	  .doc = "Bring the project to\n.Ar HOST ,\nsubmit from a snapshot there,"
		 " print the job's output until it ends,\nbring the results here, and exit"
		 " as the job did.\nNo Slurm is needed here.\nSee\n.Sx ANOTHER HOST ." },
	{ "ssh-config", .type = UC_OPT_STRING, .metavar = "FILE",
	  .offset = offsetof(struct args, ssh_config),
	  .help = "with --on: of ssh, instead of the user's own" },
	{ "dry-run", .type = UC_OPT_FLAG, .offset = offsetof(struct args, dry_run),
	  .group = "General", .help = "print the srun command or the script",
	  .doc = "Print the\n.Xr srun 1\ncommand, to be pasted into a shell, or with\n"
		 ".Fl -batch\nthe script, and do nothing else; nobody is asked." },
	{ "explain", .type = UC_OPT_FLAG, .offset = offsetof(struct args, explain),
	  .help = "as --dry-run, and who set what",
	  .doc = "As\n.Fl -dry-run ,\nand a table of all options and variables: value,\n"
		 "the layer that set it, its file and line or variable, what it does." },
	{ "json", .type = UC_OPT_FLAG, .offset = offsetof(struct args, json),
	  .help = "with --explain: that table as JSON" },
	{ 0 }
};
/* clang-format on */

static bool is_own(const char *name)
{
	for (const struct uc_opt *own = options; own->name; own++)
		if (strcmp(own->name, name) == 0)
			return true;
	return false;
}

/* srun's and pyxis's options, for completion and the man page. */
static bool foreign(size_t index, struct uc_opt *out)
{
	size_t count;
	const struct uc_slurm_option *table = uc_slurm_options(&count);
	const struct uc_slurm_option *row = &table[index];

	if (index >= count)
		return false;
	*out = (struct uc_opt){ .name = row->name,
				.letter = row->letter,
				.type = row->arity == UC_ARITY_NONE ? UC_OPT_FLAG
								    : UC_OPT_STRING,
				.metavar = row->metavar,
				.absent = row->arity == UC_ARITY_OPTIONAL ? "" : NULL,
				.help = row->help };
	/* aliases, and names that usrun takes for itself */
	if (row->same || row->letter == 'h' || row->letter == 'V' || is_own(row->name))
		out->flags = UC_OPT_HIDDEN;
	return true;
}

static int work(struct usrun *u, struct uc_error *err)
{
	if (u->args.on)
		return usrun_on(u, err);
	if (u->args.ssh_config)
		return uc_fail(err, UC_USAGE, "'--ssh-config' goes with '--on'");
	if (usrun_detach_wanted(u, err) < 0 || usrun_resume_wanted(u, err) < 0 ||
	    usrun_forward_wanted(u, err) < 0)
		return -1;
	if (u->args.batch && !u->args.detachable && usrun_script(u, err) < 0)
		return -1;
	if (u->args.snapshot && usrun_snapshot(u, err) < 0)
		return -1;
	if (usrun_resolve(u, err) < 0)
		return -1;
	if ((u->args.detachable && usrun_detach_prepare(u, err) < 0) ||
	    (u->args.resume && usrun_resume_prepare(u, err) < 0))
		return -1;
	if (u->args.explain)
		return usrun_explain(u, err);
	if (u->args.dry_run)
		return usrun_show(u, err);
	if (u->args.detachable)
		return usrun_detach(u, err);
	return u->args.batch ? usrun_batch(u, err) : usrun_exec(u, err);
}

static int run_usrun(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct usrun u = { .run = run,
			   .cmd = cmd,
			   .args.runtime = RUNTIME_CONFIGURED,
			   .args.max_resumes = -1,
			   .args.idle = -1 };
	struct uc_error err = { 0 };
	int status = 0;

	(void)argc;
	if (!usrun_read(&u, argv + 1))
		status = run->status;
	else if (work(&u, &err) < 0)
		status = err.text[0] ? uc_run_error(run, &err) : run->status;
	uc_strv_free(&u.words);
	uc_strv_free(&u.on_words);
	uc_strv_free(&u.args.env);
	uc_strv_free(&u.args.env_file);
	uc_strv_free(&u.args.secret);
	uc_strv_free(&u.args.forward);
	uc_spec_free(u.spec);
	uc_secrets_free(u.secrets);
	uc_receipt_free(u.again);
	free(u.cwd_before);
	free(u.snapshot);
	free(u.snapshot_root);
	free(u.snapshot_folder);
	uc_buf_free(&u.script);
	free(u.srun);
	return status;
}

int main(int argc, char **argv)
{
	static const char *const usage[] = {
		"[options] [--] COMMAND [ARG...]",
		"--batch [options] SCRIPT|COMMAND [ARG...]",
		"--on HOST [options] [--] SCRIPT|COMMAND [ARG...]", NULL
	};
	static const struct uc_cmd cmd = {
		.name = "usrun",
		.summary = "run a command on the cluster, in a container",
		.usage = usage,
		.options = options,
		.operands = "COMMAND",
		.in_order = true,
		.epilog = "All options of srun work as they do there: -p, -n, --gpus=1, "
			  "--time=8h,\n--pty, ...; see usrun(1).",
		.foreign = foreign,
		.fn = run_usrun,
	};

	return uc_run_main(&cmd, argc, argv);
}
