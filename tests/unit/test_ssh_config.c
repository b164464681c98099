/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What a destination means, by the ssh that is installed, and without one. */
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <ucluster/units.h>
#include <unistd.h>

#include "base/file.h"
#include "ssh/config.h"
#include "unit.h"

static struct {
	char folder[64], file[96], fake[96];
} world;

static const char *const with_ssh[] = { "PATH=relative:/usr/bin:/bin", "HOME=/home/me",
					NULL };

static int set_up(void **state)
{
	const char *tmp = getenv("TMPDIR");

	(void)state;
	(void)snprintf(world.folder, sizeof(world.folder), "%s/uc-ssh-XXXXXX",
		       tmp && strlen(tmp) < 40 ? tmp : "/tmp");
	assert_non_null(mkdtemp(world.folder));
	(void)snprintf(world.file, sizeof(world.file), "%s/config", world.folder);
	(void)snprintf(world.fake, sizeof(world.fake), "%s/ssh", world.folder);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(world.file);
	unlink(world.fake);
	return rmdir(world.folder);
}

static void write_text(const char *path, const char *text, mode_t mode)
{
	assert_int_equal(uc_file_write(path, text, strlen(text), mode, NULL), 0);
}

static int look_up(struct uc_ssh_config *config, const char *destination,
		   const char *const *environment, struct uc_error *err)
{
	struct uc_ssh_ask ask = { environment, world.file, uc_monotonic_ms() + 20000 };

	return uc_ssh_config_read(config, destination, &ask, err);
}

static void joined_is(const struct uc_strv *list, const char *expected)
{
	uc_auto(buf) struct uc_buf joined = { 0 };

	for (size_t i = 0; i < list->count; i++)
		uc_buf_addf(&joined, "%s%s", i ? "|" : "", list->item[i]);
	assert_string_equal(uc_buf_text(&joined), expected);
}

static void test_configured(void **state)
{
	uc_auto(ssh_config) struct uc_ssh_config config = { 0 };

	(void)state;
	write_text(world.file,
		   "Host cluster\n HostName login7.example.org\n User ada\n Port 2200\n"
		   " HostKeyAlias the-cluster\n StrictHostKeyChecking yes\n"
		   " IdentityFile \"~/.ssh/special key\"\n IdentityFile /k/two\n"
		   " CertificateFile /k/two-cert.pub\n IdentitiesOnly yes\n"
		   " IdentityAgent none\n ProxyJump ada@gate:2022,inner\n"
		   " UserKnownHostsFile /k/one /k/more\n GlobalKnownHostsFile none\n",
		   0600);
	assert_int_equal(look_up(&config, "cluster", with_ssh, NULL), 0);
	assert_true(config.from_ssh);
	assert_string_equal(config.hostname, "login7.example.org");
	assert_string_equal(config.user, "ada");
	assert_int_equal(config.port, 2200);
	assert_string_equal(config.host_key_alias, "the-cluster");
	assert_string_equal(config.strict, "true");
	assert_string_equal(config.agent, "none");
	assert_string_equal(config.proxy_jump, "ada@gate:2022,inner");
	assert_null(config.proxy_command);
	assert_true(config.identities_only);
	joined_is(&config.identities, "/home/me/.ssh/special key|/k/two");
	joined_is(&config.certificates, "/k/two-cert.pub");
	joined_is(&config.user_known, "/k/one|/k/more");
	joined_is(&config.global_known, "");
}

static void test_destination_wins(void **state)
{
	uc_auto(ssh_config) struct uc_ssh_config config = { 0 };

	(void)state;
	write_text(world.file,
		   "Host *\n User ada\n Port 2200\n ProxyCommand nc -x p %h %p\n"
		   " IdentityFile ~/.ssh/a\n IdentityFile \"/k/with blank\"\n",
		   0600);
	assert_int_equal(look_up(&config, "me@h.example.org:22", with_ssh, NULL), 0);
	assert_string_equal(config.hostname, "h.example.org");
	assert_string_equal(config.user, "me");
	assert_int_equal(config.port, 22);
	assert_null(config.host_key_alias);
	assert_string_equal(config.strict, "ask");
	assert_null(config.agent);
	assert_string_equal(config.proxy_command, "nc -x p %h %p");
	assert_false(config.identities_only);
	joined_is(&config.identities, "/home/me/.ssh/a|/k/with blank");
}

static void test_without_ssh(void **state)
{
	static const char *const without[] = { "PATH=/nonexistent", "HOME=/home/me",
					       NULL };
	static const struct {
		const char *destination, *user, *host;
		int port;
	} cases[] = {
		{ "h", NULL, "h", 22 },
		{ "me@h", "me", "h", 22 },
		{ "me@corp@h:2222", "me@corp", "h", 2222 },
		{ "::1", NULL, "::1", 22 },
		{ "me@[::1]:2222", "me", "::1", 2222 },
		{ "[::1]", NULL, "::1", 22 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uc_auto(ssh_config) struct uc_ssh_config config = { 0 };
		const char *user =
			cases[i].user ? cases[i].user : getpwuid(getuid())->pw_name;

		assert_int_equal(look_up(&config, cases[i].destination, without, NULL),
				 0);
		assert_false(config.from_ssh);
		assert_string_equal(config.hostname, cases[i].host);
		assert_string_equal(config.user, user);
		assert_int_equal(config.port, cases[i].port);
		joined_is(&config.user_known, "/home/me/.ssh/known_hosts|"
					      "/home/me/.ssh/known_hosts2");
		joined_is(&config.identities,
			  "/home/me/.ssh/id_ecdsa|/home/me/.ssh/id_ed25519");
	}
}

static void test_no_destination(void **state)
{
	static const char *const bad[] = {
		"",        "-oProxyCommand=x",
		"me@",     "@h",
		"me@-x",   "-l@h",
		"h:",      "h:0",
		"h:65536", "h:22x",
		"[::1",    "[h]x",
		"a b",     "h;id",
		"$(id)",   "h\n",
		"h:-1",    "a|b",
		"h:",      "[]:22",
	};

	(void)state;
	write_text(world.file, "", 0600);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		uc_auto(ssh_config) struct uc_ssh_config config = { 0 };
		struct uc_error err = { 0 };

		assert_int_equal(look_up(&config, bad[i], with_ssh, &err), -1);
		assert_int_equal(err.code, UC_USAGE);
	}
}

static void test_ssh_refuses(void **state)
{
	uc_auto(ssh_config) struct uc_ssh_config config = { 0 };
	struct uc_error err = { 0 };

	(void)state;
	write_text(world.file, "NoSuchKeyword yes\n", 0600);
	assert_int_equal(look_up(&config, "h", with_ssh, &err), -1);
	assert_int_equal(err.code, UC_USAGE);
	assert_string_equal(err.text, "ssh cannot look 'h' up");
	/* the hint has 120 bytes, the file's name may be longer */
	assert_ptr_equal(strstr(err.hint, "ssh -F '/"), err.hint);
	assert_int_equal(unlink(world.file), 0);
	assert_int_equal(look_up(&config, "h", with_ssh, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
	assert_ptr_equal(strstr(err.text, "ssh's configuration '/"), err.text);
}

static void test_time_is_bounded(void **state)
{
	uc_auto(ssh_config) struct uc_ssh_config config = { 0 };
	struct uc_ssh_ask ask = { with_ssh, world.file, 0 };
	int64_t begun = uc_monotonic_ms();
	struct uc_error err = { 0 };

	(void)state;
	write_text(world.file, "Match exec \"sleep 100\"\n User x\n", 0600);
	ask.deadline = begun + 300;
	assert_int_equal(uc_ssh_config_read(&config, "h", &ask, &err), -1);
	assert_int_equal(err.code, UC_UNREACHABLE);
	assert_true(uc_monotonic_ms() - begun < 20000);
}

/* A program of that name that is no ssh. */
static void test_strange_ssh(void **state)
{
	static const struct {
		const char *script;
		enum uc_code code;
	} cases[] = {
		{ "#!/bin/sh\nwhile :; do echo user somebody; done\n", UC_INVALID },
		{ "#!/bin/sh\nexit 0\n", UC_INVALID },
		{ "#!/bin/sh\necho hostname; echo port x; echo user\n", UC_INVALID },
		{ "#!/bin/sh\nkill -9 $$\n", UC_USAGE },
		{ "no script\n", UC_FAILED },
	};
	char path[128];
	const char *const environment[] = { path, NULL };

	(void)state;
	(void)snprintf(path, sizeof(path), "PATH=%s", world.folder);
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uc_auto(ssh_config) struct uc_ssh_config config = { 0 };
		struct uc_error err = { 0 };

		write_text(world.fake, cases[i].script, 0700);
		assert_int_equal(look_up(&config, "h", environment, &err), -1);
		assert_int_equal(err.code, cases[i].code);
	}
}

/* Somebody else's folder may be where this runs. */
static void test_relative_path(void **state)
{
	static const char *const environment[] = { "PATH=.::sub", "HOME=/", NULL };
	uc_auto(ssh_config) struct uc_ssh_config config = { 0 };
	char before[4096];

	(void)state;
	write_text(world.fake, "#!/bin/sh\nexit 1\n", 0700);
	assert_non_null(getcwd(before, sizeof(before)));
	assert_int_equal(chdir(world.folder), 0);
	assert_int_equal(look_up(&config, "h", environment, NULL), 0);
	assert_int_equal(chdir(before), 0);
	assert_false(config.from_ssh);
}

/* Nothing in some places, a name in others. */
static void test_none(void **state)
{
	uc_auto(ssh_config) struct uc_ssh_config config = { 0 };

	(void)state;
	write_text(world.file, "ProxyCommand none\nUserKnownHostsFile none\n", 0600);
	assert_int_equal(look_up(&config, "none@none", with_ssh, NULL), 0);
	assert_string_equal(config.hostname, "none");
	assert_string_equal(config.user, "none");
	assert_null(config.proxy_command);
	assert_null(config.proxy_jump);
	joined_is(&config.user_known, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_configured),
		cmocka_unit_test(test_destination_wins),
		cmocka_unit_test(test_without_ssh),
		cmocka_unit_test(test_no_destination),
		cmocka_unit_test(test_ssh_refuses),
		cmocka_unit_test(test_time_is_bounded),
		cmocka_unit_test(test_strange_ssh),
		cmocka_unit_test(test_relative_path),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests_name("ssh_config", tests, set_up, tear_down);
}
