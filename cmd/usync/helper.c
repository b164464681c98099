/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * usync-helper: what `usync install-helper` copies to a host that has no ucluster. One
 * file that needs no library there.
 */
#include <stdio.h>
#include <string.h>
#include <ucluster/ucluster.h>
#include "usync/usync.h"

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--serve") == 0)
		return usync_serve();
	if (argc == 2 && strcmp(argv[1], "--version") == 0) {
		printf("usync-helper %s\n", uc_version());
		return fflush(stdout) ? 1 : 0;
	}
	fputs("usync-helper: it is started by usync, as usync-helper --serve\n", stderr);
	return 2;
}
