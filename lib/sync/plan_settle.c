/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ucluster/units.h>

#include "sync/behind.h"
#include "sync/plan.h"
#include "sync/secret.h"

#define REMOVE_MAX   1000u
#define REMOVE_SMALL 10u /* so many may be more than half of what is there */
#define ROOM_MARGIN  ((uint64_t)16 << 20)

/* ---- The newest ---- */

struct newest {
	const struct uc_sync_row **row; /* a heap, the oldest first */
	size_t count, most;
};

static bool is_older(const struct uc_sync_planner *planner, const struct uc_sync_row *a,
		     const struct uc_sync_row *b)
{
	int64_t first = uc_sync_row_here(planner, a)->mtime;
	int64_t second = uc_sync_row_here(planner, b)->mtime;

	if (first != second)
		return first < second;
	return uc_sync_path_compare(uc_sync_row_path(a), uc_sync_row_path(b)) > 0;
}

static void sink(const struct uc_sync_planner *planner, struct newest *newest)
{
	size_t at = 0;

	for (;;) {
		size_t next = at * 2 + 1;
		const struct uc_sync_row *row = newest->row[at];

		if (next >= newest->count)
			return;
		if (next + 1 < newest->count &&
		    is_older(planner, newest->row[next + 1], newest->row[next]))
			next++;
		if (!is_older(planner, newest->row[next], row))
			return;
		newest->row[at] = newest->row[next];
		newest->row[next] = row;
		at = next;
	}
}

static void rise(const struct uc_sync_planner *planner, struct newest *newest,
		 const struct uc_sync_row *row)
{
	size_t at = newest->count++;

	for (; at > 0 && is_older(planner, row, newest->row[(at - 1) / 2]);
	     at = (at - 1) / 2)
		newest->row[at] = newest->row[(at - 1) / 2];
	newest->row[at] = row;
}

static bool is_source_file(const struct uc_sync_planner *planner,
			   const struct uc_sync_row *row)
{
	const struct uc_sync_entry *here = uc_sync_row_here(planner, row);

	return here && here->kind != UC_SYNC_FOLDER && row->action != UC_SYNC_ACTIONS;
}

/*
 * Of the files at the source, only the latest concern this run. With `newest`, files that
 * are the same on both sides have rows as well.
 */
static int keep_newest(struct uc_sync_planner *planner, struct uc_error *err)
{
	struct newest newest = { .most = planner->request->newest };

	if (newest.most > planner->rows)
		return 0;
	newest.row = calloc(newest.most, sizeof(*newest.row));
	if (!newest.row)
		return uc_fail(err, UC_FAILED, "out of memory");
	for (size_t i = 0; i < planner->rows; i++) {
		const struct uc_sync_row *row = uc_sync_plan_row(planner, i);

		if (!is_source_file(planner, row))
			continue;
		if (newest.count < newest.most) {
			rise(planner, &newest, row);
		} else if (is_older(planner, newest.row[0], row)) {
			newest.row[0] = row;
			sink(planner, &newest);
		}
	}
	for (size_t i = 0; i < planner->rows; i++) {
		struct uc_sync_row *row = uc_sync_plan_row(planner, i);

		if (is_source_file(planner, row) && is_older(planner, row, newest.row[0]))
			row->action = UC_SYNC_ACTIONS;
	}
	free(newest.row);
	return 0;
}

/* ---- Secrets ---- */

/* The folder of a path; the one that is open is kept for the next. */
struct folder {
	int fd;
	size_t len; /* of its path */
	const char *path;
};

static int open_folder(const struct uc_sync_planner *planner, struct folder *folder,
		       const char *path)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;
	char above[UC_SYNC_PATH_MAX + 1];

	if (len == 0)
		return planner->root;
	if (folder->fd >= 0 && folder->len == len && memcmp(folder->path, path, len) == 0)
		return folder->fd;
	if (folder->fd >= 0)
		close(folder->fd);
	memcpy(above, path, len);
	above[len] = '\0';
	*folder = (struct folder){
		uc_store_openat(planner->root, above, O_RDONLY | O_DIRECTORY), len, path
	};
	return folder->fd;
}

static void find_secrets(struct uc_sync_planner *planner, struct uc_sync_plan *plan)
{
	struct folder folder = { .fd = -1 };

	for (size_t i = 0; i < planner->rows; i++) {
		struct uc_sync_row *row = uc_sync_plan_row(planner, i);
		const char *what;

		if ((row->action != UC_SYNC_NEW && row->action != UC_SYNC_UPDATE) ||
		    row->near->kind != UC_SYNC_FILE)
			continue;
		what = uc_sync_secret_look(open_folder(planner, &folder, row->near->path),
					   row->near);
		if (!what)
			continue;
		row->action = UC_SYNC_SECRET;
		row->why = what;
		plan->refused += uc_sync_scope_names(planner->scope, row->near->path);
	}
	if (folder.fd >= 0)
		close(folder.fd);
}

/* ---- Removals ---- */

static void spare(struct uc_sync_row *row, const char *why)
{
	row->action = UC_SYNC_EXTRA;
	row->why = why;
}

static void guard_removals(struct uc_sync_planner *planner, bool complete)
{
	uc_auto(sync_behind) struct uc_sync_behind *behind = NULL;
	bool push = uc_sync_is_push(planner);

	if (push && complete && planner->request->remove && planner->walk)
		behind = uc_sync_behind_new(planner->root, planner->walk);
	for (size_t i = 0; i < planner->rows; i++) {
		struct uc_sync_row *row = uc_sync_plan_row(planner, i);
		const struct uc_sync_entry *there = uc_sync_row_there(planner, row);
		int left = 0;

		if (row->action != UC_SYNC_DELETE)
			continue;
		if (push)
			left = behind ? uc_sync_behind_look(behind, there->path,
							    there->kind == UC_SYNC_FOLDER)
				      : -1;
		if (!complete)
			spare(row, "not all was seen");
		else if (left)
			spare(row, left > 0 ? "left behind here by a rule"
					    : "rules cannot be read");
		else if (!push && planner->rules_differ)
			spare(row, "rules changed: not before the next run");
	}
}

static bool is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	return strncmp(path, folder, len) == 0 && path[len] == '/';
}

static bool writes(const struct uc_sync_row *row)
{
	return row->action == UC_SYNC_NEW || row->action == UC_SYNC_UPDATE ||
	       row->action == UC_SYNC_META;
}

/* From the end: folders that stay for what is in them, or are needed for it. */
static void settle_folders(struct uc_sync_planner *planner)
{
	const char *stays = "", *written = "";

	for (size_t i = planner->rows; i-- > 0;) {
		struct uc_sync_row *row = uc_sync_plan_row(planner, i);
		const struct uc_sync_entry *there = uc_sync_row_there(planner, row);
		const char *path = uc_sync_row_path(row);

		if (row->action == UC_SYNC_DELETE && is_below(stays, path))
			spare(row, "not empty");
		if (row->linger && is_below(stays, path)) {
			row->action = UC_SYNC_CONFLICT;
			row->linger = false;
		}
		if (row->above && row->action == UC_SYNC_NEW && !is_below(written, path))
			row->action = UC_SYNC_ACTIONS;
		if (there && row->action != UC_SYNC_DELETE && !row->linger)
			stays = path;
		if (writes(row))
			written = path;
	}
}

/* ---- Sums ---- */

static uint64_t bytes_of(const struct uc_sync_entry *entry)
{
	return entry && entry->kind == UC_SYNC_FILE ? entry->size : 0;
}

static void count(const struct uc_sync_planner *planner, struct uc_sync_plan *plan)
{
	plan->entries[UC_SYNC_SAME] = planner->same;
	plan->bytes[UC_SYNC_SAME] = planner->same_bytes;
	for (size_t i = 0; i < planner->rows; i++) {
		const struct uc_sync_row *row = uc_sync_plan_row(planner, i);
		const struct uc_sync_entry *here = uc_sync_row_here(planner, row);

		if (row->action == UC_SYNC_ACTIONS || row->action == UC_SYNC_SAME)
			continue;
		plan->entries[row->action]++;
		plan->bytes[row->action] +=
			bytes_of(here ? here : uc_sync_row_there(planner, row));
	}
}

int uc_sync_plan_settle(struct uc_sync_planner *planner, bool complete,
			struct uc_sync_plan *plan, struct uc_error *err)
{
	if (planner->request->newest && keep_newest(planner, err) < 0)
		return -1;
	if (uc_sync_is_push(planner) && !planner->request->allow_secrets)
		find_secrets(planner, plan);
	guard_removals(planner, complete);
	settle_folders(planner);
	count(planner, plan);
	plan->complete = complete;
	return 0;
}

/* ---- Checks ---- */

static int check_removals(const struct uc_sync_planner *planner,
			  const struct uc_sync_plan *plan, struct uc_error *err)
{
	uint64_t removed = plan->entries[UC_SYNC_DELETE];
	uint64_t most = planner->request->remove_max;
	bool nothing = planner->same == 0 && plan->entries[UC_SYNC_NEW] == 0 &&
		       plan->entries[UC_SYNC_UPDATE] == 0 &&
		       plan->entries[UC_SYNC_META] == 0;

	if (removed == 0)
		return 0;
	if (most == 0) {
		most = planner->there / 2 > REMOVE_SMALL ? planner->there / 2
							 : REMOVE_SMALL;
		if (most > REMOVE_MAX)
			most = REMOVE_MAX;
		if (nothing && uc_sync_scope_all(planner->scope))
			most = 0; /* the source is empty: not mounted, or the wrong one */
	}
	if (removed <= most)
		return 0;
	uc_fail(err, UC_FAILED,
		"%llu of %llu entries would be removed, at most %llu may be: nothing was done",
		(unsigned long long)removed, (unsigned long long)planner->there,
		(unsigned long long)most);
	return uc_hint(err, "see --dry-run; --max-delete=%llu allows it",
		       (unsigned long long)removed);
}

/* Bytes that are added, and of the largest file that is replaced: both are there once. */
static void add_room(const struct uc_sync_planner *planner, const struct uc_sync_row *row,
		     uint64_t *bytes, uint64_t *largest)
{
	const struct uc_sync_entry *here = uc_sync_row_here(planner, row);
	uint64_t now = bytes_of(here);
	uint64_t then = bytes_of(uc_sync_row_there(planner, row));

	if (!here || here->holes || row->twin)
		return;
	if (row->action == UC_SYNC_UPDATE && then < now && then > *largest)
		*largest = then;
	if (row->action == UC_SYNC_UPDATE && now <= then && now > *largest)
		*largest = now;
	if (row->keep) /* what is there stays, in the trash */
		then = 0;
	*bytes += now > then ? now - then : 0;
}

static int check_room(const struct uc_sync_plan *plan, uint64_t need,
		      struct uc_error *err)
{
	uc_auto(buf) struct uc_buf wanted = { 0 }, left = { 0 };
	bool quota = plan->quota_free < plan->bytes_free;
	uint64_t room = quota ? plan->quota_free : plan->bytes_free;

	if (room == UINT64_MAX || need == 0 ||
	    (need <= room && room - need >= ROOM_MARGIN))
		return 0;
	uc_size_words(&wanted, need);
	uc_size_words(&left, room);
	return uc_fail(err, UC_FAILED,
		       "no room: %s are to be written, %s are left%s%s: nothing was done",
		       uc_buf_text(&wanted), uc_buf_text(&left),
		       quota ? " of the quota" : " there",
		       need <= room ? ", 16M of it stay free" : "");
}

int uc_sync_plan_check(const struct uc_sync_planner *planner,
		       const struct uc_sync_plan *plan, uint64_t files_free,
		       struct uc_error *err)
{
	uint64_t need = 0, largest = 0;

	if (check_removals(planner, plan, err) < 0)
		return -1;
	for (size_t i = 0; i < planner->rows; i++) {
		const struct uc_sync_row *row = uc_sync_plan_row(planner, i);

		if (row->action == UC_SYNC_NEW || row->action == UC_SYNC_UPDATE)
			add_room(planner, row, &need, &largest);
	}
	if (plan->entries[UC_SYNC_NEW] > files_free)
		return uc_fail(err, UC_FAILED,
			       "no room: %llu files are to be made, %llu more may be "
			       "there: nothing was done",
			       (unsigned long long)plan->entries[UC_SYNC_NEW],
			       (unsigned long long)files_free);
	return check_room(plan, need + largest, err);
}

void uc_sync_plan_item(const struct uc_sync_planner *planner,
		       const struct uc_sync_row *row, struct uc_sync_item *item)
{
	static const char kinds[] = {
		[UC_SYNC_FILE] = 'f', [UC_SYNC_FOLDER] = 'd', [UC_SYNC_LINK] = 'l'
	};
	const struct uc_sync_entry *here = uc_sync_row_here(planner, row);
	const struct uc_sync_entry *there = uc_sync_row_there(planner, row);
	const struct uc_sync_entry *entry = here ? here : there;

	*item = (struct uc_sync_item){
		.action = row->action,
		.path = entry->path,
		.target = entry->target,
		.kind = kinds[entry->kind],
		.size = bytes_of(entry),
		.mtime_ns = entry->mtime,
		.there_ns = there ? there->mtime : INT64_MIN,
		.there_size = bytes_of(there),
		.mode = entry->mode,
		.why = row->why,
	};
}

/* ---- The state after the run ---- */

/* What both are known to have now. False: they differ, or it is not known. */
static bool know(const struct uc_sync_planner *planner, const struct uc_sync_row *row,
		 const struct uc_sync_entry *near, struct uc_sync_known *known)
{
	const struct uc_sync_entry *entry = near;

	if (row && row->action != UC_SYNC_SAME) {
		if (row->state != UC_SYNC_ROW_EQUAL)
			return false;
		entry = uc_sync_row_here(planner, row);
	}
	*known = (struct uc_sync_known){ .path = entry->path,
					 .kind = entry->kind,
					 .size = entry->size,
					 .near = entry->mtime,
					 .far = entry->mtime };
	if (entry->kind == UC_SYNC_LINK)
		known->size = uc_sync_state_target(entry->target);
	if (entry->kind == UC_SYNC_FOLDER)
		known->near = known->far = 0;
	if (row && row->action == UC_SYNC_SAME && row->far &&
	    entry->kind != UC_SYNC_FOLDER)
		known->far = row->far->mtime;
	return true;
}

/* Entries that were known before, up to `path`, and are not in this run's scope. */
static void carry_over(struct uc_sync_planner *planner,
		       struct uc_sync_state_writer *writer,
		       const struct uc_sync_known **old, const char *path)
{
	for (; *old; *old = uc_sync_state_next(planner->state)) {
		int where = path ? uc_sync_path_compare((*old)->path, path) : -1;

		if (where >= 0)
			return;
		if (uc_sync_scope_look(planner->scope, (*old)->path,
				       (*old)->kind == UC_SYNC_FOLDER) != UC_SYNC_INSIDE)
			uc_sync_state_add(writer, *old);
	}
}

static void save_path(struct uc_sync_planner *planner,
		      struct uc_sync_state_writer *writer,
		      const struct uc_sync_known **old, const struct uc_sync_row *row,
		      const struct uc_sync_entry *near)
{
	const char *path = row ? uc_sync_row_path(row) : near->path;
	struct uc_sync_known known;

	carry_over(planner, writer, old, path);
	if (know(planner, row, near, &known))
		uc_sync_state_add(writer, &known);
	else if (*old && strcmp((*old)->path, path) == 0 &&
		 row->state != UC_SYNC_ROW_GONE)
		uc_sync_state_add(writer, *old);
	if (*old && strcmp((*old)->path, path) == 0)
		*old = uc_sync_state_next(planner->state);
}

int uc_sync_plan_save(struct uc_sync_planner *planner, struct uc_error *err)
{
	uc_auto(sync_state_writer) struct uc_sync_state_writer *writer =
		uc_sync_state_writer_new();
	const struct uc_sync_known *old;
	size_t at = 0;

	if (!writer)
		return uc_fail(err, UC_FAILED, "out of memory for the run's state");
	if (uc_sync_state_rewind(planner->state, err) < 0)
		return -1;
	old = uc_sync_state_next(planner->state);
	for (size_t i = 0; i <= planner->rows; i++) {
		struct uc_sync_row *row =
			i < planner->rows ? uc_sync_plan_row(planner, i) : NULL;

		for (; at < planner->near.count; at++) {
			struct uc_sync_entry *near = uc_sync_list_at(&planner->near, at);

			if (row &&
			    uc_sync_path_compare(near->path, uc_sync_row_path(row)) >= 0)
				break;
			save_path(planner, writer, &old, NULL, near);
		}
		if (!row)
			break;
		save_path(planner, writer, &old, row, row->near);
		at += row->near != NULL;
	}
	carry_over(planner, writer, &old, NULL);
	return uc_sync_state_save(planner->state, writer, err);
}
