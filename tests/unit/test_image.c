/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <ucluster/container.h>
#include <ucluster/image.h>

struct fixture {
	char top[32];
	char one[48], two[48], work[48], home[48];
	const char *dirs[3];
	struct uc_where where;
};

/* A superblock that says the file has `says` bytes, in one of `has` bytes. */
static void make_image(const char *folder, const char *name, unsigned says, off_t has)
{
	unsigned char head[96] = "hsqs";
	char path[160];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	head[40] = says & 0xff;
	head[41] = says >> 8 & 0xff;
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, head, sizeof(head)), sizeof(head));
	assert_int_equal(ftruncate(fd, has), 0);
	close(fd);
}

static int set_up(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	snprintf(f->top, sizeof(f->top), "/tmp/uc-image-XXXXXX");
	if (!mkdtemp(f->top))
		return -1;
	snprintf(f->one, sizeof(f->one), "%s/one", f->top);
	snprintf(f->two, sizeof(f->two), "%s/two", f->top);
	snprintf(f->work, sizeof(f->work), "%s/work", f->top);
	snprintf(f->home, sizeof(f->home), "%s/home", f->top);
	mkdir(f->one, 0700);
	mkdir(f->two, 0700);
	mkdir(f->work, 0700);
	mkdir(f->home, 0700);
	f->dirs[0] = f->one;
	f->dirs[1] = f->two;
	f->where = (struct uc_where){ .cwd = f->work,
				      .home = f->home,
				      .image_dirs = f->dirs };
	make_image(f->one, "nvcr.io_nvidia_pytorch_22.05-py3.sqsh", 96, 96);
	make_image(f->one, "nvcr.io_nvidia_pytorch_23.10-py3.sqsh", 96, 96);
	make_image(f->one, "debian.sqsh", 96, 4096);
	make_image(f->one, "debian-slim.sqsh", 96, 96);
	make_image(f->two, "debian.sqsh", 96, 96);
	make_image(f->two, "kaldi.squashfs", 96, 96);
	make_image(f->two, "cut.sqsh", 5000, 4999);
	make_image(f->two, "short.sqsh", 96, 20);
	make_image(f->work, "mine.sqsh", 96, 96);
	make_image(f->work, "odd", 96, 96);
	make_image(f->home, "own.sqsh", 96, 96);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;
	static const char *const files[] = {
		"one/nvcr.io_nvidia_pytorch_22.05-py3.sqsh",
		"one/nvcr.io_nvidia_pytorch_23.10-py3.sqsh",
		"one/debian.sqsh",
		"one/debian-slim.sqsh",
		"two/debian.sqsh",
		"two/kaldi.squashfs",
		"two/cut.sqsh",
		"two/short.sqsh",
		"two/zero.sqsh",
		"two/pipe.sqsh",
		"work/mine.sqsh",
		"work/odd",
		"home/own.sqsh",
	};
	char path[160];

	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->top, files[i]);
		unlink(path);
	}
	rmdir(f->one);
	rmdir(f->two);
	rmdir(f->work);
	rmdir(f->home);
	rmdir(f->top);
	free(f);
	return 0;
}

static void expect_image(struct fixture *f, const char *ref, const char *folder,
			 const char *image)
{
	uc_auto(container) struct uc_container box = { 0 };
	struct uc_error err = { 0 };
	char path[200];

	snprintf(path, sizeof(path), "%s%s%s", folder ? folder : "", folder ? "/" : "",
		 image);
	if (uc_container_set_image(&box, ref, &f->where, &err) < 0)
		fail_msg("%s: %s", ref, err.text);
	assert_string_equal(box.image, path);
	assert_int_equal(box.image_is_path, folder != NULL);
}

static void expect_failure(struct fixture *f, const char *ref, enum uc_code code,
			   const char *text)
{
	uc_auto(container) struct uc_container box = { 0 };
	struct uc_error err = { 0 };

	if (uc_container_set_image(&box, ref, &f->where, &err) == 0)
		fail_msg("'%s' was taken as '%s'", ref, box.image);
	if (!strstr(err.text, text) && !strstr(err.hint, text))
		fail_msg("'%s' says '%s' (%s)", ref, err.text, err.hint);
	assert_int_equal(err.code, code);
	assert_null(box.image);
}

static void test_image_is_a_path(void **state)
{
	struct fixture *f = *state;
	char path[160];

	expect_image(f, "./mine.sqsh", f->work, "mine.sqsh");
	expect_image(f, "mine.sqsh", f->work, "mine.sqsh");
	expect_image(f, "./odd", f->work, "odd");
	expect_image(f, "../work/mine.sqsh", f->work, "../work/mine.sqsh");
	expect_image(f, "~/own.sqsh", f->home, "own.sqsh");
	expect_image(f, "debian.sqsh", f->one, "debian.sqsh");
	snprintf(path, sizeof(path), "file://%s/mine.sqsh", f->work);
	expect_image(f, path, f->work, "mine.sqsh");
}

static void test_image_is_a_short_name(void **state)
{
	struct fixture *f = *state;

	expect_image(f, "debian", f->one, "debian.sqsh");
	expect_image(f, "debian-slim", f->one, "debian-slim.sqsh");
	expect_image(f, "slim", f->one, "debian-slim.sqsh");
	expect_image(f, "kaldi", f->two, "kaldi.squashfs");
	expect_image(f, "pytorch_22.05", f->one, "nvcr.io_nvidia_pytorch_22.05-py3.sqsh");
	expect_image(f, "PyTorch_23.10", f->one, "nvcr.io_nvidia_pytorch_23.10-py3.sqsh");
}

static void test_image_is_of_a_registry(void **state)
{
	struct fixture *f = *state;
	static const char *const cases[][2] = {
		{ "ubuntu:22.04", "ubuntu:22.04" },
		{ "team/app", "team/app" },
		{ "team/app:1.0", "team/app:1.0" },
		{ "docker://ubuntu", "ubuntu" },
		{ "docker://nvcr.io/nvidia/pytorch:24.05-py3",
		  "nvcr.io#nvidia/pytorch:24.05-py3" },
		{ "nvcr.io/nvidia/pytorch:24.05-py3",
		  "nvcr.io#nvidia/pytorch:24.05-py3" },
		{ "nvcr.io#nvidia/pytorch:24.05-py3",
		  "nvcr.io#nvidia/pytorch:24.05-py3" },
		{ "localhost/app", "localhost#app" },
		{ "host:5000/app:1", "host:5000#app:1" },
		{ "me@host.example/app", "me@host.example#app" },
		{ "$oauthtoken@nvcr.io#nvidia/x:1", "$oauthtoken@nvcr.io#nvidia/x:1" },
		{ "ubuntu@sha256:0123abcd", "ubuntu@sha256:0123abcd" },
		{ "host.example/app@sha256:01ab", "host.example#app@sha256:01ab" },
		{ "dockerd://local:1", "dockerd://local:1" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		expect_image(f, cases[i][0], NULL, cases[i][1]);
	/* without image directories a bare word can only be a registry's */
	f->where.image_dirs = NULL;
	expect_image(f, "ubuntu", NULL, "ubuntu");
	f->where.image_dirs = f->dirs;
}

static void test_image_is_refused(void **state)
{
	struct fixture *f = *state;
	char path[160];

	snprintf(path, sizeof(path), "%s/zero.sqsh", f->two);
	close(open(path, O_CREAT | O_WRONLY, 0600));
	snprintf(path, sizeof(path), "%s/pipe.sqsh", f->two);
	assert_int_equal(mkfifo(path, 0600), 0);
	expect_failure(f, "", UC_USAGE, "an image is expected");
	expect_failure(f, "./none.sqsh", UC_NOTFOUND, "No such file");
	expect_failure(f, "none.sqsh", UC_NOTFOUND, "No such file");
	expect_failure(f, "/dev/null/x.sqsh", UC_NOTFOUND, "");
	expect_failure(f, f->one, UC_USAGE, "is a directory");
	expect_failure(f, "zero", UC_USAGE, "is not a squashfs file");
	expect_failure(f, "pipe", UC_USAGE, "is not a regular file");
	expect_failure(f, "cut", UC_USAGE, "is cut off: 4999 of 5000 bytes");
	expect_failure(f, "short", UC_USAGE, "is not a squashfs file");
	expect_failure(
		f, "pytorch", UC_USAGE,
		"nvcr.io_nvidia_pytorch_22.05-py3, nvcr.io_nvidia_pytorch_23.10-py3");
	expect_failure(f, "debiam", UC_NOTFOUND, "did you mean 'debian'?");
	expect_failure(f, "torch_22.05", UC_NOTFOUND,
		       "did you mean 'nvcr.io_nvidia_pytorch_22");
	expect_failure(f, "ubuntu", UC_NOTFOUND, "docker://ubuntu asks a registry");
	expect_failure(f, "podman://x", UC_USAGE, "docker:// and dockerd://");
	expect_failure(f, "dockerd://", UC_USAGE, "malformed");
	expect_failure(f, "docker://", UC_USAGE, "no path, name or registry");
	expect_failure(f, "~you/x.sqsh", UC_USAGE, "only ~/ is known");
	expect_failure(f, "a//b", UC_USAGE, "no path, name or registry");
	expect_failure(f, "a:", UC_USAGE, "no path, name or registry");
	expect_failure(f, "a#b#c", UC_USAGE, "no path, name or registry");
	expect_failure(f, "a b:c", UC_USAGE, "no path, name or registry");
	expect_failure(f, "a,b:c", UC_USAGE, "no path, name or registry");
}

static void test_image_is_taken_unseen_when_asked(void **state)
{
	struct fixture *f = *state;

	f->where.unchecked = true;
	expect_image(f, "/node/only.sqsh", "/node", "only.sqsh");
	f->where.unchecked = false;
}

int __wrap_stat(const char *path, struct stat *st);

/* As files of a server that has lost them. */
int __wrap_stat(const char *path, struct stat *st)
{
	if (!strstr(path, "/lost"))
		return fstatat(AT_FDCWD, path, st, 0);
	errno = ESTALE;
	return -1;
}

static void test_a_folder_with_lost_files_is_told_of_once(void **state)
{
	struct fixture *f = *state;
	uc_auto(image_files) struct uc_image_files *files = NULL;
	struct uc_error err = { 0 };

	make_image(f->two, "lost1.sqsh", 96, 96);
	make_image(f->two, "lost2.sqsh", 96, 96);
	make_image(f->two, "lost3.sqsh", 96, 96);
	assert_int_equal(uc_image_files_find(f->dirs, NULL, &files, &err), 0);
	assert_int_equal(files->unread_count, 1);
	assert_string_equal(files->unread[0].bytes, f->two);
	assert_true(files->count > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_image_is_a_path),
		cmocka_unit_test(test_image_is_a_short_name),
		cmocka_unit_test(test_image_is_of_a_registry),
		cmocka_unit_test(test_image_is_refused),
		cmocka_unit_test(test_image_is_taken_unseen_when_asked),
		cmocka_unit_test(test_a_folder_with_lost_files_is_told_of_once),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
