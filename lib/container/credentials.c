/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * enroot's credentials file: netrc, as curl reads it, but enroot itself looks for
 * "machine HOST login USER password SECRET" on one line, with awk and grep. What people
 * wrote in other forms is theirs and stays as it is.
 */
#include <ucluster/import.h>

#include <ctype.h>
#include <string.h>

/* --- which hosts --- */

static const struct {
	const char *registry;
	const char *hosts[3];
	const char *login; /* the same for everybody; or NULL */
} known[] = {
	{ "nvcr.io", { "nvcr.io", "authn.nvidia.com" }, "$oauthtoken" },
	/* enroot looks for the first, curl is sent to the second for a token */
	{ "docker.io", { "registry-1.docker.io", "auth.docker.io" }, NULL },
	{ "registry.gitlab.com", { "registry.gitlab.com", "gitlab.com" }, NULL },
};

static bool is_known(size_t i, const char *registry)
{
	if (strcmp(known[i].registry, registry) == 0)
		return true;
	for (const char *const *host = known[i].hosts; *host; host++)
		if (strcmp(*host, registry) == 0)
			return true;
	return false;
}

const char *uc_registry_login(const char *registry)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (is_known(i, registry))
			return known[i].login;
	return NULL;
}

int uc_registry_hosts(const char *registry, struct uc_strv *hosts, struct uc_error *err)
{
	const size_t host = strcspn(registry, ":");
	const char *port = registry + host;

	if (host == 0 || !isalnum((unsigned char)registry[0]) ||
	    strspn(registry, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "0123456789.-") != host ||
	    (*port && (!port[1] || port[1 + strspn(port + 1, "0123456789")]))) {
		uc_fail(err, UC_USAGE, "'%s' is no registry's name", registry);
		return uc_hint(err, "for example nvcr.io, docker.io, ghcr.io");
	}
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (is_known(i, registry))
			for (const char *const *h = known[i].hosts; *h; h++)
				uc_strv_add(hosts, *h);
	if (hosts->count == 0)
		uc_strv_addn(hosts, registry, host);
	return hosts->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

/* --- the file --- */

struct word {
	const char *at;
	size_t len;
	bool first; /* of its line */
};

struct reader {
	const char *at, *end;
};

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next word; quoted ones ("a \" b") with their quotes. */
static bool next_word(struct reader *r, const char *begin, struct word *out)
{
	bool first = r->at == begin;

	while (r->at < r->end && is_blank(*r->at))
		first |= *r->at++ == '\n';
	if (r->at == r->end)
		return false;
	*out = (struct word){ .at = r->at, .first = first };
	if (*r->at == '"') {
		for (r->at++; r->at < r->end && *r->at != '"' && *r->at != '\n'; r->at++)
			r->at += *r->at == '\\' && r->at + 1 < r->end;
		r->at += r->at < r->end && *r->at == '"';
	}
	while (r->at < r->end && !is_blank(*r->at))
		r->at++;
	out->len = (size_t)(r->at - out->at);
	return true;
}

static bool is_word(const struct word *w, const char *text)
{
	return w->len == strlen(text) && memcmp(w->at, text, w->len) == 0;
}

static void skip_line(struct reader *r)
{
	while (r->at < r->end && *r->at != '\n')
		r->at++;
}

/* A macro's text ends with an empty line. */
static void skip_macro(struct reader *r)
{
	do {
		skip_line(r);
		r->at += r->at < r->end;
	} while (r->at < r->end && *r->at != '\n');
}

struct entry {
	const char *begin, *end; /* "machine" to the last word */
	struct word host, login;
};

/* The next entry of a machine, from where the reader is. */
static bool next_entry(struct reader *r, const char *begin, struct entry *out)
{
	static const char *const begins[] = { "machine", "default", "macdef", NULL };
	struct reader ahead = *r;
	struct word w, value;
	bool inside = false;

	*out = (struct entry){ 0 };
	while (next_word(&ahead, begin, &w)) {
		bool beginning = false;

		for (const char *const *b = begins; *b; b++)
			beginning |= is_word(&w, *b);
		if (inside && beginning)
			return true;
		*r = ahead;
		if (w.first && w.at[0] == '#') {
			skip_line(&ahead);
			*r = ahead;
			continue;
		}
		if (is_word(&w, "macdef")) {
			skip_macro(&ahead);
			*r = ahead;
		} else if (is_word(&w, "machine") && next_word(&ahead, begin, &value)) {
			inside = true;
			out->begin = w.at;
			out->host = value;
			out->end = value.at + value.len;
			*r = ahead;
		} else if (inside && next_word(&ahead, begin, &value)) {
			if (is_word(&w, "login"))
				out->login = value;
			out->end = value.at + value.len;
			*r = ahead;
		} else if (inside) {
			out->end = w.at + w.len;
		}
	}
	*r = ahead;
	return inside;
}

/* The whole line when nothing else is on it. */
static void widen(struct entry *e, const char *begin, const char *end)
{
	const char *from = e->begin, *to = e->end;

	while (from > begin && (from[-1] == ' ' || from[-1] == '\t'))
		from--;
	while (to < end && is_blank(*to) && *to != '\n')
		to++;
	if ((from > begin && from[-1] != '\n') || (to < end && *to != '\n'))
		return;
	e->begin = from;
	e->end = to + (to < end);
}

static int check_word(const char *what, const char *word, struct uc_error *err)
{
	for (const char *c = word; *c; c++)
		if (isspace((unsigned char)*c) || iscntrl((unsigned char)*c))
			return uc_fail(err, UC_USAGE,
				       "the %s has blanks or control characters in it",
				       what);
	if (!word[0])
		return uc_fail(err, UC_USAGE, "the %s is empty", what);
	if (word[0] == '"')
		return uc_fail(err, UC_USAGE, "the %s begins with a quotation mark",
			       what);
	return 0;
}

static int check(const struct uc_credential *entry, struct uc_error *err)
{
	if (!entry->password)
		return 0;
	if (check_word("login", entry->login, err) < 0 ||
	    check_word("password", entry->password, err) < 0)
		return -1;
	/* grep takes it for a pattern */
	if (entry->login[strcspn(entry->login, "\\*[]^")])
		return uc_fail(err, UC_USAGE,
			       "enroot cannot find a login with '%c' in it",
			       entry->login[strcspn(entry->login, "\\*[]^")]);
	if (entry->password[0] == '$') {
		uc_fail(err, UC_USAGE,
			"the password begins with '$': enroot would run it as a command");
		return uc_hint(err, "let the registry make another one");
	}
	return 0;
}

static void add_entry(struct uc_buf *out, const struct uc_credential *entry)
{
	if (out->len > 0 && out->data[out->len - 1] != '\n')
		uc_buf_addc(out, '\n');
	uc_buf_addf(out, "machine %s login %s password %s\n", entry->host, entry->login,
		    entry->password);
}

static bool is_of(const struct entry *e, const struct uc_credential *entry)
{
	return !entry->login || (e->login.at && is_word(&e->login, entry->login));
}

int uc_credentials_edit(const char *bytes, size_t len, const struct uc_credential *entry,
			struct uc_buf *out, size_t *found, struct uc_error *err)
{
	const char *from = len > 0 ? bytes : ""; /* of nothing there is no address */
	struct reader r = { from, from + len };
	const char *kept = from;
	bool put = !entry->password;
	struct entry e;

	*found = 0;
	if (len > 0 && memchr(bytes, '\0', len))
		return uc_fail(err, UC_INVALID, "there is a NUL byte in it");
	if (check(entry, err) < 0)
		return -1;
	while (next_entry(&r, from, &e)) {
		if (!is_word(&e.host, entry->host))
			continue;
		widen(&e, from, from + len);
		if (!put) {
			uc_buf_addn(out, kept, (size_t)(e.begin - kept));
			kept = e.begin;
			add_entry(out, entry);
			put = true;
		}
		if (!is_of(&e, entry))
			continue;
		++*found;
		uc_buf_addn(out, kept, (size_t)(e.begin - kept));
		kept = e.end;
	}
	if (kept < from + len)
		uc_buf_addn(out, kept, (size_t)(from + len - kept));
	if (!put)
		add_entry(out, entry);
	return out->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}
