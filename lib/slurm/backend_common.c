/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What all answers need: errors, marks of "not set", user names, ping. */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include "slurm/compat.h"
#include "slurm/backend.h"
#include "slurm/conf.h"
#include <ucluster/units.h>

static const struct {
	int errnum;
	enum uc_code code;
	const char *text; /* NULL = Slurm's own */
	const char *hint;
} failures[] = {
	{ SLURM_PROTOCOL_AUTHENTICATION_ERROR, UC_UNREACHABLE,
	  "authentication with slurmctld failed",
	  "is munged running and is the clock right? try: munge -n | unmunge" },
	{ SLURM_PROTOCOL_SOCKET_ZERO_BYTES_SENT, UC_UNREACHABLE,
	  "slurmctld closed the connection", NULL },
	{ SLURM_PROTOCOL_VERSION_ERROR, UC_UNREACHABLE, NULL, NULL },
	{ ESLURM_ACCESS_DENIED, UC_DENIED, NULL, NULL },
	{ ESLURM_INVALID_JOB_ID, UC_NOTFOUND, NULL, NULL },
	{ ESLURM_USER_ID_MISSING, UC_DENIED, NULL, NULL },
	{ ESLURM_INVALID_PARTITION_NAME, UC_USAGE, NULL,
	  "partitions are listed by: sinfo -s" },
	{ ESLURM_DEFAULT_PARTITION_NOT_SET, UC_USAGE, NULL,
	  "name one: --partition=NAME" },
	{ ESLURM_INVALID_TIME_LIMIT, UC_USAGE, NULL,
	  "time limits of partitions are listed by: sinfo -o '%P %l'" },
	{ ESLURM_INVALID_GRES, UC_USAGE, NULL,
	  "what nodes have is listed by: sinfo -o '%P %G'" },
	{ ESLURM_INVALID_TRES, UC_USAGE, NULL,
	  "what nodes have is listed by: sinfo -o '%P %G'" },
	{ ESLURM_INVALID_ACCOUNT, UC_USAGE, NULL,
	  "yours are listed by: sacctmgr show assoc user=$USER format=account,partition,qos" },
	{ ESLURM_INVALID_QOS, UC_USAGE, NULL,
	  "yours are listed by: sacctmgr show assoc user=$USER format=account,partition,qos" },
	{ ESLURM_REQUESTED_NODE_CONFIG_UNAVAILABLE, UC_USAGE, NULL,
	  "no node has that much at once: ask for less, or see 'sinfo -o \"%P %c %m %G\"'" },
	{ ESLURM_INVALID_FEATURE, UC_USAGE, NULL,
	  "features are listed by: sinfo -o '%P %f'" },
	{ ESLURM_DEPENDENCY, UC_USAGE, NULL, "expected TYPE:JOB, as in afterok:1234" },
};

static bool is_connection_failure(int errnum)
{
	return (errnum >= SLURMCTLD_COMMUNICATIONS_CONNECTION_ERROR &&
		errnum <= SLURMCTLD_COMMUNICATIONS_SHUTDOWN_ERROR) ||
	       errnum == SLURM_PROTOCOL_SOCKET_IMPL_TIMEOUT ||
	       errnum == SLURM_COMMUNICATIONS_CONNECTION_ERROR ||
	       errnum == ECONNREFUSED || errnum == ECONNRESET || errnum == EPIPE ||
	       errnum == ETIMEDOUT || errnum == EHOSTUNREACH || errnum == ENETUNREACH;
}

bool backend_is_unsent(int errnum)
{
	return errnum == SLURMCTLD_COMMUNICATIONS_CONNECTION_ERROR ||
	       errnum == SLURM_COMMUNICATIONS_CONNECTION_ERROR || errnum == ECONNREFUSED;
}

static bool too_new;

bool backend_was_too_new(void)
{
	bool was = too_new;

	too_new = false;
	return was;
}

/* What a controller of an older release answers, or rather does not. 26.05 reports
 * to 25.11 a failed authentication. */
static bool is_too_new(int errnum)
{
	return errnum == SLURM_PROTOCOL_SOCKET_ZERO_BYTES_SENT ||
	       errnum == SLURM_PROTOCOL_VERSION_ERROR ||
	       errnum == SLURM_PROTOCOL_AUTHENTICATION_ERROR;
}

static int hint_release(struct uc_error *err)
{
	const long built = UC_SLURM_BUILT;

	return uc_hint(
		err,
		"slurmctld may be older than the libslurm %ld.%02ld here, which it "
		"does not understand: compare with the admins",
		SLURM_VERSION_MAJOR(built), SLURM_VERSION_MINOR(built));
}

int backend_fail(struct uc_error *err, int errnum, const char *doing)
{
	uc_auto(buf) struct uc_buf hosts = { 0 };

	too_new = too_new || is_too_new(errnum);
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		if (failures[i].errnum != errnum)
			continue;
		uc_fail(err, failures[i].code, "%s: %s", doing,
			failures[i].text ? failures[i].text : slurm_strerror(errnum));
		if (!failures[i].hint && is_too_new(errnum))
			return hint_release(err);
		return failures[i].hint ? uc_hint(err, "%s", failures[i].hint) : -1;
	}
	if (!is_connection_failure(errnum))
		return uc_fail(err, UC_FAILED, "%s: %s", doing, slurm_strerror(errnum));
	uc_slurm_conf_hosts(&hosts, uc_slurm_conf_path(NULL));
	uc_fail(err, UC_UNREACHABLE, "slurmctld%s%s cannot be reached: %s",
		hosts.len ? " at " : "", uc_buf_text(&hosts), slurm_strerror(errnum));
	return uc_hint(err,
		       "it is down or unreachable: try again later, or 'scontrol ping'");
}

uint32_t backend_u16(uint16_t value)
{
	return value == NO_VAL16 || value == INFINITE16 ? UC_NONE32 : value;
}

uint32_t backend_u32(uint32_t value)
{
	return value == NO_VAL || value == INFINITE ? UC_NONE32 : value;
}

int64_t backend_minutes(uint32_t value)
{
	return value == NO_VAL     ? UC_NOT_SET
	       : value == INFINITE ? UC_DURATION_INFINITE
				   : (int64_t)value * 60;
}

uint64_t backend_mib(uint64_t value)
{
	return value >= NO_VAL64 - 1 ? UC_NONE64 : value << 20;
}

struct name {
	uint32_t uid;
	char *name; /* NULL = free slot */
};

/* A hash of names, doubled when half full. The worker asks NSS once a user. */
static struct name *find_slot(struct name *table, size_t size, uint32_t uid)
{
	size_t i = (uid * 2654435761u) & (size - 1);

	while (table[i].name && table[i].uid != uid)
		i = (i + 1) & (size - 1);
	return &table[i];
}

static char *look_up(uint32_t uid)
{
	const struct passwd *pw = getpwuid(uid);
	char number[16];

	if (pw)
		return strdup(pw->pw_name);
	snprintf(number, sizeof(number), "%u", uid);
	return strdup(number);
}

const char *backend_user_name(uint32_t uid)
{
	static struct name *table;
	static size_t size, used;
	struct name *slot;

	if (used * 2 >= size) {
		size_t bigger = size ? size * 2 : 256;
		struct name *copy = calloc(bigger, sizeof(*copy));

		if (!copy)
			return NULL;
		for (size_t i = 0; i < size; i++)
			if (table[i].name)
				*find_slot(copy, bigger, table[i].uid) = table[i];
		free(table);
		table = copy;
		size = bigger;
	}
	slot = find_slot(table, size, uid);
	if (!slot->name) {
		slot->name = look_up(uid);
		slot->uid = uid;
		used += slot->name != NULL;
	}
	return slot->name;
}

/* 0, or why not: that nothing came back is all that it returns, errno has the cause. */
static int ping(int controller)
{
	int rc;

	errno = 0;
	rc = slurm_ping(controller);
	if (rc == SLURM_SUCCESS || errno == 0)
		return rc < 0 ? SLURMCTLD_COMMUNICATIONS_CONNECTION_ERROR : rc;
	return errno;
}

int backend_ping(const struct uc_frame *question, struct uc_frame *answer,
		 struct uc_error *err)
{
	int rc = ping(0);

	(void)question, (void)answer;
	/* The primary, else the first backup. */
	if (rc == SLURM_SUCCESS || ping(1) == SLURM_SUCCESS)
		return 0;
	return backend_fail(err, rc, "ping");
}
