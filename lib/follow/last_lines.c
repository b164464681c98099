/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <ucluster/follow.h>

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define CHUNK 65536
/* A file without line breaks is not read as a whole for its last "line". */
#define LOOK_MAX ((off_t)16 << 20)

static ssize_t read_at(int fd, char *bytes, size_t size, off_t at)
{
	ssize_t got;

	do {
		got = pread(fd, bytes, size, at);
	} while (got < 0 && errno == EINTR);
	return got;
}

/* Behind the line break that `lines` counts down to, in these bytes; -1: not in them. */
static ssize_t find_break(const char *bytes, size_t len, int64_t *lines)
{
	while (len > 0)
		if (bytes[--len] == '\n' && (*lines)-- == 0)
			return (ssize_t)len + 1;
	return -1;
}

off_t uc_follow_last_lines(int fd, int64_t lines)
{
	char bytes[CHUNK];
	struct stat st;
	off_t end, least;

	if (fstat(fd, &st) < 0)
		return -1;
	end = st.st_size;
	if (lines == UC_FOLLOW_ALL || end == 0)
		return 0;
	if (lines <= 0)
		return end;
	least = end > LOOK_MAX ? end - LOOK_MAX : 0;
	/* the last byte ends the last line, it does not begin another; of the breaks
	 * before it the one that counts is number `lines` */
	lines--;
	for (off_t to = end - 1; to > least;) {
		const off_t from = to - least > CHUNK ? to - CHUNK : least;
		const ssize_t got = read_at(fd, bytes, (size_t)(to - from), from);
		ssize_t at;

		if (got < 0)
			return -1;
		if (got < to - from) /* it was cut meanwhile */
			return 0;
		at = find_break(bytes, (size_t)got, &lines);
		if (at >= 0)
			return from + at;
		to = from;
	}
	return least;
}
