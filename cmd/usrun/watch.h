/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_USRUN_WATCH_H
#define UC_USRUN_WATCH_H
#include <ucluster/reason.h>
#include "usrun/usrun.h"

/* Before becoming srun: start the process that shows what it waits for. */
void usrun_watch(const struct usrun *u);

/* waiting.c: the job that srun waits for, as slurmctld sees it. */
enum uc_waiting_state {
	UC_WAITING_UNKNOWN, /* no answer */
	UC_WAITING_UNSEEN,  /* there is no such job (yet) */
	UC_WAITING,
	UC_WAITING_OVER, /* it runs, or it is not clear which one it is */
};
struct uc_waiting {
	int64_t begun;      /* when srun did */
	int64_t since;      /* it was submitted after that */
	struct uc_buf line; /* srun's words, as slurmctld has them; empty: not compared */
	uint32_t job_id;    /* 0 = not yet found */
	int64_t submit_time;
	uint32_t reason;
	int64_t start, now; /* foreseen start or 0; present of the snapshot */
	bool in_line;       /* its rank matters */
	bool ranked;        /* `rank` is known */
	struct uc_rank rank;
	struct uc_buf partition; /* safe text */
};
/* One RPC: about the user's own jobs, or everybody's. */
enum uc_waiting_state uc_waiting_ask(struct uc_waiting *job, struct uc_run *run,
				     bool whole_queue);
/* "job 4711 waits 0:42: ..."; elapsed -1: without the time. */
void uc_waiting_line(struct uc_buf *line, const struct uc_waiting *job, int64_t elapsed);

#endif
