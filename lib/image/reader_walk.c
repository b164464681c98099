/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* All folders of an image, each once, whatever they say of each other. */
#include "image/reader.h"

#include <sqfs/dir.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "image/inside.h"

enum {
	TEXT_MAX = 1 << 20,    /* bytes of a small file that is read */
	STATUS_MAX = 64 << 20, /* of dpkg's */
};

/* A folder that is yet to be looked into. */
struct pending {
	struct pending *next;
	sqfs_inode_generic_t *inode;
	size_t depth;
	char path[]; /* "" is the root */
};

struct walk {
	struct reader *r;
	struct pending *todo;
	struct pending *now;
	size_t sum[3]; /* where its files count: "/", and two levels */
	size_t sum_count;
};

static const struct {
	const char *path;
	void (*take)(struct uc_buf *out, const char *bytes, size_t len);
	uint64_t max;
} wanted[] = {
	{ "/etc/os-release", uc_inside_os_release, TEXT_MAX },
	{ "/usr/lib/os-release", uc_inside_os_release, TEXT_MAX },
	{ "/etc/environment", uc_inside_environment, TEXT_MAX },
	{ "/etc/rc", uc_inside_rc, TEXT_MAX },
	{ "/var/lib/dpkg/status", uc_inside_dpkg, STATUS_MAX },
};

static bool see(struct reader_bits *bits, uint64_t number)
{
	unsigned char bit = (unsigned char)(1u << number % 8);
	bool before;

	before = bits->byte[number / 8] & bit;
	bits->byte[number / 8] |= bit;
	return before;
}

bool reader_damaged(struct reader *r, const char *path, const char *what)
{
	if (r->faults++ == 0)
		snprintf(r->first, sizeof(r->first), "%.100s: %.50s",
			 path[0] ? path : "/", what);
	return r->check;
}

/* The row of the first `len` bytes of a path; the root's when there are too many. */
static size_t folder_row(struct reader *r, const char *path, size_t len)
{
	size_t i;

	for (i = 0; i < r->folder_count; i++)
		if (strlen(r->folder[i].path) == len &&
		    memcmp(r->folder[i].path, path, len) == 0)
			return i;
	if (i == READER_FOLDERS)
		return 0;
	r->folder[i] = (struct reader_folder){ .path = strndup(path, len) };
	if (!r->folder[i].path)
		return 0;
	r->folder_count++;
	return i;
}

/* Where the files of this folder count. */
static void find_sums(struct walk *w)
{
	const char *path = w->now->path, *end;

	w->sum[0] = folder_row(w->r, "/", 1);
	w->sum_count = 1;
	if (!path[0])
		return;
	end = strchrnul(path + 1, '/');
	w->sum[w->sum_count++] = folder_row(w->r, path, (size_t)(end - path));
	if (!*end)
		return;
	end = strchrnul(end + 1, '/');
	w->sum[w->sum_count++] = folder_row(w->r, path, (size_t)(end - path));
}

static void add_sum(uint64_t *sum, uint64_t bytes)
{
	*sum = *sum > UINT64_MAX / 2 || bytes > UINT64_MAX / 2 ? UINT64_MAX / 2
							       : *sum + bytes;
}

static void count_python(struct reader *r, const char *folder, const char *name)
{
	char version[sizeof(r->python[0].version)];
	size_t i;

	if (!strstr(name, "-info") || !uc_inside_python(folder, version, sizeof(version)))
		return;
	for (i = 0; i < r->python_count; i++)
		if (strcmp(r->python[i].version, version) == 0)
			break;
	if (i == READER_PYTHONS)
		return;
	if (i == r->python_count)
		memcpy(r->python[r->python_count++].version, version, sizeof(version));
	r->python[i].count++;
}

static const char *join(char *out, size_t size, const char *folder, const char *name)
{
	int len = snprintf(out, size, "%s/%s", folder, name);

	return len < 0 || (size_t)len >= size ? "a path in it is too long" : NULL;
}

static const char *take_file(struct walk *w, const char *path,
			     const sqfs_inode_generic_t *inode)
{
	struct reader *r = w->r;
	uc_auto(buf) struct uc_buf text = { 0 };
	const char *fault;
	uint64_t size = 0;

	if (sqfs_inode_get_file_size(inode, &size) != 0)
		return "a file in it is none";
	if (see(&r->seen, inode->base.inode_number))
		return NULL; /* a hard link */
	r->files++;
	add_sum(&r->bytes, size);
	for (size_t i = 0; i < w->sum_count; i++) {
		add_sum(&r->folder[w->sum[i]].bytes, size);
		r->folder[w->sum[i]].files++;
	}
	if (r->check)
		return reader_try(r, inode);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (strcmp(path, wanted[i].path) != 0)
			continue;
		fault = reader_content(r, inode, wanted[i].max, &text);
		if (fault)
			return fault;
		wanted[i].take(&r->out, uc_buf_text(&text), text.len);
	}
	return NULL;
}

static const char *push(struct walk *w, const char *path, sqfs_inode_generic_t *inode)
{
	const size_t len = strlen(path);
	struct pending *one;

	if (w->now && w->now->depth >= READER_DEPTH)
		return "its folders are nested too deep";
	if (see(&w->r->seen, inode->base.inode_number))
		return "a folder in it is in itself";
	one = malloc(sizeof(*one) + len + 1);
	if (!one)
		return reader_fault(-1);
	w->r->folders++;
	memcpy(one->path, path, len + 1);
	one->inode = inode;
	one->depth = w->now ? w->now->depth + 1 : 0;
	one->next = w->todo;
	w->todo = one;
	return NULL;
}

static bool is_folder(unsigned type)
{
	return type == SQFS_INODE_DIR || type == SQFS_INODE_EXT_DIR;
}

/* The entry that the library stands at. */
static const char *take_inode(struct walk *w, const char *path)
{
	sqfs_inode_generic_t *inode = NULL;
	const char *fault = NULL;
	int ret = sqfs_dir_reader_get_inode(w->r->dir, &inode);

	if (ret)
		return reader_fault(ret);
	if (inode->base.inode_number >= w->r->seen.count) {
		fault = "it has more files than it says";
	} else if (is_folder(inode->base.type)) {
		fault = push(w, path, inode);
		if (!fault)
			return NULL; /* the list has it */
	} else if (inode->base.type == SQFS_INODE_FILE ||
		   inode->base.type == SQFS_INODE_EXT_FILE) {
		fault = take_file(w, path, inode);
	} else {
		see(&w->r->seen, inode->base.inode_number);
		w->r->links++;
	}
	sqfs_free(inode);
	return fault;
}

static bool is_hostile(const char *name)
{
	return !name[0] || strchr(name, '/') || strcmp(name, ".") == 0 ||
	       strcmp(name, "..") == 0;
}

static const char *take_entry(struct walk *w, const sqfs_dir_entry_t *entry)
{
	struct reader *r = w->r;
	const char *name = (const char *)entry->name;
	char path[READER_PATH];
	const char *fault;

	if (++r->entries > READER_ENTRIES)
		return "it has more files than an image can have";
	if (strnlen(name, (size_t)entry->size + 1) != (size_t)entry->size + 1 ||
	    is_hostile(name))
		return "a name in it is none";
	fault = join(path, sizeof(path), w->now->path, name);
	if (fault)
		return fault;
	if (!r->check) {
		uc_inside_entry(&r->out, w->now->path, name);
		count_python(r, w->now->path, name);
	}
	if (r->out.len > UC_RECORD_MAX / 2)
		return "there are too many packages in it";
	fault = take_inode(w, path);
	if (fault && reader_damaged(r, path, fault))
		return NULL;
	return fault;
}

static const char *look_into(struct walk *w)
{
	sqfs_dir_entry_t *entry;
	const char *fault;
	int ret = sqfs_dir_reader_open_dir(w->r->dir, w->now->inode, 0);

	find_sums(w);
	while (ret == 0) {
		entry = NULL;
		ret = sqfs_dir_reader_read(w->r->dir, &entry);
		if (ret)
			break;
		fault = take_entry(w, entry);
		sqfs_free(entry);
		if (fault)
			return fault;
	}
	if (ret < 0 && !reader_damaged(w->r, w->now->path, reader_fault(ret)))
		return reader_fault(ret);
	return NULL;
}

static const char *start(struct walk *w)
{
	sqfs_inode_generic_t *root = NULL;
	const char *fault;
	int ret = sqfs_dir_reader_get_root_inode(w->r->dir, &root);

	if (ret)
		return reader_fault(ret);
	fault = !is_folder(root->base.type) || root->base.inode_number >= w->r->seen.count
			? "its root is no folder"
			: push(w, "", root);
	if (fault)
		sqfs_free(root);
	return fault;
}

const char *reader_walk(struct reader *r)
{
	struct walk w = { .r = r };
	const char *fault = start(&w);

	while (w.todo) {
		w.now = w.todo;
		w.todo = w.todo->next;
		if (!fault)
			fault = look_into(&w);
		sqfs_free(w.now->inode);
		free(w.now);
	}
	return fault;
}
