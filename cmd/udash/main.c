/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* udash: the cluster on a screen that keeps itself up to date. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>
#include "common/run.h"
#include "common/signals.h"
#include "udash/dash.h"

struct args {
	int64_t interval, idle;
	int view;
	const char *columns;
	bool me, read_only, mouse, dump, json, keys, mdoc_keys;
	int64_t rows;
};

static const char *const view_names[] = {
	"jobs", "gpus", "output", "disk", "nodes", NULL
};

#define ARG(member) .offset = offsetof(struct args, member)
// clang-format off
static const struct uc_opt options[] = {
	{ "view", .type = UC_OPT_CHOICE, .metavar = "VIEW", .choices = view_names, ARG(view),
	  .group = "What to show", .help = "begin with jobs, gpus, output, disk or nodes" },
	{ "me", .type = UC_OPT_FLAG, ARG(me), .help = "my own jobs only" },
	{ "columns", .type = UC_OPT_STRING, .metavar = "LIST", ARG(columns),
	  .help = "of the jobs, as F2 names them: id,name,gpus",
	  .doc = "The columns of the view of jobs, by the names that\n.Ic F2\nshows,\n"
		 "separated by commas." },
	{ "read-only", .type = UC_OPT_FLAG, ARG(read_only), .group = "How",
	  .help = "no key changes anything" },
	{ "interval", 'i', UC_OPT_NUMBER, .metavar = "SECONDS", .min = 2, .max = 3600,
	  ARG(interval), .help = "ask so often, 5 unless said",
	  .doc = "Ask slurmctld every\n.Ar SECONDS ,\n5 unless said here or by\n"
		 ".Ic dash.interval ,\nand never under 2; less often when it takes long to\n"
		 "answer." },
	{ "idle", .type = UC_OPT_DURATION, .metavar = "TIME", .max = 604800, ARG(idle),
	  .help = "stop asking when no key was pressed for so long; 0: never",
	  .doc = "Stop asking when no key was pressed for\n.Ar TIME ,\n"
		 "30 minutes unless said here or by\n.Ic dash.idle ,\n"
		 "until the next one; 0: never." },
	{ "mouse", .type = UC_OPT_FLAG, ARG(mouse), .help = "clicks and the wheel work",
	  .doc = "Clicks and the wheel work, as with\n.Ic dash.mouse\nor\n"
		 ".Ic :mouse .\nShift and the mouse then select text." },
	{ "dump", .type = UC_OPT_FLAG, ARG(dump), .group = "Instead of a screen",
	  .help = "print one frame as text" },
	{ "json", .type = UC_OPT_FLAG, ARG(json), .help = "print its data as JSON",
	  .doc = "Print what one frame is drawn from as a JSON object:\n"
		 ".Dq version ,\n.Dq now ,\nGPUs by model, and jobs with raw values.\n"
		 "See\n.Ql uqueue --json\nfor all that is known of jobs." },
	{ "lines", .type = UC_OPT_NUMBER, .metavar = "N", .min = 1, .max = 1000, ARG(rows),
	  .help = "of that frame, 24 unless said" },
	{ "list-keys", .type = UC_OPT_FLAG, ARG(keys), .help = "say what keys there are" },
	{ "mdoc-keys", .type = UC_OPT_FLAG, .flags = UC_OPT_HIDDEN, ARG(mdoc_keys) },
	{ 0 }
};
// clang-format on

static int run_udash(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv);

static const struct uc_cmd cmd = {
	.name = "udash",
	.summary = "jobs, GPUs, output and disks on one screen",
	.usage = (const char *const[]){ "[OPTIONS]", NULL },
	.options = options,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE | UC_SHARED_SOURCE,
	.fn = run_udash,
	.epilog = "Keys: F1 or ? shows them, q ends.",
};

/* Blocked before the fetching thread starts, which inherits that. */
static int open_signals(void)
{
	static const int numbers[] = { SIGINT,  SIGTERM, SIGHUP, SIGQUIT,
				       SIGTSTP, SIGCONT, SIGCHLD };
	sigset_t set;

	uc_signals_heeded(&set, numbers, sizeof(numbers) / sizeof(numbers[0]));
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* One frame as text, when there is an answer; an error is what it is everywhere. */
static int dump(struct dash *d, const struct args *args)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	const struct dash_data *data = NULL;
	struct uc_error err = { 0 };
	int rc;

	dash_fetch_ask(d->fetch,
		       &(struct dash_question){ .everybody = true, .past = true });
	while ((rc = dash_fetch_take(d->fetch, &data, &err)) == 0)
		dash_fetch_wait(d->fetch);
	if (rc < 0)
		return uc_run_error(d->run, &err);
	dash_take(d, data);
	if (args->json)
		return dash_dump(d, &err) < 0 ? uc_run_error(d->run, &err) : 0;
	if (dash_grid_size(&d->grid, args->rows ? (int)args->rows : 24, d->run->columns) <
	    0) {
		uc_fail(&err, UC_FAILED, "out of memory");
		return uc_run_error(d->run, &err);
	}
	dash_settle(d);
	dash_draw(d);
	dash_grid_text(&d->grid, &text);
	fputs(uc_buf_text(&text), stdout);
	return 0;
}

/* "0;15": the second is the background's colour, as rxvt and others say. */
static bool is_light(const struct uc_run *run)
{
	const char *said = uc_config_string(run->config, "dash.background");
	const char *colors = uc_run_env(run, "COLORFGBG"), *last;

	if (said && strcmp(said, "auto") != 0)
		return strcmp(said, "light") == 0;
	last = colors ? strrchr(colors, ';') : NULL;
	return last && (strcmp(last, ";7") == 0 || strcmp(last, ";15") == 0);
}

static int on_screen(struct dash *d, int signals)
{
	struct uc_run *run = d->run;
	struct uc_error err = { 0 };

	if (!run->stdin_tty || !run->stdout_tty) {
		uc_fail(&err, UC_USAGE,
			"udash draws on a terminal, and standard %s is none",
			run->stdout_tty ? "input" : "output");
		uc_hint(&err,
			"'udash --dump' prints one frame, 'uqueue --json' has data");
		return uc_run_error(run, &err);
	}
	if (dash_term_open(&(struct dash_term_options){ .color = run->color,
							.light = is_light(run),
							.mouse = d->options.mouse,
							.term = uc_run_env(run, "TERM") },
			   &err) < 0)
		return uc_run_error(run, &err);
	run->status = 0;
	if (dash_loop(d, signals, &err) < 0) {
		dash_term_close();
		return uc_run_error(run, &err);
	}
	dash_term_close();
	return dash_leave_undone(d);
}

static int bad_columns(const struct dash *d, const char *said)
{
	const struct dash_columns *columns = &d->columns[DASH_JOBS];
	uc_auto(buf) struct uc_buf names = { 0 };
	struct uc_error err = { 0 };

	for (size_t i = 0; i < columns->count; i++)
		uc_buf_addf(&names, "%s%s", i ? "," : "", columns->table[i].name);
	uc_fail(&err, UC_USAGE, "not all of '%s' are columns", said);
	uc_hint(&err, "there are %s", uc_buf_text(&names));
	return uc_run_error(d->run, &err);
}

/* As it was the last time, unless options say otherwise. */
static int show(struct dash *d, const struct args *args, int signals)
{
	int status;

	d->everybody = true;
	if (!args->dump && !args->json)
		dash_state_read(d);
	if (args->me)
		d->everybody = false;
	if (args->columns && !dash_columns_choose(&d->columns[DASH_JOBS], args->columns))
		return bad_columns(d, args->columns);
	if (args->view >= 0)
		d->view = (enum dash_view)args->view;
	if (args->dump || args->json)
		return dump(d, args);
	status = on_screen(d, signals);
	if (status != UC_USAGE)
		dash_state_write(d);
	return status;
}

/* What was not said is as configured. */
static void take_options(struct dash *d, const struct uc_run *run,
			 const struct args *args)
{
	int64_t interval = args->interval, idle = args->idle;

	if (!interval)
		interval = uc_config_number(run->config, "dash.interval", 5);
	if (idle < 0)
		idle = uc_config_number(run->config, "dash.idle", 1800);
	d->options.interval_ms = 1000 * interval;
	d->options.idle_ms = 1000 * idle;
	d->options.read_only = args->read_only;
	d->options.mouse =
		args->mouse || uc_config_bool(run->config, "dash.mouse", false);
}

static int run_udash(struct uc_run *run, const struct uc_cmd *self, int argc, char **argv)
{
	struct args args = { .idle = -1, .view = -1 };
	struct dash d = { 0 };
	struct uc_error err = { 0 };
	int signals, status;

	(void)argc;
	if (!uc_run_parse(run, self, argv, &args))
		return run->status;
	if (args.rows && !args.dump) {
		uc_fail(&err, UC_USAGE, "option '--lines' goes with '--dump'");
		return uc_run_error(run, &err);
	}
	if (args.keys || args.mdoc_keys) {
		uc_auto(buf) struct uc_buf text = { 0 };

		dash_keys_print(&text, args.keys ? DASH_KEYS_TEXT : DASH_KEYS_MDOC);
		fputs(uc_buf_text(&text), stdout);
		return 0;
	}
	if (uc_run_config(run, NULL) < 0)
		return run->status;
	signals = open_signals();
	take_options(&d, run, &args);
	d.fetch = dash_fetch_new(run);
	if (!d.fetch)
		return run->status;
	if (dash_open(&d, run, &err) < 0)
		status = uc_run_error(run, &err);
	else
		status = show(&d, &args, signals);
	dash_close(&d);
	if (!dash_fetch_free(d.fetch) || d.hangs) {
		/* a thread still uses all this */
		fflush(stdout);
		_exit(status);
	}
	free(d.deeds); /* which were its own until now */
	close(signals);
	return status;
}

int main(int argc, char **argv)
{
	return uc_run_main(&cmd, argc, argv);
}
