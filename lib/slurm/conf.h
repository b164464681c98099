/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_CONF_H
#define UC_SLURM_CONF_H
/* The little that is read from slurm.conf without libslurm: for error messages. */
#include <ucluster/text.h>

/*
 * Where libslurm will look: `conf`, else SLURM_CONF, else the usual default when it
 * exists, else NULL (configless). Borrowed.
 */
const char *uc_slurm_conf_path(const char *conf);

/* "HOST" or "HOST1 or HOST2" of SlurmctldHost; nothing when it cannot be read. */
void uc_slurm_conf_hosts(struct uc_buf *hosts, const char *path);

/* The value of one key, the last one given; nothing when unset or unreadable. */
void uc_slurm_conf_value(struct uc_buf *value, const char *path, const char *key);

/* UC_UNREACHABLE when a file that was named cannot be read: libslurm would retry for 59
 * s. */
int uc_slurm_conf_check(const char *conf, struct uc_error *err) UC_MUST_CHECK;

#endif
