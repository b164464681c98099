/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "common/own.h"
#include <unistd.h>

struct uc_receipt *uc_run_receipt(const struct uc_run *run, const struct uc_job *job)
{
	uc_auto(buf) struct uc_buf dir = { 0 };
	struct uc_receipt *receipt = NULL;
	struct uc_receipt_key key;

	uc_receipt_key_of(&key, job);
	uc_run_state_dir(run, &dir);
	if (!dir.len || job->user_id != getuid() ||
	    uc_receipt_find(uc_buf_text(&dir), &key, &receipt, NULL) < 0)
		return NULL;
	return receipt;
}
