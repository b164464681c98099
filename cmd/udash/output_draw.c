/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What is kept of files, and how it looks. */
#include <stdlib.h>
#include <string.h>
#include "udash/output.h"

/* Bytes of a line; what is longer goes on in the next. */
#define OUTPUT_LINE_MAX 16384

/* --- lines --- */

char **output_line_at(struct output_stream *s, size_t index)
{
	return &s->line[(s->first + index) % OUTPUT_LINES];
}

static void add_line(struct dash *d, struct output_stream *s, const char *bytes,
		     size_t len)
{
	struct output_pane *p = d->pane[DASH_OUTPUT];
	uc_auto(buf) struct uc_buf safe = { 0 };

	uc_buf_safen(&safe, bytes, len, d->grid.safe);
	if (s->count == OUTPUT_LINES) {
		free(*output_line_at(s, 0));
		s->first = (s->first + 1) % OUTPUT_LINES;
		s->count--;
	}
	*output_line_at(s, s->count) = safe.len ? uc_buf_take(&safe) : NULL;
	s->count++;
	if (p->back && p->stream[p->at] == s && p->back < s->count)
		p->back++; /* what is looked at stays */
}

void output_add_bytes(struct dash *d, struct output_stream *s, const char *bytes,
		      size_t len)
{
	while (len) {
		const char *end = memchr(bytes, '\n', len);
		const size_t part = end ? (size_t)(end - bytes) : len;

		uc_buf_addn(&s->rest, bytes, part);
		if (end || s->rest.len > OUTPUT_LINE_MAX) {
			size_t from = 0, keep = s->rest.len;

			/* a progress bar is its last state */
			for (size_t i = 0; i + 1 < keep; i++)
				if (s->rest.data[i] == '\r')
					from = i + 1;
			if (keep && s->rest.data[keep - 1] == '\r')
				keep--;
			add_line(d, s, s->rest.data ? s->rest.data + from : "",
				 keep > from ? keep - from : 0);
			uc_buf_reset(&s->rest);
		}
		bytes += part + (end != NULL);
		len -= part + (end != NULL);
	}
}

void output_forget(struct output_stream *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(*output_line_at(s, i));
	s->first = s->count = 0;
	uc_buf_reset(&s->rest);
}

/* --- drawing --- */

static size_t pieces(const struct output_pane *p, const char *text, int columns)
{
	const size_t width = text ? uc_text_width(text) : 0;

	if (!p->wrap || columns < 1 || width <= (size_t)columns)
		return 1;
	return (width + (size_t)columns - 1) / (size_t)columns;
}

/* A line from `row` on, wrapped when it is to be; rows that are not in the area: not. */
static void draw_line(const struct dash *d, const struct output_pane *p,
		      struct dash_area area, int row, const char *text)
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

static void draw_stream(const struct dash *d, const struct output_pane *p,
			struct output_stream *s, struct dash_area area)
{
	const bool here = p->stream[p->at] == s;
	const size_t back = here ? p->back : 0;
	const struct dash_area head = dash_area_top(&area, 1);
	int row = area.rows;

	dash_role_row(head, 0, here ? DASH_STRONG : DASH_HEAD);
	dash_putf(dash_from(head, 0, 0), here ? DASH_STRONG : DASH_HEAD, "%s%s  ",
		  s->name, p->errors ? " (errors)" : "");
	dash_put_raw(dash_span(head, 0,
			       (int)uc_text_width(s->name) + (p->errors ? 11 : 2),
			       head.columns),
		     DASH_FAINT, uc_raw(s->path));
	if (back)
		dash_put_right(dash_span(head, 0, head.columns - 16, 16), DASH_WAIT,
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
		const char *text = *output_line_at(s, i);

		row -= (int)pieces(p, text, area.columns);
		draw_line(d, p, area, row, text);
	}
}

void output_draw(struct dash *d, struct dash_area area)
{
	struct output_pane *p = d->pane[DASH_OUTPUT];
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
