/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* File systems: what is asked, what hangs, what the kernel's tables mean. */
#include <errno.h>
#include <fcntl.h>
#include <linux/dqblk_xfs.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/quota.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <ucluster/disk.h>
#include <unistd.h>

#include "disk/mounts.h"
#include "base/network.h"
#include "disk/quota.h"
#include "unit.h"

#define LIBEXEC UC_BUILD_DIR "/libexec/ucluster"

static void test_numbers_are_those_of_statvfs(void **state)
{
	const char *const paths[] = { "/", "/proc/self", "/no/such/path", NULL };
	uc_auto(disk_list) struct uc_disk_list *list = NULL;
	struct uc_error err = { 0 };
	struct statvfs fs;

	(void)state;
	if (uc_disk_list_load(paths, LIBEXEC, 10000, &list, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(statvfs("/", &fs), 0);
	assert_int_equal(list->count, 3);
	assert_int_equal(list->row[0].state, UC_DISK_OK);
	assert_int_equal(list->row[0].size, fs.f_blocks * fs.f_frsize);
	assert_int_equal(list->row[0].files, fs.f_files);
	assert_true(list->row[0].used <= list->row[0].size);
	assert_string_equal(list->row[0].mount.bytes, "/");
	assert_true(list->row[0].type.bytes[0]);
	assert_string_equal(list->row[1].type.bytes, "proc");
	assert_false(list->row[1].network);
	assert_int_equal(list->row[2].state, UC_DISK_FAILED);
	assert_int_equal(list->row[2].error, ENOENT);
	assert_string_equal(list->row[2].path.bytes, "/no/such/path");
}

static void test_no_paths_and_no_helper(void **state)
{
	const char *const none[] = { NULL }, *const one[] = { "/", NULL };
	uc_auto(disk_list) struct uc_disk_list *list = NULL;
	struct uc_disk_list *nothing = NULL;
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(uc_disk_list_load(none, LIBEXEC, 1000, &list, &err), 0);
	assert_int_equal(list->count, 0);
	assert_int_equal(uc_disk_list_load(one, "/nowhere", 1000, &nothing, &err), -1);
	assert_null(nothing);
	assert_non_null(strstr(err.text, "/nowhere/disk-probe"));
}

static int64_t clock_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Stand-ins for disk-probe: one that says nothing for ever, one that says nonsense. */
static void test_a_silent_and_a_mad_helper(void **state)
{
	static const struct {
		const char *program;
		enum uc_disk_state state;
	} rows[] = { { "/bin/sleep", UC_DISK_SILENT }, { "/bin/echo", UC_DISK_FAILED } };
	const char *tmp = getenv("TMPDIR");

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *const paths[] = { "1000", NULL };
		char folder[512], program[600];
		uc_auto(disk_list) struct uc_disk_list *list = NULL;
		struct uc_error err = { 0 };
		int64_t start = clock_ms();

		snprintf(folder, sizeof(folder), "%s/df.XXXXXX", tmp ? tmp : "/tmp");
		assert_non_null(mkdtemp(folder));
		snprintf(program, sizeof(program), "%s/disk-probe", folder);
		assert_int_equal(symlink(rows[i].program, program), 0);
		assert_int_equal(uc_disk_list_load(paths, folder, 200, &list, &err), 0);
		assert_int_equal(list->row[0].state, rows[i].state);
		assert_true(clock_ms() - start < 5000);
		unlink(program);
		rmdir(folder);
	}
}

enum {
	SKIPPED = 77
};

/* Answer the first request of the kernel (FUSE_INIT), then take requests and say no more:
 * who asks now waits in the kernel, and no signal wakes him. */
static void serve_one(int fd)
{
	struct {
		struct fuse_out_header head;
		struct fuse_init_out init;
	} reply = { { sizeof(reply), 0, 0 }, { 0 } };
	char request[65536];
	struct fuse_in_header *in = (struct fuse_in_header *)request;

	while (read(fd, request, sizeof(request)) > 0) {
		if (in->opcode != FUSE_INIT)
			continue;
		reply.head.unique = in->unique;
		reply.init.major = FUSE_KERNEL_VERSION;
		reply.init.minor = FUSE_KERNEL_MINOR_VERSION;
		reply.init.max_write = 4096;
		if (write(fd, &reply, sizeof(reply)) != sizeof(reply))
			return;
	}
}

static int ask_hung(const char *folder)
{
	const char *const paths[] = { folder, "/", NULL };
	struct uc_disk_list *list = NULL;
	int64_t start = clock_ms();
	int rc = 0;

	if (uc_disk_list_load(paths, LIBEXEC, 500, &list, NULL) < 0)
		return 1;
	if (clock_ms() - start > 5000)
		rc = 2;
	else if (list->row[0].state != UC_DISK_SILENT)
		rc = 3;
	else if (!list->row[0].mount.bytes ||
		 strcmp(list->row[0].mount.bytes, folder) != 0)
		rc = 4;
	else if (list->row[1].state != UC_DISK_OK)
		rc = 5;
	uc_disk_list_free(list);
	return rc;
}

static int hang(const char *folder)
{
	char options[128];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC), rc;
	pid_t server;

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0",
		 fd);
	if (fd < 0 || unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", "", MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("hung", folder, "fuse", MS_NOSUID | MS_NODEV, options) < 0)
		return SKIPPED;
	server = fork();
	if (server == 0) {
		serve_one(fd);
		_exit(0);
	}
	close(fd);
	rc = ask_hung(folder);
	/* the last to have the device open: the kernel gives up on the request */
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	return rc;
}

static void test_a_file_system_that_hangs(void **state)
{
	const char *tmp = getenv("TMPDIR");
	char folder[512];
	int status;
	pid_t pid;

	(void)state;
	snprintf(folder, sizeof(folder), "%s/hung.XXXXXX", tmp ? tmp : "/tmp");
	assert_non_null(mkdtemp(folder));
	pid = fork();
	if (pid == 0)
		_exit(hang(folder));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	rmdir(folder);
	if (WIFEXITED(status) && WEXITSTATUS(status) == SKIPPED)
		skip();
	assert_int_equal(status, 0);
}

static void test_mountinfo_is_understood(void **state)
{
	uc_auto(arena) struct uc_arena *arena = uc_arena_new();
	struct uc_mounts mounts = uc_mounts_parse(
		arena,
		"22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
		"30 22 0:50 / /data rw shared:9 master:2 - nfs4 srv:/data rw,addr=::1\n"
		"31 30 0:51 / /data/a\\040b\\134c rw - tmpfs tmp\\011fs rw\n"
		"garbage\n"
		"32 22 none / /x rw - ext4 /dev/y rw\n"
		"33 22 0:9 / /y rw shared:1\n"
		"34 22 0:60 / /data rw - lustre mgs@tcp:/fs rw");
	const struct uc_mount *found;

	(void)state;
	assert_int_equal(mounts.count, 4);
	assert_string_equal(mounts.item[2].path, "/data/a b\\c");
	assert_string_equal(mounts.item[2].device, "tmp\tfs");
	found = uc_mounts_find(&mounts, 30, "/");
	assert_string_equal(found->device, "srv:/data");
	assert_int_equal(found->dev_minor, 50);
	/* the later one hides the earlier */
	found = uc_mounts_find(&mounts, 0, "/data/set");
	assert_string_equal(found->type, "lustre");
	assert_string_equal(uc_mounts_find(&mounts, 0, "/database")->path, "/");
	assert_string_equal(uc_mounts_find(&mounts, 0, "/data/a b\\c/d")->type, "tmpfs");
	mounts.count = 0;
	assert_null(uc_mounts_find(&mounts, 1, "/"));
}

static void test_quotas_count_in_the_kernels_units(void **state)
{
	const struct dqblk vfs = { .dqb_curspace = 5000,
				   .dqb_bsoftlimit = 10,
				   .dqb_bhardlimit = 20,
				   .dqb_curinodes = 3,
				   .dqb_isoftlimit = 4,
				   .dqb_ihardlimit = 5 };
	const struct fs_disk_quota xfs = { .d_bcount = 10,
					   .d_blk_softlimit = 20,
					   .d_blk_hardlimit = 40,
					   .d_icount = 3,
					   .d_ino_softlimit = 4,
					   .d_ino_hardlimit = 5 };
	struct uc_disk_quota a, b, none = { .known = true };
	int fd = open("/proc", O_PATH);

	(void)state;
	uc_disk_quota_from_vfs(&vfs, &a);
	uc_disk_quota_from_xfs(&xfs, &b);
	assert_true(a.known && b.known);
	assert_int_equal(a.bytes, 5000);
	assert_int_equal(b.bytes, 5120);
	assert_int_equal(a.bytes_soft, 10240);
	assert_int_equal(b.bytes_soft, 10240);
	assert_int_equal(a.bytes_limit, 20480);
	assert_int_equal(b.bytes_limit, 20480);
	assert_int_equal(a.files + a.files_soft + a.files_limit, 12);
	assert_int_equal(b.files + b.files_soft + b.files_limit, 12);
	uc_disk_quota_get(fd, 0, &none);
	assert_false(none.known);
	close(fd);
}

static void test_network_file_systems_by_number(void **state)
{
	(void)state;
	assert_true(uc_fs_is_network(0x6969));
	assert_true(uc_fs_is_network((long)0xff534d42));
	assert_true(uc_fs_is_network((int)0xff534d42)); /* a long of 32 bits */
	assert_false(uc_fs_is_network(0xef53));         /* ext4 */
	assert_false(uc_fs_is_network(0x01021994));     /* tmpfs */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers_are_those_of_statvfs),
		cmocka_unit_test(test_no_paths_and_no_helper),
		cmocka_unit_test(test_a_silent_and_a_mad_helper),
		cmocka_unit_test(test_a_file_system_that_hangs),
		cmocka_unit_test(test_mountinfo_is_understood),
		cmocka_unit_test(test_quotas_count_in_the_kernels_units),
		cmocka_unit_test(test_network_file_systems_by_number),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
