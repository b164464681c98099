/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Serving ends that lie: each is found out in time, and nothing of theirs is written. */
#include "sync_peer.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <ucluster/units.h>
#include <unistd.h>
#include <xxhash.h>

#include "sync/message.h"

#define BYTES(text) text, sizeof(text) - 1
/* Entries: nothing shared with the one before, mode 0644 or 0755, 5 bytes. */
#define FILE_(len, name)        "\0" len name "\0\xa4\x03\0\5"
#define FOLDER(len, name)       "\0" len name "\1\xed\x03\0"
#define LINK(len, name, target) "\0" len name "\2\xff\x03\0" target

/* What was said before. */
enum stage {
	NOTHING,
	GREETED, /* preamble */
	HELLO,
	OPENED,
	LISTED, /* and the list so far: a folder "d" and a file "f" of 5 bytes */
	CALLED,
	JOBS, /* GET 0 (5 bytes), GET 1 (200000), PUT 2 (5), PUT 3 (200000, over another)
	       */
};

enum flags {
	HANG = 1,    /* says nothing more, and does not end */
	AS_ZSTD = 4, /* the payload is said to be packed */
	JOB = 8,     /* a job fails, not the connection */
	TWICE = 16,
	DRIP = 32,
	CUT = 64,   /* it only ends too early */
	SAYS = 128, /* it says why it ends */
};

struct lie {
	const char *name;
	enum stage stage;
	enum uc_frame_type type; /* 0: raw bytes */
	const char *bytes;
	size_t len;
	unsigned flags;
};

// clang-format off
static const struct lie lies[] = {
	/* the stream */
	{ "nothing at all", NOTHING, 0, BYTES(""), CUT },
	{ "silence", NOTHING, 0, BYTES(""), HANG },
	{ "another magic", NOTHING, 0, BYTES("rsync: 31.0 something"), CUT },
	{ "half a preamble", NOTHING, 0, BYTES("usync\0\1"), CUT },
	{ "half a preamble, hanging", NOTHING, 0, BYTES("usync\0\1"), HANG },
	{ "version 0", NOTHING, 0, BYTES("usync\0\0\0\0\0\0\0\0\0\0\0"), 0 },
	{ "version 2", NOTHING, 0, BYTES("usync\0\2\0\0\0\0\0\0\0\0\0"), 0 },
	{ "version 65535", NOTHING, 0, BYTES("usync\0\xff\xff\0\0\0\0\0\0\0\0"), 0 },
	{ "only a preamble", GREETED, 0, BYTES(""), CUT },
	{ "a preamble and silence", GREETED, 0, BYTES(""), HANG },
	{ "drips", GREETED, 0, BYTES(""), HANG | DRIP },
	{ "type 0", GREETED, 0, BYTES("\0\0\0\0" "\0\0\0\0" "\5\x5d\xcc\2"), 0 },
	{ "type 200", GREETED, 0, BYTES("\0\0\0\0" "\xc8\0\0\0" "\5\x5d\xcc\2"), 0 },
	{ "unknown flag", GREETED, 0, BYTES("\0\0\0\0" "\1\2\0\0" "\5\x5d\xcc\2"), 0 },
	{ "reserved bytes", GREETED, 0, BYTES("\0\0\0\0" "\1\0\1\0" "\5\x5d\xcc\2"), 0 },
	{ "too long by one", GREETED, 0, BYTES("\1\0\x10\0" "\1\0\0\0" "\0\0\0\0"), 0 },
	{ "4 GiB long", GREETED, 0, BYTES("\xff\xff\xff\xff" "\1\0\0\0" "\0\0\0\0"), 0 },
	{ "wrong checksum", GREETED, 0, BYTES("\1\0\0\0" "\1\0\0\0" "\1\2\3\4{"), 0 },
	{ "cut in a header", GREETED, 0, BYTES("\1\0\0\0" "\1\0"), CUT },
	{ "cut in a payload", GREETED, 0, BYTES("\xff\0\0\0" "\1\0\0\0" "\1\2\3\4{"), CUT },
	{ "cut and hanging", GREETED, 0, BYTES("\xff\0\0\0" "\1\0\0\0" "\1\2\3\4{"), HANG },
	/* packed */
	{ "packed is not", GREETED, UC_FRAME_HELLO, BYTES("{\"version\":1}"), AS_ZSTD },
	{ "packed is empty", GREETED, UC_FRAME_HELLO, BYTES(""), AS_ZSTD },
	{ "packed without a size", GREETED, UC_FRAME_HELLO, BYTES("\x28\xb5\x2f\xfd\x00\x58\x01\0\0"), AS_ZSTD },
	{ "packed of a terabyte", GREETED, UC_FRAME_HELLO, BYTES("\x28\xb5\x2f\xfd\xe0\0\0\0\0\0\1\0\0\x01\0\0"), AS_ZSTD },
	{ "packed of 2 MiB", GREETED, UC_FRAME_HELLO, BYTES("\x28\xb5\x2f\xfd\xa0\0\0\x20\0\x02\0\0\1"), AS_ZSTD },
	{ "packed with a lie", GREETED, UC_FRAME_HELLO, BYTES("\x28\xb5\x2f\xfd\x20\x05\x83\xff\x07""a"), AS_ZSTD },
	{ "packed and cut", GREETED, UC_FRAME_HELLO, BYTES("\x28\xb5\x2f\xfd\x20\x05\x29\0\0he"), AS_ZSTD },
	{ "packed with a dictionary", GREETED, UC_FRAME_HELLO, BYTES("\x28\xb5\x2f\xfd\x21\x05\x05\x29\0\0hello"), AS_ZSTD },
	/* who it is */
	{ "hello is no JSON", GREETED, UC_FRAME_HELLO, BYTES("hello"), 0 },
	{ "hello is a list", GREETED, UC_FRAME_HELLO, BYTES("[1]"), 0 },
	{ "hello without a version", GREETED, UC_FRAME_HELLO, BYTES("{\"build\":\"1\"}"), 0 },
	{ "hello of version 9", GREETED, UC_FRAME_HELLO, BYTES("{\"version\":9,\"build\":\"1\"}"), 0 },
	{ "hello with two versions", GREETED, UC_FRAME_HELLO, BYTES("{\"version\":1,\"version\":1,\"build\":\"1\"}"), 0 },
	{ "hello with a long build", GREETED, UC_FRAME_HELLO, BYTES("{\"version\":1,\"build\":\"1111111111111111111111111111111111111111111111111111111111111111111111111111\"}"), 0 },
	{ "opened before hello", GREETED, UC_FRAME_OPENED, BYTES("\2/x\0\0\0\0"), 0 },
	{ "entries before hello", GREETED, UC_FRAME_ENTRIES, BYTES(FILE_("\1", "a")), 0 },
	{ "hello twice", HELLO, UC_FRAME_HELLO, BYTES("{\"version\":1,\"build\":\"1\"}"), 0 },
	{ "only hello", HELLO, 0, BYTES(""), CUT },
	{ "hello and silence", HELLO, 0, BYTES(""), HANG },
	{ "entries before opened", HELLO, UC_FRAME_ENTRIES, BYTES(FILE_("\1", "a")), 0 },
	{ "opened is cut", HELLO, UC_FRAME_OPENED, BYTES("\2/x\0\0\0"), 0 },
	{ "opened is too long", HELLO, UC_FRAME_OPENED, BYTES("\2/x\0\0\0\0\0"), 0 },
	{ "opened is relative", HELLO, UC_FRAME_OPENED, BYTES("\2xx\0\0\0\0"), 0 },
	{ "opened with a NUL", HELLO, UC_FRAME_OPENED, BYTES("\2/\0\0\0\0\0"), 0 },
	{ "opened with unknown flags", HELLO, UC_FRAME_OPENED, BYTES("\2/x\x20\0\0\0"), 0 },
	{ "opened twice", OPENED, UC_FRAME_OPENED, BYTES("\2/x\0\0\0\0"), 0 },
	{ "a fault without a code", HELLO, UC_FRAME_FAULT, BYTES("\0\1x\0"), 0 },
	{ "a fault with a strange code", HELLO, UC_FRAME_FAULT, BYTES("\x63\1x\0"), 0 },
	{ "a fault that is cut", HELLO, UC_FRAME_FAULT, BYTES("\1\5x"), 0 },
	{ "a fault with escapes", HELLO, UC_FRAME_FAULT, BYTES("\1\6\x1b[31mx\0"), SAYS },
	{ "a beat with a payload", OPENED, UC_FRAME_BEAT, BYTES("x"), 0 },
	/* what only a client says */
	{ "open", OPENED, UC_FRAME_OPEN, BYTES("\0\1x\1r\0"), 0 },
	{ "list", OPENED, UC_FRAME_LIST, BYTES("\0\0\0"), 0 },
	{ "jobs", OPENED, UC_FRAME_JOBS, BYTES(""), 0 },
	{ "put begins", OPENED, UC_FRAME_PUT_BEGIN, BYTES(""), 0 },
	{ "put dropped", OPENED, UC_FRAME_PUT_DROP, BYTES("\0"), 0 },
	{ "finish", OPENED, UC_FRAME_FINISH, BYTES(""), 0 },
	{ "flush", OPENED, UC_FRAME_FLUSH, BYTES(""), 0 },
	{ "stop", OPENED, UC_FRAME_STOP, BYTES("\0"), 0 },
	{ "call", OPENED, UC_FRAME_CALL, BYTES("\1x{}"), 0 },
	/* lists */
	{ "a list that is cut", LISTED, 0, BYTES(""), CUT },
	{ "a list that hangs", LISTED, 0, BYTES(""), HANG },
	{ "no entries", LISTED, UC_FRAME_ENTRIES, BYTES(""), 0 },
	{ "above", LISTED, UC_FRAME_ENTRIES, BYTES(FILE_("\4", "../x")), 0 },
	{ "above, later", LISTED, UC_FRAME_ENTRIES, BYTES(FILE_("\6", "x/../y")), 0 },
	{ "at the end above", LISTED, UC_FRAME_ENTRIES, BYTES(FOLDER("\1", "g") FILE_("\4", "g/..")), 0 },
	{ "absolute", LISTED, UC_FRAME_ENTRIES, BYTES(FILE_("\4", "/etc")), 0 },
	{ "dot", LISTED, UC_FRAME_ENTRIES, BYTES(FILE_("\1", ".")), 0 },
	{ "dots", LISTED, UC_FRAME_ENTRIES, BYTES(FILE_("\2", "..")), 0 },
	{ "an empty path", LISTED, UC_FRAME_ENTRIES, BYTES(FILE_("\0", "")), 0 },
	{ "an empty name", LISTED, UC_FRAME_ENTRIES, BYTES(FOLDER("\1", "g") FILE_("\4", "g//h")), 0 },
	{ "a slash at the end", LISTED, UC_FRAME_ENTRIES, BYTES(FOLDER("\2", "g/")), 0 },
	{ "a dot between", LISTED, UC_FRAME_ENTRIES, BYTES(FOLDER("\1", "g") FILE_("\5", "g/./h")), 0 },
	{ "a NUL", LISTED, UC_FRAME_ENTRIES, BYTES(FILE_("\3", "g\0h")), 0 },
	{ "a duplicate", LISTED, UC_FRAME_ENTRIES, BYTES(FILE_("\1", "f")), 0 },
	{ "out of order", LISTED, UC_FRAME_ENTRIES, BYTES(FILE_("\1", "e")), 0 },
	{ "back into a folder", LISTED, UC_FRAME_ENTRIES, BYTES(FILE_("\3", "d/x")), 0 },
	{ "in a folder that was not told", LISTED, UC_FRAME_ENTRIES, BYTES(FILE_("\3", "g/x")), 0 },
	{ "in a file", LISTED, UC_FRAME_ENTRIES, BYTES(FILE_("\3", "f/x")), 0 },
	{ "in a link", LISTED, UC_FRAME_ENTRIES, BYTES(LINK("\1", "g", "\1/") FILE_("\3", "g/x")), 0 },
	{ "in a folder with a longer name", LISTED, UC_FRAME_ENTRIES, BYTES(FOLDER("\2", "gg") FILE_("\4", "gh/x")), 0 },
	{ "the trash", LISTED, UC_FRAME_ENTRIES, BYTES(FOLDER("\x0f", ".ucluster-trash")), 0 },
	{ "the snapshots", LISTED, UC_FRAME_ENTRIES, BYTES(FOLDER("\x13", ".ucluster-snapshots")), 0 },
	{ "kind 3", LISTED, UC_FRAME_ENTRIES, BYTES("\0\1g\3\xa4\x03\0\5"), 0 },
	{ "an unknown flag", LISTED, UC_FRAME_ENTRIES, BYTES("\0\1g\x20\xa4\x03\0\5"), 0 },
	{ "a mode too large", LISTED, UC_FRAME_ENTRIES, BYTES("\0\1g\0\x80\x20\0\5"), 0 },
	{ "a size too large", LISTED, UC_FRAME_ENTRIES, BYTES("\0\1g\0\xa4\x03\0\x80\x80\x80\x80\x80\x80\x80\x80\x80\1"), 0 },
	{ "sizes that wrap", LISTED, UC_FRAME_ENTRIES, BYTES("\0\1g\0\xa4\x03\0\xff\xff\xff\xff\xff\xff\xff\xff\x7f" "\0\1h\0\xa4\x03\0\xff\xff\xff\xff\xff\xff\xff\xff\x7f" "\0\1i\0\xa4\x03\0\xff\xff\xff\xff\xff\xff\xff\xff\x7f"), 0 },
	{ "an entry that is cut", LISTED, UC_FRAME_ENTRIES, BYTES("\0\1g\0\xa4"), 0 },
	{ "bytes behind", LISTED, UC_FRAME_ENTRIES, BYTES(FILE_("\1", "g") "\0"), 0 },
	{ "shares more than there is", LISTED, UC_FRAME_ENTRIES, BYTES("\1\1g\0\xa4\x03\0\5"), 0 },
	{ "a number longer than needed", LISTED, UC_FRAME_ENTRIES, BYTES("\0\x81\0g\0\xa4\x03\0\5"), 0 },
	{ "a number of 11 bytes", LISTED, UC_FRAME_ENTRIES, BYTES("\0\x81\x80\x80\x80\x80\x80\x80\x80\x80\x80\1g\0\xa4\x03\0\5"), 0 },
	{ "a path of 16 MiB", LISTED, UC_FRAME_ENTRIES, BYTES("\0\x80\x80\x80\x08g\0\xa4\x03\0\5"), 0 },
	{ "a twin of a later one", LISTED, UC_FRAME_ENTRIES, BYTES("\0\1g\x10\xa4\x03\0\5\3"), 0 },
	{ "a twin of nothing", LISTED, UC_FRAME_ENTRIES, BYTES("\0\1g\x10\xa4\x03\0\5\0"), 0 },
	{ "a twin folder", LISTED, UC_FRAME_ENTRIES, BYTES("\0\1g\x11\xed\x03\0\1"), 0 },
	{ "a folder with holes", LISTED, UC_FRAME_ENTRIES, BYTES("\0\1g\5\xed\x03\0"), 0 },
	{ "the sum of a folder", LISTED, UC_FRAME_ENTRIES, BYTES("\0\1g\x09\xed\x03\0""12345678"), 0 },
	{ "a link to nothing", LISTED, UC_FRAME_ENTRIES, BYTES(LINK("\1", "g", "\0")), 0 },
	{ "a link with a NUL", LISTED, UC_FRAME_ENTRIES, BYTES(LINK("\1", "g", "\3a\0b")), 0 },
	{ "a link that is too long", LISTED, UC_FRAME_ENTRIES, BYTES(LINK("\1", "g", "\x80\x20")), 0 },
	{ "one more than there are", LISTED, UC_FRAME_LIST_END, BYTES("\3\5\1HASH"), 0 },
	{ "one less than there are", LISTED, UC_FRAME_LIST_END, BYTES("\1\5\1HASH"), 0 },
	{ "other bytes", LISTED, UC_FRAME_LIST_END, BYTES("\2\6\1HASH"), 0 },
	{ "another sum", LISTED, UC_FRAME_LIST_END, BYTES("\2\5\1" "0123456789abcdef"), 0 },
	{ "complete in another way", LISTED, UC_FRAME_LIST_END, BYTES("\2\5\2HASH"), 0 },
	{ "an end that is cut", LISTED, UC_FRAME_LIST_END, BYTES("\2\5\1" "0123456789abcde"), 0 },
	{ "an end with more", LISTED, UC_FRAME_LIST_END, BYTES("\2\5\1HASH\0"), 0 },
	{ "an unknown note", LISTED, UC_FRAME_NOTE, BYTES("\x63\0\1x"), 0 },
	{ "a note with a large errno", LISTED, UC_FRAME_NOTE, BYTES("\0\x80\x20\1x"), 0 },
	{ "a note with a NUL", LISTED, UC_FRAME_NOTE, BYTES("\0\0\1\0"), 0 },
	{ "a note with more", LISTED, UC_FRAME_NOTE, BYTES("\0\0\1xx"), 0 },
	{ "finished during a list", LISTED, UC_FRAME_FINISHED, BYTES("\0\0\0\0\0"), 0 },
	{ "an answer during a list", LISTED, UC_FRAME_ANSWER, BYTES("\1{}"), 0 },
	{ "a file during a list", LISTED, UC_FRAME_FILES, BYTES("\0\0" "01234567890123456789012345678901"), 0 },
	/* answers */
	{ "an answer that is no JSON", CALLED, UC_FRAME_ANSWER, BYTES("\1{"), 0 },
	{ "an answer with another end", CALLED, UC_FRAME_ANSWER, BYTES("\2{}"), 0 },
	{ "an empty answer", CALLED, UC_FRAME_ANSWER, BYTES(""), 0 },
	{ "an answer that never ends", CALLED, UC_FRAME_ANSWER, BYTES("\0{"), HANG },
	{ "an answer with two keys", CALLED, UC_FRAME_ANSWER, BYTES("\1{\"a\":1,\"a\":2}"), 0 },
	/* jobs */
	{ "a file nobody asked for", JOBS, UC_FRAME_FILES, BYTES("\x4d\5hello" "01234567890123456789012345678901"), 0 },
	{ "a file for a put", JOBS, UC_FRAME_FILES, BYTES("\2\5hello" "01234567890123456789012345678901"), 0 },
	{ "a file of another size", JOBS, UC_FRAME_FILES, BYTES("\0\4hell" "01234567890123456789012345678901"), 0 },
	{ "a file with another sum", JOBS, UC_FRAME_FILES, BYTES("\0\5hello" "01234567890123456789012345678901"), JOB | HANG },
	{ "a file twice", JOBS, UC_FRAME_FILES, BYTES("\0\5hello" "01234567890123456789012345678901"), TWICE },
	{ "a file that is cut", JOBS, UC_FRAME_FILES, BYTES("\0\5hello" "0123456789"), 0 },
	{ "a file of 1 GiB", JOBS, UC_FRAME_FILES, BYTES("\0\x80\x80\x80\x80\4hello"), 0 },
	{ "a large file at once", JOBS, UC_FRAME_FILES, BYTES("\1\5hello" "01234567890123456789012345678901"), 0 },
	{ "begins what nobody asked for", JOBS, UC_FRAME_GET_BEGIN, BYTES("\x4d"), 0 },
	{ "begins a small file", JOBS, UC_FRAME_GET_BEGIN, BYTES("\0"), 0 },
	{ "begins a put", JOBS, UC_FRAME_GET_BEGIN, BYTES("\3"), 0 },
	{ "begins twice", JOBS, UC_FRAME_GET_BEGIN, BYTES("\1"), TWICE },
	{ "begins with more", JOBS, UC_FRAME_GET_BEGIN, BYTES("\1\1"), 0 },
	{ "data before it begins", JOBS, UC_FRAME_PUT_DATA, BYTES("\1hello"), 0 },
	{ "data of nothing", JOBS, UC_FRAME_PUT_DATA, BYTES("\x4dhello"), 0 },
	{ "data without an id", JOBS, UC_FRAME_PUT_DATA, BYTES(""), 0 },
	{ "data for a put", JOBS, UC_FRAME_PUT_DATA, BYTES("\3hello"), 0 },
	{ "an end before it begins", JOBS, UC_FRAME_PUT_END, BYTES("\1" "01234567890123456789012345678901"), 0 },
	{ "a copy before it begins", JOBS, UC_FRAME_PUT_COPY, BYTES("\1\0\1"), 0 },
	{ "a start before it begins", JOBS, UC_FRAME_PUT_START, BYTES("\1\0"), 0 },
	{ "an outcome of nothing", JOBS, UC_FRAME_OUTCOMES, BYTES("\x4d\0\0\0\0"), 0 },
	{ "a get is done", JOBS, UC_FRAME_OUTCOMES, BYTES("\0\0\0\0\0"), 0 },
	{ "a put is done too early", JOBS, UC_FRAME_OUTCOMES, BYTES("\3\0\0\0\0"), 0 },
	{ "an outcome of 5", JOBS, UC_FRAME_OUTCOMES, BYTES("\2\5\0\0\0"), 0 },
	{ "an outcome of 99", JOBS, UC_FRAME_OUTCOMES, BYTES("\2\x63\0\0\0"), 0 },
	{ "an outcome with a large errno", JOBS, UC_FRAME_OUTCOMES, BYTES("\2\3\x80\x20\0\0"), 0 },
	{ "an outcome with a long text", JOBS, UC_FRAME_OUTCOMES, BYTES("\2\3\0\0\x80\x20"), 0 },
	{ "an outcome that is cut", JOBS, UC_FRAME_OUTCOMES, BYTES("\2\3\0"), 0 },
	{ "an outcome twice", JOBS, UC_FRAME_OUTCOMES, BYTES("\2\3\0\0\0"), TWICE },
	{ "an outcome with escapes", JOBS, UC_FRAME_OUTCOMES, BYTES("\2\3\0\0\6\x1b[31mx"), CUT },
	{ "has of nothing", JOBS, UC_FRAME_HAVE, BYTES("\x4d\0"), 0 },
	{ "has of a get", JOBS, UC_FRAME_HAVE, BYTES("\1\0"), 0 },
	{ "has more than there is", JOBS, UC_FRAME_HAVE, BYTES("\3\x80\x80\x80\1" "12345678"), 0 },
	{ "has without a sum", JOBS, UC_FRAME_HAVE, BYTES("\3\1"), 0 },
	{ "has twice", JOBS, UC_FRAME_HAVE, BYTES("\3\0"), TWICE },
	{ "sums of nothing", JOBS, UC_FRAME_SIGS, BYTES("\x4d\x80\x10\x80\x10\1" "0123456789"), 0 },
	{ "sums of small blocks", JOBS, UC_FRAME_SIGS, BYTES("\3\x10\x10\1" "0123456789"), 0 },
	{ "sums of no block", JOBS, UC_FRAME_SIGS, BYTES("\3\0\x80\x10\0"), 0 },
	{ "sums of more blocks", JOBS, UC_FRAME_SIGS, BYTES("\3\x80\x10\x80\x10\2" "0123456789"), 0 },
	{ "sums of a million blocks and one", JOBS, UC_FRAME_SIGS, BYTES("\3\x80\x90\x80\x80\x08\x80\x10\x81\x80\x40"), 0 },
	{ "sums with more", JOBS, UC_FRAME_SIGS, BYTES("\3\x80\x10\x80\x10\1" "0123456789" "0123456789"), 0 },
	{ "half a sum", JOBS, UC_FRAME_SIGS, BYTES("\3\x80\x10\x80\x10\1" "01234"), 0 },
	{ "a fault", JOBS, UC_FRAME_FAULT, BYTES("\1\1x\0"), SAYS },
	{ "finished too early", JOBS, UC_FRAME_FINISHED, BYTES("\0\0\0\0\0"), 0 },
	{ "a list nobody asked for", JOBS, UC_FRAME_ENTRIES, BYTES(FILE_("\1", "a")), 0 },
	{ "the end of no list", JOBS, UC_FRAME_LIST_END, BYTES("\0\0\1" "0123456789abcdef"), 0 },
	{ "a note of no list", JOBS, UC_FRAME_NOTE, BYTES("\0\0\1x"), 0 },
	{ "an answer to nothing", JOBS, UC_FRAME_ANSWER, BYTES("\1{}"), 0 },
	{ "silence", JOBS, 0, BYTES(""), HANG },
	{ "the end", JOBS, 0, BYTES(""), CUT },
};
// clang-format on

static const char so_far[] = FOLDER("\1", "d") FILE_("\1", "f");

static void add_frame(struct uc_buf *script, const struct lie *lie, const void *bytes,
		      size_t len)
{
	unsigned char header[UC_FRAME_HEADER] = { 0 };
	uint32_t sum = XXH32(bytes, len, 0);

	for (int i = 0; i < 4; i++) {
		header[i] = (unsigned char)(len >> 8 * i);
		header[8 + i] = (unsigned char)(sum >> 8 * i);
	}
	header[4] = (unsigned char)lie->type;
	header[5] = lie->flags & AS_ZSTD ? 1 : 0;
	uc_buf_addn(script, header, sizeof(header));
	uc_buf_addn(script, bytes, len);
}

static void add_plain(struct uc_buf *script, enum uc_frame_type type, const void *bytes,
		      size_t len)
{
	const struct lie lie = { .type = type };

	add_frame(script, &lie, bytes, len);
}

/* "HASH" stands for the sum of what was listed. */
static void add_lie(struct uc_buf *script, const struct lie *lie)
{
	uc_auto(buf) struct uc_buf payload = { 0 };
	const char *hash = memmem(lie->bytes, lie->len, "HASH", 4);
	XXH128_canonical_t sum;

	if (lie->type == 0) {
		uc_buf_addn(script, lie->bytes, lie->len);
		return;
	}
	uc_buf_addn(&payload, lie->bytes, hash ? (size_t)(hash - lie->bytes) : lie->len);
	if (hash) {
		XXH128_canonicalFromHash(&sum, XXH3_128bits(so_far, sizeof(so_far) - 1));
		uc_buf_addn(&payload, sum.digest, sizeof(sum.digest));
		uc_buf_addn(&payload, hash + 4,
			    lie->len - (size_t)(hash + 4 - lie->bytes));
	}
	for (int i = 0; i < (lie->flags & TWICE ? 2 : 1); i++)
		add_frame(script, lie, payload.data, payload.len);
}

static void add_stages(struct uc_buf *script, enum stage stage)
{
	static const char hello[] = "{\"version\":1,\"build\":\"9\"}";

	if (stage >= GREETED)
		uc_buf_addn(script, "usync\0\1\0\0\0\0\0\0\0\0\0", UC_PREAMBLE);
	if (stage >= HELLO)
		add_plain(script, UC_FRAME_HELLO, hello, sizeof(hello) - 1);
	if (stage >= OPENED)
		add_plain(script, UC_FRAME_OPENED, BYTES("\2/x\0\0\0\0"));
	if (stage == LISTED)
		add_plain(script, UC_FRAME_ENTRIES, so_far, sizeof(so_far) - 1);
}

struct victim {
	struct peer *peer;
	int evil; /* the liar's end */
	bool drip;
	size_t entries;
	struct uc_far_job job[4];
	struct uc_sync_entry get[2], put[2], there;
};

static bool drip(void *arg)
{
	struct victim *v = ((struct peer *)arg)->last.arg;

	if (v->drip) /* a byte at a time of a frame that never is whole */
		assert_int_equal(send(v->evil, "\1", 1, MSG_NOSIGNAL), 1);
	return false;
}

static int told(void *arg, const struct uc_sync_entry *entry, uint64_t sum,
		struct uc_error *err)
{
	struct victim *v = arg;

	(void)sum, (void)err;
	v->entries++;
	assert_true(uc_message_path_ok(entry->path));
	return 0;
}

static int run_list(struct victim *v, struct uc_error *err)
{
	const struct uc_far_list_options list = { .entry = told, .arg = v };
	struct uc_far *end = v->peer->end;
	struct uc_far_listed listed = { .complete = true };
	int status = end->ops->list_ask(end, &list, err);

	if (status == 0) {
		status = end->ops->list_run(end, &listed, err);
		assert_false(listed.complete);
	}
	return status;
}

static int run_call(struct victim *v, struct uc_error *err)
{
	json_t *answer = NULL, *arguments = json_object();
	int status =
		v->peer->end->ops->call(v->peer->end, "space", arguments, &answer, err);

	json_decref(arguments);
	assert_null(answer);
	return status;
}

static void job_ended(void *arg, struct uc_far_job *job)
{
	struct peer *peer = arg;

	peer->done++;
	assert_int_not_equal(job->outcome, UC_FAR_DONE);
	for (const char *at = job->text; *at; at++)
		assert_false(iscntrl((unsigned char)*at));
}

static int run_jobs(struct victim *v, unsigned flags, struct uc_error *err)
{
	struct uc_far *end = v->peer->end;
	int status = 0;

	v->get[0] = (struct uc_sync_entry){ .path = "g", .size = 5, .mode = 0644 };
	v->get[1] = (struct uc_sync_entry){ .path = "G", .size = 200000, .mode = 0644 };
	v->put[0] = peer_look(v->peer->near, "p");
	v->put[1] = peer_look(v->peer->near, "P");
	v->there = v->put[1];
	for (int i = 0; i < 4; i++) {
		v->job[i] = (struct uc_far_job){ .what = i < 2 ? UC_FAR_GET : UC_FAR_PUT,
						 .entry = i < 2 ? &v->get[i]
								: &v->put[i - 2] };
		if (i == 3)
			v->job[i].expect = &v->there;
		assert_int_equal(end->ops->submit(end, &v->job[i], err), 0);
	}
	while (status == 0 && !(flags & JOB && v->peer->done == 1))
		status = end->ops->step(end, 100, err);
	if (!(flags & JOB))
		assert_int_equal(v->peer->done, 4);
	return flags & JOB ? -1 : status;
}

static void expect_untouched(const struct peer *peer)
{
	uc_auto(sync_list) struct uc_sync_list back = { 0 };
	char text[32] = "";
	int fd = openat(peer->back, "../sentinel", O_RDONLY | O_CLOEXEC);

	assert_int_equal(read(fd, text, sizeof(text)), 9);
	assert_string_equal(text, "untouched");
	close(fd);
	peer_walk(peer->back, &back);
	assert_int_equal(back.count, 0);
}

static void run_lie(struct victim *v, const struct lie *lie)
{
	struct uc_far_options options = peer_options(v->peer);
	uc_auto(buf) struct uc_buf script = { 0 };
	struct uc_error err = { 0 };
	int64_t from = uc_monotonic_ms();
	int pair[2], status;

	print_message("%s\n", lie->name);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	v->peer->stream = (struct uc_stream){ .in = pair[0], .out = pair[0] };
	v->evil = pair[1];
	v->drip = lie->flags & DRIP;
	v->entries = v->peer->done = 0;
	v->peer->last.arg = v;
	add_stages(&script, lie->stage);
	add_lie(&script, lie);
	assert_int_equal(send(v->evil, uc_buf_text(&script), script.len, 0),
			 (ssize_t)script.len);
	if (!(lie->flags & HANG))
		shutdown(v->evil, SHUT_WR);
	options.silence_ms = lie->stage == JOBS ? 30 : 150;
	options.stop = drip;
	options.done = job_ended;
	peer_open(v->peer, &options);
	if (lie->stage == JOBS)
		status = run_jobs(v, lie->flags, &err);
	else
		status = lie->stage == CALLED ? run_call(v, &err) : run_list(v, &err);
	assert_int_equal(status, -1);
	if (!(lie->flags & JOB))
		assert_true(err.text[0]);
	for (const char *at = err.text; *at; at++)
		assert_false(iscntrl((unsigned char)*at));
	/* found out by what it says, not by its end */
	if (!(lie->flags & (JOB | HANG)))
		assert_int_equal(err.code, lie->flags & CUT    ? UC_UNREACHABLE
					   : lie->flags & SAYS ? UC_FAILED
							       : UC_INVALID);
	assert_true(uc_monotonic_ms() - from < 5000);
	(void)peer_end(v->peer);
	close(v->evil);
	expect_untouched(v->peer);
}

static void test_hostile_servers_are_found_out(void **state)
{
	struct peer *peer = *state;
	const struct uc_store_options store = { .run = "run-1", .no_sync = true };
	struct victim *v = calloc(1, sizeof(*v));

	v->peer = peer;
	peer_write(peer->near, "p", "hello", 5);
	peer_fill(peer->near, "P", 200000, 3);
	peer_write(peer->near, "../sentinel", "untouched", 9);
	assert_int_equal(uc_store_open(&peer->store, peer->back, &store, NULL), 0);
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++)
		run_lie(v, &lies[i]);
	assert_true(ARRAY_SIZE(lies) >= 100);
	free(v);
}

/* What rc files print comes before the preamble; too much of it is somebody else's. */
static void test_hostile_noise_is_bounded(void **state)
{
	struct peer *peer = *state;
	static char noise[UC_PREAMBLE_NOISE + 1];
	const size_t sizes[] = { 10, UC_PREAMBLE_NOISE, UC_PREAMBLE_NOISE + 1 };

	memset(noise, 'n', sizeof(noise));
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct uc_far_options options = peer_options(peer);
		uc_auto(buf) struct uc_buf script = { 0 };
		struct uc_error err = { 0 };
		json_t *answer = NULL, *none = json_object();
		int pair[2], status;

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair),
				 0);
		peer->stream = (struct uc_stream){ .in = pair[0], .out = pair[0] };
		uc_buf_addn(&script, noise, sizes[i]);
		add_stages(&script, OPENED);
		add_plain(&script, UC_FRAME_ANSWER, BYTES("\1{}"));
		assert_int_equal(send(pair[1], script.data, script.len, 0),
				 (ssize_t)script.len);
		peer_open(peer, &options);
		status = peer->end->ops->call(peer->end, "space", none, &answer, &err);
		assert_int_equal(status, i < 2 ? 0 : -1);
		assert_int_equal(peer->end->silent, i == 2);
		json_decref(answer);
		json_decref(none);
		(void)peer_end(peer);
		close(pair[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, peer_setup, peer_teardown)
		TEST(test_hostile_servers_are_found_out),
		TEST(test_hostile_noise_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
