/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* A job from its receipt, hidden variables, and who set what. */
#include "unit.h"

#include <string.h>
#include <ucluster/spec.h>

static const struct uc_parse_rules rules = {
	.where = { .cwd = "/w", .home = "/h", .unchecked = true }
};

static void parse(struct uc_spec *spec, const char *const *words)
{
	struct uc_error err = { 0 };
	size_t used;

	if (uc_spec_parse(spec, words, &rules, &used, &err) < 0)
		fail_msg("%s", err.text);
}

/* The item has this value and was set by this layer. */
static void expect_item(const struct uc_spec *spec, const char *name, const char *value,
			const char *layer)
{
	uc_auto(spec_items) struct uc_spec_items list = { 0 };
	struct uc_error err = { 0 };

	assert_int_equal(uc_spec_list(spec, NULL, &list, &err), 0);
	for (size_t i = 0; i < list.count; i++) {
		if (strcmp(list.item[i].name, name) != 0)
			continue;
		assert_string_equal(list.item[i].value, value);
		assert_string_equal(list.item[i].layer, layer);
		return;
	}
	fail_msg("%s is not in the list", name);
}

static void test_again_gives_way_to_what_is_given(void **state)
{
	static const struct uc_receipt_option options[] = {
		{ .name = "mem", .value = "1G" },
		{ .name = "ntasks", .value = "2" },
		{ .name = "container-remap-root" },
	};
	const struct uc_receipt receipt = {
		.job_id = 7,
		.options = options,
		.option_count = 3,
		.command = (const char *const[]){ "echo", "-n", "a b", NULL },
		.container = { .image = "/i/x.sqsh",
			       .mounts =
				       (const char *const[]){ "/a:/b", "/c:/d", NULL } },
		.env = (const char *const[]){ "MODE", NULL },
	};
	static const char *const words[] = { "--mem-per-cpu=5",
					     "--container-mounts=/z:/b", NULL };
	static const char *const environment[] = { "MODE=x", NULL };
	uc_auto(spec) struct uc_spec *spec = NULL;
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(uc_spec_new(&spec, &err), 0);
	parse(spec, words);
	assert_int_equal(uc_spec_again(spec, &receipt, &rules, NULL, true, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
	uc_spec_free(spec);
	assert_int_equal(uc_spec_new(&spec, &err), 0);
	parse(spec, words);
	if (uc_spec_again(spec, &receipt, &rules, environment, true, &err) < 0)
		fail_msg("%s", err.text);
	assert_null(uc_spec_get(spec, "mem")); /* excluded by what is given */
	expect_item(spec, "mem-per-cpu", "5", "option");
	expect_item(spec, "ntasks", "2", "receipt");
	expect_item(spec, "container-image", "/i/x.sqsh", "receipt");
	assert_int_equal(uc_spec_container(spec)->remap_root, UC_ON);
	assert_int_equal(uc_spec_container(spec)->mount_count, 2);
	assert_string_equal(uc_spec_container(spec)->mounts[0].source, "/z");
	assert_string_equal(uc_spec_command(spec)[2], "a b");
}

static void test_again_hidden_variables_are_in_no_script(void **state)
{
	static const char *const command[] = { "true", NULL };
	uc_auto(spec) struct uc_spec *spec = NULL;
	uc_auto(buf) struct uc_buf script = { 0 };
	uc_auto(strv) struct uc_strv env = { 0 };
	struct uc_error err = { 0 };

	(void)state;
	assert_int_equal(uc_spec_new(&spec, &err), 0);
	assert_int_equal(uc_spec_set_env(spec, "A=shown", &err), 0);
	assert_int_equal(uc_spec_hide_env(spec, "A=hidden-a", &err), 0);
	assert_int_equal(uc_spec_hide_env(spec, "B=hidden-b", &err), 0);
	assert_int_equal(uc_spec_set_env(spec, "B=plain", &err), 0);
	assert_int_equal(uc_spec_hide_env(spec, "1=x", &err), -1);
	assert_int_equal(uc_spec_set_command(spec, command, &err), 0);
	assert_int_equal(uc_spec_script(spec, &script, &err), 0);
	assert_null(strstr(uc_buf_text(&script), "hidden"));
	assert_null(strstr(uc_buf_text(&script), "shown"));
	assert_non_null(strstr(uc_buf_text(&script), "export B=plain\n"));
	assert_non_null(strstr(uc_buf_text(&script), "# A comes with the environment"));
	assert_int_equal(uc_spec_environment(spec, NULL, &env, &err), 0);
	assert_true(uc_strv_find(&env, "A=hidden-a") >= 0);
	assert_true(uc_strv_find(&env, "B=plain") >= 0);
	assert_int_equal(env.count, 2);
	expect_item(spec, "A", "<from a file>", "built-in");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_again_gives_way_to_what_is_given),
		cmocka_unit_test(test_again_hidden_variables_are_in_no_script),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
