/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * What udash writes to a terminal, as a terminal understands it: a pty, curses, and on
 * the other side libvterm, whose cells must be those that were drawn; names are hostile,
 * the window changes its size all the time. UC_DASH_SIZES: how often (1,000).
 */
#include "unit.h"

#include <errno.h>
#include <locale.h>
#include <poll.h>
#include <pthread.h>
#include <pty.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <vterm.h>
#include <wchar.h>
#include <ucluster/units.h>
#include "common/run.h"
#include "udash/dash.h"

enum {
	ROWS = 200,
	COLUMNS = 500,
	PER_CELL = 5, /* characters that curses keeps of one */
};

struct terminal {
	int master, slave, saved[2];
	struct termios modes;
	VTerm *vt;
	VTermScreen *screen;
	pthread_t reader;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct uc_buf got; /* under the lock; \0 is where a frame ends */
	bool ends, alternate;
	char error[1024]; /* the first one; cmocka cannot be heard meanwhile */
};

static void bad(struct terminal *t, const char *fmt, ...) UC_PRINTF(2, 3);
static void bad(struct terminal *t, const char *fmt, ...)
{
	va_list ap;

	if (t->error[0])
		return;
	va_start(ap, fmt);
	vsnprintf(t->error, sizeof(t->error), fmt, ap);
	va_end(ap);
}

/* --- the other side --- */

static void *read_all(void *arg)
{
	struct terminal *t = arg;
	char bytes[8192];
	ssize_t n;

	while ((n = read(t->master, bytes, sizeof(bytes))) > 0) {
		pthread_mutex_lock(&t->lock);
		uc_buf_addn(&t->got, bytes, (size_t)n);
		pthread_cond_signal(&t->changed);
		pthread_mutex_unlock(&t->lock);
	}
	pthread_mutex_lock(&t->lock);
	t->ends = true;
	pthread_cond_signal(&t->changed);
	pthread_mutex_unlock(&t->lock);
	return NULL;
}

/* Only what moves the cursor, sets colours, scrolls, erases. */
static void check_bytes(struct terminal *t, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const unsigned char c = (unsigned char)bytes[i];

		if (c == 0x1b && i + 1 < len) {
			if (!strchr("[()78=>M", bytes[i + 1]))
				bad(t, "an escape sequence begins with %c", bytes[i + 1]);
		} else if (c < ' ' && !strchr("\r\n\b\t\016\017\033", c)) {
			bad(t, "control byte %d", c);
		} else if (c == 0x7f) {
			bad(t, "a DEL");
		} else if (c == 0xc2 && i + 1 < len &&
			   ((unsigned char)bytes[i + 1] & 0xe0) == 0x80) {
			bad(t, "a C1 control character");
		}
	}
}

/* Everything that was written is in the model of the terminal. */
static void catch_up(struct terminal *t)
{
	uc_auto(buf) struct uc_buf frame = { 0 };
	struct timespec until;
	const char *end;

	fflush(stdout);
	if (write(STDOUT_FILENO, "", 1) != 1)
		bad(t, "write: %s", strerror(errno));
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += 60;
	pthread_mutex_lock(&t->lock);
	while (!(end = t->got.len ? memchr(t->got.data, '\0', t->got.len) : NULL) &&
	       !t->ends)
		if (pthread_cond_timedwait(&t->changed, &t->lock, &until) != 0) {
			bad(t, "a frame never came");
			break;
		}
	if (end) {
		uc_buf_addn(&frame, t->got.data, (size_t)(end - t->got.data));
		uc_buf_reset(&t->got); /* nothing is written between two frames */
	}
	pthread_mutex_unlock(&t->lock);
	check_bytes(t, uc_buf_text(&frame), frame.len);
	vterm_input_write(t->vt, uc_buf_text(&frame), frame.len);
}

static int on_property(VTermProp prop, VTermValue *value, void *arg)
{
	struct terminal *t = arg;

	if (prop == VTERM_PROP_ALTSCREEN)
		t->alternate = value->boolean;
	return 1;
}

static const VTermScreenCallbacks callbacks = { .settermprop = on_property };

static void begin_terminal(struct terminal *t)
{
	const struct winsize size = { .ws_row = 24, .ws_col = 80 };

	*t = (struct terminal){ 0 };
	assert_int_equal(openpty(&t->master, &t->slave, NULL, NULL, &size), 0);
	tcgetattr(t->slave, &t->modes);
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->changed, NULL);
	t->vt = vterm_new(24, 80);
	vterm_set_utf8(t->vt, 1);
	t->screen = vterm_obtain_screen(t->vt);
	vterm_screen_set_callbacks(t->screen, &callbacks, t);
	vterm_screen_enable_altscreen(t->screen, 1);
	vterm_screen_reset(t->screen, 1);
	assert_int_equal(pthread_create(&t->reader, NULL, read_all, t), 0);
	fflush(stdout);
	for (int fd = 0; fd < 2; fd++) {
		t->saved[fd] = dup(fd);
		dup2(t->slave, fd);
	}
}

/* Standard input and output are what they were; the first error is told. */
static void end_terminal(struct terminal *t)
{
	struct termios now;

	catch_up(t);
	tcgetattr(t->slave, &now);
	if (now.c_lflag != t->modes.c_lflag || now.c_iflag != t->modes.c_iflag)
		bad(t, "the terminal's modes are left changed");
	if (t->alternate)
		bad(t, "the alternate screen is left on");
	fflush(stdout);
	for (int fd = 0; fd < 2; fd++) {
		dup2(t->saved[fd], fd);
		close(t->saved[fd]);
	}
	close(t->slave);
	pthread_join(t->reader, NULL);
	close(t->master);
	vterm_free(t->vt);
	uc_buf_free(&t->got);
	pthread_cond_destroy(&t->changed);
	pthread_mutex_destroy(&t->lock);
	if (t->error[0])
		fail_msg("%s", t->error);
}

/* --- two screens --- */

/* A cell as curses takes it: so many characters of it; a blank for nothing. */
static void wanted_text(const struct dash_cell *cell, wchar_t *out)
{
	const char *from = cell->text[0] ? cell->text : " ";
	mbstate_t state = { 0 };
	size_t n = mbsrtowcs(out, &from, PER_CELL, &state);

	out[n == (size_t)-1 ? 0 : n] = L'\0';
}

static void seen_text(const VTermScreenCell *cell, wchar_t *out)
{
	size_t n = 0;

	for (; n < PER_CELL && n < VTERM_MAX_CHARS_PER_CELL && cell->chars[n]; n++)
		out[n] = (wchar_t)cell->chars[n];
	if (!n)
		out[n++] = L' ';
	out[n] = L'\0';
}

static void compare_cell(struct terminal *t, const struct dash_grid *grid, int row,
			 int column)
{
	const struct dash_cell *cell =
		&grid->cell[(size_t)row * (size_t)grid->columns + (size_t)column];
	wchar_t wanted[PER_CELL + 1], seen[PER_CELL + 1];
	VTermScreenCell there;

	if (!cell->width)
		return;
	vterm_screen_get_cell(t->screen, (VTermPos){ row, column }, &there);
	wanted_text(cell, wanted);
	seen_text(&there, seen);
	if (column + cell->width == grid->columns)
		wanted[1] = L'\0';
	if (wcscmp(wanted, seen) != 0)
		bad(t,
		    "row %d column %d of %dx%d: U+%04X U+%04X drawn, U+%04X U+%04X seen",
		    row, column, grid->columns, grid->rows, (unsigned)wanted[0],
		    (unsigned)(wanted[0] ? wanted[1] : 0), (unsigned)seen[0],
		    (unsigned)(seen[0] ? seen[1] : 0));
	if (cell->width == 2 && there.width != 2)
		bad(t, "row %d column %d: U+%04X is not wide there", row, column,
		    (unsigned)wanted[0]);
}

static void compare(struct terminal *t, const struct dash_grid *grid)
{
	catch_up(t);
	/* in one column libvterm 0.1.4 writes beyond its memory: it has two then */
	if (grid->columns < 2)
		return;
	for (int row = 0; row < grid->rows && !t->error[0]; row++)
		for (int column = 0; column < grid->columns; column++)
			compare_cell(t, grid, row, column);
}

/* The window has another size, as a window manager does it. */
static void resize(struct terminal *t, int rows, int columns)
{
	const struct winsize size = { .ws_row = (unsigned short)rows,
				      .ws_col = (unsigned short)columns };
	struct dash_event event;

	ioctl(t->master, TIOCSWINSZ, &size);
	raise(SIGWINCH);
	while (dash_term_read(&event))
		;
	vterm_set_size(t->vt, rows, columns < 2 ? 2 : columns);
	/* the scroll region is all of the new window, as in xterm */
	vterm_input_write(t->vt, "\033[r", 3);
}

/* --- what is drawn --- */

static const char *const hostile[] = {
	"plain",
	"\033[31mred\033[0m\033[2J\033[H",
	"a\nb\tc\rd\be",
	"\xff\xfe\x80 bytes",
	"\xe2\x80\xae"
	"right to left",
	"\xe2\x80\x8b\xe2\x80\x8bzero",
	"e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81marks",
	"\xe8\xae\xad\xe7\xbb\x83\xe8\xae\xad\xe7\xbb\x83\xe8\xae\xad\xe7\xbb\x83",
	"a\xe8\xae\xad\xe7\xbb\x83\xe8\xae\xad\xe7\xbb\x83\xe8\xae\xad\xe7\xbb\x83",
	"\xcc\x81",
	"",
	"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb",
	"\x9b"
	"1m",
	"\xc2\x9b"
	"31m\xc2\x85",
	"%s%n%d",
	"\033]0;title\007\033]52;c;aGk=\007",
	"\033P+q\033\\\033_x\033\\",
	"\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d \xd8\xb3\xd9\x84\xd8\xa7\xd9\x85",
	"\xe0\xb8\x99\xe0\xb9\x89\xe0\xb8\xb3",
	"\xef\xbb\xbf\xef\xbf\xbe",
	"\xf3\xa0\x80\x81tag",
	"\xed\xa0\x80surrogate",
	"\xc0\xaf\xf8\x88\x80\x80\x80",
	"\x7f\x01\x02\x0e\x0f\x1a",
	"very long very long very long very long very long very long very long very long "
	"very long very long very long very long very long very long very long very long",
};

static uint64_t random_state = 5;

static unsigned below(unsigned most)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(random_state >> 33) % most;
}

static struct uc_raw any(void)
{
	return uc_raw(hostile[below(ARRAY_SIZE(hostile))]);
}

static void make_hostile(const struct dash_data *data)
{
	for (size_t i = 0; i < data->jobs->count; i++) {
		struct uc_job *job = (struct uc_job *)(uintptr_t)&data->jobs->row[i];

		job->name = any();
		job->user = any();
		job->partition = any();
		job->account = any();
		job->nodes = any();
		job->comment = any();
		job->workdir = any();
		job->std_out = any();
		job->gpu_types = any();
		job->dependency = any();
	}
	for (size_t i = 0; i < data->nodes->count; i++) {
		struct uc_node *node = (struct uc_node *)(uintptr_t)&data->nodes->row[i];

		if (below(2))
			node->name = any();
		node->reason = any();
		node->gpu_types = any();
	}
	for (size_t i = 0; i < data->map->count; i++)
		for (size_t k = 0; k < data->map->node[i].count; k++)
			data->map->node[i].slot[k].type = any();
	for (size_t i = 0; i < data->partitions->count; i++)
		((struct uc_partition *)(uintptr_t)&data->partitions->row[i])->name =
			any();
}

static void begin(struct dash *d, struct uc_run *run)
{
	static const char *const no_environment[] = { NULL };
	const struct dash_data *data = NULL;
	struct uc_error err = { 0 };
	int rc;

	*run = (struct uc_run){ .prog = "udash", .environment = no_environment };
	run->parsed.source = "synthetic:nodes=40,jobs=400,seed=3";
	run->site_path = strdup("/nonexistent/ucluster.yaml");
	run->columns = 80;
	assert_int_equal(uc_run_config(run, NULL), 0);
	*d = (struct dash){ .everybody = true, .options = { .interval_ms = 5000 } };
	d->fetch = dash_fetch_new(run);
	assert_non_null(d->fetch);
	assert_int_equal(dash_open(d, run, &err), 0);
	dash_fetch_ask(d->fetch, &(struct dash_question){ .everybody = true });
	while ((rc = dash_fetch_take(d->fetch, &data, &err)) == 0)
		dash_fetch_wait(d->fetch);
	if (rc < 0)
		fail_msg("%s", err.text);
	make_hostile(data);
	dash_take(d, data);
	d->me = data->jobs->row[0].user_id;
}

static void end(struct dash *d, struct uc_run *run)
{
	dash_close(d);
	assert_true(dash_fetch_free(d->fetch));
	uc_config_free(run->config);
	free(run->site_path);
}

static void open_screen(struct terminal *t)
{
	struct uc_error err = { 0 };

	if (dash_term_open(&(struct dash_term_options){ .color = true,
							.term = "xterm-256color" },
			   &err) < 0)
		bad(t, "%s", err.text);
}

static void show(struct terminal *t, struct dash *d)
{
	int rows, columns;

	dash_term_size(&rows, &columns);
	if (dash_grid_size(&d->grid, rows, columns) < 0)
		bad(t, "out of memory");
	dash_draw(d);
	dash_term_show(&d->grid);
	compare(t, &d->grid);
}

static void press(struct dash *d, int key)
{
	dash_key(d, &(struct dash_event){ .key = key });
}

/* --- */

static void test_cells_are_what_a_terminal_shows(void **state)
{
	static const int keys[] = { '1',
				    '2',
				    '3',
				    '5',
				    'j',
				    'k',
				    'G',
				    'g',
				    's',
				    'I',
				    '+',
				    '?',
				    'w',
				    'm',
				    ':',
				    '/',
				    'f',
				    DASH_KEY_ENTER,
				    DASH_KEY_ESC,
				    DASH_KEY_ESC,
				    DASH_KEY_RIGHT,
				    ' ',
				    DASH_KEY_PAGE_DOWN,
				    0x8bad,
				    0x301,
				    0x1b,
				    'q' };
	const char *more = getenv("UC_DASH_SIZES");
	const int steps = more ? atoi(more) : 1000;
	struct terminal t;
	struct uc_run run;
	struct dash d;

	(void)state;
	begin(&d, &run);
	begin_terminal(&t);
	open_screen(&t);
	for (int i = 0; i < steps && !t.error[0]; i++) {
		/* most of them small: there is more that can be wrong */
		const unsigned part = 1 + below(4);

		resize(&t, 1 + (int)below(ROWS / (part * part)),
		       1 + (int)below(COLUMNS / part));
		for (int k = 0; k < 3 && !t.error[0]; k++) {
			press(&d, keys[below(ARRAY_SIZE(keys))]);
			show(&t, &d);
		}
	}
	dash_term_close();
	end_terminal(&t);
	end(&d, &run);
}

static void test_largest_and_smallest(void **state)
{
	static const int sizes[][2] = { { 1, 1 },    { ROWS, COLUMNS }, { 1, COLUMNS },
					{ ROWS, 1 }, { 2, 2 },          { 10, 40 },
					{ 24, 80 } };
	struct terminal t;
	struct uc_run run;
	struct dash d;

	(void)state;
	begin(&d, &run);
	begin_terminal(&t);
	open_screen(&t);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		for (int view = 0; view < DASH_VIEWS; view++) {
			if (view == DASH_DISK)
				continue;
			resize(&t, sizes[i][0], sizes[i][1]);
			d.view = (enum dash_view)view;
			show(&t, &d);
			press(&d, '?');
			show(&t, &d);
			press(&d, DASH_KEY_ESC);
		}
	dash_term_close();
	end_terminal(&t);
	end(&d, &run);
}

/* What was typed before the question was there is no answer to it. */
static void test_type_ahead_is_no_answer(void **state)
{
	struct dash_event event;
	struct terminal t;
	struct uc_run run;
	struct dash d;

	(void)state;
	begin(&d, &run);
	((struct dash_data *)(uintptr_t)d.data)->live = true;
	d.everybody = false;
	dash_again(&d);
	begin_terminal(&t);
	open_screen(&t);
	show(&t, &d);
	if (write(t.master, "cyyy", 4) != 4)
		bad(&t, "write: %s", strerror(errno));
	/* all of it is there when the first key is read */
	poll(&(struct pollfd){ t.slave, POLLIN, 0 }, 1, 60000);
	if (!dash_term_read(&event) || event.key != 'c')
		bad(&t, "no key came");
	dash_key(&d, &event);
	if (!d.box.open)
		bad(&t, "no question: %s", d.message);
	if (dash_term_read(&event))
		bad(&t, "key %d is read as an answer", event.key);
	if (d.doing)
		bad(&t, "it is done without an answer");
	dash_term_close();
	end_terminal(&t);
	end(&d, &run);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_largest_and_smallest),
		cmocka_unit_test(test_cells_are_what_a_terminal_shows),
		cmocka_unit_test(test_type_ahead_is_no_answer),
	};

	setenv("TZ", "UTC", 1);
	unsetenv("LINES");
	unsetenv("COLUMNS");
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
