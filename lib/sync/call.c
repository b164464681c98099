/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/connect.h"
#include "sync/run.h"

static void nothing_done(void *arg, struct uc_far_job *job)
{
	(void)arg;
	(void)job;
}

int uc_sync_call(const struct uc_sync_request *request, const char *verb,
		 json_t *arguments, json_t **answer, struct uc_error *err)
{
	uc_auto(sync_connect) struct uc_sync_connect *connect = NULL;
	uc_auto(far) struct uc_far *far = NULL;
	char name[UC_SYNC_RUN_NAME];
	const struct uc_far_options options = {
		.root = request->far,
		.create = request->create,
		.run = name,
		.near = -1,
		.compress = request->compress,
		.silence_ms = request->silence_ms,
		.done = nothing_done,
	};
	struct uc_sync_opener opener;

	uc_sync_run_name(name);
	if (uc_sync_connect_new(&connect, request, &opener, err) < 0 ||
	    opener.open(opener.arg, 0, request->sftp, &options, &far, err) < 0)
		return -1;
	if (far->ops->call(far, verb, arguments, answer, err) == 0)
		return 0;
	if (!far->silent || !request->host)
		return -1;
	uc_fail(err, UC_NOTFOUND, "'%s' needs usync on %s", verb, request->host);
	return uc_hint(err, "usync install-helper %s", request->host);
}
