/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/plan.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/arena.h"

#define BLOCK 8192u /* rows */

/* ---- Rows ---- */

struct uc_sync_row *uc_sync_plan_row(const struct uc_sync_planner *planner, size_t index)
{
	return &planner->block[index / BLOCK][index % BLOCK];
}

static struct uc_sync_row *add_row(struct uc_sync_planner *planner, struct uc_error *err)
{
	struct uc_sync_row **block;

	if (planner->rows == planner->blocks * BLOCK) {
		block = reallocarray(planner->block, planner->blocks + 1, sizeof(*block));
		if (block)
			planner->block = block;
		if (!block ||
		    !(block[planner->blocks] = calloc(BLOCK, sizeof(**block)))) {
			uc_fail(err, UC_FAILED, "out of memory for the plan");
			return NULL;
		}
		planner->blocks++;
	}
	return uc_sync_plan_row(planner, planner->rows++);
}

struct uc_sync_row *uc_sync_plan_find(const struct uc_sync_planner *planner,
				      const char *path)
{
	size_t low = 0, high = planner->rows;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct uc_sync_row *row = uc_sync_plan_row(planner, middle);
		int where = uc_sync_path_compare(path, uc_sync_row_path(row));

		if (where == 0)
			return row;
		if (where < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

/* ---- The walk here ---- */

/* Remember where an entry of the walk is in the list. */
static int map_near(struct uc_sync_planner *planner, uint32_t index, struct uc_error *err)
{
	if (uc_sync_scope_all(planner->scope))
		return 0;
	if ((planner->walked & (planner->walked - 1)) == 0) {
		size_t room = planner->walked ? (size_t)planner->walked * 2 : 1;
		uint32_t *map = reallocarray(planner->map, room, sizeof(*map));

		if (!map)
			return uc_fail(err, UC_FAILED, "out of memory for the list");
		planner->map = map;
	}
	planner->map[planner->walked] = index;
	return 0;
}

int uc_sync_plan_near(struct uc_sync_planner *planner, const struct uc_sync_entry *entry,
		      struct uc_error *err)
{
	struct uc_sync_entry copy = *entry;
	bool is_folder = entry->kind == UC_SYNC_FOLDER;
	bool within = uc_sync_scope_look(planner->scope, entry->path, is_folder) !=
		      UC_SYNC_OUTSIDE;

	if (map_near(planner, within ? (uint32_t)planner->near.count + 1 : 0, err) < 0)
		return -1;
	if (planner->map && copy.twin)
		copy.twin = planner->map[copy.twin - 1];
	planner->walked++;
	return within ? uc_sync_list_add(&planner->near, &copy, err) : 0;
}

/* ---- Twins ---- */

/* The far entry that is the first name of this one; itself when it has no other. */
static uint32_t far_first(const struct uc_sync_planner *planner, uint32_t index)
{
	size_t low = 0, high = planner->far_twins;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (planner->far_twin[middle].index == index)
			return planner->far_twin[middle].first;
		if (planner->far_twin[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return index;
}

static uint32_t near_first(const struct uc_sync_planner *planner, uint32_t index)
{
	uint32_t twin = uc_sync_list_at(&planner->near, index)->twin;

	return twin ? twin - 1 : index;
}

/* Are they names of one file at the destination, as `twin` and its first are here? */
static bool is_linked(const struct uc_sync_planner *planner, uint32_t near, uint32_t far)
{
	uint32_t first, other;

	if (uc_sync_is_push(planner)) {
		first = near_first(planner, near);
		other = planner->near_far[first];
		return other && far_first(planner, other - 1) == far_first(planner, far);
	}
	other = planner->far_map[far_first(planner, far)];
	if (!other || (other & UC_SYNC_FAR_ROW))
		return false;
	return near_first(planner, other - 1) == near_first(planner, near);
}

/* Is the first name of this file in the run's scope? */
static bool has_first(const struct uc_sync_planner *planner,
		      const struct uc_sync_entry *here)
{
	return uc_sync_is_push(planner) || planner->far_map[here->twin - 1];
}

const char *uc_sync_plan_twin(const struct uc_sync_planner *planner,
			      const struct uc_sync_row *row)
{
	uint32_t twin, place;

	if (!row->twin)
		return NULL;
	twin = uc_sync_row_here(planner, row)->twin;
	if (!twin)
		return NULL;
	if (uc_sync_is_push(planner))
		return uc_sync_list_at(&planner->near, twin - 1)->path;
	place = planner->far_map[twin - 1];
	if (!place)
		return NULL;
	if (place & UC_SYNC_FAR_ROW)
		return uc_sync_row_path(
			uc_sync_plan_row(planner, place & ~UC_SYNC_FAR_ROW));
	return uc_sync_list_at(&planner->near, place - 1)->path;
}

/* ---- Merging ---- */

/* The XXH3 of a file here: how it compares. What cannot be read differs. */
static enum uc_sync_contents compare_contents(const struct uc_sync_planner *planner,
					      const struct uc_sync_entry *near,
					      uint64_t sum)
{
	int fd = uc_store_openat(planner->root, near->path, O_RDONLY);
	XXH3_state_t *hash = XXH3_createState();
	enum uc_sync_contents answer = UC_SYNC_CONTENTS_DIFFER;
	static const size_t piece = 256 << 10;
	char *bytes = malloc(piece);
	ssize_t got = -1;

	if (fd >= 0 && hash && bytes && XXH3_64bits_reset(hash) == XXH_OK) {
		while ((got = read(fd, bytes, piece)) > 0)
			XXH3_64bits_update(hash, bytes, (size_t)got);
		if (got == 0 && XXH3_64bits_digest(hash) == sum)
			answer = UC_SYNC_CONTENTS_EQUAL;
	}
	if (fd >= 0)
		close(fd);
	free(bytes);
	XXH3_freeState(hash);
	return answer;
}

static void look_back(struct uc_sync_planner *planner, const char *path,
		      struct uc_sync_case *one)
{
	const struct uc_sync_known *known = uc_sync_state_seek(planner->state, path);
	struct uc_sync_past near, far;

	if (!known)
		return;
	near = (struct uc_sync_past){ true, known->kind, known->size, known->near };
	far = (struct uc_sync_past){ true, known->kind, known->size, known->far };
	one->here_then = uc_sync_is_push(planner) ? near : far;
	one->there_then = uc_sync_is_push(planner) ? far : near;
}

/* A copy of the far entry that stays; its path is that of the near one if there is one.
 */
static struct uc_sync_entry *keep_far(struct uc_sync_planner *planner,
				      const struct uc_sync_entry *near,
				      const struct uc_sync_entry *far)
{
	struct uc_sync_entry *copy;

	if (!planner->strings)
		planner->strings = uc_arena_new();
	copy = planner->strings ? uc_arena_alloc(planner->strings, sizeof(*copy)) : NULL;
	if (!copy)
		return NULL;
	*copy = *far;
	copy->path = near ? near->path : uc_arena_strdup(planner->strings, far->path);
	copy->target = uc_arena_strdup(planner->strings, far->target);
	return uc_arena_failed(planner->strings) ? NULL : copy;
}

static bool is_rules(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	return strcmp(name, ".gitignore") == 0 || strcmp(name, ".usyncignore") == 0;
}

/* Nothing is written below what is no folder there, and nothing removed there. */
static void respect_closed(struct uc_sync_planner *planner,
			   const struct uc_sync_case *one, const char *path,
			   struct uc_sync_choice *choice)
{
	size_t len = planner->closed ? strlen(planner->closed) : 0;

	if (len && strncmp(path, planner->closed, len) == 0 && path[len] == '/') {
		choice->action = one->here ? UC_SYNC_CONFLICT : UC_SYNC_EXTRA;
		choice->why =
			one->here ? "below what is no folder there" : "below a conflict";
		return;
	}
	free(planner->closed);
	planner->closed = NULL;
	if (one->here && one->there && one->here->kind != one->there->kind &&
	    choice->action != UC_SYNC_UPDATE &&
	    (one->here->kind == UC_SYNC_FOLDER || one->there->kind == UC_SYNC_FOLDER))
		planner->closed = strdup(path);
}

static int store_row(struct uc_sync_planner *planner, const struct uc_sync_entry *near,
		     const struct uc_sync_entry *far, const struct uc_sync_choice *choice,
		     const struct uc_sync_row *more, struct uc_error *err)
{
	struct uc_sync_row *row = add_row(planner, err);

	if (!row)
		return -1;
	*row = *more;
	row->near = near;
	row->why = choice->why;
	row->action = choice->action;
	row->keep = choice->keep;
	row->linger = choice->linger;
	if (far) {
		row->far = keep_far(planner, near, far);
		if (!row->far)
			return uc_fail(err, UC_FAILED, "out of memory for the far list");
	}
	return 0;
}

/* What is the same, but for things that are not told. */
static int settle_same(struct uc_sync_planner *planner, const struct uc_sync_case *one,
		       struct uc_sync_row *row)
{
	bool times = one->here->kind == UC_SYNC_FOLDER &&
		     !uc_sync_same_time(one->here->mtime, one->there->mtime, one->coarse);

	planner->same++;
	planner->same_bytes += one->here->kind == UC_SYNC_FILE ? one->here->size : 0;
	row->time = times && !row->above;
	/* equal since then, with times of their own: the state keeps both */
	if (one->here->kind == UC_SYNC_FILE &&
	    !uc_sync_same_time(one->here->mtime, one->there->mtime, one->coarse))
		return true;
	/* the bits are kept when the time is set anew */
	if (one->here->kind == UC_SYNC_FOLDER && one->here->mode != one->there->mode)
		return true;
	return row->time ||
	       (planner->request->newest && one->here->kind != UC_SYNC_FOLDER);
}

/* What is decided about one path; `more` takes what a row tells besides. */
static void weigh(struct uc_sync_planner *planner, const char *path,
		  const struct uc_sync_case *one, struct uc_sync_choice *choice,
		  struct uc_sync_row *more)
{
	const struct uc_sync_entry *entry = one->here ? one->here : one->there;
	enum uc_sync_within within =
		uc_sync_scope_look(planner->scope, path, entry->kind == UC_SYNC_FOLDER);

	uc_sync_decide(one, choice);
	respect_closed(planner, one, path, choice);
	more->above = within == UC_SYNC_ABOVE;
	if (more->above && choice->action != UC_SYNC_NEW &&
	    choice->action != UC_SYNC_CONFLICT && choice->action != UC_SYNC_UPDATE)
		choice->action = one->here && one->there ? UC_SYNC_SAME : UC_SYNC_ACTIONS;
	more->twin = one->here && one->here->kind == UC_SYNC_FILE && one->here->twin &&
		     has_first(planner, one->here);
	if (!more->twin || !one->there)
		return;
	/* else each run would link them anew */
	more->linked = (planner->info->apart && uc_sync_is_push(planner)) ||
		       is_linked(planner, (uint32_t)planner->at, planner->listed - 1);
	if (choice->action == UC_SYNC_SAME && !more->linked)
		choice->action =
			UC_SYNC_META; /* its contents are there, in another file */
}

static bool wants_sum(const struct uc_sync_planner *planner,
		      const struct uc_sync_entry *near, const struct uc_sync_entry *far)
{
	return planner->request->checksum && near && far && near->kind == UC_SYNC_FILE &&
	       far->kind == UC_SYNC_FILE && near->size == far->size;
}

/* The indices are those of the entries that are there. */
static int merge(struct uc_sync_planner *planner, const struct uc_sync_entry *near,
		 const struct uc_sync_entry *far, uint64_t sum, struct uc_error *err)
{
	const struct uc_sync_request *request = planner->request;
	bool push = uc_sync_is_push(planner);
	const char *path = near ? near->path : far->path;
	struct uc_sync_case one = { .here = push ? near : far,
				    .there = push ? far : near,
				    .coarse = !planner->info->nanoseconds,
				    .pull = !push,
				    .remove = request->remove && !request->newest,
				    .overwrite = request->overwrite };
	struct uc_sync_row more = { 0 };
	struct uc_sync_choice choice;

	if (wants_sum(planner, near, far))
		one.contents = compare_contents(planner, near, sum);
	look_back(planner, path, &one);
	weigh(planner, path, &one, &choice, &more);
	planner->there += one.there != NULL;
	if (choice.action == UC_SYNC_SAME && !settle_same(planner, &one, &more))
		return 0;
	if (choice.action != UC_SYNC_SAME && is_rules(path))
		planner->rules_differ = true;
	return store_row(planner, near, far, &choice, &more, err);
}

static int grow_far(struct uc_sync_planner *planner, struct uc_error *err)
{
	size_t room = planner->far_room ? (size_t)planner->far_room * 2 : 1024;
	uint32_t *map;

	if (planner->listed < planner->far_room)
		return 0;
	if (room > UC_SYNC_FAR_ROW - 1)
		return uc_fail(err, UC_INVALID, "the far end lists too many files");
	map = reallocarray(planner->far_map, room, sizeof(*map));
	if (!map)
		return uc_fail(err, UC_FAILED, "out of memory for the far list");
	planner->far_map = map;
	planner->far_room = (uint32_t)room;
	return 0;
}

static int add_far_twin(struct uc_sync_planner *planner,
			const struct uc_sync_entry *entry, struct uc_error *err)
{
	size_t count = planner->far_twins;

	if (!entry->twin)
		return 0;
	if (entry->twin > planner->listed)
		return uc_fail(err, UC_INVALID, "the far end lists a hard link wrongly");
	if ((count & (count - 1)) == 0) {
		struct uc_sync_far_twin *more = reallocarray(
			planner->far_twin, count ? count * 2 : 1, sizeof(*more));

		if (!more)
			return uc_fail(err, UC_FAILED, "out of memory for hard links");
		planner->far_twin = more;
	}
	planner->far_twin[planner->far_twins++] =
		(struct uc_sync_far_twin){ planner->listed, entry->twin - 1 };
	return 0;
}

/* All that is here alone, up to `path`; all of the rest for NULL. */
static int merge_near(struct uc_sync_planner *planner, const char *path, int *where,
		      struct uc_error *err)
{
	*where = 1;
	for (; planner->at < planner->near.count; planner->at++) {
		struct uc_sync_entry *near = uc_sync_list_at(&planner->near, planner->at);

		*where = path ? uc_sync_path_compare(near->path, path) : -1;
		if (*where >= 0)
			break;
		if (merge(planner, near, NULL, 0, err) < 0)
			return -1;
	}
	return 0;
}

static int start(struct uc_sync_planner *planner, struct uc_error *err)
{
	if (planner->near_far)
		return 0;
	planner->near_far = calloc(planner->near.count + 1, sizeof(*planner->near_far));
	planner->touched = calloc(planner->near.count + 1, 1);
	if (!planner->near_far || !planner->touched)
		return uc_fail(err, UC_FAILED, "out of memory for the plan");
	return 0;
}

int uc_sync_plan_far(struct uc_sync_planner *planner, const struct uc_sync_entry *entry,
		     uint64_t sum, struct uc_error *err)
{
	struct uc_sync_entry *near = NULL;
	uint32_t index = planner->listed;
	int where;

	if (start(planner, err) < 0 || grow_far(planner, err) < 0 ||
	    add_far_twin(planner, entry, err) < 0)
		return -1;
	planner->far_map[index] = 0;
	planner->listed++;
	if (uc_sync_scope_look(planner->scope, entry->path,
			       entry->kind == UC_SYNC_FOLDER) == UC_SYNC_OUTSIDE)
		return 0;
	uc_sync_scope_see_far(planner->scope, entry->path);
	if (merge_near(planner, entry->path, &where, err) < 0)
		return -1;
	if (where == 0 && planner->at < planner->near.count) {
		near = uc_sync_list_at(&planner->near, planner->at);
		planner->near_far[planner->at] = index + 1;
		planner->far_map[index] = (uint32_t)planner->at + 1;
	} else {
		planner->far_map[index] = UC_SYNC_FAR_ROW | (uint32_t)planner->rows;
	}
	if (merge(planner, near, entry, sum, err) < 0)
		return -1;
	planner->at += near != NULL;
	return 0;
}

int uc_sync_plan_end(struct uc_sync_planner *planner, struct uc_error *err)
{
	int where;

	if (start(planner, err) < 0)
		return -1;
	return merge_near(planner, NULL, &where, err);
}

int uc_sync_plan_restart(struct uc_sync_planner *planner, struct uc_error *err)
{
	planner->rows = planner->far_twins = 0;
	planner->listed = 0;
	planner->at = 0;
	planner->same = planner->same_bytes = planner->there = 0;
	planner->rules_differ = false;
	free(planner->closed);
	planner->closed = NULL;
	uc_arena_free(planner->strings);
	planner->strings = NULL;
	free(planner->near_far);
	planner->near_far = NULL;
	free(planner->touched);
	planner->touched = NULL;
	return uc_sync_state_rewind(planner->state, err);
}

void uc_sync_plan_free(struct uc_sync_planner *planner)
{
	for (size_t i = 0; i < planner->blocks; i++)
		free(planner->block[i]);
	free(planner->block);
	uc_sync_list_free(&planner->near);
	free(planner->map);
	free(planner->near_far);
	free(planner->touched);
	free(planner->far_map);
	free(planner->far_twin);
	uc_arena_free(planner->strings);
	free(planner->closed);
	*planner = (struct uc_sync_planner){ 0 };
}
