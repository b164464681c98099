/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_COMMON_PRINTER_H
#define UC_COMMON_PRINTER_H
/*
 * What jobs print, on its way out. In a pipe or file byte for byte; on a terminal only
 * colours pass, other control sequences are made visible; whole lines where several
 * files are mixed, or lines are chosen. Memory does not grow with the output.
 */
#include <regex.h>
#include "common/run.h"

struct uc_printer {
	const struct uc_run *run;
	bool raw;         /* control sequences pass, too */
	bool json;        /* a line is an event */
	const char *grep; /* only lines that match; NULL: all */
	regex_t pattern;
	bool has_pattern, colours; /* colours passed: they are reset in the end */
	struct uc_buf line;        /* scratch */
};

/* UC_USAGE: `grep` is no regular expression. */
int uc_printer_open(struct uc_printer *printer, struct uc_error *err) UC_MUST_CHECK;
/* Nothing that a job switched on stays on. */
void uc_printer_close(struct uc_printer *printer);

/* One source of bytes. */
struct uc_channel {
	struct uc_buf label; /* safe text before each line; empty: none */
	struct uc_buf job;   /* "4711_3", for events */
	bool error;          /* the job's errors */
	struct uc_buf held;  /* the beginning of a line, or of a character */
};
void uc_channel_free(struct uc_channel *channel);

/* -1 with errno: it cannot be written. */
int uc_printer_put(struct uc_printer *printer, struct uc_channel *channel,
		   const char *bytes, size_t len) UC_MUST_CHECK;
/* What is held back: nothing more comes for now, or ever. */
int uc_printer_flush(struct uc_printer *printer,
		     struct uc_channel *channel) UC_MUST_CHECK;
/* One event, a JSON object, on a line of its own. */
int uc_printer_event(struct uc_printer *printer, struct uc_buf *object) UC_MUST_CHECK;

/* All of it, as write(2); -1 with errno. */
int uc_write_all(int fd, const char *bytes, size_t len) UC_MUST_CHECK;

#endif
