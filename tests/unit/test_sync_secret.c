/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Files that look like secrets, and files that only remind of them. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <ucluster/text.h>
#include <unistd.h>

#include "sync/secret.h"
#include "unit.h"

static void test_names(void **state)
{
	static const char *const secret[] = {
		".env",
		".env.local",
		"a/.env",
		".ENV",
		".env.production",
		".envrc",
		"key.pem",
		"a/b/server.PEM",
		"id_rsa",
		".ssh/id_ed25519",
		"id_ecdsa_sk",
		"id_rsa.bak",
		".netrc",
		"home/.aws/credentials",
		".aws/credentials",
		"credentials",
		".kaggle/kaggle.json",
		"kaggle.json",
		"my.kdbx",
		".git-credentials",
		".docker/config.json",
		"x/.docker/config.json",
		".kube/config",
		".config/enroot/.credentials",
		".pypirc",
		"cert.p12",
		"gcp-credentials.json",
		"client_secret_1.json",
		"huggingface/token",
	};
	static const char *const harmless[] = {
		"",
		"a",
		".env.example",
		".env.sample",
		"env",
		"environment.yml",
		".environment",
		"id_rsa.pub",
		"id_ed25519.pub",
		"id_map.json",
		"a/id_x",
		"cacert.pem",
		"public_key.pem",
		"jwt-public.pem",
		"credentials.py",
		"config.json",
		"docker/config.json",
		"a/config",
		"token",
		"tokenizer.json",
		"test_credentials.py",
		"netrc.md",
		".netrc/x",
		"my.kdbx.md",
		"a.pem/b",
		"enroot/credentials.md",
		"secrets.h",
		"keyboard.c",
		"x.docker/config.json",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(secret); i++)
		if (!uc_sync_secret_name(secret[i]))
			fail_msg("'%s' looks harmless", secret[i]);
	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++)
		if (uc_sync_secret_name(harmless[i]))
			fail_msg("'%s' looks like %s", harmless[i],
				 uc_sync_secret_name(harmless[i]));
}

/* No secret stands in this file: "@" is put where one would begin. */
static const char *text_of(struct uc_buf *text, const char *pattern)
{
	uc_buf_reset(text);
	for (; *pattern; pattern++)
		if (*pattern != '@')
			uc_buf_addc(text, *pattern);
	return uc_buf_text(text);
}

#define BODY "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n"

static void test_contents(void **state)
{
	static const char *const secret[] = {
		"-----@BEGIN PRIVATE KEY-----\n" BODY,
		"-----@BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n",
		"-----@BEGIN RSA PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\n",
		"-----@BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQOYBGPabcABCADabcdef12345\n",
		"key: |\n  -----@BEGIN EC PRIVATE KEY-----\n  " BODY,
		"{\"private_key\": \"-----@BEGIN PRIVATE KEY-----\\nMIIEvQIBADANBgkqhk\"}",
		"-----BEGIN CERTIFICATE-----\n-----@BEGIN PRIVATE KEY-----\n" BODY,
		"export GITHUB_TOKEN=ghp@_aB3dE5gH7jK9mN1pQ3sT5vX7zA2cE4gI6kM8",
		"token: 'hf@_aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789'\n",
		"AK@IAQWERTYUIOP123456",
		"aws_access_key_id=AK@IAQ2W3E4R5T6Y7U8I9\n",
		"sk-@ant-api03-a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6\n",
		"git clone https://oauth2:glp@at-a1B2c3D4e5F6g7H8i9J0:x.example/x.git",
		"github@_pat_11ABCDEFG0a1b2c3d4e5f6_g7h8i9j0k1l2m3n4o5p6q7r8s9",
	};
	static const char *const harmless[] = {
		"",
		"hello\n",
		"-----BEGIN PUBLIC KEY-----\n" BODY,
		"-----BEGIN CERTIFICATE-----\n" BODY,
		"if line == '-----BEGIN RSA PRIVATE KEY-----':\n    raise ValueError(line)\n",
		"-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n",
		"-----BEGIN PRIVATE KEY-----",
		"-----BEGIN ",
		"-----BEGIN PRIVATE KEY",
		"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIabcdefghijklmnopqrstuvwx me@host\n",
		"ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		"ghp_" /* too short */ "abc123",
		"AKIA" /* the one in the books */ "IOSFODNN7EXAMPLE",
		"AKIA"
		"QWERTYUIOP1234567890",
		"xghp"
		"_aB3dE5gH7jK9mN1pQ3sT5vX7zA2cE4gI6kM8",
		"hf_hub_download(repo_id, filename)",
		"risk-aversion sk-learn task-specific",
		"commit 3f786850e387550fdab836ed7e6dc881de23001b\n",
		"hf_YOUR_TOKEN_HERE",
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(secret); i++) {
		uc_auto(buf) struct uc_buf text = { 0 };

		(void)text_of(&text, secret[i]);
		if (!uc_sync_secret_text(text.data, text.len))
			fail_msg("'%s' looks harmless", secret[i]);
		uc_buf_addc(&text, '\0'); /* not text */
		assert_null(uc_sync_secret_text(text.data, text.len));
	}
	for (size_t i = 0; i < ARRAY_SIZE(harmless); i++) {
		const char *what = uc_sync_secret_text(harmless[i], strlen(harmless[i]));

		if (what)
			fail_msg("'%s' looks like %s", harmless[i], what);
	}
}

static const char *look(int folder, const char *path, const char *pattern, size_t padding)
{
	struct uc_sync_entry entry = { .kind = UC_SYNC_FILE, .path = path };
	uc_auto(buf) struct uc_buf text = { 0 };
	int fd = openat(folder, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	const char *what;

	assert_true(fd >= 0);
	(void)text_of(&text, pattern);
	while (padding-- > 0)
		uc_buf_addc(&text, '\n');
	assert_int_equal(write(fd, uc_buf_text(&text), text.len), text.len);
	close(fd);
	entry.size = text.len;
	what = uc_sync_secret_look(folder, &entry);
	assert_int_equal(unlinkat(folder, path, 0), 0);
	return what;
}

static void test_files(void **state)
{
	static const char key[] = "-----@BEGIN PRIVATE KEY-----\n" BODY;
	static const char certificate[] = "-----BEGIN CERTIFICATE-----\n" BODY;
	struct uc_sync_entry entry = { .kind = UC_SYNC_FILE,
				       .path = "a/fifo",
				       .size = 9 };
	char path[] = "/tmp/uc-sync-secret-XXXXXX";
	int folder;

	(void)state;
	assert_non_null(mkdtemp(path));
	folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(folder >= 0);
	assert_non_null(look(folder, "notes.txt", key, 0));
	assert_null(look(folder, "notes.txt", "nothing\n", 0));
	/* too large to be looked into */
	assert_null(look(folder, "notes.txt", key, UC_SYNC_SECRET_MAX));
	assert_non_null(look(folder, ".env", "A=1\n", 0));
	assert_non_null(look(folder, ".env", "", 0));
	assert_non_null(look(folder, ".env.example", key, 0));
	assert_null(look(folder, ".env.example", "TOKEN=ghp_...\n", 0));
	assert_non_null(look(folder, "a.pem", key, 0));
	assert_null(look(folder, "a.pem", certificate, 0));
	/* the end was not seen */
	assert_non_null(look(folder, "a.pem", certificate, UC_SYNC_SECRET_LOOK));
	/* neither a FIFO nor a link is waited for or followed */
	assert_int_equal(mkfifoat(folder, "fifo", 0600), 0);
	assert_null(uc_sync_secret_look(folder, &entry));
	assert_int_equal(symlinkat("/etc/passwd", folder, ".env"), 0);
	entry.path = ".env";
	assert_non_null(uc_sync_secret_look(folder, &entry));
	entry.kind = UC_SYNC_LINK;
	assert_null(uc_sync_secret_look(folder, &entry));
	assert_int_equal(unlinkat(folder, "fifo", 0), 0);
	assert_int_equal(unlinkat(folder, ".env", 0), 0);
	close(folder);
	assert_int_equal(rmdir(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_contents),
		cmocka_unit_test(test_files),
	};

	return cmocka_run_group_tests_name("sync_secret", tests, NULL, NULL);
}
