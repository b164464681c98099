/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* --resume: a command that takes longer than a job may. */
#include "usrun/usrun.h"

#define SIGNAL "USR1"
#define LEAD   120 /* s */
#define MOST   10

int usrun_resume_wanted(struct usrun *u, struct uc_error *err)
{
	if (!u->args.resume && u->args.max_resumes >= 0)
		return uc_fail(err, UC_USAGE, "--max-resumes needs --resume");
	if (!u->args.resume)
		return 0;
	if (u->args.detachable)
		return uc_fail(
			err, UC_USAGE,
			"--resume does not go with --detachable: a shell cannot be "
			"begun anew");
	u->args.batch = true;
	return 0;
}

int usrun_resume_prepare(struct usrun *u, struct uc_error *err)
{
	struct uc_resume resume = { .signal = SIGNAL,
				    .lead = LEAD,
				    .most = u->args.max_resumes < 0
						    ? MOST
						    : (uint32_t)u->args.max_resumes };
	const char *given = uc_spec_get(u->spec, "signal");

	if (given && uc_resume_parse(given, &resume, err) < 0)
		return -1;
	if (uc_spec_get(u->spec, "no-requeue"))
		return uc_fail(err, UC_USAGE,
			       "--resume and --no-requeue exclude each other");
	return uc_spec_set_resume(u->spec, &resume, err);
}
