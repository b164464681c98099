/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#ifndef UC_SYNC_CONNECT_H
#define UC_SYNC_CONNECT_H
/* Far ends as a request names them: a helper here, or there over SSH; or SFTP there. */
#include "sync/run.h"

struct uc_sync_connect;

/* Nothing is connected yet. The opener is good as long as this is; all is borrowed. */
int uc_sync_connect_new(struct uc_sync_connect **connect,
			const struct uc_sync_request *request,
			struct uc_sync_opener *opener,
			struct uc_error *err) UC_MUST_CHECK;
void uc_sync_connect_free(struct uc_sync_connect *connect);
UC_DEFINE_AUTO(sync_connect, struct uc_sync_connect *)

#endif
