/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* requirements.txt, with the options that pip lets stand in it. */
#include "image/requirement.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include "base/file.h"
#include "base/path.h"

enum {
	NESTING_MAX = 8,
	LINE_MAX_BYTES = 16384,
};

struct file {
	struct uc_requirement_list *list;
	const char *path;
	int line, depth;
	bool follow; /* files that it names are read */
};

static int read_file(struct uc_requirement_list *list, const char *path, int depth,
		     struct uc_error *err);

static struct uc_requirement_place place_of(const struct file *f)
{
	return (struct uc_requirement_place){ f->path, f->line };
}

static void ignore(struct file *f, const char *text, const char *why)
{
	uc_requirement_ignore(f->list, text, place_of(f), why);
}

/* "-r FILE", "--requirement=FILE": what stands behind it; NULL: it is another option. */
static const char *option_value(const char *text, const char *letter, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(text, letter, strlen(letter)) == 0 && text[1] != '-')
		text += strlen(letter);
	else if (strncmp(text, name, len) == 0 && (text[len] == '=' || text[len] == ' '))
		text += len;
	else
		return NULL;
	return text + strspn(text, " \t=");
}

static int take_nested(struct file *f, const char *name, const char *text,
		       struct uc_error *err)
{
	uc_auto(buf) struct uc_buf path = { 0 };

	if (!f->follow || strstr(name, "://")) {
		ignore(f, text, "that file is not read");
		return 0;
	}
	if (f->depth == NESTING_MAX) {
		uc_fail(err, UC_USAGE, "files name each other more than %d deep",
			NESTING_MAX);
		return uc_requirement_at(err, place_of(f));
	}
	if (name[0] != '/') {
		uc_path_folder(&path, f->path);
		uc_buf_addc(&path, '/');
	}
	uc_buf_add(&path, name);
	if (path.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return read_file(f->list, uc_buf_text(&path), f->depth + 1, err);
}

/* An address or a path: the name may stand behind "#egg=". */
static int take_address(struct file *f, const char *text, struct uc_error *err)
{
	const char *egg = strstr(text, "#egg=");
	uc_auto(buf) struct uc_buf name = { 0 };

	if (!egg) {
		ignore(f, text, "it has no name of a package");
		return 0;
	}
	egg += strlen("#egg=");
	uc_buf_addn(&name, egg, strcspn(egg, "&[ \t"));
	if (name.failed)
		return uc_fail(err, UC_FAILED, "out of memory");
	return uc_requirement_take(f->list, uc_buf_text(&name), place_of(f), err);
}

static bool is_address(const char *text)
{
	size_t word = strcspn(text, " \t;");
	size_t tail = strlen(".whl");

	return strncmp(text, "./", 2) == 0 || strncmp(text, "../", 3) == 0 ||
	       text[0] == '/' ||
	       (memmem(text, word, "://", 3) && !memchr(text, '@', word)) ||
	       strncmp(text, "git+", 4) == 0 ||
	       (word > tail && memcmp(text + word - tail, ".whl", tail) == 0);
}

static int take_option(struct file *f, const char *text, struct uc_error *err)
{
	const char *value = option_value(text, "-r", "--requirement");

	if (value)
		return take_nested(f, value, text, err);
	value = option_value(text, "-e", "--editable");
	if (value)
		return take_address(f, value, err);
	if (option_value(text, "-c", "--constraint"))
		ignore(f, text, "constraints ask for no package");
	return 0; /* where pip looks for packages does not matter here */
}

/* A requirement may be followed by options of its own, such as --hash=. */
static void cut_options(char *text)
{
	for (char *at = text; (at = strstr(at, " --")); at++)
		if (isalpha((unsigned char)at[3])) {
			*at = '\0';
			return;
		}
}

static int take_line(struct file *f, char *text, struct uc_error *err)
{
	char *hash = text;
	size_t len;

	/* a comment begins the line or stands behind a blank */
	while ((hash = strchr(hash, '#'))) {
		if (hash == text || isspace((unsigned char)hash[-1])) {
			*hash = '\0';
			break;
		}
		hash++;
	}
	len = strlen(text);
	while (len > 0 && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	while (isspace((unsigned char)*text))
		text++;
	if (!*text)
		return 0;
	if (text[0] == '-')
		return take_option(f, text, err);
	if (is_address(text))
		return take_address(f, text, err);
	cut_options(text);
	return uc_requirement_take(f->list, text, place_of(f), err);
}

static bool is_text(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)line[i] < ' ' && line[i] != '\t' &&
		     line[i] != '\r') ||
		    line[i] == 0x7f)
			return false;
	return true;
}

/* Lines that end with '\' go on in the next. */
static int take_lines(struct file *f, const char *bytes, size_t len, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf line = { 0 };
	int number = 0, first = 0;

	while (len > 0) {
		const char *stop = memchr(bytes, '\n', len);
		size_t here = stop ? (size_t)(stop - bytes) : len;
		const char *start = bytes;
		bool more;

		bytes += stop ? here + 1 : here;
		len -= stop ? here + 1 : here;
		first = line.len ? first : ++number;
		number += line.len > 0;
		f->line = first;
		if (here && start[here - 1] == '\r')
			here--;
		if (!is_text(start, here) || line.len + here > LINE_MAX_BYTES) {
			uc_fail(err, UC_USAGE, "a line that is no text, or too long");
			return uc_requirement_at(err, place_of(f));
		}
		more = here > 0 && start[here - 1] == '\\' && len > 0;
		uc_buf_addn(&line, start, here - more);
		uc_buf_addc(&line, ' '); /* an empty one has bytes, too */
		if (line.failed)
			return uc_fail(err, UC_FAILED, "out of memory");
		if (more)
			continue;
		if (take_line(f, line.data, err) < 0)
			return -1;
		uc_buf_reset(&line);
	}
	return 0;
}

static bool is_yaml(const char *path)
{
	const char *dot = strrchr(path, '.');

	return dot && (strcmp(dot, ".yml") == 0 || strcmp(dot, ".yaml") == 0);
}

static int parse(struct uc_requirement_list *list, const char *path,
		 const struct uc_buf *bytes, int depth, struct uc_error *err)
{
	const char *text = uc_buf_text(bytes);
	size_t len = bytes->len;
	struct file f = { .list = list, .path = path, .depth = depth, .follow = true };

	if (is_yaml(path))
		return uc_requirement_environment(list, path, text, len, err);
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
		text += 3;
		len -= 3;
	}
	return take_lines(&f, text, len, err);
}

static int read_file(struct uc_requirement_list *list, const char *path, int depth,
		     struct uc_error *err)
{
	uc_auto(buf) struct uc_buf bytes = { 0 };

	if (list->files++ == UC_REQUIREMENT_FILES_MAX)
		return uc_fail(err, UC_USAGE, "'%s': more than %d files name each other",
			       path, UC_REQUIREMENT_FILES_MAX);
	if (uc_file_read(path, UC_REQUIREMENT_FILE_MAX, &bytes, err) < 0)
		return -1;
	return parse(list, path, &bytes, depth, err);
}

int uc_requirements_read(struct uc_requirements **list, const char *path,
			 struct uc_error *err)
{
	struct uc_requirement_list *own = uc_requirement_list(list, err);

	return own ? read_file(own, path, 0, err) : -1;
}

int uc_requirements_parse(struct uc_requirements **list, const char *path,
			  const char *bytes, size_t len, struct uc_error *err)
{
	struct uc_requirement_list *own = uc_requirement_list(list, err);
	struct file f = { .list = own, .path = path };

	if (!own)
		return -1;
	return is_yaml(path) ? uc_requirement_environment(own, path, bytes, len, err)
			     : take_lines(&f, bytes, len, err);
}
