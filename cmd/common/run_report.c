/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Messages on stderr; the configuration, which a command opens with one call. */
#include "common/run.h"

#include <stdio.h>
#include <string.h>

/* stdout first: on a terminal both appear in the order they were made. */
static void put_line(const struct uc_buf *line)
{
	fflush(stdout);
	fputs(uc_buf_text(line), stderr);
}

static void add_mark(struct uc_buf *out, const struct uc_mark *mark)
{
	if (!mark->path[0])
		return;
	uc_buf_add(out, mark->path);
	if (mark->line > 0)
		uc_buf_addf(out, ":%d", mark->line);
	if (mark->line > 0 && mark->column > 0)
		uc_buf_addf(out, ":%d", mark->column);
	uc_buf_add(out, ": ");
}

static void print_error(const struct uc_run *run, const struct uc_error *err)
{
	uc_auto(buf) struct uc_buf line = { 0 };

	/* it is safe text; without memory the place is left out */
	uc_buf_addf(&line, "%s: ", run->prog);
	add_mark(&line, &err->at);
	uc_buf_addf(&line, "%s\n", err->text);
	if (err->hint[0])
		uc_buf_addf(&line, "hint: %s\n", err->hint);
	if (run->parsed.verbose >= 2 && err->from.path[0])
		uc_buf_addf(&line, "from: %s:%d\n", err->from.path, err->from.line);
	if (line.failed)
		fprintf(stderr, "%s: %s\n", run->prog, err->text);
	else
		put_line(&line);
}

/* A peer's nonsense is a plain failure to the shell (ucluster(7), EXIT STATUS). */
static int status_of(enum uc_code code)
{
	return code == UC_INVALID ? UC_FAILED : (int)code;
}

int uc_run_error(struct uc_run *run, const struct uc_error *err)
{
	print_error(run, err);
	run->status = status_of(err->code);
	return run->status;
}

int uc_run_errors(struct uc_run *run, const struct uc_errors *list)
{
	for (size_t i = 0; i < list->count; i++)
		print_error(run, &list->item[i]);
	if (list->dropped)
		uc_run_say(run, 0, "%zu more faults are not shown", list->dropped);
	run->status = list->count ? status_of(list->item[0].code) : UC_USAGE;
	return run->status;
}

void uc_run_say(const struct uc_run *run, int level, const char *fmt, ...)
{
	uc_auto(buf) struct uc_buf text = { 0 }, line = { 0 };
	va_list ap;

	if (level > run->parsed.verbose)
		return;
	va_start(ap, fmt);
	uc_buf_addv(&text, fmt, ap);
	va_end(ap);
	uc_buf_addf(&line, "%s: ", run->prog);
	uc_buf_safen(&line, uc_buf_text(&text), text.len, run->safe);
	uc_buf_addc(&line, '\n');
	if (text.failed || line.failed)
		fprintf(stderr, "%s: out of memory\n", run->prog);
	else
		put_line(&line);
}

static int configured_color(const struct uc_config *config)
{
	const char *text = uc_config_string(config, "color");

	if (text && strcmp(text, "always") == 0)
		return UC_COLOR_ALWAYS;
	return text && strcmp(text, "never") == 0 ? UC_COLOR_NEVER : UC_COLOR_AUTO;
}

int uc_run_config(struct uc_run *run, const char *preset)
{
	uc_auto(errors) struct uc_errors faults = { 0 };
	const struct uc_config_from from = {
		.site_path = run->site_path,
		.user_path = run->user_path,
		.home = run->home,
		.cwd = run->cwd,
		.preset = preset,
		.environment = run->environment,
	};

	if (uc_config_load(&from, &run->config, &faults) < 0) {
		uc_run_errors(run, &faults);
		return -1;
	}
	for (size_t i = 0; i < faults.count; i++)
		print_error(run, &faults.item[i]);
	if (run->parsed.color < 0)
		uc_run_color(run, configured_color(run->config));
	return 0;
}

void uc_run_state_dir(const struct uc_run *run, struct uc_buf *out)
{
	const char *base = uc_run_env(run, "XDG_STATE_HOME");

	if (base && base[0] == '/')
		uc_buf_addf(out, "%s/ucluster", base);
	else if (run->home)
		uc_buf_addf(out, "%s/.local/state/ucluster", run->home);
}
