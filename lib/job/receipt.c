/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* The folder of receipts. */
#include "job/receipt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

#define LEFTOVER_S 86400 /* no writer takes a day */
#define APART_S    120   /* clocks, and the way of a submission */

int uc_receipt_write(const char *state_dir, const struct uc_receipt *receipt,
		     struct uc_error *err)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	uc_auto(buf) struct uc_buf path = { 0 };

	if (receipt->job_id == 0 || receipt->submit_time < 0)
		return uc_fail(err, UC_FAILED, "a receipt needs a job id and a time");
	if (uc_receipt_encode(receipt, &text, err) < 0)
		return -1;
	if (text.len > UC_RECEIPT_MAX)
		return uc_fail(err, UC_FAILED, "the receipt would have %zu bytes",
			       text.len);
	uc_buf_addf(&path, "%s/receipts", state_dir);
	if (path.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (uc_file_mkdirs(path.data, 0700, err) < 0)
		return -1;
	uc_buf_addf(&path, "/%" PRIu32 "-%" PRId64 ".json", receipt->job_id,
		    receipt->submit_time);
	if (path.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_file_write(path.data, text.data, text.len, 0600, err);
}

/* Only digits, without signs and leading zeros, that fit. */
static bool read_digits(const char **p, uint64_t most, uint64_t *out)
{
	uint64_t value = 0;

	if (**p < '0' || **p > '9' || (**p == '0' && (*p)[1] >= '0' && (*p)[1] <= '9'))
		return false;
	for (; **p >= '0' && **p <= '9'; ++*p) {
		uint64_t digit = (uint64_t)(**p - '0');

		if (value > (most - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

static bool parse_name(const char *name, struct uc_receipt_entry *entry)
{
	uint64_t id, when;

	if (!read_digits(&name, UINT32_MAX, &id) || *name++ != '-' ||
	    !read_digits(&name, INT64_MAX, &when) || strcmp(name, ".json") != 0)
		return false;
	entry->job_id = (uint32_t)id;
	entry->submit_time = (int64_t)when;
	return id > 0;
}

static int newest_first(const void *a, const void *b)
{
	const struct uc_receipt_entry *x = a, *y = b;

	if (x->submit_time != y->submit_time)
		return x->submit_time < y->submit_time ? 1 : -1;
	return (x->job_id < y->job_id) - (x->job_id > y->job_id);
}

void uc_receipts_free(struct uc_receipts *list)
{
	int saved = errno;

	for (size_t i = 0; i < list->count; i++)
		free(list->item[i].path);
	free(list->item);
	*list = (struct uc_receipts){ 0 };
	errno = saved;
}

/*
 * Open the folder: 1, 0 when there is none. Whoever can write there could have commands
 * run under the user's name by "run it again".
 */
static int open_folder(const char *state_dir, DIR **out, struct uc_buf *path,
		       struct uc_error *err)
{
	struct stat st;
	int fd;

	uc_buf_addf(path, "%s/receipts", state_dir);
	if (path->failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	fd = open(path->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0) {
		uc_fail_errno(err, errno == EACCES ? UC_DENIED : UC_FAILED, errno,
			      "cannot read %s", path->data);
		if (fd >= 0)
			close(fd);
		return -1;
	}
	if (st.st_uid != geteuid() || (st.st_mode & 022)) {
		close(fd);
		uc_fail(err, UC_DENIED, "other users can write receipts into '%s'",
			path->data);
		return uc_hint(err, "look at what is in it, then chmod 700 '%s'",
			       path->data);
	}
	*out = fdopendir(fd);
	if (*out)
		return 1;
	close(fd);
	return uc_fail(err, UC_FAILED, "out of memory");
}

static int add_entry(struct uc_receipts *list, const char *folder, const char *name)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct uc_receipt_entry entry, *item;

	if (!parse_name(name, &entry))
		return 0;
	uc_buf_addf(&path, "%s/%s", folder, name);
	item = reallocarray(list->item, list->count + 1, sizeof(*item));
	if (!item)
		return -1;
	list->item = item;
	entry.path = uc_buf_take(&path);
	if (!entry.path)
		return -1;
	item[list->count++] = entry;
	return 0;
}

int uc_receipt_list(const char *state_dir, struct uc_receipts *list, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf folder = { 0 };
	struct dirent *entry;
	DIR *dir;
	int rc;

	*list = (struct uc_receipts){ 0 };
	rc = open_folder(state_dir, &dir, &folder, err);
	if (rc <= 0)
		return rc;
	while ((entry = readdir(dir)) && rc > 0)
		if (add_entry(list, folder.data, entry->d_name) < 0)
			rc = uc_fail(err, UC_FAILED, "out of memory");
	closedir(dir);
	if (rc < 0) {
		uc_receipts_free(list);
		return -1;
	}
	if (list->count > 1)
		qsort(list->item, list->count, sizeof(*list->item), newest_first);
	return 0;
}

/* Read one if it is of this cluster: 1, else 0. */
static int try_read(const struct uc_receipt_entry *entry, const char *cluster,
		    struct uc_receipt **out, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf bytes = { 0 };
	uc_auto(receipt) struct uc_receipt *found = NULL;

	if (uc_file_read(entry->path, UC_RECEIPT_MAX, &bytes, err) < 0)
		return -1;
	if (uc_receipt_parse(entry->path, uc_buf_text(&bytes), bytes.len, &found, err) <
	    0)
		return -1;
	if (found->job_id != entry->job_id || found->submit_time != entry->submit_time)
		return uc_fail(err, UC_INVALID, "receipt %s tells of another job",
			       entry->path);
	if (cluster && (!found->cluster || strcmp(found->cluster, cluster) != 0))
		return 0;
	*out = uc_take(&found);
	return 1;
}

static bool is_it(const struct uc_receipt_key *key, const struct uc_receipt_entry *entry)
{
	const int64_t apart = entry->submit_time - key->submit_time;

	if (key->job_id && entry->job_id != key->job_id)
		return false;
	return !key->submit_time ||
	       (apart <= APART_S && (key->requeued || apart >= -APART_S));
}

/* The first that fits; job_id 0 = any. 1, or 0 when there is none. */
static int find(const char *state_dir, const struct uc_receipt_key *key,
		const char *cluster, struct uc_receipt **out, struct uc_error *err)
{
	uc_auto(receipts) struct uc_receipts list = { 0 };
	int rc = 0;

	*out = NULL;
	if (uc_receipt_list(state_dir, &list, err) < 0)
		return -1;
	for (size_t i = 0; rc == 0 && i < list.count; i++)
		if (is_it(key, &list.item[i]))
			rc = try_read(&list.item[i], cluster, out, err);
	return rc;
}

static int find_one(const char *state_dir, const struct uc_receipt_key *key,
		    const char *cluster, struct uc_receipt **out, struct uc_error *err)
{
	const struct uc_receipt_key none = { .job_id = UINT32_MAX };
	int rc = find(state_dir, key->job_id ? key : &none, cluster, out, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	uc_fail(err, UC_NOTFOUND, "there is no receipt of job %" PRIu32, key->job_id);
	return uc_hint(err,
		       "receipts are kept of jobs submitted by usrun, in %s/receipts",
		       state_dir);
}

void uc_receipt_key_of(struct uc_receipt_key *key, const struct uc_job *job)
{
	key->job_id = job->array_job_id ? job->array_job_id
		      : job->het_job_id ? job->het_job_id
					: job->job_id;
	key->submit_time = job->submit_time;
	key->requeued = job->restarts > 0;
}

int uc_receipt_find(const char *state_dir, const struct uc_receipt_key *key,
		    struct uc_receipt **out, struct uc_error *err)
{
	return find_one(state_dir, key, NULL, out, err);
}

int uc_receipt_read(const char *state_dir, uint32_t job_id, const char *cluster,
		    struct uc_receipt **out, struct uc_error *err)
{
	const struct uc_receipt_key key = { .job_id = job_id };

	return find_one(state_dir, &key, cluster, out, err);
}

int uc_receipt_end(const char *state_dir, const struct uc_receipt_key *key,
		   uint32_t exit_code, int64_t ended, struct uc_error *err)
{
	uc_auto(receipt) struct uc_receipt *receipt = NULL;

	if (uc_receipt_find(state_dir, key, &receipt, err) < 0)
		return -1;
	if (receipt->ended)
		return 0;
	if (ended < receipt->submit_time || exit_code > 255)
		return uc_fail(err, UC_INVALID,
			       "job %" PRIu32 " cannot have ended so, or then",
			       key->job_id);
	receipt->ended = ended;
	receipt->exit_code = exit_code;
	return uc_receipt_write(state_dir, receipt, err);
}

int uc_receipt_newest(const char *state_dir, const char *cluster, struct uc_receipt **out,
		      struct uc_error *err)
{
	const struct uc_receipt_key any = { 0 };
	int rc = find(state_dir, &any, cluster, out, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	return uc_fail(err, UC_NOTFOUND, "there are no receipts in %s/receipts",
		       state_dir);
}

/* Temporary files of writers that were killed: ".JOBID-TIME.json.XXXXXX". */
static void remove_leftovers(const char *state_dir, int64_t now)
{
	uc_auto(buf) struct uc_buf folder = { 0 };
	struct dirent *entry;
	struct stat st;
	DIR *dir;

	if (open_folder(state_dir, &dir, &folder, NULL) <= 0)
		return;
	while ((entry = readdir(dir)))
		if (entry->d_name[0] == '.' && strstr(entry->d_name, ".json.") &&
		    fstatat(dirfd(dir), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && now - st.st_mtime > LEFTOVER_S)
			unlinkat(dirfd(dir), entry->d_name, 0);
	closedir(dir);
}

int uc_receipt_prune(const char *state_dir, const struct uc_receipt_keep *keep,
		     size_t *removed, struct uc_error *err)
{
	uc_auto(receipts) struct uc_receipts list = { 0 };
	size_t count = 0;
	int rc = 0;

	if (removed)
		*removed = 0;
	if (uc_receipt_list(state_dir, &list, err) < 0)
		return -1;
	remove_leftovers(state_dir, keep->now);
	for (size_t i = 0; i < list.count; i++) {
		int64_t age = keep->now - list.item[i].submit_time;
		bool old = keep->days > 0 && age > keep->days * 86400;

		if (!old && (keep->count == 0 || i < keep->count))
			continue;
		if (unlink(list.item[i].path) == 0)
			count++;
		else if (errno != ENOENT)
			rc = uc_fail_errno(err, UC_FAILED, errno, "cannot remove %s",
					   list.item[i].path);
	}
	if (removed)
		*removed = count;
	return rc;
}
