/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Patterns of output files. Slurm's library knows part of them only, in most releases;
 * what counts is what slurmstepd makes of them, for the batch step on its node.
 */
#include <ucluster/job.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define WIDTH_MAX 10
/* What slurmstepd prints for the index of a job that is no array. */
#define NO_VAL 4294967294u

static void add_number(struct uc_buf *out, uint32_t number, int width)
{
	uc_buf_addf(out, "%0*u", width, number);
}

static int add_text(struct uc_buf *out, struct uc_raw text, char letter,
		    struct uc_error *err)
{
	if (uc_raw_empty(text))
		return uc_fail(err, UC_NOTFOUND,
			       "'%%%c' in the output's name is not known yet", letter);
	uc_buf_add(out, text.bytes);
	return 0;
}

struct naming {
	const struct uc_job *job;
	const char *host; /* of the batch step's node; NULL: not known yet */
};

/* The node's short name. */
static int add_host(struct uc_buf *out, const struct naming *naming, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf host = { 0 };

	if (add_text(&host, uc_raw(naming->host), 'N', err) < 0)
		return -1;
	if (host.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	uc_buf_addn(out, host.data, strcspn(host.data, "."));
	return 0;
}

static uint32_t task_of(const struct uc_job *job)
{
	return job->array_job_id && job->array_task_id != UC_NONE32 ? job->array_task_id
								    : NO_VAL;
}

/* What stands for a letter; 1: it stands for nothing. */
static int add_letter(struct uc_buf *out, const struct naming *naming, char letter,
		      int width, struct uc_error *err)
{
	const struct uc_job *job = naming->job;

	switch (letter) {
	case 'a':
		add_number(out, task_of(job), width);
		return 0;
	case 'A':
		add_number(out, task_of(job) != NO_VAL ? job->array_job_id : job->job_id,
			   width);
		return 0;
	case 'b':
		add_number(out, task_of(job) % 10, width);
		return 0;
	case 'j':
	case 'J':
		add_number(out, job->job_id, width);
		return 0;
	case 'n': /* the batch step has one node and one task */
	case 't':
		add_number(out, 0, width);
		return 0;
	case 's':
		uc_buf_add(out, "batch");
		return 0;
	case 'N':
		return add_host(out, naming, err);
	case 'u':
		return add_text(out, job->user, letter, err);
	case 'x':
		return add_text(out, job->name, letter, err);
	default:
		return 1;
	}
}

static int expand(struct uc_buf *out, const struct naming *naming, const char *pattern,
		  struct uc_error *err)
{
	while (*pattern) {
		const char *at = pattern + 1;
		unsigned long width = 0;
		int rc;

		if (*pattern != '%' || *at == '%') {
			uc_buf_addc(out, *pattern);
			pattern += *pattern == '%' ? 2 : 1;
			continue;
		}
		if (isdigit((unsigned char)*at))
			width = strtoul(at, (char **)&at, 10);
		rc = add_letter(out, naming, *at,
				width > WIDTH_MAX ? WIDTH_MAX : (int)width, err);
		if (rc < 0)
			return -1;
		if (rc > 0)
			uc_buf_addn(out, pattern, (size_t)(at - pattern));
		pattern = rc > 0 ? at : at + 1;
	}
	return 0;
}

/* A backslash anywhere: each takes the next character as it is, and "%" is ordinary. */
static void unescape(struct uc_buf *out, const char *pattern)
{
	for (; *pattern; pattern++) {
		if (*pattern == '\\' && *++pattern == '\0')
			return;
		uc_buf_addc(out, *pattern);
	}
}

static const char *pattern_of(const struct uc_job *job, bool error)
{
	if (error && !uc_raw_empty(job->std_err))
		return job->std_err.bytes;
	if (!uc_raw_empty(job->std_out))
		return job->std_out.bytes;
	return task_of(job) != NO_VAL ? "slurm-%A_%a.out" : "slurm-%j.out";
}

bool uc_job_output_names_host(const struct uc_job *job)
{
	for (int error = 0; error < 2; error++) {
		const char *at = pattern_of(job, error);

		if (strchr(at, '\\'))
			continue;
		while ((at = strchr(at, '%'))) {
			const size_t digits = strspn(at + 1, "0123456789");

			at += 1 + digits;
			if (*at == 'N')
				return true;
			/* "%%" is a sign, "%9%" is none and a beginning */
			at += *at == '%' && digits == 0;
		}
	}
	return false;
}

int uc_job_output(const struct uc_job *job, bool error, const char *host,
		  struct uc_buf *path, struct uc_error *err)
{
	if (!job->batch)
		return uc_fail(err, UC_NOTFOUND, "job %u is no batch job", job->job_id);
	return uc_job_file(job, pattern_of(job, error), host, path, err);
}

int uc_job_file(const struct uc_job *job, const char *pattern, const char *host,
		struct uc_buf *path, struct uc_error *err)
{
	const struct naming naming = { job, host ? host : job->batch_host.bytes };
	const char *folder = job->workdir.bytes ? job->workdir.bytes : "";

	if (pattern[0] != '/') {
		size_t len = strlen(folder);

		uc_buf_add(path, folder);
		if (len == 0 || folder[len - 1] != '/')
			uc_buf_addc(path, '/');
	}
	if (strchr(pattern, '\\'))
		unescape(path, pattern);
	else if (expand(path, &naming, pattern, err) < 0)
		return -1;
	return path->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}
