/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "usync/command.h"

json_t *usync_call(struct usync *u, const char *verb, json_t *arguments)
{
	struct uc_error err = { 0 };
	json_t *answer = NULL;

	if (!arguments) {
		uc_fail(&err, UC_FAILED, "out of memory");
		uc_run_error(u->run, &err);
		return NULL;
	}
	if (uc_sync_call(&u->request, verb, arguments, &answer, &err) < 0) {
		uc_run_error(u->run, &err);
		answer = NULL;
	}
	json_decref(arguments);
	return answer;
}
