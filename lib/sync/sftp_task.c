/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Jobs as sequences of steps, and what steps are made of. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/sftp_far.h"
#include "sync/store_path.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Queues */

void uc_sftp_queue_add(struct uc_sftp_queue *queue, struct uc_sftp_task *task)
{
	task->queued = NULL;
	if (queue->last)
		queue->last->queued = task;
	else
		queue->first = task;
	queue->last = task;
}

struct uc_sftp_task *uc_sftp_queue_take(struct uc_sftp_queue *queue)
{
	struct uc_sftp_task *task = queue->first;

	if (task)
		queue->first = task->queued;
	if (!queue->first)
		queue->last = NULL;
	return task;
}

static void wake(struct uc_sftp_task *task)
{
	if (task->failed) /* meanwhile */
		uc_sftp_go_on(task);
	else
		task->retry(task);
}

/* Those that wait again go to the new queue. */
void uc_sftp_queue_wake(struct uc_sftp_queue *queue)
{
	struct uc_sftp_queue woken = *queue;
	struct uc_sftp_task *task;

	*queue = (struct uc_sftp_queue){ 0 };
	while ((task = uc_sftp_queue_take(&woken)))
		wake(task);
}

/* Failing */

void uc_sftp_said(struct uc_buf *text, const struct uc_sftp_answer *answer)
{
	if (answer->len && answer->len < 160)
		uc_buf_safen(text, (const char *)answer->bytes, answer->len, 0);
	else
		uc_buf_addf(text, "status %u", answer->status);
}

/* Whole characters of a safe text. */
static void keep_text(struct uc_far_job *job, const struct uc_buf *text)
{
	size_t len = text->len < sizeof(job->text) ? text->len : sizeof(job->text) - 1;

	memcpy(job->text, uc_buf_text(text), len);
	if (len < text->len)
		len -= uc_text_unfinished(job->text, len);
	job->text[len] = '\0';
}

void uc_sftp_fail(struct uc_sftp_task *task, enum uc_far_outcome outcome, int errno_value,
		  const char *fmt, ...)
{
	uc_auto(buf) struct uc_buf raw = { 0 }, text = { 0 };
	va_list ap;

	if (task->failed)
		return;
	va_start(ap, fmt);
	uc_buf_addv(&raw, fmt, ap);
	va_end(ap);
	uc_buf_safe(&text, uc_raw(uc_buf_text(&raw)), 0);
	task->failed = true;
	task->job->outcome = outcome;
	task->job->errno_value = errno_value;
	keep_text(task->job, &text);
}

void uc_sftp_fail_answer(struct uc_sftp_task *task, const char *what,
			 const struct uc_sftp_answer *answer)
{
	uc_auto(buf) struct uc_buf said = { 0 };

	uc_sftp_said(&said, answer);
	uc_sftp_fail(task, UC_FAR_FAILED, uc_sftp_status_errno(answer->status),
		     "cannot %s: %s", what, uc_buf_text(&said));
}

/* Steps */

static void clean_up(struct uc_sftp_task *task)
{
	char *temp = task->temp;

	task->temp = NULL;
	if (task->has_handle)
		uc_sftp_close(task);
	/* a part stays for the next run, unless this run says no to it */
	if (temp && !(task->keep_temp && task->job->outcome == UC_FAR_LOST))
		uc_sftp_ask_path(&task->far->sftp, UC_SFTP_REMOVE,
				 uc_sftp_full(task->far, 0, temp),
				 uc_sftp_await_status(task, "remove the temporary file"));
	free(temp);
	if (task->open == 0)
		uc_sftp_end(task);
}

void uc_sftp_go_on(struct uc_sftp_task *task)
{
	if (task->open || task->busy)
		return;
	if (task->failed)
		clean_up(task);
	else
		task->then(task);
}

int uc_sftp_answered(struct uc_sftp_task *task)
{
	task->open--;
	uc_sftp_go_on(task);
	return 0;
}

struct uc_sftp_call uc_sftp_await(struct uc_sftp_task *task, uc_sftp_reply *reply,
				  uint64_t note)
{
	task->open++;
	return (struct uc_sftp_call){ reply, task, note };
}

static int take_status(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		       struct uc_error *err)
{
	struct uc_sftp_task *task = arg;

	(void)err;
	if (answer->status != UC_SFTP_OK)
		uc_sftp_fail_answer(task, (const char *)(uintptr_t)note, answer);
	return uc_sftp_answered(task);
}

struct uc_sftp_call uc_sftp_await_status(struct uc_sftp_task *task, const char *what)
{
	return uc_sftp_await(task, take_status, (uintptr_t)what);
}

static int take_place(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		      struct uc_error *err)
{
	struct uc_sftp_task *task = arg;

	(void)note, (void)err;
	task->there = answer->type == UC_SFTP_ATTRS;
	task->place = answer->attrs;
	if (!task->there && answer->status != UC_SFTP_NO_SUCH_FILE)
		uc_sftp_fail_answer(task, "look at it", answer);
	return uc_sftp_answered(task);
}

void uc_sftp_look(struct uc_sftp_task *task)
{
	uc_sftp_ask_path(&task->far->sftp, UC_SFTP_LSTAT,
			 uc_sftp_full(task->far, 0, task->path),
			 uc_sftp_await(task, take_place, 0));
}

static int take_other(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		      struct uc_error *err)
{
	struct uc_sftp_task *task = arg;

	(void)note, (void)err;
	task->other = answer->attrs; /* no flags: nothing is there */
	if (answer->type != UC_SFTP_ATTRS && answer->status != UC_SFTP_NO_SUCH_FILE)
		uc_sftp_fail_answer(task, "look at another file", answer);
	return uc_sftp_answered(task);
}

void uc_sftp_look_other(struct uc_sftp_task *task, const char *full)
{
	uc_sftp_ask_path(&task->far->sftp, UC_SFTP_LSTAT, full,
			 uc_sftp_await(task, take_other, 0));
}

/* Handles: a server has few. */

static void release(struct uc_sftp_task *task)
{
	struct uc_sftp_far *far = task->far;
	struct uc_sftp_task *next;

	if (!task->holds)
		return;
	task->holds = false;
	far->handles--;
	next = uc_sftp_queue_take(&far->for_handle);
	if (next)
		wake(next);
}

static int opened(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		  struct uc_error *err)
{
	struct uc_sftp_task *task = arg;

	(void)err;
	if (answer->type == UC_SFTP_HANDLE) {
		uc_sftp_take_handle(&task->handle, answer);
		task->has_handle = true;
	} else {
		release(task);
		if (note & UC_SFTP_EXCLUSIVE) { /* what is there is not ours */
			free(task->temp);
			task->temp = NULL;
		}
		uc_sftp_fail_answer(task, note & UC_SFTP_CREATE ? "create" : "open",
				    answer);
	}
	return uc_sftp_answered(task);
}

bool uc_sftp_open(struct uc_sftp_task *task, const char *path, uint32_t flags,
		  uc_sftp_step *retry)
{
	const struct uc_sftp_attrs attrs = {
		.flags = flags & UC_SFTP_CREATE ? UC_SFTP_HAS_MODE : 0, .mode = 0600
	};
	struct uc_sftp *sftp = &task->far->sftp;
	const char *full = uc_sftp_full(task->far, 0, path);

	if (task->far->handles >= task->far->handles_max) {
		task->retry = retry;
		uc_sftp_queue_add(&task->far->for_handle, task);
		return false;
	}
	task->far->handles++;
	task->holds = true;
	uc_sftp_ask(sftp, UC_SFTP_OPEN, uc_sftp_await(task, opened, flags));
	uc_sftp_add_bytes(sftp, full, strlen(full));
	uc_sftp_add_u32(sftp, flags);
	uc_sftp_add_attrs(sftp, &attrs);
	uc_sftp_send(sftp);
	return true;
}

static int closed(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		  struct uc_error *err)
{
	struct uc_sftp_task *task = arg;

	(void)note, (void)err;
	/* what was written may be lost by it; what was read was looked at */
	if (answer->status != UC_SFTP_OK && task->job->what != UC_FAR_GET)
		uc_sftp_fail_answer(task, "close", answer);
	release(task);
	return uc_sftp_answered(task);
}

void uc_sftp_close(struct uc_sftp_task *task)
{
	task->has_handle = false;
	uc_sftp_ask_handle(&task->far->sftp, UC_SFTP_CLOSE, &task->handle,
			   uc_sftp_await(task, closed, 0));
}

bool uc_sftp_make_temp(struct uc_sftp_task *task, const char *name)
{
	const char *slash = strrchr(task->path, '/');
	char random[UC_STORE_NAME_SIZE];

	free(task->temp);
	task->temp = NULL;
	if (!name && uc_store_random_name(random) < 0)
		return false;
	if (asprintf(&task->temp, "%.*s%s", slash ? (int)(slash + 1 - task->path) : 0,
		     task->path, name ? name : random) < 0)
		task->temp = NULL;
	return task->temp != NULL;
}

/* Order */

static bool is_above(const struct uc_sftp_task *folder, const struct uc_sftp_task *task)
{
	return task->len > folder->len && task->path[folder->len] == '/' &&
	       memcmp(folder->path, task->path, folder->len) == 0;
}

/* Whether it moves a folder, or what is to become one, out of the way. */
static bool clears_folder(const struct uc_far_job *job)
{
	return job->expect && job->expect->kind == UC_SYNC_FOLDER &&
	       job->what != UC_FAR_FOLDER && job->what != UC_FAR_META;
}

static bool needs(const struct uc_sftp_task *task, const struct uc_sftp_task *earlier)
{
	const struct uc_far_job *job = task->job, *before = earlier->job;

	if (task->len == earlier->len &&
	    memcmp(task->path, earlier->path, task->len) == 0)
		return true;
	if (job->what == UC_FAR_TWIN && strcmp(job->twin, earlier->path) == 0)
		return true;
	if (clears_folder(job) && is_above(task, earlier))
		return true;
	return (before->what == UC_FAR_FOLDER || clears_folder(before)) &&
	       is_above(earlier, task);
}

static uc_sftp_step *const run[] = {
	[UC_FAR_PUT] = uc_sftp_put,
	[UC_FAR_GET] = uc_sftp_get,
	[UC_FAR_FOLDER] = uc_sftp_make_folder,
	[UC_FAR_LINK] = uc_sftp_make_link,
	[UC_FAR_TWIN] = uc_sftp_make_twin,
	[UC_FAR_META] = uc_sftp_set_meta,
	[UC_FAR_REMOVE] = uc_sftp_remove,
};

static void look_above(struct uc_sftp_task *task)
{
	const char *slash = strrchr(task->path, '/');
	size_t len = slash ? (size_t)(slash - task->path) : 0;

	task->retry = look_above;
	switch (uc_sftp_folder(task, task->path, len, false)) {
	case UC_SFTP_FOLDER_ASKED:
		return;
	case UC_SFTP_FOLDER_THERE:
		run[task->job->what](task);
		return;
	case UC_SFTP_FOLDER_MISSING:
		if (task->job->what == UC_FAR_GET)
			uc_sftp_fail(task, UC_FAR_VANISHED, ENOENT, "its folder is gone");
		else
			uc_sftp_fail(task, UC_FAR_FAILED, ENOENT,
				     "its folder is not there");
		break;
	case UC_SFTP_FOLDER_OTHER:
		uc_sftp_fail(task, UC_FAR_REFUSED, ELOOP,
			     "a link or file is in the place of a folder above it");
		break;
	default:
		uc_sftp_fail(task, UC_FAR_FAILED, 0, "cannot look at the folder above");
	}
	uc_sftp_go_on(task);
}

static void start(struct uc_sftp_task *task)
{
	for (struct uc_sftp_task *t = task->far->first; t != task; t = t->next) {
		if (!needs(task, t))
			continue;
		task->retry = start;
		uc_sftp_queue_add(&t->blocked, task);
		return;
	}
	look_above(task);
}

static void give_back(struct uc_sftp_far *far, struct uc_far_job *job)
{
	job->next = NULL;
	*far->ended_end = job;
	far->ended_end = &job->next;
}

void uc_sftp_end(struct uc_sftp_task *task)
{
	struct uc_sftp_far *far = task->far;
	struct uc_sftp_queue blocked = task->blocked;

	if (!task->failed)
		task->job->outcome = UC_FAR_DONE;
	if (task->prev)
		task->prev->next = task->next;
	else
		far->first = task->next;
	if (task->next)
		task->next->prev = task->prev;
	else
		far->last = task->prev;
	far->tasks--;
	release(task);
	uc_sftp_content_free(task);
	free(task->temp);
	give_back(far, task->job);
	free(task);
	uc_sftp_queue_wake(&blocked);
}

static const char *job_path(const struct uc_far_job *job)
{
	const struct uc_sync_entry *entry =
		job->what == UC_FAR_REMOVE && job->expect ? job->expect : job->entry;

	return entry ? entry->path : "";
}

/* What is wrong with a job, before anything is asked; NULL: nothing. */
static const char *objection(const struct uc_sftp_far *far, const struct uc_far_job *job)
{
	if (far->options.read_only && job->what != UC_FAR_GET)
		return "the far end was opened for reading";
	if (job->what == UC_FAR_TWIN && !uc_store_path_ok(job->twin, NULL))
		return "its other name is no path";
	if (job->what == UC_FAR_PUT && far->options.near < 0)
		return "there is no folder to send from";
	if (job->what == UC_FAR_GET && !far->options.store)
		return "there is no folder to receive to";
	return NULL;
}

int uc_sftp_task_submit(struct uc_sftp_far *far, struct uc_far_job *job,
			struct uc_error *err)
{
	struct uc_sftp_task *task;
	struct uc_error bad = { 0 };
	const char *why;

	if (far->tasks >= UC_SFTP_TASKS ||
	    uc_sftp_waiting(&far->sftp) > 4 * UC_SFTP_PENDING)
		return 1;
	task = calloc(1, sizeof(*task));
	if (!task)
		return uc_fail(err, UC_FAILED, "out of memory");
	*task = (struct uc_sftp_task){
		.far = far, .job = job, .path = job_path(job), .fd = -1, .prev = far->last
	};
	task->len = strlen(task->path);
	job->text[0] = '\0';
	job->errno_value = 0;
	job->wire = job->kept = 0;
	if (far->last)
		far->last->next = task;
	else
		far->first = task;
	far->last = task;
	far->tasks++;
	why = objection(far, job);
	if (!why && !uc_store_path_ok(task->path, &bad))
		why = bad.text;
	if (why)
		uc_sftp_fail(task, UC_FAR_REFUSED, 0, "%s", why);
	if (why)
		uc_sftp_go_on(task);
	else
		start(task);
	return 0;
}
