/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * keyprobe [OPTIONS] COMMAND...: runs a command on a terminal of its own, types, and says
 * how long it took until the screen showed something else; what the machine alone takes
 * is measured in between by a process that only sends back what it gets.
 *
 *	-r ROWS -c COLUMNS   of the terminal (24, 80)
 *	-w TEXT              begin when the screen has this text, after at most 120 s
 *	-s ROWS              at the top, do not count as a reaction (2)
 *	-k KEYS              typed in turn ("jk"); with commas: sequences between them
 *	-e MS                from one key to the next (50)
 *	-t SECONDS           so long (10); SIGTERM ends it, too
 *	-i SECONDS           before, type nothing: CPU time and bytes meanwhile
 *	-m PID               CPU time of this process meanwhile, too
 *	-p FILE              write the command's process id
 *	-o FILE              write the screen there before the end, and when SIGUSR1 comes
 *	-x q|TERM|HUP|...    how it is ended at last: a key, or a signal (q)
 *
 * Milliseconds; "slow": above 50 while the machine alone took less than 10 just before
 * and just after.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>
#include <vterm.h>
#include "proc.h"

enum {
	SAMPLES = 200000,
	LOST_MS = 10000,
	SLOW_MS = 50,
	QUIET_MS = 10,
};

struct samples {
	double ms[SAMPLES];
	size_t count, slow, lost;
};

struct probe {
	int rows, columns, skip;
	const char *keys, *wait, *pid_file, *screen_file, *end;
	int each_ms, seconds, idle;
	pid_t other;

	pid_t pid, echo;
	int fd, slave, echo_fd;
	VTerm *vt;
	VTermScreen *screen;
	bool touched, alternate, hidden;
	uint64_t bytes;
	struct termios before;
	struct samples key, alone;
	double last_alone;
	struct proc_tree tree;
};

static volatile sig_atomic_t ended, wanted;

static void end_it(int number)
{
	(void)number;
	ended = 1;
}

static void want_screen(int number)
{
	(void)number;
	wanted = 1;
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void die(const char *what)
{
	fprintf(stderr, "keyprobe: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* --- the screen --- */

static int on_damage(VTermRect rect, void *arg)
{
	struct probe *p = arg;

	p->touched |= rect.end_row > p->skip;
	return 1;
}

static int on_property(VTermProp prop, VTermValue *value, void *arg)
{
	struct probe *p = arg;

	if (prop == VTERM_PROP_ALTSCREEN)
		p->alternate = value->boolean;
	if (prop == VTERM_PROP_CURSORVISIBLE)
		p->hidden = !value->boolean;
	return 1;
}

static const VTermScreenCallbacks callbacks = { .damage = on_damage,
						.settermprop = on_property };

static void make_screen(struct probe *p)
{
	p->vt = vterm_new(p->rows, p->columns);
	vterm_set_utf8(p->vt, 1);
	p->screen = vterm_obtain_screen(p->vt);
	vterm_screen_set_callbacks(p->screen, &callbacks, p);
	vterm_screen_enable_altscreen(p->screen, 1);
	vterm_screen_reset(p->screen, 1);
}

/* Its row as text, blanks at its end left out; longer ones are cut. */
static void row_text(struct probe *p, int row, char *out, size_t room)
{
	const VTermRect rect = { row, row + 1, 0, p->columns };
	size_t len = vterm_screen_get_text(p->screen, out, room - 1, rect);

	len = len > room - 1 ? room - 1 : len;
	while (len && out[len - 1] == ' ')
		len--;
	out[len] = '\0';
}

static bool has_text(struct probe *p, const char *text)
{
	for (int row = 0; row < p->rows; row++) {
		char line[8192];

		row_text(p, row, line, sizeof(line));
		if (strstr(line, text))
			return true;
	}
	return false;
}

static void print_screen(struct probe *p, FILE *file)
{
	for (int row = 0; row < p->rows; row++) {
		char line[8192];

		row_text(p, row, line, sizeof(line));
		fprintf(file, "%s\n", line);
	}
}

/* Complete under its name, or not at all. */
static void write_screen(struct probe *p)
{
	char name[4096];
	FILE *file;

	wanted = 0;
	if (!p->screen_file)
		return;
	snprintf(name, sizeof(name), "%s.new", p->screen_file);
	file = fopen(name, "w");
	if (!file)
		die(name);
	print_screen(p, file);
	if (fclose(file) != 0 || rename(name, p->screen_file) < 0)
		die(name);
}

/* What is there within `ms`; the time when it was is in *at. False: nothing. */
static bool take_output(struct probe *p, double ms, double *at)
{
	char bytes[65536];
	struct pollfd on = { p->fd, POLLIN, 0 };
	ssize_t n;

	if (wanted)
		write_screen(p);
	if (poll(&on, 1, ms < 0 ? 0 : (int)ms + (ms > (int)ms)) <= 0)
		return false;
	n = read(p->fd, bytes, sizeof(bytes));
	*at = now_ms();
	if (n <= 0) {
		ended = 1;
		return false;
	}
	p->bytes += (uint64_t)n;
	vterm_input_write(p->vt, bytes, (size_t)n);
	return true;
}

static void take_until(struct probe *p, double until)
{
	double at;

	while (now_ms() < until && !ended)
		take_output(p, until - now_ms(), &at);
}

/* --- one key --- */

static void note(struct samples *s, double ms)
{
	if (s->count < SAMPLES)
		s->ms[s->count++] = ms;
}

/* The `i`th of the keys: its bytes. */
static size_t key_at(const struct probe *p, size_t i, const char **key)
{
	const bool several = strchr(p->keys, ',');
	size_t count = 1;

	*key = p->keys;
	if (!several) {
		*key += i % strlen(p->keys);
		return 1;
	}
	for (const char *c = p->keys; *c; c++)
		count += *c == ',';
	for (i %= count; i > 0; i--)
		*key = strchr(*key, ',') + 1;
	return strcspn(*key, ",");
}

static double touch(struct probe *p, size_t i)
{
	const double start = now_ms();
	const char *key;
	const size_t len = key_at(p, i, &key);
	double at = start;

	p->touched = false;
	if (write(p->fd, key, len) != (ssize_t)len)
		return -1;
	while (!p->touched && !ended) {
		if (now_ms() - start > LOST_MS) {
			p->key.lost++;
			return LOST_MS;
		}
		take_output(p, 100, &at);
	}
	return ended ? -1 : at - start;
}

static double alone(struct probe *p)
{
	const double start = now_ms();
	struct pollfd on = { p->echo_fd, POLLIN, 0 };
	char byte = 'x';

	if (write(p->echo_fd, &byte, 1) != 1 || poll(&on, 1, LOST_MS) <= 0 ||
	    read(p->echo_fd, &byte, 1) != 1)
		return LOST_MS;
	return now_ms() - start;
}

static void type_keys(struct probe *p)
{
	const double end = now_ms() + 1e3 * p->seconds;
	double look = 0;

	for (size_t i = 0; now_ms() < end && !ended; i++) {
		const double begun = now_ms(), before = p->last_alone;
		const double ms = touch(p, i);

		p->last_alone = alone(p);
		note(&p->alone, p->last_alone);
		p->alone.slow += p->last_alone > SLOW_MS;
		if (ms < 0)
			break;
		note(&p->key, ms);
		p->key.slow +=
			ms > SLOW_MS && before < QUIET_MS && p->last_alone < QUIET_MS;
		if (now_ms() > look) {
			proc_look(&p->tree, p->pid);
			look = now_ms() + 1000;
		}
		/* not in step with what the command does by a clock */
		take_until(p, begun + p->each_ms + (double)(i * 7919 % 17));
	}
}

/* --- figures --- */

static int by_size(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print_samples(const char *name, struct samples *s)
{
	const size_t n = s->count;

	if (!n)
		return;
	qsort(s->ms, n, sizeof(s->ms[0]), by_size);
	printf("%s %zu p50 %.2f p90 %.2f p99 %.2f p999 %.2f max %.2f slow %zu lost %zu\n",
	       name, n, s->ms[n / 2], s->ms[n * 9 / 10], s->ms[n * 99 / 100],
	       s->ms[n * 999 / 1000], s->ms[n - 1], s->slow, s->lost);
}

static void wait_idle(struct probe *p)
{
	const double start = now_ms(), cpu = proc_cpu(p->pid);
	const double other = p->other ? proc_cpu(p->other) : 0;
	const uint64_t bytes = p->bytes;
	double took;

	take_until(p, start + 1e3 * p->idle);
	took = (now_ms() - start) / 1e3;
	printf("idle %.1f s cpu %.3f %% bytes %ju other %.3f s\n", took,
	       100 * (proc_cpu(p->pid) - cpu) / took, (uintmax_t)(p->bytes - bytes),
	       p->other ? proc_cpu(p->other) - other : 0);
}

/* --- begin and end --- */

static void start_echo(struct probe *p)
{
	struct termios raw;
	char byte;

	p->echo = forkpty(&p->echo_fd, NULL, NULL, NULL);
	if (p->echo < 0)
		die("forkpty");
	if (p->echo)
		goto parent;
	tcgetattr(0, &raw);
	cfmakeraw(&raw);
	tcsetattr(0, TCSANOW, &raw);
	if (write(1, "r", 1) != 1)
		_exit(1);
	while (read(0, &byte, 1) == 1)
		if (write(1, &byte, 1) != 1)
			break;
	_exit(0);
parent:
	if (read(p->echo_fd, &byte, 1) != 1)
		die("echo");
}

static void start_command(struct probe *p, char **argv)
{
	const struct winsize size = { .ws_row = (unsigned short)p->rows,
				      .ws_col = (unsigned short)p->columns };
	char name[64];

	if (openpty(&p->fd, &p->slave, name, NULL, &size) < 0)
		die("openpty");
	tcgetattr(p->slave, &p->before);
	fcntl(p->fd, F_SETFD, FD_CLOEXEC);
	p->pid = fork();
	if (p->pid < 0)
		die("fork");
	if (p->pid == 0) {
		login_tty(p->slave);
		setenv("TERM", "xterm-256color", 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	fcntl(p->slave, F_SETFD, FD_CLOEXEC);
	if (p->pid_file) {
		FILE *file = fopen(p->pid_file, "w");

		if (!file)
			die(p->pid_file);
		fprintf(file, "%d\n", (int)p->pid);
		fclose(file);
	}
}

static int number_of(const char *name)
{
	static const struct {
		const char *name;
		int number;
	} names[] = { { "TERM", SIGTERM }, { "HUP", SIGHUP },   { "INT", SIGINT },
		      { "SEGV", SIGSEGV }, { "ABRT", SIGABRT }, { "KILL", SIGKILL } };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].name, name) == 0)
			return names[i].number;
	return 0;
}

static bool is_restored(const struct probe *p)
{
	struct termios after;

	return tcgetattr(p->slave, &after) == 0 && after.c_lflag == p->before.c_lflag &&
	       after.c_iflag == p->before.c_iflag && after.c_oflag == p->before.c_oflag;
}

static int end_command(struct probe *p)
{
	const double until = now_ms() + 30000;
	int status = -1;
	double at;

	ended = 0;
	if (number_of(p->end))
		kill(p->pid, number_of(p->end));
	else if (write(p->fd, p->end, 1) != 1)
		die("q");
	while (waitpid(p->pid, &status, WNOHANG) == 0 && now_ms() < until)
		take_output(p, 20, &at);
	while (take_output(p, 50, &at))
		;
	printf("end %s %d modes %s screen %s cursor %s\n",
	       WIFSIGNALED(status) ? "signal" : "status",
	       WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
	       is_restored(p) ? "restored" : "LEFT", p->alternate ? "LEFT" : "restored",
	       p->hidden ? "HIDDEN" : "visible");
	return is_restored(p) && !p->alternate && !p->hidden;
}

static int read_options(struct probe *p, int argc, char **argv)
{
	int option;

	while ((option = getopt(argc, argv, "+r:c:w:s:k:e:t:i:m:p:o:x:")) > 0) {
		const int number = optarg ? atoi(optarg) : 0;

		switch (option) {
		case 'r':
			p->rows = number;
			break;
		case 'c':
			p->columns = number;
			break;
		case 'w':
			p->wait = optarg;
			break;
		case 's':
			p->skip = number;
			break;
		case 'k':
			p->keys = optarg;
			break;
		case 'e':
			p->each_ms = number;
			break;
		case 't':
			p->seconds = number;
			break;
		case 'i':
			p->idle = number;
			break;
		case 'm':
			p->other = number;
			break;
		case 'p':
			p->pid_file = optarg;
			break;
		case 'o':
			p->screen_file = optarg;
			break;
		case 'x':
			p->end = optarg;
			break;
		default:
			return -1;
		}
	}
	return argc - optind;
}

int main(int argc, char **argv)
{
	static struct probe p = { .rows = 24,
				  .columns = 80,
				  .skip = 2,
				  .keys = "jk",
				  .each_ms = 50,
				  .seconds = 10,
				  .end = "q" };
	double until;
	int ok;

	if (read_options(&p, argc, argv) < 1)
		return 2;
	signal(SIGTERM, end_it);
	signal(SIGINT, end_it);
	signal(SIGUSR1, want_screen);
	signal(SIGPIPE, SIG_IGN);
	make_screen(&p);
	start_echo(&p);
	start_command(&p, argv + optind);
	until = now_ms() + 120000;
	while (p.wait && !ended && now_ms() < until && !has_text(&p, p.wait))
		take_until(&p, now_ms() + 20);
	if (p.wait && !has_text(&p, p.wait)) {
		fprintf(stderr, "keyprobe: the screen never showed '%s'\n", p.wait);
		print_screen(&p, stderr);
		kill(p.pid, SIGKILL);
		return 1;
	}
	take_until(&p, now_ms() + 500);
	if (p.idle)
		wait_idle(&p);
	p.last_alone = alone(&p);
	type_keys(&p);
	take_until(&p, now_ms() + 200);
	write_screen(&p);
	print_samples("keys", &p.key);
	print_samples("alone", &p.alone);
	proc_print(&p.tree);
	ok = end_command(&p);
	kill(p.echo, SIGKILL);
	waitpid(p.echo, NULL, 0);
	return ok ? 0 : 1;
}
