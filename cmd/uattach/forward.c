/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * --forward: connections to this host arrive at a port of the job's node, carried by the
 * input and output of a step. A Unix socket is the user's own by its mode; at a TCP port
 * of the loopback others could knock, so it is asked whose the other end is.
 */
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <ucluster/tunnel.h>
#include <ucluster/units.h>
#include "common/signals.h"
#include "uattach/inside.h"

#define DOORS_MAX 7
#define UP_MS     60000

/* Where connections are taken. */
struct door {
	int fd;
	uint16_t port;    /* of the job's node */
	uint16_t local;   /* 0: a Unix socket */
	const char *path; /* of that */
	bool bound;       /* the socket at `path` is ours: */
	dev_t device;
	ino_t inode;
};

struct forward {
	struct uattach *u;
	struct door door[DOORS_MAX];
	size_t doors;
	struct uattach_child child;
	struct uc_tunnel *tunnel;
	int signals;
	int signal;    /* that ended it */
	int64_t begun; /* ms */
	bool told;
};

static bool read_port(const char *text, uint16_t *port)
{
	char *end;
	unsigned long number;

	if (*text < '0' || *text > '9')
		return false;
	number = strtoul(text, &end, 10);
	if (*end || number == 0 || number > 65535)
		return false;
	*port = (uint16_t)number;
	return true;
}

static int bad(const char *spec, struct uc_error *err)
{
	uc_fail(err, UC_USAGE,
		"'%s': a port is expected, or LOCAL:PORT (1 to 65535; LOCAL may be a path)",
		spec);
	return uc_hint(err, "--forward 8888");
}

/* A socket that an earlier run left makes room when nobody listens; no other file. */
static int make_room(const struct door *door, const struct sockaddr_un *at,
		     struct uc_error *err)
{
	struct stat st;
	int fd, rc;

	if (lstat(door->path, &st) < 0)
		return 0; /* bind says why, if that is no reason to go on */
	if (!S_ISSOCK(st.st_mode))
		return uc_fail(err, UC_USAGE, "'%s' is in the way: it is no socket",
			       door->path);
	if (st.st_uid != getuid())
		return uc_fail(err, UC_DENIED, "'%s' is somebody else's", door->path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "'%s'", door->path);
	rc = connect(fd, (const struct sockaddr *)at, sizeof(*at)) < 0 ? errno : 0;
	close(fd);
	if (rc != ECONNREFUSED)
		return uc_fail(err, UC_DENIED, "'%s' is in use by another program",
			       door->path);
	if (unlink(door->path) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "'%s'", door->path);
	return 0;
}

static int bind_path(struct door *door, const struct sockaddr_un *at,
		     struct uc_error *err)
{
	const mode_t mask = umask(0177);
	struct stat st;
	int rc = -1;

	door->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (door->fd >= 0)
		rc = bind(door->fd, (const struct sockaddr *)at, sizeof(*at));
	umask(mask);
	if (rc == 0 && lstat(door->path, &st) == 0) {
		door->bound = true;
		door->device = st.st_dev;
		door->inode = st.st_ino;
	}
	if (rc == 0)
		rc = listen(door->fd, 64);
	return rc < 0 ? uc_fail_errno(err, UC_FAILED, errno, "'%s'", door->path) : 0;
}

static int open_path(struct door *door, struct uc_error *err)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };

	if (strlen(door->path) >= sizeof(at.sun_path))
		return uc_fail(err, UC_USAGE, "'%s' is too long for a socket's path",
			       door->path);
	memcpy(at.sun_path, door->path, strlen(door->path));
	if (make_room(door, &at, err) < 0)
		return -1;
	return bind_path(door, &at, err);
}

static void close_door(struct door *door)
{
	struct stat st;

	if (door->fd >= 0)
		close(door->fd);
	door->fd = -1;
	/* unless it is another one by now */
	if (door->bound && lstat(door->path, &st) == 0 && st.st_dev == door->device &&
	    st.st_ino == door->inode)
		unlink(door->path);
}

static int open_port(struct door *door, bool any, struct uc_error *err)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t size = sizeof(at);
	const int on = 1;
	int rc = -1;

	door->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (door->fd >= 0)
		setsockopt(door->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	at.sin_port = htons(door->local);
	if (door->fd >= 0)
		rc = bind(door->fd, (struct sockaddr *)&at, sizeof(at));
	if (rc < 0 && any && (errno == EADDRINUSE || errno == EACCES)) {
		at.sin_port = 0;
		rc = bind(door->fd, (struct sockaddr *)&at, sizeof(at));
	}
	if (rc < 0 || listen(door->fd, 64) < 0 ||
	    getsockname(door->fd, (struct sockaddr *)&at, &size) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "port %u of this host",
				     door->local);
	door->local = ntohs(at.sin_port);
	return 0;
}

/* "8888", "9999:8888", "/run/user/1000/jupyter:8888" */
static int open_door(struct forward *f, char *spec, struct uc_error *err)
{
	struct door *door = &f->door[f->doors];
	char *colon = strrchr(spec, ':');

	*door = (struct door){ .fd = -1 };
	if (!read_port(colon ? colon + 1 : spec, &door->port))
		return bad(spec, err);
	f->doors++;
	if (!colon) {
		door->local = door->port;
		return open_port(door, true, err);
	}
	*colon = '\0';
	if (strchr(spec, '/')) {
		door->path = spec;
		return open_path(door, err);
	}
	if (!read_port(spec, &door->local)) {
		*colon = ':';
		return bad(spec, err);
	}
	return open_port(door, false, err);
}

static int open_doors(struct forward *f, struct uc_error *err)
{
	struct uc_strv *specs = &f->u->args.forward;

	if (specs->count > DOORS_MAX)
		return uc_fail(err, UC_USAGE, "at most %d ports at a time", DOORS_MAX);
	for (size_t i = 0; i < specs->count; i++)
		if (open_door(f, specs->item[i], err) < 0)
			return -1;
	return 0;
}

/* One line to be typed on a laptop. */
static void tell(struct forward *f)
{
	const struct passwd *me = getpwuid(getuid());
	char host[256] = "";

	gethostname(host, sizeof(host) - 1);
	for (size_t i = 0; i < f->doors; i++) {
		const struct door *door = &f->door[i];
		uc_auto(buf) struct uc_buf here = { 0 };

		if (door->local)
			uc_buf_addf(&here, "127.0.0.1:%u", door->local);
		else
			uc_buf_quote(&here, door->path, UC_QUOTE_VISIBLE);
		uc_run_say(f->u->run, 0, "port %u of job %" PRIu32 " is %s here",
			   door->port, f->u->job->job_id, uc_buf_text(&here));
		printf("ssh -N -L %u:%s %s@%s\n", door->port, uc_buf_text(&here),
		       me ? me->pw_name : "USER", host);
	}
	fprintf(stderr,
		"hint: type that on your laptop, then open http://localhost:%u; Ctrl-C here "
		"ends it\n",
		f->door[0].port);
	fflush(stdout);
}

/* Whose is the other end? */
static bool is_mine(const struct door *door, int fd)
{
	if (!door->local) {
		struct ucred who;
		socklen_t len = sizeof(who);

		return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) == 0 &&
		       who.uid == getuid();
	}
	return uc_tcp_peer(fd) == (int64_t)getuid();
}

static void take_guest(struct forward *f, const struct door *door)
{
	const int fd = accept4(door->fd, NULL, NULL, SOCK_CLOEXEC);
	struct uc_error err = { 0 };

	if (fd < 0)
		return;
	if (!is_mine(door, fd)) {
		uc_run_say(f->u->run, 0, "a connection of another user was refused");
		close(fd);
		return;
	}
	if (uc_tunnel_add(f->tunnel, fd, door->port, &err) == 0)
		return;
	uc_run_say(f->u->run, 0, "a connection was refused: %s", err.text);
	close(fd);
}

/* What srun and the helper say of their own. */
static void relay_errors(struct forward *f)
{
	uc_auto(buf) struct uc_buf safe = { 0 };
	char bytes[4096];
	const ssize_t got = read(f->child.errors, bytes, sizeof(bytes));

	if (got <= 0) {
		close(f->child.errors);
		f->child.errors = -1;
		return;
	}
	uc_buf_safen(&safe, bytes, (size_t)got, f->u->run->safe | UC_SAFE_NEWLINE);
	fputs(uc_buf_text(&safe), stderr);
}

/* ms that the step has left to answer; -1: it did. */
static int left_to_come_up(const struct forward *f)
{
	const int64_t left = f->begun + UP_MS - uc_monotonic_ms();

	return f->told ? -1 : left > 0 ? (int)left : 0;
}

/* 1: the job is over; 0: a signal, which is f->signal. */
static int serve(struct forward *f, struct uc_error *err)
{
	f->begun = uc_monotonic_ms();
	for (;;) {
		struct pollfd on[DOORS_MAX + 2];
		struct signalfd_siginfo info;
		uc_auto(buf) struct uc_buf why = { 0 };
		int rc;

		on[0] = (struct pollfd){ .fd = f->signals, .events = POLLIN };
		on[1] = (struct pollfd){ .fd = f->child.errors, .events = POLLIN };
		for (size_t i = 0; i < f->doors; i++)
			on[2 + i] =
				(struct pollfd){ .fd = f->door[i].fd, .events = POLLIN };
		rc = uc_tunnel_step(f->tunnel, on, 2 + f->doors, left_to_come_up(f), err);
		if (rc < 0)
			return -1;
		if (on[1].revents)
			relay_errors(f);
		if (rc > 0)
			return 1;
		if (on[0].revents && read(f->signals, &info, sizeof(info)) > 0) {
			f->signal = (int)info.ssi_signo;
			return 0;
		}
		for (size_t i = 0; i < f->doors; i++)
			if (on[2 + i].revents)
				take_guest(f, &f->door[i]);
		if (!f->told && uc_tunnel_is_up(f->tunnel)) {
			f->told = true;
			tell(f);
		}
		if (left_to_come_up(f) == 0)
			return uc_fail(err, UC_UNREACHABLE,
				       "the step on the node did not answer within %d s",
				       UP_MS / 1000);
		uc_tunnel_complaint(f->tunnel, &why);
		if (why.len > 0)
			uc_run_say(f->u->run, 0, "%s", uc_buf_text(&why));
	}
}

static int start(struct forward *f, struct uc_error *err)
{
	struct uattach_place place = { 0 };
	uc_auto(strv) struct uc_strv argv = { 0 };
	char host[256] = "";
	sigset_t set;
	int rc = uattach_place(f->u, &place, err);

	if (rc == 0) {
		uattach_srun(f->u, &place, &argv);
		uc_strv_add(&argv, "--chdir=/");
		rc = uattach_helper(f->u, &place, &argv, err);
	}
	uattach_place_free(&place);
	if (rc < 0)
		return -1;
	gethostname(host, sizeof(host) - 1);
	uc_strv_add(&argv, "forward");
	uc_strv_add(&argv, host);
	for (size_t i = 0; i < f->doors; i++)
		if (f->door[i].local)
			uc_strv_addf(&argv, "%u", f->door[i].local);
	uc_signals_ending(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
	f->signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (f->signals < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "signalfd");
	if (uattach_spawn(f->u->run, &argv, &f->child, err) < 0)
		return -1;
	f->tunnel = uc_tunnel_new(f->child.from, f->child.to, NULL, NULL);
	return f->tunnel ? 0 : uc_fail(err, UC_FAILED, "out of memory");
}

int uattach_forward(struct uattach *u, struct uc_error *err)
{
	struct forward f = { .u = u,
			     .child = { .to = -1, .from = -1, .errors = -1 },
			     .signals = -1 };
	int rc = open_doors(&f, err), status;

	signal(SIGPIPE, SIG_IGN);
	if (rc == 0)
		rc = start(&f, err);
	if (rc == 0)
		rc = serve(&f, err);
	uc_tunnel_free(f.tunnel);
	status = f.child.pid ? uattach_child_end(&f.child, 2000) : 0;
	for (size_t i = 0; i < f.doors; i++)
		close_door(&f.door[i]);
	if (f.signals >= 0)
		close(f.signals);
	if (rc < 0)
		return -1;
	if (rc > 0 && !f.told)
		return uc_fail(err, UC_UNREACHABLE, "the step on the node ended with %d",
			       status);
	if (rc > 0)
		uc_run_say(u->run, 0, "the job is over");
	u->run->status = rc > 0 ? 0 : 128 + f.signal;
	err->text[0] = '\0';
	return rc > 0 ? 0 : -1;
}
