/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Probes: one controller, or slurmdbd. Answers are lines "name=value". */
#include <errno.h>
#include <inttypes.h>
#include <time.h>
#include "slurm/compat.h"
#include <slurm/slurmdb.h>
#include "slurm/backend.h"

static int64_t now_micros(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void put(struct uc_frame *answer, const char *name, const char *value)
{
	uc_auto(buf) struct uc_buf line = { 0 };

	uc_buf_addf(&line, "%s=%s", name, value ? value : "");
	if (line.failed)
		answer->body.failed = true;
	else
		uc_frame_add_text(answer, UC_TAG_TEXT, line.data);
}

static void put_number(struct uc_frame *answer, const char *name, int64_t value)
{
	uc_auto(buf) struct uc_buf text = { 0 };

	uc_buf_addi(&text, value);
	put(answer, name, uc_buf_text(&text));
}

static int probe_controller(uint32_t index, struct uc_frame *answer, struct uc_error *err)
{
	const int64_t begun = now_micros();
	const long version = UC_SLURM_BUILT;
	slurm_conf_t *conf = NULL;
	uc_auto(buf) struct uc_buf own = { 0 };
	int rc = slurm_ping((int)index);

	if (rc != SLURM_SUCCESS)
		return backend_fail(
			err, rc > 0 ? rc : SLURMCTLD_COMMUNICATIONS_CONNECTION_ERROR,
			"ping");
	put_number(answer, "micros", now_micros() - begun);
	uc_buf_addf(&own, "%ld.%02ld.%ld", SLURM_VERSION_MAJOR(version),
		    SLURM_VERSION_MINOR(version), SLURM_VERSION_MICRO(version));
	put(answer, "libslurm", uc_buf_text(&own));
	if (slurm_load_ctl_conf(0, &conf) != SLURM_SUCCESS)
		return backend_fail(err, errno, "loading the configuration");
	if (index < conf->control_cnt)
		put(answer, "host", conf->control_machine[index]);
	put_number(answer, "count", conf->control_cnt);
	put(answer, "version", conf->version);
	put(answer, "cluster", conf->cluster_name);
	if (conf->accounting_storage_type &&
	    strstr(conf->accounting_storage_type, "slurmdbd"))
		put(answer, "accounting", conf->accounting_storage_host);
	uc_slurm_free_conf(conf);
	return 0;
}

static int probe_accounting(struct uc_frame *answer, struct uc_error *err)
{
	const int64_t begun = now_micros();
	slurmdb_tres_cond_t condition;
	uc_list *list = NULL;
	uint16_t flags = 0;
	void *connection;
	int errnum;

	/* a connection that was refused is none, whatever it looks like: ask something */
	slurmdb_init_tres_cond(&condition, false);
	errno = 0;
	connection = slurmdb_connection_get(&flags);
	if (connection)
		list = slurmdb_tres_get(connection, &condition);
	errnum = errno;
	if (list) {
		put_number(answer, "micros", now_micros() - begun);
		slurm_list_destroy(list);
	}
	if (connection)
		slurmdb_connection_close(&connection);
	if (list)
		return 0;
	return uc_fail(err, UC_UNREACHABLE, "slurmdbd cannot be reached: %s",
		       errnum ? slurm_strerror(errnum) : "no connection");
}

int backend_probe(const struct uc_frame *question, struct uc_frame *answer,
		  struct uc_error *err)
{
	const uint32_t what = uc_frame_u32(question, UC_TAG_CODE, 0);

	return what == UC_PROBE_ACCOUNTING ? probe_accounting(answer, err)
					   : probe_controller(what, answer, err);
}
