/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "ssh/config.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/program.h"

#define OUTPUT_MAX (256U << 10) /* bytes; it says some 5 KiB */

void uc_ssh_config_free(struct uc_ssh_config *config)
{
	free(config->hostname);
	free(config->user);
	free(config->host_key_alias);
	free(config->strict);
	free(config->agent);
	free(config->proxy_jump);
	free(config->proxy_command);
	free(config->control_path);
	free(config->address_family);
	free(config->kex);
	free(config->ciphers);
	free(config->macs);
	free(config->host_key_algorithms);
	free(config->hash_names);
	free(config->gssapi);
	free(config->host_based);
	free(config->public_key);
	free(config->keyboard);
	free(config->password);
	free(config->beyond);
	uc_strv_free(&config->identities);
	uc_strv_free(&config->certificates);
	uc_strv_free(&config->user_known);
	uc_strv_free(&config->global_known);
	memset(config, 0, sizeof(*config));
}

static const char *variable(const struct uc_ssh_ask *ask, const char *name)
{
	size_t len = strlen(name);

	for (const char *const *at = ask->environment; at && *at; at++)
		if (strncmp(*at, name, len) == 0 && (*at)[len] == '=')
			return *at + len + 1;
	return NULL;
}

/* [USER@]HOST[:PORT], [ADDRESS]:PORT; an address with colons and no port stands bare. */
struct destination {
	struct uc_buf user, host, port; /* empty where not given */
};

static void destination_free(struct destination *to)
{
	uc_buf_free(&to->user);
	uc_buf_free(&to->host);
	uc_buf_free(&to->port);
}

static bool is_port(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits > 0 && digits < 6 && !text[digits] && strtol(text, NULL, 10) > 0 &&
	       strtol(text, NULL, 10) < 65536;
}

/* What ssh would take for an option, or a shell of ProxyCommand's for more than a word.
 */
static bool is_name(const struct uc_buf *buf)
{
	const char *text = uc_buf_text(buf);

	return !buf->failed && *text && *text != '-' &&
	       !text[strcspn(text, " \t\r\n\"'`$\\;&<>|(){}")];
}

static bool split(struct destination *to, const char *text)
{
	const char *at = strrchr(text, '@'), *host = at ? at + 1 : text, *end, *port;

	if (at)
		uc_buf_addn(&to->user, text, (size_t)(at - text));
	if (*host == '[') {
		end = strchr(++host, ']');
		if (!end || (end[1] && end[1] != ':'))
			return false;
		port = end[1] ? end + 2 : NULL;
	} else {
		end = strchr(host, ':');
		if (!end || strchr(end + 1, ':'))
			end = host + strlen(host);
		port = *end ? end + 1 : NULL;
	}
	uc_buf_addn(&to->host, host, (size_t)(end - host));
	if (port)
		uc_buf_add(&to->port, port);
	return is_name(&to->host) && (!at || is_name(&to->user)) &&
	       (!port || is_port(port));
}

static void make_words(struct uc_strv *words, const struct destination *to,
		       const struct uc_ssh_ask *ask)
{
	uc_strv_add(words, "ssh");
	uc_strv_add(words, "-G");
	if (ask->file) {
		uc_strv_add(words, "-F");
		uc_strv_add(words, ask->file);
	}
	if (to->user.len) {
		uc_strv_add(words, "-l");
		uc_strv_add(words, to->user.data);
	}
	if (to->port.len) {
		uc_strv_add(words, "-p");
		uc_strv_add(words, to->port.data);
	}
	uc_strv_add(words, "--");
	uc_strv_add(words, uc_buf_text(&to->host));
}

static int ask_ssh(const char *program, const struct destination *to,
		   const struct uc_ssh_ask *ask, struct uc_buf *out, struct uc_error *err)
{
	uc_auto(strv) struct uc_strv words = { 0 };
	const char *host = uc_buf_text(&to->host);
	struct uc_program ssh = { .path = program,
				  .environment = ask->environment,
				  .deadline = ask->deadline,
				  .bytes = OUTPUT_MAX };
	int status = 0, failure;
	enum uc_code how;

	make_words(&words, to, ask);
	if (words.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	ssh.words = words.item;
	how = uc_program_run(&ssh, out, &status, &failure);
	if (failure)
		return uc_fail_errno(err, UC_FAILED, failure, "'%s'", program);
	if (how == UC_UNREACHABLE)
		uc_fail(err, how, "ssh took too long to look '%s' up", host);
	else if (how == UC_INVALID)
		uc_fail(err, how, "ssh says more than %u bytes about '%s'", OUTPUT_MAX,
			host);
	else if (how != UC_OK || out->failed)
		uc_fail(err, UC_FAILED, "cannot read what ssh says about '%s'", host);
	else if (status != 0 && ask->file && access(ask->file, R_OK) < 0)
		return uc_fail_errno(err, errno == EACCES ? UC_DENIED : UC_NOTFOUND,
				     errno, "ssh's configuration '%s'", ask->file);
	else if (status != 0)
		uc_fail(err, UC_USAGE, "ssh cannot look '%s' up", host);
	else
		return 0;
	return uc_hint(err, "ssh %s%s%s-G '%s' tells why", ask->file ? "-F '" : "",
		       ask->file ? ask->file : "", ask->file ? "' " : "", host);
}

static void keep_text(char **field, const char *value)
{
	free(*field);
	*field = strdup(value);
}

/* File names; ssh leaves a "~" in some. */
static void keep_file(struct uc_strv *list, const char *name, size_t len,
		      const struct uc_ssh_ask *ask)
{
	const char *home = variable(ask, "HOME");

	if (len == 4 && strncmp(name, "none", 4) == 0)
		return;
	if (home && len > 1 && name[0] == '~' && name[1] == '/')
		uc_strv_addf(list, "%s%.*s", home, (int)len - 1, name + 1);
	else
		uc_strv_addn(list, name, len);
}

static void keep_files(struct uc_strv *list, const char *value,
		       const struct uc_ssh_ask *ask)
{
	for (size_t len; *value; value += len + (value[len] == ' ')) {
		len = strcspn(value, " ");
		if (len > 0)
			keep_file(list, value, len, ask);
	}
}

/* What asks for more than is done here, by any value but `plain`; as ssh -G says it. */
static void take_beyond(struct uc_ssh_config *config, const char *key, const char *value)
{
	static const struct {
		const char *key, *name, *plain;
	} keys[] = {
		{ "proxycommand", "ProxyCommand", "none" },
		{ "proxyusefdpass", "ProxyUseFdpass", "no" },
		{ "certificatefile", "CertificateFile", "none" },
		{ "pkcs11provider", "PKCS11Provider", "none" },
		{ "knownhostscommand", "KnownHostsCommand", "none" },
		{ "revokedhostkeys", "RevokedHostKeys", "none" },
		{ "bindaddress", "BindAddress", "none" },
		{ "bindinterface", "BindInterface", "none" },
		{ "preferredauthentications", "PreferredAuthentications", "none" },
		{ "permitlocalcommand", "PermitLocalCommand", "no" },
		{ "nohostauthenticationforlocalhost", "NoHostAuthenticationForLocalhost",
		  "no" },
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!config->beyond && strcmp(key, keys[i].key) == 0 &&
		    strcmp(value, keys[i].plain) != 0)
			keep_text(&config->beyond, keys[i].name);
}

static void take(struct uc_ssh_config *config, const char *key, const char *value,
		 const struct uc_ssh_ask *ask)
{
	const struct {
		const char *key;
		char **text;
		struct uc_strv *file, *files; /* one in a line; several */
	} keys[] = {
		{ "hostname", &config->hostname, NULL, NULL },
		{ "user", &config->user, NULL, NULL },
		{ "hostkeyalias", &config->host_key_alias, NULL, NULL },
		{ "stricthostkeychecking", &config->strict, NULL, NULL },
		{ "identityagent", &config->agent, NULL, NULL },
		{ "proxyjump", &config->proxy_jump, NULL, NULL },
		{ "proxycommand", &config->proxy_command, NULL, NULL },
		{ "controlpath", &config->control_path, NULL, NULL },
		{ "addressfamily", &config->address_family, NULL, NULL },
		{ "kexalgorithms", &config->kex, NULL, NULL },
		{ "ciphers", &config->ciphers, NULL, NULL },
		{ "macs", &config->macs, NULL, NULL },
		{ "hostkeyalgorithms", &config->host_key_algorithms, NULL, NULL },
		{ "hashknownhosts", &config->hash_names, NULL, NULL },
		{ "gssapiauthentication", &config->gssapi, NULL, NULL },
		{ "hostbasedauthentication", &config->host_based, NULL, NULL },
		{ "pubkeyauthentication", &config->public_key, NULL, NULL },
		{ "kbdinteractiveauthentication", &config->keyboard, NULL, NULL },
		{ "passwordauthentication", &config->password, NULL, NULL },
		{ "identityfile", NULL, &config->identities, NULL },
		{ "certificatefile", NULL, &config->certificates, NULL },
		{ "userknownhostsfile", NULL, NULL, &config->user_known },
		{ "globalknownhostsfile", NULL, NULL, &config->global_known },
	};

	take_beyond(config, key, value);
	if (strcmp(key, "port") == 0 && is_port(value))
		config->port = (int)strtol(value, NULL, 10);
	else if (strcmp(key, "identitiesonly") == 0)
		config->identities_only = strcmp(value, "yes") == 0;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(key, keys[i].key) != 0)
			continue;
		if (keys[i].text)
			keep_text(keys[i].text, value);
		else if (keys[i].file)
			keep_file(keys[i].file, value, strlen(value), ask);
		else
			keep_files(keys[i].files, value, ask);
	}
}

static void take_lines(struct uc_ssh_config *config, char *text,
		       const struct uc_ssh_ask *ask)
{
	char *line, *value;

	while ((line = strsep(&text, "\n"))) {
		value = strchr(line, ' ');
		if (!value)
			continue;
		*value++ = '\0';
		take(config, line, value, ask);
	}
}

/* The user who runs this, the port of SSH, the files that ssh would look at. */
static void take_defaults(struct uc_ssh_config *config, const struct destination *to,
			  const struct uc_ssh_ask *ask)
{
	static const char *const lines[][2] = {
		{ "identityfile", "~/.ssh/id_ecdsa" },
		{ "identityfile", "~/.ssh/id_ed25519" },
		{ "userknownhostsfile", "~/.ssh/known_hosts ~/.ssh/known_hosts2" },
		{ "globalknownhostsfile",
		  "/etc/ssh/ssh_known_hosts /etc/ssh/ssh_known_hosts2" },
		{ "stricthostkeychecking", "ask" },
		{ "port", "22" },
	};
	struct passwd record, *found = NULL;
	char names[4096];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
		take(config, lines[i][0], lines[i][1], ask);
	if (to->port.len)
		take(config, "port", to->port.data, ask);
	take(config, "hostname", uc_buf_text(&to->host), ask);
	if (to->user.len)
		take(config, "user", to->user.data, ask);
	else if (getpwuid_r(getuid(), &record, names, sizeof(names), &found) == 0 &&
		 found)
		take(config, "user", record.pw_name, ask);
}

int uc_ssh_config_read(struct uc_ssh_config *config, const char *destination,
		       const struct uc_ssh_ask *ask, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf program = { 0 }, text = { 0 };
	struct destination to = { 0 };
	int rc = 0;

	if (!split(&to, destination)) {
		destination_free(&to);
		return uc_fail(err, UC_USAGE,
			       "'%s' is no destination, expected [USER@]HOST[:PORT]",
			       destination);
	}
	config->from_ssh = uc_program_find(&program, "ssh", variable(ask, "PATH"));
	if (!config->from_ssh)
		take_defaults(config, &to, ask);
	else if ((rc = ask_ssh(uc_buf_text(&program), &to, ask, &text, err)) == 0 &&
		 text.len)
		take_lines(config, text.data, ask);
	destination_free(&to);
	if (rc == 0 && (!config->hostname || !config->user || !config->port))
		return uc_fail(err, UC_INVALID,
			       "'%s' has no host, user or port by ssh -G", destination);
	return rc;
}
