/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* One table of keys: what they do, the help, the bar, the man page. */
#include <string.h>
#include <ucluster/units.h>
#include "udash/dash.h"

/* --- what keys do --- */

static void quit(struct dash *d)
{
	d->quit = true;
}

static void help(struct dash *d)
{
	dash_box_open(d, "Keys");
	dash_keys_help(&d->box.line);
}

void dash_show_view(struct dash *d, enum dash_view view)
{
	const struct uc_job *job = dash_job(d);

	d->view = view;
	dash_freshen(d);
	if (dash_panes[view]->enter)
		dash_panes[view]->enter(d, job);
}

static void next_view(struct dash *d)
{
	dash_show_view(d, (enum dash_view)((d->view + 1) % DASH_VIEWS));
}

static void last_view(struct dash *d)
{
	dash_show_view(d, (enum dash_view)((d->view + DASH_VIEWS - 1) % DASH_VIEWS));
}

static void view_jobs(struct dash *d)
{
	dash_show_view(d, DASH_JOBS);
}

static void view_gpus(struct dash *d)
{
	dash_show_view(d, DASH_GPUS);
}

static void view_output(struct dash *d)
{
	dash_show_view(d, DASH_OUTPUT);
}

static void view_disk(struct dash *d)
{
	dash_show_view(d, DASH_DISK);
}

static void view_nodes(struct dash *d)
{
	dash_show_view(d, DASH_NODES);
}

static void refresh(struct dash *d)
{
	dash_hurry(d);
	dash_term_redraw();
}

static void pause_asking(struct dash *d)
{
	d->paused = !d->paused;
	dash_say(d, d->paused ? "paused: slurmctld is not asked; p goes on" : "going on");
	if (!d->paused)
		dash_hurry(d);
}

static void who(struct dash *d)
{
	d->everybody = !d->everybody;
	dash_say(d, d->everybody ? "everybody's jobs" : "my jobs");
	dash_again(d);
}

static void filter_done(struct dash *d)
{
	uc_buf_reset(&d->filter);
	uc_buf_add(&d->filter, uc_buf_text(&d->prompt.text));
	dash_again(d);
}

static void filter_gone(struct dash *d)
{
	uc_buf_reset(&d->filter);
	dash_again(d);
}

static void filter(struct dash *d)
{
	dash_prompt_open(d, "Only rows with: ", uc_buf_text(&d->filter), filter_done);
	d->prompt.typed = filter_done;
	d->prompt.gone = filter_gone;
}

static void pass_on(struct dash *d, int key)
{
	const struct dash_pane *pane = dash_panes[d->view];
	const struct dash_event event = { .key = key };

	if (pane->key)
		pane->key(d, &event);
}

static void search_done(struct dash *d)
{
	uc_buf_reset(&d->search);
	uc_buf_add(&d->search, uc_buf_text(&d->prompt.text));
	pass_on(d, 'n');
}

static void search(struct dash *d)
{
	dash_prompt_open(d, "Search: ", "", search_done);
}

static void mark_none(struct dash *d)
{
	dash_set_clear(&d->marks);
}

static void attach(struct dash *d)
{
	const struct uc_job *job = dash_job(d);
	uc_auto(buf) struct uc_buf id = { 0 };

	if (!job)
		return;
	uc_buf_job_id(&id, job, UC_NONE32);
	dash_run_command(d, (const char *const[]){ "uattach", uc_buf_text(&id), NULL });
}

static void shell(struct dash *d)
{
	const struct uc_job *job = dash_job(d);
	uc_auto(buf) struct uc_buf id = { 0 };

	if (!job)
		return;
	uc_buf_job_id(&id, job, UC_NONE32);
	dash_run_command(
		d, (const char *const[]){ "uattach", uc_buf_text(&id), "--shell", NULL });
}

static void copy_path(struct dash *d)
{
	const struct uc_job *job = dash_job(d);
	uc_auto(buf) struct uc_buf path = { 0 };
	struct uc_error err = { 0 };

	if (!job) {
		dash_say(d, "no job here");
		return;
	}
	if (uc_job_output(job, false, NULL, &path, &err) < 0) {
		dash_say(d, "%s", err.text);
		return;
	}
	dash_term_copy(uc_buf_text(&path), path.len);
	dash_say(d, "copied: %s", uc_buf_text(&path));
}

/* --- the table --- */

#define ALL    31u
#define ON(v)  (1u << (v))
#define LISTS  (ON(DASH_JOBS) | ON(DASH_NODES))
#define OFJOBS (ON(DASH_JOBS) | ON(DASH_GPUS) | ON(DASH_OUTPUT))
#define OFTEXT (LISTS | ON(DASH_GPUS))
#define JOBS   ON(DASH_JOBS)
#define OUTPUT ON(DASH_OUTPUT)
#define DISK   ON(DASH_DISK)
#define F(n)   (DASH_KEY_F + (n))
#define ENTER  DASH_KEY_ENTER
#define TAB    DASH_KEY_TAB
#define BACK   DASH_KEY_BACKTAB

// clang-format off
/* A row without a function describes what the view itself, or the loop, does with it. */
static const struct binding {
	int key, other;   /* other: 0 or a second one */
	const char *keys; /* as they are written */
	const char *bar;  /* its name in the bar of function keys; NULL: not there */
	const char *help;
	void (*fn)(struct dash *d);
	unsigned views;
	bool acts; /* not with --read-only */
} bindings[] = {
	{ F(1), '?', "F1 ?", "Help", "these keys", help, ALL, false },
	{ TAB, 0, "Tab", NULL, "the next view", next_view, ALL, false },
	{ BACK, 0, "Shift-Tab", NULL, "the view before", last_view, ALL, false },
	{ '1', 0, "1", NULL, "jobs", view_jobs, ALL, false },
	{ '2', 0, "2", NULL, "GPUs", view_gpus, ALL, false },
	{ '3', 'l', "3 l", NULL, "output of the job at the cursor, or of those marked",
	  view_output, ALL, false },
	{ '4', 0, "4", NULL, "disk", view_disk, ALL, false },
	{ '5', 0, "5", NULL, "nodes and partitions", view_nodes, ALL, false },
	{ 0, 0, "arrows hjk", NULL, "move", NULL, ALL, false },
	{ 0, 0, "g G", NULL, "first, last; also Home, End", NULL, ALL, false },
	{ 0, 0, "PgUp PgDn", NULL, "a page; Ctrl-U, Ctrl-D half of one", NULL, ALL, false },
	{ F(2), 0, "F2", "Columns", "choose the columns", dash_columns_show, LISTS, false },
	{ F(3), '/', "F3 /", "Search", "search; n next, N the one before", search,
	  OFTEXT | OUTPUT, false },
	{ F(4), 'f', "F4 f", "Filter", "only rows with this text", filter, OFTEXT, false },
	{ F(5), 'r', "F5 r", "Refresh", "ask now, draw anew", refresh, ALL, false },
	{ F(6), 's', "F6 s", "Sort", "sort by the next column", NULL, LISTS, false },
	{ 0, 0, "I", NULL, "the other way round", NULL, LISTS, false },
	{ 'u', 0, "u", NULL, "everybody's jobs, or mine", who, JOBS, false },
	{ 0, 0, "Space", NULL, "mark a job", NULL, JOBS, false },
	{ 'U', 0, "U", NULL, "no marks", mark_none, JOBS, false },
	{ 0, 0, "+ -", NULL, "unfold, fold an array", NULL, JOBS, false },
	{ ENTER, 0, "Enter", NULL, "details of the job, or of the node", dash_show_details,
	  OFJOBS | ON(DASH_NODES), false },
	{ 'w', 0, "w", NULL, "why it waits", dash_show_why, OFJOBS, false },
	{ 'e', 0, "e", NULL, "what it wrote as errors; again: its output", dash_show_errors,
	  OFJOBS, false },
	{ 0, 0, "W", NULL, "wrap long lines, or cut them", NULL, OUTPUT, false },
	{ 0, 0, "< >", NULL, "sideways, where they are cut", NULL, OUTPUT, false },
	{ 'a', 0, "a", NULL, "attach: uattach JOB", attach, OFJOBS, false },
	{ 'S', 0, "S", NULL, "shell in the job: uattach JOB --shell", shell, OFJOBS, true },
	{ 'c', 'x', "c x", "Cancel", "cancel it, or all that are marked", dash_cancel,
	  OFJOBS, true },
	{ F(9), 0, "F9", "Signal", "send a signal", dash_signal, OFJOBS, true },
	{ 'H', 0, "H", NULL, "hold: do not start", dash_hold, JOBS, true },
	{ 'R', 0, "R", NULL, "release what is held", dash_release, JOBS, true },
	{ 'Q', 0, "Q", NULL, "requeue", dash_requeue, JOBS, true },
	{ 't', 0, "t", NULL, "another time limit", dash_time_limit, OFJOBS, true },
	{ 'y', 0, "y", NULL, "copy the path of its output", copy_path, OFJOBS, false },
	{ 0, 0, "Enter Right", NULL, "into the folder; Backspace, Left: back", NULL, DISK, false },
	{ 'b', 0, "b", "By", "by folder, owner, age, kind, largest file", NULL, DISK, false },
	{ 'S', 0, "S", "Scan", "scan it now", NULL, DISK, false },
	{ 'x', 0, "x", "Stop", "stop the scan, keep what it found", NULL, DISK, false },
	{ 'm', 0, "m", NULL, "my limits, and GPU hours of the last days", dash_show_me,
	  ALL, false },
	{ ':', 0, ":", NULL, "commands", dash_command, ALL, false },
	{ 'p', 0, "p", NULL, "pause, go on", pause_asking, ALL, false },
	{ 0, 0, "Esc", NULL, "back; never ends udash", NULL, ALL, false },
	{ 0, 0, "Ctrl-Z", NULL, "stop for a while; the shell's fg comes back", NULL, ALL, false },
	{ F(10), 'q', "F10 q", "Quit", "end; also Ctrl-C", quit, ALL, false },
};
// clang-format on
#define COUNT (sizeof(bindings) / sizeof(bindings[0]))

static const struct binding *find(const struct dash *d, int key)
{
	for (size_t i = 0; i < COUNT; i++)
		if (bindings[i].fn && bindings[i].views & ON(d->view) &&
		    (bindings[i].key == key || (bindings[i].other == key && key)))
			return &bindings[i];
	return NULL;
}

/* A click on a name is its key; another one is the view's, counted from its corner. */
static void click(struct dash *d, struct dash_event event)
{
	const struct dash_pane *pane = dash_panes[d->view];

	for (size_t i = 0; i < d->hots; i++) {
		const struct dash_hot hot = d->hot[i];

		if (event.row == hot.row && event.column >= hot.column &&
		    event.column < hot.column + hot.columns) {
			dash_key(d, &(struct dash_event){ .key = hot.key });
			return;
		}
	}
	event.row -= d->body.row;
	event.column -= d->body.column;
	if (pane->key && d->data && event.row >= 0 && event.column >= 0 &&
	    event.row < d->body.rows && event.column < d->body.columns)
		pane->key(d, &event);
}

/* Of the screen, not of a view. True: that was it. */
static bool screen_key(struct dash *d, int key)
{
	if (key == DASH_CTRL('c'))
		quit(d);
	else if (key == DASH_CTRL('l'))
		dash_term_redraw();
	else
		return false;
	return true;
}

void dash_key(struct dash *d, const struct dash_event *event)
{
	const struct dash_pane *pane = dash_panes[d->view];
	const struct binding *binding;

	d->typed_ms = uc_monotonic_ms();
	if (event->key == DASH_KEY_NONE)
		return;
	dash_freshen(d);
	if (d->prompt.title) {
		dash_prompt_key(d, event->key);
		return;
	}
	if (d->box.open) {
		dash_box_key(d, event);
		return;
	}
	d->message[0] = '\0';
	if (screen_key(d, event->key))
		return;
	if (event->key == DASH_KEY_CLICK) {
		click(d, *event);
		return;
	}
	binding = find(d, event->key);
	if (binding && binding->acts && d->options.read_only) {
		dash_say(d, "udash was started with --read-only");
		return;
	}
	if (binding)
		binding->fn(d);
	else if (pane->key)
		pane->key(d, event);
}

/* --- the table, shown --- */

bool dash_keys_bar(const struct dash *d, size_t index, struct uc_buf *key,
		   const char **name, int *code)
{
	for (size_t i = 0; i < COUNT; i++) {
		if (!bindings[i].bar || !(bindings[i].views & ON(d->view)) || index--)
			continue;
		uc_buf_addn(key, bindings[i].keys, strcspn(bindings[i].keys, " "));
		*name = bindings[i].bar;
		*code = bindings[i].key;
		return true;
	}
	return false;
}

const char *dash_keys_name(size_t index)
{
	return index < COUNT ? bindings[index].keys : NULL;
}

static const char *where(const struct binding *binding)
{
	static const struct {
		unsigned views;
		const char *words;
	} names[] = {
		{ ALL, "" },
		{ JOBS, " (jobs)" },
		{ LISTS, " (jobs, nodes)" },
		{ OFJOBS, " (jobs, GPUs, output)" },
		{ OFTEXT, " (jobs, GPUs, nodes)" },
		{ OFTEXT | OUTPUT, " (not in disk)" },
		{ OFJOBS | ON(DASH_NODES), " (not in disk)" },
		{ OUTPUT, " (output)" },
		{ DISK, " (disk)" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].views == binding->views)
			return names[i].words;
	return "";
}

void dash_keys_help(struct uc_strv *lines)
{
	for (size_t i = 0; i < COUNT; i++)
		uc_strv_addf(lines, "%-12s %s%s", bindings[i].keys, bindings[i].help,
			     where(&bindings[i]));
}

void dash_keys_print(struct uc_buf *out, enum dash_keys_form form)
{
	for (size_t i = 0; i < COUNT; i++) {
		if (form == DASH_KEYS_MDOC)
			uc_buf_addf(out, ".It Ic \\&%s\n%s%s\n", bindings[i].keys,
				    bindings[i].help, where(&bindings[i]));
		else
			uc_buf_addf(out, "%-12s %s%s\n", bindings[i].keys,
				    bindings[i].help, where(&bindings[i]));
	}
}
