/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* uinfo health: is everything there that jobs need? Every probe is bounded. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <ucluster/container.h>
#include <ucluster/health.h>
#include <ucluster/source.h>
#include <ucluster/ucluster.h>
#include "uinfo/cluster.h"

enum {
	PROBE_MS = 3000, /* for what is not slurmctld */
	CHECKS = 32,
};

enum state {
	OK,
	WARN,
	BAD,
};

struct check {
	const char *name;
	enum state state;
	struct uc_buf text, hint;
};

struct health {
	struct uc_run *run;
	struct check check[CHECKS];
	size_t count;
	bool unreachable; /* slurmctld */
	char accounting[UC_HEALTH_TEXT];
};

struct health_args {
	struct uc_listing listing;
};

// clang-format off
static const struct uc_opt options[] = {
	UC_LISTING_OPTIONS(struct health_args, listing),
	{ 0 }
};
// clang-format on

static struct uc_buf *add(struct health *h, const char *name, enum state state)
{
	struct check *check = &h->check[h->count < CHECKS - 1 ? h->count++ : CHECKS - 1];

	check->name = name;
	check->state = state;
	return &check->text;
}

static struct uc_buf *hint(struct health *h)
{
	return &h->check[h->count - 1].hint;
}

static void add_error(struct health *h, const char *name, enum state state,
		      const struct uc_error *err)
{
	uc_buf_add(add(h, name, state), err->text);
	uc_buf_add(hint(h), err->hint);
}

static void add_micros(struct uc_buf *text, int64_t micros)
{
	uc_buf_addf(text, " in %lld.%lld ms", (long long)(micros / 1000),
		    (long long)(micros % 1000 / 100));
}

static void check_own(struct health *h)
{
	uc_buf_addf(add(h, "ucluster", OK), "%s in %s", uc_version(), h->run->bin_dir);
}

static void check_files(struct health *h)
{
	const char *const paths[] = { h->run->site_path, h->run->user_path,
				      uc_config_project_path(h->run->config) };
	struct uc_buf *text = add(h, "configuration", OK);

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++)
		if (paths[i] && access(paths[i], R_OK) == 0)
			uc_buf_addf(text, "%s%s", text->len ? ", " : "", paths[i]);
	if (!text->len)
		uc_buf_add(text, "no files, built-in values");
}

static const char *slurm_conf(const struct health *h)
{
	return uc_health_slurm_conf(uc_config_string(h->run->config, "slurm.conf"));
}

static void check_slurm_conf(struct health *h)
{
	const char *path = slurm_conf(h);

	if (!path) {
		uc_buf_add(add(h, "slurm.conf", WARN), "none here");
		uc_buf_add(hint(h), "it may come from slurmctld; else set SLURM_CONF");
	} else if (access(path, R_OK) < 0) {
		uc_buf_addf(add(h, "slurm.conf", BAD), "'%s' cannot be read", path);
		uc_buf_add(hint(h), "correct or unset SLURM_CONF");
	} else {
		uc_buf_add(add(h, "slurm.conf", OK), path);
	}
}

/* A source for one question: one that hangs takes its worker along. */
static int probe(struct health *h, unsigned index, int timeout_ms,
		 struct uc_controller_health *out, struct uc_error *err)
{
	uc_auto(source) struct uc_source *source = NULL;
	const struct uc_source_options how = {
		.timeout_ms = timeout_ms,
		.libexec_dir = h->run->libexec_dir,
		.slurm_conf = uc_config_string(h->run->config, "slurm.conf"),
	};

	if (uc_source_open("slurm:", &how, &source, err) < 0)
		return -1;
	return uc_health_controller(source, index, out, err);
}

static void add_controller(struct health *h, const char *name,
			   const struct uc_controller_health *c)
{
	struct uc_buf *text = add(h, name, OK);

	uc_buf_addf(text, "%s answered", c->host[0] ? c->host : "it");
	add_micros(text, c->micros);
	if (c->cluster[0])
		uc_buf_addf(text, ", cluster %s", c->cluster);
}

/* With a dead primary and a living backup the cluster works. */
static void check_controllers(struct health *h)
{
	const int timeout =
		(int)uc_config_number(h->run->config, "slurm.timeout", 10) * 1000;
	struct uc_controller_health primary = { 0 }, backup = { 0 };
	struct uc_error err = { 0 }, why = { 0 };
	const unsigned known = uc_health_controller_count(slurm_conf(h));
	const bool up =
		probe(h, 0, known > 1 ? timeout / 2 : timeout, &primary, &err) == 0;
	const unsigned count = primary.count ? primary.count : known;
	bool backup_up = false;

	if (up)
		add_controller(h, "slurmctld", &primary);
	if (count > 1)
		backup_up = probe(h, 1, timeout / 2, &backup, &why) == 0;
	if (!up)
		add_error(h, "slurmctld", backup_up ? WARN : BAD, &err);
	if (backup_up)
		add_controller(h, "backup", &backup);
	else if (count > 1)
		add_error(h, "backup", WARN, &why);
	h->unreachable = !up && !backup_up;
	if (h->unreachable)
		return;
	uc_buf_addf(add(h, "slurm", OK), "slurmctld %s, libslurm here %s",
		    up ? primary.version : backup.version,
		    up ? primary.libslurm : backup.libslurm);
	snprintf(h->accounting, sizeof(h->accounting), "%s",
		 up ? primary.accounting : backup.accounting);
}

static void check_accounting(struct health *h)
{
	uc_auto(source) struct uc_source *source = NULL;
	const struct uc_source_options how = {
		.timeout_ms = PROBE_MS,
		.libexec_dir = h->run->libexec_dir,
		.slurm_conf = uc_config_string(h->run->config, "slurm.conf"),
	};
	struct uc_error err = { 0 };
	struct uc_buf *text;
	int64_t micros;

	if (h->unreachable)
		return;
	if (!h->accounting[0]) {
		uc_buf_add(add(h, "slurmdbd", OK),
			   "this cluster has no accounting: no limits, no usage");
		return;
	}
	if (uc_source_open("slurm:", &how, &source, &err) < 0 ||
	    uc_health_accounting(source, &micros, &err) < 0) {
		/* who was asked for its configuration had answered before */
		uc_buf_addf(add(h, "slurmdbd", BAD), "%s does not answer", h->accounting);
		uc_run_say(h->run, 1, "slurmdbd: %s", err.text);
		uc_buf_add(hint(h), "jobs run all the same; usage and finished jobs are "
				    "not known until it is back");
		return;
	}
	text = add(h, "slurmdbd", OK);
	uc_buf_addf(text, "%s answered", h->accounting);
	add_micros(text, micros);
}

static void check_munge(struct health *h)
{
	uc_auto(buf) struct uc_buf path = { 0 };
	struct uc_error err = { 0 };

	if (uc_health_munge(slurm_conf(h), PROBE_MS, &path, &err) == 0) {
		uc_buf_addf(add(h, "munge", OK), "munged answers at %s",
			    uc_buf_text(&path));
		return;
	}
	/* slurmctld believed us: it may be another plugin's affair */
	add_error(h, "munge", h->unreachable ? BAD : WARN, &err);
}

/* A program in PATH; false: none. */
static bool find_program(const struct uc_run *run, const char *name, struct uc_buf *out)
{
	const char *at = uc_run_env(run, "PATH");

	while (at && *at) {
		size_t len = strcspn(at, ":");

		uc_buf_reset(out);
		uc_buf_addn(out, at, len);
		uc_buf_addf(out, "/%s", name);
		if (len && access(uc_buf_text(out), X_OK) == 0)
			return true;
		at += len + (at[len] == ':');
	}
	return false;
}

static void check_containers(struct health *h)
{
	uc_auto(buf) struct uc_buf srun = { 0 }, enroot = { 0 };
	uc_auto(strv) struct uc_strv names = { 0 };
	const bool has_enroot = find_program(h->run, "enroot", &enroot);
	struct uc_error err = { 0 };
	struct uc_srun_query query = { .environment = h->run->environment };

	if (!find_program(h->run, "srun", &srun)) {
		uc_buf_add(add(h, "srun", BAD), "not in PATH: usrun cannot start jobs");
		uc_buf_add(hint(h), "install Slurm's commands, or set PATH");
		return;
	}
	uc_buf_add(add(h, "srun", OK), uc_buf_text(&srun));
	if (has_enroot)
		uc_buf_add(add(h, "enroot", OK), uc_buf_text(&enroot));
	else
		uc_buf_add(add(h, "enroot", OK),
			   "not on this host: images are imported on a node");
	query.srun = uc_buf_text(&srun);
	query.slurm_conf = slurm_conf(h);
	/* without it srun tries for a minute, and knows no plugins */
	if (query.slurm_conf && access(query.slurm_conf, R_OK) < 0)
		return;
	if (uc_srun_options(&query, &names, &err) < 0) {
		add_error(h, "pyxis", WARN, &err);
	} else if (uc_strv_find(&names, "container-image") >= 0) {
		uc_buf_addf(add(h, "pyxis", OK), "srun has it: %zu container options",
			    names.count);
	} else {
		uc_buf_add(add(h, "pyxis", WARN), "srun has no --container-image");
		uc_buf_add(hint(h), "usrun starts containers by enroot then, which nodes "
				    "must have");
	}
}

GETTER(name)
{
	(void)context;
	uc_value_put_raw(out, uc_raw(((const struct check *)row)->name));
}

GETTER(state)
{
	static const struct {
		const char *word;
		enum uc_role role;
	} states[] = { { "ok", UC_ROLE_GOOD },
		       { "warn", UC_ROLE_WAIT },
		       { "bad", UC_ROLE_BAD } };
	const enum state state = ((const struct check *)row)->state;

	(void)context;
	out->role = states[state].role;
	uc_value_put_raw(out, uc_raw(states[state].word));
}

/* On a terminal the hint follows: a column of its own would be far to the right. */
GETTER(text)
{
	const struct check *check = row;
	const bool *joined = context;

	uc_value_put_raw(out, uc_raw(uc_buf_text(&check->text)));
	if (*joined && check->hint.len)
		uc_buf_addf(&out->shown, "%s; %s", uc_buf_text(&check->text),
			    uc_buf_text(&check->hint));
}

GETTER(hint)
{
	(void)context;
	uc_value_put_raw(out, uc_raw(uc_buf_text(&((const struct check *)row)->hint)));
}

#define SHOWN UC_COLUMN_DEFAULT
static const struct uc_column columns[] = {
	{ "STATE", "state", SHOWN, 0, "ok, warn or bad", get_state },
	{ "CHECK", "check", SHOWN, 0, "what was looked at", get_name },
	{ "DETAIL", "detail", SHOWN, 0, "what was found", get_text },
	{ "HINT", "hint", SHOWN | UC_COLUMN_ANY, 0, "what can be done", get_hint },
	{ 0 },
};

static int print(struct health *h, const struct uc_listing *listing,
		 const struct uc_selection *shown)
{
	const bool joined = h->run->stdout_tty && !listing->format && !listing->json &&
			    !listing->parsable;
	struct uc_selection columns_shown = *shown;
	bool bad = false;
	int status;

	columns_shown.count -= joined;
	status = uc_table_print(h->run,
				&(struct uc_table){ .name = "checks",
						    .rows = h->check,
						    .count = h->count,
						    .row_size = sizeof(h->check[0]),
						    .context = &joined },
				&columns_shown, listing);

	for (size_t i = 0; i < h->count; i++) {
		bad = bad || h->check[i].state == BAD;
		uc_buf_free(&h->check[i].text);
		uc_buf_free(&h->check[i].hint);
	}
	if (status)
		return status;
	return h->unreachable ? UC_UNREACHABLE : bad ? UC_FAILED : 0;
}

static int run_health(struct uc_run *run, const struct uc_cmd *cmd, int argc, char **argv)
{
	struct health_args args = { 0 };
	struct health h = { .run = run };
	struct uc_selection shown;

	(void)argc;
	if (!uc_run_parse(run, cmd, argv, &args) ||
	    uc_listing_select(run, columns, &args.listing, &shown) < 0 ||
	    uc_run_config(run, NULL) < 0)
		return run->status;
	check_own(&h);
	check_files(&h);
	check_slurm_conf(&h);
	check_controllers(&h);
	check_accounting(&h);
	check_munge(&h);
	check_containers(&h);
	return print(&h, &args.listing, &shown);
}

const struct uc_cmd uinfo_cmd_health = {
	.name = "uinfo health",
	.summary = "check that everything is there that jobs need",
	.options = options,
	.columns = columns,
	.shared = UC_SHARED_COLOR | UC_SHARED_VERBOSE,
	.doc = "Check versions, the configuration, slurmctld and its backup, slurmdbd, "
	       "munge,\nsrun, pyxis and enroot.\nEach check ends in time; the exit status "
	       "is 1 when one is bad,\nand 4 when no controller answers.",
	.fn = run_health,
};
