/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <ucluster/text.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void uc_buf_free(struct uc_buf *buf)
{
	int saved = errno;

	free(buf->data);
	*buf = (struct uc_buf){ 0 };
	errno = saved;
}

void uc_buf_reset(struct uc_buf *buf)
{
	buf->len = 0;
	buf->failed = false;
	if (buf->data)
		buf->data[0] = '\0';
}

/* Room for `more` bytes and a NUL. */
static bool reserve(struct uc_buf *buf, size_t more)
{
	size_t need, cap = buf->cap ? buf->cap : 64;
	char *data;

	if (more < buf->cap - buf->len && !buf->failed)
		return true;
	if (buf->failed)
		return false;
	if (__builtin_add_overflow(buf->len, more, &need) || need > SIZE_MAX / 4)
		return !(buf->failed = true);
	while (cap <= need)
		cap *= 2;
	data = realloc(buf->data, cap);
	if (!data)
		return !(buf->failed = true);
	buf->data = data;
	buf->cap = cap;
	return true;
}

void uc_buf_addn(struct uc_buf *buf, const void *bytes, size_t len)
{
	if (!reserve(buf, len))
		return;
	if (len)
		memcpy(buf->data + buf->len, bytes, len);
	buf->len += len;
	buf->data[buf->len] = '\0';
}

void uc_buf_add(struct uc_buf *buf, const char *text)
{
	if (text)
		uc_buf_addn(buf, text, strlen(text));
}

void uc_buf_addc(struct uc_buf *buf, char c)
{
	if (!reserve(buf, 1))
		return;
	buf->data[buf->len++] = c;
	buf->data[buf->len] = '\0';
}

void uc_buf_addv(struct uc_buf *buf, const char *fmt, va_list ap)
{
	va_list first;
	size_t room;
	int len;

	/* most texts fit into what is there: the format is walked through once then */
	if (!reserve(buf, 0))
		return;
	room = buf->cap - buf->len;
	va_copy(first, ap);
	len = vsnprintf(buf->data + buf->len, room, fmt, first);
	va_end(first);
	if (len >= 0 && (size_t)len < room) {
		buf->len += (size_t)len;
		return;
	}
	buf->data[buf->len] = '\0';
	if (len < 0) {
		buf->failed = true;
		return;
	}
	if (!reserve(buf, (size_t)len))
		return;
	vsnprintf(buf->data + buf->len, (size_t)len + 1, fmt, ap);
	buf->len += (size_t)len;
}

void uc_buf_addf(struct uc_buf *buf, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	uc_buf_addv(buf, fmt, ap);
	va_end(ap);
}

void uc_buf_addi(struct uc_buf *buf, int64_t number)
{
	char digits[24];
	char *p = digits + sizeof(digits);
	uint64_t rest = number < 0 ? -(uint64_t)number : (uint64_t)number;

	do
		*--p = (char)('0' + rest % 10);
	while (rest /= 10);
	if (number < 0)
		*--p = '-';
	uc_buf_addn(buf, p, (size_t)(digits + sizeof(digits) - p));
}

const char *uc_buf_text(const struct uc_buf *buf)
{
	return buf->data ? buf->data : "";
}

char *uc_buf_take(struct uc_buf *buf)
{
	char *data;

	uc_buf_addn(buf, "", 0);
	if (buf->failed) {
		uc_buf_free(buf);
		return NULL;
	}
	data = buf->data;
	*buf = (struct uc_buf){ 0 };
	return data;
}
