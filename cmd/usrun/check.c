/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Before queueing: what slurmctld would refuse, or never start, is refused here. */
#include "usrun/usrun.h"

#include <unistd.h>
#include <ucluster/check.h>

/* Questions that were answered, or could not be asked for want of a controller. */
static int load(struct usrun *u, struct uc_source *src, bool fresh,
		struct uc_check_facts *facts, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf dir = { 0 };
	struct uc_check_query query = {
		.user_id = (uint32_t)getuid(),
		.environment = u->run->environment,
		.batch = u->args.batch,
		.slurm_conf = uc_config_string(u->run->config, "slurm.conf"),
		.fresh = fresh,
	};
	struct uc_error why = { 0 };

	if (uc_run_env(u->run, "SLURM_CONF"))
		query.slurm_conf = NULL;
	uc_run_state_dir(u->run, &dir);
	if (dir.len > 0) {
		uc_buf_add(&dir, "/cache");
		query.cache_dir = uc_buf_text(&dir);
	}
	if (uc_check_facts_load(facts, u->spec, src, &query, &why) == 0)
		return 0;
	/* who may not ask is not checked */
	if (why.code != UC_UNREACHABLE)
		return 0;
	*err = why;
	return -1;
}

int usrun_check(struct usrun *u, struct uc_source *src, bool *answered,
		struct uc_error *err)
{
	bool fresh = false;

	if (u->args.no_check)
		return 0;
	for (;;) {
		uc_auto(check_facts) struct uc_check_facts facts = { 0 };
		uc_auto(errors) struct uc_errors faults = { 0 };

		if (load(u, src, fresh, &facts, err) < 0 ||
		    uc_spec_check(u->spec, &facts, &faults, err) < 0)
			return -1;
		*answered |= facts.asked;
		if (!faults.count)
			return 0;
		/* nothing is refused for what may be out of date */
		fresh = facts.from_cache;
		if (fresh)
			continue;
		uc_run_errors(u->run, &faults);
		return -1;
	}
}
