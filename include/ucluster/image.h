/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UCLUSTER_IMAGE_H
#define UCLUSTER_IMAGE_H
/*
 * Images: which there are, and what is in them, without mounting one and without a job.
 *
 *	uc_auto(image_files) struct uc_image_files *files = NULL;
 *	uc_image_files_find(dirs, NULL, &files, &err);
 *	const struct uc_image_reader reader = { .libexec_dir = dir, .state_dir = state };
 *	uc_auto(image) struct uc_image *image = NULL;
 *	uc_image_load(&reader, &files->row[0], &image, &err);
 *
 * An image is read by a process of its own, bounded in memory, time and output: one that
 * is damaged or hostile is an error like any other. Of the files inside only the few
 * small ones are read that say what the image is. What was read is kept.
 */
#include <stdint.h>
#include <ucluster/error.h>
#include <ucluster/text.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A file that is called like an image; it may be anything. */
struct uc_image_file {
	struct uc_raw path;   /* absolute */
	struct uc_raw name;   /* without folder and suffix: what usrun --image takes */
	uint64_t size;        /* bytes */
	int64_t mtime;        /* seconds since 1970 */
	uint32_t mtime_ns;    /* and this */
	uint32_t uid;         /* whose it is */
	bool hidden;          /* an earlier folder has one of that name */
	struct uc_raw list;   /* of packages, beside it and not older; NULL: none */
	struct uc_raw origin; /* as it was written down beside it; NULL: it was not */
};
struct uc_image_files {
	const struct uc_image_file *row; /* in the order of the folders, then by name */
	size_t count;
	const struct uc_raw *unread; /* folders that cannot be read, but are there */
	size_t unread_count;
};
void uc_image_files_free(struct uc_image_files *files);
UC_DEFINE_AUTO(image_files, struct uc_image_files *)

/*
 * The images of some folders (absolute, NULL-terminated); those that are missing are
 * passed over. `list_name` says what lists of packages are called, with %n for the
 * image's name without its suffix; NULL: "%n.packages", or "%n.sqsh.packages".
 */
int uc_image_files_find(const char *const *dirs, const char *list_name,
			struct uc_image_files **out, struct uc_error *err) UC_MUST_CHECK;
/* One image by its path (absolute), whatever its name. UC_NOTFOUND, UC_DENIED. */
int uc_image_file_look(const char *path, const char *list_name,
		       struct uc_image_files **out, struct uc_error *err) UC_MUST_CHECK;

/*
 * Set `out` to the path of the file beside an image that says where it came from: JSON
 * with a "source" ("docker://nvcr.io#nvidia/pytorch:24.05-py3"), as uimage import writes
 * it, or a text whose first line is that.
 */
void uc_image_origin_path(struct uc_buf *out, const char *image_path);

enum uc_package_kind {
	UC_PACKAGE_PIP,    /* what Python's tools installed */
	UC_PACKAGE_CONDA,  /* may be any program */
	UC_PACKAGE_DPKG,   /* Debian's and Ubuntu's */
	UC_PACKAGE_LISTED, /* as a list beside the image has it */
	UC_PACKAGE_KINDS,
};
/* "pip", "conda", "dpkg", "listed" */
const char *uc_package_kind_name(enum uc_package_kind kind);

struct uc_package {
	enum uc_package_kind kind;
	struct uc_raw name, version; /* version NULL: not known */
};

/* What is below a folder; hard links count once. */
struct uc_image_folder {
	struct uc_raw path; /* "/", "/usr", "/usr/lib", ...; two levels */
	uint64_t bytes;     /* of the files' contents, unpacked */
	uint64_t files;
};

/* What is in an image. Immutable; owns its strings. Texts are NULL where not known. */
struct uc_image {
	struct uc_raw os;           /* "Ubuntu 22.04.4 LTS" */
	struct uc_raw architecture; /* "x86_64" */
	struct uc_raw origin;       /* where it came from */
	struct uc_raw workdir, entrypoint, command;
	struct uc_raw python, cuda;       /* versions */
	const struct uc_raw *environment; /* "NAME=value" */
	size_t environment_count;
	const struct uc_package *packages; /* by name within each kind */
	size_t package_count;
	const struct uc_image_folder *folders; /* by path */
	size_t folder_count;
	uint64_t files, bytes;    /* all of it, unpacked */
	int64_t made;             /* when it was packed; seconds since 1970 */
	struct uc_raw compressor; /* "zstd" */
	uint64_t bytes_read;      /* of the file, when it was read */
	bool listed;              /* packages are those of the list beside it */
};
void uc_image_free(struct uc_image *image);
UC_DEFINE_AUTO(image, struct uc_image *)

/* How images are read. Strings are borrowed. */
struct uc_image_reader {
	const char *libexec_dir; /* has the reading program; NULL: what is kept only */
	const char *state_dir;   /* what was read is kept below it; NULL: it is not */
	int timeout_ms;          /* for one image; 0: 30 s */
	bool again;              /* do not take what was kept */
};

/*
 * What is in an image: as kept, or read now, in at most `timeout_ms`. Packages come from
 * the list beside the image where there is one. UC_NOTFOUND, UC_DENIED; UC_INVALID: it is
 * damaged, unfinished or no image; UC_UNREACHABLE: not read in time.
 */
int uc_image_load(const struct uc_image_reader *reader, const struct uc_image_file *file,
		  struct uc_image **out, struct uc_error *err) UC_MUST_CHECK;
/*
 * Its packages only: of the list beside the image, without looking at the image itself,
 * or else all of it as above.
 */
int uc_image_packages(const struct uc_image_reader *reader,
		      const struct uc_image_file *file, struct uc_image **out,
		      struct uc_error *err) UC_MUST_CHECK;
/* The version of a package by its normalised name; the first of several kinds. */
const struct uc_package *uc_image_find(const struct uc_image *image, const char *name);

/* What an image that was read to its end has. */
struct uc_image_report {
	uint64_t files, folders, links, bytes;
	uint64_t faults; /* how many files or folders are damaged */
	char first[160]; /* the first of them, and what is wrong; safe text */
};
/*
 * Read all of an image and look whether it hangs together; `timeout_ms` 0: no limit. 0
 * also when there are faults. Bytes that are stored as they are have no checksum: what
 * changed in them is not seen.
 */
int uc_image_check(const struct uc_image_reader *reader, const char *path,
		   struct uc_image_report *report, struct uc_error *err) UC_MUST_CHECK;

/*
 * Read a list of packages: what "pip list", "pip freeze", "pip list --format=json",
 * "conda list" or "dpkg -l" print, or "NAME VERSION" lines. Lines that are nothing of
 * this are passed over and counted in *skipped, which may be NULL.
 */
int uc_package_list_parse(const char *bytes, size_t len, struct uc_image **out,
			  size_t *skipped, struct uc_error *err) UC_MUST_CHECK;

#ifdef __cplusplus
}
#endif
#endif
