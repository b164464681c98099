/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Which transport, and what both have in common. */
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <ucluster/units.h>

#include "base/linux.h"
#include "ssh/transport.h"

#define CONNECT_MS 20000
#define START_MS   20000

struct uc_ssh_ask uc_connect_ask(const struct uc_connect *connect)
{
	return (struct uc_ssh_ask){ connect->options->environment,
				    connect->options->config_file, connect->deadline };
}

void uc_connect_say(const struct uc_connect *connect, int weight, const char *fmt, ...)
{
	const struct uc_ssh_asker *asker = connect->options->asker;
	uc_auto(buf) struct uc_buf text = { 0 }, safe = { 0 };
	va_list ap;

	if (!asker || !asker->say)
		return;
	va_start(ap, fmt);
	uc_buf_addv(&text, fmt, ap);
	va_end(ap);
	uc_buf_safe(&safe, uc_raw(uc_buf_text(&text)), 0);
	asker->say(asker->arg, weight, uc_buf_text(&safe));
}

static void set_why(struct uc_ssh *ssh, const char *why)
{
	uc_auto(buf) struct uc_buf safe = { 0 };

	uc_buf_safe(&safe, uc_raw(why), 0);
	(void)snprintf(ssh->why, sizeof(ssh->why), "%s", uc_buf_text(&safe));
}

static int open_openssh(struct uc_ssh *ssh, const struct uc_ssh_config *config,
			struct uc_connect *connect, struct uc_error *err)
{
	ssh->transport = UC_SSH_OPENSSH;
	if (!config->from_ssh)
		return uc_fail(err, UC_FAILED, "there is no program ssh in PATH");
	return uc_openssh_open(ssh, config, connect, err);
}

static int open_libssh2(struct uc_ssh *ssh, const struct uc_ssh_config *config,
			struct uc_connect *connect, struct uc_error *err)
{
	ssh->transport = UC_SSH_LIBSSH2;
	if (config->beyond) {
		uc_fail(err, UC_USAGE,
			"the configuration of '%s' has %s, which libssh2 "
			"does not do",
			ssh->name, config->beyond);
		return uc_hint(err, "use --transport ssh, or auto");
	}
	return uc_libssh2_open(ssh, config, connect, err);
}

/* libssh2 where it does what is asked for, else the user's ssh. */
static int open_auto(struct uc_ssh *ssh, const struct uc_ssh_config *config,
		     struct uc_connect *connect, struct uc_error *err)
{
	struct uc_error first = { 0 };

	connect->may_leave = config->from_ssh;
	if (!config->from_ssh || !uc_libssh2_leaves(config, connect, &connect->leave)) {
		if (uc_libssh2_open(ssh, config, connect, &first) == 0) {
			ssh->transport = UC_SSH_LIBSSH2;
			set_why(ssh, "libssh2 connects faster, and does all that is "
				     "configured");
			return 0;
		}
		uc_libssh2_close(ssh);
		if (!connect->leave.len || !config->from_ssh) {
			if (err)
				*err = first;
			return -1;
		}
	}
	uc_connect_say(connect, 1, "ssh connects to '%s': %s", ssh->name,
		       uc_buf_text(&connect->leave));
	set_why(ssh, uc_buf_text(&connect->leave));
	return open_openssh(ssh, config, connect, err);
}

static int open_any(struct uc_ssh *ssh, const struct uc_ssh_options *options,
		    struct uc_error *err)
{
	int ms = options->connect_ms > 0 ? options->connect_ms : CONNECT_MS;
	struct uc_connect connect = { .options = options,
				      .deadline = uc_monotonic_ms() + ms };
	uc_auto(ssh_config) struct uc_ssh_config config = { 0 };
	struct uc_ssh_ask ask = uc_connect_ask(&connect);
	int rc;

	if (uc_ssh_config_read(&config, options->destination, &ask, err) < 0)
		return -1;
	ssh->name = strdup(config.hostname);
	if (!ssh->name)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (options->transport != UC_SSH_AUTO)
		set_why(ssh, "it was asked for");
	switch (options->transport) {
	case UC_SSH_OPENSSH:
		rc = open_openssh(ssh, &config, &connect, err);
		break;
	case UC_SSH_LIBSSH2:
		rc = open_libssh2(ssh, &config, &connect, err);
		break;
	default:
		rc = open_auto(ssh, &config, &connect, err);
	}
	uc_buf_free(&connect.leave);
	return rc;
}

int uc_ssh_open(struct uc_ssh **ssh, const struct uc_ssh_options *options,
		struct uc_error *err)
{
	struct uc_ssh *made = calloc(1, sizeof(*made));

	if (!made)
		return uc_fail(err, UC_FAILED, "out of memory");
	made->fd = -1;
	made->start_ms = options->start_ms > 0 ? options->start_ms : START_MS;
	if (open_any(made, options, err) < 0) {
		uc_ssh_free(made);
		return -1;
	}
	*ssh = made;
	return 0;
}

void uc_ssh_free(struct uc_ssh *ssh)
{
	if (!ssh)
		return;
	uc_libssh2_close(ssh);
	uc_openssh_close(ssh->openssh);
	free(ssh->name);
	free(ssh);
}

enum uc_ssh_transport uc_ssh_transport(const struct uc_ssh *ssh, const char **why)
{
	if (why)
		*why = ssh->why;
	return ssh->transport;
}

int64_t uc_ssh_round_trip(const struct uc_ssh *ssh)
{
	return ssh->fd < 0 ? -1 : uc_linux_round_trip(ssh->fd);
}

static int start(struct uc_ssh *ssh, enum uc_channel_kind kind, const char *text,
		 struct uc_stream *stream, struct uc_error *err)
{
	struct uc_channel_request request = { kind, text, 0,
					      uc_monotonic_ms() + ssh->start_ms };

	if (ssh->transport == UC_SSH_OPENSSH)
		return uc_openssh_exec(ssh, text, kind == UC_CHANNEL_SUBSYSTEM, stream,
				       err);
	return uc_pump_open(ssh->pump, &request, stream, err);
}

int uc_ssh_exec(struct uc_ssh *ssh, const char *command, struct uc_stream *stream,
		struct uc_error *err)
{
	return start(ssh, UC_CHANNEL_EXEC, command, stream, err);
}

int uc_ssh_subsystem(struct uc_ssh *ssh, const char *name, struct uc_stream *stream,
		     struct uc_error *err)
{
	return start(ssh, UC_CHANNEL_SUBSYSTEM, name, stream, err);
}
