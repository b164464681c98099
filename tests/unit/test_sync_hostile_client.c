/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Clients that lie to usync --serve: it ends, or refuses, and writes nowhere else. */
#include "sync_peer.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <ucluster/units.h>
#include <unistd.h>
#include <xxhash.h>

#include "sync/message.h"

#define BYTES(text) text, sizeof(text) - 1
/* A job: what, id 7, flags, an entry with mode 0644 and a size. */
#define PUT(len, name)    "\0\7\x08\0" len name "\0\xa4\x03\0\2hi" SHA
#define FOLDER(len, name) "\2\7\0\0" len name "\1\xed\x03\0"
#define SHA               "01234567890123456789012345678901"
/* The right one, of "hi". */
#define SHA_HI                                                                           \
	"\x8f\x43\x43\x46\x64\x8f\x6b\x96\xdf\x89\xdd\xa9\x01\xc5\x17\x6b"               \
	"\x10\xa6\xd8\x39\x61\xdd\x3c\x1a\xc8\x8b\x59\xb2\xdc\x32\x7a\xa4"
#define PUT_HI(len, name) "\0\7\x08\0" len name "\0\xa4\x03\0\2hi" SHA_HI

enum stage {
	NOTHING,
	GREETED,
	HELLO,
	OPENED,
	READS, /* opened to read only */
};

enum end {
	FAULT,   /* it says what is wrong and ends with a failure */
	REFUSED, /* it says that a job was not done */
	PACKED,  /* as FAULT; the payload is said to be packed */
	QUIET,   /* it ends, and nothing was done */
};

struct lie {
	const char *name;
	enum stage stage;
	enum uc_frame_type type; /* 0: raw bytes */
	const char *bytes;
	size_t len;
	enum end end;
};

// clang-format off
static const struct lie lies[] = {
	{ "nothing", NOTHING, 0, BYTES(""), QUIET },
	{ "a shell's words", NOTHING, 0, BYTES("GET / HTTP/1.0\r\n\r\n"), FAULT },
	{ "noise before the preamble", NOTHING, 0, BYTES("\nusync\0\1\0\0\0\0\0\0\0\0\0"), FAULT },
	{ "version 2", NOTHING, 0, BYTES("usync\0\2\0\0\0\0\0\0\0\0\0"), FAULT },
	{ "half a preamble", NOTHING, 0, BYTES("usync"), QUIET },
	{ "type 0", GREETED, 0, BYTES("\0\0\0\0" "\0\0\0\0" "\5\x5d\xcc\2"), FAULT },
	{ "unknown type", GREETED, 0, BYTES("\0\0\0\0" "\x70\0\0\0" "\5\x5d\xcc\2"), FAULT },
	{ "4 GiB", GREETED, 0, BYTES("\xff\xff\xff\xff" "\1\0\0\0" "\0\0\0\0"), FAULT },
	{ "wrong checksum", GREETED, 0, BYTES("\1\0\0\0" "\1\0\0\0" "\1\2\3\4{"), FAULT },
	{ "cut", GREETED, 0, BYTES("\xff\0\0\0" "\1\0\0\0" "\1\2\3\4{"), QUIET },
	{ "packed of a terabyte", GREETED, UC_FRAME_HELLO, BYTES("\x28\xb5\x2f\xfd\xe0\0\0\0\0\0\1\0\0\x01\0\0"), PACKED },
	{ "packed with a lie", GREETED, UC_FRAME_HELLO, BYTES("\x28\xb5\x2f\xfd\x20\x05\x83\xff\x07""a"), PACKED },
	{ "hello is no JSON", GREETED, UC_FRAME_HELLO, BYTES("x"), FAULT },
	{ "open before hello", GREETED, UC_FRAME_OPEN, BYTES("\0\3far\1r\0"), FAULT },
	{ "hello twice", HELLO, UC_FRAME_HELLO, BYTES("{\"version\":1,\"build\":\"1\"}"), FAULT },
	{ "list before open", HELLO, UC_FRAME_LIST, BYTES("\0\0\0"), FAULT },
	{ "jobs before open", HELLO, UC_FRAME_JOBS, BYTES(PUT("\1", "x")), FAULT },
	{ "data before open", HELLO, UC_FRAME_PUT_DATA, BYTES("\7x"), FAULT },
	{ "have before open", HELLO, UC_FRAME_HAVE, BYTES("\7\0"), FAULT },
	{ "finish before open", HELLO, UC_FRAME_FINISH, BYTES(""), FAULT },
	{ "call before open", HELLO, UC_FRAME_CALL, BYTES("\5space{}"), FAULT },
	{ "an unknown flag", HELLO, UC_FRAME_OPEN, BYTES("\x40\3far\1r\0"), FAULT },
	{ "a run with a slash", HELLO, UC_FRAME_OPEN, BYTES("\0\3far\4../x\0"), FAULT },
	{ "a run with dots", HELLO, UC_FRAME_OPEN, BYTES("\0\3far\2..\0"), FAULT },
	{ "a run without a name", HELLO, UC_FRAME_OPEN, BYTES("\0\3far\0\0"), FAULT },
	{ "a long run", HELLO, UC_FRAME_OPEN, BYTES("\0\3far\x41" "11111111111111111111111111111111111111111111111111111111111111111" "\0"), FAULT },
	{ "level 99", HELLO, UC_FRAME_OPEN, BYTES("\0\3far\1r\xc6\1"), FAULT },
	{ "a NUL in the folder", HELLO, UC_FRAME_OPEN, BYTES("\0\3f\0r\1r\0"), FAULT },
	{ "another's home", HELLO, UC_FRAME_OPEN, BYTES("\0\5~root\1r\0"), FAULT },
	{ "a file as the folder", HELLO, UC_FRAME_OPEN, BYTES("\1\x08sentinel\1r\0"), FAULT },
	{ "no such folder", HELLO, UC_FRAME_OPEN, BYTES("\0\4none\1r\0"), FAULT },
	{ "open with more", HELLO, UC_FRAME_OPEN, BYTES("\0\3far\1r\0\0"), FAULT },
	{ "open twice", OPENED, UC_FRAME_OPEN, BYTES("\0\3far\1r\0"), FAULT },
	{ "list with unknown flags", OPENED, UC_FRAME_LIST, BYTES("\x20\0\0"), FAULT },
	{ "list that is cut", OPENED, UC_FRAME_LIST, BYTES("\0\5x"), FAULT },
	{ "list with endless rules", OPENED, UC_FRAME_LIST, BYTES("\0\x80\x80\x80\x08x"), FAULT },
	/* what only a server says */
	{ "opened", OPENED, UC_FRAME_OPENED, BYTES("\2/x\0\0\0\0"), FAULT },
	{ "entries", OPENED, UC_FRAME_ENTRIES, BYTES("\0\1a\0\0\0\0"), FAULT },
	{ "list end", OPENED, UC_FRAME_LIST_END, BYTES("\0"), FAULT },
	{ "files", OPENED, UC_FRAME_FILES, BYTES("\7\0" SHA), FAULT },
	{ "get begins", OPENED, UC_FRAME_GET_BEGIN, BYTES("\7"), FAULT },
	{ "outcomes", OPENED, UC_FRAME_OUTCOMES, BYTES("\7\0\0\0\0"), FAULT },
	{ "finished", OPENED, UC_FRAME_FINISHED, BYTES("\7\0\0\0\0"), FAULT },
	{ "answer", OPENED, UC_FRAME_ANSWER, BYTES("\1{}"), FAULT },
	{ "fault", OPENED, UC_FRAME_FAULT, BYTES("\1\1x\0"), FAULT },
	{ "beat with a payload", OPENED, UC_FRAME_BEAT, BYTES("x"), FAULT },
	{ "flush with a payload", OPENED, UC_FRAME_FLUSH, BYTES("x"), FAULT },
	{ "finish with a payload", OPENED, UC_FRAME_FINISH, BYTES("x"), FAULT },
	/* paths */
	{ "above", OPENED, UC_FRAME_JOBS, BYTES(PUT_HI("\x0b", "../sentinel")), REFUSED },
	{ "above, later", OPENED, UC_FRAME_JOBS, BYTES(PUT_HI("\x0d", "x/../sentinel")), REFUSED },
	{ "absolute", OPENED, UC_FRAME_JOBS, BYTES(PUT_HI("\x0b", "/tmp/uc-x-x")), REFUSED },
	{ "dot", OPENED, UC_FRAME_JOBS, BYTES(PUT_HI("\1", ".")), REFUSED },
	{ "dots", OPENED, UC_FRAME_JOBS, BYTES(FOLDER("\2", "..")), REFUSED },
	{ "empty", OPENED, UC_FRAME_JOBS, BYTES(PUT_HI("\0", "")), REFUSED },
	{ "a slash at the end", OPENED, UC_FRAME_JOBS, BYTES(FOLDER("\2", "x/")), REFUSED },
	{ "two slashes", OPENED, UC_FRAME_JOBS, BYTES(FOLDER("\4", "d//x")), REFUSED },
	{ "the trash", OPENED, UC_FRAME_JOBS, BYTES(FOLDER("\x0f", ".ucluster-trash")), REFUSED },
	{ "into the trash", OPENED, UC_FRAME_JOBS, BYTES(PUT_HI("\x11", ".ucluster-trash/x")), REFUSED },
	{ "into snapshots", OPENED, UC_FRAME_JOBS, BYTES(PUT_HI("\x15", ".ucluster-snapshots/x")), REFUSED },
	{ "through a link", OPENED, UC_FRAME_JOBS, BYTES(PUT_HI("\x0d", "link/sentinel")), REFUSED },
	{ "through a link, new", OPENED, UC_FRAME_JOBS, BYTES(PUT_HI("\6", "link/x")), REFUSED },
	{ "a folder through a link", OPENED, UC_FRAME_JOBS, BYTES(FOLDER("\6", "link/x")), REFUSED },
	{ "over a link", OPENED, UC_FRAME_JOBS, BYTES(PUT_HI("\4", "link")), REFUSED },
	{ "to be kept, and nothing expected", OPENED, UC_FRAME_JOBS, BYTES("\2\7\x10\0\1x\1\xed\x03\0"), FAULT },
	{ "an unknown flag", OPENED, UC_FRAME_JOBS, BYTES("\2\7\x20\0\1x\1\xed\x03\0"), FAULT },
	{ "a NUL in a path", OPENED, UC_FRAME_JOBS, BYTES(PUT_HI("\3", "x\0y")), FAULT },
	{ "over what is there", OPENED, UC_FRAME_JOBS, BYTES(PUT_HI("\4", "kept")), REFUSED },
	{ "in a folder that is not there", OPENED, UC_FRAME_JOBS, BYTES(PUT_HI("\3", "n/x")), REFUSED },
	{ "wrong sum", OPENED, UC_FRAME_JOBS, BYTES(PUT("\1", "x")), REFUSED },
	/* jobs */
	{ "no such thing to do", OPENED, UC_FRAME_JOBS, BYTES("\x09\7\0\0\1x\0\xa4\x03\0\2"), FAULT },
	{ "a put without content", OPENED, UC_FRAME_JOBS, BYTES("\0\7\0\0\1x\0\xa4\x03\0\2"), FAULT },
	{ "a put that is cut", OPENED, UC_FRAME_JOBS, BYTES("\0\7\x08\0\1x\0\xa4\x03\0\2h"), FAULT },
	{ "a put of 1 TiB", OPENED, UC_FRAME_JOBS, BYTES("\0\7\x08\0\1x\0\xa4\x03\0\x80\x80\x80\x80\x80\x20hi"), FAULT },
	{ "an unknown flag of a job", OPENED, UC_FRAME_JOBS, BYTES("\2\7\x40\0\1x\1\xed\x03\0"), FAULT },
	{ "a folder with content", OPENED, UC_FRAME_JOBS, BYTES("\2\7\x08\0\1x\1\xed\x03\0" SHA), FAULT },
	{ "a file as a folder", OPENED, UC_FRAME_JOBS, BYTES("\2\7\0\0\1x\0\xa4\x03\0\2"), REFUSED },
	{ "a folder as a file", OPENED, UC_FRAME_JOBS, BYTES("\0\7\x08\0\1x\1\xed\x03\0" SHA), REFUSED },
	{ "a link to nothing", OPENED, UC_FRAME_JOBS, BYTES("\3\7\0\0\1x\2\xff\x03\0\0"), REFUSED },
	{ "a link with a NUL", OPENED, UC_FRAME_JOBS, BYTES("\3\7\0\0\1x\2\xff\x03\0\3a\0b"), FAULT },
	{ "a twin from above", OPENED, UC_FRAME_JOBS, BYTES("\4\7\0\0\1x\0\xa4\x03\0\x09\x0b../sentinel"), REFUSED },
	{ "a twin through a link", OPENED, UC_FRAME_JOBS, BYTES("\4\7\0\0\1x\0\xa4\x03\0\x09\x0dlink/sentinel"), REFUSED },
	{ "a twin of nothing", OPENED, UC_FRAME_JOBS, BYTES("\4\7\0\0\1x\0\xa4\x03\0\x09\4none"), REFUSED },
	{ "meta without what is there", OPENED, UC_FRAME_JOBS, BYTES("\5\7\0\0\4kept\0\xa4\x03\0\4"), REFUSED },
	{ "meta above", OPENED, UC_FRAME_JOBS, BYTES("\5\7\1\0\x0b../sentinel\0\xff\x03\0\x09\0\xff\x03\0\x09"), REFUSED },
	{ "removes without what is there", OPENED, UC_FRAME_JOBS, BYTES("\6\7\0\0\4kept\0\xa4\x03\0\4"), REFUSED },
	{ "removes something else", OPENED, UC_FRAME_JOBS, BYTES("\6\7\1\0\4kept\0\xa4\x03\0\4\0\xa4\x03\0\4"), REFUSED },
	{ "removes above", OPENED, UC_FRAME_JOBS, BYTES("\6\7\1\0\x0b../sentinel\0\xa4\x03\0\x09\0\xa4\x03\0\x09"), REFUSED },
	{ "removes a folder that is not empty", OPENED, UC_FRAME_JOBS, BYTES("\6\7\1\0\1d\1\xed\x03\0\1\xed\x03\0"), REFUSED },
	{ "gets above", OPENED, UC_FRAME_JOBS, BYTES("\1\7\0\0\x0b../sentinel\0\xa4\x03\0\x09"), REFUSED },
	{ "gets through a link", OPENED, UC_FRAME_JOBS, BYTES("\1\7\0\0\x0dlink/sentinel\0\xa4\x03\0\x09"), REFUSED },
	{ "gets a folder", OPENED, UC_FRAME_JOBS, BYTES("\1\7\0\0\1d\1\xed\x03\0"), REFUSED },
	{ "gets nothing large", OPENED, UC_FRAME_JOBS, BYTES("\1\7\4\0\4none\0\xa4\x03\0\x80\x80\x80\1"), REFUSED },
	/* large files */
	{ "begins above", OPENED, UC_FRAME_PUT_BEGIN, BYTES("\0\7\0\0\x0b../sentinel\0\xa4\x03\0\x80\x80\x80\1"), FAULT },
	{ "begins through a link", OPENED, UC_FRAME_PUT_BEGIN, BYTES("\0\7\0\0\6link/x\0\xa4\x03\0\x80\x80\x80\1"), REFUSED },
	{ "begins with a folder", OPENED, UC_FRAME_PUT_BEGIN, BYTES(FOLDER("\1", "x")), FAULT },
	{ "begins with more", OPENED, UC_FRAME_PUT_BEGIN, BYTES("\0\7\0\0\1x\0\xa4\x03\0\x80\x80\x80\1\0"), FAULT },
	{ "begins with content", OPENED, UC_FRAME_PUT_BEGIN, BYTES(PUT("\1", "x")), FAULT },
	{ "data of nothing", OPENED, UC_FRAME_PUT_DATA, BYTES("\7hello"), FAULT },
	{ "copies of nothing", OPENED, UC_FRAME_PUT_COPY, BYTES("\7\0\1"), FAULT },
	{ "ends nothing", OPENED, UC_FRAME_PUT_END, BYTES("\7" SHA), FAULT },
	{ "drops nothing", OPENED, UC_FRAME_PUT_DROP, BYTES("\7"), FAULT },
	{ "starts nothing", OPENED, UC_FRAME_PUT_START, BYTES("\7\0"), FAULT },
	{ "half a have", OPENED, UC_FRAME_HAVE, BYTES("\7\1"), FAULT },
	{ "sums without an id", OPENED, UC_FRAME_SIGS, BYTES(""), FAULT },
	{ "stop without an id", OPENED, UC_FRAME_STOP, BYTES(""), FAULT },
	{ "stop with more", OPENED, UC_FRAME_STOP, BYTES("\7\7"), FAULT },
	/* only reading */
	{ "writes what is only read", READS, UC_FRAME_JOBS, BYTES(PUT_HI("\1", "x")), REFUSED },
	{ "makes a folder where is only read", READS, UC_FRAME_JOBS, BYTES(FOLDER("\1", "x")), REFUSED },
	{ "removes where is only read", READS, UC_FRAME_JOBS, BYTES("\6\7\1\0\4kept\0\xa4\x03\0\4\0\xa4\x03\0\4"), REFUSED },
	{ "begins where is only read", READS, UC_FRAME_PUT_BEGIN, BYTES("\0\7\0\0\1x\0\xa4\x03\0\x80\x80\x80\1"), FAULT },
	{ "data where is only read", READS, UC_FRAME_PUT_DATA, BYTES("\7hello"), FAULT },
	{ "a snapshot where is only read", READS, UC_FRAME_CALL, BYTES("\x08snapshot{}"), FAULT },
	{ "empties the trash where is only read", READS, UC_FRAME_CALL, BYTES("\x0btrash-empty{}"), FAULT },
	/* questions */
	{ "a call without JSON", OPENED, UC_FRAME_CALL, BYTES("\5space"), FAULT },
	{ "a call with a list", OPENED, UC_FRAME_CALL, BYTES("\5space[]"), FAULT },
	{ "a call with a long verb", OPENED, UC_FRAME_CALL, BYTES("\x7fspace{}"), FAULT },
	{ "an unknown verb", OPENED, UC_FRAME_CALL, BYTES("\4exec{\"a\":1}"), FAULT },
	{ "names above", OPENED, UC_FRAME_CALL, BYTES("\5names{\"folder\":\"..\"}"), FAULT },
	{ "names through a link", OPENED, UC_FRAME_CALL, BYTES("\5names{\"folder\":\"link\"}"), FAULT },
	{ "names with a number", OPENED, UC_FRAME_CALL, BYTES("\5names{\"folder\":1}"), FAULT },
	{ "restores a run above", OPENED, UC_FRAME_CALL, BYTES("\x0dtrash-restore{\"run\":\"../..\"}"), FAULT },
	{ "shows a snapshot above", OPENED, UC_FRAME_CALL, BYTES("\x0dsnapshot-show{\"id\":\"../..\"}"), FAULT },
	{ "restores a snapshot above", OPENED, UC_FRAME_CALL, BYTES("\x10snapshot-restore{\"id\":\"../../near\"}"), FAULT },
};
// clang-format on

static void add_frame(struct uc_buf *script, enum uc_frame_type type, const void *bytes,
		      size_t len, bool as_zstd)
{
	unsigned char header[UC_FRAME_HEADER] = { 0 };
	uint32_t sum = XXH32(bytes, len, 0);

	for (int i = 0; i < 4; i++) {
		header[i] = (unsigned char)(len >> 8 * i);
		header[8 + i] = (unsigned char)(sum >> 8 * i);
	}
	header[4] = (unsigned char)type;
	header[5] = as_zstd;
	uc_buf_addn(script, header, sizeof(header));
	uc_buf_addn(script, bytes, len);
}

static void make_script(struct uc_buf *script, const struct lie *lie)
{
	static const char hello[] = "{\"version\":1,\"build\":\"9\"}";

	if (lie->stage >= GREETED)
		uc_buf_addn(script, "usync\0\1\0\0\0\0\0\0\0\0\0", UC_PREAMBLE);
	if (lie->stage >= HELLO)
		add_frame(script, UC_FRAME_HELLO, hello, sizeof(hello) - 1, false);
	if (lie->stage == OPENED)
		add_frame(script, UC_FRAME_OPEN, BYTES("\4\3far\1r\0"), false);
	if (lie->stage == READS)
		add_frame(script, UC_FRAME_OPEN, BYTES("\6\3far\1r\0"), false);
	if (lie->type)
		add_frame(script, lie->type, lie->bytes, lie->len, lie->end == PACKED);
	else
		uc_buf_addn(script, lie->bytes, lie->len);
}

/* What the server said until its end. */
struct said {
	bool fault, done, undone;
};

static void hear(struct peer *peer, struct said *said)
{
	uc_auto(talk) struct uc_talk talk = { .in = -1, .out = -1 };
	int64_t deadline = uc_monotonic_ms() + 10000;
	struct uc_frame frame;
	int status;

	assert_int_equal(uc_talk_open(&talk, peer->stream.in, peer->stream.in, NULL), 0);
	while (!talk.eof && uc_monotonic_ms() < deadline)
		assert_true(uc_talk_pump(&talk, 100, NULL) >= 0);
	assert_true(talk.eof);
	assert_int_equal(uc_talk_greeted(&talk, 0, NULL), 1);
	while ((status = uc_talk_next(&talk, &frame, NULL)) > 0) {
		struct uc_reader r = uc_reader(&frame);

		said->fault |= frame.type == UC_FRAME_FAULT;
		while (frame.type == UC_FRAME_OUTCOMES && r.at < r.end) {
			struct uc_message_outcome outcome;

			uc_read_outcome(&r, &outcome);
			assert_false(r.bad);
			assert_int_equal(outcome.id, 7);
			said->done |= outcome.outcome == UC_FAR_DONE;
			said->undone |= outcome.outcome != UC_FAR_DONE;
		}
	}
	assert_int_equal(status, 0);
}

static void expect_untouched(const struct peer *peer, const struct uc_sync_list *before)
{
	uc_auto(sync_list) struct uc_sync_list now = { 0 };

	peer_walk(peer->near, &now);
	assert_int_equal(now.count, before->count);
	for (size_t i = 0; i < now.count; i++) {
		const struct uc_sync_entry *a = uc_sync_list_at(&now, i);
		const struct uc_sync_entry *b = uc_sync_list_at(before, i);

		assert_string_equal(a->path, b->path);
		assert_int_equal(a->size, b->size);
		assert_int_equal(a->mode, b->mode);
		assert_int_equal(a->mtime, b->mtime);
	}
}

static void run_lie(struct peer *peer, const struct lie *lie)
{
	uc_auto(buf) struct uc_buf script = { 0 };
	struct said said = { false, false, false };
	int status;

	print_message("%s\n", lie->name);
	make_script(&script, lie);
	peer_start(peer);
	assert_int_equal(
		send(peer->stream.in, uc_buf_text(&script), script.len, MSG_NOSIGNAL),
		(ssize_t)script.len);
	shutdown(peer->stream.in, SHUT_WR);
	hear(peer, &said);
	status = peer_end(peer);
	assert_false(said.done);
	assert_int_equal(said.fault, lie->end == FAULT || lie->end == PACKED);
	assert_int_equal(said.undone, lie->end == REFUSED);
	/* a question that is refused ends nothing */
	if (lie->type != UC_FRAME_CALL)
		assert_int_equal(status != 0, lie->end == FAULT || lie->end == PACKED);
	else
		assert_true(status == 0 || status == 10 + UC_INVALID);
}

static void make_trees(struct peer *peer)
{
	assert_int_equal(mkdirat(peer->far, "d", 0755), 0);
	peer_write(peer->far, "d/x", "x", 1);
	peer_write(peer->far, "kept", "kept", 4);
	assert_int_equal(symlinkat("../near", peer->far, "link"), 0);
	peer_write(peer->near, "sentinel", "untouched", 9);
	peer_write(peer->near, "../sentinel", "untouched", 9);
}

static void test_hostile_clients_are_refused(void **state)
{
	uc_auto(sync_list) struct uc_sync_list near = { 0 }, far = { 0 };
	struct peer *peer = *state;
	int own = peer->near;

	make_trees(peer);
	peer_walk(peer->near, &near);
	peer_walk(peer->far, &far);
	for (size_t i = 0; i < ARRAY_SIZE(lies); i++) {
		run_lie(peer, &lies[i]);
		expect_untouched(peer, &near);
		peer->near = peer->far;
		expect_untouched(peer, &far);
		peer->near = own;
	}
	assert_true(ARRAY_SIZE(lies) >= 100);
}

/* Nothing is left of a server whose client is gone. */
static void test_hostile_client_is_killed(void **state)
{
	static const struct lie list = { "", OPENED, UC_FRAME_LIST, BYTES("\0\0\0"),
					 QUIET };
	struct peer *peer = *state;
	uc_auto(buf) struct uc_buf script = { 0 };
	char path[64];

	for (int i = 0; i < 3000; i++) {
		snprintf(path, sizeof(path), "%d-a-name-that-takes-some-room", i * 7919);
		peer_write(peer->far, path, "", 0);
	}
	make_script(&script, &list);
	peer_start(peer);
	assert_int_equal(send(peer->stream.in, script.data, script.len, 0),
			 (ssize_t)script.len);
	assert_int_equal(poll(&(struct pollfd){ .fd = peer->stream.in, .events = POLLIN },
			      1, 10000),
			 1);
	assert_true(peer_end(peer) < 128);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, peer_setup, peer_teardown)
		TEST(test_hostile_clients_are_refused),
		TEST(test_hostile_client_is_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
