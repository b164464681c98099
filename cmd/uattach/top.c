/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* --top and --gpu: what the job uses, from the helper on its node. */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>
#include "common/printer.h"
#include "common/signals.h"
#include "uattach/top.h"

#define INTERVAL   "2"
#define TOP_FIELDS 8

/* --- a sample --- */

static bool add_row(struct top_rows *rows, char *line)
{
	struct top_row *grown = realloc(rows->item, (rows->count + 1) * sizeof(*grown));
	struct top_row *row;

	if (!grown)
		return false;
	rows->item = grown;
	row = &grown[rows->count++];
	for (size_t i = 0; i < TOP_FIELDS; i++) {
		char *tab = i + 1 < TOP_FIELDS ? strchr(line, '\t') : NULL;

		row->field[i] = line;
		if (tab)
			*tab = '\0';
		line = tab ? tab + 1 : line + strlen(line);
	}
	return true;
}

/* The busiest first, then the largest. */
static int compare(const void *a, const void *b)
{
	const struct top_row *x = a, *y = b;
	const int64_t cpu = top_number(y->field[2]) - top_number(x->field[2]);
	const int64_t memory = top_number(y->field[3]) - top_number(x->field[3]);

	return cpu ? (cpu > 0 ? 1 : -1) : memory > 0 ? 1 : memory < 0 ? -1 : 0;
}

static void take_sample(struct top *t)
{
	t->process.count = t->gpu.count = 0;
	t->node = t->note = "";
	for (size_t i = 0; i < t->lines.count; i++) {
		char *line = t->lines.item[i];
		char *tab = strchr(line, '\t');

		if (!tab)
			continue;
		*tab++ = '\0';
		if (strcmp(line, "node") == 0)
			t->node = tab;
		else if (strcmp(line, "note") == 0)
			t->note = tab;
		else if (strcmp(line, "proc") == 0)
			add_row(&t->process, tab);
		else if (strcmp(line, "gpu") == 0)
			add_row(&t->gpu, tab);
	}
	if (t->process.count > 1)
		qsort(t->process.item, t->process.count, sizeof(*t->process.item),
		      compare);
}

/* --- from the helper --- */

/* 1: a sample is whole and shown; -1: it cannot be written. */
static int take_line(struct top *t, const char *line, size_t len)
{
	int rc;

	if (len != 3 || memcmp(line, "end", 3) != 0) {
		uc_strv_addn(&t->lines, line, len);
		return 0;
	}
	take_sample(t);
	rc = t->u->args.json ? top_show_json(t) : top_show(t);
	uc_strv_free(&t->lines);
	return rc < 0 ? -1 : 1;
}

/* 1: one was shown; 2: the helper is gone. */
static int hear(struct top *t)
{
	char bytes[65536];
	const ssize_t got = read(t->child.from, bytes, sizeof(bytes));
	size_t at = 0;
	int rc = 0;

	if (got < 0 && errno == EINTR)
		return 0;
	if (got <= 0)
		return 2;
	uc_buf_addn(&t->in, bytes, (size_t)got);
	while (rc >= 0 && at < t->in.len) {
		const char *line = t->in.data + at;
		const char *end = memchr(line, '\n', t->in.len - at);
		int shown;

		if (!end)
			break;
		shown = take_line(t, line, (size_t)(end - line));
		rc = shown < 0 ? -1 : rc | shown;
		at += (size_t)(end - line) + 1;
	}
	memmove(t->in.data, t->in.data + at, t->in.len - at);
	t->in.len -= at;
	return rc;
}

/* A screen of its own, no echo, and keys that are no signals. */
static void set_screen(struct top *t, bool on)
{
	struct termios raw;
	static const char open[] = "\x1b[?1049h\x1b[?25l", end[] = "\x1b[?25h\x1b[?1049l";
	int rc;

	if (!on) {
		rc = uc_write_all(STDOUT_FILENO, end, sizeof(end) - 1);
		tcsetattr(STDIN_FILENO, TCSADRAIN, t->before);
		(void)rc;
		return;
	}
	raw = *t->before;
	raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO | ISIG);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	rc = uc_write_all(STDOUT_FILENO, open, sizeof(open) - 1);
	(void)rc; /* the first sample says so */
}

/* The shell gets its terminal back; the next sample is drawn when it gives it to us. */
static void suspend(struct top *t)
{
	set_screen(t, false);
	raise(SIGSTOP);
	set_screen(t, true);
}

/* A key; true: it leaves. */
static bool take_key(struct top *t)
{
	char key;
	const ssize_t got = read(STDIN_FILENO, &key, 1);

	if (got < 0 && errno == EINTR)
		return false;
	if (got == 1 && key == '\x1a')
		suspend(t);
	/* Ctrl-C, Ctrl-D, Ctrl-\ */
	return got != 1 || key == 'q' || key == 'Q' || key == '\x03' || key == '\x04' ||
	       key == '\x1c';
}

/* True: it leaves. */
static bool take_signal(struct top *t)
{
	struct signalfd_siginfo info;

	if (read(t->signals, &info, sizeof(info)) != sizeof(info))
		return false;
	if (info.ssi_signo == SIGTSTP) {
		suspend(t);
		return false;
	}
	t->signal = (int)info.ssi_signo;
	return true;
}

static int watch(struct top *t, struct uc_error *err)
{
	struct pollfd on[] = { { .fd = t->child.from, .events = POLLIN },
			       { .fd = t->signals, .events = POLLIN },
			       { .fd = t->screen ? STDIN_FILENO : -1,
				 .events = POLLIN } };
	bool any = false;

	for (;;) {
		int rc = 0;

		if (poll(on, 3, -1) < 0) {
			if (errno == EINTR)
				continue;
			return uc_fail_errno(err, UC_FAILED, errno, "poll");
		}
		if (on[0].revents)
			rc = hear(t);
		if (rc < 0)
			return uc_fail_errno(err, UC_FAILED, errno, "cannot be shown");
		any |= rc == 1;
		if (rc == 2 && !any)
			return uc_fail(err, UC_UNREACHABLE,
				       "the helper on the node said nothing");
		if (rc == 2 || (any && !t->screen) || (on[1].revents && take_signal(t)) ||
		    (on[2].revents && take_key(t)))
			return 0;
	}
}

static int start(struct top *t, struct uc_error *err)
{
	struct uattach_place place = { 0 };
	uc_auto(strv) struct uc_strv argv = { 0 };
	sigset_t set;
	int rc = uattach_place(t->u, &place, err);

	if (rc == 0) {
		uattach_srun(t->u, &place, &argv);
		uc_strv_add(&argv, "--chdir=/");
		rc = uattach_helper(t->u, &place, &argv, err);
	}
	uattach_place_free(&place);
	if (rc < 0)
		return -1;
	uc_strv_add(&argv, "top");
	uc_strv_addf(&argv, "%" PRIu32, t->u->job->job_id);
	uc_strv_add(&argv, t->screen ? INTERVAL : "0");
	uc_signals_ending(&set);
	if (t->screen) {
		sigaddset(&set, SIGQUIT);
		sigaddset(&set, SIGTSTP);
	}
	sigprocmask(SIG_BLOCK, &set, NULL);
	t->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (t->signals < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "signalfd");
	return uattach_spawn(t->u->run, &argv, &t->child, err);
}

int uattach_top(struct uattach *u, struct uc_error *err)
{
	struct top t = { .u = u,
			 .child = { .to = -1, .from = -1, .errors = -1 },
			 .screen =
				 u->run->stdin_tty && u->run->stdout_tty && !u->args.json,
			 .signals = -1 };
	struct termios before;
	int rc;

	t.before = &before;
	if (t.screen && tcgetattr(STDIN_FILENO, &before) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "the terminal");
	rc = start(&t, err);
	if (rc == 0) {
		if (t.screen)
			set_screen(&t, true);
		rc = watch(&t, err);
		if (t.screen)
			set_screen(&t, false);
	}
	if (t.child.pid)
		uattach_child_end(&t.child, 2000);
	if (t.signals >= 0)
		close(t.signals);
	uc_buf_free(&t.in);
	uc_strv_free(&t.lines);
	free(t.process.item);
	free(t.gpu.item);
	if (rc < 0 || !t.signal)
		return rc;
	u->run->status = 128 + t.signal;
	err->text[0] = '\0';
	return -1;
}
