/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "image/reader.h"

enum {
	CHUNK = 1 << 16,
};

const char *reader_content(struct reader *r, const sqfs_inode_generic_t *inode,
			   uint64_t max, struct uc_buf *out)
{
	unsigned char chunk[CHUNK];
	uint64_t size = 0, at = 0;

	if (sqfs_inode_get_file_size(inode, &size) != 0)
		return "a file in it is none";
	if (size > max)
		return "a file in it is larger than such a file can be";
	while (at < size) {
		sqfs_u32 want = size - at < CHUNK ? (sqfs_u32)(size - at) : CHUNK;
		sqfs_s32 got = sqfs_data_reader_read(r->data, inode, at, chunk, want);

		if (got < 0)
			return reader_fault(got);
		if (got == 0 || (sqfs_u32)got > want)
			return "a file in it is cut off";
		uc_buf_addn(out, chunk, (size_t)got);
		at += (uint64_t)got;
	}
	return out->failed ? reader_fault(-1) : NULL;
}

const char *reader_try(struct reader *r, const sqfs_inode_generic_t *inode)
{
	size_t blocks = sqfs_inode_get_file_block_count(inode);
	uint64_t size = 0, got = 0;
	sqfs_u8 *bytes = NULL;
	size_t len = 0;
	int ret;

	if (sqfs_inode_get_file_size(inode, &size) != 0)
		return "it is no file";
	for (size_t i = 0; i < blocks; i++) {
		ret = sqfs_data_reader_get_block(r->data, inode, i, &len, &bytes);
		if (ret)
			return reader_fault(ret);
		sqfs_free(bytes);
		bytes = NULL;
		got += len;
		len = 0;
	}
	ret = sqfs_data_reader_get_fragment(r->data, inode, &len, &bytes);
	if (ret)
		return reader_fault(ret);
	sqfs_free(bytes);
	return got + len == size ? NULL : "some of it is missing";
}
