/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A worker that misbehaves as FAKE_WORKER says; for test_worker.c. With STAND_IN it is
 * one for that libslurm, and says which it is; for test_workers.c. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>
#include "slurm/frame.h"

static void say(uint32_t kind, uint32_t code, const char *text)
{
	uc_auto(frame) struct uc_frame frame = UC_FRAME(kind);
	struct uc_frame_progress at = { 0 };

	if (code)
		uc_frame_add_u32(&frame, UC_TAG_CODE, code);
	if (text)
		uc_frame_add_text(&frame, UC_TAG_TEXT, text);
	uc_frame_send(3, &frame, &at, 0);
}

static int hear(struct uc_frame *question)
{
	struct uc_frame_progress at = { 0 };

	return uc_frame_receive(3, question, &at, 0);
}

/* The answer that test_frames expects: all items of the question, sent back. */
static void echo(const struct uc_frame *question)
{
	uc_auto(frame) struct uc_frame answer = UC_FRAME(UC_SAY_DONE);
	struct uc_frame_progress at = { 0 };
	struct uc_frame_item item;

	for (size_t i = 0; uc_frame_next(question, &i, &item);)
		uc_frame_add(&answer, item.tag, item.bytes, item.len);
	uc_frame_send(3, &answer, &at, 0);
}

static void flood_stderr(void)
{
	for (int i = 0; i < 100000; i++)
		fprintf(stderr, "slurm-worker-38: error: line %d\n", i);
	fflush(stderr);
}

/* Open descriptors beyond 0 to 3, as text. */
static void say_descriptors(void)
{
	char text[256] = "";

	for (int fd = 0; fd < 64; fd++)
		if (fcntl(fd, F_GETFD) >= 0)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), " %d",
				 fd);
	snprintf(text + strlen(text), sizeof(text) - strlen(text), " end");
	say(UC_SAY_FAILED, UC_FAILED, text);
}

static void send_unsealed(void)
{
	uc_auto(frame) struct uc_frame answer = UC_FRAME(UC_SAY_DONE);
	struct uc_frame_progress at = { 0 };
	char zeros[4096] = { 0 };

	answer.fd = memfd_create("x", MFD_CLOEXEC);
	if (write(answer.fd, zeros, sizeof(zeros)) > 0)
		uc_frame_send(3, &answer, &at, 0);
}

#ifdef STAND_IN
long slurm_api_version(void); /* of stand_in_slurm.c */

/* slurmctld is of the release that FAKE_CLUSTER is the libslurm of. */
static void say_which(const struct uc_frame *question)
{
	const char *cluster = getenv("FAKE_CLUSTER"), *log = getenv("FAKE_LOG");
	uc_auto(frame) struct uc_frame answer = UC_FRAME(UC_SAY_FAILED);
	struct uc_frame_progress at = { 0 };
	FILE *file = log ? fopen(log, "ae") : NULL;
	char text[64];

	if (file) {
		fprintf(file, "%d:%u ", STAND_IN, question->kind);
		fclose(file);
	}
	snprintf(text, sizeof(text), "worker %d, library %ld", STAND_IN,
		 slurm_api_version());
	uc_frame_add_u32(&answer, UC_TAG_CODE, UC_FAILED);
	uc_frame_add_text(&answer, UC_TAG_TEXT, text);
	if (cluster && STAND_IN > atoi(cluster))
		uc_frame_add_u32(&answer, UC_TAG_TOO_NEW, 1);
	else if (question->kind == UC_ASK_PING && log)
		answer.kind = UC_SAY_DONE;
	uc_frame_send(3, &answer, &at, 0);
}
#else
static void say_which(const struct uc_frame *question)
{
	(void)question;
}
#endif

static void act(const char *mode, const struct uc_frame *question)
{
	static const unsigned char huge[8] = { 0xff, 0xff, 0xff, 0x7f };
	static const unsigned char broken[14] = { 6, 0, 0, 0, UC_SAY_DONE, 0,
						  0, 0, 1, 0, 99 };

	if (!strcmp(mode, "echo"))
		echo(question);
	else if (!strcmp(mode, "unknown"))
		say(77, 0, NULL);
	else if (!strcmp(mode, "huge"))
		send(3, huge, sizeof(huge), 0);
	else if (!strcmp(mode, "broken"))
		send(3, broken, sizeof(broken), 0);
	else if (!strcmp(mode, "flood")) {
		flood_stderr();
		say(UC_SAY_FAILED, UC_FAILED, "flooded");
	} else if (!strcmp(mode, "descriptors"))
		say_descriptors();
	else if (!strcmp(mode, "unsealed"))
		send_unsealed();
	else if (!strcmp(mode, "refuse"))
		say(UC_SAY_FAILED, UC_DENIED, "no\x1b[31m way");
	else if (!strcmp(mode, "badcode"))
		say(UC_SAY_FAILED, 4711, "odd");
	else if (!strcmp(mode, "empty"))
		say(UC_SAY_FAILED, 0, NULL);
	else if (!strcmp(mode, "sending")) {
		say(UC_SAY_SENDING, 0, NULL);
		pause();
	} else if (!strcmp(mode, "die"))
		raise(SIGKILL);
	else if (!strcmp(mode, "done"))
		say(UC_SAY_DONE, 0, NULL);
	else if (!strcmp(mode, "which"))
		say_which(question);
}

int main(void)
{
	const char *mode = getenv("FAKE_WORKER");

	if (!mode)
		return 2;
	if (!strcmp(mode, "silent"))
		for (;;)
			pause();
	if (!strcmp(mode, "fatal")) {
		fputs("slurm-worker-38: error: the real reason\n"
		      "slurm-worker-38: fatal: Unable to process configuration file\n",
		      stderr);
		return 1;
	}
	if (!strcmp(mode, "library")) {
		fputs("/usr/libexec/ucluster/slurm-worker-38: error while loading shared "
		      "libraries: libslurm.so.38: cannot open shared object file: No such "
		      "file or directory\n",
		      stderr);
		return 127;
	}
	if (!strcmp(mode, "quit"))
		return 0;
	say(UC_SAY_HELLO, 0, NULL);
	for (;;) {
		uc_auto(frame) struct uc_frame question = UC_FRAME(0);

		if (hear(&question) != 1)
			return 0;
		act(mode, &question);
	}
}
