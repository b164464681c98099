/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Runs between two folders of this machine, the far one behind a far end of our own. */
#include <dirent.h>
#include <errno.h>
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

#define S INT64_C(1000000000)

/* Two folders, a state, and what the last run said. */
struct world {
	char path[64], near[80], far[80], state[80];
	struct fake fake;
	struct uc_sync_request request;
	struct uc_sync_result result;
	struct uc_error err;
	struct uc_buf items, done, notes; /* one a line */
	long stop_after;                  /* calls of `done` */
	long dones;
	int forbid; /* the plan */
};

static const char *const action_name[] = {
	[UC_SYNC_NEW] = "new",       [UC_SYNC_UPDATE] = "update",
	[UC_SYNC_META] = "meta",     [UC_SYNC_DELETE] = "delete",
	[UC_SYNC_KEEP] = "keep",     [UC_SYNC_CONFLICT] = "conflict",
	[UC_SYNC_SECRET] = "secret", [UC_SYNC_EXTRA] = "extra",
};

static void take_item(void *arg, const struct uc_sync_item *item)
{
	struct world *world = arg;

	uc_buf_addf(&world->items, "%s %s\n", action_name[item->action], item->path);
}

static void take_note(void *arg, struct uc_raw path, const char *text, int value)
{
	struct world *world = arg;

	(void)value;
	uc_buf_addf(&world->notes, "%s %s\n", path.bytes, text);
}

static int take_plan(void *arg, const struct uc_sync_plan *plan)
{
	struct world *world = arg;

	(void)plan;
	return world->forbid;
}

static void take_done(void *arg, const struct uc_sync_item *item, const char *text)
{
	struct world *world = arg;

	world->dones++;
	if (text)
		uc_buf_addf(&world->done, "%s: %s\n", item->path, text);
}

static bool take_stop(void *arg)
{
	struct world *world = arg;

	return world->stop_after && world->dones >= world->stop_after;
}

static int make(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	*state = w;
	(void)snprintf(w->path, sizeof(w->path), "/tmp/uc-sync-run-XXXXXX");
	if (!mkdtemp(w->path))
		return -1;
	(void)snprintf(w->near, sizeof(w->near), "%s/near", w->path);
	(void)snprintf(w->far, sizeof(w->far), "%s/far", w->path);
	(void)snprintf(w->state, sizeof(w->state), "%s/state", w->path);
	w->fake = (struct fake){ .root = w->far, .deltas = true, .seed = 1 };
	w->request = (struct uc_sync_request){
		.near = w->near, .far = w->far, .state_folder = w->state, .no_sync = true
	};
	return mkdir(w->near, 0755) < 0 || mkdir(w->far, 0755) < 0 ? -1 : 0;
}

static int drop(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)st;
	(void)kind;
	(void)ftw;
	return remove(path);
}

static int open_up(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
	(void)kind;
	(void)ftw;
	return S_ISDIR(st->st_mode) ? chmod(path, 0755) : 0;
}

static void erase(const char *path)
{
	(void)nftw(path, open_up, 16, FTW_PHYS);
	(void)nftw(path, drop, 16, FTW_PHYS | FTW_DEPTH);
}

static int unmake(void **state)
{
	struct world *w = *state;

	erase(w->path);
	uc_buf_free(&w->items);
	uc_buf_free(&w->done);
	uc_buf_free(&w->notes);
	free(w);
	return 0;
}

/* ---- Making trees ---- */

static void at(char *out, size_t room, const char *side, const char *path)
{
	(void)snprintf(out, room, "%s/%s", side, path);
}

static void set_time(const char *full, int64_t time)
{
	const struct timespec times[2] = { { time / S, time % S },
					   { time / S, time % S } };

	assert_int_equal(utimensat(AT_FDCWD, full, times, AT_SYMLINK_NOFOLLOW), 0);
}

/* A file; its time in tenths of a second, so that no fraction is nought. */
static void put(const char *side, const char *path, const char *text, int tenths)
{
	char full[512];
	int fd;

	at(full, sizeof(full), side, path);
	(void)unlink(full); /* other names of it stay as they are */
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	set_time(full, tenths * (S / 10) + 12345678);
}

static void put_folder(const char *side, const char *path)
{
	char full[512];

	at(full, sizeof(full), side, path);
	assert_int_equal(mkdir(full, 0755), 0);
}

static void put_big(const char *side, const char *path, size_t size, char what)
{
	char *bytes = malloc(size + 1);

	memset(bytes, what, size);
	bytes[size] = '\0';
	put(side, path, bytes, 50);
	free(bytes);
}

static void take_away(const char *side, const char *path)
{
	char full[512];

	at(full, sizeof(full), side, path);
	assert_int_equal(remove(full), 0);
}

static bool is_there(const char *side, const char *path)
{
	char full[512];
	struct stat st;

	at(full, sizeof(full), side, path);
	return lstat(full, &st) == 0;
}

static struct stat look(const char *side, const char *path)
{
	char full[512];
	struct stat st = { 0 };

	at(full, sizeof(full), side, path);
	if (lstat(full, &st) < 0)
		fail_msg("'%s' is not there", full);
	return st;
}

static void assert_text(const char *side, const char *path, const char *expected)
{
	char full[512], text[512] = "";
	int fd;

	at(full, sizeof(full), side, path);
	fd = open(full, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		fail_msg("'%s' cannot be read", full);
	close(fd);
	assert_string_equal(text, expected);
}

/* ---- Running ---- */

static int run(struct world *w, enum uc_sync_direction direction)
{
	const struct uc_sync_watcher watcher = { .item = take_item,
						 .note = take_note,
						 .plan = take_plan,
						 .done = take_done,
						 .stop = take_stop,
						 .arg = w };
	struct uc_sync_opener opener;

	uc_buf_reset(&w->items);
	uc_buf_reset(&w->done);
	uc_buf_reset(&w->notes);
	w->err = (struct uc_error){ 0 };
	w->dones = 0;
	w->fake.jobs = 0;
	w->fake.opened = 0;
	w->request.direction = direction;
	fake_opener(&w->fake, &opener);
	return uc_sync_run_with(&w->request, &watcher, &opener, &w->result, &w->err);
}

static void run_well(struct world *w, enum uc_sync_direction direction, const char *items)
{
	if (run(w, direction) < 0)
		fail_msg("%s\n%s", w->err.text, uc_buf_text(&w->done));
	assert_string_equal(uc_buf_text(&w->items), items);
	assert_string_equal(uc_buf_text(&w->done), "");
}

#define push(w, items) run_well((w), UC_SYNC_PUSH, (items))
#define pull(w, items) run_well((w), UC_SYNC_PULL, (items))

/* ---- Tests ---- */

static void put_tree(const char *side)
{
	put_folder(side, "d");
	put_folder(side, "d/e");
	put_folder(side, "empty");
	put(side, "d/a", "one", 100);
	put(side, "d/e/b", "two", 110);
	put(side, "c", "", 120);
	put(side, "\n\x1b[31m\xff", "odd", 130);
}

static void test_push(void **state)
{
	struct world *w = *state;
	char link[512];

	put_tree(w->near);
	at(link, sizeof(link), w->near, "l");
	assert_int_equal(symlink("../\xff", link), 0);
	at(link, sizeof(link), w->near, "c");
	assert_int_equal(chmod(link, 0755), 0);
	at(link, sizeof(link), w->near, "d");
	set_time(link, 7 * S + 1);
	push(w, "new \n\x1b[31m\xff\nnew c\nnew d\nnew d/a\nnew d/e\nnew d/e/b\n"
		"new empty\nnew l\n");
	assert_int_equal(w->result.done, 8);
	assert_int_equal(w->result.plan.bytes[UC_SYNC_NEW], 9);
	assert_int_equal(w->result.progress.bytes, 9);
	assert_string_equal(w->result.how, "fake, 1 connection");
	assert_text(w->far, "d/e/b", "two");
	assert_text(w->far, "\n\x1b[31m\xff", "odd");
	assert_int_equal(look(w->far, "c").st_mode & 07777, 0755);
	assert_int_equal(look(w->far, "d").st_mtim.tv_sec, 7);
	assert_int_equal(look(w->far, "d/a").st_mtim.tv_sec, 10);
	push(w, "");
	assert_int_equal(w->fake.jobs, 0);
	assert_int_equal(w->result.plan.entries[UC_SYNC_SAME], 8);
	pull(w, "");
	assert_int_equal(w->fake.jobs, 0);
}

static void test_pull(void **state)
{
	struct world *w = *state;

	put_tree(w->far);
	pull(w, "new \n\x1b[31m\xff\nnew c\nnew d\nnew d/a\nnew d/e\nnew d/e/b\n"
		"new empty\n");
	assert_text(w->near, "d/e/b", "two");
	assert_int_equal(look(w->near, "d/a").st_mtim.tv_sec, 10);
	assert_int_equal(look(w->near, "d").st_mtim.tv_sec,
			 look(w->far, "d").st_mtim.tv_sec);
	pull(w, "");
	push(w, "");
	assert_int_equal(w->fake.jobs, 0);
}

/* What each side did since is told apart, in both directions. */
static void test_changes(void **state)
{
	struct world *w = *state;

	put(w->near, "both", "old", 100);
	put(w->near, "far", "old", 100);
	put(w->near, "near", "old", 100);
	push(w, "new both\nnew far\nnew near\n");
	put(w->near, "both", "near", 200);
	put(w->far, "both", "far!", 210);
	put(w->far, "far", "far", 90);
	put(w->near, "near", "near", 90);
	push(w, "conflict both\nkeep far\nupdate near\n");
	assert_text(w->far, "both", "far!");
	assert_text(w->far, "near", "near");
	push(w, "conflict both\nkeep far\n");
	pull(w, "conflict both\nupdate far\n");
	assert_text(w->near, "both", "near");
	assert_text(w->near, "far", "far");
	w->request.overwrite = true;
	push(w, "update both\n");
	assert_text(w->far, "both", "near");
	assert_true(is_there(w->far, ".ucluster-trash"));
	w->request.overwrite = false;
	push(w, "");
	pull(w, "");
}

static void test_no_state(void **state)
{
	struct world *w = *state;

	w->request.state_folder = NULL;
	put(w->near, "a", "near", 100);
	put(w->far, "a", "far", 200);
	put(w->near, "b", "near", 200);
	put(w->far, "b", "far", 100);
	push(w, "keep a\nupdate b\n");
	push(w, "keep a\n");
	pull(w, "update a\n");
	assert_text(w->near, "a", "far");
	assert_false(is_there(w->path, "state"));
}

static void test_damaged_state(void **state)
{
	struct world *w = *state;
	char name[512] = "";
	struct dirent *entry;
	DIR *dir;
	int damaged = 0;

	put(w->near, "a", "one", 100);
	push(w, "new a\n");
	dir = opendir(w->state);
	while ((entry = readdir(dir)))
		if (strstr(entry->d_name, ".state") && !strstr(entry->d_name, ".lock"))
			(void)snprintf(name, sizeof(name), "%s", entry->d_name);
	closedir(dir);
	put(w->state, name, "ucstate\1 and nothing else", 100);
	put(w->far, "a", "far", 200);
	push(w, "keep a\n");
	assert_non_null(strstr(uc_buf_text(&w->notes), "damaged"));
	dir = opendir(w->state);
	while ((entry = readdir(dir)))
		damaged += strstr(entry->d_name, ".damaged") != NULL;
	closedir(dir);
	assert_int_equal(damaged, 1);
	push(w, "keep a\n");
	assert_string_equal(uc_buf_text(&w->notes), "");
}

static void test_locked(void **state)
{
	struct world *w = *state;
	struct uc_sync_state_name name = { w->state, NULL, w->near, w->far };
	uc_auto(sync_state) struct uc_sync_state *held = NULL;
	bool damaged;

	assert_int_equal(uc_sync_state_open(&held, &name, true, &damaged, NULL), 0);
	assert_int_equal(run(w, UC_SYNC_PUSH), -1);
	assert_int_equal(w->err.code, UC_UNREACHABLE);
	w->request.dry_run = true;
	assert_int_equal(run(w, UC_SYNC_PUSH), 0);
}

static void put_many(const char *side, int from, int to)
{
	for (int i = from; i < to; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "f%03d", i);
		put(side, name, name, 100 + i);
	}
}

static void test_remove(void **state)
{
	struct world *w = *state;

	put_many(w->near, 0, 30);
	put_folder(w->far, "old");
	put_folder(w->far, "old/er");
	put(w->far, "old/er/x", "x", 10);
	put(w->far, "old/y", "y", 10);
	assert_int_equal(run(w, UC_SYNC_PUSH), 0);
	assert_int_equal(w->result.plan.entries[UC_SYNC_EXTRA], 4);
	w->request.remove = true;
	w->fake.incomplete = true;
	push(w, "extra old\nextra old/er\nextra old/er/x\nextra old/y\n");
	assert_true(is_there(w->far, "old/er/x"));
	w->fake.incomplete = false;
	push(w, "delete old\ndelete old/er\ndelete old/er/x\ndelete old/y\n");
	assert_false(is_there(w->far, "old"));
	assert_int_equal(w->result.done, 4);
	push(w, "");
	/* gone here, changed there */
	take_away(w->near, "f001");
	take_away(w->near, "f002");
	put(w->far, "f002", "result", 500);
	push(w, "delete f001\nconflict f002\n");
	assert_text(w->far, "f002", "result");
}

static void test_remove_caps(void **state)
{
	struct world *w = *state;

	put_many(w->near, 0, 30);
	assert_int_equal(run(w, UC_SYNC_PUSH), 0);
	w->request.remove = true;
	for (int i = 0; i < 16; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "f%03d", i);
		take_away(w->near, name);
	}
	assert_int_equal(run(w, UC_SYNC_PUSH), -1);
	assert_non_null(strstr(w->err.text, "16 of 30 entries would be removed"));
	assert_true(is_there(w->far, "f000"));
	w->request.remove_max = 15;
	assert_int_equal(run(w, UC_SYNC_PUSH), -1);
	w->request.remove_max = 16;
	assert_int_equal(run(w, UC_SYNC_PUSH), 0);
	assert_false(is_there(w->far, "f000"));
	assert_true(is_there(w->far, "f016"));
	/* nothing at all at the source: not even a few */
	w->request.remove_max = 0;
	erase(w->near);
	assert_int_equal(mkdir(w->near, 0755), 0);
	assert_int_equal(run(w, UC_SYNC_PUSH), -1);
	assert_true(is_there(w->far, "f016"));
}

/* What rules leave behind here is not missing here. */
static void test_remove_rules(void **state)
{
	struct world *w = *state;

	put_many(w->near, 0, 30);
	put_folder(w->near, "d");
	put(w->near, "d/keep", "", 10);
	put_folder(w->far, "data");
	put(w->far, "data/x", "x", 10);
	put(w->far, "a.log", "x", 10);
	put_folder(w->far, "d");
	put(w->far, "d/b.log", "x", 10);
	put(w->far, "d/c", "x", 10);
	put_folder(w->far, "out");
	put(w->far, "out/y.tmp", "x", 10);
	put(w->near, ".gitignore", "*.log\n/data/\n", 10);
	put(w->near, "d/.usyncignore", "!b.log\n", 10);
	w->request.remove = true;
	w->request.command_rules = "*.tmp\n";
	assert_int_equal(run(w, UC_SYNC_PUSH), 0);
	assert_true(is_there(w->far, "data/x"));
	assert_true(is_there(w->far, "a.log"));
	assert_false(is_there(w->far, "d/b.log"));
	assert_false(is_there(w->far, "d/c"));
	assert_true(is_there(w->far, "out/y.tmp"));
	assert_string_equal(uc_buf_text(&w->done), "");
	/* the other way round rules of the far side count, which came just now */
	w->request.command_rules = NULL;
	put(w->near, "new.txt", "", 10);
	put(w->far, ".gitignore", "*.txt\n*.log\n/data/\n", 900);
	assert_int_equal(run(w, UC_SYNC_PULL), 0);
	assert_true(is_there(w->near, "new.txt"));
	assert_int_equal(run(w, UC_SYNC_PULL), 0);
	assert_true(is_there(w->near, "new.txt")); /* now a rule here */
}

static void test_kinds(void **state)
{
	struct world *w = *state;

	put(w->near, "a", "one", 100);
	put_folder(w->near, "b");
	put(w->near, "b/x", "x", 100);
	put_folder(w->near, "c");
	put(w->near, "c/y", "y", 100);
	push(w, "new a\nnew b\nnew b/x\nnew c\nnew c/y\n");
	/* a file becomes a folder, a folder a file */
	take_away(w->near, "a");
	put_folder(w->near, "a");
	put(w->near, "a/in", "in", 300);
	take_away(w->near, "b/x");
	take_away(w->near, "b");
	put(w->near, "b", "file", 300);
	push(w, "update a\nnew a/in\nconflict b\nextra b/x\n");
	assert_text(w->far, "a/in", "in");
	assert_text(w->far, "b/x", "x");
	w->request.remove = true;
	push(w, "update b\ndelete b/x\n");
	assert_text(w->far, "b", "file");
	push(w, "");
	/* at the destination a folder became a file: nothing is written into it */
	w->request.remove = false;
	take_away(w->far, "c/y");
	take_away(w->far, "c");
	put(w->far, "c", "result", 400);
	put(w->near, "c/z", "z", 400);
	push(w, "keep c\nconflict c/y\nconflict c/z\n");
	assert_text(w->far, "c", "result");
}

static void test_secrets(void **state)
{
	struct world *w = *state;

	put_folder(w->near, ".ssh");
	put(w->near, ".ssh/id_ed25519", "-----BEGIN OPENSSH PRIVATE KEY-----\n", 100);
	put(w->near, "notes",
	    "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAA\n", 100);
	put(w->near, "plain", "text", 100);
	push(w, "new .ssh\nsecret .ssh/id_ed25519\nsecret notes\nnew plain\n");
	assert_false(is_there(w->far, "notes"));
	w->request.allow_secrets = true;
	push(w, "new .ssh/id_ed25519\nnew notes\n");
}

static void test_only(void **state)
{
	static const char *const only[] = { "./d/e/", "c", NULL };
	static const char *const bad[] = { "d/../..", NULL };
	static const char *const gone[] = { "nowhere", NULL };
	struct world *w = *state;

	put_tree(w->near);
	put(w->far, "extra", "", 10);
	put_folder(w->far, "d");
	put(w->far, "d/extra", "", 10);
	w->request.only = only;
	w->request.remove = true;
	push(w, "new c\nnew d/e\nnew d/e/b\n");
	assert_true(is_there(w->far, "extra") && is_there(w->far, "d/extra"));
	assert_false(is_there(w->far, "d/a"));
	w->request.only = bad;
	assert_int_equal(run(w, UC_SYNC_PUSH), -1);
	assert_int_equal(w->err.code, UC_USAGE);
	w->request.only = gone;
	assert_int_equal(run(w, UC_SYNC_PUSH), -1);
	assert_int_equal(w->err.code, UC_NOTFOUND);
	/* what was out of scope is remembered all the same */
	w->request.only = NULL;
	w->request.remove = false;
	assert_int_equal(run(w, UC_SYNC_PUSH), 0);
	put(w->far, "d/a", "far", 900);
	w->request.only = only;
	push(w, "");
	w->request.only = NULL;
	push(w, "keep d/a\nextra d/extra\nextra extra\n");
}

static void test_select(void **state)
{
	static const char *const models[] = { "*.pt", "runs/*/log", NULL };
	struct world *w = *state;

	put_folder(w->far, "deep");
	put_folder(w->far, "empty");
	put(w->far, "deep/a.pt", "a", 100);
	put(w->far, "b.pt", "b", 300);
	put(w->far, "c.pt", "c", 200);
	put(w->far, "code.py", "x", 200);
	put_folder(w->far, "runs");
	put_folder(w->far, "runs/1");
	put(w->far, "runs/1/log", "l", 50);
	put(w->far, "runs/1/other", "o", 50);
	w->request.select = models;
	w->request.newest = 2;
	pull(w, "new b.pt\nnew c.pt\n");
	pull(w, "");
	assert_int_equal(w->fake.jobs, 0);
	w->request.newest = 0;
	pull(w, "new deep\nnew deep/a.pt\nnew runs\nnew runs/1\nnew runs/1/log\n");
	assert_false(is_there(w->near, "empty") || is_there(w->near, "code.py") ||
		     is_there(w->near, "runs/1/other"));
	pull(w, "");
}

static void link_to(const char *side, const char *from, const char *to)
{
	char old[512], new[512];

	at(old, sizeof(old), side, from);
	at(new, sizeof(new), side, to);
	(void)unlink(new);
	assert_int_equal(link(old, new), 0);
}

static void test_twins(void **state)
{
	struct world *w = *state;

	put(w->near, "a", "one", 100);
	put_folder(w->near, "d");
	link_to(w->near, "a", "d/b");
	link_to(w->near, "a", "z");
	push(w, "new a\nnew d\nnew d/b\nnew z\n");
	assert_int_equal(look(w->far, "a").st_ino, look(w->far, "z").st_ino);
	assert_int_equal(look(w->far, "a").st_ino, look(w->far, "d/b").st_ino);
	push(w, "");
	put(w->near, "a", "two", 200);
	link_to(w->near, "a", "d/b");
	link_to(w->near, "a", "z");
	push(w, "update a\nupdate d/b\nupdate z\n");
	assert_text(w->far, "z", "two");
	assert_int_equal(look(w->far, "a").st_ino, look(w->far, "z").st_ino);
	push(w, "");
	/* the same contents, no longer one file there */
	put(w->far, "z", "two", 200);
	push(w, "meta z\n");
	assert_int_equal(look(w->far, "a").st_ino, look(w->far, "z").st_ino);
	/* a time alone, which all names share */
	put(w->near, "a", "two", 200);
	link_to(w->near, "a", "d/b");
	link_to(w->near, "a", "z");
	push(w, "");
}

static void test_twins_pull(void **state)
{
	struct world *w = *state;
	char full[512];

	put(w->far, "a", "one", 100);
	link_to(w->far, "a", "b");
	link_to(w->far, "a", "c");
	pull(w, "new a\nnew b\nnew c\n");
	assert_int_equal(look(w->near, "a").st_ino, look(w->near, "c").st_ino);
	at(full, sizeof(full), w->far, "a");
	assert_int_equal(chmod(full, 0755), 0);
	pull(w, "meta a\nmeta b\nmeta c\n");
	assert_int_equal(look(w->near, "c").st_mode & 07777, 0755);
	pull(w, "");
}

static void test_modes(void **state)
{
	struct world *w = *state;
	char full[512];

	put_folder(w->near, "ro");
	put_folder(w->near, "ro/sub");
	put(w->near, "ro/sub/a", "one", 100);
	at(full, sizeof(full), w->near, "ro/sub");
	assert_int_equal(chmod(full, 0500), 0);
	at(full, sizeof(full), w->near, "ro");
	assert_int_equal(chmod(full, 0555), 0);
	push(w, "new ro\nnew ro/sub\nnew ro/sub/a\n");
	assert_int_equal(look(w->far, "ro").st_mode & 07777, 0555);
	assert_int_equal(look(w->far, "ro/sub").st_mode & 07777, 0500);
	push(w, "");
	at(full, sizeof(full), w->near, "ro/sub");
	assert_int_equal(chmod(full, 0700), 0);
	put(w->near, "ro/sub/a", "two", 200);
	assert_int_equal(chmod(full, 0500), 0);
	push(w, "update ro/sub/a\n");
	assert_text(w->far, "ro/sub/a", "two");
	assert_int_equal(look(w->far, "ro/sub").st_mode & 07777, 0500);
	push(w, "");
}

static void test_checksum(void **state)
{
	struct world *w = *state;

	put(w->near, "a", "same", 100);
	put(w->far, "a", "same", 300);
	put(w->near, "b", "one", 100);
	put(w->far, "b", "two", 100);
	push(w, "keep a\n");
	w->request.checksum = true;
	push(w, "meta a\nupdate b\n");
	assert_text(w->far, "b", "one");
	assert_int_equal(look(w->far, "a").st_mtim.tv_sec, 10);
	push(w, "");
}

static void test_coarse(void **state)
{
	struct world *w = *state;

	w->fake.coarse = true;
	w->fake.deltas = false;
	put_tree(w->near);
	assert_int_equal(run(w, UC_SYNC_PUSH), 0);
	push(w, "");
	assert_int_equal(w->fake.jobs, 0);
	put(w->near, "d/a", "three", 400);
	put(w->far, "c", "far", 500);
	push(w, "keep c\nupdate d/a\n");
	pull(w, "update c\n");
	push(w, "");
	pull(w, "");
	/* written again within the second */
	put(w->near, "d/a", "seven", 405);
	pull(w, "keep d/a\n");
	push(w, "update d/a\n");
	assert_text(w->far, "d/a", "seven");
	push(w, "");
	pull(w, "");
}

static void test_dry_run(void **state)
{
	struct world *w = *state;

	put_tree(w->near);
	w->request.dry_run = true;
	push(w, "new \n\x1b[31m\xff\nnew c\nnew d\nnew d/a\nnew d/e\nnew d/e/b\n"
		"new empty\n");
	assert_int_equal(w->fake.jobs, 0);
	assert_false(is_there(w->far, "c"));
	/* nor a folder that would be made */
	assert_int_equal(rmdir(w->far), 0);
	w->request.create = w->request.sftp = true;
	assert_int_equal(run(w, UC_SYNC_PUSH), 0);
	assert_int_equal(w->result.plan.entries[UC_SYNC_NEW], 7);
	assert_false(is_there(w->path, "far"));
	assert_int_equal(mkdir(w->far, 0755), 0);
	w->request.dry_run = false;
	w->forbid = -1;
	assert_int_equal(run(w, UC_SYNC_PUSH), -1);
	assert_int_equal(w->err.code, UC_FAILED);
	assert_string_equal(w->err.text, "");
	assert_false(is_there(w->far, "c"));
}

static void test_changed_meanwhile(void **state)
{
	struct world *w = *state;

	put(w->near, "a", "one", 100);
	put(w->near, "b", "one", 100);
	push(w, "new a\nnew b\n");
	put(w->near, "a", "two", 200);
	put(w->near, "b", "two", 200);
	w->fake.change = "a";
	assert_int_equal(run(w, UC_SYNC_PUSH), -1);
	assert_int_equal(w->err.code, UC_FAILED);
	assert_int_equal(w->result.changed, 1);
	assert_non_null(strstr(uc_buf_text(&w->done), "a: changed while syncing"));
	assert_text(w->far, "a", "one");
	assert_text(w->far, "b", "two");
	w->fake.change = NULL;
	push(w, "conflict a\n");
}

/* A connection that goes at any point: what is there is whole, the next run goes on. */
static void test_lost(void **state)
{
	struct world *w = *state;

	put_many(w->near, 0, 40);
	for (long after = 1; after < 45; after += 3) {
		w->fake.lose_after = after;
		w->fake.seed = (unsigned)after;
		erase(w->far);
		erase(w->state);
		assert_int_equal(mkdir(w->far, 0755), 0);
		assert_int_equal(run(w, UC_SYNC_PUSH), after > 40 ? 0 : -1);
		if (after <= 40) {
			assert_int_equal(w->err.code, UC_UNREACHABLE);
			assert_non_null(strstr(w->err.hint, "run it again"));
		}
		w->fake.lose_after = 0;
		assert_int_equal(run(w, UC_SYNC_PUSH), 0);
		assert_text(w->far, "f039", "f039");
		push(w, "");
	}
}

/* What a server refuses at the end is refused again: no connection was lost. */
static void test_refused_end(void **state)
{
	struct world *w = *state;

	put(w->near, "file", "text", 50);
	w->fake.stuck = true;
	assert_int_equal(run(w, UC_SYNC_PUSH), -1);
	assert_int_equal(w->err.code, UC_FAILED);
	assert_string_equal(w->err.hint, "");
	assert_text(w->far, "file", "text");
}

static void test_stopped(void **state)
{
	struct world *w = *state;

	put_many(w->near, 0, 300);
	w->stop_after = 20;
	assert_int_equal(run(w, UC_SYNC_PUSH), -1);
	assert_true(w->result.interrupted);
	assert_true(w->result.done >= 20 && w->result.done < 300);
	assert_int_equal(w->result.failed, 0);
	w->stop_after = 0;
	put(w->far, "f000", "far", 900); /* the state knows it: it was done */
	assert_int_equal(run(w, UC_SYNC_PUSH), 0);
	assert_text(w->far, "f000", "far");
	assert_int_equal(w->result.plan.entries[UC_SYNC_KEEP], 1);
	assert_text(w->far, "f299", "f299");
}

static bool stop_now(void *arg)
{
	(void)arg;
	return true;
}

/* Before there is a plan it ends at once, with the walk. */
static void test_stopped_early(void **state)
{
	const struct uc_sync_watcher watcher = { .stop = stop_now };
	struct world *w = *state;
	struct uc_sync_opener opener;

	put_many(w->near, 0, 300);
	fake_opener(&w->fake, &opener);
	assert_int_equal(
		uc_sync_run_with(&w->request, &watcher, &opener, &w->result, &w->err),
		-1);
	assert_true(w->result.interrupted);
	assert_non_null(strstr(w->err.text, "interrupted"));
	assert_int_equal(w->fake.jobs, 0);
	assert_false(is_there(w->far, "f000"));
}

static void test_silent(void **state)
{
	struct world *w = *state;

	w->fake.silent = true;
	put_tree(w->near);
	assert_int_equal(run(w, UC_SYNC_PUSH), 0);
	assert_int_equal(w->fake.opened, 2);
	assert_text(w->far, "d/e/b", "two");
}

static void test_lanes(void **state)
{
	struct world *w = *state;

	for (int i = 0; i < 12; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "big%d", i);
		put_big(w->near, name, (1 << 20) + (size_t)i * 1000, (char)('a' + i));
	}
	put_many(w->near, 0, 20);
	w->request.streams = 3;
	w->fake.bad_lane = 2;
	assert_int_equal(run(w, UC_SYNC_PUSH), 0);
	assert_int_equal(w->result.done, 32);
	assert_int_equal(w->fake.opened, 2);
	assert_int_equal(look(w->far, "big11").st_size, (1 << 20) + 11000);
	push(w, "");
	erase(w->near);
	assert_int_equal(mkdir(w->near, 0755), 0);
	erase(w->state);
	assert_int_equal(run(w, UC_SYNC_PULL), 0);
	assert_int_equal(look(w->near, "big11").st_size, (1 << 20) + 11000);
	pull(w, "");
}

/* What was put together wrongly is sent whole, once. */
static void test_again(void **state)
{
	struct world *w = *state;

	put(w->near, "a", "one", 50);
	put_big(w->near, "d", 3 << 20, 'x');
	put(w->near, "z", "two", 50);
	assert_int_equal(run(w, UC_SYNC_PUSH), 0);
	put_big(w->near, "d", (3 << 20) + 1, 'y');
	put(w->near, "z", "three", 60);
	w->fake.spoil = "d";
	assert_int_equal(run(w, UC_SYNC_PUSH), 0);
	assert_int_equal(w->fake.tries, 2);
	assert_int_equal(w->result.done, 2);
	assert_int_equal(w->result.failed, 0);
	assert_int_equal(look(w->far, "d").st_size, (3 << 20) + 1);
	/* no more than once */
	w->fake.spoil = "z";
	w->fake.spoil_whole = true;
	w->fake.tries = 0;
	put(w->near, "z", "four", 70);
	assert_int_not_equal(run(w, UC_SYNC_PUSH), 0);
	assert_int_equal(w->fake.tries, 2);
	assert_int_equal(w->result.failed, 1);
	assert_text(w->far, "z", "three");
	/* and in the other direction */
	w->fake.spoil_whole = false;
	w->fake.tries = 0;
	put(w->far, "z", "five", 80);
	erase(w->near);
	assert_int_equal(mkdir(w->near, 0755), 0);
	erase(w->state);
	assert_int_equal(run(w, UC_SYNC_PULL), 0);
	assert_int_equal(w->fake.tries, 2);
	assert_text(w->near, "z", "five");
}

/* Large new files are for the others, as long as there are any. */
static void test_lanes_beside(void **state)
{
	struct world *w = *state;

	w->fake.beside = 2; /* so little is worth only one */
	put_big(w->near, "new1", 40 << 20, 'a');
	put_big(w->near, "new2", 40 << 20, 'b');
	put(w->near, "small", "text", 50);
	assert_int_equal(run(w, UC_SYNC_PUSH), 0);
	assert_int_equal(w->result.done, 3);
	assert_int_equal(w->fake.opened, 2);
	assert_int_equal(w->fake.files[0], 1);
	assert_int_equal(w->fake.files[1], 2);
	assert_int_equal(look(w->far, "new2").st_size, 40 << 20);
	/* nobody else is there */
	erase(w->near);
	assert_int_equal(mkdir(w->near, 0755), 0);
	erase(w->state);
	w->fake.bad_lane = 1;
	assert_int_equal(run(w, UC_SYNC_PULL), 0);
	assert_int_equal(w->fake.files[0], 4);
	assert_int_equal(look(w->near, "new1").st_size, 40 << 20);
	pull(w, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_push, make, unmake),
		cmocka_unit_test_setup_teardown(test_pull, make, unmake),
		cmocka_unit_test_setup_teardown(test_changes, make, unmake),
		cmocka_unit_test_setup_teardown(test_no_state, make, unmake),
		cmocka_unit_test_setup_teardown(test_damaged_state, make, unmake),
		cmocka_unit_test_setup_teardown(test_locked, make, unmake),
		cmocka_unit_test_setup_teardown(test_remove, make, unmake),
		cmocka_unit_test_setup_teardown(test_remove_caps, make, unmake),
		cmocka_unit_test_setup_teardown(test_remove_rules, make, unmake),
		cmocka_unit_test_setup_teardown(test_kinds, make, unmake),
		cmocka_unit_test_setup_teardown(test_secrets, make, unmake),
		cmocka_unit_test_setup_teardown(test_only, make, unmake),
		cmocka_unit_test_setup_teardown(test_select, make, unmake),
		cmocka_unit_test_setup_teardown(test_twins, make, unmake),
		cmocka_unit_test_setup_teardown(test_twins_pull, make, unmake),
		cmocka_unit_test_setup_teardown(test_modes, make, unmake),
		cmocka_unit_test_setup_teardown(test_checksum, make, unmake),
		cmocka_unit_test_setup_teardown(test_coarse, make, unmake),
		cmocka_unit_test_setup_teardown(test_dry_run, make, unmake),
		cmocka_unit_test_setup_teardown(test_changed_meanwhile, make, unmake),
		cmocka_unit_test_setup_teardown(test_lost, make, unmake),
		cmocka_unit_test_setup_teardown(test_refused_end, make, unmake),
		cmocka_unit_test_setup_teardown(test_stopped, make, unmake),
		cmocka_unit_test_setup_teardown(test_stopped_early, make, unmake),
		cmocka_unit_test_setup_teardown(test_silent, make, unmake),
		cmocka_unit_test_setup_teardown(test_lanes, make, unmake),
		cmocka_unit_test_setup_teardown(test_lanes_beside, make, unmake),
		cmocka_unit_test_setup_teardown(test_again, make, unmake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
