/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_SFTP_H
#define UC_SYNC_SFTP_H
/*
 * SFTP version 3 (draft-ietf-secsh-filexfer-02, and OpenSSH's PROTOCOL file for its
 * extensions) as a client: requests are queued without waiting for the answers of those
 * before; each answer goes to the function that its request named. The server is not
 * trusted: a packet that is too long, too short, of the wrong type or to no request ends
 * the connection with UC_INVALID.
 */
#include <ucluster/ssh.h>

#define UC_SFTP_PACKET_MAX (256u << 10) /* bytes that one of its packets may have */
#define UC_SFTP_HANDLE_MAX 256          /* bytes of a handle, by the draft */
#define UC_SFTP_SILENCE_MS 60000        /* without a packet while answers are due */

enum uc_sftp_type {
	UC_SFTP_INIT = 1,
	UC_SFTP_VERSION = 2,
	UC_SFTP_OPEN = 3,
	UC_SFTP_CLOSE = 4,
	UC_SFTP_READ = 5,
	UC_SFTP_WRITE = 6,
	UC_SFTP_LSTAT = 7,
	UC_SFTP_FSTAT = 8,
	UC_SFTP_SETSTAT = 9,
	UC_SFTP_FSETSTAT = 10,
	UC_SFTP_OPENDIR = 11,
	UC_SFTP_READDIR = 12,
	UC_SFTP_REMOVE = 13,
	UC_SFTP_MKDIR = 14,
	UC_SFTP_RMDIR = 15,
	UC_SFTP_REALPATH = 16,
	UC_SFTP_STAT = 17,
	UC_SFTP_RENAME = 18,
	UC_SFTP_READLINK = 19,
	UC_SFTP_SYMLINK = 20,
	UC_SFTP_STATUS = 101,
	UC_SFTP_HANDLE = 102,
	UC_SFTP_DATA = 103,
	UC_SFTP_NAME = 104,
	UC_SFTP_ATTRS = 105,
	UC_SFTP_EXTENDED = 200,
	UC_SFTP_EXTENDED_REPLY = 201,
};

enum uc_sftp_status {
	UC_SFTP_OK = 0,
	UC_SFTP_EOF = 1,
	UC_SFTP_NO_SUCH_FILE = 2,
	UC_SFTP_DENIED = 3,
	UC_SFTP_FAILURE = 4,
	UC_SFTP_BAD_MESSAGE = 5,
	UC_SFTP_UNSUPPORTED = 8,
};

/* Flags of OPEN. */
enum uc_sftp_open_flags {
	UC_SFTP_READING = 1,
	UC_SFTP_WRITING = 2,
	UC_SFTP_CREATE = 8,
	UC_SFTP_EXCLUSIVE = 32,
};

/* Extensions that are used, as bits of what the server has. */
enum uc_sftp_extension {
	UC_SFTP_POSIX_RENAME = 1,
	UC_SFTP_HARDLINK = 2,
	UC_SFTP_FSYNC = 4,
	UC_SFTP_STATVFS = 8,
	UC_SFTP_LSETSTAT = 16,
	UC_SFTP_LIMITS = 32,
	UC_SFTP_EXPAND_PATH = 64,
};

enum uc_sftp_attr_flags {
	UC_SFTP_HAS_SIZE = 1,
	UC_SFTP_HAS_OWNER = 2,
	UC_SFTP_HAS_MODE = 4,
	UC_SFTP_HAS_TIMES = 8,
	UC_SFTP_HAS_EXTENDED = (int)0x80000000,
};
struct uc_sftp_attrs {
	uint32_t flags, mode; /* mode: with the type, as in struct stat */
	uint64_t size;
	uint32_t atime, mtime; /* seconds since 1970 */
};

struct uc_sftp_handle {
	uint32_t len;
	unsigned char bytes[UC_SFTP_HANDLE_MAX];
};

/* Bytes that are read with bounds; `bad` stays, and what is read then is 0. */
struct uc_sftp_reader {
	const unsigned char *at, *end;
	bool bad;
};
uint32_t uc_sftp_read_u32(struct uc_sftp_reader *reader);
uint64_t uc_sftp_read_u64(struct uc_sftp_reader *reader);
/* Borrowed, not terminated; NULL when bad. */
const unsigned char *uc_sftp_read_string(struct uc_sftp_reader *reader, size_t *len);
void uc_sftp_read_attrs(struct uc_sftp_reader *reader, struct uc_sftp_attrs *attrs);

/* An answer; everything is borrowed while it is handled. */
struct uc_sftp_answer {
	uint8_t type;
	uint32_t id;
	uint32_t status;            /* STATUS; else UC_SFTP_OK */
	const unsigned char *bytes; /* HANDLE, DATA; STATUS: the message, raw */
	size_t len;
	uint32_t count;             /* NAME: that are left */
	struct uc_sftp_reader rest; /* NAME, EXTENDED_REPLY */
	struct uc_sftp_attrs attrs; /* ATTRS */
};
/* Read a packet from its type on. UC_INVALID. */
int uc_sftp_answer_read(struct uc_sftp_answer *answer, const unsigned char *packet,
			size_t len, struct uc_error *err) UC_MUST_CHECK;
struct uc_sftp_name {
	const unsigned char *bytes; /* not terminated, may hold anything */
	size_t len;
	struct uc_sftp_attrs attrs;
};
/* The next of a NAME. 1; 0: no more; -1 with UC_INVALID. */
int uc_sftp_name_next(struct uc_sftp_answer *answer, struct uc_sftp_name *name,
		      struct uc_error *err) UC_MUST_CHECK;
/* ENOENT, EACCES…; 0 when the status says only that it failed. */
int uc_sftp_status_errno(uint32_t status);

struct uc_sftp;

/* Called with the answer to a request. -1 ends the connection with the error it set. */
typedef int uc_sftp_reply(void *arg, uint64_t note, struct uc_sftp_answer *answer,
			  struct uc_error *err);
struct uc_sftp_call {
	uc_sftp_reply *reply; /* NULL: the answer does not matter */
	void *arg;
	uint64_t note;
};

struct uc_sftp_request;
struct uc_sftp {
	struct uc_stream stream; /* ours once started */
	struct uc_buf out;       /* from `sent` on: not yet written */
	size_t sent, packet;     /* packet: where the one that is made begins */
	unsigned char *in;
	size_t have; /* bytes in `in` */
	struct uc_sftp_request *request;
	uint32_t slots, unused; /* unused: index of the first, or `slots` */
	uint32_t open;          /* requests without an answer */
	uint32_t extensions;
	bool greeted, cut; /* cut: nothing can be written any more */
	int64_t heard;     /* uc_monotonic_ms() of the last packet, or of being idle */
	int silence_ms;
	uint64_t rate, bytes_in, bytes_out;
	int64_t filled; /* when the allowances below were added to */
	uint64_t may_in, may_out;
};

/* Take the stream over and ask for the version; nothing is waited for. */
int uc_sftp_start(struct uc_sftp *sftp, struct uc_stream *stream, uint64_t rate,
		  struct uc_error *err) UC_MUST_CHECK;
/*
 * Write and read what there is, waiting at most `timeout` ms for something. How many
 * answers were handled, or -1: UC_UNREACHABLE when the connection ended, UC_INVALID.
 */
int uc_sftp_turn(struct uc_sftp *sftp, int timeout, struct uc_error *err) UC_MUST_CHECK;
/* Bytes that wait to be written. */
size_t uc_sftp_waiting(const struct uc_sftp *sftp);
void uc_sftp_stop(struct uc_sftp *sftp);

/* Requests: ask, add what belongs into it, send. Out of memory shows in uc_sftp_turn. */
void uc_sftp_ask(struct uc_sftp *sftp, enum uc_sftp_type type, struct uc_sftp_call call);
void uc_sftp_ask_extended(struct uc_sftp *sftp, enum uc_sftp_extension extension,
			  struct uc_sftp_call call);
void uc_sftp_add_u32(struct uc_sftp *sftp, uint32_t number);
void uc_sftp_add_u64(struct uc_sftp *sftp, uint64_t number);
void uc_sftp_add_bytes(struct uc_sftp *sftp, const void *bytes, size_t len);
void uc_sftp_add_attrs(struct uc_sftp *sftp, const struct uc_sftp_attrs *attrs);
void uc_sftp_send(struct uc_sftp *sftp);

/* Whole requests with a path, two paths (RENAME, SYMLINK), or a handle. */
void uc_sftp_ask_path(struct uc_sftp *sftp, enum uc_sftp_type type, const char *path,
		      struct uc_sftp_call call);
void uc_sftp_ask_paths(struct uc_sftp *sftp, enum uc_sftp_type type, const char *a,
		       const char *b, struct uc_sftp_call call);
void uc_sftp_ask_handle(struct uc_sftp *sftp, enum uc_sftp_type type,
			const struct uc_sftp_handle *handle, struct uc_sftp_call call);
/* Keep the handle of an answer. */
void uc_sftp_take_handle(struct uc_sftp_handle *handle,
			 const struct uc_sftp_answer *answer);

#endif
