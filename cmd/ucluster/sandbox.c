/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * ucluster sandbox: a throwaway Slurm cluster. Words are checked here, the work is done
 * by share/sandbox/sandbox, which replaces this process.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/run.h"
#include "ucluster/commands.h"

/* Each virtual node is a slurmd of its own; more of them are for other tools. */
enum {
	NODES_MAX = 64,
	GPUS_MAX = 64
};

struct args {
	const char *dir, *nodes;
	int from;
	bool accounting, purge, json, follow, force;
};

static const char *const from_choices[] = { "busybox", "debian", NULL };

static int fail_nodes(const char *item, size_t len, const char *expected,
		      struct uc_error *err)
{
	return uc_fail(err, UC_USAGE,
		       "option '--nodes': '%.*s': expected %s, as in gpu:2x8xa100,cpu:2",
		       (int)len, item, expected);
}

static size_t span_digits(const char *text)
{
	return strspn(text, "0123456789");
}

/* A number of at most three digits, or -1. */
static int read_number(const char *text, size_t len)
{
	int value = 0;

	if (len == 0 || len > 3)
		return -1;
	for (size_t i = 0; i < len; i++)
		value = 10 * value + (text[i] - '0');
	return value;
}

/* One PREFIX:COUNT[xGPUS[xTYPE]] of `len` bytes; returns its count, or -1. */
static int check_item(const char *item, size_t len, struct uc_error *err)
{
	const char *end = item + len, *p = item + strcspn(item, ":,");
	int count, gpus;

	if (p >= end || *p != ':')
		return fail_nodes(item, len, "PREFIX:COUNT[xGPUS[xTYPE]]", err);
	if (p == item || !islower((unsigned char)item[0]) ||
	    !islower((unsigned char)p[-1]) ||
	    strspn(item, "abcdefghijklmnopqrstuvwxyz0123456789-") != (size_t)(p - item) ||
	    p - item > 32)
		return fail_nodes(item, len,
				  "a prefix of a-z, digits and '-' that ends in a letter",
				  err);
	p++;
	count = read_number(p, span_digits(p));
	p += span_digits(p);
	if (count < 1 || count > NODES_MAX)
		return fail_nodes(item, len, "a count of 1 to 64", err);
	if (p == end)
		return count;
	if (*p != 'x')
		return fail_nodes(item, len, "PREFIX:COUNT[xGPUS[xTYPE]]", err);
	p++;
	gpus = read_number(p, span_digits(p));
	p += span_digits(p);
	if (gpus < 0 || gpus > GPUS_MAX)
		return fail_nodes(item, len, "0 to 64 GPUs a node", err);
	if (p == end)
		return count;
	if (*p != 'x')
		return fail_nodes(item, len, "PREFIX:COUNT[xGPUS[xTYPE]]", err);
	p++;
	if (!isalpha((unsigned char)*p) || end - p > 31)
		return fail_nodes(item, len, "a GPU type that starts with a letter", err);
	while (p < end && (isalnum((unsigned char)*p) || *p == '-' || *p == '_'))
		p++;
	return p == end ? count
			: fail_nodes(item, len, "a GPU type of letters, digits, '-', '_'",
				     err);
}

static bool seen_before(const char *spec, const char *item)
{
	size_t prefix = strcspn(item, ":") + 1;

	for (const char *p = spec; p < item; p += strcspn(p, ",") + 1)
		if (strncmp(p, item, prefix) == 0)
			return true;
	return false;
}

static int check_nodes(const char *spec, struct uc_error *err)
{
	int total = 0;

	for (const char *item = spec;;) {
		size_t len = strcspn(item, ",");
		int count = check_item(item, len, err);

		if (count < 0)
			return -1;
		if (seen_before(spec, item))
			return fail_nodes(item, len, "each prefix once", err);
		total += count;
		if (total > NODES_MAX)
			return fail_nodes(spec, strlen(spec), "at most 64 nodes in all",
					  err);
		if (!item[len])
			return 0;
		item += len + 1;
	}
}

static int check_image(const char *name, const struct args *args, struct uc_error *err)
{
	if (!isalnum((unsigned char)name[0]) || strlen(name) > 100 ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			 "0123456789._+-") != strlen(name))
		return uc_fail(
			err, UC_USAGE,
			"image name '%s': expected letters, digits, '.', '_', '+', '-'",
			name);
	if (args->from < 0)
		return uc_fail(err, UC_USAGE,
			       "option '--from' is missing: 'busybox' or 'debian'");
	return 0;
}

static void add_words(const struct uc_cmd *cmd, const struct args *args,
		      const struct uc_parsed *parsed, struct uc_strv *words)
{
	static const char *const none[] = { NULL };

	uc_strv_add(words, uc_cmd_word(cmd));
	uc_strv_add_all(words, parsed->operands.count
				       ? (const char *const *)parsed->operands.item
				       : none);
	if (args->nodes)
		uc_strv_addf(words, "--nodes=%s", args->nodes);
	if (args->from >= 0)
		uc_strv_addf(words, "--from=%s", from_choices[args->from]);
	if (args->dir)
		uc_strv_addf(words, "--dir=%s", args->dir);
	if (args->accounting)
		uc_strv_add(words, "--accounting");
	if (args->purge)
		uc_strv_add(words, "--purge");
	if (args->json)
		uc_strv_add(words, "--json");
	if (args->follow)
		uc_strv_add(words, "-f");
	if (args->force)
		uc_strv_add(words, "--force");
}

/* Replace this process by the script; returns only when that failed. */
static int exec_script(struct uc_run *run, const char *path, char **words)
{
	uc_auto(strv) struct uc_strv environment = { 0 };
	struct uc_error err = { 0 };

	uc_strv_addf(&environment, "UCLUSTER_LIBEXEC=%s", run->libexec_dir);
	uc_strv_addf(&environment, "UCLUSTER_BINDIR=%s", run->bin_dir);
	for (size_t i = 0; run->environment[i]; i++)
		if (strncmp(run->environment[i], "UCLUSTER_LIBEXEC=", 17) != 0 &&
		    strncmp(run->environment[i], "UCLUSTER_BINDIR=", 16) != 0)
			uc_strv_add(&environment, run->environment[i]);
	if (environment.failed) {
		uc_fail(&err, UC_FAILED, "out of memory");
		return uc_run_error(run, &err);
	}
	execve(path, words, environment.item);
	if (errno == ENOENT) {
		uc_fail(&err, UC_NOTFOUND, "the sandbox is not installed: no '%s'", path);
		uc_hint(&err,
			"run it from the build tree, or there: cmake --install BUILD "
			"--component sandbox");
	} else {
		uc_fail_errno(&err, UC_FAILED, errno, "cannot run '%s'", path);
	}
	return uc_run_error(run, &err);
}

static int run_sandbox(struct uc_run *run, const struct uc_cmd *cmd, int argc,
		       char **argv)
{
	uc_auto(strv) struct uc_strv words = { 0 };
	uc_auto(buf) struct uc_buf path = { 0 };
	struct uc_error err = { 0 };
	struct args args = { .from = -1 };

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args))
		return run->status;
	if (args.nodes && check_nodes(args.nodes, &err) < 0)
		return uc_run_error(run, &err);
	if (strcmp(uc_cmd_word(cmd), "image") == 0 &&
	    check_image(run->parsed.operands.item[0], &args, &err) < 0)
		return uc_run_error(run, &err);
	uc_buf_addf(&path, "%s/sandbox/sandbox", run->data_dir);
	uc_strv_add(&words, uc_buf_text(&path));
	add_words(cmd, &args, &run->parsed, &words);
	if (words.failed || path.failed) {
		uc_fail(&err, UC_FAILED, "out of memory");
		return uc_run_error(run, &err);
	}
	return exec_script(run, uc_buf_text(&path), words.item);
}

// clang-format off
#define OPTION_DIR                                                                       \
	{ "dir", .type = UC_OPT_STRING, .metavar = "DIR",                                \
	  .offset = offsetof(struct args, dir), .group = "Sandbox",                      \
	  .help = "where it lives, instead of the state directory",                      \
	  .doc = "The sandbox in this directory instead of\n"                            \
		 ".Pa ucluster/sandbox\nin the user's state directory." }
static const struct uc_opt start_options[] = {
	OPTION_DIR,
	{ "nodes", .type = UC_OPT_STRING, .metavar = "SPEC",
	  .offset = offsetof(struct args, nodes),
	  .help = "PREFIX:COUNT[xGPUS[xTYPE]],... (gpu:2x8xa100,cpu:2)",
	  .doc = "Virtual nodes, as\n"
		 ".Ar PREFIX : Ns Ar COUNT Ns Op Cm x Ns Ar GPUS Ns Op Cm x Ns Ar TYPE\n"
		 "separated by commas; the default is\n.Ql gpu:2x8xa100,cpu:2 ." },
	{ "accounting", .type = UC_OPT_FLAG, .offset = offsetof(struct args, accounting),
	  .help = "with slurmdbd on a private MariaDB" },
	{ 0 }
};
static const struct uc_opt stop_options[] = {
	OPTION_DIR,
	{ "purge", .type = UC_OPT_FLAG, .offset = offsetof(struct args, purge),
	  .help = "remove its images too" },
	{ 0 }
};
static const struct uc_opt status_options[] = {
	OPTION_DIR,
	{ "json", .type = UC_OPT_FLAG, .offset = offsetof(struct args, json),
	  .help = "print it as JSON" },
	{ 0 }
};
static const struct uc_opt env_options[] = { OPTION_DIR, { 0 } };
static const struct uc_opt logs_options[] = {
	OPTION_DIR,
	{ "follow", 'f', UC_OPT_FLAG, .offset = offsetof(struct args, follow),
	  .help = "print what is added, until interrupted" },
	{ 0 }
};
static const struct uc_opt image_options[] = {
	OPTION_DIR,
	{ "from", .type = UC_OPT_CHOICE, .metavar = "WHAT", .choices = from_choices,
	  .offset = offsetof(struct args, from),
	  .help = "what is in it: busybox (made in seconds), debian (with python3)" },
	{ "force", .type = UC_OPT_FLAG, .offset = offsetof(struct args, force),
	  .help = "replace an image that exists" },
	{ 0 }
};
// clang-format on

static const struct uc_cmd start = {
	.name = "ucluster sandbox start",
	.summary = "start a private munged, slurmctld and several slurmd",
	.options = start_options,
	.fn = run_sandbox,
};
static const struct uc_cmd stop = {
	.name = "ucluster sandbox stop",
	.summary = "end its daemons and remove its files",
	.options = stop_options,
	.fn = run_sandbox,
};
static const struct uc_cmd status = {
	.name = "ucluster sandbox status",
	.summary = "show its daemons, nodes and ports",
	.options = status_options,
	.fn = run_sandbox,
};
static const struct uc_cmd env = {
	.name = "ucluster sandbox env",
	.summary = "print exports that make it this shell's cluster",
	.options = env_options,
	.epilog = "In a shell: eval \"$(ucluster sandbox env)\"",
	.fn = run_sandbox,
};
static const struct uc_cmd logs = {
	.name = "ucluster sandbox logs",
	.summary = "print the ends of its daemons' logs",
	.usage = (const char *const[]){ "[OPTION...] [DAEMON...]", NULL },
	.options = logs_options,
	.operands = "DAEMON",
	.fn = run_sandbox,
};
static const struct uc_cmd image = {
	.name = "ucluster sandbox image",
	.summary = "make a container image without a network",
	.usage = (const char *const[]){ "--from=busybox|debian [OPTION...] NAME", NULL },
	.options = image_options,
	.operands = "NAME",
	.min_operands = 1,
	.max_operands = 1,
	.fn = run_sandbox,
};

static const struct uc_cmd *const subcommands[] = { &start, &stop,  &status, &env,
						    &logs,  &image, NULL };

const struct uc_cmd uc_cmd_sandbox = {
	.name = "ucluster sandbox",
	.summary = "start and stop a throwaway Slurm cluster on this host",
	.usage = (const char *const[]){ "COMMAND [OPTION...]", NULL },
	.subcommands = subcommands,
};
