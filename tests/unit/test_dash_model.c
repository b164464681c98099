/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * udash against a queue that changes under it: jobs come, start, end and are forgotten,
 * arrays fall apart into tasks, ids are used again with another submit time. What an
 * action lists is compared with what the screen said was at the cursor, or marked.
 * UC_DASH_STEPS: how many keys (10,000); UC_DASH_SEED.
 */
#include "unit.h"

#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/state.h>
#include <ucluster/units.h>
#include "common/run.h"
#include "udash/dash.h"

enum {
	ME = 20003,
	OTHER = 20007,
	RECORDS = 160,
	IDS = 250, /* then they begin again */
	TASKS = 6,
	MARKS = 4096,
};

enum life {
	WAITS,
	RUNS,
	ENDED
};

/* What slurmctld would have as one record. */
struct record {
	uint32_t job_id, array, user;
	int64_t submitted;
	bool rest; /* tasks first to last have not started */
	uint32_t first, last, task;
	enum life life;
	char name[16];
};

struct queue {
	struct record record[RECORDS];
	size_t count;
	uint32_t last_id;
	int64_t now;
};

struct row_text {
	char name[16], tasks[32], detail[32];
	struct uc_raw item;
};

/* All of it is gone when there is a newer one: whoever kept a pointer is found out. */
struct shot {
	struct uc_jobs jobs;
	struct dash_data data;
	struct uc_gpu_map *map;
	struct dash_index *index;
	struct uc_job row[RECORDS];
	struct row_text text[RECORDS];
};

struct id {
	uint32_t job_id;
	int64_t submitted;
};

struct model {
	struct uc_run run;
	struct dash dash;
	struct uc_source *src;
	struct uc_nodes *nodes;
	struct uc_partitions *partitions;
	struct queue queue;
	struct shot *shot;
	struct id mark[MARKS]; /* as the screen was told */
	size_t marks;
	size_t listed, asked, nothing, moved; /* so that it is known to have been tried */
};

static uint64_t random_state;

static unsigned below(unsigned most)
{
	random_state = random_state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(random_state >> 33) % most;
}

/* --- the queue --- */

static bool is_used(const struct queue *q, uint32_t id)
{
	for (size_t i = 0; i < q->count; i++)
		if (q->record[i].job_id == id || q->record[i].array == id)
			return true;
	return false;
}

static uint32_t new_id(struct queue *q)
{
	do
		q->last_id = q->last_id % IDS + 1;
	while (is_used(q, q->last_id));
	return q->last_id;
}

static void submit(struct queue *q, bool array)
{
	struct record *r = &q->record[q->count];

	if (q->count + TASKS >= RECORDS)
		return;
	*r = (struct record){ .job_id = new_id(q),
			      .user = below(3) ? ME : OTHER,
			      .submitted = q->now };
	snprintf(r->name, sizeof(r->name), "%c%u", below(2) ? 'z' : 'q', below(50));
	if (array) {
		r->array = r->job_id;
		r->rest = true;
		r->last = below(TASKS);
	}
	q->count++;
}

/* The first task of a rest gets a record of its own; the last one keeps the id. */
static void start(struct queue *q, struct record *r)
{
	if (r->rest && r->first < r->last) {
		struct record *task = &q->record[q->count];

		if (q->count == RECORDS)
			return;
		*task = *r;
		task->rest = false;
		task->job_id = new_id(q);
		task->task = r->first++;
		task->life = RUNS;
		q->count++;
		return;
	}
	r->task = r->first;
	r->rest = false;
	r->life = RUNS;
}

static void live(struct queue *q)
{
	q->now += 1 + below(100);
	for (unsigned i = below(6); i-- > 0;) {
		struct record *r =
			q->count ? &q->record[below((unsigned)q->count)] : NULL;

		if (!r || below(3) == 0)
			submit(q, below(2));
		else if (r->life == WAITS)
			start(q, r);
		else if (r->life == RUNS)
			r->life = ENDED;
		else
			*r = q->record[--q->count];
	}
}

/* --- as udash gets it --- */

static void fill_job(const struct model *m, const struct record *r, struct uc_job *job,
		     struct row_text *text)
{
	const size_t node = r->job_id % m->nodes->count;

	memcpy(text->name, r->name, sizeof(text->name));
	*job = (struct uc_job){
		.job_id = r->job_id,
		.array_job_id = r->array,
		.array_task_id = r->array && !r->rest ? r->task : UC_NONE32,
		.user_id = r->user,
		.user = uc_raw(r->user == ME ? "me" : "them"),
		.name = { text->name },
		.partition = uc_raw("gpu"),
		.state = r->life == WAITS  ? UC_JOB_PENDING
			 : r->life == RUNS ? UC_JOB_RUNNING
					   : UC_JOB_COMPLETED,
		.priority = r->job_id * 7919 % 100,
		.submit_time = r->submitted,
		.time_limit = 3600,
		.node_count = 1,
		.gpus = r->life == RUNS,
	};
	if (r->rest) {
		snprintf(text->tasks, sizeof(text->tasks),
			 r->first < r->last ? "%u-%u" : "%u", r->first, r->last);
		job->array_tasks = uc_raw(text->tasks);
	}
	if (r->life != RUNS)
		return;
	job->start_time = r->submitted + 1;
	job->end_time = r->submitted + 3601;
	job->nodes = m->nodes->row[node].name;
	snprintf(text->detail, sizeof(text->detail), "gpu:a100:1(IDX:%u)",
		 r->job_id / 11 % 4);
	text->item = uc_raw(text->detail);
	job->gres_detail = (struct uc_raw_list){ &text->item, 1 };
}

static void refresh(struct model *m)
{
	const struct queue *q = &m->queue;
	struct shot *shot = calloc(1, sizeof(*shot)), *old = m->shot;
	struct uc_capacity_facts *facts = &shot->data.facts;
	struct uc_error err = { 0 };

	for (size_t i = 0; i < q->count; i++)
		fill_job(m, &q->record[i], &shot->row[i], &shot->text[i]);
	shot->jobs =
		(struct uc_jobs){ .count = q->count, .row = shot->row, .now = q->now };
	*facts = (struct uc_capacity_facts){ .nodes = m->nodes,
					     .partitions = m->partitions,
					     .jobs = &shot->jobs,
					     .who = { .user_id = ME },
					     .now = q->now };
	shot->data = (struct dash_data){ .jobs = &shot->jobs,
					 .nodes = m->nodes,
					 .partitions = m->partitions,
					 .facts = *facts,
					 .live = true,
					 .everybody = true,
					 .now = q->now,
					 .at_ms = uc_monotonic_ms() };
	facts = &shot->data.facts;
	shot->index = dash_index_new(&shot->jobs);
	if (!shot->index || uc_gpu_map_make(facts, &shot->map, &err) < 0)
		fail_msg("%s", err.text);
	shot->data.index = shot->index;
	shot->data.map = shot->map;
	/* as dash_fetch_take() does it */
	if (old) {
		uc_gpu_map_free(old->map);
		dash_index_free(old->index);
		free(old);
	}
	m->shot = shot;
	dash_take(&m->dash, &shot->data);
}

/* --- what the screen says --- */

static void draw(struct model *m)
{
	const int rows = below(8) ? 12 + (int)below(60) : 1 + (int)below(12);
	const int columns = below(8) ? 100 + (int)below(150) : 1 + (int)below(100);

	assert_int_equal(dash_grid_size(&m->dash.grid, rows, columns), 0);
	dash_draw(&m->dash);
}

/* The text at a place, up to a blank. */
static void word_at(const struct dash_grid *grid, int row, int column, char *out,
		    size_t room)
{
	size_t len = 0;

	for (; column < grid->columns; column++) {
		const char *text =
			grid->cell[(size_t)row * (size_t)grid->columns + (size_t)column]
				.text;

		if (!text[0] || text[0] == ' ' || len + strlen(text) >= room)
			break;
		len += (size_t)snprintf(out + len, room - len, "%s", text);
	}
	out[len] = '\0';
}

/* The id in the line of the cursor; false: it is not to be seen. */
static bool read_cursor(const struct model *m, char *out, size_t room)
{
	const struct dash_grid *grid = &m->dash.grid;
	static const char label[] = "job ";

	out[0] = '\0';
	if (m->dash.box.open || grid->columns < 60 || grid->rows < 8)
		return false;
	for (int row = 2; m->dash.view == DASH_JOBS && row < grid->rows - 1; row++)
		if (grid->cell[(size_t)row * (size_t)grid->columns].flags &
		    DASH_SELECTED) {
			word_at(grid, row, 0, out, room);
			return out[0] && !strstr(out, "\xe2\x80\xa6");
		}
	for (int row = grid->rows - 3; m->dash.view == DASH_GPUS && row < grid->rows;
	     row++)
		for (int column = 0; column + 8 < grid->columns; column++) {
			bool same = true;

			for (int i = 0; label[i]; i++)
				same = same && grid->cell[(size_t)(row * grid->columns +
								   column + i)]
							       .text[0] == label[i];
			if (!same)
				continue;
			word_at(grid, row, column + 4, out, room);
			return true;
		}
	return false;
}

static void write_id(const struct record *r, char *out, size_t room)
{
	if (r->rest && r->first < r->last)
		snprintf(out, room, "%u_[%u-%u]", r->array, r->first, r->last);
	else if (r->rest)
		snprintf(out, room, "%u_[%u]", r->array, r->first);
	else if (r->array)
		snprintf(out, room, "%u_%u", r->array, r->task);
	else
		snprintf(out, room, "%u", r->job_id);
}

static bool is_shown(const struct model *m, const struct record *r)
{
	return r->user == ME || (m->dash.everybody && r->life != ENDED);
}

/* The records of a line with this id: all of an array that is folded. */
static size_t records_of(const struct model *m, const char *text,
			 const struct record **out)
{
	const bool folded = text[0] == '+' || strstr(text, "[+]");
	const uint32_t array = (uint32_t)strtoul(text + (text[0] == '+'), NULL, 10);
	size_t count = 0;

	for (size_t i = 0; i < m->queue.count; i++) {
		const struct record *r = &m->queue.record[i];
		char id[64];

		write_id(r, id, sizeof(id));
		if (folded ? r->array == array && is_shown(m, r) : strcmp(id, text) == 0)
			out[count++] = r;
	}
	return count;
}

/* --- marks, as the screen was told --- */

static size_t find_mark(const struct model *m, const struct record *r)
{
	for (size_t i = 0; i < m->marks; i++)
		if (m->mark[i].job_id == r->job_id &&
		    m->mark[i].submitted == r->submitted)
			return i;
	return SIZE_MAX;
}

static void mark(struct model *m, const char *text)
{
	const struct record *of[RECORDS];
	const size_t count = records_of(m, text, of);
	size_t have = 0;

	for (size_t i = 0; i < count; i++)
		have += find_mark(m, of[i]) != SIZE_MAX;
	for (size_t i = 0; i < count; i++) {
		const size_t at = find_mark(m, of[i]);

		if (have == count)
			m->mark[at] = m->mark[--m->marks];
		else if (at == SIZE_MAX && m->marks < MARKS)
			m->mark[m->marks++] =
				(struct id){ of[i]->job_id, of[i]->submitted };
	}
}

/* --- actions --- */

static bool fits(int key, const struct record *r)
{
	if (r->user != ME)
		return false;
	if (key == 'H' || key == 'R')
		return r->life == WAITS;
	return key == 'Q' ? r->life == RUNS : r->life != ENDED;
}

/* What must be listed when `key` is pressed now. */
static size_t expected(const struct model *m, int key, const char *cursor,
		       const struct record **out)
{
	const struct record *of[RECORDS];
	size_t count = 0, all = 0;

	if (m->marks) {
		for (size_t i = 0; i < m->queue.count; i++)
			if (find_mark(m, &m->queue.record[i]) != SIZE_MAX)
				of[all++] = &m->queue.record[i];
	} else {
		all = records_of(m, cursor, of);
	}
	for (size_t i = 0; i < all; i++)
		if (fits(key, of[i]))
			out[count++] = of[i];
	return count;
}

static void compare(struct model *m, int key, const char *cursor)
{
	const struct dash *d = &m->dash;
	const struct record *wanted[RECORDS];
	const size_t count = expected(m, key, cursor, wanted);

	if (!d->box.open) {
		if (count)
			fail_msg("'%c' on %s listed nothing, %zu expected (%s)", key,
				 cursor, count, d->message);
		m->nothing++;
		return;
	}
	if (d->deed_count != count)
		fail_msg("'%c' on %s (%zu marks) lists %zu, %zu expected", key, cursor,
			 m->marks, d->deed_count, count);
	for (size_t i = 0; i < count; i++) {
		const struct dash_deed *deed = NULL;
		char id[64];

		write_id(wanted[i], id, sizeof(id));
		for (size_t k = 0; k < d->deed_count; k++)
			if (strcmp(d->deeds[k].id, id) == 0 &&
			    strncmp(d->box.line.item[k], id, strlen(id)) == 0)
				deed = &d->deeds[k];
		if (!deed)
			fail_msg("'%c' on %s does not list %s", key, cursor, id);
		assert_int_equal(deed->job_id, wanted[i]->job_id);
		assert_int_equal(deed->submit_time, wanted[i]->submitted);
		assert_int_equal(deed->user_id, ME);
	}
	m->listed += count;
}

static void press(struct model *m, int key)
{
	dash_key(&m->dash, &(struct dash_event){ .key = key });
}

/* The question is there: time goes on, then yes, no, or something else. */
static void answer(struct model *m)
{
	struct dash *d = &m->dash;
	const size_t count = d->deed_count;
	struct dash_deed *before = calloc(count, sizeof(*before));

	memcpy(before, d->deeds, count * sizeof(*before));
	for (unsigned i = below(4); i-- > 0;) {
		live(&m->queue);
		refresh(m);
		draw(m);
		press(m, "jk "[below(3)]); /* scrolls the list, is no answer */
	}
	assert_true(d->box.open);
	if (below(2)) {
		press(m, "nqxc\033\r"[below(6)]);
		assert_false(d->doing);
		assert_int_equal(d->deed_count, 0);
		free(before);
		return;
	}
	press(m, below(2) ? 'y' : 'Y');
	assert_true(d->doing);
	assert_int_equal(d->deed_count, count);
	assert_memory_equal(d->deeds, before, count * sizeof(*before));
	/* no other question while that is being done */
	press(m, 'c');
	assert_false(d->box.open);
	assert_int_equal(d->deed_count, count);
	for (size_t i = 0; i < count; i++)
		d->deeds[i].done = below(10) != 0;
	dash_acted(d);
	assert_false(d->doing);
	m->marks = 0;
	m->asked++;
	free(before);
}

static void act(struct model *m, const char *cursor)
{
	static const int keys[] = { 'c', 'x', 'H', 'R', 'Q', DASH_KEY_F + 9 };
	const int key = keys[below(ARRAY_SIZE(keys))];
	struct dash *d = &m->dash;

	if (d->view == DASH_OUTPUT || (d->view == DASH_GPUS && strchr("HRQ", key & 127)))
		return;
	press(m, key);
	if (key == DASH_KEY_F + 9) /* the list of signals */
		press(m, DASH_KEY_ENTER);
	compare(m, key == DASH_KEY_F + 9 ? 'c' : key, cursor);
	if (!d->box.open)
		return;
	answer(m);
}

/* --- keys in any order --- */

static const int moves[] = {
	'j',
	'k',
	'j',
	'k',
	'G',
	'g',
	's',
	'I',
	'+',
	'-',
	'n',
	'N',
	'u',
	'1',
	'2',
	'5',
	'1',
	'1',
	DASH_KEY_TAB,
	DASH_KEY_BACKTAB,
	'w',
	'y',
	'p',
	'r',
	'?',
	'h',
	'm',
	DASH_KEY_ENTER,
	DASH_KEY_ESC,
	DASH_KEY_PAGE_UP,
	DASH_KEY_PAGE_DOWN,
	DASH_KEY_UP,
	DASH_KEY_DOWN,
	DASH_KEY_LEFT,
	DASH_KEY_RIGHT,
	DASH_KEY_HOME,
	DASH_KEY_END,
	DASH_KEY_WHEEL_DOWN,
	DASH_KEY_WHEEL_UP,
	7,
	0x1f600,
	'/',
	'f',
};

/* Only what names have: arrays are shown as a whole or not at all. */
static void type(struct model *m)
{
	static const int keys[] = {
		'z', 'q', DASH_KEY_ESC, DASH_KEY_ENTER, DASH_KEY_BACKSPACE, DASH_CTRL('u')
	};

	press(m, keys[below(ARRAY_SIZE(keys))]);
}

/* The disks are scanned by a thread of their own, elsewhere tested. */
static void leave_disks(struct model *m)
{
	if (m->dash.view == DASH_DISK)
		press(m, '1');
}

static void step(struct model *m)
{
	struct dash *d = &m->dash;
	char cursor[64], after[64];

	draw(m);
	if (d->prompt.title) {
		type(m);
		return;
	}
	if (d->box.open) {
		press(m, below(3) ? DASH_KEY_ESC : 'j');
		return;
	}
	if (!read_cursor(m, cursor, sizeof(cursor))) {
		press(m, moves[below(ARRAY_SIZE(moves))]);
		leave_disks(m);
		return;
	}
	switch (below(6)) {
	case 0:
		act(m, cursor);
		break;
	case 1:
		if (d->view == DASH_JOBS) {
			press(m, ' ');
			mark(m, cursor);
		}
		break;
	case 2: /* whatever is new, the cursor is where it was, or that is gone */
		live(&m->queue);
		refresh(m);
		draw(m);
		if (d->view == DASH_JOBS && read_cursor(m, after, sizeof(after)) &&
		    strcmp(cursor, after) != 0) {
			const struct record *of[RECORDS];

			if (!strchr(cursor, '[') && records_of(m, cursor, of) &&
			    is_shown(m, of[0]))
				fail_msg("the cursor went from %s to %s", cursor, after);
			m->moved++;
		}
		break;
	case 3:
		if (below(20) == 0) {
			press(m, 'U');
			if (d->view == DASH_JOBS)
				m->marks = 0;
		}
		break;
	default:
		press(m, moves[below(ARRAY_SIZE(moves))]);
		leave_disks(m);
	}
	d->quit = false;
}

/* --- */

static void begin(struct model *m)
{
	static const char *const no_environment[] = { NULL };
	struct uc_error err = { 0 };

	*m = (struct model){ .run = { .prog = "udash", .environment = no_environment } };
	m->run.parsed.source = "synthetic:nodes=9,jobs=0,seed=3";
	m->run.site_path = strdup("/nonexistent/ucluster.yaml");
	m->run.columns = 80;
	m->queue.now = 1000000;
	assert_int_equal(uc_run_config(&m->run, NULL), 0);
	if (uc_source_open(m->run.parsed.source, NULL, &m->src, &err) < 0 ||
	    uc_nodes_load(m->src, &m->nodes, &err) < 0 ||
	    uc_partitions_load(m->src, &m->partitions, &err) < 0)
		fail_msg("%s", err.text);
	m->dash.options.interval_ms = 5000;
	m->dash.everybody = true;
	m->dash.fetch = dash_fetch_new(&m->run);
	assert_non_null(m->dash.fetch);
	assert_int_equal(dash_open(&m->dash, &m->run, &err), 0);
	m->dash.me = ME;
	for (int i = 0; i < 40; i++)
		live(&m->queue);
	refresh(m);
}

static void end(struct model *m)
{
	dash_close(&m->dash);
	assert_true(dash_fetch_free(m->dash.fetch));
	uc_gpu_map_free(m->shot->map);
	dash_index_free(m->shot->index);
	free(m->shot);
	uc_nodes_free(m->nodes);
	uc_partitions_free(m->partitions);
	uc_source_free(m->src);
	uc_config_free(m->run.config);
	free(m->run.site_path);
}

static void test_no_wrong_target(void **state)
{
	const char *more = getenv("UC_DASH_STEPS"), *seed = getenv("UC_DASH_SEED");
	const int steps = more ? atoi(more) : 10000;
	static struct model m;

	(void)state;
	random_state = seed ? strtoull(seed, NULL, 10) : 7;
	begin(&m);
	for (int i = 0; i < steps; i++)
		step(&m);
	print_message("%d steps: %zu jobs listed, %zu times done, %zu times none, the "
		      "cursor's job gone or changed %zu times\n",
		      steps, m.listed, m.asked, m.nothing, m.moved);
	assert_true(m.listed > (size_t)steps / 50);
	assert_true(m.asked > (size_t)steps / 100);
	end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_wrong_target),
	};

	setenv("TZ", "UTC", 1);
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
