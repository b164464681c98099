/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UCLUSTER_DOCTOR_H
#define UC_UCLUSTER_DOCTOR_H
/*
 * What ucluster doctor looks at. Each check is a process of its own with a deadline:
 * what hangs, such as a file system whose server is gone, takes nothing else along.
 */
#include "common/run.h"
#include "common/table.h"

enum doctor_state {
	DOCTOR_OK,
	DOCTOR_WARN,
	DOCTOR_FAIL,
};

struct doctor_finding {
	enum doctor_state state;
	const char *check;          /* constant */
	struct uc_buf text, remedy; /* raw; the remedy is what to type, or empty */
};

/* Findings of one check, or of all. Zero-initialise. */
struct doctor {
	struct uc_run *run;
	const char *check; /* that is under way */
	struct doctor_finding *finding;
	size_t count;
};
/* Add a finding; what memory lacks for is left out. */
void doctor_add(struct doctor *d, enum doctor_state state, const char *fmt, ...)
	UC_PRINTF(3, 4);
/* What to do about the last one. */
void doctor_remedy(struct doctor *d, const char *fmt, ...) UC_PRINTF(2, 3);
/* Text and hint of an error. */
void doctor_error(struct doctor *d, enum doctor_state state, const struct uc_error *err);
void doctor_free(struct doctor *d);

/* `path` below the home directory, or with it in front. */
void doctor_home(const struct doctor *d, const char *path, struct uc_buf *out);
/* A path for people, as ~/... where that is shorter. */
const char *doctor_path(const struct doctor *d, const char *path, struct uc_buf *out);

/* doctor_print.c */
extern const struct uc_column doctor_columns[];
/* Print all; UC_FAILED when one is a fail. */
int doctor_print(struct doctor *d, const struct uc_listing *listing,
		 const struct uc_selection *selection);

/* doctor_here.c */
void doctor_config(struct doctor *d);
void doctor_install(struct doctor *d);
void doctor_state_dir(struct doctor *d);
void doctor_sockets(struct doctor *d);
/* doctor_files.c */
void doctor_credentials(struct doctor *d);
void doctor_images(struct doctor *d);
void doctor_disks(struct doctor *d);
void doctor_caches(struct doctor *d);
/* doctor_cluster.c */
void doctor_slurm(struct doctor *d);
void doctor_containers(struct doctor *d);
void doctor_ssh(struct doctor *d);

#endif
