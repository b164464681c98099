/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "image/inside.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	VARIABLES_MAX = 2000,
	LINE_MAX_BYTES = 8192, /* of the line of a text; longer ones are passed over */
};

static bool ends(const char *text, const char *with)
{
	size_t len = strlen(text), tail = strlen(with);

	return len >= tail && strcmp(text + len - tail, with) == 0;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* The next line of a text, NUL-terminated in `line`; false at the end. */
static bool next_line(const char **bytes, size_t *len, struct uc_buf *line)
{
	while (*len > 0) {
		const char *stop = memchr(*bytes, '\n', *len);
		size_t here = stop ? (size_t)(stop - *bytes) : *len;
		const char *start = *bytes;

		*bytes += stop ? here + 1 : here;
		*len -= stop ? here + 1 : here;
		if (here && start[here - 1] == '\r')
			here--;
		if (here > LINE_MAX_BYTES || memchr(start, '\0', here))
			continue;
		uc_buf_reset(line);
		uc_buf_addn(line, start, here);
		uc_buf_addc(line, '\n'); /* an empty one has bytes, too */
		if (line->failed)
			return false;
		line->data[--line->len] = '\0';
		return true;
	}
	return false;
}

/* "NAME-VERSION" as wheels and eggs write it; the name may have '-' in old ones. */
static void add_python(struct uc_buf *out, const char *stem, size_t len)
{
	uc_auto(buf) struct uc_buf name = { 0 }, version = { 0 };
	size_t at;

	for (at = 0; at + 1 < len; at++)
		if (stem[at] == '-' && isdigit((unsigned char)stem[at + 1]))
			break;
	if (at + 1 >= len)
		at = len;
	uc_buf_addn(&name, stem, at);
	if (at < len)
		uc_buf_addn(&version, stem + at + 1, len - at - 1);
	if (name.len > 0 && !name.failed && !version.failed)
		uc_image_record_add_pair(out, "pip", uc_buf_text(&name),
					 uc_buf_text(&version));
}

/* "NAME-VERSION-BUILD", where the name may have '-' in it. */
static void add_conda(struct uc_buf *out, const char *stem, size_t len)
{
	uc_auto(buf) struct uc_buf name = { 0 }, version = { 0 };
	size_t build = len, start;

	while (build > 0 && stem[build - 1] != '-')
		build--;
	start = build ? build - 1 : 0;
	while (start > 0 && stem[start - 1] != '-')
		start--;
	if (start < 2 || build < 2)
		return;
	uc_buf_addn(&name, stem, start - 1);
	uc_buf_addn(&version, stem + start, build - 1 - start);
	if (!name.failed && !version.failed && version.len > 0)
		uc_image_record_add_pair(out, "conda", uc_buf_text(&name),
					 uc_buf_text(&version));
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* conda keeps what it unpacked below pkgs/, installed or not. */
static bool is_store(const char *folder)
{
	return strstr(folder, "/pkgs/") || strstr(folder, "/site-packages/");
}

/* The loader or the folder of libraries that only one architecture has. */
static const struct {
	const char *name, *architecture;
} marks[] = {
	{ "x86_64-linux-gnu", "x86_64" },
	{ "aarch64-linux-gnu", "aarch64" },
	{ "powerpc64le-linux-gnu", "ppc64le" },
	{ "ld-linux-x86-64.so.2", "x86_64" },
	{ "ld-linux-aarch64.so.1", "aarch64" },
	{ "ld64.so.2", "ppc64le" },
	{ "ld-musl-x86_64.so.1", "x86_64" },
	{ "ld-musl-aarch64.so.1", "aarch64" },
	{ "ld-linux-riscv64-lp64d.so.1", "riscv64" },
};

static bool is_library_folder(const char *folder)
{
	return strcmp(folder, "/lib") == 0 || strcmp(folder, "/usr/lib") == 0 ||
	       strcmp(folder, "/lib64") == 0 || strcmp(folder, "/usr/lib64") == 0;
}

static void add_place(struct uc_buf *out, const char *folder, const char *name)
{
	size_t digits;

	if (is_library_folder(folder))
		for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
			if (strcmp(name, marks[i].name) == 0)
				uc_image_record_add_text(out, "architecture",
							 marks[i].architecture);
	if (strcmp(folder, "/usr/local") == 0 && begins(name, "cuda-")) {
		name += strlen("cuda-");
		digits = strspn(name, "0123456789.");
		/* "cuda-12" is a link to "cuda-12.1" */
		if (name[digits] == '\0' && strchr(name, '.'))
			uc_image_record_add_text(out, "cuda", name);
	}
}

/* Egg's names end with the Python they are for. */
static size_t egg_length(const char *name, size_t len)
{
	for (size_t i = len; i > 3; i--)
		if (strncmp(name + i - 4, "-py", 3) == 0 &&
		    strspn(name + i - 1, "0123456789.") >= len - (i - 1))
			return i - 4;
	return len;
}

void uc_inside_entry(struct uc_buf *out, const char *folder, const char *name)
{
	const char *kind = last_part(folder);
	size_t len = strlen(name);

	add_place(out, folder, name);
	if (is_store(folder))
		return;
	if (strcmp(kind, "conda-meta") == 0 && ends(name, ".json")) {
		add_conda(out, name, len - strlen(".json"));
	} else if (strcmp(kind, "site-packages") == 0 ||
		   strcmp(kind, "dist-packages") == 0) {
		if (ends(name, ".dist-info"))
			add_python(out, name, len - strlen(".dist-info"));
		else if (ends(name, ".egg-info"))
			add_python(out, name,
				   egg_length(name, len - strlen(".egg-info")));
	}
}

bool uc_inside_python(const char *folder, char *version, size_t size)
{
	const char *kind = last_part(folder), *at;
	size_t len;

	if (is_store(folder) ||
	    (strcmp(kind, "site-packages") != 0 && strcmp(kind, "dist-packages") != 0))
		return false;
	for (at = folder; (at = strstr(at, "/python3.")); at++) {
		len = strspn(at + strlen("/python"), "0123456789.");
		if (at[strlen("/python") + len] == '/' && len < size) {
			memcpy(version, at + strlen("/python"), len);
			version[len] = '\0';
			return true;
		}
	}
	return false;
}

/* NAME=value, "value" or 'value' of os-release(5); its escapes are rare and left. */
static void add_quoted(struct uc_buf *out, const char *word, char *value)
{
	size_t len = strlen(value);

	if (len >= 2 && (value[0] == '"' || value[0] == '\'') &&
	    value[len - 1] == value[0]) {
		value[len - 1] = '\0';
		value++;
	}
	if (value[0])
		uc_image_record_add_text(out, word, value);
}

void uc_inside_os_release(struct uc_buf *out, const char *bytes, size_t len)
{
	uc_auto(buf) struct uc_buf line = { 0 };

	while (next_line(&bytes, &len, &line))
		if (begins(line.data, "PRETTY_NAME="))
			add_quoted(out, "os", line.data + strlen("PRETTY_NAME="));
}

void uc_inside_environment(struct uc_buf *out, const char *bytes, size_t len)
{
	uc_auto(buf) struct uc_buf line = { 0 };
	int count = 0;

	while (count < VARIABLES_MAX && next_line(&bytes, &len, &line)) {
		const char *text = line.data;
		size_t name = strspn(text, "abcdefghijklmnopqrstuvwxyz"
					   "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");

		if (name == 0 || text[name] != '=' || isdigit((unsigned char)text[0]))
			continue;
		uc_image_record_add_text(out, "env", text);
		count++;
	}
}

static const char provenance[] = "# enroot-provenance: ";

/* 'word' as enroot quotes the only word of an entrypoint. */
static void unquote(char *text)
{
	size_t len = strlen(text);

	if (len >= 2 && text[0] == '\'' && text[len - 1] == '\'' &&
	    !memchr(text + 1, '\'', len - 2)) {
		memmove(text, text + 1, len - 2);
		text[len - 2] = '\0';
	}
}

static void trim(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && text[len - 1] == ' ')
		text[--len] = '\0';
}

/*
 * Enroot writes two: with the words of who starts it, then with the image's own:
 *	exec ENTRYPOINT "$@"
 *	exec ENTRYPOINT COMMAND
 */
static void add_exec(struct uc_buf *out, char *text, struct uc_buf *entrypoint)
{
	const char *words = "\"$@\"";
	size_t len;

	trim(text);
	len = strlen(text);
	if (ends(text, words)) {
		text[len - strlen(words)] = '\0';
		trim(text);
		uc_buf_reset(entrypoint);
		uc_buf_add(entrypoint, text);
		unquote(text);
		if (text[0])
			uc_image_record_add_text(out, "entrypoint", text);
		return;
	}
	if (entrypoint->len && begins(text, uc_buf_text(entrypoint)))
		text += entrypoint->len;
	text += strspn(text, " ");
	unquote(text);
	if (text[0])
		uc_image_record_add_text(out, "command", text);
}

void uc_inside_rc(struct uc_buf *out, const char *bytes, size_t len)
{
	uc_auto(buf) struct uc_buf line = { 0 }, entrypoint = { 0 };

	while (next_line(&bytes, &len, &line)) {
		char *text = line.data + strspn(line.data, " \t");
		char *end;

		if (begins(text, provenance)) {
			uc_image_record_add_text(out, "origin",
						 text + strlen(provenance));
		} else if (begins(text, "cd \"")) {
			text += strlen("cd \"");
			end = strchr(text, '"');
			if (end && end > text) {
				*end = '\0';
				uc_image_record_add_text(out, "workdir", text);
			}
		} else if (begins(text, "exec ")) {
			add_exec(out, text + strlen("exec "), &entrypoint);
		}
	}
}

struct stanza {
	struct uc_buf name, version;
	bool installed;
};

static void end_stanza(struct uc_buf *out, struct stanza *s)
{
	if (s->installed && s->name.len > 0 && !s->name.failed && !s->version.failed)
		uc_image_record_add_pair(out, "dpkg", uc_buf_text(&s->name),
					 uc_buf_text(&s->version));
	uc_buf_reset(&s->name);
	uc_buf_reset(&s->version);
	s->installed = false;
}

void uc_inside_dpkg(struct uc_buf *out, const char *bytes, size_t len)
{
	uc_auto(buf) struct uc_buf line = { 0 };
	struct stanza s = { 0 };

	while (next_line(&bytes, &len, &line)) {
		const char *text = line.data;

		if (text[0] == '\0') {
			end_stanza(out, &s);
		} else if (begins(text, "Package: ")) {
			uc_buf_reset(&s.name);
			uc_buf_add(&s.name, text + strlen("Package: "));
		} else if (begins(text, "Version: ")) {
			uc_buf_reset(&s.version);
			uc_buf_add(&s.version, text + strlen("Version: "));
		} else if (begins(text, "Status: ")) {
			s.installed = ends(text, " installed");
		}
	}
	end_stanza(out, &s);
	uc_buf_free(&s.name);
	uc_buf_free(&s.version);
}
