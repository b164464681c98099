/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A far end over OpenSSH's own sftp-server, with real trees on both sides. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <ucluster/units.h>
#include <unistd.h>

#include "list_unit.h"
#include "sync/far.h"
#include "sync/sftp_far.h"
#include "sync/walk.h"
#include "unit.h"

#define SERVER "/usr/lib/openssh/sftp-server"
#define RANDOM 2000 /* files of the random trees */

/* A job that owns what it points to. */
struct job {
	struct uc_far_job job;
	struct uc_sync_entry entry, expect;
	bool over;
};

struct world {
	char top[64], near_path[80], far_path[80];
	int near, far_fd;
	struct uc_stream stream;
	struct uc_store *store;
	struct uc_far *far;
	struct uc_far_options options;
	struct uc_sync_list list;
	struct uc_far_listed listed;
	struct uc_buf notes;
	size_t ended;
	struct uc_error err;
};

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void done(void *arg, struct uc_far_job *job)
{
	struct job *ours = (struct job *)job;
	struct world *w = arg;

	assert_false(ours->over);
	ours->over = true;
	w->ended++;
}

static void open_far(struct world *w)
{
	static const char *const words[] = { SERVER, "-u", "0022", NULL };
	static const char *const environment[] = { "PATH=/usr/bin", NULL };

	w->options.root = w->far_path;
	w->options.near = w->near;
	w->options.store = w->store;
	w->options.run = "run-1";
	w->options.done = done;
	w->options.arg = w;
	assert_int_equal(uc_stream_spawn(&w->stream, words, environment, &w->err), 0);
	if (uc_far_sftp_open(&w->far, &w->stream, &w->options, &w->err) < 0)
		fail_msg("%s", w->err.text);
}

static void open_store(struct world *w)
{
	const struct uc_store_options options = { .run = "run-1", .no_sync = true };

	assert_int_equal(uc_store_open(&w->store, w->near, &options, &w->err), 0);
}

static int set_up(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	const char *tmp = getenv("TMPDIR");

	(void)snprintf(w->top, sizeof(w->top), "%.40s/sftp-XXXXXX",
		       tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	assert_non_null(mkdtemp(w->top));
	(void)snprintf(w->near_path, sizeof(w->near_path), "%s/near", w->top);
	(void)snprintf(w->far_path, sizeof(w->far_path), "%s/far", w->top);
	assert_int_equal(mkdir(w->near_path, 0755), 0);
	assert_int_equal(mkdir(w->far_path, 0755), 0);
	w->near = open(w->near_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->far_fd = open(w->far_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->options.no_sync = true;
	open_store(w);
	*state = w;
	return 0;
}

static void close_far(struct world *w)
{
	uc_far_free(w->far);
	w->far = NULL;
}

static int tear_down(void **state)
{
	struct world *w = *state;

	close_far(w);
	uc_store_free(w->store);
	uc_sync_list_free(&w->list);
	uc_buf_free(&w->notes);
	close(w->near);
	close(w->far_fd);
	(void)nftw(w->top, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	free(w);
	return 0;
}

/* Trees */

static void make_file(int root, const char *path, const char *text, mode_t mode)
{
	int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static void set_time(int root, const char *path, int64_t seconds)
{
	const struct timespec times[2] = { { .tv_sec = seconds }, { .tv_sec = seconds } };

	assert_int_equal(utimensat(root, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void make_large(int root, const char *path, size_t size)
{
	int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	unsigned char *bytes = malloc(size);
	uint32_t x = 1;

	for (size_t i = 0; i < size; i++)
		bytes[i] = (unsigned char)((x = x * 1664525 + 1013904223) >> 24);
	assert_int_equal(write(fd, bytes, size), (ssize_t)size);
	free(bytes);
	close(fd);
}

static void read_text(int root, const char *path, char text[100])
{
	int fd = openat(root, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	got = read(fd, text, 99);
	assert_true(got >= 0);
	text[got] = '\0';
	close(fd);
}

static void assert_text(int root, const char *path, const char *text)
{
	char got[100];

	read_text(root, path, got);
	assert_string_equal(got, text);
}

static bool is_there(int root, const char *path)
{
	return faccessat(root, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Lists */

static int take_walked(void *arg, int folder, const struct uc_sync_entry *entry,
		       struct uc_error *err)
{
	(void)folder;
	return uc_sync_list_add(arg, entry, err);
}

static void walk(struct uc_sync_list *list, int root,
		 const struct uc_sync_walk_options *rules)
{
	struct uc_sync_walk_options options =
		rules ? *rules : (struct uc_sync_walk_options){ 0 };
	uc_auto(sync_walked) struct uc_sync_walked walked = { 0 };
	struct uc_error err = { 0 };

	options.entry = take_walked;
	options.arg = list;
	assert_int_equal(uc_sync_walk(root, &options, &walked, &err), 0);
}

static int take_listed(void *arg, const struct uc_sync_entry *entry, uint64_t sum,
		       struct uc_error *err)
{
	struct world *w = arg;

	(void)sum;
	if (w->list.count)
		assert_true(uc_sync_path_compare(
				    uc_sync_list_at(&w->list, w->list.count - 1)->path,
				    entry->path) < 0);
	return uc_sync_list_add(&w->list, entry, err);
}

static void take_note(void *arg, enum uc_sync_note note, const char *path,
		      int errno_value)
{
	struct world *w = arg;

	(void)errno_value;
	uc_buf_addf(&w->notes, "%d %s\n", note, path);
}

static void list_far(struct world *w, struct uc_far_list_options options)
{
	options.entry = take_listed;
	options.note = take_note;
	options.arg = w;
	uc_sync_list_free(&w->list);
	uc_buf_reset(&w->notes);
	if (w->far->ops->list_ask(w->far, &options, &w->err) < 0 ||
	    w->far->ops->list_run(w->far, &w->listed, &w->err) < 0)
		fail_msg("%s", w->err.text);
}

static int64_t whole(int64_t ns)
{
	return (int64_t)uc_sftp_seconds(ns) * 1000000000;
}

/* What SFTP cannot tell is not compared: fractions of a second, other names, holes. */
static void assert_same_lists(const struct uc_sync_list *a, const struct uc_sync_list *b,
			      bool link_times)
{
	for (size_t i = 0; i < a->count && i < b->count; i++) {
		const struct uc_sync_entry *x = uc_sync_list_at(a, i);
		const struct uc_sync_entry *y = uc_sync_list_at(b, i);

		assert_string_equal(x->path, y->path);
		assert_int_equal(x->kind, y->kind);
		assert_int_equal(x->size, y->size);
		if (x->kind != UC_SYNC_LINK || link_times)
			assert_int_equal(whole(x->mtime), whole(y->mtime));
		if (x->kind == UC_SYNC_LINK)
			assert_string_equal(x->target, y->target);
		else
			assert_int_equal(x->mode, y->mode);
	}
	assert_int_equal(a->count, b->count);
}

/* Jobs */

static void add_job(struct world *w, struct job *job)
{
	int status;

	job->job.entry = &job->entry;
	while ((status = w->far->ops->submit(w->far, &job->job, &w->err)) == 1)
		assert_int_equal(w->far->ops->step(w->far, 1000, &w->err), 0);
	assert_int_equal(status, 0);
}

static void wait_jobs(struct world *w, size_t count)
{
	while (w->ended < count)
		if (w->far->ops->step(w->far, 1000, &w->err) < 0)
			fail_msg("%s", w->err.text);
}

static enum uc_far_outcome run_job(struct world *w, struct job *job)
{
	w->ended = 0;
	add_job(w, job);
	wait_jobs(w, 1);
	return job->job.outcome;
}

static void fill(struct uc_sync_entry *entry, int root, const char *path)
{
	struct stat st;

	assert_int_equal(fstatat(root, path, &st, AT_SYMLINK_NOFOLLOW), 0);
	*entry = (struct uc_sync_entry){
		.path = path,
		.size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0,
		.mtime = st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec,
		.mode = st.st_mode & 07777,
		.kind = S_ISREG(st.st_mode)   ? UC_SYNC_FILE
			: S_ISDIR(st.st_mode) ? UC_SYNC_FOLDER
					      : UC_SYNC_LINK,
	};
}

static enum uc_far_what what_for(const struct uc_sync_list *list,
				 const struct uc_sync_entry *entry, bool push)
{
	(void)list;
	if (entry->kind == UC_SYNC_FOLDER)
		return UC_FAR_FOLDER;
	if (entry->kind == UC_SYNC_LINK)
		return UC_FAR_LINK;
	if (entry->twin)
		return UC_FAR_TWIN;
	return push ? UC_FAR_PUT : UC_FAR_GET;
}

/* Everything of `list` to the far end. */
static void push_all(struct world *w, const struct uc_sync_list *list)
{
	struct job *jobs = calloc(list->count, sizeof(*jobs));

	w->ended = 0;
	for (size_t i = 0; i < list->count; i++) {
		struct job *job = &jobs[i];

		job->entry = *uc_sync_list_at(list, i);
		job->job.what = what_for(list, &job->entry, true);
		if (job->entry.twin)
			job->job.twin = uc_sync_list_at(list, job->entry.twin - 1)->path;
		add_job(w, job);
	}
	wait_jobs(w, list->count);
	for (size_t i = 0; i < list->count; i++)
		if (jobs[i].job.outcome != UC_FAR_DONE)
			fail_msg("%s: %d %s", jobs[i].entry.path, jobs[i].job.outcome,
				 jobs[i].job.text);
	free(jobs);
	if (w->far->ops->finish(w->far, &w->err) < 0)
		fail_msg("%s", w->err.text);
}

/* Everything that was listed to the near folder. */
static void pull_all(struct world *w)
{
	struct job *jobs = calloc(w->list.count, sizeof(*jobs));
	size_t gets = 0;

	w->ended = 0;
	for (size_t i = 0; i < w->list.count; i++) {
		struct job *job = &jobs[i];
		const struct uc_sync_entry *entry = &job->entry;
		int status = 0;

		job->entry = *uc_sync_list_at(&w->list, i);
		job->job.what = UC_FAR_GET;
		if (entry->kind == UC_SYNC_FOLDER)
			status = uc_store_folder(w->store, entry, NULL, &w->err);
		else if (entry->kind == UC_SYNC_LINK)
			status = uc_store_link(w->store, entry, NULL, &w->err);
		else
			add_job(w, job), gets++;
		if (status != 0)
			fail_msg("%s", w->err.text);
	}
	wait_jobs(w, gets);
	for (size_t i = 0; i < w->list.count; i++)
		if (jobs[i].over && jobs[i].job.outcome != UC_FAR_DONE)
			fail_msg("%s: %d %s", jobs[i].entry.path, jobs[i].job.outcome,
				 jobs[i].job.text);
	free(jobs);
	assert_int_equal(uc_store_finish(w->store, &w->err), 0);
}

/* A tree with everything that is awkward. */
static void make_awkward(int root)
{
	char longest[256] = { 0 }, path[300];

	memset(longest, 'x', 255);
	make_file(root, longest, "long", 0644);
	make_file(root, "new\nline", "a", 0600);
	make_file(root, "esc\x1b[31m", "b", 0755);
	make_file(root, "bad\xff\xfe", "c", 0444);
	make_file(root, "-rf", "d", 0640);
	make_file(root, " blank ", "", 0644);
	make_file(root, "a-b", "e", 0644);
	assert_int_equal(mkdirat(root, "a", 0750), 0);
	make_file(root, "a/inside", "f", 0644);
	assert_int_equal(mkdirat(root, "a/empty", 0700), 0);
	(void)snprintf(path, sizeof(path), "a/%s", longest);
	assert_int_equal(mkdirat(root, path, 0755), 0);
	assert_int_equal(symlinkat("../../outside", root, "a/link"), 0);
	assert_int_equal(symlinkat("bad\xff\x1b", root, "dangling"), 0);
	assert_int_equal(linkat(root, "a/inside", root, "b-twin", 0), 0);
	make_large(root, "large", 3000001);
	set_time(root, "a/inside", 1000000000);
	set_time(root, "dangling", 1100000000);
	set_time(root, "a/empty", 1200000000);
	set_time(root, "a", 1300000000);
}

static void test_sftp_lists_as_a_walk_does(void **state)
{
	uc_auto(sync_list) struct uc_sync_list walked = { 0 };
	struct world *w = *state;

	make_awkward(w->far_fd);
	make_file(w->far_fd, ".uc-0123456789abcdef", "ours", 0600);
	assert_int_equal(mkdirat(w->far_fd, ".ucluster-trash", 0700), 0);
	assert_int_equal(mkfifoat(w->far_fd, "fifo", 0600), 0);
	open_far(w);
	list_far(w, (struct uc_far_list_options){ 0 });
	walk(&walked, w->far_fd, NULL);
	assert_same_lists(&w->list, &walked, true);
	assert_true(w->listed.complete);
	assert_int_equal(w->listed.entries, walked.count);
	assert_string_equal(uc_buf_text(&w->notes), "1 fifo\n");
}

static void test_sftp_list_obeys_the_rules(void **state)
{
	static const char command[] = "*.o\n!keep.o\n", config[] = "later/\n";
	uc_auto(ignore_list) struct uc_ignore_list first = { 0 }, second = { 0 };
	uc_auto(sync_list) struct uc_sync_list walked = { 0 };
	const struct uc_sync_walk_options rules = { .command = &first,
						    .config = &second };
	struct world *w = *state;

	for (int i = 0; i < 4; i++) {
		static const char *const folders[] = { ".git", ".git/info", "later",
						       "src" };

		assert_int_equal(mkdirat(w->far_fd, folders[i], 0755), 0);
	}
	make_file(w->far_fd, ".git/info/exclude", "excluded\n", 0644);
	make_file(w->far_fd, ".gitignore", "*.log\n!important.log\n/src/gen*\n", 0644);
	make_file(w->far_fd, "src/.gitignore", "*.tmp\n", 0644);
	make_file(w->far_fd, "src/.usyncignore", "data\n!x.tmp\n", 0644);
	assert_int_equal(symlinkat("/etc/hostname", w->far_fd, "later/.gitignore"), 0);
	for (int i = 0; i < 12; i++) {
		static const char *const files[] = {
			"excluded",  "a.log",    "important.log", "a.o",
			"keep.o",    "later/x",  "src/gen1",      "src/a.tmp",
			"src/x.tmp", "src/data", "src/main.c",    "src/b.log",
		};

		make_file(w->far_fd, files[i], "x", 0644);
	}
	assert_int_equal(
		uc_ignore_list_read(&first, "c", "", command, strlen(command), &w->err),
		0);
	assert_int_equal(
		uc_ignore_list_read(&second, "c", "", config, strlen(config), &w->err),
		0);
	open_far(w);
	list_far(w, (struct uc_far_list_options){ .command_rules = command,
						  .config_rules = config,
						  .no_defaults = true });
	walk(&walked, w->far_fd, &rules);
	assert_same_lists(&w->list, &walked, true);
	assert_null(list_find(&w->list, "src/a.tmp"));
	assert_non_null(list_find(&w->list, "src/x.tmp"));
	assert_null(list_find(&w->list, "excluded"));
	assert_null(list_find(&w->list, "src/gen1"));
}

static void test_sftp_lists_many_names_and_unreadable_folders(void **state)
{
	uc_auto(sync_list) struct uc_sync_list walked = { 0 };
	struct world *w = *state;
	char path[64];

	assert_int_equal(mkdirat(w->far_fd, "many", 0755), 0);
	for (int i = 0; i < 3000; i++) {
		(void)snprintf(path, sizeof(path), "many/%d", i);
		make_file(w->far_fd, path, "", 0644);
	}
	for (int i = 0; i < 300; i++) {
		(void)snprintf(path, sizeof(path), "folder%d", i);
		assert_int_equal(mkdirat(w->far_fd, path, 0755), 0);
		(void)snprintf(path, sizeof(path), "folder%d/f", i);
		make_file(w->far_fd, path, "", 0644);
	}
	open_far(w);
	list_far(w, (struct uc_far_list_options){ 0 });
	walk(&walked, w->far_fd, NULL);
	assert_same_lists(&w->list, &walked, true);
	assert_true(w->listed.complete);
	if (geteuid() == 0)
		return;
	assert_int_equal(fchmodat(w->far_fd, "many", 0, 0), 0);
	list_far(w, (struct uc_far_list_options){ 0 });
	assert_false(w->listed.complete);
	assert_non_null(list_find(&w->list, "many"));
	assert_string_equal(uc_buf_text(&w->notes), "0 many\n");
	assert_int_equal(fchmodat(w->far_fd, "many", 0700, 0), 0);
}

static void test_sftp_pushes_an_awkward_tree(void **state)
{
	uc_auto(sync_list) struct uc_sync_list here = { 0 }, there = { 0 };
	struct world *w = *state;
	struct stat a, b;

	make_awkward(w->near);
	assert_int_equal(fchmodat(w->near, "a/empty", 0500, 0), 0);
	walk(&here, w->near, NULL);
	open_far(w);
	push_all(w, &here);
	walk(&there, w->far_fd, NULL);
	assert_same_lists(&here, &there, true);
	assert_int_equal(fstatat(w->far_fd, "b-twin", &a, 0), 0);
	assert_int_equal(fstatat(w->far_fd, "a/inside", &b, 0), 0);
	assert_int_equal(a.st_ino, b.st_ino);
	assert_text(w->far_fd, "new\nline", "a");
}

static void test_sftp_pulls_an_awkward_tree(void **state)
{
	uc_auto(sync_list) struct uc_sync_list here = { 0 }, there = { 0 };
	struct world *w = *state;

	make_awkward(w->far_fd);
	open_far(w);
	list_far(w, (struct uc_far_list_options){ 0 });
	pull_all(w);
	walk(&here, w->near, NULL);
	walk(&there, w->far_fd, NULL);
	assert_same_lists(&here, &there, true);
	assert_text(w->near, "esc\x1b[31m", "b");
}

static void make_random(int root)
{
	uint32_t x = 4711;
	char path[128];

	for (int i = 0; i < 40; i++) {
		(void)snprintf(path, sizeof(path), "d%d", i);
		assert_int_equal(mkdirat(root, path, 0755), 0);
	}
	for (int i = 0; i < RANDOM; i++) {
		int fd;
		size_t size;
		unsigned char bytes[9000];

		x = x * 1664525 + 1013904223;
		size = (x >> 10) % sizeof(bytes);
		for (size_t n = 0; n < size; n++)
			bytes[n] = (unsigned char)((x = x * 1664525 + 1013904223) >> 24);
		(void)snprintf(path, sizeof(path), "d%u/%c%d", (x >> 8) % 40,
			       1 + (int)((x >> 16) % 46), i);
		fd = openat(root, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		assert_true(fd >= 0);
		assert_int_equal(write(fd, bytes, size), (ssize_t)size);
		close(fd);
	}
}

static void assert_same_content(struct world *w, const struct uc_sync_list *list)
{
	static unsigned char a[1 << 16], b[1 << 16];

	for (size_t i = 0; i < list->count; i++) {
		const struct uc_sync_entry *entry = uc_sync_list_at(list, i);
		int x = openat(w->near, entry->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		int y = openat(w->far_fd, entry->path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		ssize_t got = 0;

		while (entry->kind == UC_SYNC_FILE && (got = read(x, a, sizeof(a))) > 0) {
			assert_int_equal(read(y, b, sizeof(b)), got);
			assert_memory_equal(a, b, (size_t)got);
		}
		assert_int_equal(got, 0);
		if (x >= 0)
			close(x);
		if (y >= 0)
			close(y);
	}
}

static void test_sftp_random_files_there_and_back(void **state)
{
	uc_auto(sync_list) struct uc_sync_list here = { 0 }, back = { 0 };
	struct world *w = *state;

	make_random(w->near);
	walk(&here, w->near, NULL);
	open_far(w);
	push_all(w, &here);
	assert_same_content(w, &here);
	list_far(w, (struct uc_far_list_options){ 0 });
	assert_same_lists(&here, &w->list, true);
	uc_store_free(w->store);
	close(w->near);
	(void)snprintf(w->near_path, sizeof(w->near_path), "%s/near2", w->top);
	assert_int_equal(mkdir(w->near_path, 0755), 0);
	w->near = open(w->near_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	close_far(w);
	open_store(w);
	open_far(w);
	pull_all(w);
	walk(&back, w->near, NULL);
	assert_same_lists(&here, &back, true);
	assert_same_content(w, &here);
}

static void test_sftp_replaces_only_what_is_expected(void **state)
{
	struct world *w = *state;
	struct job put = { .job.what = UC_FAR_PUT };

	make_file(w->near, "f", "new", 0644);
	make_file(w->far_fd, "f", "old text", 0644);
	set_time(w->far_fd, "f", 1000);
	fill(&put.entry, w->near, "f");
	open_far(w);
	assert_int_equal(run_job(w, &put), UC_FAR_CHANGED);
	put = (struct job){ .job.what = UC_FAR_PUT, .entry = put.entry };
	fill(&put.expect, w->far_fd, "f");
	put.expect.size++;
	put.job.expect = &put.expect;
	assert_int_equal(run_job(w, &put), UC_FAR_CHANGED);
	assert_text(w->far_fd, "f", "old text");
	put.expect.size--;
	put.over = false;
	assert_int_equal(run_job(w, &put), UC_FAR_DONE);
	assert_text(w->far_fd, "f", "new");
	put.over = false;
	assert_int_equal(unlinkat(w->far_fd, "f", 0), 0);
	assert_int_equal(run_job(w, &put), UC_FAR_CHANGED);
	list_far(w, (struct uc_far_list_options){ 0 });
	assert_int_equal(w->list.count, 0);
}

static void test_sftp_source_that_changed_is_told(void **state)
{
	struct world *w = *state;
	struct job put = { .job.what = UC_FAR_PUT }, get = { .job.what = UC_FAR_GET };

	make_file(w->near, "f", "text", 0644);
	make_file(w->far_fd, "g", "text", 0644);
	fill(&put.entry, w->near, "f");
	fill(&get.entry, w->far_fd, "g");
	make_file(w->near, "f", "longer text", 0644);
	make_file(w->far_fd, "g", "longer text", 0644);
	open_far(w);
	assert_int_equal(run_job(w, &put), UC_FAR_VANISHED);
	assert_int_equal(run_job(w, &get), UC_FAR_VANISHED);
	put.over = get.over = false;
	assert_int_equal(unlinkat(w->near, "f", 0), 0);
	assert_int_equal(unlinkat(w->far_fd, "g", 0), 0);
	assert_int_equal(run_job(w, &put), UC_FAR_VANISHED);
	assert_int_equal(run_job(w, &get), UC_FAR_VANISHED);
	assert_false(is_there(w->far_fd, "f"));
	assert_false(is_there(w->near, "g"));
}

static void test_sftp_refuses_links_in_the_way(void **state)
{
	static const char *const paths[] = {
		"link/f", "link/sub/f",        "../f", "/etc/f", "a//f",
		".uc-x",  ".ucluster-trash/f", "",     "a/./f"
	};
	struct world *w = *state;

	assert_int_equal(mkdirat(w->near, "link", 0755), 0);
	make_file(w->near, "link/f", "text", 0644);
	assert_int_equal(mkdirat(w->far_fd, "../outside", 0755), 0);
	assert_int_equal(mkdirat(w->far_fd, "../outside/sub", 0755), 0);
	make_file(w->far_fd, "../outside/f", "mine", 0644);
	assert_int_equal(symlinkat("../outside", w->far_fd, "link"), 0);
	open_far(w);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		for (int what = UC_FAR_PUT; what <= UC_FAR_REMOVE; what++) {
			struct job job = { .job.what = (enum uc_far_what)what,
					   .job.twin = "x" };

			fill(&job.entry, w->near, "link/f");
			job.entry.path = paths[i];
			job.expect = job.entry;
			job.job.expect = what == UC_FAR_REMOVE ? &job.expect : NULL;
			if (run_job(w, &job) != UC_FAR_REFUSED)
				fail_msg("%s %d: %d %s", paths[i], what, job.job.outcome,
					 job.job.text);
		}
	}
	assert_text(w->far_fd, "../outside/f", "mine");
	assert_false(is_there(w->far_fd, "../f"));
}

static void test_sftp_removes_into_the_trash(void **state)
{
	static const char *const paths[] = { "d/e/f", "d/e/g", "d/link", "d/e", "d" };
	struct job jobs[ARRAY_SIZE(paths)] = { 0 };
	struct world *w = *state;
	char target[8];

	assert_int_equal(mkdirat(w->far_fd, "d", 0755), 0);
	assert_int_equal(mkdirat(w->far_fd, "d/e", 0755), 0);
	make_file(w->far_fd, "d/e/f", "one", 0644);
	make_file(w->far_fd, "d/e/g", "two", 0644);
	assert_int_equal(symlinkat("nowhere", w->far_fd, "d/link"), 0);
	open_far(w);
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		jobs[i].job.what = UC_FAR_REMOVE;
		fill(&jobs[i].expect, w->far_fd, paths[i]);
		jobs[i].job.expect = &jobs[i].expect;
	}
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++) {
		jobs[i].entry = jobs[i].expect;
		add_job(w, &jobs[i]);
	}
	wait_jobs(w, ARRAY_SIZE(paths));
	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (jobs[i].job.outcome != UC_FAR_DONE)
			fail_msg("%s: %s", paths[i], jobs[i].job.text);
	assert_false(is_there(w->far_fd, "d"));
	assert_text(w->far_fd, ".ucluster-trash/run-1/d/e/f", "one");
	assert_text(w->far_fd, ".ucluster-trash/run-1/d/e/g", "two");
	assert_int_equal(readlinkat(w->far_fd, ".ucluster-trash/run-1/d/link", target, 8),
			 7);
	/* the same name again in the same run */
	assert_int_equal(mkdirat(w->far_fd, "d", 0755), 0);
	assert_int_equal(mkdirat(w->far_fd, "d/e", 0755), 0);
	make_file(w->far_fd, "d/e/f", "three", 0644);
	fill(&jobs[0].expect, w->far_fd, "d/e/f");
	jobs[0].over = false;
	uc_sftp_folder_set((struct uc_sftp_far *)w->far, "d", UC_SFTP_FOLDER_NEW);
	uc_sftp_folder_set((struct uc_sftp_far *)w->far, "d/e", UC_SFTP_FOLDER_NEW);
	assert_int_equal(run_job(w, &jobs[0]), UC_FAR_DONE);
	assert_text(w->far_fd, ".ucluster-trash/run-1/d/e/f", "one");
	assert_text(w->far_fd, ".ucluster-trash/run-1/d/e/f~1", "three");
}

static void test_sftp_folder_that_is_not_empty_stays(void **state)
{
	struct world *w = *state;
	struct job job = { .job.what = UC_FAR_REMOVE };

	assert_int_equal(mkdirat(w->far_fd, "d", 0755), 0);
	make_file(w->far_fd, "d/f", "one", 0644);
	fill(&job.expect, w->far_fd, "d");
	job.job.expect = &job.expect;
	job.entry = job.expect;
	open_far(w);
	assert_int_equal(run_job(w, &job), UC_FAR_FAILED);
	assert_string_equal(job.job.text, "the folder is not empty");
	assert_text(w->far_fd, "d/f", "one");
}

static void test_sftp_kinds_replace_each_other(void **state)
{
	struct world *w = *state;
	struct job folder = { .job.what = UC_FAR_FOLDER },
		   file = { .job.what = UC_FAR_PUT }, inside = { .job.what = UC_FAR_PUT },
		   link = { .job.what = UC_FAR_LINK };

	assert_int_equal(mkdirat(w->near, "a", 0755), 0);
	make_file(w->near, "a/f", "inside", 0644);
	make_file(w->near, "b", "file", 0644);
	assert_int_equal(symlinkat("target", w->near, "c"), 0);
	make_file(w->far_fd, "a", "was a file", 0644);
	assert_int_equal(mkdirat(w->far_fd, "b", 0755), 0);
	make_file(w->far_fd, "c", "was a file too", 0644);
	fill(&folder.entry, w->near, "a");
	fill(&folder.expect, w->far_fd, "a");
	fill(&inside.entry, w->near, "a/f");
	fill(&file.entry, w->near, "b");
	fill(&file.expect, w->far_fd, "b");
	fill(&link.entry, w->near, "c");
	link.entry.target = "target";
	fill(&link.expect, w->far_fd, "c");
	folder.job.expect = &folder.expect;
	file.job.expect = &file.expect;
	link.job.expect = &link.expect;
	open_far(w);
	add_job(w, &folder);
	add_job(w, &inside);
	add_job(w, &file);
	add_job(w, &link);
	wait_jobs(w, 4);
	assert_string_equal(folder.job.text, "");
	assert_string_equal(inside.job.text, "");
	assert_string_equal(file.job.text, "");
	assert_string_equal(link.job.text, "");
	assert_text(w->far_fd, "a/f", "inside");
	assert_text(w->far_fd, "b", "file");
	assert_text(w->far_fd, ".ucluster-trash/run-1/a", "was a file");
	assert_text(w->far_fd, ".ucluster-trash/run-1/c", "was a file too");
}

static void test_sftp_sets_mode_and_time(void **state)
{
	struct job job = { .job.what = UC_FAR_META };
	struct world *w = *state;
	struct stat st;

	make_file(w->far_fd, "f", "text", 0644);
	set_time(w->far_fd, "f", 5000);
	fill(&job.expect, w->far_fd, "f");
	job.entry = job.expect;
	job.entry.mode = 04755; /* set-user-id does not travel */
	job.entry.mtime = 7000999999999;
	job.job.expect = &job.expect;
	open_far(w);
	assert_int_equal(run_job(w, &job), UC_FAR_DONE);
	assert_int_equal(fstatat(w->far_fd, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(st.st_mtim.tv_sec, 7000);
	job.over = false;
	assert_int_equal(run_job(w, &job), UC_FAR_CHANGED);
	assert_int_equal(unlinkat(w->far_fd, "f", 0), 0);
	assert_int_equal(symlinkat("/etc/hostname", w->far_fd, "f"), 0);
	job.over = false;
	assert_int_equal(run_job(w, &job), UC_FAR_CHANGED);
}

/* What writing permission others get is the server's umask's to say: 022 here. */
static void test_sftp_modes_obey_the_umask_of_the_server(void **state)
{
	struct job job = { .job.what = UC_FAR_PUT };
	struct world *w = *state;
	struct stat st;

	make_file(w->near, "f", "text", 0666);
	fill(&job.entry, w->near, "f");
	open_far(w);
	assert_int_equal(run_job(w, &job), UC_FAR_DONE);
	assert_int_equal(fstatat(w->far_fd, "f", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
}

static void count_names(struct world *w, size_t *names, size_t *temporaries)
{
	DIR *dir = opendir(w->far_path);
	const struct dirent *entry;

	*names = *temporaries = 0;
	while ((entry = readdir(dir))) {
		*names += entry->d_name[0] != '.';
		*temporaries += strncmp(entry->d_name, ".uc-", 4) == 0;
	}
	closedir(dir);
}

/* Until so much of a file is at the far end. */
static void step_until(struct world *w, const char *name, off_t size)
{
	int64_t end = uc_monotonic_ms() + 30000;

	for (;;) {
		DIR *dir = opendir(w->far_path);
		const struct dirent *entry;
		struct stat st;
		bool enough = false;

		while ((entry = readdir(dir)))
			enough = enough ||
				 (strncmp(entry->d_name, name, strlen(name)) == 0 &&
				  fstatat(w->far_fd, entry->d_name, &st, 0) == 0 &&
				  st.st_size >= size);
		closedir(dir);
		if (enough)
			return;
		assert_true(uc_monotonic_ms() < end);
		assert_int_equal(w->far->ops->step(w->far, 5, &w->err), 0);
	}
}

static void test_sftp_goes_on_in_a_partial_file(void **state)
{
	uc_auto(sync_list) struct uc_sync_list list = { 0 };
	struct job job = { .job.what = UC_FAR_PUT };
	struct world *w = *state;
	size_t names, temporaries;

	make_large(w->near, "large", 80 << 20);
	walk(&list, w->near, NULL);
	fill(&job.entry, w->near, "large");
	open_far(w);
	add_job(w, &job);
	step_until(w, ".uc-part", 40 << 20);
	close_far(w);
	assert_true(job.over);
	assert_int_equal(job.job.outcome, UC_FAR_LOST);
	assert_false(is_there(w->far_fd, "large"));
	count_names(w, &names, &temporaries);
	assert_int_equal(temporaries, 1);
	job.over = false;
	open_far(w);
	assert_int_equal(run_job(w, &job), UC_FAR_DONE);
	assert_true(job.job.kept >= 16 << 20);
	assert_int_equal(job.job.kept + job.job.wire, 80 << 20);
	assert_same_content(w, &list);
	count_names(w, &names, &temporaries);
	assert_int_equal(temporaries, 0);
}

static void test_sftp_goes_on_in_what_was_received(void **state)
{
	uc_auto(sync_list) struct uc_sync_list list = { 0 };
	struct job job = { .job.what = UC_FAR_GET };
	struct world *w = *state;

	make_large(w->far_fd, "large", 60 << 20);
	set_time(w->far_fd, "large", 1600000000);
	walk(&list, w->far_fd, NULL);
	fill(&job.entry, w->far_fd, "large");
	open_far(w);
	add_job(w, &job);
	while (job.job.wire < 30 << 20)
		assert_int_equal(w->far->ops->step(w->far, 5, &w->err), 0);
	close_far(w);
	assert_int_equal(job.job.outcome, UC_FAR_LOST);
	assert_false(is_there(w->near, "large"));
	job.over = false;
	open_far(w);
	assert_int_equal(run_job(w, &job), UC_FAR_DONE);
	assert_true(job.job.kept >= 8 << 20);
	assert_int_equal(job.job.kept + job.job.wire, 60 << 20);
	assert_same_content(w, &list);
}

/* One whose access time is not the mark is nobody's to go on in. */
static void test_sftp_distrusts_a_partial_file_without_its_mark(void **state)
{
	uc_auto(sync_list) struct uc_sync_list list = { 0 };
	struct job job = { .job.what = UC_FAR_PUT };
	struct world *w = *state;
	char name[256] = "";
	DIR *dir;
	const struct dirent *entry;

	make_large(w->near, "large", 40 << 20);
	walk(&list, w->near, NULL);
	fill(&job.entry, w->near, "large");
	open_far(w);
	add_job(w, &job);
	step_until(w, ".uc-part", 20 << 20);
	close_far(w);
	dir = opendir(w->far_path);
	while ((entry = readdir(dir)))
		if (strncmp(entry->d_name, ".uc-part", 8) == 0)
			(void)snprintf(name, sizeof(name), "%s", entry->d_name);
	closedir(dir);
	make_large(w->far_fd, name, 39 << 20);
	set_time(w->far_fd, name, 1700000000);
	job.over = false;
	open_far(w);
	assert_int_equal(run_job(w, &job), UC_FAR_DONE);
	assert_int_equal(job.job.kept, 0);
	assert_same_content(w, &list);
}

static void test_sftp_server_that_is_killed_leaves_no_half_file(void **state)
{
	struct job *jobs = calloc(500, sizeof(*jobs));
	struct world *w = *state;
	char path[500][8];
	size_t names, temporaries, whole_ones = 0, lost = 0;

	for (int i = 0; i < 500; i++) {
		(void)snprintf(path[i], sizeof(path[i]), "f%d", i);
		make_large(w->near, path[i], 20000);
	}
	open_far(w);
	w->ended = 0;
	for (int i = 0; i < 500; i++) {
		jobs[i].job.what = UC_FAR_PUT;
		fill(&jobs[i].entry, w->near, path[i]);
		add_job(w, &jobs[i]);
	}
	while (w->ended < 100)
		assert_int_equal(w->far->ops->step(w->far, 1000, &w->err), 0);
	shutdown(((struct uc_sftp_far *)w->far)->sftp.stream.in, SHUT_RDWR);
	while (w->far->ops->step(w->far, 1000, &w->err) == 0)
		;
	assert_int_equal(w->err.code, UC_UNREACHABLE);
	assert_int_equal(w->ended, 500);
	for (int i = 0; i < 500; i++) {
		struct stat st;

		lost += jobs[i].job.outcome == UC_FAR_LOST;
		if (fstatat(w->far_fd, path[i], &st, 0) < 0)
			assert_int_equal(jobs[i].job.outcome, UC_FAR_LOST);
		else
			assert_int_equal(st.st_size, 20000), whole_ones++;
	}
	assert_true(lost > 0 && whole_ones >= 100);
	assert_int_equal(w->far->ops->submit(w->far, &jobs[0].job, &w->err), -1);
	assert_int_equal(w->far->ops->finish(w->far, &w->err), -1);
	count_names(w, &names, &temporaries);
	free(jobs);
}

static void test_sftp_given_up_early_leaves_no_temporaries(void **state)
{
	struct job *jobs = calloc(300, sizeof(*jobs));
	struct world *w = *state;
	char path[300][8];
	size_t names, temporaries;

	for (int i = 0; i < 300; i++) {
		(void)snprintf(path[i], sizeof(path[i]), "f%d", i);
		make_large(w->near, path[i], 20000);
	}
	open_far(w);
	w->ended = 0;
	for (int i = 0; i < 300; i++) {
		jobs[i].job.what = UC_FAR_PUT;
		fill(&jobs[i].entry, w->near, path[i]);
		add_job(w, &jobs[i]);
	}
	while (w->ended < 20)
		assert_int_equal(w->far->ops->step(w->far, 1000, &w->err), 0);
	close_far(w);
	assert_int_equal(w->ended, 300);
	count_names(w, &names, &temporaries);
	assert_int_equal(temporaries, 0);
	free(jobs);
}

static void test_sftp_opens_the_root(void **state)
{
	static const char *const words[] = { SERVER, NULL };
	static const char *const environment[] = { "PATH=/usr/bin", NULL };
	struct world *w = *state;
	char path[100];
	json_t *answer = NULL;

	(void)snprintf(path, sizeof(path), "%s/new/folder", w->far_path);
	w->options.root = path;
	w->options.done = done;
	assert_int_equal(uc_stream_spawn(&w->stream, words, environment, &w->err), 0);
	assert_int_equal(uc_far_sftp_open(&w->far, &w->stream, &w->options, &w->err), -1);
	assert_int_equal(w->err.code, UC_NOTFOUND);
	(void)uc_stream_close(&w->stream, 1000, NULL);
	w->options.create = true;
	assert_int_equal(uc_stream_spawn(&w->stream, words, environment, &w->err), 0);
	assert_int_equal(uc_far_sftp_open(&w->far, &w->stream, &w->options, &w->err), 0);
	assert_string_equal(w->far->info.root, path);
	assert_false(w->far->info.nanoseconds || w->far->info.deltas ||
		     w->far->info.sums);
	assert_true(w->far->info.bytes_free < UINT64_MAX);
	assert_int_equal(w->far->ops->call(w->far, "trash", NULL, &answer, &w->err), -1);
	assert_int_equal(w->err.code, UC_USAGE);
	close_far(w);
	make_file(w->far_fd, "new/file", "", 0644);
	(void)snprintf(path, sizeof(path), "%s/new/file", w->far_path);
	assert_int_equal(uc_stream_spawn(&w->stream, words, environment, &w->err), 0);
	assert_int_equal(uc_far_sftp_open(&w->far, &w->stream, &w->options, &w->err), -1);
	assert_int_equal(w->err.code, UC_USAGE);
	(void)uc_stream_close(&w->stream, 1000, NULL);
	/* no SFTP at all */
	assert_int_equal(
		uc_stream_spawn(&w->stream,
				(const char *const[]){ "echo", "Welcome!", NULL },
				environment, &w->err),
		0);
	assert_int_equal(uc_far_sftp_open(&w->far, &w->stream, &w->options, &w->err), -1);
	assert_int_equal(w->err.code, UC_INVALID);
	(void)uc_stream_close(&w->stream, 1000, NULL);
}

static void test_sftp_read_only_writes_nothing(void **state)
{
	struct job job = { .job.what = UC_FAR_PUT };
	struct world *w = *state;

	make_file(w->near, "f", "text", 0644);
	fill(&job.entry, w->near, "f");
	w->options.read_only = true;
	open_far(w);
	assert_int_equal(run_job(w, &job), UC_FAR_REFUSED);
	list_far(w, (struct uc_far_list_options){ 0 });
	assert_int_equal(w->list.count, 0);
}

static void test_sftp_keeps_to_the_rate(void **state)
{
	struct job job = { .job.what = UC_FAR_PUT };
	struct world *w = *state;
	int64_t begin = uc_monotonic_ms(), took;

	make_large(w->near, "f", 400000);
	fill(&job.entry, w->near, "f");
	w->options.rate = 1000000;
	open_far(w);
	assert_int_equal(run_job(w, &job), UC_FAR_DONE);
	took = uc_monotonic_ms() - begin;
	assert_true(took >= 150); /* a fifth of a second's worth goes at once */
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_sftp_lists_as_a_walk_does),
		TEST(test_sftp_list_obeys_the_rules),
		TEST(test_sftp_lists_many_names_and_unreadable_folders),
		TEST(test_sftp_pushes_an_awkward_tree),
		TEST(test_sftp_pulls_an_awkward_tree),
		TEST(test_sftp_random_files_there_and_back),
		TEST(test_sftp_replaces_only_what_is_expected),
		TEST(test_sftp_source_that_changed_is_told),
		TEST(test_sftp_refuses_links_in_the_way),
		TEST(test_sftp_removes_into_the_trash),
		TEST(test_sftp_folder_that_is_not_empty_stays),
		TEST(test_sftp_kinds_replace_each_other),
		TEST(test_sftp_sets_mode_and_time),
		TEST(test_sftp_modes_obey_the_umask_of_the_server),
		TEST(test_sftp_goes_on_in_a_partial_file),
		TEST(test_sftp_goes_on_in_what_was_received),
		TEST(test_sftp_distrusts_a_partial_file_without_its_mark),
		TEST(test_sftp_server_that_is_killed_leaves_no_half_file),
		TEST(test_sftp_given_up_early_leaves_no_temporaries),
		TEST(test_sftp_opens_the_root),
		TEST(test_sftp_read_only_writes_nothing),
		TEST(test_sftp_keeps_to_the_rate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
