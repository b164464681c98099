/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_IMAGE_READER_H
#define UC_IMAGE_READER_H
/*
 * image-reader read|check PATH: the process that looks into an image. libsquashfs does
 * the format; here are bounds. What it says goes to stdout as a record (record.h), or for
 * "check" as one struct uc_image_checked (record.h).
 *
 * A function that can fail returns NULL or what is wrong, a constant text.
 */
#include <sqfs/data_reader.h>
#include <sqfs/dir_reader.h>
#include <sqfs/inode.h>
#include <sqfs/io.h>
#include <sqfs/super.h>
#include <ucluster/text.h>

enum {
	READER_DEPTH = 100,        /* folders in each other */
	READER_PATH = 4000,        /* bytes of a path */
	READER_FOLDERS = 4096,     /* that are added up on their own */
	READER_ENTRIES = 20000000, /* of all folders together */
	READER_PYTHONS = 64,       /* folders of Python's packages */
};

/* A file of the image's; sqfs_file_t comes first. */
struct reader_file {
	sqfs_file_t base;
	int fd;
	uint64_t size, bytes_read;
};

/* Some numbers, as bits. */
struct reader_bits {
	unsigned char *byte;
	uint64_t count;
};

struct reader_folder {
	char *path;
	uint64_t bytes, files;
};

struct reader {
	struct reader_file file;
	sqfs_super_t super;
	sqfs_compressor_t *compressor;
	sqfs_dir_reader_t *dir;
	sqfs_data_reader_t *data;

	struct reader_bits seen; /* inodes, by number */
	uint64_t entries;
	struct reader_folder folder[READER_FOLDERS];
	size_t folder_count;
	uint64_t files, folders, links, bytes;
	struct {
		char version[16];
		uint64_t count;
	} python[READER_PYTHONS];
	size_t python_count;

	struct uc_buf out;

	bool check;      /* read the data of all files, go on after a fault */
	uint64_t faults; /* damaged files or folders */
	char first[160]; /* the first of them; foreign bytes */
};

const char *reader_open(struct reader *r, const char *path);
void reader_close(struct reader *r);
/* The name of what it is packed with, or NULL. */
const char *reader_compressor_name(const struct reader *r);
/* In words. */
const char *reader_fault(int sqfs_error);

/* See all folders. */
const char *reader_walk(struct reader *r);
/* Note that something at `path` is damaged, and go on (true) or not. */
bool reader_damaged(struct reader *r, const char *path, const char *what);
/* Read a regular file of at most `max` bytes. */
const char *reader_content(struct reader *r, const sqfs_inode_generic_t *inode,
			   uint64_t max, struct uc_buf *out);
/* Read all of it and throw it away. */
const char *reader_try(struct reader *r, const sqfs_inode_generic_t *inode);

#endif
