/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "slurm/frame.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define HEAD sizeof(((struct uc_frame_progress *)0)->head)
#define ITEM (sizeof(uint16_t) + sizeof(uint32_t))

void uc_frame_free(struct uc_frame *frame)
{
	if (frame->fd >= 0)
		close(frame->fd);
	frame->fd = -1;
	uc_buf_free(&frame->body);
}

void uc_frame_add(struct uc_frame *frame, enum uc_frame_tag tag, const void *bytes,
		  size_t len)
{
	uint16_t tag16 = (uint16_t)tag;
	uint32_t len32 = (uint32_t)len;

	if (len > UC_FRAME_MAX) {
		frame->body.failed = true;
		return;
	}
	uc_buf_addn(&frame->body, &tag16, sizeof(tag16));
	uc_buf_addn(&frame->body, &len32, sizeof(len32));
	if (len)
		uc_buf_addn(&frame->body, bytes, len);
}

void uc_frame_add_u32(struct uc_frame *frame, enum uc_frame_tag tag, uint32_t value)
{
	uc_frame_add(frame, tag, &value, sizeof(value));
}

void uc_frame_add_text(struct uc_frame *frame, enum uc_frame_tag tag, const char *text)
{
	if (text)
		uc_frame_add(frame, tag, text, strlen(text));
}

bool uc_frame_next(const struct uc_frame *frame, size_t *at, struct uc_frame_item *item)
{
	uint16_t tag;
	uint32_t len;
	size_t left = frame->body.len - *at;

	if (left < ITEM)
		return false;
	memcpy(&tag, frame->body.data + *at, sizeof(tag));
	memcpy(&len, frame->body.data + *at + sizeof(tag), sizeof(len));
	if (len > left - ITEM)
		return false;
	item->tag = tag;
	item->bytes = frame->body.data + *at + ITEM;
	item->len = len;
	*at += ITEM + len;
	return true;
}

bool uc_frame_is_sound(const struct uc_frame *frame)
{
	struct uc_frame_item item;
	size_t at = 0;

	while (uc_frame_next(frame, &at, &item))
		continue;
	return at == frame->body.len;
}

uint32_t uc_frame_u32(const struct uc_frame *frame, enum uc_frame_tag tag,
		      uint32_t fallback)
{
	struct uc_frame_item item;
	uint32_t value;

	for (size_t at = 0; uc_frame_next(frame, &at, &item);) {
		if (item.tag != tag || item.len != sizeof(value))
			continue;
		memcpy(&value, item.bytes, sizeof(value));
		return value;
	}
	return fallback;
}

char *uc_frame_text(const struct uc_frame *frame, enum uc_frame_tag tag)
{
	struct uc_frame_item item;

	for (size_t at = 0; uc_frame_next(frame, &at, &item);)
		if (item.tag == tag)
			return strndup(item.bytes, item.len);
	return NULL;
}

/* The descriptor goes with the first byte. */
static ssize_t send_some(int sock, const struct uc_frame *frame, struct iovec *parts,
			 bool first, int flags)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = 2 };

	if (first && frame->fd >= 0) {
		struct cmsghdr *c;

		msg.msg_control = control.space;
		msg.msg_controllen = sizeof(control.space);
		c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &frame->fd, sizeof(int));
	}
	return sendmsg(sock, &msg, flags | MSG_NOSIGNAL);
}

int uc_frame_send(int sock, const struct uc_frame *frame, struct uc_frame_progress *at,
		  int flags)
{
	uint32_t len = (uint32_t)frame->body.len;

	if (frame->body.failed || frame->body.len > UC_FRAME_MAX) {
		errno = EMSGSIZE;
		return -1;
	}
	memcpy(at->head, &len, sizeof(len));
	memcpy(at->head + sizeof(len), &frame->kind, sizeof(frame->kind));
	while (at->done < HEAD + len) {
		size_t head = at->done < HEAD ? HEAD - at->done : 0;
		size_t body = at->done > HEAD ? at->done - HEAD : 0;
		struct iovec parts[] = {
			{ at->head + HEAD - head, head },
			{ frame->body.data + body, len - body },
		};
		ssize_t n = send_some(sock, frame, parts, at->done == 0, flags);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		at->done += (size_t)n;
	}
	return 1;
}

/* Keep the descriptor that came along; close any further one. */
static void take_descriptor(struct msghdr *msg, struct uc_frame *frame)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (frame->fd < 0)
				frame->fd = fd;
			else
				close(fd);
		}
	}
}

static ssize_t receive_some(int sock, struct uc_frame *frame, void *to, size_t len,
			    int flags)
{
	union {
		struct cmsghdr head;
		char space[CMSG_SPACE(4 * sizeof(int))];
	} control;
	struct iovec part = { to, len };
	struct msghdr msg = { .msg_iov = &part,
			      .msg_iovlen = 1,
			      .msg_control = control.space,
			      .msg_controllen = sizeof(control.space) };
	ssize_t n = recvmsg(sock, &msg, flags | MSG_CMSG_CLOEXEC);

	if (n >= 0)
		take_descriptor(&msg, frame);
	return n;
}

/* Memory for the body once its length is known. */
static int prepare_body(struct uc_frame *frame, const unsigned char *head)
{
	uint32_t len;

	memcpy(&len, head, sizeof(len));
	memcpy(&frame->kind, head + sizeof(len), sizeof(frame->kind));
	if (len > UC_FRAME_MAX) {
		errno = EPROTO;
		return -1;
	}
	uc_buf_free(&frame->body);
	frame->body.data = malloc((size_t)len + 1);
	if (!frame->body.data) {
		errno = EMSGSIZE;
		return -1;
	}
	frame->body.cap = (size_t)len + 1;
	frame->body.len = len;
	frame->body.data[len] = '\0';
	return 0;
}

int uc_frame_receive(int sock, struct uc_frame *frame, struct uc_frame_progress *at,
		     int flags)
{
	while (at->done < HEAD || at->done < HEAD + frame->body.len) {
		bool head = at->done < HEAD;
		char *to = head ? (char *)at->head + at->done
				: frame->body.data + (at->done - HEAD);
		size_t want =
			head ? HEAD - at->done : frame->body.len - (at->done - HEAD);
		ssize_t n = receive_some(sock, frame, to, want, flags);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -1;
		if (n == 0) {
			errno = EPIPE;
			return -1;
		}
		at->done += (size_t)n;
		if (head && at->done == HEAD && prepare_body(frame, at->head) < 0)
			return -1;
	}
	if (uc_frame_is_sound(frame))
		return 1;
	errno = EPROTO;
	return -1;
}
