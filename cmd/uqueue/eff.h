/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UQUEUE_EFF_H
#define UC_UQUEUE_EFF_H
/* What a job used: loaded (eff.c), and in words (eff_words.c). */
#include <ucluster/efficiency.h>
#include <ucluster/history.h>
#include "common/json.h"
#include "uqueue/uqueue.h"

struct uqueue_eff {
	struct uc_history *history; /* of this job, with steps */
	struct uc_history_facts facts;
	struct uc_efficiency efficiency;
	struct uc_advice advice[UC_ADVICE_MAX];
	size_t advice_count;
};
int uqueue_eff_load(struct uc_source *source, const struct uc_job_id *id,
		    struct uqueue_eff *out, struct uc_error *err) UC_MUST_CHECK;
void uqueue_eff_free(struct uqueue_eff *eff);

/* Indented lines of a title and a figure; a note where figures are missing. */
void uqueue_eff_lines(struct uc_buf *out, const struct uqueue_eff *eff);
/* The same as members of the object that is open. */
void uqueue_eff_json(struct uc_json *json, const struct uqueue_eff *eff);

#endif
