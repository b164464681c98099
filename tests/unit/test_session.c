/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <ucluster/session.h>
#include "session/place.h"

/* --- frames --- */

static void test_a_frame_comes_back_as_it_was_put(void **state)
{
	uc_auto(buf) struct uc_buf out = { 0 };
	struct uc_session_frame frame;

	(void)state;
	uc_session_put(&out, UC_SESSION_INPUT, "a\0\nb", 4);
	uc_session_put(&out, UC_SESSION_REDRAW, NULL, 0);
	assert_int_equal(out.len, 8 + 4 + 1 + 8 + 1);
	assert_int_equal(uc_session_get(out.data, out.len, &frame, NULL), 13);
	assert_int_equal(frame.type, UC_SESSION_INPUT);
	assert_int_equal(frame.len, 4);
	assert_memory_equal(frame.data, "a\0\nb", 4);
	assert_int_equal(uc_session_get(out.data + 13, out.len - 13, &frame, NULL), 9);
	assert_int_equal(frame.type, UC_SESSION_REDRAW);
	assert_int_equal(frame.len, 0);
	/* Slurm hands on whole lines */
	assert_int_equal(out.data[12], '\n');
	assert_int_equal(out.data[out.len - 1], '\n');
}

static void test_a_part_of_a_frame_waits_for_the_rest(void **state)
{
	uc_auto(buf) struct uc_buf out = { 0 };
	struct uc_session_frame frame;

	(void)state;
	uc_session_put(&out, UC_SESSION_OUTPUT, "0123456789", 10);
	for (size_t len = 0; len < out.len; len++)
		assert_int_equal(uc_session_get(out.data, len, &frame, NULL), 0);
	assert_int_equal(uc_session_get(out.data, out.len, &frame, NULL), out.len);
}

static void test_what_is_no_frame_is_refused_at_once(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
		{ "s", 1 },
		{ "srun: error: no such job\n", 24 },
		{ "\x55\x03\x01\0\0\0\0\0\n", 9 }, /* a reserved byte */
		{ "\x55\x03\0\0\x01\0\x01\0", 8 }, /* 65537 bytes */
		{ "\x55\x03\0\0\xff\xff\xff\xff", 8 },
		{ "\x55\x03\0\0\x01\0\0\0xx", 10 }, /* no line break after it */
	};
	struct uc_session_frame frame;
	struct uc_error err;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_equal(uc_session_get(bad[i].bytes, bad[i].len, &frame, &err),
				 -1);
		assert_int_equal(err.code, UC_INVALID);
	}
}

static void test_long_output_takes_several_frames(void **state)
{
	uc_auto(buf) struct uc_buf out = { 0 };
	const size_t len = 2 * UC_SESSION_MAX + 5;
	char *bytes = malloc(len);
	struct uc_session_frame frame;
	size_t at = 0, count = 0, sum = 0;

	(void)state;
	memset(bytes, 'x', len);
	uc_session_put_all(&out, UC_SESSION_OUTPUT, bytes, len);
	free(bytes);
	for (; at < out.len; count++, sum += frame.len) {
		long used = uc_session_get(out.data + at, out.len - at, &frame, NULL);

		assert_true(used > 0);
		at += (size_t)used;
	}
	assert_int_equal(count, 3);
	assert_int_equal(sum, len);
}

static void test_payloads_come_back(void **state)
{
	const struct uc_session_attach attach = {
		.version = 7, .size = { 132, 43 }, .read_only = true, .history = 123456
	};
	const struct uc_session_exit over = { .status = 7 << 8, .end = UC_SESSION_IDLE };
	const struct uc_session_size size = { 0, 65535 };
	uc_auto(buf) struct uc_buf out = { 0 };
	struct uc_session_frame frame;
	struct uc_session_attach attach2;
	struct uc_session_exit over2;
	struct uc_session_size size2;
	size_t at;

	(void)state;
	uc_session_put_attach(&out, &attach);
	at = (size_t)uc_session_get(out.data, out.len, &frame, NULL);
	assert_int_equal(uc_session_read_attach(&frame, &attach2, NULL), 0);
	assert_int_equal(attach2.version, 7);
	assert_int_equal(attach2.size.columns, 132);
	assert_int_equal(attach2.size.rows, 43);
	assert_true(attach2.read_only);
	assert_int_equal(attach2.history, 123456);
	uc_session_put_exit(&out, &over);
	at += (size_t)uc_session_get(out.data + at, out.len - at, &frame, NULL);
	assert_int_equal(uc_session_read_exit(&frame, &over2, NULL), 0);
	assert_int_equal(over2.status, 7 << 8);
	assert_int_equal(over2.end, UC_SESSION_IDLE);
	uc_session_put_size(&out, UC_SESSION_RESIZE, &size);
	assert_true(uc_session_get(out.data + at, out.len - at, &frame, NULL) > 0);
	assert_int_equal(uc_session_read_size(&frame, &size2, NULL), 0);
	assert_int_equal(size2.columns, 1);
	assert_int_equal(size2.rows, UC_SESSION_SIDE);
	frame.len = 3;
	assert_int_equal(uc_session_read_size(&frame, &size2, NULL), -1);
	assert_int_equal(uc_session_read_exit(&frame, &over2, NULL), -1);
	assert_int_equal(uc_session_read_attach(&frame, &attach2, NULL), -1);
}

/* --- modes --- */

static void expect_modes(const char *output, const char *set, const char *undo)
{
	uc_auto(buf) struct uc_buf a = { 0 }, b = { 0 };
	struct uc_modes whole = { 0 }, bytewise = { 0 };

	uc_modes_feed(&whole, output, strlen(output));
	for (const char *c = output; *c; c++)
		uc_modes_feed(&bytewise, c, 1);
	assert_memory_equal(&whole, &bytewise, offsetof(struct uc_modes, hold));
	uc_modes_set(&whole, &a);
	uc_modes_undo(&whole, &b);
	assert_string_equal(uc_buf_text(&a), set);
	assert_string_equal(uc_buf_text(&b), undo);
}

static void test_modes_are_set_and_undone(void **state)
{
	(void)state;
	expect_modes("plain text\r\n", "", "\x1b[m");
	expect_modes("\x1b[?25l", "\x1b[?25l", "\x1b[m\x1b[?25h");
	expect_modes("\x1b[?25l\x1b[?25h", "", "\x1b[m");
	expect_modes("\x1b[?1;2004h", "\x1b[?1h\x1b[?2004h", "\x1b[m\x1b[?2004l\x1b[?1l");
	expect_modes("\x1b[?1000h\x1b[?1006h\x1b[?1000l", "\x1b[?1006h",
		     "\x1b[m\x1b[?1006l");
	/* the screen is drawn before, and left last */
	expect_modes("\x1b[?1049h\x1b[?1h\x1b=", "\x1b[?1h\x1b=",
		     "\x1b>\x1b[m\x1b[?1l\x1b[?1049l");
	expect_modes("\x1b[?1049h\x1b[?47l", "", "\x1b[m");
	expect_modes("\x1b[?47h\x1b[?1049l", "", "\x1b[m");
	expect_modes("\x1b[4h", "\x1b[4h", "\x1b[4l\x1b[m");
	expect_modes("\x1b(0\x0e", "\x1b(0\x0e", "\x0f\x1b(B\x1b)B\x1b[m");
	expect_modes("\x1b[5 q", "\x1b[5 q", "\x1b[0 q\x1b[m");
	expect_modes("\x1b[2;20r", "",
		     "\x1b"
		     "7\x1b[r\x1b"
		     "8\x1b[m");
	expect_modes("\x1b[2;20r\x1b[r", "", "\x1b[m");
	/* keyboards: kitty's stack, xterm's modifyOtherKeys */
	expect_modes("\x1b[>1u\x1b[>5u", "\x1b[>5u\x1b[>5u", "\x1b[<2u\x1b[m");
	expect_modes("\x1b[>1u\x1b[<u", "", "\x1b[m");
	expect_modes("\x1b[>4;2m", "\x1b[>4;2m", "\x1b[>4m\x1b[m");
	/* a frame that is not over is not begun elsewhere */
	expect_modes("\x1b[?2026h", "", "\x1b[m\x1b[?2026l");
	/* resets */
	expect_modes("\x1b[?25l\x1b[?1049h\x1b"
		     "c",
		     "", "\x1b[m");
	expect_modes("\x1b[?25l\x1b[?1049h\x1b[!p", "", "\x1b[m\x1b[?1049l");
	/* what looks like one in a string is none */
	expect_modes("\x1b]0;\x1b[?25l\x07", "", "\x1b[m");
	expect_modes("\x1bP\x07\x1b[?25l\x1b\\", "", "\x1b[m");
	/* a sequence that is cut off by another one, or cancelled */
	expect_modes("\x1b[?25\x1b[?1h", "\x1b[?1h", "\x1b[m\x1b[?1l");
	expect_modes("\x1b[?25\x18l", "", "\x1b[m");
}

static void expect_unfinished(const char *output, const char *rest)
{
	uc_auto(buf) struct uc_buf out = { 0 };
	struct uc_modes m = { 0 };

	uc_modes_feed(&m, output, strlen(output));
	uc_modes_unfinished(&m, &out);
	assert_string_equal(uc_buf_text(&out), rest);
}

static void test_a_sequence_that_is_not_over_is_known(void **state)
{
	char text[300];

	(void)state;
	expect_unfinished("abc", "");
	expect_unfinished("abc\x1b", "\x1b");
	expect_unfinished("abc\x1b[3", "\x1b[3");
	expect_unfinished("abc\x1b[31m", "");
	expect_unfinished("\x1b]0;title", "\x1b]0;title");
	expect_unfinished("\x1b]0;title\x1b", "\x1b]0;title\x1b");
	expect_unfinished("\x1b]0;title\x1b\\", "");
	expect_unfinished("\xe2\x82", "\xe2\x82");
	expect_unfinished("\xe2\x82\xac", "");
	expect_unfinished("\xe2\x82x", "");
	/* one too long to keep: its rest is not shown either */
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	memcpy(text, "\x1b]52;", 5);
	expect_unfinished(text, "\x1b]9999;");
	memset(text + 2, '1', sizeof(text) - 3);
	text[1] = '[';
	expect_unfinished(text, "\x1b[9999;");
}

/* --- keys --- */

static void expect_keys(const char *text, const char *name)
{
	uc_auto(buf) struct uc_buf out = { 0 };
	struct uc_detach keys;
	struct uc_error err;

	if (!name) {
		assert_int_equal(uc_detach_parse(&keys, text, &err), -1);
		assert_int_equal(err.code, UC_USAGE);
		return;
	}
	assert_int_equal(uc_detach_parse(&keys, text, NULL), 0);
	uc_detach_name(&keys, &out);
	assert_string_equal(uc_buf_text(&out), name);
}

static void test_keys_are_read(void **state)
{
	(void)state;
	expect_keys("ctrl-a d", "Ctrl-a d");
	expect_keys("Ctrl-A d", "Ctrl-a d");
	expect_keys("^]", "Ctrl-]");
	expect_keys("^a ^d", "Ctrl-a Ctrl-d");
	expect_keys(" ^b  d ", "Ctrl-b d");
	expect_keys("none", "");
	expect_keys("", NULL);
	expect_keys("ctrl-", NULL);
	expect_keys("ctrl-1", NULL);
	expect_keys("alt-x", NULL);
	expect_keys("a b c d e", NULL);
	expect_keys("\xc3\xa4", NULL);
}

static void expect_typed(const char *keys, const char *typed, bool detached,
			 const char *passed)
{
	uc_auto(buf) struct uc_buf out = { 0 }, again = { 0 };
	struct uc_detach d;
	bool found = false;

	assert_int_equal(uc_detach_parse(&d, keys, NULL), 0);
	assert_int_equal(uc_detach_typed(&d, typed, strlen(typed), &out), detached);
	assert_string_equal(uc_buf_text(&out), passed);
	/* key by key */
	d.at = 0;
	for (const char *c = typed; *c && !found; c++)
		found = uc_detach_typed(&d, c, 1, &again);
	assert_int_equal(found, detached);
	assert_string_equal(uc_buf_text(&again), passed);
}

static void test_what_is_typed_passes_but_for_the_keys(void **state)
{
	(void)state;
	expect_typed("ctrl-a d", "ls\r", false, "ls\r");
	expect_typed("ctrl-a d",
		     "x\x01"
		     "dy",
		     true, "x");
	expect_typed("ctrl-a d",
		     "\x01"
		     "e",
		     false,
		     "\x01"
		     "e");
	expect_typed("ctrl-a d",
		     "\x01\x01"
		     "d",
		     true, "\x01");
	expect_typed("ctrl-a d", "d\x01", false, "d");
	expect_typed("^]",
		     "ab\x1d"
		     "c",
		     true, "ab");
	expect_typed("none",
		     "\x01"
		     "d",
		     false,
		     "\x01"
		     "d");
}

static void test_a_key_that_is_held_goes_on_after_a_while(void **state)
{
	uc_auto(buf) struct uc_buf out = { 0 };
	struct uc_detach d;

	(void)state;
	assert_int_equal(uc_detach_parse(&d, "ctrl-a d", NULL), 0);
	assert_false(uc_detach_typed(&d, "\x01", 1, &out));
	assert_int_equal(out.len, 0);
	uc_detach_flush(&d, &out);
	assert_string_equal(uc_buf_text(&out), "\x01");
	assert_false(uc_detach_typed(&d, "d", 1, &out));
	assert_string_equal(uc_buf_text(&out), "\x01"
					       "d");
}

/* --- the place where a server is met --- */

struct room {
	char root[64], folder[128];
	const char *roots[2];
	struct uc_place place;
};

static void make_room(struct room *r)
{
	snprintf(r->root, sizeof(r->root), "/tmp/uc-test-XXXXXX");
	assert_non_null(mkdtemp(r->root));
	snprintf(r->folder, sizeof(r->folder), "%s/ucluster-%u", r->root, getuid());
	r->roots[0] = r->root;
	r->roots[1] = NULL;
	r->place = (struct uc_place){
		.roots = r->roots, .uid = getuid(), .job = "42", .key = "ab12"
	};
}

static void remove_room(const struct room *r)
{
	const char *const argv[] = { "rm", "-rf", "--", r->root, NULL };

	if (fork() == 0) {
		execvp(argv[0], (char *const *)argv);
		_exit(1);
	}
}

static void test_server_and_viewer_meet(void **state)
{
	uc_auto(buf) struct uc_buf path = { 0 }, again = { 0 };
	struct uc_error err;
	struct stat st;
	struct room r;
	int server, client, second;

	(void)state;
	make_room(&r);
	assert_int_equal(uc_place_connect(&r.place, &err), -1);
	assert_int_equal(err.code, UC_NOTFOUND);
	server = uc_place_listen(&r.place, &path, &err);
	assert_true(server >= 0);
	assert_int_equal(stat(uc_buf_text(&path), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(stat(r.folder, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	client = uc_place_connect(&r.place, &err);
	assert_true(client >= 0);
	assert_true(uc_place_is_peer(client, getuid()));
	assert_false(uc_place_is_peer(client, getuid() + 1));
	/* a server that was killed leaves its socket */
	close(server);
	second = uc_place_listen(&r.place, &again, &err);
	assert_true(second >= 0);
	assert_string_equal(uc_buf_text(&again), uc_buf_text(&path));
	close(second);
	close(client);
	remove_room(&r);
}

static void expect_refused(struct room *r, struct uc_place *place)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct uc_error err;
	int fd = uc_place_listen(place, &path, &err);

	/* another folder is taken, not this one */
	assert_true(fd >= 0);
	assert_string_not_equal(uc_buf_text(&path), r->folder);
	assert_null(strstr(uc_buf_text(&path) + strlen(r->folder), r->folder));
	assert_int_equal(uc_buf_text(&path)[strlen(r->folder)], '.');
	close(fd);
	fd = uc_place_connect(place, &err);
	assert_int_equal(fd, -1);
}

/* Whoever makes all names beforehand keeps nobody from a session. */
static void test_all_names_are_taken(void **state)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct uc_error err;
	struct room r;
	int server, client;

	(void)state;
	make_room(&r);
	for (int i = 0; i < 10; i++) {
		char name[160];

		snprintf(name, sizeof(name), i ? "%s.%d" : "%s", r.folder, i);
		assert_int_equal(mkdir(name, 0755), 0);
	}
	server = uc_place_listen(&r.place, &path, &err);
	assert_true(server >= 0);
	client = uc_place_connect(&r.place, &err);
	assert_true(client >= 0);
	close(client);
	close(server);
	remove_room(&r);
}

static void age(const char *path)
{
	const struct timespec old[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };

	assert_int_equal(utimensat(AT_FDCWD, path, old, AT_SYMLINK_NOFOLLOW), 0);
}

static void test_sockets_of_killed_servers_are_swept(void **state)
{
	static const char *const jobs[] = { "1", "2", "3", "4" };
	struct uc_buf path[4] = { { 0 } };
	struct uc_error err;
	struct room r;
	int server[4];

	(void)state;
	make_room(&r);
	for (size_t i = 0; i < 4; i++) {
		r.place.job = jobs[i];
		/* 1 and 2 were killed, 2 just now; 3 lives */
		server[i] = uc_place_listen(&r.place, &path[i], &err);
		assert_true(server[i] >= 0);
		if (i < 2)
			close(server[i]);
		if (i == 2)
			age(uc_buf_text(&path[0]));
		if (i == 2)
			age(uc_buf_text(&path[2]));
	}
	assert_int_equal(access(uc_buf_text(&path[0]), F_OK), -1);
	for (size_t i = 1; i < 4; i++)
		assert_int_equal(access(uc_buf_text(&path[i]), F_OK), 0);
	close(server[2]);
	close(server[3]);
	for (size_t i = 0; i < 4; i++)
		uc_buf_free(&path[i]);
	remove_room(&r);
}

/* Folders of such names, too: with what is in them, once nobody needs them. */
static void test_folders_of_killed_servers_are_swept(void **state)
{
	struct uc_buf path[3] = { { 0 } };
	struct uc_error err;
	struct room r;

	(void)state;
	make_room(&r);
	for (int i = 0; i < 4; i++) {
		char name[160];

		snprintf(name, sizeof(name), i ? "%s.%d" : "%s", r.folder, i);
		assert_int_equal(mkdir(name, 0755), 0);
	}
	for (size_t i = 0; i < 3; i++) {
		int server = uc_place_listen(&r.place, &path[i], &err);
		char *slash = strrchr(path[i].data, '/');

		assert_true(server >= 0);
		close(server);
		if (i == 0)
			age(path[i].data);
		*slash = '\0';
		/* what is in it goes in the first turn, it itself in the next */
		if (i == 1)
			age(path[0].data);
	}
	assert_int_equal(access(path[0].data, F_OK), -1);
	assert_int_equal(access(path[2].data, F_OK), 0);
	for (size_t i = 0; i < 3; i++)
		uc_buf_free(&path[i]);
	remove_room(&r);
}

static void test_folders_that_others_made_are_passed_over(void **state)
{
	struct room r;
	char other[160];

	(void)state;
	/* others may enter it */
	make_room(&r);
	assert_int_equal(mkdir(r.folder, 0700), 0);
	assert_int_equal(chmod(r.folder, 0750), 0);
	expect_refused(&r, &r.place);
	remove_room(&r);
	/* a link to a good one */
	make_room(&r);
	snprintf(other, sizeof(other), "%s/other", r.root);
	assert_int_equal(mkdir(other, 0700), 0);
	assert_int_equal(symlink(other, r.folder), 0);
	expect_refused(&r, &r.place);
	remove_room(&r);
	/* a file */
	make_room(&r);
	close(open(r.folder, O_CREAT | O_WRONLY, 0600));
	expect_refused(&r, &r.place);
	remove_room(&r);
	/* somebody else's: here the owner is who asks, so ask as another user */
	make_room(&r);
	assert_int_equal(mkdir(r.folder, 0700), 0);
	r.place.uid = getuid() + 1;
	snprintf(other, sizeof(other), "%s/ucluster-%u", r.root, r.place.uid);
	assert_int_equal(mkdir(other, 0700), 0);
	{
		uc_auto(buf) struct uc_buf path = { 0 };
		struct uc_error err;

		assert_int_equal(uc_place_listen(&r.place, &path, &err), -1);
		assert_int_equal(err.code, UC_DENIED);
		assert_int_equal(uc_place_connect(&r.place, &err), -1);
	}
	remove_room(&r);
}

static void test_names_are_plain(void **state)
{
	(void)state;
	assert_true(uc_place_is_plain("42"));
	assert_true(uc_place_is_plain("00ff"));
	assert_false(uc_place_is_plain(NULL));
	assert_false(uc_place_is_plain(""));
	assert_false(uc_place_is_plain("../x"));
	assert_false(uc_place_is_plain("4 2"));
	assert_false(uc_place_is_plain("012345678901234567890123456789012"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_frame_comes_back_as_it_was_put),
		cmocka_unit_test(test_a_part_of_a_frame_waits_for_the_rest),
		cmocka_unit_test(test_what_is_no_frame_is_refused_at_once),
		cmocka_unit_test(test_long_output_takes_several_frames),
		cmocka_unit_test(test_payloads_come_back),
		cmocka_unit_test(test_modes_are_set_and_undone),
		cmocka_unit_test(test_a_sequence_that_is_not_over_is_known),
		cmocka_unit_test(test_keys_are_read),
		cmocka_unit_test(test_what_is_typed_passes_but_for_the_keys),
		cmocka_unit_test(test_a_key_that_is_held_goes_on_after_a_while),
		cmocka_unit_test(test_server_and_viewer_meet),
		cmocka_unit_test(test_all_names_are_taken),
		cmocka_unit_test(test_sockets_of_killed_servers_are_swept),
		cmocka_unit_test(test_folders_of_killed_servers_are_swept),
		cmocka_unit_test(test_folders_that_others_made_are_passed_over),
		cmocka_unit_test(test_names_are_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
