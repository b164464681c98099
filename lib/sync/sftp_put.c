/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Files to the far end: a temporary beside the name, written with many requests under
 * way, then mode, time and fsync, and a rename when what is there is still what was
 * expected.
 *
 * A large file's temporary has a name made of path, size and time, and is kept when the
 * run ends early. How much of it is whole stands in its access time, which writing does
 * not change: 0x40000000 | 14 bits of the version | units of 16 MiB that were synced.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <xxhash.h>

#include "sync/sftp_far.h"
#include "sync/store_path.h"

uint32_t uc_sftp_mode(const struct uc_sftp_far *far, const struct uc_sync_entry *entry)
{
	uint32_t special = far->options.keep_special ? entry->mode & 07000u : 0;

	return special | (entry->mode & UC_STORE_MODES) |
	       (entry->mode & 022 & ~far->umask);
}

/* The server's umask, by a file made for it: its mode tells. */

static void know(struct uc_sftp_far *far, uint32_t umask)
{
	far->umask = umask;
	far->umask_state = UC_SFTP_UMASK_KNOWN;
	uc_sftp_queue_wake(&far->for_umask);
}

static int take_probe(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		      struct uc_error *err)
{
	struct uc_sftp_far *far = arg;

	(void)note, (void)err;
	know(far,
	     answer->attrs.flags & UC_SFTP_HAS_MODE ? ~answer->attrs.mode & 022 : 022);
	return 0;
}

static int take_probe_handle(void *arg, uint64_t note, struct uc_sftp_answer *answer,
			     struct uc_error *err)
{
	const struct uc_sftp_call nothing = { 0 };
	struct uc_sftp_far *far = arg;

	(void)note, (void)err;
	if (answer->type != UC_SFTP_HANDLE) {
		know(far, 022);
		return 0;
	}
	uc_sftp_take_handle(&far->probe, answer);
	uc_sftp_ask_handle(&far->sftp, UC_SFTP_FSTAT, &far->probe,
			   (struct uc_sftp_call){ take_probe, far, 0 });
	uc_sftp_ask_handle(&far->sftp, UC_SFTP_CLOSE, &far->probe, nothing);
	uc_sftp_ask_path(&far->sftp, UC_SFTP_REMOVE,
			 uc_sftp_full(far, 0, far->probe_name), nothing);
	return 0;
}

bool uc_sftp_know_umask(struct uc_sftp_task *task, uc_sftp_step *retry)
{
	const struct uc_sftp_attrs attrs = { .flags = UC_SFTP_HAS_MODE, .mode = 0666 };
	struct uc_sftp_far *far = task->far;
	char name[UC_STORE_NAME_SIZE];
	const char *full;

	if (far->umask_state == UC_SFTP_UMASK_KNOWN)
		return true;
	if (far->umask_state == UC_SFTP_UMASK_NEW) {
		far->umask = 022;
		far->umask_state = UC_SFTP_UMASK_KNOWN;
		if (uc_store_random_name(name) < 0)
			return true;
		far->probe_name = strdup(name);
		if (!far->probe_name)
			return true;
		far->umask_state = UC_SFTP_UMASK_ASKED;
		full = uc_sftp_full(far, 0, name);
		uc_sftp_ask(&far->sftp, UC_SFTP_OPEN,
			    (struct uc_sftp_call){ take_probe_handle, far, 0 });
		uc_sftp_add_bytes(&far->sftp, full, strlen(full));
		uc_sftp_add_u32(&far->sftp,
				UC_SFTP_WRITING | UC_SFTP_CREATE | UC_SFTP_EXCLUSIVE);
		uc_sftp_add_attrs(&far->sftp, &attrs);
		uc_sftp_send(&far->sftp);
	}
	task->retry = retry;
	uc_sftp_queue_add(&far->for_umask, task);
	return false;
}

/* Placing */

bool uc_sftp_expected(struct uc_sftp_task *task)
{
	const struct uc_sync_entry *expect = task->job->expect;

	if (task->there ? expect && uc_sftp_same(&task->place, expect) : !expect)
		return true;
	uc_sftp_fail(task, UC_FAR_CHANGED, 0, "%s",
		     !task->there ? "it is gone"
		     : expect     ? "it changed there"
				  : "something is there by now");
	return false;
}

static void placed(struct uc_sftp_task *task)
{
	free(task->temp);
	task->temp = NULL;
	uc_sftp_end(task);
}

/* The rename was refused: because something is there? */
static void tell_refused(struct uc_sftp_task *task)
{
	if (task->there)
		uc_sftp_fail(task, UC_FAR_CHANGED, 0, "something is there by now");
	else
		uc_sftp_fail(task, UC_FAR_FAILED, 0,
			     "the server does not put it in its place");
	uc_sftp_go_on(task);
}

static int take_rename(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		       struct uc_error *err)
{
	struct uc_sftp_task *task = arg;

	(void)note, (void)err;
	if (answer->status == UC_SFTP_FAILURE) {
		task->then = tell_refused;
		uc_sftp_look(task);
	} else if (answer->status != UC_SFTP_OK) {
		uc_sftp_fail_answer(task, "put it in its place", answer);
	}
	return uc_sftp_answered(task);
}

/* RENAME replaces nothing: OpenSSH makes a link and removes the other name. */
static void place_new(struct uc_sftp_task *task)
{
	struct uc_sftp_far *far = task->far;

	task->then = placed;
	uc_sftp_ask_paths(&far->sftp, UC_SFTP_RENAME, uc_sftp_full(far, 0, task->temp),
			  uc_sftp_full(far, 1, task->path),
			  uc_sftp_await(task, take_rename, 0));
}

/* In place of what is there. */
static void place_over(struct uc_sftp_task *task)
{
	const struct uc_far_job *job = task->job;
	struct uc_sftp_far *far = task->far;
	const char *from, *to;

	task->then = placed;
	from = uc_sftp_full(far, 0, task->temp);
	to = uc_sftp_full(far, 1, task->path);
	uc_sftp_ask_extended(&far->sftp, UC_SFTP_POSIX_RENAME,
			     uc_sftp_await_status(task, "put it in its place"));
	uc_sftp_add_bytes(&far->sftp, from, strlen(from));
	uc_sftp_add_bytes(&far->sftp, to, strlen(to));
	uc_sftp_send(&far->sftp);
	if (job->what == UC_FAR_TWIN) /* two names of one file: rename leaves both */
		uc_sftp_ask_path(&far->sftp, UC_SFTP_REMOVE, from,
				 (struct uc_sftp_call){ 0 });
}

static void saved(struct uc_sftp_task *task)
{
	if (task->links)
		place_over(task);
	else
		place_new(task);
}

void uc_sftp_place(struct uc_sftp_task *task)
{
	const struct uc_far_job *job = task->job;

	if (!uc_sftp_expected(task))
		uc_sftp_go_on(task);
	else if (!job->expect)
		place_new(task);
	else if (job->expect->keep || job->expect->kind != job->entry->kind ||
		 !(task->far->sftp.extensions & UC_SFTP_POSIX_RENAME))
		uc_sftp_save(task, saved);
	else
		place_over(task);
}

/* Partial files */

static uint32_t marker(const struct uc_sync_entry *entry, uint64_t units)
{
	const uint64_t version[] = { entry->size, (uint64_t)entry->mtime,
				     XXH3_64bits(entry->path, strlen(entry->path)) };
	uint32_t hash = (uint32_t)XXH3_64bits(version, sizeof(version)) & 0x3fff;

	return 0x40000000u | hash << 16 | (uint32_t)(units > 0xffff ? 0xffff : units);
}

static void set_times(struct uc_sftp_task *task, uint32_t atime, uint32_t mtime,
		      const uint32_t *mode)
{
	struct uc_sftp *sftp = &task->far->sftp;
	const struct uc_sftp_attrs attrs = {
		.flags = UC_SFTP_HAS_TIMES | (mode ? UC_SFTP_HAS_MODE : 0),
		.mode = mode ? *mode : 0,
		.atime = atime,
		.mtime = mtime,
	};

	uc_sftp_ask(sftp, UC_SFTP_FSETSTAT,
		    uc_sftp_await_status(task, "set mode and time"));
	uc_sftp_add_bytes(sftp, task->handle.bytes, task->handle.len);
	uc_sftp_add_attrs(sftp, &attrs);
	uc_sftp_send(sftp);
}

static void ask_fsync(struct uc_sftp_task *task)
{
	struct uc_sftp *sftp = &task->far->sftp;

	if (!(sftp->extensions & UC_SFTP_FSYNC) || task->far->options.no_sync)
		return;
	uc_sftp_ask_extended(sftp, UC_SFTP_FSYNC,
			     uc_sftp_await_status(task, "write it to disk"));
	uc_sftp_add_bytes(sftp, task->handle.bytes, task->handle.len);
	uc_sftp_send(sftp);
}

/* Every write up to here was answered, in its order. */
static void mark_units(struct uc_sftp_task *task)
{
	uint64_t units = task->answered / UC_SFTP_UNIT;

	if (task->failed || task->disorder || !task->has_handle || units == task->units ||
	    units > 0xffff)
		return;
	task->units = units;
	ask_fsync(task);
	set_times(task, marker(task->job->entry, units), (uint32_t)time(NULL), NULL);
}

/* Writing */

static void give_up_reading(struct uc_sftp_task *task)
{
	if (task->fd >= 0)
		close(task->fd);
	task->fd = -1;
	task->busy = false;
}

static bool is_entry(const struct stat *st, const struct uc_sync_entry *entry)
{
	return S_ISREG(st->st_mode) && (uint64_t)st->st_size == entry->size &&
	       uc_store_mtime(st) == entry->mtime;
}

static void check_source(struct uc_sftp_task *task)
{
	struct stat st;

	if (fstat(task->fd, &st) < 0)
		uc_sftp_fail(task, UC_FAR_FAILED, errno, "cannot look at the file here");
	else if (!is_entry(&st, task->job->entry))
		uc_sftp_fail(task, UC_FAR_VANISHED, 0, "it changes here");
}

static void open_source(struct uc_sftp_task *task)
{
	task->fd = uc_store_openat(task->far->options.near, task->path, O_RDONLY);
	if (task->fd >= 0)
		check_source(task);
	else if (errno == ENOENT || errno == ENOTDIR || errno == ELOOP || errno == EXDEV)
		uc_sftp_fail(task, UC_FAR_VANISHED, errno, "it is gone here");
	else
		uc_sftp_fail(task, UC_FAR_FAILED, errno, "cannot read the file here: %s",
			     strerror(errno));
}

static int take_write(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		      struct uc_error *err)
{
	uint64_t offset = note >> UC_SFTP_LEN_BITS;
	struct uc_sftp_task *task = arg;

	(void)err;
	if (answer->status != UC_SFTP_OK)
		uc_sftp_fail_answer(task, "write", answer);
	task->disorder = task->disorder || offset != task->answered;
	task->answered += note & ((1u << UC_SFTP_LEN_BITS) - 1);
	if (task->keep_temp)
		mark_units(task);
	return uc_sftp_answered(task);
}

static void write_some(struct uc_sftp_task *task)
{
	uint64_t left = task->job->entry->size - task->offset;
	struct uc_sftp_far *far = task->far;
	size_t len = left < far->write_max ? (size_t)left : far->write_max;
	ssize_t got = pread(task->fd, far->block, len, (off_t)task->offset);

	if (got <= 0) {
		if (got < 0)
			uc_sftp_fail(task, UC_FAR_FAILED, errno,
				     "cannot read it here: %s", strerror(errno));
		else
			uc_sftp_fail(task, UC_FAR_VANISHED, 0, "it became shorter here");
		return;
	}
	uc_sftp_ask(&far->sftp, UC_SFTP_WRITE,
		    uc_sftp_await(task, take_write,
				  task->offset << UC_SFTP_LEN_BITS | (uint64_t)got));
	uc_sftp_add_bytes(&far->sftp, task->handle.bytes, task->handle.len);
	uc_sftp_add_u64(&far->sftp, task->offset);
	uc_sftp_add_bytes(&far->sftp, far->block, (size_t)got);
	uc_sftp_send(&far->sftp);
	task->offset += (uint64_t)got;
	task->job->wire += (uint64_t)got;
}

/* Everything is written, or on its way: the rest of what makes it a file. */
static void end_writing(struct uc_sftp_task *task)
{
	const struct uc_sync_entry *entry = task->job->entry;
	uint32_t mode = uc_sftp_mode(task->far, entry);

	check_source(task);
	give_up_reading(task);
	task->then = uc_sftp_place;
	if (task->failed) {
		uc_sftp_go_on(task);
		return;
	}
	set_times(task, (uint32_t)time(NULL), uc_sftp_seconds(entry->mtime), &mode);
	ask_fsync(task);
	uc_sftp_close(task);
	uc_sftp_look(task);
}

static bool has_room(const struct uc_sftp_far *far)
{
	return uc_sftp_waiting(&far->sftp) < UC_SFTP_PENDING && far->sftp.open < 8192;
}

void uc_sftp_pump_writes(struct uc_sftp_far *far)
{
	struct uc_sftp_task *task;

	while ((task = far->writers.first) && has_room(far)) {
		if (!task->failed && task->fd < 0)
			open_source(task);
		while (!task->failed && task->offset < task->job->entry->size &&
		       has_room(far))
			write_some(task);
		if (!task->failed && task->offset < task->job->entry->size)
			return;
		(void)uc_sftp_queue_take(&far->writers);
		if (!task->failed) {
			end_writing(task);
			continue;
		}
		give_up_reading(task);
		uc_sftp_go_on(task);
	}
}

/* Opening */

static void begin_writing(struct uc_sftp_task *task)
{
	task->busy = true;
	uc_sftp_queue_add(&task->far->writers, task);
}

static void create(struct uc_sftp_task *task)
{
	task->then = begin_writing;
	(void)uc_sftp_open(task, task->temp,
			   UC_SFTP_WRITING | UC_SFTP_CREATE | UC_SFTP_EXCLUSIVE, create);
}

static void resume(struct uc_sftp_task *task)
{
	task->then = begin_writing;
	(void)uc_sftp_open(task, task->temp, UC_SFTP_WRITING, resume);
}

/* What an earlier run left. Without its mark it is nothing to go on with. */
static void judge_partial(struct uc_sftp_task *task)
{
	const struct uc_sync_entry *entry = task->job->entry;
	const struct uc_sftp_attrs *partial = &task->other;
	uint64_t units = partial->atime & 0xffff;

	if (!uc_sftp_expected(task)) {
		uc_sftp_go_on(task);
		return;
	}
	if ((partial->flags & UC_SFTP_HAS_TIMES) && (partial->flags & UC_SFTP_HAS_SIZE) &&
	    S_ISREG(partial->mode) && units > 0 &&
	    partial->atime == marker(entry, units) && partial->size <= entry->size &&
	    partial->size >= units * UC_SFTP_UNIT) {
		task->units = units;
		task->offset = task->answered = units * UC_SFTP_UNIT;
		task->job->kept = task->offset;
		resume(task);
		return;
	}
	if (partial->flags)
		uc_sftp_ask_path(&task->far->sftp, UC_SFTP_REMOVE,
				 uc_sftp_full(task->far, 0, task->temp),
				 (struct uc_sftp_call){ 0 });
	create(task);
}

void uc_sftp_put(struct uc_sftp_task *task)
{
	const struct uc_sync_entry *entry = task->job->entry;
	char name[UC_STORE_NAME_SIZE];
	size_t version;

	if (!uc_sftp_know_umask(task, uc_sftp_put))
		return;
	task->keep_temp = entry->size >= UC_STORE_PARTIAL;
	if (task->keep_temp)
		uc_store_partial_name(name, uc_store_path_split(task->path, &version),
				      entry->size, entry->mtime, &version);
	if (entry->kind != UC_SYNC_FILE)
		uc_sftp_fail(task, UC_FAR_REFUSED, 0, "it is no file");
	else if (entry->size > UC_SFTP_SIZE_MAX)
		uc_sftp_fail(task, UC_FAR_REFUSED, EFBIG, "no file is so large");
	else if (!uc_sftp_make_temp(task, task->keep_temp ? name : NULL))
		uc_sftp_fail(task, UC_FAR_FAILED, ENOMEM, "out of memory");
	if (task->failed) {
		uc_sftp_go_on(task);
	} else if (task->keep_temp) {
		task->then = judge_partial;
		uc_sftp_look(task);
		uc_sftp_look_other(task, uc_sftp_full(task->far, 0, task->temp));
	} else {
		create(task);
	}
}
