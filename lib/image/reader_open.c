/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "image/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <lzo/lzo1x.h>
#include <sqfs/compressor.h>
#include <sqfs/error.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define INODES_MAX ((uint32_t)READER_ENTRIES)

static const struct {
	int error;
	const char *text;
} faults[] = {
	{ SQFS_ERROR_ALLOC, "it asks for more memory than an image needs" },
	{ SQFS_ERROR_IO, "it cannot be read" },
	{ SQFS_ERROR_COMPRESSOR, "its data does not unpack" },
	{ SQFS_ERROR_CORRUPTED, "it is damaged" },
	{ SQFS_ERROR_UNSUPPORTED, "it is of a kind that is not known" },
	{ SQFS_ERROR_OVERFLOW, "it has numbers that are too large" },
	{ SQFS_ERROR_OUT_OF_BOUNDS, "it points to beyond its end" },
	{ SFQS_ERROR_SUPER_MAGIC, "it is not a squashfs file, or was never finished" },
	{ SFQS_ERROR_SUPER_VERSION, "its squashfs is not of version 4" },
	{ SQFS_ERROR_SUPER_BLOCK_SIZE, "its superblock is damaged" },
	{ SQFS_ERROR_NOT_DIR, "a folder in it is none" },
	{ SQFS_ERROR_NOT_FILE, "a file in it is none" },
	{ SQFS_ERROR_LINK_LOOP, "a folder in it is in itself" },
};

const char *reader_fault(int sqfs_error)
{
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
		if (faults[i].error == sqfs_error)
			return faults[i].text;
	return "it is damaged";
}

static int file_read_at(sqfs_file_t *base, sqfs_u64 offset, void *buffer, size_t size)
{
	struct reader_file *file = (struct reader_file *)base;
	unsigned char *to = buffer;

	if (offset > file->size || size > file->size - offset)
		return SQFS_ERROR_OUT_OF_BOUNDS;
	while (size > 0) {
		ssize_t got = pread(file->fd, to, size, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? SQFS_ERROR_IO : SQFS_ERROR_OUT_OF_BOUNDS;
		to += got;
		offset += (sqfs_u64)got;
		size -= (size_t)got;
		file->bytes_read += (uint64_t)got;
	}
	return 0;
}

static int file_write_at(sqfs_file_t *base, sqfs_u64 offset, const void *buffer,
			 size_t size)
{
	(void)base;
	(void)offset;
	(void)buffer;
	(void)size;
	return SQFS_ERROR_IO;
}

static sqfs_u64 file_get_size(const sqfs_file_t *base)
{
	return ((const struct reader_file *)base)->size;
}

static int file_truncate(sqfs_file_t *base, sqfs_u64 size)
{
	(void)base;
	(void)size;
	return SQFS_ERROR_IO;
}

static void file_destroy(sqfs_object_t *base)
{
	(void)base; /* part of the reader */
}

/* libsquashfs leaves LZO out, for its licence; it is what enroot packs with. */
static void lzo_destroy(sqfs_object_t *base)
{
	free(base);
}

static void lzo_configuration(const sqfs_compressor_t *cmp,
			      sqfs_compressor_config_t *config)
{
	(void)cmp;
	memset(config, 0, sizeof(*config));
	config->id = SQFS_COMP_LZO;
}

static int lzo_no_options(sqfs_compressor_t *cmp, sqfs_file_t *file)
{
	(void)cmp;
	(void)file;
	return 0;
}

static sqfs_s32 lzo_unpack(sqfs_compressor_t *cmp, const sqfs_u8 *in, sqfs_u32 size,
			   sqfs_u8 *out, sqfs_u32 outsize)
{
	lzo_uint got = outsize;

	(void)cmp;
	if (lzo1x_decompress_safe(in, size, out, &got, NULL) != LZO_E_OK)
		return SQFS_ERROR_COMPRESSOR;
	return (sqfs_s32)got;
}

static sqfs_object_t *lzo_copy(const sqfs_object_t *base)
{
	sqfs_compressor_t *copy = malloc(sizeof(*copy));

	if (copy)
		memcpy(copy, base, sizeof(*copy));
	return (sqfs_object_t *)copy;
}

static sqfs_compressor_t *new_lzo(void)
{
	sqfs_compressor_t *cmp = calloc(1, sizeof(*cmp));

	if (!cmp)
		return NULL;
	cmp->base.destroy = lzo_destroy;
	cmp->base.copy = lzo_copy;
	cmp->get_configuration = lzo_configuration;
	cmp->write_options = lzo_no_options;
	cmp->read_options = lzo_no_options;
	cmp->do_block = lzo_unpack;
	return cmp;
}

static const char *const compressor_names[] = {
	[SQFS_COMP_GZIP] = "gzip", [SQFS_COMP_LZMA] = "lzma", [SQFS_COMP_LZO] = "lzo",
	[SQFS_COMP_XZ] = "xz",     [SQFS_COMP_LZ4] = "lz4",   [SQFS_COMP_ZSTD] = "zstd",
};

const char *reader_compressor_name(const struct reader *r)
{
	size_t id = r->super.compression_id;

	return id < sizeof(compressor_names) / sizeof(compressor_names[0])
		       ? compressor_names[id]
		       : NULL;
}

static const char *open_compressor(struct reader *r)
{
	sqfs_compressor_config_t config;
	int ret;

	if (r->super.compression_id == SQFS_COMP_LZO) {
		r->compressor = new_lzo();
		return r->compressor ? NULL : reader_fault(SQFS_ERROR_ALLOC);
	}
	ret = sqfs_compressor_config_init(&config, r->super.compression_id,
					  r->super.block_size, SQFS_COMP_FLAG_UNCOMPRESS);
	if (ret == 0)
		ret = sqfs_compressor_create(&config, &r->compressor);
	return ret ? "what it is packed with is not known" : NULL;
}

static const char *open_file(struct reader *r, const char *path)
{
	struct stat st;

	/* O_NONBLOCK: opening a FIFO must not wait for a writer */
	r->file.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (r->file.fd < 0 || fstat(r->file.fd, &st) < 0)
		return strerror(errno);
	if (!S_ISREG(st.st_mode))
		return "it is not a regular file";
	r->file.size = (uint64_t)st.st_size;
	r->file.base.base.destroy = file_destroy;
	r->file.base.read_at = file_read_at;
	r->file.base.write_at = file_write_at;
	r->file.base.get_size = file_get_size;
	r->file.base.truncate = file_truncate;
	return NULL;
}

static const char *open_readers(struct reader *r)
{
	int ret;

	r->dir = sqfs_dir_reader_create(&r->super, r->compressor, &r->file.base, 0);
	r->data = sqfs_data_reader_create(&r->file.base, r->super.block_size,
					  r->compressor, 0);
	if (!r->dir || !r->data)
		return reader_fault(SQFS_ERROR_ALLOC);
	ret = sqfs_data_reader_load_fragment_table(r->data, &r->super);
	return ret ? reader_fault(ret) : NULL;
}

const char *reader_open(struct reader *r, const char *path)
{
	const char *fault = open_file(r, path);
	int ret;

	if (fault)
		return fault;
	if (r->file.size < sizeof(r->super))
		return reader_fault(SFQS_ERROR_SUPER_MAGIC);
	ret = sqfs_super_read(&r->super, &r->file.base);
	if (ret)
		return reader_fault(ret);
	if (r->super.bytes_used > r->file.size)
		return "it is cut off";
	if (r->super.inode_count > INODES_MAX)
		return "it says it has more files than an image can have";
	/* each fragment has the end of a file at least */
	if (r->super.fragment_entry_count > r->super.inode_count)
		return reader_fault(SQFS_ERROR_SUPER_BLOCK_SIZE);
	/* what lies behind is not the image's */
	r->file.size = r->super.bytes_used;
	r->seen.count = (uint64_t)r->super.inode_count + 1;
	r->seen.byte = calloc(r->seen.count / 8 + 1, 1);
	if (!r->seen.byte)
		return reader_fault(SQFS_ERROR_ALLOC);
	fault = open_compressor(r);
	return fault ? fault : open_readers(r);
}

void reader_close(struct reader *r)
{
	sqfs_destroy(r->data);
	sqfs_destroy(r->dir);
	sqfs_destroy(r->compressor);
	free(r->seen.byte);
	for (size_t i = 0; i < r->folder_count; i++)
		free(r->folder[i].path);
	uc_buf_free(&r->out);
	if (r->file.fd >= 0)
		close(r->file.fd);
}
