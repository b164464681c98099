/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <string.h>
#include <ucluster/image.h>

/* "name version kind" of each, in order, separated by ";" */
static void check_list(const char *text, const char *expected, size_t skipped)
{
	uc_auto(image) struct uc_image *image = NULL;
	uc_auto(buf) struct uc_buf got = { 0 };
	size_t left = 0;

	assert_int_equal(uc_package_list_parse(text, strlen(text), &image, &left, NULL),
			 0);
	assert_true(image->listed);
	for (size_t i = 0; i < image->package_count; i++)
		uc_buf_addf(&got, "%s%s %s %s", i ? "; " : "",
			    image->packages[i].name.bytes,
			    image->packages[i].version.bytes
				    ? image->packages[i].version.bytes
				    : "-",
			    uc_package_kind_name(image->packages[i].kind));
	assert_string_equal(uc_buf_text(&got), expected);
	assert_int_equal(left, skipped);
}

static void test_pip_list(void **state)
{
	(void)state;
	check_list("Package            Version     Editable project location\n"
		   "------------------ ----------- -------------------------\n"
		   "absl-py            1.0.0\n"
		   "torch              1.12.0a0+8a1a93a\n"
		   "mine               0.1         /workspace/mine\n",
		   "absl-py 1.0.0 pip; mine 0.1 pip; torch 1.12.0a0+8a1a93a pip", 0);
	check_list("DEPRECATION: Python 2.7 reached the end of its life\n"
		   "absl-py (0.7.0)\nnumpy (1.16.2, /usr/lib)\n"
		   "You are using pip version 9.0.1, however version 19 is available.\n",
		   "absl-py 0.7.0 pip; numpy 1.16.2 pip", 2);
}

static void test_pip_freeze(void **state)
{
	(void)state;
	check_list(
		"absl-py==1.0.0\r\n-e git+https://x/y@abc#egg=mine&subdirectory=z\r\n"
		"numpy @ file:///tmp/numpy-1.22.whl\ntorch===2.0\n"
		"# Editable install with no version control\nold==1 ; python_version<'3'\n"
		"-e /home/me/x\n",
		"absl-py 1.0.0 pip; mine - pip; numpy - pip; old 1 pip; torch 2.0 pip",
		1);
}

static void test_conda_list(void **state)
{
	(void)state;
	check_list("# packages in environment at /opt/conda:\n#\n"
		   "# Name                    Version        Build  Channel\n"
		   "_libgcc_mutex             0.1            main  \n"
		   "numpy                     1.21.2         py39h20f2e39_0  \n"
		   "six                       1.16.0         pypi_0    pypi\n",
		   "six 1.16.0 pip; _libgcc_mutex 0.1 conda; numpy 1.21.2 conda", 0);
}

static void test_dpkg_list(void **state)
{
	(void)state;
	check_list("Desired=Unknown/Install/Remove/Purge/Hold\n"
		   "| Status=Not/Inst/Conf-files\n|/ Err?=(none)/Reinst-required\n"
		   "||/ Name           Version      Architecture Description\n"
		   "+++-==============-============-============-====\n"
		   "ii  adduser        3.118        all          add users\n"
		   "rc  old            1.0          all          gone\n"
		   "hi  libc6:amd64    1:2.31-13    amd64        GNU C\n",
		   "adduser 3.118 dpkg; libc6 1:2.31-13 dpkg", 1);
}

static void test_json(void **state)
{
	(void)state;
	check_list(
		"[{\"name\": \"torch\", \"version\": \"2.1.0\"}, {\"name\": 3}, 7,"
		" {\"name\": \"numpy\", \"version\": \"1.2\", \"channel\": \"defaults\"},"
		" {\"name\": \"bad\\nname\", \"version\": \"1\"},"
		" {\"name\": \"odd\", \"version\": \"1\\u001b[31m\"}]",
		"odd - pip; torch 2.1.0 pip; numpy 1.2 conda", 3);
	check_list("[not json\nsix 1.0\n", "six 1.0 listed", 1);
}

static void test_plain_and_hostile(void **state)
{
	char longest[3000];

	(void)state;
	check_list("torch 2.1.0\nsix  1.16.0\n\n",
		   "six 1.16.0 listed; torch 2.1.0 listed", 0);
	check_list("six 1.0\nsix 1.0\nSix 1.0\nsix 2.0\n",
		   "six 1.0 listed; six 2.0 listed", 0);
	check_list("a\x1b[31m 1.0\nb 1\x07\nno-version\n../x 1.0\n-x 1.0\n$(id) 1\n"
		   "this has 3 words and more\n",
		   "", 7);
	memset(longest, 'a', sizeof(longest));
	memcpy(longest + sizeof(longest) - 5, " 1.0", 5);
	check_list(longest, "", 1);
	check_list("", "", 0);
	check_list("\xef\xbb\xbfsix 1.0", "six 1.0 listed", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pip_list),
		cmocka_unit_test(test_pip_freeze),
		cmocka_unit_test(test_conda_list),
		cmocka_unit_test(test_dpkg_list),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_plain_and_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
