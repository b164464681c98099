/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Patterns of output files, and srun's words of a step: other people's text. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/job.h>
#include <ucluster/step.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void expand(const struct uc_job *job, const char *host, size_t size)
{
	for (int error = 0; error < 2; error++) {
		uc_auto(buf) struct uc_buf path = { 0 };

		if (uc_job_output(job, error, host, &path, NULL) < 0)
			continue;
		/* "%9999j" is no way to fill the memory */
		assert(path.len <= 64 + size * 16);
		assert(strlen(uc_buf_text(&path)) == path.len);
		if (!uc_job_output_names_host(job)) {
			uc_auto(buf) struct uc_buf other = { 0 };

			/* where the host does not matter, it does not */
			assert(uc_job_output(job, error, "other", &other, NULL) == 0);
			assert(strcmp(uc_buf_text(&path), uc_buf_text(&other)) == 0);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1);
	struct uc_job job = { .job_id = 4711,
			      .array_task_id = UC_NONE32,
			      .batch = true,
			      .user = { "ada" },
			      .name = { "train" },
			      .batch_host = { "gpu1.example.org" },
			      .workdir = { "/w" },
			      .std_out = { text } };
	const struct uc_step step = { .submit_line = { text } };
	static const char *const names[] = { "container-name", "pty", "" };
	uint32_t id;

	if (!text)
		return 0;
	if (size)
		memcpy(text, data, size);
	expand(&job, NULL, strlen(text));
	job.std_err = job.std_out;
	job.array_job_id = 4710;
	job.array_task_id = 3;
	expand(&job, "host", strlen(text));
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		size_t len = 0;
		const char *value = uc_step_option(&step, names[i], &len);

		assert(!value || !*value ||
		       (value >= text && value + len <= text + strlen(text)));
	}
	if (uc_step_parse(text, &id)) {
		uc_auto(buf) struct uc_buf back = { 0 };
		uint32_t again;

		uc_buf_step(&back, id);
		assert(uc_step_parse(uc_buf_text(&back), &again) && again == id);
	}
	free(text);
	return 0;
}
