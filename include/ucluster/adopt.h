/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_ADOPT_H
#define UCLUSTER_ADOPT_H
/*
 * Scripts that start jobs with srun or sbatch, read as far as they can be without running
 * them: what they ask for as a profile of .ucluster.yaml, and the usrun line beside it.
 *
 *	uc_auto(adopted) struct uc_adopted got = { 0 };
 *	if (uc_adopt("run-job.sh", bytes, len, &got, &err) == 0)
 *		puts(uc_buf_text(&got.yaml));
 */
#include <ucluster/error.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Bytes of one script. */
#define UC_ADOPT_BYTES_MAX ((size_t)256 << 10)

/* Zero-initialise; free with uc_adopted_free. */
struct uc_adopted {
	struct uc_buf yaml; /* "profiles:" and one for each job; empty: nothing to say */
	struct uc_strv lines; /* a usrun line for each job, for a shell */
	/* What was not understood, or is left to the reader, each at path:line:column;
	 * the code is UC_OK. */
	struct uc_errors notes;
};
void uc_adopted_free(struct uc_adopted *adopted);
UC_DEFINE_AUTO_VALUE(adopted, struct uc_adopted)

/*
 * Read a script; `path` is for messages and for the profile's name. UC_NOTFOUND: it
 * starts no job; UC_USAGE: too large, or not text;
 * UC_FAILED: out of memory, and nothing of `out` is whole.
 */
int uc_adopt(const char *path, const char *bytes, size_t len, struct uc_adopted *out,
	     struct uc_error *err) UC_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
