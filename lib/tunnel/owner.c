/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Whose a TCP socket of this host is, by /proc/net/tcp and tcp6 (proc(5)). Ports alone
 * say nothing: the same one may be somebody else's at another address of the loopback.
 */
#include <ucluster/tunnel.h>

#include <fcntl.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ESTABLISHED 0x01
#define LISTENS     0x0a

/* An address and a port; those of IPv4 as IPv6 maps them. */
struct end {
	unsigned char address[16];
	uint16_t port;
};

/* One line. */
struct socket_line {
	struct end here, there;
	unsigned state, uid;
	uint64_t inode; /* 0: no process has it */
};

static const unsigned char any_four[16] = { [10] = 0xff, [11] = 0xff };
static const unsigned char any_six[16];

static bool read_sockaddr(const struct sockaddr *from, struct end *to)
{
	if (from->sa_family == AF_INET) {
		const struct sockaddr_in *four = (const void *)from;

		memcpy(to->address, any_four, 12);
		memcpy(to->address + 12, &four->sin_addr, 4);
		to->port = ntohs(four->sin_port);
		return true;
	}
	if (from->sa_family == AF_INET6) {
		const struct sockaddr_in6 *six = (const void *)from;

		memcpy(to->address, &six->sin6_addr, 16);
		to->port = ntohs(six->sin6_port);
		return true;
	}
	return false;
}

/* "0100007F:1F90": words of 32 bits as this machine has them in memory. */
static bool read_end(const char *text, struct end *end)
{
	const size_t len = strcspn(text, ":");
	const size_t words = len / 8;
	unsigned port;

	if ((len != 8 && len != 32) || sscanf(text + len, ":%x", &port) != 1)
		return false;
	memcpy(end->address, any_four, 12);
	for (size_t i = 0; i < words; i++) {
		char digits[9] = "";
		unsigned word;
		uint32_t bytes;

		memcpy(digits, text + 8 * i, 8);
		if (sscanf(digits, "%x", &word) != 1)
			return false;
		bytes = word;
		memcpy(end->address + (words == 1 ? 12 : 4 * i), &bytes, 4);
	}
	end->port = (uint16_t)port;
	return true;
}

static bool read_line(const char *line, struct socket_line *out)
{
	char here[48], there[48];

	return sscanf(line,
		      " %*d: %47[0-9A-Fa-f:] %47[0-9A-Fa-f:] %x %*s %*s %*s %u %*s "
		      "%" SCNu64,
		      here, there, &out->state, &out->uid, &out->inode) == 5 &&
	       read_end(here, &out->here) && read_end(there, &out->there);
}

/* What is looked for, and found so far. */
struct search {
	struct end here, there;
	bool listens;
	int best; /* how good the matches are; 0: none yet */
	size_t count;
	int64_t uid;
};

static bool is_same(const struct end *a, const struct end *b)
{
	return a->port == b->port && memcmp(a->address, b->address, 16) == 0;
}

static bool is_four(const struct end *end)
{
	return memcmp(end->address, any_four, 12) == 0;
}

/* Does it take connections to there? One of that very address comes first. */
static int rank_listener(const struct search *s, const struct socket_line *line)
{
	const unsigned char *any = is_four(&s->here) ? any_four : any_six;

	if (line->state != LISTENS || line->here.port != s->here.port)
		return 0;
	if (is_same(&line->here, &s->here))
		return 2;
	return memcmp(line->here.address, any, 16) == 0;
}

static void take(struct search *s, const struct socket_line *line)
{
	int rank;

	if (s->listens)
		rank = rank_listener(s, line);
	else
		rank = line->state == ESTABLISHED && line->inode != 0 &&
		       is_same(&line->here, &s->here) && is_same(&line->there, &s->there);
	if (rank == 0 || rank < s->best)
		return;
	if (rank > s->best)
		s->count = 0;
	/* several processes of one user may listen at the same port */
	if (s->count == 0 || !s->listens || s->uid != line->uid)
		s->count++;
	s->best = rank;
	s->uid = line->uid;
}

static bool look(struct search *s, const char *path)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct socket_line line;
	char bytes[16384];
	ssize_t got;

	/* without IPv6 there is no tcp6 */
	if (fd < 0)
		return false;
	while ((got = read(fd, bytes, sizeof(bytes))) > 0)
		uc_buf_addn(&text, bytes, (size_t)got);
	close(fd);
	if (got < 0 || text.failed)
		return false;
	for (const char *at = uc_buf_text(&text); *at;) {
		const char *end = strchr(at, '\n');

		if (read_line(at, &line))
			take(s, &line);
		at = end ? end + 1 : "";
	}
	return true;
}

static int64_t find(struct search *s)
{
	const bool four = look(s, "/proc/net/tcp"), six = look(s, "/proc/net/tcp6");

	return (four || six) && s->count == 1 ? s->uid : -1;
}

int64_t uc_tcp_peer(int fd)
{
	struct sockaddr_storage here = { 0 }, there = { 0 };
	socklen_t here_size = sizeof(here), there_size = sizeof(there);
	struct search s = { 0 };

	/* what is there for us is here for the other end */
	if (getsockname(fd, (struct sockaddr *)&here, &here_size) < 0 ||
	    getpeername(fd, (struct sockaddr *)&there, &there_size) < 0 ||
	    !read_sockaddr((struct sockaddr *)&there, &s.here) ||
	    !read_sockaddr((struct sockaddr *)&here, &s.there))
		return -1;
	return find(&s);
}

int64_t uc_tcp_listener(const struct sockaddr *to)
{
	struct search s = { .listens = true };

	return read_sockaddr(to, &s.here) ? find(&s) : -1;
}
