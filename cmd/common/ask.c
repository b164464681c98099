/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "common/ask.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <termios.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1023
#define LOOK_MS        200 /* between looks at signals that wait */

enum {
	CTRL_C = 3,
	CTRL_D = 4,
	BACKSPACE = 8,
	CTRL_U = 21,
	DELETE = 127,
};

bool uc_ask_possible(const struct uc_run *run)
{
	return run->stdin_tty && run->stderr_tty;
}

/* Signals that would leave the terminal without echo. */
static void signals_that_end(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGQUIT);
}

static bool has_to_end(void)
{
	sigset_t pending, set;

	signals_that_end(&set);
	if (sigpending(&pending) < 0)
		return false;
	for (int signal = 1; signal < 32; signal++)
		if (sigismember(&set, signal) > 0 && sigismember(&pending, signal) > 0)
			return true;
	return false;
}

/* One byte, or -1: end of input, or a signal wants this process to end. */
static int next_byte(void)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	unsigned char byte;

	for (;;) {
		const int ready = poll(&in, 1, LOOK_MS);

		if (has_to_end())
			return -1;
		if (ready == 0 || (ready < 0 && errno == EINTR))
			continue;
		return ready > 0 && read(STDIN_FILENO, &byte, 1) == 1 ? byte : -1;
	}
}

/* Without help of the terminal's own editing: 0 for a line, -1, or CTRL_C. */
static int read_hidden(char *line, size_t *len)
{
	for (;;) {
		const int byte = next_byte();

		switch (byte) {
		case -1:
		case CTRL_C:
			return byte;
		case '\r':
		case '\n':
			return 0;
		case CTRL_D:
			if (!*len)
				return -1;
			break;
		case BACKSPACE:
		case DELETE:
			/* a character of several bytes goes as one */
			while (*len && ((unsigned char)line[*len - 1] & 0xc0) == 0x80)
				--*len;
			*len -= *len > 0;
			break;
		case CTRL_U:
			*len = 0;
			break;
		default:
			if (*len < LINE_MAX_BYTES)
				line[(*len)++] = (char)byte;
		}
	}
}

static int ask_hidden(char *line, size_t *len)
{
	struct termios before, now;
	sigset_t signals, mask;
	int result;

	if (tcgetattr(STDIN_FILENO, &before) < 0)
		return -1;
	signals_that_end(&signals);
	sigprocmask(SIG_BLOCK, &signals, &mask);
	now = before;
	now.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG);
	now.c_cc[VMIN] = 1;
	now.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &now);
	result = read_hidden(line, len);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	if (result == CTRL_C)
		raise(SIGINT);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return result ? -1 : 0;
}

static int ask_shown(char *line, size_t *len)
{
	char byte;

	for (;;) {
		const ssize_t n = read(STDIN_FILENO, &byte, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return *len ? 0 : -1;
		if (byte == '\n')
			return 0;
		if (*len < LINE_MAX_BYTES)
			line[(*len)++] = byte;
	}
}

int uc_ask_line(const char *prompt, bool echo, struct uc_buf *answer)
{
	char line[LINE_MAX_BYTES + 1];
	size_t len = 0;
	int result;

	fflush(stdout);
	if (echo) /* before the question is seen: its answer may come at once */
		tcflush(STDIN_FILENO, TCIFLUSH);
	fputs(prompt, stderr);
	fflush(stderr);
	result = echo ? ask_shown(line, &len) : ask_hidden(line, &len);
	if (result == 0)
		uc_buf_addn(answer, line, len);
	explicit_bzero(line, sizeof(line));
	return answer->failed ? -1 : result;
}

bool uc_ask_yes(const struct uc_run *run, const char *question)
{
	uc_auto(buf) struct uc_buf prompt = { 0 }, answer = { 0 };
	const char *text;

	uc_buf_addf(&prompt, "%s: %s? [y/N] ", run->prog, question);
	if (uc_ask_line(uc_buf_text(&prompt), true, &answer) < 0)
		return false;
	text = uc_buf_text(&answer);
	return strcasecmp(text, "y") == 0 || strcasecmp(text, "yes") == 0;
}
