/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * What is done to jobs: always those that were listed in a box, by id, owner and submit
 * time. The library looks at them again before it acts.
 */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/state.h>
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

/* One's own; root may do it to everybody's. */
static bool may_act(const struct dash *d, const struct uc_job *job)
{
	return dash_is_mine(d, job) || d->me == 0;
}

static bool fits(const struct uc_action *action, const struct uc_job *job)
{
	switch (action->kind) {
	case UC_ACTION_HOLD:
	case UC_ACTION_RELEASE:
		return uc_job_waits(job);
	case UC_ACTION_REQUEUE:
		return uc_job_holds(job);
	default:
		return !uc_job_is_finished(job->state) || uc_job_holds(job);
	}
}

static void add_deed(struct dash *d, const struct uc_action *action,
		     const struct uc_job *job)
{
	struct dash_deed *deed = &d->deeds[d->deed_count];
	uc_auto(buf) struct uc_buf id = { 0 };

	/* the rest of an array by the array's id: its record is no task */
	if (job->array_job_id && !uc_raw_empty(job->array_tasks))
		uc_buf_addf(&id, "%u_[%.*s]", job->array_job_id,
			    (int)strcspn(job->array_tasks.bytes, "%"),
			    job->array_tasks.bytes);
	else
		uc_buf_job_id(&id, job, UC_NONE32);
	if (id.failed || id.len >= sizeof(deed->id))
		return;
	*deed = (struct dash_deed){ .action = *action,
				    .job_id = job->job_id,
				    .user_id = job->user_id,
				    .submit_time = job->submit_time };
	deed->action.user_hold = dash_is_mine(d, job);
	memcpy(deed->id, uc_buf_text(&id), id.len + 1);
	d->deed_count++;
	uc_buf_reset(&id);
	uc_buf_job_id(&id, job, UC_NONE32);
	uc_buf_add(&id, "  ");
	uc_buf_safe(&id, job->user, d->grid.safe);
	uc_buf_add(&id, "  ");
	uc_buf_safe(&id, job->name, d->grid.safe);
	dash_box_addf(d, "%s", uc_buf_text(&id));
}

/* Those that are marked, or those of the row at the cursor. */
static void list_deeds(struct dash *d, const struct uc_action *action)
{
	const struct uc_jobs *jobs = d->data->jobs;
	const struct uc_job *at = NULL;

	if (!d->marks.count) {
		while ((at = dash_job_next(d, at)) && d->deed_count < DEEDS_MAX)
			if (may_act(d, at) && fits(action, at))
				add_deed(d, action, at);
		return;
	}
	for (size_t i = 0; i < jobs->count && d->deed_count < DEEDS_MAX; i++)
		if (dash_set_has(&d->marks, dash_job_id(&jobs->row[i])) &&
		    may_act(d, &jobs->row[i]) && fits(action, &jobs->row[i]))
			add_deed(d, action, &jobs->row[i]);
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
static void propose(struct dash *d, const struct uc_action *action, const char *verb)
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
	list_deeds(d, action);
	if (!d->deed_count) {
		dash_box_close(d);
		drop_deeds(d);
		dash_say(d, "no job of yours here that this can be done to");
		return;
	}
	snprintf(title, sizeof(title), "%s %zu job%s? y/N", verb, d->deed_count,
		 d->deed_count == 1 ? "" : "s");
	snprintf(d->box.title, sizeof(d->box.title), "%s", title);
	d->box.key = answer;
	/* what was typed before the question was seen is no answer */
	dash_term_flush();
}

void dash_cancel(struct dash *d)
{
	propose(d, &(struct uc_action){ .kind = UC_ACTION_CANCEL }, "Cancel");
}

void dash_hold(struct dash *d)
{
	propose(d, &(struct uc_action){ .kind = UC_ACTION_HOLD }, "Hold");
}

void dash_release(struct dash *d)
{
	propose(d, &(struct uc_action){ .kind = UC_ACTION_RELEASE }, "Release");
}

void dash_requeue(struct dash *d)
{
	propose(d, &(struct uc_action){ .kind = UC_ACTION_REQUEUE }, "Requeue");
}

static void signal_typed(struct dash *d)
{
	struct uc_action action = { .kind = UC_ACTION_CANCEL };
	struct uc_error err = { 0 };
	char verb[40];

	if (uc_signal_parse(uc_buf_text(&d->prompt.text), &action.signal, &err) < 0) {
		dash_say(d, "%s", err.text);
		return;
	}
	snprintf(verb, sizeof(verb), "Signal %d to", action.signal);
	propose(d, &action, verb);
}

void dash_signal(struct dash *d)
{
	dash_prompt_open(d, "Signal (TERM, INT, USR1, ...): ", "", signal_typed);
}

void dash_acted(struct dash *d)
{
	size_t done = 0;
	const struct dash_deed *failed = NULL, *noted = NULL;

	d->doing = false;
	for (size_t i = 0; i < d->deed_count; i++) {
		done += d->deeds[i].done;
		if (!d->deeds[i].done)
			failed = &d->deeds[i];
		else if (d->deeds[i].note[0])
			noted = &d->deeds[i];
	}
	if (failed)
		dash_say(d, "%zu of %zu done; %s: %s", done, d->deed_count, failed->id,
			 failed->err.text);
	else if (noted)
		dash_say(d, "%s: %s", noted->id, noted->note);
	else
		dash_say(d, "done: %zu job%s", done, done == 1 ? "" : "s");
	drop_deeds(d);
	dash_set_clear(&d->marks);
	dash_hurry(d);
}
