/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_FUZZ_SYNC_SCRIPT_H
#define UC_FUZZ_SYNC_SCRIPT_H
/*
 * What one end of the protocol says: the first byte chooses; 'r': raw bytes follow, else
 * messages of a type, two bytes of length and a payload, which get whole headers.
 */
#include <assert.h>
#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xxhash.h>

#include "sync/message.h"

#define SCRIPT_MAX 60000u /* bytes: they fit into a socket */

static void script_frame(struct uc_buf *script, unsigned type, const void *bytes,
			 size_t len)
{
	unsigned char header[UC_FRAME_HEADER] = { 0 };
	uint32_t sum = XXH32(bytes, len, 0);

	for (int i = 0; i < 4; i++) {
		header[i] = (unsigned char)(len >> 8 * i);
		header[8 + i] = (unsigned char)(sum >> 8 * i);
	}
	header[4] = (unsigned char)(type & 0x7f);
	header[5] = (unsigned char)(type >> 7); /* said to be packed */
	uc_buf_addn(script, header, sizeof(header));
	uc_buf_addn(script, bytes, len);
}

static void script_add(struct uc_buf *script, const unsigned char *bytes, size_t len)
{
	while (len >= 3) {
		size_t part = bytes[1] | (size_t)bytes[2] << 8;

		if (part > len - 3)
			part = len - 3;
		script_frame(script, bytes[0], bytes + 3, part);
		bytes += 3 + part;
		len -= 3 + part;
	}
}

static void script_greet(struct uc_buf *script)
{
	static const char hello[] = "{\"version\":1,\"build\":\"1\"}";

	uc_buf_addn(script, "usync\0\1\0\0\0\0\0\0\0\0\0", UC_PREAMBLE);
	script_frame(script, UC_FRAME_HELLO, hello, sizeof(hello) - 1);
}

static char script_base[256];

static int script_remove_one(const char *path, const struct stat *st, int flag,
			     struct FTW *where)
{
	(void)st, (void)flag, (void)where;
	return remove(path);
}

static void script_remove(void)
{
	(void)nftw(script_base, script_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* A new folder with "in" and nothing else in it; its path. */
static const char *script_folder(void)
{
	char *base = script_base;
	char path[300];
	const char *tmp = getenv("TMPDIR");

	if (base[0])
		return base;
	snprintf(base, sizeof(script_base), "%s/uc-fuzz-XXXXXX", tmp ? tmp : "/tmp");
	assert(mkdtemp(base));
	assert(atexit(script_remove) == 0);
	snprintf(path, sizeof(path), "%s/in", base);
	assert(mkdir(path, 0700) == 0);
	return base;
}

/* Nothing was made beside "in". */
static void script_check(void)
{
	DIR *dir = opendir(script_folder());
	const struct dirent *entry;

	assert(dir);
	while ((entry = readdir(dir)))
		assert(entry->d_name[0] == '.' || strcmp(entry->d_name, "in") == 0);
	closedir(dir);
}

#endif
