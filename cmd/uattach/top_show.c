/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A sample of what a job uses, as a screen, as text, as JSON. */
#include "uattach/top.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/units.h>
#include "common/json.h"
#include "common/printer.h"

static void measure(struct top *t)
{
	struct winsize size = { 0 };

	ioctl(STDOUT_FILENO, TIOCGWINSZ, &size);
	t->rows = size.ws_row > 5 ? size.ws_row : 24;
	t->columns = size.ws_col > 10 ? size.ws_col : 80;
}

int64_t top_number(const char *text)
{
	return strtoll(text, NULL, 10);
}

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
		cpu += top_number(t->process.item[i].field[2]);
		memory += (uint64_t)top_number(t->process.item[i].field[3]);
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

		uc_size_words(&memory, (uint64_t)top_number(f[3]) << 20);
		uc_buf_addc(&memory, '/');
		uc_size_words(&memory, (uint64_t)top_number(f[4]) << 20);
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
		const int64_t cpu = top_number(f[2]);
		uc_auto(buf) struct uc_buf memory = { 0 };

		uc_size_words(&memory, (uint64_t)top_number(f[3]));
		uc_buf_addf(&line, "%8s %s %4" PRId64 ".%" PRId64 "%% %8s %4s  %s", f[0],
			    f[1], cpu / 10, cpu % 10, uc_buf_text(&memory), f[4], f[5]);
		/* thousandths of a CPU are tenths of a percent */
		add_line(t, out, left, &line);
	}
}

int top_show(struct top *t)
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

int top_show_json(struct top *t)
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
		uc_json_number(&json, "pid", top_number(f[0]));
		uc_json_text(&json, "state", uc_raw(f[1]));
		uc_json_share(&json, "cpu", top_number(f[2]));
		uc_json_number(&json, "memory", top_number(f[3]));
		uc_json_number(&json, "threads", top_number(f[4]));
		uc_json_text(&json, "command", uc_raw(f[5]));
		uc_json_close(&json, '}');
	}
	uc_json_close(&json, ']');
	uc_json_open(&json, "gpus", '[');
	for (size_t i = 0; i < t->gpu.count; i++) {
		char *const *f = t->gpu.item[i].field;

		uc_json_open(&json, NULL, '{');
		uc_json_number(&json, "index", top_number(f[0]));
		uc_json_text(&json, "model", uc_raw(f[1]));
		for (size_t k = 0; k < 5; k++)
			if (f[2 + k][0] == '\0')
				uc_json_null(&json, gpu[k]);
			else
				uc_json_number(&json, gpu[k],
					       top_number(f[2 + k])
						       << (k == 1 || k == 2 ? 20 : 0));
		uc_json_close(&json, '}');
	}
	uc_json_close(&json, ']');
	uc_json_text(&json, "gpus_note", uc_raw(t->note[0] ? t->note : NULL));
	uc_json_close(&json, '}');
	uc_buf_addc(&out, '\n');
	return out.failed ? 0 : uc_write_all(STDOUT_FILENO, out.data, out.len);
}
