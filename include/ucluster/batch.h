/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_BATCH_H
#define UCLUSTER_BATCH_H
/*
 * Batch jobs that are more than a script that runs once: sessions, which have a terminal,
 * and runs that are longer than a job may be.
 *
 *	struct uc_resume resume = { .signal = "USR1", .lead = 120, .most = 10 };
 *	uc_spec_set_resume(spec, &resume, &err);
 *	uc_spec_submit(spec, src, environment, cwd, &result, &err);
 */
#include <ucluster/spec.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Who the script says it is made by: a constant, in place of "usrun --batch". */
void uc_spec_set_maker(struct uc_spec *spec, const char *maker);

/*
 * Let srun in the batch script run under these words, the server of a session, which has
 * a terminal for it: --pty is allowed then. slurmctld shows the job's command with
 * UC_SPEC_SESSION and `key` before it.
 */
#define UC_SPEC_SESSION "usrun-session"
int uc_spec_set_session(struct uc_spec *spec, const char *key, const char *const *words,
			struct uc_error *err) UC_MUST_CHECK;
/*
 * Let the job be queued again, under its own number, when its time is over before the
 * command is done: the command gets the signal `lead` seconds before, ends (0: it is
 * done), and is run again, `most` times. Output is appended.
 */
struct uc_resume {
	const char *signal; /* "USR1"; a constant */
	unsigned lead;
	uint32_t most;
};
/* From srun's form, "USR1@120"; without "@" the lead stays as it is. UC_USAGE. */
int uc_resume_parse(const char *text, struct uc_resume *resume,
		    struct uc_error *err) UC_MUST_CHECK;
int uc_spec_set_resume(struct uc_spec *spec, const struct uc_resume *resume,
		       struct uc_error *err) UC_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
