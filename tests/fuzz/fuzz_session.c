/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * A session's peer and a program's output: byte 0 chooses. Frames that are put come back;
 * modes do not depend on how output is cut, and what undoes them does.
 */
#include <stdlib.h>
#include <string.h>
#include <ucluster/session.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool good)
{
	if (!good)
		abort();
}

static void read_payload(const struct uc_session_frame *frame)
{
	struct uc_session_attach attach;
	struct uc_session_size side;
	struct uc_session_exit over;

	if (uc_session_read_attach(frame, &attach, NULL) == 0)
		check(attach.size.columns >= 1 &&
		      attach.size.columns <= UC_SESSION_SIDE && attach.size.rows >= 1 &&
		      attach.size.rows <= UC_SESSION_SIDE);
	if (uc_session_read_size(frame, &side, NULL) == 0)
		check(side.columns >= 1 && side.rows <= UC_SESSION_SIDE);
	if (uc_session_read_exit(frame, &over, NULL) == 0)
		check(over.end <= UC_SESSION_CANCELLED);
}

static void frames(const char *bytes, size_t size)
{
	uc_auto(buf) struct uc_buf again = { 0 };
	struct uc_session_frame frame;
	size_t at = 0;
	long used;

	while ((used = uc_session_get(bytes + at, size - at, &frame, NULL)) > 0) {
		read_payload(&frame);
		uc_session_put(&again, frame.type, frame.data, frame.len);
		at += (size_t)used;
	}
	/* what was taken is what would be sent */
	check(again.len == at && (at == 0 || memcmp(again.data, bytes, at) == 0));
	for (size_t len = 0; used < 0 && len < size - at; len++)
		check(uc_session_get(bytes + at, len, &frame, NULL) <= 0);
}

static void modes(const char *bytes, size_t size)
{
	uc_auto(buf) struct uc_buf undo = { 0 }, set = { 0 }, rest = { 0 };
	const struct uc_modes none = { 0 };
	struct uc_modes whole = { 0 }, cut = { 0 }, other = { 0 };

	uc_modes_feed(&whole, bytes, size);
	for (size_t i = 0; i < size; i++)
		uc_modes_feed(&cut, bytes + i, 1);
	check(memcmp(&whole, &cut, offsetof(struct uc_modes, hold)) == 0 &&
	      memcmp(whole.hold, cut.hold, whole.held) == 0);
	uc_modes_unfinished(&whole, &rest);
	/* another terminal that is brought to them is brought back by the same */
	uc_modes_set(&whole, &set);
	uc_modes_undo(&whole, &undo);
	uc_modes_feed(&other, set.data, set.len);
	uc_modes_feed(&other, undo.data, undo.len);
	check(other.changed == 0 && !other.keypad && !other.shifted && other.kitty == 0);
	uc_modes_feed(&cut, undo.data, undo.len);
	check(cut.changed == 0 && !cut.keypad && !cut.region && !cut.shifted &&
	      !cut.charset[0] && !cut.charset[1] && cut.kitty == 0 && !cut.other_keys &&
	      cut.state == none.state);
}

static void keys(const char *bytes, size_t size)
{
	uc_auto(buf) struct uc_buf text = { 0 }, out = { 0 };
	const size_t len = strnlen(bytes, size);
	struct uc_detach d;

	uc_buf_addn(&text, bytes, len);
	if (uc_detach_parse(&d, uc_buf_text(&text), NULL) < 0)
		return;
	uc_detach_name(&d, &out);
	uc_buf_reset(&out);
	if (uc_detach_typed(&d, bytes + len, size - len, &out))
		return;
	/* nothing that is typed is lost */
	uc_detach_flush(&d, &out);
	check(out.len == size - len &&
	      (out.len == 0 || memcmp(out.data, bytes + len, out.len) == 0));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void (*const kinds[])(const char *, size_t) = { frames, modes, keys };
	char *bytes;

	if (!size || !(bytes = malloc(size)))
		return 0;
	memcpy(bytes, data + 1, size - 1);
	bytes[size - 1] = '\0';
	kinds[data[0] % 3](bytes, size - 1);
	free(bytes);
	return 0;
}
