/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* ":" commands, for what has no key or whose key one does not remember. */
#include <stdlib.h>
#include <string.h>
#include <ucluster/units.h>
#include "udash/dash.h"

static void set_filter(struct dash *d, const char *words)
{
	uc_buf_reset(&d->filter);
	uc_buf_add(&d->filter, words);
	dash_again(d);
}

static void set_interval(struct dash *d, const char *words)
{
	struct uc_error err = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 };
	int64_t seconds;

	/* a bare number is seconds here, as in --interval */
	uc_buf_addf(&text, "%s%s", words, words[strspn(words, "0123456789")] ? "" : "s");
	if (uc_duration_parse(uc_buf_text(&text), &seconds, &err) < 0) {
		dash_say(d, "%s", err.text);
		return;
	}
	if (seconds < 2 || seconds > 3600) {
		dash_say(d, "expected 2 to 3600 seconds");
		return;
	}
	d->options.interval_ms = 1000 * seconds;
	dash_say(d, "asked every %jd seconds", (intmax_t)seconds);
}

/* The job by its id, as it is shown. */
static void go_to_job(struct dash *d, const char *words)
{
	uc_buf_reset(&d->search);
	uc_buf_add(&d->search, words);
	dash_show_view(d, DASH_JOBS);
	dash_panes[DASH_JOBS]->key(d, &(struct dash_event){ .key = 'n' });
}

static void show_view(struct dash *d, const char *words)
{
	for (int i = 0; i < DASH_VIEWS; i++)
		if (words[0] &&
		    strncasecmp(dash_panes[i]->name, words, strlen(words)) == 0) {
			dash_show_view(d, (enum dash_view)i);
			return;
		}
	dash_say(d, "no view '%s': jobs, gpus, output, disk, nodes", words);
}

static void quit(struct dash *d, const char *words)
{
	(void)words;
	d->quit = true;
}

static void mine(struct dash *d, const char *words)
{
	(void)words;
	dash_show_me(d);
}

static void sort(struct dash *d, const char *words)
{
	const struct dash_pane *pane = dash_panes[d->view];

	if (!pane->sort)
		dash_say(d, "this view has no order");
	else if (!pane->sort(d, words))
		dash_say(d, "no order '%s'; s goes through all of them", words);
}

static void columns(struct dash *d, const char *words)
{
	struct dash_columns *of = &d->columns[d->view];

	if (!of->count)
		dash_say(d, "this view has no columns");
	else if (strcmp(words, "reset") == 0)
		of->on = of->usual;
	else if (!words[0])
		dash_columns_show(d);
	else if (!dash_columns_choose(of, words))
		dash_say(d, "not all of '%s' are columns; F2 shows them", words);
}

static void mouse(struct dash *d, const char *words)
{
	d->options.mouse = words[0] ? strcmp(words, "on") == 0 : !d->options.mouse;
	dash_term_mouse(d->options.mouse);
	dash_say(d, d->options.mouse ? "the mouse works; Shift and the mouse select text"
				     : "the mouse is the terminal's");
}

static void pick_signal(struct dash *d, const char *words)
{
	if (d->options.read_only)
		dash_say(d, "udash was started with --read-only");
	else if (words[0])
		dash_signal_named(d, words);
	else
		dash_signal(d);
}

static void limit(struct dash *d, const char *words)
{
	if (d->options.read_only)
		dash_say(d, "udash was started with --read-only");
	else if (words[0])
		dash_time_limit_to(d, words);
	else
		dash_time_limit(d);
}

static const struct {
	const char *name, *help;
	void (*fn)(struct dash *d, const char *words);
} commands[] = {
	{ "filter", "TEXT: only rows with it; without: all", set_filter },
	{ "job", "ID: put the cursor on it", go_to_job },
	{ "view", "jobs, gpus, output, disk, nodes", show_view },
	{ "sort", "NAME: user, gpus, load, ...", sort },
	{ "columns", "NAME,NAME,...; reset; without: choose", columns },
	{ "interval", "SECONDS between two questions", set_interval },
	{ "mouse", "on, off", mouse },
	{ "signal", "NAME: to the job at the cursor, or the marked", pick_signal },
	{ "time", "8h, +1h: another time limit", limit },
	{ "me", "my limits and GPU hours", mine },
	{ "quit", "end", quit },
};
#define COUNT (sizeof(commands) / sizeof(commands[0]))

static void help(struct dash *d)
{
	dash_box_open(d, "Commands");
	for (size_t i = 0; i < COUNT; i++)
		dash_box_addf(d, ":%-10s%s", commands[i].name, commands[i].help);
}

/* A command may be shortened as long as it begins only one. */
static void typed(struct dash *d)
{
	const char *line = uc_buf_text(&d->prompt.text);
	const size_t len = strcspn(line, " ");
	/* what is typed may be another by then */
	uc_auto(buf) struct uc_buf rest = { 0 };
	size_t found = COUNT, count = 0;

	uc_buf_add(&rest, line + len + strspn(line + len, " "));
	for (size_t i = 0; i < COUNT; i++)
		if (len && strncmp(commands[i].name, line, len) == 0) {
			found = i;
			count++;
		}
	if (count == 1) {
		commands[found].fn(d, uc_buf_text(&rest));
		return;
	}
	if (len)
		dash_say(d, "'%.*s' %s", (int)len, line,
			 count ? "may be several commands" : "is no command");
	help(d);
}

void dash_command(struct dash *d)
{
	dash_prompt_open(d, ":", "", typed);
}
