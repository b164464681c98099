/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Own images that nobody uses: by their time of access where the file system keeps it,
 * the receipts of this user's jobs, and what the jobs in the queue say.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <ucluster/receipt.h>
#include <ucluster/state.h>
#include <unistd.h>
#include "common/own.h"
#include "uimage/clean.h"
#include "uimage/uimage.h"

#define UNUSED (90 * 24 * 3600)

/* What is said of an image. */
struct use {
	const char *path, *name;
	int64_t last;
	bool now;
};

/* The words of a job that is in the queue; its name may stand for another image, too. */
static bool names_it(const struct uc_job *job, const struct use *use)
{
	const char *line = job->submit_line.bytes;

	return line && (strstr(line, use->path) || strstr(line, use->name));
}

static void look_at_jobs(struct clean *c, struct use *uses, size_t count)
{
	const struct uc_jobs *jobs = clean_jobs(c);

	for (size_t i = 0; jobs && i < jobs->count; i++) {
		const struct uc_job *job = &jobs->row[i];
		uc_auto(receipt) struct uc_receipt *receipt = NULL;

		if (uc_job_is_finished(job->state))
			continue;
		if (job->user_id == getuid())
			receipt = uc_run_receipt(c->run, job);
		for (size_t k = 0; k < count; k++)
			uses[k].now |=
				names_it(job, &uses[k]) ||
				(receipt && receipt->container.image &&
				 strcmp(receipt->container.image, uses[k].path) == 0);
	}
}

static void look_at_receipts(struct clean *c, struct use *uses, size_t count)
{
	uc_auto(receipts) struct uc_receipts all = { 0 };
	uc_auto(buf) struct uc_buf dir = { 0 };

	uc_run_state_dir(c->run, &dir);
	if (dir.len == 0 || uc_receipt_list(uc_buf_text(&dir), &all, NULL) < 0)
		return;
	for (size_t i = 0; i < all.count; i++) {
		const struct uc_receipt_key key = { .job_id = all.item[i].job_id,
						    .submit_time =
							    all.item[i].submit_time };
		uc_auto(receipt) struct uc_receipt *receipt = NULL;

		if (uc_receipt_find(uc_buf_text(&dir), &key, &receipt, NULL) < 0 ||
		    !receipt->container.image)
			continue;
		for (size_t k = 0; k < count; k++)
			if (strcmp(receipt->container.image, uses[k].path) == 0 &&
			    all.item[i].submit_time > uses[k].last)
				uses[k].last = all.item[i].submit_time;
	}
}

static void settle(struct clean *c, const struct use *use, uint64_t size, int64_t age)
{
	struct clean_item *item;

	if (use->last + age > c->now)
		return;
	if (!c->images) {
		c->unused_images += !use->now;
		c->unused_bytes += use->now ? 0 : size;
		return;
	}
	item = clean_add(c, CLEAN_IMAGE, use->path);
	if (!item)
		return;
	item->size = size;
	item->used = use->last;
	if (!c->jobs)
		clean_note(item, true, "nobody knows whether a job uses it");
	else if (use->now)
		clean_note(item, true, "a job in the queue uses it");
}

static void look_at_images(struct clean *c, const struct uc_image_files *files,
			   struct use *uses)
{
	const int64_t age = c->older >= 0 ? c->older : UNUSED;
	size_t count = 0;

	for (size_t i = 0; i < files->count; i++) {
		struct stat st;

		if (files->row[i].uid != geteuid() ||
		    lstat(files->row[i].path.bytes, &st) < 0 || !S_ISREG(st.st_mode))
			continue;
		uses[count++] =
			(struct use){ .path = files->row[i].path.bytes,
				      .name = files->row[i].name.bytes,
				      .last = st.st_atime > st.st_mtime ? st.st_atime
									: st.st_mtime };
	}
	look_at_receipts(c, uses, count);
	if (c->images)
		look_at_jobs(c, uses, count);
	for (size_t i = 0; i < count; i++) {
		struct stat st;

		if (lstat(uses[i].path, &st) == 0)
			settle(c, &uses[i], (uint64_t)st.st_blocks * 512, age);
	}
}

void clean_find_images(struct clean *c)
{
	uc_auto(image_files) struct uc_image_files *files = NULL;
	struct use *uses;

	if (!uc_config_list(c->run->config, "image_dirs")[0] ||
	    uimage_find(c->run, &files, NULL) < 0)
		return;
	uses = calloc(files->count + 1, sizeof(*uses));
	if (uses)
		look_at_images(c, files, uses);
	free(uses);
}

/* What tells of it goes after it. */
int clean_remove_image(const struct clean_item *item)
{
	static const char *const beside[] = { ".packages", ".origin" };
	const char *dot = strrchr(item->path, '.');

	if (unlink(item->path) < 0 && errno != ENOENT)
		return -1;
	for (size_t i = 0; i < sizeof(beside) / sizeof(beside[0]); i++) {
		uc_auto(buf) struct uc_buf path = { 0 };

		uc_buf_addn(&path, item->path, (size_t)(dot - item->path));
		uc_buf_add(&path, beside[i]);
		if (!path.failed)
			unlink(uc_buf_text(&path));
	}
	return 0;
}
