/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_HEALTH_H
#define UCLUSTER_HEALTH_H
/*
 * Is what jobs need there: controllers, accounting, munge? Each question is bounded by
 * the time-out of its source.
 *
 *	struct uc_controller_health health;
 *	if (uc_health_controller(src, 0, &health, &err) == 0)
 *		printf("%s answered in %lld us\n", health.host, health.micros);
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/source.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UC_HEALTH_TEXT 128

struct uc_controller_health {
	char host[UC_HEALTH_TEXT];     /* name of this controller, or "" */
	char version[UC_HEALTH_TEXT];  /* of slurmctld: "22.05.8" */
	char libslurm[UC_HEALTH_TEXT]; /* of the libslurm that asked */
	char cluster[UC_HEALTH_TEXT];
	char accounting[UC_HEALTH_TEXT]; /* host of slurmdbd; "": no accounting */
	int64_t micros;                  /* until it answered */
	unsigned count;                  /* controllers that are configured */
};
/*
 * Ask controller `index` (0: the primary); at most two RPCs. UC_UNREACHABLE: it does not
 * answer; UC_DENIED: the source is not live.
 */
int uc_health_controller(struct uc_source *src, unsigned index,
			 struct uc_controller_health *out,
			 struct uc_error *err) UC_MUST_CHECK;

/* Connect to slurmdbd; microseconds until it answered. UC_UNREACHABLE as above. */
int uc_health_accounting(struct uc_source *src, int64_t *micros,
			 struct uc_error *err) UC_MUST_CHECK;

/* The slurm.conf that libslurm will read (conf: from the configuration, or NULL), NULL
 * when there is none: it comes from slurmctld. Borrowed. */
const char *uc_health_slurm_conf(const char *conf);
/* How many controllers it names; 0: not known. */
unsigned uc_health_controller_count(const char *slurm_conf);

/*
 * Does munged take connections on this host, within timeout_ms? `path` (may be NULL) gets
 * its socket. UC_UNREACHABLE.
 */
int uc_health_munge(const char *slurm_conf, int timeout_ms, struct uc_buf *path,
		    struct uc_error *err) UC_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
