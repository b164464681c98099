/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <string.h>
#include "image/requirement.h"
#include "image/version.h"

static void check_meets(const char *version, const char *asked, bool expected)
{
	bool met = !expected;

	assert_int_equal(uc_version_meets(version, asked, &met, NULL), 0);
	if (met != expected)
		fail_msg("'%s' and '%s'", version, asked);
}

/* The oracle has thousands; these are what users ask for. */
static void test_versions(void **state)
{
	struct uc_error err = { 0 };
	bool met;

	(void)state;
	check_meets("2.1.0a0+32f93b1", ">=2.1", false);
	check_meets("2.1.0a0+32f93b1", ">=2.1.0a0", true);
	check_meets("2.1.0+cu118", "==2.1.0", true);
	check_meets("2.1.0+cu118", "==2.1.0+cu121", false);
	check_meets("1.26.4", "~=1.26", true);
	check_meets("2.0", "~=1.26", false);
	check_meets("1!1.0", ">2024", true);
	check_meets("1!1.2", "==1!1.*", true);
	check_meets("1!1.2", "==1.*", false);
	check_meets("2.2.post3", "~=2.2.rc1", true);
	check_meets("1.0.post1", ">1.0", false);
	check_meets("1.0", "", true);
	check_meets("1.0", ">=0.5, <2, !=1.0.*", false);
	check_meets("2022a", "===2022a0", true);
	check_meets("not a version", "===not", false);
	for (const char *const *bad =
		     (const char *const[]){ ">=x", "=1", "~=1", ">=1.*", "==1.0.*.1",
					    "1.0", ">", "<1+local", NULL };
	     *bad; bad++) {
		if (uc_version_meets("1", *bad, &met, &err) == 0)
			fail_msg("'%s'", *bad);
		assert_int_equal(err.code, UC_USAGE);
	}
}

static void test_markers(void **state)
{
	const struct uc_marker_facts facts = { "3.10.12", "x86_64" }, none = { 0 };
	static const struct {
		const char *marker;
		enum uc_truth known, unknown;
	} rows[] = {
		{ "python_version < '3.9'", UC_FALSE, UC_UNSURE },
		{ "python_version >= \"3.9\"", UC_TRUE, UC_UNSURE },
		{ "'3.10' == python_version", UC_TRUE, UC_UNSURE },
		{ "python_full_version == '3.10.*'", UC_TRUE, UC_UNSURE },
		{ "sys_platform == 'linux'", UC_TRUE, UC_TRUE },
		{ "sys_platform != 'linux' and python_version < '4'", UC_FALSE,
		  UC_FALSE },
		{ "platform_machine in 'x86_64 aarch64'", UC_TRUE, UC_UNSURE },
		{ "platform_machine not in 'x86_64 aarch64'", UC_FALSE, UC_UNSURE },
		{ "extra == 'test'", UC_FALSE, UC_FALSE },
		{ "extra == 'test' or (os_name == 'posix' and implementation_name == "
		  "'cpython')",
		  UC_TRUE, UC_TRUE },
		{ "platform_release >= '5'", UC_UNSURE, UC_UNSURE },
	};
	enum uc_truth truth;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(uc_marker_evaluate(rows[i].marker, &facts, &truth));
		if (truth != rows[i].known)
			fail_msg("%s: %d", rows[i].marker, truth);
		assert_true(uc_marker_evaluate(rows[i].marker, &none, &truth));
		if (truth != rows[i].unknown)
			fail_msg("%s, nothing known: %d", rows[i].marker, truth);
	}
	for (const char *const *bad =
		     (const char *const[]){ "", "python_version", "python_version <",
					    "python_version < 3.9", "(os_name == 'x'",
					    "os_name == 'x' os_name == 'x'",
					    "os_name ='x'", "nothing == 'x'",
					    "os_name not 'x'", NULL };
	     *bad; bad++)
		if (uc_marker_evaluate(*bad, &facts, &truth))
			fail_msg("'%s'", *bad);
}

/* "name specifiers" of each, separated by "; " */
static void check_file(const char *path, const char *text, const char *expected,
		       size_t ignored)
{
	uc_auto(requirements) struct uc_requirements *list = NULL;
	uc_auto(buf) struct uc_buf got = { 0 };
	struct uc_error err = { 0 };

	if (uc_requirements_parse(&list, path, text, strlen(text), &err) < 0)
		uc_buf_addf(&got, "%d: %s", err.at.line, err.text);
	else
		for (size_t i = 0; i < list->count; i++)
			uc_buf_addf(&got, "%s%s%s", i ? "; " : "", list->row[i].name,
				    list->row[i].specifiers);
	assert_string_equal(uc_buf_text(&got), expected);
	assert_int_equal(list->ignored.count, ignored);
}

static void test_requirements_txt(void **state)
{
	(void)state;
	check_file("r.txt",
		   "Torch >= 2.1 , < 3 # c\nruamel.yaml[x]==1.*\n  \n#c\n"
		   "pandas \\\n  >=2 \\\n --hash=sha256:ab --hash=sha256:cd\n"
		   "a (>1) ; python_version < '3'\nb@ https://y/z.whl\n",
		   "torch>= 2.1 , < 3; ruamel-yaml==1.*; pandas>=2; a>1; b", 2);
	check_file(
		"r.txt",
		"-r other.txt\n-c c.txt\n--index-url https://x\n-e git+ssh://x#egg=mine\n"
		"./here\nhttps://x/y.whl\nx-1.0-py3-none-any.whl\n",
		"mine", 5);
	check_file("r.txt", "ok\ntor ch\n",
		   "2: 'tor ch': 'ch': expected one of == != < <= > >= ~= ===", 0);
	check_file("r.txt", "ok\n\n_bad\n", "3: '_bad' is no requirement", 0);
	check_file("r.txt", "a;b\n", "1: 'b' is no marker that is known", 0);
	check_file("r.txt", "a \\\n\x01\n", "1: a line that is no text, or too long", 0);
}

static void test_environment_yml(void **state)
{
	(void)state;
	check_file(
		"e.yml",
		"name: x\ndependencies:\n- python=3.9\n- conda-forge::numpy>=1.2,<2\n"
		"- pytorch==2.1=py39_0\n- scipy 1.7.*\n- six 1.16.0 py_0\n- pip\n"
		"- foo=1.2=h_0\n- bar>=1.2.*\n- pip:\n  - torch~=2.0\n  - -r more.txt\n",
		"python==3.9.*; numpy>=1.2,<2; pytorch==2.1; scipy==1.7.*; six==1.16.0; "
		"pip; foo==1.2.*; bar>=1.2; torch~=2.0",
		1);
	check_file("e.yaml", "dependencies: [openssl=1.1.1k, 'a>1|<0.5', 'b *']\n",
		   "openssl; a; b", 2);
	check_file("e.yml", "name: x\n", "1: there is no list of 'dependencies'", 0);
	check_file("e.yml", "dependencies:\n- '>1'\n", "2: '>1' is no dependency", 0);
	check_file("e.yml", "dependencies: [a\n", "2: expected ',' or ']'", 0);
}

static void test_images_meet(void **state)
{
	static const char list[] = "pytorch==2.1.0\nNumPy==1.26.4\n";
	uc_auto(requirements) struct uc_requirements *wanted = NULL;
	uc_auto(image) struct uc_image *image = NULL;
	static const char asked[] = "dependencies: [pytorch>=2, numpy=1.25, scipy]\n";
	static const enum uc_met expected[] = { UC_MET_YES, UC_MET_OTHER, UC_MET_NO };
	struct uc_meeting met;

	(void)state;
	assert_int_equal(uc_package_list_parse(list, strlen(list), &image, NULL, NULL),
			 0);
	assert_int_equal(
		uc_requirements_parse(&wanted, "e.yml", asked, strlen(asked), NULL), 0);
	assert_int_equal(wanted->count, 3);
	for (size_t i = 0; i < 3; i++) {
		uc_requirement_meet(&wanted->row[i], image, &met);
		assert_int_equal(met.met, expected[i]);
	}
	/* conda's name for pip's torch, and only from conda's file */
	uc_image_free(image);
	image = NULL;
	assert_int_equal(uc_package_list_parse("torch==2.1", 10, &image, NULL, NULL), 0);
	uc_requirement_meet(&wanted->row[0], image, &met);
	assert_int_equal(met.met, UC_MET_YES);
	assert_int_equal(uc_requirements_add(&wanted, "pytorch", NULL), 0);
	uc_requirement_meet(&wanted->row[3], image, &met);
	assert_int_equal(met.met, UC_MET_NO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_markers),
		cmocka_unit_test(test_requirements_txt),
		cmocka_unit_test(test_environment_yml),
		cmocka_unit_test(test_images_meet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
