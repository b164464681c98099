/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync_peer.h"

#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <ucluster/sync.h>
#include <ucluster/units.h>
#include <unistd.h>

static int make_folder(const char *base, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", base, name);
	assert_int_equal(mkdir(path, 0755), 0);
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int peer_setup(void **state)
{
	struct peer *peer = calloc(1, sizeof(*peer));
	const char *tmp = getenv("TMPDIR");

	signal(SIGPIPE, SIG_IGN);
	snprintf(peer->base, sizeof(peer->base), "%s/uc-peer-XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(peer->base));
	peer->near = make_folder(peer->base, "near");
	peer->far = make_folder(peer->base, "far");
	peer->back = make_folder(peer->base, "back");
	peer->stream = (struct uc_stream){ .in = -1, .out = -1 };
	*state = peer;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag,
		      struct FTW *where)
{
	(void)st, (void)flag, (void)where;
	return remove(path);
}

int peer_teardown(void **state)
{
	struct peer *peer = *state;

	(void)peer_end(peer);
	uc_store_free(peer->store);
	close(peer->near);
	close(peer->far);
	close(peer->back);
	(void)nftw(peer->base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(peer);
	return 0;
}

void peer_start(struct peer *peer)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	peer->pid = fork();
	if (peer->pid == 0) {
		struct uc_error err = { 0 };

		close(pair[0]);
		alarm(120); /* whatever happens */
		if (chdir(peer->base) < 0)
			_exit(9);
		_exit(uc_sync_serve(pair[1], pair[1], peer->base, &err) == 0
			      ? 0
			      : 10 + (int)err.code);
	}
	close(pair[1]);
	peer->stream = (struct uc_stream){ .in = pair[0], .out = pair[0] };
}

static void job_done(void *arg, struct uc_far_job *job)
{
	struct peer *peer = arg;

	peer->done++;
	peer->failed += job->outcome != UC_FAR_DONE;
	peer->last = *job;
}

struct uc_far_options peer_options(struct peer *peer)
{
	return (struct uc_far_options){ .root = "far",
					.run = "run-1",
					.near = peer->near,
					.store = peer->store,
					.no_sync = true,
					.silence_ms = 20000,
					.done = job_done,
					.arg = peer };
}

void peer_open(struct peer *peer, const struct uc_far_options *options)
{
	struct uc_stream stream = peer->stream;
	struct uc_error err = { 0 };

	if (uc_far_helper_open(&peer->end, &stream, options, &err) < 0)
		fail_msg("%s", err.text);
}

void peer_serve(struct peer *peer)
{
	const struct uc_store_options store = { .run = "run-1", .no_sync = true };
	struct uc_far_options options;

	if (!peer->store)
		assert_int_equal(uc_store_open(&peer->store, peer->back, &store, NULL),
				 0);
	options = peer_options(peer);
	peer_start(peer);
	peer_open(peer, &options);
}

int peer_end(struct peer *peer)
{
	int status = 0;

	uc_far_free(peer->end);
	peer->end = NULL;
	if (peer->stream.in >= 0)
		close(peer->stream.in);
	peer->stream = (struct uc_stream){ .in = -1, .out = -1 };
	if (!peer->pid)
		return -1;
	assert_int_equal(waitpid(peer->pid, &status, 0), peer->pid);
	peer->pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void peer_write(int folder, const char *path, const void *bytes, size_t len)
{
	int fd = openat(folder, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
}

void peer_fill(int folder, const char *path, size_t len, unsigned seed)
{
	unsigned char *bytes = malloc(len + 1);

	for (size_t i = 0; i < len; i++) {
		seed = seed * 1664525u + 1013904223u;
		bytes[i] = (unsigned char)(seed >> 24);
	}
	peer_write(folder, path, bytes, len);
	free(bytes);
}

static int add_entry(void *arg, int folder, const struct uc_sync_entry *entry,
		     struct uc_error *err)
{
	(void)folder;
	return uc_sync_list_add(arg, entry, err);
}

void peer_walk(int folder, struct uc_sync_list *list)
{
	struct uc_sync_walk_options options = { .no_gitignore = true,
						.entry = add_entry,
						.arg = list };
	uc_auto(sync_walked) struct uc_sync_walked walked = { 0 };

	assert_int_equal(uc_sync_walk(folder, &options, &walked, NULL), 0);
}

static void same_content(int a, int b, const struct uc_sync_entry *entry)
{
	static char one[65536], other[65536];
	int fds[2] = { openat(a, entry->path, O_RDONLY | O_CLOEXEC),
		       openat(b, entry->path, O_RDONLY | O_CLOEXEC) };
	ssize_t got;

	assert_true(fds[0] >= 0 && fds[1] >= 0);
	while ((got = read(fds[0], one, sizeof(one))) > 0) {
		assert_int_equal(read(fds[1], other, sizeof(other)), got);
		assert_memory_equal(one, other, (size_t)got);
	}
	assert_int_equal(read(fds[1], other, sizeof(other)), 0);
	close(fds[0]);
	close(fds[1]);
}

void peer_same(int a, int b)
{
	uc_auto(sync_list) struct uc_sync_list one = { 0 }, other = { 0 };

	peer_walk(a, &one);
	peer_walk(b, &other);
	assert_int_equal(one.count, other.count);
	for (size_t i = 0; i < one.count; i++) {
		const struct uc_sync_entry *x = uc_sync_list_at(&one, i);
		const struct uc_sync_entry *y = uc_sync_list_at(&other, i);

		assert_string_equal(x->path, y->path);
		assert_int_equal(x->kind, y->kind);
		assert_int_equal(x->size, y->size);
		assert_int_equal(x->mode, y->mode);
		assert_int_equal(x->twin, y->twin);
		if (x->kind != UC_SYNC_LINK)
			assert_int_equal(x->mtime, y->mtime);
		else
			assert_string_equal(x->target, y->target);
		if (x->kind == UC_SYNC_FILE)
			same_content(a, b, x);
	}
}

struct uc_sync_entry peer_look(int folder, const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(folder, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	return (struct uc_sync_entry){
		.path = path,
		.kind = S_ISDIR(st.st_mode) ? UC_SYNC_FOLDER : UC_SYNC_FILE,
		.size = S_ISDIR(st.st_mode) ? 0 : (uint64_t)st.st_size,
		.mtime = (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
		.mode = (uint16_t)(st.st_mode & 07777),
	};
}

/* Jobs */

void peer_wait(struct peer *peer, size_t jobs)
{
	int64_t deadline = uc_monotonic_ms() + 60000;
	struct uc_error err = { 0 };

	while (peer->done < jobs) {
		if (peer->end->ops->step(peer->end, 1000, &err) < 0)
			fail_msg("%s", err.text);
		assert_true(uc_monotonic_ms() < deadline);
	}
}

void peer_submit(struct peer *peer, struct uc_far_job *job)
{
	struct uc_error err = { 0 };
	int status;

	while ((status = peer->end->ops->submit(peer->end, job, &err)) > 0)
		if (peer->end->ops->step(peer->end, 1000, &err) < 0)
			break;
	if (status != 0)
		fail_msg("%s", err.text);
}

enum uc_far_outcome peer_job(struct peer *peer, struct uc_far_job *job)
{
	size_t before = peer->done;

	peer_submit(peer, job);
	peer_wait(peer, before + 1);
	return job->outcome;
}

static enum uc_far_what what_for(const struct uc_sync_entry *entry)
{
	if (entry->kind == UC_SYNC_FOLDER)
		return UC_FAR_FOLDER;
	if (entry->kind == UC_SYNC_LINK)
		return UC_FAR_LINK;
	return entry->twin ? UC_FAR_TWIN : UC_FAR_PUT;
}

void peer_push(struct peer *peer)
{
	uc_auto(sync_list) struct uc_sync_list list = { 0 };
	struct uc_far_job *job;
	struct uc_error err = { 0 };
	size_t before = peer->done, failed = peer->failed;

	peer_walk(peer->near, &list);
	job = calloc(list.count + 1, sizeof(*job));
	for (size_t i = 0; i < list.count; i++) {
		job[i].entry = uc_sync_list_at(&list, i);
		job[i].what = what_for(job[i].entry);
		if (job[i].what != UC_FAR_TWIN)
			peer_submit(peer, &job[i]);
	}
	for (size_t i = 0; i < list.count; i++) {
		if (job[i].what != UC_FAR_TWIN)
			continue;
		job[i].twin = uc_sync_list_at(&list, job[i].entry->twin - 1)->path;
		peer_submit(peer, &job[i]);
	}
	peer_wait(peer, before + list.count);
	assert_int_equal(peer->failed, failed);
	if (peer->end->ops->finish(peer->end, &err) < 0)
		fail_msg("%s", err.text);
	free(job);
}

static int pulled(void *arg, const struct uc_sync_entry *entry, uint64_t sum,
		  struct uc_error *err)
{
	(void)sum;
	return uc_sync_list_add(arg, entry, err);
}

static void make_here(struct peer *peer, const struct uc_sync_list *list,
		      const struct uc_sync_entry *entry)
{
	struct uc_error err = { 0 };
	int outcome;

	if (entry->kind == UC_SYNC_FOLDER)
		outcome = uc_store_folder(peer->store, entry, NULL, &err);
	else if (entry->kind == UC_SYNC_LINK)
		outcome = uc_store_link(peer->store, entry, NULL, &err);
	else
		outcome = uc_store_twin(peer->store, entry,
					uc_sync_list_at(list, entry->twin - 1)->path,
					NULL, &err);
	if (outcome != UC_STORE_OK)
		fail_msg("%s", err.text);
}

void peer_pull(struct peer *peer)
{
	uc_auto(sync_list) struct uc_sync_list list = { 0 };
	const struct uc_far_list_options options = {
		.no_gitignore = true, .no_defaults = true, .entry = pulled, .arg = &list
	};
	struct uc_far_listed listed;
	struct uc_error err = { 0 };
	struct uc_far_job *job;
	size_t jobs = peer->done;

	assert_int_equal(peer->end->ops->list_ask(peer->end, &options, &err), 0);
	if (peer->end->ops->list_run(peer->end, &listed, &err) < 0)
		fail_msg("%s", err.text);
	assert_true(listed.complete);
	assert_int_equal(listed.entries, list.count);
	job = calloc(list.count + 1, sizeof(*job));
	for (size_t i = 0; i < list.count; i++) {
		job[i].entry = uc_sync_list_at(&list, i);
		job[i].what = UC_FAR_GET;
		if (what_for(job[i].entry) == UC_FAR_PUT) {
			peer_submit(peer, &job[i]);
			jobs++;
		} else if (!job[i].entry->twin) {
			make_here(peer, &list, job[i].entry);
		}
	}
	peer_wait(peer, jobs);
	for (size_t i = 0; i < list.count; i++)
		if (job[i].entry->twin)
			make_here(peer, &list, job[i].entry);
	assert_int_equal(peer->failed, 0);
	assert_int_equal(uc_store_finish(peer->store, &err), UC_STORE_OK);
	free(job);
}
