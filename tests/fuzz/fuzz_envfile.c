/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * A file of variables: all or nothing, every fault has a place, every variable is one
 * that execve() takes, and what was read can be written in quotes and read again.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/environment.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

static void check_faults(const struct uc_errors *faults, int lines)
{
	for (size_t i = 0; i < faults->count; i++) {
		const struct uc_error *err = &faults->item[i];

		check(err->code == UC_USAGE && err->text[0]);
		check(err->at.line >= 1 && err->at.line <= lines && err->at.column >= 1);
	}
}

static void write_quoted(struct uc_buf *out, const char *item)
{
	size_t len = strcspn(item, "=");

	uc_buf_addn(out, item, len + 1);
	uc_buf_addc(out, '"');
	for (item += len + 1; *item; item++) {
		static const char plain[] = "\n\r\t\"\\$", coded[] = "nrt\"\\$";
		const char *at = strchr(plain, *item);

		if (at)
			uc_buf_addc(out, '\\');
		uc_buf_addc(out, at ? coded[at - plain] : *item);
	}
	uc_buf_add(out, "\"\n");
}

static void check_again(const struct uc_strv *env)
{
	uc_auto(errors) struct uc_errors faults = { 0 };
	uc_auto(strv) struct uc_strv again = { 0 };
	uc_auto(buf) struct uc_buf text = { 0 };

	for (size_t i = 0; i < env->count; i++)
		write_quoted(&text, env->item[i]);
	if (text.len > UC_ENV_FILE_MAX)
		return;
	check(uc_env_parse(&again, "again", uc_buf_text(&text), text.len, &faults) == 0);
	check(again.count == env->count);
	for (size_t i = 0; i < env->count; i++)
		check(strcmp(again.item[i], env->item[i]) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uc_auto(errors) struct uc_errors faults = { 0 };
	uc_auto(strv) struct uc_strv env = { 0 };
	int lines = 1;

	for (size_t i = 0; i < size; i++)
		lines += data[i] == '\n';
	if (uc_env_parse(&env, "fuzz.env", (const char *)data, size, &faults) < 0) {
		check(env.count == 0 && faults.count > 0);
		check_faults(&faults, lines);
		return 0;
	}
	check(faults.count == 0);
	for (size_t i = 0; i < env.count; i++) {
		check(strchr(env.item[i], '=') > env.item[i]);
		check(strlen(env.item[i]) < UC_ENV_BYTES_MAX);
	}
	check_again(&env);
	return 0;
}
