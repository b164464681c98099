/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A task enters its container: the last thing before Slurm executes the command. */
#include "pyxis.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCH AUDIT_ARCH_AARCH64
#else
#error "the sandbox's seccomp filter knows x86_64 and aarch64"
#endif

int uc_join(const struct uc_box *box, const struct uc_options *options)
{
	static const struct {
		enum uc_fd fd;
		int type;
		const char *name;
	} order[] = {
		{ UC_FD_USER, CLONE_NEWUSER, "user" },
		{ UC_FD_MNT, CLONE_NEWNS, "mount" },
		{ UC_FD_IPC, CLONE_NEWIPC, "IPC" },
		{ UC_FD_UTS, CLONE_NEWUTS, "UTS" },
		{ UC_FD_NET, CLONE_NEWNET, "network" },
	};

	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		int fd = box->fds[order[i].fd];
		if (fd < 0 || setns(fd, order[i].type) == 0)
			continue;
		slurm_error("pyxis: couldn't join %s namespace: %s", order[i].name,
			    strerror(errno));
		return -1;
	}

	const char *cwd = options->workdir ? options->workdir : box->cwd;
	if (chdir(cwd) == 0)
		return 0;
	slurm_error("pyxis: couldn't chdir to %s%s: %s",
		    options->workdir ? "" : "container cwd ", cwd, strerror(errno));
	return -1;
}

// clang-format off
static const long pretended[] = {
#ifdef __NR_chown
	__NR_chown, __NR_lchown,
#endif
	__NR_fchown, __NR_fchownat,
	__NR_setuid, __NR_setgid, __NR_setreuid, __NR_setregid, __NR_setresuid, __NR_setresgid,
	__NR_setfsuid, __NR_setfsgid, __NR_setgroups,
};
// clang-format on

#define N_PRETENDED (sizeof(pretended) / sizeof(*pretended))

/*
 * Only one user and one group exist inside, so changes of owner and user "succeed"
 * without effect: package managers do not stop at them.
 */
int uc_seccomp_pretend(void)
{
	struct sock_filter code[N_PRETENDED + 5];
	size_t n = 0;

	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, arch));
	code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCH, 0,
						 N_PRETENDED + 1);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
						 offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < N_PRETENDED; i++)
		code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
							 (uint32_t)pretended[i],
							 (uint8_t)(N_PRETENDED - i), 0);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO);

	struct sock_fprog program = { .len = (unsigned short)n, .filter = code };
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
		return 0;
	slurm_error("pyxis: seccomp filter failed: %s", strerror(errno));
	return -1;
}
