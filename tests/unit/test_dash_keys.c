/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Every key of udash's table does what its row says. The list of tests follows the table
 * row by row: a key that is added there without a test here makes this fail.
 */
#include "dash_unit.h"

#include <ftw.h>
#include <locale.h>
#include <signal.h>
#include <sys/stat.h>
#include <ucluster/state.h>
#include "udash/disk_pane.h"
#include "udash/gpus.h"
#include "udash/jobs.h"
#include "udash/nodes.h"
#include "udash/output.h"

#define SMALL "synthetic:nodes=20,jobs=300,seed=3"
#define F(n)  (DASH_KEY_F + (n))

static char folder[200];

/* --- what is looked at --- */

static struct jobs_pane *jobs(const struct dash *d)
{
	return d->pane[DASH_JOBS];
}

static size_t row(const struct dash *d)
{
	return jobs(d)->list.at;
}

static void draw(struct dash *d)
{
	free(frame(d, 24, 100));
}

static void set_live(struct dash *d)
{
	((struct dash_data *)(uintptr_t)d->data)->live = true;
}

/* The cursor goes to a job of one's own, in this state of life. */
static const struct uc_job *go_to_mine(struct dash *d, bool waits)
{
	const struct uc_job *job;

	d->view = DASH_JOBS;
	press(d, 'g');
	for (size_t i = 0; i < jobs(d)->list.count; i++) {
		job = dash_job(d);
		if (dash_is_mine(d, job) && !job->array_job_id &&
		    (waits ? uc_job_waits(job) : uc_job_holds(job)))
			return job;
		press(d, 'j');
	}
	fail_msg("no such job");
	return NULL;
}

static void expect_question(struct dash *d, const struct uc_job *job,
			    enum uc_action_kind kind)
{
	assert_true(d->box.open);
	assert_int_equal(d->deed_count, 1);
	assert_int_equal(d->deeds[0].job_id, job->job_id);
	assert_int_equal(d->deeds[0].action.kind, kind);
	press(d, 'n');
	assert_false(d->box.open);
	assert_int_equal(d->deed_count, 0);
}

static void expect_action(struct dash *d, int key, bool waits, enum uc_action_kind kind)
{
	const struct uc_job *job;

	set_live(d);
	job = go_to_mine(d, waits);
	press(d, key);
	expect_question(d, job, kind);
}

static void expect_view(struct dash *d, int key, enum dash_view view)
{
	press(d, key);
	assert_int_equal(d->view, view);
}

static bool box_is(const struct dash *d, const char *title)
{
	return d->box.open && strncmp(d->box.title, title, strlen(title)) == 0;
}

/* --- row by row --- */

static void test_help(struct dash *d)
{
	press(d, F(1));
	assert_true(box_is(d, "Keys"));
	press(d, DASH_KEY_ESC);
	press(d, '?');
	assert_true(box_is(d, "Keys"));
}

static void test_tab(struct dash *d)
{
	for (int i = 1; i <= DASH_VIEWS; i++)
		expect_view(d, DASH_KEY_TAB, (enum dash_view)(i % DASH_VIEWS));
}

static void test_backtab(struct dash *d)
{
	expect_view(d, DASH_KEY_BACKTAB, DASH_NODES);
	expect_view(d, DASH_KEY_BACKTAB, DASH_DISK);
}

static void test_1(struct dash *d)
{
	d->view = DASH_NODES;
	expect_view(d, '1', DASH_JOBS);
}

static void test_2(struct dash *d)
{
	expect_view(d, '2', DASH_GPUS);
}

static void test_3(struct dash *d)
{
	const struct output_pane *p = d->pane[DASH_OUTPUT];
	const struct dash_id id = dash_job_id(dash_job(d));

	expect_view(d, '3', DASH_OUTPUT);
	assert_int_equal(p->streams, 1);
	assert_true(dash_id_same(p->stream[0]->id, id));
	press(d, '1');
	press(d, ' ');
	press(d, ' ');
	expect_view(d, 'l', DASH_OUTPUT);
	assert_int_equal(p->streams, 2);
	/* what is shown stays when there is nothing else to show */
	press(d, '1');
	press(d, 'U');
	press(d, '4');
	expect_view(d, '3', DASH_OUTPUT);
	assert_int_equal(p->streams, 2);
}

static void test_4(struct dash *d)
{
	expect_view(d, '4', DASH_DISK);
}

static void test_5(struct dash *d)
{
	expect_view(d, '5', DASH_NODES);
}

static void test_arrows(struct dash *d)
{
	const struct gpus_pane *p = d->pane[DASH_GPUS];

	press(d, 'j');
	press(d, DASH_KEY_DOWN);
	assert_int_equal(row(d), 2);
	press(d, 'k');
	press(d, DASH_KEY_UP);
	assert_int_equal(row(d), 0);
	press(d, '2');
	draw(d);
	press(d, DASH_KEY_RIGHT);
	press(d, DASH_KEY_RIGHT);
	assert_int_equal(p->slot, 2);
	press(d, 'h');
	assert_int_equal(p->slot, 1);
	press(d, DASH_KEY_LEFT);
	assert_int_equal(p->slot, 0);
	press(d, 'j');
	assert_int_equal(p->at, p->group[0].across);
	press(d, DASH_KEY_UP);
	assert_int_equal(p->at, 0);
}

static void test_g(struct dash *d)
{
	press(d, 'G');
	assert_int_equal(row(d), jobs(d)->list.count - 1);
	press(d, 'g');
	assert_int_equal(row(d), 0);
	press(d, DASH_KEY_END);
	assert_int_equal(row(d), jobs(d)->list.count - 1);
	press(d, DASH_KEY_HOME);
	assert_int_equal(row(d), 0);
}

static void test_pages(struct dash *d)
{
	draw(d);
	press(d, DASH_KEY_PAGE_DOWN);
	assert_int_equal(row(d), d->page - 1);
	press(d, DASH_KEY_PAGE_UP);
	assert_int_equal(row(d), 0);
	press(d, DASH_CTRL('d'));
	assert_int_equal(row(d), (d->page - 1) / 2);
	press(d, DASH_CTRL('u'));
	assert_int_equal(row(d), 0);
}

static void test_columns(struct dash *d)
{
	struct dash_columns *c = &d->columns[DASH_JOBS];
	char *seen;

	press(d, F(2));
	assert_true(box_is(d, "Columns"));
	press(d, 'j'); /* user */
	press(d, ' ');
	assert_false(c->on >> JOBS_USER & 1);
	press(d, 'j'); /* account */
	press(d, DASH_KEY_ENTER);
	assert_true(c->on >> JOBS_ACCOUNT & 1);
	press(d, 'z'); /* nothing */
	assert_true(d->box.open);
	press(d, DASH_KEY_ESC);
	seen = frame(d, 24, 120);
	assert_non_null(strstr(seen, "ACCOUNT"));
	assert_null(strstr(seen, "USER"));
	free(seen);
	type(d, ":columns id,gpus");
	press(d, DASH_KEY_ENTER);
	assert_int_equal(c->on, 1u << JOBS_ID | 1u << JOBS_GPUS);
	type(d, ":columns nosuch");
	press(d, DASH_KEY_ENTER);
	assert_int_equal(c->on, 1u << JOBS_ID | 1u << JOBS_GPUS);
	press(d, F(2));
	for (int i = 0; i < 40; i++) /* beyond the last: reset */
		press(d, 'j');
	press(d, ' ');
	assert_int_equal(c->on, c->usual);
}

static void test_search(struct dash *d)
{
	size_t first;

	press(d, '/');
	type(d, "user004");
	press(d, DASH_KEY_ENTER);
	assert_string_equal(dash_job(d)->user.bytes, "user004");
	first = row(d);
	press(d, 'n');
	assert_string_equal(dash_job(d)->user.bytes, "user004");
	assert_true(row(d) > first);
	press(d, 'N');
	assert_int_equal(row(d), first);
	press(d, F(3));
	type(d, "nobody at all");
	press(d, DASH_KEY_ENTER);
	assert_int_equal(row(d), first);
	assert_non_null(strstr(d->message, "not found"));
}

static void test_filter(struct dash *d)
{
	const size_t all = jobs(d)->list.count;

	press(d, F(4));
	type(d, "user004");
	assert_true(jobs(d)->list.count < all); /* while one types */
	press(d, DASH_KEY_ENTER);
	press(d, 'f');
	press(d, DASH_KEY_ESC);
	assert_int_equal(jobs(d)->list.count, all);
}

static void test_refresh(struct dash *d)
{
	static const int keys[] = { F(5), 'r' };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		d->next_ms = INT64_MAX;
		d->fresh = false;
		press(d, keys[i]);
		assert_true(d->fresh);
		assert_true(d->next_ms < INT64_MAX);
	}
}

static void test_sort(struct dash *d)
{
	press(d, 's');
	assert_int_equal(jobs(d)->sort, JOBS_BY_ID);
	press(d, F(6));
	assert_int_equal(jobs(d)->sort, JOBS_BY_USER);
	type(d, ":sort gpus");
	press(d, DASH_KEY_ENTER);
	assert_int_equal(jobs(d)->sort, JOBS_BY_GPUS);
	press(d, '5');
	press(d, 's');
	assert_int_equal(((struct nodes_pane *)d->pane[DASH_NODES])->sort,
			 NODES_BY_STATE);
}

static void test_invert(struct dash *d)
{
	const struct uc_job *first = jobs(d)->row[0].job;

	press(d, 'I');
	assert_ptr_equal(jobs(d)->row[jobs(d)->list.count - 1].job, first);
	press(d, 'I');
	assert_ptr_equal(jobs(d)->row[0].job, first);
}

static void test_who(struct dash *d)
{
	press(d, 'u');
	for (size_t i = 0; i < jobs(d)->list.count; i++)
		assert_int_equal(jobs(d)->row[i].job->user_id, ME);
	press(d, 'u');
	assert_true(d->everybody);
}

static void test_mark(struct dash *d)
{
	const struct dash_id id = dash_job_id(dash_job(d));

	press(d, ' ');
	assert_true(dash_set_has(&d->marks, id));
	assert_int_equal(row(d), 1);
	press(d, 'k');
	press(d, ' ');
	assert_int_equal(d->marks.count, 0);
}

static void test_unmark(struct dash *d)
{
	press(d, ' ');
	press(d, ' ');
	assert_true(d->marks.count >= 2);
	press(d, 'U');
	assert_int_equal(d->marks.count, 0);
}

static void test_fold(struct dash *d)
{
	const size_t folded = jobs(d)->list.count;

	while (jobs(d)->row[row(d)].records < 2)
		press(d, 'j');
	press(d, '+');
	assert_true(jobs(d)->list.count > folded);
	press(d, '-');
	assert_int_equal(jobs(d)->list.count, folded);
	press(d, DASH_KEY_RIGHT);
	assert_true(jobs(d)->list.count > folded);
	press(d, DASH_KEY_LEFT);
	assert_int_equal(jobs(d)->list.count, folded);
}

static void test_enter(struct dash *d)
{
	press(d, DASH_KEY_ENTER);
	assert_true(box_is(d, "Job "));
	press(d, DASH_KEY_ESC);
	press(d, '5');
	press(d, DASH_KEY_ENTER);
	assert_true(box_is(d, "Node "));
	press(d, DASH_KEY_ESC);
	press(d, '2');
	press(d, DASH_KEY_ENTER); /* somebody holds the first GPU */
	assert_true(box_is(d, "Job "));
	press(d, DASH_KEY_ESC);
	press(d, '/');
	type(d, "gpu-a010"); /* free */
	press(d, DASH_KEY_ENTER);
	press(d, DASH_KEY_ENTER);
	assert_true(box_is(d, "Node gpu-a010"));
}

static void test_why(struct dash *d)
{
	press(d, 'w');
	assert_false(d->box.open); /* it runs */
	assert_non_null(strstr(d->message, "does not wait"));
	go_to_mine(d, true);
	press(d, 'w');
	assert_true(box_is(d, "Why "));
}

static void test_errors(struct dash *d)
{
	const struct output_pane *p = d->pane[DASH_OUTPUT];
	struct uc_job *job = (struct uc_job *)(uintptr_t)dash_job(d);

	job->std_out = uc_raw("/nonexistent/out");
	job->std_err = uc_raw("/nonexistent/err");
	press(d, 'e');
	assert_int_equal(d->view, DASH_OUTPUT);
	assert_string_equal(p->stream[0]->path, "/nonexistent/err");
	press(d, 'e');
	assert_string_equal(p->stream[0]->path, "/nonexistent/out");
	job->std_err = job->std_out;
	press(d, 'e');
	assert_false(p->errors);
	assert_non_null(strstr(d->message, "the same file"));
}

static void test_wrap(struct dash *d)
{
	const struct output_pane *p = d->pane[DASH_OUTPUT];

	press(d, 'l');
	assert_true(p->wrap);
	press(d, 'W');
	assert_false(p->wrap);
	press(d, 'W');
	assert_true(p->wrap);
}

static void test_sideways(struct dash *d)
{
	const struct output_pane *p = d->pane[DASH_OUTPUT];

	press(d, 'l');
	press(d, 'W');
	press(d, '>');
	assert_int_equal(p->left, 20);
	press(d, '<');
	press(d, '<');
	assert_int_equal(p->left, 0);
}

/* Another program in the place of uattach tells its arguments. */
static void expect_program(struct dash *d, int key, const char *more)
{
	char path[240], wanted[80], seen[80] = "";
	uc_auto(buf) struct uc_buf id = { 0 };
	FILE *file;

	snprintf(path, sizeof(path), "%s/uattach", folder);
	file = fopen(path, "w");
	fprintf(file, "#!/bin/sh\necho \"$@\" >%s/said\n", folder);
	fclose(file);
	chmod(path, 0700);
	uc_buf_job_id(&id, dash_job(d), UC_NONE32);
	snprintf(wanted, sizeof(wanted), "%s%s\n", uc_buf_text(&id), more);
	press(d, key);
	snprintf(path, sizeof(path), "%s/said", folder);
	file = fopen(path, "r");
	assert_non_null(file);
	assert_non_null(fgets(seen, sizeof(seen), file));
	fclose(file);
	assert_string_equal(seen, wanted);
	remove(path);
}

static void test_attach(struct dash *d)
{
	expect_program(d, 'a', "");
}

static void test_shell(struct dash *d)
{
	expect_program(d, 'S', " --shell");
}

static void test_cancel(struct dash *d)
{
	expect_action(d, 'c', false, UC_ACTION_CANCEL);
	expect_action(d, 'x', true, UC_ACTION_CANCEL);
}

static void test_signal(struct dash *d)
{
	const struct uc_job *job;

	set_live(d);
	job = go_to_mine(d, false);
	press(d, F(9));
	assert_true(box_is(d, "Send which signal"));
	press(d, 'j');
	press(d, 'j');
	press(d, DASH_KEY_ENTER);
	assert_int_equal(d->deeds[0].action.signal, SIGUSR1);
	expect_question(d, job, UC_ACTION_CANCEL);
	type(d, ":signal usr2");
	press(d, DASH_KEY_ENTER);
	assert_int_equal(d->deeds[0].action.signal, SIGUSR2);
	expect_question(d, job, UC_ACTION_CANCEL);
}

static void test_hold(struct dash *d)
{
	expect_action(d, 'H', true, UC_ACTION_HOLD);
}

static void test_release(struct dash *d)
{
	expect_action(d, 'R', true, UC_ACTION_RELEASE);
}

static void test_requeue(struct dash *d)
{
	expect_action(d, 'Q', false, UC_ACTION_REQUEUE);
}

static void test_time(struct dash *d)
{
	const struct uc_job *job;

	set_live(d);
	job = go_to_mine(d, true);
	press(d, 't');
	type(d, "+1h");
	press(d, DASH_KEY_ENTER);
	assert_int_equal(d->deeds[0].limit, job->time_limit + 3600);
	expect_question(d, job, UC_ACTION_CHANGE);
	press(d, 't');
	type(d, "soon");
	press(d, DASH_KEY_ENTER);
	assert_false(d->box.open);
	assert_non_null(strstr(d->message, "soon"));
}

static void test_copy(struct dash *d)
{
	((struct uc_job *)(uintptr_t)dash_job(d))->std_out = uc_raw("/data/out.txt");
	press(d, 'y');
	assert_string_equal(d->message, "copied: /data/out.txt");
}

/* --- disk --- */

static struct disk_pane *disk(struct dash *d)
{
	return d->pane[DASH_DISK];
}

/* Until the thread is done. */
static void settle(struct dash *d)
{
	const int64_t until = uc_monotonic_ms() + 30000;

	while (disk_work_is_busy(disk(d)->work) && uc_monotonic_ms() < until)
		dash_settle(d);
	assert_false(disk_work_is_busy(disk(d)->work));
}

static void make_file(const char *path)
{
	char full[300];
	FILE *file;

	snprintf(full, sizeof(full), "%s/%s", folder, path);
	for (char *slash = full + strlen(folder) + 1; (slash = strchr(slash, '/'));
	     slash++) {
		*slash = '\0';
		mkdir(full, 0700);
		*slash = '/';
	}
	file = fopen(full, "w");
	assert_non_null(file);
	fputs("something", file);
	fclose(file);
}

static void scan(struct dash *d)
{
	make_file("top.txt");
	make_file("a/b/c/d/e/f/deep.txt");
	press(d, '4');
	dash_settle(d);
	settle(d);
	press(d, 'S');
	settle(d);
	draw(d);
	assert_true(disk(d)->lines > 0);
}

/* The cursor goes to the folder of this name. */
static void go_to(struct dash *d, const char *name)
{
	press(d, 'g');
	for (size_t i = 0; i < disk(d)->lines; i++, press(d, 'j'))
		if (strcmp(disk(d)->line[disk(d)->at].name.bytes, name) == 0)
			return;
	fail_msg("no folder %s", name);
}

/* Down to where the scan ends, into a scan of its own, and back. */
static void test_into(struct dash *d)
{
	static const char *const names[] = { "a", "b", "c" };

	scan(d);
	press(d, DASH_KEY_ENTER);
	assert_true(disk(d)->inside);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		go_to(d, names[i]);
		press(d, i ? DASH_KEY_RIGHT : DASH_KEY_ENTER);
	}
	assert_string_equal(disk_within(disk(d)), "a/b/c");
	go_to(d, "d");
	press(d, DASH_KEY_ENTER);
	settle(d);
	assert_int_equal(disk(d)->steps, 2);
	assert_int_equal(disk(d)->lines, 0); /* never scanned */
	press(d, 'S');
	settle(d);
	go_to(d, "e");
	press(d, DASH_KEY_BACKSPACE);
	settle(d);
	assert_int_equal(disk(d)->steps, 1);
	press(d, DASH_KEY_LEFT);
	assert_string_equal(disk_within(disk(d)), "a/b");
	assert_string_equal(disk(d)->line[disk(d)->at].name.bytes, "c");
	press(d, DASH_KEY_ESC);
	press(d, DASH_KEY_ESC);
	press(d, DASH_KEY_ESC);
	assert_false(disk(d)->inside);
	press(d, DASH_KEY_ESC);
	assert_false(d->quit);
}

static void test_by(struct dash *d)
{
	scan(d);
	for (int i = 0; i < DISK_BYS; i++) {
		assert_int_equal(disk(d)->by, i);
		assert_true(disk(d)->lines > 0);
		press(d, 'b');
	}
	assert_int_equal(disk(d)->by, 0);
}

static void test_scan(struct dash *d)
{
	scan(d);
	assert_non_null(disk_work_result(disk(d)->work));
	assert_string_equal(disk_work_result(disk(d)->work)->root.bytes, folder);
}

/* However far it has come: it ends, and what it found is there. */
static void test_stop(struct dash *d)
{
	scan(d);
	press(d, 'S');
	assert_true(disk(d)->scanning);
	press(d, 'x');
	settle(d);
	assert_non_null(disk_work_result(disk(d)->work));
}

/* --- everywhere --- */

static void test_mine(struct dash *d)
{
	press(d, 'm');
	assert_true(box_is(d, "Mine"));
}

static void test_commands(struct dash *d)
{
	type(d, ":view nodes");
	press(d, DASH_KEY_ENTER);
	assert_int_equal(d->view, DASH_NODES);
	type(d, ":job 100062");
	press(d, DASH_KEY_ENTER);
	assert_int_equal(d->view, DASH_JOBS);
	assert_int_equal(dash_job(d)->job_id, 100062);
	type(d, ":nosuch thing");
	press(d, DASH_KEY_ENTER);
	assert_string_equal(d->message, "'nosuch' is no command");
	assert_true(d->box.open);
	press(d, DASH_KEY_ESC);
	type(d, ":interval 1");
	press(d, DASH_KEY_ENTER);
	assert_int_equal(d->options.interval_ms, 5000);
	type(d, ":interval 9");
	press(d, DASH_KEY_ENTER);
	assert_int_equal(d->options.interval_ms, 9000);
	type(d, ":me");
	press(d, DASH_KEY_ENTER);
	assert_true(box_is(d, "Mine"));
	press(d, DASH_KEY_ESC);
	type(d, ":mouse on");
	press(d, DASH_KEY_ENTER);
	assert_true(d->options.mouse);
	type(d, ":nonsense");
	press(d, DASH_KEY_ENTER);
	assert_true(box_is(d, "Commands"));
	press(d, DASH_KEY_ESC);
	type(d, ":q");
	press(d, DASH_KEY_ENTER);
	assert_true(d->quit);
}

static void test_pause(struct dash *d)
{
	char *seen;

	press(d, 'p');
	assert_true(d->paused);
	seen = frame(d, 24, 80);
	assert_non_null(strstr(seen, "paused"));
	free(seen);
	press(d, 'p');
	assert_false(d->paused);
}

static void test_esc(struct dash *d)
{
	for (int view = 0; view < DASH_VIEWS; view++) {
		dash_show_view(d, (enum dash_view)view);
		press(d, DASH_KEY_ESC);
		press(d, DASH_KEY_ESC);
		assert_false(d->quit);
	}
	press(d, '?');
	press(d, DASH_KEY_ESC);
	assert_false(d->box.open);
	press(d, ':');
	press(d, DASH_KEY_ESC);
	assert_null(d->prompt.title);
	assert_false(d->quit);
}

/* The loop's: tests/e2e/udash.bats stops it and brings it back. */
static void test_stop_for_a_while(struct dash *d)
{
	press(d, DASH_CTRL('z'));
	assert_false(d->quit);
}

static void test_quit(struct dash *d)
{
	static const int keys[] = { 'q', F(10), DASH_CTRL('c') };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		press(d, keys[i]);
		assert_true(d->quit);
		d->quit = false;
	}
}

/* In the order of the table. */
static const struct {
	const char *keys;
	void (*test)(struct dash *d);
} rows[] = {
	{ "F1 ?", test_help },
	{ "Tab", test_tab },
	{ "Shift-Tab", test_backtab },
	{ "1", test_1 },
	{ "2", test_2 },
	{ "3 l", test_3 },
	{ "4", test_4 },
	{ "5", test_5 },
	{ "arrows hjk", test_arrows },
	{ "g G", test_g },
	{ "PgUp PgDn", test_pages },
	{ "F2", test_columns },
	{ "F3 /", test_search },
	{ "F4 f", test_filter },
	{ "F5 r", test_refresh },
	{ "F6 s", test_sort },
	{ "I", test_invert },
	{ "u", test_who },
	{ "Space", test_mark },
	{ "U", test_unmark },
	{ "+ -", test_fold },
	{ "Enter", test_enter },
	{ "w", test_why },
	{ "e", test_errors },
	{ "W", test_wrap },
	{ "< >", test_sideways },
	{ "a", test_attach },
	{ "S", test_shell },
	{ "c x", test_cancel },
	{ "F9", test_signal },
	{ "H", test_hold },
	{ "R", test_release },
	{ "Q", test_requeue },
	{ "t", test_time },
	{ "y", test_copy },
	{ "Enter Right", test_into },
	{ "b", test_by },
	{ "S", test_scan },
	{ "x", test_stop },
	{ "m", test_mine },
	{ ":", test_commands },
	{ "p", test_pause },
	{ "Esc", test_esc },
	{ "Ctrl-Z", test_stop_for_a_while },
	{ "F10 q", test_quit },
};

static void test_all_keys_have_a_test(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!dash_keys_name(i))
			fail_msg("'%s' is not in the table of keys", rows[i].keys);
		assert_string_equal(dash_keys_name(i), rows[i].keys);
	}
	if (dash_keys_name(ARRAY_SIZE(rows)))
		fail_msg("'%s' has no test", dash_keys_name(ARRAY_SIZE(rows)));
}

static void test_keys(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world w;

		print_message("%s\n", rows[i].keys);
		begin_in(&w, SMALL, folder);
		rows[i].test(&w.dash);
		end(&w);
	}
}

/* --- the mouse --- */

static void click(struct dash *d, int at_row, int column)
{
	dash_key(d, &(struct dash_event){
			    .key = DASH_KEY_CLICK, .row = at_row, .column = column });
}

/* Where this text is in the last frame. */
static void click_on(struct dash *d, const char *text)
{
	char *seen = frame(d, 24, 100);
	int at_row = 0;

	for (char *line = seen; *line; at_row++) {
		char *end_of = strchr(line, '\n'), *found;

		*end_of = '\0';
		found = strstr(line, text);
		if (found) {
			*found = '\0';
			click(d, at_row, (int)uc_text_width(line));
			free(seen);
			return;
		}
		line = end_of + 1;
	}
	fail_msg("'%s' is not to be seen", text);
}

static void test_mouse(void **state)
{
	struct world w;
	struct dash *d = &w.dash;
	size_t at;

	(void)state;
	begin_in(&w, SMALL, folder);
	click_on(d, "3 Output");
	assert_int_equal(d->view, DASH_OUTPUT);
	click_on(d, "1 Jobs");
	click_on(d, "100201 ");
	assert_int_equal(dash_job(d)->job_id, 100201);
	click_on(d, "100201 ");
	assert_true(box_is(d, "Job 100201"));
	click_on(d, "1 Jobs"); /* outside: the box goes, nothing else */
	assert_false(d->box.open);
	click_on(d, "USER");
	assert_int_equal(jobs(d)->sort, JOBS_BY_USER);
	assert_false(jobs(d)->inverted);
	click_on(d, "USER");
	assert_true(jobs(d)->inverted);
	at = row(d);
	press(d, DASH_KEY_WHEEL_UP);
	assert_int_equal(row(d), at - 3);
	click_on(d, "F1Help");
	assert_true(box_is(d, "Keys"));
	press(d, DASH_KEY_ESC);
	click_on(d, "2 GPUs");
	click_on(d, "gpu-a003 ");
	assert_string_equal(dash_panes[DASH_GPUS]->node(d)->name.bytes, "gpu-a003");
	click_on(d, "5 Nodes");
	click_on(d, "gpu-a002 ");
	click_on(d, "gpu-a002 ");
	assert_true(box_is(d, "Node gpu-a002"));
	press(d, DASH_KEY_ESC);
	press(d, '1');
	press(d, F(2));
	click_on(d, "] account");
	assert_true(d->columns[DASH_JOBS].on >> JOBS_ACCOUNT & 1);
	press(d, DASH_KEY_ESC);
	/* everywhere, with everything, at any size: nothing breaks */
	for (int i = 0; i < 4000; i++) {
		if (i % 40 == 0)
			free(frame(d, 1 + i % 37, 1 + i % 113));
		click(d, i % 41, i * 7 % 127);
		if (i % 90 == 0)
			press(d, '1' + i % 5);
		d->quit = false;
	}
	end(&w);
}

/* --- columns --- */

static void test_widths(void **state)
{
	struct world w;
	struct dash_columns *c;

	(void)state;
	begin(&w, SMALL);
	c = &w.dash.columns[DASH_JOBS];
	for (int room = 1; room < 400; room++) {
		int used = 0;

		dash_columns_fit(c, room);
		for (size_t i = 0; i < c->count; i++) {
			if (!c->width[i])
				continue;
			assert_int_equal(c->start[i], used);
			used += c->width[i] + 1;
			if (room >= 40) /* what must be there has room */
				assert_true(c->start[i] + c->width[i] <= room);
		}
		assert_true(c->width[JOBS_ID] && c->width[JOBS_STATE]);
	}
	dash_columns_fit(c, 40);
	assert_true(c->width[JOBS_NAME] && c->width[JOBS_WHERE] >= 8);
	assert_false(c->width[JOBS_USED] || c->width[JOBS_PARTITION]);
	dash_columns_fit(c, 300);
	assert_int_equal(c->start[JOBS_FOLDER] + c->width[JOBS_FOLDER], 300);
	end(&w);
}

/* --- */

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static int make_folder(void **state)
{
	const char *base = getenv("TMPDIR");
	char path[260];

	(void)state;
	snprintf(folder, sizeof(folder), "%s/uc-dash-XXXXXX", base ? base : "/tmp");
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/state", folder);
	return mkdir(path, 0700);
}

static int remove_folder(void **state)
{
	(void)state;
	return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_keys_have_a_test),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_mouse),
		cmocka_unit_test(test_widths),
	};

	setenv("TZ", "UTC", 1);
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
