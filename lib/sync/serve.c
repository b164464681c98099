/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The far end of a sync: one client, one folder, over two descriptors. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/sync.h>
#include <ucluster/units.h>

#include "base/file.h"
#include "sync/far.h"
#include "sync/serve_inside.h"

#define HELLO_MS (60 * 1000)          /* to say who the client is */
#define IDLE_MS  (6 * 60 * 60 * 1000) /* a client whose user thinks about it */
#define FLUSH_MS 100                  /* nothing came: files go to their places */
#define BEAT_MS  2000
#define END_MS   5000 /* for the last words */

/* Conversation */

int serve_busy(struct serve *s, struct uc_error *err)
{
	int64_t now = uc_monotonic_ms();

	if (now - s->beat_ms < BEAT_MS)
		return 0;
	s->beat_ms = now;
	if (uc_talk_queued(&s->talk) == 0 &&
	    uc_talk_send(&s->talk, UC_FRAME_BEAT, NULL, 0, false, err) < 0)
		return -1;
	return uc_talk_pump(&s->talk, 0, err) < 0 ? -1 : 0;
}

int serve_drain(struct serve *s, size_t to, int timeout_ms, struct uc_error *err)
{
	int64_t deadline = uc_monotonic_ms() + timeout_ms;

	while (uc_talk_queued(&s->talk) > to) {
		int64_t left = deadline - uc_monotonic_ms();

		if (left < 0 || s->talk.broken)
			return uc_fail(err, UC_UNREACHABLE, "the client is gone");
		if (uc_talk_pump(&s->talk, (int)left, err) < 0)
			return -1;
		if (s->talk.eof && uc_talk_queued(&s->talk) > to)
			usleep(1000); /* nothing is waited for on that side any more */
	}
	return s->talk.broken ? uc_fail(err, UC_UNREACHABLE, "the client is gone") : 0;
}

/* A thread does it, and the client hears that this end is alive. */
struct aside {
	void (*fn)(void *arg);
	void *arg;
};

static void *aside_main(void *arg)
{
	const struct aside *aside = arg;

	aside->fn(aside->arg);
	return NULL;
}

static void serve_aside(void *arg, void (*fn)(void *), void *fn_arg)
{
	struct aside aside = { fn, fn_arg };
	struct serve *s = arg;
	struct timespec until;
	pthread_t thread;

	if (pthread_create(&thread, NULL, aside_main, &aside) != 0) {
		fn(fn_arg);
		return;
	}
	do {
		(void)serve_busy(s, NULL);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_sec += BEAT_MS / 1000;
	} while (pthread_timedjoin_np(thread, NULL, &until) == ETIMEDOUT);
}

static int bad_message(struct uc_error *err)
{
	return uc_fail(err, UC_INVALID, "the client sent a damaged message");
}

static int serve_hello(struct serve *s, const struct uc_frame *frame,
		       struct uc_error *err)
{
	char build[64];

	if (s->hello)
		return bad_message(err);
	s->hello = true;
	return uc_read_hello(frame, build, sizeof(build), err);
}

/* Opening */

/* "~" and "~/x" are of the home, "x" of where the login began, as rsync has it. */
static int resolve_root(const struct serve *s, struct uc_buf *path, struct uc_error *err)
{
	const char *root = s->open.root;

	if (root[0] != '~') {
		uc_buf_add(path, *root ? root : ".");
	} else {
		if (!s->home || s->home[0] != '/')
			return uc_fail(err, UC_FAILED, "no home folder is known for '%s'",
				       root);
		if (root[1] != '/' && root[1] != '\0')
			return uc_fail(err, UC_USAGE, "'%s': only ~/ is understood",
				       root);
		root += 1 + strspn(root + 1, "/");
		uc_buf_addf(path, "%s%s%s", s->home, *root ? "/" : "", root);
	}
	return path->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

static int open_root(struct serve *s, struct uc_error *err)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
	uc_auto(buf) struct uc_buf path = { 0 };
	enum uc_code code;

	if (resolve_root(s, &path, err) < 0)
		return -1;
	s->root = open(path.data, flags);
	if (s->root < 0 && errno == ENOENT && s->open.create && !s->open.read_only) {
		if (uc_file_mkdirs(path.data, 0777, err) < 0)
			return -1;
		s->root = open(path.data, flags);
	}
	s->path = s->root < 0 ? NULL : realpath(path.data, NULL);
	if (s->path)
		return 0;
	code = errno == ENOENT ? UC_NOTFOUND : errno == EACCES ? UC_DENIED : UC_FAILED;
	return uc_fail_errno(err, code, errno, "cannot open the folder '%s'", path.data);
}

static int tell_opened(struct serve *s, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf buf = { 0 };
	struct uc_message_opened opened = { .flags = UC_OPENED_ALL,
					    .bytes_free = UINT64_MAX,
					    .files_free = UINT64_MAX,
					    .quota_free = UINT64_MAX };
	struct statvfs fs;

	if (strlen(s->path) > UC_SYNC_PATH_MAX)
		return uc_fail(err, UC_FAILED, "the path of the folder is too long");
	snprintf(opened.root, sizeof(opened.root), "%s", s->path);
	if (fstatvfs(s->root, &fs) == 0) {
		opened.bytes_free = (uint64_t)fs.f_bavail * fs.f_frsize;
		if (fs.f_files)
			opened.files_free = fs.f_favail;
	}
	uc_write_opened(&buf, &opened);
	if (buf.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_talk_send(&s->talk, UC_FRAME_OPENED, buf.data, buf.len, false, err);
}

static void file_ended(void *arg, const struct uc_message_outcome *outcome)
{
	(void)serve_outcome(arg, outcome);
}

static int open_store(struct serve *s, struct uc_error *err)
{
	const struct uc_store_options options = { .run = s->open.run,
						  .no_sync = s->open.no_sync,
						  .keep_special = s->open.keep_special };

	if (s->open.read_only)
		return 0;
	if (uc_store_open(&s->store, s->root, &options, err) < 0 ||
	    uc_receiver_open(&s->receiver, &s->talk, s->store, err) < 0)
		return -1;
	s->receiver.ended = file_ended;
	s->receiver.aside = serve_aside;
	s->receiver.arg = s;
	return 0;
}

static int serve_open(struct serve *s, const struct uc_frame *frame, struct uc_error *err)
{
	struct uc_reader r = uc_reader(frame);

	uc_read_open(&r, &s->open);
	if (!uc_read_done(&r) || s->root >= 0)
		return bad_message(err);
	s->talk.level = s->open.compress;
	if (open_root(s, err) < 0 || open_store(s, err) < 0 ||
	    uc_sender_open(&s->sender, &s->talk, s->root, err) < 0)
		return -1;
	s->sender.failed = file_ended;
	s->sender.arg = s;
	serve_confine(s->root);
	return tell_opened(s, err);
}

/* The other messages */

static int serve_have(struct serve *s, const struct uc_frame *frame, struct uc_error *err)
{
	uint32_t id;

	/* one that failed meanwhile: its outcome is on the way */
	return uc_sender_have(&s->sender, frame, &id, err) < 0 ? -1 : 0;
}

static int serve_sigs(struct serve *s, const struct uc_frame *frame, struct uc_error *err)
{
	uint32_t id;

	return uc_sender_sigs(&s->sender, frame, &id, err) < 0 ? -1 : 0;
}

static int serve_stop(struct serve *s, const struct uc_frame *frame, struct uc_error *err)
{
	struct uc_reader r = uc_reader(frame);
	struct uc_message_outcome outcome = { .outcome = UC_FAR_FAILED };

	outcome.id = (uint32_t)uc_read_below(&r, UINT32_MAX);
	if (!uc_read_done(&r))
		return bad_message(err);
	return uc_sender_stop(&s->sender, outcome.id) ? serve_outcome(s, &outcome) : 0;
}

static int serve_take(struct serve *s, const struct uc_frame *frame, struct uc_error *err)
{
	if (!s->store)
		return uc_fail(err, UC_INVALID,
			       "the client writes to what it only reads");
	return uc_receiver_take(&s->receiver, frame, err);
}

static int serve_flush(struct serve *s, const struct uc_frame *frame,
		       struct uc_error *err)
{
	if (frame->len)
		return bad_message(err);
	if (s->store)
		uc_store_flush(s->store);
	return 0;
}

struct finish {
	struct uc_store *store;
	struct uc_message_outcome outcome;
};

static void finish(void *arg)
{
	struct finish *f = arg;
	struct uc_error err = { 0 };

	uc_receive_outcome(&f->outcome, 0, uc_store_finish(f->store, &err), &err);
}

static int serve_finish(struct serve *s, const struct uc_frame *frame,
			struct uc_error *err)
{
	uc_auto(buf) struct uc_buf buf = { 0 };
	struct finish f = { .store = s->store };

	if (frame->len)
		return bad_message(err);
	if (s->store)
		serve_aside(s, finish, &f);
	if (serve_flush_outcomes(s, err) < 0)
		return -1;
	uc_write_outcome(&buf, &f.outcome);
	if (buf.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_talk_send(&s->talk, UC_FRAME_FINISHED, buf.data, buf.len, false, err);
}

static int serve_beat(struct serve *s, const struct uc_frame *frame, struct uc_error *err)
{
	(void)s;
	return frame->len ? bad_message(err) : 0;
}

static const struct {
	int (*fn)(struct serve *s, const struct uc_frame *frame, struct uc_error *err);
	bool anytime; /* also before OPEN */
} handler[UC_FRAME_TYPES] = {
	[UC_FRAME_HELLO] = { serve_hello, true },
	[UC_FRAME_OPEN] = { serve_open, true },
	[UC_FRAME_BEAT] = { serve_beat, true },
	[UC_FRAME_LIST] = { serve_list, false },
	[UC_FRAME_JOBS] = { serve_jobs, false },
	[UC_FRAME_PUT_BEGIN] = { serve_put_begin, false },
	[UC_FRAME_PUT_START] = { serve_take, false },
	[UC_FRAME_PUT_DATA] = { serve_take, false },
	[UC_FRAME_PUT_COPY] = { serve_take, false },
	[UC_FRAME_PUT_END] = { serve_take, false },
	[UC_FRAME_PUT_DROP] = { serve_take, false },
	[UC_FRAME_HAVE] = { serve_have, false },
	[UC_FRAME_SIGS] = { serve_sigs, false },
	[UC_FRAME_STOP] = { serve_stop, false },
	[UC_FRAME_FLUSH] = { serve_flush, false },
	[UC_FRAME_FINISH] = { serve_finish, false },
	[UC_FRAME_CALL] = { serve_call, false },
};

static int take_message(struct serve *s, const struct uc_frame *frame,
			struct uc_error *err)
{
	if (!handler[frame->type].fn || (!s->hello && frame->type != UC_FRAME_HELLO) ||
	    (s->root < 0 && !handler[frame->type].anytime))
		return uc_fail(err, UC_INVALID, "the client sent a message out of order");
	return handler[frame->type].fn(s, frame, err);
}

/* All that is there, as long as answers can be queued. */
static int take_messages(struct serve *s, struct uc_error *err)
{
	struct uc_frame frame;
	int status = 1;

	if (!s->greeted) {
		status = uc_talk_greeted(&s->talk, 0, err);
		if (status <= 0)
			return status;
		s->greeted = true;
	}
	while (status > 0 && uc_talk_queued(&s->talk) < UC_FRAME_QUEUE) {
		status = uc_talk_next(&s->talk, &frame, err);
		if (status > 0 && take_message(s, &frame, err) < 0)
			return -1;
		if (s->outcomes.len > 32768 && serve_flush_outcomes(s, err) < 0)
			return -1;
	}
	return status;
}

/* One turn: take, do, tell. Returns what take_messages() did. */
static int turn(struct serve *s, struct uc_error *err)
{
	int status = take_messages(s, err);

	if (status < 0)
		return -1;
	if (s->root >= 0 &&
	    (serve_gets(s, err) < 0 || uc_sender_pump(&s->sender, err) < 0))
		return -1;
	return serve_flush_outcomes(s, err) < 0 ? -1 : status;
}

static bool has_more(const struct serve *s)
{
	return s->root >= 0 && uc_talk_queued(&s->talk) < UC_SEND_QUEUE &&
	       (s->get || uc_sender_ready(&s->sender));
}

static int run(struct serve *s, struct uc_error *err)
{
	for (;;) {
		int taken = turn(s, err), timeout = IDLE_MS, moved;
		bool waits = s->receiver.waiting_count > 0;

		if (taken < 0)
			return -1;
		if (s->talk.eof && taken == 0)
			return 0;
		/* with messages left the queue is full: something is written first */
		if (has_more(s))
			timeout = 0;
		else if (!s->greeted || s->root < 0)
			timeout = HELLO_MS;
		else if (waits)
			timeout = FLUSH_MS;
		moved = uc_talk_pump(&s->talk, timeout, err);
		if (moved < 0)
			return -1;
		if (moved == 0 && timeout == FLUSH_MS && waits)
			uc_store_flush(s->store);
		else if (moved == 0 && timeout > FLUSH_MS)
			return uc_fail(err, UC_UNREACHABLE, "the client says nothing");
	}
}

int uc_sync_serve(int in, int out, const char *home, struct uc_error *err)
{
	struct serve *s = calloc(1, sizeof(*s));
	int status;

	if (!s)
		return uc_fail(err, UC_FAILED, "out of memory");
	s->home = home;
	s->root = -1;
	s->last_get = &s->get;
	status = uc_talk_open(&s->talk, in, out, err);
	if (status == 0)
		status = uc_talk_greet(&s->talk, err);
	if (status == 0)
		status = uc_talk_hello(&s->talk, err);
	if (status == 0) {
		status = run(s, err);
		if (status < 0 && err && !s->talk.broken)
			(void)uc_talk_fault(&s->talk, err, NULL);
		(void)serve_drain(s, 0, END_MS, NULL);
	}
	if (s->store)
		uc_store_flush(s->store);
	uc_receiver_free(&s->receiver);
	uc_store_free(s->store);
	uc_sender_free(&s->sender);
	serve_gets_free(s);
	uc_buf_free(&s->files);
	uc_buf_free(&s->outcomes);
	uc_talk_free(&s->talk);
	if (s->root >= 0)
		close(s->root);
	free(s->path);
	free(s);
	return status;
}
