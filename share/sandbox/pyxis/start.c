/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Starting a container: a child, the holder, makes the namespaces, mounts everything and
 * sends slurmstepd the namespaces' descriptors. Tasks inherit those and enter. When the
 * last descriptor is closed, by whatever death, the kernel takes all mounts and the loop
 * device away. The holder itself is gone by then, unless it serves a FUSE image.
 */
#include "pyxis.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Unpacking is bounded by itself, mounting takes milliseconds, an entrypoint a minute. */
#define START_MS (22 * 60 * 1000)
/* The holder has closed its socket: it is about to end. */
#define END_MS 5000

static enum uc_method choose_method(const struct uc_site *site, bool named)
{
	static const char *const names[] = { "kernel", "squashfuse", "unsquashfs" };

	if (named)
		return UC_UNPACK;
	for (int i = 0; site->use && i < 3; i++)
		if (strcmp(site->use, names[i]) == 0)
			return (enum uc_method)i;
	if (getuid() == 0)
		return UC_KERNEL;
	return access("/dev/fuse", R_OK | W_OK) == 0 ? UC_FUSE : UC_UNPACK;
}

/* As root, before the rights are given up for good. */
static int mount_as_root(struct uc_start *start)
{
	if (setresuid(0, 0, 0) || unshare(CLONE_NEWNS) ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	return uc_image_mount_kernel(start->image, "lower", start->job->uid,
				     start->job->gid);
}

static int unpack(struct uc_start *start)
{
	struct uc_box *box = start->box;

	if (box->named)
		return uc_image_unpack(start->image_path, "rootfs");

	char *cached = uc_image_unpack_cached(start->image_path, start->image,
					      start->site->cache_path, start->job->uid);
	int rc = cached ? rmdir("lower") : -1;
	if (rc == 0)
		rc = symlink(cached, "lower");
	free(cached);
	return rc;
}

static int write_proc(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	size_t len = strlen(text);
	int rc = fd >= 0 && write(fd, text, len) == (ssize_t)len ? 0 : -1;

	uc_close(&fd);
	return rc;
}

/* uid and gid: as they were outside; a user runs without root under any group. */
static int map_ids(const struct uc_start *start, unsigned int uid, unsigned int gid)
{
	bool remap = start->box->remap_root;
	char *users = uc_fmt("%u %u 1", remap ? 0 : uid, uid);
	char *groups = uc_fmt("%u %u 1", remap ? 0 : gid, gid);
	int rc = users && groups ? 0 : -1;

	if (rc == 0)
		rc = write_proc("/proc/self/setgroups", "deny");
	if (rc == 0)
		rc = write_proc("/proc/self/uid_map", users);
	if (rc == 0)
		rc = write_proc("/proc/self/gid_map", groups);
	free(users);
	free(groups);
	return rc;
}

static int enter_namespaces(const struct uc_start *start)
{
	unsigned int uid = (unsigned int)geteuid(), gid = (unsigned int)getegid();

	/* A change of user made /proc/self root's; the maps are written through it. */
	prctl(PR_SET_DUMPABLE, 1);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | start->options->unshare)) {
		uc_note("enroot-nsenter: failed to create user namespace: %s",
			strerror(errno));
		return -1;
	}
	if (map_ids(start, uid, gid)) {
		uc_note("enroot-nsenter: failed to map users: %s", strerror(errno));
		return -1;
	}
	return mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL);
}

/* The image below, the writes above; on a tmpfs where the disk cannot carry them. */
static int mount_overlay(void)
{
	const char *data = "lowerdir=lower,upperdir=up/upper,workdir=up/work,userxattr";

	if (mount("overlay", "root", "overlay", 0, data) == 0)
		return 0;
	if (mount("tmpfs", "up", "tmpfs", 0, "mode=755") || mkdir("up/upper", 0755) ||
	    mkdir("up/work", 0755) || mount("overlay", "root", "overlay", 0, data)) {
		uc_note("enroot-mount: failed to mount: overlay at %s: %s", "/",
			strerror(errno));
		return -1;
	}
	return 0;
}

static int mount_root(struct uc_start *start, enum uc_method method, pid_t *server)
{
	struct uc_box *box = start->box;

	if (box->named && mount("rootfs", "root", NULL, MS_BIND, NULL)) {
		uc_note("enroot-mount: failed to mount: %s at /: %s", box->dir,
			strerror(errno));
		return -1;
	}
	if (!box->named && method == UC_FUSE &&
	    uc_image_mount_fuse(start->image_path, "lower", server))
		return -1;
	if (!box->named && mount_overlay())
		return -1;

	/* Without the mounts to come: what is saved, and what lies below them. */
	start->root = (int)syscall(SYS_open_tree, AT_FDCWD, "root",
				   O_CLOEXEC | 1 /* a clone */);
	return start->root < 0 ? -1 : chdir("root");
}

static int check_shell(int root)
{
	int fd = uc_path_open(root, "/bin/sh", O_PATH);

	if (fd < 0)
		uc_note("enroot-switchroot: failed to execute: /bin/sh: %s",
			strerror(errno));
	int rc = fd < 0 ? -1 : 0;
	uc_close(&fd);
	return rc;
}

static int switch_root(struct uc_start *start)
{
	if (syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH) || chdir("/")) {
		uc_note("enroot-switchroot: failed to pivot root: %s", strerror(errno));
		return -1;
	}
	if (start->box->writable)
		return 0;
	int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc = uc_mount_readonly(root, "/", false);
	uc_close(&root);
	return rc;
}

static int open_namespaces(struct uc_start *start)
{
	static const struct {
		const char *path;
		int flag;
	} all[] = {
		{ "/proc/self/ns/user", 0 },
		{ "/proc/self/ns/mnt", 0 },
		{ "/proc/self/ns/net", CLONE_NEWNET },
		{ "/proc/self/ns/ipc", CLONE_NEWIPC },
		{ "/proc/self/ns/uts", CLONE_NEWUTS },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (all[i].flag && !(start->options->unshare & all[i].flag))
			continue;
		start->box->fds[i] = open(all[i].path, O_RDONLY | O_CLOEXEC);
		if (start->box->fds[i] < 0)
			return -1;
	}
	start->box->fds[UC_FD_ROOT] = start->root;
	return 0;
}

/* The first absolute source that is missing; relative ones are mount's to complain of. */
static const char *missing_source(const struct uc_options *options)
{
	struct stat st;

	for (size_t i = 0; i < options->n_mounts; i++) {
		const char *source = options->mounts[i].source;

		if (source[0] == '/' && stat(source, &st) &&
		    (errno == ENOENT || errno == ENOTDIR))
			return source;
	}
	return NULL;
}

static enum uc_stage create(struct uc_start *start, enum uc_method *method)
{
	struct uc_box *box = start->box;

	/* Still with the user's effective rights: what the user may read is mounted. */
	if (!box->filesystem_exists) {
		start->image = uc_image_open(start->image_path);
		if (start->image < 0)
			return UC_CREATE_FAILED;
	}
	if (*method == UC_KERNEL && !box->filesystem_exists && mount_as_root(start)) {
		if (start->site->use) {
			uc_note("[ERROR] Failed to mount: %s: %s", start->options->image,
				strerror(errno));
			return UC_CREATE_FAILED;
		}
		*method = UC_UNPACK;
	}
	if (uc_job_become_user(start->job))
		return UC_CREATE_FAILED;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (*method == UC_UNPACK && !box->filesystem_exists && unpack(start))
		return UC_CREATE_FAILED;
	return UC_STARTED;
}

static enum uc_stage hold(struct uc_start *start)
{
	struct uc_box *box = start->box;
	enum uc_method method = choose_method(start->site, box->named);
	pid_t server = -1;

	if (chdir(box->dir))
		return UC_CREATE_FAILED;
	umask(022);
	enum uc_stage stage = create(start, &method);
	if (stage != UC_STARTED)
		return stage;
	if (missing_source(start->options))
		return UC_SOURCE_MISSING;

	if (enter_namespaces(start) || mount_root(start, method, &server) ||
	    check_shell(start->root) || uc_rootfs_fill(start) || switch_root(start) ||
	    open_namespaces(start))
		return UC_START_FAILED;
	int failed = box->entrypoint ? uc_entrypoint_run(start) : uc_env_plain(start);
	if (failed)
		return failed > 0 ? (enum uc_stage)failed : UC_START_FAILED;
	if (uc_send_fds(start->sock, box->cwd ? box->cwd : "/", box->fds))
		return UC_START_FAILED;
	if (server > 0)
		waitpid(server, NULL, 0);
	return UC_STARTED;
}

/* Waits for what the holder sends; its end without that is a failure. */
static int collect(struct uc_box *box, int sock, pid_t pid)
{
	char cwd[PATH_MAX];
	int failed = uc_receive_fds(sock, cwd, sizeof(cwd), box->fds, START_MS);

	if (failed) {
		int status = uc_child_wait(pid, END_MS);
		return status > 0 && WIFEXITED(status) ? WEXITSTATUS(status)
						       : UC_START_FAILED;
	}
	box->cwd = strdup(cwd);
	box->holder = pid;
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
		_exit(hold(start));
	}
	close(pair[1]);
	int stage = pid < 0 ? UC_START_FAILED : collect(box, pair[0], pid);
	close(pair[0]);
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
		const char *source = missing_source(options);
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

/* Opens the namespaces of a process inside; all of them that differ from ours. */
int uc_box_attach(struct uc_box *box, const struct uc_job *job)
{
	static const char *const names[] = { "user", "mnt", "net", "ipc", "uts" };
	struct stat theirs, ours;
	char path[64];

	(void)job;
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
	if (box->holder > 0) {
		kill(box->holder, SIGKILL);
		uc_child_wait(box->holder, END_MS);
		box->holder = -1;
	}
}
