/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * What is in an image: as kept, or read by image-reader. A record is kept with the path,
 * size and time of its image and counts for that only.
 */
#include "image/record.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <ucluster/container.h>
#include <ucluster/units.h>
#include "base/file.h"
#include "base/program.h"

enum {
	TIMEOUT_MS = 30000,
	CHECK_MS = 1000 * 3600 * 24, /* for all of an image, where no limit is given */
	LIST_MAX = 8 << 20,          /* bytes of a list of packages */
};

/* The first line of what is kept. */
static void put_key(struct uc_buf *out, const struct uc_image_file *file)
{
	uc_buf_add(out, "ucluster-image 1\t");
	uc_image_record_add_field(out, file->path.bytes, strlen(file->path.bytes));
	uc_buf_addf(out, "\t%" PRIu64 "\t%" PRId64 ".%09u\n", file->size, file->mtime,
		    file->mtime_ns);
}

/* A name for a path (FNV-1a); two that share one take turns. */
static void put_place(struct uc_buf *out, const char *state_dir, const char *path)
{
	uint64_t hash = UINT64_C(14695981039346656037);

	for (; *path; path++)
		hash = (hash ^ (unsigned char)*path) * UINT64_C(1099511628211);
	uc_buf_addf(out, "%s/images/%016" PRIx64, state_dir, hash);
}

/* false: nothing is kept, or of another image */
static bool recall(const struct uc_image_reader *reader, const struct uc_image_file *file,
		   struct uc_image **out)
{
	uc_auto(buf) struct uc_buf place = { 0 }, key = { 0 }, bytes = { 0 };
	struct uc_error err;

	if (!reader->state_dir || reader->again)
		return false;
	put_place(&place, reader->state_dir, file->path.bytes);
	put_key(&key, file);
	if (place.failed || key.failed ||
	    uc_file_read(uc_buf_text(&place), UC_RECORD_MAX, &bytes, &err) < 0 ||
	    bytes.len < key.len || memcmp(bytes.data, key.data, key.len) != 0)
		return false;
	return uc_image_record_parse(bytes.data + key.len, bytes.len - key.len, out,
				     &err) == 0;
}

/* It can be read again: that it could not be kept does not matter. */
static void keep(const struct uc_image_reader *reader, const struct uc_image_file *file,
		 const struct uc_buf *record)
{
	uc_auto(buf) struct uc_buf place = { 0 }, bytes = { 0 };
	struct uc_error err;

	if (!reader->state_dir)
		return;
	uc_buf_addf(&place, "%s/images", reader->state_dir);
	if (place.failed || uc_file_mkdirs(uc_buf_text(&place), 0700, &err) < 0)
		return;
	uc_buf_reset(&place);
	put_place(&place, reader->state_dir, file->path.bytes);
	put_key(&bytes, file);
	uc_buf_addn(&bytes, record->data, record->len);
	if (!place.failed && !bytes.failed &&
	    uc_file_write(uc_buf_text(&place), bytes.data, bytes.len, 0600, &err) < 0)
		return;
}

/* How the process ended, where it did not say. */
static int explain_end(enum uc_code how, int status, int failure, struct uc_error *err)
{
	if (how == UC_UNREACHABLE)
		return uc_fail(err, UC_UNREACHABLE, "it is not read in time");
	if (how == UC_INVALID)
		return uc_fail(err, UC_INVALID, "there is more in it than is read");
	if (failure)
		return uc_fail_errno(err, UC_FAILED, failure, "image-reader");
	if (how == UC_OK && WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
		return uc_fail(err, UC_UNREACHABLE, "it is not read in time");
	if (how == UC_OK && WIFSIGNALED(status))
		return uc_fail(err, UC_INVALID, "it is damaged: reading it ended with %s",
			       strsignal(WTERMSIG(status)));
	return uc_fail(err, UC_FAILED, "image-reader ended with status %d",
		       WIFEXITED(status) ? WEXITSTATUS(status) : -1);
}

struct reading {
	const char *verb, *path;
	int timeout_ms;
	int seconds; /* of CPU; 0: as many as it takes */
	size_t bytes;
};

/* What the process wrote; -1: nothing that can be used. */
static int run_reader(const struct uc_image_reader *reader, const struct reading *what,
		      struct uc_buf *out, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf program = { 0 }, seconds = { 0 };
	char *words[5] = { (char *)"image-reader", (char *)what->verb,
			   (char *)what->path };
	struct uc_program run = { .words = words, .bytes = what->bytes };
	int status = 0, failure = 0;
	enum uc_code how;

	uc_buf_addf(&program, "%s/image-reader", reader->libexec_dir);
	uc_buf_addf(&seconds, "%d", what->seconds);
	if (program.failed || seconds.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	words[3] = seconds.data;
	run.path = uc_buf_text(&program);
	run.deadline = uc_monotonic_ms() + what->timeout_ms;
	how = uc_program_run(&run, out, &status, &failure);
	/* with status 1 it says itself what is wrong */
	if (how == UC_OK && WIFEXITED(status) && WEXITSTATUS(status) <= UC_FAILED &&
	    out->len > 0)
		return 0;
	return explain_end(how, status, failure, err);
}

static int read_image(const struct uc_image_reader *reader,
		      const struct uc_image_file *file, struct uc_image **out,
		      struct uc_error *err)
{
	const int timeout_ms = reader->timeout_ms ? reader->timeout_ms : TIMEOUT_MS;
	const struct reading what = { "read", file->path.bytes, timeout_ms,
				      1 + timeout_ms / 1000, UC_RECORD_MAX };
	uc_auto(buf) struct uc_buf record = { 0 };

	if (!reader->libexec_dir)
		return uc_fail(err, UC_NOTFOUND, "nothing is kept of image '%s'",
			       file->path.bytes);
	/* who may not read it, and what is no image at all, needs no process */
	if (uc_squashfs_check(file->path.bytes, err) < 0) {
		if (err && err->code == UC_USAGE)
			err->code = UC_INVALID;
		return -1;
	}
	if (run_reader(reader, &what, &record, err) < 0 ||
	    uc_image_record_parse(record.data, record.len, out, err) < 0)
		return uc_context(err, "image '%s'", file->path.bytes);
	keep(reader, file, &record);
	return 0;
}

/* The package of that name, version and kind that was found inside. */
static const struct uc_package *find_same(const struct uc_image *image,
					  const struct uc_package *package,
					  enum uc_package_kind kind)
{
	size_t low = 0, high = image->package_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct uc_package *one = &image->packages[middle];
		int order = one->kind == kind ? uc_package_compare(one->name.bytes,
								   package->name.bytes)
					      : (one->kind < kind ? -1 : 1);

		if (order == 0)
			return one->version.bytes && package->version.bytes &&
					       strcmp(one->version.bytes,
						      package->version.bytes) == 0
				       ? one
				       : NULL;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void mark_kinds(bool *has, const struct uc_image *list)
{
	for (size_t i = 0; i < list->package_count; i++)
		has[list->packages[i].kind] = true;
}

/* The list's, where the image tells none, or less: "3.10" of 3.10.12. */
static void take_python(struct uc_image *image, const struct uc_image *list)
{
	const char *inside = image->python.bytes, *listed = list->python.bytes;

	if (listed && (!inside || strncmp(listed, inside, strlen(inside)) == 0))
		image->python = list->python;
}

/*
 * The list's packages instead of those of the same kinds that were found inside. A list
 * may have all kinds under one heading: what is found inside as another kind is that.
 */
static int take_list(struct uc_image *image, struct uc_image *list)
{
	struct uc_image_build *build = (struct uc_image_build *)image;
	bool has[UC_PACKAGE_KINDS] = { 0 }, inside[UC_PACKAGE_KINDS] = { 0 };
	struct uc_package *all =
		calloc(image->package_count + list->package_count + 1, sizeof(*all));
	size_t count = 0;

	if (!all)
		return -1;
	mark_kinds(has, list);
	mark_kinds(inside, image);
	if (has[UC_PACKAGE_LISTED])
		has[UC_PACKAGE_PIP] = has[UC_PACKAGE_CONDA] = true;
	for (size_t i = 0; i < list->package_count; i++) {
		bool found = false;

		for (int kind = 0; kind < UC_PACKAGE_KINDS && !found; kind++)
			found = inside[kind] && !has[kind] &&
				find_same(image, &list->packages[i],
					  (enum uc_package_kind)kind);
		if (!found)
			all[count++] = list->packages[i];
	}
	for (size_t i = 0; i < image->package_count; i++)
		if (!has[image->packages[i].kind])
			all[count++] = image->packages[i];
	free(build->package);
	build->package = all;
	image->packages = all;
	image->package_count = count;
	image->listed = true;
	build->list = (struct uc_image_build *)list;
	take_python(image, list);
	return 0;
}

static int read_list(const struct uc_image_file *file, struct uc_image **out,
		     struct uc_error *err)
{
	uc_auto(buf) struct uc_buf bytes = { 0 };

	if (uc_file_read(file->list.bytes, LIST_MAX, &bytes, err) < 0)
		return -1;
	return uc_package_list_parse(uc_buf_text(&bytes), bytes.len, out, NULL, err);
}

/* A list that cannot be read, or has nothing in it, is none. */
static bool has_list(const struct uc_image_file *file, struct uc_image **out)
{
	struct uc_error err;

	if (!file->list.bytes || read_list(file, out, &err) < 0)
		return false;
	if ((*out)->package_count > 0)
		return true;
	uc_image_free(*out);
	*out = NULL;
	return false;
}

int uc_image_load(const struct uc_image_reader *reader, const struct uc_image_file *file,
		  struct uc_image **out, struct uc_error *err)
{
	struct uc_image *image = NULL, *list = NULL;

	if (!recall(reader, file, &image) && read_image(reader, file, &image, err) < 0)
		return -1;
	if (has_list(file, &list) && take_list(image, list) < 0) {
		uc_image_free(list);
		uc_image_free(image);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	if (file->origin.bytes)
		image->origin = uc_raw(uc_arena_strdup(
			((struct uc_image_build *)image)->arena, file->origin.bytes));
	if (uc_arena_failed(((struct uc_image_build *)image)->arena)) {
		uc_image_free(image);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	*out = image;
	return 0;
}

int uc_image_packages(const struct uc_image_reader *reader,
		      const struct uc_image_file *file, struct uc_image **out,
		      struct uc_error *err)
{
	return has_list(file, out) ? 0 : uc_image_load(reader, file, out, err);
}

int uc_image_check(const struct uc_image_reader *reader, const char *path,
		   struct uc_image_report *report, struct uc_error *err)
{
	const struct reading what = { "check", path,
				      reader->timeout_ms ? reader->timeout_ms : CHECK_MS,
				      0, sizeof(struct uc_image_checked) };
	uc_auto(buf) struct uc_buf bytes = { 0 }, first = { 0 };
	struct uc_image_checked checked;

	if (uc_squashfs_check(path, err) < 0) {
		if (err && err->code == UC_USAGE)
			err->code = UC_INVALID;
		return -1;
	}
	if (run_reader(reader, &what, &bytes, err) < 0)
		return uc_context(err, "image '%s'", path);
	if (bytes.len != sizeof(checked))
		return uc_fail(err, UC_INVALID, "image '%s': its reader said nothing",
			       path);
	memcpy(&checked, bytes.data, sizeof(checked));
	if (checked.magic != UC_CHECKED_MAGIC ||
	    !memchr(checked.first, '\0', sizeof(checked.first)))
		return uc_fail(err, UC_FAILED, "image-reader is of another version");
	uc_buf_safe(&first, uc_raw(checked.first), 0);
	*report = (struct uc_image_report){
		.files = checked.files,
		.folders = checked.folders,
		.links = checked.links,
		.bytes = checked.bytes,
		.faults = checked.faults,
	};
	snprintf(report->first, sizeof(report->first), "%s", uc_buf_text(&first));
	return 0;
}
