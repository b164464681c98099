/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Words of the command line that name a place: HOST:PATH, and paths as text. */
#include <string.h>
#include "usync/command.h"

void uc_usync_place_free(struct usync_place *place)
{
	uc_buf_free(&place->host);
	uc_buf_free(&place->path);
}

/* Where the host ends: at a colon before any slash, and not inside brackets. */
static const char *host_end(const char *word)
{
	const char *bracket = strchr(word, '['), *slash = strchr(word, '/');
	const char *from = word;

	if (bracket && (!slash || bracket < slash) &&
	    (bracket == word || bracket[-1] == '@')) {
		from = strchr(bracket, ']');
		if (!from)
			return NULL;
	}
	from = strpbrk(from, ":/");
	return from && *from == ':' ? from : NULL;
}

static bool is_host(const char *text, size_t len)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789._-@:[]%+";

	return len > 0 && text[0] != '-' && strspn(text, plain) >= len;
}

int usync_place_parse(struct usync_place *place, const char *word, struct uc_error *err)
{
	const char *colon = host_end(word);

	if (colon && colon[1] == ':') {
		uc_fail(err, UC_USAGE, "'%s' is a place of an rsync daemon", word);
		return uc_hint(err, "usync goes over SSH: HOST:DIR");
	}
	if (colon && !is_host(word, (size_t)(colon - word))) {
		uc_fail(err, UC_USAGE, "'%.*s' is no host", (int)(colon - word), word);
		return uc_hint(err, "a file whose name has a colon is written ./%s",
			       word);
	}
	if (colon)
		uc_buf_addn(&place->host, word, (size_t)(colon - word));
	uc_buf_add(&place->path, colon ? colon + 1 : word);
	if (!colon && !word[0])
		return uc_fail(err, UC_USAGE, "a path is empty");
	return place->host.failed || place->path.failed
		       ? uc_fail(err, UC_FAILED, "out of memory")
		       : 0;
}

/* Take the last name away; the root stays. */
static void go_up(struct uc_buf *path)
{
	while (path->len && path->data[path->len - 1] != '/')
		path->len--;
	while (path->len && path->data[path->len - 1] == '/')
		path->len--;
	if (path->data)
		path->data[path->len] = '\0';
}

static void add_names(struct uc_buf *out, const char *path)
{
	while (*path) {
		const size_t len = strcspn(path, "/");

		if (len == 2 && memcmp(path, "..", 2) == 0)
			go_up(out);
		else if (len && !(len == 1 && path[0] == '.'))
			uc_buf_addf(out, "/%.*s", (int)len, path);
		path += len;
		path += strspn(path, "/");
	}
}

void usync_path_clean(struct uc_buf *out, const char *cwd, const char *path)
{
	if (path[0] != '/')
		add_names(out, cwd);
	add_names(out, path);
	if (!out->len)
		uc_buf_addc(out, '/');
}
