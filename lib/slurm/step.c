/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <ucluster/step.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "slurm/rows.h"

static const struct {
	const char *name;
	uint32_t id;
} special[] = {
	{ "batch", UC_STEP_BATCH },
	{ "interactive", UC_STEP_INTERACTIVE },
	{ "extern", UC_STEP_EXTERN },
};

void uc_steps_free(struct uc_steps *steps)
{
	uc_rows_free((struct uc_rows *)steps);
}

void uc_buf_step(struct uc_buf *buf, uint32_t step_id)
{
	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (special[i].id == step_id) {
			uc_buf_add(buf, special[i].name);
			return;
		}
	uc_buf_addi(buf, step_id);
}

bool uc_step_is_numbered(uint32_t step_id)
{
	return step_id <= UC_STEP_NUMBER_MAX;
}

bool uc_step_parse(const char *text, uint32_t *step_id)
{
	unsigned long number;
	char *end;

	for (size_t i = 0; i < sizeof(special) / sizeof(special[0]); i++)
		if (strcmp(text, special[i].name) == 0) {
			*step_id = special[i].id;
			return true;
		}
	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	number = strtoul(text, &end, 10);
	if (*end || errno || number > UC_STEP_NUMBER_MAX)
		return false;
	*step_id = (uint32_t)number;
	return true;
}

/* Where the command begins an option cannot be told; the last words may be its. */
const char *uc_step_option(const struct uc_step *step, const char *name, size_t *len)
{
	const size_t size = strlen(name);
	const char *at = step->submit_line.bytes;

	for (; at && *at; at += strspn(at, " ")) {
		const size_t word = strcspn(at, " ");

		if (word >= size + 2 && memcmp(at, "--", 2) == 0 &&
		    memcmp(at + 2, name, size) == 0) {
			if (at[size + 2] == '=') {
				*len = word - size - 3;
				return at + size + 3;
			}
			if (word == size + 2) {
				*len = 0;
				return "";
			}
		}
		at += word;
	}
	return NULL;
}
