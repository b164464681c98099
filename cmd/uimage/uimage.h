/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_UIMAGE_UIMAGE_H
#define UC_UIMAGE_UIMAGE_H
/* The subcommands of uimage, one or more files each, and what they share. */
#include <ucluster/image.h>
#include "common/opt.h"
#include "common/run.h"

extern const struct uc_cmd uimage_cmd_check;
extern const struct uc_cmd uimage_cmd_clean;
extern const struct uc_cmd uimage_cmd_import;
extern const struct uc_cmd uimage_cmd_list;
extern const struct uc_cmd uimage_cmd_login;
extern const struct uc_cmd uimage_cmd_logout;
extern const struct uc_cmd uimage_cmd_save;
extern const struct uc_cmd uimage_cmd_search;
extern const struct uc_cmd uimage_cmd_show;

/* Where images are: the configured image_dirs, absolute. Zero-initialise; free. */
int uimage_dirs(const struct uc_run *run, struct uc_strv *dirs,
		struct uc_error *err) UC_MUST_CHECK;
/*
 * All images of these folders; says which folders cannot be read. UC_USAGE: none are
 * configured.
 */
int uimage_find(struct uc_run *run, struct uc_image_files **out,
		struct uc_error *err) UC_MUST_CHECK;
/* The one that a word means: a path, or a short name as usrun --image takes it. */
int uimage_find_one(struct uc_run *run, const char *word, struct uc_image_files **out,
		    struct uc_error *err) UC_MUST_CHECK;

/* How images are read here. Zero-initialise; free. */
struct uimage_reader {
	struct uc_image_reader how;
	struct uc_buf state;
};
void uimage_reader_init(const struct uc_run *run, struct uimage_reader *reader);
void uimage_reader_free(struct uimage_reader *reader);
static inline void uimage_reader_drop(struct uimage_reader *reader)
{
	uimage_reader_free(reader);
}

/*
 * What is in each of `files`, read by several at once, with a line on a terminal that
 * says how far it is. images[i] stays NULL where it cannot be read, which is said in a
 * line; of what others keep from this user only with -v. Free each.
 */
void uimage_load_all(struct uc_run *run, const struct uimage_reader *reader,
		     const struct uc_image_files *files, struct uc_image **images);

/* "torch 2.1.0, jax 0.4.2": what an image is made for, by its packages. */
void uimage_frameworks(struct uc_buf *out, const struct uc_image *image);

#endif
