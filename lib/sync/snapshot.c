/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/snapshot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sync/prune.h"
#include "sync/snapshot_inside.h"
#include "sync/store_path.h"

#define FOLDER   (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define META_MAX (64u << 10)
#define IDS_MAX  10000u

void uc_snapshot_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

/* Digits where `shape` has '0', hexadecimal ones where it has 'x'. */
bool uc_snapshot_is_id(const char *id)
{
	const char *shape = "00000000T000000Z-xxxx";

	for (; *shape; shape++, id++) {
		const char *set = *shape == '0'   ? "0123456789"
				  : *shape == 'x' ? "0123456789abcdef"
						  : NULL;

		if (!*id || (set ? !strchr(set, *id) : *id != *shape))
			return false;
	}
	return !*id;
}

bool uc_snapshot_is_tree(const char *path)
{
	const char *top = strstr(path, "/" UC_STORE_SNAPSHOTS "/");
	char id[UC_STORE_NAME_SIZE];
	size_t len;

	if (!top)
		return false;
	top += strlen("/" UC_STORE_SNAPSHOTS "/");
	len = strcspn(top, "/");
	if (len >= sizeof(id))
		return false;
	memcpy(id, top, len);
	id[len] = '\0';
	return uc_snapshot_is_id(id) && strcmp(top + len, "/" SNAPSHOT_TREE) == 0;
}

int uc_snapshot_top(int root)
{
	return openat(root, UC_STORE_SNAPSHOTS, FOLDER);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

int uc_snapshot_ids(int top, struct uc_strv *ids, struct uc_error *err)
{
	int fd = openat(top, ".", FOLDER);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	if (!dir) {
		uc_snapshot_close(&fd);
		return uc_fail_errno(err, UC_FAILED, errno, "cannot read the snapshots");
	}
	while (ids->count < IDS_MAX && (entry = readdir(dir)))
		if (uc_snapshot_is_id(entry->d_name))
			uc_strv_add(ids, entry->d_name);
	closedir(dir);
	if (ids->failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (ids->count)
		qsort(ids->item, ids->count, sizeof(*ids->item), by_name);
	return 0;
}

/* meta.json; NULL when there is none that makes sense. */
static json_t *read_meta(int snapshot, const char *id)
{
	SNAPSHOT_FD fd = openat(snapshot, SNAPSHOT_META,
				O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
	uc_auto(buf) struct uc_buf text = { 0 };
	char piece[4096];
	const char *is;
	json_t *meta;
	ssize_t got;

	if (fd < 0)
		return NULL;
	while (text.len <= META_MAX && (got = read(fd, piece, sizeof(piece))) > 0)
		uc_buf_addn(&text, piece, (size_t)got);
	if (text.failed || text.len > META_MAX)
		return NULL;
	meta = json_loadb(uc_buf_text(&text), text.len, JSON_REJECT_DUPLICATES, NULL);
	is = json_string_value(json_object_get(meta, "id"));
	if (is && strcmp(is, id) == 0)
		return meta;
	json_decref(meta);
	return NULL;
}

static int open_snapshot(int root, const char *id, struct uc_error *err)
{
	SNAPSHOT_FD top = uc_snapshot_top(root);
	int fd = -1;

	if (top >= 0 && uc_snapshot_is_id(id))
		fd = openat(top, id, FOLDER);
	if (fd < 0)
		(void)uc_fail(err, UC_NOTFOUND, "there is no snapshot '%s'", id);
	return fd;
}

json_t *uc_snapshot_show(int root, const char *id, struct uc_error *err)
{
	SNAPSHOT_FD fd = open_snapshot(root, id, err);
	json_t *meta;

	if (fd < 0)
		return NULL;
	meta = read_meta(fd, id);
	if (!meta)
		(void)uc_fail(err, UC_FAILED, "snapshot '%s' has no %s that can be read",
			      id, SNAPSHOT_META);
	return meta;
}

static json_t *empty_list(const char *key, struct uc_error *err)
{
	json_t *answer = json_pack("{s:[]}", key);

	if (!answer)
		(void)uc_fail(err, UC_FAILED, "out of memory");
	return answer;
}

json_t *uc_snapshot_list(int root, struct uc_error *err)
{
	SNAPSHOT_FD top = uc_snapshot_top(root);
	uc_auto(strv) struct uc_strv ids = { 0 };
	json_t *answer, *list;

	if (top < 0 && errno != ENOENT) {
		(void)uc_fail_errno(err, UC_FAILED, errno, "cannot open the snapshots");
		return NULL;
	}
	if (top >= 0 && uc_snapshot_ids(top, &ids, err) < 0)
		return NULL;
	answer = empty_list("snapshots", err);
	list = json_object_get(answer, "snapshots");
	for (size_t i = 0; list && i < ids.count; i++) {
		SNAPSHOT_FD fd = openat(top, ids.item[i], FOLDER);
		json_t *meta = fd < 0 ? NULL : read_meta(fd, ids.item[i]);

		if (meta && json_array_append_new(list, meta) < 0) {
			(void)uc_fail(err, UC_FAILED, "out of memory");
			json_decref(answer);
			return NULL;
		}
	}
	return answer;
}

/* Pruning */

static int64_t time_of(int top, const char *id)
{
	SNAPSHOT_FD fd = openat(top, id, FOLDER);
	json_t *meta = fd < 0 ? NULL : read_meta(fd, id);
	int64_t when = json_integer_value(json_object_get(meta, "time"));

	json_decref(meta);
	return when;
}

/* It is gone at once; its files go then. */
static int remove_one(int top, const char *id, struct uc_error *err)
{
	char name[UC_STORE_NAME_SIZE];
	struct uc_tree_sum sum = { 0 };

	if (uc_store_random_name(name) < 0 || uc_store_rename_new(top, id, top, name) < 0)
		return uc_fail_errno(err, errno == EACCES ? UC_DENIED : UC_FAILED, errno,
				     "cannot remove snapshot '%s'", id);
	return uc_tree_remove(top, name, &sum, err);
}

json_t *uc_snapshot_prune(int root, uint64_t keep, int64_t older, int64_t spare,
			  struct uc_error *err)
{
	SNAPSHOT_FD top = uc_snapshot_top(root);
	uc_auto(strv) struct uc_strv ids = { 0 };
	int64_t now = (int64_t)time(NULL);
	json_int_t young = 0;
	json_t *answer;

	if (top < 0 && errno == ENOENT)
		return empty_list("removed", err);
	if (top < 0) {
		(void)uc_fail_errno(err, UC_FAILED, errno, "cannot open the snapshots");
		return NULL;
	}
	if (uc_snapshot_ids(top, &ids, err) < 0)
		return NULL;
	answer = empty_list("removed", err);
	for (size_t i = 0; answer && i + 1 < ids.count; i++) {
		bool go = ids.count - i > (keep ? keep : 1);

		if (!go && older > 0)
			go = now - time_of(top, ids.item[i]) > older;
		if (!go)
			continue;
		if (spare > 0 && now - time_of(top, ids.item[i]) < spare) {
			young++;
			continue;
		}
		if (remove_one(top, ids.item[i], err) < 0 ||
		    json_array_append_new(json_object_get(answer, "removed"),
					  json_string(ids.item[i])) < 0) {
			json_decref(answer);
			return NULL;
		}
	}
	if (young && json_object_set_new(answer, "spared", json_integer(young)) < 0) {
		json_decref(answer);
		return NULL;
	}
	return answer;
}
