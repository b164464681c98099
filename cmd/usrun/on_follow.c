/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* --on: the output of the job, over connections that may be lost, and its results. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/random.h>
#include "usrun/on.h"

#define RETRY_MS     1000
#define RETRY_MAX_MS 30000

void usrun_on_say_back(const struct usrun_on *on)
{
	uc_run_say(on->u->run, 0,
		   "job %" PRIu32 " goes on; its output: ssh %s uattach %" PRIu32
		   "; its results: usync pull --outputs",
		   on->job, on->host, on->job);
}

/* Nobody's output has it by chance, and no job knows it. */
static int make_mark(char mark[33], struct uc_error *err)
{
	unsigned char bytes[16];

	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return uc_fail_errno(err, UC_FAILED, errno, "getrandom");
	for (size_t i = 0; i < sizeof(bytes); i++)
		(void)snprintf(mark + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

/* Until the job is over: its exit status. A connection that ends before is made again. */
int usrun_on_follow(const struct usrun_on *on, int *status, struct uc_error *err)
{
	struct usrun_on_child child = { .relay = true };
	int wait_ms = RETRY_MS;
	bool lost = false;
	char mark[33];

	if (make_mark(mark, err) < 0)
		return -1;
	child.mark = mark;
	for (;;) {
		uc_auto(strv) struct uc_strv words = { 0 };

		usrun_on_follow_words(on, mark, &words);
		if (usrun_on_run(on, &words, &child, err) < 0)
			return -1;
		if (child.said >= 0)
			break;
		if (child.signal) {
			usrun_on_say_back(on);
			return usrun_on_end(on, 128 + child.signal);
		}
		if (child.shown > child.skip || !lost)
			wait_ms = RETRY_MS;
		if (!lost)
			uc_run_say(on->u->run, 0,
				   "the connection to %s is lost; job %" PRIu32
				   " goes on, trying again",
				   on->host, on->job);
		lost = child.shown == child.skip;
		child.skip = on->cannot_resume ? 0 : child.shown;
		child.signal = usrun_on_rest(on, wait_ms);
		if (child.signal) {
			usrun_on_say_back(on);
			return usrun_on_end(on, 128 + child.signal);
		}
		wait_ms = wait_ms * 2 < RETRY_MAX_MS ? wait_ms * 2 : RETRY_MAX_MS;
	}
	*status = child.said;
	return 0;
}

int usrun_on_pull(const struct usrun_on *on, int *status, struct uc_error *err)
{
	struct usrun_on_child child = { 0 };
	uc_auto(strv) struct uc_strv words = { 0 };

	if (!uc_config_list(on->u->run->config, "sync.outputs")[0]) {
		uc_run_say(on->u->run, 0,
			   "'sync.outputs' is not set: nothing is brought here");
		return 0;
	}
	usrun_on_pull_words(on, &words);
	if (usrun_on_run(on, &words, &child, err) < 0)
		return -1;
	if (child.signal)
		return usrun_on_end(on, 128 + child.signal);
	if (child.status)
		uc_run_say(on->u->run, 0,
			   "the results are still on %s: usync pull "
			   "--outputs",
			   on->host);
	*status = *status ? *status : child.status;
	return 0;
}
