/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* From words to a whole specification: configuration, environment, who starts containers.
 */
#include "usrun/usrun.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The first srun of PATH that can be started. */
static char *find_program(const struct uc_run *run, const char *name)
{
	const char *path = uc_run_env(run, "PATH");
	uc_auto(buf) struct uc_buf file = { 0 };
	struct stat st;

	for (; path && *path; path += *path == ':') {
		size_t len = strcspn(path, ":");

		uc_buf_reset(&file);
		uc_buf_addn(&file, len ? path : ".", len ? len : 1);
		uc_buf_addf(&file, "/%s", name);
		path += len;
		if (stat(uc_buf_text(&file), &st) == 0 && S_ISREG(st.st_mode) &&
		    access(uc_buf_text(&file), X_OK) == 0)
			return uc_buf_take(&file);
	}
	return NULL;
}

static enum usrun_runtime wanted(const struct usrun *u)
{
	static const struct {
		const char *name;
		enum usrun_runtime runtime;
	} names[] = { { "pyxis", RUNTIME_PYXIS },
		      { "enroot", RUNTIME_ENROOT },
		      { "none", RUNTIME_NONE } };
	const char *text = uc_config_string(u->run->config, "runtime");

	if (u->args.no_container)
		return RUNTIME_NONE;
	if (u->args.runtime != RUNTIME_CONFIGURED)
		return (enum usrun_runtime)u->args.runtime;
	for (size_t i = 0; text && i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(text, names[i].name) == 0)
			return names[i].runtime;
	return RUNTIME_AUTO;
}

static void set_runtime(struct usrun *u, enum uc_runtime runtime)
{
	uc_spec_set_runtime(u->spec, runtime);
	u->runtime = runtime;
}

const char *usrun_runtime_name(const struct usrun *u)
{
	static const char *const names[] = { [UC_RUNTIME_PYXIS] = "pyxis",
					     [UC_RUNTIME_ENROOT] = "enroot",
					     [UC_RUNTIME_NONE] = "none" };

	return names[u->runtime];
}

/* pyxis where srun has it; otherwise enroot is started as the task's command. */
static void choose_runtime(struct usrun *u)
{
	uc_auto(strv) struct uc_strv names = { 0 };
	uc_auto(buf) struct uc_buf state = { 0 };
	const char *conf = uc_config_string(u->run->config, "slurm.conf");
	struct uc_srun_query query = { .srun = u->srun,
				       .environment = u->run->environment };
	const struct uc_container *box = uc_spec_container(u->spec);

	if (!u->srun || (!box->image && !box->name))
		return;
	uc_run_state_dir(u->run, &state);
	query.state_dir = state.len > 0 ? uc_buf_text(&state) : NULL;
	query.slurm_conf = uc_run_env(u->run, "SLURM_CONF");
	query.slurm_conf = query.slurm_conf ? query.slurm_conf : conf;
	query.slurm_conf = query.slurm_conf ? query.slurm_conf : "/etc/slurm/slurm.conf";
	/* an srun that cannot say it says by itself what is wrong when it is run */
	if (uc_srun_options(&query, &names, NULL) < 0 ||
	    uc_strv_find(&names, "container-image") >= 0)
		return;
	uc_run_say(u->run, 0,
		   "srun has no pyxis here, the container is started by enroot");
	set_runtime(u, UC_RUNTIME_ENROOT);
}

/* Words that srun answers by itself, without a command. */
static bool needs_command(const struct usrun *u)
{
	/* --wrap has it, and is refused for itself */
	return !uc_spec_get(u->spec, "usage") && !uc_spec_get(u->spec, "autocomplete") &&
	       !(u->args.batch && uc_spec_get(u->spec, "wrap"));
}

static int fill_in(struct usrun *u, struct uc_error *err)
{
	const struct uc_spec_rules rules = {
		.config = u->run->config,
		.environment = u->run->environment,
		.where = u->where,
		.batch = u->args.batch,
		.no_options = u->again,
		.no_container = u->args.no_container ||
				(u->again && usrun_again_has_container(u)),
		.no_default_mounts = u->args.no_default_mounts,
	};
	uc_auto(errors) struct uc_errors notes = { 0 };

	if (uc_spec_defaults(u->spec, &rules, &notes, err) < 0)
		return -1;
	for (size_t i = 0; i < notes.count; i++)
		uc_run_say(u->run, 0, "%s", notes.item[i].text);
	if (u->again)
		usrun_again_say(u);
	return 0;
}

/* slurmd would go to /tmp instead, and the job with it. */
static int check_workdir(const struct usrun *u, struct uc_error *err)
{
	const char *path = uc_spec_container(u->spec)->workdir;
	struct stat st;
	int fault = 0;

	if (u->args.force)
		return 0;
	if (stat(path, &st) < 0)
		fault = errno;
	else if (!S_ISDIR(st.st_mode))
		fault = ENOTDIR;
	if (fault != ENOENT && fault != ENOTDIR)
		return 0;
	uc_fail_errno(err, fault == ENOENT ? UC_NOTFOUND : UC_USAGE, fault,
		      "--workdir '%s'", path);
	return uc_hint(err, "--force takes it, should it be on the nodes only");
}

/* Words of the command line about a container, where there will be none. */
static int check_container(const struct usrun *u, bool contained, struct uc_error *err)
{
	const struct uc_container *box = uc_spec_container(u->spec);
	const char *what = box->image         ? "image"
			   : box->name        ? "container-name"
			   : box->mount_count ? "mounts"
			   : box->save        ? "save"
					      : NULL;

	if (contained || !what)
		return 0;
	if (u->args.no_container) {
		uc_fail(err, UC_USAGE, "--%s and --no-container exclude each other",
			what);
		return uc_hint(err, "leave out the one that is not meant");
	}
	uc_fail(err, UC_USAGE, "--%s: the job has no container", what);
	if (box->image || box->name)
		return uc_hint(err, "the runtime is 'none': --runtime=auto starts it");
	return uc_hint(err, "--image=IMAGE gives it one");
}

/* What would be passed over in silence. */
static int check_together(const struct usrun *u, bool contained, struct uc_error *err)
{
	if (u->args.follow && !u->args.batch)
		return uc_fail(err, UC_USAGE, "--follow needs --batch");
	if (u->args.json && !u->args.explain)
		return uc_fail(err, UC_USAGE, "--json needs --explain");
	return check_container(u, contained, err);
}

int usrun_resolve(struct usrun *u, struct uc_error *err)
{
	static const enum uc_runtime runtimes[] = {
		[RUNTIME_AUTO] = UC_RUNTIME_PYXIS,
		[RUNTIME_PYXIS] = UC_RUNTIME_PYXIS,
		[RUNTIME_ENROOT] = UC_RUNTIME_ENROOT,
		[RUNTIME_NONE] = UC_RUNTIME_NONE,
	};
	enum usrun_runtime runtime = wanted(u);
	struct uc_container *box = uc_spec_container(u->spec);
	bool contained;

	if (uc_spec_command(u->spec)[0] == NULL && needs_command(u)) {
		uc_fail(err, UC_USAGE, "missing command");
		return uc_hint(err,
			       "usrun [options] COMMAND, or --pty bash for a shell; see "
			       "usrun --help");
	}
	u->srun = find_program(u->run, "srun");
	set_runtime(u, runtimes[runtime]);
	/* --parsable is srun's, too, from 26.05 on */
	if (u->args.parsable && !u->args.batch &&
	    uc_spec_set(u->spec, "parsable", NULL, err) < 0)
		return -1;
	if (uc_spec_set_secrets(u->spec, u->secrets, err) < 0 || fill_in(u, err) < 0)
		return -1;
	contained = runtime != RUNTIME_NONE && (box->image || box->name);
	/* without a container --workdir is where srun starts */
	if (u->args.workdir && !contained &&
	    (check_workdir(u, err) < 0 ||
	     uc_spec_set(u->spec, "chdir", box->workdir, err) < 0))
		return -1;
	if (check_together(u, contained, err) < 0)
		return -1;
	if (runtime == RUNTIME_AUTO)
		choose_runtime(u);
	return usrun_place_script(u, contained, err);
}
