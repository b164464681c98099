/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
/* Variables given with --env and --env-file. */
#include <ucluster/environment.h>

#include <string.h>

#include "base/file.h"
#include "base/utf8.h"
#include "job/spec.h"

static bool starts_name(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
}

static size_t name_length(const char *text, size_t len)
{
	size_t i = 0;

	while (i < len &&
	       (starts_name(text[i]) || (i > 0 && text[i] >= '0' && text[i] <= '9')))
		i++;
	return i;
}

/* Put an assignment that was checked into its place. */
static void put(struct uc_strv *env, const char *assignment, size_t name_len)
{
	for (size_t i = 0; i < env->count; i++) {
		struct uc_strv one = { 0 };

		if (strncmp(env->item[i], assignment, name_len + 1) != 0)
			continue;
		uc_strv_add(&one, assignment);
		if (one.failed) {
			env->failed = true;
		} else {
			char *old = env->item[i];

			env->item[i] = one.item[0];
			one.item[0] = old;
		}
		uc_strv_free(&one);
		return;
	}
	uc_strv_add(env, assignment);
}

int uc_env_set(struct uc_strv *env, const char *assignment,
	       const char *const *environment, struct uc_error *err)
{
	uc_auto(buf) struct uc_buf whole = { 0 };
	size_t len = strcspn(assignment, "=");
	const char *value;

	if (len == 0 || name_length(assignment, len) != len)
		return uc_fail(err, UC_USAGE,
			       "'%.*s': expected NAME or NAME=VALUE, NAME of letters, "
			       "digits and _",
			       (int)(len < 80 ? len : 80), assignment);
	if (!assignment[len]) {
		value = uc_env_value(environment, assignment);
		if (!value) {
			uc_fail(err, UC_NOTFOUND, "variable '%s' is not set", assignment);
			return uc_hint(err, "give its value: --env %s=VALUE", assignment);
		}
		uc_buf_addf(&whole, "%s=%s", assignment, value);
	} else {
		uc_buf_add(&whole, assignment);
	}
	if (whole.len >= UC_ENV_BYTES_MAX)
		return uc_fail(err, UC_USAGE,
			       "variable '%.*s' has %zu bytes, at most %d can be passed",
			       (int)(len < 80 ? len : 80), assignment, whole.len,
			       UC_ENV_BYTES_MAX - 1);
	if (!whole.failed)
		put(env, uc_buf_text(&whole), len);
	return whole.failed || env->failed ? uc_fail(err, UC_FAILED, "out of memory") : 0;
}

/* A line being read. */
struct line {
	const char *path;
	const char *text; /* without its end */
	size_t len, pos;
	int number;
	struct uc_errors *faults;
};

/* Columns count characters; a byte that belongs to none is one. */
static int column_of(const struct line *line, size_t pos)
{
	int column = 1;
	uint32_t code;

	for (size_t i = 0; i < pos; column++) {
		size_t size = uc_utf8_decode(line->text + i, line->len - i, &code);

		i += size ? size : 1;
	}
	return column;
}

/* Say what is wrong at byte `pos`. */
static void fault(struct line *line, size_t pos, const char *text, const char *hint)
{
	struct uc_error err;

	uc_fail(&err, UC_USAGE, "%s", text);
	uc_at(&err, line->path, line->number, column_of(line, pos));
	if (hint)
		uc_hint(&err, "%s", hint);
	uc_errors_add(line->faults, &err);
}

static void skip_blanks(struct line *line)
{
	while (line->pos < line->len &&
	       (line->text[line->pos] == ' ' || line->text[line->pos] == '\t'))
		line->pos++;
}

/* What a backslash makes of this character, 0 when it has no meaning. */
static char escape(char c)
{
	static const char from[] = "\"\\$nrt", to[] = "\"\\$\n\r\t";
	const char *at = c ? strchr(from, c) : NULL;

	return at ? to[at - from] : '\0';
}

/* Between quotes; the closing one is taken too. */
static bool read_quoted(struct line *line, struct uc_buf *out)
{
	size_t open = line->pos;
	char quote = line->text[line->pos++];

	for (; line->pos < line->len; line->pos++) {
		char c = line->text[line->pos];

		if (c == quote) {
			line->pos++;
			return true;
		}
		if (c == '\\' && quote == '"') {
			if (line->pos + 1 == line->len)
				break;
			c = escape(line->text[++line->pos]);
			if (!c) {
				fault(line, line->pos - 1, "not an escape",
				      "in \"...\" there are \\\" \\\\ \\$ \\n \\r \\t; "
				      "in '...' a backslash is itself");
				return false;
			}
		}
		uc_buf_addc(out, c);
	}
	fault(line, open, "the quote is not closed on this line",
	      "write a line break as \\n between double quotes");
	return false;
}

static bool read_plain(struct line *line, struct uc_buf *out)
{
	size_t start = line->pos, end;

	for (; line->pos < line->len; line->pos++) {
		char c = line->text[line->pos];

		if (c == '\'' || c == '"') {
			fault(line, line->pos, "a quote inside a value",
			      "quote the whole value");
			return false;
		}
		if (c == '#' && line->pos > start &&
		    strchr(" \t", line->text[line->pos - 1]))
			break;
	}
	for (end = line->pos; end > start && strchr(" \t", line->text[end - 1]);)
		end--;
	uc_buf_addn(out, line->text + start, end - start);
	line->pos = line->len;
	return true;
}

/* The value, up to the end of the line. */
static bool read_value(struct line *line, struct uc_buf *out)
{
	char c = line->pos < line->len ? line->text[line->pos] : '\0';

	if (c == ' ' || c == '\t') {
		size_t gap = line->pos;

		skip_blanks(line);
		if (line->pos == line->len || line->text[line->pos] == '#')
			return true; /* NAME= # empty */
		fault(line, gap, "a blank after '='",
		      "write NAME=VALUE, or quote the value");
		return false;
	}
	if (c != '\'' && c != '"')
		return read_plain(line, out);
	if (!read_quoted(line, out))
		return false;
	c = line->pos < line->len ? line->text[line->pos] : ' ';
	skip_blanks(line);
	if (line->pos == line->len || (line->text[line->pos] == '#' && c != '#'))
		return true;
	fault(line, line->pos, "expected the end of the line after the quote", NULL);
	return false;
}

/* "export " in front has no meaning here. */
static void skip_export(struct line *line)
{
	const char *text = line->text + line->pos;

	if (line->len - line->pos > 6 && strncmp(text, "export", 6) == 0 &&
	    (text[6] == ' ' || text[6] == '\t')) {
		line->pos += 6;
		skip_blanks(line);
	}
}

static bool read_name(struct line *line, size_t *len)
{
	const char *text = line->text + line->pos;

	*len = name_length(text, line->len - line->pos);
	if (*len == 0) {
		fault(line, line->pos, "expected NAME=VALUE",
		      "names have letters, digits and _, no digit in front");
		return false;
	}
	line->pos += *len;
	if (line->pos < line->len && line->text[line->pos] == '=') {
		line->pos++;
		return true;
	}
	fault(line, line->pos, "expected '=' after the name",
	      "names have letters, digits and _, no blank before '='");
	return false;
}

static void read_line(struct line *line, struct uc_strv *env)
{
	uc_auto(buf) struct uc_buf item = { 0 };
	const char *nul = memchr(line->text, '\0', line->len);
	size_t start, len;

	if (nul) {
		fault(line, (size_t)(nul - line->text), "a NUL byte", NULL);
		return;
	}
	skip_blanks(line);
	if (line->pos == line->len || line->text[line->pos] == '#')
		return;
	skip_export(line);
	start = line->pos;
	if (!read_name(line, &len))
		return;
	uc_buf_addn(&item, line->text + start, len + 1);
	for (size_t i = 0; i < env->count; i++)
		if (strncmp(env->item[i], uc_buf_text(&item), len + 1) == 0) {
			fault(line, start, "the name was set before in this file", NULL);
			return;
		}
	if (!read_value(line, &item))
		return;
	if (item.len >= UC_ENV_BYTES_MAX)
		fault(line, start, "the value is longer than 128 KiB", NULL);
	else if (env->count == UC_ENV_VARS_MAX)
		fault(line, start, "more than 4096 variables in one file", NULL);
	else
		uc_strv_add(env, uc_buf_text(&item));
	env->failed = env->failed || item.failed;
}

static int fail_whole(const char *path, struct uc_errors *faults, struct uc_error *err)
{
	uc_at(err, path, 1, 1);
	uc_errors_add(faults, err);
	return -1;
}

int uc_env_parse(struct uc_strv *env, const char *path, const char *bytes, size_t len,
		 struct uc_errors *faults)
{
	uc_auto(strv) struct uc_strv found = { 0 };
	struct line line = { .path = path, .faults = faults };
	size_t before = faults->count + faults->dropped, pos = 0;
	struct uc_error err;

	if (len > UC_ENV_FILE_MAX) {
		uc_fail(&err, UC_USAGE, "the file is larger than 256 KiB");
		return fail_whole(path, faults, &err);
	}
	if (len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0)
		pos = 3;
	while (pos < len) {
		const char *end = memchr(bytes + pos, '\n', len - pos);

		line.text = bytes + pos;
		line.len = end ? (size_t)(end - line.text) : len - pos;
		line.pos = 0;
		line.number++;
		pos += line.len + 1;
		if (line.len > 0 && line.text[line.len - 1] == '\r')
			line.len--;
		read_line(&line, &found);
		if (faults->dropped > 0)
			break; /* nobody reads more */
	}
	if (faults->count + faults->dropped > before)
		return -1;
	for (size_t i = 0; i < found.count; i++)
		put(env, found.item[i], strcspn(found.item[i], "="));
	if (!found.failed && !env->failed)
		return 0;
	uc_fail(&err, UC_FAILED, "out of memory");
	return fail_whole(path, faults, &err);
}

int uc_env_file(struct uc_strv *env, const char *path, struct uc_errors *faults)
{
	uc_auto(buf) struct uc_buf bytes = { 0 };
	struct uc_error err;

	if (uc_file_read(path, UC_ENV_FILE_MAX, &bytes, &err) < 0) {
		uc_errors_add(faults, &err);
		return -1;
	}
	return uc_env_parse(env, path, uc_buf_text(&bytes), bytes.len, faults);
}
