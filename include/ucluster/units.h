/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_UNITS_H
#define UCLUSTER_UNITS_H
/*
 * Durations and sizes as people write them, in and out; and a clock.
 *
 *	int64_t seconds;
 *	uc_duration_parse("1h30m", &seconds, &err);	-> 5400
 *	uc_size_parse("24GB", &bytes, &err);		-> 25769803776
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

#define UC_DURATION_INFINITE INT64_MAX

/*
 * All of Slurm's time formats (srun(1), --time): "minutes", "minutes:seconds",
 * "hours:minutes:seconds", "days-hours", "days-hours:minutes",
 * "days-hours:minutes:seconds", "UNLIMITED"/"INFINITE"; and also "90s", "90m", "8h",
 * "2d", "1w", "1h30m", "2d 4h". Result in seconds, at most 100 years.
 */
int uc_duration_parse(const char *text, int64_t *seconds,
		      struct uc_error *err) UC_MUST_CHECK;

/* Slurm's form: "1-02:03:04", "2:03:04", "3:04" ("UNLIMITED"); srun takes it back. */
void uc_duration_format(struct uc_buf *buf, int64_t seconds);
/* For people: "2d 4h", "1h 30m", "45s". */
void uc_duration_words(struct uc_buf *buf, int64_t seconds);

/*
 * "16G", "24GB", "24GiB", "500M", "1.5T", "4096" (a bare number counts mebibytes, as
 * srun's --mem does; one with B counts bytes). All units are powers of 1024, as in Slurm.
 */
int uc_size_parse(const char *text, uint64_t *bytes, struct uc_error *err) UC_MUST_CHECK;

/* Slurm's form with the largest unit that is exact ("24G", "1536M"); at least 1M, up. */
void uc_size_format(struct uc_buf *buf, uint64_t bytes);
/* For people: "24G", "1.5T", "310M"; three significant digits. */
void uc_size_words(struct uc_buf *buf, uint64_t bytes);

/* Milliseconds by a clock that nobody sets, for time-outs and how long something took. */
int64_t uc_monotonic_ms(void);

#ifdef __cplusplus
}
#endif
#endif
