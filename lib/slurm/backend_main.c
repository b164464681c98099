/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* slurm-worker-N: answers questions on descriptor 3 until it is closed. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "slurm/compat.h"
#include "slurm/backend.h"
#include "slurm/backend_options.h"

#define REST_MS 200

static const struct {
	uint32_t kind;
	int (*handle)(const struct uc_frame *question, struct uc_frame *answer,
		      struct uc_error *err);
} handlers[] = {
	{ UC_ASK_PING, backend_ping },
	{ UC_ASK_JOBS, backend_jobs },
	{ UC_ASK_NODES, backend_nodes },
	{ UC_ASK_PARTITIONS, backend_partitions },
	{ UC_ASK_SUBMIT, backend_submit },
	{ UC_ASK_LIMITS, backend_limits },
	{ UC_ASK_ESTIMATE, backend_estimate },
	{ UC_ASK_PROBE, backend_probe },
	{ UC_ASK_RESERVATIONS, backend_reservations },
	{ UC_ASK_STEPS, backend_steps },
	{ UC_ASK_TASK_NODE, backend_task_node },
	{ UC_ASK_HISTORY, backend_history },
	{ UC_ASK_ACT, backend_act },
};

static int say(const struct uc_frame *frame)
{
	struct uc_frame_progress at = { 0 };

	return uc_frame_send(BACKEND_SOCKET, frame, &at, 0) == 1 ? 0 : -1;
}

static int say_hello(void)
{
	uc_auto(frame) struct uc_frame hello = UC_FRAME(UC_SAY_HELLO);
	long version = slurm_api_version();

	uc_frame_add_u32(&hello, UC_TAG_VERSION, (uint32_t)version);
	return say(&hello);
}

static void make_failure(struct uc_frame *answer, const struct uc_error *err)
{
	uc_frame_free(answer);
	answer->kind = UC_SAY_FAILED;
	uc_frame_add_u32(answer, UC_TAG_CODE, err->code);
	uc_frame_add_text(answer, UC_TAG_TEXT, err->text);
	if (err->hint[0])
		uc_frame_add_text(answer, UC_TAG_HINT, err->hint);
	if (backend_was_too_new())
		uc_frame_add_u32(answer, UC_TAG_TOO_NEW, 1);
}

static int answer_question(const struct uc_frame *question)
{
	uc_auto(frame) struct uc_frame answer = UC_FRAME(UC_SAY_DONE);
	struct uc_error err = { 0 };
	uint32_t timeout_ms = uc_frame_u32(question, UC_TAG_TIMEOUT_MS, 60000);
	int rc = -1;

	/* Whoever asked is gone by then; libslurm cannot be interrupted otherwise. */
	alarm(timeout_ms / 1000 + 5);
	uc_fail(&err, UC_INVALID, "the worker does not know question %u", question->kind);
	for (size_t i = 0; i < sizeof(handlers) / sizeof(handlers[0]); i++)
		if (handlers[i].kind == question->kind)
			rc = handlers[i].handle(question, &answer, &err);
	if (!rc && answer.body.failed)
		rc = uc_fail(&err, UC_FAILED, "out of memory");
	if (rc < 0) {
		bool unsent = uc_frame_u32(&answer, UC_TAG_UNSENT, 0) != 0;

		make_failure(&answer, &err);
		if (unsent)
			uc_frame_add_u32(&answer, UC_TAG_UNSENT, 1);
	}
	rc = say(&answer);
	alarm(0);
	return rc;
}

/* Most are asked once and then killed: only who is not frees what the answer took. */
static void rest(void)
{
	struct pollfd next = { BACKEND_SOCKET, POLLIN, 0 };

	if (poll(&next, 1, REST_MS) == 0)
		backend_release();
}

static bool is_socket(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISSOCK(st.st_mode);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "--options")) {
		for (size_t i = 0; backend_option_name(i); i++)
			puts(backend_option_name(i));
		return fflush(stdout) ? 1 : 0;
	}
	if (argc != 1 || !is_socket(BACKEND_SOCKET)) {
		fprintf(stderr, "%s: started by libucluster, not by hand\n", argv[0]);
		return 2;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	alarm(65); /* slurm_init retries for up to 60 s */
	/* Whole lists of array tasks instead of 64 characters and "...". */
	setenv("SLURM_BITSTR_LEN", "0", 1);
	slurm_init(NULL);
	alarm(0);
	if (say_hello() < 0)
		return 1;
	for (;;) {
		uc_auto(frame) struct uc_frame question = UC_FRAME(0);
		struct uc_frame_progress at = { 0 };

		if (uc_frame_receive(BACKEND_SOCKET, &question, &at, 0) != 1)
			return errno == EPIPE || errno == ECONNRESET ? 0 : 1;
		if (answer_question(&question) < 0)
			return 1;
		rest();
	}
}
