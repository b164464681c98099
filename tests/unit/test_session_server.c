/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* session-server with viewers that speak its protocol, without Slurm. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/session.h>
#include "session/place.h"
#include "session/screen.h"

#define SERVER  UC_BUILD_DIR "/libexec/ucluster/session-server"
#define ATTACH  UC_BUILD_DIR "/libexec/ucluster/session-attach"
#define GONE_MS 5000 /* after its viewer */
#define WAIT_MS 30000

struct session {
	pid_t pid;
	char job[24];
	struct uc_place place;
};

struct viewer {
	int fd;
	struct uc_buf in;
	struct uc_buf seen; /* all output since the last reset */
	struct uc_screen
		*screen; /* all output, as a terminal takes it; not all have one */
	struct uc_buf notice;
	struct uc_session_size size;
	struct uc_session_exit over;
	int resets;
	bool welcome, ended, refused, gone;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* A test that fails leaves its server; main() ends it. */
static pid_t started[64];
static size_t started_count;

static void start(struct session *s, const char *option, const char *script)
{
	char job[48];
	char *argv[] = { (char *)SERVER,
			 (char *)"--key=abc",
			 (char *)"--size=80x24",
			 (char *)"--idle=0",
			 (char *)option,
			 (char *)"--",
			 (char *)"bash",
			 (char *)"--norc",
			 (char *)"-c",
			 (char *)script,
			 NULL };
	char *env[] = { job, getenv("PATH") - 5, (char *)"PS1=$ ",
			(char *)"LC_ALL=C.UTF-8", NULL };

	snprintf(s->job, sizeof(s->job), "%d%05ld", getpid(), random() % 100000);
	snprintf(job, sizeof(job), "SLURM_JOB_ID=%s", s->job);
	s->place = (struct uc_place){ .uid = getuid(), .job = s->job, .key = "abc" };
	assert_int_equal(posix_spawn(&s->pid, SERVER, NULL, NULL, argv, env), 0);
	started[started_count++] = s->pid;
}

static int finish(struct session *s)
{
	int status;

	assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
	for (size_t i = 0; i < started_count; i++)
		if (started[i] == s->pid)
			started[i] = 0;
	assert_int_equal(uc_place_connect(&s->place, NULL), -1);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static void say(struct viewer *v, struct uc_buf *out)
{
	assert_int_equal(send(v->fd, out->data, out->len, MSG_NOSIGNAL), out->len);
	uc_buf_free(out);
}

static void attach(struct session *s, struct viewer *v, uint16_t columns, uint16_t rows,
		   bool read_only)
{
	const int64_t until = now_ms() + WAIT_MS;
	struct uc_buf out = { 0 };
	const struct uc_session_attach wish = { .version = UC_SESSION_VERSION,
						.size = { columns, rows },
						.read_only = read_only,
						.history = 100000 };

	*v = (struct viewer){ 0 };
	while ((v->fd = uc_place_connect(&s->place, NULL)) < 0 && now_ms() < until)
		poll(NULL, 0, 10);
	assert_true(v->fd >= 0);
	uc_session_put_attach(&out, &wish);
	say(v, &out);
}

static void leave(struct viewer *v)
{
	if (v->fd >= 0)
		close(v->fd);
	uc_buf_free(&v->in);
	uc_buf_free(&v->seen);
	uc_buf_free(&v->notice);
	uc_screen_free(v->screen);
}

static void take(struct viewer *v, const struct uc_session_frame *frame)
{
	switch (frame->type) {
	case UC_SESSION_WELCOME:
		v->welcome = true;
		assert_int_equal(uc_session_read_size(frame, &v->size, NULL), 0);
		break;
	case UC_SESSION_RESET:
		v->resets++;
		uc_buf_reset(&v->seen);
		break;
	case UC_SESSION_OUTPUT:
		uc_buf_addn(&v->seen, frame->data, frame->len);
		if (v->screen)
			uc_screen_write(v->screen, frame->data, frame->len);
		break;
	case UC_SESSION_NOTICE:
		uc_buf_addn(&v->notice, frame->data, frame->len);
		break;
	case UC_SESSION_EXIT:
		v->ended = true;
		assert_int_equal(uc_session_read_exit(frame, &v->over, NULL), 0);
		break;
	case UC_SESSION_REFUSED:
		v->refused = true;
		break;
	default:
		break;
	}
}

/* What has come; false when nothing did for `ms`. */
static bool listen_for(struct viewer *v, int ms)
{
	struct pollfd fd = { v->fd, POLLIN, 0 };
	struct uc_session_frame frame;
	char chunk[65536];
	size_t done = 0;
	ssize_t got;
	long used;

	if (v->gone || poll(&fd, 1, ms) <= 0)
		return false;
	got = read(v->fd, chunk, sizeof(chunk));
	if (got <= 0) {
		v->gone = true;
		return false;
	}
	uc_buf_addn(&v->in, chunk, (size_t)got);
	while ((used = uc_session_get(v->in.data + done, v->in.len - done, &frame,
				      NULL)) > 0) {
		take(v, &frame);
		done += (size_t)used;
	}
	assert_int_equal(used, 0);
	memmove(v->in.data, v->in.data + done, v->in.len - done);
	v->in.len -= done;
	return true;
}

static void expect_seen(struct viewer *v, const char *text)
{
	const int64_t until = now_ms() + WAIT_MS;

	while (!strstr(uc_buf_text(&v->seen), text) && !v->gone && now_ms() < until)
		listen_for(v, 100);
	if (!strstr(uc_buf_text(&v->seen), text))
		print_error("never seen: '%s' in '%s'\n", text, uc_buf_text(&v->seen));
	assert_non_null(strstr(uc_buf_text(&v->seen), text));
}

static void expect_end(struct viewer *v, int status)
{
	const int64_t until = now_ms() + WAIT_MS;

	while (!v->ended && !v->gone && now_ms() < until)
		listen_for(v, 100);
	assert_true(v->ended);
	assert_int_equal(v->over.status, status << 8);
}

static void type(struct viewer *v, const char *text)
{
	struct uc_buf out = { 0 };

	uc_session_put(&out, UC_SESSION_INPUT, text, strlen(text));
	say(v, &out);
}

static void test_a_viewer_sees_types_and_is_told_the_end(void **state)
{
	struct session s;
	struct viewer v;

	(void)state;
	start(&s, "--scrollback=100", "read -r x; echo \"got $x\"; exit 3");
	attach(&s, &v, 80, 24, false);
	type(&v, "hello\r");
	expect_seen(&v, "got hello");
	/* it was there from the beginning: as if there were no server */
	assert_int_equal(v.resets, 0);
	expect_end(&v, 3);
	assert_int_equal(v.over.end, UC_SESSION_ENDED);
	leave(&v);
	assert_int_equal(finish(&s), 3);
}

static void test_the_program_goes_on_without_viewers(void **state)
{
	struct session s;
	struct viewer v;

	(void)state;
	start(&s, "--scrollback=100",
	      "for i in $(seq 50); do echo line $i; done; read -r x; exit 0");
	attach(&s, &v, 80, 24, false);
	expect_seen(&v, "line 50");
	leave(&v);
	attach(&s, &v, 80, 24, false);
	expect_seen(&v, "line 50");
	/* the lines above the screen, too */
	assert_non_null(strstr(uc_buf_text(&v.seen), "line 1\r\nline 2\r\n"));
	assert_int_equal(v.resets, 1);
	type(&v, "\r");
	expect_end(&v, 0);
	leave(&v);
	assert_int_equal(finish(&s), 0);
}

static void test_who_looks_only_types_nothing(void **state)
{
	struct session s;
	struct viewer v, looks;

	(void)state;
	start(&s, "--scrollback=100",
	      "echo ready; read -r x; echo \"got $x\"; stty size; exit 0");
	attach(&s, &v, 80, 24, false);
	expect_seen(&v, "ready");
	attach(&s, &looks, 20, 5, true);
	expect_seen(&looks, "ready");
	assert_int_equal(looks.size.columns, 80);
	type(&looks, "evil\r");
	/* the server has taken it when it has drawn the screen after it */
	{
		struct uc_buf out = { 0 };
		const int64_t until = now_ms() + WAIT_MS;

		uc_session_put(&out, UC_SESSION_REDRAW, NULL, 0);
		say(&looks, &out);
		while (looks.resets < 2 && now_ms() < until)
			listen_for(&looks, 100);
		assert_int_equal(looks.resets, 2);
	}
	type(&v, "good\r");
	expect_seen(&v, "got good");
	expect_seen(&looks, "got good");
	expect_seen(&v, "24 80");
	expect_end(&v, 0);
	expect_end(&looks, 0);
	leave(&v);
	leave(&looks);
	assert_int_equal(finish(&s), 0);
}

static void ask_size(struct viewer *v)
{
	type(v, "echo \"<$(stty size)>\"\r");
}

static void expect_size(struct viewer *v, const char *size)
{
	ask_size(v);
	expect_seen(v, size);
	uc_buf_reset(&v->seen);
}

static void resize(struct viewer *v, uint16_t columns, uint16_t rows)
{
	const struct uc_session_size size = { columns, rows };
	struct uc_buf out = { 0 };

	uc_session_put_size(&out, UC_SESSION_RESIZE, &size);
	say(v, &out);
}

static void test_the_smallest_window_counts(void **state)
{
	struct session s;
	struct viewer a, b;

	(void)state;
	start(&s, "--scrollback=100", "exec bash --norc --noediting");
	attach(&s, &a, 100, 30, false);
	expect_size(&a, "<30 100>");
	attach(&s, &b, 60, 40, false);
	expect_seen(&b, "100");
	expect_size(&a, "<30 60>");
	resize(&b, 70, 20);
	expect_seen(&b, "60");
	/* in one stream: the shell's answer comes after the size was set */
	expect_size(&b, "<20 70>");
	leave(&b);
	while (listen_for(&a, 0))
		;
	for (int64_t until = now_ms() + WAIT_MS;
	     now_ms() < until && !strstr(uc_buf_text(&a.seen), "<30 100>");) {
		ask_size(&a);
		listen_for(&a, 200);
	}
	expect_seen(&a, "<30 100>");
	type(&a, "exit 4\r");
	expect_end(&a, 4);
	leave(&a);
	assert_int_equal(finish(&s), 4);
}

static void test_the_latest_window_counts(void **state)
{
	struct session s;
	struct viewer a, b;

	(void)state;
	start(&s, "--latest", "exec bash --norc --noediting");
	attach(&s, &a, 60, 20, false);
	expect_size(&a, "<20 60>");
	attach(&s, &b, 100, 30, false);
	expect_seen(&b, "60");
	uc_buf_reset(&b.seen);
	expect_size(&b, "<30 100>");
	resize(&a, 61, 21);
	expect_size(&a, "<21 61>");
	type(&a, "exit 0\r");
	expect_end(&b, 0);
	leave(&a);
	leave(&b);
	assert_int_equal(finish(&s), 0);
}

/* Rows 1 to `count` are in the terminal and above it, each once and in order. */
static void expect_rows(const struct viewer *v, unsigned long count)
{
	uc_auto(buf) struct uc_buf all = { 0 };
	const struct uc_screen_draw how = { .size = { 80, 24 } };
	const char *at;
	unsigned long row = 0;

	uc_screen_draw(v->screen, &how, &all);
	for (at = uc_buf_text(&all); (at = strstr(at, "row ")); at += 4)
		assert_int_equal(strtoul(at + 4, NULL, 10), ++row);
	assert_int_equal(row, count);
}

/* A viewer that reads nothing keeps neither the program nor others from going on. */
static void test_a_slow_viewer_keeps_nobody(void **state)
{
	struct session s;
	struct viewer slow, v;

	(void)state;
	start(&s, "--scrollback=300000",
	      "read -r x; seq -f 'row %07g' 80000; echo done; read -r x; exit 0");
	attach(&s, &slow, 80, 24, false);
	slow.screen = uc_screen_new(&(struct uc_session_size){ 80, 24 }, 300000);
	assert_non_null(slow.screen);
	attach(&s, &v, 80, 24, false);
	type(&v, "\r");
	expect_seen(&v, "done");
	/* 1 MB: more than sockets and queues hold; the rest is drawn, with all lines */
	expect_seen(&slow, "done");
	assert_true(slow.resets >= 1);
	type(&v, "\r");
	expect_end(&v, 0);
	expect_end(&slow, 0);
	expect_rows(&slow, 80000);
	leave(&slow);
	leave(&v);
	assert_int_equal(finish(&s), 0);
}

/* One byte less than is asked for, and the program would wait for ever. */
#define PASTED 1000000

/* Give what `fd` takes without waiting longer than `ms` for it; how much that was. */
static size_t give(int fd, const char *text, size_t len, int ms)
{
	struct pollfd out = { fd, POLLOUT, 0 };
	size_t done = 0;

	while (done < len && poll(&out, 1, ms) > 0) {
		const ssize_t n =
			send(fd, text + done, len - done, MSG_NOSIGNAL | MSG_DONTWAIT);

		assert_true(n > 0 || errno == EAGAIN);
		done += n > 0 ? (size_t)n : 0;
	}
	return done;
}

/* More is typed than the server keeps: it takes the rest when the program reads. */
static void test_nothing_that_is_typed_is_lost(void **state)
{
	struct session s;
	struct uc_buf text = { 0 }, frames = { 0 };
	char gate[] = "/tmp/uc-test-XXXXXX", script[400];
	struct viewer v;
	size_t done;

	(void)state;
	assert_non_null(mkdtemp(gate));
	for (int i = 1; i <= PASTED / 8; i++)
		uc_buf_addf(&text, "%07d\n", i);
	uc_session_put_all(&frames, UC_SESSION_INPUT, text.data, text.len);
	snprintf(script, sizeof(script),
		 "stty raw -echo; mkfifo %s/gate; echo ready; read -r x <%s/gate; "
		 "head -c %d | cmp - <(seq -f %%07g %d) && echo same; exit 0",
		 gate, gate, PASTED, PASTED / 8);
	start(&s, "--scrollback=10", script);
	attach(&s, &v, 80, 24, false);
	expect_seen(&v, "ready");
	done = give(v.fd, frames.data, frames.len, 500);
	snprintf(script, sizeof(script), "%s/gate", gate);
	close(open(script, O_WRONLY));
	done += give(v.fd, frames.data + done, frames.len - done, WAIT_MS);
	assert_int_equal(done, frames.len);
	expect_seen(&v, "same");
	expect_end(&v, 0);
	unlink(script);
	rmdir(gate);
	uc_buf_free(&text);
	uc_buf_free(&frames);
	leave(&v);
	assert_int_equal(finish(&s), 0);
}

static void test_nonsense_is_hung_up_on(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
		{ "GET / HTTP/1.0\r\n\r\n", 18 },
		{ "\x55\x01\0\0\x02\0\0\0xx\n", 11 }, /* too short for an attach */
		{ "\x55\x01\0\0\xff\xff\xff\xff", 8 },
	};
	struct session s;
	struct viewer v;

	(void)state;
	start(&s, "--scrollback=10", "read -r x; exit 0");
	attach(&s, &v, 80, 24, false);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const int64_t until = now_ms() + WAIT_MS;
		struct viewer other = { .fd = uc_place_connect(&s.place, NULL) };

		assert_true(other.fd >= 0);
		assert_int_equal(send(other.fd, bad[i].bytes, bad[i].len, MSG_NOSIGNAL),
				 bad[i].len);
		while (!other.gone && now_ms() < until)
			listen_for(&other, 100);
		assert_true(other.gone);
		leave(&other);
	}
	type(&v, "\r");
	expect_end(&v, 0);
	leave(&v);
	assert_int_equal(finish(&s), 0);
}

/* The step beside a session: its process, and what goes to it. */
static pid_t start_step(const struct session *s, int *to)
{
	posix_spawn_file_actions_t actions;
	char job[48];
	char *argv[] = { (char *)ATTACH, (char *)"abc", NULL };
	char *env[] = { job, NULL };
	struct uc_buf out = { 0 };
	const struct uc_session_attach wish = { .version = UC_SESSION_VERSION,
						.size = { 80, 24 } };
	int ends[2];
	pid_t pid;

	snprintf(job, sizeof(job), "SLURM_JOB_ID=%s", s->job);
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	fcntl(ends[0], F_SETFL, 0);
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[0], STDIN_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY,
					 0);
	assert_int_equal(posix_spawn(&pid, ATTACH, &actions, NULL, argv, env), 0);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[0]);
	uc_session_put_attach(&out, &wish);
	assert_int_equal(write(ends[1], out.data, out.len), out.len);
	uc_buf_free(&out);
	*to = ends[1];
	return pid;
}

static void expect_gone(pid_t pid, int64_t until)
{
	while (waitpid(pid, NULL, WNOHANG) == 0) {
		if (now_ms() > until) {
			kill(pid, SIGKILL);
			fail_msg("it is still there");
		}
		poll(NULL, 0, 20);
	}
}

/* A viewer that is killed leaves no step, whatever waits in it. */
static void test_a_step_goes_with_its_viewer(void **state)
{
	char typed[32768];
	struct session s;
	struct viewer v;
	int to[2];
	pid_t step[2];

	(void)state;
	memset(typed, 'x', sizeof(typed));
	/* a line that is not raw takes any number of letters, and throws them away */
	start(&s, "--grace=1", "stty raw -echo; echo ready; sleep 1000");
	attach(&s, &v, 80, 24, true);
	expect_seen(&v, "ready");
	for (int i = 0; i < 2; i++)
		step[i] = start_step(&s, &to[i]);
	/* one of them typed more than the program takes, and than fits anywhere */
	for (int quiet = 0; quiet < 20; quiet++) {
		struct uc_buf out = { 0 };

		uc_session_put_all(&out, UC_SESSION_INPUT, typed, sizeof(typed));
		if (write(to[1], out.data, out.len) > 0)
			quiet = 0;
		uc_buf_free(&out);
		poll(NULL, 0, 20);
	}
	assert_int_equal(waitpid(step[1], NULL, WNOHANG), 0);
	close(to[0]);
	close(to[1]);
	expect_gone(step[0], now_ms() + GONE_MS);
	expect_gone(step[1], now_ms() + GONE_MS);
	kill(s.pid, SIGKILL);
	leave(&v);
	finish(&s);
}

static void test_another_release_is_refused(void **state)
{
	const struct uc_session_attach wish = { .version = UC_SESSION_VERSION + 1,
						.size = { 80, 24 } };
	struct uc_buf out = { 0 };
	struct session s;
	struct viewer v, other = { 0 };
	const int64_t until = now_ms() + WAIT_MS;

	(void)state;
	start(&s, "--scrollback=10", "read -r x; exit 0");
	attach(&s, &v, 80, 24, false);
	other.fd = uc_place_connect(&s.place, NULL);
	uc_session_put_attach(&out, &wish);
	say(&other, &out);
	while (!other.gone && now_ms() < until)
		listen_for(&other, 100);
	assert_true(other.refused);
	leave(&other);
	type(&v, "\r");
	expect_end(&v, 0);
	leave(&v);
	assert_int_equal(finish(&s), 0);
}

static void test_resizes_in_storms(void **state)
{
	struct session s;
	struct viewer v;

	(void)state;
	start(&s, "--scrollback=1000", "while read -r x; do seq 30; done; exit 0");
	attach(&s, &v, 80, 24, false);
	for (int i = 0; i < 300; i++) {
		resize(&v, (uint16_t)(1 + i * 37 % 200), (uint16_t)(1 + i * 17 % 70));
		if (i % 10 == 0)
			type(&v, "\r");
		while (listen_for(&v, 0))
			;
	}
	resize(&v, 80, 24);
	type(&v, "\x04");
	expect_end(&v, 0);
	leave(&v);
	assert_int_equal(finish(&s), 0);
}

/* What the screen answers when nobody is there to. */
static void test_programs_get_answers_without_viewers(void **state)
{
	struct session s;
	const int64_t until = now_ms() + WAIT_MS;
	char path[] = "/tmp/uc-test-XXXXXX", script[300];
	int fd = mkstemp(path);
	struct viewer v;

	(void)state;
	assert_true(fd >= 0);
	snprintf(script, sizeof(script),
		 "stty -icanon -echo min 1; printf '\\033[6n'; IFS= read -r -d R x; "
		 "echo \"at ${x#?}\"; echo done >%s; read -r x; exit 0",
		 path);
	start(&s, "--scrollback=10", script);
	/* it asked, and had its answer, before there was anybody to give one */
	while (lseek(fd, 0, SEEK_END) == 0 && now_ms() < until)
		poll(NULL, 0, 20);
	assert_true(lseek(fd, 0, SEEK_END) > 0);
	unlink(path);
	close(fd);
	attach(&s, &v, 80, 24, false);
	expect_seen(&v, "at [1;1");
	/* the question is not asked again */
	assert_null(strstr(uc_buf_text(&v.seen), "\x1b[6n"));
	type(&v, "\r");
	expect_end(&v, 0);
	leave(&v);
	assert_int_equal(finish(&s), 0);
}

static void test_a_program_that_cannot_be_run(void **state)
{
	char *argv[] = { (char *)SERVER, (char *)"--key=abc", (char *)"--",
			 (char *)"/no/such/program", NULL };
	char *env[] = { (char *)"SLURM_JOB_ID=1", (char *)"PATH=/bin", NULL };
	posix_spawn_file_actions_t actions;
	int status;
	pid_t pid;

	(void)state;
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
	assert_int_equal(posix_spawn(&pid, SERVER, &actions, NULL, argv, env), 0);
	posix_spawn_file_actions_destroy(&actions);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), UC_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_viewer_sees_types_and_is_told_the_end),
		cmocka_unit_test(test_the_program_goes_on_without_viewers),
		cmocka_unit_test(test_who_looks_only_types_nothing),
		cmocka_unit_test(test_the_smallest_window_counts),
		cmocka_unit_test(test_the_latest_window_counts),
		cmocka_unit_test(test_a_slow_viewer_keeps_nobody),
		cmocka_unit_test(test_nothing_that_is_typed_is_lost),
		cmocka_unit_test(test_nonsense_is_hung_up_on),
		cmocka_unit_test(test_a_step_goes_with_its_viewer),
		cmocka_unit_test(test_another_release_is_refused),
		cmocka_unit_test(test_resizes_in_storms),
		cmocka_unit_test(test_programs_get_answers_without_viewers),
		cmocka_unit_test(test_a_program_that_cannot_be_run),
	};

	int failed;

	srandom((unsigned)time(NULL));
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	for (size_t i = 0; i < started_count; i++)
		if (started[i])
			kill(started[i], SIGKILL);
	return failed;
}
