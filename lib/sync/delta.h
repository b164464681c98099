/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_DELTA_H
#define UC_SYNC_DELTA_H
/*
 * Which blocks of an old file are in a new one, wherever they are: a rolling sum finds
 * candidates, XXH3 confirms them; the SHA-256 of the whole file is checked by who puts it
 * together, so that a false match costs a second try and nothing else.
 */
#include <stdint.h>
#include <ucluster/error.h>

#define UC_DELTA_BLOCK_MIN  2048u
#define UC_DELTA_BLOCK_MAX  (1u << 20)
#define UC_DELTA_BLOCKS_MAX (1u << 20)

/* The size of a block for an old file: about its square root, a multiple of 1 KiB. */
uint32_t uc_delta_block(uint64_t size);

/* The sums of an old file's blocks. Zero-initialise. */
struct uc_delta_sums {
	uint64_t size; /* of the file; the last block may be short and is not used */
	uint32_t block;
	uint32_t count;
	uint32_t *weak;   /* rolling */
	uint64_t *strong; /* XXH3, its low 48 bits */
};
#define UC_DELTA_SUM_BYTES 10 /* a block's on the wire: 4 + 6, little-endian */
/* Read the file from its start. -1 with err. */
int uc_delta_sums_read(struct uc_delta_sums *sums, int fd, uint64_t size, uint32_t block,
		       struct uc_error *err) UC_MUST_CHECK;
void uc_delta_sums_free(struct uc_delta_sums *sums);
UC_DEFINE_AUTO_VALUE(delta_sums, struct uc_delta_sums)

/* What the new file is made of, in its order. */
struct uc_delta_sink {
	int (*copy)(void *arg, uint64_t from, uint64_t len, struct uc_error *err);
	int (*bytes)(void *arg, const void *bytes, size_t len, struct uc_error *err);
	void *arg;
};
struct uc_delta;
/* `sums` must outlive it. */
struct uc_delta *uc_delta_new(const struct uc_delta_sums *sums,
			      const struct uc_delta_sink *sink);
/* The next bytes of the new file; what is decided goes to the sink. */
int uc_delta_feed(struct uc_delta *delta, const void *bytes, size_t len,
		  struct uc_error *err) UC_MUST_CHECK;
int uc_delta_end(struct uc_delta *delta, struct uc_error *err) UC_MUST_CHECK;
void uc_delta_free(struct uc_delta *delta);
UC_DEFINE_AUTO(delta, struct uc_delta *)

#endif
