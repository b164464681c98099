/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Every tests/data/config/bad/NAME.yaml is refused with exactly the lines of NAME.expect.
 * project-*.yaml are read as project files, the others as the user's. After a wanted
 * change of messages: UC_UPDATE=1 test_config_bad, and read the difference.
 */
#include "config_unit.h"

#include <dirent.h>
#include <stdlib.h>

#include "base/file.h"

#define FOLDER UC_TEST_DATA "/config/bad"
/* The issue asks for at least this many. */
#define FILES_MIN 60

static void read_whole(const char *name, struct uc_buf *out)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct uc_error err = { 0 };

	uc_buf_addf(&path, "%s/%s", FOLDER, name);
	if (uc_file_read(uc_buf_text(&path), 1 << 20, out, &err) < 0)
		fail_msg("%s", err.text);
}

/* What the loader says about a bad file. */
static void faults_of(const char *name, struct uc_buf *out)
{
	enum uc_layer layer =
		strncmp(name, "project-", 8) == 0 ? UC_LAYER_PROJECT : UC_LAYER_USER;
	uc_auto(errors) struct uc_errors faults = { 0 };
	uc_auto(buf) struct uc_buf bytes = { 0 };
	struct uc_config_from from = { 0 };
	struct uc_config *cfg = NULL;
	struct uc_load load;

	read_whole(name, &bytes);
	assert_int_equal(uc_load_begin(&load, &from, &faults), 0);
	uc_load_bytes(&load, layer, name, uc_buf_text(&bytes), bytes.len);
	if (uc_load_end(&load, &cfg) == 0) {
		uc_config_free(cfg);
		fail_msg("%s was accepted", name);
	}
	assert_null(cfg);
	for (size_t i = 0; i < faults.count; i++) {
		assert_int_equal(faults.item[i].code, UC_USAGE);
		assert_true(faults.item[i].at.line > 0 && faults.item[i].at.column > 0);
		assert_true(strchr(faults.item[i].text, '\n') == NULL);
	}
	faults_text(out, &faults);
}

static void check_bad(const char *name)
{
	uc_auto(buf) struct uc_buf expected = { 0 }, path = { 0 }, said = { 0 };
	struct uc_error err = { 0 };

	faults_of(name, &said);
	uc_buf_addf(&path, "%.*s.expect", (int)(strlen(name) - strlen(".yaml")), name);
	if (getenv("UC_UPDATE")) {
		uc_auto(buf) struct uc_buf file = { 0 };

		uc_buf_addf(&file, "%s/%s", FOLDER, uc_buf_text(&path));
		if (uc_file_write(uc_buf_text(&file), said.data, said.len, 0644, &err) <
		    0)
			fail_msg("%s", err.text);
		return;
	}
	read_whole(uc_buf_text(&path), &expected);
	assert_true(expected.len > 0);
	assert_string_equal(uc_buf_text(&said), uc_buf_text(&expected));
}

static int is_bad_file(const struct dirent *entry)
{
	size_t len = strlen(entry->d_name);

	return len > 5 && strcmp(entry->d_name + len - 5, ".yaml") == 0;
}

static void test_every_bad_file_says_exactly_its_lines(void **state)
{
	struct dirent **entries;
	int count = scandir(FOLDER, &entries, is_bad_file, alphasort);

	(void)state;
	assert_true(count >= FILES_MIN);
	for (int i = 0; i < count; i++) {
		check_bad(entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_bad_file_says_exactly_its_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
