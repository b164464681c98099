/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* ucluster doctor: runs all checks at once, each in time, and prints what they found. */
#include "ucluster/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <ucluster/units.h>
#include <unistd.h>
#include "ucluster/commands.h"

#define ANSWER_MAX (256U << 10) /* bytes that one check may say */

struct args {
	struct uc_listing listing;
};

static const struct check {
	const char *name;
	void (*run)(struct doctor *d);
	int ms;             /* until it is given up */
	const char *remedy; /* for one that does not end */
} checks[] = {
	{ "install", doctor_install, 5000, "df" },
	{ "state", doctor_state_dir, 5000, "df ~" },
	{ "slurm", doctor_slurm, 25000, "uinfo health" },
	{ "containers", doctor_containers, 10000, "srun --help" },
	{ "images", doctor_images, 10000, "ucluster config image_dirs" },
	{ "credentials", doctor_credentials, 5000, "df ~" },
	{ "disks", doctor_disks, 15000, "uinfo disk" },
	{ "caches", doctor_caches, 15000, "uinfo disk --scan ~/.cache" },
	{ "ssh", doctor_ssh, 20000, "ssh -v" },
	{ "sockets", doctor_sockets, 5000, "df /tmp" },
};
#define CHECKS (sizeof(checks) / sizeof(checks[0]))

/* One that is under way. */
struct probe {
	const struct check *check;
	pid_t pid;
	int fd;     /* -1: it is over */
	int failed; /* why it could not be started; 0: it was */
	int64_t deadline;
	struct uc_buf said;
};

void doctor_add(struct doctor *d, enum doctor_state state, const char *fmt, ...)
{
	struct doctor_finding *more = realloc(d->finding, (d->count + 1) * sizeof(*more));
	va_list ap;

	if (!more)
		return;
	d->finding = more;
	d->finding[d->count] =
		(struct doctor_finding){ .state = state, .check = d->check };
	va_start(ap, fmt);
	uc_buf_addv(&d->finding[d->count].text, fmt, ap);
	va_end(ap);
	d->count++;
}

void doctor_remedy(struct doctor *d, const char *fmt, ...)
{
	va_list ap;

	if (!d->count)
		return;
	va_start(ap, fmt);
	uc_buf_addv(&d->finding[d->count - 1].remedy, fmt, ap);
	va_end(ap);
}

void doctor_error(struct doctor *d, enum doctor_state state, const struct uc_error *err)
{
	doctor_add(d, state, "%s", err->text);
	doctor_remedy(d, "%s", err->hint);
}

void doctor_free(struct doctor *d)
{
	for (size_t i = 0; i < d->count; i++) {
		uc_buf_free(&d->finding[i].text);
		uc_buf_free(&d->finding[i].remedy);
	}
	free(d->finding);
	d->finding = NULL;
	d->count = 0;
}

void doctor_home(const struct doctor *d, const char *path, struct uc_buf *out)
{
	uc_buf_reset(out);
	if (*path != '/')
		uc_buf_addf(out, "%s/", d->run->home ? d->run->home : "");
	uc_buf_add(out, path);
}

const char *doctor_path(const struct doctor *d, const char *path, struct uc_buf *out)
{
	size_t len = d->run->home ? strlen(d->run->home) : 0;

	uc_buf_reset(out);
	if (len > 1 && strncmp(path, d->run->home, len) == 0 &&
	    (path[len] == '/' || !path[len]))
		uc_buf_addf(out, "~%s", path + len);
	else
		uc_buf_add(out, path);
	return uc_buf_text(out);
}

/* --- processes --- */

#define END '.' /* behind the last finding: nothing is missing */

/* In the child: state, text and remedy of each finding, with a NUL behind each. */
static _Noreturn void say_all(struct doctor *d, int fd)
{
	uc_auto(buf) struct uc_buf said = { 0 };

	for (size_t i = 0; i < d->count; i++) {
		uc_buf_addc(&said, (char)('0' + d->finding[i].state));
		uc_buf_add(&said, uc_buf_text(&d->finding[i].text));
		uc_buf_addc(&said, '\0');
		uc_buf_add(&said, uc_buf_text(&d->finding[i].remedy));
		uc_buf_addc(&said, '\0');
	}
	uc_buf_addc(&said, END);
	for (size_t at = 0; at < said.len;) {
		ssize_t wrote = write(fd, said.data + at, said.len - at);

		if (wrote < 0 && errno != EINTR)
			break;
		at += wrote > 0 ? (size_t)wrote : 0;
	}
	_exit(0);
}

static void start(struct uc_run *run, const struct check *check, struct probe *probe)
{
	struct doctor d = { .run = run, .check = check->name };
	int fds[2];

	*probe = (struct probe){ .check = check, .fd = -1, .pid = -1 };
	if (pipe(fds) < 0) {
		probe->failed = errno;
		return;
	}
	/* what it starts may outlive it, such as ssh's ControlPersist */
	(void)fcntl(fds[1], F_SETFD, FD_CLOEXEC);
	(void)fflush(NULL);
	probe->pid = fork();
	if (probe->pid == 0) {
		/* what it started ends with it */
		(void)setpgid(0, 0);
		close(fds[0]);
		check->run(&d);
		say_all(&d, fds[1]);
	}
	probe->failed = probe->pid < 0 ? errno : 0;
	close(fds[1]);
	if (probe->failed) {
		close(fds[0]);
		return;
	}
	probe->fd = fds[0];
	probe->deadline = uc_monotonic_ms() + check->ms;
}

static void hear(struct probe *probe)
{
	char bytes[4096];
	ssize_t got = read(probe->fd, bytes, sizeof(bytes));

	if (got < 0 && errno == EINTR)
		return;
	if (got > 0 && probe->said.len < ANSWER_MAX) {
		uc_buf_addn(&probe->said, bytes, (size_t)got);
		return;
	}
	close(probe->fd);
	probe->fd = -1;
	probe->deadline = 0; /* it ended by itself */
}

/* Where the kernel does not let go of one, it is left behind. */
static void end(struct probe *probe)
{
	int status;

	if (probe->pid <= 0)
		return;
	(void)kill(-probe->pid, SIGKILL);
	(void)kill(probe->pid, SIGKILL);
	for (int i = 0; i < 50 && waitpid(probe->pid, &status, WNOHANG) == 0; i++)
		poll(NULL, 0, 10);
}

static void listen_to(struct probe *probe, size_t count)
{
	struct pollfd ready[CHECKS];
	int64_t next;
	bool more;

	do {
		int64_t now = uc_monotonic_ms();

		more = false;
		next = now + 1000;
		for (size_t i = 0; i < count; i++) {
			bool waits = probe[i].fd >= 0 && now < probe[i].deadline;

			ready[i] = (struct pollfd){ waits ? probe[i].fd : -1, POLLIN, 0 };
			more = more || waits;
			if (waits && probe[i].deadline < next)
				next = probe[i].deadline;
		}
		if (!more || poll(ready, count, (int)(next - now)) <= 0)
			continue;
		for (size_t i = 0; i < count; i++)
			if (ready[i].revents)
				hear(&probe[i]);
	} while (more);
}

/* What a check said, as findings. */
static void take(struct doctor *d, struct probe *probe)
{
	const char *at = probe->said.data, *end_of = at + probe->said.len;

	d->check = probe->check->name;
	while (at && at < end_of && *at != END && !probe->said.failed) {
		const char *text = at + 1, *remedy = text + strlen(text) + 1;

		if (remedy >= end_of || *at < '0' || *at > '2')
			break;
		doctor_add(d, (enum doctor_state)(*at - '0'), "%s", text);
		/* whoever found it may not know what to do */
		doctor_remedy(d, "%s",
			      *remedy || *at == '0' ? remedy : probe->check->remedy);
		at = remedy + strlen(remedy) + 1;
	}
	if (probe->failed) {
		doctor_add(d, DOCTOR_FAIL, "this check cannot be run: %s",
			   strerror(probe->failed));
		doctor_remedy(d, "ulimit -a");
	} else if (probe->deadline) {
		doctor_add(d, DOCTOR_FAIL, "no answer within %d seconds",
			   probe->check->ms / 1000);
		doctor_remedy(d, "%s", probe->check->remedy);
		close(probe->fd);
	} else if (!at || at + 1 != end_of || *at != END) {
		doctor_add(d, DOCTOR_FAIL, "this check broke off");
		doctor_remedy(d, "ucluster doctor -v");
	}
}

static void run_checks(struct doctor *d, const struct check *first, size_t count)
{
	struct probe probe[CHECKS];

	for (size_t i = 0; i < count; i++)
		start(d->run, &first[i], &probe[i]);
	listen_to(probe, count);
	for (size_t i = 0; i < count; i++) {
		/* before anything else is done to it: what is in the pipe is whole */
		take(d, &probe[i]);
		end(&probe[i]);
		uc_buf_free(&probe[i].said);
	}
}

/* --- configuration, without which the rest looks at what is built in --- */

static void load_config(struct uc_run *run)
{
	for (int without = 0; without < 4 && !run->config; without++) {
		uc_auto(errors) struct uc_errors faults = { 0 };
		const struct uc_config_from from = {
			.site_path = without < 3 ? run->site_path : NULL,
			.user_path = without < 2 ? run->user_path : NULL,
			.home = run->home,
			.cwd = without < 1 ? run->cwd : NULL,
			.environment = without < 2 ? run->environment : NULL,
		};

		if (uc_config_load(&from, &run->config, &faults) < 0)
			run->config = NULL;
	}
}

static int run_doctor(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	static const struct check config = { "config", doctor_config, 5000, "df ~" };
	struct doctor d = { .run = run };
	struct args args = { 0 };
	struct uc_selection selection;
	int status;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args) ||
	    uc_listing_select(run, doctor_columns, &args.listing, &selection) < 0)
		return run->status;
	run_checks(&d, &config, 1);
	/* where even that did not end, a second try would not either */
	if (!d.count || strncmp(uc_buf_text(&d.finding[0].text), "no answer", 9) != 0) {
		load_config(run);
		if (run->config)
			run_checks(&d, checks, CHECKS);
	}
	status = doctor_print(&d, &args.listing, &selection);
	doctor_free(&d);
	return status;
}

static const struct uc_opt options[] = { UC_LISTING_OPTIONS(struct args, listing),
					 { 0 } };

const struct uc_cmd uc_cmd_doctor = {
	.name = "ucluster doctor",
	.summary = "look for what is wrong, and say what to type about it",
	.doc = "Look for what keeps ucluster from doing its work: configuration, Slurm, "
	       "containers,\nimage directories, modes of files with credentials, full "
	       "disks, caches in the home\ndirectory, the SSH host of\n.Ic sync.host ,\n"
	       "and what is left over.\nEach finding is ok, warn or fail, with what to "
	       "type about it.\nAll checks run at once and end in time, whatever hangs.\n"
	       "The exit status is 1 when there is a fail.",
	.options = options,
	.columns = doctor_columns,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE,
	.fn = run_doctor,
};
