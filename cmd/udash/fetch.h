/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UDASH_FETCH_H
#define UC_UDASH_FETCH_H
/* Between fetch.c, the thread, and fetch_load.c, what it asks for. */
#include <pthread.h>
#include "common/cluster.h"
#include "udash/data.h"

/* The answers themselves: dash_data borrows from them. */
struct fetch_parts {
	struct uc_jobs *jobs;
	struct uc_nodes *nodes;
	struct uc_partitions *partitions;
	struct uc_reservations *reservations;
	struct uc_limits *limits;
	/* made of these */
	struct uc_gpu_map *map;
	struct dash_index *index;
};

enum fetch_step {
	FETCH_IDLE,
	FETCH_ASKED,
	FETCH_ACTING,
	FETCH_ANSWERED,
	FETCH_TAKEN, /* what was taken before is to be freed */
	FETCH_QUIT,
};

struct dash_fetch {
	struct uc_source *src;
	const char *slurm_conf;
	uint32_t me;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum fetch_step step;
	int event;
	bool busy, acted; /* the caller's */
	struct dash_question question;
	struct dash_deed *deeds;
	size_t deed_count;

	/* the thread's while a question is open */
	struct fetch_parts now,
		old; /* what the caller had, to be freed when the answer is taken */
	struct dash_data data[2];
	int newest; /* of `data` */
	int64_t nodes_ms, rules_ms, past_ms;
	bool answered; /* once */
	struct dash_past past;
	struct uc_self self;
	unsigned enforced;
	int answer; /* 1 new, 0 nothing new, -1 err */
	struct uc_error err;
};

/* In the thread: 1 there is newer data in data[!newest], -1 f->err. */
int fetch_answer(struct dash_fetch *f);
void fetch_drop_parts(struct fetch_parts *parts);

#endif
