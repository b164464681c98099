/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Values of each type, the table of keys itself, and the example shipped with it. */
#include "config_unit.h"

#include "base/file.h"

static const struct {
	const char *key, *text;
	int64_t number;
	uint64_t size;
} good[] = {
	{ "cpus_per_task", "1", 1, 0 },
	{ "cpus_per_task", "65534", 65534, 0 },
	{ "cpus_per_task", "010", 10, 0 },
	{ "mem", "24GB", 0, UINT64_C(24) << 30 },
	{ "mem", "24G", 0, UINT64_C(24) << 30 },
	{ "mem", "4096", 0, UINT64_C(4) << 30 },
	{ "mem", "1.5T", 0, UINT64_C(1536) << 30 },
	{ "mem", "1P", 0, UINT64_C(1) << 50 },
	{ "mem", "0", 0, 0 },
	{ "time", "90", 5400, 0 },
	{ "time", "1:30:00", 5400, 0 },
	{ "time", "8h", 28800, 0 },
	{ "time", "2-12", 216000, 0 },
	{ "time", "1h30m", 5400, 0 },
	{ "time", "UNLIMITED", INT64_MAX, 0 },
	{ "slurm.timeout", "1s", 1, 0 },
	{ "slurm.timeout", "10m", 600, 0 },
	{ "session.detachable", "always", 0, 0 },
	{ "session.detach_key", "ctrl-b d", 0, 0 },
	{ "session.idle", "2h", 7200, 0 },
	{ "session.idle", "0", 0, 0 },
	{ "session.grace", "90s", 90, 0 },
	{ "session.scrollback", "0", 0, 0 },
	{ "session.size", "latest", 0, 0 },
	{ "dash.interval", "2", 2, 0 },
	{ "dash.idle", "0", 0, 0 },
	{ "dash.idle", "10m", 600, 0 },
	{ "dash.background", "light", 0, 0 },
	{ "dash.mouse", "true", 1, 0 },
	{ "sync.host", "cluster", 0, 0 },
	{ "sync.host", "me@login.example.org:2222", 0, 0 },
	{ "sync.host", "me@[fe80::1%eth0]:2222", 0, 0 },
	{ "sync.dir", "/data/me/a project", 0, 0 },
	{ "sync.dir", "~/proj", 0, 0 },
	{ "sync.dir", "proj", 0, 0 },
	{ "sync.max_delete", "1", 1, 0 },
	{ "sync.transport", "libssh2", 0, 0 },
	{ "sync.keep", "30", 30, 0 },
	{ "gpus", "0", 0, 0 },
	{ "gpus", "2", 0, 0 },
	{ "gpus", "a100:2", 0, 0 },
	{ "gpus", "a100:2,h100:1", 0, 0 },
	{ "gpus", "nvidia_a100-sxm4.80:8", 0, 0 },
	{ "image", "/data/enroot/with blank.sqsh", 0, 0 },
	{ "image", "nvcr.io#nvidia/pytorch:24.05-py3", 0, 0 },
	{ "image", "bildverarbeitung_\xc3\xbc", 0, 0 },
	{ "partition", "gpu,cpu", 0, 0 },
	{ "slurm.conf", "/etc/slurm/slurm.conf", 0, 0 },
	{ "runtime", "none", 0, 0 },
	{ "image", "", 0, 0 },
};

static void test_good_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		struct uc_setting set = { 0 };
		struct uc_error err = { 0 };

		if (uc_value_parse(uc_key_find(good[i].key), good[i].text, &set, &err) <
		    0)
			fail_msg("%s", err.text);
		assert_string_equal(set.text, good[i].text);
		assert_int_equal(set.number, good[i].number);
		assert_int_equal(set.size, good[i].size);
	}
}

static const struct {
	const char *key, *text;
} bad[] = {
	{ "cpus_per_task", " 1" },
	{ "cpus_per_task", "1 " },
	{ "cpus_per_task", "+1" },
	{ "cpus_per_task", "--1" },
	{ "cpus_per_task", "65535" },
	{ "cpus_per_task", "-0" },
	{ "gpus", ":2" },
	{ "gpus", "," },
	{ "gpus", "a100:b" },
	{ "gpus", "1:2:3" },
	{ "gpus", "1234567" },
	{ "gpus", "a b:1" },
	{ "gpus", "2\n" },
	{ "mem", "1\t" },
	{ "qos", "-x" },
	{ "partition", "a\x7f" },
	{ "runtime", "Auto" },
	{ "slurm.conf", "~/s" },
	{ "session.detachable", "yes" },
	{ "session.idle", "-1" },
	{ "session.idle", "400d" },
	{ "session.grace", "0" },
	{ "session.scrollback", "1000001" },
	{ "session.size", "largest" },
	{ "dash.interval", "1" },
	{ "dash.interval", "3601" },
	{ "dash.idle", "8d" },
	{ "dash.background", "grey" },
	{ "sync.host", "-oProxyCommand=id" },
	{ "sync.host", "two hosts" },
	{ "sync.host", "host/path" },
	{ "sync.host", "$(id)" },
	{ "sync.dir", "~other/proj" },
	{ "sync.dir", "a\nb" },
	{ "sync.max_delete", "0" },
	{ "sync.transport", "rsync" },
	{ "sync.keep", "0" },
};

static void test_bad_values(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		struct uc_setting set = { 0 };
		struct uc_error err = { 0 };

		if (uc_value_parse(uc_key_find(bad[i].key), bad[i].text, &set, &err) == 0)
			fail_msg("%s: '%s' was taken", bad[i].key, bad[i].text);
		assert_int_equal(err.code, UC_USAGE);
		assert_non_null(strstr(err.text, bad[i].key));
	}
}

static void test_booleans_in_every_spelling(void **state)
{
	static const struct uc_key key = { .name = "b",
					   .type = UC_TYPE_BOOL,
					   .example = "yes" };
	static const char *const yes[] = { "true", "yes", "on", "True", "YES", "oN" };
	static const char *const no[] = { "false", "no", "off", "False", "NO", "oFF" };
	static const char *const neither[] = {
		"1", "0", "y", "n", "truee", "tru", " on"
	};
	struct uc_setting set = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
		set.number = 7;
		assert_int_equal(uc_value_parse(&key, yes[i], &set, NULL), 0);
		assert_int_equal(set.number, 1);
		assert_int_equal(uc_value_parse(&key, no[i], &set, NULL), 0);
		assert_int_equal(set.number, 0);
	}
	for (size_t i = 0; i < ARRAY_SIZE(neither); i++)
		assert_int_equal(uc_value_parse(&key, neither[i], &set, NULL), -1);
}

static void test_long_texts_are_clipped_between_characters(void **state)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	(void)state;
	assert_int_equal(uc_shown("abc"), 3);
	for (int i = 0; i < 59; i++)
		uc_buf_addc(&text, 'x');
	uc_buf_add(&text, "y");
	assert_int_equal(uc_shown(uc_buf_text(&text)), 60);
	text.len--;
	uc_buf_add(&text, "\xc3\xbc"); /* bytes 59 and 60 */
	assert_int_equal(uc_shown(uc_buf_text(&text)), 59);
}

/* One "key: example" file for each key, as it stands in the man page. */
static void test_every_example_and_default_is_valid(void **state)
{
	(void)state;
	for (const struct uc_key *k = uc_config_keys(); k->name; k++) {
		uc_auto(config) struct uc_config *cfg = NULL;
		uc_auto(buf) struct uc_buf file = { 0 };
		const char *dot = strchr(k->name, '.');

		if (dot)
			uc_buf_addf(&file, "%.*s:\n  %s: %s\n", (int)(dot - k->name),
				    k->name, dot + 1, k->example);
		else
			uc_buf_addf(&file,
				    k->type == UC_TYPE_MAP ? "%s: {%s}\n" : "%s: %s\n",
				    k->name, k->example);
		cfg = load_good(&(struct texts){ .user = uc_buf_text(&file) });
		assert_non_null(uc_config_get(cfg, k->name));
		assert_int_equal(uc_config_get(cfg, k->name)->layer, UC_LAYER_USER);
	}
}

static void test_the_table_of_keys_is_whole(void **state)
{
	(void)state;
	for (const struct uc_key *k = uc_config_keys(); k->name; k++) {
		size_t len = strlen(k->help);

		assert_ptr_equal(uc_key_find(k->name), k);
		assert_true(len > 0 && k->help[len - 1] != '.');
		assert_true(k->min <= k->max);
		/* a project could set for a profile what it may not set otherwise */
		if (k->project)
			assert_true(k->profile);
		if (k->environment)
			assert_int_equal(strncmp(k->environment, "UCLUSTER_", 9), 0);
	}
}

static void test_the_shipped_example_has_no_fault(void **state)
{
	uc_auto(buf) struct uc_buf text = { 0 }, live = { 0 };
	uc_auto(config) struct uc_config *cfg = NULL, *all = NULL;
	struct uc_error err = { 0 };

	(void)state;
	if (uc_file_read(UC_TEST_DATA "/../../share/config/config.yaml", 1 << 18, &text,
			 &err) < 0)
		fail_msg("%s", err.text);
	cfg = load_good(&(struct texts){ .site = uc_buf_text(&text) });
	/* The same with every setting that is commented out ("#key: value") at work. */
	for (const char *line = uc_buf_text(&text); *line; line++) {
		size_t len = strcspn(line, "\n");
		/* "# Prose", "#key: value", "#  below: it" */
		bool off =
			line[0] == '#' && len > 2 && (line[1] != ' ' || line[2] == ' ');

		uc_buf_addn(&live, line + off, len - off);
		uc_buf_addc(&live, '\n');
		line += len;
		if (!*line)
			break;
	}
	all = load_good(&(struct texts){ .site = uc_buf_text(&live), .preset = "train" });
	for (const struct uc_key *k = uc_config_keys(); k->name; k++)
		if (!uc_config_get(all, k->name))
			fail_msg("'%s' is not in the example", k->name);
	assert_int_equal(uc_config_get(all, "slurm.timeout")->layer, UC_LAYER_SITE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_values),
		cmocka_unit_test(test_bad_values),
		cmocka_unit_test(test_booleans_in_every_spelling),
		cmocka_unit_test(test_long_texts_are_clipped_between_characters),
		cmocka_unit_test(test_every_example_and_default_is_valid),
		cmocka_unit_test(test_the_table_of_keys_is_whole),
		cmocka_unit_test(test_the_shipped_example_has_no_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
