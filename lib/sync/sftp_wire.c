/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What packets of SFTP hold; all numbers are big-endian. */
#include <errno.h>
#include <string.h>

#include "sync/sftp.h"

static const unsigned char *read_bytes(struct uc_sftp_reader *reader, size_t len)
{
	const unsigned char *bytes = reader->at;

	if (reader->bad || (size_t)(reader->end - reader->at) < len) {
		reader->bad = true;
		return NULL;
	}
	reader->at += len;
	return bytes;
}

uint32_t uc_sftp_read_u32(struct uc_sftp_reader *reader)
{
	const unsigned char *b = read_bytes(reader, 4);

	return b ? (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 |
			       b[3]
		 : 0;
}

uint64_t uc_sftp_read_u64(struct uc_sftp_reader *reader)
{
	uint64_t high = uc_sftp_read_u32(reader);

	return high << 32 | uc_sftp_read_u32(reader);
}

const unsigned char *uc_sftp_read_string(struct uc_sftp_reader *reader, size_t *len)
{
	const unsigned char *bytes;

	*len = uc_sftp_read_u32(reader);
	bytes = read_bytes(reader, *len);
	if (!bytes)
		*len = 0;
	return bytes;
}

void uc_sftp_read_attrs(struct uc_sftp_reader *reader, struct uc_sftp_attrs *attrs)
{
	uint32_t extended = 0;
	size_t len;

	*attrs = (struct uc_sftp_attrs){ .flags = uc_sftp_read_u32(reader) };
	if (attrs->flags & UC_SFTP_HAS_SIZE)
		attrs->size = uc_sftp_read_u64(reader);
	if (attrs->flags & UC_SFTP_HAS_OWNER)
		(void)uc_sftp_read_u64(reader);
	if (attrs->flags & UC_SFTP_HAS_MODE)
		attrs->mode = uc_sftp_read_u32(reader);
	if (attrs->flags & UC_SFTP_HAS_TIMES) {
		attrs->atime = uc_sftp_read_u32(reader);
		attrs->mtime = uc_sftp_read_u32(reader);
	}
	if (attrs->flags & (uint32_t)UC_SFTP_HAS_EXTENDED)
		extended = uc_sftp_read_u32(reader);
	for (uint32_t i = 0; i < extended && !reader->bad; i++) {
		(void)uc_sftp_read_string(reader, &len);
		(void)uc_sftp_read_string(reader, &len);
	}
}

/* Messages are missing from the answers of some servers. */
static void read_status(struct uc_sftp_answer *answer)
{
	answer->status = uc_sftp_read_u32(&answer->rest);
	if (answer->rest.bad || answer->rest.at == answer->rest.end)
		return;
	answer->bytes = uc_sftp_read_string(&answer->rest, &answer->len);
	answer->rest.at = answer->rest.end; /* the language */
}

int uc_sftp_answer_read(struct uc_sftp_answer *answer, const unsigned char *packet,
			size_t len, struct uc_error *err)
{
	struct uc_sftp_reader *rest = &answer->rest;
	bool whole = true;

	*answer = (struct uc_sftp_answer){ .rest = { packet + 1, packet + len, false } };
	if (len < 5)
		return uc_fail(err, UC_INVALID,
			       "the SFTP server sent a packet of %zu bytes", len);
	answer->type = packet[0];
	answer->id = uc_sftp_read_u32(rest);
	switch (answer->type) {
	case UC_SFTP_STATUS:
		read_status(answer);
		break;
	case UC_SFTP_HANDLE:
	case UC_SFTP_DATA:
		answer->bytes = uc_sftp_read_string(rest, &answer->len);
		if (answer->type == UC_SFTP_HANDLE && answer->len > UC_SFTP_HANDLE_MAX)
			rest->bad = true;
		break;
	case UC_SFTP_NAME:
		answer->count = uc_sftp_read_u32(rest);
		/* a name has two lengths and the flags of its attributes */
		if (answer->count > (size_t)(rest->end - rest->at) / 12)
			rest->bad = true;
		whole = false;
		break;
	case UC_SFTP_ATTRS:
		uc_sftp_read_attrs(rest, &answer->attrs);
		break;
	case UC_SFTP_EXTENDED_REPLY:
		whole = false;
		break;
	default:
		return uc_fail(err, UC_INVALID,
			       "the SFTP server sent a packet of type %u, which is no "
			       "answer",
			       answer->type);
	}
	if (rest->bad || (whole && rest->at != rest->end))
		return uc_fail(err, UC_INVALID,
			       "the SFTP server sent a damaged packet of type %u",
			       answer->type);
	return 0;
}

int uc_sftp_name_next(struct uc_sftp_answer *answer, struct uc_sftp_name *name,
		      struct uc_error *err)
{
	size_t len;

	if (answer->count == 0) {
		if (answer->rest.at == answer->rest.end)
			return 0;
		return uc_fail(err, UC_INVALID,
			       "the SFTP server sent more names than it said");
	}
	answer->count--;
	name->bytes = uc_sftp_read_string(&answer->rest, &name->len);
	(void)uc_sftp_read_string(&answer->rest, &len); /* as of "ls -l" */
	uc_sftp_read_attrs(&answer->rest, &name->attrs);
	if (answer->rest.bad)
		return uc_fail(err, UC_INVALID, "the SFTP server sent damaged names");
	return 1;
}

int uc_sftp_status_errno(uint32_t status)
{
	switch (status) {
	case UC_SFTP_NO_SUCH_FILE:
		return ENOENT;
	case UC_SFTP_DENIED:
		return EACCES;
	case UC_SFTP_BAD_MESSAGE:
		return EBADMSG;
	case UC_SFTP_UNSUPPORTED:
		return ENOTSUP;
	default:
		return 0;
	}
}

/* Making requests */

void uc_sftp_add_u32(struct uc_sftp *sftp, uint32_t number)
{
	const unsigned char bytes[] = { (unsigned char)(number >> 24),
					(unsigned char)(number >> 16),
					(unsigned char)(number >> 8),
					(unsigned char)number };

	uc_buf_addn(&sftp->out, bytes, sizeof(bytes));
}

void uc_sftp_add_u64(struct uc_sftp *sftp, uint64_t number)
{
	uc_sftp_add_u32(sftp, (uint32_t)(number >> 32));
	uc_sftp_add_u32(sftp, (uint32_t)number);
}

void uc_sftp_add_bytes(struct uc_sftp *sftp, const void *bytes, size_t len)
{
	uc_sftp_add_u32(sftp, (uint32_t)len);
	uc_buf_addn(&sftp->out, bytes, len);
}

static void add_text(struct uc_sftp *sftp, const char *text)
{
	uc_sftp_add_bytes(sftp, text, strlen(text));
}

/* Owners are never sent. */
void uc_sftp_add_attrs(struct uc_sftp *sftp, const struct uc_sftp_attrs *attrs)
{
	uc_sftp_add_u32(sftp, attrs->flags & (UC_SFTP_HAS_MODE | UC_SFTP_HAS_TIMES));
	if (attrs->flags & UC_SFTP_HAS_MODE)
		uc_sftp_add_u32(sftp, attrs->mode & 07777);
	if (attrs->flags & UC_SFTP_HAS_TIMES) {
		uc_sftp_add_u32(sftp, attrs->atime);
		uc_sftp_add_u32(sftp, attrs->mtime);
	}
}

void uc_sftp_ask_path(struct uc_sftp *sftp, enum uc_sftp_type type, const char *path,
		      struct uc_sftp_call call)
{
	uc_sftp_ask(sftp, type, call);
	add_text(sftp, path);
	uc_sftp_send(sftp);
}

void uc_sftp_ask_paths(struct uc_sftp *sftp, enum uc_sftp_type type, const char *a,
		       const char *b, struct uc_sftp_call call)
{
	uc_sftp_ask(sftp, type, call);
	add_text(sftp, a);
	add_text(sftp, b);
	uc_sftp_send(sftp);
}

void uc_sftp_ask_handle(struct uc_sftp *sftp, enum uc_sftp_type type,
			const struct uc_sftp_handle *handle, struct uc_sftp_call call)
{
	uc_sftp_ask(sftp, type, call);
	uc_sftp_add_bytes(sftp, handle->bytes, handle->len);
	uc_sftp_send(sftp);
}

void uc_sftp_take_handle(struct uc_sftp_handle *handle,
			 const struct uc_sftp_answer *answer)
{
	handle->len = (uint32_t)answer->len; /* at most UC_SFTP_HANDLE_MAX */
	memcpy(handle->bytes, answer->bytes, answer->len);
}
