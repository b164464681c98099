/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/frame.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/units.h>
#include <xxhash.h>
#include <zstd.h>

#define INPUT_CAP (UC_FRAME_MAX + UC_FRAME_HEADER + (256u << 10))
#define READ_MAX  (256u << 10)

enum {
	FLAG_ZSTD = 1
};

static const unsigned char magic[6] = "usync";

static void put32(unsigned char *to, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (unsigned char)(value >> 8 * i);
}

static uint32_t get32(const unsigned char *from)
{
	return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16 |
	       (uint32_t)from[3] << 24;
}

static int set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags < 0 ? -1 : fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int uc_talk_open(struct uc_talk *talk, int in, int out, struct uc_error *err)
{
	talk->in = in;
	talk->out = out;
	if (set_nonblocking(in) < 0 || set_nonblocking(out) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "cannot use the stream");
	talk->input.cap = INPUT_CAP;
	talk->input.data = malloc(INPUT_CAP);
	talk->unpacked = malloc(UC_FRAME_MAX);
	talk->pack = ZSTD_createCCtx();
	talk->unpack = ZSTD_createDCtx();
	talk->level_now = 1;
	talk->heard_ms = uc_monotonic_ms();
	if (!talk->input.data || !talk->unpacked || !talk->pack || !talk->unpack)
		return uc_fail(err, UC_FAILED, "out of memory");
	return 0;
}

void uc_talk_free(struct uc_talk *talk)
{
	free(talk->input.data);
	free(talk->output.data);
	free(talk->unpacked);
	ZSTD_freeCCtx(talk->pack);
	ZSTD_freeDCtx(talk->unpack);
	*talk = (struct uc_talk){ .in = -1, .out = -1 };
}

/* Sending */

size_t uc_talk_queued(const struct uc_talk *talk)
{
	return talk->output.len - talk->output.at;
}

/* Room for `len` more bytes at the end of the queue; -1 when out of memory. */
static int make_room(struct uc_talk_side *side, size_t len)
{
	size_t used = side->len - side->at, cap = side->cap ? side->cap : 64u << 10;
	unsigned char *data;

	if (side->cap - side->len >= len)
		return 0;
	if (side->at >= side->cap / 2 && side->cap - used >= len) {
		memmove(side->data, side->data + side->at, used);
		side->at = 0;
		side->len = used;
		return 0;
	}
	while (cap - used < len)
		cap *= 2;
	if (cap == side->cap)
		cap *= 2;
	data = malloc(cap);
	if (!data)
		return -1;
	if (used)
		memcpy(data, side->data + side->at, used);
	free(side->data);
	*side = (struct uc_talk_side){ .data = data, .len = used, .cap = cap };
	return 0;
}

unsigned char *uc_talk_room(struct uc_talk *talk, size_t len)
{
	if (make_room(&talk->output, UC_FRAME_HEADER + len) < 0)
		return NULL;
	return talk->output.data + talk->output.len + UC_FRAME_HEADER;
}

static void finish_frame(struct uc_talk *talk, enum uc_frame_type type, size_t len,
			 unsigned char flags)
{
	unsigned char *header = talk->output.data + talk->output.len;

	put32(header, (uint32_t)len);
	header[4] = (unsigned char)type;
	header[5] = flags;
	header[6] = header[7] = 0;
	put32(header + 8, XXH32(header + UC_FRAME_HEADER, len, 0));
	talk->output.len += UC_FRAME_HEADER + len;
	talk->wire = len;
}

void uc_talk_sent(struct uc_talk *talk, enum uc_frame_type type, size_t len)
{
	finish_frame(talk, type, len, 0);
}

/* A slow stream is worth more work: by bytes a second that it takes. */
static const struct {
	uint64_t rate;
	int level;
} levels[] = { { 2u << 20, 6 }, { 15u << 20, 3 }, { UINT64_MAX, 1 } };

#define MEASURE_MS 200

static void measure(struct uc_talk *talk)
{
	int64_t now = uc_monotonic_ms();
	size_t i = 0;
	uint64_t rate;

	if (uc_talk_queued(talk) == 0) {
		talk->full_ms = 0;
		return;
	}
	if (talk->full_ms && now - talk->full_ms >= MEASURE_MS) {
		rate = (talk->bytes_out - talk->full_bytes) * 1000 /
		       (uint64_t)(now - talk->full_ms);
		while (rate > levels[i].rate)
			i++;
		talk->level_now = levels[i].level;
		talk->full_ms = 0;
	}
	if (!talk->full_ms) {
		talk->full_ms = now;
		talk->full_bytes = talk->bytes_out;
	}
}

int uc_talk_send(struct uc_talk *talk, enum uc_frame_type type, const void *bytes,
		 size_t len, bool pack, struct uc_error *err)
{
	unsigned char *room;

	if (len > UC_FRAME_MAX)
		return uc_fail(err, UC_FAILED, "a message of %zu bytes is too long", len);
	pack = pack && talk->level >= 0 && len >= 128;
	room = uc_talk_room(talk, pack ? ZSTD_compressBound(len) : len);
	if (!room)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (pack) {
		size_t size = ZSTD_compressCCtx(
			talk->pack, room, ZSTD_compressBound(len), bytes, len,
			talk->level ? talk->level : talk->level_now);

		if (!ZSTD_isError(size) && size < len - len / 16) {
			finish_frame(talk, type, size, FLAG_ZSTD);
			return 0;
		}
	}
	if (len)
		memcpy(room, bytes, len);
	finish_frame(talk, type, len, 0);
	return 0;
}

int uc_talk_greet(struct uc_talk *talk, struct uc_error *err)
{
	unsigned char preamble[UC_PREAMBLE] = { 0 };

	memcpy(preamble, magic, sizeof(magic));
	preamble[6] = UC_PROTOCOL & 0xff;
	preamble[7] = UC_PROTOCOL >> 8;
	if (make_room(&talk->output, sizeof(preamble)) < 0)
		return uc_fail(err, UC_FAILED, "out of memory");
	memcpy(talk->output.data + talk->output.len, preamble, sizeof(preamble));
	talk->output.len += sizeof(preamble);
	return 0;
}

/* Receiving */

static void skip_noise(struct uc_talk *talk, size_t len)
{
	size_t room = sizeof(talk->noise) - 1;

	if (talk->noise_len < room) {
		size_t more = room - talk->noise_len;

		memcpy(talk->noise + talk->noise_len, talk->input.data + talk->input.at,
		       more < len ? more : len);
	}
	talk->noise_len += len;
	talk->input.at += len;
}

int uc_talk_greeted(struct uc_talk *talk, size_t noise, struct uc_error *err)
{
	struct uc_talk_side *in = &talk->input;
	const unsigned char *start = in->data + in->at, *at;
	size_t len = in->len - in->at, before;
	unsigned version;

	at = memmem(start, len, magic, sizeof(magic));
	if (at)
		before = (size_t)(at - start);
	else /* its beginning may be at the end */
		before = len < sizeof(magic) ? 0 : len - (sizeof(magic) - 1);
	if (talk->noise_len + before > noise)
		return uc_fail(err, UC_INVALID, "the other end does not speak usync");
	if (!at && noise == 0 && memcmp(start, magic, len < 6 ? len : 6) != 0)
		return uc_fail(err, UC_INVALID, "the other end does not speak usync");
	skip_noise(talk, before);
	if (!at || in->len - in->at < UC_PREAMBLE)
		return 0;
	version = at[6] | (unsigned)at[7] << 8;
	if (version != UC_PROTOCOL) {
		uc_fail(err, UC_INVALID,
			"the other end speaks version %u of the protocol, "
			"this one %u",
			version, UC_PROTOCOL);
		return uc_hint(err, "the same version of usync is needed at both ends");
	}
	in->at += UC_PREAMBLE;
	return 1;
}

static int unpack(struct uc_talk *talk, struct uc_frame *frame, struct uc_error *err)
{
	unsigned long long size = ZSTD_getFrameContentSize(frame->data, frame->len);
	size_t got;

	if (size > UC_FRAME_MAX) /* also when it is not known, or no zstd */
		return uc_fail(err, UC_INVALID, "the other end sent a damaged message");
	got = ZSTD_decompressDCtx(talk->unpack, talk->unpacked, UC_FRAME_MAX, frame->data,
				  frame->len);
	if (ZSTD_isError(got) || got != size)
		return uc_fail(err, UC_INVALID, "the other end sent a damaged message");
	frame->data = talk->unpacked;
	frame->len = got;
	return 0;
}

static int incomplete(struct uc_talk *talk, size_t have)
{
	if (have == 0)
		talk->began_ms = 0;
	else if (talk->began_ms == 0)
		talk->began_ms = uc_monotonic_ms();
	return 0;
}

int uc_talk_next(struct uc_talk *talk, struct uc_frame *frame, struct uc_error *err)
{
	struct uc_talk_side *in = &talk->input;
	const unsigned char *header = in->data + in->at;
	size_t have = in->len - in->at, len;

	if (have < UC_FRAME_HEADER)
		return incomplete(talk, have);
	len = get32(header);
	if (len > UC_FRAME_MAX || header[4] == 0 || header[4] >= UC_FRAME_TYPES ||
	    header[5] > FLAG_ZSTD || header[6] || header[7])
		return uc_fail(err, UC_INVALID,
			       "the other end sent no message of usync's");
	if (have < UC_FRAME_HEADER + len)
		return incomplete(talk, have);
	talk->began_ms = 0;
	*frame = (struct uc_frame){ .type = header[4],
				    .data = header + UC_FRAME_HEADER,
				    .len = len,
				    .wire = len };
	if (get32(header + 8) != XXH32(frame->data, len, 0))
		return uc_fail(err, UC_INVALID, "the other end sent a damaged message");
	in->at += UC_FRAME_HEADER + len;
	if (header[5] & FLAG_ZSTD && unpack(talk, frame, err) < 0)
		return -1;
	return 1;
}

/* Passing on */

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* How many of `want` bytes may pass now; else *wait_ms until some may. */
static size_t bucket_take(struct uc_bucket *bucket, size_t want, int *wait_ms)
{
	double burst = (double)bucket->rate / 20;
	int64_t now;

	if (!bucket->rate)
		return want;
	if (burst < 4096)
		burst = 4096;
	now = now_us();
	if (bucket->at_us == 0)
		bucket->tokens = burst;
	else
		bucket->tokens +=
			(double)(now - bucket->at_us) * (double)bucket->rate / 1e6;
	bucket->at_us = now;
	if (bucket->tokens > burst)
		bucket->tokens = burst;
	if (bucket->tokens >= (double)want)
		return want;
	if (bucket->tokens >= burst / 4)
		return (size_t)bucket->tokens;
	*wait_ms = 1 + (int)((burst / 4 - bucket->tokens) * 1000 / (double)bucket->rate);
	return 0;
}

static void bucket_pay(struct uc_bucket *bucket, size_t bytes)
{
	if (bucket->rate)
		bucket->tokens -= (double)bytes;
}

/* Room to read into. */
static size_t input_room(struct uc_talk *talk)
{
	struct uc_talk_side *in = &talk->input;

	if (in->at == in->len) {
		in->at = in->len = 0;
	} else if (in->at && in->cap - in->len < READ_MAX) {
		memmove(in->data, in->data + in->at, in->len - in->at);
		in->len -= in->at;
		in->at = 0;
	}
	return in->cap - in->len;
}

/* 1: read, 0: nothing there (or the end), -1: broken. */
static int read_some(struct uc_talk *talk, size_t max, struct uc_error *err)
{
	ssize_t got = read(talk->in, talk->input.data + talk->input.len, max);

	if (got > 0) {
		talk->input.len += (size_t)got;
		talk->bytes_in += (size_t)got;
		bucket_pay(&talk->rate_in, (size_t)got);
		talk->heard_ms = uc_monotonic_ms();
		return 1;
	}
	if (got == 0 || errno == ECONNRESET || errno == EPIPE) {
		talk->eof = true;
		return 1;
	}
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	return uc_fail_errno(err, UC_UNREACHABLE, errno,
			     "cannot read from the other end");
}

ssize_t uc_talk_write(int fd, const void *bytes, size_t len)
{
	ssize_t done = send(fd, bytes, len, MSG_NOSIGNAL);

	return done < 0 && errno == ENOTSOCK ? write(fd, bytes, len) : done;
}

/* As read_some. What cannot be sent is forgotten: what was said last is still read. */
static int write_some(struct uc_talk *talk, size_t max, struct uc_error *err)
{
	struct uc_talk_side *out = &talk->output;
	ssize_t put = uc_talk_write(talk->out, out->data + out->at, max);

	if (put >= 0) {
		out->at += (size_t)put;
		talk->bytes_out += (size_t)put;
		bucket_pay(&talk->rate_out, (size_t)put);
		if (out->at == out->len)
			out->at = out->len = 0;
		measure(talk);
		return 1;
	}
	if (errno == EAGAIN || errno == EINTR)
		return 0;
	if (errno == EPIPE || errno == ECONNRESET) {
		talk->broken = true;
		out->at = out->len = 0;
		return 1;
	}
	return uc_fail_errno(err, UC_UNREACHABLE, errno, "cannot write to the other end");
}

static int check_frame_time(const struct uc_talk *talk, struct uc_error *err)
{
	if (!talk->frame_ms || !talk->began_ms ||
	    uc_monotonic_ms() - talk->began_ms <= talk->frame_ms)
		return 0;
	return uc_fail(err, UC_UNREACHABLE,
		       "the other end takes too long to say something");
}

int uc_talk_pump(struct uc_talk *talk, int timeout_ms, struct uc_error *err)
{
	size_t room = talk->eof ? 0 : input_room(talk), queued = uc_talk_queued(talk);
	struct pollfd fds[2] = { { .fd = -1 }, { .fd = -1 } };
	int wait_in = -1, wait_out = -1, moved = 0, ready;

	if (talk->broken)
		talk->output.at = talk->output.len = queued = 0;
	if (room > READ_MAX)
		room = READ_MAX;
	room = room ? bucket_take(&talk->rate_in, room, &wait_in) : 0;
	queued = queued ? bucket_take(&talk->rate_out, queued, &wait_out) : 0;
	if (room)
		fds[0] = (struct pollfd){ .fd = talk->in, .events = POLLIN };
	if (queued)
		fds[1] = (struct pollfd){ .fd = talk->out, .events = POLLOUT };
	if (wait_in >= 0 && (timeout_ms < 0 || wait_in < timeout_ms))
		timeout_ms = wait_in;
	if (wait_out >= 0 && (timeout_ms < 0 || wait_out < timeout_ms))
		timeout_ms = wait_out;
	ready = poll(fds, 2, timeout_ms);
	if (ready < 0 && errno != EINTR)
		return uc_fail_errno(err, UC_FAILED, errno,
				     "cannot wait for the other end");
	if (ready > 0 && fds[0].revents)
		moved = read_some(talk, room, err);
	if (moved >= 0 && ready > 0 && fds[1].revents) {
		int wrote = write_some(talk, queued, err);

		moved = wrote < 0 ? -1 : moved | wrote;
	}
	if (moved < 0 || check_frame_time(talk, err) < 0)
		return -1;
	return moved;
}
