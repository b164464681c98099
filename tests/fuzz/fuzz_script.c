/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * A batch script. The script made of its options is read again and says the same: what is
 * quoted for sbatch is what sbatch reads.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/spec.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct uc_where where = { .cwd = "/w", .home = "/h", .unchecked = true };
static const char *const command[] = { "true", NULL };

static void check_again(struct uc_spec *spec)
{
	uc_auto(spec) struct uc_spec *again = NULL;
	uc_auto(buf) struct uc_buf script = { 0 };
	struct uc_error err = { 0 };
	const struct uc_slurm_option *option;
	size_t count;

	if (uc_spec_set_command(spec, command, &err) < 0)
		abort();
	if (uc_spec_script(spec, &script, &err) < 0)
		return; /* --pty and the like */
	if (uc_spec_new(&again, &err) < 0 ||
	    uc_spec_sbatch_lines(again, "made", uc_buf_text(&script), script.len, &where,
				 &err) < 0)
		abort();
	option = uc_slurm_options(&count);
	for (; count > 0; count--, option++) {
		const char *a = uc_spec_get(spec, option->name);
		const char *b = uc_spec_get(again, option->name);

		if (!(option->scope & UC_SCOPE_SBATCH) ||
		    strcmp(option->name, "job-name") == 0)
			continue;
		if (!a != !b || (a && strcmp(a, b) != 0))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uc_error err = { 0 };
	struct uc_spec *spec = NULL;
	char *text = malloc(size + 1);

	if (!text || uc_spec_new(&spec, &err) < 0)
		abort();
	memcpy(text, data, size);
	text[size] = '\0';
	if (uc_spec_sbatch_lines(spec, "job.sh", text, size, &where, &err) == 0)
		check_again(spec);
	else if (err.text[0] == '\0' || strchr(err.text, '\n'))
		abort();
	uc_spec_free(spec);
	free(text);
	return 0;
}
