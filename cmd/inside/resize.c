/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * The size of a step's terminal: sattach(1) cannot change it, srun does only for its own.
 * The terminal is found by the step's first task, which has it as its input.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "inside/inside.h"

/* The oldest process of the step that has a terminal. */
static int open_terminal(const struct processes *list, const char *step)
{
	const struct process *best = NULL;
	int found = -1;

	for (size_t i = 0; i < list->count; i++) {
		const struct process *p = &list->item[i];
		uc_auto(buf) struct uc_buf path = { 0 }, value = { 0 };
		int fd;

		if (!p->ours || (best && best->start <= p->start) ||
		    !process_variable(p->pid, "SLURM_STEP_ID", &value) ||
		    strcmp(uc_buf_text(&value), step) != 0)
			continue;
		uc_buf_addf(&path, "/proc/%d/fd/0", (int)p->pid);
		fd = open(uc_buf_text(&path), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
		if (fd >= 0 && !isatty(fd)) {
			close(fd);
			continue;
		}
		if (fd < 0)
			continue;
		if (found >= 0)
			close(found);
		found = fd;
		best = p;
	}
	return found;
}

/* A line "ROWS COLUMNS" sets it, and prints what it was. */
static void resize(int terminal, const char *line)
{
	struct winsize size = { 0 };
	unsigned rows, columns;

	if (sscanf(line, "%u %u", &rows, &columns) != 2 || rows > 65535 ||
	    columns > 65535 || ioctl(terminal, TIOCGWINSZ, &size) < 0)
		return;
	printf("%u %u\n", size.ws_row, size.ws_col);
	fflush(stdout);
	size.ws_row = (unsigned short)rows;
	size.ws_col = (unsigned short)columns;
	if (ioctl(terminal, TIOCSWINSZ, &size) < 0)
		inside_say("the terminal's size cannot be set: %s", strerror(errno));
}

int inside_resize(char **argv)
{
	struct processes list = { 0 };
	char line[64];
	int terminal;

	if (!argv[0] || !argv[1] || processes_find(&list, argv[0]) < 0)
		return 2;
	terminal = open_terminal(&list, argv[1]);
	processes_free(&list);
	if (terminal < 0)
		return 3;
	while (fgets(line, sizeof(line), stdin))
		resize(terminal, line);
	close(terminal);
	return 0;
}
