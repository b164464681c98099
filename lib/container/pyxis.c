/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * srun's options for pyxis. Each is written once: of two --container-mounts only the last
 * reaches the node, and any other option given twice is refused.
 */
#include "container/container.h"

#include <stdlib.h>

static void add_text(struct uc_strv *options, const char *name, const char *value)
{
	if (value)
		uc_strv_addf(options, "--%s=%s", name, value);
}

static void add_switch(struct uc_strv *options, enum uc_switch value, const char *on,
		       const char *off)
{
	if (value != UC_SITE && (value == UC_ON || off))
		uc_strv_addf(options, "--%s", value == UC_ON ? on : off);
}

static int add_mounts(struct uc_strv *options, const struct uc_container *box)
{
	uc_auto(buf) struct uc_buf list = { 0 };
	struct uc_mount **order = uc_mounts_ordered(box);

	for (size_t i = 0; order && i < box->mount_count; i++) {
		uc_buf_addf(&list, "%s%s:%s", i ? "," : "", order[i]->source,
			    order[i]->target);
		if (order[i]->flags)
			uc_buf_addf(&list, ":%s", order[i]->flags);
	}
	if (order && !list.failed && box->mount_count > 0)
		add_text(options, "container-mounts", uc_buf_text(&list));
	free(order);
	return order && !list.failed ? 0 : -1;
}

int uc_container_pyxis(const struct uc_container *box, struct uc_strv *options,
		       struct uc_error *err)
{
	/* without them pyxis prints an error for every other option, and runs on the host
	 */
	if (!box->image && !box->name)
		return 0;
	add_text(options, "container-image", box->image);
	add_text(options, "container-name", box->name);
	if (add_mounts(options, box) < 0)
		return uc_fail(err, UC_FAILED, "out of memory");
	add_text(options, "container-workdir", box->workdir);
	add_text(options, "container-save", box->save);
	add_text(options, "container-env", box->env);
	add_text(options, "container-unshare", box->unshare);
	add_switch(options, box->mount_home, "container-mount-home",
		   "no-container-mount-home");
	add_switch(options, box->remap_root, "container-remap-root",
		   "no-container-remap-root");
	add_switch(options, box->entrypoint, "container-entrypoint",
		   "no-container-entrypoint");
	add_switch(options, box->entrypoint_log, "container-entrypoint-log", NULL);
	add_switch(options, box->writable, "container-writable", "container-readonly");
	return options->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}
