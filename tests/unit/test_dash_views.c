/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Every view at four sizes, of a small, a big and a recorded cluster, as text files. */
#include "dash_unit.h"

#include <ftw.h>
#include <locale.h>
#include <sys/stat.h>
#include <ucluster/disk.h>
#include "udash/disk_pane.h"
#include "udash/output.h"

#define SMALL    "synthetic:nodes=20,jobs=300,seed=3"
#define BIG      "synthetic:nodes=4000,jobs=100000,seed=1"
#define RECORDED "record:" UC_TEST_DATA "/clusters/slurm-22.05-accounting"

static const struct {
	int rows, columns;
} sizes[] = { { 10, 40 }, { 24, 80 }, { 40, 120 }, { 60, 200 } };

static char folder[200];

static void view(struct world *w, const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		char *seen = frame(&w->dash, sizes[i].rows, sizes[i].columns);
		char file[80];

		snprintf(file, sizeof(file), "%s-%dx%d", name, sizes[i].columns,
			 sizes[i].rows);
		compare(seen, file);
		free(seen);
	}
}

/* --- lists and the map --- */

static void three(const char *source, const char *name)
{
	static const struct {
		enum dash_view view;
		const char *name;
	} views[] = { { DASH_JOBS, "jobs" },
		      { DASH_GPUS, "gpus" },
		      { DASH_NODES, "nodes" } };
	struct world w;

	begin(&w, source);
	for (size_t i = 0; i < ARRAY_SIZE(views); i++) {
		char file[40];

		dash_show_view(&w.dash, views[i].view);
		snprintf(file, sizeof(file), "%s%s", views[i].name, name);
		view(&w, file);
	}
	end(&w);
}

static void test_small(void **state)
{
	(void)state;
	three(SMALL, "");
}

static void test_big(void **state)
{
	(void)state;
	three(BIG, "-big");
}

static void test_recorded(void **state)
{
	(void)state;
	three(RECORDED, "-recorded");
}

/* --- boxes --- */

static void test_boxes(void **state)
{
	struct world w;
	struct dash *d = &w.dash;

	(void)state;
	begin(&w, RECORDED);
	press(d, '?');
	view(&w, "help");
	press(d, DASH_KEY_ESC);
	press(d, DASH_KEY_F + 2);
	view(&w, "columns");
	press(d, DASH_KEY_ESC);
	press(d, 'm');
	view(&w, "mine");
	press(d, DASH_KEY_ESC);
	press(d, DASH_KEY_ENTER);
	view(&w, "details");
	press(d, DASH_KEY_ESC);
	press(d, '5');
	press(d, DASH_KEY_ENTER);
	view(&w, "node");
	press(d, DASH_KEY_ESC);
	press(d, '1');
	type(d, ":");
	press(d, DASH_KEY_ENTER);
	view(&w, "commands");
	press(d, DASH_KEY_ESC);
	press(d, DASH_KEY_F + 9);
	view(&w, "signals");
	press(d, DASH_KEY_ESC);
	end(&w);
}

static void test_why(void **state)
{
	struct world w;
	struct dash *d = &w.dash;

	(void)state;
	begin(&w, SMALL);
	type(d, ":filter train");
	press(d, DASH_KEY_ENTER);
	while (!uc_job_waits(dash_job(d)) || dash_job(d)->array_job_id)
		press(d, 'j');
	press(d, 'w');
	view(&w, "why");
	end(&w);
}

static void test_nothing_there(void **state)
{
	static const struct {
		int key;
		const char *name;
	} views[] = { { '1', "jobs-none" }, { '2', "gpus-none" }, { '5', "nodes-none" } };
	struct world w;
	struct dash *d = &w.dash;

	(void)state;
	begin(&w, SMALL);
	type(d, ":filter nosuchthing");
	press(d, DASH_KEY_ENTER);
	for (size_t i = 0; i < ARRAY_SIZE(views); i++) {
		char *seen;

		press(d, views[i].key);
		seen = frame(d, 10, 80);
		compare(seen, views[i].name);
		free(seen);
	}
	press(d, '3');
	{
		char *seen = frame(d, 10, 80);

		compare(seen, "output-none");
		free(seen);
	}
	end(&w);
}

/* slurmctld does not answer: at first, and later. */
static void test_no_answer(void **state)
{
	struct world w;
	struct dash *d = &w.dash;
	const struct dash_data *data;
	char *seen;

	(void)state;
	begin(&w, SMALL);
	data = d->data;
	uc_fail(&d->err, UC_UNREACHABLE, "slurmctld did not answer within 10 s");
	view(&w, "silent");
	d->data = NULL;
	uc_hint(&d->err, "ucluster doctor looks into it");
	assert_int_equal(dash_grid_size(&d->grid, 10, 80), 0);
	{
		uc_auto(buf) struct uc_buf text = { 0 };

		dash_draw(d);
		dash_grid_text(&d->grid, &text);
		seen = uc_buf_take(&text);
	}
	compare(seen, "nothing-80x10");
	free(seen);
	d->data = data;
	end(&w);
}

/* --- output --- */

static void write_file(const char *path, const char *text)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

/* Whatever a program writes: a long line, a progress bar, escapes, no end. */
static void write_outputs(char paths[4][240])
{
	for (int i = 0; i < 4; i++) {
		uc_auto(buf) struct uc_buf text = { 0 };

		uc_buf_addf(&text, "run %d on gpu-a00%d\n", i, i + 1);
		for (int k = 0; k < 20 * (i + 1); k++)
			uc_buf_addf(&text, "epoch %3d  loss %.4f  acc %.3f\n", k,
				    2.0 / (k + 1), 1 - 1.0 / (k + 2));
		uc_buf_add(&text, "\033[1;31mwarning\033[0m: the learning rate is "
				  "rather high for a batch of this size, which is said "
				  "in a line that is longer than most terminals are "
				  "wide, on purpose\n\xe8\xae\xad\xe7\xbb\x83\n");
		uc_buf_add(&text, "  0%|      |\r 42%|##    |");
		snprintf(paths[i], 240, "%s/run-%d.out", folder, i);
		write_file(paths[i], uc_buf_text(&text));
	}
}

static void rename_paths(struct dash *d)
{
	struct output_pane *p = d->pane[DASH_OUTPUT];

	for (size_t i = 0; i < p->streams; i++) {
		free(p->stream[i]->path);
		p->stream[i]->path = strdup("/data/anna/runs/output.txt");
	}
}

static void test_output(void **state)
{
	struct world w;
	struct dash *d = &w.dash;
	char paths[4][240];

	(void)state;
	write_outputs(paths);
	begin(&w, SMALL);
	for (size_t i = 0; i < 4; i++) {
		struct uc_job *job = (struct uc_job *)(uintptr_t)dash_job(d);

		job->std_out = job->std_err = uc_raw(paths[i]);
		press(d, ' ');
	}
	press(d, 'l');
	dash_settle(d);
	rename_paths(d);
	view(&w, "output-four");
	press(d, DASH_KEY_RIGHT);
	press(d, 'W');
	d->message[0] = '\0';
	press(d, '>');
	view(&w, "output-cut");
	press(d, 'W');
	d->message[0] = '\0';
	press(d, '1');
	press(d, 'U');
	press(d, 'g');
	press(d, 'l');
	dash_settle(d);
	rename_paths(d);
	press(d, '/');
	type(d, "epoch  12");
	press(d, DASH_KEY_ENTER);
	press(d, 'N');
	d->message[0] = '\0';
	view(&w, "output");
	end(&w);
}

/* --- disk --- */

#define ROW(text, size, number)                                                          \
	{                                                                                \
		.name = { text },                                                        \
		.sum = {.bytes = (uint64_t)(size) << 20,                                 \
			.files = number,                                                 \
			.folders = 1 }                                                   \
	}

static struct uc_disk_row folders[] = {
	ROW("runs", 800000, 41200),
	ROW("runs/2026-11-01-vit", 500000, 30000),
	ROW("runs/2026-11-01-vit/checkpoints", 480000, 120),
	ROW("data", 150000, 1281167),
	ROW("data/imagenet", 149000, 1281100),
	ROW(".cache", 40000, 90000),
	ROW(".cache/pip", 9000, 4000),
	ROW("a folder with a \033[31mname\033[0m", 20, 2),
};
static struct uc_disk_row owners[] = { ROW("anna", 900000, 1400000),
				       ROW("bob", 90020, 12371) };
static struct uc_disk_row ages[] = { ROW("up to a day", 1000, 120),
				     ROW("up to a week", 90000, 1200),
				     ROW("older than that", 899020, 1411051) };
static struct uc_disk_row kinds[] = { ROW("checkpoints", 480000, 120),
				      ROW("images", 300000, 12),
				      ROW("other", 210020, 1412239) };

static void keep_scan(void)
{
	static struct uc_disk_file largest[] = {
		{ .path = { "runs/2026-11-01-vit/checkpoints/last.pt" },
		  .bytes = UINT64_C(9) << 30 },
		{ .path = { "data/imagenet/train.tar" }, .bytes = UINT64_C(7) << 30 },
	};
	struct uc_disk_scan scan = { .root = { "/data/anna" },
				     .time = 1767139200,
				     .elapsed_ms = 41000,
				     .threads = 8,
				     .largest = largest,
				     .largest_count = ARRAY_SIZE(largest),
				     .denied = 3 };
	struct uc_error err = { 0 };
	char dir[240];

	scan.total = (struct uc_disk_sum){ .bytes = UINT64_C(990020) << 20,
					   .files = 1412371,
					   .folders = 900 };
	scan.by[UC_DISK_BY_FOLDER] =
		(struct uc_disk_rows){ folders, ARRAY_SIZE(folders) };
	scan.by[UC_DISK_BY_OWNER] = (struct uc_disk_rows){ owners, ARRAY_SIZE(owners) };
	scan.by[UC_DISK_BY_AGE] = (struct uc_disk_rows){ ages, ARRAY_SIZE(ages) };
	scan.by[UC_DISK_BY_KIND] = (struct uc_disk_rows){ kinds, ARRAY_SIZE(kinds) };
	snprintf(dir, sizeof(dir), "%s/state", folder);
	mkdir(dir, 0700);
	snprintf(dir, sizeof(dir), "%s/state/ucluster", folder);
	mkdir(dir, 0700);
	if (uc_disk_scan_save(&scan, dir, &err) < 0)
		fail_msg("%s", err.text);
}

/* Of this machine nothing is shown: its disks are as full as they are said to be. */
static void set_disks(struct dash *d)
{
	struct disk_pane *p = d->pane[DASH_DISK];
	const struct uc_disk_list *list = disk_work_fs(p->work);

	assert_non_null(list);
	for (size_t i = 0; i < list->count; i++) {
		struct uc_disk_fs *fs = &list->row[i];

		fs->state = UC_DISK_OK;
		fs->size = UINT64_C(10) << 40;
		fs->available = i ? UINT64_C(6) << 40 : UINT64_C(600) << 30;
		fs->used = fs->size - fs->available;
		fs->quota = (struct uc_disk_quota){ .known = !i,
						    .bytes = UINT64_C(990020) << 20,
						    .bytes_limit = UINT64_C(1) << 40 };
	}
}

/* Until the places, and then the kept scan, are known. */
static void settle_disks(struct dash *d)
{
	const struct disk_pane *p = d->pane[DASH_DISK];
	const int64_t until = uc_monotonic_ms() + 60000;

	do
		dash_settle(d);
	while (disk_work_is_busy(p->work) && uc_monotonic_ms() < until);
}

static void test_disk(void **state)
{
	static const char *const names[] = { "owner", "age", "kind", "file" };
	struct world w;
	struct dash *d = &w.dash;

	(void)state;
	keep_scan();
	begin_in(&w, SMALL, folder);
	w.run.home = "/data/anna";
	w.run.cwd = strdup("/scratch/anna/project");
	dash_show_view(d, DASH_DISK);
	settle_disks(d);
	set_disks(d);
	view(&w, "disk");
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		char name[40];
		char *seen;

		press(d, 'b');
		seen = frame(d, 24, 80);
		snprintf(name, sizeof(name), "disk-%s-80x24", names[i]);
		compare(seen, name);
		free(seen);
	}
	press(d, 'b');
	press(d, DASH_KEY_ENTER);
	press(d, DASH_KEY_ENTER);
	view(&w, "disk-inside");
	free(w.run.cwd);
	end(&w);
}

static int make_folder(void **state)
{
	const char *base = getenv("TMPDIR");

	(void)state;
	snprintf(folder, sizeof(folder), "%s/uc-dash-XXXXXX", base ? base : "/tmp");
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static int remove_folder(void **state)
{
	(void)state;
	return nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small),         cmocka_unit_test(test_big),
		cmocka_unit_test(test_recorded),      cmocka_unit_test(test_boxes),
		cmocka_unit_test(test_why),           cmocka_unit_test(test_output),
		cmocka_unit_test(test_nothing_there), cmocka_unit_test(test_no_answer),
		cmocka_unit_test(test_disk),
	};

	setenv("TZ", "UTC", 1);
	setlocale(LC_CTYPE, "C.UTF-8");
	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
