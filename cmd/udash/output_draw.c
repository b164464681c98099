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

enum {
	NARROW = 40, /* columns of a file; with less they stand one below the other */
	LEAST = 24,  /* with less than that there are fewer of them at once */
	SHORT = 6,   /* rows */
};

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

	if (text && !p->wrap)
		text += uc_text_clip(text, p->left);
	for (size_t i = 0; text && i < count; i++) {
		const size_t len = uc_text_clip(text, (size_t)area.columns);

		dash_put(area, row + (int)i, 0, DASH_PLAIN, text);
		if (found && row + (int)i >= 0)
			dash_flag_row(area, row + (int)i, DASH_FOUND);
		text += len;
	}
}

static void draw_head(const struct dash *d, const struct output_pane *p,
		      const struct output_stream *s, struct dash_area head)
{
	const bool here = p->stream[p->at] == s, alone = p->streams == 1;
	const enum dash_role role = here && !alone ? DASH_SORTED : DASH_HEAD;
	int column;

	dash_role_row(head, 0, DASH_HEAD);
	column = dash_putf(dash_from(head, 0, 0), role, "%s%s", s->name,
			   p->errors ? " (errors)" : "");
	if (p->across * p->down < p->streams)
		column += dash_putf(dash_from(head, 0, column), DASH_HEAD, "  %zu of %zu",
				    p->at + 1, p->streams);
	dash_put_raw(dash_span(head, 0, column + 2, head.columns), DASH_HEAD,
		     uc_raw(s->path));
	if (here && p->back)
		dash_putf(dash_span(head, 0, head.columns - 18, 18), DASH_SORTED,
			  " %zu lines below%s", p->back,
			  d->options.ascii ? " v" : " \xe2\x86\x93");
}

static const char *empty_words(const struct output_pane *p, const struct output_stream *s)
{
	if (s->note[0])
		return s->note;
	return s->which >= 0 && uc_follow_seen(p->follow, s->which)
		       ? "it has written nothing yet"
		       : "there is no such file yet";
}

/* The last line, which has no end yet: a progress bar is its last state. */
static char *unended(const struct dash *d, const struct output_stream *s)
{
	uc_auto(buf) struct uc_buf safe = { 0 };
	size_t from = 0;

	if (!s->rest.len)
		return NULL;
	for (size_t i = 0; i + 1 < s->rest.len; i++)
		if (s->rest.data[i] == '\r')
			from = i + 1;
	uc_buf_safen(&safe, s->rest.data + from,
		     s->rest.len - from - (s->rest.data[s->rest.len - 1] == '\r'),
		     d->grid.safe);
	return uc_buf_take(&safe);
}

static void draw_stream(const struct dash *d, const struct output_pane *p,
			struct output_stream *s, struct dash_area area)
{
	const size_t back = p->stream[p->at] == s ? p->back : 0;
	char *last = back ? NULL : unended(d, s);
	int row, used;

	draw_head(d, p, s, dash_area_top(&area, 1));
	used = last ? (int)pieces(p, last, area.columns) : 0;
	for (size_t i = s->count > back ? s->count - back : 0;
	     i-- > 0 && used < area.rows;)
		used += (int)pieces(p, *output_line_at(s, i), area.columns);
	row = used < area.rows ? used : area.rows;
	if (!s->count && !last)
		dash_put(area, 1, 2, DASH_FAINT, empty_words(p, s));
	if (last) {
		row -= (int)pieces(p, last, area.columns);
		draw_line(d, p, area, row, last);
		free(last);
	}
	for (size_t i = s->count > back ? s->count - back : 0; i-- > 0 && row > 0;) {
		const char *text = *output_line_at(s, i);

		row -= (int)pieces(p, text, area.columns);
		draw_line(d, p, area, row, text);
	}
}

/* Side by side where there is room for that, else below one another. */
static int count_across(int count, struct dash_area area)
{
	int across = count;

	while (across > 1 && area.columns / across < NARROW &&
	       area.rows / ((count + across - 2) / (across - 1)) >= SHORT)
		across--;
	return across;
}

/* So many at once; there may be more. */
static int count_shown(const struct output_pane *p, struct dash_area area)
{
	const int across = area.columns / LEAST, down = area.rows / SHORT;
	const int most = (across > 1 ? across : 1) * (down > 1 ? down : 1);

	return (int)p->streams < most ? (int)p->streams : most;
}

void output_draw(struct dash *d, struct dash_area area)
{
	struct output_pane *p = d->pane[DASH_OUTPUT];
	int across, down, columns, rows, shown;

	d->page = (size_t)(area.rows > 1 ? area.rows - 1 : 1);
	if (!p->streams) {
		dash_put(area, 1, 2, DASH_FAINT,
			 "no job: choose one in Jobs, or mark up to four, and press l");
		return;
	}
	shown = count_shown(p, area);
	p->from = p->at / (size_t)shown * (size_t)shown;
	if (p->from + (size_t)shown > p->streams)
		p->from = p->streams - (size_t)shown;
	across = count_across(shown, area);
	p->across = (size_t)across;
	p->down = (size_t)((shown + across - 1) / across);
	down = (int)p->down;
	columns = area.columns / across;
	rows = area.rows / down;
	d->page = (size_t)(rows > 1 ? rows - 1 : 1);
	for (int i = 0; i < shown; i++) {
		const bool right = i % across == across - 1, low = i / across == down - 1;

		draw_stream(d, p, p->stream[p->from + (size_t)i],
			    dash_area_part(area, i / across * rows, i % across * columns,
					   low ? area.rows : rows,
					   right ? area.columns : columns - 1));
	}
}
