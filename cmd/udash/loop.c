/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Waiting: for keys, signals, answers; then a frame. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/units.h>
#include "udash/dash.h"

/* slurmctld is asked no more than a tenth of the time, and by a key not more often. */
enum {
	LEAST_MS = 2000,
	SHARE = 10,
	TICK_MS = 1000, /* ages in the header are of the second */
};

enum {
	KEYS,
	SIGNALS,
	ANSWER,
	PANE,
	EVENTS
};

const struct dash_pane *const dash_panes[DASH_VIEWS] = {
	[DASH_JOBS] = &dash_pane_jobs,     [DASH_GPUS] = &dash_pane_gpus,
	[DASH_OUTPUT] = &dash_pane_output, [DASH_DISK] = &dash_pane_disk,
	[DASH_NODES] = &dash_pane_nodes,
};

/* --- data --- */

static void add_use(struct dash *d, uint64_t used)
{
	if (d->used_count == DASH_HISTORY) {
		memmove(d->used, d->used + 1, sizeof(d->used) - sizeof(d->used[0]));
		d->used_count--;
	}
	d->used[d->used_count++] = used;
}

/* One a minute; when nothing was asked for a while it was as it had been. */
static void note_use(struct dash *d)
{
	const int64_t minute = uc_monotonic_ms() / 60000;
	int64_t missed = d->used_count ? minute - d->used_minute - 1 : 0;

	if (d->used_count && d->used_minute == minute)
		d->used_count--;
	for (; missed > 0 && d->used_count; missed--) {
		if (missed > DASH_HISTORY)
			missed = DASH_HISTORY;
		add_use(d, d->used[d->used_count - 1]);
	}
	d->used_minute = minute;
	add_use(d, d->sums.used);
}

void dash_freshen(struct dash *d)
{
	const struct dash_pane *pane = dash_panes[d->view];

	if (!(d->stale & 1u << d->view))
		return;
	d->stale &= ~(1u << d->view);
	if (pane->take && d->pane[d->view])
		pane->take(d);
}

void dash_again(struct dash *d)
{
	d->stale = ~0u;
	dash_freshen(d);
}

/* All that panes borrow from. */
static bool is_same(const struct dash_parts *a, const struct dash_data *b)
{
	return a->jobs == b->jobs && a->index == b->index && a->nodes == b->nodes &&
	       a->partitions == b->partitions && a->map == b->map &&
	       a->everybody == b->everybody;
}

void dash_take(struct dash *d, const struct dash_data *data)
{
	const bool same = d->data && is_same(&d->parts, data);

	d->data = data;
	d->parts = (struct dash_parts){ data->jobs,       data->index, data->nodes,
					data->partitions, data->map,   data->everybody };
	d->err = (struct uc_error){ 0 };
	if (!same) {
		d->taken++;
		dash_sum(d);
	}
	note_use(d);
	dash_note_took(d, data->took_ms);
	if (!same)
		dash_again(d);
}

void dash_hurry(struct dash *d)
{
	const int64_t now = uc_monotonic_ms();
	int64_t least = d->data ? 2 * d->data->took_ms : 0, next;

	least = least > LEAST_MS ? least : LEAST_MS;
	next = d->data ? d->data->at_ms + least : now;
	if (next < d->next_ms)
		d->next_ms = next > now ? next : now;
	d->fresh = true;
}

/* After an answer: not sooner than a slow slurmctld can bear. */
static void plan(struct dash *d)
{
	int64_t pause = d->options.interval_ms;

	if (d->data && SHARE * d->data->took_ms > pause)
		pause = SHARE * d->data->took_ms;
	d->next_ms = uc_monotonic_ms() + pause;
	d->fresh = d->hurried = false;
}

/* True: something is to be drawn. */
static bool take_answer(struct dash *d)
{
	const struct dash_data *data = NULL;
	struct uc_error err = { 0 };
	int rc;

	if (d->doing && dash_fetch_did(d->fetch)) {
		dash_acted(d);
		return true;
	}
	rc = dash_fetch_take(d->fetch, &data, &err);
	if (rc == 0)
		return false;
	if (rc < 0)
		d->err = err;
	else
		dash_take(d, data);
	dash_fetch_taken(d->fetch);
	plan(d);
	return true;
}

bool dash_is_unwatched(const struct dash *d)
{
	const pid_t group = d->run->stdin_tty ? tcgetpgrp(STDIN_FILENO) : -1;

	if (group > 0 && group != getpgrp())
		return true;
	return d->options.idle_ms && uc_monotonic_ms() - d->typed_ms > d->options.idle_ms;
}

/* One's own jobs cost slurmctld little; how many GPUs are free is told by the nodes. */
static bool needs_everybody(const struct dash *d)
{
	return d->everybody || d->view == DASH_GPUS;
}

static void ask(struct dash *d)
{
	if (d->data && !d->data->everybody && needs_everybody(d) && !d->hurried) {
		d->hurried = true;
		dash_hurry(d);
	}
	if (dash_fetch_is_busy(d->fetch))
		return;
	if (d->doing) {
		dash_fetch_do(d->fetch, d->deeds, d->deed_count);
		return;
	}
	if (uc_monotonic_ms() < d->next_ms || d->paused || dash_is_unwatched(d))
		return;
	dash_fetch_ask(d->fetch,
		       &(struct dash_question){ .everybody = needs_everybody(d),
						.fresh = d->fresh,
						.max_age_ms = d->options.interval_ms });
}

/* --- other programs --- */

/* Ctrl-C was meant for the other program. */
static void forget_interrupts(void)
{
	const struct timespec now = { 0 };
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGQUIT);
	sigaddset(&set, SIGTSTP);
	while (sigtimedwait(&set, NULL, &now) > 0)
		;
}

/* What it leaves of the terminal is drawn over. */
void dash_run_command(struct dash *d, const char *const *words)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	posix_spawnattr_t how;
	sigset_t none;
	pid_t pid;
	int status = 0, rc;

	uc_buf_addf(&path, "%s/%s", d->run->bin_dir, words[0]);
	sigemptyset(&none);
	posix_spawnattr_init(&how);
	posix_spawnattr_setsigmask(&how, &none);
	posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK);
	dash_term_leave();
	rc = posix_spawn(&pid, uc_buf_text(&path), NULL, &how, (char *const *)words,
			 (char *const *)d->run->environment);
	posix_spawnattr_destroy(&how);
	while (rc == 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	forget_interrupts();
	dash_term_return();
	if (rc != 0)
		dash_say(d, "%s: %s", words[0], strerror(rc));
	else if (WIFEXITED(status) && WEXITSTATUS(status))
		dash_say(d, "%s ended with %d", words[0], WEXITSTATUS(status));
	dash_hurry(d);
}

/* --- signals --- */

static void stop_for_a_while(void)
{
	dash_term_leave();
	raise(SIGSTOP);
	dash_term_return();
}

static bool take_signal(struct dash *d, int fd)
{
	struct signalfd_siginfo info;

	if (read(fd, &info, sizeof(info)) != sizeof(info))
		return true;
	if (info.ssi_signo == SIGTSTP) {
		stop_for_a_while();
		return true;
	}
	if (info.ssi_signo == SIGCONT) {
		dash_term_redraw();
		return true;
	}
	if (info.ssi_signo == SIGCHLD) {
		dash_fetch_taken(d->fetch); /* the worker is gone */
		return true;
	}
	d->run->status = 128 + (int)info.ssi_signo;
	return false;
}

/* --- the loop --- */

static bool measure(struct dash *d)
{
	int rows, columns;

	dash_term_size(&rows, &columns);
	if (rows == d->grid.rows && columns == d->grid.columns)
		return true;
	return dash_grid_size(&d->grid, rows, columns) == 0;
}

static void read_keys(struct dash *d)
{
	struct dash_event event;

	while (!d->quit && dash_term_read(&event)) {
		if (event.key == DASH_CTRL('z'))
			stop_for_a_while();
		else if (event.key != DASH_KEY_RESIZE)
			dash_key(d, &event);
		if (d->doing)
			return; /* what was typed after a yes waits for its end */
		if (d->box.open && d->box.key && !d->box.seen)
			return; /* an answer before the question is none */
	}
}

static int wait_ms(const struct dash *d)
{
	const struct dash_pane *pane = dash_panes[d->view];
	const int64_t now = uc_monotonic_ms();
	int64_t left = TICK_MS;
	int own;

	if (d->data)
		left = TICK_MS - (now - d->data->at_ms) % TICK_MS;
	if (!dash_fetch_is_busy(d->fetch) && !d->paused && d->next_ms - now < left)
		left = d->next_ms - now;
	own = pane->wait_ms ? pane->wait_ms((struct dash *)d) : -1;
	if (own >= 0 && own < left)
		left = own;
	return left < 0 ? 0 : left > TICK_MS ? TICK_MS : (int)left;
}

int dash_loop(struct dash *d, int signals, struct uc_error *err)
{
	struct pollfd on[EVENTS] = {
		[KEYS] = { STDIN_FILENO, POLLIN, 0 },
		[SIGNALS] = { signals, POLLIN, 0 },
		[ANSWER] = { dash_fetch_fd(d->fetch), POLLIN, 0 },
	};

	while (!d->quit) {
		const struct dash_pane *pane = dash_panes[d->view];

		ask(d);
		if (!measure(d))
			return uc_fail(err, UC_FAILED, "out of memory");
		dash_draw(d);
		dash_term_show(&d->grid);
		if (d->box.open && d->box.key && !d->box.seen) {
			dash_term_flush();
			d->box.seen = true;
		}
		on[PANE].fd = pane->fd ? pane->fd(d) : -1;
		on[PANE].events = POLLIN;
		for (size_t i = 0; i < EVENTS; i++)
			on[i].revents = 0;
		if (poll(on, EVENTS, wait_ms(d)) < 0 && errno != EINTR)
			return uc_fail_errno(err, UC_FAILED, errno, "cannot wait");
		if (on[SIGNALS].revents && !take_signal(d, signals))
			return 0;
		if (on[KEYS].revents & (POLLHUP | POLLERR | POLLNVAL))
			return 0;
		if (pane->tick)
			pane->tick(d);
		read_keys(d);
		if (on[ANSWER].revents)
			take_answer(d);
	}
	return 0;
}

void dash_settle(struct dash *d)
{
	const struct dash_pane *pane = dash_panes[d->view];
	const int64_t until = uc_monotonic_ms() + 2000;

	while (pane->tick && uc_monotonic_ms() < until) {
		struct pollfd on = { pane->fd ? pane->fd(d) : -1, POLLIN, 0 };

		if (!pane->tick(d) && poll(&on, 1, 200) <= 0)
			return;
	}
}

/* --- begin and end --- */

int dash_open(struct dash *d, struct uc_run *run, struct uc_error *err)
{
	d->run = run;
	d->me = (uint32_t)getuid();
	d->grid.safe = run->safe;
	d->options.ascii = run->safe & UC_SAFE_ASCII;
	d->typed_ms = uc_monotonic_ms();
	for (int i = 0; i < DASH_VIEWS; i++)
		if (dash_panes[i]->open && dash_panes[i]->open(d) < 0)
			return uc_fail(err, UC_FAILED, "out of memory");
	return 0;
}

void dash_close(struct dash *d)
{
	for (int i = 0; i < DASH_VIEWS; i++)
		if (dash_panes[i]->close)
			dash_panes[i]->close(d);
	dash_box_close(d);
	dash_set_free(&d->marks);
	dash_grid_free(&d->grid);
	uc_buf_free(&d->filter);
	uc_buf_free(&d->search);
	uc_buf_free(&d->prompt.text);
	if (d->doing)
		return; /* they are the thread's */
	free(d->deeds);
	d->deeds = NULL;
}
