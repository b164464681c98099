/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync_fake.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sync/skip.h"
#include "unit.h"

#define QUEUE 50
#define S     INT64_C(1000000000)

struct fake_far {
	struct uc_far far;
	struct fake *fake;
	unsigned index;
	struct uc_far_options options;
	struct uc_far_list_options list;
	int root;
	struct uc_store *store;
	struct uc_far_job *queue[QUEUE];
	size_t count;
	unsigned seed;
	bool lost;
};

static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;

static int list_ask(struct uc_far *far, const struct uc_far_list_options *options,
		    struct uc_error *err)
{
	(void)err;
	((struct fake_far *)far)->list = *options;
	return 0;
}

struct listing {
	struct fake_far *far;
	uint64_t entries, bytes;
};

static int64_t cut(const struct fake_far *far, int64_t time)
{
	int64_t rest = time % S;

	return far->fake->coarse ? time - (rest < 0 ? rest + S : rest) : time;
}

static int list_entry(void *arg, int folder, const struct uc_sync_entry *entry,
		      struct uc_error *err)
{
	struct listing *listing = arg;
	struct uc_sync_entry copy = *entry;
	uint64_t sum = 0;

	(void)folder;
	if (listing->far->list.sums && entry->kind == UC_SYNC_FILE) {
		char *bytes = calloc(1, entry->size + 1);
		int fd = uc_store_openat(listing->far->root, entry->path, O_RDONLY);

		assert_int_equal(read(fd, bytes, entry->size), entry->size);
		close(fd);
		sum = uc_sync_state_target(bytes); /* no NUL in our files */
		free(bytes);
	}
	copy.mtime = cut(listing->far, copy.mtime);
	listing->entries++;
	listing->bytes += copy.size;
	return listing->far->list.entry(listing->far->list.arg, &copy, sum, err);
}

static void list_note(void *arg, enum uc_sync_note note, const char *path, int value)
{
	struct listing *listing = arg;

	if (listing->far->list.note)
		listing->far->list.note(listing->far->list.arg, note, path, value);
}

static void read_rules(struct uc_ignore_list *list, const char *text)
{
	if (text)
		assert_int_equal(
			uc_ignore_list_read(list, "far", "", text, strlen(text), NULL),
			0);
}

static int list_run(struct uc_far *base, struct uc_far_listed *listed,
		    struct uc_error *err)
{
	struct fake_far *far = (struct fake_far *)base;
	uc_auto(ignore_list) struct uc_ignore_list command = { 0 }, config = { 0 },
						   defaults = { 0 };
	uc_auto(sync_walked) struct uc_sync_walked walked = { 0 };
	struct listing listing = { .far = far };
	struct uc_sync_walk_options options = { .entry = list_entry,
						.note = list_note,
						.arg = &listing };

	if (far->fake->silent && far->fake->opened == 1) {
		base->silent = true;
		return uc_fail(err, UC_NOTFOUND, "nobody answered");
	}
	read_rules(&command, far->list.command_rules);
	read_rules(&config, far->list.config_rules);
	assert_int_equal(uc_sync_skip_read(&defaults, NULL), 0);
	options.command = far->list.command_rules ? &command : NULL;
	options.config = far->list.config_rules ? &config : NULL;
	options.defaults = far->list.no_defaults ? NULL : &defaults;
	options.no_gitignore = far->list.no_gitignore;
	if (uc_sync_walk(far->root, &options, &walked, err) < 0)
		return -1;
	*listed = (struct uc_far_listed){ listing.entries, listing.bytes,
					  walked.complete && !far->fake->incomplete };
	return 0;
}

static int submit(struct uc_far *base, struct uc_far_job *job, struct uc_error *err)
{
	struct fake_far *far = (struct fake_far *)base;

	if (far->lost)
		return uc_fail(err, UC_UNREACHABLE, "the connection was lost");
	if (far->count == QUEUE)
		return 1;
	job->outcome = UC_FAR_LOST;
	far->queue[far->count++] = job;
	if (job->what == UC_FAR_PUT || job->what == UC_FAR_GET)
		far->fake->files[far->index]++;
	return 0;
}

static void put_done(void *arg, int outcome, const struct uc_error *err)
{
	static const enum uc_far_outcome table[] = { UC_FAR_DONE, UC_FAR_CHANGED,
						     UC_FAR_REFUSED, UC_FAR_FAILED };
	struct uc_far_job *job = arg;

	job->outcome = table[outcome];
	if (outcome != UC_STORE_OK)
		(void)snprintf(job->text, sizeof(job->text), "%.*s",
			       (int)sizeof(job->text) - 1, err->text);
}

/* A file from one folder into the store of the other. */
static void move(struct fake_far *far, struct uc_far_job *job, int from,
		 struct uc_store *store)
{
	int fd = uc_store_openat(from, job->entry->path, O_RDONLY);
	char *bytes = malloc(job->entry->size + 1);
	struct uc_store_small small = { .entry = job->entry,
					.expect = job->expect,
					.bytes = bytes,
					.len = job->entry->size,
					.done = put_done,
					.arg = job };
	struct stat st;

	assert_non_null(bytes);
	if (fd < 0 || fstat(fd, &st) < 0 || (uint64_t)st.st_size != job->entry->size ||
	    cut(far, (int64_t)st.st_mtim.tv_sec * S + st.st_mtim.tv_nsec) !=
		    cut(far, job->entry->mtime)) {
		job->outcome = UC_FAR_VANISHED;
	} else {
		assert_int_equal(read(fd, bytes, small.len), small.len);
		uc_store_put(store, &small);
	}
	if (fd >= 0)
		close(fd);
	free(bytes);
}

static void touch(const struct fake_far *far, const struct uc_far_job *job)
{
	struct timespec now[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };

	if (far->fake->change && strcmp(far->fake->change, job->entry->path) == 0)
		assert_int_equal(utimensat(far->root, job->entry->path, now, 0), 0);
}

/* Times were told without fractions: what is expected is found all the same. */
static void expect_whole(struct fake_far *far, struct uc_far_job *job,
			 struct uc_sync_entry *whole)
{
	struct uc_sync_entry now = { 0 };

	if (!job->expect || !far->store || !far->fake->coarse ||
	    uc_store_look(far->store, job->expect->path, &now, NULL) != 0 ||
	    cut(far, now.mtime) != job->expect->mtime)
		return;
	*whole = *job->expect;
	whole->mtime = now.mtime;
	job->expect = whole;
}

/* As when blocks were taken for the same that are not. */
static bool is_spoilt(const struct fake_far *far, struct uc_far_job *job)
{
	bool content = job->what == UC_FAR_PUT || job->what == UC_FAR_GET;

	if (!content || !far->fake->spoil ||
	    strcmp(far->fake->spoil, job->entry->path) != 0)
		return false;
	far->fake->tries++;
	if (job->whole && !far->fake->spoil_whole)
		return false;
	job->outcome = UC_FAR_FAILED;
	job->errno_value = 0;
	job->kept = 1;
	(void)snprintf(job->text, sizeof(job->text), "arrived damaged");
	return true;
}

static void perform(struct fake_far *far, struct uc_far_job *job)
{
	struct uc_sync_entry whole;

	touch(far, job);
	if (is_spoilt(far, job))
		return;
	expect_whole(far, job, &whole);
	if (job->what == UC_FAR_PUT)
		move(far, job, far->options.near, far->store);
	else if (job->what == UC_FAR_GET)
		move(far, job, far->root, far->options.store);
	else
		uc_sync_here(far->store, job);
}

static int lose(struct fake_far *far, struct uc_error *err)
{
	far->lost = true;
	for (size_t i = 0; i < far->count; i++) {
		far->queue[i]->outcome = UC_FAR_LOST;
		far->options.done(far->options.arg, far->queue[i]);
	}
	far->count = 0;
	return uc_fail(err, UC_UNREACHABLE, "the connection was lost");
}

static bool one_more(struct fake_far *far)
{
	struct fake *fake = far->fake;
	long jobs;

	pthread_mutex_lock(&counting);
	jobs = ++fake->jobs;
	pthread_mutex_unlock(&counting);
	if (fake->die_after && jobs == fake->die_after)
		_exit(7);
	return fake->lose_after == 0 || jobs < fake->lose_after;
}

static int step(struct uc_far *base, int timeout, struct uc_error *err)
{
	struct fake_far *far = (struct fake_far *)base;
	struct uc_store *store = far->store ? far->store : far->options.store;
	struct uc_far_job *done[QUEUE];
	size_t some = (size_t)rand_r(&far->seed) % 9 + 1;

	(void)timeout;
	if (far->options.stop(far->options.arg))
		return lose(far, err);
	if (some > far->count)
		some = far->count;
	for (size_t i = 0; i < some; i++) {
		if (!one_more(far))
			return lose(far, err);
		perform(far, far->queue[i]);
	}
	if (store)
		uc_store_flush(store);
	memcpy(done, far->queue, some * sizeof(*done));
	far->count -= some;
	memmove(far->queue, far->queue + some, far->count * sizeof(*done));
	for (; some > 0; some--) { /* in any order */
		size_t at = (size_t)rand_r(&far->seed) % some;
		struct uc_far_job *job = done[at];

		done[at] = done[some - 1];
		base->bytes_out += 100;
		far->options.done(far->options.arg, job);
	}
	return 0;
}

static int call(struct uc_far *base, const char *verb, json_t *arguments, json_t **answer,
		struct uc_error *err)
{
	(void)base;
	(void)arguments;
	(void)answer;
	return uc_fail(err, UC_USAGE, "no '%s' here", verb);
}

static int finish(struct uc_far *base, struct uc_error *err)
{
	struct fake_far *far = (struct fake_far *)base;

	if (far->fake->stuck)
		return uc_fail(err, UC_FAILED, "mode or time of 1 folders cannot be set");
	if (far->store && uc_store_finish(far->store, err) != UC_STORE_OK)
		return -1;
	return 0;
}

static void free_far(struct uc_far *base)
{
	struct fake_far *far = (struct fake_far *)base;

	uc_store_free(far->store);
	close(far->root);
	free(far);
}

static const struct uc_far_ops ops = {
	.list_ask = list_ask,
	.list_run = list_run,
	.submit = submit,
	.step = step,
	.call = call,
	.finish = finish,
	.free = free_far,
};

static int open_far(void *arg, unsigned index, bool sftp,
		    const struct uc_far_options *options, struct uc_far **far,
		    struct uc_error *err)
{
	struct uc_store_options store = { .run = options->run, .no_sync = true };
	struct fake *fake = arg;
	struct fake_far *made;

	(void)sftp;
	if (index && index == fake->bad_lane)
		return uc_fail(err, UC_UNREACHABLE, "no more connections");
	if (options->create)
		(void)!mkdir(fake->root, 0755);
	made = calloc(1, sizeof(*made));
	made->far.ops = &ops;
	made->far.info = (struct uc_far_info){ .root = fake->root,
					       .how = "fake",
					       .deltas = fake->deltas,
					       .nanoseconds = !fake->coarse,
					       .bytes_free = UINT64_MAX,
					       .files_free = UINT64_MAX,
					       .quota_free = UINT64_MAX };
	made->fake = fake;
	made->index = index;
	made->options = *options;
	made->seed = fake->seed + index;
	made->root = open(fake->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (made->root < 0) {
		free(made);
		return uc_fail(err, UC_NOTFOUND, "no folder there");
	}
	if (!options->read_only)
		assert_int_equal(uc_store_open(&made->store, made->root, &store, err), 0);
	pthread_mutex_lock(&counting);
	fake->opened++;
	pthread_mutex_unlock(&counting);
	*far = &made->far;
	return 0;
}

static void close_far(void *arg, unsigned index)
{
	(void)arg;
	(void)index;
}

static unsigned beside(void *arg)
{
	const struct fake *fake = arg;

	return fake->beside;
}

void fake_opener(struct fake *fake, struct uc_sync_opener *opener)
{
	*opener = (struct uc_sync_opener){ .open = open_far,
					   .close = close_far,
					   .streams = 1,
					   .beside = beside,
					   .arg = fake };
}
