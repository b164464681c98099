/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* usync --serve and a client that says anything. */
#include "sync_script.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <ucluster/sync.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A thread of its own: what it confines itself to is not for the fuzzer. */
static void *serve(void *arg)
{
	const int *fd = arg;
	struct uc_error err = { 0 };

	/* relative folders are there: the thread's alone, the fuzzer writes elsewhere */
	assert(unshare(CLONE_FS) == 0 && chdir(script_folder()) == 0);
	if (uc_sync_serve(*fd, *fd, script_folder(), &err) < 0)
		assert(err.text[0]);
	shutdown(*fd, SHUT_RDWR);
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char open[] = "\4\2in\1r\0";
	uc_auto(buf) struct uc_buf script = { 0 };
	char answer[4096];
	pthread_t thread;
	int pair[2];

	if (size < 1 || size > SCRIPT_MAX)
		return 0;
	signal(SIGPIPE, SIG_IGN);
	if (data[0] == 'r') {
		uc_buf_addn(&script, data + 1, size - 1);
	} else {
		script_greet(&script);
		script_frame(&script, UC_FRAME_OPEN, open, sizeof(open) - 1);
		script_add(&script, data + 1, size - 1);
	}
	if (script.failed || script.len > 2 * SCRIPT_MAX)
		return 0;
	(void)script_folder();
	assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	assert(pthread_create(&thread, NULL, serve, &pair[1]) == 0);
	(void)send(pair[0], uc_buf_text(&script), script.len,
		   MSG_NOSIGNAL | MSG_DONTWAIT);
	shutdown(pair[0], SHUT_WR);
	while (read(pair[0], answer, sizeof(answer)) > 0)
		;
	pthread_join(thread, NULL);
	close(pair[0]);
	close(pair[1]);
	script_check();
	return 0;
}
