/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_TRES_IDS_H
#define UC_SLURM_TRES_IDS_H
/*
 * TRES as accounting writes them: "1=2,2=2048,4=1,1001=2", numbers that tres_table names.
 * The first ids are the same everywhere; a site's own begin at 1001.
 */
#include <ucluster/text.h>

enum {
	UC_TRES_CPU = 1,
	UC_TRES_MEMORY = 2, /* MiB when allocated, bytes when used */
	UC_TRES_ENERGY = 3,
	UC_TRES_NODE = 4,
	UC_TRES_BILLING = 5,
	UC_TRES_DISK = 6,
};

/* The next pair whose value is known; false at the end. Broken pairs are skipped. */
bool uc_tres_ids_next(const char **rest, uint32_t *id, uint64_t *value);
/* The value of one id, `fallback` when the list does not have it. */
uint64_t uc_tres_ids_get(const char *list, uint32_t id, uint64_t fallback);

#endif
