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
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/units.h>
#include "common/json.h"
#include "common/printer.h"
#include "uattach/inside.h"

#define INTERVAL "2"
#define FIELDS   8

struct row {
	char *field[FIELDS];
};
struct rows {
	struct row *item;
	size_t count;
};

struct top {
	struct uattach *u;
	struct uattach_child child;
	struct uc_buf in;
	struct uc_strv lines;     /* of the sample that is coming */
	struct rows process, gpu; /* of the last one; borrow from `lines` */
	const char *node, *note;
	bool screen; /* drawn again and again */
	size_t rows, columns;
	int signals;
};

static void measure(struct top *t)
{
	struct winsize size = { 0 };

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	t->rows = size.ws_row > 5 ? size.ws_row : 24;
	t->columns = size.ws_col > 10 ? size.ws_col : 80;
}

/* --- a sample --- */

static bool add_row(struct rows *rows, char *line)
{
	struct row *grown = realloc(rows->item, (rows->count + 1) * sizeof(*grown));
	struct row *row;

	if (!grown)
		return false;
	rows->item = grown;
	row = &grown[rows->count++];
	for (size_t i = 0; i < FIELDS; i++) {
		char *tab = i + 1 < FIELDS ? strchr(line, '\t') : NULL;

		row->field[i] = line;
		if (tab)
			*tab = '\0';
		line = tab ? tab + 1 : line + strlen(line);
	}
	return true;
}

static int64_t number(const char *text)
{
	return strtoll(text, NULL, 10);
}

/* The busiest first, then the largest. */
static int compare(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	const int64_t cpu = number(y->field[2]) - number(x->field[2]);
	const int64_t memory = number(y->field[3]) - number(x->field[3]);

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

/* --- shown --- */

static void add_line(struct top *t, struct uc_buf *out, size_t *left, struct uc_buf *line)
{
	uc_auto(buf) struct uc_buf safe = { 0 };

	if (t->screen && *left == 0)
		return;
	/* the helper is ours, what it read is not */
	uc_buf_safen(&safe, uc_buf_text(line), line->len, t->u->run->safe);
	uc_buf_addn(out, uc_buf_text(&safe),
		    t->screen ? uc_text_clip(uc_buf_text(&safe), t->columns) : safe.len);
	uc_buf_add(out, t->screen ? "\x1b[K\r\n" : "\n");
	uc_buf_reset(line);
	--*left;
}

static void add_head(struct top *t, struct uc_buf *line)
{
	uint64_t memory = 0;
	int64_t cpu = 0;

	for (size_t i = 0; i < t->process.count; i++) {
		cpu += number(t->process.item[i].field[2]);
		memory += (uint64_t)number(t->process.item[i].field[3]);
	}
	uc_buf_addf(line,
		    "job %" PRIu32 " on %s: %zu processes, %" PRId64 ".%" PRId64
		    " CPUs busy",
		    t->u->job->job_id, t->node, t->process.count, cpu / 1000,
		    cpu % 1000 / 100);
	if (t->u->job->cpus)
		uc_buf_addf(line, " (the job has %" PRIu32 ")", t->u->job->cpus);
	uc_buf_add(line, ", memory ");
	uc_size_words(line, memory);
	if (t->u->job->memory && !t->u->job->memory_per_cpu) {
		uc_buf_add(line, " of ");
		uc_size_words(line, t->u->job->memory);
	}
}

static void add_gpus(struct top *t, struct uc_buf *out, size_t *left)
{
	uc_auto(buf) struct uc_buf line = { 0 };

	if (t->gpu.count > 0) {
		uc_buf_addf(&line, "%4s  %-24s %6s %15s %6s %6s", "GPU", "MODEL", "USE",
			    "MEMORY", "TEMP", "POWER");
		add_line(t, out, left, &line);
	}
	for (size_t i = 0; i < t->gpu.count; i++) {
		char *const *f = t->gpu.item[i].field;
		uc_auto(buf) struct uc_buf memory = { 0 };

		uc_size_words(&memory, (uint64_t)number(f[3]) << 20);
		uc_buf_addc(&memory, '/');
		uc_size_words(&memory, (uint64_t)number(f[4]) << 20);
		uc_buf_addf(&line, "%4s  %-24.24s %5s%% %15s %5sC %5sW", f[0], f[1], f[2],
			    uc_buf_text(&memory), f[5], f[6]);
		add_line(t, out, left, &line);
	}
	if (t->note[0]) {
		uc_buf_add(&line, t->note);
		add_line(t, out, left, &line);
	}
}

static void add_processes(struct top *t, struct uc_buf *out, size_t *left)
{
	uc_auto(buf) struct uc_buf line = { 0 };

	uc_buf_addf(&line, "%8s %c %6s %8s %4s  %s", "PID", 'S', "CPU", "MEMORY", "THR",
		    "COMMAND");
	add_line(t, out, left, &line);
	for (size_t i = 0; i < t->process.count; i++) {
		char *const *f = t->process.item[i].field;
		const int64_t cpu = number(f[2]);
		uc_auto(buf) struct uc_buf memory = { 0 };

		uc_size_words(&memory, (uint64_t)number(f[3]));
		uc_buf_addf(&line, "%8s %s %4" PRId64 ".%" PRId64 "%% %8s %4s  %s", f[0],
			    f[1], cpu / 10, cpu % 10, uc_buf_text(&memory), f[4], f[5]);
		/* thousandths of a CPU are tenths of a percent */
		add_line(t, out, left, &line);
	}
}

static int show(struct top *t)
{
	uc_auto(buf) struct uc_buf out = { 0 }, line = { 0 };
	size_t left = SIZE_MAX;

	if (t->screen) {
		measure(t);
		left = t->rows - 1;
		uc_buf_add(&out, "\x1b[H");
	}
	add_head(t, &line);
	add_line(t, &out, &left, &line);
	add_gpus(t, &out, &left);
	if (t->u->args.top)
		add_processes(t, &out, &left);
	if (t->screen)
		uc_buf_add(&out, "q: leave\x1b[J");
	if (out.failed)
		return 0;
	return uc_write_all(STDOUT_FILENO, out.data, out.len);
}

static int show_json(struct top *t)
{
	static const char *const gpu[] = { "use_percent", "memory_used", "memory_total",
					   "temperature", "power" };
	uc_auto(buf) struct uc_buf out = { 0 };
	struct uc_json json = { .out = &out };

	uc_json_open(&json, NULL, '{');
	uc_json_number(&json, "version", 1);
	uc_json_time(&json, "now", (int64_t)time(NULL));
	uc_json_number(&json, "job_id", t->u->job->job_id);
	uc_json_text(&json, "node", uc_raw(t->node));
	uc_json_open(&json, "processes", '[');
	for (size_t i = 0; i < t->process.count; i++) {
		char *const *f = t->process.item[i].field;

		uc_json_open(&json, NULL, '{');
		uc_json_number(&json, "pid", number(f[0]));
		uc_json_text(&json, "state", uc_raw(f[1]));
		uc_json_share(&json, "cpu", number(f[2]));
		uc_json_number(&json, "memory", number(f[3]));
		uc_json_number(&json, "threads", number(f[4]));
		uc_json_text(&json, "command", uc_raw(f[5]));
		uc_json_close(&json, '}');
	}
	uc_json_close(&json, ']');
	uc_json_open(&json, "gpus", '[');
	for (size_t i = 0; i < t->gpu.count; i++) {
		char *const *f = t->gpu.item[i].field;

		uc_json_open(&json, NULL, '{');
		uc_json_number(&json, "index", number(f[0]));
		uc_json_text(&json, "model", uc_raw(f[1]));
		for (size_t k = 0; k < 5; k++)
			if (f[2 + k][0] == '\0')
				uc_json_null(&json, gpu[k]);
			else
				uc_json_number(&json, gpu[k],
					       number(f[2 + k])
						       << (k == 1 || k == 2 ? 20 : 0));
		uc_json_close(&json, '}');
	}
	uc_json_close(&json, ']');
	uc_json_text(&json, "gpus_note", uc_raw(t->note[0] ? t->note : NULL));
	uc_json_close(&json, '}');
	uc_buf_addc(&out, '\n');
	return out.failed ? 0 : uc_write_all(STDOUT_FILENO, out.data, out.len);
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
	rc = t->u->args.json ? show_json(t) : show(t);
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

static bool is_quit(void)
{
	char key;

	return read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q';
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

		if (poll(on, 3, -1) < 0 && errno != EINTR)
			return uc_fail_errno(err, UC_FAILED, errno, "poll");
		if (on[0].revents)
			rc = hear(t);
		if (rc < 0)
			return uc_fail_errno(err, UC_FAILED, errno, "cannot be shown");
		any |= rc == 1;
		if (rc == 2 && !any)
			return uc_fail(err, UC_UNREACHABLE,
				       "the helper on the node said nothing");
		if (rc == 2 || (any && !t->screen) || on[1].revents ||
		    (on[2].revents && is_quit()))
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
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	t->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (t->signals < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "signalfd");
	return uattach_spawn(t->u, &argv, &t->child, err);
}

/* A screen of its own, no echo; `before` brings the terminal back. */
static void set_screen(struct termios *before, bool on)
{
	struct termios raw;
	static const char open[] = "\x1b[?1049h\x1b[?25l", end[] = "\x1b[?25h\x1b[?1049l";
	int rc;

	if (!on) {
		rc = uc_write_all(STDOUT_FILENO, end, sizeof(end) - 1);
		tcsetattr(STDIN_FILENO, TCSADRAIN, before);
		(void)rc;
		return;
	}
	tcgetattr(STDIN_FILENO, before);
	raw = *before;
	raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	rc = uc_write_all(STDOUT_FILENO, open, sizeof(open) - 1);
	(void)rc; /* the first sample says so */
}

int uattach_top(struct uattach *u, struct uc_error *err)
{
	struct top t = { .u = u,
			 .child = { .to = -1, .from = -1, .errors = -1 },
			 .screen =
				 u->run->stdin_tty && u->run->stdout_tty && !u->args.json,
			 .signals = -1 };
	struct termios before;
	int rc = start(&t, err);

	if (rc == 0) {
		if (t.screen)
			set_screen(&before, true);
		rc = watch(&t, err);
		if (t.screen)
			set_screen(&before, false);
	}
	if (t.child.pid)
		uattach_child_end(&t.child, 2000);
	if (t.signals >= 0)
		close(t.signals);
	uc_buf_free(&t.in);
	uc_strv_free(&t.lines);
	free(t.process.item);
	free(t.gpu.item);
	return rc;
}
