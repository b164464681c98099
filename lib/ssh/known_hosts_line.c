/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* One line of known_hosts: [marker] names type key [comment]. */
#include <openssl/hmac.h>
#include <string.h>

#include "base/base64.h"
#include "ssh/known_hosts.h"

#define SHA1_LEN 20
#define BLANKS   " \t"

/* What a key consists of: strings, the first of which is its type. */
static const struct {
	const char *word; /* in the file */
	const char *type;
	int strings;
	size_t second; /* bytes of the second string, 0 = any */
} kinds[] = {
	{ "ssh-ed25519", "ssh-ed25519", 2, 32 },
	{ "ssh-rsa", "ssh-rsa", 3, 0 },
	{ "rsa-sha2-256", "ssh-rsa", 3, 0 }, /* ssh takes its signatures' names as well */
	{ "rsa-sha2-512", "ssh-rsa", 3, 0 },
	{ "ssh-dss", "ssh-dss", 5, 0 },
	{ "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp256", 3, 8 },
	{ "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp384", 3, 8 },
	{ "ecdsa-sha2-nistp521", "ecdsa-sha2-nistp521", 3, 8 },
	{ "sk-ssh-ed25519@openssh.com", "sk-ssh-ed25519@openssh.com", 3, 32 },
	{ "sk-ecdsa-sha2-nistp256@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com", 4,
	  8 },
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* The next word, made a string; *at is what follows it. */
static char *take_word(char **at)
{
	char *word = *at + strspn(*at, BLANKS);

	*at = word + strcspn(word, BLANKS);
	if (**at)
		*(*at)++ = '\0';
	return word;
}

static bool take_string(const unsigned char **at, size_t *left, size_t *len)
{
	const unsigned char *p = *at;

	if (*left < 4)
		return false;
	*len = (size_t)p[0] << 24 | (size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3];
	if (*len > *left - 4)
		return false;
	*at += 4 + *len;
	*left -= 4 + *len;
	return true;
}

/* Whether the key is of the type it says; of types that came later only that is seen. */
static bool key_is(struct uc_known_line *line, const char *word)
{
	const unsigned char *at = line->key;
	size_t left = line->key_len, len, i = 0;

	while (i < KINDS && strcmp(kinds[i].word, word) != 0)
		i++;
	line->type = i < KINDS ? kinds[i].type : word;
	if (!take_string(&at, &left, &len) || len != strlen(line->type) ||
	    memcmp(line->key + 4, line->type, len) != 0)
		return false;
	if (i == KINDS)
		return true;
	for (int k = 1; k < kinds[i].strings; k++)
		if (!take_string(&at, &left, &len) ||
		    (k == 1 && kinds[i].second && len != kinds[i].second))
			return false;
	return left == 0;
}

/* "|1|salt|hash" into 20 bytes each. */
static bool read_hash(const char *names, unsigned char salt[SHA1_LEN],
		      unsigned char hash[SHA1_LEN])
{
	uc_auto(buf) struct uc_buf text = { 0 }, bytes = { 0 };
	const char *end = strncmp(names, "|1|", 3) == 0 ? strchr(names + 3, '|') : NULL;

	if (!end)
		return false;
	uc_buf_addn(&text, names + 3, (size_t)(end - names - 3));
	if (!uc_base64_decode(&bytes, uc_buf_text(&text)) || bytes.len != SHA1_LEN)
		return false;
	memcpy(salt, bytes.data, SHA1_LEN);
	uc_buf_reset(&bytes);
	if (!uc_base64_decode(&bytes, end + 1) || bytes.len != SHA1_LEN)
		return false;
	memcpy(hash, bytes.data, SHA1_LEN);
	return true;
}

static const char *fault_of_names(const char *names)
{
	unsigned char salt[SHA1_LEN], hash[SHA1_LEN];

	if (*names == '|')
		return read_hash(names, salt, hash) ? NULL : "its hashed name is damaged";
	for (; *names; names += *names == ',') {
		size_t len = strcspn(names, ",");

		if (len > UC_KNOWN_NAME_MAX)
			return "a name in it is too long";
		names += len;
	}
	return NULL;
}

/* The key goes where its base64 stood, which is longer. */
static const char *read_key(struct uc_known_line *line, const char *type, char *text)
{
	uc_auto(buf) struct uc_buf key = { 0 };

	if (!*type)
		return "it has no key";
	if (type[strspn(type, "0123456789")] == '\0')
		return "its key is of SSH 1";
	if (!*text)
		return "it has no key";
	if (!uc_base64_decode(&key, text) || key.len == 0)
		return "its key is not base64";
	memcpy(text, key.data, key.len);
	line->key = (const unsigned char *)text;
	line->key_len = key.len;
	return key_is(line, type) ? NULL : "its key is not of the type it says";
}

static const char *read_marker(struct uc_known_line *line, char **at)
{
	static const char *const markers[] = {
		[UC_KNOWN_AUTHORITY] = "@cert-authority",
		[UC_KNOWN_REVOKED] = "@revoked",
	};
	const char *fault = NULL;
	int count = 0;

	for (*at += strspn(*at, BLANKS); **at == '@'; *at += strspn(*at, BLANKS)) {
		const char *word = take_word(at);

		if (strcmp(word, markers[UC_KNOWN_AUTHORITY]) == 0)
			line->marker = UC_KNOWN_AUTHORITY;
		else if (strcmp(word, markers[UC_KNOWN_REVOKED]) == 0)
			line->marker = UC_KNOWN_REVOKED;
		else
			fault = "its marker is neither @revoked nor @cert-authority";
		if (++count > 1)
			fault = "it has two markers";
	}
	return fault;
}

void uc_known_line_parse(struct uc_known_line *line, char *text, size_t len)
{
	const char *fault = NULL, *of_marker, *type;

	line->type = line->names = "";
	if (len > UC_KNOWN_LINE_MAX)
		fault = "it is longer than 64 KiB";
	else if (memchr(text, '\0', len))
		fault = "it has a NUL byte";
	of_marker = read_marker(line, &text);
	line->names = take_word(&text);
	if (!fault)
		fault = of_marker ? of_marker : fault_of_names(line->names);
	if (!fault) {
		type = take_word(&text);
		fault = read_key(line, type, take_word(&text));
	}
	line->fault = fault;
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* `*` and `?`; goes back to the last asterisk only, which suffices for any pattern. */
static bool pattern_matches(const char *pattern, size_t len, const char *name)
{
	const char *end = pattern + len, *star = NULL, *from = NULL;

	while (*name) {
		if (pattern < end && *pattern == '*') {
			star = ++pattern;
			from = name;
		} else if (pattern < end &&
			   (*pattern == '?' || lower(*pattern) == *name)) {
			pattern++;
			name++;
		} else if (star) {
			pattern = star;
			name = ++from;
		} else {
			return false;
		}
	}
	while (pattern < end && *pattern == '*')
		pattern++;
	return pattern == end;
}

static int hash_matches(const char *names, const char *name)
{
	unsigned char salt[SHA1_LEN], hash[SHA1_LEN], made[EVP_MAX_MD_SIZE];
	unsigned made_len = 0;

	if (!read_hash(names, salt, hash))
		return 0;
	if (!HMAC(EVP_sha1(), salt, SHA1_LEN, (const unsigned char *)name, strlen(name),
		  made, &made_len) ||
	    made_len != SHA1_LEN)
		return -1;
	return memcmp(made, hash, SHA1_LEN) == 0;
}

int uc_known_line_names(const struct uc_known_line *line, const char *name)
{
	const char *at = line->names;
	bool found = false;

	if (*at == '|')
		return hash_matches(at, name);
	while (*at) {
		bool negated = *at == '!';
		size_t len = strcspn(at += negated, ",");

		if (pattern_matches(at, len, name)) {
			if (negated)
				return 0;
			found = true;
		}
		at += len;
		at += *at == ',';
	}
	return found;
}
