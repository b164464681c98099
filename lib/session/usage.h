/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SESSION_USAGE_H
#define UC_SESSION_USAGE_H
/* What a job uses on this node. */
#include <sys/types.h>
#include <ucluster/text.h>

/* CPU time of all its processes in ms, -1 when not known. */
int64_t uc_usage_cpu(const char *job);

/* A question to nvidia-smi, which may take its time. Zero-initialise. */
struct uc_gpu_probe {
	pid_t pid; /* 0: none runs */
	int fd;
	int64_t since; /* ms */
	struct uc_buf text;
};
/*
 * Ask about these GPUs ("0,2", or NULL: all that are seen). False: nobody can be asked.
 * Read from probe->fd until uc_gpu_probe_read() says so.
 */
bool uc_gpu_probe_start(struct uc_gpu_probe *probe, const char *gpus,
			const char *const *environment);
enum uc_gpu_state {
	UC_GPU_LATER, /* more is to come */
	UC_GPU_BUSY,
	UC_GPU_IDLE,
	UC_GPU_UNKNOWN, /* that was no answer */
};
enum uc_gpu_state uc_gpu_probe_read(struct uc_gpu_probe *probe);
/* End it, whether it answered or not; its process is left to be waited for. */
void uc_gpu_probe_end(struct uc_gpu_probe *probe);
/* From an answer, one number a line. */
enum uc_gpu_state uc_gpu_state(const char *answer);

#endif
