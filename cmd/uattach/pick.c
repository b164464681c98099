/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A list to pick from: arrow keys and Enter, or a number. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "common/printer.h"
#include "uattach/uattach.h"

#define IDLE_MS (10 * 60 * 1000) /* nobody is there any more */

struct picker {
	struct uattach *u;
	const struct uc_job *const *row;
	size_t count, at, top, shown; /* chosen; first on the screen; how many */
	size_t number;                /* typed so far; 0: nothing */
	size_t drawn;                 /* lines */
	size_t columns;
};

static void measure(struct picker *p)
{
	struct winsize size = { 0 };

	ioctl(STDERR_FILENO, TIOCGWINSZ, &size);
	p->columns = size.ws_col > 1 ? size.ws_col - 1u : 79;
	p->shown = size.ws_row > 4 ? size.ws_row - 3u : 20;
	if (p->shown > p->count)
		p->shown = p->count;
}

static void add_row(const struct picker *p, struct uc_buf *out, size_t i)
{
	const struct uc_job *job = p->row[i];
	uc_auto(buf) struct uc_buf line = { 0 }, id = { 0 }, name = { 0 }, time = { 0 };
	const unsigned safe = p->u->run->safe;

	uattach_job_name(&id, job);
	uc_buf_safe(&name, job->name, safe);
	uc_duration_format(&time, uc_job_elapsed(job, p->u->jobs->now));
	uc_buf_addf(&line, "%c %2zu  %-10s %-9s %10s  ", i == p->at ? '>' : ' ', i + 1,
		    uc_buf_text(&id), uc_job_state_name(job->state), uc_buf_text(&time));
	uc_buf_addn(&line, uc_buf_text(&name), uc_text_clip(uc_buf_text(&name), 24));
	if (!uc_raw_empty(job->nodes)) {
		uc_buf_add(&line, "  ");
		uc_buf_safe(&line, job->nodes, safe);
	}
	uc_buf_addn(out, uc_buf_text(&line),
		    uc_text_clip(uc_buf_text(&line), p->columns));
	uc_buf_add(out, "\x1b[K\r\n");
}

static void draw(struct picker *p)
{
	uc_auto(buf) struct uc_buf out = { 0 };
	int rc;

	measure(p);
	if (p->at < p->top)
		p->top = p->at;
	if (p->at >= p->top + p->shown)
		p->top = p->at - p->shown + 1;
	if (p->drawn)
		uc_buf_addf(&out, "\r\x1b[%zuA", p->drawn);
	for (size_t i = 0; i < p->shown; i++)
		add_row(p, &out, p->top + i);
	uc_buf_addf(&out, "which one? arrow keys and Enter, or a number; q: none ");
	if (p->number)
		uc_buf_addf(&out, "%zu", p->number);
	uc_buf_add(&out, "\x1b[J");
	p->drawn = p->shown;
	rc = out.failed ? 0 : uc_write_all(STDERR_FILENO, out.data, out.len);
	(void)rc; /* a terminal that is gone has no keys either */
}

/* A key, or 'U', 'D' for arrows; 0: nobody is there. */
static int read_key(void)
{
	struct pollfd on = { .fd = STDIN_FILENO, .events = POLLIN };
	char c;

	if (poll(&on, 1, IDLE_MS) <= 0 || read(STDIN_FILENO, &c, 1) != 1)
		return 0;
	if (c != '\x1b')
		return c;
	/* the rest of a sequence is there at once; a lone Escape is not an arrow */
	if (poll(&on, 1, 50) <= 0)
		return 'q';
	if (read(STDIN_FILENO, &c, 1) != 1 || (c != '[' && c != 'O') ||
	    read(STDIN_FILENO, &c, 1) != 1)
		return ' ';
	return c == 'A' ? 'U' : c == 'B' ? 'D' : ' ';
}

/* 1: chosen, -1: none. */
static int take_key(struct picker *p, int key)
{
	if (key >= '0' && key <= '9') {
		p->number = (p->number * 10 + (size_t)(key - '0')) % 1000000;
		if (p->number > 0 && p->number <= p->count)
			p->at = p->number - 1;
		/* no longer number begins with it */
		return p->number > 0 && p->number <= p->count && p->number * 10 > p->count
			       ? 1
			       : 0;
	}
	if (key == '\r' || key == '\n')
		return p->number > p->count ? 0 : 1;
	if (key == '\x7f' || key == '\b')
		p->number /= 10;
	else
		p->number = 0;
	if ((key == 'U' || key == 'k') && p->at > 0)
		p->at--;
	if ((key == 'D' || key == 'j') && p->at + 1 < p->count)
		p->at++;
	return key == 'q' || key == 0 || key == '\x03' || key == '\x04' ? -1 : 0;
}

static int pick_on_terminal(struct uattach *u, const struct uc_job *const *row,
			    size_t count, struct uc_error *err)
{
	struct picker p = { .u = u, .row = row, .count = count };
	struct termios before, raw;
	int rc = 0;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "the terminal");
	raw = before;
	raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO | ISIG);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	while (rc == 0) {
		draw(&p);
		rc = take_key(&p, read_key());
	}
	tcsetattr(STDIN_FILENO, TCSADRAIN, &before);
	/* the list goes, what is attached to comes in its place */
	fprintf(stderr, "\r\x1b[%zuA\x1b[J", p.drawn);
	if (rc > 0)
		return (int)p.at;
	u->run->status = 130;
	err->text[0] = '\0';
	return -1;
}

int uattach_pick(struct uattach *u, const struct uc_job *const *row, size_t count,
		 struct uc_error *err)
{
	const char *term = uc_run_env(u->run, "TERM");

	if (u->run->stdin_tty && u->run->stderr_tty && term && strcmp(term, "dumb") != 0)
		return pick_on_terminal(u, row, count, err);
	uattach_list(u, row, count, u->args.json);
	fflush(stdout);
	uc_fail(err, UC_USAGE, "%zu jobs may be meant", count);
	return uc_hint(err, "name one of them: uattach JOBID");
}
