/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <string.h>
#include "image/inside.h"

static void check_entry(const char *folder, const char *name, const char *expected)
{
	uc_auto(buf) struct uc_buf out = { 0 };

	uc_inside_entry(&out, folder, name);
	assert_string_equal(uc_buf_text(&out), expected);
}

static void test_entries(void **state)
{
	static const char site[] = "/usr/lib/python3.10/site-packages";
	static const char meta[] = "/opt/conda/conda-meta";

	(void)state;
	check_entry(site, "torch-2.1.0a0+32f93b1.dist-info",
		    "pip\ttorch\t2.1.0a0+32f93b1\n");
	check_entry(site, "ruamel.yaml-0.17.dist-info", "pip\truamel.yaml\t0.17\n");
	check_entry(site, "old-name-1.0.dist-info", "pip\told-name\t1.0\n");
	check_entry(site, "six-1.16.0-py3.10.egg-info", "pip\tsix\t1.16.0\n");
	check_entry(site, "six-1.16.0.egg-info", "pip\tsix\t1.16.0\n");
	check_entry(site, "mine.egg-info", "pip\tmine\t\n");
	check_entry(site, ".dist-info", "");
	check_entry(site, "torch", "");
	check_entry("/usr/lib/python3/dist-packages", "a-1.dist-info", "pip\ta\t1\n");
	check_entry("/usr/lib/x", "a-1.dist-info", "");
	check_entry("/usr/lib/python3.10/site-packages/x/site-packages", "a-1.dist-info",
		    "");
	check_entry("/opt/conda/pkgs/a/lib/python3.9/site-packages", "a-1.dist-info", "");
	check_entry(meta, "numpy-base-1.21.2-py39h20f2e39_0.json",
		    "conda\tnumpy-base\t1.21.2\n");
	check_entry(meta, "history", "");
	check_entry(meta, "a-1.json", "");
	check_entry(meta, "-.json", "");
	check_entry("/usr/local", "cuda-12.1", "cuda\t12.1\n");
	check_entry("/usr/local", "cuda-12", "");
	check_entry("/usr/lib", "aarch64-linux-gnu", "architecture\taarch64\n");
	check_entry(site, "a\t%-1.0.dist-info", "pip\ta%09%25\t1.0\n");
}

static void test_texts(void **state)
{
	static const char dpkg[] =
		"Package: a\nStatus: install ok installed\nVersion: 1\n\n"
		"Package: b\nStatus: deinstall ok config-files\n"
		"Version: 2\n\nPackage: c\nVersion: 3\n"
		"Status: hold ok installed\n";
	static const char rc[] =
		"# enroot-provenance: docker://x\n  cd \"/w\" && x\n"
		"if x; then\n exec '/e' \"$@\"\nelse\n exec '/e' 'c'\nfi\n";
	static const char plain[] = "exec \"$@\"\nexec 'bash'\n";
	static const char environment[] = "A=1\n=x\n2=3\nB\nC=\x1b[0m\r\n";
	uc_auto(buf) struct uc_buf out = { 0 };

	(void)state;
	uc_inside_dpkg(&out, dpkg, strlen(dpkg));
	assert_string_equal(uc_buf_text(&out), "dpkg\ta\t1\ndpkg\tc\t3\n");
	uc_buf_reset(&out);
	uc_inside_rc(&out, rc, strlen(rc));
	assert_string_equal(uc_buf_text(&out), "origin\tdocker://x\nworkdir\t/w\n"
					       "entrypoint\t/e\ncommand\tc\n");
	uc_buf_reset(&out);
	uc_inside_rc(&out, plain, strlen(plain));
	assert_string_equal(uc_buf_text(&out), "command\tbash\n");
	uc_buf_reset(&out);
	uc_inside_environment(&out, environment, strlen(environment));
	assert_string_equal(uc_buf_text(&out), "env\tA=1\nenv\tC=%1B[0m\n");
}

static void check_record(const char *text, const char *fault)
{
	uc_auto(image) struct uc_image *image = NULL;
	struct uc_error err = { 0 };

	if (uc_image_record_parse(text, strlen(text), &image, &err) == 0)
		assert_null(fault);
	else
		assert_string_equal(err.text, fault ? fault : "no fault was expected");
}

static void test_records(void **state)
{
	static const char garbled[] = "what was read of it is garbled";

	(void)state;
	check_record("pip\ta\t1\nend\t1\t2\t3\n", NULL);
	check_record("a word of tomorrow\tx\nend\t1\t2\t3\n", NULL);
	check_record("fault\tit is damaged\n", "it is damaged");
	for (const char *const *bad =
		     (const char *const[]){
			     "", "pip\ta\t1\n", "end\t1\t2\n", "end\t1\t2\t3",
			     "end\t1\t2\t-3\n", "pip\ta\nend\t1\t2\t3\n",
			     "end\t1\t2\t3\npip\ta\t1\n", "os\t%0\nend\t1\t2\t3\n",
			     "os\t%00\nend\t1\t2\t3\n", "os\ta\x01\nend\t1\t2\t3\n",
			     "folder\tx\t1\t/\nend\t1\t2\t3\n", NULL };
	     *bad; bad++)
		check_record(*bad, garbled);
}

static void test_python_is_told_by_who_knows_most(void **state)
{
	static const struct {
		const char *record, *python;
	} rows[] = {
		{ "python\t3.8\t3\npython\t3.10\t9\n", "3.10" },
		{ "python\t3.10\t9\nenv\tPYTHON_VERSION=3.10.4\n", "3.10.4" },
		{ "python\t3.10\t9\nenv\tPYTHON_VERSION=3.11.4\n", "3.10" },
		{ "python\t3.9\t9\nconda\tpython\t3.9.7\n", "3.9.7" },
		{ "python\t3.10\t9\ndpkg\tpython3.10\t3.10.12-1~22.04\n", "3.10.12" },
		{ "dpkg\tpython3\t3.11.2-1+b1\n", "3.11.2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uc_auto(image) struct uc_image *image = NULL;
		uc_auto(buf) struct uc_buf text = { 0 };

		uc_buf_addf(&text, "%send\t1\t2\t3\n", rows[i].record);
		assert_int_equal(uc_image_record_parse(text.data, text.len, &image, NULL),
				 0);
		assert_string_equal(image->python.bytes, rows[i].python);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_python_is_told_by_who_knows_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
