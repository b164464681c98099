/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The jobs of a cluster that have GPUs, and the srun command of one more. */
#include <stdio.h>
#include <ucluster/ucluster.h>

static int list_jobs(const char *source, struct uc_error *err)
{
	uc_auto(source) struct uc_source *src = NULL;
	uc_auto(jobs) struct uc_jobs *jobs = NULL;
	uc_auto(buf) struct uc_buf name = { 0 };

	if (uc_source_open(source, NULL, &src, err) < 0 ||
	    uc_jobs_load(src, NULL, &jobs, err) < 0)
		return -1;
	for (size_t i = 0; i < jobs->count; i++) {
		const struct uc_job *job = &jobs->row[i];

		if (job->gpus == 0 || job->gpus == UC_NONE32)
			continue;
		uc_buf_reset(&name);
		uc_buf_safe(&name, job->name, 0);
		printf("%u %s %u %s\n", job->job_id, uc_job_state_short(job->state),
		       job->gpus, uc_buf_text(&name));
	}
	return 0;
}

static int show_command(struct uc_error *err)
{
	const char *const command[] = { "python3", "train.py", "two words", NULL };
	uc_auto(spec) struct uc_spec *spec = NULL;
	uc_auto(strv) struct uc_strv words = { 0 };
	uc_auto(buf) struct uc_buf line = { 0 };

	if (uc_spec_new(&spec, err) < 0 || uc_spec_set(spec, "gpus", "1", err) < 0 ||
	    uc_spec_set(spec, "time", "8h", err) < 0 ||
	    uc_spec_set_command(spec, command, err) < 0 ||
	    uc_spec_srun(spec, &words, err) < 0)
		return -1;
	uc_buf_quote_argv(&line, (const char *const *)words.item, UC_QUOTE_EXACT);
	return puts(uc_buf_text(&line)) < 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct uc_error err = { 0 };

	if (list_jobs(argc > 1 ? argv[1] : "slurm:", &err) < 0 ||
	    show_command(&err) < 0) {
		fprintf(stderr, "example: %s\n", err.text);
		return err.code;
	}
	return 0;
}
