/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A scan from its beginning to its end: threads are started, watched and joined. */
#include "disk/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/units.h>
#include "base/arena.h"
#include "base/network.h"

enum {
	LOCAL_MAX = 8, /* threads, where files are in memory */
	WAITING_MAX =
		16, /* where each has to be waited for: measured, more is no faster */
	TOP = 20,
	PROGRESS_MS = 100,
	STACK = 512 * 1024,
	IOPRIO_LOWEST = 2 << 13 | 7, /* best effort, ioprio_set(2) */
	NICE = 10,
};

/* Of this thread only: Linux keeps both for each thread. */
static void give_way(void)
{
	id_t me = (id_t)syscall(SYS_gettid);

	if (getpriority(PRIO_PROCESS, me) < NICE)
		setpriority(PRIO_PROCESS, me, NICE);
	syscall(SYS_ioprio_set, 1, 0, IOPRIO_LOWEST);
}

static void *thread_main(void *arg)
{
	struct uc_scan_thread *thread = arg;
	struct uc_scan *scan = thread->scan;
	struct uc_scan_job *job = NULL;

	if (!scan->how.eager)
		give_way();
	while ((job = uc_scan_pop(scan, job != NULL))) {
		uc_scan_work(thread, job);
		uc_scan_job_free(job);
		if (atomic_load(&scan->failed))
			uc_scan_stop(scan);
	}
	pthread_mutex_lock(&scan->lock);
	if (--scan->running == 0)
		pthread_cond_signal(&scan->ended);
	pthread_mutex_unlock(&scan->lock);
	return NULL;
}

/* Everything of one run. */
struct team {
	struct uc_scan scan;
	struct uc_scan_thread *thread[UC_DISK_THREADS_MAX];
	size_t count;
	int64_t start_ms;
};

static struct uc_scan_thread *thread_new(struct uc_scan *scan)
{
	struct uc_scan_thread *thread = malloc(sizeof(*thread));

	if (!thread)
		return NULL;
	/* the large arrays need no zeros */
	thread->scan = scan;
	thread->slow = false;
	memset(&thread->tally, 0, sizeof(thread->tally));
	thread->tally.top_max = (size_t)scan->how.top;
	thread->tally.top = calloc((size_t)scan->how.top, sizeof(*thread->tally.top));
	if (thread->tally.top)
		return thread;
	free(thread);
	return NULL;
}

static int start_thread(struct team *team)
{
	struct uc_scan_thread *thread = thread_new(&team->scan);
	sigset_t all, old;
	pthread_attr_t attr;
	int rc;

	if (!thread)
		return ENOMEM;
	/* signals are for the caller's threads */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK);
	pthread_mutex_lock(&team->scan.lock);
	rc = pthread_create(&thread->id, &attr, thread_main, thread);
	if (rc == 0) {
		team->thread[team->count++] = thread;
		team->scan.running++;
	}
	pthread_mutex_unlock(&team->scan.lock);
	pthread_attr_destroy(&attr);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (rc == 0)
		return 0;
	free(thread->tally.top);
	free(thread);
	return rc;
}

static void start_threads(struct team *team, int wanted)
{
	while ((int)team->count < wanted && start_thread(team) == 0)
		;
}

static bool tell(struct team *team)
{
	struct uc_scan *scan = &team->scan;
	struct uc_disk_progress now = {
		.files = atomic_load(&scan->files),
		.bytes = atomic_load(&scan->bytes),
		.elapsed_ms = uc_monotonic_ms() - team->start_ms,
		.threads = (int)team->count,
	};

	pthread_mutex_lock(&scan->lock);
	now.waiting = scan->waiting;
	pthread_mutex_unlock(&scan->lock);
	return scan->how.progress(scan->how.arg, &now);
}

/* Threads that wait for the disk need company; those that compute do not. */
static void reinforce(struct team *team, bool may_grow)
{
	uint64_t all = atomic_exchange(&team->scan.batches, 0);
	uint64_t slow = atomic_exchange(&team->scan.slow_batches, 0);

	if (may_grow && team->count < WAITING_MAX && 2 * slow > all)
		start_threads(team, WAITING_MAX);
}

static bool wait_ended(struct uc_scan *scan, int64_t ms)
{
	struct timespec until;
	bool ended;
	int rc = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += ms % 1000 * 1000000;
	until.tv_sec += ms / 1000 + until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	pthread_mutex_lock(&scan->lock);
	while (scan->running && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&scan->ended, &scan->lock, &until);
	ended = !scan->running;
	pthread_mutex_unlock(&scan->lock);
	return ended;
}

static void supervise(struct team *team, bool may_grow)
{
	struct uc_scan *scan = &team->scan;
	int64_t step = scan->how.progress_ms;

	while (!wait_ended(scan, step)) {
		if (atomic_load(&scan->stop))
			continue;
		if (scan->how.progress && !tell(team))
			uc_scan_stop(scan);
		reinforce(team, may_grow);
	}
}

static int threads_wanted(const struct uc_scan *scan)
{
	struct statfs fs;
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	if (scan->how.threads > 0)
		return scan->how.threads;
	if (fstatfs(scan->root_fd, &fs) == 0 && uc_fs_is_network(fs.f_type))
		return WAITING_MAX;
	return cores < 1 ? 1 : cores > LOCAL_MAX ? LOCAL_MAX : (int)cores;
}

static int clamp(int value, int usual, int max)
{
	return value <= 0 ? usual : value > max ? max : value;
}

static void init(struct uc_scan *scan, const char *root, const struct uc_disk_how *how)
{
	pthread_condattr_t attr;

	if (how)
		scan->how = *how;
	scan->root = root;
	scan->how.threads = clamp(scan->how.threads, 0, UC_DISK_THREADS_MAX);
	scan->how.depth = clamp(scan->how.depth, 1, UC_DISK_DEPTH_MAX);
	scan->how.top = clamp(scan->how.top, TOP, UC_DISK_TOP_MAX);
	scan->how.progress_ms = clamp(scan->how.progress_ms, PROGRESS_MS, 10000);
	if (!scan->how.now)
		scan->how.now = time(NULL);
	pthread_mutex_init(&scan->lock, NULL);
	pthread_cond_init(&scan->more, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&scan->ended, &attr);
	pthread_condattr_destroy(&attr);
	for (size_t i = 0; i < UC_SCAN_SHARDS; i++)
		pthread_mutex_init(&scan->links.shard[i].lock, NULL);
}

static void free_jobs(struct uc_scan_job *job)
{
	while (job) {
		struct uc_scan_job *next = job->next;

		uc_scan_job_free(job);
		job = next;
	}
}

static void finish(struct team *team)
{
	struct uc_scan *scan = &team->scan;

	for (size_t i = 0; i < team->count; i++) {
		uc_scan_tally_free(&team->thread[i]->tally);
		free(team->thread[i]);
	}
	while (scan->buckets) {
		struct uc_scan_bucket *older = scan->buckets->older;

		free(scan->buckets);
		scan->buckets = older;
	}
	for (size_t i = 0; i < UC_SCAN_SHARDS; i++)
		free(scan->links.shard[i].key);
	for (size_t i = 0; i < scan->fault_count; i++)
		free(scan->fault[i].path);
	free_jobs(scan->stack);
	free_jobs(scan->later);
	if (scan->root_fd >= 0)
		close(scan->root_fd);
	free(team);
}

/* The root is opened as the user named it, through links; it is counted itself. */
static int open_root(struct team *team, struct uc_error *err)
{
	struct uc_scan *scan = &team->scan;
	struct uc_scan_job *job;
	struct stat st;

	scan->root_fd = open(scan->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	if (scan->root_fd < 0 || fstat(scan->root_fd, &st) < 0)
		return uc_fail_errno(err,
				     errno == ENOENT || errno == ENOTDIR ? UC_NOTFOUND
				     : errno == EACCES                   ? UC_DENIED
									 : UC_FAILED,
				     errno, "cannot open folder '%s'", scan->root);
	scan->dev = st.st_dev;
	job = uc_scan_job_new(scan, 1);
	if (!job)
		return uc_fail(err, UC_FAILED, "out of memory");
	job->data[0] = '\0';
	job->bucket = uc_scan_bucket_new(scan, NULL, "", "");
	if (!job->bucket) {
		uc_scan_job_free(job);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	atomic_store(&job->bucket->bytes, 512 * (uint64_t)st.st_blocks);
	atomic_store(&job->bucket->apparent, (uint64_t)st.st_size);
	atomic_store(&job->bucket->folders, 1);
	atomic_store(&scan->bytes, 512 * (uint64_t)st.st_blocks);
	uc_scan_push(scan, job, job, 1);
	return 0;
}

/* The root belongs to somebody and has an age, too. */
static void count_root(struct team *team)
{
	struct stat st;
	struct uc_scan_entry root = { 0 };

	if (fstat(team->scan.root_fd, &st) < 0)
		return;
	root.bytes = 512 * (uint64_t)st.st_blocks;
	root.apparent = (uint64_t)st.st_size;
	root.mtime = st.st_mtime;
	root.uid = st.st_uid;
	root.mode = st.st_mode;
	uc_scan_tally_add(&team->thread[0]->tally, &root, UC_KIND_OTHER,
			  team->scan.how.now);
}

static int run(struct team *team, struct uc_disk_scan **out, struct uc_error *err)
{
	struct uc_scan *scan = &team->scan;

	if (open_root(team, err) < 0)
		return -1;
	start_threads(team, threads_wanted(scan));
	if (!team->count)
		return uc_fail(err, UC_FAILED, "cannot start a thread");
	supervise(team, scan->how.threads == 0);
	for (size_t i = 0; i < team->count; i++)
		pthread_join(team->thread[i]->id, NULL);
	count_root(team);
	if (atomic_load(&scan->failed))
		return uc_fail(err, UC_FAILED, "out of memory");
	if (uc_scan_result(scan, team->thread, team->count, out, err) < 0)
		return -1;
	(*out)->elapsed_ms = uc_monotonic_ms() - team->start_ms;
	return 0;
}

int uc_disk_scan_run(const char *root, const struct uc_disk_how *how,
		     struct uc_disk_scan **out, struct uc_error *err)
{
	struct team *team = calloc(1, sizeof(*team));
	int rc;

	if (!team)
		return uc_fail(err, UC_FAILED, "out of memory");
	team->start_ms = uc_monotonic_ms();
	team->scan.root_fd = -1;
	init(&team->scan, root, how);
	rc = run(team, out, err);
	finish(team);
	return rc;
}

void uc_disk_scan_free(struct uc_disk_scan *scan)
{
	if (scan)
		uc_arena_free(scan->arena);
}
