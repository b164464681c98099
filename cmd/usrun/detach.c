/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * --detachable: srun --pty in a batch job, where a server keeps its terminal; then
 * uattach, which shows it here.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <ucluster/session.h>
#include <ucluster/units.h>
#include "usrun/usrun.h"

/* Where the job's own words come after the session's: what is not shown on the screen. */
#define SESSIONS     "sessions"
#define NAME_MAX_LEN 64

/* In a job there is nothing to detach from: a step is asked for. */
static bool is_configured(const struct usrun *u)
{
	const char *when = uc_config_string(u->run->config, "session.detachable");

	return when && strcmp(when, "always") == 0 && uc_spec_get(u->spec, "pty") &&
	       u->run->stdin_tty && u->run->stdout_tty && !u->args.batch &&
	       !u->args.attached && !uc_spec_get(u->spec, "jobid") &&
	       !uc_run_env(u->run, "SLURM_JOB_ID");
}

static int check_name(const char *name, struct uc_error *err)
{
	const size_t len = strlen(name);
	const size_t good = strspn(name, "abcdefghijklmnopqrstuvwxyz"
					 "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");

	if (len > 0 && len <= NAME_MAX_LEN && good == len && name[0] != '-' &&
	    strspn(name, "0123456789_") < len)
		return 0;
	return uc_fail(err, UC_USAGE,
		       "--session '%s': a name of letters, digits, '.', '_' and '-' is "
		       "expected, and no number",
		       name);
}

/* What cannot be typed is said before there is a session. */
static int check_keys(const struct usrun *u, struct uc_error *err)
{
	const char *keys = uc_config_string(u->run->config, "session.detach_key");
	struct uc_detach detach;

	if (keys && uc_detach_parse(&detach, keys, err) < 0)
		return uc_context(err, "session.detach_key");
	return 0;
}

int usrun_detach_wanted(struct usrun *u, struct uc_error *err)
{
	if (u->args.session && !u->args.detachable)
		return uc_fail(err, UC_USAGE, "--session needs --detachable");
	if (u->args.detachable && u->args.attached)
		return uc_fail(err, UC_USAGE,
			       "--detachable and --attached exclude each other");
	if (u->args.detachable && u->args.batch)
		return uc_fail(err, UC_USAGE,
			       "--detachable does not go with --batch: it is a batch "
			       "job already");
	u->args.detachable |= is_configured(u);
	if (u->args.idle >= 0 && !u->args.detachable && !uc_spec_get(u->spec, "pty"))
		return uc_fail(err, UC_USAGE, "--idle needs --pty or --detachable");
	if (!u->args.detachable)
		return 0;
	if (uc_run_env(u->run, "SLURM_JOB_ID"))
		return uc_fail(err, UC_USAGE, "--detachable: this is a job already");
	if (u->args.session && check_name(u->args.session, err) < 0)
		return -1;
	if (check_keys(u, err) < 0)
		return -1;
	u->args.batch = true;
	if (!uc_spec_get(u->spec, "pty") && uc_spec_set(u->spec, "pty", NULL, err) < 0)
		return -1;
	return uc_spec_sbatch_environment(u->spec, u->run->environment, err);
}

/* --- where its words go --- */

/* mkdir -p, for nobody else's eyes. */
static bool make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		(void)!mkdir(path, 0700);
		*slash = '/';
	}
	(void)!mkdir(path, 0700);
	return access(path, W_OK) == 0;
}

/* Empty when nothing can be kept. */
static void find_folder(const struct usrun *u, struct uc_buf *out)
{
	uc_run_state_dir(u->run, out);
	if (out->len == 0)
		return;
	uc_buf_add(out, "/" SESSIONS);
	if (out->failed ||
	    (!u->args.dry_run && !u->args.explain && !make_folders(out->data)))
		uc_buf_reset(out);
}

/* Nobody looks for slurm-N.out of a session in the working directory. */
static int set_output(struct usrun *u, const char *folder, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf path = { 0 };

	if (uc_spec_get(u->spec, "output"))
		return 0;
	if (folder[0] && folder[strcspn(folder, "%\\\n")] == '\0')
		uc_buf_addf(&path, "%s/%%j.log", folder);
	else
		uc_buf_add(&path, "/dev/null");
	return uc_spec_set(u->spec, "output", uc_buf_text(&path), err);
}

/* --- the server's words --- */

static void add_size(struct uc_strv *words)
{
	struct winsize size = { 0 };

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col && size.ws_row)
		uc_strv_addf(words, "--size=%ux%u", size.ws_col, size.ws_row);
}

static void add_time(const struct usrun *u, struct uc_strv *words)
{
	const char *limit = uc_spec_get(u->spec, "time");
	int64_t seconds;

	if (limit && uc_duration_parse(limit, &seconds, NULL) == 0 &&
	    seconds < UC_DURATION_INFINITE)
		uc_strv_addf(words, "--time=%" PRId64, seconds);
}

/* Tells this session from that of another job with the same number. No secret. */
static int make_key(char key[17])
{
	unsigned char bytes[8];

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -1;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(key + 2 * i, 3, "%02x", bytes[i]);
	return 0;
}

static int set_server(struct usrun *u, const char *folder, struct uc_error *err)
{
	const struct uc_config *config = u->run->config;
	const char *size = uc_config_string(config, "session.size");
	uc_auto(strv) struct uc_strv words = { 0 };
	char key[17];

	if (make_key(key) < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "getrandom");
	uc_strv_addf(&words, "%s/session-server", u->run->libexec_dir);
	uc_strv_addf(&words, "--key=%s", key);
	add_size(&words);
	uc_strv_addf(&words, "--scrollback=%" PRId64,
		     uc_config_number(config, "session.scrollback", 0));
	uc_strv_addf(&words, "--idle=%" PRId64, usrun_idle_limit(u));
	uc_strv_addf(&words, "--grace=%" PRId64,
		     uc_config_number(config, "session.grace", 1));
	add_time(u, &words);
	if (size && strcmp(size, "latest") == 0)
		uc_strv_add(&words, "--latest");
	if (folder[0])
		uc_strv_addf(&words, "--state=%s", folder);
	if (u->args.session)
		uc_strv_addf(&words, "--name=%s", u->args.session);
	uc_strv_add(&words, "--");
	if (words.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_spec_set_session(u->spec, key, (const char *const *)words.item, err);
}

int usrun_detach_prepare(struct usrun *u, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf folder = { 0 };

	find_folder(u, &folder);
	if (u->args.session && !uc_spec_get(u->spec, "job-name") &&
	    uc_spec_set(u->spec, "job-name", u->args.session, err) < 0)
		return -1;
	/* a shell that is begun anew on another node is not the one that was left */
	if (!uc_spec_get(u->spec, "requeue") &&
	    uc_spec_set(u->spec, "no-requeue", NULL, err) < 0)
		return -1;
	if (set_output(u, uc_buf_text(&folder), err) < 0)
		return -1;
	return set_server(u, uc_buf_text(&folder), err);
}

/* --- the job --- */

static int become_uattach(struct usrun *u, uint32_t job_id, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf program = { 0 }, number = { 0 };
	char *argv[] = { (char *)"uattach", NULL, NULL };

	uc_buf_addf(&program, "%s/uattach", u->run->bin_dir);
	uc_buf_addf(&number, "%" PRIu32, job_id);
	if (program.failed || number.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	argv[1] = number.data;
	fflush(stdout);
	execve(program.data, argv, (char *const *)u->run->environment);
	return uc_fail_errno(err, UC_FAILED, errno, "job %" PRIu32 " was submitted; '%s'",
			     job_id, program.data);
}

static void say(const struct usrun *u, uint32_t job_id)
{
	const char *keys = uc_config_string(u->run->config, "session.detach_key");
	uc_auto(buf) struct uc_buf name = { 0 };
	struct uc_detach detach = { 0 };

	if (keys && uc_detach_parse(&detach, keys, NULL) == 0)
		uc_detach_name(&detach, &name);
	uc_run_say(u->run, 0,
		   "session of job %" PRIu32 "; %s%suattach %" PRIu32 " comes back to it",
		   job_id, uc_buf_text(&name), name.len ? " leaves it, " : "", job_id);
}

int usrun_detach(struct usrun *u, struct uc_error *err)
{
	uc_auto(source) struct uc_source *src = NULL;
	uc_auto(submitted) struct uc_submitted result = { 0 };
	const bool shown = u->run->stdin_tty && u->run->stdout_tty;
	bool answered = false;

	if (!u->run->cwd)
		return uc_fail(err, UC_FAILED, "the working directory is gone");
	if (uc_run_source(u->run, 0, &src) < 0 || usrun_check(u, src, &answered, err) < 0)
		return -1;
	if (uc_spec_submit(u->spec, src, u->run->environment, u->run->cwd, &result, err) <
	    0)
		return -1;
	/* with --again it is run as it was asked for */
	u->args.batch = false;
	usrun_receipt(u, result.job_id, time(NULL));
	if (u->snapshot)
		usrun_snapshot_prune(u, src);
	if (shown) {
		say(u, result.job_id);
		if (u->args.forward.count &&
		    usrun_forward_start(u, result.job_id, true, err) < 0)
			return -1;
		return become_uattach(u, result.job_id, err);
	}
	if (u->args.parsable)
		printf("%" PRIu32 "\n", result.job_id);
	else
		printf("Submitted session as job %" PRIu32 "\n", result.job_id);
	return u->args.forward.count ? usrun_forward_become(u, result.job_id, err) : 0;
}
