/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UATTACH_VIEW_H
#define UC_UATTACH_VIEW_H
/* One session in one terminal, from attaching until either of them is gone. */
#include <ucluster/session.h>
#include "uattach/session.h"

enum uattach_outcome {
	VIEW_GOING_ON,
	VIEW_DETACHED,
	VIEW_ENDED,   /* the program did */
	VIEW_LOST,    /* the line is gone */
	VIEW_REFUSED, /* the server does not want us, or is not there */
	VIEW_KILLED,  /* a signal */
};

struct uattach_view {
	struct uattach *u;
	const struct uc_job *job;
	struct uattach_terminal terminal;
	struct uattach_link link;
	int signals;
	struct uc_session_size size;
	struct uc_modes modes;
	struct uc_detach keys;
	struct uc_buf in, out, screen;
	size_t out_done, screen_done;
	bool welcome;                /* the server spoke */
	int64_t begun;               /* ms; when it did */
	int64_t heard, spoke, typed; /* ms */
	uint32_t history;
	enum uattach_outcome outcome;
	struct uc_session_exit over;
	int signal;
	struct uc_buf notice; /* the last one */
};

/* Attach, and stay until v->outcome says why not; the terminal is as it was then. */
int uattach_view_show(struct uattach_view *v, struct uc_error *err);

#endif
