/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * A command that takes longer than a job may: told in time, it writes a checkpoint, and
 * the job is queued again under its own number. Slurm's tools are called by the batch
 * script, so the container needs none.
 */
#include "job/spec.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The command may use this part of the time before the limit, the rest is Slurm's. */
#define RESERVE_PART 4
#define RESERVE_MOST 30
#define LEAD_LEAST   20
#define LEAD_MOST    65535 /* Slurm keeps it in 16 bits */

/* What a command can be told with. Slurm tells the script with USR1 whatever it is. */
static const char *const signals[] = {
	"USR1", "USR2", "TERM", "INT", "HUP", "QUIT", NULL
};

static const char *find_signal(const char *name, size_t len)
{
	if (strncasecmp(name, "SIG", 3) == 0) {
		name += 3;
		len -= len < 3 ? len : 3;
	}
	for (const char *const *s = signals; *s; s++)
		if (strlen(*s) == len && strncasecmp(*s, name, len) == 0)
			return *s;
	return NULL;
}

int uc_resume_parse(const char *text, struct uc_resume *resume, struct uc_error *err)
{
	const char *at = strchr(text, '@'), *name = text;
	char *end = NULL;
	long lead = at ? strtol(at + 1, &end, 10) : (long)resume->lead;
	const char *found;

	/* who gets it is not the user's choice here */
	if (name[strspn(name, "BbRr")] == ':')
		name += strspn(name, "BbRr") + 1;
	found = find_signal(name, strcspn(name, "@"));
	if (found && lead >= LEAD_LEAST && lead <= LEAD_MOST &&
	    (!at || (end != at + 1 && *end == '\0'))) {
		resume->signal = found;
		resume->lead = (unsigned)lead;
		return 0;
	}
	return uc_fail(err, UC_USAGE,
		       "--signal=%s: a signal that programs can take, and at least %d "
		       "seconds before the end are expected, 'USR1@120'",
		       text, LEAD_LEAST);
}

int uc_spec_set_resume(struct uc_spec *spec, const struct uc_resume *resume,
		       struct uc_error *err)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	uc_buf_addf(&text, "B:USR1@%u", resume->lead);
	if (text.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	spec->resume = *resume;
	if (uc_spec_set(spec, "signal", text.data, err) < 0 ||
	    uc_spec_set(spec, "requeue", NULL, err) < 0)
		return -1;
	return uc_spec_get(spec, "open-mode")
		       ? 0
		       : uc_spec_set(spec, "open-mode", "append", err);
}

void uc_resume_begin(const struct uc_resume *resume, struct uc_buf *out)
{
	unsigned reserve = resume->lead / RESERVE_PART;

	reserve = reserve < RESERVE_MOST ? reserve : RESERVE_MOST;
	uc_buf_addf(
		out,
		"told='' timer=''\n"
		"exec 9<> <(:) # whoever is first writes what happened: the command, the clock\n"
		"# %u s before the time limit Slurm tells this script, and it the command\n"
		"tell()\n"
		"{\n"
		"\ttold=1\n"
		"\t(scancel --signal=%s \"$SLURM_JOB_ID\"; sleep %u && echo late >&9) &\n"
		"\ttimer=$!\n"
		"}\n"
		"trap tell USR1\n"
		"trap '[ -z \"$timer\" ] || kill \"$timer\" 2>/dev/null' EXIT\n\n"
		"{ ",
		resume->lead, resume->signal, resume->lead - reserve);
}

void uc_resume_end(const struct uc_resume *resume, struct uc_buf *out)
{
	uc_buf_addf(
		out,
		"# not \"wait\": a signal that comes just before makes it miss the end\n"
		"read -r status <&9\n"
		"case $told:$status in\n"
		"*:0 | :*) exit \"$status\" ;; # done, or failed while there was time left\n"
		"*:late) status=1 ;;\n"
		"esac\n"
		"if [ \"${SLURM_RESTART_COUNT:-0}\" -ge %" PRIu32 " ]; then\n"
		"\techo 'usrun: not done, and resumed %" PRIu32
		" times already (--max-resumes)' >&2\n"
		"\texit $((status ? status : 1))\n"
		"fi\n"
		"echo 'usrun: out of time, the job is queued again' >&2\n"
		"# slurmd ends this script then\n"
		"scontrol requeue \"$SLURM_JOB_ID\" && sleep 600\n"
		"exit $((status ? status : 1))\n",
		resume->most, resume->most);
}
