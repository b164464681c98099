/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* ucluster doctor: Slurm, containers, and the host that usync goes to. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <ucluster/container.h>
#include <ucluster/health.h>
#include <ucluster/source.h>
#include <ucluster/spawn.h>
#include <ucluster/units.h>
#include <unistd.h>
#include "ucluster/doctor.h"

#define SSH_MS      12000
#define MUNGE_MS    3000
#define SSH_FAILED  255 /* ssh's own exit status */
#define SLOW_MICROS 2000000

static const char *slurm_conf(const struct doctor *d)
{
	return uc_health_slurm_conf(uc_config_string(d->run->config, "slurm.conf"));
}

/* Of two releases, "22.05.8" and "23.02.1": a newer client is not understood. */
static bool is_newer(const char *ours, const char *theirs)
{
	long a = strtol(ours, NULL, 10), b = strtol(theirs, NULL, 10);
	const char *x = strchr(ours, '.'), *y = strchr(theirs, '.');

	if (a != b || !x || !y)
		return a > b;
	return strtol(x + 1, NULL, 10) > strtol(y + 1, NULL, 10);
}

static void judge_controller(struct doctor *d, const struct uc_controller_health *c)
{
	doctor_add(d, c->micros > SLOW_MICROS ? DOCTOR_WARN : DOCTOR_OK,
		   "slurmctld %s on %s answers in %lld ms%s%s", c->version, c->host,
		   (long long)(c->micros / 1000), c->cluster[0] ? ", cluster " : "",
		   c->cluster);
	if (c->micros > SLOW_MICROS)
		doctor_remedy(d, "sdiag");
	if (is_newer(c->libslurm, c->version)) {
		doctor_add(d, DOCTOR_FAIL,
			   "libslurm here is %s, newer than slurmctld %s: it is not "
			   "understood",
			   c->libslurm, c->version);
		doctor_remedy(d, "uinfo --version; module avail slurm");
	} else {
		doctor_add(d, DOCTOR_OK, "libslurm here is %s", c->libslurm);
	}
}

void doctor_slurm(struct doctor *d)
{
	const int timeout =
		(int)uc_config_number(d->run->config, "slurm.timeout", 10) * 1000;
	const struct uc_source_options how = {
		.timeout_ms = timeout > 20000 ? 20000 : timeout,
		.libexec_dir = d->run->libexec_dir,
		.slurm_conf = uc_config_string(d->run->config, "slurm.conf"),
	};
	uc_auto(source) struct uc_source *source = NULL;
	struct uc_controller_health health = { 0 };
	struct uc_error err = { 0 }, why = { 0 };
	const char *conf = slurm_conf(d);

	if (conf && access(conf, R_OK) < 0) {
		doctor_add(d, DOCTOR_FAIL, "'%s' cannot be read", conf);
		doctor_remedy(d, "unset SLURM_CONF");
		return;
	}
	if (uc_source_open("slurm:", &how, &source, &err) == 0 &&
	    uc_health_controller(source, 0, &health, &err) == 0) {
		judge_controller(d, &health);
		return;
	}
	doctor_add(d, DOCTOR_FAIL, "%s", err.text);
	doctor_remedy(d, "scontrol ping");
	if (uc_health_munge(conf, MUNGE_MS, NULL, &why) < 0) {
		doctor_add(d, DOCTOR_FAIL, "%s", why.text);
		doctor_remedy(d, "munge -n | unmunge");
	}
}

/* A program in PATH; relative folders are somebody else's. False: none. */
static bool find_program(const struct doctor *d, const char *name, struct uc_buf *out)
{
	const char *at = uc_run_env(d->run, "PATH");

	for (; at && *at; at += strcspn(at, ":"), at += *at == ':') {
		uc_buf_reset(out);
		uc_buf_addf(out, "%.*s/%s", (int)strcspn(at, ":"), at, name);
		if (*at == '/' && access(uc_buf_text(out), X_OK) == 0)
			return true;
	}
	return false;
}

/* srun, and what starts containers. */
void doctor_containers(struct doctor *d)
{
	uc_auto(buf) struct uc_buf srun = { 0 }, enroot = { 0 };
	uc_auto(strv) struct uc_strv names = { 0 };
	const bool has_enroot = find_program(d, "enroot", &enroot);
	struct uc_srun_query query = { .environment = d->run->environment,
				       .slurm_conf = slurm_conf(d) };
	struct uc_error err = { 0 };

	if (!find_program(d, "srun", &srun)) {
		doctor_add(d, DOCTOR_FAIL, "there is no srun in PATH");
		doctor_remedy(d, "module load slurm");
		return;
	}
	query.srun = uc_buf_text(&srun);
	if (query.slurm_conf && access(query.slurm_conf, R_OK) < 0)
		return; /* srun would try for a minute; that is said elsewhere */
	if (uc_srun_options(&query, &names, &err) < 0) {
		doctor_error(d, DOCTOR_WARN, &err);
		if (!err.hint[0])
			doctor_remedy(d, "srun --help");
	} else if (uc_strv_find(&names, "container-image") >= 0) {
		doctor_add(d, DOCTOR_OK, "srun has pyxis");
	} else if (has_enroot) {
		doctor_add(d, DOCTOR_OK, "srun has no pyxis; %s starts containers",
			   uc_buf_text(&enroot));
	} else {
		doctor_add(d, DOCTOR_WARN,
			   "neither pyxis nor enroot is here: jobs run "
			   "without containers");
		doctor_remedy(d, "ucluster config --edit   # runtime: enroot, where "
				 "nodes have it, or none");
	}
}

/* One run of ssh; its exit status, or -1: no answer. */
static int ask_host(struct doctor *d, const char *ssh, const char *host)
{
	const char *words[] = { "ssh",
				"-Tax",
				"-oBatchMode=yes",
				"-oConnectTimeout=8",
				"-oClearAllForwardings=yes",
				"--",
				host,
				"usync --version || ~/.local/bin/usync --version",
				NULL };
	const struct uc_spawn spawn = { .program = ssh,
					.words = (char *const *)words,
					.environment = (char *const *)d->run->environment,
					.fd = { -1, -1, -1 } };
	int64_t deadline = uc_monotonic_ms() + SSH_MS;
	int status = 0;
	pid_t pid;

	if (uc_spawn(&spawn, &pid) != 0)
		return -1;
	while (waitpid(pid, &status, WNOHANG) == 0) {
		if (uc_monotonic_ms() >= deadline) {
			(void)kill(pid, SIGKILL);
			return -1;
		}
		poll(NULL, 0, 20);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void doctor_ssh(struct doctor *d)
{
	const char *host = uc_config_string(d->run->config, "sync.host");
	uc_auto(buf) struct uc_buf ssh = { 0 };
	int status;

	if (!host || !*host)
		return;
	if (host[0] == '-') {
		doctor_add(d, DOCTOR_FAIL, "sync.host is '%s'", host);
		doctor_remedy(d, "ucluster config --edit");
		return;
	}
	if (!find_program(d, "ssh", &ssh)) {
		doctor_add(d, DOCTOR_WARN, "there is no ssh in PATH");
		doctor_remedy(d, "command -v ssh");
		return;
	}
	status = ask_host(d, uc_buf_text(&ssh), host);
	if (status == 0) {
		doctor_add(d, DOCTOR_OK, "%s lets you in, and has usync", host);
	} else if (status < 0) {
		doctor_add(d, DOCTOR_FAIL, "%s does not answer within %d seconds", host,
			   SSH_MS / 1000);
		doctor_remedy(d, "ssh -v %s", host);
	} else if (status == SSH_FAILED) {
		doctor_add(d, DOCTOR_FAIL, "ssh cannot log in to %s by itself", host);
		doctor_remedy(d, "ssh -v %s", host);
	} else {
		doctor_add(d, DOCTOR_WARN,
			   "%s has no usync: it goes by SFTP, which is "
			   "slower",
			   host);
		doctor_remedy(d, "usync install-helper %s", host);
	}
}
