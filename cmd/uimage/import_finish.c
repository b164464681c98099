/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * The end of an import: what enroot wrote is read to its end once, the list of packages
 * and the origin are written beside it, and all three get their names, the image last.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <ucluster/container.h>
#include <ucluster/ucluster.h>
#include <ucluster/units.h>
#include <unistd.h>
#include "common/files.h"
#include "common/json.h"
#include "uimage/import.h"
#include "uimage/uimage.h"

static int check_image(struct import *im, const struct uc_image_reader *reader,
		       const char *part, struct uc_error *err)
{
	struct uc_image_report report;

	if (uc_squashfs_check(part, err) < 0 ||
	    uc_image_check(reader, part, &report, err) < 0)
		return uc_context(err, "what enroot made");
	if (report.faults > 0)
		return uc_fail(err, UC_INVALID,
			       "what enroot made is damaged in %" PRIu64 " places: %s",
			       report.faults, report.first);
	uc_run_say(im->run, 1, "%" PRIu64 " files were read", report.files);
	return 0;
}

/* --- the list of packages --- */

/* Two columns, as "pip list" prints them. */
static void add_packages(const struct uc_image *image, struct uc_buf *out)
{
	size_t width = strlen("Package");

	for (size_t i = 0; i < image->package_count; i++) {
		const size_t len = strlen(image->packages[i].name.bytes);

		width = len > width && len < 100 ? len : width;
	}
	uc_buf_addf(out, "%-*s Version\n", (int)width, "Package");
	for (size_t i = 0; i < width; i++)
		uc_buf_addc(out, '-');
	uc_buf_add(out, " -------\n");
	for (size_t i = 0; i < image->package_count; i++) {
		const struct uc_package *p = &image->packages[i];
		uc_auto(buf) struct uc_buf name = { 0 }, version = { 0 };

		uc_buf_safe(&name, p->name, 0);
		uc_buf_safe(&version, p->version, 0);
		if (version.len > 0)
			uc_buf_addf(out, "%-*s %s\n", (int)width, uc_buf_text(&name),
				    uc_buf_text(&version));
	}
}

/* The number of packages; an image without any, or that tells of none, has no list. */
static size_t write_packages(struct import *im, const struct uc_image_reader *reader,
			     const char *part, const char *path, bool *written)
{
	uc_auto(image_files) struct uc_image_files *files = NULL;
	uc_auto(image) struct uc_image *image = NULL;
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_error err = { 0 };
	int rc = uc_image_file_look(part, NULL, &files, &err);

	*written = false;
	if (rc == 0)
		rc = uc_image_packages(reader, &files->row[0], &image, &err);
	if (rc == 0 && image->package_count > 0) {
		add_packages(image, &text);
		rc = text.failed ? -1
				 : uc_keep_file(path, text.data, text.len, 0644, &err);
		*written = rc == 0;
	}
	if (rc < 0)
		uc_run_say(im->run, 0, "no list of packages: %s", err.text);
	return image ? image->package_count : 0;
}

/* --- the origin --- */

static int write_origin(struct import *im, const char *part, const char *path,
			const struct import_origin *origin, struct uc_error *err)
{
	const struct passwd *pw = getpwuid(getuid());
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_json json = { .out = &text };
	struct stat st;

	if (stat(part, &st) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "'%s'", part);
	uc_json_open(&json, NULL, '{');
	uc_json_number(&json, "version", 1);
	uc_json_text(&json, "source", uc_raw(im->from.uri));
	uc_json_text(&json, "digest", uc_raw(origin->digest));
	uc_json_text(&json, "arch", uc_raw(im->args.arch));
	uc_json_time(&json, "imported", time(NULL));
	uc_json_text(&json, "user", uc_raw(pw ? pw->pw_name : NULL));
	uc_json_amount(&json, "size", (uint64_t)st.st_size);
	uc_json_text(&json, "enroot", uc_raw(origin->enroot));
	uc_json_text(&json, "ucluster", uc_raw(uc_version()));
	uc_json_close(&json, '}');
	uc_buf_addc(&text, '\n');
	if (text.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_keep_file(path, text.data, text.len, 0644, err);
}

/* --- in place --- */

static int sync_path(const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags), rc;

	if (fd < 0)
		return -1;
	rc = fsync(fd) < 0 && errno != EINVAL && errno != EROFS ? -1 : 0;
	close(fd);
	return rc;
}

static int place(const char *from, const char *to, bool replace)
{
	if (replace)
		return rename(from, to);
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	/* not every file system can */
	if (errno != EINVAL || link(from, to) < 0)
		return -1;
	unlink(from);
	return 0;
}

/* The name beside the image that ends in `suffix` in place of .sqsh. */
static void beside(const char *target, const char *suffix, struct uc_buf *out)
{
	const char *dot = strrchr(target, '.');

	uc_buf_addn(out, target, (size_t)(dot - target));
	uc_buf_add(out, suffix);
}

static int put_in_place(struct import *im, const char *part, bool listed,
			struct uc_error *err)
{
	const char *target = uc_buf_text(&im->target);
	uc_auto(buf) struct uc_buf origin = { 0 }, packages = { 0 }, from = { 0 };

	beside(target, ".origin", &origin);
	beside(target, ".packages", &packages);
	uc_buf_addf(&from, "%s.origin", part);
	if (origin.failed || packages.failed || from.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (sync_path(part, 0) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "cannot write '%s'", target);
	/* who was quicker keeps what is beside his, too */
	if (import_may_write(im, err) < 0)
		return -1;
	if (rename(uc_buf_text(&from), uc_buf_text(&origin)) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "cannot write '%s'",
				     uc_buf_text(&origin));
	uc_buf_reset(&from);
	uc_buf_addf(&from, "%s.packages", part);
	/* a list of the image before would tell of this one what is not so */
	if (listed ? rename(uc_buf_text(&from), uc_buf_text(&packages)) < 0
		   : unlink(uc_buf_text(&packages)) < 0 && errno != ENOENT)
		return uc_fail_errno(err, UC_FAILED, errno, "cannot write '%s'",
				     uc_buf_text(&packages));
	if (place(part, target, im->args.force) < 0)
		return uc_fail_errno(err, errno == EEXIST ? UC_USAGE : UC_FAILED, errno,
				     "cannot write '%s'", target);
	(void)!sync_path(uc_buf_text(&im->folder), O_DIRECTORY);
	return 0;
}

static void tell(struct import *im, size_t packages, const struct import_origin *origin)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	struct stat st;

	uc_buf_addf(&text, "%s '%s'", im->done ? im->done : "imported",
		    uc_buf_text(&im->target));
	if (stat(uc_buf_text(&im->target), &st) == 0) {
		uc_buf_add(&text, ", ");
		uc_size_words(&text, (uint64_t)st.st_size);
	}
	if (packages > 0)
		uc_buf_addf(&text, ", %zu packages", packages);
	if (origin->digest)
		uc_buf_addf(&text, ", %.19s", origin->digest);
	uc_run_say(im->run, 0, "%s", uc_buf_text(&text));
}

int import_finish(struct import *im, const char *part, const struct import_origin *origin,
		  struct uc_error *err)
{
	struct uimage_reader reader = { 0 };
	uc_auto(buf) struct uc_buf path = { 0 };
	size_t packages;
	bool listed;
	int rc;

	uimage_reader_init(im->run, &reader);
	reader.how.state_dir = NULL; /* it is not at its place yet */
	uc_run_say(im->run, 0, "checking the image");
	rc = check_image(im, &reader.how, part, err);
	if (rc == 0) {
		uc_buf_addf(&path, "%s.packages", part);
		packages = write_packages(im, &reader.how, part, uc_buf_text(&path),
					  &listed);
		uc_buf_reset(&path);
		uc_buf_addf(&path, "%s.origin", part);
		rc = write_origin(im, part, uc_buf_text(&path), origin, err);
	}
	if (rc == 0)
		rc = put_in_place(im, part, listed, err);
	if (rc == 0)
		tell(im, packages, origin);
	uimage_reader_free(&reader);
	return rc;
}
