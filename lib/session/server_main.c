/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* session-server: see server.h. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/units.h>
#include <ucluster/spawn.h>
#include "base/program.h"
#include "session/place.h"
#include "session/server.h"

extern char **environ;

/* After the program ended: for what it wrote last, and for viewers to take it, in ms. */
#define LAST_OUTPUT_MS  1000
#define LAST_VIEWERS_MS 3000
#define TICK_MS         1000
/* Of a job that is cancelled viewers are told in time: slurmd kills what is left. */
#define CANCELLED_MS 2000

static const char *env(const char *name)
{
	return uc_env_value((const char *const *)environ, name);
}

/* --- the terminal --- */

static struct uc_session_size screen_size(const struct uc_session_size *size)
{
	struct uc_session_size screen = *size;

	if (screen.columns < UC_SCREEN_COLUMNS_LEAST)
		screen.columns = UC_SCREEN_COLUMNS_LEAST;
	return screen;
}

void uc_server_resize(struct server *s, const struct uc_session_size *size)
{
	const struct winsize now = { .ws_row = size->rows, .ws_col = size->columns };
	const struct uc_session_size screen = screen_size(size);

	if (size->rows == s->size.rows && size->columns == s->size.columns)
		return;
	s->size = *size;
	uc_screen_resize(s->screen, &screen);
	ioctl(s->terminal, TIOCSWINSZ, &now);
}

bool uc_server_is_full(const struct server *s)
{
	return s->typed.len - s->typed_done >= INPUT_QUEUE;
}

void uc_server_typed(struct server *s, const char *bytes, size_t len)
{
	uc_buf_addn(&s->typed, bytes, len);
	uc_guard_seen(&s->guard, uc_monotonic_ms());
}

static void give_typed(struct server *s)
{
	ssize_t done = write(s->terminal, s->typed.data + s->typed_done,
			     s->typed.len - s->typed_done);

	if (done > 0)
		s->typed_done += (size_t)done;
	if (s->typed_done < s->typed.len && s->typed_done < INPUT_QUEUE)
		return;
	memmove(s->typed.data, s->typed.data + s->typed_done,
		s->typed.len - s->typed_done);
	s->typed.len -= s->typed_done;
	s->typed_done = 0;
	if (s->typed.len == 0)
		uc_buf_reset(&s->typed);
}

static bool anybody(const struct server *s)
{
	for (size_t i = 0; i < VIEWERS; i++)
		if (s->viewer[i].fd >= 0 && s->viewer[i].attached &&
		    !s->viewer[i].read_only)
			return true;
	return false;
}

/* Programs ask their terminal things; without a viewer the screen answers. */
static void answer(struct server *s)
{
	const struct uc_buf *answers = uc_screen_answers(s->screen);

	if (answers->len > 0 && !anybody(s) &&
	    s->typed.len - s->typed_done + answers->len <= INPUT_QUEUE) {
		uc_buf_addn(&s->typed, answers->data, answers->len);
		/* a terminal that is shown the questions would answer, too */
		s->first_over = true;
	}
	uc_screen_answered(s->screen);
}

/* False: no program has the terminal any more. */
static bool take_output(struct server *s)
{
	const uint64_t lines = uc_screen_lines(s->screen);
	char chunk[32768];
	ssize_t got = read(s->terminal, chunk, sizeof(chunk));

	if (got <= 0)
		return got < 0 && (errno == EAGAIN || errno == EINTR);
	uc_screen_write(s->screen, chunk, (size_t)got);
	answer(s);
	if (!s->first_over && s->first.len + (size_t)got > FIRST_OUTPUT)
		s->first_over = true;
	if (!s->first_over)
		uc_buf_addn(&s->first, chunk, (size_t)got);
	uc_views_output(s, chunk, (size_t)got, lines);
	uc_guard_seen(&s->guard, uc_monotonic_ms());
	return true;
}

static int open_terminal(struct server *s, char *path, size_t size)
{
	const struct winsize now = { .ws_row = s->size.rows, .ws_col = s->size.columns };

	s->terminal = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	return s->terminal >= 0 && grantpt(s->terminal) == 0 &&
			       unlockpt(s->terminal) == 0 &&
			       ptsname_r(s->terminal, path, size) == 0 &&
			       ioctl(s->terminal, TIOCSWINSZ, &now) == 0
		       ? 0
		       : -1;
}

/* As the leader of a new session whose terminal is `path`. Returns 0 or an errno. */
static int start_program(struct server *s, const char *path)
{
	const struct uc_spawn spawn = { .words = s->options.command,
					.environment = environ,
					.session = true,
					.terminal = path };

	return uc_spawn(&spawn, &s->child);
}

/* --- the loop --- */

static void take_children(struct server *s)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != s->child)
			continue;
		s->ended = true;
		s->status = status;
	}
}

static void take_signals(struct server *s)
{
	struct signalfd_siginfo info;

	while (read(s->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD || s->cancelled)
			continue;
		/* slurmd tells all steps the same: srun is about to end */
		s->cancelled = uc_monotonic_ms();
		if (s->end == UC_SESSION_ENDED)
			s->end = UC_SESSION_CANCELLED;
		uc_views_notice(s, "the job was cancelled, or its time is up");
	}
	take_children(s);
}

enum {
	SIGNALS,
	LISTENER,
	TERMINAL,
	PROBE,
	FIRST_VIEWER
};

static void fill_polls(const struct server *s, struct pollfd *polls)
{
	polls[SIGNALS] = (struct pollfd){ s->signals, POLLIN, 0 };
	polls[LISTENER] = (struct pollfd){ s->listener, POLLIN, 0 };
	polls[TERMINAL] =
		(struct pollfd){ s->terminal,
				 (short)(POLLIN | (s->typed.len ? POLLOUT : 0)), 0 };
	polls[PROBE] = (struct pollfd){ s->probe.pid ? s->probe.fd : -1, POLLIN, 0 };
	for (size_t i = 0; i < VIEWERS; i++)
		polls[FIRST_VIEWER + i] = (struct pollfd){
			s->viewer[i].fd,
			(short)((uc_view_is_heard(s, &s->viewer[i]) ? POLLIN : 0) |
				(uc_view_wants_out(&s->viewer[i]) ? POLLOUT : 0)),
			0
		};
}

/* One turn of at most `timeout_ms`. */
static void turn(struct server *s, int timeout_ms)
{
	struct pollfd polls[FIRST_VIEWER + VIEWERS];

	fill_polls(s, polls);
	if (poll(polls, FIRST_VIEWER + VIEWERS, timeout_ms) < 0)
		return;
	if (polls[SIGNALS].revents)
		take_signals(s);
	for (size_t i = 0; i < VIEWERS; i++)
		if (polls[FIRST_VIEWER + i].revents)
			uc_view_serve(s, &s->viewer[i], polls[FIRST_VIEWER + i].revents);
	if (polls[LISTENER].revents)
		uc_views_accept(s);
	if ((polls[TERMINAL].revents & POLLOUT) && s->typed.len)
		give_typed(s);
	if (polls[TERMINAL].revents & (POLLIN | POLLHUP | POLLERR) && !take_output(s)) {
		close(s->terminal);
		s->terminal = -1;
	}
	if (polls[PROBE].revents)
		uc_server_probed(s);
}

/* The program may take longer to end than viewers can be shown. */
static void tell_cancelled(struct server *s)
{
	if (!s->cancelled || s->closed || uc_monotonic_ms() - s->cancelled < CANCELLED_MS)
		return;
	s->closed = true;
	s->status = SIGTERM;
	uc_views_over(s);
}

static void serve(struct server *s)
{
	int64_t ticked = uc_monotonic_ms();

	while (!s->ended) {
		turn(s, TICK_MS);
		if (uc_monotonic_ms() - ticked < TICK_MS)
			continue;
		ticked = uc_monotonic_ms();
		uc_views_tick(s);
		tell_cancelled(s);
		uc_server_guard(s);
	}
}

/* What was written last is shown, and all who see it are told how it ended. */
static void finish(struct server *s)
{
	int64_t until = uc_monotonic_ms() + LAST_OUTPUT_MS;

	while (s->terminal >= 0 && uc_monotonic_ms() < until) {
		if (!take_output(s))
			break;
		if (poll(&(struct pollfd){ s->terminal, POLLIN, 0 }, 1, 0) <= 0)
			break;
	}
	if (s->end == UC_SESSION_IDLE)
		s->status = 0;
	uc_server_last_words(s);
	uc_server_record(s);
	uc_views_over(s);
	until = uc_monotonic_ms() + LAST_VIEWERS_MS;
	while (uc_views_writing(s) > 0 && uc_monotonic_ms() < until)
		turn(s, 100);
}

/* --- the command line --- */

static int64_t number(const char *text)
{
	char *end;
	const long long value = strtoll(text, &end, 10);

	return *text && !*end && value >= 0 && value < INT32_MAX ? value : -1;
}

static bool take_size(const char *text, struct uc_session_size *size)
{
	char *end;
	const unsigned long columns = strtoul(text, &end, 10);
	const unsigned long rows = *end == 'x' ? strtoul(end + 1, &end, 10) : 0;

	if (*end || columns < 1 || rows < 1)
		return false;
	size->columns = columns < UC_SESSION_SIDE ? (uint16_t)columns : UC_SESSION_SIDE;
	size->rows = rows < UC_SESSION_SIDE ? (uint16_t)rows : UC_SESSION_SIDE;
	return true;
}

static bool take_option(struct options *o, int option, const char *value)
{
	int64_t *const numbers[] = {
		['s'] = &o->history,
		['i'] = &o->idle,
		['g'] = &o->grace,
		['t'] = &o->limit,
	};

	switch (option) {
	case 'S':
		return take_size(value, &o->size);
	case 'd':
		o->state = value;
		return true;
	case 'n':
		o->name = value;
		return true;
	case 'k':
		o->key = value;
		return uc_place_is_plain(value);
	case 'l':
		o->latest = true;
		return true;
	case 's':
	case 'i':
	case 'g':
	case 't':
		*numbers[option] = number(value);
		return *numbers[option] >= 0;
	default:
		return false;
	}
}

static bool read_options(struct options *o, int argc, char **argv)
{
	static const struct option names[] = {
		{ "size", required_argument, NULL, 'S' },
		{ "scrollback", required_argument, NULL, 's' },
		{ "idle", required_argument, NULL, 'i' },
		{ "grace", required_argument, NULL, 'g' },
		{ "time", required_argument, NULL, 't' },
		{ "state", required_argument, NULL, 'd' },
		{ "key", required_argument, NULL, 'k' },
		{ "name", required_argument, NULL, 'n' },
		{ "latest", no_argument, NULL, 'l' },
		{ 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "+", names, NULL)) != -1)
		if (!take_option(o, option, optarg))
			return false;
	o->command = argv + optind;
	return o->command[0] && o->key;
}

/* --- begin and end --- */

static int open_signals(void)
{
	static const int taken[] = { SIGCHLD, SIGTERM, SIGHUP, SIGINT, SIGQUIT, SIGPIPE };
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(taken) / sizeof(taken[0]); i++)
		sigaddset(&set, taken[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static int begin(struct server *s, struct uc_error *err)
{
	const struct uc_place place = { .uid = getuid(),
					.job = s->job,
					.key = s->options.key };
	const struct uc_session_size screen = screen_size(&s->size);
	char path[64];
	int rc;

	s->signals = open_signals();
	s->screen = uc_screen_new(&screen, (size_t)s->options.history);
	if (s->signals < 0 || !s->screen || open_terminal(s, path, sizeof(path)) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "cannot make a terminal");
	s->listener = uc_place_listen(&place, &s->place, err);
	if (s->listener < 0)
		return -1;
	rc = start_program(s, path);
	if (rc)
		return uc_fail_errno(err, UC_FAILED, rc, "cannot run '%s'",
				     s->options.command[0]);
	uc_guard_begin(&s->guard, s->options.idle * 1000, s->options.grace * 1000,
		       uc_monotonic_ms());
	uc_server_record(s);
	return 0;
}

static void end(struct server *s)
{
	uc_gpu_probe_end(&s->probe);
	if (s->place.len > 0 && s->listener >= 0)
		unlink(s->place.data);
	uc_screen_free(s->screen);
	uc_buf_free(&s->first);
	uc_buf_free(&s->typed);
	uc_buf_free(&s->place);
	for (size_t i = 0; i < VIEWERS; i++) {
		uc_buf_free(&s->viewer[i].in);
		uc_buf_free(&s->viewer[i].out);
	}
}

int main(int argc, char **argv)
{
	struct server s = {
		.terminal = -1,
		.listener = -1,
		.started = time(NULL),
		.environment = (const char *const *)environ,
		.job = env("SLURM_JOB_ID"),
		.options = { .size = { 80, 24 }, .history = 10000, .grace = 300 }
	};
	struct uc_error err = { 0 };
	int status;

	for (size_t i = 0; i < VIEWERS; i++)
		s.viewer[i].fd = -1;
	if (!uc_place_is_plain(s.job) || !read_options(&s.options, argc, argv)) {
		dprintf(STDERR_FILENO,
			"usage: session-server --key=KEY [options] -- COMMAND [ARG...], in a "
			"job\n");
		return UC_USAGE;
	}
	s.size = s.options.size;
	/* what the other nodes do is not seen here */
	if (env("SLURM_JOB_NUM_NODES") && strcmp(env("SLURM_JOB_NUM_NODES"), "1") != 0)
		s.options.idle = 0;
	if (begin(&s, &err) < 0) {
		dprintf(STDERR_FILENO, "session-server: %s\n", err.text);
		end(&s);
		return err.code;
	}
	serve(&s);
	finish(&s);
	status = WIFSIGNALED(s.status) ? 128 + WTERMSIG(s.status) : WEXITSTATUS(s.status);
	end(&s);
	return status;
}
