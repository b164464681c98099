/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Secrets. Run as root, the tests of ownership set the effective user to nobody for one
 * call; as an ordinary user those of foreign files use files of root.
 */
#include "unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <ucluster/environment.h>
#include <unistd.h>

#define NOBODY 65534

static const char *const caller[] = { "A=1", "HF_TOKEN=hf_canary_1", "EMPTY=", "Z=26",
				      NULL };

struct place {
	char dir[32];
	char file[64];
	struct uc_secret_from from;
};

static int set_up(void **state)
{
	struct place *p = calloc(1, sizeof(*p));

	memcpy(p->dir, "/tmp/uc-secret.XXXXXX", sizeof("/tmp/uc-secret.XXXXXX"));
	if (!mkdtemp(p->dir))
		return -1;
	snprintf(p->file, sizeof(p->file), "%s/token", p->dir);
	p->from = (struct uc_secret_from){ p->dir, p->dir, caller };
	*state = p;
	return 0;
}

static int tear_down(void **state)
{
	struct place *p = *state;

	unlink(p->file);
	rmdir(p->dir);
	free(p);
	return 0;
}

static void put(const struct place *p, const char *bytes, size_t len, mode_t mode)
{
	int fd;

	unlink(p->file); /* it may be read-only */
	fd = open(p->file, O_WRONLY | O_CREAT | O_EXCL, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

/* Add one; on failure its error. */
static int add(const struct place *p, const char *text, struct uc_secrets **secrets,
	       struct uc_error *err)
{
	memset(err, 0, sizeof(*err));
	return uc_secrets_add(secrets, text, &p->from, err);
}

/* What the first secret holds, as the job would see it. */
static void check_first(const struct uc_secrets *secrets, const char *expected)
{
	struct uc_error err;
	const char **vector = uc_secrets_vector(secrets, NULL, &err);

	assert_non_null(vector);
	assert_string_equal(vector[0], expected);
	free(vector);
}

static void test_secret_of_a_file_loses_one_line_end(void **state)
{
	static const struct {
		const char *bytes, *expected;
	} rows[] = {
		{ "abc", "T=abc" },       { "abc\n", "T=abc" },
		{ "abc\r\n", "T=abc" },   { "abc\n\n", "T=abc\n" },
		{ " a=b \n", "T= a=b " }, { "\xff\n", "T=\xff" },
	};
	struct uc_error err;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uc_auto(secrets) struct uc_secrets *secrets = NULL;

		put(*state, rows[i].bytes, strlen(rows[i].bytes), i % 2 ? 0400 : 0600);
		assert_int_equal(add(*state, "T=token", &secrets, &err), 0);
		check_first(secrets, rows[i].expected);
	}
}

static void test_secret_of_a_variable(void **state)
{
	uc_auto(secrets) struct uc_secrets *secrets = NULL;
	struct uc_error err;

	assert_int_equal(add(*state, "HF_TOKEN", &secrets, &err), 0);
	check_first(secrets, "HF_TOKEN=hf_canary_1");
	assert_int_equal(add(*state, "UNSET", &secrets, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
	assert_int_equal(add(*state, "EMPTY", &secrets, &err), -1);
	assert_int_equal(err.code, UC_USAGE);
	assert_int_equal(add(*state, "HF_TOKEN", &secrets, &err), -1);
	assert_non_null(strstr(err.text, "twice"));
	assert_int_equal(uc_secrets_count(secrets), 1);
	assert_string_equal(uc_secrets_name(secrets, 0), "HF_TOKEN");
	assert_null(uc_secrets_name(secrets, 1));
}

/* NAME=VALUE typed by mistake for NAME=FILE is not repeated in a message. */
static void test_secret_of_a_bad_name_is_not_shown(void **state)
{
	uc_auto(secrets) struct uc_secrets *secrets = NULL;
	struct uc_error err;

	assert_int_equal(add(*state, "hf-token-canary", &secrets, &err), -1);
	assert_null(strstr(err.text, "canary"));
	assert_int_equal(add(*state, "=x", &secrets, &err), -1);
	assert_int_equal(add(*state, "1A", &secrets, &err), -1);
	assert_int_equal(add(*state, "T=", &secrets, &err), -1);
	assert_null(secrets);
}

static void test_secret_file_that_others_may_read_is_refused(void **state)
{
	static const mode_t modes[] = { 0644, 0640, 0604, 0620, 0660, 0700, 0601, 04600 };
	uc_auto(secrets) struct uc_secrets *secrets = NULL;
	struct uc_error err;

	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		put(*state, "x", 1, modes[i]);
		assert_int_equal(add(*state, "T=token", &secrets, &err), -1);
		assert_int_equal(err.code, UC_DENIED);
		assert_non_null(strstr(err.hint, "chmod 600"));
	}
}

static void test_secret_is_a_regular_file_and_no_link(void **state)
{
	uc_auto(secrets) struct uc_secrets *secrets = NULL;
	struct place *p = *state;
	struct uc_error err;

	assert_int_equal(add(p, "T=token", &secrets, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
	assert_int_equal(symlink("/etc/hostname", p->file), 0);
	assert_int_equal(add(p, "T=token", &secrets, &err), -1);
	assert_non_null(strstr(err.text, "symbolic link"));
	unlink(p->file);
	assert_int_equal(mkfifo(p->file, 0600), 0);
	assert_int_equal(add(p, "T=token", &secrets, &err), -1);
	assert_non_null(strstr(err.text, "regular file"));
	unlink(p->file);
	assert_int_equal(add(p, "T=/", &secrets, &err), -1);
	assert_int_equal(add(p, "T=/dev/null", &secrets, &err), -1);
	assert_int_equal(add(p, "T=nowhere/token", &secrets, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
	assert_null(secrets);
}

static void test_secret_file_has_limits(void **state)
{
	static char big[UC_SECRET_MAX + 3];
	uc_auto(secrets) struct uc_secrets *secrets = NULL;
	struct uc_error err;

	memset(big, 'x', sizeof(big));
	put(*state, "", 0, 0600);
	assert_int_equal(add(*state, "T=token", &secrets, &err), -1);
	put(*state, "\n", 1, 0600);
	assert_int_equal(add(*state, "T=token", &secrets, &err), -1);
	assert_non_null(strstr(err.text, "empty"));
	put(*state, "a\0b", 3, 0600);
	assert_int_equal(add(*state, "T=token", &secrets, &err), -1);
	assert_non_null(strstr(err.text, "NUL"));
	put(*state, big, UC_SECRET_MAX + 1, 0600);
	assert_int_equal(add(*state, "T=token", &secrets, &err), -1);
	put(*state, big, UC_SECRET_MAX + 3, 0600);
	assert_int_equal(add(*state, "T=token", &secrets, &err), -1);
	big[UC_SECRET_MAX] = '\n';
	put(*state, big, UC_SECRET_MAX + 1, 0600);
	assert_int_equal(add(*state, "T=token", &secrets, &err), 0);
}

static void test_secret_below_a_folder_of_others_is_refused(void **state)
{
	uc_auto(secrets) struct uc_secrets *secrets = NULL;
	struct place *p = *state;
	struct uc_error err;

	put(p, "x\n", 2, 0600);
	assert_int_equal(chmod(p->dir, 0770), 0);
	assert_int_equal(add(p, "T=token", &secrets, &err), -1);
	assert_int_equal(err.code, UC_DENIED);
	assert_non_null(strstr(err.hint, "chmod go-w"));
	/* the sticky bit helps in folders of root only */
	assert_int_equal(chmod(p->dir, 01777), 0);
	assert_int_equal(add(p, "T=token", &secrets, &err), geteuid() == 0 ? 0 : -1);
	assert_int_equal(chmod(p->dir, 0755), 0);
	assert_int_equal(add(p, "U=token", &secrets, &err), 0);
}

static void test_secret_of_another_user_is_refused(void **state)
{
	uc_auto(secrets) struct uc_secrets *secrets = NULL;
	struct place *p = *state;
	struct uc_error err;

	if (geteuid() != 0)
		skip();
	put(p, "x\n", 2, 0600);
	assert_int_equal(chown(p->file, NOBODY, NOBODY), 0);
	assert_int_equal(add(p, "T=token", &secrets, &err), -1);
	assert_non_null(strstr(err.text, "another user"));
	assert_int_equal(chown(p->file, 0, 0), 0);
	/* a folder of somebody else, who could put another file there */
	assert_int_equal(chown(p->dir, NOBODY, NOBODY), 0);
	assert_int_equal(add(p, "T=token", &secrets, &err), -1);
	assert_non_null(strstr(err.text, "another user"));
	/* as the ordinary user who owns both it works */
	assert_int_equal(chown(p->file, NOBODY, NOBODY), 0);
	assert_int_equal(seteuid(NOBODY), 0);
	assert_int_equal(add(p, "T=token", &secrets, &err), 0);
	assert_int_equal(seteuid(0), 0);
	check_first(secrets, "T=x");
	assert_int_equal(chown(p->dir, 0, 0), 0);
	/* and root's is not readable for that user */
	assert_int_equal(chown(p->file, 0, 0), 0);
	assert_int_equal(seteuid(NOBODY), 0);
	assert_int_equal(add(p, "U=token", &secrets, &err), -1);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(err.code, UC_DENIED);
}

static void test_secrets_are_masked(void **state)
{
	static const struct {
		const char *text, *expected;
	} rows[] = {
		{ "HF_TOKEN=other", "HF_TOKEN=<secret>" },
		{ "HF_TOKEN", "HF_TOKEN" },
		{ "HF_TOKENS=1", "HF_TOKENS=1" },
		{ "see hf_canary_1!", "see <secret>!" },
		{ "hf_canary_hf_canary_1hf_canary_1", "hf_canary_<secret><secret>" },
		{ "Z=26", "Z=<secret>" },
		{ "26 nodes", "26 nodes" }, /* too short to be looked for */
		{ "", "" },
	};
	uc_auto(secrets) struct uc_secrets *secrets = NULL;
	struct uc_error err;

	assert_int_equal(add(*state, "HF_TOKEN", &secrets, &err), 0);
	assert_int_equal(add(*state, "Z", &secrets, &err), 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uc_auto(buf) struct uc_buf out = { 0 };

		uc_secrets_mask(secrets, rows[i].text, &out);
		assert_string_equal(uc_buf_text(&out), rows[i].expected);
	}
}

static void test_secrets_replace_variables(void **state)
{
	static const char *const environment[] = { "A=1", "T=old", "B=2", "TT=3", NULL };
	uc_auto(secrets) struct uc_secrets *secrets = NULL;
	struct uc_error err;
	const char **vector;

	put(*state, "new", 3, 0600);
	assert_int_equal(add(*state, "T=token", &secrets, &err), 0);
	vector = uc_secrets_vector(secrets, environment, &err);
	assert_non_null(vector);
	assert_ptr_equal(vector[0], environment[0]);
	assert_ptr_equal(vector[1], environment[2]);
	assert_ptr_equal(vector[2], environment[3]);
	assert_string_equal(vector[3], "T=new");
	assert_null(vector[4]);
	free(vector);
	vector = uc_secrets_vector(NULL, environment, &err);
	assert_ptr_equal(vector[1], environment[1]);
	assert_null(vector[4]);
	free(vector);
	assert_true(uc_secrets_find(secrets, "T=x"));
	assert_true(uc_secrets_find(secrets, "T"));
	assert_false(uc_secrets_find(secrets, "TT=x"));
	assert_false(uc_secrets_find(NULL, "T"));
}

#define WINDOW 65536

/* In one window of memory, wiped again so that it is not found itself. */
static int count_in_window(int mem, unsigned long from, unsigned long to,
			   const char *coded)
{
	static char bytes[WINDOW + 64];
	size_t len = strlen(coded), want = WINDOW + len - 1;
	int found = 0;
	ssize_t got;

	if (to - from < want)
		want = to - from;
	got = pread(mem, bytes, want, (off_t)from);
	for (ssize_t i = 0; i < WINDOW && i + (ssize_t)len <= got; i++) {
		size_t k = 0;

		while (k < len && bytes[i + (ssize_t)k] == (char)(coded[k] ^ 1))
			k++;
		found += k == len;
	}
	explicit_bzero(bytes, sizeof(bytes));
	return found;
}

/* Look for the value in all of this process's writable memory. */
static int count_in_memory(const char *coded)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	int mem = open("/proc/self/mem", O_RDONLY), found = 0;
	char line[512];

	assert_non_null(maps);
	assert_true(mem >= 0);
	while (fgets(line, sizeof(line), maps)) {
		unsigned long from, to;
		char mode[8];

		if (sscanf(line, "%lx-%lx %7s", &from, &to, mode) != 3 ||
		    mode[1] != 'w' || to - from > (64u << 20))
			continue;
		for (; from < to; from += WINDOW)
			found += count_in_window(mem, from, to, coded);
	}
	fclose(maps);
	close(mem);
	return found;
}

static void test_secret_is_wiped(void **state)
{
	/* each character changed in its last bit, so that this text is not found itself
	 */
	static const char coded[] = "mto`s^g`xrhef^fsrdo^g`xrhef";
	struct uc_secrets *secrets = NULL;
	struct uc_error err;
	int before, fd = open(((struct place *)*state)->file, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	for (size_t i = 0; i < sizeof(coded) - 1; i++) {
		char c = (char)(coded[i] ^ 1);

		assert_int_equal(write(fd, &c, 1), 1);
	}
	close(fd);
	before = count_in_memory(coded);
	assert_int_equal(add(*state, "T=token", &secrets, &err), 0);
	assert_int_equal(count_in_memory(coded) - before, 1);
	uc_secrets_free(secrets);
	assert_int_equal(count_in_memory(coded), before);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_secret_of_a_file_loses_one_line_end),
		TEST(test_secret_of_a_variable),
		TEST(test_secret_of_a_bad_name_is_not_shown),
		TEST(test_secret_file_that_others_may_read_is_refused),
		TEST(test_secret_is_a_regular_file_and_no_link),
		TEST(test_secret_file_has_limits),
		TEST(test_secret_below_a_folder_of_others_is_refused),
		TEST(test_secret_of_another_user_is_refused),
		TEST(test_secrets_are_masked),
		TEST(test_secrets_replace_variables),
		TEST(test_secret_is_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
