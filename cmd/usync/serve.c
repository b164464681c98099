/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The far end of a sync, started over SSH. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>
#include <ucluster/sync.h>
#include "usync/usync.h"

#define OPEN_FILES 8192

/* Files that arrived wait open until they are synced to disk together. */
static void allow_files(void)
{
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) < 0 || files.rlim_cur >= OPEN_FILES)
		return;
	files.rlim_cur = files.rlim_max < OPEN_FILES ? files.rlim_max : OPEN_FILES;
	(void)setrlimit(RLIMIT_NOFILE, &files);
}

int usync_serve(void)
{
	const struct rlimit none = { 0, 0 };
	const char *home = getenv("HOME");
	struct uc_error err = { 0 };

	/* What is copied must not lie about in a core file. */
	(void)setrlimit(RLIMIT_CORE, &none);
	allow_files();
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN); /* a file beyond the limit is an error of that file */
	if (uc_sync_serve(STDIN_FILENO, STDOUT_FILENO, home, &err) == 0)
		return 0;
	fprintf(stderr, "usync: %s\n", err.text);
	return (int)err.code < UC_INVALID ? (int)err.code : UC_FAILED;
}
