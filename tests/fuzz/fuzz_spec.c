/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * A command line, its words separated by NUL bytes; the first byte says which rules. What
 * comes out must hold every word of the command, and nothing may be read twice.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/spec.h>

#define WORDS 512

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t split(char *text, size_t size, const char **words)
{
	size_t count = 0;

	for (size_t at = 0; at < size && count < WORDS; at += strlen(text + at) + 1)
		words[count++] = text + at;
	words[count] = NULL;
	return count;
}

static void check(struct uc_spec *spec, const char *const *command, bool batch)
{
	static const char *const environment[] = { "A=1", NULL };
	uc_auto(strv) struct uc_strv argv = { 0 };
	uc_auto(strv) struct uc_strv env = { 0 };
	uc_auto(buf) struct uc_buf script = { 0 };
	struct uc_error err = { 0 };
	size_t count = 0;

	while (command[count])
		count++;
	if (uc_spec_srun(spec, &argv, &err) == 0) {
		if (argv.count < count + 1 || strcmp(argv.item[0], "srun") != 0)
			abort();
		for (size_t i = 0; i < count; i++)
			if (strcmp(argv.item[argv.count - count + i], command[i]) != 0)
				abort();
	} else if (err.text[0] == '\0' || strchr(err.text, '\n')) {
		abort();
	}
	if (uc_spec_environment(spec, environment, &env, &err) < 0)
		abort();
	if (batch && uc_spec_script(spec, &script, &err) == 0 &&
	    strncmp(uc_buf_text(&script), "#!/bin/bash\n", 12) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct uc_parse_rules rules = {
		.where = { .cwd = "/home/me/work",
			   .home = "/home/me",
			   .unchecked = true },
	};
	const char *words[WORDS + 1];
	struct uc_error err = { 0 };
	struct uc_spec *spec = NULL;
	size_t used = 0, count;
	char *text;

	if (size == 0)
		return 0;
	rules.batch = data[0] & 1;
	text = malloc(size);
	if (!text || uc_spec_new(&spec, &err) < 0)
		abort();
	memcpy(text, data + 1, size - 1);
	text[size - 1] = '\0';
	count = split(text, size - 1, words);
	if (uc_spec_parse(spec, words, &rules, &used, &err) < 0) {
		if (err.text[0] == '\0' || strchr(err.text, '\n') || used > count)
			abort();
	} else {
		if (used > count || uc_spec_set_command(spec, words + used, &err) < 0)
			abort();
		check(spec, words + used, rules.batch);
	}
	uc_spec_free(spec);
	free(text);
	return 0;
}
