/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_GRES_H
#define UCLUSTER_GRES_H
/*
 * GRES and TRES strings in the form of any release: "gpu:2", "gres:gpu:a100:2",
 * "gres/gpu:a100=2", "gpu:a100:7(IDX:0-2,4)", "gpu:8(S:0-1)", "cpu=4,mem=16G,gres/gpu=2".
 *
 *	struct uc_gres_walk walk = { .rest = "gpu:a100:2(IDX:0-1),shard:4" };
 *	struct uc_gres item;
 *	while (uc_gres_next(&walk, &item))
 *		...
 *
 * No release promises a grammar, so a broken item is skipped and counted, never fatal.
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/job.h>
#include <ucluster/node.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Pieces of one item; not NUL-terminated, borrowed from the string walked. */
struct uc_span {
	const char *at;
	size_t len;
};
struct uc_gres {
	struct uc_span name;    /* "gpu", "shard", "cpu", "mem", "license/matlab" */
	struct uc_span type;    /* "a100", "1g.10gb"; length 0 = none */
	uint64_t count;         /* 1 when none is written; K M G T P are powers of 1024 */
	struct uc_span indices; /* "0-2,4" of (IDX:...); length 0 = none, or N/A */
	bool is_gres;           /* not a plain TRES such as cpu or mem */
	bool is_total;          /* written NAME=COUNT: untyped ones include the typed */
};
struct uc_gres_walk {
	const char *rest;
	size_t skipped; /* malformed items so far */
};
/* The next item; false at the end. NULL, "", "(null)" and "N/A" hold none. */
bool uc_gres_next(struct uc_gres_walk *walk, struct uc_gres *item);
bool uc_span_is(struct uc_span span, const char *text);

/* A set of small numbers, such as the GPUs of a node. */
#define UC_INDEX_MAX 1024
struct uc_index_set {
	uint64_t bits[UC_INDEX_MAX / 64];
};
/* Add "0-2,4"; -1 when malformed or too large (what came before it is added). */
int uc_index_set_add(struct uc_index_set *set, struct uc_span text) UC_MUST_CHECK;
size_t uc_index_set_count(const struct uc_index_set *set);
bool uc_index_set_has(const struct uc_index_set *set, unsigned index);
/* "0-2,4" */
void uc_buf_index_set(struct uc_buf *buf, const struct uc_index_set *set);

/* GPUs of one or more strings. Zero-initialise. Type names are borrowed. */
#define UC_GPU_TYPES 16
struct uc_gpus {
	uint64_t count;  /* GPUs and MIG slices */
	uint64_t shards; /* counted apart: parts of a GPU */
	struct {
		struct uc_span name;
		uint64_t count;
	} type[UC_GPU_TYPES];
	size_t type_count; /* further types count in `count` only */
	struct uc_index_set used;
	bool indexed; /* `used` is known: an (IDX:...) was there */
};
/* Add what one string holds; "gres/gpu=4,gres/gpu:a100=4" are four. */
void uc_gpus_add(struct uc_gpus *gpus, const char *text);
/* Times `factor` (tasks, nodes, ...); saturates. */
void uc_gpus_multiply(struct uc_gpus *gpus, uint64_t factor);
/* "a100:4,h100:2"; nothing when no type is known. */
void uc_buf_gpu_types(struct uc_buf *buf, const struct uc_gpus *gpus);

/*
 * GPUs of a job from its strings: given ones first (gres_total, tres_alloc), else asked
 * for (tres_req, per job, per node x nodes, per task x tasks, per socket x sockets).
 */
void uc_job_gpus(const struct uc_job *job, struct uc_gpus *gpus);

#ifdef __cplusplus
}
#endif
#endif
