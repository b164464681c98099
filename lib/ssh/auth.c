/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "ssh/auth.h"

#include <errno.h>
#include <string.h>
#include <ucluster/units.h>

#define KEYS_MAX     6 /* offered; sshd's MaxAuthTries */
#define PROMPTS_MAX  8
#define PROMPT_BYTES 1024
#define ANSWER_BYTES 1024
#define TRIES        3 /* of what the user types */

int uc_link_fail(const struct uc_link *link, const char *name, const char *what,
		 struct uc_error *err)
{
	char *text = NULL;

	if (link->failure == ETIMEDOUT || uc_monotonic_ms() >= link->deadline)
		return uc_fail(err, UC_UNREACHABLE, "'%s' took too long while %s", name,
			       what);
	if (link->failure == EMSGSIZE)
		return uc_fail(err, UC_UNREACHABLE, "'%s' sent too much while %s", name,
			       what);
	if (link->failure)
		return uc_fail_errno(err, UC_UNREACHABLE, link->failure,
				     "connection to '%s' lost while %s", name, what);
	if ((link->ended && !link->in_len) ||
	    libssh2_session_last_errno(link->session) == LIBSSH2_ERROR_SOCKET_DISCONNECT)
		return uc_fail(err, UC_UNREACHABLE, "'%s' closed the connection while %s",
			       name, what);
	(void)libssh2_session_last_error(link->session, &text, NULL, 0);
	return uc_fail(err, UC_UNREACHABLE,
		       "'%s' does not speak as expected while %s: %s", name, what,
		       text && *text ? text : "no reason known");
}

/* One of the server's words, each line with the host in front: nobody else says it. */
static void add_foreign(struct uc_buf *out, const struct uc_auth *auth, const char *text,
			size_t len)
{
	if (len > PROMPT_BYTES)
		len = PROMPT_BYTES;
	while (len) {
		const char *newline = memchr(text, '\n', len);
		size_t size = newline ? (size_t)(newline - text) : len;

		if (size && text[size - 1] == '\r')
			size--;
		if (size) {
			uc_buf_add(out, out->len ? "\n" : "");
			uc_buf_safe(out, uc_raw(auth->name), 0);
			uc_buf_add(out, " asks: ");
			uc_buf_safen(out, text, size, 0);
		}
		if (!newline)
			break;
		len -= (size_t)(newline + 1 - text);
		text = newline + 1;
	}
}

/* The user's thinking takes nothing from the time to connect. */
static bool ask(struct uc_auth *auth, const char *text, bool echo, struct uc_buf *answer)
{
	const struct uc_ssh_asker *asker = auth->asker;
	int64_t began = uc_monotonic_ms();
	int rc;

	if (!asker || !asker->secret)
		return false;
	rc = asker->secret(asker->arg, text, echo, answer);
	if (auth->link->deadline != INT64_MAX)
		auth->link->deadline += uc_monotonic_ms() - began;
	auth->gave_up = rc != 0;
	return rc == 0 && !answer->failed && answer->len <= ANSWER_BYTES;
}

static void wipe(struct uc_buf *secret)
{
	if (secret->data)
		explicit_bzero(secret->data, secret->cap);
	uc_buf_free(secret);
}

struct signing {
	struct uc_auth *auth;
	const struct uc_agent_key *key; /* NULL: the server is only asked whether it would
					   take the key */
	bool wanted;
};

static LIBSSH2_USERAUTH_PUBLICKEY_SIGN_FUNC(sign)
{
	struct signing *signing = *abstract;
	uc_auto(buf) struct uc_buf made = { 0 };

	(void)session;
	signing->wanted = true;
	if (!signing->key || !uc_agent_sign(&signing->auth->keys->agent, signing->key,
					    data, data_len, &made))
		return -1;
	*sig = uc_link_alloc(signing->auth->link, made.len);
	if (!*sig)
		return -1;
	memcpy(*sig, made.data, made.len);
	*sig_len = made.len;
	return 0;
}

static int offer(struct uc_auth *auth, struct signing *signing, const void *blob,
		 size_t len)
{
	void *arg = signing;
	int rc;

	UC_DRIVE(auth->link, rc,
		 libssh2_userauth_publickey(auth->link->session, auth->config->user, blob,
					    len, sign, &arg));
	return rc;
}

static int log_in_by_file(struct uc_auth *auth, const struct uc_identity *file,
			  const char *passphrase)
{
	const char *user = auth->config->user;
	int rc;

	UC_DRIVE(auth->link, rc,
		 libssh2_userauth_publickey_frommemory(
			 auth->link->session, user, strlen(user), NULL, 0,
			 file->text.data, file->text.len, passphrase));
	return rc;
}

/* Not only this way to log in failed. */
static bool broken(const struct uc_auth *auth)
{
	int rc = libssh2_session_last_errno(auth->link->session);

	return auth->link->ended || auth->link->failure ||
	       uc_monotonic_ms() >= auth->link->deadline ||
	       rc == LIBSSH2_ERROR_SOCKET_DISCONNECT || rc == LIBSSH2_ERROR_SOCKET_RECV ||
	       rc == LIBSSH2_ERROR_INVALID_MAC || rc == LIBSSH2_ERROR_DECRYPT;
}

/* Ask for the passphrase only when the server would take the key. */
static int try_encrypted(struct uc_auth *auth, const struct uc_identity *file)
{
	struct signing signing = { auth, NULL, false };
	uc_auto(buf) struct uc_buf text = { 0 };
	int rc = LIBSSH2_ERROR_AUTHENTICATION_FAILED;

	if (!auth->asker || !auth->asker->secret)
		return rc;
	if (file->blob.len) {
		rc = offer(auth, &signing, file->blob.data, file->blob.len);
		if (!signing.wanted)
			return rc;
	}
	uc_buf_add(&text, "Passphrase of the key '");
	uc_buf_safe(&text, uc_raw(file->path), 0);
	uc_buf_add(&text, "': ");
	for (int i = 0; i < TRIES; i++) {
		struct uc_buf answer = { 0 };

		if (!ask(auth, uc_buf_text(&text), false, &answer)) {
			wipe(&answer);
			break;
		}
		rc = log_in_by_file(auth, file, uc_buf_text(&answer));
		wipe(&answer);
		if (rc == 0 || broken(auth))
			break;
	}
	return rc;
}

static bool in_agent(const struct uc_auth *auth, const struct uc_identity *file)
{
	const struct uc_agent *agent = &auth->keys->agent;

	for (size_t i = 0; i < agent->count; i++)
		if (agent->key[i].len == file->blob.len &&
		    memcmp(agent->key[i].blob, file->blob.data, file->blob.len) == 0)
			return true;
	return false;
}

/* 0 when one of them is let in. */
static int try_keys(struct uc_auth *auth)
{
	struct uc_keys *keys = auth->keys;
	int tries = 0, rc = -1;

	for (size_t i = 0; rc != 0 && i < keys->agent.count && tries < KEYS_MAX; i++) {
		const struct uc_agent_key *key = &keys->agent.key[i];
		struct signing signing = { auth, key, false };

		tries++;
		rc = offer(auth, &signing, key->blob, key->len);
		if (broken(auth))
			return rc;
	}
	for (size_t i = 0; rc != 0 && i < keys->files && tries < KEYS_MAX; i++) {
		const struct uc_identity *file = &keys->file[i];

		if (file->beyond || !file->text.len || in_agent(auth, file))
			continue;
		tries++;
		rc = file->encrypted ? try_encrypted(auth, file)
				     : log_in_by_file(auth, file, "");
		if (broken(auth) || auth->gave_up)
			return rc;
	}
	return rc;
}

/* What the server takes yet; borrowed. NULL: it broke, or asks for nothing more. */
static const char *methods(struct uc_auth *auth)
{
	const char *user = auth->config->user, *list;

	do
		list = libssh2_userauth_list(auth->link->session, user,
					     (unsigned)strlen(user));
	while (!list &&
	       libssh2_session_last_errno(auth->link->session) == LIBSSH2_ERROR_EAGAIN &&
	       uc_link_wait(auth->link));
	return list;
}

static bool offers(const char *list, const char *method)
{
	size_t len = strlen(method);

	for (const char *at = list; at; at = strchr(at, ',')) {
		at += *at == ',';
		if (strncmp(at, method, len) == 0 && (!at[len] || at[len] == ','))
			return true;
	}
	return false;
}

static bool allowed(const char *setting)
{
	return !setting || strcmp(setting, "no") != 0;
}

static void answer_one(struct uc_auth *auth, const struct uc_buf *text, bool echo,
		       LIBSSH2_USERAUTH_KBDINT_RESPONSE *response)
{
	struct uc_buf answer = { 0 };

	if (ask(auth, uc_buf_text(text), echo, &answer))
		response->text = uc_link_alloc(auth->link, answer.len + 1);
	if (response->text) {
		memcpy(response->text, uc_buf_text(&answer), answer.len + 1);
		response->length = (unsigned)answer.len;
	} else {
		auth->refused = true;
	}
	wipe(&answer);
}

static LIBSSH2_USERAUTH_KBDINT_RESPONSE_FUNC(answer_all)
{
	struct uc_link *link = uc_link_of(abstract);
	struct uc_auth *auth = link->owner;

	for (int i = 0; i < num_prompts && !auth->refused; i++) {
		uc_auto(buf) struct uc_buf text = { 0 };

		if (num_prompts > PROMPTS_MAX || auth->prompts++ >= TRIES * PROMPTS_MAX ||
		    prompts[i].length > PROMPT_BYTES) {
			auth->refused = true;
			break;
		}
		if (i == 0 && name_len > 0)
			add_foreign(&text, auth, name, (size_t)name_len);
		if (i == 0 && instruction_len > 0)
			add_foreign(&text, auth, instruction, (size_t)instruction_len);
		add_foreign(&text, auth, prompts[i].text, prompts[i].length);
		answer_one(auth, &text, prompts[i].echo != 0, &responses[i]);
	}
	if (auth->refused)
		link->failure = ECONNABORTED; /* nothing is answered */
}

static int try_interactive(struct uc_auth *auth)
{
	const char *user = auth->config->user;
	int rc = -1;

	auth->link->owner = auth;
	for (int i = 0; i < TRIES && rc != 0 && !broken(auth); i++)
		UC_DRIVE(auth->link, rc,
			 libssh2_userauth_keyboard_interactive_ex(
				 auth->link->session, user, (unsigned)strlen(user),
				 answer_all));
	return rc;
}

static int try_password(struct uc_auth *auth)
{
	const char *user = auth->config->user;
	uc_auto(buf) struct uc_buf text = { 0 };
	int rc = -1;

	uc_buf_add(&text, "Password of ");
	uc_buf_safe(&text, uc_raw(user), 0);
	uc_buf_addc(&text, '@');
	uc_buf_safe(&text, uc_raw(auth->name), 0);
	uc_buf_add(&text, ": ");
	for (int i = 0; i < TRIES && rc != 0 && !broken(auth); i++) {
		struct uc_buf answer = { 0 };

		if (!ask(auth, uc_buf_text(&text), false, &answer)) {
			wipe(&answer);
			break;
		}
		UC_DRIVE(auth->link, rc,
			 libssh2_userauth_password_ex(
				 auth->link->session, user, (unsigned)strlen(user),
				 uc_buf_text(&answer), (unsigned)answer.len, NULL));
		wipe(&answer);
		if (rc == LIBSSH2_ERROR_PASSWORD_EXPIRED)
			break;
	}
	return rc;
}

/* What ssh could do besides, by what the server takes. */
static void note_beyond(struct uc_auth *auth, const char *list)
{
	const struct uc_ssh_config *config = auth->config;

	if (auth->keys->beyond.len && offers(list, "publickey"))
		uc_buf_add(&auth->beyond, uc_buf_text(&auth->keys->beyond));
	else if (offers(list, "gssapi-with-mic") && config->gssapi &&
		 strcmp(config->gssapi, "yes") == 0)
		uc_buf_add(&auth->beyond, "GSSAPI, which the host takes,");
	else if (offers(list, "hostbased") && config->host_based &&
		 strcmp(config->host_based, "yes") == 0)
		uc_buf_add(&auth->beyond, "HostbasedAuthentication");
}

static int refuse(struct uc_auth *auth, const char *list, struct uc_error *err)
{
	const char *user = auth->config->user;

	if (auth->refused && !auth->gave_up && auth->asker && auth->asker->secret)
		return uc_fail(err, UC_DENIED,
			       "'%s' asks more than %d questions of %d bytes", auth->name,
			       PROMPTS_MAX, PROMPT_BYTES);
	if (auth->gave_up)
		return uc_fail(err, UC_DENIED, "login to '%s' was given up", auth->name);
	if (broken(auth))
		return uc_link_fail(auth->link, auth->name, "logging in", err);
	uc_fail(err, UC_DENIED, "'%s' does not let '%s' in; it takes %s", auth->name,
		user, list && *list ? list : "nothing");
	if (auth->beyond.len)
		uc_hint(err,
			"%s cannot be used by libssh2 1.10; use --transport ssh or an "
			"Ed25519 key",
			uc_buf_text(&auth->beyond));
	else if (!auth->keys->usable)
		uc_hint(err, "there is no key: see ssh-keygen -t ed25519, ssh-copy-id");
	return -1;
}

/* After the keys: what the user is asked for. */
static int try_questions(struct uc_auth *auth, const char *list)
{
	uc_auto(buf) struct uc_buf kept = { 0 };
	int rc = -1;

	if (!auth->asker || !auth->asker->secret)
		return -1;
	uc_buf_add(&kept, list); /* libssh2 makes a new one at any time */
	list = uc_buf_text(&kept);
	if (allowed(auth->config->keyboard) && offers(list, "keyboard-interactive"))
		rc = try_interactive(auth);
	if (rc != 0 && !auth->gave_up && !broken(auth) &&
	    allowed(auth->config->password) && offers(list, "password"))
		rc = try_password(auth);
	return rc;
}

int uc_auth_run(struct uc_auth *auth, struct uc_error *err)
{
	LIBSSH2_SESSION *session = auth->link->session;
	uc_auto(buf) struct uc_buf kept = { 0 };
	const char *list;
	int rc = -1;

	if (allowed(auth->config->public_key) && auth->keys->usable)
		rc = try_keys(auth);
	if (rc == 0 || libssh2_userauth_authenticated(session))
		return 0;
	if (broken(auth) || auth->gave_up)
		return refuse(auth, NULL, err);
	list = methods(auth);
	if (!list && libssh2_userauth_authenticated(session))
		return 0;
	uc_buf_add(&kept, list ? list : "");
	note_beyond(auth, uc_buf_text(&kept));
	if (broken(auth) || (auth->may_leave && auth->beyond.len))
		return refuse(auth, uc_buf_text(&kept), err);
	rc = try_questions(auth, uc_buf_text(&kept));
	if (rc == 0 || libssh2_userauth_authenticated(session))
		return 0;
	return refuse(auth, uc_buf_text(&kept), err);
}
