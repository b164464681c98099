/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What a check needs to know, and no more: snapshots, slurm.conf, groups. */
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "base/file.h"
#include "job/check.h"
#include "job/check_cache.h"
#include "job/spec.h"
#include "slurm/conf.h"

#define CONF_MAX ((size_t)4 << 20)

void uc_check_facts_free(struct uc_check_facts *facts)
{
	uc_partitions_free(facts->partitions);
	uc_nodes_free(facts->nodes);
	uc_limits_free(facts->limits);
	uc_strv_free(&facts->groups);
	*facts = (struct uc_check_facts){ 0 };
}

static bool asks_for(const struct uc_spec *spec, const char *const *environment,
		     const char *const *names)
{
	size_t count;
	const struct uc_slurm_option *opt = uc_slurm_options(&count);

	if (uc_spec_has_any(spec, names))
		return true;
	for (; environment && *names; names++)
		for (size_t i = 0; i < count; i++)
			for (size_t v = 0; v < 3 && opt[i].srun_env[v]; v++)
				if (strcmp(opt[i].name, *names) == 0 &&
				    uc_env_value(environment, opt[i].srun_env[v]))
					return true;
	return false;
}

/* What is measured against nodes; the rest against partitions and limits. */
static bool needs_nodes(const struct uc_spec *spec, const char *const *environment)
{
	static const char *const names[] = {
		"gpus",        "gpus-per-node", "gpus-per-task",
		"gres",        "mem",           "mem-per-cpu",
		"mem-per-gpu", "cpus-per-task", "cpus-per-gpu",
		"mincpus",     "ntasks",        "ntasks-per-node",
		NULL
	};

	return asks_for(spec, environment, names);
}

bool uc_spec_is_checkable(const struct uc_spec *spec, const char *const *environment)
{
	static const char *const names[] = { "partition", "time",  "time-min", "account",
					     "qos",       "nodes", NULL };

	return asks_for(spec, environment, names) || needs_nodes(spec, environment);
}

static bool includes_files(const char *path)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	return !path || uc_file_read(path, CONF_MAX, &text, NULL) < 0 || text.failed ||
	       strncasecmp(uc_buf_text(&text), "include ", 8) == 0 ||
	       strcasestr(uc_buf_text(&text), "\ninclude ");
}

/* These add nothing to a job. */
static bool only_checks(const char *plugins)
{
	static const char *const harmless[] = { "require_timelimit", "throttle",
						"logging", "defaults", NULL };

	for (; *plugins; plugins += *plugins == ',') {
		const size_t len = strcspn(plugins, ",");
		bool known = false;

		for (size_t i = 0; harmless[i]; i++)
			known |= strlen(harmless[i]) == len &&
				 strncasecmp(plugins, harmless[i], len) == 0;
		if (!known)
			return false;
		plugins += len;
	}
	return true;
}

static void read_conf(struct uc_check_facts *facts, const char *path)
{
	uc_auto(buf) struct uc_buf value = { 0 };

	uc_limits_enforced(path, &facts->enforced);
	uc_slurm_conf_value(&value, path, "EnforcePartLimits");
	facts->all_partitions = strcasecmp(uc_buf_text(&value), "ALL") == 0;
	uc_buf_reset(&value);
	uc_slurm_conf_value(&value, path, "SelectTypeParameters");
	facts->memory = strcasestr(uc_buf_text(&value), "memory") != NULL;
	uc_buf_reset(&value);
	uc_slurm_conf_value(&value, path, "JobSubmitPlugins");
	facts->rewritten = includes_files(path) || !only_checks(uc_buf_text(&value));
}

/* Only where a partition asks for them: directories may be slow. */
static void load_groups(struct uc_check_facts *facts)
{
	const struct passwd *pw = NULL;
	gid_t ids[256];
	int count = sizeof(ids) / sizeof(ids[0]);
	bool wanted = false;

	for (size_t i = 0; i < facts->partitions->count; i++)
		wanted |= !uc_raw_empty(facts->partitions->row[i].allow_groups);
	if (wanted)
		pw = getpwuid(facts->user_id);
	if (!pw || getgrouplist(pw->pw_name, pw->pw_gid, ids, &count) < 0)
		return;
	for (int i = 0; i < count; i++) {
		const struct group *gr = getgrgid(ids[i]);

		if (gr)
			uc_strv_add(&facts->groups, gr->gr_name);
	}
}

struct loader {
	struct uc_check_facts *facts;
	struct uc_source *src;
	struct uc_check_cache cache;
	struct uc_error *err;
};

static int ask(struct loader *l, enum uc_rows_kind kind, struct uc_rows **out)
{
	switch (kind) {
	case UC_ROWS_PARTITIONS:
		return uc_partitions_load(l->src, (struct uc_partitions **)out, l->err);
	case UC_ROWS_NODES:
		return uc_nodes_load(l->src, (struct uc_nodes **)out, l->err);
	case UC_ROWS_LIMITS:
		return uc_limits_load(l->src, l->facts->user_id, (struct uc_limits **)out,
				      l->err);
	default:
		return -1;
	}
}

/* One kind of definitions, and how old they are; 0: just asked for. */
struct part {
	enum uc_rows_kind kind;
	struct uc_rows **rows;
	int64_t age;
};

static int renew(struct loader *l, struct part *part)
{
	struct uc_rows *rows = NULL;

	if (ask(l, part->kind, &rows) < 0)
		return -1;
	uc_rows_free(*part->rows);
	*part->rows = rows;
	part->age = 0;
	l->facts->asked = true;
	uc_check_cache_put(&l->cache, part->kind, rows);
	return 0;
}

static int load(struct loader *l, struct part *part, int64_t age_most)
{
	part->age = age_most;
	if (!uc_check_cache_get(&l->cache, part->kind, &part->age, part->rows))
		return renew(l, part);
	l->facts->from_cache = true;
	return 0;
}

static int load_parts(struct loader *l, const struct uc_spec *spec)
{
	struct uc_check_facts *facts = l->facts;
	struct part parts[] = {
		{ UC_ROWS_PARTITIONS, (struct uc_rows **)&facts->partitions, 0 },
		{ UC_ROWS_LIMITS, (struct uc_rows **)&facts->limits, 0 },
		{ UC_ROWS_NODES, (struct uc_rows **)&facts->nodes, 0 },
	};

	/* their state matters: they may be down */
	if (load(l, &parts[0], UC_CHECK_CACHE_S) < 0)
		return -1;
	if (!uc_spec_is_checkable(spec, facts->environment))
		return 0;
	if (facts->enforced && load(l, &parts[1], UC_CHECK_CACHE_TOP) < 0)
		return -1;
	if (needs_nodes(spec, facts->environment)) {
		/* a refusal names what there is instead, and that takes nodes */
		if (!l->cache.fresh && uc_check_is_settled(spec, facts))
			facts->from_cache = true;
		else if (load(l, &parts[2], UC_CHECK_CACHE_TOP) < 0)
			return -1;
	}
	/* slurmctld is asked once in any case, to see that it is there */
	if (!facts->asked && parts[1].age > UC_CHECK_CACHE_S)
		return renew(l, &parts[1]);
	return 0;
}

int uc_check_facts_load(struct uc_check_facts *facts, const struct uc_spec *spec,
			struct uc_source *src, const struct uc_check_query *query,
			struct uc_error *err)
{
	const char *conf = uc_slurm_conf_path(query->slurm_conf);
	struct loader l = { .facts = facts, .src = src, .err = err };

	*facts =
		(struct uc_check_facts){ .user_id = query->user_id,
					 .environment =
						 query->batch ? NULL : query->environment,
					 .batch = query->batch };
	if (spec->step)
		return 0;
	l.cache = (struct uc_check_cache){ .dir = query->cache_dir,
					   .conf = conf,
					   .fresh = query->fresh };
	if (!uc_source_is_live(src))
		l.cache.dir = NULL;
	else
		read_conf(facts, conf);
	if (load_parts(&l, spec) < 0) {
		uc_check_facts_free(facts);
		return -1;
	}
	load_groups(facts);
	return 0;
}
