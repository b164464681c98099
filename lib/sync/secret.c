/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "sync/secret.h"

#include <ctype.h>
#include <fcntl.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static const char private_key[] = "a private key", password[] = "passwords",
		  token[] = "an access token", store[] = "a store of keys",
		  settings[] = "settings with secrets";

/*
 * The first that matches decides. At most one star; a pattern with a slash holds for the
 * last two components, others for the last.
 */
static const struct {
	const char *pattern, *what; /* what: NULL = harmless */
} names[] = {
	{ "*.example", NULL },
	{ "*.sample", NULL },
	{ "*.template", NULL },
	{ "*.dist", NULL },
	{ "*.pub", NULL },
	{ ".env", settings },
	{ ".env.*", settings },
	{ ".env-*", settings },
	{ ".env_*", settings },
	{ ".envrc", settings },
	{ "id_rsa*", private_key },
	{ "id_dsa*", private_key },
	{ "id_ecdsa*", private_key },
	{ "id_ed25519*", private_key },
	{ "cacert.pem", NULL },
	{ "ca-bundle*.pem", NULL },
	{ "public*.pem", NULL },
	{ "*public.pem", NULL },
	{ "*public_key.pem", NULL },
	{ "*pub.pem", NULL },
	{ "*.pem", private_key },
	{ "*.ppk", private_key },
	{ "*.p12", store },
	{ "*.pfx", store },
	{ "*.jks", store },
	{ "*.keystore", store },
	{ "*.kdbx", store },
	{ "*.kdb", store },
	{ "private-keys-v1.d/*", private_key },
	{ "munge.key", private_key },
	{ ".netrc", password },
	{ "_netrc", password },
	{ ".pgpass", password },
	{ ".my.cnf", password },
	{ ".htpasswd", password },
	{ ".git-credentials", password },
	{ ".pypirc", password },
	{ ".vault-token", token },
	{ ".aws/credentials", token },
	{ ".docker/config.json", password },
	{ ".kube/config", token },
	{ ".streamlit/secrets.toml", settings },
	{ "gh/hosts.yml", token },
	{ "huggingface/token", token },
	{ "huggingface/stored_tokens", token },
	{ "gcloud/credentials.db", token },
	{ "gcloud/access_tokens.db", token },
	{ "enroot/.credentials", password },
	{ "rclone/rclone.conf", password },
	{ "application_default_credentials.json", token },
	{ "kaggle.json", token },
	{ "client_secret*.json", token },
	{ "*credentials.json", token },
	{ "credentials", password },
	{ "credentials.csv", token },
};

static bool matches(const char *pattern, const char *name, size_t len)
{
	const char *star = strchr(pattern, '*');
	size_t all = strlen(pattern), before = star ? (size_t)(star - pattern) : all;
	size_t after = star ? all - before - 1 : 0;

	if (star ? len < before + after : len != all)
		return false;
	return strncasecmp(name, pattern, before) == 0 &&
	       strncasecmp(name + len - after, pattern + all - after, after) == 0;
}

const char *uc_sync_secret_name(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
	const char *two = slash ? memrchr(path, '/', (size_t)(slash - path)) : NULL;
	size_t len = strlen(name);

	two = two ? two + 1 : path;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		bool folder = strchr(names[i].pattern, '/') != NULL;
		const char *seen = folder ? two : name;

		if (matches(names[i].pattern, seen, folder ? strlen(two) : len))
			return names[i].what;
	}
	return NULL;
}

/* What is looked at; `at` moves on. */
struct view {
	const char *at, *end;
};

static bool starts(const struct view *view, const char *text)
{
	size_t len = strlen(text);

	return (size_t)(view->end - view->at) >= len && memcmp(view->at, text, len) == 0;
}

static bool is_base64(char c)
{
	return isalnum((unsigned char)c) || c == '+' || c == '/';
}

/* Ends of lines, also as "\n" in JSON, quotes and indentation. */
static void skip_breaks(struct view *view)
{
	while (view->at < view->end) {
		if (starts(view, "\\n") || starts(view, "\\r"))
			view->at += 2;
		else if (strchr(" \t\r\n\"'+,", *view->at) && *view->at)
			view->at++;
		else
			return;
	}
}

/* Something that is a key's body and not "..." or source code goes on. */
static bool is_body(struct view view)
{
	static const char *const heads[] = { "Proc-Type:", "DEK-Info:", "Version:",
					     "Comment:" };
	size_t letters = 0;

	skip_breaks(&view);
	for (size_t i = 0; i < ARRAY_SIZE(heads); i++)
		if (starts(&view, heads[i]))
			return true;
	while (view.at < view.end && is_base64(*view.at))
		view.at++, letters++;
	return letters >= 16;
}

/* A block that begins at `view`. */
static bool is_key(struct view view)
{
	static const char begin[] = "-----BEGIN ", word[] = "PRIVATE KEY",
			  dashes[] = "-----";
	const char *label;

	if (!starts(&view, begin))
		return false;
	label = view.at += sizeof(begin) - 1;
	while (view.at < view.end &&
	       (isupper((unsigned char)*view.at) || isdigit((unsigned char)*view.at) ||
		*view.at == ' '))
		view.at++;
	if (!memmem(label, (size_t)(view.at - label), word, sizeof(word) - 1) ||
	    !starts(&view, dashes))
		return false;
	view.at += sizeof(dashes) - 1;
	return is_body(view);
}

/* Prefixes, what follows them, how much of it at least and at most. */
static const struct {
	const char *prefix, *what;
	enum {
		ANY,
		LETTERS,
		CAPITALS
	} letters; /* ANY: also "_" and "-" */
	size_t least, most;
} tokens[] = {
	{ "ghp_", "an access token of GitHub", LETTERS, 36, 255 },
	{ "gho_", "an access token of GitHub", LETTERS, 36, 255 },
	{ "ghu_", "an access token of GitHub", LETTERS, 36, 255 },
	{ "ghs_", "an access token of GitHub", LETTERS, 36, 255 },
	{ "ghr_", "an access token of GitHub", LETTERS, 36, 255 },
	{ "github_pat_", "an access token of GitHub", ANY, 36, 255 },
	{ "glpat-", "an access token of GitLab", ANY, 20, 255 },
	{ "hf_", "an access token of Hugging Face", LETTERS, 30, 64 },
	{ "sk-ant-", "an access token of Anthropic", ANY, 32, 255 },
	{ "sk-proj-", "an access token of OpenAI", ANY, 32, 255 },
	{ "sk-", "an access token of OpenAI", LETTERS, 48, 64 },
	{ "AKIA", "an access key of AWS", CAPITALS, 16, 16 },
	{ "ASIA", "an access key of AWS", CAPITALS, 16, 16 },
	{ "AIza", "an access key of Google", ANY, 35, 35 },
	{ "xoxb-", "an access token of Slack", ANY, 24, 255 },
	{ "xoxp-", "an access token of Slack", ANY, 24, 255 },
	{ "npm_", "an access token of npm", LETTERS, 36, 36 },
	{ "pypi-AgEIcHlwaS5vcmc", "an access token of PyPI", ANY, 32, 1024 },
	{ "dckr_pat_", "an access token of Docker", ANY, 24, 64 },
	{ "nvapi-", "an access key of NVIDIA", ANY, 60, 128 },
};

static bool belongs(char c, int letters)
{
	if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z'))
		return true;
	if (letters != CAPITALS && c >= 'a' && c <= 'z')
		return true;
	return letters == ANY && (c == '_' || c == '-');
}

/* Drawn by lot, not typed to show what a token looks like: "xxxx", "EXAMPLE". */
static bool is_random(const char *text, size_t len)
{
	bool seen[256] = { false };
	size_t distinct = 0, digits = 0;

	for (size_t i = 0; i < len; i++) {
		distinct += !seen[(unsigned char)text[i]];
		seen[(unsigned char)text[i]] = true;
		digits += isdigit((unsigned char)text[i]) != 0;
	}
	return distinct >= 8 && digits > 0 && !memmem(text, len, "EXAMPLE", 7) &&
	       !memmem(text, len, "example", 7) && !memmem(text, len, "xxxx", 4) &&
	       !memmem(text, len, "XXXX", 4);
}

/* The first letters of those prefixes: most words of a file are none. */
static bool may_begin(char c)
{
	switch (c) {
	case 'A':
	case 'd':
	case 'g':
	case 'h':
	case 'n':
	case 'p':
	case 's':
	case 'x':
		return true;
	default:
		return false;
	}
}

static const char *find_token(struct view view)
{
	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		size_t len = 0;
		const char *rest;

		if (tokens[i].prefix[0] != *view.at || !starts(&view, tokens[i].prefix))
			continue;
		rest = view.at + strlen(tokens[i].prefix);
		while (rest + len < view.end && belongs(rest[len], tokens[i].letters))
			len++;
		if (len >= tokens[i].least && len <= tokens[i].most &&
		    is_random(rest, len))
			return tokens[i].what;
	}
	return NULL;
}

const char *uc_sync_secret_text(const char *bytes, size_t len)
{
	struct view view = { bytes, bytes + len };
	bool inside = false; /* a word */

	if (len == 0 || memchr(bytes, '\0', len))
		return NULL;
	for (; view.at < view.end; view.at++) {
		const char *what = NULL;

		if (*view.at == '-' && is_key(view))
			return private_key;
		if (!inside && may_begin(*view.at))
			what = find_token(view);
		if (what)
			return what;
		inside = belongs(*view.at, LETTERS) || *view.at == '_';
	}
	return NULL;
}

/* How the file begins; the bytes read, or -1. */
static ssize_t read_start(int folder, const char *name, char *bytes, size_t size)
{
	int fd = openat(folder, name,
			O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	ssize_t got = -1;
	struct stat st;

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		got = pread(fd, bytes, size, 0);
	close(fd);
	return got;
}

/* PEM files hold certificates as well: harmless when all of it was seen. */
static bool is_certificate(const char *path, const char *bytes, size_t len)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	return len < UC_SYNC_SECRET_LOOK && matches("*.pem", name, strlen(name)) &&
	       memmem(bytes, len, "-----BEGIN ", 11) &&
	       !memmem(bytes, len, "PRIVATE KEY", 11);
}

const char *uc_sync_secret_look(int folder, const struct uc_sync_entry *entry)
{
	const char *slash = strrchr(entry->path, '/');
	const char *what, *text;
	char bytes[UC_SYNC_SECRET_LOOK];
	ssize_t len;

	if (entry->kind != UC_SYNC_FILE)
		return NULL;
	what = uc_sync_secret_name(entry->path);
	if (entry->size > UC_SYNC_SECRET_MAX || entry->size == 0)
		return what;
	len = read_start(folder, slash ? slash + 1 : entry->path, bytes, sizeof(bytes));
	if (len < 0)
		return what;
	text = uc_sync_secret_text(bytes, (size_t)len);
	if (text)
		return text;
	return is_certificate(entry->path, bytes, (size_t)len) ? NULL : what;
}
