/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What a run looks at on this side, by the same rules, for those who wait for changes. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "sync/run.h"

static int walk_here(struct uc_sync_planner *planner, struct uc_error *err)
{
	struct uc_sync_walking walking = { 0 };
	atomic_bool stop = false;
	int status = uc_sync_walking_start(&walking, planner, &stop, err);

	if (status == 0) {
		(void)pthread_join(walking.thread, NULL);
		walking.started = false;
		status = walking.status;
		if (status < 0 && err)
			*err = walking.err;
	}
	uc_sync_walking_free(&walking);
	return status;
}

int uc_sync_look(const struct uc_sync_request *request, uc_sync_looked *looked, void *arg,
		 struct uc_error *err)
{
	static const char kinds[] = {
		[UC_SYNC_FILE] = 'f', [UC_SYNC_FOLDER] = 'd', [UC_SYNC_LINK] = 'l'
	};
	uc_auto(sync_scope) struct uc_sync_scope scope = { 0 };
	struct uc_sync_planner planner = { .request = request, .scope = &scope };
	int status;

	if (uc_sync_scope_make(&scope, request, err) < 0)
		return -1;
	planner.root = open(request->near, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (planner.root < 0)
		return uc_fail_errno(err, errno == ENOENT ? UC_NOTFOUND : UC_FAILED,
				     errno, "cannot open the folder '%s'", request->near);
	status = walk_here(&planner, err);
	for (size_t i = 0; status == 0 && i < planner.near.count; i++) {
		const struct uc_sync_entry *entry = uc_sync_list_at(&planner.near, i);
		const struct uc_sync_item item = { .action = UC_SYNC_SAME,
						   .path = entry->path,
						   .target = entry->target,
						   .kind = kinds[entry->kind],
						   .size = entry->size,
						   .mtime_ns = entry->mtime,
						   .mode = entry->mode };

		looked(arg, &item);
	}
	close(planner.root);
	uc_sync_plan_free(&planner);
	return status;
}
