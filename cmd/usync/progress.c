/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The one line that is drawn again and again while a run goes on. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <ucluster/units.h>
#include "usync/show.h"

enum {
	REDRAW_MS = 100,
	SAMPLE_MS = 500, /* the speed is told over as much, and some more of the past */
	LATE_S = 359999, /* "99:59:59", and nothing beyond */
};

/* What is on the terminal now, not when the command began. */
static int columns_now(const struct uc_run *run)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return run->columns;
}

static void put_line(struct usync_show *show, const char *text)
{
	const int columns = columns_now(show->run);

	/* the last column stays free: a cursor behind it would begin a new line */
	fprintf(stderr, "\r%.*s\033[K",
		(int)uc_text_clip(text, columns > 1 ? (size_t)columns - 1 : 1), text);
	fflush(stderr);
	show->drawn = true;
}

void usync_progress_clear(struct usync_show *show)
{
	if (!show->drawn)
		return;
	fputs("\r\033[K", stderr);
	fflush(stderr);
	show->drawn = false;
}

void usync_progress_phase(struct usync_show *show, const char *phase)
{
	uc_auto(buf) struct uc_buf line = { 0 };

	show->phase = phase;
	if (!show->progress)
		return;
	uc_buf_addf(&line, "%s...", phase);
	put_line(show, uc_buf_text(&line));
	show->drawn_ms = uc_monotonic_ms();
}

/* Half of it is of the last moment, so that it follows and does not jump. */
static void take_sample(struct usync_show *show, uint64_t bytes)
{
	const int64_t now = uc_monotonic_ms(), took = now - show->sampled_ms;
	double speed;

	if (!show->sampled_ms || bytes < show->sampled) {
		show->sampled_ms = now;
		show->sampled = bytes;
		return;
	}
	if (took < SAMPLE_MS)
		return;
	speed = (double)(bytes - show->sampled) * 1000 / (double)took;
	show->speed = show->speed > 0 ? (show->speed + speed) / 2 : speed;
	show->sampled_ms = now;
	show->sampled = bytes;
}

static void add_left(const struct usync_show *show, const struct uc_sync_progress *p,
		     struct uc_buf *out)
{
	const uint64_t left = p->bytes_all > p->bytes ? p->bytes_all - p->bytes : 0;

	if (show->speed < 1 || (double)left / show->speed > LATE_S)
		return;
	uc_buf_add(out, "  ");
	uc_duration_format(out, (int64_t)((double)left / show->speed + 0.5));
	uc_buf_add(out, " left");
}

void usync_progress_text(struct usync_show *show, const struct uc_sync_progress *p,
			 int columns, struct uc_buf *out)
{
	uc_auto(buf) struct uc_buf whole = { 0 };

	uc_buf_addf(out, "%s  %" PRIu64 "/%" PRIu64 " files  ",
		    show->phase ? show->phase : "sending", p->files, p->files_all);
	usync_bytes(out, p->bytes);
	uc_buf_add(out, " of ");
	usync_bytes(out, p->bytes_all);
	if (p->failed)
		uc_buf_addf(out, "  %" PRIu64 " failed", p->failed);
	uc_buf_add(&whole, uc_buf_text(out));
	if (show->speed >= 1) {
		uc_buf_add(&whole, "  ");
		uc_size_words(&whole, (uint64_t)show->speed);
		uc_buf_add(&whole, "/s");
	}
	add_left(show, p, &whole);
	/* what does not fit is left away whole, not in the middle of a number */
	if (uc_text_width(uc_buf_text(&whole)) < (size_t)columns) {
		uc_buf_reset(out);
		uc_buf_add(out, uc_buf_text(&whole));
	}
}

void usync_progress_draw(struct usync_show *show, const struct uc_sync_progress *progress)
{
	uc_auto(buf) struct uc_buf line = { 0 };
	const int64_t now = uc_monotonic_ms();

	take_sample(show, progress->bytes);
	if (!show->progress || now - show->drawn_ms < REDRAW_MS)
		return;
	show->drawn_ms = now;
	usync_progress_text(show, progress, columns_now(show->run), &line);
	put_line(show, uc_buf_text(&line));
}
