/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* New values of a job, and signals, as people write them. */
#include <ctype.h>
#include <signal.h>
#include <string.h>
#include <strings.h>
#include <ucluster/action.h>
#include <ucluster/units.h>

/* What Slurm takes (NICE_OFFSET - 3). */
#define NICE_MAX 2147483645
/* SIGRTMAX; higher numbers mean something else to slurmctld */
#define SIGNAL_MAX 64
#define NAMED_MAX  32

static const char *const names[] = {
	[UC_CHANGE_TIME] = "time",
	[UC_CHANGE_PARTITION] = "partition",
	[UC_CHANGE_NAME] = "name",
	[UC_CHANGE_COMMENT] = "comment",
	[UC_CHANGE_NICE] = "nice",
	[UC_CHANGE_DEPENDENCY] = "dependency",
	NULL,
};
static const char *const slurm_names[] = {
	[UC_CHANGE_TIME] = "TimeLimit", [UC_CHANGE_PARTITION] = "Partition",
	[UC_CHANGE_NAME] = "JobName",   [UC_CHANGE_COMMENT] = "Comment",
	[UC_CHANGE_NICE] = "Nice",      [UC_CHANGE_DEPENDENCY] = "Dependency",
};

const char *const *uc_change_names(void)
{
	return names;
}

const char *uc_change_name(enum uc_change_key key)
{
	return names[key];
}

const char *uc_change_slurm_name(enum uc_change_key key)
{
	return slurm_names[key];
}

static int fail_key(const char *text, size_t len, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf key = { 0 };
	const char *near;

	uc_buf_addn(&key, text, len);
	if (!text[len])
		return uc_fail(err, UC_USAGE, "'%s' is no change: expected KEY=VALUE",
			       text);
	near = uc_text_nearest(uc_buf_text(&key), names);
	uc_fail(err, UC_USAGE, "nothing called '%s' can be changed", uc_buf_text(&key));
	return near ? uc_hint(err, "did you mean '%s'?", near)
		    : uc_hint(err, "what can: time, partition, name, comment, nice, "
				   "dependency");
}

static int read_time(struct uc_change *out, struct uc_error *err)
{
	const char *text = out->value;

	out->sign = *text == '+' ? 1 : *text == '-' ? -1 : 0;
	if (uc_duration_parse(text + (out->sign != 0), &out->number, err) < 0)
		return -1;
	if (out->number == 0)
		return uc_fail(err, UC_USAGE, "'%s' is no time: expected more than 0",
			       text);
	if (out->sign && out->number == UC_DURATION_INFINITE)
		return uc_fail(
			err, UC_USAGE,
			"'%s' is no time: expected 2:00:00, +1h, -30m or UNLIMITED",
			text);
	return 0;
}

static int read_nice(struct uc_change *out, struct uc_error *err)
{
	const char *p = out->value;
	const bool negative = *p == '-';
	int64_t number = 0;

	p += negative;
	for (; *p >= '0' && *p <= '9' && number <= NICE_MAX; p++)
		number = 10 * number + (*p - '0');
	if (*p || p == out->value + negative || number > NICE_MAX)
		return uc_fail(err, UC_USAGE, "'%s' is no nice value: expected -%d to %d",
			       out->value, NICE_MAX, NICE_MAX);
	out->number = negative ? -number : number;
	return 0;
}

/* Only a comment and a dependency can be taken away. */
static int check_text(const struct uc_change *change, struct uc_error *err)
{
	const char *value = change->value;
	const bool words =
		change->key == UC_CHANGE_PARTITION || change->key == UC_CHANGE_DEPENDENCY;

	if (!*value && change->key != UC_CHANGE_COMMENT &&
	    change->key != UC_CHANGE_DEPENDENCY)
		return uc_fail(err, UC_USAGE, "'%s=' lacks a value", names[change->key]);
	for (; *value; value++)
		if (iscntrl((unsigned char)*value) || (words && *value == ' '))
			return uc_fail(err, UC_USAGE, "'%s=%s' has %s in it",
				       names[change->key], change->value,
				       *value == ' ' ? "a blank" : "a control character");
	return 0;
}

int uc_change_parse(const char *text, struct uc_change *out, struct uc_error *err)
{
	struct uc_change change = { 0 };
	size_t len = strcspn(text, "="), key = 0;

	while (names[key] &&
	       (strlen(names[key]) != len || strncasecmp(names[key], text, len) != 0))
		key++;
	if (!names[key] || !text[len])
		return fail_key(text, len, err);
	change.key = (enum uc_change_key)key;
	change.value = text + len + 1;
	if (change.key == UC_CHANGE_TIME   ? read_time(&change, err) < 0
	    : change.key == UC_CHANGE_NICE ? read_nice(&change, err) < 0
					   : check_text(&change, err) < 0)
		return -1;
	*out = change;
	return 0;
}

int uc_change_limit(const struct uc_change *change, const struct uc_job *job,
		    int64_t *seconds, struct uc_error *err)
{
	int64_t limit = change->number;

	if (change->sign &&
	    (job->time_limit == UC_NOT_SET || job->time_limit == UC_DURATION_INFINITE))
		return uc_fail(
			err, UC_USAGE,
			"job %u has no time limit that '%s' could be reckoned from",
			job->job_id, change->value);
	if (change->sign)
		limit = job->time_limit + change->sign * change->number;
	if (limit <= 0) {
		uc_auto(buf) struct uc_buf old = { 0 };

		uc_duration_format(&old, job->time_limit);
		return uc_fail(err, UC_USAGE,
			       "nothing is left of the limit %s of job %u after '%s'",
			       uc_buf_text(&old), job->job_id, change->value);
	}
	*seconds = limit == UC_DURATION_INFINITE ? limit : (limit + 59) / 60 * 60;
	return 0;
}

int uc_signal_parse(const char *text, int *number, struct uc_error *err)
{
	const char *name = strncasecmp(text, "SIG", 3) == 0 ? text + 3 : text;
	int value = 0;

	for (const char *p = text; value <= SIGNAL_MAX; p++) {
		if (!*p && p > text && value > 0) {
			*number = value;
			return 0;
		}
		if (*p < '0' || *p > '9')
			break;
		value = 10 * value + (*p - '0');
	}
	for (int i = 1; i < NAMED_MAX; i++) {
		const char *known = sigabbrev_np(i);

		if (!known || strcasecmp(known, name) != 0)
			continue;
		*number = i;
		return 0;
	}
	return uc_fail(
		err, UC_USAGE,
		"'%s' is no signal: expected a name as USR1 or SIGTERM, or 1 to %d", text,
		SIGNAL_MAX);
}
