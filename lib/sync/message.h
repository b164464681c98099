/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_MESSAGE_H
#define UC_SYNC_MESSAGE_H
/*
 * What frames hold: usync-protocol(7). Numbers are varints (LEB128, at most 64 bits, no
 * longer than needed) unless said otherwise, text has its length before it. Whoever reads
 * checks `bad` once, at the end of a message: after a fault everything read is 0 or "".
 */
#include "sync/entry.h"
#include "sync/frame.h"

struct uc_reader {
	const unsigned char *at, *end;
	bool bad;
};
static inline struct uc_reader uc_reader(const struct uc_frame *frame)
{
	return (struct uc_reader){ frame->data, frame->data + frame->len, false };
}
uint64_t uc_read_number(struct uc_reader *r);
/* At most `max`; more is bad. */
uint64_t uc_read_below(struct uc_reader *r, uint64_t max);
uint8_t uc_read_byte(struct uc_reader *r);
uint64_t uc_read_u64(struct uc_reader *r); /* 8 bytes, little-endian */
int64_t uc_read_signed(struct uc_reader *r);
/* `len` bytes, borrowed; NULL when there are fewer. */
const unsigned char *uc_read_bytes(struct uc_reader *r, size_t len);
/* Text of at most `max` bytes without a NUL, copied with one to its end. */
void uc_read_text(struct uc_reader *r, char *to, size_t max);
/* Nothing bad, and nothing left. */
bool uc_read_done(const struct uc_reader *r);

void uc_write_number(struct uc_buf *buf, uint64_t number);
void uc_write_signed(struct uc_buf *buf, int64_t number);
void uc_write_u64(struct uc_buf *buf, uint64_t number);
void uc_write_text(struct uc_buf *buf, const char *text);

/* What the entries of one message share: the path before, of which only the rest is sent.
 * Zero-initialise for each message. */
struct uc_entry_codec {
	char path[UC_SYNC_PATH_MAX + 1];
	char target[UC_SYNC_PATH_MAX + 1];
	size_t len;
	uint64_t mtime;
};
void uc_write_entry(struct uc_buf *buf, struct uc_entry_codec *codec,
		    const struct uc_sync_entry *entry, const uint64_t *sum);
/* The entry's strings are the codec's, until the next one. `sum` may be NULL. */
void uc_read_entry(struct uc_reader *r, struct uc_entry_codec *codec,
		   struct uc_sync_entry *entry, uint64_t *sum);

/* One thing to do: an item of JOBS, and PUT_BEGIN. */
struct uc_message_job {
	uint32_t id;
	uint8_t what; /* enum uc_far_what */
	bool whole;   /* no block differences */
	bool now;     /* PUT, GET: without asking what is there of it */
	bool expects;
	struct uc_sync_entry entry, expect; /* expect: without its path */
	const char *twin;                   /* TWIN */
	const unsigned char *content;       /* a small PUT: entry.size bytes */
	const unsigned char *sha256;        /* with content */
};
/* Where the strings of a job that is read are. */
struct uc_job_codec {
	struct uc_entry_codec entry;
	char target[UC_SYNC_PATH_MAX + 1];
	char twin[UC_SYNC_PATH_MAX + 1];
};
/* `content_follows`: the caller adds the content, and its checksum of 32 bytes. */
void uc_write_job(struct uc_buf *buf, struct uc_job_codec *codec,
		  const struct uc_message_job *job, bool content_follows);
void uc_read_job(struct uc_reader *r, struct uc_job_codec *codec,
		 struct uc_message_job *job);

/* One of OUTCOMES. */
struct uc_message_outcome {
	uint32_t id;
	uint8_t outcome; /* enum uc_far_outcome */
	uint32_t errno_value;
	uint64_t kept;
	char text[256];
};
void uc_write_outcome(struct uc_buf *buf, const struct uc_message_outcome *outcome);
void uc_read_outcome(struct uc_reader *r, struct uc_message_outcome *outcome);

#define UC_MESSAGE_RUN_MAX   64
#define UC_MESSAGE_RULES_MAX (256u << 10)

struct uc_message_open {
	char root[UC_SYNC_PATH_MAX + 1], run[UC_MESSAGE_RUN_MAX + 1];
	bool create, read_only, no_sync, keep_special;
	int compress;
};
void uc_write_open(struct uc_buf *buf, const struct uc_message_open *open);
void uc_read_open(struct uc_reader *r, struct uc_message_open *open);

enum uc_opened_flags {
	UC_OPENED_DELTAS = 1,
	UC_OPENED_RESUMES = 2,
	UC_OPENED_SUMS = 4,
	UC_OPENED_SNAPSHOTS = 8,
	UC_OPENED_TRASH = 16,
	UC_OPENED_ALL = 31,
};
struct uc_message_opened {
	char root[UC_SYNC_PATH_MAX + 1];
	unsigned flags;
	uint64_t bytes_free, files_free, quota_free; /* UINT64_MAX: not known */
};
void uc_write_opened(struct uc_buf *buf, const struct uc_message_opened *opened);
void uc_read_opened(struct uc_reader *r, struct uc_message_opened *opened);

enum uc_list_flags {
	UC_LIST_NO_DEFAULTS = 1,
	UC_LIST_NO_GITIGNORE = 2,
	UC_LIST_CROSS = 4,
	UC_LIST_SUMS = 8,
	UC_LIST_ALL = 15,
};

/* Queue a FAULT, or read one into *err. */
int uc_talk_fault(struct uc_talk *talk, const struct uc_error *fault,
		  struct uc_error *err);
void uc_read_fault(const struct uc_frame *frame, struct uc_error *err);
/* Queue HELLO; read the other side's. UC_INVALID when it is none. */
int uc_talk_hello(struct uc_talk *talk, struct uc_error *err) UC_MUST_CHECK;
int uc_read_hello(const struct uc_frame *frame, char *build, size_t size,
		  struct uc_error *err) UC_MUST_CHECK;

/* A path of at most the depth and length that a walk has; and as uc_store_path_ok. */
bool uc_message_path_ok(const char *path);

#endif
