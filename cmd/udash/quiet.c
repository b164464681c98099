/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "udash/quiet.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#include <ucluster/text.h>

void dash_quiet_begin(struct dash_quiet *quiet)
{
	quiet->kept = memfd_create("udash-stderr", MFD_CLOEXEC);
	quiet->terminal = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	dash_quiet_return(quiet);
}

void dash_quiet_leave(const struct dash_quiet *quiet)
{
	if (quiet->terminal >= 0)
		dup2(quiet->terminal, STDERR_FILENO);
}

void dash_quiet_return(const struct dash_quiet *quiet)
{
	/* what goes to a file of the user's own stays there */
	if (quiet->kept >= 0 && quiet->terminal >= 0 && isatty(STDERR_FILENO))
		dup2(quiet->kept, STDERR_FILENO);
}

void dash_quiet_end(struct dash_quiet *quiet)
{
	uc_auto(buf) struct uc_buf safe = { 0 };
	char bytes[4096];
	ssize_t n;

	dash_quiet_leave(quiet);
	if (quiet->terminal >= 0)
		close(quiet->terminal);
	n = quiet->kept >= 0 ? pread(quiet->kept, bytes, sizeof(bytes), 0) : 0;
	if (n > 0) {
		uc_buf_safen(&safe, bytes, (size_t)n, UC_SAFE_NEWLINE);
		fputs(uc_buf_text(&safe), stderr);
	}
	if (quiet->kept >= 0)
		close(quiet->kept);
	*quiet = (struct dash_quiet)DASH_QUIET;
}
