/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * mktree DIR FILES: that many small files in folders of 50, three levels deep, the same
 * ones each time; every 50th has a second name. Most are empty: what is measured does not
 * depend on it, and a million are there sooner.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static int fail(const char *what)
{
	perror(what);
	return 1;
}

static int make_file(int folder, unsigned long number)
{
	static const char data[8192];
	char name[32], second[32];
	int fd;

	snprintf(name, sizeof(name), "f%lu.%s", number, number % 7 ? "py" : "pt");
	fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL, 0644);
	if (fd < 0)
		return -1;
	if ((number % 8 == 0 && write(fd, data, number * 37 % sizeof(data)) < 0) ||
	    close(fd) < 0)
		return -1;
	if (number % 50)
		return 0;
	snprintf(second, sizeof(second), "l%lu", number);
	return linkat(folder, name, folder, second, 0);
}

static int make_folder(unsigned long number)
{
	char path[64];

	snprintf(path, sizeof(path), "d%lu", number / 400);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -1;
	snprintf(path, sizeof(path), "d%lu/e%lu", number / 400, number / 20);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -1;
	snprintf(path, sizeof(path), "d%lu/e%lu/g%lu", number / 400, number / 20, number);
	if (mkdir(path, 0755) < 0)
		return -1;
	return open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int main(int argc, char **argv)
{
	unsigned long files = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	int folder = -1;

	if (!files) {
		fputs("usage: mktree DIR FILES\n", stderr);
		return 2;
	}
	if (mkdir(argv[1], 0755) < 0 || chdir(argv[1]) < 0)
		return fail(argv[1]);
	for (unsigned long i = 0; i < files; i++) {
		if (i % 50 == 0) {
			close(folder);
			folder = make_folder(i / 50);
			if (folder < 0)
				return fail("folder");
		}
		if (make_file(folder, i) < 0)
			return fail("file");
	}
	return 0;
}
