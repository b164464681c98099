/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Where images are. */
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
	uc_auto(strv) struct uc_strv dirs = { 0 };

	if (uimage_dirs(run, &dirs, err) < 0 ||
	    uc_image_files_find((const char *const *)dirs.item, NULL, out, err) < 0)
		return -1;
	for (size_t i = 0; i < (*out)->unread_count; i++) {
		uc_auto(buf) struct uc_buf dir = { 0 };

		uc_buf_safe(&dir, (*out)->unread[i], run->safe);
		uc_run_say(run, 0, "folder '%s' cannot be read", uc_buf_text(&dir));
	}
	return 0;
}
