/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * enroot, a shell script with many children, under a guard: a process in a session of its
 * own that ends all of them when this one is gone, however it went. Without a terminal
 * curl asks nobody for passwords.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <ucluster/spawn.h>
#include <ucluster/units.h>
#include <unistd.h>
#include "common/signals.h"
#include "uimage/import.h"

#define LINE_BYTES_MAX 4096
#define TICK_MS        500
#define GRACE_MS       3000 /* from SIGTERM to SIGKILL */

/* --- its environment --- */

/* What enroot and its tools look at; everything else stays outside. */
static const char *const passed[] = {
	"HOME",
	"USER",
	"LOGNAME",
	"PATH",
	"LANG",
	"LANGUAGE",
	"TZ",
	"TMPDIR",
	"SHELL",
	"DOCKER_HOST",
	"http_proxy",
	"https_proxy",
	"all_proxy",
	"no_proxy",
	"HTTP_PROXY",
	"ALL_PROXY",
	"HTTPS_PROXY",
	"NO_PROXY",
	"SSL_CERT_DIR",
	"SSL_CERT_FILE",
	"CURL_CA_BUNDLE",
	"SOURCE_DATE_EPOCH",
	"LD_LIBRARY_PATH",
	"DOCKER_CONFIG",
	"ASAN_OPTIONS",
	NULL,
};
static const char *const passed_prefixes[] = { "LC_", "XDG_", "ENROOT_", NULL };

static bool is_passed(const char *entry)
{
	const size_t len = strcspn(entry, "=");

	for (const char *const *p = passed; *p; p++)
		if (strlen(*p) == len && strncmp(entry, *p, len) == 0)
			return true;
	for (const char *const *p = passed_prefixes; *p; p++)
		if (strncmp(entry, *p, strlen(*p)) == 0)
			return true;
	return false;
}

static void set(struct uc_strv *env, const char *name, const char *folder,
		const char *below)
{
	const size_t len = strlen(name);

	for (size_t i = 0; i < env->count; i++)
		if (strncmp(env->item[i], name, len) == 0 && env->item[i][len] == '=') {
			free(env->item[i]);
			env->item[i] = env->item[--env->count];
			env->item[env->count] = NULL;
			break;
		}
	uc_strv_addf(env, "%s=%s%s", name, folder, below);
}

static int make_environment(const struct enroot_run *what, struct uc_strv *env,
			    struct uc_error *err)
{
	const struct import_places *places = what->places;

	for (size_t i = 0; what->run->environment[i]; i++)
		if (is_passed(what->run->environment[i]))
			uc_strv_add(env, what->run->environment[i]);
	if (places) {
		const char *temp = uc_buf_text(&places->temp);

		set(env, "ENROOT_TEMP_PATH", temp, "");
		/* XDG_RUNTIME_DIR of a login may be missing on a node */
		set(env, "ENROOT_RUNTIME_PATH", temp, "/run");
		set(env, "ENROOT_DATA_PATH", temp, "/data");
		if (places->cache.len > 0)
			set(env, "ENROOT_CACHE_PATH", uc_buf_text(&places->cache), "");
	}
	return env->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

/* --- the guard --- */

/* Its session, from /proc/PID/stat; 0: it is gone. */
static pid_t session_of(int proc, const char *number)
{
	char path[32], text[512];
	const char *end;
	ssize_t got;
	int session, fd;

	snprintf(path, sizeof(path), "%.20s/stat", number);
	fd = openat(proc, path, O_RDONLY | O_CLOEXEC);
	got = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	if (fd >= 0)
		close(fd);
	text[got > 0 ? got : 0] = '\0';
	end = strrchr(text, ')');
	return end && sscanf(end + 1, " %*c %*d %*d %d", &session) == 1 ? session : 0;
}

/*
 * End everybody else in this session: parallel(1) gives its children groups of their own.
 * Until nobody new is found.
 */
static void end_session(void)
{
	const pid_t own = getpid();
	bool found = true;

	for (int i = 0; found && i < 100; i++) {
		DIR *proc = opendir("/proc");
		const struct dirent *entry;

		found = false;
		while (proc && (entry = readdir(proc))) {
			const long pid = strtol(entry->d_name, NULL, 10);

			if (pid > 1 && pid != own &&
			    session_of(dirfd(proc), entry->d_name) == own)
				found |= kill((pid_t)pid, SIGKILL) == 0;
		}
		if (proc)
			closedir(proc);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
}

/* In a process of its own: `life` ends with the parent. */
static void guard(const struct enroot_run *what, char *const *env, int life, int out)
{
	const struct uc_spawn spawn = { .program =
						what->program ? what->program : "enroot",
					.words = what->words,
					.environment = env,
					.fd = { -1, out, out } };
	struct pollfd on[2] = { { .fd = life, .events = POLLIN }, { .events = POLLIN } };
	sigset_t set;
	pid_t pid;
	int status, failure;

	setsid();
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	on[1].fd = signalfd(-1, &set, SFD_CLOEXEC);
	/* what its group is sent is for those that it guards */
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_SETMASK, &set, NULL);
	failure = uc_spawn(&spawn, &pid);
	if (failure)
		_exit(failure == ENOENT ? 127 : 126);
	close(out);
	for (;;) {
		while (poll(on, 2, -1) < 0 && errno == EINTR)
			;
		if (on[0].revents) {
			end_session();
			_exit(128 + SIGKILL);
		}
		if (waitpid(pid, &status, WNOHANG) != pid)
			continue;
		end_session();
		_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	}
}

struct pump {
	const struct enroot_run *what;
	int out, life, signals;
	pid_t guard;
	char line[LINE_BYTES_MAX + 1];
	size_t len;
	int64_t tick_at, kill_at;
	int signal;
};

static int start_guard(struct pump *p, char *const *env, struct uc_error *err)
{
	int out[2], life[2];

	if (pipe2(out, O_CLOEXEC) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "pipe");
	if (pipe2(life, O_CLOEXEC) < 0) {
		close(out[0]);
		close(out[1]);
		return uc_fail_errno(err, UC_FAILED, errno, "pipe");
	}
	p->guard = fork();
	if (p->guard == 0) {
		close(life[1]);
		close(out[0]);
		guard(p->what, env, life[0], out[1]);
	}
	close(out[1]);
	close(life[0]);
	p->out = out[0];
	p->life = life[1];
	if (p->guard > 0)
		return 0;
	close(p->out);
	close(p->life);
	return uc_fail_errno(err, UC_FAILED, errno, "cannot start a process");
}

/* --- its words --- */

static void give_line(struct pump *p)
{
	p->line[p->len] = '\0';
	if (p->len > 0)
		p->what->line(p->what->arg, p->line);
	p->len = 0;
}

static bool take_output(struct pump *p)
{
	char bytes[4096];
	const ssize_t got = read(p->out, bytes, sizeof(bytes));

	if (got < 0 && (errno == EINTR || errno == EAGAIN))
		return true;
	for (ssize_t i = 0; i < got; i++)
		if (bytes[i] == '\n' || bytes[i] == '\r')
			give_line(p);
		else if (p->len < LINE_BYTES_MAX && bytes[i])
			p->line[p->len++] = bytes[i];
	if (got <= 0)
		give_line(p);
	return got > 0;
}

/* The guard ends all of them then. */
static void end_life(struct pump *p)
{
	if (p->life >= 0)
		close(p->life);
	p->life = -1;
}

static bool guard_has_ended(const struct pump *p)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)p->guard, &info, WEXITED | WNOWAIT | WNOHANG) == 0 &&
	       info.si_pid == p->guard;
}

static void take_signal(struct pump *p)
{
	struct signalfd_siginfo info;

	if (read(p->signals, &info, sizeof(info)) != sizeof(info))
		return;
	p->kill_at = p->signal ? 0 : uc_monotonic_ms() + GRACE_MS;
	p->signal = (int)info.ssi_signo;
	kill(-p->guard, SIGTERM);
}

static void pump(struct pump *p)
{
	struct pollfd on[2] = { { .fd = p->signals, .events = POLLIN },
				{ .fd = p->out, .events = POLLIN } };

	for (bool more = true; more;) {
		/* asked first: what it said before it ended is in the pipe by then */
		const bool ended = guard_has_ended(p);
		const int ready = poll(on, 2, ended ? 0 : TICK_MS);
		const int64_t now = uc_monotonic_ms();

		if (ready > 0 && on[0].revents)
			take_signal(p);
		if (ready > 0 && on[1].revents)
			more = take_output(p);
		else if (ended)
			more = false; /* somebody who got away holds the pipe */
		if (p->signal && now >= p->kill_at)
			end_life(p);
		if (p->what->tick && now >= p->tick_at) {
			p->what->tick(p->what->arg);
			p->tick_at = now + TICK_MS;
		}
	}
}

static int wait_for_guard(struct pump *p)
{
	siginfo_t info;
	int status;

	while (waitid(P_PID, (id_t)p->guard, &info, WEXITED | WNOWAIT) < 0 &&
	       errno == EINTR)
		;
	/* a guard that was killed could end nobody; its number is still taken */
	kill(-p->guard, SIGKILL);
	while (waitpid(p->guard, &status, 0) < 0 && errno == EINTR)
		;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int enroot_run(const struct enroot_run *what, int *status, struct uc_error *err)
{
	struct pump p = { .what = what, .life = -1 };
	uc_auto(strv) struct uc_strv env = { 0 };
	sigset_t set, before;
	int rc;

	if (!what->environment && make_environment(what, &env, err) < 0)
		return -1;
	uc_signals_ending(&set);
	sigprocmask(SIG_BLOCK, &set, &before);
	p.signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	rc = start_guard(&p, what->environment ? what->environment : env.item, err);
	if (rc == 0) {
		pump(&p);
		*status = wait_for_guard(&p);
		end_life(&p);
		close(p.out);
	}
	close(p.signals);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (rc < 0)
		return -1;
	*what->signal = p.signal;
	if (p.signal)
		return uc_fail(err, UC_FAILED, "ended by a signal: %s",
			       strsignal(p.signal));
	if (*status == 127 && !what->program) {
		uc_fail(err, UC_FAILED, "enroot is not on this machine's PATH");
		return uc_hint(err,
			       "it is where jobs run: without --local a job does it");
	}
	return 0;
}
