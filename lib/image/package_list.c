/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/*
 * Lists of packages as people leave them beside images: what some tool printed, with its
 * headings, remarks and warnings. What a line is, it says itself; headings only tell
 * whose it is.
 */
#include "image/image.h"

#include <ctype.h>
#include <jansson.h>
#include <string.h>

enum {
	WORDS = 4, /* of a line; the rest does not matter */
	LINE_MAX_BYTES = 2000,
};

struct list {
	struct uc_image_build *build;
	enum uc_package_kind kind; /* of the lines to come */
	size_t skipped;
};

struct word {
	const char *at;
	size_t len;
};

static size_t split(const char *line, struct word *word)
{
	size_t count = 0;

	for (;;) {
		line += strspn(line, " \t");
		if (!*line)
			return count;
		if (count == WORDS)
			return count + 1;
		word[count] = (struct word){ line, strcspn(line, " \t") };
		line += word[count++].len;
	}
}

static bool word_is(struct word word, const char *text)
{
	return strlen(text) == word.len && memcmp(word.at, text, word.len) == 0;
}

static bool add(struct list *list, enum uc_package_kind kind, struct word name,
		struct word version)
{
	uc_auto(buf) struct uc_buf one = { 0 }, other = { 0 };

	uc_buf_addn(&one, name.at, name.len);
	uc_buf_addn(&other, version.at, version.len);
	if (one.failed || other.failed) {
		list->build->failed = true;
		return false;
	}
	return uc_image_add_package(list->build, kind, uc_buf_text(&one),
				    other.len ? uc_buf_text(&other) : NULL);
}

/* Letters, digits and "._-" between them; conda's may begin with '_'. */
static size_t name_length(const char *text)
{
	size_t len = 0;

	while (isalnum((unsigned char)text[len]) ||
	       (text[len] && strchr("._-", text[len])))
		len++;
	return len > 0 && isalnum((unsigned char)text[len - 1]) && text[0] != '.' &&
			       text[0] != '-'
		       ? len
		       : 0;
}

static bool is_whole_name(struct word word)
{
	return name_length(word.at) == word.len;
}

static bool is_version(struct word word)
{
	return word.len > 0 && isdigit((unsigned char)word.at[0]);
}

/* "NAME==VERSION", "NAME===VERSION", "NAME @ file:///..." of pip freeze. */
static bool take_frozen(struct list *list, const char *line)
{
	const struct word name = { line, name_length(line) };
	const char *rest = line + name.len + strspn(line + name.len, " ");
	struct word version;

	if (name.len == 0)
		return false;
	if (strncmp(rest, "==", 2) == 0) {
		rest += strspn(rest, "=");
		version = (struct word){ rest, strcspn(rest, " \t;#,") };
		return is_version(version) && add(list, UC_PACKAGE_PIP, name, version);
	}
	if (rest > line + name.len && strncmp(rest, "@ ", 2) == 0)
		return add(list, UC_PACKAGE_PIP, name, (struct word){ 0 });
	return false;
}

/* "-e git+https://host/x@commit#egg=NAME" */
static bool take_editable(struct list *list, const char *line)
{
	const char *egg = strstr(line, "#egg=");
	struct word name;

	if (!egg)
		return false;
	egg += strlen("#egg=");
	name = (struct word){ egg, name_length(egg) };
	return name.len > 0 && add(list, UC_PACKAGE_PIP, name, (struct word){ 0 });
}

/* "ii  NAME[:ARCH]  VERSION  ARCH  ..."; what is removed but configured is not there. */
static bool take_dpkg(struct list *list, const struct word *word)
{
	struct word name = word[1];
	const char *colon = memchr(name.at, ':', name.len);

	if (word[0].len < 2 || word[0].len > 3 || !strchr("uihrp", word[0].at[0]) ||
	    word[0].at[1] != 'i' || !is_version(word[2]))
		return false;
	if (colon)
		name.len = (size_t)(colon - name.at);
	return add(list, UC_PACKAGE_DPKG, name, word[2]);
}

static bool is_dpkg(const struct word *word, size_t count)
{
	return count >= 4 && word[0].len >= 2 && word[0].len <= 3 &&
	       strspn(word[0].at, "uihrpncHUFWtTR") == word[0].len &&
	       !is_version(word[1]) && is_version(word[2]);
}

/* "NAME (VERSION)", as pip wrote before 10 */
static bool take_old_pip(struct list *list, const struct word *word)
{
	struct word version = word[1];

	if (version.at[0] != '(')
		return false;
	version.at++;
	version.len = strcspn(version.at, "), \t");
	return is_version(version) && add(list, UC_PACKAGE_PIP, word[0], version);
}

static bool take_columns(struct list *list, const struct word *word, size_t count)
{
	enum uc_package_kind kind = list->kind;

	if (count < 2 || !is_whole_name(word[0]))
		return false;
	if (take_old_pip(list, word))
		return true;
	if (!is_version(word[1]))
		return false;
	if (kind == UC_PACKAGE_CONDA && count == WORDS && word_is(word[3], "pypi"))
		kind = UC_PACKAGE_PIP;
	/* a sentence may have a number as its second word */
	if (kind == UC_PACKAGE_LISTED && count > 3)
		return false;
	return add(list, kind, word[0], word[1]);
}

/* A heading says whose lines follow; false: it is none. */
static bool take_heading(struct list *list, const char *line, const struct word *word,
			 size_t count)
{
	if (count >= 2 && word_is(word[0], "Package") && word_is(word[1], "Version")) {
		list->kind = UC_PACKAGE_PIP;
		return true;
	}
	if (strncmp(line, "# packages in environment at", 28) == 0 ||
	    (count >= 3 && word_is(word[0], "#") && word_is(word[1], "Name") &&
	     word_is(word[2], "Version"))) {
		list->kind = UC_PACKAGE_CONDA;
		return true;
	}
	return line[0] == '#' || strspn(line, "- ") == strlen(line) ||
	       strncmp(line, "Desired=", 8) == 0 || strncmp(line, "| ", 2) == 0 ||
	       strncmp(line, "|/ ", 3) == 0 || strncmp(line, "||/ ", 4) == 0 ||
	       strncmp(line, "+++-", 4) == 0;
}

static void take_line(struct list *list, const char *line)
{
	struct word word[WORDS];
	size_t count = split(line, word);

	if (take_heading(list, line, word, count))
		return;
	if (strncmp(line, "-e ", 3) == 0 ? take_editable(list, line)
	    : is_dpkg(word, count)
		    ? take_dpkg(list, word)
		    : take_frozen(list, line) || take_columns(list, word, count))
		return;
	list->skipped++;
}

static bool is_text(const char *line, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (((unsigned char)line[i] < ' ' && line[i] != '\t') || line[i] == 0x7f)
			return false;
	return true;
}

static void take_lines(struct list *list, const char *bytes, size_t len)
{
	char line[LINE_MAX_BYTES + 1];

	while (len > 0) {
		const char *stop = memchr(bytes, '\n', len);
		size_t here = stop ? (size_t)(stop - bytes) : len;
		const char *start = bytes;

		bytes += stop ? here + 1 : here;
		len -= stop ? here + 1 : here;
		if (here && start[here - 1] == '\r')
			here--;
		if (here == 0)
			continue;
		if (here > LINE_MAX_BYTES || !is_text(start, here)) {
			list->skipped++;
			continue;
		}
		memcpy(line, start, here);
		line[here] = '\0';
		take_line(list, line);
	}
}

/* What "pip list --format=json" and "conda list --json" print. */
static void take_json(struct list *list, const json_t *root)
{
	const json_t *item;
	size_t i;

	json_array_foreach(root, i, item)
	{
		const char *name = json_string_value(json_object_get(item, "name"));
		const char *version = json_string_value(json_object_get(item, "version"));
		const char *channel = json_string_value(json_object_get(item, "channel"));
		bool conda = channel && strcmp(channel, "pypi") != 0;

		if (!name ||
		    !uc_image_add_package(list->build,
					  conda ? UC_PACKAGE_CONDA : UC_PACKAGE_PIP, name,
					  version))
			list->skipped++;
	}
}

int uc_package_list_parse(const char *bytes, size_t len, struct uc_image **out,
			  size_t *skipped, struct uc_error *err)
{
	struct list list = { .build = uc_image_build_new(), .kind = UC_PACKAGE_LISTED };
	json_t *root = NULL;
	size_t blank = 0;

	if (!list.build)
		return uc_fail(err, UC_FAILED, "out of memory");
	if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0) {
		bytes += 3;
		len -= 3;
	}
	while (blank < len && isspace((unsigned char)bytes[blank]))
		blank++;
	if (blank < len && bytes[blank] == '[')
		root = json_loadb(bytes, len, JSON_DISABLE_EOF_CHECK, NULL);
	if (root)
		take_json(&list, root);
	else
		take_lines(&list, bytes, len);
	json_decref(root);
	list.build->pub.listed = true;
	if (skipped)
		*skipped = list.skipped;
	return uc_image_finish(list.build, out, err);
}
