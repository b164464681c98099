/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <ucluster/spawn.h>
#include "uattach/inside.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/state.h>
#include <ucluster/units.h>

/* What is asked of a helper that is only to be found. */
#define FIND_MS   60000
#define NODES_MAX 100000

static bool begins(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool uattach_is_own_step(const struct uc_step *step)
{
	return step->name.bytes && strcmp(step->name.bytes, UC_OVERLAP_NAME) == 0;
}

/* --- where --- */

static const struct uc_step *find_step(const struct uattach *u,
				       const struct uc_steps *steps)
{
	const struct uc_step *found = NULL;

	for (size_t i = 0; i < steps->count; i++) {
		const struct uc_step *step = &steps->row[i];

		if (u->step != UC_NONE32 && step->step_id == u->step)
			return step;
		if (u->step != UC_NONE32 || !uc_step_is_numbered(step->step_id) ||
		    uattach_is_own_step(step))
			continue;
		if (!found || step->step_id > found->step_id)
			found = step;
	}
	return found;
}

static bool is_index(const char *text)
{
	return text[strspn(text, "0123456789")] == '\0' && strlen(text) < 7;
}

/* By name, by number, or where the step's first task is. */
static int find_node(const struct uattach *u, struct uattach_place *place,
		     struct uc_error *err)
{
	uc_auto(strv) struct uc_strv all = { 0 }, own = { 0 };
	const char *want = u->args.node;
	size_t index = 0;

	uc_hosts_expand(u->job->nodes.bytes, NODES_MAX, &all);
	if (place->step && !uc_raw_empty(place->step->nodes))
		uc_hosts_expand(place->step->nodes.bytes, NODES_MAX, &own);
	if (all.failed || own.failed || all.count == 0)
		return uc_fail(err, UC_FAILED, "the job's nodes '%s' are not understood",
			       u->job->nodes.bytes ? u->job->nodes.bytes : "");
	if (!want && u->args.task >= 0 && place->step && own.count > 1)
		return uc_step_task_node(u->src, place->step, (uint32_t)u->args.task,
					 &place->node, err);
	if (!want) {
		const bool step = own.count > 0 && uc_strv_find(&all, own.item[0]) >= 0;

		uc_buf_add(&place->node, step ? own.item[0] : all.item[0]);
		return 0;
	}
	if (uc_strv_find(&all, want) >= 0) {
		uc_buf_add(&place->node, want);
		return 0;
	}
	if (is_index(want))
		while (*want)
			index = index * 10 + (size_t)(*want++ - '0');
	if (is_index(u->args.node) && index < all.count) {
		uc_buf_add(&place->node, all.item[index]);
		return 0;
	}
	return uc_fail(err, UC_NOTFOUND, "'%s' is no node of the job: it has '%s'",
		       u->args.node, u->job->nodes.bytes);
}

int uattach_place(struct uattach *u, struct uattach_place *place, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf step = { 0 };

	if ((u->job->state & UC_JOB_BASE) == UC_JOB_PENDING && uattach_wait(u, err) < 0) {
		/* that it did all that it had to is no success of a shell in it */
		if (!err->text[0] && u->run->status == 0)
			uc_fail(err, UC_NOTFOUND, "job %" PRIu32 " is over", u->id.job);
		return -1;
	}
	if (uattach_choose_running(u, err) < 0 ||
	    uc_steps_load(u->src, u->job->job_id, &place->steps, err) < 0)
		return -1;
	place->step = find_step(u, place->steps);
	if (!place->step && u->step != UC_NONE32) {
		uc_buf_step(&step, u->step);
		return uc_fail(err, UC_NOTFOUND, "job %" PRIu32 " runs no step %s",
			       u->job->job_id, uc_buf_text(&step));
	}
	return find_node(u, place, err);
}

void uattach_place_free(struct uattach_place *place)
{
	uc_steps_free(place->steps);
	uc_buf_free(&place->node);
}

/* Before 21.08 (whose steps say no words) GPUs are not shared by --overlap: waiting for
 * them would have no end. */
static bool gpus_are_shared(const struct uattach_place *place)
{
	return !place->step || !uc_raw_empty(place->step->submit_line);
}

void uattach_srun(const struct uattach *u, const struct uattach_place *place,
		  struct uc_strv *argv)
{
	uc_overlap_srun(u->job->job_id, uc_buf_text(&place->node), argv);
	if (!gpus_are_shared(place))
		uc_strv_add(argv, "--gres=none");
	if (u->run->parsed.verbose == 0)
		uc_strv_add(argv, "--quiet");
	argv->failed |= place->node.failed;
}

/* --- children --- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int spawn(const struct uc_run *run, const struct uc_strv *argv, pid_t *pid,
		 const int far[3])
{
	uc_auto(strv) struct uc_strv env = { 0 };
	/* out of the terminal's reach: neither its signals nor its modes are srun's */
	struct uc_spawn spawn = { .words = argv->item,
				  .session = true,
				  .fd = { far[0], far[1], far[2] } };

	uc_overlap_environment(run, &env);
	if (env.failed || argv->failed)
		return ENOMEM;
	spawn.environment = env.item;
	return uc_spawn(&spawn, pid);
}

int uattach_spawn(const struct uc_run *run, const struct uc_strv *argv,
		  struct uattach_child *child, struct uc_error *err)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, errors[2] = { -1, -1 };
	int rc = 0;

	if (pipe2(in, O_CLOEXEC) < 0 || pipe2(out, O_CLOEXEC) < 0 ||
	    pipe2(errors, O_CLOEXEC) < 0)
		rc = errno;
	if (!rc)
		rc = spawn(run, argv, &child->pid, (int[]){ in[0], out[1], errors[1] });
	close_fd(&in[0]);
	close_fd(&out[1]);
	close_fd(&errors[1]);
	child->to = in[1];
	child->from = out[0];
	child->errors = errors[0];
	if (!rc)
		return 0;
	child->pid = 0;
	return uc_fail_errno(err, UC_UNREACHABLE, rc, "cannot run '%s'",
			     argv->failed ? "srun" : argv->item[0]);
}

static bool has_ended(struct uattach_child *child, int *status, int ms)
{
	for (; ms >= 0; ms -= 10) {
		const pid_t got = waitpid(child->pid, status, WNOHANG);

		if (got == child->pid || (got < 0 && errno != EINTR))
			return true;
		poll(NULL, 0, 10);
	}
	return false;
}

int uattach_child_end(struct uattach_child *child, int ms)
{
	int status = 0;

	close_fd(&child->to);
	if (child->pid && !has_ended(child, &status, ms)) {
		/* srun hands this on as an order to kill its step, and only that */
		kill(child->pid, SIGTERM);
		if (!has_ended(child, &status, 3000)) {
			kill(child->pid, SIGKILL);
			has_ended(child, &status, 3000);
		}
	}
	close_fd(&child->from);
	close_fd(&child->errors);
	child->pid = 0;
	return uattach_exit_status(status);
}

/* --- the helper --- */

#define HELLO "job-inside " /* and its version */

/* What a pipe gives until it ends or `until` (ms), `size` - 1 bytes at most. */
static void read_until(int fd, int64_t until, char *bytes, size_t size)
{
	struct pollfd on = { .fd = fd, .events = POLLIN };
	size_t len = 0;

	while (len < size - 1) {
		const int64_t left = until - uc_monotonic_ms();
		ssize_t got = -1;

		if (left > 0 && poll(&on, 1, (int)left) > 0)
			got = read(fd, bytes + len, size - 1 - len);
		if (got <= 0)
			break;
		len += (size_t)got;
	}
	bytes[len] = '\0';
}

/* Does a step say our helper's greeting? Else `why` has what srun said instead. */
static bool greets(const struct uattach *u, const struct uc_strv *argv, char *why,
		   size_t size, struct uc_error *err)
{
	struct uattach_child child = { .to = -1, .from = -1, .errors = -1 };
	const int64_t begun = uc_monotonic_ms();
	char said[64];

	why[0] = '\0';
	if (uattach_spawn(u->run, argv, &child, err) < 0)
		return false;
	close_fd(&child.to);
	read_until(child.from, begun + FIND_MS, said, sizeof(said));
	if (!begins(said, HELLO))
		read_until(child.errors, uc_monotonic_ms() + 1000, why, size);
	uattach_child_end(&child, begins(said, HELLO) ? 5000 : 0);
	return begins(said, HELLO);
}

/* What the user is told of a helper that does not greet. */
static int no_helper(const char *path, const char *node, char *why, struct uc_error *err)
{
	why[strcspn(why, "\n")] = '\0';
	uc_fail(err, UC_UNREACHABLE, "the helper '%s' cannot run on '%s': %s", path, node,
		why[0] ? why : "srun said nothing");
	return uc_hint(err, "nodes must see that file: by a shared file system, or by "
			    "ucluster installed there as it is here");
}

int uattach_helper(struct uattach *u, const struct uattach_place *place,
		   struct uc_strv *argv, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv hello = { 0 };
	uc_auto(buf) struct uc_buf path = { 0 };
	char why[512];

	uc_buf_addf(&path, "%s/job-inside", u->run->libexec_dir);
	uattach_srun(u, place, &hello);
	uc_strv_add(&hello, "--chdir=/");
	uc_strv_add(&hello, uc_buf_text(&path));
	uc_strv_add(&hello, "hello");
	if (path.failed || hello.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	err->text[0] = '\0';
	if (!greets(u, &hello, why, sizeof(why), err))
		return err->text[0] ? -1
				    : no_helper(uc_buf_text(&path),
						uc_buf_text(&place->node), why, err);
	uc_strv_add(argv, uc_buf_text(&path));
	return argv->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}
