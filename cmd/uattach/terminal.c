/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>
#include <ucluster/session.h>
#include "uattach/session.h"

int uattach_terminal_open(struct uattach_terminal *t, struct uc_error *err)
{
	char path[256];

	t->fd = -1;
	if (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO) &&
	    ttyname_r(STDIN_FILENO, path, sizeof(path)) == 0)
		t->fd = open(path, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (t->fd < 0 && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO))
		t->fd = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (t->fd < 0)
		return uc_fail(err, UC_USAGE,
			       "a session is shown in a terminal, and this is none");
	t->saved = calloc(1, sizeof(struct termios));
	if (t->saved && tcgetattr(t->fd, t->saved) == 0)
		return 0;
	uattach_terminal_close(t);
	return uc_fail_errno(err, UC_FAILED, errno, "the terminal");
}

void uattach_terminal_close(struct uattach_terminal *t)
{
	uattach_terminal_restore(t);
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
	free(t->saved);
	t->saved = NULL;
}

void uattach_terminal_raw(struct uattach_terminal *t)
{
	struct termios raw = *(struct termios *)t->saved;

	cfmakeraw(&raw);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(t->fd, TCSANOW, &raw) == 0)
		t->raw = true;
}

void uattach_terminal_restore(struct uattach_terminal *t)
{
	if (t->raw)
		tcsetattr(t->fd, TCSADRAIN, t->saved);
	t->raw = false;
}

static uint16_t side(unsigned given, uint16_t otherwise)
{
	if (given == 0)
		return otherwise;
	return given < UC_SESSION_SIDE ? (uint16_t)given : UC_SESSION_SIDE;
}

void uattach_terminal_size(const struct uattach_terminal *t, struct uc_session_size *size)
{
	struct winsize now = { 0 };

	ioctl(t->fd, TIOCGWINSZ, &now);
	size->columns = side(now.ws_col, 80);
	size->rows = side(now.ws_row, 24);
}
