/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What a pending job waits for: on a terminal a line that is kept up to date. */
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <ucluster/units.h>
#include "common/stay_state.h"

static size_t columns(void)
{
	struct winsize size;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 2)
		return 79;
	return size.ws_col - 1u;
}

static bool is_terminal(const struct stay *s)
{
	const char *term = uc_run_env(s->run, "TERM");

	return s->run->stderr_tty && term && strcmp(term, "dumb") != 0;
}

static void put(const struct uc_buf *text)
{
	int rc = text->failed ? 0 : uc_write_all(STDERR_FILENO, text->data, text->len);

	(void)rc; /* a terminal that is gone sends SIGHUP */
}

void stay_line_erase(struct stay *s)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	if (!s->drawn)
		return;
	s->drawn = false;
	uc_buf_add(&text, "\r\x1b[K");
	put(&text);
}

static void draw(struct stay *s, int64_t elapsed)
{
	uc_auto(buf) struct uc_buf line = { 0 }, text = { 0 };

	uc_waiting_line(&line, &s->waiting, elapsed);
	uc_buf_add(&text, "\r");
	uc_buf_addn(&text, uc_buf_text(&line),
		    uc_text_clip(uc_buf_text(&line), columns()));
	uc_buf_add(&text, "\x1b[K");
	text.failed |= line.failed;
	put(&text);
	s->drawn = true;
}

/* Into a file or a pipe: when something else keeps it back than before. */
static void tell(struct stay *s, uint32_t reason_before)
{
	uc_auto(buf) struct uc_buf line = { 0 };

	if (s->said && s->waiting.reason == reason_before)
		return;
	s->said = true;
	uc_waiting_line(&line, &s->waiting, -1);
	uc_run_say(s->run, 0, "%s", uc_buf_text(&line));
}

void stay_line(struct stay *s, const struct uc_job *job)
{
	const uint32_t reason = s->waiting.reason;

	if (!job || !s->what->waiting || s->printer.json) {
		stay_line_erase(s);
		s->waits_since = 0;
		return;
	}
	uc_waiting_fill(&s->waiting, s->run, s->jobs, job,
			s->jobs->count > 0 && s->everybody);
	/* by this host's clock, which counts on */
	s->waits_since = uc_monotonic_ms() / 1000 - (s->jobs->now - job->submit_time);
	if (is_terminal(s))
		draw(s, uc_monotonic_ms() / 1000 - s->waits_since);
	else
		tell(s, reason);
}

void stay_line_tick(struct stay *s)
{
	if (s->drawn)
		draw(s, uc_monotonic_ms() / 1000 - s->waits_since);
}
