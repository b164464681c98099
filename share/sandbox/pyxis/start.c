/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Starting a container and entering a running one, seen from slurmstepd. It holds the
 * namespaces' descriptors; tasks inherit those and enter. When the last is closed, by
 * whatever death, the kernel takes all mounts and the loop device away.
 */
#include "holder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Unpacking is bounded by itself, mounting takes milliseconds, an entrypoint a minute. */
#define START_MS (22 * 60 * 1000)
/* The holder has closed its socket: it is about to end. */
#define END_MS 5000

/* Waits for what the holder sends; its end without that is a failure. */
static int collect(struct uc_box *box, int sock, pid_t pid)
{
	char text[PATH_MAX + 1];
	int failed = uc_receive_fds(sock, text, sizeof(text), box->fds, START_MS);

	if (failed) {
		int status = uc_child_wait(pid, END_MS);
		return status > 0 && WIFEXITED(status) ? WEXITSTATUS(status)
						       : UC_START_FAILED;
	}
	box->cwd = strdup(text + 1);
	if (!box->cwd)
		return UC_START_FAILED;
	if (text[0] == UC_HOLDER_STAYS)
		box->holder = pid;
	else
		uc_child_wait(pid, END_MS);
	return UC_STARTED;
}

static int run_holder(struct uc_start *start)
{
	int pair[2];
	struct uc_box *box = start->box;

	box->log = memfd_create("pyxis-log", MFD_CLOEXEC);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return UC_START_FAILED;
	pid_t pid = fork();
	if (pid == 0) {
		uc_child_prepare(box->log);
		close(pair[0]);
		start->sock = pair[1];
		_exit((int)uc_hold(start));
	}
	close(pair[1]);
	int stage = pid < 0 ? UC_START_FAILED : collect(box, pair[0], pid);
	box->sock = pair[0];
	if (box->holder < 0)
		uc_close(&box->sock);
	return stage;
}

void uc_box_print_log(struct uc_box *box, bool failed)
{
	FILE *file = box->log >= 0 ? fdopen(box->log, "r") : NULL;
	char *line = NULL;
	size_t size = 0;

	if (!file)
		return;
	box->log = -1;
	rewind(file);
	if (failed)
		slurm_error("pyxis: printing enroot log file:");
	while (getline(&line, &size, file) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (failed)
			slurm_error("pyxis:     %s", line);
		else
			slurm_spank_log("%s", line);
	}
	free(line);
	fclose(file);
}

static int start_failed(struct uc_box *box, const struct uc_options *options, int stage)
{
	if (stage == UC_CREATE_FAILED) {
		slurm_error("pyxis: failed to create container filesystem for image: %s",
			    options->image);
	} else if (stage == UC_SOURCE_MISSING) {
		const char *source = uc_missing_source(options);
		slurm_error("pyxis: --container-mounts: source path does not exist: %s",
			    source ? source : "");
		slurm_error("pyxis: couldn't create enroot start configuration script");
	} else {
		if (stage == UC_ENDED_EARLY)
			slurm_error("pyxis: container exited too soon");
		else
			slurm_error("pyxis: container start failed with error code: %d",
				    stage);
		if (box->entrypoint)
			slurm_error(
				"pyxis: if the image has an unusual entrypoint, try using "
				"--no-container-entrypoint");
	}
	uc_box_print_log(box, true);
	return -1;
}

static void drop_folder(struct uc_box *box)
{
	uc_tree_remove(box->dir);
	uc_close(&box->lock);
}

/* A made container stays when its start failed, if it has a name. */
static int settle_folder(struct uc_box *box, int stage)
{
	if (box->filesystem_exists)
		return 0;
	if (stage == UC_STARTED || (box->named && stage != UC_CREATE_FAILED))
		return uc_box_keep_folder(box);
	drop_folder(box);
	return 0;
}

static int make_folder(struct uc_box *box, const struct uc_options *options)
{
	if (box->filesystem_exists || uc_box_make_folder(box) == 0)
		return 0;
	slurm_error("pyxis: failed to create container filesystem for image: %s",
		    options->image);
	slurm_error("pyxis: printing enroot log file:");
	slurm_error("pyxis:     [ERROR] Invalid argument: %s", box->name);
	return -1;
}

/* As the user, in the step's working directory: slurmstepd's user_init. */
int uc_box_start(struct uc_box *box, const struct uc_site *site, const struct uc_job *job,
		 const struct uc_options *options)
{
	char *cwd = getcwd(NULL, 0);
	char *image = NULL;
	struct uc_start start = {
		.box = box,
		.site = site,
		.job = job,
		.options = options,
		.node_cwd = cwd ? cwd : "/",
		.image = -1,
		.sock = -1,
		.root = -1,
	};
	int rc = make_folder(box, options);

	slurm_info("pyxis: sandbox stand-in for pyxis and enroot, starting container: %s",
		   box->name);
	if (rc == 0 && options->image)
		image = options->image[0] == '/'
				? strdup(options->image)
				: uc_fmt("%s/%s", start.node_cwd, options->image);
	if (rc == 0) {
		start.image_path = image ? image : "";
		int stage = run_holder(&start);
		int kept = settle_folder(box, stage);
		rc = stage == UC_STARTED && kept == 0 ? 0
						      : start_failed(box, options, stage);
	}
	if (rc == 0)
		uc_box_note_namespace(box);
	free(image);
	free(cwd);
	return rc;
}

/* Whether it was started with --container-remap-root decides where home is. */
static int find_home(struct uc_box *box, const struct uc_job *job)
{
	char path[64];
	unsigned int inside = 1;

	snprintf(path, sizeof(path), "/proc/%d/uid_map", (int)box->attach_to);
	FILE *map = fopen(path, "re");
	bool read = map && fscanf(map, "%u", &inside) == 1;
	if (map)
		fclose(map);
	free(box->home);
	box->remap_root = read && inside == 0 && job->uid != 0;
	box->home = strdup(box->remap_root ? "/root" : job->home);
	return box->home ? 0 : -1;
}

/* Opens the namespaces of a process inside; all of them that differ from ours. */
int uc_box_attach(struct uc_box *box, const struct uc_job *job)
{
	static const char *const names[] = { "user", "mnt", "net", "ipc", "uts" };
	struct stat theirs, ours;
	char path[64];

	if (find_home(box, job))
		return -1;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)box->attach_to,
			 names[i]);
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		snprintf(path, sizeof(path), "/proc/self/ns/%s", names[i]);
		if (fd < 0 || fstat(fd, &theirs) || stat(path, &ours)) {
			slurm_error("pyxis: unable to open %s namespace file: %s",
				    names[i], strerror(errno));
			uc_close(&fd);
			return -1;
		}
		if (theirs.st_ino == ours.st_ino)
			uc_close(&fd);
		box->fds[i] = fd;
	}
	snprintf(path, sizeof(path), "/proc/%d/root", (int)box->attach_to);
	box->fds[UC_FD_ROOT] = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (box->fds[UC_FD_ROOT] < 0)
		return -1;
	box->cwd = uc_env_image_cwd(box->fds[UC_FD_ROOT], box->home);
	return uc_env_collect(box, box->fds[UC_FD_ROOT]);
}

/* What the step holds open: with the last task's end the mounts go too. */
void uc_box_close(struct uc_box *box)
{
	for (size_t i = 0; i < UC_FDS; i++)
		uc_close(&box->fds[i]);
	uc_close(&box->log);
	uc_close(&box->sock);
	if (box->holder > 0) {
		uc_child_wait(box->holder, END_MS);
		box->holder = -1;
	}
}
