/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "common/printer.h"
#include "uattach/relay.h"

/* Best effort: what fails here leaves the size as it is, and is said with -v. */
void uattach_size_open(struct uattach *u, struct uattach_size *size)
{
	uc_auto(strv) struct uc_strv argv = { 0 };
	uc_auto(buf) struct uc_buf step = { 0 };
	struct uattach_place place = { 0 };
	struct uc_error err = { 0 };

	size->child = (struct uattach_child){ .to = -1, .from = -1, .errors = -1 };
	if (uattach_place(u, &place, &err) == 0 && place.step) {
		uattach_srun(u, &place, &argv);
		/* where it is not, sattach shows the screen all the same */
		uc_strv_addf(&argv, "--chdir=/");
		uc_strv_addf(&argv, "%s/job-inside", u->run->libexec_dir);
		uc_strv_add(&argv, "resize");
		uc_strv_addf(&argv, "%" PRIu32, u->job->job_id);
		uc_buf_step(&step, place.step->step_id);
		uc_strv_add(&argv, uc_buf_text(&step));
		if (uattach_spawn(u->run, &argv, &size->child, &err) == 0)
			fcntl(size->child.from, F_SETFL, O_NONBLOCK);
	}
	uattach_place_free(&place);
	if (err.text[0])
		uc_run_say(u->run, 1, "the step's terminal keeps its size: %s", err.text);
}

void uattach_size_set(struct uattach_size *size, uint16_t rows, uint16_t columns)
{
	char line[32];
	int len;

	if (size->child.to < 0 || (size->rows == rows && size->columns == columns))
		return;
	len = snprintf(line, sizeof(line), "%u %u\n", rows, columns);
	size->rows = rows;
	size->columns = columns;
	if (uc_write_all(size->child.to, line, (size_t)len) < 0) {
		close(size->child.to);
		size->child.to = -1;
	}
}

/* The first size of before is the one that its own srun gave it. */
void uattach_size_close(struct uattach_size *size)
{
	char bytes[256];
	unsigned rows, columns;
	ssize_t got;

	if (size->child.pid == 0)
		return;
	while ((got = read(size->child.from, bytes, sizeof(bytes))) > 0)
		uc_buf_addn(&size->said, bytes, (size_t)got);
	if (sscanf(uc_buf_text(&size->said), "%u %u", &rows, &columns) == 2)
		uattach_size_set(size, (uint16_t)rows, (uint16_t)columns);
	uattach_child_end(&size->child, 2000);
	uc_buf_free(&size->said);
}
