/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* --watch: the listing on a screen of its own, asked for again and again. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>
#include "uqueue/watch.h"

/* A key asks again at once, but never more often. */
#define LEAST_MS 2000
/* slurmctld is asked for no more than a tenth of the time. */
#define SHARE 10
/* The age in the head is of the second. */
#define TICK_MS 1000

enum {
	KEYS,
	SIGNALS,
	ANSWER,
	EVENTS
};

int64_t watch_clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* --- asking --- */

/* In the asking thread; `wants` is its until the answer is taken. */
static int load(struct uc_source *src, void *arg, struct uc_jobs **out,
		struct uc_error *err)
{
	const struct watch *w = arg;

	return uqueue_load(src, &w->list.filter, &w->wants, out, err);
}

static void ask(struct watch *w, struct uc_asker *asker)
{
	w->wants = w->list.wants;
	w->wants.since = w->now.jobs ? w->now.jobs->updated : 0;
	w->wants.max_age_ms = w->max_age_ms;
	uc_asker_do(asker, load, w);
}

/* For a key: soon, but not sooner than anybody may. */
static void hurry(struct watch *w)
{
	const int64_t least = 2 * w->asked.took_ms;
	const int64_t now = watch_clock_ms();
	int64_t next;

	w->max_age_ms = least > LEAST_MS ? least : LEAST_MS;
	next = w->asked.at_ms + w->max_age_ms;
	if (next < w->next_ms)
		w->next_ms = next > now ? next : now;
}

/* After a failure not at once again: it may have taken as long as it is allowed to. */
static void plan(struct watch *w, int64_t took_ms)
{
	const int64_t least = SHARE * w->asked.took_ms, now = watch_clock_ms();

	w->pause_ms = least > w->interval_ms ? least : w->interval_ms;
	w->max_age_ms = w->pause_ms;
	if (w->err.text[0])
		w->next_ms = now + (took_ms > w->interval_ms ? took_ms : w->interval_ms);
	else
		w->next_ms = w->asked.at_ms + w->pause_ms;
	/* a clock that was set back, or an answer of the past */
	if (w->next_ms > now + w->pause_ms + took_ms || w->next_ms < now)
		w->next_ms = now + w->interval_ms;
}

static int take(struct watch *w, struct uc_asker *asker, struct uc_error *err)
{
	struct uc_answer answer = { 0 };

	if (!uc_asker_take(asker, &answer))
		return 0;
	w->err = answer.error;
	if (!w->err.text[0])
		w->asked = answer.asked;
	plan(w, answer.took);
	if (w->err.text[0])
		return 0;
	return watch_rows_take(w, answer.jobs, err);
}

/* --- keys --- */

static void scroll(struct watch *w, int64_t by)
{
	const int64_t most = (int64_t)w->now.rows.count;
	int64_t top = (int64_t)w->top + by;

	top = top > most ? most : top;
	w->top = top < 0 ? 0 : (size_t)top;
}

enum key {
	KEY_NONE,
	KEY_QUIT,
	KEY_ASK,
	KEY_UP,
	KEY_DOWN,
	KEY_PAGE_UP,
	KEY_PAGE_DOWN,
	KEY_FIRST,
	KEY_LAST,
};

static const struct {
	const char *bytes;
	enum key key;
} keys[] = {
	{ "q", KEY_QUIT },
	{ "Q", KEY_QUIT },
	{ " ", KEY_ASK },
	{ "r", KEY_ASK },
	{ "k", KEY_UP },
	{ "\033[A", KEY_UP },
	{ "\033OA", KEY_UP },
	{ "j", KEY_DOWN },
	{ "\033[B", KEY_DOWN },
	{ "\033OB", KEY_DOWN },
	{ "\033[5~", KEY_PAGE_UP },
	{ "b", KEY_PAGE_UP },
	{ "\033[6~", KEY_PAGE_DOWN },
	{ "f", KEY_PAGE_DOWN },
	{ "g", KEY_FIRST },
	{ "\033[H", KEY_FIRST },
	{ "\033[1~", KEY_FIRST },
	{ "\033OH", KEY_FIRST },
	{ "G", KEY_LAST },
	{ "\033[F", KEY_LAST },
	{ "\033[4~", KEY_LAST },
	{ "\033OF", KEY_LAST },
};

/* The key at *p, behind which *p is then. */
static enum key next_key(const char **p)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const size_t len = strlen(keys[i].bytes);

		if (strncmp(*p, keys[i].bytes, len) != 0)
			continue;
		*p += len;
		return keys[i].key;
	}
	++*p;
	return KEY_NONE;
}

/* False: it is over. */
static bool read_keys(struct watch *w, int fd)
{
	const int64_t page = (int64_t)watch_screen_rows(w) - 1;
	char bytes[64];
	ssize_t n = read(fd, bytes, sizeof(bytes) - 1);

	if (n <= 0)
		return n < 0 && errno == EINTR;
	bytes[n] = '\0';
	for (const char *p = bytes; *p;) {
		const enum key key = next_key(&p);

		if (key == KEY_QUIT)
			return false;
		if (key == KEY_ASK)
			hurry(w);
		scroll(w, key == KEY_UP          ? -1
			  : key == KEY_DOWN      ? 1
			  : key == KEY_PAGE_UP   ? -page
			  : key == KEY_PAGE_DOWN ? page
			  : key == KEY_FIRST     ? -(int64_t)w->top
			  : key == KEY_LAST      ? (int64_t)w->now.rows.count
						 : 0);
	}
	return true;
}

/* --- signals --- */

static int stop_for_a_while(struct watch *w, struct uc_error *err)
{
	w->stops = false;
	watch_screen_end(w);
	raise(SIGSTOP);
	return watch_screen_begin(w, err);
}

/* False: it is over, and run->status says how. */
static bool take_signal(struct watch *w, int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return true;
	if (info.ssi_signo == SIGWINCH) {
		watch_screen_measure(w);
		return true;
	}
	if (info.ssi_signo == SIGTSTP) {
		w->stops = true;
		return true;
	}
	w->run->status = 128 + (int)info.ssi_signo;
	return false;
}

/* Blocked before the asking thread starts, which inherits that. */
static int open_signals(void)
{
	static const int numbers[] = {
		SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGWINCH
	};
	struct sigaction action;
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (sigaction(numbers[i], NULL, &action) == 0 &&
		    (action.sa_handler != SIG_IGN || numbers[i] == SIGWINCH))
			sigaddset(&set, numbers[i]);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -1;
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* --- the loop --- */

/* Until the next second of the age, or the next question. */
static int wait_ms(const struct watch *w, const struct uc_asker *asker)
{
	const int64_t now = watch_clock_ms();
	int64_t left = TICK_MS - (now - w->asked.at_ms) % TICK_MS;

	if (!uc_asker_is_busy(asker) && w->next_ms - now < left)
		left = w->next_ms - now;
	return left < 0 ? 0 : left > TICK_MS ? TICK_MS : (int)left;
}

static int loop(struct watch *w, struct uc_asker *asker, struct pollfd *on,
		struct uc_error *err)
{
	for (;;) {
		/* not in the middle of a question, whose answer others may wait for */
		if (w->stops && !uc_asker_is_busy(asker) && stop_for_a_while(w, err) < 0)
			return -1;
		if (!uc_asker_is_busy(asker) && watch_clock_ms() >= w->next_ms)
			ask(w, asker);
		watch_screen_draw(w);
		if (ferror(stdout))
			return 0;
		if (poll(on, EVENTS, wait_ms(w, asker)) < 0)
			continue;
		if (on[SIGNALS].revents && !take_signal(w, on[SIGNALS].fd))
			return 0;
		if (on[KEYS].revents && !read_keys(w, on[KEYS].fd))
			return 0;
		if (on[ANSWER].revents && take(w, asker, err) < 0)
			return -1;
	}
}

/* --- start and end --- */

static int check(const struct uc_run *run, struct uc_error *err)
{
	const char *term = uc_run_env(run, "TERM");

	if (run->stdout_tty && term && strcmp(term, "dumb") != 0)
		return 0;
	if (run->stdout_tty)
		uc_fail(err, UC_USAGE,
			"option '--watch' needs a terminal that can be redrawn, and TERM "
			"is '%s'",
			term ? term : "");
	else
		uc_fail(err, UC_USAGE,
			"option '--watch' redraws a terminal, and standard output is "
			"none");
	return uc_hint(err, "'--iterate=SECONDS' prints the list again and again");
}

static int watch(struct watch *w, const struct uqueue_args *args, struct uc_asker *asker,
		 int signals, struct uc_error *err)
{
	struct pollfd on[EVENTS] = {
		[KEYS] = { w->run->stdin_tty ? STDIN_FILENO : -1, POLLIN, 0 },
		[SIGNALS] = { signals, POLLIN, 0 },
		[ANSWER] = { uc_asker_fd(asker), POLLIN, 0 },
	};
	int rc;

	if (uqueue_listing_make(args, uc_asker_source(asker), &w->list, err) < 0 ||
	    uc_run_share(w->run, uc_asker_source(asker), "slurm", err) < 0 ||
	    watch_screen_begin(w, err) < 0)
		return -1;
	rc = loop(w, asker, on, err);
	watch_screen_end(w);
	return rc;
}

int uqueue_watch(struct uc_run *run, const struct uqueue_args *args)
{
	struct watch w = { .run = run,
			   .interval_ms = 1000 * args->watch,
			   .pause_ms = 1000 * args->watch,
			   .max_age_ms = 1000 * args->watch };
	struct uc_error err = { 0 };
	struct uc_asker *asker;
	int signals;

	if (check(run, &err) < 0)
		return uc_run_error(run, &err);
	if (uqueue_listing_select(run, args, &w.list) < 0 || uc_run_config(run, NULL) < 0)
		return run->status;
	signals = open_signals();
	asker = uc_asker_new(run);
	if (!asker)
		return run->status;
	run->status = 0;
	if (watch(&w, args, asker, signals, &err) < 0)
		uc_run_error(run, &err);
	if (!uc_asker_free(asker)) {
		/* the thread still uses all this */
		fflush(stdout);
		_exit(run->status);
	}
	close(signals);
	watch_rows_free(&w.now);
	watch_rows_free(&w.before);
	uqueue_context_free(&w.context);
	uqueue_listing_free(&w.list);
	return run->status;
}
