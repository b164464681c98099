/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "common/cluster.h"

#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	GROUPS = 1024
};

void uc_self_free(struct uc_self *self)
{
	free(self->user);
	uc_strv_free(&self->groups);
	*self = (struct uc_self){ 0 };
}

static bool wants_groups(const struct uc_capacity_facts *facts)
{
	const struct uc_reservations *reservations = facts->reservations;

	for (size_t i = 0; i < facts->partitions->count; i++)
		if (!uc_raw_empty(facts->partitions->row[i].allow_groups))
			return true;
	for (size_t i = 0; reservations && i < reservations->count; i++)
		if (!uc_raw_empty(reservations->row[i].groups))
			return true;
	return false;
}

static void find_groups(struct uc_self *self, const struct passwd *pw)
{
	gid_t ids[GROUPS];
	int count = GROUPS;

	if (getgrouplist(pw->pw_name, pw->pw_gid, ids, &count) < 0)
		return;
	for (int i = 0; i < count; i++) {
		const struct group *gr = getgrgid(ids[i]);

		if (gr)
			uc_strv_add(&self->groups, gr->gr_name);
	}
}

int uc_self_find(struct uc_self *self, bool live, struct uc_capacity_facts *facts,
		 struct uc_error *err)
{
	const struct passwd *pw = live && !self->user ? getpwuid(getuid()) : NULL;

	facts->who.user_id = getuid();
	if (pw) {
		self->user = strdup(pw->pw_name);
		if (wants_groups(facts))
			find_groups(self, pw);
		if (!self->user || self->groups.failed)
			return uc_fail(err, UC_FAILED, "out of memory");
	}
	facts->who.user = self->user;
	if (self->groups.count)
		facts->who.groups = (const char *const *)self->groups.item;
	return 0;
}

/* Per user by its permissions, per host by where it is or by its name. */
static void shared_folder(const struct uc_run *run, struct uc_buf *dir)
{
	const char *base = uc_run_env(run, "XDG_RUNTIME_DIR");
	char host[65] = "";

	if (base && base[0] == '/' && access(base, W_OK) == 0) {
		uc_buf_addf(dir, "%s/ucluster", base);
		return;
	}
	uc_run_state_dir(run, dir);
	gethostname(host, sizeof(host) - 1);
	uc_buf_addf(dir, "/queue-%s", host);
}

int uc_run_share(const struct uc_run *run, struct uc_source *source, const char *kind,
		 struct uc_error *err)
{
	const char *conf = uc_config_string(run->config, "slurm.conf");
	uc_auto(buf) struct uc_buf dir = { 0 }, name = { 0 };

	if (!uc_source_is_live(source))
		return 0;
	if (!conf)
		conf = uc_run_env(run, "SLURM_CONF");
	uc_buf_addf(&name, "%s:%s", kind, conf ? conf : "");
	shared_folder(run, &dir);
	if (dir.failed || name.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (dir.data[0] != '/')
		return 0;
	return uc_source_cache(source, uc_buf_text(&dir), uc_buf_text(&name), err);
}
