/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* GPUs, by nvidia-smi(1), whose --query-gpu is made to be read by programs. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <ucluster/spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "inside/gpus.h"

#define WAIT_MS    5000 /* a GPU that hangs makes it hang */
#define ANSWER_MAX 65536
#define FIELDS     7

static int start(int out, pid_t *pid)
{
	char program[] = "nvidia-smi", format[] = "--format=csv,noheader,nounits",
	     query[] = "--query-gpu=index,name,utilization.gpu,memory.used,"
		       "memory.total,temperature.gpu,power.draw";
	char *const words[] = { program, query, format, NULL };
	const struct uc_spawn spawn = { .words = words,
					.environment = environ,
					.fd = { -1, out, -1 } };

	return uc_spawn(&spawn, pid);
}

/* 0, an errno, or -1: it failed. */
static int ask(struct uc_buf *answer)
{
	struct pollfd on = { .events = POLLIN };
	char bytes[4096];
	int ends[2], status = 0, rc;
	ssize_t got = -1;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) < 0)
		return errno;
	rc = start(ends[1], &pid);
	close(ends[1]);
	on.fd = ends[0];
	while (!rc && answer->len < ANSWER_MAX && poll(&on, 1, WAIT_MS) > 0 &&
	       (got = read(ends[0], bytes, sizeof(bytes))) > 0)
		uc_buf_addn(answer, bytes, (size_t)got);
	close(ends[0]);
	if (rc)
		return rc;
	if (got != 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		continue;
	return status == 0 ? 0 : -1;
}

/* Is it in "0,1,5"? */
static bool is_listed(const char *list, const char *index)
{
	const size_t len = strlen(index);

	while (*list) {
		const size_t size = strcspn(list, ",");

		if (size == len && memcmp(list, index, len) == 0)
			return true;
		list += size + (list[size] == ',');
	}
	return false;
}

/* Fields of one line, cut in place; false: it has others. */
static bool split(char *line, char *field[FIELDS])
{
	size_t count = 0;

	for (char *at = line; at && count < FIELDS;) {
		char *comma = strchr(at, ',');

		if (comma)
			*comma = '\0';
		at += strspn(at, " ");
		field[count++] = at;
		at = comma ? comma + 1 : NULL;
	}
	return count == FIELDS;
}

/* "[N/A]" and the like are no numbers. */
static void add_field(struct uc_buf *out, const char *text, bool number)
{
	uc_buf_addc(out, '\t');
	if (number)
		uc_buf_addn(out, text, strspn(text, "0123456789."));
	else
		uc_buf_safen(out, text, strlen(text), 0);
}

static size_t add_gpus(struct uc_buf *out, struct uc_buf *answer, const char *only)
{
	size_t count = 0;
	char *rest = NULL;

	for (char *line = strtok_r(answer->data, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		char *field[FIELDS];

		if (!split(line, field) || (only && !is_listed(only, field[0])))
			continue;
		uc_buf_add(out, "gpu");
		for (size_t i = 0; i < FIELDS; i++)
			add_field(out, field[i], i != 1);
		uc_buf_addc(out, '\n');
		count++;
	}
	return count;
}

void gpus_add(struct uc_buf *out)
{
	uc_auto(buf) struct uc_buf answer = { 0 }, again = { 0 };
	const char *mine = getenv("SLURM_STEP_GPUS");
	const int rc = ask(&answer);

	if (!mine)
		mine = getenv("SLURM_JOB_GPUS");
	if (rc == ENOENT) {
		uc_buf_add(out, "note\tnvidia-smi is not on this node\n");
		return;
	}
	if (rc != 0 || answer.len == 0 || answer.failed) {
		uc_buf_add(out, "note\tnvidia-smi does not answer on this node\n");
		return;
	}
	uc_buf_addn(&again, answer.data, answer.len);
	/* where others cannot be seen, the job's are counted from 0 */
	if (add_gpus(out, &answer, mine) == 0 && !again.failed)
		add_gpus(out, &again, NULL);
}
