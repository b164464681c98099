/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Before queueing: what slurmctld would refuse, or never start, is refused here. */
#include "usrun/usrun.h"

#include <unistd.h>
#include <ucluster/check.h>
#include <ucluster/units.h>

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

/* A limit that ends a job is said, or nobody knows why it ended, or never does. */
static void say_time(const struct usrun *u, const struct uc_check_facts *facts)
{
	const struct uc_partition *p = uc_check_open_end(u->spec, facts);
	uc_auto(buf) struct uc_buf most = { 0 }, name = { 0 };

	if (!p || uc_spec_get(u->spec, "quiet"))
		return;
	uc_buf_safe(&name, p->name, u->run->safe);
	uc_duration_format(&most, p->time_limit);
	if (p->time_limit == UC_DURATION_INFINITE)
		uc_run_say(
			u->run, 0,
			"no time limit, as partition '%s' has none; with --time it may "
			"start sooner",
			uc_buf_text(&name));
	else
		uc_run_say(
			u->run, 0,
			"time limit %s, all that partition '%s' allows; with a shorter "
			"--time it may start sooner",
			uc_buf_text(&most), uc_buf_text(&name));
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
		if (!faults.count) {
			say_time(u, &facts);
			return 0;
		}
		/* nothing is refused for what may be out of date */
		fresh = facts.from_cache;
		if (fresh)
			continue;
		uc_run_errors(u->run, &faults);
		return -1;
	}
}
