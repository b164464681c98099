/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_USYNC_H
#define UC_USYNC_H

/*
 * usync --serve: the other end of a sync, over standard input and output. Returns the
 * exit status. Knows nothing of the rest of the command: the helper is made of it too.
 */
int usync_serve(void);

#endif
