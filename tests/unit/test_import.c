/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* How images of registries are named, what enroot says, and its credentials file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <ucluster/import.h>

static void test_import_names_a_source_as_people_and_enroot_do(void **state)
{
	static const struct {
		const char *text, *uri, *name, *registry;
	} cases[] = {
		{ "nvcr.io/nvidia/pytorch:24.05-py3",
		  "docker://nvcr.io#nvidia/pytorch:24.05-py3",
		  "nvcr.io_nvidia_pytorch_24.05-py3", "nvcr.io" },
		{ "docker://nvcr.io#nvidia/pytorch:24.05-py3",
		  "docker://nvcr.io#nvidia/pytorch:24.05-py3",
		  "nvcr.io_nvidia_pytorch_24.05-py3", "nvcr.io" },
		{ "$oauthtoken@nvcr.io#nvidia/cuda",
		  "docker://$oauthtoken@nvcr.io#nvidia/cuda",
		  "nvcr.io_nvidia_cuda_latest", "nvcr.io" },
		{ "ubuntu:22.04", "docker://ubuntu:22.04", "ubuntu_22.04", "docker.io" },
		{ "ubuntu", "docker://ubuntu", "ubuntu_latest", "docker.io" },
		{ "docker.io/library/ubuntu", "docker://docker.io#library/ubuntu",
		  "ubuntu_latest", "docker.io" },
		{ "docker://pytorch/pytorch:2.3", "docker://pytorch/pytorch:2.3",
		  "pytorch_pytorch_2.3", "docker.io" },
		{ "localhost:5000/a/b:1", "docker://localhost:5000#a/b:1",
		  "localhost_5000_a_b_1", "localhost:5000" },
		{ "me@ghcr.io/a/b@sha256:"
		  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		  "docker://me@ghcr.io#a/b@sha256:"
		  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
		  "ghcr.io_a_b_sha256-0123456789ab", "ghcr.io" },
		{ "dockerd://app:1", "dockerd://app:1", "app_1", NULL },
		{ "podman://localhost/app", "podman://localhost/app",
		  "localhost_app_latest", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uc_auto(import_source) struct uc_import_source from = { 0 };
		struct uc_error err = { 0 };

		if (uc_import_source_parse(cases[i].text, &from, &err) < 0)
			fail_msg("%s: %s", cases[i].text, err.text);
		assert_string_equal(from.uri, cases[i].uri);
		assert_string_equal(from.name, cases[i].name);
		if (cases[i].registry)
			assert_string_equal(from.registry, cases[i].registry);
		else
			assert_null(from.registry);
	}
}

static void test_import_refuses_what_enroot_cannot(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "", "expected" },
		{ "x.sqsh", "already" },
		{ "/data/x.tar", "not from files" },
		{ "./x", "not from files" },
		{ "app.tar.gz", "not from files" },
		{ "oci-archive:x.tar", "not from files" },
		{ "docker-archive:x", "not from files" },
		{ "http://host/x", "known" },
		{ "nvcr.io/Nvidia/x", "lower-case" },
		{ "nvcr.io/a b", "no path" },
		{ "nvcr.io/a:", "" },
		{ "nvcr.io/a:1:2", "malformed" },
		{ "nvcr.io/a@sha256:12", "64 digits" },
		{ "-a", "" },
		{ "dockerd://", "missing" },
		{ "dockerd://a;b", "malformed" },
		{ "a#b@c", "malformed" },
		{ "\x1b[31m", "no path" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uc_auto(import_source) struct uc_import_source from = { 0 };
		struct uc_error err = { 0 };

		if (uc_import_source_parse(cases[i].text, &from, &err) == 0)
			fail_msg("'%s' became '%s'", cases[i].text, from.uri);
		assert_int_equal(err.code, UC_USAGE);
		if (!strstr(err.text, cases[i].says))
			fail_msg("'%s': %s", cases[i].text, err.text);
	}
}

static void test_import_reads_enroots_lines(void **state)
{
	static const struct {
		const char *line;
		enum uc_enroot_kind kind;
		enum uc_enroot_part part;
		const char *text;
	} cases[] = {
		{ "[INFO] Querying registry for permission grant", UC_ENROOT_STEP,
		  UC_ENROOT_OTHER, "asking the registry" },
		{ "[INFO] Authenticating with user: <anonymous>", UC_ENROOT_DETAIL,
		  UC_ENROOT_OTHER, NULL },
		{ "[INFO] Authenticating with user: $oauthtoken", UC_ENROOT_STEP,
		  UC_ENROOT_OTHER, "signing in as $oauthtoken" },
		{ "[INFO] Downloading 12 missing layers...", UC_ENROOT_STEP,
		  UC_ENROOT_DOWNLOAD, "downloading 12 missing layers" },
		{ "[INFO] Creating squashfs filesystem...", UC_ENROOT_STEP,
		  UC_ENROOT_PACK, "packing the image" },
		{ "[INFO] Something new \x1b[2J", UC_ENROOT_STEP, UC_ENROOT_OTHER,
		  "Something new \\x1b[2J" },
		{ "[WARN] Image architecture doesn't match", UC_ENROOT_WARNING,
		  UC_ENROOT_OTHER, NULL },
		{ "[ERROR] No", UC_ENROOT_ERROR, UC_ENROOT_OTHER, "[ERROR] No" },
		{ "curl: (6) Could not resolve host: x", UC_ENROOT_ERROR, UC_ENROOT_OTHER,
		  NULL },
		{ "Parallel mksquashfs: Using 2 processors", UC_ENROOT_DETAIL,
		  UC_ENROOT_OTHER, NULL },
	};
	struct uc_enroot_line line = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uc_enroot_line_read(cases[i].line, &line);
		assert_int_equal(line.kind, cases[i].kind);
		assert_int_equal(line.part, cases[i].part);
		if (cases[i].text)
			assert_string_equal(uc_buf_text(&line.text), cases[i].text);
	}
	uc_buf_free(&line.text);
}

static void test_import_tells_why_enroot_failed(void **state)
{
	static const struct {
		const char *said;
		int status;
		enum uc_code code;
		const char *words, *hint;
	} cases[] = {
		{ "[ERROR] URL https://r/v2/a/manifests/9 returned error code: 404 Not Found\n",
		  1, UC_NOTFOUND, "no image or no tag 'a/b:1'", "tags" },
		{ "[INFO] x\ncurl: (22) The requested URL returned error: 404\n", 1,
		  UC_NOTFOUND, "no longer all parts", "" },
		{ "[ERROR] URL https://r/token returned error code: 401 Unauthorized\n",
		  1, UC_DENIED, "needs a login", "uimage login r.example" },
		{ "[INFO] Using credentials from file: /x\n"
		  "[ERROR] URL https://r/token returned error code: 403 Forbidden\n",
		  1, UC_DENIED, "wrong or old password", "uimage login r.example" },
		{ "[INFO] Authenticating with user: <anonymous>\n", 1, UC_DENIED,
		  "needs a login", "uimage login" },
		{ "[ERROR] URL https://r returned error code: 429 \n", 1, UC_UNREACHABLE,
		  "rate limit", "uimage login" },
		{ "[ERROR] URL https://r returned error code: 503 Service Unavailable\n",
		  1, UC_UNREACHABLE, "503", "later" },
		{ "curl: (6) Could not resolve host: r\n", 6, UC_UNREACHABLE, "not found",
		  "" },
		{ "curl: (7) Failed to connect\n", 7, UC_UNREACHABLE, "cannot be reached",
		  "proxies" },
		{ "curl: (18) transfer closed\n", 1, UC_UNREACHABLE, "cut off", "again" },
		{ "curl: (60) SSL\n", 60, UC_UNREACHABLE, "certificate", "" },
		{ "zstd: error 70 : Write error : No space left on device\n", 1,
		  UC_FAILED, "disk is full", "import.temp_dir" },
		{ "Checksum mismatch: 12\n", 1, UC_INVALID, "not what the registry",
		  "again" },
		{ "[ERROR] Command not found: parallel\n", 1, UC_FAILED,
		  "needs 'parallel'", "" },
		{ "", 137, UC_FAILED, "signal 9", "" },
		{ "", 3, UC_FAILED, "status 3", "" },
	};
	uc_auto(import_source) struct uc_import_source from = { 0 };

	(void)state;
	assert_int_equal(uc_import_source_parse("r.example/a/b:1", &from, NULL), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct uc_error err = { 0 };

		assert_int_equal(
			uc_enroot_failure(cases[i].said, cases[i].status, &from, &err),
			-1);
		if (!strstr(err.text, cases[i].words) || !strstr(err.hint, cases[i].hint))
			fail_msg("%s: %s (%s)", cases[i].said, err.text, err.hint);
		assert_int_equal(err.code, cases[i].code);
	}
}

/* --- credentials --- */

static void edit(const char *before, const struct uc_credential *entry, const char *after,
		 size_t count)
{
	uc_auto(buf) struct uc_buf out = { 0 };
	struct uc_error err = { 0 };
	size_t found;

	if (uc_credentials_edit(before, strlen(before), entry, &out, &found, &err) < 0)
		fail_msg("%s", err.text);
	assert_string_equal(uc_buf_text(&out), after);
	assert_int_equal(found, count);
}

static void test_credentials_are_put_in(void **state)
{
	const struct uc_credential nvcr = { "nvcr.io", "$oauthtoken", "new" };

	(void)state;
	edit("", &nvcr, "machine nvcr.io login $oauthtoken password new\n", 0);
	edit("# mine", &nvcr, "# mine\nmachine nvcr.io login $oauthtoken password new\n",
	     0);
	edit("machine a login b password c\n"
	     "machine nvcr.io login $oauthtoken password old\n"
	     "\n# end\nmachine z login y password x\n",
	     &nvcr,
	     "machine a login b password c\n"
	     "machine nvcr.io login $oauthtoken password new\n"
	     "\n# end\nmachine z login y password x\n",
	     1);
	/* in several lines, with a comment in between */
	edit("machine nvcr.io\n\tlogin $oauthtoken\n# why\n\tpassword old\nmachine a login b\n",
	     &nvcr, "machine nvcr.io login $oauthtoken password new\nmachine a login b\n",
	     1);
	/* another login of that host stays, but comes second */
	edit("machine nvcr.io login bob password x\r\n", &nvcr,
	     "machine nvcr.io login $oauthtoken password new\n"
	     "machine nvcr.io login bob password x\r\n",
	     0);
	/* two on a line */
	edit("machine nvcr.io login $oauthtoken password 1 machine a login b password c",
	     &nvcr,
	     "machine nvcr.io login $oauthtoken password new\n machine a login b password c",
	     1);
	/* words of other entries are not entries */
	edit("machine a login machine password nvcr.io\n"
	     "macdef m\nmachine nvcr.io login $oauthtoken password 1\n\n"
	     "# machine nvcr.io login $oauthtoken password 1\n"
	     "machine b login \"a machine nvcr.io\" password x\n",
	     &nvcr,
	     "machine a login machine password nvcr.io\n"
	     "macdef m\nmachine nvcr.io login $oauthtoken password 1\n\n"
	     "# machine nvcr.io login $oauthtoken password 1\n"
	     "machine b login \"a machine nvcr.io\" password x\n"
	     "machine nvcr.io login $oauthtoken password new\n",
	     0);
}

static void test_credentials_are_taken_out(void **state)
{
	const struct uc_credential any = { "nvcr.io", NULL, NULL };
	const struct uc_credential bob = { "nvcr.io", "bob", NULL };

	(void)state;
	edit("", &any, "", 0);
	edit("machine nvcr.io login a password b\nmachine nvcr.io login bob password x\n",
	     &any, "", 2);
	edit("machine nvcr.io login a password b\nmachine nvcr.io login bob password x\n",
	     &bob, "machine nvcr.io login a password b\n", 1);
	edit("\n#x\n machine nvcr.io login a password b \t\n\nmachine q login r password s",
	     &any, "\n#x\n\nmachine q login r password s", 1);
	edit("machine nvcr.io.example login a password b\n", &any,
	     "machine nvcr.io.example login a password b\n", 0);
}

static void test_credentials_that_enroot_cannot_read_are_refused(void **state)
{
	static const struct {
		struct uc_credential entry;
		const char *words;
	} cases[] = {
		{ { "h", "u", "" }, "empty" },
		{ { "h", "", "p" }, "empty" },
		{ { "h", "u", "a b" }, "blanks" },
		{ { "h", "u", "a\nmachine" }, "blanks" },
		{ { "h", "u x", "p" }, "blanks" },
		{ { "h", "u", "$(id)" }, "'$'" },
		{ { "h", "u", "\"x" }, "quotation" },
		{ { "h", "u[", "p" }, "'['" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uc_auto(buf) struct uc_buf out = { 0 };
		struct uc_error err = { 0 };
		size_t found;

		assert_int_equal(
			uc_credentials_edit("", 0, &cases[i].entry, &out, &found, &err),
			-1);
		assert_int_equal(err.code, UC_USAGE);
		if (!strstr(err.text, cases[i].words))
			fail_msg("%s", err.text);
		/* it is never echoed */
		assert_null(strstr(err.text, "(id)"));
	}
	{
		uc_auto(buf) struct uc_buf out = { 0 };
		const struct uc_credential entry = { "h", "u", "p" };
		struct uc_error err = { 0 };
		size_t found;

		assert_int_equal(
			uc_credentials_edit("a\0b", 3, &entry, &out, &found, &err), -1);
		assert_int_equal(err.code, UC_INVALID);
	}
}

static void test_registries_have_their_hosts(void **state)
{
	static const struct {
		const char *registry, *first, *second, *login;
	} cases[] = {
		{ "nvcr.io", "nvcr.io", "authn.nvidia.com", "$oauthtoken" },
		{ "docker.io", "registry-1.docker.io", "auth.docker.io", NULL },
		{ "ghcr.io", "ghcr.io", NULL, NULL },
		{ "host:5000", "host", NULL, NULL },
	};
	static const char *const bad[] = {
		"", "a b", "a/b", "a:", "a:x", "-a", "a$", NULL
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uc_auto(strv) struct uc_strv hosts = { 0 };
		const char *login = uc_registry_login(cases[i].registry);

		assert_int_equal(uc_registry_hosts(cases[i].registry, &hosts, NULL), 0);
		assert_string_equal(hosts.item[0], cases[i].first);
		assert_int_equal(hosts.count, cases[i].second ? 2 : 1);
		if (cases[i].second)
			assert_string_equal(hosts.item[1], cases[i].second);
		if (cases[i].login)
			assert_string_equal(login, cases[i].login);
		else
			assert_null(login);
	}
	for (const char *const *b = bad; *b; b++) {
		uc_auto(strv) struct uc_strv hosts = { 0 };
		struct uc_error err = { 0 };

		assert_int_equal(uc_registry_hosts(*b, &hosts, &err), -1);
		assert_int_equal(err.code, UC_USAGE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_import_names_a_source_as_people_and_enroot_do),
		cmocka_unit_test(test_import_refuses_what_enroot_cannot),
		cmocka_unit_test(test_import_reads_enroots_lines),
		cmocka_unit_test(test_import_tells_why_enroot_failed),
		cmocka_unit_test(test_credentials_are_put_in),
		cmocka_unit_test(test_credentials_are_taken_out),
		cmocka_unit_test(test_credentials_that_enroot_cannot_read_are_refused),
		cmocka_unit_test(test_registries_have_their_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
