/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * What is done to jobs: always those that were listed in a box, by id, owner and submit
 * time. The library looks at them again before it acts.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "udash/dash.h"

/* More are not listed, and so not done to. */
enum {
	DEEDS_MAX = 500
};

static void drop_deeds(struct dash *d)
{
	if (d->doing)
		return;
	free(d->deeds);
	d->deeds = NULL;
	d->deed_count = 0;
}

/* What is proposed, to whatever it fits. */
struct proposal {
	struct uc_action action;
	const struct uc_change *change; /* of the time limit; NULL: none */
	const char *verb;
};

/* One's own; root may do it to everybody's. */
static bool may_act(const struct dash *d, const struct uc_job *job)
{
	return dash_is_mine(d, job) || d->me == 0;
}

static bool fits(const struct proposal *what, const struct uc_job *job)
{
	struct uc_error ignored = { 0 };
	int64_t limit;

	switch (what->action.kind) {
	case UC_ACTION_HOLD:
	case UC_ACTION_RELEASE:
		return uc_job_waits(job);
	case UC_ACTION_REQUEUE:
		return uc_job_holds(job);
	case UC_ACTION_CHANGE:
		return (uc_job_holds(job) || uc_job_waits(job)) &&
		       uc_change_limit(what->change, job, &limit, &ignored) == 0;
	default:
		return !uc_job_is_finished(job->state) || uc_job_holds(job);
	}
}

/* "100012  anna  train", and the new limit where there is one. */
static void list_deed(struct dash *d, const struct dash_deed *deed,
		      const struct uc_job *job)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	uc_buf_job_id(&text, job, UC_NONE32);
	uc_buf_add(&text, "  ");
	uc_buf_safe(&text, job->user, d->grid.safe);
	uc_buf_add(&text, "  ");
	uc_buf_safe(&text, job->name, d->grid.safe);
	if (deed->action.kind == UC_ACTION_CHANGE) {
		uc_buf_add(&text, ": ");
		if (deed->limit == UC_DURATION_INFINITE)
			uc_buf_add(&text, "no limit");
		else
			uc_duration_words(&text, deed->limit);
	}
	dash_box_addf(d, "%s", uc_buf_text(&text));
}

static void add_deed(struct dash *d, const struct proposal *what,
		     const struct uc_job *job)
{
	struct dash_deed *deed = &d->deeds[d->deed_count];
	uc_auto(buf) struct uc_buf id = { 0 };
	struct uc_error ignored = { 0 };

	/* the rest of an array by the array's id: its record is no task */
	if (job->array_job_id && !uc_raw_empty(job->array_tasks))
		uc_buf_addf(&id, "%u_[%.*s]", job->array_job_id,
			    (int)strcspn(job->array_tasks.bytes, "%"),
			    job->array_tasks.bytes);
	else
		uc_buf_job_id(&id, job, UC_NONE32);
	if (id.failed || id.len >= sizeof(deed->id))
		return;
	*deed = (struct dash_deed){ .action = what->action,
				    .job_id = job->job_id,
				    .user_id = job->user_id,
				    .submit_time = job->submit_time };
	deed->action.user_hold = dash_is_mine(d, job);
	if (what->change) {
		if (uc_change_limit(what->change, job, &deed->limit, &ignored) < 0)
			return;
		deed->change = *what->change;
		deed->change.value = "";
	}
	memcpy(deed->id, uc_buf_text(&id), id.len + 1);
	d->deed_count++;
	list_deed(d, deed, job);
}

/* Those that are marked, or the one at the cursor. */
static void list_deeds(struct dash *d, const struct proposal *what)
{
	const struct uc_jobs *jobs = d->data->jobs;
	const struct uc_job *at = NULL;

	if (!d->marks.count) {
		while ((at = dash_job_next(d, at)) && d->deed_count < DEEDS_MAX)
			if (may_act(d, at) && fits(what, at))
				add_deed(d, what, at);
		return;
	}
	for (size_t i = 0; i < jobs->count && d->deed_count < DEEDS_MAX; i++)
		if (dash_set_has(&d->marks, dash_job_id(&jobs->row[i])) &&
		    may_act(d, &jobs->row[i]) && fits(what, &jobs->row[i]))
			add_deed(d, what, &jobs->row[i]);
}

static bool answer(struct dash *d, int key)
{
	if (key == 'y' || key == 'Y') {
		d->doing = true; /* the loop hands them to the thread */
		dash_say(d, "asking slurmctld...");
	} else {
		drop_deeds(d);
		dash_say(d, "nothing was done");
	}
	return false;
}

/* List what it is done to, and ask: y does it, any other key does not. */
static void propose(struct dash *d, const struct proposal *what)
{
	char title[60];

	if (!d->data || d->doing)
		return;
	if (!d->data->live) {
		dash_say(d, "this is no live cluster: nothing can be done to its jobs");
		return;
	}
	drop_deeds(d);
	d->deeds = calloc(DEEDS_MAX, sizeof(*d->deeds));
	if (!d->deeds)
		return;
	dash_box_open(d, "");
	list_deeds(d, what);
	if (!d->deed_count) {
		dash_box_close(d);
		drop_deeds(d);
		dash_say(d, "no job of yours here that this can be done to");
		return;
	}
	snprintf(title, sizeof(title), "%s %zu job%s? y/N", what->verb, d->deed_count,
		 d->deed_count == 1 ? "" : "s");
	snprintf(d->box.title, sizeof(d->box.title), "%s", title);
	d->box.key = answer;
	/* what was typed before the question was seen is no answer */
	dash_term_flush();
}

static void propose_kind(struct dash *d, enum uc_action_kind kind, const char *verb)
{
	propose(d, &(struct proposal){ .action = { .kind = kind }, .verb = verb });
}

void dash_cancel(struct dash *d)
{
	propose_kind(d, UC_ACTION_CANCEL, "Cancel");
}

void dash_hold(struct dash *d)
{
	propose_kind(d, UC_ACTION_HOLD, "Hold");
}

void dash_release(struct dash *d)
{
	propose_kind(d, UC_ACTION_RELEASE, "Release");
}

void dash_requeue(struct dash *d)
{
	propose_kind(d, UC_ACTION_REQUEUE, "Requeue");
}

/* --- signals --- */

static const struct {
	int number;
	const char *help;
} signals[] = {
	{ SIGTERM, "TERM   asks it to end" },
	{ SIGINT, "INT    as Ctrl-C does" },
	{ SIGUSR1, "USR1   what the job makes of it" },
	{ SIGUSR2, "USR2   likewise" },
	{ SIGHUP, "HUP    likewise" },
	{ SIGSTOP, "STOP   it stands still" },
	{ SIGCONT, "CONT   it goes on" },
	{ SIGKILL, "KILL   ends it at once" },
};
#define SIGNALS (sizeof(signals) / sizeof(signals[0]))

static void send_signal(struct dash *d, int number)
{
	char verb[40];

	snprintf(verb, sizeof(verb), "Signal %d to", number);
	propose(d, &(struct proposal){
			   .action = { .kind = UC_ACTION_CANCEL, .signal = number },
			   .verb = verb });
}

static bool pick_signal(struct dash *d, int key)
{
	const size_t at = d->box.at;

	if (key != DASH_KEY_ENTER || at >= SIGNALS)
		return false;
	dash_box_close(d);
	send_signal(d, signals[at].number);
	return true; /* another box may be open by now */
}

void dash_signal(struct dash *d)
{
	if (!d->data || d->doing)
		return;
	dash_box_open(d, "Send which signal? Enter chooses, Esc goes back");
	d->box.picks = true;
	d->box.key = pick_signal;
	for (size_t i = 0; i < SIGNALS; i++)
		dash_box_addf(d, "%2d %s", signals[i].number, signals[i].help);
}

void dash_signal_named(struct dash *d, const char *name)
{
	struct uc_error err = { 0 };
	int number;

	if (uc_signal_parse(name, &number, &err) < 0)
		dash_say(d, "%s", err.text);
	else
		send_signal(d, number);
}

/* --- the time limit --- */

void dash_time_limit_to(struct dash *d, const char *value)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_change change;
	struct uc_error err = { 0 };

	uc_buf_addf(&text, "time=%s", value);
	if (uc_change_parse(uc_buf_text(&text), &change, &err) < 0) {
		dash_say(d, "%s", err.text);
		return;
	}
	propose(d, &(struct proposal){ .action = { .kind = UC_ACTION_CHANGE },
				       .change = &change,
				       .verb = "Give a new time limit to" });
}

static void time_typed(struct dash *d)
{
	uc_auto(buf) struct uc_buf value = { 0 };

	uc_buf_add(&value, uc_buf_text(&d->prompt.text));
	if (value.len)
		dash_time_limit_to(d, uc_buf_text(&value));
}

void dash_time_limit(struct dash *d)
{
	dash_prompt_open(d, "New time limit (8h, +1h, -30m): ", "", time_typed);
}

/* --- what became of it --- */

int dash_leave_undone(struct dash *d)
{
	uc_auto(buf) struct uc_buf ids = { 0 };
	const int status = d->run->status;
	struct uc_error err = { 0 };
	int code;

	if (!d->doing)
		return status;
	for (size_t i = 0; i < d->deed_count && i < 5; i++)
		uc_buf_addf(&ids, "%s%s", i ? ", " : "", d->deeds[i].id);
	uc_fail(&err, UC_UNREACHABLE,
		"udash ended before slurmctld answered: what was asked for may not be "
		"done to %s%s",
		uc_buf_text(&ids), d->deed_count > 5 ? ", ..." : "");
	uc_hint(&err, "uqueue shows how they are");
	code = uc_run_error(d->run, &err);
	return status ? status : code;
}

/* One line each; they stay until a key is pressed. */
static void show_failures(struct dash *d, size_t done)
{
	char title[80];

	snprintf(title, sizeof(title), "%zu of %zu done", done, d->deed_count);
	dash_box_open(d, title);
	for (size_t i = 0; i < d->deed_count; i++) {
		const struct dash_deed *deed = &d->deeds[i];

		if (deed->done)
			continue;
		dash_box_addf(d, "%s: %s", deed->id, deed->err.text);
		if (deed->err.hint[0])
			dash_box_addf(d, "  hint: %s", deed->err.hint);
	}
}

void dash_acted(struct dash *d)
{
	size_t done = 0;
	const struct dash_deed *noted = NULL;

	d->doing = false;
	for (size_t i = 0; i < d->deed_count; i++) {
		done += d->deeds[i].done;
		if (d->deeds[i].done && d->deeds[i].note[0])
			noted = &d->deeds[i];
	}
	d->message[0] = '\0';
	if (done < d->deed_count)
		show_failures(d, done);
	else if (noted)
		dash_say(d, "%s: %s", noted->id, noted->note);
	else
		dash_say(d, "done: %zu job%s", done, done == 1 ? "" : "s");
	drop_deeds(d);
	dash_set_clear(&d->marks);
	dash_hurry(d);
}
