/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * What jobs write: the job that was at the cursor, or up to four that are marked, side by
 * side. Files are followed; the last lines of each are kept, made safe, in a ring.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/follow.h>
#include <ucluster/state.h>
#include "udash/dash.h"

enum {
	STREAMS = 4,
	LINES = 20000,      /* kept of a file */
	LINE_LONG = 16384,  /* bytes of a line; what is longer goes on in the next */
	FIRST_LINES = 2000, /* of a file that is there already */
	TURNS = 64,         /* pieces taken in one go, so that keys are not late */
};

struct stream {
	struct dash_id id; /* the job's */
	char name[64];     /* safe */
	char *path;
	char *line[LINES]; /* a ring */
	size_t first, count;
	struct uc_buf rest; /* a line without its end, raw */
	int which;          /* in `follow` */
	char note[320];      /* why there is nothing */
};

struct output {
	struct uc_follow *follow;
	struct stream *stream[STREAMS];
	size_t streams, at; /* at: the one that keys move */
	size_t back;        /* lines that are below what is shown; 0: the end is */
	bool errors, wrap;
};

static struct output *output_of(const struct dash *d)
{
	return d->pane[DASH_OUTPUT];
}

/* --- lines --- */

static char **line_at(struct stream *s, size_t index)
{
	return &s->line[(s->first + index) % LINES];
}

static void add_line(struct dash *d, struct output *p, struct stream *s,
		     const char *bytes, size_t len)
{
	uc_auto(buf) struct uc_buf safe = { 0 };

	uc_buf_safen(&safe, bytes, len, d->grid.safe);
	if (s->count == LINES) {
		free(*line_at(s, 0));
		s->first = (s->first + 1) % LINES;
		s->count--;
	}
	*line_at(s, s->count) = safe.len ? uc_buf_take(&safe) : NULL;
	s->count++;
	if (p->back && p->stream[p->at] == s && p->back < s->count)
		p->back++; /* what is looked at stays */
}

static void add_bytes(struct dash *d, struct output *p, struct stream *s,
		      const char *bytes, size_t len)
{
	while (len) {
		const char *end = memchr(bytes, '\n', len);
		const size_t part = end ? (size_t)(end - bytes) : len;

		uc_buf_addn(&s->rest, bytes, part);
		if (end || s->rest.len > LINE_LONG) {
			size_t from = 0, keep = s->rest.len;

			/* a progress bar is its last state */
			for (size_t i = 0; i + 1 < keep; i++)
				if (s->rest.data[i] == '\r')
					from = i + 1;
			if (keep && s->rest.data[keep - 1] == '\r')
				keep--;
			add_line(d, p, s, s->rest.data ? s->rest.data + from : "",
				 keep > from ? keep - from : 0);
			uc_buf_reset(&s->rest);
		}
		bytes += part + (end != NULL);
		len -= part + (end != NULL);
	}
}

static void forget_lines(struct stream *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(*line_at(s, i));
	s->first = s->count = 0;
	uc_buf_reset(&s->rest);
}

/* --- files --- */

static void drop_streams(struct output *p)
{
	for (size_t i = 0; i < p->streams; i++) {
		struct stream *s = p->stream[i];

		if (s->which >= 0)
			uc_follow_drop(p->follow, s->which);
		forget_lines(s);
		uc_buf_free(&s->rest);
		free(s->path);
		free(s);
	}
	p->streams = p->at = p->back = 0;
}

static void add_stream(struct dash *d, struct output *p, const struct uc_job *job)
{
	struct stream *s = calloc(1, sizeof(*s));
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
	struct output *p = output_of(d);
	const struct uc_jobs *jobs = d->data ? d->data->jobs : NULL;

	drop_streams(p);
	for (size_t i = 0; jobs && d->marks.count && i < jobs->count; i++)
		if (p->streams < STREAMS &&
		    dash_set_has(&d->marks, dash_job_id(&jobs->row[i])))
			add_stream(d, p, &jobs->row[i]);
	if (!p->streams && job)
		add_stream(d, p, job);
}

static bool tick(struct dash *d)
{
	struct output *p = output_of(d);
	struct uc_follow_news news;
	bool any = false;

	for (int turn = 0; turn < TURNS && uc_follow_next(p->follow, &news) > 0; turn++) {
		struct stream *s = NULL;

		for (size_t i = 0; i < p->streams; i++)
			if (p->stream[i]->which == news.which)
				s = p->stream[i];
		if (!s)
			continue;
		any = true;
		if (news.kind == UC_FOLLOW_BYTES)
			add_bytes(d, p, s, news.bytes, news.len);
		else if (news.kind == UC_FOLLOW_CUT || news.kind == UC_FOLLOW_REPLACED)
			forget_lines(s);
		else if (news.kind == UC_FOLLOW_FAILED)
			snprintf(s->note, sizeof(s->note), "%s", news.error.text);
	}
	return any;
}

/* --- drawing --- */

static size_t pieces(const struct output *p, const char *text, int columns)
{
	const size_t width = text ? uc_text_width(text) : 0;

	if (!p->wrap || columns < 1 || width <= (size_t)columns)
		return 1;
	return (width + (size_t)columns - 1) / (size_t)columns;
}

/* A line from `row` on, wrapped when it is to be; rows that are not in the area: not. */
static void draw_line(const struct dash *d, const struct output *p, struct dash_area area,
		      int row, const char *text)
{
	const char *wanted = uc_buf_text(&d->search);
	const bool found = text && wanted[0] && dash_text_has(text, wanted);
	const size_t count = pieces(p, text, area.columns);

	for (size_t i = 0; text && i < count; i++) {
		const size_t len = uc_text_clip(text, (size_t)area.columns);

		dash_put(area, row + (int)i, 0, DASH_PLAIN, text);
		if (found && row + (int)i >= 0)
			dash_flag_row(area, row + (int)i, DASH_FOUND);
		text += len;
	}
}

static void draw_stream(const struct dash *d, const struct output *p, struct stream *s,
			struct dash_area area)
{
	const bool here = p->stream[p->at] == s;
	const size_t back = here ? p->back : 0;
	const struct dash_area head = dash_area_top(&area, 1);
	int row = area.rows;

	dash_role_row(head, 0, here ? DASH_STRONG : DASH_HEAD);
	dash_putf(head, 0, 0, here ? DASH_STRONG : DASH_HEAD, "%s%s  ", s->name,
		  p->errors ? " (errors)" : "");
	dash_put_cell(head, 0, (int)uc_text_width(s->name) + (p->errors ? 11 : 2),
		      head.columns, DASH_FAINT, uc_raw(s->path));
	if (back)
		dash_put_right(head, 0, head.columns - 16, 16, DASH_WAIT,
			       "not at the end");
	if (!s->count)
		dash_put(area, 1, 2, DASH_FAINT,
			 s->note[0] ? s->note
			 : s->which >= 0 && uc_follow_seen(p->follow, s->which)
				 ? "empty"
				 : "no "
				   "output "
				   "yet");
	for (size_t i = s->count > back ? s->count - back : 0; i-- > 0 && row > 0;) {
		const char *text = *line_at(s, i);

		row -= (int)pieces(p, text, area.columns);
		draw_line(d, p, area, row, text);
	}
}

static void draw(struct dash *d, struct dash_area area)
{
	struct output *p = output_of(d);
	const int columns = p->streams ? area.columns / (int)p->streams : area.columns;

	d->page = (size_t)(area.rows > 1 ? area.rows - 1 : 1);
	if (!p->streams)
		dash_put(area, 1, 2, DASH_FAINT,
			 "no job: choose one in Jobs, or mark up to four, and press l");
	for (size_t i = 0; i < p->streams; i++)
		draw_stream(d, p, p->stream[i],
			    dash_area_part(area, 0, (int)i * columns, area.rows,
					   columns - (i + 1 < p->streams)));
}

/* --- keys --- */

static const struct uc_job *job_at(struct dash *d)
{
	const struct output *p = output_of(d);
	const struct uc_jobs *jobs = d->data->jobs;

	for (size_t i = 0; p->streams && i < jobs->count; i++)
		if (dash_id_same(dash_job_id(&jobs->row[i]), p->stream[p->at]->id))
			return &jobs->row[i];
	return NULL;
}

static void scroll(struct output *p, int64_t by)
{
	const struct stream *s = p->stream[p->at];
	int64_t back = (int64_t)p->back + by;
	const int64_t most = s->count ? (int64_t)s->count - 1 : 0;

	back = back > most ? most : back;
	p->back = back < 0 ? 0 : (size_t)back;
}

/* Backwards is older, which is what one looks for in a log. */
static void find_next(struct dash *d, bool forward)
{
	struct output *p = output_of(d);
	struct stream *s = p->stream[p->at];
	const char *text = uc_buf_text(&d->search);

	for (size_t i = 1; text[0] && i < s->count; i++) {
		const size_t back = forward ? p->back - i : p->back + i;
		const char *line;

		if (back >= s->count)
			break;
		line = *line_at(s, s->count - 1 - back);
		if (line && dash_text_has(line, text)) {
			p->back = back;
			return;
		}
	}
	dash_say(d, text[0] ? "not found: %s" : "nothing to search for%s", text);
}

static void other_file(struct dash *d)
{
	struct output *p = output_of(d);
	const struct uc_job *job = job_at(d);

	p->errors = !p->errors;
	show_job(d, job);
}

static bool key(struct dash *d, const struct dash_event *event)
{
	struct output *p = output_of(d);
	const int64_t page = (int64_t)d->page;

	if (!p->streams)
		return false;
	switch (event->key) {
	case 'k':
	case DASH_KEY_UP:
		scroll(p, 1);
		return true;
	case 'j':
	case DASH_KEY_DOWN:
		scroll(p, -1);
		return true;
	case DASH_KEY_WHEEL_UP:
		scroll(p, 3);
		return true;
	case DASH_KEY_WHEEL_DOWN:
		scroll(p, -3);
		return true;
	case DASH_KEY_PAGE_UP:
		scroll(p, page - 1);
		return true;
	case DASH_KEY_PAGE_DOWN:
		scroll(p, 1 - page);
		return true;
	case DASH_CTRL('u'):
		scroll(p, page / 2);
		return true;
	case DASH_CTRL('d'):
		scroll(p, -page / 2);
		return true;
	case 'g':
	case DASH_KEY_HOME:
		scroll(p, LINES);
		return true;
	case 'G':
	case DASH_KEY_END:
		p->back = 0;
		return true;
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
		return true;
	case 'e':
		other_file(d);
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
	struct output *p = calloc(1, sizeof(*p));

	if (!p)
		return -1;
	d->pane[DASH_OUTPUT] = p;
	p->wrap = true;
	p->follow = uc_follow_new();
	return p->follow ? 0 : -1;
}

static void close_pane(struct dash *d)
{
	struct output *p = output_of(d);

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
	.enter = show_job,
	.draw = draw,
	.key = key,
	.job = job_at,
	.fd = follow_fd,
	.wait_ms = follow_pause,
	.tick = tick,
};
