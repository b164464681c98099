/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * SFTP servers that lie. A server that does well, but for one answer, serves one run
 * each: open, list, a file each way. What is expected is who notices.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <ucluster/units.h>
#include <unistd.h>

#include "sync/far.h"
#include "sync/sftp.h"
#include "unit.h"

enum act {
	REPLY,    /* the type, the id, and `bytes` */
	RAW,      /* `bytes` as they are */
	OTHER_ID, /* a status with another id */
	OLD_ID,   /* a status, twice */
	HANG_UP,
	DRIP,   /* half of the answer, then the end */
	FLOOD,  /* names without an end */
	REPEAT, /* the good answer of every READDIR is that of the first */
};

enum stage {
	FINE, /* nobody notices, and nothing is wrong */
	AT_OPEN,
	AT_LIST,
	AT_RUN, /* the connection is given up */
	AT_GET, /* the job alone fails */
	AT_PUT,
};

#define B(text) text, sizeof(text) - 1
#define OK_     101, B("\0\0\0\0\0\0\0\2OK\0\0\0\0")
#define FAIL    101, B("\0\0\0\4\0\0\0\4oops\0\0\0\0")
#define NAME1   "\0\0\0\1"
#define FILE5   "\0\0\0\15\0\0\0\0\0\0\0\5\0\0\201\244\0\0\3\350\0\0\3\350"

#define KIND(mode) "\0\0\0\15\0\0\0\0\0\0\0\5" mode "\0\0\3\350\0\0\3\350"
#define X60        "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X600       X60 X60 X60 X60 X60 X60 X60 X60 X60 X60

static const struct lie {
	const char *name;
	enum uc_sftp_type at;
	unsigned nth; /* of these requests, from 1; 0: all */
	enum act act;
	uint8_t type; /* of the answer */
	const char *bytes;
	size_t len;
	enum stage stage;
	int code; /* enum uc_code, or the job's enum uc_far_outcome */
} lies[] = {
	{ "no lie", 0, 1, REPLY, 0, B(""), FINE, 0 },
	{ "noise", UC_SFTP_INIT, 1, RAW, 0, B("Welcome to host\r\n"), AT_OPEN,
	  UC_INVALID },
	{ "version 2", UC_SFTP_INIT, 1, RAW, 0, B("\0\0\0\5\2\0\0\0\2"), AT_OPEN,
	  UC_INVALID },
	{ "version 6", UC_SFTP_INIT, 1, RAW, 0, B("\0\0\0\5\2\0\0\0\6"), AT_OPEN,
	  UC_INVALID },
	{ "a short version", UC_SFTP_INIT, 1, RAW, 0, B("\0\0\0\1\2"), AT_OPEN,
	  UC_INVALID },
	{ "half an extension", UC_SFTP_INIT, 1, RAW, 0,
	  B("\0\0\0\15\2\0\0\0\3\0\0\0\4abcd"), AT_OPEN, UC_INVALID },
	{ "an extension too long", UC_SFTP_INIT, 1, RAW, 0,
	  B("\0\0\0\15\2\0\0\0\3\377\377\377\377abcd"), AT_OPEN, UC_INVALID },
	{ "status in place of a version", UC_SFTP_INIT, 1, RAW, 0,
	  B("\0\0\0\5\145\0\0\0\3"), AT_OPEN, UC_INVALID },
	{ "no version", UC_SFTP_INIT, 1, HANG_UP, 0, B(""), AT_OPEN, UC_UNREACHABLE },
	{ "a packet of no bytes", UC_SFTP_STAT, 1, RAW, 0, B("\0\0\0\0"), AT_OPEN,
	  UC_INVALID },
	{ "a packet of 4 GiB", UC_SFTP_STAT, 1, RAW, 0, B("\377\377\377\377"), AT_OPEN,
	  UC_INVALID },
	{ "a packet of one byte", UC_SFTP_STAT, 1, RAW, 0, B("\0\0\0\1\145"), AT_OPEN,
	  UC_INVALID },
	{ "a second version", UC_SFTP_STAT, 1, REPLY, 2, B(""), AT_OPEN, UC_INVALID },
	{ "a request as an answer", UC_SFTP_STAT, 1, REPLY, 7, B("\0\0\0\0"), AT_OPEN,
	  UC_INVALID },
	{ "an unknown type", UC_SFTP_STAT, 1, REPLY, 255, B(""), AT_OPEN, UC_INVALID },
	{ "an id that nobody has", UC_SFTP_STAT, 1, OTHER_ID, 0, B(""), AT_OPEN,
	  UC_INVALID },
	{ "an id twice", UC_SFTP_OPENDIR, 1, OLD_ID, 0, B(""), AT_LIST, UC_INVALID },
	{ "data for STAT", UC_SFTP_STAT, 1, REPLY, 103, B("\0\0\0\1x"), AT_OPEN,
	  UC_INVALID },
	{ "OK for STAT", UC_SFTP_STAT, 1, REPLY, OK_, AT_OPEN, UC_INVALID },
	{ "attributes cut short", UC_SFTP_STAT, 1, REPLY, 105, B("\0\0\0\15\0\0"),
	  AT_OPEN, UC_INVALID },
	{ "attributes and more", UC_SFTP_STAT, 1, REPLY, 105, B("\0\0\0\0more"), AT_OPEN,
	  UC_INVALID },
	{ "4 billion extended attributes", UC_SFTP_STAT, 1, REPLY, 105,
	  B("\200\0\0\0\377\377\377\377\0\0\0\0"), AT_OPEN, UC_INVALID },
	{ "attributes without a mode", UC_SFTP_STAT, 1, REPLY, 105, B("\0\0\0\0"),
	  AT_OPEN, UC_USAGE },
	{ "a status without a code", UC_SFTP_STAT, 1, REPLY, 101, B(""), AT_OPEN,
	  UC_INVALID },
	{ "a status nobody knows", UC_SFTP_STAT, 1, REPLY, 101,
	  B("\377\377\377\377\0\0\0\5\x1b[31m\0\0\0\0"), AT_OPEN, UC_FAILED },
	{ "a status without a message", UC_SFTP_STAT, 1, REPLY, 101, B("\0\0\0\2"),
	  AT_OPEN, UC_NOTFOUND },
	{ "a message longer than its packet", UC_SFTP_STAT, 1, REPLY, 101,
	  B("\0\0\0\4\177\377\377\377x"), AT_OPEN, UC_INVALID },
	{ "a root that is relative", UC_SFTP_REALPATH, 1, REPLY, 104,
	  B(NAME1 "\0\0\0\3r/s\0\0\0\0\0\0\0\0"), AT_OPEN, UC_INVALID },
	{ "a root with a NUL", UC_SFTP_REALPATH, 1, REPLY, 104,
	  B(NAME1 "\0\0\0\3/\0s\0\0\0\0\0\0\0\0"), AT_OPEN, UC_INVALID },
	{ "a root without a name", UC_SFTP_REALPATH, 1, REPLY, 104,
	  B(NAME1 "\0\0\0\0\0\0\0\0\0\0\0\0"), AT_OPEN, UC_INVALID },
	{ "no root", UC_SFTP_REALPATH, 1, REPLY, 104, B("\0\0\0\0"), AT_OPEN,
	  UC_INVALID },
	{ "a handle too long", UC_SFTP_OPENDIR, 1, REPLY, 102,
	  B("\0\0\1\54xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
	    "xxxxxxxxxxxx"),
	  AT_LIST, UC_INVALID },
	{ "a handle longer than its packet", UC_SFTP_OPENDIR, 1, REPLY, 102,
	  B("\0\0\0\100x"), AT_LIST, UC_INVALID },
	{ "a root that cannot be read", UC_SFTP_OPENDIR, 1, REPLY, FAIL, AT_LIST,
	  UC_FAILED },
	{ "an empty name", UC_SFTP_READDIR, 1, REPLY, 104,
	  B(NAME1 "\0\0\0\0\0\0\0\0" FILE5), AT_LIST, UC_INVALID },
	{ "a name with a slash", UC_SFTP_READDIR, 1, REPLY, 104,
	  B(NAME1 "\0\0\0\11../../etc\0\0\0\0" FILE5), AT_LIST, UC_INVALID },
	{ "an absolute name", UC_SFTP_READDIR, 1, REPLY, 104,
	  B(NAME1 "\0\0\0\4/etc\0\0\0\0" FILE5), AT_LIST, UC_INVALID },
	{ "a name with a NUL", UC_SFTP_READDIR, 1, REPLY, 104,
	  B(NAME1 "\0\0\0\3f\0x\0\0\0\0" FILE5), AT_LIST, UC_INVALID },
	{ "only . and ..", UC_SFTP_READDIR, 1, REPLY, 104,
	  B("\0\0\0\2\0\0\0\1.\0\0\0\0" FILE5 "\0\0\0\2..\0\0\0\0" FILE5), FINE, 0 },
	{ "a newline and an escape in names", UC_SFTP_READDIR, 1, REPLY, 104,
	  B("\0\0\0\2\0\0\0\3a\nb\0\0\0\0" FILE5 "\0\0\0\5\x1b[31m\0\0\0\0" FILE5), FINE,
	  0 },
	{ "a name that is no UTF-8", UC_SFTP_READDIR, 1, REPLY, 104,
	  B(NAME1 "\0\0\0\2\377\233\0\0\0\0" FILE5), FINE, 0 },
	{ "a name of 4800 bytes", UC_SFTP_READDIR, 1, REPLY, 104,
	  B(NAME1 "\0\0\22\300" X600 X600 X600 X600 X600 X600 X600 X600 "\0\0\0\0" FILE5),
	  FINE, 0 },
	{ "a name twice", UC_SFTP_READDIR, 1, REPLY, 104,
	  B("\0\0\0\2\0\0\0\1f\0\0\0\0" FILE5 "\0\0\0\1f\0\0\0\0" FILE5), FINE, 0 },
	{ "names that differ in case", UC_SFTP_READDIR, 1, REPLY, 104,
	  B("\0\0\0\2\0\0\0\1f\0\0\0\0" FILE5 "\0\0\0\1F\0\0\0\0" FILE5), FINE, 0 },
	{ "a handle of no bytes", UC_SFTP_OPENDIR, 1, REPLY, 102, B("\0\0\0\0"), FINE,
	  0 },
	{ "a size of 2^63", UC_SFTP_READDIR, 1, REPLY, 104,
	  B(NAME1 "\0\0\0\1f\0\0\0\0"
		  "\0\0\0\15\200\0\0\0\0\0\0\0\0\0\201\244\0\0\3\350\0\0\3\350"),
	  FINE, 0 },
	{ "a device, a socket, a FIFO and no kind at all", UC_SFTP_READDIR, 1, REPLY, 104,
	  B("\0\0\0\4\0\0\0\1a\0\0\0\0" KIND("\0\0\040\266") "\0\0\0\1b\0\0\0\0" KIND(
		  "\0\0\301\377") "\0\0\0\1c\0\0\0\0" KIND("\0\0\020\266") "\0\0\0\1d\0\0\0\0" KIND("\0\0\1\266")),
	  FINE, 0 },
	{ "mode 06777", UC_SFTP_READDIR, 1, REPLY, 104,
	  B(NAME1 "\0\0\0\1f\0\0\0\0" KIND("\0\0\215\377")), FINE, 0 },
	{ "time 0 and time 2^32 - 1", UC_SFTP_READDIR, 1, REPLY, 104,
	  B("\0\0\0\2\0\0\0\1a\0\0\0\0"
	    "\0\0\0\15\0\0\0\0\0\0\0\5\0\0\201\244\0\0\0\0\0\0\0\0"
	    "\0\0\0\1b\0\0\0\0"
	    "\0\0\0\15\0\0\0\0\0\0\0\5\0\0\201\244\377\377\377\377\377\377\377\377"),
	  FINE, 0 },
	{ "a link to above", UC_SFTP_READLINK, 1, REPLY, 104,
	  B(NAME1 "\0\0\0\11../../etc\0\0\0\0\0\0\0\0"), FINE, 0 },
	{ "a link that is absolute", UC_SFTP_READLINK, 1, REPLY, 104,
	  B(NAME1 "\0\0\0\4/etc\0\0\0\0\0\0\0\0"), FINE, 0 },
	{ "names of nothing", UC_SFTP_READDIR, 1, REPLY, 104, B("\0\0\0\0"), AT_LIST,
	  UC_INVALID },
	{ "4 billion names in a packet", UC_SFTP_READDIR, 1, REPLY, 104,
	  B("\377\377\377\377\0\0\0\1f\0\0\0\0" FILE5), AT_LIST, UC_INVALID },
	{ "one name more than it says", UC_SFTP_READDIR, 1, REPLY, 104,
	  B(NAME1 "\0\0\0\1f\0\0\0\0" FILE5 "\0\0\0\1g\0\0\0\0" FILE5), AT_LIST,
	  UC_INVALID },
	{ "one name less than it says", UC_SFTP_READDIR, 1, REPLY, 104,
	  B("\0\0\0\2\0\0\0\1f\0\0\0\0" FILE5), AT_LIST, UC_INVALID },
	{ "a name longer than its packet", UC_SFTP_READDIR, 1, REPLY, 104,
	  B(NAME1 "\177\377\377\377f\0\0\0\0" FILE5), AT_LIST, UC_INVALID },
	{ "names without an end", UC_SFTP_READDIR, 0, FLOOD, 0, B(""), AT_LIST,
	  UC_INVALID },
	{ "names again and again", UC_SFTP_READDIR, 0, REPEAT, 0, B(""), AT_LIST,
	  UC_INVALID },
	{ "OK for READDIR", UC_SFTP_READDIR, 1, REPLY, OK_, AT_LIST, UC_INVALID },
	{ "a target that is empty", UC_SFTP_READLINK, 1, REPLY, 104,
	  B(NAME1 "\0\0\0\0\0\0\0\0\0\0\0\0"), AT_LIST, UC_INVALID },
	{ "a target with a NUL", UC_SFTP_READLINK, 1, REPLY, 104,
	  B(NAME1 "\0\0\0\3a\0b\0\0\0\0\0\0\0\0"), AT_LIST, UC_INVALID },
	{ "no target", UC_SFTP_READLINK, 1, REPLY, 104, B("\0\0\0\0"), AT_LIST,
	  UC_INVALID },
	{ "half an answer", UC_SFTP_READDIR, 1, DRIP, 0, B(""), AT_LIST, UC_UNREACHABLE },
	{ "the end within a list", UC_SFTP_READDIR, 2, HANG_UP, 0, B(""), AT_LIST,
	  UC_UNREACHABLE },
	{ "more bytes than asked for", UC_SFTP_READ, 1, REPLY, 103, B("\0\0\0\6hello!"),
	  AT_RUN, UC_INVALID },
	{ "no bytes", UC_SFTP_READ, 1, REPLY, 103, B("\0\0\0\0"), AT_RUN, UC_INVALID },
	{ "bytes beyond the packet", UC_SFTP_READ, 1, REPLY, 103, B("\0\1\0\0hello"),
	  AT_RUN, UC_INVALID },
	{ "one byte at a time", UC_SFTP_READ, 1, REPLY, 103, B("\0\0\0\1h"), FINE, 0 },
	{ "the end of a file too early", UC_SFTP_READ, 1, REPLY, 101, B("\0\0\0\1"),
	  AT_GET, UC_FAR_VANISHED },
	{ "names for READ", UC_SFTP_READ, 1, REPLY, 104, B("\0\0\0\0"), AT_RUN,
	  UC_INVALID },
	{ "another file than was listed", UC_SFTP_FSTAT, 2, REPLY, 105,
	  B("\0\0\0\15\0\0\0\0\0\0\0\5\0\0\201\244\0\0\3\350\0\0\3\351"), AT_GET,
	  UC_FAR_VANISHED },
	{ "2^64 - 1 bytes all of a sudden", UC_SFTP_FSTAT, 2, REPLY, 105,
	  B("\0\0\0\15\377\377\377\377\377\377\377\377\0\0\201\244\0\0\3\350\0\0\3\350"),
	  AT_GET, UC_FAR_VANISHED },
	{ "a handle for WRITE", UC_SFTP_WRITE, 1, REPLY, 102, B("\0\0\0\1x"), AT_RUN,
	  UC_INVALID },
	{ "a full disk", UC_SFTP_WRITE, 1, REPLY, FAIL, AT_PUT, UC_FAR_FAILED },
	{ "a close that fails", UC_SFTP_CLOSE, 0, REPLY, FAIL, AT_PUT, UC_FAR_FAILED },
	{ "a mode that cannot be set", UC_SFTP_FSETSTAT, 1, REPLY, FAIL, AT_PUT,
	  UC_FAR_FAILED },
	{ "a rename that fails", UC_SFTP_RENAME, 1, REPLY, FAIL, AT_PUT, UC_FAR_FAILED },
	{ "the end before the rename is answered", UC_SFTP_RENAME, 1, HANG_UP, 0, B(""),
	  AT_RUN, UC_UNREACHABLE },
};

/* The server */

struct server {
	const struct lie *lie;
	int fd;
	unsigned seen[256];
	bool listed;
	uint32_t serial;
};

static uint32_t get_u32(const unsigned char *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 |
	       at[3];
}

static void add_u32(struct uc_buf *buf, uint32_t n)
{
	const char bytes[] = { (char)(n >> 24), (char)(n >> 16), (char)(n >> 8),
			       (char)n };

	uc_buf_addn(buf, bytes, 4);
}

static void say(const struct server *s, const void *bytes, size_t len)
{
	const char *at = bytes;

	while (len > 0) {
		ssize_t done = send(s->fd, at, len, MSG_NOSIGNAL);

		if (done <= 0)
			_exit(0);
		at += done;
		len -= (size_t)done;
	}
}

static void reply(const struct server *s, uint8_t type, uint32_t id, const char *bytes,
		  size_t len)
{
	uc_auto(buf) struct uc_buf buf = { 0 };

	add_u32(&buf, (uint32_t)len + 5);
	uc_buf_addc(&buf, (char)type);
	add_u32(&buf, id);
	uc_buf_addn(&buf, bytes, len);
	say(s, buf.data, buf.len);
}

static void flood(struct server *s, uint32_t id)
{
	uc_auto(buf) struct uc_buf buf = { 0 };
	char name[16];

	add_u32(&buf, 4000);
	for (int i = 0; i < 4000; i++) {
		(void)snprintf(name, sizeof(name), "%08x", s->serial++);
		add_u32(&buf, 8);
		uc_buf_addn(&buf, name, 8);
		add_u32(&buf, 0);
		uc_buf_addn(&buf, FILE5, sizeof(FILE5) - 1);
	}
	reply(s, UC_SFTP_NAME, id, buf.data, buf.len);
}

#define FOLDER "\0\0\0\15\0\0\0\0\0\0\0\0\0\0\101\355\0\0\3\350\0\0\3\350"
#define LINK   "\0\0\0\15\0\0\0\0\0\0\0\1\0\0\241\377\0\0\3\350\0\0\3\350"

static void answer_path(struct server *s, uint32_t id, const char *path, size_t len)
{
	if (len == 2)
		reply(s, UC_SFTP_ATTRS, id, B(FOLDER));
	else if (len == 4 && memcmp(path, "/r/f", 4) == 0)
		reply(s, UC_SFTP_ATTRS, id, B(FILE5));
	else
		reply(s, UC_SFTP_STATUS, id, B("\0\0\0\2"));
}

static void answer_names(struct server *s, uint32_t id)
{
	if (s->listed && s->lie->act != REPEAT)
		reply(s, UC_SFTP_STATUS, id, B("\0\0\0\1"));
	else
		reply(s, UC_SFTP_NAME, id,
		      B("\0\0\0\2\0\0\0\1f\0\0\0\0" FILE5 "\0\0\0\1l\0\0\0\0" LINK));
	s->listed = true;
}

static void answer_well(struct server *s, uint8_t type, uint32_t id,
			const unsigned char *rest)
{
	uint32_t offset;

	switch (type) {
	case UC_SFTP_REALPATH:
		reply(s, UC_SFTP_NAME, id, B(NAME1 "\0\0\0\2/r\0\0\0\0\0\0\0\0"));
		break;
	case UC_SFTP_READLINK:
		reply(s, UC_SFTP_NAME, id, B(NAME1 "\0\0\0\1f\0\0\0\0\0\0\0\0"));
		break;
	case UC_SFTP_STAT:
	case UC_SFTP_LSTAT:
		answer_path(s, id, (const char *)rest + 4, get_u32(rest));
		break;
	case UC_SFTP_FSTAT:
		reply(s, UC_SFTP_ATTRS, id, B(FILE5));
		break;
	case UC_SFTP_OPENDIR:
	case UC_SFTP_OPEN:
		reply(s, UC_SFTP_HANDLE, id, B("\0\0\0\1h"));
		break;
	case UC_SFTP_READDIR:
		answer_names(s, id);
		break;
	case UC_SFTP_READ:
		offset = get_u32(rest + 4 + get_u32(rest) + 4);
		if (offset >= 5)
			reply(s, UC_SFTP_STATUS, id, B("\0\0\0\1"));
		else {
			char data[] = "\0\0\0\5hello";

			data[3] = (char)(5 - offset);
			memmove(data + 4, data + 4 + offset, 5 - offset);
			reply(s, UC_SFTP_DATA, id, data, 9 - offset);
		}
		break;
	default:
		reply(s, UC_SFTP_STATUS, id, B("\0\0\0\0\0\0\0\2OK\0\0\0\0"));
	}
}

static void lie_now(struct server *s, uint8_t type, uint32_t id,
		    const unsigned char *rest)
{
	const struct lie *lie = s->lie;

	switch (lie->act) {
	case REPLY:
		reply(s, lie->type, id, lie->bytes, lie->len);
		return;
	case RAW:
		say(s, lie->bytes, lie->len);
		return;
	case OTHER_ID:
		reply(s, UC_SFTP_STATUS, id + 1000, B("\0\0\0\4"));
		return;
	case OLD_ID:
		answer_well(s, type, id, rest);
		answer_well(s, type, id, rest);
		return;
	case HANG_UP:
		_exit(0);
	case DRIP:
		say(s, "\0\0\0\100\150\0", 6);
		_exit(0);
	case FLOOD:
		flood(s, id);
		return;
	case REPEAT:
		answer_names(s, id);
	}
}

static bool hear(const struct server *s, void *bytes, size_t len)
{
	char *at = bytes;

	while (len > 0) {
		ssize_t got = read(s->fd, at, len);

		if (got <= 0)
			return false;
		at += got;
		len -= (size_t)got;
	}
	return true;
}

static void serve(struct server *s)
{
	static unsigned char packet[1 << 20];
	unsigned char head[4];

	while (hear(s, head, 4)) {
		uint32_t len = get_u32(head);
		uint8_t type;

		if (len < 5 || len > sizeof(packet) || !hear(s, packet, len))
			break;
		type = packet[0];
		s->seen[type]++;
		if (type == s->lie->at && (!s->lie->nth || s->seen[type] == s->lie->nth))
			lie_now(s, type, get_u32(packet + 1), packet + 5);
		else if (type == UC_SFTP_INIT)
			say(s, B("\0\0\0\5\2\0\0\0\3"));
		else
			answer_well(s, type, get_u32(packet + 1), packet + 5);
	}
	_exit(0);
}

/* The run */

struct run {
	char path[64];
	int near;
	struct uc_store *store;
	struct uc_sync_list list;
	struct uc_error err;
	unsigned ended;
	enum uc_far_outcome get, put;
};

static int take_entry(void *arg, const struct uc_sync_entry *entry, uint64_t sum,
		      struct uc_error *err)
{
	struct run *run = arg;

	(void)sum;
	return uc_sync_list_add(&run->list, entry, err);
}

static void done(void *arg, struct uc_far_job *job)
{
	struct run *run = arg;

	run->ended++;
	*(enum uc_far_outcome *)job->arg = job->outcome;
}

static enum stage transfer(struct run *run, struct uc_far *far)
{
	const struct uc_sync_entry f = { .path = "f", .size = 5, .mtime = 1000000000000 };
	struct uc_sync_entry g = { .path = "g", .size = 4 };
	struct uc_far_job get = { .what = UC_FAR_GET, .entry = &f, .arg = &run->get };
	struct uc_far_job put = { .what = UC_FAR_PUT, .entry = &g, .arg = &run->put };
	struct stat st;

	assert_int_equal(fstatat(run->near, "g", &st, 0), 0);
	g.mtime = st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec;
	assert_int_equal(far->ops->submit(far, &put, &run->err), 0);
	assert_int_equal(far->ops->submit(far, &get, &run->err), 0);
	while (run->ended < 2)
		if (far->ops->step(far, 1000, &run->err) < 0)
			return AT_RUN;
	if (run->get != UC_FAR_DONE)
		return AT_GET;
	if (run->put != UC_FAR_DONE)
		return AT_PUT;
	return far->ops->finish(far, &run->err) < 0 ? AT_RUN : FINE;
}

static enum stage go(struct run *run, int fd)
{
	struct uc_far_options options = { .root = "/r",
					  .run = "run",
					  .near = run->near,
					  .store = run->store,
					  .done = done,
					  .arg = run,
					  .silence_ms = 10000 };
	const struct uc_far_list_options list = { .entry = take_entry, .arg = run };
	struct uc_stream stream = { .in = fd, .out = fd };
	struct uc_far_listed listed;
	uc_auto(far) struct uc_far *far = NULL;

	if (uc_far_sftp_open(&far, &stream, &options, &run->err) < 0)
		return AT_OPEN;
	if (far->ops->list_ask(far, &list, &run->err) < 0 ||
	    far->ops->list_run(far, &listed, &run->err) < 0)
		return AT_LIST;
	return transfer(run, far);
}

static void begin(struct run *run)
{
	const struct uc_store_options options = { .run = "run", .no_sync = true };
	int fd;

	(void)snprintf(run->path, sizeof(run->path), "/tmp/sftp-lie-XXXXXX");
	assert_non_null(mkdtemp(run->path));
	run->near = open(run->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(uc_store_open(&run->store, run->near, &options, &run->err), 0);
	fd = openat(run->near, "g", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	assert_int_equal(write(fd, "text", 4), 4);
	close(fd);
}

/* What came is whole or is not there. */
static void end(struct run *run, enum stage stage)
{
	char text[8] = "";
	int fd = openat(run->near, "f", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		assert_int_equal(read(fd, text, sizeof(text)), 5);
		assert_memory_equal(text, "hello", 5);
		close(fd);
	}
	if (stage != AT_GET && stage != AT_OPEN && stage != AT_LIST && run->ended == 2 &&
	    run->get == UC_FAR_DONE)
		assert_true(fd >= 0);
	uc_store_free(run->store);
	uc_sync_list_free(&run->list);
	(void)unlinkat(run->near, "f", 0);
	(void)unlinkat(run->near, "g", 0);
	close(run->near);
	assert_int_equal(rmdir(run->path), 0); /* nothing else was made */
}

static void judge(const struct lie *lie)
{
	struct run run = { .get = UC_FAR_LOST, .put = UC_FAR_LOST };
	int64_t before = uc_monotonic_ms();
	int pair[2], code = 0, status;
	enum stage stage;
	pid_t child;

	begin(&run);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		struct server server = { .lie = lie, .fd = pair[1] };

		close(pair[0]);
		serve(&server);
	}
	close(pair[1]);
	assert_int_equal(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
	stage = go(&run, pair[0]);
	close(pair[0]);
	assert_int_equal(waitpid(child, &status, 0), child);
	if (stage == AT_OPEN || stage == AT_LIST || stage == AT_RUN)
		code = run.err.code;
	else if (stage == AT_GET || stage == AT_PUT)
		code = (int)(stage == AT_GET ? run.get : run.put);
	if (stage != lie->stage || code != lie->code)
		fail_msg("%s: at %d with %d (%s), expected at %d with %d", lie->name,
			 stage, code, run.err.text, lie->stage, lie->code);
	if (strchr(run.err.text, '\x1b'))
		fail_msg("%s: a control byte in '%s'", lie->name, run.err.text);
	assert_true(uc_monotonic_ms() - before < 120000); /* on a busy machine, too */
	end(&run, stage);
}

static void test_sftp_lies_are_noticed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++)
		judge(&lies[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sftp_lies_are_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
