/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_FRAME_H
#define UC_SYNC_FRAME_H
/*
 * Frames over a byte stream, as usync-protocol(7) has them. What is sent is queued, what
 * arrives is buffered; both are passed on by uc_talk_pump() without waiting for the other
 * side, so that two ends that both have much to say cannot block each other.
 */
#include <stdint.h>
#include <sys/types.h>
#include <ucluster/text.h>

#define UC_PROTOCOL       1u /* version */
#define UC_PREAMBLE       16u
#define UC_PREAMBLE_NOISE 4096u      /* bytes that may come before it, to a client */
#define UC_FRAME_HEADER   12u        /* bytes */
#define UC_FRAME_MAX      (1u << 20) /* bytes of a payload, also unpacked */
#define UC_FRAME_QUEUE    (4u << 20) /* bytes to send: who has more waits */

enum uc_frame_type {
	UC_FRAME_HELLO = 1,
	UC_FRAME_OPEN,
	UC_FRAME_OPENED,
	UC_FRAME_LIST,
	UC_FRAME_ENTRIES,
	UC_FRAME_NOTE,
	UC_FRAME_LIST_END,
	UC_FRAME_JOBS,
	UC_FRAME_FILES,
	UC_FRAME_PUT_BEGIN,
	UC_FRAME_GET_BEGIN,
	UC_FRAME_HAVE,
	UC_FRAME_SIGS,
	UC_FRAME_PUT_START,
	UC_FRAME_PUT_DATA,
	UC_FRAME_PUT_COPY,
	UC_FRAME_PUT_END,
	UC_FRAME_PUT_DROP,
	UC_FRAME_STOP,
	UC_FRAME_OUTCOMES,
	UC_FRAME_FLUSH,
	UC_FRAME_FINISH,
	UC_FRAME_FINISHED,
	UC_FRAME_CALL,
	UC_FRAME_ANSWER,
	UC_FRAME_FAULT,
	UC_FRAME_BEAT,
	UC_FRAME_TYPES
};

/* What arrived; borrowed until the next call. */
struct uc_frame {
	enum uc_frame_type type;
	const unsigned char *data;
	size_t len;
	size_t wire; /* bytes of its payload as sent */
};

/* How much may pass. */
struct uc_bucket {
	uint64_t rate; /* bytes a second; 0: no limit */
	double tokens;
	int64_t at_us;
};

struct uc_talk_side {
	unsigned char *data;
	size_t at, len, cap;
};

/* One end of a stream. Zero-initialise, uc_talk_open; free with uc_talk_free. */
struct uc_talk {
	int in, out; /* the caller's; -1: closed */
	bool eof;    /* nothing more comes */
	bool broken; /* nothing can be sent */
	struct uc_talk_side input, output;
	unsigned char *unpacked;
	struct ZSTD_CCtx_s *pack;
	struct ZSTD_DCtx_s *unpack;
	int level; /* 0: by what the stream takes; -1: never; else always */
	int level_now;
	int64_t full_ms;     /* since when the queue was never empty; 0: it was */
	uint64_t full_bytes; /* bytes_out then */
	uint64_t bytes_in, bytes_out; /* so far */
	size_t wire;                  /* bytes of the last payload sent */
	struct uc_bucket rate_in, rate_out;
	int64_t heard_ms; /* when bytes arrived last, of uc_monotonic_ms() */
	int64_t began_ms; /* since when a frame is incomplete; 0: none is */
	int frame_ms;     /* a frame must be whole within; 0: any time */
	size_t noise_len; /* bytes before the preamble */
	char noise[200];  /* how they begin */
};

/* Both descriptors become non-blocking. -1 when out of memory. */
int uc_talk_open(struct uc_talk *talk, int in, int out,
		 struct uc_error *err) UC_MUST_CHECK;
void uc_talk_free(struct uc_talk *talk);
UC_DEFINE_AUTO_VALUE(talk, struct uc_talk)

/* Queue this side's preamble. */
int uc_talk_greet(struct uc_talk *talk, struct uc_error *err) UC_MUST_CHECK;
/*
 * Look for the other side's, behind at most `noise` other bytes. 1: it is there; 0: not
 * yet; -1: it is none, or of another version.
 */
int uc_talk_greeted(struct uc_talk *talk, size_t noise,
		    struct uc_error *err) UC_MUST_CHECK;

/* write(2). A socket's end raises no signal; a pipe's is the caller's to ignore. */
ssize_t uc_talk_write(int fd, const void *bytes, size_t len);

/* Queue a frame; `pack`: compressed if that makes it smaller. */
int uc_talk_send(struct uc_talk *talk, enum uc_frame_type type, const void *bytes,
		 size_t len, bool pack, struct uc_error *err) UC_MUST_CHECK;
/*
 * The same without copying: room for a payload, NULL when out of memory, and then how
 * many bytes of it are sent.
 */
unsigned char *uc_talk_room(struct uc_talk *talk, size_t len);
void uc_talk_sent(struct uc_talk *talk, enum uc_frame_type type, size_t len);
/* Bytes that are queued. */
size_t uc_talk_queued(const struct uc_talk *talk);

/* The next frame that arrived: 1, 0 none is whole, -1 it is none (UC_INVALID). */
int uc_talk_next(struct uc_talk *talk, struct uc_frame *frame,
		 struct uc_error *err) UC_MUST_CHECK;
/*
 * Pass on what there is: wait at most timeout_ms (-1: without limit) until something
 * can be read or written. 1: something was, 0: not, -1: the stream is broken, or a frame
 * takes too long. A stream that ended well sets `eof`.
 */
int uc_talk_pump(struct uc_talk *talk, int timeout_ms,
		 struct uc_error *err) UC_MUST_CHECK;

#endif
