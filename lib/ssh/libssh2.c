/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Connecting in this process: TCP or another connection, keys, the host, the user. */
#include <stdlib.h>
#include <string.h>
#include <ucluster/units.h>
#include <unistd.h>

#include "ssh/tcp.h"
#include "ssh/transport.h"

#define HANDSHAKE_BYTES (256U << 10) /* from the server, until its key is judged */
#define LOGIN_BYTES     (1U << 20)
#define DEPTH_MAX       8

/*
 * What may be agreed on (libssh2 1.10 alone offers arcfour, 3des and group1 too). None of
 * the modes that Terrapin is about; "-etm" is for a libssh2 that has it.
 */
static const char *const kex[] = { "curve25519-sha256",  "curve25519-sha256@libssh.org",
				   "ecdh-sha2-nistp256", "ecdh-sha2-nistp384",
				   "ecdh-sha2-nistp521", NULL };
static const char *const host_keys[] = { "ssh-ed25519", "ecdsa-sha2-nistp256",
					 "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
					 NULL };
static const char *const ciphers[] = { "aes128-ctr", "aes192-ctr", "aes256-ctr", NULL };
static const char *const macs[] = { "hmac-sha2-256-etm@openssh.com",
				    "hmac-sha2-512-etm@openssh.com", "hmac-sha2-256",
				    "hmac-sha2-512", NULL };
static const char *const none[] = { "none", NULL };

static bool in_list(const char *list, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = list; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, name, len) == 0 && (!at[len] || at[len] == ','))
			return true;
	}
	return false;
}

/* Of these, what the user's configuration allows; NULL: all. */
static void add_allowed(struct uc_buf *out, const char *const *names, const char *allowed)
{
	for (; *names; names++)
		if (!allowed || in_list(allowed, *names))
			uc_buf_addf(out, "%s%s", out->len ? "," : "", *names);
}

static bool supported(const char *type)
{
	for (const char *const *name = host_keys; *name; name++)
		if (strcmp(*name, type) == 0)
			return true;
	return false;
}

/* Types by which the host is known, or all while it is not. */
static void add_host_keys(struct uc_buf *out, const struct uc_host *host)
{
	const char *allowed = host->config->host_key_algorithms;

	if (!host->types.count)
		add_allowed(out, host_keys, allowed);
	for (size_t i = 0; i < host->types.count; i++) {
		const char *one[] = { host->types.item[i], NULL };

		if (supported(one[0]))
			add_allowed(out, one, allowed);
	}
}

/* Keep what this libssh2 has: 1.10 itself leaves out others by an overlapping memcpy().
 */
static bool keep_supported(struct uc_link *link, int type, const struct uc_buf *wanted,
			   struct uc_buf *list)
{
	const char **names = NULL;
	int count = libssh2_session_supported_algs(link->session, type, &names);

	for (const char *at = uc_buf_text(wanted); count > 0 && *at;) {
		size_t len = strcspn(at, ",");

		for (int i = 0; i < count; i++)
			if (strncmp(names[i], at, len) == 0 && !names[i][len]) {
				uc_buf_add(list, list->len ? "," : "");
				uc_buf_addn(list, at, len);
			}
		at += len + (at[len] == ',');
	}
	if (count > 0)
		libssh2_free(link->session, names);
	return list->len && !list->failed;
}

static int set_methods(struct uc_link *link, const struct uc_host *host,
		       struct uc_error *err)
{
	const struct uc_ssh_config *config = host->config;
	const struct {
		const char *what;
		int type[2];
		const char *const *names;
		const char *allowed;
	} methods[] = {
		{ "key exchange", { LIBSSH2_METHOD_KEX, -1 }, kex, config->kex },
		{ "host keys", { LIBSSH2_METHOD_HOSTKEY, -1 }, NULL, NULL },
		{ "ciphers",
		  { LIBSSH2_METHOD_CRYPT_CS, LIBSSH2_METHOD_CRYPT_SC },
		  ciphers,
		  config->ciphers },
		{ "MACs",
		  { LIBSSH2_METHOD_MAC_CS, LIBSSH2_METHOD_MAC_SC },
		  macs,
		  config->macs },
		{ "compression",
		  { LIBSSH2_METHOD_COMP_CS, LIBSSH2_METHOD_COMP_SC },
		  none,
		  NULL },
	};

	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		uc_auto(buf) struct uc_buf wanted = { 0 }, list = { 0 };
		bool good;

		if (methods[i].names)
			add_allowed(&wanted, methods[i].names, methods[i].allowed);
		else
			add_host_keys(&wanted, host);
		good = keep_supported(link, methods[i].type[0], &wanted, &list);
		for (int j = 0; good && j < 2 && methods[i].type[j] >= 0; j++)
			good = libssh2_session_method_pref(link->session,
							   methods[i].type[j],
							   uc_buf_text(&list)) == 0;
		if (!good)
			return uc_fail(err, UC_USAGE,
				       "libssh2 has none of the %s for '%s'",
				       methods[i].what, host->peer.host);
	}
	return 0;
}

bool uc_libssh2_leaves(const struct uc_ssh_config *config,
		       const struct uc_connect *connect, struct uc_buf *why)
{
	uc_auto(host) struct uc_host host = { 0 };
	uc_auto(keys) struct uc_keys keys = { 0 };
	uc_auto(buf) struct uc_buf types = { 0 };

	if (config->beyond)
		uc_buf_addf(why, "%s is for ssh itself", config->beyond);
	else if (config->control_path && uc_openssh_alive(config->control_path))
		uc_buf_add(why, "ssh keeps a connection to it (ControlPath)");
	if (why->len || uc_host_load(&host, config, NULL, NULL) < 0)
		return why->len;
	add_host_keys(&types, &host);
	uc_keys_load(&keys, config, connect->options->environment);
	if (!host.types.count && host.certified)
		uc_buf_add(why, "the host has a certificate");
	else if (!types.len)
		uc_buf_add(why, "libssh2 has no type of key that the host is known by");
	else if (!keys.usable && keys.beyond.len)
		uc_buf_addf(why, "libssh2 1.10 cannot use %s", uc_buf_text(&keys.beyond));
	return why->len;
}

static void leave(struct uc_connect *connect, const char *why)
{
	if (!connect->leave.len)
		uc_buf_add(&connect->leave, why);
}

static int handshake(struct uc_link *link, const struct uc_host *host,
		     struct uc_connect *connect, struct uc_error *err)
{
	int rc;

	link->budget = HANDSHAKE_BYTES;
	UC_DRIVE(link, rc, libssh2_session_handshake(link->session, link->fd));
	if (rc == 0)
		return 0;
	uc_link_fail(link, host->peer.host, "agreeing on keys", err);
	if (link->failure)
		return -1;
	if (rc == LIBSSH2_ERROR_KEY_EXCHANGE_FAILURE) {
		leave(connect, "libssh2 and the host did not agree on keys");
	} else if (rc == LIBSSH2_ERROR_KEX_FAILURE) {
		leave(connect, "libssh2 and the host have no algorithm in common");
		uc_hint(err, "libssh2 1.10 has fewer algorithms than OpenSSH; use "
			     "--transport ssh");
	}
	return -1;
}

static int judge(struct uc_link *link, const struct uc_host *host,
		 struct uc_connect *connect, struct uc_error *err)
{
	int64_t began = uc_monotonic_ms(), took;
	struct uc_host_key key = { NULL, 0 };
	int rc, type;

	key.bytes = (const unsigned char *)libssh2_session_hostkey(link->session,
								   &key.len, &type);
	if (!key.bytes)
		return uc_fail(err, UC_UNREACHABLE, "'%s' shows no key", host->peer.host);
	rc = uc_host_judge(host, &key, err);
	if (rc == 0 && !uc_link_keep_host(link))
		rc = uc_fail(err, UC_INVALID, "the key of '%s' makes no sense",
			     host->peer.host);
	took = uc_monotonic_ms() - began;
	link->deadline += took;
	connect->deadline += took;
	return rc;
}

static int log_in(struct uc_link *link, const struct uc_host *host,
		  struct uc_connect *connect, struct uc_error *err)
{
	uc_auto(keys) struct uc_keys keys = { 0 };
	struct uc_auth auth = { .link = link,
				.config = host->config,
				.asker = host->asker,
				.keys = &keys,
				.name = host->peer.host,
				.may_leave = connect->may_leave };
	int rc;

	link->budget = LOGIN_BYTES;
	uc_keys_load(&keys, host->config, connect->options->environment);
	rc = uc_auth_run(&auth, err);
	connect->deadline = link->deadline;
	if (rc < 0 && auth.beyond.len && !connect->leave.len)
		uc_buf_addf(&connect->leave, "libssh2 1.10 cannot use %s",
			    uc_buf_text(&auth.beyond));
	uc_buf_free(&auth.beyond);
	return rc;
}

/* On failure the link is closed. */
static int bring_up(struct uc_link *link, int fd, const struct uc_host *host,
		    struct uc_connect *connect, struct uc_error *err)
{
	if (!uc_link_open(link, fd))
		return uc_fail(err, UC_FAILED, "out of memory");
	link->deadline = connect->deadline;
	if (set_methods(link, host, err) == 0 &&
	    handshake(link, host, connect, err) == 0 &&
	    judge(link, host, connect, err) == 0 &&
	    log_in(link, host, connect, err) == 0) {
		uc_connect_say(
			connect, 1, "'%s' by libssh2 %s: %s, %s", host->peer.host,
			libssh2_version(0),
			libssh2_session_methods(link->session, LIBSSH2_METHOD_KEX),
			libssh2_session_methods(link->session, LIBSSH2_METHOD_CRYPT_CS));
		uc_link_settle(link);
		return 0;
	}
	uc_link_close(link);
	return -1;
}

static int open_one(struct uc_ssh *ssh, const struct uc_ssh_config *config,
		    const char *via, struct uc_connect *connect, struct uc_error *err);

/* "a,b": b is connected to through a; the way to a is what its own configuration says. */
static int open_chain(struct uc_ssh **ssh, const char *spec, struct uc_connect *connect,
		      struct uc_error *err)
{
	const char *comma = strrchr(spec, ','), *last = comma ? comma + 1 : spec;
	uc_auto(ssh_config) struct uc_ssh_config config = { 0 };
	struct uc_ssh_ask ask = uc_connect_ask(connect);
	uc_auto(buf) struct uc_buf before = { 0 };
	const char *via;

	if (++connect->depth > DEPTH_MAX)
		return uc_fail(err, UC_USAGE, "ProxyJump goes over more than %d hosts",
			       DEPTH_MAX);
	if (uc_ssh_config_read(&config, last, &ask, err) < 0) {
		leave(connect, "ProxyJump names a host in a way that is ssh's own");
		return -1;
	}
	if (comma)
		uc_buf_addn(&before, spec, (size_t)(comma - spec));
	via = comma ? uc_buf_text(&before) : config.proxy_jump;
	if (config.beyond) {
		uc_buf_reset(&connect->leave);
		uc_buf_addf(&connect->leave, "%s is for ssh itself", config.beyond);
		return uc_fail(err, UC_USAGE, "'%s' needs %s, which libssh2 does not do",
			       last, config.beyond);
	}
	*ssh = calloc(1, sizeof(**ssh));
	if (!*ssh)
		return uc_fail(err, UC_FAILED, "out of memory");
	(*ssh)->fd = -1;
	return open_one(*ssh, &config, via, connect, err);
}

static int open_through(struct uc_ssh *ssh, const struct uc_ssh_config *config,
			const char *via, struct uc_connect *connect, struct uc_error *err)
{
	struct uc_channel_request request = { .kind = UC_CHANNEL_TCP,
					      .text = config->hostname,
					      .port = config->port };

	if (open_chain(&ssh->jump, via, connect, err) < 0)
		return -1;
	request.deadline = connect->deadline;
	if (uc_pump_open(ssh->jump->pump, &request, &ssh->through, err) < 0) {
		if (err && err->code == UC_DENIED)
			err->code = UC_UNREACHABLE;
		return uc_context(err, "to '%s'", config->hostname);
	}
	return ssh->through.in;
}

static int open_one(struct uc_ssh *ssh, const struct uc_ssh_config *config,
		    const char *via, struct uc_connect *connect, struct uc_error *err)
{
	struct uc_tcp_to to = { config->hostname, config->port, config->address_family,
				connect->deadline };
	bool through = via && strcmp(via, "none") != 0;
	uc_auto(host) struct uc_host host = { 0 };
	struct uc_link link = { 0 };
	int fd;

	if (uc_host_load(&host, config, connect->options->asker, err) < 0)
		return -1;
	fd = through ? open_through(ssh, config, via, connect, err)
		     : uc_tcp_connect(&to, err);
	if (fd < 0)
		return -1;
	if (!through)
		ssh->fd = fd;
	if (bring_up(&link, fd, &host, connect, err) < 0)
		return -1;
	return uc_pump_start(&ssh->pump, &link, host.peer.host, err);
}

int uc_libssh2_open(struct uc_ssh *ssh, const struct uc_ssh_config *config,
		    struct uc_connect *connect, struct uc_error *err)
{
	/* nothing but a counter: OpenSSL starts by itself, by whichever thread is first
	 */
	(void)libssh2_init(LIBSSH2_INIT_NO_CRYPTO);
	return open_one(ssh, config, config->proxy_jump, connect, err);
}

void uc_libssh2_close(struct uc_ssh *ssh)
{
	if (ssh->pump)
		uc_pump_stop(ssh->pump);
	ssh->pump = NULL;
	(void)uc_stream_close(&ssh->through, 0, NULL);
	if (ssh->fd >= 0)
		close(ssh->fd);
	ssh->fd = -1;
	uc_ssh_free(ssh->jump);
	ssh->jump = NULL;
}
