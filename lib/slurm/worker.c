/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "slurm/worker.h"

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
#include <ucluster/text.h>
#include <ucluster/units.h>
#include "base/path.h"
#include "slurm/conf.h"

#define DEFAULT_TIMEOUT_MS 10000
#define READS_MAX          16 /* of 4 KiB at a time */
/* Descriptors are moved up here first, so that none is in the way of 0 to 3. */
#define HIGH_FD 10

int uc_worker_new(const struct uc_source_options *options, struct uc_worker **out,
		  struct uc_error *err)
{
	struct uc_worker *worker = calloc(1, sizeof(*worker));

	if (!worker)
		return uc_fail(err, UC_FAILED, "out of memory");
	worker->sock = worker->errors = -1;
	worker->timeout_ms =
		options->timeout_ms > 0 ? options->timeout_ms : DEFAULT_TIMEOUT_MS;
	worker->libexec_dir = options->libexec_dir ? strdup(options->libexec_dir) : NULL;
	worker->slurm_conf = options->slurm_conf ? strdup(options->slurm_conf) : NULL;
	if (!worker->libexec_dir != !options->libexec_dir ||
	    !worker->slurm_conf != !options->slurm_conf) {
		uc_worker_free(worker);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	*out = worker;
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Kill it, wait for it; its exit status, or -1. */
static int end_worker(struct uc_worker *worker)
{
	int status = -1;

	close_fd(&worker->sock);
	if (worker->pid > 0) {
		kill(worker->pid, SIGKILL);
		while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
			continue;
	}
	worker->pid = 0;
	worker->ready = worker->resting = false;
	close_fd(&worker->errors);
	return status;
}

void uc_worker_rest(struct uc_worker *worker)
{
	worker->resting = worker->pid > 0 && kill(worker->pid, SIGKILL) == 0;
}

void uc_worker_free(struct uc_worker *worker)
{
	if (!worker)
		return;
	end_worker(worker);
	uc_buf_free(&worker->said);
	free(worker->libexec_dir);
	free(worker->slurm_conf);
	free(worker);
}

static int move_up(int *fd)
{
	int high = fcntl(*fd, F_DUPFD_CLOEXEC, HIGH_FD);

	if (high < 0)
		return -1;
	close(*fd);
	*fd = high;
	return 0;
}

/* environ with SLURM_CONF replaced; the vector is malloc'ed, the strings are borrowed. */
static char **make_environment(char *conf)
{
	size_t count = 0, kept = 0;
	char **env;

	while (environ && environ[count])
		count++;
	env = calloc(count + 2, sizeof(*env));
	if (!env)
		return NULL;
	for (size_t i = 0; i < count; i++)
		if (!conf || strncmp(environ[i], "SLURM_CONF=", 11))
			env[kept++] = environ[i];
	env[kept] = conf;
	return env;
}

/* Plain signals, a process group of its own (Ctrl-C is the caller's to decide about),
 * nothing open but /dev/null, stderr and the socket. */
static int spawn_prepared(struct uc_worker *worker, const char *path, int sock,
			  int errors, char **env)
{
	char *argv[] = { worker->name, NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t all, none;
	int rc;

	sigfillset(&all);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attr);
	/* these allocate: a worker without its socket would be waited for in vain */
	if ((rc = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY,
						   0)) == 0 &&
	    (rc = posix_spawn_file_actions_addopen(&files, 1, "/dev/null", O_WRONLY,
						   0)) == 0 &&
	    (rc = posix_spawn_file_actions_adddup2(&files, errors, 2)) == 0 &&
	    (rc = posix_spawn_file_actions_adddup2(&files, sock, 3)) == 0 &&
	    (rc = posix_spawn_file_actions_addclosefrom_np(&files, 4)) == 0) {
		posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF |
							POSIX_SPAWN_SETSIGMASK |
							POSIX_SPAWN_SETPGROUP);
		posix_spawnattr_setsigdefault(&attr, &all);
		posix_spawnattr_setsigmask(&attr, &none);
		rc = posix_spawn(&worker->pid, path, &files, &attr, argv, env);
	}
	posix_spawn_file_actions_destroy(&files);
	posix_spawnattr_destroy(&attr);
	if (rc)
		worker->pid = 0;
	return rc;
}

static int open_channels(struct uc_worker *worker, int *sock, int *errors)
{
	int pair[2], ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -1;
	worker->sock = pair[0];
	*sock = pair[1];
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	worker->errors = ends[0];
	*errors = ends[1];
	return move_up(&worker->sock) < 0 || move_up(sock) < 0 ||
			       move_up(&worker->errors) < 0 || move_up(errors) < 0 ||
			       fcntl(worker->errors, F_SETFL, O_NONBLOCK) < 0
		       ? -1
		       : 0;
}

static int start_worker(struct uc_worker *worker, const char *path, struct uc_error *err)
{
	int sock = -1, errors = -1, rc = -1, saved;
	uc_auto(buf) struct uc_buf conf = { 0 };
	char **env;

	uc_buf_reset(&worker->said);
	worker->ready = false;
	snprintf(worker->name, sizeof(worker->name), "%s", uc_path_name(path));
	if (worker->slurm_conf)
		uc_buf_addf(&conf, "SLURM_CONF=%s", worker->slurm_conf);
	env = make_environment(worker->slurm_conf ? conf.data : NULL);
	if (env && !conf.failed && open_channels(worker, &sock, &errors) == 0)
		rc = spawn_prepared(worker, path, sock, errors, env);
	saved = rc > 0 ? rc : errno;
	free(env);
	close_fd(&sock);
	close_fd(&errors);
	if (!rc)
		return 0;
	end_worker(worker);
	return uc_fail_errno(err, saved == ENOENT ? UC_NOTFOUND : UC_FAILED, saved,
			     "the worker '%s' cannot be started", path);
}

/* Keep the end of what it writes to stderr: the last line is the one that matters. */
static void read_errors(struct uc_worker *worker)
{
	char chunk[4096];
	ssize_t n;

	/* not for ever: who writes faster than this reads must not outlast the deadline
	 */
	for (int i = 0; worker->errors >= 0 && i < READS_MAX; i++) {
		n = read(worker->errors, chunk, sizeof(chunk));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return;
		if (n <= 0) {
			close_fd(&worker->errors);
			return;
		}
		if (worker->said.len + (size_t)n > UC_WORKER_STDERR_MAX) {
			size_t keep = UC_WORKER_STDERR_MAX / 2;

			if (keep > worker->said.len)
				keep = worker->said.len;
			memmove(worker->said.data,
				worker->said.data + worker->said.len - keep, keep);
			worker->said.len = keep;
			worker->said.data[keep] = '\0';
		}
		uc_buf_addn(&worker->said, chunk, (size_t)n);
	}
}

/* Until the socket is ready for `events`; 0 when the deadline passed. */
static int wait_ready(struct uc_worker *worker, short events, int64_t deadline)
{
	for (;;) {
		struct pollfd fds[] = { { worker->sock, events, 0 },
					{ worker->errors, POLLIN, 0 } };
		int64_t left = deadline - uc_monotonic_ms();
		int rc;

		if (left <= 0)
			return 0;
		rc = poll(fds, 2, left > 60000 ? 60000 : (int)left);
		if (rc < 0 && errno != EINTR)
			return -1;
		if (rc <= 0)
			continue;
		if (fds[1].revents)
			read_errors(worker);
		if (fds[0].revents)
			return 1;
	}
}

enum step {
	STEP_OK,
	STEP_TIMEOUT,
	STEP_ENDED
};

static enum step send_question(struct uc_worker *worker, const struct uc_frame *question,
			       int64_t deadline)
{
	struct uc_frame_progress at = { 0 };
	int rc;

	while ((rc = uc_frame_send(worker->sock, question, &at, MSG_DONTWAIT)) == 0) {
		int ready = wait_ready(worker, POLLOUT, deadline);

		if (ready <= 0)
			return ready ? STEP_ENDED : STEP_TIMEOUT;
	}
	return rc > 0 ? STEP_OK : STEP_ENDED;
}

static enum step receive_answer(struct uc_worker *worker, struct uc_frame *answer,
				int64_t deadline)
{
	struct uc_frame_progress at = { 0 };
	int rc;

	while ((rc = uc_frame_receive(worker->sock, answer, &at, MSG_DONTWAIT)) == 0) {
		int ready = wait_ready(worker, POLLIN, deadline);

		if (ready <= 0)
			return ready ? STEP_ENDED : STEP_TIMEOUT;
	}
	return rc > 0 ? STEP_OK : STEP_ENDED;
}

struct talk {
	const struct uc_frame *question;
	struct uc_frame *answer;
	int64_t deadline;
};

/* Answers until the one that ends the question. */
static enum step converse(struct uc_worker *worker, const struct talk *talk)
{
	struct uc_frame *answer = talk->answer;
	enum step step = send_question(worker, talk->question, talk->deadline);

	while (step == STEP_OK) {
		uc_frame_free(answer);
		*answer = (struct uc_frame)UC_FRAME(0);
		step = receive_answer(worker, answer, talk->deadline);
		if (step != STEP_OK)
			break;
		if (answer->kind == UC_SAY_HELLO)
			worker->ready = true;
		else if (answer->kind == UC_SAY_SENDING)
			worker->sending = true;
		else
			return STEP_OK;
	}
	return step;
}

/* Without reaping it: its number stays taken. */
static bool has_exited(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	       info.si_pid == pid;
}

void uc_worker_tidy(struct uc_worker *worker)
{
	if (worker->pid > 0 && has_exited(worker->pid))
		end_worker(worker);
}

/* The worker is gone or sent no frame: its last words, or how it ended. */
static int report_end(struct uc_worker *worker, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf words = { 0 };
	bool ready = worker->ready;
	int status;

	/* It may be about to exit: let it, so that its own status and words count. */
	for (int i = 0; i < 50 && !has_exited(worker->pid); i++) {
		poll(&(struct pollfd){ worker->errors, POLLIN, 0 }, 1, 2);
		read_errors(worker);
	}
	read_errors(worker);
	status = end_worker(worker);
	uc_worker_words(&words, uc_buf_text(&worker->said), worker->said.len);
	if (words.len && ready)
		return uc_fail(err, UC_UNREACHABLE, "%s: %s", worker->name,
			       uc_buf_text(&words));
	if (words.len) {
		const char *conf = uc_slurm_conf_path(worker->slurm_conf);

		uc_fail(err, UC_UNREACHABLE, "Slurm cannot be used here: %s",
			uc_buf_text(&words));
		return conf ? uc_hint(err, "its configuration is '%s'", conf)
			    : uc_hint(err, "no slurm.conf was found: set SLURM_CONF");
	}
	if (status != -1 && WIFSIGNALED(status))
		return uc_fail(err, UC_UNREACHABLE, "%s was killed by signal %d (%s)",
			       worker->name, WTERMSIG(status),
			       strsignal(WTERMSIG(status)));
	return uc_fail(err, UC_UNREACHABLE, "%s ended before it answered", worker->name);
}

/* The worker answered that it failed: its text, and what only libslurm's stderr tells. */
static int report_failure(struct uc_worker *worker, const struct uc_frame *answer,
			  struct uc_error *err)
{
	char *text = uc_frame_text(answer, UC_TAG_TEXT);
	char *hint = uc_frame_text(answer, UC_TAG_HINT);
	uc_auto(buf) struct uc_buf words = { 0 };
	uint32_t code = uc_frame_u32(answer, UC_TAG_CODE, UC_FAILED);

	read_errors(worker);
	uc_worker_words(&words, uc_buf_text(&worker->said), worker->said.len);
	if (code == UC_OK || code > UC_INVALID)
		code = UC_INVALID;
	if (uc_frame_u32(answer, UC_TAG_UNSENT, 0))
		worker->sending = false;
	if (!text)
		uc_fail(err, UC_INVALID, "%s failed without a reason", worker->name);
	else if (words.len && !strstr(text, uc_buf_text(&words)))
		uc_fail(err, (enum uc_code)code, "%s (%s)", text, uc_buf_text(&words));
	else
		uc_fail(err, (enum uc_code)code, "%s", text);
	if (hint)
		uc_hint(err, "%s", hint);
	free(text);
	free(hint);
	return -1;
}

static bool lacks_library(struct uc_worker *worker, enum step step)
{
	if (step != STEP_ENDED || worker->ready)
		return false;
	read_errors(worker);
	return uc_worker_lacks_library(uc_buf_text(&worker->said), worker->said.len);
}

/* And nothing can have come of the question. */
static bool is_too_new(const struct uc_worker *worker, enum step step,
		       const struct uc_frame *answer)
{
	return step == STEP_OK && answer->kind == UC_SAY_FAILED && !worker->sending &&
	       uc_frame_u32(answer, UC_TAG_TOO_NEW, 0);
}

/* What changes something is not asked of two workers: a ping goes ahead of it. */
static enum step ask_with_care(struct uc_worker *worker, const struct talk *talk)
{
	uc_auto(frame) struct uc_frame ping = UC_FRAME(UC_ASK_PING);
	const struct talk first = { &ping, talk->answer, talk->deadline };
	enum step step;

	if (talk->question->kind != UC_ASK_SUBMIT && talk->question->kind != UC_ASK_ACT)
		return converse(worker, talk);
	uc_frame_add_u32(&ping, UC_TAG_TIMEOUT_MS, (uint32_t)worker->timeout_ms);
	step = converse(worker, &first);
	return step != STEP_OK || is_too_new(worker, step, talk->answer)
		       ? step
		       : converse(worker, talk);
}

/* The first worker whose libslurm is installed, the newest release first; an older one
 * where slurmctld turns out not to understand that release. */
static enum step ask_any(struct uc_worker *worker, const struct talk *talk, bool *started,
			 struct uc_error *err)
{
	uc_auto(strv) struct uc_strv paths = { 0 };
	struct uc_error misfit = { 0 };
	enum step step;

	*started = false;
	if (uc_worker_find(worker->libexec_dir, &paths, err) < 0)
		return STEP_ENDED;
	if (worker->fits >= paths.count)
		worker->fits = 0;
	for (size_t i = worker->fits; i < paths.count; i++) {
		if (start_worker(worker, paths.item[i], err) < 0)
			return STEP_ENDED;
		step = i + 1 < paths.count ? ask_with_care(worker, talk)
					   : converse(worker, talk);
		if (is_too_new(worker, step, talk->answer) && !misfit.code)
			report_failure(worker, talk->answer, &misfit);
		else if (!is_too_new(worker, step, talk->answer) &&
			 !lacks_library(worker, step)) {
			*started = true;
			worker->fits = i;
			return step;
		}
		end_worker(worker);
	}
	worker->fits = 0;
	if (!misfit.code)
		uc_worker_none(&paths, uc_buf_text(&worker->said), &misfit);
	if (err)
		*err = misfit;
	return STEP_ENDED;
}

int uc_worker_ask(struct uc_worker *worker, struct uc_frame *question,
		  struct uc_frame *answer, struct uc_error *err)
{
	struct talk talk = { question, answer, uc_monotonic_ms() + worker->timeout_ms };
	bool started = true;
	enum step step;

	worker->sending = false;
	uc_frame_add_u32(question, UC_TAG_TIMEOUT_MS, (uint32_t)worker->timeout_ms);
	if (question->body.failed || question->body.len > UC_FRAME_MAX)
		return uc_fail(err, UC_USAGE, "the request is larger than %zu MiB",
			       UC_FRAME_MAX >> 20);
	if (worker->resting || (worker->pid && has_exited(worker->pid)))
		end_worker(worker);
	if (worker->pid) {
		read_errors(worker);
		uc_buf_reset(&worker->said);
		step = converse(worker, &talk);
	} else {
		if (uc_slurm_conf_check(worker->slurm_conf, err) < 0)
			return -1;
		step = ask_any(worker, &talk, &started, err);
	}
	if (!started)
		return -1;
	if (step == STEP_TIMEOUT) {
		uc_worker_timed_out(worker, err);
		end_worker(worker);
		return -1;
	}
	if (step == STEP_ENDED)
		return report_end(worker, err);
	if (answer->kind == UC_SAY_DONE)
		return 0;
	if (answer->kind == UC_SAY_FAILED)
		return report_failure(worker, answer, err);
	end_worker(worker);
	return uc_fail(err, UC_INVALID, "%s sent an answer of unknown kind",
		       worker->name);
}
