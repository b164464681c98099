/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <ucluster/tunnel.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LISTENS 0x0a

/* One line of /proc/net/tcp (proc(5)). */
static int64_t match(const char *line, uint16_t local, uint16_t remote)
{
	unsigned here, there, state, uid;

	if (sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%x %x %*s %*s %*s %u",
		   &here, &there, &state, &uid) != 4 ||
	    here != local)
		return -1;
	return (remote ? there == remote : state == LISTENS) ? (int64_t)uid : -1;
}

static int64_t look(const char *path, uint16_t local, uint16_t remote)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int64_t uid = -1;
	char bytes[16384];
	ssize_t got;

	if (fd < 0)
		return -1;
	while ((got = read(fd, bytes, sizeof(bytes))) > 0)
		uc_buf_addn(&text, bytes, (size_t)got);
	close(fd);
	for (const char *line = uc_buf_text(&text); uid < 0 && *line;) {
		const char *end = strchr(line, '\n');

		uid = match(line, local, remote);
		line = end ? end + 1 : "";
	}
	return uid;
}

int64_t uc_tcp_owner(uint16_t local, uint16_t remote)
{
	const int64_t uid = look("/proc/net/tcp", local, remote);

	return uid >= 0 ? uid : look("/proc/net/tcp6", local, remote);
}
