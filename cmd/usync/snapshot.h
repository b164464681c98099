/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_USYNC_SNAPSHOT_H
#define UC_USYNC_SNAPSHOT_H
#include "usync/command.h"

/* Options and folders of what asks the far end about the project. */
int usync_ask_project(struct usync *u, struct uc_error *err) UC_MUST_CHECK;
/* A question before something is thrown away; true with --yes. -1: nobody is there. */
int usync_may(const struct usync *u, const char *question,
	      struct uc_error *err) UC_MUST_CHECK;

/* push --snapshot; the exit status. */
int usync_snapshot_push(struct usync *u);

#endif
