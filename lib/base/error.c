/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <ucluster/error.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucluster/text.h>

/* Copy into a fixed field, cut at a character with "..." where it does not fit. */
static void set_text(char *field, size_t size, const char *text)
{
	size_t len = strlen(text);

	if (len < size) {
		memcpy(field, text, len + 1);
		return;
	}
	len = size - sizeof("...");
	while (len > 0 && ((unsigned char)text[len] & 0xc0) == 0x80)
		len--;
	memcpy(field, text, len);
	memcpy(field + len, "...", sizeof("..."));
}

/* A path keeps its end, which tells more than its beginning. */
static void set_mark(struct uc_mark *mark, const char *path, int line, int column)
{
	uc_auto(buf) struct uc_buf safe = { 0 };
	const char *text;
	size_t len;

	uc_buf_safe(&safe, uc_raw(path), MB_CUR_MAX > 1 ? 0 : UC_SAFE_ASCII);
	text = uc_buf_text(&safe);
	len = strlen(text);
	if (len >= sizeof(mark->path)) {
		text += len - (sizeof(mark->path) - sizeof("..."));
		while (((unsigned char)*text & 0xc0) == 0x80)
			text++;
		snprintf(mark->path, sizeof(mark->path), "...%s", text);
	} else {
		memcpy(mark->path, text, len + 1);
	}
	mark->line = line;
	mark->column = column;
}

/* The sanitiser's work is all that allocates; without memory the text is left out, and
 * false is returned. */
static bool set_safe(char *field, size_t size, struct uc_buf *raw)
{
	uc_auto(buf) struct uc_buf safe = { 0 };

	uc_buf_safen(&safe, uc_buf_text(raw), raw->len,
		     MB_CUR_MAX > 1 ? 0 : UC_SAFE_ASCII);
	set_text(field, size,
		 raw->failed || safe.failed ? "out of memory" : uc_buf_text(&safe));
	return !raw->failed && !safe.failed;
}

static int fill(struct uc_error *err, enum uc_code code, const char *file, int line,
		struct uc_buf *text)
{
	if (!err)
		return -1;
	*err = (struct uc_error){ .code = code };
	set_mark(&err->from, file, line, 0);
	if (!set_safe(err->text, sizeof(err->text), text) && code == UC_OK)
		err->code = UC_FAILED;
	return -1;
}

int uc_fail_from(struct uc_error *err, enum uc_code code, const char *file, int line,
		 const char *fmt, ...)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	va_list ap;

	va_start(ap, fmt);
	uc_buf_addv(&text, fmt, ap);
	va_end(ap);
	return fill(err, code, file, line, &text);
}

int uc_fail_errno_from(struct uc_error *err, enum uc_code code, int errno_value,
		       const char *file, int line, const char *fmt, ...)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	char reason[128];
	va_list ap;

	va_start(ap, fmt);
	uc_buf_addv(&text, fmt, ap);
	va_end(ap);
	uc_buf_addf(&text, ": %s", strerror_r(errno_value, reason, sizeof(reason)));
	return fill(err, code, file, line, &text);
}

int uc_hint(struct uc_error *err, const char *fmt, ...)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, fmt);
	uc_buf_addv(&text, fmt, ap);
	va_end(ap);
	set_safe(err->hint, sizeof(err->hint), &text);
	return -1;
}

int uc_at(struct uc_error *err, const char *path, int line, int column)
{
	if (err)
		set_mark(&err->at, path, line, column);
	return -1;
}

int uc_context(struct uc_error *err, const char *fmt, ...)
{
	uc_auto(buf) struct uc_buf text = { 0 };
	va_list ap;

	if (!err)
		return -1;
	va_start(ap, fmt);
	uc_buf_addv(&text, fmt, ap);
	va_end(ap);
	uc_buf_addf(&text, ": %s", err->text);
	set_safe(err->text, sizeof(err->text), &text);
	return -1;
}

void uc_errors_add(struct uc_errors *list, const struct uc_error *err)
{
	struct uc_error *item;

	if (!list)
		return;
	item = list->count < UC_ERRORS_MAX
		       ? reallocarray(list->item, list->count + 1, sizeof(*item))
		       : NULL;
	if (!item) {
		list->dropped++;
		return;
	}
	list->item = item;
	list->item[list->count++] = *err;
}

void uc_errors_free(struct uc_errors *list)
{
	int saved = errno;

	free(list->item);
	*list = (struct uc_errors){ 0 };
	errno = saved;
}
