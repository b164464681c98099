/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* What ssh says when it cannot log in, as an error; texts of OpenSSH 7.4 to 10. */
#include <string.h>

#include "ssh/transport.h"

#define LINE 160 /* bytes on either side of what was found */

/* The first that is found counts: what is about keys first. */
static const struct saying {
	const char *said;
	enum uc_code code;
	const char *text; /* after "'host' " */
	const char *hint;
} sayings[] = {
	{ "IDENTIFICATION HAS CHANGED", UC_DENIED,
	  "is not the known host: its key changed",
	  "somebody may be listening in between; if its key was changed on purpose, "
	  "remove the old line with ssh-keygen -R" },
	{ "REVOKED HOST KEY", UC_DENIED, "shows a key that is revoked", NULL },
	{ "is marked as revoked", UC_DENIED, "shows a key that is revoked", NULL },
	{ "key is known for", UC_DENIED, "is a host whose key is not known",
	  "connect once with ssh and compare the fingerprint" },
	{ "Host key verification failed", UC_DENIED, "is a host whose key is not known",
	  "connect once with ssh and compare the fingerprint" },
	{ "Too many authentication failures", UC_DENIED,
	  "was offered too many keys and gave up",
	  "name the right one: IdentityFile and IdentitiesOnly in ssh_config(5)" },
	{ "Permission denied", UC_DENIED, "does not let you in",
	  "ssh -v shows which keys were tried; ssh-copy-id brings one there" },
	{ "Could not resolve hostname", UC_UNREACHABLE, "is a name without an address",
	  "is the name right, and is there a network?" },
	{ "Connection refused", UC_UNREACHABLE, "refuses connections",
	  "is it the right host and port, and does sshd run there?" },
	{ "timed out", UC_UNREACHABLE, "does not answer in time", NULL },
	{ "No route to host", UC_UNREACHABLE, "cannot be reached: no route", NULL },
	{ "Network is unreachable", UC_UNREACHABLE, "cannot be reached: no network",
	  NULL },
	{ "no matching", UC_UNREACHABLE, "and ssh have no algorithm in common", NULL },
	{ "Connection closed", UC_UNREACHABLE, "closed the connection", NULL },
	{ "Connection reset", UC_UNREACHABLE, "closed the connection", NULL },
	{ "kex_exchange_identification", UC_UNREACHABLE, "does not speak SSH", NULL },
	{ "Bad configuration option", UC_USAGE, "has a configuration that ssh refuses",
	  "ssh -G shows where" },
	{ "Bad owner or permissions", UC_USAGE,
	  "has a configuration that others can write",
	  "chmod go-w the file that ssh -G names" },
};

/* The line in which `at` is, without what ends it. */
static void add_line(struct uc_buf *out, const char *text, const char *at)
{
	const char *found = at;
	size_t len;

	/* a server may have put much in front, without an end of the line */
	while (at > text && at[-1] != '\n' && found - at < LINE)
		at--;
	len = strcspn(at, "\r\n");
	uc_buf_addn(out, at, len < 2 * LINE ? len : 2 * LINE);
}

static void add_last_line(struct uc_buf *out, const char *said)
{
	size_t len = strlen(said);

	while (len && strchr("\r\n ", said[len - 1]))
		len--;
	add_line(out, said, said + (len ? len - 1 : 0));
}

/* "Offending ED25519 key in FILE:LINE" */
static void place(const char *said, struct uc_error *err)
{
	const char *at = strstr(said, "Offending "), *in = at ? strstr(at, " in ") : NULL;
	uc_auto(buf) struct uc_buf line = { 0 };
	char *colon;
	int number = 0;

	if (!in || strchr(in, '\n') == NULL)
		return;
	uc_buf_addn(&line, in + 4, strcspn(in + 4, "\r\n"));
	colon = line.data ? strrchr(line.data, ':') : NULL;
	if (!colon)
		return;
	for (const char *digit = colon + 1; *digit >= '0' && *digit <= '9'; digit++)
		number = number > 1000000 ? number : number * 10 + (*digit - '0');
	*colon = '\0';
	(void)uc_at(err, line.data, number, 0);
}

static void add_fingerprint(struct uc_buf *out, const char *said)
{
	const char *at = strstr(said, "SHA256:");
	size_t len =
		at ? strspn(at + 7, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxy"
				    "z0123456789+/")
		   : 0;

	if (len) {
		uc_buf_add(out, ", now ");
		uc_buf_addn(out, at, 7 + len);
	}
}

int uc_openssh_fail(const char *said, const char *name, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf more = { 0 };

	for (size_t i = 0; i < sizeof(sayings) / sizeof(sayings[0]); i++) {
		const struct saying *saying = &sayings[i];
		const char *at = strstr(said, saying->said);

		if (!at)
			continue;
		if (i == 0)
			add_fingerprint(&more, said);
		else
			uc_buf_add(&more, " (ssh: ");
		if (i != 0) {
			add_line(&more, said, at);
			uc_buf_addc(&more, ')');
		}
		uc_fail(err, saying->code, "'%s' %s%s", name, saying->text,
			uc_buf_text(&more));
		if (saying->hint)
			uc_hint(err, "%s", saying->hint);
		place(said, err);
		return -1;
	}
	add_last_line(&more, said);
	return uc_fail(err, UC_UNREACHABLE, "ssh cannot connect to '%s': %s", name,
		       more.len ? more.data : "it does not say why");
}
