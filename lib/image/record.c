/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include "image/record.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
	FIELDS_MAX = 4, /* of a line */
};

void uc_image_record_add_field(struct uc_buf *out, const char *text, size_t len)
{
	size_t from = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c >= 0x20 && c != 0x7f && c != '%')
			continue;
		uc_buf_addn(out, text + from, i - from);
		uc_buf_addf(out, "%%%02X", c);
		from = i + 1;
	}
	uc_buf_addn(out, text + from, len - from);
}

void uc_image_record_add(struct uc_buf *out, const char *word, const char *const *fields)
{
	uc_buf_add(out, word);
	for (; *fields; fields++) {
		uc_buf_addc(out, '\t');
		uc_image_record_add_field(out, *fields, strlen(*fields));
	}
	uc_buf_addc(out, '\n');
}

void uc_image_record_add_pair(struct uc_buf *out, const char *word, const char *one,
			      const char *other)
{
	uc_image_record_add(out, word, (const char *const[]){ one, other, NULL });
}

void uc_image_record_add_text(struct uc_buf *out, const char *word, const char *text)
{
	uc_image_record_add(out, word, (const char *const[]){ text, NULL });
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Undo %XX in place; false: malformed, a control byte, or a NUL. */
static bool decode(char *field)
{
	char *to = field;

	for (const char *c = field; *c; c++) {
		int high, low;

		if ((unsigned char)*c < ' ' || *c == 0x7f)
			return false;
		if (*c != '%') {
			*to++ = *c;
			continue;
		}
		high = hex(c[1]);
		low = high < 0 ? -1 : hex(c[2]);
		if (low < 0 || (high == 0 && low == 0))
			return false;
		*to++ = (char)(high << 4 | low);
		c += 2;
	}
	*to = '\0';
	return true;
}

static bool number(const char *text, uint64_t *out)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	*out = strtoull(text, &end, 10);
	return *end == '\0';
}

struct line {
	char *field[FIELDS_MAX];
	size_t count;
};

struct record {
	struct uc_image_build *build;
	bool ended;
	uint64_t python_count; /* packages of the Python that is told of */
	struct uc_error *err;
};

typedef bool take_fn(struct record *r, const struct line *line);

static struct uc_raw keep(struct record *r, const char *text)
{
	return uc_raw(uc_arena_strdup(r->build->arena, text));
}

/* A text that is told once; of several, the first. */
#define TAKE_TEXT(member)                                                                \
	static bool take_##member(struct record *r, const struct line *line)             \
	{                                                                                \
		if (!r->build->pub.member.bytes && line->field[0][0])                    \
			r->build->pub.member = keep(r, line->field[0]);                  \
		return true;                                                             \
	}
TAKE_TEXT(os)
TAKE_TEXT(architecture)
TAKE_TEXT(origin)
TAKE_TEXT(workdir)
TAKE_TEXT(entrypoint)
TAKE_TEXT(command)
TAKE_TEXT(cuda)
TAKE_TEXT(compressor)

static bool take_pip(struct record *r, const struct line *line)
{
	uc_image_add_package(r->build, UC_PACKAGE_PIP, line->field[0], line->field[1]);
	return true;
}

static bool take_conda(struct record *r, const struct line *line)
{
	uc_image_add_package(r->build, UC_PACKAGE_CONDA, line->field[0], line->field[1]);
	return true;
}

static bool take_dpkg(struct record *r, const struct line *line)
{
	uc_image_add_package(r->build, UC_PACKAGE_DPKG, line->field[0], line->field[1]);
	return true;
}

static bool take_env(struct record *r, const struct line *line)
{
	uc_image_add_variable(r->build, line->field[0]);
	return true;
}

static bool take_folder(struct record *r, const struct line *line)
{
	uint64_t bytes, files;

	if (!number(line->field[0], &bytes) || !number(line->field[1], &files))
		return false;
	uc_image_add_folder(r->build, line->field[2], bytes, files);
	return true;
}

/* That of the Python with most packages. */
static bool take_python(struct record *r, const struct line *line)
{
	uint64_t count;

	if (!number(line->field[1], &count))
		return false;
	if (!r->build->pub.python.bytes || count > r->python_count) {
		r->build->pub.python = keep(r, line->field[0]);
		r->python_count = count;
	}
	return true;
}

static bool take_made(struct record *r, const struct line *line)
{
	uint64_t when;

	if (!number(line->field[0], &when) || when > INT32_MAX * UINT64_C(4))
		return false;
	r->build->pub.made = (int64_t)when;
	return true;
}

static bool take_fault(struct record *r, const struct line *line)
{
	uc_fail(r->err, UC_INVALID, "%s", line->field[0]);
	return false;
}

static bool take_end(struct record *r, const struct line *line)
{
	struct uc_image *image = &r->build->pub;

	r->ended = number(line->field[0], &image->files) &&
		   number(line->field[1], &image->bytes) &&
		   number(line->field[2], &image->bytes_read);
	return r->ended;
}

static const struct {
	const char *word;
	size_t fields;
	take_fn *take;
} words[] = {
	{ "dpkg", 2, take_dpkg },
	{ "pip", 2, take_pip },
	{ "conda", 2, take_conda },
	{ "env", 1, take_env },
	{ "folder", 3, take_folder },
	{ "os", 1, take_os },
	{ "architecture", 1, take_architecture },
	{ "origin", 1, take_origin },
	{ "workdir", 1, take_workdir },
	{ "entrypoint", 1, take_entrypoint },
	{ "command", 1, take_command },
	{ "cuda", 1, take_cuda },
	{ "compressor", 1, take_compressor },
	{ "python", 2, take_python },
	{ "made", 1, take_made },
	{ "fault", 1, take_fault },
	{ "end", 3, take_end },
};

/* Words that are not known are of a newer program's; they are passed over. */
static bool take_line(struct record *r, char *text)
{
	struct line line = { 0 };
	char *next = strchr(text, '\t');

	if (r->ended)
		return false;
	if (next)
		*next++ = '\0';
	while (next && line.count < FIELDS_MAX) {
		char *field = next;

		next = strchr(field, '\t');
		if (next)
			*next++ = '\0';
		if (!decode(field))
			return false;
		line.field[line.count++] = field;
	}
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, text) == 0)
			return line.count == words[i].fields && !next &&
			       words[i].take(r, &line);
	return true;
}

static bool take_lines(struct record *r, char *text, size_t len)
{
	char *end = text + len;

	while (text < end) {
		char *stop = memchr(text, '\n', (size_t)(end - text));

		if (!stop || memchr(text, '\0', (size_t)(stop - text)))
			return false;
		*stop = '\0';
		if (!take_line(r, text))
			return false;
		text = stop + 1;
	}
	return r->ended;
}

int uc_image_record_parse(const char *bytes, size_t len, struct uc_image **out,
			  struct uc_error *err)
{
	struct uc_error fault = { 0 };
	struct record r = { .build = uc_image_build_new(), .err = &fault };
	char *copy = malloc(len + 1);
	bool taken;

	if (!r.build || !copy) {
		free(copy);
		uc_image_free(r.build ? &r.build->pub : NULL);
		return uc_fail(err, UC_FAILED, "out of memory");
	}
	memcpy(copy, bytes, len);
	copy[len] = '\0';
	taken = take_lines(&r, copy, len);
	free(copy);
	if (taken)
		return uc_image_finish(r.build, out, err);
	uc_image_free(&r.build->pub);
	return fault.code ? uc_fail(err, UC_INVALID, "%s", fault.text)
			  : uc_fail(err, UC_INVALID, "what was read of it is garbled");
}
