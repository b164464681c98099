/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Frames: what viewers and servers of a session say to each other. */
#include <assert.h>
#include <string.h>
#include <ucluster/session.h>

#define MAGIC 0x55

/* What the payloads take, in bytes. A newer one may be longer, never shorter. */
enum {
	SIZE_BYTES = 4,
	ATTACH_BYTES = 12,
	EXIT_BYTES = 5,
};
enum {
	ATTACH_READ_ONLY = 1
};

static void put16(unsigned char *to, unsigned value)
{
	to[0] = value & 0xff;
	to[1] = (value >> 8) & 0xff;
}

static void put32(unsigned char *to, uint32_t value)
{
	put16(to, value & 0xffff);
	put16(to + 2, value >> 16);
}

static uint16_t get16(const char *from)
{
	return (uint16_t)((unsigned char)from[0] | (unsigned char)from[1] << 8);
}

static uint32_t get32(const char *from)
{
	return get16(from) | (uint32_t)get16(from + 2) << 16;
}

void uc_session_put(struct uc_buf *out, enum uc_session_type type, const void *data,
		    size_t len)
{
	unsigned char head[UC_SESSION_HEAD] = { MAGIC, (unsigned char)type };

	assert(len <= UC_SESSION_MAX);
	put32(head + 4, (uint32_t)len);
	uc_buf_addn(out, head, sizeof(head));
	uc_buf_addn(out, data, len);
	uc_buf_addc(out, '\n');
}

void uc_session_put_all(struct uc_buf *out, enum uc_session_type type, const void *data,
			size_t len)
{
	const char *at = data;

	while (len > 0) {
		size_t part = len < UC_SESSION_MAX ? len : UC_SESSION_MAX;

		uc_session_put(out, type, at, part);
		at += part;
		len -= part;
	}
}

long uc_session_get(const char *bytes, size_t len, struct uc_session_frame *frame,
		    struct uc_error *err)
{
	static const char head[UC_SESSION_HEAD] = { MAGIC };
	uint32_t size;

	/* what is wrong is found at its first byte */
	if (len > 0 && bytes[0] != head[0])
		goto foreign;
	if (len < UC_SESSION_HEAD)
		return 0;
	size = get32(bytes + 4);
	if (bytes[2] || bytes[3] || size > UC_SESSION_MAX)
		goto foreign;
	if (len < UC_SESSION_HEAD + (size_t)size + 1)
		return 0;
	if (bytes[UC_SESSION_HEAD + size] != '\n')
		goto foreign;
	frame->type = (enum uc_session_type)(unsigned char)bytes[1];
	frame->data = bytes + UC_SESSION_HEAD;
	frame->len = size;
	return UC_SESSION_HEAD + (long)size + 1;
foreign:
	return uc_fail(err, UC_INVALID, "what came is not of a session");
}

static uint16_t cut_side(uint16_t side)
{
	if (side < 1)
		return 1;
	return side < UC_SESSION_SIDE ? side : UC_SESSION_SIDE;
}

static void write_size(unsigned char *to, const struct uc_session_size *size)
{
	put16(to, size->columns);
	put16(to + 2, size->rows);
}

static struct uc_session_size get_size(const char *from)
{
	return (struct uc_session_size){ .columns = cut_side(get16(from)),
					 .rows = cut_side(get16(from + 2)) };
}

void uc_session_put_size(struct uc_buf *out, enum uc_session_type type,
			 const struct uc_session_size *size)
{
	unsigned char data[SIZE_BYTES];

	write_size(data, size);
	uc_session_put(out, type, data, sizeof(data));
}

void uc_session_put_attach(struct uc_buf *out, const struct uc_session_attach *attach)
{
	unsigned char data[ATTACH_BYTES];

	put16(data, attach->version);
	write_size(data + 2, &attach->size);
	put16(data + 6, attach->read_only ? ATTACH_READ_ONLY : 0);
	put32(data + 8, attach->history);
	uc_session_put(out, UC_SESSION_ATTACH, data, sizeof(data));
}

void uc_session_put_exit(struct uc_buf *out, const struct uc_session_exit *over)
{
	unsigned char data[EXIT_BYTES];

	put32(data, (uint32_t)over->status);
	data[4] = (unsigned char)over->end;
	uc_session_put(out, UC_SESSION_EXIT, data, sizeof(data));
}

static int check(const struct uc_session_frame *frame, size_t least, struct uc_error *err)
{
	if (frame->len >= least)
		return 0;
	return uc_fail(err, UC_INVALID, "a frame of type %d is too short", frame->type);
}

int uc_session_read_size(const struct uc_session_frame *frame,
			 struct uc_session_size *size, struct uc_error *err)
{
	if (check(frame, SIZE_BYTES, err) < 0)
		return -1;
	*size = get_size(frame->data);
	return 0;
}

int uc_session_read_attach(const struct uc_session_frame *frame,
			   struct uc_session_attach *attach, struct uc_error *err)
{
	if (check(frame, ATTACH_BYTES, err) < 0)
		return -1;
	attach->version = get16(frame->data);
	attach->size = get_size(frame->data + 2);
	attach->read_only = get16(frame->data + 6) & ATTACH_READ_ONLY;
	attach->history = get32(frame->data + 8);
	return 0;
}

int uc_session_read_exit(const struct uc_session_frame *frame,
			 struct uc_session_exit *over, struct uc_error *err)
{
	unsigned char end;

	if (check(frame, EXIT_BYTES, err) < 0)
		return -1;
	end = (unsigned char)frame->data[4];
	over->status = (int32_t)get32(frame->data);
	over->end =
		end <= UC_SESSION_CANCELLED ? (enum uc_session_end)end : UC_SESSION_ENDED;
	return 0;
}
