/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SLURM_REASON_WORDS_H
#define UC_SLURM_REASON_WORDS_H
#include <ucluster/reason.h>

/*
 * Sentence and action are patterns: {name} is filled in (reason_fill.c), [A|B] is A when
 * all that A names is known, else B; "|B" may be missing.
 */
struct uc_reason_words {
	enum uc_reason_cause cause;
	bool never;
	const char *brief, *sentence, *action;
};

/* What a limit is about; its number is counted in `unit`. */
enum uc_reason_unit {
	UC_UNIT_COUNT,
	UC_UNIT_BYTES,
	UC_UNIT_MINUTES
};
struct uc_reason_resource {
	const char *token; /* in reasons' names: "Cpu" */
	const char *words; /* "CPUs" */
	enum uc_reason_unit unit;
};

/* Words for a reason, never NULL; *resource is NULL where no limit is meant. */
const struct uc_reason_words *uc_reason_words(uint32_t reason,
					      const struct uc_reason_resource **resource);

#endif
