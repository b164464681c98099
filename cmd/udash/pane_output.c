/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * What jobs write: the job that was at the cursor, or up to four that are marked, side by
 * side. Files are followed; the last lines of each are kept, made safe, in a ring.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "udash/output.h"

enum {
	FIRST_LINES = 2000, /* of a file that is there already */
	TURNS = 64,         /* pieces taken in one go, so that keys are not late */
};

static struct output_pane *output_of(const struct dash *d)
{
	return d->pane[DASH_OUTPUT];
}

/* --- files --- */

static void drop_streams(struct output_pane *p)
{
	for (size_t i = 0; i < p->streams; i++) {
		struct output_stream *s = p->stream[i];

		if (s->which >= 0)
			uc_follow_drop(p->follow, s->which);
		output_forget(s);
		uc_buf_free(&s->rest);
		free(s->path);
		free(s);
	}
	p->streams = p->at = p->back = 0;
}

static void add_stream(struct dash *d, struct output_pane *p, const struct uc_job *job)
{
	struct output_stream *s = calloc(1, sizeof(*s));
	uc_auto(buf) struct uc_buf path = { 0 }, name = { 0 };
	struct uc_error err = { 0 };

	if (!s)
		return;
	s->id = dash_job_id(job);
	s->which = -1;
	uc_buf_job_id(&name, job, UC_NONE32);
	uc_buf_addc(&name, ' ');
	uc_buf_safe(&name, job->name, d->grid.safe);
	snprintf(s->name, sizeof(s->name), "%s", uc_buf_text(&name));
	if (uc_job_output(job, p->errors, NULL, &path, &err) < 0)
		snprintf(s->note, sizeof(s->note), "%s", err.text);
	else
		s->path = uc_buf_take(&path);
	if (s->path)
		s->which = uc_follow_add(
			p->follow, &(struct uc_follow_rules){ .path = s->path,
							      .lines = FIRST_LINES });
	p->stream[p->streams++] = s;
}

static void show_job(struct dash *d, const struct uc_job *job)
{
	struct output_pane *p = output_of(d);
	const struct uc_jobs *jobs = d->data ? d->data->jobs : NULL;

	drop_streams(p);
	for (size_t i = 0; jobs && d->marks.count && i < jobs->count; i++)
		if (p->streams < OUTPUT_STREAMS &&
		    dash_set_has(&d->marks, dash_job_id(&jobs->row[i])))
			add_stream(d, p, &jobs->row[i]);
	if (!p->streams && job)
		add_stream(d, p, job);
}

static bool tick(struct dash *d)
{
	struct output_pane *p = output_of(d);
	struct uc_follow_news news;
	bool any = false;

	for (int turn = 0; turn < TURNS && uc_follow_next(p->follow, &news) > 0; turn++) {
		struct output_stream *s = NULL;

		for (size_t i = 0; i < p->streams; i++)
			if (p->stream[i]->which == news.which)
				s = p->stream[i];
		if (!s)
			continue;
		any = true;
		if (news.kind == UC_FOLLOW_BYTES)
			output_add_bytes(d, s, news.bytes, news.len);
		else if (news.kind == UC_FOLLOW_CUT || news.kind == UC_FOLLOW_REPLACED)
			output_forget(s);
		else if (news.kind == UC_FOLLOW_FAILED)
			snprintf(s->note, sizeof(s->note), "%s", news.error.text);
	}
	return any;
}

/* --- keys --- */

static const struct uc_job *job_at(struct dash *d)
{
	const struct output_pane *p = output_of(d);
	const struct uc_jobs *jobs = d->data->jobs;

	for (size_t i = 0; p->streams && i < jobs->count; i++)
		if (dash_id_same(dash_job_id(&jobs->row[i]), p->stream[p->at]->id))
			return &jobs->row[i];
	return NULL;
}

static void scroll(struct output_pane *p, int64_t by)
{
	const struct output_stream *s = p->stream[p->at];
	int64_t back = (int64_t)p->back + by;
	const int64_t most = s->count ? (int64_t)s->count - 1 : 0;

	back = back > most ? most : back;
	p->back = back < 0 ? 0 : (size_t)back;
}

/* Backwards is older, which is what one looks for in a log. */
static void find_next(struct dash *d, bool forward)
{
	struct output_pane *p = output_of(d);
	struct output_stream *s = p->stream[p->at];
	const char *text = uc_buf_text(&d->search);

	for (size_t i = 1; text[0] && i < s->count; i++) {
		const size_t back = forward ? p->back - i : p->back + i;
		const char *line;

		if (back >= s->count)
			break;
		line = *output_line_at(s, s->count - 1 - back);
		if (line && dash_text_has(line, text)) {
			p->back = back;
			return;
		}
	}
	dash_say(d, text[0] ? "not found: %s" : "nothing to search for%s", text);
}

/* What was shown stays when there is no other job to show. */
static void enter(struct dash *d, const struct uc_job *job)
{
	struct output_pane *p = output_of(d);

	if (!job && !d->marks.count)
		return;
	p->errors = false;
	p->left = 0;
	show_job(d, job);
}

/* In a file of their own. */
static bool has_errors(const struct uc_job *job)
{
	uc_auto(buf) struct uc_buf out = { 0 }, errors = { 0 };
	struct uc_error ignored = { 0 };

	return uc_job_output(job, false, NULL, &out, &ignored) < 0 ||
	       uc_job_output(job, true, NULL, &errors, &ignored) < 0 ||
	       strcmp(uc_buf_text(&out), uc_buf_text(&errors)) != 0;
}

void dash_show_errors(struct dash *d)
{
	struct output_pane *p = output_of(d);
	const struct uc_job *job;

	if (d->view != DASH_OUTPUT)
		dash_show_view(d, DASH_OUTPUT);
	job = d->data ? job_at(d) : NULL;
	if (!job)
		return;
	if (!p->errors && !has_errors(job)) {
		dash_say(d, "its errors are in its output: they go to the same file");
		return;
	}
	p->errors = !p->errors;
	show_job(d, job);
}

/* The file at this place; the one that keys move from then on. */
static void click(struct dash *d, const struct dash_event *event)
{
	struct output_pane *p = output_of(d);
	const size_t at =
		p->from +
		(size_t)event->row * p->down / (size_t)d->body.rows * p->across +
		(size_t)event->column * p->across / (size_t)d->body.columns;

	if (at < p->streams && at != p->at) {
		p->at = at;
		p->back = 0;
	}
}

static void sideways(struct dash *d, int64_t by)
{
	struct output_pane *p = output_of(d);
	const int64_t to = (int64_t)p->left + by;

	p->left = to < 0 ? 0 : (size_t)to;
	if (p->wrap)
		dash_say(d, "long lines are wrapped; W cuts them");
}

/* Keys that scroll the file. False: it is none of these. */
static bool scroll_key(struct dash *d, int key)
{
	struct output_pane *p = output_of(d);
	const int64_t page = (int64_t)d->page;

	switch (key) {
	case 'k':
	case DASH_KEY_UP:
		scroll(p, 1);
		return true;
	case 'j':
	case DASH_KEY_DOWN:
		scroll(p, -1);
		return true;
	case DASH_KEY_WHEEL_UP:
	case DASH_KEY_WHEEL_DOWN:
		scroll(p, key == DASH_KEY_WHEEL_UP ? 3 : -3);
		return true;
	case DASH_KEY_PAGE_UP:
	case DASH_KEY_PAGE_DOWN:
		scroll(p, key == DASH_KEY_PAGE_UP ? page - 1 : 1 - page);
		return true;
	case DASH_CTRL('u'):
	case DASH_CTRL('d'):
		scroll(p, key == DASH_CTRL('u') ? page / 2 : -page / 2);
		return true;
	case 'g':
	case DASH_KEY_HOME:
		scroll(p, OUTPUT_LINES);
		return true;
	case 'G':
	case DASH_KEY_END:
		p->back = 0;
		return true;
	default:
		return false;
	}
}

static bool key(struct dash *d, const struct dash_event *event)
{
	struct output_pane *p = output_of(d);

	if (!p->streams)
		return false;
	if (scroll_key(d, event->key))
		return true;
	switch (event->key) {
	case 'h':
	case DASH_KEY_LEFT:
		p->at = (p->at + p->streams - 1) % p->streams;
		p->back = 0;
		return true;
	case DASH_KEY_RIGHT:
		p->at = (p->at + 1) % p->streams;
		p->back = 0;
		return true;
	case 'n':
	case 'N':
		find_next(d, event->key == 'N');
		return true;
	case 'W':
		p->wrap = !p->wrap;
		p->left = 0;
		dash_say(d, p->wrap ? "long lines are wrapped" : "long lines are cut");
		return true;
	case '<':
	case '>':
		sideways(d, event->key == '<' ? -20 : 20);
		return true;
	case DASH_KEY_CLICK:
		click(d, event);
		return true;
	default:
		return false;
	}
}

/* --- begin and end --- */

static int follow_fd(struct dash *d)
{
	return uc_follow_fd(output_of(d)->follow);
}

static int follow_pause(struct dash *d)
{
	return uc_follow_pause(output_of(d)->follow);
}

static int open_pane(struct dash *d)
{
	struct output_pane *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	d->pane[DASH_OUTPUT] = p;
	p->wrap = true;
	p->follow = uc_follow_new();
	return p->follow ? 0 : -1;
}

static void close_pane(struct dash *d)
{
	struct output_pane *p = output_of(d);

	if (!p)
		return;
	drop_streams(p);
	uc_follow_free(p->follow);
	free(p);
}

const struct dash_pane dash_pane_output = {
	.name = "Output",
	.open = open_pane,
	.close = close_pane,
	.enter = enter,
	.draw = output_draw,
	.key = key,
	.job = job_at,
	.fd = follow_fd,
	.wait_ms = follow_pause,
	.tick = tick,
};
