/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_WHEN_H
#define UC_SLURM_WHEN_H
#include <stdint.h>
#include <ucluster/error.h>

/*
 * A point in time as sbatch's --begin takes it: "now", "now+2h", "now+90" (seconds),
 * "now+1hour", "16:00", "16:00:30", "4pm", "tomorrow", "tomorrow 08:00", "midnight",
 * "noon", "teatime", "fika", "2026-11-21", "2026-11-21T08:00[:SS]", "11/21[/26]",
 * "112126"; also
 * "+2h". Local time. A time of day that has passed today is tomorrow's.
 */
int uc_when_parse(const char *text, int64_t now, int64_t *when,
		  struct uc_error *err) UC_MUST_CHECK;

#endif
