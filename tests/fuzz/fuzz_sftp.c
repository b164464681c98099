/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * An SFTP server that answers anything: the input is all that it ever says. It is opened,
 * listed and asked for files; names that come out are names, in order, and what is
 * written here stays in its folder.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sync/far.h"
#include "sync/sftp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define JOBS 8

struct world {
	struct uc_sync_list list;
	struct uc_far_job job[JOBS];
	unsigned ended;
};

static void check(bool good)
{
	if (!good)
		abort();
}

/* Packets alone: what can be read of them lies within. */
static void read_packet(const uint8_t *data, size_t size)
{
	struct uc_sftp_answer answer;
	struct uc_sftp_name name;

	if (uc_sftp_answer_read(&answer, data, size, NULL) < 0)
		return;
	if (answer.bytes)
		check(answer.bytes >= data && answer.bytes + answer.len <= data + size);
	while (answer.type == UC_SFTP_NAME && uc_sftp_name_next(&answer, &name, NULL) > 0)
		check(name.bytes >= data && name.bytes + name.len <= data + size);
}

static int take_entry(void *arg, const struct uc_sync_entry *entry, uint64_t sum,
		      struct uc_error *err)
{
	struct world *w = arg;

	(void)sum;
	check(*entry->path && entry->path[0] != '/' && !strstr(entry->path, "//") &&
	      !strstr(entry->path, "/../") && strncmp(entry->path, "../", 3) != 0 &&
	      strcmp(entry->path, "..") != 0);
	check((entry->kind == UC_SYNC_LINK) == (entry->target != NULL));
	if (w->list.count)
		check(uc_sync_path_compare(
			      uc_sync_list_at(&w->list, w->list.count - 1)->path,
			      entry->path) < 0);
	return uc_sync_list_add(&w->list, entry, err);
}

static void done(void *arg, struct uc_far_job *job)
{
	struct world *w = arg;

	(void)job;
	w->ended++;
}

/* The first entries are asked for; all others are there for a look. */
static void transfer(struct world *w, struct uc_far *far)
{
	unsigned given = 0;

	for (size_t i = 0; i < w->list.count && given < JOBS; i++) {
		struct uc_far_job *job = &w->job[given];

		job->entry = uc_sync_list_at(&w->list, i);
		job->expect = i % 2 ? job->entry : NULL;
		job->twin = "a";
		job->what = (enum uc_far_what)(i % (UC_FAR_REMOVE + 1));
		if (far->ops->submit(far, job, NULL) < 0)
			break;
		given++;
	}
	while (w->ended < given)
		if (far->ops->step(far, 0, NULL) < 0)
			break;
	check(w->ended == given);
	(void)far->ops->finish(far, NULL);
}

/* A packet a message, so that each is read when those before were acted on. */
static int feed(const uint8_t *data, size_t size)
{
	int pair[2];

	check(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0,
			 pair) == 0);
	while (size > 0) {
		size_t len = size;

		if (size > 4 && !data[0] && !data[1] &&
		    data[2] * 256u + data[3] + 4 < size)
			len = data[2] * 256u + data[3] + 4;
		if (write(pair[1], data, len) < 0)
			break;
		data += len;
		size -= len;
	}
	close(pair[1]);
	return pair[0];
}

static void run(const uint8_t *data, size_t size, int near)
{
	const struct uc_store_options store_options = { .run = "run", .no_sync = true };
	struct world w = { 0 };
	struct uc_far_options options = {
		.root = "/r",
		.run = "run",
		.near = near,
		.done = done,
		.arg = &w,
	};
	const struct uc_far_list_options list = { .entry = take_entry, .arg = &w };
	struct uc_stream stream = { .in = feed(data, size),
				    .out = open("/dev/null", O_WRONLY | O_CLOEXEC) };
	const struct uc_stream ends = stream;
	struct uc_far_listed listed;
	struct uc_far *far = NULL;

	check(uc_store_open(&options.store, near, &store_options, NULL) == 0);
	if (uc_far_sftp_open(&far, &stream, &options, NULL) == 0 &&
	    far->ops->list_ask(far, &list, NULL) == 0 &&
	    far->ops->list_run(far, &listed, NULL) == 0)
		transfer(&w, far);
	uc_far_free(far);
	uc_store_free(options.store);
	uc_sync_list_free(&w.list);
	close(ends.in);
	close(ends.out);
}

/* Files came into this folder, and none of it has another. */
static void clear(int near)
{
	DIR *dir = fdopendir(near);
	const struct dirent *entry;

	check(dir != NULL);
	while ((entry = readdir(dir)))
		(void)unlinkat(near, entry->d_name, 0);
	closedir(dir);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[] = "/tmp/fuzz-sftp-XXXXXX";
	int near;

	if (size > 1 << 16)
		return 0;
	read_packet(data, size);
	check(mkdtemp(path) != NULL);
	near = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	run(data, size, near);
	clear(near);
	check(rmdir(path) == 0);
	return 0;
}
