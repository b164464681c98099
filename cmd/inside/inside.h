/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_INSIDE_H
#define UC_INSIDE_H
/*
 * job-inside: what uattach starts on a node of a job, as a step of it and as its user.
 * One file that stands alone: nothing else of ucluster need be there.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <ucluster/text.h>

/* --- find.c: the user's processes on this node --- */
struct process {
	pid_t pid, parent;
	char state;
	uint64_t start; /* clock ticks since boot */
	uint64_t ticks; /* of CPU time */
	uint64_t memory, threads;
	char name[32];
	bool ours; /* of the job */
};
struct processes {
	struct process *item;
	size_t count;
};
void processes_free(struct processes *list);
/*
 * All of the user's; `ours` are those of the job: by their environment, by their cgroup,
 * or as children of such. -1: /proc cannot be read.
 */
int processes_find(struct processes *list, const char *job);
/* A variable of a process in *out; false: it has none, or it cannot be read. */
bool process_variable(pid_t pid, const char *name, struct uc_buf *out);
/* A whole file below /proc/PID; false: it cannot be read. */
bool process_read(pid_t pid, const char *file, struct uc_buf *out);

/* --- the commands; argv without their own word, NULL-terminated --- */
/* enter [--host] [--task=N] JOB STEP [COMMAND...]: returns only on failure */
int inside_enter(char **argv);
/* top JOB INTERVAL: a JSON object a line; INTERVAL 0: one */
int inside_top(char **argv);
/* resize JOB STEP: of the step's terminal, by lines "ROWS COLUMNS" on stdin; for each the
 * size of before is printed */
int inside_resize(char **argv);
/* forward HOST PORT...: a tunnel over stdin and stdout; it begins at these ports of HOST
 */
int inside_forward(char **argv);

/* A line on stderr. */
void inside_say(const char *fmt, ...) UC_PRINTF(1, 2);

#endif
