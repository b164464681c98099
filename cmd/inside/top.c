/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * What the job's processes on this node use. A sample is lines of fields between tabs:
 *
 *	node	gpu1
 *	proc	4711	R	992	1048576	4	python train.py
 *	gpu	0	A100	97	1024	40960	61	250
 *	note	nvidia-smi is not on this node
 *	end
 *
 * Of a process: pid, state, thousandths of a CPU, bytes, threads, what runs. Of a GPU:
 * index, model, percent, MiB in use, MiB, degrees C, W.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <ucluster/units.h>
#include <unistd.h>
#include "inside/inside.h"
#include "inside/gpus.h"

#define FIRST_MS    300 /* between the first two looks */
#define COMMAND_MAX 160

static const struct process *find(const struct processes *list, pid_t pid)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->item[i].pid == pid)
			return &list->item[i];
	return NULL;
}

/* Its words, else its name. */
static void add_command(struct uc_buf *out, const struct process *p)
{
	uc_auto(buf) struct uc_buf words = { 0 };

	if (!process_read(p->pid, "cmdline", &words) || words.len == 0) {
		uc_buf_safen(out, p->name, strlen(p->name), 0);
		return;
	}
	while (words.len > 0 && words.data[words.len - 1] == '\0')
		words.len--;
	for (size_t i = 0; i < words.len; i++)
		if (words.data[i] == '\0')
			words.data[i] = ' ';
	uc_buf_safen(out, words.data, words.len < COMMAND_MAX ? words.len : COMMAND_MAX,
		     0);
}

static void add_process(struct uc_buf *out, const struct process *p,
			const struct processes *before, int64_t ms)
{
	const struct process *old = find(before, p->pid);
	const uint64_t hz = (uint64_t)sysconf(_SC_CLK_TCK);
	uint64_t ticks = 0;

	if (old && old->start == p->start && p->ticks > old->ticks)
		ticks = p->ticks - old->ticks;
	uc_buf_addf(out, "proc\t%d\t%c\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\t",
		    (int)p->pid, p->state,
		    ms > 0 ? ticks * 1000000 / hz / (uint64_t)ms : 0, p->memory,
		    p->threads);
	add_command(out, p);
	uc_buf_addc(out, '\n');
}

static int print(const struct processes *now, const struct processes *before, int64_t ms)
{
	uc_auto(buf) struct uc_buf out = { 0 };
	const char *node = getenv("SLURMD_NODENAME");

	uc_buf_addf(&out, "node\t%s\n", node ? node : "");
	for (size_t i = 0; i < now->count; i++)
		if (now->item[i].ours && now->item[i].pid != getpid())
			add_process(&out, &now->item[i], before, ms);
	gpus_add(&out);
	uc_buf_add(&out, "end\n");
	if (out.failed)
		return -1;
	fwrite(out.data, 1, out.len, stdout);
	return fflush(stdout);
}

/* Until `ms` are over; true: who started us is gone. */
static bool pause_for(int64_t ms)
{
	struct pollfd on = { .fd = STDIN_FILENO, .events = POLLIN };
	char bytes[64];

	if (poll(&on, 1, (int)ms) <= 0)
		return false;
	return read(STDIN_FILENO, bytes, sizeof(bytes)) <= 0;
}

int inside_top(char **argv)
{
	struct processes before = { 0 }, now = { 0 };
	int64_t at, then, interval;
	int rc = 0;

	if (!argv[0] || !argv[1])
		return 2;
	interval = strtol(argv[1], NULL, 10) * 1000;
	if (processes_find(&before, argv[0]) < 0)
		return 1;
	then = uc_monotonic_ms();
	pause_for(FIRST_MS);
	for (;;) {
		if (processes_find(&now, argv[0]) < 0)
			return 1;
		at = uc_monotonic_ms();
		rc = print(&now, &before, at - then);
		processes_free(&before);
		before = now;
		now = (struct processes){ 0 };
		then = at;
		if (rc < 0 || interval <= 0 || pause_for(interval))
			break;
	}
	processes_free(&before);
	return rc < 0 ? 1 : 0;
}
