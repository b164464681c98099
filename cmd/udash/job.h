/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UDASH_JOB_H
#define UC_UDASH_JOB_H
/* What is said about jobs and nodes, and done to jobs. Included by dash.h. */
#include <ucluster/job.h>
#include <ucluster/node.h>
#include "udash/cells.h"
#include "udash/list.h"

struct dash;

/* job.c, node.c: boxes about what is at the cursor */
void dash_show_details(struct dash *d);
void dash_show_why(struct dash *d);
void dash_show_node(struct dash *d, const struct uc_node *node);

/* pane_output.c: what the job at the cursor wrote as errors; there: the other file. */
void dash_show_errors(struct dash *d);

/* me.c */
void dash_show_me(struct dash *d);
/* Add `word` and "8/8": GPUs by the default QOS or association; nothing without one. */
void dash_add_limit(const struct dash *d, const char *word, struct uc_buf *out);

/* act.c */
void dash_cancel(struct dash *d);
void dash_signal(struct dash *d);
void dash_hold(struct dash *d);
void dash_release(struct dash *d);
void dash_requeue(struct dash *d);
void dash_time_limit(struct dash *d);
/* As they are typed after ':': "USR1", "+1h". */
void dash_signal_named(struct dash *d, const char *name);
void dash_time_limit_to(struct dash *d, const char *value);
/* The deeds are done: say what became of them. */
void dash_acted(struct dash *d);
/* After the screen: say what nobody knows the end of. The exit status. */
int dash_leave_undone(struct dash *d);

/* The job at the cursor of the view; NULL. */
const struct uc_job *dash_job(struct dash *d);
/* All that its row stands for, as dash_pane.next. */
const struct uc_job *dash_job_next(struct dash *d, const struct uc_job *job);
struct dash_id dash_job_id(const struct uc_job *job);
bool dash_is_mine(const struct dash *d, const struct uc_job *job);
enum dash_role dash_job_role(const struct uc_job *job);
/* Does any of these texts have what is searched for, or filtered by? No case. */
bool dash_text_has(const char *text, const char *part);

#endif
