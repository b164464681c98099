/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Loading while memory runs out, once at every allocation of ours and for good from there
 * on: it fails and says so, or the result is the same; never a setting lost. (The linker
 * hands malloc, calloc and realloc of this program to __wrap_*.)
 */
#include "config_unit.h"
#include "memory_unit.h"

#include <stdlib.h>
#include <unistd.h>

static char site_path[] = "/tmp/uc-test-memory-XXXXXX";

static int write_site(void **state)
{
	static const char text[] = "image: a\n"
				   "image_dirs: /x:/y\n"
				   "mounts: [/a:/a, /b]\n"
				   "env: {A: 1}\n"
				   "slurm: {timeout: 20s}\n"
				   "profiles:\n"
				   "  base: {gpus: 2, mounts: [/c:/a]}\n"
				   "  train: {inherit: base, env: {B: 2}}\n";
	int fd = mkstemp(site_path);

	(void)state;
	if (fd < 0 || write(fd, text, sizeof(text) - 1) != (ssize_t)sizeof(text) - 1)
		return -1;
	return close(fd);
}

static int remove_site(void **state)
{
	(void)state;
	return unlink(site_path);
}

/* Load; all settings with their places, or "" when it failed. */
static void load_once(const char *preset, struct uc_buf *dump, struct uc_errors *faults)
{
	static const char *const environment[] = { "USRUN_MOUNTS=/d:/d,/e", "USRUN_QOS=q",
						   NULL };
	const struct uc_config_from from = { .site_path = site_path,
					     .cwd = "/",
					     .preset = preset,
					     .environment = environment };
	uc_auto(config) struct uc_config *cfg = NULL;
	size_t fail_at = memory.fail_at;
	int result;

	memory.calls = 0;
	result = uc_config_load(&from, &cfg, faults);
	memory.fail_at = 0;
	assert_true((result == 0) == (cfg != NULL));
	for (const struct uc_key *k = uc_config_keys(); cfg && k->name; k++) {
		const struct uc_setting *set = uc_config_get(cfg, k->name);

		if (set)
			uc_buf_addf(dump, "%s=%s %s:%d:%d\n", k->name, set->text,
				    set->at.path, set->at.line, set->at.column);
	}
	memory.fail_at = fail_at;
}

static bool says_memory(const struct uc_errors *faults)
{
	for (size_t i = 0; i < faults->count; i++)
		if (strstr(faults->item[i].text, "memory"))
			return true;
	/* not even the list could be made: it counts what it had no room for */
	return faults->dropped > 0;
}

static void fail_everywhere(const char *preset, bool stay)
{
	uc_auto(buf) struct uc_buf full = { 0 };
	uc_auto(errors) struct uc_errors none = { 0 };
	size_t total, failed = 0;

	memory.fail_at = 0;
	load_once(preset, &full, &none);
	total = memory.calls;
	assert_true(full.len > 0 && total > 20);
	for (size_t n = 1; n <= total; n++) {
		uc_auto(errors) struct uc_errors faults = { 0 };
		uc_auto(buf) struct uc_buf dump = { 0 };

		memory.stay = stay;
		memory.fail_at = n;
		load_once(preset, &dump, &faults);
		memory.fail_at = 0;
		if (dump.len > 0) {
			assert_string_equal(uc_buf_text(&dump), uc_buf_text(&full));
			continue;
		}
		failed++;
		if (!says_memory(&faults))
			fail_msg("allocation %zu of %zu: nothing was said", n, total);
	}
	assert_true(failed > total / 2);
}

static void test_one_allocation_fails(void **state)
{
	(void)state;
	fail_everywhere(NULL, false);
	fail_everywhere("train", false);
}

static void test_all_allocations_fail_from_one_on(void **state)
{
	(void)state;
	fail_everywhere("train", true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_allocation_fails),
		cmocka_unit_test(test_all_allocations_fail_from_one_on),
	};

	return cmocka_run_group_tests(tests, write_site, remove_site);
}
