/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_TESTS_SYNC_FAKE_H
#define UC_TESTS_SYNC_FAKE_H
/* A far end in this process: another folder, through a store; it fails when asked to. */
#include "sync/run.h"

struct fake {
	const char *root;
	/* How it is; may change between runs. */
	bool coarse;        /* times without fractions */
	bool deltas;        /* looks like a helper */
	bool incomplete;    /* its list */
	bool silent;        /* the first one says nothing */
	long lose_after;    /* jobs until the connection is lost; 0: never */
	long die_after;     /* jobs until this process ends; 0: never */
	unsigned bad_lane;  /* this one cannot be opened; 0: none */
	unsigned beside;    /* lanes that large new files are left to */
	const char *spoil;  /* what is put together of this file is wrong */
	bool spoil_whole;   /* and what is sent whole */
	bool stuck;         /* its end fails, although it is still there */
	const char *change; /* this file is touched here before it is replaced */
	unsigned seed;
	/* What happened. */
	long jobs;
	unsigned opened;
	unsigned tries;                  /* of the file `spoil` */
	long files[UC_SYNC_STREAMS_MAX]; /* content that each lane was handed */
};

/* `opener` is good as long as `fake` is. */
void fake_opener(struct fake *fake, struct uc_sync_opener *opener);

#endif
