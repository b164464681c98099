/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "ssh/known_hosts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"

#define SSH_PORT 22

void uc_known_hosts_free(struct uc_known_hosts *known)
{
	uc_arena_free(known->arena);
	free(known->line);
	memset(known, 0, sizeof(*known));
}

static bool grow(struct uc_known_hosts *known)
{
	size_t cap = known->cap ? known->cap * 2 : 64;
	struct uc_known_line *line;

	if (!known->arena)
		known->arena = uc_arena_new();
	if (!known->arena || known->count < known->cap)
		return known->arena;
	line = realloc(known->line, cap * sizeof(*line));
	if (!line)
		return false;
	known->line = line;
	known->cap = cap;
	return true;
}

static bool says_nothing(const char *text, size_t len)
{
	size_t blank = 0;

	while (blank < len && (text[blank] == ' ' || text[blank] == '\t'))
		blank++;
	return blank == len || text[blank] == '#';
}

int uc_known_hosts_parse(struct uc_known_hosts *known, const char *path, const char *text,
			 size_t len, struct uc_error *err)
{
	const char *kept_path, *end = text + len, *next;
	int number = 0;

	if (!grow(known))
		return uc_fail(err, UC_FAILED, "out of memory");
	kept_path = uc_arena_strdup(known->arena, path);
	for (const char *at = text; at < end; at = next) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t size = (size_t)((newline ? newline : end) - at);
		struct uc_known_line line = { .path = kept_path, .line = ++number };
		char *copy;

		next = newline ? newline + 1 : end;
		if (size > 0 && at[size - 1] == '\r')
			size--;
		if (says_nothing(at, size))
			continue;
		copy = grow(known) ? uc_arena_alloc(known->arena, size + 1) : NULL;
		if (!copy)
			return uc_fail(err, UC_FAILED, "out of memory");
		memcpy(copy, at, size);
		uc_known_line_parse(&line, copy, size);
		known->line[known->count++] = line;
	}
	return uc_arena_failed(known->arena) ? uc_fail(err, UC_FAILED, "out of memory")
					     : 0;
}

int uc_known_hosts_read(struct uc_known_hosts *known, const char *path,
			struct uc_error *err)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	struct uc_error why = { 0 };

	if (strcmp(path, "/dev/null") == 0) /* a usual way to say "none" */
		return 0;
	if (uc_file_read(path, UC_KNOWN_FILE_MAX, &text, &why) == 0)
		return uc_known_hosts_parse(known, path, uc_buf_text(&text), text.len,
					    err);
	if (why.code == UC_NOTFOUND)
		return 0;
	if (err)
		*err = why;
	return -1;
}

/* The name in lower case, with the port unless that is 0. */
static bool make_name(char name[UC_KNOWN_NAME_MAX + 1], const char *host, int port)
{
	const size_t size = UC_KNOWN_NAME_MAX + 1;
	int len = port ? snprintf(name, size, "[%s]:%d", host, port)
		       : snprintf(name, size, "%s", host);

	for (char *at = name; *at; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at - 'A' + 'a');
	return len > 0 && (size_t)len < size;
}

static bool same_key(const struct uc_known_line *line, const struct uc_host_key *key)
{
	return line->key_len == key->len && memcmp(line->key, key->bytes, key->len) == 0;
}

static bool same_type(const struct uc_known_line *line, const struct uc_host_key *key)
{
	size_t len = 4 + strlen(line->type); /* the type with its length comes first */

	return key->len >= len && memcmp(line->key, key->bytes, len) == 0;
}

static void note(struct uc_known_answer *answer, enum uc_known_verdict verdict,
		 const struct uc_known_line *line)
{
	if (verdict <= answer->verdict)
		return;
	answer->verdict = verdict;
	answer->line = line;
}

static void judge(struct uc_known_answer *answer, const struct uc_known_line *line,
		  const struct uc_host_key *key)
{
	bool same = same_key(line, key);

	if (line->marker == UC_KNOWN_REVOKED) {
		if (same)
			note(answer, UC_KNOWN_BANNED, line);
	} else if (line->marker == UC_KNOWN_AUTHORITY) {
		if (!answer->authority)
			answer->authority = line;
	} else if (same) {
		note(answer, UC_KNOWN_MATCH, line);
	} else {
		note(answer, same_type(line, key) ? UC_KNOWN_MISMATCH : UC_KNOWN_OTHER,
		     line);
	}
}

static struct uc_known_answer check_name(const struct uc_known_hosts *known,
					 const char *name, const struct uc_host_key *key)
{
	struct uc_known_answer answer = { 0 };

	for (size_t i = 0; i < known->count; i++) {
		const struct uc_known_line *line = &known->line[i];
		int names = uc_known_line_names(line, name);

		if (names == 0)
			continue;
		if (names > 0 && !line->fault) {
			judge(&answer, line, key);
			continue;
		}
		note(&answer, UC_KNOWN_DAMAGED, line);
		if (!answer.damaged)
			answer.damaged = line;
	}
	return answer;
}

struct uc_known_answer uc_known_hosts_check(const struct uc_known_hosts *known,
					    const struct uc_known_peer *peer,
					    const struct uc_host_key *key)
{
	struct uc_known_answer answer = { 0 }, bare;
	char name[UC_KNOWN_NAME_MAX + 1];

	if (!make_name(name, peer->host, peer->port == SSH_PORT ? 0 : peer->port))
		return answer;
	answer = check_name(known, name, key);
	if (peer->port == SSH_PORT || !make_name(name, peer->host, 0))
		return answer;
	bare = check_name(known, name, key);
	if (bare.verdict == UC_KNOWN_BANNED ||
	    (answer.verdict == UC_KNOWN_UNKNOWN &&
	     (bare.verdict == UC_KNOWN_MATCH || bare.verdict == UC_KNOWN_DAMAGED)))
		note(&answer, bare.verdict, bare.line);
	if (!answer.damaged)
		answer.damaged = bare.damaged;
	return answer;
}

static void add_types(const struct uc_known_hosts *known, const char *name,
		      struct uc_strv *types)
{
	for (size_t i = 0; i < known->count; i++) {
		const struct uc_known_line *line = &known->line[i];
		struct uc_host_key key = { line->key, line->key_len };

		if (line->fault || line->marker != UC_KNOWN_PLAIN ||
		    uc_known_line_names(line, name) <= 0 ||
		    uc_strv_find(types, line->type) >= 0)
			continue;
		if (check_name(known, name, &key).verdict == UC_KNOWN_MATCH)
			uc_strv_add(types, line->type);
	}
}

void uc_known_hosts_types(const struct uc_known_hosts *known,
			  const struct uc_known_peer *peer, struct uc_strv *types)
{
	char name[UC_KNOWN_NAME_MAX + 1];
	size_t before = types->count;

	if (make_name(name, peer->host, peer->port == SSH_PORT ? 0 : peer->port))
		add_types(known, name, types);
	if (types->count == before && peer->port != SSH_PORT &&
	    make_name(name, peer->host, 0))
		add_types(known, name, types);
}
