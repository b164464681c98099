/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Where images are, and which of them a word means. */
#include <stdlib.h>
#include <ucluster/container.h>
#include "uimage/uimage.h"

int uimage_dirs(const struct uc_run *run, struct uc_strv *dirs, struct uc_error *err)
{
	const char *const *named = uc_config_list(run->config, "image_dirs");

	for (; *named; named++) {
		const bool home = (*named)[0] == '~'; /* the others are absolute */

		if (!home || run->home)
			uc_strv_addf(dirs, "%s%s", home ? run->home : "", *named + home);
	}
	if (dirs->failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (dirs->count)
		return 0;
	uc_fail(err, UC_USAGE, "no image_dirs are configured");
	return uc_hint(err, "image_dirs: [/data/enroot] in ~/.config/ucluster/"
			    "config.yaml, or UCLUSTER_IMAGE_DIRS");
}

int uimage_find(struct uc_run *run, struct uc_image_files **out, struct uc_error *err)
{
	const char *list_name = uc_config_string(run->config, "image_packages");
	uc_auto(strv) struct uc_strv dirs = { 0 };

	if (uimage_dirs(run, &dirs, err) < 0 ||
	    uc_image_files_find((const char *const *)dirs.item, list_name, out, err) < 0)
		return -1;
	for (size_t i = 0; i < (*out)->unread_count; i++) {
		uc_auto(buf) struct uc_buf dir = { 0 };

		uc_buf_safe(&dir, (*out)->unread[i], run->safe);
		uc_run_say(run, 0, "folder '%s' cannot be read", uc_buf_text(&dir));
	}
	return 0;
}

int uimage_find_one(struct uc_run *run, const char *word, struct uc_image_files **out,
		    struct uc_error *err)
{
	const char *list_name = uc_config_string(run->config, "image_packages");
	uc_auto(container) struct uc_container box = { 0 };
	uc_auto(strv) struct uc_strv dirs = { 0 };
	/* whether it is whole is looked at later, and said in other words */
	struct uc_where where = { .cwd = run->cwd ? run->cwd : "/",
				  .home = run->home,
				  .unchecked = true };

	if (uimage_dirs(run, &dirs, NULL) == 0)
		where.image_dirs = (const char *const *)dirs.item;
	if (uc_container_set_image(&box, word, &where, err) < 0)
		return -1;
	if (!box.image_is_path) {
		uc_fail(err, UC_USAGE, "'%s' is an image of a registry, not a file here",
			word);
		return uc_hint(err, "uimage list shows what is here");
	}
	return uc_image_file_look(box.image, list_name, out, err);
}

void uimage_reader_init(const struct uc_run *run, struct uimage_reader *reader)
{
	*reader = (struct uimage_reader){ .how.libexec_dir = run->libexec_dir };
	uc_run_state_dir(run, &reader->state);
	if (reader->state.len && !reader->state.failed)
		reader->how.state_dir = uc_buf_text(&reader->state);
}

void uimage_reader_free(struct uimage_reader *reader)
{
	uc_buf_free(&reader->state);
}

/* Packages that images are chosen for, by their normalised names. */
static const struct {
	const char *package, *shown;
} frameworks[] = {
	{ "torch", "torch" },
	{ "pytorch", "torch" },
	{ "tensorflow", "tensorflow" },
	{ "jax", "jax" },
	{ "paddlepaddle-gpu", "paddle" },
	{ "mxnet", "mxnet" },
	{ "cupy", "cupy" },
	{ "vllm", "vllm" },
};

void uimage_frameworks(struct uc_buf *out, const struct uc_image *image)
{
	const char *last = "";

	for (size_t i = 0; i < sizeof(frameworks) / sizeof(frameworks[0]); i++) {
		const struct uc_package *package =
			uc_image_find(image, frameworks[i].package);

		/* conda's pytorch is pip's torch */
		if (!package || frameworks[i].shown == last)
			continue;
		last = frameworks[i].shown;
		uc_buf_addf(out, "%s%s", out->len ? ", " : "", last);
		if (package->version.bytes)
			uc_buf_addf(out, " %s", package->version.bytes);
	}
}
