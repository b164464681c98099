/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Random trees, edits on both sides and runs both ways, compared with a small model: what
 * is at the destination afterwards, and that nothing newer there was lost; also when the
 * process is killed or the connection goes at any point.
 */
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sync_fake.h"
#include "unit.h"

#define S       INT64_C(1000000000)
#define FOLDERS 5
#define NAMES   5
#define LEAVES  (FOLDERS * NAMES)

static const char *const folder_name[FOLDERS] = { "", "d0", "d0/\xff\n", "d0/\xff\n/x",
						  "d0-" };
static const int folder_above[FOLDERS] = { -1, 0, 1, 2, 0 };
static const char *const leaf_name[NAMES] = { "a", "-b", "c\x1b[m", "l", "z" };

struct leaf {
	char kind; /* '-', 'f', 'l' */
	int id;    /* of the content: its size and its bytes, or the target */
	int time;
	int mode;
};

struct side {
	bool folder[FOLDERS];
	struct leaf leaf[LEAVES];
};

struct world {
	char path[64], near[80], far[80], state[80];
	struct side side[2]; /* near, far */
	struct leaf past[LEAVES];
	struct fake fake;
	unsigned seed, conflicts, kept;
	int clock;
	bool helper; /* the real one, in a process of its own */
};

static unsigned pick(struct world *w, unsigned below)
{
	return (unsigned)rand_r(&w->seed) % below;
}

static const char *root_of(const struct world *w, int side)
{
	return side ? w->far : w->near;
}

static void leaf_path(char *out, size_t room, const char *root, int leaf)
{
	(void)snprintf(out, room, "%s/%s/%s", root, folder_name[leaf / NAMES],
		       leaf_name[leaf % NAMES]);
}

static size_t content(const struct leaf *leaf, char *text, size_t room)
{
	size_t size = (size_t)(leaf->id * 37 % 211);

	for (size_t i = 0; i < size && i < room; i++)
		text[i] = (char)('a' + ((int)i + leaf->id) % 26);
	return size;
}

static void write_leaf(const char *root, int index, const struct leaf *leaf)
{
	char path[512], text[256];
	const struct timespec times[2] = { { leaf->time, 123456789 },
					   { leaf->time, 123456789 } };

	leaf_path(path, sizeof(path), root, index);
	(void)unlink(path);
	if (leaf->kind == 'f') {
		size_t size = content(leaf, text, sizeof(text));
		int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

		assert_true(fd >= 0);
		assert_int_equal(write(fd, text, size), size);
		assert_int_equal(fchmod(fd, (mode_t)leaf->mode), 0);
		close(fd);
	} else {
		(void)snprintf(text, sizeof(text), "to-%d", leaf->id);
		assert_int_equal(symlink(text, path), 0);
	}
	assert_int_equal(utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW), 0);
}

static void add_folder(struct world *w, int side, int folder)
{
	char path[512];

	if (folder < 0 || w->side[side].folder[folder])
		return;
	add_folder(w, side, folder_above[folder]);
	(void)snprintf(path, sizeof(path), "%s/%s", root_of(w, side),
		       folder_name[folder]);
	assert_int_equal(mkdir(path, 0755), 0);
	w->side[side].folder[folder] = true;
}

static void remove_leaf(struct world *w, int side, int index)
{
	char path[512];

	if (w->side[side].leaf[index].kind == '-')
		return;
	leaf_path(path, sizeof(path), root_of(w, side), index);
	assert_int_equal(unlink(path), 0);
	w->side[side].leaf[index].kind = '-';
}

static void remove_folder(struct world *w, int side, int folder)
{
	char path[512];

	if (!w->side[side].folder[folder])
		return;
	for (int i = 0; i < FOLDERS; i++)
		if (folder_above[i] == folder)
			remove_folder(w, side, i);
	for (int i = 0; i < NAMES; i++)
		remove_leaf(w, side, folder * NAMES + i);
	(void)snprintf(path, sizeof(path), "%s/%s", root_of(w, side),
		       folder_name[folder]);
	assert_int_equal(rmdir(path), 0);
	w->side[side].folder[folder] = false;
}

/* One edit of one side. */
static void edit(struct world *w)
{
	int side = (int)pick(w, 2), index = (int)pick(w, LEAVES);
	struct leaf *leaf = &w->side[side].leaf[index];
	char path[512];

	switch (pick(w, 12)) {
	case 0:
		remove_leaf(w, side, index);
		break;
	case 1:
		if (index / NAMES > 0)
			remove_folder(w, side, index / NAMES);
		break;
	case 2:
		add_folder(w, side, index / NAMES);
		break;
	case 3:
		if (leaf->kind != 'f')
			break;
		leaf->mode = leaf->mode == 0644 ? 0755 : 0644;
		leaf_path(path, sizeof(path), root_of(w, side), index);
		assert_int_equal(chmod(path, (mode_t)leaf->mode), 0);
		break;
	default:
		add_folder(w, side, index / NAMES);
		w->clock += 3;
		/* some are put back from long ago */
		*leaf = (struct leaf){ pick(w, 6) ? 'f' : 'l', (int)pick(w, 1000),
				       pick(w, 5) ? 1000000 + w->clock
						  : 500000 - w->clock,
				       0644 };
		write_leaf(root_of(w, side), index, leaf);
	}
}

/* ---- The model ---- */

static bool differs(const struct leaf *a, const struct leaf *b)
{
	if (a->kind != b->kind)
		return true;
	if (a->kind == 'l')
		return a->id != b->id;
	return a->time != b->time || a->id * 37 % 211 != b->id * 37 % 211;
}

static void model_leaf(struct world *w, const struct leaf *here, struct leaf *there,
		       struct leaf *past, bool remove)
{
	if (here->kind == '-' && there->kind == '-') {
		past->kind = '-';
	} else if (here->kind == '-') {
		if (remove && past->kind != '-' && differs(there, past)) {
			w->conflicts++;
		} else if (remove) {
			there->kind = past->kind = '-';
		}
	} else if (there->kind == '-' || !differs(here, there)) {
		int time = there->time;

		*there = *past = *here;
		if (past->kind == 'l' && time)
			there->time = time; /* of links they do not matter */
	} else if (past->kind == '-' ? there->time > here->time : !differs(here, past)) {
		w->kept++;
	} else if (past->kind != '-' && differs(there, past)) {
		w->conflicts++;
	} else {
		*there = *past = *here;
	}
}

static void model_run(struct world *w, int source, bool remove)
{
	struct side *here = &w->side[source], *there = &w->side[!source];

	w->conflicts = w->kept = 0;
	for (int i = 0; i < LEAVES; i++)
		model_leaf(w, &here->leaf[i], &there->leaf[i], &w->past[i], remove);
	for (int i = 0; i < FOLDERS; i++)
		there->folder[i] = there->folder[i] || here->folder[i];
	for (int i = FOLDERS; remove && i-- > 1;) {
		bool empty = !here->folder[i];

		for (int j = 0; j < NAMES; j++)
			empty = empty && there->leaf[i * NAMES + j].kind == '-';
		for (int j = 0; j < FOLDERS; j++)
			empty = empty && !(folder_above[j] == i && there->folder[j]);
		there->folder[i] = there->folder[i] && !empty;
	}
}

/* ---- What is really there ---- */

static void check_leaf(const char *root, int index, const struct leaf *leaf)
{
	char path[512], text[256] = "", wanted[256] = "";
	size_t size;
	struct stat st;
	int fd;

	leaf_path(path, sizeof(path), root, index);
	if (lstat(path, &st) < 0) {
		if (leaf->kind != '-')
			fail_msg("'%s' is missing", path);
		return;
	}
	if (leaf->kind == '-')
		fail_msg("'%s' should not be there", path);
	assert_true(leaf->kind == (S_ISLNK(st.st_mode) ? 'l' : 'f'));
	if (leaf->kind == 'l') {
		(void)snprintf(wanted, sizeof(wanted), "to-%d", leaf->id);
		assert_true(readlink(path, text, sizeof(text) - 1) > 0);
		assert_string_equal(text, wanted);
		return;
	}
	size = content(leaf, wanted, sizeof(wanted));
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (read(fd, text, sizeof(text)) != (ssize_t)size ||
	    memcmp(text, wanted, size) != 0)
		fail_msg("'%s' has other contents", path);
	close(fd);
	assert_int_equal(st.st_mtim.tv_sec, leaf->time);
	assert_int_equal(st.st_mode & 0777, leaf->mode);
}

static void check_side(const struct world *w, int side)
{
	const struct side *model = &w->side[side];
	const char *root = root_of(w, side);
	struct stat st;
	char path[512];

	for (int i = 0; i < FOLDERS; i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", root, folder_name[i]);
		if ((lstat(path, &st) == 0) != model->folder[i])
			fail_msg("folder '%s' should%s be there", path,
				 model->folder[i] ? "" : " not");
	}
	for (int i = 0; i < LEAVES; i++)
		check_leaf(root, i, &model->leaf[i]);
}

/* ---- Runs ---- */

static int run(struct world *w, int source, bool remove, struct uc_sync_result *result,
	       struct uc_error *err)
{
	const struct uc_sync_request request = {
		.direction = source ? UC_SYNC_PULL : UC_SYNC_PUSH,
		.near = w->near,
		.far = w->far,
		.state_folder = w->state,
		.remove = remove,
		.remove_max = 1000,
		.no_sync = true,
		.helper = UC_BUILD_DIR "/bin/usync --serve",
	};
	struct uc_sync_opener opener;

	w->fake.jobs = 0;
	w->fake.seed = w->seed;
	if (w->helper)
		return uc_sync_run(&request, NULL, result, err);
	fake_opener(&w->fake, &opener);
	return uc_sync_run_with(&request, NULL, &opener, result, err);
}

/* It ends at some job, with the process or with the connection. */
static void run_and_end(struct world *w, int source, bool remove)
{
	struct uc_sync_result result;
	struct uc_error err = { 0 };
	bool die = pick(w, 2);
	int status;
	pid_t pid;

	if (!die) {
		w->fake.lose_after = 1 + (long)pick(w, 20);
		(void)!run(w, source, remove, &result, &err);
		w->fake.lose_after = 0;
		return;
	}
	w->fake.die_after = 1 + (long)pick(w, 20);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		(void)!run(w, source, remove, &result, &err);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	w->fake.die_after = 0;
}

static void run_and_check(struct world *w, bool ends)
{
	int source = (int)pick(w, 2);
	bool remove = pick(w, 3) == 0;
	struct uc_sync_result result;
	struct uc_error err = { 0 };

	if (ends)
		run_and_end(w, source, remove);
	check_side(w, source);
	if (run(w, source, remove, &result, &err) < 0)
		fail_msg("%s", err.text);
	model_run(w, source, remove);
	check_side(w, source);
	check_side(w, !source);
	assert_int_equal(result.plan.entries[UC_SYNC_CONFLICT], w->conflicts);
	assert_int_equal(result.plan.entries[UC_SYNC_KEEP], w->kept);
	assert_int_equal(run(w, source, remove, &result, &err), 0);
	assert_int_equal(w->fake.jobs, 0);
	check_side(w, !source);
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static void one_world(unsigned seed, bool ends, bool helper)
{
	struct world w = { .seed = seed, .helper = helper };

	(void)snprintf(w.path, sizeof(w.path), "/tmp/uc-sync-model-XXXXXX");
	assert_non_null(mkdtemp(w.path));
	(void)snprintf(w.near, sizeof(w.near), "%s/near", w.path);
	(void)snprintf(w.far, sizeof(w.far), "%s/far", w.path);
	(void)snprintf(w.state, sizeof(w.state), "%s/state", w.path);
	w.fake = (struct fake){ .root = w.far, .deltas = seed % 2 };
	for (int side = 0; side < 2; side++) {
		assert_int_equal(mkdir(root_of(&w, side), 0755), 0);
		w.side[side].folder[0] = true;
		for (int i = 0; i < LEAVES; i++)
			w.side[side].leaf[i].kind = '-';
	}
	for (int i = 0; i < LEAVES; i++)
		w.past[i].kind = '-';
	for (int i = 0; i < 5; i++) {
		for (unsigned edits = pick(&w, 30); edits > 0; edits--)
			edit(&w);
		print_message("# seed %u run %d\n", seed, i);
		run_and_check(&w, ends);
	}
	(void)nftw(w.path, drop, 16, FTW_PHYS | FTW_DEPTH);
}

static void test_random(void **state)
{
	(void)state;
	for (unsigned seed = 1; seed <= 60; seed++)
		one_world(seed, false, false);
}

static void test_random_ends(void **state)
{
	(void)state;
	for (unsigned seed = 1001; seed <= 1030; seed++)
		one_world(seed, true, false);
}

static void test_random_helper(void **state)
{
	(void)state;
	for (unsigned seed = 2001; seed <= 2020; seed++)
		one_world(seed, false, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_random_ends),
		cmocka_unit_test(test_random_helper),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
