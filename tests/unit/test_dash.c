/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * udash without a terminal: keys; random keys, data and
 * sizes; hostile names stay in their cells.
 */
#include "dash_unit.h"

#include <locale.h>

/* --- keys --- */

static void test_keys_on_jobs(void **state)
{
	struct world w;
	struct dash *d = &w.dash;
	char *seen;

	(void)state;
	begin(&w, "synthetic:nodes=20,jobs=300,seed=3");
	free(frame(d, 24, 80));
	type(d, "jjj");
	seen = frame(d, 24, 80);
	assert_int_equal(dash_job(d)->job_id, 100105);
	free(seen);
	press(d, DASH_KEY_ENTER);
	seen = frame(d, 24, 80);
	compare(seen, "job-80x24");
	free(seen);
	press(d, DASH_KEY_ESC);
	assert_false(d->box.open);
	assert_false(d->quit);
	type(d, "ftrain");
	press(d, DASH_KEY_ENTER);
	seen = frame(d, 24, 80);
	compare(seen, "filter-80x24");
	free(seen);
	assert_string_equal(dash_job(d)->name.bytes, "train");
	press(d, 'f');
	press(d, DASH_KEY_ESC);
	type(d, "/user004");
	press(d, DASH_KEY_ENTER);
	assert_string_equal(dash_job(d)->user.bytes, "user004");
	press(d, '?');
	seen = frame(d, 40, 100);
	compare(seen, "help-100x40");
	free(seen);
	press(d, 'q'); /* closes the box only */
	assert_false(d->quit);
	press(d, 'q');
	assert_true(d->quit);
	end(&w);
}

/* The cursor stays on its job while rows come, go and change places. */
static void test_cursor_sticks(void **state)
{
	struct world w;
	struct dash *d = &w.dash;

	(void)state;
	begin(&w, "synthetic:nodes=20,jobs=300,seed=3");
	free(frame(d, 24, 80));
	type(d, "jjjjjj");
	for (int i = 0; i < 8; i++) {
		const struct uc_job *job = dash_job(d);
		const uint32_t id = job->job_id;
		const int64_t submit = job->submit_time;

		press(d, i % 3 ? 's' : 'I');
		dash_take(d, load(d));
		free(frame(d, 24, 80));
		assert_int_equal(dash_job(d)->job_id, id);
		assert_int_equal(dash_job(d)->submit_time, submit);
	}
	end(&w);
}

static void test_read_only(void **state)
{
	static const int keys[] = { 'c', 'x', 'H', 'R', 'Q', DASH_KEY_F + 9, 'S' };
	struct world w;

	(void)state;
	begin(&w, "synthetic:nodes=20,jobs=300,seed=3");
	w.dash.options.read_only = true;
	((struct dash_data *)w.dash.data)->live = true;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		press(&w.dash, keys[i]);
		assert_false(w.dash.box.open);
		assert_null(w.dash.prompt.title);
		assert_non_null(strstr(w.dash.message, "--read-only"));
	}
	/* what is not live is not acted on either */
	w.dash.options.read_only = false;
	((struct dash_data *)w.dash.data)->live = false;
	press(&w.dash, 'c');
	assert_false(w.dash.box.open);
	assert_non_null(strstr(w.dash.message, "no live cluster"));
	end(&w);
}

/* --- anything, in any order --- */

static uint64_t random_state;

static unsigned random_below(unsigned most)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(random_state >> 33) % most;
}

static void step(struct dash *d)
{
	/* not those that start programs, or scan disks */
	static const int keys[] = {
		'j',
		'k',
		'j',
		'k',
		'G',
		'g',
		' ',
		's',
		'I',
		'+',
		'-',
		'n',
		'N',
		'u',
		'U',
		'/',
		'f',
		'1',
		'2',
		'5',
		DASH_KEY_TAB,
		DASH_KEY_BACKTAB,
		'w',
		'y',
		'c',
		'H',
		'R',
		'Q',
		'p',
		'r',
		'?',
		'b',
		'W',
		'e',
		'h',
		'l',
		DASH_KEY_ENTER,
		DASH_KEY_ESC,
		DASH_KEY_PAGE_UP,
		DASH_KEY_PAGE_DOWN,
		DASH_KEY_UP,
		DASH_KEY_DOWN,
		DASH_KEY_LEFT,
		DASH_KEY_RIGHT,
		DASH_KEY_BACKSPACE,
		'x',
		'a' + 0x100,
		DASH_KEY_WHEEL_DOWN,
		7,
		0x1f600,
	};
	const int key = keys[random_below(ARRAY_SIZE(keys))];

	if (d->box.open && d->box.key && random_below(4) == 0) {
		/* other data came while the question was there */
		const size_t count = d->deed_count;

		press(d, 'y');
		if (!d->doing)
			return;
		assert_int_equal(d->deed_count, count);
		for (size_t i = 0; i < count; i++)
			d->deeds[i].done = true;
		dash_acted(d);
		return;
	}
	press(d, key);
	d->quit = false;
}

static void test_random(void **state)
{
	const char *more = getenv("UC_DASH_STEPS");
	const int steps = more ? atoi(more) : 10000;
	struct world w, other;
	struct dash *d = &w.dash;
	const struct dash_data *data[2];

	(void)state;
	begin(&w, "synthetic:nodes=20,jobs=300,seed=3");
	begin(&other, "synthetic:nodes=12,jobs=200,seed=4");
	data[0] = w.dash.data;
	data[1] = other.dash.data;
	((struct dash_data *)data[0])->live = true;
	((struct dash_data *)data[1])->live = true;
	for (int i = 0; i < steps; i++) {
		random_state += (uint64_t)i;
		if (random_below(7) == 0)
			dash_take(d, data[random_below(2)]);
		if (random_below(50) == 0)
			d->me = 20001 + random_below(11);
		if (random_below(10) == 0)
			free(frame(d, 1 + (int)random_below(60),
				   1 + (int)random_below(200)));
		if (random_below(30) == 0) { /* nothing in the way of one's own jobs */
			d->view = DASH_JOBS;
			d->everybody = false;
			uc_buf_reset(&d->filter);
			dash_again(d);
		}
		step(d);
	}
	w.dash.data = data[0];
	end(&w);
	end(&other);
}

static void test_sizes(void **state)
{
	struct world w;

	(void)state;
	begin(&w, "synthetic:nodes=20,jobs=300,seed=3");
	for (int i = 0; i < 1000; i++) {
		const int rows = 1 + (int)random_below(200);
		const int columns = 1 + (int)random_below(500);
		char *seen;
		size_t lines = 0;

		w.dash.view = (enum dash_view)random_below(DASH_VIEWS);
		if (w.dash.view == DASH_DISK)
			w.dash.view = DASH_JOBS;
		if (random_below(5) == 0)
			press(&w.dash, '?');
		seen = frame(&w.dash, rows, columns);
		for (const char *p = seen; *p; p++)
			lines += *p == '\n';
		assert_int_equal(lines, rows);
		free(seen);
	}
	end(&w);
}

/* The first line of the view of nodes is about the first partition. */
static void assert_partition(struct dash *d, const char *use)
{
	char *seen = frame(d, 30, 120), *line = seen;

	for (int i = 0; i < 2; i++)
		line = strchr(line, '\n') + 1;
	*strchr(line, '\n') = '\0';
	if (!strstr(line, use))
		fail_msg("no '%s' in '%s'", use, line);
	free(seen);
}

/* Answers take turns in two places: the same place is not the same answer. */
static void test_partitions_follow(void **state)
{
	struct world w;
	struct dash *d = &w.dash;
	const struct dash_data *before;
	struct dash_data data;
	struct uc_nodes nodes;
	struct uc_node *row;

	(void)state;
	begin(&w, "synthetic:nodes=20,jobs=300,seed=3");
	before = d->data;
	data = *before;
	nodes = *data.nodes;
	row = calloc(nodes.count, sizeof(*row));
	assert_non_null(row);
	memcpy(row, nodes.row, nodes.count * sizeof(*row));
	for (size_t i = 0; i < nodes.count; i++)
		row[i].cpus_used = 1;
	nodes.row = row;
	data.nodes = &nodes;
	dash_take(d, &data);
	dash_show_view(d, DASH_NODES);
	assert_partition(d, "CPUs ");
	dash_show_view(d, DASH_JOBS);
	dash_take(d, before);
	for (size_t i = 0; i < nodes.count; i++)
		row[i].cpus_used = 0;
	dash_take(d, &data);
	dash_show_view(d, DASH_NODES);
	assert_partition(d, " 0/");
	dash_take(d, before);
	end(&w);
	free(row);
}

/* --- cells --- */

static size_t width_of(const struct dash_grid *grid, int row)
{
	size_t width = 0;

	for (int column = 0; column < grid->columns; column++)
		width += grid->cell[row * grid->columns + column].width;
	return width;
}

static void test_hostile(void **state)
{
	static const char *const names[] = {
		"\033[31mred\033[0m",
		"a\nb\tc\rd",
		"\xff\xfe\x80",
		"\xe2\x80\xae"
		"txt",
		"\xe2\x80\x8b\xe2\x80\x8b",
		"e\xcc\x81\xcc\x81\xcc\x81\xcc\x81\xcc\x81",
		"\xe8\xae\xad\xe7\xbb\x83\xe8\xae\xad\xe7\xbb\x83",
		"\xcc\x81",
		"",
		"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb",
		"\x9b"
		"1m",
		"%s%n%d",
	};
	struct dash_grid grid = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		for (int width = 1; width < 12; width++) {
			struct dash_area area;

			assert_int_equal(dash_grid_size(&grid, 3, 14), 0);
			area = dash_grid_area(&grid);
			for (int row = 0; row < 3; row++)
				dash_put(area, row, 0, DASH_PLAIN, "##############");
			dash_put_raw(dash_span(area, 1, 1, width), DASH_PLAIN,
				     uc_raw(names[i]));
			for (int row = 0; row < 3; row++)
				assert_int_equal(width_of(&grid, row), 14);
			for (int column = 0; column < 14; column++) {
				const bool inside = column >= 1 && column <= width;

				assert_string_equal(grid.cell[column].text, "#");
				assert_string_equal(grid.cell[28 + column].text, "#");
				if (!inside)
					assert_string_equal(grid.cell[14 + column].text,
							    "#");
				for (const char *p = grid.cell[14 + column].text; *p; p++)
					assert_true((unsigned char)*p >= ' ');
			}
		}
	dash_grid_free(&grid);
}

/* Half of a wide character that is written over leaves a blank, never half a glyph. */
static void test_halves(void **state)
{
	struct dash_grid grid = { 0 };
	struct dash_area area;

	(void)state;
	assert_int_equal(dash_grid_size(&grid, 1, 6), 0);
	area = dash_grid_area(&grid);
	dash_put(area, 0, 0, DASH_PLAIN, "\xe8\xae\xad\xe7\xbb\x83\xe8\xae\xad");
	dash_put(area, 0, 1, DASH_PLAIN, "x");
	assert_string_equal(grid.cell[0].text, "");
	assert_string_equal(grid.cell[1].text, "x");
	dash_put(area, 0, 4, DASH_PLAIN, "y");
	assert_string_equal(grid.cell[5].text, "");
	assert_int_equal(width_of(&grid, 0), 6);
	/* one that does not fit at the end is a blank */
	dash_put(area, 0, 5, DASH_PLAIN, "\xe8\xae\xad");
	assert_int_equal(width_of(&grid, 0), 6);
	dash_grid_free(&grid);
}

static void test_bars(void **state)
{
	struct dash_grid grid = { .safe = UC_SAFE_ASCII };
	uc_auto(buf) struct uc_buf text = { 0 };
	struct dash_area area;

	(void)state;
	assert_int_equal(dash_grid_size(&grid, 3, 10), 0);
	area = dash_grid_area(&grid);
	dash_put_bar(dash_span(area, 0, 0, 10), DASH_PLAIN, 5, 10);
	dash_put_bar(dash_span(area, 1, 0, 10), DASH_PLAIN, 20, 10);
	dash_put_bar(dash_span(area, 2, 0, 10), DASH_PLAIN, 1, 0);
	dash_grid_text(&grid, &text);
	assert_string_equal(uc_buf_text(&text), "#####.....\n##########\n..........\n");
	dash_grid_free(&grid);
}

static void test_took(void **state)
{
	/* what slurmctld took, and what the header then tells: the same while it is about
	 * that */
	static const struct {
		int64_t ms, told;
	} rows[] = { { 0, 1 },   { 2, 1 },   { 3, 5 },   { 5, 5 },     { 1, 5 },
		     { 10, 5 },  { 11, 20 }, { 40, 20 }, { 3, 20 },    { 2, 20 },
		     { 41, 50 }, { 5, 50 },  { 4, 5 },   { 900, 1000 } };
	struct dash d = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		dash_note_took(&d, rows[i].ms);
		assert_int_equal(d.took_about, rows[i].told);
	}
}

static void test_marks(void **state)
{
	struct dash_set set = { 0 };

	(void)state;
	for (uint64_t i = 1; i <= 5000; i++)
		assert_true(dash_set_toggle(&set, (struct dash_id){ i, i % 7 }));
	assert_int_equal(set.count, 5000);
	for (uint64_t i = 1; i <= 5000; i += 2)
		assert_true(dash_set_toggle(&set, (struct dash_id){ i, i % 7 }));
	for (uint64_t i = 1; i <= 5000; i++)
		assert_int_equal(dash_set_has(&set, (struct dash_id){ i, i % 7 }),
				 i % 2 == 0);
	dash_set_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_on_jobs),
		cmocka_unit_test(test_cursor_sticks),
		cmocka_unit_test(test_read_only),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_halves),
		cmocka_unit_test(test_bars),
		cmocka_unit_test(test_took),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_partitions_follow),
	};

	setenv("TZ", "UTC", 1);
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
