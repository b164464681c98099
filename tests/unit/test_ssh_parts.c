/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Parts of lib/ssh that need no server: what ssh says, the end of a talk, children. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <ucluster/units.h>
#include <unistd.h>

#include "ssh/stream.h"
#include "ssh/transport.h"
#include "unit.h"

static const char *const environment[] = { "PATH=/usr/bin:/bin", NULL };

static void test_sayings(void **state)
{
	static const struct {
		const char *said;
		enum uc_code code;
		const char *text;
	} cases[] = {
		{ "ssh: connect to host x port 1: Connection refused\r\n", UC_UNREACHABLE,
		  "refuses connections" },
		{ "ssh: connect to host x port 22: Connection timed out\n",
		  UC_UNREACHABLE, "does not answer in time" },
		{ "Connection timed out during banner exchange\n", UC_UNREACHABLE,
		  "does not answer in time" },
		{ "ssh: Could not resolve hostname x: Name or service not known\n",
		  UC_UNREACHABLE, "name without an address" },
		{ "me@x: Permission denied (publickey,password).\n", UC_DENIED,
		  "does not let you in (ssh: me@x: Permission denied "
		  "(publickey,password).)" },
		{ "No ED25519 host key is known for x and you have requested strict "
		  "checking.\nHost key verification failed.\n",
		  UC_DENIED, "key is not known" },
		{ "Received disconnect from 1.2.3.4 port 22:2: Too many authentication "
		  "failures\n",
		  UC_DENIED, "too many keys" },
		{ "kex_exchange_identification: read: Connection reset by peer\n",
		  UC_UNREACHABLE, "closed the connection" },
		{ "/home/me/.ssh/config: line 1: Bad configuration option: x\n", UC_USAGE,
		  "configuration" },
		{ "something\nlast words\n", UC_UNREACHABLE, "last words" },
		{ "", UC_UNREACHABLE, "does not say why" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct uc_error err = { 0 };

		assert_int_equal(uc_openssh_fail(cases[i].said, "x", &err), -1);
		assert_int_equal(err.code, cases[i].code);
		if (!strstr(err.text, cases[i].text))
			fail_msg("'%s' has no '%s'", err.text, cases[i].text);
	}
}

static void test_changed_key(void **state)
{
	struct uc_error err = { 0 };

	(void)state;
	uc_openssh_fail("@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\n"
			"The fingerprint for the ED25519 key sent by the remote host is\n"
			"SHA256:nThbg6kXUpJW.\n"
			"Offending ECDSA key in /home/me/known hosts:12\n"
			"Host key verification failed.\n",
			"x", &err);
	assert_int_equal(err.code, UC_DENIED);
	assert_non_null(strstr(err.text, "now SHA256:nThbg6kXUpJW"));
	assert_string_equal(err.at.path, "/home/me/known hosts");
	assert_int_equal(err.at.line, 12);
}

static void test_tail(void **state)
{
	static char chunk[3 * UC_TAIL_MAX];
	struct uc_tail tail = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(chunk); i++)
		chunk[i] = (char)(i * 7);
	for (size_t size = 1; size < sizeof(chunk); size = size * 3 + 1) {
		tail.len = 0;
		for (size_t at = 0; at + size <= sizeof(chunk); at += size) {
			size_t sent = at + size;
			size_t kept = sent < UC_TAIL_MAX ? sent : UC_TAIL_MAX;

			uc_tail_add(&tail, chunk + at, size);
			assert_int_equal(tail.len, kept);
			assert_memory_equal(tail.bytes, chunk + sent - kept, kept);
		}
	}
}

static void spawn(struct uc_stream *stream, const char *script)
{
	const char *words[] = { "sh", "-c", script, NULL };
	struct uc_error err = { 0 };

	if (uc_stream_spawn(stream, words, environment, &err) < 0)
		fail_msg("%s", err.text);
}

static ssize_t read_some(struct uc_stream *stream, char *out, size_t size)
{
	struct pollfd ready = { stream->in, POLLIN, 0 };

	assert_int_equal(poll(&ready, 1, 10000), 1);
	return read(stream->in, out, size);
}

static void test_child(void **state)
{
	struct uc_stream stream = { 0 };
	uc_auto(buf) struct uc_buf said = { 0 };
	char out[16];

	(void)state;
	spawn(&stream, "cat; echo done >&2; exit 7");
	assert_int_equal(send(stream.out, "hello", 5, MSG_NOSIGNAL), 5);
	assert_int_equal(read_some(&stream, out, sizeof(out)), 5);
	assert_memory_equal(out, "hello", 5);
	uc_stream_shut(&stream);
	assert_int_equal(stream.out, -1);
	assert_int_equal(read_some(&stream, out, sizeof(out)), 0);
	assert_int_equal(uc_stream_close(&stream, 10000, &said), 7);
	assert_string_equal(uc_buf_text(&said), "done\n");
	assert_int_equal(uc_stream_close(&stream, 10000, &said), -1);
}

static void test_child_ends(void **state)
{
	struct uc_stream stream = { 0 };
	int64_t began = uc_monotonic_ms();

	(void)state;
	spawn(&stream, "kill -TERM $$");
	assert_int_equal(uc_stream_close(&stream, 10000, NULL), 128 + SIGTERM);
	/* it ignores the end of its input and of its output */
	spawn(&stream, "trap '' PIPE TERM; while :; do echo x; done");
	assert_int_equal(uc_stream_close(&stream, 200, NULL), -1);
	/* what it leaves behind holds nobody up */
	spawn(&stream, "sleep 20 & exit 3");
	assert_int_equal(uc_stream_close(&stream, 10000, NULL), 3);
	assert_true(uc_monotonic_ms() - began < 8000);
}

/* A process that was made meanwhile, and has all that was open then. */
static void test_child_of_others(void **state)
{
	struct uc_stream stream = { 0 };
	uc_auto(buf) struct uc_buf said = { 0 };
	pid_t other;

	(void)state;
	spawn(&stream, "sleep 40 & echo gone >&2; exit 4");
	other = fork();
	if (other == 0) {
		alarm(60);
		for (;;)
			pause();
	}
	alarm(30);
	assert_int_equal(uc_stream_close(&stream, 10000, &said), 4);
	alarm(0);
	assert_string_equal(uc_buf_text(&said), "gone\n");
	kill(other, SIGKILL);
	assert_int_equal(waitpid(other, NULL, 0), other);
}

static bool refuse; /* whether options of sockets are refused */

int __real_setsockopt(int fd, int level, int name, const void *value, socklen_t len);
int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len);

int __wrap_setsockopt(int fd, int level, int name, const void *value, socklen_t len)
{
	if (!refuse)
		return __real_setsockopt(fd, level, name, value, len);
	errno = ENOBUFS;
	return -1;
}

static void test_no_socket(void **state)
{
	static const char *const words[] = { "/bin/true", NULL };
	struct uc_stream stream = { 0 };
	struct uc_error err = { 0 };
	int fds[2], next = dup(0);

	(void)state;
	close(next);
	refuse = true;
	assert_int_equal(uc_stream_pair(fds), -1);
	assert_int_equal(errno, ENOBUFS);
	/* nobody closes a second time what may be somebody else's by then */
	assert_int_equal(fds[0], -1);
	assert_int_equal(fds[1], -1);
	assert_int_equal(uc_stream_spawn(&stream, words, environment, &err), -1);
	refuse = false;
	assert_int_equal(dup(0), next);
	close(next);
}

static void test_no_program(void **state)
{
	static const char *const words[] = { "no-such-program", NULL };
	static const char *const path[] = { "/no/such", NULL };
	struct uc_stream stream = { 0 };
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(uc_stream_spawn(&stream, words, environment, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
	assert_int_equal(uc_stream_spawn(&stream, path, environment, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
	assert_null(stream.end);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sayings),    cmocka_unit_test(test_changed_key),
		cmocka_unit_test(test_tail),       cmocka_unit_test(test_child),
		cmocka_unit_test(test_child_ends), cmocka_unit_test(test_child_of_others),
		cmocka_unit_test(test_no_socket),  cmocka_unit_test(test_no_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
