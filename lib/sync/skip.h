/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_SKIP_H
#define UC_SYNC_SKIP_H
#include "sync/ignore.h"

/*
 * What nobody wants to wait for: the rules asked last, so that any other rule (say
 * "!runs/") takes one of them back. Words of gitignore(5).
 */
extern const char uc_sync_skip_rules[];
#define UC_SYNC_SKIP_ORIGIN "default list"

/* Those rules. -1 when out of memory. */
int uc_sync_skip_read(struct uc_ignore_list *list, struct uc_error *err) UC_MUST_CHECK;

#endif
