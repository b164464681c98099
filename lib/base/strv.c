/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copyright the ucluster authors */
#include <ucluster/text.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void uc_strv_free(struct uc_strv *v)
{
	int saved = errno;

	for (size_t i = 0; i < v->count; i++)
		free(v->item[i]);
	free(v->item);
	*v = (struct uc_strv){ 0 };
	errno = saved;
}

/* Takes `text` over. */
static void append(struct uc_strv *v, char *text)
{
	char **item = v->item;

	if (text && v->count + 1 >= v->cap) {
		size_t cap = v->cap ? v->cap * 2 : 8;

		item = reallocarray(v->item, cap, sizeof(*item));
		if (item) {
			v->item = item;
			v->cap = cap;
		}
	}
	if (!text || !item) {
		v->failed = true;
		free(text);
		return;
	}
	v->item[v->count++] = text;
	v->item[v->count] = NULL;
}

void uc_strv_addn(struct uc_strv *v, const char *bytes, size_t len)
{
	if (!v->failed)
		append(v, strndup(bytes, len));
}

void uc_strv_add(struct uc_strv *v, const char *text)
{
	if (!v->failed)
		append(v, strdup(text));
}

void uc_strv_addf(struct uc_strv *v, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	if (v->failed)
		return;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	append(v, text);
}

void uc_strv_add_all(struct uc_strv *v, const char *const *items)
{
	for (; items && *items; items++)
		uc_strv_add(v, *items);
}

long uc_strv_find(const struct uc_strv *v, const char *text)
{
	for (size_t i = 0; i < v->count; i++)
		if (strcmp(v->item[i], text) == 0)
			return (long)i;
	return -1;
}
