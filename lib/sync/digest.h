/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_DIGEST_H
#define UC_SYNC_DIGEST_H

struct evp_md_st;

/*
 * SHA-256 of libcrypto, to be kept and freed with EVP_MD_free(): fetching it takes longer
 * than the sum of a small file, and the first time milliseconds. NULL: out of memory.
 */
struct evp_md_st *uc_sha256_fetch(void);

#endif
