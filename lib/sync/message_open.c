/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The messages that begin and end a conversation. */
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <ucluster/ucluster.h>

#include "sync/message.h"
#include "sync/store.h"

#define HELLO_MAX 65536

enum {
	OPEN_CREATE = 1,
	OPEN_READ_ONLY = 2,
	OPEN_NO_SYNC = 4,
	OPEN_KEEP_SPECIAL = 8,
	OPEN_ALL = 15,
};

void uc_write_open(struct uc_buf *buf, const struct uc_message_open *open)
{
	uc_buf_addc(buf, (char)((open->create ? OPEN_CREATE : 0) |
				(open->read_only ? OPEN_READ_ONLY : 0) |
				(open->no_sync ? OPEN_NO_SYNC : 0) |
				(open->keep_special ? OPEN_KEEP_SPECIAL : 0)));
	uc_write_text(buf, open->root);
	uc_write_text(buf, open->run);
	uc_write_signed(buf, open->compress);
}

void uc_read_open(struct uc_reader *r, struct uc_message_open *open)
{
	uint8_t flags = uc_read_byte(r);
	int64_t compress;

	*open = (struct uc_message_open){ .create = flags & OPEN_CREATE,
					  .read_only = flags & OPEN_READ_ONLY,
					  .no_sync = flags & OPEN_NO_SYNC,
					  .keep_special = flags & OPEN_KEEP_SPECIAL };
	uc_read_text(r, open->root, UC_SYNC_PATH_MAX);
	uc_read_text(r, open->run, UC_MESSAGE_RUN_MAX);
	compress = uc_read_signed(r);
	if (flags & ~OPEN_ALL || compress < -1 || compress > 19 || !open->run[0] ||
	    open->run[strspn(open->run,
			     "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "0123456789-")])
		r->bad = true;
	open->compress = (int)compress;
}

void uc_write_opened(struct uc_buf *buf, const struct uc_message_opened *opened)
{
	uc_write_text(buf, opened->root);
	uc_write_number(buf, opened->flags);
	uc_write_number(buf, opened->bytes_free);
	uc_write_number(buf, opened->files_free);
	uc_write_number(buf, opened->quota_free);
}

void uc_read_opened(struct uc_reader *r, struct uc_message_opened *opened)
{
	uc_read_text(r, opened->root, UC_SYNC_PATH_MAX);
	opened->flags = (unsigned)uc_read_below(r, UC_OPENED_ALL);
	opened->bytes_free = uc_read_number(r);
	opened->files_free = uc_read_number(r);
	opened->quota_free = uc_read_number(r);
	if (opened->root[0] != '/')
		r->bad = true;
}

int uc_talk_fault(struct uc_talk *talk, const struct uc_error *fault,
		  struct uc_error *err)
{
	uc_auto(buf) struct uc_buf buf = { 0 };

	uc_buf_addc(&buf, (char)fault->code);
	uc_write_text(&buf, fault->text);
	uc_write_text(&buf, fault->hint);
	if (buf.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_talk_send(talk, UC_FRAME_FAULT, buf.data, buf.len, false, err);
}

void uc_read_fault(const struct uc_frame *frame, struct uc_error *err)
{
	char text[sizeof(err->text)], hint[sizeof(err->hint)];
	struct uc_reader r = uc_reader(frame);
	unsigned code = uc_read_byte(&r);

	uc_read_text(&r, text, sizeof(text) - 1);
	uc_read_text(&r, hint, sizeof(hint) - 1);
	if (!uc_read_done(&r) || code == 0 || code > UC_INVALID) {
		uc_fail(err, UC_INVALID, "the other end sent a damaged message");
		return;
	}
	uc_fail(err, (enum uc_code)code, "%s",
		text[0] ? text : "the other end failed, and does not say why");
	if (hint[0])
		uc_hint(err, "%s", hint);
}

int uc_talk_hello(struct uc_talk *talk, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf buf = { 0 };

	uc_buf_addf(&buf, "{\"version\":%u,\"build\":\"%s\",\"capabilities\":[\"zstd\"]}",
		    UC_PROTOCOL, uc_version());
	if (buf.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_talk_send(talk, UC_FRAME_HELLO, buf.data, buf.len, false, err);
}

int uc_read_hello(const struct uc_frame *frame, char *build, size_t size,
		  struct uc_error *err)
{
	json_t *hello = NULL;
	const char *text = NULL;
	int version = 0;

	if (frame->type == UC_FRAME_HELLO && frame->len <= HELLO_MAX)
		hello = json_loadb((const char *)frame->data, frame->len,
				   JSON_REJECT_DUPLICATES, NULL);
	if (!hello ||
	    json_unpack(hello, "{s:i, s:s}", "version", &version, "build", &text) < 0 ||
	    version != UC_PROTOCOL || strlen(text) >= size) {
		json_decref(hello);
		return uc_fail(err, UC_INVALID,
			       "the other end does not say which version it is");
	}
	snprintf(build, size, "%s", text);
	json_decref(hello);
	return 0;
}

bool uc_message_path_ok(const char *path)
{
	size_t depth = 0, name = 0;

	for (const char *at = path; *at; at++) {
		name = *at == '/' ? 0 : name + 1;
		depth += *at == '/';
		if (name > UC_SYNC_NAME_MAX)
			return false;
	}
	return depth <= UC_SYNC_DEPTH_MAX && uc_store_path_ok(path, NULL);
}
