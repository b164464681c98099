/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <ucluster/health.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "slurm/conf.h"
#include "slurm/frame.h"
#include "slurm/source_ops.h"

#define MUNGE_SOCKET "/run/munge/munge.socket.2"

/* "name=value" of several. */
static const char *find(const struct uc_strv *facts, const char *name)
{
	const size_t len = strlen(name);

	for (size_t i = 0; i < facts->count; i++)
		if (strncmp(facts->item[i], name, len) == 0 && facts->item[i][len] == '=')
			return facts->item[i] + len + 1;
	return "";
}

static void copy(char out[UC_HEALTH_TEXT], const char *text)
{
	snprintf(out, UC_HEALTH_TEXT, "%s", text);
}

int uc_health_controller(struct uc_source *src, unsigned index,
			 struct uc_controller_health *out, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv facts = { 0 };

	*out = (struct uc_controller_health){ 0 };
	if (uc_source_probe(src, index, &facts, err) < 0)
		return -1;
	copy(out->host, find(&facts, "host"));
	copy(out->version, find(&facts, "version"));
	copy(out->libslurm, find(&facts, "libslurm"));
	copy(out->cluster, find(&facts, "cluster"));
	copy(out->accounting, find(&facts, "accounting"));
	out->micros = strtoll(find(&facts, "micros"), NULL, 10);
	out->count = (unsigned)strtoul(find(&facts, "count"), NULL, 10);
	return 0;
}

int uc_health_accounting(struct uc_source *src, int64_t *micros, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv facts = { 0 };

	if (uc_source_probe(src, UC_PROBE_ACCOUNTING, &facts, err) < 0)
		return -1;
	*micros = strtoll(find(&facts, "micros"), NULL, 10);
	return 0;
}

const char *uc_health_slurm_conf(const char *conf)
{
	return uc_slurm_conf_path(conf);
}

unsigned uc_health_controller_count(const char *slurm_conf)
{
	uc_auto(buf) struct uc_buf hosts = { 0 };
	unsigned count = 0;

	uc_slurm_conf_hosts(&hosts, slurm_conf);
	for (const char *at = hosts.len ? uc_buf_text(&hosts) : NULL; at; count++) {
		at = strstr(at, " or ");
		at = at ? at + 4 : NULL;
	}
	return count;
}

/* "socket=/run/x" of "AuthInfo=cred_expire=120,socket=/run/x" */
static void find_socket(struct uc_buf *path, const char *slurm_conf)
{
	uc_auto(buf) struct uc_buf info = { 0 };
	const char *at;

	uc_slurm_conf_value(&info, slurm_conf, "AuthInfo");
	for (at = uc_buf_text(&info); at && *at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, "socket=", 7) == 0) {
			uc_buf_addn(path, at + 7, strcspn(at + 7, ","));
			return;
		}
	}
	uc_buf_add(path, MUNGE_SOCKET);
}

/*
 * The kernel takes connections for a munged that is stopped; one that works closes a
 * connection over which nonsense came.
 */
static int try_socket(int fd, const struct sockaddr_un *address, int timeout_ms)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };
	static const char nonsense[16] = "ucluster health";

	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0)
		return errno;
	if (send(fd, nonsense, sizeof(nonsense), MSG_NOSIGNAL) < 0)
		return errno == EPIPE || errno == ECONNRESET ? 0 : errno; /* it closed */
	if (shutdown(fd, SHUT_WR) < 0 && errno != ENOTCONN)
		return errno;
	return poll(&wait, 1, timeout_ms) > 0 ? 0 : ETIMEDOUT;
}

int uc_health_munge(const char *slurm_conf, int timeout_ms, struct uc_buf *path,
		    struct uc_error *err)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	uc_auto(buf) struct uc_buf found = { 0 };
	int fd, fault;

	find_socket(&found, slurm_conf);
	if (path)
		uc_buf_add(path, uc_buf_text(&found));
	if (found.failed || found.len >= sizeof(address.sun_path))
		return uc_fail(err, UC_FAILED, "munged's socket has too long a name");
	memcpy(address.sun_path, found.data, found.len + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return uc_fail_errno(err, UC_FAILED, errno, "no socket");
	fault = try_socket(fd, &address, timeout_ms);
	close(fd);
	if (!fault)
		return 0;
	uc_fail_errno(err, UC_UNREACHABLE, fault, "munged does not answer at '%s'",
		      address.sun_path);
	return uc_hint(err, "tell the administrators; try: munge -n | unmunge");
}
