/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A far end that is an SFTP server: how it is opened, asked and ended. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/units.h>

#include "sync/sftp_far.h"
#include "sync/store_path.h"

#define HANDLES      100 /* open at once where the server does not say */
#define HANDLES_MAX  480
#define BLOCK        (32u << 10) /* bytes that every server takes */
#define BLOCK_MAX    (127u << 10)
#define FREE_WAIT_MS 2000 /* for temporaries to be removed */
#define TURN_MS      100  /* between two looks at `stop` */

const char *uc_sftp_full(struct uc_sftp_far *far, int which, const char *path)
{
	struct uc_buf *full = &far->full[which];

	uc_buf_reset(full);
	uc_buf_add(full, far->root);
	if (*path || !*far->root)
		uc_buf_addc(full, '/');
	uc_buf_add(full, path);
	if (full->failed)
		far->sftp.out.failed = true; /* nobody acts on half a path */
	return uc_buf_text(full);
}

uint32_t uc_sftp_seconds(int64_t ns)
{
	int64_t s = ns / 1000000000 - (ns % 1000000000 < 0);

	return s < 0 ? 0 : s > UINT32_MAX ? UINT32_MAX : (uint32_t)s;
}

bool uc_sftp_same(const struct uc_sftp_attrs *attrs, const struct uc_sync_entry *entry)
{
	if (!(attrs->flags & UC_SFTP_HAS_MODE))
		return false;
	if (entry->kind == UC_SYNC_FOLDER)
		return S_ISDIR(attrs->mode);
	if (entry->kind == UC_SYNC_LINK ? !S_ISLNK(attrs->mode) : !S_ISREG(attrs->mode))
		return false;
	if (!(attrs->flags & UC_SFTP_HAS_TIMES) ||
	    attrs->mtime != uc_sftp_seconds(entry->mtime))
		return false;
	return entry->kind == UC_SYNC_LINK ||
	       ((attrs->flags & UC_SFTP_HAS_SIZE) && attrs->size == entry->size);
}

static int check_stop(struct uc_sftp_far *far, struct uc_error *err)
{
	if (far->options.stop && far->options.stop(far->options.arg))
		return uc_fail(err, UC_FAILED, "interrupted");
	return 0;
}

int uc_sftp_settle(struct uc_sftp_far *far, const bool *done, struct uc_error *err)
{
	while (done ? !*done : far->sftp.open > 0 || !far->sftp.greeted)
		if (check_stop(far, err) < 0 ||
		    uc_sftp_turn(&far->sftp, TURN_MS, err) < 0)
			return -1;
	return 0;
}

/* Opening */

/* What is learned about the root; the answers come in any order. */
struct opening {
	struct uc_sftp_far *far;
	char *path;
	bool there, folder;
	uint32_t status;
	struct uc_buf said;
};

static int take_root(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		     struct uc_error *err)
{
	struct opening *o = arg;
	struct uc_sftp_name name;

	(void)note;
	if (answer->type == UC_SFTP_STATUS)
		return 0; /* STAT says why */
	if (uc_sftp_name_next(answer, &name, err) != 1)
		return uc_fail(err, UC_INVALID, "the SFTP server sent no path");
	if (name.len == 0 || name.len > UC_SYNC_PATH_MAX || name.bytes[0] != '/' ||
	    memchr(name.bytes, 0, name.len))
		return uc_fail(err, UC_INVALID,
			       "the SFTP server sent a path that is none");
	free(o->path);
	o->path = strndup((const char *)name.bytes, name.len);
	return o->path ? 0 : uc_fail(err, UC_FAILED, "out of memory");
}

static int take_stat(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		     struct uc_error *err)
{
	struct opening *o = arg;

	(void)note, (void)err;
	o->there = answer->type == UC_SFTP_ATTRS;
	o->folder = S_ISDIR(answer->attrs.mode);
	o->status = answer->status;
	uc_buf_reset(&o->said);
	if (!o->there)
		uc_sftp_said(&o->said, answer);
	return 0;
}

static int take_limits(void *arg, uint64_t note, struct uc_sftp_answer *answer,
		       struct uc_error *err)
{
	struct uc_sftp_far *far = ((struct opening *)arg)->far;
	uint64_t packet, reads, writes, handles;

	(void)note, (void)err;
	if (answer->type != UC_SFTP_EXTENDED_REPLY)
		return 0;
	packet = uc_sftp_read_u64(&answer->rest);
	reads = uc_sftp_read_u64(&answer->rest);
	writes = uc_sftp_read_u64(&answer->rest);
	handles = uc_sftp_read_u64(&answer->rest);
	if (answer->rest.bad)
		return 0;
	if (packet >= BLOCK + 1024 && reads > BLOCK)
		far->read_max = reads < BLOCK_MAX ? (uint32_t)reads : BLOCK_MAX;
	if (packet >= BLOCK + 1024 && writes > BLOCK)
		far->write_max = writes < BLOCK_MAX ? (uint32_t)writes : BLOCK_MAX;
	if (handles >= 32)
		far->handles_max =
			handles - 16 < HANDLES_MAX ? (unsigned)handles - 16 : HANDLES_MAX;
	return 0;
}

static uint64_t times(uint64_t blocks, uint64_t size)
{
	return size && blocks > (UINT64_MAX - 1) / size ? UINT64_MAX : blocks * size;
}

static int take_statvfs(void *arg, uint64_t note, struct uc_sftp_answer *answer,
			struct uc_error *err)
{
	struct uc_far_info *info = &((struct opening *)arg)->far->far.info;
	uint64_t number[8]; /* bsize, frsize, blocks, bfree, bavail, files, ffree, favail
			     */

	(void)note, (void)err;
	for (size_t i = 0; i < 8; i++)
		number[i] = uc_sftp_read_u64(&answer->rest);
	if (answer->type != UC_SFTP_EXTENDED_REPLY || answer->rest.bad)
		return 0;
	info->bytes_free = times(number[4], number[1]);
	if (number[5]) /* some file systems count none */
		info->files_free = number[7];
	return 0;
}

static void ask_root(struct opening *o, const char *path)
{
	struct uc_sftp *sftp = &o->far->sftp;

	uc_sftp_ask_path(sftp, UC_SFTP_REALPATH, path,
			 (struct uc_sftp_call){ take_root, o, 0 });
	uc_sftp_ask_path(sftp, UC_SFTP_STAT, path,
			 (struct uc_sftp_call){ take_stat, o, 0 });
}

/* "~other/x": only the server knows where that is. */
static int expand(struct opening *o, const char *path, struct uc_error *err)
{
	struct uc_sftp *sftp = &o->far->sftp;

	if (!(sftp->extensions & UC_SFTP_EXPAND_PATH))
		return uc_fail(err, UC_USAGE,
			       "the SFTP server does not know where '%s' is", path);
	uc_sftp_ask_extended(sftp, UC_SFTP_EXPAND_PATH,
			     (struct uc_sftp_call){ take_root, o, 0 });
	uc_sftp_add_bytes(sftp, path, strlen(path));
	uc_sftp_send(sftp);
	if (uc_sftp_settle(o->far, NULL, err) < 0)
		return -1;
	return o->path ? 0
		       : uc_fail(err, UC_NOTFOUND, "nobody knows where '%s' is", path);
}

static int judge_root(struct opening *o, const char *path, struct uc_error *err)
{
	if (!o->there) {
		uc_fail(err,
			o->status == UC_SFTP_NO_SUCH_FILE ? UC_NOTFOUND
			: o->status == UC_SFTP_DENIED     ? UC_DENIED
							  : UC_FAILED,
			"cannot use the folder '%s': %s", path, uc_buf_text(&o->said));
		return o->status == UC_SFTP_NO_SUCH_FILE
			       ? uc_hint(err, "make it, or let it be made with --create")
			       : -1;
	}
	if (!o->folder)
		return uc_fail(err, UC_USAGE, "'%s' is no folder", path);
	if (!o->path)
		return uc_fail(err, UC_INVALID,
			       "the SFTP server does not say where '%s' is", path);
	return 0;
}

/* What is nice to know; nobody waits for it alone. */
static void ask_more(struct opening *o, const char *path)
{
	struct uc_sftp *sftp = &o->far->sftp;

	if (sftp->extensions & UC_SFTP_LIMITS) {
		uc_sftp_ask_extended(sftp, UC_SFTP_LIMITS,
				     (struct uc_sftp_call){ take_limits, o, 0 });
		uc_sftp_send(sftp);
	}
	if (sftp->extensions & UC_SFTP_STATVFS) {
		uc_sftp_ask_extended(sftp, UC_SFTP_STATVFS,
				     (struct uc_sftp_call){ take_statvfs, o, 0 });
		uc_sftp_add_bytes(sftp, path, strlen(path));
		uc_sftp_send(sftp);
	}
}

/* As mkdir -p; what is there already is no failure, the last look decides. */
static int make_folders(struct opening *o, const char *path, struct uc_error *err)
{
	struct uc_sftp *sftp = &o->far->sftp;
	const struct uc_sftp_attrs attrs = { .flags = UC_SFTP_HAS_MODE, .mode = 0777 };

	for (const char *at = path; *at;) {
		at += strspn(at, "/");
		at += strcspn(at, "/");
		uc_sftp_ask(sftp, UC_SFTP_MKDIR, (struct uc_sftp_call){ 0 });
		uc_sftp_add_bytes(sftp, path, (size_t)(at - path));
		uc_sftp_add_attrs(sftp, &attrs);
		uc_sftp_send(sftp);
	}
	ask_root(o, path);
	ask_more(o, path);
	return uc_sftp_settle(o->far, NULL, err);
}

static int find_root(struct opening *o, struct uc_error *err)
{
	struct uc_sftp_far *far = o->far;
	const char *path = far->options.root;
	uc_auto(buf) struct uc_buf expanded = { 0 };

	if (path[0] == '~' && (path[1] == '/' || !path[1])) {
		path += 1 + strspn(path + 1, "/");
	} else if (path[0] == '~') {
		if (expand(o, path, err) < 0)
			return -1;
		uc_buf_add(&expanded, o->path);
		path = uc_buf_text(&expanded);
	}
	if (!*path)
		path = ".";
	ask_root(o, path);
	ask_more(o, path);
	if (uc_sftp_settle(far, NULL, err) < 0)
		return -1;
	if (!o->there && o->status == UC_SFTP_NO_SUCH_FILE && far->options.create &&
	    !far->options.read_only && make_folders(o, path, err) < 0)
		return -1;
	if (judge_root(o, path, err) < 0)
		return -1;
	far->root = uc_take(&o->path);
	return 0;
}

static int open_root(struct uc_sftp_far *far, struct uc_error *err)
{
	struct opening o = { .far = far };
	int status = -1;
	size_t len;

	if (uc_sftp_settle(far, NULL, err) == 0)
		status = find_root(&o, err);
	free(o.path);
	uc_buf_free(&o.said);
	if (status < 0)
		return -1;
	for (len = strlen(far->root); len > 1 && far->root[len - 1] == '/'; len--)
		;
	far->root[len] = '\0';
	far->far.info.root = strdup(far->root);
	if (len == 1)
		far->root[0] = '\0';
	far->block = malloc(far->write_max);
	return far->block && far->far.info.root
		       ? 0
		       : uc_fail(err, UC_FAILED, "out of memory");
}

/* Running */

static void deliver(struct uc_sftp_far *far)
{
	struct uc_far_job *job = far->ended;

	far->ended = NULL;
	far->ended_end = &far->ended;
	while (job) {
		struct uc_far_job *next = job->next;

		far->options.done(far->options.arg, job);
		job = next;
	}
}

static void flush_store(struct uc_sftp_far *far)
{
	if (far->stored)
		uc_store_flush(far->options.store);
}

/* Every job is given back; what the store has whole is put in its place. */
static void lose(struct uc_sftp_far *far)
{
	struct uc_sftp_task *task, *next;

	far->lost = true;
	flush_store(far);
	for (task = far->first; task; task = next) {
		next = task->next;
		task->blocked = (struct uc_sftp_queue){ 0 };
		if (!task->failed)
			uc_sftp_fail(task, UC_FAR_LOST, 0, "the connection ended");
		task->job->next = NULL;
		*far->ended_end = task->job;
		far->ended_end = &task->job->next;
		uc_sftp_content_free(task);
		free(task->temp);
		free(task);
	}
	far->first = far->last = NULL;
	far->tasks = 0;
	deliver(far);
}

static void count(struct uc_sftp_far *far)
{
	far->far.bytes_in = far->sftp.bytes_in;
	far->far.bytes_out = far->sftp.bytes_out;
}

static void pump(struct uc_sftp_far *far)
{
	uc_sftp_pump_writes(far);
	uc_sftp_pump_reads(far);
}

static int step(struct uc_far *base, int timeout, struct uc_error *err)
{
	struct uc_sftp_far *far = (struct uc_sftp_far *)base;
	int64_t end = uc_monotonic_ms() + timeout, left = timeout;

	if (far->lost)
		return uc_fail(err, UC_UNREACHABLE, "the connection ended");
	do {
		int handled;

		pump(far);
		/* nothing else is to come: the store need not wait for more */
		if (far->stored && far->stored == far->tasks)
			flush_store(far);
		handled = check_stop(far, err);
		if (handled == 0)
			handled =
				uc_sftp_turn(&far->sftp, far->ended ? 0 : (int)left, err);
		count(far);
		if (handled < 0) {
			lose(far);
			return -1;
		}
		if (handled == 0)
			flush_store(far);
		left = end - uc_monotonic_ms();
	} while (!far->ended && far->tasks && left > 0);
	pump(far);
	deliver(far);
	return 0;
}

static int submit(struct uc_far *base, struct uc_far_job *job, struct uc_error *err)
{
	struct uc_sftp_far *far = (struct uc_sftp_far *)base;

	if (far->lost)
		return uc_fail(err, UC_UNREACHABLE, "the connection ended");
	return uc_sftp_task_submit(far, job, err);
}

static int call(struct uc_far *base, const char *verb, json_t *arguments, json_t **answer,
		struct uc_error *err)
{
	(void)base, (void)arguments, (void)answer;
	uc_fail(err, UC_USAGE, "'%s' needs the helper, and this is SFTP", verb);
	return uc_hint(err, "usync install-helper HOST puts it there");
}

static int finish(struct uc_far *base, struct uc_error *err)
{
	struct uc_sftp_far *far = (struct uc_sftp_far *)base;
	int status = 0;

	if (far->lost)
		return uc_fail(err, UC_UNREACHABLE, "the connection ended");
	while (far->tasks && status == 0)
		status = check_stop(far, err) < 0 ? -1 : step(base, TURN_MS, err);
	if (status == 0 && far->made.count)
		status = uc_sftp_finish_folders(far, err);
	count(far);
	return status;
}

/* Temporaries of files that nobody goes on with are removed, if the server is there. */
static void abandon(struct uc_sftp_far *far)
{
	int64_t end = uc_monotonic_ms() + FREE_WAIT_MS;
	bool any = false;

	for (struct uc_sftp_task *task = far->first, *next; task; task = next) {
		next = task->next;
		uc_sftp_fail(task, UC_FAR_LOST, 0, "given up");
		task->busy = false;
		any = any || task->temp;
		if (task->temp) /* it asks for something: nothing is freed here */
			uc_sftp_go_on(task);
	}
	while (any && far->sftp.open && uc_monotonic_ms() < end)
		if (uc_sftp_turn(&far->sftp, TURN_MS, NULL) < 0)
			break;
}

static void free_far(struct uc_far *base)
{
	struct uc_sftp_far *far = (struct uc_sftp_far *)base;

	if (!far->lost && far->first) {
		abandon(far);
		lose(far);
	}
	uc_sftp_list_free(far->list);
	uc_sftp_folders_free(far);
	uc_sync_list_free(&far->made);
	uc_sftp_stop(&far->sftp);
	uc_buf_free(&far->full[0]);
	uc_buf_free(&far->full[1]);
	free((char *)far->far.info.root);
	free(far->probe_name);
	free(far->root);
	free(far->block);
	free(far);
}

static const struct uc_far_ops ops = {
	.list_ask = uc_sftp_list_ask,
	.list_run = uc_sftp_list_run,
	.submit = submit,
	.step = step,
	.call = call,
	.finish = finish,
	.free = free_far,
};

int uc_far_sftp_open(struct uc_far **out, struct uc_stream *stream,
		     const struct uc_far_options *options, struct uc_error *err)
{
	struct uc_sftp_far *far = calloc(1, sizeof(*far));

	if (!far)
		return uc_fail(err, UC_FAILED, "out of memory");
	far->far = (struct uc_far){
		.ops = &ops,
		.info = { .how = "sftp",
			  .apart = true,
			  .resumes = true,
			  .trash = true,
			  .bytes_free = UINT64_MAX,
			  .files_free = UINT64_MAX,
			  .quota_free = UINT64_MAX },
	};
	far->options = *options;
	far->ended_end = &far->ended;
	far->handles_max = HANDLES;
	far->read_max = far->write_max = BLOCK;
	if (uc_sftp_start(&far->sftp, stream, options->rate, err) < 0) {
		free(far);
		return -1;
	}
	if (options->silence_ms > 0)
		far->sftp.silence_ms = options->silence_ms;
	if (open_root(far, err) < 0) {
		*stream = far->sftp.stream; /* it becomes ours on success */
		far->sftp.stream = (struct uc_stream){ .in = -1, .out = -1 };
		far->lost = true;
		free_far(&far->far);
		return -1;
	}
	count(far);
	*out = &far->far;
	return 0;
}
